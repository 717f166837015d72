/* sim/scenario/scenario_settle.c - what is drawn per seed, and the effective scenario that holds
 * it.
 *
 * A drawn value's owner is its place in the file (doc_path), a start phase's the node's name: one
 * node or fault more or less leaves the others' draws as they were. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/base/check.h"
#include "sim/scenario/scenario_internal.h"

struct drawn_timing {
    struct timing *timing;
    enum draw_purpose purpose;
    uint64_t owner;
};
struct drawn_targets {
    struct targets *targets;
    uint64_t owner;
};
struct scenario_draws {
    struct drawn_timing *timings;
    size_t timing_count, timing_room;
    struct dist_spec **dists;
    size_t dist_count, dist_room;
    struct drawn_targets *targets;
    size_t targets_count, targets_room;
};

/* ---- finding them ---------------------------------------------------------------------------- */

struct finder {
    struct scenario *scenario;
    struct pool *pool;
    bool counting;
};

static void found_timing(struct finder *finder, struct timing *timing, enum draw_purpose purpose,
                         uint64_t owner) {
    struct scenario_draws *draws = finder->scenario->draws;
    if (timing->drawn == NULL)
        return;
    if (!finder->counting)
        draws->timings[draws->timing_count] = (struct drawn_timing){timing, purpose, owner};
    draws->timing_count++;
}

static uint64_t owner_of(struct finder *finder, const struct doc_value *at) {
    return finder->counting ? 0 : draw_owner(doc_path(finder->pool, at));
}

static void found_dist(struct finder *finder, struct dist_spec *spec) {
    struct scenario_draws *draws = finder->scenario->draws;
    struct timing *inner[] = {&spec->min, &spec->max, &spec->mean};
    bool drawn = false;
    for (size_t i = 0; i < 3; i++) {
        if (inner[i]->drawn == NULL)
            continue;
        drawn = true;
        found_timing(finder, inner[i], DRAW_PARAMETER, owner_of(finder, inner[i]->at));
    }
    if (!drawn)
        return;
    if (!finder->counting)
        draws->dists[draws->dist_count] = spec;
    draws->dist_count++;
}

static void found_targets(struct finder *finder, struct targets *targets) {
    struct scenario_draws *draws = finder->scenario->draws;
    if (!targets->drawn)
        return;
    if (!finder->counting)
        draws->targets[draws->targets_count] =
            (struct drawn_targets){targets, owner_of(finder, targets->at)};
    draws->targets_count++;
}

static void find(void *ctx, const struct field *field, void *member, const struct doc_value *at) {
    struct finder *finder = ctx;
    (void)at;
    switch (field->type) {
    case FIELD_TIMING: {
        struct timing *timing = member;
        if (timing->drawn != NULL)
            found_timing(finder, timing, DRAW_PARAMETER, owner_of(finder, timing->at));
        break;
    }
    case FIELD_DIST:
        found_dist(finder, member);
        break;
    case FIELD_TARGETS:
        found_targets(finder, member);
        break;
    case FIELD_SETS: {
        struct list *list = member;
        struct targets *sets = list->items;
        for (size_t i = 0; i < list->count; i++)
            found_targets(finder, &sets[i]);
        break;
    }
    default:
        break;
    }
}

static void find_all(struct finder *finder, struct field_reader *reader) {
    struct scenario *scenario = finder->scenario;
    record_visit(reader, &SCENARIO_TYPE, &scenario->spec, find, finder);
    for (size_t i = 0; i < scenario->node_count; i++)
        found_timing(finder, &scenario->nodes[i].start, DRAW_START_PHASE,
                     draw_owner(scenario->nodes[i].name));
}

void scenario_find_draws(struct scenario *scenario, struct field_reader *reader) {
    struct pool *pool = &scenario->pool;
    struct scenario_draws counted;
    scenario->draws = pool_alloc(pool, sizeof *scenario->draws);
    struct finder finder = {scenario, pool, true};
    find_all(&finder, reader);
    counted = *scenario->draws;
    *scenario->draws = (struct scenario_draws){
        .timings = pool_alloc(pool, (counted.timing_count + 1) * sizeof(struct drawn_timing)),
        .dists = pool_alloc(pool, (counted.dist_count + 1) * sizeof(struct dist_spec *)),
        .targets = pool_alloc(pool, (counted.targets_count + 1) * sizeof(struct drawn_targets))};
    scenario->profiles_drawn = counted.dist_count > 0;
    finder.counting = false;
    find_all(&finder, reader);
    RMQ_ASSERT(scenario->draws->timing_count == counted.timing_count);
    RMQ_ASSERT(scenario->draws->dist_count == counted.dist_count);
    RMQ_ASSERT(scenario->draws->targets_count == counted.targets_count);
}

/* ---- settling -------------------------------------------------------------------------------- */

