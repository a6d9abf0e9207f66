/* Readers beside a writer once more, over the base in the store, whose map grows under them. */
#define TEST_STATE_OVER_STORE
#include "local/state_race_test.c"
