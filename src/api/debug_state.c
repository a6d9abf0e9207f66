/* debug_: what a state holds, listed: accounts, a contract's slots, what differs between two blocks; as geth tells it,
 * in the order of hashed keys, with the plain keys beside them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/retrace.h"
#include "api/tables.h"
#include "codec/hex.h"
#include "codec/keccak.h"
#include "codec/u256.h"

enum { ACCOUNTS_MAX = 256 };

/* ---- lists that grow while a state is walked ---- */

struct slot_row {
    struct fan_hash hashed, key, value;
};

struct account_row {
    struct fan_hash hashed;
    struct fan_address address;
    struct chain_account account;
};

struct rows {
    void *list;
    size_t size, count, cap;
    bool failed;
};

/* Room for one more, zeroed; NULL: out of memory, which `failed` remembers. */
static void *rows_add(struct rows *r)
{
    void *wide;

    if (r->count == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 256;

        wide = realloc(r->list, cap * r->size);
        r->failed = !wide;
        if (!wide) return NULL;
        r->list = wide;
        r->cap = cap;
    }
    wide = (uint8_t *)r->list + r->count++ * r->size;
    memset(wide, 0, r->size);
    return wide;
}

/* Both kinds of row begin with their hash. */
static int by_hash(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct fan_hash));
}

static struct fan_hash word_of(const struct fan_u256 *v)
{
    struct fan_hash h;

    u256_to_be(v, h.bytes);
    return h;
}

static bool add_slot(void *ctx, const struct fan_u256 *slot, const struct fan_u256 *value)
{
    struct slot_row *row = rows_add(ctx);

    if (!row) return false;
    row->key = word_of(slot);
    row->value = word_of(value);
    row->hashed = keccak256(slice_of(row->key.bytes, sizeof row->key.bytes));
    return true;
}

static bool add_account(void *ctx, const struct fan_address *address, const struct chain_account *account)
{
    struct account_row *row = rows_add(ctx);

    if (!row) return false;
    row->hashed = keccak256(slice_of(address->bytes, sizeof address->bytes));
    row->address = *address;
    row->account = *account;
    return true;
}

/* Where a walk begins: bytes as geth takes them, but odd digits too, since Remix asks from "0x0". */
static struct fan_hash read_start(struct params *p, size_t index, const char *name)
{
    struct where at = params_where(index, name);
    struct slice text = params_text(p, index, name);
    struct fan_hash start = {{0}};
    uint8_t bytes[33] = {0};
    char padded[67];
    size_t digits = text.len - 2;

    if (p->code) return start;
    if (text.len < 2 || text.at[0] != '0' || text.at[1] != 'x' || digits > 64) {
        params_fail_at(p, &at, "want at most 32 bytes in hexadecimal, with 0x before them");
        return start;
    }
    (void)snprintf(padded, sizeof padded, "%s%.*s", digits % 2 ? "0" : "", (int)digits, (const char *)text.at + 2);
    if (hex_decode(slice_str(padded), bytes)) params_fail_at(p, &at, "invalid hex string");
    memcpy(start.bytes, bytes, sizeof start.bytes);
    return start;
}

static void answer_walk_failed(struct call *call, enum fan_status s)
{
    struct fan_error err = {{0}};

    if (s == FAN_EUNSUPPORTED)
        s = fan_error_set(&err, s, "the state below a fork is another node's and cannot be listed");
    answer_status(call, s, &err);
}

/* ---- debug_storageRangeAt ---- */

/* What the first transactions of the block did to the contract's slots, as the differ of geth's prestateTracer tells
 * it. */
static enum fan_status apply_diff(struct rows *rows, struct json diff, struct slice address)
{
    struct json before = {0}, after = {0}, v;
    bool was = false, is = false;

