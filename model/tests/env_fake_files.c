/* env_fake_files.c - open files of the fake node, and operations under way.
 *
 * An operation takes effect when it completes. A sync makes durable what was in the cache when it
 * *started*; one that fails makes its pages clean without making them durable, as Linux does: no
 * later sync brings them back. */
#include <stdlib.h>

#include "model/tests/env_fake_disk.h"

struct env_file {
    struct env *env;
    struct env_file *following;
    struct fake_inode *inode;
    bool open;
    bool writable;
};

enum op_kind { OP_WRITE, OP_READ, OP_SYNC, OP_ZERO, OP_SYNC_DIR };

struct saved_page {
    size_t page;
    uint64_t changed;
    uint8_t bytes[PAGE];
};

struct saved_name {
    size_t name;
    uint64_t changed;
    struct fake_inode *inode;
};

/* An operation under way. */
struct fake_op {
    struct env_file_op *op;
    struct env_file *file; /* NULL: OP_SYNC_DIR */
    enum op_kind kind;
    int status; /* that it will end with */
    uint64_t offset;
    struct span bytes;
    uint8_t *into;
    uint64_t len;
    uint64_t sequence;
    /* What a sync took along when it started. */
    struct saved_page *pages;
    struct saved_name *names;
    size_t saved_count, saved_capacity;
    size_t saved_len;
    uint64_t saved_len_changed;
};

/* ---- open files --------------------------------------------------------------------------------
 */

static void file_call(const struct env_file *file) {
    fake_call(file->env);
    RMQ_ASSERT(file->open); /* used after env_file_close */
}

static struct env_file *open_inode(struct env *env, struct fake_inode *inode, bool writable) {
    struct env_file *file = fake_must_alloc(sizeof *file);
    *file = (struct env_file){env, env->disk.files, inode, true, writable};
    env->disk.files = file;
    return file;
}

int env_file_open(struct env *env, struct span path, enum env_open_mode mode,
                  struct env_file **out) {
    fake_call(env);
    struct fake_inode *inode = fake_find_path(env, path);
    if (!fake_path_is_legal(path)) {
        return RMQ_E_INVALID;
    }
    if (inode != NULL && mode == ENV_OPEN_NEW) {
        return RMQ_E_EXISTS;
    }
    if (inode != NULL && inode->is_dir) {
        return RMQ_E_INVALID;
    }
    if ((inode == NULL && mode <= ENV_OPEN_WRITE) || !fake_is_dir(env, fake_parent_of(path))) {
        return RMQ_E_NOT_FOUND;
    }
    if (fake_fails(env, FAKE_FAIL_FILE_OPEN)) {
        return env->disk.error;
    }
    if (inode == NULL) {
        inode = fake_add_inode(env, false);
        fake_set_name(env, path, inode);
    }
    *out = open_inode(env, inode, mode != ENV_OPEN_READ);
    return RMQ_OK;
}

int env_file_lock(struct env *env, struct span path, struct env_file **out) {
    fake_call(env);
    struct fake_inode *inode = fake_find_path(env, path);
    if (inode != NULL && inode->locked) {
        return RMQ_E_IN_USE;
    }
    int err = env_file_open(env, path, ENV_OPEN_CREATE, out);
    if (err == RMQ_OK) {
        (*out)->inode->locked = true;
    }
    return err;
}

uint64_t env_file_size(const struct env_file *file) {
    file_call(file);
    return file->inode->len;
}

int64_t env_file_modified_ms(const struct env_file *file) {
    file_call(file);
    return file->inode->modified_ms;
}

int env_file_view(struct env_file *file, uint64_t offset, size_t len, struct span *out) {
    file_call(file);
    const struct fake_disk *disk = &file->env->disk;
    if (offset >= file->inode->len) {
        return RMQ_E_RANGE;
    }
    RMQ_ASSERT(len > 0);
    if (fake_fails(file->env, FAKE_FAIL_FILE_VIEW) || disk->cold) {
        return RMQ_E_AGAIN;
    }
    size_t rest = file->inode->len - (size_t)offset;
    len = len < rest ? len : rest;
    len = disk->view_max > 0 && len > disk->view_max ? disk->view_max : len;
    *out = span_of(file->inode->cache + offset, len);
    return RMQ_OK;
}

