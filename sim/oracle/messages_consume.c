/* sim/oracle/messages_consume.c - queues acquired and released, messages delivered, progress. */
#include "sim/oracle/messages_internal.h"

/* An owner asks for the stored offset, and the one before it may commit once more meanwhile. */
#define HANDOVER_NS (5 * UINT64_C(1000000000))
/* One commit passes at most this many that are looked at one by one. */
#define SKIPPED_MAX 65536

/* The group's progress; a new one begins at `offset`. NULL for a broadcast group. */
static struct group_queue *progress_from(struct messages *messages, uint32_t group,
                                         struct message_queue *queue, uint64_t offset) {
    struct message_facts *facts = &messages->facts;
    bool is_new;
    facts->queue = queue;
    if (queue == NULL || messages_is_broadcast(messages, group, queue->topic))
        return NULL;
    struct group_queue *progress = messages_progress_put(messages, group, queue, &is_new);
    facts->progress = progress;
    if (!is_new || progress == NULL)
        return progress;
    const struct message_subscription *subscription =
        messages_subscription(messages, group, queue->topic);
    bool all = subscription == NULL || subscription->expression == 0;
    progress->progress = offset;
    progress->floor = all || offset > queue->max ? offset : queue->max;
    number_set_begin(&progress->delivered, &messages->host, offset);
    return progress;
}

/* Fields 0 to 3: group, topic, broker, queue. */
static struct group_queue *progress_of(struct messages *messages, const struct record *record,
                                       uint64_t offset) {
    uint32_t group = messages_intern(messages, record_text(record, 0));
    uint32_t topic = messages_intern(messages, record_text(record, 1));
    uint32_t broker = messages_intern(messages, record_text(record, 2));
    struct message_queue *queue =
        messages_queue(messages, messages_broker(messages, broker), topic, record_uint(record, 3));
    return progress_from(messages, group, queue, offset);
}

static uint64_t offset_in(const struct record *record, size_t field) {
    int64_t offset = record_int(record, field);
    return offset < 0 ? 0 : (uint64_t)offset;
}

/* ---- owners ---- */

static struct queue_owner *owner_of(struct group_queue *progress, uint16_t node) {
    for (size_t i = 0; i < progress->owner_count; i++)
        if (progress->owners[i].node == node)
            return &progress->owners[i];
    return NULL;
}

static void remove_owner(struct group_queue *progress, size_t at) {
    progress->owner_count--;
    for (; at < progress->owner_count; at++)
        progress->owners[at] = progress->owners[at + 1];
}

/* Why it will deliver what was delivered already, if it does. */
static enum duplicate_cause cause_of(const struct group_queue *progress, uint64_t from,
                                     uint64_t now_ns) {
    const struct message_broker *broker = progress->queue->broker;
    if (from < progress->progress && now_ns - progress->committed.world_ns > HANDOVER_NS)
        return broker->down.world_ns >= progress->committed.world_ns ? DUPLICATE_OFFSETS_LOST
                                                                     : DUPLICATE_UNEXPLAINED;
    return progress->released.kind == EVENT_world_node_down ? DUPLICATE_RESTART
                                                            : DUPLICATE_REBALANCE;
}

void messages_on_acquired(struct messages *messages, const struct record *record) {
    uint64_t from = offset_in(record, 4);
    struct group_queue *progress = progress_of(messages, record, from);
    if (progress == NULL)
        return;
    struct queue_owner *owner = owner_of(progress, record->node);
    if (owner == NULL && progress->owner_count == MESSAGE_OWNERS)
        remove_owner(progress, 0);
    if (owner == NULL)
        owner = &progress->owners[progress->owner_count++];
    *owner = (struct queue_owner){.node = record->node,
                                  .since_ns = record->world_ns,
                                  .from = from,
                                  .next = from,
                                  .cause = (uint16_t)cause_of(progress, from, record->world_ns)};
    progress->acquired = oracle_mark(record);
}

static void owner_ends(struct group_queue *progress, struct oracle_mark mark) {
    struct queue_owner *owner = owner_of(progress, mark.node);
    if (owner == NULL)
        return;
    remove_owner(progress, (size_t)(owner - progress->owners));
    progress->released = mark;
}

void messages_on_released(struct messages *messages, const struct record *record) {
    struct group_queue *progress = progress_of(messages, record, offset_in(record, 4));
    if (progress != NULL)
        owner_ends(progress, oracle_mark(record));
}

void messages_owner_gone(struct messages *messages, const struct record *record) {
    for (size_t i = 0; i < messages->progress_count; i++)
        owner_ends(messages->progress[i], oracle_mark(record));
}

/* ---- deliveries ---- */

/* What is cached from a former life of the broker may be delivered still; this is not. */
static void note_pull(struct queue_owner *owner, const struct message_broker *broker, uint64_t from,
                      uint64_t to) {
    bool first = owner->lives != broker->lives || owner->fresh_to == 0;
    if (!broker->recovered) /* an answer that was on its way */
        return;
    owner->lives = broker->lives;
    owner->fresh_from = first || from < owner->fresh_from ? from : owner->fresh_from;
    owner->fresh_to = first || to > owner->fresh_to ? to : owner->fresh_to;
}

