/* The conformance suite over the operating system: two nodes of one loop. See
 * model/tests/conformance.h. */
#include <stdio.h>
#include <unistd.h>

#include "model/tests/conformance.h"
#include "model/tests/suite.h"
#include "real/os/node.h"

static struct real_loop *loop;
static struct env *nodes[2], *spare; /* `spare`: for properties */
static bool up[2];
static char root[] = "/tmp/conformance-XXXXXX";

static void on_exit_of(void *ctx, struct env *env, int status) {
    (void)env;
    (void)status;
    *(bool *)ctx = false;
}

static int start(int node) {
    struct real_node_options options = {
        .ip = "127.0.0.1", .bind_ip = "127.0.0.1", .on_exit = on_exit_of, .ctx = &up[node]};
    struct props props;
    size_t line;
    props_init(&props, spare);
    int err = props_parse(&props, span_of_text(conformance_config(node)), &line);
    ck_assert_int_eq(err, RMQ_OK);
    up[node] = true;
    err = real_node_start(loop, &options, &conformance_role, &props, &nodes[node]);
    props_deinit(&props);
    return err;
}

static int command(int node, const struct props *props) {
    return real_node_command(nodes[node], props);
}

static void advance(void) {
    real_loop_turn(loop, 100000);
}

static bool is_up(int node) {
    return up[node];
}

static struct env *memory(void) {
    return spare;
}

static const struct conformance_driver DRIVER = {
    "real", root, {"127.0.0.1", "127.0.0.1"}, start, command, advance, is_up, memory};

static void setup(void) {
    memcpy(root + sizeof root - 7, "XXXXXX", 7);
    ck_assert_ptr_nonnull(mkdtemp(root));
    ck_assert_int_eq(real_loop_create(&loop), RMQ_OK);
    ck_assert_int_eq(real_node_start(loop, NULL, NULL, NULL, &spare), RMQ_OK);
}

static void teardown(void) {
    char line[sizeof root + 16];
    for (int node = 0; node < 2; node++) {
        if (up[node]) {
            real_node_stop(nodes[node]);
        }
    }
    while (up[0] || up[1]) {
        advance();
    }
    real_node_free(spare);
    real_loop_free(loop);
    snprintf(line, sizeof line, "rm -rf %s", root);
    ck_assert_int_eq(system(line), 0);
}

START_TEST(test_transcript__is_the_same) {
    static const char *const transcripts[] = {"files.txt", "self.txt", "streams.txt"};
    ck_assert(conformance_run(&DRIVER, transcripts[_i]));
}
END_TEST

START_TEST(test_drawn_programs__are_the_same) {
    ck_assert(conformance_run_drawn(&DRIVER, "drawn.txt", 300));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("conformance over the operating system");
    TCase *tests = suite_case(suite, "transcripts");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 300);
    tcase_add_loop_test(tests, test_transcript__is_the_same, 0, 3);
    tcase_add_test(tests, test_drawn_programs__are_the_same);
    return suite_run(suite);
}
