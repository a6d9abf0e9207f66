#include "base/test.h"
#include "wire/http_answer.h"

/* What a parser said about some bytes, cut into pieces of `step`, and what it left over. */
struct heard {
    enum http_answer_event event;
    unsigned status;
    bool keep_alive, upgraded, has_retry_after;
    uint64_t retry_after_s;
    char body[256], accept[64];
    const char *why;
    size_t taken;
};

static struct heard hear(struct slice in, size_t step, bool end)
{
    const struct http_answer_options limits = {.header_bytes_max = 512, .body_len_max = 100};
    struct http_answer_parser *p = http_answer_new(&limits);
    struct heard h = {.event = HTTP_ANSWER_NEEDS_MORE};

    while (h.event == HTTP_ANSWER_NEEDS_MORE && h.taken < in.len) {
        size_t n = in.len - h.taken < step ? in.len - h.taken : step, taken;

        h.event = http_answer_feed(p, slice_of(in.at + h.taken, n), &taken);
        h.taken += taken;
    }
    if (h.event == HTTP_ANSWER_NEEDS_MORE && end) h.event = http_answer_end(p);
    if (h.event == HTTP_ANSWER_COMPLETE) {
        const struct http_answer *a = http_answer_get(p);

        h.status = a->status;
        h.keep_alive = a->keep_alive;
        h.upgraded = a->upgraded;
        h.has_retry_after = a->has_retry_after;
        h.retry_after_s = a->retry_after_s;
        if (a->body.len) memcpy(h.body, a->body.at, a->body.len);
        if (a->ws_accept.len) memcpy(h.accept, a->ws_accept.at, a->ws_accept.len);
    }
    h.why = h.event == HTTP_ANSWER_BROKEN ? http_answer_why(p) : "";
    http_answer_free(p);
    return h;
}

#define OK "HTTP/1.1 200 OK\r\n"

static const struct row {
    const char *name, *text, *body;
    unsigned status; /* 0: broken, or more is needed */
    enum http_answer_event event;
    bool keep_alive, end;
    size_t left; /* bytes not taken */
} ROWS[] = {
    {"a length", OK "Content-Length: 2\r\n\r\n{}", "{}", 200, HTTP_ANSWER_COMPLETE, true, false, 0},
    {"chunks", OK "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\n\r\n", "{}", 200,
     HTTP_ANSWER_COMPLETE, true, false, 0},
    {"no body", "HTTP/1.1 204 No Content\r\n\r\n", "", 204, HTTP_ANSWER_COMPLETE, true, false, 0},
    {"close", OK "Connection: close\r\nContent-Length: 2\r\n\r\n{}", "{}", 200, HTTP_ANSWER_COMPLETE, false, false, 0},
    {"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", "{}", 200, HTTP_ANSWER_COMPLETE, false, false, 0},
    {"no reason", "HTTP/1.1 502 \r\nContent-Length: 0\r\n\r\n", "", 502, HTTP_ANSWER_COMPLETE, true, false, 0},
    {"until the end", OK "\r\n{}", "{}", 200, HTTP_ANSWER_COMPLETE, false, true, 0},
    {"an interim one first", "HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 1\r\n\r\n1", "1", 200,
     HTTP_ANSWER_COMPLETE, true, false, 0},
    {"bytes behind it", OK "Content-Length: 1\r\n\r\n1HTTP", "1", 200, HTTP_ANSWER_COMPLETE, true, false, 4},
    {"an upgrade", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x00", "",
     101, HTTP_ANSWER_COMPLETE, true, false, 2},
    {"cut off in the body", OK "Content-Length: 5\r\n\r\n{}", "", 0, HTTP_ANSWER_BROKEN, false, true, 0},
    {"cut off in the head", "HTTP/1.1 200", "", 0, HTTP_ANSWER_BROKEN, false, true, 0},
    {"nothing at all", "", "", 0, HTTP_ANSWER_BROKEN, false, true, 0},
    {"not HTTP", "SSH-2.0-OpenSSH_9.2\r\n", "", 0, HTTP_ANSWER_BROKEN, false, false, SIZE_MAX},
    {"a request", "GET / HTTP/1.1\r\n\r\n", "", 0, HTTP_ANSWER_BROKEN, false, false, SIZE_MAX},
    {"two lengths", OK "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "", 0, HTTP_ANSWER_BROKEN, false, false,
     SIZE_MAX},
    {"a length and chunks", OK "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", "", 0, HTTP_ANSWER_BROKEN,
     false, false, SIZE_MAX},
    {"a length beyond 64 bits", OK "Content-Length: 99999999999999999999\r\n\r\n", "", 0, HTTP_ANSWER_BROKEN, false,
     false, SIZE_MAX},
};