    for (v = json_first(json_get(diff, "pre")); !json_is(v, JSON_MISSING); v = json_next(v))
        if (slice_eq(json_key(v), address)) {
            before = json_get(v, "storage");
            was = true;
        }
    for (v = json_first(json_get(diff, "post")); !json_is(v, JSON_MISSING); v = json_next(v))
        if (slice_eq(json_key(v), address)) {
            after = json_get(v, "storage");
            is = true;
        }
    if (was && !is) rows->count = 0; /* it is gone, and its storage with it */
    for (v = json_first(before); !json_is(v, JSON_MISSING); v = json_next(v)) { /* zero now, unless said below */
        struct fan_hash key;

        if (hex_read_fixed(json_key(v), key.bytes, sizeof key.bytes)) return FAN_EINTERNAL;
        for (size_t i = 0; i < rows->count; i++) {
            struct slot_row *row = (struct slot_row *)rows->list + i;

            if (memcmp(&row->key, &key, sizeof key) != 0) continue;
            *row = ((struct slot_row *)rows->list)[--rows->count];
            break;
        }
    }
    for (v = json_first(after); !json_is(v, JSON_MISSING); v = json_next(v)) {
        struct slot_row *row = rows_add(rows);

        if (!row) return FAN_ENOMEM;
        if (hex_read_fixed(json_key(v), row->key.bytes, sizeof row->key.bytes) ||
            hex_read_fixed(json_str_raw(v), row->value.bytes, sizeof row->value.bytes))
            return FAN_EINTERNAL;
        row->hashed = keccak256(slice_of(row->key.bytes, sizeof row->key.bytes));
    }
    return FAN_OK;
}

/* geth's answer: at most so many slots from `start` on, and where to go on. */
static void put_range(struct json_writer *w, const struct rows *rows, const struct fan_hash *start, uint64_t most)
{
    const struct slot_row *row = rows->list;
    size_t i = 0;

    json_begin_object(w);
    json_put_key(w, "storage");
    if (!rows->count) { /* as Go writes a map that was never made */
        json_put_null(w);
    } else {
        json_begin_object(w);
        while (i < rows->count && memcmp(&row[i].hashed, start, sizeof *start) < 0) i++;
        for (; i < rows->count && most; i++, most--) {
            json_put_data_key(w, slice_of(row[i].hashed.bytes, 32));
            json_begin_object(w);
            json_put_key(w, "key");
            json_put_hash(w, &row[i].key);
            json_put_key(w, "value");
            json_put_hash(w, &row[i].value);
            json_end_object(w);
        }
        json_end_object(w);
    }
    json_put_key(w, "nextKey");
    if (i < rows->count)
        json_put_hash(w, &row[i].hashed);
    else
        json_put_null(w);
    json_end_object(w);
}

/* The slots after the block's first `count` transactions. False: the call was answered. */
static bool slots_within(struct call *call, const struct block *b, size_t count, const struct fan_address *address,
                         struct rows *rows)
{
    static const struct chain_tracer_config differ = {.tracer = CHAIN_TRACE_PRESTATE, .diff = true};
    char text[43] = "0x";
    struct view parent;
    struct json list;
    enum fan_status s;

    hex_encode(slice_of(address->bytes, sizeof address->bytes), text + 2);
    if (!retrace_parent(call, b, &parent)) return false;
    s = parent.chain->ops->walk_slots ? parent.chain->ops->walk_slots(parent.state, address, add_slot, rows)
                                      : FAN_EUNSUPPORTED;
    view_close(&parent);
    if (!s && rows->failed) s = FAN_ENOMEM;
    if (s) {
        answer_walk_failed(call, s);
        return false;
    }
    if (!retrace_txs(call, b, &differ, 0, count, call_arena(call), &list)) return false;
    for (struct json tx = json_first(list); !s && !json_is(tx, JSON_MISSING); tx = json_next(tx))
        s = apply_diff(rows, tx, slice_of(text, sizeof text - 1));
    if (s) answer_status(call, s, NULL);
    return !s;
}

static void storage_range_at(struct call *call)
{
    struct params p = params_of_call(call, 5);
    uint64_t index = params_count(&p, 1, "transaction index"), most = params_count(&p, 4, "most slots");
    struct fan_address address = params_address(&p, 2, "address");
    struct fan_hash start = read_start(&p, 3, "first key");
    struct rows rows = {.size = sizeof(struct slot_row)};
    struct block_at at;
    struct view v;

    at = params_block_given(&p, 0);
    if (params_refused(&p, call) || !view_block(call, &at, RPC_POOL, storage_range_at, &v)) return;
    if (!v.block || v.pending) {
        call_fail(call, CODE_REFUSED, "block not found");
    } else if (v.block->header.number == 0) {
        call_fail(call, CODE_REFUSED, "no transaction in genesis");
    } else if (index && index >= v.block->tx_count) {
        char hash[64];

        hex_encode(slice_of(v.block->hash.bytes, sizeof v.block->hash.bytes), hash);
        call_fail(call, CODE_REFUSED, "transaction index %" PRIu64 " out of range for block 0x%.*s", index,
                  (int)sizeof hash, hash);
    } else if (slots_within(call, v.block, (size_t)index, &address, &rows)) {
        if (rows.count) qsort(rows.list, rows.count, rows.size, by_hash);
        put_range(call_result(call), &rows, &start, most);
        call_finish(call);
    }
    free(rows.list);
    view_close(&v);
}

