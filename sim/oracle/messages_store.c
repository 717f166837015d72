/* sim/oracle/messages_store.c - what brokers keep: flushes, ends, recoveries, retention. */
#include "sim/oracle/messages_internal.h"

#include "model/base/check.h"

/* Acknowledged long ago and still not flushed: no window covers it. */
#define UNFLUSHED_MAX_NS (120 * UINT64_C(1000000000))

/* ---- what is not flushed ---- */

static struct acked_message *ack_at(const struct message_broker *broker, size_t index) {
    return &broker->acks[(broker->ack_first + index) & (broker->ack_capacity - 1)];
}

/* A batch may not say where a message of it is. */
static bool is_flushed(const struct acked_message *ack, int64_t to) {
    return ack->physical >= 0 && ack->physical < to;
}

static bool grow(struct messages *messages, struct message_broker *broker) {
    size_t capacity = broker->ack_capacity == 0 ? 64 : broker->ack_capacity * 2;
    struct acked_message *acks = messages_alloc(messages, capacity * sizeof *acks);
    if (acks == NULL)
        return false;
    for (size_t i = 0; i < broker->ack_count; i++)
        acks[i] = *ack_at(broker, i);
    messages->host.free(messages->host.ctx, broker->acks);
    broker->acks = acks;
    broker->ack_first = 0;
    broker->ack_capacity = capacity;
    return true;
}

static void keep_safe(struct message_queue *queue, const struct acked_message *ack) {
    if (queue->safe.mark.kind == 0 || ack->offset >= queue->safe.offset)
        queue->safe = *ack;
}

static void forget_flushed(struct messages *messages, struct message_broker *broker,
                           uint64_t now_ns) {
    while (broker->ack_count > 0) {
        const struct acked_message *ack = ack_at(broker, 0);
        if (!is_flushed(ack, broker->flushed_to) && now_ns - ack->mark.world_ns < UNFLUSHED_MAX_NS)
            return;
        keep_safe(messages->queues[ack->queue], ack);
        broker->ack_first = (broker->ack_first + 1) & (broker->ack_capacity - 1);
        broker->ack_count--;
    }
}

void messages_keep_ack(struct messages *messages, struct message_queue *queue,
                       const struct acked_message *ack) {
    struct message_broker *broker = queue->broker;
    if (is_flushed(ack, broker->flushed_to)) {
        keep_safe(queue, ack);
        return;
    }
    forget_flushed(messages, broker, ack->mark.world_ns);
    if (broker->ack_count == broker->ack_capacity && !grow(messages, broker))
        return;
    broker->ack_count++;
    *ack_at(broker, broker->ack_count - 1) = *ack;
}

void messages_on_flushed(struct messages *messages, const struct record *record) {
    struct message_broker *broker = messages_broker_of(messages, record->node);
    if (broker == NULL)
        return;
    broker->flushed_to = record_int(record, 0);
    messages->facts.broker = broker;
    forget_flushed(messages, broker, record->world_ns);
}

/* ---- ends ---- */

void messages_on_node_down(struct messages *messages, const struct record *record) {
    const struct cluster_node *node = cluster_node(messages->host.cluster, record->node);
    if (node == NULL || node->role != CLUSTER_BROKER) {
        messages_owner_gone(messages, record);
        return;
    }
    struct message_broker *broker = messages_broker_of(messages, record->node);
    if (broker == NULL)
        return;
    broker->lives++;
    if (broker->recovered || broker->down.kind == 0) { /* else nothing was promised since */
        broker->down = oracle_mark(record);
        broker->down_flushed_to = broker->flushed_to;
        broker->power_lost = false;
    }
    broker->power_lost |= span_equal(record_text(record, 0), SPAN_LITERAL("power_off"));
    broker->recovered = false;
    messages->facts.broker = broker;
}

/* ---- what a disk did that nobody can answer for ---- */

static bool is_one_of(struct span kind, const char *const *kinds) {
    for (; *kinds != NULL; kinds++)
        if (span_equal(kind, span_of_text(*kinds)))
            return true;
    return false;
}

/* After these, what was durable may not be. */
static const char *const BREAKS_PROMISES[] = {"disk-errors", "lying-sync", "bit-rot",
                                              "misdirected-write", NULL};
/* With these, a broker may be unable to start. */
static const char *const HINDERS[] = {"full-disk", "read-only-disk", "stall-disk", NULL};

