#include "eth/tx.h"

#include "base/test.h"
#include "codec/keccak.h"
#include "codec/u256.h"
#include "eth/fork.h"
#include "eth/test_room.h"

static struct slice hash_of(const struct fan_hash *h)
{
    return slice_of(h->bytes, sizeof h->bytes);
}

/* The worked example of EIP-155. */
TEST(eip_155_s_example, t)
{
    struct tx tx = {.has_to = true,
                    .has_chain_id = true,
                    .chain_id = 1,
                    .nonce = 9,
                    .gas_limit = 21000,
                    .gas_price_wei = u256_of(20000000000),
                    .value_wei = u256_of(1000000000000000000)},
              again;
    struct fan_address sender;
    struct fan_hash hash;
    uint8_t secret[32];
    struct room room;
    struct arena *a = open_room(&room);

    memset(tx.to.bytes, 0x35, sizeof tx.to.bytes);
    memset(secret, 0x46, sizeof secret);
    hash = tx_signing_hash(&tx);
    CHECK_SLICE(t, hash_of(&hash), test_hex("daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53"));
    REQUIRE(t, !tx_sign(&tx, secret, a));
    CHECK_SLICE(t, tx.encoded,
                test_hex("f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a0"
                         "28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb70330"
                         "4b3800ccf555c9f3dc64214b297fb1966a3b6d83"));
    sender = tx.sender;
    REQUIRE(t, !tx_decode(tx.encoded, a, &again, NULL));
    CHECK(t, again.has_chain_id && again.chain_id == 1 && again.has_to && !again.has_sender);
    REQUIRE(t, !tx_recover(&again, true));
    CHECK_SLICE(t, slice_of(again.sender.bytes, 20), slice_of(sender.bytes, 20));
    CHECK_SLICE(t, hash_of(&again.hash), hash_of(&tx.hash));
    close_room(&room);
}

static struct fan_hash some_hashes[3] = {{{1}}, {{2}}, {{3}}};
static struct tx_access some_access[2] = {{{{7}}, some_hashes, 3}, {{{8}}, NULL, 0}};
static struct tx_authorization some_authorizations[2] = {
    {{{1}}, {{9}}, 5, 1, {{11}}, {{12}}},
    {{{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}}, {{10}}, UINT64_MAX, 255, {{0}}, {{0}}},
};

static struct tx sample(enum tx_type type)
{
    struct tx tx = {.type = type,
                    .has_to = true,
                    .has_chain_id = true,
                    .chain_id = UINT64_MAX, /* the largest must survive v = 35 + 2 × id */
                    .nonce = 3,
                    .gas_limit = 100000,
                    .gas_price_wei = u256_of(50),
                    .priority_fee_wei = u256_of(50),
                    .data = SLICE("some data that is longer than fifty-five bytes, so that its header grows")};

    tx.to.bytes[0] = 0xaa;
    if (type >= TX_ACCESS_LIST) {
        tx.access = some_access;
        tx.access_count = COUNT_OF(some_access);
    }
    if (type >= TX_DYNAMIC_FEE) tx.priority_fee_wei = u256_of(2);
    if (type == TX_BLOB) {
        tx.blob_fee_max_wei = u256_of(4);
        tx.blob_hashes = some_hashes;
        tx.blob_count = 2;
    }
    if (type == TX_SET_CODE) {
        tx.authorizations = some_authorizations;
        tx.authorization_count = COUNT_OF(some_authorizations);
    }
    return tx;
}

