/* sim/world/disk.h - the disk of a virtual machine. Its fault model is stated in disk.c.
 *
 * One disk per host, shared by its nodes, with all of its names; it outlives processes and power.
 * Pages (4 KiB) are shared by generation between the world and its snapshots and copied when
 * written; page tables are world (sim/world/arena.h). */
#ifndef SIM_DISK_H
#define SIM_DISK_H

#include "sim/world/world.h"

struct disk_profile {
    struct dist write_latency; /* into the OS cache, ns: until the write's `done` */
    struct dist read_latency;  /* of a cold read, ns */
    struct dist sync_latency;  /* of an fsync beyond its bytes, ns */
    uint64_t bytes_per_second; /* of the device: syncs and cold reads queue for it; 0 unlimited */
    uint64_t capacity_bytes;   /* 0: unlimited */
    uint64_t cache_bytes;      /* resident pages per host; beyond: coldest clean ones are read
                                  again; 0: all */
    uint32_t keep_ppm;         /* an un-synced page survives a power-off by this chance */
    uint32_t keep_name_ppm;    /* an un-synced name, size or unlink survives */
    uint32_t torn_ppm;         /* a surviving page is torn: some of its 512-byte sectors only */
    uint32_t sync_fail_ppm;    /* per sync: RMQ_E_IO, and its dirty pages may be dropped */
    uint32_t write_fail_ppm, read_fail_ppm; /* RMQ_E_IO */
    uint32_t lying_sync_ppm;                /* reports success, makes nothing durable */
    uint64_t write_back_ns; /* the kernel makes durable by itself what has been dirty this long; 0:
                               never, and what is unlinked and not synced stays in memory */
};
void disk_profile_default(struct disk_profile *profile);
/* Profile of the disks that nobody has used yet, and of one disk. Changing it mid-run is allowed.
 */
void world_set_default_disk(struct world *world, const struct disk_profile *profile);
void world_set_disk(struct world *world, struct host *host, const struct disk_profile *profile);
const struct disk_profile *world_disk(struct world *world, struct host *host);

/* Faults; each is counted in world_counts and reported by world.disk where it touches a file. */
bool world_disk_full(struct world *world, struct host *host, bool on); /* RMQ_E_NO_SPACE */
bool world_disk_read_only(struct world *world, struct host *host, bool on);
bool world_disk_stall(struct world *world, struct host *host, bool on); /* nothing completes */
/* Each operation of this kind fails with RMQ_E_IO while on. */
enum disk_operation { DISK_READ = 1, DISK_WRITE = 2, DISK_SYNC = 4 };
bool world_disk_fail(struct world *world, struct host *host, unsigned operations, bool on);
/* Syncs report success and make nothing durable while on. */
bool world_disk_lie(struct world *world, struct host *host, bool on);
/* Flips one bit of one written byte of a file whose path ends with or holds `pattern`; stable. */
bool world_disk_rot(struct world *world, struct host *host, struct span pattern, uint64_t draw);
/* The next write to such a file lands one page further. */
bool world_disk_misdirect(struct world *world, struct host *host, struct span pattern);

/* What is switched on now. */
struct disk_state {
    bool full, read_only, stalled, lies, misdirects;
    unsigned failing; /* enum disk_operation */
    uint64_t used_bytes;
};
struct disk_state world_disk_state(struct world *world, struct host *host);

/* Content from outside before the run (tests: a captured store directory). */
bool world_disk_put(struct world *world, struct host *host, const char *path, const void *bytes,
                    size_t len, int64_t modified_ms);
/* Copies out [offset, offset + len) of a file as processes see it; false: no such file. */
bool world_disk_get(const struct world *world, const struct host *host, const char *path,
                    uint64_t offset, void *into, size_t len);
/* UINT64_MAX: no such file. */
uint64_t world_disk_size(const struct world *world, const struct host *host, const char *path);

#endif
