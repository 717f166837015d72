/* test_namesrv_table.c - the route tables by themselves: each update rule of namesrv.md 6, 8, 9. */
#include <stdio.h>

#include "model/events.h"
#include "model/namesrv/route_answer.h"
#include "model/namesrv/route_table.h"
#include "model/tests/env_fake.h"
#include "model/tests/suite.h"

static struct env *env;
static struct route_table table;
static struct route_source source;
static struct buf body;
static struct route_registered result;

static void begin(bool profile_5_3, unsigned quirks) {
    env = fake_create();
    struct route_options options = {
        .profile_5_3 = profile_5_3, .reject_live_conflict = true, .quirks = quirks};
    route_table_init(&table, env, 42, &options);
    list_init(&source.lives);
    buf_init(&body, env);
}

static void setup_4_9(void) {
    begin(false, 0);
}
static void setup_5_3(void) {
    begin(true, 0);
}

static void teardown(void) {
    ck_assert(route_table_check(&table));
    buf_deinit(&body);
    route_table_deinit(&table);
    fake_destroy(env);
}

#define S(text) span_of_text(text)

/* Topics "A,B:4": names with permissions (6 when not given). */
static struct span body_of(int64_t counter, int64_t state, const char *topics) {
    struct register_body_writer writer;
    struct data_version version = {
        .timestamp = 1700000000000, .counter = counter, .state_version = state};
    buf_clear(&body);
    register_body_begin(&writer, &body, state != 0, &version, &version);
    for (const char *name = topics; *name != '\0';) {
        size_t len = strcspn(name, ","), name_len = strcspn(name, ",:");
        struct topic_config topic = {.name = span_of(name, name_len),
                                     .read_queue_nums = 8,
                                     .write_queue_nums = 8,
                                     .perm = name_len < len ? name[name_len + 1] - '0' : 6};
        register_body_topic(&writer, &topic);
        name += len + (name[len] == ',' ? 1 : 0);
    }
    register_body_end(&writer);
    return buf_span(&body);
}

static struct route_registration make(const char *broker, int64_t id, const char *addr,
                                      int64_t counter, const char *topics) {
    return (struct route_registration){.cluster = S("c"),
                                       .broker = S(broker),
                                       .addr = S(addr),
                                       .ha_addr = S("10.9.9.9:10912"),
                                       .id = id,
                                       .body = body_of(counter, 0, topics),
                                       .form = REGISTER_BODY_JSON,
                                       .request_version = WIRE_VERSION_4_9_8,
                                       .source = &source};
}

static int apply(const struct route_registration *registration) {
    int err = route_table_register(&table, registration, &result);
    ck_assert(route_table_check(&table));
    return err;
}

static int reg(const char *broker, int64_t id, const char *addr, int64_t counter,
               const char *topics) {
    struct route_registration registration = make(broker, id, addr, counter, topics);
    return apply(&registration);
}

/* Permissions of a topic on a broker; -1 when it has none. */
static int perm_of(const char *topic, const char *broker) {
    const struct route_topic *named = route_find_topic(&table, S(topic));
    const struct route_broker *on = route_find_broker(&table, S(broker));
    const struct queue_data *queue =
        named == NULL || on == NULL ? NULL : route_find_queue(&table, named, on);
    return queue == NULL ? -1 : queue->perm;
}

static const char *addr_of(const char *broker, int64_t id) {
    const struct route_broker *named = route_find_broker(&table, S(broker));
    const struct route_addr *addr = named == NULL ? NULL : route_find_addr(named, id);
    return addr == NULL ? "" : addr->live->text;
}

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
    ck_unchanged(true); /* another connection is no other sender */
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
    tcase_add_test(tests, test_register__fills_all_tables);
    tcase_add_test(tests, test_register__cluster_of_the_first_registration_stays);
    tcase_add_test(tests, test_register__one_address_has_one_id);
    tcase_add_test(tests, test_register__slave_brings_no_topics_and_learns_its_master);
    tcase_add_test(tests, test_register__equal_version_changes_no_known_topic);
    tcase_add_test(tests, test_register__never_deletes_topics);
    tcase_add_test(tests, test_register__increment_hides_topics_only_under_the_quirk);
    tcase_add_test(tests, test_register__a_missing_timestamp_equals_nothing);
    tcase_add_test(tests, test_register__new_address_always_updates);
    tcase_add_test(tests, test_register__refuses_a_wrong_crc_and_a_broken_body);
    tcase_add_test(tests, test_register__a_body_without_a_topic_name_changes_nothing);
    tcase_add_test(tests, test_register__refuses_names_beyond_the_key);
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
    tcase_add_test(tests, test_conflict__newcomer_is_refused_while_the_old_one_lives);
    tcase_add_test(tests, test_conflict__larger_state_version_takes_over);
    tcase_add_test(tests, test_conflict__quirk_master_flip_alternates);
    tcase_add_test(tests, test_conflict__4_9_alternates_without_reject_live_conflict);
    tcase_add_test(tests, test_conflict__holds_for_slaves_too);
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
    tcase_add_test(tests, test_conflict__5_3_ignores_a_smaller_state_version);
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
