#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/hex.h"
#include "codec/u256.h"
#include "options_table.h"

const struct option_row option_rows[OPTION_ROWS] = {
#define OPTION(field, kind, flag, env, value, fallback, commands, group, help)                                         \
    {flag, env, value, fallback, commands, group, help, kind, offsetof(struct options, field),                         \
     offsetof(struct options, has_##field)},
#include "options.def"
#undef OPTION
};

static enum fan_status wrong(struct fan_error *err, const char *from, const char *text, const char *fits)
{
    return fan_error_set(err, FAN_EINVAL, "%s: \"%s\" is not %s", from, text, fits);
}

static bool number(const char *text, uint64_t *out, const char **rest)
{
    uint64_t v = 0;
    const char *p = text;

    if (!isdigit((unsigned char)*p)) return false;
    for (; isdigit((unsigned char)*p); p++) {
        uint64_t digit = (uint64_t)(*p - '0');

        if (v > (UINT64_MAX - digit) / 10) return false;
        v = v * 10 + digit;
    }
    *out = v;
    *rest = p;
    return true;
}

/* "30" and "30s" are seconds, "500ms" milliseconds, "0.5" half a second, "2m" two minutes. */
static bool duration(const char *text, uint64_t *out_ms)
{
    char *rest;
    double v;

    if (!isdigit((unsigned char)text[0])) return false;
    v = strtod(text, &rest);
    if (rest != text + strspn(text, "0123456789.")) return false; /* it reads 0x10 and 1e3 too */
    if (strcmp(rest, "ms") == 0) v /= 1000;
    else if (strcmp(rest, "m") == 0) v *= 60;
    else if (*rest && strcmp(rest, "s") != 0) return false;
    if (v > 1e9) return false;
    *out_ms = (uint64_t)(v * 1000 + 0.5);
    return true;
}

static bool bytes(const char *text, uint64_t *out)
{
    const char *rest;
    unsigned shift = 0;

    if (!number(text, out, &rest)) return false;
    if (strcmp(rest, "K") == 0) shift = 10;
    else if (strcmp(rest, "M") == 0) shift = 20;
    else if (strcmp(rest, "G") == 0) shift = 30;
    else if (*rest) return false;
    if (*out > UINT64_MAX >> shift) return false;
    *out <<= shift;
    return true;
}

/* Decimal ether, up to 18 places behind the point, as wei. */
static bool ether(const char *text, struct fan_u256 *out)
{
    char digits[100];
    size_t len = 0, places = 0;
    bool point = false;

    for (; *text; text++) {
        if (*text == '.' && !point) {
            point = true;
            continue;
        }
        if (!isdigit((unsigned char)*text) || len + 20 > sizeof digits || places == 18) return false;
        digits[len++] = *text;
        places += point;
    }
    if (!len) return false;
    for (; places < 18; places++) digits[len++] = '0';
    return u256_from_decimal(slice_of(digits, len), out) == FAN_OK;
}

static struct option_origin origins[OPTION_ROWS]; /* main's thread reads options, once */

enum fan_status option_set(struct options *o, const struct option_row *r, const char *from, const char *text, struct fan_error *err)
{
    char *field = (char *)o + r->at;
    const char *rest;
    uint64_t v;

    switch (r->kind) {
    case PORT:
        if (!number(text, &v, &rest) || *rest || v > 65535) return wrong(err, from, text, "a port (0 to 65535)");
        *(uint16_t *)(void *)field = (uint16_t)v;
        break;
    case COUNT:
        if (!number(text, &v, &rest) || *rest) return wrong(err, from, text, "a whole number");
        *(uint64_t *)(void *)field = v;
        break;
    case DURATION:
        if (!duration(text, (uint64_t *)(void *)field)) return wrong(err, from, text, "a duration (30, 30s, 500ms)");
        break;
    case BYTES:
        if (!bytes(text, (uint64_t *)(void *)field)) return wrong(err, from, text, "a size (1000, 64K, 16M, 1G)");
        break;
    case TEXT:
    case LIST: *(const char **)(void *)field = text; break;
    case SWITCH:
        if (strcmp(text, "true") == 0 || strcmp(text, "1") == 0) *(bool *)field = true;
        else if (strcmp(text, "false") == 0 || strcmp(text, "0") == 0) *(bool *)field = false;
        else return wrong(err, from, text, "true or false");
        break;
    case ETHER:
        if (!ether(text, (struct fan_u256 *)(void *)field)) return wrong(err, from, text, "an amount of ether");
        break;
    case ADDRESS:
        if (hex_read_fixed(slice_str(text), ((struct fan_address *)(void *)field)->bytes, 20))
            return wrong(err, from, text, "an address (0x and 40 hex digits)");
        break;
    }
    *((bool *)o + r->has_at) = strcmp(from, OPTION_DEFAULT) != 0;
    origins[r - option_rows] = (struct option_origin){text, from};
    return FAN_OK;
}

/* "--ws.port" and "--ws_port" are "--ws-port". */
static bool same_flag(const char *given, size_t len, const char *flag)
{
    if (len != strlen(flag)) return false;
    for (size_t i = 0; i < len; i++) {
        char c = given[i] == '.' || given[i] == '_' ? '-' : given[i];

        if (c != flag[i]) return false;
    }
    return true;
}

/* Other spellings: anvil's, and its letters behind one dash. */
static const struct {
    const char *given, *flag;
} aliases[] = {
#define ALIAS(given, flag) {given, flag},
#include "option_aliases.def"
#undef ALIAS
};

/* anvil's flags that are no options here, and those whose value may be left out. */
enum { LEFT, PASS, PASS_VALUE, REFUSE };
static const struct {
    const char *flag, *text;
    int what;
} anvils[] = {
#define LEFT_OUT(flag, text)          {flag, text, LEFT},
#define PASSED(flag, takes_value, why) {flag, why, takes_value ? PASS_VALUE : PASS},
#define REFUSED(flag, why)            {flag, why, REFUSE},
#include "option_anvil.def"
#undef LEFT_OUT
#undef PASSED
#undef REFUSED
};

static const char *left_out(const struct option_row *r)
{
    for (size_t i = 0; i < COUNT_OF(anvils); i++)
        if (anvils[i].what == LEFT && strcmp(anvils[i].flag, r->flag) == 0) return anvils[i].text;
    return NULL;
}

/* A flag of anvil's that is no option: passed over with its value, or refused in words. False: it is none either. */
static bool anvil_flag(const char *arg, size_t len, int argc, int *i, enum fan_status *out, struct fan_error *err)
{
    const char *name = arg + 1 + (arg[1] == '-');
    bool is_long = name == arg + 2;

    len -= (size_t)(name - arg);
    for (size_t k = 0; k < COUNT_OF(anvils); k++) {
        bool letters = anvils[k].flag[0] == 'v' ? strspn(anvils[k].flag, "v") == strlen(anvils[k].flag) : !anvils[k].flag[1];

        if (anvils[k].what == LEFT || letters == is_long || !same_flag(name, len, anvils[k].flag)) continue;
        if (anvils[k].what == PASS_VALUE && arg[len + 2] != '=' && *i + 1 < argc) ++*i;
        *out = anvils[k].what == REFUSE ? fan_error_set(err, FAN_EINVAL, "%.*s is not here: %s", (int)(len + (size_t)(name - arg)), arg, anvils[k].text) : FAN_OK;
        return true;
    }
    return false;
}

/* "-a" is "--accounts". */
static const char *letter_flag(const char *arg)
{
    for (size_t i = 0; arg[0] == '-' && arg[1] != '-' && i < COUNT_OF(aliases); i++)
        if (strcmp(arg + 1, aliases[i].given) == 0) return aliases[i].flag;
    return NULL;
}

const struct option_row *option_find(const char *given, size_t len)
{
    for (size_t i = 0; i < COUNT_OF(aliases); i++) {
        if (aliases[i].given[1] && same_flag(given, len, aliases[i].given)) {
            given = aliases[i].flag;
            len = strlen(given);
            break;
        }
    }
    for (size_t i = 0; i < OPTION_ROWS; i++)
        if (same_flag(given, len, option_rows[i].flag)) return &option_rows[i];
    return NULL;
}

bool option_of(const struct option_row *r, char command)
{
    return strchr(r->commands, command) || strchr(r->commands, '*');
}

const char *option_env(const struct option_row *r)
{
    static char names[OPTION_ROWS][80];
    char *out = names[r - option_rows];
    size_t len = 0;

    if (r->env) return r->env;
    for (const char *p = "FANATICO_"; *p; p++) out[len++] = *p;
    for (const char *p = r->flag; *p && len < 79; p++) out[len++] = (char)(*p == '-' ? '_' : toupper((unsigned char)*p));
    out[len] = 0;
    return out;
}

static enum fan_status read_environment(struct options *o, char command, struct fan_error *err)
{
    for (size_t i = 0; i < OPTION_ROWS; i++) {
        const struct option_row *r = &option_rows[i];
        const char *from = option_env(r), *text = getenv(from);
        enum fan_status s;

        if (!option_of(r, command) || !text || !*text) continue;
        s = option_set(o, r, from, text, err);
        if (s) return s;
    }
    return FAN_OK;
}

/* One argument of argv, from *i on. */
static enum fan_status read_flag(struct options *o, char command, int argc, char **argv, int *i, struct fan_error *err)
{
    static char froms[OPTION_ROWS][80];
    const char *arg = argv[*i], *equals = strchr(arg, '='), *text, *letter = letter_flag(arg);
    size_t len = equals ? (size_t)(equals - arg) : strlen(arg);
    const struct option_row *r;
    enum fan_status s;
    char *from;

    if (command == 'D' && arg[0] == '-' && arg[1] && !letter && anvil_flag(arg, len, argc, i, &s, err)) return s;
    if (!letter && strncmp(arg, "--", 2) != 0) return fan_error_set(err, FAN_EINVAL, "unexpected argument \"%s\" (see --help)", arg);
    r = letter ? option_find(letter, strlen(letter)) : option_find(arg + 2, len - 2);
    if (!r || !option_of(r, command)) return fan_error_set(err, FAN_EINVAL, "unknown option %.*s (see --help)", (int)len, arg);
    if (equals) text = equals + 1;
    else if (r->kind == SWITCH) text = "true";
    else if (left_out(r) && (*i + 1 == argc || argv[*i + 1][0] == '-')) text = left_out(r);
    else if (*i + 1 < argc) text = argv[++*i];
    else return fan_error_set(err, FAN_EINVAL, "--%s needs a value (%s)", r->flag, r->value);
    from = froms[r - option_rows];
    (void)snprintf(from, sizeof froms[0], "--%s", r->flag);
    return option_set(o, r, from, text, err);
}

static enum fan_status read_flags(struct options *o, char command, int argc, char **argv, struct fan_error *err)
{
    for (int i = 0; i < argc; i++) {
        enum fan_status s = read_flag(o, command, argc, argv, &i, err);

        if (s) return s;
    }
    return FAN_OK;
}

static bool asks_help(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return true;
    return false;
}

enum fan_status options_read(struct options *o, char command, const char *usage, int argc, char **argv, enum options_outcome *out,
                             struct fan_error *err)
{
    enum fan_status s = FAN_OK;

    memset(o, 0, sizeof *o);
    o->origins = origins;
    *out = OPTIONS_DONE;
    if (asks_help(argc, argv)) {
        options_print_help(command, usage);
        return FAN_OK;
    }
    for (size_t i = 0; !s && i < OPTION_ROWS; i++)
        if (option_rows[i].fallback) s = option_set(o, &option_rows[i], OPTION_DEFAULT, option_rows[i].fallback, err);
    if (!s) s = read_environment(o, command, err);
    if (!s) s = read_flags(o, command, argc, argv, err);
    if (!s && o->has_config) { /* the file goes below both, so they are read again above it */
        s = option_file_read(o, o->config, err);
        if (!s) s = read_environment(o, command, err);
        if (!s) s = read_flags(o, command, argc, argv, err);
    }
    if (s) return s;
    if (o->has_host && !o->has_http_host) o->http_host = o->host;
    if (o->has_host && !o->has_ws_host) o->ws_host = o->host;
    if (o->print_config) options_print_config(o, command);
    else *out = OPTIONS_GO;
    return FAN_OK;
}

size_t options_take_words(int *argc, char **argv, const char **words, size_t max)
{
    size_t count = 0;
    int kept = 0;

    for (int i = 0; i < *argc; i++) {
        const char *arg = argv[i];
        const struct option_row *r;

        if (arg[0] != '-' || !arg[1]) {
            if (count < max) words[count] = arg;
            count++;
            continue;
        }
        argv[kept++] = argv[i];
        r = strncmp(arg, "--", 2) == 0 && !strchr(arg, '=') ? option_find(arg + 2, strlen(arg) - 2) : NULL;
        if (letter_flag(arg)) r = option_find(letter_flag(arg), strlen(letter_flag(arg)));
        if (r && r->kind != SWITCH && i + 1 < *argc) argv[kept++] = argv[++i];
    }
    *argc = kept;
    return count;
}
