/* sim/world/page_store.c - see page_store.h.
 *
 * Memory comes in regions that are never given back, cut into blocks of five sizes, each with a
 * list of free ones: a block begins small, because most files of an idle broker are, and moves to
 * a larger size as it grows. */
#define _GNU_SOURCE
#include "sim/world/page_store.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sim/world/world_internal.h"

#define SIZES 5
static const uint32_t SIZE_BYTES[SIZES] = {256, 1024, 4096, 16384, BLOCK_BYTES};
#if UINTPTR_MAX > 0xffffffffu
#define REGION_BYTES ((size_t)64 << 20)
#else
#define REGION_BYTES ((size_t)4 << 20)
#endif

struct block {
    uint8_t *data;
    uint32_t refs;   /* of the world and of snapshots; free: the next free one */
    uint32_t len;    /* bytes up to the last one written */
    uint32_t zeroed; /* bytes up to which memory beyond len is known to be zeros */
    uint8_t size;    /* index */
};

/* Of the process, as the mapping of the arena is. */
static struct store {
    struct block *blocks; /* [0] is nobody's */
    uint32_t count, capacity;
    uint32_t free[SIZES]; /* heads */
    uint8_t *region;
    size_t region_left;
    size_t bytes;
    uint32_t *table; /* of the world: block of an id, 0: none */
    size_t table_count, table_capacity;
} store;

static const uint8_t ZEROS[BLOCK_BYTES];

/* ---- memory ---- */

static uint8_t *region_take(size_t bytes) {
    if (store.region_left < bytes) {
        void *at = mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        RMQ_ASSERT(at != MAP_FAILED);                   /* nothing goes on without memory */
        (void)madvise(at, REGION_BYTES, MADV_HUGEPAGE); /* a refusal costs speed only */
        store.region = at;
        store.region_left = REGION_BYTES;
    }
    uint8_t *taken = store.region;
    store.region += bytes;
    store.region_left -= bytes;
    return taken;
}

static void *grow(void *array, size_t count, size_t size) {
    void *moved = realloc(array, count * size);
    RMQ_ASSERT(moved != NULL);
    return moved;
}

/* A block of at least `bytes`, with one reference and nothing in it. */
static uint32_t memory_take(size_t bytes) {
    uint8_t size = 0;
    while (SIZE_BYTES[size] < bytes) {
        size++;
        RMQ_ASSERT(size < SIZES);
    }
    uint32_t index = store.free[size];
    if (index != 0) {
        store.free[size] = store.blocks[index].refs;
    } else {
        if (store.count == store.capacity) {
            store.capacity = store.capacity == 0 ? 256 : store.capacity * 2;
            store.blocks = grow(store.blocks, store.capacity, sizeof *store.blocks);
            store.count = store.count == 0 ? 1 : store.count;
        }
        index = store.count++;
        store.blocks[index].data = region_take(SIZE_BYTES[size]);
        store.blocks[index].size = size;
    }
    struct block *block = &store.blocks[index];
    block->refs = 1;
    block->len = block->zeroed = 0;
    store.bytes += SIZE_BYTES[size];
    return index;
}

static void memory_release(uint32_t index) {
    struct block *block = &store.blocks[index];
    RMQ_ASSERT(block->refs > 0);
    if (--block->refs == 0) {
        block->refs = store.free[block->size];
        store.free[block->size] = index;
        store.bytes -= SIZE_BYTES[block->size];
    }
}

size_t page_store_bytes(void) {
    return store.bytes;
}

/* ---- blocks of the world ---- */

static struct block *block_of(uint32_t id) {
    RMQ_ASSERT(id > 0);
    RMQ_ASSERT(id < store.table_count);
    return &store.blocks[store.table[id]];
}

static uint32_t id_take(struct world *world) {
    struct block_ids *ids = &world->blocks;
    uint32_t id = ids->freed_count > 0 ? ids->freed[--ids->freed_count] : ++ids->last;
    if (id >= store.table_count) {
        if (id >= store.table_capacity) {
            store.table_capacity = store.table_capacity == 0 ? 256 : store.table_capacity * 2;
            store.table = grow(store.table, store.table_capacity, sizeof *store.table);
        }
        store.table_count = id + 1;
        store.table[0] = 0;
    }
    return id;
}

void block_free(struct world *world, uint32_t id) {
    if (id == 0) {
        return;
    }
    struct block_ids *ids = &world->blocks;
    if (ids->freed_count == ids->freed_capacity) {
        ids->freed_capacity = ids->freed_capacity == 0 ? 64 : ids->freed_capacity * 2;
        ids->freed = arena_realloc(&world->owner, ids->freed, ids->freed_capacity * sizeof(id));
        RMQ_ASSERT(ids->freed != NULL);
    }
    RMQ_ASSERT(store.table[id] != 0);
    memory_release(store.table[id]);
    store.table[id] = 0;
    ids->freed[ids->freed_count++] = id;
}

