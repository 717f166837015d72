/* test_broker_access.c - a broker with aclEnable=true: its start, the gate, reloading, requests 50
 * to 53. */
#include "model/broker/access_internal.h"
#include "model/tests/broker_fixture.h"
#include "model/tests/suite.h"

#define HOME "aclEnable=true\nrocketmqHome=/rmq\n" ONE
#define DEFAULT_FILE "/rmq/conf/plain_acl.yml"
#define RULES                                                                  \
    "accounts:\n"                                                              \
    "- {accessKey: account1, secretKey: secret1, topicPerms: [pub=PUB|SUB]}\n" \
    "- {accessKey: account2, secretKey: secret2, admin: true}\n"

static struct peer client;

static void put_rules(const char *path, const char *text) {
    fake_put_file(env, path, span_of_text(text));
}

static void start_with(const char *rules) {
    setup();
    memset(&client, 0, sizeof client);
    put_rules(DEFAULT_FILE, rules);
    start(HOME);
}

static void connect_client(void) {
    peer_init(&client, fake_accept(env, 10911, "10.0.0.50:4000"));
}

static void begin(void) {
    start_with(RULES);
    connect_client();
}

static void end(void) {
    if (client.conn != NULL)
        peer_deinit(&client);
    stop();
    teardown();
}

/* Sends `command`, signed as "accountN" (NULL: not), and takes the answer. */
static void ask(struct wire_command *command, const char *key, struct wire_command *answer) {
    static int32_t opaque;
    char text[WIRE_SIGNATURE_BYTES];
    char secret[] = "secret0";
    command->opaque = ++opaque;
    if (key != NULL) {
        secret[6] = key[7];
        const struct wire_credentials credentials = {.access_key = span_of_text(key),
                                                     .secret_key = span_of_text(secret)};
        ck_assert_int_eq(wire_sign(&credentials, command, text), RMQ_OK);
    }
    peer_send(&client, command);
    for (int i = 0; i < 100 && !peer_take(&client, answer); i++)
        fake_settle(env);
    ck_assert_int_eq(answer->opaque, opaque);
}

static void ask_fields(int32_t code, const char *fields, const char *key,
                       struct wire_command *answer) {
    struct wire_command command;
    wire_command_init(&command, code);
    struct span rest = span_of_text(fields), part;
    while (span_next_part(&rest, ' ', &part)) {
        const uint8_t *equals = memchr(part.data, '=', part.len);
        size_t len = (size_t)(equals - part.data);
        ck_assert_int_eq(
            wire_field_add(&command, span_of(part.data, len), span_from(part, len + 1)), RMQ_OK);
    }
    ask(&command, key, answer);
}

static void check_answer(int32_t code, const char *fields, const char *key, int32_t want,
                         const char *remark) {
    struct wire_command answer;
    ask_fields(code, fields, key, &answer);
    if (answer.code != want)
        ck_abort_msg("request %d: code %d, %.*s", (int)code, (int)answer.code,
                     (int)answer.remark.len, (const char *)answer.remark.data);
    if (remark != NULL)
        ck_assert_span_eq(answer.remark, remark);
}

#define EXCEPTION "org.apache.rocketmq.acl.common.AclException: "

START_TEST(test_gate__answers_as_apache_s_exception) {
    begin();
    check_answer(REQUEST_GET_BROKER_RUNTIME_INFO, "", NULL, RESPONSE_SYSTEM_ERROR,
                 EXCEPTION "No accessKey is configured");
    check_answer(REQUEST_GET_BROKER_RUNTIME_INFO, "", "account9", RESPONSE_SYSTEM_ERROR,
                 EXCEPTION "No acl config for account9");
    check_answer(REQUEST_GET_BROKER_RUNTIME_INFO, "AccessKey=account1 Signature=x", NULL,
                 RESPONSE_SYSTEM_ERROR, EXCEPTION "Check signature failed for accessKey=account1");
    check_answer(REQUEST_UPDATE_BROKER_CONFIG, "", "account1", RESPONSE_SYSTEM_ERROR,
                 EXCEPTION "Need admin permission for request code=25, but accessKey=account1 is "
                           "not");
    check_answer(REQUEST_QUERY_MESSAGE, "topic=none", "account1", RESPONSE_SYSTEM_ERROR,
                 EXCEPTION "No default permission for topic:none");
    check_answer(REQUEST_GET_CONSUMER_LIST_BY_GROUP, "consumerGroup=g", "account1",
                 RESPONSE_SYSTEM_ERROR, EXCEPTION "No default permission for group:g");
    ck_assert_uint_eq(fake_event_count(env, EVENT_acl_refused), 6);
    check_answer(REQUEST_GET_BROKER_RUNTIME_INFO, "", "account1", RESPONSE_SUCCESS, NULL);
    check_answer(REQUEST_GET_BROKER_RUNTIME_INFO, "", "account2", RESPONSE_SUCCESS, NULL);
    ck_assert_uint_eq(fake_event_count(env, EVENT_acl_refused), 6);
    end();
}
END_TEST

