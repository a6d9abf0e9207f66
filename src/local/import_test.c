#include "base/test.h"
#include "codec/keccak.h"
#include "codec/rlp.h"
#include "codec/u256.h"
#include "local/local.h"

struct imported {
    struct arena_home home;
    struct genesis genesis;
    struct local *local;
    struct chain *chain;
    struct local_import_result result;
    enum fan_status status;
    struct fan_error err;
};

/* A chain from shared/conformance/<folder>/genesis.json. False, and the test skipped, without the folder. */
static bool open_chain(struct test *t, const char *genesis_path, struct imported *out)
{
    struct slice json = test_shared_file(genesis_path);
    struct arena a;
    enum fan_status s;

    memset(out, 0, sizeof *out);
    arena_home_init(&out->home, 0);
    a = arena_of(&out->home);
    if (!json.len) {
        t->skipped = "no shared/conformance here";
        return false;
    }
    s = genesis_parse(json, &a, &out->genesis, &out->err);
    if (!s) s = local_open(&(struct local_options){.genesis = &out->genesis}, &out->local, &out->err);
    if (s) {
        test_fail(t, __FILE__, __LINE__, "%s: %s", genesis_path, out->err.text);
        return false;
    }
    out->chain = local_chain(out->local);
    return true;
}

static void close_chain(struct imported *c)
{
    local_close(c->local);
    arena_home_fini(&c->home);
}

static void import(struct imported *c, struct slice bytes)
{
    memset(&c->err, 0, sizeof c->err);
    c->status = local_import_bytes(c->local, bytes, &c->result, &c->err);
}

/* The hash of the last block in a file, straight from its bytes. */
static struct fan_hash last_hash(struct slice file)
{
    struct rlp r = rlp_of(file);
    struct fan_hash hash = {{0}};

    while (rlp_more(&r)) {
        struct rlp block = rlp_enter(&r);

        hash = keccak256(rlp_raw(&block));
        r.failed = block.failed;
    }
    return hash;
}

static void chain_imports(struct test *t, const char *genesis, const char *chain, uint64_t blocks)
{
    struct imported c;
    struct slice file = test_shared_file(chain);
    struct block *b = NULL, *safe = NULL, *finalized = NULL;
    struct fan_hash expected;

    if (!open_chain(t, genesis, &c)) return;
    import(&c, file);
    if (c.status) test_fail(t, __FILE__, __LINE__, "%s: %s", chain, c.err.text);
    CHECK_EQ(t, c.result.blocks, blocks);
    CHECK_EQ(t, c.result.head_number, blocks);
    expected = last_hash(file);
    CHECK_EQ(t, c.chain->ops->head(c.chain, &b), FAN_OK);
    CHECK_SLICE(t, slice_of(&b->hash, 32), slice_of(&expected, 32));
    CHECK_EQ(t, c.chain->ops->finalized(c.chain, &safe, &finalized), FAN_OK);
    CHECK(t, safe == b && finalized == b);
    CHECK(t, b->has_receipts && b->receipts[0].log_count == b->log_count);
    block_unref(b);
    block_unref(safe);
    block_unref(finalized);
    import(&c, file); /* once more: nothing new, nothing wrong */
    CHECK_EQ(t, c.status, FAN_OK);
    CHECK_EQ(t, c.result.blocks, 0);
    close_chain(&c);
}

TEST(cancun_chain_imports_to_its_head, t)
{
    chain_imports(t, "conformance/cancun9/genesis.json", "conformance/cancun9/chain.rlp", 9);
}

TEST(shanghai_chain_imports_to_its_head, t)
{
    chain_imports(t, "conformance/shanghai3/genesis.json", "conformance/shanghai3/chain.rlp", 3);
}

/* bad.rlp holds the block after the chain's last: on the genesis it has no parent. Nothing else is wrong with these two
 * files: their generator changed a copy of the header and lost the change, so geth v1.17.10 imports them behind
 * chain.rlp, with these very hashes. So do we: a rule that refused them would refuse good blocks. What is truly bad is
 * forged in every_lie_in_a_header_is_found. */
static void bad_without_parent(struct test *t, const char *genesis, const char *chain, const char *bad,
                               const char *words, const char *hash_behind_chain)
{
    struct imported c;
    struct block *b = NULL;

    if (!open_chain(t, genesis, &c)) return;
    import(&c, test_shared_file(bad));
    CHECK_EQ(t, c.status, FAN_EREJECTED);
    CHECK_STR(t, slice_str(c.err.text), words);
    CHECK_EQ(t, c.result.head_number, 0);
    CHECK_EQ(t, c.result.blocks, 0);
    import(&c, test_shared_file(chain));
    CHECK_EQ(t, c.status, FAN_OK);
    import(&c, test_shared_file(bad));
    CHECK_EQ(t, c.status, FAN_OK);
    CHECK_EQ(t, c.chain->ops->head(c.chain, &b), FAN_OK);
    CHECK_SLICE(t, slice_of(&b->hash, 3), slice_first(test_hex(hash_behind_chain), 3));
    block_unref(b);
    close_chain(&c);
}

