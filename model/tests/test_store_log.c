/* test_store_log.c - the commit log: what is put is there after every kind of end, and nothing
 * else. */
#include "model/tests/store_role_fake.h"
#include "model/tests/suite.h"
#include "model/wire/message_bytes.h"

#define TINY                                                  \
    "storePathRootDir=/store\nmappedFileSizeCommitLog=8192\n" \
    "mappedFileSizeConsumeQueue=400\nmaxHashSlotNum=4\nmaxIndexNum=4\n"
#define SYNC TINY "flushDiskType=SYNC_FLUSH\n"

static struct env *env;

static void setup(void) {
    env = fake_create();
    memset(&store_log, 0, sizeof store_log);
}

static void teardown(void) {
    if (fake_node(env) != NULL)
        ck_assert(store_stop(env));
    fake_destroy(env);
}

static void command(const char *text) {
    ck_assert_int_eq(fake_command_text(env, text), RMQ_OK);
}

/* ---- the log against what was sent ---- */

struct found {
    unsigned count[STORE_MESSAGES_MAX]; /* by number */
    int64_t next[8];                    /* by queue */
    bool started[8];
};

static void find(const struct message *message, void *ctx) {
    struct found *found = ctx;
    unsigned number = number_of_body(message->body);
    const struct sent_message *sent = &store_log.messages[number];
    ck_assert_uint_lt(number, store_log.sent);
    ck_assert_int_eq(message->queue_id, sent->queue);
    ck_assert_uint_eq(found->count[number]++, 0);
    if (sent->told && sent->status == PUT_OK) {
        ck_assert_int_eq(message->queue_offset, sent->queue_offset);
        if (sent->physical >= 0)
            ck_assert_int_eq(message->physical_offset, sent->physical);
    }
    int64_t *next = &found->next[message->queue_id];
    if (found->started[message->queue_id])
        ck_assert_int_eq(message->queue_offset, *next);
    *next = message->queue_offset + 1;
    found->started[message->queue_id] = true;
}

/* Nothing that was not sent, nothing twice, queue offsets without gaps, queues that say the same;
 * with `all_acked` all that was acknowledged. Returns how many records there are. */
static unsigned check_log(bool all_acked) {
    static struct found found;
    memset(&found, 0, sizeof found);
    unsigned count = each_record(store_of(env), find, &found);
    for (int32_t queue = 0; queue < 8; queue++)
        ck_assert_int_eq(store_max_offset(store_of(env), SPAN_LITERAL("T"), queue),
                         found.next[queue]);
    for (unsigned i = 0; all_acked && i < store_log.sent; i++) {
        const struct sent_message *sent = &store_log.messages[i];
        ck_assert_msg(!sent->told || sent->status != PUT_OK || found.count[i] == 1,
                      "message %u was acknowledged and is lost", i);
    }
    return count;
}

static unsigned told_with(enum put_status status) {
    unsigned count = 0;
    for (unsigned i = 0; i < store_log.sent; i++)
        count += store_log.messages[i].told && store_log.messages[i].status == status;
    return count;
}

/* ---- puts ---- */

