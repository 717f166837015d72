/* test_replace_file.c - a file is replaced: at every step the power fails, the process dies or an
 * operation fails, and what is left must be whole. */
#include <stdio.h>
#include <string.h>

#include "model/base/replace_file.h"
#include "model/tests/env_fake.h"
#include "model/tests/suite.h"

#define X "/store/config/topics.json"
#define OLDER "{older}"
#define OLD "{old, and longer than the others}"
#define NEW "{new}"

static struct env *env;
static struct replace_file replace;
static int status; /* 1: not done */
static unsigned done_count;

static void on_done(struct replace_file *self, int result) {
    ck_assert_ptr_eq(self, &replace);
    ck_assert_ptr_null(self->done);
    status = result;
    done_count++;
}

static void begin(const char *main_content, const char *backup_content) {
    env = fake_create();
    fake_put_file(env, "/store/config/other", SPAN_LITERAL("x"));
    if (main_content != NULL)
        fake_put_file(env, X, span_of_text(main_content));
    if (backup_content != NULL)
        fake_put_file(env, X ".bak", span_of_text(backup_content));
    fake_hold_files(env, true);
}

static void start(enum replace_mode mode, const char *content) {
    replace = (struct replace_file){.env = env,
                                    .path = SPAN_LITERAL(X),
                                    .content = span_of_text(content),
                                    .mode = mode,
                                    .sync_parents = true};
    status = 1;
    done_count = 0;
    replace_file_start(&replace, on_done);
}

/* Completes operations until `steps` are done or none is left; bit i of `pattern` says whether step
 * i takes the newest one. Whether any was left. */
static bool run(unsigned steps, unsigned pattern) {
    for (unsigned i = 0; i < steps && fake_file_ops(env) > 0; i++)
        fake_complete(env, (pattern >> i & 1U) != 0 ? fake_file_ops(env) - 1 : 0);
    return fake_file_ops(env) > 0;
}

static bool has(const char *path, const char *text) {
    struct span content = SPAN_NONE;
    bool there = fake_get_file(env, path, &content);
    return text == NULL ? !there : there && span_equal(content, span_of_text(text));
}

static void expect_whole(const char *old, const char *backup) {
    ck_assert(has(X, NEW) || (status != RMQ_OK && has(X, old)));
    ck_assert(has(X ".bak", backup) || (old != NULL && has(X ".bak", old)));
}

START_TEST(test_replaces) {
    begin(OLD, OLDER);
    start(REPLACE_SAFE, NEW);
    ck_assert(!run(100, 0));
    ck_assert_int_eq(status, RMQ_OK);
    ck_assert(has(X, NEW) && has(X ".bak", OLD));
    ck_assert(has(X ".tmp", NULL) && has(X ".bak.tmp", NULL));
    fake_power_off(env, FAKE_KEEP_NONE);
    ck_assert(has(X, NEW) && has(X ".bak", OLD));
    fake_destroy(env);
}
END_TEST

START_TEST(test_first_one) {
    begin(NULL, NULL);
    start(REPLACE_SAFE, NEW);
    ck_assert(!run(100, 0));
    ck_assert_int_eq(status, RMQ_OK);
    fake_power_off(env, FAKE_KEEP_NONE);
    ck_assert(has(X, NEW) && has(X ".bak", NULL));
    fake_destroy(env);
}
END_TEST

/* An X that is not whole does not replace its backup. */
START_TEST(test_keeps_backup) {
    begin("{bro", OLDER);
    replace = (struct replace_file){
        .env = env, .path = SPAN_LITERAL(X), .content = SPAN_LITERAL(NEW), .keep_backup = true};
    replace_file_start(&replace, on_done);
    ck_assert(!run(100, 0));
    ck_assert(has(X, NEW) && has(X ".bak", OLDER));
    fake_destroy(env);
}
END_TEST

