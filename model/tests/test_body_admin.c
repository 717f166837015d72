/* test_body_admin.c - bodies of administrators' requests: each recorded one is decoded and comes
 * out of our writers byte for byte; other spellings that peers may use; bad ones. */
#include <stdio.h>

#include "model/tests/env_fake.h"
#include "model/tests/suite.h"
#include "model/tests/vectors.h"
#include "model/wire/body_admin.h"
#include "model/wire/body_running.h"
#include "model/wire/codes.h"

static struct env *env;
static struct buf scratch, out;
static struct json_writer json;
static struct wire_error error;

static void setup(void) {
    env = fake_create();
    buf_init(&scratch, env);
    buf_init(&out, env);
}

static void teardown(void) {
    buf_deinit(&scratch);
    buf_deinit(&out);
    fake_destroy(env);
}

static bool has(struct span text, const char *what) {
    size_t len = strlen(what);
    for (size_t i = 0; i + len <= text.len; i++) {
        if (memcmp(text.data + i, what, len) == 0)
            return true;
    }
    return false;
}

static void begin(void) {
    buf_clear(&out);
    json_writer_init(&json, &out, JSON_STYLE_FASTJSON);
}

/* ---- one rewriter per body ------------------------------------------------------------------- */

static bool as_list;

static int on_reset(void *ctx, const struct body_queue *queue, int64_t offset) {
    ck_assert_ptr_null(ctx);
    reset_offset_write(&json, as_list, queue, offset);
    return RMQ_OK;
}

static int rewrite_reset(struct span body) {
    begin();
    as_list = has(body, "[");
    reset_offsets_begin(&json, as_list);
    int err = reset_offsets_decode(body, &scratch, on_reset, NULL, &error);
    if (err == RMQ_OK)
        reset_offsets_end(&json, as_list);
    return err;
}

static bool in_client; /* a client's table is open */

static void end_clients(void) {
    if (in_client)
        json_object_end(&json);
    in_client = false;
}

static int on_client(void *ctx, struct span client_id) {
    ck_assert_ptr_null(ctx);
    end_clients();
    json_key(&json, client_id);
    json_object_begin(&json);
    in_client = true;
    return RMQ_OK;
}

static int on_offset(void *ctx, struct span client_id, const struct body_queue *queue,
                     int64_t offset) {
    ck_assert_ptr_null(ctx);
    if (!span_is_absent(client_id)) {
        body_queue_key(&json, queue);
        json_number(&json, offset);
    }
    return RMQ_OK;
}

static int on_client_offset(void *ctx, struct span client_id, const struct body_queue *queue,
                            int64_t offset) {
    ck_assert_ptr_null(ctx);
    ck_assert(span_is_absent(client_id));
    body_queue_key(&json, queue);
    json_number(&json, offset);
    return RMQ_OK;
}

static int rewrite_status(struct span body) {
    const struct consumer_status_visitor admin = {on_client, on_offset, NULL};
    const struct consumer_status_visitor client = {NULL, on_client_offset, NULL};
    bool of_client = has(body, "\"consumerTable\":{},\"messageQueueTable\":{{");
    begin();
    if (of_client) {
        client_status_begin(&json);
    } else {
        json_object_begin(&json);
        json_key_text(&json, "consumerTable");
        json_object_begin(&json);
    }
    in_client = false;
    int err = consumer_status_decode(body, &scratch, of_client ? &client : &admin, &error);
    if (err != RMQ_OK)
        return err;
    end_clients();
    if (of_client) {
        client_status_end(&json);
        return err;
    }
    json_object_end(&json);
    json_key_text(&json, "messageQueueTable");
    json_object_begin(&json);
    json_object_end(&json);
    json_object_end(&json);
    return err;
}

static unsigned subscription_count;

static int on_connection(void *ctx, const struct connection_info *connection) {
    ck_assert_ptr_null(ctx);
    connection_write(&json, connection);
    return RMQ_OK;
}

/* In the body it comes last, after the connections and the group's words. */
static int on_subscription(void *ctx, const struct heartbeat_subscription *subscription) {
    const struct connections_group *group = ctx;
    if (subscription_count++ == 0 && group != NULL) {
        json_array_end(&json);
        json_key_text(&json, "consumeFromWhere");
        json_string_text(&json, heartbeat_from_text(group->from_where));
        json_key_text(&json, "consumeType");
        json_string_text(&json, heartbeat_consume_type_text(group->consume_type));
        json_key_text(&json, "messageModel");
        json_string_text(&json, heartbeat_model_text(group->model));
        json_key_text(&json, "subscriptionTable");
        json_object_begin(&json);
    }
    if (group != NULL)
        json_key(&json, subscription->topic);
    return subscription_write(&json, env, subscription);
}

