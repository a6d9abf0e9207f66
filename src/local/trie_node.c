#include "local/trie_node.h"

#include "codec/rlp.h"

struct trie_node *trie_node_new(enum trie_kind kind, struct arena *a)
{
    static const size_t links[] = {[TRIE_LEAF] = 0, [TRIE_EXTENSION] = 1, [TRIE_BRANCH] = TRIE_BRANCH_WIDTH};
    struct trie_node *n = arena_alloc(a, sizeof *n + links[kind] * sizeof n->child[0]);

    if (!n) return NULL;
    n->kind = kind;
    n->dirty = true;
    return n;
}

void trie_nibbles_of(struct slice key, uint8_t out[TRIE_NIBBLES_MAX])
{
    assert(key.len <= TRIE_NIBBLES_MAX / 2);
    for (size_t i = 0; i < key.len; i++) {
        out[2 * i] = key.at[i] >> 4;
        out[2 * i + 1] = key.at[i] & 15;
    }
}

struct trie_path trie_path_of(const uint8_t *nibbles, size_t len)
{
    struct trie_path p = {.len = (uint8_t)len};

    assert(len <= TRIE_NIBBLES_MAX);
    for (size_t i = 0; i < len; i++) p.packed[i / 2] |= (uint8_t)(i % 2 ? nibbles[i] : nibbles[i] << 4);
    return p;
}

/* Hex-prefix, backwards: the first nibble says leaf (2) and odd (1); an even key has a zero nibble behind it. */
static enum fan_status key_decode(struct slice compact, struct arena *a, bool *out_leaf, struct slice *out)
{
    uint8_t *nibbles, *at, flags;

    if (!compact.len || compact.len > 1 + TRIE_NIBBLES_MAX / 2) return FAN_EFORMAT;
    flags = compact.at[0] >> 4;
    if (flags > 3 || (!(flags & 1) && (compact.at[0] & 15))) return FAN_EFORMAT;
    nibbles = at = arena_bytes(a, 2 * compact.len);
    if (!nibbles) return FAN_ENOMEM;
    if (flags & 1) *at++ = compact.at[0] & 15;
    for (size_t i = 1; i < compact.len; i++) {
        *at++ = compact.at[i] >> 4;
        *at++ = compact.at[i] & 15;
    }
    if (at - nibbles > TRIE_NIBBLES_MAX) return FAN_EFORMAT;
    *out_leaf = flags & 2;
    *out = slice_of(nibbles, (size_t)(at - nibbles));
    return FAN_OK;
}

/* A child as its parent holds it: nothing, a hash, or a whole node of fewer than 32 bytes. */
static enum fan_status link_decode(struct rlp *r, struct trie_link *out)
{
    bool embedded = rlp_peek_is_list(r);
    struct slice ref = embedded ? rlp_raw(r) : rlp_bytes(r);

    if (r->failed) return r->failed;
    if (embedded ? ref.len >= TRIE_REF_LEN : ref.len && ref.len != TRIE_REF_LEN) return FAN_EFORMAT;
    *out = (struct trie_link){.ref = ref};
    return FAN_OK;
}

static enum fan_status branch_decode(struct rlp r, struct arena *a, struct trie_node **out)
{
    struct trie_node *n = trie_node_new(TRIE_BRANCH, a);

    if (!n) return FAN_ENOMEM;
    for (size_t i = 0; i < TRIE_BRANCH_WIDTH; i++) {
        enum fan_status s = link_decode(&r, &n->child[i]);

        if (s) return s;
    }
    n->value = rlp_bytes(&r);
    n->dirty = false;
    *out = n;
    return rlp_end(&r);
}

static enum fan_status short_decode(struct rlp r, struct arena *a, struct trie_node **out)
{
    struct slice key;
    struct trie_node *n;
    bool leaf;
    enum fan_status s = key_decode(rlp_bytes(&r), a, &leaf, &key);

