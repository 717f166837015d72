/* sim/world/disk_check.c - the invariants of disk_internal.h, checked by walking a whole disk. For
 * tests; a run never does. */
#include "sim/world/disk_internal.h"

#define INODES_MAX 4096

struct check {
    const struct disk *disk;
    const struct inode *seen[INODES_MAX];
    size_t count;
    uint64_t used_pages;
};

static bool is_in(const struct list *head, const struct list *wanted) {
    for (const struct list *link = head->next; link != head; link = link->next) {
        if (link == wanted) {
            return true;
        }
    }
    return false;
}

static void check_dirty(const struct inode *file, const struct dirty *dirty) {
    RMQ_ASSERT(file->slots[dirty->slot].dirty == dirty);
    RMQ_ASSERT(dirty->pages != 0);
    RMQ_ASSERT((dirty->syncing & ~dirty->pages) == 0);
    RMQ_ASSERT((dirty->rewritten & ~dirty->syncing) == 0);
    RMQ_ASSERT((dirty->dropped & ~dirty->pages) == 0);
    RMQ_ASSERT((dirty->durable_used & ~dirty->pages) == 0);
    RMQ_ASSERT((dirty->captured_used & ~dirty->rewritten) == 0);
    RMQ_ASSERT(file->sync != NULL || dirty->syncing == 0);
    for (unsigned page = 0; page < SLOT_PAGES; page++) {
        RMQ_ASSERT(dirty->durable[page] == 0 || (dirty->pages >> page & 1) != 0);
        RMQ_ASSERT(dirty->captured[page] == 0 || (dirty->rewritten >> page & 1) != 0);
    }
}

/* A hole holds nothing. */
static bool is_zeros(const struct slot *slot, unsigned page) {
    const uint8_t *bytes = block_read(slot->block) + page * PAGE_BYTES;
    size_t len = page_len(slot, page);
    return len == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

static void check_file(struct check *check, const struct inode *file) {
    uint64_t used = 0;
    size_t dirty = 0;
    for (size_t i = 0; i < file->slot_count; i++) {
        const struct slot *slot = &file->slots[i];
        used += (uint64_t)__builtin_popcount(slot->used);
        for (unsigned page = 0; page < SLOT_PAGES; page++) {
            RMQ_ASSERT((slot->used >> page & 1) != 0 || is_zeros(slot, page));
        }
        if (slot->dirty != NULL) {
            check_dirty(file, slot->dirty);
            RMQ_ASSERT(is_in(&file->dirty, &slot->dirty->of_file));
            dirty++;
        }
    }
    for (const struct list *link = file->dirty.next; link != &file->dirty; link = link->next) {
        dirty--;
    }
    RMQ_ASSERT(dirty == 0);
    RMQ_ASSERT(used == file->used_pages);
    RMQ_ASSERT(file->counted == (file->names > 0 || file->handles > 0));
    check->used_pages += file->counted ? used : 0;
    bool clean = list_is_empty(&file->dirty) && file->size == file->durable_size;
    RMQ_ASSERT(clean == list_is_empty(&file->of_dirty));
}

static void check_inode(struct check *check, const struct inode *inode);

static void check_dir(struct check *check, const struct inode *dir) {
    size_t changed = 0;
    for (size_t i = 0; i < dir->entry_count; i++) {
        const struct dentry *entry = dir->entries[i];
        RMQ_ASSERT(entry->dir == dir);
        RMQ_ASSERT(entry->current != NULL || entry->durable != NULL || entry->syncing);
        RMQ_ASSERT(entry->syncing || entry->captured == NULL);
        RMQ_ASSERT(!entry->syncing || dir->sync != NULL);
        changed += entry->current != entry->durable;
        const struct inode *const targets[] = {entry->current, entry->durable, entry->captured};
        for (size_t k = 0; k < 3; k++) {
            if (targets[k] != NULL) {
                check_inode(check, targets[k]);
            }
        }
    }
    RMQ_ASSERT(changed == dir->changed);
    RMQ_ASSERT((changed == 0) == list_is_empty(&dir->of_dirty));
}

static void check_inode(struct check *check, const struct inode *inode) {
    for (size_t i = 0; i < check->count; i++) {
        if (check->seen[i] == inode) {
            return;
        }
    }
    RMQ_ASSERT(check->count < INODES_MAX);
    check->seen[check->count++] = inode;
    RMQ_ASSERT(inode->disk == check->disk);
    RMQ_ASSERT(inode->names > 0 || inode->handles > 0 || inode->durable_names > 0);
    RMQ_ASSERT(inode->sync != NULL || item_list_is_empty(&inode->waiting));
    if (inode->directory) {
        check_dir(check, inode);
    } else {
        check_file(check, inode);
    }
}

void disk_check(const struct disk *disk) {
    struct check check = {.disk = disk};
    check_inode(&check, disk->root);
    for (const struct env *node = disk->host->nodes; node != NULL; node = node->next_on_host) {
        for (struct list *link = node->files.next; link != &node->files; link = link->next) {
            check_inode(&check, LIST_ENTRY(link, struct env_file, of_node)->inode);
        }
        for (struct list *link = node->file_ops.next; link != &node->file_ops; link = link->next) {
            const struct disk_op *op = LIST_ENTRY(link, struct disk_op, of_node);
            RMQ_ASSERT(op->item.place != PLACE_NONE);
            check_inode(&check, op->inode);
        }
    }
    RMQ_ASSERT(check.used_pages == disk->used_pages);
    RMQ_ASSERT(disk->write_back.place != PLACE_NONE || list_is_empty(&disk->dirty) ||
               disk->profile->write_back_ns == 0 || disk->stalled || disk->lies ||
               disk->read_only || disk->failing != 0);
}
