/* broker/offsets.h - how far each consumer group has come on each queue (broker.md 18.1).
 *
 * File: consumerOffset.json, saved each flushConsumerOffsetInterval (5 s; first 10 s after the
 * start) when something changed, and at a clean stop.
 *
 * Differs from Apache: an offset above its queue's max is lowered to it when a master starts
 * (offset.lowered), and a commit above the max is ignored (offset.ignored). Otherwise messages
 * written where the log lost some would be skipped (INC-33). The quirk offsetsUnchecked brings
 * Apache's way back. */
#ifndef MODEL_BROKER_OFFSETS_H
#define MODEL_BROKER_OFFSETS_H

#include "model/base/map.h"
#include "model/broker/config.h"
#include "model/broker/config_file.h"

struct store;
struct progress;

struct offsets {
    struct env *env;
    uint64_t hash_key;
    const struct broker_config *config;
    struct store *store; /* whose queues bound the offsets; NULL: no bounds (not open yet) */
    struct progress *table;
    uint64_t start_ns;
    struct env_timer save; /* armed while something changed since the last save */
    uint64_t commits;
    int64_t version_counter; /* 5.3 */
    int64_t version_timestamp;
    struct config_file file;
};

void offsets_init(struct offsets *offsets, struct env *env, const struct broker_config *config);
void offsets_deinit(struct offsets *offsets);

/* The next offset to consume; -1 when there is none. */
int64_t offsets_find(const struct offsets *offsets, struct span group, struct span topic,
                     int32_t queue_id);
/* Commits `offset` for `client` (its address, for the event); above the queue's max nothing
 * happens but the event. RMQ_E_NOMEM: not committed. */
int offsets_commit(struct offsets *offsets, struct span group, struct span topic, int32_t queue_id,
                   int64_t offset, struct span client) RMQ_CHECK_RESULT;
/* At a master's start, with the store open: lowers what is above its queue's max. */
void offsets_lower(struct offsets *offsets);
/* Saves what the timer has not saved yet (clean stop); config_file_settle then waits for it. */
void offsets_save_now(struct offsets *offsets);
/* Appends the file's content as compact JSON, the body of the answer to 43. RMQ_E_NOMEM. */
int offsets_write_compact(const struct offsets *offsets, struct buf *out) RMQ_CHECK_RESULT;

/* Each entry, in order of insertion and queue. */
typedef void offsets_each_fn(void *ctx, struct span topic, struct span group, int32_t queue_id,
                             int64_t offset);
void offsets_each(const struct offsets *offsets, offsets_each_fn *each, void *ctx);

/* Requests 14, 15 and 43. */
struct broker;
struct channel;
struct wire_command;
void broker_on_query_consumer_offset(struct broker *broker, struct channel *channel,
                                     const struct wire_command *request);
void broker_on_update_consumer_offset(struct broker *broker, struct channel *channel,
                                      const struct wire_command *request);
void broker_on_all_consumer_offsets(struct broker *broker, struct channel *channel,
                                    const struct wire_command *request);

#endif
