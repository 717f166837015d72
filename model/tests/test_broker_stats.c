/* test_broker_stats.c - what a broker counts and says of it: items and their windows, rates, days,
 * requests 28, 202, 208, 300, 303, 315, 317, 321, metrics, health. */
#include <stdio.h>

#include "model/broker/health.h"
#include "model/broker/metrics.h"
#include "model/tests/message_fixture.h"

static struct buf metrics, scratch;
static struct wire_error error;

static void begin(const char *config) {
    buf_init(&metrics, env);
    buf_init(&scratch, env);
    start(config);
}

static void end(void) {
    buf_deinit(&metrics);
    buf_deinit(&scratch);
}

/* A connection ends when nothing came over it for 120 s. */
static void stay_connected(void) {
    if (fake_is_open(client.conn))
        return;
    peer_deinit(&client);
    connect_client(&client, "10.0.0.50:4000");
}

static void ask(int32_t code, const struct field *fields, size_t count) {
    stay_connected();
    send_request(&client, code, fields, count, NULL, 0, SPAN_NONE);
    fake_settle(env); /* 215 waits for files */
    take_answer(&client);
}

/* ---- 315 ------------------------------------------------------------------------------------- */

static struct broker_stats_data item(const char *name, const char *key) {
    struct broker_stats_data data;
    const struct field fields[] = {{"statsName", name}, {"statsKey", key}};
    ask(REQUEST_VIEW_BROKER_STATS_DATA, FIELDS(fields));
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
    ck_assert_int_eq(broker_stats_data_decode(answered.body, &data, &error), RMQ_OK);
    return data;
}

static bool has_item(const char *name, const char *key) {
    const struct field fields[] = {{"statsName", name}, {"statsKey", key}};
    ask(REQUEST_VIEW_BROKER_STATS_DATA, FIELDS(fields));
    return answered.code == RESPONSE_SUCCESS;
}

START_TEST(test_items__are_sampled_as_apache_does) {
    begin(TOPICS);
    ck_assert(!has_item("TOPIC_PUT_NUMS", "T"));
    expect_remark_begins("The stats <TOPIC_PUT_NUMS> <T> not exist");
    fake_advance_ms(env, 3000);
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    /* nothing shows before the first sample, at 10 s */
    ck_assert_int_eq(item("TOPIC_PUT_NUMS", "T").minute.sum, 0);
    fake_advance_ms(env, 6999);
    ck_assert_int_eq(item("TOPIC_PUT_NUMS", "T").minute.sum, 0);
    fake_advance_ms(env, 1);
    struct broker_stats_data data = item("TOPIC_PUT_NUMS", "T");
    ck_assert_int_eq(data.minute.sum, 6);
    ck_assert_int_eq(data.minute.tps, 600000); /* over the 10 s that it lay in */
    ck_assert_int_eq(data.minute.avgpt, DECIMAL_ONE);
    ck_assert_int_eq(data.hour.sum, 0);
    int64_t size = item("TOPIC_PUT_SIZE", "T").minute.sum;
    ck_assert_int_gt(size, 6 * 100);
    ck_assert_int_eq(item("BROKER_PUT_NUMS", "DefaultCluster").minute.sum, 6);
    ck_assert_int_eq(item("BROKER_PUT_NUMS", "DefaultCluster").minute.avgpt, 0);
    ck_assert(!has_item("BROKER_PUT_NUMS", "other"));
    /* 7 samples: 60 s between the first and the last */
    fake_advance_ms(env, 50000);
    data = item("TOPIC_PUT_NUMS", "T");
    ck_assert_int_eq(data.minute.sum, 6);
    ck_assert_int_eq(data.minute.tps, 100000);
    fake_advance_ms(env, 10000);
    ck_assert_int_eq(item("TOPIC_PUT_NUMS", "T").minute.sum, 0);
    /* the hour is sampled each 10 min, the day each hour */
    fake_advance_ms(env, 530000);
    data = item("TOPIC_PUT_NUMS", "T");
    ck_assert_int_eq(data.hour.sum, 6);
    ck_assert_int_eq(data.hour.tps, 10000);
    ck_assert_int_eq(data.day.sum, 0);
    fake_advance_ms(env, 3000000);
    data = item("TOPIC_PUT_NUMS", "T");
    ck_assert_int_eq(data.hour.sum, 6);
    ck_assert_int_eq(data.hour.tps, 1667);
    ck_assert_int_eq(data.day.sum, 6);
    ck_assert_int_eq(data.day.tps, 1667);
    fake_advance_ms(env, 600000);
    ck_assert_int_eq(item("TOPIC_PUT_NUMS", "T").hour.sum, 0);
    fake_advance_ms(env, 23 * 3600000 - 600000);
    ck_assert_int_eq(item("TOPIC_PUT_NUMS", "T").day.sum, 6); /* the 25th sample */
    fake_advance_ms(env, 3600000);
    ck_assert_int_eq(item("TOPIC_PUT_NUMS", "T").day.sum, 0);
    end();
}
END_TEST

