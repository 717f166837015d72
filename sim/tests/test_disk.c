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

/* A view at `offset`: its length, when all of it is `value`. */
static size_t view_of(struct env_file *file, uint64_t offset, size_t len, uint8_t value) {
    job.file = file;
    job.offset = offset;
    job.len = len;
    job.into = bytes;
    ck_assert_int_eq(now(view_job), RMQ_OK);
    for (size_t i = 0; i < job.len; i++) {
        ck_assert_uint_eq(bytes[i], value);
    }
    return (size_t)job.len;
}

START_TEST(test_content__is_zeros_where_nothing_was_written) {
    new_disk(1, 0);
    struct env_file *file = open_file("/f", ENV_OPEN_NEW);
    memset(bytes, 7, 10);
    ck_assert_int_eq(write_file(file, 100000, bytes, 10).status, RMQ_OK);
    ck_assert_uint_eq(size_of("/f"), 100010);
    ck_assert(is_all("/f", 0, 100000, 0));
    ck_assert(is_all("/f", 100000, 10, 7));
    ck_assert_int_eq(truncate_file(file, 100005), RMQ_OK);
    ck_assert_int_eq(truncate_file(file, 300000), RMQ_OK);
    ck_assert(is_all("/f", 100000, 5, 7));
    ck_assert(is_all("/f", 100005, 300000 - 100005, 0));
    ck_assert_uint_eq(view_of(file, 0, 1 << 20, 0), 65536);
    ck_assert_uint_eq(view_of(file, 100000, 5, 7), 5);
    ck_assert_uint_eq(view_of(file, 262144, 1 << 20, 0), 300000 - 262144);
    job.offset = 300000;
    ck_assert_int_eq(now(view_job), RMQ_E_RANGE);
    memset(bytes, 8, 20000);
    ck_assert_int_eq(write_file(file, 200000, bytes, 20000).status, RMQ_OK);
    ck_assert_int_eq(zero_file(file, 200100, 19800).status, RMQ_OK);
    ck_assert(is_all("/f", 200000, 100, 8));
    ck_assert(is_all("/f", 200100, 19800, 0));
    ck_assert(is_all("/f", 219900, 100, 8));
    ck_assert_int_eq(zero_file(file, 299999, 2).status, RMQ_OK);
    ck_assert_uint_eq(size_of("/f"), 300001);
}
END_TEST

START_TEST(test_read__ends_at_the_end_of_the_file) {
    new_disk(1, 0);
    struct env_file *file = open_file("/f", ENV_OPEN_NEW);
    ck_assert_int_eq(write_file(file, 0, "hello", 5).status, RMQ_OK);
    job.file = file;
    job.into = bytes;
    job.offset = 2;
    job.len = 100;
    struct result result = wait_for(read_job);
    ck_assert_int_eq(result.status, RMQ_OK);
    ck_assert_uint_eq(result.bytes, 3);
    ck_assert_mem_eq(bytes, "llo", 3);
    job.offset = 5;
    ck_assert_uint_eq(wait_for(read_job).bytes, 0);
    job.offset = UINT64_MAX;
    ck_assert_uint_eq(wait_for(read_job).bytes, 0);
    job.bytes = bytes;
    job.offset = UINT64_MAX - 5;
    ck_assert_int_eq(wait_for(write_job).status, RMQ_E_NO_SPACE);
}
END_TEST

START_TEST(test_cache__is_bounded) {
    new_disk(1, 1000000);
    profile.cache_bytes = 4 * 65536;
    profile.read_latency = (struct dist){.kind = DIST_CONSTANT, .min = 5 * MS};
    profile.bytes_per_second = 65536000; /* 64 KiB in a ms */
    world_set_disk(world, host_a, &profile);
    struct env_file *file = open_file("/f", ENV_OPEN_NEW);
    memset(bytes, 7, sizeof bytes);
    ck_assert_int_eq(write_file(file, 0, bytes, 8 * 65536).status, RMQ_OK);
    view_of(file, 0, 10, 7); /* what is not durable stays in memory */
    ck_assert_int_eq(sync_file(file), RMQ_OK);
    view_of(file, 7 * 65536, 10, 7);
    job.offset = 3 * 65536;
    ck_assert_int_eq(now(view_job), RMQ_E_AGAIN);
    job.len = 65537;
    job.number = 1;
    job.into = bytes;
    uint64_t began = world_now(world);
    now(read_job);
    run_for(100 * MS);
    ck_assert_uint_eq(results[1].at_ns, began + 7 * MS); /* two blocks */
    view_of(file, 3 * 65536, 10, 7);
    view_of(file, 0, 10, 7);
    job.offset = 5 * 65536; /* not used for longest */
    ck_assert_int_eq(now(view_job), RMQ_E_AGAIN);
    power_cycle();
    file = open_file("/f", ENV_OPEN_READ);
    job.file = file;
    job.offset = 7 * 65536;
    job.len = 10;
    ck_assert_int_eq(now(view_job), RMQ_E_AGAIN);
}
END_TEST

START_TEST(test_file__has_the_time_of_its_last_change) {
    new_disk(1, 1000000);
    ck_assert(world_disk_put(world, host_a, "/old/f", "abc", 3, 1234567));
    job.file = open_file("/old/f", ENV_OPEN_WRITE);
    now(modified_job);
    ck_assert_uint_eq(job.offset, 1234567);
    run_for(WORLD_SECOND_NS);
    ck_assert_int_eq(write_file(job.file, 1, "x", 1).status, RMQ_OK);
    now(modified_job);
    ck_assert_uint_ge(job.offset, 1767225601000);
    ck_assert_uint_le(job.offset, 1767225602000);
}
END_TEST

