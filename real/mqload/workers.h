/* mqload/workers.h - the threads of mqload: a loop each, which carries its share of the clients. */
#ifndef REAL_MQLOAD_WORKERS_H
#define REAL_MQLOAD_WORKERS_H

#include "real/mqload/options.h"
#include "real/mqload/stats.h"

struct workers;
/* Starts the clients; what is measured begins warmup_ns later. NULL after a message on stderr. */
struct workers *workers_start(const struct load_options *options);
/* Sums over all threads, while they run. */
struct workers_progress {
    uint64_t sent, failed, consumed;
    uint64_t running, producing; /* clients and producers that have not ended */
    bool started;                /* all of them */
};
struct workers_progress workers_progress(const struct workers *workers);
/* Begin of the measured time, CLOCK_MONOTONIC ns. */
uint64_t workers_start_ns(const struct workers *workers);
/* Measured time ends now; the clients stop cleanly, after `grace_ns` at once. Returns when all
 * threads have ended, with what they saw. */
struct load_stats *workers_stop(struct workers *workers, uint64_t grace_ns);
void workers_free(struct workers *workers);

#endif
