/* The rules that tie a header to its parent, in geth's order and words, so that a log reads alike beside either node.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "codec/hex.h"
#include "codec/keccak.h"
#include "codec/u256.h"
#include "eth/header.h"

enum {
    EXTRA_DATA_MAX = 32,
    GAS_LIMIT_STEP = 1024,
    GAS_LIMIT_MIN = 5000,
    INITIAL_BASE_FEE = 1000000000,
    ELASTICITY = 2,
    BASE_FEE_DENOMINATOR = 8,
    GAS_PER_BLOB = 131072,
    DAO_BLOCKS = 10,
};

uint64_t header_next_base_fee(const struct header *parent, bool parent_is_london)
{
    uint64_t target = parent->gas_limit / ELASTICITY, before = parent->base_fee_wei, off, step = UINT64_MAX;
    struct fan_u256 change = u256_of(before), divisor = u256_of(target);

    if (!parent_is_london) return INITIAL_BASE_FEE;
    if (parent->gas_used == target || target == 0) return before;
    off = parent->gas_used > target ? parent->gas_used - target : target - parent->gas_used;
    (void)u256_mul_u64(&change, off, &change);
    u256_div(&change, &divisor, &change, NULL);
    divisor = u256_of(BASE_FEE_DENOMINATOR);
    u256_div(&change, &divisor, &change, NULL);
    (void)u256_fits_u64(&change, &step);
    if (parent->gas_used < target) return before > step ? before - step : 0;
    if (step == 0) step = 1;
    return before > UINT64_MAX - step ? UINT64_MAX : before + step;
}

static enum fan_status refuse(struct fan_error *err, const char *format, ...) FAN_PRINTF(2, 3);

static enum fan_status refuse(struct fan_error *err, const char *format, ...)
{
    va_list args;

    if (!err) return FAN_EREJECTED;
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return FAN_EREJECTED;
}

static enum fan_status refuse_hash(struct fan_error *err, const char *before, const struct fan_hash *hash)
{
    char digits[64];

    hex_encode(slice_of(hash->bytes, sizeof hash->bytes), digits);
    return refuse(err, "%s%.64s, expected nil", before, digits);
}

static enum fan_status check_gas_limit(uint64_t parent, uint64_t limit, struct fan_error *err)
{
    uint64_t off = parent > limit ? parent - limit : limit - parent, step = parent / GAS_LIMIT_STEP;

    if (off >= step)
        return refuse(err, "invalid gas limit: have %" PRIu64 ", want %" PRIu64 " +/- %" PRIu64, limit, parent,
                      step - 1);
    if (limit < GAS_LIMIT_MIN) return refuse(err, "invalid gas limit below %d", GAS_LIMIT_MIN);
    return FAN_OK;
}

/* EIP-1559: gas limit (which doubles at the fork) and base fee. */
static enum fan_status check_fee_market(const struct chain_config *c, const struct header *parent,
                                        const struct header *h, struct fan_error *err)
{
    bool parent_is_london = parent->number >= c->fork_block[FORK_LONDON];
    uint64_t want;
    enum fan_status s =
        check_gas_limit(parent_is_london ? parent->gas_limit : parent->gas_limit * ELASTICITY, h->gas_limit, err);

    if (s) return s;
    if (h->extent < HEADER_LONDON) return refuse(err, "header is missing baseFee");
    if (parent_is_london && parent->extent < HEADER_LONDON) return refuse(err, "parent header is missing baseFee");
    want = header_next_base_fee(parent, parent_is_london);
    if (h->base_fee_wei == want) return FAN_OK;
    if (!parent_is_london)
        return refuse(
            err, "invalid baseFee: have %" PRIu64 ", want %" PRIu64 ", parentBaseFee <nil>, parentGasUsed %" PRIu64,
            h->base_fee_wei, want, parent->gas_used);
    return refuse(
        err, "invalid baseFee: have %" PRIu64 ", want %" PRIu64 ", parentBaseFee %" PRIu64 ", parentGasUsed %" PRIu64,
        h->base_fee_wei, want, parent->base_fee_wei, parent->gas_used);
}

