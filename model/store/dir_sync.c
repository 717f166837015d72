/* store/dir_sync.c - syncs a directory and those above it, one after the other. */
#include "model/store/dir_sync.h"

#include "model/base/check.h"

struct dir_sync {
    struct env_file_op op;
    struct env *env;
    bool orphan;
    bool above;
    size_t len; /* of the part of `path` that is next; 0: none */
    size_t path_max;
    dir_sync_fn *done; /* NULL: not under way */
    void *ctx;
    char path[];
};

struct dir_sync *dir_sync_create(struct env *env, size_t path_max) {
    struct dir_sync *sync = env_alloc(env, sizeof *sync + path_max);
    if (sync != NULL) {
        memset(sync, 0, sizeof *sync);
        sync->env = env;
        sync->path_max = path_max;
    }
    return sync;
}

void dir_sync_free(struct dir_sync *sync) {
    if (sync == NULL)
        return;
    if (env_file_op_active(&sync->op))
        sync->orphan = true;
    else
        env_free(sync->env, sync);
}

bool dir_sync_active(const struct dir_sync *sync) {
    return sync->done != NULL;
}

static void sync_next(struct dir_sync *sync);

static void on_synced(struct env_file_op *op, int status) {
    struct dir_sync *sync = RMQ_CONTAINER_OF(op, struct dir_sync, op);
    if (sync->orphan) {
        env_free(sync->env, sync);
        return;
    }
    if (status == RMQ_OK && sync->above && sync->len > 0) {
        sync_next(sync);
        return;
    }
    dir_sync_fn *done = sync->done;
    sync->done = NULL;
    done(sync->ctx, status);
}

/* "/a/b", "/a", "/" and the end. */
static void sync_next(struct dir_sync *sync) {
    struct span dir = span_of(sync->path, sync->len);
    size_t slash = sync->len;
    while (slash > 0 && sync->path[slash - 1] != '/')
        slash--;
    sync->len = sync->len == 1 ? 0 : slash <= 1 ? slash : slash - 1;
    env_path_sync_dir(sync->env, dir, &sync->op, on_synced);
}

void dir_sync_start(struct dir_sync *sync, struct span path, bool above, dir_sync_fn *done,
                    void *ctx) {
    RMQ_ASSERT(sync->done == NULL && done != NULL);
    RMQ_ASSERT(path.len > 0 && path.len <= sync->path_max && path.data[0] == '/');
    memcpy(sync->path, path.data, path.len);
    sync->len = path.len;
    sync->above = above;
    sync->done = done;
    sync->ctx = ctx;
    sync_next(sync);
}