/* Secrets stand in no log and no event. */
START_TEST(test_gate__keeps_secrets) {
    begin();
    check_answer(REQUEST_GET_BROKER_RUNTIME_INFO, "AccessKey=account1 Signature=x", NULL,
                 RESPONSE_SYSTEM_ERROR, NULL);
    check_answer(REQUEST_UPDATE_AND_CREATE_ACL_CONFIG, "accessKey=account3 secretKey=s3cr3tly",
                 "account2", RESPONSE_SUCCESS, NULL);
    ck_assert(!fake_log_contains(env, "secret1"));
    ck_assert(!fake_log_contains(env, "s3cr3tly"));
    for (size_t i = 0; i < fake_event_total(env); i++) {
        const struct fake_event *event = fake_event_at(env, i);
        ck_assert(event->kind != EVENT_acl_refused ||
                  !span_equal(fake_event_text(env, EVENT_acl_refused, "reason"),
                              SPAN_LITERAL("secret1")));
    }
    end();
}
END_TEST

/* A start that cannot know its rules serves nobody. */
START_TEST(test_start__needs_rules_that_read) {
    static const struct {
        const char *config, *rules, *logged;
    } STARTS[] = {
        {"aclEnable=true\n" ONE, RULES, "expected rocketmqHome (or $ROCKETMQ_HOME)"},
        {HOME, NULL, "/rmq/conf/plain_acl.yml: not found"},
        {HOME, "accounts: 1\n", "/rmq/conf/plain_acl.yml:1:11: accounts: expected a list"},
    };
    for (size_t i = 0; i < sizeof STARTS / sizeof STARTS[0]; i++) {
        setup();
        if (STARTS[i].rules != NULL)
            put_rules(DEFAULT_FILE, STARTS[i].rules);
        int err = fake_start_text(env, &broker_role, STARTS[i].config);
        for (int k = 0; k < 100 && err == RMQ_OK && !fake_exited(env, NULL); k++)
            fake_settle(env);
        ck_assert(err != RMQ_OK || fake_exited(env, NULL));
        ck_assert(!fake_listening(env, 10911));
        if (!fake_log_contains(env, STARTS[i].logged))
            ck_abort_msg("not logged: %s", STARTS[i].logged);
        teardown();
    }
}
END_TEST

/* Files of conf/acl come first, by name; a key that is taken belongs to the first. */
START_TEST(test_start__reads_the_folder) {
    setup();
    memset(&client, 0, sizeof client);
    put_rules(DEFAULT_FILE, RULES);
    put_rules("/rmq/conf/acl/b.yml", "accounts: [{accessKey: account3, secretKey: secret3}]\n");
    put_rules("/rmq/conf/acl/a/x.yaml",
              "accounts: [{accessKey: account1, secretKey: secret1, admin: true}]\n");
    put_rules("/rmq/conf/acl/not.txt", "accounts: 1\n");
    start(HOME);
    connect_client();
    ck_assert_uint_eq(fake_event_uint(env, EVENT_acl_loaded, "files"), 3);
    ck_assert(fake_log_contains(env, "account account1 is ignored, an earlier file has it"));
    check_answer(REQUEST_GET_BROKER_RUNTIME_INFO, "", "account3", RESPONSE_SUCCESS, NULL);
    check_answer(REQUEST_QUERY_MESSAGE, "topic=none", "account1", RESPONSE_SYSTEM_ERROR, NULL);
    ck_assert_uint_eq(fake_event_count(env, EVENT_acl_refused), 0); /* it is an administrator */
    end();
}
END_TEST

