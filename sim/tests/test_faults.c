/* test_faults.c - each kind of fault acts on what it names and shows its effect, and is undone. */
#include "sim/tests/scenario_text.h"

#include "sim/run/faults.h"
#include "sim/run/run.h"
#include "sim/world/disk.h"

/* Two name servers, three brokers (two on one machine), two clients; `entry` is the timeline. */
static const char *const FRAME =
    "{\"name\": \"t\", \"about\": \"t\", \"duration\": \"300s\","
    " \"cluster\": {\"name_servers\": [{\"name\": \"ns\", \"count\": 2}],"
    "  \"brokers\": [{\"name\": \"a\", \"start\": \"1s\", \"topics\": [{\"name\": \"T\"}]},"
    "   {\"name\": \"b\", \"host\": \"rack\", \"start\": \"1s\"},"
    "   {\"name\": \"c\", \"host\": \"rack\", \"start\": \"1s\","
    "    \"properties\": {\"listenPort\": 20911}}],"
    "  \"clients\": [{\"name\": \"p\", \"count\": 2, \"topics\": [\"T\"], \"start\": \"1s\"}]},"
    " \"timeline\": [%s]}";

struct seen {
    size_t begins, ends, onces;
    char targets[256];
};
/* In the arena's reach is not needed: the test never restores. */
static struct seen seen;

static void on_record(struct world *world, void *state, const struct record *record) {
    (void)world;
    (void)state;
    if (record->kind != EVENT_world_fault)
        return;
    struct span target = record_text(record, 2), phase = record_text(record, 3);
    seen.begins += span_equal(phase, SPAN_LITERAL("begin"));
    seen.ends += span_equal(phase, SPAN_LITERAL("end"));
    seen.onces += span_equal(phase, SPAN_LITERAL("once"));
    if (!span_equal(phase, SPAN_LITERAL("end")))
        snprintf(seen.targets + strlen(seen.targets), sizeof seen.targets - strlen(seen.targets),
                 "%.*s;", (int)target.len, (const char *)target.data);
}

struct fixture {
    struct scenario *scenario;
    struct run *run;
    struct world *world;
};

static struct fixture open_timeline(const char *entry) {
    char text[4096];
    const char *error = NULL;
    snprintf(text, sizeof text, FRAME, entry);
    struct fixture fixture = {.scenario = load_text(text, NULL, 0)};
    fixture.run = run_open(fixture.scenario, &error);
    ck_assert_msg(fixture.run != NULL, "%s", error);
    fixture.world = run_world(fixture.run);
    ck_assert(world_disk_put(fixture.world, world_find_host(fixture.world, SPAN_LITERAL("a")),
                             "/store/file", "bytes", 5, 0));
    memset(&seen, 0, sizeof seen);
    ck_assert(world_listen(fixture.world, on_record, NULL));
    return fixture;
}
static void run_to(struct fixture *fixture, uint64_t seconds) {
    world_run(fixture->world, seconds * WORLD_SECOND_NS);
}
static node_id node(const struct fixture *fixture, const char *name) {
    node_id id = world_find_node(fixture->world, span_of_text(name));
    ck_assert_uint_ne(id, 0);
    return id;
}
static bool up(const struct fixture *fixture, const char *name) {
    return world_node_is_up(fixture->world, node(fixture, name));
}
static bool paused(const struct fixture *fixture, const char *name) {
    return world_node_is_paused(fixture->world, node(fixture, name));
}
static void close_timeline(struct fixture *fixture) {
    run_close(fixture->run);
    scenario_free(fixture->scenario);
}

/* ---- each kind fires once, on the right targets, with the right phases ---- */

