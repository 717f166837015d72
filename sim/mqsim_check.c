/* mqsim_check.c - judges event logs offline, by the oracles of their scenario or by given ones; and
 * what the daemons of a real cluster wrote (--events), by given ones. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/judge/log_judge.h"
#include "sim/mqsim.h"
#include "sim/mqsim_tools.h"
#include "sim/record/event_lines.h"
#include "sim/report/files.h"
#include "sim/report/summary.h"

enum { FLAG_ORACLE, FLAG_JSON, FLAG_HELP };
static const struct flag FLAGS[] = {
    {"--oracle", "NAME[,k=v...]",
     "judge by this one instead (may be repeated); \"60s\" is a duration"},
    {"--json", NULL, "print one JSON array"},
    {"--help", NULL, "this text"},
};
#define FLAG_COUNT (sizeof FLAGS / sizeof FLAGS[0])

static void help(void) {
    puts("usage: mqsim check EVENTS... [--oracle NAME[,k=v...]] [--json]\n"
         "Judges event logs (events.bin, or a run directory). Without --oracle, by what the\n"
         "scenario.json beside the log expects. JSON lines of real daemons (--events FILE) may be\n"
         "given too: all of them together are one cluster's log. Exit code: of the worst verdict,\n"
         "1 for a log that cannot be read.");
    flag_help(FLAGS, FLAG_COUNT);
}

struct check {
    struct expectation_list given;
    bool json;
    cJSON *results;
    int exit_code;
    bool failed; /* some log could not be judged */
};

/* A file beside the log, for free(); NULL when there is none. */
static char *read_beside(const char *log, const char *name) {
    const char *slash = strrchr(log, '/');
    char *directory = slash == NULL ? strdup(".") : strndup(log, (size_t)(slash - log) + 1);
    char *path = directory == NULL ? NULL : path_join(directory, name);
    size_t len;
    char *text = path == NULL ? NULL : file_read_whole(path, &len);
    free(directory);
    free(path);
    return text;
}

/* When the run ended, which may be later than the last event; 0 when nobody says. */
static uint64_t run_end_ns(const char *log) {
    char *text = read_beside(log, "summary.json");
    cJSON *summary = text == NULL ? NULL : cJSON_Parse(text);
    const cJSON *seconds = cJSON_GetObjectItemCaseSensitive(summary, "simulated_s");
    bool known = cJSON_IsNumber(seconds) && seconds->valuedouble > 0 && seconds->valuedouble < 1e9;
    uint64_t end_ns = known ? (uint64_t)(seconds->valuedouble * 1e9 + 0.5) : 0;
    cJSON_Delete(summary);
    free(text);
    return end_ns;
}

static bool read_scenario(const char *log, struct expectation_list *list, char error[256]) {
    char *text = read_beside(log, "scenario.json");
    snprintf(error, 256, "no scenario.json beside it; say what to check with --oracle");
    bool added = text != NULL && expectation_add_scenario(list, text, error);
    free(text);
    return added;
}

static void print_verdict(const char *path, const struct log_verdict *verdict) {
    const struct run_result *result = &verdict->result;
    printf("%s: %s (%llu records, %llu.%03llu s)\n", path, verdict_name(result->verdict),
           (unsigned long long)verdict->records,
           (unsigned long long)(result->simulated_ns / 1000000000U),
           (unsigned long long)(result->simulated_ns / 1000000U % 1000U));
    for (size_t i = 0; i < result->oracle_count; i++) {
        const struct oracle_verdict *oracle = &result->oracles[i].verdict;
        printf("  %-8s %-22s checked %llu%s%s\n", verdict_name(oracle->verdict),
               result->oracles[i].name, (unsigned long long)oracle->checked,
               oracle->reason[0] == '\0' ? "" : ": ", oracle->reason);
        for (size_t w = 0; w < oracle->witness_count; w++)
            printf("           %llu.%09llu %s: %s\n",
                   (unsigned long long)(oracle->witness[w].world_ns / 1000000000U),
                   (unsigned long long)(oracle->witness[w].world_ns % 1000000000U),
                   judge_node_name(verdict->judge, oracle->witness[w].node),
                   oracle->witness[w].text);
    }
}

