/* Blocks on their way out, to a file that geth and we import. */
#include <inttypes.h>

#include "local/block_file.h"
#include "local/node.h"

static enum fan_status put_block(struct local *l, struct block_file_writer *w, uint64_t number, struct buf *rlp,
                                 uint64_t *gas, struct fan_error *err)
{
    struct block *b;
    struct fan_error why = {""};
    enum fan_status s = blocks_by_number(&l->index, number, &b);

    if (s) return fan_error_set(err, s, "block %" PRIu64 ": %s", number, fan_status_text(s));
    buf_reset(rlp);
    block_put(b, rlp);
    *gas += b->header.gas_used;
    block_unref(b);
    if (rlp->failed) return fan_error_set(err, rlp->failed, "block %" PRIu64 ": out of memory", number);
    s = block_file_put(w, buf_peek(rlp), &why);
    return s ? fan_error_set(err, s, "%s", why.text) : FAN_OK;
}

static enum fan_status put_all(struct local *l, struct block_file_writer *w, uint64_t first, uint64_t last,
                               const struct local_import_watch *watch, struct fan_error *err)
{
    struct local_import_progress p = {.count = last - first + 1};
    struct buf rlp;
    enum fan_status s = FAN_OK;

    buf_init(&rlp, 0);
    for (uint64_t n = first; n <= last && !s; n++) {
        s = put_block(l, w, n, &rlp, &p.gas, err);
        if (s) break;
        p.blocks++;
        p.head_number = n;
        if (watch && watch->progress) watch->progress(watch->ctx, &p);
        if (watch && watch->stop && watch->stop(watch->ctx)) s = fan_error_set(err, FAN_ECLOSED, "interrupted");
    }
    buf_fini(&rlp);
    return s;
}

enum fan_status local_export(struct local *l, const char *path, uint64_t first, uint64_t last,
                             const struct local_import_watch *watch, struct fan_error *err)
{
    uint64_t head = head_peek(l)->header.number;
    struct block_file_writer *w;
    enum fan_status s;

    if (first > last || last > head)
        return fan_error_set(err, FAN_EINVAL, "blocks %" PRIu64 " to %" PRIu64 ": the chain has 0 to %" PRIu64, first,
                             last, head);
    s = block_file_create(path, &w, err);
    if (s) return s;
    s = put_all(l, w, first, last, watch, err);
    if (!s) return block_file_finish(w, err);
    block_file_abort(w);
    return s;
}
