/* broker/check_ops.h - what the op messages of a round say: which half messages are done, and from
 * where the next round must read. Memory: one bit per half message, 16 bytes per read.
 *
 * A body is the offsets of half messages: "42" as 4.9 writes it, "42,43," as 5.3 does. */
#ifndef MODEL_BROKER_CHECK_OPS_H
#define MODEL_BROKER_CHECK_OPS_H

#include "model/base/buf.h"

struct check_ops {
    int64_t first;      /* half messages below it are settled */
    int64_t begin;      /* op offset where reading began */
    struct buf done;    /* bit per half message from `first` on */
    struct buf batches; /* struct check_batch each */
    struct buf early;   /* i64 each: half messages below `first` that ops name */
};

void check_ops_init(struct check_ops *ops, struct env *env);
void check_ops_deinit(struct check_ops *ops);
void check_ops_begin(struct check_ops *ops, int64_t first_half, int64_t begin);
/* Takes what one read of the op queue gave: records from `op_offset` on. RMQ_E_NOMEM. */
int check_ops_take(struct check_ops *ops, int64_t op_offset, struct span records) RMQ_CHECK_RESULT;
/* The half message is done. RMQ_E_NOMEM. */
int check_ops_mark(struct check_ops *ops, int64_t half_offset) RMQ_CHECK_RESULT;
bool check_ops_done(const struct check_ops *ops, int64_t half_offset);
/* Where the next round begins to read, when half messages below `half_offset` are settled; `end`
 * is one past the last op message that was read. */
int64_t check_ops_next(const struct check_ops *ops, int64_t half_offset, int64_t end);

#endif
