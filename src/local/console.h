/* console: console.log of contracts, found in what is executed here.
 *
 * Who executes for somebody that shall hear of it looks whether the code asked for the console's account at all
 * (exec_reader.console_seen): nothing costs anything until one does. Then the same is executed once more with the calls
 * told, and the lines are read out of these.
 *
 * Not here: what a line says (codec/console.h), where it goes (struct local_sink). */
#ifndef LOCAL_CONSOLE_H
#define LOCAL_CONSOLE_H

#include "evm/evm.h"
#include "local/local.h"

/* Executes one transaction in the block, as evm_block_execute() would, and tells the sink. seen: the reader's mark.
 * What is too long to be told is executed in silence. */
void console_execute(struct evm_block *b, const struct evm_tx *tx, int want_diff, const bool *seen,
                     const struct local_sink *sink, struct evm_result *out);
/* Tells the sink what a flat list of calls (JSON) says to the console. */
void console_tell(const struct local_sink *sink, struct slice calls);

/* A buffer for such a list, as evm_trace.put. */
enum { CONSOLE_CALLS_MAX = 16 * 1024 * 1024 };
int console_put(void *ctx, const uint8_t *at, size_t len);

#endif
