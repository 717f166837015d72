/* broker/stats_scan.c - how a scan runs; see stats_scan.h. */
#include "model/broker/stats_scan.h"

#include "model/base/check.h"
#include "model/broker/broker_internal.h"

void scans_init(struct scans *scans) {
    list_init(&scans->under_way);
}

void scan_end(struct scan *scan) {
    list_remove(&scan->link);
    buf_deinit(&scan->text);
    buf_deinit(&scan->rows);
    buf_deinit(&scan->lookup.records);
    env_free(scan->broker->env, scan);
}

void scans_deinit(struct scans *scans, struct broker *broker) {
    if (scans->under_way.next == NULL)
        return;
    LIST_EACH(&scans->under_way, link, next) {
        struct scan *scan = LIST_ENTRY(link, struct scan, link);
        store_lookup_cancel(broker->store, &scan->lookup);
        scan_end(scan);
    }
    *scans = (struct scans){0};
}

void scans_forget_channel(struct scans *scans, const struct channel *channel) {
    LIST_EACH(&scans->under_way, link, next) {
        struct scan *scan = LIST_ENTRY(link, struct scan, link);
        if (scan->asker.channel == channel)
            scan->asker.channel = NULL;
    }
}

bool scan_header(struct broker *broker, const struct asker *asker,
                 const struct wire_command *request, const struct header_info *info, void *header) {
    const struct header_field_info *bad;
    struct outcome outcome;
    int err = header_decode(info, request, header, &bad);
    if (err == RMQ_OK)
        return true;
    outcome_bad_header(&outcome, err, bad);
    answer_code(&broker->remoting, asker, outcome.code, outcome.remark);
    return false;
}

struct scan *scan_begin(struct broker *broker, const struct asker *asker,
                        void (*finish)(struct scan *scan, struct buf *body)) {
    struct scan *scan = env_alloc(broker->env, sizeof *scan);
    if (scan == NULL) {
        answer_code(&broker->remoting, asker, RESPONSE_SYSTEM_ERROR, SPAN_LITERAL("out of memory"));
        return NULL;
    }
    memset(scan, 0, sizeof *scan);
    scan->broker = broker;
    scan->asker = *asker;
    scan->finish = finish;
    buf_init(&scan->text, broker->env);
    buf_init(&scan->rows, broker->env);
    buf_init(&scan->lookup.records, broker->env);
    list_append(&broker->scans.under_way, &scan->link);
    return scan;
}

struct scan_row *scan_add(struct scan *scan, enum scan_kind kind, struct span name) {
    struct scan_row row = {.kind = kind, .text_at = scan->text.len, .text_len = name.len};
    for (unsigned i = 0; i < SCAN_TIMES; i++)
        row.ask[i] = row.ms[i] = -1;
    buf_put_span(&scan->text, name);
    uint8_t *at = buf_failed(&scan->text) ? NULL : buf_extend(&scan->rows, sizeof row);
    if (at == NULL) {
        scan->rows.failed = true;
        return NULL;
    }
    memcpy(at, &row, sizeof row);
    return (struct scan_row *)(void *)at;
}

struct scan_row *scan_rows(const struct scan *scan, size_t *count) {
    *count = scan->rows.len / sizeof(struct scan_row);
    return (struct scan_row *)(void *)scan->rows.data;
}

struct span scan_name(const struct scan *scan, const struct scan_row *row) {
    return span_of(scan->text.data + row->text_at, row->text_len);
}

static void finish(struct scan *scan) {
    struct broker *broker = scan->broker;
    struct buf body;
    buf_init(&body, broker->env);
    body.failed = buf_failed(&scan->rows);
    if (!body.failed)
        scan->finish(scan, &body);
    answer_body(&broker->remoting, &scan->asker, &body);
    buf_deinit(&body);
    scan_end(scan);
}

static void on_time(struct store_lookup *lookup, int status) {
    struct scan *scan = RMQ_CONTAINER_OF(lookup, struct scan, lookup);
    size_t count;
    struct scan_row *rows = scan_rows(scan, &count);
    RMQ_ASSERT(scan->next / SCAN_TIMES < count && scan->waiting);
    rows[scan->next / SCAN_TIMES].ms[scan->next % SCAN_TIMES] =
        status == RMQ_OK ? lookup->value : INT64_C(-1);
    scan->next++;
    scan->waiting = false;
    if (!scan->looping)
        scan_run(scan);
}

/* What the store knows at once comes back before the call has returned. */
void scan_run(struct scan *scan) {
    size_t count;
    struct scan_row *rows = scan_rows(scan, &count);
    scan->looping = true;
    if (buf_failed(&scan->rows))
        count = 0;
    while (scan->next < count * SCAN_TIMES && !scan->waiting) {
        const struct scan_row *row = &rows[scan->next / SCAN_TIMES];
        int64_t offset = row->ask[scan->next % SCAN_TIMES];
        if (row->kind == SCAN_TOPIC)
            scan->topic = scan_name(scan, row);
        if (row->kind != SCAN_QUEUE || offset < 0) {
            scan->next++;
            continue;
        }
        scan->waiting = true;
        store_time_of(scan->broker->store, scan->topic, row->queue_id, offset, &scan->lookup,
                      on_time);
    }
    scan->looping = false;
    if (!scan->waiting)
        finish(scan);
}
