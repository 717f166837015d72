/* store/put.c - checks a message, gives it its place and its queue offset. Source: store.md 3.7, 5,
 * 11. */
#include "model/base/check.h"
#include "model/base/utf8.h"
#include "model/store/deleted.h"

#define TOPIC_BYTES_MAX 127
#define PROPERTIES_MAX 32767
#define RECORD_EXTRA_BYTES 65536 /* of a record, above its body's limit */
#define PAIR_END 0x02

const char *put_status_text(enum put_status status) {
    static const char *const TEXTS[] = {
        [PUT_OK] = "PUT_OK",
        [PUT_FLUSH_DISK_TIMEOUT] = "FLUSH_DISK_TIMEOUT",
        [PUT_FLUSH_SLAVE_TIMEOUT] = "FLUSH_SLAVE_TIMEOUT",
        [PUT_SLAVE_NOT_AVAILABLE] = "SLAVE_NOT_AVAILABLE",
        [PUT_SERVICE_NOT_AVAILABLE] = "SERVICE_NOT_AVAILABLE",
        [PUT_CREATE_FILE_FAILED] = "CREATE_MAPEDFILE_FAILED",
        [PUT_MESSAGE_ILLEGAL] = "MESSAGE_ILLEGAL",
        [PUT_PROPERTIES_SIZE_EXCEEDED] = "PROPERTIES_SIZE_EXCEEDED",
        [PUT_PAGE_CACHE_BUSY] = "OS_PAGECACHE_BUSY",
        [PUT_UNKNOWN_ERROR] = "UNKNOWN_ERROR",
    };
    return TEXTS[status];
}

uint32_t store_delay_levels(const struct store *store) {
    return store->config.delay_levels;
}

int64_t store_delay_ms(const struct store *store, int32_t level) {
    uint32_t highest = store->config.delay_levels;
    RMQ_ASSERT(level > 0 && highest > 0);
    return store->config.delay_ms[((uint32_t)level < highest ? (uint32_t)level : highest) - 1];
}

int64_t store_next_physical(const struct store *store) {
    return (int64_t)store->log.segments.accepted;
}

uint64_t store_write_age_ms(const struct store *store) {
    const struct list *runs = &store->log.runs;
    if (list_is_empty(runs))
        return 0;
    uint64_t begun_ns = LIST_ENTRY(runs->next, struct log_run, link)->begun_ns;
    return (env_mono_ns(store->env) - begun_ns) / 1000000;
}

static void begin(struct store *store, bool wait, struct store_put *put, store_put_fn *done) {
    RMQ_ASSERT(put->done == NULL && done != NULL);
    *put = (struct store_put){
        .done = done, .physical_offset = -1, .queue_offset = -1, .env = store->env, .wait = wait};
    buf_init(&put->ids, store->env);
    list_init(&put->link);
}

static void refuse(struct store_put *put, enum put_status status) {
    store_put_fn *done = put->done;
    RMQ_ASSERT(status != PUT_OK);
    buf_deinit(&put->ids);
    put->physical_offset = put->queue_offset = -1;
    put->done = NULL;
    done(put, status);
}

void store_put_cancel(struct store *store, struct store_put *put) {
    (void)store;
    if (put->done == NULL)
        return;
    list_remove(&put->link);
    buf_deinit(&put->ids);
    put->done = NULL;
}

/* ---- checks ---- */

/* Java counts UTF-16 units. */
static size_t utf16_len(struct span text) {
    size_t units = 0;
    for (size_t i = 0; i < text.len;) {
        uint32_t code = 0;
        size_t len = utf8_decode(span_from(text, i), &code);
        units += code >= 0x10000 ? 2 : 1;
        i += len == 0 ? 1 : len;
    }
    return units;
}

static enum put_status check_store(const struct store *store) {
    if (store->state != STORE_OPEN || !store_is_writable(store) || store->log.repairing ||
        store->config.replica)
        return PUT_SERVICE_NOT_AVAILABLE;
    if (store_write_age_ms(store) > store->config.page_cache_busy_ms)
        return PUT_PAGE_CACHE_BUSY;
    return PUT_OK;
}

static enum put_status check_properties(struct span properties) {
    if (properties.len <= PROPERTIES_MAX)
        return PUT_OK;
    return utf16_len(properties) > PROPERTIES_MAX ? PUT_MESSAGE_ILLEGAL
                                                  : PUT_PROPERTIES_SIZE_EXCEEDED;
}

/* A record, or all records of a batch, of `bytes` in all. */
static enum put_status check_size(const struct store *store, size_t body_bytes, size_t bytes) {
    uint64_t max = store->config.max_message_bytes;
    if (body_bytes > max || bytes > max + RECORD_EXTRA_BYTES ||
        bytes + MESSAGE_BLANK_BYTES > store->config.commit_log_file_bytes)
        return PUT_MESSAGE_ILLEGAL;
    return PUT_OK;
}

static enum put_status check(const struct store *store, const struct message *message) {
    enum put_status status = check_store(store);
    if (status == PUT_OK && (message->topic.len == 0 || message->topic.len > TOPIC_BYTES_MAX))
        status = PUT_MESSAGE_ILLEGAL;
    if (status == PUT_OK && deleted_is_pending(store, message->topic))
        status = PUT_SERVICE_NOT_AVAILABLE;
    return status == PUT_OK ? check_properties(message->properties) : status;
}

/* ---- one message ---- */

/* What the store knows better than its caller. */
static void fill_in(const struct store *store, struct message *record, int64_t store_ms) {
    record->store_ms = store_ms;
    record->store_host = store->config.host;
}

