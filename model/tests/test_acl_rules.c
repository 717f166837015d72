/* test_acl_rules.c - plain_acl.yml: what is read, refused, written, and who may do what. */
#include <stdio.h>

#include "model/acl/check.h"
#include "model/acl/rules.h"
#include "model/base/json.h"
#include "model/tests/env_fake.h"
#include "model/tests/suite.h"
#include "model/wire/body_heartbeat.h"
#include "model/wire/codes.h"

static struct env *env;
static struct acl_file *file;
static struct acl_error error;
static char warnings[1024];

static void setup(void) {
    env = fake_create();
    file = NULL;
    warnings[0] = '\0';
}

static void teardown(void) {
    acl_file_free(file);
    fake_destroy(env);
}

static void on_warning(void *ctx, const struct acl_error *warning) {
    size_t len = strlen(warnings);
    ck_assert_ptr_null(ctx);
    snprintf(warnings + len, sizeof warnings - len, "%u:%u %s\n", (unsigned)warning->line,
             (unsigned)warning->column, warning->text);
}

static int read_text(const char *text) {
    return acl_file_read(env, SPAN_LITERAL("/x/plain_acl.yml"), span_of_text(text), on_warning,
                         NULL, &file, &error);
}

static void must_read(const char *text) {
    if (read_text(text) != RMQ_OK)
        ck_abort_msg("%u:%u: %s", (unsigned)error.line, (unsigned)error.column, error.text);
}

/* The shape of the file that RocketMQ ships. */
static const char SHIPPED[] = "globalWhiteRemoteAddresses:\n"
                              "  - 10.10.103.*\n"
                              "  - 192.168.0.*\n"
                              "\n"
                              "accounts:\n"
                              "  - accessKey: RocketMQ\n"
                              "    secretKey: 12345678\n"
                              "    whiteRemoteAddress:\n"
                              "    admin: false\n"
                              "    defaultTopicPerm: DENY\n"
                              "    defaultGroupPerm: SUB\n"
                              "    topicPerms:\n"
                              "      - topicA=DENY\n"
                              "      - topicB=PUB|SUB\n"
                              "      - topicC=SUB\n"
                              "    groupPerms:\n"
                              "      # a comment\n"
                              "      - groupA=DENY\n"
                              "      - groupB=PUB|SUB\n"
                              "      - groupC=SUB\n"
                              "\n"
                              "  - accessKey: rocketmq2\n"
                              "    secretKey: 12345678\n"
                              "    whiteRemoteAddress: 192.168.1.*\n"
                              "    admin: true\n";

START_TEST(test_read__what_rocketmq_ships) {
    must_read(SHIPPED);
    ck_assert_uint_eq(file->white.count, 2);
    ck_assert_uint_eq(file->account_count, 2);
    const struct acl_account *account = acl_file_account(file, SPAN_LITERAL("RocketMQ"));
    ck_assert_ptr_nonnull(account);
    ck_assert(span_equal(account->secret_key, SPAN_LITERAL("12345678")));
    ck_assert(span_is_absent(account->white_text) && account->white.count == 0);
    ck_assert(!account->admin);
    ck_assert_uint_eq(account->default_topic, ACL_DENY);
    ck_assert_uint_eq(account->default_group, ACL_SUB);
    ck_assert_uint_eq(account->topics.count, 3);
    ck_assert_uint_eq(account->groups.count, 3);
    ck_assert(acl_file_account(file, SPAN_LITERAL("rocketmq2"))->admin);
    ck_assert_ptr_null(acl_file_account(file, SPAN_LITERAL("rocketmq3")));
    ck_assert_str_eq(warnings, "");
}
END_TEST

START_TEST(test_read__nothing) {
    static const char *const EMPTY[] = {"",    "\n",          "# nothing\n",   "---\n",
                                        "~\n", "accounts:\n", "accounts: []\n"};
    for (size_t i = 0; i < sizeof EMPTY / sizeof EMPTY[0]; i++) {
        must_read(EMPTY[i]);
        ck_assert_uint_eq(file->account_count, 0);
        acl_file_free(file);
        file = NULL;
    }
}
END_TEST

#define ACCOUNT "accounts:\n- accessKey: account1\n  secretKey: secret1\n"

