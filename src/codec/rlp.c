#include "codec/rlp.h"

#include "codec/u256.h"

struct rlp rlp_of(struct slice input)
{
    return (struct rlp){.rest = input};
}

bool rlp_more(const struct rlp *r)
{
    return !r->failed && r->rest.len > 0;
}

bool rlp_peek_is_list(const struct rlp *r)
{
    return rlp_more(r) && r->rest.at[0] >= 0xc0;
}

void rlp_fail(struct rlp *r, const char *why)
{
    if (r->failed) return;
    r->failed = FAN_EFORMAT;
    r->why = why;
    r->rest = slice_of(NULL, 0);
}

/* Where the payload of the next item lies. False after saying what is wrong with it; r->rest has not moved. */
static bool item(struct rlp *r, bool *out_list, size_t *out_header, size_t *out_len)
{
    struct slice s = r->rest;
    uint8_t first, short_base;

    if (r->failed) return false;
    if (!s.len) {
        rlp_fail(r, "an item is missing");
        return false;
    }
    first = s.at[0];
    *out_list = first >= 0xc0;
    short_base = *out_list ? 0xc0 : 0x80;
    if (first < 0x80) {
        *out_header = 0;
        *out_len = 1;
        return true;
    }
    if (first <= short_base + 55) {
        *out_header = 1;
        *out_len = (size_t)(first - short_base);
    } else {
        size_t digits = (size_t)(first - short_base - 55);
        uint64_t len = 0;

        if (s.len < 1 + digits) {
            rlp_fail(r, "the length of an item is cut off");
            return false;
        }
        for (size_t i = 0; i < digits; i++) len = len << 8 | s.at[1 + i];
        if (s.at[1] == 0 || len < 56) {
            rlp_fail(r, "the length of an item is not in its shortest form");
            return false;
        }
        if (len > s.len) { /* also what does not fit a size_t */
            rlp_fail(r, "an item is longer than what holds it");
            return false;
        }
        *out_header = 1 + digits;
        *out_len = (size_t)len;
    }
    if (*out_len > s.len - *out_header) {
        rlp_fail(r, "an item is longer than what holds it");
        return false;
    }
    if (!*out_list && *out_len == 1 && s.at[1] < 0x80) {
        rlp_fail(r, "a single byte below 0x80 has a header");
        return false;
    }
    return true;
}

struct rlp rlp_enter(struct rlp *r)
{
    struct rlp inside = {0};
    bool list;
    size_t header, len;

    if (item(r, &list, &header, &len)) {
        if (list) {
            inside.rest = slice_of(r->rest.at + header, len);
            r->rest = slice_from(r->rest, header + len);
        } else {
            rlp_fail(r, "a list was expected");
        }
    }
    inside.failed = r->failed;
    inside.why = r->why;
    return inside;
}

void rlp_leave(struct rlp *r, const struct rlp *inside)
{
    if (inside->failed)
        rlp_fail(r, inside->why);
    else if (inside->rest.len)
        rlp_fail(r, "a list has more items than it should");
}

struct slice rlp_bytes(struct rlp *r)
{
    bool list;
    size_t header, len;
    struct slice s = {0};

    if (!item(r, &list, &header, &len)) return s;
    if (list) {
        rlp_fail(r, "a byte string was expected");
        return s;
    }
    s = slice_of(r->rest.at + header, len);
    r->rest = slice_from(r->rest, header + len);
    return s;
}

void rlp_fixed(struct rlp *r, uint8_t *out, size_t len)
{
    struct slice s = rlp_bytes(r);

    if (!r->failed && s.len != len) rlp_fail(r, "a byte string has the wrong length");
    if (r->failed)
        memset(out, 0, len);
    else if (len)
        memcpy(out, s.at, len);
}

/* An integer's bytes: no leading zero, at most len_max of them. Empty after a failure. */
static struct slice integer(struct rlp *r, size_t len_max)
{
    struct slice s = rlp_bytes(r);

    if (!r->failed && s.len && s.at[0] == 0) rlp_fail(r, "an integer has a leading zero");
    if (!r->failed && s.len > len_max) rlp_fail(r, "an integer is too large");
    return r->failed ? slice_of(NULL, 0) : s;
}

uint64_t rlp_u64(struct rlp *r)
{
    struct slice s = integer(r, 8);
    uint64_t v = 0;

    for (size_t i = 0; i < s.len; i++) v = v << 8 | s.at[i];
    return v;
}

