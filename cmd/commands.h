/* commands: one function for each word behind `fanatico`.
 *
 * argc and argv are what stands behind the word. Each returns the process's exit code: 0 when all went well, 1 when the world got
 * in the way later on, 2 for wrong options, ports in use, missing or damaged files. */
#ifndef CMD_COMMANDS_H
#define CMD_COMMANDS_H

#define COMMAND(name, letter, run, what) int run(int argc, char **argv);
#include "commands.def"
#undef COMMAND

/* "fanatico: " and the words on standard error; returns code. */
int complain(int code, const char *words);

#endif
