/* sim/world/page_store.h - what files hold, outside of the arena.
 *
 * A block is up to 64 KiB of a file, or an older version of one page. The world names blocks by
 * ids (from 1), which it takes and gives back in the arena, so that they depend on its history
 * only; where a block is in memory is known here alone. Blocks are shared between the world and its
 * snapshots by counted references and copied when written: a snapshot copies the table of blocks,
 * 4 bytes for each, whatever they hold. One world per process has blocks, as with the arena. */
#ifndef SIM_PAGE_STORE_H
#define SIM_PAGE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_BYTES 65536u

struct world;

/* Ids in use; in the arena, zero-initialised. */
struct block_ids {
    uint32_t last; /* highest ever taken */
    uint32_t *freed;
    size_t freed_count, freed_capacity;
};

/* The world begins anew: its blocks are gone, those of snapshots are not. */
void page_store_open(void);

/* Makes [from, to) of block *id writable and counts it as written: the caller fills it at once.
 * What is between the bytes written before and `from` becomes zeros. *id 0: a new one. */
uint8_t *block_write(struct world *world, uint32_t *id, size_t from, size_t to);
/* Bytes up to the last one written; those beyond are zeros. 0 for id 0. */
size_t block_len(uint32_t id);
/* The block's memory, of which block_len(id) bytes mean something. */
const uint8_t *block_read(uint32_t id);
/* Bytes [from, from + *len) of a block, 0 < *len, from + *len <= BLOCK_BYTES; *len may be cut
 * short, by the history of the block only. */
const uint8_t *block_view(uint32_t id, size_t from, size_t *len);
/* Forgets what is beyond `len`. */
void block_cut(struct world *world, uint32_t *id, size_t len);
void block_free(struct world *world, uint32_t id); /* 0 is allowed */

/* The blocks of a snapshot. */
struct page_snapshot {
    uint32_t *blocks;
    size_t count, capacity;
};
/* Takes (or retakes) it. False: out of memory. */
bool page_store_save(struct page_snapshot *snapshot);
void page_store_restore(const struct page_snapshot *snapshot);
void page_snapshot_free(struct page_snapshot *snapshot);

/* Memory of blocks that somebody has, bytes; for tests and reports. */
size_t page_store_bytes(void);

#endif
