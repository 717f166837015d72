/* test_stats_captured.c - every recorded request 28, 202, 208, 300, 303, 315, 317, 321, put to our
 * broker after some traffic: code, remark, and the shape of the body field by field: names of
 * members, what is text, number or decimal, and for texts their form (each run of digits is one n).
 *
 * Where we differ on purpose a row of DIFFERENCES says why; each must be met. */
#include <stdio.h>

#include "model/tests/message_fixture.h"
#include "model/tests/vectors.h"

#define GOLD                                                                    \
    "brokerClusterName=GoldCluster\nbrokerName=broker-a\nbrokerIP1=127.0.0.1\n" \
    "listenPort=10911\ntopics=StayTopic:4:4:6;PushTopic:4:4:6;%RETRY%g_stay:1:1:6\n"
#define SHAPE_MAX 65536

/* ---- shapes ---------------------------------------------------------------------------------- */

struct shape {
    char text[SHAPE_MAX];
    size_t len;
};

static void put(struct shape *shape, const char *text, size_t len) {
    ck_assert_uint_lt(shape->len + len, SHAPE_MAX);
    memcpy(shape->text + shape->len, text, len);
    shape->len += len;
    shape->text[shape->len] = '\0';
}

/* Digits are one n, a decimal is n.n; names that are data are not looked at. */
static void put_form(struct shape *shape, struct span text) {
    for (size_t i = 0; i < text.len; i++) {
        bool digit = text.data[i] >= '0' && text.data[i] <= '9';
        if (digit && shape->len > 0 && shape->text[shape->len - 1] == 'n')
            continue;
        put(shape, digit ? "n" : (const char *)text.data + i, 1);
    }
}

/* Parts of an object or array: sorted, each once. */
struct parts {
    char *items[128];
    size_t count;
};

static void add_part(struct parts *parts, const char *text) {
    for (size_t i = 0; i < parts->count; i++) {
        if (strcmp(parts->items[i], text) == 0)
            return;
    }
    ck_assert_uint_lt(parts->count, 128);
    parts->items[parts->count++] = strdup(text);
}

