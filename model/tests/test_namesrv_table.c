/* test_namesrv_table.c - removal, administration and answers of the route tables (namesrv.md 8 to
 * 12, 15), and all of it under random use. */
#include "model/tests/test_namesrv_tables.h"

/* ---- removal --------------------------------------------------------------------------------- */

START_TEST(test_unregister__last_address_takes_everything) {
    reg("a", 0, "x:1", 1, "T");
    reg("b", 0, "y:1", 1, "T,U");
    route_table_unregister(&table, S("c"), S("a"), S("x:1"), 0);
    ck_assert_ptr_null(route_find_broker(&table, S("a")));
    ck_assert_ptr_nonnull(route_find_topic(&table, S("T")));
    route_table_unregister(&table, S("c"), S("b"), S("y:1"), 0);
    ck_assert_ptr_null(table.topics);
    ck_assert_ptr_null(table.clusters);
    ck_assert_ptr_null(table.lives);
    ck_assert_uint_eq(table.queues.count, 0);
    ck_assert_uint_eq(fake_event_count(env, EVENT_route_topic_removed), 3);
}
END_TEST

START_TEST(test_unregister__queue_data_stays_while_an_id_remains) {
    reg("a", 0, "x:1", 1, "T");
    reg("a", 1, "x:2", 1, "");
    route_table_unregister(&table, S("c"), S("a"), S("x:1"), 0);
    ck_assert_int_eq(perm_of("T", "a"), 6);
    ck_assert_str_eq(addr_of("a", 0), "");
    ck_assert_str_eq(addr_of("a", 1), "x:2");
}
END_TEST

START_TEST(test_unregister__compares_the_address_but_for_the_quirk) {
    reg("a", 0, "y:1", 1, "T");
    route_table_unregister(&table, S("c"), S("a"), S("x:1"), 0); /* late, of an old address */
    ck_assert_str_eq(addr_of("a", 0), "y:1");
    table.options.quirks = 1U << QUIRK_UNREGISTER_BY_ID;
    route_table_unregister(&table, S("c"), S("a"), S("x:1"), 0);
    ck_assert_str_eq(addr_of("a", 0), "");
    ck_assert_ptr_nonnull(route_find_live(&table, S("c"), S("y:1"))); /* still counts as alive */
    ck_assert_int_eq(reg("a", 0, "y:1", 1, "T"), RMQ_OK);
    ck_assert_str_eq(addr_of("a", 0), "y:1");
}
END_TEST

START_TEST(test_lose_source__removes_what_was_last_registered_over_it) {
    struct route_source other;
    list_init(&other.lives);
    reg("a", 0, "x:1", 1, "T");
    struct route_registration again = make("a", 0, "x:1", 1, "T");
    again.source = &other;
    apply(&again);
    ck_assert(result.unchanged); /* another connection is no other sender */
    route_table_lose_source(&table, &source, "close");
    ck_assert_str_eq(addr_of("a", 0), "x:1");
    route_table_lose_source(&table, &other, "idle");
    ck_assert_ptr_null(table.brokers);
    ck_assert_uint_eq(fake_event_count_of(env, EVENT_route_broker_evicted, "reason", "idle"), 1);
}
END_TEST

/* ---- administration -------------------------------------------------------------------------- */

START_TEST(test_set_writable__counts_topics_and_is_overwritten_by_a_new_version) {
    reg("a", 0, "x:1", 1, "T:7,U:4");
    ck_assert_uint_eq(route_table_set_writable(&table, S("a"), false), 2);
    ck_assert_int_eq(perm_of("T", "a"), 5);
    ck_assert_int_eq(perm_of("U", "a"), 4);
    reg("a", 0, "x:1", 1, "T:7,U:4");
    ck_assert_int_eq(perm_of("T", "a"), 5);
    ck_assert_uint_eq(route_table_set_writable(&table, S("a"), true), 2);
    ck_assert_int_eq(perm_of("T", "a"), 6);
    ck_assert_int_eq(perm_of("U", "a"), 6);
    reg("a", 0, "x:1", 2, "T:7,U:4");
    ck_assert_int_eq(perm_of("T", "a"), 7);
    ck_assert_uint_eq(route_table_set_writable(&table, S("nobody"), false), 0);
}
END_TEST