static int on_connection_of_group(void *ctx, const struct connection_info *connection) {
    ck_assert_ptr_nonnull(ctx);
    connection_write(&json, connection);
    return RMQ_OK;
}

static int rewrite_connections(struct span body) {
    struct connections_group group;
    bool of_consumers = has(body, "subscriptionTable");
    const struct connections_visitor visitor = {of_consumers ? on_connection_of_group
                                                             : on_connection,
                                                on_subscription, of_consumers ? &group : NULL};
    begin();
    subscription_count = 0;
    json_object_begin(&json);
    json_key_text(&json, "connectionSet");
    json_array_begin(&json);
    int err = connections_decode(body, &scratch, &visitor, &group, &error);
    if (err != RMQ_OK)
        return err;
    ck_assert(group.has_from == of_consumers && group.has_type == of_consumers &&
              group.has_model == of_consumers);
    if (of_consumers)
        json_object_end(&json);
    else
        json_array_end(&json);
    json_object_end(&json);
    return err;
}

static char last_group[256];

static int on_producer(void *ctx, struct span group, const struct producer_info *producer) {
    ck_assert_ptr_null(ctx);
    if (!span_equal(span_of_text(last_group), group)) {
        if (last_group[0] != '\0')
            json_array_end(&json);
        snprintf(last_group, sizeof last_group, "%.*s", (int)group.len, (const char *)group.data);
        json_key(&json, group);
        json_array_begin(&json);
    }
    producer_info_write(&json, producer);
    return RMQ_OK;
}

static int rewrite_producers(struct span body) {
    begin();
    last_group[0] = '\0';
    json_object_begin(&json);
    json_key_text(&json, "data");
    json_object_begin(&json);
    int err = producer_table_decode(body, &scratch, on_producer, NULL, &error);
    if (err != RMQ_OK)
        return err;
    if (last_group[0] != '\0')
        json_array_end(&json);
    json_object_end(&json);
    json_object_end(&json);
    return err;
}

static bool lock_begun;

static int on_lock(void *ctx, const struct lock_request *request, const struct body_queue *queue) {
    ck_assert_ptr_null(ctx);
    if (!lock_begun)
        lock_request_begin(&json, request);
    lock_begun = true;
    body_queue_write(&json, queue);
    return RMQ_OK;
}

static int rewrite_lock(struct span body) {
    struct lock_request request;
    begin();
    lock_begun = false;
    int err = lock_request_decode(body, &scratch, &request, on_lock, NULL, &error);
    if (err != RMQ_OK)
        return err;
    if (!lock_begun)
        lock_request_begin(&json, &request);
    lock_request_end(&json, &request, has(body, "onlyThisBroker"));
    return err;
}

static int on_locked(void *ctx, const struct body_queue *queue) {
    ck_assert_ptr_null(ctx);
    body_queue_write(&json, queue);
    return RMQ_OK;
}

static int rewrite_locked(struct span body) {
    begin();
    locked_queues_begin(&json);
    int err = locked_queues_decode(body, &scratch, on_locked, NULL, &error);
    if (err == RMQ_OK)
        locked_queues_end(&json);
    return err;
}

static int on_correction(void *ctx, int32_t queue_id, int64_t offset) {
    ck_assert_ptr_null(ctx);
    json_key_i64(&json, queue_id);
    json_number(&json, offset);
    return RMQ_OK;
}

static int rewrite_corrections(struct span body) {
    begin();
    json_object_begin(&json);
    json_key_text(&json, "correctionOffsets");
    json_object_begin(&json);
    int err = correction_offsets_decode(body, &scratch, on_correction, NULL, &error);
    if (err != RMQ_OK)
        return err;
    json_object_end(&json);
    json_object_end(&json);
    return err;
}

static int rewrite_directly(struct span body) {
    struct consume_directly result;
    begin();
    int err = consume_directly_decode(body, &scratch, &result, &error);
    if (err == RMQ_OK)
        consume_directly_write(&json, &result);
    return err;
}

static int on_name(void *ctx, struct span name) {
    ck_assert_ptr_null(ctx);
    json_string(&json, name);
    return RMQ_OK;
}

static int rewrite_topics(struct span body) {
    begin();
    json_object_begin(&json);
    json_key_text(&json, "topicList");
    json_array_begin(&json);
    int err = name_list_decode(body, &scratch, "topicList", on_name, NULL, &error);
    if (err != RMQ_OK)
        return err;
    json_array_end(&json);
    json_object_end(&json);
    return err;
}

