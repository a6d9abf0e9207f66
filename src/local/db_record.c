#include "local/db_record.h"

enum { HAS_CODE = 1, HAS_STORAGE = 2, OWN_STORAGE = 4 };

/* ---- writing ---- */

/* A length byte and the number's bytes; returns how many. */
static size_t put_short(const uint8_t *be, size_t len, uint8_t *out)
{
    while (len && !*be) {
        be++;
        len--;
    }
    out[0] = (uint8_t)len;
    memcpy(out + 1, be, len);
    return 1 + len;
}

struct slice db_account_encode(const struct state_account *a, uint8_t out[DB_ACCOUNT_MAX])
{
    uint8_t nonce[8], balance[32];
    size_t len = 1;

    if (!a->exists) return slice_of(out, 0);
    out[0] = a->own_storage ? OWN_STORAGE : 0;
    put_be64(a->nonce, nonce);
    u256_to_be(&a->balance_wei, balance);
    len += put_short(nonce, sizeof nonce, out + len);
    len += put_short(balance, sizeof balance, out + len);
    if (!hash_eq(&a->code_hash, &KECCAK_EMPTY)) {
        out[0] |= HAS_CODE;
        memcpy(out + len, a->code_hash.bytes, 32);
        len += 32;
    }
    if (!hash_eq(&a->storage_root, &KECCAK_EMPTY_TRIE)) {
        out[0] |= HAS_STORAGE;
        memcpy(out + len, a->storage_root.bytes, 32);
        len += 32;
    }
    return slice_of(out, len);
}

struct slice db_slot_encode(const struct fan_u256 *value, uint8_t out[32])
{
    size_t zeros = 0;

    u256_to_be(value, out);
    while (zeros < 32 && !out[zeros]) zeros++;
    return slice_of(out + zeros, 32 - zeros);
}

struct slice db_version_encode(const struct state_point *p, uint8_t out[DB_VERSION_LEN])
{
    put_be64(p->id, out);
    put_be64(p->number, out + 8);
    memcpy(out + 16, p->root.bytes, 32);
    return slice_of(out, DB_VERSION_LEN);
}

/* The account trie's nodes come first and carry no owner; the path's length stands behind it, so that nodes that hang
 * together lie together. */
struct slice db_node_key(const struct trie_node_key *key, uint8_t out[DB_NODE_KEY_MAX])
{
    size_t len = 1, packed = ((size_t)key->path.len + 1) / 2;

    out[0] = !hash_eq(&key->owner, &TRIE_OWNER_ACCOUNTS);
    if (out[0]) {
        memcpy(out + len, key->owner.bytes, 32);
        len += 32;
    }
    memcpy(out + len, key->path.packed, packed);
    len += packed;
    out[len++] = key->path.len;
    return slice_of(out, len);
}

struct slice db_old_key(enum db_kind kind, struct slice key, uint64_t version, uint8_t out[DB_OLD_KEY_MAX])
{
    assert(key.len <= DB_KEY_MAX);
    out[0] = (uint8_t)kind;
    out[1] = (uint8_t)key.len;
    memcpy(out + 2, key.at, key.len);
    put_be64(version, out + 2 + key.len);
    return slice_of(out, 2 + key.len + 8);
}

/* ---- reading ---- */

/* A length byte and so many bytes without a leading zero, as 32 bytes big-endian. */
static bool take_short(struct slice *s, size_t len_max, uint8_t out[32])
{
    size_t len;

    if (!s->len) return false;
    len = s->at[0];
    if (len > len_max || len > s->len - 1 || (len && !s->at[1])) return false;
    memset(out, 0, 32);
    memcpy(out + 32 - len, s->at + 1, len);
    *s = slice_from(*s, 1 + len);
    return true;
}

