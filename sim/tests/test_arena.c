/* The arena: owners, classes, limits, drop, snapshots. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sim/world/arena.h"
#include "sim/world/draw.h"

static void setup(void) {
    ck_assert(arena_open());
}

/* An owner that lives in the arena itself, as a node does. */
static struct arena_owner *new_owner(void) {
    static struct arena_owner outside;
    memset(&outside, 0, sizeof outside);
    struct arena_owner *owner = arena_alloc_zeroed(&outside, sizeof *owner);
    ck_assert_ptr_nonnull(owner);
    return owner;
}

START_TEST(test_alloc__gives_aligned_disjoint_blocks_of_every_size) {
    struct arena_owner *owner = new_owner();
    enum { COUNT = 3000 };
    static uint8_t *blocks[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = arena_alloc(owner, i);
        ck_assert_ptr_nonnull(blocks[i]);
        ck_assert_uint_eq((uintptr_t)blocks[i] % 16, 0);
        memset(blocks[i], (int)(i & 0xff), i);
    }
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < i; j++) {
            ck_assert_uint_eq(blocks[i][j], i & 0xff);
        }
    }
    ck_assert_uint_eq(owner->blocks, COUNT);
    arena_drop(owner);
    ck_assert_uint_eq(owner->bytes, 0);
}
END_TEST

START_TEST(test_alloc__reuses_freed_blocks) {
    struct arena_owner *owner = new_owner();
    void *first = arena_alloc(owner, 100);
    size_t used = arena_used();
    arena_free(owner, first);
    ck_assert_ptr_eq(arena_alloc(owner, 97), first); /* same class */
    ck_assert_uint_eq(arena_used(), used);
}
END_TEST

START_TEST(test_alloc__refuses_above_the_limit) {
    struct arena_owner *owner = new_owner();
    owner->bytes_limit = 1000;
    void *block = arena_alloc(owner, 500);
    ck_assert_ptr_nonnull(block);
    ck_assert_ptr_null(arena_alloc(owner, 500));
    ck_assert_ptr_null(arena_realloc(owner, block, 2000));
    arena_free(owner, block);
    ck_assert_ptr_nonnull(arena_alloc(owner, 500));
    ck_assert_ptr_null(arena_alloc(owner, SIZE_MAX - 8));
}
END_TEST

START_TEST(test_realloc__keeps_content_both_ways) {
    struct arena_owner *owner = new_owner();
    uint8_t *block = NULL;
    for (size_t size = 1; size < 100000; size = size * 3 / 2 + 1) {
        block = arena_realloc(owner, block, size);
        block[size - 1] = (uint8_t)size;
        block[0] = 7;
    }
    block = arena_realloc(owner, block, 10);
    ck_assert_uint_eq(block[0], 7);
    ck_assert_uint_eq(owner->blocks, 1);
}
END_TEST

START_TEST(test_drop__takes_one_owner_only) {
    struct arena_owner *a = new_owner();
    struct arena_owner *b = new_owner();
    for (size_t i = 0; i < 100; i++) {
        ck_assert_ptr_nonnull(arena_alloc(a, i * 10));
        ck_assert_ptr_nonnull(arena_alloc(b, i * 10));
    }
    size_t bytes = b->bytes;
    arena_drop(a);
    ck_assert_uint_eq(a->blocks, 0);
    ck_assert_uint_eq(b->blocks, 100);
    ck_assert_uint_eq(b->bytes, bytes);
}
END_TEST

/* A reproducible life: allocates, writes, frees, reallocates. */
static void live(struct arena_owner *owner, uint64_t seed, uint64_t steps) {
    uint8_t **blocks = arena_alloc_zeroed(owner, 64 * sizeof *blocks);
    for (uint64_t i = 0; i < steps; i++) {
        size_t slot = (size_t)draw_below(seed, DRAW_TEST, 1, i, 64);
        size_t size = 1 + (size_t)draw_below(seed, DRAW_TEST, 2, i, 5000);
        if (draw_chance(seed, DRAW_TEST, 3, i, 300000)) {
            arena_free(owner, blocks[slot]);
            blocks[slot] = NULL;
        } else {
            blocks[slot] = arena_realloc(owner, blocks[slot], size);
            memset(blocks[slot], (int)(i & 0xff), size);
        }
    }
}

START_TEST(test_snapshot__the_same_life_twice_gives_the_same_bytes) {
    struct arena_snapshot start = {0}, end = {0};
    struct arena_owner *owner = new_owner();
    live(owner, 1, 500);
    ck_assert(arena_save(&start));
    live(owner, 2, 2000);
    ck_assert(arena_save(&end));
    arena_restore(&start);
    ck_assert(arena_equals(&start));
    ck_assert(!arena_equals(&end));
    live(owner, 3, 3000); /* another branch in between leaves nothing behind */
    arena_restore(&start);
    live(owner, 2, 2000);
    ck_assert(arena_equals(&end));
    arena_snapshot_free(&start);
    arena_snapshot_free(&end);
}
END_TEST

START_TEST(test_free__of_a_free_block_asserts) {
    struct arena_owner *owner = new_owner();
    void *block = arena_alloc(owner, 40);
    arena_free(owner, block);
    arena_free(owner, block);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("arena");
    TCase *core = tcase_create("core");
    tcase_set_timeout(core, 60);
    tcase_add_checked_fixture(core, setup, NULL);
    tcase_add_test(core, test_alloc__gives_aligned_disjoint_blocks_of_every_size);
    tcase_add_test(core, test_alloc__reuses_freed_blocks);
    tcase_add_test(core, test_alloc__refuses_above_the_limit);
    tcase_add_test(core, test_realloc__keeps_content_both_ways);
    tcase_add_test(core, test_drop__takes_one_owner_only);
    tcase_add_test(core, test_snapshot__the_same_life_twice_gives_the_same_bytes);
    tcase_add_test_raise_signal(core, test_free__of_a_free_block_asserts, 6 /* SIGABRT */);
    suite_add_tcase(suite, core);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