/* Members come in alphabetical order: queues, properties, statuses, subscriptions. */
static unsigned section;
static void (*const SECTIONS[])(struct json_writer *) = {NULL, running_properties, running_statuses,
                                                         running_subscriptions};

static void enter(unsigned wanted) {
    while (section < wanted)
        SECTIONS[++section](&json);
}

static int on_running_queue(void *ctx, const struct body_queue *queue,
                            const struct running_queue *info) {
    ck_assert_ptr_null(ctx);
    running_queue_write(&json, queue, info);
    return RMQ_OK;
}

static int on_property(void *ctx, struct span key, struct span value) {
    char name[256];
    ck_assert_ptr_null(ctx);
    enter(1);
    snprintf(name, sizeof name, "%.*s", (int)key.len, (const char *)key.data);
    running_property_write(&json, name, value);
    return RMQ_OK;
}

static int on_status(void *ctx, struct span topic, const struct running_status *status) {
    ck_assert_ptr_null(ctx);
    enter(2);
    running_status_write(&json, topic, status);
    return RMQ_OK;
}

static int on_running_subscription(void *ctx, const struct heartbeat_subscription *subscription) {
    ck_assert_ptr_null(ctx);
    enter(3);
    return subscription_write(&json, env, subscription);
}

static bool jstack_seen, has_pops;

static int on_jstack(void *ctx, struct span text) {
    ck_assert_ptr_null(ctx);
    ck_assert(text.len > 0);
    jstack_seen = true;
    begin();
    running_begin(&json, has_pops, text);
    return RMQ_OK;
}

static int rewrite_running(struct span body) {
    const struct running_visitor visitor = {
        on_property, on_running_queue, on_status, on_running_subscription, on_jstack, NULL};
    bool v5 = has(body, "userConsumerInfo");
    begin();
    section = 0;
    has_pops = has(body, "mqPopTable");
    running_begin(&json, has_pops, SPAN_NONE);
    int err = running_info_decode(body, &scratch, &visitor, &error);
    if (err != RMQ_OK)
        return err;
    enter(3);
    running_end(&json, v5);
    return err;
}

/* ---- the recordings -------------------------------------------------------------------------- */

static const struct {
    int32_t code;
    bool request; /* the request's body, else the answer's */
    int (*rewrite)(struct span body);
    unsigned least; /* bodies there are */
} BODIES[] = {
    {REQUEST_RESET_CONSUMER_CLIENT_OFFSET, true, rewrite_reset, 9},
    {REQUEST_INVOKE_BROKER_TO_RESET_OFFSET, false, rewrite_reset, 12},
    {REQUEST_GET_CONSUMER_STATUS_FROM_CLIENT, false, rewrite_status, 3},
    {REQUEST_INVOKE_BROKER_TO_GET_CONSUMER_STATUS, false, rewrite_status, 3},
    {REQUEST_GET_CONSUMER_CONNECTION_LIST, false, rewrite_connections, 40},
    {REQUEST_GET_PRODUCER_CONNECTION_LIST, false, rewrite_connections, 6},
    {REQUEST_GET_ALL_PRODUCER_INFO, false, rewrite_producers, 6},
    {REQUEST_LOCK_BATCH_MQ, true, rewrite_lock, 100},
    {REQUEST_UNLOCK_BATCH_MQ, true, rewrite_lock, 30},
    {REQUEST_LOCK_BATCH_MQ, false, rewrite_locked, 100},
    {REQUEST_QUERY_CORRECTION_OFFSET, false, rewrite_corrections, 2},
    {REQUEST_CONSUME_MESSAGE_DIRECTLY, false, rewrite_directly, 4},
    {REQUEST_GET_SYSTEM_TOPIC_LIST_FROM_BROKER, false, rewrite_topics, 2},
    {REQUEST_GET_CONSUMER_RUNNING_INFO, false, rewrite_running, 20},
};

static struct span body_of(const struct vector_row *row) {
    return span_from(row->bytes, row->bytes.len - row->body_len);
}

