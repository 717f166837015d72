/* test_client_admin.c - administrators' orders: requests as mqadmin's, targets, outcomes. */
#include <stdio.h>

#include "model/client/client.h"
#include "model/client/client_internal.h"
#include "model/tests/peer.h"
#include "model/tests/registrations.h"
#include "model/tests/suite.h"

#define TWO "namesrvAddr=10.0.0.1:9876;10.0.0.2:9876\n"

static const char *const ADDRESSES[] = {"10.0.0.1:9876", "10.0.0.2:9876"};
static struct env *env;
static struct peer peers[2];

static void setup(void) {
    env = fake_create();
    memset(peers, 0, sizeof peers);
}

static void hang_up(size_t p) {
    if (peers[p].conn != NULL)
        peer_deinit(&peers[p]);
    peers[p].conn = NULL;
}

static void teardown(void) {
    hang_up(0);
    hang_up(1);
    fake_destroy(env);
}

static void start(const char *config) {
    ck_assert_int_eq(fake_start_text(env, &client_role, config), RMQ_OK);
}

static void stop(void) {
    fake_stop(env);
    ck_assert(fake_exited(env, NULL));
}

static void command(const char *text) {
    ck_assert_int_eq(fake_command_text(env, text), RMQ_OK);
}

static void connect_peer(size_t p, const char *address) {
    hang_up(p);
    peer_accept(&peers[p], env, address);
}

static void answer(size_t p, int32_t code, const char *body) {
    struct wire_command request;
    ck_assert(peer_take(&peers[p], &request));
    peer_answer_body(&peers[p], &request, code, body);
}

static size_t done(void) {
    return fake_event_count(env, EVENT_command_done);
}

static int64_t last_code(void) {
    return fake_event_int(env, EVENT_command_done, "code");
}

static struct span last(const char *field) {
    return fake_event_text(env, EVENT_command_done, field);
}

/* ---- requests -------------------------------------------------------------------------------- */

/* Recorded requests, and the order that must send the same (but for version and language). */
static const struct {
    int32_t code;
    const char *command;
} RECORDINGS[] = {
    {REQUEST_PUT_KV_CONFIG,
     "do=put-kv\nnamespace=ORDER_TOPIC_CONFIG\nkey=AdminTopicB\nvalue=broker-a:2\n"},
    {REQUEST_DELETE_KV_CONFIG, "do=delete-kv\nnamespace=NS_TEST\nkey=zwei\n"},
    {REQUEST_WIPE_WRITE_PERM_OF_BROKER, "do=wipe-write-perm\nbrokerName=broker-a\n"},
    {REQUEST_ADD_WRITE_PERM_OF_BROKER, "do=add-write-perm\nbrokerName=broker-a\n"},
    {REQUEST_DELETE_TOPIC_IN_NAMESRV,
     "do=delete-topic\ntopic=%RETRY%g_admin\nclusterName=GoldCluster\n"},
    {REQUEST_UPDATE_NAMESRV_CONFIG,
     "do=update-namesrv-config\nkey=unRegisterBrokerQueueCapacity\nvalue=3001\n"},
    {REQUEST_GET_ROUTEINFO_BY_TOPIC, "do=get-route\ntopic=TBW102\n"},
    {REQUEST_GET_BROKER_CLUSTER_INFO, "do=create-topic\ntopic=T\nclusterName=GoldCluster\n"},
    {REQUEST_UPDATE_AND_CREATE_TOPIC,
     "do=create-topic\ntopic=AdminTopic\nbrokerAddr=10.0.0.1:9876\nreadQueueNums=6\n"
     "writeQueueNums=6\n"},
};

static const struct vector_row *first_request(const struct vector_file *file, int32_t code) {
    for (size_t i = 0; i < file->count; i++) {
        const struct vector_row *row = &file->rows[i];
        if (vector_is_frame(row) && row->code == code && row->to_server &&
            (row->flag & WIRE_FLAG_RESPONSE) == 0)
            return row;
    }
    ck_abort_msg("no request %d", (int)code);
}

