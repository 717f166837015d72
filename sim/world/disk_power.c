/* sim/world/disk_power.c - what is left when the power comes back.
 *
 * First names, then the content of the files that still have one. The disk's list of what is not
 * durable says where to look. */
#include "sim/world/disk_internal.h"

static bool draw_keep(struct inode *inode, uint32_t ppm) {
    return world_draw_chance(inode->disk->world, DRAW_DISK_POWER, inode->draw_owner, inode->draws++,
                             ppm);
}

/* ---- names ---- */

typedef bool entry_fn(struct dentry *entry);

/* For each entry that is not durable; was `call` ever true? It changes no directory. */
static bool each_changed(struct disk *disk, entry_fn *call) {
    bool any = false;
    LIST_EACH(&disk->dirty, link, following) {
        struct inode *dir = LIST_ENTRY(link, struct inode, of_dirty);
        for (size_t i = 0; dir->directory && i < dir->entry_count; i++) {
            if (dir->entries[i]->current != dir->entries[i]->durable) {
                any = call(dir->entries[i]) || any;
            }
        }
    }
    return any;
}

static bool count_names(struct dentry *entry) {
    if (entry->current != NULL) {
        entry->current->after = entry->current->names;
    }
    if (entry->durable != NULL) {
        entry->durable->after = entry->durable->names;
    }
    return false;
}

static void revert(struct dentry *entry) {
    entry->keep = false;
    if (entry->current != NULL) {
        entry->current->after--;
    }
    if (entry->durable != NULL) {
        entry->durable->after++;
    }
}

static bool draw_name(struct dentry *entry) {
    struct inode *dir = entry->dir;
    struct world *world = dir->disk->world;
    uint64_t owner = draw_owner_pair(dir->draw_owner, trace_hash_bytes(entry->text, entry->len));
    entry->keep = world_draw_chance(world, DRAW_DISK_NAME, owner, world_now(world),
                                    dir->disk->profile->keep_name_ppm);
    if (!entry->keep) {
        revert(entry);
    }
    return false;
}

/* A rename does not lose what was durable: when the new name is lost, the old one is not. */
static bool save_renamed(struct dentry *entry) {
    struct inode *old = entry->durable;
    if (entry->keep && old != NULL && old->names > 0 && old->after == 0) {
        revert(entry);
        return true;
    }
    return false;
}

/* A directory is in one place. */
static bool part_directories(struct dentry *entry) {
    struct inode *old = entry->durable;
    if (!entry->keep && old != NULL && old->directory && old->after > 1) {
        entry->keep = true;
        old->after--;
        if (entry->current != NULL) {
            entry->current->after++;
        }
    }
    return false;
}

static bool report_name(struct dentry *entry) {
    char path[DISK_PATH_ROOM];
    struct disk *disk = entry->dir->disk;
    inode_path(entry->dir, path);
    size_t len = strlen(path) == 1 ? 0 : strlen(path);
    if (len + entry->len + 2 > sizeof path) {
        len = 0;
    }
    path[len] = '/';
    memcpy(path + len + 1, entry->text, entry->len);
    path[len + 1 + entry->len] = '\0';
    disk->world->counts.names_kept += entry->keep;
    disk->world->counts.names_lost += !entry->keep;
    disk_record_path(disk, path, "name", entry->keep, !entry->keep);
    return false;
}

static void settle_names(struct inode *dir) {
    dir->handles++; /* it may lose its last name meanwhile */
    for (size_t i = dir->entry_count; i-- > 0;) {
        struct dentry *entry = dir->entries[i];
        if (entry->current == entry->durable) {
            continue;
        }
        if (entry->keep) {
            dentry_set_durable(entry, entry->current);
        } else {
            dentry_set(entry, entry->durable);
        }
        dentry_drop_if_void(entry);
    }
    dir->handles--;
    inode_settle(dir);
}

static void power_off_names(struct disk *disk) {
    each_changed(disk, count_names);
    each_changed(disk, draw_name);
    while (each_changed(disk, save_renamed)) {
    }
    each_changed(disk, part_directories);
    each_changed(disk, report_name);
    for (struct list *link = disk->dirty.next; link != &disk->dirty;) {
        struct inode *inode = LIST_ENTRY(link, struct inode, of_dirty);
        if (inode->directory) {
            settle_names(inode);
            link = disk->dirty.next; /* what it led to may be gone, too */
        } else {
            link = link->next;
        }
    }
}

/* ---- content ---- */

struct fate {
    uint64_t kept, lost, torn;
};

