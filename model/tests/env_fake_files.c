/* env_fake_files.c - the disk of the fake's machine, in memory: a cache that processes see, and
 * beneath it what is durable.
 *
 * Per 4 KiB page, per size and per name both states are kept. An operation takes effect when it
 * completes. A sync makes durable what was in the cache when it *started*; one that fails makes
 * its pages clean without making them durable, as Linux does: no later sync brings them back. */
#include <stdlib.h>

#include "model/base/buf.h"
#include "model/tests/env_fake_internal.h"

#define PAGE 4096
#define SECTOR 512

/* When a page or a size was changed last, in the cache and in what is durable (0: never). `dirty`:
 * the next sync takes it along. */
struct version {
    uint64_t changed;
    uint64_t durable;
    bool dirty;
};

/* A file or a directory, whatever its names. Bytes beyond `len` are zeros, in both states. */
struct fake_inode {
    struct fake_inode *following;
    bool is_dir;
    bool locked;
    size_t len, durable_len;
    struct version len_version;
    size_t pages; /* room */
    uint8_t *cache, *durable;
    struct version *page_versions;
    int64_t modified_ms;
};

/* A path, and what it names: NULL for nothing. */
struct fake_name {
    char *path;
    struct fake_inode *cache, *durable;
    struct version version;
};

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

/* ---- pages -------------------------------------------------------------------------------------
 */

static void touch(struct env *env, struct version *version) {
    version->changed = ++env->disk.sequence;
    version->dirty = true;
}

static void reserve(struct fake_inode *inode, uint64_t len) {
    size_t pages = (size_t)((len + PAGE - 1) / PAGE);
    if (pages <= inode->pages) {
        return;
    }
    pages = pages < inode->pages * 2 ? inode->pages * 2 : pages;
    uint8_t *cache = fake_must_alloc(pages * PAGE);
    uint8_t *durable = fake_must_alloc(pages * PAGE);
    struct version *versions = fake_must_alloc(pages * sizeof *versions);
    if (inode->pages > 0) {
        memcpy(cache, inode->cache, inode->pages * PAGE);
        memcpy(durable, inode->durable, inode->pages * PAGE);
        memcpy(versions, inode->page_versions, inode->pages * sizeof *versions);
    }
    free(inode->cache);
    free(inode->durable);
    free(inode->page_versions);
    inode->cache = cache;
    inode->durable = durable;
    inode->page_versions = versions;
    inode->pages = pages;
}

static void touch_pages(struct env *env, struct fake_inode *inode, uint64_t from, uint64_t end) {
    for (uint64_t page = from / PAGE; page * PAGE < end; page++) {
        touch(env, &inode->page_versions[page]);
    }
    inode->modified_ms = (int64_t)(env->mono_ns / 1000000) + env->wall_offset_ms;
}

static void set_len(struct env *env, struct fake_inode *inode, uint64_t len) {
    reserve(inode, len);
    if (len < inode->len) {
        memset(inode->cache + len, 0, inode->len - (size_t)len);
        touch_pages(env, inode, len, inode->len);
    }
    inode->len = (size_t)len;
    touch(env, &inode->len_version);
    touch_pages(env, inode, 0, 0);
}

/* `bytes` NULL: zeros. */
static void store(struct env *env, struct fake_inode *inode, uint64_t offset, const uint8_t *bytes,
                  uint64_t len) {
    if (len == 0) {
        return;
    }
    if (offset + len > inode->len) {
        set_len(env, inode, offset + len);
    }
    if (bytes != NULL) {
        memcpy(inode->cache + offset, bytes, (size_t)len);
    } else {
        memset(inode->cache + offset, 0, (size_t)len);
    }
    touch_pages(env, inode, offset, offset + len);
}

static void set_durable_len(struct fake_inode *inode, size_t len) {
    if (len < inode->durable_len) {
        memset(inode->durable + len, 0, inode->durable_len - len);
    }
    inode->durable_len = len;
}

