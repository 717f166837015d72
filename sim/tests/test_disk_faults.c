/* Each fault of a disk: what it does, and how often. */
#include "sim/tests/disk.h"

#define PAGES 10000
static uint8_t bytes[PAGES * PAGE];

static void set_profile(void) {
    world_set_disk(world, host_a, &profile);
}

/* A file that is durable with its name, all of `value`. */
static struct env_file *durable_file(const char *path, size_t len, uint8_t value) {
    memset(bytes, value, len);
    struct env_file *file = open_file(path, ENV_OPEN_NEW);
    ck_assert_int_eq(write_file(file, 0, bytes, len).status, RMQ_OK);
    ck_assert_int_eq(sync_file(file), RMQ_OK);
    ck_assert_int_eq(sync_dir("/"), RMQ_OK);
    return file;
}

/* Within five standard deviations of `share` per million. */
static void ck_share(uint64_t count, uint64_t of, uint64_t ppm) {
    double p = (double)ppm / 1e6, mean = (double)of * p, variance = (double)of * p * (1 - p);
    double off = (double)count - mean;
    ck_assert_msg(off * off <= 25 * variance, "%llu of %llu, expected %.0f",
                  (unsigned long long)count, (unsigned long long)of, mean);
}

/* ---- power-off ---- */

/* How many of the pages are all `value`. */
static size_t pages_of_value(const char *path, uint8_t value) {
    ck_assert(world_disk_get(world, host_a, path, 0, bytes, sizeof bytes));
    size_t count = 0;
    for (size_t page = 0; page < PAGES; page++) {
        const uint8_t *at = bytes + page * PAGE;
        bool is = at[0] == value && memcmp(at, at + 1, PAGE - 1) == 0;
        count += is;
    }
    return count;
}

static const uint32_t KEEPS[] = {500000, 900000, 20000};

START_TEST(test_power_off__keeps_a_share_of_the_pages) {
    new_disk(7, KEEPS[_i]);
    profile.keep_name_ppm = 1000000;
    set_profile();
    struct env_file *file = durable_file("/f", sizeof bytes, 1);
    memset(bytes, 2, sizeof bytes);
    ck_assert_int_eq(write_file(file, 0, bytes, sizeof bytes).status, RMQ_OK);
    power_cycle();
    size_t old = pages_of_value("/f", 1), new = pages_of_value("/f", 2);
    ck_assert_uint_eq(old + new, PAGES);
    ck_share(new, PAGES, KEEPS[_i]);
    ck_assert_uint_eq(world_counts(world)->pages_kept, new);
    ck_assert_uint_eq(world_counts(world)->pages_lost, old);
}
END_TEST

START_TEST(test_power_off__tears_a_share_of_the_pages_by_sector) {
    new_disk(7, 1000000);
    profile.torn_ppm = 300000;
    set_profile();
    struct env_file *file = durable_file("/f", sizeof bytes, 1);
    memset(bytes, 2, sizeof bytes);
    ck_assert_int_eq(write_file(file, 0, bytes, sizeof bytes).status, RMQ_OK);
    power_cycle();
    ck_assert_uint_eq(pages_of_value("/f", 1), 0);
    size_t torn = PAGES - pages_of_value("/f", 2), old_sectors = 0;
    ck_share(torn, PAGES, 300000);
    ck_assert_uint_eq(world_counts(world)->pages_torn, torn);
    for (size_t sector = 0; sector < PAGES * PAGE / 512; sector++) {
        const uint8_t *at = bytes + sector * 512;
        ck_assert(memcmp(at, at + 1, 511) == 0); /* a sector is whole */
        old_sectors += at[0] == 1;
    }
    ck_share(old_sectors, torn * 8, 500000);
}
END_TEST

