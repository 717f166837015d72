/* Tests of broker/config_keys.h and live_config.h: the table against Apache's answers and against
 * what is read; requests 26 and 25, and what they leave in the file. */
#define _GNU_SOURCE /* memmem */
#include <stdio.h>

#include "model/broker/config_keys.h"

#include "model/broker/broker.h"
#include "model/broker/broker_internal.h"
#include "model/tests/peer.h"
#include "model/tests/suite.h"
#include "model/tests/vectors.h"

#define PORT 29911
#define BASE \
    "brokerName=broker-a\nlistenPort=29911\nbrokerIP1=10.0.0.9\nbrokerConfigPath=/etc/mq/b.conf\n"

static struct env *env;
static struct peer admin;

static void open_admin(void) {
    if (admin.conn != NULL)
        peer_deinit(&admin);
    peer_init(&admin, fake_accept(env, PORT, "10.0.0.50:4000"));
}

static void start(const char *config) {
    ck_assert_int_eq(fake_start_text(env, &broker_role, config), RMQ_OK);
    for (int i = 0; i < 1000 && !fake_listening(env, PORT); i++)
        fake_settle(env);
    open_admin();
}

static void setup(void) {
    env = fake_create();
    memset(&admin, 0, sizeof admin);
    start(BASE);
}

static void teardown(void) {
    peer_deinit(&admin);
    fake_stop(env);
    for (int i = 0; i < 100 && fake_node(env) != NULL; i++)
        fake_advance_ms(env, 100);
    ck_assert(fake_exited(env, NULL));
    fake_destroy(env);
}

static const struct broker *broker(void) {
    return fake_node(env);
}

static void ask(int32_t code, const char *body, struct wire_command *answer) {
    struct wire_command request;
    wire_command_init(&request, code);
    request.opaque = 7;
    request.body = span_of_text(body);
    peer_send(&admin, &request);
    ck_assert(peer_take(&admin, answer));
    ck_assert_int_eq(answer->opaque, 7);
}

static void update(const char *body, int32_t code, const char *remark) {
    struct wire_command answer;
    ask(REQUEST_UPDATE_BROKER_CONFIG, body, &answer);
    ck_assert_span_eq(answer.remark, remark);
    ck_assert_int_eq(answer.code, code);
    for (int i = 0; i < 100; i++)
        fake_settle(env);
}

static bool has(struct span text, const char *part) {
    return memmem(text.data, text.len, part, strlen(part)) != NULL;
}

/* ---- the table ------------------------------------------------------------------------------- */

START_TEST(test_table__is_sorted_and_its_defaults_are_good) {
    for (size_t i = 0; i < BROKER_KEYS.count; i++) {
        const struct key_row *row = &BROKER_KEYS.rows[i];
        ck_assert(i == 0 || strcmp(BROKER_KEYS.rows[i - 1].name, row->name) < 0);
        ck_assert_ptr_eq(key_table_find(&BROKER_KEYS, span_of_text(row->name)), row);
        for (size_t profile = 0; profile < 2; profile++) {
            const char *value = row->defaults[profile];
            ck_assert_msg(value == NULL || key_value_is_good(row, span_of_text(value)), "%s=%s",
                          row->name, value);
        }
    }
    ck_assert_ptr_null(key_table_find(&BROKER_KEYS, SPAN_LITERAL("")));
    ck_assert_ptr_null(key_table_find(&BROKER_KEYS, SPAN_LITERAL("zzz")));
}
END_TEST

/* The table and the functions that read have the same ranges: what one takes the other takes. */
START_TEST(test_table__has_the_ranges_that_are_read) {
    size_t compared = 0;
    for (size_t i = 0; i < BROKER_KEYS.count; i++) {
        const struct key_row *row = &BROKER_KEYS.rows[i];
        if (row->type != KEY_INT || row->effect == KEY_IDLE || row->effect == KEY_FENCED ||
            strcmp(row->name, "metricsPort") == 0 || strcmp(row->name, "memoryLimitBytes") == 0 ||
            strcmp(row->name, "listenPort") == 0)
            continue;
        for (int end = 0; end < 4; end++) {
            struct props props;
            struct broker_config config;
            static struct store_config store;
            struct span bad_key;
            char digits[DECIMAL_BYTES_MAX];
            bool is_in = end < 2;
            int64_t value = end % 2 == 0 ? row->min : row->max;
            if (!is_in && (value == INT64_MAX || value == INT64_MIN))
                continue;
            value += is_in ? 0 : end == 2 ? -1 : 1;
            props_init(&props, env);
            ck_assert_int_eq(props_set(&props, span_of_text(row->name),
                                       span_of(digits, format_i64(digits, value))),
                             RMQ_OK);
            int err = broker_config_read(env, &props, &config);
            if (err == RMQ_OK)
                broker_config_free(env, &config);
            if (err == RMQ_OK)
                err = store_config_read(&props, &store, &bad_key);
            ck_assert_msg((err == RMQ_OK) == is_in, "%s=%lld", row->name, (long long)value);
            props_deinit(&props);
            compared++;
        }
    }
    ck_assert_uint_gt(compared, 150);
}
END_TEST