static struct fake_inode *add_inode(struct env *env, bool is_dir) {
    struct fake_inode *inode = fake_must_alloc(sizeof *inode);
    inode->is_dir = is_dir;
    inode->following = env->disk.inodes;
    env->disk.inodes = inode;
    touch_pages(env, inode, 0, 0);
    return inode;
}

/* ---- names -------------------------------------------------------------------------------------
 */

static struct fake_name *name_of(const struct env *env, struct span path) {
    for (size_t i = 0; i < env->disk.name_count; i++) {
        struct fake_name *name = &env->disk.names[i];
        if (span_equal(span_of_text(name->path), path)) {
            return name;
        }
    }
    return NULL;
}

/* Up to its last '/'; "" for what lies in the root. */
static struct span parent_of(struct span path) {
    size_t len = path.len;
    while (len > 0 && path.data[len - 1] != '/') {
        len--;
    }
    return span_of(path.data, len > 0 ? len - 1 : 0);
}

static struct fake_inode *find(const struct env *env, struct span path) {
    const struct fake_name *name = name_of(env, path);
    return name == NULL ? NULL : name->cache;
}

static bool is_dir(const struct env *env, struct span path) {
    const struct fake_inode *inode = find(env, path);
    return path.len == 0 || (inode != NULL && inode->is_dir);
}

static void set_name(struct env *env, struct span path, struct fake_inode *inode) {
    struct fake_disk *disk = &env->disk;
    struct fake_name *name = name_of(env, path);
    if (name == NULL) {
        disk->names =
            fake_grow(disk->names, disk->name_count, &disk->name_capacity, sizeof *disk->names);
        name = &disk->names[disk->name_count++];
        *name = (struct fake_name){.path = fake_copy_text((const char *)path.data, path.len)};
    }
    name->cache = inode;
    touch(env, &name->version);
}

/* Absolute, not the root, no part that is empty or dots. */
static bool path_is_legal(struct span path) {
    struct span rest = path;
    struct span part = SPAN_NONE;
    size_t len = 0;
    if (path.len < 2 || path.len >= ENV_PATH_MAX || path.data[0] != '/') {
        return false;
    }
    while (span_next_part(&rest, '/', &part)) {
        if (span_equal(part, SPAN_LITERAL(".")) || span_equal(part, SPAN_LITERAL(".."))) {
            return false;
        }
        len += part.len + 1;
    }
    return len == path.len;
}

static bool has_children(const struct env *env, struct span path) {
    for (size_t i = 0; i < env->disk.name_count; i++) {
        const struct fake_name *name = &env->disk.names[i];
        if (name->cache != NULL && span_equal(parent_of(span_of_text(name->path)), path)) {
            return true;
        }
    }
    return false;
}

int env_path_make_dir(struct env *env, struct span path) {
    fake_call(env);
    if (!path_is_legal(path)) {
        return RMQ_E_INVALID;
    }
    for (size_t len = 1; len <= path.len; len++) {
        if (len < path.len && path.data[len] != '/') {
            continue;
        }
        struct span prefix = span_of(path.data, len);
        const struct fake_inode *inode = find(env, prefix);
        if (inode != NULL && !inode->is_dir) {
            return RMQ_E_EXISTS;
        }
        if (inode == NULL) {
            set_name(env, prefix, add_inode(env, true));
        }
    }
    return RMQ_OK;
}

int env_path_rename(struct env *env, struct span from, struct span to) {
    fake_call(env);
    struct fake_inode *inode = find(env, from);
    if (inode == NULL || !is_dir(env, parent_of(to))) {
        return RMQ_E_NOT_FOUND;
    }
    if (!path_is_legal(to) || inode->is_dir || is_dir(env, to)) {
        return RMQ_E_INVALID;
    }
    if (fake_fails(env, FAKE_FAIL_FILE_RENAME)) {
        return env->disk.error;
    }
    if (!span_equal(from, to)) {
        set_name(env, from, NULL);
        set_name(env, to, inode);
    }
    return RMQ_OK;
}