START_TEST(test_items__of_groups_and_their_end) {
    begin(TOPICS);
    struct stats *stats = &broker()->stats;
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    ck_assert_int_eq(pull_with(WITH("sysFlag", "4"), NO_FIELD), RESPONSE_SUCCESS);
    size_t bytes = answered.body.len;
    stats_send_back(stats, SPAN_LITERAL("T"), SPAN_LITERAL("g"));
    fake_advance_ms(env, 10000);
    ck_assert_int_eq(item("GROUP_GET_NUMS", "T@g").minute.sum, 2);
    ck_assert_int_eq(item("GROUP_GET_NUMS", "T@g").minute.avgpt, 2 * DECIMAL_ONE);
    ck_assert_int_eq(item("GROUP_GET_SIZE", "T@g").minute.sum, (int64_t)bytes);
    ck_assert_int_eq(item("BROKER_GET_NUMS", "DefaultCluster").minute.sum, 2);
    ck_assert_int_eq(item("SNDBCK_PUT_NUMS", "T@g").minute.sum, 1);
    ck_assert_int_eq(item("GROUP_GET_LATENCY", "T@g").minute.sum, 0);
    ck_assert(!has_item("NO_SUCH", "T"));
    ck_assert_uint_eq(stats->entries, 3);
    stats_forget_group(stats, SPAN_LITERAL("h"));
    ck_assert_uint_eq(stats->entries, 3);
    const struct field group[] = {{"groupName", "g"}}, topic[] = {{"topic", "T"}};
    ask(REQUEST_DELETE_SUBSCRIPTIONGROUP, FIELDS(group));
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
    ck_assert_uint_eq(stats->entries, 1);
    ck_assert(!has_item("GROUP_GET_NUMS", "T@g"));
    ck_assert(has_item("TOPIC_PUT_NUMS", "T"));
    ck_assert_int_eq(pull_with(WITH("sysFlag", "4"), NO_FIELD), RESPONSE_SUCCESS);
    ask(REQUEST_DELETE_TOPIC_IN_BROKER, FIELDS(topic));
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
    ck_assert_uint_eq(stats->entries, 0);
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS); /* and it begins anew */
    fake_advance_ms(env, 10000);
    ck_assert_int_eq(item("TOPIC_PUT_NUMS", "T").minute.sum, 1);
    end();
}
END_TEST

/* ---- 28 -------------------------------------------------------------------------------------- */

struct wanted {
    const char *key;
    char *out;
};

static int on_pair(void *ctx, struct span key, struct span value) {
    const struct wanted *wanted = ctx;
    if (!span_equal(key, span_of_text(wanted->key)))
        return RMQ_OK;
    ck_assert_uint_lt(value.len, 300);
    memcpy(wanted->out, value.data, value.len);
    wanted->out[value.len] = '\0';
    return RMQ_OK;
}

/* A value of request 28. */
static const char *info(const char *key) {
    static char texts[8][300];
    static unsigned next;
    char *text = texts[next++ % 8];
    struct wanted wanted = {key, text};
    strcpy(text, "(absent)");
    ask(REQUEST_GET_BROKER_RUNTIME_INFO, NULL, 0);
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
    ck_assert_int_eq(kv_table_decode(answered.body, &scratch, on_pair, &wanted, &error), RMQ_OK);
    return text;
}

