#include "codec/keccak.h"
#include "local/trie_node.h"

#include "base/map.h"

const struct fan_hash TRIE_OWNER_ACCOUNTS;

/* A stored node that was read: what stood there, and the node made of it. */
struct loaded {
    struct slice rlp;
    struct trie_node *node;
    bool written; /* the new tree stores a node at this path too */
};

struct pending {
    struct pending *next;
    struct trie_change change;
};

/* A node whose parent waits for its reference. */
struct dirty {
    struct dirty *next; /* of the same depth */
    struct trie_link *link;
    struct trie_path path;
    struct slice rlp;
    struct fan_hash hash;
};

/* One trie_update() at work. */
struct work {
    const struct trie_reader *reader;
    struct trie_node_key key; /* the owner; the path of what is read next */
    struct arena *a;
    struct map loaded; /* trie_path → struct loaded */
    struct pending *changes;
    size_t change_count;
    struct trie_link root;
    struct slice old_root;                     /* as it was stored */
    struct dirty *level[TRIE_NIBBLES_MAX + 1]; /* by depth */
    /* the item being applied */
    uint8_t nibbles[TRIE_NIBBLES_MAX];
    size_t len;
    struct slice value;
    bool changed;
};

static struct slice rest_of_key(const struct work *w, size_t depth)
{
    return slice_of(w->nibbles + depth, w->len - depth);
}

static size_t common_prefix(struct slice a, struct slice b)
{
    size_t i = 0;

    while (i < a.len && i < b.len && a.at[i] == b.at[i]) i++;
    return i;
}

static bool leads_somewhere(const struct trie_link *l)
{
    return l->node || l->ref.len;
}

/* Decodes what the store has at w->key and remembers it. */
static enum fan_status keep(struct work *w, struct slice rlp, struct trie_node **out)
{
    struct loaded *rec;
    enum fan_status s = trie_node_decode(rlp, w->a, out);

    if (s) return s;
    rec = map_put(&w->loaded, &w->key.path, NULL);
    if (!rec) return FAN_ENOMEM;
    *rec = (struct loaded){.rlp = rlp, .node = *out};
    return FAN_OK;
}

/* Makes link->node, from the store or from the embedded RLP; the path is the first `depth` nibbles of w->nibbles. */
static enum fan_status load(struct work *w, struct trie_link *link, size_t depth)
{
    struct slice rlp;
    enum fan_status s;

    if (link->node) return FAN_OK;
    if (link->ref.len < TRIE_REF_LEN) return trie_node_decode(link->ref, w->a, &link->node);
    w->key.path = trie_path_of(w->nibbles, depth);
    s = w->reader->node(w->reader->ctx, &w->key, w->a, &rlp);
    if (s) return s;
    return rlp.len ? keep(w, rlp, &link->node) : FAN_EFORMAT;
}

/* Puts n (NULL: nothing) where `link` leads; whoever was there has left the tree. */
static void replace(struct work *w, struct trie_link *link, struct trie_node *n)
{
    if (link->node) link->node->dirty = true;
    *link = (struct trie_link){.node = n};
    w->changed = true;
}

static struct trie_node *new_leaf(struct work *w, struct slice key, struct slice value)
{
    struct trie_node *n = trie_node_new(TRIE_LEAF, w->a);
    struct slice kept = arena_dup(w->a, key); /* key may be w->nibbles, which changes */

    if (!n || !kept.at) return NULL;
    n->key = kept;
    n->value = value;
    return n;
}

/* An extension over `key` in front of child, or the child itself where the key is empty or the two can be one node. */
static struct trie_node *extend(struct work *w, struct slice key, struct trie_link child)
{
    bool joins = child.node && child.node->kind != TRIE_BRANCH;
    struct slice tail = joins ? child.node->key : slice_of(NULL, 0);
    struct trie_node *n;
    uint8_t *joined;

    assert(child.node);
    if (!key.len) return child.node;
    n = trie_node_new(joins ? child.node->kind : TRIE_EXTENSION, w->a);
    joined = arena_bytes(w->a, key.len + tail.len);
    if (!n || !joined) return NULL;
    memcpy(joined, key.at, key.len);
    if (tail.len) memcpy(joined + key.len, tail.at, tail.len);
    n->key = slice_of(joined, key.len + tail.len);
    if (!joins) {
        n->child[0] = child;
        return n;
    }
    child.node->dirty = true; /* taken up into n: it no longer stands where it stood */
    if (n->kind == TRIE_LEAF)
        n->value = child.node->value;
    else
        n->child[0] = child.node->child[0];
    return n;
}

