#include "local/console.h"

#include "codec/console.h"
#include "codec/hex.h"
#include "codec/json.h"

int console_put(void *ctx, const uint8_t *at, size_t len)
{
    struct buf *text = ctx;

    buf_put(text, slice_of(at, len));
    return text->failed ? 1 : 0;
}

/* One line, as long as memory lasts. */
static void tell_one(const struct local_sink *sink, struct slice digits)
{
    struct arena_home home;
    struct arena a;
    uint8_t *bytes;
    struct buf line;

    if (!slice_starts(digits, SLICE("0x"))) return;
    digits = slice_from(digits, 2);
    arena_home_init(&home, 0);
    a = arena_of(&home);
    bytes = arena_bytes(&a, digits.len / 2 + 1);
    buf_init(&line, 0);
    if (bytes && !hex_decode(digits, bytes) && console_write(slice_of(bytes, digits.len / 2), &line) && line.len &&
        !line.failed) /* an empty one is none, as with anvil */
        sink->console(sink->ctx, buf_peek(&line));
    buf_fini(&line);
    arena_home_fini(&home);
}

void console_tell(const struct local_sink *sink, struct slice calls)
{
    char address[2 + 40] = "0x";
    struct arena_home home;
    struct arena a;
    struct json list;

    hex_encode(slice_of(CONSOLE_ADDRESS.bytes, sizeof CONSOLE_ADDRESS.bytes), address + 2);
    arena_home_init(&home, 0);
    a = arena_of(&home);
    if (json_parse(calls, JSON_DEPTH_MAX, &a, &list, NULL)) list = (struct json){0};
    for (struct json v = json_first(list); !json_is(v, JSON_MISSING); v = json_next(v)) {
        struct json action = json_get(v, "action"), to = json_get(action, "to");

        if (json_is(to, JSON_STRING) && slice_eq(json_str_raw(to), slice_of(address, sizeof address)))
            tell_one(sink, json_str_raw(json_get(action, "input")));
    }
    arena_home_fini(&home);
}

void console_execute(struct evm_block *b, const struct evm_tx *tx, int want_diff, const bool *seen,
                     const struct local_sink *sink, struct evm_result *out)
{
    struct evm_trace trace = {.config = {.tracer = EVM_TRACE_FLAT_CALLS},
                              .size_max = CONSOLE_CALLS_MAX,
                              .want_diff = (uint8_t)want_diff,
                              .put = console_put};
    struct buf calls;
    size_t mark;

    if (!*seen) {
        bool marked = evm_block_mark(b, &mark) == EVM_SUCCESS;

        evm_block_execute(b, tx, want_diff, out);
        if (!*seen || !marked || out->status > EVM_HALT) return;
        if (evm_block_rewind(b, mark) != EVM_SUCCESS) {
            *out = (struct evm_result){.status = EVM_FAULT, .text = "a transaction could not be taken back"};
            return;
        }
    }
    buf_init(&calls, CONSOLE_CALLS_MAX);
    trace.ctx = &calls;
    evm_block_trace(b, tx, &trace, out);
    if (out->status == EVM_STOPPED)
        evm_block_execute(b, tx, want_diff, out);
    else if (out->status <= EVM_HALT)
        console_tell(sink, buf_peek(&calls));
    buf_fini(&calls);
}
