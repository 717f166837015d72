/* test_fault_strategy.c - queue selection and the tables of slow brokers (client.md 9); names and
 * namespaces (3.5). */
#include "model/base/check.h"
#include "model/client/fault_strategy.h"
#include "model/client/namespace.h"
#include "model/tests/env_fake.h"
#include "model/tests/peer.h"
#include "model/tests/suite.h"

#define NS_PER_MS UINT64_C(1000000)

static struct env *env;
static struct fault_strategy faults;
static struct queue_counter counter;
/* Two queues on each of a, b, c. */
static struct route_choice_queue list[6];
static struct route_choice queues;
static struct route_queue entries[3];
static struct route route;

static void setup(void) {
    static const char *const NAMES[] = {"a", "b", "c"};
    env = fake_create();
    counter = (struct queue_counter){.value = 5, .drawn = true}; /* the next is place 0 */
    for (size_t i = 0; i < 6; i++)
        list[i] = (struct route_choice_queue){span_of_text(NAMES[i / 2]), (int32_t)(i % 2)};
    for (size_t i = 0; i < 3; i++)
        entries[i] = (struct route_queue){
            .broker_name = span_of_text(NAMES[i]), .write_queue_nums = 2, .perm = 6};
    queues = (struct route_choice){list, 6};
    route = (struct route){.queues = entries, .queue_count = 3};
}

static void begin(bool enabled, bool new) {
    fault_strategy_init(&faults, env, enabled, new);
}

static void teardown(void) {
    fault_strategy_deinit(&faults);
    fake_destroy(env);
}

/* Broker and queue as a number such as 'b' * 10 + 1. */
static int choose(const char *last) {
    struct route_choice_queue out;
    fault_select(&faults, &queues, &route, &counter, span_of_text(last), &out);
    return out.broker_name.data[0] * 10 + out.queue_id;
}

static void slow(const char *name, uint64_t ms) {
    fault_update(&faults, span_of_text(name), ms * NS_PER_MS, false);
}
static void fails(const char *name) {
    fault_update(&faults, span_of_text(name), 1, true);
}

START_TEST(test_counter__starts_at_random_and_wraps_at_31_bits) {
    struct queue_counter fresh = {0};
    begin(false, false);
    ck_assert_uint_le(queue_counter_next(&fresh, env), INT32_MAX);
    uint32_t value = fresh.value;
    ck_assert_uint_eq(queue_counter_next(&fresh, env), value == INT32_MAX ? 0 : value + 1);
    fresh.value = INT32_MAX;
    ck_assert_uint_eq(queue_counter_next(&fresh, env), 0);
}
END_TEST

START_TEST(test_select_off__round_robin_and_not_the_last_broker) {
    begin(false, _i == 1);
    slow("a", 100000); /* not looked at */
    ck_assert_int_eq(choose(NULL), 'a' * 10 + 0);
    ck_assert_int_eq(choose(NULL), 'a' * 10 + 1);
    ck_assert_int_eq(choose("b"), 'c' * 10 + 0);
    ck_assert_int_eq(choose("c"), 'a' * 10 + 0); /* c1 is passed over */
    queues.count = 2;                            /* only a: the next one, after a whole round */
    counter.value = 5;
    ck_assert_int_eq(choose("a"), 'a' * 10 + 0);
}
END_TEST

/* Latency in ms, and for how long the broker is left out in ms, in both releases. */
static const struct {
    uint64_t latency_ms, out_4_9_ms, out_5_3_ms;
} STEPS[] = {
    {0, 0, 0},
    {99, 0, 0},
    {549, 0, 0},
    {550, 30000, 2000},
    {999, 30000, 2000},
    {1000, 60000, 2000},
    {1800, 60000, 5000},
    {2000, 120000, 5000},
    {3000, 180000, 6000},
    {5000, 180000, 10000},
    {14999, 180000, 10000},
    {15000, 600000, 30000},
};

START_TEST(test_update__leaves_out_by_latency) {
    for (int new = 0; new < 2; new ++) {
        begin(true, new == 1);
        uint64_t out_ms = new == 1 ? STEPS[_i].out_5_3_ms : STEPS[_i].out_4_9_ms;
        slow("b", STEPS[_i].latency_ms);
        ck_assert_uint_eq(faults.items->until_ns,
                          out_ms == 0 && new == 1 ? 0 : env_mono_ns(env) + out_ms *NS_PER_MS);
        fault_strategy_deinit(&faults);
    }
}
END_TEST

/* P23: 600 s in 4.9, unless it succeeds; 10 s in 5.3, never shortened. */
START_TEST(test_update__isolated) {
    begin(true, _i == 1);
    fails("b");
    uint64_t until = env_mono_ns(env) + (_i == 1 ? 10000 : 600000) * NS_PER_MS;
    ck_assert_uint_eq(faults.items->until_ns, until);
    slow("b", 1);
    ck_assert_uint_eq(faults.items->until_ns, _i == 1 ? until : env_mono_ns(env));
}
END_TEST

START_TEST(test_select_4_9__passes_over_the_slow) {
    begin(true, false);
    fails("b");
    counter.value = 1; /* next place 2: b0 */
    ck_assert_int_eq(choose(NULL), 'c' * 10 + 0);
    ck_assert_int_eq(choose("c"), 'c' * 10 + 0); /* place 3 is b1; the last broker is not avoided */
    fake_advance(env, 600000 * NS_PER_MS);
    counter.value = 1;
    ck_assert_int_eq(choose(NULL), 'b' * 10 + 0);
}
END_TEST

