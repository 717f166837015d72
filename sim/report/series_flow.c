/* sim/report/series_flow.c - one function per table. */
#include "sim/report/series_flow.h"

#include <inttypes.h>

#include "sim/judge/flow_series.h"
#include "sim/report/files.h"

static double seconds(uint64_t ns) {
    return (double)ns / 1e9;
}

static void put_span(FILE *out, struct span text) {
    char copy[256];
    size_t len = text.len < sizeof copy ? text.len : sizeof copy - 1;
    if (len > 0)
        memcpy(copy, text.data, len);
    copy[len] = '\0';
    csv_text(out, copy);
    putc(',', out);
}

static void put_quantiles(FILE *out, const uint32_t us[FLOW_QUANTILES]) {
    for (int q = 0; q < FLOW_QUANTILES; q++) {
        putc(',', out);
        if (us[q] > 0)
            fprintf(out, "%" PRIu32, us[q]);
    }
}

static void put_points(FILE *out, const struct flow_series *flow, uint64_t end_ns) {
    fputs("from_s,to_s,sends_started,sends_acked,sends_failed,delivered,duplicates,backlog,"
          "send_p50_us,send_p99_us,send_p99.9_us,consume_p50_us,consume_p99_us,consume_p99.9_us\n",
          out);
    for (size_t i = 0; i < flow->point_count; i++) {
        const struct flow_point *point = &flow->points[i];
        uint64_t to_ns = (i + 1) * flow->step_ns;
        fprintf(
            out, "%.3f,%.3f,%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32,
            seconds(i * flow->step_ns), seconds(to_ns < end_ns ? to_ns : end_ns), point->started,
            point->acked, point->failed, point->delivered, point->duplicates, point->backlog);
        put_quantiles(out, point->send_us);
        put_quantiles(out, point->consume_us);
        putc('\n', out);
    }
}

static void put_latencies(FILE *out, const struct flow_series *flow, uint64_t end_ns) {
    static const char *const kinds[FLOW_SAMPLE_KINDS] = {"send", "send_failed", "consume"};
    (void)end_ns;
    fputs("kind,at_s,latency_us\n", out);
    for (int kind = 0; kind < FLOW_SAMPLE_KINDS; kind++)
        for (size_t i = 0; i < flow->samples[kind].count; i++) {
            const struct flow_sample *sample = &flow->samples[kind].samples[i];
            fprintf(out, "%s,%.6f,%.3f\n", kinds[kind], seconds(sample->at_ns),
                    (double)sample->latency_ns / 1e3);
        }
}

static void put_phases(FILE *out, const struct flow_series *flow, uint64_t end_ns) {
    fputs("from_s,to_s,sends_acked,sends_failed,delivered,duplicates,lost_in_window,lost\n", out);
    for (size_t i = 0; i < flow->phase_count; i++) {
        const struct flow_phase *phase = &flow->phases[i];
        uint64_t to_ns = i + 1 < flow->phase_count ? phase[1].begin_ns : end_ns;
        fprintf(out,
                "%.6f,%.6f,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
                "\n",
                seconds(phase->begin_ns), seconds(to_ns), phase->acked, phase->failed,
                phase->delivered, phase->duplicates, phase->lost_in_window, phase->lost);
    }
}

static void put_owners(FILE *out, const struct flow_series *flow, uint64_t end_ns) {
    const struct messages *messages = flow->host.messages;
    (void)end_ns;
    fputs("group,topic,broker,queue,owner,from_s,to_s\n", out);
    for (size_t i = 0; i < flow->span_count; i++) {
        const struct flow_span *span = &flow->spans[i];
        const struct group_queue *progress = messages->progress[span->progress];
        put_span(out, messages_name(messages, progress->group));
        put_span(out, messages_name(messages, progress->queue->topic));
        put_span(out, messages_name(messages, progress->queue->broker->name));
        fprintf(out, "%" PRIu32 ",", progress->queue->queue);
        csv_text(out, flow->host.node_name(flow->host.ctx, span->node));
        fprintf(out, ",%.6f,", seconds(span->begin_ns));
        if (span->end_ns != CLUSTER_NEVER)
            fprintf(out, "%.6f", seconds(span->end_ns));
        putc('\n', out);
    }
}

bool series_flow_write(const char *directory, const struct judge *judge, uint64_t end_ns) {
    static const struct {
        const char *name;
        void (*put)(FILE *out, const struct flow_series *flow, uint64_t end_ns);
    } tables[] = {{"series/flow.csv", put_points},
                  {"series/latencies.csv", put_latencies},
                  {"series/phases.csv", put_phases},
                  {"series/ownership.csv", put_owners}};
    const struct flow_series *flow = judge_flow(judge);
    if (flow->counts.started + flow->counts.delivered == 0)
        return true;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        struct new_file file;
        if (!new_file_open(&file, directory, tables[i].name))
            return false;
        tables[i].put(file.stream, flow, end_ns);
        if (!new_file_close(&file))
            return false;
    }
    return true;
}
