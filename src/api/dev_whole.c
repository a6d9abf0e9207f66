/* The chain as a whole: back to its genesis, and its state written out and read in again.
 *
 * The form is anvil's (SerializableState as JSON), so that either node reads what the other was given as plain JSON:
 * accounts alone, since blocks of ours would not be blocks of theirs. anvil writes its own dumps through gzip. */
#include "api/dev.h"
#include "api/past.h"
#include "api/tables.h"
#include "codec/u256.h"

/* Twice as many digits are a reply. */
enum { DUMP_BYTES_MAX = 12 * 1000 * 1000 };

/* ---- reset ---- */

/* What a reset asks for. */
struct wish {
    bool forking;    /* there is a forking object */
    const char *url; /* NULL: none was named */
    bool has_number;
    uint64_t number;
};

/* {}, null and nothing; {"forking": {"jsonRpcUrl", "blockNumber"}}, each of which may be null or left out. */
static struct wish read_wish(struct call *call, struct params *p)
{
    struct where at = params_where(0, "options"), forking_at = {.outer = &at, .key = "forking"},
                 url_at = {.outer = &forking_at, .key = "jsonRpcUrl"},
                 number_at = {.outer = &forking_at, .key = "blockNumber"};
    struct json options = json_at(p->list, 0), forking = json_get(options, "forking");
    struct json url = json_get(forking, "jsonRpcUrl"), number = json_get(forking, "blockNumber");
    struct wish w = {0};

    if (params_has(p, 0) && !json_is(options, JSON_OBJECT)) params_fail_at(p, &at, "want an object");
    if (json_kind(forking) <= JSON_NULL) return w;
    w.forking = true;
    if (!json_is(forking, JSON_OBJECT)) params_fail_at(p, &forking_at, "want an object");
    if (json_kind(url) > JSON_NULL) {
        if (!json_is(url, JSON_STRING)) params_fail_at(p, &url_at, "want a string");
        w.url = arena_cstr(call_arena(call), json_str(url, call_arena(call)));
        if (!w.url) params_fail(p, CODE_INTERNAL, "out of memory");
    }
    if (json_kind(number) > JSON_NULL) {
        w.has_number = true;
        w.number = read_count(p, &number_at, number);
    }
    return w;
}

/* Writer's thread: back to where it began. */
static void reset_here(struct call *call)
{
    struct chain *chain = api_of(call)->chain;
    struct fan_error err = {{0}};

    answer_done(call, chain->dev->reset(chain, &err), &err);
}

static void release_remote(void *state)
{
    chain_remote_unref(state);
}

/* Writer's thread. What waits in call_state() is the ground to reset onto. */
static void reset_onto(struct call *call)
{
    struct chain *chain = api_of(call)->chain;
    struct chain_remote *r = call_state(call);
    struct fan_error err = {{0}};
    enum fan_status s;

    call_set_release(call, NULL);
    s = chain->dev->reset_onto(chain, r, &err);
    chain_remote_unref(r);
    answer_done(call, s, &err);
}

/* On a pool thread, since another node may have to be asked first. Without a forking object a fork ends, as in anvil
 * and Hardhat; on a chain that is none a forking object without a URL asks for nothing (viem sends one). */
static void reset(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct wish w = read_wish(call, &p);
    struct chain *chain = api_of(call)->chain;
    const struct chain_dev_ops *dev = dev_of(call, &p);
    struct chain_remote *r = NULL, *now;
    struct fan_error err = {{0}};
    enum fan_status s;

    if (!dev) return;
    now = past_of(api_of(call));
    if (!now && !w.url) {
        call_continue(call, RPC_WRITER, reset_here);
        return;
    }
    if (w.forking) {
        s = dev->ground_open(chain, w.url, w.has_number, w.number, &r, &err);
        if (s) {
            chain_remote_unref(now);
            answer_status(call, s == FAN_ENOTFOUND || s == FAN_EINVAL ? FAN_EREJECTED : s, &err);
            return;
        }
    }
    chain_remote_unref(now);
    call_set_state(call, r);
    call_set_release(call, release_remote);
    call_continue(call, RPC_WRITER, reset_onto);
}

/* ---- dump ---- */

