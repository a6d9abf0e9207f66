#include "codec/console.h"
#include "codec/hex.h"
#include "codec/keccak.h"
#include "codec/u256.h"
#include "local/exec.h"

/* The override of an address and its place, or NULL. Calls bring a handful, so a walk beats a table. */
static const struct chain_override *override_of(const struct exec_reader *r, const struct fan_address *address,
                                                size_t *out_at)
{
    for (size_t i = r->override_count; i > 0; i--) /* the last one of an address counts */
        if (memcmp(&r->overrides[i - 1].address, address, sizeof *address) == 0) {
            *out_at = i - 1;
            return &r->overrides[i - 1];
        }
    return NULL;
}

/* Remembers the first failure; the EVM ends with EVM_STATE_ERROR. */
static int fail(struct exec_reader *r, enum fan_status s)
{
    if (!r->failed) r->failed = s;
    return 1;
}

static int read_account(void *ctx, const struct fan_address *address, struct evm_account *out)
{
    struct exec_reader *r = ctx;
    struct state_account account;
    size_t at = 0;
    const struct chain_override *o = override_of(r, address, &at);
    enum fan_status s = state_view_account(r->view, address, &account);

    if (s) return fail(r, s);
    if (memcmp(address, &CONSOLE_ADDRESS, sizeof *address) == 0) r->console_seen = true;
    *out = (struct evm_account){.exists = account.exists,
                                .nonce = account.nonce,
                                .balance_wei = account.balance_wei,
                                .code_hash = account.code_hash};
    if (!account.exists) out->code_hash = KECCAK_EMPTY;
    out->has_storage =
        account.exists && memcmp(&account.storage_root, &KECCAK_EMPTY_TRIE, sizeof account.storage_root) != 0;
    if (!o) return 0;
    out->exists = 1;
    if (o->has_balance) out->balance_wei = o->balance_wei;
    if (o->has_nonce) out->nonce = o->nonce;
    if (o->has_code) out->code_hash = r->code_hashes[at];
    if (o->has_state) out->has_storage = 0;
    for (size_t i = 0; i < o->slot_count; i++)
        if (!u256_is_zero(&o->slots[i].value)) out->has_storage = 1;
    return 0;
}

static bool is_ring(const struct fan_address *address)
{
    static const struct fan_address roots = {{0x00, 0x0f, 0x3d, 0xf6, 0xd7, 0x32, 0x80, 0x7e, 0xf1, 0x31,
                                              0x9f, 0xb7, 0xb8, 0xbb, 0x85, 0x22, 0xd0, 0xbe, 0xac, 0x02}},
                                    hashes = {{0x00, 0x00, 0xf9, 0x08, 0x27, 0xf1, 0xc5, 0x3a, 0x10, 0xcb,
                                               0x7a, 0x02, 0x33, 0x5b, 0x17, 0x53, 0x20, 0x00, 0x29, 0x35}};

    return memcmp(address, &roots, sizeof roots) == 0 || memcmp(address, &hashes, sizeof hashes) == 0;
}

/* True when the slot's old value need not be fetched: it counts as 0. */
static bool assumed_zero(struct exec_reader *r, const struct fan_address *address, const struct fan_u256 *slot)
{
    if (!r->begins || !is_ring(address) || r->assumed_count == COUNT_OF(r->assumed)) return false;
    if (!state_view_slot_is_far(r->view, address, slot)) return false;
    r->assumed[r->assumed_count].address = *address;
    r->assumed[r->assumed_count++].slot = *slot;
    return true;
}

static int read_storage(void *ctx, const struct fan_address *address, const struct fan_u256 *slot, struct fan_u256 *out)
{
    struct exec_reader *r = ctx;
    size_t at = 0;
    const struct chain_override *o = override_of(r, address, &at);
    enum fan_status s;

    if (o) {
        for (size_t i = o->slot_count; i > 0; i--)
            if (u256_eq(&o->slots[i - 1].slot, slot)) {
                *out = o->slots[i - 1].value;
                return 0;
            }
        if (o->has_state) {
            *out = u256_of(0);
            return 0;
        }
    }
    if (assumed_zero(r, address, slot)) {
        *out = u256_of(0);
        return 0;
    }
    s = state_view_slot(r->view, address, slot, out);
    return s ? fail(r, s) : 0;
}