/* At each step, in each order of completions, whatever survives. */
START_TEST(test_power_off) {
    const char *old = _i == 0 ? OLD : NULL;
    const char *backup = _i == 0 ? OLDER : NULL;
    unsigned runs = 0;
    for (enum fake_keep keep = FAKE_KEEP_NONE; keep < FAKE_KEEP_COUNT; keep++) {
        for (unsigned pattern = 0; pattern < 32; pattern++) {
            bool left = true;
            for (unsigned steps = 0; left; steps++, runs++) {
                begin(old, backup);
                start(REPLACE_SAFE, NEW);
                left = run(steps, pattern);
                fake_power_off(env, keep);
                expect_whole(old, backup);
                fake_destroy(env);
            }
        }
    }
    ck_assert_uint_gt(runs, 900);
}
END_TEST

/* A second attempt after a power-off, over what the first one left, cut short too. */
START_TEST(test_power_off_twice) {
    for (unsigned first = 0; first < 10; first++) {
        for (unsigned second = 0; second < 10; second++) {
            for (enum fake_keep keep = FAKE_KEEP_NONE; keep < FAKE_KEEP_COUNT; keep++) {
                begin(OLD, OLDER);
                start(REPLACE_SAFE, NEW);
                run(first, 0);
                fake_power_off(env, keep);
                bool was_old = has(X, OLD);
                start(REPLACE_SAFE, "{third}");
                run(second, 0);
                fake_power_off(env, keep);
                ck_assert(has(X, "{third}") || has(X, was_old ? OLD : NEW));
                ck_assert(status != RMQ_OK || has(X, "{third}"));
                ck_assert(has(X ".bak", OLDER) || has(X ".bak", OLD) || has(X ".bak", NEW));
                fake_destroy(env);
            }
        }
    }
}
END_TEST

/* INC-39: Apache's way loses both, the file and its backup. */
START_TEST(test_unsynced_loses_both) {
    unsigned lost = 0;
    for (enum fake_keep keep = FAKE_KEEP_NONE; keep < FAKE_KEEP_COUNT; keep++) {
        bool left = true;
        for (unsigned steps = 0; left; steps++) {
            begin(OLD, OLDER);
            start(REPLACE_UNSYNCED, NEW);
            left = run(steps, 0);
            ck_assert(left || (status == RMQ_OK && has(X, NEW) && has(X ".bak", OLD)));
            fake_power_off(env, keep);
            bool main_good = has(X, OLD) || has(X, NEW);
            bool backup_good = has(X ".bak", OLD) || has(X ".bak", OLDER);
            lost += !main_good && !backup_good;
            fake_destroy(env);
        }
    }
    ck_assert_uint_gt(lost, 0);
}
END_TEST

/* The process dies inside a call. */
START_TEST(test_crash_points) {
    bool crashed = true;
    for (unsigned n = 1; crashed; n++) {
        begin(OLD, OLDER);
        fake_hold_files(env, false);
        start(REPLACE_SAFE, NEW);
        fake_crash_at(env, n);
        fake_settle(env);
        crashed = fake_crashed(env);
        ck_assert(crashed || status == RMQ_OK);
        expect_whole(OLD, OLDER);
        fake_power_off(env, FAKE_KEEP_NONE);
        expect_whole(OLD, OLDER);
        fake_destroy(env);
    }
}
END_TEST

START_TEST(test_failures) {
    static const enum fake_failure kinds[] = {FAKE_FAIL_ALLOC,       FAKE_FAIL_FILE_OPEN,
                                              FAKE_FAIL_FILE_RENAME, FAKE_FAIL_FILE_WRITE,
                                              FAKE_FAIL_FILE_READ,   FAKE_FAIL_FILE_SYNC};
    bool failed = true;
    unsigned n = 1;
    for (; failed; n++) {
        begin(OLD, OLDER);
        fake_hold_files(env, false);
        fake_fail_files_with(env, RMQ_E_NO_SPACE);
        fake_fail_at(env, kinds[_i], n);
        start(REPLACE_SAFE, NEW);
        fake_settle(env);
        failed = fake_failed(env, kinds[_i]);
        ck_assert_uint_eq(done_count, 1);
        expect_whole(OLD, OLDER);
        fake_power_off(env, FAKE_KEEP_NONE);
        expect_whole(OLD, OLDER);
        fake_destroy(env);
    }
    ck_assert_uint_gt(n, 2);
}
END_TEST

