/* store/log_ahead.c - zeros written ahead of the commit log's end: see the header. */
#include "model/store/log_ahead.h"

#include "model/base/check.h"
#include "model/store/store_internal.h"

#define FILE_BYTES_MIN (64U << 20) /* smaller files come and go too fast */
#define BLOCK 4096U

struct pace {
    uint32_t least;  /* written by this process before the first zeros */
    uint32_t gap;    /* from the log's end to a new window: there, the writer is not met */
    uint32_t window; /* at most */
    uint32_t piece;
};
static const struct pace PACE = {1U << 20, 1U << 20, 64U << 20, 256U << 10};
static const struct pace SMALL_PACE = {0, BLOCK, 4 * BLOCK, BLOCK};

/* NULL: no zeros. */
static const struct pace *pace_of(const struct store *store) {
    if ((!store->config.sync_flush && !store->config.warm_files) || store->state != STORE_OPEN ||
        store->log.repairing)
        return NULL;
    if (store->log.segments.file_bytes >= FILE_BYTES_MIN)
        return &PACE;
    return env_buggify(store->env, BUGGIFY_STORE_SMALL_AHEAD) ? &SMALL_PACE : NULL;
}

static void on_zeroed(struct env_file_op *op, int status) {
    struct store *store = RMQ_CONTAINER_OF(op, struct store, log.ahead.op);
    struct log_ahead *ahead = &store->log.ahead;
    const struct segment *segment = segments_at(&store->log.segments, ahead->from);
    if (status != RMQ_OK && segment != NULL) /* a full disk, most likely: the log goes on without */
        ahead->given_up = segment->from + 1;
    commit_log_go_on(store);
    log_ahead_run(store);
    if (commit_log_is_quiet(&store->log))
        store_on_quiet(store);
}

void log_ahead_run(struct store *store) {
    struct log_ahead *ahead = &store->log.ahead;
    const struct segments *segments = &store->log.segments;
    const struct pace *pace = env_file_op_active(&ahead->op) ? NULL : pace_of(store);
    if (pace == NULL)
        return;
    uint64_t end = segments->accepted;
    if (!ahead->has_begun)
        ahead->begun = end;
    ahead->has_begun = true;
    uint64_t window = end - ahead->begun < pace->window ? end - ahead->begun : pace->window;
    const struct segment *segment = segments_at(segments, end);
    if (segment == NULL || window < pace->least || ahead->given_up == segment->from + 1)
        return;
    uint64_t from = ahead->to, last = segment->from + segments->file_bytes;
    if (from < end + BLOCK || from >= last) /* the log has overtaken it, or is in another file */
        from = (end + pace->gap) / BLOCK * BLOCK;
    if (from >= end + window || from >= last)
        return;
    ahead->from = from;
    ahead->to = last - from < pace->piece ? last : from + pace->piece;
    env_file_zero(segment->file, from - segment->from, ahead->to - from, &ahead->op, on_zeroed);
}
