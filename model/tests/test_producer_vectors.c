/* test_producer_vectors.c - what Java's producers sent, sent by ours: requests 310, 320 and 10 byte
 * for byte (but for language, version and opaque), and unique keys. */
#include "model/tests/producer_fixture.h"
#include "model/tests/vectors.h"
#include "model/wire/body_internal.h"

#define MONTH_BEGIN_MS INT64_C(1793491200000) /* 2026-11-01, when the vectors were recorded */

static struct env *memory; /* of the test */

static const char *const FILES[] = {
    "4.9.7-java497-produce",   "4.9.7-java497bin-produce", "4.9.7-java533-produce",
    "5.3.3-java497-produce",   "5.3.3-java533-produce",    "5.3.3-java533bin-produce",
    "4.9.7-java497-sendv1",    "4.9.7-java497bin-sendv1",  "5.3.3-java533-sendv1",
    "5.3.3-java533bin-sendv1",
};

static unsigned hex_byte(struct span hex, size_t index) {
    unsigned byte = 0;
    char text[3] = {(char)hex.data[2 * index], (char)hex.data[2 * index + 1], '\0'};
    ck_assert_int_eq(sscanf(text, "%2x", &byte), 1);
    return byte;
}

/* Makes the next unique key `key`. */
static void expect_key(struct span key) {
    int64_t ms = 0;
    ck_assert_uint_eq(key.len, 32);
    for (size_t i = 0; i < 10; i++)
        client->ids.fixed[i] = (uint8_t)hex_byte(key, i);
    for (size_t i = 10; i < 14; i++)
        ms = ms << 8 | (int64_t)hex_byte(key, i);
    client->ids.counter = (uint16_t)(hex_byte(key, 14) << 8 | hex_byte(key, 15));
    fake_set_wall_ms(env, MONTH_BEGIN_MS + ms);
}

/* Takes a message's properties apart; those that the application gave come first. */
static void read_properties(struct span properties, struct outgoing *out, struct span *key) {
    struct span rest = properties, name, value;
    while (message_property_next(&rest, &name, &value)) {
        if (span_equal(name, SPAN_LITERAL("KEYS"))) {
            out->keys = value;
        } else if (span_equal(name, SPAN_LITERAL("UNIQ_KEY"))) {
            *key = value;
        } else if (span_equal(name, SPAN_LITERAL("WAIT"))) {
            out->no_wait = span_equal(value, SPAN_LITERAL("false"));
        } else if (span_equal(name, SPAN_LITERAL("DELAY"))) {
            ck_assert_int_eq(span_to_i32(value, &out->delay_level), RMQ_OK);
        } else if (span_equal(name, SPAN_LITERAL("TAGS"))) {
            out->tags = value;
        } else {
            ck_assert(span_is_absent(*key));
            size_t end = (size_t)(value.data + value.len - properties.data);
            out->properties = span_of(properties.data, end);
        }
    }
}

struct header_names {
    const char *group, *topic, *queue, *sys_flag, *born, *flag, *properties, *broker;
};
static const struct header_names V2 = {"a", "b", "e", "f", "g", "h", "i", "n"};
static const struct header_names V1 = {"producerGroup", "topic", "queueId",    "sysFlag",
                                       "bornTimestamp", "flag",  "properties", "bname"};

static int64_t number(const struct wire_command *row, const char *name) {
    int64_t value;
    ck_assert_int_eq(span_to_i64(wire_field(row, name), &value), RMQ_OK);
    return value;
}

/* A client like the one recorded, and a producer of the group. */
static void start_like(const struct vector_row *row, const struct wire_command *want,
                       const struct header_names *names) {
    char text[256];
    struct span group = wire_field(want, names->group);
    snprintf(text, sizeof text, "namesrvAddr=" NS "\nprofile=%s\nrocketmq.serialize.type=%s\n",
             row->version >= 413 ? "5.3" : "4.9",
             row->serialization == WIRE_JSON ? "JSON" : "ROCKETMQ");
    start_client(text);
    bool compressed = (number(want, names->sys_flag) & MESSAGE_SYS_COMPRESSED) != 0;
    snprintf(text, sizeof text,
             "producerGroup=%.*s\nsendSmartMsg=%s\ncompressMsgBodyOverHowmuch=%d\n", (int)group.len,
             (const char *)group.data, names == &V1 ? "false" : "true",
             compressed ? 4096 : 10000000);
    ck_assert_int_eq(start_group(text, &producer), RMQ_OK);
}

