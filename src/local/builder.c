#include <stdlib.h>

#include "base/clock.h"
#include "base/trace.h"
#include "codec/keccak.h"
#include "codec/u256.h"
#include "local/node.h"

enum { TX_GAS = 21000, BLOB_GAS = 131072, BLOCK_BYTES_MAX = 8 * 1024 * 1024, HEADER_BYTES_SPARE = 16 * 1024 };

uint64_t builder_timestamp(struct local *l)
{
    uint64_t wall = l->wall_s ? l->wall_s(l->wall_ctx) : clock_wall_s();
    int64_t now = (int64_t)wall + l->time_offset_s;
    uint64_t least = head_peek(l)->header.timestamp + 1;

    if (l->next_timestamp) return max_u64(l->next_timestamp, least);
    if (l->has_timestamp_interval) return max_u64(head_peek(l)->header.timestamp + l->timestamp_interval_s, least);
    return now < 0 ? least : max_u64((uint64_t)now, least);
}

void builder_set_clock(struct local *l)
{
    uint64_t wall = l->wall_s ? l->wall_s(l->wall_ctx) : clock_wall_s();
    struct block *first = l->clock_from_genesis ? blocks_at(&l->index, l->index.first) : NULL;

    l->time_offset_s = first ? (int64_t)first->header.timestamp - (int64_t)wall : 0;
}

static struct seal_plan peek_plan(struct local *l)
{
    return (struct seal_plan){.timestamp = builder_timestamp(l),
                              .has_base_fee = l->has_next_base_fee,
                              .base_fee_wei = l->next_base_fee_wei,
                              .has_prev_randao = l->has_next_prev_randao,
                              .prev_randao = l->next_prev_randao};
}

struct seal_plan builder_take_plan(struct local *l)
{
    struct seal_plan plan = peek_plan(l);

    if (l->next_timestamp) { /* as in anvil, time goes on from there */
        uint64_t wall = l->wall_s ? l->wall_s(l->wall_ctx) : clock_wall_s();

        l->time_offset_s = (int64_t)plan.timestamp - (int64_t)wall;
        l->next_timestamp = 0;
    }
    l->has_next_base_fee = l->has_next_prev_randao = false;
    return plan;
}

/* Reproducible, and another value once the chain has turned back: a block made anew at the same height must be another
 * block. */
static struct fan_hash derived_randao(const struct local *l, const struct block *parent)
{
    uint8_t bytes[32 + 8];

    memcpy(bytes, parent->hash.bytes, 32);
    put_be64(l->turns, bytes + 32);
    return keccak256(slice_of(bytes, sizeof bytes));
}

static uint64_t next_gas_limit(const struct local *l, const struct header *parent, bool doubles)
{
    uint64_t from = doubles ? parent->gas_limit * 2 : parent->gas_limit;
    uint64_t step = from / 1024 ? from / 1024 - 1 : 0;

    if (!l->gas_limit) return from;
    if (l->dev) return l->gas_limit;
    return l->gas_limit > from ? min_u64(l->gas_limit, from + step) : max_u64(l->gas_limit, from - step);
}

/* Everything of the header that is known before the first transaction runs. */
static void begin_header(const struct local *l, const struct block *parent, const struct seal_plan *plan,
                         struct header *h)
{
    const struct header *p = &parent->header;
    enum fork f = fork_at(config_of(l), p->number + 1, plan->timestamp);
    struct blob_params blob;

    h->parent_hash = parent->hash;
    h->ommers_hash = KECCAK_EMPTY_LIST;
    h->beneficiary = l->coinbase;
    h->number = p->number + 1;
    h->timestamp = plan->timestamp;
    h->extent = header_extent_of(f);
    h->gas_limit = next_gas_limit(l, p, f >= FORK_LONDON && p->extent < HEADER_LONDON);
    memcpy(h->extra_data, l->extra_data, l->extra_data_len);
    h->extra_data_len = l->extra_data_len;
    if (f >= FORK_PARIS)
        h->mix_hash = plan->has_prev_randao ? plan->prev_randao : derived_randao(l, parent);
    else
        h->difficulty = header_difficulty(config_of(l), p, plan->timestamp);
    if (f >= FORK_LONDON)
        h->base_fee_wei = plan->has_base_fee ? plan->base_fee_wei : header_next_base_fee(p, p->extent >= HEADER_LONDON);
    if (f >= FORK_SHANGHAI) h->withdrawals_root = KECCAK_EMPTY_TRIE;
    if (f >= FORK_CANCUN && blob_params_at(config_of(l), plan->timestamp, &blob)) {
        bool had = p->extent >= HEADER_CANCUN;

        h->excess_blob_gas =
            next_excess_blob_gas(f, &blob, had ? p->excess_blob_gas : 0, had ? p->blob_gas_used : 0, p->base_fee_wei);
    }
}