START_TEST(test_runtime_info__formats) {
    begin(TOPICS);
    ck_assert_str_eq(info("putTps"), "  ");
    ck_assert_str_eq(info("getTotalTps"), "0.0 0.0 0.0");
    ck_assert_str_eq(info("putMessageDistributeTime"), "null");
    ck_assert_str_eq(info("putMessageTimesTotal"), "1");
    ck_assert_str_eq(info("putMessageAverageSize"), "0.0");
    ck_assert_str_eq(info("earliestMessageTimeStamp"), "-1");
    ck_assert_str_eq(info("remainTransientStoreBufferNumbs"), "2147483647");
    ck_assert_str_eq(info("brokerVersionDesc"), "V4_9_8");
    ck_assert_str_eq(info("brokerActive"), "true");
    ck_assert_str_eq(info("timerReadBehind"), "(absent)");
    fake_advance_ms(env, 500);
    int64_t stored_ms = env_wall_ms(env);
    for (int i = 0; i < 15; i++)
        ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    fake_advance_ms(env, 10000);
    ck_assert_str_eq(info("putTps"), "  ");
    fake_advance_ms(env, 500);
    ck_assert_str_eq(info("putTps"),
                     "0.0  "); /* what came in second 0 is before the first sample */
    for (int i = 0; i < 15; i++)
        ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    ck_assert_int_eq(pull_with(WITH("sysFlag", "4"), NO_FIELD), RESPONSE_SUCCESS);
    fake_advance_ms(env, 1000);
    ck_assert_str_eq(info("putTps"), "1.5  ");
    ck_assert_str_eq(info("getFoundTps"), "0.1  ");
    ck_assert_str_eq(info("getTransferedTps"), "3.0  ");
    ck_assert_str_eq(info("getTransferredTps"), "3.0  ");
    ck_assert_str_eq(info("getTotalTps"), "0.1 0.0 0.0");
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)stored_ms);
    ck_assert_str_eq(info("earliestMessageTimeStamp"), text);
    fake_advance_ms(env, 49000);
    ck_assert_str_eq(info("putTps"), "0.0 0.25 ");
    ck_assert_str_eq(info("putMessageDistributeTime"),
                     "[<=0ms]:30 [0~10ms]:0 [10~50ms]:0 [50~100ms]:0 [100~200ms]:0 [200~500ms]:0 "
                     "[500ms~1s]:0 [1~2s]:0 [2~3s]:0 [3~4s]:0 [4~5s]:0 [5~10s]:0 [10s~]:0 ");
    ck_assert_str_eq(info("putLatency99"), "0.00");
    fake_advance_ms(env, 60000);
    ck_assert(strncmp(info("putMessageDistributeTime"), "[<=0ms]:0 ", 10) == 0);
    fake_advance_ms(env, (uint64_t)(86400 + 2 * 3600 + 3 * 60 + 4 - 121) * 1000);
    ck_assert_str_eq(info("runtime"), "[ 1 days, 2 hours, 3 minutes, 4 seconds ]");
    ck_assert_str_eq(info("putTps"), "0.0 0.0 0.0");
    ck_assert_str_eq(info("msgPutTotalTodayNow"), "30");
    ck_assert_str_eq(info("msgGetTotalTodayNow"), "30");
    end();
}
END_TEST

START_TEST(test_runtime_info__turns_at_local_midnight) {
    begin(TOPICS);
    int64_t day_ms = 86400000;
    int64_t local = env_wall_ms(env) + (int64_t)env_utc_offset_min(env) * 60000;
    stay_connected();
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    fake_advance_ms(env, (uint64_t)(day_ms - local % day_ms) - 1);
    ck_assert_str_eq(info("msgPutTotalTodayMorning"), "0");
    fake_advance_ms(env, 1000);
    ck_assert_str_eq(info("msgPutTotalTodayMorning"), "1");
    ck_assert_str_eq(info("msgPutTotalYesterdayMorning"), "0");
    stay_connected();
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    fake_advance_ms(env, (uint64_t)day_ms);
    ck_assert_str_eq(info("msgPutTotalTodayMorning"), "2");
    ck_assert_str_eq(info("msgPutTotalYesterdayMorning"), "1");
    stay_connected();
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    fake_advance_ms(env, 2 * (uint64_t)day_ms); /* nobody looked on the way */
    ck_assert_str_eq(info("msgPutTotalTodayMorning"), "3");
    ck_assert_str_eq(info("msgPutTotalYesterdayMorning"), "3");
    end();
}
END_TEST