START_TEST(test_power_off__keeps_a_share_of_names_and_sizes) {
    new_disk(7, 500000);
    char path[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(path, sizeof path, "/old-%d", i);
        ck_assert(world_disk_put(world, host_a, path, "x", 1, 0));
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(path, sizeof path, "/new-%d", i);
        close_file(open_file(path, ENV_OPEN_NEW));
        snprintf(path, sizeof path, "/old-%d", i);
        if (i % 2 == 0) {
            ck_assert_int_eq(unlink_path(path), RMQ_OK);
        } else {
            struct env_file *file = open_file(path, ENV_OPEN_WRITE);
            ck_assert_int_eq(truncate_file(file, 7), RMQ_OK);
            close_file(file);
        }
    }
    power_cycle();
    uint64_t made = 0, left = 0, grown = 0;
    for (int i = 0; i < 1000; i++) {
        snprintf(path, sizeof path, "/new-%d", i);
        made += size_of(path) == 0;
        snprintf(path, sizeof path, "/old-%d", i);
        left += i % 2 == 0 && size_of(path) == 1;
        grown += i % 2 == 1 && size_of(path) == 7;
    }
    ck_share(made, 1000, 500000);
    ck_share(left, 500, 500000);
    ck_share(grown, 500, 500000);
    ck_assert_uint_eq(world_counts(world)->names_lost, 1000 - made + left);
    ck_assert_uint_eq(world_counts(world)->sizes_lost, 500 - grown);
}
END_TEST

/* A durable file is never gone because it was renamed; one that replaces another leaves one. */
START_TEST(test_power_off__does_not_lose_what_was_renamed) {
    int seen[2][2] = {{0}};
    for (uint64_t seed = 1; seed <= 200; seed++) {
        new_disk(seed, 500000);
        ck_assert(world_disk_put(world, host_a, "/a", "x", 1, 0));
        ck_assert(world_disk_put(world, host_a, "/tmp", "new", 3, 0));
        ck_assert(world_disk_put(world, host_a, "/config", "o", 1, 0));
        ck_assert_int_eq(rename_path("/a", "/b"), RMQ_OK);
        ck_assert_int_eq(rename_path("/tmp", "/config"), RMQ_OK);
        power_cycle();
        bool a = size_of("/a") == 1, b = size_of("/b") == 1;
        ck_assert(a || b);
        seen[a][b]++;
        bool replaced = size_of("/config") == 3;
        ck_assert(replaced || size_of("/config") == 1);
        ck_assert(replaced || size_of("/tmp") == 3);
    }
    ck_assert_int_gt(seen[0][1], 20);
    ck_assert_int_gt(seen[1][0], 20);
    ck_assert_int_gt(seen[1][1], 20);
}
END_TEST

START_TEST(test_power_off__moves_a_directory_or_not) {
    int moved = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        new_disk(seed, 500000);
        ck_assert(world_disk_put(world, host_a, "/d/f", "x", 1, 0));
        ck_assert_int_eq(rename_path("/d", "/e"), RMQ_OK);
        power_cycle();
        bool is_moved = size_of("/e/f") == 1;
        ck_assert_str_eq(list_dir("/"), is_moved ? "e/ " : "d/ ");
        moved += is_moved;
    }
    ck_share((uint64_t)moved, 100, 500000);
}
END_TEST

/* Versions: durable, covered by a sync that has not ended, written last. Nothing in between. */
START_TEST(test_power_off__shows_the_durable_or_the_last_version) {
    int old = 0, last = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        new_disk(seed, 500000);
        profile.keep_name_ppm = 1000000;
        set_profile();
        struct env_file *file = durable_file("/f", PAGE, 1);
        for (uint8_t value = 2; value < 9; value++) {
            memset(bytes, value, PAGE);
            ck_assert_int_eq(write_file(file, 0, bytes, PAGE).status, RMQ_OK);
        }
        power_cycle();
        old += is_all("/f", 0, PAGE, 1);
        last += is_all("/f", 0, PAGE, 8);
    }
    ck_assert_int_eq(old + last, 60);
    ck_assert_int_gt(old, 10);
    ck_assert_int_gt(last, 10);
}
END_TEST

/* ---- syncs ---- */

START_TEST(test_sync__covers_what_was_written_when_it_began) {
    new_disk(1, 0);
    profile.sync_latency = (struct dist){.kind = DIST_CONSTANT, .min = 20 * MS};
    set_profile();
    struct env_file *file = durable_file("/f", PAGE, 1);
    memset(bytes, 2, 100);
    ck_assert_int_eq(write_file(file, 0, bytes, 100).status, RMQ_OK);
    job.number = 1;
    job.file = file;
    now(sync_job);
    memset(bytes, 3, 100);
    ck_assert_int_eq(write_file(file, 50, bytes, 100).status, RMQ_OK);
    ck_assert(!results[1].called);
    run_for(20 * MS);
    ck_assert(results[1].called);
    ck_assert_int_eq(byte_of("/f", 60), 3);
    power_cycle();
    ck_assert(is_all("/f", 0, 100, 2));
    ck_assert(is_all("/f", 100, PAGE - 100, 1));
}
END_TEST

