/* store_fake.h - store.h in memory, for tests of brokers: answers at once, or when the test says.
 *
 * It defines every function of store.h, so include it in one file of a test program; that program
 * then uses nothing of model/store. One store per program. What the test sets in `fake_store` holds
 * until it is changed; fake_store_reset before each test. */
#ifndef MODEL_TESTS_STORE_FAKE_H
#define MODEL_TESTS_STORE_FAKE_H

#include "model/base/check.h"
#include "model/base/props.h"
#include "model/store/store.h"

#define FAKE_RECORDS_MAX 4096
#define FAKE_TOPIC_MAX 128

struct fake_record {
    char topic[FAKE_TOPIC_MAX];
    int32_t queue_id;
    int64_t queue_offset;
    int64_t physical;
    int64_t tags_code;
    uint8_t *bytes;
    size_t len;
};

struct store {
    struct env *env;
    const struct store_handler *handler;
    void *ctx;
    struct store_config config;
    struct env_timer timer;
    struct fake_record records[FAKE_RECORDS_MAX];
    size_t count;
    int64_t physical;
    struct list puts; /* under way: slow_puts */
    struct list gets; /* under way: slow_gets */
    bool closing;
};

/* Results as a test wants them, instead of what is stored: comparisons with recorded answers. */
struct fake_script {
    enum put_status put;
    int64_t physical, queue_offset; /* of a put */
    struct span ids;                /* of a batch */
    enum get_status get;
    int64_t next, min, max;
    struct span records; /* of gets and lookups */
    int lookup;          /* status */
    int64_t value;       /* of lookups and of queue bounds */
    int64_t last_ms, last_physical;
};

static struct {
    struct store *store;
    const struct fake_script *script; /* NULL: none */
    int open_status;
    enum put_status put_status; /* of the next puts */
    bool slow_puts;             /* they wait for fake_store_finish_puts */
    bool slow_gets;
    bool silent;          /* no arrivals */
    bool suggest_slave;   /* in gets */
    bool min_is_not_zero; /* queues begin at offset 2 */
    bool was_unclean;     /* with recovered_offset for every queue */
    int64_t recovered_offset;
    uint64_t write_age_ms; /* what store_write_age_ms says */
    bool last_wait;        /* of the last put */
    size_t closes;
    size_t deletes;    /* store_delete_expired */
    int delete_status; /* of deletions of topics */
} fake_store;

static inline void fake_store_reset(void) {
    memset(&fake_store, 0, sizeof fake_store);
}

/* ---- life ------------------------------------------------------------------------------------ */

int store_config_read(const struct props *config, struct store_config *out, struct span *bad_key) {
    int64_t busy, size;
    memset(out, 0, sizeof *out);
    *bad_key = SPAN_LITERAL("maxMessageSize");
    int err = props_get_i64(config, "maxMessageSize", 4194304, &size);
    if (err == RMQ_OK)
        err = props_get_i64(config, "osPageCacheBusyTimeOutMills", 1000, &busy);
    if (err != RMQ_OK)
        return err;
    out->max_message_bytes = (uint32_t)size;
    out->page_cache_busy_ms = (uint32_t)busy;
    static const int64_t SECONDS[] = {1,   5,   10,  30,  60,  120,  180,  240,  300,
                                      360, 420, 480, 540, 600, 1200, 1800, 3600, 7200};
    out->delay_levels = sizeof SECONDS / sizeof SECONDS[0];
    for (size_t i = 0; i < out->delay_levels; i++)
        out->delay_ms[i] = SECONDS[i] * 1000;
    return RMQ_OK;
}

uint32_t store_delay_levels(const struct store *store) {
    return store->config.delay_levels;
}
int64_t store_delay_ms(const struct store *store, int32_t level) {
    uint32_t highest = store->config.delay_levels;
    return store->config.delay_ms[((uint32_t)level < highest ? (uint32_t)level : highest) - 1];
}

static void fake_store_opened(struct env *env, struct env_timer *timer) {
    struct store *store = RMQ_CONTAINER_OF(timer, struct store, timer);
    RMQ_ASSERT(env == store->env);
    store->handler->on_open(store->ctx, fake_store.open_status);
}

