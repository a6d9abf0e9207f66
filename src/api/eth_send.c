/* Sending: raw transactions, and those that the node signs itself or takes from an impersonated account.
 *
 *   eth_sendRawTransaction   worker, or pool: decode, recover ─► worker or writer: submit, with those that wait beside it
 *   …Sync                    pool, then the same ─► pool: is there a receipt?, again and again
 *   eth_sendTransaction      writer: impersonated? ─► pool: fees, gas ─► writer: nonce, sign, submit */
#include <inttypes.h>
#include <stdio.h>

#include "api/execute.h"
#include "api/tables.h"
#include "base/clock.h"
#include "codec/hex.h"
#include "codec/u256.h"

static void answer_sent(struct call *call, enum fan_status s, const struct fan_hash *hash, const struct fan_error *err)
{
    if (s) {
        answer_status(call, s, err);
        return;
    }
    json_put_hash(call_result(call), hash);
    call_finish(call);
}

/* A raw transaction on its way into a block. */
struct incoming {
    struct chain_submission s;
    struct call *call;
};

/* Whoever is the writer then. */
static void incoming_done(struct chain_submission *s)
{
    struct incoming *in = CONTAINER_OF(s, struct incoming, s);

    answer_sent(in->call, s->status, &s->hash, &s->err);
}

/* Those of a worker that came in one turn: one block for all of them, made here where the writer is idle. */
static void submit_together(struct call *const *calls, size_t count)
{
    struct chain *chain = api_of(calls[0])->chain;

    for (size_t i = 0, n; i < count; i += n) {
        struct chain_submission *all[16];

        for (n = 0; n < COUNT_OF(all) && i + n < count; n++) all[n] = &((struct incoming *)call_state(calls[i + n]))->s;
        chain->ops->submit_all(chain, all, n);
    }
}

struct tx *execute_read_raw(struct call *call, struct params *p)
{
    struct where at = params_where(0, "transaction");
    struct slice bytes = params_data(p, 0, "transaction");
    struct chain *chain = api_of(call)->chain;
    uint64_t chain_id = chain->ops->config(chain)->chain_id;
    struct tx *tx = ARENA_NEW(call_arena(call), struct tx);
    struct fan_error err = {0};
    enum fan_status s = FAN_OK;

    if (!p->code && !tx) s = FAN_ENOMEM;
    if (!p->code && !s) s = tx_decode(bytes, call_arena(call), tx, &err);
    if (s == FAN_EFORMAT) params_fail_at(p, &at, "%s", err.text[0] ? err.text : fan_status_text(s));
    if (params_refused(p, call)) return NULL;
    if (s) {
        answer_status(call, s, &err);
    } else if (!chain->ops->submit) {
        answer_status(call, FAN_EUNSUPPORTED, NULL);
    } else if (tx->has_chain_id && tx->chain_id != chain_id) {
        call_fail(call, CODE_REFUSED, "invalid sender: invalid chain id for signer: have %llu want %llu",
                  (unsigned long long)tx->chain_id, (unsigned long long)chain_id);
    } else if (tx_recover(tx, true)) {
        call_fail(call, CODE_REFUSED, "invalid sender: invalid transaction v, r, s values");
    } else {
        return tx;
    }
    return NULL;
}

/* Of its text: what a worker may decode itself. Recovering the sender then is the greater part, some 50 microseconds.
 */
enum { BRIEF_TEXT_MAX = 16384 };

static void send_raw(struct call *call)
{
    struct incoming *in;
    struct params p;
    struct tx *tx;

    if (call_where(call) == RPC_INLINE && json_raw(call_param(call, 0)).len > BRIEF_TEXT_MAX) {
        call_continue(call, RPC_POOL, send_raw);
        return;
    }
    p = params_of_call(call, 1);
    tx = execute_read_raw(call, &p);
    if (!tx) return;
    in = ARENA_NEW(call_arena(call), struct incoming);
    if (!in) {
        answer_status(call, FAN_ENOMEM, NULL);
        return;
    }
    in->s.tx = tx;
    in->s.done = incoming_done;
    in->call = call;
    call_set_state(call, in);
    if (call_where(call) == RPC_INLINE)
        call_gather(call, submit_together);
    else
        submit_together(&call, 1);
}

/* ---- eth_sendRawTransactionSync (EIP-7966) ---- */

