/* test_body_stats.c - every recorded body of 202, 208, 300, 303, 315, 317 and 321, of both
 * releases, read and written again: the bytes are the same, but for decimals behind the sixth. */
#include <stdio.h>

#include "model/tests/env_fake.h"
#include "model/tests/suite.h"
#include "model/tests/vectors.h"
#include "model/wire/body_stats.h"
#include "model/wire/codes.h"

static struct {
    struct env *env;
    struct buf scratch, out, want;
    struct json_writer json;
    struct wire_error error;
    int stop_at, calls;
    bool group_open, topic_open;
} t;

static void setup(void) {
    memset(&t, 0, sizeof t);
    t.env = fake_create();
    buf_init(&t.scratch, t.env);
    buf_init(&t.out, t.env);
    buf_init(&t.want, t.env);
}

static void teardown(void) {
    buf_deinit(&t.scratch);
    buf_deinit(&t.out);
    buf_deinit(&t.want);
    fake_destroy(t.env);
}

#define STOPPED RMQ_E_STATE
static int step(const void *ctx) {
    ck_assert_ptr_eq(ctx, &t);
    return ++t.calls == t.stop_at ? STOPPED : RMQ_OK;
}

/* ---- written as it is read ------------------------------------------------------------------- */

static int on_topic_queue(void *ctx, const struct body_queue *queue,
                          const struct topic_offset *offset) {
    topic_stats_queue(&t.json, queue, offset);
    return step(ctx);
}

static int on_consume_queue(void *ctx, const struct body_queue *queue,
                            const struct consume_offset *offset) {
    consume_stats_queue(&t.json, queue, offset);
    return step(ctx);
}

static void end_topic(void) {
    if (t.topic_open)
        consume_stats_end(&t.json);
    t.topic_open = false;
}

static void end_group(void) {
    end_topic();
    if (t.group_open)
        broker_consume_stats_group_end(&t.json);
    t.group_open = false;
}

static int on_group(void *ctx, struct span group) {
    end_group();
    broker_consume_stats_group(&t.json, group);
    t.group_open = true;
    return step(ctx);
}

static int on_topic(void *ctx, int64_t tps) {
    end_topic();
    consume_stats_begin(&t.json, tps);
    t.topic_open = true;
    return step(ctx);
}

static int on_name(void *ctx, struct span name) {
    json_string(&t.json, name);
    return step(ctx);
}

static int on_span(void *ctx, const struct consume_time_span *span) {
    time_span_queue(&t.json, span, 0);
    return step(ctx);
}

static int on_unit(void *ctx, const struct queue_unit_data *unit) {
    queue_units_unit(&t.json, unit);
    return step(ctx);
}

static int on_nothing_queue(void *ctx, const struct body_queue *queue,
                            const struct topic_offset *offset) {
    return queue == NULL || offset == NULL || ctx != &t ? RMQ_E_INVALID : RMQ_OK;
}

static int on_nothing_unit(void *ctx, const struct queue_unit_data *unit) {
    return unit == NULL || ctx != &t ? RMQ_E_INVALID : RMQ_OK;
}

static const struct consume_stats_visitor CONSUME = {on_consume_queue, on_group, on_topic, &t};
static const struct consume_stats_visitor NOTHING = {NULL, NULL, NULL, NULL};

static int rewrite_topic(struct span body, bool v5) {
    int64_t tps = 0;
    int err = topic_stats_decode(body, &t.scratch, on_nothing_queue, &t, &tps, &t.error);
    if (err != RMQ_OK)
        return err;
    topic_stats_begin(&t.json, &t.out);
    err = topic_stats_decode(body, &t.scratch, on_topic_queue, &t, &tps, &t.error);
    topic_stats_end(&t.json, v5 ? tps : -1);
    return err;
}

static int rewrite_consume(struct span body) {
    int64_t tps = 0;
    int err = consume_stats_decode(body, &t.scratch, &NOTHING, &tps, &t.error);
    if (err != RMQ_OK)
        return err;
    json_writer_init(&t.json, &t.out, JSON_STYLE_FASTJSON);
    consume_stats_begin(&t.json, tps);
    err = consume_stats_decode(body, &t.scratch, &CONSUME, &tps, &t.error);
    consume_stats_end(&t.json);
    return err;
}