START_TEST(test_reload__within_five_seconds) {
    begin();
    put_rules(DEFAULT_FILE, "accounts: [{accessKey: account3, secretKey: secret3}]\n");
    check_answer(REQUEST_GET_BROKER_RUNTIME_INFO, "", "account1", RESPONSE_SUCCESS, NULL);
    fake_advance_ms(env, 5000);
    check_answer(REQUEST_GET_BROKER_RUNTIME_INFO, "", "account1", RESPONSE_SYSTEM_ERROR, NULL);
    check_answer(REQUEST_GET_BROKER_RUNTIME_INFO, "", "account3", RESPONSE_SUCCESS, NULL);
    ck_assert_uint_eq(fake_event_count(env, EVENT_acl_loaded), 2);
    fake_advance_ms(env, 60000); /* nothing changes, nothing is read */
    ck_assert_uint_eq(fake_event_count(env, EVENT_acl_loaded), 2);
    end();
}
END_TEST

START_TEST(test_reload__a_broken_file_changes_nothing) {
    begin();
    put_rules(DEFAULT_FILE, "accounts: [");
    fake_advance_ms(env, 10000);
    ck_assert(fake_log_contains(env, "the access rules stay as they were"));
    check_answer(REQUEST_GET_BROKER_RUNTIME_INFO, "", "account1", RESPONSE_SUCCESS, NULL);
    fake_remove_file(env, DEFAULT_FILE);
    fake_advance_ms(env, 10000);
    check_answer(REQUEST_GET_BROKER_RUNTIME_INFO, "", "account1", RESPONSE_SUCCESS, NULL);
    put_rules(DEFAULT_FILE, RULES);
    fake_advance_ms(env, 10000);
    ck_assert_uint_eq(fake_event_count(env, EVENT_acl_loaded), 2);
    end();
}
END_TEST

/* ---- 50 to 53 ---------------------------------------------------------------------------------
 */

START_TEST(test_update__is_in_force_when_answered) {
    begin();
    check_answer(REQUEST_UPDATE_AND_CREATE_ACL_CONFIG,
                 "accessKey=account3 secretKey=secret3 admin=false topicPerms=t=PUB,u=SUB "
                 "groupPerms=g=SUB defaultTopicPerm=DENY",
                 "account2", RESPONSE_SUCCESS, NULL);
    check_answer(REQUEST_QUERY_MESSAGE, "topic=t", "account3", RESPONSE_SYSTEM_ERROR,
                 EXCEPTION "No default permission for topic:t");
    check_answer(REQUEST_GET_CONSUMER_LIST_BY_GROUP, "consumerGroup=h", "account3",
                 RESPONSE_SYSTEM_ERROR, EXCEPTION "No default permission for group:h");
    size_t refused = fake_event_count(env, EVENT_acl_refused);
    check_answer(REQUEST_GET_CONSUMER_LIST_BY_GROUP, "consumerGroup=g", "account3",
                 RESPONSE_SYSTEM_ERROR, NULL); /* no such group; but it was asked */
    ck_assert_uint_eq(fake_event_count(env, EVENT_acl_refused), refused);
    /* It outlives the process, and the other accounts stayed. */
    peer_deinit(&client);
    client.conn = NULL;
    stop();
    start(HOME);
    connect_client();
    check_answer(REQUEST_GET_BROKER_RUNTIME_INFO, "", "account3", RESPONSE_SUCCESS, NULL);
    check_answer(REQUEST_GET_BROKER_RUNTIME_INFO, "", "account1", RESPONSE_SUCCESS, NULL);
    end();
}
END_TEST

