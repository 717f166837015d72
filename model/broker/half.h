/* broker/half.h - transactions: how a half message ends (request 37), and what that writes.
 *
 * A prepared send (send.h) is stored in RMQ_SYS_TRANS_HALF_TOPIC, queue 0. A commit stores the real
 * message (put_rewrite.h: it may be delayed), then an op message - the half message's queue offset
 * in RMQ_SYS_TRANS_OP_HALF_TOPIC, tag d; a rollback only the op message (store.md 21, broker.md
 * 21.1; EndTransactionProcessor.java, TransactionalMessageBridge.java). transaction_check.h asks
 * for what does not end.
 *
 * Differs from Apache:
 *   - what is ended must be a half message: Apache takes any message that has the group's PGROUP
 *   - a state other than 0, 8, 12 is code 1 with a remark
 *   - a rollback whose op message is not stored is answered with the reason, not with success */
#ifndef MODEL_BROKER_HALF_H
#define MODEL_BROKER_HALF_H

#include "model/base/list.h"
#include "model/wire/message.h"

#define HALF_TOPIC SPAN_LITERAL("RMQ_SYS_TRANS_HALF_TOPIC")
#define HALF_OP_TOPIC SPAN_LITERAL("RMQ_SYS_TRANS_OP_HALF_TOPIC")
#define HALF_GROUP SPAN_LITERAL("CID_RMQ_SYS_TRANS")

enum transaction_state {
    TRANSACTION_UNKNOWN = 0,
    TRANSACTION_COMMIT = MESSAGE_SYS_COMMIT,
    TRANSACTION_ROLLBACK = MESSAGE_SYS_ROLLBACK
};

struct broker;
struct channel;
struct wire_command;
struct halves {
    struct list under_way; /* ends, in order of arrival */
    struct list idle;
    uint32_t idle_count;
    int64_t op_end;              /* one past the last op message that was stored, in this process */
    uint64_t commits, rollbacks; /* for planted bugs */
};
void halves_init(struct halves *halves);
/* Drops what is under way (the store forgets it). Does nothing when never initialised. */
void halves_deinit(struct halves *halves, struct broker *broker);
void halves_forget_channel(struct halves *halves, const struct channel *channel);

/* Whether the half message at `queue_offset` is being ended. */
bool half_is_ending(const struct halves *halves, int64_t queue_offset);
/* The half topic's configuration is there from the first half message on. RMQ_E_NOMEM. */
int half_ensure_topic(struct broker *broker) RMQ_CHECK_RESULT;
/* PGROUP, REAL_TOPIC, REAL_QID of a half message. */
struct half_place {
    struct span group, topic;
    int32_t queue_id;
};
/* False: not a half message. */
bool half_place(const struct message *message, struct half_place *out);

/* Request 37. */
void broker_on_end_transaction(struct broker *broker, struct channel *channel,
                               const struct wire_command *request);

#endif
