#include "local/trie.h"

#include "base/test.h"
#include "local/trie_model.h"

/* ---- a store in a map, changed only by what trie_update() reports ---- */

struct shelf {
    struct map nodes; /* trie_node_key → struct slice, malloc'ed */
    struct arena_home home;
    struct fan_hash owner, root;
    size_t reads;
};

static enum fan_status shelf_read(void *ctx, const struct trie_node_key *key, struct arena *a, struct slice *out)
{
    struct shelf *s = ctx;
    const struct slice *there = map_get(&s->nodes, key);

    s->reads++;
    *out = there ? arena_dup(a, *there) : slice_of(NULL, 0);
    return FAN_OK;
}

static void shelf_init(struct shelf *s)
{
    *s = (struct shelf){.owner = TRIE_OWNER_ACCOUNTS, .root = KECCAK_EMPTY_TRIE};
    map_init(&s->nodes, sizeof(struct trie_node_key), sizeof(struct slice));
    arena_home_init(&s->home, 0);
}

static void shelf_fini(struct shelf *s)
{
    void *value;

    for (size_t at = 0; map_next(&s->nodes, &at, NULL, &value);) free((void *)((struct slice *)value)->at);
    map_fini(&s->nodes);
    arena_home_fini(&s->home);
}

static void shelf_store(struct test *t, struct shelf *s, const struct trie_update *u)
{
    for (size_t i = 0; i < u->change_count; i++) {
        const struct trie_change *c = &u->changes[i];
        struct trie_node_key key = {.owner = s->owner, .path = c->path};
        struct slice *there = map_get(&s->nodes, &key);
        uint8_t *copy;

        CHECK_SLICE(t, c->old_rlp, there ? *there : slice_of(NULL, 0));
        CHECK(t, !slice_eq(c->old_rlp, c->new_rlp));
        if (there) free((void *)there->at);
        if (!c->new_rlp.len) {
            CHECK(t, map_delete(&s->nodes, &key));
            continue;
        }
        copy = malloc(c->new_rlp.len);
        assert(copy);
        memcpy(copy, c->new_rlp.at, c->new_rlp.len);
        *(struct slice *)map_put(&s->nodes, &key, NULL) = slice_of(copy, c->new_rlp.len);
    }
    s->root = u->root;
}

static enum fan_status shelf_update(struct test *t, struct shelf *s, const struct trie_item *items, size_t count)
{
    struct trie_reader reader = {s, shelf_read};
    struct arena a = arena_of(&s->home);
    struct trie_update u = {0};
    enum fan_status status = trie_update(&reader, &s->owner, items, count, &a, &u);

    if (!status) shelf_store(t, s, &u);
    arena_home_reset(&s->home);
    return status;
}

/* ---- the published vectors: ethereum/tests, TrieTests ---- */

struct vector {
    const char *name, *root, *secure_root;
    const char *items[128]; /* key, value, …; "0x…" is hex, a NULL value deletes; ends with a NULL key */
};

static const char gone[] = ""; /* deletes */

