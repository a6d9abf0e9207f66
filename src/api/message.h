/* message: the call object that eth_call, eth_estimateGas, eth_sendTransaction and their kin share, and what may be
 * overridden beside it.
 *
 * Reading keeps what was there and what was not, since each method fills gaps in its own way; message_for_call() fills
 * them as geth's CallDefaults does. Refusals of the reading are -32602, those of the filling -32000 with geth's words.
 *
 * Not here: nonce, gas and fees of what is to be signed (eth_send.c). */
#ifndef API_MESSAGE_H
#define API_MESSAGE_H

#include "api/params.h"
#include "chain/chain.h"

struct message {
    bool has_from, has_to, has_gas, has_gas_price, has_fee_max, has_priority_fee, has_value, has_nonce, has_data,
        has_chain_id, has_access, has_blob_fee, has_blob_hashes, has_authorizations, has_blobs;
    bool data_differs; /* "data" and "input" are both there and not equal; "input" counts */
    struct fan_u256 gas_price_wei, fee_max_wei, priority_fee_wei, chain_id;
    struct tx tx; /* sender, to, nonce, gas_limit, value, data, access list, blob hashes and fee, authorizations; type
                     and fees unset */
};

/* Reads parameter 0. Everything lives in p's arena. */
void message_read(struct params *p, struct message *out);
/* The same for any value at any place. */
void message_read_at(struct params *p, const struct where *at, struct json o, struct message *out);
/* Of what type the transaction would be: by its fields, as geth decides; dynamic fees unless a gas price was given. */
enum tx_type message_type(const struct message *m, bool is_london);
/* What geth's setFeeDefaults refuses, in its order. False: out_words says why not. */
bool message_fees_fit(const struct message *m, bool is_london, struct fan_error *out_words);
/* The call with geth's defaults. False: out_words says why not. gas_max caps the gas; without a wish gas_limit is
 * gas_max. */
bool message_for_call(const struct message *m, uint64_t chain_id, bool is_london, uint64_t gas_max,
                      struct chain_call *out, struct fan_error *out_words);

/* State overrides ({address: {balance, nonce, code, state, stateDiff, movePrecompileToAddress}}) at a position; absent
 * is none. */
void message_read_overrides(struct params *p, size_t index, struct chain_call *out);
/* Block overrides at a position; absent is none. */
void message_read_block_overrides(struct params *p, size_t index, struct chain_call *out);
/* Both for any value at any place. */
void message_read_overrides_at(struct params *p, const struct where *at, struct json o, struct chain_call *out);
/* simulated: eth_simulateV1's, which alone may name beaconRoot and withdrawals (read elsewhere). */
void message_read_block_overrides_at(struct params *p, const struct where *at, struct json o, bool simulated,
                                     struct chain_call *out);

#endif
