#include "wire/json_stream_trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A client chooses where its writes end. Property: any input, cut anywhere, gives the same values and the same verdict
 * as the input in one piece. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_stream_trace whole, parts;
    struct slice in;

    if (size < 3) return 0;
    in = slice_of(data + 2, size - 2);
    whole = json_stream_trace_run(in, in.len, 1, 200);
    parts = json_stream_trace_run(in, data[0] % in.len, 1u + data[1], 200);
    assert(whole.end == parts.end);
    assert(whole.values == parts.values);
    assert(whole.hash == parts.hash);
    return 0;
}
