/* test_namesrv_files.c - what a name server keeps over restarts and power cuts: the KV store, and
 * what request 318 changed. */
#include <stdio.h>
#include <string.h>

#include "model/tests/suite.h"
#include "model/tests/test_namesrv_ask.h"

#define KV_PATH "/ns/kvConfig.json"
#define CONFIG_PATH "/ns/namesrv.properties"
#define CONFIG "kvConfigPath=" KV_PATH "\nconfigStorePath=" CONFIG_PATH "\n"

static struct env *env;
static struct peer peer;

static void start(const char *config) {
    ck_assert_int_eq(fake_start_text(env, &namesrv_role, config), RMQ_OK);
    for (int i = 0; i < 100 && !fake_listening(env, NAMESRV_PORT); i++)
        fake_settle(env);
    ck_assert(fake_listening(env, NAMESRV_PORT));
    peer_open(&peer, env, "10.0.0.1:40001");
}

static void setup(void) {
    env = fake_create();
    start(CONFIG);
}

static void teardown(void) {
    fake_stop(env);
    for (int i = 0; i < 100 && fake_node(env) != NULL; i++)
        fake_advance_ms(env, 100);
    ck_assert(fake_exited(env, NULL));
    peer_free(&peer);
    fake_destroy(env);
}

static void settle(void) {
    for (int i = 0; i < 100; i++)
        fake_settle(env);
}

static void cut_power(enum fake_keep keep) {
    peer_free(&peer);
    fake_power_off(env, keep);
    start(CONFIG);
}

static void put(const char *key, const char *value) {
    ck_assert_int_eq(ask(&peer, 100, NO_BODY, "namespace", "n", "key", key, "value", value, NULL),
                     0);
}

/* Whether the value of `key` is `value`; NULL: there is none. */
static bool holds(const char *key, const char *value) {
    int32_t code = ask(&peer, 101, NO_BODY, "namespace", "n", "key", key, NULL);
    if (value == NULL || code != 0)
        return value == NULL && code == 22;
    return span_equal(wire_field(&peer.answer, "value"), span_of_text(value));
}

static bool file_has(const char *path, const char *line) {
    struct span content;
    if (!fake_get_file(env, path, &content))
        return false;
    size_t len = strlen(line);
    for (size_t i = 0; i + len <= content.len; i++)
        if (memcmp(content.data + i, line, len) == 0)
            return true;
    return false;
}

/* Whatever the disk keeps of what was not durable. */
START_TEST(test_kv__is_there_after_a_power_cut) {
    put("a", "1");
    put("b", "2");
    settle();
    cut_power((enum fake_keep)_i);
    ck_assert(holds("a", "1"));
    ck_assert(holds("b", "2"));
    ck_assert_int_eq(ask(&peer, 102, NO_BODY, "namespace", "n", "key", "a", NULL), 0);
    put("b", "3");
    settle();
    cut_power((enum fake_keep)_i);
    ck_assert(holds("a", NULL));
    ck_assert(holds("b", "3"));
}
END_TEST

/* A cut at any moment of a save leaves the old table or the new one. */
START_TEST(test_kv__is_old_or_new_when_the_power_goes_meanwhile) {
    bool was_old = false, was_new = false;
    for (int steps = 0; steps < 12; steps++) {
        put("a", "old");
        settle();
        put("a", "new");
        for (int i = 0; i < steps; i++)
            fake_settle(env);
        cut_power((enum fake_keep)_i);
        bool is_old = holds("a", "old"), is_new = holds("a", "new");
        ck_assert(is_old != is_new);
        ck_assert(!was_new || is_new); /* later is never older */
        was_old |= is_old;
        was_new |= is_new;
    }
    ck_assert(was_new);
    ck_assert(was_old || _i != FAKE_KEEP_NONE);
}
END_TEST

START_TEST(test_kv__is_there_after_a_clean_stop) {
    put("a", "1");
    fake_stop(env); /* at once: the stop waits for the file */
    settle();
    ck_assert(fake_exited(env, NULL));
    peer_free(&peer);
    start(CONFIG);
    ck_assert(holds("a", "1"));
}
END_TEST

START_TEST(test_kv__neither_file_readable_is_no_start) {
    put("a", "1");
    fake_stop(env);
    settle();
    peer_free(&peer);
    fake_put_file(env, KV_PATH, SPAN_LITERAL("{\"configTable\":{"));
    fake_put_file(env, KV_PATH ".bak", SPAN_LITERAL("rubbish"));
    RMQ_IGNORE(fake_start_text(env, &namesrv_role, CONFIG), "it ends later");
    settle();
    int status = 0;
    ck_assert(fake_exited(env, &status));
    ck_assert_int_eq(status, 1);
    ck_assert(fake_log_contains(env, "kvConfigPath"));
    fake_put_file(env, KV_PATH ".bak", SPAN_LITERAL("{\"configTable\":{\"n\":{\"a\":\"2\"}}}"));
    start(CONFIG); /* the backup is good */
    ck_assert(holds("a", "2"));
}
END_TEST

/* 318: the file that a start reads (-c, which is the daemon's) has what was changed, and no more.
 */
START_TEST(test_config__change_is_in_the_file_after_a_power_cut) {
    ck_assert_int_eq(ask(&peer, 318, SPAN_LITERAL("serverWorkerThreads=9\n"), NULL), 0);
    settle();
    cut_power((enum fake_keep)_i);
    ck_assert(file_has(CONFIG_PATH, "serverWorkerThreads=9\n"));
    ck_assert(!file_has(CONFIG_PATH, "serverSelectorThreads"));
    ck_assert_int_eq(ask(&peer, 318, SPAN_LITERAL("orderMessageEnable=true\n"), NULL), 0);
    settle();
    cut_power((enum fake_keep)_i);
    ck_assert(file_has(CONFIG_PATH, "orderMessageEnable=true\n"));
}
END_TEST

START_TEST(test_config__refused_change_writes_nothing) {
    ck_assert_int_eq(ask(&peer, 318, SPAN_LITERAL("clusterTest=true\n"), NULL), 1);
    settle();
    struct span content;
    ck_assert(!fake_get_file(env, CONFIG_PATH, &content));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("namesrv_files");
    TCase *tests = suite_case(suite, "files");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_kv__is_there_after_a_power_cut, 0, FAKE_KEEP_COUNT);
    tcase_add_loop_test(tests, test_kv__is_old_or_new_when_the_power_goes_meanwhile, 0,
                        FAKE_KEEP_COUNT);
    tcase_add_test(tests, test_kv__is_there_after_a_clean_stop);
    tcase_add_test(tests, test_kv__neither_file_readable_is_no_start);
    tcase_add_loop_test(tests, test_config__change_is_in_the_file_after_a_power_cut, 0,
                        FAKE_KEEP_COUNT);
    tcase_add_test(tests, test_config__refused_change_writes_nothing);
    return suite_run(suite);
}
