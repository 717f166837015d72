/* sim/judge/metrics.c - samples from the event stream, and their summaries. */
#include "sim/judge/metrics.h"

#include <stdlib.h>

#include "model/base/check.h"

const struct metric_info METRIC_INFO[METRIC_COUNT] = {
#define METRIC_ROW(id, name, ns_per_unit, about, theory) {name, ns_per_unit, about, theory},
    METRICS(METRIC_ROW)
#undef METRIC_ROW
};

int metric_find(const char *name) {
    for (int id = 0; id < METRIC_COUNT; id++)
        if (strcmp(METRIC_INFO[id].name, name) == 0)
            return id;
    return -1;
}

struct series {
    struct metric_sample *samples;
    size_t kept, capacity;
    uint64_t every; /* each how manieth one is kept */
    uint64_t count, min, max;
    struct histogram histogram; /* of a metric with a value per message */
};

bool metric_is_per_message(enum metric_id id) {
    return id == METRIC_SEND_LATENCY || id == METRIC_PRODUCE_TO_CONSUME;
}

#define TAG_BYTES sizeof((struct metric_sample *)0)->tag

/* When and why a name server removed an address. */
struct removal {
    uint64_t at_ns;
    char reason[TAG_BYTES];
};

struct metrics {
    struct oracle_host host;
    struct series series[METRIC_COUNT];
    struct intern names;
    uint32_t *listed; /* by the cluster's number of a listing: incarnation of the name server */
    size_t listed_capacity;
    struct table removed; /* (name server, broker, address) -> index in removals + 1 */
    struct table beliefs; /* (client, incarnation, broker, address) -> topics that hold it */
    struct table servers; /* client -> node of its name server; 0: none */
    struct removal *removals;
    size_t removal_count, removal_capacity;
    uint64_t nowhere; /* stand in for a table's value when memory is gone */
    uint32_t no_listing;
    const struct flow_series *flow;
    uint64_t
        *failing_since; /* by client node: begin of the first failed send + 1; 0: none failed */
    size_t failing_capacity;
    size_t failing_count;
    bool no_memory;
};

struct metrics *metrics_create(const struct oracle_host *host, const struct flow_series *flow) {
    struct metrics *metrics = host->alloc(host->ctx, sizeof *metrics);
    if (metrics == NULL)
        return NULL;
    metrics->host = *host;
    metrics->flow = flow;
    intern_init(&metrics->names, &metrics->host);
    table_init(&metrics->removed, &metrics->host);
    table_init(&metrics->beliefs, &metrics->host);
    table_init(&metrics->servers, &metrics->host);
    for (int id = 0; id < METRIC_COUNT; id++)
        metrics->series[id] = (struct series){.every = 1, .min = UINT64_MAX};
    return metrics;
}

bool metrics_complete(const struct metrics *metrics) {
    return !metrics->no_memory;
}

/* ---- samples ---- */

static void thin_out(struct series *series) {
    for (size_t i = 0; i * 2 < series->kept; i++)
        series->samples[i] = series->samples[i * 2];
    series->kept = (series->kept + 1) / 2;
    series->every *= 2;
}

/* Of values per message one of `every` (a power of two) is drawn by its number: producers take
 * turns, so a fixed step would show but one of them. */
static bool is_kept(enum metric_id id, uint64_t number, uint64_t every) {
    if (metric_is_per_message(id))
        number = (number * UINT64_C(0xd6e8feb86659fd93)) >> 32;
    return number % every == 0;
}

static void sample(struct metrics *metrics, enum metric_id id, uint64_t value, uint16_t node,
                   const struct cluster_node *subject, struct span tag) {
    struct series *series = &metrics->series[id];
    size_t kept_max = metric_is_per_message(id) ? METRIC_MESSAGE_SAMPLES_MAX : METRIC_SAMPLES_MAX;
    if (metric_is_per_message(id) && !histogram_add(&series->histogram, &metrics->host, value))
        metrics->no_memory = true;
    series->min = value < series->min ? value : series->min;
    series->max = value > series->max ? value : series->max;
    if (!is_kept(id, series->count++, series->every))
        return;
    if (series->kept == kept_max)
        thin_out(series);
    struct metric_sample *samples = array_room(&metrics->host, series->samples, series->kept,
                                               &series->capacity, sizeof *samples);
    if (samples == NULL) {
        metrics->no_memory = true;
        return;
    }
    series->samples = samples;
    struct metric_sample *out = &samples[series->kept++];
    *out = (struct metric_sample){value, node, subject == NULL ? 0 : subject->node, ""};
    size_t len = tag.len < TAG_BYTES ? tag.len : TAG_BYTES - 1;
    if (len > 0)
        memcpy(out->tag, tag.data, len);
}