/* A block that is being filled from the pool. */
struct filling {
    struct local *local;
    struct run run;
    struct tx *txs; /* on the heap while they grow */
    size_t count, cap, bytes;
    struct fan_hash *never; /* what can never run */
    size_t never_count, never_cap;
    struct come *come; /* who is told about a transaction that cannot run; NULL: nobody */
};

static bool push(void **items, size_t *count, size_t *cap, size_t size)
{
    if (*count == *cap) {
        size_t more = *cap ? *cap * 2 : 16;
        void *wide = realloc(*items, more * size);

        if (!wide) return false;
        *items = wide;
        *cap = more;
    }
    return true;
}

/* Does it fit into what is left of the block? Judged before running, so that no work is thrown away. */
static bool fits(const struct filling *f, const struct tx *tx)
{
    const struct header *h = &f->run.block->header;
    struct fan_u256 base = u256_of(h->base_fee_wei), blob = u256_of(f->run.blob_gas_price_wei);

    if (tx->gas_limit > h->gas_limit - f->run.gas_used) return false;
    if (u256_cmp(&tx->gas_price_wei, &base) < 0) return false;
    if (f->bytes + tx->encoded.len > BLOCK_BYTES_MAX - HEADER_BYTES_SPARE) return false;
    if (tx->type != TX_BLOB) return true;
    return u256_cmp(&tx->blob_fee_max_wei, &blob) >= 0 &&
           f->run.blob_gas_used + tx->blob_count * BLOB_GAS <= f->run.env.blob.max * BLOB_GAS;
}

/* Refusals that another block or another state may lift. */
static bool may_pass_later(enum evm_invalid why)
{
    switch (why) {
    case EVM_INVALID_NONCE_TOO_LOW:
    case EVM_INVALID_NONCE_TOO_HIGH:
    case EVM_INVALID_FUNDS:
    case EVM_INVALID_FEE_BELOW_BASE:
    case EVM_INVALID_GAS_LIMIT_BLOCK:
    case EVM_INVALID_BLOB_FEE:
    case EVM_INVALID_BLOB_COUNT:
        return true;
    default:
        return false;
    }
}

static struct chain_submission *submission_of(const struct filling *f, const struct tx *tx)
{
    for (size_t i = 0; f->come && i < f->come->count; i++)
        if (memcmp(&f->come->of[i]->hash, &tx->hash, sizeof tx->hash) == 0) return f->come->of[i];
    return NULL;
}

static enum fan_status refused(struct filling *f, const struct tx *tx, enum evm_invalid why,
                               const struct fan_error *words)
{
    struct chain_submission *of = submission_of(f, tx);

    if (of) of->status = fan_error_set(&of->err, FAN_EREJECTED, "%s", words->text);
    if (may_pass_later(why) && !of) return FAN_OK;
    if (!push((void **)&f->never, &f->never_count, &f->never_cap, sizeof *f->never)) return FAN_ENOMEM;
    f->never[f->never_count++] = tx->hash;
    return FAN_OK;
}

static bool is_full(const struct filling *f)
{
    if (f->local->block_txs_max && f->count == f->local->block_txs_max) return true;
    return f->run.block->header.gas_limit - f->run.gas_used < TX_GAS;
}

/* Into the block, where it fits and can run: *out_taken. */
static enum fan_status take(struct filling *f, const struct tx *tx, bool *out_taken, struct fan_error *err)
{
    enum evm_invalid why = EVM_INVALID_OTHER;
    struct fan_error words = {{0}};
    enum fan_status s;