START_TEST(test_put_and_restart) {
    ck_assert_int_eq(store_start(env, TINY), RMQ_OK);
    command("do=put\ncount=3\nqueues=2\n");
    ck_assert_uint_eq(told_with(PUT_OK), 0); /* not before the write's end */
    fake_settle(env);
    ck_assert_uint_eq(told_with(PUT_OK), 3);
    ck_assert_int_eq(store_log.messages[2].queue_offset, 1);
    ck_assert_int_eq(store_log.messages[0].physical, 0);
    ck_assert_uint_eq(check_log(true), 3);
    ck_assert_uint_eq(store_log.arrivals, 3);
    struct span file;
    ck_assert(fake_get_file(env, "/store/abort", &file));
    ck_assert(store_stop(env));
    ck_assert(!fake_get_file(env, "/store/abort", &file));
    ck_assert(fake_get_file(env, "/store/lock", &file));
    ck_assert(span_equal(file, SPAN_LITERAL("lock")));
    ck_assert(fake_get_file(env, "/store/commitlog/00000000000000000000", &file));
    ck_assert_uint_eq(file.len, 8192);
    ck_assert(fake_get_file(env, "/store/checkpoint", &file));
    ck_assert_uint_eq(file.len, 4096);
    ck_assert_int_gt(bytes_i64(file.data), 0);
    fake_power_off(env, FAKE_KEEP_NONE); /* a clean stop has synced all */
    ck_assert_int_eq(store_start(env, TINY), RMQ_OK);
    ck_assert(store_of(env)->was_clean);
    ck_assert_uint_eq(check_log(true), 3);
    command("do=put\nqueues=2\n");
    fake_settle(env);
    ck_assert_uint_eq(check_log(true), 4);
}
END_TEST

START_TEST(test_put_rolls_files) {
    ck_assert_int_eq(store_start(env, TINY), RMQ_OK);
    for (int i = 0; i < 40; i++)
        command("do=put\ncount=5\nsize=300\nqueues=3\n");
    fake_settle(env);
    ck_assert_uint_eq(told_with(PUT_OK), 200);
    ck_assert_uint_eq(check_log(true), 200);
    ck_assert_uint_gt(store_of(env)->log.segments.count, 8);
    ck_assert(store_stop(env));
    ck_assert_int_eq(store_start(env, TINY), RMQ_OK);
    ck_assert_uint_eq(check_log(true), 200);
}
END_TEST

START_TEST(test_put_refuses) {
    static const struct {
        const char *command;
        enum put_status status;
    } ROWS[] = {
        {"do=put\ntopic=%0128d\n", PUT_MESSAGE_ILLEGAL},
        {"do=put\nsize=2001\n", PUT_MESSAGE_ILLEGAL},
        {"do=batch\nsize=600\ncount=4\n", PUT_MESSAGE_ILLEGAL},
    };
    ck_assert_int_eq(store_start(env, TINY "maxMessageSize=2000\n"), RMQ_OK);
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        char text[256];
        unsigned before = store_log.sent;
        if (strchr(ROWS[i].command, '%') != NULL) /* a long topic */
            snprintf(text, sizeof text, "do=put\ntopic=%0128d\n", 0);
        else
            snprintf(text, sizeof text, "%s", ROWS[i].command);
        command(text);
        for (unsigned n = before; n < store_log.sent; n++)
            ck_assert_int_eq(store_log.messages[n].status, ROWS[i].status);
    }
    ck_assert_uint_eq(check_log(true), 0);
    command("do=put\n");
    fake_settle(env);
    ck_assert_int_eq(store_log.messages[store_log.sent - 1].queue_offset, 0);
}
END_TEST

START_TEST(test_put_transactions_take_no_offset) {
    ck_assert_int_eq(store_start(env, TINY), RMQ_OK);
    command("do=put\nflags=4\n");
    command("do=put\nflags=12\n");
    command("do=put\nflags=8\n");
    command("do=put\n");
    fake_settle(env);
    ck_assert_int_eq(store_log.messages[0].queue_offset, 0);
    ck_assert_int_eq(store_log.messages[1].queue_offset, 0);
    ck_assert_int_eq(store_log.messages[2].queue_offset, 0);
    ck_assert_int_eq(store_log.messages[3].queue_offset, 1);
    ck_assert_int_eq(store_max_offset(store_of(env), SPAN_LITERAL("T"), 0), 2);
}
END_TEST