size_t metrics_samples(const struct metrics *metrics, enum metric_id id,
                       const struct metric_sample **samples) {
    *samples = metrics->series[id].samples;
    return metrics->series[id].kept;
}

/* ---- removals and returns ---- */

static uint64_t *slot(struct metrics *metrics, struct table *table, uint64_t key) {
    uint64_t *value = table_put(table, key);
    metrics->no_memory |= value == NULL;
    return value == NULL ? &metrics->nowhere : value;
}

#define LISTED_NEVER 0
#define LISTED_REMOVED UINT32_MAX

/* Who lists what a registration or a removal is about. */
static uint32_t *listed_by(struct metrics *metrics) {
    size_t number = metrics->host.cluster->listing;
    uint32_t *listed = array_reach(&metrics->host, metrics->listed, number,
                                   &metrics->listed_capacity, sizeof *listed);
    if (listed == NULL) {
        metrics->no_memory = true;
        return &metrics->no_listing;
    }
    metrics->listed = listed;
    return &listed[number - 1];
}

static uint64_t address_key(struct metrics *metrics, uint16_t server, struct span broker,
                            struct span address) {
    return table_key(server, intern_add(&metrics->names, broker),
                     intern_add(&metrics->names, address), 0);
}

static void remember_removal(struct metrics *metrics, const struct record *record) {
    uint64_t *at =
        slot(metrics, &metrics->removed,
             address_key(metrics, record->node, record_text(record, 1), record_text(record, 3)));
    struct removal *removals = array_room(&metrics->host, metrics->removals, metrics->removal_count,
                                          &metrics->removal_capacity, sizeof *removals);
    if (removals == NULL || metrics->no_memory) {
        metrics->no_memory = true;
        return;
    }
    metrics->removals = removals;
    if (*at == 0)
        *at = ++metrics->removal_count;
    removals[*at - 1] = (struct removal){record->world_ns, ""};
    struct span reason = record_text(record, 4);
    size_t len = reason.len < TAG_BYTES ? reason.len : TAG_BYTES - 1;
    if (len > 0)
        memcpy(removals[*at - 1].reason, reason.data, len);
}

/* Did the fault of `broker` silence it, when it last registered at `alive_ns`? */
static bool is_due_to_fault(const struct cluster_node *broker, uint64_t alive_ns) {
    if (broker == NULL || broker->fault_begin_ns == CLUSTER_NEVER)
        return false;
    bool restarted = broker->up && broker->up_since_ns > broker->fault_begin_ns &&
                     alive_ns > broker->up_since_ns;
    bool ended = broker->fault_end_ns != CLUSTER_NEVER &&
                 broker->fault_end_ns >= broker->fault_begin_ns && alive_ns > broker->fault_end_ns;
    return !restarted && !ended;
}

static void on_evicted(struct metrics *metrics, const struct record *record) {
    struct span reason = record_text(record, 4);
    uint64_t since_ns = record_uint(record, 5), now_ns = record->world_ns;
    const struct cluster_node *broker =
        cluster_find_broker(metrics->host.cluster, record_text(record, 1), record_text(record, 3));
    sample(metrics, METRIC_EVICTION_AFTER_LAST_REGISTRATION, since_ns, record->node, broker,
           reason);
    if (is_due_to_fault(broker, now_ns - since_ns))
        sample(metrics, METRIC_EVICTION_AFTER_FAULT, now_ns - broker->fault_begin_ns, record->node,
               broker, reason);
    remember_removal(metrics, record);
    *listed_by(metrics) = LISTED_REMOVED;
}

/* The latest thing that kept `broker` out of `server`, and its tag; NEVER: nothing did. */
static uint64_t obstacle_end(const struct cluster_node *server, const struct cluster_node *broker,
                             struct span *tag) {
    const struct {
        uint64_t at_ns;
        struct span tag;
    } ends[] = {
        {broker->fault_end_ns, span_equal(broker->fault_kind, SPAN_LITERAL("pause"))
                                   ? SPAN_LITERAL("resume")
                                   : SPAN_LITERAL("heal")},
        {broker->incarnation > 1 ? broker->up_since_ns : CLUSTER_NEVER, SPAN_LITERAL("start")},
        {server->fault_end_ns, SPAN_LITERAL("server-heal")},
        {server->incarnation > 1 ? server->up_since_ns : CLUSTER_NEVER,
         SPAN_LITERAL("server-start")},
    };
    uint64_t latest_ns = CLUSTER_NEVER;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (ends[i].at_ns == CLUSTER_NEVER ||
            (latest_ns != CLUSTER_NEVER && ends[i].at_ns < latest_ns))
            continue;
        latest_ns = ends[i].at_ns;
        *tag = ends[i].tag;
    }
    return latest_ns;
}

