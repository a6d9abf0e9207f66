#include "wire/http_trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A peer chooses where TCP splits its bytes. Property: any cut gives the same requests and the same verdict. Small
 * limits make the edges of the limits easy to reach. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct http_options options = {.header_count_max = 8, .header_bytes_max = 512, .body_len_max = 256};
    struct http_trace whole, parts, bytes;
    struct slice in;

    if (size < 2) return 0;
    in = slice_of(data + 1, size - 1);
    whole = http_trace_run(in, 0, in.len, &options);
    parts = http_trace_run(in, data[0] % in.len, in.len, &options);
    bytes = http_trace_run(in, 0, 1, &options);
    assert(whole.status == parts.status && whole.status == bytes.status);
    assert(whole.hash == parts.hash && whole.hash == bytes.hash);
    assert(whole.phase == parts.phase && whole.phase == bytes.phase);
    return 0;
}