int env_file_truncate(struct env_file *file, uint64_t size) {
    file_call(file);
    RMQ_ASSERT(file->writable);
    if (fake_fails(file->env, FAKE_FAIL_FILE_WRITE)) {
        return file->env->disk.error;
    }
    fake_inode_set_len(file->env, file->inode, size);
    return RMQ_OK;
}

/* ---- operations --------------------------------------------------------------------------------
 */

static struct fake_op *start(struct env *env, struct env_file *file, enum op_kind kind,
                             struct env_file_op *op, env_file_fn *done) {
    struct fake_disk *disk = &env->disk;
    static const enum fake_failure fails_by[] = {FAKE_FAIL_FILE_WRITE, FAKE_FAIL_FILE_READ,
                                                 FAKE_FAIL_FILE_SYNC, FAKE_FAIL_FILE_WRITE,
                                                 FAKE_FAIL_FILE_SYNC};
    RMQ_ASSERT(done != NULL);
    RMQ_ASSERT(op->done == NULL); /* zero-initialised, and not under way */
    *op = (struct env_file_op){.done = done, .env = env};
    op->slot[0] = ++disk->sequence;
    disk->ops = fake_grow(disk->ops, disk->op_count, &disk->op_capacity, sizeof *disk->ops);
    struct fake_op *under_way = &disk->ops[disk->op_count++];
    *under_way = (struct fake_op){.op = op, .file = file, .kind = kind};
    under_way->sequence = op->slot[0];
    under_way->status = fake_fails(env, fails_by[kind]) ? disk->error : RMQ_OK;
    return under_way;
}

void env_file_write(struct env_file *file, uint64_t offset, struct span bytes,
                    struct env_file_op *op, env_file_fn *done) {
    file_call(file);
    RMQ_ASSERT(file->writable);
    struct fake_op *under_way = start(file->env, file, OP_WRITE, op, done);
    under_way->offset = offset;
    under_way->bytes = bytes;
    under_way->len = bytes.len;
}

void env_file_zero(struct env_file *file, uint64_t offset, uint64_t len, struct env_file_op *op,
                   env_file_fn *done) {
    file_call(file);
    RMQ_ASSERT(file->writable);
    struct fake_op *under_way = start(file->env, file, OP_ZERO, op, done);
    under_way->offset = offset;
    under_way->len = len;
}

void env_file_read(struct env_file *file, uint64_t offset, void *into, size_t len,
                   struct env_file_op *op, env_file_fn *done) {
    file_call(file);
    struct fake_op *under_way = start(file->env, file, OP_READ, op, done);
    under_way->offset = offset;
    under_way->into = into;
    under_way->len = len;
}

void env_file_sync(struct env_file *file, struct env_file_op *op, env_file_fn *done) {
    file_call(file);
    const struct fake_inode *inode = file->inode;
    struct fake_op *under_way = start(file->env, file, OP_SYNC, op, done);
    under_way->saved_len = inode->len;
    under_way->saved_len_changed = inode->len_version.dirty ? inode->len_version.changed : 0;
    for (size_t page = 0; page < inode->pages; page++) {
        if (inode->page_versions[page].dirty) {
            under_way->pages = fake_grow(under_way->pages, under_way->saved_count,
                                         &under_way->saved_capacity, sizeof *under_way->pages);
            struct saved_page *saved = &under_way->pages[under_way->saved_count++];
            saved->page = page;
            saved->changed = inode->page_versions[page].changed;
            memcpy(saved->bytes, inode->cache + page * PAGE, PAGE);
        }
    }
}