/* Outside of the range the nearer end counts, and a word is said. */
START_TEST(test_table__clamped_values_count_as_the_nearest) {
    fake_stop(env);
    for (int i = 0; i < 100 && fake_node(env) != NULL; i++)
        fake_advance_ms(env, 100);
    start(BASE "diskMaxUsedSpaceRatio=98\nregisterNameServerPeriod=-5\n");
    ck_assert(fake_log_contains(env, "diskMaxUsedSpaceRatio=98: counts as 95"));
    ck_assert(fake_log_contains(env, "registerNameServerPeriod=-5: counts as 10000"));
    ck_assert_uint_eq(broker()->config.period_ms, 10000);
    update("diskMaxUsedSpaceRatio=many\n", 1,
           "diskMaxUsedSpaceRatio=many: expected an integer from 10 to 95");
    update("diskMaxUsedSpaceRatio=5\n", 0, NULL);
}
END_TEST

/* Keys of an answer of Apache's, and whether ours has them: all; values where nobody set another.
 */
static size_t compare_keys(const struct vector_row *row, size_t profile) {
    struct wire_command answer;
    struct wire_error error;
    struct buf scratch;
    struct props theirs;
    size_t line, same = 0;
    buf_init(&scratch, env);
    props_init(&theirs, env);
    ck_assert_int_eq(wire_decode(row->bytes, &scratch, &answer, &error), RMQ_OK);
    ck_assert_int_eq(props_parse(&theirs, answer.body, &line), RMQ_OK);
    for (size_t i = 0; i < theirs.count; i++) {
        const struct props_entry *entry = &theirs.entries[i];
        const struct key_row *known = key_table_find(&BROKER_KEYS, entry->key);
        ck_assert_msg(known != NULL, "%.*s is not in the table", (int)entry->key.len,
                      (const char *)entry->key.data);
        const char *value = known->defaults[profile];
        same += value != NULL && span_equal(span_of_text(value), entry->value);
    }
    for (size_t i = 0; i < BROKER_KEYS.count; i++) {
        const struct key_row *ours = &BROKER_KEYS.rows[i];
        bool is_younger = profile == 0 && strcmp(ours->name, "configBlackList") == 0; /* 4.9.8 */
        if (ours->defaults[profile] != NULL && !is_younger)
            ck_assert_msg(!span_is_absent(props_get(&theirs, ours->name)), "%s is none of Apache's",
                          ours->name);
    }
    ck_assert_uint_gt(theirs.count, profile == 0 ? 170 : 400);
    ck_assert_uint_gt(same, theirs.count - 45); /* 28 set in the recording, some by processors */
    props_deinit(&theirs);
    buf_deinit(&scratch);
    return 1;
}

START_TEST(test_table__has_every_key_that_apache_answers) {
    static const char *const FILES[] = {"4.9.7-mqadmin497-admin", "5.3.3-mqadmin533-admin"};
    size_t compared = 0;
    struct vector_file *file = vectors_load(FILES[_i]);
    for (size_t i = 0; i < file->count; i++) {
        const struct vector_row *row = &file->rows[i];
        if (!vector_is_frame(row) || row->code != REQUEST_GET_BROKER_CONFIG || !row->to_server)
            continue;
        const struct vector_row *answer = vector_answer(file, row);
        if (answer != NULL && answer->code == 0 && answer->body_len > 0)
            compared += compare_keys(answer, (size_t)_i);
    }
    vectors_free(file);
    ck_assert_uint_gt(compared, 0);
}
END_TEST

/* ---- 26 -------------------------------------------------------------------------------------- */

START_TEST(test_get__gives_all_keys_and_a_version) {
    struct wire_command answer;
    ask(REQUEST_GET_BROKER_CONFIG, NULL, &answer);
    ck_assert_int_eq(answer.code, 0);
    ck_assert(has(answer.body, "\nbrokerPermission=6\n"));
    ck_assert(has(answer.body, "\nbrokerIP1=10.0.0.9\n"));
    ck_assert(has(answer.body, "\nhaListenPort=29912\n"));
    ck_assert(has(answer.body, "\nwarmMapedFileEnable=false\n"));
    ck_assert(has(wire_field(&answer, "version"), "{\"counter\":0,\"timestamp\":"));
    update("fileReservedTime=1\n", 0, NULL);
    ask(REQUEST_GET_BROKER_CONFIG, NULL, &answer);
    ck_assert(has(answer.body, "\nfileReservedTime=1\n"));
    ck_assert(has(wire_field(&answer, "version"), "{\"counter\":1,\"timestamp\":"));
}
END_TEST