    if (s) return s;
    if (!leaf && !key.len) return FAN_EFORMAT;
    n = trie_node_new(leaf ? TRIE_LEAF : TRIE_EXTENSION, a);
    if (!n) return FAN_ENOMEM;
    n->key = key;
    n->dirty = false;
    if (leaf) {
        n->value = rlp_bytes(&r);
        if (!n->value.len) return FAN_EFORMAT;
    } else {
        s = link_decode(&r, &n->child[0]);
        if (s) return s;
        if (!n->child[0].ref.len) return FAN_EFORMAT;
    }
    *out = n;
    return rlp_end(&r);
}

enum fan_status trie_node_decode(struct slice rlp, struct arena *a, struct trie_node **out)
{
    struct rlp whole = rlp_of(rlp), inside = rlp_enter(&whole), counted = inside;
    struct trie_node *n = NULL;
    size_t items = 0;
    enum fan_status s;

    for (; rlp_more(&counted) && items < 3; items++) rlp_skip(&counted);
    if (whole.failed || whole.rest.len || counted.failed) return FAN_EFORMAT;
    s = items == 2 ? short_decode(inside, a, &n) : branch_decode(inside, a, &n);
    if (!s) *out = n;
    return s;
}

/* ---- writing: lengths first, then straight into the arena ---- */

static size_t string_len(struct slice s)
{
    if (s.len == 1 && s.at[0] < 0x80) return 1;
    return rlp_header(0x80, s.len, NULL) + s.len;
}

static uint8_t *string_put(uint8_t *at, struct slice s)
{
    if (s.len == 1 && s.at[0] < 0x80) {
        *at = s.at[0];
        return at + 1;
    }
    at += rlp_header(0x80, s.len, at);
    if (s.len) memcpy(at, s.at, s.len);
    return at + s.len;
}

static size_t link_len(const struct trie_link *l)
{
    return l->ref.len == TRIE_REF_LEN ? 1 + TRIE_REF_LEN : l->ref.len ? l->ref.len : 1;
}

static uint8_t *link_put(uint8_t *at, const struct trie_link *l)
{
    if (!l->ref.len || l->ref.len == TRIE_REF_LEN) return string_put(at, l->ref);
    memcpy(at, l->ref.at, l->ref.len);
    return at + l->ref.len;
}

static struct slice key_encode(const struct trie_node *n, uint8_t out[1 + TRIE_NIBBLES_MAX / 2])
{
    bool odd = n->key.len % 2;
    uint8_t *at = out;

    *at++ = (uint8_t)((n->kind == TRIE_LEAF ? 0x20 : 0) | (odd ? 0x10 | n->key.at[0] : 0));
    for (size_t i = odd; i < n->key.len; i += 2) *at++ = (uint8_t)(n->key.at[i] << 4 | n->key.at[i + 1]);
    return slice_of(out, (size_t)(at - out));
}

struct slice trie_node_encode(const struct trie_node *n, struct arena *a)
{
    uint8_t compact[1 + TRIE_NIBBLES_MAX / 2], *out, *at;
    struct slice key = {0};
    size_t len = 0;

    if (n->kind == TRIE_BRANCH) {
        for (size_t i = 0; i < TRIE_BRANCH_WIDTH; i++) len += link_len(&n->child[i]);
        len += string_len(n->value);
    } else {
        key = key_encode(n, compact);
        len = string_len(key) + (n->kind == TRIE_LEAF ? string_len(n->value) : link_len(&n->child[0]));
    }
    out = at = arena_bytes(a, rlp_header(0xc0, len, NULL) + len);
    if (!out) return slice_of(NULL, 0);
    at += rlp_header(0xc0, len, at);
    if (n->kind == TRIE_BRANCH) {
        for (size_t i = 0; i < TRIE_BRANCH_WIDTH; i++) at = link_put(at, &n->child[i]);
        at = string_put(at, n->value);
    } else {
        at = string_put(at, key);
        at = n->kind == TRIE_LEAF ? string_put(at, n->value) : link_put(at, &n->child[0]);
    }
    return slice_of(out, (size_t)(at - out));
}
