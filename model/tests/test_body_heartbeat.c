/* test_body_heartbeat.c - bodies of 34 and 46: each recorded one is decoded, and those of the Java
 * clients come out of our writer byte for byte. */
#include <stdio.h>

#include "model/tests/env_fake.h"
#include "model/tests/suite.h"
#include "model/tests/vectors.h"
#include "model/wire/body_heartbeat.h"
#include "model/wire/codes.h"

static struct env *env;
static struct buf scratch, out;
static struct heartbeat_writer writer;
static struct heartbeat_consumer current;
static bool profile_5_3;
static unsigned consumers, subscriptions, producers;

static void setup(void) {
    env = fake_create();
    buf_init(&scratch, env);
    buf_init(&out, env);
    consumers = subscriptions = producers = 0;
}

static void teardown(void) {
    buf_deinit(&scratch);
    buf_deinit(&out);
    fake_destroy(env);
}

static int on_client(void *ctx, const struct heartbeat_client *client) {
    ck_assert_ptr_null(ctx);
    heartbeat_begin(&writer, env, &out, profile_5_3, client->client_id);
    return RMQ_OK;
}

static int on_consumer(void *ctx, const struct heartbeat_consumer *consumer) {
    ck_assert_ptr_null(ctx);
    current = *consumer;
    consumers++;
    heartbeat_consumer_begin(&writer, consumer);
    return RMQ_OK;
}

static int on_subscription(void *ctx, const struct heartbeat_subscription *subscription) {
    ck_assert_ptr_null(ctx);
    subscriptions++;
    heartbeat_subscription(&writer, subscription);
    return RMQ_OK;
}

static int on_consumer_end(void *ctx) {
    ck_assert_ptr_null(ctx);
    heartbeat_consumer_end(&writer, &current);
    return RMQ_OK;
}

static int on_producer(void *ctx, struct span group) {
    ck_assert_ptr_null(ctx);
    if (producers++ == 0)
        heartbeat_producers(&writer);
    heartbeat_producer(&writer, group);
    return RMQ_OK;
}

static const struct heartbeat_visitor VISITOR = {on_client,       on_consumer, on_subscription,
                                                 on_consumer_end, on_producer, NULL};

/* Decodes a body and writes it again into `out`. */
static int rewrite(struct span body) {
    struct wire_error error = {0};
    buf_clear(&out);
    producers = 0;
    int err = heartbeat_decode(body, &scratch, &VISITOR, &error);
    if (err != RMQ_OK)
        return err;
    if (producers == 0)
        heartbeat_producers(&writer);
    return heartbeat_end(&writer);
}

static struct span body_of(const struct vector_row *row) {
    return span_from(row->bytes, row->bytes.len - row->body_len);
}

static bool contains(struct span text, const char *what) {
    size_t len = strlen(what);
    for (size_t i = 0; i + len <= text.len; i++) {
        if (memcmp(text.data + i, what, len) == 0)
            return true;
    }
    return false;
}

static void check_46(struct span body) {
    struct check_client check;
    struct wire_error error = {0};
    ck_assert_int_eq(check_client_decode(body, &scratch, &check, &error), RMQ_OK);
    ck_assert(check.has_subscription);
    buf_clear(&out);
    ck_assert_int_eq(check_client_write(env, &out, &check), RMQ_OK);
}

/* Number of bodies checked. */
static unsigned check_file(const char *name) {
    struct vector_file *file = vectors_load(name);
    bool is_java = strstr(name, "-java") != NULL;
    unsigned checked = 0;
    for (size_t i = 0; i < file->count; i++) {
        const struct vector_row *row = &file->rows[i];
        bool is_46 = vector_is_frame(row) && row->code == REQUEST_CHECK_CLIENT_CONFIG;
        bool is_34 = vector_is_frame(row) && row->code == REQUEST_HEART_BEAT;
        if ((!is_34 && !is_46) || (row->flag & 1) != 0 || row->body_len == 0)
            continue;
        struct span body = body_of(row);
        profile_5_3 = contains(body, "heartbeatFingerprint");
        if (is_46)
            check_46(body);
        else
            ck_assert_int_eq(rewrite(body), RMQ_OK);
        if (is_java && !contains(body, "\"namespace\""))
            ck_assert_msg(span_equal(buf_span(&out), body), "%s row %d\n%.*s\n%.*s", name,
                          (int)row->n, (int)body.len, (const char *)body.data, (int)out.len,
                          (const char *)out.data);
        checked++;
    }
    vectors_free(file);
    return checked;
}

