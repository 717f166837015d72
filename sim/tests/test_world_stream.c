/* Streams in fair weather: order, cuts, bandwidth, back-pressure, pausing, closing. */
#include "sim/tests/puppet.h"

static void say_hello(struct puppet *puppet) {
    write_text(puppet, 0, "hello");
}

START_TEST(test_world__carries_bytes_between_two_nodes) {
    new_pair("", "echo=true\n");
    run_until(10 * MS);
    ck_assert_uint_eq(entry_of(node_a, OPENED, 0)->at_ns, 2 * MS);
    ck_assert_uint_eq(entry_of(node_b, ACCEPTED, 0)->at_ns, 3 * MS);
    tell(node_a, say_hello);
    run_for(2 * MS);
    ck_bytes(node_b, "hello");
    ck_bytes(node_a, "hello");
    ck_assert_uint_eq(entry_of(node_b, DATA, 0)->at_ns, 11 * MS);
    ck_assert_uint_eq(entry_of(node_a, DATA, 0)->at_ns, 12 * MS);
}
END_TEST

static void fill(TCase *cases) {
    tcase_add_test(cases, test_world__carries_bytes_between_two_nodes);
}

int main(void) {
    return run_suite("world_stream", fill);
}