/* ---- debug_accountRange, debug_dumpBlock ---- */

struct dump {
    struct view view;
    struct fan_hash start;
    uint64_t most;
    bool no_code, no_storage;
};

static bool put_slot(void *ctx, const struct fan_u256 *slot, const struct fan_u256 *value)
{
    struct json_writer *w = ctx;
    struct fan_hash key = word_of(slot), word = word_of(value);
    char text[65];
    size_t zeros = 0;

    while (zeros < 32 && !word.bytes[zeros]) zeros++;
    hex_encode(slice_of(word.bytes + zeros, 32 - zeros), text);
    json_put_data_key(w, slice_of(key.bytes, sizeof key.bytes));
    json_put_str(w, slice_of(text, 2 * (32 - zeros)));
    return !w->out->failed;
}

static enum fan_status put_account(struct call *call, const struct dump *d, const struct account_row *row)
{
    struct json_writer *w = call_result(call);
    const struct chain_ops *ops = d->view.chain->ops;
    char decimal[79], name[43];
    struct slice code = {0};
    enum fan_status s = FAN_OK;

    hex_write_checksum(&row->address, name);
    json_put_key(w, name);
    json_begin_object(w);
    json_put_key(w, "balance");
    u256_to_decimal(&row->account.balance_wei, decimal);
    json_put_text(w, decimal);
    json_put_key(w, "nonce");
    json_put_number(w, row->account.nonce);
    json_put_key(w, "root");
    json_put_hash(w, &row->account.storage_root);
    json_put_key(w, "codeHash");
    json_put_hash(w, &row->account.code_hash);
    if (!d->no_code) s = ops->code(d->view.state, &row->account.code_hash, call_arena(call), &code);
    if (code.len) {
        json_put_key(w, "code");
        json_put_data(w, code);
    }
    if (!s && !d->no_storage && memcmp(&row->account.storage_root, &KECCAK_EMPTY_TRIE, sizeof KECCAK_EMPTY_TRIE) != 0) {
        json_put_key(w, "storage");
        json_begin_object(w);
        s = ops->walk_slots(d->view.state, &row->address, put_slot, w);
        json_end_object(w);
    }
    json_put_key(w, "address");
    json_put_address(w, &row->address);
    json_put_key(w, "key");
    json_put_hash(w, &row->hashed);
    json_end_object(w);
    return s;
}

static enum fan_status put_accounts(struct call *call, const struct dump *d, const struct rows *rows)
{
    struct json_writer *w = call_result(call);
    const struct account_row *row = rows->list;
    char root[65];
    uint64_t left = d->most;
    size_t i = 0;
    enum fan_status s = FAN_OK;

    hex_encode(slice_of(d->view.block->header.state_root.bytes, 32), root);
    json_begin_object(w);
    json_put_key(w, "root");
    json_put_str(w, slice_of(root, 64));
    json_put_key(w, "accounts");
    json_begin_object(w);
    while (i < rows->count && memcmp(&row[i].hashed, &d->start, sizeof d->start) < 0) i++;
    for (; !s && i < rows->count && left; i++, left--) s = put_account(call, d, &row[i]);
    json_end_object(w);
    if (i < rows->count) {
        json_put_key(w, "next");
        json_put_hash(w, &row[i].hashed);
    }
    json_end_object(w);
    return s;
}

static void dump(struct call *call, struct dump *d)
{
    struct rows rows = {.size = sizeof(struct account_row)};
    const struct chain_ops *ops = d->view.chain->ops;
    enum fan_status s = ops->walk_accounts ? ops->walk_accounts(d->view.state, add_account, &rows) : FAN_EUNSUPPORTED;

    if (!s && rows.failed) s = FAN_ENOMEM;
    if (rows.count) qsort(rows.list, rows.count, rows.size, by_hash);
    if (!s) s = put_accounts(call, d, &rows);
    free(rows.list);
    view_close(&d->view);
    if (s)
        answer_walk_failed(call, s);
    else
        call_finish(call);
}

