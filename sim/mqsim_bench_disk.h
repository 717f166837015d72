/* sim/mqsim_bench_disk.h - measurements of simulated disks, see sim/bench_disk.h. Each makes its
 * own world; below 0: out of memory. */
#ifndef SIM_MQSIM_BENCH_DISK_H
#define SIM_MQSIM_BENCH_DISK_H

#include <stdint.h>

/* Records of 1 KiB that one node appends in a wall second, of so many, synced by the 100. */
double bench_disk_append(uint64_t records);
/* Microseconds of a save and a restore with four disks of 256 MiB and some work in between; mean of
 * so many pairs. */
double bench_disk_snapshot(uint64_t pairs);
/* Milliseconds in which a node that starts reads so many MiB of segments by views. */
double bench_disk_scan(uint64_t mebibytes);

#endif
