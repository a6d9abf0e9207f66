/* From bytes to struct tx. Nothing long is copied: data and signatures' bytes are read where they stand, and only lists
 * become arrays. */
#include "codec/keccak.h"
#include "codec/u256.h"
#include "eth/list_count.h"
#include "eth/tx.h"

enum { BLOB_LEN = 131072, POINT_LEN = 48, CELL_PROOFS = 128 };
enum { HASH_MIN = 33, ACCESS_MIN = 23, AUTHORIZATION_MIN = 27 }; /* bytes of the shortest encodings */

static const struct fan_hash *decode_hashes(struct rlp *r, struct arena *a, size_t *out_count, bool *out_of_memory)
{
    struct rlp list = rlp_enter(r);
    size_t count = list_count(&list, HASH_MIN);
    struct fan_hash *hashes = ARENA_ARRAY(a, count, struct fan_hash);

    if (!hashes) {
        *out_of_memory = true;
        return NULL;
    }
    for (size_t i = 0; i < count; i++) hashes[i] = rlp_hash(&list);
    rlp_leave(r, &list);
    *out_count = count;
    return hashes;
}

static void decode_access_list(struct rlp *r, struct arena *a, struct tx *tx, bool *out_of_memory)
{
    struct rlp list = rlp_enter(r);
    size_t count = list_count(&list, ACCESS_MIN);
    struct tx_access *access = ARENA_ARRAY(a, count, struct tx_access);

    if (!access) {
        *out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < count && !*out_of_memory; i++) {
        struct rlp pair = rlp_enter(&list);

        access[i].address = rlp_address(&pair, NULL);
        access[i].slots = decode_hashes(&pair, a, &access[i].slot_count, out_of_memory);
        rlp_leave(&list, &pair);
    }
    rlp_leave(r, &list);
    tx->access = access;
    tx->access_count = count;
}

static void decode_authorizations(struct rlp *r, struct arena *a, struct tx *tx, bool *out_of_memory)
{
    struct rlp list = rlp_enter(r);
    size_t count = list_count(&list, AUTHORIZATION_MIN);
    struct tx_authorization *all = ARENA_ARRAY(a, count, struct tx_authorization);

    if (!all) {
        *out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct rlp one = rlp_enter(&list);
        uint64_t y_parity;

        all[i].chain_id = rlp_u256(&one);
        all[i].address = rlp_address(&one, NULL);
        all[i].nonce = rlp_u64(&one);
        y_parity = rlp_u64(&one);
        if (y_parity > UINT8_MAX)
            rlp_fail(&one, "an authorization's y parity is no byte"); /* 2 … 255 decode, and never verify */
        all[i].y_parity = (uint8_t)y_parity;
        all[i].r = rlp_u256(&one);
        all[i].s = rlp_u256(&one);
        rlp_leave(&list, &one);
    }
    rlp_leave(r, &list);
    tx->authorizations = all;
    tx->authorization_count = count;
}

static void decode_signature(struct rlp *r, struct tx *tx)
{
    tx->v = rlp_u256(r);
    tx->r = rlp_u256(r);
    tx->s = rlp_u256(r);
}

/* EIP-155: v = 35 + 2 × chain id + parity. Anything below 35 has no chain id in it. */
static void read_chain_id(struct rlp *r, struct tx *tx)
{
    struct fan_u256 base = u256_of(35), two = u256_of(2), id;

    if (!u256_sub(&tx->v, &base, &id)) return;
    u256_div(&id, &two, &id, NULL);
    if (!u256_fits_u64(&id, &tx->chain_id)) {
        rlp_fail(r, "the chain id in v has more than 64 bits");
        return;
    }
    tx->has_chain_id = true;
}

static void decode_legacy(struct rlp *r, struct tx *tx)
{
    bool creates = false;

    tx->nonce = rlp_u64(r);
    tx->gas_price_wei = rlp_u256(r);
    tx->priority_fee_wei = tx->gas_price_wei;
    tx->gas_limit = rlp_u64(r);
    tx->to = rlp_address(r, &creates);
    tx->has_to = !creates;
    tx->value_wei = rlp_u256(r);
    tx->data = rlp_bytes(r);
    decode_signature(r, tx);
    read_chain_id(r, tx);
}

/* Types 1 to 4 differ in what surrounds a common middle. */
static void decode_typed(struct rlp *r, struct arena *a, struct tx *tx, bool *out_of_memory)
{
    bool creates = false, may_create = tx->type == TX_ACCESS_LIST || tx->type == TX_DYNAMIC_FEE;

    tx->has_chain_id = true;
    tx->chain_id = rlp_u64(r);
    tx->nonce = rlp_u64(r);
    if (tx->type != TX_ACCESS_LIST) tx->priority_fee_wei = rlp_u256(r);
    tx->gas_price_wei = rlp_u256(r);
    if (tx->type == TX_ACCESS_LIST) tx->priority_fee_wei = tx->gas_price_wei;
    tx->gas_limit = rlp_u64(r);
    tx->to = rlp_address(r, may_create ? &creates : NULL);
    tx->has_to = !creates;
    tx->value_wei = rlp_u256(r);
    tx->data = rlp_bytes(r);
    decode_access_list(r, a, tx, out_of_memory);
    if (*out_of_memory) return;
    if (tx->type == TX_BLOB) {
        tx->blob_fee_max_wei = rlp_u256(r);
        tx->blob_hashes = decode_hashes(r, a, &tx->blob_count, out_of_memory);
    } else if (tx->type == TX_SET_CODE) {
        decode_authorizations(r, a, tx, out_of_memory);
    }
    if (!*out_of_memory) decode_signature(r, tx);
}

