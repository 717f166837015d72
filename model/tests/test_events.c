/* test_events.c - the generated event tables and functions. */
#include "model/events.h"
#include "model/tests/env_fake.h"
#include "model/tests/suite.h"

START_TEST(test_event_kind_of_name__finds_each_kind) {
    for (int kind = 0; kind < EVENT_KIND_COUNT; kind++) {
        ck_assert_int_eq(event_kind_of_name(span_of_text(EVENT_INFO[kind].name)), kind);
        ck_assert_uint_gt(EVENT_INFO[kind].field_count, 0);
    }
    ck_assert_int_eq(event_kind_of_name(SPAN_LITERAL("route.broker_evicte")), -1);
    ck_assert_int_eq(event_kind_of_name(SPAN_NONE), -1);
}
END_TEST

START_TEST(test_event_info__describes_fields_in_order) {
    const struct event_info *info = &EVENT_INFO[EVENT_route_broker_evicted];
    ck_assert_str_eq(info->name, "route.broker_evicted");
    ck_assert_str_eq(info->who, "namesrv");
    ck_assert_uint_eq(info->field_count, 6);
    ck_assert_str_eq(info->fields[2].name, "broker_id");
    ck_assert_int_eq(info->fields[2].type, EVENT_INT);
    ck_assert_str_eq(info->fields[4].name, "reason");
    ck_assert_int_eq(info->fields[4].type, EVENT_TEXT);
    ck_assert_str_eq(info->fields[5].name, "since_registration_ns");
    ck_assert_int_eq(info->fields[5].type, EVENT_UINT);
}
END_TEST

START_TEST(test_event_functions__record_their_fields) {
    struct env *env = fake_create();
    event_route_broker_evicted(env, SPAN_LITERAL("c"), SPAN_LITERAL("broker-a"), -1,
                               SPAN_LITERAL("10.0.0.1:10911"), SPAN_LITERAL("idle"), UINT64_MAX);
    ck_assert_uint_eq(fake_event_total(env), 1);
    int kind = EVENT_route_broker_evicted;
    ck_assert(span_equal(fake_event_text(env, kind, "broker"), SPAN_LITERAL("broker-a")));
    ck_assert(span_equal(fake_event_text(env, kind, "reason"), SPAN_LITERAL("idle")));
    ck_assert_int_eq(fake_event_int(env, kind, "broker_id"), -1);
    ck_assert(fake_event_uint(env, kind, "since_registration_ns") == UINT64_MAX);
    fake_destroy(env);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("events");
    TCase *tests = suite_case(suite, "events");
    tcase_add_test(tests, test_event_kind_of_name__finds_each_kind);
    tcase_add_test(tests, test_event_info__describes_fields_in_order);
    tcase_add_test(tests, test_event_functions__record_their_fields);
    return suite_run(suite);
}
