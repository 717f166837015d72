/* sim/world/disk_pages.c - the content of files, as all processes see it. */
#include "sim/world/disk_internal.h"

/* Bits of the pages that [from, to) of a slot touches. */
static uint16_t pages_of(size_t from, size_t to) {
    if (from >= to) {
        return 0;
    }
    unsigned first = (unsigned)(from / PAGE_BYTES), end = (unsigned)((to - 1) / PAGE_BYTES + 1);
    return (uint16_t)(((1u << end) - 1) & ~((1u << first) - 1));
}

static struct slot *slot_need(struct inode *file, size_t index) {
    if (index >= file->slot_count) {
        size_t count = file->slot_count * 2 > index + 1 ? file->slot_count * 2 : index + 1;
        struct world *world = file->disk->world;
        struct slot *slots = arena_realloc(&world->owner, file->slots, count * sizeof *slots);
        RMQ_ASSERT(slots != NULL);
        memset(slots + file->slot_count, 0, (count - file->slot_count) * sizeof *slots);
        file->slots = slots;
        file->slot_count = count;
    }
    return &file->slots[index];
}

void use_pages(struct inode *file, struct slot *slot, uint16_t used) {
    uint64_t more = (uint64_t)__builtin_popcount(used);
    uint64_t less = (uint64_t)__builtin_popcount(slot->used);
    slot->used = used;
    file->used_pages += more - less;
    if (file->counted) {
        file->disk->used_pages += more - less;
    }
}

/* Where the room for new pages in [from, to) of a slot ends. */
static size_t room_end(const struct inode *file, const struct slot *slot, size_t from, size_t to) {
    uint16_t fresh = pages_of(from, to) & (uint16_t)~slot->used;
    uint64_t room = disk_free_pages(file->disk);
    if (__builtin_expect(room >= SLOT_PAGES, 1)) {
        return to;
    }
    for (unsigned page = 0; page < SLOT_PAGES; page++) {
        if ((fresh >> page & 1) != 0 && room-- == 0) {
            return page * PAGE_BYTES > from ? page * PAGE_BYTES : from;
        }
    }
    return to;
}

/* [from, to) of a slot becomes zeros. */
static void slot_zero(struct inode *file, struct slot *slot, size_t from, size_t to) {
    struct world *world = file->disk->world;
    size_t len = block_len(slot->block);
    if (from >= len) {
        return;
    }
    if (to >= len) {
        block_cut(world, &slot->block, from);
    } else {
        memset(block_write(world, &slot->block, from, to) + from, 0, to - from);
    }
}

int file_write(struct inode *file, uint64_t offset, const uint8_t *bytes, uint64_t len,
               uint64_t *done) {
    struct world *world = file->disk->world;
    uint64_t at = offset, end = offset + len;
    while (at < end) {
        size_t index = (size_t)(at / BLOCK_BYTES), from = (size_t)(at % BLOCK_BYTES);
        size_t to = end - at < BLOCK_BYTES - from ? from + (size_t)(end - at) : BLOCK_BYTES;
        struct slot *slot = slot_need(file, index);
        size_t room = room_end(file, slot, from, to);
        if (room > from) {
            uint16_t pages = pages_of(from, room);
            pages_will_change(file, (uint32_t)index, pages);
            use_pages(file, slot, slot->used | pages);
            if (bytes != NULL) {
                memcpy(block_write(world, &slot->block, from, room) + from, bytes + (at - offset),
                       room - from);
            } else {
                slot_zero(file, slot, from, room);
            }
        }
        at += room - from;
        if (room < to) {
            break;
        }
    }
    if (at > file->size && at > offset) {
        file->size = at;
        inode_touch(file);
    }
    *done = at - offset;
    return at < end ? RMQ_E_NO_SPACE : RMQ_OK;
}

void file_read(struct inode *file, uint64_t offset, uint8_t *into, size_t len) {
    RMQ_ASSERT(offset + len <= file->size);
    while (len > 0) {
        size_t index = (size_t)(offset / BLOCK_BYTES), from = (size_t)(offset % BLOCK_BYTES);
        size_t part = len < BLOCK_BYTES - from ? len : BLOCK_BYTES - from;
        uint32_t block = index < file->slot_count ? file->slots[index].block : 0;
        size_t here = block_len(block) > from ? block_len(block) - from : 0;
        here = here < part ? here : part;
        memcpy(into, block_read(block) + from, here);
        memset(into + here, 0, part - here);
        into += part;
        offset += part;
        len -= part;
    }
}

struct span file_view(struct inode *file, uint64_t offset, size_t len) {
    RMQ_ASSERT(offset < file->size);
    size_t index = (size_t)(offset / BLOCK_BYTES), from = (size_t)(offset % BLOCK_BYTES);
    len = len < BLOCK_BYTES - from ? len : BLOCK_BYTES - from;
    len = len < file->size - offset ? len : (size_t)(file->size - offset);
    uint32_t block = index < file->slot_count ? file->slots[index].block : 0;
    const uint8_t *data = block_view(block, from, &len);
    return span_of(data, len);
}

void file_cut(struct inode *file, uint64_t size) {
    size_t first = (size_t)(size / BLOCK_BYTES), from = (size_t)(size % BLOCK_BYTES);
    for (size_t i = first; i < file->slot_count; i++, from = 0) {
        struct slot *slot = &file->slots[i];
        uint16_t pages = pages_of(from, BLOCK_BYTES) & slot->used;
        if (pages == 0) {
            continue;
        }
        pages_will_change(file, (uint32_t)i, pages);
        slot_zero(file, slot, from, BLOCK_BYTES);
        uint16_t whole = pages_of((from + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES, BLOCK_BYTES);
        use_pages(file, slot, slot->used & (uint16_t)~whole);
        if (slot->used == 0) {
            cache_forget(file, slot);
        }
    }
}

void file_truncate(struct inode *file, uint64_t size) {
    if (size == file->size) {
        return;
    }
    if (size < file->size) {
        file_cut(file, size);
    }
    file->size = size;
    inode_touch(file);
    inode_clean_check(file);
}

void file_free_content(struct inode *file) {
    struct world *world = file->disk->world;
    LIST_EACH(&file->dirty, link, following) {
        dirty_free(file, LIST_ENTRY(link, struct dirty, of_file));
    }
    for (size_t i = 0; i < file->slot_count; i++) {
        cache_forget(file, &file->slots[i]);
        block_free(world, file->slots[i].block);
    }
    world_free(world, file->slots);
}

size_t page_len(const struct slot *slot, unsigned page) {
    size_t len = block_len(slot->block), from = page * PAGE_BYTES;
    len = len > from ? len - from : 0;
    return len < PAGE_BYTES ? len : PAGE_BYTES;
}

void page_set(struct inode *file, uint32_t slot_index, unsigned page, uint32_t block, bool used) {
    struct world *world = file->disk->world;
    struct slot *slot = &file->slots[slot_index];
    size_t from = page * PAGE_BYTES, len = block_len(block);
    uint16_t bit = (uint16_t)(1u << page);
    use_pages(file, slot, (slot->used & (uint16_t)~bit) | (used ? bit : 0));
    slot_zero(file, slot, from, from + PAGE_BYTES);
    if (len > 0) {
        memcpy(block_write(world, &slot->block, from, from + len) + from, block_read(block), len);
    }
}