/* ---- 25 -------------------------------------------------------------------------------------- */

START_TEST(test_update__acts_at_once) {
    update("brokerPermission=4\nmaxMessageSize=1000\nlongPollingEnable=false\n"
           "waitTimeMillsInSendQueue=500\ndiskMaxUsedSpaceRatio=60\n",
           0, NULL);
    ck_assert_uint_eq(broker()->config.permission, 4);
    ck_assert_uint_eq(broker()->max_message_bytes, 1000);
    ck_assert(!broker()->config.long_polling);
    ck_assert_uint_eq(broker()->config.send_wait_ms, 500);
}
END_TEST

START_TEST(test_update__keeps_for_the_next_start_what_it_cannot_change) {
    update("listenPort=12345\n", 0, NULL);
    ck_assert_uint_eq(broker()->config.listen_port, PORT);
    ck_assert(fake_log_contains(env, "listenPort=12345: needs restart"));
}
END_TEST

static const struct {
    const char *body;
    int32_t code;
    const char *remark;
} REFUSED[] = {
    {"brokerConfigPath=/etc/passwd", 16, "Can not update config in black list."},
    {"configBlackList=x", 16, "Can not update config in black list."},
    {"rocketmqHome=/tmp;id", 16, "Can not update config in black list."},
    {"quirk.staleTail=true", 16, "Can not update config in black list."},
    {"profile=5.3", 16, "Can not update config in black list."},
    {"brokerPermission=abc", 1, "brokerPermission=abc: expected an integer from 0 to 15"},
    {"brokerPermision=4", 1, "brokerPermision: unknown key"},
    {"storeType=x", 1, "storeType=x: not built yet: expected one of default"},
    {"a=\\u00zz", 1, "string2Properties error"},
};

/* Also when what comes before it is good: all or nothing. */
START_TEST(test_update__refuses_and_changes_nothing) {
    char body[256];
    struct span content;
    (void)snprintf(body, sizeof body, "fileReservedTime=1\n%s\n", REFUSED[_i].body);
    update(body, REFUSED[_i].code, REFUSED[_i].remark);
    ck_assert_int_eq(broker()->live.version.counter, 0);
    ck_assert(span_is_absent(props_get(&broker()->live.given, "fileReservedTime")));
    ck_assert(!fake_get_file(env, "/etc/mq/b.conf", &content));
}
END_TEST

/* At each moment the power may go: the file is whole, old or new. */
START_TEST(test_update__is_in_the_file) {
    struct span content;
    fake_put_file(env, "/etc/mq/b.conf", SPAN_LITERAL("# by hand\nbrokerName=broker-a\n"));
    update("brokerPermission=4\nfileReservedTime=1\n", 0, NULL);
    fake_power_off(env, FAKE_KEEP_NONE);
    ck_assert(fake_get_file(env, "/etc/mq/b.conf", &content));
    ck_assert(has(content, "brokerPermission=4\nfileReservedTime=1\n"));
    ck_assert(!has(content, "warmMapedFileEnable"));
    ck_assert(fake_get_file(env, "/etc/mq/b.conf.bak", &content));
    ck_assert(has(content, "# by hand\n"));
    start(BASE);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("live_config");
    TCase *table = suite_case(suite, "table"), *requests = suite_case(suite, "requests");
    tcase_add_checked_fixture(table, setup, teardown);
    tcase_add_checked_fixture(requests, setup, teardown);
    tcase_set_timeout(table, 120);
    tcase_set_timeout(requests, 120);
    tcase_add_test(table, test_table__is_sorted_and_its_defaults_are_good);
    tcase_add_test(table, test_table__has_the_ranges_that_are_read);
    tcase_add_test(table, test_table__clamped_values_count_as_the_nearest);
    tcase_add_loop_test(table, test_table__has_every_key_that_apache_answers, 0, 2);
    tcase_add_test(requests, test_get__gives_all_keys_and_a_version);
    tcase_add_test(requests, test_update__acts_at_once);
    tcase_add_test(requests, test_update__keeps_for_the_next_start_what_it_cannot_change);
    tcase_add_loop_test(requests, test_update__refuses_and_changes_nothing, 0,
                        (int)(sizeof REFUSED / sizeof REFUSED[0]));
    tcase_add_test(requests, test_update__is_in_the_file);
    return suite_run(suite);
}
