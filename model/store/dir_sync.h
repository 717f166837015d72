/* store/dir_sync.h - makes the names in a directory durable.
 *
 * env_path_sync_dir belongs to no file, so nothing ends it early (env.h): its operation lives here,
 * by itself, and outlives an owner that goes. */
#ifndef MODEL_STORE_DIR_SYNC_H
#define MODEL_STORE_DIR_SYNC_H

#include "model/env.h"

struct dir_sync;
typedef void dir_sync_fn(void *ctx, int status);

/* For paths of at most `path_max` bytes. NULL: no memory. */
struct dir_sync *dir_sync_create(struct env *env, size_t path_max);
/* `done` is not called any more. NULL is allowed. */
void dir_sync_free(struct dir_sync *sync);
bool dir_sync_active(const struct dir_sync *sync);
/* Syncs directory `path`; with `above` then also each directory that holds it, up to "/", for
 * directories that may be new themselves. One at a time; `done` in a later handler. */
void dir_sync_start(struct dir_sync *sync, struct span path, bool above, dir_sync_fn *done,
                    void *ctx);

#endif
