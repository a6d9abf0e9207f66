#include "eth/ordered_trie.h"

#include "codec/keccak.h"
#include "codec/rlp.h"

enum { KEY_MAX = 9, NODE_MAX = 16 * 33 + 1 + 3 };

struct builder {
    const void *items;
    size_t count;
    ordered_trie_put *put;
    struct buf item;
    enum fan_status failed;
};

/* How a parent names a node: its encoding where that is shorter than a hash, else the RLP of its hash. */
struct reference {
    uint8_t bytes[33];
    size_t len;
    struct fan_hash hash; /* always, since the root is named by hash however short it is */
};

struct key {
    uint8_t bytes[KEY_MAX];
    size_t len;
};

/* As bytes, 0x80 (which is RLP of 0) sorts behind 0x7f; all other indices are in order already. */
static size_t index_at(const struct builder *b, size_t position)
{
    size_t zero_at = b->count < 128 ? b->count - 1 : 127;

    if (position < zero_at) return position + 1;
    return position == zero_at ? 0 : position;
}

static struct key key_at(const struct builder *b, size_t position)
{
    size_t index = index_at(b, position), len = 0;
    struct key k = {.len = 1};

    if (index > 0 && index < 128) {
        k.bytes[0] = (uint8_t)index;
        return k;
    }
    for (size_t rest = index; rest; rest >>= 8) len++;
    k.bytes[0] = (uint8_t)(0x80 + len);
    for (size_t i = len; i > 0; i--, index >>= 8) k.bytes[i] = (uint8_t)index;
    k.len = 1 + len;
    return k;
}

static unsigned nibble(const struct key *k, size_t depth)
{
    uint8_t byte = k->bytes[depth / 2];

    return depth % 2 ? byte & 15u : byte >> 4;
}

/* Hex-prefix encoding of a key's nibbles from..to, as an RLP string; returns its length (at most KEY_MAX + 2). */
static size_t put_path(const struct key *k, size_t from, size_t to, bool is_leaf, uint8_t *out)
{
    uint8_t path[KEY_MAX + 1];
    size_t len = 0, head;

    path[len] = (uint8_t)(is_leaf ? 0x20 : 0x00);
    if ((to - from) % 2) path[len] |= (uint8_t)(0x10 | nibble(k, from++));
    for (len = 1; from < to; from += 2, len++) path[len] = (uint8_t)(nibble(k, from) << 4 | nibble(k, from + 1));
    if (len == 1 && path[0] < 0x80) {
        out[0] = path[0];
        return 1;
    }
    head = rlp_header(0x80, len, out);
    memcpy(out + head, path, len);
    return head + len;
}

/* Ends a node whose list payload comes in two pieces: the second, an item's encoding, may be long. */
static void finish(struct slice first, struct slice second, struct reference *out)
{
    uint8_t header[9];
    size_t head = rlp_header(0xc0, first.len + second.len, header);
    struct keccak k;

    keccak_init(&k);
    keccak_add(&k, slice_of(header, head));
    keccak_add(&k, first);
    keccak_add(&k, second);
    keccak_end(&k, &out->hash);
    out->len = head + first.len + second.len;
    if (out->len < 32) {
        memcpy(out->bytes, header, head);
        memcpy(out->bytes + head, first.at, first.len);
        if (second.len) memcpy(out->bytes + head + first.len, second.at, second.len);
        return;
    }
    out->len = 33;
    out->bytes[0] = 0xa0;
    memcpy(out->bytes + 1, out->hash.bytes, 32);
}

static void build_leaf(struct builder *b, size_t position, size_t depth, struct reference *out)
{
    struct key k = key_at(b, position);
    uint8_t first[KEY_MAX + 2 + 9];
    size_t len = put_path(&k, depth, k.len * 2, true, first);
    struct slice item;

    buf_reset(&b->item);
    b->put(b->items, index_at(b, position), &b->item);
    if (b->item.failed && !b->failed) b->failed = b->item.failed;
    item = buf_peek(&b->item);
    if (item.len != 1 || item.at[0] >= 0x80) len += rlp_header(0x80, item.len, first + len);
    finish(slice_of(first, len), item, out);
}

/* The node over positions from..to, whose keys agree in `depth` nibbles. No key is another's prefix, since RLP tells
 * its own length; so a branch never holds a value. Depth grows with each call: at most two for each byte of a key. */
static void build(struct builder *b, size_t from, size_t to, size_t depth, struct reference *out)
{
    uint8_t node[NODE_MAX];
    size_t len = 0, same = depth;
    struct key first = key_at(b, from), last = key_at(b, to - 1);
    struct reference child;

    if (to - from == 1) {
        build_leaf(b, from, depth, out);
        return;
    }
    while (nibble(&first, same) == nibble(&last, same)) same++;
    for (unsigned n = 0; n < 16; n++) {
        size_t end = from;

        while (end < to) {
            struct key k = key_at(b, end);

            if (nibble(&k, same) != n) break;
            end++;
        }
        if (end == from) {
            node[len++] = 0x80;
            continue;
        }
        build(b, from, end, same + 1, &child);
        memcpy(node + len, child.bytes, child.len);
        len += child.len;
        from = end;
    }
    node[len++] = 0x80;
    finish(slice_of(node, len), slice_of(NULL, 0), out);
    if (same == depth) return;
    child = *out;
    len = put_path(&first, depth, same, false, node);
    finish(slice_of(node, len), slice_of(child.bytes, child.len), out);
}

enum fan_status ordered_trie_root(const void *items, size_t count, ordered_trie_put *put, struct fan_hash *out)
{
    struct builder b = {.items = items, .count = count, .put = put};
    struct reference root;

    if (count == 0) {
        *out = KECCAK_EMPTY_TRIE;
        return FAN_OK;
    }
    buf_init(&b.item, 0);
    build(&b, 0, count, 0, &root);
    buf_fini(&b.item);
    if (b.failed) return b.failed;
    *out = root.hash;
    return FAN_OK;
}
