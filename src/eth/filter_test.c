#include "eth/filter.h"

#include <stdio.h>

#include "base/test.h"

static const struct filter_limits limits = {1000, 1000};

struct parsed {
    struct arena_home home;
    struct arena a;
    struct filter f;
    struct filter_range range;
    struct fan_error err;
    enum fan_status status;
};

static void parse(const char *text, struct parsed *p)
{
    struct json v = {0};

    *p = (struct parsed){0};
    arena_home_init(&p->home, 0);
    p->a = arena_of(&p->home);
    p->status = FAN_EINTERNAL;
    if (*text && json_parse(slice_str(text), JSON_DEPTH_MAX, &p->a, &v, NULL)) return;
    p->status = filter_parse(v, &limits, &p->a, &p->f, &p->range, &p->err);
}

static void done(struct parsed *p)
{
    arena_home_fini(&p->home);
}

#define A1 "\"0x1111111111111111111111111111111111111111\""
#define A2 "\"0x2222222222222222222222222222222222222222\""
#define T1 "\"0x1111111111111111111111111111111111111111111111111111111111111111\""
#define T2 "\"0x2222222222222222222222222222222222222222222222222222222222222222\""

TEST(what_geth_s_grammar_allows, t)
{
    static const struct {
        const char *text;
        size_t addresses, positions, first_count;
    } row[] = {
        {"", 0, 0, 0},
        {"null", 0, 0, 0},
        {"{}", 0, 0, 0},
        {"{\"address\":null,\"topics\":null}", 0, 0, 0},
        {"{\"address\":[],\"topics\":[]}", 0, 0, 0},
        {"{\"address\":" A1 "}", 1, 0, 0},
        {"{\"address\":[" A1 "," A2 "," A1 "]}", 2, 0, 0},
        {"{\"topics\":[" T1 "]}", 0, 1, 1},
        {"{\"topics\":[[" T1 "," T2 "," T2 "]]}", 0, 1, 2},
        {"{\"topics\":[[" T1 ",null]]}", 0, 1, 0},
        {"{\"topics\":[null]}", 0, 1, 0},
        {"{\"topics\":[[],null,[]," T1 "]}", 0, 4, 0},
        {"{\"topics\":[" T1 ",null,null]}", 0, 3, 1},
        {"{\"limit\":5,\"fromBlock\":\"0x1\"}", 0, 0, 0},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct parsed p;

        parse(row[i].text, &p);
        CHECK_EQ(t, p.status, FAN_OK);
        CHECK_EQ(t, p.f.address_count, row[i].addresses);
        CHECK_EQ(t, p.f.position_count, row[i].positions);
        CHECK_EQ(t, p.f.topics[0].count, row[i].first_count);
        done(&p);
    }
}

TEST(what_does_not_fit_is_said, t)
{
    static const struct {
        const char *text;
        enum fan_status status;
        const char *words;
    } row[] = {
        {"[]", FAN_EINVAL, "the filter must be an object"},
        {"\"x\"", FAN_EINVAL, "the filter must be an object"},
        {"{\"address\":5}", FAN_EINVAL, "invalid addresses in query"},
        {"{\"address\":\"0x11\"}", FAN_EINVAL, "invalid address: "},
        {"{\"address\":[" A1 ",7]}", FAN_EINVAL, "non-string address at index 1"},
        {"{\"address\":[" A1 ",\"0x\"]}", FAN_EINVAL, "invalid address at index 1"},
        {"{\"topics\":" T1 "}", FAN_EINVAL, "topics must be an array"},
        {"{\"topics\":[" A1 "]}", FAN_EINVAL, "invalid topic(s): position 0"},
        {"{\"topics\":[null,7]}", FAN_EINVAL, "invalid topic(s): position 1"},
        {"{\"topics\":[[[]]]}", FAN_EINVAL, "invalid topic(s): position 0"},
        {"{\"topics\":[null,null,null,null,null]}", FAN_ELIMIT, "exceed max topics: 5 positions given, at most 4"},
        {"{\"blockHash\":" T1 ",\"fromBlock\":\"0x1\"}", FAN_EINVAL, "cannot specify both"},
        {"{\"blockHash\":" T1 ",\"toBlock\":\"0x1\"}", FAN_EINVAL, "cannot specify both"},
    };

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct parsed p;

        parse(row[i].text, &p);
        CHECK_EQ(t, p.status, row[i].status);
        if (!slice_starts(slice_str(p.err.text), slice_str(row[i].words)))
            test_fail(t, __FILE__, __LINE__, "%s: %s", row[i].text, p.err.text);
        done(&p);
    }
}

