/* sim/run/run.c - build once, restore for each seed. */
#include "sim/run/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/base/check.h"
#include "sim/run/build.h"
#include "sim/run/faults.h"

/* A world built for one serialization: properties of nodes are fixed when it is built. */
struct built {
    struct world *world;
    struct judge *judge;
    struct world_snapshot start;
    bool ready;
};

struct run {
    struct scenario *scenario;
    struct built built[SERIALIZATION_DRAWN]; /* BINARY, JSON */
    const struct built *now;
    struct fault *const *faults; /* of the present run; in the arena */
    bool rewound;
};

struct run *run_open(struct scenario *scenario, const char **error) {
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        *error = "out of memory";
        return NULL;
    }
    run->scenario = scenario;
    if (run_prepare(run, scenario->spec.seed, error))
        return run;
    run_close(run);
    return NULL;
}

void run_close(struct run *run) {
    for (size_t i = 0; i < SERIALIZATION_DRAWN; i++)
        if (run->built[i].ready)
            world_snapshot_free(&run->built[i].start);
    free(run);
}

static struct judge *create_judge(struct world *world, const struct scenario *scenario,
                                  const char **error) {
    const struct expectation_spec *specs = scenario->spec.expect.items;
    struct judge_expectation expectations[RUN_ORACLES_MAX];
    size_t count = scenario->spec.expect.count;
    if (count > RUN_ORACLES_MAX) {
        *error = "too many expectations";
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        expectations[i] = (struct judge_expectation){specs[i].type, &specs[i].parameters};
    return judge_create(world, expectations, count, error);
}

static bool build(struct built *built, struct scenario *scenario, const char **error) {
    built->world = build_world(scenario, error);
    if (built->world == NULL)
        return false;
    built->judge = create_judge(built->world, scenario, error);
    if (built->judge == NULL)
        return false;
    built->ready = world_save(built->world, &built->start);
    if (!built->ready)
        *error = "out of memory";
    return built->ready;
}

bool run_prepare(struct run *run, uint64_t seed, const char **error) {
    struct scenario *scenario = run->scenario;
    scenario_settle(scenario, seed);
    struct built *built = &run->built[scenario->serialization];
    if (!built->ready && !build(built, scenario, error))
        return false;
    run->now = built;
    world_restore(built->world, &built->start);
    world_set_seed(built->world, seed);
    if (scenario->profiles_drawn)
        build_settled(built->world, scenario);
    run->rewound = false;
    run->faults = timeline_start(built->world, scenario);
    if (run->faults == NULL)
        *error = "the world's memory cannot hold this timeline";
    return run->faults != NULL;
}

/* ---- running --------------------------------------------------------------------------------- */

#define SLICE_NS (10 * WORLD_SECOND_NS) /* between two reports of progress */

static enum world_stop run_until(struct world *world, const struct run_options *options,
                                 uint64_t until_ns) {
    if (options->progress == NULL)
        return world_run(world, until_ns);
    for (;;) {
        uint64_t next = world_now(world) + SLICE_NS;
        enum world_stop stop = world_run(world, next < until_ns ? next : until_ns);
        options->progress(options->progress_ctx, world_now(world));
        if (stop == WORLD_INTERRUPTED || stop == WORLD_ASSERTED || next >= until_ns)
            return stop;
    }
}

/* Saves at `rewind_ns`, runs to the end, goes back, and runs to the end again. */
static enum world_stop run_twice(struct run *run, const struct run_options *options,
                                 uint64_t until_ns, bool *same) {
    struct world *world = run->now->world;
    struct world_snapshot middle = {.sink_count = 0};
    enum world_stop stop = run_until(world, options, options->rewind_ns);
    if (stop == WORLD_ASSERTED || stop == WORLD_INTERRUPTED)
        return stop;
    RMQ_ASSERT(world_save(world, &middle));
    char first[33], second[33];
    stop = run_until(world, options, until_ns);
    trace_hash_hex(world_hash(world), first);
    if (stop != WORLD_INTERRUPTED) {
        world_restore(world, &middle);
        stop = run_until(world, options, until_ns);
        trace_hash_hex(world_hash(world), second);
        *same = stop == WORLD_INTERRUPTED || strcmp(first, second) == 0;
        run->rewound = true;
    }
    world_snapshot_free(&middle);
    return stop;
}

#define EXIT_ASSERTION 10
#define EXIT_NONDETERMINISM 14

bool run_execute(struct run *run, const struct run_options *options, struct run_result *result) {
    struct world *world = run->now->world;
    uint64_t until_ns = run->scenario->spec.duration_ns;
    bool same = true;
    world_set_sink(world, options->sink);
    enum world_stop stop = options->rewind_ns != 0 && options->rewind_ns < until_ns
                               ? run_twice(run, options, until_ns, &same)
                               : run_until(world, options, until_ns);
    world_set_sink(world, NULL);
    memset(result, 0, sizeof *result);
    judge_finish(run->now->judge, result);
    result->seed = options->seed;
    if (!same) {
        result->verdict = VERDICT_FAIL;
        result->exit_code = EXIT_NONDETERMINISM;
        (void)snprintf(result->assertion, sizeof result->assertion,
                       "after going back the run took another course");
    }
    if (stop == WORLD_ASSERTED) {
        result->verdict = VERDICT_FAIL;
        result->exit_code = EXIT_ASSERTION;
        (void)snprintf(result->assertion, sizeof result->assertion, "%s", world_assertion(world));
    }
    return stop != WORLD_INTERRUPTED;
}

const struct judge *run_judge(const struct run *run) {
    return run->now->judge;
}
struct world *run_world(const struct run *run) {
    return run->now->world;
}

/* ---- what fired ------------------------------------------------------------------------------ */

static void add_fired(struct run_fired *out, const char *kind, uint64_t times) {
    for (size_t i = 0; i < out->count; i++) {
        if (strcmp(out->kinds[i].kind, kind) == 0) {
            out->kinds[i].times += times;
            return;
        }
    }
    RMQ_ASSERT(out->count < RUN_FIRED_MAX);
    out->kinds[out->count].kind = kind;
    out->kinds[out->count++].times = times;
}

/* Can the network of this scenario do it at all? */
static bool configures(const struct scenario *scenario, const char *key) {
    const struct link_pair *pairs = scenario->spec.network.links.items;
    const struct timeline_entry *entries = scenario->spec.timeline.items;
    bool is = record_has(scenario->spec.network.standard.at, key);
    for (size_t i = 0; i < scenario->spec.network.links.count; i++)
        is = is || record_has(pairs[i].at, key);
    for (size_t i = 0; i < scenario->spec.timeline.count; i++)
        is = is || record_has(entries[i].at, key);
    return is;
}

static bool has_fault(const struct scenario *scenario, const char *kind) {
    const struct timeline_entry *entries = scenario->spec.timeline.items;
    for (size_t i = 0; i < scenario->spec.timeline.count; i++)
        if (strcmp(entries[i].kind->name, kind) == 0)
            return true;
    return false;
}

/* What disks did, where the scenario asks for it or (what follows from other faults) it happened.
 */
static void fired_disks(const struct scenario *scenario, const struct world_counts *counts,
                        struct run_fired *out) {
    const struct {
        const char *kind;
        bool configured;
        uint64_t times;
    } rows[] = {
        {"page-lost", false, counts->pages_lost},
        {"page-torn", false, counts->pages_torn},
        {"name-lost", false, counts->names_lost},
        {"size-lost", false, counts->sizes_lost},
        {"write-cut", false, counts->disk_cut},
        {"crash-inside", has_fault(scenario, "kill-inside"), counts->inside_kills},
        {"disk-error", has_fault(scenario, "disk-errors"), counts->disk_failed},
        {"page-dropped", false, counts->pages_dropped},
        {"no-space", has_fault(scenario, "full-disk"), counts->disk_full},
        {"read-only", has_fault(scenario, "read-only-disk"), counts->disk_read_only},
        {"operation-held", has_fault(scenario, "stall-disk"), counts->disk_held},
        {"sync-lied", has_fault(scenario, "lying-sync"), counts->disk_lied},
        {"misdirected", has_fault(scenario, "misdirected-write"), counts->misdirected},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].configured || rows[i].times > 0)
            add_fired(out, rows[i].kind, rows[i].times);
}

void run_fired(const struct run *run, struct run_fired *out) {
    const struct scenario *scenario = run->scenario;
    const struct world_counts *counts = world_counts(run->now->world);
    out->count = 0;
    for (const struct fault *fault = *run->faults; fault != NULL; fault = fault->next)
        add_fired(out, fault->kind->name, fault->fired);
    if (configures(scenario, "chop"))
        add_fired(out, "chop", counts->chopped);
    if (configures(scenario, "corrupt"))
        add_fired(out, "corruption", counts->corrupted);
    if (configures(scenario, "loss"))
        add_fired(out, "loss", counts->lost);
    fired_disks(scenario, counts, out);
    if (scenario->spec.buggify_ppm > 0)
        add_fired(out, "buggify", counts->buggified);
    bool json = scenario->serialization == SERIALIZATION_JSON;
    add_fired(out, "json-header", json && counts->chunks > 0);
    add_fired(out, "binary-header", !json && counts->chunks > 0);
    add_fired(out, "snapshot", run->rewound);
}
