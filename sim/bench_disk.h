/* sim/bench_disk.h - the workload of `mqsim bench disk-append`, `disk-snapshot` and `disk-scan`: a
 * store's habits without a store.
 *
 * A node appends records of 1 KiB to segments of 16 MiB, one under way, syncs after each `sync`
 * records, and unlinks the oldest segment when it has more than `keep`; `stop` records end it (0:
 * never). At its start it reads what it finds by views, as a recovery does. */
#ifndef SIM_BENCH_DISK_H
#define SIM_BENCH_DISK_H

#include "sim/world/world.h"

#define BENCH_DISK_RECORD 1024
#define BENCH_DISK_SEGMENT (16u << 20)

extern const struct role bench_disk_role;
/* Adds `count` such nodes, each on its own host. False when out of arena. */
bool bench_disk_build(struct world *world, uint32_t count, uint32_t keep, uint32_t sync,
                      uint64_t stop);

#endif