static void on_registered(struct metrics *metrics, const struct record *record) {
    const struct cluster *cluster = metrics->host.cluster;
    const struct cluster_node *server = cluster_node(cluster, record->node);
    uint32_t *listed = listed_by(metrics), before = *listed;
    if (before == server->incarnation)
        return;
    *listed = server->incarnation;
    const struct cluster_node *broker =
        cluster_find_broker(cluster, record_text(record, 1), record_text(record, 3));
    struct span tag = SPAN_NONE;
    uint64_t since_ns = before == LISTED_NEVER || broker == NULL
                            ? CLUSTER_NEVER
                            : obstacle_end(server, broker, &tag);
    if (since_ns != CLUSTER_NEVER)
        sample(metrics, METRIC_RETURN_AFTER_RESUME, record->world_ns - since_ns, record->node,
               broker, tag);
}

/* ---- clients ---- */

static uint64_t *belief(struct metrics *metrics, const struct record *record) {
    uint32_t broker = intern_add(&metrics->names, record_text(record, 1));
    uint32_t address = intern_add(&metrics->names, record_text(record, 2));
    return slot(metrics, &metrics->beliefs,
                table_key(record->node, record->incarnation, broker, address));
}

static void on_dropped(struct metrics *metrics, const struct record *record) {
    uint64_t *topics = belief(metrics, record);
    if (*topics == 0 || --*topics > 0)
        return; /* other topics of this client still use it */
    struct span broker_name = record_text(record, 1), address = record_text(record, 2);
    const uint64_t *server = table_get(&metrics->servers, record->node);
    const uint64_t *at = server == NULL || *server == 0
                             ? NULL
                             : table_get(&metrics->removed, address_key(metrics, (uint16_t)*server,
                                                                        broker_name, address));
    if (at == NULL || *at == 0)
        return;
    const struct removal *removal = &metrics->removals[*at - 1];
    const struct cluster_node *broker =
        cluster_find_broker(metrics->host.cluster, broker_name, address);
    uint64_t now_ns = record->world_ns;
    sample(metrics, METRIC_CLIENT_DROP_AFTER_EVICTION, now_ns - removal->at_ns, record->node,
           broker, span_of_text(removal->reason));
    if (broker != NULL && broker->fault_begin_ns != CLUSTER_NEVER &&
        removal->at_ns >= broker->fault_begin_ns)
        sample(metrics, METRIC_CLIENT_DROP_AFTER_FAULT, now_ns - broker->fault_begin_ns,
               record->node, broker, broker->fault_kind);
}

static void on_chosen(struct metrics *metrics, const struct record *record) {
    const struct cluster_node *server =
        cluster_find_address(metrics->host.cluster, record_text(record, 0));
    *slot(metrics, &metrics->servers, record->node) = server == NULL ? 0 : server->node;
}

/* ---- messages ---- */

static uint64_t *failing_since(struct metrics *metrics, uint16_t node) {
    uint64_t *since = array_reach(&metrics->host, metrics->failing_since, (size_t)node + 1,
                                  &metrics->failing_capacity, sizeof *since);
    if (since == NULL) {
        metrics->no_memory = true;
        return &metrics->nowhere;
    }
    metrics->failing_since = since;
    return &since[node];
}

static void on_send_failed(struct metrics *metrics, const struct record *record) {
    const struct message_facts *facts = &metrics->host.messages->facts;
    uint64_t *since = failing_since(metrics, record->node);
    if (*since != 0 || is_one_way(record))
        return;
    *since = 1 + (facts->has_message ? facts->message.started_ns : record->world_ns);
    metrics->failing_count++;
}

static const struct cluster_node *broker_at_hand(const struct metrics *metrics) {
    const struct message_queue *queue = metrics->host.messages->facts.queue;
    return queue == NULL ? NULL : cluster_node(metrics->host.cluster, queue->broker->node);
}

