/* store/checkpoint.c - three times in one sector, so that they change together. Source: store.md 9.
 */
#include "model/store/checkpoint.h"

#include "model/base/check.h"
#include "model/wire/message_bytes.h"

/* One that cannot be read just now is not 0: index files would go that the next start, which can
 * read it, does not miss. */
static void on_read(struct env_file_op *op, int status) {
    struct checkpoint *checkpoint = RMQ_CONTAINER_OF(op, struct checkpoint, op);
    if (status == RMQ_OK && op->bytes == CHECKPOINT_USED_BYTES) {
        checkpoint->physical_ms = bytes_i64(checkpoint->bytes);
        checkpoint->logics_ms = bytes_i64(checkpoint->bytes + 8);
        checkpoint->index_ms = bytes_i64(checkpoint->bytes + 16);
        checkpoint->index_physical = bytes_i64(checkpoint->bytes + 40);
        checkpoint->clean_end = bytes_i64(checkpoint->bytes + 48);
    } else {
        memset(checkpoint->bytes, 0, sizeof checkpoint->bytes);
    }
    checkpoint->done(checkpoint->ctx, status);
}

void checkpoint_load(struct checkpoint *checkpoint, struct env *env, struct span path,
                     checkpoint_fn *done, void *ctx) {
    *checkpoint = (struct checkpoint){.env = env, .done = done, .ctx = ctx};
    int err = env_file_open(env, path, ENV_OPEN_CREATE, &checkpoint->file);
    if (err == RMQ_OK && env_file_size(checkpoint->file) != CHECKPOINT_BYTES)
        err = env_file_truncate(checkpoint->file, CHECKPOINT_BYTES);
    if (err == RMQ_OK)
        env_file_read(checkpoint->file, 0, checkpoint->bytes, CHECKPOINT_USED_BYTES,
                      &checkpoint->op, on_read);
    else
        done(ctx, err);
}

static void save_end(struct checkpoint *checkpoint, int status) {
    checkpoint_fn *done = checkpoint->done;
    if (status != RMQ_OK)
        env_log(checkpoint->env, ENV_LOG_WARN, "the checkpoint is not saved: %s",
                rmq_err_text(status));
    if (checkpoint->again) {
        checkpoint->again = false;
        checkpoint_save(checkpoint, done, checkpoint->ctx);
        return;
    }
    checkpoint->done = NULL;
    if (done != NULL)
        done(checkpoint->ctx, status);
}

static void on_synced(struct env_file_op *op, int status) {
    save_end(RMQ_CONTAINER_OF(op, struct checkpoint, op), status);
}

static void on_written(struct env_file_op *op, int status) {
    struct checkpoint *checkpoint = RMQ_CONTAINER_OF(op, struct checkpoint, op);
    if (status == RMQ_OK)
        env_file_sync(checkpoint->file, &checkpoint->op, on_synced);
    else
        save_end(checkpoint, status);
}

void checkpoint_save(struct checkpoint *checkpoint, checkpoint_fn *done, void *ctx) {
    RMQ_ASSERT(checkpoint->file != NULL);
    if (done != NULL || !env_file_op_active(&checkpoint->op)) {
        checkpoint->done = done;
        checkpoint->ctx = ctx;
    }
    if (env_file_op_active(&checkpoint->op)) {
        checkpoint->again = true;
        return;
    }
    bytes_put_i64(checkpoint->bytes, checkpoint->physical_ms);
    bytes_put_i64(checkpoint->bytes + 8, checkpoint->logics_ms);
    bytes_put_i64(checkpoint->bytes + 16, checkpoint->index_ms);
    bytes_put_i64(checkpoint->bytes + 40, checkpoint->index_physical);
    bytes_put_i64(checkpoint->bytes + 48, checkpoint->clean_end);
    env_file_write(checkpoint->file, 0, span_of(checkpoint->bytes, sizeof checkpoint->bytes),
                   &checkpoint->op, on_written);
}

void checkpoint_deinit(struct checkpoint *checkpoint) {
    env_file_close(checkpoint->file);
    checkpoint->file = NULL;
}

int64_t checkpoint_min_ms(const struct checkpoint *checkpoint) {
    int64_t min = checkpoint->physical_ms < checkpoint->logics_ms ? checkpoint->physical_ms
                                                                  : checkpoint->logics_ms;
    return min > CHECKPOINT_MARGIN_MS ? min - CHECKPOINT_MARGIN_MS : 0;
}