/* A fault of hosts or nodes by name, or of the node that the record carries. */
static void on_fault(struct messages *messages, const struct record *record) {
    const struct cluster *cluster = messages->host.cluster;
    struct span kind = record_text(record, 1);
    bool is_disk = is_one_of(kind, BREAKS_PROMISES), hinders = is_one_of(kind, HINDERS);
    bool is_power = span_equal(kind, SPAN_LITERAL("power-off"));
    for (uint16_t i = 1; (is_disk || is_power || hinders) && i < cluster->node_limit; i++) {
        const struct cluster_node *node = cluster->nodes[i];
        if (node == NULL || node->role != CLUSTER_BROKER ||
            (record->node != i &&
             (record->node != 0 || !fault_concerns(record_text(record, 2), node->name))))
            continue;
        struct message_broker *broker = messages_broker_of(messages, i);
        if (broker == NULL)
            continue;
        broker->disk_fault |= is_disk;
        broker->disk_trouble |= is_disk || hinders;
        broker->power_lost |= is_power;
        broker->down_flushed_to = broker->flushed_to;
    }
}

void messages_on_disk_fault(struct messages *messages, const struct record *record) {
    if (record->kind == EVENT_world_fault) {
        on_fault(messages, record);
        return;
    }
    const struct cluster_node *node = cluster_node(messages->host.cluster, record->node);
    if (node == NULL || node->role != CLUSTER_BROKER)
        return;
    bool sync_failed = record->kind == EVENT_store_sync_failed;
    struct message_broker *broker = messages_broker_of(messages, record->node);
    static const char *const wrong[] = {"rot", "misdirected", NULL};
    static const char *const power[] = {"page", "torn", "name", "size", NULL};
    if (broker == NULL)
        return;
    if (sync_failed || is_one_of(record_text(record, 1), wrong))
        broker->disk_fault = broker->disk_trouble = true;
    else if (is_one_of(record_text(record, 1), power)) /* perhaps after its process had ended */
        broker->power_lost = true;
}

/* ---- recoveries ---- */

void messages_on_recovered(struct messages *messages, const struct record *record) {
    struct message_broker *broker = messages_broker_of(messages, record->node);
    if (broker == NULL)
        return;
    broker->recovered = true;
    if (span_equal(record_text(record, 0), SPAN_LITERAL("empty")))
        broker->begun = oracle_mark(record);
    messages->facts.broker = broker;
    if (record_int(record, 2) < broker->flushed_to) /* the log grows again from there */
        broker->flushed_to = record_int(record, 2);
    if (record_int(record, 1) > broker->deleted_to)
        broker->deleted_to = record_int(record, 1);
}

static void add_lost(struct messages *messages, const struct acked_message *ack, bool flushed,
                     uint64_t and_below) {
    struct message_facts *facts = &messages->facts;
    struct lost_message *lost = array_room(&messages->host, facts->lost, facts->lost_count,
                                           &messages->lost_capacity, sizeof *lost);
    messages->no_memory |= lost == NULL;
    if (lost == NULL)
        return;
    facts->lost = lost;
    lost[facts->lost_count++] = (struct lost_message){*ack, flushed, and_below};
    struct message_entry *entry = messages_live_get(messages, ack->number);
    if (entry != NULL)
        messages_live_drop(messages, entry);
    const struct message_producer *producer = messages_producer(messages, ack->number);
    if (producer == NULL || !number_set_has(&producer->once, message_sequence(ack->number)))
        return;
    if (messages->dead.count == NUMBER_SET_HOLES_MAX)
        u64_set_clear(&messages->dead);
    u64_set_add(&messages->dead, ack->number);
}

/* Of the queue, what was acknowledged at `max` or behind it and is not flushed leaves the ring. */
static void lose_unflushed(struct messages *messages, struct message_queue *queue, uint64_t max) {
    struct message_broker *broker = queue->broker;
    size_t kept = 0;
    for (size_t i = 0; i < broker->ack_count; i++) {
        const struct acked_message ack = *ack_at(broker, i);
        if (ack.queue != queue->index || ack.offset < max)
            *ack_at(broker, kept++) = ack;
        else
            add_lost(messages, &ack, is_flushed(&ack, broker->down_flushed_to), 0);
    }
    broker->ack_count = kept;
}

static void lose(struct messages *messages, struct message_queue *queue, uint64_t max) {
    const struct message_broker *broker = queue->broker;
    struct acked_message *safe = &queue->safe;
    if (safe->mark.kind != 0 && safe->offset >= max) {
        uint64_t below = safe->offset - max;
        bool removed = is_flushed(safe, broker->deleted_to);
        if (!removed)
            add_lost(messages, safe,
                     safe->physical<broker->down_flushed_to, below> safe->offset ? safe->offset
                                                                                 : below);
        *safe = (struct acked_message){.number = 0};
    }
    lose_unflushed(messages, queue, max);
    number_set_cut(&queue->acked, max);
    queue->max = max;
    for (size_t i = 0; i < messages->progress_count; i++) {
        struct group_queue *progress = messages->progress[i];
        if (progress->queue != queue)
            continue;
        number_set_cut(&progress->delivered, max);
        if (progress->delivered_top > max)
            progress->delivered_top = max;
        if (progress->floor > max)
            progress->floor = max;
        for (size_t k = 0; k < progress->owner_count; k++)
            if (progress->owners[k].next > max)
                progress->owners[k].next = max;
    }
}

