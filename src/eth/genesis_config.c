/* The "config" object of a genesis.json: which fork begins when. Names are those of geth's params.ChainConfig. */
#include <inttypes.h>
#include <stdio.h>

#include "codec/u256.h"
#include "eth/genesis_keys.h"
#include "eth/genesis_read.h"

const struct genesis_key GENESIS_BLOCK_KEYS[] = {
    {"homesteadBlock", FORK_HOMESTEAD},
    {"daoForkBlock", FORK_DAO},
    {"eip150Block", FORK_TANGERINE},
    {"eip158Block", FORK_SPURIOUS},
    {"byzantiumBlock", FORK_BYZANTIUM},
    {"constantinopleBlock", FORK_CONSTANTINOPLE},
    {"petersburgBlock", FORK_PETERSBURG},
    {"istanbulBlock", FORK_ISTANBUL},
    {"muirGlacierBlock", FORK_MUIR_GLACIER},
    {"berlinBlock", FORK_BERLIN},
    {"londonBlock", FORK_LONDON},
    {"arrowGlacierBlock", FORK_ARROW_GLACIER},
    {"grayGlacierBlock", FORK_GRAY_GLACIER},
};
const struct genesis_key GENESIS_TIME_KEYS[] = {
    {"shanghaiTime", FORK_SHANGHAI},
    {"cancunTime", FORK_CANCUN},
    {"pragueTime", FORK_PRAGUE},
    {"osakaTime", FORK_OSAKA},
};
static_assert(COUNT_OF(GENESIS_BLOCK_KEYS) == GENESIS_BLOCK_KEY_COUNT, "one key for each fork by number");
static_assert(COUNT_OF(GENESIS_TIME_KEYS) == GENESIS_TIME_KEY_COUNT, "one key for each fork by time");

/* In the order of the forks; each begins at NAMETime and may stand in blobSchedule under its name. */
static const struct {
    const char *name, *time;
    bool inherits; /* without an entry it goes on with what was before */
} schedules[] = {
    {"cancun", "cancunTime", false}, {"prague", "pragueTime", false}, {"osaka", "osakaTime", true},
    {"bpo1", "bpo1Time", false},     {"bpo2", "bpo2Time", false},     {"bpo3", "bpo3Time", false},
    {"bpo4", "bpo4Time", false},     {"bpo5", "bpo5Time", false},
};

static enum fan_status read_blob_params(struct json v, const char *name, struct blob_params *out, struct fan_error *err)
{
    const struct genesis_where where = {name, err};
    struct blob_params p = {0, 0, 0};
    enum fan_status s;

    if (!json_is(v, JSON_OBJECT)) return genesis_fail(&where, "", "an object expected in blobSchedule");
    s = genesis_read_u64(v, "target", &where, &p.target);
    if (!s) s = genesis_read_u64(v, "max", &where, &p.max);
    if (!s) s = genesis_read_u64(v, "baseFeeUpdateFraction", &where, &p.update_fraction);
    if (s) return s;
    if (p.update_fraction == 0) return genesis_fail(&where, "baseFeeUpdateFraction", "must be above 0");
    if (p.target > p.max) return genesis_fail(&where, "target", "must not be above max");
    if (p.max > UINT32_MAX)
        return genesis_fail(&where, "max", "must fit 32 bits"); /* times gas per blob it must fit 64 */
    *out = p;
    return FAN_OK;
}

static enum fan_status read_blob_schedule(struct json config, struct chain_config *c, struct fan_error *err)
{
    const struct genesis_where where = {"config", err};
    struct json schedule = json_get(config, "blobSchedule");

    if (genesis_given(schedule) && !json_is(schedule, JSON_OBJECT))
        return genesis_fail(&where, "blobSchedule", "an object expected");
    for (size_t i = 0; i < COUNT_OF(schedules); i++) {
        struct json entry = json_get(schedule, schedules[i].name);
        struct blob_params params;
        uint64_t from = FORK_NEVER;
        enum fan_status s = genesis_read_u64(config, schedules[i].time, &where, &from);

        if (s) return s;
        if (from == FORK_NEVER) continue;
        if (genesis_given(entry))
            s = read_blob_params(entry, schedules[i].name, &params, err);
        else if (schedules[i].inherits)
            continue;
        else if (!blob_params_default(schedules[i].name, &params))
            s = genesis_fail(&where, schedules[i].name, "missing entry in blobSchedule");
        if (s) return s;
        if (!chain_config_add_blobs(c, schedules[i].name, from, &params))
            return genesis_fail(&where, "blobSchedule", "too many entries");
    }
    return FAN_OK;
}

/* The Merge: at block 0, at the block that a network splitter names, or when the first fork by time begins
 * (eth/fork.h). */
static enum fan_status read_merge(struct json config, struct chain_config *c, const struct genesis_where *where)
{
    enum fan_status s = genesis_read_u256(config, "terminalTotalDifficulty", where, &c->terminal_total_difficulty);

    if (!s) s = genesis_read_u64(config, "mergeNetsplitBlock", where, &c->merge_block);
    if (s) return s;
    c->has_terminal_total_difficulty = genesis_given(json_get(config, "terminalTotalDifficulty"));
    if (c->has_terminal_total_difficulty && u256_is_zero(&c->terminal_total_difficulty)) c->merge_block = 0;
    return FAN_OK;
}

/* Forks come in order, and none but the optional ones may be left out; otherwise fork_at()'s "later includes earlier"
 * would lie. */
static enum fan_status check_order(const struct chain_config *c, struct fan_error *err)
{
    const char *last = NULL;
    uint64_t last_at = 0;

