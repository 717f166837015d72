/* mqadmin against our own name server and broker, nodes of this process over sockets and files:
 * what the commands change is there when the next one looks. */
#include <arpa/inet.h>
#include <sys/socket.h>

#include "model/broker/broker.h"
#include "model/client/client.h"
#include "model/namesrv/namesrv.h"
#include "real/tests/mqadmin_fixture.h"

struct member {
    struct env *env;
    bool exited;
};

static char folder[64], name_server[32], broker_address[32];
static struct member names, broker, client;

static void on_exit_flag(void *ctx, struct env *env, int status) {
    struct member *member = ctx;
    ck_assert_ptr_eq(env, member->env);
    ck_assert_int_eq(status, 0);
    member->exited = true;
}

static void start_member(struct member *member, const struct role *role,
                         const char *const (*pairs)[2], size_t count) {
    struct env *holder = new_node(loop, NULL);
    struct props config;
    struct real_node_options options = {
        .ip = "127.0.0.1", .bind_ip = "127.0.0.1", .on_exit = on_exit_flag, .ctx = member};
    props_init(&config, holder);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(props_set_text(&config, pairs[i][0], pairs[i][1]), RMQ_OK);
    }
    *member = (struct member){0};
    ck_assert_int_eq(real_node_start(loop, &options, role, &config, &member->env), RMQ_OK);
    props_deinit(&config);
    real_node_free(holder);
}

static void stop_member(struct member *member) {
    if (member->env == NULL)
        return;
    real_node_stop(member->env);
    turn_until(loop, is_true, &member->exited);
    member->env = NULL;
}

static uint16_t port_of(const struct env *env) {
    ck_assert(!list_is_empty(&env->listeners));
    return LIST_ENTRY(env->listeners.next, struct env_listener, of_node)->port;
}

/* A port that nobody listens on now. Brokers announce their port, so that it is not 0. */
static uint16_t free_port(void) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static struct run run(const char *line) {
    return run_line(line, name_server);
}

static bool is_registered(void *ctx) {
    (void)ctx;
    struct run list = run("clusterList --json");
    bool registered = strstr(list.out, "\"brokerName\":\"broker-a\"") != NULL;
    run_free(&list);
    return registered;
}