static const struct {
    const char *entry;
    size_t begins, ends, onces;
    const char *targets;
} CASES[] = {
    {"{\"at\": \"60s\", \"do\": \"kill\", \"node\": \"a\", \"for\": \"5s\"}", 0, 0, 1, "a;"},
    {"{\"at\": \"60s\", \"do\": \"stop\", \"node\": [\"a\", \"b\"]}", 0, 0, 2, "a;b;"},
    {"{\"at\": \"60s\", \"do\": \"restart\", \"node\": \"ns-1\"}", 0, 0, 1, "ns-1;"},
    {"{\"at\": \"60s\", \"do\": \"pause\", \"node\": \"a\", \"for\": \"5s\"}", 1, 1, 0, "a;"},
    {"{\"at\": \"60s\", \"do\": \"pause\", \"node\": \"a\"},"
     "{\"at\": \"70s\", \"do\": \"resume\", \"node\": \"a\"}",
     1, 1, 1, "a;a;"},
    {"{\"at\": \"60s\", \"do\": \"power-off\", \"node\": \"b\", \"for\": \"5s\"}", 2, 2, 0, "b;c;"},
    {"{\"at\": \"60s\", \"do\": \"power-off\", \"node\": \"rack\"},"
     "{\"at\": \"70s\", \"do\": \"power-on\", \"node\": \"rack\"}",
     2, 2, 2, "b;c;b;c;"},
    {"{\"at\": \"60s\", \"do\": \"black-hole\", \"node\": \"a\"},"
     "{\"at\": \"70s\", \"do\": \"rejoin\", \"node\": \"a\"}",
     1, 1, 1, "a;a;"},
    {"{\"at\": \"60s\", \"do\": \"block\", \"from\": \"a\", \"to\": \"ns-*\", \"for\": \"5s\"}", 1,
     1, 0, "a<->ns-1,ns-2;"},
    {"{\"at\": \"60s\", \"do\": \"block\", \"from\": \"a\", \"to\": \"ns-1\", \"one_way\": true},"
     "{\"at\": \"70s\", \"do\": \"unblock\", \"from\": \"a\", \"to\": \"ns-1\"}",
     1, 1, 1, "a->ns-1;a<->ns-1;"},
    {"{\"at\": \"60s\", \"do\": \"partition\", \"sets\": [\"ns-1\", [\"ns-2\", \"a\"]],"
     " \"for\": \"5s\"}",
     1, 1, 0, "ns-1|ns-2,a;"},
    {"{\"at\": \"60s\", \"do\": \"bridge\", \"sets\": [\"ns-1\", \"a\"], \"node\": \"ns-2\","
     " \"for\": \"5s\"}",
     1, 1, 0, "ns-1|a;"},
    {"{\"at\": \"60s\", \"do\": \"ring\", \"node\": [\"ns-*\", \"a\", \"p-*\"], \"for\": \"5s\"}",
     1, 1, 0, "ns-1,ns-2,a,p-1,p-2;"},
    {"{\"at\": \"60s\", \"do\": \"clog\", \"from\": \"a\", \"to\": \"ns-1\"},"
     "{\"at\": \"70s\", \"do\": \"unclog\", \"from\": \"a\", \"to\": \"ns-1\"}",
     1, 1, 1, "a<->ns-1;a<->ns-1;"},
    {"{\"at\": \"60s\", \"do\": \"link\", \"from\": \"a\", \"to\": \"ns-1\", \"latency\": \"1s\","
     " \"for\": \"5s\"}",
     1, 1, 0, "a<->ns-1;"},
    {"{\"at\": \"60s\", \"do\": \"refuse-dials\", \"node\": \"ns-1\", \"for\": \"5s\"}", 1, 1, 0,
     "ns-1;"},
    {"{\"at\": \"60s\", \"do\": \"hang-dials\", \"node\": \"ns-1\", \"for\": \"5s\"}", 1, 1, 0,
     "ns-1;"},
    {"{\"at\": \"60s\", \"do\": \"reset-connections\", \"from\": \"a\", \"to\": \"ns-*\"}", 0, 0, 1,
     "a->ns-1,ns-2;"},
    {"{\"at\": \"60s\", \"do\": \"half-open\", \"from\": \"ns-*\", \"to\": \"a\"}", 0, 0, 1,
     "ns-1,ns-2->a;"},
    {"{\"at\": \"60s\", \"do\": \"slow-disk\", \"node\": \"b\", \"sync\": \"1s\", \"for\": \"5s\"}",
     2, 2, 0, "b;c;"},
    {"{\"at\": \"60s\", \"do\": \"full-disk\", \"node\": \"a\", \"for\": \"5s\"}", 1, 1, 0, "a;"},
    {"{\"at\": \"60s\", \"do\": \"read-only-disk\", \"node\": \"a\", \"for\": \"5s\"}", 1, 1, 0,
     "a;"},
    {"{\"at\": \"60s\", \"do\": \"stall-disk\", \"node\": \"a\", \"for\": \"5s\"}", 1, 1, 0, "a;"},
    {"{\"at\": \"60s\", \"do\": \"disk-errors\", \"node\": \"a\", \"operations\": \"sync\","
     " \"for\": \"5s\"}",
     1, 1, 0, "a;"},
    {"{\"at\": \"60s\", \"do\": \"lying-sync\", \"node\": \"a\", \"for\": \"5s\"}", 1, 1, 0, "a;"},
    {"{\"at\": \"60s\", \"do\": \"bit-rot\", \"node\": \"a\", \"file\": \"/\"}", 0, 0, 1, "a;"},
    {"{\"at\": \"60s\", \"do\": \"misdirected-write\", \"node\": \"a\", \"file\": \"/store/\"}", 0,
     0, 1, "a;"},
    {"{\"at\": \"60s\", \"do\": \"clock-step\", \"node\": \"a\", \"by\": \"-5s\"}", 0, 0, 1, "a;"},
    {"{\"at\": \"60s\", \"do\": \"clock-drift\", \"node\": \"a\", \"drift\": \"5ppm\","
     " \"for\": \"5s\"}",
     1, 1, 0, "a;"},
    {"{\"at\": \"60s\", \"do\": \"mono-rate\", \"node\": \"a\", \"drift\": \"5ppm\","
     " \"for\": \"5s\"}",
     1, 1, 0, "a;"},
    {"{\"at\": \"60s\", \"do\": \"cpu\", \"node\": \"ns-1\", \"cpu\": \"1s\", \"for\": \"5s\"}", 1,
     1, 0, "ns-1;"},
    {"{\"at\": \"60s\", \"do\": \"kill-inside\", \"node\": \"ns-1\", \"calls\": 3}", 0, 0, 1,
     "ns-1;"},
    {"{\"at\": \"60s\", \"do\": \"command\", \"node\": \"a\", \"command\": \"create-topic\","
     " \"arguments\": {\"topic\": \"N\"}}",
     0, 0, 1, "a;"},
    {"{\"at\": \"60s\", \"do\": \"kill\", \"node\": \"a\"},"
     "{\"at\": \"70s\", \"do\": \"start\", \"node\": \"a\"}",
     0, 0, 2, "a;a;"},
    /* what finds nothing to act on did not fire */
    {"{\"at\": \"60s\", \"do\": \"start\", \"node\": \"a\"}", 0, 0, 0, ""},
    {"{\"at\": \"60s\", \"do\": \"kill\", \"node\": \"a\"},"
     "{\"at\": \"61s\", \"do\": \"kill\", \"node\": \"a\"}",
     0, 0, 1, "a;"},
    {"{\"at\": \"60s\", \"do\": \"reset-connections\", \"from\": \"ns-1\", \"to\": \"ns-2\"}", 0, 0,
     0, ""},
};
#define CASE_COUNT ((int)(sizeof CASES / sizeof CASES[0]))

