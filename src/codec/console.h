/* console: what contracts tell a developer through console.log.
 *
 * Solidity's console.sol calls an address that holds no code with the ABI encoding of log(…); development nodes read
 * the calldata and print it. A first string with %s, %d and the like takes the arguments after it, as in JavaScript;
 * what is left over follows behind spaces. Written as anvil prints it.
 *
 * Not here: finding the calls (local/console.h), printing (cmd/).
 * Spec: Hardhat's console.sol (the signatures), Foundry's common/fmt/console.rs (the format); Solidity, "Contract ABI".
 */
#ifndef CODEC_CONSOLE_H
#define CODEC_CONSOLE_H

#include "base/arena.h"
#include "base/buf.h"

extern const struct fan_address CONSOLE_ADDRESS; /* 0x000000000000000000636F6e736F6c652e6c6f67 */

/* Appends the line that this calldata means, without its end. False, and nothing appended: it is no log(…), or its
 * arguments are cut off. Control characters but line ends and tabs become '?': they would be the terminal's to obey.
 * Any thread. */
bool console_write(struct slice calldata, struct buf *out);

#endif
