/* Metrics: each from a stream made for it; summaries; figures of groups. */
#include <cjson/cJSON.h>

#include "sim/judge/metrics.h"
#include "sim/report/figures.h"
#include "sim/tests/stream.h"

static struct stream measured(void) {
    const struct oracle_host host = stream_host();
    const char *error;
    struct stream stream = {.judge = judge_create_on(&host, NULL, 0, &error)};
    ck_assert_ptr_nonnull(stream.judge);
    stream_start(&stream);
    return stream;
}

/* The only sample of a metric. */
static struct metric_sample only(const struct stream *stream, const char *name) {
    const struct metric_sample *samples;
    size_t count = judge_samples(stream->judge, name, &samples);
    ck_assert_msg(count == 1, "%zu samples of %s", count, name);
    return samples[0];
}

static void none(const struct stream *stream, const char *name) {
    const struct metric_sample *samples;
    ck_assert_uint_eq(judge_samples(stream->judge, name, &samples), 0);
}

START_TEST(test_metrics__of_a_silent_broker) {
    struct stream stream = measured();
    s_client_broker_believed(&stream, CLIENT, "T", "broker-a", A_ADDRESS);
    s_client_broker_believed(&stream, CLIENT, "U", "broker-a", A_ADDRESS);
    stream_run(&stream, 60 * SECOND, 3);
    s_world_fault(&stream, BROKER_A, 0, "black-hole", "broker-a", "begin");
    stream.now_ns = 150 * SECOND;
    stream_evict(&stream, NS1, BROKER_A, "idle", 120 * SECOND);
    struct metric_sample sample = only(&stream, "eviction_after_last_registration_ms");
    ck_assert_uint_eq(sample.value, 120 * SECOND);
    ck_assert_uint_eq(sample.node, NS1);
    ck_assert_uint_eq(sample.subject, BROKER_A);
    ck_assert_str_eq(sample.tag, "idle");
    ck_assert_uint_eq(only(&stream, "eviction_after_fault_ms").value, 90 * SECOND);
    /* it counts when the last topic has dropped it */
    stream.now_ns = 160 * SECOND;
    s_client_broker_dropped(&stream, CLIENT, "T", "broker-a", A_ADDRESS);
    none(&stream, "client_drop_after_fault_ms");
    stream.now_ns = 170 * SECOND;
    s_client_broker_dropped(&stream, CLIENT, "U", "broker-a", A_ADDRESS);
    sample = only(&stream, "client_drop_after_fault_ms");
    ck_assert_uint_eq(sample.value, 110 * SECOND);
    ck_assert_uint_eq(sample.node, CLIENT);
    ck_assert_str_eq(sample.tag, "black-hole");
    sample = only(&stream, "client_drop_after_eviction_ms");
    ck_assert_uint_eq(sample.value, 20 * SECOND);
    ck_assert_str_eq(sample.tag, "idle");
    /* and comes back */
    stream.now_ns = 200 * SECOND;
    s_world_fault(&stream, BROKER_A, 0, "black-hole", "broker-a", "end");
    stream.now_ns = 213 * SECOND;
    stream_register(&stream, NS1, BROKER_A);
    stream.now_ns = 243 * SECOND;
    stream_register(&stream, NS1, BROKER_A);
    sample = only(&stream, "return_after_resume_ms");
    ck_assert_uint_eq(sample.value, 13 * SECOND);
    ck_assert_str_eq(sample.tag, "heal");
    stream_end();
}
END_TEST

/* A removal long after the fault's end, of a broker that has registered since, is not its doing. */
START_TEST(test_metrics__do_not_blame_an_old_fault) {
    struct stream stream = measured();
    stream_run(&stream, 60 * SECOND, 3);
    s_world_fault(&stream, BROKER_A, 0, "pause", "broker-a", "begin");
    stream.now_ns = 90 * SECOND;
    s_world_fault(&stream, BROKER_A, 0, "pause", "broker-a", "end");
    stream_run(&stream, 300 * SECOND, 3);
    s_node_stopping(&stream, BROKER_A, "broker");
    stream_evict(&stream, NS1, BROKER_A, "unregister", 30 * SECOND);
    ck_assert_str_eq(only(&stream, "eviction_after_last_registration_ms").tag, "unregister");
    none(&stream, "eviction_after_fault_ms");
    none(&stream, "return_after_resume_ms");
    stream_end();
}
END_TEST