int store_open(struct env *env, const struct store_config *config,
               const struct store_handler *handler, void *ctx, struct store **out) {
    struct store *store = env_alloc(env, sizeof *store);
    if (store == NULL)
        return RMQ_E_NOMEM;
    memset(store, 0, sizeof *store);
    store->env = env;
    store->handler = handler;
    store->ctx = ctx;
    store->config = *config;
    list_init(&store->puts);
    list_init(&store->gets);
    env_timer_start(env, &store->timer, 0, fake_store_opened);
    fake_store.store = *out = store;
    return RMQ_OK;
}

void store_close(struct store *store) {
    fake_store.closes++;
    store->closing = true;
    store->handler->on_closed(store->ctx);
}

void store_free(struct store *store) {
    if (store == NULL)
        return;
    for (size_t i = 0; i < store->count; i++)
        env_free(store->env, store->records[i].bytes);
    env_timer_stop(store->env, &store->timer);
    env_free(store->env, store);
    fake_store.store = NULL;
}

/* ---- queues ---------------------------------------------------------------------------------- */

static inline bool fake_record_in(const struct fake_record *record, struct span topic,
                                  int32_t queue_id) {
    return record->queue_id == queue_id && span_equal(span_of_text(record->topic), topic);
}

int64_t store_max_offset(const struct store *store, struct span topic, int32_t queue_id) {
    int64_t max = 0;
    if (fake_store.script != NULL)
        return fake_store.script->value;
    for (size_t i = 0; i < store->count; i++)
        max += fake_record_in(&store->records[i], topic, queue_id);
    return max;
}

int64_t store_min_offset(const struct store *store, struct span topic, int32_t queue_id) {
    if (fake_store.script != NULL)
        return fake_store.script->value;
    return fake_store.min_is_not_zero && store_max_offset(store, topic, queue_id) > 0 ? 2 : 0;
}

int64_t store_next_offset(const struct store *store, struct span topic, int32_t queue_id) {
    return store_max_offset(store, topic, queue_id);
}

int64_t store_recovered_offset(const struct store *store, struct span topic, int32_t queue_id) {
    RMQ_ASSERT(store != NULL && topic.data != NULL && queue_id >= 0);
    return fake_store.was_unclean ? fake_store.recovered_offset : INT64_MAX;
}

int64_t store_min_physical(const struct store *store) {
    RMQ_ASSERT(store != NULL);
    return 0;
}
int64_t store_max_physical(const struct store *store) {
    return store->physical;
}
/* Nothing is replicated from or to it. */
int64_t store_log_end(const struct store *store) {
    return store->physical;
}
int64_t store_log_limit(const struct store *store) {
    return store->physical;
}
bool store_log_is_empty(const struct store *store) {
    return store->physical == 0;
}
size_t store_log_unwritten(const struct store *store) {
    return store->physical < 0;
}
int store_log_bytes(const struct store *store, int64_t position, size_t len, struct span *out) {
    *out = SPAN_NONE;
    return position + (int64_t)len > store->physical ? RMQ_E_RANGE : RMQ_E_AGAIN;
}
int store_log_read(struct store *store, int64_t position, size_t len, store_log_fn *done, void *ctx,
                   struct read_job **out) {
    RMQ_ASSERT(store != NULL && position + (int64_t)len > 0 && done != NULL && ctx != NULL);
    *out = NULL;
    return RMQ_E_RANGE;
}
void store_log_read_cancel(struct read_job *job) {
    RMQ_ASSERT(job == NULL);
}
int store_log_begin(struct store *store, int64_t position) {
    return store->physical == position ? RMQ_OK : RMQ_E_STATE;
}
int store_log_append(struct store *store, struct span bytes) {
    return store->physical < 0 || bytes.len > 0 ? RMQ_E_STATE : RMQ_OK;
}
void store_set_slaves(struct store *store, uint32_t count, int64_t acked) {
    RMQ_ASSERT(store != NULL && count < 100 && acked >= 0);
}
int64_t store_replicated(const struct store *store) {
    return store->physical < 0;
}

