/* mqsim_list.c - what scenarios can be made of: printed from the tables themselves. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/events.h"
#include "model/quirks.h"
#include "sim/judge/metrics.h"
#include "sim/mqsim.h"
#include "sim/report/report.h"
#include "sim/run/faults.h"
#include "sim/scenario/scenario_commands.h"

static void print_fields(const struct record_type *type) {
    for (size_t i = 0; i < type->field_count; i++)
        printf("%s%s%s", i == 0 ? "" : ", ", type->fields[i].key,
               type->fields[i].required ? "" : "?");
}

static void list_faults(void) {
    for (size_t i = 0; i < FAULT_KIND_COUNT; i++) {
        const struct fault_kind *kind = &FAULT_KINDS[i];
        printf("%-18s %s\n%-18s   ", kind->name, kind->about, "");
        print_fields(kind->fields);
        puts(kind->end != NULL ? "; can have \"for\"" : "");
    }
}

static void list_events(void) {
    for (size_t i = 0; i < EVENT_KIND_COUNT; i++) {
        const struct event_info *info = &EVENT_INFO[i];
        printf("%-28s %-8s %s\n%-28s   ", info->name, info->who, info->about, "");
        for (size_t f = 0; f < info->field_count; f++)
            printf("%s%s", f == 0 ? "" : ", ", info->fields[f].name);
        puts("");
    }
}

static void list_oracles(void) {
    for (size_t i = 0; i < ORACLE_COUNT; i++) {
        const struct oracle_type *type = ORACLES[i];
        const char *class_ = type->class_ == ORACLE_SAFETY     ? "safety"
                             : type->class_ == ORACLE_LIVENESS ? "liveness"
                                                               : "objective";
        printf("%-22s %-10s %s\n", type->name, class_, type->about);
        for (size_t p = 0; p < type->parameter_count; p++)
            printf("%-22s   %s (%s%s%s): %s\n", "", type->parameters[p].key,
                   type->parameters[p].unit,
                   type->parameters[p].fallback == NULL ? ", required" : ", default ",
                   type->parameters[p].fallback == NULL ? "" : type->parameters[p].fallback,
                   type->parameters[p].about);
    }
}

static void list_commands(void) {
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct command_info *info = &COMMANDS[i];
        printf("%-7s %-22s %s\n%-7s %-22s  ", ROLE_NAMES[info->role], info->name, info->about, "",
               "");
        for (const char *const *key = info->required; *key != NULL; key++)
            printf(" %s", *key);
        for (const char *const *key = info->optional; *key != NULL; key++)
            printf(" [%s]", *key);
        puts("");
    }
}

static void list_quirks(void) {
#define QUIRK_LINE(id, name, releases, reference, about) \
    printf("quirk.%-24s %s (%s; %s)\n", name, about, releases, reference);
    QUIRKS(QUIRK_LINE)
}

static void list_plants(void) {
#define POINT_LINE(id, name, about) printf("%-28s %s\n", name, about);
    ENV_PLANT_POINTS(POINT_LINE)
}

static void list_buggify(void) {
    ENV_BUGGIFY_POINTS(POINT_LINE)
}

static void list_metrics(void) {
    for (int i = 0; i < METRIC_COUNT; i++)
        printf("%-38s %s\n%-38s   theory: %s\n", METRIC_INFO[i].name, METRIC_INFO[i].about, "",
               METRIC_INFO[i].theory);
}

static void list_plots(void) {
    for (size_t i = 0; i < REPORT_PLOT_COUNT; i++)
        printf("%-18s %s\n", REPORT_PLOT_LIST[i].name, REPORT_PLOT_LIST[i].heading);
}

static const struct {
    const char *name;
    void (*print)(void);
    const char *about;
} LISTS[] = {
    {"faults", list_faults, "kinds of faults: \"do\" in a timeline"},
    {"events", list_events, "what nodes report: \"event\" in a \"when\""},
    {"oracles", list_oracles, "judges: \"oracle\" in \"expect\", with their parameters"},
    {"commands", list_commands, "orders to nodes: \"command\", and \"do\" in a workload"},
    {"quirks", list_quirks, "defects of releases: properties that switch them on"},
    {"plants", list_plants, "planted bugs: \"plant\""},
    {"buggify", list_buggify, "rare but legal behaviour: \"buggify\""},
    {"metrics", list_metrics, "what is measured in each run"},
    {"plots", list_plots, "pictures: \"plots\""},
};
#define LIST_COUNT (sizeof LISTS / sizeof LISTS[0])

static void help(void) {
    puts("Usage: mqsim list [WHAT...]\n\nShows what scenarios can be made of:");
    for (size_t i = 0; i < LIST_COUNT; i++)
        printf("  %-10s%s\n", LISTS[i].name, LISTS[i].about);
}

static bool print_list(const char *name) {
    struct nearest nearest;
    nearest_begin(&nearest, name);
    for (size_t i = 0; i < LIST_COUNT; i++) {
        if (strcmp(LISTS[i].name, name) == 0) {
            LISTS[i].print();
            return true;
        }
        nearest_offer(&nearest, LISTS[i].name);
    }
    fprintf(stderr, "mqsim list: unknown list \"%s\"; see mqsim list --help%s\n", name,
            nearest_hint(&nearest));
    return false;
}

int mqsim_list(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            help();
            return EXIT_PASS;
        }
    }
    for (int i = 1; i < argc; i++)
        if (!print_list(argv[i]))
            return EXIT_USAGE;
    for (size_t i = 0; argc == 1 && i < LIST_COUNT; i++) {
        printf("%s== %s: %s\n", i == 0 ? "" : "\n", LISTS[i].name, LISTS[i].about);
        LISTS[i].print();
    }
    return EXIT_PASS;
}

int mqsim_schema(int argc, char **argv) {
    if (argc > 1) {
        bool wants_help = strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0;
        fputs(
            "Usage: mqsim schema\n\nPrints the JSON schema (draft-07) of scenario files, which is "
            "scenarios/schema.json.\n",
            wants_help ? stdout : stderr);
        return wants_help ? EXIT_PASS : EXIT_USAGE;
    }
    char *text = scenario_schema();
    if (text == NULL) {
        fputs("mqsim schema: out of memory\n", stderr);
        return EXIT_USAGE;
    }
    fputs(text, stdout);
    free(text);
    return EXIT_PASS;
}
