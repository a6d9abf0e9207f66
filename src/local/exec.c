#include "local/exec.h"

#include <stdlib.h>

#include "codec/keccak.h"
#include "codec/u256.h"
#include "local/console.h"

enum { BLOB_GAS = 131072 };

void exec_env(const struct chain_config *c, const struct header *h, struct evm_env *out)
{
    memset(out, 0, sizeof *out);
    out->fork = fork_at(c, h->number, h->timestamp);
    out->chain_id = c->chain_id;
    out->number = h->number;
    out->timestamp = h->timestamp;
    out->gas_limit = h->gas_limit;
    out->base_fee_wei = h->base_fee_wei;
    out->beneficiary = h->beneficiary;
    out->difficulty = h->difficulty;
    out->prev_randao = h->mix_hash;
    out->excess_blob_gas = h->excess_blob_gas;
    (void)blob_params_at(c, h->timestamp, &out->blob);
    out->deposit_contract = c->deposit_contract;
    out->code_size_max = c->code_size_max;
    out->dao_move = c->dao_support && h->number == c->fork_block[FORK_DAO];
}

enum fan_status exec_tx(const struct tx *tx, struct arena *a, struct evm_tx *out)
{
    struct evm_access *access = NULL;
    struct evm_authorization *authorizations = NULL;

    if (tx->access_count) {
        access = ARENA_ARRAY(a, tx->access_count, struct evm_access);
        if (!access) return FAN_ENOMEM;
        for (size_t i = 0; i < tx->access_count; i++)
            access[i] = (struct evm_access){tx->access[i].address, tx->access[i].slots, tx->access[i].slot_count};
    }
    if (tx->authorization_count) {
        authorizations = ARENA_ARRAY(a, tx->authorization_count, struct evm_authorization);
        if (!authorizations) return FAN_ENOMEM;
        for (size_t i = 0; i < tx->authorization_count; i++) {
            const struct tx_authorization *from = &tx->authorizations[i];

            authorizations[i] = (struct evm_authorization){.chain_id = from->chain_id,
                                                           .address = from->address,
                                                           .nonce = from->nonce,
                                                           .y_parity = from->y_parity,
                                                           .r = from->r,
                                                           .s = from->s};
        }
    }
    *out = (struct evm_tx){.type = (uint8_t)tx->type,
                           .is_create = !tx->has_to,
                           .has_chain_id = tx->has_chain_id,
                           .sender = tx->sender,
                           .to = tx->to,
                           .nonce = tx->nonce,
                           .gas_limit = tx->gas_limit,
                           .value_wei = tx->value_wei,
                           .gas_price_wei = tx->gas_price_wei,
                           .priority_fee_wei = tx->priority_fee_wei,
                           .blob_fee_max_wei = tx->blob_fee_max_wei,
                           .chain_id = tx->chain_id,
                           .data = tx->data.at,
                           .data_len = tx->data.len,
                           .access = access,
                           .access_count = tx->access_count,
                           .blob_hashes = tx->blob_hashes,
                           .blob_count = tx->blob_count,
                           .authorizations = authorizations,
                           .authorization_count = tx->authorization_count};
    return FAN_OK;
}

/* A status of the EVM that is no verdict on a transaction: the reader's own failure, or the leaf's. */
static enum fan_status broken(const struct run *r, uint32_t status, const char *text, struct fan_error *err)
{
    if (status == EVM_STATE_ERROR) return exec_unreadable(r->reader.failed ? r->reader.failed : FAN_EINTERNAL, err);
    return fan_error_set(err, FAN_EINTERNAL, "the EVM failed: %s", text && *text ? text : "no reason given");
}

