#include "codec/hex.h"
#include "codec/u256.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Properties: an accepted QUANTITY written again is the same text in lower case, and the two widths agree; accepted
 * DATA likewise. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of(data, size);
    struct arena_home home;
    struct arena a;
    struct slice bytes;
    struct fan_u256 big;
    uint64_t small;
    char out[66];

    arena_home_init(&home, 0);
    a = arena_of(&home);
    if (hex_read_u256(text, &big) == FAN_OK) {
        size_t len = hex_write_u256(&big, out);

        assert(len == size);
        for (size_t i = 2; i < len; i++) assert(out[i] == (char)(data[i] | 0x20));
        if (hex_read_u64(text, &small) == FAN_OK) {
            uint64_t low;
            bool fits = u256_fits_u64(&big, &low);

            assert(fits && low == small && hex_write_u64(small, out) == len);
        } else {
            assert(len > 18);
        }
    }
    if (hex_read_data(text, 0, &a, &bytes) == FAN_OK) {
        uint8_t *digits = arena_bytes(&a, 2 * bytes.len);

        assert(digits && 2 * bytes.len + 2 == size);
        hex_encode(bytes, (char *)digits);
        for (size_t i = 0; i < 2 * bytes.len; i++) assert(digits[i] == (data[2 + i] | 0x20));
    }
    arena_home_fini(&home);
    return 0;
}