/* A text, the place and the reason of its refusal. */
static const struct {
    const char *text;
    unsigned line, column;
    const char *reason;
} REFUSED[] = {
    {"[1]", 1, 1, "the file: expected members (NAME: VALUE)"},
    {"a: [", 2, 1, "not YAML: did not find expected node content"},
    {"a: b: c", 1, 5, "not YAML: mapping values are not allowed in this context"},
    {"accounts: 1", 1, 11, "accounts: expected a list"},
    {"accounts:\n- 1", 2, 3, "accounts: expected members (NAME: VALUE)"},
    {"accounts:\n- accessKey: account1\n", 2, 3,
     "accounts: expected accessKey and secretKey, each longer than 6"},
    {"accounts:\n- accessKey: accou1\n  secretKey: secret1", 2, 14,
     "accessKey: expected a text longer than 6"},
    {ACCOUNT "- accessKey: account1\n  secretKey: secret2", 4, 3,
     "accounts: expected an accessKey that no account above has"},
    {ACCOUNT "  admin: maybe", 4, 10, "admin: expected true or false"},
    {ACCOUNT "  defaultTopicPerm: PUBSUB", 4, 21,
     "defaultTopicPerm: expected DENY, PUB, SUB or PUB|SUB"},
    {ACCOUNT "  topicPerms:\n  - t=PUB\n  - u=ALL", 6, 5,
     "topicPerms: expected NAME=DENY, PUB, SUB or PUB|SUB"},
    {ACCOUNT "  groupPerms: [ g ]", 4, 17, "groupPerms: expected NAME=PERMISSION"},
    {ACCOUNT "  groupPerms: [ =SUB ]", 4, 17, "groupPerms: expected NAME=PERMISSION"},
    {ACCOUNT "  groupPerms: g=SUB", 4, 15, "groupPerms: expected a list"},
    {ACCOUNT "  admin: true\n  admin: true", 5, 3, "accounts: expected each member once"},
    {ACCOUNT "  whiteRemoteAddress: 1.2.3", 4, 23,
     "whiteRemoteAddress: expected an address, a comma list, a set \"10.0.0.{1,2}\" or parts that "
     "are * or a range"},
    {"globalWhiteRemoteAddresses: [x]", 1, 30,
     "globalWhiteRemoteAddresses: expected an address, a comma list, a set \"10.0.0.{1,2}\" or "
     "parts that are * or a range"},
    {"accounts:\n- accessKey: account1\n  secretKey: 01234567", 3, 14,
     "secretKey: expected quotes: YAML reads this as a number, and drops its form"},
    {"accounts:\n- accessKey: account1\n  secretKey: 0x1234567", 3, 14,
     "secretKey: expected quotes: YAML reads this as a number, and drops its form"},
    {"accounts:\n- accessKey: 1_000_000\n  secretKey: secret1", 2, 14,
     "accessKey: expected quotes: YAML reads this as a number, and drops its form"},
    {"accounts:\n- accessKey: 12:30:45\n  secretKey: secret1", 2, 14,
     "accessKey: expected quotes: YAML reads this as a number, and drops its form"},
    {"accounts:\n- accessKey: [account1]\n  secretKey: secret1", 2, 14,
     "accessKey: expected a text"},
    {"dataVersion: [{counter: x}]", 1, 25, "counter: expected a whole number"},
    {"? [a]\n: b", 1, 3, "the file: expected the name of a member"},
};

START_TEST(test_read__says_where_and_what) {
    int err = read_text(REFUSED[_i].text);
    ck_assert_int_eq(err, RMQ_E_INVALID);
    ck_assert_ptr_null(file);
    ck_assert_str_eq(error.text, REFUSED[_i].reason);
    ck_assert_uint_eq(error.line, REFUSED[_i].line);
    ck_assert_uint_eq(error.column, REFUSED[_i].column);
}
END_TEST

START_TEST(test_read__quoted_numbers_are_texts) {
    must_read("accounts:\n- accessKey: '01234567'\n  secretKey: \"0x1234567\"\n"
              "- accessKey: 1234567\n  secretKey: 1e34567\n");
    ck_assert(span_equal(file->accounts[0].access_key, SPAN_LITERAL("01234567")));
    ck_assert(span_equal(file->accounts[0].secret_key, SPAN_LITERAL("0x1234567")));
    ck_assert(span_equal(file->accounts[1].access_key, SPAN_LITERAL("1234567")));
}
END_TEST

