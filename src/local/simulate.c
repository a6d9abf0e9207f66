/* eth_simulateV1: blocks that nobody will see, executed on top of a state and forgotten. Each is a run like any other,
 * on the state that the one before left and that overrides have changed; so roots, requests and hashes are real. */
#include <inttypes.h>
#include <stdlib.h>

#include "codec/keccak.h"
#include "codec/u256.h"
#include "local/node.h"
#include "local/state_view.h"

/* ERC-7528: the address under which ether's moves are told. */
static const struct fan_address ETHER = {{0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee,
                                          0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee}};

struct simulating {
    struct local *local;
    const struct chain_simulation *sim;
    const struct block *parent;
    struct state_view *view; /* after the parent, overrides of the present block included; counted */
    struct block **made;     /* so far, oldest first; they answer BLOCKHASH */
    size_t made_count;
    uint64_t gas_left;
    /* The block at work. */
    const struct chain_sim_block *plan;
    struct block *block;
    struct run run;
    struct tx *txs; /* in the block's arena */
    struct chain_sim_result *results;
    size_t at, log_index;
    enum chain_sim_refusal *out_why;
    struct fan_error *err;
};

static enum fan_status refuse(struct simulating *m, enum chain_sim_refusal why)
{
    *m->out_why = why;
    return FAN_EREJECTED;
}

/* ---- the state before a block ---- */

static enum fan_status override_account(struct state_builder *b, const struct state_view *view,
                                        const struct chain_override *o)
{
    enum fan_status s = FAN_OK;

    if (o->has_nonce) s = state_builder_set_nonce(b, &o->address, o->nonce);
    if (!s && o->has_code) s = state_builder_set_code(b, &o->address, o->code);
    if (!s && o->has_balance) s = state_builder_set_balance(b, &o->address, &o->balance_wei);
    if (!s && o->has_state) { /* all there was goes first */
        struct arena_home home;
        struct arena a;
        struct fan_u256 *slots = NULL, zero = u256_of(0);
        size_t count = 0;

        arena_home_init(&home, 0);
        a = arena_of(&home);
        s = state_view_list_slots(view, &o->address, &a, &slots, &count);
        for (size_t i = 0; i < count && !s; i++) s = state_builder_set_slot(b, &o->address, &slots[i], &zero);
        arena_home_fini(&home);
    }
    for (size_t i = 0; i < o->slot_count && !s; i++)
        s = state_builder_set_slot(b, &o->address, &o->slots[i].slot, &o->slots[i].value);
    return s;
}

static enum fan_status override_state(struct simulating *m)
{
    const struct chain_call *terms = &m->plan->terms;
    struct state_builder *b = NULL;
    struct state_diff *diff = NULL;
    struct state_view *view = NULL;
    enum fan_status s;

    if (!terms->override_count) return FAN_OK;
    s = state_builder_new(m->view, &b);
    for (size_t i = 0; i < terms->override_count && !s; i++) s = override_account(b, m->view, &terms->overrides[i]);
    if (!s) s = state_builder_finish(b, m->parent->header.number, &diff);
    if (s) {
        state_builder_free(b);
        return s;
    }
    s = state_view_after(m->view, diff, &view);
    state_diff_unref(diff);
    if (s) return s;
    state_view_unref(m->view);
    m->view = view;
    return FAN_OK;
}

/* ---- a block's header ---- */

static enum fan_status begin_header(struct simulating *m)
{
    const struct chain_call *t = &m->plan->terms;
    const struct header *p = &m->parent->header;
    const struct chain_config *config = config_of(m->local);
    struct header *h = &m->block->header;
    enum fork f = fork_at(config, t->number, t->timestamp);

    h->parent_hash = m->parent->hash;
    h->ommers_hash = KECCAK_EMPTY_LIST;
    h->beneficiary = t->has_beneficiary ? t->beneficiary : p->beneficiary;
    h->number = t->number;
    h->timestamp = t->timestamp;
    h->gas_limit = t->has_gas_limit ? t->gas_limit : p->gas_limit;
    h->extent = header_extent_of(f);
    if (t->has_prev_randao) h->mix_hash = t->prev_randao;
    if (f < FORK_PARIS) h->difficulty = p->difficulty;
    if (f >= FORK_LONDON) {
        if (t->has_base_fee)
            h->base_fee_wei = t->base_fee_wei;
        else if (m->sim->validation)
            h->base_fee_wei = header_next_base_fee(p, p->extent >= HEADER_LONDON);
    }
    if (f >= FORK_SHANGHAI)
        return block_withdrawals_root(m->plan->withdrawals, m->plan->withdrawal_count, &h->withdrawals_root);
    return FAN_OK;
}

