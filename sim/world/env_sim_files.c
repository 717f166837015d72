/* sim/world/env_sim_files.c - env.h over the virtual world: files and paths. The disk itself is
 * disk.c and what is beside it. */
#include "model/base/buf.h"
#include "sim/world/disk_internal.h"

static struct disk *disk_of_env(struct env *env) {
    RMQ_ASSERT(env->id != 0);
    return disk_of(env->world, env->host);
}

/* May names and sizes be changed? */
static int writable(struct disk *disk) {
    if (disk->read_only) {
        disk->world->counts.disk_read_only++;
        return RMQ_E_READ_ONLY;
    }
    return RMQ_OK;
}
static int has_room_for_name(struct disk *disk) {
    int err = writable(disk);
    if (err == RMQ_OK && disk->full) {
        disk->world->counts.disk_full++;
        return RMQ_E_NO_SPACE;
    }
    return err;
}

/* Names are part of what a run did, as written bytes are. */
static void fold_name(struct disk *disk, struct span path, uint64_t what) {
    trace_hash_fold(&disk->world->hash, trace_hash_bytes(path.data, path.len), what);
}
enum { FOLD_CREATE = 1, FOLD_RENAME, FOLD_UNLINK, FOLD_DIR, FOLD_TRUNCATE };

/* ---- open files ---- */

static struct env_file *file_new(struct env *env, struct inode *inode, bool may_write) {
    struct env_file *file = world_alloc(env->world, sizeof *file);
    if (file != NULL) {
        file->env = env;
        file->inode = inode;
        file->writable = may_write;
        list_append(&env->files, &file->of_node);
        inode->handles++;
    }
    return file;
}

/* The file of that path; with `create`, made when it is missing. */
static int find_or_create(struct disk *disk, struct span path, bool create, struct inode **out) {
    struct span name;
    struct inode *dir = disk_find_parent(disk, path, &name);
    const struct dentry *entry = dir == NULL ? NULL : dir_find(dir, name);
    if (path.len == 1) {
        return RMQ_E_INVALID; /* "/" */
    }
    if (entry != NULL && entry->current != NULL) {
        *out = entry->current;
        return entry->current->directory ? RMQ_E_INVALID : RMQ_OK;
    }
    if (dir == NULL || !create) {
        return RMQ_E_NOT_FOUND;
    }
    int err = has_room_for_name(disk);
    if (err == RMQ_OK) {
        *out = disk_create(dir, name, false);
        fold_name(disk, path, FOLD_CREATE);
    }
    return err;
}

static void stamp(struct env *env, struct inode *file) {
    file->modified_ms = clock_wall_ms(&env->clock, env->world->wheel.now_ns);
}

int env_file_open(struct env *env, struct span path, enum env_open_mode mode,
                  struct env_file **out) {
    env_enter(env);
    struct disk *disk = disk_of_env(env);
    if (!path_is_valid(path)) {
        return RMQ_E_INVALID;
    }
    struct inode *inode = disk_find(disk, path);
    bool is_there = inode != NULL;
    if (is_there && mode == ENV_OPEN_NEW) {
        return RMQ_E_EXISTS;
    }
    int err = find_or_create(disk, path, mode == ENV_OPEN_CREATE || mode == ENV_OPEN_NEW, &inode);
    if (err == RMQ_OK && is_there && mode != ENV_OPEN_READ) {
        err = writable(disk);
    }
    if (err != RMQ_OK) {
        return err;
    }
    if (!is_there) {
        stamp(env, inode);
    }
    struct env_file *file = file_new(env, inode, mode != ENV_OPEN_READ);
    if (file == NULL) {
        return RMQ_E_NOMEM;
    }
    *out = file;
    return RMQ_OK;
}

void env_file_close(struct env_file *file) {
    if (file != NULL) {
        env_enter(file->env);
        file_close(file);
    }
}

int env_file_lock(struct env *env, struct span path, struct env_file **out) {
    env_enter(env);
    struct disk *disk = disk_of_env(env);
    struct inode *inode;
    if (!path_is_valid(path)) {
        return RMQ_E_INVALID;
    }
    int err = find_or_create(disk, path, true, &inode);
    err = err == RMQ_OK ? writable(disk) : err;
    if (err != RMQ_OK) {
        return err;
    }
    if (inode->lock != NULL) {
        return RMQ_E_IN_USE;
    }
    struct env_file *file = file_new(env, inode, true);
    if (file == NULL) {
        return RMQ_E_NOMEM;
    }
    inode->lock = file;
    *out = file;
    return RMQ_OK;
}

