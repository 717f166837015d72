/* mqadmin/send.h - sending messages as a producer does: route (105), the default topic's when the
 * topic is new, a queue in turn, SEND_MESSAGE_V2 (310). */
#ifndef REAL_MQADMIN_SEND_H
#define REAL_MQADMIN_SEND_H

#include "real/mqadmin/cluster.h"

struct send_queue {
    const char *broker, *address;
    int64_t id;
};
struct sender {
    struct admin *admin;
    const char *group, *topic;
    struct send_queue *queues;
    size_t queue_count, next;
    bool is_new; /* the route is the default topic's: it is asked for again */
};
struct sent {
    bool ok;
    const struct send_queue *queue; /* NULL: none was found */
    const char *status;             /* SEND_OK, FLUSH_DISK_TIMEOUT, ... */
    const char *msg_id, *offset_id;
    int64_t queue_offset;
    int64_t millis;    /* of the answer, or of the failure */
    struct call *call; /* the last attempt; NULL without one */
};
struct send_message {
    struct span body;
    const char *keys, *tags; /* NULL: none */
    const char *properties;  /* further ones, encoded; NULL: none */
    const char *broker;      /* NULL: any queue */
    int64_t queue_id;        /* with broker; -1: any of the broker's */
};

/* Asks for the route. False after a failure: nobody takes messages of the topic. */
bool sender_init(struct sender *sender, struct admin *admin, const char *group, const char *topic);
/* Up to 3 attempts at different queues, one at a queue that was named. What fails is told in `out`,
 * and is no failure of the command yet: sent_ok says so. */
void sender_send(struct sender *sender, const struct send_message *message, struct sent *out);
bool sent_ok(struct admin *admin, const struct sent *sent);
/* SendResult.toString */
const char *sent_text(struct admin *admin, const struct sender *sender, const struct sent *sent);

#endif
