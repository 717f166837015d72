/* client/process_queue.h - the messages of one queue that a consumer has and has not finished.
 *
 * A ring of offsets in ascending order; the messages themselves are elsewhere. Commit offset: the
 * lowest unfinished one. Source: client.md 17, ProcessQueue.java.
 *
 *   Q1  Slots ascend strictly; the first and the last are unfinished.
 *   Q2  count and bytes are those of the unfinished slots. */
#ifndef MODEL_CLIENT_PROCESS_QUEUE_H
#define MODEL_CLIENT_PROCESS_QUEUE_H

#include "model/base/err.h"
#include "model/base/span.h"

struct env;

struct process_slot {
    int64_t offset;
    uint32_t bytes;
    bool done;
};
struct process_queue {
    struct env *env;
    struct process_slot *slots; /* a ring; NULL: none yet */
    size_t capacity;            /* a power of two, or 0 */
    size_t head, len;
    size_t count;       /* unfinished messages */
    uint64_t bytes;     /* of their bodies */
    int64_t max_offset; /* highest ever put; -1: nothing yet */
};

void process_queue_init(struct process_queue *queue, struct env *env);
void process_queue_deinit(struct process_queue *queue);
/* Forgets everything that was put; keeps memory. */
void process_queue_clear(struct process_queue *queue);
/* Room for `count` more messages. RMQ_E_NOMEM. */
int process_queue_reserve(struct process_queue *queue, size_t count) RMQ_CHECK_RESULT;
/* Puts a message, for which room was reserved. One that is there unfinished counts once. */
void process_queue_put(struct process_queue *queue, int64_t offset, uint32_t bytes);
/* Does nothing when it is not there. */
void process_queue_finish(struct process_queue *queue, int64_t offset);
/* The offset to commit: the lowest unfinished one, or else that after the highest ever put; -1:
 * nothing was put. */
int64_t process_queue_progress(const struct process_queue *queue);
/* Highest less lowest unfinished offset. */
uint64_t process_queue_span(const struct process_queue *queue);

#endif
