/* Accounts, slots and code of a forked remote, as of the fork's block. */
#include "codec/hex.h"
#include "codec/u256.h"
#include "upstream/forked_parts.h"

enum { CODE_LEN_MAX = 1 << 20 };

/* ---- what is asked, and what comes back ---- */

static void put_address(struct buf *b, const struct fan_address *address)
{
    char hex[40];

    hex_encode(slice_of(address, sizeof *address), hex);
    buf_printf(b, "\"0x%.40s\"", hex);
}

/* DATA of at most 32 bytes, or a QUANTITY: nodes differ. */
static bool read_word(struct json v, uint8_t out[32])
{
    struct slice text = json_str_raw(v);
    uint8_t digits[64];

    if (!slice_starts(text, SLICE("0x"))) return false;
    text = slice_from(text, 2);
    while (text.len > 64 && text.at[0] == '0') text = slice_from(text, 1);
    if (text.len > 64) return false;
    memset(digits, '0', sizeof digits);
    if (text.len) memcpy(digits + 64 - text.len, text.at, text.len);
    return !hex_decode(slice_of(digits, sizeof digits), out);
}

/* ---- accounts ---- */

static void make_record(const struct chain_account *from, struct account_record *out)
{
    *out = (struct account_record){
        .exists = from->exists, .code_hash = from->code_hash, .storage_root = from->storage_root};
    put_be64(from->nonce, out->nonce);
    u256_to_be(&from->balance_wei, out->balance);
}

static void read_record(const struct account_record *from, struct chain_account *out)
{
    *out = (struct chain_account){.exists = from->exists != 0,
                                  .nonce = get_be64(from->nonce),
                                  .balance_wei = u256_from_be(from->balance),
                                  .code_hash = from->code_hash,
                                  .storage_root = from->storage_root};
}

/* What the fields mean together. Some nodes give an empty storage root to whatever they have no trie of: only an
 * account without code is believed to have no storage. */
static void settle(struct chain_account *account)
{
    static const struct fan_hash zero;
    bool no_code = hash_is(&account->code_hash, &KECCAK_EMPTY) || hash_is(&account->code_hash, &zero);

    if (no_code) {
        account->code_hash = KECCAK_EMPTY;
        account->storage_root = KECCAK_EMPTY_TRIE;
    } else if (hash_is(&account->storage_root, &KECCAK_EMPTY_TRIE)) {
        account->storage_root = zero;
    }
    account->exists = account->nonce || !u256_is_zero(&account->balance_wei) || !no_code;
}

/* FAN_EREJECTED: this node gives no proofs. */
static enum fan_status ask_proof(struct forked *f, const struct fan_address *address, struct buf *params,
                                 struct arena *a, struct chain_account *out, struct fan_error *err)
{
    struct json proof;
    enum fan_status s;

    buf_put_byte(params, '[');
    put_address(params, address);
    buf_printf(params, ",[],%s]", f->at);
    s = forked_ask(f, "eth_getProof", params, a, &proof, err);
    if (s) return s;
    if (json_read_u64(json_get(proof, "nonce"), &out->nonce) ||
        json_read_u256(json_get(proof, "balance"), &out->balance_wei) ||
        json_read_hash(json_get(proof, "codeHash"), &out->code_hash) ||
        json_read_hash(json_get(proof, "storageHash"), &out->storage_root))
        return FAN_EREJECTED;
    return FAN_OK;
}

static enum fan_status ask_about(struct forked *f, const char *method, const struct fan_address *address,
                                 struct buf *params, struct arena *a, struct json *out, struct fan_error *err)
{
    buf_put_byte(params, '[');
    put_address(params, address);
    buf_printf(params, ",%s]", f->at);
    return forked_ask(f, method, params, a, out, err);
}

static enum fan_status ask_code(struct forked *f, const struct fan_address *address, struct buf *params,
                                struct arena *a, struct slice *out, struct fan_error *err)
{
    struct json v;
    enum fan_status s = ask_about(f, "eth_getCode", address, params, a, &v, err);

    if (!s && json_read_data(v, CODE_LEN_MAX, a, out)) s = forked_unsound(f, "eth_getCode", err);
    return s;
}

static enum fan_status ask_parts(struct forked *f, const struct fan_address *address, struct buf *params,
                                 struct arena *a, struct chain_account *out, struct fan_error *err)
{
    struct slice code = {0};
    struct json v;
    enum fan_status s = ask_about(f, "eth_getBalance", address, params, a, &v, err);

