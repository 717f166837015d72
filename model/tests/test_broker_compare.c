/* test_broker_compare.c - every recorded request 10, 310, 320, 11, 361, 12, 29 to 33, answered by
 * this broker and compared field by field with what Apache answered.
 *
 * The store is scripted with what Apache's store must have said, which its answer shows; heartbeats
 * and ends of connections are played too, since pulls depend on them. Where we differ on purpose, a
 * row of DIFFERENCES says why; each row must be met, so that none outlives its reason. */
#include <stdio.h>

#include "model/tests/message_fixture.h"
#include "model/tests/vectors.h"

#define IDENTITY                                                                \
    "brokerClusterName=GoldCluster\nbrokerName=broker-a\nbrokerIP1=127.0.0.1\n" \
    "listenPort=29911\nmaxMessageSize=131072\nenablePropertyFilter=true\n"
#define GOLD_PORT 29911
#define CONNS_MAX 4096

/* ---- differences ----------------------------------------------------------------------------- */

static bool has_property(const struct vector_row *row, const char *name) {
    const char *long_key = vector_ext(row, "properties"), *short_key = vector_ext(row, "i");
    struct span rest = span_of_text(short_key == NULL ? long_key : short_key), key, value;
    while (message_property_next(&rest, &key, &value)) {
        if (span_equal(key, span_of_text(name)))
            return true;
    }
    return false;
}

static bool is_later(const struct vector_row *row, const struct vector_row *want) {
    return want != NULL && has_property(row, "TRAN_MSG");
}

static bool is_lite_of_4_9(const struct vector_row *row, const struct vector_row *want) {
    return row->code == REQUEST_LITE_PULL_MESSAGE && want->code == 3;
}

static bool is_vip(const struct vector_row *row, const struct vector_row *want) {
    return row->code == REQUEST_PULL_MESSAGE && want->code == 3;
}

static bool is_bad_sql(const struct vector_row *row, const struct vector_row *want) {
    const char *type = vector_ext(row, "expressionType");
    return want->code != 23 && type != NULL && strcmp(type, "SQL92") == 0 &&
           strstr(row->step, "does not parse") != NULL;
}

static bool is_exception(const struct vector_row *row, const struct vector_row *want) {
    return row != NULL && want->remark != NULL && strncmp(want->remark, "java.lang.", 10) == 0;
}

static bool is_reset(const struct vector_row *row, const struct vector_row *want) {
    return row != NULL && want->remark != NULL && strcmp(want->remark, "OFFSET_RESET") == 0;
}

static const struct {
    bool (*is)(const struct vector_row *row, const struct vector_row *want);
    const char *why;
    int32_t code; /* ours */
} DIFFERENCES[] = {
    {is_later, "half messages are refused until the issue on full messaging", 13},
    {is_lite_of_4_9, "4.9 does not know 361; here it is 11 in both profiles", -1},
    {is_vip, "the second port is not here", -1},
    {is_bad_sql, "an expression in a pull that does not compile is refused; Apache filters nothing",
     23},
    {is_exception, "a Java exception shows itself; ours says what is wrong", -1},
    {is_reset, "offsets are not reset at the broker", -1},
};
#define DIFFERENCE_COUNT (sizeof DIFFERENCES / sizeof DIFFERENCES[0])
static size_t met[DIFFERENCE_COUNT];
/* Pulls that Apache processed before a heartbeat which it answered before them (two pools): not
 * known, or not the newest version, where we find the subscription. */
static size_t overtaken;

static size_t find_difference(const struct vector_row *row, const struct vector_row *want) {
    size_t i = 0;
    while (i < DIFFERENCE_COUNT && !DIFFERENCES[i].is(row, want))
        i++;
    return i;
}

/* ---- playing a file -------------------------------------------------------------------------- */

struct file_play {
    const struct vector_file *file;
    struct peer peers[CONNS_MAX]; /* by connection number */
    struct fake_script script;
    size_t compared;
};

