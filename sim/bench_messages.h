/* sim/bench_messages.h - the benches whose workload is messages: scenarios/r0.json as it is, with
 * all of its oracles, trace hash and events, and a store that recovers. */
#ifndef SIM_BENCH_MESSAGES_H
#define SIM_BENCH_MESSAGES_H

#include <stdbool.h>
#include <stdint.h>

enum r0_figure {
    R0_MESSAGES,          /* sent, stored, consumed and committed, per wall second */
    R0_STEPS,             /* per wall second */
    R0_STEPS_PER_MESSAGE, /* of the same run */
    R0_SIMULATED,         /* simulated seconds per wall second */
    R0_GROWTH,            /* resident memory after 1 h against after 5 min, percent more */
    R0_SAVE,              /* ms of a snapshot after 60 s */
    R0_RESTORE            /* ms of a restore of it */
};
/* `sets`: changes of the scenario as --set has them, ended by NULL. False: failed, said on stderr.
 */
bool bench_r0(enum r0_figure figure, const char *const *sets, double *out);
/* Wall seconds from the restart to store.recovered of a broker that lost power with `mib` MiB of
 * messages of 1 KiB in one log file, all of which it has to read. */
bool bench_recovery(uint64_t mib, double *out);

#endif
