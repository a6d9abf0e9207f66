#include "base/test.h"
#include "wire/http_trace.h"

#define HOST                "Host: localhost:8545\r\n"
#define GET(target)         "GET " target " HTTP/1.1\r\n" HOST "\r\n"
#define POST(headers, body) "POST / HTTP/1.1\r\n" HOST headers "\r\n" body

/* status 0: taken as `requests` whole requests with nothing left over; `more`: an unfinished one follows them. */
static const struct row {
    const char *name, *text;
    unsigned status;
    size_t requests;
    bool more;
} ROWS[] = {
    /* what is taken */
    {"a plain GET", GET("/"), 0, 1, false},
    {"a path and a query", GET("/ws?a=1&b=2"), 0, 1, false},
    {"a call", POST("Content-Length: 2\r\n", "{}"), 0, 1, false},
    {"an empty body", POST("Content-Length: 0\r\n", ""), 0, 1, false},
    {"leading zeros in a length", POST("Content-Length: 002\r\n", "{}"), 0, 1, false},
    {"two in one piece", GET("/a") GET("/b"), 0, 2, false},
    {"a call, then another", POST("Content-Length: 2\r\n", "{}") POST("Content-Length: 2\r\n", "[]"), 0, 2, false},
    {"an unfinished third", GET("/a") GET("/b") "GET /c HT", 0, 2, true},
    {"one empty line in front", "\r\n" GET("/"), 0, 1, false},
    {"an empty line between", GET("/a") "\r\n" GET("/b"), 0, 2, false},
    {"HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", 0, 1, false},
    {"HTTP/1.0 with a length", "POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}", 0, 1, false},
    {"an absolute target", "GET http://example.org/x?y HTTP/1.1\r\n" HOST "\r\n", 0, 1, false},
    {"an absolute target, capitals", "GET HTTP://example.org HTTP/1.1\r\n" HOST "\r\n", 0, 1, false},
    {"OPTIONS *", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 0, 1, false},
    {"HEAD", "HEAD / HTTP/1.1\r\n" HOST "\r\n", 0, 1, false},
    {"a method for others to judge", "DELETE / HTTP/1.1\r\n" HOST "\r\n", 0, 1, false},
    {"an empty value", "GET / HTTP/1.1\r\n" HOST "X-Empty:\r\n\r\n", 0, 1, false},
    {"a value of spaces", "GET / HTTP/1.1\r\n" HOST "X-Empty:   \r\n\r\n", 0, 1, false},
    {"tabs around a value", "GET / HTTP/1.1\r\n" HOST "X:\t a \t\r\n\r\n", 0, 1, false},
    {"bytes above ASCII in a value", "GET / HTTP/1.1\r\n" HOST "X: \xc3\xa9\r\n\r\n", 0, 1, false},
    {"an IPv6 host", "GET / HTTP/1.1\r\nHost: [::1]:8545\r\n\r\n", 0, 1, false},
    {"lower-case names", "GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n", 0, 1, false},
    {"chunks", POST("Transfer-Encoding: chunked\r\n", "1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"), 0, 1, false},
    {"chunked in capitals", POST("Transfer-Encoding: CHUNKED\r\n", "2\r\n{}\r\n0\r\n\r\n"), 0, 1, false},
    {"no chunk but the last", POST("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"), 0, 1, false},
    {"several zeros end it too", POST("Transfer-Encoding: chunked\r\n", "000\r\n\r\n"), 0, 1, false},
    {"an extension", POST("Transfer-Encoding: chunked\r\n", "2;a=\"b\"\r\n{}\r\n0;c\r\n\r\n"), 0, 1, false},
    {"a space in front of an extension", POST("Transfer-Encoding: chunked\r\n", "2 ;a\r\n{}\r\n0\r\n\r\n"), 0, 1,
     false},
    {"chunks, then another request", POST("Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n") GET("/"), 0, 2,
     false},
    {"hex digits of both cases",
     POST("Transfer-Encoding: chunked\r\n", "0a\r\n0123456789\r\n0A\r\n0123456789\r\n0\r\n\r\n"), 0, 1, false},
    {"a body that is not all here", POST("Content-Length: 5\r\n", "{}"), 0, 0, true},
    {"a last chunk that is not all here", POST("Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r"), 0, 0, true},
    {"100-continue", POST("Expect: 100-continue\r\nContent-Length: 2\r\n", "{}"), 0, 1, false},
    {"Expect means nothing in HTTP/1.0", "POST / HTTP/1.0\r\nExpect: x\r\nContent-Length: 2\r\n\r\n{}", 0, 1, false},
    {"a handshake",
     "GET /ws HTTP/1.1\r\n" HOST
     "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
     "Sec-WebSocket-Version: 13\r\n\r\n",
     0, 1, false},
    /* what is not */
    {"TLS", "\x16\x03\x01\x02", 400, 0, false},
    {"JSON without HTTP", "{\"jsonrpc\":\"2.0\"}\r\n", 400, 0, false},
    {"an unknown method", "BREW / HTTP/1.1\r\n", 501, 0, false},
    {"a lower-case method", "get / HTTP/1.1\r\n", 501, 0, false},
    {"a NUL in the method",
     "G"
     "\x01"
     "T / HTTP/1.1\r\n",
     400, 0, false},
    {"CONNECT", "CONNECT localhost:1 HTTP/1.1\r\n" HOST "\r\n", 405, 0, false},
    {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, 0, false},
    {"HTTP/2.0 as a version", "GET / HTTP/2.0\r\n" HOST "\r\n", 505, 0, false},
    {"HTTP/1.2", "GET / HTTP/1.2\r\n" HOST "\r\n", 505, 0, false},
    {"HTTP/0.9 with its number", "GET / HTTP/0.9\r\n" HOST "\r\n", 505, 0, false},
    {"HTTP/0.9 without", "GET /\r\n\r\n", 505, 0, false},
    {"HTTP/3.7", "GET / HTTP/3.7\r\n" HOST "\r\n", 505, 0, false},
    {"a version with too many digits", "GET / HTTP/1.10\r\n" HOST "\r\n", 505, 0, false},
    {"http in lower case", "GET / http/1.1\r\n" HOST "\r\n", 400, 0, false},
    {"another protocol", "GET / ICE/1.1\r\n" HOST "\r\n", 400, 0, false},
    {"two spaces in the request line", "GET  / HTTP/1.1\r\n" HOST "\r\n", 400, 0, false},
    {"two spaces before the version", "GET /  HTTP/1.1\r\n" HOST "\r\n", 400, 0, false},
    {"a space behind the version", "GET / HTTP/1.1 \r\n" HOST "\r\n", 505, 0, false},
    {"a relative target", "GET x HTTP/1.1\r\n" HOST "\r\n", 400, 0, false},
    {"* for GET", "GET * HTTP/1.1\r\n" HOST "\r\n", 400, 0, false},
    {"another scheme", "GET ftp://a/ HTTP/1.1\r\n" HOST "\r\n", 400, 0, false},
    {"a user in the target", "GET http://u@a/ HTTP/1.1\r\n" HOST "\r\n", 400, 0, false},
    {"a fragment", "GET /a#b HTTP/1.1\r\n" HOST "\r\n", 400, 0, false},
    {"a control character in the target", "GET /a\x01 HTTP/1.1\r\n" HOST "\r\n", 400, 0, false},
    {"bytes above ASCII in the target", "GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n", 400, 0, false},
    {"no Host", "GET / HTTP/1.1\r\n\r\n", 400, 0, false},
    {"two Hosts", "GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400, 0, false},
    {"two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\n" HOST HOST "\r\n", 400, 0, false},
    {"an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, 0, false},
    {"a list of Hosts", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400, 0, false},
    {"a path in Host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, 0, false},
    {"a user in Host", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, 0, false},
    {"a port alone in Host", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", 400, 0, false},
    {"bare LF behind the request line", "GET / HTTP/1.1\n" HOST "\r\n", 400, 0, false},
    {"bare LF behind a header", "GET / HTTP/1.1\r\nHost: a\n\r\n", 400, 0, false},
    {"bare LF as the blank line", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400, 0, false},
    {"bare CR behind a header", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400, 0, false},
    {"bare CR in a value", "GET / HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n", 400, 0, false},
    {"bare CR as the blank line", "GET / HTTP/1.1\r\n" HOST "\rX", 400, 0, false},
    {"CR CR LF", "GET / HTTP/1.1\r\n" HOST "\r\r\n", 400, 0, false},
    {"LF in front", "\n" GET("/"), 400, 0, false},
    {"two empty lines in front", "\r\n\r\n" GET("/"), 400, 0, false},
    {"a folded header", "GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n", 400, 0, false},
    {"a folded header by tab", "GET / HTTP/1.1\r\n" HOST "X: a\r\n\tb\r\n\r\n", 400, 0, false},
    {"a folded Transfer-Encoding", POST("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), 400, 0, false},
    {"a space in front of the first header", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, 0, false},
    {"a space in front of the colon", "GET / HTTP/1.1\r\n" HOST "X : a\r\n\r\n", 400, 0, false},
    {"a header without a colon", "GET / HTTP/1.1\r\n" HOST "X\r\n\r\n", 400, 0, false},
    {"a header without a name", "GET / HTTP/1.1\r\n" HOST ": a\r\n\r\n", 400, 0, false},
    {"a parenthesis in a name", "GET / HTTP/1.1\r\n" HOST "X(y): a\r\n\r\n", 400, 0, false},
    {"a control character in a value", "GET / HTTP/1.1\r\n" HOST "X: a\x01\r\n\r\n", 400, 0, false},
    {"Content-Length and Transfer-Encoding", POST("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "2\r\n"), 400,
     0, false},
    {"Transfer-Encoding and Content-Length", POST("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", "2\r\n"), 400,
     0, false},
    {"two equal lengths", POST("Content-Length: 2\r\nContent-Length: 2\r\n", "{}"), 400, 0, false},
    {"two lengths", POST("Content-Length: 2\r\nContent-Length: 3\r\n", "{}"), 400, 0, false},
    {"a list of lengths", POST("Content-Length: 2, 2\r\n", "{}"), 400, 0, false},
    {"a signed length", POST("Content-Length: +2\r\n", "{}"), 400, 0, false},
    {"a negative length", POST("Content-Length: -2\r\n", "{}"), 400, 0, false},
    {"a hexadecimal length", POST("Content-Length: 0x2\r\n", "{}"), 400, 0, false},
    {"a length with a space in it", POST("Content-Length: 1 2\r\n", "{}"), 400, 0, false},
    {"an empty length", POST("Content-Length:\r\n", "{}"), 400, 0, false},
    {"a length above the limit", POST("Content-Length: 5242881\r\n", ""), 413, 0, false},
    {"a length above 2^32", POST("Content-Length: 4294967298\r\n", ""), 413, 0, false},
    {"Transfer-Encoding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, 0, false},
    {"gzip", POST("Transfer-Encoding: gzip\r\n", ""), 501, 0, false},
    {"gzip, then chunked", POST("Transfer-Encoding: gzip, chunked\r\n", ""), 501, 0, false},
    {"identity", POST("Transfer-Encoding: identity\r\n", ""), 501, 0, false},
    {"chunked in quotes", POST("Transfer-Encoding: \"chunked\"\r\n", ""), 501, 0, false},
    {"xchunked", POST("Transfer-Encoding: xchunked\r\n", ""), 501, 0, false},
    {"Transfer-Encoding twice", POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400,
     0, false},
    {"a chunk size that is no number", POST("Transfer-Encoding: chunked\r\n", "x\r\n"), 400, 0, false},
    {"a chunk size with 0x", POST("Transfer-Encoding: chunked\r\n", "0x2\r\n{}\r\n"), 400, 0, false},
    {"a signed chunk size", POST("Transfer-Encoding: chunked\r\n", "+2\r\n{}\r\n"), 400, 0, false},
    {"a missing chunk size", POST("Transfer-Encoding: chunked\r\n", "\r\n"), 400, 0, false},
    {"a chunk size of 2^64 and more", POST("Transfer-Encoding: chunked\r\n", "10000000000000002\r\n{}\r\n"), 413, 0,
     false},
    {"zeros without end", POST("Transfer-Encoding: chunked\r\n", "00000000000000000\r\n\r\n"), 400, 0, false},
    {"a chunk above the limit", POST("Transfer-Encoding: chunked\r\n", "500001\r\n"), 413, 0, false},
    {"chunks above the limit together", POST("Transfer-Encoding: chunked\r\n", "1\r\nx\r\n500000\r\n"), 413, 0, false},
    {"bare LF behind a chunk size", POST("Transfer-Encoding: chunked\r\n", "2\n{}\r\n0\r\n\r\n"), 400, 0, false},
    {"bare CR in a chunk extension", POST("Transfer-Encoding: chunked\r\n", "2;a\rb\r\n{}\r\n0\r\n\r\n"), 400, 0,
     false},
    {"bare LF in a chunk extension", POST("Transfer-Encoding: chunked\r\n", "2;a\nb\r\n{}\r\n0\r\n\r\n"), 400, 0,
     false},
    {"a space behind a chunk size", POST("Transfer-Encoding: chunked\r\n", "2 \r\n{}\r\n0\r\n\r\n"), 400, 0, false},
    {"a chunk longer than its size", POST("Transfer-Encoding: chunked\r\n", "1\r\n{}\r\n0\r\n\r\n"), 400, 0, false},
    {"bare LF behind a chunk", POST("Transfer-Encoding: chunked\r\n", "2\r\n{}\n0\r\n\r\n"), 400, 0, false},
    {"a trailer", POST("Transfer-Encoding: chunked\r\n", "0\r\nX: a\r\n\r\n"), 400, 0, false},
    {"another Expect", POST("Expect: 200-ok\r\nContent-Length: 2\r\n", "{}"), 417, 0, false},
    {"a good request, then nonsense", GET("/") "\x16\x03", 400, 1, false},
};

/* A NUL cannot stand in the table above. */
static const struct {
    const char *name;
    struct slice text;
    unsigned status;
} NUL_ROWS[] = {
    {"NUL in a value", {(const uint8_t *)"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 35}, 400},
    {"NUL in a name", {(const uint8_t *)"GET / HTTP/1.1\r\nHost: a\r\nX\0: ab\r\n\r\n", 35}, 400},
    {"NUL in the target", {(const uint8_t *)"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 28}, 400},
    {"NUL in Host", {(const uint8_t *)"GET / HTTP/1.1\r\nHost: a\0\r\n\r\n", 28}, 400},
};

static void check_row(struct test *t, const char *name, struct slice in, unsigned status, size_t requests, bool more)
{
    struct http_trace whole = http_trace_run(in, 0, in.len, NULL);

    if (whole.status != status || whole.requests != requests || (whole.phase == HTTP_PHASE_IDLE) == (more || status))
        test_fail(t, __FILE__, __LINE__, "%s: status %u, %zu requests, phase %d", name, whole.status, whole.requests,
                  (int)whole.phase);
    for (size_t step = 1; step <= 7; step += 2) {
        struct http_trace parts = http_trace_run(in, 0, step, NULL);

        if (parts.status != whole.status || parts.hash != whole.hash || parts.phase != whole.phase)
            test_fail(t, __FILE__, __LINE__, "%s: in pieces of %zu: status %u", name, step, parts.status);
    }
    for (size_t cut = 1; cut < in.len; cut++) {
        struct http_trace parts = http_trace_run(in, cut, in.len, NULL);

        if (parts.status != whole.status || parts.hash != whole.hash || parts.phase != whole.phase)
            test_fail(t, __FILE__, __LINE__, "%s: cut at %zu: status %u", name, cut, parts.status);
    }
}

TEST(every_case_gets_its_status_however_it_is_cut, t)
{
    for (size_t i = 0; i < COUNT_OF(ROWS); i++)
        check_row(t, ROWS[i].name, slice_str(ROWS[i].text), ROWS[i].status, ROWS[i].requests, ROWS[i].more);
    for (size_t i = 0; i < COUNT_OF(NUL_ROWS); i++)
        check_row(t, NUL_ROWS[i].name, NUL_ROWS[i].text, NUL_ROWS[i].status, 0, false);
}

/* A memo that all of them share: each head is read, kept, found, and found again. */
TEST(every_case_is_the_same_when_its_head_came_before, t)
{
    struct http_options options = {.memo = http_memo_new()};

    REQUIRE(t, options.memo);
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        struct slice in = slice_str(ROWS[i].text);
        struct http_trace first = http_trace_run(in, 0, in.len, NULL);

        for (int again = 0; again < 4; again++) {
            struct http_trace trace = http_trace_run(in, 0, in.len, &options);

            if (trace.status != first.status || trace.requests != first.requests || trace.hash != first.hash ||
                trace.phase != first.phase)
                test_fail(t, __FILE__, __LINE__, "%s is another the time %d", ROWS[i].name, again);
        }
    }
    http_memo_free(options.memo);
}

/* One whole request, kept until the parser is freed. */
static const struct http_request *one(struct test *t, struct http_parser *p, const char *text)
{
    struct slice in = slice_str(text);
    size_t taken;
    enum http_event e = http_parser_feed(p, in, &taken);

    if (e == HTTP_REFUSES)
        test_fail(t, __FILE__, __LINE__, "%u %s", http_parser_verdict(p).status, http_parser_verdict(p).why);
    CHECK_EQ(t, e, HTTP_GOT_REQUEST);
    CHECK_EQ(t, taken, in.len);
    return http_parser_request(p);
}

TEST(a_request_says_what_was_sent, t)
{
    struct http_parser *p = http_parser_new(NULL);
    const struct http_request *r;

    REQUIRE(t, p);
    r = one(t, p,
            "POST /rpc?key=%20a HTTP/1.1\r\nHost: node.example:8545\r\nOrigin: "
            "http://localhost:3000\r\nX-Forwarded-For: 1.2.3.4\r\n"
            "Content-Type: application/json; charset=utf-8\r\nContent-Length: 4\r\nX-One:  two words \r\n\r\n[{}]");
    CHECK_EQ(t, r->method, HTTP_METHOD_POST);
    CHECK_STR(t, r->method_name, "POST");
    CHECK_STR(t, r->target, "/rpc?key=%20a");
    CHECK_STR(t, r->path, "/rpc");
    CHECK_STR(t, r->query, "key=%20a");
    CHECK_EQ(t, r->minor, 1);
    CHECK_STR(t, r->host, "node.example:8545");
    CHECK(t, r->has_origin);
    CHECK_STR(t, r->origin, "http://localhost:3000");
    CHECK(t, r->forwarded);
    CHECK(t, r->keep_alive);
    CHECK(t, r->has_body);
    CHECK_STR(t, r->body, "[{}]");
    CHECK_EQ(t, r->header_count, 6);
    CHECK_STR(t, http_find(r, "x-one")->value, "two words");
    CHECK(t, !http_find(r, "x-two"));
    CHECK_EQ(t, http_check_rpc(r).status, 0);
    http_parser_next(p);

    r = one(t, p, "GET http://example.org?q HTTP/1.1\r\nHost: other\r\nConnection: Close\r\n\r\n");
    CHECK_STR(t, r->host, "example.org");
    CHECK_STR(t, r->path, "/");
    CHECK_STR(t, r->query, "q");
    CHECK(t, !r->keep_alive);
    CHECK(t, !r->forwarded);
    CHECK(t, !r->has_origin);
    CHECK(t, !r->has_body);
    CHECK_EQ(t, http_check_rpc(r).status, 405);
    http_parser_next(p);

    r = one(t, p, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    CHECK(t, r->keep_alive);
    CHECK_EQ(t, r->minor, 0);
    CHECK_EQ(t, r->host.len, 0);
    http_parser_next(p);
    r = one(t, p, "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n");
    CHECK(t, !r->keep_alive);
    http_parser_free(p);
}

TEST(the_body_in_chunks_is_joined, t)
{
    struct http_parser *p = http_parser_new(NULL);
    const struct http_request *r;

    REQUIRE(t, p);
    r = one(t, p, POST("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n1;x\r\n \r\n00005\r\nworld\r\n0\r\n\r\n"));
    CHECK_STR(t, r->body, "hello world");
    CHECK(t, r->has_body);
    http_parser_free(p);
}

TEST(a_call_is_a_post_of_json_with_a_length, t)
{
    static const struct {
        const char *text;
        unsigned status;
    } row[] = {
        {POST("Content-Type: application/json\r\nContent-Length: 2\r\n", "{}"), 0},
        {POST("Content-Type: Application/JSON ; charset=utf-8\r\nContent-Length: 2\r\n", "{}"), 0},
        {POST("Content-Type: application/json\r\nContent-Encoding: identity\r\nContent-Length: 2\r\n", "{}"), 0},
        {POST("Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 0},
        {POST("Content-Type: application/json\r\n", ""), 411},
        {POST("Content-Length: 2\r\n", "{}"), 415},
        {POST("Content-Type: text/plain\r\nContent-Length: 2\r\n", "{}"), 415},
        {POST("Content-Type: application/jsonp\r\nContent-Length: 2\r\n", "{}"), 415},
        {POST("Content-Type: text/plain; application/json\r\nContent-Length: 2\r\n", "{}"), 415},
        {POST("Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n", "{}"), 415},
        {"PUT / HTTP/1.1\r\n" HOST "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", 405},
        {GET("/"), 405},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct http_parser *p = http_parser_new(NULL);

        REQUIRE(t, p);
        CHECK_EQ(t, http_check_rpc(one(t, p, row[i].text)).status, row[i].status);
        http_parser_free(p);
    }
}

/* Browsers name it; curl, load balancers and JSON-RPC clients take anything, or say nothing. */
TEST(who_asks_for_a_page_names_it, t)
{
#define ASK(accept) "GET / HTTP/1.1\r\n" HOST accept "\r\n"
    static const struct {
        const char *text;
        bool wants;
    } row[] = {
        {ASK("Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"), true},
        {ASK("Accept: application/json , Text/HTML;q=0.5\r\n"), true},
        {ASK("Accept: text/plain\r\nAccept: text/html\r\n"), true},
        {ASK("Accept: text/html;q=0.5,\r\n"), true},
        {ASK("Accept: */*\r\n"), false},
        {ASK("Accept: text/*\r\n"), false},
        {ASK("Accept: text/htmlx, xtext/html, application/json;text/html\r\n"), false},
        {ASK("Accept: ,;, ,\r\n"), false},
        {ASK("Accept:\r\n"), false},
        {ASK("X-Accept: text/html\r\n"), false},
        {ASK(""), false},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct http_parser *p = http_parser_new(NULL);

        REQUIRE(t, p);
        CHECK_EQ(t, http_wants_html(one(t, p, row[i].text)), row[i].wants);
        http_parser_free(p);
    }
}

TEST(a_client_that_expects_it_is_told_to_go_on, t)
{
    struct http_parser *p = http_parser_new(NULL);
    struct slice head = SLICE(POST("Expect: 100-Continue\r\nContent-Length: 2\r\n", ""));
    size_t taken;

    REQUIRE(t, p);
    CHECK_EQ(t, http_parser_phase(p), HTTP_PHASE_IDLE);
    CHECK_EQ(t, http_parser_feed(p, slice_first(head, 10), &taken), HTTP_NEEDS_MORE);
    CHECK_EQ(t, http_parser_phase(p), HTTP_PHASE_HEAD);
    CHECK_EQ(t, http_parser_feed(p, slice_of(NULL, 0), &taken), HTTP_NEEDS_MORE);
    CHECK_EQ(t, http_parser_feed(p, slice_from(head, 10), &taken), HTTP_WANTS_CONTINUE);
    CHECK_EQ(t, taken, head.len - 10);
    CHECK_EQ(t, http_parser_phase(p), HTTP_PHASE_BODY);
    CHECK_STR(t, http_parser_request(p)->host, "localhost:8545");
    CHECK_EQ(t, http_parser_feed(p, SLICE("{"), &taken), HTTP_NEEDS_MORE);
    CHECK_EQ(t, http_parser_feed(p, SLICE("}GET"), &taken), HTTP_GOT_REQUEST);
    CHECK_EQ(t, taken, 1);
    CHECK_STR(t, http_parser_request(p)->body, "{}");
    CHECK_EQ(t, http_parser_feed(p, SLICE("GET"), &taken), HTTP_GOT_REQUEST); /* nothing moves until next */
    CHECK_EQ(t, taken, 0);
    http_parser_next(p);
    CHECK_EQ(t, http_parser_phase(p), HTTP_PHASE_IDLE);
    http_parser_trim(p);
    CHECK_EQ(t, http_parser_feed(p, SLICE(GET("/")), &taken), HTTP_GOT_REQUEST);
    http_parser_free(p);
    CHECK_STR(t, HTTP_CONTINUE_RESPONSE, "HTTP/1.1 100 Continue\r\n\r\n");
}

TEST(limits_hold_to_the_byte, t)
{
    struct buf b;
    struct http_options small = {.body_len_max = 4};

    buf_init(&b, 0);
    for (size_t extra = 0; extra < 2; extra++) { /* the head is exactly 16 KiB long, then one byte more */
        size_t fixed = strlen("GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n");

        buf_reset(&b);
        buf_put_str(&b, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
        for (size_t i = 0; i < 16384 + extra - fixed; i++) buf_put_byte(&b, 'x');
        buf_put_str(&b, "\r\n\r\n");
        CHECK_EQ(t, b.len, 16384 + extra);
        CHECK_EQ(t, http_trace_run(buf_peek(&b), 0, b.len, NULL).status, extra ? 431 : 0);
        CHECK_EQ(t, http_trace_run(buf_peek(&b), 0, 1000, NULL).status, extra ? 431 : 0);
    }
    buf_reset(&b);
    buf_put_str(&b, "GET /");
    for (size_t i = 0; i < 16384; i++) buf_put_byte(&b, 'x');
    CHECK_EQ(t, http_trace_run(buf_peek(&b), 0, b.len, NULL).status, 414);
    CHECK_EQ(t, http_trace_run(buf_peek(&b), 0, 100, NULL).status, 414);
    for (size_t count = 64; count <= 65; count++) {
        buf_reset(&b);
        buf_put_str(&b, "GET / HTTP/1.1\r\nHost: a\r\n");
        for (size_t i = 1; i < count; i++) buf_printf(&b, "X-%zu: a\r\n", i);
        buf_put_str(&b, "\r\n");
        CHECK_EQ(t, http_trace_run(buf_peek(&b), 0, b.len, NULL).status, count == 64 ? 0 : 431);
        CHECK_EQ(t, http_trace_run(buf_peek(&b), 0, 7, NULL).status, count == 64 ? 0 : 431);
    }
    buf_fini(&b);
    CHECK_EQ(t, http_trace_run(SLICE(POST("Content-Length: 4\r\n", "1234")), 0, 99, &small).requests, 1);
    CHECK_EQ(t, http_trace_run(SLICE(POST("Content-Length: 5\r\n", "12345")), 0, 99, &small).status, 413);
    CHECK_EQ(
        t,
        http_trace_run(SLICE(POST("Transfer-Encoding: chunked\r\n", "3\r\n123\r\n1\r\n4\r\n0\r\n\r\n")), 0, 99, &small)
            .requests,
        1);
    CHECK_EQ(t,
             http_trace_run(SLICE(POST("Transfer-Encoding: chunked\r\n", "3\r\n123\r\n2\r\n")), 0, 99, &small).status,
             413);
}

TEST(chunk_extensions_have_a_limit, t)
{
    struct buf b;

    buf_init(&b, 0);
    buf_put_str(&b, POST("Transfer-Encoding: chunked\r\n", "1;"));
    for (size_t i = 0; i < 16385; i++) buf_put_byte(&b, 'x');
    CHECK_EQ(t, http_trace_run(buf_peek(&b), 0, b.len, NULL).status, 400);
    buf_fini(&b);
}

/* A stranger who announces 5 MiB and sends little must not cost us 5 MiB. */
TEST(memory_grows_only_as_bytes_arrive, t)
{
    struct http_parser *p = http_parser_new(NULL);
    static uint8_t zeros[1000];
    size_t taken;

    REQUIRE(t, p);
    CHECK_EQ(t, http_parser_feed(p, SLICE(POST("Content-Length: 5242880\r\n", "")), &taken), HTTP_NEEDS_MORE);
    CHECK(t, http_parser_held(p) < 4096);
    for (int i = 0; i < 10; i++)
        CHECK_EQ(t, http_parser_feed(p, slice_of(zeros, sizeof zeros), &taken), HTTP_NEEDS_MORE);
    CHECK_EQ(t, http_parser_phase(p), HTTP_PHASE_BODY);
    CHECK(t, http_parser_held(p) < 4096 + 2 * 10000);
    http_parser_free(p);
}

/* A large body must not stay with a connection that goes on with small ones, and an idle one can hold nothing. */
TEST(memory_is_given_back, t)
{
    struct http_parser *p = http_parser_new(NULL);
    static uint8_t zeros[100000];
    size_t taken;

    REQUIRE(t, p);
    CHECK_EQ(t, http_parser_feed(p, SLICE(POST("Content-Length: 100000\r\n", "")), &taken), HTTP_NEEDS_MORE);
    CHECK_EQ(t, http_parser_feed(p, slice_of(zeros, 60000), &taken), HTTP_NEEDS_MORE);
    CHECK_EQ(t, http_parser_feed(p, slice_of(zeros, 60000), &taken), HTTP_GOT_REQUEST);
    CHECK_EQ(t, taken, 40000);
    CHECK_EQ(t, http_parser_request(p)->body.len, 100000);
    CHECK(t, http_parser_held(p) >= 100000);
    http_parser_next(p);
    CHECK(t, http_parser_held(p) < 4096);
    http_parser_trim(p);
    CHECK_EQ(t, http_parser_held(p), 0);
    http_parser_free(p);
}

TEST(responses_are_written_as_they_should_be, t)
{
    struct buf b;

    buf_init(&b, 0);
    http_put_head(&b, &(struct http_response){
                          .status = 200, .content_type = SLICE("application/json"), .body_len = 44, .minor = 1});
    CHECK_STR(t, buf_peek(&b), "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 44\r\n\r\n");
    buf_reset(&b);
    http_put_head(&b, &(struct http_response){.status = 200,
                                              .minor = 0,
                                              .cors_origin = SLICE("http://localhost:3000"),
                                              .more = SLICE("Vary: Accept\r\nX-One: 1\r\n"),
                                              .date = SLICE("Sun, 06 Nov 1994 08:49:37 GMT")});
    CHECK_STR(t, buf_peek(&b),
              "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
              "Vary: Accept\r\nX-One: 1\r\n"
              "Access-Control-Allow-Origin: http://localhost:3000\r\nVary: Origin\r\nConnection: keep-alive\r\n\r\n");
    buf_reset(&b);
    http_put_head(&b, &(struct http_response){.status = 204, .minor = 1, .preflight = true, .cors_origin = SLICE("*")});
    CHECK_STR(t, buf_peek(&b),
              "HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: *\r\nVary: "
              "Origin\r\nAccess-Control-Allow-Methods: POST, GET, OPTIONS\r\n"
              "Access-Control-Allow-Headers: Content-Type, Authorization, *\r\nAccess-Control-Max-Age: 86400\r\n\r\n");
    buf_reset(&b);
    http_put_refusal(&b, (struct http_verdict){405, "no"}, slice_of(NULL, 0));
    CHECK_STR(t, buf_peek(&b),
              "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: "
              "3\r\nAllow: POST, GET, OPTIONS\r\n"
              "Connection: close\r\n\r\nno\n");
    buf_reset(&b);
    http_put_refusal(&b, (struct http_verdict){426, "ws"}, slice_of(NULL, 0));
    CHECK_STR(t, buf_peek(&b),
              "HTTP/1.1 426 Upgrade Required\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: "
              "3\r\nUpgrade: websocket\r\n"
              "Sec-WebSocket-Version: 13\r\nConnection: Upgrade, close\r\n\r\nws\n");
    buf_fini(&b);
}

TEST(dates_are_those_of_the_calendar, t)
{
    static const struct {
        uint64_t unix_s;
        const char *text;
    } row[] = {
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},          {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
        {951782399, "Mon, 28 Feb 2000 23:59:59 GMT"},  {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
        {1709251199, "Thu, 29 Feb 2024 23:59:59 GMT"}, {4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"},
        {1767225599, "Wed, 31 Dec 2025 23:59:59 GMT"},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        char out[HTTP_DATE_LEN];

        http_date(row[i].unix_s, out);
        CHECK_STR(t, slice_of(out, sizeof out), row[i].text);
    }
}
