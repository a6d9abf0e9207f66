#include "eth/ordered_trie.h"

#include "base/test.h"
#include "codec/keccak.h"
#include "codec/rlp.h"

/* The item of an index: short ones make nodes that stand inside their parents, long ones go behind a hash. */
struct items {
    size_t len;
};

static void put_item(const void *items, size_t index, struct buf *out)
{
    size_t len = ((const struct items *)items)->len;

    for (size_t i = 0; i < len; i++) buf_put_byte(out, (uint8_t)(index >> (8 * (i % 2))));
}

/* The yellow paper's definition, word for word and without cleverness: a set of (nibbles, value), split by the next
 * nibble. */
enum { COUNT_MAX = 400, NIBBLES_MAX = 20 };

struct pair {
    uint8_t nibbles[NIBBLES_MAX];
    size_t nibble_count, index;
};

static void put_hex_prefix(const uint8_t *nibbles, size_t count, bool leaf, struct buf *out)
{
    uint8_t bytes[NIBBLES_MAX] = {0};
    size_t len = 0;

    bytes[len++] = (uint8_t)((leaf ? 2 : 0) * 16 + (count % 2 ? 16 + nibbles[0] : 0));
    for (size_t i = count % 2; i < count; i += 2) bytes[len++] = (uint8_t)(nibbles[i] * 16 + nibbles[i + 1]);
    rlp_put_bytes(out, slice_of(bytes, len));
}

static void put_node(const struct items *items, const struct pair *pairs, size_t count, size_t depth, struct buf *out);

static void put_reference(const struct items *items, const struct pair *pairs, size_t count, size_t depth,
                          struct buf *out)
{
    struct buf node;

    buf_init(&node, 0);
    put_node(items, pairs, count, depth, &node);
    if (node.len < 32) {
        buf_put(out, buf_peek(&node));
    } else {
        struct fan_hash hash = keccak256(buf_peek(&node));

        rlp_put_hash(out, &hash);
    }
    buf_fini(&node);
}

static void put_node(const struct items *items, const struct pair *pairs, size_t count, size_t depth, struct buf *out)
{
    size_t list = rlp_list_begin(out), same = depth;
    bool all_same = true;

    if (count == 1) {
        struct buf value;

        put_hex_prefix(pairs->nibbles + depth, pairs->nibble_count - depth, true, out);
        buf_init(&value, 0);
        put_item(items, pairs->index, &value);
        rlp_put_bytes(out, buf_peek(&value));
        buf_fini(&value);
        rlp_list_end(out, list);
        return;
    }
    while (all_same) {
        for (size_t i = 0; i < count; i++)
            if (same == pairs[i].nibble_count || pairs[i].nibbles[same] != pairs[0].nibbles[same]) all_same = false;
        if (all_same) same++;
    }
    if (same > depth) {
        put_hex_prefix(pairs->nibbles + depth, same - depth, false, out);
        put_reference(items, pairs, count, same, out);
        rlp_list_end(out, list);
        return;
    }
    for (uint8_t n = 0; n < 16; n++) {
        static struct pair chosen[8][COUNT_MAX]; /* one row for each depth */
        size_t taken = 0;

        for (size_t i = 0; i < count; i++)
            if (pairs[i].nibbles[depth] == n) chosen[depth][taken++] = pairs[i];
        if (taken)
            put_reference(items, chosen[depth], taken, depth + 1, out);
        else
            rlp_put_bytes(out, slice_of(NULL, 0));
    }
    rlp_put_bytes(out, slice_of(NULL, 0));
    rlp_list_end(out, list);
}

static struct fan_hash naive_root(const struct items *items, size_t count)
{
    static struct pair pairs[COUNT_MAX];
    struct fan_hash hash;
    struct buf node;

    for (size_t i = 0; i < count; i++) {
        struct buf key;

        buf_init(&key, 0);
        rlp_put_u64(&key, i);
        pairs[i] = (struct pair){.index = i};
        for (size_t k = 0; k < key.len; k++) {
            pairs[i].nibbles[pairs[i].nibble_count++] = key.at[k] >> 4;
            pairs[i].nibbles[pairs[i].nibble_count++] = key.at[k] & 15;
        }
        buf_fini(&key);
    }
    buf_init(&node, 0);
    put_node(items, pairs, count, 0, &node);
    hash = keccak256(buf_peek(&node));
    buf_fini(&node);
    return hash;
}

TEST(the_root_of_nothing_is_the_empty_trie_s, t)
{
    struct fan_hash root;

    CHECK_EQ(t, ordered_trie_root(NULL, 0, put_item, &root), FAN_OK);
    CHECK_SLICE(t, slice_of(root.bytes, 32), slice_of(KECCAK_EMPTY_TRIE.bytes, 32));
}

TEST(roots_equal_those_of_the_definition, t)
{
    static const size_t lens[] = {1, 2, 5, 25, 31, 32, 60, 300};
    static const size_t counts[] = {1,   2,   3,   15,  16,  17,  100, 127, 128, 129,
                                    130, 143, 144, 200, 255, 256, 257, 272, 399};

    for (size_t l = 0; l < COUNT_OF(lens); l++) {
        for (size_t c = 0; c < COUNT_OF(counts); c++) {
            struct items items = {lens[l]};
            struct fan_hash got, want = naive_root(&items, counts[c]);

            REQUIRE(t, !ordered_trie_root(&items, counts[c], put_item, &got));
            CHECK_SLICE(t, slice_of(got.bytes, 32), slice_of(want.bytes, 32));
        }
    }
}

static void put_too_much(const void *items, size_t index, struct buf *out)
{
    (void)items;
    (void)index;
    out->failed = FAN_ENOMEM; /* as a buffer that finds no memory says it */
}

TEST(a_failed_buffer_is_the_answer, t)
{
    struct fan_hash root;

    CHECK_EQ(t, ordered_trie_root(NULL, 3, put_too_much, &root), FAN_ENOMEM);
}
