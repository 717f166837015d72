/* test_map.c - uthash as map.h sets it up: order, growth, failed allocations. */
#include <stdio.h>

#include "model/base/map.h"
#include "model/tests/env_fake.h"
#include "model/tests/suite.h"

struct element {
    UT_hash_handle hh;
    bool map_failed;
    char name[16];
};

#define COUNT 2000

static struct env *env;
static uint64_t hash_key;
static struct element *table;
static struct element elements[COUNT];

static void setup(void) {
    env = fake_create();
    hash_key = env_random(env);
    table = NULL;
    memset(elements, 0, sizeof elements);
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(elements[i].name, sizeof elements[i].name, "topic-%u", i);
    }
}

static void teardown(void) {
    HASH_CLEAR(hh, table);
    fake_destroy(env);
}

static bool add(struct element *element) {
    element->map_failed = false;
    HASH_ADD_KEYPTR(hh, table, element->name, strlen(element->name), element);
    return !MAP_ADD_FAILED(element);
}

static struct element *find(const char *name) {
    struct element *found = NULL;
    HASH_FIND(hh, table, name, strlen(name), found);
    return found;
}

START_TEST(test_map__finds_what_was_added_over_growth) {
    for (unsigned i = 0; i < COUNT; i++) {
        ck_assert(add(&elements[i]));
    }
    ck_assert_uint_eq(HASH_COUNT(table), COUNT);
    ck_assert_uint_gt(table->hh.tbl->num_buckets, COUNT / 10);
    ck_assert_uint_eq(table->hh.tbl->num_buckets, 1U << table->hh.tbl->log2_num_buckets);
    for (unsigned i = 0; i < COUNT; i++) {
        ck_assert_ptr_eq(find(elements[i].name), &elements[i]);
    }
    ck_assert_ptr_null(find("topic-2000"));
}
END_TEST

START_TEST(test_map__iterates_in_order_of_insertion_whatever_the_key) {
    struct element *element;
    struct element *following;
    hash_key = (uint64_t)_i * 77;
    for (unsigned i = 0; i < COUNT; i++) {
        ck_assert(add(&elements[i]));
    }
    HASH_DEL(table, &elements[0]);
    ck_assert(add(&elements[0])); /* again: now the last */
    unsigned at = 1;
    HASH_ITER(hh, table, element, following) {
        ck_assert_ptr_eq(element, &elements[at++ % COUNT]);
    }
    ck_assert_uint_eq(at, COUNT + 1);
}
END_TEST

START_TEST(test_map__costs_little_while_small) {
    ck_assert(add(&elements[0]));
    ck_assert_uint_eq(table->hh.tbl->num_buckets, 4);
    ck_assert_uint_le(fake_memory_used(env), 128);
    HASH_DEL(table, &elements[0]);
    ck_assert_ptr_null(table);
    ck_assert_uint_eq(fake_memory_blocks(env), 0);
}
END_TEST

/* Every allocation of a growing table fails once: the add says so, all else stays as it was, and
 * the same add succeeds afterwards. */
START_TEST(test_map_add__leaves_the_table_alone_when_memory_fails) {
    unsigned failures = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        fake_fail_at(env, FAKE_FAIL_ALLOC, 1);
        bool added = add(&elements[i]);
        bool failed = fake_failed(env, FAKE_FAIL_ALLOC);
        ck_assert(added != failed);
        if (failed) {
            failures++;
            ck_assert_uint_eq(HASH_COUNT(table), i);
            ck_assert_ptr_null(table == NULL ? NULL : find(elements[i].name));
            ck_assert(i == 0 || find(elements[i - 1].name) == &elements[i - 1]);
            ck_assert(add(&elements[i]));
        }
        ck_assert_ptr_eq(find(elements[i].name), &elements[i]);
    }
    ck_assert_uint_ge(failures, 6); /* the table, and each doubling */
    unsigned at = 0;
    struct element *element;
    struct element *following;
    HASH_ITER(hh, table, element, following) {
        ck_assert_ptr_eq(element, &elements[at++]);
    }
    ck_assert_uint_eq(at, COUNT);
}
END_TEST

START_TEST(test_map_add__fails_clean_when_the_second_allocation_fails) {
    fake_fail_at(env, FAKE_FAIL_ALLOC, 2); /* the buckets, after the table itself */
    ck_assert(!add(&elements[0]));
    ck_assert_ptr_null(table);
    ck_assert_uint_eq(fake_memory_blocks(env), 0);
}
END_TEST

START_TEST(test_map_hash__depends_on_key_and_every_byte) {
    uint64_t hash = map_hash(1, "topic-a", 7);
    ck_assert(hash == map_hash(1, "topic-a", 7));
    ck_assert(hash != map_hash(2, "topic-a", 7));
    ck_assert(hash != map_hash(1, "topic-b", 7));
    ck_assert(hash != map_hash(1, "topic-a", 6));
    /* XXH3_64bits of nothing with seed 0, as its own documentation gives it. */
    ck_assert(map_hash(0, "", 0) == UINT64_C(0x2D06800538D394C2));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("map");
    TCase *tests = suite_case(suite, "map");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_map__finds_what_was_added_over_growth);
    tcase_add_loop_test(tests, test_map__iterates_in_order_of_insertion_whatever_the_key, 0, 3);
    tcase_add_test(tests, test_map__costs_little_while_small);
    tcase_add_test(tests, test_map_add__leaves_the_table_alone_when_memory_fails);
    tcase_add_test(tests, test_map_add__fails_clean_when_the_second_allocation_fails);
    tcase_add_test(tests, test_map_hash__depends_on_key_and_every_byte);
    return suite_run(suite);
}
