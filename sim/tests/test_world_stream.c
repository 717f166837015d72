/* Streams in fair weather: order, cuts, bandwidth, back-pressure, pausing, closing. */
#include "sim/tests/puppet.h"

static struct link_profile profile;

/* Changes the default link of the pair's world. */
static void relink(void) {
    world_set_default_link(world, &profile);
}

static void connected_pair(const char *options_a, const char *options_b) {
    new_pair(options_a, options_b);
    link_profile_default(&profile);
    profile.latency.min = MS;
    run_until(10 * MS);
    ck_assert_uint_eq(count_of(node_a, OPENED), 1);
    ck_assert_uint_eq(count_of(node_b, ACCEPTED), 1);
}

static void say_hello(struct puppet *puppet) {
    write_text(puppet, 0, "hello");
}

START_TEST(test_world__carries_bytes_between_two_nodes) {
    connected_pair("", "echo=true\n");
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

static void write_spans(struct puppet *puppet) {
    struct span spans[] = {span_of_text("a"), SPAN_NONE, span_of_text(""), span_of_text("bcd"),
                           span_of_text("e")};
    ck_assert_int_eq(env_conn_write(puppet->conns[0], spans, 5), RMQ_OK);
    ck_assert_int_eq(env_conn_write(puppet->conns[0], spans, 0), RMQ_OK);
    ck_assert_uint_eq(env_conn_pending(puppet->conns[0]), 5);
    char peer[ENV_ADDRESS_MAX];
    env_conn_peer(puppet->conns[0], peer);
    ck_assert_str_eq(peer, "10.0.0.2:1000");
}

static void see_peer(struct puppet *puppet) {
    char peer[ENV_ADDRESS_MAX];
    env_conn_peer(puppet->conns[0], peer);
    ck_assert_str_eq(peer, "10.0.0.1:32768");
    ck_assert_uint_eq(env_listener_port(puppet->listener), 1000);
}

static void nothing_pending(struct puppet *puppet) {
    ck_assert_uint_eq(env_conn_pending(puppet->conns[0]), 0);
}

START_TEST(test_write__gathers_spans) {
    connected_pair("", "");
    tell(node_a, write_spans);
    tell(node_b, see_peer);
    run_for(MS);
    ck_bytes(node_b, "abcde");
    ck_assert_uint_eq(count_of(node_b, DATA), 1);
    tell(node_a, nothing_pending);
    run_for(MS);
}
END_TEST

/* ---- order and cuts ---- */

#define TOTAL 20000
static uint8_t pattern(size_t i) {
    return (uint8_t)(i * 7 + i / 256);
}

/* Writes TOTAL bytes in pieces of drawn lengths. */
static void write_pattern(struct puppet *puppet) {
    static uint8_t bytes[TOTAL];
    for (size_t i = 0; i < TOTAL; i++) {
        bytes[i] = pattern(i);
    }
    for (size_t at = 0; at < TOTAL;) {
        size_t len = 1 + (size_t)env_random_below(puppet->env, 300);
        len = len < TOTAL - at ? len : TOTAL - at;
        struct span span = span_of(bytes + at, len);
        ck_assert_int_eq(env_conn_write(puppet->conns[0], &span, 1), RMQ_OK);
        at += len;
    }
}

static void ck_pattern(node_id node) {
    ck_assert_uint_eq(log_of(node)->byte_count, TOTAL);
    for (size_t i = 0; i < TOTAL; i++) {
        ck_assert_uint_eq(log_of(node)->bytes[i], pattern(i));
    }
}

START_TEST(test_stream__keeps_order_under_random_latency_and_cuts) {
    connected_pair("", "echo=true\n");
    profile.latency = (struct dist){.kind = DIST_EXPONENTIAL, .min = 1000, .mean = 3 * MS};
    profile.chop_ppm = 500000;
    relink();
    tell(node_a, write_pattern);
    run_for(5 * WORLD_SECOND_NS);
    ck_pattern(node_b);
    ck_pattern(node_a);
    ck_assert_uint_gt(world_counts(world)->chopped, 50);
}
END_TEST

static void write_two(struct puppet *puppet) {
    write_text(puppet, 0, "12");
}

static void write_twenty(struct puppet *puppet) {
    write_text(puppet, 0, "0123456789abcdefghij");
}

START_TEST(test_chop__cuts_at_every_byte) {
    connected_pair("", "");
    profile.chop_ppm = 1000000;
    relink();
    enum { WRITES = 1000 };
    size_t cut_at[20] = {0}, pieces_of[9] = {0};
    for (int i = 0; i < WRITES; i++) {
        size_t before = log_of(node_b)->count;
        tell(node_a, write_twenty);
        run_for(2 * MS);
        size_t offset = 0, pieces = log_of(node_b)->count - before;
        ck_assert_uint_ge(pieces, 2);
        ck_assert_uint_le(pieces, 8);
        pieces_of[pieces]++;
        for (size_t k = before; k < log_of(node_b)->count; k++) {
            offset += (size_t)log_of(node_b)->entries[k].value;
            cut_at[offset % 20]++;
        }
        ck_assert_uint_eq(offset, 20);
        log_of(node_b)->count = before;
    }
    for (size_t i = 1; i < 20; i++) {
        ck_assert_uint_gt(cut_at[i], 100); /* 4 cuts of 19 places on average, less the equal ones */
    }
    for (size_t i = 2; i <= 8; i++) {
        ck_assert_uint_gt(pieces_of[i], 10);
    }
    ck_assert_uint_eq(world_counts(world)->chopped, WRITES);
}
END_TEST

START_TEST(test_chop__leaves_one_byte_alone_and_halves_two) {
    connected_pair("", "");
    profile.chop_ppm = 1000000;
    relink();
    tell(node_a, write_two);
    run_for(2 * MS);
    ck_bytes(node_b, "12");
    ck_assert_uint_eq(count_of(node_b, DATA), 2);
}
END_TEST

/* ---- bandwidth ---- */

static void write_kilobyte(struct puppet *puppet) {
    static uint8_t bytes[1000];
    struct span span = span_of(bytes, sizeof bytes);
    for (int i = 0; i < puppet->conn_count; i++) {
        ck_assert_int_eq(env_conn_write(puppet->conns[i], &span, 1), RMQ_OK);
        ck_assert_int_eq(env_conn_write(puppet->conns[i], &span, 1), RMQ_OK);
    }
}

static void dial_again(struct puppet *puppet) {
    puppet_dial(puppet, SPAN_LITERAL("10.0.0.2:1000"));
}

START_TEST(test_bandwidth__is_shared_by_the_connections_of_a_link) {
    connected_pair("", "");
    tell(node_a, dial_again);
    run_for(10 * MS);
    profile.bytes_per_second = 1000000; /* 1,000 bytes: 1 ms */
    relink();
    uint64_t start = world_now(world);
    tell(node_a, write_kilobyte);
    tell(node_b, write_kilobyte); /* the other direction has its own wire */
    run_for(20 * MS);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(entry_of(node_b, DATA, i)->at_ns, start + (i + 2) * MS);
        ck_assert_int_eq(entry_of(node_b, DATA, i)->conn, (int)i / 2);
        ck_assert_uint_eq(entry_of(node_a, DATA, i)->at_ns, start + (i + 2) * MS);
    }
}
END_TEST

