/* What an account holds: balance, nonce, code, storage, and the proof of it. */
#include "api/tables.h"
#include "api/view.h"
#include "codec/hex.h"
#include "codec/keccak.h"
#include "codec/u256.h"

/* Ends a method that has opened a state. */
static void finish(struct call *call, struct view *v, enum fan_status s)
{
    view_close(v);
    if (s)
        answer_status(call, s, NULL);
    else
        call_finish(call);
}

static void get_balance(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct fan_address address = params_address(&p, 0, "address");
    struct block_at at = params_block(&p, 1);
    struct chain_account account = {0};
    struct view v;
    enum fan_status s;

    if (params_refused(&p, call)) return;
    if (!view_state(call, &at, RPC_WRITER, get_balance, &v)) return;
    s = api_of(call)->chain->ops->account(v.state, &address, &account);
    if (!s) json_put_u256(call_result(call), &account.balance_wei);
    finish(call, &v, s);
}

/* Writer's thread. What waits in the pool counts, as wallets expect of "pending". */
static void pending_nonce(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct fan_address address = params_address(&p, 0, "address");
    struct chain *chain = api_of(call)->chain;

    if (params_refused(&p, call)) return;
    json_put_u64(call_result(call), chain->ops->pending_nonce(chain, &address));
    call_finish(call);
}

static void get_transaction_count(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct fan_address address = params_address(&p, 0, "address");
    struct block_at at = params_block(&p, 1);
    struct chain_account account = {0};
    struct view v;
    enum fan_status s;

    if (params_refused(&p, call)) return;
    if (at.kind == BLOCK_PENDING && api_of(call)->chain->ops->pending_nonce) {
        call_continue(call, RPC_WRITER, pending_nonce);
        return;
    }
    if (!view_state(call, &at, RPC_WRITER, get_transaction_count, &v)) return;
    s = api_of(call)->chain->ops->account(v.state, &address, &account);
    if (!s) json_put_u64(call_result(call), account.nonce);
    finish(call, &v, s);
}

static void get_code(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct fan_address address = params_address(&p, 0, "address");
    struct block_at at = params_block(&p, 1);
    const struct chain_ops *ops = api_of(call)->chain->ops;
    struct chain_account account = {0};
    struct slice code = {0};
    struct view v;
    enum fan_status s;

    if (params_refused(&p, call)) return;
    if (!view_state(call, &at, RPC_WRITER, get_code, &v)) return;
    s = ops->account(v.state, &address, &account);
    if (!s && account.exists && memcmp(&account.code_hash, &KECCAK_EMPTY, sizeof KECCAK_EMPTY) != 0)
        s = ops->code(v.state, &account.code_hash, call_arena(call), &code);
    if (!s) json_put_data(call_result(call), code);
    finish(call, &v, s);
}

/* Everything an account is, without its code (geth's eth_getAccount), or with it instead of the hashes (anvil's
 * eth_getAccountInfo). */
static void get_account(struct call *call, bool info, void (*again)(struct call *call))
{
    struct params p = params_of_call(call, 2);
    struct fan_address address = params_address(&p, 0, "address");
    struct block_at at = params_block(&p, 1);
    const struct chain_ops *ops = api_of(call)->chain->ops;
    struct json_writer *w = call_result(call);
    struct chain_account account = {0};
    struct slice code = {0};
    struct view v;
    enum fan_status s;

    if (params_refused(&p, call)) return;
    if (!view_state(call, &at, RPC_WRITER, again, &v)) return;
    s = ops->account(v.state, &address, &account);
    if (!s && info && account.exists) s = ops->code(v.state, &account.code_hash, call_arena(call), &code);
    if (!account.exists) {
        account.code_hash = KECCAK_EMPTY;
        account.storage_root = KECCAK_EMPTY_TRIE;
    }
    if (!s) {
        json_begin_object(w);
        json_put_key(w, "nonce");
        json_put_u64(w, account.nonce);
        json_put_key(w, "balance");
        json_put_u256(w, &account.balance_wei);
        json_put_key(w, info ? "code" : "codeHash");
        if (info) {
            json_put_data(w, code);
        } else {
            json_put_hash(w, &account.code_hash);
            json_put_key(w, "storageRoot");
            json_put_hash(w, &account.storage_root);
        }
        json_end_object(w);
    }
    finish(call, &v, s);
}

static void get_account_alone(struct call *call)
{
    get_account(call, false, get_account_alone);
}

static void get_account_info(struct call *call)
{
    get_account(call, true, get_account_info);
}

