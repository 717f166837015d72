/* The real disk where it differs from the others: descriptors, locks between processes, limits,
 * mapped pages that go away, memory that goes while the pool works. */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "model/tests/suite.h"
#include "real/os/disk_internal.h"
#include "real/tests/files.h"

#define PAGE 4096

static uint8_t bytes[1 << 20];

/* ---- descriptors ---- */

static size_t count_descriptors(void) {
    size_t count = 0;
    for (int fd = 0; fd < 4096; fd++) {
        count += fcntl(fd, F_GETFD) >= 0;
    }
    return count;
}

START_TEST(test_open__10000_files_need_few_descriptors) {
    enum { FILES = 10000 };
    static struct env_file *files[FILES];
    char name[32];
    node->disk->descriptors_max = 64;
    size_t before = count_descriptors();
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "/%d", i);
        files[i] = open_file(name, ENV_OPEN_NEW);
        ck_assert_int_eq(write_file(files[i], 0, &i, sizeof i), RMQ_OK);
    }
    for (int i = 0; i < FILES; i += 7) {
        int value = -1;
        ck_assert_int_eq(read_file(files[i], 0, &value, sizeof value), sizeof value);
        ck_assert_int_eq(value, i);
        ck_assert_int_eq(write_file(files[i], 4, &i, sizeof i), RMQ_OK);
        struct call call = {.file = files[i], .len = 8};
        ck_assert_int_eq(now(run_view, &call), RMQ_OK);
        ck_assert_uint_eq(call.offset, 8);
    }
    ck_assert_uint_le(count_descriptors(), before + 64);
    for (int i = 0; i < FILES; i++) {
        close_file(files[i]);
    }
    ck_assert_uint_le(count_descriptors(), before);
    ck_assert_uint_eq(node->disk->inode_count, 0);
}
END_TEST

START_TEST(test_open__survives_a_process_that_has_no_descriptor_left) {
    struct rlimit limit = {64, 64};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    static struct env_file *files[200];
    char name[32];
    node->disk->descriptors_max = 100000; /* the bound is the OS's */
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "/%d", i);
        files[i] = open_file(name, ENV_OPEN_NEW);
        ck_assert_int_eq(write_file(files[i], 0, &i, sizeof i), RMQ_OK);
    }
    for (int i = 0; i < 200; i++) {
        int value = -1;
        ck_assert_int_eq(read_file(files[i], 0, &value, sizeof value), sizeof value);
        ck_assert_int_eq(value, i);
        close_file(files[i]);
    }
}
END_TEST

/* A file whose name changed, or went, while its descriptor was closed. */
START_TEST(test_open__finds_renamed_files_again) {
    char from[ENV_PATH_MAX], to[ENV_PATH_MAX];
    node->disk->descriptors_max = 1;
    struct env_file *a = open_file("/a", ENV_OPEN_NEW), *b = open_file("/b", ENV_OPEN_NEW);
    struct env_file *c = open_file("/c", ENV_OPEN_NEW);
    ck_assert_int_eq(write_file(a, 0, "aa", 2), RMQ_OK);
    ck_assert_int_eq(write_file(b, 0, "bb", 2), RMQ_OK);
    ck_assert_int_eq(write_file(c, 0, "cc", 2), RMQ_OK);
    node->loop->current = node; /* as a handler would */
    ck_assert_int_eq(env_path_rename(node, path_of("/a", from), path_of("/b", to)), RMQ_OK);
    ck_assert_int_eq(env_path_unlink(node, path_of("/c", from)), RMQ_OK);
    node->loop->current = NULL;
    close_file(open_file("/d", ENV_OPEN_NEW));
    char text[3] = "";
    ck_assert_int_eq(read_file(a, 0, text, 2), 2);
    ck_assert_str_eq(text, "aa");
    ck_assert_int_eq(read_file(b, 0, text, 2), 2);
    ck_assert_str_eq(text, "bb");
    ck_assert_int_eq(read_file(c, 0, text, 2), 2);
    ck_assert_str_eq(text, "cc");
    ck_assert_int_eq(write_file(a, 0, "AA", 2), RMQ_OK);
    struct env_file *again = open_file("/b", ENV_OPEN_READ);
    ck_assert_int_eq(read_file(again, 0, text, 2), 2);
    ck_assert_str_eq(text, "AA");
}
END_TEST

/* ---- large files that go ---- */

