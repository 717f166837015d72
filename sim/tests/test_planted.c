/* Who catches what. Each planted bug and each quirk is caught by an oracle in a scenario that
 * passes without it; each oracle catches one; each scenario has a change that makes it fail; rare
 * but legal behaviour (buggify) fails none; and mqsim check says offline what the run said.
 *
 * Prints a matrix: a line per row of ROWS, in a column per oracle how many of its runs that oracle
 * failed. */
#include <check.h>
#include <dirent.h>
#include <stdarg.h>
#include <sys/wait.h>

#include "model/env.h"
#include "model/quirks.h"
#include "sim/run/run.h"
#include "sim/tests/folder.h"
#include "sim/tests/scenario_text.h"

#define SEEDS 10          /* of each row, each combination of what varies */
#define SCENARIO_SEEDS 20 /* of each scenario as it is */
#define SETS_MAX 4

#define SCENARIO(name) "scenarios/" name ".json"
#define PLANT(name) "plant=[\"" name "\"]"
/* A tenth of its size, for speed. */
static const char *const HUNDRED_BROKERS[] = {"cluster.brokers.0.count=100", "expect.2.min=30",
                                              "expect.2.max=30", NULL};
static const char *const BLACK_HOLE[] = {"fault=black-hole", NULL};
static const char *const PAUSE[] = {"fault=pause", NULL};
static const char *const NO_IDLE_CLOSE[] = {
    "defaults={\"name_server\":{\"properties\":{\"serverChannelMaxIdleTimeSeconds\":0}}}", NULL};
static const char *const KILL[] = {"fault=kill", NULL};

static const struct {
    const char *bug; /* a plant or a quirk; or another change, in words */
    const char *file;
    const char *const *sets; /* NULL: none; with these alone it passes */
    const char *on;          /* with this too, `oracle` fails in every run */
    const char *oracle;
    enum oracle_class class_;
} ROWS[] = {
    {"namesrv.scan_never", SCENARIO("eviction-scan-only"), NULL, PLANT("namesrv.scan_never"),
     "detection", ORACLE_OBJECTIVE},
    {"namesrv.scan_never", SCENARIO("talking-broker"), NULL,
     "plant=[\"broker.stop_registering\",\"namesrv.scan_never\"]", "event-count", ORACLE_OBJECTIVE},
    /* Two mechanisms remove a silent broker: one alone keeps the bound. */
    {"namesrv.scan_never", SCENARIO("silent-broker"), NO_IDLE_CLOSE, PLANT("namesrv.scan_never"),
     "detection", ORACLE_OBJECTIVE},
    {"namesrv.scan_never", SCENARIO("paused-broker"), NO_IDLE_CLOSE, PLANT("namesrv.scan_never"),
     "detection", ORACLE_OBJECTIVE},
    {"namesrv.scan_never", SCENARIO("oneway-broker-to-namesrv"), NO_IDLE_CLOSE,
     PLANT("namesrv.scan_never"), "detection", ORACLE_OBJECTIVE},
    {"namesrv.evict_early", SCENARIO("silent-broker"), NULL, PLANT("namesrv.evict_early"),
     "route-bounds", ORACLE_SAFETY},
    {"namesrv.evict_early", SCENARIO("silent-broker"), NULL, PLANT("namesrv.evict_early"),
     "eviction-window", ORACLE_OBJECTIVE},
    {"namesrv.evict_early", SCENARIO("short-pause"), NULL, PLANT("namesrv.evict_early"),
     "detection", ORACLE_OBJECTIVE},
    {"namesrv.evict_early", SCENARIO("oneway-broker-to-namesrv"), NULL,
     PLANT("namesrv.evict_early"), "route-bounds", ORACLE_SAFETY},
    {"namesrv.evict_early", SCENARIO("thousand-brokers"), HUNDRED_BROKERS,
     PLANT("namesrv.evict_early"), "eviction-window", ORACLE_OBJECTIVE},
    {"namesrv.evict_early", SCENARIO("eviction-study"), BLACK_HOLE, PLANT("namesrv.evict_early"),
     "route-bounds", ORACLE_SAFETY},
    {"namesrv.evict_early", SCENARIO("eviction-study"), PAUSE, PLANT("namesrv.evict_early"),
     "route-bounds", ORACLE_SAFETY},
    {"namesrv.close_takes_all", SCENARIO("eviction-study"), KILL, PLANT("namesrv.close_takes_all"),
     "route-bounds", ORACLE_SAFETY},
    {"namesrv.close_takes_all", SCENARIO("killed-broker"), NULL, PLANT("namesrv.close_takes_all"),
     "route-bounds", ORACLE_SAFETY},
    {"namesrv.keep_closed", SCENARIO("killed-broker"), NULL, PLANT("namesrv.keep_closed"),
     "detection", ORACLE_OBJECTIVE},
    {"namesrv.keep_closed", SCENARIO("oneway-namesrv-to-broker"), NULL,
     PLANT("namesrv.keep_closed"), "detection", ORACLE_OBJECTIVE},
    {"namesrv.keep_topics", SCENARIO("killed-broker"), NULL, PLANT("namesrv.keep_topics"),
     "convergence", ORACLE_LIVENESS},
    {"namesrv.perm_returns", SCENARIO("drain-write-perm"), NULL, PLANT("namesrv.perm_returns"),
     "event-count", ORACLE_OBJECTIVE},
    {"broker.register_first_only", SCENARIO("namesrv-restart"), NULL,
     PLANT("broker.register_first_only"), "route-bounds", ORACLE_SAFETY},
    {"broker.register_serially", SCENARIO("one-namesrv-black-holed"), NULL,
     PLANT("broker.register_serially"), "registration-latency", ORACLE_OBJECTIVE},
    {"broker.stop_registering", SCENARIO("silent-broker"), NULL, PLANT("broker.stop_registering"),
     "progress", ORACLE_LIVENESS},
    {"broker.skip_missed", SCENARIO("paused-broker"), NULL, PLANT("broker.skip_missed"),
     "event-count", ORACLE_OBJECTIVE},
    {"client.keep_route", SCENARIO("silent-broker"), NULL, PLANT("client.keep_route"),
     "client-follows", ORACLE_LIVENESS},
    {"client.reconnect", SCENARIO("idle-clients"), NULL, PLANT("client.reconnect"), "no-churn",
     ORACLE_OBJECTIVE},
    {"client.stop_polling", SCENARIO("det-nodes"), NULL, PLANT("client.stop_polling"), "progress",
     ORACLE_LIVENESS},
    {"client.stop_polling", SCENARIO("det-links"), NULL, PLANT("client.stop_polling"), "progress",
     ORACLE_LIVENESS},
    {"client.stop_polling", SCENARIO("det-hosts"), NULL, PLANT("client.stop_polling"), "progress",
     ORACLE_LIVENESS},
    {"a slow network", SCENARIO("killed-broker"), NULL, "network.default.latency=1200ms",
     "eviction-window", ORACLE_OBJECTIVE},
    {"incrementHidesTopics", SCENARIO("early-topic"), NULL, "quirk=true", "convergence",
     ORACLE_LIVENESS},
    /* What a restarted name server hears first is one topic. */
    {"singleTopicGuard", SCENARIO("early-topic"), NULL,
     "defaults={\"name_server\":{\"properties\":{\"quirk.singleTopicGuard\":true}}}", "event-count",
     ORACLE_OBJECTIVE},
    {"unregisterById", "sim/tests/data/planted/late-stop.json", NULL, "quirk=true", "route-bounds",
     ORACLE_SAFETY},
    {"masterFlip", SCENARIO("two-masters"), NULL, "quirk=true", "no-flapping", ORACLE_SAFETY},
    {"serialRegistration", SCENARIO("one-namesrv-black-holed"), NULL, "quirk=true", "event-count",
     ORACLE_OBJECTIVE},
    {"serialRegistration", SCENARIO("one-namesrv-black-holed"), NULL, "quirk=true",
     "registration-latency", ORACLE_OBJECTIVE},
};
#define ROW_COUNT (sizeof ROWS / sizeof ROWS[0])