static int rewrite_list(struct span body, bool v5) {
    struct broker_consume_stats totals = {0};
    int err = broker_consume_stats_decode(body, &t.scratch, &NOTHING, &totals, &t.error);
    if (err != RMQ_OK)
        return err;
    struct span addr = totals.broker_addr;
    broker_consume_stats_begin(&t.json, &t.out, addr);
    err = broker_consume_stats_decode(body, &t.scratch, &CONSUME, &totals, &t.error);
    end_group();
    broker_consume_stats_end(&t.json, totals.total_diff, v5 ? &totals.total_inflight : NULL);
    return err;
}

static int rewrite_units(struct span body) {
    struct queue_units_info info = {0};
    int err = queue_units_decode(body, &t.scratch, on_nothing_unit, &t, &info, &t.error);
    if (err != RMQ_OK)
        return err;
    queue_units_begin(&t.json, &t.out, &info);
    err = queue_units_decode(body, &t.scratch, on_unit, &t, &info, &t.error);
    queue_units_end(&t.json, SPAN_NONE);
    return err;
}

/* Into t.out. */
static int rewrite(int32_t code, struct span body, bool v5) {
    struct broker_stats_data data = {0};
    int err;
    buf_clear(&t.out);
    t.calls = 0;
    t.group_open = t.topic_open = false;
    switch (code) {
    case REQUEST_GET_TOPIC_STATS_INFO:
        return rewrite_topic(body, v5);
    case REQUEST_GET_CONSUME_STATS:
        return rewrite_consume(body);
    case REQUEST_QUERY_TOPIC_CONSUME_BY_WHO:
        group_list_begin(&t.json, &t.out);
        err = group_list_decode(body, &t.scratch, on_name, &t, &t.error);
        group_list_end(&t.json);
        return err;
    case REQUEST_QUERY_CONSUME_TIME_SPAN:
        time_span_begin(&t.json, &t.out);
        err = time_span_decode(body, &t.scratch, on_span, &t, &t.error);
        time_span_end(&t.json);
        return err;
    case REQUEST_VIEW_BROKER_STATS_DATA:
        err = broker_stats_data_decode(body, &data, &t.error);
        broker_stats_data_write(&t.out, &data);
        return err;
    case REQUEST_GET_BROKER_CONSUME_STATS:
        return rewrite_list(body, v5);
    default:
        ck_assert_int_eq(code, REQUEST_QUERY_CONSUME_QUEUE);
        return rewrite_units(body);
    }
}

/* ---- recordings ------------------------------------------------------------------------------ */

static bool is_ours(int32_t code) {
    return code == REQUEST_GET_TOPIC_STATS_INFO || code == REQUEST_GET_CONSUME_STATS ||
           code == REQUEST_QUERY_TOPIC_CONSUME_BY_WHO || code == REQUEST_QUERY_CONSUME_TIME_SPAN ||
           code == REQUEST_VIEW_BROKER_STATS_DATA || code == REQUEST_GET_BROKER_CONSUME_STATS ||
           code == REQUEST_QUERY_CONSUME_QUEUE;
}

static bool is_number_byte(uint8_t byte) {
    return (byte >= '0' && byte <= '9') || byte == '.' || byte == 'E' || byte == '-';
}

/* Numbers with a point, rounded to six places; copies the rest. No text of a recording has one
 * behind a colon. */
static void round_decimals(struct span body) {
    buf_clear(&t.want);
    for (size_t at = 0; at < body.len;) {
        size_t end = at;
        while (at > 0 && body.data[at - 1] == ':' && end < body.len &&
               is_number_byte(body.data[end]))
            end++;
        struct span number = span_of(body.data + at, end - at);
        int64_t value;
        if (number.len > 0 && memchr(number.data, '.', number.len) != NULL &&
            decimal_parse(number, &value) == RMQ_OK)
            decimal_put(&t.want, value);
        else
            buf_put_span(&t.want, end > at ? number : span_of(body.data + at, 1));
        at = end > at ? end : at + 1;
    }
}