static uint64_t used_bytes(void) {
    struct env_disk_usage usage;
    node->loop->current = node; /* as a handler would */
    int err = env_disk_usage(node, span_of_text(root), &usage);
    node->loop->current = NULL;
    ck_assert_int_eq(err, RMQ_OK);
    return usage.used_bytes;
}

/* The pool frees a large file, open or not; its name and its share of the disk are gone at once. */
START_TEST(test_unlink__frees_large_files_in_the_pool) {
    enum { LARGE = 64 };
    char path[ENV_PATH_MAX];
    bool open = _i == 1;
    struct env_file *file = open_file("/large", ENV_OPEN_NEW);
    for (uint64_t i = 0; i < LARGE; i++) {
        ck_assert_int_eq(write_file(file, i * sizeof bytes, bytes, sizeof bytes), RMQ_OK);
    }
    ck_assert_int_eq(sync_file(file), RMQ_OK); /* has its blocks now */
    if (!open)
        close_file(file);
    uint64_t before = used_bytes();
    node->loop->current = node; /* as a handler would */
    ck_assert_int_eq(env_path_unlink(node, path_of("/large", path)), RMQ_OK);
    ck_assert_int_eq(env_path_unlink(node, path_of("/large", path)), RMQ_E_NOT_FOUND);
    node->loop->current = NULL;
    if (open) {
        char byte = 'x';
        ck_assert_uint_eq(node->disk->freeing, 0);
        ck_assert_int_eq(read_file(file, sizeof bytes, &byte, 1), 1);
        ck_assert_int_eq(byte, 0);
        close_file(file);
    }
    ck_assert_uint_ge(node->disk->freeing, sizeof bytes * LARGE);
    ck_assert_uint_eq(node->disk->running, 1);
    ck_assert_uint_lt(used_bytes(), before); /* others use the disk, too: no exact sum */
    close_file(open_file("/large", ENV_OPEN_NEW));
    while (node->disk->running > 0) {
        real_loop_turn(loop, UINT64_MAX);
    }
    ck_assert_uint_eq(node->disk->freeing, 0);
    ck_assert_uint_eq(node->disk->inode_count, 0);
}
END_TEST

/* ---- locks ---- */

/* As Java's FileChannel.tryLock(0, 1, false): a POSIX lock, in another process. */
static int other_process_locks(const char *path) {
    pid_t child = fork();
    if (child == 0) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
        int fd = open(path, O_RDWR | O_CREAT, 0644);
        _exit(fcntl(fd, F_SETLK, &lock) == 0 ? 0 : errno == EAGAIN || errno == EACCES ? 1 : 2);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WEXITSTATUS(status);
}

START_TEST(test_lock__excludes_java_and_is_excluded) {
    char path[ENV_PATH_MAX];
    struct call call = {.path = "/lock"}, second = {.path = "/lock"};
    path_of("/lock", path);
    ck_assert_int_eq(now(run_lock, &call), RMQ_OK);
    ck_assert_int_eq(other_process_locks(path), 1);
    ck_assert_int_eq(now(run_lock, &second), RMQ_E_IN_USE);
    close_file(open_file("/lock", ENV_OPEN_READ)); /* a POSIX lock would go now */
    ck_assert_int_eq(other_process_locks(path), 1);
    struct env *first = node;
    begin_node(); /* another node of this process */
    ck_assert_int_eq(now(run_lock, &second), RMQ_E_IN_USE);
    real_node_free(node);
    node = first;
    close_file(call.file);
    ck_assert_int_eq(other_process_locks(path), 0);
    int fd = open(path, O_RDWR), pipes[2];
    ck_assert_int_eq(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) { /* holds it until it is killed */
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
        int got = fcntl(fd, F_SETLK, &lock);
        ssize_t put = write(pipes[1], &got, sizeof got);
        pause();
        _exit((int)put);
    }
    int got = -1;
    ck_assert_int_eq(read(pipes[0], &got, sizeof got), sizeof got);
    ck_assert_int_eq(got, 0);
    ck_assert_int_eq(now(run_lock, &call), RMQ_E_IN_USE);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    ck_assert_int_eq(now(run_lock, &call), RMQ_OK);
    close(fd);
}
END_TEST

/* ---- errors ---- */

