/* history: when something first became true of an account, found by halving the chain: some twenty states are opened
 * for a million blocks.
 *
 * Right for what, once true, stays true (a nonce that was used). Code that was destroyed and made again, or a nonce
 * that a development method set back, may be found at its later time. On a fork only the blocks of ours are looked at.
 *
 * Thread: the pool's. */
#ifndef API_HISTORY_H
#define API_HISTORY_H

#include "api/method.h"

/* The first canonical block after which `is` holds of the account; a reference. FAN_ENOTFOUND: it does not hold at the
 * head, or already held in the oldest state that is kept. */
FAN_MUST_CHECK enum fan_status history_first(struct chain *chain, const struct fan_address *address,
                                             bool (*is)(void *ctx, const struct chain_account *account), void *ctx,
                                             struct block **out);
/* The block that holds a sender's transaction of that nonce, and where. FAN_ENOTFOUND as above, or where the nonce was
 * used by something else (an authorization). */
FAN_MUST_CHECK enum fan_status history_tx_of(struct chain *chain, const struct fan_address *sender, uint64_t nonce,
                                             struct block **out, size_t *out_index);

#endif
