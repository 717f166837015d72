/* Tests of daemon/log_file.h: rolling, with a limit small enough to reach. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "model/tests/suite.h"
#include "real/daemon/log_file.h"

#define LINE_BYTES 40 /* "1970-01-01 00:00:00 INFO main - line 123" */
#define FILE_LINES 25

static char folder[64];
static struct log_file log_;

static void setup(void) {
    (void)snprintf(folder, sizeof folder, "/tmp/rmq_log_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert(log_file_open(&log_, folder, "broker"));
    log_.bytes_max = FILE_LINES * LINE_BYTES;
}

static void teardown(void) {
    char command[80];
    log_file_close(&log_);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* Lines `from` to `to` - 1, and what they roll is packed afterwards. */
static void write_lines(int from, int to) {
    char text[40];
    for (int i = from; i < to; i++) {
        (void)snprintf(text, sizeof text, "line %d", i);
        log_file_write(&log_, 0, 0, "INFO", text);
    }
    log_file_close(&log_);
    uint64_t bytes_max = log_.bytes_max;
    ck_assert(log_file_open(&log_, folder, "broker"));
    log_.bytes_max = bytes_max;
}

/* The number at the end of each line of a file (packed or not), which has to count on from
 * `expected`; the next one. Negative: there is no such file. */
static int read_lines(const char *name, int expected) {
    char path[200], line[200];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    gzFile file = gzopen(path, "rb");
    if (file == NULL)
        return -1;
    while (gzgets(file, line, sizeof line) != NULL) {
        int number = -1;
        ck_assert_int_eq(sscanf(line, "1970-01-01 00:00:00 INFO main - line %d\n", &number), 1);
        ck_assert_int_eq(number, expected++);
    }
    ck_assert_int_eq(gzclose(file), Z_OK);
    return expected;
}

static bool is_packed(const char *name) {
    char path[200];
    unsigned char magic[2] = {0};
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fread(magic, 1, 2, file), 2);
    (void)fclose(file);
    return magic[0] == 0x1f && magic[1] == 0x8b;
}

START_TEST(test_roll__full_file_is_packed_and_no_line_is_lost) {
    write_lines(100, 100 + FILE_LINES);
    ck_assert_int_eq(read_lines("otherdays/broker.1.log.gz", 100), -1);
    write_lines(100 + FILE_LINES, 105 + FILE_LINES);
    ck_assert(is_packed("otherdays/broker.1.log.gz"));
    ck_assert_int_eq(read_lines("otherdays/broker.1.log", 0), -1);
    int next = read_lines("otherdays/broker.1.log.gz", 100);
    ck_assert_int_eq(next, 100 + FILE_LINES);
    ck_assert_int_eq(read_lines("broker.log", next), 105 + FILE_LINES);
}
END_TEST

START_TEST(test_roll__old_files_move_up_and_the_twentieth_goes) {
    char name[64];
    for (int file = 0; file < 22; file++)
        write_lines(100 + file * FILE_LINES, 100 + (file + 1) * FILE_LINES);
    write_lines(100 + 22 * FILE_LINES, 101 + 22 * FILE_LINES);
    ck_assert_int_eq(read_lines("otherdays/broker.21.log.gz", 0), -1);
    int next = 100 + 2 * FILE_LINES; /* the first two files are gone */
    for (int file = 20; file >= 1; file--) {
        (void)snprintf(name, sizeof name, "otherdays/broker.%d.log.gz", file);
        next = read_lines(name, next);
    }
    ck_assert_int_eq(read_lines("broker.log", next), 101 + 22 * FILE_LINES);
}
END_TEST

/* Faster than it packs: while one is being packed the file grows, and nothing is lost. */
START_TEST(test_roll__waits_for_the_one_before) {
    char name[64];
    int next = 10000;
    write_lines(next, next + 20 * FILE_LINES);
    for (int file = 20; file >= 1; file--) {
        (void)snprintf(name, sizeof name, "otherdays/broker.%d.log.gz", file);
        int after = read_lines(name, next);
        next = after < 0 ? next : after;
    }
    ck_assert_int_eq(read_lines("broker.log", next), 10000 + 20 * FILE_LINES);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("log_file");
    TCase *tests = tcase_create("roll");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_roll__full_file_is_packed_and_no_line_is_lost);
    tcase_add_test(tests, test_roll__old_files_move_up_and_the_twentieth_goes);
    tcase_add_test(tests, test_roll__waits_for_the_one_before);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
