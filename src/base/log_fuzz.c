/* What strangers send ends up in lines of the log. Properties: one line, of bounded length, in well-formed UTF-8
 * without a control character; the value ends where its quotes do, so that nothing behind it can be forged, and what
 * was not cut is what was given. */
#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char BEHIND[2][16] = {" n=7\n", ",\"n\":7}\n"};

/* The quoted text that begins at `at`, read as JSON reads it, against what was given. Returns where it ends. */
static size_t quoted(struct slice line, size_t at, struct slice given, bool is_utf8)
{
    size_t from = 0;

    assert(line.at[at] == '"');
    for (at++; line.at[at] != '"'; at++) {
        uint32_t code = 0;
        bool escaped;

        assert(at + 1 < line.len);
        escaped = line.at[at] == '\\';
        at += escaped;
        if (escaped && line.at[at] == 'u') {
            for (unsigned i = 1; i <= 4; i++) {
                uint8_t digit = line.at[at + i];

                assert((digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f'));
                code = code << 4 | (uint32_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
            }
            at += 4;
            from += code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
        } else {
            assert(!is_utf8 || (from < given.len && given.at[from] == line.at[at]));
            from++;
        }
    }
    assert(!is_utf8 || from <= given.len);
    assert(!is_utf8 || from == given.len || line.len > LOG_LINE_MAX - 128);
    return at + 1;
}

static bool ascii(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] >= 0x80) return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice given = slice_of(data, size);
    char space[LOG_LINE_MAX];

    for (enum log_format format = LOG_TEXT; format <= LOG_JSON; format++) {
        const struct log_field *fields = LOG_WITH(log_slice("v", given), log_u64("n", 7));
        struct slice line = slice_of(
            space, log_put(space, format, UINT64_C(1795653690123), LOG_WARN, "conn", "slow reader closed", fields));
        const char *key = format == LOG_JSON ? "\"v\":" : " v=";
        const uint8_t *found = memmem(line.at, line.len, key, strlen(key));
        size_t at;

        assert(found && line.len <= LOG_LINE_MAX && line.at[line.len - 1] == '\n');
        for (size_t i = 0; i + 1 < line.len; i++) assert(line.at[i] >= 0x20 && line.at[i] != 0x7f);
        at = (size_t)(found - line.at) + strlen(key);
        if (format == LOG_JSON || line.at[at] == '"') {
            at = quoted(line, at, given, ascii(given));
        } else {
            while (line.at[at] != ' ' && line.at[at] != '\n') at++;
        }
        if (size < LOG_LINE_MAX / 8) assert(slice_eq_str(slice_from(line, at), BEHIND[format]));
    }
    return 0;
}