int64_t store_next_physical(const struct store *store) {
    return store->physical;
}
int64_t store_flushed_physical(const struct store *store) {
    return store->physical;
}
void store_figures(const struct store *store, struct store_figures *out) {
    *out = (struct store_figures){.root = span_of_text(store->config.root),
                                  .commit_log = span_of_text(store->config.commit_log)};
}
bool store_is_on_disk_only(const struct store *store, struct span topic, int32_t queue_id,
                           int64_t offset) {
    RMQ_ASSERT(store != NULL && topic.data != NULL && queue_id + offset >= -1);
    return false;
}
bool store_is_writable(const struct store *store) {
    return !store->closing;
}
bool store_is_readable(const struct store *store) {
    return !store->closing;
}
uint64_t store_write_age_ms(const struct store *store) {
    RMQ_ASSERT(store != NULL);
    return fake_store.write_age_ms;
}

/* ---- putting --------------------------------------------------------------------------------- */

const char *put_status_text(enum put_status status) {
    return status == PUT_OK ? "PUT_OK" : "OTHER";
}

static inline int64_t fake_tags_code(const struct store *store, const struct message *message) {
    int32_t level;
    struct span delay = message_property(message->properties, SPAN_LITERAL("DELAY"));
    if (span_equal(message->topic, SPAN_LITERAL("SCHEDULE_TOPIC_XXXX")) && !span_is_absent(delay) &&
        span_to_i32(delay, &level) == RMQ_OK)
        return env_wall_ms(store->env) + store_delay_ms(store, level);
    return message_tags_code(message_property(message->properties, SPAN_LITERAL("TAGS")));
}

static inline bool fake_store_add(struct store *store, const struct message *message,
                                  struct store_put *put) {
    struct buf out;
    struct fake_record *record = &store->records[store->count];
    RMQ_ASSERT(store->count < FAKE_RECORDS_MAX && message->topic.len < FAKE_TOPIC_MAX);
    buf_init(&out, store->env);
    struct message placed = *message;
    placed.store_host = store->config.host;
    if (message_encode(&out, &placed) != RMQ_OK) {
        buf_deinit(&out);
        return false;
    }
    put->store_ms = env_wall_ms(store->env);
    put->count++;
    put->bytes += (uint32_t)out.len;
    put->physical_offset = store->physical;
    put->queue_offset = store_max_offset(store, message->topic, message->queue_id);
    message_place(out.data, put->queue_offset, store->physical, put->store_ms);
    memcpy(record->topic, message->topic.data, message->topic.len);
    record->queue_id = message->queue_id;
    record->queue_offset = put->queue_offset;
    record->physical = store->physical;
    record->tags_code = fake_tags_code(store, message);
    record->bytes = out.data;
    record->len = out.len;
    store->physical += (int64_t)out.len;
    store->count++;
    return true;
}

static inline void fake_store_end_put(struct store *store, struct store_put *put) {
    store_put_fn *done = put->done;
    size_t index = store->count - 1;
    put->done = NULL;
    done(put, fake_store.put_status);
    if (fake_store.silent || store->count == 0)
        return;
    const struct fake_record *last = &store->records[index];
    store->handler->on_arrival(store->ctx, span_of_text(last->topic), last->queue_id,
                               last->queue_offset + 1, last->tags_code, SPAN_NONE);
}

static inline bool fake_status_stores(enum put_status status) {
    return status == PUT_OK || status == PUT_FLUSH_DISK_TIMEOUT ||
           status == PUT_FLUSH_SLAVE_TIMEOUT || status == PUT_SLAVE_NOT_AVAILABLE;
}

static inline void fake_script_put(struct store_put *put, store_put_fn *done) {
    const struct fake_script *script = fake_store.script;
    put->physical_offset = script->physical;
    put->queue_offset = script->queue_offset;
    buf_put_span(&put->ids, script->ids);
    done(put, script->put);
}