START_TEST(test_fault__has_its_phases_and_targets) {
    struct fixture fixture = open_timeline(CASES[_i].entry);
    run_to(&fixture, 100);
    ck_assert_msg(seen.begins == CASES[_i].begins && seen.ends == CASES[_i].ends &&
                      seen.onces == CASES[_i].onces,
                  "%s: %zu begins, %zu ends, %zu onces", CASES[_i].entry, seen.begins, seen.ends,
                  seen.onces);
    ck_assert_str_eq(seen.targets, CASES[_i].targets);
    close_timeline(&fixture);
}
END_TEST

START_TEST(test_fault_kinds__are_all_tried) {
    for (size_t k = 0; k < FAULT_KIND_COUNT; k++) {
        char wanted[64];
        bool tried = false;
        snprintf(wanted, sizeof wanted, "\"do\": \"%s\"", FAULT_KINDS[k].name);
        for (int i = 0; i < CASE_COUNT; i++)
            tried |= strstr(CASES[i].entry, wanted) != NULL;
        ck_assert_msg(tried, "no case for %s", FAULT_KINDS[k].name);
    }
}
END_TEST

/* ---- effects ---- */

START_TEST(test_kill__ends_the_process_and_for_starts_it_again) {
    struct fixture fixture =
        open_timeline("{\"at\": \"60s\", \"do\": \"kill\", \"node\": \"a\", \"for\": \"5s\"}");
    run_to(&fixture, 59);
    ck_assert(up(&fixture, "a"));
    run_to(&fixture, 61);
    ck_assert(!up(&fixture, "a"));
    run_to(&fixture, 66);
    ck_assert(up(&fixture, "a"));
    close_timeline(&fixture);
}
END_TEST