static bool take_hash(struct slice *s, bool there, const struct fan_hash *otherwise, struct fan_hash *out)
{
    *out = *otherwise;
    if (!there) return true;
    if (s->len < 32) return false;
    memcpy(out->bytes, s->at, 32);
    *s = slice_from(*s, 32);
    return !hash_eq(out, otherwise);
}

enum fan_status db_account_decode(struct slice s, struct state_account *out)
{
    struct state_account a = {.exists = true};
    uint8_t flags, word[32];

    if (!s.len) {
        *out = state_account_none();
        return FAN_OK;
    }
    flags = s.at[0];
    s = slice_from(s, 1);
    if (flags > (HAS_CODE | HAS_STORAGE | OWN_STORAGE) || !take_short(&s, 8, word)) return FAN_EFORMAT;
    a.nonce = get_be64(word + 24);
    a.own_storage = flags & OWN_STORAGE;
    if (!take_short(&s, 32, word)) return FAN_EFORMAT;
    a.balance_wei = u256_from_be(word);
    if (!take_hash(&s, flags & HAS_CODE, &KECCAK_EMPTY, &a.code_hash) ||
        !take_hash(&s, flags & HAS_STORAGE, &KECCAK_EMPTY_TRIE, &a.storage_root) || s.len)
        return FAN_EFORMAT;
    *out = a;
    return FAN_OK;
}

enum fan_status db_slot_decode(struct slice s, struct fan_u256 *out)
{
    uint8_t word[32] = {0};

    if (s.len > 32 || (s.len && !s.at[0])) return FAN_EFORMAT;
    if (s.len) memcpy(word + 32 - s.len, s.at, s.len);
    *out = u256_from_be(word);
    return FAN_OK;
}

enum fan_status db_version_decode(struct slice s, uint64_t version, struct state_point *out)
{
    if (s.len != DB_VERSION_LEN) return FAN_EFORMAT;
    *out = (struct state_point){.version = version, .id = get_be64(s.at), .number = get_be64(s.at + 8)};
    memcpy(out->root.bytes, s.at + 16, 32);
    return FAN_OK;
}

enum fan_status db_node_key_decode(struct slice s, struct trie_node_key *out)
{
    struct trie_node_key key = {0};
    size_t packed;

    if (!s.len || s.at[0] > 1) return FAN_EFORMAT;
    if (s.at[0]) {
        if (s.len < 34) return FAN_EFORMAT;
        memcpy(key.owner.bytes, s.at + 1, 32);
        if (hash_eq(&key.owner, &TRIE_OWNER_ACCOUNTS)) return FAN_EFORMAT;
    }
    s = slice_from(s, s.at[0] ? 33 : 1);
    if (!s.len || s.at[s.len - 1] > TRIE_NIBBLES_MAX) return FAN_EFORMAT;
    key.path.len = s.at[s.len - 1];
    packed = ((size_t)key.path.len + 1) / 2;
    if (packed != s.len - 1) return FAN_EFORMAT;
    memcpy(key.path.packed, s.at, packed);
    if (key.path.len % 2 && key.path.packed[packed - 1] & 15) return FAN_EFORMAT;
    *out = key;
    return FAN_OK;
}

enum fan_status db_journal_next(struct slice *row, enum db_kind *out_kind, struct slice *out_key)
{
    static const uint8_t lens[] = {[DB_ACCOUNT] = 20, [DB_SLOT] = 52, [DB_NODE] = 0, [DB_CODE] = 32};
    uint8_t kind;
    size_t len;

    if (row->len < 2) return FAN_EFORMAT;
    kind = row->at[0];
    len = row->at[1];
    if (kind < DB_ACCOUNT || kind > DB_CODE || len > row->len - 2 || len > DB_KEY_MAX || !len) return FAN_EFORMAT;
    if (lens[kind] && len != lens[kind]) return FAN_EFORMAT;
    *out_kind = (enum db_kind)kind;
    *out_key = slice_of(row->at + 2, len);
    *row = slice_from(*row, 2 + len);
    return FAN_OK;
}