TEST(a_block_without_parent_is_named_with_its_number_and_rule, t)
{
    bad_without_parent(t, "conformance/cancun9/genesis.json", "conformance/cancun9/chain.rlp",
                       "conformance/cancun9/bad.rlp", "block 10: unknown ancestor: the head is block 0", "fc57c9");
    bad_without_parent(t, "conformance/shanghai3/genesis.json", "conformance/shanghai3/chain.rlp",
                       "conformance/shanghai3/bad.rlp", "block 4: unknown ancestor: the head is block 0", "8705f9");
}

/* One header field of block `at` changed: each must be found out by its own rule, and what came before stays. */
TEST(every_lie_in_a_header_is_found, t)
{
    static const struct {
        const char *rule;
        size_t field; /* place in the header's list */
    } row[] = {
        {"unknown ancestor", 0},       {"invalid uncle hash", 1}, {"merkle root", 3},
        {"transaction root hash", 4},  {"receipt root hash", 5},  {"invalid bloom", 6},
        {"invalid gas used", 10},      {"invalid baseFee", 15},   {"withdrawals root hash", 16},
        {"invalid excessBlobGas", 18},
    };
    struct slice file = test_shared_file("conformance/cancun9/chain.rlp");
    struct rlp r = rlp_of(file);
    struct slice first = rlp_raw(&r), second = rlp_raw(&r), third = rlp_raw(&r);

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct imported c;
        struct buf forged;
        struct rlp outer = rlp_of(third), block = rlp_enter(&outer), header = rlp_enter(&block);
        size_t list, inner;

        if (!open_chain(t, "conformance/cancun9/genesis.json", &c)) return;
        buf_init(&forged, 0);
        buf_put(&forged, first);
        buf_put(&forged, second);
        list = rlp_list_begin(&forged);
        inner = rlp_list_begin(&forged);
        for (size_t field = 0; rlp_more(&header); field++) {
            uint8_t value[512];
            struct slice v = rlp_bytes(&header);

            assert(v.len < sizeof value);
            if (v.len) memcpy(value, v.at, v.len);
            if (field == row[i].field && !v.len) {
                value[0] = 1;
                v.len = 1;
            } else if (field == row[i].field)
                value[v.len - 1] ^= 1;
            rlp_put_bytes(&forged, slice_of(value, v.len));
        }
        rlp_list_end(&forged, inner);
        while (rlp_more(&block)) rlp_put_raw(&forged, rlp_raw(&block));
        rlp_list_end(&forged, list);
        import(&c, buf_peek(&forged));
        CHECK_EQ(t, c.status, FAN_EREJECTED);
        CHECK_EQ(t, c.result.head_number, 2);
        if (strncmp(c.err.text, "block 3: ", 9) != 0 || !strstr(c.err.text, row[i].rule))
            test_fail(t, __FILE__, __LINE__, "expected \"block 3: … %s\", it says: %s", row[i].rule, c.err.text);
        buf_fini(&forged);
        close_chain(&c);
    }
}

TEST(what_is_no_block_is_named_with_its_place, t)
{
    struct imported c;
    struct slice file = test_shared_file("conformance/shanghai3/chain.rlp");

    if (!open_chain(t, "conformance/shanghai3/genesis.json", &c)) return;
    import(&c, slice_first(file, file.len - 1)); /* the last block is cut */
    CHECK_EQ(t, c.status, FAN_EFORMAT);
    CHECK_EQ(t, c.result.head_number, 2);
    CHECK(t, strstr(c.err.text, "after block 2") != NULL);
    close_chain(&c);
}

/* The chain of test/corpus/old-forks, which go-ethereum made: every fork before the Merge, each with its own rules for
 * rewards, receipts, empty accounts and gas. */
TEST(a_chain_through_all_old_forks_imports_to_gos_head, t)
{
    struct slice json = test_source_file("test/corpus/old-forks/genesis.json");
    struct slice file = test_source_file("test/corpus/old-forks/chain.rlp");
    struct imported c = {0};
    struct arena a;
    struct block *b = NULL;
    struct fan_hash expected = last_hash(file);

    arena_home_init(&c.home, 0);
    a = arena_of(&c.home);
    REQUIRE(t, json.len && file.len);
    REQUIRE(t, genesis_parse(json, &a, &c.genesis, &c.err) == FAN_OK);
    REQUIRE(t, local_open(&(struct local_options){.genesis = &c.genesis}, &c.local, &c.err) == FAN_OK);
    c.chain = local_chain(c.local);
    import(&c, file);
    if (c.status) test_fail(t, __FILE__, __LINE__, "%s", c.err.text);
    CHECK_EQ(t, c.result.head_number, 44);
    CHECK_EQ(t, c.chain->ops->head(c.chain, &b), FAN_OK);
    CHECK_SLICE(t, slice_of(&b->hash, 32), slice_of(&expected, 32));
    CHECK(t, !u256_is_zero(&b->total_difficulty));
    block_unref(b);
    CHECK_EQ(t, c.chain->ops->block_by_number(c.chain, 5, &b), FAN_OK);
    CHECK(t, b->receipts[0].has_state_root); /* before Byzantium */
    block_unref(b);
    close_chain(&c);
}

TEST(a_missing_file_is_an_input_error, t)
{
    struct imported c;

    if (!open_chain(t, "conformance/shanghai3/genesis.json", &c)) return;
    CHECK_EQ(t, local_import(c.local, "/nonexistent/chain.rlp", &c.result, &c.err), FAN_EIO);
    CHECK_STR(t, slice_str(c.err.text), "No such file or directory"); /* which file, the caller knows */
    close_chain(&c);
}
