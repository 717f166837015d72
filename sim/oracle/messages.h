/* sim/oracle/messages.h - what the event stream says about messages: one ledger, read by oracles
 * and metrics. One per judge, updated after the cluster and before they get a record.
 *
 * A message has a number (model/load/body.h: producer's life << 32 | sequence) and, once stored, a
 * place: broker, topic, queue, offset. While it is under way it has an entry; when it is settled
 * (acknowledged and delivered, or passed by a commit, in each group of its topic) the entry goes.
 * What stays are sets of numbers (sim/oracle/number_set.h): per queue the acknowledged offsets, per
 * group and queue the delivered ones, per producer the sequences that were acknowledged at the
 * first attempt, per group and producer the delivered ones. So a duplicate or a phantom of a
 * settled message is recognised, and memory grows with holes and with what is under way, not with
 * what is settled.
 *
 * What a group does not want (its tag expression, consumer.rebalanced) counts as delivered to it
 * when it is acknowledged; what was acknowledged before the group had the queue is not expected. A
 * broadcast group has no entry here: each member has all queues and keeps its own progress. A
 * failed send's message is not under way any more, but may still be delivered. */
#ifndef SIM_ORACLE_MESSAGES_H
#define SIM_ORACLE_MESSAGES_H

#include "sim/oracle/cluster.h"
#include "sim/oracle/number_set.h"

struct acked_message;
struct message_broker {
    uint32_t name;  /* interned; of a slave its node's name */
    uint16_t node;  /* 0: not seen yet */
    uint32_t lives; /* times its node went down */
    int64_t flushed_to;
    struct oracle_mark down;    /* the latest end; kind 0: none */
    int64_t down_flushed_to;    /* flushed_to then */
    bool power_lost;            /* the latest end was a power-off */
    bool disk_fault;            /* its disk lied, failed or rotted: nothing is promised any more */
    bool disk_trouble;          /* that, or it was full, read-only or stalled: starts may fail */
    bool recovered;             /* store.recovered in this life */
    int64_t deleted_to;         /* retention removed what is below */
    struct oracle_mark begun;   /* its store was empty then; kind 0: never seen so */
    struct acked_message *acks; /* not yet flushed, in order of the answers: a ring */
    size_t ack_first, ack_count, ack_capacity;
};

struct acked_message {
    uint64_t number;
    uint64_t offset;
    int64_t physical;
    struct oracle_mark mark;
    uint32_t queue; /* index */
    int32_t status;
};

struct message_queue {
    uint32_t index;
    uint32_t topic; /* interned */
    uint32_t queue;
    struct message_broker *broker;
    uint64_t min, max;        /* as far as known; max: one past the highest offset */
    uint64_t recovered_max;   /* at the latest recovery; UINT64_MAX: none */
    uint32_t recovered_lives; /* the broker's `lives` then */
    int64_t dead_below;       /* its topic was deleted: what is below is no message of it */
    struct number_set acked;
    struct acked_message safe; /* highest one that was flushed; mark.kind 0: none */
    uint64_t first_seen_ns;
};

/* An attempt with less time left for an answer tries nothing. */
#define MESSAGE_TRY_NS 50000000
#define MESSAGE_OWNERS 8
struct queue_owner {
    uint16_t node;
    uint64_t since_ns;
    uint64_t from;                 /* offset it began at */
    uint64_t next;                 /* one past the highest offset it delivered */
    uint32_t lives;                /* of the broker at its latest pull ... */
    uint64_t fresh_from, fresh_to; /* ... and what it has pulled in this life of it */
    uint16_t cause;                /* enum duplicate_cause of what it delivers a second time */
};
/* A group's progress on a queue. */
struct group_queue {
    uint32_t index;
    uint32_t group; /* interned */
    struct message_queue *queue;
    uint64_t floor;    /* what is below is not expected */
    uint64_t progress; /* committed, as the broker said last */
    uint64_t delivered_top;
    uint64_t reset_top; /* up to here an offset reset may bring messages again */
    struct oracle_mark committed;
    struct number_set delivered;
    struct queue_owner owners[MESSAGE_OWNERS];
    size_t owner_count;
    struct oracle_mark acquired, released; /* latest */
};

/* A producer in one life of its node. */
struct message_producer {
    uint32_t id;    /* number >> 32 */
    uint32_t top;   /* highest sequence started */
    uint32_t topic; /* interned; 0: several */
    uint16_t node;
    struct number_set once; /* acknowledged, by the first attempt */
};

struct message_topic {
    uint32_t name;
    uint32_t *groups; /* interned names of those that consume it */
    size_t group_count, group_capacity;
    uint64_t unresolved; /* sends under way, and failed ones that may be stored */
};

/* What a group wants of a topic; one that wants all and balances has none. */
struct message_subscription {
    uint32_t expression; /* interned; 0: all */
    bool broadcast;
    bool mixed; /* members differ: what it wants is not known */
    bool known;
};

/* An entry: under way. */
struct message_entry {
    uint64_t number;
    uint64_t started_ns;
    uint64_t acked_ns; /* 0: not yet */
    uint64_t offset;
    int64_t physical;
    uint64_t delivered; /* bit per group of the topic */
    uint64_t tried;     /* bit per broker (interned number % 64) that had time left for an answer */
    uint32_t queue;     /* index + 1; 0: unknown */
    uint32_t topic;
    uint32_t tag; /* interned; 0: none */
    uint16_t node;
    uint16_t attempts;
    uint16_t delay_level; /* 0: none */
};

