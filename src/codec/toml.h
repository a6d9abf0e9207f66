/* toml: a configuration file as a list of keys and scalar values.
 *
 * What a file of options holds: tables and dotted keys, which are joined with dots ("[ws]" and "port = 8546" is the key
 * "ws.port"), inline tables, strings of all four kinds, whole and floating numbers, truth values, and arrays of these.
 * Everything in TOML's grammar is either read as TOML 1.0 says or refused with its line: dates and arrays of tables
 * mean nothing to an option, and inf and nan no more.
 *
 * Not here: which keys there are and what fits them (cmd/options_file.c). Spec: TOML 1.0.0. */
#ifndef CODEC_TOML_H
#define CODEC_TOML_H

#include "base/arena.h"

enum { TOML_ITEMS_MAX = 1000, TOML_DEPTH_MAX = 16 };

enum toml_kind { TOML_STRING, TOML_INTEGER, TOML_FLOAT, TOML_BOOLEAN, TOML_ARRAY };

struct toml_item {
    struct slice key; /* its parts joined with dots */
    size_t line;      /* of the key, from 1 */
    enum toml_kind kind;
    /* STRING: what it says, UTF-8 without NUL. INTEGER: decimal digits, a minus in front of negative ones.
     * FLOAT: as it was written, without underscores. BOOLEAN: true or false. ARRAY: empty. */
    struct slice text;
    const struct slice *items; /* ARRAY: the texts of its scalar elements */
    size_t item_count;
};

/* Reads a whole file. Keys and texts point into `text` and the arena; items come in the file's order. FAN_EFORMAT: err
 * names the line and what stands there; FAN_ELIMIT: more than TOML_ITEMS_MAX keys; FAN_ENOMEM. */
FAN_MUST_CHECK enum fan_status toml_read(struct slice text, struct arena *a, const struct toml_item **out,
                                         size_t *out_count, struct fan_error *err);

#endif