/* The route is asked for after the send began, so that the two can have the recorded times. */
static void give_route(const struct wire_command *want, const struct header_names *names) {
    struct wire_command request;
    char route[512];
    struct span broker = wire_field(want, names->broker);
    fake_set_wall_ms(env, number(want, names->born));
    snprintf(route, sizeof route,
             "{\"brokerDatas\":[{\"brokerAddrs\":{\"0\":\"" A
             "\"},\"brokerName\":\"%.*s\",\"cluster\":\"C\"}],\"queueDatas\":[{\"brokerName\":"
             "\"%.*s\",\"perm\":6,\"readQueueNums\":16,\"topicSysFlag\":0,\"writeQueueNums\":16}]}",
             (int)broker.len, (const char *)broker.data, (int)broker.len,
             (const char *)broker.data);
    greet(&ns, NS);
    ck_assert(peer_take(&ns, &request));
    peer_answer_body(&ns, &request, 0, route);
    greet(&a, A);
}

/* The next frame the node wrote must be the row's, but for who sent it. */
static void compare_frame(const struct vector_row *row, struct wire_command *want) {
    struct wire_command got;
    struct buf bytes;
    size_t len;
    ck_assert_int_eq(wire_frame_length(fake_written(a.conn), &len), RMQ_OK);
    struct span written = span_of(fake_written(a.conn).data, len);
    struct wire_error error;
    ck_assert_int_eq(wire_decode(written, &a.scratch, &got, &error), RMQ_OK);
    want->opaque = got.opaque;
    want->version = got.version;
    want->language = got.language;
    for (size_t i = 0; want->code == REQUEST_SEND_BATCH_MESSAGE && i < want->field_count; i++) {
        if (span_equal(want->fields[i].key, SPAN_LITERAL("e")))
            want->fields[i].value = wire_field(&got, "e"); /* the producer's choice */
    }
    buf_init(&bytes, memory);
    ck_assert_int_eq(wire_encode(want, &bytes), RMQ_OK);
    if (!span_equal(buf_span(&bytes), written))
        ck_abort_msg("%s row %d (%s):\n%.*s\nexpected\n%.*s", row->file, (int)row->n, row->step,
                     (int)(len > 600 ? 600 : len), (const char *)written.data + 8,
                     (int)(bytes.len > 600 ? 600 : bytes.len), (const char *)bytes.data + 8);
    fake_consume(a.conn, len);
    buf_deinit(&bytes);
}

static void send_single(const struct vector_row *row, struct wire_command *want,
                        const struct header_names *names, struct buf *plain) {
    struct outgoing message = {.topic = wire_field(want, names->topic), .body = want->body};
    struct send_target target = {.broker_name = wire_field(want, names->broker),
                                 .queue_id = (int32_t)number(want, names->queue)};
    struct span key = SPAN_NONE;
    struct wire_error error;
    read_properties(wire_field(want, names->properties), &message, &key);
    message.flag = (int32_t)number(want, names->flag);
    if ((number(want, names->sys_flag) & MESSAGE_SYS_COMPRESSED) != 0) {
        ck_assert_int_eq(body_inflate(memory, want->body, plain, &error), RMQ_OK);
        message.body = buf_span(plain);
    }
    expect_key(key);
    producer_send(producer, &message, &target,
                  (row->flag & WIRE_FLAG_ONEWAY) != 0 ? SEND_ONEWAY : SEND_SYNC, &one, on_sent);
    give_route(want, names);
}

/* The members' keys were made one after the other; here all are made in the same ms. */
static void set_time(struct span key, struct span first) {
    memcpy((uint8_t *)(uintptr_t)key.data + 20, first.data + 20, 8);
}

