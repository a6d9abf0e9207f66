#include "wire/http_trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A peer chooses where TCP splits its bytes. Property: any cut gives the same requests and the same verdict. Small
 * limits make the edges of the limits easy to reach. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct http_options options = {.header_count_max = 8, .header_bytes_max = 512, .body_len_max = 256};
    struct http_options remembering = options;
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

    remembering.memo =
        http_memo_new(); /* a head that came before means the same: kept the second time, found the third */
    assert(remembering.memo);
    for (int i = 0; i < 4; i++) {
        struct http_trace again = http_trace_run(in, i == 3 ? data[0] % in.len : 0, in.len, &remembering);

        assert(whole.status == again.status && whole.hash == again.hash && whole.phase == again.phase);
    }
    http_memo_free(remembering.memo);
    return 0;
}
