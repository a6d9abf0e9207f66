#include "wire/address.h"

#include "base/test.h"

TEST(an_address_is_read_and_written, t)
{
    static const struct {
        const char *in, *out; /* out NULL: it is none */
    } row[] = {
        {"127.0.0.1", "127.0.0.1"},
        {"1.2.3.4:80", "1.2.3.4:80"},
        {"255.255.255.255:65535", "255.255.255.255:65535"},
        {"::1", "::1"},
        {"[::1]", "::1"},
        {"[2001:db8::7]:443", "[2001:db8::7]:443"},
        {"::ffff:10.0.0.1", "10.0.0.1"}, /* IPv4 through a socket on :: */
        {"[::ffff:10.0.0.1]:9", "10.0.0.1:9"},
        {"2001:0DB8:0:0:0:0:0:7", "2001:db8::7"},
        {"", NULL},
        {"unknown", NULL},
        {"_hidden", NULL},
        {"1.2.3", NULL},
        {"1.2.3.4:", NULL},
        {"1.2.3.4:65536", NULL},
        {"1.2.3.4:1x", NULL},
        {"1.2.3.4 ", NULL},
        {"[1.2.3.4]:80", NULL},
        {"[::1", NULL},
        {"[::1]x", NULL},
        {"[::1]:", NULL},
        {"[]:80", NULL},
        {"::1::2", NULL},
        {"1111:2222:3333:4444:5555:6666:7777:8888:9999", NULL},
        {"1111:2222:3333:4444:5555:6666:255.255.255.255:1", NULL},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        char text[ADDRESS_TEXT_MAX] = "";
        struct address a;
        bool read = address_parse(slice_str(row[i].in), &a);

        CHECK_EQ(t, read, row[i].out != NULL);
        if (!read) continue;
        address_text(&a, text);
        CHECK_STR(t, slice_str(text), row[i].out);
    }
}

TEST(a_nul_in_an_address_does_not_end_it, t)
{
    struct address a;

    CHECK(t, !address_parse(SLICE("127.0.0.1\0.example"), &a));
}

TEST(the_longest_address_fits, t)
{
    static const uint8_t ip[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                   0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct address a = address_of_v6(ip, 65535);
    char text[ADDRESS_TEXT_MAX];

    address_text(&a, text);
    CHECK_STR(t, slice_str(text), "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}

TEST(loopback_is_told, t)
{
    static const struct {
        const char *address;
        bool loopback;
    } row[] = {{"127.0.0.1", true},  {"127.255.0.9", true}, {"::1", true},  {"::ffff:127.0.0.1", true},
               {"128.0.0.1", false}, {"10.0.0.1", false},   {"::2", false}, {"::", false}};
    const struct address local = {.kind = ADDRESS_LOCAL}, unknown = {.kind = ADDRESS_UNKNOWN};

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct address a;

        CHECK(t, address_parse(slice_str(row[i].address), &a));
        CHECK_EQ(t, address_is_loopback(&a), row[i].loopback);
    }
    CHECK(t, address_is_loopback(&local));
    CHECK(t, !address_is_loopback(&unknown));
}

TEST(a_network_holds_its_addresses_and_no_others, t)
{
    static const struct {
        const char *network, *in, *out;
    } row[] = {
        {"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
        {"192.168.4.0/22", "192.168.7.255", "192.168.8.0"},
        {"192.168.5.77/22", "192.168.4.1", "192.168.3.255"}, /* bits behind the prefix do not count */
        {"1.2.3.4", "1.2.3.4", "1.2.3.5"},
        {"1.2.3.4/32", "::ffff:1.2.3.4", "::1.2.3.4"},
        {"0.0.0.0/0", "200.1.1.1", "2001:db8::1"},
        {"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
        {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"},
        {"::1", "::1", "::"},
        {"::/0", "1.2.3.4", NULL},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct network n;
        struct address a;

        CHECK(t, network_parse(slice_str(row[i].network), &n));
        CHECK(t, address_parse(slice_str(row[i].in), &a));
        CHECK(t, network_holds(&n, &a));
        if (!row[i].out) continue;
        CHECK(t, address_parse(slice_str(row[i].out), &a));
        CHECK(t, !network_holds(&n, &a));
    }
}

TEST(what_is_no_network_is_refused, t)
{
    static const char *const row[] = {"",           "/",          "/8",    "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/8/8",
                                      "::/129",     "10.0.0.0/x", "proxy", "10.0.0",    "[::1]/128",   "1.2.3.4:80",
                                      "10.0.0.0/-1"};
    struct network n;

    for (size_t i = 0; i < COUNT_OF(row); i++) CHECK(t, !network_parse(slice_str(row[i]), &n));
}