/* ---- metrics --------------------------------------------------------------------------------- */

/* The value of the first sample of `name` whose labels contain `label`. */
static const char *metric(const char *name, const char *label) {
    static char texts[8][64];
    static unsigned next;
    char *text = texts[next++ % 8];
    buf_clear(&metrics);
    ck_assert_int_eq(broker_metrics_write(broker(), &metrics), RMQ_OK);
    buf_put_u8(&metrics, '\0');
    size_t len = strlen(name);
    for (const char *at = (const char *)metrics.data; at != NULL && *at != '\0';) {
        const char *line_end = strchr(at, '\n');
        const char *space = line_end;
        while (*space != ' ')
            space--;
        const char *found = strstr(at, label);
        if (strncmp(at, name, len) == 0 && (at[len] == '{' || at[len] == ' ') && found != NULL &&
            found < line_end) {
            snprintf(text, 64, "%.*s", (int)(line_end - space - 1), space + 1);
            return text;
        }
        at = line_end + 1;
    }
    return "(absent)";
}

static int64_t millionths(const char *text) {
    int64_t value = -1;
    ck_assert_msg(decimal_parse(span_of_text(text), &value) == RMQ_OK, "%s", text);
    return value;
}

static const struct {
    const char *metric, *key;
} SAME[] = {
    {"msg_put_total_today_now", "msgPutTotalTodayNow"},
    {"msg_gettotal_today_now", "msgGetTotalTodayNow"},
    {"msg_puttotal_todaymorning", "msgPutTotalTodayMorning"},
    {"msg_gettotal_yesterdaymorning", "msgGetTotalYesterdayMorning"},
    {"dispatch_behind_bytes", "dispatchBehindBytes"},
    {"put_message_size_total", "putMessageSizeTotal"},
    {"put_message_average_size", "putMessageAverageSize"},
    {"putmessage_times_total", "putMessageTimesTotal"},
    {"putmessage_entire_time_max", "putMessageEntireTimeMax"},
    {"getmessage_entire_time_max", "getMessageEntireTimeMax"},
    {"pagecache_lock_time_mills", "pageCacheLockTimeMills"},
    {"put_latency_99", "putLatency99"},
    {"put_latency_999", "putLatency999"},
    {"send_threadpool_queue_size", "sendThreadPoolQueueSize"},
    {"send_threadpoolqueue_capacity", "sendThreadPoolQueueCapacity"},
    {"send_threadpoolqueue_headwait_timemills", "sendThreadPoolQueueHeadWaitTimeMills"},
    {"pull_threadpoolqueue_size", "pullThreadPoolQueueSize"},
    {"pull_threadpoolqueue_capacity", "pullThreadPoolQueueCapacity"},
    {"pull_threadpoolqueue_headwait_timemills", "pullThreadPoolQueueHeadWaitTimeMills"},
    {"query_threadpoolqueue_size", "queryThreadPoolQueueSize"},
    {"query_threadpool_queue_capacity", "queryThreadPoolQueueCapacity"},
    {"earliest_message_timestamp", "earliestMessageTimeStamp"},
    {"commitlog_maxoffset", "commitLogMaxOffset"},
    {"commitlog_minoffset", "commitLogMinOffset"},
    {"remain_transientstore_buffer_numbs", "remainTransientStoreBufferNumbs"},
};

static void expect_same_figures(void) {
    static const struct {
        const char *metric, *key;
    } RATES_OF[] = {{"put_tps", "putTps"},
                    {"getfound_tps", "getFoundTps"},
                    {"getmiss_tps", "getMissTps"},
                    {"gettotal_tps", "getTotalTps"},
                    {"gettransfered_tps", "getTransferedTps"}};
    static const char *const SECONDS[] = {"10", "60", "600"};
    char name[128];
    for (size_t i = 0; i < sizeof SAME / sizeof SAME[0]; i++) {
        snprintf(name, sizeof name, "rocketmq_brokeruntime_%s", SAME[i].metric);
        ck_assert_msg(millionths(metric(name, "")) == millionths(info(SAME[i].key)), "%s", name);
    }
    for (size_t i = 0; i < sizeof RATES_OF / sizeof RATES_OF[0]; i++) {
        int64_t triple[3];
        ck_assert_int_eq(runtime_triple_parse(span_of_text(info(RATES_OF[i].key)), triple), RMQ_OK);
        for (size_t n = 0; n < 3; n++) {
            snprintf(name, sizeof name, "rocketmq_brokeruntime_%s%s", RATES_OF[i].metric,
                     SECONDS[n]);
            ck_assert_msg(millionths(metric(name, "")) == triple[n], "%s", name);
        }
    }
}

