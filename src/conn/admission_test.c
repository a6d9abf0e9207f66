#include "conn/admission.h"

#include "base/test.h"

TEST(hosts_that_nobody_else_can_own_pass_and_names_must_be_given, t)
{
    static const char *const names[] = {"node.example"}, *const all[] = {"*"};
    static const struct {
        const char *host;
        bool bare, named;
    } row[] = {
        {"", true, true},
        {"localhost", true, true},
        {"LOCALHOST:8545", true, true},
        {"127.0.0.1", true, true},
        {"192.168.1.7:8545", true, true},
        {"[::1]:8545", true, true},
        {"[2001:db8::1]", true, true},
        {"node.example", false, true},
        {"Node.Example:8545", false, true},
        {"evil.example", false, false},
        {"node.example.evil.example", false, false},
        {"localhost.evil.example", false, false},
        {"127.0.0.1.evil.example", false, false},
        {"127.0.0.1:8545x", false, false},
        {"::1", false, false},
        {"[::1", false, false},
        {"[evil.example]", false, false},
        {":8545", false, false},
        {"127.1", false, false},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        if (admission_host(slice_str(row[i].host), NULL, 0) != row[i].bare)
            test_fail(t, __FILE__, __LINE__, "bare: %s", row[i].host);
        if (admission_host(slice_str(row[i].host), names, 1) != row[i].named)
            test_fail(t, __FILE__, __LINE__, "named: %s", row[i].host);
    }
    CHECK(t, admission_host(SLICE("evil.example"), all, 1));
    CHECK(t, !admission_host(SLICE("[evil"), all, 1));
}

TEST(origins_from_here_and_extensions_pass_and_others_must_be_given, t)
{
    static const char *const given[] = {"https://app.example", "https://*.pages.example", "friend.example"},
                             *const all[] = {"*"};
    static const struct {
        const char *origin;
        bool bare, with;
    } row[] = {
        {"", true, true},
        {"http://localhost:3000", true, true},
        {"https://localhost", true, true},
        {"http://127.0.0.1:5173", true, true},
        {"http://127.9.9.9", true, true},
        {"http://[::1]:3000", true, true},
        {"chrome-extension://abcdef", true, true},
        {"moz-extension://abcdef", true, true},
        {"null", false, false},
        {"http://evil.example", false, false},
        {"http://localhost.evil.example", false, false},
        {"http://localhost:3000@evil.example", false, false},
        {"http://127.0.0.1.evil.example", false, false},
        {"ftp://localhost", false, false},
        {"http://192.168.1.7", false, false},
        {"https://app.example", false, true},
        {"HTTPS://APP.example", false, true},
        {"http://app.example", false, false},
        {"https://app.example:444", false, false},
        {"https://a.pages.example", false, true},
        {"https://pages.example", false, false},
        {"https://a.pages.example.evil.example", false, false},
        {"http://friend.example:8080", false, true},
        {"http://notfriend.example", false, false},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct slice origin = slice_str(row[i].origin);

        if (admission_origin(origin, NULL, 0) != row[i].bare)
            test_fail(t, __FILE__, __LINE__, "bare: %s", row[i].origin);
        if (admission_origin(origin, given, COUNT_OF(given)) != row[i].with)
            test_fail(t, __FILE__, __LINE__, "given: %s", row[i].origin);
        CHECK(t, admission_origin(origin, all, 1));
    }
}
