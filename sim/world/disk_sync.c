/* sim/world/disk_sync.c - what is durable: versions of pages, syncs, and what the kernel writes by
 * itself. */
#include "sim/world/disk_internal.h"

/* ---- inodes with something that is not durable ---- */

static bool is_clean(const struct inode *inode) {
    return inode->directory ? inode->changed == 0
                            : list_is_empty(&inode->dirty) && inode->size == inode->durable_size;
}

static bool write_back_works(const struct disk *disk) {
    return disk->profile->write_back_ns != 0 && !disk->stalled && !disk->lies && !disk->read_only &&
           (disk->failing & (DISK_WRITE | DISK_SYNC)) == 0;
}

void write_back_arm(struct disk *disk) {
    if (disk->write_back.place != PLACE_NONE || list_is_empty(&disk->dirty) ||
        !write_back_works(disk)) {
        return;
    }
    const struct inode *first = LIST_ENTRY(disk->dirty.next, struct inode, of_dirty);
    uint64_t at = first->dirty_since_ns + disk->profile->write_back_ns;
    uint64_t now = world_now(disk->world);
    world_queue(disk->world, &disk->write_back, at > now ? at : now);
}

static void wait_for_write_back(struct inode *inode) {
    list_remove(&inode->of_dirty);
    inode->damaged = false;
    inode->dirty_since_ns = world_now(inode->disk->world);
    list_append(&inode->disk->dirty, &inode->of_dirty);
}

void inode_touch(struct inode *inode) {
    if (list_is_empty(&inode->of_dirty) || inode->damaged) {
        wait_for_write_back(inode);
        write_back_arm(inode->disk);
    }
}

void inode_clean_check(struct inode *inode) {
    if (is_clean(inode)) {
        list_remove(&inode->of_dirty);
    }
}

/* ---- versions of pages ---- */

static struct dirty *slot_dirty(struct inode *file, uint32_t index) {
    struct slot *slot = &file->slots[index];
    if (slot->dirty == NULL) {
        slot->dirty = world_need(file->disk->world, sizeof *slot->dirty);
        slot->dirty->slot = index;
        list_append(&file->dirty, &slot->dirty->of_file);
        inode_touch(file);
    }
    return slot->dirty;
}

/* A copy of a page as it is; 0: zeros. */
static uint32_t page_copy(struct world *world, const struct slot *slot, unsigned page) {
    size_t len = page_len(slot, page);
    uint32_t copy = 0;
    if (len > 0) {
        uint8_t *to = block_write(world, &copy, 0, len);
        memcpy(to, block_read(slot->block) + page * PAGE_BYTES, len);
    }
    return copy;
}

static unsigned take_lowest(uint16_t *pages) {
    unsigned page = (unsigned)__builtin_ctz(*pages);
    *pages = (uint16_t)(*pages & (*pages - 1));
    return page;
}

void pages_will_change(struct inode *file, uint32_t slot_index, uint16_t pages) {
    struct world *world = file->disk->world;
    struct dirty *dirty = slot_dirty(file, slot_index);
    const struct slot *slot = &file->slots[slot_index];
    dirty->dropped &= (uint16_t)~pages;
    uint16_t fresh = pages & (uint16_t)~dirty->pages;
    uint16_t covered = pages & dirty->syncing & (uint16_t)~dirty->rewritten;
    dirty->pages |= fresh;
    dirty->durable_used |= fresh & slot->used;
    dirty->rewritten |= covered;
    dirty->captured_used |= covered & slot->used;
    while (fresh != 0) {
        unsigned page = take_lowest(&fresh);
        dirty->durable[page] = page_copy(world, slot, page);
    }
    while (covered != 0) {
        unsigned page = take_lowest(&covered);
        dirty->captured[page] = page_copy(world, slot, page);
    }
}

/* These pages are durable as they are now. */
static void pages_are_durable(struct inode *file, struct dirty *dirty, uint16_t pages) {
    dirty->pages &= (uint16_t)~pages;
    dirty->durable_used &= (uint16_t)~pages;
    while (pages != 0) {
        unsigned page = take_lowest(&pages);
        block_free(file->disk->world, dirty->durable[page]);
        dirty->durable[page] = 0;
    }
}

void dirty_free(struct inode *file, struct dirty *dirty) {
    RMQ_ASSERT(dirty->syncing == 0 || file->sync == NULL);
    for (unsigned page = 0; page < SLOT_PAGES; page++) {
        block_free(file->disk->world, dirty->durable[page]);
        block_free(file->disk->world, dirty->captured[page]);
    }
    file->slots[dirty->slot].dirty = NULL;
    list_remove(&dirty->of_file);
    world_free(file->disk->world, dirty);
}

static void dirty_free_if_clean(struct inode *file, struct dirty *dirty) {
    if (dirty->pages == 0) {
        dirty_free(file, dirty);
    }
}

/* ---- syncs ---- */

static uint64_t capture_file(struct inode *file) {
    uint64_t bytes = 0;
    LIST_EACH(&file->dirty, link, following) {
        struct dirty *dirty = LIST_ENTRY(link, struct dirty, of_file);
        dirty->syncing = dirty->pages & (uint16_t)~dirty->dropped;
        for (uint16_t pages = dirty->syncing; pages != 0;) {
            bytes += page_len(&file->slots[dirty->slot], take_lowest(&pages)) > 0 ? PAGE_BYTES : 0;
        }
    }
    file->captured_size = file->size;
    return bytes;
}

