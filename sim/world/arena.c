/* sim/world/arena.c - size classes over one bump region.
 *
 * A block is a 16-byte header and its payload. Classes step by 16 bytes up to 128 and by an eighth
 * of the power of two above; a freed block waits in its class's list, last in, first out. Blocks of
 * an owner form a doubly linked list by 32-bit offsets in units of 16 bytes (64 GiB). Everything,
 * including the lists' heads, is inside the mapping, so that a snapshot holds it. */
#define _GNU_SOURCE
#include "sim/world/arena.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "model/base/check.h"

#define UNIT 16u
#define CLASS_COUNT 256
#define BLOCK_LIVE 0x4c495645u
#define BLOCK_FREE 0x46524545u

struct block {
    uint32_t prev; /* owner's list, unit offsets, 0: none; free: unused */
    uint32_t next; /* owner's list; free: next free block of the class */
    uint32_t class_index;
    uint32_t state;
};

struct arena {
    uint64_t used;
    uint64_t root;
    uint32_t free_blocks[CLASS_COUNT];
};

_Static_assert(sizeof(struct block) == UNIT, "the header keeps payloads 16-byte aligned");

static struct arena *arena_get(void) {
    return (struct arena *)ARENA_BASE;
}

static struct block *block_at(uint32_t offset) {
    return (struct block *)(ARENA_BASE + (uintptr_t)offset * UNIT);
}

static uint32_t block_offset(const struct block *block) {
    return (uint32_t)(((uintptr_t)block - ARENA_BASE) / UNIT);
}

static struct block *block_of(void *payload) {
    struct block *block = (struct block *)payload - 1;
    RMQ_ASSERT((uintptr_t)payload > ARENA_BASE);
    RMQ_ASSERT((uintptr_t)payload < ARENA_BASE + arena_get()->used);
    RMQ_ASSERT(block->state == BLOCK_LIVE);
    return block;
}

/* Class whose blocks hold `bytes` (header included). */
static uint32_t class_of(size_t bytes) {
    if (bytes <= 128) {
        return (uint32_t)((bytes + 15) / 16);
    }
    unsigned power = 63u - (unsigned)__builtin_clzll((unsigned long long)bytes - 1);
    unsigned eighth = (unsigned)(((bytes - 1) >> (power - 3)) & 7);
    return 9 + (power - 7) * 8 + eighth;
}

static size_t class_bytes(uint32_t class_index) {
    if (class_index <= 8) {
        return class_index * (size_t)16;
    }
    unsigned power = 7 + (class_index - 9) / 8;
    unsigned eighth = (class_index - 9) % 8;
    return (size_t)(eighth + 9) << (power - 3);
}

static void arena_empty(void) {
    struct arena *arena = arena_get();
    memset(arena, 0, sizeof *arena);
    arena->used = (sizeof *arena + UNIT - 1) / UNIT * UNIT;
}

