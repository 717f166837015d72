/* sim/world/wheel.c - see wheel.h.
 *
 * Invariant W1: an event of level L > 0 differs from now first in digit L, counted from the top; an
 * event of level 0 differs from now in digit 0 only or not at all.
 * Invariant W2: when level L is the lowest that is occupied, the earliest event is in its first
 * occupied slot.
 * Moving now to the earliest time re-places that one slot; all lower levels are empty then, so the
 * order of insertion survives. */
#include "sim/world/wheel.h"

#include <stddef.h>

#include "model/base/check.h"

static unsigned digit_of(uint64_t time_ns, unsigned level) {
    return (unsigned)(time_ns >> (level * 6)) & 63u;
}

static unsigned level_of(uint64_t time_ns, uint64_t now_ns) {
    uint64_t differing = time_ns ^ now_ns;
    return differing == 0 ? 0 : (63u - (unsigned)__builtin_clzll(differing)) / 6u;
}

static void slot_append(struct wheel *wheel, unsigned level, unsigned digit,
                        struct wheel_event *event) {
    struct wheel_event *slot = &wheel->slots[level][digit];
    event->next = slot;
    event->prev = slot->prev;
    slot->prev->next = event;
    slot->prev = event;
    wheel->occupied[level] |= 1ULL << digit;
}

void wheel_init(struct wheel *wheel, uint64_t now_ns) {
    wheel->now_ns = now_ns;
    wheel->count = 0;
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        wheel->occupied[level] = 0;
        for (unsigned digit = 0; digit < 64; digit++) {
            struct wheel_event *slot = &wheel->slots[level][digit];
            slot->next = slot->prev = slot;
            slot->time_ns = 0;
        }
    }
}

void wheel_insert(struct wheel *wheel, struct wheel_event *event, uint64_t time_ns) {
    RMQ_ASSERT(time_ns >= wheel->now_ns);
    RMQ_CHECK_EXPENSIVE(!wheel_event_queued(event));
    event->time_ns = time_ns;
    unsigned level = level_of(time_ns, wheel->now_ns);
    slot_append(wheel, level, digit_of(time_ns, level), event);
    wheel->count++;
}

void wheel_remove(struct wheel *wheel, struct wheel_event *event) {
    if (!wheel_event_queued(event)) {
        return;
    }
    struct wheel_event *next = event->next;
    event->prev->next = next;
    next->prev = event->prev;
    if (next->next == next) { /* only a slot links to itself: it is empty now */
        ptrdiff_t index = next - &wheel->slots[0][0];
        wheel->occupied[index / 64] &= ~(1ULL << (index % 64));
    }
    event->prev = NULL;
    event->next = NULL;
    RMQ_ASSERT(wheel->count > 0);
    wheel->count--;
}

/* The first occupied slot of the lowest occupied level, or NULL. */
static struct wheel_event *first_slot(struct wheel *wheel, unsigned *level) {
    for (unsigned i = 0; i < WHEEL_LEVELS; i++) {
        if (wheel->occupied[i] != 0) {
            *level = i;
            return &wheel->slots[i][__builtin_ctzll(wheel->occupied[i])];
        }
    }
    return NULL;
}

/* From both ends at once: long lists are not in the cache, and two loads wait no longer than one.
 */
static uint64_t slot_earliest(const struct wheel_event *slot) {
    const struct wheel_event *front = slot->next, *back = slot->prev;
    uint64_t earliest = front->time_ns;
    for (;;) {
        uint64_t sooner = front->time_ns < back->time_ns ? front->time_ns : back->time_ns;
        earliest = sooner < earliest ? sooner : earliest;
        if (front == back || front->next == back) {
            return earliest;
        }
        front = front->next;
        back = back->prev;
    }
}

uint64_t wheel_next_time(const struct wheel *wheel) {
    unsigned level;
    const struct wheel_event *slot = first_slot((struct wheel *)(uintptr_t)wheel, &level);
    return slot == NULL ? UINT64_MAX : level == 0 ? slot->next->time_ns : slot_earliest(slot);
}

/* Moves all events of a slot to where they belong now, in order. */
static void slot_replace(struct wheel *wheel, unsigned level, unsigned digit) {
    struct wheel_event *slot = &wheel->slots[level][digit];
    struct wheel_event *event = slot->next;
    slot->next = slot->prev = slot;
    wheel->occupied[level] &= ~(1ULL << digit);
    while (event != slot) {
        struct wheel_event *next = event->next;
        unsigned to = level_of(event->time_ns, wheel->now_ns);
        RMQ_CHECK_EXPENSIVE(to < level);
        slot_append(wheel, to, digit_of(event->time_ns, to), event);
        event = next;
    }
}

void wheel_advance(struct wheel *wheel, uint64_t time_ns) {
    RMQ_ASSERT(time_ns >= wheel->now_ns);
    RMQ_CHECK_EXPENSIVE(time_ns <= wheel_next_time(wheel));
    unsigned level = level_of(time_ns, wheel->now_ns);
    wheel->now_ns = time_ns;
    if (level > 0) {
        unsigned digit = digit_of(time_ns, level);
        if ((wheel->occupied[level] >> digit & 1) != 0) {
            slot_replace(wheel, level, digit);
        }
    }
}

struct wheel_event *wheel_take(struct wheel *wheel, uint64_t until_ns) {
    unsigned level;
    struct wheel_event *slot = first_slot(wheel, &level);
    if (slot == NULL) {
        return NULL;
    }
    struct wheel_event *event = slot->next;
    if (level > 0 && event->next != slot) { /* several: the earliest, first inserted, leads */
        uint64_t earliest = slot_earliest(slot);
        if (earliest > until_ns) {
            return NULL;
        }
        wheel_advance(wheel, earliest);
        event = wheel->slots[0][digit_of(earliest, 0)].next;
    }
    if (event->time_ns > until_ns) {
        return NULL;
    }
    uint64_t time_ns = event->time_ns;
    wheel_remove(wheel, event);
    wheel->now_ns = time_ns; /* alone in its slot, or on level 0: nothing else to re-place */
    return event;
}
