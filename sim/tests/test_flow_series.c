/* How messages flowed: histograms against sorted values, counts, points, phases, owners. */
#include "sim/judge/flow_series.h"
#include "sim/tests/flow.h"

/* ---- histograms ---- */

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

START_TEST(test_histogram__is_within_a_percent) {
    static uint64_t values[20000];
    const size_t count = sizeof values / sizeof values[0];
    const struct oracle_host host = stream_host();
    struct histogram half = {.count = 0}, other = {.count = 0}, all = {.count = 0};
    uint64_t state = 7;
    for (size_t i = 0; i < count; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
        values[i] = state >> (state >> 58);
        ck_assert(histogram_add(i % 2 == 0 ? &half : &other, &host, values[i]));
    }
    ck_assert(histogram_merge(&all, &host, &half) && histogram_merge(&all, &host, &other));
    qsort(values, count, sizeof values[0], compare);
    ck_assert_uint_eq(all.count, count);
    ck_assert_uint_eq(all.min, values[0]);
    ck_assert_uint_eq(all.max, values[count - 1]);
    for (uint32_t ppm = 0; ppm <= 1000000; ppm += 1000) {
        size_t rank = (count * ppm + 999999) / 1000000;
        uint64_t exact = values[rank == 0 ? 0 : rank - 1];
        uint64_t got = histogram_quantile(&all, ppm);
        uint64_t error = got > exact ? got - exact : exact - got;
        ck_assert_msg(error <= exact / 128, "%u ppm: %llu instead of %llu", ppm,
                      (unsigned long long)got, (unsigned long long)exact);
    }
    histogram_clear(&all);
    ck_assert_uint_eq(histogram_quantile(&all, 500000), 0);
    ck_assert(histogram_add(&all, &host, UINT64_MAX));
    ck_assert(histogram_quantile(&all, 1) == UINT64_MAX);
    histogram_free(&all, &host);
    ck_assert_uint_eq(all.count, 0);
    stream_end();
}
END_TEST

/* ---- the series ---- */

static const struct flow_series *ended(struct stream *stream) {
    static struct run_result result;
    judge_finish_at(stream->judge, stream->now_ns, &result);
    return judge_flow(stream->judge);
}

START_TEST(test_flow_series__counts) {
    struct stream stream = flow_of("no-phantom", "");
    flow_deliver(&stream, CLIENT, BROKER_A, 0, 5, NUMBER(6));
    flow_send(&stream, NUMBER(21));
    s_send_failed(&stream, CLIENT, "T", NUMBER(21), "broker-a", -1, "timed out", 3, 1, SECOND);
    flow_send(&stream, NUMBER(22));
    s_send_failed(&stream, CLIENT, "T", NUMBER(22), "broker-a", 2, "busy", 3, 0, SECOND);
    flow_send(&stream, NUMBER(23));
    s_send_failed(&stream, CLIENT, "T", NUMBER(23), "broker-a", 0, "oneway", 1, 1, 0);
    s_store_flushed(&stream, BROKER_A, 1500, 1);
    flow_restart(&stream, BROKER_A, "power_off", 12);
    const struct flow_counts *counts = &ended(&stream)->counts;
    ck_assert_uint_eq(counts->started, 23);
    ck_assert_uint_eq(counts->acked, 20);
    ck_assert_uint_eq(counts->one_way, 1);
    ck_assert_uint_eq(counts->failed, 2);
    ck_assert_uint_eq(counts->timed_out, 1);
    ck_assert_uint_eq(counts->maybe_stored, 1);
    ck_assert_uint_eq(counts->delivered, 21);
    ck_assert_uint_eq(counts->duplicates[DUPLICATE_UNEXPLAINED], 1);
    ck_assert_uint_eq(flow_duplicates(counts), 1);
    ck_assert_uint_eq(counts->lost, 3);
    ck_assert_uint_eq(counts->lost_in_window, 5);
    stream_end();
}
END_TEST

