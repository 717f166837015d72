/* store/index_flush.c - full index files become durable, one after the other, and then the
 * checkpoint may name them (store.md 8.4). At a clean stop the one that grows does as well. */
#include "model/store/index.h"

#include "model/events.h"

#define RETRY_NS 1000000000U
#define RETRIES_MAX 3

static void flush_step(struct index_file *file);
static void flush_all_ended(struct index *index);

static void on_retry(struct env *env, struct env_timer *timer) {
    struct index *index = RMQ_CONTAINER_OF(timer, struct index, retry_timer);
    (void)env;
    if (index->flushing != NULL) {
        flush_step(index->flushing);
    }
    dispatch_run(index->store);
}

void index_failed(struct index *index, const char *what, int status) {
    if (env_timer_armed(&index->retry_timer)) {
        return;
    }
    char path[ENV_PATH_MAX];
    event_store_write_failed(index->env, index_dir(index, path), span_of_text(rmq_err_text(status)),
                             -1);
    env_log(index->env, ENV_LOG_ERROR, "index: cannot %s: %s", what, rmq_err_text(status));
    index->failures++;
    if (index->failures == RETRIES_MAX) {
        store_set_flags(index->store, STORE_INDEX_ERROR, true, "index", 0);
    }
    env_timer_start(index->env, &index->retry_timer, RETRY_NS, on_retry);
    if (index->done != NULL) { /* a clean stop does not wait for a disk that fails */
        index->sync_failed = true;
        flush_all_ended(index);
    }
}

void index_worked(struct index *index) {
    if (index->failures >= RETRIES_MAX) {
        store_set_flags(index->store, STORE_INDEX_ERROR, false, "index", 0);
    }
    index->failures = 0;
}

static void flush_ended(struct index_file *file, int status) {
    struct index *index = file->index;
    struct store *store = index->store;
    index->flushing = NULL;
    index->sync_failed = index->sync_failed || status != RMQ_OK;
    file->flushed = true;
    index_pages_free(file);
    if (file->users == 0 && file != index_last(index)) {
        env_file_close(file->file);
        file->file = NULL;
    }
    /* Names or bytes that may be gone: the next unclean start indexes from the last good file. */
    if (!index->sync_failed && file->full) {
        struct checkpoint *checkpoint = &store->checkpoint;
        checkpoint->index_physical = file->end_physical + 1;
        checkpoint->index_ms =
            file->end_ms > checkpoint->index_ms ? file->end_ms : checkpoint->index_ms;
        checkpoint_save(checkpoint, NULL, NULL);
    }
    dispatch_run(store); /* it may have waited for this */
    index_flush_next(index);
}

static void on_root_names(void *ctx, int status) {
    flush_ended(ctx, status);
}

static void on_names(void *ctx, int status) {
    struct index_file *file = ctx;
    struct index *index = file->index;
    if (status == RMQ_OK) { /* and that of the directory itself */
        dir_sync_start(index->names, span_of_text(index->store->config.root), false, on_root_names,
                       file);
    } else {
        flush_ended(file, status);
    }
}

static void on_synced(struct env_file_op *op, int status) {
    struct index_file *file = RMQ_CONTAINER_OF(op, struct index_file, op);
    struct index *index = file->index;
    char path[ENV_PATH_MAX];
    if (status == RMQ_OK) {
        dir_sync_start(index->names, index_dir(index, path), false, on_names, file);
    } else {
        event_store_sync_failed(index->env, index_dir(index, path),
                                span_of_text(rmq_err_text(status)));
        flush_ended(file, status);
    }
}

/* Pages, then the sync, then the directory. */
static void flush_step(struct index_file *file) {
    if (file->writing_count > 0 || env_file_op_active(&file->op) ||
        dir_sync_active(file->index->names) || env_timer_armed(&file->index->retry_timer)) {
        return;
    }
    uint8_t header[INDEX_HEADER], old[INDEX_HEADER];
    int status = index_pages_hold(file, 0, INDEX_HEADER, true);
    if (status == RMQ_E_NOMEM) {
        index_failed(file->index, "flush", status);
    }
    if (status != RMQ_OK) {
        return;
    }
    index_header_encode(file, header);
    index_pages_get(file, 0, INDEX_HEADER, old);
    if (memcmp(header, old, INDEX_HEADER) != 0) {
        index_pages_set(file, 0, INDEX_HEADER, header);
    }
    if (file->dirty_count > 0) {
        index_pages_write(file, UINT32_MAX);
    } else {
        env_file_sync(file->file, &file->op, on_synced);
    }
}

void index_page_came(struct index_file *file) {
    if (file->index->flushing == file) {
        flush_step(file);
    }
    if (!env_timer_armed(&file->index->retry_timer)) {
        dispatch_run(file->index->store);
    }
}

static void flush_all_ended(struct index *index) {
    store_step_fn *done = index->done;
    index->done = NULL;
    done(index->store, index->sync_failed ? RMQ_E_IO : RMQ_OK);
}

void index_flush_next(struct index *index) {
    if (index->flushing != NULL) {
        return;
    }
    LIST_EACH(&index->files, link, following) {
        struct index_file *file = LIST_ENTRY(link, struct index_file, link);
        if (!file->flushed && (file->full || index->done != NULL)) {
            index->flushing = file;
            flush_step(file);
            return;
        }
    }
    if (index->done != NULL) {
        flush_all_ended(index);
    }
}

void index_flush_all(struct store *store, store_step_fn *done) {
    struct index *index = store->index;
    if (index->failures > 0) {
        done(store, RMQ_E_IO);
        return;
    }
    index->done = done;
    index_flush_next(index);
}
