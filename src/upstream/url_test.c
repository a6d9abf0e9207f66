#include "upstream/url.h"

#include "base/test.h"

static const struct row {
    const char *text, *host, *authority, *target, *basic, *shown;
    uint16_t port;
    bool tls, websocket;
} GOOD[] = {
    {"http://localhost", "localhost", "localhost", "/", "", "http://localhost", 80, false, false},
    {"https://a.example/v2/key?x=1", "a.example", "a.example", "/v2/key?x=1", "", "https://a.example/v2/key?x=1", 443,
     true, false},
    {"ws://127.0.0.1:8546", "127.0.0.1", "127.0.0.1:8546", "/", "", "ws://127.0.0.1:8546", 8546, false, true},
    {"wss://[::1]:1/p", "::1", "[::1]:1", "/p", "", "wss://[::1]:1/p", 1, true, true},
    {"http://[::1]", "::1", "[::1]", "/", "", "http://[::1]", 80, false, false},
    {"http://h?q", "h", "h", "/?q", "", "http://h?q", 80, false, false},
    {"http://h/a#part", "h", "h", "/a", "", "http://h/a", 80, false, false},
    {"https://user:p%40ss@h:99/x", "h", "h:99", "/x", "dXNlcjpwQHNz", "https://h:99/x", 99, true, false},
    {"http://u:p@ss@h", "h", "h", "/", "dTpwQHNz", "http://h", 80, false, false},
};

static const struct {
    const char *text, *why;
} BAD[] = {
    {"", "none of"},
    {"localhost:8545", "none of"},
    {"ftp://x", "none of"},
    {"http://", "no host"},
    {"http:///x", "no host"},
    {"http://u:p@", "no host"},
    {"http://h:", "without a port"},
    {"http://h:0", "no number"},
    {"http://h:65536", "no number"},
    {"http://h:99999999999", "no number"},
    {"http://h:8x", "no number"},
    {"http://[::1", "without"},
    {"http://[::1]x", "behind its host"},
    {"http://a b", "space"},
    {"http://h/\r\nX: y", "control"},
};

TEST(a_url_is_taken_apart, t)
{
    for (size_t i = 0; i < COUNT_OF(GOOD); i++) {
        const struct row *r = &GOOD[i];
        struct fan_error err = {{0}};
        struct arena_home home;
        struct arena a;
        struct url u;

        arena_home_init(&home, 0);
        a = arena_of(&home);
        if (url_parse(r->text, &a, &u, &err)) {
            test_fail(t, __FILE__, __LINE__, "%s: %s", r->text, err.text);
        } else {
            CHECK_STR(t, slice_str(u.host), r->host);
            CHECK_STR(t, u.authority, r->authority);
            CHECK_STR(t, u.target, r->target);
            CHECK_STR(t, u.basic, r->basic);
            CHECK_STR(t, slice_str(u.shown), r->shown);
            CHECK_EQ(t, u.port, r->port);
            CHECK(t, u.tls == r->tls && u.websocket == r->websocket);
        }
        arena_home_fini(&home);
    }
}

TEST(a_url_that_cannot_be_is_refused_with_why, t)
{
    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        struct fan_error err = {{0}};
        struct arena_home home;
        struct arena a;
        struct url u;

        arena_home_init(&home, 0);
        a = arena_of(&home);
        CHECK_EQ(t, url_parse(BAD[i].text, &a, &u, &err), FAN_EINVAL);
        if (!strstr(err.text, BAD[i].why))
            test_fail(t, __FILE__, __LINE__, "%s: \"%s\" lacks \"%s\"", BAD[i].text, err.text, BAD[i].why);
        arena_home_fini(&home);
    }
}

/* RFC 4648 section 10. */
TEST(base64_by_its_rfc, t)
{
    static const char *const row[][2] = {{"", ""},
                                         {"f", "Zg=="},
                                         {"fo", "Zm8="},
                                         {"foo", "Zm9v"},
                                         {"foob", "Zm9vYg=="},
                                         {"fooba", "Zm9vYmE="},
                                         {"foobar", "Zm9vYmFy"}};
    struct arena_home home;
    struct arena a;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    for (size_t i = 0; i < COUNT_OF(row); i++) CHECK_STR(t, base64(slice_str(row[i][0]), &a), row[i][1]);
    arena_home_fini(&home);
}