START_TEST(test_delete_topic__of_one_cluster_or_of_all) {
    reg("a", 0, "x:1", 1, "T");
    struct route_registration other = make("b", 0, "y:1", 1, "T");
    other.cluster = S("d");
    apply(&other);
    route_table_delete_topic(&table, S("T"), S("d"));
    ck_assert_int_eq(perm_of("T", "a"), 6);
    ck_assert_int_eq(perm_of("T", "b"), -1);
    route_table_delete_topic(&table, S("T"), S(""));
    ck_assert_ptr_null(table.topics);
    route_table_delete_topic(&table, S("T"), S(""));
}
END_TEST

/* ---- 5.3 ------------------------------------------------------------------------------------- */

static char noted[256];
static void note_min_id(void *ctx, const struct route_broker *broker, struct span offline_addr,
                        struct span ha_addr) {
    (void)ctx;
    size_t len = strlen(noted);
    snprintf(noted + len, sizeof noted - len, "%.*s offline=%.*s ha=%.*s;", (int)broker->name_len,
             broker->name, (int)offline_addr.len, (const char *)offline_addr.data, (int)ha_addr.len,
             (const char *)ha_addr.data);
}

static int reg_acting(int64_t id, const char *addr, int64_t counter, const char *topics) {
    struct route_registration registration = make("a", id, addr, counter, topics);
    registration.acting = ROUTE_ACTING_TRUE;
    return apply(&registration);
}

START_TEST(test_acting__name_without_master_is_read_only) {
    noted[0] = '\0';
    table.on_min_id_changed = note_min_id;
    reg_acting(0, "x:1", 1, "T:6");
    reg_acting(1, "x:2", 1, "T:6");
    route_table_unregister(&table, S("c"), S("a"), S("x:1"), 0);
    ck_assert_int_eq(perm_of("T", "a"), 4);
    ck_assert_str_eq(noted, "a offline=x:1 ha=;");
    reg_acting(1, "x:2", 2, "T:6,U:6"); /* the prime slave: its topics count, read-only */
    ck_assert_int_eq(perm_of("U", "a"), 4);
    reg_acting(2, "x:3", 1, "V"); /* not the smallest */
    ck_assert_int_eq(perm_of("V", "a"), -1);
    noted[0] = '\0';
    reg_acting(0, "x:1", 3, "T:6");
    ck_assert_int_eq(perm_of("T", "a"), 6);
    ck_assert_str_eq(noted, "a offline= ha=10.9.9.9:10912;");
}
END_TEST

START_TEST(test_acting__old_brokers_slaves_bring_no_topics) {
    ck_assert_int_eq(reg("a", 1, "x:2", 1, "T"), RMQ_OK);
    ck_assert_int_eq(perm_of("T", "a"), -1);
}
END_TEST

START_TEST(test_register_5_3__removes_topics_that_the_body_does_not_name) {
    table.options.delete_topic_with_registration = true;
    reg("a", 0, "x:1", 1, "T,U,V");
    reg("a", 0, "x:1", 2, "U");
    ck_assert_int_eq(perm_of("T", "a"), -1);
    ck_assert_int_eq(perm_of("U", "a"), 6);
    ck_assert_uint_eq(fake_event_count_of(env, EVENT_route_topic_removed, "reason", "absent"), 2);
}
END_TEST

START_TEST(test_register_5_3__single_topic_guard_leaves_an_empty_entry) {
    table.options.quirks = 1U << QUIRK_SINGLE_TOPIC_GUARD;
    ck_assert_int_eq(reg("a", 0, "x:1", 1, "T"), RMQ_E_STATE);
    ck_assert_str_eq(result.refusal, "register broker failed");
    ck_assert_ptr_nonnull(route_find_broker(&table, S("a")));
    ck_assert_ptr_null(table.lives);
    ck_assert_int_eq(reg("a", 0, "x:1", 1, "T,U"), RMQ_OK);
    ck_assert_int_eq(reg("a", 0, "x:1", 2, "T"), RMQ_OK);
    ck_assert_int_eq(reg("b", 0, "y:1", 1, "T"), RMQ_E_STATE);
    route_table_unregister(&table, S("c"), S("b"), S("y:1"), 0);
    ck_assert_ptr_null(route_find_broker(&table, S("b")));
}
END_TEST

