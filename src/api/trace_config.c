#include "api/trace_config.h"

#include "api/method.h"

enum { MUX_DEPTH_MAX = 3 };

static const struct {
    const char *name;
    enum chain_tracer tracer;
} tracers[] = {{"callTracer", CHAIN_TRACE_CALLS},        {"flatCallTracer", CHAIN_TRACE_FLAT_CALLS},
               {"prestateTracer", CHAIN_TRACE_PRESTATE}, {"4byteTracer", CHAIN_TRACE_FOUR_BYTE},
               {"noopTracer", CHAIN_TRACE_NOOP},         {"muxTracer", CHAIN_TRACE_MUX}};

/* ---- durations ---- */

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* Nanoseconds of a unit at the front of text, which moves behind it; 0: none. */
static double unit_ns(struct slice *text)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {{"ns", 1},   {"us", 1e3}, {"\xc2\xb5s", 1e3}, {"\xce\xbcs", 1e3},
                 {"ms", 1e6}, {"s", 1e9},  {"m", 60e9},        {"h", 3600e9}};

    for (size_t i = 0; i < COUNT_OF(units); i++) {
        struct slice name = slice_str(units[i].name);

        if (slice_starts(*text, name)) {
            *text = slice_from(*text, name.len);
            return units[i].ns;
        }
    }
    return 0;
}

bool trace_duration_ms(struct slice text, uint64_t *out_ms)
{
    double ns = 0;

    if (text.len && (text.at[0] == '+')) text = slice_from(text, 1);
    if (text.len == 1 && text.at[0] == '0') {
        *out_ms = 0;
        return true;
    }
    if (!text.len) return false;
    while (text.len) {
        double value = 0, scale = 1, unit;
        bool any = false, fraction = false;

        for (; text.len && (is_digit(text.at[0]) || (text.at[0] == '.' && !fraction)); text = slice_from(text, 1)) {
            if (text.at[0] == '.') {
                fraction = true;
                continue;
            }
            any = true;
            value = value * 10 + (text.at[0] - '0');
            if (fraction) scale *= 10;
        }
        unit = unit_ns(&text);
        if (!any || unit == 0) return false;
        ns += value / scale * unit;
    }
    *out_ms = ns / 1e6 < (double)UINT64_MAX ? (uint64_t)(ns / 1e6) : UINT64_MAX;
    return true;
}

/* ---- the configuration ---- */

static bool flag(struct params *p, const struct where *at, struct json o, const char *key)
{
    struct json v = json_get(o, key);

    return params_given(v) && read_bool(p, &(struct where){.outer = at, .key = key}, v);
}

static void read_tracer(struct params *p, const struct where *at, struct slice name, struct json config, size_t depth,
                        struct chain_tracer_config *out);

static void read_parts(struct params *p, const struct where *at, struct json config, size_t depth,
                       struct chain_tracer_config *out)
{
    struct chain_tracer_config *parts;
    size_t i = 0;

    if (depth >= MUX_DEPTH_MAX) {
        params_fail_at(p, at, "muxTracers more than %d deep", MUX_DEPTH_MAX);
        return;
    }
    parts = params_items(p, config, sizeof *parts, &out->part_count);
    for (struct json v = json_first(config); parts && !json_is(v, JSON_MISSING); v = json_next(v), i++) {
        char *name = arena_cstr(p->arena, json_key(v));
        struct where part = {.outer = at, .key = name};

        if (!name) {
            params_fail(p, CODE_INTERNAL, "%s", fan_status_text(FAN_ENOMEM));
            return;
        }
        read_tracer(p, &part, slice_str(name), v, depth + 1, &parts[i]);
        parts[i].name = slice_str(name);
    }
    out->parts = parts;
}

static void read_tracer(struct params *p, const struct where *at, struct slice name, struct json config, size_t depth,
                        struct chain_tracer_config *out)
{
    size_t i = 0;