/* Some sectors of a page as they are, the others as they were. */
static void tear(struct inode *file, struct dirty *dirty, unsigned page) {
    struct world *world = file->disk->world;
    struct slot *slot = &file->slots[dirty->slot];
    uint64_t sectors = PAGE_BYTES / SECTOR_BYTES;
    uint64_t old = 1 + world_draw_below(world, DRAW_DISK_POWER, file->draw_owner, file->draws++,
                                        (1u << sectors) - 2);
    uint8_t mixed[PAGE_BYTES] = {0};
    size_t now_len = page_len(slot, page), old_len = block_len(dirty->durable[page]);
    memcpy(mixed, block_read(slot->block) + page * PAGE_BYTES, now_len);
    size_t len = now_len > old_len ? now_len : old_len;
    for (size_t i = 0; i < sectors; i++) {
        size_t from = i * SECTOR_BYTES, to = from + SECTOR_BYTES;
        if ((old >> i & 1) != 0) {
            memset(mixed + from, 0, SECTOR_BYTES);
            if (old_len > from) {
                memcpy(mixed + from, block_read(dirty->durable[page]) + from,
                       (old_len < to ? old_len : to) - from);
            }
        }
    }
    uint8_t *into = block_write(world, &slot->block, page * PAGE_BYTES, page * PAGE_BYTES + len);
    memcpy(into + page * PAGE_BYTES, mixed, len);
}

static void settle_page(struct inode *file, struct dirty *dirty, unsigned page, struct fate *fate) {
    const struct disk_profile *profile = file->disk->profile;
    struct slot *slot = &file->slots[dirty->slot];
    uint16_t bit = (uint16_t)(1u << page);
    bool dropped = (dirty->dropped & bit) != 0;
    bool zeros = page_len(slot, page) == 0 && dirty->durable[page] == 0;
    if (zeros || dropped || !draw_keep(file, profile->keep_ppm)) {
        page_set(file, dirty->slot, page, dirty->durable[page], (dirty->durable_used & bit) != 0);
        fate->lost += !zeros;
    } else if (profile->torn_ppm != 0 && draw_keep(file, profile->torn_ppm)) {
        tear(file, dirty, page);
        use_pages(file, slot, slot->used | (dirty->durable_used & bit));
        fate->torn++;
    } else {
        fate->kept++;
    }
}

static void settle_size(struct inode *file) {
    struct world *world = file->disk->world;
    if (file->size == file->durable_size) {
        return;
    }
    bool keep = draw_keep(file, file->disk->profile->keep_name_ppm);
    world->counts.sizes_kept += keep;
    world->counts.sizes_lost += !keep;
    disk_record(file, "size", keep, !keep);
    file->size = keep ? file->size : file->durable_size;
}

static void settle_content(struct inode *file) {
    struct disk *disk = file->disk;
    struct fate fate = {0};
    LIST_EACH(&file->dirty, link, following) {
        struct dirty *dirty = LIST_ENTRY(link, struct dirty, of_file);
        for (unsigned page = 0; page < SLOT_PAGES; page++) {
            if ((dirty->pages >> page & 1) != 0) {
                settle_page(file, dirty, page, &fate);
            }
        }
        dirty_free(file, dirty);
    }
    settle_size(file);
    file_cut(file, file->size); /* which makes pages dirty again */
    LIST_EACH(&file->dirty, link, following) {
        dirty_free(file, LIST_ENTRY(link, struct dirty, of_file));
    }
    file->durable_size = file->size;
    list_remove(&file->of_dirty);
    disk->world->counts.pages_kept += fate.kept;
    disk->world->counts.pages_lost += fate.lost;
    disk->world->counts.pages_torn += fate.torn;
    if (fate.kept + fate.lost + fate.torn > 0) {
        disk_record(file, "page", fate.kept + fate.torn, fate.lost);
    }
    if (fate.torn > 0) {
        disk_record(file, "torn", fate.torn, 0);
    }
}

static void settle_files(struct list *files) {
    while (!list_is_empty(files)) {
        struct inode *file = LIST_ENTRY(files->next, struct inode, of_dirty);
        RMQ_ASSERT(!file->directory);
        RMQ_ASSERT(file->names > 0);
        settle_content(file);
    }
}

void disk_power_off(struct disk *disk) {
    power_off_names(disk);
    settle_files(&disk->dirty);
    settle_files(&disk->damaged);
    cache_empty(disk);
    world_unqueue(disk->world, &disk->write_back);
    disk->free_ns = 0;
    RMQ_ASSERT(item_list_is_empty(&disk->held));
}