/* ---- inserting ---- */

/* A leaf or an extension n stands where only its first `common` nibbles agree with ours: a branch comes in between. */
static enum fan_status split(struct work *w, struct trie_link *link, size_t depth, size_t common)
{
    struct trie_node *n = link->node, *branch = trie_node_new(TRIE_BRANCH, w->a), *top;
    struct slice ours = rest_of_key(w, depth);
    struct trie_link *side;

    if (!branch) return FAN_ENOMEM;
    if (common == n->key.len) { /* only a leaf: an extension that agrees wholly is walked through */
        branch->value = n->value;
    } else {
        struct slice rest = slice_from(n->key, common + 1);

        side = &branch->child[n->key.at[common]];
        if (n->kind == TRIE_LEAF) {
            side->node = new_leaf(w, rest, n->value);
        } else if (!rest.len) {
            *side = n->child[0];
        } else {
            side->node = trie_node_new(TRIE_EXTENSION, w->a);
            if (side->node) {
                side->node->key = rest;
                side->node->child[0] = n->child[0];
            }
        }
        if (!leads_somewhere(side)) return FAN_ENOMEM;
    }
    if (common == ours.len) {
        branch->value = w->value;
    } else {
        side = &branch->child[ours.at[common]];
        side->node = new_leaf(w, slice_from(ours, common + 1), w->value);
        if (!side->node) return FAN_ENOMEM;
    }
    top = extend(w, slice_first(ours, common), (struct trie_link){.node = branch});
    if (!top) return FAN_ENOMEM;
    replace(w, link, top);
    return FAN_OK;
}

static enum fan_status insert(struct work *w, struct trie_link *link, size_t depth)
{
    struct slice ours = rest_of_key(w, depth);
    struct trie_node *n;
    size_t common;
    enum fan_status s;

    if (!leads_somewhere(link)) {
        n = new_leaf(w, ours, w->value);
        if (!n) return FAN_ENOMEM;
        replace(w, link, n);
        return FAN_OK;
    }
    s = load(w, link, depth);
    if (s) return s;
    n = link->node;
    common = common_prefix(n->key, ours);
    if (n->kind != TRIE_BRANCH && (common < n->key.len || (n->kind == TRIE_LEAF && common < ours.len)))
        return split(w, link, depth, common);
    if (n->kind == TRIE_LEAF || (n->kind == TRIE_BRANCH && !ours.len)) {
        w->changed = !slice_eq(n->value, w->value);
        n->value = w->value;
    } else if (n->kind == TRIE_EXTENSION) {
        s = insert(w, &n->child[0], depth + common);
    } else {
        s = insert(w, &n->child[ours.at[0]], depth + 1);
    }
    if (s || !w->changed) return s;
    n->dirty = true;
    link->ref = slice_of(NULL, 0);
    return FAN_OK;
}

/* ---- deleting ---- */

/* A branch that lost something: with a single way left it is no branch any more. */
static enum fan_status collapse(struct work *w, struct trie_link *link, size_t depth)
{
    struct trie_node *n = link->node, *merged;
    uint8_t only = 0, saved;
    size_t ways = n->value.len ? 1 : 0;
    enum fan_status s;

    for (uint8_t i = 0; i < TRIE_BRANCH_WIDTH; i++) {
        if (!leads_somewhere(&n->child[i])) continue;
        ways++;
        only = i;
    }
    if (ways > 1) {
        n->dirty = true;
        link->ref = slice_of(NULL, 0);
        return FAN_OK;
    }
    if (!ways) {
        replace(w, link, NULL);
        return FAN_OK;
    }
    if (n->value.len) {
        merged = new_leaf(w, slice_of(NULL, 0), n->value);
    } else {
        if (depth >= TRIE_NIBBLES_MAX) return FAN_EFORMAT;
        saved = w->nibbles[depth];
        w->nibbles[depth] = only;
        s = load(w, &n->child[only], depth + 1);
        w->nibbles[depth] = saved;
        if (s) return s;
        merged = extend(w, slice_of(&only, 1), n->child[only]);
    }
    if (!merged) return FAN_ENOMEM;
    replace(w, link, merged);
    return FAN_OK;
}

