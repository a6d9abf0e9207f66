/* What people and shells read of the options: --help, --print-config, the manual page, completions. */
#include <stdio.h>

#include "commands.h"
#include "options_table.h"

static const struct {
    const char *name;
    char letter;
    const char *what;
} commands[] = {
#define COMMAND(name, letter, run, what) {name, letter, what},
#include "commands.def"
#undef COMMAND
};

static const char *const files[] = {
    "Every option is also a key of the TOML file that --config names, and an environment variable: FANATICO_ and its",
    "name in capitals (FANATICO_BLOCK_TIME); WS_HOST, WS_PORT, HTTP_HOST, HTTP_PORT, MAX_CONNECTIONS, PING_INTERVAL,",
    ("PING_TIMEOUT and MAX_SUBSCRIPTIONS_PER_CONNECTION have no prefix. A flag wins over a variable, that over the "
     "file."),
};

/* A default worth showing: not one that says nothing, nor one as long as a line. */
static bool shows_default(const struct option_row *r)
{
    return r->fallback && *r->fallback && r->kind != ADDRESS && strlen(r->fallback) < 40;
}

void options_print_help(char command, const char *usage)
{
    const char *group = "";

    (void)printf("%s", usage);
    for (size_t i = 0; i < OPTION_ROWS; i++) {
        const struct option_row *r = &option_rows[i];
        char left[64];

        if (!option_of(r, command)) continue;
        if (strcmp(group, r->group) != 0) (void)printf("\n%s\n", r->group);
        group = r->group;
        (void)snprintf(left, sizeof left, "--%s%s%s", r->flag, r->value ? " " : "", r->value ? r->value : "");
        (void)printf("  %-40s %s", left, r->help);
        if (shows_default(r)) (void)printf(" [%s]", r->fallback);
        (void)printf("\n");
    }
    (void)printf("\nDurations read 30, 30s or 500ms. anvil's other spellings are taken too: -p -a -b -m -f -q -j, --quiet, --base-fee, …\n");
    for (size_t i = 0; i < COUNT_OF(files); i++) (void)printf("%s\n", files[i]);
}

/* ---- --print-config ---- */

static void print_string(const char *text)
{
    (void)putchar('"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            (void)printf("\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            (void)printf("\\u%04x", c);
        else
            (void)putchar(c);
    }
    (void)putchar('"');
}

static void print_value(const struct option_row *r, const char *text)
{
    switch (r->kind) {
    case PORT:
    case COUNT:
        (void)printf("%s", text);
        break;
    case SWITCH:
        (void)printf("%s", *text == '1' || *text == 't' ? "true" : "false");
        break;
    default:
        print_string(text);
    }
}

void options_print_config(const struct options *o, char command)
{
    const char *group = "";

    (void)printf("# fanatico " FANATICO_VERSION ", as --print-config shows it\n");
    for (size_t i = 0; i < OPTION_ROWS; i++) {
        const struct option_row *r = &option_rows[i];
        const struct option_origin *origin = &o->origins[i];

        if (!option_of(r, command) || strcmp(r->group, OPTION_GROUP_CONFIG) == 0) continue;
        if (strcmp(group, r->group) != 0) (void)printf("\n# ---- %s ----\n", r->group);
        group = r->group;
        (void)printf("\n# %s\n", r->help);
        if (!origin->text) {
            (void)printf("# %s =\n", r->flag);
            continue;
        }
        if (strcmp(origin->from, OPTION_DEFAULT) == 0) (void)printf("# "); /* not given: some options ask whether they were */
        (void)printf("%s = ", r->flag);
        print_value(r, origin->text);
        (void)printf(" # %s\n", origin->from);
    }
}

/* ---- the manual page ---- */

/* Text as roff takes it: backslashes and dashes escaped, no line that begins with a dot or an apostrophe. */
static void roff(const char *text)
{
    if (*text == '.' || *text == '\'') (void)printf("\\&");
    for (; *text; text++) {
        if (*text == '\\')
            (void)printf("\\e");
        else if (*text == '-')
            (void)printf("\\-");
        else
            (void)putchar(*text);
    }
}

