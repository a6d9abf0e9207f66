/* progress: how far an import or an export is, for a person: one line that changes in place on a terminal, a line every eight seconds elsewhere.
 *
 * On standard error, so that what a program reads from standard output stays clean. */
#ifndef CMD_PROGRESS_H
#define CMD_PROGRESS_H

#include "local/local.h"

struct progress {
    const char *verb; /* "imported" */
    bool silent, terminal, shown;
    uint64_t began_ns, shown_ns;
    uint64_t blocks_shown, gas_shown;
};

void progress_begin(struct progress *p, const char *verb, bool silent);
/* For struct local_import_watch; ctx is the struct progress. */
void progress_show(void *ctx, const struct local_import_progress *now);
/* Takes the changing line away. */
void progress_end(struct progress *p);
/* "imported 54 blocks in 0.1 s (540 blocks/s, 12.3 Mgas/s)", on standard output. */
void progress_sum(const struct progress *p, uint64_t blocks, uint64_t gas, uint64_t head_number);

#endif