uint64_t env_file_size(const struct env_file *file) {
    env_enter(file->env);
    return file->inode->size;
}

int64_t env_file_modified_ms(const struct env_file *file) {
    env_enter(file->env);
    return file->inode->modified_ms;
}

/* ---- operations ---- */

static void start(struct env_file *file, enum disk_op_kind kind, uint64_t offset, uint64_t len,
                  const void *bytes, struct env_file_op *op, env_file_fn *done) {
    struct disk_op request = {.env = file->env,
                              .file = file,
                              .inode = file->inode,
                              .kind = (uint8_t)kind,
                              .offset = offset,
                              .len = len,
                              .bytes = (uint8_t *)(uintptr_t)bytes};
    disk_op_start(&request, op, done);
}

void env_file_write(struct env_file *file, uint64_t offset, struct span bytes,
                    struct env_file_op *op, env_file_fn *done) {
    env_enter(file->env);
    RMQ_ASSERT(file->writable);
    start(file, OP_WRITE, offset, bytes.len, bytes.data, op, done);
}

void env_file_zero(struct env_file *file, uint64_t offset, uint64_t len, struct env_file_op *op,
                   env_file_fn *done) {
    env_enter(file->env);
    RMQ_ASSERT(file->writable);
    start(file, OP_ZERO, offset, len, NULL, op, done);
}

void env_file_read(struct env_file *file, uint64_t offset, void *into, size_t len,
                   struct env_file_op *op, env_file_fn *done) {
    env_enter(file->env);
    start(file, OP_READ, offset, len, into, op, done);
}

void env_file_sync(struct env_file *file, struct env_file_op *op, env_file_fn *done) {
    env_enter(file->env);
    start(file, OP_SYNC, 0, 0, NULL, op, done);
}

int env_file_view(struct env_file *file, uint64_t offset, size_t len, struct span *out) {
    env_enter(file->env);
    struct inode *inode = file->inode;
    RMQ_ASSERT(len > 0);
    if (offset >= inode->size) {
        return RMQ_E_RANGE;
    }
    if (disk_is_bounded(inode->disk)) {
        if (!cache_has(inode, offset)) {
            return RMQ_E_AGAIN;
        }
        cache_use(inode, offset, 1);
    }
    *out = file_view(inode, offset, len);
    return RMQ_OK;
}

int env_file_truncate(struct env_file *file, uint64_t size) {
    env_enter(file->env);
    RMQ_ASSERT(file->writable);
    struct inode *inode = file->inode;
    int err = writable(inode->disk);
    if (err == RMQ_OK && size > FILE_BYTES_MAX) {
        err = RMQ_E_NO_SPACE;
    }
    if (err == RMQ_OK) {
        file_truncate(inode, size);
        stamp(file->env, inode);
        trace_hash_fold(&inode->disk->world->hash, inode->draw_owner ^ FOLD_TRUNCATE, size);
    }
    return err;
}

/* ---- paths ---- */

int env_path_make_dir(struct env *env, struct span path) {
    env_enter(env);
    struct disk *disk = disk_of_env(env);
    if (!path_is_valid(path)) {
        return RMQ_E_INVALID;
    }
    const struct inode *there = disk_find(disk, path);
    if (there != NULL) {
        return there->directory ? RMQ_OK : RMQ_E_EXISTS;
    }
    int err = has_room_for_name(disk);
    if (err == RMQ_OK) {
        err = disk_make_dirs(disk, path);
        fold_name(disk, path, FOLD_DIR);
    }
    return err;
}

/* Is `dir` the directory `above`, or anywhere in it? */
static bool is_within(const struct inode *dir, const struct inode *above) {
    for (; dir != dir->disk->root; dir = dir->name->dir) {
        if (dir == above) {
            return true;
        }
    }
    return dir == above;
}

