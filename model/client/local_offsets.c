/* client/local_offsets.c - progress of a BROADCASTING consumer, in a file of its machine.
 *
 * <folder>/<client id>/<group>/offsets.json. Read at the start, X.bak where X is missing, empty or
 * does not parse; when both are there and broken, the consumer does not begin. Before each write
 * the file is read again and what others put there is kept: two processes of one machine and group
 * share it. Source: client.md 23.3; LocalFileOffsetStore.java. Differs: synced, unless
 * quirk.unsyncedConfig. */
#include "model/base/check.h"
#include "model/base/json.h"
#include "model/base/replace_file.h"
#include "model/client/consumer_internal.h"
#include "model/quirks.h"

#define FILE_BYTES_MAX (16 * 1024 * 1024)
#define FOLDER_DEFAULT SPAN_LITERAL("/rocketmq_offsets")

struct local_offset {
    struct topic_queue key; /* in text */
    int64_t offset;
    bool own; /* this consumer's: what the file says does not count */
    char text[];
};

struct local_offsets {
    struct consumer *consumer;
    struct env *env;
    struct local_offset **table; /* by queue */
    size_t count, capacity;
    bool loading, saving;
    bool broken; /* X.bak is looked at because X does not parse */
    bool again;  /* a save came meanwhile */
    struct read_file read;
    struct replace_file replace;
    struct buf content;
    struct span path;
    size_t folder_len;
    char text[ENV_PATH_MAX]; /* path, or with ".bak" */
};

/* ---- the table ------------------------------------------------------------------------------- */

