/* broker/topics.h - the topics of one broker, and their data version.
 *
 * Built-in topics (broker.md 7.1) take no memory: a constant table and the configuration say what
 * they are; only their order flag can change. Other topics are kept sorted by name. Iteration: the
 * built-in ones in table order, then the others by name (Apache's order is that of a hash table).
 *
 * Invariants: T1: names are unique, no other topic has a built-in's name. T2: `by_name` is sorted.
 * T3: the version's counter grows by one with each change and its timestamp is that of the change
 * (DataVersion.java, nextVersion). */
#ifndef MODEL_BROKER_TOPICS_H
#define MODEL_BROKER_TOPICS_H

#include "model/broker/config.h"
#include "model/broker/kept_json.h"
#include "model/wire/body.h"

struct topic {
    int32_t read_queues;
    int32_t write_queues;
    int32_t perm;
    int32_t sys_flag;
    bool order;
    bool multi_tag;
    uint16_t name_len;
    struct kept_json attributes; /* 5.3 */
    char name[];
};

struct config_file;

struct topics {
    struct env *env;
    struct config_file *file; /* saved with each change; NULL: none */
    const struct broker_config *config;
    struct topic **by_name;
    uint32_t count;
    uint32_t capacity;
    uint32_t builtins;      /* bit i: built-in i exists here */
    uint32_t builtin_order; /* bit i: built-in i is ordered */
    int64_t version_counter;
    int64_t version_timestamp; /* wall ms */
};

#define TOPIC_NAME_MAX 127

/* The built-in topics of `config` (which must outlive the table); version 0 of now. */
void topics_init(struct topics *topics, struct env *env, const struct broker_config *config);
/* Does nothing for one that is all zero. */
void topics_deinit(struct topics *topics);

/* Adds the topics of the key `topics`, a list of name:read:write[:perm] separated by ';', as if
 * they had been read from topics.json: the version stays. RMQ_E_INVALID, RMQ_E_NOMEM. */
int topics_load(struct topics *topics, struct span list) RMQ_CHECK_RESULT;

/* A topic as topics.json has it, and the version: no change, no event. What it says of a built-in
 * topic beyond its order flag is left aside. RMQ_E_NOMEM. */
int topics_restore(struct topics *topics, const struct topic_config *config) RMQ_CHECK_RESULT;
void topics_restore_version(struct topics *topics, const struct data_version *version);

/* A slave's: `body` is its master's answer to 21. When its data version is another one, the table
 * becomes that one, and is saved. Errors of topic_table_decode: as it was; RMQ_E_NOMEM: anything.
 */
int topics_replace(struct topics *topics, struct span body) RMQ_CHECK_RESULT;
/* Forgets all topics but the built-in ones. */
void topics_clear(struct topics *topics);

/* Number of topics, built-in ones included. */
size_t topics_count(const struct topics *topics);
/* Topic `index` (< topics_count) in iteration order; the name is valid until the next change. */
struct topic_config topics_at(const struct topics *topics, size_t index);
/* RMQ_E_NOT_FOUND. */
int topics_find(const struct topics *topics, struct span name, struct topic_config *out);

/* Creates or replaces `config` and counts the version up. *created: it was not there. The name is
 * valid (topic_name_check) and not a system topic. RMQ_E_NOMEM: nothing changed. */
int topics_put(struct topics *topics, const struct topic_config *config,
               bool *created) RMQ_CHECK_RESULT;

/* Removes a topic that is not built in, counts the version up and saves. RMQ_E_NOT_FOUND. */
int topics_remove(struct topics *topics, struct span name) RMQ_CHECK_RESULT;
/* Counts the version up without a change of a topic, in memory only: registrations say something
 * else (4.9 name servers would skip an unchanged version). */
void topics_touch(struct topics *topics);

/* Order table of a registration's answer (updateOrderTopicConfig): exactly the topics for which
 * `is_ordered` says so become ordered. The version counts up once if anything changed; each change
 * is an event. Returns whether. */
typedef bool topics_ordered_fn(void *ctx, struct span name);
bool topics_set_order(struct topics *topics, topics_ordered_fn *is_ordered, void *ctx);

/* Sets up topics.json (config_file.h) and ties it to the table. `file` outlives the table. */
void topics_file_init(struct config_file *file, struct topics *topics);

/* Appends the body of the answer to 21: the file's content as compact JSON, in 5.3 with the members
 * of (empty) static topics. RMQ_E_NOMEM. */
int topics_write_compact(const struct topics *topics, struct buf *out) RMQ_CHECK_RESULT;

struct data_version topics_version(const struct topics *topics);

/* broker.md 7.3: absent span when `name` is valid, else the remark Apache answers (static text). */
struct span topic_name_check(struct span name);
/* Whether it consists of what names of topics and groups consist of (5.3 checks both). */
bool topic_name_bytes(struct span name);
/* broker.md 7.2: a name that administrators cannot create. */
bool topics_is_system(const struct topics *topics, struct span name);
/* Those with a name of their own, each once, into `names`; returns how many. The names live as long
 * as the configuration. */
#define TOPICS_SYSTEM_MAX 24
size_t topics_system(const struct topics *topics, struct span names[TOPICS_SYSTEM_MAX]);

#endif
