/* test_allocate.c - the strategies give what RocketMQ's own gave (vectors/balance). */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/client/allocate.h"
#include "model/tests/env_fake.h"
#include "model/tests/suite.h"

#define FOLDER RMQ_SOURCE_DIR "/model/tests/vectors/balance/"
#define MANY 512

static struct env *env;

static void setup(void) {
    env = fake_create();
}

static void teardown(void) {
    fake_destroy(env);
}

/* Calls `each` with every line of a file; returns how many there were. */
static size_t each_line(const char *path, void (*each)(const cJSON *row)) {
    static char line[65536];
    size_t count = 0;
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL) {
        cJSON *row = cJSON_Parse(line);
        ck_assert_ptr_nonnull(row);
        each(row);
        cJSON_Delete(row);
        count++;
    }
    fclose(file);
    return count;
}

static const char *text_of(const cJSON *row, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(row, key);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static size_t read_queues(const cJSON *row, struct topic_queue *queues) {
    const cJSON *item;
    size_t count = 0;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(row, "queues")) {
        const char *slash = strrchr(item->valuestring, '/');
        ck_assert_uint_lt(count, MANY);
        queues[count++] = (struct topic_queue){
            SPAN_LITERAL("TopicA"), span_of(item->valuestring, (size_t)(slash - item->valuestring)),
            atoi(slash + 1)};
    }
    return count;
}

static bool has_index(const cJSON *list, size_t index) {
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        if (item->valueint == (int)index)
            return true;
    }
    return false;
}

static size_t compared;

static void compare_grid(const cJSON *row) {
    static const char *const NAMES[] = ALLOCATE_STRATEGY_NAMES;
    struct topic_queue queues[MANY];
    struct span members[MANY];
    bool mine[MANY];
    struct allocation input = {.rooms = SPAN_LITERAL("idc1;idc3"), .queues = queues};
    while (input.strategy < ALLOCATE_STRATEGY_COUNT &&
           strcmp(NAMES[input.strategy], text_of(row, "name")) != 0)
        input.strategy++;
    if (input.strategy == ALLOCATE_STRATEGY_COUNT)
        return; /* MACHINE_ROOM_NEARBY; the row of edge cases */
    sscanf(text_of(row, "setting"), "virtualNodes %u", &input.virtual_nodes);
    input.queue_count = read_queues(row, queues);
    input.members = members;
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(row, "consumers"))
        members[input.member_count++] = span_of_text(item->valuestring);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(row, "result")) {
        input.self = span_of_text(item->string);
        int err = allocate(env, &input, mine);
        ck_assert_int_eq(err, cJSON_IsArray(item) ? RMQ_OK : RMQ_E_INVALID);
        for (size_t i = 0; cJSON_IsArray(item) && i < input.queue_count; i++)
            ck_assert_msg(mine[i] == has_index(item, i), "%s %s: queue %zu of %zu",
                          text_of(row, "name"), item->string, i, input.queue_count);
        compared++;
    }
}

START_TEST(test_allocate__as_recorded) {
    compared = 0;
    ck_assert_uint_gt(each_line(FOLDER "grids.jsonl", compare_grid), 800);
    ck_assert_uint_gt(compared, 2000);
}
END_TEST

static const cJSON *order_rows[MANY];
static struct topic_queue in_order[MANY];
static size_t order_count;

static void keep_queue(const cJSON *row) {
    cJSON *copy = cJSON_Duplicate(row, 1);
    order_rows[order_count] = copy;
    in_order[order_count++] = (struct topic_queue){
        span_of_text(text_of(copy, "topic")), span_of_text(text_of(copy, "brokerName")),
        cJSON_GetObjectItemCaseSensitive(copy, "queueId")->valueint};
}

START_TEST(test_sort_queues__as_recorded) {
    struct topic_queue queues[MANY];
    order_count = 0;
    ck_assert_uint_eq(each_line(FOLDER "queue_order.jsonl", keep_queue), 48);
    for (size_t i = 0; i < order_count; i++) /* 29 and 48 share no divisor */
        queues[i] = in_order[i * 29 % order_count];
    ck_assert_int_eq(allocate_sort_queues(env, queues, order_count), RMQ_OK);
    for (size_t i = 0; i < order_count; i++) {
        ck_assert_int_eq(topic_queue_compare(&queues[i], &in_order[i]), 0);
        cJSON_Delete((cJSON *)(uintptr_t)order_rows[i]);
    }
}
END_TEST

START_TEST(test_allocate__not_a_member_gets_nothing) {
    struct topic_queue queues[2] = {{SPAN_LITERAL("T"), SPAN_LITERAL("b"), 0},
                                    {SPAN_LITERAL("T"), SPAN_LITERAL("b"), 1}};
    struct span members[1] = {SPAN_LITERAL("c1")};
    struct allocation input = {.queues = queues,
                               .queue_count = 2,
                               .members = members,
                               .member_count = 1,
                               .virtual_nodes = ALLOCATE_VIRTUAL_NODES,
                               .rooms = SPAN_LITERAL("r"),
                               .strategy = (enum allocate_strategy)_i};
    bool mine[2] = {true, true};
    ck_assert_int_eq(allocate(env, &input, mine), RMQ_E_INVALID); /* no own id */
    ck_assert(mine[0] && mine[1]);
    input.self = SPAN_LITERAL("c2");
    ck_assert_int_eq(allocate(env, &input, mine), RMQ_OK);
    ck_assert(!mine[0] && !mine[1]);
}
END_TEST

START_TEST(test_allocate__survives_each_failed_allocation) {
    struct topic_queue queues[20];
    struct span members[2] = {SPAN_LITERAL("c1"), SPAN_LITERAL("c2")};
    bool mine[20];
    struct allocation input = {.strategy = ALLOCATE_CONSISTENT_HASH,
                               .virtual_nodes = ALLOCATE_VIRTUAL_NODES,
                               .queues = queues,
                               .queue_count = 20,
                               .members = members,
                               .member_count = 2,
                               .self = members[0]};
    for (int32_t i = 0; i < 20; i++)
        queues[i] = (struct topic_queue){SPAN_LITERAL("T"), SPAN_LITERAL("b"), 19 - i};
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        fake_fail_at(env, FAKE_FAIL_ALLOC, n);
        int err = allocate_sort_queues(env, queues, 20);
        if (err == RMQ_OK)
            err = allocate(env, &input, mine);
        failed = fake_failed(env, FAKE_FAIL_ALLOC);
        ck_assert_int_eq(err, failed ? RMQ_E_NOMEM : RMQ_OK);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("allocate");
    TCase *tests = suite_case(suite, "allocate");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_allocate__as_recorded);
    tcase_add_test(tests, test_sort_queues__as_recorded);
    tcase_add_loop_test(tests, test_allocate__not_a_member_gets_nothing, 0,
                        ALLOCATE_STRATEGY_COUNT);
    tcase_add_test(tests, test_allocate__survives_each_failed_allocation);
    return suite_run(suite);
}
