#include "wire/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A proxy's header is the first thing a stranger could send. Property: once a beginning has a verdict, no byte that
 * follows changes it, and every shorter one asks for more. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxy_header whole, part;
    size_t len = 0, part_len = 0, cut;
    enum proxy_outcome outcome;

    if (size < 1) return 0;
    outcome = proxy_read(slice_of(data + 1, size - 1), &whole, &len);
    if (outcome == PROXY_GOT) {
        assert(len > 0 && len <= size - 1 && len <= PROXY_LEN_MAX);
        assert(!whole.has_client || whole.client.kind == ADDRESS_IP);
        cut = data[0] % len;
        assert(proxy_read(slice_of(data + 1, cut), &part, &part_len) == PROXY_NEEDS_MORE);
        assert(proxy_read(slice_of(data + 1, len), &part, &part_len) == PROXY_GOT && part_len == len);
    } else if (outcome == PROXY_NEEDS_MORE) {
        assert(size - 1 < PROXY_LEN_MAX);
        if (size > 1)
            assert(proxy_read(slice_of(data + 1, data[0] % (size - 1)), &part, &part_len) == PROXY_NEEDS_MORE);
    }
    return 0;
}
