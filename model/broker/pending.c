/* broker/pending.c - see pending.h. */
#include "model/broker/pending.h"

#include "model/broker/broker_internal.h"
#include "model/wire/body_config.h"

#define HALF_TOPIC SPAN_LITERAL("RMQ_SYS_TRANS_HALF_TOPIC")
#define HALF_GROUP SPAN_LITERAL("CID_RMQ_SYS_TRANS")
#define LEVELS_MAX 64 /* Apache's default has 18 */
#define FILE_BYTES_MAX ((size_t)1 << 20)

/* Messages of a queue from `next` on; next < 0: all that are there. */
static uint64_t messages_from(const struct store *store, struct span topic, int32_t queue_id,
                              int64_t next) {
    int64_t min = store_min_offset(store, topic, queue_id);
    int64_t max = store_max_offset(store, topic, queue_id);
    int64_t from = next > min ? next : min;
    return max > from ? (uint64_t)(max - from) : 0;
}

static void tell(struct pending *pending) {
    struct broker *broker = pending->broker;
    int64_t checked = offsets_find(&broker->offsets, HALF_GROUP, HALF_TOPIC, 0);
    uint64_t half = messages_from(broker->store, HALF_TOPIC, 0, checked);
    if (pending->delayed + half > 0)
        env_log(broker->env, ENV_LOG_WARN,
                "this store holds %llu delayed and %llu half messages that are pending: they stay "
                "as they are, nothing here delivers or checks them yet",
                (unsigned long long)pending->delayed, (unsigned long long)half);
    pending->broker = NULL;
}

struct levels {
    int64_t next[LEVELS_MAX];
};

static int on_level(void *ctx, int32_t level, int64_t offset) {
    struct levels *levels = ctx;
    if (level >= 1 && level <= LEVELS_MAX)
        levels->next[level - 1] = offset;
    return RMQ_OK;
}

static void on_read(struct read_file *read, int status) {
    struct pending *pending = RMQ_CONTAINER_OF(read, struct pending, read);
    struct broker *broker = pending->broker;
    struct levels levels;
    struct data_version version;
    struct wire_error error;
    struct buf scratch;
    for (size_t i = 0; i < LEVELS_MAX; i++)
        levels.next[i] = -1;
    buf_init(&scratch, broker->env);
    if (status == RMQ_OK)
        status = delay_table_decode(buf_span(&read->content), &scratch, on_level, &levels, &version,
                                    &error);
    if (status != RMQ_OK && status != RMQ_E_NOT_FOUND)
        env_log(broker->env, ENV_LOG_WARN, "delayOffset.json: %s: all delayed messages count",
                rmq_err_text(status));
    buf_deinit(&scratch);
    buf_deinit(&read->content);
    for (int32_t i = 0; i < LEVELS_MAX; i++)
        pending->delayed += messages_from(broker->store, SCHEDULE_TOPIC, i, levels.next[i]);
    tell(pending);
}

void pending_count(struct pending *pending, struct broker *broker) {
    uint8_t text[ENV_PATH_MAX];
    struct buf path = {.data = text, .capacity = sizeof text};
    *pending = (struct pending){.broker = broker};
    buf_put_span(&path, broker->config.config_dir);
    buf_put_text(&path, "/delayOffset.json");
    read_file_start(&pending->read, broker->env, buf_span(&path), FILE_BYTES_MAX, on_read);
}

void pending_cancel(struct pending *pending) {
    if (pending->broker != NULL)
        read_file_cancel(&pending->read);
    pending->broker = NULL;
}