bool arena_open(void) {
    static bool mapped; /* of the process, not of the world: the mapping itself */
    if (!mapped) {
        void *at = mmap((void *)ARENA_BASE, ARENA_BYTES_MAX, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
        if (at == MAP_FAILED) {
            return false;
        }
        mapped = true;
        (void)madvise(at, ARENA_BYTES_MAX, MADV_HUGEPAGE); /* a refusal costs speed only */
        arena_empty();
        return true;
    }
    arena_reset();
    return true;
}

void arena_reset(void) {
    size_t page = 4096;
    size_t bytes = (arena_used() + page - 1) / page * page;
    int failed = madvise((void *)ARENA_BASE, bytes, MADV_DONTNEED);
    RMQ_ASSERT(failed == 0);
    arena_empty();
}

size_t arena_used(void) {
    return (size_t)arena_get()->used;
}

/* A block of the class from its free list, else from the end of the used part. */
static struct block *block_take(uint32_t class_index) {
    struct arena *arena = arena_get();
    uint32_t offset = arena->free_blocks[class_index];
    if (offset != 0) {
        struct block *block = block_at(offset);
        RMQ_ASSERT(block->state == BLOCK_FREE);
        arena->free_blocks[class_index] = block->next;
        return block;
    }
    size_t bytes = class_bytes(class_index);
    if (bytes > ARENA_BYTES_MAX - arena->used) {
        return NULL;
    }
    struct block *block = (struct block *)(ARENA_BASE + (uintptr_t)arena->used);
    arena->used += bytes;
    return block;
}

void *arena_alloc(struct arena_owner *owner, size_t size) {
    if (size > ARENA_BYTES_MAX / 2) {
        return NULL;
    }
    uint32_t class_index = class_of(size + sizeof(struct block));
    size_t bytes = class_bytes(class_index);
    RMQ_CHECK_EXPENSIVE(bytes >= size + sizeof(struct block));
    if (owner->bytes_limit != 0 && owner->bytes + bytes > owner->bytes_limit) {
        return NULL;
    }
    struct block *block = block_take(class_index);
    if (block == NULL) {
        return NULL;
    }
    block->class_index = class_index;
    block->state = BLOCK_LIVE;
    block->prev = 0;
    block->next = (uint32_t)owner->first;
    uint32_t offset = block_offset(block);
    if (owner->first != 0) {
        block_at((uint32_t)owner->first)->prev = offset;
    }
    owner->first = offset;
    owner->bytes += bytes;
    owner->blocks++;
    return block + 1;
}

void *arena_alloc_zeroed(struct arena_owner *owner, size_t size) {
    void *payload = arena_alloc(owner, size);
    if (payload != NULL) {
        memset(payload, 0, size);
    }
    return payload;
}

void arena_free(struct arena_owner *owner, void *payload) {
    if (payload == NULL) {
        return;
    }
    struct arena *arena = arena_get();
    struct block *block = block_of(payload);
    uint32_t offset = block_offset(block);
    if (block->prev != 0) {
        block_at(block->prev)->next = block->next;
    } else {
        RMQ_ASSERT(owner->first == offset);
        owner->first = block->next;
    }
    if (block->next != 0) {
        block_at(block->next)->prev = block->prev;
    }
    RMQ_ASSERT(owner->blocks > 0);
    owner->blocks--;
    owner->bytes -= class_bytes(block->class_index);
    block->state = BLOCK_FREE;
    block->prev = 0;
    block->next = arena->free_blocks[block->class_index];
    arena->free_blocks[block->class_index] = offset;
}

void *arena_realloc(struct arena_owner *owner, void *payload, size_t size) {
    if (payload == NULL) {
        return arena_alloc(owner, size);
    }
    uint32_t class_index = block_of(payload)->class_index;
    size_t had = class_bytes(class_index) - sizeof(struct block);
    if (size <= had && class_of(size + sizeof(struct block)) == class_index) {
        return payload;
    }
    void *moved = arena_alloc(owner, size);
    if (moved == NULL) {
        return size <= had ? payload : NULL;
    }
    memcpy(moved, payload, size < had ? size : had);
    arena_free(owner, payload);
    return moved;
}

void arena_drop(struct arena_owner *owner) {
    while (owner->first != 0) {
        arena_free(owner, block_at((uint32_t)owner->first) + 1);
    }
    RMQ_ASSERT(owner->bytes == 0);
    RMQ_ASSERT(owner->blocks == 0);
}

void arena_set_root(void *root) {
    arena_get()->root = (uintptr_t)root;
}

void *arena_root(void) {
    return (void *)(uintptr_t)arena_get()->root;
}

bool arena_save(struct arena_snapshot *snapshot) {
    size_t used = arena_used();
    if (used > snapshot->capacity) {
        void *bytes = realloc(snapshot->bytes, used);
        if (bytes == NULL) {
            return false;
        }
        snapshot->bytes = bytes;
        snapshot->capacity = used;
    }
    memcpy(snapshot->bytes, arena_get(), used);
    snapshot->used = used;
    return true;
}

void arena_restore(const struct arena_snapshot *snapshot) {
    size_t used = arena_used();
    RMQ_ASSERT(snapshot->used >= sizeof(struct arena));
    memcpy(arena_get(), snapshot->bytes, snapshot->used);
    if (used > snapshot->used) {
        /* What the abandoned branch wrote must not show through in blocks taken again. */
        memset((uint8_t *)arena_get() + snapshot->used, 0, used - snapshot->used);
    }
}

bool arena_equals(const struct arena_snapshot *snapshot) {
    return snapshot->used == arena_used() &&
           memcmp(snapshot->bytes, arena_get(), snapshot->used) == 0;
}

void arena_snapshot_free(struct arena_snapshot *snapshot) {
    free(snapshot->bytes);
    memset(snapshot, 0, sizeof *snapshot);
}