TEST(each_type_is_signed_sealed_decoded_and_recovered, t)
{
    uint8_t secret[32] = {[31] = 42};

    for (int type = TX_LEGACY; type <= TX_SET_CODE; type++) {
        struct tx tx = sample((enum tx_type)type), again, item;
        struct room room;
        struct arena *a = open_room(&room);
        struct slice network;
        struct buf b;
        struct rlp r;

        REQUIRE(t, !tx_sign(&tx, secret, a));
        REQUIRE(t, !tx_decode(tx.encoded, a, &again, NULL));
        CHECK_EQ(t, again.type, type);
        CHECK_EQ(t, again.chain_id, UINT64_MAX);
        CHECK_EQ(t, again.access_count, type == TX_LEGACY ? 0 : 2);
        CHECK_EQ(t, again.blob_count, type == TX_BLOB ? 2 : 0);
        CHECK_EQ(t, again.authorization_count, type == TX_SET_CODE ? 2 : 0);
        CHECK(t, u256_eq(&again.priority_fee_wei, &tx.priority_fee_wei));
        REQUIRE(t, !tx_recover(&again, true));
        CHECK(t, memcmp(&again.sender, &tx.sender, sizeof tx.sender) == 0);
        REQUIRE(t, !tx_seal(&again, a));
        CHECK_SLICE(t, again.encoded, tx.encoded);
        REQUIRE(t, !tx_encode_network(&tx, a, &network));
        CHECK_SLICE(t, network, tx.encoded);
        buf_init(&b, 0);
        tx_put_item(&tx, &b);
        r = rlp_of(buf_peek(&b));
        REQUIRE(t, !tx_decode_item(&r, a, &item, NULL));
        CHECK(t, !rlp_end(&r));
        CHECK_SLICE(t, hash_of(&item.hash), hash_of(&tx.hash));
        buf_fini(&b);
        close_room(&room);
    }
}

TEST(signatures_that_are_none_are_refused, t)
{
    static const struct fan_u256 order = {
        {0xbfd25e8cd0364141, 0xbaaedce6af48a03b, 0xfffffffffffffffe, 0xffffffffffffffff}};
    uint8_t secret[32] = {[31] = 42};
    struct room room;
    struct arena *a = open_room(&room);
    struct tx good = sample(TX_DYNAMIC_FEE), bad, old;

    REQUIRE(t, !tx_sign(&good, secret, a));
    bad = good;
    bad.v = u256_of(2);
    CHECK_EQ(t, tx_recover(&bad, true), FAN_EFORMAT);
    bad = good;
    bad.r = order;
    CHECK_EQ(t, tx_recover(&bad, true), FAN_EFORMAT);
    bad = good;
    bad.s = u256_of(0);
    CHECK_EQ(t, tx_recover(&bad, true), FAN_EFORMAT);
    bad = good; /* the twin with a high s and the other parity: typed transactions never take it */
    (void)u256_sub(&order, &good.s, &bad.s);
    bad.v.limb[0] ^= 1;
    CHECK_EQ(t, tx_recover(&bad, false), FAN_EFORMAT);

    old = sample(TX_LEGACY);
    old.has_chain_id = false;
    old.chain_id = 0;
    REQUIRE(t, !tx_sign(&old, secret, a));
    CHECK(t, old.v.limb[0] == 27 || old.v.limb[0] == 28);
    bad = old; /* before Homestead the twin was as good */
    (void)u256_sub(&order, &old.s, &bad.s);
    bad.v.limb[0] ^= 27 ^ 28;
    CHECK_EQ(t, tx_recover(&bad, true), FAN_EFORMAT);
    CHECK_EQ(t, tx_recover(&bad, false), FAN_OK);
    CHECK(t, memcmp(&bad.sender, &old.sender, sizeof old.sender) == 0);
    for (uint64_t v = 0; v < 35; v++) { /* neither old nor EIP-155 */
        if (v == 27 || v == 28) continue;
        bad = old;
        bad.v = u256_of(v);
        CHECK_EQ(t, tx_recover(&bad, false), FAN_EFORMAT);
    }
    close_room(&room);
}

TEST(bytes_that_are_no_transaction_are_refused, t)
{
    static const char *const row[] = {
        "",
        "00",
        "01",
        "05c0",
        "7f",
        "80",
        "c0",
        "03c0",
        "f86c",
        /* EIP-155's example: a byte too many behind it, then a nonce with a leading zero */
        "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195"
        "fe5375"
        "67866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d8300",
        "f86d82000980825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195fe5375"
        "678660"
        "03e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83",
        /* a recipient of 19 bytes */
        "dd80808093353535353535353535353535353535353535358080808080",
        /* a blob transaction that creates */
        "03cd01800101808080c080c0808080",
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct fan_error err = {{0}};
        struct room room;
        struct arena *a = open_room(&room);
        struct tx tx;

        CHECK_EQ(t, tx_decode(test_hex(row[i]), a, &tx, &err), FAN_EFORMAT);
        CHECK(t, err.text[0] != 0);
        close_room(&room);
    }
}

