/* The conformance suite over the fake: two fakes, tied together. See conformance.h. */
#include <stdio.h>

#include "model/tests/conformance_internal.h"
#include "model/tests/env_fake.h"
#include "model/tests/suite.h"

static struct env *nodes[2];
static const char *const addresses[2] = {"10.0.0.1", "10.0.0.2"};

static int start(int node) {
    if (nodes[node] == NULL) {
        nodes[node] = fake_create();
        fake_set_identity(nodes[node], addresses[node], 1);
    }
    return fake_start_text(nodes[node], &conformance_role, conformance_config(node));
}

/* The bound of a connection is the test's in the fake: writes stall from `fill` to `resume`. */
static void set_bound(int node, const struct props *props) {
    if (nodes[1] == NULL) {
        return; /* a program of one node */
    }
    struct span line = props_get(props, "do");
    for (int i = 0; i < NAMES; i++) {
        struct program *program =
            fake_node(nodes[span_starts_with(line, SPAN_LITERAL("fill")) ? node : 1 - node]);
        struct env_conn *conn = program == NULL ? NULL : program->conns[i].conn;
        if (conn == NULL) {
            continue;
        }
        if (span_starts_with(line, SPAN_LITERAL("fill"))) {
            fake_stall(conn, 100000);
        } else if (span_starts_with(line, SPAN_LITERAL("resume"))) {
            fake_unstall(conn);
        }
    }
}

static int command(int node, const struct props *props) {
    set_bound(node, props);
    return fake_command(nodes[node], props);
}

/* Answers the dials of `from`: to a node's address, or to none. */
static void answer(struct env *from) {
    static const char *const bad = "nonsense";
    struct env_conn *conn = fake_dialled(from, bad);
    if (conn != NULL) {
        fake_dial_fail(conn, RMQ_E_INVALID);
    }
    for (int to = 0; to < 2; to++) {
        char address[ENV_ADDRESS_MAX];
        snprintf(address, sizeof address, "%s:%u", addresses[to], (unsigned)conformance_port[to]);
        while (fake_dialled(from, address) != NULL) {
            RMQ_IGNORE(fake_connect(from, address, nodes[to], conformance_port[to]), "it is told");
        }
    }
}

static void advance(void) {
    for (int node = 0; node < 2; node++) {
        if (nodes[node] != NULL && !fake_exited(nodes[node], NULL)) {
            fake_advance_ms(nodes[node], 1);
            answer(nodes[node]);
        }
    }
    if (nodes[1] != NULL) {
        fake_pump(nodes[0], nodes[1]);
    }
}

static bool is_up(int node) {
    return !fake_exited(nodes[node], NULL);
}

static struct env *memory(void) {
    static struct env *env;
    env = env == NULL ? fake_create() : env;
    return env;
}

static const struct conformance_driver DRIVER = {
    "fake", "/root", {"10.0.0.1", "10.0.0.2"}, start, command, advance, is_up, memory};

static void end_nodes(void) {
    for (int node = 0; node < 2; node++) {
        if (nodes[node] != NULL && is_up(node)) {
            fake_stop(nodes[node]);
        }
    }
    for (int node = 0; node < 2; node++) {
        if (nodes[node] != NULL) {
            fake_discard(nodes[node]);
        }
        nodes[node] = NULL;
    }
}

START_TEST(test_transcript__is_the_same) {
    static const char *const transcripts[] = {"files.txt", "self.txt", "streams.txt"};
    ck_assert(conformance_run(&DRIVER, transcripts[_i]));
    end_nodes();
}
END_TEST

START_TEST(test_drawn_programs__are_the_same) {
    ck_assert(conformance_run_drawn(&DRIVER, "drawn.txt", 300));
    end_nodes();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("conformance over the fake");
    TCase *tests = suite_case(suite, "transcripts");
    tcase_set_timeout(tests, 300);
    tcase_add_loop_test(tests, test_transcript__is_the_same, 0, 3);
    tcase_add_test(tests, test_drawn_programs__are_the_same);
    return suite_run(suite);
}