static void send_batch(struct wire_command *want) {
    struct outgoing messages[16];
    size_t count = 0;
    struct span rest = want->body, first = SPAN_NONE;
    struct batch_item item;
    while (batch_next(&rest, &item) == RMQ_OK) {
        struct span key = SPAN_NONE;
        ck_assert_uint_lt(count, 16);
        messages[count] =
            (struct outgoing){.topic = wire_field(want, "b"), .body = item.body, .flag = item.flag};
        read_properties(item.properties, &messages[count++], &key);
        if (span_is_absent(first))
            first = key;
        set_time(key, first);
    }
    struct span own = message_property(wire_field(want, "i"), SPAN_LITERAL("UNIQ_KEY")); /* 5.3 */
    if (!span_is_absent(own))
        set_time(own, first);
    expect_key(first);
    producer_send_batch(producer, messages, count, &one, on_sent);
    give_route(want, &V2);
}

static bool replay(const struct vector_row *row) {
    struct wire_command want;
    struct wire_error error;
    struct buf scratch, plain;
    const struct header_names *names = row->code == REQUEST_SEND_MESSAGE ? &V1 : &V2;
    if (strcmp(row->step, "properties too long") == 0)
        return false; /* its property "long" is behind the others in Java's map */
    if (!row->to_server ||
        (row->code != REQUEST_SEND_MESSAGE_V2 && row->code != REQUEST_SEND_MESSAGE &&
         row->code != REQUEST_SEND_BATCH_MESSAGE))
        return false;
    setup();
    memory = fake_create();
    buf_init(&scratch, memory);
    buf_init(&plain, memory);
    struct buf copy; /* of the row, to be changed */
    buf_init(&copy, memory);
    buf_put_span(&copy, row->bytes);
    ck_assert_int_eq(wire_decode(buf_span(&copy), &scratch, &want, &error), RMQ_OK);
    start_like(row, &want, names);
    if (row->code == 320) {
        send_batch(&want);
        /* which queue is chance: compare the rest */
        struct wire_command got;
        size_t len;
        ck_assert_int_eq(wire_frame_length(fake_written(a.conn), &len), RMQ_OK);
        ck_assert_int_eq(
            wire_decode(span_of(fake_written(a.conn).data, len), &a.scratch, &got, &error), RMQ_OK);
        for (size_t i = 0; i < want.field_count; i++) {
            if (span_equal(want.fields[i].key, SPAN_LITERAL("e")))
                want.fields[i].value = wire_field(&got, "e");
        }
    } else {
        send_single(row, &want, names, &plain);
    }
    compare_frame(row, &want);
    buf_deinit(&copy);
    buf_deinit(&scratch);
    buf_deinit(&plain);
    fake_destroy(memory);
    stop();
    teardown();
    return true;
}

START_TEST(test_requests__are_javas) {
    size_t compared = 0;
    struct vector_file *file = vectors_load(FILES[_i]);
    for (size_t i = 0; i < file->count; i++) {
        if (vector_is_frame(&file->rows[i]) && strcmp(file->rows[i].port, "broker") == 0)
            compared += replay(&file->rows[i]) ? 1 : 0;
    }
    vectors_free(file);
    ck_assert_uint_gt(compared, strstr(FILES[_i], "sendv1") != NULL ? 1 : 20);
}
END_TEST

/* ---- unique keys ----------------------------------------------------------------------------- */

static int64_t number_of(const cJSON *row, const char *key) {
    return (int64_t)cJSON_GetObjectItemCaseSensitive(row, key)->valuedouble;
}

static void check_key(const cJSON *row) {
    struct unique_ids ids = {0};
    char id[UNIQUE_ID_MAX];
    uint32_t own = (uint32_t)number_of(row, "classLoaderHash");
    env = fake_create();
    fake_set_identity(env, cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, "ip")),
                      (uint32_t)number_of(row, "pid"));
    fake_set_wall_ms(env, number_of(row, "time"));
    unique_ids_init(&ids, env);
    for (size_t i = 0; i < 4; i++)
        ids.fixed[6 + i] = (uint8_t)(own >> (24 - 8 * i));
    ids.counter = (uint16_t)number_of(row, "counter");
    ck_assert_span_eq(span_of(id, unique_id_next(&ids, env, id)),
                      cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, "id")));
    ck_assert_int_eq(ids.month_begin_ms, number_of(row, "time") - number_of(row, "monthMillis"));
    fake_destroy(env);
}