START_TEST(test_orders__send_what_mqadmin_sends) {
    struct wire_command want, got;
    struct wire_error error;
    struct buf scratch;
    buf_init(&scratch, env);
    struct vector_file *file = vectors_load("4.9.7-mqadmin497-admin");
    const struct vector_row *row = first_request(file, RECORDINGS[_i].code);
    ck_assert_int_eq(wire_decode(row->bytes, &scratch, &want, &error), RMQ_OK);
    start("namesrvAddr=10.0.0.1:9876\n");
    command(RECORDINGS[_i].command);
    connect_peer(0, ADDRESSES[0]);
    peer_expect(&peers[0], RECORDINGS[_i].code, &got);
    ck_assert_int_eq(got.serialization, WIRE_JSON);
    ck_assert_int_eq(got.flag, want.flag);
    ck_assert_uint_eq(got.field_count, want.field_count);
    for (size_t i = 0; i < want.field_count; i++) {
        char key[64];
        snprintf(key, sizeof key, "%.*s", (int)want.fields[i].key.len,
                 (const char *)want.fields[i].key.data);
        if (!span_equal(wire_field(&got, key), want.fields[i].value))
            ck_abort_msg("field %s differs", key);
    }
    ck_assert(span_equal(got.body, want.body));
    stop();
    buf_deinit(&scratch);
    vectors_free(file);
}
END_TEST

/* ---- to each name server --------------------------------------------------------------------- */

static void answer_count(size_t p, const char *key, const char *value) {
    struct wire_command request, response;
    ck_assert(peer_take(&peers[p], &request));
    wire_command_init(&response, RESPONSE_SUCCESS);
    ck_assert_int_eq(wire_field_add(&response, span_of_text(key), span_of_text(value)), RMQ_OK);
    peer_answer(&peers[p], &request, &response);
}

START_TEST(test_orders__tell_the_outcome_of_each_name_server) {
    start(TWO);
    command("do=wipe-write-perm\nbrokerName=b\n");
    connect_peer(0, ADDRESSES[0]);
    connect_peer(1, ADDRESSES[1]);
    answer_count(1, "wipeTopicCount", "7");
    ck_assert_uint_eq(done(), 1);
    ck_assert_span_eq(last("command"), "wipe-write-perm");
    ck_assert_span_eq(last("target"), ADDRESSES[1]);
    ck_assert_span_eq(last("detail"), "7");
    ck_assert_int_eq(last_code(), 0);
    fake_advance_ms(env, 4999);
    ck_assert_uint_eq(done(), 1);
    fake_advance_ms(env, 1);
    ck_assert_uint_eq(done(), 2);
    ck_assert_span_eq(last("target"), ADDRESSES[0]);
    ck_assert_int_eq(last_code(), RMQ_E_TIMEOUT);
    ck_assert_span_eq(last("detail"), "timed out");
    stop();
}
END_TEST

START_TEST(test_orders__a_refusing_name_server_is_an_outcome) {
    start(TWO);
    command("do=add-write-perm\nbrokerName=b\n");
    fake_dial_fail(fake_dialled(env, ADDRESSES[0]), RMQ_E_REFUSED);
    ck_assert_int_eq(last_code(), RMQ_E_REFUSED);
    connect_peer(1, ADDRESSES[1]);
    answer_count(1, "addTopicCount", "3");
    ck_assert_span_eq(last("detail"), "3");
    ck_assert_uint_eq(done(), 2);
    stop();
}
END_TEST

START_TEST(test_orders__an_error_code_comes_with_its_remark) {
    struct wire_command request, response;
    start(TWO);
    command("do=update-namesrv-config\nkey=kvConfigPath\nvalue=/x\n");
    connect_peer(0, ADDRESSES[0]);
    ck_assert(peer_take(&peers[0], &request));
    ck_assert_span_eq(request.body, "kvConfigPath=/x\n");
    wire_command_init(&response, RESPONSE_NO_PERMISSION);
    response.remark = SPAN_LITERAL("Can not update config in black list.");
    peer_answer(&peers[0], &request, &response);
    ck_assert_int_eq(last_code(), 16);
    ck_assert_span_eq(last("detail"), "Can not update config in black list.");
    stop();
}
END_TEST

START_TEST(test_orders__without_name_servers_have_no_target) {
    static const char *const COMMANDS[] = {"do=put-kv\nnamespace=n\nkey=k\nvalue=v\n",
                                           "do=create-topic\ntopic=T\nclusterName=C\n"};
    start("");
    command(COMMANDS[_i]);
    ck_assert_uint_eq(done(), 1);
    ck_assert_span_eq(last("target"), "");
    ck_assert_int_eq(last_code(), _i == 0 ? RMQ_E_NOT_FOUND : RMQ_E_UNREACHABLE);
    stop();
}
END_TEST

/* ---- to the chosen one ----------------------------------------------------------------------- */

/* The index of the name server that is being dialled. */
static size_t dialled(void) {
    return fake_dialled(env, ADDRESSES[0]) != NULL ? 0 : 1;
}