static void check_batch(const struct message *message, void *ctx) {
    unsigned *count = ctx;
    ck_assert_uint_eq(number_of_body(message->body), *count);
    ck_assert_int_eq(message->flag, (int32_t)*count % 7);
    ck_assert(span_equal(message_property(message->properties, SPAN_LITERAL("CLUSTER")),
                         SPAN_LITERAL("c")));
    ck_assert(!span_is_absent(message_property(message->properties, SPAN_LITERAL("KEYS"))));
    ck_assert_uint_eq((uint64_t)message->physical_offset / 8192,
                      ((uint64_t)message->physical_offset + message->size) / 8192);
    ++*count;
}

START_TEST(test_put_batch_is_never_split) {
    unsigned count = 0;
    ck_assert_int_eq(store_start(env, TINY), RMQ_OK);
    for (int i = 0; i < 10; i++)
        command("do=batch\ncount=7\nsize=400\n");
    fake_settle(env);
    ck_assert_uint_eq(told_with(PUT_OK), 70);
    ck_assert_uint_eq(check_log(true), 70);
    each_record(store_of(env), check_batch, &count);
    ck_assert_uint_eq(count, 70);
}
END_TEST

/* ---- flush ---- */

START_TEST(test_sync_flush_acknowledges_after_the_sync) {
    ck_assert_int_eq(store_start(env, SYNC), RMQ_OK);
    fake_hold_files(env, true);
    command("do=put\n");
    fake_complete(env, 0); /* the write; the sync starts */
    ck_assert_uint_eq(told_with(PUT_OK), 0);
    ck_assert_uint_eq(store_log.arrivals, 0); /* INC-33 */
    command("do=put\nwait=false\n");
    command("do=put\n");
    ck_assert_int_ge((int)fake_file_ops(env), 2);
    fake_hold_files(env, false);
    fake_settle(env);
    ck_assert_uint_eq(told_with(PUT_OK), 3);
    ck_assert_uint_eq(store_log.arrivals, 3);
    fake_power_off(env, FAKE_KEEP_NONE);
    ck_assert_int_eq(store_start(env, SYNC), RMQ_OK);
    ck_assert(!store_of(env)->was_clean);
    ck_assert_uint_eq(check_log(true), 3);
}
END_TEST

START_TEST(test_sync_flush_times_out) {
    ck_assert_int_eq(store_start(env, SYNC), RMQ_OK);
    fake_hold_files(env, true);
    command("do=put\n");
    fake_complete(env, 0);
    fake_advance_ms(env, 2000);
    command("do=put\n");
    fake_complete(env, fake_file_ops(env) - 1);
    fake_advance_ms(env, 2999);
    ck_assert_uint_eq(told_with(PUT_FLUSH_DISK_TIMEOUT), 0);
    fake_advance_ms(env, 2);
    ck_assert_uint_eq(told_with(PUT_FLUSH_DISK_TIMEOUT), 1);
    fake_advance_ms(env, 2000);
    ck_assert_uint_eq(told_with(PUT_FLUSH_DISK_TIMEOUT), 2);
    fake_hold_files(env, false);
    fake_settle(env);
    ck_assert_uint_eq(check_log(true), 2);
}
END_TEST

/* 500 ms when four pages are dirty, else up to 10 s (12.1). */
START_TEST(test_async_flush_intervals) {
    ck_assert_int_eq(store_start(env, TINY "mappedFileSizeCommitLog=1048576\n"), RMQ_OK);
    struct store *store = store_of(env);
    fake_advance_ms(env, 20000);
    command("do=put\n");
    fake_advance_ms(env, 499);
    ck_assert_uint_eq(store->log.segments.flushed, 0);
    fake_advance_ms(env, 2); /* the first look after a long time is a thorough one */
    ck_assert_uint_eq(store->log.segments.flushed, store->log.segments.written);
    command("do=put\n");
    fake_advance_ms(env, 9000);
    ck_assert_uint_lt(store->log.segments.flushed, store->log.segments.written);
    command("do=put\nsize=3000\ncount=7\n");
    fake_advance_ms(env, 501);
    ck_assert_uint_eq(store->log.segments.flushed, store->log.segments.written);
}
END_TEST