START_TEST(test_register_5_3__clusters_have_live_entries_of_their_own) {
    reg("a", 0, "x:1", 1, "T");
    struct route_registration other = make("b", 0, "x:1", 1, "T");
    other.cluster = S("d");
    ck_assert_int_eq(apply(&other), RMQ_OK);
    ck_assert_uint_eq(HASH_COUNT(table.lives), 2);
    other = make("a", 0, "x:1", 1, "T"); /* same name, id and address, other cluster */
    other.cluster = S("d");
    ck_assert_int_eq(apply(&other), RMQ_OK);
    ck_assert_str_eq(addr_of("a", 0), "x:1");
}
END_TEST

/* ---- answers --------------------------------------------------------------------------------- */

static const char *route_text(const struct route_query *query) {
    static char text[2048];
    struct buf out;
    size_t brokers = 0;
    buf_init(&out, env);
    int err = route_answer_route(&table, query, &out, &brokers);
    snprintf(text, sizeof text, "%d:%.*s", (int)brokers, (int)out.len, (const char *)out.data);
    buf_deinit(&out);
    return err == RMQ_OK ? text : "none";
}

START_TEST(test_answer_route__sorted_by_broker_name) {
    reg("b", 0, "y:1", 1, "T");
    reg("a", 0, "x:1", 1, "T");
    reg("a", 7, "x:7", 1, "");
    struct route_query query = {.topic = S("T"), .style = JSON_STYLE_STANDARD};
    ck_assert_str_eq(
        route_text(&query),
        "2:{\"brokerDatas\":[{\"brokerAddrs\":{\"0\":\"x:1\",\"7\":\"x:7\"},\"brokerName\":\"a\","
        "\"cluster\":\"c\"},{\"brokerAddrs\":{\"0\":\"y:1\"},\"brokerName\":\"b\",\"cluster\":"
        "\"c\"}],\"filterServerTable\":{},\"queueDatas\":[{\"brokerName\":\"a\",\"perm\":6,"
        "\"readQueueNums\":8,\"topicSysFlag\":0,\"writeQueueNums\":8},{\"brokerName\":\"b\","
        "\"perm\":6,\"readQueueNums\":8,\"topicSysFlag\":0,\"writeQueueNums\":8}]}");
    query.topic = S("nothing");
    ck_assert_str_eq(route_text(&query), "none");
}
END_TEST

START_TEST(test_answer_route__acting_master_and_zone) {
    struct route_registration registration = make("a", 2, "x:2", 1, "T");
    registration.acting = ROUTE_ACTING_TRUE;
    registration.zone = S("East");
    apply(&registration);
    struct route_query query = {.topic = S("T"), .acting_master = true};
    ck_assert_ptr_nonnull(strstr(route_text(&query), "{0:\"x:2\"}"));
    ck_assert_ptr_nonnull(strstr(route_text(&query), "\"zoneName\":\"East\""));
    query.acting_master = false;
    ck_assert_ptr_nonnull(strstr(route_text(&query), "{2:\"x:2\"}"));
    query.zone = S("west"); /* no master: kept in any zone */
    ck_assert_ptr_nonnull(strstr(route_text(&query), "x:2"));
    registration = make("a", 0, "x:1", 1, "T");
    registration.zone = S("East");
    apply(&registration);
    ck_assert_ptr_nonnull(strstr(route_text(&query), "\"brokerDatas\":[]"));
    query.zone = S("EAST");
    ck_assert_ptr_nonnull(strstr(route_text(&query), "x:1"));
}
END_TEST

/* ---- many ------------------------------------------------------------------------------------ */