    *out_taken = false;
    if (!fits(f, tx)) return FAN_OK;
    if (!push((void **)&f->txs, &f->count, &f->cap, sizeof *f->txs)) return FAN_ENOMEM;
    s = run_tx(&f->run, tx, &why, &words);
    if (s == FAN_EREJECTED) return refused(f, tx, why, &words);
    if (s) {
        if (f->come) f->come->broken = submission_of(f, tx);
        /* The leaf itself failed on it: without this one, the next block can be made. */
        if (s == FAN_EINTERNAL && push((void **)&f->never, &f->never_count, &f->never_cap, sizeof *f->never))
            f->never[f->never_count++] = tx->hash;
        if (err) *err = words;
        return s;
    }
    s = chain_tx_copy(tx, false, &f->run.arena, &f->txs[f->count]);
    if (s) return s;
    f->count++;
    f->bytes += tx->encoded.len;
    *out_taken = true;
    return FAN_OK;
}

/* What pays most comes first, each sender's by nonce. */
static enum fan_status fill(struct filling *f, struct fan_error *err)
{
    struct pool_cursor c;
    struct pool_tx *next;
    bool taken;
    enum fan_status s = pool_cursor_init(&c, &f->local->pool, f->run.block->header.base_fee_wei);

    while (!s && (next = pool_cursor_peek(&c)) != NULL && !is_full(f)) {
        s = take(f, &next->pending->tx, &taken, err);
        if (taken)
            pool_cursor_next(&c);
        else
            pool_cursor_skip_sender(&c);
    }
    pool_cursor_fini(&c);
    return s;
}

static int by_arrival(const void *a, const void *b)
{
    const struct pool_tx *const *x = a, *const *y = b;

    return ((*x)->arrival > (*y)->arrival) - ((*x)->arrival < (*y)->arrival);
}

/* The next transaction of each sender, in the order they came. So nobody shares a block with himself, and who sends
 * alone has a block for each. */
static enum fan_status fill_instant(struct filling *f, struct fan_error *err)
{
    const struct pool *p = &f->local->pool;
    struct pool_tx **next = malloc(p->sender_count * sizeof *next);
    size_t count = 0;
    bool taken = false;
    enum fan_status s = FAN_OK;

    if (!next) return FAN_ENOMEM;
    for (size_t i = 0; i < p->sender_count; i++)
        if (p->senders[i]->executable) next[count++] = &p->senders[i]->txs[0];
    qsort(next, count, sizeof(struct pool_tx *), by_arrival);
    for (size_t i = 0; !s && i < count && !is_full(f); i++) {
        s = take(f, &next[i]->pending->tx, &taken, err);
        if (taken && f->local->block_per_transaction) break;
    }
    free(next);
    return s;
}

/* What was asked for, in its order: each must run. */
static enum fan_status fill_given(struct filling *f, const struct seal_plan *plan, struct fan_error *err)
{
    for (size_t i = 0; i < plan->given_count; i++) {
        const struct tx *tx = &plan->given[i].tx;
        enum evm_invalid why = EVM_INVALID_OTHER;
        enum fan_status s;

        if (!push((void **)&f->txs, &f->count, &f->cap, sizeof *f->txs)) return FAN_ENOMEM;
        s = run_tx(&f->run, tx, &why, err);
        if (!s) s = chain_tx_copy(tx, false, &f->run.arena, &f->txs[f->count]);
        if (s) return s;
        f->count++;
    }
    return FAN_OK;
}

/* After the last transaction: roots, hash, derived fields. */
static enum fan_status finish(struct filling *f, const struct block *parent, struct state_diff **out_diff,
                              struct fan_error *err)
{
    return run_seal(&f->run, f->txs, f->count, parent, out_diff, err);
}

enum fan_status builder_build(struct local *l, const struct block *parent, struct state_view *parent_view,
                              struct block *const *fresh, size_t fresh_count, const struct seal_plan *plan, bool drop,
                              struct built *out, struct fan_error *err)
{
    struct filling f = {.local = l, .come = plan->come};
    struct built built = {.block = block_new()};
    uint64_t began_ns = clock_monotonic_ns();
    enum fan_status s;

