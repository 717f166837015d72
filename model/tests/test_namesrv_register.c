/* test_namesrv_register.c - what a registration does to the route tables: namesrv.md 5, 6 and
 * INC-10.
 */
#include "model/tests/test_namesrv_tables.h"

#define ck_unchanged(expected) ck_assert_int_eq(result.unchanged, expected)

/* ---- registration ---------------------------------------------------------------------------- */

START_TEST(test_register__fills_all_tables) {
    ck_assert_int_eq(reg("a", 0, "10.0.0.1:10911", 1, "T,U:4"), RMQ_OK);
    ck_assert(result.first);
    ck_assert_uint_eq(result.topics, 2);
    ck_assert_uint_eq(result.applied, 2);
    ck_assert_str_eq(addr_of("a", 0), "10.0.0.1:10911");
    ck_assert_int_eq(perm_of("T", "a"), 6);
    ck_assert_int_eq(perm_of("U", "a"), 4);
    ck_assert_ptr_nonnull(route_find_cluster(&table, S("c")));
    ck_assert_ptr_nonnull(route_find_live(&table, S("c"), S("10.0.0.1:10911")));
    ck_assert_uint_eq(fake_event_count(env, EVENT_route_topic_set), 2);
    ck_assert_uint_eq(fake_event_uint(env, EVENT_route_broker_registered, "first"), 1);
}
END_TEST

START_TEST(test_register__cluster_of_the_first_registration_stays) {
    reg("a", 0, "x:1", 1, "T");
    struct route_registration other = make("a", 1, "x:2", 1, "T");
    other.cluster = S("d");
    ck_assert_int_eq(apply(&other), RMQ_OK);
    const struct route_broker *broker = route_find_broker(&table, S("a"));
    ck_assert(span_equal(route_broker_cluster(broker), S("c")));
    ck_assert_ptr_nonnull(route_find_cluster(&table, S("d")));
    route_table_unregister(&table, S("d"), S("a"), S("x:2"), 1);
    route_table_unregister(&table, S("c"), S("a"), S("x:1"), 0);
    ck_assert_ptr_null(route_find_cluster(&table, S("d"))); /* no ghost */
}
END_TEST

START_TEST(test_register__one_address_has_one_id) {
    reg("a", 1, "x:1", 1, "");
    ck_assert_int_eq(reg("a", 0, "x:1", 2, "T"), RMQ_OK);
    ck_assert(result.first);
    ck_assert_str_eq(addr_of("a", 0), "x:1");
    ck_assert_str_eq(addr_of("a", 1), "");
    ck_assert_uint_eq(fake_event_count_of(env, EVENT_route_broker_evicted, "reason", "superseded"),
                      1);
}
END_TEST

START_TEST(test_register__first_slave_of_a_name_is_told_once) {
    reg("a", 0, "x:1", 1, "T");
    ck_assert_uint_eq(fake_event_count(env, EVENT_route_slave_seen), 0);
    reg("a", 2, "x:2", 1, "T");
    ck_assert_uint_eq(fake_event_count(env, EVENT_route_slave_seen), 1);
    ck_assert_uint_eq(fake_event_count_of(env, EVENT_route_slave_seen, "addr", "x:2"), 1);
    ck_assert_int_eq(fake_event_int(env, EVENT_route_slave_seen, "broker_id"), 2);
    ck_assert(fake_log_contains(env, "broker a has a slave: id 2, x:2;"));
    reg("a", 2, "x:2", 2, "T"); /* again, and another one */
    reg("a", 3, "x:3", 1, "T");
    ck_assert_uint_eq(fake_event_count(env, EVENT_route_slave_seen), 1);
    reg("b", 1, "x:4", 1, "T");
    ck_assert_uint_eq(fake_event_count_of(env, EVENT_route_slave_seen, "broker", "b"), 1);
}
END_TEST

