/* What is spoilt in a store is found, and named. Each case takes one thing out of a sound store, or turns one byte of
 * it, and puts it back. */
#include "local/check.h"

#include <stdio.h>
#include <unistd.h>

#include "local/keep.h"
#include "local/node.h"
#include "local/test_chain.h"

enum change { DROPPED, TURNED, ADDED };

struct spoilt {
    enum store_table table;
    enum change change;
    uint64_t at; /* the row: which one from the front; TURNED: or the next that has bytes to turn */
    const char *words;
};

static const struct spoilt cases[] = {
    {STORE_HEADERS, DROPPED, 3, "block 3: its rows are missing"},
    {STORE_HEADERS, TURNED, 3, "block 3: "},
    {STORE_BODIES, DROPPED, 4, "block 4: its rows are missing"},
    {STORE_OUTCOMES, DROPPED, 4, "block 4: its rows are missing"},
    {STORE_OUTCOMES, TURNED, 4, "block 4: "},
    {STORE_NUMBERS, DROPPED, 2, "block 2 is missing below the head 6"},
    {STORE_NUMBERS, TURNED, 2, "block 2: its rows are missing"},
    {STORE_HASHES, DROPPED, 0, ": its hash does not lead to it"},
    {STORE_HASHES, TURNED, 0, ": its hash does not lead to it"},
    {STORE_HASHES, ADDED, 0, "block hashes, but"},
    {STORE_TXS, DROPPED, 0, ": the hash of transaction 0 does not lead to it"},
    {STORE_TXS, TURNED, 0, ": the hash of transaction 0 does not lead to it"},
    {STORE_TXS, ADDED, 0, "transactions in the index, but"},
    {STORE_ACCOUNTS, DROPPED, 1, "the head's state root does not follow from its accounts"},
    {STORE_ACCOUNTS, TURNED, 1, ""},
    {STORE_SLOTS, DROPPED, 0, ": its storage root does not follow from its slots"},
    {STORE_SLOTS, TURNED, 0, ": its storage root does not follow from its slots"},
    {STORE_NODES, DROPPED, 0, "a trie node that the state needs is missing"},
    {STORE_NODES, TURNED, 0, "a trie node is not what the state makes of it"},
    {STORE_NODES, ADDED, 0, "trie nodes are stored, but the state has"},
    {STORE_CODES, DROPPED, 0, "the code of an account is missing"},
    {STORE_CODES, TURNED, 0, "a piece of code is not the one its hash names"},
    {STORE_OLD, DROPPED, 9, "a value from before it is missing"},
    {STORE_OLD, TURNED, 0, "version "},
    {STORE_OLD, TURNED, 4, "version "},
    {STORE_OLD, TURNED, 9, "version "},
    {STORE_OLD, TURNED, 30, "version "},
    {STORE_OLD, ADDED, 0, "old values, but the journals name"},
    {STORE_JOURNAL, DROPPED, 2, "old values, but the journals name"},
    {STORE_JOURNAL, TURNED, 2, "its journal is damaged"},
    {STORE_VERSIONS, DROPPED, 2, "version "},
    {STORE_VERSIONS, ADDED, 0, "versions, but"},
    {STORE_POINTS, DROPPED, 2, "blocks lead to their states"},
};

static const char *const files[] = {"chain/data.mdb", "chain/lock.mdb", "LOCK", "chain", ""};

struct row {
    struct arena_home home;
    struct slice key, value;
};

static bool take_row(struct test *t, struct store *s, const struct spoilt *c, struct row *out)
{
    struct store_txn *r;
    struct store_cursor *cursor;
    struct slice key, value;
    struct arena a;
    enum fan_status status;

    arena_home_init(&out->home, 0);
    a = arena_of(&out->home);
    if (store_read_begin(s, &r) || store_cursor_open(r, c->table, &cursor)) {
        test_fail(t, __FILE__, __LINE__, "the table cannot be read");
        return false;
    }
    status = store_cursor_first(cursor, &key, &value);
    for (uint64_t i = 0; i < c->at && !status; i++) status = store_cursor_next(cursor, &key, &value);
    while (!status && c->change == TURNED && !value.len) status = store_cursor_next(cursor, &key, &value);
    if (!status) {
        out->key = arena_dup(&a, key);
        out->value = arena_dup(&a, value);
    }
    store_cursor_close(cursor);
    store_read_end(r);
    if (status) test_fail(t, __FILE__, __LINE__, "table %d has no row %" PRIu64, (int)c->table, c->at);
    return !status;
}

