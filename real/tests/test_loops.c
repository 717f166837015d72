/* Loops: several in threads, wakes from elsewhere, signals; and a node's own: memory, chance, self.
 */
#include <pthread.h>
#include <signal.h>

#include "real/tests/ends.h"

/* ---- several loops, each in a thread -------------------------------------------------------- */

#define LOOPS 4
#define ROUNDS 500

struct worker {
    pthread_t thread;
    struct real_loop *loop;
    struct env *server, *client;
    struct order at_server, at_client;
    struct end near, far;
    uint64_t wakes;
};

static void write_one(void *ctx) {
    struct worker *worker = ctx;
    struct span byte = SPAN_LITERAL("x");
    ck_assert_int_eq(env_conn_write(worker->near.conn, &byte, 1), RMQ_OK);
}

static void on_wake(void *ctx) {
    ((struct worker *)ctx)->wakes++;
}

static void *work(void *ctx) {
    struct worker *worker = ctx;
    char address[ENV_ADDRESS_MAX];
    struct real_node_options options = {.bind_ip = "127.0.0.1"};
    worker->server = new_node(worker->loop, &options);
    worker->client = new_node(worker->loop, NULL);
    worker->far.echoes = true;
    worker->at_server = (struct order){.accepted = &worker->far, .accepted_max = 1};
    tell(worker->server, do_listen, &worker->at_server);
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)worker->at_server.port);
    worker->at_client = (struct order){.end = &worker->near, .address = address};
    tell(worker->client, do_dial, &worker->at_client);
    while (!worker->near.opened) {
        real_loop_turn(worker->loop, MS);
    }
    for (uint64_t i = 1; i <= ROUNDS; i++) {
        real_node_call(worker->client, write_one, worker);
        while (worker->near.bytes < i) {
            real_loop_turn(worker->loop, MS);
        }
    }
    while (worker->wakes == 0) {
        real_loop_turn(worker->loop, 100 * MS);
    }
    real_node_free(worker->server);
    real_node_free(worker->client);
    real_loop_free(worker->loop);
    return NULL;
}

START_TEST(test_loops__in_threads_share_nothing) {
    static struct worker workers[LOOPS];
    for (size_t i = 0; i < LOOPS; i++) {
        workers[i].loop = new_loop();
        real_loop_on_wake(workers[i].loop, on_wake, &workers[i]);
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < LOOPS; i++) {
        real_loop_wake(workers[i].loop); /* seen once it waits */
    }
    for (size_t i = 0; i < LOOPS; i++) {
        ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
        ck_assert_uint_eq(workers[i].near.bytes, ROUNDS);
    }
}
END_TEST

/* ---- one loop ------------------------------------------------------------------------------- */

static struct real_loop *loop;
static struct env *node;

static void setup(void) {
    loop = new_loop();
    node = new_node(loop, NULL);
}

static void teardown(void) {
    if (node != NULL)
        real_node_free(node);
    real_loop_free(loop);
}

static void stop_loop(void *ctx) {
    real_loop_stop(ctx);
}

START_TEST(test_run__ends_when_stopped) {
    real_loop_on_wake(loop, stop_loop, loop);
    real_loop_wake(loop);
    real_loop_run(loop);
    ck_assert(!list_is_empty(&loop->nodes));
}
END_TEST

START_TEST(test_run__ends_with_the_last_node) {
    real_node_stop(node);
    node = NULL;
    real_loop_run(loop);
}
END_TEST

START_TEST(test_run__without_nodes_ends_at_once) {
    real_node_free(node);
    node = NULL;
    real_loop_run(loop);
}
END_TEST

static void count_hangup(void *ctx) {
    (*(int *)ctx)++;
    if (*(int *)ctx == 2)
        raise(SIGTERM);
}

START_TEST(test_signals__stop_the_nodes) {
    int hangups = 0;
    ck_assert_int_eq(real_loop_signals(loop, count_hangup, &hangups), RMQ_OK);
    node = NULL; /* the signal ends it */
    raise(SIGPIPE);
    raise(SIGHUP);
    while (hangups == 0) {
        real_loop_turn(loop, 100 * MS);
    }
    raise(SIGHUP);
    real_loop_run(loop);
    ck_assert_int_eq(hangups, 2);
}
END_TEST

/* ---- memory --------------------------------------------------------------------------------- */

static void use_memory(void *ctx) {
    (void)ctx;
    uint8_t *blocks[100];
    for (size_t i = 0; i < 100; i++) {
        blocks[i] = env_alloc(node, i);
        ck_assert_ptr_nonnull(blocks[i]);
        ck_assert_uint_eq((uintptr_t)blocks[i] % 16, 0);
        memset(blocks[i], (int)i, i);
    }
    ck_assert_uint_eq(real_node_memory(node), 99 * 100 / 2);
    for (size_t i = 0; i < 100; i++) {
        blocks[i] = env_realloc(node, blocks[i], 3 * i + 1);
        ck_assert_uint_eq((uintptr_t)blocks[i] % 16, 0);
        ck_assert(i == 0 || (blocks[i][0] == i && blocks[i][i - 1] == i));
    }
    ck_assert_uint_eq(real_node_memory(node), 3 * (99 * 100 / 2) + 100);
    for (size_t i = 0; i < 100; i++) {
        env_free(node, blocks[i]);
    }
    env_free(node, NULL);
    ck_assert_uint_eq(real_node_memory(node), 0);
}

