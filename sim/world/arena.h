/* sim/world/arena.h - the world's one memory: a contiguous mapping at a fixed address.
 *
 * All mutable state of a run lives here, with no pointer to mutable state outside, so that a
 * snapshot is a copy of the used part and a restore the copy back. Blocks are 16-byte aligned, come
 * from size classes, and belong to an owner (a node, or the world): an owner's blocks can be
 * dropped in one go, which is how a crash ends a node's memory. One arena per process. */
#ifndef SIM_ARENA_H
#define SIM_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ARENA_BASE ((uintptr_t)0x551000000000) /* where it lets programs have memory */
#endif
#endif
#if UINTPTR_MAX > 0xffffffffu
#ifndef ARENA_BASE
#define ARENA_BASE ((uintptr_t)0x510000000000)
#endif
#define ARENA_BYTES_MAX ((size_t)64 << 30) /* reserved, not committed */
#else
#define ARENA_BASE ((uintptr_t)0x50000000)
#define ARENA_BYTES_MAX ((size_t)1 << 29)
#endif

/* Who owns blocks. Embedded in the owner, itself inside the arena; zero-initialised. */
struct arena_owner {
    uint64_t first; /* newest block, 0 when none; private */
    size_t bytes;   /* in blocks, headers included */
    size_t blocks;
    size_t bytes_limit; /* 0: none */
};

/* Maps (once per process) and empties the arena. False with errno when it cannot be mapped. */
bool arena_open(void);
/* Empties it and gives its pages back. */
void arena_reset(void);
/* Bytes in use from ARENA_BASE on: what a snapshot copies. */
size_t arena_used(void);

/* A block of `size` bytes, not zeroed; NULL above the owner's limit or at the arena's end. */
void *arena_alloc(struct arena_owner *owner, size_t size);
void *arena_alloc_zeroed(struct arena_owner *owner, size_t size);
/* May move. NULL leaves the old block as it is. */
void *arena_realloc(struct arena_owner *owner, void *payload, size_t size);
/* NULL is allowed. `owner` must be the block's. */
void arena_free(struct arena_owner *owner, void *payload);
/* Frees all blocks of `owner`. */
void arena_drop(struct arena_owner *owner);

/* The root block: where the world keeps the pointer to itself. */
void arena_set_root(void *root);
void *arena_root(void);

/* A copy of the used part, outside the arena. */
struct arena_snapshot {
    void *bytes;
    size_t used;
    size_t capacity;
};
/* Takes (or retakes, reusing memory) a snapshot. False: out of memory. */
bool arena_save(struct arena_snapshot *snapshot);
void arena_restore(const struct arena_snapshot *snapshot);
bool arena_equals(const struct arena_snapshot *snapshot); /* byte for byte */
void arena_snapshot_free(struct arena_snapshot *snapshot);

#endif