START_TEST(test_register__slave_brings_no_topics_and_learns_its_master) {
    ck_assert_int_eq(reg("a", 1, "x:2", 1, "T"), RMQ_OK);
    ck_assert_int_eq(perm_of("T", "a"), -1);
    ck_assert(span_is_absent(result.master_addr));
    reg("a", 0, "x:1", 1, "T");
    ck_assert(span_is_absent(result.master_addr));
    reg("a", 1, "x:2", 1, "T");
    ck_assert(span_equal(result.master_addr, S("x:1")));
    ck_assert(span_equal(result.master_ha_addr, S("10.9.9.9:10912")));
    reg("a", 1, "x:2", 1, "T"); /* the short way answers the same */
    ck_unchanged(true);
    ck_assert(span_equal(result.master_addr, S("x:1")));
}
END_TEST

START_TEST(test_register__equal_version_changes_no_known_topic) {
    reg("a", 0, "x:1", 1, "T:6");
    ck_assert_int_eq(reg("a", 0, "x:1", 1, "T:4"), RMQ_OK);
    ck_assert_uint_eq(result.applied, 0);
    ck_assert_int_eq(perm_of("T", "a"), 6);
    reg("a", 0, "x:1", 2, "T:4");
    ck_assert_int_eq(perm_of("T", "a"), 4);
}
END_TEST

START_TEST(test_register__never_deletes_topics) {
    reg("a", 0, "x:1", 1, "T,U");
    reg("a", 0, "x:1", 2, "T");
    ck_assert_int_eq(perm_of("U", "a"), 6);
}
END_TEST

/* INC-06: an incremental registration is the first that a restarted name server hears. */
START_TEST(test_register__increment_hides_topics_only_under_the_quirk) {
    for (int quirk = 0; quirk < 2; quirk++) {
        if (quirk)
            table.options.quirks = 1U << QUIRK_INCREMENT_HIDES_TOPICS;
        reg(quirk ? "b" : "a", 0, quirk ? "x:2" : "x:1", 9, "T");
        reg(quirk ? "b" : "a", 0, quirk ? "x:2" : "x:1", 9, "T,U,V");
        ck_assert_int_eq(perm_of("U", quirk ? "b" : "a"), quirk ? -1 : 6);
    }
}
END_TEST

START_TEST(test_register__a_missing_timestamp_equals_nothing) {
    static const char text[] = "{\"topicConfigSerializeWrapper\":{\"dataVersion\":{\"counter\":1},"
                               "\"topicConfigTable\":{\"T\":{\"topicName\":\"T\",\"perm\":%d}}}}";
    for (int perm = 4; perm <= 7; perm++) {
        char json[256];
        snprintf(json, sizeof json, text, perm);
        struct route_registration registration = make("a", 0, "x:1", 1, "");
        registration.body = S(json);
        for (int again = 0; again < 2; again++) {
            ck_assert_int_eq(apply(&registration), RMQ_OK);
            ck_unchanged(false);
            ck_assert_int_eq(perm_of("T", "a"), perm);
        }
    }
}
END_TEST

START_TEST(test_register__new_address_always_updates) {
    reg("a", 0, "x:1", 1, "T:6");
    route_table_unregister(&table, S("c"), S("a"), S("x:1"), 0);
    reg("a", 1, "x:9", 1, "");
    ck_assert_int_eq(reg("a", 0, "y:1", 1, "T:4"), RMQ_OK);
    ck_assert_int_eq(perm_of("T", "a"), 4);
}
END_TEST

/* ---- bodies ---------------------------------------------------------------------------------- */

START_TEST(test_register__refuses_a_wrong_crc_and_a_broken_body) {
    struct route_registration registration = make("a", 0, "x:1", 1, "T");
    registration.body_crc32 = 12345;
    ck_assert_int_eq(apply(&registration), RMQ_E_INVALID);
    ck_assert_str_eq(result.refusal, "crc32 not match");
    registration.body_crc32 = wire_crc32(registration.body);
    ck_assert_int_eq(apply(&registration), RMQ_OK);
    route_table_unregister(&table, S("c"), S("a"), S("x:1"), 0);
    registration.body_crc32 = 0;
    registration.body.len--;
    ck_assert_int_eq(apply(&registration), RMQ_E_INVALID);
    ck_assert_ptr_nonnull(result.error.expected);
    ck_assert_ptr_null(table.brokers);
    ck_assert_ptr_null(table.lives);
    ck_assert_uint_eq(fake_event_count(env, EVENT_route_registration_refused), 2);
}
END_TEST

