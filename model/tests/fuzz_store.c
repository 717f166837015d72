/* fuzz_store.c - a store's files with any bytes in them: it opens or says why not, what it gives
 * out is whole, and it goes on; never an abort.
 *
 * A store of tiny files is written, its process killed; then the input is applied: pieces of file
 * (1 byte), offset (2), length (1), bytes; a length of 0 cuts the file at the offset, or removes
 * it at 0. Run: build/fuzz/bin/fuzz_store -max_total_time=600 */
#include <stdlib.h>

#include "model/base/check.h"
#include "model/base/props.h"
#include "model/store/store.h"
#include "model/tests/env_fake.h"

#define MESSAGES 60
#define SETTLES 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const FILES[] = {"/store/commitlog/00000000000000000000",
                                    "/store/commitlog/00000000000000008192",
                                    "/store/consumequeue/T/0/00000000000000000000",
                                    "/store/consumequeue/T/1/00000000000000000000",
                                    "/store/checkpoint",
                                    "/store/abort",
                                    "/store/consumequeue/T/0/00000000000000002000",
                                    "/store/commitlog/00000000000000016384"};
#define FILE_COUNT (sizeof FILES / sizeof FILES[0])

static struct {
    struct store *store;
    int opened; /* 1: not yet */
    bool closed, put_done, get_done;
    enum get_status get_status;
} now;

static void on_open(void *ctx, int status) {
    (void)ctx;
    now.opened = status;
}
static void on_closed(void *ctx) {
    (void)ctx;
    now.closed = true;
}
static const struct store_handler HANDLER = {.on_open = on_open, .on_closed = on_closed};

static void settle(struct env *env, const bool *until) {
    for (unsigned i = 0; i < SETTLES && !*until; i++)
        fake_settle(env);
}

static bool open_store(struct env *env) {
    struct props props;
    struct span bad;
    struct store_config config;
    props_init(&props, env);
    RMQ_ASSERT(store_config_read(&props, &config, &bad) == RMQ_OK);
    props_deinit(&props);
    config.commit_log_file_bytes = 8192;
    config.queue_file_bytes = 100 * 20;
    config.index_slots = 5;
    config.index_entries = 4;
    now.opened = 1;
    now.closed = false;
    now.store = NULL;
    if (store_open(env, &config, &HANDLER, NULL, &now.store) != RMQ_OK)
        return false;
    for (unsigned i = 0; i < SETTLES && now.opened == 1; i++) {
        fake_settle(env);
        if (i % 10 == 9)
            fake_advance_ms(env, 1000); /* something is tried again */
    }
    RMQ_ASSERT(now.opened != 1); /* it ends, one way or the other */
    return now.opened == RMQ_OK;
}

static void on_put(struct store_put *put, enum put_status status) {
    (void)put;
    (void)status;
    now.put_done = true;
}

static void put(struct env *env, int32_t queue_id) {
    struct store_put put = {.done = NULL};
    struct message message = {.queue_id = queue_id,
                              .topic = SPAN_LITERAL("T"),
                              .body = SPAN_LITERAL("a body of some bytes, and some more of them"),
                              .properties = SPAN_LITERAL("KEYS\001k1\002TAGS\001a"),
                              .born_ms = 1700000000000,
                              .born_host = {{127, 0, 0, 1}, 4, 50000}};
    now.put_done = false;
    store_put(now.store, &message, false, &put, on_put);
    settle(env, &now.put_done);
    RMQ_ASSERT(now.put_done);
    buf_deinit(&put.ids);
}

static void on_get(struct store_get *get, enum get_status status) {
    (void)get;
    now.get_status = status;
    now.get_done = true;
}

/* Each record that a get gives is whole. */
static void check_records(struct span records) {
    while (records.len > 0) {
        struct message message;
        RMQ_ASSERT(message_decode(records, false, &message) == MESSAGE_OK);
        records = span_from(records, message.size);
    }
}

static void read_all(struct env *env, int32_t queue_id) {
    int64_t offset = store_min_offset(now.store, SPAN_LITERAL("T"), queue_id);
    for (unsigned i = 0; i < 200; i++) {
        struct store_get get = {
            .topic = SPAN_LITERAL("T"), .queue_id = queue_id, .offset = offset, .max_count = 32};
        buf_init(&get.records, env);
        now.get_done = false;
        store_get(now.store, &get, on_get);
        settle(env, &now.get_done);
        RMQ_ASSERT(now.get_done);
        check_records(buf_span(&get.records));
        buf_deinit(&get.records);
        if (get.next_offset <= offset)
            return;
        offset = get.next_offset;
    }
}

static void apply(struct env *env, const uint8_t *data, size_t size) {
    struct span_reader reader = {span_of(data, size), false};
    while (reader.rest.len >= 4) {
        const char *path = FILES[read_u8(&reader) % FILE_COUNT];
        size_t offset = (uint16_t)read_i16(&reader), len = read_u8(&reader);
        struct span bytes = read_span(&reader, len < reader.rest.len ? len : reader.rest.len);
        struct span old;
        if (!fake_get_file(env, path, &old))
            continue;
        if (len == 0 && offset == 0) {
            fake_remove_file(env, path);
            continue;
        }
        size_t end = len == 0 && offset < old.len ? offset : old.len;
        uint8_t *copy = malloc(end + 1);
        RMQ_ASSERT(copy != NULL);
        memcpy(copy, old.data, end);
        for (size_t i = 0; i < bytes.len && offset + i < end; i++)
            copy[offset + i] = bytes.data[i];
        fake_put_file(env, path, span_of(copy, end));
        free(copy);
    }
}

static void end_store(struct env *env) {
    if (now.opened == RMQ_OK) {
        store_close(now.store);
        fake_advance_ms(env, 100);
        settle(env, &now.closed);
        fake_advance_ms(env, 10000);
        settle(env, &now.closed);
    }
    store_free(now.store);
    for (unsigned i = 0; i < 10; i++)
        fake_settle(env);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct env *env = fake_create();
    RMQ_ASSERT(open_store(env));
    for (int32_t i = 0; i < MESSAGES; i++)
        put(env, i % 2);
    store_free(now.store); /* as a kill: no clean stop */
    for (unsigned i = 0; i < 10; i++)
        fake_settle(env);
    apply(env, data, size);
    for (int life = 0; life < 2; life++) {
        if (open_store(env)) {
            for (int32_t queue_id = 0; queue_id < 3; queue_id++)
                read_all(env, queue_id);
            put(env, 0);
            put(env, 1);
            read_all(env, 0);
        }
        end_store(env);
    }
    fake_discard(env);
    return 0;
}
