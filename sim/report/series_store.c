/* sim/report/series_store.c - spans by broker and act. */
#include "sim/report/series_store.h"

#include <inttypes.h>

#include "sim/report/files.h"

#define TOGETHER_NS UINT64_C(1000000000)

void store_series_init(struct store_series *series, const struct oracle_host *host) {
    *series = (struct store_series){.host = host};
    table_init(&series->latest, host);
}

/* The latest span of the act at the node; NULL: none yet, or no memory. */
static struct store_span *latest_of(struct store_series *series, uint16_t node,
                                    enum store_act act) {
    const uint64_t *at = table_get(&series->latest, table_key(node, act, 0, 0));
    return at == NULL ? NULL : &series->spans[*at - 1];
}

static void span_begin(struct store_series *series, const struct record *record, enum store_act act,
                       uint64_t to_ns, struct span detail) {
    uint64_t *at = table_put(&series->latest, table_key(record->node, act, 0, 0));
    struct store_span *spans =
        array_room(series->host, series->spans, series->count, &series->capacity, sizeof *spans);
    series->no_memory |= at == NULL || spans == NULL;
    if (series->no_memory)
        return;
    series->spans = spans;
    struct store_span *span = &spans[series->count++];
    *at = series->count;
    *span = (struct store_span){record->node, (uint8_t)act, 1, record->world_ns, to_ns, ""};
    size_t len = detail.len < sizeof span->detail ? detail.len : sizeof span->detail - 1;
    if (len > 0)
        memcpy(span->detail, detail.data, len);
}

/* Something that takes no time. */
static void happened(struct store_series *series, const struct record *record, enum store_act act,
                     struct span detail) {
    struct store_span *last = latest_of(series, record->node, act);
    if (last != NULL && record->world_ns - last->to_ns < TOGETHER_NS) {
        last->to_ns = record->world_ns;
        last->count++;
        return;
    }
    span_begin(series, record, act, record->world_ns, detail);
}

static void lasts(struct store_series *series, const struct record *record, enum store_act act,
                  bool begins, struct span detail) {
    struct store_span *last = latest_of(series, record->node, act);
    bool open = last != NULL && last->to_ns == CLUSTER_NEVER;
    if (begins && !open)
        span_begin(series, record, act, CLUSTER_NEVER, detail);
    if (!begins && open)
        last->to_ns = record->world_ns;
}

static void on_down(struct store_series *series, const struct record *record) {
    const struct cluster_node *node = cluster_node(series->host->cluster, record->node);
    if (node == NULL || node->role != CLUSTER_BROKER)
        return;
    lasts(series, record, STORE_REFUSING, false, SPAN_NONE);
    lasts(series, record, STORE_DOWN, true, record_text(record, 0));
}

void store_series_on_record(struct store_series *series, const struct record *record) {
    switch (record->kind) {
    case EVENT_store_writable:
        lasts(series, record, STORE_REFUSING, record_uint(record, 0) == 0, record_text(record, 1));
        break;
    case EVENT_flow_refused:
        happened(series, record, STORE_BUSY, record_text(record, 0));
        break;
    case EVENT_store_file_deleted:
        happened(series, record, STORE_DELETED, record_text(record, 3));
        break;
    case EVENT_store_recovered:
        happened(series, record, STORE_RECOVERED, record_text(record, 0));
        break;
    case EVENT_store_sync_failed:
    case EVENT_store_write_failed:
        happened(series, record, STORE_DISK_FAILED, record_text(record, 1));
        break;
    case EVENT_store_failed:
        happened(series, record, STORE_FAILED, record_text(record, 1));
        break;
    case EVENT_world_node_down:
        on_down(series, record);
        break;
    case EVENT_node_serves:
        lasts(series, record, STORE_DOWN, false, SPAN_NONE);
        break;
    default:
        break;
    }
}

void store_series_write(const struct store_series *series, FILE *out) {
    static const char *const acts[STORE_ACTS] = {"refusing",    "busy",   "deleted", "recovered",
                                                 "disk_failed", "failed", "down"};
    for (size_t i = 0; i < series->count; i++) {
        const struct store_span *span = &series->spans[i];
        csv_text(out, series->host->node_name(series->host->ctx, span->node));
        fprintf(out, ",%s,%.6f,", acts[span->act], (double)span->from_ns / 1e9);
        if (span->to_ns != CLUSTER_NEVER)
            fprintf(out, "%.6f", (double)span->to_ns / 1e9);
        fprintf(out, ",%" PRIu64 ",", span->count);
        csv_text(out, span->detail);
        putc('\n', out);
    }
}