START_TEST(test_get_route__tells_what_it_found) {
    start(TWO);
    command("do=get-route\ntopic=T\n");
    size_t chosen = dialled();
    connect_peer(chosen, ADDRESSES[chosen]);
    answer(
        chosen, 0,
        "{\"brokerDatas\":[{\"brokerAddrs\":{0:\"h:1\"},\"brokerName\":\"a\",\"cluster\":\"C\"}],"
        "\"queueDatas\":[{\"brokerName\":\"a\",\"perm\":6,\"readQueueNums\":4,"
        "\"writeQueueNums\":4,\"topicSysFlag\":0}]}");
    ck_assert_span_eq(last("target"), ADDRESSES[chosen]);
    ck_assert_span_eq(last("detail"), "1 brokers, 4 write queues");
    command("do=get-route\ntopic=T\n");
    answer(chosen, 17, NULL);
    ck_assert_int_eq(last_code(), 17);
    command("do=get-route\ntopic=T\n");
    answer(chosen, 0, "{");
    ck_assert_span_eq(last("detail"), "unreadable");
    stop();
}
END_TEST

/* ---- to brokers ------------------------------------------------------------------------------ */

#define CLUSTER                                                                                   \
    "{\"brokerAddrTable\":{"                                                                      \
    "\"a\":{\"brokerAddrs\":{0:\"10.1.0.1:10911\",1:\"10.1.0.2:10911\"},\"brokerName\":\"a\","    \
    "\"cluster\":\"C\"},"                                                                         \
    "\"b\":{\"brokerAddrs\":{0:\"10.1.0.3:10911\"},\"brokerName\":\"b\",\"cluster\":\"C\"},"      \
    "\"s\":{\"brokerAddrs\":{1:\"10.1.0.4:10911\"},\"brokerName\":\"s\",\"cluster\":\"C\"},"      \
    "\"x\":{\"brokerAddrs\":{0:\"10.1.0.5:10911\"},\"brokerName\":\"x\",\"cluster\":\"Other\"}}," \
    "\"clusterAddrTable\":{\"C\":[\"a\",\"b\",\"s\"],\"Other\":[\"x\"]}}"

START_TEST(test_create_topic__goes_to_the_masters_of_a_cluster) {
    struct wire_command request;
    start(TWO);
    command("do=create-topic\ntopic=T\nclusterName=C\nperm=4\norder=true\n");
    size_t chosen = dialled();
    connect_peer(chosen, ADDRESSES[chosen]);
    answer(chosen, 0, CLUSTER);
    ck_assert_ptr_null(fake_dialled(env, "10.1.0.2:10911"));
    ck_assert_ptr_null(fake_dialled(env, "10.1.0.4:10911"));
    ck_assert_ptr_null(fake_dialled(env, "10.1.0.5:10911"));
    connect_peer(1 - chosen, "10.1.0.1:10911");
    peer_expect(&peers[1 - chosen], REQUEST_UPDATE_AND_CREATE_TOPIC, &request);
    ck_assert_span_eq(wire_field(&request, "readQueueNums"), "8");
    ck_assert_span_eq(wire_field(&request, "perm"), "4");
    ck_assert_span_eq(wire_field(&request, "order"), "true");
    peer_answer_body(&peers[1 - chosen], &request, 0, NULL);
    ck_assert_span_eq(last("target"), "10.1.0.1:10911");
    ck_assert_int_eq(last_code(), 0);
    fake_dial_fail(fake_dialled(env, "10.1.0.3:10911"), RMQ_E_REFUSED);
    ck_assert_uint_eq(done(), 2);
    ck_assert_span_eq(last("target"), "10.1.0.3:10911");
    ck_assert_int_eq(last_code(), RMQ_E_REFUSED);
    stop();
}
END_TEST

static const struct {
    int32_t code;
    const char *body;
    int64_t outcome;
} CLUSTERS[] = {
    {0, "{\"brokerAddrTable\":{},\"clusterAddrTable\":{}}", RMQ_E_NOT_FOUND},
    {0, "{\"brokerAddrTable\":", RMQ_E_INVALID},
    {1, NULL, RMQ_E_STATE},
};

START_TEST(test_create_topic__finds_no_master) {
    start("namesrvAddr=10.0.0.1:9876\n");
    command("do=create-topic\ntopic=T\nclusterName=C\n");
    connect_peer(0, ADDRESSES[0]);
    answer(0, CLUSTERS[_i].code, CLUSTERS[_i].body);
    ck_assert_uint_eq(done(), 1);
    ck_assert_int_eq(last_code(), CLUSTERS[_i].outcome);
    ck_assert_span_eq(last("target"), "");
    stop();
}
END_TEST

/* ---- arguments, life ------------------------------------------------------------------------- */

