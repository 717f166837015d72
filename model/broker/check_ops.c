/* broker/check_ops.c - see check_ops.h. */
#include "model/broker/check_ops.h"

#include "model/wire/message.h"

#define AHEAD_MAX (INT64_C(1) << 32) /* no op message is that far ahead of its half message */

/* One read: its first op offset, and the highest half offset in it. */
struct check_batch {
    int64_t op_offset, highest;
};

void check_ops_init(struct check_ops *ops, struct env *env) {
    buf_init(&ops->done, env);
    buf_init(&ops->batches, env);
    buf_init(&ops->early, env);
}

void check_ops_deinit(struct check_ops *ops) {
    buf_deinit(&ops->done);
    buf_deinit(&ops->batches);
    buf_deinit(&ops->early);
}

void check_ops_begin(struct check_ops *ops, int64_t first_half, int64_t begin) {
    ops->first = first_half;
    ops->begin = begin;
    buf_clear(&ops->done);
    buf_clear(&ops->batches);
    buf_clear(&ops->early);
}

int check_ops_mark(struct check_ops *ops, int64_t half) {
    if (half < ops->first) {
        buf_put(&ops->early, &half, sizeof half);
        return buf_failed(&ops->early) ? RMQ_E_NOMEM : RMQ_OK;
    }
    uint64_t bit = (uint64_t)(half - ops->first);
    if (bit >= AHEAD_MAX)
        return RMQ_OK; /* nonsense */
    if (bit / 8 >= ops->done.len) {
        size_t more = (size_t)(bit / 8) + 1 - ops->done.len;
        uint8_t *fresh = buf_extend(&ops->done, more);
        if (fresh == NULL)
            return RMQ_E_NOMEM;
        memset(fresh, 0, more);
    }
    ops->done.data[bit / 8] |= (uint8_t)(1U << bit % 8);
    return RMQ_OK;
}

static int take_body(struct check_ops *ops, struct span body, int64_t *highest) {
    struct span part;
    while (span_next_part(&body, ',', &part)) {
        int64_t half;
        if (span_to_i64(part, &half) != RMQ_OK || half < 0)
            continue;
        int err = check_ops_mark(ops, half);
        if (err != RMQ_OK)
            return err;
        *highest = half > *highest ? half : *highest;
    }
    return RMQ_OK;
}

int check_ops_take(struct check_ops *ops, int64_t op_offset, struct span records) {
    struct check_batch batch = {.op_offset = op_offset, .highest = -1};
    struct message op;
    while (records.len > 0 && message_decode(records, false, &op) == MESSAGE_OK) {
        struct span tag = message_property(op.properties, SPAN_LITERAL("TAGS"));
        int err = RMQ_OK;
        if (span_equal(tag, SPAN_LITERAL("d")))
            err = take_body(ops, op.body, &batch.highest);
        if (err != RMQ_OK)
            return err;
        records = span_from(records, op.size);
    }
    buf_put(&ops->batches, &batch, sizeof batch);
    return buf_failed(&ops->batches) ? RMQ_E_NOMEM : RMQ_OK;
}

bool check_ops_done(const struct check_ops *ops, int64_t half_offset) {
    if (half_offset >= ops->first) {
        uint64_t bit = (uint64_t)(half_offset - ops->first);
        return bit / 8 < ops->done.len && (ops->done.data[bit / 8] >> bit % 8 & 1) != 0;
    }
    for (size_t at = 0; at < ops->early.len; at += sizeof half_offset) {
        int64_t early;
        memcpy(&early, ops->early.data + at, sizeof early);
        if (early == half_offset)
            return true;
    }
    return false;
}

int64_t check_ops_next(const struct check_ops *ops, int64_t half_offset, int64_t end) {
    for (size_t at = 0; at < ops->batches.len; at += sizeof(struct check_batch)) {
        struct check_batch batch;
        memcpy(&batch, ops->batches.data + at, sizeof batch);
        if (batch.highest >= half_offset)
            return batch.op_offset;
    }
    return end;
}