static void fill_sidecar(struct tx_sidecar *side, uint8_t version, size_t count, struct arena *a)
{
    size_t proofs = count * (version ? 128 : 1) * 48;
    uint8_t *blobs = arena_bytes(a, count * 131072), *points = arena_bytes(a, count * 48),
            *last = arena_bytes(a, proofs);

    for (size_t i = 0; i < count * 131072; i++) blobs[i] = (uint8_t)(i * 7 + i / 131072);
    memset(points, 0x55, count * 48);
    memset(last, 0x66, proofs);
    *side = (struct tx_sidecar){version, slice_of(blobs, count * 131072), slice_of(points, count * 48),
                                slice_of(last, proofs), count};
}

TEST(a_sidecar_travels_but_enters_no_block, t)
{
    uint8_t secret[32] = {[31] = 42};

    for (uint8_t version = 0; version <= 1; version++) {
        struct tx tx = sample(TX_BLOB), again;
        struct room room;
        struct arena *a = open_room(&room);
        struct slice network, twice;
        struct tx_sidecar side;
        struct fan_error err;
        struct buf b;
        struct rlp r;

        fill_sidecar(&side, version, tx.blob_count, a);
        REQUIRE(t, !tx_sign(&tx, secret, a));
        tx.sidecar = &side;
        REQUIRE(t, !tx_encode_network(&tx, a, &network));
        REQUIRE(t, !tx_decode(network, a, &again, NULL));
        REQUIRE(t, again.sidecar);
        CHECK_EQ(t, again.sidecar->version, version);
        CHECK_EQ(t, again.sidecar->blob_count, 2);
        CHECK(t, slice_eq(again.sidecar->blobs, side.blobs));
        CHECK(t, slice_eq(again.sidecar->commitments, side.commitments));
        CHECK(t, slice_eq(again.sidecar->proofs, side.proofs));
        CHECK_SLICE(t, again.encoded, tx.encoded);
        CHECK_SLICE(t, hash_of(&again.hash), hash_of(&tx.hash));
        REQUIRE(t, !tx_encode_network(&again, a, &twice));
        CHECK(t, slice_eq(network, twice));

        buf_init(&b, 0);
        rlp_put_bytes(&b, network);
        r = rlp_of(buf_peek(&b));
        CHECK_EQ(t, tx_decode_item(&r, a, &again, &err), FAN_EFORMAT);
        CHECK_STR(t, slice_str(err.text), "unexpected blob sidecar in transaction");
        buf_fini(&b);

        side.proofs = slice_first(side.proofs, side.proofs.len - 48); /* one proof too few */
        REQUIRE(t, !tx_encode_network(&tx, a, &network));
        CHECK_EQ(t, tx_decode(network, a, &again, NULL), FAN_EFORMAT);
        fill_sidecar(&side, version, 1, a); /* one blob for two hashes */
        REQUIRE(t, !tx_encode_network(&tx, a, &network));
        CHECK_EQ(t, tx_decode(network, a, &again, NULL), FAN_EFORMAT);
        fill_sidecar(&side, 2, 2, a); /* a version nobody knows */
        side.version = 2;
        REQUIRE(t, !tx_encode_network(&tx, a, &network));
        CHECK_EQ(t, tx_decode(network, a, &again, NULL), FAN_EFORMAT);
        close_room(&room);
    }
}