static bool is_compared(int32_t code) {
    switch (code) {
    case REQUEST_SEND_MESSAGE:
    case REQUEST_SEND_MESSAGE_V2:
    case REQUEST_SEND_BATCH_MESSAGE:
    case REQUEST_PULL_MESSAGE:
    case REQUEST_LITE_PULL_MESSAGE:
    case REQUEST_QUERY_MESSAGE:
    case REQUEST_SEARCH_OFFSET_BY_TIMESTAMP:
    case REQUEST_GET_MAX_OFFSET:
    case REQUEST_GET_MIN_OFFSET:
    case REQUEST_GET_EARLIEST_MSG_STORETIME:
    case REQUEST_VIEW_MESSAGE_BY_ID:
        return true;
    default:
        return false;
    }
}

static struct peer *peer_of(struct file_play *play, int64_t conn) {
    char address[32];
    ck_assert_int_lt(conn, CONNS_MAX);
    struct peer *peer = &play->peers[conn];
    if (peer->conn != NULL && !fake_is_open(peer->conn)) {
        peer_deinit(peer);
        peer->conn = NULL;
    }
    snprintf(address, sizeof address, "127.0.0.1:%d", (int)(20000 + conn));
    if (peer->conn == NULL)
        peer_init(peer, fake_accept(env, GOLD_PORT, address));
    return peer;
}

static int64_t ext_number(const struct vector_row *row, const char *key) {
    int64_t number = 0;
    const char *text = vector_ext(row, key);
    return text != NULL && span_to_i64(span_of_text(text), &number) == RMQ_OK ? number : 0;
}

static struct span frame_body(const struct vector_row *row) {
    return span_of(row->bytes.data + row->bytes.len - row->body_len, row->body_len);
}

/* What the store said, seen from the answer. */
static void script_from(struct file_play *play, const struct vector_row *want) {
    struct message_host host;
    struct fake_script *script = &play->script;
    *script = (struct fake_script){.put = PUT_OK, .get = GET_FAILED};
    const char *id = vector_ext(want, "msgId");
    if (id != NULL) {
        script->ids = span_of_text(id);
        ck_assert_int_eq(message_id_parse(span_of(id, 32), &host, &script->physical), RMQ_OK);
    }
    script->queue_offset = ext_number(want, "queueOffset");
    script->put = want->code == 10   ? PUT_FLUSH_DISK_TIMEOUT
                  : want->code == 11 ? PUT_SLAVE_NOT_AVAILABLE
                  : want->code == 12 ? PUT_FLUSH_SLAVE_TIMEOUT
                  : want->code == 13 ? PUT_MESSAGE_ILLEGAL
                                     : PUT_OK;
    for (enum get_status status = GET_FOUND; status < GET_FAILED; status++) {
        if (want->remark != NULL && strcmp(want->remark, get_status_text(status)) == 0)
            script->get = status;
    }
    script->next = ext_number(want, "nextBeginOffset");
    script->min = ext_number(want, "minOffset");
    script->max = ext_number(want, "maxOffset");
    script->records = frame_body(want);
    script->lookup = want->code == 0 ? RMQ_OK : RMQ_E_NOT_FOUND;
    script->value = vector_ext(want, "offset") != NULL ? ext_number(want, "offset")
                                                       : ext_number(want, "timestamp");
    script->last_ms = ext_number(want, "indexLastUpdateTimestamp");
    script->last_physical = ext_number(want, "indexLastUpdatePhyoffset");
}

/* Topics of the recording, where Apache knew them: 4 queues, retry topics 1. */
static void need_topic(const struct vector_row *row, const struct vector_row *want) {
    const char *name =
        vector_ext(row, "topic") != NULL ? vector_ext(row, "topic") : vector_ext(row, "b");
    struct topic_config topic = {.name = span_of_text(name), .perm = 6};
    bool created,
        pull = row->code == REQUEST_PULL_MESSAGE || row->code == REQUEST_LITE_PULL_MESSAGE;
    if ((!pull && row->code != REQUEST_SEND_MESSAGE && row->code != REQUEST_SEND_MESSAGE_V2 &&
         row->code != REQUEST_SEND_BATCH_MESSAGE) ||
        want->code == RESPONSE_TOPIC_NOT_EXIST || !span_is_absent(topic_name_check(topic.name)) ||
        topics_find(&broker()->topics, topic.name, &topic) == RMQ_OK ||
        topics_is_system(&broker()->topics, topic.name))
        return;
    topic.read_queue_nums = topic.write_queue_nums = strncmp(name, "%RETRY%", 7) == 0 ? 1 : 4;
    ck_assert_int_eq(topics_put(&broker()->topics, &topic, &created), RMQ_OK);
}

