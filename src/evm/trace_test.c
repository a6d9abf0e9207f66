#include <stdlib.h>

#include "codec/json.h"
#include "evm/world.h"

/* Calls world_address(5) with four bytes, logs once, returns a word. */
#define OUTER                                                                                                          \
    "6312345678600052 60006000 6004601c 600073aa00000000000000000000000000000000000005 5af150"                         \
    "600760006000a1 602a60005260206000f3"
/* Reverts with Error("nope"). */
#define REVERT_NOPE                                                                                                    \
    "6064600c60003960646000fd"                                                                                         \
    "08c379a00000000000000000000000000000000000000000000000000000000000000020"                                         \
    "0000000000000000000000000000000000000000000000000000000000000004"                                                 \
    "6e6f706500000000000000000000000000000000000000000000000000000000"
/* JUMPDEST PUSH0 JUMP. */
#define FOREVER "5b5f56"

/* The text of a trace, and how often and how much may come. */
struct taken {
    char *at;
    size_t len, cap, pieces, pieces_max;
};

static int take(void *ctx, const uint8_t *at, size_t len)
{
    struct taken *k = ctx;

    if (k->pieces_max && k->pieces == k->pieces_max) return 1;
    k->pieces++;
    if (k->len + len > k->cap) {
        k->cap = 2 * (k->len + len);
        k->at = realloc(k->at, k->cap);
        assert(k->at);
    }
    memcpy(k->at + k->len, at, len);
    k->len += len;
    return 0;
}

struct fixture {
    struct world w;
    struct evm_block *b;
    struct evm_result r;
    struct taken taken;
    struct arena_home home;
};

static void fixture_init(struct test *t, struct fixture *f, const char *code, const char *called)
{
    const struct fan_hash parent = {{1}}, beacon = {{2}};

    memset(f, 0, sizeof *f);
    world_init(&f->w, FORK_OSAKA);
    (void)world_contract(&f->w, 4, code);
    if (called) (void)world_contract(&f->w, 5, called);
    arena_home_init(&f->home, 0);
    f->b = evm_block_open(&f->w.env, &f->w.reader);
    CHECK_EQ(t, evm_block_begin(f->b, &parent, &beacon), EVM_SUCCESS);
}

static void fixture_fini(struct fixture *f)
{
    evm_block_close(f->b);
    free(f->taken.at);
    arena_home_fini(&f->home);
}

static uint32_t trace(struct fixture *f, struct evm_trace how)
{
    struct evm_tx tx = world_tx(0, 4);

    how.ctx = &f->taken;
    how.put = take;
    f->taken.len = f->taken.pieces = 0;
    evm_block_trace(f->b, &tx, &how, &f->r);
    return f->r.status;
}

static struct json parsed(struct test *t, struct fixture *f)
{
    struct arena a = arena_of(&f->home);
    struct json out = {0};

    CHECK_EQ(t, json_parse(slice_of(f->taken.at, f->taken.len), JSON_DEPTH_MAX, &a, &out, NULL), FAN_OK);
    return out;
}

TEST(calls_are_a_tree_with_its_logs, t)
{
    struct fixture f;
    struct json top, inner;

    fixture_init(t, &f, OUTER, REVERT_NOPE);
    CHECK_EQ(t, trace(&f, (struct evm_trace){.config = {.tracer = EVM_TRACE_CALLS, .with_log = 1}}), EVM_SUCCESS);
    top = parsed(t, &f);
    CHECK(t, json_str_is(json_get(top, "type"), "CALL"));
    CHECK_EQ(t, json_count(json_get(top, "calls")), 1);
    CHECK_EQ(t, json_count(json_get(top, "logs")), 1);
    inner = json_at(json_get(top, "calls"), 0);
    CHECK(t, json_str_is(json_get(inner, "input"), "0x12345678"));
    CHECK(t, json_str_is(json_get(inner, "error"), "execution reverted"));
    CHECK(t, json_str_is(json_get(inner, "revertReason"), "nope"));
    CHECK(t, json_str_is(json_get(json_at(json_get(top, "logs"), 0), "position"), "0x1"));
    fixture_fini(&f);
}

TEST(a_traced_transaction_is_part_of_its_block, t)
{
    struct fixture f;
    struct evm_diff d;

    fixture_init(t, &f, OUTER, REVERT_NOPE);
    CHECK_EQ(t, trace(&f, (struct evm_trace){.config = {.tracer = EVM_TRACE_NOOP}}), EVM_SUCCESS);
    CHECK_SLICE(t, slice_of(f.taken.at, f.taken.len), SLICE("{}"));
    CHECK_EQ(t, f.r.log_count, 1);
    CHECK_EQ(t, f.r.output_len, 32);
    CHECK_EQ(t, evm_block_diff(f.b, &d), EVM_SUCCESS);
    REQUIRE(t, world_change(&d, world_address(1)));
    CHECK_EQ(t, world_change(&d, world_address(1))->new_nonce, 1);
    fixture_fini(&f);
}

