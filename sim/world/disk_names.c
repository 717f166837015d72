/* sim/world/disk_names.c - names: inodes, directories and paths. */
#include "sim/world/disk_internal.h"

/* ---- inodes ---- */

struct inode *inode_new(struct disk *disk, bool directory, uint64_t owner) {
    struct inode *inode = world_need(disk->world, sizeof *inode);
    inode->disk = disk;
    inode->directory = directory;
    inode->draw_owner = owner;
    list_init(&inode->of_dirty);
    item_list_init(&inode->waiting);
    if (!directory) {
        list_init(&inode->dirty);
    }
    return inode;
}

static void inode_free(struct inode *inode) {
    struct world *world = inode->disk->world;
    RMQ_ASSERT(inode->sync == NULL);
    RMQ_ASSERT(item_list_is_empty(&inode->waiting));
    if (inode->directory) { /* one that a power-off took away goes with all that is in it */
        while (inode->entry_count > 0) {
            struct dentry *last = inode->entries[inode->entry_count - 1];
            dentry_set(last, NULL);
            dentry_set_durable(last, NULL);
            dentry_drop_if_void(last);
        }
        world_free(world, inode->entries);
    } else {
        file_free_content(inode);
    }
    list_remove(&inode->of_dirty);
    world_free(world, inode);
}

void inode_settle(struct inode *inode) {
    bool lives = inode->names > 0 || inode->handles > 0;
    if (!inode->directory && lives != inode->counted) {
        inode->counted = lives;
        inode->disk->used_pages += lives ? inode->used_pages : 0 - inode->used_pages;
    }
    if (!lives && inode->durable_names == 0) {
        inode_free(inode);
    }
}

/* ---- entries ---- */

