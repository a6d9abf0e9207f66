#include "local/mem_base_entry.h"

#include "base/test.h"

enum { NODE_LEN = 532, VERSIONS = 300 };

/* A node's whole history, kept beside the entry: what it must say. */
struct history {
    struct mem_node_entry node;
    size_t count; /* records pushed and not rewound */
    size_t first; /* the oldest that can be asked for */
    struct {
        uint64_t version;
        bool there;
        size_t len;
        uint8_t bytes[2 * NODE_LEN];
    } was[VERSIONS];
};

static uint64_t dice = 1;

static size_t roll(size_t below)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return (size_t)(dice % below);
}

static bool push(struct history *h, uint64_t version, const uint8_t *bytes, size_t len)
{
    struct state_blob *blob = bytes ? state_blob_new(slice_of(bytes, len)) : NULL;

    if (!mem_entry_reserve(&h->node.entry)) return false;
    mem_entry_push_blob(&h->node.entry, version, blob);
    state_blob_unref(blob);
    h->was[h->count].version = version;
    h->was[h->count].there = bytes != NULL;
    h->was[h->count].len = len;
    if (len) memcpy(h->was[h->count].bytes, bytes, len);
    h->count++;
    return true;
}

static void check(struct test *t, const struct history *h, uint64_t version, size_t index)
{
    struct arena_home home;
    struct arena a;
    struct slice out;

    arena_home_init(&home, 0);
    a = arena_of(&home);
    CHECK_EQ(t, mem_entry_blob_at(&h->node.entry, version, &a, &out), FAN_OK);
    if (h->was[index].there)
        CHECK_SLICE(t, out, slice_of(h->was[index].bytes, h->was[index].len));
    else
        CHECK(t, !out.at);
    arena_home_fini(&home);
}

static void check_all(struct test *t, const struct history *h)
{
    for (size_t i = h->first; i < h->count; i++) {
        check(t, h, h->was[i].version, i);
        check(t, h, h->was[i].version + 1, i); /* until the next one; the versions are even */
    }
}

static size_t bytes_of(const struct history *h)
{
    size_t sum = 0;

    for (size_t i = 0; i < h->node.entry.count; i++) {
        const struct mem_blob_record *r = (const struct mem_blob_record *)(const void *)h->node.entry.records + i;

        sum += sizeof *r + (r->blob ? sizeof *r->blob + r->blob->len : 0);
    }
    return sum;
}

/* What a branch of a trie sees most: one of its sixteen hashes is new. */
TEST(a_branch_of_which_one_child_changes_costs_a_fraction_of_itself, t)
{
    static struct history h;
    uint8_t node[NODE_LEN];

    h = (struct history){.node.entry.kind = MEM_NODE};
    for (size_t i = 0; i < sizeof node; i++) node[i] = (uint8_t)roll(256);
    for (size_t i = 0; i < VERSIONS; i++) {
        for (size_t k = 0, child = roll(16); k < 32; k++) node[3 + 33 * child + k] = (uint8_t)roll(256);
        REQUIRE(t, push(&h, 2 * i + 2, node, sizeof node));
    }
    check_all(t, &h);
    CHECK(t, bytes_of(&h) / VERSIONS <= 112); /* whole ones: 564 */
    mem_entry_cut(&h.node.entry, 0, h.node.entry.count);
    free(h.node.entry.records);
}

/* Property: whatever a node became, and whatever was forgotten at either end, each version that is still kept reads as
 * it was written. */
TEST(every_version_reads_as_it_was_through_pruning_and_rewinding, t)
{
    static struct history h;

    for (unsigned run = 0; run < 200; run++) {
        uint8_t node[2 * NODE_LEN] = {0};
        size_t len = 0;
        uint64_t version = 0;

        h = (struct history){.node.entry.kind = MEM_NODE};
        dice = 0x9e3779b97f4a7c15u * (run + 1);
        for (size_t i = 0; i < VERSIONS / 2; i++) {
            size_t what = roll(20);

            if (what == 0 || len == 0) { /* another node altogether */
                len = 1 + roll(sizeof node - 1);
                for (size_t k = 0; k < len; k++) node[k] = (uint8_t)roll(4);
            } else if (what == 1) { /* longer or shorter, at any place */
                size_t at = roll(len), left = 1 + at + roll(len - at);

                memmove(node + at, node + at + (left - at) / 2, len - at - (left - at) / 2);
                len -= (left - at) / 2;
            } else if (what == 2 && len + 32 <= sizeof node) {
                size_t at = roll(len);

                memmove(node + at + 32, node + at, len - at);
                len += 32;
            } else if (what > 3) {
                for (size_t k = 0, at = roll(len); k < 32 && at + k < len; k++) node[at + k] = (uint8_t)roll(256);
            } /* else as it was */
            version += 2;
            REQUIRE(t, push(&h, version, what == 3 ? NULL : node, what == 3 ? 0 : len));
            if (roll(25) == 0) { /* rewound by a few */
                size_t back = roll(h.count - h.first);

                for (; back; back--, h.count--) mem_entry_cut(&h.node.entry, h.node.entry.count - 1, 1);
                version = h.was[h.count - 1].version;
            }
            if (roll(25) == 0) { /* pruned, as the base does it: up to a version that stays */
                size_t older = 0;

                h.first += roll(h.count - h.first);
                while (mem_entry_version(&h.node.entry, older) < h.was[h.first].version) older++;
                mem_entry_cut(&h.node.entry, 0, older);
                CHECK(t, h.node.entry.count <= h.count - h.first + MEM_DELTAS_MAX);
            }
        }
        check_all(t, &h);
        mem_entry_cut(&h.node.entry, 0, h.node.entry.count);
        free(h.node.entry.records);
    }
}
