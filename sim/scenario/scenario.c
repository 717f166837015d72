/* sim/scenario/scenario.c - the stages of loading, and links as the scenario has them. */
#include "sim/scenario/scenario.h"

#include <stdlib.h>
#include <string.h>

#include "sim/scenario/scenario_internal.h"

/* A member that the effective scenario has in any case. */
static void ensure_member(struct scenario *scenario, const char *key, const char *text) {
    if (doc_member(scenario->doc, key) != NULL)
        return;
    struct doc_value *member =
        doc_add_member(&scenario->pool, scenario->doc, key, &scenario->source, 0);
    member->kind = DOC_STRING;
    member->text = text;
}

static void load(struct scenario *scenario, const char *const *sets, size_t set_count,
                 struct scenario_errors *errors) {
    struct field_reader reader = {&scenario->pool, errors};
    scenario->doc = doc_parse(&scenario->pool, &scenario->source, errors);
    if (scenario->doc == NULL || errors->count > 0)
        return;
    if (scenario->doc->kind != DOC_OBJECT) {
        doc_error(errors, scenario->doc, "the document is %s; expected an object, a scenario",
                  doc_kind_name(scenario->doc->kind));
        return;
    }
    scenario_put_in(scenario, sets, set_count, errors);
    if (errors->count > 0)
        return;
    ensure_member(scenario, "seed", "1");
    ensure_member(scenario, "timeline_order", "time");
    record_read(&reader, &SCENARIO_TYPE, scenario->doc, &scenario->spec);
    if (errors->count > 0)
        return;
    scenario_expand(scenario, &reader);
    if (errors->count > 0)
        return;
    scenario_check(scenario, &reader);
    if (errors->count > 0)
        return;
    scenario_find_draws(scenario, &reader);
    scenario_settle(scenario, scenario->spec.seed);
}

struct scenario *scenario_load(const char *name, const char *text, size_t len,
                               const char *const *sets, size_t set_count, size_t combination,
                               struct scenario_errors *errors) {
    struct pool pool;
    pool_init(&pool);
    struct scenario *scenario = pool_alloc(&pool, sizeof *scenario);
    scenario->pool = pool;
    scenario->combination = combination;
    scenario->source = (struct doc_source){.name = pool_text(&scenario->pool, name, strlen(name)),
                                           .text = pool_text(&scenario->pool, text, len),
                                           .len = len,
                                           .first_line = 1};
    load(scenario, sets, set_count, errors);
    if (errors->count == 0)
        return scenario;
    scenario_free(scenario);
    return NULL;
}

void scenario_free(struct scenario *scenario) {
    if (scenario == NULL)
        return;
    struct pool pool = scenario->pool; /* which holds the scenario itself */
    pool_deinit(&pool);
}

/* ---- links and CPU --------------------------------------------------------------------------- */

void link_spec_apply(const struct link_spec *spec, struct link_profile *profile) {
    if (spec->latency.at != NULL)
        profile->latency = spec->latency.dist;
    if (spec->bandwidth != 0)
        profile->bytes_per_second = spec->bandwidth;
    if (record_has(spec->at, "loss"))
        profile->loss_ppm = spec->loss;
    if (record_has(spec->at, "chop"))
        profile->chop_ppm = spec->chop;
    if (record_has(spec->at, "corrupt"))
        profile->corrupt_ppm = spec->corrupt;
    if (spec->rto_ns != 0)
        profile->rto_ns = spec->rto_ns;
    if (spec->give_up_ns != 0)
        profile->give_up_ns = spec->give_up_ns;
    if (spec->dial_give_up_ns != 0)
        profile->dial_give_up_ns = spec->dial_give_up_ns;
    if (spec->buffer_bytes != 0)
        profile->buffer_bytes = (size_t)spec->buffer_bytes;
}

bool targets_hold_host(const struct scenario *scenario, const struct targets *targets,
                       size_t host) {
    for (size_t i = 0; i < targets->chosen_count; i++)
        if (scenario->nodes[targets->chosen[i]].host == host)
            return true;
    return false;
}

void scenario_link_profile(const struct scenario *scenario, size_t from, size_t to,
                           struct link_profile *out) {
    const struct link_pair *pairs = scenario->spec.network.links.items;
    link_profile_default(out);
    link_spec_apply(&scenario->spec.network.standard, out);
    for (size_t i = 0; i < scenario->spec.network.links.count; i++) {
        const struct link_pair *pair = &pairs[i];
        bool there = targets_hold_host(scenario, &pair->from, from) &&
                     targets_hold_host(scenario, &pair->to, to);
        bool back = !pair->one_way && targets_hold_host(scenario, &pair->to, from) &&
                    targets_hold_host(scenario, &pair->from, to);
        if (there || back)
            link_spec_apply(&pair->link, out);
    }
}

const struct dist *scenario_cpu_of(const struct scenario *scenario, size_t node) {
    static const struct dist FREE = {.kind = DIST_CONSTANT};
    const struct scenario_node *at = &scenario->nodes[node];
    if (at->group->cpu.at != NULL)
        return &at->group->cpu.dist;
    const struct defaults_spec *defaults = &scenario->spec.defaults.role[at->role];
    return defaults->cpu.at != NULL ? &defaults->cpu.dist : &FREE;
}
