#include "wire/forwarded.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/test.h"

enum { TRUSTED_COUNT = 2 };

static void trust(struct network out[TRUSTED_COUNT])
{
    if (!network_parse(SLICE("10.0.0.0/8"), &out[0]) || !network_parse(SLICE("fd00::/8"), &out[1])) abort();
}

/* What a request says that comes from the trusted 10.0.0.1. */
static void check(struct test *t, const char *headers, const char *client, bool secure)
{
    char text[1024], shown[ADDRESS_TEXT_MAX];
    struct http_options options = {0};
    struct http_parser *p = http_parser_new(&options);
    struct network trusted[TRUSTED_COUNT];
    struct address a;
    bool said = false;
    size_t taken;

    trust(trusted);
    CHECK(t, address_parse(SLICE("10.0.0.1"), &a));
    (void)snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: x\r\n%s\r\n", headers);
    CHECK_EQ(t, http_parser_feed(p, slice_str(text), &taken), HTTP_GOT_REQUEST);
    forwarded_read(http_parser_request(p), trusted, TRUSTED_COUNT, &a, &said);
    address_text(&a, shown);
    CHECK_STR(t, slice_str(shown), client);
    CHECK_EQ(t, said, secure);
    http_parser_free(p);
}

TEST(the_client_is_the_last_hop_that_is_no_proxy_of_ours, t)
{
    check(t, "X-Forwarded-For: 203.0.113.7\r\n", "203.0.113.7", false);
    check(t, "X-Forwarded-For: 203.0.113.7:4711\r\n", "203.0.113.7:4711", false);
    check(t, "X-Forwarded-For: 203.0.113.7, 10.2.3.4\r\n", "203.0.113.7", false);
    check(t, "X-Forwarded-For: 203.0.113.7,fd00::5 , 10.2.3.4\r\n", "203.0.113.7", false);
    check(t, "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-For: 10.2.3.4\r\n", "203.0.113.7", false);
    check(t, "X-Forwarded-For: 10.9.9.9\r\n", "10.9.9.9", false); /* all of it is ours */
    check(t, "", "10.0.0.1", false);
}

TEST(what_the_client_wrote_itself_counts_for_nothing, t)
{
    check(t, "X-Forwarded-For: 127.0.0.1, 203.0.113.7\r\n", "203.0.113.7", false);
    check(t, "X-Forwarded-For: 10.1.1.1, 203.0.113.7, 10.2.3.4\r\n", "203.0.113.7", false);
    check(t, "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 203.0.113.7\r\n", "203.0.113.7", false);
    /* A proxy that writes the one header lets the other through as it came. */
    check(t, "Forwarded: for=198.51.100.1;proto=https\r\nX-Forwarded-For: 203.0.113.7\r\n", "203.0.113.7", false);
}

TEST(what_is_no_address_ends_the_reading, t)
{
    check(t, "X-Forwarded-For: 198.51.100.1, unknown\r\n", "10.0.0.1", false);
    check(t, "X-Forwarded-For: 198.51.100.1, unknown, 10.5.5.5\r\n", "10.5.5.5", false);
    check(t, "X-Forwarded-For: 198.51.100.1, , 10.5.5.5\r\n", "10.5.5.5", false);
    check(t, "X-Forwarded-For:\r\n", "10.0.0.1", false);
    check(t, "X-Forwarded-For: 198.51.100.1,\r\n", "10.0.0.1", false);
    check(t, "Forwarded: for=_hidden, for=unknown\r\n", "10.0.0.1", false);
    check(t, "Forwarded: by=203.0.113.7\r\n", "10.0.0.1", false);
    check(t, "Forwarded: nonsense\r\n", "10.0.0.1", false);
}

TEST(the_standard_s_header_says_the_same, t)
{
    check(t, "Forwarded: for=203.0.113.7\r\n", "203.0.113.7", false);
    check(t, "Forwarded: For=\"[2001:db8::7]:4711\";proto=https;by=10.0.0.1\r\n", "[2001:db8::7]:4711", true);
    check(t, "Forwarded: for=198.51.100.1, for=203.0.113.7;proto=http\r\n", "203.0.113.7", false);
    check(t, "Forwarded: proto=https;for=203.0.113.7, proto=http;for=10.2.3.4\r\n", "203.0.113.7", false);
    check(t, "Forwarded: for=198.51.100.1\r\nForwarded: proto=https; for=203.0.113.7\r\n", "203.0.113.7", true);
}

TEST(the_proxy_says_how_the_client_came, t)
{
    check(t, "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\n", "203.0.113.7", true);
    check(t, "X-Forwarded-Proto: HTTPS\r\n", "10.0.0.1", true);
    check(t, "X-Forwarded-Proto: https, http\r\n", "10.0.0.1", false);
    check(t, "X-Forwarded-Proto: wss\r\n", "10.0.0.1", true);
    check(t, "X-Forwarded-Proto: gopher\r\n", "10.0.0.1", false);
}