    if (!s && json_read_u256(v, &out->balance_wei)) s = forked_unsound(f, "eth_getBalance", err);
    if (!s) s = ask_about(f, "eth_getTransactionCount", address, params, a, &v, err);
    if (!s && json_read_u64(v, &out->nonce)) s = forked_unsound(f, "eth_getTransactionCount", err);
    if (!s) s = ask_code(f, address, params, a, &code, err);
    if (s) return s;
    out->code_hash = keccak256(code);
    out->storage_root = KECCAK_EMPTY_TRIE;
    if (code.len) known_put(&f->known, RECORD_CODE, &out->code_hash, code);
    return FAN_OK;
}

enum fan_status forked_account(struct chain_remote *r, const struct fan_address *address, struct chain_account *out)
{
    struct forked *f = forked_of(r);
    struct account_record record;
    struct chain_account account = {0};
    struct fan_error why = {{0}};
    struct arena_home home;
    struct arena a;
    struct buf params;
    enum fan_status s = FAN_EREJECTED;

    if (known_get(&f->known, RECORD_ACCOUNT, address, &record)) {
        read_record(&record, out);
        return FAN_OK;
    }
    arena_home_init(&home, 0);
    a = arena_of(&home);
    buf_init(&params, 0);
    if (!atomic_load(&f->no_proofs)) {
        s = ask_proof(f, address, &params, &a, &account, &why);
        if (s == FAN_EREJECTED) atomic_store(&f->no_proofs, true);
    }
    if (s == FAN_EREJECTED) s = ask_parts(f, address, &params, &a, &account, &why);
    if (!s) {
        settle(&account);
        make_record(&account, &record);
        known_put(&f->known, RECORD_ACCOUNT, address, slice_of(&record, sizeof record));
        *out = account;
    }
    buf_fini(&params);
    arena_home_fini(&home);
    return forked_end_lookup(s, &why);
}

enum fan_status forked_slot(struct chain_remote *r, const struct fan_address *address, const struct fan_u256 *slot,
                            struct fan_u256 *out)
{
    struct forked *f = forked_of(r);
    struct slot_key key = {.address = *address};
    struct fan_error why = {{0}};
    struct arena_home home;
    struct arena a;
    struct buf params;
    struct json v;
    char hex[64];
    uint8_t word[32];
    enum fan_status s;

    u256_to_be(slot, key.slot);
    if (known_get(&f->known, RECORD_SLOT, &key, word)) {
        *out = u256_from_be(word);
        return FAN_OK;
    }
    arena_home_init(&home, 0);
    a = arena_of(&home);
    buf_init(&params, 0);
    hex_encode(slice_of(key.slot, sizeof key.slot), hex);
    buf_put_byte(&params, '[');
    put_address(&params, address);
    buf_printf(&params, ",\"0x%.64s\",%s]", hex, f->at);
    s = forked_ask(f, "eth_getStorageAt", &params, &a, &v, &why);
    if (!s && !read_word(v, word)) s = forked_unsound(f, "eth_getStorageAt", &why);
    if (!s) {
        known_put(&f->known, RECORD_SLOT, &key, slice_of(word, sizeof word));
        *out = u256_from_be(word);
    }
    buf_fini(&params);
    arena_home_fini(&home);
    return forked_end_lookup(s, &why);
}

enum fan_status forked_code(struct chain_remote *r, const struct fan_hash *code_hash, struct arena *a,
                            struct slice *out)
{
    struct forked *f = forked_of(r);
    struct fan_address owner;
    struct fan_error why = {{0}};
    struct fan_hash hash;
    struct arena_home home;
    struct arena scratch;
    struct buf params;
    struct slice code;
    enum fan_status s;

    if (known_get_blob(&f->known, RECORD_CODE, code_hash, a, out)) return out->at ? FAN_OK : FAN_ENOMEM;
    if (!known_owner(&f->known, code_hash, &owner)) return FAN_ENOTFOUND;
    arena_home_init(&home, 0);
    scratch = arena_of(&home);
    buf_init(&params, 0);
    s = ask_code(f, &owner, &params, &scratch, &code, &why);
    if (!s) {
        hash = keccak256(code);
        if (!hash_is(&hash, code_hash)) s = forked_unsound(f, "eth_getCode", &why);
    }
    if (!s) {
        known_put(&f->known, RECORD_CODE, code_hash, code);
        *out = arena_dup(a, code);
        if (!out->at) s = FAN_ENOMEM;
    }
    buf_fini(&params);
    arena_home_fini(&home);
    return forked_end_lookup(s, &why);
}