static enum fan_status begin_block(struct simulating *m)
{
    const struct header *p = &m->parent->header;
    struct header *h = &m->block->header;
    enum fork f = fork_at(config_of(m->local), h->number, h->timestamp);
    struct blob_params blob;
    struct withdrawal *withdrawals;

    if (f >= FORK_CANCUN) {
        bool had = p->extent >= HEADER_CANCUN;

        h->parent_beacon_root = m->plan->beacon_root;
        if (had && blob_params_at(config_of(m->local), h->timestamp, &blob))
            h->excess_blob_gas = next_excess_blob_gas(f, &blob, p->excess_blob_gas, p->blob_gas_used, p->base_fee_wei);
    }
    if (f >= FORK_SHANGHAI && m->plan->withdrawal_count) {
        struct arena a = {.home = &m->block->memory};

        withdrawals = ARENA_ARRAY(&a, m->plan->withdrawal_count, struct withdrawal);
        if (!withdrawals) return FAN_ENOMEM;
        memcpy(withdrawals, m->plan->withdrawals, m->plan->withdrawal_count * sizeof *withdrawals);
        m->block->withdrawals = withdrawals;
        m->block->withdrawal_count = m->plan->withdrawal_count;
    }
    return FAN_OK;
}

/* ---- calls ---- */

static enum fan_status keep_text(struct simulating *m, const uint8_t *at, size_t len, struct slice *out)
{
    *out = slice_of(NULL, 0);
    if (!len) return FAN_OK;
    *out = arena_dup(&m->run.arena, slice_of(at, len));
    return out->at ? FAN_OK : FAN_ENOMEM;
}

static enum fan_status keep_log(struct simulating *m, const struct evm_log *from, struct log *to)
{
    struct fan_hash *topics = NULL;

    memset(to, 0, sizeof *to);
    to->address = from->address;
    if (from->topic_count) {
        topics = ARENA_ARRAY(&m->run.arena, from->topic_count, struct fan_hash);
        if (!topics) return FAN_ENOMEM;
        memcpy(topics, from->topics, from->topic_count * sizeof *topics);
    }
    to->topics = topics;
    to->topic_count = from->topic_count;
    to->block_number = m->block->header.number;
    to->block_timestamp = m->block->header.timestamp;
    to->tx_hash = m->txs[m->at].hash;
    to->tx_index = m->at;
    to->index = m->log_index++;
    return keep_text(m, from->data, from->data_len, &to->data);
}

/* Takes what a call did, its transfers among its logs, and leaves only the logs for the receipt. */
static enum fan_status take_result(void *ctx, struct evm_result *result)
{
    struct simulating *m = ctx;
    struct chain_sim_result *out = &m->results[m->at];
    struct evm_log *real;
    size_t count = 0;
    enum fan_status s;

    out->status = result->status == EVM_SUCCESS  ? CHAIN_CALL_SUCCESS
                  : result->status == EVM_REVERT ? CHAIN_CALL_REVERT
                                                 : CHAIN_CALL_HALT;
    out->gas_used = result->gas_used;
    out->gas_spent_max = result->gas_spent_max;
    s = keep_text(m, result->output, result->output_len, &out->output);
    if (!s) s = keep_text(m, (const uint8_t *)result->text, strlen(result->text), &out->text);
    if (s) return s;
    if (m->sim->gas_max && result->gas_used > m->gas_left)
        return fan_error_set(m->err, refuse(m, CHAIN_SIM_OTHER),
                             "RPC gas cap exhausted: need %" PRIu64 ", remaining %" PRIu64, result->gas_used,
                             m->gas_left);
    m->gas_left -= m->sim->gas_max ? result->gas_used : 0;
    out->logs = ARENA_ARRAY(&m->run.arena, result->log_count, struct log);
    real = ARENA_ARRAY(&m->run.arena, result->log_count, struct evm_log);
    if (!out->logs || !real) return FAN_ENOMEM;
    for (size_t i = 0; i < result->log_count; i++) {
        s = keep_log(m, &result->logs[i], &out->logs[i]);
        if (s) return s;
        if (!m->sim->trace_transfers || memcmp(&result->logs[i].address, &ETHER, sizeof ETHER) != 0)
            real[count++] = result->logs[i];
    }
    out->log_count = result->log_count;
    result->logs = real;
    result->log_count = count;
    return FAN_OK;
}

