/* keep: makes durable what moves the head: one write transaction for blocks and state, all of it or nothing.
 *
 *   at once (node)   head_move ─► keep_turn: one transaction ─► durable ─► state, blocks, event
 *   behind (dev)     head_move ─► state, blocks, event ─► queue ─► the keeper's thread: many blocks in one transaction
 *
 * At once, whoever hears of a block hears of one that a power cut does not take back. Behind, the writer waits for no
 * disk: at most KEEP_QUEUE_MAX changes wait, beyond that the writer does; a kill loses what waited and nothing else,
 * since a transaction always holds whole blocks in their order. What turns the chain back is made durable at once in
 * either mode, after all that waited.
 *
 * A write that fails changes nothing. At once, the block is then refused, with words that name the folder and the
 * reason; behind, the keeper says so through `trouble`, tries again every second, and refuses further blocks when the
 * queue is full. History beyond history_blocks is forgotten in the same transactions, a few versions each.
 *
 * In memory (no store) there is no keep, and head.c moves the state db itself.
 * Thread: the writer's, but for the keeper's own. */
#ifndef LOCAL_KEEP_H
#define LOCAL_KEEP_H

#include "local/blocks.h"
#include "local/state.h"
#include "store/store.h"

enum { KEEP_QUEUE_MAX = STATE_DIFFS_BEHIND };

struct keep;

/* A block that was executed, with what it did to the state; block NULL: an edit of the state from outside. */
struct built {
    struct block *block;
    struct state_diff *diff;
};
void built_fini(struct built *b);

struct keep_options {
    struct store *store;     /* borrowed */
    bool behind;             /* see above */
    uint64_t history_blocks; /* 0: all */
    /* As in struct local_sink; may be NULL. */
    void (*trouble)(void *ctx, const char *text, bool over);
    void *ctx;
};

/* Borrows the state db, whose base lies in that store, and the blocks. FAN_ESYSTEM: no thread. */
FAN_MUST_CHECK enum fan_status keep_open(const struct keep_options *o, struct state_db *state, struct blocks *blocks,
                                         struct keep **out);
struct store *keep_store(const struct keep *k); /* borrowed */
/* Writes what waits, if it can. NULL is fine. */
void keep_close(struct keep *k);

/* The chain that begins: block 0 and its state, with the text it was made from. */
FAN_MUST_CHECK enum fan_status keep_genesis(struct keep *k, struct slice genesis_json, const struct built *genesis,
                                            struct fan_error *err);
/* Moves the state db and makes it and the blocks durable, as head_move() is told (node.h): back: first to `version` (0:
 * the last of block `keep`), and the blocks behind keep go; then `added`, oldest first. The blocks in memory are for
 * the caller to switch. On failure nothing changed, and err says why. */
FAN_MUST_CHECK enum fan_status keep_turn(struct keep *k, uint64_t keep, uint64_t version, bool back,
                                         const struct built *added, size_t count, struct fan_error *err);
/* Everything that waited is durable when it returns FAN_OK. */
FAN_MUST_CHECK enum fan_status keep_sync(struct keep *k, struct fan_error *err);
/* From now on behind, or at once: an import does many blocks in a transaction. Turning it off waits as keep_sync(). */
FAN_MUST_CHECK enum fan_status keep_behind(struct keep *k, bool behind, struct fan_error *err);
/* An import has ended: what it brought becomes durable, with the number up to which blocks came from it; then it goes
 * on as it was opened. */
FAN_MUST_CHECK enum fan_status keep_imported(struct keep *k, uint64_t number, struct fan_error *err);

#endif