static enum fan_status check_no_cancun(const struct header *h, struct fan_error *err)
{
    if (h->extent < HEADER_CANCUN) return FAN_OK;
    return refuse(err, "invalid excessBlobGas: have %" PRIu64 ", expected nil", h->excess_blob_gas);
}

static enum fan_status check_blobs(const struct chain_config *c, enum fork f, const struct header *parent,
                                   const struct header *h, struct fan_error *err)
{
    struct blob_params p;
    uint64_t want;

    if (h->extent < HEADER_CANCUN) return refuse(err, "header is missing beaconRoot");
    if (!blob_params_at(c, h->timestamp, &p)) return refuse(err, "no blob config");
    if (h->blob_gas_used > p.max * GAS_PER_BLOB)
        return refuse(err, "blob gas used %" PRIu64 " exceeds maximum allowance %" PRIu64, h->blob_gas_used,
                      p.max * GAS_PER_BLOB);
    if (h->blob_gas_used % GAS_PER_BLOB)
        return refuse(err, "blob gas used %" PRIu64 " not a multiple of blob gas per blob %d", h->blob_gas_used,
                      GAS_PER_BLOB);
    want = next_excess_blob_gas(f, &p, parent->extent >= HEADER_CANCUN ? parent->excess_blob_gas : 0,
                                parent->extent >= HEADER_CANCUN ? parent->blob_gas_used : 0, parent->base_fee_wei);
    if (h->excess_blob_gas == want) return FAN_OK;
    return refuse(err, "invalid excessBlobGas: have %" PRIu64 ", want %" PRIu64, h->excess_blob_gas, want);
}

static enum fan_status check_extra_data(const struct header *h, bool staked, struct fan_error *err)
{
    if (h->extra_data_len <= EXTRA_DATA_MAX) return FAN_OK;
    if (staked) return refuse(err, "extra-data longer than 32 bytes (%zu)", h->extra_data_len);
    return refuse(err, "extra-data too long: %zu > %d", h->extra_data_len, EXTRA_DATA_MAX);
}

static enum fan_status check_difficulty(const struct header *h, const struct fan_u256 *want, struct fan_error *err)
{
    char have_text[79], want_text[79];

    if (u256_eq(&h->difficulty, want)) return FAN_OK;
    (void)u256_to_decimal(&h->difficulty, have_text);
    (void)u256_to_decimal(want, want_text);
    return refuse(err, "invalid difficulty: have %s, want %s", have_text, want_text);
}

static enum fan_status check_gas(const struct header *h, struct fan_error *err)
{
    if (h->gas_limit > INT64_MAX)
        return refuse(err, "invalid gasLimit: have %" PRIu64 ", max %" PRId64, h->gas_limit, INT64_MAX);
    if (h->gas_used > h->gas_limit)
        return refuse(err, "invalid gasUsed: have %" PRIu64 ", gasLimit %" PRIu64, h->gas_used, h->gas_limit);
    return FAN_OK;
}

static enum fan_status check_place(const struct header *parent, const struct header *h, struct fan_error *err)
{
    struct fan_hash hash = header_hash(parent);

    if (h->number - 1 != parent->number || h->number == 0) return refuse(err, "invalid block number");
    if (memcmp(&hash, &h->parent_hash, sizeof hash) != 0) return refuse(err, "unknown ancestor");
    return FAN_OK;
}

/* After the Merge. */
static enum fan_status check_staked(const struct chain_config *c, const struct header *parent, const struct header *h,
                                    struct fan_error *err)
{
    static const uint8_t no_nonce[8];
    static const struct fan_u256 zero;
    enum fork f = fork_at(c, h->number, h->timestamp);
    enum fan_status s = check_extra_data(h, true, err);