/* Topic, queue, min, max. */
void messages_on_queue_recovered(struct messages *messages, const struct record *record) {
    struct message_broker *broker = messages_broker_of(messages, record->node);
    uint32_t topic = messages_intern(messages, record_text(record, 0));
    struct message_queue *queue = messages_queue(messages, broker, topic, record_uint(record, 1));
    if (queue == NULL)
        return;
    uint64_t min = (uint64_t)record_int(record, 2), max = (uint64_t)record_int(record, 3);
    messages->facts.broker = broker;
    messages->facts.queue = queue;
    queue->recovered_max = max;
    queue->recovered_lives = broker->lives;
    queue->min = min;
    lose(messages, queue, max);
}

/* Queues that the store did not find again. */
void messages_on_serves(struct messages *messages, const struct record *record) {
    const struct cluster_node *node = cluster_node(messages->host.cluster, record->node);
    if (node == NULL || node->role != CLUSTER_BROKER)
        return;
    if (record->node < messages->by_node_capacity && messages->by_node[record->node] != NULL &&
        messages->by_node[record->node]->lives == 0)
        messages->by_node[record->node] = NULL; /* its name may be known only now */
    struct message_broker *broker = messages_broker_of(messages, record->node);
    if (broker == NULL)
        return;
    messages->facts.broker = broker;
    for (size_t i = 0; broker->recovered && broker->lives > 0 && i < messages->queue_count; i++) {
        struct message_queue *queue = messages->queues[i];
        if (queue->broker == broker && queue->recovered_lives != broker->lives)
            lose(messages, queue, 0);
    }
}

/* ---- retention ---- */

void messages_on_trimmed(struct messages *messages, const struct record *record) {
    uint32_t topic = messages_intern(messages, record_text(record, 0));
    struct message_queue *queue = messages_queue(
        messages, messages_broker_of(messages, record->node), topic, record_uint(record, 1));
    if (queue != NULL && record_int(record, 2) > (int64_t)queue->min)
        queue->min = (uint64_t)record_int(record, 2);
}

/* Queues say what they lost after the last file only; what is under way knows its place in the log.
 */
static void raise_mins(struct messages *messages, const struct message_broker *broker) {
    for (size_t i = 0; i < messages->live_capacity; i++) {
        const struct message_entry *message = &messages->live[i];
        if (message->number == 0 || message->queue == 0 || message->physical < 0 ||
            message->physical >= broker->deleted_to)
            continue;
        struct message_queue *queue = messages->queues[message->queue - 1];
        if (queue->broker == broker && message->offset >= queue->min)
            queue->min = message->offset + 1;
    }
}

/* Path, from, to: a part of the log, or with names of queues and indexes, not. */
void messages_on_deleted(struct messages *messages, const struct record *record) {
    struct message_broker *broker = messages_broker_of(messages, record->node);
    struct span path = record_text(record, 0);
    static const char log[] = "commitlog";
    bool is_log = false;
    for (size_t at = 0; at + sizeof log - 1 <= path.len; at++)
        is_log |= memcmp(path.data + at, log, sizeof log - 1) == 0;
    if (broker == NULL || !is_log || record_int(record, 2) <= broker->deleted_to)
        return;
    messages->facts.broker = broker;
    broker->deleted_to = record_int(record, 2);
    raise_mins(messages, broker);
}

/* ---- deletion of topics ---- */

static void drop_entries(struct messages *messages, const struct message_queue *queue) {
    for (size_t i = 0; i < messages->live_capacity; i++) {
        while (messages->live[i].number != 0 && messages->live[i].queue == queue->index + 1)
            messages_live_drop(messages, &messages->live[i]); /* another one may move here */
    }
}

/* Groups begin again; what an owner pulled before may be delivered still. */
static void begin_again(struct messages *messages, const struct message_queue *queue) {
    for (size_t i = 0; i < messages->progress_count; i++) {
        struct group_queue *progress = messages->progress[i];
        if (progress->queue != queue)
            continue;
        progress->progress = 0;
        for (size_t k = 0; k < progress->owner_count; k++)
            progress->owners[k].fresh_from = progress->owners[k].fresh_to = 0;
    }
}

/* Topic, physical: its queues begin again at 0, and nobody lost anything. */
void messages_on_topic_deleted(struct messages *messages, const struct record *record) {
    struct message_broker *broker = messages_broker_of(messages, record->node);
    uint32_t topic = messages_intern(messages, record_text(record, 0));
    for (size_t i = 0; broker != NULL && i < messages->queue_count; i++) {
        struct message_queue *queue = messages->queues[i];
        if (queue->broker != broker || queue->topic != topic)
            continue;
        lose(messages, queue, 0);
        drop_entries(messages, queue);
        begin_again(messages, queue);
        queue->min = 0;
        queue->dead_below = record_int(record, 1);
    }
    messages->facts.lost_count = 0;
}