START_TEST(test_sync__waits_for_the_one_under_way) {
    new_disk(1, 0);
    profile.sync_latency = (struct dist){.kind = DIST_CONSTANT, .min = 20 * MS};
    set_profile();
    struct env_file *file = durable_file("/f", PAGE, 1);
    job.file = file;
    job.number = 1;
    now(sync_job);
    job.number = 2;
    now(sync_job);
    uint64_t began = world_now(world);
    run_for(100 * MS);
    ck_assert_uint_eq(results[1].at_ns, began + 20 * MS);
    ck_assert_uint_eq(results[2].at_ns, began + 40 * MS);
}
END_TEST

START_TEST(test_sync__takes_the_time_of_its_bytes) {
    new_disk(1, 0);
    profile.sync_latency = (struct dist){.kind = DIST_CONSTANT, .min = MS};
    profile.bytes_per_second = PAGE * 1000; /* a page per ms */
    set_profile();
    struct env_file *file = open_file("/f", ENV_OPEN_NEW);
    struct env_file *other = open_file("/g", ENV_OPEN_NEW);
    ck_assert_int_eq(write_file(file, 0, bytes, 10 * PAGE).status, RMQ_OK);
    ck_assert_int_eq(write_file(other, 0, bytes, 5 * PAGE).status, RMQ_OK);
    uint64_t began = world_now(world);
    job.number = 1;
    job.file = file;
    now(sync_job);
    job.number = 2;
    job.file = other;
    now(sync_job);
    run_for(100 * MS);
    ck_assert_uint_eq(results[1].at_ns, began + 11 * MS);
    ck_assert_uint_eq(results[2].at_ns, began + 16 * MS); /* behind the other's bytes */
}
END_TEST

START_TEST(test_sync__fails_and_drops_pages) {
    new_disk(7, 0);
    profile.keep_name_ppm = 1000000;
    set_profile();
    struct env_file *file = durable_file("/f", sizeof bytes, 1);
    memset(bytes, 2, sizeof bytes);
    ck_assert_int_eq(write_file(file, 0, bytes, sizeof bytes).status, RMQ_OK);
    ck_assert(world_disk_fail(world, host_a, DISK_SYNC, true));
    ck_assert_int_eq(sync_file(file), RMQ_E_IO);
    ck_assert(world_disk_fail(world, host_a, DISK_SYNC, false));
    ck_share(pages_of_value("/f", 1), PAGES, 250000); /* fell back at once */
    ck_assert_int_eq(sync_file(file), RMQ_OK);
    power_cycle();
    ck_share(pages_of_value("/f", 2), PAGES, 500000); /* a second sync made the rest durable */
    ck_share(world_counts(world)->pages_dropped, PAGES, 500000);
}
END_TEST

START_TEST(test_sync__fails_by_chance) {
    new_disk(7, 0);
    profile.sync_fail_ppm = 200000;
    profile.lying_sync_ppm = 300000;
    set_profile();
    struct env_file *file = open_file("/f", ENV_OPEN_NEW);
    uint64_t failed = 0;
    for (int i = 0; i < 2000; i++) {
        failed += sync_file(file) == RMQ_E_IO;
    }
    ck_share(failed, 2000, 200000);
    ck_assert_uint_eq(world_counts(world)->disk_failed, failed);
    ck_share(world_counts(world)->disk_lied, 2000 - failed, 300000);
}
END_TEST

START_TEST(test_sync__lies) {
    new_disk(1, 0);
    struct env_file *file = durable_file("/f", PAGE, 1);
    memset(bytes, 2, PAGE);
    ck_assert_int_eq(write_file(file, 0, bytes, PAGE).status, RMQ_OK);
    ck_assert(world_disk_lie(world, host_a, true));
    ck_assert_int_eq(sync_file(file), RMQ_OK);
    ck_assert_uint_eq(world_counts(world)->disk_lied, 1);
    run_for(100 * WORLD_SECOND_NS); /* nor is it written back */
    power_cycle();
    ck_assert(is_all("/f", 0, PAGE, 1));
}
END_TEST

