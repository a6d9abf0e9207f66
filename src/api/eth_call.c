/* eth_call and eth_createAccessList: executing without keeping. */
#include "api/execute.h"

#include <inttypes.h>

#include "api/tables.h"
#include "base/clock.h"
#include "codec/abi.h"
#include "codec/hex.h"

enum fork execute_fork(const struct api *api, const struct view *v, const struct chain_call *cc)
{
    const struct header *h = &v->block->header;

    return fork_at(api->chain->ops->config(api->chain), cc->has_number ? cc->number : h->number,
                   cc->has_timestamp ? cc->timestamp : h->timestamp);
}

bool execute_prepare(struct call *call, const struct view *v, const struct message *m, struct chain_call *cc)
{
    struct api *api = api_of(call);
    struct fan_error words = {0};

    if (!api->chain->ops->call) {
        answer_status(call, FAN_EUNSUPPORTED, NULL);
        return false;
    }
    if (!message_for_call(m, api->chain->ops->config(api->chain)->chain_id, execute_fork(api, v, cc) >= FORK_LONDON,
                          api->options.call_gas_max, cc, &words)) {
        call_fail(call, CODE_REFUSED, "%s", words.text);
        return false;
    }
    cc->deadline_ms = clock_monotonic_ms() + api->options.call_timeout_ms;
    cc->stop = call_unwanted(call);
    return true;
}

static void answer_revert(struct call *call, struct slice output)
{
    struct arena *a = call_arena(call);
    size_t len = 2 * output.len + 4;
    char *data = (char *)arena_bytes(a, len);
    struct slice words;

    if (!data) {
        answer_status(call, FAN_ENOMEM, NULL);
        return;
    }
    memcpy(data, "\"0x", 3);
    hex_encode(output, data + 3);
    data[len - 1] = '"';
    if (abi_revert_reason(output, a, &words))
        call_fail_data(call, CODE_REVERTED, slice_of(data, len), "execution reverted: %.*s", SLICE_ARGS(words));
    else
        call_fail_data(call, CODE_REVERTED, slice_of(data, len), "execution reverted");
}

static void answer_invalid(struct call *call, struct slice why, const struct chain_call *cc,
                           enum execute_purpose purpose)
{
    struct tx tx = cc->tx;
    char hash[64];

    switch (purpose) {
    case TO_CALL:
        call_fail(call, CODE_REFUSED, "err: %.*s (supplied gas %" PRIu64 ")", SLICE_ARGS(why), tx.gas_limit);
        return;
    case TO_ESTIMATE:
        call_fail(call, CODE_REFUSED, "failed with %" PRIu64 " gas: %.*s", tx.gas_limit, SLICE_ARGS(why));
        return;
    case TO_LIST:
        break;
    }
    if (tx_seal(&tx, call_arena(call))) {
        answer_status(call, FAN_ENOMEM, NULL);
        return;
    }
    hex_encode(slice_of(tx.hash.bytes, sizeof tx.hash.bytes), hash);
    call_fail(call, CODE_REFUSED, "failed to apply transaction: 0x%.*s err: %.*s", (int)sizeof hash, hash,
              SLICE_ARGS(why));
}

void execute_answer_failure(struct call *call, const struct chain_call_result *r, const struct chain_call *cc,
                            enum execute_purpose purpose)
{
    uint64_t timeout_ms = api_of(call)->options.call_timeout_ms;

    switch (r->status) {
    case CHAIN_CALL_SUCCESS:
        break;
    case CHAIN_CALL_REVERT:
        answer_revert(call, r->output);
        return;
    case CHAIN_CALL_HALT:
        call_fail(call, CODE_REFUSED, "%.*s", SLICE_ARGS(r->text));
        return;
    case CHAIN_CALL_INVALID:
        answer_invalid(call, r->text, cc, purpose);
        return;
    case CHAIN_CALL_TIMEOUT:
        call_fail(call, CODE_TIMEOUT, "execution aborted (timeout = %" PRIu64 "%s)",
                  timeout_ms % 1000 ? timeout_ms : timeout_ms / 1000, timeout_ms % 1000 ? "ms" : "s");
        return;
    case CHAIN_CALL_TOO_LARGE: /* a trace's */
        break;
    }
    answer_status(call, FAN_EINTERNAL, NULL);
}

