/* broker/pull.h - requests 11 and 361: messages of a queue, from an offset on, are answered, or the
 * request is held until there are some (hold.h).
 *
 * pull_checks.c decides (broker.md 14.2, in its order), pull.c reads and answers. What is under way
 * or held is a pull_op, taken from a pool; the records that are read go from the store's buffer to
 * the connection without another copy.
 *
 * Differs from Apache: 4.9 answers 361 as it answers 11 (5.3 clients use it); a held pull that is
 * woken reads again without being checked again; one whose connection has closed is dropped; an
 * expression in the pull itself that does not compile is refused (Apache filters nothing then).
 * OFFSET_MOVED_EVENT gets a message per illegal offset with the quirk offsetMovedMessage only; the
 * event offset.moved comes anyway.
 */
#ifndef MODEL_BROKER_PULL_H
#define MODEL_BROKER_PULL_H

#include "model/broker/answer.h"
#include "model/broker/consumer_filters.h"
#include "model/broker/groups.h"
#include "model/broker/hold.h"
#include "model/broker/topics.h"
#include "model/store/store.h"

#define PULL_OPS_IDLE_MAX 64
#define PULL_BUFFERS_IDLE 2
#define PULL_BUFFER_KEPT_BYTES (512 * 1024)

struct broker;

struct pull_op {
    struct store_get get;
    struct held held;
    struct list link; /* in pulls.live or pulls.idle */
    struct broker *broker;
    struct asker asker;
    struct buf text; /* behind the two spans */
    struct span topic;
    struct span group;
    uint64_t suspend_ms;
    bool first; /* not woken yet: may be held */
    bool suspend;
    bool reading;
    struct subscription filter;    /* its texts are gone: codes only */
    struct expression *expression; /* NULL: tags only */
    bool by_origin;                /* filterSupportRetry: what came back counts as what it was */
};

struct pulls {
    struct list live; /* reading or held, in order of arrival */
    struct list idle;
    uint32_t idle_count;
    uint32_t reading;
    uint32_t buffer_count;
    struct buf buffers[PULL_BUFFERS_IDLE]; /* idle */
};

void pulls_init(struct pulls *pulls, struct broker *broker);
/* Drops what is under way and held. Does nothing when never initialised. */
void pulls_deinit(struct pulls *pulls, struct broker *broker);
/* Its held pulls are dropped, what is being read will have no answer. */
void pulls_forget_channel(struct pulls *pulls, struct broker *broker,
                          const struct channel *channel);

/* Checks, reads, answers or holds `request`, which flow.h let in. */
void pull_process(struct broker *broker, struct channel *channel,
                  const struct wire_command *request);

/* ---- for hold.c ---- */
/* A held pull runs again, for the last time. */
void pull_woken(struct held *held);
/* Whether a message with these properties, whose tags code matches, is wanted. */
bool pull_wants(const struct held *held, struct span properties);
struct holds *pull_holds(const struct held *held);

/* ---- pull_checks.c ---- */
/* Whether the group may pull from the queue. Else *outcome says why not. */
struct header_pull;
bool pull_check(struct broker *broker, const struct header_pull *header, struct span peer,
                struct outcome *outcome);
/* After pull_check: its *filter, the caller's to deinit, and *expression, his to unref, NULL for
 * tags. Else *outcome says why there is none. */
bool pull_filter(struct broker *broker, const struct header_pull *header,
                 struct subscription *filter, struct expression **expression,
                 struct outcome *outcome);

#endif