TEST(steps_come_while_it_runs, t)
{
    struct fixture f;
    struct json steps, first;

    fixture_init(t, &f, OUTER, REVERT_NOPE);
    CHECK_EQ(t, trace(&f, (struct evm_trace){.config = {.tracer = EVM_TRACE_STEPS, .with_memory = 1}}), EVM_SUCCESS);
    steps = json_get(parsed(t, &f), "structLogs");
    CHECK(t, json_count(steps) > 20);
    first = json_first(steps);
    CHECK(t, json_str_is(json_get(first, "op"), "PUSH4"));
    CHECK_SLICE(t, json_raw(json_get(first, "gasCost")), SLICE("3"));
    CHECK_SLICE(t, json_raw(json_get(first, "stack")), SLICE("[]"));
    fixture_fini(&f);
}

TEST(an_endless_trace_ends_where_its_taker_ends_it, t)
{
    struct fixture f;

    fixture_init(t, &f, FOREVER, NULL);
    f.taken.pieces_max = 3;
    CHECK_EQ(t, trace(&f, (struct evm_trace){.config = {.tracer = EVM_TRACE_STEPS}}), EVM_STOPPED);
    CHECK_EQ(t, f.taken.pieces, 3);
    CHECK(t, f.taken.len < 256 * 1024); /* pieces are small, whatever the trace */
    f.taken.pieces_max = 0;
    CHECK_EQ(t, trace(&f, (struct evm_trace){.config = {.tracer = EVM_TRACE_STEPS, .limit = 1000}}), EVM_HALT);
    CHECK(t, f.taken.len < 3000);
    CHECK_EQ(t, trace(&f, (struct evm_trace){.config = {.tracer = EVM_TRACE_STEPS}, .deadline_ms = 1}), EVM_TIMEOUT);
    CHECK_STR(t, slice_str(f.r.text), "execution timeout");
    fixture_fini(&f);
}

TEST(what_is_kept_has_a_limit, t)
{
    struct fixture f;

    fixture_init(t, &f, OUTER, REVERT_NOPE);
    CHECK_EQ(t, trace(&f, (struct evm_trace){.config = {.tracer = EVM_TRACE_CALLS}, .size_max = 300}), EVM_STOPPED);
    CHECK_EQ(t, f.taken.pieces, 0);
    CHECK_EQ(t, trace(&f, (struct evm_trace){.config = {.tracer = EVM_TRACE_CALLS}, .size_max = 3000}), EVM_SUCCESS);
    fixture_fini(&f);
}

TEST(the_state_before_and_what_became_of_it, t)
{
    struct fixture f;
    struct json pre, post;

    fixture_init(t, &f, "6001600055 00", NULL);
    CHECK_EQ(t, trace(&f, (struct evm_trace){.config = {.tracer = EVM_TRACE_PRESTATE, .diff = 1}}), EVM_SUCCESS);
    pre = json_get(parsed(t, &f), "pre");
    post = json_get(parsed(t, &f), "post");
    CHECK_EQ(t, json_count(json_get(json_get(post, "0xaa00000000000000000000000000000000000004"), "storage")), 1);
    CHECK_EQ(t, json_count(json_get(json_get(pre, "0xaa00000000000000000000000000000000000004"), "storage")), 0);
    CHECK_SLICE(t, json_raw(json_get(json_get(post, "0xaa00000000000000000000000000000000000001"), "nonce")),
                SLICE("1"));
    fixture_fini(&f);
}

TEST(several_tracers_answer_by_their_names, t)
{
    const struct evm_trace_config parts[] = {
        {.tracer = EVM_TRACE_FOUR_BYTE, .name = (const uint8_t *)"4byteTracer", .name_len = 11},
        {.tracer = EVM_TRACE_FLAT_CALLS, .name = (const uint8_t *)"flatCallTracer", .name_len = 14}};
    struct fixture f;
    struct json made;

    fixture_init(t, &f, OUTER, REVERT_NOPE);
    CHECK_EQ(t,
             trace(&f, (struct evm_trace){.config = {.tracer = EVM_TRACE_MUX, .parts = parts, .part_count = 2},
                                          .tx_hash = {{9}},
                                          .block_number = 100}),
             EVM_SUCCESS);
    made = parsed(t, &f);
    CHECK_SLICE(t, json_raw(json_get(json_get(made, "4byteTracer"), "0x12345678-0")), SLICE("1"));
    CHECK_EQ(t, json_count(json_get(made, "flatCallTracer")), 2);
    CHECK(t, json_is(json_get(json_first(json_get(made, "flatCallTracer")), "blockHash"), JSON_NULL));
    fixture_fini(&f);
}
