/* --check-store over stores that RocketMQ wrote, as they are and damaged. */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/tests/suite.h"
#include "real/mqbroker/check_store.h"

static char root[64], store[128];
static char *report;

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    ck_assert_msg(system(line) == 0, "%s", line);
}

static void setup(void) {
    snprintf(root, sizeof root, "/tmp/check-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    report = NULL;
}
static void teardown(void) {
    run("rm -rf %s", root);
    free(report);
}

static void unpack(const char *name) {
    run("xz -dc '%s/model/tests/vectors/store/%s.tar.xz' | tar -x -C %s", RMQ_SOURCE_DIR, name,
        root);
    snprintf(store, sizeof store, "%s/store", root);
}

static int check(void) {
    size_t len;
    free(report);
    FILE *out = open_memstream(&report, &len);
    int result = check_store(store, out);
    fclose(out);
    return result;
}

static void poke(const char *name, long offset, uint8_t flip) {
    char path[256];
    uint8_t byte;
    snprintf(path, sizeof path, "%s/%s", store, name);
    int fd = open(path, O_RDWR);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pread(fd, &byte, 1, offset), 1);
    byte ^= flip;
    ck_assert_int_eq(pwrite(fd, &byte, 1, offset), 1);
    close(fd);
}

static void ck_says(const char *text) {
    ck_assert_msg(strstr(report, text) != NULL, "expected \"%s\" in:\n%s", text, report);
}

static const char *const NAMES[] = {"4.9.7-clean", "4.9.7-kill", "5.3.3-clean", "5.3.3-kill"};

START_TEST(test_store__of_apache_is_right_and_is_not_touched) {
    static const char LIST[] =
        "cd %s && find store -type f -printf '%%p %%s %%T@ ' -exec md5sum {} ';' | sort > %s";
    unpack(NAMES[_i]);
    run(LIST, root, "before");
    ck_assert_msg(check() == 0, "%s", report);
    run(LIST, root, "after");
    run("cd %s && cmp before after", root);
    ck_says("result: nothing is wrong");
    ck_says(_i % 2 == 0 ? "last stop: clean" : "last stop: not clean");
}
END_TEST

START_TEST(test_bad_record__is_found_and_said) {
    unpack("4.9.7-clean");
    ck_assert_int_eq(check(), 0);
    poke("commitlog/00000000000000000000", 90, 1); /* in the first record's body or properties */
    ck_assert_int_eq(check(), 1);
    ck_says("wrong: first bad record: at 0 in file 00000000000000000000");
}
END_TEST

START_TEST(test_bad_unit__is_found_and_said) {
    char path[256], line[512];
    unpack("4.9.7-clean");
    snprintf(line, sizeof line, "cd %s && find consumequeue -type f | sort | head -1", store);
    FILE *pipe = popen(line, "r");
    ck_assert_ptr_nonnull(fgets(path, sizeof path, pipe));
    ck_assert_int_eq(pclose(pipe), 0);
    path[strcspn(path, "\n")] = '\0';
    poke(path, 7, 1); /* the first unit's physical offset */
    ck_assert_int_eq(check(), 1);
    ck_says("unit 0 names");
    ck_says("there is no record");
    poke(path, 7, 1);
    ck_assert_int_eq(check(), 0);
    poke(path, 11, 1); /* its length */
    ck_assert_int_eq(check(), 1);
    ck_says("the record has another length");
}
END_TEST

START_TEST(test_missing_queue__is_wrong_after_a_clean_stop_only) {
    unpack("4.9.7-clean");
    run("rm -r %s/consumequeue", store);
    ck_assert_int_eq(check(), 1);
    ck_says("the log's last message of it is");
    run("touch %s/abort", store);
    ck_assert_int_eq(check(), 0);
    ck_says("which the next start completes");
}
END_TEST

START_TEST(test_files__that_do_not_fit_are_said) {
    unpack("4.9.7-clean");
    run("touch %s/commitlog/readme", store);
    run("echo x > %s/commitlog/readme", store);
    ck_assert_int_eq(check(), 1);
    ck_says("readme: its name is no offset of 20 digits");
    run("rm %s/commitlog/readme; head -c 100 /dev/zero > %s/commitlog/00000000000099999999", store,
        store);
    ck_assert_int_eq(check(), 1);
    ck_says("00000000000099999999: is 100 bytes");
    snprintf(store, sizeof store, "%s/nowhere", root);
    ck_assert_int_eq(check(), 1);
    ck_says("expected a directory");
}
END_TEST

START_TEST(test_running_broker__is_said) {
    char path[256];
    unpack("4.9.7-clean");
    snprintf(path, sizeof path, "%s/lock", store);
    int fd = open(path, O_RDWR | O_CREAT, 0644), pipes[2];
    ck_assert_int_eq(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
        int got = fcntl(fd, F_SETLK, &lock);
        ssize_t put = write(pipes[1], &got, sizeof got);
        pause();
        _exit((int)put);
    }
    int got = -1;
    ck_assert_int_eq(read(pipes[0], &got, sizeof got), sizeof got);
    ck_assert_int_eq(check(), 1);
    ck_says("is held: stop the broker first");
    kill(child, SIGKILL);
    close(fd);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("check store");
    TCase *tests = suite_case(suite, "check store");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, test_store__of_apache_is_right_and_is_not_touched, 0, 4);
    tcase_add_test(tests, test_bad_record__is_found_and_said);
    tcase_add_test(tests, test_bad_unit__is_found_and_said);
    tcase_add_test(tests, test_missing_queue__is_wrong_after_a_clean_stop_only);
    tcase_add_test(tests, test_files__that_do_not_fit_are_said);
    tcase_add_test(tests, test_running_broker__is_said);
    return suite_run(suite);
}