/* Each cut of a body is refused, and a visitor can stop it anywhere. */
static void damage(int32_t code, struct span body, bool v5) {
    int calls = t.calls;
    for (size_t len = 0; len < body.len; len++) {
        t.error = (struct wire_error){0};
        int err = rewrite(code, span_of(body.data, len), v5);
        ck_assert_int_eq(err, RMQ_E_INVALID);
        ck_assert_ptr_nonnull(t.error.expected);
        ck_assert_uint_le(t.error.offset, len);
    }
    for (t.stop_at = 1; t.stop_at <= calls; t.stop_at++)
        ck_assert_int_eq(rewrite(code, body, v5), STOPPED);
    t.stop_at = 0;
}

START_TEST(test_recorded_bodies__come_back) {
    unsigned counts[512] = {0}, damaged[512] = {0};
    size_t count = 0;
    const char *const *names = vectors_names(&count);
    for (size_t f = 0; f < count; f++) {
        if (strstr(names[f], "-mqadmin") == NULL && strstr(names[f], "-probe-") == NULL)
            continue;
        struct vector_file *file = vectors_load(names[f]);
        for (size_t i = 0; i < file->count; i++) {
            const struct vector_row *row = &file->rows[i];
            if (!vector_is_frame(row) || !row->to_server || (row->flag & 1) != 0 ||
                !is_ours(row->code) || strcmp(row->port, "broker") != 0)
                continue;
            const struct vector_row *answer = vector_answer(file, row);
            if (answer == NULL || answer->code != 0 || answer->body_len == 0)
                continue;
            struct span body = span_from(answer->bytes, answer->bytes.len - answer->body_len);
            bool v5 = names[f][0] == '5';
            ck_assert_int_eq(rewrite(row->code, body, v5), RMQ_OK);
            round_decimals(body);
            ck_assert_msg(span_equal(buf_span(&t.out), buf_span(&t.want)), "%s row %d: %.*s",
                          names[f], (int)answer->n, (int)t.out.len, (const char *)t.out.data);
            if (damaged[row->code]++ < 3)
                damage(row->code, body, v5);
            counts[row->code]++;
        }
        vectors_free(file);
    }
    for (int32_t code = 0; code < 512; code++) {
        if (is_ours(code))
            printf("%d: %u bodies\n", (int)code, counts[code]);
        ck_assert(!is_ours(code) || counts[code] >= 6);
    }
}
END_TEST

/* ---- by hand --------------------------------------------------------------------------------- */

static void expect_text(const char *text) {
    ck_assert_msg(span_equal(buf_span(&t.out), span_of_text(text)), "%.*s", (int)t.out.len,
                  (const char *)t.out.data);
}

START_TEST(test_escapes__of_several_texts_are_there_together) {
    static const char BODY[] = "{\"brokerAddr\":\"a\\\"b\",\"consumeStatsList\":[{\"g\\u0041\":[{"
                               "\"consumeTps\":2.5,\"offsetTable\":{{\"brokerName\":\"b\\\\\","
                               "\"queueId\":1,\"topic\":\"t\\u00e9\"}:{\"brokerOffset\":3,"
                               "\"consumerOffset\":1,\"lastTimestamp\":9}}}]}],\"totalDiff\":2}";
    ck_assert_int_eq(rewrite(REQUEST_GET_BROKER_CONSUME_STATS, span_of_text(BODY), false), RMQ_OK);
    expect_text("{\"brokerAddr\":\"a\\\"b\",\"consumeStatsList\":[{\"gA\":[{\"consumeTps\":2.5,"
                "\"offsetTable\":{{\"brokerName\":\"b\\\\\",\"queueId\":1,\"topic\":\"t\xc3\xa9\"}:"
                "{\"brokerOffset\":3,\"consumerOffset\":1,\"lastTimestamp\":9}}}]}],"
                "\"totalDiff\":2}");
}
END_TEST

START_TEST(test_readers__take_quoted_and_null_and_unknown) {
    struct broker_stats_data data = {0};
    static const char BODY[] =
        "{\"x\":[{{\"a\":1}:2}],\"statsMinute\":{\"tps\":\"1.25\",\"sum\":\"7\",\"avgpt\":null},"
        "\"statsHour\":null,\"statsDay\":{\"sum\":9223372036854775807,\"tps\":1.0E7}}";
    ck_assert_int_eq(broker_stats_data_decode(span_of_text(BODY), &data, &t.error), RMQ_OK);
    ck_assert_int_eq(data.minute.tps, 1250000);
    ck_assert_int_eq(data.minute.sum, 7);
    ck_assert_int_eq(data.minute.avgpt, 0);
    ck_assert_int_eq(data.day.sum, INT64_MAX);
    ck_assert_int_eq(data.day.tps, 10000000 * DECIMAL_ONE);
}
END_TEST