START_TEST(test_read__warns_of_unknown_members) {
    must_read("globalWhiteRemoteAddress: [x]\n" ACCOUNT "  topicPermissions: []\n  other: 1\n");
    ck_assert_str_eq(warnings,
                     "1:1 unknown member \"globalWhiteRemoteAddress\" is ignored; did you mean "
                     "\"globalWhiteRemoteAddresses\"?\n"
                     "5:3 unknown member \"topicPermissions\" is ignored; did you mean "
                     "\"topicPerms\"?\n"
                     "6:3 unknown member \"other\" is ignored\n");
}
END_TEST

/* Aliases may repeat, within the bound of the text. */
START_TEST(test_read__aliases_are_bounded) {
    must_read("accounts:\n- &a {accessKey: &k account1, secretKey: *k, topicPerms: &t [x=PUB]}\n"
              "- {accessKey: account2, secretKey: *k, topicPerms: *t}\n");
    ck_assert(span_equal(file->accounts[1].secret_key, SPAN_LITERAL("account1")));
    ck_assert_uint_eq(file->accounts[1].topics.count, 1);
    acl_file_free(file);
    file = NULL;
    static char bomb[65536];
    size_t len = (size_t)snprintf(bomb, sizeof bomb, "globalWhiteRemoteAddresses: &a [&b '");
    memset(bomb + len, ' ', 1000);
    len += 1000;
    bomb[len++] = '\'';
    for (int i = 0; i < 200; i++)
        len += (size_t)snprintf(bomb + len, sizeof bomb - len, ",*b ");
    snprintf(bomb + len, sizeof bomb - len, "]");
    ck_assert_int_eq(read_text(bomb), RMQ_E_INVALID);
    ck_assert_str_eq(error.text, "globalWhiteRemoteAddresses: expected fewer aliases");
}
END_TEST

START_TEST(test_write__reads_back_the_same) {
    struct buf first, second;
    must_read(SHIPPED);
    file->counter = 3;
    file->timestamp = 1700000000000;
    buf_init(&first, env);
    buf_init(&second, env);
    ck_assert_int_eq(acl_file_write(file, &first), RMQ_OK);
    acl_file_free(file);
    file = NULL;
    buf_put_u8(&first, '\0');
    must_read((const char *)first.data);
    ck_assert_int_eq(acl_file_write(file, &second), RMQ_OK);
    buf_put_u8(&second, '\0');
    ck_assert_str_eq((const char *)first.data, (const char *)second.data);
    ck_assert_int_eq(file->counter, 3);
    ck_assert_int_eq(file->timestamp, 1700000000000);
    ck_assert(acl_account_may_topic(&file->accounts[0], SPAN_LITERAL("topicB"), ACL_PUB));
    ck_assert(span_equal(file->accounts[1].white_text, SPAN_LITERAL("192.168.1.*")));
    buf_deinit(&first);
    buf_deinit(&second);
}
END_TEST

START_TEST(test_memory__each_failure_is_one) {
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        struct buf out;
        buf_init(&out, env);
        fake_fail_at(env, FAKE_FAIL_ALLOC, n);
        int err = read_text(SHIPPED);
        if (err == RMQ_OK)
            err = acl_file_write(file, &out);
        failed = fake_failed(env, FAKE_FAIL_ALLOC);
        ck_assert_int_eq(err, failed ? RMQ_E_NOMEM : RMQ_OK);
        buf_deinit(&out);
        acl_file_free(file);
        file = NULL;
    }
}
END_TEST

START_TEST(test_tools__hold_one_account) {
    const struct span path = SPAN_LITERAL("tools.yml");
    ck_assert_int_eq(acl_tools_read(env, path,
                                    SPAN_LITERAL("accessKey: rocketmq2\nsecretKey: "
                                                 "12345678\n"),
                                    &file, &error),
                     RMQ_OK);
    ck_assert(span_equal(file->accounts[0].access_key, SPAN_LITERAL("rocketmq2")));
    ck_assert(span_equal(file->accounts[0].secret_key, SPAN_LITERAL("12345678")));
    acl_file_free(file);
    file = NULL;
    static const char *const WRONG[] = {"", "accessKey: rocketmq2\n", "[]"};
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(acl_tools_read(env, path, span_of_text(WRONG[i]), &file, &error),
                         RMQ_E_INVALID);
}
END_TEST

