/* test_cluster.c - a name server, a broker and a client, tied together: what one says the others
 * understand. Everything about time and networks is the simulator's business. */
#include "model/broker/broker.h"
#include "model/broker/health.h"
#include "model/broker/metrics.h"
#include "model/client/client.h"
#include "model/namesrv/metrics.h"
#include "model/namesrv/namesrv.h"
#include "model/tests/env_fake.h"
#include "model/tests/suite.h"

#include <stdio.h>

static struct env *namesrv, *broker, *client;

static void setup(void) {
    namesrv = fake_create();
    broker = fake_create();
    client = fake_create();
    fake_set_identity(namesrv, "10.0.0.1", 1);
    fake_set_identity(broker, "10.0.0.2", 2);
    fake_set_identity(client, "10.0.0.3", 3);
}

static void teardown(void) {
    fake_destroy(client);
    fake_destroy(broker);
    fake_destroy(namesrv);
}

/* Releases and serializations that must understand each other. */
static const struct {
    const char *namesrv;
    const char *broker;
    const char *client;
    uint64_t first_ms; /* when the broker's first registration arrives */
} MIXES[] = {
    {"", "", "", 0},
    {"", "rocketmq.serialize.type=ROCKETMQ\n", "rocketmq.serialize.type=ROCKETMQ\n", 0},
    {"", "compressedRegister=true\n", "", 0},
    {"profile=5.3\n", "profile=5.3\n", "profile=5.3\n", 10000},
    {"profile=5.3\n", "", "profile=5.3\n", 0},
    {"", "profile=5.3\n", "profile=5.3\n", 10000},
    {"", "profile=5.3\ncompressedRegister=true\n", "", 10000},
    {"profile=5.3\n", "profile=5.3\nenableSlaveActingMaster=true\n", "", 10000},
};

static void start(struct env *env, const struct role *role, const char *config, const char *more) {
    char text[512];
    snprintf(text, sizeof text, "%s%s", config, more);
    ck_assert_int_eq(fake_start_text(env, role, text), RMQ_OK);
    for (int i = 0; i < 1000 && role == &broker_role && !fake_listening(env, 10911); i++)
        fake_settle(env); /* its store opens */
}

static void advance(uint64_t ms) {
    fake_advance_ms(client, ms);
    fake_advance_both(namesrv, broker, ms * 1000000);
}

/* The metrics of a node have this line. */
static void expect_metric(struct env *env, int (*write)(void *node, struct buf *out),
                          const char *line) {
    struct buf out;
    buf_init(&out, env);
    ck_assert_int_eq(write(fake_node(env), &out), RMQ_OK);
    buf_put_u8(&out, '\0');
    if (strstr((const char *)out.data, line) == NULL)
        ck_abort_msg("no %s in\n%s", line, (const char *)out.data);
    buf_deinit(&out);
}