START_TEST(test_write_back__makes_old_changes_durable) {
    new_disk(1, 0);
    struct env_file *file = open_file("/f", ENV_OPEN_NEW);
    ck_assert(world_disk_put(world, host_a, "/gone", "x", 1, 0));
    struct env_file *late = open_file("/g", ENV_OPEN_NEW);
    memset(bytes, 2, PAGE);
    ck_assert_int_eq(write_file(file, 0, bytes, PAGE).status, RMQ_OK);
    ck_assert_int_eq(unlink_path("/gone"), RMQ_OK);
    run_for(25 * WORLD_SECOND_NS);
    ck_assert_int_eq(write_file(late, 0, bytes, PAGE).status, RMQ_OK);
    run_for(10 * WORLD_SECOND_NS);
    ck_assert_uint_eq(page_store_bytes(), 2 * PAGE); /* of what is gone there is nothing left */
    power_cycle();
    ck_assert(is_all("/f", 0, PAGE, 2));
    ck_assert_uint_eq(size_of("/g"), 0);
    ck_assert_str_eq(list_dir("/"), "f g ");
}
END_TEST

/* ---- errors ---- */

START_TEST(test_write__fails_by_chance_with_a_prefix) {
    new_disk(7, 0);
    profile.write_fail_ppm = 300000;
    profile.read_fail_ppm = 100000;
    set_profile();
    struct env_file *file = open_file("/f", ENV_OPEN_NEW);
    memset(bytes, 3, 1000);
    uint64_t failed = 0, part = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        struct result result = write_file(file, i * 1000, bytes, 1000);
        if (result.status != RMQ_OK) {
            ck_assert_int_eq(result.status, RMQ_E_IO);
            ck_assert(result.bytes == 0 || is_all("/f", i * 1000, result.bytes, 3));
            part += result.bytes > 0 && result.bytes < 1000;
            failed++;
        }
    }
    ck_share(failed, 1000, 300000);
    ck_assert_uint_gt(part, failed * 9 / 10);
    ck_assert(world_disk_fail(world, host_a, DISK_WRITE | DISK_READ, true));
    ck_assert_int_eq(write_file(file, 0, bytes, 1000).status, RMQ_E_IO);
    ck_assert_int_eq(sync_file(file), RMQ_OK);
    ck_assert(world_disk_fail(world, host_a, DISK_WRITE, false));
    profile.write_fail_ppm = 0;
    set_profile();
    ck_assert_int_eq(write_file(file, 0, bytes, 1000).status, RMQ_OK);
}
END_TEST

START_TEST(test_disk__is_full_by_its_pages) {
    new_disk(1, 0);
    profile.capacity_bytes = 100 * PAGE;
    set_profile();
    memset(bytes, 3, sizeof bytes);
    struct env_file *file = open_file("/f", ENV_OPEN_NEW);
    ck_assert_int_eq(truncate_file(file, 1 << 30), RMQ_OK); /* a hole is free */
    ck_assert_int_eq(zero_file(file, 10 * PAGE, 20 * PAGE).status, RMQ_OK);
    ck_assert_uint_eq(world_disk_state(world, host_a).used_bytes, 20 * PAGE);
    ck_assert_int_eq(write_file(file, 20 * PAGE, bytes, 20 * PAGE).status, RMQ_OK);
    ck_assert_uint_eq(world_disk_state(world, host_a).used_bytes, 30 * PAGE);
    struct env_file *other = open_file("/g", ENV_OPEN_NEW);
    struct result result = write_file(other, 100, bytes, 80 * PAGE);
    ck_assert_int_eq(result.status, RMQ_E_NO_SPACE);
    ck_assert_uint_eq(result.bytes, 70 * PAGE - 100);
    ck_assert_uint_eq(size_of("/g"), 70 * PAGE);
    ck_assert_int_eq(write_file(file, 15 * PAGE, bytes, PAGE).status, RMQ_OK); /* allocated */
    ck_assert_int_eq(truncate_file(file, 12 * PAGE), RMQ_OK);
    ck_assert_uint_eq(world_disk_state(world, host_a).used_bytes, 72 * PAGE);
    ck_assert_int_eq(write_file(other, 70 * PAGE, bytes, 28 * PAGE).status, RMQ_OK);
    ck_assert_int_eq(unlink_path("/g"), RMQ_OK);
    ck_assert_uint_eq(world_disk_state(world, host_a).used_bytes, 100 * PAGE); /* still open */
    close_file(other);
    ck_assert_uint_eq(world_disk_state(world, host_a).used_bytes, 2 * PAGE);
    ck_assert_uint_eq(world_counts(world)->disk_full, 1);
}
END_TEST