START_TEST(test_metrics__return_after_what_kept_it_away) {
    static const struct {
        bool server, pause;
        const char *tag;
    } cases[] = {{false, true, "resume"}, {false, false, "start"}, {true, false, "server-start"}};
    for (size_t i = 0; i < 3; i++) {
        struct stream stream = measured();
        stream_run(&stream, 60 * SECOND, 3);
        uint16_t node = cases[i].server ? NS1 : BROKER_A;
        if (cases[i].pause) {
            s_world_fault(&stream, node, 0, "pause", STREAM_NODES[node - 1], "begin");
        } else {
            s_world_fault(&stream, node, 0, "kill", STREAM_NODES[node - 1], "once");
            s_world_node_down(&stream, node, "kill");
        }
        stream.now_ns = 200 * SECOND;
        if (!cases[i].server)
            stream_evict(&stream, NS1, BROKER_A, "idle", 170 * SECOND);
        if (cases[i].pause)
            s_world_fault(&stream, node, 0, "pause", STREAM_NODES[node - 1], "end");
        else
            stream_up(&stream, node);
        stream.now_ns = 207 * SECOND;
        stream_register(&stream, NS1, BROKER_A);
        struct metric_sample sample = only(&stream, "return_after_resume_ms");
        ck_assert_uint_eq(sample.value, 7 * SECOND);
        ck_assert_str_eq(sample.tag, cases[i].tag);
        stream_end();
    }
}
END_TEST

START_TEST(test_metrics__of_registrations_and_polls) {
    struct stream stream = measured();
    s_registration_answered(&stream, BROKER_A, NS2_ADDRESS, 0, 457000);
    s_client_poll_done(&stream, CLIENT, 2, 1, 1, 3000000000);
    struct metric_sample sample = only(&stream, "registration_latency_us");
    ck_assert_uint_eq(sample.value, 457000);
    ck_assert_uint_eq(sample.subject, NS2);
    ck_assert_str_eq(only(&stream, "poll_duration_ms").tag, "failed");
    struct run_result result;
    judge_finish_at(stream.judge, stream.now_ns, &result);
    ck_assert_uint_eq(result.metric_count, 2);
    ck_assert_str_eq(result.metrics[0].name, "registration_latency_us");
    ck_assert_uint_eq(result.metrics[0].p50, 457);
    ck_assert_uint_eq(result.metrics[1].max, 3000);
    stream_end();
}
END_TEST

/* Very many samples are thinned out evenly; count, least and greatest stay exact. */
START_TEST(test_metrics__stay_small) {
    struct stream stream = measured();
    const uint64_t total = 5 * METRIC_SAMPLES_MAX;
    for (uint64_t i = 0; i < total; i++)
        s_registration_answered(&stream, BROKER_A, NS1_ADDRESS, 0, (i * 7919 % total) * 1000);
    const struct metric_sample *samples;
    size_t kept = judge_samples(stream.judge, "registration_latency_us", &samples);
    ck_assert_uint_le(kept, METRIC_SAMPLES_MAX);
    ck_assert_uint_ge(kept, METRIC_SAMPLES_MAX / 2);
    struct run_result result;
    judge_finish_at(stream.judge, stream.now_ns, &result);
    ck_assert_uint_eq(result.metrics[0].count, total);
    ck_assert_uint_eq(result.metrics[0].min, 0);
    ck_assert_uint_eq(result.metrics[0].max, total - 1);
    ck_assert_uint_ge(result.metrics[0].p50, total * 48 / 100);
    ck_assert_uint_le(result.metrics[0].p50, total * 52 / 100);
    stream_end();
}
END_TEST