START_TEST(test_sync_flush_plant_and_quirk) {
    if (_i == 0)
        fake_set_plant(env, PLANT_STORE_ACK_EARLY, true);
    ck_assert_int_eq(store_start(env, _i == 0 ? SYNC : SYNC "quirk.dispatchAhead=true\n"), RMQ_OK);
    fake_hold_files(env, true);
    command("do=put\n");
    fake_complete(env, 0); /* the write */
    ck_assert_uint_eq(told_with(PUT_OK), _i == 0 ? 1 : 0);
    ck_assert_uint_eq(store_log.arrivals, _i == 0 ? 0 : 1);
    fake_hold_files(env, false);
    fake_settle(env);
}
END_TEST

START_TEST(test_async_flush_plant) {
    fake_set_plant(env, PLANT_STORE_FLUSH_NEVER, true);
    ck_assert_int_eq(store_start(env, TINY), RMQ_OK);
    command("do=put\ncount=20\nsize=900\n");
    fake_advance_ms(env, 60000);
    ck_assert_uint_eq(store_of(env)->log.segments.flushed, 0);
}
END_TEST

/* A put that is forgotten is stored all the same, and `done` is not called. */
START_TEST(test_put_cancel) {
    struct store_put forgotten = {.done = NULL};
    ck_assert_int_eq(store_start(env, SYNC), RMQ_OK);
    struct message message = {
        .topic = SPAN_LITERAL("T"), .body = SPAN_LITERAL("0"), .born_host = {.ip_len = 4}};
    store_log.sent = 1;
    store_put(store_of(env), &message, true, &forgotten, on_put_done);
    store_put_cancel(store_of(env), &forgotten);
    ck_assert_ptr_null(forgotten.done);
    fake_settle(env);
    ck_assert_uint_eq(check_log(false), 1);
    ck_assert(!store_log.messages[0].told);
}
END_TEST

/* ---- disks that fail ---- */

START_TEST(test_write_failures) {
    teardown();
    for (unsigned n = 1, failed = 1; failed; n++) {
        setup();
        fake_fail_files_with(env, n % 2 == 0 ? RMQ_E_IO : RMQ_E_NO_SPACE);
        ck_assert_int_eq(store_start(env, TINY), RMQ_OK);
        fake_fail_at(env, FAKE_FAIL_FILE_WRITE, n);
        for (int i = 0; i < 20; i++) {
            command("do=put\ncount=2\nsize=500\nqueues=2\n");
            command("do=put\nsize=700\nqueues=2\n");
            fake_advance_ms(env, 1);
        }
        failed = fake_failed(env, FAKE_FAIL_FILE_WRITE);
        fake_advance_ms(env, 5000);
        command("do=put\ncount=4\nsize=500\nqueues=2\n");
        fake_advance_ms(env, 5000);
        ck_assert_int_eq(store_log.messages[store_log.sent - 1].status, PUT_OK);
        ck_assert_uint_ge(told_with(PUT_OK), 30);
        for (unsigned i = 0; i < store_log.sent; i++)
            ck_assert(store_log.messages[i].told);
        check_log(true);
        fake_power_off(env, n % 3 == 0 ? FAKE_KEEP_ALL : FAKE_KEEP_TORN);
        ck_assert_int_eq(store_start(env, TINY), RMQ_OK);
        check_log(n % 3 == 0);
        teardown();
    }
    setup();
}
END_TEST

