/* Filters and logs of a stranger. Property: the index finds what a plain scan finds, equal filters share one entry, and
 * removing everything leaves nothing. */
#include "hub/index_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)check_run(slice_of(data, size));
    return 0;
}
