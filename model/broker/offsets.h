/* broker/offsets.h - how far each consumer group has come on each queue (broker.md 18.1).
 *
 * File: consumerOffset.json, saved each flushConsumerOffsetInterval (5 s; first 10 s after the
 * start) when something changed, and at a clean stop.
 *
 * Differs from Apache: an offset above its queue's max is lowered to it when a master starts
 * (offset.lowered), and a commit above the max is ignored (offset.ignored). Otherwise messages
 * written where the log lost some would be skipped (INC-33). The quirk offsetsUnchecked brings
 * Apache's way back.
 *
 * After an unclean stop the log may have lost the end of a queue. A consumer that lives on then
 * holds offsets behind the queue's recovered max, and new messages get those offsets: it would skip
 * them although they were acknowledged. So behind the recovered max a group is believed only up to
 * what it was given since this start: the next offset of an answer to a pull, or an answer to its
 * connection's question for a max or an offset by time (how a new group, a seek or a reset begins).
 * A pull behind that is answered PULL_OFFSET_MOVED with the recovered max (offset.moved,
 * "recovered"), which clients repair as an illegal offset; a commit behind that is ignored. When in
 * doubt, messages are delivered again, never skipped. A consumer that did
 * not ask once between two unclean stops is not recognised. */
#ifndef MODEL_BROKER_OFFSETS_H
#define MODEL_BROKER_OFFSETS_H

#include "model/base/config_file.h"
#include "model/base/map.h"
#include "model/broker/config.h"

struct store;
struct progress;

struct offsets {
    struct env *env;
    uint64_t hash_key;
    const struct broker_config *config;
    struct store *store; /* whose queues bound the offsets; NULL: no bounds (not open yet) */
    struct progress *table;
    struct progress
        *given; /* up to where, behind a recovered max; by group and by client address */
    struct progress *resets; /* that wait for a pull */
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
/* Commits `offset` for `client` (its address); above the queue's max, or not believed, nothing
 * happens but the event. RMQ_E_NOMEM: not committed. */
int offsets_commit(struct offsets *offsets, struct span group, struct span topic, int32_t queue_id,
                   int64_t offset, struct span client) RMQ_CHECK_RESULT;
/* Whether `group` may go on at `offset`; else *max is the queue's recovered max, or what the group
 * has committed behind it. */
bool offsets_believe(const struct offsets *offsets, struct span group, struct span topic,
                     int32_t queue_id, int64_t offset, struct span client, int64_t *max);
/* Tells `who`, a group or a client's address, was given `offset`. Without memory it will not be
 * believed. */
void offsets_give(struct offsets *offsets, struct span who, struct span topic, int32_t queue_id,
                  int64_t offset);
/* The client's connection is closed. */
void offsets_forget_client(struct offsets *offsets, struct span client);
/* At a master's start, with the store open: lowers what is above its queue's max. To be saved
 * before a message is accepted: the next start would find new messages there and not lower. */
void offsets_lower(struct offsets *offsets);
/* An administrator sets an offset, which is within the queue: no check. Saved like a commit.
 * RMQ_E_NOMEM, RMQ_E_LIMIT. */
int offsets_assign(struct offsets *offsets, struct span group, struct span topic, int32_t queue_id,
                   int64_t offset) RMQ_CHECK_RESULT;
/* The same, and what the group commits there is ignored until its next pull of the queue took the
 * reset (5.3's useServerSideResetOffset). */
int offsets_reset(struct offsets *offsets, struct span group, struct span topic, int32_t queue_id,
                  int64_t offset) RMQ_CHECK_RESULT;
/* Whether a reset waits there. */
bool offsets_is_reset(const struct offsets *offsets, struct span group, struct span topic,
                      int32_t queue_id);
/* Takes it: where to go on; -1: there is none. */
int64_t offsets_take_reset(struct offsets *offsets, struct span group, struct span topic,
                           int32_t queue_id);
/* Forgets all offsets of a topic, or of a group. Saved like a commit. */
void offsets_remove_topic(struct offsets *offsets, struct span topic);
void offsets_remove_group(struct offsets *offsets, struct span group);
/* Saves what the timer has not saved yet (clean stop); config_file_settle then waits for it. */
void offsets_save_now(struct offsets *offsets);
/* Appends the file's content as compact JSON, the body of the answer to 43. RMQ_E_NOMEM. */
int offsets_write_compact(const struct offsets *offsets, struct buf *out) RMQ_CHECK_RESULT;

typedef void offsets_each_fn(void *ctx, struct span topic, struct span group, int32_t queue_id,
                             int64_t offset);
/* A slave's: `body` is its master's answer to 43. Each offset in it becomes ours, unless ours is
 * higher and was committed here: then `newer` is called with it. Saved when anything changed.
 * Errors of offset_table_decode: as it was; RMQ_E_NOMEM: a part is copied. */
int offsets_copy(struct offsets *offsets, struct span body, offsets_each_fn *newer,
                 void *ctx) RMQ_CHECK_RESULT;

/* Each entry, in order of insertion and queue. */
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