/* Where `key` is or belongs. */
static size_t place_of(const struct local_offsets *offsets, const struct topic_queue *key) {
    size_t low = 0, high = offsets->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (topic_queue_compare(&offsets->table[middle]->key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct local_offset *find(const struct local_offsets *offsets,
                                 const struct topic_queue *key) {
    size_t at = place_of(offsets, key);
    bool found = at < offsets->count && topic_queue_compare(&offsets->table[at]->key, key) == 0;
    return found ? offsets->table[at] : NULL;
}

static int grow(struct local_offsets *offsets) {
    size_t capacity = offsets->capacity == 0 ? 8 : 2 * offsets->capacity;
    if (offsets->count < offsets->capacity)
        return RMQ_OK;
    struct local_offset **table =
        env_realloc(offsets->env, offsets->table, capacity * sizeof(void *));
    if (table == NULL)
        return RMQ_E_NOMEM;
    offsets->table = table;
    offsets->capacity = capacity;
    return RMQ_OK;
}

static int add(struct local_offsets *offsets, const struct topic_queue *key,
               struct local_offset **out) {
    size_t at = place_of(offsets, key);
    if (grow(offsets) != RMQ_OK)
        return RMQ_E_NOMEM;
    struct local_offset *entry =
        env_alloc(offsets->env, sizeof *entry + key->topic.len + key->broker_name.len);
    if (entry == NULL)
        return RMQ_E_NOMEM;
    memcpy(entry->text, key->topic.data, key->topic.len);
    memcpy(entry->text + key->topic.len, key->broker_name.data, key->broker_name.len);
    entry->key =
        (struct topic_queue){span_of(entry->text, key->topic.len),
                             span_of(entry->text + key->topic.len, key->broker_name.len), key->id};
    entry->own = false;
    memmove(&offsets->table[at + 1], &offsets->table[at], (offsets->count - at) * sizeof(void *));
    offsets->table[at] = entry;
    offsets->count++;
    *out = entry;
    return RMQ_OK;
}

static int put(struct local_offsets *offsets, const struct topic_queue *key, int64_t offset,
               bool own) {
    struct local_offset *entry = find(offsets, key);
    int err = entry != NULL ? RMQ_OK : add(offsets, key, &entry);
    if (err != RMQ_OK || (entry->own && !own))
        return err;
    entry->offset = offset;
    entry->own = own;
    return RMQ_OK;
}

int64_t local_offsets_get(const struct local_offsets *offsets, struct span topic,
                          struct span broker_name, int32_t id) {
    struct topic_queue key = {topic, broker_name, id};
    const struct local_offset *entry = find(offsets, &key);
    return entry == NULL ? -1 : entry->offset;
}

/* ---- the file's text ------------------------------------------------------------------------- */

static void write_string(struct buf *out, struct span text) {
    struct json_writer writer;
    json_writer_init(&writer, out, JSON_STYLE_FASTJSON);
    json_string(&writer, text);
}

/* As fastjson's pretty format has it: objects as keys stand on the line of their brace. */
static void write_table(const struct local_offsets *offsets, struct buf *out) {
    buf_put_text(out, "{\n\t\"offsetTable\":{");
    for (size_t i = 0; i < offsets->count; i++) {
        const struct local_offset *entry = offsets->table[i];
        buf_put_text(out, i == 0 ? "{\n\t\t\t\"brokerName\":" : ",{\n\t\t\t\"brokerName\":");
        write_string(out, entry->key.broker_name);
        buf_put_text(out, ",\n\t\t\t\"queueId\":");
        buf_put_decimal(out, entry->key.id);
        buf_put_text(out, ",\n\t\t\t\"topic\":");
        write_string(out, entry->key.topic);
        buf_put_text(out, "\n\t\t}:");
        buf_put_decimal(out, entry->offset);
    }
    buf_put_text(out, offsets->count == 0 ? "}\n}" : "\n\t}\n}");
}

struct key_texts {
    struct buf topic, broker_name;
};

/* The members of an object that is a key. */
static int read_key(struct json_reader *reader, struct key_texts *texts, struct topic_queue *out) {
    *out = (struct topic_queue){0};
    while (json_next(reader) == JSON_KEY) {
        bool topic = json_text_equals(reader, SPAN_LITERAL("topic"));
        bool broker_name = json_text_equals(reader, SPAN_LITERAL("brokerName"));
        bool id = json_text_equals(reader, SPAN_LITERAL("queueId"));
        enum json_token value = json_next(reader);
        int err = RMQ_OK;
        if (topic && value == JSON_STRING)
            err = json_text(reader, &texts->topic, &out->topic);
        else if (broker_name && value == JSON_STRING)
            err = json_text(reader, &texts->broker_name, &out->broker_name);
        else if (id)
            err = json_i32(reader, &out->id);
        else
            err = json_skip(reader);
        if (err != RMQ_OK)
            return err;
    }
    bool complete = reader->token == JSON_OBJECT_END && out->topic.len > 0;
    return complete && out->broker_name.len > 0 ? RMQ_OK : RMQ_E_INVALID;
}

static int read_entries(struct local_offsets *offsets, struct json_reader *reader) {
    struct key_texts texts;
    int err = json_next(reader) == JSON_OBJECT_BEGIN ? RMQ_OK : RMQ_E_INVALID;
    buf_init(&texts.topic, offsets->env);
    buf_init(&texts.broker_name, offsets->env);
    while (err == RMQ_OK && json_next(reader) == JSON_KEY_OBJECT) {
        struct topic_queue key;
        int64_t offset = -1;
        buf_clear(&texts.topic);
        buf_clear(&texts.broker_name);
        err = read_key(reader, &texts, &key);
        if (err == RMQ_OK && json_next(reader) != JSON_NUMBER)
            err = RMQ_E_INVALID;
        if (err == RMQ_OK)
            err = json_i64(reader, &offset);
        if (err == RMQ_OK && offset >= 0)
            err = put(offsets, &key, offset, false);
    }
    buf_deinit(&texts.topic);
    buf_deinit(&texts.broker_name);
    if (err == RMQ_OK && reader->token != JSON_OBJECT_END)
        err = RMQ_E_INVALID;
    return err;
}

static int read_table(struct local_offsets *offsets, struct span text) {
    struct json_reader reader;
    json_reader_init(&reader, text);
    if (json_next(&reader) != JSON_OBJECT_BEGIN)
        return RMQ_E_INVALID;
    while (json_next(&reader) == JSON_KEY) {
        int err = json_text_equals(&reader, SPAN_LITERAL("offsetTable"))
                      ? read_entries(offsets, &reader)
                      : json_skip(&reader);
        if (err != RMQ_OK)
            return err;
    }
    return reader.token == JSON_OBJECT_END && json_next(&reader) == JSON_END ? RMQ_OK
                                                                             : RMQ_E_INVALID;
}

/* ---- start ----------------------------------------------------------------------------------- */

static void begin_read(struct local_offsets *offsets, bool backup, read_file_fn *done) {
    struct span path = span_of(offsets->text, offsets->path.len + (backup ? 4 : 0));
    read_file_start(&offsets->read, offsets->env, path, FILE_BYTES_MAX, done);
}

static void loaded(struct local_offsets *offsets, int err) {
    offsets->loading = false;
    if (err == RMQ_OK)
        consumer_run(offsets->consumer);
    else
        env_log(offsets->env, ENV_LOG_ERROR, "consumer: %.*s and its .bak: %s, not started",
                (int)offsets->path.len, offsets->text, rmq_err_text(err));
}

static int take_content(struct local_offsets *offsets, int status) {
    struct buf *content = &offsets->read.content;
    if (status == RMQ_OK && content->len == 0)
        status = RMQ_E_NOT_FOUND;
    if (status == RMQ_OK)
        status = read_table(offsets, buf_span(content));
    buf_deinit(content);
    return status;
}

static void on_backup(struct read_file *read, int status) {
    struct local_offsets *offsets = RMQ_CONTAINER_OF(read, struct local_offsets, read);
    int err = take_content(offsets, status);
    loaded(offsets, err == RMQ_E_NOT_FOUND ? RMQ_OK : err);
}

static void on_file(struct read_file *read, int status) {
    struct local_offsets *offsets = RMQ_CONTAINER_OF(read, struct local_offsets, read);
    offsets->broken = take_content(offsets, status) != RMQ_OK;
    if (offsets->broken)
        begin_read(offsets, true, on_backup);
    else
        loaded(offsets, RMQ_OK);
}

/* The path, its folder's length, and ".bak" behind it. */
static int make_path(struct local_offsets *offsets, struct span folder) {
    const struct consumer *consumer = offsets->consumer;
    struct span parts[] = {folder.len == 0 ? FOLDER_DEFAULT : folder,
                           SPAN_LITERAL("/"),
                           client_id(consumer->client),
                           SPAN_LITERAL("/"),
                           consumer->group,
                           SPAN_LITERAL("/offsets.json"),
                           SPAN_LITERAL(".bak")};
    size_t len = 0, count = sizeof parts / sizeof parts[0];
    for (size_t i = 0; i < count; i++) {
        if (len + parts[i].len >= ENV_PATH_MAX - 8)
            return RMQ_E_LIMIT;
        if (parts[i].len > 0)
            memcpy(offsets->text + len, parts[i].data, parts[i].len);
        len += parts[i].len;
        if (i == 4)
            offsets->folder_len = len;
        if (i == 5)
            offsets->path = span_of(offsets->text, len);
    }
    return RMQ_OK;
}

int local_offsets_open(struct consumer *consumer, struct span folder) {
    struct local_offsets *offsets = env_alloc(consumer->env, sizeof *offsets);
    if (offsets == NULL)
        return RMQ_E_NOMEM;
    memset(offsets, 0, sizeof *offsets);
    offsets->consumer = consumer;
    offsets->env = consumer->env;
    buf_init(&offsets->content, offsets->env);
    consumer->local_offsets = offsets;
    return make_path(offsets, folder);
}

void local_offsets_load(struct local_offsets *offsets) {
    offsets->loading = true;
    begin_read(offsets, false, on_file);
}

/* ---- saving ---------------------------------------------------------------------------------- */

static void save(struct local_offsets *offsets);

static void on_saved(struct replace_file *replace, int status) {
    struct local_offsets *offsets = RMQ_CONTAINER_OF(replace, struct local_offsets, replace);
    struct consumer *consumer = offsets->consumer;
    buf_deinit(&offsets->content);
    offsets->saving = false;
    offsets->broken = offsets->broken && status != RMQ_OK;
    if (status != RMQ_OK)
        env_log(offsets->env, ENV_LOG_WARN, "consumer: %.*s: %s", (int)offsets->path.len,
                offsets->text, rmq_err_text(status));
    if (offsets->again)
        save(offsets);
    else if (consumer->stopping && consumer->released)
        consumer_stop_step(consumer);
}

/* What others wrote since is in the table now. */
static void on_merged(struct read_file *read, int status) {
    struct local_offsets *offsets = RMQ_CONTAINER_OF(read, struct local_offsets, read);
    struct span folder = span_of(offsets->text, offsets->folder_len);
    (void)take_content(offsets, status); /* not there or broken: ours is written */
    write_table(offsets, &offsets->content);
    int err = buf_failed(&offsets->content) ? RMQ_E_NOMEM : env_path_make_dir(offsets->env, folder);
    unsigned quirks = offsets->consumer->client->quirks;
    offsets->replace.env = offsets->env;
    offsets->replace.path = offsets->path;
    offsets->replace.content = buf_span(&offsets->content);
    offsets->replace.mode =
        quirk_on(quirks, QUIRK_UNSYNCED_CONFIG) ? REPLACE_UNSYNCED : REPLACE_SAFE;
    offsets->replace.keep_backup = offsets->broken;
    offsets->replace.sync_parents = true;
    if (err == RMQ_OK)
        replace_file_start(&offsets->replace, on_saved);
    else
        on_saved(&offsets->replace, err);
}

static void save(struct local_offsets *offsets) {
    offsets->again = false;
    offsets->saving = true;
    begin_read(offsets, false, on_merged);
}

static int take_progress(struct local_offsets *offsets) {
    const struct consumer *consumer = offsets->consumer;
    for (size_t i = 0; i < consumer->topic_count; i++) {
        LIST_EACH(&consumer->topics[i]->queues, link, following) {
            const struct consumer_queue *queue = LIST_ENTRY(link, struct consumer_queue, link);
            struct topic_queue key = {queue->topic->name, queue->broker_name, queue->id};
            int err = queue->has_offset ? put(offsets, &key, queue->offset, true) : RMQ_OK;
            if (err != RMQ_OK)
                return err;
        }
    }
    return RMQ_OK;
}

void local_offsets_save(struct consumer *consumer) {
    struct local_offsets *offsets = consumer->local_offsets;
    if (offsets->loading || !consumer->started)
        return;
    if (take_progress(offsets) != RMQ_OK)
        env_log(offsets->env, ENV_LOG_WARN, "consumer: local offsets: no memory");
    if (offsets->saving)
        offsets->again = true;
    else
        save(offsets);
}

bool local_offsets_saving(const struct local_offsets *offsets) {
    return offsets != NULL && offsets->saving;
}

void local_offsets_close(struct local_offsets *offsets) {
    if (offsets == NULL)
        return;
    RMQ_ASSERT(!offsets->saving);
    read_file_cancel(&offsets->read);
    for (size_t i = 0; i < offsets->count; i++)
        env_free(offsets->env, offsets->table[i]);
    env_free(offsets->env, offsets->table);
    buf_deinit(&offsets->content);
    env_free(offsets->env, offsets);
}
