/* sim/tests/planted.h - who catches what. Each planted bug and each quirk is caught by an oracle in
 * a scenario that passes without it; each oracle catches one; each scenario has a change that makes
 * it fail; rare but legal behaviour (buggify) fails none; and mqsim check says offline what the run
 * said.
 *
 * Prints a matrix: a line per row, in a column per oracle how many of its runs that oracle failed,
 * and the median number of seeds that are tried until it does. */
#ifndef SIM_TESTS_PLANTED_H
#define SIM_TESTS_PLANTED_H

#include <check.h>
#include <dirent.h>
#include <stdarg.h>
#include <sys/wait.h>

#include "model/env.h"
#include "model/quirks.h"
#include "sim/run/run.h"
#include "sim/tests/folder.h"
#include "sim/tests/planted_rows.h"
#include "sim/tests/scenario_text.h"
#include "sim/tests/slow_build.h"

#define SEEDS (SLOW_BUILD ? 2 : 10)        /* of each row, each combination of what varies */
#define MEDIAN_SEEDS (SLOW_BUILD ? 2 : 20) /* of a row with a median */
#define SETS_MAX 6

/* What this executable tests. */
struct planted {
    const char *name;
    const struct planted_row *rows;
    size_t row_count;
    bool messages;           /* scenarios with loads, else those without */
    uint64_t scenario_seeds; /* of each scenario as it is */
    int part, parts;         /* of the rows and of the scenarios: executables run side by side */
};
static const struct planted *planted;

/* ---- running --------------------------------------------------------------------------------- */

#define ORACLES_MAX 32
struct tally {
    size_t runs, passed;
    size_t failed[ORACLES_MAX];        /* runs in which it failed; index as in ORACLES */
    uint64_t failed_runs[ORACLES_MAX]; /* bits of the first 64 runs */
    uint64_t buggified;
    int exit_code;             /* of the first run */
    char pins[512];            /* --set arguments for the first combination */
    char why[ORACLE_TEXT_MAX]; /* of the last run that did not pass */
};

static size_t oracle_index(const char *name) {
    for (size_t i = 0; i < ORACLE_COUNT; i++)
        if (strcmp(ORACLES[i]->name, name) == 0)
            return i;
    ck_abort_msg("no oracle is called %s", name);
    return 0;
}

/* The run's exit code is the worst of its verdicts'. */
static void count_verdicts(struct tally *tally, const struct run_result *result) {
    bool failed[ORACLES_MAX] = {false};
    int worst = 0;
    for (size_t i = 0; i < result->oracle_count; i++) {
        const struct oracle_verdict *verdict = &result->oracles[i].verdict;
        failed[oracle_index(result->oracles[i].name)] |= verdict->verdict == VERDICT_FAIL;
        worst = exit_code_worse(worst, exit_code_of(verdict->verdict, result->oracles[i].class_));
        if (verdict->verdict != VERDICT_PASS)
            snprintf(tally->why, sizeof tally->why, "seed %u, %s: %.200s", (unsigned)result->seed,
                     result->oracles[i].name, verdict->reason);
    }
    ck_assert_str_eq(result->assertion, "");
    ck_assert_int_eq(worst, result->exit_code);
    ck_assert_int_eq(result->exit_code == 0, result->verdict == VERDICT_PASS);
    if (tally->runs == 0)
        tally->exit_code = result->exit_code;
    tally->passed += result->verdict == VERDICT_PASS;
    for (size_t i = 0; i < ORACLE_COUNT; i++) {
        tally->failed[i] += failed[i];
        if (failed[i] && tally->runs < 64)
            tally->failed_runs[i] |= UINT64_C(1) << tally->runs;
    }
    tally->runs++;
}