/* view_state() with geth's words for a block that nobody has. */
static bool open_dump(struct call *call, const struct block_at *at, void (*again)(struct call *call), struct view *out)
{
    struct chain *chain = api_of(call)->chain;
    struct block *b = NULL;
    char hash[64];
    bool canonical;
    enum fan_status s = FAN_OK;

    if (at->kind == BLOCK_NUMBER && at->number > atomic_load(&chain->head_number)) {
        call_fail(call, CODE_REFUSED, "block #%" PRIu64 " not found", at->number);
        return false;
    }
    if (at->kind == BLOCK_HASH) s = view_find(chain, at, &b, &canonical);
    if (at->kind == BLOCK_HASH && !s && !b) {
        hex_encode(slice_of(at->hash.bytes, sizeof at->hash.bytes), hash);
        call_fail(call, CODE_REFUSED, "block 0x%.*s not found", (int)sizeof hash, hash);
        return false;
    }
    block_unref(b);
    if (!s) return view_state(call, at, RPC_POOL, again, out);
    answer_status(call, s, NULL);
    return false;
}

static void account_range(struct call *call)
{
    struct params p = params_of_call(call, 6);
    struct dump d = {.most = ACCOUNTS_MAX};
    struct block_at at;

    at = params_block_given(&p, 0);
    if (params_has(&p, 1)) d.start = read_start(&p, 1, "first key");
    if (params_has(&p, 2)) d.most = params_count(&p, 2, "most accounts");
    if (params_has(&p, 3)) d.no_code = params_bool(&p, 3, "no code");
    if (params_has(&p, 4)) d.no_storage = params_bool(&p, 4, "no storage");
    if (params_has(&p, 5)) (void)params_bool(&p, 5, "incomplete ones too"); /* none is: all addresses are known */
    if (!d.most || d.most > ACCOUNTS_MAX) d.most = ACCOUNTS_MAX;
    if (params_refused(&p, call) || !open_dump(call, &at, account_range, &d.view)) return;
    dump(call, &d);
}

static void dump_block(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct block_at at = params_block_number(&p, 0);
    struct dump d = {.most = ACCOUNTS_MAX};

    if (params_refused(&p, call) || !open_dump(call, &at, dump_block, &d.view)) return;
    dump(call, &d);
}

/* ---- debug_getModifiedAccountsBy* ---- */

struct changes {
    struct chain_state *older;
    const struct chain_ops *ops;
    struct rows rows;
    enum fan_status status;
};

static bool note_change(void *ctx, const struct fan_address *address, const struct chain_account *account)
{
    struct changes *c = ctx;
    struct chain_account old;

    c->status = c->ops->account(c->older, address, &old);
    if (c->status) return false;
    if (old.exists && old.nonce == account->nonce && u256_eq(&old.balance_wei, &account->balance_wei) &&
        memcmp(&old.code_hash, &account->code_hash, sizeof old.code_hash) == 0 &&
        memcmp(&old.storage_root, &account->storage_root, sizeof old.storage_root) == 0)
        return true;
    return add_account(&c->rows, address, account);
}

/* What is in the later state and was not so in the earlier one, in the order of hashed addresses. */
static void answer_modified(struct call *call, const struct block *from, const struct block *to)
{
    struct block_at before = {.kind = BLOCK_HASH, .hash = from->hash}, after = {.kind = BLOCK_HASH, .hash = to->hash};
    struct changes c = {.rows.size = sizeof(struct account_row)};
    struct json_writer *w = call_result(call);
    struct view older, newer;
    enum fan_status s;

    if (!view_state(call, &before, RPC_POOL, NULL, &older)) return;
    if (!view_state(call, &after, RPC_POOL, NULL, &newer)) {
        view_close(&older);
        return;
    }
    c.older = older.state;
    c.ops = older.chain->ops;
    s = c.ops->walk_accounts ? c.ops->walk_accounts(newer.state, note_change, &c) : FAN_EUNSUPPORTED;
    if (!s) s = c.rows.failed ? FAN_ENOMEM : c.status;
    view_close(&older);
    view_close(&newer);
    if (c.rows.count) qsort(c.rows.list, c.rows.count, c.rows.size, by_hash);
    json_begin_array(w);
    for (size_t i = 0; i < c.rows.count; i++) json_put_address(w, &((struct account_row *)c.rows.list)[i].address);
    json_end_array(w);
    free(c.rows.list);
    if (s)
        answer_walk_failed(call, s);
    else
        call_finish(call);
}

