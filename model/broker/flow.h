/* broker/flow.h - what waits in front of the store, and what is refused when it does not keep up.
 *
 * Apache hands requests to pools of threads; a queue in front of a pool grows when its threads are
 * stuck in the store (broker.md 9). A broker of events has no threads, so the queues say what they
 * mean:
 *
 *   sends  wait while a write to the commit log has been under way for FLOW_STALL_MS (what came
 *          before is in the store already and completes or not with that write), and while
 *          sendThreadPoolQueueCapacity puts are under way
 *   pulls  wait while pullMessageThreadPoolNums reads are under way
 *
 * A request is refused with SYSTEM_BUSY, which makes clients try another broker:
 *
 *   [REJECTREQUEST]        a send, on arrival: page cache busy, that is, the oldest write to the
 *                          commit log is older than osPageCacheBusyTimeOutMills
 *   [PCBUSY_CLEAN_QUEUE]   a send that waits: the same
 *   [TIMEOUT_CLEAN_QUEUE]  waited for waitTimeMillsIn...Queue
 *   [OVERLOAD]             its queue is full
 *   [PC_SYNCHRONIZED]      the store itself found the page cache busy (send.c)
 *
 * Differs: Apache's words are followed by the limit, and by what is being waited for; each refusal
 * is an event (flow.refused). Heartbeats never wait here, so their limit (31 s) has no use.
 * Everything is looked at each 10 ms while a send waits, as Apache's scan does, and at the deadline
 * of the first pull; with nothing waiting there is no timer. brokerFastFailureEnable=false leaves
 * what waits alone. */
#ifndef MODEL_BROKER_FLOW_H
#define MODEL_BROKER_FLOW_H

#include "model/broker/answer.h"

#define FLOW_STALL_MS 10

struct broker;

enum flow_kind { FLOW_SENDS, FLOW_PULLS };
struct flow_queue {
    struct list waiting; /* in order of arrival */
    uint32_t count;
};
struct flow {
    struct broker *broker;
    struct flow_queue queues[2];
    struct env_timer timer; /* armed while something waits */
    bool running;           /* a queue is being emptied */
};

void flow_init(struct flow *flow, struct broker *broker);
/* Drops what waits, unanswered. Does nothing when never initialised. */
void flow_deinit(struct flow *flow);

/* Whether `request` may be processed now. If not it has been answered, or a copy waits, which is
 * given to send_process or pull_process when its turn comes. */
bool flow_admit(struct flow *flow, enum flow_kind kind, struct channel *channel,
                const struct wire_command *request);
/* A put or a read has ended: what waits may go. */
void flow_resume(struct flow *flow, enum flow_kind kind);
/* Its requests that wait are dropped. */
void flow_forget_channel(struct flow *flow, const struct channel *channel);
/* How many wait, and for how long the first of them does, ms; 0 without one. */
uint32_t flow_waiting(const struct flow *flow, enum flow_kind kind);
uint64_t flow_head_wait_ms(const struct flow *flow, enum flow_kind kind);
/* The store refused a put because of its page cache: the rest of the remark, and the event. */
void flow_store_refused(struct flow *flow, struct outcome *outcome);

#endif