START_TEST(test_alloc__is_counted_and_aligned) {
    real_node_call(node, use_memory, NULL);
}
END_TEST

static void reach_limit(void *ctx) {
    (void)ctx;
    void *half = env_alloc(node, 500);
    ck_assert_ptr_null(env_alloc(node, 501));
    ck_assert_ptr_null(env_alloc(node, SIZE_MAX));
    ck_assert_ptr_null(env_realloc(node, half, 1001));
    half = env_realloc(node, half, 1000);
    ck_assert_ptr_nonnull(half);
    ck_assert_ptr_null(env_alloc(node, 1));
    ck_assert_ptr_nonnull(env_realloc(node, half, 10));
    ck_assert_ptr_nonnull(env_alloc(node, 990)); /* left to the end of the node */
}

START_TEST(test_alloc__has_a_limit) {
    node->options.memory_limit = 1000;
    real_node_call(node, reach_limit, NULL);
    ck_assert_uint_eq(real_node_memory(node), 1000);
}
END_TEST

/* ---- chance and self ------------------------------------------------------------------------ */

static void draw(void *ctx) {
    (void)ctx;
    size_t counts[7] = {0};
    uint64_t all = 0, none = UINT64_MAX;
    for (int i = 0; i < 70000; i++) {
        uint64_t drawn = env_random_below(node, 7), bits = env_random(node);
        ck_assert_uint_lt(drawn, 7);
        counts[drawn]++;
        all |= bits;
        none &= bits;
    }
    for (size_t i = 0; i < 7; i++) { /* 10,000 expected, 93 the deviation: ten of it */
        ck_assert_uint_ge(counts[i], 9000);
        ck_assert_uint_le(counts[i], 11000);
    }
    ck_assert_uint_eq(all, UINT64_MAX);
    ck_assert_uint_eq(none, 0);
    ck_assert_uint_eq(env_random_below(node, 1), 0);
    for (int i = 0; i < 1000; i++) {
        ck_assert_uint_lt(env_random_below(node, (1ULL << 63) + 1), (1ULL << 63) + 1);
    }
}

START_TEST(test_random__is_uniform) {
    real_node_call(node, draw, NULL);
}
END_TEST

static void look_at_self(void *ctx) {
    struct env_identity *identity = ctx;
    uint64_t now_ns = env_mono_ns(node);
    int64_t wall_ms = env_wall_ms(node);
    uint64_t until_ns = real_clock_ns() + 3 * MS;
    while (real_clock_ns() < until_ns) {
    }
    ck_assert_uint_eq(env_mono_ns(node), now_ns); /* E1 */
    ck_assert_int_eq(env_wall_ms(node), wall_ms);
    ck_assert_int_gt(wall_ms, 1700000000000);
    ck_assert_int_le(abs(env_utc_offset_min(node)), 15 * 60);
    ck_assert_uint_gt(env_memory_bytes(node), 64U << 20);
    ck_assert(!env_buggify(node, 0) && !env_plant(node, 0));
    env_identity(node, identity);
}

START_TEST(test_self__clocks_and_identity) {
    struct env_identity identity;
    real_node_call(node, look_at_self, &identity);
    ck_assert_uint_eq(identity.process_number, (uint32_t)getpid());
    struct in_addr address;
    ck_assert_int_eq(inet_pton(AF_INET, identity.ip, &address), 1);
}
END_TEST

static char lines[4][4096];
static size_t line_count;

static void keep_line(void *ctx, struct env *env, enum env_log_level level, const char *line) {
    (void)ctx, (void)env;
    ck_assert_int_eq(level, ENV_LOG_WARN);
    snprintf(lines[line_count++], sizeof lines[0], "%s", line);
}

static void say(void *ctx) {
    char text[3000];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    env_log(ctx, ENV_LOG_WARN, "%d %s", 7, "words");
    env_log(ctx, ENV_LOG_WARN, "%s", text);
}

START_TEST(test_log__lines_are_whole_or_end_in_dots) {
    struct env *talker = new_node(loop, &(struct real_node_options){.on_log = keep_line});
    real_node_call(talker, say, talker);
    ck_assert_uint_eq(line_count, 2);
    ck_assert_str_eq(lines[0], "7 words");
    ck_assert_uint_eq(strlen(lines[1]), 2047);
    ck_assert_str_eq(lines[1] + 2044, "...");
    real_node_free(talker);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("loops");
    TCase *threads = tcase_create("threads"), *topic = tcase_create("loops");
    tcase_set_timeout(threads, 120);
    tcase_add_test(threads, test_loops__in_threads_share_nothing);
    tcase_add_checked_fixture(topic, setup, teardown);
    tcase_set_timeout(topic, 120);
    tcase_add_test(topic, test_run__ends_when_stopped);
    tcase_add_test(topic, test_run__ends_with_the_last_node);
    tcase_add_test(topic, test_run__without_nodes_ends_at_once);
    tcase_add_test(topic, test_signals__stop_the_nodes);
    tcase_add_test(topic, test_alloc__is_counted_and_aligned);
    tcase_add_test(topic, test_alloc__has_a_limit);
    tcase_add_test(topic, test_random__is_uniform);
    tcase_add_test(topic, test_self__clocks_and_identity);
    tcase_add_test(topic, test_log__lines_are_whole_or_end_in_dots);
    suite_add_tcase(suite, threads);
    suite_add_tcase(suite, topic);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
