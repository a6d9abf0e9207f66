/* The chain's clock. */
#include <inttypes.h>
#include <stdio.h>

#include "api/dev.h"
#include "api/tables.h"
#include "base/clock.h"

static void put_signed_number(struct json_writer *w, int64_t v)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRId64, v);
    json_put_raw(w, slice_str(text));
}

/* A number, "0x…" or "…"; the clock's sum must stay far from its edges. */
static int64_t read_seconds(struct params *p)
{
    struct where at = params_where(0, "seconds");
    struct json v = params_value(p, &at);
    uint64_t seconds;

    seconds = read_count(p, &at, v);
    if (seconds > INT32_MAX * (uint64_t)100) params_fail_at(p, &at, "too far");
    return (int64_t)seconds;
}

/* Answers the whole offset to the wall clock. */
static void increase_time(struct call *call)
{
    struct params p = params_of_call(call, 1);
    int64_t seconds = read_seconds(&p);
    const struct chain_dev_ops *dev;

    dev = dev_of(call, &p);
    if (!dev) return;
    put_signed_number(call_result(call), dev->increase_time(api_of(call)->chain, seconds));
    call_finish(call);
}

static void set_next_timestamp(struct call *call)
{
    struct params p = params_of_call(call, 1);
    uint64_t timestamp = params_count(&p, 0, "timestamp");
    const struct chain_dev_ops *dev;
    struct fan_error err = {0};
    enum fan_status s;

    dev = dev_of(call, &p);
    if (!dev) return;
    s = dev->set_next_timestamp(api_of(call)->chain, timestamp, &err);
    if (s)
        answer_status(call, s, &err);
    else
        answer_null(call);
}

/* Answers by how many seconds the clock was moved forward. Tools pass seconds; a value beyond the year 5000 is
 * JavaScript's milliseconds. */
static void set_time(struct call *call)
{
    struct params p = params_of_call(call, 1);
    uint64_t timestamp = params_count(&p, 0, "timestamp");
    const struct chain_dev_ops *dev;
    struct chain *chain = api_of(call)->chain;
    int64_t now;

    dev = dev_of(call, &p);
    if (!dev) return;
    if (timestamp > UINT64_C(95617584000)) timestamp /= 1000;
    now = (int64_t)clock_wall_s() + dev->increase_time(chain, 0);
    dev->set_time(chain, timestamp);
    put_signed_number(call_result(call), (int64_t)timestamp > now ? (int64_t)timestamp - now : 0);
    call_finish(call);
}

/* Each block's timestamp is its parent's and so many seconds. */
static void set_timestamp_interval(struct call *call)
{
    struct params p = params_of_call(call, 1);
    struct where at = params_where(0, "seconds");
    uint64_t seconds = params_count(&p, 0, "seconds");
    const struct chain_dev_ops *dev;

    if (seconds > INT32_MAX * (uint64_t)100) params_fail_at(&p, &at, "too far");
    dev = dev_of(call, &p);
    if (!dev) return;
    (void)dev->set_timestamp_interval(api_of(call)->chain, &seconds);
    answer_null(call);
}

/* Answers whether there was one. */
static void remove_timestamp_interval(struct call *call)
{
    struct params p = params_of_call(call, 0);
    const struct chain_dev_ops *dev;

    dev = dev_of(call, &p);
    if (!dev) return;
    json_put_bool(call_result(call), dev->set_timestamp_interval(api_of(call)->chain, NULL));
    call_finish(call);
}

#define ROW(name, run)                                                                                                 \
    {                                                                                                                  \
        name, RPC_WRITER, RPC_DEVELOPMENT, run                                                                         \
    }

const struct rpc_method api_dev_time_methods[] = {
    ROW("anvil_increaseTime", increase_time),
    ROW("anvil_removeBlockTimestampInterval", remove_timestamp_interval),
    ROW("anvil_setBlockTimestampInterval", set_timestamp_interval),
    ROW("anvil_setNextBlockTimestamp", set_next_timestamp),
    ROW("anvil_setTime", set_time),
    ROW("evm_increaseTime", increase_time),
    ROW("evm_setNextBlockTimestamp", set_next_timestamp),
    ROW("evm_setTime", set_time),
    ROW("hardhat_removeBlockTimestampInterval", remove_timestamp_interval),
    ROW("hardhat_setBlockTimestampInterval", set_timestamp_interval),
};