START_TEST(test_write__past_the_limit_of_file_sizes_is_no_space) {
    struct rlimit limit = {100000, 100000};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct env_file *file = open_file("/f", ENV_OPEN_NEW);
    struct call call = {.file = file, .bytes = bytes, .len = 150000};
    ck_assert_int_eq(wait_for(run_write, &call), RMQ_E_NO_SPACE);
    ck_assert_uint_eq(call.op.bytes, 100000); /* a prefix is there */
    struct call zero = {.file = file, .offset = 90000, .len = 20000};
    ck_assert_int_eq(wait_for(run_zero, &zero), RMQ_E_NO_SPACE);
    struct call longer = {.file = file, .offset = 200000};
    ck_assert_int_eq(now(run_truncate, &longer), RMQ_E_NO_SPACE);
    ck_assert_int_eq(write_file(file, 99990, bytes, 10), RMQ_OK);
    ck_assert_int_eq(sync_file(file), RMQ_OK);
}
END_TEST

START_TEST(test_merged_writes__fail_by_their_share) {
    struct rlimit limit = {10000, 10000};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct env_file *file = open_file("/f", ENV_OPEN_NEW);
    static struct call calls[4];
    for (unsigned i = 0; i < 4; i++) { /* one pwritev of 16,000 bytes */
        calls[i] = (struct call){.file = file, .offset = i * 4000, .bytes = bytes, .len = 4000};
        now(run_write, &calls[i]);
    }
    for (unsigned i = 0; i < 4; i++) {
        turn_until(loop, is_true, &calls[i].done);
    }
    ck_assert_int_eq(calls[0].status, RMQ_OK);
    ck_assert_int_eq(calls[1].status, RMQ_OK);
    ck_assert_int_eq(calls[2].status, RMQ_E_NO_SPACE);
    ck_assert_uint_eq(calls[2].op.bytes, 2000);
    ck_assert_int_eq(calls[3].status, RMQ_E_NO_SPACE);
    ck_assert_uint_eq(calls[3].op.bytes, 0);
}
END_TEST

/* ---- mapped pages that go away ---- */

START_TEST(test_view__of_a_file_that_somebody_cut_is_zeros_and_breaks_it) {
    char path[ENV_PATH_MAX];
    struct env_file *file = open_file("/f", ENV_OPEN_NEW), *good = open_file("/g", ENV_OPEN_NEW);
    memset(bytes, 1, sizeof bytes);
    ck_assert_int_eq(write_file(file, 0, bytes, 100 * PAGE), RMQ_OK);
    ck_assert_int_eq(write_file(good, 0, bytes, PAGE), RMQ_OK);
    struct call call = {.file = file, .offset = 0, .len = 20 * PAGE};
    ck_assert_int_eq(now(run_view, &call), RMQ_OK);
    ck_assert_uint_eq(call.offset, 20 * PAGE);
    ck_assert_uint_eq(call.len, 20 * PAGE);
    path_of("/f", path);
    ck_assert_int_eq(truncate(path, 10 * PAGE), 0); /* from outside */
    call = (struct call){.file = file, .offset = 0, .len = 20 * PAGE};
    ck_assert_int_eq(now(run_view, &call), RMQ_OK);
    ck_assert_uint_eq(call.len, 10 * PAGE); /* zeros behind the cut */
    ck_assert_int_eq(write_file(file, 0, bytes, 10), RMQ_E_IO);
    ck_assert_int_eq(read_file(file, 0, bytes, 10), RMQ_E_IO);
    ck_assert_int_eq(sync_file(file), RMQ_E_IO);
    struct call zero = {.file = file, .len = 100};
    ck_assert_int_eq(wait_for(run_zero, &zero), RMQ_E_IO);
    call = (struct call){.file = file, .offset = 0, .len = 10};
    ck_assert_int_eq(now(run_view, &call), RMQ_E_AGAIN);
    ck_assert_int_eq(now(run_truncate, &call), RMQ_E_IO);
    ck_assert_ptr_nonnull(strstr(log_text, "/f: a mapped page is gone"));
    ck_assert_int_eq(write_file(good, 0, bytes, 10), RMQ_OK); /* other files go on */
    close_file(file);
    file = open_file("/f", ENV_OPEN_WRITE);
    ck_assert_int_eq(write_file(file, 0, bytes, 10), RMQ_OK);
}
END_TEST