/* A pull that is held gets its end now. */
static void wake_held(void) {
    struct pulls *pulls = &broker()->pulls;
    if (list_is_empty(&pulls->live))
        return;
    struct pull_op *op = LIST_ENTRY(pulls->live.prev, struct pull_op, link);
    holds_remove(&broker()->holds, &op->held);
    pull_woken(&op->held);
}

/* ---- comparing ------------------------------------------------------------------------------- */

static bool take_response(struct peer *peer, int32_t opaque, struct wire_command *got) {
    while (peer_take(peer, got)) {
        if ((got->flag & WIRE_FLAG_RESPONSE) != 0 && got->opaque == opaque)
            return true;
    }
    return false;
}

/* The peer's port is not that of the recording. */
static size_t comparable_len(const char *remark) {
    const char *tail = strstr(remark, "127.0.0.1:");
    return tail == NULL ? strlen(remark) : (size_t)(tail - remark) + 10;
}

static void compare_remark(const struct vector_row *row, const struct vector_row *want,
                           const struct wire_command *got) {
    if (want->remark == NULL) {
        ck_assert_uint_eq(got->remark.len, 0);
        return;
    }
    size_t len = comparable_len(want->remark);
    if (!span_starts_with(got->remark, span_of(want->remark, len)))
        ck_abort_msg("%s row %d: remark \"%.*s\", recorded \"%s\"", row->file, (int)row->n,
                     (int)got->remark.len, (const char *)got->remark.data, want->remark);
}

/* 5.3 makes a UNIQ_KEY where there is none; its value is its own. */
static bool is_made_up(const struct vector_row *row, const char *key) {
    return strcmp(key, "transactionId") == 0 && !has_property(row, "UNIQ_KEY");
}

static void compare_fields(const struct vector_row *row, const struct vector_row *want,
                           const struct wire_command *got) {
    int count = want->ext == NULL ? 0 : cJSON_GetArraySize(want->ext);
    if ((int)got->field_count != count)
        ck_abort_msg("%s row %d: %d fields, recorded %d", row->file, (int)row->n,
                     (int)got->field_count, count);
    const cJSON *item;
    cJSON_ArrayForEach(item, want->ext) {
        struct span value = wire_field(got, item->string);
        bool any = is_made_up(row, item->string) ||
                   (strcmp(item->string, "queueId") == 0 && ext_number(row, "e") < 0);
        if (span_is_absent(value) || (!any && !span_equal(value, span_of_text(item->valuestring))))
            ck_abort_msg("%s row %d: field %s is %.*s, recorded %s", row->file, (int)row->n,
                         item->string, (int)value.len, (const char *)value.data, item->valuestring);
    }
}

static void compare(struct file_play *play, const struct vector_row *row,
                    const struct vector_row *want) {
    struct wire_command got;
    struct peer *peer = peer_of(play, row->conn);
    size_t difference = find_difference(row, want);
    script_from(play, want);
    if (row->ext != NULL)
        need_topic(row, want);
    fake_store.script = &play->script;
    fake_deliver(peer->conn, row->bytes);
    if (!take_response(peer, row->opaque, &got)) {
        wake_held();
        if (!take_response(peer, row->opaque, &got))
            ck_abort_msg("%s row %d: no answer", row->file, (int)row->n);
    }
    fake_store.script = NULL;
    play->compared++;
    if (difference < DIFFERENCE_COUNT) {
        met[difference]++;
        if (DIFFERENCES[difference].code >= 0)
            ck_assert_int_eq(got.code, DIFFERENCES[difference].code);
        return;
    }
    if (got.code != want->code && (want->code == 24 || want->code == 25)) {
        overtaken++;
        return;
    }
    if (got.code != want->code)
        ck_abort_msg("%s row %d (%s): code %d \"%.*s\", recorded %d", row->file, (int)row->n,
                     row->step, (int)got.code, (int)got.remark.len, (const char *)got.remark.data,
                     (int)want->code);
    ck_assert_int_eq(got.flag, want->flag);
    ck_assert_int_eq(got.serialization, row->serialization);
    compare_remark(row, want, &got);
    compare_fields(row, want, &got);
    ck_assert(span_equal(got.body, frame_body(want)));
}

