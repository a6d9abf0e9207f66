#include "wire/ws_trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A peer chooses where TCP splits its bytes. Property: any input, cut anywhere, gives
 * the same messages and the same verdict as the input in one piece. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    struct slice in = slice_of(data + 1, size - 1);
    struct ws_parser_options client = {.message_len_max = 64, .client = true};
    struct ws_trace whole = ws_trace_run(in, in.len);
    struct ws_trace parts = ws_trace_run(in, data[0] % in.len);
    assert(whole.status == parts.status);
    assert(whole.hash == parts.hash);
    whole = ws_trace_steps(in, in.len, 1, client);
    parts = ws_trace_steps(in, data[0] % in.len, 1, client);
    assert(whole.status == parts.status);
    assert(whole.hash == parts.hash);
    return 0;
}