/* The half of a failed write that is in the file must not follow the next record (L4). */
START_TEST(test_write_failure_leaves_no_trace) {
    ck_assert_int_eq(store_start(env, TINY), RMQ_OK);
    fake_hold_files(env, true);
    command("do=put\nsize=400\n");
    for (int i = 0; i < 4; i++)
        command("do=put\nsize=400\n");
    fake_fail_at(env, FAKE_FAIL_FILE_WRITE, 1);
    fake_hold_files(env, false);
    fake_settle(env); /* the first succeeds, then two of four are written */
    ck_assert_uint_eq(told_with(PUT_OK), 1);
    ck_assert_uint_eq(told_with(PUT_UNKNOWN_ERROR), 4);
    command("do=put\nsize=400\n");
    fake_settle(env);
    ck_assert_int_eq(store_log.messages[5].queue_offset, 1);
    fake_power_off(env, FAKE_KEEP_ALL);
    ck_assert_int_eq(store_start(env, TINY), RMQ_OK);
    ck_assert_uint_eq(check_log(true), 2);
}
END_TEST

/* What recovery finds in the cache is synced before anybody sees it. */
START_TEST(test_recovered_is_durable) {
    ck_assert_int_eq(store_start(env, TINY), RMQ_OK);
    command("do=put\ncount=20\nsize=900\n");
    fake_advance_ms(env, 10);
    ck_assert_uint_eq(store_of(env)->log.segments.flushed, 0);
    fake_crash_at(env, 1);
    RMQ_IGNORE(fake_command_text(env, "do=put\n"), "it crashes");
    fake_crash_at(env, 0);
    ck_assert_int_eq(store_start(env, TINY), RMQ_OK);
    ck_assert_uint_eq(check_log(true), 20);
    fake_power_off(env, FAKE_KEEP_NONE);
    ck_assert_int_eq(store_start(env, TINY), RMQ_OK);
    ck_assert_uint_eq(check_log(true), 20);
}
END_TEST

/* The wall clock goes back: no time vouches for anything until it has caught up. */
START_TEST(test_clock_goes_back) {
    struct span file;
    ck_assert_int_eq(store_start(env, SYNC), RMQ_OK);
    int64_t now = env_wall_ms(env);
    command("do=put\n");
    fake_settle(env);
    ck_assert_int_ge(store_of(env)->checkpoint.physical_ms, now);
    fake_set_wall_ms(env, now - 1000);
    command("do=put\n");
    fake_settle(env);
    ck_assert_int_eq(store_of(env)->checkpoint.physical_ms, now - 1000);
    fake_set_wall_ms(env, now - 60000);
    command("do=put\n");
    fake_settle(env);
    ck_assert_int_eq(store_of(env)->checkpoint.physical_ms, 0);
    ck_assert(fake_get_file(env, "/store/checkpoint", &file));
    ck_assert_int_eq(bytes_i64(file.data), 0);
    fake_set_wall_ms(env, now + 10);
    command("do=put\n");
    fake_settle(env);
    ck_assert_int_eq(store_of(env)->checkpoint.physical_ms, now + 10);
}
END_TEST

START_TEST(test_abort_file_is_durable) {
    ck_assert_int_eq(store_start(env, TINY), RMQ_OK);
    ck_assert(store_of(env)->was_clean);
    fake_power_off(env, FAKE_KEEP_NONE);
    ck_assert_int_eq(store_start(env, TINY), RMQ_OK);
    ck_assert(!store_of(env)->was_clean);
}
END_TEST

/* Empty in 4.9, the process number in 5.3; a shorter one takes the place of a longer one. */
START_TEST(test_abort_file_holds_the_process_number) {
    struct span file;
    ck_assert_int_eq(store_start(env, TINY), RMQ_OK);
    ck_assert(fake_get_file(env, "/store/abort", &file));
    ck_assert_uint_eq(file.len, 0);
    fake_power_off(env, FAKE_KEEP_ALL);
    fake_set_identity(env, "10.0.0.9", 123456);
    ck_assert_int_eq(store_start(env, TINY "profile=5.3\n"), RMQ_OK);
    ck_assert(!store_of(env)->was_clean);
    ck_assert(fake_get_file(env, "/store/abort", &file));
    ck_assert(span_equal(file, SPAN_LITERAL("123456")));
    fake_power_off(env, FAKE_KEEP_ALL);
    fake_set_identity(env, "10.0.0.9", 77);
    ck_assert_int_eq(store_start(env, TINY "profile=5.3\n"), RMQ_OK);
    ck_assert(fake_get_file(env, "/store/abort", &file));
    ck_assert(span_equal(file, SPAN_LITERAL("77")));
    ck_assert(store_stop(env));
    fake_fail_at(env, FAKE_FAIL_FILE_WRITE, 3); /* after the lock's and the truncation's */
    ck_assert_int_eq(store_start(env, TINY "profile=5.3\n"), RMQ_OK);
    ck_assert(store_of(env)->was_clean);
    ck_assert_uint_eq(fake_failed(env, FAKE_FAIL_FILE_WRITE), 1);
}
END_TEST

