/* The conformance suite over the simulator. See model/tests/conformance.h. */
#include "model/tests/conformance.h"
#include "model/tests/suite.h"
#include "sim/world/disk.h"
#include "sim/world/world.h"

#define US 1000ULL

static struct world *world;
static node_id nodes[2];
static struct host *hosts[2];

/* Both are started by the world. */
static int start(int node) {
    if (!world_start(world, nodes[node])) {
        return RMQ_E_STATE;
    }
    world_run(world, world_now(world) + US);
    return RMQ_OK;
}

static int command(int node, const struct props *props) {
    if (!world_command(world, nodes[node], props)) {
        return RMQ_E_STATE;
    }
    enum world_stop stop = world_run(world, world_now(world));
    ck_assert_int_ne(stop, WORLD_ASSERTED);
    return RMQ_OK;
}

static void advance(void) {
    world_run(world, world_now(world) + 50 * US);
}

static bool is_up(int node) {
    return world_node_is_up(world, nodes[node]);
}

static struct env *memory(void) {
    return world_env(world);
}

static const struct conformance_driver DRIVER = {
    "sim", "/root", {"10.0.0.1", "10.0.0.2"}, start, command, advance, is_up, memory};

static void new_world(uint64_t seed) {
    static const char *const names[] = {"a", "b"};
    world = world_create(&(struct world_config){.seed = seed, .epoch_ms = 1767225600000});
    ck_assert_ptr_nonnull(world);
    for (int i = 0; i < 2; i++) {
        struct props props;
        size_t line;
        hosts[i] = world_add_host(world, names[i], DRIVER.address[i]);
        props_init(&props, world_env(world));
        ck_assert_int_eq(props_parse(&props, span_of_text(conformance_config(i)), &line), RMQ_OK);
        struct node_config config;
        node_config_default(&config);
        config.name = names[i];
        config.host = hosts[i];
        config.role = &conformance_role;
        config.config = &props;
        config.start_ns = UINT64_MAX;
        nodes[i] = world_add_node(world, &config);
        ck_assert_uint_ne(nodes[i], 0);
        props_deinit(&props);
    }
}

START_TEST(test_transcript__is_the_same) {
    static const char *const transcripts[] = {"files.txt", "self.txt", "streams.txt"};
    new_world(1);
    ck_assert(conformance_run(&DRIVER, transcripts[_i]));
}
END_TEST

START_TEST(test_drawn_programs__are_the_same) {
    new_world(1);
    ck_assert(conformance_run_drawn(&DRIVER, "drawn.txt", 300));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("conformance over the simulator");
    TCase *tests = suite_case(suite, "transcripts");
    tcase_set_timeout(tests, 300);
    tcase_add_loop_test(tests, test_transcript__is_the_same, 0, 3);
    tcase_add_test(tests, test_drawn_programs__are_the_same);
    return suite_run(suite);
}
