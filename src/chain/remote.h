/* remote: another node's chain as of one block, the ground a forked chain stands on.
 *
 * `fanatico dev --fork-url` begins where another node is. What nobody changed since then is asked of that node, always
 * as of the fork's block, so the answers never change and may be kept for ever: whoever implements this caches. local/
 * lays its own state over it, api/ hands over what lies before the fork; who asks whom over which wire is upstream/'s.
 *
 * Each lookup may wait for the network: never on a worker's loop, only on the writer or the call pool. What cannot be
 * had is FAN_EREMOTE; the words for it (which URL, what was asked, why not) are noted for the thread, since a status
 * passes through many hands, the EVM's among them, before somebody can tell them.
 *
 * Thread: any number at once. */
#ifndef CHAIN_REMOTE_H
#define CHAIN_REMOTE_H

#include "chain/chain.h"

struct chain_remote;

struct chain_remote_ops {
    /* As of the fork's block. What is not there is FAN_OK and the empty value. storage_root is KECCAK_EMPTY_TRIE
     * exactly where the account is known to have no storage. */
    FAN_MUST_CHECK enum fan_status (*account)(struct chain_remote *r, const struct fan_address *a,
                                              struct chain_account *out);
    FAN_MUST_CHECK enum fan_status (*slot)(struct chain_remote *r, const struct fan_address *a,
                                           const struct fan_u256 *slot, struct fan_u256 *out);
    /* The code of an account that account() has told of; into the arena. FAN_ENOTFOUND: no such. */
    FAN_MUST_CHECK enum fan_status (*code)(struct chain_remote *r, const struct fan_hash *code_hash, struct arena *a,
                                           struct slice *out);
    /* FAN_ENOTFOUND: above the fork's block. */
    FAN_MUST_CHECK enum fan_status (*block_hash)(struct chain_remote *r, uint64_t number, struct fan_hash *out);
    /* Any JSON-RPC call; params is a JSON array. FAN_OK: *out_result is the result's JSON, in the arena. FAN_EREJECTED:
     * the node answered with an error object: *out_code is its code, *out_data its data's JSON (empty: none), err its
     * message. FAN_EREMOTE: err says why. past: it is about what lies at or before the fork: the answer may be kept,
     * and a block, transaction or receipt above the fork is null, since this chain does not have it. */
    FAN_MUST_CHECK enum fan_status (*request)(struct chain_remote *r, const char *method, struct slice params,
                                              bool past, struct arena *a, struct slice *out_result, int64_t *out_code,
                                              struct slice *out_data, struct fan_error *err);
    /* Asks the node at another URL from now on, which must know the fork's block. A thread that may wait. FAN_EINVAL,
     * FAN_EREMOTE, FAN_ENOTFOUND with err; nothing changed then. */
    FAN_MUST_CHECK enum fan_status (*set_url)(struct chain_remote *r, const char *url, struct fan_error *err);
    void (*free)(struct chain_remote *r);
};

/* The implementation embeds this as its first member. But for count and url, nothing here changes once it is open. */
struct chain_remote {
    const struct chain_remote_ops *ops;
    struct ref ref;
    uint64_t chain_id;
    struct block *block;     /* the fork's: its header and hash; its transactions are the other node's to tell */
    const char *_Atomic url; /* as it may be shown: without user and password; set_url() alone changes it */
    uint64_t backoff_ms;     /* between tries; for those who ask how the fork was made */
};

struct chain_remote *chain_remote_ref(struct chain_remote *r); /* any thread; returns r */
void chain_remote_unref(struct chain_remote *r);               /* any thread; NULL is fine */

/* Notes why a lookup of this thread failed; returns FAN_EREMOTE. */
enum fan_status chain_remote_note(const struct fan_error *why);
/* What this thread noted last; empty when nothing was. */
const struct fan_error *chain_remote_noted(void);

#endif