static void manual_options(void)
{
    const char *group = "";

    for (size_t i = 0; i < OPTION_ROWS; i++) {
        const struct option_row *r = &option_rows[i];

        if (strcmp(group, r->group) != 0) (void)printf(".SS %s\n", r->group);
        group = r->group;
        (void)printf(".TP\n.B ");
        roff("--");
        roff(r->flag);
        if (r->value) (void)printf(" \\fI%s\\fR", r->value);
        (void)printf("\n");
        roff(r->help);
        (void)printf(".\n");
        if (shows_default(r)) {
            (void)printf("Default: ");
            roff(r->fallback);
            (void)printf(".\n");
        }
        (void)printf("Variable: %s.\n", option_env(r));
        if (strchr(r->commands, '*')) continue;
        (void)printf("Commands:");
        for (size_t c = 0, shown = 0; c < COUNT_OF(commands); c++) {
            if (!commands[c].letter || !strchr(r->commands, commands[c].letter)) continue;
            (void)printf("%s %s", shown++ ? "," : "", commands[c].name);
        }
        (void)printf(".\n");
    }
}

int command_manual(int argc, char **argv)
{
    (void)argv;
    if (argc) return complain(2, "manual takes no arguments");
    (void)printf(".TH FANATICO 1 \"\" \"fanatico " FANATICO_VERSION "\" \"User Commands\"\n"
                 ".SH NAME\nfanatico \\- an Ethereum node whose speciality is real\\-time events\n"
                 ".SH SYNOPSIS\n.B fanatico\n[\\fICOMMAND\\fR] [\\fIOPTIONS\\fR]\n"
                 ".SH DESCRIPTION\nServes HTTP JSON\\-RPC on port 8545 and WebSocket on port 8546, one chain behind "
                 "both, and sends\n"
                 "subscribers each event once, in order, however slow others are.\n"
                 ".SH COMMANDS\n");
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        (void)printf(".TP\n.B ");
        roff(commands[i].name);
        (void)printf("\n");
        roff(commands[i].what);
        (void)printf(".\n");
    }
    (void)printf(".SH OPTIONS\n");
    manual_options();
    (void)printf(".SH FILES\n");
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        roff(files[i]);
        (void)printf("\n");
    }
    (void)printf(
        "Durations read 30, 30s or 500ms; sizes 1000, 64K, 16M or 1G.\n"
        ".SH EXIT STATUS\n0 when all went well, 2 for wrong options, files or ports, 1 for what failed later.\n"
        ".SH SIGNALS\nSIGINT and SIGTERM end the node in order; SIGUSR2 prints the traces.\n");
    return 0;
}

/* ---- completions ---- */

/* A value that is a path, so that shells offer files. */
static bool takes_path(const struct option_row *r)
{
    return r->value && (strcmp(r->value, "FILE") == 0 || strcmp(r->value, "PATH") == 0 || strcmp(r->value, "DIR") == 0);
}

static void print_flags(char command, const char *before, const char *after)
{
    for (size_t i = 0; i < OPTION_ROWS; i++)
        if (option_of(&option_rows[i], command)) (void)printf("%s--%s%s", before, option_rows[i].flag, after);
}

static void bash(void)
{
    (void)printf("# bash completion for fanatico\n_fanatico() {\n    local cur=${COMP_WORDS[COMP_CWORD]} "
                 "prev=${COMP_WORDS[COMP_CWORD-1]} "
                 "command=${COMP_WORDS[1]} flags\n    case $prev in\n    ");
    for (size_t i = 0, shown = 0; i < OPTION_ROWS; i++)
        if (takes_path(&option_rows[i])) (void)printf("%s--%s", shown++ ? "|" : "", option_rows[i].flag);
    (void)printf(") COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n    esac\n    case $command in\n");
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        if (!commands[i].letter) continue;
        (void)printf("    %s) flags='--help", commands[i].name);
        print_flags(commands[i].letter, " ", "");
        (void)printf("' ;;\n");
    }
    (void)printf("    completion) flags='bash zsh fish' ;;\n    *) flags='--help");
    print_flags('D', " ", "");
    (void)printf("' ;;\n    esac\n    [ \"$COMP_CWORD\" -ne 1 ] || [[ $cur == -* ]] || flags='");
    for (size_t i = 0; i < COUNT_OF(commands); i++) (void)printf("%s ", commands[i].name);
    (void)printf(
        "help version'\n    COMPREPLY=($(compgen -W \"$flags\" -- \"$cur\"))\n}\ncomplete -F _fanatico fanatico\n");
}

