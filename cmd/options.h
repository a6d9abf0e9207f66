/* options: what a user asked for, from flags, environment and a file.
 *
 * One table (options.def) feeds parsing, --help, --print-config, the manual page, the shells' completions and the
 * documentation. flag > environment > file > default. A wrong value is told with the flag, the variable or the file and
 * line it came from, and what would fit; the program then ends with code 2. */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include "base/slice.h"

typedef uint16_t option_PORT;
typedef uint64_t option_COUNT, option_DURATION, option_BYTES;
typedef const char *option_TEXT, *option_LIST; /* LIST: names between commas */
typedef bool option_SWITCH;
typedef struct fan_u256 option_ETHER; /* in wei */
typedef struct fan_address option_ADDRESS;

struct options {
#define OPTION(field, kind, flag, env, value, fallback, commands, group, help)                                         \
    option_##kind field;                                                                                               \
    bool has_##field; /* given by flag or environment */
#include "options.def"
#undef OPTION
    const struct option_origin *origins; /* one for each row of the table, for --print-config */
};

/* What an option was set from; text NULL: nothing gave a value. */
struct option_origin {
    const char *text, *from;
};

enum options_outcome { OPTIONS_GO, OPTIONS_DONE };

/* Reads argv (without program and command), the environment and the file that --config names, for the command with that
 * letter in the table. usage: what --help says above the options. OPTIONS_DONE: --help, --print-config or
 * --check-config was asked for and has been answered on standard output. FAN_EINVAL: err says which option, which
 * value, and what would fit. Texts live as long as the process. */
FAN_MUST_CHECK enum fan_status options_read(struct options *o, char command, const char *usage, int argc, char **argv,
                                            enum options_outcome *out, struct fan_error *err);

/* Takes the arguments that are neither options nor an option's value out of argv, before options_read(). Returns how
 * many there were; the first `max` are in words. */
size_t options_take_words(int *argc, char **argv, const char **words, size_t max);

#endif