/* All are out: one of the better half, here always the first of three. */
START_TEST(test_select_4_9__takes_the_least_bad) {
    begin(true, false);
    slow("a", 20000);
    slow("b", 16000);
    slow("c", 17000);
    counter.value = 5; /* 6: place 0; then 7, and 8 mod 2 write queues */
    ck_assert_int_eq(choose(NULL), 'b' * 10 + 0);
    ck_assert_uint_eq(counter.value, 8);
    entries[1].write_queue_nums =
        0; /* it cannot be written: forgotten, and the next one is taken */
    ck_assert_int_eq(choose(NULL), list[10 % 6].broker_name.data[0] * 10 + list[10 % 6].queue_id);
    ck_assert_uint_eq(HASH_COUNT(faults.items), 2);
}
END_TEST

START_TEST(test_select_5_3__available_then_not_the_last_then_any) {
    begin(true, true);
    fails("b");
    counter.value = 1;
    ck_assert_int_eq(choose(NULL), 'c' * 10 + 0);
    for (int i = 0; i < 20; i++) /* a retry begins at a random place */
        ck_assert_int_eq(choose("c") / 10, 'a');
    fails("a");
    fails("c");
    for (int i = 0; i < 20; i++)
        ck_assert_int_ne(choose("c") / 10, 'c');
    queues.count = 2;
    ck_assert_int_eq(choose("a") / 10, 'a');
}
END_TEST

START_TEST(test_update__without_memory_is_forgotten) {
    begin(true, false);
    for (unsigned n = 1;; n++) {
        fake_fail_at(env, FAKE_FAIL_ALLOC, n);
        fails("b");
        if (!fake_failed(env, FAKE_FAIL_ALLOC))
            break;
        ck_assert_uint_eq(HASH_COUNT(faults.items), 0);
    }
    ck_assert_uint_eq(HASH_COUNT(faults.items), 1);
}
END_TEST

/* ---- namespaces ------------------------------------------------------------------------------ */

static const struct {
    const char *name_space, *name, *wrapped;
} NAMES[] = {
    {"N", "T", "N%T"},
    {"N", "N%T", "N%T"},
    {"N", "%RETRY%g", "%RETRY%N%g"},
    {"N", "%DLQ%g", "%DLQ%N%g"},
    {"N", "%RETRY%N%g", "%RETRY%N%g"},
    {"N", "TBW102", "TBW102"},
    {"N", "rmq_sys_x", "rmq_sys_x"},
    {"N", "CID_RMQ_SYS_x", "CID_RMQ_SYS_x"},
    {"", "T", "T"},
    {NULL, "%RETRY%g", "%RETRY%g"},
};

START_TEST(test_namespace__wraps_and_unwraps) {
    struct buf out;
    struct span name_space = span_of_text(NAMES[_i].name_space);
    begin(false, false);
    buf_init(&out, env);
    namespace_wrap(&out, name_space, span_of_text(NAMES[_i].name));
    ck_assert_span_eq(buf_span(&out), NAMES[_i].wrapped);
    buf_clear(&out);
    namespace_unwrap(&out, name_space, span_of_text(NAMES[_i].wrapped));
    const char *plain = NAMES[_i].name;
    ck_assert_span_eq(buf_span(&out), strcmp(plain, "N%T") == 0          ? "T"
                                      : strcmp(plain, "%RETRY%N%g") == 0 ? "%RETRY%g"
                                                                         : plain);
    buf_deinit(&out);
}
END_TEST

static const struct {
    const char *address, *name_space;
} ADDRESSES[] = {
    {"MQ_INST_1_abc.x.com:80", "MQ_INST_1_abc"},
    {"http://MQ_INST_1_abc.x.com:80", "MQ_INST_1_abc"},
    {"MQ_INST_1.x.com:80", NULL},
    {"MQ_INST_1_.x.com:80", NULL},
    {"MQ_INST_1_a:80", NULL},
    {"10.0.0.1:9876", NULL},
    {"", NULL},
    {"http://", NULL},
    {"MQ_INST_", NULL},
};

START_TEST(test_namespace__of_an_address) {
    struct span got = namespace_of_address(span_of_text(ADDRESSES[_i].address));
    begin(false, false);
    if (ADDRESSES[_i].name_space == NULL)
        ck_assert(span_is_absent(got));
    else
        ck_assert_span_eq(got, ADDRESSES[_i].name_space);
}
END_TEST

#define COUNT(array) ((int)(sizeof array / sizeof array[0]))

int main(void) {
    Suite *suite = suite_create("fault_strategy");
    TCase *tests = suite_case(suite, "selection");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_counter__starts_at_random_and_wraps_at_31_bits);
    tcase_add_loop_test(tests, test_select_off__round_robin_and_not_the_last_broker, 0, 2);
    tcase_add_loop_test(tests, test_update__leaves_out_by_latency, 0, COUNT(STEPS));
    tcase_add_loop_test(tests, test_update__isolated, 0, 2);
    tcase_add_test(tests, test_select_4_9__passes_over_the_slow);
    tcase_add_test(tests, test_select_4_9__takes_the_least_bad);
    tcase_add_test(tests, test_select_5_3__available_then_not_the_last_then_any);
    tcase_add_test(tests, test_update__without_memory_is_forgotten);
    tcase_add_loop_test(tests, test_namespace__wraps_and_unwraps, 0, COUNT(NAMES));
    tcase_add_loop_test(tests, test_namespace__of_an_address, 0, COUNT(ADDRESSES));
    return suite_run(suite);
}