START_TEST(test_recorded) {
    size_t count = 0;
    const char *const *names = vectors_names(&count);
    unsigned checked = 0;
    setup();
    for (size_t i = 0; i < count; i++)
        checked += check_file(names[i]);
    ck_assert_uint_gt(checked, 700);
    ck_assert(consumers > 500 && subscriptions > 500);
    teardown();
}
END_TEST

#define CONSUMER "{\"subscriptionDataSet\":[{\"topic\":\"T\"}],\"groupName\":\"g\\u0041\"}"

/* Any order of members, escapes, nulls, numbers as text. */
START_TEST(test_order_and_escapes) {
    setup();
    profile_5_3 = false;
    ck_assert_int_eq(
        rewrite(SPAN_LITERAL("{\"producerDataSet\":[{\"groupName\":\"p\\n\",\"x\":{}}],"
                             "\"consumerDataSet\":[" CONSUMER ",{\"groupName\":\"h\","
                             "\"messageModel\":\"BROADCASTING\",\"unitMode\":true,"
                             "\"subscriptionDataSet\":null,\"consumeType\":null}],"
                             "\"clientID\":\"c\\u0042\"}")),
        RMQ_OK);
    ck_assert_uint_eq(consumers, 2);
    ck_assert_uint_eq(subscriptions, 1);
    ck_assert(contains(buf_span(&out), "{\"clientID\":\"cB\",\"consumerDataSet\":[{"));
    ck_assert(contains(buf_span(&out), "\"groupName\":\"gA\",\"messageModel\":\"CLUSTERING\""));
    ck_assert(contains(buf_span(&out), "\"producerDataSet\":[{\"groupName\":\"p\\n\"}]}"));
    teardown();
}
END_TEST

START_TEST(test_refused) {
    static const struct {
        const char *body;
        int err;
    } CASES[] = {
        {"", RMQ_E_INVALID},
        {"null", RMQ_E_INVALID},
        {"{}", RMQ_E_MISSING},
        {"{\"clientID\":\"c\"", RMQ_E_INVALID},
        {"{\"clientID\":\"c\",\"consumerDataSet\":[{}]}", RMQ_E_INVALID},
        {"{\"clientID\":\"c\",\"consumerDataSet\":[5]}", RMQ_E_INVALID},
        {"{\"clientID\":\"c\",\"consumerDataSet\":[{\"groupName\":\"g\",\"messageModel\":\"X\"}]}",
         RMQ_E_INVALID},
        {"{\"clientID\":\"c\",\"consumerDataSet\":[{\"groupName\":\"g\",\"subscriptionDataSet\":"
         "[{\"subString\":\"*\"}]}]}",
         RMQ_E_INVALID},
        {"{\"clientID\":\"c\",\"producerDataSet\":[{\"groupName\":7}]}", RMQ_E_INVALID},
        {"{\"clientID\":\"\\ud800\"}", RMQ_E_INVALID},
    };
    setup();
    ck_assert_int_eq(rewrite(span_of_text(CASES[_i].body)), CASES[_i].err);
    teardown();
}
END_TEST

START_TEST(test_no_memory) {
    for (unsigned n = 1, failed = 1; failed; n++) {
        setup();
        fake_fail_at(env, FAKE_FAIL_ALLOC, n);
        int err = rewrite(SPAN_LITERAL(
            "{\"clientID\":\"c\\u0042\",\"consumerDataSet\":[{\"groupName\":\"g\","
            "\"subscriptionDataSet\":[{\"topic\":\"T\",\"subString\":\"a || b || c\"}]}]}"));
        failed = fake_failed(env, FAKE_FAIL_ALLOC);
        ck_assert_int_eq(err, failed ? RMQ_E_NOMEM : RMQ_OK);
        teardown();
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("body_heartbeat");
    TCase *tests = suite_case(suite, "bodies");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_recorded);
    tcase_add_test(tests, test_order_and_escapes);
    tcase_add_loop_test(tests, test_refused, 0, 10);
    tcase_add_test(tests, test_no_memory);
    return suite_run(suite);
}
