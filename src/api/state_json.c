#include "api/state_json.h"

#include "codec/gzip.h"
#include "codec/u256.h"

static void put_word(struct json_writer *w, const struct fan_u256 *v)
{
    uint8_t bytes[32];

    u256_to_be(v, bytes);
    json_put_data(w, slice_of(bytes, sizeof bytes));
}

static enum fan_status put_account(void *ctx, const struct genesis_account *account)
{
    struct json_writer *w = ctx;

    json_put_data_key(w, slice_of(account->address.bytes, sizeof account->address.bytes));
    json_begin_object(w);
    json_put_key(w, "nonce");
    json_put_number(w, account->nonce);
    json_put_key(w, "balance");
    json_put_u256(w, &account->balance_wei);
    json_put_key(w, "code");
    json_put_data(w, account->code);
    json_put_key(w, "storage");
    json_begin_object(w);
    for (size_t i = 0; i < account->slot_count; i++) {
        uint8_t slot[32];

        u256_to_be(&account->slots[i].slot, slot);
        json_put_data_key(w, slice_of(slot, sizeof slot));
        put_word(w, &account->slots[i].value);
    }
    json_end_object(w);
    json_end_object(w);
    return w->out->failed;
}

enum fan_status state_put_json(struct chain *c, struct json_writer *w)
{
    enum fan_status s;

    json_begin_object(w);
    json_put_key(w, "block");
    json_put_null(w);
    json_put_key(w, "accounts");
    json_begin_object(w);
    s = c->dev->walk_state(c, put_account, w);
    json_end_object(w);
    json_put_key(w, "best_block_number");
    json_put_null(w);
    json_end_object(w);
    return s ? s : w->out->failed;
}

static struct fan_u256 read_word(struct params *p, const struct where *at, struct slice text)
{
    struct fan_u256 v = u256_of(0);
    const char *fault = p->code ? NULL : read_slot(text, &v, NULL);

    if (fault) params_fail_at(p, at, "%s", fault);
    return v;
}

static void read_storage(struct params *p, const struct where *outer, struct json storage, struct genesis_account *out)
{
    struct where at = {.outer = outer, .key = "storage"};
    size_t count = json_count(storage);
    struct genesis_slot *slots = ARENA_ARRAY(p->arena, count, struct genesis_slot);

    if (!slots) {
        params_fail(p, CODE_INTERNAL, "out of memory");
        return;
    }
    for (struct json v = json_first(storage); !json_is(v, JSON_MISSING) && !p->code; v = json_next(v)) {
        struct genesis_slot *slot = &slots[out->slot_count++];

        slot->slot = read_word(p, &at, json_key(v));
        if (!json_is(v, JSON_STRING)) params_fail_at(p, &at, "want a string of hexadecimal digits");
        slot->value = read_word(p, &at, json_str_raw(v));
    }
    out->slots = slots;
}

static void read_account(struct params *p, const struct where *outer, struct json v, struct genesis_account *out)
{
    struct arena *a = p->arena;
    char *name = arena_cstr(a, json_key(v));
    struct where at = {.outer = outer, .key = name ? name : ""};
    struct where nonce = {.outer = &at, .key = "nonce"}, balance = {.outer = &at, .key = "balance"},
                 code = {.outer = &at, .key = "code"};
    struct json storage = json_get(v, "storage");
    struct json_writer w;
    struct json address;
    struct buf text;
    struct slice kept;

    memset(out, 0, sizeof *out);
    if (!json_is(v, JSON_OBJECT)) {
        params_fail_at(p, &at, "want an object");
        return;
    }
    buf_init(&text, 0);
    w = json_writer_of(&text);
    json_put_str(&w, json_key(v));
    kept = arena_dup(a, buf_peek(&text));
    if (text.failed || !kept.at || !name)
        params_fail(p, CODE_INTERNAL, "out of memory");
    else if (json_parse(kept, 1, a, &address, NULL))
        params_fail_at(p, &at, "no address");
    else
        out->address = read_address(p, &at, address);
    buf_fini(&text);
    if (p->code) return;
    out->nonce = read_count(p, &nonce, json_get(v, "nonce"));
    out->balance_wei = json_is(json_get(v, "balance"), JSON_STRING)
                           ? read_word(p, &balance, json_str_raw(json_get(v, "balance")))
                           : read_u256(p, &balance, json_get(v, "balance"));
    out->code = read_data(p, &code, json_get(v, "code"));
    if (json_is(storage, JSON_OBJECT)) read_storage(p, &at, storage, out);
}

enum { STATE_BYTES_MAX = 1 << 28 };

static void unpack(struct params *p, const struct where *at, struct slice *text)
{
    switch (gzip_unpack(*text, STATE_BYTES_MAX, p->arena, text)) {
    case FAN_OK:
        return;
    case FAN_EFORMAT:
        params_fail_at(p, at, "it begins as gzip, and is damaged or cut short");
        return;
    case FAN_ELIMIT:
        params_fail_at(p, at, "unpacked it has more than %d bytes", STATE_BYTES_MAX);
        return;
    default:
        params_fail(p, CODE_INTERNAL, "out of memory");
    }
}

void state_read_json(struct params *p, const struct where *at, struct slice text,
                     const struct genesis_account **out_accounts, size_t *out_count)
{
    struct where accounts_at = {.outer = at, .key = "accounts"};
    struct genesis_account *accounts = NULL;
    struct fan_error err = {{0}};
    struct json state, list;

    *out_count = 0;
    if (!p->code && gzip_is(text)) unpack(p, at, &text);
    if (!p->code && json_parse(text, JSON_DEPTH_MAX, p->arena, &state, &err)) params_fail_at(p, at, "%s", err.text);
    if (p->code) return;
    list = json_get(state, "accounts");
    if (!json_is(list, JSON_OBJECT)) {
        params_fail_at(p, &accounts_at, "want an object");
        return;
    }
    accounts = ARENA_ARRAY(p->arena, json_count(list), struct genesis_account);
    if (!accounts) params_fail(p, CODE_INTERNAL, "out of memory");
    for (struct json v = json_first(list); !json_is(v, JSON_MISSING) && !p->code; v = json_next(v))
        read_account(p, &accounts_at, v, &accounts[(*out_count)++]);
    *out_accounts = accounts;
}