    if (!built.block) return FAN_ENOMEM;
    begin_header(l, parent, plan, &built.block->header);
    s = run_open(&f.run, built.block, config_of(l), parent_view, &l->index, fresh, fresh_count,
                 l->dev ? RUN_ANY_SENDER : RUN_STRICT, NULL, err);
    if (drop && l->sink.console)
        f.run.console = &l->sink; /* not for the pending block, which is built again and again */
    if (!s) s = plan->only_given ? fill_given(&f, plan, err) : plan->come ? fill_instant(&f, err) : fill(&f, err);
    if (!s) s = finish(&f, parent, &built.diff, err);
    run_close(&f.run);
    for (size_t i = 0; drop && i < f.never_count; i++) (void)pool_drop(&l->pool, &f.never[i]);
    free(f.never);
    free(f.txs);
    if (s) {
        built_fini(&built);
        return s;
    }
    histogram_add(&l->stats.build, clock_monotonic_ns() - began_ns, 1);
    *out = built;
    return FAN_OK;
}

enum fan_status builder_seal(struct local *l, const struct seal_plan *plan, struct fan_error *err)
{
    struct state_view *view;
    struct built built;
    enum fan_status s;

    if (l->importing)
        return fan_error_set(err, FAN_EREJECTED, "blocks are being imported: nothing is sealed meanwhile");
    s = state_db_head(l->state, &view);
    if (s) return s;
    s = builder_build(l, head_peek(l), view, NULL, 0, plan, true, &built, err);
    state_view_unref(view);
    if (s) return s;
    s = head_move(l, head_peek(l)->header.number, 0, &built, 1, true, err);
    built_fini(&built);
    return s;
}

/* Blocks of what waits, as long as there is something in them: no empty ones on this way. */
static enum fan_status automine(struct local *l, struct come *come, struct fan_error *err)
{
    while (l->pool.executable_count && !l->importing) {
        struct seal_plan plan = peek_plan(l);
        struct state_view *view;
        struct built built;
        enum fan_status s = state_db_head(l->state, &view);

        if (s) return s;
        plan.come = come;
        s = builder_build(l, head_peek(l), view, NULL, 0, &plan, true, &built, err);
        state_view_unref(view);
        if (s) return s;
        if (!built.block->tx_count) { /* what waits does not fit now */
            built_fini(&built);
            return FAN_OK;
        }
        (void)builder_take_plan(l); /* what was set for the next block is used up by this one */
        head_announce(l);
        s = head_move(l, head_peek(l)->header.number, 0, &built, 1, true, err);
        built_fini(&built);
        if (s) return s;
    }
    return FAN_OK;
}

enum fan_status builder_automine(struct local *l, struct fan_error *err)
{
    return automine(l, NULL, err);
}

enum fan_status builder_instant(struct local *l, struct chain_submission *const *come, size_t count,
                                struct fan_error *err)
{
    struct fan_error words;
    struct come c = {.of = come, .count = count};

    for (;;) {
        enum fan_status s;

        c.broken = NULL;
        words.text[0] = '\0';
        s = automine(l, &c, &words);
        if (s && c.broken) { /* without this one, the others have their block */
            c.broken->status = s;
            c.broken->err = words;
            (void)pool_drop(&l->pool, &c.broken->hash);
            continue;
        }
        if (s && err) *err = words;
        return s;
    }
}

void builder_count_failure(struct local *l)
{
    counter_add(&l->stats.seal_failures, 1);
    TRACE(local, seal_failed, head_peek(l)->header.number, counter_get(&l->stats.seal_failures));
}

void builder_forget_pending(struct local *l)
{
    built_fini(&l->pending);
    state_view_unref(l->pending_parent);
    l->pending_parent = NULL;
}

enum fan_status builder_pending(struct local *l, struct fan_error *err)
{
    struct seal_plan plan = peek_plan(l);
    struct state_view *view;
    enum fan_status s;

    if (l->pending.block && l->pending_changes == l->pool.changes && l->pending_timestamp == plan.timestamp)
        return FAN_OK;
    builder_forget_pending(l);
    s = state_db_head(l->state, &view);
    if (s) return s;
    s = builder_build(l, head_peek(l), view, NULL, 0, &plan, false, &l->pending, err);
    if (s) {
        state_view_unref(view);
        return s;
    }
    l->pending_parent = view;
    l->pending_changes = l->pool.changes;
    l->pending_timestamp = plan.timestamp;
    return FAN_OK;
}
