/* trie_prove: reading along one key, and reading everything: the operations that change no node. */
#include "codec/keccak.h"
#include "local/trie_node.h"

struct node_list {
    struct slice nodes[TRIE_NIBBLES_MAX + 1]; /* every step takes a nibble */
    size_t count;
};

/* The node behind a reference; a stored one joins the list. */
static enum fan_status follow(const struct trie_reader *reader, struct trie_node_key *key, struct slice ref,
                              struct arena *a, struct node_list *list, struct trie_node **out)
{
    enum fan_status s;

    if (ref.len == TRIE_REF_LEN) {
        s = reader->node(reader->ctx, key, a, &ref);
        if (s) return s;
        if (!ref.len || list->count == COUNT_OF(list->nodes)) return FAN_EFORMAT;
        list->nodes[list->count++] = ref;
    }
    return trie_node_decode(ref, a, out);
}

/* One step from n towards the rest of a key: the child's reference and how many nibbles lead to it. False where n has
 * the last word, which is the value, if the key ends there. */
static bool step(const struct trie_node *n, struct slice rest, struct slice *out_ref, size_t *out_nibbles,
                 struct slice *out_value)
{
    if (n->kind == TRIE_EXTENSION && slice_starts(rest, n->key)) {
        *out_ref = n->child[0].ref;
        *out_nibbles = n->key.len;
        return true;
    }
    if (n->kind == TRIE_BRANCH && rest.len) {
        *out_ref = n->child[rest.at[0]].ref;
        *out_nibbles = 1;
        return out_ref->len;
    }
    if (n->kind != TRIE_EXTENSION && slice_eq(rest, n->key)) *out_value = n->value; /* a branch's key is empty */
    return false;
}

enum fan_status trie_prove(const struct trie_reader *reader, const struct fan_hash *owner, struct slice key,
                           struct arena *a, struct trie_proof *out)
{
    struct trie_node_key at = {.owner = *owner};
    struct node_list list = {.count = 0};
    uint8_t nibbles[TRIE_NIBBLES_MAX];
    size_t depth = 0, len = 2 * key.len, taken;
    struct slice value = {0}, ref, *nodes;
    struct trie_node *n = NULL;
    enum fan_status s;

    if (key.len > TRIE_NIBBLES_MAX / 2) return FAN_EINVAL;
    trie_nibbles_of(key, nibbles);
    s = reader->node(reader->ctx, &at, a, &ref);
    if (!s && ref.len) {
        list.nodes[list.count++] = ref;
        s = trie_node_decode(ref, a, &n);
    }
    while (!s && n && step(n, slice_of(nibbles + depth, len - depth), &ref, &taken, &value)) {
        depth += taken;
        at.path = trie_path_of(nibbles, depth);
        s = follow(reader, &at, ref, a, &list, &n);
    }
    if (s) return s;
    nodes = ARENA_ARRAY(a, list.count, struct slice);
    if (!nodes) return FAN_ENOMEM;
    if (list.count) memcpy(nodes, list.nodes, list.count * sizeof *nodes);
    *out = (struct trie_proof){.nodes = nodes, .count = list.count, .value = value};
    return FAN_OK;
}

/* ---- wiping ---- */

struct wiped {
    struct wiped *next;
    struct trie_change change;
};

struct wipe {
    const struct trie_reader *reader;
    struct trie_node_key key;
    struct arena *a;
    uint8_t nibbles[TRIE_NIBBLES_MAX];
    struct wiped *list;
    size_t count;
};

/* The node at the first `depth` nibbles and all stored ones below. Embedded nodes hold no hash, so nothing stored hangs
 * below them. */
static enum fan_status wipe_node(struct wipe *w, size_t depth, bool must_exist)
{
    struct trie_node *n;
    struct wiped *gone;
    struct slice rlp;
    enum fan_status s;

    w->key.path = trie_path_of(w->nibbles, depth);
    s = w->reader->node(w->reader->ctx, &w->key, w->a, &rlp);
    if (s) return s;
    if (!rlp.len) return must_exist ? FAN_EFORMAT : FAN_OK;
    gone = ARENA_NEW(w->a, struct wiped);
    if (!gone) return FAN_ENOMEM;
    *gone = (struct wiped){w->list, {.path = w->key.path, .old_rlp = rlp}};
    w->list = gone;
    w->count++;
    s = trie_node_decode(rlp, w->a, &n);
    if (s || n->kind == TRIE_LEAF) return s;
    if (n->kind == TRIE_EXTENSION) {
        if (depth + n->key.len > TRIE_NIBBLES_MAX) return FAN_EFORMAT;
        memcpy(w->nibbles + depth, n->key.at, n->key.len);
        return n->child[0].ref.len == TRIE_REF_LEN ? wipe_node(w, depth + n->key.len, true) : FAN_OK;
    }
    for (uint8_t i = 0; i < TRIE_BRANCH_WIDTH && !s; i++) {
        if (n->child[i].ref.len != TRIE_REF_LEN) continue;
        if (depth >= TRIE_NIBBLES_MAX) return FAN_EFORMAT;
        w->nibbles[depth] = i;
        s = wipe_node(w, depth + 1, true);
    }
    return s;
}

enum fan_status trie_wipe(const struct trie_reader *reader, const struct fan_hash *owner, struct arena *a,
                          struct trie_update *out)
{
    struct wipe w = {.reader = reader, .key.owner = *owner, .a = a};
    struct trie_change *changes;
    size_t count = 0;
    enum fan_status s = wipe_node(&w, 0, false);

    if (s) return s;
    changes = ARENA_ARRAY(a, w.count, struct trie_change);
    if (!changes) return FAN_ENOMEM;
    for (const struct wiped *g = w.list; g; g = g->next) changes[count++] = g->change;
    *out = (struct trie_update){.root = KECCAK_EMPTY_TRIE, .changes = changes, .change_count = count};
    return FAN_OK;
}
