#include "eth/block.h"

#include <stdlib.h>

#include "eth/list_count.h"

struct block *block_new(void)
{
    struct block *b = calloc(1, sizeof *b);

    if (!b) return NULL;
    ref_init(&b->ref);
    arena_home_init(&b->memory, 0);
    return b;
}

struct block *block_ref(struct block *b)
{
    ref_get(&b->ref);
    return b;
}

void block_unref(struct block *b)
{
    if (!b || !ref_put(&b->ref)) return;
    arena_home_fini(&b->memory);
    free(b);
}

enum { TX_MIN = 10, HEADER_MIN = 490, WITHDRAWAL_MIN = 25 }; /* bytes of the shortest encodings */

/* Each of these reads one list of the block. A malformed one is remembered in r, and `err` says where. */
static enum fan_status decode_txs(struct rlp *r, struct arena *a, struct block *b, struct fan_error *err)
{
    struct rlp list = rlp_enter(r);
    size_t count = list_count(&list, TX_MIN);

    b->txs = ARENA_ARRAY(a, count, struct tx);
    if (!b->txs) return FAN_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        struct fan_error why = {{0}};
        enum fan_status s = tx_decode_item(&list, a, &b->txs[i], &why);

        if (s) return fan_error_set(err, s, "transaction %zu: %s", i, why.text);
    }
    b->tx_count = count;
    rlp_leave(r, &list);
    return FAN_OK;
}

static enum fan_status decode_ommers(struct rlp *r, struct arena *a, struct block *b, struct fan_error *err)
{
    struct rlp list = rlp_enter(r);
    size_t count = list_count(&list, HEADER_MIN);
    struct header *ommers = ARENA_ARRAY(a, count, struct header);

    if (!ommers) return FAN_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        struct fan_error why = {{0}};
        enum fan_status s = header_decode(&list, &ommers[i], &why);

        if (s) return fan_error_set(err, s, "uncle %zu: %s", i, why.text);
    }
    b->ommers = ommers;
    b->ommer_count = count;
    rlp_leave(r, &list);
    return FAN_OK;
}

static enum fan_status decode_withdrawals(struct rlp *r, struct arena *a, struct block *b)
{
    struct rlp list = rlp_enter(r);
    size_t count = list_count(&list, WITHDRAWAL_MIN);
    struct withdrawal *all = ARENA_ARRAY(a, count, struct withdrawal);

    if (!all) return FAN_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        struct rlp one = rlp_enter(&list);

        all[i].index = rlp_u64(&one);
        all[i].validator_index = rlp_u64(&one);
        all[i].address = rlp_address(&one, NULL);
        all[i].amount_gwei = rlp_u64(&one);
        rlp_leave(&list, &one);
    }
    b->withdrawals = all;
    b->withdrawal_count = count;
    rlp_leave(r, &list);
    return FAN_OK;
}

static enum fan_status decode_parts(struct rlp *r, struct block *b, struct fan_error *err)
{
    struct arena a = arena_of(&b->memory);
    struct slice bytes = arena_dup(&a, r->rest); /* transactions point into our own copy */
    struct rlp whole, list;
    enum fan_status s;

    if (!bytes.at) return FAN_ENOMEM;
    whole = rlp_of(bytes);
    list = rlp_enter(&whole);
    s = header_decode(&list, &b->header, err);
    if (!s) s = decode_txs(&list, &a, b, err);
    if (!s) s = decode_ommers(&list, &a, b, err);
    if (s) return s;
    if (b->header.extent >= HEADER_SHANGHAI) {
        if (!list.failed && !rlp_more(&list)) rlp_fail(&list, "missing withdrawals in block body");
        s = decode_withdrawals(&list, &a, b);
        if (s) return s;
    } else if (rlp_more(&list)) {
        rlp_fail(&list, "withdrawals present in block body");
    }
    rlp_leave(&whole, &list);
    if (rlp_end(&whole)) return fan_error_set(err, FAN_EFORMAT, "block: %s", whole.why);
    block_finish(b);
    return FAN_OK;
}

enum fan_status block_decode(struct rlp *r, struct block **out, struct fan_error *err)
{
    struct slice raw = rlp_raw(r);
    struct rlp one = rlp_of(raw);
    enum fan_status s;
    struct block *b;

    if (r->failed) return fan_error_set(err, FAN_EFORMAT, "block: %s", r->why);
    b = block_new();
    if (!b) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    s = decode_parts(&one, b, err);
    if (s == FAN_ENOMEM) (void)fan_error_set(err, s, "out of memory");
    if (s == FAN_EFORMAT) rlp_fail(r, "malformed block");
    if (s) {
        block_unref(b);
        return s;
    }
    *out = b;
    return FAN_OK;
}