/* A list of strings of `each` bytes, put side by side. */
static struct slice decode_parts(struct rlp *r, size_t each, struct arena *a, size_t *out_count, bool *out_of_memory)
{
    struct rlp list = rlp_enter(r);
    size_t count = list_count(&list, each);
    uint8_t *all;

    all = arena_bytes(a, count * each);
    if (!all) {
        *out_of_memory = true;
        return slice_of(NULL, 0);
    }
    for (size_t i = 0; i < count; i++) rlp_fixed(&list, all + i * each, each);
    rlp_leave(r, &list);
    *out_count = count;
    return slice_of(all, count * each);
}

static void decode_sidecar(struct rlp *r, struct arena *a, struct tx *tx, bool *out_of_memory)
{
    struct tx_sidecar *side = ARENA_NEW(a, struct tx_sidecar);
    size_t commitments = 0, proofs = 0;

    if (!side) {
        *out_of_memory = true;
        return;
    }
    if (!rlp_peek_is_list(r)) {
        uint64_t version = rlp_u64(r);

        if (version != 1) rlp_fail(r, "unsupported blob sidecar version");
        side->version = 1;
    }
    side->blobs = decode_parts(r, BLOB_LEN, a, &side->blob_count, out_of_memory);
    if (!*out_of_memory) side->commitments = decode_parts(r, POINT_LEN, a, &commitments, out_of_memory);
    if (!*out_of_memory) side->proofs = decode_parts(r, POINT_LEN, a, &proofs, out_of_memory);
    if (r->failed || *out_of_memory) return;
    if (side->blob_count != tx->blob_count) rlp_fail(r, "the number of blobs differs from that of blob hashes");
    if (commitments != side->blob_count) rlp_fail(r, "the number of commitments differs from that of blobs");
    if (proofs != side->blob_count * (side->version == 1 ? CELL_PROOFS : 1))
        rlp_fail(r, "the number of proofs does not fit that of blobs");
    tx->sidecar = side;
}

/* What a transaction with a sidecar looks like inside a block: the type and the inner list. */
static void keep_without_sidecar(struct slice inner, struct arena *a, struct tx *tx, bool *out_of_memory)
{
    uint8_t *copy = arena_bytes(a, inner.len + 1);

    if (!copy) {
        *out_of_memory = true;
        return;
    }
    copy[0] = TX_BLOB;
    memcpy(copy + 1, inner.at, inner.len);
    tx->encoded = slice_of(copy, inner.len + 1);
}

/* The network form wraps the transaction's list and its sidecar into another list. */
static void decode_network_blob(struct rlp *outer, struct arena *a, struct tx *tx, bool *out_of_memory)
{
    struct slice inner = rlp_raw(outer);
    struct rlp again = rlp_of(inner), list = rlp_enter(&again);

    decode_typed(&list, a, tx, out_of_memory);
    rlp_leave(outer, &list);
    if (outer->failed || *out_of_memory) return;
    decode_sidecar(outer, a, tx, out_of_memory);
    if (!outer->failed && !*out_of_memory) keep_without_sidecar(inner, a, tx, out_of_memory);
}

enum fan_status tx_decode(struct slice bytes, struct arena *a, struct tx *out, struct fan_error *err)
{
    struct tx tx = {.type = TX_LEGACY, .encoded = bytes};
    bool out_of_memory = false;
    struct rlp r, list;

    if (bytes.len == 0) return fan_error_set(err, FAN_EFORMAT, "typed transaction too short");
    if (bytes.at[0] < 0xc0) {
        if (bytes.at[0] < TX_ACCESS_LIST || bytes.at[0] > TX_SET_CODE)
            return fan_error_set(err, FAN_EFORMAT, "transaction type not supported");
        if (bytes.len == 1) return fan_error_set(err, FAN_EFORMAT, "typed transaction too short");
        tx.type = (enum tx_type)bytes.at[0];
        bytes = slice_from(bytes, 1);
    }
    r = rlp_of(bytes);
    list = rlp_enter(&r);
    if (tx.type == TX_LEGACY)
        decode_legacy(&list, &tx);
    else if (tx.type == TX_BLOB && rlp_peek_is_list(&list))
        decode_network_blob(&list, a, &tx, &out_of_memory);
    else
        decode_typed(&list, a, &tx, &out_of_memory);
    if (out_of_memory) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    rlp_leave(&r, &list);
    if (rlp_end(&r)) return fan_error_set(err, FAN_EFORMAT, "transaction: %s", r.why);
    tx.hash = keccak256(tx.encoded);
    *out = tx;
    return FAN_OK;
}

enum fan_status tx_decode_item(struct rlp *r, struct arena *a, struct tx *out, struct fan_error *err)
{
    struct tx tx;
    struct slice bytes;
    enum fan_status s;
    bool typed = !rlp_peek_is_list(r);

    bytes = typed ? rlp_bytes(r) : rlp_raw(r);
    if (r->failed) return fan_error_set(err, FAN_EFORMAT, "transaction: %s", r->why);
    if (typed && bytes.len && bytes.at[0] >= 0xc0) { /* a legacy one has no business inside a string */
        rlp_fail(r, "transaction type not supported");
        return fan_error_set(err, FAN_EFORMAT, "%s", r->why);
    }
    s = tx_decode(bytes, a, &tx, err);
    if (s == FAN_EFORMAT) rlp_fail(r, "malformed transaction");
    if (s) return s;
    if (tx.sidecar) {
        rlp_fail(r, "unexpected blob sidecar in transaction");
        return fan_error_set(err, FAN_EFORMAT, "%s", r->why);
    }
    *out = tx;
    return FAN_OK;
}
