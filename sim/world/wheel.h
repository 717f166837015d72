/* sim/world/wheel.h - the event queue: a radix timing wheel ordered by (time, sequence).
 *
 * 11 levels of 64 slots; an event's level is the highest 6-bit digit in which its time differs from
 * now, its slot that digit. Slots are first in, first out, and a cascade keeps their order, so
 * events of one time leave in order of insertion without a sequence number being compared. O(1)
 * insert and cancel. Lives in the arena. A plain binary heap in sim/tests is its oracle. */
#ifndef SIM_WHEEL_H
#define SIM_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

struct wheel_event {
    struct wheel_event *next;
    struct wheel_event *prev; /* NULL: not queued */
    uint64_t time_ns;
};

#define WHEEL_LEVELS 11
struct wheel {
    uint64_t now_ns; /* time of the last event taken */
    uint64_t count;
    uint64_t occupied[WHEEL_LEVELS]; /* one bit per slot */
    struct wheel_event slots[WHEEL_LEVELS][64];
};

void wheel_init(struct wheel *wheel, uint64_t now_ns);
/* Queues `event` for `time_ns` >= wheel->now_ns; behind all that are queued for that time already.
 */
void wheel_insert(struct wheel *wheel, struct wheel_event *event, uint64_t time_ns);
/* Does nothing when it is not queued. */
void wheel_remove(struct wheel *wheel, struct wheel_event *event);
static inline bool wheel_event_queued(const struct wheel_event *event) {
    return event->prev != 0;
}
/* Time of the next event, or UINT64_MAX. Moves nothing. */
uint64_t wheel_next_time(const struct wheel *wheel);
/* Takes the next event if its time is <= until_ns (now becomes its time), else NULL (now
 * unchanged). */
struct wheel_event *wheel_take(struct wheel *wheel, uint64_t until_ns);
/* Moves now forward to `time_ns`, <= next time. */
void wheel_advance(struct wheel *wheel, uint64_t time_ns);

#endif