/* ---- running --------------------------------------------------------------------------------- */

#define ORACLES_MAX 16
struct tally {
    size_t runs, passed;
    size_t failed[ORACLES_MAX]; /* runs in which it failed; index as in ORACLES */
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
    if (tally->runs++ == 0)
        tally->exit_code = result->exit_code;
    tally->passed += result->verdict == VERDICT_PASS;
    for (size_t i = 0; i < ORACLE_COUNT; i++)
        tally->failed[i] += failed[i];
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

static void print_header(void) {
    printf("%-26s %-26s", "failed runs with", "in scenario");
    for (size_t i = 0; i < ORACLE_COUNT; i++)
        printf(" %s", ORACLES[i]->name);
    printf("\n");
    fflush(stdout);
}

static void print_row(size_t row, const struct tally *tally) {
    const char *name = strrchr(ROWS[row].file, '/') + 1;
    printf("%-26s %-26.*s", ROWS[row].bug, (int)strcspn(name, "."), name);
    for (size_t i = 0; i < ORACLE_COUNT; i++) {
        char cell[48] = ".";
        if (tally->failed[i] > 0)
            snprintf(cell, sizeof cell, "%zu/%zu", tally->failed[i], tally->runs);
        printf(" %*s", (int)strlen(ORACLES[i]->name), cell);
    }
    printf("\n");
    fflush(stdout);
}

START_TEST(test_rows__pass_without_the_bug_and_fail_with_it) {
    size_t row = (size_t)_i, oracle = oracle_index(ROWS[row].oracle);
    ck_assert_int_eq(ORACLES[oracle]->class_, ROWS[row].class_);
    struct tally off = run_all(ROWS[row].file, ROWS[row].sets, NULL, SEEDS);
    ck_assert_msg(off.passed == off.runs, "without %s: %s", ROWS[row].bug, off.why);
    struct tally on = run_all(ROWS[row].file, ROWS[row].sets, ROWS[row].on, SEEDS);
    print_row(row, &on);
    ck_assert_msg(on.failed[oracle] == on.runs, "%s: %s failed %zu of %zu runs; %s", ROWS[row].bug,
                  ROWS[row].oracle, on.failed[oracle], on.runs, on.why);
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
    struct tally once = run_all(ROWS[row].file, ROWS[row].sets, ROWS[row].on, 1);
    char sets[1024] = "";
    for (size_t i = 0; ROWS[row].sets != NULL && ROWS[row].sets[i] != NULL; i++)
        snprintf(sets + strlen(sets), sizeof sets - strlen(sets), " --set '%s'", ROWS[row].sets[i]);
    int run = mqsim("run '%s/%s' --seed 1 --no-pictures --out out%s --set '%s'%s", RMQ_SOURCE_DIR,
                    ROWS[row].file, sets, ROWS[row].on, once.pins);
    ck_assert_int_eq(run, once.exit_code);
    ck_assert_int_eq(mqsim("check out/events.bin"), once.exit_code);
}
END_TEST

static bool has_row(const char *bug) {
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (strcmp(ROWS[i].bug, bug) == 0)
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
        for (size_t row = 0; row < ROW_COUNT; row++)
            caught = caught || strcmp(ROWS[row].oracle, ORACLES[i]->name) == 0;
        ck_assert_msg(caught, "oracle %s catches nothing", ORACLES[i]->name);
    }
}
END_TEST

