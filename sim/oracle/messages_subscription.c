/* sim/oracle/messages_subscription.c - what groups want of their topics, as consumer.rebalanced
 * says: a tag expression or selector, and whether each member gets all (broadcasting). */
#include "sim/oracle/messages_internal.h"
#include "sim/oracle/selector.h"

static struct message_subscription *put(struct messages *messages, uint32_t group, uint32_t topic) {
    uint64_t *at = table_put(&messages->subscription_of, table_key(group, topic, 0, 5));
    struct message_subscription *all =
        at == NULL
            ? NULL
            : array_room(&messages->host, messages->subscriptions, messages->subscription_count,
                         &messages->subscription_capacity, sizeof *all);
    messages->no_memory |= all == NULL;
    if (all == NULL)
        return NULL;
    messages->subscriptions = all;
    if (*at == 0) {
        all[messages->subscription_count++] = (struct message_subscription){.expression = 0};
        *at = messages->subscription_count;
    }
    return &all[*at - 1];
}

const struct message_subscription *messages_subscription(const struct messages *messages,
                                                         uint32_t group, uint32_t topic) {
    const uint64_t *at = messages->subscription_count == 0
                             ? NULL
                             : table_get(&messages->subscription_of, table_key(group, topic, 0, 5));
    return at == NULL ? NULL : &messages->subscriptions[*at - 1];
}

bool messages_is_broadcast(const struct messages *messages, uint32_t group, uint32_t topic) {
    const struct message_subscription *subscription = messages_subscription(messages, group, topic);
    return subscription != NULL && subscription->broadcast;
}

/* Group, topic, members, queues, mine, strategy, expression. */
void messages_on_rebalanced(struct messages *messages, const struct record *record) {
    uint32_t group = messages_intern(messages, record_text(record, 0));
    uint32_t topic = messages_intern(messages, record_text(record, 1));
    struct span expression = record_text(record, 6);
    bool all = expression.len == 0 || span_equal(expression, SPAN_LITERAL("*"));
    bool broadcast = span_equal(record_text(record, 5), SPAN_LITERAL("ALL"));
    if (all && !broadcast && messages_subscription(messages, group, topic) == NULL)
        return;
    struct message_subscription *subscription = put(messages, group, topic);
    if (subscription == NULL)
        return;
    uint32_t name = all ? 0 : messages_intern(messages, expression);
    subscription->mixed |= selector_is(expression) && !selector_reads(expression);
    subscription->mixed |= subscription->known && subscription->expression != name;
    subscription->known = true;
    subscription->expression = name;
    subscription->broadcast = broadcast;
}

static struct span trimmed(struct span text) {
    while (text.len > 0 && text.data[0] == ' ')
        text = span_from(text, 1);
    while (text.len > 0 && text.data[text.len - 1] == ' ')
        text.len--;
    return text;
}

bool messages_wants(const struct messages *messages,
                    const struct message_subscription *subscription, struct span tag,
                    uint64_t number) {
    if (subscription == NULL || subscription->expression == 0)
        return true;
    struct span rest = messages_name(messages, subscription->expression);
    if (selector_is(rest))
        return selector_wants(rest, tag, (uint32_t)message_sequence(number));
    for (size_t begin = 0, at = 0; at <= rest.len; at++) {
        bool bar = at + 1 < rest.len && rest.data[at] == '|' && rest.data[at + 1] == '|';
        if (!bar && at < rest.len)
            continue;
        if (span_equal(trimmed(span_of(rest.data + begin, at - begin)), tag))
            return true;
        begin = ++at + 1;
    }
    return false;
}

void messages_note_unwanted(struct messages *messages, struct message_entry *message,
                            const struct message_queue *queue) {
    const struct message_topic *topic = messages_topic(messages, message->topic);
    for (size_t i = 0; messages->subscription_count > 0 && i < topic->group_count && i < 64; i++) {
        const struct message_subscription *subscription =
            messages_subscription(messages, topic->groups[i], message->topic);
        if (subscription == NULL ||
            (!subscription->mixed &&
             messages_wants(messages, subscription, messages_name(messages, message->tag),
                            message->number)))
            continue;
        message->delivered |= UINT64_C(1) << i;
        struct group_queue *progress = messages_progress(messages, topic->groups[i], queue);
        if (progress == NULL || message->offset < progress->floor)
            continue;
        (void)number_set_add(&progress->delivered, message->offset);
        messages->no_memory |= progress->delivered.holes.no_memory;
    }
}
