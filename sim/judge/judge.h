/* sim/judge/judge.h - oracles and metrics of one run: attach before it, ask after it.
 *
 * State is in the arena, so a snapshot holds it. Metrics come from the event stream alone. */
#ifndef SIM_JUDGE_H
#define SIM_JUDGE_H

#include "sim/judge/sightings.h"
#include "sim/oracle/oracle.h"
#include "sim/world/world.h"

struct judge_expectation {
    const struct oracle_type *type;
    const struct props *parameters; /* copied */
};

struct judge;
/* Offline, or for tests: `host` (copied; its cluster is the judge's own) gives memory and names,
 * the caller gives the records. NULL and *error as below. */
struct judge *judge_create_on(const struct oracle_host *host,
                              const struct judge_expectation *expectations, size_t count,
                              const char **error);
void judge_on_record(struct judge *judge, const struct record *record);
/* Listens to `world`. NULL and *error when an oracle refuses its parameters. */
struct judge *judge_create(struct world *world, const struct judge_expectation *expectations,
                           size_t count, const char **error);

/* One measured value. `tag` says what kind, e.g. the eviction's reason. */
struct metric_sample {
    uint64_t value;
    uint16_t node;    /* who measured: a name server, a client */
    uint16_t subject; /* node it is about, 0 none */
    char tag[16];     /* close, idle, scan, ... */
};
struct metric_summary {
    const char *name; /* unit is in the name; a list in sim/judge/metrics.h */
    uint64_t count, min, p50, p99, max;
};

#define RUN_ORACLES_MAX 32
#define RUN_METRICS_MAX 16
/* The outcome of one run; plain data, may leave the arena. */
struct run_result {
    uint64_t seed;
    enum verdict verdict; /* worst of the oracles: fail, then unknown, then pass */
    int exit_code;        /* architecture.md section 9 */
    char trace_hash[33];
    uint64_t events, steps;
    uint64_t simulated_ns;
    struct sightings sightings;
    size_t oracle_count;
    struct {
        const char *name;
        enum oracle_class class_;
        struct oracle_verdict verdict;
    } oracles[RUN_ORACLES_MAX];
    size_t metric_count;
    struct metric_summary metrics[RUN_METRICS_MAX];
    char assertion[256]; /* "" or where an assertion of ours failed */
};
/* The verdicts and metrics at the run's end (end_ns), and with a world its hash and counts; without
 * one those are empty. */
void judge_finish(struct judge *judge, struct run_result *result);
void judge_finish_at(struct judge *judge, uint64_t end_ns, struct run_result *result);
/* Exit code of a verdict of an oracle class: 0, the class, or 15. `worse` of two codes is the one
 * that comes first in 10, 14, 11, 12, 13, 15, 0. */
int exit_code_of(enum verdict verdict, enum oracle_class class_);
int exit_code_worse(int a, int b);
/* Samples of metric `name` in order; valid while the arena is as it is. */
size_t judge_samples(const struct judge *judge, const char *name,
                     const struct metric_sample **samples);
/* False: memory ran out on the way, samples are missing. */
bool judge_is_complete(const struct judge *judge);
/* Faults that fired, in order (sim/judge/metrics.h). */
struct fault_seen;
size_t judge_faults(const struct judge *judge, const struct fault_seen **faults);
/* How messages flowed (sim/judge/flow_series.h); complete after judge_finish. */
struct flow_series;
const struct flow_series *judge_flow(const struct judge *judge);
const char *judge_node_name(const struct judge *judge, uint16_t node);

#endif
