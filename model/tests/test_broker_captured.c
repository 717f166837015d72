/* test_broker_captured.c - the recorded conversations of clients with brokers, replayed as far as
 * requests 14, 15, 34, 35, 38 and 46 go: each of our answers has the recorded code, remark, fields
 * and body.
 *
 * What a recording does not tell: offsets that an earlier recording committed, and whether a queue
 * had a message 0 (5.3). Both are taken from the recorded answer, but only for a group and queue
 * that nobody committed before in this file. */
#include "model/tests/broker_part_fixture.h"
#include "model/tests/test_namesrv_compare.h"

#define CONNS 512

static struct peer conns[CONNS];
/* Who beats on a connection, and whether it is one to the slave: a client that has a connection to
 * the master and beats on another one. The slave's part is not replayed. */
static char client_ids[CONNS][128];
static bool is_slave[CONNS];
static unsigned compared[64], learned;

static bool is_ours(int32_t code) {
    return code == REQUEST_QUERY_CONSUMER_OFFSET || code == REQUEST_UPDATE_CONSUMER_OFFSET ||
           code == REQUEST_HEART_BEAT || code == REQUEST_UNREGISTER_CLIENT ||
           code == REQUEST_GET_CONSUMER_LIST_BY_GROUP || code == REQUEST_CHECK_CLIENT_CONFIG;
}

static struct span body_of(const struct vector_row *row) {
    return span_from(row->bytes, row->bytes.len - row->body_len);
}

static struct span ext_of(const struct vector_row *row, const char *key) {
    return span_of_text(vector_ext(row, key));
}

/* What only the recorded answer tells. */
static void learn(const struct vector_row *request, const struct vector_row *answered) {
    struct span group = ext_of(request, "consumerGroup"), topic = ext_of(request, "topic");
    int32_t queue_id;
    int64_t offset = 0;
    queue.max = INT64_MAX;
    if (request->code != REQUEST_QUERY_CONSUMER_OFFSET || group.len == 0 ||
        span_to_i32(ext_of(request, "queueId"), &queue_id) != RMQ_OK ||
        offsets_find(&broker.offsets, group, topic, queue_id) >= 0)
        return;
    queue.max = answered->code == RESPONSE_SUCCESS ? INT64_MAX : 0;
    queue.min = broker.config.profile_5_3 || answered->code == RESPONSE_SUCCESS ? 0 : 1;
    if (answered->code != RESPONSE_SUCCESS)
        return;
    ck_assert_int_eq(span_to_i64(ext_of(answered, "offset"), &offset), RMQ_OK);
    if (offset > 0) {
        ck_assert_int_eq(offsets_commit(&broker.offsets, group, topic, queue_id, offset,
                                        SPAN_LITERAL("earlier")),
                         RMQ_OK);
        learned++;
    }
}

/* 5.3 commits for known names only; topics and groups of earlier recordings are known. */
static void know_names(const struct vector_row *request, const struct vector_row *answered) {
    const struct group *group;
    struct topic_config topic = {.name = ext_of(request, "topic"), .perm = 6};
    bool created;
    if (request->code != REQUEST_UPDATE_CONSUMER_OFFSET ||
        (answered != NULL && answered->code != RESPONSE_SUCCESS))
        return;
    ck_assert_int_eq(
        groups_find_or_create(&broker.groups, ext_of(request, "consumerGroup"), &group), RMQ_OK);
    struct topic_config known;
    if (topics_find(&broker.topics, topic.name, &known) != RMQ_OK)
        ck_assert_int_eq(topics_put(&broker.topics, &topic, &created), RMQ_OK);
}

static void expect_fields(const struct wire_command *ours, const struct vector_row *theirs) {
    unsigned count = 0;
    for (const cJSON *field = theirs->ext == NULL ? NULL : theirs->ext->child; field != NULL;
         field = field->next, count++) {
        ck_assert_msg(
            span_equal(wire_field(ours, field->string), span_of_text(cJSON_GetStringValue(field))),
            "%s row %d: %s", theirs->file, (int)theirs->n, field->string);
    }
    ck_assert_uint_eq(ours->field_count, count);
    if (theirs->serialization == WIRE_JSON && ours->serialization == WIRE_JSON)
        ck_assert_int_eq(ours->has_fields, theirs->ext != NULL);
}

static void expect_same(const struct wire_command *ours, const struct vector_row *theirs) {
    const char *where = theirs->file;
    int row = (int)theirs->n;
    ck_assert_msg(ours->code == theirs->code, "%s row %d: code %d, not %d", where, row,
                  (int)ours->code, (int)theirs->code);
    ck_assert_int_eq(ours->flag, theirs->flag);
    ck_assert_int_eq(ours->opaque, theirs->opaque);
    /* 5.3 answers in its own serialization, we in the asker's (test_namesrv_codes.c) */
    if (!broker.config.profile_5_3)
        ck_assert_msg(ours->serialization == theirs->serialization, "%s row %d", where, row);
    ck_assert_msg(span_equal(ours->remark, span_of_text(theirs->remark)), "%s row %d: %.*s", where,
                  row, (int)ours->remark.len, (const char *)ours->remark.data);
    expect_fields(ours, theirs);
    ck_assert_msg((ours->body.len == 0) == (theirs->body_len == 0), "%s row %d", where, row);
    if (theirs->body_len > 0) {
        char *mine = canonical_json(ours->body, true);
        char *recorded = canonical_json(body_of(theirs), true);
        ck_assert_msg(strcmp(mine, recorded) == 0, "%s row %d: %s, not %s", where, row, mine,
                      recorded);
        free(mine);
        free(recorded);
    }
}