/* ---- permissions ------------------------------------------------------------------------------
 */

START_TEST(test_may__row_then_default) {
    must_read(SHIPPED);
    const struct acl_account *one = &file->accounts[0], *admin = &file->accounts[1];
    ck_assert(!acl_account_may_topic(one, SPAN_LITERAL("topicA"), ACL_PUB));
    ck_assert(acl_account_may_topic(one, SPAN_LITERAL("topicB"), ACL_PUB));
    ck_assert(acl_account_may_topic(one, SPAN_LITERAL("topicB"), ACL_SUB));
    ck_assert(!acl_account_may_topic(one, SPAN_LITERAL("topicC"), ACL_PUB));
    ck_assert(acl_account_may_topic(one, SPAN_LITERAL("topicC"), ACL_SUB));
    ck_assert(!acl_account_may_topic(one, SPAN_LITERAL("other"), ACL_SUB));
    ck_assert(!acl_account_may_group(one, SPAN_LITERAL("groupA"), ACL_SUB));
    ck_assert(acl_account_may_group(one, SPAN_LITERAL("other"), ACL_SUB));
    ck_assert(acl_account_may_topic(admin, SPAN_LITERAL("topicA"), ACL_PUB));
    ck_assert(acl_account_may_group(admin, SPAN_LITERAL("groupA"), ACL_SUB));
}
END_TEST

/* As in Apache: rows of an administrator bound it. */
START_TEST(test_may__administrator_with_rows) {
    must_read(ACCOUNT "  admin: true\n  topicPerms: [t=PUB]\n");
    ck_assert(acl_account_may_topic(&file->accounts[0], SPAN_LITERAL("t"), ACL_PUB));
    ck_assert(!acl_account_may_topic(&file->accounts[0], SPAN_LITERAL("u"), ACL_PUB));
}
END_TEST

/* ---- requests ---------------------------------------------------------------------------------
 */

#define CHECKED                                                                 \
    "globalWhiteRemoteAddresses: [10.0.0.9]\n"                                  \
    "accounts:\n"                                                               \
    "- {accessKey: account1, secretKey: secret1, whiteRemoteAddress: 10.0.0.8," \
    " topicPerms: [pub=PUB, sub=SUB], groupPerms: [g=SUB]}\n"                   \
    "- {accessKey: account2, secretKey: secret2, admin: true}\n"

