/* The radix wheel against a plain binary heap ordered by (time, sequence): its oracle. */
#include <check.h>
#include <stdlib.h>

#include "sim/world/draw.h"
#include "sim/world/wheel.h"

#define EVENTS 4096

struct entry {
    struct wheel_event event;
    uint64_t sequence;
    size_t heap_index; /* SIZE_MAX: not queued */
};

static struct entry *heap[EVENTS];
static size_t heap_count;

static bool entry_before(const struct entry *a, const struct entry *b) {
    return a->event.time_ns != b->event.time_ns ? a->event.time_ns < b->event.time_ns
                                                : a->sequence < b->sequence;
}

static void heap_place(size_t i, struct entry *entry) {
    heap[i] = entry;
    entry->heap_index = i;
}

static void heap_fix(size_t i) {
    struct entry *entry = heap[i];
    while (i > 0 && entry_before(entry, heap[(i - 1) / 2])) {
        heap_place(i, heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= heap_count) {
            break;
        }
        if (child + 1 < heap_count && entry_before(heap[child + 1], heap[child])) {
            child++;
        }
        if (!entry_before(heap[child], entry)) {
            break;
        }
        heap_place(i, heap[child]);
        i = child;
    }
    heap_place(i, entry);
}

static void heap_push(struct entry *entry) {
    heap_place(heap_count++, entry);
    heap_fix(heap_count - 1);
}

static void heap_remove(struct entry *entry) {
    size_t i = entry->heap_index;
    struct entry *last = heap[--heap_count];
    entry->heap_index = SIZE_MAX;
    if (last != entry) {
        heap_place(i, last);
        heap_fix(i);
    }
}

/* Delays from one tick to hours, with many ties. */
static uint64_t some_delay(uint64_t seed, uint64_t i) {
    uint64_t bits = draw_below(seed, DRAW_TEST, 1, i, 44);
    uint64_t delay = draw(seed, DRAW_TEST, 2, i) >> (63 - bits);
    return draw_below(seed, DRAW_TEST, 3, i, 4) == 0 ? delay & ~63ULL : delay;
}

static void run_against_heap(uint64_t seed, uint64_t start_ns) {
    static struct wheel wheel;
    static struct entry entries[EVENTS];
    wheel_init(&wheel, start_ns);
    heap_count = 0;
    for (size_t i = 0; i < EVENTS; i++) {
        entries[i].heap_index = SIZE_MAX;
        entries[i].event.prev = NULL;
    }
    uint64_t sequence = 0;
    for (uint64_t i = 0; i < 200000; i++) {
        struct entry *entry = &entries[draw_below(seed, DRAW_TEST, 4, i, EVENTS)];
        uint64_t action = draw_below(seed, DRAW_TEST, 5, i, 10);
        if (action < 5 && entry->heap_index == SIZE_MAX) {
            wheel_insert(&wheel, &entry->event, wheel.now_ns + some_delay(seed, i));
            entry->sequence = sequence++;
            heap_push(entry);
        } else if (action < 6) {
            ck_assert(wheel_event_queued(&entry->event) == (entry->heap_index != SIZE_MAX));
            wheel_remove(&wheel, &entry->event);
            if (entry->heap_index != SIZE_MAX) {
                heap_remove(entry);
            }
        } else if (action == 6) { /* a bound before the next event takes nothing, moves nothing */
            uint64_t next = wheel_next_time(&wheel);
            ck_assert_uint_eq(next, heap_count == 0 ? UINT64_MAX : heap[0]->event.time_ns);
            uint64_t now = wheel.now_ns;
            if (next != UINT64_MAX && next > now) {
                ck_assert_ptr_null(wheel_take(&wheel, next - 1));
                ck_assert_uint_eq(wheel.now_ns, now);
                wheel_advance(&wheel, now + (next - now) / 2);
            }
        } else {
            struct wheel_event *taken = wheel_take(&wheel, UINT64_MAX);
            if (heap_count == 0) {
                ck_assert_ptr_null(taken);
            } else {
                struct entry *expected = heap[0];
                ck_assert_ptr_eq(taken, &expected->event);
                ck_assert_uint_eq(wheel.now_ns, taken->time_ns);
                heap_remove(expected);
            }
        }
        ck_assert_uint_eq(wheel.count, heap_count);
    }
    for (struct wheel_event *taken; (taken = wheel_take(&wheel, UINT64_MAX)) != NULL;) {
        ck_assert_ptr_eq(taken, &heap[0]->event);
        heap_remove(heap[0]);
    }
    ck_assert_uint_eq(heap_count, 0);
}

START_TEST(test_wheel__agrees_with_heap) {
    run_against_heap((uint64_t)_i, _i % 2 == 0 ? 0 : draw((uint64_t)_i, DRAW_TEST, 9, 0) >> 8);
}
END_TEST

START_TEST(test_wheel__equal_times_leave_in_order_of_insertion_across_levels) {
    static struct wheel wheel;
    struct wheel_event early = {0}, first = {0}, second = {0}, third = {0};
    uint64_t at = 1ULL << 40;
    wheel_init(&wheel, 0);
    wheel_insert(&wheel, &first, at);       /* far: a high level */
    wheel_insert(&wheel, &early, at - 100); /* moves now close to it */
    ck_assert_ptr_eq(wheel_take(&wheel, UINT64_MAX), &early);
    wheel_insert(&wheel, &second, at); /* near: another level */
    ck_assert_ptr_null(wheel_take(&wheel, at - 1));
    wheel_advance(&wheel, at);
    wheel_insert(&wheel, &third, at);
    ck_assert_ptr_eq(wheel_take(&wheel, at), &first);
    ck_assert_ptr_eq(wheel_take(&wheel, at), &second);
    ck_assert_ptr_eq(wheel_take(&wheel, at), &third);
    ck_assert_ptr_null(wheel_take(&wheel, UINT64_MAX));
}
END_TEST

START_TEST(test_wheel__end_of_time) {
    static struct wheel wheel;
    struct wheel_event last = {0};
    wheel_init(&wheel, 0);
    wheel_insert(&wheel, &last, UINT64_MAX - 1);
    ck_assert_uint_eq(wheel_next_time(&wheel), UINT64_MAX - 1);
    ck_assert_ptr_eq(wheel_take(&wheel, UINT64_MAX), &last);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("wheel");
    TCase *oracle = tcase_create("oracle");
    tcase_set_timeout(oracle, 60);
    tcase_add_loop_test(oracle, test_wheel__agrees_with_heap, 0, 12);
    tcase_add_test(oracle, test_wheel__equal_times_leave_in_order_of_insertion_across_levels);
    tcase_add_test(oracle, test_wheel__end_of_time);
    suite_add_tcase(suite, oracle);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