enum fan_status run_open(struct run *r, struct block *block, const struct chain_config *config,
                         struct state_view *parent, struct blocks *index, struct block *const *fresh,
                         size_t fresh_count, unsigned terms, const struct run_more *more, struct fan_error *err)
{
    const struct header *h = &block->header;
    uint32_t status;

    memset(r, 0, sizeof *r);
    r->block = block;
    r->config = config;
    r->fork = fork_at(config, h->number, h->timestamp);
    r->parent = parent;
    r->arena = (struct arena){.home = &block->memory};
    arena_home_init(&r->scratch, 0);
    exec_reader_init(&r->reader, parent, index);
    r->reader.fresh = fresh;
    r->reader.fresh_count = fresh_count;
    exec_env(config, h, &r->env);
    r->env.no_eoa_check = (terms & RUN_ANY_SENDER) != 0;
    if (more && more->blob_base_fee_wei) {
        r->env.has_blob_base_fee = 1;
        r->env.blob_base_fee_wei = *more->blob_base_fee_wei;
    }
    if (more) {
        r->env.moves = more->moves;
        r->env.move_count = more->move_count;
    }
    if (terms & RUN_LENIENT) r->env.no_base_fee = r->env.no_nonce_check = 1;
    if (terms & RUN_ANY_GAS) r->env.no_block_gas_limit = 1;
    if (r->fork >= FORK_CANCUN) r->blob_gas_price_wei = blob_base_fee(h->excess_blob_gas, r->env.blob.update_fraction);
    r->evm = evm_block_open(&r->env, &r->reader.reader);
    if (!r->evm) return FAN_ENOMEM;
    r->reader.begins = true;
    status = evm_block_begin(r->evm, &h->parent_hash, &h->parent_beacon_root);
    r->reader.begins = false;
    if (status != EVM_SUCCESS) return broken(r, status, "before the first transaction", err);
    if (r->fork < FORK_BYZANTIUM) {
        struct evm_diff diff;
        enum fan_status s = state_builder_new(parent, &r->roots);

        if (s) return s;
        status = evm_block_diff(r->evm, &diff); /* the DAO's move of balances */
        if (status != EVM_SUCCESS) return broken(r, status, NULL, err);
        return state_builder_add(r->roots, &diff, err);
    }
    return FAN_OK;
}

void run_close(struct run *r)
{
    evm_block_close(r->evm);
    if (r->block) {
        exec_reader_fini(&r->reader);
        arena_home_fini(&r->scratch);
    }
    state_builder_free(r->roots);
    free(r->receipts);
    free(r->logs);
    memset(r, 0, sizeof *r);
}

/* Room for one more receipt and `logs` more logs. */
static bool grow(struct run *r, size_t logs)
{
    if (r->count == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 16;
        struct receipt *wide = realloc(r->receipts, cap * sizeof *wide);

        if (!wide) return false;
        r->receipts = wide;
        r->cap = cap;
    }
    if (r->log_count + logs > r->log_cap) {
        size_t cap = r->log_cap ? r->log_cap * 2 : 16;
        struct log *wide;

        while (cap < r->log_count + logs) cap *= 2;
        wide = realloc(r->logs, cap * sizeof *wide);
        if (!wide) return false;
        r->logs = wide;
        r->log_cap = cap;
    }
    return true;
}

/* The EVM's logs hold until its next call: copies go into the block. */
static bool keep_logs(struct run *r, const struct evm_result *result)
{
    for (size_t i = 0; i < result->log_count; i++) {
        const struct evm_log *from = &result->logs[i];
        struct log *to = &r->logs[r->log_count];

        memset(to, 0, sizeof *to);
        to->address = from->address;
        to->topic_count = from->topic_count;
        if (from->topic_count) {
            struct fan_hash *topics = ARENA_ARRAY(&r->arena, from->topic_count, struct fan_hash);

            if (!topics) return false;
            memcpy(topics, from->topics, from->topic_count * sizeof *topics);
            to->topics = topics;
        }
        if (from->data_len) {
            to->data = arena_dup(&r->arena, slice_of(from->data, from->data_len));
            if (!to->data.at) return false;
        }
        r->log_count++;
    }
    return true;
}

static enum fan_status keep_receipt(struct run *r, const struct tx *tx, const struct evm_result *result,
                                    struct fan_error *err)
{
    struct receipt *receipt;