/* Why a message came again. */
#define DUPLICATE_CAUSES(X)                                                                  \
    X(UNEXPLAINED, "unexplained", "nothing in the stream explains it")                       \
    X(RETRY, "retry", "its send had more than one attempt, or failed and may be stored")     \
    X(REBALANCE, "rebalance", "the queue has another owner, or one that acquired it again")  \
    X(RESTART, "restart", "the owner's process is a new one")                                \
    X(OFFSETS_LOST, "offsets_lost", "the broker went down with progress that was not saved") \
    X(RESET, "reset", "the group's progress was set back")                                   \
    X(FAILED, "failed", "its handler failed")
enum duplicate_cause {
    DUPLICATE_NONE,
#define DUPLICATE_ENUM(id, name, about) DUPLICATE_##id,
    DUPLICATE_CAUSES(DUPLICATE_ENUM)
#undef DUPLICATE_ENUM
        DUPLICATE_COUNT
};
const char *duplicate_name(enum duplicate_cause cause);

/* Acknowledged messages that a restart shows to be gone. */
struct lost_message {
    struct acked_message ack;
    bool flushed;       /* it was durable before */
    uint64_t and_below; /* how many more of its queue below it are not known one by one */
};

enum message_fate { MESSAGE_UNNAMED, MESSAGE_KNOWN, MESSAGE_UNKNOWN, MESSAGE_WRONG_TOPIC };

/* What the record at hand means; zero where it does not apply. */
struct message_facts {
    struct message_broker *broker;
    struct message_queue *queue;
    struct group_queue *progress;
    const struct queue_owner *owner; /* of consume.delivered: as it was before */
    uint64_t owner_next;             /* ... what it was to deliver next */
    bool has_message;
    struct message_entry message; /* copy of its entry, even when it has just gone */
    enum message_fate fate;
    enum duplicate_cause duplicate;
    bool unwanted;          /* of consume.delivered: the group did not ask for its tag */
    bool first_delivery;    /* of this message in this group */
    bool dead;              /* a restart had shown that it was lost, and it was pulled since */
    bool offset_taken;      /* of send.acked: the place belongs to another message */
    uint64_t old_progress;  /* of offset.committed */
    uint64_t skipped;       /* of offset.committed: acknowledged ones it passes undelivered */
    uint64_t skipped_first; /* ... the first one's offset */
    struct lost_message *lost;
    size_t lost_count;
};

struct messages {
    struct oracle_host host;
    struct intern names;
    struct message_facts facts;
    struct message_broker **brokers; /* by interned name */
    size_t broker_capacity;
    struct message_broker **by_node;
    size_t by_node_capacity;
    struct message_topic **topics; /* by interned name */
    size_t topic_capacity;
    struct table queue_of; /* (broker, topic, queue) -> index + 1 */
    struct message_queue **queues;
    size_t queue_count, queue_capacity;
    struct table progress_of; /* (group, queue) -> index + 1 */
    struct group_queue **progress;
    size_t progress_count, progress_capacity;
    struct table producer_of; /* id -> index + 1 */
    struct message_producer **producers;
    size_t producer_count, producer_capacity;
    struct table delivered_of; /* (group, producer) -> index + 1 */
    struct number_set **delivered;
    size_t delivered_count, delivered_capacity;
    struct table subscription_of; /* (group, topic) -> index + 1 */
    struct message_subscription *subscriptions;
    size_t subscription_count, subscription_capacity;
    struct u64_set failed;      /* (progress, offset, node or 0): its handler failed */
    struct u64_set dead;        /* numbers of lost messages that were stored once; the latest */
    struct message_entry *live; /* open addressing by number */
    size_t live_capacity, live_count;
    size_t lost_capacity;
    bool no_memory;
};

struct messages *messages_create(const struct oracle_host *host); /* NULL: no memory */
void messages_on_record(struct messages *messages, const struct record *record);

struct span messages_name(const struct messages *messages, uint32_t name);
/* The entry of `number`; NULL: settled, failed or unknown. */
const struct message_entry *messages_find(const struct messages *messages, uint64_t number);
/* The group's progress on a queue, NULL. */
struct group_queue *messages_progress(const struct messages *messages, uint32_t group,
                                      const struct message_queue *queue);
/* NULL: all of the topic, balanced; or not known. */
const struct message_subscription *messages_subscription(const struct messages *messages,
                                                         uint32_t group, uint32_t topic);
bool messages_is_broadcast(const struct messages *messages, uint32_t group, uint32_t topic);
bool messages_wants(const struct messages *messages,
                    const struct message_subscription *subscription, struct span tag,
                    uint64_t number);
struct message_topic *messages_topic(const struct messages *messages, uint32_t name);
/* "T queue 3 of broker-a" into `out`. */
#define QUEUE_TEXT_MAX 160
const char *messages_queue_text(const struct messages *messages, const struct message_queue *queue,
                                char out[QUEUE_TEXT_MAX]);
/* Is the name in a comma-separated list? */
bool messages_listed(const struct messages *messages, struct span list, uint32_t name);
/* Acknowledged messages that no group member got yet, over groups and their queues. */
uint64_t messages_backlog(const struct messages *messages);
/* A send.failed of code 0 is a one-way send that was handed to its connection: nobody knows more.
 */
static inline bool is_one_way(const struct record *failed) {
    return record_int(failed, 3) == 0;
}
/* Its sequences of messages: producer's life and sequence in it. */
static inline uint32_t message_producer_id(uint64_t number) {
    return (uint32_t)(number >> 32);
}
static inline uint32_t message_sequence(uint64_t number) {
    return (uint32_t)number;
}

#endif
