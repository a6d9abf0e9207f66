/* json_token: what json_parse.c leaves behind and json_read.c walks. Inside codec/ only.
 *
 * Tokens stand in the order of the text. Behind an object's token come, for each member, the key's token and the
 * value's; behind an array's, the items'. `next` jumps over all that a token contains, so walking needs no parsing. */
#ifndef CODEC_JSON_TOKEN_H
#define CODEC_JSON_TOKEN_H

#include "codec/json.h"

enum {
    JSON_TOKEN_ESCAPED = 1, /* a string that holds a backslash */
    JSON_TOKEN_MEMBER = 2,  /* an object's member: the token before it is its key */
    JSON_TOKEN_LAST = 4,    /* the last item or member of what contains it */
};

struct json_token {
    uint32_t at, len; /* in the text, quotes and braces included. While a container is open: len is its last child (0:
                         none yet) */
    uint32_t next;    /* the token after all this one contains. While a container is open: the container around it */
    uint8_t kind, flags;
    uint16_t unused;
};
static_assert(sizeof(struct json_token) == 16, "one request should fit in a few cache lines");

/* One character of a string's inside, unescaped into out: its length, 1 to 4; *p moves behind it. Half a surrogate pair
 * becomes U+FFFD. The text was checked by json_parse(). */
size_t json_unescape_char(const uint8_t **p, const uint8_t *end, uint8_t out[4]);

#endif