static void run_seeds(struct tally *tally, struct scenario *scenario, uint64_t seeds) {
    const char *error = NULL;
    struct run *run = run_open(scenario, &error);
    ck_assert_msg(run != NULL, "%s", error);
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct run_result result;
        ck_assert_msg(run_prepare(run, seed, &error), "%s", error);
        ck_assert(run_execute(run, &(struct run_options){.seed = seed}, &result));
        count_verdicts(tally, &result);
        struct run_fired fired;
        run_fired(run, &fired);
        for (size_t i = 0; i < fired.count; i++)
            if (strcmp(fired.kinds[i].kind, "buggify") == 0)
                tally->buggified += fired.kinds[i].times;
    }
    run_close(run);
}

static void note_pins(struct tally *tally, const struct scenario *scenario) {
    for (size_t i = 0; i < scenario->vary_count; i++) {
        size_t used = strlen(tally->pins);
        snprintf(tally->pins + used, sizeof tally->pins - used, " --set '%s'",
                 scenario->vary_sets[i]);
    }
}

/* Seeds 1 to `seeds` of each combination of `file`, with `sets` (up to a NULL) and then `on`. */
static struct tally run_all(const char *file, const char *const *sets, const char *on,
                            uint64_t seeds) {
    struct tally tally = {.runs = 0};
    const char *arguments[SETS_MAX + 1];
    size_t count = 0;
    for (; sets != NULL && sets[count] != NULL; count++)
        arguments[count] = sets[count];
    if (on != NULL)
        arguments[count++] = on;
    char *text = read_source_file(file);
    size_t combinations = 1;
    for (size_t i = 0; i < combinations; i++) {
        static struct scenario_errors errors;
        errors.count = 0;
        struct scenario *scenario =
            scenario_load(file, text, strlen(text), arguments, count, i, &errors);
        ck_assert_msg(scenario != NULL, "%s", errors.text[0]);
        combinations = scenario->combination_count;
        if (i == 0)
            note_pins(&tally, scenario);
        run_seeds(&tally, scenario, seeds);
        scenario_free(scenario);
    }
    free(text);
    return tally;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* Of the numbers of seeds tried until the oracle fails, beginning at each seed (the first one comes
 * after the last one again); 0: never. */
static unsigned median_of(const struct tally *tally, size_t oracle) {
    unsigned runs = (unsigned)(tally->runs < 64 ? tally->runs : 64), counts[65] = {0};
    for (unsigned first = 0; first < runs; first++) {
        unsigned tried = 1;
        while (tried <= runs && (tally->failed_runs[oracle] >> (first + tried - 1) % runs & 1) == 0)
            tried++;
        if (tried > runs)
            return 0;
        counts[tried]++;
    }
    unsigned median = 0, below = 0;
    while (2 * below < runs)
        below += counts[++median];
    return median;
}

static void print_header(void) {
    printf("%-26s %-26s %6s", "failed runs with", "in scenario", "median");
    for (size_t i = 0; i < ORACLE_COUNT; i++)
        printf(" %s", ORACLES[i]->name);
    printf("\n");
    fflush(stdout);
}

static void print_row(const struct planted_row *row, const struct tally *tally, unsigned median) {
    const char *name = strrchr(row->file, '/') + 1;
    printf("%-26s %-26.*s %6u", row->bug, (int)strcspn(name, "."), name, median);
    for (size_t i = 0; i < ORACLE_COUNT; i++) {
        char cell[48] = ".";
        if (tally->failed[i] > 0)
            snprintf(cell, sizeof cell, "%zu/%zu", tally->failed[i], tally->runs);
        printf(" %*s", (int)strlen(ORACLES[i]->name), cell);
    }
    printf("\n");
    fflush(stdout);
}

/* Without sets the scenario is as it is: test_scenarios__pass_as_they_are. */
START_TEST(test_rows__pass_without_the_bug_and_fail_with_it) {
    const struct planted_row *row = &planted->rows[_i];
    size_t oracle = oracle_index(row->oracle);
    ck_assert_int_eq(ORACLES[oracle]->class_, row->class_);
    if (row->sets != NULL) {
        struct tally off = run_all(row->file, row->sets, NULL, SEEDS);
        ck_assert_msg(off.passed == off.runs, "without %s: %s", row->bug, off.why);
    }
    uint64_t seeds = row->median == 0 ? SEEDS : MEDIAN_SEEDS;
    struct tally on = run_all(row->file, row->sets, row->on, seeds);
    unsigned median = median_of(&on, oracle);
    print_row(row, &on, median);
    if (row->median == 0)
        ck_assert_msg(on.failed[oracle] == on.runs, "%s: %s failed %zu of %zu runs; %s", row->bug,
                      row->oracle, on.failed[oracle], on.runs, on.why);
    else if (!SLOW_BUILD)
        ck_assert_msg(median > 0 && median <= row->median,
                      "%s: %s failed %zu of %zu runs: median %u", row->bug, row->oracle,
                      on.failed[oracle], on.runs, median);
}
END_TEST

/* Runs mqsim with `arguments` (printf-like) in the folder; its exit code. */
static int mqsim(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int mqsim(const char *format, ...) {
    char command[4096];
    va_list arguments;
    va_start(arguments, format);
    size_t used = (size_t)snprintf(command, sizeof command, "cd %s && '%s/bin/mqsim' ", folder,
                                   RMQ_BINARY_DIR);
    vsnprintf(command + used, sizeof command - used, format, arguments);
    va_end(arguments);
    strcat(command, " > stdout 2> stderr");
    int status = system(command);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(test_rows__get_the_same_verdict_offline) {
    size_t row = (size_t)_i;
    struct tally once =
        run_all(planted->rows[row].file, planted->rows[row].sets, planted->rows[row].on, 1);
    char sets[1024] = "";
    for (size_t i = 0; planted->rows[row].sets != NULL && planted->rows[row].sets[i] != NULL; i++)
        snprintf(sets + strlen(sets), sizeof sets - strlen(sets), " --set '%s'",
                 planted->rows[row].sets[i]);
    int run = mqsim("run '%s/%s' --seed 1 --no-pictures --out out%s --set '%s'%s", RMQ_SOURCE_DIR,
                    planted->rows[row].file, sets, planted->rows[row].on, once.pins);
    ck_assert_int_eq(run, once.exit_code);
    ck_assert_int_eq(mqsim("check out/events.bin"), once.exit_code);
}
END_TEST

#define EACH_ROW(row)                                                       \
    for (const struct planted_row *row = ROUTE_ROWS; row != NULL;           \
         row = row + 1 == ROUTE_ROWS + ROUTE_ROW_COUNT       ? MESSAGE_ROWS \
               : row + 1 == MESSAGE_ROWS + MESSAGE_ROW_COUNT ? NULL         \
                                                             : row + 1)
static bool has_row(const char *bug) {
    EACH_ROW(row)
    if (strcmp(row->bug, bug) == 0)
        return true;
    return false;
}

START_TEST(test_rows__cover_every_plant_quirk_and_oracle) {
#define HAS_PLANT(id, name, about) ck_assert_msg(has_row(name), "no row for plant %s", name);
    ENV_PLANT_POINTS(HAS_PLANT)
#define HAS_QUIRK(id, name, releases, reference, about) \
    ck_assert_msg(has_row(name), "no row for quirk %s", name);
    QUIRKS(HAS_QUIRK)
    for (size_t i = 0; i < ORACLE_COUNT; i++) {
        bool caught = false;
        EACH_ROW(row)
        caught = caught || strcmp(row->oracle, ORACLES[i]->name) == 0;
        ck_assert_msg(caught, "oracle %s catches nothing", ORACLES[i]->name);
    }
}
END_TEST

/* ---- scenarios ------------------------------------------------------------------------------- */

/* The files of scenarios/, by name, without the schema. */
static struct dirent **files;
static int file_count;

/* One of ours? */
static int is_scenario(const struct dirent *entry) {
    const char *dot = strrchr(entry->d_name, '.');
    if (dot == NULL || strcmp(dot, ".json") != 0 || strcmp(entry->d_name, "schema.json") == 0)
        return 0;
    char path[512], line[512];
    snprintf(path, sizeof path, RMQ_SOURCE_DIR "/scenarios/%s", entry->d_name);
    FILE *file = fopen(path, "r");
    bool messages = false;
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        messages |= strstr(line, "\"loads\"") != NULL;
    if (file != NULL)
        fclose(file);
    return messages == planted->messages;
}

static void find_scenarios(void) {
    file_count = scandir(RMQ_SOURCE_DIR "/scenarios", &files, is_scenario, alphasort);
}

static const char *file_path(int index) {
    static char path[512];
    snprintf(path, sizeof path, "scenarios/%s", files[index]->d_name);
    return path;
}

/* Of one run's cost: tried with one seed as it is, and made smaller for more. */
static const struct {
    const char *file;
    const char *const *smaller;
} LARGE[] = {{"thousand-brokers.json", HUNDRED_BROKERS}, {"r0.json", SHORT_R0}};

static const char *const *smaller(int index, uint64_t *seeds) {
    for (size_t i = 0; i < sizeof LARGE / sizeof LARGE[0]; i++)
        if (strcmp(files[index]->d_name, LARGE[i].file) == 0) {
            *seeds = 1;
            return LARGE[i].smaller;
        }
    return NULL;
}

START_TEST(test_scenarios__pass_as_they_are) {
    uint64_t seeds = planted->scenario_seeds;
    (void)smaller(_i, &seeds);
    struct tally tally = run_all(file_path(_i), NULL, NULL, seeds);
    ck_assert_msg(tally.passed == tally.runs, "%s: %s", file_path(_i), tally.why);
}
END_TEST

START_TEST(test_scenarios__each_have_a_change_that_fails_them) {
    bool has = false;
    EACH_ROW(row)
    has = has || strcmp(row->file, file_path(_i)) == 0;
    ck_assert_msg(has, "no row for %s", file_path(_i));
}
END_TEST

START_TEST(test_scenarios__tolerate_what_is_rare_but_legal) {
    uint64_t seeds = SEEDS;
    const char *const *sets = smaller(_i, &seeds);
    struct tally tally = run_all(file_path(_i), sets, "buggify=100%", SEEDS);
    ck_assert_uint_gt(tally.buggified, 0);
    ck_assert_msg(tally.passed == tally.runs, "%s: %s", file_path(_i), tally.why);
}
END_TEST

/* Where this executable's part of `count` things begins, or ends (`part` + 1). */
static int begin_of(int part, int count) {
    return part * count / planted->parts;
}

static int planted_main(const struct planted *what) {
    planted = what;
    find_scenarios();
    if (file_count <= 0)
        return EXIT_FAILURE;
    int row = begin_of(what->part, (int)what->row_count);
    int row_end = begin_of(what->part + 1, (int)what->row_count);
    int file = begin_of(what->part, file_count), file_end = begin_of(what->part + 1, file_count);
    Suite *suite = suite_create(what->name);
    TCase *rows = tcase_create("rows");
    tcase_set_timeout(rows, 300);
    tcase_add_loop_test(rows, test_rows__pass_without_the_bug_and_fail_with_it, row, row_end);
    tcase_add_test(rows, test_rows__cover_every_plant_quirk_and_oracle);
    suite_add_tcase(suite, rows);
    TCase *offline = tcase_create("offline");
    tcase_set_timeout(offline, 300);
    tcase_add_checked_fixture(offline, folder_make, folder_remove);
    tcase_add_loop_test(offline, test_rows__get_the_same_verdict_offline, row, row_end);
    suite_add_tcase(suite, offline);
    TCase *scenarios = tcase_create("scenarios");
    tcase_set_timeout(scenarios, 120);
    tcase_add_loop_test(scenarios, test_scenarios__pass_as_they_are, file, file_end);
    tcase_add_loop_test(scenarios, test_scenarios__each_have_a_change_that_fails_them, file,
                        file_end);
    tcase_add_loop_test(scenarios, test_scenarios__tolerate_what_is_rare_but_legal, file, file_end);
    suite_add_tcase(suite, scenarios);
    print_header();
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    for (int i = 0; i < file_count; i++)
        free(files[i]);
    free(files);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