START_TEST(test_flow_series__points_are_seconds_or_more) {
    struct stream stream = flow_of("no-phantom", "");
    stream.now_ns = 102 * SECOND;
    flow_stored(&stream, BROKER_A, 0, 20, NUMBER(21));
    stream.now_ns = 103 * SECOND + 1;
    const struct flow_series *series = ended(&stream);
    ck_assert_uint_eq(series->point_count, 104);
    ck_assert_uint_eq(series->points[0].started, 0);
    ck_assert_uint_eq(series->points[99].acked, 0);
    ck_assert_uint_eq(series->points[99].backlog, 0);
    ck_assert_uint_eq(series->points[100].started, 20);
    ck_assert_uint_eq(series->points[100].acked, 20);
    ck_assert_uint_eq(series->points[100].delivered, 20);
    ck_assert_uint_eq(series->points[100].send_us[FLOW_P50], 2000);
    ck_assert_uint_eq(series->points[100].consume_us[FLOW_P999], 5000);
    ck_assert_uint_eq(series->points[101].backlog, 0);
    ck_assert_uint_eq(series->points[102].backlog, 1);
    ck_assert_uint_eq(series->points[102].consume_us[FLOW_P50], 0);
    stream.now_ns = 3 * FLOW_POINTS_MAX * SECOND;
    series = ended(&stream);
    ck_assert_uint_eq(series->step_ns, 4 * SECOND);
    ck_assert_uint_eq(series->points[25].acked, 21);
    ck_assert_uint_eq(series->points[25].send_us[FLOW_P99], 2000);
    stream_end();
}
END_TEST

START_TEST(test_flow_series__phases_of_a_fault) {
    struct stream stream = flow_of("no-phantom", "");
    s_world_fault(&stream, BROKER_A, 0, "kill", "broker-a", "once");
    uint64_t fault_ns = stream.now_ns;
    flow_send(&stream, NUMBER(21));
    s_send_failed(&stream, CLIENT, "T", NUMBER(21), "broker-a", -1, "timeout", 3, 1, SECOND);
    flow_restart(&stream, BROKER_A, "kill", 20);
    uint64_t served_ns = stream.now_ns - SECOND;
    flow_stored(&stream, BROKER_A, 0, 20, NUMBER(22));
    uint64_t success_ns = stream.now_ns;
    const struct flow_series *series = ended(&stream);
    ck_assert_uint_eq(series->fault_count, 1);
    ck_assert_uint_eq(series->faults[0].begin_ns, fault_ns);
    ck_assert_uint_eq(series->faults[0].end_ns, served_ns);
    ck_assert_uint_eq(series->faults[0].success_ns, success_ns);
    ck_assert_uint_eq(series->phase_count, 3);
    struct flow_phase before = {.acked = 0}, during = {.acked = 0}, after = {.acked = 0};
    ck_assert(flow_series_sum(series, 0, fault_ns, &before));
    ck_assert(flow_series_sum(series, fault_ns, served_ns, &during));
    ck_assert(flow_series_sum(series, served_ns, UINT64_MAX, &after));
    ck_assert_uint_eq(before.acked, 20);
    ck_assert_uint_eq(before.send.count, 20);
    ck_assert_uint_eq(during.acked, 0);
    ck_assert_uint_eq(during.failed, 1);
    ck_assert_uint_eq(after.acked, 1);
    const struct metric_sample *samples;
    ck_assert_uint_eq(judge_samples(stream.judge, "first_success_after_fault_ms", &samples), 1);
    ck_assert_uint_eq(samples[0].value, success_ns - fault_ns);
    ck_assert_uint_eq(judge_samples(stream.judge, "unavailable_ms", &samples), 1);
    ck_assert_uint_eq(samples[0].value, success_ns - fault_ns);
    stream_end();
}
END_TEST

START_TEST(test_flow_series__a_killed_client_is_back_with_its_process) {
    struct stream stream = flow_of("no-phantom", "");
    s_world_fault(&stream, CLIENT, 0, "kill", "client-1", "once");
    s_world_node_down(&stream, CLIENT, "kill");
    stream.now_ns += SECOND;
    s_world_node_up(&stream, CLIENT, "client");
    ck_assert_uint_eq(ended(&stream)->faults[0].end_ns, stream.now_ns);
    stream_end();
}
END_TEST

