/* options_table: the rows of options.def as the files of cmd/options* see them.
 *
 * options.c sets values from flags and environment, options_file.c from a TOML file, options_text.c writes what people
 * and shells read. Main's thread, before anything starts; the tables are static and live as long as the process. */
#ifndef CMD_OPTIONS_TABLE_H
#define CMD_OPTIONS_TABLE_H

#include "options.h"

enum option_kind { PORT, COUNT, DURATION, BYTES, TEXT, LIST, SWITCH, ETHER, ADDRESS };

enum {
    OPTION_ROWS = 0
#define OPTION(...) +1
#include "options.def"
#undef OPTION
};

#define OPTION_DEFAULT      "default"
#define OPTION_GROUP_CONFIG "Configuration" /* what says where options come from stands in no file */

struct option_row {
    const char *flag, *env, *value, *fallback, *commands, *group, *help;
    enum option_kind kind;
    size_t at, has_at;
};
extern const struct option_row option_rows[OPTION_ROWS];

/* The row of a name without its dashes in front, dots and underscores as dashes; NULL: none. */
const struct option_row *option_find(const char *given, size_t len);
/* Does the command with this letter take it? */
bool option_of(const struct option_row *r, char command);
const char *option_env(const struct option_row *r);
/* Gives the option a value; `from` is what err calls it by and must stay. FAN_EINVAL: it does not fit. */
FAN_MUST_CHECK enum fan_status option_set(struct options *o, const struct option_row *r, const char *from,
                                          const char *text, struct fan_error *err);

/* options_file.c: sets what a TOML file says. Keys of other commands are passed over, so that one file serves all; keys
 * of none are FAN_EINVAL with their line. */
FAN_MUST_CHECK enum fan_status option_file_read(struct options *o, const char *path, struct fan_error *err);

/* options_text.c: on standard output. */
void options_print_help(char command, const char *usage);
/* A TOML file that --config takes and that sets what is set now, with where each came from; defaults are comments. */
void options_print_config(const struct options *o, char command);

#endif