START_TEST(test_disk__is_full_for_a_while) {
    new_disk(1, 0);
    struct env_file *file = durable_file("/f", PAGE, 1);
    ck_assert(world_disk_full(world, host_a, true));
    ck_assert_int_eq(write_file(file, 100, bytes, 100).status, RMQ_OK);
    ck_assert_int_eq(write_file(file, PAGE, bytes, 1).status, RMQ_E_NO_SPACE);
    ck_assert_int_eq(open_error("/g", ENV_OPEN_CREATE), RMQ_E_NO_SPACE);
    ck_assert_int_eq(make_dir("/d"), RMQ_E_NO_SPACE);
    ck_assert(world_disk_full(world, host_a, false));
    ck_assert_int_eq(write_file(file, PAGE, bytes, 1).status, RMQ_OK);
    ck_assert_int_eq(make_dir("/d"), RMQ_OK);
}
END_TEST

START_TEST(test_disk__is_read_only) {
    new_disk(1, 0);
    struct env_file *file = durable_file("/f", PAGE, 1);
    ck_assert(world_disk_read_only(world, host_a, true));
    ck_assert_int_eq(write_file(file, 0, bytes, 1).status, RMQ_E_READ_ONLY);
    ck_assert_int_eq(sync_file(file), RMQ_OK); /* nothing to write */
    ck_assert_int_eq(truncate_file(file, 1), RMQ_E_READ_ONLY);
    ck_assert_int_eq(open_error("/f", ENV_OPEN_WRITE), RMQ_E_READ_ONLY);
    ck_assert_int_eq(open_error("/g", ENV_OPEN_CREATE), RMQ_E_READ_ONLY);
    ck_assert_int_eq(rename_path("/f", "/g"), RMQ_E_READ_ONLY);
    ck_assert_int_eq(unlink_path("/f"), RMQ_E_READ_ONLY);
    ck_assert_int_eq(make_dir("/d"), RMQ_E_READ_ONLY);
    close_file(open_file("/f", ENV_OPEN_READ));
    ck_assert_str_eq(list_dir("/"), "f ");
    ck_assert(world_disk_read_only(world, host_a, false));
    ck_assert_int_eq(write_file(file, 0, bytes, 1).status, RMQ_OK);
}
END_TEST

START_TEST(test_disk__stalls) {
    new_disk(1, 0);
    struct env_file *file = durable_file("/f", PAGE, 1);
    ck_assert(world_disk_stall(world, host_a, true));
    job.file = file;
    job.offset = 0;
    job.len = 10;
    memset(bytes, 9, 10);
    for (job.number = 1; job.number <= 3; job.number++) {
        now(write_job);
    }
    run_for(60 * WORLD_SECOND_NS);
    ck_assert(!results[1].called);
    ck_assert_int_eq(byte_of("/f", 0), 1);
    ck_assert_uint_eq(world_counts(world)->disk_held, 3);
    ck_assert(world_disk_stall(world, host_a, false));
    run_for(0);
    ck_assert(results[1].called && results[2].called && results[3].called);
    ck_assert_int_eq(byte_of("/f", 0), 9);
    ck_assert(world_disk_stall(world, host_a, true)); /* and one that is killed meanwhile */
    memset(bytes, 5, 10);
    now(write_job);
    run_for(MS);
    ck_assert(world_kill(world, node_a));
    world_check(world);
    ck_assert(world_disk_stall(world, host_a, false));
    run_for(MS);
    ck_assert_int_eq(byte_of("/f", 0), 9);
}
END_TEST

START_TEST(test_paused_node__finds_its_writes_done) {
    new_disk(1, 0);
    struct env_file *file = durable_file("/f", PAGE, 1);
    memset(bytes, 9, 10);
    job.file = file;
    job.offset = 0;
    job.len = 10;
    job.number = 1;
    now(write_job);
    ck_assert(world_pause(world, node_a));
    run_for(WORLD_SECOND_NS);
    ck_assert_int_eq(byte_of("/f", 0), 9);
    ck_assert(!results[1].called);
    ck_assert(world_resume(world, node_a));
    run_for(0);
    ck_assert(results[1].called);
}
END_TEST