START_TEST(test_cluster__registers_is_found_and_leaves) {
    start(namesrv, &namesrv_role, "listenPort=9876\n", MIXES[_i].namesrv);
    start(broker, &broker_role, "namesrvAddr=10.0.0.1:9876\nbrokerName=a\ntopics=T:4:4\n",
          MIXES[_i].broker);
    ck_assert_int_eq(fake_connect(broker, "10.0.0.1:9876", namesrv, 9876), RMQ_OK);
    fake_pump(namesrv, broker);
    advance(MIXES[_i].first_ms);
    ck_assert_uint_eq(fake_event_count(namesrv, EVENT_route_broker_registered), 1);
    ck_assert_uint_eq(fake_event_count_of(namesrv, EVENT_route_topic_set, "topic", "T"), 1);
    ck_assert_uint_eq(fake_event_uint(broker, EVENT_registration_round_done, "accepted"), 1);

    struct buf cause;
    buf_init(&cause, broker);
    ck_assert(broker_health_write(fake_node(broker), &cause));
    ck_assert(span_equal(buf_span(&cause), SPAN_LITERAL("{\"status\":\"UP\"}\n")));
    expect_metric(broker, broker_metrics_write,
                  "\nwindtunnel_registration_age_ms{name_server=\"10.0.0.1:9876\"} 0\n");
    expect_metric(broker, broker_metrics_write, "\nwindtunnel_store_writable 1\n");
    expect_metric(namesrv, namesrv_metrics_write, "\nwindtunnel_namesrv_brokers 1\n");
    expect_metric(namesrv, namesrv_metrics_write, "addr=\"10.0.0.2:10911\"} 0\n");

    start(client, &client_role, "namesrvAddr=10.0.0.1:9876\ntopics=T;New\n", MIXES[_i].client);
    fake_advance_ms(client, 10);
    ck_assert_int_eq(fake_connect(client, "10.0.0.1:9876", namesrv, 9876), RMQ_OK);
    fake_pump(namesrv, client);
    ck_assert_uint_eq(fake_event_uint(client, EVENT_client_poll_done, "answered"), 2);
    ck_assert_uint_eq(fake_event_count(client, EVENT_client_broker_believed), 1);
    ck_assert_uint_eq(fake_event_uint(client, EVENT_client_route_changed, "write_queues"), 4);

    /* A topic made by an administrator is in the route at the next poll. */
    ck_assert_int_eq(fake_command_text(client, "do=create-topic\ntopic=New\n"
                                               "clusterName=DefaultCluster\nwriteQueueNums=2\n"),
                     RMQ_OK);
    fake_pump(namesrv, client);
    ck_assert_int_eq(fake_connect(client, "10.0.0.2:10911", broker, 10911), RMQ_OK);
    fake_pump(client, broker);
    ck_assert_int_eq(fake_event_int(client, EVENT_command_done, "code"), 0);
    fake_pump(namesrv, broker);
    ck_assert_uint_eq(fake_event_count_of(namesrv, EVENT_route_topic_set, "topic", "New"), 1);
    fake_advance_ms(client, 30000);
    fake_pump(namesrv, client);
    ck_assert_uint_eq(fake_event_count(client, EVENT_client_broker_believed), 2);
    ck_assert_uint_eq(fake_event_uint(client, EVENT_client_route_changed, "write_queues"), 2);

    fake_stop(broker);
    fake_pump(namesrv, broker);
    fake_advance_ms(namesrv, 1);
    fake_advance_ms(broker, 2000); /* its store closes */
    ck_assert(fake_exited(broker, NULL));
    ck_assert_uint_eq(fake_event_count(namesrv, EVENT_route_broker_evicted), 1);
    expect_metric(namesrv, namesrv_metrics_write,
                  "\nwindtunnel_namesrv_evictions_total{reason=\"unregister\"} 1\n");
    fake_stop(client);
    fake_stop(namesrv);
}
END_TEST

/* KV order table -> answer to the registration -> the broker's flag -> its next registration. */
START_TEST(test_cluster__order_goes_all_the_way) {
    start(namesrv, &namesrv_role, "listenPort=9876\n", "");
    start(broker, &broker_role, "namesrvAddr=10.0.0.1:9876\nbrokerName=a\ntopics=T:4:4\n", "");
    ck_assert_int_eq(fake_connect(broker, "10.0.0.1:9876", namesrv, 9876), RMQ_OK);
    fake_pump(namesrv, broker);
    start(client, &client_role, "namesrvAddr=10.0.0.1:9876\n", "");
    ck_assert_int_eq(fake_command_text(client, "do=put-kv\nnamespace=ORDER_TOPIC_CONFIG\nkey=T\n"
                                               "value=a:4\n"),
                     RMQ_OK);
    ck_assert_int_eq(fake_connect(client, "10.0.0.1:9876", namesrv, 9876), RMQ_OK);
    fake_pump(namesrv, client);
    ck_assert_int_eq(fake_event_int(client, EVENT_command_done, "code"), 0);
    fake_advance_both(namesrv, broker, UINT64_C(10000000000));
    ck_assert_uint_eq(fake_event_count(broker, EVENT_broker_order_changed), 1);
    fake_advance_both(namesrv, broker, UINT64_C(30000000000));
    ck_assert_int_eq(fake_event_int(namesrv, EVENT_route_broker_registered, "version_counter"), 1);
    fake_stop(client);
    fake_stop(broker);
    fake_pump(namesrv, broker);
    fake_advance_ms(broker, 2000);
    fake_stop(namesrv);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("cluster");
    TCase *tests = suite_case(suite, "cluster");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_cluster__registers_is_found_and_leaves, 0,
                        (int)(sizeof MIXES / sizeof MIXES[0]));
    tcase_add_test(tests, test_cluster__order_goes_all_the_way);
    return suite_run(suite);
}