static void add_json(struct check *check, const char *path, const struct log_verdict *verdict) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "log", path);
    cJSON_AddStringToObject(object, "verdict", verdict_name(verdict->result.verdict));
    cJSON_AddNumberToObject(object, "exit_code", verdict->result.exit_code);
    cJSON_AddNumberToObject(object, "records", (double)verdict->records);
    summary_add_seconds(object, "simulated_s", verdict->result.simulated_ns);
    summary_add_oracles(object, verdict->judge, &verdict->result);
    cJSON_AddItemToArray(check->results, object);
}

/* Judges the log at `path`, called `name`. */
static void check_log(struct check *check, const char *path, const char *name) {
    char error[256] = "out of memory";
    struct expectation_list own = {.count = 0};
    struct log_verdict *verdict = calloc(1, sizeof *verdict);
    bool readable = access(path, R_OK) == 0;
    if (!readable)
        snprintf(error, sizeof error, "%s", strerror(errno));
    bool judged = readable && verdict != NULL &&
                  (check->given.count > 0 || read_scenario(name, &own, error)) &&
                  log_judge(path, check->given.count > 0 ? &check->given : &own, run_end_ns(name),
                            verdict, error);
    if (!judged) {
        fprintf(stderr, "mqsim check: %s: %s\n", name, error);
        check->failed = true;
    } else {
        check->exit_code = exit_code_worse(check->exit_code, verdict->result.exit_code);
        if (check->json)
            add_json(check, name, verdict);
        else
            print_verdict(name, verdict);
    }
    if (verdict != NULL)
        log_verdict_free(verdict);
    free(verdict);
    expectation_free(&own);
}

/* The event lines among the arguments are one log. */
static void check_lines(struct check *check, const char *const *paths, size_t count) {
    char error[256] = "no room for a temporary file";
    const char *folder = getenv("TMPDIR");
    char *merged = path_join(folder == NULL ? "/tmp" : folder, "mqsim-check-XXXXXX");
    int fd = merged == NULL ? -1 : mkstemp(merged);
    if (fd >= 0 && event_lines_merge(paths, count, merged, error)) {
        check_log(check, merged, paths[0]);
    } else {
        fprintf(stderr, "mqsim check: %s\n", error);
        check->failed = true;
    }
    if (fd >= 0) {
        (void)close(fd);
        (void)unlink(merged);
    }
    free(merged);
}

/* 0, or the exit code after a message; *done: nothing is left to do. */
static int read_flags(struct check *check, int argc, char **argv, size_t *logs, bool *done) {
    char error[256];
    const char *value;
    for (int i = 1; i < argc;)
        switch (flag_next("check", FLAGS, FLAG_COUNT, argc, argv, &i, &value)) {
        case FLAG_ORACLE:
            if (expectation_add_text(&check->given, value, error))
                break;
            fprintf(stderr, "mqsim check: --oracle: %s\n", error);
            return EXIT_USAGE;
        case FLAG_JSON:
            check->json = true;
            break;
        case FLAG_HELP:
            help();
            *done = true;
            return EXIT_PASS;
        case -1:
            argv[(*logs)++] = (char *)(uintptr_t)value; /* plain arguments to the front */
            break;
        default:
            return EXIT_USAGE;
        }
    if (*logs > 0)
        return EXIT_PASS;
    fputs("mqsim check: no event log is given; see mqsim check --help\n", stderr);
    return EXIT_USAGE;
}

int mqsim_check(int argc, char **argv) {
    struct check check = {.exit_code = 0};
    size_t logs = 0;
    bool done = false;
    int code = read_flags(&check, argc, argv, &logs, &done);
    if (code == EXIT_PASS && !done) {
        check.results = cJSON_CreateArray();
        const char **lines = calloc(logs, sizeof *lines);
        size_t line_files = 0;
        for (size_t i = 0; i < logs; i++) {
            char *path = path_of_log(argv[i]);
            const char *log = path == NULL ? argv[i] : path;
            if (lines != NULL && event_lines_is(log))
                lines[line_files++] = argv[i];
            else
                check_log(&check, log, log);
            free(path);
        }
        if (line_files > 0)
            check_lines(&check, lines, line_files);
        free(lines);
        char *text = check.json ? cJSON_Print(check.results) : NULL;
        if (text != NULL)
            puts(text);
        free(text);
        cJSON_Delete(check.results);
        code = check.exit_code != 0 && check.exit_code != EXIT_UNKNOWN ? check.exit_code
               : check.failed                                          ? EXIT_USAGE
                                                                       : check.exit_code;
    }
    expectation_free(&check.given);
    return code;
}