START_TEST(test_register__a_body_without_a_topic_name_changes_nothing) {
    struct route_registration registration = make("a", 0, "x:1", 1, ",T");
    ck_assert_int_eq(apply(&registration), RMQ_E_INVALID);
    ck_assert_ptr_null(table.topics);
}
END_TEST

START_TEST(test_register__refuses_names_beyond_the_key) {
    char name[ROUTE_KEY_MAX];
    memset(name, 'x', sizeof name);
    struct route_registration registration = make("a", 0, "x:1", 1, "T");
    registration.cluster = span_of(name, sizeof name - 3);
    ck_assert_int_eq(apply(&registration), RMQ_E_INVALID);
    registration.cluster = span_of(name, sizeof name - 4);
    ck_assert_int_eq(apply(&registration), RMQ_OK);
}
END_TEST

START_TEST(test_register__refuses_empty_names) {
    ck_assert_int_eq(reg("", 0, "x:1", 1, "T"), RMQ_E_INVALID);
    ck_assert_int_eq(reg("a", 0, "", 1, "T"), RMQ_E_INVALID);
    struct route_registration registration = make("a", 0, "x:1", 1, "T");
    registration.cluster = S("");
    ck_assert_int_eq(apply(&registration), RMQ_E_INVALID);
    ck_assert_str_eq(result.refusal, "cluster name, broker name or broker address is empty");
    ck_assert_ptr_null(table.brokers);
}
END_TEST

START_TEST(test_register__absent_body_is_an_empty_table) {
    struct route_registration registration = make("a", 0, "x:1", 1, "");
    registration.body = SPAN_NONE;
    ck_assert_int_eq(apply(&registration), RMQ_OK);
    ck_assert_uint_eq(result.topics, 0);
    ck_assert_int_eq(apply(&registration), RMQ_OK);
    ck_unchanged(true);
}
END_TEST

START_TEST(test_register__old_brokers_send_the_table_only) {
    struct route_registration registration = make("a", 0, "x:1", 1, "");
    registration.form = REGISTER_BODY_TABLE_ONLY;
    registration.body = S("{\"dataVersion\":{\"counter\":1,\"timestamp\":5},"
                          "\"topicConfigTable\":{\"T\":{\"topicName\":\"T\"}}}");
    ck_assert_int_eq(apply(&registration), RMQ_OK);
    ck_assert_int_eq(perm_of("T", "a"), 6);
}
END_TEST

START_TEST(test_register__compressed_body) {
    struct data_version version = {.timestamp = 5, .counter = 1};
    struct topic_config topics[] = {
        {.name = S("T"), .read_queue_nums = 3, .write_queue_nums = 2, .perm = 4},
        {.name = S("U"), .read_queue_nums = 1, .write_queue_nums = 1, .perm = 6}};
    struct route_registration registration = make("a", 0, "x:1", 1, "");
    buf_clear(&body);
    ck_assert_int_eq(register_body_compress(env, &body, false, &version, topics, 2), RMQ_OK);
    registration.body = buf_span(&body);
    registration.form = REGISTER_BODY_ZLIB;
    ck_assert_int_eq(apply(&registration), RMQ_OK);
    ck_assert_int_eq(perm_of("T", "a"), 4);
    ck_assert_uint_eq(result.topics, 2);
}
END_TEST

