/* block_file: a file of RLP blocks, one after the other, as geth's `export` writes and its `import` reads them.
 *
 * Reading takes one item at a time and keeps no more than that, so the file may be larger than memory. A gzip'd file is
 * known by its first bytes; a pipe will do. Writing goes to the file PATH.part beside it, which takes the name when all
 * is on disk, so that a file of that name is always whole; where PATH is no file (a pipe, /dev/stdout) it goes there at
 * once.
 *
 * Not here: what the items mean (block_decode()), whether they are true (import.c).
 * Thread: one owner. Source: geth's cmd/utils ImportChain and ExportAppendChain; RFC 1952. */
#ifndef LOCAL_BLOCK_FILE_H
#define LOCAL_BLOCK_FILE_H

#include "base/buf.h"

enum { BLOCK_FILE_ITEM_MAX = 256 * 1024 * 1024 };

struct block_file;

/* FAN_EIO: err says why, without the path. */
FAN_MUST_CHECK enum fan_status block_file_open(const char *path, struct block_file **out, struct fan_error *err);
/* The next item, header included; borrowed until the next call. FAN_ENOTFOUND: the end. FAN_EFORMAT: no list, cut
 * short, or longer than BLOCK_FILE_ITEM_MAX. FAN_EIO. */
FAN_MUST_CHECK enum fan_status block_file_next(struct block_file *f, struct slice *out, struct fan_error *err);
/* Back to the beginning; false for a pipe, which has gone where it is. */
FAN_MUST_CHECK bool block_file_rewind(struct block_file *f);
uint64_t block_file_offset(const struct block_file *f); /* where the last item began, in the bytes not gzip'd */
void block_file_close(struct block_file *f);            /* NULL is fine */

struct block_file_writer;

/* gzip'd when PATH ends in .gz. FAN_EIO. */
FAN_MUST_CHECK enum fan_status block_file_create(const char *path, struct block_file_writer **out,
                                                 struct fan_error *err);
FAN_MUST_CHECK enum fan_status block_file_put(struct block_file_writer *w, struct slice item, struct fan_error *err);
/* On disk and under its name when it returns FAN_OK. The writer is gone either way. */
FAN_MUST_CHECK enum fan_status block_file_finish(struct block_file_writer *w, struct fan_error *err);
void block_file_abort(struct block_file_writer *w); /* leaves nothing behind; NULL is fine */

#endif
