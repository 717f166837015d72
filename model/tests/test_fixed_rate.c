/* test_fixed_rate.c - a serial worker: exact times, nothing skipped, order of due times. */
#include "model/base/fixed_rate.h"

#include "model/base/check.h"
#include "model/tests/env_fake.h"
#include "model/tests/suite.h"

#define MS UINT64_C(1000000)

struct runs {
    struct env *env;
    struct fixed_rate worker;
    struct fixed_rate_task tasks[2];
    bool at_once; /* a run ends in itself */
    size_t count;
    struct {
        char task;
        uint64_t ms; /* since the start */
        uint64_t late_ms;
    } run[64];
    uint64_t begin_ns;
};

static struct runs runs;

static void note(struct runs *to, char task) {
    RMQ_ASSERT(to->count < 64);
    to->run[to->count].task = task;
    to->run[to->count].ms = (env_mono_ns(to->env) - to->begin_ns) / MS;
    to->run[to->count].late_ms = fixed_rate_late_ns(&to->worker) / MS;
    to->count++;
    if (to->at_once)
        fixed_rate_done(&to->worker);
}

static void run_a(void *ctx) {
    note(ctx, 'a');
}
static void run_b(void *ctx) {
    note(ctx, 'b');
}

static void setup(void) {
    runs = (struct runs){.env = fake_create(), .at_once = true};
    runs.tasks[0] =
        (struct fixed_rate_task){.run = run_a, .period_ns = 30000 * MS, .due_ns = 10000 * MS};
    runs.tasks[1] =
        (struct fixed_rate_task){.run = run_b, .period_ns = 5000 * MS, .due_ns = 10000 * MS};
    runs.begin_ns = env_mono_ns(runs.env);
}

static void teardown(void) {
    fixed_rate_stop(&runs.worker);
    fake_destroy(runs.env);
}

static void expect(size_t index, char task, uint64_t ms, uint64_t late_ms) {
    ck_assert_uint_lt(index, runs.count);
    ck_assert_int_eq(runs.run[index].task, task);
    ck_assert_uint_eq(runs.run[index].ms, ms);
    ck_assert_uint_eq(runs.run[index].late_ms, late_ms);
}

START_TEST(test_fixed_rate_start__runs_at_first_and_each_period) {
    fixed_rate_start(&runs.worker, runs.env, runs.tasks, 1, &runs);
    fake_advance_ms(runs.env, 100000);
    ck_assert_uint_eq(runs.count, 4);
    for (size_t i = 0; i < 4; i++)
        expect(i, 'a', 10000 + 30000 * i, 0);
}
END_TEST

START_TEST(test_fixed_rate_done__ties_go_to_the_lower_index) {
    fixed_rate_start(&runs.worker, runs.env, runs.tasks, 2, &runs);
    fake_advance_ms(runs.env, 15000);
    ck_assert_uint_eq(runs.count, 3);
    expect(0, 'a', 10000, 0);
    expect(1, 'b', 10000, 0);
    expect(2, 'b', 15000, 0);
}
END_TEST

/* A pause of 100 s: the 3 missed runs of a and 20 of b come at once, in order of due time. */
START_TEST(test_fixed_rate_done__missed_runs_come_at_once_in_order) {
    fixed_rate_start(&runs.worker, runs.env, runs.tasks, 2, &runs);
    fake_advance_ms(runs.env, 10000);
    runs.count = 0;
    fake_pause(runs.env, 100000 * MS);
    fake_settle(runs.env);
    ck_assert_uint_eq(runs.count, 23);
    uint64_t due = 0;
    size_t of_a = 0;
    for (size_t i = 0; i < runs.count; i++) {
        ck_assert_uint_eq(runs.run[i].ms, 110000);
        uint64_t this_due = 110000 - runs.run[i].late_ms;
        ck_assert_uint_ge(this_due, due);
        due = this_due;
        of_a += runs.run[i].task == 'a';
    }
    ck_assert_uint_eq(of_a, 3);
    runs.count = 0;
    fake_advance_ms(runs.env, 5000);
    ck_assert_uint_eq(runs.count, 1);
    expect(0, 'b', 115000, 0);
}
END_TEST