static size_t filter_servers(const char *list) {
    char json[256];
    snprintf(json, sizeof json, "{\"filterServerList\":%s,\"topicConfigSerializeWrapper\":{}}",
             list);
    struct route_registration registration = make("a", 0, "x:1", 1, "");
    registration.body = S(json);
    ck_assert_int_eq(apply(&registration), RMQ_OK);
    return route_find_live(&table, S("c"), S("x:1"))->filter_server_count;
}

START_TEST(test_register__filter_servers) {
    ck_assert_uint_eq(filter_servers("[\"f:1\",\"f:2\"]"), 2);
    ck_assert_uint_eq(filter_servers("null"), 2);
    ck_assert_uint_eq(filter_servers("[\"f:3\"]"), 1);
    struct buf out;
    size_t brokers;
    buf_init(&out, env);
    reg("a", 0, "x:1", 3, "T");
    ck_assert_uint_eq(filter_servers("[\"f:3\"]"), 1);
    struct route_query query = {.topic = S("T")};
    ck_assert_int_eq(route_answer_route(&table, &query, &out, &brokers), RMQ_OK);
    buf_put_u8(&out, 0);
    ck_assert_ptr_nonnull(
        strstr((const char *)out.data, "\"filterServerTable\":{\"x:1\":[\"f:3\"]}"));
    buf_deinit(&out);
    ck_assert_uint_eq(filter_servers("[]"), 0);
}
END_TEST

/* ---- the short way --------------------------------------------------------------------------- */

START_TEST(test_unchanged__same_bytes_are_not_decoded_again) {
    reg("a", 0, "x:1", 1, "T");
    ck_unchanged(false);
    reg("a", 0, "x:1", 1, "T");
    ck_unchanged(true);
    reg("a", 0, "x:1", 2, "T");
    ck_unchanged(false);
}
END_TEST

START_TEST(test_unchanged__deleted_topic_comes_back) {
    reg("a", 0, "x:1", 1, "T,U");
    route_table_delete_topic(&table, S("T"), SPAN_NONE);
    ck_assert_int_eq(perm_of("T", "a"), -1);
    reg("a", 0, "x:1", 1, "T,U");
    ck_unchanged(false);
    ck_assert_int_eq(perm_of("T", "a"), 6);
    reg("a", 0, "x:1", 1, "T,U");
    ck_unchanged(true);
}
END_TEST

START_TEST(test_unchanged__deleted_topic_stays_away_under_the_quirk) {
    table.options.quirks = 1U << QUIRK_INCREMENT_HIDES_TOPICS;
    reg("a", 0, "x:1", 1, "T,U");
    route_table_delete_topic(&table, S("T"), SPAN_NONE);
    reg("a", 0, "x:1", 1, "T,U");
    ck_assert_int_eq(perm_of("T", "a"), -1);
}
END_TEST

static void do_nothing(void) {}
static void do_wipe(void) {
    route_table_set_writable(&table, S("a"), false);
}
static void do_add(void) {
    route_table_set_writable(&table, S("a"), true);
}
static void do_delete(void) {
    route_table_delete_topic(&table, S("U"), S("c"));
}
static void do_delete_elsewhere(void) {
    route_table_delete_topic(&table, S("U"), S("other"));
}
static void do_set_queue(void) {
    struct topic_config config = {.name = S("New"), .perm = 6};
    ck_assert_int_eq(route_table_set_queue(&table, S("a"), &config), RMQ_OK);
}
static void do_unregister_slave(void) {
    route_table_unregister(&table, S("c"), S("a"), S("x:2"), 1);
}
static void do_register_slave(void) {
    reg("a", 2, "x:3", 1, "");
}
static void do_other_broker(void) {
    reg("b", 0, "y:1", 1, "T,U");
}

/* Whether the same bytes take the short way after `act`. */
static const struct {
    void (*act)(void);
    bool unchanged;
} ACTS[] = {
    {do_nothing, true},
    {do_other_broker, true},
    {do_delete_elsewhere, true},
    {do_wipe, false},
    {do_add, false},
    {do_delete, false},
    {do_set_queue, false},
    {do_unregister_slave, false},
    {do_register_slave, false},
};