TEST(intrinsic_gas_by_fork, t)
{
    static const uint8_t bytes[40] = {0, 1, 2, 3}; /* 37 zeros, 3 others */
    static const struct {
        enum fork fork;
        bool creates;
        uint64_t gas, floor;
    } row[] = {
        {FORK_FRONTIER, false, 21000 + 37 * 4 + 3 * 68, 0},
        {FORK_FRONTIER, true, 21000 + 37 * 4 + 3 * 68, 0},
        {FORK_HOMESTEAD, true, 53000 + 37 * 4 + 3 * 68, 0},
        {FORK_PETERSBURG, false, 21000 + 37 * 4 + 3 * 68, 0},
        {FORK_ISTANBUL, false, 21000 + 37 * 4 + 3 * 16, 0},
        {FORK_PARIS, true, 53000 + 37 * 4 + 3 * 16, 0},
        {FORK_SHANGHAI, true, 53000 + 37 * 4 + 3 * 16 + 2 * 2, 0},
        {FORK_CANCUN, false, 21000 + 37 * 4 + 3 * 16, 0},
        {FORK_PRAGUE, false, 21000 + 37 * 4 + 3 * 16, 21000 + (37 + 3 * 4) * 10},
        {FORK_OSAKA, true, 53000 + 37 * 4 + 3 * 16 + 2 * 2, 21000 + (37 + 3 * 4) * 10},
    };
    struct tx tx = sample(TX_SET_CODE);
    uint64_t floor;

    CHECK_EQ(t, sizeof bytes, 40);
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct tx plain = {.has_to = !row[i].creates, .data = slice_of(bytes, sizeof bytes)};

        CHECK_EQ(t, tx_intrinsic_gas(&plain, row[i].fork, &floor), row[i].gas);
        CHECK_EQ(t, floor, row[i].floor);
    }
    tx.data = slice_of(NULL, 0);
    CHECK_EQ(t, tx_intrinsic_gas(&tx, FORK_PRAGUE, &floor), 21000 + 2 * 2400 + 3 * 1900 + 2 * 25000);
    CHECK_EQ(t, floor, 21000);
}

TEST(effective_price_is_capped_by_what_was_offered, t)
{
    struct tx tx = {.type = TX_DYNAMIC_FEE, .gas_price_wei = u256_of(100), .priority_fee_wei = u256_of(3)};
    struct fan_u256 price = tx_effective_gas_price(&tx, 90);

    CHECK_EQ(t, price.limb[0], 93);
    price = tx_effective_gas_price(&tx, 99);
    CHECK_EQ(t, price.limb[0], 100);
    tx.priority_fee_wei = tx.gas_price_wei = (struct fan_u256){{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
    price = tx_effective_gas_price(&tx, 1);
    CHECK(t, u256_eq(&price, &tx.gas_price_wei));
    tx = sample(TX_LEGACY);
    price = tx_effective_gas_price(&tx, 7);
    CHECK_EQ(t, price.limb[0], 50);
}

/* The first contracts of the first development account, where every tutorial finds them. */
TEST(created_contracts_stand_where_tutorials_say, t)
{
    struct slice sender = test_hex("f39fd6e51aad88f6f4ce6ab8827279cfffb92266");
    struct fan_address from, made;

    memcpy(from.bytes, sender.at, 20);
    made = tx_create_address(&from, 0);
    CHECK_SLICE(t, slice_of(made.bytes, 20), test_hex("5fbdb2315678afecb367f032d93f642f64180aa3"));
    made = tx_create_address(&from, 1);
    CHECK_SLICE(t, slice_of(made.bytes, 20), test_hex("e7f1725e7734ce288f8367e1bb143e90bb3f0512"));
}

TEST(a_pending_transaction_shows_nulls, t)
{
    uint8_t secret[32] = {[31] = 42};
    struct room room;
    struct arena *a = open_room(&room);
    struct tx tx = sample(TX_BLOB);
    struct json_writer w;
    struct json v;
    struct buf b;

    REQUIRE(t, !tx_sign(&tx, secret, a));
    buf_init(&b, 0);
    w = json_writer_of(&b);
    tx_put_json(&tx, NULL, &w);
    REQUIRE(t, !json_parse(buf_peek(&b), JSON_DEPTH_MAX, a, &v, NULL));
    CHECK(t, json_is(json_get(v, "blockHash"), JSON_NULL));
    CHECK(t, json_is(json_get(v, "blockNumber"), JSON_NULL));
    CHECK(t, json_is(json_get(v, "blockTimestamp"), JSON_NULL));
    CHECK(t, json_is(json_get(v, "transactionIndex"), JSON_NULL));
    CHECK(t, json_str_is(json_get(v, "gasPrice"), "0x32"));
    CHECK(t, json_str_is(json_get(v, "maxFeePerGas"), "0x32"));
    CHECK(t, json_str_is(json_get(v, "maxFeePerBlobGas"), "0x4"));
    CHECK_EQ(t, json_count(json_get(v, "blobVersionedHashes")), 2);
    CHECK(t, json_is(json_get(v, "authorizationList"), JSON_MISSING));
    CHECK_EQ(t, json_count(v), 23);
    buf_fini(&b);
    close_room(&room);
}
