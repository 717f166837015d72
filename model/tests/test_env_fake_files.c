/* test_env_fake_files.c - the fake's disk: what completes when, what survives what, and that the
 * rules of env.h are asserted (those tests end in SIGABRT). */
#include <signal.h>
#include <string.h>

#include "model/base/buf.h"
#include "model/base/check.h"
#include "model/tests/env_fake.h"
#include "model/tests/suite.h"

#define PATH SPAN_LITERAL("/d/file")

static struct env *env;
static struct env_file *file;
static struct env_file_op ops[4];
static int statuses[4]; /* 1: not yet */
static unsigned order[8], done_count;

static void on_done(struct env_file_op *op, int status) {
    statuses[op - ops] = status;
    order[done_count++ % 8] = (unsigned)(op - ops);
}

static void begin(void) {
    env = fake_create();
    fake_put_file(env, "/d/file", SPAN_LITERAL("old content"));
    ck_assert_int_eq(env_file_open(env, PATH, ENV_OPEN_WRITE, &file), RMQ_OK);
    memset(ops, 0, sizeof ops);
    memset(statuses, 1, sizeof statuses);
    done_count = 0;
}

static void end(void) {
    env_file_close(file);
    file = NULL;
    fake_destroy(env);
}

static void write_text(size_t op, uint64_t offset, const char *text) {
    env_file_write(file, offset, span_of_text(text), &ops[op], on_done);
}

static void expect_content(const char *path, const char *text) {
    struct span content = SPAN_NONE;
    ck_assert(fake_get_file(env, path, &content));
    ck_assert_uint_eq(content.len, strlen(text));
    ck_assert_mem_eq(content.data, text, content.len);
}

static void power_off(enum fake_keep keep) {
    fake_power_off(env, keep);
    file = NULL;
}

START_TEST(test_takes_effect_when_done) {
    begin();
    write_text(0, 4, "CONT");
    ck_assert(env_file_op_active(&ops[0]));
    expect_content("/d/file", "old content");
    fake_settle(env);
    ck_assert(!env_file_op_active(&ops[0]));
    ck_assert_int_eq(statuses[0], RMQ_OK);
    ck_assert_uint_eq(ops[0].bytes, 4);
    expect_content("/d/file", "old CONTent");
    end();
}
END_TEST

START_TEST(test_read) {
    char into[64];
    begin();
    env_file_read(file, 4, into, sizeof into, &ops[0], on_done);
    env_file_read(file, 11, into, sizeof into, &ops[1], on_done);
    fake_settle(env);
    ck_assert_uint_eq(ops[0].bytes, 7);
    ck_assert_mem_eq(into, "content", 7);
    ck_assert_uint_eq(ops[1].bytes, 0);
    ck_assert_int_eq(statuses[1], RMQ_OK);
    end();
}
END_TEST

START_TEST(test_view) {
    struct span view = SPAN_NONE;
    begin();
    ck_assert_int_eq(env_file_view(file, 4, 100, &view), RMQ_OK);
    ck_assert(span_equal(view, SPAN_LITERAL("content")));
    fake_set_view_max(env, 3);
    ck_assert_int_eq(env_file_view(file, 4, 100, &view), RMQ_OK);
    ck_assert(span_equal(view, SPAN_LITERAL("con")));
    ck_assert_int_eq(env_file_view(file, 11, 1, &view), RMQ_E_RANGE);
    fake_fail_at(env, FAKE_FAIL_FILE_VIEW, 1);
    ck_assert_int_eq(env_file_view(file, 4, 100, &view), RMQ_E_AGAIN);
    ck_assert_int_eq(env_file_view(file, 4, 100, &view), RMQ_OK);
    fake_set_cold(env, true);
    ck_assert_int_eq(env_file_view(file, 4, 100, &view), RMQ_E_AGAIN);
    end();
}
END_TEST

