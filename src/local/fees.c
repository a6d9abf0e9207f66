/* Fee suggestions, in geth's way: the 60th percentile of the three lowest tips of each of the last 20 blocks, tips
 * under 2 wei and the coinbase's own transactions left out; where those blocks say nothing, the configured tip. The gas
 * price is that tip on top of the head's base fee or the next block's, whichever is higher: geth takes the head's, but
 * where blocks come at once a price below the next base fee is refused. */
#include <stdlib.h>

#include "codec/u256.h"
#include "local/node.h"

enum { BLOCKS = 20, PER_BLOCK = 3, PERCENTILE = 60, IGNORED_BELOW_WEI = 2 };
#define TIP_MAX_WEI 500000000000u /* geth's cap: 500 gwei */

static int by_value(const void *a, const void *b)
{
    uint64_t x, y;

    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

/* The lowest tips of one block, ascending, at most PER_BLOCK. */
static size_t lowest_tips(const struct block *b, uint64_t out[PER_BLOCK])
{
    struct fan_u256 base = u256_of(b->header.base_fee_wei);
    size_t n = 0;

    for (size_t i = 0; i < b->tx_count; i++) {
        struct fan_u256 price = tx_effective_gas_price(&b->txs[i], b->header.base_fee_wei), wide;
        uint64_t tip = TIP_MAX_WEI;
        size_t at = n;

        if (!u256_sub(&price, &base, &wide)) continue;
        (void)u256_fits_u64(&wide, &tip);
        if (tip < IGNORED_BELOW_WEI ||
            memcmp(&b->txs[i].sender, &b->header.beneficiary, sizeof b->header.beneficiary) == 0)
            continue;
        while (at > 0 && out[at - 1] > tip) at--;
        if (at == PER_BLOCK) continue;
        if (n < PER_BLOCK) n++;
        for (size_t k = n - 1; k > at; k--) out[k] = out[k - 1];
        out[at] = tip;
    }
    return n;
}

static uint64_t suggest_tip(struct local *l, uint64_t head)
{
    struct block *blocks[BLOCKS];
    uint64_t tips[BLOCKS * PER_BLOCK];
    uint64_t first = max_u64(head >= BLOCKS ? head - BLOCKS + 1 : 1, blocks_first(&l->index) + 1);
    size_t got = 0, n = 0;

    if (head && blocks_range(&l->index, first, BLOCKS, blocks, &got)) got = 0; /* unread: as a chain without any */
    for (size_t i = 0; i < got; i++) {
        n += lowest_tips(blocks[i], tips + n);
        block_unref(blocks[i]);
    }
    if (!n) return l->priority_fee_wei;
    qsort(tips, n, sizeof *tips, by_value);
    return min_u64(tips[(n - 1) * PERCENTILE / 100], TIP_MAX_WEI);
}

void fees_suggest(struct chain *c, struct chain_fees *out)
{
    struct local *l = local_of(c);
    struct block *head = blocks_head(&l->index);
    const struct header *h = &head->header;
    uint64_t next_time = h->timestamp + 1;
    enum fork f = fork_at(config_of(l), h->number + 1, next_time);
    struct blob_params blob;

    memset(out, 0, sizeof *out);
    out->priority_fee_wei = suggest_tip(l, h->number);
    if (f >= FORK_LONDON) out->next_base_fee_wei = header_next_base_fee(h, h->extent >= HEADER_LONDON);
    out->gas_price_wei = out->priority_fee_wei + max_u64(h->base_fee_wei, out->next_base_fee_wei);
    if (f >= FORK_CANCUN && blob_params_at(config_of(l), next_time, &blob)) {
        bool had = h->extent >= HEADER_CANCUN;

        out->blob_base_fee_wei = blob_base_fee(
            next_excess_blob_gas(f, &blob, had ? h->excess_blob_gas : 0, had ? h->blob_gas_used : 0, h->base_fee_wei),
            blob.update_fraction);
    }
    block_unref(head);
}
