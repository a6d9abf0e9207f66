/* host_read: a host's JSON as blocks and logs. Pure functions: nothing here knows what was announced before. */
#ifndef CHAIN_HOST_READ_H
#define CHAIN_HOST_READ_H

#include "chain/chain.h"

/* A log's index where the host gave none. */
#define HOST_NO_INDEX UINT64_MAX

/* What a log says of its block. */
struct host_log_place {
    bool has_hash, has_number;
    struct fan_hash hash;
    uint64_t number;
};

/* Statuses and errors as in host.h. A block has header_json, hash, and of the header what the host gave of parent_hash,
 * number and timestamp; its bloom matches everything, since nobody knows what will come. The caller owns *out. */
FAN_MUST_CHECK enum fan_status host_read_block(struct slice json, struct block **out, struct fan_error *err);
/* The logs as those of a block that is nothing else; places[i] belongs to logs[i] and lives as long as the block. */
FAN_MUST_CHECK enum fan_status host_read_logs(struct slice json, struct block **out,
                                              const struct host_log_place **out_places, struct fan_error *err);
FAN_MUST_CHECK enum fan_status host_read_pending(struct slice json, struct pending_tx **out, struct fan_error *err);
FAN_MUST_CHECK enum fan_status host_read_syncing(struct slice json, struct chain_sync *out, struct fan_error *err);

/* A copy of b, its header and its logs, with room for `more` logs behind them (log_count counts those that are there);
 * *a then carves from its memory. NULL: out of memory. */
struct block *host_copy_block(const struct block *b, size_t more, struct arena *a);
/* Appends a deep copy of l to b, which was made with room for it, with b's arena. FAN_ENOMEM. */
FAN_MUST_CHECK enum fan_status host_put_log(struct block *b, struct arena *a, const struct log *l);

#endif