/* Neither 1,000 nor 1,001 is ever cut short: the first is taken whole, the second refused with both numbers. */
TEST(limits_refuse_and_never_truncate, t)
{
    for (size_t count = 1000; count <= 1001; count++) {
        for (int topics = 0; topics < 2; topics++) {
            struct buf b;
            struct parsed p;

            buf_init(&b, 0);
            buf_put_str(&b, topics ? "{\"topics\":[[" : "{\"address\":[");
            for (size_t i = 0; i < count; i++) buf_printf(&b, "%s\"0x%0*zx\"", i ? "," : "", topics ? 64 : 40, i);
            buf_put_str(&b, topics ? "]]}" : "]}");
            buf_put_byte(&b, 0);
            parse((const char *)b.at, &p);
            CHECK_EQ(t, p.status, count > 1000 ? FAN_ELIMIT : FAN_OK);
            if (count == 1000) CHECK_EQ(t, topics ? p.f.topics[0].count : p.f.address_count, 1000);
            if (count == 1001) CHECK(t, strstr(p.err.text, "1001") && strstr(p.err.text, "1000"));
            done(&p);
            buf_fini(&b);
        }
    }
}

TEST(what_stands_beside_the_filter_is_handed_on, t)
{
    struct parsed p;

    parse("{\"fromBlock\":\"earliest\",\"toBlock\":null,\"resume\":{\"fromBlock\":\"0x1\"}}", &p);
    CHECK_EQ(t, p.status, FAN_OK);
    CHECK(t, json_str_is(p.range.from_block, "earliest"));
    CHECK(t, json_is(p.range.to_block, JSON_MISSING)); /* null is as good as absent */
    CHECK(t, json_is(p.range.block_hash, JSON_MISSING));
    CHECK(t, json_is(p.range.resume, JSON_OBJECT));
    done(&p);
}

/* A small world, so that filters and logs meet often: addresses 0 … 3, topics 0 … 3. */
static uint64_t seed;

static unsigned pick(unsigned below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % below;
}

/* A filter as somebody would write it, and the same kept naively: sets as bit masks, 0 for anything. */
struct naive {
    unsigned addresses, topics[4];
    size_t positions;
};

static void random_filter(struct buf *text, struct naive *n)
{
    *n = (struct naive){0};
    buf_put_str(text, "{\"address\":[");
    for (unsigned i = pick(4); i > 0; i--) {
        unsigned which = pick(4);

        n->addresses |= 1u << which;
        buf_printf(text, "\"0x%040x\"%s", which, i > 1 ? "," : "");
    }
    buf_put_str(text, "],\"topics\":[");
    n->positions = pick(5);
    for (size_t p = 0; p < n->positions; p++) {
        unsigned count = pick(4);

        buf_put_str(text, p ? ",[" : "[");
        for (unsigned i = 0; i < count; i++) {
            unsigned which = pick(4);

            n->topics[p] |= 1u << which;
            buf_printf(text, "%s\"0x%064x\"", i ? "," : "", which);
        }
        buf_put_str(text, "]");
    }
    buf_put_str(text, "]}");
    buf_put_byte(text, 0);
}