static const struct vector vectors[] = {
    {"singleItem",
     "d23786fb4a010da3ce639d66d5e904a11dbc02746d1ce25029e53290cabf28ab",
     "e9e2935138352776cad724d31c9fa5266a5c593bb97726dd2a908fe6d53284df",
     {"A", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}},
    {"dogs",
     "8aad789dff2f538bca5d8ea56e8abe10f4c7ba3a5dea95fea4cd6e7c3a1168d3",
     "d4cd937e4a4368d7931a9cf51686b7e10abb3dce38a39000fd7902a092b64585",
     {"doe", "reindeer", "dog", "puppy", "dogglesworth", "cat"}},
    {"puppy",
     "5991bb8c6514148a29db676a14ac506cd2cd5775ace63c30a4fe457715e9ac84",
     "29b235a58c3c25ab83010c327d5932bcf05324b7d6b1185e650798034783ca9d",
     {"do", "verb", "horse", "stallion", "doge", "coin", "dog", "puppy"}},
    {"foo", "17beaa1648bafa633cda809c90c04af50fc8aed3cb40d16efbddee6fdf63c4c3", NULL, {"foo", "bar", "food", "bass"}},
    {"smallValues",
     "3f67c7a47520f79faa29255d2d3c084a7a6df0453116ed7232ff10277a8be68b",
     "826a4f9f9054a3e980e54b20da992c24fa20467f1ca635115ef4917be66e746f",
     {"be", "e", "dog", "puppy", "bed", "d"}},
    {"testy",
     "8452568af70d8d140f58d941338542f645fcca50094b20f3c3d8c3df49337928",
     "aea54fb6c80499674248a462864c420c9d9f3b3d38c879c12425bade1ad76552",
     {"test", "test", "te", "testy"}},
    {"hex",
     "285505fcabe84badc8aa310e2aae17eddc7d120aabec8a476902c8184b3a3503",
     NULL,
     {"0x0045", "0x0123456789", "0x4500", "0x9876543210"}},
    {"emptyValues",
     "5991bb8c6514148a29db676a14ac506cd2cd5775ace63c30a4fe457715e9ac84",
     "29b235a58c3c25ab83010c327d5932bcf05324b7d6b1185e650798034783ca9d",
     {"do", "verb", "ether", "wookiedoo", "horse", "stallion", "shaman", "horse", "doge", "coin", "ether", gone, "dog",
      "puppy", "shaman", gone}},
    {"jeff",
     "9f6221ebb8efe7cff60a716ecb886e67dd042014be444669f0159d8e68b42100",
     NULL,
     {"0x0000000000000000000000000000000000000000000000000000000000000045",
      "0x22b224a1420a802ab51d326e29fa98e34c4f24ea",
      "0x0000000000000000000000000000000000000000000000000000000000000046",
      "0x67706c2076330000000000000000000000000000000000000000000000000000",
      "0x0000000000000000000000000000000000000000000000000000001234567890",
      "0x697c7b8c961b56f675d570498424ac8de1a918f6",
      "0x000000000000000000000000697c7b8c961b56f675d570498424ac8de1a918f6",
      "0x1234567890",
      "0x0000000000000000000000007ef9e639e2733cb34e4dfc576d4b23f72db776b2",
      "0x4655474156000000000000000000000000000000000000000000000000000000",
      "0x000000000000000000000000ec4f34c97e43fbb2816cfd95e388353c7181dab1",
      "0x4e616d6552656700000000000000000000000000000000000000000000000000",
      "0x4655474156000000000000000000000000000000000000000000000000000000",
      "0x7ef9e639e2733cb34e4dfc576d4b23f72db776b2",
      "0x4e616d6552656700000000000000000000000000000000000000000000000000",
      "0xec4f34c97e43fbb2816cfd95e388353c7181dab1",
      "0x0000000000000000000000000000000000000000000000000000001234567890",
      gone,
      "0x000000000000000000000000697c7b8c961b56f675d570498424ac8de1a918f6",
      "0x6f6f6f6820736f2067726561742c207265616c6c6c793f000000000000000000",
      "0x6f6f6f6820736f2067726561742c207265616c6c6c793f000000000000000000",
      "0x697c7b8c961b56f675d570498424ac8de1a918f6"}},
    {"insert-middle-leaf",
     "cb65032e2f76c48b82b5c24b3db8f670ce73982869d38cd39a624f23d62a9e89",
     NULL,
     {"key1aa", "0123456789012345678901234567890123456789xxx", "key1",
      "0123456789012345678901234567890123456789Very_Long", "key2bb", "aval3", "key2", "short", "key3cc", "aval3",
      "key3", "1234567890123456789012345678901"}},
    {"branch-value-update",
     "7a320748f780ad9ad5b0837302075ce0eeba6c26e3d8562c67ccc0f1b273298a",
     NULL,
     {"abc", "123", "abcd", "abcd", "abc", "abc"}},
    {"hex_encoded_securetrie test1",
     NULL,
     "730a444e08ab4b8dee147c9b232fc52d34a223d600031c1e9d25bfc985cbd797",
     {"0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b",
      "0xf848018405f446a7a056e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421a0"
      "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
      "0x095e7baea6a6c7c4c2dfeb977efac326af552d87",
      "0xf8440101a056e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421a0"
      "04bccc5d94f4d1f99aab44369a910179931772f2a5c001c3229f57831c102769",
      "0xd2571607e241ecf590ed94b12d87c94babe36db6",
      "0xf8440180a0ba4b47865c55a341a4a78759bb913cd15c3ee8eaf30a62fa8d1c8863113d84e8a0"
      "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
      "0x62c01474f089b07dae603491675dc5b5748f7049",
      "0xf8448080a056e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421a0"
      "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
      "0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba",
      "0xf8478083019a59a056e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421a0"
      "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"}},
};

