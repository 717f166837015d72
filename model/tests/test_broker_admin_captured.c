/* test_broker_admin_captured.c - recorded requests of administrators and orderly consumers,
 * answered by this broker and compared with what Apache answered: code, remark, number of fields,
 * body.
 *
 * Played where the answer does not depend on what else was connected or stored: locks, groups,
 * 305, deletions, and whatever was refused. (Bodies of the rest are compared byte for byte in
 * test_body_admin.c, and what they say in test_broker_admin_requests.c.) Where we differ on
 * purpose, a row of DIFFERENCES says why; each row must be met. */
#include <stdio.h>

#include "model/tests/message_fixture.h"
#include "model/tests/vectors.h"

#define GOLD                                                                                      \
    "brokerClusterName=GoldCluster\nbrokerName=broker-a\nlistenPort=10911\nbrokerIP1=127.0.0.1\n" \
    "topics=StayTopic:4:4;PushTopic:4:4\ntraceTopicEnable=true\ntimerWheelEnable=false\n"

static bool is_exception(const struct vector_row *row, const struct vector_row *want) {
    return row != NULL && want->remark != NULL &&
           (strstr(want->remark, "NullPointerException") != NULL ||
            strstr(want->remark, "Cannot invoke") != NULL);
}

static bool is_slave(const struct vector_row *row, const struct vector_row *want) {
    return row != NULL && want->remark != NULL && strstr(want->remark, "from slave broker") != NULL;
}

static bool is_timeout(const struct vector_row *row, const struct vector_row *want) {
    return row != NULL && want->code == RESPONSE_CONSUME_MSG_TIMEOUT;
}

/* The consumer that is recorded in another file had the queue until 60 s after its end. */
static bool is_locked_elsewhere(const struct vector_row *row, const struct vector_row *want) {
    return row->code == REQUEST_LOCK_BATCH_MQ && strstr(row->file, "-stay") != NULL &&
           want->body_len == sizeof "{\"lockOKMQSet\":[]}" - 1;
}

static const struct {
    bool (*is)(const struct vector_row *row, const struct vector_row *want);
    const char *why;
    bool played;
} DIFFERENCES[] = {
    {is_exception, "Apache fails with a Java exception; ours does what was asked or says why not",
     true},
    {is_locked_elsewhere, "an earlier recording's consumer had the lock", true},
    {is_slave, "the slave's part is not played (test_slave_refuses does)", false},
    {is_timeout, "needs a client that stays silent (test_running_info__client_is_silent...)",
     false},
};
#define DIFFERENCE_COUNT (sizeof DIFFERENCES / sizeof DIFFERENCES[0])
static size_t met[DIFFERENCE_COUNT];
static unsigned compared[400];
/* Oneway unlocks that Apache may not have processed yet when it refused the locks behind them (two
 * threads): they are played before the next lock that it granted, and after 300 ms. */
#define LATE_MAX 16
static const struct vector_row *late[LATE_MAX];
static size_t late_count;
static unsigned overtaken; /* refused locks while unlocks waited */

static void play_late(void) {
    for (size_t i = 0; i < late_count; i++)
        fake_deliver(client.conn, late[i]->bytes);
    late_count = 0;
}

static bool is_played(const struct vector_row *row, const struct vector_row *want) {
    switch (row->code) {
    case REQUEST_LOCK_BATCH_MQ:
    case REQUEST_UNLOCK_BATCH_MQ:
    case REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP:
    case REQUEST_DELETE_SUBSCRIPTIONGROUP:
    case REQUEST_DELETE_TOPIC_IN_BROKER:
    case REQUEST_CLEAN_EXPIRED_CONSUMEQUEUE:
    case REQUEST_CLEAN_UNUSED_TOPIC:
    case REQUEST_DELETE_EXPIRED_COMMITLOG:
    case REQUEST_GET_SYSTEM_TOPIC_LIST_FROM_BROKER:
        return true;
    case REQUEST_GET_CONSUMER_CONNECTION_LIST:
    case REQUEST_GET_PRODUCER_CONNECTION_LIST:
    case REQUEST_GET_CONSUMER_RUNNING_INFO:
    case REQUEST_CONSUME_MESSAGE_DIRECTLY:
    case REQUEST_INVOKE_BROKER_TO_RESET_OFFSET:
    case REQUEST_INVOKE_BROKER_TO_GET_CONSUMER_STATUS:
        return want != NULL && want->code != 0;
    default:
        return false;
    }
}

static bool contains(struct span text, struct span what) {
    for (size_t i = 0; i + what.len <= text.len; i++) {
        if (memcmp(text.data + i, what.data, what.len) == 0)
            return true;
    }
    return false;
}