    for (size_t i = 0; i < COUNT_OF(GENESIS_BLOCK_KEYS); i++) {
        const struct genesis_key *key = &GENESIS_BLOCK_KEYS[i];
        uint64_t at = c->fork_block[key->fork];
        bool optional = key->fork == FORK_DAO || key->fork == FORK_MUIR_GLACIER || key->fork >= FORK_ARROW_GLACIER;

        if (at == FORK_NEVER && optional) continue;
        if (last && last_at == FORK_NEVER && at != FORK_NEVER)
            return fan_error_set(err, FAN_EFORMAT,
                                 "config: unsupported fork ordering: %s not enabled, but %s enabled at block %" PRIu64,
                                 last, key->name, at);
        if (last && last_at > at)
            return fan_error_set(err, FAN_EFORMAT,
                                 "config: unsupported fork ordering: %s enabled at block %" PRIu64
                                 ", but %s enabled at block %" PRIu64,
                                 last, last_at, key->name, at);
        last = key->name;
        last_at = at;
    }
    last = NULL;
    for (size_t i = 0; i < COUNT_OF(GENESIS_TIME_KEYS); i++) {
        uint64_t at = c->fork_time[GENESIS_TIME_KEYS[i].fork];

        if (at == FORK_NEVER) continue;
        if (c->fork_time[FORK_SHANGHAI] == FORK_NEVER || c->fork_block[FORK_LONDON] == FORK_NEVER)
            return fan_error_set(
                err, FAN_EFORMAT,
                "config: unsupported fork ordering: %s not enabled, but %s enabled at timestamp %" PRIu64,
                c->fork_block[FORK_LONDON] == FORK_NEVER ? "londonBlock" : "shanghaiTime", GENESIS_TIME_KEYS[i].name,
                at);
        if (last && last_at > at)
            return fan_error_set(err, FAN_EFORMAT,
                                 "config: unsupported fork ordering: %s enabled at timestamp %" PRIu64
                                 ", but %s enabled at timestamp %" PRIu64,
                                 last, last_at, GENESIS_TIME_KEYS[i].name, at);
        last = GENESIS_TIME_KEYS[i].name;
        last_at = at;
    }
    return FAN_OK;
}

static enum fan_status read_forks(struct json config, struct chain_config *c, const struct genesis_where *where)
{
    enum fan_status s = FAN_OK;
    uint64_t eip155 = FORK_NEVER;

    for (size_t i = 0; !s && i < COUNT_OF(GENESIS_BLOCK_KEYS); i++)
        s = genesis_read_u64(config, GENESIS_BLOCK_KEYS[i].name, where, &c->fork_block[GENESIS_BLOCK_KEYS[i].fork]);
    for (size_t i = 0; !s && i < COUNT_OF(GENESIS_TIME_KEYS); i++)
        s = genesis_read_u64(config, GENESIS_TIME_KEYS[i].name, where, &c->fork_time[GENESIS_TIME_KEYS[i].fork]);
    if (!s) s = genesis_read_u64(config, "eip155Block", where, &eip155);
    if (s) return s;
    if (eip155 != c->fork_block[FORK_SPURIOUS])
        return genesis_fail(where, "eip155Block", "must begin with eip158Block: both are Spurious Dragon");
    if (c->fork_block[FORK_PETERSBURG] == FORK_NEVER)
        c->fork_block[FORK_PETERSBURG] = c->fork_block[FORK_CONSTANTINOPLE];
    return FAN_OK;
}

static bool is_known_time(struct slice key)
{
    for (size_t i = 0; i < COUNT_OF(GENESIS_TIME_KEYS); i++)
        if (slice_eq(key, slice_str(GENESIS_TIME_KEYS[i].name))) return true;
    for (size_t i = 0; i < COUNT_OF(schedules); i++)
        if (slice_eq(key, slice_str(schedules[i].time))) return true;
    return false;
}

/* A fork we do not know must not be passed over: from its time on we would build, or refuse, the wrong blocks. */
static enum fan_status refuse_unknown_forks(struct json config, const struct genesis_where *where)
{
    for (struct json v = json_first(config); !json_is(v, JSON_MISSING); v = json_next(v)) {
        struct slice key = json_key(v);
        char name[64];

        if (!slice_ends(key, SLICE("Time")) || !genesis_given(v) || is_known_time(key)) continue;
        (void)snprintf(name, sizeof name, "%.*s", (int)(key.len < sizeof name ? key.len : sizeof name - 1), key.at);
        return genesis_fail(where, name, "schedules a fork that this version does not know");
    }
    return FAN_OK;
}

enum fan_status genesis_parse_config(struct json config, struct chain_config *out, struct fan_error *err)
{
    const struct genesis_where where = {"config", err};
    struct json deposits = json_get(config, "depositContractAddress"), dao = json_get(config, "daoForkSupport");
    struct chain_config c;
    enum fan_status s;

    if (!json_is(config, JSON_OBJECT)) return genesis_fail(&where, "", "genesis has no chain configuration");
    chain_config_init(1, &c); /* geth takes a missing chain id for main net's */
    s = genesis_read_u64(config, "chainId", &where, &c.chain_id);
    if (!s) s = refuse_unknown_forks(config, &where);
    if (!s) s = read_forks(config, &c, &where);
    if (!s) s = read_merge(config, &c, &where);
    if (!s) s = check_order(&c, err);
    if (!s) s = read_blob_schedule(config, &c, err);
    if (s) return s;
    c.dao_support = json_is(dao, JSON_TRUE);
    if (genesis_given(deposits) && !genesis_read_address(json_str_raw(deposits), &c.deposit_contract))
        return genesis_fail(&where, "depositContractAddress", "0x and 40 hex digits expected");
    *out = c;
    return FAN_OK;
}
