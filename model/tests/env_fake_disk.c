/* env_fake_disk.c - the disk of the fake's machine, in memory. See env_fake_disk.h. */
#include "model/tests/env_fake_disk.h"

#include <stdlib.h>

#include "model/base/buf.h"

#define SECTOR 512

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

void fake_inode_set_len(struct env *env, struct fake_inode *inode, uint64_t len) {
    reserve(inode, len);
    if (len < inode->len) {
        memset(inode->cache + len, 0, inode->len - (size_t)len);
        touch_pages(env, inode, len, inode->len);
    }
    inode->len = (size_t)len;
    touch(env, &inode->len_version);
    touch_pages(env, inode, 0, 0);
}

void fake_inode_write(struct env *env, struct fake_inode *inode, uint64_t offset,
                      const uint8_t *bytes, uint64_t len) {
    if (len == 0) {
        return;
    }
    if (offset + len > inode->len) {
        fake_inode_set_len(env, inode, offset + len);
    }
    if (bytes != NULL) {
        memcpy(inode->cache + offset, bytes, (size_t)len);
    } else {
        memset(inode->cache + offset, 0, (size_t)len);
    }
    touch_pages(env, inode, offset, offset + len);
}

void fake_inode_set_durable_len(struct fake_inode *inode, size_t len) {
    if (len < inode->durable_len) {
        memset(inode->durable + len, 0, inode->durable_len - len);
    }
    inode->durable_len = len;
}

struct fake_inode *fake_add_inode(struct env *env, bool is_dir) {
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

struct span fake_parent_of(struct span path) {
    size_t len = path.len;
    while (len > 0 && path.data[len - 1] != '/') {
        len--;
    }
    return span_of(path.data, len > 0 ? len - 1 : 0);
}

struct fake_inode *fake_find_path(const struct env *env, struct span path) {
    const struct fake_name *name = name_of(env, path);
    return name == NULL ? NULL : name->cache;
}

bool fake_is_dir(const struct env *env, struct span path) {
    const struct fake_inode *inode = fake_find_path(env, path);
    return path.len == 0 || (inode != NULL && inode->is_dir);
}

void fake_set_name(struct env *env, struct span path, struct fake_inode *inode) {
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

bool fake_path_is_legal(struct span path) {
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
        if (name->cache != NULL && span_equal(fake_parent_of(span_of_text(name->path)), path)) {
            return true;
        }
    }
    return false;
}

int env_path_make_dir(struct env *env, struct span path) {
    fake_call(env);
    if (!fake_path_is_legal(path)) {
        return RMQ_E_INVALID;
    }
    for (size_t len = 1; len <= path.len; len++) {
        if (len < path.len && path.data[len] != '/') {
            continue;
        }
        struct span prefix = span_of(path.data, len);
        const struct fake_inode *inode = fake_find_path(env, prefix);
        if (inode != NULL && !inode->is_dir) {
            return RMQ_E_EXISTS;
        }
        if (inode == NULL) {
            fake_set_name(env, prefix, fake_add_inode(env, true));
        }
    }
    return RMQ_OK;
}

int env_path_rename(struct env *env, struct span from, struct span to) {
    fake_call(env);
    if (!fake_path_is_legal(from) || !fake_path_is_legal(to)) {
        return RMQ_E_INVALID;
    }
    struct fake_inode *inode = fake_find_path(env, from);
    if (inode == NULL || !fake_is_dir(env, fake_parent_of(to))) {
        return RMQ_E_NOT_FOUND;
    }
    if (inode->is_dir || fake_is_dir(env, to)) {
        return RMQ_E_INVALID; /* differs: directories are not renamed here */
    }
    if (fake_fails(env, FAKE_FAIL_FILE_RENAME)) {
        return env->disk.error;
    }
    if (!span_equal(from, to)) {
        fake_set_name(env, from, NULL);
        fake_set_name(env, to, inode);
    }
    return RMQ_OK;
}

int env_path_unlink(struct env *env, struct span path) {
    fake_call(env);
    if (!fake_path_is_legal(path)) {
        return RMQ_E_INVALID;
    }
    if (fake_find_path(env, path) == NULL) {
        return RMQ_E_NOT_FOUND;
    }
    if (has_children(env, path)) {
        return RMQ_E_STATE;
    }
    fake_set_name(env, path, NULL);
    return RMQ_OK;
}

static int compare_names(const void *a, const void *b) {
    return strcmp((*(const struct fake_name *const *)a)->path,
                  (*(const struct fake_name *const *)b)->path);
}

int env_path_list(struct env *env, struct span path, struct buf *out) {
    fake_call(env);
    path = fake_without_slash(path);
    if (!fake_is_dir(env, path)) {
        return RMQ_E_NOT_FOUND;
    }
    size_t count = 0;
    free(env->disk.listing); /* of a call that ended in a crash, in buf_put below */
    const struct fake_name **found = fake_must_alloc((env->disk.name_count + 1) * sizeof *found);
    env->disk.listing = found;
    for (size_t i = 0; i < env->disk.name_count; i++) {
        const struct fake_name *name = &env->disk.names[i];
        if (name->cache != NULL && span_equal(fake_parent_of(span_of_text(name->path)), path)) {
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
    return buf_failed(out) ? RMQ_E_NOMEM : RMQ_OK;
}

int env_disk_usage(struct env *env, struct span path, struct env_disk_usage *out) {
    fake_call(env);
    if (fake_find_path(env, path) == NULL && path.len > 1) {
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
    struct span dir = fake_parent_of(name);
    RMQ_ASSERT(fake_path_is_legal(name) && !fake_is_dir(env, name));
    int err = dir.len == 0 ? RMQ_OK : env_path_make_dir(env, dir);
    RMQ_ASSERT(err == RMQ_OK);
    struct fake_inode *inode = fake_add_inode(env, false);
    fake_inode_write(env, inode, 0, bytes.data, bytes.len);
    fake_set_name(env, name, inode);
    fake_keep_all(env);
}

bool fake_get_file(const struct env *env, const char *path, struct span *out) {
    const struct fake_inode *inode = fake_find_path(env, span_of_text(path));
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

/* ---- power-off
 * --------------------------------------------------------------------------------------
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

void fake_settle_disk(struct env *env, enum fake_keep keep) {
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
        if (!fake_is_dir(env, fake_parent_of(span_of_text(name->path)))) {
            name->cache = name->durable = NULL;
        }
    }
}

void fake_keep_all(struct env *env) {
    fake_settle_disk(env, FAKE_KEEP_ALL);
}