    if (s) return s;
    if (memcmp(h->nonce, no_nonce, sizeof no_nonce) != 0) return refuse(err, "invalid nonce");
    if (memcmp(&h->ommers_hash, &KECCAK_EMPTY_LIST, sizeof h->ommers_hash) != 0)
        return refuse(err, "invalid uncle hash");
    if (h->timestamp <= parent->timestamp) return refuse(err, "invalid timestamp");
    s = check_difficulty(h, &zero, err);
    if (!s) s = check_gas(h, err);
    if (!s) s = check_place(parent, h, err);
    if (!s) s = check_fee_market(c, parent, h, err);
    if (s) return s;
    if (f >= FORK_SHANGHAI && h->extent < HEADER_SHANGHAI) return refuse(err, "missing withdrawalsHash");
    if (f < FORK_SHANGHAI && h->extent >= HEADER_SHANGHAI)
        return refuse_hash(err, "invalid withdrawalsHash: have ", &h->withdrawals_root);
    s = f >= FORK_CANCUN ? check_blobs(c, f, parent, h, err) : check_no_cancun(h, err);
    if (s) return s;
    if (f >= FORK_PRAGUE && h->extent < HEADER_PRAGUE) return refuse(err, "header is missing requestsHash");
    if (f < FORK_PRAGUE && h->extent >= HEADER_PRAGUE)
        return refuse_hash(err, "invalid requestsHash: have ", &h->requests_hash);
    return FAN_OK;
}

/* The blocks that carried out or resisted the DAO's fork say so in their extra data. */
static enum fan_status check_dao(const struct chain_config *c, const struct header *h, struct fan_error *err)
{
    uint64_t from = c->fork_block[FORK_DAO];
    bool says_so = slice_eq(slice_of(h->extra_data, h->extra_data_len), SLICE("dao-hard-fork"));

    if (from == FORK_NEVER || h->number < from || h->number - from >= DAO_BLOCKS) return FAN_OK;
    if (c->dao_support && !says_so) return refuse(err, "bad DAO pro-fork extra-data");
    if (!c->dao_support && says_so) return refuse(err, "bad DAO no-fork extra-data");
    return FAN_OK;
}

/* Before the Merge: all but the proof of work itself, which no node of today checks either. */
static enum fan_status check_mined(const struct chain_config *c, const struct header *parent, const struct header *h,
                                   struct fan_error *err)
{
    struct fan_u256 want = header_difficulty(c, parent, h->timestamp);
    enum fork f = fork_at(c, h->number, h->timestamp);
    enum fan_status s = check_extra_data(h, false, err);

    if (s) return s;
    if (h->timestamp <= parent->timestamp) return refuse(err, "timestamp older than parent");
    s = check_difficulty(h, &want, err);
    if (!s) s = check_gas(h, err);
    if (s) return s;
    if (h->number >= c->fork_block[FORK_LONDON])
        s = check_fee_market(c, parent, h, err);
    else if (h->extent >= HEADER_LONDON)
        s = refuse(err, "invalid baseFee before fork: have %" PRIu64 ", expected 'nil'", h->base_fee_wei);
    else
        s = check_gas_limit(parent->gas_limit, h->gas_limit, err);
    if (!s) s = check_place(parent, h, err);
    if (s) return s;
    if (f >= FORK_CANCUN) return refuse(err, "ethash does not support cancun fork");
    if (f >= FORK_SHANGHAI) return refuse(err, "ethash does not support shanghai fork");
    if (h->extent >= HEADER_SHANGHAI) return refuse_hash(err, "invalid withdrawalsHash: have ", &h->withdrawals_root);
    return check_dao(c, h, err);
}

enum fan_status header_check(const struct chain_config *c, const struct header *parent, const struct header *h,
                             struct fan_error *err)
{
    bool mined = !u256_is_zero(&h->difficulty);

    if (mined && h->number >= c->merge_block) { /* includes chains merged from their first block on */
        static const struct fan_u256 zero;

        return check_difficulty(h, &zero, err);
    }
    if (mined && u256_is_zero(&parent->difficulty) && c->has_terminal_total_difficulty)
        return refuse(err, "invalid terminal block");
    if (mined || !c->has_terminal_total_difficulty) return check_mined(c, parent, h, err);
    return check_staked(c, parent, h, err);
}