enum { SYNC_MS = 20000, SYNC_MS_MAX = 60000, SYNC_LOOK_MS = 25, CODE_SYNC_TIMEOUT = 4 };

/* What waits for its receipt. No thread waits with it: the pool looks again and again. */
struct awaited {
    struct chain_submission s; /* eth_sendRawTransactionSync's */
    struct call *call;
    struct fan_hash hash;
    uint64_t timeout_ms, end_ms;
};

/* As Go writes a duration: "500ms", "1.5s", "1m0s". */
static void write_duration(uint64_t ms, char *out, size_t len)
{
    char fraction[8] = "";

    if (ms < 1000) {
        (void)snprintf(out, len, "%" PRIu64 "ms", ms);
        return;
    }
    if (ms % 1000) {
        int n = snprintf(fraction, sizeof fraction, ".%03" PRIu64, ms % 1000);

        while (fraction[n - 1] == '0') fraction[--n] = '\0';
    }
    if (ms < 60000)
        (void)snprintf(out, len, "%" PRIu64 "%ss", ms / 1000, fraction);
    else
        (void)snprintf(out, len, "%" PRIu64 "m%" PRIu64 "%ss", ms / 60000, ms / 1000 % 60, fraction);
}

static void answer_late(struct call *call, const struct awaited *a)
{
    char hash[2 * sizeof a->hash.bytes], data[2 * sizeof a->hash.bytes + 5], duration[32];

    hex_encode(slice_of(a->hash.bytes, sizeof a->hash.bytes), hash);
    (void)snprintf(data, sizeof data, "\"0x%.*s\"", (int)sizeof hash, hash);
    write_duration(a->timeout_ms, duration, sizeof duration);
    call_fail_data(call, CODE_SYNC_TIMEOUT, slice_str(data),
                   "The transaction was added to the transaction pool but wasn't processed in %s", duration);
}

/* Any thread. */
static void look_for_receipt(struct call *call)
{
    struct chain *chain = api_of(call)->chain;
    struct awaited *a = call_state(call);
    struct block *block = NULL;
    struct tx_place place;
    size_t index = 0;
    enum fan_status s = chain->ops->tx_by_hash(chain, &a->hash, &block, &index);

    if (s == FAN_ENOTFOUND) {
        uint64_t now = clock_monotonic_ms();

        if (now < a->end_ms)
            call_continue_later(call, min_u64(now + SYNC_LOOK_MS, a->end_ms), look_for_receipt);
        else
            answer_late(call, a);
        return;
    }
    if (s) {
        answer_status(call, s, NULL);
        return;
    }
    place = block_tx_place(block, index);
    receipt_put_json(&block->receipts[index], &block->txs[index], &place, call_result(call));
    block_unref(block);
    call_finish(call);
}

static void awaited_done(struct chain_submission *s)
{
    struct awaited *a = CONTAINER_OF(s, struct awaited, s);

    a->hash = s->hash;
    a->end_ms = clock_monotonic_ms() + a->timeout_ms;
    if (s->status)
        answer_status(a->call, s->status, &s->err);
    else
        look_for_receipt(a->call);
}

/* Parameter 1: for how long. NULL: the call was answered. */
static struct awaited *read_timeout(struct call *call, struct params *p)
{
    struct awaited *a = ARENA_NEW(call_arena(call), struct awaited);
    uint64_t wanted_ms = params_has(p, 1) ? params_count(p, 1, "timeout") : 0;

    if (params_refused(p, call)) return NULL;
    if (a)
        *a = (struct awaited){.timeout_ms = wanted_ms ? min_u64(wanted_ms, SYNC_MS_MAX) : SYNC_MS};
    else
        answer_status(call, FAN_ENOMEM, NULL);
    return a;
}

static void send_raw_sync(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct chain *chain = api_of(call)->chain;
    struct awaited *a = read_timeout(call, &p);
    struct chain_submission *s;
    struct tx *tx;

    if (!a) return;
    tx = execute_read_raw(call, &p);
    if (!tx) return;
    s = &a->s;
    s->tx = tx;
    s->done = awaited_done;
    a->call = call;
    call_set_state(call, a);
    chain->ops->submit_all(chain, &s, 1);
}

/* ---- what the node signs ---- */