static int compare_parts(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void put_parts(struct shape *shape, struct parts *parts, const char *open,
                      const char *close) {
    qsort(parts->items, parts->count, sizeof parts->items[0], compare_parts);
    put(shape, open, 1);
    for (size_t i = 0; i < parts->count; i++) {
        put(shape, i == 0 ? "" : ",", i > 0);
        put(shape, parts->items[i], strlen(parts->items[i]));
        free(parts->items[i]);
    }
    put(shape, close, 1);
}

static void shape_value(struct json_reader *json, struct shape *shape, bool any_key);

/* Members up to the end of the object. `any_key`: its keys are names of groups. */
static void shape_members(struct json_reader *json, struct shape *shape, bool any_key) {
    struct parts parts = {.count = 0};
    enum json_token token;
    while ((token = json_next(json)) != JSON_OBJECT_END) {
        struct shape *member = malloc(sizeof *member);
        member->len = 0;
        bool list = false, name = false;
        if (token == JSON_KEY_OBJECT) {
            shape_members(json, member, false);
        } else {
            ck_assert_int_eq(token, JSON_KEY);
            list = json_text_equals(json, SPAN_LITERAL("consumeStatsList"));
            name = json_text_equals(json, SPAN_LITERAL("topic"));
            put(member, any_key ? "*" : (const char *)json->raw.data, any_key ? 1 : json->raw.len);
        }
        put(member, ":", 1);
        json_next(json);
        if (name)
            put(member, "*", 1);
        else
            shape_value(json, member, list);
        add_part(&parts, member->text);
        free(member);
    }
    put_parts(shape, &parts, "{", "}");
}

static void shape_array(struct json_reader *json, struct shape *shape, bool any_key) {
    struct parts parts = {.count = 0};
    while (json_next(json) != JSON_ARRAY_END) {
        struct shape *element = malloc(sizeof *element);
        element->len = 0;
        shape_value(json, element, any_key);
        add_part(&parts, element->text);
        free(element);
    }
    put_parts(shape, &parts, "[", "]");
}

/* Of the value whose first token was read. */
static void shape_value(struct json_reader *json, struct shape *shape, bool any_key) {
    switch (json->token) {
    case JSON_OBJECT_BEGIN:
        shape_members(json, shape, any_key);
        break;
    case JSON_ARRAY_BEGIN:
        shape_array(json, shape, any_key);
        break;
    case JSON_STRING:
        put(shape, "\"", 1);
        put_form(shape, json->raw);
        put(shape, "\"", 1);
        break;
    case JSON_NUMBER:
        put(shape, memchr(json->raw.data, '.', json->raw.len) != NULL ? "decimal" : "number",
            memchr(json->raw.data, '.', json->raw.len) != NULL ? 7 : 6);
        break;
    default:
        ck_assert(json->token == JSON_TRUE || json->token == JSON_FALSE);
        put(shape, "bool", 4);
    }
}

static struct shape *shape_of(struct span body) {
    struct json_reader json;
    struct shape *shape = malloc(sizeof *shape);
    shape->len = 0;
    json_reader_init(&json, body);
    json_next(&json);
    shape_value(&json, shape, false);
    ck_assert_int_eq(json_next(&json), JSON_END);
    return shape;
}

/* ---- differences ----------------------------------------------------------------------------- */

/* Members of request 28's table that only one side has, or in another form. */
static const struct {
    const char *member;
    const char *why;
} INFO_DIFFERENCES[] = {
    {"getTransferredTps", "both names, so that tools of both releases find theirs"},
    {"getTransferedTps", "the same"},
    {"brokerActive", "5.3's clusterList wants it of every broker"},
    {"commitLogDiskRatio_", "the directory is another"},
    {"putMessageDistributeTime", "null or counts: depends on how long it runs"},
    {"earliestMessageTimeStamp", "4.9.7 says -1 of a log shorter than two messages of full size"},
    {"remainHowManyDataToFlush", "the unit depends on how much it is"},
    {"Tps", "how many of the three are known depends on how long it runs"},
    {"scheduleMessageOffset_", "delayed messages come with the issue on full messaging"},
};
static size_t info_met[sizeof INFO_DIFFERENCES / sizeof INFO_DIFFERENCES[0]];

struct table {
    const struct table *other;
    char keys[128][96], forms[128][512];
    size_t count, missing, different;
    const char *where;
};

static int on_pair(void *ctx, struct span key, struct span value) {
    struct table *table = ctx;
    struct shape *shape = malloc(sizeof *shape);
    shape->len = 0;
    shape->text[0] = '\0';
    put_form(shape, value);
    ck_assert_uint_lt(table->count, 128);
    snprintf(table->keys[table->count], 96, "%.*s", (int)key.len, (const char *)key.data);
    ck_assert_uint_lt(shape->len, 512);
    memcpy(table->forms[table->count], shape->text, shape->len + 1);
    table->count++;
    free(shape);
    return RMQ_OK;
}

static const char *form_of(const struct table *table, const char *key) {
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->keys[i], key) == 0)
            return table->forms[i];
    }
    return NULL;
}

static void compare_info(const struct table *a, const struct table *b) {
    for (size_t i = 0; i < a->count; i++) {
        const char *form = form_of(b, a->keys[i]);
        if (form != NULL && strcmp(form, a->forms[i]) == 0)
            continue;
        size_t d = 0;
        while (d < sizeof info_met / sizeof info_met[0] &&
               strstr(a->keys[i], INFO_DIFFERENCES[d].member) == NULL)
            d++;
        if (d == sizeof info_met / sizeof info_met[0])
            ck_abort_msg("%s: key %s is \"%s\" and \"%s\"", a->where, a->keys[i], a->forms[i],
                         form == NULL ? "(absent)" : form);
        info_met[d]++;
    }
}

static bool is_no_remark(const struct vector_row *want, const struct wire_command *got) {
    return want->remark != NULL && strcmp(want->remark, "not set any response code") == 0 &&
           got->remark.len == 0;
}

/* One has had messages of that topic or group, the other not. */
static bool is_item(const struct vector_row *want, const struct wire_command *got) {
    bool theirs = want->remark != NULL && strncmp(want->remark, "The stats <", 11) == 0;
    return theirs != span_starts_with(got->remark, SPAN_LITERAL("The stats <"));
}

