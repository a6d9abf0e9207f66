#include "statetest_print.h"

#include <stdio.h>

#include "base/buf.h"
#include "codec/u256.h"
#include "fixtures.h"

void statetest_print_text(const char *path, struct slice name, const struct state_case *c, const struct state_result *r)
{
    (void)printf("%s %s %.*s %.*s[%zu] d%zu g%zu v%zu", fixtures_word(r->verdict), path, SLICE_ARGS(name),
                 SLICE_ARGS(c->network), c->index, c->data, c->gas, c->value);
    if (r->verdict == STATE_PASSED && r->refused)
        (void)printf(": refused as expected (%.*s): %s", SLICE_ARGS(c->exception), r->words.text);
    else if (r->words.text[0])
        (void)printf(": %s", r->words.text);
    (void)printf("\n");
}

struct dump {
    struct json_writer *w;
    const struct state_view *view;
    struct arena_home code;
    enum fan_status failed;
};

static bool dump_slot(void *ctx, const struct fan_u256 *slot, const struct fan_u256 *value)
{
    struct json_writer *w = ctx;
    struct fan_hash word;

    u256_to_be(slot, word.bytes);
    json_put_data_key(w, slice_of(word.bytes, sizeof word.bytes));
    u256_to_be(value, word.bytes);
    json_put_hash(w, &word);
    return true;
}

static bool dump_account(void *ctx, const struct fan_address *address, const struct state_account *account)
{
    struct dump *d = ctx;
    struct arena a = arena_of(&d->code);
    struct slice code;

    json_put_data_key(d->w, slice_of(address->bytes, sizeof address->bytes));
    json_begin_object(d->w);
    json_put_key(d->w, "balance");
    json_put_u256(d->w, &account->balance_wei);
    json_put_key(d->w, "nonce");
    json_put_u64(d->w, account->nonce);
    d->failed = state_view_code(d->view, &account->code_hash, &a, &code);
    if (d->failed) return false;
    json_put_key(d->w, "code");
    json_put_data(d->w, code);
    json_put_key(d->w, "storage");
    json_begin_object(d->w);
    d->failed = state_view_walk_slots(d->view, address, dump_slot, d->w);
    json_end_object(d->w);
    json_end_object(d->w);
    arena_home_reset(&d->code);
    return !d->failed;
}

/* The whole state as a fixture's `pre` has it, so that two runners' ends can be compared by their lines. */
static void dump_state(const struct state_view *v, struct json_writer *w)
{
    struct dump d = {.w = w, .view = v};

    arena_home_init(&d.code, 0);
    json_put_key(w, "state");
    json_begin_object(w);
    if (state_view_walk_accounts(v, dump_account, &d) || d.failed) w->out->failed = FAN_ENOMEM;
    json_end_object(w);
    arena_home_fini(&d.code);
}

/* The keys of geth's `evm statetest` and revme's lines together, so that tools for either find theirs. */
void statetest_print_json(const char *path, struct slice name, const struct state_case *c, const struct state_result *r)
{
    struct buf b;
    struct json_writer w;

    buf_init(&b, 0);
    w = json_writer_of(&b);
    json_begin_object(&w);
    json_put_key(&w, "name");
    json_put_str(&w, name);
    json_put_key(&w, "file");
    json_put_text(&w, path);
    json_put_key(&w, "fork");
    json_put_str(&w, c->network);
    json_put_key(&w, "index");
    json_put_number(&w, c->index);
    json_put_key(&w, "d");
    json_put_number(&w, c->data);
    json_put_key(&w, "g");
    json_put_number(&w, c->gas);
    json_put_key(&w, "v");
    json_put_number(&w, c->value);
    json_put_key(&w, "pass");
    json_put_bool(&w, r->verdict == STATE_PASSED);
    if (r->verdict == STATE_SKIPPED) {
        json_put_key(&w, "skipped");
        json_put_bool(&w, true);
    }
    if (r->has_root) {
        json_put_key(&w, "stateRoot");
        json_put_hash(&w, &r->root);
        json_put_key(&w, "logsRoot");
        json_put_hash(&w, &r->logs);
        json_put_key(&w, "gasUsed");
        json_put_u64(&w, r->gas_used);
    }
    if (r->words.text[0]) {
        json_put_key(&w, r->verdict == STATE_PASSED ? "refused" : "error");
        json_put_text(&w, r->words.text);
    }
    if (r->after) dump_state(r->after, &w);
    json_end_object(&w);
    buf_put_byte(&b, '\n');
    if (!b.failed) (void)fwrite(b.at, 1, b.len, stdout);
    buf_fini(&b);
}
