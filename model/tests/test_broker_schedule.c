/* test_broker_schedule.c - delayed messages over the real store: when and where they come, what a
 * step of the wall clock does, what restarts and failures leave. */
#include "model/tests/delay_fixture.h"

#define SCHEDULE "SCHEDULE_TOPIC_XXXX"

/* ---- when ------------------------------------------------------------------------------------ */

START_TEST(test_schedule__delivers_when_due) {
    begin(CONFIG);
    ck_assert_int_eq(send_delayed(1, "soon"), RESPONSE_SUCCESS);
    ck_assert_span_eq(wire_field(&answered, "queueId"), "0");
    fake_advance_ms(env, 999);
    ck_assert_uint_eq(pull_from("T", 0, 0), 0);
    fake_advance_ms(env, 11);
    ck_assert_uint_eq(pull_from("T", 0, 0), 1);
    ck_assert_span_eq(pulled.body, "soon");
    ck_assert_span_eq(pulled.topic, "T");
    expect_property("REAL_TOPIC", "T");
    expect_property("REAL_QID", "0");
    expect_property("DELAY", "1");
    expect_property("KEYS", "k1");
    expect_property("CLUSTER", "DefaultCluster");
    ck_assert_uint_le(fake_event_uint(env, EVENT_delay_delivered, "late_ns"), 10000000);
    end_broker();
}
END_TEST

/* A level above the highest is that one; level 0 and below are none. */
START_TEST(test_schedule__levels) {
    static const struct {
        int level;
        int queue_id; /* -1: not delayed */
    } CASES[] = {{1, 0}, {18, 17}, {19, 17}, {2147483647, 17}, {0, -1}, {-1, -1}};
    begin(CONFIG);
    ck_assert_int_eq(send_delayed(CASES[_i].level, "m"), RESPONSE_SUCCESS);
    if (CASES[_i].queue_id < 0)
        ck_assert_uint_eq(pull_from("T", 0, 0), 1);
    else
        ck_assert_uint_eq(pull_from(SCHEDULE, CASES[_i].queue_id, 0), 1);
    end_broker();
}
END_TEST

START_TEST(test_schedule__levels_are_configured) {
    begin(CONFIG "messageDelayLevel=2s 1s\n");
    ck_assert_int_eq(send_delayed(1, "second"), RESPONSE_SUCCESS);
    ck_assert_int_eq(send_delayed(2, "first"), RESPONSE_SUCCESS);
    fake_advance_ms(env, 1010);
    ck_assert_uint_eq(pull_from("T", 0, 0), 1);
    ck_assert_span_eq(pulled.body, "first");
    fake_advance_ms(env, 1000);
    ck_assert_uint_eq(pull_from("T", 0, 1), 1);
    ck_assert_span_eq(pulled.body, "second");
    end_broker();
}
END_TEST

START_TEST(test_schedule__an_idle_broker_has_no_timer_for_it) {
    begin(CONFIG);
    const struct broker *broker = fake_node(env);
    ck_assert(!env_timer_armed(&broker->schedule.timer));
    ck_assert_ptr_null(broker->schedule.levels);
    ck_assert_int_eq(send_delayed(1, "m"), RESPONSE_SUCCESS);
    ck_assert(env_timer_armed(&broker->schedule.timer));
    fake_advance_ms(env, 1010);
    ck_assert(!env_timer_armed(&broker->schedule.timer));
    ck_assert(env_timer_armed(&broker->schedule.save));
    fake_advance_ms(env, 12000);
    ck_assert(!env_timer_armed(&broker->schedule.save));
    ck_assert(delay_file_has("1:1"));
    end_broker();
}
END_TEST

START_TEST(test_schedule__many_at_once) {
    enum { MANY = 3000 };
    begin(CONFIG);
    for (int i = 0; i < MANY; i++)
        ck_assert_int_eq(send_delayed(1, "m"), RESPONSE_SUCCESS);
    fake_advance_ms(env, 1010);
    ck_assert_uint_eq(fake_event_count(env, EVENT_delay_delivered), MANY);
    const struct broker *broker = fake_node(env);
    ck_assert_int_eq(store_max_offset(broker->store, SPAN_LITERAL("T"), 0), MANY);
    end_broker();
}
END_TEST

