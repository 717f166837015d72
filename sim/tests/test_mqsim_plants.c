/* Each planted bug and each quirk is caught by an oracle, in a scenario that passes without it. */
#include <check.h>
#include <cjson/cJSON.h>
#include <sys/wait.h>

#include "model/env.h"
#include "model/quirks.h"
#include "sim/tests/folder.h"

/* Two masters under one name of which the older stops: who unregisters whom? */
static const char TWO_MASTERS[] =
    "{\"name\":\"two\",\"about\":\"-\",\"duration\":\"300s\",\"parameters\":{\"on\":{\"value\":"
    "false,"
    "\"about\":\"-\"}},\"cluster\":{\"name_servers\":[{\"name\":\"ns\",\"properties\":"
    "{\"quirk.masterFlip\":true,\"quirk.unregisterById\":\"$on\"}}],\"brokers\":["
    "{\"name\":\"first\",\"start\":\"10s\",\"properties\":{\"brokerName\":\"broker-a\"},"
    "\"topics\":[{\"name\":\"Orders\"}]},"
    "{\"name\":\"second\",\"start\":\"25s\",\"properties\":{\"brokerName\":\"broker-a\"},"
    "\"topics\":[{\"name\":\"Orders\"}]}]},"
    "\"timeline\":[{\"at\":\"190s\",\"do\":\"stop\",\"node\":\"first\"}],"
    "\"expect\":[{\"oracle\":\"route-bounds\"}]}";

/* The first thing that a restarted name server hears is an incremental registration: one topic. */
static const char EARLY_TOPIC[] =
    "{\"name\":\"guard\",\"about\":\"-\",\"duration\":\"200s\",\"parameters\":{\"on\":{\"value\":"
    "false,"
    "\"about\":\"-\"}},\"cluster\":{\"name_servers\":[{\"name\":\"ns\",\"properties\":"
    "{\"quirk.singleTopicGuard\":\"$on\"}}],\"brokers\":[{\"name\":\"broker-a\","
    "\"start\":\"10s\",\"topics\":[{\"name\":\"Orders\"}]}]},"
    "\"timeline\":[{\"at\":\"100s\",\"do\":\"kill\",\"node\":\"ns\",\"for\":\"2s\"},"
    "{\"at\":\"105s\",\"do\":\"command\",\"node\":\"broker-a\",\"command\":\"create-topic\","
    "\"arguments\":{\"topic\":\"T\"}}],"
    "\"expect\":[{\"oracle\":\"event-count\",\"event\":\"route.registration_refused\",\"max\":0}]}";

static const struct {
    const char *name;     /* of the plant, or the quirk */
    const char *scenario; /* a file of scenarios/, or a text */
    const char *set;      /* switches it on */
    int exit_code;
    const char *oracle; /* one that fails */
} CASES[] = {
    {"namesrv.scan_never", "talking-broker.json",
     "plant=[\"broker.stop_registering\",\"namesrv.scan_never\"]", 13, "event-count"},
    {"namesrv.evict_early", "silent-broker.json", "plant=[\"namesrv.evict_early\"]", 11,
     "route-bounds"},
    {"namesrv.keep_topics", "killed-broker.json", "plant=[\"namesrv.keep_topics\"]", 12,
     "convergence"},
    {"broker.register_first_only", "namesrv-restart.json", "plant=[\"broker.register_first_only\"]",
     11, "route-bounds"},
    {"broker.stop_registering", "silent-broker.json", "plant=[\"broker.stop_registering\"]", 11,
     "progress"},
    {"incrementHidesTopics", "early-topic.json", "quirk=true", 12, "convergence"},
    {"unregisterById", TWO_MASTERS, "on=true", 11, "route-bounds"},
    {"singleTopicGuard", EARLY_TOPIC, "on=true", 13, "event-count"},
    {"masterFlip", "two-masters.json", "quirk=true", 11, "no-flapping"},
    {"serialRegistration", "one-namesrv-black-holed.json", "quirk=true", 13, "event-count"},
};
#define CASE_COUNT (sizeof CASES / sizeof CASES[0])

/* Runs the case's scenario; its exit code, and the oracles that failed in `failed`. */
static int run(size_t index, bool on, char *failed, size_t size) {
    char command[1024], file[512];
    if (CASES[index].scenario[0] == '{') {
        ck_assert(file_write_in(folder, "s.json", CASES[index].scenario));
        snprintf(file, sizeof file, "%s/s.json", folder);
    } else {
        snprintf(file, sizeof file, "%s/scenarios/%s", RMQ_SOURCE_DIR, CASES[index].scenario);
    }
    snprintf(command, sizeof command,
             "%s/bin/mqsim run %s --seed 1 --json --no-pictures %s%s%s > %s/out 2> %s/err",
             RMQ_BINARY_DIR, file, on ? "--set '" : "", on ? CASES[index].set : "", on ? "'" : "",
             folder, folder);
    int status = system(command);
    char *text = folder_read("out"), *errors = folder_read("err");
    cJSON *summary = cJSON_Parse(text);
    ck_assert_msg(summary != NULL, "%s: %s", CASES[index].name, errors);
    failed[0] = '\0';
    const cJSON *oracle, *oracles = cJSON_GetObjectItem(summary, "oracles");
    cJSON_ArrayForEach(oracle, oracles) {
        const cJSON *verdict = cJSON_GetObjectItem(oracle, "verdict");
        const cJSON *count = cJSON_GetObjectItem(oracle, "fail"); /* of a sweep */
        bool failing = cJSON_IsNumber(count) ? count->valuedouble > 0
                                             : strcmp(verdict->valuestring, "fail") == 0;
        size_t used = strlen(failed);
        if (failing)
            snprintf(failed + used, size - used, "%s ",
                     cJSON_GetObjectItem(oracle, "name")->valuestring);
    }
    cJSON_Delete(summary);
    free(text);
    free(errors);
    return WEXITSTATUS(status);
}

START_TEST(test_plants__are_caught_where_all_is_well_without_them) {
    char failed[512];
    size_t index = (size_t)_i;
    int code = run(index, false, failed, sizeof failed);
    ck_assert_msg(code == 0, "%s is off: exit code %d, failed: %s", CASES[index].name, code,
                  failed);
    code = run(index, true, failed, sizeof failed);
    ck_assert_msg(code == CASES[index].exit_code, "%s is on: exit code %d, failed: %s",
                  CASES[index].name, code, failed);
    ck_assert_msg(strstr(failed, CASES[index].oracle) != NULL, "%s: failed: %s", CASES[index].name,
                  failed);
}
END_TEST

static bool has_case(const char *name) {
    for (size_t i = 0; i < CASE_COUNT; i++)
        if (strcmp(CASES[i].name, name) == 0)
            return true;
    return false;
}

START_TEST(test_plants__are_all_listed_here) {
#define HAS_PLANT(id, name, about) ck_assert_msg(has_case(name), "%s", name);
    ENV_PLANT_POINTS(HAS_PLANT)
#define HAS_QUIRK(id, name, releases, reference, about) ck_assert_msg(has_case(name), "%s", name);
    QUIRKS(HAS_QUIRK)
}
END_TEST

int main(void) {
    Suite *suite = suite_create("mqsim_plants");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, folder_make, folder_remove);
    tcase_add_loop_test(tcase, test_plants__are_caught_where_all_is_well_without_them, 0,
                        (int)CASE_COUNT);
    tcase_add_test(tcase, test_plants__are_all_listed_here);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