START_TEST(test_sync_failure_stops_puts) {
    ck_assert_int_eq(store_start(env, SYNC), RMQ_OK);
    command("do=put\n");
    fake_settle(env);
    fake_fail_at(env, FAKE_FAIL_FILE_SYNC, 1);
    command("do=put\n");
    fake_settle(env);
    ck_assert_int_eq(store_log.messages[1].status, PUT_FLUSH_DISK_TIMEOUT);
    command("do=put\n");
    ck_assert_int_eq(store_log.messages[2].status, PUT_SERVICE_NOT_AVAILABLE);
    ck_assert(store_is_readable(store_of(env)));
    ck_assert_uint_eq(store_log.arrivals, 1);
    ck_assert(store_stop(env));
    struct span file;
    ck_assert(fake_get_file(env, "/store/abort", &file));
    fake_power_off(env, FAKE_KEEP_NONE);
    ck_assert_int_eq(store_start(env, SYNC), RMQ_OK);
    ck_assert_uint_eq(check_log(true), 1);
}
END_TEST

START_TEST(test_page_cache_busy) {
    ck_assert_int_eq(store_start(env, TINY), RMQ_OK);
    ck_assert_uint_eq(store_write_age_ms(store_of(env)), 0);
    fake_hold_files(env, true);
    command("do=put\n");
    fake_advance_ms(env, 1000);
    ck_assert_uint_eq(store_write_age_ms(store_of(env)), 1000);
    command("do=put\n");
    ck_assert(!store_log.messages[1].told);
    fake_advance_ms(env, 1);
    command("do=put\n");
    ck_assert_int_eq(store_log.messages[2].status, PUT_PAGE_CACHE_BUSY);
    fake_hold_files(env, false);
    fake_settle(env);
    ck_assert_uint_eq(store_write_age_ms(store_of(env)), 0);
    ck_assert_uint_eq(check_log(true), 2);
}
END_TEST

/* ---- every crash point ---- */

/* Starts, puts over several files, flushes, stops; ends early at a crash. */
static void workload(const char *config) {
    if (store_start(env, config) != RMQ_OK)
        return;
    for (int i = 0; i < 6 && !fake_crashed(env); i++) {
        int err = fake_command_text(env, "do=put\ncount=3\nsize=900\nqueues=2\n");
        if (err == RMQ_OK)
            fake_advance_ms(env, 200);
    }
    if (!fake_crashed(env))
        store_stop(env);
}

/* After a crash at the n-th call and then a power-off, and another crash while it recovers. */
static void crash_at(unsigned n, enum fake_keep keep, bool power, const char *config, bool *end) {
    setup();
    fake_crash_at(env, n);
    workload(config);
    *end = !fake_crashed(env);
    fake_crash_at(env, 0);
    if (power)
        fake_power_off(env, keep);
    bool sync = strstr(config, "SYNC_FLUSH") != NULL;
    fake_crash_at(env, 1 + n * 7 % 97); /* in the recovery */
    if (store_start(env, config) == RMQ_E_STATE && power)
        fake_power_off(env, keep);
    else if (!fake_crashed(env))
        store_stop(env);
    fake_crash_at(env, 0);
    ck_assert_msg(store_start(env, config) == RMQ_OK, "crash at %u, keep %d", n, (int)keep);
    check_log(sync || !power);
    /* the same lengths again: what was cut off must not come back */
    ck_assert_int_eq(fake_command_text(env, "do=put\ncount=2\nsize=900\nqueues=2\n"), RMQ_OK);
    fake_advance_ms(env, 100);
    if (power)
        fake_power_off(env, keep);
    else
        ck_assert(store_stop(env));
    ck_assert_int_eq(store_start(env, config), RMQ_OK);
    check_log(sync || !power);
    teardown();
}

