/* test_scenario_load.c - what a scenario that loads comes to: values, nodes, parameters, draws. */
#include "sim/tests/scenario_text.h"

#include "sim/run/faults.h"
#include "sim/scenario/scenario_units.h"

static char *base;

static void setup(void) {
    base = read_source_file("sim/tests/data/scenario_base.json");
}
static void teardown(void) {
    free(base);
}

/* ---- units ---- */

START_TEST(test_unit_parse__is_exact) {
    static const struct {
        const struct unit_system *system;
        const char *text;
        int64_t value;
    } CASES[] = {
        {&UNITS_DURATION, "0s", 0},
        {&UNITS_DURATION, "1.5s", 1500000000},
        {&UNITS_DURATION, "1m30s", 90000000000},
        {&UNITS_DURATION, "1h2m3s4ms5us6ns", 3723004005006},
        {&UNITS_DURATION, "0.000000001s", 1},
        {&UNITS_DURATION, "0.5ms", 500000},
        {&UNITS_SHIFT, "-30s", -30000000000},
        {&UNITS_SHIFT, "+1ms", 1000000},
        {&UNITS_SIZE, "64KiB", 65536},
        {&UNITS_SIZE, "1.5MiB", 1572864},
        {&UNITS_RATE, "100Mbit/s", 12500000},
        {&UNITS_RATE, "1.2MB/s", 1200000},
        {&UNITS_RATIO, "0.5%", 5000},
        {&UNITS_RATIO, "100ppm", 100},
        {&UNITS_DRIFT, "-50ppm", -50},
    };
    int64_t value;
    size_t at;
    char unit[16];
    ck_assert_int_eq(unit_parse(CASES[_i].system, CASES[_i].text, &value, &at, unit), UNIT_OK);
    ck_assert_int_eq(value, CASES[_i].value);
}
END_TEST
#define UNIT_CASES 15

START_TEST(test_duration_print__parses_back) {
    static const uint64_t VALUES[] = {0,       1,          999,         1000,
                                      1500000, 1000000000, 90000000001, INT64_C(31622400000000000)};
    for (size_t i = 0; i < sizeof VALUES / sizeof VALUES[0]; i++) {
        char text[32], unit[16];
        int64_t value;
        size_t at;
        duration_print(VALUES[i], text);
        ck_assert_int_eq(unit_parse(&UNITS_DURATION, text, &value, &at, unit), UNIT_OK);
        ck_assert_uint_eq((uint64_t)value, VALUES[i]);
    }
}
END_TEST

START_TEST(test_date_parse__counts_days) {
    int64_t ms;
    ck_assert(date_parse("2026-01-01T00:00:00Z", &ms));
    ck_assert_int_eq(ms, 1767225600000);
    ck_assert(date_parse("2024-02-29T23:59:59.999Z", &ms));
    ck_assert_int_eq(ms, 1709251199999);
    ck_assert(!date_parse("2025-02-29T00:00:00Z", &ms));
    ck_assert(!date_parse("2026-01-01 00:00:00Z", &ms));
    ck_assert(!date_parse("", &ms));
}
END_TEST

START_TEST(test_pattern_matches__knows_stars) {
    ck_assert(pattern_matches("broker-*", "broker-a"));
    ck_assert(pattern_matches("*", ""));
    ck_assert(pattern_matches("*-a", "broker-a"));
    ck_assert(pattern_matches("b*r-*a", "broker-aa"));
    ck_assert(!pattern_matches("broker-*", "broke"));
    ck_assert(!pattern_matches("broker-a", "broker-ab"));
}
END_TEST

/* ---- values ---- */