static enum fan_status erase(struct work *w, struct trie_link *link, size_t depth)
{
    struct slice ours = rest_of_key(w, depth);
    struct trie_node *n, *merged;
    enum fan_status s;

    if (!leads_somewhere(link)) return FAN_OK;
    s = load(w, link, depth);
    if (s) return s;
    n = link->node;
    if (n->kind == TRIE_LEAF) {
        if (slice_eq(n->key, ours)) replace(w, link, NULL);
        return FAN_OK;
    }
    if (n->kind == TRIE_BRANCH) {
        if (ours.len) {
            s = erase(w, &n->child[ours.at[0]], depth + 1);
        } else {
            w->changed = n->value.len;
            n->value = slice_of(NULL, 0);
        }
        return s || !w->changed ? s : collapse(w, link, depth);
    }
    if (!slice_starts(ours, n->key)) return FAN_OK;
    s = erase(w, &n->child[0], depth + n->key.len);
    if (s || !w->changed) return s;
    if (!n->child[0].node) { /* only where the stored branch had a single way, which no trie has */
        replace(w, link, NULL);
        return FAN_OK;
    }
    merged = extend(w, n->key, n->child[0]);
    if (!merged) return FAN_ENOMEM;
    replace(w, link, merged);
    return FAN_OK;
}

/* ---- encoding what changed ---- */

static enum fan_status report(struct work *w, const struct trie_path *path, struct slice old_rlp, struct slice new_rlp)
{
    struct pending *p = ARENA_NEW(w->a, struct pending);

    if (!p) return FAN_ENOMEM;
    *p = (struct pending){w->changes, {*path, old_rlp, new_rlp}};
    w->changes = p;
    w->change_count++;
    return FAN_OK;
}

static enum fan_status report_stored(struct work *w, const struct trie_path *path, struct slice rlp)
{
    struct loaded *was = map_get(&w->loaded, path);

    if (was) was->written = true;
    if (was && slice_eq(was->rlp, rlp)) return FAN_OK;
    return report(w, path, was ? was->rlp : slice_of(NULL, 0), rlp);
}

/* Notes the dirty nodes from this link on, by depth. w->nibbles is the path, changed below `depth`. */
static enum fan_status note_dirty(struct work *w, struct trie_link *link, size_t depth)
{
    struct trie_node *n = link->node;
    struct dirty *d;
    enum fan_status s = FAN_OK;

    if (!n || !n->dirty) return FAN_OK;
    d = ARENA_NEW(w->a, struct dirty);
    if (!d) return FAN_ENOMEM;
    d->next = w->level[depth];
    d->link = link;
    d->path = trie_path_of(w->nibbles, depth);
    w->level[depth] = d;
    if (n->kind == TRIE_EXTENSION) {
        if (depth + n->key.len > TRIE_NIBBLES_MAX) return FAN_EFORMAT;
        memcpy(w->nibbles + depth, n->key.at, n->key.len);
        s = note_dirty(w, &n->child[0], depth + n->key.len);
    }
    for (uint8_t i = 0; n->kind == TRIE_BRANCH && i < TRIE_BRANCH_WIDTH && !s; i++) {
        if (!n->child[i].node) continue;
        if (depth >= TRIE_NIBBLES_MAX) return FAN_EFORMAT;
        w->nibbles[depth] = i;
        s = note_dirty(w, &n->child[i], depth + 1);
    }
    return s;
}

/* What waits to be hashed, of one level of all tries. */
struct hashing {
    struct slice rlp[32];
    struct fan_hash hash[32];
    struct dirty *of[32];
    size_t count;
};

static void hash_all(struct hashing *h)
{
    keccak256_many(h->rlp, h->count, h->hash);
    for (size_t i = 0; i < h->count; i++) {
        struct dirty *d = h->of[i];

        d->hash = h->hash[i];
        d->link->ref = slice_of(d->hash.bytes, sizeof d->hash.bytes);
    }
    h->count = 0;
}

/* Encodes the dirty nodes of one depth, whose children have their references: each gets its own, the long ones when
 * they are hashed. */
static enum fan_status encode_level(struct work *w, size_t depth, struct hashing *h)
{
    for (struct dirty *d = w->level[depth]; d; d = d->next) {
        enum fan_status s;

        d->rlp = trie_node_encode(d->link->node, w->a);
        if (!d->rlp.at) return FAN_ENOMEM;
        if (depth && d->rlp.len < TRIE_REF_LEN) {
            d->link->ref = d->rlp;
            continue;
        }
        s = report_stored(w, &d->path, d->rlp);
        if (s) return s;
        h->rlp[h->count] = d->rlp;
        h->of[h->count++] = d;
        if (h->count == COUNT_OF(h->rlp)) hash_all(h);
    }
    return FAN_OK;
}

