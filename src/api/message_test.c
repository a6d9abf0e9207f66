/* Call objects: what they say, what they leave out, and geth's refusals. */
#include "api/message.h"

#include "api/test_params.h"
#include "base/test.h"

#define FROM "\"from\":\"0x00000000000000000000000000000000000000aa\""
#define TO   "\"to\":\"0x00000000000000000000000000000000000000bb\""
#define HASH "\"0x0100000000000000000000000000000000000000000000000000000000000007\""

static struct params parse(const char *text)
{
    return test_params(text, 4);
}

TEST(a_whole_call_object_reads, t)
{
    struct params p = parse(
        "[{" FROM "," TO
        ",\"gas\":\"0x5208\",\"value\":\"0x1\",\"nonce\":\"0x2\",\"input\":\"0x1234\",\"maxFeePerGas\":\"0x9\","
        "\"maxPriorityFeePerGas\":\"0x3\",\"accessList\":[{\"address\":\"0x00000000000000000000000000000000000000cc\","
        "\"storageKeys\":[" HASH "]}],\"type\":\"0x2\",\"chainId\":\"0x7a69\"}]");
    struct message m;
    struct chain_call call = {0};

    message_read(&p, &m);
    REQUIRE(t, p.code == 0);
    CHECK_EQ(t, m.tx.sender.bytes[19], 0xaa);
    CHECK(t, m.tx.has_to && m.tx.to.bytes[19] == 0xbb);
    CHECK_EQ(t, m.tx.gas_limit, 21000);
    CHECK_EQ(t, m.tx.nonce, 2);
    CHECK_EQ(t, m.tx.data.len, 2);
    REQUIRE(t, m.tx.access_count == 1 && m.tx.access[0].slot_count == 1);
    CHECK_EQ(t, m.tx.access[0].slots[0].bytes[31], 7);
    REQUIRE(t, message_for_call(&m, 31337, true, 50000000, &call, NULL));
    CHECK_EQ(t, call.tx.type, TX_DYNAMIC_FEE);
    CHECK_EQ(t, call.tx.gas_price_wei.limb[0], 9);
    CHECK_EQ(t, call.tx.priority_fee_wei.limb[0], 3);
    CHECK(t, call.has_fee && call.has_gas);
    CHECK_EQ(t, call.tx.chain_id, 31337);
}

TEST(without_wishes_geth_defaults_stand, t)
{
    struct params p = parse("[{}]");
    struct message m;
    struct chain_call call = {0};

    message_read(&p, &m);
    REQUIRE(t, p.code == 0);
    REQUIRE(t, message_for_call(&m, 1, true, 50000000, &call, NULL));
    CHECK(t, !call.has_fee && !call.has_gas && !call.tx.has_to);
    CHECK_EQ(t, call.tx.gas_limit, 50000000);
    CHECK_EQ(t, call.tx.type, TX_DYNAMIC_FEE);
    REQUIRE(t, message_for_call(&m, 1, false, 50000000, &call, NULL));
    CHECK_EQ(t, call.tx.type, TX_LEGACY);
}

TEST(more_gas_than_the_server_gives_is_capped, t)
{
    struct params p = parse("[{\"gas\":\"0xffffffffffff\"}]");
    struct message m;
    struct chain_call call = {0};

    message_read(&p, &m);
    REQUIRE(t, message_for_call(&m, 1, true, 1000, &call, NULL));
    CHECK_EQ(t, call.tx.gas_limit, 1000);
}

TEST(the_type_follows_from_the_fields, t)
{
    static const struct {
        const char *text;
        enum tx_type type;
    } row[] = {
        {"[{" TO ",\"gasPrice\":\"0x1\"}]", TX_LEGACY},
        {"[{" TO ",\"gasPrice\":\"0x1\",\"accessList\":[]}]", TX_ACCESS_LIST},
        {"[{" TO ",\"accessList\":[]}]", TX_DYNAMIC_FEE},
        {"[{" TO ",\"maxFeePerBlobGas\":\"0x1\",\"blobVersionedHashes\":[" HASH "]}]", TX_BLOB},
        {"[{" TO ",\"authorizationList\":[{\"chainId\":\"0x0\",\"address\":"
         "\"0x00000000000000000000000000000000000000cc\",\"nonce\":\"0x0\","
         "\"yParity\":\"0x1\",\"r\":\"0x1\",\"s\":\"0x2\"}]}]",
         TX_SET_CODE},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct params p = parse(row[i].text);
        struct chain_call call = {0};
        struct message m;

        message_read(&p, &m);
        CHECK_EQ(t, p.code, 0);
        CHECK(t, message_for_call(&m, 1, true, 1000, &call, NULL));
        CHECK_EQ(t, call.tx.type, row[i].type);
    }
}

TEST(input_counts_before_data_and_differences_are_noted, t)
{
    struct params p = parse("[{\"data\":\"0x01\",\"input\":\"0x02\"}]");
    struct message m;

    message_read(&p, &m);
    CHECK_EQ(t, m.tx.data.at[0], 2);
    CHECK(t, m.data_differs);
    p = parse("[{\"data\":\"0x01\",\"input\":\"0x01\"}]");
    message_read(&p, &m);
    CHECK(t, !m.data_differs);
    p = parse("[{\"data\":\"0x01\"}]");
    message_read(&p, &m);
    CHECK_EQ(t, m.tx.data.at[0], 1);
    CHECK(t, !m.data_differs);
}

