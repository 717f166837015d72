/* sim/judge/flow_series.c - one pass over the stream; each array grows to its limit. */
#include "sim/judge/flow_series.h"

#include "model/base/check.h"

#define STEP_NS 1000000000
#define CODE_TIMEOUT 10002 /* a client's own */
static const uint32_t QUANTILES_PPM[FLOW_QUANTILES] = {500000, 990000, 999000};

struct flow_series *flow_series_create(const struct oracle_host *host) {
    struct flow_series *series = host->alloc(host->ctx, sizeof *series);
    if (series == NULL)
        return NULL;
    series->host = *host;
    series->step_ns = STEP_NS;
    for (int kind = 0; kind < FLOW_SAMPLE_KINDS; kind++)
        series->samples[kind].every = 1;
    return series;
}

uint64_t flow_duplicates(const struct flow_counts *counts) {
    uint64_t all = 0;
    for (int cause = DUPLICATE_NONE + 1; cause < DUPLICATE_COUNT; cause++)
        all += counts->duplicates[cause];
    return all;
}

static void *room(struct flow_series *series, void *array, size_t count, size_t *capacity,
                  size_t size) {
    void *grown = array_room(&series->host, array, count, capacity, size);
    series->no_memory |= grown == NULL;
    return grown;
}

/* ---- points ---- */

