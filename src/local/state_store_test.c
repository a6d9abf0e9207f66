/* Every test of the state once more, over the base in the store. */
#define TEST_STATE_OVER_STORE
#include "local/state_test.c"
