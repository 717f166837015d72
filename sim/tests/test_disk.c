/* Files as a process sees them, and what a kill or a power-off leaves. */
#include "sim/tests/disk.h"

static uint8_t bytes[1 << 20];

START_TEST(test_file__content_is_there_when_done_is_called) {
    new_disk(1, 0);
    struct env_file *file = open_file("/f", ENV_OPEN_NEW);
    ck_assert_int_eq(open_error("/f", ENV_OPEN_NEW), RMQ_E_EXISTS);
    ck_assert_int_eq(open_error("/g", ENV_OPEN_WRITE), RMQ_E_NOT_FOUND);
    ck_assert_int_eq(open_error("/d/g", ENV_OPEN_CREATE), RMQ_E_NOT_FOUND);
    ck_assert_int_eq(open_error("/", ENV_OPEN_READ), RMQ_E_INVALID);
    ck_assert_int_eq(open_error("f", ENV_OPEN_READ), RMQ_E_INVALID);
    job.file = file;
    job.offset = 0;
    job.bytes = (const uint8_t *)"hello";
    job.len = 5;
    job.number = 1;
    now(write_job);
    ck_assert_uint_eq(size_of("/f"), 0); /* not before it is done */
    run_for(MS);
    ck_assert(results[1].called);
    ck_assert_int_eq(results[1].status, RMQ_OK);
    ck_assert_uint_eq(results[1].bytes, 5);
    ck_assert_uint_eq(size_of("/f"), 5);
    char text[6] = {0};
    ck_assert(world_disk_get(world, host_a, "/f", 0, text, 5));
    ck_assert_str_eq(text, "hello");
}
END_TEST

START_TEST(test_names__are_listed_by_bytes) {
    new_disk(1, 0);
    ck_assert_int_eq(make_dir("/store/log/deep"), RMQ_OK);
    ck_assert_int_eq(make_dir("/store/log"), RMQ_OK);
    close_file(open_file("/store/b", ENV_OPEN_NEW));
    close_file(open_file("/store/a", ENV_OPEN_NEW));
    close_file(open_file("/store/log-2", ENV_OPEN_NEW));
    ck_assert_str_eq(list_dir("/store"), "a b log/ log-2 ");
    ck_assert_str_eq(list_dir("/"), "store/ ");
    ck_assert_str_eq(list_dir("/nope"), rmq_err_text(RMQ_E_NOT_FOUND));
    ck_assert_int_eq(rename_path("/store/a", "/store/log/c"), RMQ_OK);
    ck_assert_int_eq(rename_path("/store/a", "/store/log/c"), RMQ_E_NOT_FOUND);
    ck_assert_int_eq(unlink_path("/store/log"), RMQ_E_STATE);
    ck_assert_int_eq(unlink_path("/store/b"), RMQ_OK);
    ck_assert_str_eq(list_dir("/store"), "log/ log-2 ");
    ck_assert_str_eq(list_dir("/store/log"), "c deep/ ");
    ck_assert_int_eq(rename_path("/store", "/store/log/x"), RMQ_E_INVALID);
    ck_assert_int_eq(rename_path("/store", "/shop"), RMQ_OK);
    ck_assert_str_eq(list_dir("/shop/log"), "c deep/ ");
}
END_TEST

START_TEST(test_power_off__keeps_what_was_synced) {
    new_disk(1, 0);
    memset(bytes, 7, sizeof bytes);
    ck_assert_int_eq(make_dir("/d"), RMQ_OK);
    struct env_file *file = open_file("/d/f", ENV_OPEN_NEW);
    ck_assert_int_eq(write_file(file, 0, bytes, 100000).status, RMQ_OK);
    ck_assert_int_eq(sync_file(file), RMQ_OK);
    ck_assert_int_eq(write_file(file, 99000, bytes, 100000).status, RMQ_OK);
    ck_assert_int_eq(sync_dir("/d"), RMQ_OK);
    ck_assert_int_eq(sync_dir("/"), RMQ_OK);
    ck_assert_int_eq(sync_dir("/nope"), RMQ_E_NOT_FOUND);
    close_file(open_file("/d/g", ENV_OPEN_NEW));
    power_cycle();
    ck_assert_str_eq(list_dir("/d"), "f ");
    ck_assert_uint_eq(size_of("/d/f"), 100000);
    ck_assert(is_all("/d/f", 0, 100000, 7));
}
END_TEST

START_TEST(test_power_off__loses_names_that_were_not_synced) {
    new_disk(1, 0);
    ck_assert_int_eq(make_dir("/d"), RMQ_OK);
    struct env_file *file = open_file("/d/f", ENV_OPEN_NEW);
    ck_assert_int_eq(write_file(file, 0, "x", 1).status, RMQ_OK);
    ck_assert_int_eq(sync_file(file), RMQ_OK);
    ck_assert_int_eq(sync_dir("/d"), RMQ_OK); /* but not "/" */
    power_cycle();
    ck_assert_str_eq(list_dir("/"), "");
    ck_assert_uint_eq(page_store_bytes(), 0);
}
END_TEST

START_TEST(test_kill__keeps_what_was_written) {
    new_disk(1, 0);
    struct env_file *file = open_file("/f", ENV_OPEN_NEW);
    ck_assert_int_eq(write_file(file, 0, "hello", 5).status, RMQ_OK);
    ck_assert(world_kill(world, node_a));
    ck_assert(world_start(world, node_a));
    run_for(MS);
    ck_assert_uint_eq(size_of("/f"), 5);
    ck_assert_str_eq(list_dir("/"), "f ");
}
END_TEST

static void fill(TCase *cases) {
    tcase_add_test(cases, test_file__content_is_there_when_done_is_called);
    tcase_add_test(cases, test_names__are_listed_by_bytes);
    tcase_add_test(cases, test_power_off__keeps_what_was_synced);
    tcase_add_test(cases, test_power_off__loses_names_that_were_not_synced);
    tcase_add_test(cases, test_kill__keeps_what_was_written);
}

int main(void) {
    return run_suite("disk", fill);
}