START_TEST(test_pause__stands_still_and_goes_on) {
    struct fixture fixture =
        open_timeline("{\"at\": \"60s\", \"do\": \"pause\", \"node\": \"a\", \"for\": \"5s\"}");
    run_to(&fixture, 61);
    ck_assert(paused(&fixture, "a"));
    ck_assert(!paused(&fixture, "b"));
    run_to(&fixture, 66);
    ck_assert(!paused(&fixture, "a"));
    close_timeline(&fixture);
}
END_TEST

START_TEST(test_power_off__takes_all_nodes_of_the_machine) {
    struct fixture fixture =
        open_timeline("{\"at\": \"60s\", \"do\": \"power-off\", \"node\": \"b\", \"for\": \"5s\"}");
    run_to(&fixture, 61);
    ck_assert(!up(&fixture, "b"));
    ck_assert(!up(&fixture, "c"));
    ck_assert(up(&fixture, "a"));
    run_to(&fixture, 66);
    ck_assert(up(&fixture, "b"));
    ck_assert(up(&fixture, "c"));
    close_timeline(&fixture);
}
END_TEST

/* Events of kind `name` until `seconds`, counted by a run of its own. */
static size_t counted;
static int counted_kind;
static void count_record(struct world *world, void *state, const struct record *record) {
    (void)world;
    (void)state;
    counted += record->kind == counted_kind;
}
static size_t count_events(const char *entry, int kind, uint64_t seconds) {
    struct fixture fixture = open_timeline(entry);
    counted = 0;
    counted_kind = kind;
    ck_assert(world_listen(fixture.world, count_record, NULL));
    run_to(&fixture, seconds);
    close_timeline(&fixture);
    return counted;
}

START_TEST(test_links__are_cut_and_heal) {
    static const char *const CUTS[] = {
        "{\"at\": \"60s\", \"do\": \"black-hole\", \"node\": \"a\", \"for\": \"60s\"}",
        "{\"at\": \"60s\", \"do\": \"block\", \"from\": \"a\", \"to\": \"ns-*\", \"for\": \"60s\"}",
        "{\"at\": \"60s\", \"do\": \"partition\", \"sets\": [\"a\", [\"ns-*\", \"b\"]],"
        " \"for\": \"60s\"}",
        "{\"at\": \"60s\", \"do\": \"clog\", \"from\": \"a\", \"to\": \"ns-*\", \"for\": \"60s\"}",
        "{\"at\": \"60s\", \"do\": \"bridge\", \"sets\": [\"a\", \"ns-*\"], \"node\": \"p-1\","
        " \"for\": \"60s\"}",
    };
    size_t calm = count_events("", EVENT_registration_failed, 119);
    ck_assert_uint_eq(calm, 0);
    ck_assert_uint_gt(count_events(CUTS[_i], EVENT_registration_failed, 119), 0);
    size_t at_heal = count_events(CUTS[_i], EVENT_registration_answered, 120);
    ck_assert_uint_gt(count_events(CUTS[_i], EVENT_registration_answered, 160), at_heal + 4);
}
END_TEST

START_TEST(test_bridge__leaves_the_bridge_connected) {
    static const char *const BRIDGE =
        "{\"at\": \"60s\", \"do\": \"bridge\", \"sets\": [\"ns-1\", [\"ns-2\", \"b\"]],"
        " \"node\": \"a\"}";
    static const char *const SPLIT = "{\"at\": \"60s\", \"do\": \"partition\","
                                     " \"sets\": [\"ns-1\", [\"ns-2\", \"b\", \"a\"]]}";
    size_t bridge = count_events(BRIDGE, EVENT_registration_failed, 100);
    size_t split = count_events(SPLIT, EVENT_registration_failed, 100);
    ck_assert_uint_gt(bridge, 0);
    ck_assert_uint_gt(split, bridge);
}
END_TEST

START_TEST(test_ring__cuts_all_but_neighbours) {
    /* in a ring of ns-1, ns-2, p-1, p-2, a: a's neighbours are ns-1 and p-2 */
    static const char *const RING =
        "{\"at\": \"60s\", \"do\": \"ring\", \"node\": [\"ns-*\", \"p-*\", \"a\"]}";
    struct fixture fixture = open_timeline(RING);
    counted = 0;
    counted_kind = EVENT_registration_failed;
    ck_assert(world_listen(fixture.world, count_record, NULL));
    run_to(&fixture, 100);
    /* nodes are in the order of the cluster: ns-1, ns-2, a, p-1, p-2; so a misses ns-1 only */
    size_t one_round = counted;
    ck_assert_uint_ge(one_round, 1);
    ck_assert_uint_le(one_round, 2);
    close_timeline(&fixture);
}
END_TEST