/* ---- scenarios ------------------------------------------------------------------------------- */

/* The files of scenarios/, by name, without the schema. */
static struct dirent **files;
static int file_count;

static int is_scenario(const struct dirent *entry) {
    const char *dot = strrchr(entry->d_name, '.');
    return dot != NULL && strcmp(dot, ".json") == 0 && strcmp(entry->d_name, "schema.json") != 0;
}

static void find_scenarios(void) {
    file_count = scandir(RMQ_SOURCE_DIR "/scenarios", &files, is_scenario, alphasort);
}

static const char *file_path(int index) {
    static char path[512];
    snprintf(path, sizeof path, "scenarios/%s", files[index]->d_name);
    return path;
}

static bool is_large(int index) {
    return strcmp(files[index]->d_name, "thousand-brokers.json") == 0;
}

START_TEST(test_scenarios__pass_as_they_are) {
    struct tally tally = run_all(file_path(_i), NULL, NULL, is_large(_i) ? 1 : SCENARIO_SEEDS);
    ck_assert_msg(tally.passed == tally.runs, "%s: %s", file_path(_i), tally.why);
}
END_TEST

START_TEST(test_scenarios__each_have_a_change_that_fails_them) {
    bool has = false;
    for (size_t row = 0; row < ROW_COUNT; row++)
        has = has || strcmp(ROWS[row].file, file_path(_i)) == 0;
    ck_assert_msg(has, "no row for %s", file_path(_i));
}
END_TEST

START_TEST(test_scenarios__tolerate_what_is_rare_but_legal) {
    struct tally tally =
        run_all(file_path(_i), is_large(_i) ? HUNDRED_BROKERS : NULL, "buggify=100%", SEEDS);
    ck_assert_uint_gt(tally.buggified, 0);
    ck_assert_msg(tally.passed == tally.runs, "%s: %s", file_path(_i), tally.why);
}
END_TEST

int main(void) {
    find_scenarios();
    if (file_count <= 0)
        return EXIT_FAILURE;
    Suite *suite = suite_create("planted");
    TCase *rows = tcase_create("rows");
    tcase_set_timeout(rows, 60);
    tcase_add_loop_test(rows, test_rows__pass_without_the_bug_and_fail_with_it, 0, (int)ROW_COUNT);
    tcase_add_test(rows, test_rows__cover_every_plant_quirk_and_oracle);
    suite_add_tcase(suite, rows);
    TCase *offline = tcase_create("offline");
    tcase_set_timeout(offline, 60);
    tcase_add_checked_fixture(offline, folder_make, folder_remove);
    tcase_add_loop_test(offline, test_rows__get_the_same_verdict_offline, 0, (int)ROW_COUNT);
    suite_add_tcase(suite, offline);
    TCase *scenarios = tcase_create("scenarios");
    tcase_set_timeout(scenarios, 60);
    tcase_add_loop_test(scenarios, test_scenarios__pass_as_they_are, 0, file_count);
    tcase_add_loop_test(scenarios, test_scenarios__each_have_a_change_that_fails_them, 0,
                        file_count);
    tcase_add_loop_test(scenarios, test_scenarios__tolerate_what_is_rare_but_legal, 0, file_count);
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