static enum chain_sim_refusal refusal_of(enum evm_invalid why)
{
    switch (why) {
    case EVM_INVALID_NONCE_TOO_LOW:
        return CHAIN_SIM_NONCE_LOW;
    case EVM_INVALID_NONCE_TOO_HIGH:
        return CHAIN_SIM_NONCE_HIGH;
    case EVM_INVALID_FUNDS:
        return CHAIN_SIM_FUNDS;
    case EVM_INVALID_FEE_BELOW_BASE:
        return CHAIN_SIM_FEE_LOW;
    case EVM_INVALID_TIP_ABOVE_FEE:
        return CHAIN_SIM_FEES_UNFIT;
    case EVM_INVALID_INTRINSIC_GAS:
        return CHAIN_SIM_INTRINSIC_GAS;
    case EVM_INVALID_SENDER_HAS_CODE:
        return CHAIN_SIM_SENDER_CODE;
    case EVM_INVALID_INITCODE_SIZE:
        return CHAIN_SIM_INITCODE;
    default:
        return CHAIN_SIM_OTHER;
    }
}

/* The sender's nonce and the gas that is left, where the call names none. */
static enum fan_status fill_call(struct simulating *m, const struct chain_sim_call *call, uint64_t nonce,
                                 struct tx *out)
{
    uint64_t left = m->block->header.gas_limit - m->run.gas_used;

    *out = call->tx;
    out->has_chain_id = true;
    out->chain_id = config_of(m->local)->chain_id;
    if (!call->has_nonce) out->nonce = nonce;
    if (!call->has_gas) out->gas_limit = left;
    if (out->gas_limit > left) {
        (void)fan_error_set(m->err, FAN_EREJECTED,
                            "block gas limit reached: remaining: %" PRIu64 ", required: %" PRIu64, left,
                            out->gas_limit);
        return refuse(m, CHAIN_SIM_BLOCK_GAS);
    }
    if (m->sim->gas_max && out->gas_limit > m->gas_left) {
        out->gas_limit = m->gas_left;
        m->results[m->at].gas_capped = true;
    }
    return tx_seal(out, &m->run.arena);
}

/* The nonce a sender has now, within the block. */
static enum fan_status nonce_now(struct simulating *m, const struct fan_address *sender, uint64_t *out)
{
    struct state_account account;
    const struct evm_account_change *found = NULL;
    struct evm_diff diff;
    enum fan_status s = state_view_account(m->view, sender, &account);

    if (s) return s;
    *out = account.nonce;
    if (m->at == 0) return FAN_OK;
    if (evm_block_diff(m->run.evm, &diff) != EVM_SUCCESS) return FAN_EINTERNAL;
    for (size_t i = 0; i < diff.account_count && !found; i++)
        if (memcmp(&diff.accounts[i].address, sender, sizeof *sender) == 0) found = &diff.accounts[i];
    if (found) *out = found->new_nonce;
    return FAN_OK;
}

/* geth looks at the nonce before it looks at the fees, the EVM the other way round: whose nonce does not fit either is
 * told of that. */
static enum fan_status nonce_first(struct simulating *m, const struct tx *tx, enum evm_invalid *why,
                                   struct fan_error *words)
{
    struct evm_tx t = {.sender = tx->sender, .nonce = tx->nonce};
    struct evm_account sender = {.exists = 1};
    enum fan_status s;

    if (!m->sim->validation || (*why != EVM_INVALID_FEE_BELOW_BASE && *why != EVM_INVALID_TIP_ABOVE_FEE)) return FAN_OK;
    s = nonce_now(m, &tx->sender, &sender.nonce);
    if (s || sender.nonce == tx->nonce) return s;
    *why = tx->nonce < sender.nonce ? EVM_INVALID_NONCE_TOO_LOW : EVM_INVALID_NONCE_TOO_HIGH;
    exec_invalid_words(*why, &t, &m->run.env, &sender, "", words);
    return FAN_OK;
}

static enum fan_status run_call(struct simulating *m, const struct chain_sim_call *call)
{
    enum evm_invalid why = EVM_INVALID_OTHER;
    struct fan_error words = {{0}};
    uint64_t nonce = 0;
    enum fan_status s = call->has_nonce && m->sim->validation ? FAN_OK : nonce_now(m, &call->tx.sender, &nonce);

    if (!s) s = fill_call(m, call, nonce, &m->txs[m->at]);
    if (s) return s;
    s = run_tx(&m->run, &m->txs[m->at], &why, &words);
    if (s == FAN_ETIMEOUT || s == FAN_ELIMIT) {
        (void)fan_error_set(m->err, FAN_EREJECTED, "%s", words.text);
        return refuse(m, s == FAN_ETIMEOUT ? CHAIN_SIM_TIMEOUT : CHAIN_SIM_TOO_LARGE);
    }
    if (s != FAN_EREJECTED || *m->out_why) {
        if (s && words.text[0]) *m->err = words;
        return s;
    }
    s = nonce_first(m, &m->txs[m->at], &why, &words);
    if (s) return s;
    (void)fan_error_set(m->err, FAN_EREJECTED, "err: %s (supplied gas %" PRIu64 ")", words.text,
                        m->txs[m->at].gas_limit);
    return refuse(m, refusal_of(why));
}

