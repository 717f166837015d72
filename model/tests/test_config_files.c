/* test_config_files.c - topics.json, subscriptionGroup.json, consumerOffset.json: the files that
 * 4.9.7 and 5.3.3 wrote come out of our tables byte for byte; loading, saving and their failures.
 */
#include <stdio.h>
#include <xxhash.h>

#include "model/broker/config_files.h"
#include "model/tests/env_fake.h"
#include "model/tests/suite.h"
#include "model/wire/body_config.h"

#define FOLDER RMQ_SOURCE_DIR "/model/tests/vectors/store-config/"
#define TOPICS "/store/config/topics.json"
#define GROUPS "/store/config/subscriptionGroup.json"
#define OFFSETS "/store/config/consumerOffset.json"
#define NAMES "brokerClusterName=GoldCluster\nbrokerName=broker-a\nnamesrvAddr=10.0.0.1:9876\n"

#define THEIRS NAMES "defaultTopicQueueNums=4\n"

static struct env *env;
static struct broker_config config;
static struct topics topics;
static struct groups groups;
static struct consumer_filters filters;
static struct offsets offsets;
static struct config_files files;
static int status; /* 1: not done */
static unsigned done_count;

/* The offsets' store: none here. */
int64_t store_max_offset(const struct store *store, struct span topic, int32_t queue_id);
int64_t store_max_offset(const struct store *store, struct span topic, int32_t queue_id) {
    ck_assert_ptr_nonnull(store);
    ck_assert_uint_gt(topic.len, 0);
    return queue_id;
}

int64_t store_recovered_offset(const struct store *store, struct span topic, int32_t queue_id);
int64_t store_recovered_offset(const struct store *store, struct span topic, int32_t queue_id) {
    ck_assert(store != NULL && topic.len > 0 && queue_id >= 0);
    return INT64_MAX;
}

static void tables_init(const char *text) {
    struct props props;
    size_t line;
    props_init(&props, env);
    ck_assert_int_eq(props_parse(&props, span_of_text(text), &line), RMQ_OK);
    ck_assert_int_eq(broker_config_read(env, &props, &config), RMQ_OK);
    props_deinit(&props);
    topics_init(&topics, env, &config);
    groups_init(&groups, env, &config);
    offsets_init(&offsets, env, &config);
    consumer_filters_init(&filters, env, groups.hash_key, &config);
    config_files_init(&files, &topics, &groups, &offsets, &filters, NULL);
    status = 1;
    done_count = 0;
}

static void tables_deinit(void) {
    consumer_filters_deinit(&filters);
    offsets_deinit(&offsets);
    groups_deinit(&groups);
    topics_deinit(&topics);
    broker_config_free(env, &config);
}

static void begin(const char *text) {
    env = fake_create();
    tables_init(text);
}

static void end(void) {
    tables_deinit();
    fake_settle(env);
    fake_destroy(env);
}

static void on_done(void *ctx, int result) {
    ck_assert_ptr_eq(ctx, &files);
    status = result;
    done_count++;
}

static int load(void) {
    status = 1;
    config_files_load(&files, on_done, &files);
    fake_settle(env);
    return status;
}

static int save_all(void) {
    status = 1;
    config_files_save_all(&files, on_done, &files);
    fake_settle(env);
    return status;
}

static struct span content_of(const char *path) {
    struct span content = SPAN_NONE;
    ck_assert(fake_get_file(env, path, &content));
    return content;
}

/* ---- what Apache wrote -------------------------------------------------------------------------
 */

