/* base/replace_file.c - see replace_file.h for the order of steps and why.
 *
 * The backup is made from what X holds while X.tmp is under way: two files, side by side. A backup
 * that cannot be made because X does not read leaves X.bak as it is; every other failure ends the
 * replacement before X is touched. */
#include "model/base/replace_file.h"

#include "model/base/check.h"

#define SUFFIX_MAX 8 /* ".bak.tmp" */

/* `path` and a suffix, on the stack of a caller. */
struct path_text {
    uint8_t bytes[ENV_PATH_MAX];
    size_t len;
};

static struct span with_suffix(struct path_text *out, struct span path, struct span suffix) {
    RMQ_ASSERT(path.len + SUFFIX_MAX < ENV_PATH_MAX && suffix.len <= SUFFIX_MAX);
    memcpy(out->bytes, path.data, path.len);
    memcpy(out->bytes + path.len, suffix.data, suffix.len);
    return span_of(out->bytes, path.len + suffix.len);
}

#define TMP SPAN_LITERAL(".tmp")
#define BAK SPAN_LITERAL(".bak")
#define BAK_TMP SPAN_LITERAL(".bak.tmp")

static size_t parent_len(struct span path) {
    size_t len = path.len;
    while (len > 0 && path.data[len - 1] != '/')
        len--;
    return len > 1 ? len - 1 : 0;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void release(struct replace_file *replace) {
    env_file_close(replace->file);
    env_file_close(replace->backup);
    replace->file = replace->backup = NULL;
    buf_deinit(&replace->old);
}

static void finish(struct replace_file *replace, int status) {
    replace_file_fn *done = replace->done;
    release(replace);
    replace->done = NULL;
    done(replace, status);
}

bool replace_file_cancel(struct replace_file *replace) {
    if (replace->done == NULL)
        return true;
    if (replace->file == NULL)
        return false;
    release(replace);
    replace->done = NULL;
    return true;
}

/* ---- names ----------------------------------------------------------------------------------- */

static void on_dir_synced(struct env_file_op *op, int status);

static void sync_dir(struct replace_file *replace) {
    struct span dir = replace->synced_len == 0 ? SPAN_LITERAL("/")
                                               : span_of(replace->path.data, replace->synced_len);
    env_path_sync_dir(replace->env, dir, &replace->op, on_dir_synced);
}

static void on_dir_synced(struct env_file_op *op, int status) {
    struct replace_file *replace = RMQ_CONTAINER_OF(op, struct replace_file, op);
    if (status != RMQ_OK || !replace->sync_parents || replace->synced_len == 0) {
        finish(replace, status);
        return;
    }
    replace->synced_len = parent_len(span_of(replace->path.data, replace->synced_len));
    sync_dir(replace);
}

static int rename_safely(struct replace_file *replace) {
    struct path_text from, to;
    int err = RMQ_OK;
    if (replace->backup != NULL)
        err = env_path_rename(replace->env, with_suffix(&from, replace->path, BAK_TMP),
                              with_suffix(&to, replace->path, BAK));
    if (err == RMQ_OK)
        err = env_path_rename(replace->env, with_suffix(&from, replace->path, TMP), replace->path);
    return err;
}

static int rename_unsynced(struct replace_file *replace) {
    struct path_text from;
    int err = env_path_unlink(replace->env, replace->path);
    if (err == RMQ_OK || err == RMQ_E_NOT_FOUND)
        err = env_path_rename(replace->env, with_suffix(&from, replace->path, TMP), replace->path);
    return err;
}

/* Both files are as they shall be. */
static void swap(struct replace_file *replace) {
    bool safe = replace->mode == REPLACE_SAFE;
    int err = safe ? rename_safely(replace) : rename_unsynced(replace);
    if (err != RMQ_OK || !safe) {
        finish(replace, err);
        return;
    }
    release(replace);
    replace->synced_len = parent_len(replace->path);
    sync_dir(replace);
}

/* Work on one of the two files has ended. */
static void file_done(struct replace_file *replace, int status) {
    RMQ_ASSERT(replace->under_way > 0);
    replace->under_way--;
    if (replace->status == RMQ_OK)
        replace->status = status;
    if (replace->under_way > 0)
        return;
    if (replace->status == RMQ_OK)
        swap(replace);
    else
        finish(replace, replace->status);
}

/* ---- the new content ------------------------------------------------------------------------- */

/* An empty file of that name, for writing. */
static int open_empty(struct replace_file *replace, struct span suffix, struct env_file **out) {
    struct path_text path;
    int err = env_file_open(replace->env, with_suffix(&path, replace->path, suffix),
                            ENV_OPEN_CREATE, out);
    if (err == RMQ_OK && env_file_size(*out) > 0)
        err = env_file_truncate(*out, 0);
    return err;
}

static void on_synced(struct env_file_op *op, int status) {
    file_done(RMQ_CONTAINER_OF(op, struct replace_file, op), status);
}

static void on_written(struct env_file_op *op, int status) {
    struct replace_file *replace = RMQ_CONTAINER_OF(op, struct replace_file, op);
    if (status == RMQ_OK && replace->mode == REPLACE_SAFE)
        env_file_sync(replace->file, op, on_synced);
    else
        file_done(replace, status);
}

/* ---- the old content ------------------------------------------------------------------------- */

static void on_backup_synced(struct env_file_op *op, int status) {
    file_done(RMQ_CONTAINER_OF(op, struct replace_file, backup_op), status);
}

static void on_backup_written(struct env_file_op *op, int status) {
    struct replace_file *replace = RMQ_CONTAINER_OF(op, struct replace_file, backup_op);
    if (status == RMQ_OK && replace->mode == REPLACE_SAFE)
        env_file_sync(replace->backup, op, on_backup_synced);
    else
        file_done(replace, status);
}

static void no_backup(struct replace_file *replace) {
    env_file_close(replace->backup);
    replace->backup = NULL;
    file_done(replace, RMQ_OK);
}

static void on_old_read(struct env_file_op *op, int status) {
    struct replace_file *replace = RMQ_CONTAINER_OF(op, struct replace_file, backup_op);
    if (status != RMQ_OK || op->bytes < replace->old.len) {
        no_backup(replace);
        return;
    }
    env_file_close(replace->backup);
    replace->backup = NULL;
    int err = open_empty(replace, replace->mode == REPLACE_SAFE ? BAK_TMP : BAK, &replace->backup);
    if (err == RMQ_OK)
        env_file_write(replace->backup, 0, buf_span(&replace->old), op, on_backup_written);
    else
        file_done(replace, err);
}

static void begin_backup(struct replace_file *replace) {
    uint64_t size = 0;
    if (!replace->keep_backup &&
        env_file_open(replace->env, replace->path, ENV_OPEN_READ, &replace->backup) == RMQ_OK)
        size = env_file_size(replace->backup);
    uint8_t *into = NULL;
    if (size > 0 && size <= SIZE_MAX / 2)
        into = buf_extend(&replace->old, (size_t)size);
    if (into == NULL)
        no_backup(replace);
    else
        env_file_read(replace->backup, 0, into, (size_t)size, &replace->backup_op, on_old_read);
}

void replace_file_start(struct replace_file *replace, replace_file_fn *done) {
    RMQ_ASSERT(replace->done == NULL && replace->file == NULL && replace->backup == NULL);
    RMQ_ASSERT(replace->content.len > 0);
    replace->done = done;
    replace->status = RMQ_OK;
    buf_init(&replace->old, replace->env);
    int err = open_empty(replace, TMP, &replace->file);
    if (err != RMQ_OK) {
        finish(replace, err);
        return;
    }
    replace->under_way = 2;
    env_file_write(replace->file, 0, replace->content, &replace->op, on_written);
    begin_backup(replace);
}

/* ---- reading --------------------------------------------------------------------------------- */

static void read_finish(struct read_file *read, int status) {
    read_file_fn *done = read->done;
    env_file_close(read->file);
    read->file = NULL;
    read->done = NULL;
    done(read, status);
}

static void on_read(struct env_file_op *op, int status) {
    struct read_file *read = RMQ_CONTAINER_OF(op, struct read_file, op);
    if (status == RMQ_OK && op->bytes < read->content.len)
        status = RMQ_E_IO;
    read_finish(read, status);
}

/* Where to read to; NULL with *status when there is nothing to read. */
static uint8_t *make_room(struct read_file *read, size_t bytes_max, int *status) {
    uint64_t size = env_file_size(read->file);
    *status = size > bytes_max ? RMQ_E_LIMIT : RMQ_OK;
    if (size > bytes_max || size == 0)
        return NULL;
    uint8_t *into = buf_extend(&read->content, (size_t)size);
    *status = into == NULL ? RMQ_E_NOMEM : RMQ_OK;
    return into;
}

void read_file_start(struct read_file *read, struct env *env, struct span path, size_t bytes_max,
                     read_file_fn *done) {
    RMQ_ASSERT(read->done == NULL && read->file == NULL);
    read->done = done;
    buf_init(&read->content, env);
    int status = env_file_open(env, path, ENV_OPEN_READ, &read->file);
    uint8_t *into = status == RMQ_OK ? make_room(read, bytes_max, &status) : NULL;
    if (into == NULL)
        read_finish(read, status);
    else
        env_file_read(read->file, 0, into, read->content.len, &read->op, on_read);
}

void read_file_cancel(struct read_file *read) {
    if (read->done == NULL)
        return;
    env_file_close(read->file);
    read->file = NULL;
    read->done = NULL;
    buf_deinit(&read->content);
}