START_TEST(test_unchanged__not_after_a_change_by_others) {
    reg("a", 1, "x:2", 1, "");
    reg("a", 0, "x:1", 1, "T,U");
    ACTS[_i].act();
    reg("a", 0, "x:1", 1, "T,U");
    ck_unchanged(ACTS[_i].unchanged);
    reg("a", 0, "x:1", 1, "T,U");
    ck_unchanged(true);
}
END_TEST

START_TEST(test_unchanged__compares_the_whole_header) {
    struct route_registration registration = make("a", 0, "x:1", 1, "T");
    apply(&registration);
    registration.ha_addr = S("other");
    apply(&registration);
    ck_unchanged(false);
    apply(&registration);
    ck_unchanged(true);
    registration.form = REGISTER_BODY_TABLE_ONLY;
    apply(&registration);
    ck_unchanged(false);
    registration.form = REGISTER_BODY_JSON;
    registration.body_crc32 = 77;
    ck_assert_int_eq(apply(&registration), RMQ_E_INVALID);
    registration.body_crc32 = 0;
    registration.id = 5;
    apply(&registration);
    ck_unchanged(false);
}
END_TEST

START_TEST(test_unchanged__not_with_texts_beyond_the_digest) {
    static char long_text[2000];
    memset(long_text, 'h', sizeof long_text);
    struct route_registration registration = make("a", 0, "x:1", 1, "T");
    registration.ha_addr = span_of(long_text, sizeof long_text);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(apply(&registration), RMQ_OK);
        ck_unchanged(false);
    }
    ck_assert_int_eq(perm_of("T", "a"), 6);
}
END_TEST

/* ---- two addresses under one name and id (INC-10) -------------------------------------------- */

START_TEST(test_conflict__newcomer_is_refused_while_the_old_one_lives) {
    reg("a", 0, "x:1", 1, "T");
    ck_assert_int_eq(reg("a", 0, "y:1", 2, "T,U"), RMQ_E_EXISTS);
    ck_assert_str_eq(addr_of("a", 0), "x:1");
    ck_assert_int_eq(perm_of("U", "a"), -1);
    ck_assert_ptr_null(route_find_live(&table, S("c"), S("y:1")));
    ck_assert_uint_eq(fake_event_count(env, EVENT_route_registration_refused), 1);
    reg("a", 0, "x:1", 1, "T");
    ck_unchanged(true);
    route_table_lose_source(&table, &source, "close"); /* killed: its channel closes */
    ck_assert_int_eq(reg("a", 0, "y:1", 2, "T,U"), RMQ_OK);
    ck_assert_str_eq(addr_of("a", 0), "y:1");
}
END_TEST

START_TEST(test_conflict__larger_state_version_takes_over) {
    reg("a", 0, "x:1", 1, "T");
    struct route_registration elected = make("a", 0, "y:1", 1, "");
    elected.body = body_of(1, 5, "T");
    ck_assert_int_eq(apply(&elected), RMQ_OK);
    ck_assert_str_eq(addr_of("a", 0), "y:1");
    ck_assert_uint_eq(fake_event_uint(env, EVENT_route_address_changed, "old_is_live"), 1);
    ck_assert_int_eq(reg("a", 0, "x:1", 1, "T"), RMQ_E_EXISTS);
}
END_TEST

static void flip(void) {
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(reg("a", 0, "x:1", 1, "T"), RMQ_OK);
        ck_assert_str_eq(addr_of("a", 0), "x:1");
        ck_assert_int_eq(reg("a", 0, "y:1", 1, "T"), RMQ_OK);
        ck_assert_str_eq(addr_of("a", 0), "y:1");
    }
    ck_assert_uint_eq(fake_event_count(env, EVENT_route_address_changed), 5);
}

START_TEST(test_conflict__quirk_master_flip_alternates) {
    table.options.quirks = 1U << QUIRK_MASTER_FLIP;
    flip();
}
END_TEST