static bool naive_matches(const struct naive *n, unsigned address, const unsigned *topics, size_t count)
{
    if (n->addresses && !(n->addresses >> address & 1)) return false;
    if (count < n->positions) return false;
    for (size_t i = 0; i < n->positions; i++)
        if (n->topics[i] && !(n->topics[i] >> topics[i] & 1)) return false;
    return true;
}

TEST(matching_agrees_with_a_naive_matcher, t)
{
    size_t hits = 0;

    seed = 7;
    for (int round = 0; round < 3000; round++) {
        struct buf text;
        struct naive naive;
        struct parsed p;

        buf_init(&text, 0);
        random_filter(&text, &naive);
        parse((const char *)text.at, &p);
        REQUIRE(t, p.status == FAN_OK);
        for (int i = 0; i < 20; i++) {
            struct fan_address address = {{0}};
            struct fan_hash topics[4] = {{{0}}};
            unsigned numbers[4], which = pick(4);
            size_t count = pick(5);
            struct bloom bloom = {{0}};
            bool want;

            address.bytes[19] = (uint8_t)which;
            bloom_add(&bloom, slice_of(address.bytes, 20));
            for (size_t k = 0; k < count; k++) {
                numbers[k] = pick(4);
                topics[k].bytes[31] = (uint8_t)numbers[k];
                bloom_add(&bloom, slice_of(topics[k].bytes, 32));
            }
            want = naive_matches(&naive, which, numbers, count);
            hits += want;
            CHECK_EQ(t, filter_matches(&p.f, &address, topics, count), want);
            if (want) CHECK(t, filter_may_match(&p.f, &bloom)); /* a bloom never hides a match */
        }
        done(&p);
        buf_fini(&text);
    }
    CHECK(t, hits > 1000);
}

TEST(equal_filters_are_equal_however_they_were_written, t)
{
    static const char *const same[] = {
        "{\"address\":[" A1 "," A2 "],\"topics\":[[" T1 "," T2 "],null]}",
        "{\"address\":[" A2 "," A1 "," A2 "],\"topics\":[[" T2 "," T1 "],[]]}",
    };
    static const char *const other[] = {
        "{\"address\":[" A1 "," A2 "],\"topics\":[[" T1 "," T2 "]]}",
        "{\"address\":[" A1 "],\"topics\":[[" T1 "," T2 "],null]}",
        "{\"address\":[" A1 "," A2 "],\"topics\":[null,[" T1 "," T2 "]]}",
        "{}",
    };
    struct parsed a, b;
    struct filter copy;

    parse(same[0], &a);
    parse(same[1], &b);
    CHECK(t, filter_eq(&a.f, &b.f));
    CHECK_EQ(t, filter_hash(&a.f), filter_hash(&b.f));
    REQUIRE(t, !filter_copy(&a.f, &b.a, &copy));
    CHECK(t, filter_eq(&a.f, &copy) && copy.addresses != a.f.addresses);
    CHECK_EQ(t, filter_hash(&a.f), filter_hash(&copy));
    done(&b);
    for (size_t i = 0; i < COUNT_OF(other); i++) {
        parse(other[i], &b);
        CHECK(t, !filter_eq(&a.f, &b.f));
        CHECK(t, filter_hash(&a.f) != filter_hash(&b.f));
        done(&b);
    }
    done(&a);
}

TEST(a_bloom_without_the_address_or_topic_rules_a_block_out, t)
{
    struct bloom bloom = {{0}};
    struct parsed p;

    parse("{\"address\":" A1 ",\"topics\":[null," T1 "]}", &p);
    CHECK(t, !filter_may_match(&p.f, &bloom));
    bloom_add(&bloom, slice_of(p.f.addresses[0].bytes, 20));
    CHECK(t, !filter_may_match(&p.f, &bloom));
    bloom_add(&bloom, slice_of(p.f.topics[1].any_of[0].bytes, 32));
    CHECK(t, filter_may_match(&p.f, &bloom));
    done(&p);
}
