/* From struct tx to bytes: what is signed, what stands in a block, what travels. */
#include "eth/tx_encode.h"

#include "codec/keccak.h"
#include "codec/u256.h"

enum { BLOB_LEN = 131072, POINT_LEN = 48 };

static void put_to(const struct tx *tx, struct buf *b)
{
    if (tx->has_to)
        rlp_put_address(b, &tx->to);
    else
        rlp_put_bytes(b, slice_of(NULL, 0));
}

static void put_hashes(const struct fan_hash *hashes, size_t count, struct buf *b)
{
    size_t list = rlp_list_begin(b);

    for (size_t i = 0; i < count; i++) rlp_put_hash(b, &hashes[i]);
    rlp_list_end(b, list);
}

static void put_access_list(const struct tx *tx, struct buf *b)
{
    size_t list = rlp_list_begin(b);

    for (size_t i = 0; i < tx->access_count; i++) {
        size_t pair = rlp_list_begin(b);

        rlp_put_address(b, &tx->access[i].address);
        put_hashes(tx->access[i].slots, tx->access[i].slot_count, b);
        rlp_list_end(b, pair);
    }
    rlp_list_end(b, list);
}

static void put_authorizations(const struct tx *tx, struct buf *b)
{
    size_t list = rlp_list_begin(b);

    for (size_t i = 0; i < tx->authorization_count; i++) {
        const struct tx_authorization *one = &tx->authorizations[i];
        size_t inner = rlp_list_begin(b);

        rlp_put_u256(b, &one->chain_id);
        rlp_put_address(b, &one->address);
        rlp_put_u64(b, one->nonce);
        rlp_put_u64(b, one->y_parity);
        rlp_put_u256(b, &one->r);
        rlp_put_u256(b, &one->s);
        rlp_list_end(b, inner);
    }
    rlp_list_end(b, list);
}

static void put_signature(const struct tx *tx, struct buf *b)
{
    rlp_put_u256(b, &tx->v);
    rlp_put_u256(b, &tx->r);
    rlp_put_u256(b, &tx->s);
}

static void put_legacy_fields(const struct tx *tx, struct buf *b)
{
    rlp_put_u64(b, tx->nonce);
    rlp_put_u256(b, &tx->gas_price_wei);
    rlp_put_u64(b, tx->gas_limit);
    put_to(tx, b);
    rlp_put_u256(b, &tx->value_wei);
    rlp_put_bytes(b, tx->data);
}

static void put_typed_fields(const struct tx *tx, struct buf *b)
{
    rlp_put_u64(b, tx->chain_id);
    rlp_put_u64(b, tx->nonce);
    if (tx->type != TX_ACCESS_LIST) rlp_put_u256(b, &tx->priority_fee_wei);
    rlp_put_u256(b, &tx->gas_price_wei);
    rlp_put_u64(b, tx->gas_limit);
    put_to(tx, b);
    rlp_put_u256(b, &tx->value_wei);
    rlp_put_bytes(b, tx->data);
    put_access_list(tx, b);
    if (tx->type == TX_BLOB) {
        rlp_put_u256(b, &tx->blob_fee_max_wei);
        put_hashes(tx->blob_hashes, tx->blob_count, b);
    } else if (tx->type == TX_SET_CODE) {
        put_authorizations(tx, b);
    }
}

static void put_canonical(const struct tx *tx, struct buf *b)
{
    size_t list;

    if (tx->type != TX_LEGACY) buf_put_byte(b, (uint8_t)tx->type);
    list = rlp_list_begin(b);
    if (tx->type == TX_LEGACY)
        put_legacy_fields(tx, b);
    else
        put_typed_fields(tx, b);
    put_signature(tx, b);
    rlp_list_end(b, list);
}

static void put_unsigned(const struct tx *tx, struct buf *b)
{
    size_t list;

    if (tx->type != TX_LEGACY) buf_put_byte(b, (uint8_t)tx->type);
    list = rlp_list_begin(b);
    if (tx->type != TX_LEGACY) {
        put_typed_fields(tx, b);
    } else {
        put_legacy_fields(tx, b);
        if (tx->has_chain_id) { /* EIP-155 */
            rlp_put_u64(b, tx->chain_id);
            rlp_put_u64(b, 0);
            rlp_put_u64(b, 0);
        }
    }
    rlp_list_end(b, list);
}

/* Moves what was written into the arena. */
static enum fan_status keep(struct buf *b, struct arena *a, struct slice *out)
{
    enum fan_status s = b->failed;

    if (!s) {
        struct slice copy = arena_dup(a, buf_peek(b));

        if (copy.at)
            *out = copy;
        else
            s = FAN_ENOMEM;
    }
    buf_fini(b);
    return s;
}

enum fan_status tx_seal(struct tx *tx, struct arena *a)
{
    struct slice encoded;
    struct buf b;
    enum fan_status s;

    buf_init(&b, 0);
    put_canonical(tx, &b);
    s = keep(&b, a, &encoded);
    if (s) return s;
    tx->encoded = encoded;
    tx->hash = keccak256(encoded);
    return FAN_OK;
}

enum fan_status tx_signing_hash_try(const struct tx *tx, struct fan_hash *out)
{
    enum fan_status s;
    struct buf b;

    buf_init(&b, 0);
    put_unsigned(tx, &b);
    s = b.failed;
    if (!s) *out = keccak256(buf_peek(&b));
    buf_fini(&b);
    return s;
}

struct fan_hash tx_signing_hash(const struct tx *tx)
{
    struct fan_hash hash = {{0}};

    (void)!tx_signing_hash_try(tx, &hash);
    return hash;
}

static void put_parts(struct slice parts, size_t each, struct buf *b)
{
    size_t list = rlp_list_begin(b);

    for (; parts.len >= each; parts = slice_from(parts, each)) rlp_put_bytes(b, slice_first(parts, each));
    rlp_list_end(b, list);
}

enum fan_status tx_encode_network(const struct tx *tx, struct arena *a, struct slice *out)
{
    const struct tx_sidecar *side = tx->sidecar;
    struct buf b;
    size_t list;

    if (tx->type != TX_BLOB || !side) {
        *out = tx->encoded;
        return FAN_OK;
    }
    buf_init(&b, 0);
    buf_put_byte(&b, TX_BLOB);
    list = rlp_list_begin(&b);
    rlp_put_raw(&b, slice_from(tx->encoded, 1));
    if (side->version > 0) rlp_put_u64(&b, side->version);
    put_parts(side->blobs, BLOB_LEN, &b);
    put_parts(side->commitments, POINT_LEN, &b);
    put_parts(side->proofs, POINT_LEN, &b);
    rlp_list_end(&b, list);
    return keep(&b, a, out);
}

void tx_put_item(const struct tx *tx, struct buf *b)
{
    if (tx->type == TX_LEGACY)
        rlp_put_raw(b, tx->encoded);
    else
        rlp_put_bytes(b, tx->encoded);
}
