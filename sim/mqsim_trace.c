/* mqsim_trace.c - prints an event log as text, or as JSON lines. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/mqsim.h"
#include "sim/mqsim_tools.h"
#include "sim/oracle/base.h"
#include "sim/report/files.h"
#include "sim/scenario/scenario_error.h"

enum { FLAG_NODE, FLAG_KIND, FLAG_FROM, FLAG_TO, FLAG_JSON, FLAG_HELP };
static const struct flag FLAGS[] = {
    {"--node", "NAME", "only what this node reports (\"world\" for the world; may be repeated)"},
    {"--kind", "NAME", "only this event, or all that begin so (\"route.\"; may be repeated)"},
    {"--from", "TIME", "from this time on, e.g. 60s"},
    {"--to", "TIME", "up to this time"},
    {"--json", NULL, "one JSON object a line"},
    {"--help", NULL, "this text"},
};
#define FLAG_COUNT (sizeof FLAGS / sizeof FLAGS[0])
#define FILTERS_MAX 32

struct trace {
    const char *path;
    const char *nodes[FILTERS_MAX], *kinds[FILTERS_MAX];
    size_t node_count, kind_count;
    uint64_t from_ns, to_ns;
    bool json;
};

static void help(void) {
    puts(
        "usage: mqsim trace EVENTS [--node NAME] [--kind NAME] [--from TIME] [--to TIME] [--json]\n"
        "Prints an event log (events.bin, or a run directory): time, node, event, fields. Steps\n"
        "of the world are there when the run was recorded with --steps.");
    flag_help(FLAGS, FLAG_COUNT);
}

static bool add_filter(const char *flag, const char **list, size_t *count, const char *value) {
    if (*count < FILTERS_MAX) {
        list[(*count)++] = value;
        return true;
    }
    fprintf(stderr, "mqsim trace: %s more than %d times\n", flag, FILTERS_MAX);
    return false;
}

static bool is_kind(const char *value) {
    size_t len = strlen(value);
    struct nearest nearest;
    nearest_begin(&nearest, value);
    for (uint32_t kind = 0; kind < RECORD_STEP_END; kind++) {
        const char *name = record_kind_name((uint16_t)kind);
        if (name != NULL && strncmp(name, value, len) == 0)
            return true;
        if (name != NULL)
            nearest_offer(&nearest, name);
    }
    fprintf(stderr, "mqsim trace: --kind: no event is called \"%s\"; see mqsim list events%s\n",
            value, nearest_hint(&nearest));
    return false;
}

/* The log has each node that is asked for. */
static bool knows_nodes(const struct trace *trace, const struct record_log *log) {
    for (size_t i = 0; i < trace->node_count; i++) {
        struct nearest nearest;
        nearest_begin(&nearest, trace->nodes[i]);
        bool known = false;
        for (size_t node = 0; !known && node <= record_log_nodes(log); node++) {
            const char *name = record_log_node(log, (uint16_t)node);
            known = strcmp(name, trace->nodes[i]) == 0;
            nearest_offer(&nearest, name);
        }
        if (known)
            continue;
        fprintf(stderr, "mqsim trace: --node: the log has no node \"%s\"%s\n", trace->nodes[i],
                nearest_hint(&nearest));
        return false;
    }
    return true;
}

static bool read_time(const char *flag, const char *value, uint64_t *ns) {
    if (duration_parse(span_of_text(value), ns))
        return true;
    fprintf(stderr, "mqsim trace: %s is \"%s\"; expected a time such as 60s\n", flag, value);
    return false;
}

/* False: the exit code is in *code. */
static bool read_flags(struct trace *trace, int argc, char **argv, int *code) {
    const char *value;
    bool good = true;
    *code = EXIT_USAGE;
    for (int i = 1; good && i < argc;)
        switch (flag_next("trace", FLAGS, FLAG_COUNT, argc, argv, &i, &value)) {
        case FLAG_NODE:
            good = add_filter("--node", trace->nodes, &trace->node_count, value);
            break;
        case FLAG_KIND:
            good = is_kind(value) && add_filter("--kind", trace->kinds, &trace->kind_count, value);
            break;
        case FLAG_FROM:
            good = read_time("--from", value, &trace->from_ns);
            break;
        case FLAG_TO:
            good = read_time("--to", value, &trace->to_ns);
            break;
        case FLAG_JSON:
            trace->json = true;
            break;
        case FLAG_HELP:
            help();
            *code = EXIT_PASS;
            return false;
        case -1:
            good = trace->path == NULL;
            if (!good)
                fputs("mqsim trace: one log at a time\n", stderr);
            trace->path = value;
            break;
        default:
            good = false;
        }
    if (good && trace->from_ns > trace->to_ns) {
        fputs("mqsim trace: --from is after --to\n", stderr);
        return false;
    }
    if (good && trace->path == NULL)
        fputs("mqsim trace: no event log is given; see mqsim trace --help\n", stderr);
    return good && trace->path != NULL;
}

static bool is_wanted(const struct trace *trace, const struct record_log *log,
                      const struct record *record) {
    bool node = trace->node_count == 0, kind = trace->kind_count == 0;
    for (size_t i = 0; !node && i < trace->node_count; i++)
        node = strcmp(trace->nodes[i], record_log_node(log, record->node)) == 0;
    for (size_t i = 0; !kind && i < trace->kind_count; i++)
        kind =
            strncmp(record_kind_name(record->kind), trace->kinds[i], strlen(trace->kinds[i])) == 0;
    return node && kind && record->world_ns >= trace->from_ns && record->world_ns <= trace->to_ns;
}

static int print_log(const struct trace *trace, struct record_log *log) {
    struct record record;
    uint64_t offset;
    int got;
    while ((got = record_log_next(log, &record, &offset)) == 1) {
        if (!is_wanted(trace, log, &record))
            continue;
        if (trace->json)
            record_print_json(stdout, log, &record);
        else
            record_print(stdout, log, &record);
        putchar('\n');
    }
    if (got == 0)
        return EXIT_PASS;
    fflush(stdout);
    fprintf(stderr, "mqsim trace: %s: damaged at byte %" PRIu64 ": %s\n", trace->path, offset,
            record_log_damage(log));
    return EXIT_USAGE;
}

int mqsim_trace(int argc, char **argv) {
    struct trace trace = {.to_ns = UINT64_MAX};
    int code;
    if (!read_flags(&trace, argc, argv, &code))
        return code;
    const char *error;
    char *path = path_of_log(trace.path);
    struct record_log *log = record_log_open(path == NULL ? trace.path : path, &error);
    free(path);
    if (log == NULL) {
        fprintf(stderr, "mqsim trace: %s: %s\n", trace.path, error);
        return EXIT_USAGE;
    }
    code = knows_nodes(&trace, log) ? print_log(&trace, log) : EXIT_USAGE;
    record_log_close(log);
    return code;
}