/* ---- back-pressure ---- */

static int full_after;
static void write_until_full(struct puppet *puppet) {
    static uint8_t bytes[1000];
    struct span span = span_of(bytes, sizeof bytes);
    full_after = 0;
    while (env_conn_write(puppet->conns[0], &span, 1) == RMQ_OK) {
        full_after++;
        ck_assert_int_lt(full_after, 1000);
    }
}

static void pause_first(struct puppet *puppet) {
    env_conn_pause(puppet->conns[0]);
}

static void resume_first(struct puppet *puppet) {
    env_conn_resume(puppet->conns[0]);
}

START_TEST(test_full__bounds_what_is_unread_and_drains_at_half) {
    connected_pair("", "");
    profile.buffer_bytes = 10000;
    relink();
    tell(node_b, pause_first);
    run_for(MS);
    tell(node_a, write_until_full);
    run_for(20 * MS);
    ck_assert_int_eq(full_after, 10);
    tell(node_a, nothing_pending); /* acknowledged: it is the peer that does not read */
    tell(node_a, write_until_full);
    run_for(20 * MS);
    ck_assert_int_eq(full_after, 0);
    ck_assert_uint_eq(count_of(node_b, DATA), 0);
    ck_assert_uint_eq(count_of(node_a, DRAINED), 0);
    tell(node_b, resume_first);
    run_for(20 * MS);
    ck_assert_uint_eq(count_of(node_b, DATA), 10);
    ck_assert_uint_eq(count_of(node_a, DRAINED), 1);
    tell(node_a, write_until_full);
    run_for(20 * MS);
    ck_assert_int_eq(full_after, 10);
}
END_TEST

