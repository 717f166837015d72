/* sim/mqsim.h - what the files of the command line share. Each subcommand gets its own argv
 * (argv[0] is its name) and gives the exit code of architecture.md section 9. */
#ifndef SIM_MQSIM_H
#define SIM_MQSIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXIT_PASS 0
#define EXIT_USAGE 1
#define EXIT_CRASH 10
#define EXIT_UNKNOWN 15

int mqsim_run(int argc, char **argv);
int mqsim_list(int argc, char **argv);
int mqsim_schema(int argc, char **argv);
int mqsim_bench(int argc, char **argv);

/* The program as it was called, for replay commands. */
extern const char *mqsim_program;

/* ---- flags ---- */

struct flag {
    const char *name;  /* "--seed" */
    const char *value; /* "N" in the help; NULL: the flag takes none */
    const char *about;
};
/* Reads argv from *index on. Gives the flag's place in `flags` and its value (also "--seed=N"), or
 * -1: a plain argument, in *value; or -2 after a message about what is wrong. *index moves on. */
int flag_next(const char *command, const struct flag *flags, size_t count, int argc, char **argv,
              int *index, const char **value);
void flag_help(const struct flag *flags, size_t count);
/* Whole number; false after a message. */
bool flag_u64(const char *command, const char *flag, const char *text, uint64_t *out);

#endif