    if (!grow(r, result->log_count)) return FAN_ENOMEM;
    receipt = &r->receipts[r->count];
    memset(receipt, 0, sizeof *receipt);
    /* good for the bloom; set again in run_finish(), since the array moves */
    receipt->logs = r->logs ? r->logs + r->log_count : NULL;
    receipt->log_count = result->log_count;
    if (!keep_logs(r, result)) return FAN_ENOMEM;
    r->gas_used += result->gas_used;
    receipt->type = tx->type;
    receipt->status = result->status == EVM_SUCCESS;
    receipt->cumulative_gas_used = r->gas_used;
    receipt->gas_used = result->gas_used;
    receipt->effective_gas_price_wei = tx_effective_gas_price(tx, r->block->header.base_fee_wei);
    if (!tx->has_to) {
        receipt->has_contract = true;
        receipt->contract = tx_create_address(&tx->sender, tx->nonce);
    }
    if (tx->type == TX_BLOB) {
        receipt->blob_gas_used = tx->blob_count * BLOB_GAS;
        receipt->blob_gas_price_wei = r->blob_gas_price_wei;
        r->blob_gas_used += receipt->blob_gas_used;
    }
    receipt_set_bloom(receipt);
    if (r->roots) {
        enum fan_status s = state_builder_add(r->roots, &result->diff, err);

        if (!s) s = state_builder_root(r->roots, &receipt->state_root);
        if (s) return s;
        receipt->has_state_root = true;
    }
    r->count++;
    return FAN_OK;
}

enum fan_status run_tx(struct run *r, const struct tx *tx, enum evm_invalid *out_why, struct fan_error *err)
{
    struct evm_tx t;
    struct evm_result result;
    struct arena scratch;
    enum fan_status s;

    arena_home_reset(&r->scratch);
    scratch = arena_of(&r->scratch);
    s = exec_tx(tx, &scratch, &t);
    if (s) return s;
    if (r->trace)
        evm_block_trace(r->evm, &t, r->trace, &result);
    else if (r->console)
        console_execute(r->evm, &t, r->roots != NULL, &r->reader.console_seen, r->console, &result);
    else
        evm_block_execute(r->evm, &t, r->roots != NULL, &result);
    switch (result.status) {
    case EVM_SUCCESS:
    case EVM_REVERT:
    case EVM_HALT:
        s = r->result ? r->result(r->result_ctx, &result) : FAN_OK;
        return s ? s : keep_receipt(r, tx, &result, err);
    case EVM_TIMEOUT:
        return fan_error_set(err, FAN_ETIMEOUT, "%s", result.text);
    case EVM_STOPPED:
        return fan_error_set(err, FAN_ELIMIT, "%s", result.text);
    case EVM_INVALID: {
        struct evm_account sender;
        bool known = r->reader.reader.account(&r->reader, &tx->sender, &sender) == 0;

        *out_why = (enum evm_invalid)result.invalid;
        exec_invalid_words(*out_why, &t, &r->env, known ? &sender : NULL, result.text, err);
        return FAN_EREJECTED;
    }
    default:
        return broken(r, result.status, result.text, err);
    }
}

static enum fan_status credit(struct run *r, const struct fan_address *who, const struct fan_u256 *wei,
                              struct fan_error *err)
{
    uint32_t status = evm_block_credit(r->evm, who, wei);

    return status == EVM_SUCCESS ? FAN_OK : broken(r, status, "crediting an account", err);
}

/* What mining pays before the Merge: the reward, 1/32 of it more for each ommer, and to the ommer's miner what its age
 * leaves. */
static enum fan_status pay_rewards(struct run *r, struct fan_error *err)
{
    const struct block *b = r->block;
    uint64_t ether = r->fork >= FORK_CONSTANTINOPLE ? 2 : r->fork >= FORK_BYZANTIUM ? 3 : 5;
    uint64_t base = ether * 1000000000000000000u;
    struct fan_u256 wei;
    enum fan_status s = FAN_OK;

    for (size_t i = 0; i < b->ommer_count && !s; i++) {
        const struct header *o = &b->ommers[i];

        wei = u256_of(base / 8 * (o->number + 8 - b->header.number));
        s = credit(r, &o->beneficiary, &wei, err);
    }
    if (s) return s;
    wei = u256_of(base + base / 32 * b->ommer_count);
    return credit(r, &b->header.beneficiary, &wei, err);
}

static enum fan_status pay_withdrawals(struct run *r, struct fan_error *err)
{
    const struct block *b = r->block;

    for (size_t i = 0; i < b->withdrawal_count; i++) {
        struct fan_u256 wei, gwei = u256_of(b->withdrawals[i].amount_gwei);
        enum fan_status s;

        (void)u256_mul_u64(&gwei, 1000000000u, &wei); /* 64 by 30 bits: always fits */
        s = credit(r, &b->withdrawals[i].address, &wei, err);
        if (s) return s;
    }
    return FAN_OK;
}

