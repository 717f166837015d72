/* broker/limits.h - rates that a connection, a group or a topic may not exceed; none by default.
 *
 * limit{Sends,SendBytes,Pulls,PullBytes}Per{Connection,Group,Topic}: requests or bytes per second,
 * 0: no limit; run-time keys. What exceeds one is refused at once: a send (10, 310, 320) with code
 * 2, a pull (11, 361) with 215, the remark names the key, who exceeded it and how long it takes
 * until there is room again. Each limit admits a burst of one second's worth. Bytes are those of
 * bodies; a pull's are known after it was answered, so the next ones pay for them.
 *
 * (own; Apache has none of these.) Idle subjects cost nothing: what a subject may take is one
 * number, the time at which it has paid for all that it took (GCRA), forgotten when that has
 * passed. Without memory a request is admitted. */
#ifndef MODEL_BROKER_LIMITS_H
#define MODEL_BROKER_LIMITS_H

#include "model/base/map.h"
#include "model/broker/answer.h"

enum limit_kind { LIMIT_SENDS, LIMIT_SEND_BYTES, LIMIT_PULLS, LIMIT_PULL_BYTES, LIMIT_KINDS };
enum limit_subject { LIMIT_CONNECTION, LIMIT_GROUP, LIMIT_TOPIC, LIMIT_SUBJECTS };

struct limit_config {
    uint64_t per_second[LIMIT_KINDS][LIMIT_SUBJECTS]; /* 0: no limit */
};

struct limit_bucket;
struct limits {
    struct limit_bucket *table; /* subjects that have not paid for all yet */
    uint32_t count;
    uint32_t sweep_at; /* entries */
    uint64_t refused[LIMIT_KINDS][LIMIT_SUBJECTS];
};

struct broker;
struct settings;

/* "limitSendsPerConnection". Static text. */
const char *limit_key(enum limit_kind kind, enum limit_subject subject);
/* Reads the twelve keys. */
void limits_read(struct settings *settings, struct limit_config *out);
/* Does nothing for one that is all zero. */
void limits_deinit(struct limits *limits, struct env *env);

/* May a send or a pull pass? Else it was answered. */
bool limits_admit_send(struct broker *broker, struct channel *channel,
                       const struct wire_command *request) RMQ_CHECK_RESULT;
bool limits_admit_pull(struct broker *broker, struct channel *channel,
                       const struct wire_command *request) RMQ_CHECK_RESULT;
/* A pull was answered with so many bytes. */
void limits_pulled(struct broker *broker, const struct channel *channel, struct span topic,
                   struct span group, uint64_t bytes);

#endif
