#include "wire/proxy.h"

#include "base/test.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"

/* Reads it in one piece, and checks that every shorter beginning asks for more. */
static enum proxy_outcome read_whole(struct test *t, struct slice bytes, struct proxy_header *out, size_t *out_len)
{
    enum proxy_outcome outcome = proxy_read(bytes, out, out_len);

    if (outcome != PROXY_GOT) return outcome;
    for (size_t len = 0; len < *out_len; len++) {
        struct proxy_header h;
        size_t got;

        CHECK_EQ(t, proxy_read(slice_first(bytes, len), &h, &got), PROXY_NEEDS_MORE);
    }
    return outcome;
}

static void check_client(struct test *t, struct slice bytes, const char *client, size_t len)
{
    struct proxy_header h;
    char text[ADDRESS_TEXT_MAX];
    size_t got = 0;

    CHECK_EQ(t, read_whole(t, bytes, &h, &got), PROXY_GOT);
    CHECK_EQ(t, got, len);
    CHECK_EQ(t, h.has_client, client != NULL);
    if (!client) return;
    address_text(&h.client, text);
    CHECK_STR(t, slice_str(text), client);
}

TEST(version_2_names_the_client, t)
{
    /* What follows the header is not the header's. */
    check_client(t,
                 SLICE(V2 "\x21\x11\0\x0c\xcb\0\x71\x07\x0a\0\0\x01\xd4\x31\x01\xbb"
                          "GET /"),
                 "203.0.113.7:54321", 28);
    check_client(
        t,
        SLICE(V2 "\x21\x21\0\x24"
                 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\0\x50\x01\xbb"),
        "[2001:db8::7]:80", 52);
    /* TLVs behind the addresses are skipped. */
    check_client(t, SLICE(V2 "\x21\x11\0\x11\xcb\0\x71\x07\x0a\0\0\x01\xd4\x31\x01\xbb\x02\0\x02\x68\x32"),
                 "203.0.113.7:54321", 33);
}

TEST(version_2_may_speak_of_the_proxy_itself, t)
{
    check_client(t, SLICE(V2 "\x20\0\0\0"), NULL, 16); /* LOCAL */
    check_client(t, SLICE(V2 "\x20\x11\0\x0c\xcb\0\x71\x07\x0a\0\0\x01\xd4\x31\x01\xbb"), NULL,
                 28);                                  /* LOCAL, not read */
    check_client(t, SLICE(V2 "\x21\0\0\0"), NULL, 16); /* UNSPEC */
}

TEST(version_1_names_the_client, t)
{
    static const struct {
        const char *line, *client;
    } row[] = {
        {"PROXY TCP4 203.0.113.7 10.0.0.1 54321 443\r\n", "203.0.113.7:54321"},
        {"PROXY TCP6 2001:db8::7 2001:db8::1 65535 443\r\n", "[2001:db8::7]:65535"},
        {"PROXY UNKNOWN\r\n", NULL},
        {"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", NULL},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++)
        check_client(t, slice_str(row[i].line), row[i].client, strlen(row[i].line));
}

TEST(what_is_malformed_is_refused, t)
{
    static const char *const lines[] = {
        "GET / HTTP/1.1\r\n",
        "PROXY \r\n",
        "PROXY TCP4\r\n",
        "PROXY TCP5 1.2.3.4 1.2.3.4 1 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n",
        "PROXY TCP4  1.2.3.4 1.2.3.4 1 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 1 \r\n",
        "PROXY TCP4 1.2.3.4:5 1.2.3.4 1 1\r\n",
        "PROXY TCP4 ::1 ::1 1 1\r\n",
        "PROXY TCP6 1.2.3.4 ::1 1 1\r\n",
        "PROXY TCP6 [::1] ::1 1 1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n",
        "PROXYTCP4 1.2.3.4 1.2.3.4 1 1\r\n",
    };
    const struct slice binary[] = {
        SLICE(V2 "\x11\x11\0\x0c\xcb\0\x71\x07\x0a\0\0\x01\xd4\x31\x01\xbb"), /* version 1 in the clothes of 2 */
        SLICE(V2 "\x22\x11\0\x0c\xcb\0\x71\x07\x0a\0\0\x01\xd4\x31\x01\xbb"), /* a command nobody has defined */
        SLICE(V2 "\x21\x12\0\x0c\xcb\0\x71\x07\x0a\0\0\x01\xd4\x31\x01\xbb"), /* UDP */
        SLICE(V2 "\x21\x41\0\0"),                                             /* an unknown family */
        SLICE(V2 "\x21\x11\0\x0b\xcb\0\x71\x07\x0a\0\0\x01\xd4\x31\x01"),     /* too short for its family */
        SLICE(V2 "\x21\x11\xff\xff"),                                         /* refused before it has come */
    };
    struct proxy_header h;
    size_t len;

    for (size_t i = 0; i < COUNT_OF(lines); i++) CHECK_EQ(t, proxy_read(slice_str(lines[i]), &h, &len), PROXY_REFUSES);
    for (size_t i = 0; i < COUNT_OF(binary); i++) CHECK_EQ(t, proxy_read(binary[i], &h, &len), PROXY_REFUSES);
}

TEST(a_line_without_an_end_is_refused_in_time, t)
{
    char line[108];
    struct proxy_header h;
    size_t len;

    memset(line, 'x', sizeof line);
    memcpy(line, "PROXY UNKNOWN ", 14);
    CHECK_EQ(t, proxy_read(slice_of(line, 106), &h, &len), PROXY_NEEDS_MORE);
    CHECK_EQ(t, proxy_read(slice_of(line, 107), &h, &len), PROXY_REFUSES);
    CHECK_EQ(t, proxy_read(slice_of(line, 108), &h, &len), PROXY_REFUSES);
}
