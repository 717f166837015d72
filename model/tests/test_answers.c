/* test_answers.c - the body readers on every recorded answer of a name server: nothing is refused,
 * and as many elements are given as the text shows. */
#define _GNU_SOURCE /* memmem */
#include <stdio.h>

#include "model/tests/env_fake.h"
#include "model/tests/suite.h"
#include "model/tests/vectors.h"
#include "model/wire/body.h"
#include "model/wire/codes.h"

static struct {
    struct env *env;
    struct buf scratch;
    struct buf other_scratch;
    size_t queues, addrs, pairs, topics; /* of the last body */
    size_t bodies[4];                    /* checked: routes, cluster infos, tables, lists */
} t;

static void setup(void) {
    memset(&t, 0, sizeof t);
    t.env = fake_create();
    buf_init(&t.scratch, t.env);
    buf_init(&t.other_scratch, t.env);
}

static void teardown(void) {
    buf_deinit(&t.scratch);
    buf_deinit(&t.other_scratch);
    fake_destroy(t.env);
}

static int on_queue(void *ctx, const struct route_queue *queue) {
    (void)ctx;
    ck_assert(span_starts_with(queue->broker_name, SPAN_LITERAL("br")));
    ck_assert_int_gt(queue->read_queue_nums, 0);
    t.queues++;
    return RMQ_OK;
}

static int on_broker_addr(void *ctx, const struct route_broker_addr *addr) {
    (void)ctx;
    ck_assert_uint_gt(addr->cluster.len, 0);
    if (span_is_absent(addr->addr)) { /* 5.3.3 lists a broker that has none left in 106 */
        ck_assert_int_eq(addr->broker_id, -1);
        return RMQ_OK;
    }
    ck_assert_int_ge(addr->broker_id, 0);
    ck_assert(span_starts_with(addr->addr, SPAN_LITERAL("127.0.0.1:")));
    t.addrs++;
    return RMQ_OK;
}

static int on_pair(void *ctx, struct span key, struct span value) {
    (void)ctx;
    ck_assert_uint_gt(key.len, 0);
    ck_assert(!span_is_absent(value));
    t.pairs++;
    return RMQ_OK;
}

static int on_topic(void *ctx, struct span topic) {
    (void)ctx;
    ck_assert_uint_gt(topic.len, 0);
    t.topics++;
    return RMQ_OK;
}

static size_t count_of(struct span body, const char *text) {
    size_t count = 0;
    const uint8_t *at;
    while ((at = memmem(body.data, body.len, text, strlen(text))) != NULL) {
        count++;
        body = span_from(body, (size_t)(at - body.data) + strlen(text));
    }
    return count;
}

static const struct route_visitor VISITOR = {.on_queue = on_queue,
                                             .on_broker_addr = on_broker_addr};

/* Reads the answer to a request with `code`; false when it is none of a name server's. */
static bool read_answer(int32_t code, struct span body, int *err, struct wire_error *error) {
    t.queues = t.addrs = t.pairs = t.topics = 0;
    switch (code) {
    case REQUEST_GET_ROUTEINFO_BY_TOPIC:
        *err = route_decode(body, &t.other_scratch, &VISITOR, error);
        ck_assert_uint_eq(t.queues, count_of(body, "\"perm\":"));
        ck_assert_uint_eq(t.addrs, count_of(body, "\"127.0.0.1:"));
        t.bodies[0]++;
        return true;
    case REQUEST_GET_BROKER_CLUSTER_INFO:
        *err = cluster_info_decode(body, &t.other_scratch, &VISITOR, error);
        ck_assert_uint_eq(t.addrs, count_of(body, "\"127.0.0.1:"));
        t.bodies[1]++;
        return true;
    case REQUEST_REGISTER_BROKER:
    case REQUEST_GET_KVLIST_BY_NAMESPACE:
        *err = kv_table_decode(body, &t.other_scratch, on_pair, NULL, error);
        ck_assert_uint_eq(t.pairs, count_of(body, "\":\""));
        t.bodies[2]++;
        return true;
    case REQUEST_GET_ALL_TOPIC_LIST_FROM_NAMESERVER:
    case REQUEST_GET_TOPICS_BY_CLUSTER:
    case REQUEST_GET_SYSTEM_TOPIC_LIST_FROM_NS:
    case REQUEST_GET_UNIT_TOPIC_LIST:
        *err = topic_list_decode(body, &t.other_scratch, on_topic, NULL, error);
        ck_assert_uint_ge(t.topics, count_of(body, "\",\"") > 0);
        t.bodies[3]++;
        return true;
    default:
        return false;
    }
}

static void check(const struct vector_file *file, const struct vector_row *row) {
    const struct vector_row *answer = vector_answer(file, row);
    struct wire_command command;
    struct wire_error error = {.expected = ""};
    int err = RMQ_OK;
    if (answer == NULL || answer->code != RESPONSE_SUCCESS || answer->body_len == 0)
        return;
    ck_assert_int_eq(wire_decode(answer->bytes, &t.scratch, &command, &error), RMQ_OK);
    if (read_answer(row->code, command.body, &err, &error))
        ck_assert_msg(err == RMQ_OK, "%s row %lld: expected %s at %zu", row->file,
                      (long long)answer->n, error.expected, error.offset);
}

START_TEST(test_answers__are_read) {
    size_t files;
    const char *const *names = vectors_names(&files);
    for (size_t i = 0; i < files; i++) {
        struct vector_file *file = vectors_load(names[i]);
        for (const struct vector_row *row = file->rows; row < file->rows + file->count; row++)
            if (vector_is_frame(row) && (row->flag & WIRE_FLAG_RESPONSE) == 0 &&
                strcmp(row->port, "namesrv") == 0)
                check(file, row);
        vectors_free(file);
    }
    printf("%zu routes, %zu cluster infos, %zu tables, %zu topic lists\n", t.bodies[0], t.bodies[1],
           t.bodies[2], t.bodies[3]);
    for (size_t i = 0; i < 4; i++)
        ck_assert_uint_gt(t.bodies[i], 10);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("answers");
    TCase *tests = suite_case(suite, "answers");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_answers__are_read);
    return suite_run(suite);
}
