/* client/producer_internal.h - the parts of a producer.
 *
 * producer.c: configuration, start, stop, topics. producer_message.c: what is checked, kept and
 * sent. producer_calls.c: what the application calls. producer_send.c: the life of one send.
 *
 * A send's state keeps the message, so that a retry is encoded again from it. States are pooled:
 * once as many as are under way together have been made, a send allocates nothing of its own. */
#ifndef MODEL_CLIENT_PRODUCER_INTERNAL_H
#define MODEL_CLIENT_PRODUCER_INTERNAL_H

#include "model/client/client_internal.h"
#include "model/client/fault_strategy.h"
#include "model/client/producer.h"

#define BROKER_NAME_MAX (sizeof((struct send *)NULL)->broker - 1)
#define SEND_REMARK_MAX 160
#define SEND_KEEP_BYTES (64 * 1024) /* a pooled state keeps no larger buffer */

/* Codes of Java's client exceptions. */
enum {
    CLIENT_CODE_NONE = -1,
    CLIENT_CODE_CONNECT = 10001,
    CLIENT_CODE_TIMEOUT = 10002,
    CLIENT_CODE_NO_BROKER = 10003,
    CLIENT_CODE_NO_NAME_SERVER = 10004,
    CLIENT_CODE_NO_ROUTE = 10005
};

/* A topic that was sent to. */
struct producer_topic {
    UT_hash_handle hh;
    bool map_failed;
    struct span name; /* the application's, in text */
    struct client_topic *topic;
    uint32_t version; /* of the route that the counter belongs to */
    struct queue_counter counter;
    char text[];
};

struct producer_settings {
    struct span create_topic_key; /* in the producer's text */
    int32_t default_queue_nums;
    uint64_t timeout_ns;
    size_t compress_over; /* body length from which on */
    uint32_t retries, async_retries;
    bool retry_not_stored;
    size_t message_max;
    bool smart;
};

struct producer {
    struct env *env;
    struct client *client;
    struct client_producer member;
    struct producer_settings settings;
    bool stopping;
    struct span name_space;
    struct producer_topic *topics;
    struct producer_topic *last; /* the one sent to last */
    struct fault_strategy faults;
    struct list states; /* under way, in order of start */
    struct list spare;
    struct buf scratch; /* numbers of a header; names */
    uint64_t messages;  /* taken, for a planted bug */
    uint64_t acked;     /* the same */
    struct buf text;    /* group, default topic, namespace */
};

struct send_state {
    struct list link;
    struct producer *producer;
    struct send *send; /* NULL: a planted second send */
    struct producer_topic *topic;
    struct client_route_wait wait; /* while the route is asked for */
    bool asked_route;              /* in this send */
    enum send_mode mode;
    bool targeted; /* to a queue of the application's choice */
    bool batch;
    bool calling; /* a request is under way */
    bool maybe_stored;
    uint64_t begin_ns;
    uint64_t attempt_ns; /* when the last attempt began */
    uint32_t attempts, attempts_max;
    int32_t queue_id;
    int32_t header_queue_id; /* an async retry keeps the first choice's (8.4) */
    size_t broker_len, header_broker_len, last_broker_len;
    char broker[BROKER_NAME_MAX];
    char header_broker[BROKER_NAME_MAX];
    char last_broker[BROKER_NAME_MAX]; /* where the attempt before failed */
    int last_status; /* how: RMQ_E_ value, or RMQ_E_STATE with last_code and last_remark */
    int32_t last_code;
    size_t last_remark_len;
    char last_remark[SEND_REMARK_MAX];
    bool has_result;    /* stored, but not as asked (10, 11, 12), and tried again */
    struct send result; /* of the last attempt that stored it */
    int32_t flag, sys_flag;
    int32_t delay_level;
    uint64_t number;
    size_t body_bytes; /* as the application gave it */
    struct buf bytes;  /* properties, then the body */
    size_t properties_len;
    struct buf members; /* of a batch: struct send_member each */
    struct buf ids;     /* of a batch: the broker's message ids, joined by ',' */
};

struct send_member {
    uint64_t number;
    uint64_t bytes;
};

/* ---- producer.c ---- */
int producer_topic_get(struct producer *producer, struct span name,
                       struct producer_topic **out) RMQ_CHECK_RESULT;
struct send_state *send_state_take(struct producer *producer);
void send_state_release(struct send_state *state);

/* ---- producer_send.c ---- */
/* The first attempt; mode, target and message are set. */
void send_state_begin(struct send_state *state);
/* Ends it with RMQ_E_CLOSED. */
void send_state_close(struct send_state *state);
/* Ends it without a word. */
void send_state_drop(struct send_state *state);

/* ---- producer_message.c ---- */
/* RMQ_OK, or RMQ_E_INVALID with Java's text appended to `why` and its code. */
int message_validate(const struct producer *producer, const struct outgoing *message,
                     struct buf *why, int32_t *code) RMQ_CHECK_RESULT;
/* Does a group or topic name have RocketMQ's characters only? */
bool name_is_legal(struct span name);
/* Copies the message into the state: properties with the unique key, body compressed if due.
 * RMQ_E_INVALID: a separator in a property; RMQ_E_NOMEM. */
int send_state_keep(struct send_state *state, const struct outgoing *message) RMQ_CHECK_RESULT;
/* The same for a batch; `why` as above. */
int send_state_keep_batch(struct send_state *state, const struct outgoing *messages, size_t count,
                          struct buf *why) RMQ_CHECK_RESULT;
/* The request of the next attempt; its spans live until producer->scratch changes. */
int send_request(struct send_state *state, struct wire_command *request) RMQ_CHECK_RESULT;
static inline void send_state_set_broker(struct send_state *state, struct span name) {
    state->broker_len = name.len < BROKER_NAME_MAX ? name.len : BROKER_NAME_MAX;
    memcpy(state->broker, name.data, state->broker_len);
}
static inline struct span send_body(const struct send_state *state) {
    return span_from(buf_span(&state->bytes), state->properties_len);
}

#endif