/* ---- the wall clock -------------------------------------------------------------------------- */

/* INC-81: in front of, between and behind two messages of level 2 (5 s). */
START_TEST(test_schedule__a_step_of_the_wall_clock_changes_nothing) {
    static const int64_t STEPS[] = {-3600000, -2000, 2000, 3600000};
    begin(CONFIG);
    ck_assert_int_eq(send_delayed(2, "before"), RESPONSE_SUCCESS);
    fake_advance_ms(env, 1000);
    fake_set_wall_ms(env, env_wall_ms(env) + STEPS[_i]);
    ck_assert_int_eq(send_delayed(2, "after"), RESPONSE_SUCCESS);
    ck_assert_uint_eq(fake_event_count(env, EVENT_delay_clock), 1);
    ck_assert_int_eq(fake_event_int(env, EVENT_delay_clock, "step_ms"), STEPS[_i]);
    fake_set_wall_ms(env, env_wall_ms(env) + 2 * STEPS[_i]);
    fake_advance_ms(env, 3999);
    ck_assert_uint_eq(pull_from("T", 0, 0), 0);
    fake_advance_ms(env, 11);
    ck_assert_uint_eq(pull_from("T", 0, 0), 1);
    fake_advance_ms(env, 989);
    ck_assert_uint_eq(pull_from("T", 0, 0), 1);
    fake_advance_ms(env, 11);
    ck_assert_uint_eq(pull_from("T", 0, 0), 2);
    end_broker();
}
END_TEST

START_TEST(test_schedule__quirk_goes_by_the_wall_clock) {
    begin(CONFIG "quirk.delayByWall=true\n");
    ck_assert_int_eq(send_delayed(2, "m"), RESPONSE_SUCCESS);
    fake_set_wall_ms(env, env_wall_ms(env) + (_i == 0 ? 4000 : -1000));
    fake_advance_ms(env, _i == 0 ? 1000 : 200); /* early, or at once: it "cannot be" */
    ck_assert_uint_eq(pull_from("T", 0, 0), 1);
    end_broker();
}
END_TEST

/* Set back by an hour between two processes: the stored time is beyond the level's delay. */
START_TEST(test_schedule__after_a_restart_the_stored_time_rules) {
    begin(CONFIG);
    ck_assert_int_eq(send_delayed(2, "m"), RESPONSE_SUCCESS);
    end_broker();
    fake_set_wall_ms(env, env_wall_ms(env) + (_i == 0 ? -3600000 : 3600000));
    begin(CONFIG);
    if (_i == 1) { /* long due */
        fake_advance_ms(env, 10);
        ck_assert_uint_eq(pull_from("T", 0, 0), 1);
        ck_assert_uint_eq(fake_event_count(env, EVENT_delay_clock), 0);
    } else {
        fake_advance_ms(env, 4900);
        ck_assert_uint_eq(pull_from("T", 0, 0), 0);
        fake_advance_ms(env, 200);
        ck_assert_uint_eq(pull_from("T", 0, 0), 1);
        ck_assert_span_eq(fake_event_text(env, EVENT_delay_clock, "when"), "start");
        ck_assert_int_lt(fake_event_int(env, EVENT_delay_clock, "step_ms"), -3590000);
    }
    end_broker();
}
END_TEST

/* ---- restarts -------------------------------------------------------------------------------- */

START_TEST(test_schedule__survives_a_clean_restart) {
    begin(CONFIG);
    ck_assert_int_eq(send_delayed(1, "done"), RESPONSE_SUCCESS);
    fake_advance_ms(env, 1010);
    ck_assert_int_eq(send_delayed(1, "waits"), RESPONSE_SUCCESS);
    end_broker();
    ck_assert(delay_file_has("1:1"));
    begin(CONFIG);
    fake_advance_ms(env, 1100);
    ck_assert_uint_eq(pull_from("T", 0, 0), 2); /* each once */
    ck_assert_span_eq(pulled.body, "waits");
    end_broker();
    ck_assert(delay_file_has("1:2"));
}
END_TEST