/* Where `name` is in the directory, or belongs. */
static size_t entry_position(const struct inode *dir, struct span name, bool *found) {
    size_t low = 0, high = dir->entry_count;
    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct dentry *entry = dir->entries[middle];
        int order = span_compare(span_of(entry->text, entry->len), name);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct dentry *dir_find(const struct inode *dir, struct span name) {
    bool found;
    size_t at = entry_position(dir, name, &found);
    return found ? dir->entries[at] : NULL;
}

struct dentry *dir_need(struct inode *dir, struct span name) {
    struct world *world = dir->disk->world;
    bool found;
    size_t at = entry_position(dir, name, &found);
    if (found) {
        return dir->entries[at];
    }
    if (dir->entry_count == dir->entry_capacity) {
        dir->entry_capacity = dir->entry_capacity == 0 ? 4 : dir->entry_capacity * 2;
        dir->entries = arena_realloc(&world->owner, dir->entries,
                                     dir->entry_capacity * sizeof(struct dentry *));
        RMQ_ASSERT(dir->entries != NULL);
    }
    struct dentry *entry = world_need(world, sizeof *entry + name.len);
    entry->dir = dir;
    entry->len = (uint16_t)name.len;
    memcpy(entry->text, name.data, name.len);
    memmove(&dir->entries[at + 1], &dir->entries[at],
            (dir->entry_count - at) * sizeof(struct dentry *));
    dir->entries[at] = entry;
    dir->entry_count++;
    return entry;
}

void dentry_drop_if_void(struct dentry *entry) {
    struct inode *dir = entry->dir;
    if (entry->current != NULL || entry->durable != NULL || entry->syncing) {
        return;
    }
    bool found;
    size_t at = entry_position(dir, span_of(entry->text, entry->len), &found);
    RMQ_ASSERT(found);
    dir->entry_count--;
    memmove(&dir->entries[at], &dir->entries[at + 1],
            (dir->entry_count - at) * sizeof(struct dentry *));
    world_free(dir->disk->world, entry);
}

bool dir_is_empty(const struct inode *dir) {
    for (size_t i = 0; i < dir->entry_count; i++) {
        if (dir->entries[i]->current != NULL) {
            return false;
        }
    }
    return true;
}

/* `changed` of the directory follows its entry. */
static void note_change(struct dentry *entry, bool was_changed) {
    struct inode *dir = entry->dir;
    bool is_changed = entry->current != entry->durable;
    if (is_changed && !was_changed) {
        dir->changed++;
        inode_touch(dir);
    } else if (!is_changed && was_changed) {
        dir->changed--;
        inode_clean_check(dir);
    }
}

void dentry_set(struct dentry *entry, struct inode *inode) {
    struct inode *old = entry->current;
    if (old == inode) {
        return;
    }
    bool was_changed = entry->current != entry->durable;
    entry->current = inode;
    if (inode != NULL) {
        inode->names++;
        inode->name = entry;
        inode_settle(inode);
    }
    note_change(entry, was_changed);
    if (old != NULL) {
        old->names--;
        old->name = old->name == entry ? NULL : old->name;
        inode_settle(old);
    }
}

void dentry_set_durable(struct dentry *entry, struct inode *inode) {
    struct inode *old = entry->durable;
    if (old == inode) {
        return;
    }
    bool was_changed = entry->current != entry->durable;
    entry->durable = inode;
    if (inode != NULL) {
        inode->durable_names++;
    }
    note_change(entry, was_changed);
    if (old != NULL) {
        old->durable_names--;
        inode_settle(old);
    }
}

struct inode *disk_create(struct inode *dir, struct span name, bool directory) {
    struct disk *disk = dir->disk;
    char text[DISK_PATH_ROOM];
    inode_path(dir, text);
    /* The same path made again later is another file to the draws. */
    uint64_t owner = draw_owner_pair(disk->host->draw_owner, draw_owner(text));
    owner = draw_owner_pair(owner, trace_hash_bytes(name.data, name.len));
    owner = draw_owner_pair(owner, world_now(disk->world));
    struct inode *inode = inode_new(disk, directory, owner);
    dentry_set(dir_need(dir, name), inode);
    return inode;
}

/* ---- paths ---- */

bool path_is_valid(struct span path) {
    if (path.len == 0 || path.len >= ENV_PATH_MAX || path.data[0] != '/') {
        return false;
    }
    struct span rest = span_from(path, 1);
    if (rest.len == 0) {
        return true;
    }
    for (;;) {
        const uint8_t *slash = memchr(rest.data, '/', rest.len);
        size_t len = slash == NULL ? rest.len : (size_t)(slash - rest.data);
        if (len == 0 || memchr(rest.data, 0, len) != NULL ||
            (rest.data[0] == '.' && (len == 1 || (len == 2 && rest.data[1] == '.')))) {
            return false;
        }
        if (slash == NULL) {
            return true;
        }
        rest = span_from(rest, len + 1);
    }
}

struct inode *disk_find(const struct disk *disk, struct span path) {
    struct inode *at = disk->root;
    struct span rest = path, part;
    while (span_next_part(&rest, '/', &part)) {
        const struct dentry *entry = at->directory ? dir_find(at, part) : NULL;
        if (entry == NULL || entry->current == NULL) {
            return NULL;
        }
        at = entry->current;
    }
    return at;
}

struct inode *disk_find_parent(const struct disk *disk, struct span path, struct span *name) {
    size_t slash = path.len;
    while (slash > 0 && path.data[slash - 1] != '/') {
        slash--;
    }
    if (slash == path.len || slash == 0) {
        return NULL;
    }
    *name = span_from(path, slash);
    struct inode *dir = disk_find(disk, span_of(path.data, slash));
    return dir != NULL && dir->directory ? dir : NULL;
}

int disk_make_dirs(struct disk *disk, struct span path) {
    struct inode *at = disk->root;
    struct span rest = path, part;
    while (span_next_part(&rest, '/', &part)) {
        const struct dentry *entry = dir_find(at, part);
        if (entry == NULL || entry->current == NULL) {
            at = disk_create(at, part, true);
        } else {
            at = entry->current;
        }
        if (!at->directory) {
            return RMQ_E_EXISTS;
        }
    }
    return RMQ_OK;
}

void inode_path(const struct inode *inode, char out[DISK_PATH_ROOM]) {
    char room[DISK_PATH_ROOM];
    size_t at = sizeof room - 1;
    room[at] = '\0';
    for (const struct inode *up = inode; up != inode->disk->root; up = up->name->dir) {
        if (up->name == NULL || (size_t)up->name->len + 1 > at) {
            memcpy(out, "?", 2);
            return;
        }
        at -= up->name->len;
        memcpy(room + at, up->name->text, up->name->len);
        room[--at] = '/';
    }
    if (room[at] == '\0') {
        room[--at] = '/';
    }
    memcpy(out, room + at, sizeof room - at);
}

struct walk {
    disk_visit_fn *visit;
    void *ctx;
    char path[DISK_PATH_ROOM];
};

static void walk_dir(struct walk *walk, const struct inode *dir, size_t len) {
    for (size_t i = 0; i < dir->entry_count; i++) {
        const struct dentry *entry = dir->entries[i];
        if (entry->current == NULL || len + entry->len + 2 > sizeof walk->path) {
            continue;
        }
        walk->path[len] = '/';
        memcpy(walk->path + len + 1, entry->text, entry->len);
        size_t end = len + 1 + entry->len;
        if (entry->current->directory) {
            walk_dir(walk, entry->current, end);
        } else {
            walk->visit(entry->current, span_of(walk->path, end), walk->ctx);
        }
    }
}

void disk_walk(struct disk *disk, disk_visit_fn *visit, void *ctx) {
    struct walk walk = {.visit = visit, .ctx = ctx};
    walk_dir(&walk, disk->root, 0);
}