START_TEST(test_fixed_rate_done__a_slow_task_delays_the_others) {
    runs.at_once = false;
    fixed_rate_start(&runs.worker, runs.env, runs.tasks, 2, &runs);
    fake_advance_ms(runs.env, 16000); /* a still runs */
    ck_assert_uint_eq(runs.count, 1);
    fixed_rate_done(&runs.worker);
    fake_settle(runs.env);
    ck_assert_uint_eq(runs.count, 2);
    expect(1, 'b', 16000, 6000);
    fixed_rate_done(&runs.worker);
    fake_settle(runs.env);
    ck_assert_uint_eq(runs.count, 3);
    expect(2, 'b', 16000, 1000);
}
END_TEST

START_TEST(test_fixed_rate_hasten__moves_one_run_only) {
    fixed_rate_start(&runs.worker, runs.env, runs.tasks, 1, &runs);
    fixed_rate_hasten(&runs.worker, 0, 1000 * MS);
    fake_advance_ms(runs.env, 41000);
    ck_assert_uint_eq(runs.count, 2);
    expect(0, 'a', 9000, 0);
    expect(1, 'a', 40000, 0);
}
END_TEST

/* A task that joins later runs when it would have run. */
START_TEST(test_fixed_rate_add__keeps_the_schedule) {
    static const uint64_t JOINS_MS[] = {0, 10000, 12000, 15000};
    static const uint64_t FIRST_MS[] = {10000, 10000, 15000, 15000};
    fixed_rate_start(&runs.worker, runs.env, runs.tasks, 1, &runs);
    fake_advance_ms(runs.env, JOINS_MS[_i]);
    size_t before = runs.count;
    fixed_rate_add(&runs.worker, runs.begin_ns);
    fake_advance_ms(runs.env, 5000);
    if (_i == 0)
        fake_advance_ms(runs.env, 5000);
    size_t at = _i == 0 ? before + 1 : before; /* a is due at 10 s, too, and comes first */
    expect(at, 'b', FIRST_MS[_i], 0);
}
END_TEST

START_TEST(test_fixed_rate_add__while_a_task_runs) {
    runs.at_once = false;
    fixed_rate_start(&runs.worker, runs.env, runs.tasks, 1, &runs);
    fake_advance_ms(runs.env, 11000);
    fixed_rate_add(&runs.worker, runs.begin_ns);
    fake_advance_ms(runs.env, 6000);
    ck_assert_uint_eq(runs.count, 1);
    fixed_rate_done(&runs.worker);
    fake_settle(runs.env);
    expect(1, 'b', 17000, 2000);
}
END_TEST

START_TEST(test_fixed_rate_stop__ends_it) {
    fixed_rate_start(&runs.worker, runs.env, runs.tasks, 2, &runs);
    fake_advance_ms(runs.env, 10000);
    fixed_rate_stop(&runs.worker);
    fixed_rate_stop(&runs.worker);
    fake_advance_ms(runs.env, 100000);
    ck_assert_uint_eq(runs.count, 2);
    ck_assert_uint_eq(fake_timer_count(runs.env), 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("fixed_rate");
    TCase *tests = suite_case(suite, "worker");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_fixed_rate_start__runs_at_first_and_each_period);
    tcase_add_test(tests, test_fixed_rate_done__ties_go_to_the_lower_index);
    tcase_add_test(tests, test_fixed_rate_done__missed_runs_come_at_once_in_order);
    tcase_add_test(tests, test_fixed_rate_done__a_slow_task_delays_the_others);
    tcase_add_test(tests, test_fixed_rate_hasten__moves_one_run_only);
    tcase_add_loop_test(tests, test_fixed_rate_add__keeps_the_schedule, 0, 4);
    tcase_add_test(tests, test_fixed_rate_add__while_a_task_runs);
    tcase_add_test(tests, test_fixed_rate_stop__ends_it);
    return suite_run(suite);
}