/* May `moved` take the place of what `entry` stands for? */
static int may_replace(const struct inode *moved, const struct dentry *entry) {
    const struct inode *there = entry == NULL ? NULL : entry->current;
    if (there == NULL || there == moved) {
        return RMQ_OK;
    }
    if (moved->directory != there->directory) {
        return RMQ_E_INVALID;
    }
    return there->directory && !dir_is_empty(there) ? RMQ_E_STATE : RMQ_OK;
}

int env_path_rename(struct env *env, struct span from, struct span to) {
    env_enter(env);
    struct disk *disk = disk_of_env(env);
    struct span from_name, to_name;
    if (!path_is_valid(from) || !path_is_valid(to)) {
        return RMQ_E_INVALID;
    }
    struct inode *from_dir = disk_find_parent(disk, from, &from_name);
    struct inode *to_dir = disk_find_parent(disk, to, &to_name);
    struct dentry *entry = from_dir == NULL ? NULL : dir_find(from_dir, from_name);
    if (to_dir == NULL || entry == NULL || entry->current == NULL) {
        return RMQ_E_NOT_FOUND;
    }
    struct inode *moved = entry->current;
    int err = moved->directory && is_within(to_dir, moved)
                  ? RMQ_E_INVALID
                  : may_replace(moved, dir_find(to_dir, to_name));
    err = err == RMQ_OK ? writable(disk) : err;
    if (err != RMQ_OK || (from_dir == to_dir && span_equal(from_name, to_name))) {
        return err;
    }
    dentry_set(dir_need(to_dir, to_name), moved);
    dentry_set(entry, NULL);
    dentry_drop_if_void(entry);
    fold_name(disk, from, FOLD_RENAME);
    fold_name(disk, to, FOLD_RENAME);
    return RMQ_OK;
}

int env_path_unlink(struct env *env, struct span path) {
    env_enter(env);
    struct disk *disk = disk_of_env(env);
    struct span name;
    if (!path_is_valid(path)) {
        return RMQ_E_INVALID;
    }
    struct inode *dir = disk_find_parent(disk, path, &name);
    struct dentry *entry = dir == NULL ? NULL : dir_find(dir, name);
    if (entry == NULL || entry->current == NULL) {
        return RMQ_E_NOT_FOUND;
    }
    if (entry->current->directory && !dir_is_empty(entry->current)) {
        return RMQ_E_STATE;
    }
    int err = writable(disk);
    if (err == RMQ_OK) {
        dentry_set(entry, NULL);
        dentry_drop_if_void(entry);
        fold_name(disk, path, FOLD_UNLINK);
    }
    return err;
}

int env_path_list(struct env *env, struct span path, struct buf *out) {
    env_enter(env);
    const struct inode *dir = path_is_valid(path) ? disk_find(disk_of_env(env), path) : NULL;
    if (dir == NULL || !dir->directory) {
        return RMQ_E_NOT_FOUND;
    }
    for (size_t i = 0; i < dir->entry_count; i++) {
        const struct dentry *entry = dir->entries[i];
        if (entry->current != NULL) {
            buf_put(out, entry->text, entry->len);
            buf_put(out, "/", entry->current->directory ? 2 : 0);
            buf_put(out, "", entry->current->directory ? 0 : 1);
        }
    }
    return buf_failed(out) ? RMQ_E_NOMEM : RMQ_OK;
}

void env_path_sync_dir(struct env *env, struct span path, struct env_file_op *op,
                       env_file_fn *done) {
    env_enter(env);
    struct disk *disk = disk_of_env(env);
    struct inode *dir = path_is_valid(path) ? disk_find(disk, path) : NULL;
    struct disk_op request = {.env = env, .inode = dir, .kind = OP_SYNC_DIR};
    if (dir == NULL || !dir->directory) { /* nothing to make durable */
        request.inode = disk->root;
        request.kind = OP_MISSING;
    }
    disk_op_start(&request, op, done);
}

int env_disk_usage(struct env *env, struct span path, struct env_disk_usage *out) {
    env_enter(env);
    struct disk *disk = disk_of_env(env);
    if (!path_is_valid(path) || disk_find(disk, path) == NULL) {
        return RMQ_E_NOT_FOUND;
    }
    disk_usage(disk, out);
    return RMQ_OK;
}