/* A call object on its way to becoming a transaction. */
struct outgoing {
    struct message m;
    const uint8_t *secret;   /* of the sender; NULL: not ours */
    bool anyone;             /* it needs no signature and no permission */
    struct awaited *awaited; /* NULL: the hash is the answer, not the receipt */
    struct view next; /* the block it will meet, where gas must be estimated on a development chain; else empty */
};

static bool refuse(struct call *call, const char *words)
{
    call_fail(call, CODE_REFUSED, "%s", words);
    return false;
}

/* What geth's setDefaults refuses. */
static bool check_message(struct call *call, const struct message *m, bool is_london)
{
    struct fan_error words = {0};

    if (m->has_blob_hashes || m->has_blob_fee || m->has_blobs)
        return refuse(call, "signing blob transactions not supported");
    if (!message_fees_fit(m, is_london, &words)) return refuse(call, words.text);
    if (m->data_differs)
        return refuse(
            call,
            "both \"data\" and \"input\" are set and not equal. Please use \"input\" to pass transaction call data");
    if (!m->has_to && m->tx.data.len == 0) return refuse(call, "contract creation without any data provided");
    if (!m->has_to && m->has_authorizations)
        return refuse(call, "authorizationList provided for contract creation, but \"to\" field is missing");
    return true;
}

/* Fees that were not given: the suggested tip, and twice the head's base fee above it, so that a rising base fee does
 * not strand the transaction. */
static bool fill_fees(struct call *call, struct message *m, const struct header *head, bool is_london)
{
    struct chain *chain = api_of(call)->chain;
    struct chain_fees fees = {0};
    struct fan_u256 twice;
    char have[66], want[66];

    if (chain->ops->fees) chain->ops->fees(chain, &fees);
    if (m->has_gas_price) return true;
    if (!is_london) {
        m->gas_price_wei = u256_of(fees.gas_price_wei);
        m->has_gas_price = true;
        return true;
    }
    if (!m->has_priority_fee) m->priority_fee_wei = u256_of(fees.priority_fee_wei);
    if (!m->has_fee_max) {
        twice = u256_of(head->base_fee_wei);
        (void)u256_mul_u64(&twice, 2, &twice);
        (void)u256_add(&twice, &m->priority_fee_wei, &m->fee_max_wei);
    } else if (!m->has_priority_fee && u256_cmp(&m->fee_max_wei, &m->priority_fee_wei) < 0) {
        m->priority_fee_wei =
            m->fee_max_wei; /* the tip was our suggestion: it must not make the caller's own limit unusable */
    }
    m->has_fee_max = m->has_priority_fee = true;
    if (u256_cmp(&m->fee_max_wei, &m->priority_fee_wei) >= 0) return true;
    call_fail(call, CODE_REFUSED, "maxFeePerGas (%.*s) < maxPriorityFeePerGas (%.*s)",
              (int)hex_write_u256(&m->fee_max_wei, have), have, (int)hex_write_u256(&m->priority_fee_wei, want), want);
    return false;
}

/* Fees and gas, on the pending state if that was fetched, else on the newest sealed one. False: the call was answered.
 */
static bool fill(struct call *call, struct outgoing *o)
{
    struct api *api = api_of(call);
    struct block_at latest = {.kind = BLOCK_LATEST};
    struct chain_call cc = {0};
    struct message *m = &o->m;
    struct view head, *on = o->next.state ? &o->next : &head;
    bool is_london, done;

    if (!view_state(call, &latest, RPC_POOL, NULL, &head)) return false;
    is_london = fork_at(api->chain->ops->config(api->chain), head.block->header.number, head.block->header.timestamp) >=
                FORK_LONDON;
    done = check_message(call, m, is_london) && fill_fees(call, m, &head.block->header, is_london);
    if (done && !m->has_gas) done = execute_estimate(call, on, m, &cc, &m->tx.gas_limit);
    if (done) m->tx.type = message_type(m, is_london);
    view_close(&head);
    return done;
}

