/* test_consumer_rebalance.c - which queues a consumer has, and when (client.md 15; the rows C3 to
 * C6, C15, C23, C24 of 29.2; INC-62). */
#include "model/tests/consumer_fixture.h"

#define BOTH "{\"consumerIdList\":[\"10.0.0.9@c1\",\"10.0.0.9@c2\"]}"
#define OTHER "{\"consumerIdList\":[\"10.0.0.9@c2\"]}"
#define MINE "{\"consumerIdList\":[\"10.0.0.9@c1\"]}"

static size_t queues(void) {
    return t.consumer->queue_count;
}

START_TEST(test_share__of_two_members) {
    t.queues = 4;
    t.broker_count = 2;
    t.members = BOTH;
    run("");
    ck_assert_uint_eq(queues(), 4);
    ck_assert_uint_eq(events(EVENT_queue_acquired), 4);
    ck_assert_uint_eq(fake_event_count_of(t.env, EVENT_queue_acquired, "broker", "a"), 4);
    ck_assert_uint_eq(events(EVENT_consumer_rebalanced), 1);
    ck_assert_uint_eq(fake_event_uint(t.env, EVENT_consumer_rebalanced, "members"), 2);
    ck_assert_uint_eq(fake_event_uint(t.env, EVENT_consumer_rebalanced, "queues"), 8);
    ck_assert_uint_eq(fake_event_uint(t.env, EVENT_consumer_rebalanced, "mine"), 4);
    ck_assert_span_eq(fake_event_text(t.env, EVENT_consumer_rebalanced, "strategy"), "AVG");
    pass_ms(60000); /* nothing changes, nothing is told */
    ck_assert_uint_eq(events(EVENT_consumer_rebalanced), 1);
}
END_TEST

START_TEST(test_strategy__by_circle) {
    t.config = "consumerGroup=g\nsubscription=T\nallocateStrategy=AVG_BY_CIRCLE\n";
    t.queues = 4;
    t.members = BOTH;
    run("");
    ck_assert_uint_eq(pulls_of(0), 1);
    ck_assert_uint_eq(pulls_of(1), 0);
    ck_assert_uint_eq(pulls_of(2), 1);
}
END_TEST

/* C4, INC-62: the batch that runs is neither acknowledged nor sent back; the new owner starts at
 * what was contiguous. */
START_TEST(test_moved__commits_what_is_contiguous) {
    t.queues = 2;
    t.mode = LISTENER_HOLDS;
    run("");
    find_messages(1, 3);
    end_batch(0, true);
    end_batch(2, true);
    t.members = BOTH;
    notify_members_changed();
    pass_ms(10);
    ck_assert_uint_eq(queues(), 1);
    ck_assert_int_eq(t.commits[0][1], 1);
    ck_assert_uint_eq(t.dropped, 1);
    ck_assert_span_eq(fake_event_text(t.env, EVENT_queue_released, "reason"), "rebalance");
    ck_assert_uint_eq(fake_event_uint(t.env, EVENT_queue_released, "in_flight"), 1);
    ck_assert_int_eq(fake_event_int(t.env, EVENT_queue_released, "committed"), 1);
    pass_ms(10000);
    ck_assert_int_eq(t.commits[0][1], 1); /* never again */
    t.members = MINE;
    t.stored[1] = 1;
    notify_members_changed();
    pass_ms(10);
    ck_assert_int_eq(take_pull(1).offset, 3); /* held from before, never answered */
    ck_assert_int_eq(take_pull(1).offset, 1);
}
END_TEST

/* C23: without the notice, at the next run. */
START_TEST(test_notice_lost__20_s) {
    t.queues = 2;
    run("");
    t.members = BOTH;
    pass_ms(18500);
    ck_assert_uint_eq(queues(), 2);
    pass_ms(1600);
    ck_assert_uint_eq(queues(), 1);
}
END_TEST

/* C6: not in the list: nothing is mine. */
START_TEST(test_own_id_missing__drops_all) {
    t.queues = 2;
    run("");
    t.members = OTHER;
    notify_members_changed();
    pass_ms(10);
    ck_assert_uint_eq(queues(), 0);
}
END_TEST

static const struct {
    int32_t code;
    const char *body;
} UNKNOWN[] = {
    {RESPONSE_SYSTEM_ERROR, ""},
    {RESPONSE_SUCCESS, "{\"consumerIdList\":[]}"},
    {RESPONSE_SUCCESS, "{\"consumerIdList\":["},
    {RESPONSE_SUCCESS, "{\"consumerIdList\":[\"\"]}"},
    {RESPONSE_SUCCESS, ""},
    {RESPONSE_SUCCESS, "[]"},
};

/* C3: what cannot be found out leaves all as it is. */
START_TEST(test_members_unknown__nothing_moves) {
    t.queues = 2;
    run("");
    t.members_code = UNKNOWN[_i].code;
    t.members = UNKNOWN[_i].body;
    notify_members_changed();
    pass_ms(10);
    ck_assert_uint_eq(queues(), 2);
    ck_assert_uint_eq(events(EVENT_queue_released), 0);
}
END_TEST

