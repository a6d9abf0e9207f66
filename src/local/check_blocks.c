#include <inttypes.h>

#include "local/check.h"
#include "local/log_store.h"
#include "store/block_rows.h"

#define WRONG(...) return fan_error_set(err, FAN_EFORMAT, __VA_ARGS__)

enum { PAGE = 64 }; /* blocks in one read transaction */

struct walk {
    uint64_t head;
    struct fan_hash parent; /* of the block to come */
    struct fan_u256 difficulty; /* total, of the parent */
    uint64_t log_rows;      /* that belong into the index of logs */
    struct check_count *count;
};

static bool same(const struct fan_hash *a, const struct fan_hash *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static enum fan_status check_roots(const struct block *b, struct fan_error *err)
{
    uint64_t number = b->header.number;
    struct fan_hash root;
    enum fan_status s = block_transactions_root(b->txs, b->tx_count, &root);

    if (s) return s;
    if (!same(&root, &b->header.transactions_root))
        WRONG("block %" PRIu64 ": its transactions are not those of its header", number);
    s = block_receipts_root(b->receipts, b->tx_count, &root);
    if (s) return s;
    if (!same(&root, &b->header.receipts_root))
        WRONG("block %" PRIu64 ": its receipts are not those of its header", number);
    s = block_ommers_hash(b->ommers, b->ommer_count, &root);
    if (s) return s;
    if (!same(&root, &b->header.ommers_hash))
        WRONG("block %" PRIu64 ": its ommers are not those of its header", number);
    if (b->header.extent < HEADER_SHANGHAI) return FAN_OK;
    s = block_withdrawals_root(b->withdrawals, b->withdrawal_count, &root);
    if (s) return s;
    if (!same(&root, &b->header.withdrawals_root))
        WRONG("block %" PRIu64 ": its withdrawals are not those of its header", number);
    return FAN_OK;
}

static enum fan_status check_places(struct store_txn *t, const struct block *b, struct fan_error *err)
{
    uint64_t number, index;
    enum fan_status s = store_number_of(t, &b->hash, &number);

    if (s == FAN_ENOTFOUND || (!s && number != b->header.number))
        WRONG("block %" PRIu64 ": its hash does not lead to it", b->header.number);
    for (size_t i = 0; i < b->tx_count && !s; i++) {
        s = store_tx_place(t, &b->txs[i].hash, &number, &index);
        if (s == FAN_ENOTFOUND || (!s && (number != b->header.number || index != i)))
            WRONG("block %" PRIu64 ": the hash of transaction %zu does not lead to it", b->header.number, i);
    }
    return s;
}

static enum fan_status check_one(struct store_txn *t, struct walk *w, uint64_t number, struct fan_error *err)
{
    struct fan_error why = {""};
    struct fan_hash hash;
    struct block *b;
    enum fan_status s = store_hash_at(t, number, &hash);

    if (s == FAN_ENOTFOUND) WRONG("block %" PRIu64 " is missing below the head %" PRIu64, number, w->head);
    if (!s) s = store_block_get(t, number, &hash, &b, &why);
    if (s == FAN_ENOTFOUND) WRONG("block %" PRIu64 ": its rows are missing", number);
    if (s) return fan_error_set(err, s, "block %" PRIu64 ": %s", number, why.text[0] ? why.text : fan_status_text(s));
    if (number && !same(&b->header.parent_hash, &w->parent))
        s = fan_error_set(err, FAN_EFORMAT, "block %" PRIu64 ": its parent is not block %" PRIu64, number, number - 1);
    if (!s && (!u256_add(&w->difficulty, &b->header.difficulty, &w->difficulty) ||
               memcmp(&w->difficulty, &b->total_difficulty, sizeof w->difficulty) != 0))
        s = fan_error_set(err, FAN_EFORMAT, "block %" PRIu64 ": its total difficulty does not follow", number);
    if (!s) s = check_roots(b, err);
    if (!s) s = check_places(t, b, err);
    if (!s) {
        s = log_store_check(t, b, &w->log_rows);
        if (s == FAN_EFORMAT)
            (void)fan_error_set(err, s, "block %" PRIu64 ": a log of it is missing in the index of logs", number);
    }
    w->parent = hash;
    w->count->blocks++;
    w->count->txs += b->tx_count;
    w->count->logs += b->log_count;
    block_unref(b);
    return s;
}

/* What is in the tables beside the canonical chain: orphans, and nothing else. */
static enum fan_status check_counts(struct store_txn *t, const struct walk *w, struct fan_error *err)
{
    struct check_count *count = w->count;
    uint64_t logs_first, logs, numbers, hashes, txs, headers, bodies, outcomes, queued;
    enum fan_status s = store_count(t, STORE_NUMBERS, &numbers);

    if (!s) s = store_count(t, STORE_HASHES, &hashes);
    if (!s) s = store_count(t, STORE_TXS, &txs);
    if (!s) s = store_count(t, STORE_HEADERS, &headers);
    if (!s) s = store_count(t, STORE_BODIES, &bodies);
    if (!s) s = store_count(t, STORE_OUTCOMES, &outcomes);
    if (!s) s = store_count(t, STORE_ORPHANS, &queued);
    if (!s) s = store_count(t, STORE_LOGS, &logs);
    if (!s) s = log_store_first(t, &logs_first);
    if (s) return s;
    if (logs_first == 0 && logs != w->log_rows)
        WRONG("%" PRIu64 " rows in the index of logs, but %" PRIu64 " belong there", logs, w->log_rows);
    if (numbers != count->blocks) WRONG("%" PRIu64 " block numbers, but %" PRIu64 " blocks", numbers, count->blocks);
    if (txs != count->txs) WRONG("%" PRIu64 " transactions in the index, but %" PRIu64 " in blocks", txs, count->txs);
    if (headers != hashes || bodies != hashes || outcomes != hashes)
        WRONG("%" PRIu64 " block hashes, but %" PRIu64 " headers, %" PRIu64 " bodies, %" PRIu64 " outcomes", hashes,
              headers, bodies, outcomes);
    if (hashes < numbers || hashes - numbers > queued)
        WRONG("%" PRIu64 " blocks beside the chain, but %" PRIu64 " orphans are known", hashes - numbers, queued);
    count->orphans = hashes - numbers;
    return FAN_OK;
}

enum fan_status check_blocks(struct store *store, void (*progress)(void *ctx, uint64_t block, uint64_t head), void *ctx,
                             struct check_count *out, struct fan_error *err)
{
    struct walk w = {.count = out};
    struct store_txn *t;
    uint64_t number = 0;
    enum fan_status s = store_read_begin(store, &t);

    if (s) return s;
    s = store_head_number(t, &w.head);
    if (!s) s = check_one(t, &w, 0, err);
    store_read_end(t);
    for (number = 1; !s && number <= w.head;) {
        s = store_read_begin(store, &t);
        if (s) return s;
        for (size_t i = 0; i < PAGE && !s && number <= w.head; i++, number++) s = check_one(t, &w, number, err);
        store_read_end(t);
        if (progress) progress(ctx, number, w.head);
    }
    if (s) return s;
    s = store_read_begin(store, &t);
    if (s) return s;
    s = check_counts(t, &w, err);
    store_read_end(t);
    return s;
}