static void write_huge(struct puppet *puppet) {
    static uint8_t bytes[50000];
    struct span span = span_of(bytes, sizeof bytes);
    ck_assert_int_eq(env_conn_write(puppet->conns[0], &span, 1), RMQ_OK);
    ck_assert_int_eq(env_conn_write(puppet->conns[0], &span, 1), RMQ_E_FULL);
}

START_TEST(test_full__lets_one_large_write_pass) {
    connected_pair("", "");
    profile.buffer_bytes = 10000;
    relink();
    tell(node_a, write_huge);
    run_for(5 * MS);
    ck_assert_uint_eq(log_of(node_b)->byte_count, 50000);
    ck_assert_uint_eq(count_of(node_a, DRAINED), 1);
}
END_TEST

START_TEST(test_full__is_felt_behind_a_stopped_process) {
    connected_pair("", "");
    profile.buffer_bytes = 10000;
    relink();
    ck_assert(world_pause(world, node_b));
    tell(node_a, write_until_full);
    run_for(WORLD_SECOND_NS);
    tell(node_a, nothing_pending); /* its kernel acknowledges */
    tell(node_a, write_until_full);
    run_for(WORLD_SECOND_NS);
    ck_assert_int_eq(full_after, 0);
    ck_assert(world_resume(world, node_b));
    run_for(5 * MS);
    ck_assert_uint_eq(log_of(node_b)->byte_count, 10000);
    ck_assert_uint_eq(count_of(node_a, DRAINED), 1);
}
END_TEST

/* ---- pausing ---- */

static void write_letters(struct puppet *puppet) {
    write_text(puppet, 0, "a");
    write_text(puppet, 0, "b");
    write_text(puppet, 0, "c");
}

static void write_more_and_close(struct puppet *puppet) {
    write_text(puppet, 0, "d");
    env_conn_close(puppet->conns[0]);
}

/* Takes one chunk, then pauses again. */
static void pause_after_one(struct puppet *puppet, int conn, struct span bytes) {
    (void)bytes;
    env_conn_pause(puppet->conns[conn]);
}

static void pause_resume_pause(struct puppet *puppet) {
    puppet->on_bytes = pause_after_one;
    env_conn_pause(puppet->conns[0]);
    env_conn_resume(puppet->conns[0]);
    env_conn_pause(puppet->conns[0]);
}

START_TEST(test_pause__holds_bytes_and_end_in_order) {
    connected_pair("", "");
    tell(node_b, pause_resume_pause);
    run_for(MS);
    tell(node_a, write_letters);
    run_for(5 * MS);
    tell(node_a, write_more_and_close);
    run_for(5 * MS);
    ck_assert_uint_eq(count_of(node_b, DATA), 0);
    static const char *const SO_FAR[] = {"a", "ab", "abc", "abcd"};
    for (int i = 0; i < 4; i++) {
        tell(node_b, resume_first);
        run_for(MS);
        ck_bytes(node_b, SO_FAR[i]);
        ck_assert_uint_eq(count_of(node_b, CLOSED), 0);
    }
    tell(node_b, resume_first);
    run_for(MS);
    ck_assert_int_eq(entry_of(node_b, CLOSED, 0)->value, RMQ_E_CLOSED);
}
END_TEST