START_TEST(test_link__changes_latency_and_restores_it) {
    static const char *const SLOW =
        "{\"at\": \"60s\", \"do\": \"link\", \"from\": \"a\", \"to\": \"ns-*\","
        " \"latency\": \"4s\", \"for\": \"60s\"}";
    /* 4 s each way is more than the 6 s that a registration has */
    ck_assert_uint_gt(count_events(SLOW, EVENT_registration_failed, 119), 0);
    size_t until = count_events(SLOW, EVENT_registration_failed, 135);
    ck_assert_uint_eq(count_events(SLOW, EVENT_registration_failed, 200), until);
}
END_TEST

START_TEST(test_dials__are_refused_or_hang) {
    static const char *const ENTRIES[] = {
        "{\"at\": \"60s\", \"do\": \"refuse-dials\", \"node\": \"ns-1\"},"
        "{\"at\": \"61s\", \"do\": \"reset-connections\", \"from\": \"a\", \"to\": \"ns-1\"}",
        "{\"at\": \"60s\", \"do\": \"hang-dials\", \"node\": \"ns-1\"},"
        "{\"at\": \"61s\", \"do\": \"reset-connections\", \"from\": \"a\", \"to\": \"ns-1\"}",
    };
    struct fixture fixture = open_timeline(ENTRIES[_i]);
    run_to(&fixture, 110);
    const struct world_counts *counts = world_counts(fixture.world);
    ck_assert_uint_gt(_i == 0 ? counts->dials_refused : counts->dials_hung, 0);
    ck_assert_uint_gt(counts->resets, 0);
    close_timeline(&fixture);
}
END_TEST

static struct host *host(const struct fixture *fixture, const char *name) {
    return world_find_host(fixture->world, span_of_text(name));
}

START_TEST(test_slow_disk__changes_the_profile_and_restores_it) {
    struct fixture fixture =
        open_timeline("{\"at\": \"60s\", \"do\": \"slow-disk\", \"node\": \"a\","
                      " \"sync\": \"1s\", \"for\": \"5s\"}");
    uint64_t normal = world_disk(fixture.world, host(&fixture, "a"))->sync_latency.mean;
    ck_assert_uint_ne(normal, 0);
    run_to(&fixture, 61);
    ck_assert_uint_eq(world_disk(fixture.world, host(&fixture, "a"))->sync_latency.min,
                      WORLD_SECOND_NS);
    run_to(&fixture, 66);
    ck_assert_uint_eq(world_disk(fixture.world, host(&fixture, "a"))->sync_latency.mean, normal);
    close_timeline(&fixture);
}
END_TEST

static bool disk_is(const struct fixture *fixture, struct disk_state wanted) {
    struct disk_state is = world_disk_state(fixture->world, host(fixture, "a"));
    return is.full == wanted.full && is.read_only == wanted.read_only &&
           is.stalled == wanted.stalled && is.lies == wanted.lies && is.failing == wanted.failing;
}
static const struct {
    const char *entry;
    struct disk_state on;
} SWITCHES[] = {
    {"\"do\": \"full-disk\"", {.full = true}},
    {"\"do\": \"read-only-disk\"", {.read_only = true}},
    {"\"do\": \"stall-disk\"", {.stalled = true}},
    {"\"do\": \"lying-sync\"", {.lies = true}},
    {"\"do\": \"disk-errors\"", {.failing = DISK_READ | DISK_WRITE | DISK_SYNC}},
    {"\"do\": \"disk-errors\", \"operations\": \"write\"", {.failing = DISK_WRITE}},
};
#define SWITCH_COUNT ((int)(sizeof SWITCHES / sizeof SWITCHES[0]))

START_TEST(test_disk_switches__go_on_and_off) {
    char entry[256];
    snprintf(entry, sizeof entry, "{\"at\": \"60s\", %s, \"node\": \"a\", \"for\": \"5s\"}",
             SWITCHES[_i].entry);
    struct fixture fixture = open_timeline(entry);
    run_to(&fixture, 59);
    ck_assert(disk_is(&fixture, (struct disk_state){0}));
    run_to(&fixture, 61);
    ck_assert(disk_is(&fixture, SWITCHES[_i].on));
    run_to(&fixture, 66);
    ck_assert(disk_is(&fixture, (struct disk_state){0}));
    close_timeline(&fixture);
}
END_TEST

