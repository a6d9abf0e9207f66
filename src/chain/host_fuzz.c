#include "chain/host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A feeder's lines are foreign bytes. Properties: each is taken or refused with words, and the chain stays one: every
 * block above the first kept stands on the one below it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct host_options options = {.history = 8, .waiting_logs_max = 64};
    struct host *h;
    struct block *head, *b, *below;
    struct slice rest = slice_of(data, size);

    if (host_new(&options, &h)) return 0;
    while (rest.len) {
        const uint8_t *end = memchr(rest.at, '\n', rest.len);
        struct slice line = slice_first(rest, end ? (size_t)(end - rest.at) : rest.len);
        struct fan_error err = {""};
        enum fan_status s = FAN_OK;

        rest = slice_from(rest, line.len + (end != NULL));
        if (!line.len) continue;
        switch (line.at[0]) {
        case 'b':
            s = host_announce_block(h, slice_from(line, 1), &err);
            break;
        case 'l':
            s = host_announce_logs(h, slice_from(line, 1), &err);
            break;
        case 'p':
            s = host_announce_pending(h, slice_from(line, 1), &err);
            break;
        case 's':
            s = host_announce_syncing(h, slice_from(line, 1), &err);
            break;
        default:
            continue;
        }
        assert(!s || err.text[0]);
    }
    if (!host_chain(h)->ops->head(host_chain(h), &head)) {
        b = head;
        while (b->header.number && !host_chain(h)->ops->block_by_number(host_chain(h), b->header.number - 1, &below)) {
            assert(memcmp(&below->hash, &b->header.parent_hash, sizeof below->hash) == 0);
            block_unref(b);
            b = below;
        }
        block_unref(b);
    }
    host_free(h);
    return 0;
}