START_TEST(test_scenario_load__fills_the_structs) {
    struct scenario *scenario = load_text(base, NULL, 0);
    const struct scenario_spec *spec = &scenario->spec;
    ck_assert_str_eq(spec->name, "base");
    ck_assert_uint_eq(spec->seed, 7);
    ck_assert_uint_eq(spec->duration_ns, 300 * WORLD_SECOND_NS);
    ck_assert_uint_eq(scenario->node_count, 7);
    ck_assert_str_eq(scenario->nodes[0].name, "ns-1");
    ck_assert_str_eq(scenario->nodes[2].name, "broker-a");
    ck_assert_str_eq(scenario->nodes[6].name, "client-3");
    ck_assert_uint_eq(scenario->nodes[5].start.ns, 2 * WORLD_SECOND_NS);
    ck_assert_str_eq(scenario->hosts[scenario->nodes[3].host].name, "rack");
    ck_assert_str_eq(scenario->hosts[scenario->nodes[2].host].ip, "10.1.0.1");
    struct link_profile profile;
    scenario_link_profile(scenario, 2, 0, &profile); /* broker-a -> ns-1 */
    ck_assert_uint_eq(profile.bytes_per_second, 1250000);
    ck_assert_uint_eq(profile.buffer_bytes, 65536);
    ck_assert_uint_eq(profile.loss_ppm, 10000);
    ck_assert_int_eq(profile.latency.kind, DIST_EXPONENTIAL);
    scenario_link_profile(scenario, 2, 1, &profile);
    ck_assert_uint_eq(profile.bytes_per_second, 0);
    ck_assert_uint_eq(scenario_cpu_of(scenario, 2)->min, 10000);
    ck_assert_uint_eq(scenario_cpu_of(scenario, 0)->min, 0);
    const struct timeline_entry *entries = spec->timeline.items;
    ck_assert_str_eq(entries[0].kind->name, "kill");
    ck_assert_uint_eq(entries[0].time.ns, 60 * WORLD_SECOND_NS);
    ck_assert_uint_eq(entries[0].lasts.ns, 30 * WORLD_SECOND_NS);
    ck_assert_int_eq(entries[3].when.kind, EVENT_route_broker_evicted);
    scenario_free(scenario);
}
END_TEST

/* ---- parameters ---- */

START_TEST(test_scenario_load__counts_combinations) {
    struct scenario_errors errors = {.count = 0};
    static const char *const WANTED[] = {"kill", "pause"};
    for (size_t i = 0; i < 2; i++) {
        struct scenario *scenario =
            scenario_load("base.json", base, strlen(base), NULL, 0, i, &errors);
        ck_assert_ptr_nonnull(scenario);
        ck_assert_uint_eq(scenario->combination_count, 2);
        ck_assert_uint_eq(scenario->vary_count, 1);
        ck_assert_str_eq(scenario->vary_names[0], "fault");
        ck_assert_str_eq(scenario->vary_values[0], WANTED[i]);
        const struct timeline_entry *entries = scenario->spec.timeline.items;
        ck_assert_str_eq(entries[0].kind->name, WANTED[i]);
        scenario_free(scenario);
    }
}
END_TEST

START_TEST(test_scenario_load__set_pins_a_varied_parameter) {
    static const char *const SETS[] = {"fault=black-hole"};
    struct scenario *scenario = load_text(base, SETS, 1);
    const struct timeline_entry *entries = scenario->spec.timeline.items;
    ck_assert_uint_eq(scenario->combination_count, 1);
    ck_assert_uint_eq(scenario->vary_count, 0);
    ck_assert_str_eq(entries[0].kind->name, "black-hole");
    scenario_free(scenario);
}
END_TEST

START_TEST(test_scenario_load__set_reaches_members) {
    static const char *const SETS[] = {
        "duration=200s", "timeline.1.at=101s", "network.default.corrupt=5ppm",
        "cluster.name_servers.0.count=3", "cluster.name_servers.0.start=[\"0s\",\"1s\",\"2s\"]"};
    struct scenario *scenario = load_text(base, SETS, 5);
    const struct timeline_entry *entries = scenario->spec.timeline.items;
    ck_assert_uint_eq(scenario->spec.duration_ns, 200 * WORLD_SECOND_NS);
    ck_assert_uint_eq(entries[1].time.ns, 101 * WORLD_SECOND_NS);
    ck_assert_uint_eq(scenario->spec.network.standard.corrupt, 5);
    ck_assert_str_eq(scenario->nodes[2].name, "ns-3");
    ck_assert_uint_eq(scenario->nodes[2].start.ns, 2 * WORLD_SECOND_NS);
    scenario_free(scenario);
}
END_TEST

/* ---- draws ---- */