static void note_client(const struct vector_row *row) {
    struct span body = body_of(row);
    static const char KEY[] = "\"clientID\":\"";
    size_t at = 0, len = 0;
    while (at + sizeof KEY < body.len && memcmp(body.data + at, KEY, sizeof KEY - 1) != 0)
        at++;
    if (at + sizeof KEY >= body.len || client_ids[row->conn][0] != '\0')
        return;
    at += sizeof KEY - 1;
    while (at + len < body.len && body.data[at + len] != '"' && len < 127)
        len++;
    memcpy(client_ids[row->conn], body.data + at, len);
    for (int64_t c = 0; c < CONNS; c++)
        is_slave[row->conn] |= c != row->conn && strcmp(client_ids[c], client_ids[row->conn]) == 0;
}

static struct peer *conn_of(const struct vector_row *row) {
    struct peer *peer = &conns[row->conn];
    if (peer->conn == NULL) {
        char address[ENV_ADDRESS_MAX];
        snprintf(address, sizeof address, "127.0.0.1:%d", 30000 + (int)row->conn);
        peer_init(peer, fake_accept(env, PORT, address));
    }
    return peer;
}

static void close_conn(struct peer *peer) {
    if (peer->conn == NULL)
        return;
    if (fake_is_open(peer->conn))
        fake_peer_close(peer->conn);
    peer_deinit(peer);
    peer->conn = NULL;
}

/* Java's exception texts are not ours. */
static bool is_exception(const struct vector_row *answered) {
    return answered->remark != NULL && strstr(answered->remark, "Exception") != NULL;
}

/* Sends a recorded request and compares the answer, if both sides have one. */
static void replay(const struct vector_file *file, const struct vector_row *row) {
    const struct vector_row *answered = vector_answer(file, row);
    struct peer *peer = conn_of(row);
    struct wire_command frame;
    bool oneway = (row->flag & WIRE_FLAG_ONEWAY) != 0;
    if (answered != NULL)
        learn(row, answered);
    know_names(row, answered);
    fake_deliver(peer->conn, row->bytes);
    bool found = false;
    while (peer_take(peer, &frame)) {
        if ((frame.flag & WIRE_FLAG_RESPONSE) == 0) {
            ck_assert_int_eq(frame.code, REQUEST_NOTIFY_CONSUMER_IDS_CHANGED);
            continue;
        }
        ck_assert(!found && !oneway);
        found = true;
        if (answered == NULL || is_exception(answered))
            continue;
        expect_same(&frame, answered);
        compared[row->code]++;
    }
    ck_assert_int_eq(found, !oneway);
}

static void replay_file(const char *name) {
    struct vector_file *file = vectors_load(name);
    bool v5 = name[0] == '5';
    start(v5 ? NAMES V5 "enablePropertyFilter=true\n" : NAMES "enablePropertyFilter=true\n");
    memset(client_ids, 0, sizeof client_ids);
    memset(is_slave, 0, sizeof is_slave);
    for (size_t i = 0; i < file->count; i++) {
        const struct vector_row *row = &file->rows[i];
        if (strcmp(row->port, "broker") != 0)
            continue;
        ck_assert(row->conn >= 0 && row->conn < CONNS);
        if (row->event != NULL) {
            close_conn(&conns[row->conn]);
            client_ids[row->conn][0] = '\0';
            continue;
        }
        if (vector_is_frame(row) && row->code == REQUEST_HEART_BEAT && (row->flag & 1) == 0)
            note_client(row);
        if (is_slave[row->conn])
            continue;
        if (vector_is_frame(row) && row->to_server && (row->flag & 1) == 0 && is_ours(row->code))
            replay(file, row);
    }
    for (size_t c = 0; c < CONNS; c++)
        close_conn(&conns[c]);
    stop();
    vectors_free(file);
}

START_TEST(test_replay) {
    size_t count = 0;
    const char *const *names = vectors_names(&count);
    for (size_t i = 0; i < count; i++) {
        bool is_client = strstr(names[i], "-java") != NULL || strstr(names[i], "-go-") != NULL ||
                         strstr(names[i], "-alions-") != NULL ||
                         strstr(names[i], "-probe-") != NULL;
        if (is_client)
            replay_file(names[i]);
    }
    for (size_t code = 0; code < 64; code++) {
        if (compared[code] > 0)
            printf("request %zu: %u answers\n", code, compared[code]);
    }
    printf("offsets of earlier recordings: %u\n", learned);
    ck_assert_uint_gt(compared[REQUEST_QUERY_CONSUMER_OFFSET], 100);
    ck_assert_uint_gt(compared[REQUEST_HEART_BEAT], 100);
    ck_assert_uint_gt(compared[REQUEST_UNREGISTER_CLIENT], 100);
    ck_assert_uint_gt(compared[REQUEST_GET_CONSUMER_LIST_BY_GROUP], 50);
    ck_assert_uint_gt(compared[REQUEST_UPDATE_CONSUMER_OFFSET], 5);
    ck_assert_uint_lt(learned * 3, compared[REQUEST_QUERY_CONSUMER_OFFSET]);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("broker_captured");
    TCase *tests = suite_case(suite, "replay");
    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, test_replay);
    return suite_run(suite);
}
