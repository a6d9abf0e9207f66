/* statetest_print: a case of a state test as `fanatico statetest` shows it, on standard output, one line each. */
#ifndef CMD_STATETEST_PRINT_H
#define CMD_STATETEST_PRINT_H

#include "fixture/state_test.h"

/* "pass FILE NAME FORK[INDEX] d0 g0 v0", and behind a colon what went wrong, or why a transaction was refused as it
 * should be. */
void statetest_print_text(const char *path, struct slice name, const struct state_case *c,
                          const struct state_result *r);
/* A JSON object with the keys of geth's and revme's runners; with the accounts in the end when the result has them. */
void statetest_print_json(const char *path, struct slice name, const struct state_case *c,
                          const struct state_result *r);

#endif