/* branchingTests: all of them go in and all come out again, which leaves the empty trie. */
static const char *const branching[] = {
    "04110d816c380812a427968ece99b1c963dfbce6", "095e7baea6a6c7c4c2dfeb977efac326af552d87",
    "0a517d755cebbf66312b30fff713666a9cb917e0", "24dd378f51adc67a50e339e8031fe9bd4aafab36",
    "293f982d000532a7861ab122bdc4bbfd26bf9030", "2cf5732f017b0cf1b1f13a1478e10239716bf6b5",
    "31c640b92c21a1f1465c91070b4b3b4d6854195f", "37f998764813b136ddf5a754f34063fd03065e36",
    "37fa399a749c121f8a15ce77e3d9f9bec8020d7a", "4f36659fa632310b6ec438dea4085b522a2dd077",
    "62c01474f089b07dae603491675dc5b5748f7049", "729af7294be595a0efd7d891c9e51f89c07950c7",
    "83e3e5a16d3b696a0314b30b2534804dd5e11197", "8703df2417e0d7c59d063caa9583cb10a4d20532",
    "8dffcd74e5b5923512916c6a64b502689cfa65e1", "95a4d7cccb5204733874fa87285a176fe1e9e240",
    "99b2fcba8120bedd048fe79f5262a6690ed38c39", "a4202b8b8afd5354e3e40a219bdc17f6001bf2cf",
    "a94f5374fce5edbc8e2a8697c15331677e6ebf0b", "a9647f4a0a14042d91dc33c0328030a7157c93ae",
    "aa6cffe5185732689c18f37a7f86170cb7304c2a", "aae4a2e3c51c04606dcb3723456e58f3ed214f45",
    "c37a43e940dfb5baf581a0b82b351d48305fc885", "d2571607e241ecf590ed94b12d87c94babe36db6",
    "f735071cbee190d76b704ce68384fc21e389fbe7"};

static struct slice vector_bytes(const char *text)
{
    return text[0] == '0' && text[1] == 'x' ? test_hex(text) : slice_str(text);
}

static size_t vector_items(const struct vector *v, bool secure, struct fan_hash hashes[64], struct trie_item items[64])
{
    size_t count = 0;

    for (; v->items[2 * count]; count++) {
        struct slice key = vector_bytes(v->items[2 * count]);

        hashes[count] = keccak256(key);
        items[count].key = secure ? slice_of(&hashes[count], sizeof hashes[count]) : key;
        items[count].value = vector_bytes(v->items[2 * count + 1]);
    }
    return count;
}

/* In one batch, one by one, and, where no key comes twice, backwards: the root is the published one. */
static void check_vector(struct test *t, const struct vector *v, bool secure)
{
    const char *root = secure ? v->secure_root : v->root;
    struct fan_hash hashes[64];
    struct trie_item items[64];
    size_t count = vector_items(v, secure, hashes, items);
    bool twice = false;

    if (!root) return;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++) twice |= slice_eq(items[i].key, items[j].key);
    for (int way = 0; way < (twice ? 2 : 3); way++) {
        struct shelf s;

        shelf_init(&s);
        if (way == 0) CHECK_EQ(t, shelf_update(t, &s, items, count), FAN_OK);
        for (size_t i = 0; way && i < count; i++)
            CHECK_EQ(t, shelf_update(t, &s, &items[way == 1 ? i : count - 1 - i], 1), FAN_OK);
        if (!slice_eq(slice_of(&s.root, 32), test_hex(root)))
            test_fail(t, __FILE__, __LINE__, "%s%s, way %d", v->name, secure ? ", secure" : "", way);
        shelf_fini(&s);
    }
}

