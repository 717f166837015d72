/* mqsim.c - the command line of the simulator: which subcommand, and flags for all of them. */
#include "sim/mqsim.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "model/base/err.h"
#include "model/base/span.h"
#include "sim/mqsim_tools.h"
#include "sim/scenario/scenario_error.h"

const char *mqsim_program = "mqsim";

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *about;
} COMMANDS[] = {
    {"run", mqsim_run, "run scenarios, for one seed or many"},
    {"check", mqsim_check, "judge event logs offline"},
    {"trace", mqsim_trace, "print an event log as text"},
    {"diff", mqsim_diff, "find the first difference of two event logs"},
    {"list", mqsim_list, "show faults, events, oracles, commands, quirks, ..."},
    {"schema", mqsim_schema, "print the JSON schema of scenario files"},
    {"bench", mqsim_bench, "measure the simulator"},
};
#define COMMAND_COUNT (sizeof COMMANDS / sizeof COMMANDS[0])

static void help(FILE *to) {
    fputs("mqsim - a RocketMQ cluster in a simulated world\n\nUsage: mqsim COMMAND ...\n\n", to);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(to, "  %-8s%s\n", COMMANDS[i].name, COMMANDS[i].about);
    fputs("\nmqsim COMMAND --help says more.\n\n"
          "Exit codes: 0 pass; 1 usage, or a scenario that does not load; 10 assertion or crash;\n"
          "11 safety; 12 liveness; 13 objective missed; 14 nondeterminism; 15 unknown.\n",
          to);
}

/* Runs a command; what it printed has arrived, or the exit code says not. */
static int run_command(int (*run)(int argc, char **argv), int argc, char **argv) {
    int code = run(argc, argv);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, "mqsim %s: stdout: %s\n", argv[0], strerror(errno));
    return code == EXIT_PASS ? EXIT_USAGE : code;
}

int main(int argc, char **argv) {
    (void)signal(SIGXFSZ, SIG_IGN); /* a file above the limit (ulimit -f) is a write error */
    if (argc > 0)
        mqsim_program = argv[0];
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        help(argc < 2 ? stderr : stdout);
        return argc < 2 ? EXIT_USAGE : EXIT_PASS;
    }
    struct nearest nearest;
    nearest_begin(&nearest, argv[1]);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(COMMANDS[i].name, argv[1]) == 0)
            return run_command(COMMANDS[i].run, argc - 1, argv + 1);
        nearest_offer(&nearest, COMMANDS[i].name);
    }
    fprintf(stderr, "mqsim: unknown command \"%s\"; see mqsim --help%s\n", argv[1],
            nearest_hint(&nearest));
    return EXIT_USAGE;
}

/* ---- flags ----------------------------------------------------------------------------------- */

static int unknown_flag(const char *command, const struct flag *flags, size_t count,
                        const char *text) {
    struct nearest nearest;
    char word[64];
    (void)snprintf(word, sizeof word, "%.*s", (int)strcspn(text, "="), text);
    nearest_begin(&nearest, word);
    for (size_t i = 0; i < count; i++)
        nearest_offer(&nearest, flags[i].name);
    fprintf(stderr, "mqsim %s: unknown flag \"%s\"; see mqsim %s --help%s\n", command, word,
            command, nearest_hint(&nearest));
    return -2;
}

int flag_next(const char *command, const struct flag *flags, size_t count, int argc, char **argv,
              int *index, const char **value) {
    const char *text = argv[(*index)++];
    *value = text;
    if (text[0] != '-' || text[1] == 0)
        return -1;
    size_t len = strcspn(text, "=");
    for (size_t i = 0; i < count; i++) {
        if (strlen(flags[i].name) != len || strncmp(flags[i].name, text, len) != 0)
            continue;
        bool inline_value = text[len] == '=';
        if (flags[i].value == NULL && inline_value) {
            fprintf(stderr, "mqsim %s: %s takes no value\n", command, flags[i].name);
            return -2;
        }
        *value = text + len + inline_value;
        if (flags[i].value != NULL && !inline_value) {
            if (*index == argc) {
                fprintf(stderr, "mqsim %s: %s needs a value, %s\n", command, flags[i].name,
                        flags[i].value);
                return -2;
            }
            *value = argv[(*index)++];
        }
        return (int)i;
    }
    return unknown_flag(command, flags, count, text);
}

void flag_help(const struct flag *flags, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char left[40];
        (void)snprintf(left, sizeof left, "%s%s%s", flags[i].name,
                       flags[i].value == NULL ? "" : " ",
                       flags[i].value == NULL ? "" : flags[i].value);
        printf("  %-20s%s%s\n", left, strlen(left) < 20 ? "" : " ", flags[i].about);
    }
}

bool flag_u64(const char *command, const char *flag, const char *text, uint64_t *out) {
    if (span_to_u64(span_of_text(text), out) == RMQ_OK)
        return true;
    fprintf(stderr, "mqsim %s: %s is \"%s\"; expected a whole number\n", command, flag, text);
    return false;
}