void scenario_settle(struct scenario *scenario, uint64_t seed) {
    const struct scenario_draws *draws = scenario->draws;
    scenario->seed = seed;
    for (size_t i = 0; i < draws->timing_count; i++) {
        const struct drawn_timing *drawn = &draws->timings[i];
        drawn->timing->ns =
            dist_sample(drawn->timing->drawn, draw(seed, drawn->purpose, drawn->owner, 0));
    }
    for (size_t i = 0; i < draws->dist_count; i++)
        dist_spec_settle(draws->dists[i]);
    for (size_t i = 0; i < draws->targets_count; i++)
        targets_draw(draws->targets[i].targets, seed, draws->targets[i].owner, &scenario->names);
    scenario->serialization = scenario->spec.cluster.serialization;
    if (scenario->serialization == SERIALIZATION_DRAWN)
        scenario->serialization =
            draw_below(seed, DRAW_PARAMETER, draw_owner("cluster.serialization"), 0, 2) == 0
                ? SERIALIZATION_BINARY
                : SERIALIZATION_JSON;
}

/* ---- the effective scenario ------------------------------------------------------------------ */

struct replacer {
    struct doc_replacement *items;
    size_t count;
    struct pool pool;
};

static void replace(struct replacer *replacer, const struct doc_value *value, const char *json) {
    replacer->items[replacer->count++] = (struct doc_replacement){value, json};
}

static const char *duration_json(struct pool *pool, uint64_t ns) {
    char text[32];
    duration_print(ns, text);
    return pool_format(pool, "\"%s\"", text);
}

/* A JSON array of what are JSON texts already. */
static const char *join(struct pool *pool, const char *const *texts, size_t count) {
    size_t room = 3, len = 1;
    for (size_t i = 0; i < count; i++)
        room += strlen(texts[i]) + 2;
    char *out = pool_alloc(pool, room);
    out[0] = '[';
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(out + len, room - len, "%s%s", i == 0 ? "" : ", ", texts[i]);
    (void)snprintf(out + len, room - len, "]");
    return out;
}

static void replace_targets(struct replacer *replacer, const struct scenario *scenario,
                            const struct targets *targets) {
    const char **texts = pool_alloc(&replacer->pool, (targets->chosen_count + 1) * sizeof(char *));
    for (size_t i = 0; i < targets->chosen_count; i++)
        texts[i] = pool_format(&replacer->pool, "\"%s\"", scenario->nodes[targets->chosen[i]].name);
    replace(replacer, targets->at, join(&replacer->pool, texts, targets->chosen_count));
}

/* Start phases: drawn per node, written as an array for the group. */
static void replace_starts(struct replacer *replacer, const struct scenario *scenario) {
    for (size_t i = 0; i < scenario->node_count; i++) {
        const struct group_spec *group = scenario->nodes[i].group;
        if (group->start.each || scenario->nodes[i].start.drawn == NULL)
            continue;
        size_t count = (size_t)group->count;
        if (count == 1) {
            replace(replacer, group->start.at,
                    duration_json(&replacer->pool, scenario->nodes[i].start.ns));
            continue;
        }
        const char **texts = pool_alloc(&replacer->pool, count * sizeof(char *));
        for (size_t k = 0; k < count; k++)
            texts[k] = duration_json(&replacer->pool, scenario->nodes[i + k].start.ns);
        replace(replacer, group->start.at, join(&replacer->pool, texts, count));
        i += count - 1;
    }
}

static bool times_are_in_order(const struct scenario *scenario) {
    const struct timeline_entry *entries = scenario->spec.timeline.items;
    uint64_t last_ns = 0;
    for (size_t i = 0; i < scenario->spec.timeline.count; i++) {
        if (entries[i].time.at == NULL)
            continue;
        if (entries[i].time.ns < last_ns)
            return false;
        last_ns = entries[i].time.ns;
    }
    return true;
}

static void replace_all(struct replacer *replacer, const struct scenario *scenario) {
    const struct scenario_draws *draws = scenario->draws;
    const struct doc_value *serialization =
        scenario->spec.cluster.at == NULL ? NULL
                                          : doc_member(scenario->spec.cluster.at, "serialization");
    if (serialization != NULL)
        replace(
            replacer, serialization,
            pool_format(&replacer->pool, "\"%s\"", SERIALIZATION_WORDS[scenario->serialization]));
    replace(replacer, doc_member(scenario->doc, "seed"),
            pool_format(&replacer->pool, "\"%" PRIu64 "\"", scenario->seed));
    if (!times_are_in_order(scenario))
        replace(replacer, doc_member(scenario->doc, "timeline_order"), "\"any\"");
    replace_starts(replacer, scenario);
    for (size_t i = 0; i < draws->timing_count; i++)
        if (draws->timings[i].purpose != DRAW_START_PHASE ||
            draws->timings[i].timing->at->parent->kind == DOC_ARRAY)
            replace(replacer, draws->timings[i].timing->at,
                    duration_json(&replacer->pool, draws->timings[i].timing->ns));
    for (size_t i = 0; i < draws->targets_count; i++)
        replace_targets(replacer, scenario, draws->targets[i].targets);
}

char *scenario_effective(const struct scenario *scenario) {
    struct replacer replacer = {.count = 0};
    pool_init(&replacer.pool);
    size_t room =
        scenario->draws->timing_count + scenario->draws->targets_count + scenario->node_count + 3;
    replacer.items = pool_alloc(&replacer.pool, room * sizeof *replacer.items);
    replace_all(&replacer, scenario);
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    if (out != NULL) {
        doc_write(out, scenario->doc, replacer.items, replacer.count);
        if (fclose(out) != 0)
            text = NULL;
    }
    pool_deinit(&replacer.pool);
    return text;
}