TEST(published_vectors, t)
{
    for (size_t i = 0; i < COUNT_OF(vectors); i++) check_vector(t, &vectors[i], false);
}

TEST(published_vectors_with_hashed_keys, t)
{
    for (size_t i = 0; i < COUNT_OF(vectors); i++) check_vector(t, &vectors[i], true);
}

TEST(an_empty_trie_has_the_known_root, t)
{
    struct shelf s;

    shelf_init(&s);
    CHECK_EQ(t, shelf_update(t, &s, NULL, 0), FAN_OK);
    CHECK_SLICE(t, slice_of(&s.root, 32), test_hex("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"));
    shelf_fini(&s);
}

TEST(what_all_comes_out_again_leaves_nothing, t)
{
    struct shelf s;

    shelf_init(&s);
    for (int out = 0; out < 2; out++) {
        for (size_t i = 0; i < COUNT_OF(branching); i++) {
            struct trie_item item = {test_hex(branching[i]), out ? slice_of(NULL, 0) : SLICE("something")};

            CHECK_EQ(t, shelf_update(t, &s, &item, 1), FAN_OK);
        }
        CHECK_EQ(t, s.nodes.count > 0, !out);
    }
    CHECK_SLICE(t, slice_of(&s.root, 32), slice_of(&KECCAK_EMPTY_TRIE, 32));
    shelf_fini(&s);
}

/* ---- property: any batches in any order give what the list of the survivors gives from scratch ---- */

static uint64_t rng_state;

static uint64_t rng(void) /* xorshift64*: the same run for the same seed */
{
    rng_state ^= rng_state >> 12;
    rng_state ^= rng_state << 25;
    rng_state ^= rng_state >> 27;
    return rng_state * 0x2545f4914f6cdd1du;
}

/* Keys that collide: either short over few bytes, so that many are prefixes of others, or 32 bytes that part late. */
static struct slice random_key(bool fixed, uint8_t out[32])
{
    static const uint8_t letters[] = {0x00, 0x01, 0x10, 0x11, 0xff};
    size_t len = fixed ? 32 : rng() % 5;

    if (fixed) memset(out, 0x77, 32);
    for (size_t i = 0; i < (fixed ? 4 : len); i++)
        out[fixed ? (i < 2 ? i : 24 + 2 * i) : i] = letters[rng() % COUNT_OF(letters)];
    return slice_of(out, len);
}

static struct slice random_value(uint8_t out[80])
{
    size_t len = rng() % 3 ? 1 + rng() % 6 : 1 + rng() % 80;

    for (size_t i = 0; i < len; i++) out[i] = (uint8_t)rng();
    return slice_of(out, len);
}

struct model_key {
    uint8_t len, bytes[32];
};

struct model_value {
    uint8_t len, bytes[80];
};

static struct model_key model_key_of(struct slice key)
{
    struct model_key k = {.len = (uint8_t)key.len};

    if (key.len) memcpy(k.bytes, key.at, key.len);
    return k;
}

static void check_against_model(struct test *t, struct shelf *s, const struct map *all)
{
    struct model_item *items = calloc(all->count + 1, sizeof *items);
    struct arena_home home;
    struct arena a;
    struct map stored;
    struct fan_hash root;
    const void *key;
    void *value;
    size_t count = 0;

    assert(items);
    arena_home_init(&home, 0);
    a = arena_of(&home);
    map_init(&stored, sizeof(struct trie_path), sizeof(struct slice));
    for (size_t at = 0; map_next(all, &at, &key, &value);) {
        const struct model_key *k = key;
        const struct model_value *v = value;

        items[count++] = model_item_of(slice_of(k->bytes, k->len), slice_of(v->bytes, v->len));
    }
    root = model_root(items, count, &a, &stored);
    CHECK_SLICE(t, slice_of(&s->root, 32), slice_of(&root, 32));
    CHECK_EQ(t, s->nodes.count, stored.count);
    for (size_t at = 0; map_next(&stored, &at, &key, &value);) {
        struct trie_node_key where = {.owner = s->owner, .path = *(const struct trie_path *)key};
        const struct slice *there = map_get(&s->nodes, &where);

        CHECK(t, there && slice_eq(*there, *(struct slice *)value));
    }
    map_fini(&stored);
    arena_home_fini(&home);
    free(items);
}