static void get_storage_at(struct call *call)
{
    struct params p = params_of_call(call, 3);
    struct fan_address address = params_address(&p, 0, "address");
    struct slice key = params_text(&p, 1, "storage key");
    struct block_at at = params_block(&p, 2);
    struct fan_u256 slot, value = {{0}};
    struct view v;
    const char *fault;
    uint8_t word[32];
    enum fan_status s;

    if (params_refused(&p, call)) return;
    fault = read_slot(key, &slot, NULL);
    if (fault) {
        /* -32000: the conversations that execution-apis recorded expect it of this one parameter. */
        call_fail(call, CODE_REFUSED, "invalid argument 1 (storage key): %s: \"%.*s\"", fault,
                  (int)(key.len < 80 ? key.len : 80), (const char *)key.at);
        return;
    }
    if (!view_state(call, &at, RPC_WRITER, get_storage_at, &v)) return;
    s = api_of(call)->chain->ops->slot(v.state, &address, &slot, &value);
    u256_to_be(&value, word);
    if (!s) json_put_data(call_result(call), slice_of(word, sizeof word));
    finish(call, &v, s);
}

/* ---- eth_getStorageValues ---- */

/* Answers all slots of one account; *count is how many were asked for until now. False: p says what does not fit. */
static bool put_values(struct params *p, struct json_writer *w, const struct view *v, struct json keys,
                       const struct where *at, const struct fan_address *address, enum fan_status *out_s)
{
    const struct chain_ops *ops = v->chain->ops;
    size_t i = 0;

    json_begin_array(w);
    for (struct json key = json_first(keys); !json_is(key, JSON_MISSING); key = json_next(key), i++) {
        struct where item = {.outer = at, .index = i};
        struct fan_u256 slot, value = {{0}};
        uint8_t word[32];
        const char *fault = json_is(key, JSON_STRING) ? read_slot(json_str_raw(key), &slot, NULL) : "want a string";

        if (fault) {
            params_fail_at(p, &item, "%s", fault);
            return false;
        }
        *out_s = ops->slot(v->state, address, &slot, &value);
        if (*out_s) return false;
        u256_to_be(&value, word);
        json_put_data(w, slice_of(word, sizeof word));
    }
    json_end_array(w);
    return true;
}

/* Are these lists of slots, and not too many? */
static void check_requests(struct call *call, struct params *p, const struct where *at, struct json requests)
{
    size_t most = api_of(call)->options.proof_slots_max, count = 0;

    if (p->code) return;
    if (!json_is(requests, JSON_OBJECT)) {
        params_fail_at(p, at, "want an object, got %s", json_kind_name(json_kind(requests)));
        return;
    }
    for (struct json keys = json_first(requests); !json_is(keys, JSON_MISSING); keys = json_next(keys)) {
        if (!json_is(keys, JSON_ARRAY)) {
            params_fail_at(p, at, "want an array of slots for each address, got %s", json_kind_name(json_kind(keys)));
            return;
        }
        count += json_count(keys);
    }
    if (!count)
        params_fail(p, CODE_INVALID_PARAMS, "empty request");
    else if (count > most)
        params_fail(p, CODE_CLIENT_LIMIT, "too many slots (max %zu)", most);
}

static void get_storage_values(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct where at = params_where(0, "requests");
    struct json requests = params_value(&p, &at);
    struct block_at block = params_block(&p, 1);
    struct json_writer *w = call_result(call);
    struct view v;
    enum fan_status s = FAN_OK;

    check_requests(call, &p, &at, requests);
    if (params_refused(&p, call)) return;
    if (!view_state(call, &block, RPC_POOL, get_storage_values, &v)) return;
    json_begin_object(w);
    for (struct json keys = json_first(requests); !json_is(keys, JSON_MISSING); keys = json_next(keys)) {
        struct fan_address address;
        char key[43];
        char *name = arena_cstr(p.arena, json_key(keys));
        struct where account = {.outer = &at, .key = name};

        if (!name) {
            s = FAN_ENOMEM;
            break;
        }
        if (hex_read_fixed(slice_str(name), address.bytes, sizeof address.bytes)) {
            params_fail_at(&p, &account, "no address");
            break;
        }
        key[0] = '0';
        key[1] = 'x';
        key[42] = 0;
        hex_encode(slice_of(address.bytes, sizeof address.bytes), key + 2);
        json_put_key(w, key);
        if (!put_values(&p, w, &v, keys, &account, &address, &s)) break;
    }
    json_end_object(w);
    if (!p.code) {
        finish(call, &v, s);
        return;
    }
    view_close(&v);
    (void)params_refused(&p, call);
}

/* ---- eth_getProof ---- */

struct proof_keys {
    size_t count;
    struct fan_u256 *slots;
    bool *whole; /* given as 32 bytes: comes back as DATA, else as QUANTITY */
};