static void on_send_acked(struct metrics *metrics, const struct record *record) {
    const struct flow_series *flow = metrics->flow;
    uint64_t now_ns = record->world_ns;
    sample(metrics, METRIC_SEND_LATENCY, record_uint(record, 8), record->node,
           broker_at_hand(metrics),
           record_uint(record, 7) > 1 ? SPAN_LITERAL("retried") : SPAN_LITERAL("ok"));
    for (size_t i = flow->succeeded_from; flow->success && i < flow->fault_count; i++)
        if (flow->faults[i].success_ns == now_ns)
            sample(metrics, METRIC_FIRST_SUCCESS_AFTER_FAULT, now_ns - flow->faults[i].begin_ns,
                   record->node, NULL, SPAN_LITERAL("after"));
    if (metrics->failing_count == 0)
        return;
    uint64_t *since = failing_since(metrics, record->node);
    if (*since == 0)
        return;
    sample(metrics, METRIC_UNAVAILABLE, now_ns - (*since - 1), record->node, NULL,
           SPAN_LITERAL("send"));
    *since = 0;
    metrics->failing_count--;
}

static void on_delivered(struct metrics *metrics, const struct record *record) {
    const struct message_facts *facts = &metrics->host.messages->facts;
    if (facts->has_message && facts->first_delivery)
        sample(metrics, METRIC_PRODUCE_TO_CONSUME, record->world_ns - facts->message.started_ns,
               record->node, broker_at_hand(metrics), SPAN_LITERAL("delivered"));
}

void metrics_on_record(struct metrics *metrics, const struct record *record) {
    switch (record->kind) {
    case EVENT_route_broker_evicted:
        on_evicted(metrics, record);
        break;
    case EVENT_route_broker_registered:
        on_registered(metrics, record);
        break;
    case EVENT_client_broker_believed:
        ++*belief(metrics, record);
        break;
    case EVENT_client_broker_dropped:
        on_dropped(metrics, record);
        break;
    case EVENT_client_name_server_chosen:
        on_chosen(metrics, record);
        break;
    case EVENT_registration_answered:
        sample(metrics, METRIC_REGISTRATION_LATENCY, record_uint(record, 2), record->node,
               cluster_find_address(metrics->host.cluster, record_text(record, 0)),
               SPAN_LITERAL("answered"));
        break;
    case EVENT_client_poll_done:
        sample(metrics, METRIC_POLL_DURATION, record_uint(record, 3), record->node, NULL,
               record_uint(record, 2) == 0 ? SPAN_LITERAL("ok") : SPAN_LITERAL("failed"));
        break;
    case EVENT_send_acked:
        on_send_acked(metrics, record);
        break;
    case EVENT_send_failed:
        on_send_failed(metrics, record);
        break;
    case EVENT_consume_delivered:
        on_delivered(metrics, record);
        break;
    default:
        break;
    }
}

/* ---- summaries ---- */

static int compare_values(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Nearest rank: the smallest value that at least `percent` of all do not exceed. */
static uint64_t percentile(const uint64_t *sorted, size_t count, unsigned percent) {
    size_t rank = (count * percent + 99) / 100;
    return sorted[rank == 0 ? 0 : rank - 1];
}

void metric_summarise(enum metric_id id, uint64_t *values, size_t count,
                      struct metric_summary *out) {
    *out = (struct metric_summary){.name = METRIC_INFO[id].name, .count = count};
    if (count == 0)
        return;
    uint64_t unit = METRIC_INFO[id].ns_per_unit;
    qsort(values, count, sizeof *values, compare_values);
    out->min = values[0] / unit;
    out->p50 = percentile(values, count, 50) / unit;
    out->p99 = percentile(values, count, 99) / unit;
    out->max = values[count - 1] / unit;
}

void metrics_summarise(const struct metrics *metrics, enum metric_id id, uint64_t *scratch,
                       struct metric_summary *out) {
    const struct series *series = &metrics->series[id];
    for (size_t i = 0; i < series->kept; i++)
        scratch[i] = series->samples[i].value;
    metric_summarise(id, scratch, series->kept, out);
    if (series->count == 0)
        return;
    out->count = series->count;
    out->min = series->min / METRIC_INFO[id].ns_per_unit;
    out->max = series->max / METRIC_INFO[id].ns_per_unit;
    if (!metric_is_per_message(id))
        return;
    out->p50 = histogram_quantile(&series->histogram, 500000) / METRIC_INFO[id].ns_per_unit;
    out->p99 = histogram_quantile(&series->histogram, 990000) / METRIC_INFO[id].ns_per_unit;
}
