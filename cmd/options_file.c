#include "base/buf.h"
#include "codec/toml.h"
#include "devchain.h"
#include "options_table.h"

static struct arena_home memory; /* without a limit; what options point to lives as long as the process */

/* A list may be one string with commas, as on the command line, or an array. */
static const char *list_of(struct arena *a, const struct toml_item *item)
{
    struct buf joined;
    const char *text;

    buf_init(&joined, 0);
    for (size_t i = 0; i < item->item_count; i++) {
        if (i) buf_put_byte(&joined, ',');
        buf_put(&joined, item->items[i]);
    }
    text = joined.failed ? NULL : arena_cstr(a, buf_peek(&joined));
    buf_fini(&joined);
    return text;
}

static enum fan_status set_item(struct options *o, const char *path, const struct toml_item *item,
                                size_t lines[OPTION_ROWS], struct arena *a, struct fan_error *err)
{
    const struct option_row *r = option_find((const char *)item->key.at, item->key.len);
    const char *from = arena_printf(a, "%s: line %zu: %.*s", path, item->line, SLICE_ARGS(item->key)), *text;

    if (!from) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    if (!r || strcmp(r->group, OPTION_GROUP_CONFIG) == 0)
        return fan_error_set(err, FAN_EINVAL, "%s: unknown key", from);
    if (lines[r - option_rows])
        return fan_error_set(err, FAN_EINVAL, "%s: stands on line %zu already", from, lines[r - option_rows]);
    lines[r - option_rows] = item->line;
    if (item->kind == TOML_ARRAY && r->kind != LIST)
        return fan_error_set(err, FAN_EINVAL, "%s: one value, not an array", from);
    text = item->kind == TOML_ARRAY ? list_of(a, item) : arena_cstr(a, item->text);
    if (!text) return fan_error_set(err, FAN_ENOMEM, "out of memory");
    return option_set(o, r, from, text, err);
}

enum fan_status option_file_read(struct options *o, const char *path, struct fan_error *err)
{
    size_t lines[OPTION_ROWS] = {0}, count;
    const struct toml_item *items;
    struct fan_error why = {""};
    struct slice text;
    struct arena a;
    enum fan_status s;

    a = arena_of(&memory);
    s = read_file(path, &a, &text, err);
    if (s) return s;
    s = toml_read(text, &a, &items, &count, &why);
    if (s) return fan_error_set(err, FAN_EINVAL, "%s: %s", path, why.text);
    for (size_t i = 0; !s && i < count; i++) s = set_item(o, path, &items[i], lines, &a, err);
    return s;
}