void withdrawal_put(const struct withdrawal *w, struct buf *out)
{
    size_t list = rlp_list_begin(out);

    rlp_put_u64(out, w->index);
    rlp_put_u64(out, w->validator_index);
    rlp_put_address(out, &w->address);
    rlp_put_u64(out, w->amount_gwei);
    rlp_list_end(out, list);
}

void block_put_body(const struct block *b, struct buf *out)
{
    size_t list = rlp_list_begin(out);

    for (size_t i = 0; i < b->tx_count; i++) tx_put_item(&b->txs[i], out);
    rlp_list_end(out, list);
    list = rlp_list_begin(out);
    for (size_t i = 0; i < b->ommer_count; i++) header_put(&b->ommers[i], out);
    rlp_list_end(out, list);
    if (b->header.extent >= HEADER_SHANGHAI) {
        list = rlp_list_begin(out);
        for (size_t i = 0; i < b->withdrawal_count; i++) withdrawal_put(&b->withdrawals[i], out);
        rlp_list_end(out, list);
    }
}

void block_put(const struct block *b, struct buf *out)
{
    size_t block = rlp_list_begin(out);

    header_put(&b->header, out);
    block_put_body(b, out);
    rlp_list_end(out, block);
}

enum fan_status block_recover_senders(struct block *b, bool low_s, struct fan_error *err)
{
    for (size_t i = 0; i < b->tx_count; i++) {
        enum fan_status s = b->txs[i].has_sender ? FAN_OK : tx_recover(&b->txs[i], low_s);

        if (s == FAN_ENOMEM) return fan_error_set(err, s, "out of memory");
        if (s) return fan_error_set(err, FAN_EREJECTED, "transaction %zu: invalid transaction v, r, s values", i);
    }
    return FAN_OK;
}

static uint64_t list_size(uint64_t payload)
{
    return rlp_header(0xc0, payload, NULL) + payload;
}

/* What block_put() would write, counted instead of written: the RPC shows it for every block. */
static uint64_t size_of(const struct block *b, uint64_t header_len)
{
    uint64_t txs = 0, ommers = 0, withdrawals = 0, all;

    for (size_t i = 0; i < b->tx_count; i++) {
        size_t len = b->txs[i].encoded.len;

        txs += len +
               (b->txs[i].type == TX_LEGACY ? 0 : rlp_header(0x80, len, NULL)); /* a typed one has more than one byte */
    }
    for (size_t i = 0; i < b->ommer_count; i++) ommers += header_size(&b->ommers[i], NULL);
    for (size_t i = 0; i < b->withdrawal_count; i++) {
        uint8_t space[128];
        struct buf one = {.at = space, .cap = sizeof space, .len_max = sizeof space};

        withdrawal_put(&b->withdrawals[i], &one);
        assert(!one.failed);
        withdrawals += one.len;
    }
    all = header_len + list_size(txs) + list_size(ommers);
    if (b->header.extent >= HEADER_SHANGHAI) all += list_size(withdrawals);
    return list_size(all);
}

static void derive_receipt(struct block *b, size_t index)
{
    struct receipt *r = &b->receipts[index];
    const struct tx *tx = &b->txs[index];

    r->type = tx->type;
    r->gas_used = r->cumulative_gas_used - (index ? b->receipts[index - 1].cumulative_gas_used : 0);
    r->effective_gas_price_wei = tx_effective_gas_price(tx, b->header.base_fee_wei);
    r->blob_gas_used = (uint64_t)tx->blob_count * 131072;
    r->has_contract = !tx->has_to && tx->has_sender; /* also when the creation failed, as geth has it */
    if (r->has_contract) r->contract = tx_create_address(&tx->sender, tx->nonce);
    for (size_t i = 0; i < r->log_count; i++) {
        size_t at = (size_t)(r->logs - b->logs) + i;
        struct log *l = &b->logs[at];

        assert(at < b->log_count);
        l->block_hash = b->hash;
        l->tx_hash = tx->hash;
        l->block_number = b->header.number;
        l->block_timestamp = b->header.timestamp;
        l->tx_index = index;
        l->index = at;
    }
}

void block_finish(struct block *b)
{
    size_t header_len = header_size(&b->header, &b->hash);

    b->size = size_of(b, header_len);
    if (!b->has_receipts) return;
    for (size_t i = 0; i < b->tx_count; i++) derive_receipt(b, i);
}

struct tx_place block_tx_place(const struct block *b, size_t index)
{
    return (struct tx_place){.block_hash = b->hash,
                             .block_number = b->header.number,
                             .block_timestamp = b->header.timestamp,
                             .base_fee_wei = b->header.base_fee_wei,
                             .index = index};
}
