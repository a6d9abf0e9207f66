/* Proof-of-work difficulty: Frontier's formula, Homestead's (EIP-2), Byzantium's (EIP-100), each with the ice age
 * ("bomb") that EIP-649, 1234, 2384, 3554, 4345 and 5133 put off. */
#include "codec/keccak.h"
#include "codec/u256.h"
#include "eth/header.h"

enum { BOUND_DIVISOR = 2048, DIFFICULTY_MIN = 131072, BOMB_PERIOD = 100000 };

static const struct fan_u256 lowest = {{DIFFICULTY_MIN, 0, 0, 0}};

/* 2^(period - 2), saturating: by then nobody could mine anyway. */
static struct fan_u256 bomb(uint64_t number)
{
    uint64_t period = number / BOMB_PERIOD;
    struct fan_u256 out = {{0}};

    if (period < 2) return out;
    period -= 2;
    if (period > 255) return (struct fan_u256){{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
    out.limb[period / 64] = (uint64_t)1 << period % 64;
    return out;
}

/* before + before / 2048 × steps, not below the minimum. */
static struct fan_u256 adjust(const struct fan_u256 *before, int64_t steps)
{
    struct fan_u256 step, divisor = u256_of(BOUND_DIVISOR), out;

    u256_div(before, &divisor, &step, NULL);
    (void)u256_mul_u64(&step, (uint64_t)(steps < 0 ? -steps : steps), &step); /* at most 99 / 2048 of before: fits */
    if (steps < 0)
        (void)u256_sub(before, &step, &out);
    else
        (void)u256_add(before, &step, &out);
    return u256_cmp(&out, &lowest) < 0 ? lowest : out;
}

/* first - seconds / unit, not below -99. */
static int64_t steps_of(int64_t first, uint64_t seconds, uint64_t unit)
{
    uint64_t late = seconds / unit;

    return late > 99 + (uint64_t)first ? -99 : first - (int64_t)late;
}

/* How many blocks the bomb is put off from Byzantium on. */
static uint64_t bomb_delay(const struct chain_config *c, uint64_t number)
{
    static const struct {
        enum fork fork;
        uint64_t blocks;
    } delay[] = {
        {FORK_GRAY_GLACIER, 11400000}, {FORK_ARROW_GLACIER, 10700000}, {FORK_LONDON, 9700000},
        {FORK_MUIR_GLACIER, 9000000},  {FORK_CONSTANTINOPLE, 5000000}, {FORK_BYZANTIUM, 3000000},
    };

    for (size_t i = 0; i < COUNT_OF(delay); i++)
        if (number >= c->fork_block[delay[i].fork]) return delay[i].blocks;
    return 0;
}

struct fan_u256 header_difficulty(const struct chain_config *c, const struct header *parent, uint64_t timestamp)
{
    uint64_t number = parent->number + 1, seconds = timestamp - parent->timestamp;
    struct fan_u256 out, extra;

    if (number >= c->fork_block[FORK_BYZANTIUM]) {
        uint64_t delay = bomb_delay(c, number);
        bool alone = memcmp(&parent->ommers_hash, &KECCAK_EMPTY_LIST, sizeof KECCAK_EMPTY_LIST) == 0;

        out = adjust(&parent->difficulty, steps_of(alone ? 1 : 2, seconds, 9));
        extra = bomb(number >= delay ? number - delay : 0);
    } else if (number >= c->fork_block[FORK_HOMESTEAD]) {
        out = adjust(&parent->difficulty, steps_of(1, seconds, 10));
        extra = bomb(number);
    } else {
        out = adjust(&parent->difficulty, seconds < 13 ? 1 : -1);
        extra = bomb(number);
    }
    if (!u256_add(&out, &extra, &out)) return (struct fan_u256){{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
    return out;
}