static const char *const BAD_COMMANDS[] = {
    "topic=T",
    "do=fly",
    "do=create-topic\nclusterName=C",
    "do=create-topic\ntopic=T",
    "do=create-topic\ntopic=T\nclusterName=C\nbrokerAddr=h:1",
    "do=create-topic\ntopic=T\nbrokerAddr=h",
    "do=create-topic\ntopic=T\nclusterName=C\nperm=x",
    "do=create-topic\ntopic=T\nclusterName=C\nreadQueueNums=-1",
    "do=create-topic\ntopic=T\nclusterName=C\norder=maybe",
    "do=wipe-write-perm",
    "do=add-write-perm\nbroker=b",
    "do=delete-topic",
    "do=put-kv\nnamespace=n\nkey=k",
    "do=delete-kv\nnamespace=n",
    "do=update-namesrv-config\nkey=k",
    "do=get-route",
};

START_TEST(test_orders__refuse_wrong_arguments) {
    start(TWO);
    ck_assert_int_eq(fake_command_text(env, BAD_COMMANDS[_i]), RMQ_E_INVALID);
    ck_assert_uint_eq(done(), 0);
    stop();
}
END_TEST

START_TEST(test_orders__end_with_the_client) {
    start(TWO);
    command("do=wipe-write-perm\nbrokerName=b\n");
    command("do=get-route\ntopic=T\n");
    command("do=create-topic\ntopic=T\nclusterName=C\n");
    command("do=create-topic\ntopic=T\nbrokerAddr=10.1.0.1:10911\n");
    stop();
    ck_assert_uint_eq(done(), 0);
}
END_TEST

/* One of each kind, with whatever fails; then all must end. */
static void live(void) {
    static const char *const COMMANDS[] = {
        "do=create-topic\ntopic=T\nclusterName=C\n", "do=wipe-write-perm\nbrokerName=b\n",
        "do=update-namesrv-config\nkey=k\nvalue=v\n", "do=get-route\ntopic=T\n"};
    struct wire_command request;
    if (fake_start_text(env, &client_role, "namesrvAddr=10.0.0.1:9876\n") != RMQ_OK)
        return;
    for (size_t i = 0; i < 4 && fake_node(env) != NULL; i++) {
        (void)fake_command_text(env, COMMANDS[i]);
        for (size_t turn = 0; turn < 2; turn++) {
            if (fake_dialled(env, ADDRESSES[0]) != NULL)
                connect_peer(0, ADDRESSES[0]);
            if (fake_dialled(env, "10.1.0.1:10911") != NULL)
                connect_peer(1, "10.1.0.1:10911");
            for (size_t p = 0; p < 2; p++) {
                while (peers[p].conn != NULL && fake_is_open(peers[p].conn) &&
                       peer_take(&peers[p], &request))
                    peer_answer_body(&peers[p], &request, 0, CLUSTER);
            }
        }
    }
    if (fake_node(env) != NULL)
        fake_stop(env);
}

START_TEST(test_orders__survive_each_failure) {
    enum fake_failure what = (enum fake_failure)_i;
    bool failed = true;
    unsigned n = 1;
    teardown(); /* a node per run */
    for (; failed; n++) {
        ck_assert_uint_lt(n, 1000);
        setup();
        fake_fail_at(env, what, n);
        live();
        failed = fake_failed(env, what);
        teardown();
    }
    ck_assert_uint_gt(n, what == FAKE_FAIL_LISTEN ? 1 : 2);
    setup();
}
END_TEST

#define COUNT(array) ((int)(sizeof array / sizeof array[0]))

int main(void) {
    Suite *suite = suite_create("client_admin");
    TCase *tests = suite_case(suite, "orders");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, test_orders__send_what_mqadmin_sends, 0, COUNT(RECORDINGS));
    tcase_add_test(tests, test_orders__tell_the_outcome_of_each_name_server);
    tcase_add_test(tests, test_orders__a_refusing_name_server_is_an_outcome);
    tcase_add_test(tests, test_orders__an_error_code_comes_with_its_remark);
    tcase_add_loop_test(tests, test_orders__without_name_servers_have_no_target, 0, 2);
    tcase_add_test(tests, test_get_route__tells_what_it_found);
    tcase_add_test(tests, test_create_topic__goes_to_the_masters_of_a_cluster);
    tcase_add_loop_test(tests, test_create_topic__finds_no_master, 0, COUNT(CLUSTERS));
    tcase_add_loop_test(tests, test_orders__refuse_wrong_arguments, 0, COUNT(BAD_COMMANDS));
    tcase_add_test(tests, test_orders__end_with_the_client);
    tcase_add_loop_test(tests, test_orders__survive_each_failure, FAKE_FAIL_ALLOC,
                        FAKE_FAIL_FILE_OPEN);
    return suite_run(suite);
}