static enum fan_status collect_requests(struct run *r, struct run_outcome *out, struct fan_error *err)
{
    const struct evm_bytes *requests;
    size_t count;
    const char *text = "";
    struct slice list[8];
    uint32_t status = evm_block_requests(r->evm, &requests, &count, &text);

    if (status != EVM_SUCCESS) return broken(r, status, text, err);
    if (count > COUNT_OF(list)) return fan_error_set(err, FAN_EINTERNAL, "%zu kinds of requests", count);
    for (size_t i = 0; i < count; i++) list[i] = slice_of(requests[i].at, requests[i].len);
    if (r->fork >= FORK_PRAGUE) out->requests_hash = block_requests_hash(list, count);
    return FAN_OK;
}

/* Moves receipts and logs into the block's arena, logs in one array. */
static enum fan_status fill_block(struct run *r, struct run_outcome *out)
{
    struct block *b = r->block;
    size_t at = 0;

    b->receipts = ARENA_ARRAY(&r->arena, r->count, struct receipt);
    b->logs = ARENA_ARRAY(&r->arena, r->log_count, struct log);
    if (!b->receipts || !b->logs) return FAN_ENOMEM;
    if (r->count) memcpy(b->receipts, r->receipts, r->count * sizeof *b->receipts);
    if (r->log_count) memcpy(b->logs, r->logs, r->log_count * sizeof *b->logs);
    b->log_count = r->log_count;
    b->has_receipts = true;
    for (size_t i = 0; i < r->count; i++) {
        b->receipts[i].logs = b->logs + at;
        at += b->receipts[i].log_count;
        bloom_merge(&out->bloom, &b->receipts[i].logs_bloom);
    }
    out->gas_used = r->gas_used;
    out->blob_gas_used = r->blob_gas_used;
    return block_receipts_root(b->receipts, r->count, &out->receipts_root);
}

static enum fan_status apply_diff(struct run *r, const struct evm_diff *diff, struct state_diff **out,
                                  struct fan_error *err)
{
    struct state_builder *b;
    enum fan_status s = state_builder_new(r->parent, &b);

    if (s) return s;
    for (size_t i = 0; i < r->reader.assumed_count && !s; i++)
        s = state_builder_assume_zero(b, &r->reader.assumed[i].address, &r->reader.assumed[i].slot);
    if (!s) s = state_builder_add(b, diff, err);
    if (!s) s = state_builder_finish(b, r->block->header.number, out);
    if (s) state_builder_free(b);
    return s;
}

enum fan_status run_finish(struct run *r, struct run_outcome *out, struct state_diff **out_diff, struct fan_error *err)
{
    struct evm_diff diff;
    struct state_diff *state;
    uint32_t status;
    enum fan_status s;

    memset(out, 0, sizeof *out);
    s = fill_block(r, out);
    if (!s) s = collect_requests(r, out, err);
    if (!s) s = pay_withdrawals(r, err);
    if (!s && r->fork < FORK_PARIS) s = pay_rewards(r, err);
    if (s) return s;
    status = evm_block_diff(r->evm, &diff);
    if (status != EVM_SUCCESS) return broken(r, status, "gathering the changes", err);
    s = apply_diff(r, &diff, &state, err);
    if (s) return s;
    out->state_root = state_diff_point(state)->root;
    *out_diff = state;
    return FAN_OK;
}

enum fan_status run_seal(struct run *r, const struct tx *txs, size_t count, const struct block *parent,
                         struct state_diff **out_diff, struct fan_error *err)
{
    struct block *b = r->block;
    struct header *h = &b->header;
    struct run_outcome o;
    enum fan_status s;

    b->txs = ARENA_ARRAY(&r->arena, count, struct tx);
    if (!b->txs) return FAN_ENOMEM;
    if (count) memcpy(b->txs, txs, count * sizeof *b->txs);
    b->tx_count = count;
    s = block_transactions_root(b->txs, b->tx_count, &h->transactions_root);
    if (!s) s = run_finish(r, &o, out_diff, err);
    if (s) return s;
    h->state_root = o.state_root;
    h->receipts_root = o.receipts_root;
    h->logs_bloom = o.bloom;
    h->gas_used = o.gas_used;
    h->blob_gas_used = o.blob_gas_used;
    h->requests_hash = o.requests_hash;
    if (!u256_add(&parent->total_difficulty, &h->difficulty, &b->total_difficulty)) return FAN_EINTERNAL;
    block_finish(b);
    return FAN_OK;
}