START_TEST(test_zero_and_truncate_and_gap) {
    begin();
    env_file_zero(file, 3, 5, &ops[0], on_done);
    fake_settle(env);
    struct span content = SPAN_NONE;
    ck_assert(fake_get_file(env, "/d/file", &content));
    ck_assert(span_equal(content, SPAN_LITERAL("old\0\0\0\0\0ent")));
    ck_assert_int_eq(env_file_truncate(file, 2), RMQ_OK);
    write_text(0, 4, "x");
    fake_settle(env);
    ck_assert(fake_get_file(env, "/d/file", &content));
    ck_assert(span_equal(content, SPAN_LITERAL("ol\0\0x")));
    ck_assert_uint_eq(env_file_size(file), 5);
    end();
}
END_TEST

START_TEST(test_order_of_completion) {
    begin();
    for (size_t i = 0; i < 3; i++) {
        write_text(i, i, "abc");
    }
    fake_settle(env);
    ck_assert_uint_eq(done_count, 3);
    ck_assert(order[0] == 0 && order[1] == 1 && order[2] == 2);
    fake_hold_files(env, true);
    for (size_t i = 0; i < 3; i++) {
        write_text(i, i, "abc");
    }
    fake_advance_ms(env, 1000);
    ck_assert_uint_eq(fake_file_ops(env), 3);
    fake_complete(env, 1);
    ck_assert_uint_eq(order[3], 1);
    fake_complete_reverse(env);
    ck_assert(order[4] == 2 && order[5] == 0);
    end();
}
END_TEST

/* Each kind of failure, with each status. */
START_TEST(test_failures) {
    static const int errors[] = {RMQ_E_IO, RMQ_E_NO_SPACE};
    char into[4];
    begin();
    fake_fail_files_with(env, errors[_i]);
    fake_fail_at(env, FAKE_FAIL_FILE_WRITE, 2);
    fake_fail_at(env, FAKE_FAIL_FILE_READ, 1);
    fake_fail_at(env, FAKE_FAIL_FILE_SYNC, 1);
    write_text(0, 0, "OLD");
    write_text(1, 4, "CONT");
    env_file_read(file, 0, into, 4, &ops[2], on_done);
    env_file_sync(file, &ops[3], on_done);
    fake_settle(env);
    ck_assert_int_eq(statuses[0], RMQ_OK);
    ck_assert_int_eq(statuses[1], errors[_i]);
    ck_assert_uint_eq(ops[1].bytes, 2);
    ck_assert_int_eq(statuses[2], errors[_i]);
    ck_assert_int_eq(statuses[3], errors[_i]);
    ck_assert(fake_failed(env, FAKE_FAIL_FILE_WRITE) && fake_failed(env, FAKE_FAIL_FILE_SYNC));
    expect_content("/d/file", "OLD COntent");
    struct env_file *other = NULL;
    fake_fail_at(env, FAKE_FAIL_FILE_OPEN, 1);
    ck_assert_int_eq(env_file_open(env, PATH, ENV_OPEN_READ, &other), errors[_i]);
    fake_fail_at(env, FAKE_FAIL_FILE_RENAME, 1);
    ck_assert_int_eq(env_path_rename(env, PATH, SPAN_LITERAL("/d/other")), errors[_i]);
    expect_content("/d/file", "OLD COntent");
    end();
}
END_TEST

START_TEST(test_power_off_without_sync) {
    begin();
    write_text(0, 0, "OLD content and more");
    fake_settle(env);
    power_off(FAKE_KEEP_NONE);
    expect_content("/d/file", "old content");
    end();
    begin();
    write_text(0, 0, "OLD content and more");
    fake_settle(env);
    power_off(FAKE_KEEP_ALL);
    expect_content("/d/file", "OLD content and more");
    end();
}
END_TEST

/* A kill is no power-off. */
START_TEST(test_exit_keeps_what_was_written) {
    begin();
    write_text(0, 0, "OLD");
    fake_settle(env);
    end(); /* fake_destroy accepts it: nothing is open */
}
END_TEST