    while (i < COUNT_OF(tracers) && !slice_eq(name, slice_str(tracers[i].name))) i++;
    if (i == COUNT_OF(tracers)) {
        params_fail(p, CODE_REFUSED, "tracer \"%.*s\" is not known; tracers in JavaScript are not supported",
                    (int)(name.len < 60 ? name.len : 60), (const char *)name.at);
        return;
    }
    out->tracer = tracers[i].tracer;
    if (!params_given(config)) return;
    if (!params_expect(p, at, config, JSON_OBJECT)) return;
    switch (out->tracer) {
    case CHAIN_TRACE_CALLS:
        out->only_top_call = flag(p, at, config, "onlyTopCall");
        out->with_log = flag(p, at, config, "withLog");
        break;
    case CHAIN_TRACE_FLAT_CALLS:
        out->parity_errors = flag(p, at, config, "convertParityErrors");
        out->with_precompiles = flag(p, at, config, "includePrecompiles");
        break;
    case CHAIN_TRACE_PRESTATE:
        out->diff = flag(p, at, config, "diffMode");
        out->no_code = flag(p, at, config, "disableCode");
        out->no_storage = flag(p, at, config, "disableStorage");
        out->with_empty = flag(p, at, config, "includeEmpty");
        if (out->diff && out->with_empty) params_fail(p, CODE_REFUSED, "cannot use diffMode with includeEmpty");
        break;
    case CHAIN_TRACE_MUX:
        read_parts(p, at, config, depth, out);
        break;
    case CHAIN_TRACE_STEPS:
    case CHAIN_TRACE_FOUR_BYTE:
    case CHAIN_TRACE_NOOP:
        break;
    }
}

static void read_steps(struct params *p, const struct where *at, struct json o, struct chain_tracer_config *out)
{
    struct json limit = json_get(o, "limit");

    out->tracer = CHAIN_TRACE_STEPS;
    out->with_memory = flag(p, at, o, "enableMemory");
    out->no_stack = flag(p, at, o, "disableStack");
    out->no_storage = flag(p, at, o, "disableStorage");
    out->with_return_data = flag(p, at, o, "enableReturnData");
    if (params_given(limit)) out->limit = read_count(p, &(struct where){.outer = at, .key = "limit"}, limit);
}

static void read_timeout(struct params *p, const struct where *at, struct json v, struct trace_config *out)
{
    struct where timeout = {.outer = at, .key = "timeout"};
    struct slice text;

    if (!params_given(v) || !params_expect(p, &timeout, v, JSON_STRING)) return;
    text = json_str(v, p->arena);
    if (!trace_duration_ms(text, &out->timeout_ms)) {
        params_fail_at(p, &timeout, "invalid duration \"%.*s\" (want \"500ms\", \"5s\", \"1m30s\" …)",
                       (int)(text.len < 40 ? text.len : 40), (const char *)text.at);
        return;
    }
    out->has_timeout = true;
    if (out->timeout_ms > TRACE_TIMEOUT_MS_MAX) out->timeout_ms = TRACE_TIMEOUT_MS_MAX;
}

void trace_config_read(struct params *p, size_t index, struct trace_config *out)
{
    struct where at = params_where(index, "config"), tracer_at = {.outer = &at, .key = "tracer"},
                 config_at = {.outer = &at, .key = "tracerConfig"};
    struct json o = json_at(p->list, index), tracer = json_get(o, "tracer");

    *out = (struct trace_config){0};
    if (p->code || !params_has(p, index) || !params_expect(p, &at, o, JSON_OBJECT)) return;
    if (!params_given(tracer))
        read_steps(p, &at, o, &out->tracer);
    else if (params_expect(p, &tracer_at, tracer, JSON_STRING))
        read_tracer(p, &config_at, json_str(tracer, p->arena), json_get(o, "tracerConfig"), 0, &out->tracer);
    read_timeout(p, &at, json_get(o, "timeout"), out);
}