START_TEST(test_conflict__4_9_alternates_without_reject_live_conflict) {
    table.options.reject_live_conflict = false;
    flip();
}
END_TEST

START_TEST(test_conflict__5_3_ignores_a_smaller_state_version) {
    table.options.reject_live_conflict = false;
    struct route_registration elected = make("a", 0, "y:1", 1, "");
    elected.body = body_of(1, 5, "T");
    ck_assert_int_eq(apply(&elected), RMQ_OK);
    ck_assert_int_eq(reg("a", 0, "x:1", 1, "T"), RMQ_OK);
    ck_assert(result.ignored);
    ck_assert_str_eq(addr_of("a", 0), "y:1");
    ck_assert_ptr_null(route_find_live(&table, S("c"), S("x:1")));
}
END_TEST

START_TEST(test_conflict__holds_for_slaves_too) {
    reg("a", 1, "x:2", 1, "");
    ck_assert_int_eq(reg("a", 1, "y:2", 1, ""), RMQ_E_EXISTS);
}
END_TEST

static Suite *register_suite(void) {
    Suite *suite = suite_create("namesrv_register");
    TCase *tests = suite_case(suite, "4.9");
    tcase_add_checked_fixture(tests, setup_4_9, teardown);
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, test_register__fills_all_tables);
    tcase_add_test(tests, test_register__cluster_of_the_first_registration_stays);
    tcase_add_test(tests, test_register__one_address_has_one_id);
    tcase_add_test(tests, test_register__first_slave_of_a_name_is_told_once);
    tcase_add_test(tests, test_register__slave_brings_no_topics_and_learns_its_master);
    tcase_add_test(tests, test_register__equal_version_changes_no_known_topic);
    tcase_add_test(tests, test_register__never_deletes_topics);
    tcase_add_test(tests, test_register__increment_hides_topics_only_under_the_quirk);
    tcase_add_test(tests, test_register__a_missing_timestamp_equals_nothing);
    tcase_add_test(tests, test_register__new_address_always_updates);
    tcase_add_test(tests, test_register__refuses_a_wrong_crc_and_a_broken_body);
    tcase_add_test(tests, test_register__a_body_without_a_topic_name_changes_nothing);
    tcase_add_test(tests, test_register__refuses_names_beyond_the_key);
    tcase_add_test(tests, test_register__refuses_empty_names);
    tcase_add_test(tests, test_register__absent_body_is_an_empty_table);
    tcase_add_test(tests, test_register__old_brokers_send_the_table_only);
    tcase_add_test(tests, test_register__compressed_body);
    tcase_add_test(tests, test_register__filter_servers);
    tcase_add_test(tests, test_unchanged__same_bytes_are_not_decoded_again);
    tcase_add_test(tests, test_unchanged__deleted_topic_comes_back);
    tcase_add_test(tests, test_unchanged__deleted_topic_stays_away_under_the_quirk);
    tcase_add_loop_test(tests, test_unchanged__not_after_a_change_by_others, 0,
                        sizeof ACTS / sizeof ACTS[0]);
    tcase_add_test(tests, test_unchanged__compares_the_whole_header);
    tcase_add_test(tests, test_unchanged__not_with_texts_beyond_the_digest);
    tcase_add_test(tests, test_conflict__newcomer_is_refused_while_the_old_one_lives);
    tcase_add_test(tests, test_conflict__larger_state_version_takes_over);
    tcase_add_test(tests, test_conflict__quirk_master_flip_alternates);
    tcase_add_test(tests, test_conflict__4_9_alternates_without_reject_live_conflict);
    tcase_add_test(tests, test_conflict__holds_for_slaves_too);
    tests = suite_case(suite, "5.3");
    tcase_add_checked_fixture(tests, setup_5_3, teardown);
    tcase_add_test(tests, test_conflict__5_3_ignores_a_smaller_state_version);
    return suite;
}

int main(void) {
    return suite_run(register_suite());
}