static void check_body(size_t i, const struct vector_row *row) {
    struct span body = body_of(row);
    int err = BODIES[i].rewrite(body);
    ck_assert_msg(err == RMQ_OK, "%s row %d: %d at %u, expected %s\n%.*s", row->file, (int)row->n,
                  err, (unsigned)error.offset, error.expected, (int)body.len,
                  (const char *)body.data);
    size_t at = 0, len = body.len < out.len ? body.len : out.len;
    while (at < len && body.data[at] == out.data[at])
        at++;
    ck_assert_msg(span_equal(buf_span(&out), body), "%s row %d, byte %u of %u\n%.*s\n%.*s",
                  row->file, (int)row->n, (unsigned)at, (unsigned)body.len,
                  (int)(body.len - at > 200 ? 200 : body.len - at), (const char *)body.data + at,
                  (int)(out.len - at > 200 ? 200 : out.len - at), (const char *)out.data + at);
}

/* Every cut of a body is refused. */
static void check_cuts(size_t i, struct span body) {
    for (size_t len = 0; len<body.len; len += body.len> 2000 ? 7 : 1)
        ck_assert_int_ne(BODIES[i].rewrite(span_of(body.data, len)), RMQ_OK);
}

START_TEST(test_recorded) {
    size_t count = 0;
    unsigned seen[sizeof BODIES / sizeof BODIES[0]] = {0};
    const char *const *names = vectors_names(&count);
    setup();
    for (size_t f = 0; f < count; f++) {
        struct vector_file *file = vectors_load(names[f]);
        for (size_t r = 0; r < file->count; r++) {
            const struct vector_row *row = &file->rows[r], *answered;
            if (!vector_is_frame(row) || (row->flag & WIRE_FLAG_RESPONSE) != 0)
                continue;
            for (size_t i = 0; i < sizeof BODIES / sizeof BODIES[0]; i++) {
                if (row->code != BODIES[i].code)
                    continue;
                answered = BODIES[i].request ? row : vector_answer(file, row);
                if (answered == NULL || answered->body_len == 0)
                    continue;
                check_body(i, answered);
                if (seen[i]++ == 0)
                    check_cuts(i, body_of(answered));
            }
        }
        vectors_free(file);
    }
    for (size_t i = 0; i < sizeof BODIES / sizeof BODIES[0]; i++)
        ck_assert_msg(seen[i] >= BODIES[i].least, "code %d: %u bodies", (int)BODIES[i].code,
                      seen[i]);
    ck_assert(jstack_seen);
    teardown();
}
END_TEST

/* ---- other spellings ------------------------------------------------------------------------- */

static const struct {
    int (*rewrite)(struct span body);
    const char *body, *again;
} SPELLINGS[] = {
    /* the list for C++; escapes; blanks; numbers as text; unknown members */
    {rewrite_reset,
     "{\"offsetTable\":[{\"brokerName\":\"b\",\"offset\":7,\"queueId\":1,\"topic\":\"T\"}]}",
     "{\"offsetTable\":[{\"brokerName\":\"b\",\"offset\":7,\"queueId\":1,\"topic\":\"T\"}]}"},
    {rewrite_reset,
     "{ \"x\":{} , \"offsetTable\" : { "
     "{\"topic\":\"T\\u0041\",\"y\":1,\"queueId\":\"2\",\"brokerName\":"
     "\"b\\n\"} : \"5\" } }",
     "{\"offsetTable\":{{\"brokerName\":\"b\\n\",\"queueId\":2,\"topic\":\"TA\"}:5}}"},
    /* a queue as the text of a key */
    {rewrite_reset,
     "{\"offsetTable\":{\"{\\\"brokerName\\\":\\\"b\\\",\\\"queueId\\\":3,\\\"topic\\\":"
     "\\\"T\\\\u0042\\\"}\":9}}",
     "{\"offsetTable\":{{\"brokerName\":\"b\",\"queueId\":3,\"topic\":\"TB\"}:9}}"},
    {rewrite_reset, "{\"offsetTable\":null}", "{\"offsetTable\":{}}"},
    {rewrite_lock,
     "{\"mqSet\":[{\"topic\":\"T\",\"brokerName\":\"b\",\"queueId\":1}],\"consumerGroup\":\"g\","
     "\"clientId\":\"c\"}",
     "{\"clientId\":\"c\",\"consumerGroup\":\"g\",\"mqSet\":[{\"brokerName\":\"b\",\"queueId\":1,"
     "\"topic\":\"T\"}]}"},
    {rewrite_directly, "{\"consumeResult\":null,\"remark\":\"a\\\"b\",\"spentTimeMills\":\"4\"}",
     "{\"autoCommit\":true,\"order\":false,\"remark\":\"a\\\"b\",\"spentTimeMills\":4}"},
    {rewrite_corrections, "{\"correctionOffsets\":{\"0\":9223372036854775807}}",
     "{\"correctionOffsets\":{0:9223372036854775807}}"},
};