static const struct {
    int32_t code;
    const char *fields; /* "key=value ..." */
    const char *key;    /* who signs */
    enum acl_reason reason;
    const char *subject;
} REQUESTS[] = {
    {10, "topic=pub", "account1", ACL_ALLOWED, "account1"},
    {10, "topic=sub", "account1", ACL_TOPIC_REFUSED, "sub"},
    {10, "topic=pub", "account3", ACL_UNKNOWN_KEY, "account3"},
    {10, "topic=pub", NULL, ACL_NO_KEY, ""},
    {310, "b=pub", "account1", ACL_ALLOWED, "account1"},
    {310, "b=sub", "account1", ACL_TOPIC_REFUSED, "sub"},
    {310, "b=none", "account2", ACL_ALLOWED, "account2"},
    {310, "b=RMQ_SYS_TRACE_TOPIC", "account1", ACL_ALLOWED, "account1"},
    {310, "b=%RETRY%g a=whoever", "account1", ACL_ALLOWED, "account1"},
    {310, "b=%RETRY%h a=g", "account1", ACL_GROUP_REFUSED, "h"},
    {320, "b=sub", "account1", ACL_TOPIC_REFUSED, "sub"},
    {320, "b=pub", "account1", ACL_ALLOWED, "account1"},
    {324, "topic=sub", "account1", ACL_TOPIC_REFUSED, "sub"},
    {325, "b=sub", "account1", ACL_TOPIC_REFUSED, "sub"},
    {325, "b=pub", "account1", ACL_ALLOWED, "account1"},
    {37, "topic=sub", "account1", ACL_TOPIC_REFUSED, "sub"},
    {37, "producerGroup=p", "account1", ACL_ALLOWED, "account1"},
    {36, "group=g", "account1", ACL_ALLOWED, "account1"},
    {36, "group=h", "account1", ACL_GROUP_REFUSED, "h"},
    {11, "topic=sub consumerGroup=g", "account1", ACL_ALLOWED, "account1"},
    {11, "topic=pub consumerGroup=g", "account1", ACL_TOPIC_REFUSED, "pub"},
    {11, "topic=sub consumerGroup=h", "account1", ACL_GROUP_REFUSED, "h"},
    {11, "topic=%RETRY%g consumerGroup=g", "account1", ACL_ALLOWED, "account1"},
    {361, "topic=pub consumerGroup=g", "account1", ACL_TOPIC_REFUSED, "pub"},
    {12, "topic=pub", "account1", ACL_TOPIC_REFUSED, "pub"},
    {12, "topic=sub", "account1", ACL_ALLOWED, "account1"},
    {14, "topic=sub consumerGroup=h", "account1", ACL_GROUP_REFUSED, "h"},
    {15, "topic=sub consumerGroup=g", "account1", ACL_ALLOWED, "account1"},
    {35, "clientID=c consumerGroup=h", "account1", ACL_GROUP_REFUSED, "h"},
    {35, "clientID=c producerGroup=p", "account1", ACL_ALLOWED, "account1"},
    {38, "consumerGroup=h", "account1", ACL_GROUP_REFUSED, "h"},
    {17, "topic=t", "account1", ACL_NOT_ADMIN, "account1"},
    {17, "topic=t", "account2", ACL_ALLOWED, "account2"},
    {18, "", "account1", ACL_NOT_ADMIN, "account1"},
    {25, "", "account1", ACL_NOT_ADMIN, "account1"},
    {200, "", "account1", ACL_NOT_ADMIN, "account1"},
    {207, "", "account1", ACL_NOT_ADMIN, "account1"},
    {215, "", "account1", ACL_NOT_ADMIN, "account1"},
    {50, "", "account1", ACL_NOT_ADMIN, "account1"},
    {51, "", "account1", ACL_NOT_ADMIN, "account1"},
    {53, "", "account1", ACL_NOT_ADMIN, "account1"},
    {53, "", "account2", ACL_ALLOWED, "account2"},
    {28, "", "account1", ACL_ALLOWED, "account1"},
    {28, "", NULL, ACL_NO_KEY, ""},
};

static struct acl_verdict check_from(const char *address, struct wire_command *command,
                                     struct buf *scratch) {
    const struct acl_rules rules = {(struct acl_file *const *)&file, 1};
    const struct acl_address from = acl_address_parse(span_of_text(address));
    return acl_check(&rules, &from, command, scratch);
}

static void check_verdict(const struct acl_verdict *got, enum acl_reason reason,
                          const char *subject) {
    ck_assert_int_eq(got->reason, reason);
    if (!span_equal(got->subject, span_of_text(subject)))
        ck_abort_msg("subject %.*s, expected %s", (int)got->subject.len,
                     (const char *)got->subject.data, subject);
}

static void add_fields(struct wire_command *command, const char *fields) {
    struct span rest = span_of_text(fields), part;
    while (span_next_part(&rest, ' ', &part)) {
        const uint8_t *equals = memchr(part.data, '=', part.len);
        size_t len = (size_t)(equals - part.data);
        ck_assert_int_eq(wire_field_add(command, span_of(part.data, len), span_from(part, len + 1)),
                         RMQ_OK);
    }
}

/* Signs with the secret that goes with account "accountN". */
static void sign_as(struct wire_command *command, const char *key,
                    char text[WIRE_SIGNATURE_BYTES]) {
    char secret[] = "secret0";
    secret[6] = key[7];
    const struct wire_credentials credentials = {.access_key = span_of_text(key),
                                                 .secret_key = span_of_text(secret)};
    ck_assert_int_eq(wire_sign(&credentials, command, text), RMQ_OK);
}

START_TEST(test_check__request) {
    char text[WIRE_SIGNATURE_BYTES];
    struct wire_command command;
    struct buf scratch;
    must_read(CHECKED);
    buf_init(&scratch, env);
    wire_command_init(&command, REQUESTS[_i].code);
    add_fields(&command, REQUESTS[_i].fields);
    if (REQUESTS[_i].key != NULL)
        sign_as(&command, REQUESTS[_i].key, text);
    struct acl_verdict verdict = check_from("10.0.0.1", &command, &scratch);
    check_verdict(&verdict, REQUESTS[_i].reason, REQUESTS[_i].subject);
    buf_deinit(&scratch);
}
END_TEST

