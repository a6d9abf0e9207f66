/* abi: the few forms of the contract ABI that a node itself must read or write.
 *
 * Revert reasons: Error(string), selector 0x08c379a0, and Panic(uint256), selector 0x4e487b71.
 * Spec: Solidity documentation, "Contract ABI Specification" and "Panic via assert and Error via require". */
#ifndef CODEC_ABI_H
#define CODEC_ABI_H

#include "base/arena.h"

/* The words behind "execution reverted: " for revert data: the string of Error(string), or geth's text for a
 * panic code ("arithmetic underflow or overflow", "unknown panic code: 0x…"). False when the data is neither. Words
 * live in the arena. */
bool abi_revert_reason(struct slice data, struct arena *a, struct slice *out_words);
/* Error(string) for the given words, into the arena; at NULL when memory ran out. */
struct slice abi_encode_error(struct slice words, struct arena *a);

#endif