static const struct {
    bool (*is)(const struct vector_row *want, const struct wire_command *got);
    const char *why;
} DIFFERENCES[] = {
    {is_no_remark, "321: Apache's answer carries a remark of its frame's birth"},
    {is_item, "which topics and groups had messages is another traffic"},
};
#define DIFFERENCE_COUNT (sizeof DIFFERENCES / sizeof DIFFERENCES[0])
static size_t met[DIFFERENCE_COUNT];

/* ---- replay ---------------------------------------------------------------------------------- */

static bool is_ours(int32_t code) {
    switch (code) {
    case REQUEST_GET_BROKER_RUNTIME_INFO:
    case REQUEST_GET_TOPIC_STATS_INFO:
    case REQUEST_GET_CONSUME_STATS:
    case REQUEST_QUERY_TOPIC_CONSUME_BY_WHO:
    case REQUEST_QUERY_CONSUME_TIME_SPAN:
    case REQUEST_VIEW_BROKER_STATS_DATA:
    case REQUEST_GET_BROKER_CONSUME_STATS:
    case REQUEST_QUERY_CONSUME_QUEUE:
        return true;
    default:
        return false;
    }
}

static void make_traffic(void) {
    static const char *const QUEUES[] = {"0", "1", "2", "3"};
    static const char *const GROUPS[] = {"g_stay", "g_stay_order"};
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(send_with(WITH("b", "StayTopic"), WITH("e", QUEUES[i])), RESPONSE_SUCCESS);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(send_with(WITH("b", "PushTopic"), WITH("e", QUEUES[i])), RESPONSE_SUCCESS);
    for (int g = 0; g < 2; g++) {
        for (int i = 0; i < 4; i++) {
            const struct field pull[] = {
                {"consumerGroup", GROUPS[g]}, {"topic", "StayTopic"}, {"queueId", QUEUES[i]}};
            const struct field commit[] = {{"consumerGroup", GROUPS[g]},
                                           {"topic", "StayTopic"},
                                           {"queueId", QUEUES[i]},
                                           {"commitOffset", "1"}};
            send_request(&client, REQUEST_PULL_MESSAGE, FIELDS(PULL), FIELDS(pull), SPAN_NONE);
            take_answer(&client);
            send_request(&client, REQUEST_UPDATE_CONSUMER_OFFSET, FIELDS(commit), NULL, 0,
                         SPAN_NONE);
            take_answer(&client);
            ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
        }
    }
    fake_advance_ms(env, 11000);
}

static unsigned compared[512];
/* One side knows no offsets of the group: nothing to compare. */
static unsigned empty;

static void compare_bodies(const struct vector_row *row, const struct vector_row *want,
                           const struct wire_command *got) {
    struct span theirs = span_from(want->bytes, want->bytes.len - want->body_len);
    if (row->code == REQUEST_GET_BROKER_RUNTIME_INFO) {
        static struct table ours, recorded;
        struct wire_error error;
        struct buf scratch;
        memset(&ours, 0, sizeof ours);
        memset(&recorded, 0, sizeof recorded);
        ours.where = "ours";
        recorded.where = row->file;
        buf_init(&scratch, env);
        ck_assert_int_eq(kv_table_decode(got->body, &scratch, on_pair, &ours, &error), RMQ_OK);
        ck_assert_int_eq(kv_table_decode(theirs, &scratch, on_pair, &recorded, &error), RMQ_OK);
        buf_deinit(&scratch);
        compare_info(&ours, &recorded);
        compare_info(&recorded, &ours);
        return;
    }
    ck_assert_msg((got->body.len == 0) == (want->body_len == 0), "%s row %d", row->file,
                  (int)row->n);
    if (want->body_len == 0)
        return;
    struct shape *a = shape_of(got->body), *b = shape_of(theirs);
    /* names of groups and topics in texts are data */
    bool names = row->code == REQUEST_QUERY_TOPIC_CONSUME_BY_WHO;
    bool ours_empty = strstr(a->text, "offsetTable:{}") != NULL;
    bool one_empty = ours_empty != (strstr(b->text, "offsetTable:{}") != NULL);
    empty += one_empty;
    if (!names && !one_empty && strcmp(a->text, b->text) != 0)
        ck_abort_msg("%s row %d (%s):\n%s\nrecorded\n%s", row->file, (int)row->n, row->step,
                     a->text, b->text);
    free(a);
    free(b);
}