START_TEST(test_units__show_filter_and_message) {
    struct queue_units_info info = {3, 9, SPAN_LITERAL("null")};
    struct queue_unit_data unit = {100, -5, 20, true, SPAN_LITERAL("gone")};
    queue_units_begin(&t.json, &t.out, &info);
    queue_units_unit(&t.json, &unit);
    queue_units_end(&t.json, SPAN_LITERAL("{\"topic\":\"T\"}"));
    expect_text("{\"filterData\":\"null\",\"maxQueueIndex\":9,\"minQueueIndex\":3,\"queueData\":[{"
                "\"eval\":true,\"msg\":\"gone\",\"physicOffset\":100,\"physicSize\":20,"
                "\"tagsCode\":-5}],\"subscriptionData\":{\"topic\":\"T\"}}");
}
END_TEST

static const struct {
    int32_t code;
    const char *body;
} BAD[] = {
    {REQUEST_GET_TOPIC_STATS_INFO, "{\"offsetTable\":{\"q\":{}}}"},
    {REQUEST_GET_TOPIC_STATS_INFO, "{\"offsetTable\":[]}"},
    {REQUEST_GET_TOPIC_STATS_INFO, "{\"topicPutTps\":\"fast\"}"},
    {REQUEST_GET_CONSUME_STATS, "{\"consumeTps\":{}}"},
    {REQUEST_GET_CONSUME_STATS, "{\"offsetTable\":{{\"queueId\":\"x\"}:{}}}"},
    {REQUEST_QUERY_TOPIC_CONSUME_BY_WHO, "{\"groupList\":[7]}"},
    {REQUEST_QUERY_CONSUME_TIME_SPAN, "{\"consumeTimeSpanSet\":[1]}"},
    {REQUEST_VIEW_BROKER_STATS_DATA, "{\"statsDay\":{\"sum\":1.5}}"},
    {REQUEST_GET_BROKER_CONSUME_STATS, "{\"consumeStatsList\":[[]]}"},
    {REQUEST_GET_BROKER_CONSUME_STATS, "{\"consumeStatsList\":[{\"g\":[1]}]}"},
    {REQUEST_QUERY_CONSUME_QUEUE, "{\"queueData\":[null]}"},
    {REQUEST_QUERY_CONSUME_QUEUE, "[]"},
};

START_TEST(test_readers__refuse) {
    ck_assert_int_eq(rewrite(BAD[_i].code, span_of_text(BAD[_i].body), true), RMQ_E_INVALID);
    ck_assert_ptr_nonnull(t.error.expected);
}
END_TEST

START_TEST(test_runtime_triple_parse) {
    int64_t got[3] = {7, 7, 7};
    ck_assert_int_eq(runtime_triple_parse(SPAN_LITERAL("1.5 2.25 0.0"), got), RMQ_OK);
    ck_assert(got[0] == 1500000 && got[1] == 2250000 && got[2] == 0);
    ck_assert_int_eq(runtime_triple_parse(SPAN_LITERAL("1.1988011988011988  "), got), RMQ_OK);
    ck_assert(got[0] == 1198801 && got[1] == 0 && got[2] == 0);
    ck_assert_int_eq(runtime_triple_parse(SPAN_NONE, got), RMQ_OK);
    ck_assert(got[0] == 0);
    ck_assert_int_eq(runtime_triple_parse(SPAN_LITERAL("1 2 3 4"), got), RMQ_E_INVALID);
    ck_assert_int_eq(runtime_triple_parse(SPAN_LITERAL("a b c"), got), RMQ_E_INVALID);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("body_stats");
    TCase *tests = suite_case(suite, "recorded");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_recorded_bodies__come_back);
    tests = suite_case(suite, "by hand");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_escapes__of_several_texts_are_there_together);
    tcase_add_test(tests, test_readers__take_quoted_and_null_and_unknown);
    tcase_add_test(tests, test_units__show_filter_and_message);
    tcase_add_loop_test(tests, test_readers__refuse, 0, (int)(sizeof BAD / sizeof BAD[0]));
    tcase_add_test(tests, test_runtime_triple_parse);
    return suite_run(suite);
}