START_TEST(test_usage__counts_pages) {
    new_disk(1, 0);
    job.path = "/";
    ck_assert_int_eq(now(usage_job), RMQ_OK);
    ck_assert_uint_eq(job.usage.used_bytes, 0);
    ck_assert_uint_eq(job.usage.total_bytes, 1ULL << 40);
    profile.capacity_bytes = 1 << 20;
    world_set_disk(world, host_a, &profile);
    struct env_file *file = open_file("/f", ENV_OPEN_NEW);
    ck_assert_int_eq(write_file(file, 4000, bytes, 200).status, RMQ_OK);
    job.path = "/f";
    ck_assert_int_eq(now(usage_job), RMQ_OK);
    ck_assert_uint_eq(job.usage.used_bytes, 2 * PAGE);
    ck_assert_uint_eq(job.usage.total_bytes, 1 << 20);
    job.path = "/g";
    ck_assert_int_eq(now(usage_job), RMQ_E_NOT_FOUND);
}
END_TEST

/* An open file lives on without a name; one that a power-off takes is gone with its handles. */
START_TEST(test_unlinked_file__lives_while_it_is_open) {
    new_disk(1, 0);
    struct env_file *file = open_file("/f", ENV_OPEN_NEW);
    ck_assert_int_eq(write_file(file, 0, "hello", 5).status, RMQ_OK);
    ck_assert_int_eq(unlink_path("/f"), RMQ_OK);
    view_of(file, 0, 1, 'h');
    ck_assert_uint_gt(page_store_bytes(), 0);
    close_file(file);
    ck_assert_uint_eq(page_store_bytes(), 0);
}
END_TEST

static size_t disk_events;
static char disk_event[256];
static void on_record(struct world *of, void *state, const struct record *record) {
    (void)of;
    (void)state;
    if (record->kind == EVENT_world_disk) {
        const struct event_value *values = record->fields;
        disk_events++;
        snprintf(disk_event, sizeof disk_event, "%u %.*s %.*s %llu %llu", record->node,
                 (int)values[0].text.len, (const char *)values[0].text.data,
                 (int)values[1].text.len, (const char *)values[1].text.data,
                 (unsigned long long)values[2].number, (unsigned long long)values[3].number);
    }
}

START_TEST(test_events__say_what_a_power_off_did) {
    new_disk(1, 0);
    ck_assert(world_listen(world, on_record, NULL));
    ck_assert(world_disk_put(world, host_a, "/d/f", bytes, 3 * PAGE, 0));
    struct env_file *file = open_file("/d/f", ENV_OPEN_WRITE);
    ck_assert_int_eq(write_file(file, PAGE, "xyz", 3).status, RMQ_OK);
    disk_events = 0;
    power_cycle();
    ck_assert_uint_eq(disk_events, 1);
    ck_assert_str_eq(disk_event, "1 /d/f page 0 1");
    close_file(open_file("/d/g", ENV_OPEN_NEW));
    power_cycle();
    ck_assert_str_eq(disk_event, "1 /d/g name 0 1");
    file = open_file("/d/f", ENV_OPEN_WRITE);
    ck_assert_int_eq(truncate_file(file, 3 * PAGE + 1), RMQ_OK);
    power_cycle();
    ck_assert_str_eq(disk_event, "1 /d/f size 0 1");
    power_cycle(); /* nothing to lose */
    ck_assert_uint_eq(disk_events, 3);
}
END_TEST

/* One byte more, one name more: another hash. */
START_TEST(test_hash__follows_bytes_and_names) {
    char hashes[4][33];
    for (int i = 0; i < 4; i++) {
        new_disk(1, 0);
        struct env_file *file = open_file(i == 2 ? "/g" : "/f", ENV_OPEN_NEW);
        ck_assert_int_eq(write_file(file, 0, i == 1 ? "hellp" : "hello", 5).status, RMQ_OK);
        trace_hash_hex(world_hash(world), hashes[i]);
    }
    ck_assert_str_ne(hashes[0], hashes[1]);
    ck_assert_str_ne(hashes[0], hashes[2]);
    ck_assert_str_eq(hashes[0], hashes[3]);
}
END_TEST

static void fill(TCase *cases) {
    tcase_add_test(cases, test_content__is_zeros_where_nothing_was_written);
    tcase_add_test(cases, test_read__ends_at_the_end_of_the_file);
    tcase_add_test(cases, test_cache__is_bounded);
    tcase_add_test(cases, test_file__has_the_time_of_its_last_change);
    tcase_add_test(cases, test_usage__counts_pages);
    tcase_add_test(cases, test_unlinked_file__lives_while_it_is_open);
    tcase_add_test(cases, test_events__say_what_a_power_off_did);
    tcase_add_test(cases, test_hash__follows_bytes_and_names);
    tcase_add_test(cases, test_file__content_is_there_when_done_is_called);
    tcase_add_test(cases, test_names__are_listed_by_bytes);
    tcase_add_test(cases, test_power_off__keeps_what_was_synced);
    tcase_add_test(cases, test_power_off__loses_names_that_were_not_synced);
    tcase_add_test(cases, test_kill__keeps_what_was_written);
}

int main(void) {
    return run_suite("disk", fill);
}