void env_path_sync_dir(struct env *env, struct span path, struct env_file_op *op,
                       env_file_fn *done) {
    fake_call(env);
    struct fake_op *under_way = start(env, NULL, OP_SYNC_DIR, op, done);
    path = fake_without_slash(path);
    if (!fake_is_dir(env, path)) {
        under_way->status = RMQ_E_NOT_FOUND;
        return;
    }
    for (size_t i = 0; i < env->disk.name_count; i++) {
        const struct fake_name *name = &env->disk.names[i];
        if (name->version.dirty && span_equal(fake_parent_of(span_of_text(name->path)), path)) {
            under_way->names = fake_grow(under_way->names, under_way->saved_count,
                                         &under_way->saved_capacity, sizeof *under_way->names);
            under_way->names[under_way->saved_count++] =
                (struct saved_name){i, name->version.changed, name->cache};
        }
    }
}

/* A sync that took the state of `changed` along has ended: whether that state becomes durable now.
 * Of two syncs that end in the wrong order the older one changes nothing. */
static bool settle_version(struct version *version, uint64_t changed, bool synced) {
    if (version->changed == changed) {
        version->dirty = false;
    }
    if (!synced || version->durable >= changed) {
        return false;
    }
    version->durable = changed;
    return true;
}

static void end_sync(struct fake_op *op) {
    struct fake_inode *inode = op->file->inode;
    bool synced = op->status == RMQ_OK;
    for (size_t i = 0; i < op->saved_count; i++) {
        const struct saved_page *saved = &op->pages[i];
        if (settle_version(&inode->page_versions[saved->page], saved->changed, synced)) {
            memcpy(inode->durable + saved->page * PAGE, saved->bytes, PAGE);
        }
    }
    if (op->saved_len_changed > 0 &&
        settle_version(&inode->len_version, op->saved_len_changed, synced)) {
        fake_inode_set_durable_len(inode, op->saved_len);
    }
}

static void end_sync_dir(struct env *env, struct fake_op *op) {
    for (size_t i = 0; i < op->saved_count; i++) {
        struct fake_name *name = &env->disk.names[op->names[i].name];
        if (settle_version(&name->version, op->names[i].changed, op->status == RMQ_OK)) {
            name->durable = op->names[i].inode;
        }
    }
}

static void end_read(struct fake_op *op) {
    const struct fake_inode *inode = op->file->inode;
    if (op->status == RMQ_OK && op->offset < inode->len) {
        size_t rest = inode->len - (size_t)op->offset;
        op->op->bytes = op->len < rest ? (size_t)op->len : rest;
        memcpy(op->into, inode->cache + op->offset, op->op->bytes);
    }
}

/* A write that fails has written its first half. */
static void end_write(struct env *env, struct fake_op *op) {
    uint64_t len = op->status == RMQ_OK ? op->len : op->len / 2;
    op->op->bytes = (size_t)len;
    fake_inode_write(env, op->file->inode, op->offset, op->kind == OP_WRITE ? op->bytes.data : NULL,
                     len);
}

static void take_effect(struct env *env, struct fake_op *op) {
    switch (op->kind) {
    case OP_WRITE:
    case OP_ZERO:
        end_write(env, op);
        return;
    case OP_READ:
        end_read(op);
        return;
    case OP_SYNC:
        end_sync(op);
        return;
    case OP_SYNC_DIR:
        end_sync_dir(env, op);
        return;
    }
}

static void forget_op(struct env *env, size_t index) {
    struct fake_disk *disk = &env->disk;
    free(disk->ops[index].pages);
    free(disk->ops[index].names);
    disk->op_count--;
    memmove(&disk->ops[index], &disk->ops[index + 1], (disk->op_count - index) * sizeof *disk->ops);
}

static void run_done(const struct fake_step *step) {
    step->done(step->op, step->reason);
}

void fake_complete(struct env *env, size_t index) {
    fake_outside_handler(env);
    RMQ_ASSERT(index < env->disk.op_count);
    struct fake_op *op = &env->disk.ops[index];
    RMQ_ASSERT(op->op->slot[0] == op->sequence); /* its memory stayed put */
    struct fake_step step = {.env = env, .op = op->op, .done = op->op->done, .reason = op->status};
    take_effect(env, op);
    forget_op(env, index);
    step.op->done = NULL;
    fake_run(run_done, &step);
}

