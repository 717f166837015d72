/* sim/world/tape.c - snapshots of a world, and a tape of them along a run. */
#include <stdlib.h>

#include "sim/world/world_internal.h"

bool world_save(struct world *world, struct world_snapshot *snapshot) {
    RMQ_ASSERT(world->running == NULL);
    snapshot->sink_count = world_sink_count();
    return arena_save(&snapshot->arena) && page_store_save(&snapshot->pages);
}

void world_restore(struct world *world, const struct world_snapshot *snapshot) {
    arena_restore(&snapshot->arena);
    page_store_restore(&snapshot->pages);
    RMQ_ASSERT(arena_root() == world);
    RMQ_ASSERT(world->running == NULL);
    world_sink_truncate(snapshot->sink_count);
}

void world_snapshot_free(struct world_snapshot *snapshot) {
    arena_snapshot_free(&snapshot->arena);
    page_snapshot_free(&snapshot->pages);
    snapshot->sink_count = 0;
}

/* ---- tape ---- */

struct tape_mark {
    uint64_t time_ns;
    struct world_snapshot snapshot;
};
struct world_tape {
    struct world *world;
    uint64_t every_ns;
    size_t count, capacity;
    struct tape_mark marks[];
};

/* Takes a mark of the world as it is; with a full tape every second one goes first. */
static bool tape_mark(struct world_tape *tape) {
    if (tape->count == tape->capacity) {
        for (size_t i = 2; i < tape->count; i += 2) {
            struct tape_mark kept = tape->marks[i / 2]; /* its memory is used again */
            tape->marks[i / 2] = tape->marks[i];
            tape->marks[i] = kept;
        }
        tape->count = (tape->count + 1) / 2;
        tape->every_ns *= 2;
    }
    struct tape_mark *mark = &tape->marks[tape->count];
    mark->time_ns = world_now(tape->world);
    if (!world_save(tape->world, &mark->snapshot)) {
        return false;
    }
    tape->count++;
    return true;
}

struct world_tape *world_tape_create(struct world *world, uint64_t every_ns, size_t snapshots_max) {
    RMQ_ASSERT(every_ns > 0);
    RMQ_ASSERT(snapshots_max >= 2);
    struct world_tape *tape = calloc(1, sizeof *tape + snapshots_max * sizeof tape->marks[0]);
    if (tape == NULL) {
        return NULL;
    }
    tape->world = world;
    tape->every_ns = every_ns;
    tape->capacity = snapshots_max;
    if (!tape_mark(tape)) {
        world_tape_free(tape);
        return NULL;
    }
    return tape;
}

/* Later marks are forgotten: what follows may be another history. */
static void tape_rewind(struct world_tape *tape, uint64_t time_ns) {
    while (tape->count > 1 && tape->marks[tape->count - 1].time_ns > time_ns) {
        tape->count--;
    }
    RMQ_ASSERT(tape->marks[tape->count - 1].time_ns <= time_ns);
    world_restore(tape->world, &tape->marks[tape->count - 1].snapshot);
}

enum world_stop world_goto(struct world_tape *tape, uint64_t time_ns) {
    if (time_ns < world_now(tape->world)) {
        tape_rewind(tape, time_ns);
    }
    for (;;) {
        uint64_t next = tape->marks[tape->count - 1].time_ns + tape->every_ns;
        if (next > time_ns) {
            return world_run(tape->world, time_ns);
        }
        if (next >= world_now(tape->world)) {
            enum world_stop stop = world_run(tape->world, next);
            if (stop != WORLD_REACHED) {
                return stop == WORLD_QUIET ? world_run(tape->world, time_ns) : stop;
            }
        }
        if (!tape_mark(tape)) {
            return world_run(tape->world, time_ns); /* without memory: slower later, not wrong */
        }
    }
}

void world_tape_free(struct world_tape *tape) {
    if (tape == NULL) {
        return;
    }
    for (size_t i = 0; i < tape->capacity; i++) {
        world_snapshot_free(&tape->marks[i].snapshot);
    }
    free(tape);
}