START_TEST(test_spellings) {
    setup();
    ck_assert_int_eq(SPELLINGS[_i].rewrite(span_of_text(SPELLINGS[_i].body)), RMQ_OK);
    ck_assert_msg(span_equal(buf_span(&out), span_of_text(SPELLINGS[_i].again)), "%.*s",
                  (int)out.len, (const char *)out.data);
    teardown();
}
END_TEST

static const struct {
    int (*rewrite)(struct span body);
    const char *body;
    int err;
    unsigned offset;
    const char *expected;
} REFUSED[] = {
    {rewrite_reset, "null", RMQ_E_INVALID, 0, "an object"},
    {rewrite_reset, "{\"offsetTable\":5}", RMQ_E_INVALID, 15, "an object"},
    {rewrite_reset, "{\"offsetTable\":{\"T\":5}}", RMQ_E_INVALID, 16, "a message queue as key"},
    {rewrite_reset, "{\"offsetTable\":{{\"queueId\":4294967296}:5}}", RMQ_E_RANGE, 27,
     "a 32-bit integer"},
    {rewrite_reset, "{\"offsetTable\":[5]}", RMQ_E_INVALID, 16, "an object"},
    {rewrite_lock, "{\"clientId\":\"c\",\"mqSet\":[]}", RMQ_E_MISSING, 27,
     "a clientId and a consumerGroup"},
    {rewrite_lock,
     "{\"clientId\":\"c\",\"consumerGroup\":\"g\",\"mqSet\":[{\"queueId\":1,\"topic\":\"T\"}]}",
     RMQ_E_INVALID, 69, "a message queue with topic and brokerName"},
    {rewrite_directly, "{\"consumeResult\":\"CR_WHAT\"}", RMQ_E_INVALID, 17, "a known word"},
    {rewrite_corrections, "{\"correctionOffsets\":{\"x\":1}}", RMQ_E_INVALID, 22,
     "a queue id as key"},
    {rewrite_topics, "{\"topicList\":[1]}", RMQ_E_INVALID, 14, "a string"},
    {rewrite_topics, "{\"topicList\":[]} x", RMQ_E_INVALID, 17, NULL},
};

START_TEST(test_refused) {
    setup();
    int err = REFUSED[_i].rewrite(span_of_text(REFUSED[_i].body));
    ck_assert_int_eq(err, REFUSED[_i].err);
    ck_assert_uint_eq(error.offset, REFUSED[_i].offset);
    if (REFUSED[_i].expected != NULL)
        ck_assert_str_eq(error.expected, REFUSED[_i].expected);
    teardown();
}
END_TEST

START_TEST(test_345) {
    struct group_subscription got;
    setup();
    ck_assert_int_eq(
        group_subscription_decode(
            SPAN_LITERAL("{\"group\":\"g\",\"subscriptionData\":{\"subString\":\"A\",\"topic\":"
                         "\"T\",\"subVersion\":3},\"topic\":\"T\"}"),
            &scratch, &got, &error),
        RMQ_OK);
    ck_assert(got.has_subscription && got.subscription.version == 3);
    ck_assert(span_equal(got.group, SPAN_LITERAL("g")));
    ck_assert(span_equal(got.subscription.expression, SPAN_LITERAL("A")));
    ck_assert_int_eq(group_subscription_decode(SPAN_LITERAL("{\"subscriptionData\":null}"),
                                               &scratch, &got, &error),
                     RMQ_OK);
    ck_assert(!got.has_subscription);
    teardown();
}
END_TEST

START_TEST(test_no_memory) {
    struct consume_directly result;
    for (unsigned n = 1, failed = 1; failed; n++) {
        setup();
        fake_fail_at(env, FAKE_FAIL_ALLOC, n);
        int err = consume_directly_decode(SPAN_LITERAL("{\"remark\":\"a\\nb\"}"), &scratch, &result,
                                          &error);
        failed = fake_failed(env, FAKE_FAIL_ALLOC);
        ck_assert_int_eq(err, failed ? RMQ_E_NOMEM : RMQ_OK);
        teardown();
        if (n > 1)
            break;
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("body_admin");
    TCase *tests = suite_case(suite, "bodies");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_recorded);
    tcase_add_loop_test(tests, test_spellings, 0, sizeof SPELLINGS / sizeof SPELLINGS[0]);
    tcase_add_loop_test(tests, test_refused, 0, sizeof REFUSED / sizeof REFUSED[0]);
    tcase_add_test(tests, test_345);
    tcase_add_test(tests, test_no_memory);
    return suite_run(suite);
}
