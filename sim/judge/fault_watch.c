/* sim/judge/fault_watch.c - faults as they happened, and who noticed them. */
#include "sim/judge/fault_watch.h"

#include <stdio.h>

#define NOTICED_WITHIN_NS (130 * 1000000000ULL)

struct fault_watch {
    struct oracle_host host;
    struct fault_seen *faults;
    size_t count, capacity;
    bool no_memory;
    size_t unnoticed; /* faults that may still be noticed; none: nothing to do */
};

struct fault_watch *fault_watch_create(const struct oracle_host *host) {
    struct fault_watch *watch = host->alloc(host->ctx, sizeof *watch);
    if (watch != NULL)
        watch->host = *host;
    return watch;
}

static void copy_text(char *out, size_t size, struct span text) {
    size_t len = text.len < size ? text.len : size - 1;
    if (len > 0)
        memcpy(out, text.data, len);
    out[len] = '\0';
}

static void fault_begins(struct fault_watch *watch, const struct record *record, bool lasting) {
    struct fault_seen *faults =
        array_room(&watch->host, watch->faults, watch->count, &watch->capacity, sizeof *faults);
    if (faults == NULL) {
        watch->no_memory = true;
        return;
    }
    watch->faults = faults;
    struct fault_seen *fault = &faults[watch->count++];
    *fault = (struct fault_seen){
        .index = (uint32_t)record_uint(record, 0),
        .node = record->node,
        .begin_ns = record->world_ns,
        .end_ns = CLUSTER_NEVER,
        .noticed_ns = CLUSTER_NEVER,
        .lasting = lasting,
    };
    copy_text(fault->kind, sizeof fault->kind, record_text(record, 1));
    copy_text(fault->target, sizeof fault->target, record_text(record, 2));
    watch->unnoticed++;
}

/* A repair may carry its own index: the latest open fault on the same target ends. */
static void fault_ends(struct fault_watch *watch, const struct record *record) {
    struct fault_seen *ended = NULL;
    for (size_t i = 0; i < watch->count; i++) {
        struct fault_seen *fault = &watch->faults[i];
        bool same =
            fault->node == record->node &&
            (record->node != 0 || span_equal(span_of_text(fault->target), record_text(record, 2)));
        if (fault->lasting && fault->end_ns == CLUSTER_NEVER && same &&
            (ended == NULL || ended->index != record_uint(record, 0)))
            ended = fault;
    }
    if (ended != NULL)
        ended->end_ns = record->world_ns;
}

static bool concerns(const struct fault_seen *fault, const struct cluster_node *node) {
    return node != NULL &&
           (fault->node == node->node ||
            (fault->node == 0 && fault_concerns(span_of_text(fault->target), node->name)));
}

/* `by` reacted to `about`, which last gave a sign of life at `alive_ns`. */
static void reacted(struct fault_watch *watch, uint16_t by, const struct cluster_node *about,
                    uint64_t alive_ns, uint64_t now_ns) {
    for (size_t i = 0; about != NULL && i < watch->count; i++) {
        struct fault_seen *fault = &watch->faults[i];
        bool over = fault->end_ns != CLUSTER_NEVER &&
                    (alive_ns > fault->end_ns || now_ns - fault->end_ns > NOTICED_WITHIN_NS);
        if (fault->noticed_ns != CLUSTER_NEVER || over || fault->node == by ||
            !concerns(fault, about))
            continue;
        fault->noticed_ns = now_ns;
        fault->noticed_by = by;
        watch->unnoticed--;
    }
}

static void on_fault(struct fault_watch *watch, const struct record *record) {
    struct span phase = record_text(record, 3);
    if (span_equal(phase, SPAN_LITERAL("end")))
        fault_ends(watch, record);
    else if (!fault_is_repair(record_text(record, 1)))
        fault_begins(watch, record, span_equal(phase, SPAN_LITERAL("begin")));
}

void fault_watch_on_record(struct fault_watch *watch, const struct record *record) {
    const struct cluster *cluster = watch->host.cluster;
    uint64_t now_ns = record->world_ns;
    if (record->kind == EVENT_world_fault)
        on_fault(watch, record);
    if (watch->unnoticed == 0)
        return;
    switch (record->kind) {
    case EVENT_route_broker_evicted:
        reacted(watch, record->node,
                cluster_find_broker(cluster, record_text(record, 1), record_text(record, 3)),
                now_ns - record_uint(record, 5), now_ns);
        break;
    case EVENT_client_name_server_lost:
    case EVENT_registration_failed:
        reacted(watch, record->node, cluster_find_address(cluster, record_text(record, 0)), 0,
                now_ns);
        break;
    case EVENT_channel_closed:
        reacted(watch, record->node, cluster_find_host(cluster, record_text(record, 0)), 0, now_ns);
        break;
    default:
        break;
    }
}

bool fault_watch_complete(const struct fault_watch *watch) {
    return !watch->no_memory;
}

size_t fault_watch_list(const struct fault_watch *watch, const struct fault_seen **faults) {
    *faults = watch->faults;
    return watch->count;
}