int env_path_unlink(struct env *env, struct span path) {
    fake_call(env);
    if (find(env, path) == NULL) {
        return RMQ_E_NOT_FOUND;
    }
    if (has_children(env, path)) {
        return RMQ_E_STATE;
    }
    set_name(env, path, NULL);
    return RMQ_OK;
}

static int compare_names(const void *a, const void *b) {
    return strcmp((*(const struct fake_name *const *)a)->path,
                  (*(const struct fake_name *const *)b)->path);
}

int env_path_list(struct env *env, struct span path, struct buf *out) {
    fake_call(env);
    if (!is_dir(env, path)) {
        return RMQ_E_NOT_FOUND;
    }
    size_t count = 0;
    const struct fake_name **found = fake_must_alloc((env->disk.name_count + 1) * sizeof *found);
    for (size_t i = 0; i < env->disk.name_count; i++) {
        const struct fake_name *name = &env->disk.names[i];
        if (name->cache != NULL && span_equal(parent_of(span_of_text(name->path)), path)) {
            found[count++] = name;
        }
    }
    qsort(found, count, sizeof(const struct fake_name *), compare_names);
    for (size_t i = 0; i < count; i++) {
        buf_put_text(out, found[i]->path + path.len + 1);
        buf_put(out, "/", found[i]->cache->is_dir ? 2 : 0);
        if (!found[i]->cache->is_dir) {
            buf_put_u8(out, 0);
        }
    }
    free(found);
    return buf_failed(out) ? RMQ_E_NOMEM : RMQ_OK;
}

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
    struct fake_inode *inode = find(env, path);
    if (!path_is_legal(path) || (inode != NULL && inode->is_dir)) {
        return RMQ_E_INVALID;
    }
    if (inode != NULL && mode == ENV_OPEN_NEW) {
        return RMQ_E_EXISTS;
    }
    if ((inode == NULL && mode <= ENV_OPEN_WRITE) || !is_dir(env, parent_of(path))) {
        return RMQ_E_NOT_FOUND;
    }
    if (fake_fails(env, FAKE_FAIL_FILE_OPEN)) {
        return env->disk.error;
    }
    if (inode == NULL) {
        inode = add_inode(env, false);
        set_name(env, path, inode);
    }
    *out = open_inode(env, inode, mode != ENV_OPEN_READ);
    return RMQ_OK;
}

