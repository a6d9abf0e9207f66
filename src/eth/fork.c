#include "eth/fork.h"

#include <stdio.h>

#include "codec/u256.h"

/* Main net's deposit contract (EIP-6110), taken where a genesis names none. */
static const struct fan_address MAIN_NET_DEPOSITS = {{0x00, 0x00, 0x00, 0x00, 0x21, 0x9a, 0xb5, 0x40, 0x35, 0x6c,
                                                      0xbb, 0x83, 0x9c, 0xbe, 0x05, 0x30, 0x3d, 0x77, 0x05, 0xfa}};

static const struct {
    const char *name;
    struct blob_params params;
} blob_defaults[] = {
    {"cancun", {3, 6, 3338477}},  {"prague", {6, 9, 5007716}},  {"bpo1", {10, 15, 8346193}},
    {"bpo2", {14, 21, 11684671}}, {"bpo3", {21, 32, 20609697}}, {"bpo4", {14, 21, 13739630}},
};

bool blob_params_default(const char *name, struct blob_params *out)
{
    for (size_t i = 0; i < COUNT_OF(blob_defaults); i++) {
        if (strcmp(blob_defaults[i].name, name) != 0) continue;
        *out = blob_defaults[i].params;
        return true;
    }
    return false;
}

void chain_config_init(uint64_t chain_id, struct chain_config *out)
{
    *out =
        (struct chain_config){.chain_id = chain_id, .merge_block = FORK_NEVER, .deposit_contract = MAIN_NET_DEPOSITS};
    for (size_t f = 0; f < COUNT_OF(out->fork_block); f++) out->fork_block[f] = FORK_NEVER;
    for (size_t f = 0; f < COUNT_OF(out->fork_time); f++) out->fork_time[f] = FORK_NEVER;
    out->fork_block[FORK_FRONTIER] = 0;
}

bool chain_config_add_blobs(struct chain_config *c, const char *name, uint64_t from_time,
                            const struct blob_params *params)
{
    size_t at = c->blob_count;

    if (at == BLOB_SCHEDULE_MAX || strlen(name) >= sizeof c->blob[0].name) return false;
    while (at > 0 && c->blob[at - 1].from_time > from_time) at--; /* behind its equals: the later fork counts */
    memmove(&c->blob[at + 1], &c->blob[at], (c->blob_count - at) * sizeof c->blob[0]);
    c->blob_count++;
    c->blob[at].from_time = from_time;
    c->blob[at].params = *params;
    (void)snprintf(c->blob[at].name, sizeof c->blob[at].name, "%s", name);
    return true;
}

void chain_config_dev(uint64_t chain_id, enum fork newest, struct chain_config *out)
{
    static const char *const schedules[] = {"cancun", "prague"};

    chain_config_init(chain_id, out);
    for (enum fork f = FORK_FRONTIER; f <= newest && f < FORK_PARIS; f++)
        if (f != FORK_DAO) out->fork_block[f] = 0; /* the DAO's fork is main net's own history */
    for (enum fork f = FORK_SHANGHAI; f <= newest && f < FORK_COUNT; f++) out->fork_time[f] = 0;
    out->has_terminal_total_difficulty = true; /* geth takes no genesis without one */
    if (newest >= FORK_PARIS)
        out->merge_block = 0;
    else
        out->terminal_total_difficulty = u256_of(INT64_MAX);
    for (size_t i = 0; i < COUNT_OF(schedules) && (int)newest >= FORK_CANCUN + (int)i; i++) {
        struct blob_params params;
        bool known =
            blob_params_default(schedules[i], &params) && chain_config_add_blobs(out, schedules[i], 0, &params);

        assert(known);
        (void)known;
    }
}

enum fork fork_at(const struct chain_config *c, uint64_t number, uint64_t timestamp)
{
    bool london = number >= c->fork_block[FORK_LONDON];

    for (enum fork f = FORK_NEWEST; f >= FORK_SHANGHAI; f--)
        if (london && timestamp >= c->fork_time[f]) return f;
    if (london && number >= c->merge_block) return FORK_PARIS;
    for (enum fork f = FORK_GRAY_GLACIER; f > FORK_FRONTIER; f--)
        if (number >= c->fork_block[f]) return f;
    return FORK_FRONTIER;
}

bool blob_params_at(const struct chain_config *c, uint64_t timestamp, struct blob_params *out)
{
    for (size_t i = c->blob_count; i-- > 0;) {
        if (timestamp < c->blob[i].from_time) continue;
        *out = c->blob[i].params;
        return true;
    }
    return false;
}

static const char *const names[FORK_COUNT] = {
#define X(name, text) text,
    FORK_TABLE(X)
#undef X
};

const char *fork_name(enum fork f)
{
    return (unsigned)f < FORK_COUNT ? names[f] : "unknown fork";
}

static bool same_word(struct slice a, const char *b)
{
    size_t i;

    for (i = 0; i < a.len && b[i]; i++) {
        uint8_t x = a.at[i], y = (uint8_t)b[i];

        if (x >= 'A' && x <= 'Z') x = (uint8_t)(x | 0x20);
        if (y >= 'A' && y <= 'Z') y = (uint8_t)(y | 0x20);
        if (x != y) return false;
    }
    return i == a.len && !b[i];
}

bool fork_by_name(struct slice name, enum fork *out)
{
    static const struct {
        const char *name;
        enum fork fork;
    } others[] = {
        {"latest", FORK_NEWEST},
        {"merge", FORK_PARIS},
        {"the merge", FORK_PARIS},
        {"daoFork", FORK_DAO},
        {"dao-fork", FORK_DAO},
        {"tangerineWhistle", FORK_TANGERINE},
        {"eip150", FORK_TANGERINE},
        {"spuriousDragon", FORK_SPURIOUS},
        {"eip158", FORK_SPURIOUS},
        {"muir-glacier", FORK_MUIR_GLACIER},
        {"arrow-glacier", FORK_ARROW_GLACIER},
        {"gray-glacier", FORK_GRAY_GLACIER},
        {"greyGlacier", FORK_GRAY_GLACIER},
    };

    for (size_t f = 0; f < FORK_COUNT; f++) {
        if (!same_word(name, names[f])) continue;
        *out = (enum fork)f;
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        if (!same_word(name, others[i].name)) continue;
        *out = others[i].fork;
        return true;
    }
    return false;
}
