/* A stranger's bytes as a transaction. Property: what decodes is canonical, so encoding it again from its fields alone
 * gives the same bytes; what recovers, recovers to the same sender from these. */
#include "base/slice.h"
#include "codec/u256.h"
#include "eth/fork.h"
#include "eth/tx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena_home home;
    struct fan_error err = {{0}};
    struct slice network;
    struct tx tx, again;
    struct arena a;
    uint64_t floor;

    arena_home_init(&home, 64u << 20);
    a = arena_of(&home);
    if (!tx_decode(slice_of(data, size), &a, &tx, &err)) {
        enum fan_status s = tx_encode_network(&tx, &a, &network);

        assert(s || slice_eq(network, slice_of(data, size)));
        again = tx;
        again.encoded = slice_of(NULL, 0);
        s = tx_seal(&again, &a);
        assert(s || slice_eq(again.encoded, tx.encoded));
        assert(s || memcmp(&again.hash, &tx.hash, sizeof tx.hash) == 0);
        (void)tx_intrinsic_gas(&tx, FORK_NEWEST, &floor);
        (void)tx_effective_gas_price(&tx, 7);
        if (!tx_recover(&tx, size % 2)) {
            struct buf b;
            struct json_writer w;

            s = tx_recover(&again, size % 2);
            assert(s || memcmp(&again.sender, &tx.sender, sizeof tx.sender) == 0);
            buf_init(&b, 0);
            w = json_writer_of(&b);
            tx_put_json(&tx, NULL, &w);
            buf_fini(&b);
        }
    } else {
        assert(err.text[0]);
    }
    arena_home_fini(&home);
    return 0;
}