int env_file_lock(struct env *env, struct span path, struct env_file **out) {
    fake_call(env);
    struct fake_inode *inode = find(env, path);
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
    set_len(file->env, file->inode, size);
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
    path.len = path.len == 1 ? 0 : path.len; /* "/" */
    if (!is_dir(env, path)) {
        under_way->status = RMQ_E_NOT_FOUND;
        return;
    }
    for (size_t i = 0; i < env->disk.name_count; i++) {
        const struct fake_name *name = &env->disk.names[i];
        if (name->version.dirty && span_equal(parent_of(span_of_text(name->path)), path)) {
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
        set_durable_len(inode, op->saved_len);
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
    store(env, op->file->inode, op->offset, op->kind == OP_WRITE ? op->bytes.data : NULL, len);
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

int env_disk_usage(struct env *env, struct span path, struct env_disk_usage *out) {
    fake_call(env);
    if (find(env, path) == NULL && path.len > 1) {
        return RMQ_E_NOT_FOUND;
    }
    *out = env->disk.usage;
    for (size_t i = 0; out->used_bytes == 0 && i < env->disk.name_count; i++) {
        const struct fake_inode *inode = env->disk.names[i].cache;
        out->used_bytes += inode == NULL ? 0 : inode->len;
    }
    return RMQ_OK;
}

/* ---- the test's side ---------------------------------------------------------------------------
 */

void fake_put_file(struct env *env, const char *path, struct span bytes) {
    fake_outside_handler(env);
    struct span name = span_of_text(path);
    struct span dir = parent_of(name);
    RMQ_ASSERT(path_is_legal(name) && !is_dir(env, name));
    int err = dir.len == 0 ? RMQ_OK : env_path_make_dir(env, dir);
    RMQ_ASSERT(err == RMQ_OK);
    struct fake_inode *inode = add_inode(env, false);
    store(env, inode, 0, bytes.data, bytes.len);
    set_name(env, name, inode);
    fake_keep_all(env);
}

bool fake_get_file(const struct env *env, const char *path, struct span *out) {
    const struct fake_inode *inode = find(env, span_of_text(path));
    if (inode == NULL || inode->is_dir) {
        return false;
    }
    *out = span_of(inode->len > 0 ? inode->cache : (const uint8_t *)"", inode->len);
    return true;
}

void fake_remove_file(struct env *env, const char *path) {
    fake_outside_handler(env);
    struct fake_name *name = name_of(env, span_of_text(path));
    RMQ_ASSERT(name != NULL && name->cache != NULL && !name->cache->is_dir);
    name->cache = name->durable = NULL;
    name->version = (struct version){0};
}

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
    struct fake_inode *inode = find(env, span_of_text(path));
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

/* ---- ends --------------------------------------------------------------------------------------
 */

/* Whether the next thing that was not synced survives. */
static bool survives(enum fake_keep keep, unsigned *turn) {
    unsigned number = (*turn)++;
    switch (keep) {
    case FAKE_KEEP_NONE:
        return false;
    case FAKE_KEEP_EVEN:
        return number % 2 == 0;
    case FAKE_KEEP_ODD:
        return number % 2 == 1;
    case FAKE_KEEP_ALL:
    case FAKE_KEEP_TORN:
    case FAKE_KEEP_COUNT:
        break;
    }
    return true;
}

static void settle_page(struct fake_inode *inode, size_t page, enum fake_keep keep,
                        unsigned *turn) {
    struct version *version = &inode->page_versions[page];
    uint8_t *cache = inode->cache + page * PAGE;
    uint8_t *durable = inode->durable + page * PAGE;
    if (version->dirty && survives(keep, turn)) {
        size_t step = keep == FAKE_KEEP_TORN ? 2 * SECTOR : SECTOR;
        for (size_t at = 0; at < PAGE; at += step) {
            memcpy(durable + at, cache + at, SECTOR);
        }
    }
    memcpy(cache, durable, PAGE);
    *version = (struct version){0};
}

static void settle_inode(struct fake_inode *inode, enum fake_keep keep, unsigned *turn) {
    if (inode->len_version.dirty && survives(keep, turn)) {
        inode->durable_len = inode->len;
    }
    for (size_t page = 0; page < inode->pages; page++) {
        settle_page(inode, page, keep, turn);
    }
    inode->len = inode->durable_len;
    inode->len_version = (struct version){0};
    if (inode->pages > 0) { /* bytes whose size did not survive */
        memset(inode->cache + inode->len, 0, inode->pages * PAGE - inode->len);
        memset(inode->durable + inode->len, 0, inode->pages * PAGE - inode->len);
    }
}

/* What is left becomes both states: nothing is un-synced any more. */
static void settle_disk(struct env *env, enum fake_keep keep) {
    unsigned turn = 0;
    for (struct fake_inode *inode = env->disk.inodes; inode != NULL; inode = inode->following) {
        settle_inode(inode, keep, &turn);
    }
    for (size_t i = 0; i < env->disk.name_count; i++) {
        struct fake_name *name = &env->disk.names[i];
        if (name->version.dirty && survives(keep, &turn)) {
            name->durable = name->cache;
        }
        name->cache = name->durable;
        name->version = (struct version){0};
    }
    for (size_t i = 0; i < env->disk.name_count; i++) { /* a parent comes before its children */
        struct fake_name *name = &env->disk.names[i];
        if (!is_dir(env, parent_of(span_of_text(name->path)))) {
            name->cache = name->durable = NULL;
        }
    }
}

void fake_keep_all(struct env *env) {
    settle_disk(env, FAKE_KEEP_ALL);
}

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
    settle_disk(env, keep);
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
    free(env->disk.ops);
}