/* What a worker may begin itself: where nothing is to be prepared that grows with the request. */
enum { BRIEF_GAS = 100000, BRIEF_DATA_MAX = 8192 };

static bool may_be_brief(const struct message *m, const struct chain_call *cc)
{
    return m->tx.data.len <= BRIEF_DATA_MAX && !m->tx.access_count && !m->tx.authorization_count && !m->tx.blob_count &&
           !cc->override_count;
}

static void eth_call(struct call *call)
{
    bool inline_now = call_where(call) == RPC_INLINE;
    struct params p = params_of_call(call, 4);
    const struct chain_ops *ops = api_of(call)->chain->ops;
    struct chain_call cc = {0};
    struct chain_call_result r = {0};
    struct fan_error err = {0};
    struct message m;
    struct block_at at;
    struct view v;
    enum fan_status s;

    message_read(&p, &m);
    at = params_block(&p, 1);
    message_read_overrides(&p, 2, &cc);
    message_read_block_overrides(&p, 3, &cc);
    if (params_refused(&p, call)) return;
    if (inline_now && !may_be_brief(&m, &cc)) {
        call_continue(call, RPC_POOL, eth_call);
        return;
    }
    if (!view_state(call, &at, RPC_POOL, eth_call, &v)) return;
    if (!execute_prepare(call, &v, &m, &cc)) {
        view_close(&v);
        return;
    }
    cc.tell_console = true;
    if (inline_now) cc.brief_gas = BRIEF_GAS;
    s = ops->call(v.state, v.block, &cc, false, call_arena(call), &r, &err);
    view_close(&v);
    if (!s && inline_now && r.status == CHAIN_CALL_TIMEOUT) {
        call_continue(call, RPC_POOL, eth_call);
    } else if (s) {
        answer_status(call, s, &err);
    } else if (r.status != CHAIN_CALL_SUCCESS) {
        execute_answer_failure(call, &r, &cc, TO_CALL);
    } else {
        json_put_data(call_result(call), r.output);
        call_finish(call);
    }
}

/* ---- eth_createAccessList ---- */

static bool same_access(const struct chain_call_result *r, const struct tx *tx)
{
    if (r->access_count != tx->access_count) return false;
    for (size_t i = 0; i < r->access_count; i++) {
        const struct tx_access *x = &r->access[i], *y = &tx->access[i];

        if (memcmp(&x->address, &y->address, sizeof x->address) != 0 || x->slot_count != y->slot_count) return false;
        if (x->slot_count && memcmp(x->slots, y->slots, x->slot_count * sizeof *x->slots) != 0) return false;
    }
    return true;
}

static void put_access_list(struct json_writer *w, const struct chain_call_result *r)
{
    json_begin_object(w);
    json_put_key(w, "accessList");
    json_begin_array(w);
    for (size_t i = 0; i < r->access_count; i++) {
        json_begin_object(w);
        json_put_key(w, "address");
        json_put_address(w, &r->access[i].address);
        json_put_key(w, "storageKeys");
        json_begin_array(w);
        for (size_t k = 0; k < r->access[i].slot_count; k++) json_put_hash(w, &r->access[i].slots[k]);
        json_end_array(w);
        json_end_object(w);
    }
    json_end_array(w);
    if (r->status == CHAIN_CALL_REVERT) {
        json_put_key(w, "error");
        json_put_text(w, "execution reverted");
    } else if (r->status == CHAIN_CALL_HALT) {
        json_put_key(w, "error");
        json_put_str(w, r->text);
    }
    json_put_key(w, "gasUsed");
    json_put_u64(w, r->gas_used);
    json_end_object(w);
}