static void write_and_sync(const char *text) {
    write_text(0, 0, text);
    fake_settle(env);
    env_file_sync(file, &ops[1], on_done);
    fake_settle(env);
}

START_TEST(test_sync_makes_durable) {
    begin();
    write_and_sync("synced, and longer");
    power_off(FAKE_KEEP_NONE);
    expect_content("/d/file", "synced, and longer");
    end();
}
END_TEST

/* What is written after the start of a sync is not covered by it. */
START_TEST(test_sync_covers_what_was_there) {
    begin();
    fake_hold_files(env, true);
    env_file_sync(file, &ops[0], on_done);
    write_text(1, 0, "OLD");
    fake_complete(env, 1);
    fake_complete(env, 0);
    ck_assert_int_eq(statuses[0], RMQ_OK);
    power_off(FAKE_KEEP_NONE);
    expect_content("/d/file", "old content");
    end();
}
END_TEST

/* Of two syncs that complete in the wrong order the older one takes nothing back. */
START_TEST(test_syncs_in_reverse) {
    begin();
    fake_hold_files(env, true);
    write_text(0, 0, "1");
    fake_complete(env, 0);
    env_file_sync(file, &ops[0], on_done);
    write_text(1, 0, "2");
    fake_complete(env, 1);
    env_file_sync(file, &ops[1], on_done);
    fake_complete_reverse(env);
    power_off(FAKE_KEEP_NONE);
    expect_content("/d/file", "2ld content");
    end();
}
END_TEST

/* The pages of a failed sync are gone although the next one succeeds, until they are written again.
 */
START_TEST(test_failed_sync) {
    begin();
    fake_fail_at(env, FAKE_FAIL_FILE_SYNC, 1);
    write_and_sync("OLD");
    ck_assert_int_eq(statuses[1], RMQ_E_IO);
    env_file_sync(file, &ops[1], on_done);
    fake_settle(env);
    ck_assert_int_eq(statuses[1], RMQ_OK);
    expect_content("/d/file", "OLD content");
    power_off(FAKE_KEEP_ALL);
    expect_content("/d/file", "old content");
    end();
}
END_TEST

static uint8_t big[3 * 4096];

static struct span big_after(enum fake_keep keep) {
    struct span content = SPAN_NONE;
    begin();
    memset(big, 'b', sizeof big);
    fake_put_file(env, "/d/big", span_of(big, sizeof big));
    env_file_close(file);
    ck_assert_int_eq(env_file_open(env, SPAN_LITERAL("/d/big"), ENV_OPEN_WRITE, &file), RMQ_OK);
    memset(big, 'n', sizeof big);
    env_file_write(file, 0, span_of(big, sizeof big), &ops[0], on_done);
    fake_settle(env);
    power_off(keep);
    ck_assert(fake_get_file(env, "/d/big", &content));
    ck_assert_uint_eq(content.len, sizeof big);
    return content;
}

START_TEST(test_power_off_page_by_page) {
    struct span even = big_after(FAKE_KEEP_EVEN);
    ck_assert(even.data[0] == 'n' && even.data[4096] == 'b' && even.data[8192] == 'n');
    end();
    struct span odd = big_after(FAKE_KEEP_ODD);
    ck_assert(odd.data[0] == 'b' && odd.data[4096] == 'n' && odd.data[8192] == 'b');
    end();
    struct span torn = big_after(FAKE_KEEP_TORN);
    ck_assert(torn.data[0] == 'n' && torn.data[511] == 'n' && torn.data[512] == 'b');
    end();
}
END_TEST

static void sync_dir(const char *path) {
    env_path_sync_dir(env, span_of_text(path), &ops[0], on_done);
    fake_settle(env);
    ck_assert_int_eq(statuses[0], RMQ_OK);
}