START_TEST(test_flow_series__losses_belong_to_the_phase_of_their_acknowledgement) {
    struct stream stream = flow_of("no-phantom", "");
    s_store_flushed(&stream, BROKER_A, 1500, 1);
    s_world_fault(&stream, BROKER_A, 0, "power-off", "broker-a", "once");
    flow_restart(&stream, BROKER_A, "power_off", 12);
    const struct flow_series *series = ended(&stream);
    ck_assert_uint_gt(series->phase_count, 1);
    ck_assert_uint_eq(series->phases[0].delivered, 20);
    ck_assert_uint_eq(series->phases[0].lost, 3);
    ck_assert_uint_eq(series->phases[0].lost_in_window, 5);
    stream_end();
}
END_TEST

START_TEST(test_flow_series__samples_are_bounded_and_drawn) {
    struct stream stream = flow_of("no-phantom", "");
    flow_through(&stream, 20, 20000);
    const struct flow_samples *sent = &ended(&stream)->samples[FLOW_SENT];
    ck_assert_uint_le(sent->count, FLOW_SAMPLES_MAX);
    ck_assert_uint_ge(sent->count, FLOW_SAMPLES_MAX / 4);
    ck_assert_uint_eq(sent->samples[0].at_ns, 100 * SECOND + 2 * MS);
    size_t odd = 0; /* a message each 5 ms: a fixed step would take even ones only */
    for (size_t i = 0; i < sent->count; i++) {
        ck_assert_uint_eq(sent->samples[i].latency_ns, 2 * MS);
        odd += (sent->samples[i].at_ns - 100 * SECOND) / (5 * MS) % 2;
    }
    ck_assert_uint_ge(odd, sent->count / 4);
    ck_assert_uint_le(odd, sent->count * 3 / 4);
    stream_end();
}
END_TEST

START_TEST(test_flow_series__owners) {
    struct stream stream = flow_of("no-phantom", "");
    uint64_t released_ns = stream.now_ns;
    flow_release(&stream, CLIENT, BROKER_A, 0, 20, "rebalance");
    stream.now_ns += SECOND;
    flow_acquire(&stream, NS2, BROKER_A, 0, 20);
    flow_acquire(&stream, NS2, BROKER_A, 1, 0);
    stream.now_ns += SECOND;
    s_world_node_down(&stream, NS2, "kill");
    flow_acquire(&stream, CLIENT, BROKER_A, 0, 20);
    const struct flow_series *series = ended(&stream);
    ck_assert_uint_eq(series->span_count, 4);
    ck_assert_uint_eq(series->spans[0].node, CLIENT);
    ck_assert_uint_eq(series->spans[0].begin_ns, 100 * SECOND);
    ck_assert_uint_eq(series->spans[0].end_ns, released_ns);
    ck_assert_uint_eq(series->spans[1].end_ns, stream.now_ns);
    ck_assert_uint_eq(series->spans[2].end_ns, stream.now_ns);
    ck_assert_uint_eq(series->spans[3].end_ns, CLUSTER_NEVER);
    stream_end();
}
END_TEST

START_TEST(test_flow_metrics__summaries) {
    struct stream stream = flow_of("no-phantom", "");
    flow_through(&stream, 20, 3000);
    struct run_result result;
    judge_finish_at(stream.judge, stream.now_ns, &result);
    unsigned found = 0;
    for (size_t i = 0; i < result.metric_count; i++) {
        bool send = strcmp(result.metrics[i].name, "send_latency_us") == 0;
        if (!send && strcmp(result.metrics[i].name, "produce_to_consume_us") != 0)
            continue;
        found++;
        ck_assert_uint_eq(result.metrics[i].count, 3000);
        ck_assert_uint_eq(result.metrics[i].p50, send ? 2000 : 5000);
        ck_assert_uint_eq(result.metrics[i].max, send ? 2000 : 5000);
    }
    ck_assert_uint_eq(found, 2);
    stream_end();
}
END_TEST

STREAM_MAIN("flow series", test_histogram__is_within_a_percent, test_flow_series__counts,
            test_flow_series__points_are_seconds_or_more, test_flow_series__phases_of_a_fault,
            test_flow_series__owners, test_flow_series__a_killed_client_is_back_with_its_process,
            test_flow_series__losses_belong_to_the_phase_of_their_acknowledgement,
            test_flow_series__samples_are_bounded_and_drawn, test_flow_metrics__summaries)
