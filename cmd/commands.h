/* commands: one function for each word behind `fanatico`.
 *
 * argc and argv are what stands behind the word. Each returns the process's exit code: 0 when all went well, 1 when the world got
 * in the way later on, 2 for wrong options, ports in use, missing or damaged files. */
#ifndef CMD_COMMANDS_H
#define CMD_COMMANDS_H

int command_dev(int argc, char **argv);
int command_genesis(int argc, char **argv);

/* "fanatico: " and the words on standard error; returns code. */
int complain(int code, const char *words);

#endif
