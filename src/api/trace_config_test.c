/* What a trace's configuration reads as. */
#include "api/trace_config.h"

#include "api/test_params.h"
#include "base/test.h"

static struct params read_config(const char *text, struct trace_config *out)
{
    struct params p = test_params(text, 1);

    trace_config_read(&p, 0, out);
    return p;
}

TEST(nothing_is_the_struct_logger, t)
{
    static const char *const texts[] = {"[]", "[null]", "[{}]", "[{\"tracer\":null,\"reexec\":128}]"};
    struct trace_config c;

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct params p = read_config(texts[i], &c);

        CHECK_EQ(t, p.code, 0);
        CHECK_EQ(t, c.tracer.tracer, CHAIN_TRACE_STEPS);
        CHECK(t, !c.tracer.no_stack && !c.tracer.with_memory && !c.has_timeout);
    }
}

TEST(each_tracer_has_its_own_options, t)
{
    struct trace_config c;

    CHECK_EQ(t, read_config("[{\"enableMemory\":true,\"disableStack\":true,\"limit\":7}]", &c).code, 0);
    CHECK(t, c.tracer.with_memory && c.tracer.no_stack && c.tracer.limit == 7);
    CHECK_EQ(t, read_config("[{\"tracer\":\"callTracer\",\"tracerConfig\":{\"withLog\":true}}]", &c).code, 0);
    CHECK(t, c.tracer.tracer == CHAIN_TRACE_CALLS && c.tracer.with_log && !c.tracer.only_top_call);
    CHECK_EQ(t,
             read_config("[{\"tracer\":\"muxTracer\",\"tracerConfig\":{\"callTracer\":{\"onlyTopCall\":true},"
                         "\"prestateTracer\":null}}]",
                         &c)
                 .code,
             0);
    REQUIRE(t, c.tracer.tracer == CHAIN_TRACE_MUX && c.tracer.part_count == 2);
    CHECK(t, c.tracer.parts[0].only_top_call && c.tracer.parts[1].tracer == CHAIN_TRACE_PRESTATE);
    CHECK_SLICE(t, c.tracer.parts[1].name, SLICE("prestateTracer"));
}

TEST(what_does_not_fit_is_said, t)
{
    static const struct {
        const char *text, *words;
        int code;
    } row[] = {
        {"[7]", "invalid argument 0 (config): want an object, got a number", CODE_INVALID_PARAMS},
        {"[{\"tracer\":1}]", "invalid argument 0 (config).tracer: want a string, got a number", CODE_INVALID_PARAMS},
        {"[{\"tracer\":\"{step: function() {}}\"}]",
         "tracer \"{step: function() {}}\" is not known; tracers in JavaScript are not supported", CODE_REFUSED},
        {"[{\"tracer\":\"callTracer\",\"tracerConfig\":[]}]",
         "invalid argument 0 (config).tracerConfig: want an object, got an array", CODE_INVALID_PARAMS},
        {"[{\"tracer\":\"callTracer\",\"tracerConfig\":{\"withLog\":1}}]",
         "invalid argument 0 (config).tracerConfig.withLog: want true or false, got a number", CODE_INVALID_PARAMS},
        {"[{\"tracer\":\"prestateTracer\",\"tracerConfig\":{\"diffMode\":true,\"includeEmpty\":true}}]",
         "cannot use diffMode with includeEmpty", CODE_REFUSED},
        {"[{\"timeout\":\"soon\"}]",
         "invalid argument 0 (config).timeout: invalid duration \"soon\" (want \"500ms\", \"5s\", \"1m30s\" …)",
         CODE_INVALID_PARAMS},
        {"[{\"tracer\":\"muxTracer\",\"tracerConfig\":{\"muxTracer\":{\"muxTracer\":{\"muxTracer\":{\"callTracer\":{}}}"
         "}}}]",
         "invalid argument 0 (config).tracerConfig.muxTracer.muxTracer.muxTracer: muxTracers more than 3 deep",
         CODE_INVALID_PARAMS},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct trace_config c;
        struct params p = read_config(row[i].text, &c);

        CHECK_EQ(t, p.code, row[i].code);
        CHECK_STR(t, slice_str(p.error.text), row[i].words);
    }
}

TEST(durations_are_go_s, t)
{
    static const struct {
        const char *text;
        bool fits;
        uint64_t ms;
    } row[] = {{"5s", true, 5000},      {"500ms", true, 500}, {"1m30s", true, 90000},
               {"1.5h", true, 5400000}, {"0", true, 0},       {"+2s", true, 2000},
               {"100us", true, 0},      {"", false, 0},       {"5", false, 0},
               {"-5s", false, 0},       {"s", false, 0},      {".s", false, 0},
               {"5 s", false, 0},       {"1.2.3s", false, 0}, {"9999999999999999999h", true, UINT64_MAX}};

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        uint64_t ms = 0;

        CHECK_EQ(t, trace_duration_ms(slice_str(row[i].text), &ms), row[i].fits);
        if (row[i].fits) CHECK_EQ(t, ms, row[i].ms);
    }
}