static struct span read_vector(const char *folder, const char *name, char *into, size_t size) {
    char path[512];
    snprintf(path, sizeof path, FOLDER "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    size_t len = fread(into, 1, size, file);
    fclose(file);
    ck_assert_uint_lt(len, size);
    return span_of(into, len);
}

static const char *const FOLDERS[] = {"4.9.7-clean", "4.9.7-kill", "5.3.3-clean", "5.3.3-kill"};
static const char *const CONFIGS[] = {THEIRS, THEIRS,
                                      THEIRS "profile=5.3\ntimerWheelEnable=false\n",
                                      THEIRS "profile=5.3\ntimerWheelEnable=false\n"};

static void expect_same(const char *folder, const char *name, const char *path) {
    static char text[16384];
    struct span theirs = read_vector(folder, name, text, sizeof text);
    struct span ours = content_of(path);
    size_t at = 0;
    while (at < ours.len && at < theirs.len && ours.data[at] == theirs.data[at])
        at++;
    ck_assert_msg(span_equal(ours, theirs), "%s/%s differs at byte %zu: %.60s", folder, name, at,
                  (const char *)ours.data + at);
}

START_TEST(test_same_bytes) {
    static const char *const NAMES_OF[] = {"topics.json", "subscriptionGroup.json",
                                           "consumerOffset.json"};
    static const char *const PATHS[] = {TOPICS, GROUPS, OFFSETS};
    char text[16384];
    begin(CONFIGS[_i]);
    for (size_t f = 0; f < 3; f++)
        fake_put_file(env, PATHS[f], read_vector(FOLDERS[_i], NAMES_OF[f], text, sizeof text));
    ck_assert_int_eq(load(), RMQ_OK);
    ck_assert_uint_eq(fake_event_count_of(env, EVENT_config_loaded, "source", "main"), 3);
    config_file_save(topics.file);
    config_file_save(&groups.file);
    config_file_save(&offsets.file);
    ck_assert_int_eq(save_all(), RMQ_OK);
    ck_assert_uint_eq(fake_event_count(env, EVENT_config_saved), 3);
    for (size_t f = 0; f < 3; f++)
        expect_same(FOLDERS[_i], NAMES_OF[f], PATHS[f]);
    end();
}
END_TEST

/* Members that we do not keep, keys in quotes, escapes, numbers as text. */
START_TEST(test_tolerant_reader) {
    begin(NAMES);
    fake_put_file(env, OFFSETS,
                  SPAN_LITERAL("{\"x\":[1,{}],\"offsetTable\":{\"T\\u0041@g\":{\"3\":7,0:\"5\"}},"
                               "\"dataVersion\":null}"));
    fake_put_file(env, GROUPS,
                  SPAN_LITERAL("{\"subscriptionGroupTable\":{\"g\":{\"groupName\":\"g\","
                               "\"retryMaxTimes\":3,\"new\":{\"a\":1}}},\"dataVersion\":"
                               "{\"counter\":4,\"timestamp\":9,\"stateVersion\":1}}"));
    ck_assert_int_eq(load(), RMQ_OK);
    ck_assert_int_eq(offsets_find(&offsets, SPAN_LITERAL("g"), SPAN_LITERAL("TA"), 3), 7);
    ck_assert_int_eq(offsets_find(&offsets, SPAN_LITERAL("g"), SPAN_LITERAL("TA"), 0), 5);
    ck_assert_int_eq(offsets_find(&offsets, SPAN_LITERAL("g"), SPAN_LITERAL("TA"), 1), -1);
    const struct group *group = groups_find(&groups, SPAN_LITERAL("g"));
    ck_assert_ptr_nonnull(group);
    ck_assert_int_eq(group->retry_max, 3);
    ck_assert(group->consume_enable);
    ck_assert_int_eq(groups.version_counter, 4);
    end();
}
END_TEST

/* ---- loading -----------------------------------------------------------------------------------
 */

#define GOOD "{\"offsetTable\":{\"T@g\":{0:1}}}"
#define OLDER "{\"offsetTable\":{\"T@g\":{0:9}}}"

static int64_t offset_of_t(void) {
    return offsets_find(&offsets, SPAN_LITERAL("g"), SPAN_LITERAL("T"), 0);
}

START_TEST(test_which_file) {
    static const struct {
        const char *main, *backup, *source;
        int result;
        int64_t offset;
    } CASES[] = {
        {GOOD, OLDER, "main", RMQ_OK, 1},
        {NULL, OLDER, "backup", RMQ_OK, 9},
        {"", OLDER, "backup", RMQ_OK, 9},
        {" \n", OLDER, "backup", RMQ_OK, 9},
        {"{\"off", OLDER, "backup", RMQ_OK, 9},
        {"{\"offsetTable\":{\"T@g\":{0:1}}", OLDER, "backup", RMQ_OK, 9},
        {NULL, NULL, "none", RMQ_OK, -1},
        {"", "", "none", RMQ_OK, -1},
        {"{", "", NULL, RMQ_E_INVALID, -1},
        {"{", NULL, NULL, RMQ_E_INVALID, -1},
        {"{", "{", NULL, RMQ_E_INVALID, -1},
        {NULL, "{", NULL, RMQ_E_INVALID, -1},
        {"{\"offsetTable\":{\"T@g\":{0:1},\"U@g\":{x:2}}}", OLDER, "backup", RMQ_OK, 9},
    };
    begin(NAMES);
    if (CASES[_i].main != NULL)
        fake_put_file(env, OFFSETS, span_of_text(CASES[_i].main));
    if (CASES[_i].backup != NULL)
        fake_put_file(env, OFFSETS ".bak", span_of_text(CASES[_i].backup));
    ck_assert_int_eq(load(), CASES[_i].result);
    ck_assert_int_eq(offset_of_t(), CASES[_i].offset);
    if (CASES[_i].source != NULL)
        ck_assert(span_equal(fake_event_text(env, EVENT_config_loaded, "source"),
                             span_of_text(CASES[_i].source)));
    bool broken =
        CASES[_i].main != NULL && CASES[_i].main[0] == '{' && strcmp(CASES[_i].main, GOOD) != 0;
    ck_assert_int_eq(fake_log_contains(env, "consumerOffset.json does not load"), broken);
    end();
}
END_TEST

/* A broken main file does not push the good backup out. */
START_TEST(test_broken_main_keeps_backup) {
    begin(NAMES);
    fake_put_file(env, OFFSETS, SPAN_LITERAL("{\"off"));
    fake_put_file(env, OFFSETS ".bak", SPAN_LITERAL(OLDER));
    ck_assert_int_eq(load(), RMQ_OK);
    config_file_save(&offsets.file);
    ck_assert_int_eq(save_all(), RMQ_OK);
    ck_assert(span_equal(content_of(OFFSETS ".bak"), SPAN_LITERAL(OLDER)));
    config_file_save(&offsets.file); /* now the main file is good */
    ck_assert_int_eq(save_all(), RMQ_OK);
    ck_assert(span_equal(content_of(OFFSETS ".bak"), content_of(OFFSETS)));
    end();
}
END_TEST

START_TEST(test_read_fails) {
    begin(NAMES);
    fake_put_file(env, OFFSETS, SPAN_LITERAL(GOOD));
    fake_put_file(env, OFFSETS ".bak", SPAN_LITERAL(OLDER));
    fake_fail_at(env, FAKE_FAIL_FILE_READ, 1);
    ck_assert_int_eq(load(), RMQ_OK);
    ck_assert_int_eq(offset_of_t(), 9);
    end();
}
END_TEST

/* A file that cannot be read is not an empty one. */
START_TEST(test_read_fails_without_backup) {
    begin(NAMES);
    fake_put_file(env, OFFSETS, SPAN_LITERAL(GOOD));
    fake_fail_at(env, FAKE_FAIL_FILE_READ, 1);
    ck_assert_int_eq(load(), RMQ_E_IO);
    end();
    begin(NAMES);
    fake_put_file(env, OFFSETS, SPAN_LITERAL(GOOD));
    fake_fail_at(env, FAKE_FAIL_FILE_OPEN, 1);
    ck_assert_int_eq(load(), RMQ_E_IO);
    end();
}
END_TEST

/* ---- saving ------------------------------------------------------------------------------------
 */

static void create_group(const char *name) {
    const struct group *group = NULL;
    ck_assert_int_eq(groups_find_or_create(&groups, span_of_text(name), &group), RMQ_OK);
    ck_assert(span_equal(group->name, span_of_text(name)));
}

/* A change while a save is under way is saved after it; two changes are one save. */
START_TEST(test_coalesces) {
    begin(NAMES);
    fake_hold_files(env, true);
    create_group("a");
    create_group("b");
    create_group("c");
    ck_assert_uint_eq(fake_event_count(env, EVENT_config_saving), 1);
    fake_hold_files(env, false);
    fake_settle(env);
    ck_assert_uint_eq(fake_event_count(env, EVENT_config_saving), 2);
    ck_assert_uint_eq(fake_event_count(env, EVENT_config_saved), 2);
    struct span content = content_of(GROUPS);
    uint64_t hash = XXH3_64bits(content.data, content.len);
    ck_assert_uint_eq(fake_event_uint(env, EVENT_config_saved, "content_hash"), hash);
    ck_assert_uint_eq(fake_timer_count(env), 0);
    tables_deinit();
    tables_init(NAMES);
    ck_assert_int_eq(load(), RMQ_OK);
    ck_assert_ptr_nonnull(groups_find(&groups, SPAN_LITERAL("c")));
    ck_assert_int_eq(groups.version_counter, 3);
    end();
}
END_TEST

START_TEST(test_failed_save_is_tried_again) {
    begin(NAMES);
    fake_fail_files_with(env, RMQ_E_NO_SPACE);
    fake_fail_at(env, FAKE_FAIL_FILE_WRITE, 1);
    create_group("a");
    fake_settle(env);
    ck_assert_uint_eq(fake_event_count(env, EVENT_config_save_failed), 1);
    ck_assert_uint_eq(fake_event_count(env, EVENT_config_saved), 0);
    fake_advance_ms(env, 5000);
    ck_assert_uint_eq(fake_event_count(env, EVENT_config_saved), 1);
    ck_assert_uint_eq(fake_timer_count(env), 0);
    end();
}
END_TEST

/* A clean stop hears of the failure, and does not wait for ever. */
START_TEST(test_settle_tells_failure) {
    begin(NAMES);
    fake_hold_files(env, true);
    create_group("a");
    fake_fail_at(env, FAKE_FAIL_FILE_SYNC, 1);
    config_files_save_all(&files, on_done, &files);
    ck_assert_uint_eq(done_count, 0);
    fake_hold_files(env, false);
    fake_settle(env);
    ck_assert_uint_eq(done_count, 1);
    ck_assert_int_eq(status, RMQ_E_IO);
    end();
}
END_TEST

static void on_wait(void *ctx, int result) {
    ck_assert_int_eq(*(int *)ctx, 1); /* once */
    *(int *)ctx = result;
}

/* Who waits is told by the save that has what it waits for; a failure is told at once. */
START_TEST(test_await) {
    int first = 1, second = 1, third = 1, none = 1;
    struct config_wait waits[3] = {{on_wait, &first, {NULL, NULL}, false},
                                   {on_wait, &second, {NULL, NULL}, false},
                                   {on_wait, &third, {NULL, NULL}, false}};
    struct config_wait at_once = {.done = on_wait, .ctx = &none};
    begin(NAMES);
    config_wait_cancel(&at_once); /* it does not wait: nothing happens */
    config_file_await(&groups.file, &at_once);
    ck_assert_int_eq(none, RMQ_OK);
    fake_hold_files(env, true);
    create_group("a");
    config_file_await(&groups.file, &waits[0]);
    create_group("b");
    config_file_await(&groups.file, &waits[1]);
    config_file_await(&groups.file, &waits[2]);
    config_wait_cancel(&waits[2]);
    ck_assert_int_eq(first, 1);
    fake_fail_at(env, FAKE_FAIL_FILE_RENAME, 3); /* of the second save */
    fake_hold_files(env, false);
    fake_settle(env);
    ck_assert_int_eq(first, RMQ_OK);
    ck_assert_int_eq(second, RMQ_E_IO);
    fake_fail_at(env, FAKE_FAIL_FILE_RENAME, 0);
    config_file_await(&groups.file, &waits[2]); /* does not wait for the 5 s */
    fake_settle(env);
    ck_assert_int_eq(third, RMQ_OK);
    third = 1;
    create_group("c");
    config_file_await(&groups.file, &waits[2]);
    end(); /* it is forgotten */
    ck_assert_int_eq(third, 1);
}
END_TEST

START_TEST(test_no_memory) {
    unsigned n = 1;
    for (bool failed = true; failed; n++) {
        const struct group *group = NULL;
        begin(NAMES "profile=5.3\n");
        fake_put_file(env, OFFSETS, SPAN_LITERAL(GOOD));
        fake_put_file(env, GROUPS,
                      SPAN_LITERAL("{\"subscriptionGroupTable\":{\"g\":{\"groupName\":\"g\"}}}"));
        fake_fail_at(env, FAKE_FAIL_ALLOC, n);
        int loaded = load();
        ck_assert(loaded == RMQ_OK || loaded == RMQ_E_NOMEM);
        int err = groups_find_or_create(&groups, SPAN_LITERAL("x"), &group);
        ck_assert(err == RMQ_OK || err == RMQ_E_NOMEM);
        err =
            offsets_commit(&offsets, SPAN_LITERAL("x"), SPAN_LITERAL("T"), 1, 1, SPAN_LITERAL("c"));
        ck_assert(err == RMQ_OK || err == RMQ_E_NOMEM);
        save_all();
        failed = fake_failed(env, FAKE_FAIL_ALLOC);
        fake_advance_ms(env, 20000);
        ck_assert_int_eq(save_all(), RMQ_OK);
        ck_assert(failed || loaded == RMQ_OK);
        end();
    }
    ck_assert_uint_gt(n, 20);
}
END_TEST

/* The tables go while operations are under way, whatever the step. */
START_TEST(test_deinit_any_time) {
    for (unsigned steps = 0; steps < 12; steps++) {
        begin(NAMES);
        fake_hold_files(env, true);
        create_group("a");
        create_group("b");
        for (unsigned i = 0; i < steps && fake_file_ops(env) > 0; i++)
            fake_complete(env, 0);
        fake_hold_files(env, false);
        end();
    }
    begin(NAMES);
    fake_put_file(env, TOPICS, SPAN_LITERAL("{}"));
    config_files_load(&files, on_done, &files);
    end();
    ck_assert_uint_eq(done_count, 0);
}
END_TEST

/* Power-off at each step of two saves: the first content, the second, or (before the first one is
 * durable) nothing loads; never less than what was reported as saved. */
START_TEST(test_power_off) {
    unsigned runs = 0;
    for (enum fake_keep keep = FAKE_KEEP_NONE; keep < FAKE_KEEP_COUNT; keep++) {
        bool left = true;
        for (unsigned steps = 0; left; steps++, runs++) {
            begin(NAMES);
            fake_hold_files(env, true);
            create_group("a");
            create_group("b");
            for (unsigned i = 0; i < steps && fake_file_ops(env) > 0; i++)
                fake_complete(env, i % 3 == 0 ? fake_file_ops(env) - 1 : 0);
            left = fake_file_ops(env) > 0;
            size_t saved = fake_event_count(env, EVENT_config_saved);
            fake_power_off(env, keep); /* takes the tables' memory */
            fake_hold_files(env, false);
            tables_init(NAMES);
            ck_assert_int_eq(load(), RMQ_OK);
            ck_assert_int_ge(groups.version_counter, (int64_t)saved);
            ck_assert_int_eq(groups_find(&groups, SPAN_LITERAL("b")) != NULL,
                             groups.version_counter == 2);
            end();
        }
    }
    ck_assert_uint_gt(runs, 50);
}
END_TEST

/* INC-39, by quirk and by plant: a power-off leaves files that do not load. */
START_TEST(test_unsynced_does_not_load) {
    unsigned broken = 0;
    for (enum fake_keep keep = FAKE_KEEP_NONE; keep < FAKE_KEEP_COUNT; keep++) {
        begin(_i == 0 ? NAMES "quirk.unsyncedConfig=true\n" : NAMES);
        fake_set_plant(env, PLANT_CONFIG_UNSYNCED, _i == 1);
        create_group("a");
        fake_settle(env);
        fake_keep_all(env);
        create_group("b");
        fake_settle(env);
        ck_assert_uint_eq(fake_event_count(env, EVENT_config_saved), 2);
        fake_power_off(env, keep);
        tables_init(NAMES);
        broken += load() != RMQ_OK || groups.version_counter == 0;
        end();
    }
    ck_assert_uint_gt(broken, 0);
}
END_TEST

/* ---- delayOffset.json --------------------------------------------------------------------------
 */

static struct json_writer delay_writer;

static int on_level(void *ctx, int32_t level, int64_t offset) {
    ck_assert_ptr_null(ctx);
    json_key_i64(&delay_writer, level);
    json_number(&delay_writer, offset);
    return RMQ_OK;
}

START_TEST(test_delay_offsets) {
    char text[16384];
    struct span theirs = read_vector(FOLDERS[_i], "delayOffset.json", text, sizeof text);
    struct data_version version;
    struct wire_error error;
    struct buf scratch, out;
    env = fake_create();
    buf_init(&scratch, env);
    buf_init(&out, env);
    ck_assert_int_eq(delay_table_decode(theirs, &scratch, NULL, NULL, &version, &error), RMQ_OK);
    json_writer_init(&delay_writer, &out, JSON_STYLE_FASTJSON);
    delay_writer.pretty = true;
    delay_table_begin(&delay_writer, &version, _i >= 2);
    ck_assert_int_eq(delay_table_decode(theirs, &scratch, on_level, NULL, &version, &error),
                     RMQ_OK);
    delay_table_end(&delay_writer);
    ck_assert(span_equal(buf_span(&out), theirs));
    buf_deinit(&scratch);
    buf_deinit(&out);
    fake_destroy(env);
}
END_TEST

/* ---- groups ------------------------------------------------------------------------------------
 */

START_TEST(test_groups) {
    const struct group *group = NULL;
    begin(NAMES "autoCreateSubscriptionGroup=false\n");
    ck_assert_uint_eq(groups_count(&groups), 7);
    ck_assert_int_eq(groups_find_or_create(&groups, SPAN_LITERAL("TOOLS_CONSUMER"), &group),
                     RMQ_OK);
    ck_assert_int_eq(groups_find_or_create(&groups, SPAN_LITERAL("g"), &group), RMQ_E_NOT_FOUND);
    ck_assert_int_eq(groups.version_counter, 0);
    ck_assert_int_eq(groups_find_or_create(&groups, SPAN_LITERAL("CID_RMQ_SYS_X"), &group), RMQ_OK);
    ck_assert(group->consume_enable && group->consume_from_min_enable &&
              group->consume_broadcast_enable && group->notify_ids_changed);
    ck_assert(group->retry_queues == 1 && group->retry_max == 16 && group->broker_id == 0 &&
              group->slow_broker_id == 1);
    ck_assert_int_eq(groups.version_counter, 1);
    ck_assert_int_eq(groups.version_timestamp, 1767225600000);
    struct group changed = *groups_find(&groups, SPAN_LITERAL("TOOLS_CONSUMER"));
    changed.consume_enable = false;
    ck_assert_int_eq(groups_put(&groups, &changed), RMQ_OK);
    ck_assert(!groups_find(&groups, SPAN_LITERAL("TOOLS_CONSUMER"))->consume_enable);
    ck_assert_uint_eq(groups_count(&groups), 8);
    fake_settle(env);
    tables_deinit();
    tables_init(NAMES "profile=5.3\n");
    ck_assert_int_eq(load(), RMQ_OK);
    ck_assert(!groups_find(&groups, SPAN_LITERAL("TOOLS_CONSUMER"))->consume_enable);
    ck_assert_uint_eq(groups_count(&groups), 9); /* and CID_RMQ_SYS_TRANS */
    ck_assert_int_eq(groups_find_or_create(&groups, SPAN_LITERAL("a b"), &group), RMQ_E_NOT_FOUND);
    end();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("config_files");
    TCase *tests = suite_case(suite, "bytes");
    tcase_add_loop_test(tests, test_same_bytes, 0, 4);
    tcase_add_loop_test(tests, test_delay_offsets, 0, 4);
    tcase_add_test(tests, test_tolerant_reader);
    tests = suite_case(suite, "load");
    tcase_add_loop_test(tests, test_which_file, 0, 12);
    tcase_add_test(tests, test_broken_main_keeps_backup);
    tcase_add_test(tests, test_read_fails);
    tcase_add_test(tests, test_read_fails_without_backup);
    tcase_add_test(tests, test_read_fails_without_backup);
    tests = suite_case(suite, "save");
    tcase_add_test(tests, test_coalesces);
    tcase_add_test(tests, test_failed_save_is_tried_again);
    tcase_add_test(tests, test_settle_tells_failure);
    tcase_add_test(tests, test_await);
    tcase_add_test(tests, test_no_memory);
    tcase_add_test(tests, test_deinit_any_time);
    tcase_add_test(tests, test_power_off);
    tcase_add_loop_test(tests, test_unsynced_does_not_load, 0, 2);
    tests = suite_case(suite, "groups");
    tcase_add_test(tests, test_groups);
    return suite_run(suite);
}
