/* sim/run/faults_disk.h - the kinds of faults that disks have, for the table in faults.c. */
#ifndef SIM_FAULTS_DISK_H
#define SIM_FAULTS_DISK_H

#include "sim/run/faults.h"

typedef bool fault_effect_fn(struct world *world, struct fault *fault, struct fault_target *target);
extern fault_effect_fn slow_disk, unslow_disk, fill_disk, free_disk, lock_disk, unlock_disk,
    stall_disk, unstall_disk, break_disk, mend_disk, lie_disk, unlie_disk, rot_disk, misdirect_disk;
extern const struct record_type SLOW_DISK_TYPE, DISK_ERRORS_TYPE, DISK_FILE_TYPE;

#endif