/* Gives `id` memory of its own for `bytes`, with the first `keep` bytes of what it has. */
static struct block *block_move(uint32_t id, size_t bytes, size_t keep) {
    uint32_t old = store.table[id], moved = memory_take(bytes);
    struct block *from = &store.blocks[old], *to = &store.blocks[moved];
    to->len = to->zeroed = (uint32_t)keep;
    memcpy(to->data, from->data, keep);
    store.table[id] = moved;
    memory_release(old);
    return to;
}

uint8_t *block_write(struct world *world, uint32_t *id, size_t from, size_t to) {
    RMQ_ASSERT(from < to);
    RMQ_ASSERT(to <= BLOCK_BYTES);
    struct block *block;
    if (*id == 0) {
        *id = id_take(world);
        store.table[*id] = memory_take(to);
        block = block_of(*id);
    } else {
        block = block_of(*id);
        if (block->refs > 1 || SIZE_BYTES[block->size] < to) {
            size_t need = SIZE_BYTES[block->size] < to ? to : SIZE_BYTES[block->size];
            block = block_move(*id, need, block->len);
        }
    }
    if (block->zeroed < from) {
        memset(block->data + block->zeroed, 0, from - block->zeroed);
    }
    block->len = block->len < to ? (uint32_t)to : block->len;
    block->zeroed = block->zeroed < to ? (uint32_t)to : block->zeroed;
    return block->data;
}

size_t block_len(uint32_t id) {
    return id == 0 ? 0 : block_of(id)->len;
}

const uint8_t *block_read(uint32_t id) {
    return id == 0 ? ZEROS : block_of(id)->data;
}

/* How far a view goes depends on the block's size and on nothing that a view changes. */
const uint8_t *block_view(uint32_t id, size_t from, size_t *len) {
    RMQ_ASSERT(*len > 0);
    RMQ_ASSERT(from + *len <= BLOCK_BYTES);
    if (id == 0 || from >= SIZE_BYTES[block_of(id)->size]) {
        return ZEROS + from;
    }
    struct block *block = block_of(id);
    size_t room = SIZE_BYTES[block->size];
    *len = from + *len > room ? room - from : *len;
    if (from + *len > block->zeroed) {
        memset(block->data + block->zeroed, 0, from + *len - block->zeroed);
        block->zeroed = (uint32_t)(from + *len);
    }
    return block->data + from;
}

void block_cut(struct world *world, uint32_t *id, size_t len) {
    if (*id == 0 || block_of(*id)->len <= len) {
        return;
    }
    if (len == 0) {
        block_free(world, *id);
        *id = 0;
        return;
    }
    struct block *block = block_of(*id);
    if (block->refs > 1) {
        block_move(*id, SIZE_BYTES[block->size], len);
    } else {
        block->len = block->zeroed = (uint32_t)len;
    }
}

/* ---- snapshots ---- */

void page_store_open(void) {
    for (size_t i = 1; i < store.table_count; i++) {
        if (store.table[i] != 0) {
            memory_release(store.table[i]);
        }
    }
    store.table_count = 0;
}

static void snapshot_release(struct page_snapshot *snapshot) {
    for (size_t i = 1; i < snapshot->count; i++) {
        if (snapshot->blocks[i] != 0) {
            memory_release(snapshot->blocks[i]);
        }
    }
    snapshot->count = 0;
}

bool page_store_save(struct page_snapshot *snapshot) {
    size_t count = store.table_count;
    if (count > snapshot->capacity) {
        uint32_t *blocks = realloc(snapshot->blocks, count * sizeof *blocks);
        if (blocks == NULL) {
            return false;
        }
        snapshot->blocks = blocks;
        snapshot->capacity = count;
    }
    for (size_t i = 1; i < count; i++) {
        if (store.table[i] != 0) {
            store.blocks[store.table[i]].refs++;
        }
    }
    snapshot_release(snapshot);
    if (count > 0) {
        memcpy(snapshot->blocks, store.table, count * sizeof *snapshot->blocks);
    }
    snapshot->count = count;
    return true;
}

void page_store_restore(const struct page_snapshot *snapshot) {
    for (size_t i = 1; i < snapshot->count || i < store.table_count; i++) {
        uint32_t now = i < store.table_count ? store.table[i] : 0;
        uint32_t then = i < snapshot->count ? snapshot->blocks[i] : 0;
        if (now != then) {
            if (then != 0) {
                store.blocks[then].refs++;
            }
            if (now != 0) {
                memory_release(now);
            }
        }
    }
    RMQ_ASSERT(snapshot->count <= store.table_capacity);
    if (snapshot->count > 0) {
        memcpy(store.table, snapshot->blocks, snapshot->count * sizeof *store.table);
    }
    store.table_count = snapshot->count;
}

void page_snapshot_free(struct page_snapshot *snapshot) {
    snapshot_release(snapshot);
    free(snapshot->blocks);
    memset(snapshot, 0, sizeof *snapshot);
}