/* Killed, or without power: what was not delivered, or not durably, is delivered (again). */
START_TEST(test_schedule__survives_a_crash) {
    begin(CONFIG "flushDiskType=SYNC_FLUSH\n");
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(send_delayed(1, "early"), RESPONSE_SUCCESS);
    fake_advance_ms(env, 1010);
    ck_assert_int_eq(send_delayed(2, "late"), RESPONSE_SUCCESS);
    hang_up_client();
    fake_power_off(env, _i == 0 ? FAKE_KEEP_ALL : FAKE_KEEP_NONE);
    begin(CONFIG);
    fake_advance_ms(env, 6000);
    size_t count = pull_from("T", 0, 0);
    ck_assert_uint_ge(count, 6);
    ck_assert_uint_le(count, 11);
    ck_assert_span_eq(pulled.body, "late");
    end_broker();
}
END_TEST

/* An offset is in the file only when the copies before it are flushed: with a slow flush the file
 * waits, so that a power-off brings messages twice, not never. */
START_TEST(test_schedule__offsets_wait_for_the_flush) {
    begin(CONFIG "flushIntervalCommitLog=1000000\nflushCommitLogThoroughInterval=1000000\n"
                 "flushCommitLogLeastPages=1000\n");
    ck_assert_int_eq(send_delayed(1, "m"), RESPONSE_SUCCESS);
    fake_set_plant(env, PLANT_DELAY_SAVE_AHEAD, _i == 1);
    fake_advance_ms(env, 15000);
    ck_assert_uint_eq(pull_from("T", 0, 0), 1);
    ck_assert(delay_file_has("1:1") == (_i == 1));
    end_broker();
    ck_assert(delay_file_has("1:1"));
}
END_TEST

/* A file that says more than the queue has would hide the next messages. */
START_TEST(test_schedule__offsets_are_corrected) {
    begin(CONFIG);
    ck_assert_int_eq(send_delayed(1, "m"), RESPONSE_SUCCESS);
    fake_advance_ms(env, 1010);
    end_broker();
    fake_put_file(env, "/store/config/delayOffset.json",
                  SPAN_LITERAL("{\"offsetTable\":{1:9,77:3}}"));
    fake_keep_all(env);
    begin(CONFIG);
    ck_assert(delay_file_has("1:1"));
    ck_assert(fake_log_contains(env, "delay level 1: offset 9 is corrected to 1"));
    ck_assert_int_eq(send_delayed(1, "next"), RESPONSE_SUCCESS);
    fake_advance_ms(env, 1010);
    ck_assert_uint_eq(pull_from("T", 0, 1), 1);
    end_broker();
}
END_TEST

/* ---- what fails ------------------------------------------------------------------------------ */

START_TEST(test_schedule__a_refused_put_is_tried_again) {
    begin(CONFIG);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(send_delayed(1, "m"), RESPONSE_SUCCESS);
    fake_advance_ms(env, 900);
    fake_fail_files_with(env, RMQ_E_NO_SPACE);
    fake_fail_at(env, FAKE_FAIL_FILE_WRITE, 1);
    fake_advance_ms(env, 200);
    fake_advance_ms(env, 5000);
    ck_assert(fake_failed(env, FAKE_FAIL_FILE_WRITE));
    const struct broker *broker = fake_node(env);
    ck_assert_int_eq(store_max_offset(broker->store, SPAN_LITERAL("T"), 0), 100);
    ck_assert_int_eq(schedule_offset(&broker->schedule, 1), 100);
    end_broker();
}
END_TEST

START_TEST(test_schedule__memory_that_is_out_delays_only) {
    bool failed = true;
    delay_teardown();
    for (unsigned n = 1; failed; n++) {
        setup();
        begin(CONFIG);
        ck_assert_int_eq(send_delayed(1, "m"), RESPONSE_SUCCESS);
        fake_fail_at(env, FAKE_FAIL_ALLOC, n);
        fake_advance_ms(env, 13000);
        failed = fake_failed(env, FAKE_FAIL_ALLOC);
        fake_fail_at(env, FAKE_FAIL_ALLOC, 0);
        fake_advance_ms(env, 2000);
        ck_assert_uint_eq(pull_from("T", 0, 0), 1);
        end_broker();
        delay_teardown();
    }
    setup();
}
END_TEST