/* 208's sum over its queues. */
static int64_t behind, consumed;
static int on_queue(void *ctx, const struct body_queue *queue,
                    const struct consume_offset *offset) {
    ck_assert(ctx == NULL && queue->topic.len > 0);
    behind += offset->broker_offset - offset->consumer_offset;
    consumed += offset->consumer_offset;
    return RMQ_OK;
}

static int64_t consume_stats(void) {
    static const struct consume_stats_visitor VISITOR = {on_queue, NULL, NULL, NULL};
    const struct field fields[] = {{"consumerGroup", "g"}};
    int64_t tps = -1;
    behind = consumed = 0;
    ask(REQUEST_GET_CONSUME_STATS, FIELDS(fields));
    ck_assert_int_eq(consume_stats_decode(answered.body, &scratch, &VISITOR, &tps, &error), RMQ_OK);
    return tps;
}

static void commit(const char *offset) {
    const struct field fields[] = {
        {"consumerGroup", "g"}, {"topic", "T"}, {"queueId", "1"}, {"commitOffset", offset}};
    ask(REQUEST_UPDATE_CONSUMER_OFFSET, FIELDS(fields));
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
}

START_TEST(test_metrics__are_what_the_requests_say) {
    begin(TOPICS);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    ck_assert_int_eq(pull_with(WITH("maxMsgNums", "5"), NO_FIELD), RESPONSE_SUCCESS);
    commit("5");
    fake_advance_ms(env, 11000);
    expect_same_figures();
    int64_t tps = consume_stats();
    ck_assert_int_eq(tps, 500000);
    ck_assert_int_eq(behind, 15);
    ck_assert_int_eq(millionths(metric("rocketmq_group_diff", "group=\"g\"")), 15 * DECIMAL_ONE);
    ck_assert_int_eq(millionths(metric("rocketmq_consumer_offset", "group=\"g\"")),
                     consumed * DECIMAL_ONE);
    ck_assert_int_eq(millionths(metric("rocketmq_consumer_tps", "group=\"g\"")), tps);
    ck_assert_int_eq(millionths(metric("rocketmq_producer_tps", "topic=\"T\"")),
                     item("TOPIC_PUT_NUMS", "T").minute.tps);
    ck_assert_int_eq(millionths(metric("rocketmq_producer_message_size", "topic=\"T\"")),
                     item("TOPIC_PUT_SIZE", "T").minute.tps);
    ck_assert_int_eq(millionths(metric("rocketmq_consumer_message_size", "topic=\"T\"")),
                     item("GROUP_GET_SIZE", "T@g").minute.tps);
    ck_assert_int_eq(millionths(metric("rocketmq_broker_tps", "")),
                     item("BROKER_PUT_NUMS", "DefaultCluster").minute.tps);
    ck_assert_int_eq(millionths(metric("rocketmq_broker_qps", "")),
                     item("BROKER_GET_NUMS", "DefaultCluster").minute.tps);
    ck_assert_str_eq(metric("rocketmq_producer_offset", "topic=\"T\""), "20");
    ck_assert_str_eq(metric("windtunnel_request_latency_us_count", "code=\"310\""), "20");
    ck_assert_str_eq(metric("windtunnel_store_writable", ""), "1");
    fake_advance_ms(env, 60000);
    expect_same_figures();
    end();
}
END_TEST

/* ---- overload -------------------------------------------------------------------------------- */