static uint64_t capture_names(struct inode *dir) {
    for (size_t i = 0; i < dir->entry_count; i++) {
        struct dentry *entry = dir->entries[i];
        if (entry->current != entry->durable) {
            entry->syncing = true;
            entry->captured = entry->current;
            if (entry->captured != NULL) {
                entry->captured->durable_names++;
            }
        }
    }
    return PAGE_BYTES;
}

uint64_t sync_capture(struct inode *inode) {
    return inode->directory ? capture_names(inode) : capture_file(inode);
}

static void release_names(struct inode *dir, bool durable) {
    for (size_t i = dir->entry_count; i-- > 0;) {
        struct dentry *entry = dir->entries[i];
        if (!entry->syncing) {
            continue;
        }
        struct inode *captured = entry->captured;
        entry->syncing = false;
        entry->captured = NULL;
        if (durable) {
            dentry_set_durable(entry, captured);
        }
        if (captured != NULL) {
            captured->durable_names--;
            inode_settle(captured);
        }
        dentry_drop_if_void(entry);
    }
}

/* A failed sync: the device has refused some pages, and the kernel believes them clean. Of those,
 * some are read again from the device at once, the others stay as they are until the power goes. */
static void drop_pages(struct inode *file, struct dirty *dirty, uint16_t pages) {
    struct world *world = file->disk->world;
    while (pages != 0) {
        unsigned page = take_lowest(&pages);
        uint64_t fate = world_draw_below(world, DRAW_DISK_FAIL, file->draw_owner, file->draws++, 4);
        uint64_t end = dirty->slot * (uint64_t)BLOCK_BYTES + (page + 1) * PAGE_BYTES;
        if (fate < 2 || end > file->size) {
            continue; /* still dirty: a later sync writes it */
        }
        world->counts.pages_dropped++;
        if (fate == 2) {
            dirty->dropped = (uint16_t)(dirty->dropped | 1u << page);
        } else {
            page_set(file, dirty->slot, page, dirty->durable[page],
                     (dirty->durable_used >> page & 1) != 0);
            pages_are_durable(file, dirty, (uint16_t)(1u << page));
        }
    }
}

static void release_pages(struct inode *file, struct dirty *dirty, enum sync_end how) {
    struct world *world = file->disk->world;
    uint16_t rewritten = dirty->rewritten, kept = dirty->syncing & (uint16_t)~rewritten;
    uint16_t captured_used = dirty->captured_used;
    dirty->syncing = dirty->rewritten = dirty->captured_used = 0;
    while (rewritten != 0) {
        unsigned page = take_lowest(&rewritten);
        uint32_t covered = dirty->captured[page];
        dirty->captured[page] = 0;
        if (how != SYNC_DURABLE) {
            block_free(world, covered);
            continue;
        }
        block_free(world, dirty->durable[page]);
        dirty->durable[page] = covered;
        uint16_t bit = (uint16_t)(1u << page);
        dirty->durable_used = (dirty->durable_used & (uint16_t)~bit) | (captured_used & bit);
    }
    if (how == SYNC_DURABLE) {
        pages_are_durable(file, dirty, kept);
    } else if (how == SYNC_FAILED) {
        drop_pages(file, dirty, kept);
    }
    dirty_free_if_clean(file, dirty);
}

void sync_release(struct inode *inode, enum sync_end how) {
    if (inode->directory) {
        release_names(inode, how == SYNC_DURABLE);
        return;
    }
    LIST_EACH(&inode->dirty, link, following) {
        release_pages(inode, LIST_ENTRY(link, struct dirty, of_file), how);
    }
    if (how == SYNC_DURABLE) {
        inode->durable_size = inode->captured_size;
    }
    inode_clean_check(inode);
}

/* ---- what the kernel writes by itself ---- */

static void write_back_file(struct inode *file) {
    LIST_EACH(&file->dirty, link, following) {
        struct dirty *dirty = LIST_ENTRY(link, struct dirty, of_file);
        pages_are_durable(file, dirty, dirty->pages & (uint16_t)~dirty->dropped);
        dirty_free_if_clean(file, dirty);
    }
    file->durable_size = file->size;
    inode_clean_check(file);
    if (!list_is_empty(&file->of_dirty)) { /* what a failed sync has dropped is never written */
        list_remove(&file->of_dirty);
        list_append(&file->disk->damaged, &file->of_dirty);
        file->damaged = true;
    }
}

static void write_back_names(struct inode *dir) {
    for (size_t i = dir->entry_count; i-- > 0;) {
        struct dentry *entry = dir->entries[i];
        dentry_set_durable(entry, entry->current);
        dentry_drop_if_void(entry);
    }
}

static void write_back(struct inode *inode) {
    if (inode->directory) {
        write_back_names(inode);
    } else {
        write_back_file(inode);
    }
}

void disk_all_durable(struct disk *disk) {
    while (!list_is_empty(&disk->dirty)) {
        struct inode *inode = LIST_ENTRY(disk->dirty.next, struct inode, of_dirty);
        RMQ_ASSERT(inode->sync == NULL);
        write_back(inode);
    }
}

void write_back_fires(struct disk *disk) {
    uint64_t now = world_now(disk->world), period = disk->profile->write_back_ns;
    while (write_back_works(disk) && !list_is_empty(&disk->dirty)) {
        struct inode *inode = LIST_ENTRY(disk->dirty.next, struct inode, of_dirty);
        if (inode->dirty_since_ns + period > now) {
            break;
        }
        if (inode->sync != NULL) {
            wait_for_write_back(inode); /* whatever that sync leaves */
        } else {
            write_back(inode);
        }
    }
    write_back_arm(disk);
}
