/* gzip: bytes that came packed as one whole, unpacked into memory.
 *
 * Not here: streams and files of unknown size (local/block_file.h), permessage-deflate (wire/deflate.h).
 * Spec: RFC 1952; zlib does the work. */
#ifndef CODEC_GZIP_H
#define CODEC_GZIP_H

#include "base/arena.h"

bool gzip_is(struct slice bytes); /* does it begin as gzip does? */
/* Unpacks all members into the arena, at most len_max bytes; memory grows with what comes out, not with what the packed
 * form promises. FAN_EFORMAT: damaged or cut short. FAN_ELIMIT: longer. FAN_ENOMEM. */
FAN_MUST_CHECK enum fan_status gzip_unpack(struct slice packed, size_t len_max, struct arena *a, struct slice *out);

#endif
