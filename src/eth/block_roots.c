/* The commitments a header makes to what stands in its block. */
#include <openssl/sha.h>

#include "codec/keccak.h"
#include "eth/block.h"
#include "eth/ordered_trie.h"

enum { REQUEST_LISTS_MAX = 256 }; /* one for each value of the type byte */

static void put_tx(const void *items, size_t index, struct buf *out)
{
    buf_put(out, ((const struct tx *)items)[index].encoded);
}

static void put_receipt(const void *items, size_t index, struct buf *out)
{
    receipt_put(&((const struct receipt *)items)[index], out);
}

static void put_withdrawal(const void *items, size_t index, struct buf *out)
{
    withdrawal_put(&((const struct withdrawal *)items)[index], out);
}

enum fan_status block_transactions_root(const struct tx *txs, size_t count, struct fan_hash *out)
{
    return ordered_trie_root(txs, count, put_tx, out);
}

enum fan_status block_receipts_root(const struct receipt *receipts, size_t count, struct fan_hash *out)
{
    return ordered_trie_root(receipts, count, put_receipt, out);
}

enum fan_status block_withdrawals_root(const struct withdrawal *w, size_t count, struct fan_hash *out)
{
    return ordered_trie_root(w, count, put_withdrawal, out);
}

enum fan_status block_ommers_hash(const struct header *ommers, size_t count, struct fan_hash *out)
{
    enum fan_status s;
    struct buf b;
    size_t list;

    buf_init(&b, 0);
    list = rlp_list_begin(&b);
    for (size_t i = 0; i < count; i++) header_put(&ommers[i], &b);
    rlp_list_end(&b, list);
    s = b.failed;
    if (!s) *out = keccak256(buf_peek(&b));
    buf_fini(&b);
    return s;
}

struct fan_hash block_requests_hash(const struct slice *requests, size_t count)
{
    uint8_t each[REQUEST_LISTS_MAX][32];
    struct fan_hash all;
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (requests[i].len < 2) continue; /* a type without data does not count */
        assert(kept < REQUEST_LISTS_MAX);
        (void)SHA256(requests[i].at, requests[i].len, each[kept++]);
    }
    (void)SHA256(each[0], kept * sizeof each[0], all.bytes);
    return all;
}
