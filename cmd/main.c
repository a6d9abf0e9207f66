/* fanatico: the one binary. `fanatico` alone, or with options only, is `fanatico dev`. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/trace.h"
#include "commands.h"

static const struct {
    const char *name, *what;
    int (*run)(int argc, char **argv);
} commands[] = {
#define COMMAND(name, letter, run, what) {name, what, run},
#include "commands.def"
#undef COMMAND
};

int complain(int code, const char *words)
{
    if (log_format_now() == LOG_JSON) log_error("start", "refused", LOG_WITH(log_str("error", words)));
    else (void)fprintf(stderr, "fanatico: %s\n", words);
    return code;
}

static int help(void)
{
    (void)printf("Fanatico " FANATICO_VERSION ": an Ethereum node whose speciality is real-time events\n\nUsage: fanatico [COMMAND] [OPTIONS]\n\n");
    for (size_t i = 0; i < COUNT_OF(commands); i++) (void)printf("  %-10s %s\n", commands[i].name, commands[i].what);
    (void)printf("  %-10s %s\n", "help", "this text; `fanatico COMMAND --help` lists a command's options");
    (void)printf("  %-10s %s\n", "version", "the version");
    return 0;
}

int main(int argc, char **argv)
{
    char words[300];

    trace_install();
    if (argc < 2 || (argv[1][0] == '-' && strcmp(argv[1], "--version") != 0 && strcmp(argv[1], "--help") != 0))
        return command_dev(argc - 1, argv + 1);
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0) return help();
    if (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0) {
        (void)printf("fanatico %s\n", FANATICO_VERSION);
        return 0;
    }
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0) return commands[i].run(argc - 2, argv + 2);
    (void)snprintf(words, sizeof words, "unknown command \"%s\" (see fanatico help)", argv[1]);
    return complain(2, words);
}
