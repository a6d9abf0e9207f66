#include "local/proof.h"

#include <stdio.h>

#include "base/test.h"
#include "codec/json.h"
#include "eth/genesis.h"
#include "local/state_model.h"

/* A chain of the execution-apis project: genesis.json, the header others made of it, and eth_getProof's recorded
 * answers. */
struct published {
    struct arena_home home;
    struct arena a;
    struct genesis genesis;
    struct header header; /* of block 0, from debug_getRawHeader */
    struct state_db *db;
};

/* The result in a recorded conversation: what stands behind "<< ". */
static struct json recorded_result(struct test *t, const char *path, struct arena *a)
{
    struct slice text = test_shared_file(path);
    struct json reply = {0};
    struct fan_error err = {{0}};

    for (size_t i = 0; i + 3 < text.len; i++) {
        if (memcmp(text.at + i, "<< ", 3) != 0 || (i && text.at[i - 1] != '\n')) continue;
        text = slice_from(text, i + 3);
        for (size_t end = 0; end < text.len; end++)
            if (text.at[end] == '\n') text.len = end;
        if (json_parse(text, JSON_DEPTH_MAX, a, &reply, &err))
            test_fail(t, __FILE__, __LINE__, "%s: %s", path, err.text);
        break;
    }
    return json_get(reply, "result");
}

static enum fan_status build(struct published *p)
{
    struct state_builder *b;
    struct state_view *empty;
    struct state_diff *d = NULL;
    enum fan_status s = state_db_new(NULL, &p->db);

    if (s) return s;
    s = state_db_head(p->db, &empty);
    if (s) return s;
    s = state_builder_new(empty, &b);
    state_view_unref(empty);
    if (s) return s;
    s = state_builder_add_genesis(b, p->genesis.accounts, p->genesis.account_count);
    if (!s) s = state_builder_finish(b, 0, &d);
    if (s) {
        state_builder_free(b);
        return s;
    }
    s = state_db_commit(p->db, d);
    state_diff_unref(d);
    return s;
}

static bool published_init(struct test *t, struct published *p, const char *chain)
{
    char path[128];
    struct slice file, raw = {0};
    struct fan_error err = {{0}};
    struct rlp rlp;

    *p = (struct published){.db = NULL};
    arena_home_init(&p->home, 0);
    p->a = arena_of(&p->home);
    (void)snprintf(path, sizeof path, "conformance/%s/genesis.json", chain);
    file = test_shared_file(path);
    if (!file.at) {
        t->skipped = "shared/conformance is not here";
        return false;
    }
    if (genesis_parse(file, &p->a, &p->genesis, &err)) test_fail(t, __FILE__, __LINE__, "%s", err.text);
    (void)snprintf(path, sizeof path, "conformance/%s/debug_getRawHeader/get-genesis.io", chain);
    CHECK_EQ(t, json_read_data(recorded_result(t, path, &p->a), 0, &p->a, &raw), FAN_OK);
    rlp = rlp_of(raw);
    if (header_decode(&rlp, &p->header, &err)) test_fail(t, __FILE__, __LINE__, "%s", err.text);
    CHECK_EQ(t, build(p), FAN_OK);
    return !t->failed;
}

static void published_fini(struct published *p)
{
    state_db_unref(p->db);
    arena_home_fini(&p->home);
}

static void check_genesis(struct test *t, const char *chain)
{
    struct published p;

    if (published_init(t, &p, chain)) {
        struct state_point head = state_db_point(p.db);

        CHECK_SLICE(t, slice_of(&head.root, 32), slice_of(&p.header.state_root, 32));
    }
    published_fini(&p);
}

TEST(cancun9_genesis_has_the_state_root_of_its_header, t)
{
    check_genesis(t, "cancun9");
}

TEST(shanghai3_genesis_has_the_state_root_of_its_header, t)
{
    check_genesis(t, "shanghai3");
}

static void check_nodes(struct test *t, struct json recorded, const struct slice *nodes, size_t count, size_t from,
                        struct arena *a)
{
    CHECK_EQ(t, json_count(recorded), count);
    for (size_t i = from; i < count; i++) {
        struct slice node = {0};

        CHECK_EQ(t, json_read_data(json_at(recorded, i), 0, a, &node), FAN_OK);
        CHECK_SLICE(t, nodes[i], node);
    }
}

/* Recorded at block 3, ours is of block 0: what hangs below the account trie's root is the same at both. */
TEST(the_recorded_proof_of_an_account_and_an_absent_slot, t)
{
    struct published p;
    struct fan_address address = {{0xaa}};
    struct fan_hash key = keccak256(slice_of(&address, sizeof address)), storage_hash;
    struct fan_u256 slot = u256_of(1);
    struct state_view *v = NULL;
    struct json result, storage;
    struct proof proof;

    if (published_init(t, &p, "cancun9")) {
        CHECK_EQ(t, state_db_head(p.db, &v), FAN_OK);
        result = recorded_result(t, "conformance/cancun9/eth_getProof/get-account-proof-with-storage.io", &p.a);
        CHECK_EQ(t, proof_make(v, &address, &slot, 1, &p.a, &proof), FAN_OK);
        CHECK_EQ(t, json_read_hash(json_get(result, "storageHash"), &storage_hash), FAN_OK);
        CHECK_SLICE(t, slice_of(&proof.account.storage_root, 32), slice_of(&storage_hash, 32));
        check_nodes(t, json_get(result, "accountProof"), proof.nodes, proof.node_count, 1, &p.a);
        storage = json_at(json_get(result, "storageProof"), 0);
        check_nodes(t, json_get(storage, "proof"), proof.slots[0].nodes, proof.slots[0].node_count, 0, &p.a);
        CHECK(t, u256_is_zero(&proof.slots[0].value));
        CHECK(t, !model_proof_holds(&p.header.state_root, slice_of(&key, 32), proof.nodes, proof.node_count,
                                    slice_of(NULL, 0))); /* it is there, so its absence is not proved */
        state_view_unref(v);
    }
    published_fini(&p);
}

TEST(the_proof_of_an_absent_account_leads_elsewhere, t)
{
    struct published p;
    struct fan_address address = {{0x12, 0x34}};
    struct fan_hash key = keccak256(slice_of(&address, sizeof address));
    struct fan_u256 slot = u256_of(0);
    struct state_view *v = NULL;
    struct proof proof;

    if (published_init(t, &p, "shanghai3")) {
        CHECK_EQ(t, state_db_head(p.db, &v), FAN_OK);
        CHECK_EQ(t, proof_make(v, &address, &slot, 1, &p.a, &proof), FAN_OK);
        CHECK(t, !proof.account.exists && proof.node_count > 0);
        CHECK(t, model_proof_holds(&p.header.state_root, slice_of(&key, 32), proof.nodes, proof.node_count,
                                   slice_of(NULL, 0)));
        CHECK_EQ(t, proof.slots[0].node_count, 0);
        state_view_unref(v);
    }
    published_fini(&p);
}