TEST(what_does_not_fit_is_named, t)
{
    static const struct {
        const char *text, *words;
    } row[] = {
        {"[5]", "invalid argument 0 (transaction): want an object, got a number"},
        {"[{\"from\":\"0x12\"}]", "invalid argument 0 (transaction).from: hex string has length 2, want 40"},
        {"[{\"gas\":\"0x05\"}]", "invalid argument 0 (transaction).gas: hex number with leading zero digits"},
        {"[{\"value\":1}]", "invalid argument 0 (transaction).value: want a hex string, got a number"},
        {"[{\"accessList\":{}}]", "invalid argument 0 (transaction).accessList: want an array, got an object"},
        {"[{\"accessList\":[{}]}]",
         "invalid argument 0 (transaction).accessList[0].address: want a hex string, got nothing"},
        {"[{\"accessList\":[{\"address\":\"0x00000000000000000000000000000000000000cc\"}]}]",
         "invalid argument 0 (transaction).accessList[0].storageKeys: want an array, got nothing"},
        {"[{\"accessList\":[{"
         "\"address\":\"0x00000000000000000000000000000000000000cc\",\"storageKeys\":[\"0x1\"]}]}]",
         "invalid argument 0 (transaction).accessList[0].storageKeys[0]: hex string of odd length"},
        {"[{\"blobVersionedHashes\":[1]}]",
         "invalid argument 0 (transaction).blobVersionedHashes[0]: want a hex string, got a number"},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct params p = parse(row[i].text);
        struct message m;

        message_read(&p, &m);
        CHECK_EQ(t, p.code, CODE_INVALID_PARAMS);
        CHECK_STR(t, slice_str(p.error.text), row[i].words);
    }
}

TEST(geths_refusals, t)
{
    static const struct {
        const char *text, *words;
        bool london;
    } row[] = {
        {"[{\"gasPrice\":\"0x1\",\"maxFeePerGas\":\"0x1\"}]",
         "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified", true},
        {"[{\"maxFeePerGas\":\"0x1\"}]", "maxFeePerGas and maxPriorityFeePerGas are not valid before London is active",
         false},
        {"[{\"chainId\":\"0x2\"}]", "chainId does not match node's (have=2, want=31337)", true},
        {"[{\"maxFeePerBlobGas\":\"0x1\"}]", "maxFeePerBlobGas specified without blobVersionedHashes", true},
        {"[{\"blobVersionedHashes\":[" HASH "]}]", "blob transaction of type create", true},
        {"[{\"authorizationList\":[]}]", "EIP-7702 transaction cannot be used to create contract", true},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct params p = parse(row[i].text);
        struct chain_call call = {0};
        struct fan_error words = {0};
        struct message m;

        message_read(&p, &m);
        CHECK_EQ(t, p.code, 0);
        CHECK(t, !message_for_call(&m, 31337, row[i].london, 1000, &call, &words));
        CHECK_STR(t, slice_str(words.text), row[i].words);
    }
}

TEST(overrides_read, t)
{
    struct params p =
        parse("[{},null,{\"0x00000000000000000000000000000000000000aa\":{\"balance\":\"0x5\",\"nonce\":\"0x6\","
              "\"code\":\"0x6000\","
              "\"stateDiff\":{\"0x01\":" HASH "}},\"0x00000000000000000000000000000000000000bb\":{\"state\":{}}},"
              "{\"number\":\"0x10\",\"time\":\"0x20\",\"baseFeePerGas\":\"0x30\"}]");
    struct chain_call call = {0};

    message_read_overrides(&p, 2, &call);
    message_read_block_overrides(&p, 3, &call);
    REQUIRE(t, p.code == 0);
    REQUIRE(t, call.override_count == 2);
    CHECK_EQ(t, call.overrides[0].address.bytes[19], 0xaa);
    CHECK(t, call.overrides[0].has_balance && call.overrides[0].balance_wei.limb[0] == 5);
    CHECK(t, call.overrides[0].has_nonce && call.overrides[0].nonce == 6);
    CHECK(t, call.overrides[0].has_code && call.overrides[0].code.len == 2);
    CHECK(t, !call.overrides[0].has_state);
    REQUIRE(t, call.overrides[0].slot_count == 1);
    CHECK_EQ(t, call.overrides[0].slots[0].slot.limb[0], 1);
    CHECK_EQ(t, call.overrides[0].slots[0].value.limb[0], 7);
    CHECK(t, call.overrides[1].has_state && call.overrides[1].slot_count == 0);
    CHECK(t, call.has_number && call.number == 16 && call.has_timestamp && call.timestamp == 32 && call.has_base_fee &&
                 call.base_fee_wei == 48);
    CHECK(t, !call.has_gas_limit && !call.has_beneficiary && !call.has_prev_randao);
}

TEST(overrides_that_do_not_fit, t)
{
    static const struct {
        const char *text, *words;
        int code;
    } row[] = {
        {"[{},null,{\"0x12\":{}}]", "invalid argument 2 (state overrides).0x12: no address", CODE_INVALID_PARAMS},
        {"[{},null,[]]", "invalid argument 2 (state overrides): want an object, got an array", CODE_INVALID_PARAMS},
        {"[{},null,{\"0x00000000000000000000000000000000000000aa\":{\"state\":{},\"stateDiff\":{}}}]",
         "account 0x00000000000000000000000000000000000000AA has both 'state' and 'stateDiff'", CODE_REFUSED},
        {"[{},null,null,{\"beaconRoot\":" HASH "}]",
         "block override \"beaconRoot\" is not supported for this RPC method", CODE_REFUSED},
        {"[{},null,null,{\"number\":1}]",
         "invalid argument 3 (block overrides).number: want a hex string, got a number", CODE_INVALID_PARAMS},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct params p = parse(row[i].text);
        struct chain_call call = {0};

        message_read_overrides(&p, 2, &call);
        message_read_block_overrides(&p, 3, &call);
        CHECK_EQ(t, p.code, row[i].code);
        CHECK_STR(t, slice_str(p.error.text), row[i].words);
    }
}
