#include "wire/forwarded.h"

#include <strings.h>

static bool eq_nocase(struct slice s, const char *text)
{
    return s.len == strlen(text) && strncasecmp((const char *)s.at, text, s.len) == 0;
}

static struct slice trim(struct slice s)
{
    while (s.len && (s.at[0] == ' ' || s.at[0] == '\t')) s = slice_from(s, 1);
    while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t')) s.len--;
    return s;
}

/* Takes the last element of a list off its end. A comma inside quotes would part it wrongly, but then what comes out
 * is no address, and ends the reading. */
static struct slice take_last(struct slice *list, uint8_t separator)
{
    const uint8_t *mark = list->len ? memrchr(list->at, separator, list->len) : NULL;
    size_t from = mark ? (size_t)(mark - list->at) + 1 : 0;
    struct slice last = trim(slice_from(*list, from));

    *list = slice_first(*list, mark ? from - 1 : 0);
    return last;
}

/* The value of a parameter of Forwarded's element, its quotes taken off. False: it is not there. */
static bool parameter(struct slice element, const char *name, struct slice *out)
{
    while (element.len) {
        struct slice pair = take_last(&element, ';');
        const uint8_t *equals = pair.len ? memchr(pair.at, '=', pair.len) : NULL;
        struct slice value;

        if (!equals || !eq_nocase(slice_first(pair, (size_t)(equals - pair.at)), name)) continue;
        value = slice_from(pair, (size_t)(equals - pair.at) + 1);
        if (value.len >= 2 && value.at[0] == '"' && value.at[value.len - 1] == '"')
            value = slice_of(value.at + 1, value.len - 2);
        *out = value;
        return true;
    }
    return false;
}

static bool names(const struct http_header *h, bool standard)
{
    return eq_nocase(h->name, standard ? "forwarded" : "x-forwarded-for");
}

static bool said_secure(struct slice proto, bool *secure)
{
    if (eq_nocase(proto, "https") || eq_nocase(proto, "wss"))
        *secure = true;
    else if (eq_nocase(proto, "http") || eq_nocase(proto, "ws"))
        *secure = false;
    else
        return false;
    return true;
}

/* Walks the hops from the right over all headers of the name, last header first. */
static void walk(const struct http_request *r, bool standard, const struct network *trusted, size_t trusted_count,
                 struct address *client, bool *secure)
{
    bool is_last = true;

    for (size_t i = r->header_count; i-- > 0;) {
        struct slice list = r->headers[i].value;

        if (!names(&r->headers[i], standard)) continue;
        while (list.len) {
            struct slice hop = take_last(&list, ','), value = hop;
            struct address a;

            if (standard && is_last && parameter(hop, "proto", &value)) (void)said_secure(value, secure);
            is_last = false;
            if (standard && !parameter(hop, "for", &value)) return;
            if (!address_parse(value, &a)) return;
            *client = a;
            if (!networks_hold(trusted, trusted_count, &a)) return;
        }
    }
}

void forwarded_read(const struct http_request *r, const struct network *trusted, size_t trusted_count,
                    struct address *client, bool *secure)
{
    const struct http_header *proto = http_find(r, "X-Forwarded-Proto");
    bool standard = !http_find(r, "X-Forwarded-For");

    walk(r, standard, trusted, trusted_count, client, secure);
    if (proto) {
        struct slice list = proto->value;

        (void)said_secure(take_last(&list, ','), secure);
    }
}