/* The transaction's own fields, once nonce, gas and fees stand. False: the call was answered. */
static bool finish_tx(struct call *call, struct message *m)
{
    struct chain *chain = api_of(call)->chain;
    uint64_t chain_id = chain->ops->config(chain)->chain_id;
    struct fan_u256 own = u256_of(chain_id);
    char have[79];

    if (m->has_chain_id && !u256_eq(&m->chain_id, &own)) {
        u256_to_decimal(&m->chain_id, have);
        call_fail(call, CODE_REFUSED, "chainId does not match node's (have=%s, want=%llu)", have,
                  (unsigned long long)chain_id);
        return false;
    }
    m->tx.has_chain_id = true;
    m->tx.chain_id = chain_id;
    m->tx.gas_price_wei = m->has_gas_price ? m->gas_price_wei : m->fee_max_wei;
    m->tx.priority_fee_wei = m->has_gas_price ? m->gas_price_wei : m->priority_fee_wei;
    return true;
}

/* Impersonates the sender for this one transaction. */
static enum fan_status submit_as_anyone(struct chain *chain, struct tx *tx, struct fan_hash *out_hash,
                                        struct fan_error *err)
{
    bool may = chain->dev->may_impersonate(chain, &tx->sender);
    enum fan_status s = may ? FAN_OK : chain->dev->impersonate(chain, &tx->sender, true), off = FAN_OK;

    if (!s) s = chain->dev->submit_unsigned(chain, tx, out_hash, err);
    if (!may) off = chain->dev->impersonate(chain, &tx->sender, false);
    return s ? s : off;
}

static void release_outgoing(void *state)
{
    struct outgoing *o = state;

    view_close(&o->next);
}

/* Writer's thread: the last step of eth_sendTransaction. */
static void submit_outgoing(struct call *call)
{
    struct chain *chain = api_of(call)->chain;
    struct outgoing *o = call_state(call);
    struct awaited *a = o->awaited;
    struct tx *tx = &o->m.tx;
    struct fan_error err = {0};
    struct fan_hash hash;
    enum fan_status s;

    if (!o->m.has_nonce) tx->nonce = chain->ops->pending_nonce(chain, &tx->sender);
    if (o->secret) {
        s = tx_sign(tx, o->secret, call_arena(call));
        if (!s) s = chain->ops->submit(chain, tx, &hash, &err);
    } else {
        s = o->anyone ? submit_as_anyone(chain, tx, &hash, &err) : chain->dev->submit_unsigned(chain, tx, &hash, &err);
    }
    if (!s && a) {
        a->hash = hash;
        a->end_ms = clock_monotonic_ms() + a->timeout_ms;
        release_outgoing(o);
        call_set_release(call, NULL);
        call_set_state(call, a);
        look_for_receipt(call);
    } else {
        answer_sent(call, s, &hash, &err);
    }
}

static void prepare_outgoing(struct call *call)
{
    struct outgoing *o = call_state(call);

    if (!fill(call, o) || !finish_tx(call, &o->m)) return;
    call_continue(call, RPC_WRITER, submit_outgoing);
}

/* Writer's thread: who is impersonated is the writer's to know, and what is pending the writer's to give. */
static void admit_outgoing(struct call *call)
{
    struct chain *chain = api_of(call)->chain;
    struct outgoing *o = call_state(call);
    enum fan_status s = FAN_OK;

    if (!o->secret && !o->anyone && !chain->dev->may_impersonate(chain, &o->m.tx.sender)) {
        call_fail(call, CODE_REFUSED, "unknown account");
        return;
    }
    if (!o->m.has_gas) s = view_pending(chain, true, &o->next);
    if (s && s != FAN_EUNSUPPORTED) {
        answer_status(call, s, NULL);
        return;
    }
    call_set_release(call, release_outgoing);
    call_continue(call, RPC_POOL, prepare_outgoing);
}

static struct outgoing *read_outgoing(struct call *call, size_t param_count)
{
    struct params p = params_of_call(call, param_count);
    struct chain *chain = api_of(call)->chain;
    struct outgoing *o = ARENA_NEW(call_arena(call), struct outgoing);

    if (!o) {
        answer_status(call, FAN_ENOMEM, NULL);
        return NULL;
    }
    message_read(&p, &o->m);
    if (params_refused(&p, call)) return NULL;
    if (chain->dev && o->m.has_from) o->secret = chain->dev->secret_of(chain, &o->m.tx.sender);
    return o;
}

/* As anvil: who names no sender means the first account. */
static void default_sender(struct chain *chain, struct outgoing *o)
{
    const struct fan_address *accounts;

    if (o->m.has_from || !chain->dev->accounts(chain, &accounts)) return;
    o->m.has_from = true;
    o->m.tx.sender = accounts[0];
    o->secret = chain->dev->secret_of(chain, &accounts[0]);
}