/* Random registrations, removals and deletions; all invariants after each. */
START_TEST(test_table__invariants_hold_under_random_use) {
    table.options.quirks = 1U << QUIRK_MASTER_FLIP | 1U << QUIRK_UNREGISTER_BY_ID;
    uint64_t state = UINT64_C(88172645463325252) + (unsigned)_i;
    for (int step = 0; step < 600; step++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        unsigned draw = (unsigned)(state >> 20);
        char broker[8], addr[16], topics[32], topic[8];
        snprintf(broker, sizeof broker, "b%u", draw % 7);
        snprintf(addr, sizeof addr, "x:%u", draw / 7 % 9);
        snprintf(topic, sizeof topic, "t%u", draw / 63 % 12);
        snprintf(topics, sizeof topics, "%s,t%u,t%u", topic, 20 + draw % 3, 30 + draw / 8 % 9);
        fake_advance_ms(env, draw % 100);
        switch (draw / 1000 % 6) {
        case 0:
            route_table_unregister(&table, S("c"), S(broker), S(addr), draw % 3);
            break;
        case 1:
            route_table_delete_topic(&table, S(topic), SPAN_NONE);
            break;
        default:
            reg(broker, draw / 5 % 3, addr, draw % 4, topics);
        }
        if (draw % 97 == 0)
            route_table_lose_source(&table, &source, "close");
        ck_assert(route_table_check(&table));
    }
}
END_TEST

/* Ten thousand brokers that share ten topics and have one of their own. */
START_TEST(test_table__memory_per_broker) {
    enum { BROKERS = 10000 };
    char name[32], addr[32], topics[200];
    for (int i = 0; i < BROKERS; i++) {
        snprintf(name, sizeof name, "broker-%05d", i);
        snprintf(addr, sizeof addr, "10.0.%d.%d:10911", i / 250, i % 250);
        snprintf(topics, sizeof topics, "TBW102,BenchmarkTest,A,B,C,D,E,F,G,H,Own%05d", i);
        struct route_registration registration = make(name, 0, addr, 1, topics);
        ck_assert_int_eq(route_table_register(&table, &registration, &result), RMQ_OK);
    }
    fake_events_clear(env);
    size_t bytes = fake_memory_used(env) / BROKERS;
    printf("%zu bytes per broker with 11 topics, %d brokers\n", bytes, BROKERS);
    ck_assert_uint_lt(bytes, 3072);
}
END_TEST

static Suite *table_suite(void) {
    Suite *suite = suite_create("namesrv_table");
    TCase *tests = suite_case(suite, "4.9");
    tcase_add_checked_fixture(tests, setup_4_9, teardown);
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, test_unregister__last_address_takes_everything);
    tcase_add_test(tests, test_unregister__queue_data_stays_while_an_id_remains);
    tcase_add_test(tests, test_unregister__compares_the_address_but_for_the_quirk);
    tcase_add_test(tests, test_lose_source__removes_what_was_last_registered_over_it);
    tcase_add_test(tests, test_set_writable__counts_topics_and_is_overwritten_by_a_new_version);
    tcase_add_test(tests, test_delete_topic__of_one_cluster_or_of_all);
    tcase_add_test(tests, test_answer_route__sorted_by_broker_name);
    tcase_add_loop_test(tests, test_table__invariants_hold_under_random_use, 0, 10);
    tcase_add_test(tests, test_table__memory_per_broker);
    tests = suite_case(suite, "5.3");
    tcase_add_checked_fixture(tests, setup_5_3, teardown);
    tcase_add_test(tests, test_acting__name_without_master_is_read_only);
    tcase_add_test(tests, test_acting__old_brokers_slaves_bring_no_topics);
    tcase_add_test(tests, test_register_5_3__removes_topics_that_the_body_does_not_name);
    tcase_add_test(tests, test_register_5_3__single_topic_guard_leaves_an_empty_entry);
    tcase_add_test(tests, test_register_5_3__clusters_have_live_entries_of_their_own);
    tcase_add_test(tests, test_answer_route__acting_master_and_zone);
    tcase_add_loop_test(tests, test_table__invariants_hold_under_random_use, 0, 10);
    return suite;
}

int main(void) {
    return suite_run(table_suite());
}
