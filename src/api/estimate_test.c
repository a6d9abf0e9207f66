/* The search for the least gas, against calls of known needs. */
#include "api/estimate.h"

#include <stdlib.h>

#include "base/test.h"

/* A call that uses `used`, but succeeds only from `needed` on. */
struct model {
    uint64_t needed, used;
    size_t runs;
    enum chain_call_status otherwise;
    const char *text;
};

static enum fan_status run(void *ctx, uint64_t gas, struct chain_call_result *out)
{
    struct model *m = ctx;

    m->runs++;
    *out = (struct chain_call_result){.gas_used = m->used, .gas_spent_max = m->used};
    if (gas >= m->needed) return FAN_OK;
    out->status = m->otherwise;
    out->gas_used = gas;
    out->text = slice_str(m->text);
    return FAN_OK;
}

static uint64_t search(struct model *m, uint64_t most, bool plain, enum estimate_end *out_end,
                       struct chain_call_result *last)
{
    uint64_t gas = 0;

    if (estimate_gas(most, plain, run, m, out_end, &gas, last)) abort();
    return gas;
}

TEST(a_plain_transfer_takes_one_run, t)
{
    struct model m = {
        .needed = 21000, .used = 21000, .otherwise = CHAIN_CALL_INVALID, .text = "intrinsic gas too low: have 1"};
    struct chain_call_result last;
    enum estimate_end end;

    CHECK_EQ(t, search(&m, 30000000, true, &end, &last), 21000);
    CHECK_EQ(t, end, ESTIMATE_FOUND);
    CHECK_EQ(t, m.runs, 1);
}

/* Property: what is found is the least that is enough. */
TEST(the_answer_is_the_least_that_is_enough, t)
{
    static const uint64_t used[] = {21001, 21064, 30000, 53000, 100000, 999999, 16000000};

    for (size_t i = 0; i < COUNT_OF(used); i++) {
        for (uint64_t extra = 0; extra < 40; extra += 13) {
            struct model m = {.used = used[i],
                              .needed = used[i] + used[i] * extra / 100,
                              .otherwise = CHAIN_CALL_HALT,
                              .text = "out of gas"};
            struct chain_call_result last;
            enum estimate_end end;
            uint64_t gas = search(&m, 30000000, false, &end, &last);

            CHECK_EQ(t, end, ESTIMATE_FOUND);
            CHECK_EQ(t, gas, m.needed);
            CHECK(t, m.runs < 40);
        }
    }
}

TEST(too_little_at_most_is_an_allowance, t)
{
    static const struct {
        enum chain_call_status status;
        const char *text;
    } row[] = {{CHAIN_CALL_HALT, "out of gas"},
               {CHAIN_CALL_INVALID, "intrinsic gas too low: have 20000, want 21000"},
               {CHAIN_CALL_INVALID, "transaction gas limit too high (cap: 16777216, tx: 16777217)"}};

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct model m = {.needed = 100000, .used = 90000, .otherwise = row[i].status, .text = row[i].text};
        struct chain_call_result last;
        enum estimate_end end;

        (void)search(&m, 50000, false, &end, &last);
        CHECK_EQ(t, end, ESTIMATE_ALLOWANCE);
    }
}

TEST(what_gas_cannot_cure_fails_at_once, t)
{
    static const struct {
        enum chain_call_status status;
        const char *text;
    } row[] = {{CHAIN_CALL_REVERT, ""},
               {CHAIN_CALL_HALT, "invalid opcode: INVALID"},
               {CHAIN_CALL_INVALID, "insufficient funds for gas * price + value: address 0x00"},
               {CHAIN_CALL_TIMEOUT, ""}};

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct model m = {.needed = UINT64_MAX, .used = 90000, .otherwise = row[i].status, .text = row[i].text};
        struct chain_call_result last;
        enum estimate_end end;

        (void)search(&m, 30000000, false, &end, &last);
        CHECK_EQ(t, end, ESTIMATE_FAILS);
        CHECK_EQ(t, last.status, row[i].status);
        CHECK_EQ(t, m.runs, 1);
    }
}

static enum fan_status broken(void *ctx, uint64_t gas, struct chain_call_result *out)
{
    (void)ctx, (void)gas, (void)out;
    return FAN_EIO;
}

TEST(a_failing_run_ends_the_search, t)
{
    struct chain_call_result last = {0};
    enum estimate_end end;
    uint64_t gas;

    CHECK_EQ(t, estimate_gas(30000000, true, broken, NULL, &end, &gas, &last), FAN_EIO);
    CHECK_EQ(t, estimate_gas(30000000, false, broken, NULL, &end, &gas, &last), FAN_EIO);
}

/* A store with less than 2,300 gas left fails with words of its own, and yet for want of gas. */
TEST(words_behind_out_of_gas_do_not_hide_it, t)
{
    struct model m = {.needed = 40000,
                      .used = 30000,
                      .otherwise = CHAIN_CALL_HALT,
                      .text = "out of gas: not enough gas for reentrancy sentry"};
    struct chain_call_result last;
    enum estimate_end end;

    (void)search(&m, 21248, false, &end, &last);
    CHECK_EQ(t, end, ESTIMATE_ALLOWANCE);
}
