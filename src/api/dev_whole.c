/* The chain as a whole: back to its genesis, and its state written out and read in again.
 *
 * The form is anvil's (SerializableState as JSON), so that either node reads what the other was given as plain JSON:
 * accounts alone, since blocks of ours would not be blocks of theirs. anvil writes its own dumps through gzip. */
#include "api/dev.h"
#include "api/past.h"
#include "api/state_json.h"
#include "api/tables.h"

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

/* ---- dump and load ---- */

static void dump_state(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct json_writer w;
    enum fan_status s;
    struct buf b;

    if (params_has(&p, 0)) (void)params_bool(&p, 0, "with earlier states");
    if (!dev_of(call, &p)) return;
    buf_init(&b, DUMP_BYTES_MAX);
    w = json_writer_of(&b);
    s = state_put_json(api_of(call)->chain, &w);
    if (s) {
        answer_status(call, s, NULL);
    } else {
        json_put_data(call_result(call), buf_peek(&b));
        call_finish(call);
    }
    buf_fini(&b);
}

/* Accounts are laid over what is there; blocks and time of the dump are passed over. */
static void load_state(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct where at = params_where(0, "state");
    struct slice bytes = params_data(&p, 0, "state");
    const struct genesis_account *accounts = NULL;
    const struct chain_dev_ops *dev;
    size_t count = 0;
    enum fan_status s;

    state_read_json(&p, &at, bytes, &accounts, &count);
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