START_TEST(test_route_missing__found_later) {
    t.no_route = true;
    run("");
    ck_assert_uint_eq(queues(), 0);
    t.no_route = false;
    pass_ms(25000); /* asked for by the next run, taken by that or the one after */
    pass_ms(20000);
    ck_assert_uint_eq(pulls_of(0), 1);
}
END_TEST

/* C24: a pull whose answer never comes back to us (a bug, or a callback that was lost). */
START_TEST(test_pull_lost__repaired_after_120_s) {
    run("");
    struct consumer_queue *queue = consumer_queue_find(t.consumer->topics[0], SPAN_LITERAL("a"), 0);
    remoting_cancel(&t.consumer->client->remoting, queue);
    queue->in_flight = false;
    pass_ms(119000);
    ck_assert_uint_eq(events(EVENT_queue_released), 0);
    pass_ms(22000);
    ck_assert_span_eq(fake_event_text(t.env, EVENT_queue_released, "reason"), "expired");
    ck_assert_uint_eq(pulls_of(0), 2);
}
END_TEST

START_TEST(test_queues_follow_the_route) {
    t.queues = 1;
    run("");
    t.queues = 3;
    pass_ms(52000); /* the poll, then a run */
    ck_assert_uint_eq(queues(), 3);
    t.queues = 2;
    pass_ms(52000);
    ck_assert_uint_eq(queues(), 2);
}
END_TEST

START_TEST(test_notice__many_make_one_more_run) {
    run("");
    int asked = t.asked[REQUEST_GET_CONSUMER_LIST_BY_GROUP];
    t.deaf[0] = true; /* the run lasts */
    for (int i = 0; i < 5; i++)
        notify_members_changed();
    pass_ms(10);
    for (int i = 0; i < 5; i++)
        notify_members_changed();
    ck_assert_int_eq(t.asked[REQUEST_GET_CONSUMER_LIST_BY_GROUP], asked + 1);
    t.deaf[0] = false;
    pass_ms(3100); /* that run ends, the one more begins */
    ck_assert_int_ge(t.asked[REQUEST_GET_CONSUMER_LIST_BY_GROUP], asked + 2);
}
END_TEST

START_TEST(test_5_3__a_run_each_second_at_most) {
    run("profile=5.3\n");
    pass_ms(3000);
    int asked = t.asked[REQUEST_GET_CONSUMER_LIST_BY_GROUP];
    for (int i = 0; i < 10; i++) {
        notify_members_changed();
        pass_ms(100);
    }
    ck_assert_int_le(t.asked[REQUEST_GET_CONSUMER_LIST_BY_GROUP], asked + 2 * 2);
}
END_TEST

START_TEST(test_5_3__first_pull_after_500_ms) {
    start("profile=5.3\n");
    serve();
    while (events(EVENT_queue_acquired) == 0)
        pass_ms(10);
    pass_ms(480);
    ck_assert_uint_eq(pulls_of(0), 0);
    pass_ms(30);
    ck_assert_uint_eq(pulls_of(0), 1);
}
END_TEST

START_TEST(test_plant__keeps_a_moved_queue) {
    fake_set_plant(t.env, PLANT_CONSUMER_KEEP_QUEUE, true);
    t.queues = 2;
    run("");
    t.members = BOTH;
    notify_members_changed();
    pass_ms(10);
    ck_assert_uint_eq(queues(), 2);
}
END_TEST

START_TEST(test_plant__rebalances_once) {
    fake_set_plant(t.env, PLANT_CONSUMER_NO_REBALANCE, true);
    t.queues = 2;
    run("");
    ck_assert_uint_eq(queues(), 2);
    t.members = BOTH;
    notify_members_changed();
    pass_ms(50000);
    ck_assert_uint_eq(queues(), 2);
}
END_TEST

START_TEST(test_buggify__runs_early) {
    fake_set_buggify(t.env, BUGGIFY_CONSUMER_REBALANCE, true);
    run("");
    ck_assert_int_gt(t.asked[REQUEST_GET_CONSUMER_LIST_BY_GROUP], 20);
    ck_assert_uint_eq(queues(), 1);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("consumer_rebalance");
    TCase *tests = suite_case(suite, "rebalance");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_share__of_two_members);
    tcase_add_test(tests, test_strategy__by_circle);
    tcase_add_test(tests, test_moved__commits_what_is_contiguous);
    tcase_add_test(tests, test_notice_lost__20_s);
    tcase_add_test(tests, test_own_id_missing__drops_all);
    tcase_add_loop_test(tests, test_members_unknown__nothing_moves, 0,
                        sizeof UNKNOWN / sizeof UNKNOWN[0]);
    tcase_add_test(tests, test_route_missing__found_later);
    tcase_add_test(tests, test_pull_lost__repaired_after_120_s);
    tcase_add_test(tests, test_queues_follow_the_route);
    tcase_add_test(tests, test_notice__many_make_one_more_run);
    tcase_add_test(tests, test_5_3__a_run_each_second_at_most);
    tcase_add_test(tests, test_5_3__first_pull_after_500_ms);
    tcase_add_test(tests, test_plant__keeps_a_moved_queue);
    tcase_add_test(tests, test_plant__rebalances_once);
    tcase_add_test(tests, test_buggify__runs_early);
    return suite_run(suite);
}
