/* trie_model: for tests only. The trie as the Yellow Paper writes it down (appendix D), from scratch out of a sorted
 * list, and the checking of a proof by someone who has nothing but the root. Both share no code with trie.c. */
#ifndef LOCAL_TRIE_MODEL_H
#define LOCAL_TRIE_MODEL_H

#include <stdlib.h>

#include "base/map.h"
#include "codec/keccak.h"
#include "codec/rlp.h"
#include "local/trie.h"

struct model_item {
    uint8_t nibbles[64];
    size_t len;
    struct slice value;
};

struct model {
    struct arena *a;
    struct map *stored; /* trie_path → struct slice: every node that is not embedded; NULL: not wanted */
};

static inline struct model_item model_item_of(struct slice key, struct slice value)
{
    struct model_item item = {.len = 2 * key.len, .value = value};

    for (size_t i = 0; i < item.len; i++) item.nibbles[i] = i % 2 ? key.at[i / 2] & 15 : key.at[i / 2] >> 4;
    return item;
}

static inline int model_order(const void *a, const void *b)
{
    const struct model_item *x = a, *y = b;
    int c = memcmp(x->nibbles, y->nibbles, x->len < y->len ? x->len : y->len);

    return c ? c : (x->len > y->len) - (x->len < y->len);
}

static inline void model_put_key(struct buf *b, const uint8_t *nibbles, size_t len, bool leaf)
{
    uint8_t out[33];
    size_t at = 0, i = len % 2;

    out[at++] = (uint8_t)((leaf ? 32 : 0) + (i ? 16 + nibbles[0] : 0));
    for (; i < len; i += 2) out[at++] = (uint8_t)(nibbles[i] * 16 + nibbles[i + 1]);
    rlp_put_bytes(b, slice_of(out, at));
}

static inline void model_put_node(struct model *m, struct buf *b, const struct model_item *items, size_t count,
                                  size_t depth);

/* n(I, i): the node itself when short, else its hash; what is stored is noted under its path. */
static inline void model_put_ref(struct model *m, struct buf *b, const struct model_item *items, size_t count,
                                 size_t depth, bool root)
{
    struct buf node;

    buf_init(&node, 0);
    model_put_node(m, &node, items, count, depth);
    assert(!node.failed);
    if (node.len < 32 && !root) {
        rlp_put_raw(b, buf_peek(&node));
    } else {
        struct fan_hash hash = keccak256(buf_peek(&node));

        if (root)
            buf_put(b, slice_of(&hash, sizeof hash));
        else
            rlp_put_hash(b, &hash);
        if (m->stored) {
            struct trie_path path = {.len = (uint8_t)depth};

            for (size_t i = 0; i < depth; i++) path.packed[i / 2] |= (uint8_t)(items[0].nibbles[i] << (i % 2 ? 0 : 4));
            *(struct slice *)map_put(m->stored, &path, NULL) = arena_dup(m->a, buf_peek(&node));
        }
    }
    buf_fini(&node);
}

static inline void model_put_node(struct model *m, struct buf *b, const struct model_item *items, size_t count,
                                  size_t depth)
{
    size_t list = rlp_list_begin(b), common = depth;

    if (count == 1) {
        model_put_key(b, items[0].nibbles + depth, items[0].len - depth, true);
        rlp_put_bytes(b, items[0].value);
        rlp_list_end(b, list);
        return;
    }
    while (common < items[0].len && common < items[count - 1].len &&
           items[0].nibbles[common] == items[count - 1].nibbles[common])
        common++; /* the list is sorted: what first and last share, all share */
    if (common > depth) {
        model_put_key(b, items[0].nibbles + depth, common - depth, false);
        model_put_ref(m, b, items, count, common, false);
        rlp_list_end(b, list);
        return;
    }
    struct slice value = {0};
    if (items[0].len == depth) {
        value = items[0].value;
        items++;
        count--;
    }
    for (uint8_t nibble = 0; nibble < 16; nibble++) {
        size_t same = 0;

        while (same < count && items[same].nibbles[depth] == nibble) same++;
        if (same)
            model_put_ref(m, b, items, same, depth + 1, false);
        else
            rlp_put_bytes(b, slice_of(NULL, 0));
        items += same;
        count -= same;
    }
    rlp_put_bytes(b, value);
    rlp_list_end(b, list);
}

/* Sorts the items (keys are distinct) and gives the root. */
static inline struct fan_hash model_root(struct model_item *items, size_t count, struct arena *a, struct map *stored)
{
    struct model m = {a, stored};
    struct fan_hash root = KECCAK_EMPTY_TRIE;
    struct buf b;

    if (!count) return root;
    qsort(items, count, sizeof *items, model_order);
    buf_init(&b, 0);
    model_put_ref(&m, &b, items, count, 0, true);
    memcpy(&root, b.at, sizeof root);
    buf_fini(&b);
    return root;
}

/* Does the proof show that under `root` the key has this value (len 0: none)? Every node must be used. */
static inline bool model_proof_holds(const struct fan_hash *root, struct slice key, const struct slice *nodes,
                                     size_t count, struct slice value)
{
    struct model_item want = model_item_of(key, value);
    struct fan_hash expected = *root;
    struct slice node = {0};
    size_t used = 0, depth = 0;
    bool stored = true;

    if (!count) return memcmp(root, &KECCAK_EMPTY_TRIE, sizeof *root) == 0 && !value.len;
    for (;;) {
        struct slice item[17];
        size_t items = 0;
        struct rlp whole, r;

        if (stored) {
            struct fan_hash hash;

            if (used == count) return false;
            node = nodes[used++];
            hash = keccak256(node);
            if (memcmp(&hash, &expected, sizeof hash) != 0) return false;
        }
        whole = rlp_of(node);
        r = rlp_enter(&whole);
        while (rlp_more(&r) && items < 17) item[items++] = rlp_raw(&r);
        if (r.failed || whole.failed) return false;
        if (items == 2) {
            struct rlp first = rlp_of(item[0]);
            struct slice compact = rlp_bytes(&first);
            bool odd = compact.at[0] & 16, leaf = compact.at[0] & 32;

            for (size_t i = odd ? 1 : 2; i < 2 * compact.len; i++, depth++) {
                uint8_t nibble = i % 2 ? compact.at[i / 2] & 15 : compact.at[i / 2] >> 4;

                if (depth >= want.len || want.nibbles[depth] != nibble) return used == count && !value.len;
            }
            node = item[1];
            if (leaf) {
                struct rlp last = rlp_of(node);

                if (depth != want.len) return used == count && !value.len;
                return used == count && slice_eq(rlp_bytes(&last), value);
            }
        } else if (items == 17) {
            node = depth == want.len ? item[16] : item[want.nibbles[depth]];
            if (depth++ == want.len || (node.len == 1 && node.at[0] == 0x80)) {
                struct rlp last = rlp_of(node);

                return used == count && slice_eq(rlp_bytes(&last), value);
            }
        } else {
            return false;
        }
        stored = node.at[0] == 0xa0;
        if (stored) memcpy(&expected, node.at + 1, sizeof expected);
    }
}

#endif