START_TEST(test_metric_summarise__is_nearest_rank_in_the_metrics_unit) {
    uint64_t values[200];
    struct metric_summary summary;
    for (uint64_t i = 0; i < 200; i++)
        values[i] = (200 - i) * 1000000 + 999999;
    metric_summarise(METRIC_EVICTION_AFTER_FAULT, values, 200, &summary);
    ck_assert_uint_eq(summary.count, 200);
    ck_assert_uint_eq(summary.min, 1);
    ck_assert_uint_eq(summary.p50, 100);
    ck_assert_uint_eq(summary.p99, 198);
    ck_assert_uint_eq(summary.max, 200);
    uint64_t one = 5000000;
    metric_summarise(METRIC_EVICTION_AFTER_FAULT, &one, 1, &summary);
    ck_assert_uint_eq(summary.p50, 5);
    ck_assert_uint_eq(summary.p99, 5);
    metric_summarise(METRIC_EVICTION_AFTER_FAULT, NULL, 0, &summary);
    ck_assert_uint_eq(summary.count, 0);
    ck_assert_int_eq(metric_find("poll_duration_ms"), METRIC_POLL_DURATION);
    ck_assert_int_eq(metric_find("poll_duration"), -1);
}
END_TEST

static double number_at(const cJSON *json, const char *a, const char *b, const char *c) {
    const cJSON *item = cJSON_GetObjectItem(json, a);
    item = b == NULL ? item : cJSON_GetObjectItem(item, b);
    item = c == NULL ? item : cJSON_GetObjectItem(item, c);
    ck_assert(cJSON_IsNumber(item));
    return item->valuedouble;
}

START_TEST(test_figures__sum_up_groups_in_order) {
    static const char *const parameters[] = {"fault", "profile"};
    static const char *const pause[] = {"pause", "4.9"};
    static const char *const killed[] = {"kill", "4.9"};
    const struct metric_sample slow = {120 * SECOND, NS1, 0, "idle"};
    const struct metric_sample fast = {SECOND, NS1, 0, "close"};
    struct figures *figures = figures_create(parameters, 2);
    int group = figures_group(figures, "study", pause, 17);
    ck_assert(figures_add(figures, group, METRIC_EVICTION_AFTER_FAULT, &slow, 1));
    group = figures_group(figures, "study", killed, 3);
    ck_assert(figures_add(figures, group, METRIC_EVICTION_AFTER_FAULT, &fast, 1));
    ck_assert_int_eq(figures_group(figures, "study", killed, 4), group);
    cJSON *all = figures_metrics(figures, FIGURES_ALL);
    ck_assert_double_eq(number_at(all, "eviction_after_fault_ms", "count", NULL), 2);
    ck_assert_double_eq(number_at(all, "eviction_after_fault_ms", "max", NULL), 120000);
    cJSON *tags = figures_metrics_by_tag(figures, FIGURES_ALL);
    ck_assert_double_eq(number_at(tags, "eviction_after_fault_ms", "close", "max"), 1000);
    cJSON *groups = figures_groups(figures);
    ck_assert_int_eq(cJSON_GetArraySize(groups), 2);
    const cJSON *first = cJSON_GetArrayItem(groups, 0);
    ck_assert_str_eq(cJSON_GetStringValue(
                         cJSON_GetObjectItem(cJSON_GetObjectItem(first, "parameters"), "fault")),
                     "kill");
    ck_assert_double_eq(number_at(first, "runs", NULL, NULL), 2);
    cJSON_Delete(all);
    cJSON_Delete(tags);
    cJSON_Delete(groups);
    figures_free(figures);
}
END_TEST

STREAM_MAIN("metrics", test_metrics__of_a_silent_broker, test_metrics__do_not_blame_an_old_fault,
            test_metrics__return_after_what_kept_it_away, test_metrics__of_registrations_and_polls,
            test_metrics__stay_small, test_metric_summarise__is_nearest_rank_in_the_metrics_unit,
            test_figures__sum_up_groups_in_order)