/* Called off at each step; only the sync of names cannot be. */
START_TEST(test_cancel) {
    unsigned late = 0;
    for (unsigned steps = 0; steps < 10; steps++) {
        begin(OLD, OLDER);
        start(REPLACE_SAFE, NEW);
        run(steps, 0);
        if (!replace_file_cancel(&replace)) {
            late++;
            ck_assert(!run(100, 0));
            ck_assert_uint_eq(done_count, 1);
        }
        ck_assert_uint_eq(fake_file_ops(env), 0);
        ck_assert_uint_le(done_count, 1);
        fake_destroy(env);
    }
    ck_assert_uint_eq(late, 3); /* /store/config, /store, / */
}
END_TEST

/* ---- reading -----------------------------------------------------------------------------------
 */

static struct read_file reading;

static void on_read(struct read_file *self, int result) {
    ck_assert_ptr_eq(self, &reading);
    status = result;
    done_count++;
}

static int read_x(size_t bytes_max) {
    memset(&reading, 0, sizeof reading);
    status = 1;
    read_file_start(&reading, env, SPAN_LITERAL(X), bytes_max, on_read);
    fake_settle(env);
    return status;
}

START_TEST(test_read) {
    begin(OLD, NULL);
    fake_hold_files(env, false);
    ck_assert_int_eq(read_x(strlen(OLD)), RMQ_OK);
    ck_assert(span_equal(buf_span(&reading.content), SPAN_LITERAL(OLD)));
    buf_deinit(&reading.content);
    ck_assert_int_eq(read_x(strlen(OLD) - 1), RMQ_E_LIMIT);
    fake_fail_at(env, FAKE_FAIL_FILE_READ, 1);
    ck_assert_int_eq(read_x(1000), RMQ_E_IO);
    buf_deinit(&reading.content);
    fake_fail_at(env, FAKE_FAIL_ALLOC, 1);
    ck_assert_int_eq(read_x(1000), RMQ_E_NOMEM);
    fake_put_file(env, X, SPAN_LITERAL(""));
    ck_assert_int_eq(read_x(1000), RMQ_OK);
    ck_assert_uint_eq(reading.content.len, 0);
    fake_remove_file(env, X);
    ck_assert_int_eq(read_x(1000), RMQ_E_NOT_FOUND);
    fake_destroy(env);
}
END_TEST

START_TEST(test_read_cancel) {
    begin(OLD, NULL);
    ck_assert_int_eq(read_x(1000), 1);
    read_file_cancel(&reading);
    read_file_cancel(&reading);
    ck_assert_uint_eq(fake_file_ops(env), 0);
    fake_destroy(env);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("replace_file");
    TCase *tests = suite_case(suite, "replace");
    tcase_add_test(tests, test_replaces);
    tcase_add_test(tests, test_first_one);
    tcase_add_test(tests, test_keeps_backup);
    tcase_add_loop_test(tests, test_power_off, 0, 2);
    tcase_add_test(tests, test_power_off_twice);
    tcase_add_test(tests, test_unsynced_loses_both);
    tcase_add_test(tests, test_crash_points);
    tcase_add_loop_test(tests, test_failures, 0, 6);
    tcase_add_test(tests, test_cancel);
    tests = suite_case(suite, "read");
    tcase_add_test(tests, test_read);
    tcase_add_test(tests, test_read_cancel);
    return suite_run(suite);
}