START_TEST(test_check__white_lists_come_first) {
    char text[WIRE_SIGNATURE_BYTES];
    struct wire_command command;
    struct buf scratch;
    must_read(CHECKED);
    buf_init(&scratch, env);
    wire_command_init(&command, REQUEST_UPDATE_BROKER_CONFIG);
    struct acl_verdict verdict = check_from("10.0.0.9", &command, &scratch);
    ck_assert_int_eq(verdict.reason, ACL_TRUSTED);
    sign_as(&command, "account1", text);
    text[0] ^= 1; /* no signature is needed from there, but for this account */
    verdict = check_from("10.0.0.8", &command, &scratch);
    ck_assert_int_eq(verdict.reason, ACL_TRUSTED);
    verdict = check_from("10.0.0.7", &command, &scratch);
    check_verdict(&verdict, ACL_BAD_SIGNATURE, "account1");
    buf_deinit(&scratch);
}
END_TEST

static void check_body(int32_t code, const char *body, enum acl_reason reason,
                       const char *subject) {
    char text[WIRE_SIGNATURE_BYTES];
    struct wire_command command;
    struct buf scratch;
    buf_init(&scratch, env);
    wire_command_init(&command, code);
    command.body = span_of_text(body);
    sign_as(&command, "account1", text);
    struct acl_verdict verdict = check_from("10.0.0.1", &command, &scratch);
    check_verdict(&verdict, reason, subject);
    buf_deinit(&scratch);
}

#define BEAT(group, topic)                                                                  \
    "{\"clientID\":\"c\",\"producerDataSet\":[{\"groupName\":\"p\"}],\"consumerDataSet\":[" \
    "{\"groupName\":\"" group "\",\"consumeType\":\"CONSUME_PASSIVELY\",\"messageModel\":"  \
    "\"CLUSTERING\",\"consumeFromWhere\":\"CONSUME_FROM_LAST_OFFSET\",\"unitMode\":false,"  \
    "\"subscriptionDataSet\":[{\"topic\":\"%RETRY%" group "\",\"subString\":\"*\","         \
    "\"subVersion\":1},{\"topic\":\"" topic "\",\"subString\":\"*\",\"subVersion\":1}]}]}"
#define LOCK(group)                                                                    \
    "{\"clientId\":\"c\",\"consumerGroup\":\"" group "\",\"mqSet\":[{\"topic\":\"t\"," \
    "\"brokerName\":\"b\",\"queueId\":0}]}"

START_TEST(test_check__bodies) {
    must_read(CHECKED);
    check_body(34, BEAT("g", "sub"), ACL_ALLOWED, "account1");
    check_body(34, BEAT("h", "sub"), ACL_GROUP_REFUSED, "h");
    check_body(34, BEAT("g", "pub"), ACL_TOPIC_REFUSED, "pub");
    check_body(34, "{", ACL_BAD_BODY, "");
    check_body(41, LOCK("g"), ACL_ALLOWED, "account1");
    check_body(41, LOCK("h"), ACL_GROUP_REFUSED, "h");
    check_body(42, LOCK("h"), ACL_GROUP_REFUSED, "h");
    check_body(42, "[]", ACL_BAD_BODY, "");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("acl_rules");
    TCase *tests = suite_case(suite, "rules");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_read__what_rocketmq_ships);
    tcase_add_test(tests, test_read__nothing);
    tcase_add_loop_test(tests, test_read__says_where_and_what, 0,
                        sizeof REFUSED / sizeof REFUSED[0]);
    tcase_add_test(tests, test_read__quoted_numbers_are_texts);
    tcase_add_test(tests, test_read__warns_of_unknown_members);
    tcase_add_test(tests, test_read__aliases_are_bounded);
    tcase_add_test(tests, test_write__reads_back_the_same);
    tcase_add_test(tests, test_memory__each_failure_is_one);
    tcase_add_test(tests, test_tools__hold_one_account);
    tcase_add_test(tests, test_may__row_then_default);
    tcase_add_test(tests, test_may__administrator_with_rows);
    tcase_add_loop_test(tests, test_check__request, 0, sizeof REQUESTS / sizeof REQUESTS[0]);
    tcase_add_test(tests, test_check__white_lists_come_first);
    tcase_add_test(tests, test_check__bodies);
    return suite_run(suite);
}