/* What is not given stays, but for admin, which Java always sends. */
START_TEST(test_update__of_an_account_keeps_the_rest) {
    begin();
    check_answer(REQUEST_UPDATE_AND_CREATE_ACL_CONFIG,
                 "accessKey=account1 secretKey=secret9 groupPerms=g=SUB", "account2",
                 RESPONSE_SUCCESS, NULL);
    check_answer(REQUEST_GET_BROKER_RUNTIME_INFO, "", "account1", RESPONSE_SYSTEM_ERROR, NULL);
    struct span text;
    ck_assert(fake_get_file(env, DEFAULT_FILE, &text));
    buf_clear(&client.scratch);
    buf_put_span(&client.scratch, text);
    buf_put_u8(&client.scratch, '\0');
    ck_assert_ptr_nonnull(strstr((const char *)client.scratch.data, "'pub=PUB|SUB'"));
    ck_assert_ptr_nonnull(strstr((const char *)client.scratch.data, "'g=SUB'"));
    ck_assert_ptr_nonnull(strstr((const char *)client.scratch.data, "counter: 1"));
    end();
}
END_TEST

static const struct {
    int32_t code;
    const char *fields;
    int32_t want;
    const char *remark;
} WRONG[] = {
    {50, "accessKey=short", 209,
     "The accessKey=short and its secretKey cannot be null and length should longer than 6"},
    {50, "accessKey=account3 secretKey=six666", 209,
     "The accessKey=account3 and its secretKey cannot be null and length should longer than 6"},
    {50, "accessKey=account3 secretKey=secret3 topicPerms=t=ALL", 209,
     "expected NAME=DENY, PUB, SUB or PUB|SUB: t=ALL"},
    {50, "accessKey=account3 secretKey=secret3 topicPerms=t", 209,
     "expected NAME=DENY, PUB, SUB or PUB|SUB: t"},
    {50, "accessKey=account3 secretKey=secret3 defaultTopicPerm=x", 209,
     "defaultTopicPerm: expected DENY, PUB, SUB or PUB|SUB"},
    {50, "accessKey=account3 secretKey=secret3 whiteRemoteAddress=1.2", 209,
     "whiteRemoteAddress: expected an address, a comma list, a set \"10.0.0.{1,2}\" or parts that "
     "are * or a range"},
    {51, "accessKey=account3", 210,
     "The accesskey[account3] corresponding to accessConfig has been deleted failed."},
    {53, "", 211, "globalWhiteAddrs is missing"},
    {53, "globalWhiteAddrs=1.2.3.4 aclFileFullPath=/etc/passwd", 211,
     "not a file with access rules: /etc/passwd"},
    {53, "globalWhiteAddrs=x", 211,
     "globalWhiteRemoteAddresses: expected an address, a comma list, a set \"10.0.0.{1,2}\" or "
     "parts that are * or a range"},
};

START_TEST(test_change__refused_whole) {
    struct span text;
    begin();
    check_answer(WRONG[_i].code, WRONG[_i].fields, "account2", WRONG[_i].want, WRONG[_i].remark);
    ck_assert(fake_get_file(env, DEFAULT_FILE, &text));
    ck_assert_span_eq(text, RULES);
    end();
}
END_TEST

START_TEST(test_delete__ends_the_account) {
    begin();
    check_answer(REQUEST_DELETE_ACL_CONFIG, "accessKey=account1", "account2", RESPONSE_SUCCESS,
                 NULL);
    check_answer(REQUEST_GET_BROKER_RUNTIME_INFO, "", "account1", RESPONSE_SYSTEM_ERROR,
                 EXCEPTION "No acl config for account1");
    check_answer(REQUEST_GET_BROKER_RUNTIME_INFO, "", "account2", RESPONSE_SUCCESS, NULL);
    end();
}
END_TEST

START_TEST(test_white__sets_keep_their_commas) {
    begin();
    check_answer(REQUEST_UPDATE_GLOBAL_WHITE_ADDRS_CONFIG,
                 "globalWhiteAddrs=10.9.9.9,10.0.0.{49,50}", "account2", RESPONSE_SUCCESS, NULL);
    check_answer(REQUEST_GET_BROKER_RUNTIME_INFO, "", NULL, RESPONSE_SUCCESS, NULL);
    end();
}
END_TEST