/* The request that `answer` answers, or NULL. */
static const struct vector_row *request_of(const struct vector_file *file,
                                           const struct vector_row *answer) {
    for (const struct vector_row *row = answer; row-- > file->rows;) {
        if (vector_is_frame(row) && row->conn == answer->conn && row->opaque == answer->opaque &&
            row->to_server && (row->flag & WIRE_FLAG_RESPONSE) == 0)
            return row;
    }
    return NULL;
}

/* Requests are played when their answers come: Apache's pools overtake each other, and the answers
 * show best in which order they were processed. */
static void play_row(struct file_play *play, const struct vector_row *row) {
    if (strcmp(row->port, "broker") != 0)
        return;
    if (row->event != NULL) {
        if (play->peers[row->conn].conn != NULL && fake_is_open(play->peers[row->conn].conn))
            fake_peer_close(play->peers[row->conn].conn);
        return;
    }
    if (row->bad || row->to_server || (row->flag & WIRE_FLAG_RESPONSE) == 0)
        return;
    const struct vector_row *request = request_of(play->file, row);
    if (request == NULL)
        return;
    if (request->code == REQUEST_HEART_BEAT || request->code == REQUEST_UNREGISTER_CLIENT ||
        request->code == REQUEST_UPDATE_AND_CREATE_TOPIC)
        fake_deliver(peer_of(play, request->conn)->conn, request->bytes);
    else if (is_compared(request->code))
        compare(play, request, row);
}

static size_t play_file(const char *name) {
    static struct file_play play;
    char config[512];
    bool v5 = strncmp(name, "5.3.3", 5) == 0;
    memset(&play, 0, sizeof play);
    struct vector_file *file = vectors_load(name);
    play.file = file;
    snprintf(config, sizeof config, "%s%s%s", IDENTITY, v5 ? "profile=5.3\n" : "",
             strstr(name, "-noauto") != NULL ? "autoCreateTopicEnable=false\n" : "");
    setup();
    ck_assert_int_eq(fake_start_text(env, &broker_role, config), RMQ_OK);
    for (int i = 0; i < 100 && !fake_listening(env, GOLD_PORT); i++)
        fake_settle(env);
    for (size_t i = 0; i < file->count; i++)
        play_row(&play, &file->rows[i]);
    for (size_t i = 0; i < CONNS_MAX; i++) {
        if (play.peers[i].conn != NULL)
            peer_deinit(&play.peers[i]);
    }
    teardown();
    vectors_free(file);
    return play.compared;
}

START_TEST(test_answers__are_those_of_apache) {
    size_t file_count, compared = 0;
    const char *const *names = vectors_names(&file_count);
    for (size_t f = 0; f < file_count; f++)
        compared += play_file(names[f]);
    for (size_t i = 0; i < DIFFERENCE_COUNT; i++) {
        printf("%4zu differ: %s\n", met[i], DIFFERENCES[i].why);
        ck_assert_uint_gt(met[i], 0);
    }
    printf("%4zu overtaken by a heartbeat\n%4zu compared\n", overtaken, compared);
    ck_assert_uint_eq(compared, 2638); /* all that were recorded with an answer */
}
END_TEST

int main(void) {
    Suite *suite = suite_create("broker_compare");
    TCase *tests = suite_case(suite, "recorded");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_answers__are_those_of_apache);
    return suite_run(suite);
}
