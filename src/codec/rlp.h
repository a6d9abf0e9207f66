/* rlp: Recursive Length Prefix, both ways, strict.
 *
 * The reader walks borrowed bytes and never copies. It accepts only the one canonical encoding of each value: shortest
 * length forms, no leading zeros in integers, nothing behind the end where rlp_end() is asked. Like struct buf, the
 * reader remembers its first failure and answers zeros from then on, so a decoder is a straight line and asks once, at
 * the end. The writer encodes lists in one pass: rlp_list_begin() leaves room and rlp_list_end() closes it. Spec:
 * Yellow Paper appendix B. */
#ifndef CODEC_RLP_H
#define CODEC_RLP_H

#include "base/buf.h"

struct rlp {
    struct slice rest;      /* what has not been read of this list (or of the input) */
    enum fan_status failed; /* FAN_OK or FAN_EFORMAT */
    const char *why;        /* static words for the first failure */
};

struct rlp rlp_of(struct slice input);
/* More items before the end? False after a failure. */
bool rlp_more(const struct rlp *r);
/* Is the next item a list? False at the end and after a failure. */
bool rlp_peek_is_list(const struct rlp *r);
/* The next item is a list: its inside. A failure inside must be carried out by rlp_leave(). */
struct rlp rlp_enter(struct rlp *r);
/* Ends reading `inside`: its failure, or items left over, become r's failure. */
void rlp_leave(struct rlp *r, const struct rlp *inside);
/* The next item, a byte string: its payload, borrowed. */
struct slice rlp_bytes(struct rlp *r);
/* A byte string of exactly len bytes, copied to out. */
void rlp_fixed(struct rlp *r, uint8_t *out, size_t len);
uint64_t rlp_u64(struct rlp *r);
struct fan_u256 rlp_u256(struct rlp *r);
struct fan_hash rlp_hash(struct rlp *r);
/* An address, or the empty string (*out_empty true, for contract creation; NULL: empty is a failure). */
struct fan_address rlp_address(struct rlp *r, bool *out_empty);
/* The next item whole, header included, whatever it is; borrowed. */
struct slice rlp_raw(struct rlp *r);
void rlp_skip(struct rlp *r);
void rlp_fail(struct rlp *r, const char *why); /* keeps the first failure */
/* FAN_OK when nothing failed and nothing is left; else FAN_EFORMAT with r->why. */
FAN_MUST_CHECK enum fan_status rlp_end(struct rlp *r);

/* ---- writing, onto a buf ---- */
void rlp_put_bytes(struct buf *b, struct slice s);
void rlp_put_u64(struct buf *b, uint64_t v);
void rlp_put_u256(struct buf *b, const struct fan_u256 *v);
void rlp_put_hash(struct buf *b, const struct fan_hash *h);
void rlp_put_address(struct buf *b, const struct fan_address *a);
void rlp_put_raw(struct buf *b, struct slice encoded); /* already RLP */
/* Remembers where a list begins; pass what it returns to rlp_list_end(). Lists nest. */
size_t rlp_list_begin(struct buf *b);
void rlp_list_end(struct buf *b, size_t begin);
/* Length of the header in front of a payload of len bytes (1 to 9), written to out if not NULL. */
size_t rlp_header(uint8_t base, size_t len, uint8_t *out); /* base 0x80 for strings, 0xc0 for lists */

#endif
