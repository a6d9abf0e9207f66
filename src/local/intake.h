/* intake: blocks on their way in, decoded and with their senders known, ahead of who executes them.
 *
 * A block costs its importer two kinds of work: what needs the chain's state, one block after the other, and what needs
 * only the block, of which recovering its senders (40 µs each) is the most. A thread of the intake does the latter for
 * the blocks to come while the importer is at this one. Blocks the chain has already are passed by at the price of
 * hashing their headers.
 *
 *      file or bytes ──► reader's thread: decode, recover ──► a ring of READY blocks ──► intake_next(): importer
 *
 * From memory it works on the importer's thread: tests and fuzzers need no second one.
 * Not here: any judgement beyond "is a block" (import.c). */
#ifndef LOCAL_INTAKE_H
#define LOCAL_INTAKE_H

#include "eth/fork.h"
#include "local/blocks.h"

struct intake;

/* Borrows config and blocks until intake_close(). The file is opened by the thread, since a pipe that nobody writes to
 * would hold up who asks; whether it can be is told by intake_next(). FAN_ENOMEM, FAN_ESYSTEM. */
FAN_MUST_CHECK enum fan_status intake_open_file(const char *path, const struct chain_config *config,
                                                struct blocks *blocks, struct intake **out);
FAN_MUST_CHECK enum fan_status intake_open_bytes(struct slice bytes, const struct chain_config *config,
                                                 struct blocks *blocks, struct intake **out);
/* Once intake_next() has given its first answer: how many blocks there are, those the chain has included, and the
 * number the last one bears; 0 where it cannot be told beforehand: a pipe, a first block that is none. */
uint64_t intake_count(const struct intake *in, uint64_t *out_last_number);
/* Is there an answer, within so many milliseconds? */
bool intake_ready(struct intake *in, unsigned wait_ms);
/* The next block the chain did not have, with one reference; a sender that cannot be recovered is left for the importer
 * to find. *out_passed (also at the end) grows by how many were passed by before it. FAN_ENOTFOUND: the end.
 * FAN_EFORMAT: no block; err says why, *out_offset where it began, counted in bytes that are not gzip'd. FAN_EIO. */
FAN_MUST_CHECK enum fan_status intake_next(struct intake *in, struct block **out, uint64_t *out_passed,
                                           uint64_t *out_offset, struct fan_error *err);
/* Also while the thread waits for a pipe. NULL is fine. */
void intake_close(struct intake *in);

#endif