static int read_code(void *ctx, const struct fan_hash *code_hash, const uint8_t **out_code, size_t *out_len)
{
    struct exec_reader *r = ctx;
    struct slice code;
    enum fan_status s;

    for (size_t i = 0; i < r->override_count; i++)
        if (r->overrides[i].has_code && memcmp(&r->code_hashes[i], code_hash, sizeof *code_hash) == 0) {
            *out_code = r->overrides[i].code.at;
            *out_len = r->overrides[i].code.len;
            return 0;
        }
    s = state_view_code(r->view, code_hash, &r->arena, &code);
    if (s) return fail(r, s);
    *out_code = code.at;
    *out_len = code.len;
    return 0;
}

static int read_block_hash(void *ctx, uint64_t number, struct fan_hash *out)
{
    struct exec_reader *r = ctx;
    enum fan_status s;

    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < r->fresh_count; i++)
        if (r->fresh[i]->header.number == number) {
            *out = r->fresh[i]->hash;
            return 0;
        }
    s = blocks_ancestor_hash(r->index, number, out);
    return s && s != FAN_ENOTFOUND ? fail(r, s) : 0;
}

void exec_reader_init(struct exec_reader *r, const struct state_view *view, struct blocks *index)
{
    memset(r, 0, sizeof *r);
    r->view = view;
    r->index = index;
    r->reader = (struct evm_state_reader){
        .ctx = r, .account = read_account, .storage = read_storage, .code = read_code, .block_hash = read_block_hash};
    arena_home_init(&r->memory, 0);
    r->arena = arena_of(&r->memory);
}

enum fan_status exec_reader_override(struct exec_reader *r, const struct chain_override *overrides, size_t count)
{
    struct fan_hash *hashes;

    if (!count) return FAN_OK;
    hashes = ARENA_ARRAY(&r->arena, count, struct fan_hash);
    if (!hashes) return FAN_ENOMEM;
    for (size_t i = 0; i < count; i++)
        if (overrides[i].has_code) hashes[i] = keccak256(overrides[i].code);
    r->overrides = overrides;
    r->override_count = count;
    r->code_hashes = hashes;
    return FAN_OK;
}

void exec_reader_fini(struct exec_reader *r)
{
    arena_home_fini(&r->memory);
}

enum fan_status exec_unreadable(enum fan_status s, struct fan_error *err)
{
    if (s == FAN_EREMOTE) return fan_error_set(err, s, "%s", chain_remote_noted()->text);
    return fan_error_set(err, s, "the state could not be read: %s", fan_status_text(s));
}

static bool is_overridden(const struct chain_override *overrides, size_t count, const struct fan_address *address)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(&overrides[i].address, address, sizeof *address) == 0) return true;
    return false;
}

static enum fan_status refuse_move(struct fan_error *err, const struct fan_address *address, const char *why)
{
    char text[43];

    hex_write_checksum(address, text);
    return fan_error_set(err, FAN_EREJECTED, "account %s %s", text, why);
}

enum fan_status exec_moves(uint32_t fork, const struct chain_override *overrides, size_t count, struct arena *a,
                           const struct evm_precompile_move **out, size_t *out_count, struct fan_error *err)
{
    struct evm_precompile_move *moves = NULL;

    *out = NULL;
    *out_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct chain_override *o = &overrides[i];
        bool precompile = fork != EXEC_NO_PRECOMPILES && evm_is_precompile(fork, &o->address);

        if (o->has_moved_to && !precompile) return refuse_move(err, &o->address, "is not a precompile");
        if (o->has_moved_to && is_overridden(overrides, count, &o->moved_to))
            return refuse_move(err, &o->moved_to, "is already overridden");
        if (!precompile) continue;
        if (!moves) moves = ARENA_ARRAY(a, count, struct evm_precompile_move);
        if (!moves) return FAN_ENOMEM;
        moves[(*out_count)++] = (struct evm_precompile_move){o->address, o->has_moved_to, o->moved_to};
    }
    *out = moves;
    return FAN_OK;
}
