#include "base/test.h"
#include "evm/evm.h"

/* A struct laid out otherwise on one side would be read as garbage without a word. */
TEST(both_sides_of_the_border_agree, t)
{
    const char *difference = evm_abi_difference();

    if (difference) test_fail(t, __FILE__, __LINE__, "C and the leaf differ in %s", difference);
}

/* abi.def lists what is compared; what it does not list is not. */
TEST(the_list_is_whole, t)
{
    const size_t *leaf;
    size_t structs = 0, fields = 0, values = 0;

#define ABI_STRUCT(type)       structs++;
#define ABI_FIELD(type, field) fields++;
#define ABI_VALUE(constant)    values++;
#include "evm/abi.def"
#undef ABI_STRUCT
#undef ABI_FIELD
#undef ABI_VALUE
    CHECK_EQ(t, evm_abi_layout(&leaf), structs + fields + values);
    CHECK_EQ(t, values, (size_t)EVM_STOPPED + 1 + EVM_INVALID_AUTH_CREATE + 1 + FORK_COUNT + EVM_TRACE_TRANSFERS + 1);
}
