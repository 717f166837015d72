/* tests/test_namesrv_tables.h - fixture of the suites of the route tables: a table, and brokers
 * that register in it. */
#ifndef MODEL_TESTS_TEST_NAMESRV_TABLES_H
#define MODEL_TESTS_TEST_NAMESRV_TABLES_H

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

static inline void begin(bool profile_5_3, unsigned quirks) {
    env = fake_create();
    struct route_options options = {
        .profile_5_3 = profile_5_3, .reject_live_conflict = true, .quirks = quirks};
    route_table_init(&table, env, 42, &options);
    list_init(&source.lives);
    buf_init(&body, env);
}

static inline void setup_4_9(void) {
    begin(false, 0);
}
static inline void setup_5_3(void) {
    begin(true, 0);
}

static inline void teardown(void) {
    ck_assert(route_table_check(&table));
    buf_deinit(&body);
    route_table_deinit(&table);
    fake_destroy(env);
}

#define S(text) span_of_text(text)

/* Topics "A,B:4": names with permissions (6 when not given). */
static inline struct span body_of(int64_t counter, int64_t state, const char *topics) {
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

static inline struct route_registration make(const char *broker, int64_t id, const char *addr,
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

static inline int apply(const struct route_registration *registration) {
    int err = route_table_register(&table, registration, &result);
    ck_assert(route_table_check(&table));
    return err;
}

static inline int reg(const char *broker, int64_t id, const char *addr, int64_t counter,
                      const char *topics) {
    struct route_registration registration = make(broker, id, addr, counter, topics);
    return apply(&registration);
}

/* Permissions of a topic on a broker; -1 when it has none. */
static inline int perm_of(const char *topic, const char *broker) {
    const struct route_topic *named = route_find_topic(&table, S(topic));
    const struct route_broker *on = route_find_broker(&table, S(broker));
    const struct queue_data *queue =
        named == NULL || on == NULL ? NULL : route_find_queue(&table, named, on);
    return queue == NULL ? -1 : queue->perm;
}

static inline const char *addr_of(const char *broker, int64_t id) {
    const struct route_broker *named = route_find_broker(&table, S(broker));
    const struct route_addr *addr = named == NULL ? NULL : route_find_addr(named, id);
    return addr == NULL ? "" : addr->live->text;
}

#endif
