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

/* Borrows config and blocks until intake_close(). FAN_EIO: the file cannot be read; err says why. */
FAN_MUST_CHECK enum fan_status intake_open_file(const char *path, const struct chain_config *config,
                                                struct blocks *blocks, struct intake **out, struct fan_error *err);
FAN_MUST_CHECK enum fan_status intake_open_bytes(struct slice bytes, const struct chain_config *config,
                                                 struct blocks *blocks, struct intake **out);
/* How many blocks there are, those the chain has included, as far as it can be told: 0 for a pipe. */
uint64_t intake_count(const struct intake *in);
/* The next block the chain did not have, with one reference; a sender that cannot be recovered is left for the importer to
 * find. *out_passed (also at the end) grows by how many were passed by before it. FAN_ENOTFOUND: the end. FAN_EFORMAT: no block; err says why,
 * *out_offset where it began, counted in bytes that are not gzip'd. FAN_EIO. */
FAN_MUST_CHECK enum fan_status intake_next(struct intake *in, struct block **out, uint64_t *out_passed,
                                           uint64_t *out_offset, struct fan_error *err);
void intake_close(struct intake *in); /* NULL is fine */

#endif
