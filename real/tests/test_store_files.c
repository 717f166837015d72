/* The model's store over real files: stores that RocketMQ wrote, and what a killed process leaves.
 */
#include <cJSON.h>
#include <sys/wait.h>

#include "model/base/buf.h"
#include "model/store/store.h"
#include "model/tests/suite.h"
#include "real/tests/files.h"

static struct store_config config;
static struct store *store;
static int opened;
static bool closed;

static void on_open(void *ctx, int status) {
    (void)ctx;
    opened = status;
}
static void on_closed(void *ctx) {
    (void)ctx;
    closed = true;
}
static const struct store_handler HANDLER = {.on_open = on_open, .on_closed = on_closed};

static bool is_opened(void *ctx) {
    (void)ctx;
    return opened != 1;
}

static void do_open(void *ctx) {
    struct props props;
    struct span bad;
    (void)ctx;
    props_init(&props, node);
    ck_assert_int_eq(store_config_read(&props, &config, &bad), RMQ_OK);
    props_deinit(&props);
    snprintf(config.root, sizeof config.root, "%s/store", root);
    snprintf(config.commit_log, sizeof config.commit_log, "%s/store/commitlog", root);
    config.commit_log_file_bytes = 1 << 20; /* as the captured ones */
    config.queue_file_bytes = 6000;
    config.index_slots = 100;
    config.index_entries = 400;
    opened = 1;
    int err = store_open(node, &config, &HANDLER, NULL, &store);
    if (err != RMQ_OK) {
        opened = err;
    }
}

static void open_store(void) {
    real_node_call(node, do_open, NULL);
    turn_until(loop, is_opened, NULL);
    ck_assert_msg(opened == RMQ_OK, "%s\n%s", rmq_err_text(opened), log_text);
}

static void do_close(void *ctx) {
    (void)ctx;
    closed = false;
    store_close(store);
}
static void do_free(void *ctx) {
    (void)ctx;
    store_free(store);
}
static void close_store(void) {
    real_node_call(node, do_close, NULL);
    turn_until(loop, is_true, &closed);
    real_node_call(node, do_free, NULL);
}

/* ---- one get ---- */

static struct store_get get;
static bool got;
static enum get_status get_status;

static void on_got(struct store_get *done, enum get_status status) {
    (void)done;
    got = true;
    get_status = status;
}

static void do_get(void *ctx) {
    (void)ctx;
    store_get(store, &get, on_got);
}

/* The record at a queue offset; its bytes stay until the next call. */
static void get_record(const char *topic, int32_t queue, int64_t offset, struct message *out) {
    static struct buf records;
    if (records.env == node) {
        buf_deinit(&records);
    }
    buf_init(&records, node);
    get = (struct store_get){
        .topic = span_of_text(topic), .queue_id = queue, .offset = offset, .max_count = 1};
    buf_init(&get.records, node);
    got = false;
    real_node_call(node, do_get, NULL);
    turn_until(loop, is_true, &got);
    ck_assert_msg(get_status == GET_FOUND, "%s %d %lld: %s", topic, queue, (long long)offset,
                  get_status_text(get_status));
    records = get.records;
    ck_assert_int_eq(message_decode(buf_span(&records), true, out), MESSAGE_OK);
    ck_assert_int_eq(out->queue_offset, offset);
}

/* ---- captured stores ---- */

static cJSON *listing_of(const char *name) {
    static char text[8 << 20];
    char line[512];
    snprintf(line, sizeof line, "xz -dc '%s/model/tests/vectors/store/%s.json.xz'", RMQ_SOURCE_DIR,
             name);
    FILE *pipe = popen(line, "r");
    ck_assert_ptr_nonnull(pipe);
    text[fread(text, 1, sizeof text - 1, pipe)] = '\0';
    ck_assert_int_eq(pclose(pipe), 0);
    cJSON *listing = cJSON_Parse(text);
    ck_assert_ptr_nonnull(listing);
    return listing;
}

static int64_t number_of(const cJSON *row, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(row, name);
    ck_assert_msg(cJSON_IsNumber(item), "no number %s", name);
    return (int64_t)item->valuedouble;
}

START_TEST(test_captured_store__lists_the_same_messages) {
    static const char *const names[] = {"4.9.7-clean", "4.9.7-kill", "5.3.3-clean", "5.3.3-kill"};
    char line[512];
    snprintf(line, sizeof line, "xz -dc '%s/model/tests/vectors/store/%s.tar.xz' | tar -x -C %s",
             RMQ_SOURCE_DIR, names[_i], root);
    ck_assert_int_eq(system(line), 0);
    open_store();
    cJSON *listing = listing_of(names[_i]);
    const cJSON *row;
    unsigned compared = 0;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(listing, "messages")) {
        struct message message;
        const cJSON *topic = cJSON_GetObjectItemCaseSensitive(row, "topic");
        if (topic == NULL) {
            continue; /* a blank record */
        }
        get_record(topic->valuestring, (int32_t)number_of(row, "queueId"),
                   number_of(row, "queueOffset"), &message);
        ck_assert_int_eq(message.physical_offset, number_of(row, "physicalOffset"));
        ck_assert_int_eq((int64_t)message.size, number_of(row, "size"));
        ck_assert_int_eq(message.body_crc, number_of(row, "bodyCRC"));
        ck_assert_int_eq(message.store_ms, number_of(row, "storeTimestamp"));
        compared++;
    }
    ck_assert_uint_gt(compared, 2000);
    cJSON_Delete(listing);
    close_store();
}
END_TEST