START_TEST(test_scenario_settle__draws_by_seed_alone) {
    struct scenario *scenario = load_text(base, NULL, 0);
    const struct timeline_entry *entries = scenario->spec.timeline.items;
    scenario_settle(scenario, 1);
    uint64_t start = scenario->nodes[0].start.ns;
    uint16_t chosen = entries[3].node.chosen[0];
    ck_assert_uint_eq(entries[3].node.chosen_count, 1);
    bool start_differs = false, target_differs = false;
    for (uint64_t seed = 2; seed < 20; seed++) {
        scenario_settle(scenario, seed);
        ck_assert_uint_le(scenario->nodes[0].start.ns, 10 * WORLD_SECOND_NS);
        start_differs |= scenario->nodes[0].start.ns != start;
        target_differs |= entries[3].node.chosen[0] != chosen;
    }
    ck_assert(start_differs);
    ck_assert(target_differs);
    scenario_settle(scenario, 1);
    ck_assert_uint_eq(scenario->nodes[0].start.ns, start);
    ck_assert_uint_eq(entries[3].node.chosen[0], chosen);
    scenario_free(scenario);
}
END_TEST

START_TEST(test_scenario_settle__one_node_more_leaves_the_others_draws) {
    static const char *const SETS[] = {"cluster.name_servers.0.count=3"};
    struct scenario *two = load_text(base, NULL, 0);
    struct scenario *three = load_text(base, SETS, 1);
    scenario_settle(two, 5);
    scenario_settle(three, 5);
    ck_assert_uint_eq(two->nodes[0].start.ns, three->nodes[0].start.ns);
    ck_assert_uint_eq(two->nodes[1].start.ns, three->nodes[1].start.ns);
    ck_assert_uint_ne(three->nodes[1].start.ns, three->nodes[2].start.ns);
    scenario_free(two);
    scenario_free(three);
}
END_TEST

START_TEST(test_scenario_settle__draws_profiles_and_serialization) {
    static const char *const SETS[] = {
        "network.default.latency={\"constant\":{\"uniform\":[\"1ms\",\"9ms\"]}}",
        "cluster.serialization=drawn"};
    struct scenario *scenario = load_text(base, SETS, 2);
    ck_assert(scenario->profiles_drawn);
    int seen[2] = {0, 0};
    uint64_t least = UINT64_MAX, most = 0;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct link_profile profile;
        scenario_settle(scenario, seed);
        scenario_link_profile(scenario, 0, 1, &profile);
        ck_assert_int_eq(profile.latency.kind, DIST_CONSTANT);
        least = profile.latency.min < least ? profile.latency.min : least;
        most = profile.latency.min > most ? profile.latency.min : most;
        seen[scenario->serialization]++;
    }
    ck_assert_uint_ge(least, 1000000);
    ck_assert_uint_le(most, 9000000);
    ck_assert_uint_gt(most - least, 4000000);
    ck_assert_int_gt(seen[SERIALIZATION_BINARY], 10);
    ck_assert_int_gt(seen[SERIALIZATION_JSON], 10);
    scenario_free(scenario);
}
END_TEST

/* ---- the schema ---- */

START_TEST(test_scenario_schema__is_the_shipped_file) {
    char *shipped = read_source_file("scenarios/schema.json");
    char *printed = scenario_schema();
    ck_assert_msg(strcmp(shipped, printed) == 0,
                  "scenarios/schema.json is old; build mqsim and run mqsim schema "
                  "> scenarios/schema.json");
    free(printed);
    free(shipped);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("scenario_load");
    TCase *tests = tcase_create("all");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_unit_parse__is_exact, 0, UNIT_CASES);
    tcase_add_test(tests, test_duration_print__parses_back);
    tcase_add_test(tests, test_date_parse__counts_days);
    tcase_add_test(tests, test_pattern_matches__knows_stars);
    tcase_add_test(tests, test_scenario_load__fills_the_structs);
    tcase_add_test(tests, test_scenario_load__counts_combinations);
    tcase_add_test(tests, test_scenario_load__set_pins_a_varied_parameter);
    tcase_add_test(tests, test_scenario_load__set_reaches_members);
    tcase_add_test(tests, test_scenario_settle__draws_by_seed_alone);
    tcase_add_test(tests, test_scenario_settle__one_node_more_leaves_the_others_draws);
    tcase_add_test(tests, test_scenario_settle__draws_profiles_and_serialization);
    tcase_add_test(tests, test_scenario_schema__is_the_shipped_file);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
