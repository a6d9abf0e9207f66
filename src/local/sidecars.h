/* sidecars: blobs of transactions that were sealed here, for who asks a development chain for them afterwards.
 *
 * A block holds the hashes of blobs alone; on a real network consensus clients keep the rest for some weeks. Here the
 * newest are kept, SIDECAR_BLOBS_MAX of them (16 MiB), in memory, since the program started.
 *
 * Thread: the writer's. */
#ifndef LOCAL_SIDECARS_H
#define LOCAL_SIDECARS_H

#include "chain/chain.h"

enum { SIDECAR_BLOBS_MAX = 128 };

struct sidecars {
    struct pending_tx *txs[SIDECAR_BLOBS_MAX]; /* oldest first, a reference each; each has a blob at least */
    size_t count, blobs;
};

/* Keeps a reference, where it has a sidecar; the oldest go. */
void sidecars_add(struct sidecars *s, struct pending_tx *p);
/* By the transaction's hash, or (tx NULL) the next one from *at on that has this blob; NULL: none. Borrowed. *out_index
 * is which blob; *at is then behind it. */
struct pending_tx *sidecars_find(const struct sidecars *s, const struct fan_hash *tx, const struct fan_hash *blob,
                                 size_t *at, size_t *out_index);
void sidecars_fini(struct sidecars *s); /* zeroed is fine */

#endif
