#include "conn/admission.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <strings.h>

enum { HOST_LEN_MAX = 255 };

static bool eq_nocase(struct slice s, const char *text)
{
    return s.len == strlen(text) && strncasecmp((const char *)s.at, text, s.len) == 0;
}

static bool starts_nocase(struct slice s, const char *text)
{
    size_t len = strlen(text);

    return s.len >= len && strncasecmp((const char *)s.at, text, len) == 0;
}

/* Splits host[:port]; the brackets of an IPv6 address go. False: neither form. */
static bool split(struct slice text, struct slice *out_host, bool *out_v6)
{
    const uint8_t *end;
    struct slice port;

    *out_v6 = text.len && text.at[0] == '[';
    if (*out_v6) {
        end = memchr(text.at, ']', text.len);
        if (!end) return false;
        *out_host = slice_of(text.at + 1, (size_t)(end - text.at) - 1);
        port = slice_from(text, (size_t)(end - text.at) + 1);
    } else {
        end = text.len ? memchr(text.at, ':', text.len) : NULL;
        *out_host = slice_first(text, end ? (size_t)(end - text.at) : text.len);
        port = slice_from(text, out_host->len);
    }
    if (port.len == 0) return true;
    if (port.at[0] != ':' || port.len > 6) return false;
    for (size_t i = 1; i < port.len; i++)
        if (!isdigit(port.at[i])) return false;
    return true;
}

/* The address in `host`; false: it is a name. */
static bool address_of(struct slice host, bool v6, struct in6_addr *out6, struct in_addr *out4)
{
    char text[INET6_ADDRSTRLEN];

    if (host.len >= sizeof text) return false;
    memcpy(text, host.at, host.len);
    text[host.len] = '\0';
    return inet_pton(v6 ? AF_INET6 : AF_INET, text, v6 ? (void *)out6 : (void *)out4) == 1;
}

static bool is_loopback(struct slice host, bool v6)
{
    struct in6_addr a6;
    struct in_addr a4;

    if (eq_nocase(host, "localhost")) return true;
    if (host.len == 0 || !address_of(host, v6, &a6, &a4)) return false;
    return v6 ? IN6_IS_ADDR_LOOPBACK(&a6) : (ntohl(a4.s_addr) >> 24) == 127;
}

bool admission_host(struct slice text, const char *const *names, size_t count)
{
    struct slice host;
    struct in6_addr a6;
    struct in_addr a4;
    bool v6;

    if (text.len == 0) return true;
    if (!split(text, &host, &v6) || host.len == 0 || host.len > HOST_LEN_MAX) return false;
    if (eq_nocase(host, "localhost") || address_of(host, v6, &a6, &a4)) return true;
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], "*") == 0 || eq_nocase(host, names[i])) return true;
    return false;
}

/* pattern with at most one *, which stands for any number of characters. */
static bool matches(struct slice s, const char *pattern)
{
    const char *star = strchr(pattern, '*');
    size_t before, behind;

    if (!star) return eq_nocase(s, pattern);
    before = (size_t)(star - pattern);
    behind = strlen(star + 1);
    return s.len >= before + behind && strncasecmp((const char *)s.at, pattern, before) == 0 &&
           strncasecmp((const char *)s.at + s.len - behind, star + 1, behind) == 0;
}

bool admission_origin(struct slice origin, const char *const *allowed, size_t count)
{
    static const char *const extensions[] = {"chrome-extension://", "moz-extension://", "safari-web-extension://",
                                             "extension://"};
    struct slice host = {0}, rest = {0};
    bool v6 = false;

    if (origin.len == 0) return true;
    for (size_t i = 0; i < COUNT_OF(extensions); i++)
        if (starts_nocase(origin, extensions[i])) return true;
    if (starts_nocase(origin, "http://"))
        rest = slice_from(origin, 7);
    else if (starts_nocase(origin, "https://"))
        rest = slice_from(origin, 8);
    if (rest.len && split(rest, &host, &v6)) {
        if (is_loopback(host, v6)) return true;
    } else {
        host.len = 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (matches(origin, allowed[i])) return true;
        if (host.len && !strstr(allowed[i], "://") && matches(host, allowed[i]))
            return true; /* as geth: a bare name, any scheme and port */
    }
    return false;
}