/* What nobody can deliver does not hold up what is behind it. */
START_TEST(test_schedule__a_message_without_a_place_is_skipped) {
    begin(CONFIG);
    struct broker *broker = fake_node(env);
    static const char *const PROPERTIES[] = {
        "DELAY\0011",
        "DELAY\0011\002REAL_TOPIC\001T",
        "DELAY\0011\002REAL_TOPIC\001T\002REAL_QID\001x",
        "DELAY\0011\002REAL_TOPIC\001T\002REAL_QID\001-1",
        "DELAY\0011\002REAL_TOPIC\001a/b\002REAL_QID\0010",
        "DELAY\0011\002REAL_TOPIC\001RMQ_SYS_TRANS_HALF_TOPIC\002REAL_QID\0010"};
    struct message message = {.topic = SPAN_LITERAL(SCHEDULE),
                              .born_host = broker->host,
                              .properties = span_of_text(PROPERTIES[_i])};
    send_own(broker, &message);
    ck_assert_int_eq(send_delayed(1, "m"), RESPONSE_SUCCESS);
    fake_advance_ms(env, 1100);
    ck_assert_uint_eq(pull_from("T", 0, 0), 1);
    ck_assert(fake_log_contains(env, "delay level 1: the message at 0 is skipped: "));
    ck_assert_int_eq(schedule_offset(&broker->schedule, 1), 2);
    end_broker();
}
END_TEST

START_TEST(test_schedule__request_45_tells_the_offsets) {
    struct wire_command request;
    begin(CONFIG);
    ck_assert_int_eq(send_delayed(1, "m"), RESPONSE_SUCCESS);
    fake_advance_ms(env, 1010);
    wire_command_init(&request, REQUEST_GET_ALL_DELAY_OFFSET);
    ck_assert_int_eq(ask(&request), RESPONSE_SUCCESS);
    ck_assert_span_eq(answered.body, "{\"offsetTable\":{1:1}}");
    end_broker();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("broker_schedule");
    TCase *when = suite_case(suite, "when");
    tcase_add_checked_fixture(when, setup, delay_teardown);
    tcase_set_timeout(when, 60);
    tcase_add_test(when, test_schedule__delivers_when_due);
    tcase_add_loop_test(when, test_schedule__levels, 0, 6);
    tcase_add_test(when, test_schedule__levels_are_configured);
    tcase_add_test(when, test_schedule__an_idle_broker_has_no_timer_for_it);
    tcase_add_test(when, test_schedule__many_at_once);
    tcase_add_loop_test(when, test_schedule__a_step_of_the_wall_clock_changes_nothing, 0, 4);
    tcase_add_loop_test(when, test_schedule__quirk_goes_by_the_wall_clock, 0, 2);
    TCase *restarts = suite_case(suite, "restarts");
    tcase_add_checked_fixture(restarts, setup, delay_teardown);
    tcase_set_timeout(restarts, 60);
    tcase_add_loop_test(restarts, test_schedule__after_a_restart_the_stored_time_rules, 0, 2);
    tcase_add_test(restarts, test_schedule__survives_a_clean_restart);
    tcase_add_loop_test(restarts, test_schedule__survives_a_crash, 0, 2);
    tcase_add_loop_test(restarts, test_schedule__offsets_wait_for_the_flush, 0, 2);
    tcase_add_test(restarts, test_schedule__offsets_are_corrected);
    TCase *failures = suite_case(suite, "failures");
    tcase_add_checked_fixture(failures, setup, delay_teardown);
    tcase_set_timeout(failures, 120);
    tcase_add_test(failures, test_schedule__a_refused_put_is_tried_again);
    tcase_add_test(failures, test_schedule__memory_that_is_out_delays_only);
    tcase_add_loop_test(failures, test_schedule__a_message_without_a_place_is_skipped, 0, 6);
    tcase_add_test(failures, test_schedule__request_45_tells_the_offsets);
    return suite_run(suite);
}