/* Topics of earlier recordings are known. */
static void know_topic(const struct vector_row *row, const struct vector_row *want) {
    struct topic_config topic = {.read_queue_nums = 4, .write_queue_nums = 4, .perm = 6}, found;
    bool created;
    topic.name = span_of_text(vector_ext(row, "topic"));
    if (topic.name.len > 0 && want->code == RESPONSE_SUCCESS &&
        topics_find(&broker()->topics, topic.name, &found) != RMQ_OK)
        ck_assert_int_eq(topics_put(&broker()->topics, &topic, &created), RMQ_OK);
}

static void replay(const struct vector_file *file, const struct vector_row *row) {
    const struct vector_row *want = vector_answer(file, row);
    struct wire_command got;
    if (want == NULL)
        return;
    if (!fake_is_open(client.conn)) {
        peer_deinit(&client);
        connect_client(&client, "10.0.0.50:4000");
    }
    know_topic(row, want);
    fake_deliver(client.conn, row->bytes);
    ck_assert_msg(peer_take(&client, &got), "%s row %d: no answer", row->file, (int)row->n);
    ck_assert_int_eq(got.opaque, row->opaque);
    compared[row->code]++;
    for (size_t d = 0; d < DIFFERENCE_COUNT; d++) {
        if (!DIFFERENCES[d].is(want, &got))
            continue;
        met[d]++;
        if (got.code != want->code || got.code != RESPONSE_SUCCESS)
            return;
    }
    ck_assert_msg(got.code == want->code, "%s row %d (%s): code %d \"%.*s\", recorded %d \"%s\"",
                  row->file, (int)row->n, row->step, (int)got.code, (int)got.remark.len,
                  (const char *)got.remark.data, (int)want->code,
                  want->remark == NULL ? "" : want->remark);
    if (got.code != RESPONSE_SUCCESS) {
        ck_assert_msg(span_equal(got.remark, span_of_text(want->remark)), "%s row %d: %.*s, not %s",
                      row->file, (int)row->n, (int)got.remark.len, (const char *)got.remark.data,
                      want->remark);
        return;
    }
    compare_bodies(row, want, &got);
}

static void replay_file(const char *name) {
    struct vector_file *file = vectors_load(name);
    setup();
    start(name[0] == '5' ? GOLD "profile=5.3\n" : GOLD);
    make_traffic();
    for (size_t i = 0; i < file->count; i++) {
        const struct vector_row *row = &file->rows[i];
        if (vector_is_frame(row) && row->to_server && (row->flag & 1) == 0 &&
            strcmp(row->port, "broker") == 0 && is_ours(row->code))
            replay(file, row);
    }
    teardown();
    vectors_free(file);
}

START_TEST(test_recorded_requests__are_answered_alike) {
    size_t count;
    const char *const *names = vectors_names(&count);
    for (size_t f = 0; f < count; f++) {
        if (strstr(names[f], "-mqadmin") != NULL || strstr(names[f], "-probe-") != NULL)
            replay_file(names[f]);
    }
    for (int32_t code = 0; code < 512; code++) {
        if (is_ours(code)) {
            printf("%d: %u compared\n", (int)code, compared[code]);
            ck_assert_uint_ge(compared[code], 6);
        }
    }
    printf("%4u of a group that one side has no offsets of\n", empty);
    ck_assert_uint_le(empty * 2, compared[REQUEST_GET_CONSUME_STATS]);
    for (size_t d = 0; d < DIFFERENCE_COUNT; d++)
        printf("%4zu differ: %s\n", met[d], DIFFERENCES[d].why);
    for (size_t d = 0; d < sizeof info_met / sizeof info_met[0]; d++)
        printf("%4zu differ in 28, %s: %s\n", info_met[d], INFO_DIFFERENCES[d].member,
               INFO_DIFFERENCES[d].why);
    for (size_t d = 0; d < DIFFERENCE_COUNT; d++)
        ck_assert_uint_gt(met[d], 0);
    for (size_t d = 0; d < sizeof info_met / sizeof info_met[0]; d++)
        ck_assert_uint_gt(info_met[d], 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("stats_captured");
    TCase *tests = suite_case(suite, "recorded");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_recorded_requests__are_answered_alike);
    return suite_run(suite);
}