/* Inside single quotes of zsh's and fish's words. */
static void quoted(const char *text, const char *escaped)
{
    for (; *text; text++) {
        if (*text == '\'')
            (void)printf("'\\''");
        else if (strchr(escaped, *text))
            (void)printf("\\%c", *text);
        else
            (void)putchar(*text);
    }
}

static void zsh(void)
{
    (void)printf("#compdef fanatico\n_fanatico() {\n    local -a words_of=(\n");
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        (void)printf("        '%s:", commands[i].name);
        quoted(commands[i].what, ":");
        (void)printf("'\n");
    }
    (void)printf("    )\n    local -a options\n    case ${words[2]} in\n");
    for (size_t i = 0; i <= COUNT_OF(commands); i++) {
        char letter = i < COUNT_OF(commands) ? commands[i].letter : 'D';

        if (!letter) continue;
        (void)printf("    %s) options=('--help[its options]'", i < COUNT_OF(commands) ? commands[i].name : "*");
        for (size_t r = 0; r < OPTION_ROWS; r++) {
            const struct option_row *row = &option_rows[r];

            if (!option_of(row, letter)) continue;
            (void)printf(" '--%s[", row->flag);
            quoted(row->help, "[]:");
            (void)printf("]%s%s%s'", row->value ? ":" : "", row->value ? row->value : "",
                         takes_path(row) ? ":_files"
                         : row->value    ? ": "
                                         : "");
        }
        (void)printf(") ;;\n");
    }
    (void)printf("    esac\n    if (( CURRENT == 2 )) && [[ $PREFIX != -* ]]; then _describe command words_of\n"
                 "    elif [[ ${words[2]} == completion ]]; then _values shell bash zsh fish\n"
                 /* the command goes out of the way: _arguments offers no option behind a word that it was not told of */
                 "    else\n        [[ ${words[2]} == -* ]] || { words=(fanatico \"${(@)words[3,-1]}\"); (( CURRENT-- )); }\n"
                 "        _arguments $options '*: :_files'\n    fi\n}\n_fanatico \"$@\"\n");
}

static void fish(void)
{
    (void)printf("# fish completion for fanatico\ncomplete -c fanatico -f\n");
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        (void)printf("complete -c fanatico -n __fish_use_subcommand -a %s -d '", commands[i].name);
        quoted(commands[i].what, "");
        (void)printf("'\n");
    }
    (void)printf("complete -c fanatico -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'\n");
    for (size_t i = 0; i < OPTION_ROWS; i++) {
        const struct option_row *r = &option_rows[i];

        (void)printf("complete -c fanatico -l %s%s -d '", r->flag, takes_path(r) ? " -r -F" : r->value ? " -x" : "");
        quoted(r->help, "");
        (void)printf("' -n '");
        if (option_of(r, 'D')) (void)printf("__fish_use_subcommand; or ");
        (void)printf("__fish_seen_subcommand_from");
        for (size_t c = 0; c < COUNT_OF(commands); c++)
            if (commands[c].letter && option_of(r, commands[c].letter)) (void)printf(" %s", commands[c].name);
        (void)printf("'\n");
    }
}

int command_completion(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

    for (size_t i = 0; argc == 1 && i < COUNT_OF(shells); i++) {
        if (strcmp(argv[0], shells[i].name) != 0) continue;
        shells[i].print();
        return 0;
    }
    return complain(2, "completion: bash, zsh or fish");
}