static int find_queue(void *ctx, const struct body_queue *queue) {
    const struct span *body = ctx;
    struct json_writer json;
    struct buf text;
    buf_init(&text, client.env);
    json_writer_init(&json, &text, JSON_STYLE_FASTJSON);
    body_queue_write(&json, queue);
    bool found = contains(*body, buf_span(&text));
    buf_deinit(&text);
    return found ? RMQ_OK : RMQ_E_NOT_FOUND;
}

/* Locked queues are a set, in the order of a hash where several share a bucket. */
static bool same_body(const struct vector_row *row, struct span got, struct span want) {
    struct wire_error error;
    struct buf scratch;
    if (row->code != REQUEST_LOCK_BATCH_MQ || got.len != want.len)
        return span_equal(got, want);
    buf_init(&scratch, client.env);
    int err = locked_queues_decode(want, &scratch, find_queue, &got, &error);
    buf_deinit(&scratch);
    return err == RMQ_OK;
}

static void compare(const struct vector_row *row, const struct vector_row *want) {
    struct wire_command got;
    struct span body = span_from(want->bytes, want->bytes.len - want->body_len);
    struct span remark = want->remark == NULL ? SPAN_NONE : span_of_text(want->remark);
    size_t difference = 0;
    while (difference < DIFFERENCE_COUNT && !DIFFERENCES[difference].is(row, want))
        difference++;
    if (difference < DIFFERENCE_COUNT)
        met[difference]++;
    if (difference < DIFFERENCE_COUNT && !DIFFERENCES[difference].played)
        return;
    fake_deliver(client.conn, row->bytes);
    if (!peer_take(&client, &got))
        ck_abort_msg("%s row %d: no answer", row->file, (int)row->n);
    ck_assert_int_eq(got.opaque, row->opaque);
    if (difference < DIFFERENCE_COUNT)
        return;
    compared[row->code]++;
    if (got.code != want->code || !span_equal(got.remark, remark) ||
        !same_body(row, got.body, body))
        ck_abort_msg("%s row %d, code %d (%s): %d \"%.*s\" %.*s\nrecorded %d \"%s\" %.*s",
                     row->file, (int)row->n, (int)row->code, row->step, (int)got.code,
                     (int)got.remark.len, (const char *)got.remark.data, (int)got.body.len,
                     (const char *)got.body.data, (int)want->code,
                     want->remark == NULL ? "" : want->remark, (int)body.len,
                     (const char *)body.data);
    int fields = want->ext == NULL ? 0 : cJSON_GetArraySize(want->ext);
    ck_assert_int_eq((int)got.field_count, fields);
}

static void play(const char *name) {
    struct vector_file *file = vectors_load(name);
    setup();
    late_count = 0;
    start(strncmp(name, "5.3", 3) == 0 ? GOLD "profile=5.3\n" : GOLD);
    for (size_t i = 0; i < file->count; i++) {
        const struct vector_row *row = &file->rows[i];
        if (!vector_is_frame(row) || !row->to_server || (row->flag & WIRE_FLAG_RESPONSE) != 0 ||
            strcmp(row->port, "broker") != 0)
            continue;
        const struct vector_row *want = vector_answer(file, row);
        bool refused = want != NULL && row->code == REQUEST_LOCK_BATCH_MQ &&
                       want->body_len == sizeof "{\"lockOKMQSet\":[]}" - 1;
        if (late_count > 0 && (!refused || row->t_ms - late[0]->t_ms > 300))
            play_late();
        overtaken += refused && late_count > 0;
        if (want != NULL && is_played(row, want))
            compare(row, want);
        else if (want == NULL && row->code == REQUEST_UNLOCK_BATCH_MQ) {
            ck_assert_uint_lt(late_count, LATE_MAX);
            late[late_count++] = row;
        }
    }
    teardown();
    vectors_free(file);
}

START_TEST(test_replay) {
    static const struct {
        int32_t code;
        unsigned least;
    } LEAST[] = {{41, 125}, {42, 19}, {200, 12}, {203, 26}, {204, 10}, {207, 12}, {215, 11},
                 {222, 6},  {305, 4}, {306, 16}, {307, 4},  {309, 2},  {316, 6},  {329, 6}};
    size_t count = 0;
    const char *const *names = vectors_names(&count);
    for (size_t i = 0; i < count; i++)
        play(names[i]);
    for (size_t i = 0; i < sizeof LEAST / sizeof LEAST[0]; i++) {
        printf("request %d: %u answers\n", (int)LEAST[i].code, compared[LEAST[i].code]);
        ck_assert_uint_ge(compared[LEAST[i].code], LEAST[i].least);
    }
    printf("overtaken: %u\n", overtaken);
    ck_assert_uint_lt(overtaken, 12);
    for (size_t i = 0; i < DIFFERENCE_COUNT; i++)
        ck_assert_msg(met[i] > 0, "never met: %s", DIFFERENCES[i].why);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("broker_admin_captured");
    TCase *tests = suite_case(suite, "replay");
    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, test_replay);
    return suite_run(suite);
}