/* A new file whose bytes are synced is gone without its name. */
START_TEST(test_names_need_their_own_sync) {
    struct span content = SPAN_NONE;
    for (int synced = 0; synced < 2; synced++) {
        begin();
        env_file_close(file);
        ck_assert_int_eq(env_file_open(env, SPAN_LITERAL("/d/new"), ENV_OPEN_NEW, &file), RMQ_OK);
        write_and_sync("text");
        if (synced) {
            sync_dir("/d");
        }
        power_off(FAKE_KEEP_NONE);
        ck_assert_int_eq(fake_get_file(env, "/d/new", &content), synced);
        end();
    }
}
END_TEST

START_TEST(test_rename) {
    struct span content = SPAN_NONE;
    for (int synced = 0; synced < 2; synced++) {
        begin();
        fake_put_file(env, "/d/tmp", SPAN_LITERAL("new"));
        ck_assert_int_eq(env_path_rename(env, SPAN_LITERAL("/d/tmp"), PATH), RMQ_OK);
        expect_content("/d/file", "new");
        if (synced) {
            sync_dir("/d");
        }
        power_off(FAKE_KEEP_NONE);
        expect_content("/d/file", synced ? "new" : "old content");
        ck_assert_int_eq(fake_get_file(env, "/d/tmp", &content), !synced);
        end();
    }
}
END_TEST

/* A directory that was not synced takes what is in it. */
START_TEST(test_directories) {
    struct buf list;
    begin();
    buf_init(&list, env);
    ck_assert_int_eq(env_path_make_dir(env, SPAN_LITERAL("/d/x/y")), RMQ_OK);
    ck_assert_int_eq(env_path_make_dir(env, SPAN_LITERAL("/d/x/y")), RMQ_OK);
    env_file_close(file);
    ck_assert_int_eq(env_file_open(env, SPAN_LITERAL("/d/x/f"), ENV_OPEN_NEW, &file), RMQ_OK);
    ck_assert_int_eq(env_path_list(env, SPAN_LITERAL("/d"), &list), RMQ_OK);
    ck_assert(span_equal(buf_span(&list), SPAN_LITERAL("file\0x/\0")));
    buf_clear(&list);
    ck_assert_int_eq(env_path_list(env, SPAN_LITERAL("/d/x"), &list), RMQ_OK);
    ck_assert(span_equal(buf_span(&list), SPAN_LITERAL("f\0y/\0")));
    buf_deinit(&list);
    ck_assert_int_eq(env_path_unlink(env, SPAN_LITERAL("/d/x")), RMQ_E_STATE);
    sync_dir("/d/x");
    power_off(FAKE_KEEP_NONE);
    struct span content = SPAN_NONE;
    ck_assert(!fake_get_file(env, "/d/x/f", &content));
    buf_init(&list, env);
    ck_assert_int_eq(env_path_list(env, SPAN_LITERAL("/d/x"), &list), RMQ_E_NOT_FOUND);
    end();
}
END_TEST

START_TEST(test_open_errors) {
    struct env_file *other = NULL;
    begin();
    ck_assert_int_eq(env_file_open(env, PATH, ENV_OPEN_NEW, &other), RMQ_E_EXISTS);
    ck_assert_int_eq(env_file_open(env, SPAN_LITERAL("/d"), ENV_OPEN_READ, &other), RMQ_E_INVALID);
    ck_assert_int_eq(env_file_open(env, SPAN_LITERAL("/d/../x"), ENV_OPEN_CREATE, &other),
                     RMQ_E_INVALID);
    ck_assert_int_eq(env_file_open(env, SPAN_LITERAL("/no/x"), ENV_OPEN_CREATE, &other),
                     RMQ_E_NOT_FOUND);
    ck_assert_int_eq(env_file_open(env, SPAN_LITERAL("/d/x"), ENV_OPEN_WRITE, &other),
                     RMQ_E_NOT_FOUND);
    ck_assert_int_eq(env_path_unlink(env, PATH), RMQ_OK);
    ck_assert_int_eq(env_path_unlink(env, PATH), RMQ_E_NOT_FOUND);
    ck_assert_int_eq(env_path_rename(env, PATH, SPAN_LITERAL("/d/x")), RMQ_E_NOT_FOUND);
    end();
}
END_TEST

