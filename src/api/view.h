/* view: the block and the state that a block parameter means.
 *
 * Sealed blocks answer on the caller's thread. What is pending belongs to the writer: a method that asks for it is sent
 * there, and comes back to its own function with the block (and state) waiting in call_state(). A method therefore
 * reads its parameters again, which is cheap, and never knows that it travelled:
 *
 *   static void get_balance(struct call *call)
 *   {
 *       …read params…
 *       if (!view_state(call, &at, RPC_WRITER, get_balance, &v)) return;   // answered, or under way
 *       …
 *       view_close(&v);
 *   }
 *
 * Words are geth's: "header not found", "header for hash not found", "hash is not currently canonical". */
#ifndef API_VIEW_H
#define API_VIEW_H

#include "api/method.h"

struct view {
    struct chain *chain;
    struct block *block; /* a reference; NULL: no such block */
    bool pending, canonical;
    struct chain_state *state; /* view_state() only; never NULL then */
};

/* Finds the block; out->block is NULL when there is none. For a pending one `again` runs on `where`. False: the call
 * was answered with an error or is under way, and must not be touched any more. */
bool view_block(struct call *call, const struct block_at *at, enum rpc_start where, void (*again)(struct call *call),
                struct view *out);
/* The same, and opens the state after it; an unknown block or a state that is gone is answered with an error. */
bool view_state(struct call *call, const struct block_at *at, enum rpc_start where, void (*again)(struct call *call),
                struct view *out);
/* Writer's thread: the pending block, and the state after it, at once. FAN_EUNSUPPORTED: this chain has none. */
FAN_MUST_CHECK enum fan_status view_pending(struct chain *chain, bool want_state, struct view *out);
/* Lets go of block and state, also after the call was answered. Fine on a view without them. */
void view_close(struct view *v);

/* The canonical block of a number, or by one of its tags (not pending). NULL in *out_block: none. */
FAN_MUST_CHECK enum fan_status view_find(struct chain *chain, const struct block_at *at, struct block **out_block,
                                         bool *out_canonical);

#endif
