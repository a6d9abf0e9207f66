/* print: what a person sees of a development chain: the banner, a line per transaction, a line per block.
 *
 * Each line is one write, so lines of threads never mix. Colours only on a terminal, and not where NO_COLOR is set. */
#ifndef CMD_PRINT_H
#define CMD_PRINT_H

#include "devchain.h"
#include "local/local.h"

/* genesis: the block the chain begins with; remote: the node it is of, NULL without a fork. */
void print_banner(const struct devchain *d, const struct options *o, const struct block *genesis, const struct chain_remote *remote, const char *http,
                  const char *ws);
/* Functions for struct local_sink. */
void print_trouble(void *ctx, const char *text, bool for_good); /* on standard error; for good: ends the process too */
/* Has it been for good? The exit code is 1 then. Any thread. */
bool print_trouble_is_over(void);
void print_transaction(void *ctx, const struct block *b, size_t index);
void print_block(void *ctx, const struct block *b);
/* What a contract says by console.log, as it says it. Any thread. */
void print_console(void *ctx, struct slice text);

#endif
