#include "wire/http_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct verdict {
    enum http_answer_event event;
    unsigned status;
    size_t taken, body_len;
    uint64_t body_sum;
};

/* Pieces of `first`, then of `step` bytes, and then the end of the connection. */
static struct verdict run(struct slice in, size_t first, size_t step)
{
    const struct http_answer_options limits = {.header_bytes_max = 256, .body_len_max = 128};
    struct http_answer_parser *p = http_answer_new(&limits);
    struct verdict v = {.event = HTTP_ANSWER_NEEDS_MORE};
    size_t want = first;

    if (!p) return v;
    while (v.event == HTTP_ANSWER_NEEDS_MORE && v.taken < in.len) {
        size_t n = in.len - v.taken < want ? in.len - v.taken : want, taken;

        v.event = http_answer_feed(p, slice_of(in.at + v.taken, n), &taken);
        assert(taken <= n);
        v.taken += taken;
        want = step;
    }
    if (v.event == HTTP_ANSWER_NEEDS_MORE) v.event = http_answer_end(p);
    if (v.event == HTTP_ANSWER_COMPLETE) {
        struct slice body = http_answer_get(p)->body;

        v.status = http_answer_get(p)->status;
        v.body_len = body.len;
        assert(body.len <= limits.body_len_max);
        for (size_t i = 0; i < body.len; i++) v.body_sum = v.body_sum * 31 + body.at[i];
    } else {
        v.taken = 0; /* where a wrong byte is noticed depends on the cut */
    }
    http_answer_free(p);
    return v;
}

/* A stranger chooses the bytes and where TCP splits them. Property: any cut gives the same response, or is broken
 * alike. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct verdict whole, parts, bytes;
    struct slice in;

    if (size < 2) return 0;
    in = slice_of(data + 1, size - 1);
    whole = run(in, in.len, in.len);
    parts = run(in, data[0] % in.len + 1, in.len);
    bytes = run(in, 1, 1);
    assert(whole.event == parts.event && whole.event == bytes.event);
    assert(whole.status == parts.status && whole.status == bytes.status);
    assert(whole.taken == parts.taken && whole.taken == bytes.taken);
    assert(whole.body_len == bytes.body_len && whole.body_sum == parts.body_sum && whole.body_sum == bytes.body_sum);
    return 0;
}
