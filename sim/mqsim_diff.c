/* mqsim_diff.c - the first difference of two event logs, with what came before and after it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/mqsim.h"
#include "sim/mqsim_tools.h"
#include "sim/record/record.h"
#include "sim/report/files.h"

enum { FLAG_HELP };
static const struct flag FLAGS[] = {{"--help", NULL, "this text"}};
#define FLAG_COUNT (sizeof FLAGS / sizeof FLAGS[0])
#define EXIT_DIFFERENT 14
#define CONTEXT 3

static void help(void) {
    puts("usage: mqsim diff A B\n"
         "Prints the first record in which two event logs (or run directories) differ, the fields\n"
         "that do, and three lines around it. Exit code 0: the same; 14: different; 1: a log "
         "cannot\n"
         "be read. Steps are compared when both logs have them.");
    flag_help(FLAGS, FLAG_COUNT);
}

struct side {
    const char *path;
    struct record_log *log;
    struct record record;
    int got; /* 1 a record, 0 at the end, -1 damaged */
    uint64_t offset;
};

static bool side_open(struct side *side) {
    const char *error;
    char *path = path_of_log(side->path);
    side->log = record_log_open(path == NULL ? side->path : path, &error);
    free(path);
    if (side->log == NULL)
        fprintf(stderr, "mqsim diff: %s: %s\n", side->path, error);
    return side->log != NULL;
}

static void side_next(struct side *side, bool steps) {
    do
        side->got = record_log_next(side->log, &side->record, &side->offset);
    while (side->got == 1 && !steps && side->record.kind >= RECORD_STEP);
    if (side->got < 0)
        fprintf(stderr, "mqsim diff: %s: damaged at byte %" PRIu64 ": %s\n", side->path,
                side->offset, record_log_damage(side->log));
}

/* The text line of the side's record, for free(). */
static char *line_of(const struct side *side) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    record_print(out, side->log, &side->record);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

/* ---- comparing ---- */

static bool same_field(const struct event_value *a, const struct event_value *b) {
    return a->type == EVENT_TEXT ? span_equal(a->text, b->text) : a->number == b->number;
}

/* Prints what differs when `out` is given; whether anything does. */
static bool compare(const struct record *a, const struct record *b, FILE *out) {
    const struct {
        const char *name;
        bool same;
    } heads[] = {{"kind", a->kind == b->kind},
                 {"node", a->node == b->node},
                 {"incarnation", a->incarnation == b->incarnation},
                 {"sequence", a->node_sequence == b->node_sequence},
                 {"world time", a->world_ns == b->world_ns},
                 {"monotonic clock", a->mono_ns == b->mono_ns},
                 {"wall clock", a->wall_ms == b->wall_ms}};
    bool different = false;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        if (out != NULL && !heads[i].same)
            fprintf(out, "%s%s", different ? ", " : "", heads[i].name);
        different |= !heads[i].same;
    }
    for (size_t i = 0; a->kind == b->kind && i < a->field_count; i++) {
        if (same_field(&a->fields[i], &b->fields[i]))
            continue;
        struct span name = record_field_name(a->kind, i);
        if (out != NULL)
            fprintf(out, "%s%.*s", different ? ", " : "", (int)name.len, (const char *)name.data);
        different = true;
    }
    return different;
}

/* ---- printing ---- */

static void print_line(char mark, const struct side *side) {
    char *line = side->got == 1 ? line_of(side) : NULL;
    printf("%c %s\n", mark, line != NULL ? line : side->got == 1 ? "?" : "(end)");
    free(line);
}

static void print_difference(struct side sides[2], char *context[CONTEXT], uint64_t number,
                             bool steps) {
    printf("first difference in record %" PRIu64 ": ", number);
    if (sides[0].got != 1 || sides[1].got != 1)
        printf("%s ends here", sides[0].got != 1 ? sides[0].path : sides[1].path);
    else
        compare(&sides[0].record, &sides[1].record, stdout);
    printf("\n- %s\n+ %s\n\n", sides[0].path, sides[1].path);
    for (size_t i = 0; i < CONTEXT; i++)
        if (context[(number + i) % CONTEXT] != NULL)
            printf("  %s\n", context[(number + i) % CONTEXT]);
    for (int s = 0; s < 2; s++) {
        char mark = s == 0 ? '-' : '+';
        print_line(mark, &sides[s]);
        for (int i = 0; i < CONTEXT && sides[s].got == 1; i++) {
            side_next(&sides[s], steps);
            print_line(mark, &sides[s]);
        }
    }
}

/* The last common lines are kept as text; only when they will be needed is not known before. */
static int compare_logs(struct side sides[2], bool steps) {
    char *context[CONTEXT] = {NULL}; /* line of record n at n % CONTEXT */
    uint64_t number = 0;
    int code = EXIT_PASS;
    for (;; number++) {
        side_next(&sides[0], steps);
        side_next(&sides[1], steps);
        if (sides[0].got < 0 || sides[1].got < 0) {
            code = EXIT_USAGE;
            break;
        }
        bool both = sides[0].got == 1 && sides[1].got == 1;
        if (sides[0].got != sides[1].got ||
            (both && compare(&sides[0].record, &sides[1].record, NULL))) {
            print_difference(sides, context, number, steps);
            code = EXIT_DIFFERENT;
            break;
        }
        if (!both)
            break;
        free(context[number % CONTEXT]);
        context[number % CONTEXT] = line_of(&sides[0]);
    }
    if (code == EXIT_PASS)
        printf("the same: %" PRIu64 " records\n", number);
    for (size_t i = 0; i < CONTEXT; i++)
        free(context[i]);
    return code;
}

static bool has_steps(const struct side *side) {
    return strstr(record_log_header(side->log), "\"steps\":true") != NULL;
}

int mqsim_diff(int argc, char **argv) {
    struct side sides[2] = {{.path = NULL}, {.path = NULL}};
    size_t given = 0;
    const char *value;
    for (int i = 1; i < argc;) {
        int flag = flag_next("diff", FLAGS, FLAG_COUNT, argc, argv, &i, &value);
        if (flag == FLAG_HELP) {
            help();
            return EXIT_PASS;
        }
        if (flag != -1)
            return EXIT_USAGE;
        if (given < 2)
            sides[given].path = value;
        given++;
    }
    if (given != 2) {
        fputs("mqsim diff: expected two event logs; see mqsim diff --help\n", stderr);
        return EXIT_USAGE;
    }
    int code = EXIT_USAGE;
    if (side_open(&sides[0]) && side_open(&sides[1]))
        code = compare_logs(sides, has_steps(&sides[0]) && has_steps(&sides[1]));
    for (int s = 0; s < 2; s++)
        if (sides[s].log != NULL)
            record_log_close(sides[s].log);
    return code;
}
