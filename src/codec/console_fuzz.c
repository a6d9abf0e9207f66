#include "codec/console.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Contracts choose this. Property: what is refused wrote nothing, and no line holds a control character that a terminal
 * would obey. The first byte chooses among selectors that are known, or none. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t known[][4] = {{0x41, 0x30, 0x4f, 0xac}, {0xb6, 0x0e, 0x72, 0xcc}, {0x0b, 0xe7, 0x7f, 0x56}};
    uint8_t calldata[4096];
    struct buf out;

    if (size < 1 || size - 1 > sizeof calldata - 4) return 0;
    memcpy(calldata, known[data[0] % COUNT_OF(known)], 4);
    memcpy(calldata + 4, data + 1, size - 1);
    buf_init(&out, 0);
    if (!console_write(data[0] < 128 ? slice_of(calldata, size + 3) : slice_of(data + 1, size - 1), &out))
        assert(!out.len);
    for (size_t i = 0; i < out.len; i++) assert(out.at[i] >= 0x20 || out.at[i] == '\n' || out.at[i] == '\t');
    buf_fini(&out);
    return 0;
}