START_TEST(test_unique_id__is_javas) {
    static const char *const NAMES[] = {"4.9.7", "5.3.3"};
    char path[512], *line = NULL;
    size_t size = 0, count = 0;
    snprintf(path, sizeof path, "%s/model/tests/vectors/hash/%s-unique_id.jsonl", RMQ_SOURCE_DIR,
             NAMES[_i]);
    FILE *stream = fopen(path, "r");
    ck_assert_ptr_nonnull(stream);
    for (; getline(&line, &size, stream) > 0; count++) {
        cJSON *row = cJSON_Parse(line);
        ck_assert_ptr_nonnull(row);
        check_key(row);
        cJSON_Delete(row);
    }
    free(line);
    fclose(stream);
    ck_assert_uint_eq(count, 40);
}
END_TEST

/* Wall time, offset of local time, start of the local month. */
static const struct {
    int64_t now_ms;
    int offset_min;
    int64_t begin_ms, end_ms;
} MONTHS[] = {
    {0, 0, 0, 31 * INT64_C(86400000)},
    {INT64_C(951782400000), 0, INT64_C(949363200000), INT64_C(951868800000)}, /* 2000-02-29 */
    {INT64_C(951868799999), 0, INT64_C(949363200000), INT64_C(951868800000)},
    {INT64_C(951868800000), 0, INT64_C(951868800000), INT64_C(954547200000)},    /* 2000-03-01 */
    {INT64_C(1735689599999), 0, INT64_C(1733011200000), INT64_C(1735689600000)}, /* end of 2024 */
    {INT64_C(1735689599999), 60, INT64_C(1735686000000), INT64_C(1738364400000)},
    {INT64_C(1735689600000), -60, INT64_C(1733014800000), INT64_C(1735693200000)},
};

START_TEST(test_unique_id__counts_from_the_local_month) {
    struct unique_ids ids = {0};
    char id[UNIQUE_ID_MAX], again[UNIQUE_ID_MAX];
    env = fake_create();
    fake_set_wall_ms(env, MONTHS[_i].now_ms);
    fake_set_utc_offset_min(env, MONTHS[_i].offset_min);
    unique_ids_init(&ids, env);
    ck_assert_uint_eq(unique_id_next(&ids, env, id), 32);
    ck_assert_int_eq(ids.month_begin_ms, MONTHS[_i].begin_ms);
    ck_assert_int_eq(ids.month_end_ms, MONTHS[_i].end_ms);
    fake_set_wall_ms(env, MONTHS[_i].begin_ms - 500); /* a step back counts as the start */
    unique_id_next(&ids, env, again);
    ck_assert_span_eq(span_of(again + 20, 12), "000000000001");
    fake_destroy(env);
}
END_TEST

START_TEST(test_unique_id__of_v6_has_56_digits) {
    struct unique_ids ids = {0};
    char id[UNIQUE_ID_MAX];
    env = fake_create();
    fake_set_identity(env, "fe80::1", 1);
    unique_ids_init(&ids, env);
    ck_assert_uint_eq(unique_id_next(&ids, env, id), 56);
    ck_assert_span_eq(span_of(id, 36), "FE8000000000000000000000000000010001");
    fake_destroy(env);
}
END_TEST

#define COUNT(array) ((int)(sizeof array / sizeof array[0]))

int main(void) {
    Suite *suite = suite_create("producer_vectors");
    TCase *tests = suite_case(suite, "vectors");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, test_requests__are_javas, 0, COUNT(FILES));
    tcase_add_loop_test(tests, test_unique_id__is_javas, 0, 2);
    tcase_add_loop_test(tests, test_unique_id__counts_from_the_local_month, 0, COUNT(MONTHS));
    tcase_add_test(tests, test_unique_id__of_v6_has_56_digits);
    return suite_run(suite);
}
