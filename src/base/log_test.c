#include "base/log.h"

#include <stdio.h>

#include "base/test.h"

#define AT UINT64_C(1795653690123)

static struct slice line_of(char line[LOG_LINE_MAX], enum log_format format, const struct log_field *fields)
{
    return slice_of(line, log_put(line, format, AT, LOG_WARN, "conn", "slow reader closed", fields));
}

TEST(a_line_in_both_forms, t)
{
    const struct log_field *fields = LOG_WITH(log_str("peer", "192.0.2.7:51234"), log_str("reason", "two words"),
                                              log_u64("waiting", UINT64_MAX), log_str("empty", ""));
    char line[LOG_LINE_MAX];

    CHECK(t,
          slice_eq_str(line_of(line, LOG_TEXT, fields),
                       "2026-11-26T00:41:30.123Z warn  conn    slow reader closed  peer=192.0.2.7:51234 reason=\"two "
                       "words\" waiting=18446744073709551615 empty=\"\"\n"));
    CHECK(t,
          slice_eq_str(line_of(line, LOG_JSON, fields),
                       "{\"time\":\"2026-11-26T00:41:30.123Z\",\"level\":\"warn\",\"area\":\"conn\",\"message\":\"slow "
                       "reader closed\",\"peer\":\"192.0.2.7:51234\",\"reason\":\"two words\",\"waiting\":"
                       "18446744073709551615,\"empty\":\"\"}\n"));
    CHECK(t,
          slice_eq_str(line_of(line, LOG_TEXT, NULL), "2026-11-26T00:41:30.123Z warn  conn    slow reader closed\n"));
}

/* Whatever a stranger's bytes are, there is one line, and nothing in it moves a cursor or ends a string. */
TEST(a_hostile_value_forges_nothing, t)
{
    static const struct {
        const char *value, *text, *json;
    } row[] = {
        {"a\n2026-01-01T00:00:00.000Z info  server  ready",
         "v=\"a\\u000a2026-01-01T00:00:00.000Z info  server  ready\"\n",
         "\"v\":\"a\\u000a2026-01-01T00:00:00.000Z info  server  ready\"}\n"},
        {"\x1b[2J\r", "v=\"\\u001b[2J\\u000d\"\n", "\"v\":\"\\u001b[2J\\u000d\"}\n"},
        {"\",\"level\":\"info", "v=\"\\\",\\\"level\\\":\\\"info\"\n", "\"v\":\"\\\",\\\"level\\\":\\\"info\"}\n"},
        {"\\", "v=\"\\\\\"\n", "\"v\":\"\\\\\"}\n"},
        {"a=b", "v=\"a=b\"\n", "\"v\":\"a=b\"}\n"},
        {"\xc2\x9b"
         "31m",
         "v=\"\\u009b31m\"\n", "\"v\":\"\\u009b31m\"}\n"}, /* CSI in one character */
        {"\xe2\x80\xae"
         "evil",
         "v=\"\\u202eevil\"\n", "\"v\":\"\\u202eevil\"}\n"},         /* right to left from here on */
        {"\xe2\x80\xa8", "v=\"\\u2028\"\n", "\"v\":\"\\u2028\"}\n"}, /* a line's end to some */
        {"\xff\xc0\xaf\xed\xa0\x80", "v=\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"\n",
         "\"v\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}\n"},
        {"\xf0\x9f\xa6\x84\xc3\xa9", "v=\"\xf0\x9f\xa6\x84\xc3\xa9\"\n", "\"v\":\"\xf0\x9f\xa6\x84\xc3\xa9\"}\n"},
    };
    char line[LOG_LINE_MAX];

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        const struct log_field *fields = LOG_WITH(log_str("v", row[i].value));
        struct slice s = line_of(line, LOG_TEXT, fields);

        CHECK(t, s.len > strlen(row[i].text) && slice_eq_str(slice_from(s, s.len - strlen(row[i].text)), row[i].text));
        s = line_of(line, LOG_JSON, fields);
        CHECK(t, s.len > strlen(row[i].json) && slice_eq_str(slice_from(s, s.len - strlen(row[i].json)), row[i].json));
    }
}

/* Every length around the limit: one whole line with its ends, cut between characters. */
TEST(a_line_that_is_too_long_is_cut_within_its_value, t)
{
    static char value[2 * LOG_LINE_MAX + 1];
    char line[LOG_LINE_MAX];

    for (size_t i = 0; i + 1 < sizeof value; i += 2) memcpy(value + i, "\xc3\xa9", 2);
    for (size_t len = LOG_LINE_MAX - 300; len < sizeof value - 1; len += len < LOG_LINE_MAX + 20 ? 1 : 97)
        for (int format = LOG_TEXT; format <= LOG_JSON; format++) {
            const struct log_field *fields = LOG_WITH(log_slice("v", slice_of(value, len)), log_u64("n", 7));
            struct slice s = line_of(line, (enum log_format)format, fields);

            REQUIRE(t, s.len <= LOG_LINE_MAX);
            CHECK_EQ(t, s.at[s.len - 1], '\n');
            CHECK(t, format == LOG_TEXT || s.at[s.len - 2] == '}');
            CHECK(t, !memchr(s.at, '\n', s.len - 1));
        }
}