static bool is_dead(const struct messages *messages, const struct group_queue *progress,
                    const struct queue_owner *owner, uint64_t number, uint64_t offset) {
    return messages->dead.count > 0 && owner != NULL &&
           owner->lives == progress->queue->broker->lives && offset >= owner->fresh_from &&
           offset < owner->fresh_to && !progress->queue->broker->disk_fault &&
           u64_set_has(&messages->dead, number);
}

void messages_on_pulled(struct messages *messages, const struct record *record) {
    struct group_queue *progress = progress_of(messages, record, offset_in(record, 4));
    uint64_t end = offset_in(record, 8) + 1;
    if (progress == NULL || record_uint(record, 6) == 0)
        return;
    if (end > progress->queue->max)
        progress->queue->max = end;
    struct queue_owner *owner = owner_of(progress, record->node);
    if (owner != NULL)
        note_pull(owner, progress->queue->broker, offset_in(record, 7), end);
}

/* Was it sent, and to this topic? */
static enum message_fate fate_of(uint64_t number, const struct message_producer *producer,
                                 const struct message_entry *message, uint32_t topic) {
    if (number == 0)
        return MESSAGE_UNNAMED;
    if (producer == NULL || message_sequence(number) > producer->top)
        return MESSAGE_UNKNOWN;
    uint32_t sent_to = message != NULL ? message->topic : producer->topic;
    return sent_to == 0 || sent_to == topic ? MESSAGE_KNOWN : MESSAGE_WRONG_TOPIC;
}

/* At this owner, or (node 0) at any. */
static uint64_t failed_key(const struct group_queue *progress, uint64_t offset, uint16_t node) {
    return table_key(progress->index, offset, node, 4) >> 1;
}

/* Does it come again because a handler failed: this owner's, or the last one that had it? */
static bool take_failed(struct messages *messages, const struct group_queue *progress,
                        uint64_t offset, uint16_t node) {
    if (messages->failed.count == 0)
        return false;
    bool here = u64_set_remove(&messages->failed, failed_key(progress, offset, node));
    return u64_set_remove(&messages->failed, failed_key(progress, offset, 0)) || here;
}

/* Has the place not been delivered before? */
static bool note_offset(struct messages *messages, struct group_queue *progress, uint64_t offset) {
    bool is_new = number_set_add(&progress->delivered, offset);
    messages->no_memory |= progress->delivered.holes.no_memory;
    if (offset >= progress->queue->max)
        progress->queue->max = offset + 1;
    if (offset >= progress->delivered_top)
        progress->delivered_top = offset + 1;
    return is_new;
}

/* The message came before; from this place or from another one. */
static enum duplicate_cause explain(const struct messages *messages,
                                    const struct group_queue *progress, bool same_place,
                                    bool in_turn, uint64_t number, uint64_t offset) {
    const struct message_producer *producer = messages_producer(messages, number);
    if (offset < progress->reset_top)
        return DUPLICATE_RESET;
    if (!same_place)
        return producer != NULL && number_set_has(&producer->once, message_sequence(number))
                   ? DUPLICATE_UNEXPLAINED
                   : DUPLICATE_RETRY;
    if (!in_turn)
        return DUPLICATE_UNEXPLAINED;
    return (enum duplicate_cause)messages->facts.owner->cause;
}

static void note_message(struct messages *messages, struct group_queue *progress,
                         struct message_entry *message) {
    struct message_topic *topic = messages_topic(messages, message->topic);
    messages->facts.has_message = true;
    message->delivered |= messages_group_bit(messages, topic, progress->group);
    messages->facts.message = *message;
    if (messages_is_settled(messages, message))
        messages_live_drop(messages, message);
}

/* Did the group not ask for it? */
static bool is_unwanted(const struct messages *messages, const struct record *record,
                        uint32_t topic) {
    if (messages->subscription_count == 0)
        return false;
    const struct message_subscription *subscription = messages_subscription(
        messages, intern_find(&messages->names, record_text(record, 0)), topic);
    return subscription != NULL && !subscription->mixed &&
           !messages_wants(messages, subscription, record_text(record, 10), record_uint(record, 6));
}

