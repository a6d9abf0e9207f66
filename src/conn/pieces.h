/* pieces: a long reply that is made as the socket takes it.
 *
 * Compressing 25 MB at once would keep the loop for a third of a second, so a reply longer than one piece is a
 * WebSocket message in fragments (RFC 6455 section 5.4), each of which holds one piece of it. Only the piece being
 * written exists in its compressed form; when it has left, the next is made:
 *
 *   RSV1 text [ piece 1, 00 00 ff ff ]   continuation [ piece 2, 00 00 ff ff ] …   final continuation [ the last ]
 *
 * Every piece is compressed by itself, with an empty window, by the worker's one deflater, and flushed to a whole byte;
 * so no state is kept between them but how far we are. Making one cannot fail: its room is there from the beginning,
 * and what memory is too short to compress goes into a stored block.
 *
 * A reply that comes in a spool (wire/spool.h) is inflated likewise, piece by piece, and each leaves as a fragment, or,
 * over HTTP, as it is. Where the client's window is the spool's, a piece leaves as it lies there.
 *
 * Inside conn/ only. Not here: where it stands in the queue, and its place in the counts (outbox.c).
 * Thread: the worker's. */
#ifndef CONN_PIECES_H
#define CONN_PIECES_H

#include "base/buf.h"
#include "wire/deflate.h"
#include "wire/spool.h"
#include "wire/ws.h"

enum { PIECE_LEN_MAX = DEFLATE_STORED_LEN_MAX }; /* of text */

struct pieces;

enum pieces_form {
    PIECES_DEFLATED,  /* compressed fragments */
    PIECES_FRAGMENTS, /* fragments as they are */
    PIECES_BARE       /* the text alone: HTTP's head has told its length */
};

/* A message of more than piece_len bytes (at most PIECE_LEN_MAX), with its first piece made; takes over the body's
 * memory. d must outlive it. NULL: out of memory, or compressing the beginning does not pay; the body is as before. */
struct pieces *pieces_new(struct deflater *d, unsigned bits, enum ws_opcode opcode, struct buf *body, size_t piece_len);
/* The same for a spool that holds something, which is taken over; d and bits are for PIECES_DEFLATED. NULL: out of
 * memory, and the spool is still the caller's. */
struct pieces *pieces_of_spool(enum pieces_form form, struct deflater *d, unsigned bits, enum ws_opcode opcode,
                               struct spool *spool);
void pieces_free(struct pieces *p); /* NULL is fine */
/* What is to be written: a frame, or bare text; borrowed until the next is made. */
struct slice pieces_peek(const struct pieces *p);
/* Makes the next; returns how many bytes of text are in it, 0 when there is no more. */
size_t pieces_next(struct pieces *p);
/* Bytes of text that are in no piece yet. */
size_t pieces_left(const struct pieces *p);
/* The piece that is there is the last: the message stays unfinished, and the connection must end. */
void pieces_cut(struct pieces *p);
/* Bytes of memory that it took at first; a spool gives back what has left. */
size_t pieces_memory(const struct pieces *p);

#endif