void fake_complete_reverse(struct env *env) {
    for (size_t left = env->disk.op_count; left > 0 && env->disk.op_count > 0; left--) {
        fake_complete(env, (left < env->disk.op_count ? left : env->disk.op_count) - 1);
    }
}

bool fake_files_settle(struct env *env) {
    if (env->disk.held || env->disk.op_count == 0) {
        return false;
    }
    fake_complete(env, 0);
    return true;
}

void env_file_close(struct env_file *file) {
    if (file == NULL) {
        return;
    }
    file_call(file);
    struct env *env = file->env;
    for (size_t i = env->disk.op_count; i > 0; i--) {
        if (env->disk.ops[i - 1].file == file) {
            env->disk.ops[i - 1].op->done = NULL;
            forget_op(env, i - 1);
        }
    }
    file->open = false;
    file->inode->locked = false;
}

/* ---- the test's side
 * -----------------------------------------------------------------------------
 */

void fake_hold_files(struct env *env, bool on) {
    env->disk.held = on;
}

size_t fake_file_ops(const struct env *env) {
    return env->disk.op_count;
}

void fake_fail_files_with(struct env *env, int status) {
    env->disk.error = status;
}

void fake_set_view_max(struct env *env, size_t bytes) {
    env->disk.view_max = bytes;
}

void fake_set_cold(struct env *env, bool on) {
    env->disk.cold = on;
}

void fake_set_disk_usage(struct env *env, uint64_t total_bytes, uint64_t used_bytes) {
    env->disk.usage = (struct env_disk_usage){total_bytes, used_bytes};
}

void fake_set_locked(struct env *env, const char *path, bool on) {
    struct fake_inode *inode = fake_find_path(env, span_of_text(path));
    RMQ_ASSERT(inode != NULL);
    inode->locked = on;
}

size_t fake_open_files(const struct env *env) {
    size_t count = 0;
    for (const struct env_file *file = env->disk.files; file != NULL; file = file->following) {
        count += file->open;
    }
    return count;
}

/* ---- ends
 * ----------------------------------------------------------------------------------------
 */

void fake_power_off(struct env *env, enum fake_keep keep) {
    fake_outside_handler(env);
    for (size_t i = 0; i < env->disk.op_count; i++) { /* under way: may have taken effect */
        struct fake_op *op = &env->disk.ops[i];
        if (keep != FAKE_KEEP_NONE && (op->kind == OP_WRITE || op->kind == OP_ZERO)) {
            end_write(env, op);
        }
    }
    fake_end_node(env);
    env->crashed = true;
    fake_settle_disk(env, keep);
}

void fake_files_drop(struct env *env) {
    while (env->disk.op_count > 0) {
        forget_op(env, env->disk.op_count - 1);
    }
    for (struct env_file *file = env->disk.files; file != NULL; file = file->following) {
        file->inode->locked = file->inode->locked && !file->open;
        file->open = false;
    }
}

void fake_files_check_free(const struct env *env, const void *start_of, size_t size) {
    uintptr_t low = (uintptr_t)start_of;
    for (size_t i = 0; i < env->disk.op_count; i++) {
        const struct fake_op *op = &env->disk.ops[i];
        uintptr_t places[] = {(uintptr_t)op->op, (uintptr_t)op->bytes.data, (uintptr_t)op->into};
        for (size_t k = 0; k < sizeof places / sizeof places[0]; k++) {
            RMQ_ASSERT(places[k] < low || places[k] >= low + size); /* freed while under way */
        }
    }
}

void fake_files_free(struct env *env) {
    while (env->disk.inodes != NULL) {
        struct fake_inode *inode = env->disk.inodes;
        env->disk.inodes = inode->following;
        free(inode->cache);
        free(inode->durable);
        free(inode->page_versions);
        free(inode);
    }
    while (env->disk.files != NULL) {
        struct env_file *file = env->disk.files;
        env->disk.files = file->following;
        free(file);
    }
    for (size_t i = 0; i < env->disk.name_count; i++) {
        free(env->disk.names[i].path);
    }
    free(env->disk.names);
    free(env->disk.listing);
    free(env->disk.ops);
}