TEST(a_response_is_read_the_same_however_it_is_cut, t)
{
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        const struct row *r = &ROWS[i];
        struct slice in = slice_str(r->text);

        if (strcmp(r->name, "an upgrade") == 0) in.len += 2 - strlen("\x81"); /* its last byte is a NUL */
        for (size_t step = 1; step <= in.len + 1; step++) {
            struct heard h = hear(in, step, r->end);

            if (h.event != r->event || h.status != r->status || strcmp(h.body, r->body) != 0 ||
                (r->status && h.keep_alive != r->keep_alive) || (r->left != SIZE_MAX && h.taken != in.len - r->left))
                test_fail(t, __FILE__, __LINE__, "%s, %zu at a time: event %d status %u body %s taken %zu of %zu: %s",
                          r->name, step, h.event, h.status, h.body, h.taken, in.len, h.why);
        }
    }
}

TEST(headers_that_are_asked_for_are_read, t)
{
    struct heard h = hear(SLICE("HTTP/1.1 429 Slow\r\nretry-AFTER: 7\r\nContent-Length: 0\r\n\r\n"), 3, false);

    CHECK(t, h.has_retry_after);
    CHECK_EQ(t, h.retry_after_s, 7);
    h = hear(SLICE("HTTP/1.1 503 X\r\nRetry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\nContent-Length: 0\r\n\r\n"), 3,
             false);
    CHECK(t, !h.has_retry_after);
    h = hear(SLICE("HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                   "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"),
             5, false);
    CHECK(t, h.upgraded);
    CHECK_STR(t, slice_str(h.accept), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(what_is_too_large_is_broken_and_says_so, t)
{
    char big[2048];
    struct heard h;

    memset(big, 'x', sizeof big);
    memcpy(big, OK "X: ", sizeof OK + 2);
    h = hear(slice_of(big, sizeof big), 100, false);
    CHECK_EQ(t, h.event, HTTP_ANSWER_BROKEN);
    CHECK_STR(t, slice_str(h.why), "its headers are too long");
    memcpy(big, OK "Content-Length: 101\r\n\r\n", sizeof(OK "Content-Length: 101\r\n\r\n") - 1);
    h = hear(slice_of(big, sizeof big), 1000, false);
    CHECK_EQ(t, h.event, HTTP_ANSWER_BROKEN);
    CHECK_STR(t, slice_str(h.why), "its body is too large");
}

TEST(one_after_the_other_on_one_connection, t)
{
    struct http_answer_parser *p = http_answer_new(NULL);
    struct slice in = SLICE(OK "Content-Length: 1\r\n\r\n1" OK "Content-Length: 1\r\n\r\n2");
    size_t taken;

    CHECK_EQ(t, http_answer_feed(p, in, &taken), HTTP_ANSWER_COMPLETE);
    CHECK_STR(t, http_answer_get(p)->body, "1");
    in = slice_from(in, taken);
    CHECK_EQ(t, http_answer_feed(p, in, &taken), HTTP_ANSWER_COMPLETE); /* still the first */
    CHECK_EQ(t, taken, 0);
    http_answer_next(p);
    CHECK_EQ(t, http_answer_feed(p, in, &taken), HTTP_ANSWER_COMPLETE);
    CHECK_STR(t, http_answer_get(p)->body, "2");
    CHECK_EQ(t, taken, in.len);
    http_answer_free(p);
}

TEST(requests_are_written_as_they_must_be, t)
{
    struct buf b;

    buf_init(&b, 0);
    http_put_post(&b, SLICE("h:1"), SLICE("/k?x"), SLICE("A: b\r\n"), 12);
    CHECK_STR(t, buf_peek(&b),
              "POST /k?x HTTP/1.1\r\nHost: h:1\r\nContent-Type: application/json\r\nAccept: application/json\r\n"
              "Content-Length: 12\r\nA: b\r\n\r\n");
    buf_reset(&b);
    http_put_upgrade(&b, SLICE("h"), SLICE("/"), SLICE(""), SLICE("dGhlIHNhbXBsZSBub25jZQ=="));
    CHECK_STR(t, buf_peek(&b),
              "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    buf_fini(&b);
}
