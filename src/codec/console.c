#include "codec/console.h"

#include <pthread.h>
#include <stdio.h>

#include "codec/hex.h"
#include "codec/keccak.h"
#include "codec/u256.h"

const struct fan_address CONSOLE_ADDRESS = {
    {0, 0, 0, 0, 0, 0, 0, 0, 0, 'c', 'o', 'n', 's', 'o', 'l', 'e', '.', 'l', 'o', 'g'}};

/* ---- signatures ---- */

enum kind { UINT, INT, STRING, BOOL, ADDRESS, BYTES, FIXED }; /* FIXED: bytes1 … bytes32 */
enum { ARGS_MAX = 4, MIXED = 4, SIGNATURES_MAX = 800 };

struct signature {
    uint32_t selector;
    uint8_t count, fixed_len; /* FIXED: how many bytes */
    uint8_t kinds[ARGS_MAX];
};

static struct signature signatures[SIGNATURES_MAX];
static size_t signature_count;
static pthread_once_t made = PTHREAD_ONCE_INIT;

static uint32_t selector_of(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void add(const char *text, struct signature s)
{
    struct fan_hash h = keccak256(slice_str(text));

    assert(signature_count < SIGNATURES_MAX);
    s.selector = selector_of(h.bytes);
    signatures[signature_count++] = s;
}

/* log() of every mixture of four types; also with the names "uint" and "int", which early versions of console.sol
 * hashed by mistake and whose selectors compiled contracts still hold. */
static void add_mixtures(const char *uint_name)
{
    static const uint8_t kinds[MIXED] = {UINT, STRING, BOOL, ADDRESS};
    const char *names[MIXED] = {uint_name, "string", "bool", "address"};

    for (unsigned count = 0, all = 1; count <= ARGS_MAX; count++, all *= MIXED) {
        for (unsigned mix = 0; mix < all; mix++) {
            struct signature s = {.count = (uint8_t)count};
            char text[64] = "log(";

            for (unsigned i = 0, rest = mix; i < count; i++, rest /= MIXED) {
                if (i) strcat(text, ",");
                strcat(text, names[rest % MIXED]);
                s.kinds[i] = kinds[rest % MIXED];
            }
            strcat(text, ")");
            add(text, s);
        }
    }
}

static void add_single(const char *name, const char *type, struct signature s)
{
    char text[48];

    (void)snprintf(text, sizeof text, "log%s(%s)", name, type);
    s.count = 1;
    add(text, s);
}

static void make(void)
{
    static const struct {
        const char *name, *type;
        enum kind kind;
    } single[] = {{"", "int256", INT},      {"", "int", INT},
                  {"", "bytes", BYTES},     {"Int", "int256", INT},
                  {"Int", "int", INT},      {"Uint", "uint256", UINT},
                  {"Uint", "uint", UINT},   {"String", "string", STRING},
                  {"Bool", "bool", BOOL},   {"Address", "address", ADDRESS},
                  {"Bytes", "bytes", BYTES}};

    add_mixtures("uint256");
    add_mixtures("uint");
    for (size_t i = 0; i < COUNT_OF(single); i++)
        add_single(single[i].name, single[i].type, (struct signature){.kinds = {(uint8_t)single[i].kind}});
    for (unsigned n = 1; n <= 32; n++) {
        char type[12], name[12];

        (void)snprintf(type, sizeof type, "bytes%u", n);
        (void)snprintf(name, sizeof name, "Bytes%u", n);
        add_single("", type, (struct signature){.kinds = {FIXED}, .fixed_len = (uint8_t)n});
        add_single(name, type, (struct signature){.kinds = {FIXED}, .fixed_len = (uint8_t)n});
    }
    add("log(string,int256)", (struct signature){.count = 2, .kinds = {STRING, INT}});
    add("log(string,int)", (struct signature){.count = 2, .kinds = {STRING, INT}});
}

static const struct signature *find(uint32_t selector)
{
    (void)pthread_once(&made, make);
    for (size_t i = 0; i < signature_count; i++)
        if (signatures[i].selector == selector) return &signatures[i];
    return NULL;
}

/* ---- arguments ---- */

struct argument {
    enum kind kind;
    struct fan_u256 number; /* UINT, INT (two's complement), BOOL */
    struct slice bytes;     /* STRING, BYTES, FIXED, ADDRESS */
};

static bool read_dynamic(struct slice args, const uint8_t *word, struct slice *out)
{
    struct fan_u256 v = u256_from_be(word);
    uint64_t at, len;

    if (!u256_fits_u64(&v, &at) || args.len < 32 || at > args.len - 32) return false;
    v = u256_from_be(args.at + at);
    if (!u256_fits_u64(&v, &len) || len > args.len - 32 - at) return false;
    *out = slice_of(args.at + at + 32, (size_t)len);
    return true;
}

static bool read_arguments(const struct signature *s, struct slice args, struct argument out[ARGS_MAX])
{
    if (args.len < 32u * s->count) return false;
    for (size_t i = 0; i < s->count; i++) {
        const uint8_t *word = args.at + 32 * i;

        out[i] = (struct argument){.kind = (enum kind)s->kinds[i], .number = u256_from_be(word)};
        if (out[i].kind == ADDRESS) out[i].bytes = slice_of(word + 12, 20);
        if (out[i].kind == FIXED) out[i].bytes = slice_of(word, s->fixed_len);
        if ((out[i].kind == STRING || out[i].kind == BYTES) && !read_dynamic(args, word, &out[i].bytes)) return false;
    }
    return true;
}

/* ---- writing ---- */

static void put_text(struct buf *b, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];

        buf_put_byte(b, (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ? '?' : c);
    }
}