static void check_proof(struct test *t, struct shelf *s, const struct map *all, struct slice key)
{
    struct trie_reader reader = {s, shelf_read};
    struct model_key k = model_key_of(key);
    const struct model_value *v = map_get(all, &k);
    struct slice value = v ? slice_of(v->bytes, v->len) : slice_of(NULL, 0);
    struct arena a = arena_of(&s->home);
    struct trie_proof p = {0};

    CHECK_EQ(t, trie_prove(&reader, &s->owner, key, &a, &p), FAN_OK);
    CHECK_SLICE(t, p.value, value);
    CHECK(t, model_proof_holds(&s->root, key, p.nodes, p.count, value));
    CHECK(t, !model_proof_holds(&s->root, key, p.nodes, p.count, SLICE("another value")));
    arena_home_reset(&s->home);
}

/* The empty update list, and updates that change nothing, report nothing. */
static void check_still(struct test *t, struct shelf *s, const struct map *all)
{
    struct trie_reader reader = {s, shelf_read};
    struct arena a = arena_of(&s->home);
    struct trie_update u = {0};
    struct trie_item same[8];
    const void *key;
    void *value;
    size_t count = 0;

    for (size_t at = 0; count < COUNT_OF(same) && map_next(all, &at, &key, &value); count++) {
        const struct model_key *k = key;
        const struct model_value *v = value;

        same[count] = (struct trie_item){slice_of(k->bytes, k->len), slice_of(v->bytes, v->len)};
    }
    CHECK_EQ(t, trie_update(&reader, &s->owner, same, count, &a, &u), FAN_OK);
    CHECK_EQ(t, u.change_count, 0);
    CHECK_SLICE(t, slice_of(&u.root, 32), slice_of(&s->root, 32));
    arena_home_reset(&s->home);
}

static void run_property(struct test *t, bool fixed, uint64_t seed, size_t batches)
{
    struct shelf s;
    struct map all;

    rng_state = seed;
    shelf_init(&s);
    memset(&s.owner, fixed ? 0x33 : 0, sizeof s.owner);
    map_init(&all, sizeof(struct model_key), sizeof(struct model_value));
    for (size_t batch = 0; batch < batches && !t->failed; batch++) {
        struct trie_item items[24];
        uint8_t keys[24][32], values[24][80];
        size_t count = rng() % 24;
        bool shrinking = rng() % 3 == 0;

        for (size_t i = 0; i < count; i++) {
            struct model_key k;

            items[i].key = random_key(fixed, keys[i]);
            items[i].value = random_value(values[i]);
            if (rng() % 4 < (shrinking ? 3 : 1)) items[i].value.len = 0;
            k = model_key_of(items[i].key);
            if (items[i].value.len) {
                struct model_value *v = map_put(&all, &k, NULL);

                v->len = (uint8_t)items[i].value.len;
                memcpy(v->bytes, items[i].value.at, v->len);
            } else {
                (void)map_delete(&all, &k);
            }
        }
        CHECK_EQ(t, shelf_update(t, &s, items, count), FAN_OK);
        check_against_model(t, &s, &all);
        check_still(t, &s, &all);
        for (int i = 0; i < 3; i++) {
            uint8_t key[32];

            check_proof(t, &s, &all, random_key(fixed, key));
        }
        if (t->failed) test_fail(t, __FILE__, __LINE__, "seed %" PRIu64 ", batch %zu", seed, batch);
    }
    map_fini(&all);
    shelf_fini(&s);
}

TEST(random_batches_of_prefix_keys_match_the_model, t)
{
    for (uint64_t seed = 1; seed <= 12 && !t->failed; seed++) run_property(t, false, seed, 200);
}

TEST(random_batches_of_long_keys_match_the_model, t)
{
    for (uint64_t seed = 101; seed <= 112 && !t->failed; seed++) run_property(t, true, seed, 200);
}