void store_put(struct store *store, const struct message *message, bool wait, struct store_put *put,
               store_put_fn *done) {
    if (fake_store.script != NULL) {
        fake_script_put(put, done);
        return;
    }
    put->count = put->bytes = 0;
    put->done = done;
    put->env = store->env;
    fake_store.last_wait = wait;
    if (message->body.len > store->config.max_message_bytes) {
        put->done = NULL;
        done(put, PUT_MESSAGE_ILLEGAL);
        return;
    }
    if (!fake_status_stores(fake_store.put_status)) {
        put->done = NULL;
        done(put, fake_store.put_status);
        return;
    }
    if (!fake_store_add(store, message, put)) {
        put->done = NULL;
        done(put, PUT_UNKNOWN_ERROR);
        return;
    }
    if (fake_store.slow_puts)
        list_append(&store->puts, &put->link);
    else
        fake_store_end_put(store, put);
}

void store_put_batch(struct store *store, const struct message *message, bool wait,
                     struct store_put *put, store_put_fn *done) {
    if (fake_store.script != NULL) {
        fake_script_put(put, done);
        return;
    }
    struct span_reader reader = {.rest = message->body};
    struct store_put first = {0};
    char id[MESSAGE_ID_MAX];
    put->count = put->bytes = 0;
    put->done = done;
    put->env = store->env;
    fake_store.last_wait = wait;
    for (uint32_t n = 0; reader.rest.len > 0; n++) {
        struct message one = *message;
        read_span(&reader, 12); /* size, magic, crc */
        one.flag = read_i32(&reader);
        one.body = read_span(&reader, (size_t)read_i32(&reader));
        read_span(&reader, (size_t)read_i16(&reader));
        if (reader.failed || !fake_store_add(store, &one, put))
            break;
        if (n == 0)
            first = *put;
        else
            buf_put_u8(&put->ids, ',');
        buf_put(&put->ids, id, message_id_format(&store->config.host, put->physical_offset, id));
    }
    put->queue_offset = first.queue_offset;
    put->physical_offset = first.physical_offset;
    fake_store_end_put(store, put);
}

void store_put_cancel(struct store *store, struct store_put *put) {
    RMQ_ASSERT(store != NULL && put->done != NULL);
    list_remove(&put->link);
    put->done = NULL;
}

/* Slow puts end now, in order. Call it inside a handler of the node, or none. */
static inline void fake_store_finish_puts(void) {
    while (!list_is_empty(&fake_store.store->puts)) {
        struct store_put *put = LIST_ENTRY(fake_store.store->puts.next, struct store_put, link);
        list_remove(&put->link);
        fake_store_end_put(fake_store.store, put);
    }
}

/* ---- reading --------------------------------------------------------------------------------- */

const char *get_status_text(enum get_status status) {
    static const char *const TEXTS[] = {
        "FOUND",
        "NO_MATCHED_MESSAGE",
        "MESSAGE_WAS_REMOVING",
        "OFFSET_FOUND_NULL",
        "OFFSET_OVERFLOW_BADLY",
        "OFFSET_OVERFLOW_ONE",
        "OFFSET_TOO_SMALL",
        "NO_MATCHED_LOGIC_QUEUE",
        "NO_MESSAGE_IN_QUEUE",
        "FAILED",
    };
    return TEXTS[status];
}

static inline enum get_status fake_get(struct store *store, struct store_get *get) {
    get->min_offset = store_min_offset(store, get->topic, get->queue_id);
    get->max_offset = store_max_offset(store, get->topic, get->queue_id);
    get->next_offset = get->offset;
    get->suggest_slave = fake_store.suggest_slave;
    get->count = 0;
    if (get->max_offset == 0) {
        get->next_offset = 0;
        return GET_NO_MESSAGE_IN_QUEUE;
    }
    if (get->offset < get->min_offset) {
        get->next_offset = get->min_offset;
        return GET_OFFSET_TOO_SMALL;
    }
    if (get->offset == get->max_offset)
        return GET_OFFSET_OVERFLOW_ONE;
    if (get->offset > get->max_offset) {
        get->next_offset = get->max_offset;
        return GET_OFFSET_OVERFLOW_BADLY;
    }
    for (size_t i = 0; i < store->count && get->count < get->max_count; i++) {
        const struct fake_record *record = &store->records[i];
        if (!fake_record_in(record, get->topic, get->queue_id) ||
            record->queue_offset < get->offset)
            continue;
        get->next_offset = record->queue_offset + 1;
        if (get->filter != NULL && !get->filter(get->filter_ctx, record->tags_code))
            continue;
        buf_put(&get->records, record->bytes, record->len);
        get->count++;
    }
    if (buf_failed(&get->records))
        return GET_FAILED;
    return get->count > 0 ? GET_FOUND : GET_NO_MATCHED_MESSAGE;
}