START_TEST(test_lock) {
    struct env_file *lock = NULL, *again = NULL;
    struct span path = SPAN_LITERAL("/d/lock");
    begin();
    ck_assert_int_eq(env_file_lock(env, path, &lock), RMQ_OK);
    ck_assert_int_eq(env_file_lock(env, path, &again), RMQ_E_IN_USE);
    env_file_close(lock);
    fake_set_locked(env, "/d/lock", true);
    ck_assert_int_eq(env_file_lock(env, path, &again), RMQ_E_IN_USE);
    fake_set_locked(env, "/d/lock", false);
    ck_assert_int_eq(env_file_lock(env, path, &lock), RMQ_OK);
    power_off(FAKE_KEEP_ALL);
    ck_assert_int_eq(env_file_lock(env, path, &file), RMQ_OK);
    end();
}
END_TEST

START_TEST(test_usage) {
    struct env_disk_usage usage;
    begin();
    ck_assert_int_eq(env_disk_usage(env, SPAN_LITERAL("/d"), &usage), RMQ_OK);
    ck_assert_uint_eq(usage.used_bytes, 11);
    fake_set_disk_usage(env, 1000, 900);
    ck_assert_int_eq(env_disk_usage(env, SPAN_LITERAL("/d"), &usage), RMQ_OK);
    ck_assert(usage.total_bytes == 1000 && usage.used_bytes == 900);
    ck_assert_int_eq(env_disk_usage(env, SPAN_LITERAL("/no"), &usage), RMQ_E_NOT_FOUND);
    end();
}
END_TEST

START_TEST(test_close_drops_operations) {
    begin();
    write_text(0, 0, "OLD");
    env_file_close(file);
    ck_assert(!env_file_op_active(&ops[0]));
    fake_settle(env);
    ck_assert_uint_eq(done_count, 0);
    file = NULL;
    end();
}
END_TEST

/* ---- a node that dies in the middle ------------------------------------------------------------
 */

struct saver {
    struct env *env;
    struct env_file *file;
    struct env_file_op op;
};

static void on_saved(struct env_file_op *op, int status) {
    struct saver *saver = RMQ_CONTAINER_OF(op, struct saver, op);
    ck_assert_int_eq(status, RMQ_OK);
    env_exit(saver->env, 0);
}

static void on_written(struct env_file_op *op, int status) {
    struct saver *saver = RMQ_CONTAINER_OF(op, struct saver, op);
    ck_assert_int_eq(status, RMQ_OK);
    env_file_sync(saver->file, op, on_saved);
}

static int saver_start(struct env *self, const struct props *config, void **out) {
    (void)config;
    struct saver *saver = env_alloc(self, sizeof *saver);
    ck_assert_ptr_nonnull(saver);
    memset(saver, 0, sizeof *saver);
    saver->env = self;
    *out = saver;
    int err = env_file_open(self, PATH, ENV_OPEN_WRITE, &saver->file);
    if (err == RMQ_OK) {
        env_file_write(saver->file, 0, SPAN_LITERAL("NEW"), &saver->op, on_written);
    }
    return err;
}

static const struct role saver_role = {.name = "saver", .start = saver_start};

/* File calls are crash points; the files outlive the node. */
START_TEST(test_crash_points) {
    int status = -1;
    begin();
    env_file_close(file);
    file = NULL;
    unsigned n = 1;
    for (; !fake_exited(env, &status); n++) {
        fake_crash_at(env, n);
        (void)fake_start_text(env, &saver_role, "");
        fake_settle(env);
        struct span content = SPAN_NONE;
        ck_assert(fake_get_file(env, "/d/file", &content));
        ck_assert(span_equal(content, SPAN_LITERAL("NEW content")) || n < 4);
    }
    ck_assert_uint_ge(n, 6); /* alloc, open, write, sync, exit */
    fake_crash_at(env, 0);
    ck_assert_int_eq(status, 0);
    end();
}
END_TEST