/* geth writes the first number in hexadecimal. */
static void answer_no_block(struct call *call, const char *which, const struct block_at *at)
{
    char hash[64];

    hex_encode(slice_of(at->hash.bytes, sizeof at->hash.bytes), hash);
    if (at->kind == BLOCK_HASH)
        call_fail(call, CODE_REFUSED, "%s block %.*s not found", which, (int)sizeof hash, hash);
    else
        call_fail(call, CODE_REFUSED,
                  which[0] == 's' ? "%s block %" PRIx64 " not found" : "%s block %" PRIu64 " not found", which,
                  at->number);
}

static void modified(struct call *call, const struct block_at at[2], bool has_end)
{
    struct chain *chain = api_of(call)->chain;
    struct block *from = NULL, *to = NULL;
    bool canonical, missing;
    enum fan_status s = view_find(chain, &at[0], &from, &canonical);

    if (!s && has_end) s = view_find(chain, &at[1], &to, &canonical);
    missing = !from || (has_end && !to);
    if (!s && !missing && !has_end) { /* what this one block did */
        struct block_at parent = {.kind = BLOCK_HASH, .hash = from->header.parent_hash};

        to = from;
        from = NULL;
        s = view_find(chain, &parent, &from, &canonical);
    }
    if (s)
        answer_status(call, s, NULL);
    else if (missing)
        answer_no_block(call, from ? "end" : "start", &at[from ? 1 : 0]);
    else if (!from)
        call_fail(call, CODE_REFUSED, "block %" PRIu64 " has no parent", to->header.number);
    else if (from->header.number >= to->header.number)
        call_fail(call, CODE_REFUSED,
                  "start block height (%" PRIu64 ") must be less than end block height (%" PRIu64 ")",
                  from->header.number, to->header.number);
    else
        answer_modified(call, from, to);
    block_unref(from);
    block_unref(to);
}

static void modified_by_number(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct block_at at[2] = {{.kind = BLOCK_NUMBER, .number = params_count(&p, 0, "first block")}};
    bool has_end = params_has(&p, 1);

    if (has_end) at[1] = (struct block_at){.kind = BLOCK_NUMBER, .number = params_count(&p, 1, "last block")};
    if (!params_refused(&p, call)) modified(call, at, has_end);
}

static void modified_by_hash(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct block_at at[2] = {{.kind = BLOCK_HASH, .hash = params_hash(&p, 0, "first block")}};
    bool has_end = params_has(&p, 1);

    if (has_end) at[1] = (struct block_at){.kind = BLOCK_HASH, .hash = params_hash(&p, 1, "last block")};
    if (!params_refused(&p, call)) modified(call, at, has_end);
}

/* ---- debug_codeByHash ---- */

static void code_by_hash(struct call *call)
{
    struct params p = params_of_call(call, 2);
    struct fan_hash hash = params_hash(&p, 0, "code hash");
    struct block_at at = params_block(&p, 1);
    struct slice code = {0};
    struct view v;
    enum fan_status s;

    if (params_refused(&p, call) || !view_state(call, &at, RPC_POOL, code_by_hash, &v)) return;
    s = v.chain->ops->code(v.state, &hash, call_arena(call), &code);
    view_close(&v);
    if (s && s != FAN_ENOTFOUND) {
        answer_status(call, s, NULL);
        return;
    }
    json_put_data(call_result(call), s ? (struct slice){0} : code);
    call_finish(call);
}

const struct rpc_method api_debug_state_methods[] = {
    {"debug_accountRange", RPC_POOL, 0, account_range},
    {"debug_codeByHash", RPC_POOL, 0, code_by_hash},
    {"debug_dumpBlock", RPC_POOL, 0, dump_block},
    {"debug_getModifiedAccountsByHash", RPC_POOL, 0, modified_by_hash},
    {"debug_getModifiedAccountsByNumber", RPC_POOL, 0, modified_by_number},
    {"debug_storageRangeAt", RPC_POOL, 0, storage_range_at},
};