void store_get(struct store *store, struct store_get *get, store_get_fn *done) {
    const struct fake_script *script = fake_store.script;
    if (script != NULL) {
        get->next_offset = script->next;
        get->min_offset = script->min;
        get->max_offset = script->max;
        buf_put_span(&get->records, script->records);
        done(get, script->get);
        return;
    }
    get->store = store;
    get->state[0] = (uint64_t)fake_get(store, get); /* what is true now, told later */
    if (fake_store.slow_gets) {
        get->done = done;
        list_append(&store->gets, &get->link);
        return;
    }
    done(get, (enum get_status)get->state[0]);
}

void store_get_cancel(struct store *store, struct store_get *get) {
    RMQ_ASSERT(store != NULL);
    list_remove(&get->link);
    get->done = NULL;
}

static inline void fake_store_finish_gets(void) {
    struct list ending;
    list_init(&ending);
    LIST_EACH(&fake_store.store->gets, link, next) {
        list_remove(link);
        list_append(&ending, link);
    }
    while (!list_is_empty(&ending)) {
        struct store_get *get = LIST_ENTRY(ending.next, struct store_get, link);
        store_get_fn *done = get->done;
        list_remove(&get->link);
        get->done = NULL;
        done(get, (enum get_status)get->state[0]);
    }
}

/* ---- lookups --------------------------------------------------------------------------------- */

static inline bool fake_script_lookup(struct store_lookup *lookup, store_lookup_fn *done) {
    const struct fake_script *script = fake_store.script;
    if (script == NULL)
        return false;
    lookup->value = script->value;
    lookup->count = script->records.len > 0;
    lookup->last_update_ms = script->last_ms;
    lookup->last_update_physical = script->last_physical;
    buf_put_span(&lookup->records, script->records);
    done(lookup, script->lookup);
    return true;
}

static inline int64_t fake_store_ms(const struct fake_record *record) {
    struct message message;
    enum message_check check = message_decode(span_of(record->bytes, record->len), false, &message);
    RMQ_ASSERT(check == MESSAGE_OK);
    return message.store_ms;
}

void store_offset_by_time(struct store *store, struct span topic, int32_t queue_id, int64_t wall_ms,
                          bool upper, struct store_lookup *lookup, store_lookup_fn *done) {
    if (fake_script_lookup(lookup, done))
        return;
    lookup->value = 0;
    for (size_t i = 0; i < store->count; i++) {
        const struct fake_record *record = &store->records[i];
        int64_t store_ms = fake_store_ms(record);
        if (fake_record_in(record, topic, queue_id) &&
            (upper ? store_ms <= wall_ms : store_ms < wall_ms))
            lookup->value = record->queue_offset + (upper ? 0 : 1);
    }
    done(lookup, RMQ_OK);
}

void store_time_of(struct store *store, struct span topic, int32_t queue_id, int64_t offset,
                   struct store_lookup *lookup, store_lookup_fn *done) {
    if (fake_script_lookup(lookup, done))
        return;
    lookup->value = -1;
    for (size_t i = 0; i < store->count; i++) {
        const struct fake_record *record = &store->records[i];
        if (fake_record_in(record, topic, queue_id) && record->queue_offset == offset)
            lookup->value = fake_store_ms(record);
    }
    done(lookup, RMQ_OK);
}

bool store_has_queue(const struct store *store, struct span topic, int32_t queue_id) {
    return store_max_offset(store, topic, queue_id) > 0;
}

