/* store_role.h - a node that is nothing but a store, for tests: puts numbered messages by command,
 * and a log of what was acknowledged that outlives the node.
 *
 * Commands: do=put count=N [size=BYTES] [queues=N] [wait=false] [topic=NAME]; do=batch count=N.
 * Message n has body "n" with blanks up to its size, KEYS "k000n", topic T, queue n modulo
 * `queues`.
 */
#ifndef MODEL_TESTS_STORE_ROLE_H
#define MODEL_TESTS_STORE_ROLE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/base/props.h"
#include "model/role.h"
#include "model/store/store_internal.h"

#define STORE_MESSAGES_MAX 4096

/* What the test knows of message n. */
struct sent_message {
    bool sent, told;
    enum put_status status;
    int64_t physical, queue_offset;
    int32_t queue;
};

static struct store_log {
    unsigned sent; /* numbers 0 to sent - 1 */
    struct sent_message messages[STORE_MESSAGES_MAX];
    bool opened, closed;
    int open_status;
    unsigned arrivals;
} store_log;

struct store_node {
    struct env *env;
    struct store *store;
    struct store_config config;
};

struct numbered_put {
    struct store_put put;
    struct env *env;
    unsigned first, count;
};

static void on_put_done(struct store_put *put, enum put_status status) {
    struct numbered_put *numbered = RMQ_CONTAINER_OF(put, struct numbered_put, put);
    for (unsigned i = 0; i < numbered->count; i++) {
        struct sent_message *message = &store_log.messages[numbered->first + i];
        ck_assert(!message->told);
        message->told = true;
        message->status = status;
        message->physical = numbered->count == 1 ? put->physical_offset : -1;
        message->queue_offset = put->queue_offset < 0 ? -1 : put->queue_offset + i;
    }
    buf_deinit(&put->ids);
    env_free(numbered->env, numbered);
}

static void on_store_open(void *ctx, int status) {
    (void)ctx;
    store_log.opened = true;
    store_log.open_status = status;
}

static void on_store_arrival(void *ctx, struct span topic, int32_t queue_id, int64_t max_offset,
                             int64_t tags_code, struct span properties) {
    (void)ctx, (void)topic, (void)queue_id, (void)max_offset, (void)tags_code, (void)properties;
    store_log.arrivals++;
}

static void on_store_closed(void *ctx) {
    struct store_node *node = ctx;
    struct env *env = node->env;
    store_log.closed = true;
    store_free(node->store);
    env_free(env, node);
    env_exit(env, 0);
}

static int store_role_start(struct env *env, const struct props *config, void **out) {
    static const struct store_handler HANDLER = {
        .on_open = on_store_open, .on_arrival = on_store_arrival, .on_closed = on_store_closed};
    struct span bad_key = SPAN_NONE;
    struct store_node *node = env_alloc(env, sizeof *node);
    if (node == NULL)
        return RMQ_E_NOMEM;
    *node = (struct store_node){.env = env};
    store_log.opened = store_log.closed = false;
    int err = store_config_read(config, &node->config, &bad_key);
    if (err == RMQ_OK)
        err = store_open(env, &node->config, &HANDLER, node, &node->store);
    if (err != RMQ_OK)
        env_free(env, node);
    else
        *out = node;
    return err;
}

static void store_role_stop(void *ctx) {
    struct store_node *node = ctx;
    store_close(node->store);
}

static int64_t argument(const struct props *command, const char *key, int64_t fallback) {
    int64_t value;
    return props_get_i64(command, key, fallback, &value) == RMQ_OK ? value : fallback;
}

static struct message numbered_message(unsigned number, int64_t size, int64_t queues,
                                       char body[STORE_MESSAGES_MAX], char properties[64]) {
    int digits = snprintf(body, STORE_MESSAGES_MAX, "%u", number);
    ck_assert_int_lt(size, STORE_MESSAGES_MAX);
    if (size > digits)
        memset(body + digits, ' ', (size_t)(size - digits));
    snprintf(properties, 64, "KEYS\1k%04u\2TAGS\1tag", number);
    store_log.messages[number].sent = true;
    store_log.messages[number].queue = (int32_t)(number % (unsigned)queues);
    return (struct message){
        .queue_id = (int32_t)(number % (unsigned)queues),
        .born_ms = 1,
        .born_host = {.ip = {10, 0, 0, 1}, .ip_len = 4, .port = 5},
        .topic = SPAN_LITERAL("T"),
        .body = span_of(body, (size_t)(size > digits ? size : digits)),
        .properties = span_of_text(properties),
    };
}

