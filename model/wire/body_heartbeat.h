/* wire/body_heartbeat.h - the bodies of HEART_BEAT (34) and CHECK_CLIENT_CONFIG (46), both ways.
 *
 * The writer's bytes are those of Java clients, given the same order of groups and subscriptions
 * (which is that of hash sets there). Source: broker.md 19.1, client.md 5, wire.md 17. */
#ifndef MODEL_WIRE_BODY_HEARTBEAT_H
#define MODEL_WIRE_BODY_HEARTBEAT_H

#include "model/base/json.h"
#include "model/wire/frame.h"

enum heartbeat_consume_type { CONSUME_PASSIVELY, CONSUME_ACTIVELY, CONSUME_POP };
enum heartbeat_model { MODEL_CLUSTERING, MODEL_BROADCASTING };
enum heartbeat_from {
    FROM_LAST_OFFSET,
    FROM_FIRST_OFFSET,
    FROM_TIMESTAMP,
    FROM_LAST_AND_MIN, /* the deprecated names: as FROM_LAST_OFFSET */
    FROM_MIN_OFFSET,
    FROM_MAX_OFFSET
};
/* As on the wire: "CLUSTERING". */
const char *heartbeat_consume_type_text(enum heartbeat_consume_type type);
const char *heartbeat_model_text(enum heartbeat_model model);
const char *heartbeat_from_text(enum heartbeat_from from);

struct heartbeat_client {
    struct span client_id;
    int32_t fingerprint; /* 5.3's second form; 0: the first */
    bool without_sub;    /* 5.3: subscriptions are as they were */
};
struct heartbeat_consumer {
    struct span group;
    enum heartbeat_consume_type consume_type;
    enum heartbeat_model model;
    enum heartbeat_from from_where;
    bool unit_mode;
};
struct heartbeat_subscription {
    struct span topic;
    struct span expression; /* subString */
    struct span type;       /* expressionType; absent: TAG */
    int64_t version;        /* subVersion */
    bool class_filter;
};

/* Called in this order whatever the order in the body: the client, each consumer group followed by
 * its subscriptions, each producer group. Return non-zero to stop with that error. Spans end with
 * the decoding. */
struct heartbeat_visitor {
    int (*on_client)(void *ctx, const struct heartbeat_client *client);
    int (*on_consumer)(void *ctx, const struct heartbeat_consumer *consumer);
    int (*on_subscription)(void *ctx, const struct heartbeat_subscription *subscription);
    int (*on_consumer_end)(void *ctx);
    int (*on_producer)(void *ctx, struct span group);
    void *ctx;
};
/* RMQ_E_INVALID (also a consumer without group, an unknown word), RMQ_E_LIMIT, RMQ_E_MISSING (no
 * clientID), RMQ_E_NOMEM; what was called before stays called. */
int heartbeat_decode(struct span body, struct buf *scratch, const struct heartbeat_visitor *visitor,
                     struct wire_error *error) RMQ_CHECK_RESULT;

/* begin, (consumer, its subscriptions, consumer_end) ..., producers, producer ..., end. */
struct heartbeat_writer {
    struct json_writer json;
    struct env *env;
    bool profile_5_3; /* its members of the top level */
    int err;          /* the first error */
};
void heartbeat_begin(struct heartbeat_writer *writer, struct env *env, struct buf *out,
                     bool profile_5_3, struct span client_id);
void heartbeat_consumer_begin(struct heartbeat_writer *writer,
                              const struct heartbeat_consumer *consumer);
void heartbeat_subscription(struct heartbeat_writer *writer,
                            const struct heartbeat_subscription *subscription);
void heartbeat_consumer_end(struct heartbeat_writer *writer,
                            const struct heartbeat_consumer *consumer);
void heartbeat_producers(struct heartbeat_writer *writer);
void heartbeat_producer(struct heartbeat_writer *writer, struct span group);
/* RMQ_E_NOMEM, also of the buffer; RMQ_E_INVALID: an expression does not parse. */
int heartbeat_end(struct heartbeat_writer *writer) RMQ_CHECK_RESULT;

/* One subscription as Java writes it (SubscriptionData.java): the next value. Errors as of
 * heartbeat_end; then the document ends in the middle. */
int subscription_write(struct json_writer *json, struct env *env,
                       const struct heartbeat_subscription *subscription) RMQ_CHECK_RESULT;

/* 46 */
struct check_client {
    struct span client_id;
    struct span group;
    bool has_subscription;
    struct heartbeat_subscription subscription;
};
int check_client_decode(struct span body, struct buf *scratch, struct check_client *out,
                        struct wire_error *error) RMQ_CHECK_RESULT;
/* Errors as of heartbeat_end. */
int check_client_write(struct env *env, struct buf *out,
                       const struct check_client *check) RMQ_CHECK_RESULT;

#endif
