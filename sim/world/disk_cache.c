/* sim/world/disk_cache.c - which slots are in memory, when the cache is bounded: a list in order of
 * use. What is not durable stays in. */
#include "sim/world/disk_internal.h"

bool cache_has(const struct inode *file, uint64_t offset) {
    size_t index = (size_t)(offset / BLOCK_BYTES);
    return !disk_is_bounded(file->disk) || index >= file->slot_count ||
           file->slots[index].used == 0 || file->slots[index].resident != NULL;
}

uint64_t cache_missing(const struct inode *file, uint64_t offset, uint64_t len) {
    uint64_t missing = 0, end = offset + len < file->size ? offset + len : file->size;
    if (!disk_is_bounded(file->disk)) {
        return 0;
    }
    for (uint64_t at = offset / BLOCK_BYTES * BLOCK_BYTES; at < end; at += BLOCK_BYTES) {
        missing += cache_has(file, at) ? 0 : BLOCK_BYTES;
    }
    return missing;
}

void cache_forget(struct inode *file, struct slot *slot) {
    struct disk *disk = file->disk;
    if (slot->resident != NULL) {
        list_remove(&slot->resident->of_disk);
        world_free(disk->world, slot->resident);
        slot->resident = NULL;
        disk->resident_bytes -= BLOCK_BYTES;
    }
}

/* Makes room: the longest unused clean slots go. */
static void shrink(struct disk *disk) {
    LIST_EACH(&disk->resident, link, following) {
        if (disk->resident_bytes <= disk->profile->cache_bytes) {
            return;
        }
        struct resident *oldest = LIST_ENTRY(link, struct resident, of_disk);
        struct slot *slot = &oldest->inode->slots[oldest->slot];
        if (slot->dirty == NULL) {
            cache_forget(oldest->inode, slot);
        }
    }
}

void cache_use(struct inode *file, uint64_t offset, uint64_t len) {
    struct disk *disk = file->disk;
    for (uint64_t i = offset / BLOCK_BYTES; i * BLOCK_BYTES < offset + len; i++) {
        struct slot *slot = i < file->slot_count ? &file->slots[i] : NULL;
        if (slot == NULL || slot->used == 0) {
            continue;
        }
        if (slot->resident != NULL) {
            list_remove(&slot->resident->of_disk);
        } else {
            slot->resident = world_need(disk->world, sizeof *slot->resident);
            slot->resident->inode = file;
            slot->resident->slot = (uint32_t)i;
            disk->resident_bytes += BLOCK_BYTES;
        }
        list_append(&disk->resident, &slot->resident->of_disk);
    }
    shrink(disk);
}

void cache_empty(struct disk *disk) {
    LIST_EACH(&disk->resident, link, following) {
        struct resident *resident = LIST_ENTRY(link, struct resident, of_disk);
        cache_forget(resident->inode, &resident->inode->slots[resident->slot]);
    }
}