static void put_hex(struct buf *b, struct slice bytes)
{
    static const char digits[] = "0123456789abcdef";

    buf_put_str(b, "0x");
    for (size_t i = 0; i < bytes.len; i++) {
        buf_put_byte(b, (uint8_t)digits[bytes.at[i] >> 4]);
        buf_put_byte(b, (uint8_t)digits[bytes.at[i] & 15]);
    }
}

/* The sign goes out, what is left is a magnitude. */
static struct fan_u256 take_sign(struct buf *b, const struct argument *a)
{
    struct fan_u256 zero = u256_of(0), magnitude = a->number;

    if (a->kind != INT || !(a->number.limb[3] >> 63)) return magnitude;
    buf_put_byte(b, '-');
    (void)u256_sub(&zero, &a->number, &magnitude); /* modulo 2^256 */
    return magnitude;
}

static void put_decimal(struct buf *b, const struct argument *a)
{
    struct fan_u256 v = take_sign(b, a);
    char digits[79];
    size_t len = u256_to_decimal(&v, digits);

    buf_put(b, slice_of(digits, len));
}

/* Digits with a point `places` from their end, and no zeros behind it that say nothing. */
static void put_point(struct buf *b, const char *digits, size_t len, size_t places)
{
    size_t whole = len > places ? len - places : 0, end = len;

    if (whole)
        buf_put(b, slice_of(digits, whole));
    else
        buf_put_byte(b, '0');
    while (end > whole && digits[end - 1] == '0') end--;
    if (end == whole) return;
    buf_put_byte(b, '.');
    for (size_t i = len; i < places; i++) buf_put_byte(b, '0');
    buf_put(b, slice_of(digits + whole, end - whole));
}

/* %e: one digit in front of the point and the exponent behind; %18e: moved by so many places. */
static void put_exponential(struct buf *b, const struct argument *a, bool has_places, size_t places)
{
    struct fan_u256 v = take_sign(b, a);
    char digits[79];
    size_t len = u256_to_decimal(&v, digits);

    put_point(b, digits, len, has_places ? places : len - 1);
    if (!has_places) buf_printf(b, "e%zu", len - 1);
}

static void put_plain(struct buf *b, const struct argument *a)
{
    struct fan_address address;
    char text[43];

    switch (a->kind) {
    case UINT:
    case INT:
        put_decimal(b, a);
        return;
    case BOOL:
        buf_put_str(b, u256_is_zero(&a->number) ? "false" : "true");
        return;
    case STRING:
        put_text(b, a->bytes);
        return;
    case ADDRESS:
        memcpy(address.bytes, a->bytes.at, sizeof address.bytes);
        hex_write_checksum(&address, text);
        buf_put_str(b, text);
        return;
    case BYTES:
    case FIXED:
        put_hex(b, a->bytes);
        return;
    }
}

/* %s, %d, %i, %e, %x, %o, as far as that kind of value has such a form. */
static void put_as(struct buf *b, const struct argument *a, char form, bool has_places, size_t places)
{
    bool number = a->kind == UINT || a->kind == INT;
    char digits[66];

    if (form == 's' || (number && (form == 'd' || form == 'i' || form == 'o'))) {
        put_plain(b, a);
    } else if (form == 'o') {
        buf_put_byte(b, '\'');
        put_plain(b, a);
        buf_put_byte(b, '\'');
    } else if (number && form == 'x') {
        buf_put(b, slice_of(digits, hex_write_u256(&a->number, digits)));
    } else if (number && form == 'e') {
        put_exponential(b, a, has_places, places);
    } else if (a->kind == BOOL && form == 'd') {
        buf_put_byte(b, u256_is_zero(&a->number) ? '0' : '1');
    } else if (form == 'x' && (a->kind == ADDRESS || a->kind == BYTES || a->kind == FIXED)) {
        put_plain(b, a);
    } else {
        buf_put_str(b, "NaN");
    }
}

enum { PLACES_MAX = 78 }; /* more than a number has digits */

/* A format and the arguments behind it; returns how many it took. */
static size_t put_format(struct buf *b, struct slice format, const struct argument *args, size_t count)
{
    size_t used = 0;

    for (size_t i = 0; i < format.len; i++) {
        size_t at = i + 1, places = 0;
        bool has_places;

        if (format.at[i] != '%') {
            put_text(b, slice_of(format.at + i, 1));
            continue;
        }
        if (at < format.len && format.at[at] == '%') {
            buf_put_byte(b, '%');
            i = at;
            continue;
        }
        while (at < format.len && format.at[at] >= '0' && format.at[at] <= '9' && places <= PLACES_MAX)
            places = places * 10 + format.at[at++] - '0';
        has_places = at > i + 1;
        if (used == count || at == format.len || !memchr("sdixeo", format.at[at], 6) || places > PLACES_MAX ||
            (has_places && format.at[at] != 'e')) {
            buf_put_byte(b, '%'); /* not a form, or nothing left for it */
            continue;
        }
        put_as(b, &args[used++], (char)format.at[at], has_places, places);
        i = at;
    }
    return used;
}

bool console_write(struct slice calldata, struct buf *out)
{
    struct argument args[ARGS_MAX];
    const struct signature *s = calldata.len < 4 ? NULL : find(selector_of(calldata.at));
    size_t from = 0;

    if (!s || !read_arguments(s, slice_from(calldata, 4), args)) return false;
    if (s->count && args[0].kind == STRING) from = 1 + put_format(out, args[0].bytes, args + 1, s->count - 1u);
    for (size_t i = from; i < s->count; i++) {
        if (i) buf_put_byte(out, ' ');
        put_plain(out, &args[i]);
    }
    return true;
}