void store_put(struct store *store, const struct message *message, bool wait, struct store_put *put,
               store_put_fn *done) {
    begin(store, wait, put, done);
    struct message record = *message;
    fill_in(store, &record, env_wall_ms(store->env));
    size_t bytes = message_size(&record);
    int status = (int)check(store, message);
    if (status == PUT_OK)
        status = (int)check_size(store, message->body.len, bytes);
    if (status != PUT_OK) {
        refuse(put, (enum put_status)status);
        return;
    }
    int64_t *next = queues_next_offset(store, message->topic, message->queue_id);
    struct log_run *run = next == NULL ? NULL : commit_log_place(store, bytes, &status);
    if (run == NULL) {
        refuse(put, next == NULL ? PUT_UNKNOWN_ERROR : (enum put_status)status);
        return;
    }
    record.queue_offset = message_takes_offset(message) ? (*next)++ : 0;
    record.physical_offset = (int64_t)store->log.segments.accepted;
    int err = message_encode(&run->bytes, &record);
    RMQ_ASSERT(err == RMQ_OK); /* sizes are checked, room is there */
    put->physical_offset = record.physical_offset;
    put->queue_offset = record.queue_offset;
    put->store_ms = record.store_ms;
    put->count = 1;
    put->bytes = (uint32_t)bytes;
    commit_log_accept(store, run, put);
}

/* ---- a batch ---- */

static size_t joined_len(struct span own, struct span common) {
    bool between = own.len > 0 && common.len > 0 && own.data[own.len - 1] != PAIR_END;
    return own.len + common.len + (between ? 1 : 0);
}

static enum put_status measure(const struct store *store, const struct message *record,
                               size_t *bytes, uint32_t *count) {
    struct span rest = record->body;
    struct batch_item item;
    struct message each = *record;
    int err;
    *bytes = 0;
    *count = 0;
    while ((err = batch_next(&rest, &item)) == RMQ_OK) {
        size_t properties_len = joined_len(item.properties, record->properties);
        if (properties_len > PROPERTIES_MAX)
            return PUT_PROPERTIES_SIZE_EXCEEDED;
        each.body = item.body;
        each.properties = SPAN_NONE;
        *bytes += message_size(&each) + properties_len;
        ++*count;
    }
    if (err != RMQ_E_NOT_FOUND || *count == 0)
        return PUT_MESSAGE_ILLEGAL;
    return check_size(store, record->body.len, *bytes);
}

static void put_id(struct store *store, struct store_put *put, int64_t physical) {
    char id[MESSAGE_ID_MAX];
    size_t len = message_id_format(&store->config.host, physical, id);
    if (put->ids.len > 0)
        buf_put_u8(&put->ids, ',');
    buf_put(&put->ids, id, len);
}

/* Encodes all records behind each other. `scratch` and `ids` have room. */
static void encode_all(struct store *store, struct log_run *run, struct message *record,
                       struct store_put *put) {
    struct buf *scratch = &store->log.scratch;
    struct span rest = record->body, common = record->properties;
    struct batch_item item;
    record->physical_offset = (int64_t)store->log.segments.accepted;
    while (batch_next(&rest, &item) == RMQ_OK) {
        buf_clear(scratch);
        buf_put_span(scratch, item.properties);
        if (joined_len(item.properties, common) > item.properties.len + common.len)
            buf_put_u8(scratch, PAIR_END);
        buf_put_span(scratch, common);
        record->flag = item.flag;
        record->body = item.body;
        record->properties = buf_span(scratch);
        size_t before = run->bytes.len;
        int err = message_encode(&run->bytes, record);
        RMQ_ASSERT(err == RMQ_OK && !buf_failed(scratch));
        put_id(store, put, record->physical_offset);
        record->physical_offset += (int64_t)(run->bytes.len - before);
        record->queue_offset++;
    }
    RMQ_ASSERT(!buf_failed(&put->ids));
}

void store_put_batch(struct store *store, const struct message *message, bool wait,
                     struct store_put *put, store_put_fn *done) {
    begin(store, wait, put, done);
    struct message record = *message;
    fill_in(store, &record, env_wall_ms(store->env));
    record.prepared_transaction_offset = 0;
    size_t bytes = 0;
    int status = (int)check(store, message);
    if (status == PUT_OK && (message->sys_flag & MESSAGE_SYS_TRANSACTION) != 0)
        status = PUT_MESSAGE_ILLEGAL;
    if (status == PUT_OK)
        status = (int)measure(store, &record, &bytes, &put->count);
    if (status != PUT_OK) {
        refuse(put, (enum put_status)status);
        return;
    }
    int64_t *next = queues_next_offset(store, message->topic, message->queue_id);
    bool has_room = next != NULL && buf_reserve(&store->log.scratch, PROPERTIES_MAX) == RMQ_OK &&
                    buf_reserve(&put->ids, put->count * (MESSAGE_ID_MAX + 1)) == RMQ_OK;
    store->log.scratch.failed = false;
    struct log_run *run = has_room ? commit_log_place(store, bytes, &status) : NULL;
    if (run == NULL) {
        refuse(put, has_room ? (enum put_status)status : PUT_UNKNOWN_ERROR);
        return;
    }
    put->physical_offset = (int64_t)store->log.segments.accepted;
    put->queue_offset = record.queue_offset = *next;
    put->store_ms = record.store_ms;
    put->bytes = (uint32_t)bytes;
    *next += put->count;
    encode_all(store, run, &record, put);
    commit_log_accept(store, run, put);
}