static void put_word(struct json_writer *w, const struct fan_u256 *v)
{
    uint8_t bytes[32];

    u256_to_be(v, bytes);
    json_put_data(w, slice_of(bytes, sizeof bytes));
}

/* A key made of bytes. */
static void put_hex_key(struct json_writer *w, struct slice bytes)
{
    static const char DIGITS[] = "0123456789abcdef";
    char text[2 + 2 * 32 + 1] = "0x";

    for (size_t i = 0; i < bytes.len; i++) {
        text[2 + 2 * i] = DIGITS[bytes.at[i] >> 4];
        text[3 + 2 * i] = DIGITS[bytes.at[i] & 15];
    }
    text[2 + 2 * bytes.len] = 0;
    json_put_key(w, text);
}

static enum fan_status put_account(void *ctx, const struct genesis_account *account)
{
    struct json_writer *w = ctx;

    put_hex_key(w, slice_of(account->address.bytes, sizeof account->address.bytes));
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
        put_hex_key(w, slice_of(slot, sizeof slot));
        put_word(w, &account->slots[i].value);
    }
    json_end_object(w);
    json_end_object(w);
    return w->out->failed;
}

static void dump_state(struct call *call)
{
    struct params p = params_of_call(call, 1);
    const struct chain_dev_ops *dev;
    struct json_writer w;
    enum fan_status s;
    struct buf b;

    if (params_has(&p, 0)) (void)params_bool(&p, 0, "with earlier states");
    dev = dev_of(call, &p);
    if (!dev) return;
    buf_init(&b, DUMP_BYTES_MAX);
    w = json_writer_of(&b);
    json_begin_object(&w);
    json_put_key(&w, "block");
    json_put_null(&w);
    json_put_key(&w, "accounts");
    json_begin_object(&w);
    s = dev->walk_state(api_of(call)->chain, put_account, &w);
    json_end_object(&w);
    json_put_key(&w, "best_block_number");
    json_put_null(&w);
    json_end_object(&w);
    if (!s) s = b.failed;
    if (s) {
        answer_status(call, s, NULL);
    } else {
        json_put_data(call_result(call), buf_peek(&b));
        call_finish(call);
    }
    buf_fini(&b);
}

/* ---- load ---- */

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

/* Accounts are laid over what is there; blocks and time of the dump are passed over. */
static void load_state(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct where at = params_where(0, "state"), accounts_at = {.outer = &at, .key = "accounts"};
    struct slice bytes = params_data(&p, 0, "state");
    struct genesis_account *accounts = NULL;
    const struct chain_dev_ops *dev;
    struct fan_error err = {{0}};
    struct json state, list;
    size_t count = 0;
    enum fan_status s;

    if (!p.code && slice_starts(bytes, SLICE("\x1f\x8b")))
        params_fail_at(&p, &at, "gzip is not read here: unpack the dump and send its JSON");
    if (!p.code && json_parse(bytes, JSON_DEPTH_MAX, p.arena, &state, &err)) params_fail_at(&p, &at, "%s", err.text);
    if (!p.code) {
        list = json_get(state, "accounts");
        accounts = ARENA_ARRAY(p.arena, json_count(list), struct genesis_account);
        if (!json_is(list, JSON_OBJECT)) params_fail_at(&p, &accounts_at, "want an object");
        if (!accounts) params_fail(&p, CODE_INTERNAL, "out of memory");
        for (struct json v = json_first(list); !json_is(v, JSON_MISSING) && !p.code; v = json_next(v))
            read_account(&p, &accounts_at, v, &accounts[count++]);
    }
    dev = dev_of(call, &p);
    if (!dev) return;
    s = dev->load_state(api_of(call)->chain, accounts, count);
    if (s)
        answer_status(call, s, NULL);
    else
        answer_true(call);
}

#define ROW(name, run)                                                                                                 \
    {                                                                                                                  \
        name, RPC_WRITER, RPC_DEVELOPMENT, run                                                                         \
    }
#define TWINS(name, run) ROW("anvil_" name, run), ROW("hardhat_" name, run)

const struct rpc_method api_dev_whole_methods[] = {
    TWINS("dumpState", dump_state),
    TWINS("loadState", load_state),
    {"anvil_reset", RPC_POOL, RPC_DEVELOPMENT, reset},
    {"hardhat_reset", RPC_POOL, RPC_DEVELOPMENT, reset},
};