static struct numbered_put *new_put(struct store_node *node, unsigned first, unsigned count) {
    struct numbered_put *put = env_alloc(node->env, sizeof *put);
    if (put == NULL)
        return NULL;
    *put = (struct numbered_put){.env = node->env, .first = first, .count = count};
    return put;
}

static int put_one(struct store_node *node, const struct props *command) {
    static char body[STORE_MESSAGES_MAX];
    char properties[64];
    bool wait = !span_equal(props_get(command, "wait"), SPAN_LITERAL("false"));
    ck_assert_uint_lt(store_log.sent, STORE_MESSAGES_MAX);
    struct numbered_put *put = new_put(node, store_log.sent, 1);
    if (put == NULL)
        return RMQ_E_NOMEM;
    struct message message = numbered_message(store_log.sent++, argument(command, "size", 0),
                                              argument(command, "queues", 1), body, properties);
    struct span topic = props_get(command, "topic");
    if (!span_is_absent(topic))
        message.topic = topic;
    message.sys_flag = (int32_t)argument(command, "flags", 0);
    store_put(node->store, &message, wait, &put->put, on_put_done);
    return RMQ_OK;
}

static int put_batch(struct store_node *node, const struct props *command, unsigned count) {
    static char body[STORE_MESSAGES_MAX];
    char properties[64];
    struct buf items;
    buf_init(&items, node->env);
    struct numbered_put *put = new_put(node, store_log.sent, count);
    struct message message;
    for (unsigned i = 0; i < count; i++) {
        message =
            numbered_message(store_log.sent++, argument(command, "size", 0), 1, body, properties);
        struct batch_item item = {
            .flag = (int32_t)i, .body = message.body, .properties = message.properties};
        batch_put(&items, &item);
    }
    message.body = buf_span(&items);
    message.properties = SPAN_LITERAL("CLUSTER\1c");
    if (put != NULL && !buf_failed(&items))
        store_put_batch(node->store, &message, true, &put->put, on_put_done);
    else
        env_free(node->env, put);
    buf_deinit(&items);
    return RMQ_OK;
}

static int store_role_command(void *ctx, const struct props *command) {
    struct store_node *node = ctx;
    int err = RMQ_OK;
    unsigned count = (unsigned)argument(command, "count", 1);
    if (span_equal(props_get(command, "do"), SPAN_LITERAL("batch")))
        return put_batch(node, command, count);
    for (unsigned i = 0; i < count && err == RMQ_OK; i++)
        err = put_one(node, command);
    return err;
}

/* ---- what tests look at ---- */

typedef void record_fn(const struct message *message, void *ctx);

/* Each record of the log, in order; all of it must be readable. */
static inline unsigned each_record(struct store *store, record_fn *each, void *ctx) {
    static uint8_t bytes[1 << 20];
    const struct segments *segments = &store->log.segments;
    uint64_t at = segments_min(segments);
    unsigned count = 0;
    while (at < segments->written) {
        struct message message;
        uint64_t left = segments->file_bytes - at % segments->file_bytes;
        size_t len = left < sizeof bytes ? (size_t)left : sizeof bytes;
        ck_assert_int_eq(segments_copy(segments, at, len, bytes), RMQ_OK);
        enum message_check check = message_decode(span_of(bytes, len), true, &message);
        if (check == MESSAGE_BLANK) {
            ck_assert_uint_eq(message.size, left);
            at += left;
            continue;
        }
        ck_assert_msg(check == MESSAGE_OK, "%s at %llu", message_check_text(check),
                      (unsigned long long)at);
        ck_assert_int_eq(message.physical_offset, (int64_t)at);
        if (each != NULL)
            each(&message, ctx);
        at += message.size;
        count++;
    }
    ck_assert_uint_eq(at, segments->written);
    return count;
}

/* The number in a body. */
static inline unsigned number_of_body(struct span body) {
    unsigned number = 0;
    for (size_t i = 0; i < body.len && body.data[i] >= '0' && body.data[i] <= '9'; i++)
        number = number * 10 + (unsigned)(body.data[i] - '0');
    return number;
}

#endif
