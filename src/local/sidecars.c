#include "local/sidecars.h"

static void drop_oldest(struct sidecars *s)
{
    s->blobs -= s->txs[0]->tx.blob_count;
    pending_tx_unref(s->txs[0]);
    memmove(s->txs, s->txs + 1, --s->count * sizeof *s->txs);
}

void sidecars_add(struct sidecars *s, struct pending_tx *p)
{
    if (!p->tx.sidecar || p->tx.blob_count > SIDECAR_BLOBS_MAX) return;
    while (s->count && s->blobs + p->tx.blob_count > SIDECAR_BLOBS_MAX) drop_oldest(s);
    s->txs[s->count++] = pending_tx_ref(p);
    s->blobs += p->tx.blob_count;
}

static bool has_blob(const struct tx *tx, const struct fan_hash *blob, size_t *out_index)
{
    for (size_t i = 0; i < tx->blob_count; i++) {
        if (memcmp(&tx->blob_hashes[i], blob, sizeof *blob) != 0) continue;
        *out_index = i;
        return true;
    }
    return false;
}

struct pending_tx *sidecars_find(const struct sidecars *s, const struct fan_hash *tx, const struct fan_hash *blob,
                                 size_t *at, size_t *out_index)
{
    for (; *at < s->count; ++*at) {
        struct pending_tx *p = s->txs[*at];

        if (tx ? memcmp(&p->tx.hash, tx, sizeof *tx) != 0 : !has_blob(&p->tx, blob, out_index)) continue;
        ++*at;
        return p;
    }
    return NULL;
}

void sidecars_fini(struct sidecars *s)
{
    while (s->count) drop_oldest(s);
}