struct fan_u256 rlp_u256(struct rlp *r)
{
    struct fan_u256 v = u256_of(0);
    bool fits = u256_from_be_slice(integer(r, 32), &v);

    assert(fits);
    (void)fits;
    return v;
}

struct fan_hash rlp_hash(struct rlp *r)
{
    struct fan_hash h;

    rlp_fixed(r, h.bytes, sizeof h.bytes);
    return h;
}

struct fan_address rlp_address(struct rlp *r, bool *out_empty)
{
    struct fan_address a;
    bool empty = out_empty && rlp_more(r) && r->rest.at[0] == 0x80;

    if (out_empty) *out_empty = empty;
    if (empty) {
        r->rest = slice_from(r->rest, 1);
        memset(&a, 0, sizeof a);
        return a;
    }
    rlp_fixed(r, a.bytes, sizeof a.bytes);
    return a;
}

struct slice rlp_raw(struct rlp *r)
{
    bool list;
    size_t header, len;
    struct slice s = {0};

    if (!item(r, &list, &header, &len)) return s;
    s = slice_first(r->rest, header + len);
    r->rest = slice_from(r->rest, header + len);
    return s;
}

void rlp_skip(struct rlp *r)
{
    (void)rlp_raw(r);
}

enum fan_status rlp_end(struct rlp *r)
{
    if (!r->failed && r->rest.len) rlp_fail(r, "bytes are left behind the end");
    return r->failed;
}

size_t rlp_header(uint8_t base, size_t len, uint8_t *out)
{
    size_t digits = 0;

    if (len < 56) {
        if (out) out[0] = (uint8_t)(base + len);
        return 1;
    }
    for (size_t rest = len; rest; rest >>= 8) digits++;
    if (out) {
        out[0] = (uint8_t)(base + 55 + digits);
        for (size_t i = 0, rest = len; i < digits; i++, rest >>= 8) out[digits - i] = (uint8_t)rest;
    }
    return 1 + digits;
}

void rlp_put_bytes(struct buf *b, struct slice s)
{
    uint8_t header[9];

    if (s.len != 1 || s.at[0] >= 0x80) buf_put(b, slice_of(header, rlp_header(0x80, s.len, header)));
    buf_put(b, s);
}

void rlp_put_u64(struct buf *b, uint64_t v)
{
    uint8_t bytes[8];
    size_t skip = 0;

    put_be64(v, bytes);
    while (skip < 8 && !bytes[skip]) skip++;
    rlp_put_bytes(b, slice_of(bytes + skip, 8 - skip));
}

void rlp_put_u256(struct buf *b, const struct fan_u256 *v)
{
    uint8_t bytes[32];
    size_t len = (u256_bits(v) + 7) / 8;

    u256_to_be(v, bytes);
    rlp_put_bytes(b, slice_of(bytes + 32 - len, len));
}

void rlp_put_hash(struct buf *b, const struct fan_hash *h)
{
    rlp_put_bytes(b, slice_of(h->bytes, sizeof h->bytes));
}

void rlp_put_address(struct buf *b, const struct fan_address *a)
{
    rlp_put_bytes(b, slice_of(a->bytes, sizeof a->bytes));
}

void rlp_put_raw(struct buf *b, struct slice encoded)
{
    buf_put(b, encoded);
}

/* Most lists are longer than 55 bytes and shorter than 64 KiB, so room for three header bytes means that few payloads
 * have to move. */
enum { LIST_ROOM = 3 };

size_t rlp_list_begin(struct buf *b)
{
    static const uint8_t room[LIST_ROOM];
    size_t begin = b->len;

    buf_put(b, slice_of(room, sizeof room));
    return begin;
}

void rlp_list_end(struct buf *b, size_t begin)
{
    uint8_t header[9];
    size_t len, header_len;

    if (b->failed) return;
    assert(b->len >= begin + LIST_ROOM);
    len = b->len - begin - LIST_ROOM;
    header_len = rlp_header(0xc0, len, header);
    if (header_len > LIST_ROOM && !buf_reserve(b, header_len - LIST_ROOM)) return;
    if (header_len != LIST_ROOM) memmove(b->at + begin + header_len, b->at + begin + LIST_ROOM, len);
    memcpy(b->at + begin, header, header_len);
    b->len = begin + header_len + len;
}