START_TEST(test_version__counts_changes) {
    struct wire_command answer;
    begin();
    check_answer(REQUEST_DELETE_ACL_CONFIG, "accessKey=account1", "account2", RESPONSE_SUCCESS,
                 NULL);
    ask_fields(REQUEST_GET_BROKER_CLUSTER_ACL_INFO, "", "account2", &answer);
    ck_assert_int_eq(answer.code, RESPONSE_SUCCESS);
    ck_assert_span_eq(wire_field(&answer, "clusterName"), "DefaultCluster");
    char want[128], all[192];
    snprintf(want, sizeof want, "{\"counter\":1,\"timestamp\":%lld}",
             (long long)((struct broker *)fake_node(env))->access->files[0]->timestamp);
    snprintf(all, sizeof all, "{\"" DEFAULT_FILE "\":%s}", want);
    ck_assert_span_eq(wire_field(&answer, "version"), want);
    ck_assert_span_eq(wire_field(&answer, "allAclFileVersion"), all);
    end();
}
END_TEST

/* The disk fails while the new file is written: code 209, the old rules stay. */
START_TEST(test_change__that_cannot_be_written) {
    begin();
    fake_fail_at(env, FAKE_FAIL_FILE_SYNC, 1);
    check_answer(REQUEST_UPDATE_AND_CREATE_ACL_CONFIG, "accessKey=account3 secretKey=secret3",
                 "account2", RESPONSE_UPDATE_AND_CREATE_ACL_CONFIG_FAILED, "input/output error");
    check_answer(REQUEST_GET_BROKER_RUNTIME_INFO, "", "account3", RESPONSE_SYSTEM_ERROR, NULL);
    check_answer(REQUEST_GET_BROKER_RUNTIME_INFO, "", "account1", RESPONSE_SUCCESS, NULL);
    end();
}
END_TEST

/* One change at a time; the asker may leave, the broker may stop meanwhile. */
START_TEST(test_change__under_way) {
    struct wire_command command, answer;
    begin();
    fake_hold_files(env, true);
    for (int i = 0; i < 2; i++) {
        char text[WIRE_SIGNATURE_BYTES];
        const struct wire_credentials credentials = {.access_key = SPAN_LITERAL("account2"),
                                                     .secret_key = SPAN_LITERAL("secret2")};
        wire_command_init(&command, REQUEST_DELETE_ACL_CONFIG);
        command.opaque = i;
        ck_assert_int_eq(
            wire_field_add(&command, SPAN_LITERAL("accessKey"), SPAN_LITERAL("account1")), RMQ_OK);
        ck_assert_int_eq(wire_sign(&credentials, &command, text), RMQ_OK);
        peer_send(&client, &command);
    }
    ck_assert(peer_take(&client, &answer));
    ck_assert_int_eq(answer.opaque, 1);
    ck_assert_int_eq(answer.code, RESPONSE_SYSTEM_BUSY);
    fake_peer_reset(client.conn, RMQ_E_RESET);
    fake_settle(env);
    fake_hold_files(env, false);
    fake_advance_ms(env, 100);
    ck_assert_uint_eq(((struct broker *)fake_node(env))->access->files[0]->account_count, 1);
    end();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("broker_access");
    TCase *tests = suite_case(suite, "access");
    tcase_add_test(tests, test_gate__answers_as_apache_s_exception);
    tcase_add_test(tests, test_gate__keeps_secrets);
    tcase_add_test(tests, test_start__needs_rules_that_read);
    tcase_add_test(tests, test_start__reads_the_folder);
    tcase_add_test(tests, test_reload__within_five_seconds);
    tcase_add_test(tests, test_reload__a_broken_file_changes_nothing);
    tcase_add_test(tests, test_update__is_in_force_when_answered);
    tcase_add_test(tests, test_update__of_an_account_keeps_the_rest);
    tcase_add_loop_test(tests, test_change__refused_whole, 0, sizeof WRONG / sizeof WRONG[0]);
    tcase_add_test(tests, test_delete__ends_the_account);
    tcase_add_test(tests, test_white__sets_keep_their_commas);
    tcase_add_test(tests, test_version__counts_changes);
    tcase_add_test(tests, test_change__that_cannot_be_written);
    tcase_add_test(tests, test_change__under_way);
    return suite_run(suite);
}