static uint32_t most(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

/* Two points become one: counts add up, of quantiles the worse one stays. */
static void join(struct flow_point *point, const struct flow_point *other) {
    point->started += other->started;
    point->acked += other->acked;
    point->failed += other->failed;
    point->delivered += other->delivered;
    point->duplicates += other->duplicates;
    point->backlog = other->backlog;
    for (int q = 0; q < FLOW_QUANTILES; q++) {
        point->send_us[q] = most(point->send_us[q], other->send_us[q]);
        point->consume_us[q] = most(point->consume_us[q], other->consume_us[q]);
    }
}

static void halve(struct flow_series *series) {
    for (size_t i = 0; i < series->point_count / 2; i++) {
        struct flow_point point = series->points[2 * i];
        join(&point, &series->points[2 * i + 1]);
        series->points[i] = point;
    }
    series->point_count /= 2;
    series->step_ns *= 2;
}

static void quantiles_us(struct histogram *histogram, uint32_t out[FLOW_QUANTILES]) {
    if (histogram->count == 0)
        return;
    for (int q = 0; q < FLOW_QUANTILES; q++) {
        uint64_t us = histogram_quantile(histogram, QUANTILES_PPM[q]) / 1000;
        out[q] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
    }
    histogram_clear(histogram);
}

static void complete_point(struct flow_series *series) {
    struct flow_point *now = &series->now;
    uint64_t backlog = messages_backlog(series->host.messages);
    now->backlog = backlog > UINT32_MAX ? UINT32_MAX : (uint32_t)backlog;
    quantiles_us(&series->now_send, now->send_us);
    quantiles_us(&series->now_consume, now->consume_us);
    if (series->point_count == FLOW_POINTS_MAX)
        halve(series);
    struct flow_point *points =
        room(series, series->points, series->point_count, &series->point_capacity, sizeof *points);
    if (points == NULL)
        return;
    series->points = points;
    points[series->point_count++] = *now;
    *now = (struct flow_point){.started = 0};
}

/* Brings the point at hand to the time. */
static void go_to(struct flow_series *series, uint64_t now_ns) {
    while (!series->no_memory && now_ns / series->step_ns > series->point_count)
        complete_point(series);
}

/* ---- phases and faults ---- */

static struct flow_phase *phase_at_hand(struct flow_series *series) {
    return series->phase_count == 0 ? NULL : &series->phases[series->phase_count - 1];
}

static struct flow_phase *begin_phase(struct flow_series *series, uint64_t now_ns) {
    struct flow_phase *last = phase_at_hand(series);
    if (last != NULL && (last->begin_ns == now_ns || series->phase_count == FLOW_PHASES_MAX))
        return last;
    struct flow_phase *phases =
        room(series, series->phases, series->phase_count, &series->phase_capacity, sizeof *phases);
    if (phases == NULL)
        return NULL;
    series->phases = phases;
    phases[series->phase_count] = (struct flow_phase){.begin_ns = now_ns};
    return &phases[series->phase_count++];
}

static struct flow_phase *phase(struct flow_series *series) {
    struct flow_phase *last = phase_at_hand(series);
    return last != NULL ? last : begin_phase(series, 0);
}

static bool same_target(const struct flow_fault *fault, const struct record *record) {
    return fault->node == record->node &&
           (record->node != 0 || span_equal(span_of_text(fault->target), record_text(record, 2)));
}

static void fault_begins(struct flow_series *series, const struct record *record, bool lasting) {
    struct flow_fault *faults =
        room(series, series->faults, series->fault_count, &series->fault_capacity, sizeof *faults);
    if (faults == NULL)
        return;
    series->faults = faults;
    struct flow_fault *fault = &faults[series->fault_count++];
    *fault = (struct flow_fault){.begin_ns = record->world_ns,
                                 .end_ns = CLUSTER_NEVER,
                                 .success_ns = CLUSTER_NEVER,
                                 .node = record->node,
                                 .lasting = lasting};
    struct span target = record_text(record, 2);
    size_t len = target.len < sizeof fault->target ? target.len : sizeof fault->target - 1;
    if (len > 0)
        memcpy(fault->target, target.data, len);
    series->without_success++;
}

static void on_fault(struct flow_series *series, const struct record *record) {
    struct span phase_text = record_text(record, 3);
    bool begins = !span_equal(phase_text, SPAN_LITERAL("end"));
    if (begins && fault_is_repair(record_text(record, 1)))
        return;
    (void)phase(series);
    (void)begin_phase(series, record->world_ns);
    if (begins) {
        fault_begins(series, record, span_equal(phase_text, SPAN_LITERAL("begin")));
        return;
    }
    for (size_t i = series->fault_count; i-- > 0;) {
        struct flow_fault *fault = &series->faults[i];
        if (fault->lasting && fault->end_ns == CLUSTER_NEVER && same_target(fault, record)) {
            fault->end_ns = record->world_ns;
            return;
        }
    }
}

/* A broker is back: that ends kills and power-offs. */
static void on_serves(struct flow_series *series, const struct record *record) {
    const struct cluster_node *node = cluster_node(series->host.cluster, record->node);
    for (size_t i = 0; node != NULL && i < series->fault_count; i++) {
        struct flow_fault *fault = &series->faults[i];
        bool its = fault->node == record->node ||
                   (fault->node == 0 && fault_concerns(span_of_text(fault->target), node->name));
        if (fault->lasting || fault->end_ns != CLUSTER_NEVER || !its)
            continue;
        fault->end_ns = record->world_ns;
        (void)begin_phase(series, record->world_ns);
    }
}

/* A client serves nobody: it is back when its process is. */
static void on_up(struct flow_series *series, const struct record *record) {
    const struct cluster_node *node = cluster_node(series->host.cluster, record->node);
    if (node != NULL && node->role == CLUSTER_CLIENT)
        on_serves(series, record);
}

bool flow_series_sum(const struct flow_series *series, uint64_t from_ns, uint64_t to_ns,
                     struct flow_phase *out) {
    for (size_t i = 0; i < series->phase_count; i++) {
        const struct flow_phase *phase_i = &series->phases[i];
        if (phase_i->begin_ns < from_ns || phase_i->begin_ns >= to_ns)
            continue;
        out->acked += phase_i->acked;
        out->failed += phase_i->failed;
        out->delivered += phase_i->delivered;
        out->duplicates += phase_i->duplicates;
        out->lost_in_window += phase_i->lost_in_window;
        out->lost += phase_i->lost;
        if (!histogram_merge(&out->send, &series->host, &phase_i->send) ||
            !histogram_merge(&out->consume, &series->host, &phase_i->consume))
            return false;
    }
    return true;
}

/* ---- sends and deliveries ---- */

static void add_sample(struct flow_series *series, enum flow_sample_kind kind, uint64_t now_ns,
                       uint64_t latency_ns) {
    struct flow_samples *of = &series->samples[kind];
    if (of->until > 0) {
        of->until--;
        return;
    }
    if (of->count == FLOW_SAMPLES_MAX) {
        for (size_t i = 0; i < of->count / 2; i++)
            of->samples[i] = of->samples[2 * i];
        of->count /= 2;
        of->every *= 2;
    }
    of->draw = of->draw * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    of->until = (of->draw >> 33) % (2 * of->every - 1); /* every - 1 on average */
    struct flow_sample *samples =
        room(series, of->samples, of->count, &of->capacity, sizeof *samples);
    if (samples == NULL)
        return;
    of->samples = samples;
    samples[of->count++] = (struct flow_sample){now_ns, latency_ns};
}

static void add_latency(struct flow_series *series, struct histogram *of_phase,
                        struct histogram *of_point, uint64_t ns) {
    if (!histogram_add(of_phase, &series->host, ns) || !histogram_add(of_point, &series->host, ns))
        series->no_memory = true;
}

/* Faults before the send's begin are over for this application. */
static void note_success(struct flow_series *series, uint64_t started_ns, uint64_t now_ns) {
    series->succeeded_from = series->fault_count;
    for (size_t i = series->fault_count; i-- > 0 && series->without_success > 0;) {
        struct flow_fault *fault = &series->faults[i];
        if (fault->success_ns != CLUSTER_NEVER || fault->begin_ns > started_ns)
            continue;
        fault->success_ns = now_ns;
        series->without_success--;
        series->succeeded_from = i;
        series->success = true;
    }
}

static void on_acked(struct flow_series *series, const struct record *record) {
    const struct message_facts *facts = &series->host.messages->facts;
    struct flow_phase *at = phase(series);
    series->counts.acked++;
    series->now.acked++;
    if (at == NULL)
        return;
    at->acked++;
    add_latency(series, &at->send, &series->now_send, record_uint(record, 8));
    add_sample(series, FLOW_SENT, record->world_ns, record_uint(record, 8));
    if (facts->has_message && series->without_success > 0)
        note_success(series, facts->message.started_ns, record->world_ns);
}

static bool is_timeout(struct span error) {
    static const char word[] = "time";
    for (size_t at = 0; at + sizeof word - 1 <= error.len; at++)
        if (memcmp(error.data + at, word, sizeof word - 1) == 0)
            return true;
    return false;
}

static void on_failed(struct flow_series *series, const struct record *record) {
    struct flow_phase *at = phase(series);
    if (is_one_way(record)) {
        series->counts.one_way++;
        return;
    }
    series->counts.failed++;
    series->counts.timed_out +=
        record_int(record, 3) == CODE_TIMEOUT || is_timeout(record_text(record, 4));
    series->counts.maybe_stored += record_uint(record, 6) != 0;
    series->now.failed++;
    add_sample(series, FLOW_SEND_FAILED, record->world_ns, record_uint(record, 7));
    if (at != NULL)
        at->failed++;
}

static void on_delivered(struct flow_series *series, const struct record *record) {
    const struct message_facts *facts = &series->host.messages->facts;
    struct flow_phase *at = phase(series);
    bool again = facts->duplicate != DUPLICATE_NONE;
    series->counts.delivered++;
    series->counts.duplicates[facts->duplicate] += again;
    series->now.delivered++;
    series->now.duplicates += again;
    if (at == NULL)
        return;
    at->delivered++;
    at->duplicates += again;
    if (!facts->has_message || !facts->first_delivery)
        return;
    uint64_t latency_ns = record->world_ns - facts->message.started_ns;
    add_latency(series, &at->consume, &series->now_consume, latency_ns);
    add_sample(series, FLOW_CONSUMED, record->world_ns, latency_ns);
}

/* NULL: before the first one. */
static struct flow_phase *phase_of_time(struct flow_series *series, uint64_t world_ns) {
    size_t i = series->phase_count;
    while (i > 0 && series->phases[i - 1].begin_ns > world_ns)
        i--;
    return i == 0 ? NULL : &series->phases[i - 1];
}

static void on_recovered(struct flow_series *series) {
    const struct message_facts *facts = &series->host.messages->facts;
    for (size_t i = 0; i < facts->lost_count; i++) {
        const struct lost_message *lost = &facts->lost[i];
        bool in_window = !lost->flushed && facts->broker->power_lost;
        *(in_window ? &series->counts.lost_in_window : &series->counts.lost) += 1 + lost->and_below;
        struct flow_phase *of = phase_of_time(series, lost->ack.mark.world_ns);
        if (of != NULL)
            *(in_window ? &of->lost_in_window : &of->lost) += 1 + lost->and_below;
    }
}

/* ---- owners ---- */

static void owner_begins(struct flow_series *series, const struct record *record) {
    const struct group_queue *progress = series->host.messages->facts.progress;
    if (progress == NULL)
        return;
    if (series->span_count == FLOW_SPANS_MAX) {
        series->spans_left_out++;
        return;
    }
    struct flow_span *spans =
        room(series, series->spans, series->span_count, &series->span_capacity, sizeof *spans);
    if (spans == NULL)
        return;
    series->spans = spans;
    spans[series->span_count++] =
        (struct flow_span){progress->index, record->node, record->world_ns, CLUSTER_NEVER};
}

/* Of one queue, or (progress NULL) of all that the node has. */
static void owner_ends(struct flow_series *series, const struct group_queue *progress,
                       const struct record *record) {
    for (size_t i = series->span_count; i-- > 0;) {
        struct flow_span *span = &series->spans[i];
        if (span->end_ns != CLUSTER_NEVER || span->node != record->node ||
            (progress != NULL && span->progress != progress->index))
            continue;
        span->end_ns = record->world_ns;
        if (progress != NULL)
            return;
    }
}

/* ---- all of it ---- */

static void dispatch(struct flow_series *series, const struct record *record) {
    switch (record->kind) {
    case EVENT_send_started:
        series->counts.started++;
        series->now.started++;
        break;
    case EVENT_send_acked:
        on_acked(series, record);
        break;
    case EVENT_send_failed:
        on_failed(series, record);
        break;
    case EVENT_consume_delivered:
        on_delivered(series, record);
        break;
    case EVENT_store_queue_recovered:
        on_recovered(series);
        break;
    case EVENT_queue_acquired:
        owner_begins(series, record);
        break;
    case EVENT_queue_released:
        owner_ends(series, series->host.messages->facts.progress, record);
        break;
    case EVENT_world_node_down:
        owner_ends(series, NULL, record);
        break;
    case EVENT_world_fault:
        on_fault(series, record);
        break;
    case EVENT_node_serves:
        on_serves(series, record);
        break;
    case EVENT_world_node_up:
        on_up(series, record);
        break;
    default:
        break;
    }
}

void flow_series_on_record(struct flow_series *series, const struct record *record) {
    series->success = false;
    if (series->no_memory)
        return;
    bool begun = series->counts.started + series->counts.delivered > 0 ||
                 record->kind == EVENT_send_started || record->kind == EVENT_consume_delivered;
    if (begun && record->world_ns / series->step_ns > series->point_count)
        go_to(series, record->world_ns);
    dispatch(series, record);
}

void flow_series_finish(struct flow_series *series, uint64_t end_ns) {
    if (series->counts.started + series->counts.delivered == 0)
        return;
    go_to(series, end_ns);
    if (!series->no_memory && end_ns % series->step_ns > 0)
        complete_point(series);
}