/* ---- silent damage ---- */

START_TEST(test_rot__flips_one_bit_of_what_was_written) {
    new_disk(1, 0);
    durable_file("/abc", 100000, 1);
    durable_file("/other", 100000, 1);
    ck_assert(!world_disk_rot(world, host_a, SPAN_LITERAL("/nope"), 5));
    for (uint64_t i = 0; i < 50; i++) {
        ck_assert(world_disk_rot(world, host_a, SPAN_LITERAL("bc"), draw(1, DRAW_TEST, 1, i)));
    }
    power_cycle();
    ck_assert(is_all("/other", 0, 100000, 1));
    ck_assert(world_disk_get(world, host_a, "/abc", 0, bytes, 100000));
    unsigned flips = 0, blocks = 0;
    for (size_t i = 0; i < 100000; i++) {
        flips += (unsigned)__builtin_popcount(bytes[i] ^ 1u);
        blocks |= bytes[i] != 1 ? 1u << i / 25000 : 0;
    }
    ck_assert_uint_le(flips, 50);
    ck_assert_uint_ge(flips, 46); /* two may meet */
    ck_assert_uint_eq(blocks, 15);
    ck_assert_uint_eq(world_counts(world)->rotted, 50);
}
END_TEST

START_TEST(test_misdirected_write__lands_a_page_further_once) {
    new_disk(1, 0);
    struct env_file *file = durable_file("/f", 3 * PAGE, 1);
    struct env_file *other = durable_file("/g", 3 * PAGE, 1);
    ck_assert(world_disk_misdirect(world, host_a, SPAN_LITERAL("/f")));
    memset(bytes, 2, 100);
    ck_assert_int_eq(write_file(other, 0, bytes, 100).status, RMQ_OK);
    ck_assert_int_eq(write_file(file, 0, bytes, 100).status, RMQ_OK);
    ck_assert(is_all("/g", 0, 100, 2));
    ck_assert(is_all("/f", 0, PAGE, 1));
    ck_assert(is_all("/f", PAGE, 100, 2));
    ck_assert_int_eq(write_file(file, 0, bytes, 100).status, RMQ_OK);
    ck_assert(is_all("/f", 0, 100, 2));
    ck_assert_uint_eq(world_counts(world)->misdirected, 1);
}
END_TEST

static void fill(TCase *cases) {
    tcase_add_loop_test(cases, test_power_off__keeps_a_share_of_the_pages, 0, 3);
    tcase_add_test(cases, test_power_off__tears_a_share_of_the_pages_by_sector);
    tcase_add_test(cases, test_power_off__keeps_a_share_of_names_and_sizes);
    tcase_add_test(cases, test_power_off__does_not_lose_what_was_renamed);
    tcase_add_test(cases, test_power_off__moves_a_directory_or_not);
    tcase_add_test(cases, test_power_off__shows_the_durable_or_the_last_version);
    tcase_add_test(cases, test_sync__covers_what_was_written_when_it_began);
    tcase_add_test(cases, test_sync__waits_for_the_one_under_way);
    tcase_add_test(cases, test_sync__takes_the_time_of_its_bytes);
    tcase_add_test(cases, test_sync__fails_and_drops_pages);
    tcase_add_test(cases, test_sync__fails_by_chance);
    tcase_add_test(cases, test_sync__lies);
    tcase_add_test(cases, test_write_back__makes_old_changes_durable);
    tcase_add_test(cases, test_write__fails_by_chance_with_a_prefix);
    tcase_add_test(cases, test_disk__is_full_by_its_pages);
    tcase_add_test(cases, test_disk__is_full_for_a_while);
    tcase_add_test(cases, test_disk__is_read_only);
    tcase_add_test(cases, test_disk__stalls);
    tcase_add_test(cases, test_paused_node__finds_its_writes_done);
    tcase_add_test(cases, test_rot__flips_one_bit_of_what_was_written);
    tcase_add_test(cases, test_misdirected_write__lands_a_page_further_once);
}

int main(void) {
    return run_suite("disk_faults", fill);
}
