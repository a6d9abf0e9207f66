/* fee_history: what the last blocks charged, and what they tipped at given percentiles of their gas.
 *
 * baseFeePerGas and baseFeePerBlobGas have one entry more than blocks: the next block's, which follows from the last
 * one. A percentile's reward is the tip of the transaction at which that share of the block's gas is reached,
 * transactions sorted by tip.
 *
 * Not here: parameters and limits of the request (eth_fee.c).
 * Spec: execution-apis eth_feeHistory; geth's eth/gasprice/feehistory.go. */
#ifndef API_FEE_HISTORY_H
#define API_FEE_HISTORY_H

#include "chain/chain.h"
#include "codec/json.h"

enum { FEE_PERCENTILES_MAX = 100 };

struct fee_history {
    uint64_t block_count;
    const double *percentiles;
    size_t percentile_count;
};

/* Reads the array: numbers from 0 to 100, rising. Returns NULL, or words (in why->text or static) with geth's phrase.
 */
const char *fee_history_percentiles(struct fee_history *h, struct json list, struct arena *a, struct fan_error *why);
/* Writes the whole result for the blocks that end with `last`; NULL, or a count of 0, is geth's empty answer. Any
 * thread. */
FAN_MUST_CHECK enum fan_status fee_history_put(const struct fee_history *h, struct chain *chain,
                                               const struct block *last, struct arena *a, struct json_writer *w);

/* The tip at each percentile of a block with receipts; zeros for one without transactions. */
FAN_MUST_CHECK enum fan_status fee_history_rewards(const struct fee_history *h, const struct block *b,
                                                   struct arena scratch, struct fan_u256 *out);
/* The shortest decimal text that reads back as v; v is finite. */
void fee_history_put_ratio(struct json_writer *w, double v);

#endif