static void send_outgoing(struct call *call, struct outgoing *o, bool anyone)
{
    struct chain *chain = api_of(call)->chain;

    if (!o) return;
    if (!chain->dev) {
        call_fail(call, CODE_REFUSED, "unknown account");
        return;
    }
    if (!anyone) default_sender(chain, o);
    o->anyone = anyone;
    call_set_state(call, o);
    if (o->secret && o->m.has_gas)
        prepare_outgoing(call);
    else
        call_continue(call, RPC_WRITER, admit_outgoing);
}

static void send_transaction(struct call *call)
{
    send_outgoing(call, read_outgoing(call, 1), false);
}

/* anvil's: the receipt, once there is one. */
static void send_transaction_sync(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct awaited *a = read_timeout(call, &p);
    struct outgoing *o;

    if (!a) return;
    o = read_outgoing(call, 2);
    if (o) o->awaited = a;
    send_outgoing(call, o, false);
}

/* anvil's: from anybody, without a signature. */
static void send_unsigned(struct call *call)
{
    send_outgoing(call, read_outgoing(call, 1), true);
}

/* {raw, tx}, as geth's eth_signTransaction and eth_fillTransaction answer. */
static void put_signed(struct call *call, const struct tx *tx)
{
    struct json_writer *w = call_result(call);

    json_begin_object(w);
    json_put_key(w, "raw");
    json_put_data(w, tx->encoded);
    json_put_key(w, "tx");
    tx_put_json(tx, NULL, w);
    json_end_object(w);
    call_finish(call);
}

static void sign_transaction(struct call *call)
{
    struct outgoing *o = read_outgoing(call, 1);
    enum fan_status s;

    if (!o) return;
    if (!o->m.has_gas) {
        call_fail(call, CODE_REFUSED, "gas not specified");
    } else if (!o->m.has_gas_price && !(o->m.has_fee_max && o->m.has_priority_fee)) {
        call_fail(call, CODE_REFUSED, "missing gasPrice or maxFeePerGas/maxPriorityFeePerGas");
    } else if (!o->m.has_nonce) {
        call_fail(call, CODE_REFUSED, "nonce not specified");
    } else if (fill(call, o) && finish_tx(call, &o->m)) {
        s = o->secret ? tx_sign(&o->m.tx, o->secret, call_arena(call)) : FAN_EREJECTED;
        if (!o->secret)
            call_fail(call, CODE_REFUSED, "unknown account");
        else if (s)
            answer_status(call, s, NULL);
        else
            put_signed(call, &o->m.tx);
    }
}

/* ---- eth_fillTransaction ---- */

static void answer_filled(struct call *call)
{
    struct outgoing *o = call_state(call);
    enum fan_status s;

    if (!o->m.has_nonce) o->m.tx.nonce = api_of(call)->chain->ops->pending_nonce(api_of(call)->chain, &o->m.tx.sender);
    s = tx_seal(&o->m.tx, call_arena(call));
    if (s)
        answer_status(call, s, NULL);
    else
        put_signed(call, &o->m.tx);
}

static void fill_transaction(struct call *call)
{
    struct outgoing *o = read_outgoing(call, 1);

    if (!o || !fill(call, o) || !finish_tx(call, &o->m)) return;
    if (!api_of(call)->chain->ops->pending_nonce) {
        answer_status(call, FAN_EUNSUPPORTED, NULL);
        return;
    }
    call_set_state(call, o);
    call_continue(call, RPC_WRITER, answer_filled);
}

const struct rpc_method api_eth_send_methods[] = {
    {"eth_fillTransaction", RPC_POOL, 0, fill_transaction},
    {"eth_sendRawTransaction", RPC_BRIEF, RPC_GATHERS, send_raw},
    {"eth_sendRawTransactionSync", RPC_POOL, 0, send_raw_sync},
    {"eth_sendTransaction", RPC_POOL, RPC_DEVELOPMENT, send_transaction},
    {"eth_sendTransactionSync", RPC_POOL, RPC_DEVELOPMENT, send_transaction_sync},
    {"eth_sendUnsignedTransaction", RPC_POOL, RPC_DEVELOPMENT, send_unsigned},
    {"eth_signTransaction", RPC_POOL, RPC_DEVELOPMENT, sign_transaction},
};
