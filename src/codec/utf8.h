/* utf8: is this UTF-8? For JSON's strings and, in pieces, for WebSocket text.
 *
 * Strict: no overlong forms, no surrogates, nothing above U+10FFFF. ASCII is skipped eight bytes at a time.
 * Spec: RFC 3629, the table of well-formed sequences (Unicode, table 3-7). */
#ifndef CODEC_UTF8_H
#define CODEC_UTF8_H

#include "base/slice.h"

enum { UTF8_WHOLE = 0, UTF8_BAD = 255 }; /* states between are inside a character */

/* Goes on from `state` (UTF8_WHOLE at first) over the bytes of s and returns the state behind them. UTF8_BAD is for
 * good, and is known at the first byte that cannot stand where it does. A text is well-formed when it ends in
 * UTF8_WHOLE. */
uint8_t utf8_check(uint8_t state, struct slice s);
/* The length of the well-formed character at the start of s, 1 to 4; 0 when there is none. */
size_t utf8_char_len(struct slice s);
/* Writes a scalar value (no surrogate, at most 0x10ffff); returns its length, 1 to 4. */
size_t utf8_put(uint32_t scalar, uint8_t out[4]);

#endif
