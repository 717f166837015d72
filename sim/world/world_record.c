/* sim/world/world_record.c - what a run leaves behind: trace hash, typed events, steps, draws. */
#include "sim/world/world_internal.h"

#define SAMPLE_MAX_NS (86400 * WORLD_SECOND_NS)

/* Of the process, not of the run: a snapshot does not hold where its records go. */
static struct record_sink *sink;
static bool sink_wants_steps;

void world_set_sink(struct world *world, struct record_sink *to) {
    (void)world;
    sink = to;
    sink_wants_steps = to != NULL && record_sink_wants_steps(to);
}

bool world_wants_steps(void) {
    return sink_wants_steps;
}

uint64_t world_sink_count(void) {
    return sink == NULL ? 0 : record_sink_count(sink);
}

void world_sink_truncate(uint64_t count) {
    if (sink != NULL && record_sink_count(sink) > count) {
        bool cut = record_sink_truncate(sink, count);
        RMQ_ASSERT(cut);
    }
}

/* ---- draws ---- */

static void fold_draw(struct world *world, enum draw_purpose purpose, uint64_t owner,
                      uint64_t value) {
    trace_hash_fold(&world->hash, owner ^ (uint64_t)purpose << 56, value);
}

uint64_t world_draw(struct world *world, enum draw_purpose purpose, uint64_t owner,
                    uint64_t index) {
    uint64_t value = draw(world->seed, purpose, owner, index);
    fold_draw(world, purpose, owner, value);
    return value;
}

uint64_t world_draw_ns(struct world *world, const struct dist *dist, enum draw_purpose purpose,
                       uint64_t owner, uint64_t index) {
    uint64_t ns = dist->min;
    if (dist->kind != DIST_CONSTANT) {
        ns = dist_sample(dist, world_draw(world, purpose, owner, index));
    }
    return ns < SAMPLE_MAX_NS ? ns : SAMPLE_MAX_NS;
}

bool world_draw_chance(struct world *world, enum draw_purpose purpose, uint64_t owner,
                       uint64_t index, uint32_t ppm) {
    bool value = draw_chance(world->seed, purpose, owner, index, ppm);
    fold_draw(world, purpose, owner, value);
    return value;
}

uint64_t world_draw_below(struct world *world, enum draw_purpose purpose, uint64_t owner,
                          uint64_t index, uint64_t bound) {
    uint64_t value = draw_below(world->seed, purpose, owner, index, bound);
    fold_draw(world, purpose, owner, value);
    return value;
}

/* ---- records ---- */

bool world_listen(struct world *world, world_listener_fn *listener, void *state) {
    if (world->listener_count == LISTENERS_MAX) {
        return false;
    }
    world->listeners[world->listener_count].call = listener;
    world->listeners[world->listener_count].state = state;
    world->listener_count++;
    return true;
}

static void record_head(struct world *world, struct env *node, int kind, struct record *record) {
    uint64_t now = world->wheel.now_ns;
    record->kind = (uint16_t)kind;
    record->node = node->id;
    record->incarnation = node->incarnation;
    record->world_ns = now;
    record->mono_ns = node->id == 0 ? now : clock_mono_ns(&node->clock, now);
    record->wall_ms = node->id == 0 ? world->config.epoch_ms + (int64_t)(now / 1000000)
                                    : clock_wall_ms(&node->clock, now);
}

static void fold_values(struct world *world, const struct event_value *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (values[i].type == EVENT_TEXT) {
            trace_hash_fold(&world->hash, trace_hash_bytes(values[i].text.data, values[i].text.len),
                            values[i].text.len);
        } else {
            trace_hash_fold(&world->hash, values[i].number, i);
        }
    }
}

void world_record(struct world *world, struct env *node, int kind, const struct event_value *values,
                  size_t count) {
    RMQ_ASSERT(kind >= 0);
    RMQ_ASSERT(kind < EVENT_KIND_COUNT);
    RMQ_ASSERT(count == EVENT_INFO[kind].field_count);
    RMQ_ASSERT(count <= RECORD_FIELDS_MAX);
    world->events++;
    node->sequence++;
    trace_hash_fold(&world->hash, world->wheel.now_ns,
                    (uint64_t)node->id << 32 | (uint64_t)kind << 48 | node->incarnation);
    fold_values(world, values, count);
    if (sink == NULL && world->listener_count == 0) {
        return;
    }
    struct record record;
    record_head(world, node, kind, &record);
    record.node_sequence = node->sequence;
    record.field_count = count;
    memcpy(record.fields, values, count * sizeof *values);
    if (sink != NULL) {
        record_sink_put(sink, &record);
    }
    for (size_t i = 0; i < world->listener_count; i++) {
        world->listeners[i].call(world, world->listeners[i].state, &record);
    }
}

void world_event(struct world *world, node_id about, int kind, const struct event_value *values,
                 size_t count) {
    RMQ_ASSERT(about <= world->node_count);
    world_record(world, world->nodes[about], kind, values, count);
}

void world_record_step(struct world *world, struct env *node, int step, const uint64_t *numbers,
                       size_t count) {
    RMQ_ASSERT(count <= RECORD_FIELDS_MAX);
    struct record record;
    record_head(world, node, step, &record);
    record.node_sequence = node->sequence;
    record.field_count = count;
    for (size_t i = 0; i < count; i++) {
        record.fields[i] = (struct event_value){EVENT_UINT, SPAN_NONE, numbers[i]};
    }
    record_sink_put(sink, &record);
}