/* ---- a killed process ---- */

#define PUTS 64

struct numbered_put {
    struct store_put put;
    unsigned number;
};
/* What the child tells of an acknowledged message. */
struct told {
    unsigned number;
    int32_t queue;
    int64_t offset;
};

static struct numbered_put all_puts[PUTS];
static unsigned next_number;
static int tell_fd;

static size_t body_of(unsigned number, char out[4096]) {
    size_t len = (size_t)snprintf(out, 4096, "message %u ", number);
    size_t more = (number * 7919U) % 3000;
    memset(out + len, 'a' + (int)(number % 26), more);
    return len + more;
}

static void on_put(struct store_put *put, enum put_status status);

static void put_next(struct numbered_put *numbered) {
    char body[4096];
    numbered->number = next_number++;
    struct message message = {.queue_id = (int32_t)(numbered->number % 4),
                              .topic = SPAN_LITERAL("Killed"),
                              .born_host = {{127, 0, 0, 1}, 4, 50000},
                              .store_host = {{127, 0, 0, 1}, 4, 10911}};
    message.body = span_of(body, body_of(numbered->number, body));
    store_put(store, &message, true, &numbered->put, on_put);
}

static void on_put(struct store_put *put, enum put_status status) {
    struct numbered_put *numbered = RMQ_CONTAINER_OF(put, struct numbered_put, put);
    struct told told = {numbered->number, (int32_t)(numbered->number % 4), put->queue_offset};
    buf_deinit(&put->ids);
    if (status != PUT_OK || write(tell_fd, &told, sizeof told) != sizeof told) {
        _exit(3);
    }
    put_next(numbered);
}

static void start_puts(void *ctx) {
    (void)ctx;
    for (int i = 0; i < PUTS; i++) {
        put_next(&all_puts[i]);
    }
}

/* Puts without end, and tells what was acknowledged, until it is killed. */
static void run_child(unsigned first) {
    loop = NULL;
    node = NULL;
    loop = new_loop();
    begin_node();
    open_store();
    next_number = first;
    real_node_call(node, start_puts, NULL);
    for (;;) {
        real_loop_turn(loop, SECOND);
    }
}

/* Reads what the child tells and kills it in the middle. */
static size_t kill_child(unsigned first, struct told *told, size_t count) {
    int pipes[2];
    ck_assert_int_eq(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        close(pipes[0]);
        tell_fd = pipes[1];
        run_child(first);
    }
    close(pipes[1]);
    size_t have = 0;
    bool killed = false;
    for (ssize_t len; (len = read(pipes[0], &told[have], sizeof told[0])) > 0;) {
        ck_assert_int_eq(len, sizeof told[0]);
        have++;
        ck_assert_uint_lt(have, count);
        if (have > 300 + first % 100 && !killed) {
            killed = kill(child, SIGKILL) == 0;
        }
    }
    int status = 0;
    waitpid(child, &status, 0);
    close(pipes[0]);
    ck_assert_msg(WIFSIGNALED(status), "the child ended with %d", WEXITSTATUS(status));
    return have;
}

START_TEST(test_kill__loses_nothing_that_was_acknowledged) {
    enum { TOLD = 20000 };
    static struct told told[TOLD];
    unsigned first = 0;
    size_t have = 0;
    real_node_free(node);
    real_loop_free(loop);
    for (int round = 0; round < 8; round++) {
        have += kill_child(first, told + have, TOLD - have);
        first += 100000;
        loop = new_loop();
        begin_node();
        open_store();
        for (size_t i = 0; i < have; i++) {
            struct message message;
            char body[4096];
            size_t len = body_of(told[i].number, body);
            get_record("Killed", told[i].queue, told[i].offset, &message);
            ck_assert(span_equal(message.body, span_of(body, len)));
        }
        if (round % 2 == 0) {
            close_store();
        }
        real_node_free(node);
        real_loop_free(loop);
    }
    ck_assert_uint_gt(have, 2000);
    loop = new_loop();
    begin_node();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("store over files");
    TCase *tests = suite_case(suite, "store");
    tcase_add_checked_fixture(tests, setup_files, teardown_files);
    tcase_set_timeout(tests, 300);
    tcase_add_loop_test(tests, test_captured_store__lists_the_same_messages, 0, 4);
    tcase_add_test(tests, test_kill__loses_nothing_that_was_acknowledged);
    return suite_run(suite);
}