/* ---- rules -------------------------------------------------------------------------------------
 */

START_TEST(test_rule_reuse) {
    begin();
    write_text(0, 0, "a");
    write_text(0, 0, "b");
}
END_TEST

START_TEST(test_rule_zero_initialised) {
    begin();
    memset(ops, 0xA5, sizeof ops);
    write_text(0, 0, "a");
}
END_TEST

START_TEST(test_rule_freed_op) {
    begin();
    struct saver *saver = env_alloc(env, sizeof *saver);
    ck_assert_ptr_nonnull(saver);
    memset(saver, 0, sizeof *saver);
    env_file_sync(file, &saver->op, on_saved);
    env_free(env, saver);
}
END_TEST

START_TEST(test_rule_freed_bytes) {
    begin();
    char *bytes = env_alloc(env, 4);
    ck_assert_ptr_nonnull(bytes);
    env_file_write(file, 0, span_of(bytes, 4), &ops[0], on_done);
    env_free(env, bytes);
}
END_TEST

START_TEST(test_rule_closed) {
    begin();
    env_file_close(file);
    (void)env_file_size(file);
}
END_TEST

START_TEST(test_rule_read_only) {
    begin();
    struct env_file *other = NULL;
    ck_assert_int_eq(env_file_open(env, PATH, ENV_OPEN_READ, &other), RMQ_OK);
    env_file_write(other, 0, PATH, &ops[0], on_done);
}
END_TEST

START_TEST(test_rule_left_open) {
    begin();
    fake_destroy(env);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("env_fake_files");
    TCase *tests = suite_case(suite, "operations");
    tcase_add_test(tests, test_takes_effect_when_done);
    tcase_add_test(tests, test_read);
    tcase_add_test(tests, test_view);
    tcase_add_test(tests, test_zero_and_truncate_and_gap);
    tcase_add_test(tests, test_order_of_completion);
    tcase_add_loop_test(tests, test_failures, 0, 2);
    tcase_add_test(tests, test_close_drops_operations);
    tcase_add_test(tests, test_open_errors);
    tcase_add_test(tests, test_lock);
    tcase_add_test(tests, test_usage);
    tests = suite_case(suite, "power-off");
    tcase_add_test(tests, test_power_off_without_sync);
    tcase_add_test(tests, test_exit_keeps_what_was_written);
    tcase_add_test(tests, test_sync_makes_durable);
    tcase_add_test(tests, test_sync_covers_what_was_there);
    tcase_add_test(tests, test_syncs_in_reverse);
    tcase_add_test(tests, test_failed_sync);
    tcase_add_test(tests, test_power_off_page_by_page);
    tcase_add_test(tests, test_names_need_their_own_sync);
    tcase_add_test(tests, test_rename);
    tcase_add_test(tests, test_directories);
    tcase_add_test(tests, test_crash_points);
    tests = suite_case(suite, "rules");
    tcase_add_test_raise_signal(tests, test_rule_reuse, SIGABRT);
    tcase_add_test_raise_signal(tests, test_rule_zero_initialised, SIGABRT);
    tcase_add_test_raise_signal(tests, test_rule_freed_op, SIGABRT);
    tcase_add_test_raise_signal(tests, test_rule_freed_bytes, SIGABRT);
    tcase_add_test_raise_signal(tests, test_rule_closed, SIGABRT);
    tcase_add_test_raise_signal(tests, test_rule_read_only, SIGABRT);
    tcase_add_test_raise_signal(tests, test_rule_left_open, SIGABRT);
    return suite_run(suite);
}
