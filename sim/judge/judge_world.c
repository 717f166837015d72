/* sim/judge/judge_world.c - a judge that listens to a world: its memory is the arena's, the names
 * are the world's. */
#include <stdio.h>

#include "sim/judge/judge_internal.h"

static void *host_alloc(void *ctx, size_t size) {
    return world_alloc(ctx, size);
}

static void host_free(void *ctx, void *block) {
    world_free(ctx, block);
}

static const char *host_node_name(void *ctx, uint16_t node) {
    return world_node_name(ctx, node);
}

static void listen(struct world *world, void *state, const struct record *record) {
    (void)world;
    judge_on_record(state, record);
}

struct judge *judge_create(struct world *world, const struct judge_expectation *expectations,
                           size_t count, const char **error) {
    const struct oracle_host host = {host_alloc, host_free, host_node_name, world, NULL, NULL};
    struct judge *judge = judge_create_on(&host, expectations, count, error);
    if (judge == NULL)
        return NULL;
    judge->world = world;
    if (world_listen(world, listen, judge))
        return judge;
    *error = "too many listen to this world";
    return NULL;
}

void judge_finish(struct judge *judge, struct run_result *result) {
    struct world *world = judge->world;
    if (world == NULL) {
        judge_finish_at(judge, judge->end_ns, result);
        return;
    }
    judge_finish_at(judge, world_now(world), result);
    result->seed = world_seed(world);
    result->events = world_events(world);
    result->steps = world_steps(world);
    result->sightings.times[SIGHTING_KILL_INSIDE] += world_counts(world)->inside_kills;
    trace_hash_hex(world_hash(world), result->trace_hash);
    const char *assertion = world_assertion(world);
    if (assertion == NULL)
        return;
    snprintf(result->assertion, sizeof result->assertion, "%s", assertion);
    result->verdict = VERDICT_FAIL;
    result->exit_code = 10;
}