START_TEST(test_overload__shows_in_28_and_metrics) {
    begin(TOPICS "pullMessageThreadPoolNums=1\nwaitTimeMillsInSendQueue=100000\n"
                 "osPageCacheBusyTimeOutMills=100000\n");
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    fake_store.write_age_ms = 40;
    fake_store.slow_gets = true;
    for (int i = 0; i < 3; i++)
        start_send(&client, NO_FIELD, NO_FIELD);
    for (int i = 0; i < 3; i++) /* one reads, two wait */
        start_pull(&client, NO_FIELD, NO_FIELD);
    fake_advance_ms(env, 25);
    ck_assert_str_eq(info("sendThreadPoolQueueSize"), "3");
    ck_assert_str_eq(info("sendThreadPoolQueueHeadWaitTimeMills"), "25");
    ck_assert_str_eq(info("pullThreadPoolQueueSize"), "2");
    ck_assert_str_eq(info("pullThreadPoolQueueHeadWaitTimeMills"), "25");
    ck_assert_str_eq(info("pageCacheLockTimeMills"), "40");
    expect_same_figures();
    end();
}
END_TEST

/* ---- queues ---------------------------------------------------------------------------------- */

static int64_t max_seen, updated_seen;
static int on_topic_queue(void *ctx, const struct body_queue *queue,
                          const struct topic_offset *offset) {
    ck_assert(ctx == NULL && span_equal(queue->topic, SPAN_LITERAL("T")));
    max_seen += offset->max_offset;
    if (offset->last_update_ms > updated_seen)
        updated_seen = offset->last_update_ms;
    return RMQ_OK;
}

static int on_name(void *ctx, struct span name) {
    buf_put_span(ctx, name);
    buf_put_u8(ctx, ' ');
    return RMQ_OK;
}

static struct consume_time_span span_seen;
static int on_span(void *ctx, const struct consume_time_span *span) {
    ck_assert_ptr_null(ctx);
    if (span->queue.queue_id == 1)
        span_seen = *span;
    return RMQ_OK;
}

static unsigned units_seen;
static int on_unit(void *ctx, const struct queue_unit_data *unit) {
    ck_assert(ctx == NULL && unit->physic_size > 0 && unit->tags_code == 'A');
    units_seen++;
    return RMQ_OK;
}

START_TEST(test_queues__202_300_303_317_321) {
    const struct field topic[] = {{"topic", "T"}}, missing[] = {{"topic", "none"}};
    const struct field span[] = {{"topic", "T"}, {"group", "g"}};
    const struct field all[] = {{"isOrder", "false"}};
    const struct field units[] = {{"topic", "T"}, {"queueId", "1"}, {"index", "1"}, {"count", "2"}};
    const struct field far[] = {{"topic", "T"}, {"queueId", "1"}, {"index", "99"}, {"count", "2"}};
    struct broker_consume_stats totals;
    struct queue_units_info units_info;
    struct buf names;
    int64_t tps;
    begin(TOPICS);
    int64_t first_ms = env_wall_ms(env);
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    fake_advance_ms(env, 1000);
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    fake_advance_ms(env, 1000);
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    ck_assert_int_eq(pull_with(WITH("maxMsgNums", "1"), NO_FIELD), RESPONSE_SUCCESS); /* makes g */
    commit("1");
    fake_advance_ms(env, 5000);
    ask(REQUEST_GET_TOPIC_STATS_INFO, FIELDS(topic));
    max_seen = updated_seen = 0;
    ck_assert_int_eq(
        topic_stats_decode(answered.body, &scratch, on_topic_queue, NULL, &tps, &error), RMQ_OK);
    ck_assert_int_eq(max_seen, 3);
    ck_assert_int_eq(updated_seen, first_ms + 2000);
    ask(REQUEST_GET_TOPIC_STATS_INFO, FIELDS(missing));
    ck_assert_int_eq(answered.code, RESPONSE_TOPIC_NOT_EXIST);
    expect_remark_begins("topic[none] not exist");
    ask(REQUEST_QUERY_TOPIC_CONSUME_BY_WHO, FIELDS(topic));
    buf_init(&names, env);
    ck_assert_int_eq(group_list_decode(answered.body, &scratch, on_name, &names, &error), RMQ_OK);
    ck_assert(span_equal(buf_span(&names), SPAN_LITERAL("g ")));
    buf_deinit(&names);
    ask(REQUEST_QUERY_CONSUME_TIME_SPAN, FIELDS(span));
    ck_assert_int_eq(time_span_decode(answered.body, &scratch, on_span, NULL, &error), RMQ_OK);
    ck_assert_int_eq(span_seen.min_ms, first_ms);
    ck_assert_int_eq(span_seen.max_ms, first_ms + 2000);
    ck_assert_int_eq(span_seen.consume_ms, first_ms);
    ck_assert_int_eq(span_seen.delay_ms, 6000); /* of the second message */
    static const struct consume_stats_visitor VISITOR = {on_queue, NULL, NULL, NULL};
    ask(REQUEST_GET_BROKER_CONSUME_STATS, FIELDS(all));
    behind = consumed = 0;
    ck_assert_int_eq(
        broker_consume_stats_decode(answered.body, &scratch, &VISITOR, &totals, &error), RMQ_OK);
    ck_assert_int_eq(behind, 2);
    ck_assert_int_eq(totals.total_diff, 2);
    ask(REQUEST_QUERY_CONSUME_QUEUE, FIELDS(units));
    ck_assert_int_eq(
        queue_units_decode(answered.body, &scratch, on_unit, NULL, &units_info, &error), RMQ_OK);
    ck_assert_uint_eq(units_seen, 2);
    ck_assert_int_eq(units_info.max_index, 3);
    ask(REQUEST_QUERY_CONSUME_QUEUE, FIELDS(far));
    ck_assert_int_eq(answered.code, RESPONSE_SUCCESS);
    ck_assert_uint_eq(answered.body.len, 0);
    expect_remark_begins("Index 99 of 1@T is not exist!");
    end();
}
END_TEST

