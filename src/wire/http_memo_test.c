#include "wire/http_memo.h"

#include <stdio.h>

#include "base/test.h"

/* Reads the text as one request. */
static const struct http_request *one(struct test *t, struct http_parser *p, const char *text)
{
    size_t taken;

    CHECK_EQ(t, http_parser_feed(p, slice_str(text), &taken), HTTP_GOT_REQUEST);
    CHECK_EQ(t, taken, strlen(text));
    return http_parser_request(p);
}

static bool is_known(struct http_memo *m, const char *text)
{
    return http_memo_find(m, slice_str(text)) != NULL;
}

#define HEAD(more) "POST /x?y HTTP/1.1\r\nHost: localhost:8545\r\n" more "Content-Length: 2\r\n\r\n"

TEST(a_head_is_kept_the_second_time, t)
{
    struct http_options options = {.memo = http_memo_new()};
    struct http_parser *p, *other;
    const struct http_request *r;
    size_t taken;

    REQUIRE(t, options.memo);
    p = http_parser_new(&options);
    other = http_parser_new(&options);
    REQUIRE(t, p && other);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(t, is_known(options.memo, HEAD("X: 1\r\n") "{}"), i == 2);
        (void)one(t, p, HEAD("X: 1\r\n") "{}");
        http_parser_next(p);
    }
    r = one(t, other, HEAD("X: 1\r\n") "[]"); /* of whichever connection, with whichever body */
    CHECK_EQ(t, r->method, HTTP_METHOD_POST);
    CHECK(t, slice_eq_str(r->method_name, "POST") && slice_eq_str(r->target, "/x?y"));
    CHECK(t, slice_eq_str(r->path, "/x") && slice_eq_str(r->query, "y") && slice_eq_str(r->host, "localhost:8545"));
    CHECK(t, slice_eq_str(r->body, "[]") && r->has_body && r->keep_alive);
    REQUIRE(t, r->header_count == 3);
    CHECK(t, slice_eq_str(r->headers[1].name, "X") && slice_eq_str(r->headers[1].value, "1"));
    http_parser_next(other);
    CHECK_EQ(t, http_parser_feed(other, slice_str(HEAD("X: 1\r\n") "["), &taken), HTTP_NEEDS_MORE);
    CHECK_EQ(t, http_parser_feed(other, slice_str("]"), &taken), HTTP_GOT_REQUEST); /* a body in pieces */
    CHECK(t, slice_eq_str(http_parser_request(other)->body, "[]"));
    CHECK(t, !is_known(options.memo, HEAD("X: 2\r\n") "{}") && !is_known(options.memo, "POST /x?y HTTP/1.1\r\n"));
    http_parser_free(p);
    http_parser_free(other);
    http_memo_free(options.memo);
}

TEST(what_is_kept_has_bounds, t)
{
    struct http_options options = {.memo = http_memo_new()};
    struct http_parser *p = http_parser_new(&options);
    char text[2 * HTTP_MEMO_LEN_MAX], fill[HTTP_MEMO_LEN_MAX + 1];
    size_t known = 0;

    REQUIRE(t, options.memo && p);
    for (int i = 0; i < 3 * HTTP_MEMO_HEADS; i++)
        for (int again = 0; again < 3; again++) {
            (void)snprintf(text, sizeof text, HEAD("X: %d\r\n") "{}", 10 + i);
            (void)one(t, p, text);
            http_parser_next(p);
            CHECK_EQ(t, is_known(options.memo, text), again > 0);
        }
    for (int i = 0; i < 3 * HTTP_MEMO_HEADS; i++) {
        (void)snprintf(text, sizeof text, HEAD("X: %d\r\n") "{}", 10 + i);
        known += is_known(options.memo, text);
    }
    CHECK_EQ(t, known, HTTP_MEMO_HEADS);
    memset(fill, 'a', sizeof fill - 1);
    fill[sizeof fill - 1] = '\0';
    (void)snprintf(text, sizeof text, HEAD("X: %s\r\n") "{}", fill);
    for (int again = 0; again < 3; again++) {
        (void)one(t, p, text);
        http_parser_next(p);
        CHECK(t, !is_known(options.memo, text));
    }
    http_parser_free(p);
    http_memo_free(options.memo);
}

/* Each is read anew: its bytes must not lie where a stranger's are compared with them. */
TEST(a_head_with_a_secret_is_not_kept, t)
{
    static const char text[] = HEAD("authorization: Bearer a.b.c\r\n") "{}";
    struct http_options options = {.memo = http_memo_new()};
    struct http_parser *p = http_parser_new(&options);

    REQUIRE(t, options.memo && p);
    for (int again = 0; again < 3; again++) {
        const struct http_request *r = one(t, p, text);

        CHECK(t, http_find(r, "Authorization") != NULL);
        http_parser_next(p);
        CHECK(t, !is_known(options.memo, text));
    }
    http_parser_free(p);
    http_memo_free(options.memo);
}