START_TEST(test_crash_points) {
    bool end = false;
    teardown();
    for (unsigned n = 1; !end; n++)
        crash_at(n, FAKE_KEEP_ALL, false, TINY, &end);
    setup();
}
END_TEST

START_TEST(test_power_off_points) {
    bool end = false;
    teardown();
    for (unsigned n = 1; !end; n++)
        crash_at(n, (enum fake_keep)_i, true, SYNC, &end);
    setup();
}
END_TEST

START_TEST(test_power_off_points_async) {
    bool end = false;
    teardown();
    for (unsigned n = 1; !end; n++)
        crash_at(n, (enum fake_keep)_i, true, TINY, &end);
    setup();
}
END_TEST

START_TEST(test_alloc_failures) {
    teardown();
    for (unsigned n = 1, failed = 1; failed; n++) {
        setup();
        fake_fail_at(env, FAKE_FAIL_ALLOC, n);
        int err = store_start(env, SYNC);
        for (int i = 0; err == RMQ_OK && i < 6; i++) {
            RMQ_IGNORE(fake_command_text(env, "do=put\ncount=3\nsize=900\nqueues=2\n"),
                       "no memory is among what is tested");
            fake_advance_ms(env, 200);
        }
        failed = fake_failed(env, FAKE_FAIL_ALLOC);
        if (err == RMQ_OK) {
            fake_advance_ms(env, 5000);
            check_log(true);
        }
        if (fake_node(env) != NULL)
            ck_assert(store_stop(env));
        ck_assert_int_eq(store_start(env, SYNC), RMQ_OK);
        check_log(true);
        teardown();
    }
    setup();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("store_log");
    TCase *tests = suite_case(suite, "store_log");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_put_and_restart);
    tcase_add_test(tests, test_put_rolls_files);
    tcase_add_test(tests, test_put_refuses);
    tcase_add_test(tests, test_put_transactions_take_no_offset);
    tcase_add_test(tests, test_put_batch_is_never_split);
    tcase_add_test(tests, test_sync_flush_acknowledges_after_the_sync);
    tcase_add_test(tests, test_sync_flush_times_out);
    tcase_add_test(tests, test_async_flush_intervals);
    tcase_add_loop_test(tests, test_sync_flush_plant_and_quirk, 0, 2);
    tcase_add_test(tests, test_async_flush_plant);
    tcase_add_test(tests, test_put_cancel);
    tcase_add_test(tests, test_write_failures);
    tcase_add_test(tests, test_write_failure_leaves_no_trace);
    tcase_add_test(tests, test_recovered_is_durable);
    tcase_add_test(tests, test_clock_goes_back);
    tcase_add_test(tests, test_abort_file_is_durable);
    tcase_add_test(tests, test_abort_file_holds_the_process_number);
    tcase_add_test(tests, test_sync_failure_stops_puts);
    tcase_add_test(tests, test_page_cache_busy);
    tcase_add_test(tests, test_crash_points);
    tcase_add_loop_test(tests, test_power_off_points, 0, FAKE_KEEP_COUNT);
    tcase_add_loop_test(tests, test_power_off_points_async, 0, FAKE_KEEP_COUNT);
    tcase_add_test(tests, test_alloc_failures);
    return suite_run(suite);
}