void store_queue_units(struct store *store, struct span topic, int32_t queue_id, int64_t index,
                       uint32_t count, struct store_lookup *lookup, store_lookup_fn *done) {
    if (fake_script_lookup(lookup, done))
        return;
    lookup->count = 0;
    for (size_t i = 0; i < store->count && lookup->count < count; i++) {
        const struct fake_record *record = &store->records[i];
        if (!fake_record_in(record, topic, queue_id) || record->queue_offset < index)
            continue;
        buf_put_i64(&lookup->records, record->physical);
        buf_put_i32(&lookup->records, (int32_t)record->len);
        buf_put_i64(&lookup->records, record->tags_code);
        lookup->count++;
    }
    done(lookup, lookup->count > 0 ? RMQ_OK : RMQ_E_NOT_FOUND);
}

void store_message_at(struct store *store, int64_t physical, struct store_lookup *lookup,
                      store_lookup_fn *done) {
    if (fake_script_lookup(lookup, done))
        return;
    for (size_t i = 0; i < store->count; i++) {
        const struct fake_record *record = &store->records[i];
        if (record->physical != physical)
            continue;
        buf_put(&lookup->records, record->bytes, record->len);
        done(lookup, RMQ_OK);
        return;
    }
    done(lookup, RMQ_E_NOT_FOUND);
}

void store_query(struct store *store, struct span topic, struct span key, uint32_t max_count,
                 int64_t begin_ms, int64_t end_ms, struct store_lookup *lookup,
                 store_lookup_fn *done) {
    if (fake_script_lookup(lookup, done))
        return;
    lookup->count = 0;
    lookup->last_update_ms = lookup->last_update_physical = 0;
    for (size_t i = 0; i < store->count && lookup->count < max_count; i++) {
        const struct fake_record *record = &store->records[i];
        struct message message;
        RMQ_IGNORE(message_decode(span_of(record->bytes, record->len), false, &message), "ours");
        if (!span_equal(message.topic, topic) || message.store_ms < begin_ms ||
            message.store_ms > end_ms)
            continue;
        lookup->last_update_ms = message.store_ms;
        lookup->last_update_physical = record->physical;
        if (!span_equal(message_property(message.properties, SPAN_LITERAL("KEYS")), key) &&
            !span_equal(message_property(message.properties, SPAN_LITERAL("UNIQ_KEY")), key))
            continue;
        buf_put(&lookup->records, record->bytes, record->len);
        lookup->count++;
    }
    done(lookup, RMQ_OK);
}

void store_lookup_cancel(struct store *store, struct store_lookup *lookup) {
    RMQ_ASSERT(store != NULL && lookup != NULL);
}

void store_each_queue(const struct store *store, store_queue_fn *each, void *ctx) {
    for (size_t i = 0; i < store->count; i++) {
        const struct fake_record *record = &store->records[i];
        struct span topic = span_of_text(record->topic);
        if (record->queue_offset == 0)
            each(ctx, topic, record->queue_id, store_min_offset(store, topic, record->queue_id),
                 store_max_offset(store, topic, record->queue_id));
    }
}

void store_delete_topic(struct store *store, struct span topic, struct store_delete *operation,
                        store_delete_fn *done) {
    for (size_t i = 0; i < store->count; i++) {
        struct fake_record *record = &store->records[i];
        if (span_equal(span_of_text(record->topic), topic))
            record->topic[0] = '\0'; /* no queue's any more */
    }
    done(operation, fake_store.delete_status);
}

int64_t store_dead_below(const struct store *store, struct span topic) {
    ck_assert(store != NULL && topic.len > 0);
    return 0;
}

void store_delete_cancel(struct store *store, struct store_delete *operation) {
    RMQ_ASSERT(store != NULL && operation != NULL);
}

void store_clean_topics(struct store *store, store_keep_fn *keep, void *ctx,
                        struct store_delete *operation, store_delete_fn *done) {
    for (size_t i = 0; i < store->count; i++) {
        struct fake_record *record = &store->records[i];
        if (record->topic[0] != '\0' && !keep(ctx, span_of_text(record->topic)))
            record->topic[0] = '\0'; /* no queue's any more */
    }
    done(operation, fake_store.delete_status);
}

void store_delete_expired(struct store *store) {
    RMQ_ASSERT(store != NULL);
    fake_store.deletes++;
}

#endif