START_TEST(test_pause__keeps_order_when_the_node_is_busy) {
    connected_pair("", "");
    struct dist cpu = {.kind = DIST_CONSTANT, .min = 2 * MS};
    ck_assert(world_set_cpu(world, node_b, &cpu));
    tell(node_a, write_letters); /* a is handled at once, b and c wait in the inbox */
    run_for(MS);
    tell(node_b, pause_first);
    tell(node_b, resume_first);
    tell(node_a, write_more_and_close);
    run_for(50 * MS);
    ck_bytes(node_b, "abcd");
    ck_assert_uint_eq(count_of(node_b, CLOSED), 1);
}
END_TEST

/* ---- closing ---- */

static void close_first(struct puppet *puppet) {
    env_conn_close(puppet->conns[0]);
    puppet->conns[0] = NULL;
}

static void write_to_closed(struct puppet *puppet) {
    struct span span = span_of_text("x");
    ck_assert_int_eq(env_conn_write(puppet->conns[0], &span, 1), RMQ_OK);
}

START_TEST(test_close__delivers_what_was_written_then_the_end) {
    connected_pair("", "");
    tell(node_a, write_letters);
    tell(node_a, write_more_and_close);
    run_for(5 * MS);
    ck_bytes(node_b, "abcd");
    ck_assert_int_eq(entry_of(node_b, CLOSED, 0)->value, RMQ_E_CLOSED);
    ck_assert_uint_eq(count_of(node_a, CLOSED), 0); /* E6 */
}
END_TEST

START_TEST(test_close__that_crosses_bytes_ends_quietly) {
    connected_pair("", "");
    tell(node_a, close_first);
    tell(node_b, write_to_closed);
    run_for(10 * MS);
    ck_assert_uint_eq(count_of(node_a, DATA), 0);
    ck_assert_uint_eq(count_of(node_b, CLOSED), 1);
    ck_assert_int_eq(entry_of(node_b, CLOSED, 0)->value, RMQ_E_CLOSED);
}
END_TEST

START_TEST(test_close__by_both_at_once) {
    connected_pair("", "");
    tell(node_a, close_first);
    tell(node_b, close_first);
    run_for(10 * MS);
    ck_assert_uint_eq(count_of(node_a, CLOSED) + count_of(node_b, CLOSED), 0);
}
END_TEST

static void close_in_data(struct puppet *puppet, int conn, struct span bytes) {
    (void)bytes;
    env_conn_close(puppet->conns[conn]);
}

static void close_on_data(struct puppet *puppet) {
    puppet->on_bytes = close_in_data;
}

START_TEST(test_close__inside_on_data_ends_callbacks) {
    connected_pair("", "");
    tell(node_b, close_on_data);
    run_for(MS);
    tell(node_a, write_letters);
    run_for(10 * MS);
    ck_bytes(node_b, "a");
    ck_assert_uint_eq(count_of(node_a, CLOSED), 1);
}
END_TEST

static void fill(TCase *cases) {
    tcase_add_test(cases, test_world__carries_bytes_between_two_nodes);
    tcase_add_test(cases, test_write__gathers_spans);
    tcase_add_test(cases, test_stream__keeps_order_under_random_latency_and_cuts);
    tcase_add_test(cases, test_chop__cuts_at_every_byte);
    tcase_add_test(cases, test_chop__leaves_one_byte_alone_and_halves_two);
    tcase_add_test(cases, test_bandwidth__is_shared_by_the_connections_of_a_link);
    tcase_add_test(cases, test_full__bounds_what_is_unread_and_drains_at_half);
    tcase_add_test(cases, test_full__lets_one_large_write_pass);
    tcase_add_test(cases, test_full__is_felt_behind_a_stopped_process);
    tcase_add_test(cases, test_pause__holds_bytes_and_end_in_order);
    tcase_add_test(cases, test_pause__keeps_order_when_the_node_is_busy);
    tcase_add_test(cases, test_close__delivers_what_was_written_then_the_end);
    tcase_add_test(cases, test_close__that_crosses_bytes_ends_quietly);
    tcase_add_test(cases, test_close__by_both_at_once);
    tcase_add_test(cases, test_close__inside_on_data_ends_callbacks);
}

int main(void) {
    return run_suite("world_stream", fill);
}