/* ---- health ---------------------------------------------------------------------------------- */

static void expect_sick(const char *why) {
    buf_clear(&scratch);
    ck_assert(!broker_health_write(broker(), &scratch));
    buf_put_u8(&scratch, '\0');
    ck_assert_msg(strstr((const char *)scratch.data, why) != NULL, "%s",
                  (const char *)scratch.data);
}

START_TEST(test_health) {
    struct peer server;
    struct wire_command request, response;
    begin(TOPICS "namesrvAddr=10.0.0.1:9876\n");
    expect_sick("no name server has accepted");
    ck_assert_str_eq(metric("windtunnel_registration_age_ms", "10.0.0.1:9876"), "-1");
    peer_accept(&server, env, "10.0.0.1:9876");
    peer_expect(&server, REQUEST_REGISTER_BROKER, &request);
    wire_command_init(&response, RESPONSE_SUCCESS);
    peer_answer(&server, &request, &response);
    ck_assert(broker_health_write(broker(), &scratch));
    fake_advance_ms(env, 5000);
    ck_assert_str_eq(metric("windtunnel_registration_age_ms", "10.0.0.1:9876"), "5000");
    fake_advance_ms(env, 55000); /* what comes meanwhile is not answered */
    ck_assert(broker_health_write(broker(), &scratch));
    fake_advance_ms(env, 1);
    expect_sick("no name server has accepted");
    peer_deinit(&server);
    end();
}
END_TEST

START_TEST(test_memory__that_is_out_costs_items_only) {
    begin(TOPICS);
    struct stats *stats = &broker()->stats;
    ck_assert_int_eq(send_one(), RESPONSE_SUCCESS);
    stats->entries = STATS_ITEMS_MAX; /* full */
    stats_put(stats, SPAN_LITERAL("other"), 1, 100, 0);
    ck_assert_uint_eq(stats->uncounted, 1);
    ck_assert_uint_eq(stats->totals.put_messages, 2);
    stats->entries = 1;
    end();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("broker_stats");
    TCase *tests = suite_case(suite, "stats");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_items__are_sampled_as_apache_does);
    tcase_add_test(tests, test_items__of_groups_and_their_end);
    tcase_add_test(tests, test_runtime_info__formats);
    tcase_add_test(tests, test_runtime_info__turns_at_local_midnight);
    tcase_add_test(tests, test_metrics__are_what_the_requests_say);
    tcase_add_test(tests, test_overload__shows_in_28_and_metrics);
    tcase_add_test(tests, test_queues__202_300_303_317_321);
    tcase_add_test(tests, test_health);
    tcase_add_test(tests, test_memory__that_is_out_costs_items_only);
    return suite_run(suite);
}