static void write_row(struct test *t, struct store *s, enum store_table table, struct slice key,
                      const struct slice *value)
{
    struct store_txn *w;
    enum fan_status status = store_write_begin(s, &w);

    if (!status) status = value ? store_put(w, table, key, *value) : store_delete(w, table, key);
    if (!status) status = store_write_commit(w, NULL);
    CHECK_EQ(t, status, FAN_OK);
}

static void spoil(struct test *t, struct store *s, const struct spoilt *c)
{
    struct check_count count;
    struct fan_error err = {""};
    struct row row;
    uint8_t changed[32768];
    struct slice other;
    enum fan_status status;

    if (!take_row(t, s, c, &row)) return;
    assert(row.value.len <= sizeof changed && row.key.len <= sizeof changed);
    if (c->change == DROPPED) write_row(t, s, c->table, row.key, NULL);
    memcpy(changed, c->change == TURNED ? row.value.at : row.key.at, c->change == TURNED ? row.value.len : row.key.len);
    if (c->change == TURNED) {
        changed[c->table == STORE_JOURNAL ? 0 : row.value.len - 1] ^= 0x55;
        other = slice_of(changed, row.value.len);
        write_row(t, s, c->table, row.key, &other);
    }
    if (c->change == ADDED) {
        changed[c->table == STORE_VERSIONS ? 0 : row.key.len / 2] ^= 0x55;
        write_row(t, s, c->table, slice_of(changed, row.key.len), &row.value);
    }
    status = check_store(s, NULL, NULL, &count, &err);
    if (status != FAN_EFORMAT || !strstr(err.text, c->words))
        test_fail(t, __FILE__, __LINE__, "table %d, change %d: status %d, \"%s\" instead of \"%s\"", (int)c->table,
                  (int)c->change, (int)status, err.text, c->words);
    if (c->change == ADDED)
        write_row(t, s, c->table, slice_of(changed, row.key.len), NULL);
    else
        write_row(t, s, c->table, row.key, &row.value);
    arena_home_fini(&row.home);
}

TEST(whatever_is_spoilt_is_found_and_named, t)
{
    char dir[64] = "/tmp/fanatico-check-XXXXXX";
    struct store_options small = {.map_bytes = 8 << 20, .fast = true};
    struct fan_u256 slot = u256_of(3), value = u256_of(0x1234);
    struct check_count count = {0};
    struct fan_error err = {""};
    struct store *store;
    struct test_chain *tc;

    REQUIRE(t, mkdtemp(dir) && store_open(dir, &small, &store, NULL) == FAN_OK);
    tc = tc_open_with(t, &(struct local_options){.store = store}, (enum fork)FORK_NEWEST);
    for (uint64_t i = 0; i < 6; i++) {
        struct tx tx = tc_transfer(tc, 0, 1, i);

        tc_must_send(t, tc, &tx, 0);
    }
    CHECK_EQ(t, tc->chain->dev->set_slot(tc->chain, &tc->accounts[2], &slot, &value), FAN_OK);
    tc_close(t, tc);
    CHECK_EQ(t, check_store(store, NULL, NULL, &count, &err), FAN_OK);
    CHECK_EQ(t, count.blocks, 7);
    CHECK_EQ(t, count.txs, 6);
    CHECK(t, count.accounts > TC_ACCOUNTS && count.slots && count.codes && count.nodes && count.old_values);
    CHECK_EQ(t, count.versions, 8);
    for (size_t i = 0; i < COUNT_OF(cases); i++) spoil(t, store, &cases[i]);
    CHECK_EQ(t, check_store(store, NULL, NULL, &count, &err), FAN_OK);
    store_close(store);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        char path[128];

        (void)snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        (void)remove(path);
    }
}