START_TEST(test_files__rot_and_are_missed) {
    struct fixture fixture = open_timeline(
        "{\"at\": \"60s\", \"do\": \"bit-rot\", \"node\": \"a\", \"file\": \"re/fi\"},"
        "{\"at\": \"60s\", \"do\": \"bit-rot\", \"node\": \"a\", \"file\": \"/other/\"},"
        "{\"at\": \"60s\", \"do\": \"misdirected-write\", \"node\": \"a\", \"file\": \"/f\"}");
    run_to(&fixture, 61);
    char text[6] = {0};
    struct host *a = host(&fixture, "a");
    ck_assert(world_disk_get(fixture.world, a, "/store/file", 0, text, 5));
    unsigned bits = 0;
    for (int i = 0; i < 5; i++)
        bits += (unsigned)__builtin_popcount((unsigned char)(text[i] ^ "bytes"[i]));
    ck_assert_uint_eq(bits, 1);
    ck_assert_uint_eq(seen.onces, 2); /* nothing of that other name */
    ck_assert(world_disk_state(fixture.world, a).misdirects);
    close_timeline(&fixture);
}
END_TEST

START_TEST(test_when__sets_off_at_the_nth_matching_event) {
    struct fixture fixture = open_timeline(
        "{\"when\": {\"event\": \"registration.round_done\", \"node\": \"a\", \"count\": 3,"
        " \"match\": {\"accepted\": 2}, \"after\": \"1s\"}, \"do\": \"kill\", \"node\": \"b\"}");
    run_to(&fixture, 42);
    ck_assert(up(&fixture, "b")); /* rounds at 1, 11 and 41 s */
    run_to(&fixture, 43);
    ck_assert(!up(&fixture, "b"));
    ck_assert_uint_eq(seen.onces, 1);
    close_timeline(&fixture);
}
END_TEST

START_TEST(test_when__needs_all_fields_to_match) {
    struct fixture fixture = open_timeline(
        "{\"when\": {\"event\": \"registration.round_done\", \"match\": {\"accepted\": 7}},"
        " \"do\": \"kill\", \"node\": \"b\"}");
    run_to(&fixture, 200);
    ck_assert(up(&fixture, "b"));
    close_timeline(&fixture);
}
END_TEST

START_TEST(test_clock_step__moves_the_wall_clock_only) {
    static const char *const STEP =
        "{\"at\": \"60s\", \"do\": \"clock-step\", \"node\": \"a\", \"by\": \"-61s\"}";
    ck_assert_uint_eq(count_events(STEP, EVENT_registration_failed, 200), 0);
    ck_assert_uint_eq(count_events(STEP, EVENT_route_broker_evicted, 200), 0);
}
END_TEST

START_TEST(test_mono_rate__makes_timers_late) {
    static const char *const SLOW =
        "{\"at\": \"60s\", \"do\": \"mono-rate\", \"node\": \"a\", \"drift\": \"-50%\"}";
    size_t calm = count_events("", EVENT_registration_round_done, 290);
    ck_assert_uint_lt(count_events(SLOW, EVENT_registration_round_done, 290), calm);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("faults");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 30);
    tcase_add_loop_test(tests, test_fault__has_its_phases_and_targets, 0, CASE_COUNT);
    tcase_add_test(tests, test_fault_kinds__are_all_tried);
    tcase_add_test(tests, test_kill__ends_the_process_and_for_starts_it_again);
    tcase_add_test(tests, test_pause__stands_still_and_goes_on);
    tcase_add_test(tests, test_power_off__takes_all_nodes_of_the_machine);
    tcase_add_loop_test(tests, test_links__are_cut_and_heal, 0, 5);
    tcase_add_test(tests, test_bridge__leaves_the_bridge_connected);
    tcase_add_test(tests, test_ring__cuts_all_but_neighbours);
    tcase_add_test(tests, test_link__changes_latency_and_restores_it);
    tcase_add_loop_test(tests, test_dials__are_refused_or_hang, 0, 2);
    tcase_add_test(tests, test_slow_disk__changes_the_profile_and_restores_it);
    tcase_add_loop_test(tests, test_disk_switches__go_on_and_off, 0, SWITCH_COUNT);
    tcase_add_test(tests, test_files__rot_and_are_missed);
    tcase_add_test(tests, test_when__sets_off_at_the_nth_matching_event);
    tcase_add_test(tests, test_when__needs_all_fields_to_match);
    tcase_add_test(tests, test_clock_step__moves_the_wall_clock_only);
    tcase_add_test(tests, test_mono_rate__makes_timers_late);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