static void setup(void) {
    ck_assert_int_eq(setenv("TZ", "UTC", 1), 0);
    tzset();
    loop = new_loop();
    snprintf(folder, sizeof(folder), "/tmp/mqadmin-cluster-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    char kv[128], config[128], root[128], port[8];
    snprintf(kv, sizeof(kv), "%s/namesrv/kvConfig.json", folder);
    snprintf(config, sizeof(config), "%s/namesrv/namesrv.properties", folder);
    snprintf(root, sizeof(root), "%s/store", folder);
    const char *const name_config[][2] = {
        {"listenPort", "0"}, {"kvConfigPath", kv}, {"configStorePath", config}};
    start_member(&names, &namesrv_role, name_config, 3);
    snprintf(name_server, sizeof(name_server), "127.0.0.1:%u", (unsigned)port_of(names.env));
    snprintf(port, sizeof(port), "%u", (unsigned)free_port());
    snprintf(broker_address, sizeof(broker_address), "127.0.0.1:%s", port);
    const char *const broker_config[][2] = {{"brokerClusterName", "C"},
                                            {"brokerName", "broker-a"},
                                            {"brokerIP1", "127.0.0.1"},
                                            {"listenPort", port},
                                            {"namesrvAddr", name_server},
                                            {"storePathRootDir", root},
                                            {"mappedFileSizeCommitLog", "1048576"},
                                            {"autoCreateTopicEnable", "true"}};
    start_member(&broker, &broker_role, broker_config, 8);
    turn_until(loop, is_registered, NULL);
    /* the fixture's $A */
    snprintf(server.address, sizeof(server.address), "%s", broker_address);
}

static void teardown(void) {
    char command[128];
    stop_member(&client);
    stop_member(&broker);
    stop_member(&names);
    real_loop_free(loop);
    snprintf(command, sizeof(command), "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* Runs it, expects success and `part` in its output. */
static void expect(const char *line, const char *part) {
    struct run done = run(line);
    char *expected = with_address(part);
    ck_assert_msg(done.status == ADMIN_OK, "%s: %s", line, done.err);
    ck_assert_msg(strstr(done.out, expected) != NULL, "%s: out:\n%s", line, done.out);
    free(expected);
    run_free(&done);
}
static void expect_failure(const char *line, const char *part) {
    struct run done = run(line);
    ck_assert_int_eq(done.status, ADMIN_FAILED);
    ck_assert_msg(strstr(done.err, part) != NULL, "%s: err:\n%s", line, done.err);
    run_free(&done);
}

/* Runs `line` until its output has `part`: what a client or a registration does comes later. */
struct awaited {
    const char *line, *part;
};
static bool holds(void *ctx) {
    const struct awaited *awaited = ctx;
    struct run done = run(awaited->line);
    bool has = done.status == ADMIN_OK && strstr(done.out, awaited->part) != NULL;
    run_free(&done);
    return has;
}
static void await(const char *line, const char *part) {
    struct awaited awaited = {line, part};
    turn_until(loop, holds, &awaited);
}

START_TEST(test_topics__are_made_changed_and_listed) {
    expect("updateTopic -c C -t orders -r 3 -w 3", "create topic to $A success.\n");
    await("topicRoute -t orders --json", "\"writeQueueNums\":3");
    expect("topicList", "orders\n");
    expect("topicClusterList -t orders", "C\n");
    expect("topicRoute -l -t orders", "{0=$A}");
    expect("topicStatus -t orders", "broker-a                          2     0     ");
    expect("updateTopicPerm -c C -t orders -p 4", "update topic perm from 6 to 4 in $A success.\n");
    await("topicRoute -t orders --json", "\"perm\":4");
    expect("updateTopic -b $A -t orders -o true",
           "set broker orderConf. isOrder=true, orderConf=[broker-a:8]\n");
    expect("updateOrderConf -t orders -m get",
           "get orderConf success. topic=[orders], orderConf=[broker-a:8] \n");
    expect_failure("topicRoute -t nowhere", "with TOPIC_NOT_EXIST (17): No topic route info");
}
END_TEST

START_TEST(test_name_server__is_configured) {
    expect("updateKvConfig -s N -k K -v V", "create or update kv config to namespace success.\n");
    expect("deleteKvConfig -s N -k K", "delete kv config from namespace success.\n");
    expect("getNamesrvConfig", "listenPort                                        =  ");
    expect("updateNamesrvConfig -k orderMessageEnable -v true", "orderMessageEnable : true\n");
    expect("getNamesrvConfig --json", "\"orderMessageEnable\":\"true\"");
    expect("wipeWritePerm -b broker-a", " OK, ");
    expect("addWritePerm -b broker-a --json", "\"ok\":true");
    expect_failure("updateNamesrvConfig -k kvConfigPath -v /x", "UPDATE_NAMESRV_CONFIG (318)");
}
END_TEST

START_TEST(test_messages__are_sent_found_and_read) {
    expect("updateTopic -c C -t orders -r 1 -w 1", "success");
    await("topicRoute -t orders --json", "\"writeQueueNums\":1");
    expect("sendMessage -t orders -p hello -k k1 -c TagA", "SEND_OK");
    expect("sendMessage -t orders -p world -k k2 -c TagB -b broker-a -i 0", "SEND_OK");
    await("queryMsgByKey -t orders -k k2 --json", "\"queueOffset\":1");
    expect("topicStatus -t orders --json", "\"minOffset\":0,\"maxOffset\":2");
    expect("printMsg -t orders", "BODY: hello\n");
    expect("printMsg -t orders -s TagB --json", "\"body\":\"world\"}],\"ok\":true}");
    expect("printMsgByQueue -t orders -a broker-a -i 0 -f true",
           "Tag: TagA                           Count: 1\n");
    expect("consumeMessage -t orders -c 1", "BODY: hello\n");
    expect("queryMsgByOffset -t orders -b broker-a -i 0 -o 1", "Keys:                [k2]\n");
    expect_failure("queryMsgByOffset -t orders -b broker-a -i 0 -o 9", "no message at offset 9");
    expect("queryCq -t orders -q 0 -i 0", "max: 2, min: 0\n");
    struct run sent = run("sendMessage -t orders -p again -k k3 --json");
    char id[64], line[128];
    const char *at = strstr(sent.out, "\"offsetMsgId\":\"");
    ck_assert_ptr_nonnull(at);
    ck_assert_int_eq(sscanf(at, "\"offsetMsgId\":\"%63[0-9A-F]", id), 1);
    run_free(&sent);
    snprintf(line, sizeof(line), "queryMsgById -i %s --json", id);
    await(line, "\"body\":\"again\"");
    expect_failure("sendMessage -t orders -p x -b broker-b", "no queue of the topic");
}
END_TEST

START_TEST(test_sends__are_measured) {
    expect("checkMsgSendRT -t fresh -a 3 --json", "\"success\":true,\"rtMillis\":");
    await("topicRoute -t fresh --json", "\"brokerName\":\"broker-a\"");
    expect("sendMsgStatus -b fresh -c 2", "SendResult [sendStatus=SEND_OK, msgId=");
    expect("clusterRT -a 3 -r 1", "3                 0");
    expect("statsAll -t fresh", "NO_CONSUMER");
    expect("brokerStatus -b $A", "brokerVersionDesc               : V4_9_8\n");
    expect("clusterList -m", "broker-a");
}
END_TEST

START_TEST(test_groups__show_progress) {
    const char *const config[][2] = {
        {"namesrvAddr", name_server},
        {"load.1", "do=produce,producerGroup=P,topic=orders,count=20"},
        {"load.2", "do=consume,consumerGroup=G,subscription=orders:*"}};
    expect("updateTopic -c C -t orders -r 2 -w 2", "success");
    await("topicRoute -t orders --json", "\"writeQueueNums\":2");
    start_member(&client, &client_role, config, 3);
    await("consumerProgress -g G --json", "\"topic\":\"orders\"");
    await("topicList -c --json", "\"topic\":\"orders\",\"consumerGroup\":\"G\"");
    await("consumerProgress -g G", "Diff Total: 0\n");
    expect("brokerConsumeStats -b $A", "Diff Total: ");
    expect("statsAll -t orders --json", "\"consumerGroup\":\"G\"");
    expect_failure("consumerProgress -g nobody", "TOPIC_NOT_EXIST (17)");
}
END_TEST

START_TEST(test_groups__are_made_read_moved_and_deleted) {
    const char *const config[][2] = {
        {"namesrvAddr", name_server},
        {"load.1", "do=produce,producerGroup=P,topic=orders,count=20"},
        {"load.2", "do=consume,consumerGroup=G,subscription=orders:*"},
        /* one message a second, so that a producer stays */
        {"load.3", "do=produce,producerGroup=Q,topic=other,arrivals=constant,rate=1000"}};
    expect("updateTopic -c C -t orders -r 2 -w 2", "success");
    await("topicRoute -t orders --json", "\"writeQueueNums\":2");
    expect("updateSubGroup -c C -g G -r 5", "create subscription group to $A success.\n");
    expect("getConsumerConfig -g G", "retryMaxTimes                           =  5\n");
    start_member(&client, &client_role, config, 4);
    await("consumerConnection -g G", "orders               *\n");
    await("consumerProgress -g G --json",
          "\"queueId\":0,\"brokerOffset\":10,\"consumerOffset\":10,");
    await("consumerProgress -g G --json",
          "\"queueId\":1,\"brokerOffset\":10,\"consumerOffset\":10,");
    await("producer -b $A", "producer group (Q) instance : clientId=");
    expect("producerConnection -g Q -t orders", "0001  ");
    stop_member(&client);
    expect("resetOffsetByTime -g G -t orders -s 1", "#rollbackOffset");
    expect("consumerProgress -g G --json", "\"diffTotal\":20,");
    expect("cloneGroupOffset -s G -d H -t orders", "clone group offset success.");
    expect("skipAccumulatedMessage -g G -t orders", "#rollbackOffset");
    expect("consumerProgress -g G --json", "\"diffTotal\":0,");
    expect("deleteSubGroup -c C -g G -r true", "delete subscription group [G] from broker [$A]");
    expect_failure("getConsumerConfig -g G", "no broker has a subscription group G");
}
END_TEST

START_TEST(test_broker__is_cleaned_and_loses_a_topic) {
    expect("updateTopic -c C -t orders", "success");
    await("topicRoute -t orders --json", "\"writeQueueNums\":8");
    expect("cleanExpiredCQ -b $A", "success\n");
    expect("cleanUnusedTopic -c C", "success\n");
    expect("deleteExpiredCommitLog", "success\n");
    expect("deleteTopic -c C -t orders", "delete topic [orders] from NameServer success.\n");
    expect_failure("topicRoute -t orders", "TOPIC_NOT_EXIST (17)");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("mqadmin_cluster");
    TCase *topic = tcase_create("cluster");
    tcase_add_checked_fixture(topic, setup, teardown);
    tcase_set_timeout(topic, 240);
    tcase_add_test(topic, test_topics__are_made_changed_and_listed);
    tcase_add_test(topic, test_name_server__is_configured);
    tcase_add_test(topic, test_messages__are_sent_found_and_read);
    tcase_add_test(topic, test_sends__are_measured);
    tcase_add_test(topic, test_groups__show_progress);
    tcase_add_test(topic, test_groups__are_made_read_moved_and_deleted);
    tcase_add_test(topic, test_broker__is_cleaned_and_loses_a_topic);
    suite_add_tcase(suite, topic);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