/* ---- blocks ---- */

static int put_nothing(void *ctx, const uint8_t *at, size_t len)
{
    (void)ctx, (void)at, (void)len;
    return 0;
}

static enum fan_status run_calls(struct simulating *m, struct state_diff **out_diff)
{
    struct evm_trace trace = {.config = {.tracer = m->sim->trace_transfers ? EVM_TRACE_TRANSFERS : EVM_TRACE_NOOP},
                              .deadline_ms = m->sim->deadline_ms,
                              .stop = m->sim->stop,
                              .size_max = m->sim->size_max,
                              .put = put_nothing};
    size_t count = m->plan->call_count;
    enum fan_status s;

    m->txs = ARENA_ARRAY(&m->run.arena, count, struct tx);
    m->results = ARENA_ARRAY(&m->run.arena, count, struct chain_sim_result);
    if (!m->txs || !m->results) return FAN_ENOMEM;
    trace.want_diff = m->run.roots != NULL;
    m->run.trace = &trace;
    m->run.result = take_result;
    m->run.result_ctx = m;
    for (m->at = 0; m->at < count; m->at++) {
        s = run_call(m, &m->plan->calls[m->at]);
        if (s) return s;
    }
    s = run_seal(&m->run, m->txs, count, m->parent, out_diff, m->err);
    for (size_t i = 0; i < count && !s; i++)
        for (size_t k = 0; k < m->results[i].log_count; k++) m->results[i].logs[k].block_hash = m->block->hash;
    return s;
}

static enum fan_status one_block(struct simulating *m)
{
    struct state_diff *diff = NULL;
    struct state_view *after = NULL;
    struct arena a = {.home = &m->block->memory};
    struct run_more more = {.blob_base_fee_wei =
                                m->plan->terms.has_blob_base_fee ? &m->plan->terms.blob_base_fee_wei : NULL};
    enum fan_status s = override_state(m);

    if (!s) s = begin_header(m);
    if (!s) s = begin_block(m);
    if (s) return s;
    s = exec_moves(fork_at(config_of(m->local), m->plan->terms.number, m->plan->terms.timestamp),
                   m->plan->terms.overrides, m->plan->terms.override_count, &a, &more.moves, &more.move_count, m->err);
    if (s) return s;
    m->log_index = 0;
    s = run_open(&m->run, m->block, config_of(m->local), m->view, &m->local->index, m->made, m->made_count,
                 RUN_ANY_SENDER | RUN_ANY_GAS | (m->sim->validation ? 0u : (unsigned)RUN_LENIENT), &more, m->err);
    if (!s) s = run_calls(m, &diff);
    run_close(&m->run);
    if (!s && !m->sim->block(m->sim->ctx, m->block, m->results)) s = refuse(m, CHAIN_SIM_TOO_LARGE);
    if (!s) s = state_view_after(m->view, diff, &after);
    state_diff_unref(diff);
    if (s) return s;
    state_view_unref(m->view);
    m->view = after;
    return FAN_OK;
}

enum fan_status simulate_run(struct chain_state *s, const struct block *base, const struct chain_simulation *sim,
                             enum chain_sim_refusal *out_why, struct fan_error *err)
{
    struct simulating m = {.local = s->local,
                           .sim = sim,
                           .parent = base,
                           .view = state_view_ref(s->view),
                           .gas_left = sim->gas_max,
                           .out_why = out_why,
                           .err = err};
    enum fan_status status = FAN_OK;

    *out_why = CHAIN_SIM_FINE;
    m.made = calloc(sim->block_count + 1, sizeof(struct block *));
    if (!m.made) status = FAN_ENOMEM;
    for (size_t i = 0; i < sim->block_count && !status; i++) {
        m.plan = &sim->blocks[i];
        m.block = block_new();
        if (!m.block) {
            status = FAN_ENOMEM;
            break;
        }
        m.made[m.made_count] = m.block;
        status = one_block(&m);
        m.made_count++;
        m.parent = m.block;
    }
    for (size_t i = 0; i < m.made_count; i++) block_unref(m.made[i]);
    free(m.made);
    state_view_unref(m.view);
    return status;
}
