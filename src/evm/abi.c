#include "evm/evm.h"

static const struct {
    const char *name;
    size_t value;
} expected[] = {
#define ABI_STRUCT(type)       {"the size of struct " #type, sizeof(struct type)},
#define ABI_FIELD(type, field) {"the place of " #type "." #field, offsetof(struct type, field)},
#define ABI_VALUE(constant)    {"the number of " #constant, constant},
#include "evm/abi.def"
#undef ABI_STRUCT
#undef ABI_FIELD
#undef ABI_VALUE
};

const char *evm_abi_difference(void)
{
    const size_t *leaf;
    size_t count = evm_abi_layout(&leaf);

    for (size_t i = 0; i < count && i < COUNT_OF(expected); i++)
        if (leaf[i] != expected[i].value) return expected[i].name;
    return count == COUNT_OF(expected) ? NULL : "the length of the list";
}