/* Gives every dirty node of all tries its reference, deepest first. */
static enum fan_status seal(struct work *works, size_t count)
{
    struct hashing h = {.count = 0};
    enum fan_status s = FAN_OK;

    for (size_t i = 0; i < count && !s; i++) s = note_dirty(&works[i], &works[i].root, 0);
    for (size_t depth = TRIE_NIBBLES_MAX + 1; depth-- > 0 && !s;) {
        for (size_t i = 0; i < count && !s; i++) s = encode_level(&works[i], depth, &h);
        if (h.count) hash_all(&h);
    }
    return s;
}

/* Nodes that were read, left the tree, and have no successor at their path. */
static enum fan_status report_gone(struct work *w)
{
    const void *path;
    void *value;

    for (size_t at = 0; map_next(&w->loaded, &at, &path, &value);) {
        const struct loaded *l = value;
        enum fan_status s;

        if (l->written || !l->node->dirty) continue;
        s = report(w, path, l->rlp, slice_of(NULL, 0));
        if (s) return s;
    }
    return FAN_OK;
}

static enum fan_status finish(struct work *w, const struct fan_hash *root, struct trie_update *out)
{
    struct trie_change *changes = ARENA_ARRAY(w->a, w->change_count, struct trie_change);
    size_t count = 0;

    if (!changes) return FAN_ENOMEM;
    for (const struct pending *p = w->changes; p; p = p->next) changes[count++] = p->change;
    *out = (struct trie_update){.root = *root, .changes = changes, .change_count = count};
    return FAN_OK;
}

static enum fan_status load_root(struct work *w)
{
    enum fan_status s;

    w->key.path = trie_path_of(NULL, 0);
    s = w->reader->node(w->reader->ctx, &w->key, w->a, &w->old_root);
    return s || !w->old_root.len ? s : keep(w, w->old_root, &w->root.node);
}

/* Everything but the hashes. */
static enum fan_status apply(struct work *w, const struct trie_item *items, size_t count)
{
    enum fan_status s = load_root(w);

    for (size_t i = 0; i < count && !s; i++) {
        if (items[i].key.len > TRIE_NIBBLES_MAX / 2) return FAN_EINVAL;
        trie_nibbles_of(items[i].key, w->nibbles);
        w->len = 2 * items[i].key.len;
        w->value = items[i].value;
        w->changed = false;
        s = w->value.len ? insert(w, &w->root, 0) : erase(w, &w->root, 0);
    }
    return s;
}

static enum fan_status tell(struct work *w, struct trie_update *out)
{
    struct fan_hash hash = KECCAK_EMPTY_TRIE;
    enum fan_status s = report_gone(w);

    if (s) return s;
    if (w->root.node && w->root.ref.len)
        memcpy(hash.bytes, w->root.ref.at, sizeof hash.bytes);
    else if (w->root.node) /* nothing changed */
        hash = keccak256(w->old_root);
    return finish(w, &hash, out);
}

enum fan_status trie_update_all(const struct trie_reader *reader, struct trie_job *jobs, size_t count, struct arena *a)
{
    struct work *works = ARENA_ARRAY(a, count, struct work);
    enum fan_status s = FAN_OK;

    if (!works) return FAN_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        works[i].reader = reader;
        works[i].key.owner = jobs[i].owner;
        works[i].a = a;
        map_init(&works[i].loaded, sizeof(struct trie_path), sizeof(struct loaded));
    }
    for (size_t i = 0; i < count && !s; i++) s = apply(&works[i], jobs[i].items, jobs[i].count);
    if (!s) s = seal(works, count);
    for (size_t i = 0; i < count && !s; i++) s = tell(&works[i], &jobs[i].out);
    for (size_t i = 0; i < count; i++) map_fini(&works[i].loaded);
    return s;
}

enum fan_status trie_update(const struct trie_reader *reader, const struct fan_hash *owner,
                            const struct trie_item *items, size_t count, struct arena *a, struct trie_update *out)
{
    struct trie_job job = {.owner = *owner, .items = items, .count = count};
    enum fan_status s = trie_update_all(reader, &job, 1, a);

    if (!s) *out = job.out;
    return s;
}