/* Group, topic, broker, queue, offset, physical, message, intact, reconsumed, born, tag. */
void messages_on_delivered(struct messages *messages, const struct record *record) {
    struct message_facts *facts = &messages->facts;
    uint64_t offset = offset_in(record, 4), number = record_uint(record, 6);
    struct group_queue *progress = progress_of(messages, record, offset);
    if (facts->queue == NULL)
        return;
    struct message_producer *producer = number == 0 ? NULL : messages_producer(messages, number);
    struct message_entry *message = messages_live_get(messages, number);
    facts->fate = fate_of(number, producer, message, facts->queue->topic);
    facts->unwanted = is_unwanted(messages, record, facts->queue->topic);
    if (progress == NULL)
        return;
    struct queue_owner *owner = owner_of(progress, record->node);
    facts->owner = owner;
    facts->owner_next = owner == NULL ? 0 : owner->next;
    facts->dead = is_dead(messages, progress, owner, number, offset);
    bool in_turn = owner != NULL && offset >= owner->next;
    if (in_turn)
        owner->next = offset + 1;
    bool failed = take_failed(messages, progress, offset, record->node);
    bool new_place = note_offset(messages, progress, offset);
    bool new_number = new_place;
    if (facts->fate == MESSAGE_KNOWN && record_uint(record, 7) != 0) {
        struct number_set *delivered = messages_delivered(messages, progress->group, producer);
        new_number = delivered != NULL && number_set_add(delivered, message_sequence(number));
        messages->no_memory |= delivered != NULL && delivered->holes.no_memory;
    }
    facts->first_delivery = new_number && new_place;
    if (failed)
        facts->duplicate = DUPLICATE_FAILED;
    else if (!new_place || !new_number)
        facts->duplicate = explain(messages, progress, !new_place, in_turn, number, offset);
    if (message != NULL)
        note_message(messages, progress, message);
}

/* Has another owner handled it, or was it done before? */
static bool is_done_elsewhere(const struct group_queue *progress, uint16_t node, uint64_t offset) {
    bool done = offset < progress->progress;
    for (size_t i = 0; !done && i < progress->owner_count; i++) {
        const struct queue_owner *owner = &progress->owners[i];
        done = owner->node != node && offset >= owner->from && offset < owner->next;
    }
    return done;
}

/* Its place is open again. */
void messages_on_failed(struct messages *messages, const struct record *record) {
    uint64_t offset = offset_in(record, 4);
    struct group_queue *progress = progress_of(messages, record, offset);
    if (progress == NULL)
        return;
    if (!is_done_elsewhere(progress, record->node, offset))
        number_set_remove(&progress->delivered, offset);
    u64_set_add(&messages->failed, failed_key(progress, offset, record->node));
    u64_set_add(&messages->failed, failed_key(progress, offset, 0));
}

/* ---- progress ---- */

void messages_on_reset(struct messages *messages, const struct record *record) {
    uint64_t now = offset_in(record, 5);
    struct group_queue *progress = progress_of(messages, record, now);
    if (progress == NULL)
        return;
    if (now < progress->delivered_top && progress->delivered_top > progress->reset_top)
        progress->reset_top = progress->delivered_top;
    if (now > progress->delivered_top)
        progress->floor = now;
    number_set_cut(&progress->delivered, now);
    if (now > progress->delivered.top)
        number_set_begin(&progress->delivered, &messages->host, now);
    struct queue_owner *owner = owner_of(progress, record->node);
    if (owner != NULL)
        owner->next = now;
    if (now < progress->progress) /* the broker hears of it with the next commit, if ever */
        progress->progress = now;
}

/* Acknowledged messages in [from, to) that were not delivered. */
static void count_skipped(struct messages *messages, const struct group_queue *progress,
                          uint64_t from, uint64_t to) {
    const struct number_set *acked = &progress->queue->acked;
    from = from < progress->floor ? progress->floor : from;
    from = from < progress->queue->min ? progress->queue->min : from;
    for (int looked = 0; from < to && looked < SKIPPED_MAX; looked++, from++) {
        from = number_set_absent(&progress->delivered, from, to);
        if (from == to || !number_set_has(acked, from))
            continue;
        if (messages->facts.skipped++ == 0)
            messages->facts.skipped_first = from;
    }
}

/* Group, topic, queue, offset, client; by the broker. */
static struct group_queue *progress_at(struct messages *messages, const struct record *record,
                                       uint64_t offset) {
    uint32_t group = messages_intern(messages, record_text(record, 0));
    uint32_t topic = messages_intern(messages, record_text(record, 1));
    struct message_queue *queue = messages_queue(
        messages, messages_broker_of(messages, record->node), topic, record_uint(record, 2));
    return progress_from(messages, group, queue, offset);
}

void messages_on_committed(struct messages *messages, const struct record *record) {
    uint64_t offset = offset_in(record, 3);
    struct group_queue *progress = progress_at(messages, record, offset);
    if (progress == NULL)
        return;
    messages->facts.old_progress = progress->progress;
    if (offset > progress->progress)
        count_skipped(messages, progress, progress->progress, offset);
    progress->progress = offset;
    progress->committed = oracle_mark(record);
}

/* Group, topic, queue, old, now: at the broker's start. */
void messages_on_lowered(struct messages *messages, const struct record *record) {
    uint64_t now = offset_in(record, 4);
    struct group_queue *progress = progress_at(messages, record, now);
    if (progress != NULL)
        progress->progress = now;
}