static void read_proof_keys(struct params *p, size_t max, struct proof_keys *out)
{
    struct where at = params_where(1, "storage keys");
    struct json list = params_value(p, &at);
    size_t i = 0, len;

    if (p->code) return;
    if (!json_is(list, JSON_ARRAY)) {
        params_fail_at(p, &at, "want an array, got %s", json_kind_name(json_kind(list)));
        return;
    }
    out->count = json_count(list);
    if (out->count > max) {
        params_fail_at(p, &at, "too many storage keys requested (max %zu, got %zu)", max, out->count);
        return;
    }
    out->slots = ARENA_ARRAY(p->arena, out->count, struct fan_u256);
    out->whole = ARENA_ARRAY(p->arena, out->count, bool);
    if (out->count && (!out->slots || !out->whole)) {
        params_fail(p, CODE_INTERNAL, "%s", fan_status_text(FAN_ENOMEM));
        return;
    }
    for (struct json v = json_first(list); !json_is(v, JSON_MISSING); v = json_next(v), i++) {
        struct where item = {.outer = &at, .index = i};
        const char *fault;

        if (!json_is(v, JSON_STRING)) {
            params_fail_at(p, &item, "want a string, got %s", json_kind_name(json_kind(v)));
            return;
        }
        fault = read_slot(json_str_raw(v), &out->slots[i], &len);
        if (fault) {
            params_fail_at(p, &item, "%s", fault);
            return;
        }
        out->whole[i] = len == 32;
    }
}

static void put_nodes(struct json_writer *w, const char *key, const struct slice *nodes, size_t count)
{
    json_put_key(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < count; i++) json_put_data(w, nodes[i]);
    json_end_array(w);
}

static void put_proof(struct json_writer *w, const struct fan_address *address, const struct chain_proof *proof,
                      const struct proof_keys *keys)
{
    uint8_t word[32];

    json_begin_object(w);
    json_put_key(w, "address");
    json_put_address(w, address);
    put_nodes(w, "accountProof", proof->account_nodes, proof->account_node_count);
    json_put_key(w, "balance");
    json_put_u256(w, &proof->account.balance_wei);
    json_put_key(w, "codeHash");
    json_put_hash(w, &proof->account.code_hash);
    json_put_key(w, "nonce");
    json_put_u64(w, proof->account.nonce);
    json_put_key(w, "storageHash");
    json_put_hash(w, &proof->account.storage_root);
    json_put_key(w, "storageProof");
    json_begin_array(w);
    for (size_t i = 0; i < keys->count; i++) {
        json_begin_object(w);
        json_put_key(w, "key");
        if (keys->whole[i]) {
            u256_to_be(&keys->slots[i], word);
            json_put_data(w, slice_of(word, sizeof word));
        } else {
            json_put_u256(w, &keys->slots[i]);
        }
        json_put_key(w, "value");
        json_put_u256(w, &proof->slots[i].value);
        put_nodes(w, "proof", proof->slots[i].nodes, proof->slots[i].node_count);
        json_end_object(w);
    }
    json_end_array(w);
    json_end_object(w);
}

static void get_proof(struct call *call)
{
    struct api *api = api_of(call);
    struct params p = params_of_call(call, 3);
    struct fan_address address = params_address(&p, 0, "address");
    struct proof_keys keys = {0};
    struct chain_proof proof = {0};
    struct block_at at;
    struct view v;
    enum fan_status s = FAN_EUNSUPPORTED;

    read_proof_keys(&p, api->options.proof_slots_max, &keys);
    at = params_block(&p, 2);
    if (params_refused(&p, call)) return;
    if (!view_state(call, &at, RPC_POOL, get_proof, &v)) return;
    if (atomic_load_explicit(&api->chain->forked, memory_order_acquire)) {
        view_close(&v);
        call_fail(call, CODE_REFUSED, "proofs are not available above a fork: the trie below it is another node's");
        return;
    }
    if (api->chain->ops->proof)
        s = api->chain->ops->proof(v.state, &address, keys.slots, keys.count, call_arena(call), &proof);
    if (!s) put_proof(call_result(call), &address, &proof, &keys);
    finish(call, &v, s);
}

const struct rpc_method api_eth_state_methods[] = {
    {"eth_getAccount", RPC_INLINE, 0, get_account_alone},
    {"eth_getAccountInfo", RPC_INLINE, 0, get_account_info},
    {"eth_getBalance", RPC_INLINE, 0, get_balance},
    {"eth_getCode", RPC_INLINE, 0, get_code},
    {"eth_getProof", RPC_POOL, 0, get_proof},
    {"eth_getStorageAt", RPC_INLINE, 0, get_storage_at},
    {"eth_getStorageValues", RPC_POOL, 0, get_storage_values},
    {"eth_getTransactionCount", RPC_INLINE, 0, get_transaction_count},
};
