/* cache: what another node said about one block's state, on disk, over restarts.
 *
 * One file for a chain and a block (`CHAIN-NUMBER-HASH.fork`), since what is cached never changes: a header, then
 * records that are only ever appended, each with a checksum:
 *
 *   "FANFORK1" | chain id (8) | block hash (32)        record:  length (4) | kind (1) | check (4) | payload
 *
 * A file whose header is another's is begun anew; from the first damaged record on a file is cut off. Both are told.
 * Several processes may share a file: each reads it once and appends under the file's lock. Bounded: a file stops
 * growing at CACHE_FILE_MAX, and opening one removes the files longest unused until the folder holds less than
 * CACHE_FOLDER_MAX.
 *
 * Thread: any number may append. What is on disk is foreign: sizes and checksums are checked, meanings by the reader.
 */
#ifndef UPSTREAM_CACHE_H
#define UPSTREAM_CACHE_H

#include "base/slice.h"

enum { CACHE_FILE_MAX = 256 << 20, CACHE_RECORD_MAX = 16 << 20 };
#define CACHE_FOLDER_MAX (1ull << 30)

struct cache;

/* Opens, or makes, the file in the folder (which is made too) and gives each record to `each`, borrowed; false from it
 * counts as damage. note: set where something was wrong that does not hinder; else untouched. FAN_EIO: err says which
 * path and why. FAN_ENOMEM. */
FAN_MUST_CHECK enum fan_status cache_open(const char *folder, uint64_t chain_id, uint64_t number,
                                          const struct fan_hash *hash,
                                          bool (*each)(void *ctx, uint8_t kind, struct slice payload), void *ctx,
                                          struct cache **out, struct fan_error *note, struct fan_error *err);
void cache_close(struct cache *c); /* NULL is fine */
/* A record that cannot be written (full disk, full file) is just not there next time. NULL is fine. */
void cache_put(struct cache *c, uint8_t kind, struct slice payload);
/* Reads a file's bytes as cache_open() would, for it and for the fuzzer: returns how many are sound. */
size_t cache_read(struct slice bytes, uint64_t chain_id, const struct fan_hash *hash,
                  bool (*each)(void *ctx, uint8_t kind, struct slice payload), void *ctx);

#endif
