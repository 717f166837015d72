/* sim/bench_acl.h - the workload of `mqsim bench acl`: the check of a signed send (310) of 1 KiB
 * against 100 accounts of 10 topics each. */
#ifndef SIM_BENCH_ACL_H
#define SIM_BENCH_ACL_H

#include <stdint.h>

/* CPU nanoseconds of one check; negative: out of memory. */
double bench_acl(uint64_t count);

#endif
