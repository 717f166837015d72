/* broker/send.h - requests 10, 310 and 320: a message is checked, stored and acknowledged.
 *
 * send_checks.c decides (broker.md 11.2, in its order), send.c stores and answers. What is under
 * way is a send_op, taken from a pool: a send that has found a warm pool allocates nothing.
 *
 * Differs from Apache:
 *   - transactional and timed messages are refused with code 13 (they come with the issue on full
 *     messaging), in both profiles, never stored as plain ones
 *   - a message that was retried too often is in the DLQ at once; with 4.9 its DELAY still counts
 *   - properties keep the sender's order, with CLUSTER (and 5.3's UNIQ_KEY) last: Java's is that of
 *     a hash table
 *   - a missing header field is named in the remark, where Java shows a NullPointerException */
#ifndef MODEL_BROKER_SEND_H
#define MODEL_BROKER_SEND_H

#include "model/broker/answer.h"
#include "model/broker/put_rewrite.h"
#include "model/broker/topics.h"
#include "model/store/store.h"

#define SEND_OPS_IDLE_MAX 256

struct broker;

struct send_op {
    struct store_put put;
    struct list link; /* in sends.under_way or sends.idle */
    struct broker *broker;
    struct asker asker;
    uint64_t begun_ns;
    int32_t queue_id;
    bool batch;
    bool has_unique_key;
    struct buf unique_key; /* 5.3: goes into the answer */
    struct buf topic;
};

struct sends {
    struct list under_way; /* in order of arrival */
    struct list idle;
    uint32_t under_way_count;
    uint32_t idle_count;
    struct buf properties; /* as they are stored; of one request at a time */
    struct buf rewritten;  /* put_rewrite.h */
    uint32_t unique_counter;
};

void sends_init(struct sends *sends, struct broker *broker);
/* Drops what is under way (the store forgets it). Does nothing when never initialised. */
void sends_deinit(struct sends *sends, struct broker *broker);
void sends_forget_channel(struct sends *sends, const struct channel *channel);

/* Checks, stores, answers `request`, which flow.h let in. */
void send_process(struct broker *broker, struct channel *channel,
                  const struct wire_command *request);
/* Stores a message of the broker's own, without an answer. */
void send_own(struct broker *broker, const struct message *message);

struct header_send_v2;
/* The header of 10 and 324, or that of the others; false: *outcome says what is wrong. */
bool send_read_header(const struct broker *broker, const struct wire_command *request,
                      struct header_send_v2 *out, struct outcome *outcome);

/* ---- checks (send_checks.c) ---- */
struct send_target {
    struct topic_config topic; /* where it goes: as asked, or the group's DLQ */
    int32_t queue_id;
    int32_t answered_queue_id; /* of the topic that was asked for */
    int32_t sys_flag;
    bool dead; /* it goes to the group's DLQ: not delayed, whatever it says */
};
/* Where the message goes; creates the topic where that is allowed. False: *outcome says why not. */
bool send_check(struct broker *broker, const struct header_send_v2 *header, int32_t version,
                struct span peer, struct send_target *target, struct outcome *outcome);

/* What is read from the properties on the way. */
struct send_properties {
    struct span unique_key; /* absent: none */
    bool wait;              /* WAIT is not "false" */
    struct put_wish wish;
};
/* Fills `out` (cleared first) with what is stored of `properties`. False: they ask for what is not
 * here yet, or memory is out; *outcome says it. */
bool send_read_properties(struct broker *broker, struct span properties, int32_t sys_flag,
                          bool batch, struct buf *out, struct send_properties *read,
                          struct outcome *outcome);

#endif
