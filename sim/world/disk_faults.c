/* sim/world/disk_faults.c - what a run does to a disk, and the events that say so. */
#include "sim/world/disk_internal.h"

#include <stdlib.h>

void disk_record_path(const struct disk *disk, const char *path, const char *what, uint64_t kept,
                      uint64_t lost) {
    struct world *world = disk->world;
    struct env *about = disk->host->nodes != NULL ? disk->host->nodes : world->self;
    const struct event_value values[] = {{EVENT_TEXT, span_of_text(path), 0},
                                         {EVENT_TEXT, span_of_text(what), 0},
                                         {EVENT_UINT, SPAN_NONE, kept},
                                         {EVENT_UINT, SPAN_NONE, lost}};
    world_record(world, about, EVENT_world_disk, values, 4);
}

void disk_record(const struct inode *inode, const char *what, uint64_t kept, uint64_t lost) {
    char path[DISK_PATH_ROOM];
    inode_path(inode, path);
    disk_record_path(inode->disk, path, what, kept, lost);
}

static bool contains(struct span text, struct span pattern) {
    for (size_t i = 0; i + pattern.len <= text.len; i++) {
        if (span_equal(span_of(text.data + i, pattern.len), pattern)) {
            return true;
        }
    }
    return false;
}

/* ---- switches ---- */

bool world_disk_full(struct world *world, struct host *host, bool on) {
    disk_of(world, host)->full = on;
    return true;
}

bool world_disk_read_only(struct world *world, struct host *host, bool on) {
    struct disk *disk = disk_of(world, host);
    disk->read_only = on;
    write_back_arm(disk);
    return true;
}

bool world_disk_stall(struct world *world, struct host *host, bool on) {
    struct disk *disk = disk_of(world, host);
    disk->stalled = on;
    if (!on) {
        disk_release_held(disk);
        write_back_arm(disk);
    }
    return true;
}

bool world_disk_fail(struct world *world, struct host *host, unsigned operations, bool on) {
    struct disk *disk = disk_of(world, host);
    disk->failing = (uint8_t)(on ? disk->failing | operations : disk->failing & ~operations);
    write_back_arm(disk);
    return true;
}

bool world_disk_lie(struct world *world, struct host *host, bool on) {
    struct disk *disk = disk_of(world, host);
    disk->lies = on;
    write_back_arm(disk);
    return true;
}

struct disk_state world_disk_state(struct world *world, struct host *host) {
    const struct disk *disk = disk_of(world, host);
    return (struct disk_state){.full = disk->full,
                               .read_only = disk->read_only,
                               .stalled = disk->stalled,
                               .lies = disk->lies,
                               .misdirects = disk->misdirect != NULL,
                               .failing = disk->failing,
                               .used_bytes = disk->used_pages * PAGE_BYTES};
}

/* ---- bit rot ---- */

struct search {
    struct span pattern;
    bool finding;
    uint64_t bytes; /* written ones of files that match: all, or (finding) those still to pass */
    struct inode *file;
    uint64_t at; /* offset in `file` */
};

/* Passes over the written bytes of a file: counts them, or stops at the one that is wanted. */
static void pass_written(struct inode *file, struct search *search) {
    for (size_t i = 0; i < file->slot_count; i++) {
        for (unsigned page = 0; page < SLOT_PAGES; page++) {
            const struct slot *slot = &file->slots[i];
            uint64_t len = (slot->used >> page & 1) != 0 ? page_len(slot, page) : 0;
            if (search->finding && search->bytes < len) {
                search->file = file;
                search->at = i * BLOCK_BYTES + page * PAGE_BYTES + search->bytes;
                return;
            }
            search->bytes += search->finding ? 0 - len : len;
        }
    }
}

static void visit_written(struct inode *file, struct span path, void *ctx) {
    struct search *search = ctx;
    if (search->file == NULL && contains(path, search->pattern)) {
        pass_written(file, search);
    }
}

static void flip(struct world *world, uint32_t *block, size_t at, uint8_t bit) {
    if (at < block_len(*block)) {
        block_write(world, block, at, at + 1)[at] ^= bit;
    }
}

bool world_disk_rot(struct world *world, struct host *host, struct span pattern, uint64_t draw) {
    struct disk *disk = disk_of(world, host);
    struct search search = {.pattern = pattern};
    disk_walk(disk, visit_written, &search);
    if (search.bytes == 0) {
        return false;
    }
    search.bytes = draw / 8 % search.bytes;
    search.finding = true;
    disk_walk(disk, visit_written, &search);
    RMQ_ASSERT(search.file != NULL);
    uint8_t bit = (uint8_t)(1u << draw % 8);
    struct slot *slot = &search.file->slots[search.at / BLOCK_BYTES];
    size_t at = (size_t)(search.at % BLOCK_BYTES);
    flip(world, &slot->block, at, bit);
    if (slot->dirty != NULL) { /* whichever version survives has it */
        flip(world, &slot->dirty->durable[at / PAGE_BYTES], at % PAGE_BYTES, bit);
        flip(world, &slot->dirty->captured[at / PAGE_BYTES], at % PAGE_BYTES, bit);
    }
    world->counts.rotted++;
    trace_hash_fold(&world->hash, search.at, draw);
    disk_record(search.file, "rot", 0, 1);
    return true;
}

/* ---- misdirected writes ---- */

bool world_disk_misdirect(struct world *world, struct host *host, struct span pattern) {
    struct disk *disk = disk_of(world, host);
    world_free(world, disk->misdirect);
    disk->misdirect = world_need(world, pattern.len + 1);
    memcpy(disk->misdirect, pattern.data, pattern.len);
    return true;
}

uint64_t disk_misdirected(const struct inode *file, uint64_t offset) {
    struct disk *disk = file->disk;
    char path[DISK_PATH_ROOM];
    inode_path(file, path);
    if (!contains(span_of_text(path), span_of_text(disk->misdirect))) {
        return offset;
    }
    world_free(disk->world, disk->misdirect);
    disk->misdirect = NULL;
    disk->world->counts.misdirected++;
    disk_record(file, "misdirected", 0, 1);
    return offset + PAGE_BYTES;
}
