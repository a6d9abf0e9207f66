/* spool: a long text, kept compressed between whoever writes it and whoever sends it.
 *
 * The struct logs of a trace are megabytes in which hardly anything changes from one step to the next. Somebody has to
 * keep them until the last step is known, or an error could not take their place any more, and until a reader who may
 * be slow has taken them. A spool keeps them at a twentieth to a hundredth of their length: text goes in by pieces,
 * each is deflated with an empty window, and comes out by pieces at the other end, as the socket takes it.
 *
 *   text ─► spool_put ─► [piece][piece][piece] ─► spool_take ─► text, or the deflated piece as it is
 *                                    └── spool_cut: an error takes the place of what came last
 *
 * A piece that deflating does not shorten is kept as it is. Since each stands by itself, what was put last can be taken
 * back, and a piece may leave in its compressed form inside a message of permessage-deflate.
 *
 * Not here: when a reply is long enough to be worth it (rpc/call.c), frames around pieces (conn/pieces.h).
 * Thread: one at a time; it travels with the call. Owner: whoever holds it last. */
#ifndef WIRE_SPOOL_H
#define WIRE_SPOOL_H

#include "wire/deflate.h"

enum { SPOOL_PIECE_MAX = DEFLATE_STORED_LEN_MAX }; /* of text */

struct spool;

/* Empty. NULL: out of memory. */
struct spool *spool_new(void);
void spool_free(struct spool *s); /* NULL is fine */
/* Appends the text, at most SPOOL_PIECE_MAX bytes, as one piece; it is copied. False: out of memory, and the spool is
 * as before. */
FAN_MUST_CHECK bool spool_put(struct spool *s, struct slice text);
/* Nothing more is put: what only putting needs goes, 200 KiB. spool_put() would make it again. */
void spool_rest(struct spool *s);
/* Bytes of text in it. */
size_t spool_len(const struct spool *s);
/* Bytes of memory that its pieces take. */
size_t spool_memory(const struct spool *s);
/* Keeps the first whole pieces of its first `len` bytes, and appends to rest what is left of those bytes. False: out of
 * memory; then rest, and what of the text it would have held, is lost. */
FAN_MUST_CHECK bool spool_cut(struct spool *s, size_t len, struct buf *rest);

/* Sees to it that taking needs no more memory. False: there is none. */
FAN_MUST_CHECK bool spool_ready(struct spool *s);
/* Takes the first piece's text into memory of the spool's, good until the next call. After spool_ready(); empty when
 * there is none. */
struct slice spool_take(struct spool *s);
/* The same piece as deflate data for a window of 2^15 bytes, to be asked for in the place of
 * taking it; it ends as deflater_run()'s does. Empty: it is not kept so. Borrowed until spool_drop(). */
struct slice spool_peek_deflated(const struct spool *s);
/* Drops the first piece: it has been used. */
void spool_drop(struct spool *s);
/* Bytes of text in the first piece; 0: there is none. */
size_t spool_first_len(const struct spool *s);

#endif
