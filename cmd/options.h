/* options: what a user asked for, from flags and environment.
 *
 * One table (options.def) feeds parsing, --help and the documentation. flag > environment > default. A wrong
 * value is told with the flag or variable it came from and what would fit; the program then ends with code 2. */
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
};

enum options_outcome { OPTIONS_GO, OPTIONS_HELP };

/* Reads argv (without program and command) and the environment for the command with that letter in the table. FAN_EINVAL: err says which
 * option, which value, and what would fit. Texts point into argv, the environment, or static memory. */
FAN_MUST_CHECK enum fan_status options_read(struct options *o, char command, int argc, char **argv, enum options_outcome *out,
                                            struct fan_error *err);
/* The options of a command, grouped, on standard output. */
void options_print_help(char command);

#endif