/* An access list changes what the call costs and so, for a contract that looks at its gas, what it touches: geth
 * repeats until the list stands still. A contract that never settles ends with the call's deadline. */
static enum fan_status settle_access_list(struct call *call, const struct view *v, struct chain_call *cc,
                                          struct chain_call_result *r, struct fan_error *err)
{
    const struct chain_ops *ops = api_of(call)->chain->ops;
    enum fan_status s;

    for (;;) {
        s = ops->call(v->state, v->block, cc, true, call_arena(call), r, err);
        if (s || r->status == CHAIN_CALL_INVALID || r->status == CHAIN_CALL_TIMEOUT || same_access(r, &cc->tx))
            return s;
        if (clock_monotonic_ms() > cc->deadline_ms || atomic_load(cc->stop)) {
            r->status = CHAIN_CALL_TIMEOUT;
            return FAN_OK;
        }
        cc->tx.access = r->access;
        cc->tx.access_count = r->access_count;
        if (cc->tx.type == TX_LEGACY) cc->tx.type = TX_ACCESS_LIST;
    }
}

/* What geth fills and refuses before it looks for the list: fees when there are any, and the nonce of the state, which
 * the hash in its errors shows. False: the call was answered. */
static bool prepare_access_list(struct call *call, const struct view *v, const struct message *m, struct chain_call *cc)
{
    const struct chain_ops *ops = api_of(call)->chain->ops;
    struct chain_account account = {0};
    struct fan_error words = {0};
    enum fan_status s;

    if ((m->has_gas_price || m->has_fee_max || m->has_priority_fee || m->has_blob_fee) &&
        !message_fees_fit(m, execute_fork(api_of(call), v, cc) >= FORK_LONDON, &words)) {
        call_fail(call, CODE_REFUSED, "%s", words.text);
        return false;
    }
    if (!execute_prepare(call, v, m, cc)) return false;
    if (cc->tx.type == TX_LEGACY && execute_fork(api_of(call), v, cc) >= FORK_BERLIN) cc->tx.type = TX_ACCESS_LIST;
    if (m->has_nonce) return true;
    s = ops->account(v->state, &cc->tx.sender, &account);
    if (s) {
        answer_status(call, s, NULL);
        return false;
    }
    cc->tx.nonce = account.nonce;
    for (size_t i = 0; i < cc->override_count; i++)
        if (cc->overrides[i].has_nonce && memcmp(&cc->overrides[i].address, &cc->tx.sender, sizeof cc->tx.sender) == 0)
            cc->tx.nonce = cc->overrides[i].nonce;
    return true;
}

static void create_access_list(struct call *call)
{
    struct params p = params_of_call(call, 3);
    struct chain_call cc = {0};
    struct chain_call_result r = {0};
    struct fan_error err = {0};
    struct message m;
    struct block_at at;
    struct view v;
    enum fan_status s;

    message_read(&p, &m);
    at = params_block(&p, 1);
    message_read_overrides(&p, 2, &cc);
    if (params_refused(&p, call)) return;
    if (!view_state(call, &at, RPC_POOL, create_access_list, &v)) return;
    if (!prepare_access_list(call, &v, &m, &cc)) {
        view_close(&v);
        return;
    }
    s = settle_access_list(call, &v, &cc, &r, &err);
    view_close(&v);
    if (s) {
        answer_status(call, s, &err);
    } else if (r.status == CHAIN_CALL_INVALID || r.status == CHAIN_CALL_TIMEOUT) {
        execute_answer_failure(call, &r, &cc, TO_LIST);
    } else {
        put_access_list(call_result(call), &r);
        call_finish(call);
    }
}

const struct rpc_method api_eth_call_methods[] = {
    {"eth_call", RPC_BRIEF, 0, eth_call},
    {"eth_createAccessList", RPC_POOL, 0, create_access_list},
};