TEST(wiping_removes_every_node_of_its_owner_and_no_other, t)
{
    struct shelf s;
    struct trie_reader reader = {&s, shelf_read};
    size_t others;

    shelf_init(&s);
    for (uint8_t owner = 0; owner < 2; owner++) {
        memset(&s.owner, owner + 1, sizeof s.owner);
        for (uint8_t i = 0; i < 200; i++) {
            struct fan_hash key = keccak256(slice_of(&i, 1));
            struct trie_item item = {slice_of(&key, 32), slice_of(&i, 1)};

            item.value = i % 3 ? slice_of(&key, 32) : SLICE("x");
            CHECK_EQ(t, shelf_update(t, &s, &item, 1), FAN_OK);
        }
    }
    others = s.nodes.count / 2;
    struct arena a = arena_of(&s.home);
    struct trie_update u;
    REQUIRE(t, trie_wipe(&reader, &s.owner, &a, &u) == FAN_OK);
    shelf_store(t, &s, &u);
    CHECK_EQ(t, u.change_count, others);
    CHECK_EQ(t, s.nodes.count, others);
    CHECK_SLICE(t, slice_of(&u.root, 32), slice_of(&KECCAK_EMPTY_TRIE, 32));
    REQUIRE(t, trie_wipe(&reader, &s.owner, &a, &u) == FAN_OK);
    CHECK_EQ(t, u.change_count, 0);
    shelf_fini(&s);
}

/* The cost of one update is its path, however large the trie. */
TEST(an_update_reads_only_its_path, t)
{
    struct shelf s;

    shelf_init(&s);
    for (uint32_t i = 0; i < 3000; i++) {
        struct fan_hash key = keccak256(slice_of(&i, sizeof i));
        struct trie_item item = {slice_of(&key, 32), slice_of(&key, 32)};

        s.reads = 0;
        CHECK_EQ(t, shelf_update(t, &s, &item, 1), FAN_OK);
        CHECK(t, s.reads <= 8);
    }
    shelf_fini(&s);
}

/* A store gone bad is an error, not a crash: every stored byte in turn is changed, and every node in turn missing. */
TEST(damaged_nodes_end_in_a_status, t)
{
    struct shelf s;
    struct trie_reader reader = {&s, shelf_read};
    uint32_t last = 11;
    struct fan_hash key = keccak256(slice_of(&last, sizeof last));
    const struct trie_item gone_item = {slice_of(&key, 32), slice_of(NULL, 0)};
    void *value;
    size_t refused = 0;

    shelf_init(&s);
    for (uint32_t i = 0; i < 24; i++) {
        struct fan_hash k = keccak256(slice_of(&i, sizeof i));
        struct trie_item item = {slice_of(&k, 32), i % 2 ? SLICE("x") : slice_of(&k, 32)};

        CHECK_EQ(t, shelf_update(t, &s, &item, 1), FAN_OK);
    }
    for (size_t at = 0; map_next(&s.nodes, &at, NULL, &value);) {
        struct slice *node = value, whole = *node;

        for (size_t i = 0; i <= whole.len; i++) {
            struct arena a = arena_of(&s.home);
            struct trie_update u;
            struct trie_proof p;
            uint8_t *byte = (uint8_t *)whole.at + i, saved = 0;

            if (i < whole.len) {
                saved = *byte;
                *byte = (uint8_t)(saved ^ (1u << i % 8));
            } else {
                node->len = 0;
            }
            refused += trie_update(&reader, &s.owner, &gone_item, 1, &a, &u) == FAN_EFORMAT;
            refused += trie_prove(&reader, &s.owner, slice_of(&key, 32), &a, &p) == FAN_EFORMAT;
            refused += trie_wipe(&reader, &s.owner, &a, &u) == FAN_EFORMAT;
            if (i < whole.len) *byte = saved;
            *node = whole;
            arena_home_reset(&s.home);
        }
    }
    CHECK(t, refused > 100);
    shelf_fini(&s);
}

TEST(a_key_too_long_is_refused, t)
{
    static const uint8_t key[33] = {0};
    struct trie_item item = {slice_of(key, sizeof key), SLICE("x")};
    struct shelf s;

    shelf_init(&s);
    CHECK_EQ(t, shelf_update(t, &s, &item, 1), FAN_EINVAL);
    shelf_fini(&s);
}