START_TEST(test_bus_error__elsewhere_ends_the_process) {
    struct env_file *file = open_file("/f", ENV_OPEN_NEW);
    ck_assert_int_eq(write_file(file, 0, bytes, PAGE), RMQ_OK);
    struct call call = {.file = file, .len = 10};
    ck_assert_int_eq(now(run_view, &call), RMQ_OK); /* the handler is there */
    pid_t child = fork();
    if (child == 0) {
        raise(SIGBUS); /* not ours: the handler gives way */
        raise(SIGBUS);
        _exit(0);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_ne(status, 0); /* of the signal; sanitizers exit */
}
END_TEST

/* ---- memory that goes ---- */

/* The operations of a closed file are dropped; their memory is freed at once while the pool may be
 * at work. Said by the sanitizers. */
START_TEST(test_close__lets_operations_memory_go) {
    for (int round = 0; round < 200; round++) {
        struct env_file *file = open_file("/f", ENV_OPEN_CREATE);
        struct call *calls = calloc(5, sizeof *calls);
        uint8_t *memory = malloc(100000);
        memset(memory, round, 100000);
        ck_assert_int_eq(write_file(file, 0, memory, 100000), RMQ_OK);
        for (int i = 0; i < 5; i++) {
            static int (*const runs[])(struct call *) = {run_write, run_read, run_sync, run_zero,
                                                         run_read};
            calls[i] = (struct call){.file = file, .bytes = memory, .into = memory, .len = 100000};
            calls[i].offset = i == 3 ? 100000 : 0;
            now(runs[i], &calls[i]);
        }
        for (int turns = round % 4; turns > 0; turns--) {
            real_loop_turn(loop, 0);
        }
        close_file(file);
        memset(calls, 0xee, 5 * sizeof *calls);
        memset(memory, 0xee, 100000);
        free(calls);
        free(memory);
    }
}
END_TEST

/* A node that ends while the pool works for it. */
START_TEST(test_node__ends_while_operations_are_under_way) {
    for (int round = 0; round < 50; round++) {
        struct env_file *file = open_file("/f", ENV_OPEN_CREATE);
        static struct call calls[3];
        memset(calls, 0, sizeof calls);
        calls[0] = (struct call){.file = file, .bytes = bytes, .len = sizeof bytes};
        calls[1] = (struct call){.file = file};
        calls[2] = (struct call){.file = file, .len = 8 << 20};
        now(run_write, &calls[0]);
        now(run_sync, &calls[1]);
        now(run_zero, &calls[2]);
        for (int turns = round % 3; turns > 0; turns--) {
            real_loop_turn(loop, 0);
        }
        bool told = calls[2].done;
        real_node_free(node);
        begin_node();
        close_file(open_file("/f", ENV_OPEN_WRITE));
        ck_assert(calls[2].done == told);
    }
}
END_TEST

/* ---- syncs ---- */

/* Those that are asked for while one runs are one call together. */
START_TEST(test_sync__many_are_told_each) {
    enum { SYNCS = 100 };
    static struct call calls[SYNCS];
    struct env_file *file = open_file("/f", ENV_OPEN_NEW);
    ck_assert_int_eq(write_file(file, 0, bytes, sizeof bytes), RMQ_OK);
    for (int i = 0; i < SYNCS; i++) {
        calls[i] = (struct call){.file = file};
        now(run_sync, &calls[i]);
        ck_assert_uint_le(node->disk->running, 1);
        if (i % 10 == 0) {
            real_loop_turn(loop, 0);
        }
    }
    for (int i = 0; i < SYNCS; i++) {
        turn_until(loop, is_true, &calls[i].done);
        ck_assert_int_eq(calls[i].status, RMQ_OK);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("real disk");
    TCase *tests = suite_case(suite, "disk");
    tcase_add_checked_fixture(tests, setup_files, teardown_files);
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, test_unlink__frees_large_files_in_the_pool, 0, 2);
    tcase_add_test(tests, test_open__10000_files_need_few_descriptors);
    tcase_add_test(tests, test_open__survives_a_process_that_has_no_descriptor_left);
    tcase_add_test(tests, test_open__finds_renamed_files_again);
    tcase_add_test(tests, test_lock__excludes_java_and_is_excluded);
    tcase_add_test(tests, test_write__past_the_limit_of_file_sizes_is_no_space);
    tcase_add_test(tests, test_merged_writes__fail_by_their_share);
    tcase_add_test(tests, test_view__of_a_file_that_somebody_cut_is_zeros_and_breaks_it);
    tcase_add_test(tests, test_close__lets_operations_memory_go);
    tcase_add_test(tests, test_node__ends_while_operations_are_under_way);
    tcase_add_test(tests, test_sync__many_are_told_each);
    tcase_add_test(tests, test_bus_error__elsewhere_ends_the_process);
    return suite_run(suite);
}
