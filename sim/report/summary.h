/* sim/report/summary.h - the text of summary.json, of a run and of a sweep. Built with cJSON.
 *
 * Run: architecture.md section 9, and: "exit_code", "steps", "interrupted", "assertion" when one
 * failed, "metrics_by_tag" (NAME -> TAG -> summary, of the samples kept: sim/judge/metrics.h),
 * "faults"
 * {"configured", "fired", "noticed", "fired_by_kind": {KIND: times}, "list": [{"index", "kind",
 * "target", "fired_s", "ended_s", "noticed_s", "noticed_by"}]}, "messages"
 * (sim/report/summary_flow.h), "versions" {"zlib", "compiler", "source"}, "sightings"
 * (sim/judge/sightings.h). A configured fault that never fired has fired_s null, and "warnings"
 * says so. Sweep: "runs", "pass", "fail", "unknown", "crashed", "failures", "metrics" over all
 * runs, "groups"
 * [{"parameters", "runs", "metrics", "metrics_by_tag"}], one for each combination of the varied
 * parameters. */
#ifndef SIM_SUMMARY_H
#define SIM_SUMMARY_H

#include "sim/judge/judge.h"

/* A fault of the timeline, as the scenario has it. */
struct run_fault_config {
    uint32_t index;
    const char *kind;
    const char *target;
};
/* How often a kind of fault took effect, the network's drawn ones (loss, chop, ...) too. */
struct fired_count {
    const char *kind;
    uint64_t times;
};
struct run_info {
    const char *scenario_json; /* the effective scenario; "name", "about", "plots" come from it */
    uint64_t seed;
    const char *const *nodes; /* names of node 1, 2, ... */
    size_t node_count;
    const struct run_fault_config *faults; /* configured */
    size_t fault_count;
    const char *replay; /* the command that runs it again */
};
/* What only the driver of the run knows. */
struct run_facts {
    uint64_t wall_ns;                /* how long it took */
    bool interrupted;                /* stopped by Ctrl-C: everything is up to then */
    const struct fired_count *fired; /* of one run; may be NULL */
    size_t fired_count;
};
struct sweep_info {
    const char *scenario_json;     /* of the first scenario */
    const char *const *parameters; /* names of what varies besides the seed */
    size_t parameter_count;
    const char *replay; /* the command of the whole sweep */
};

/* Everything is said about the scenario in these. */
struct scenario_texts {
    struct cJSON *json;       /* NULL when the text is not JSON */
    const char *name, *about; /* "" when missing */
};
void scenario_texts_open(struct scenario_texts *texts, const char *scenario_json);
void scenario_texts_close(struct scenario_texts *texts);

struct figures;
/* For free(); NULL: out of memory. `figures` holds the run's samples as its only group. */
char *summary_of_run(const struct run_info *info, const struct judge *judge,
                     const struct run_result *result, const struct run_facts *facts,
                     struct figures *figures);

/* Parts that a sweep's summary shares. */
struct cJSON;
void summary_add_versions(struct cJSON *summary);
/* "eviction-window: broker-a ..." without what differs from seed to seed: digits become '#'. */
void summary_signature(const char *oracle, const char *reason, char *out, size_t size);
/* KEY: {"count", "min", "p50", "p99", "max"}. */
void summary_add_metric(struct cJSON *metrics, const char *key,
                        const struct metric_summary *summary);
/* "oracles". */
void summary_add_oracles(struct cJSON *summary, const struct judge *judge,
                         const struct run_result *result);
/* "sightings" {NAME: times}, those that were seen. With `runs` (a sweep): {NAME: {"times",
 * "runs"}}, in how many runs. */
void summary_add_sightings(struct cJSON *object, const struct sightings *times,
                           const struct sightings *runs);
/* "fired_by_kind". */
void summary_add_fired(struct cJSON *faults, const struct fired_count *fired, size_t count);
/* A number of seconds. */
void summary_add_seconds(struct cJSON *summary, const char *key, uint64_t ns);

/* Commit this was built from, "unknown" when that is not known; zlib; compiler. */
const char *build_commit(void);
const char *build_zlib(void);
const char *build_compiler(void);

#endif
