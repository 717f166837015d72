/* broker/offsets.c - see offsets.h. Source: ConsumerOffsetManager.java of 4.9.8 and 5.3.3. */
#include "model/broker/offsets.h"

#include "model/base/check.h"
#include "model/events.h"
#include "model/quirks.h"
#include "model/store/store.h"
#include "model/wire/body_config.h"
#include "model/wire/java_order.h"
#include "model/wire/message.h"

#define FIRST_SAVE_NS UINT64_C(10000000000)
#define NS_PER_MS UINT64_C(1000000)
#define VERSION_STEP 500 /* consumerOffsetUpdateVersionStep */
#define PLANT_STEP 50
#define KEY_MAX (127 + 1 + 255 + 1 + 127) /* what fits is looked up without allocation */

struct queue_offset {
    int32_t queue_id;
    int64_t offset;
};

/* The offsets of one "topic@group", sorted by queue. */
struct progress {
    UT_hash_handle hh;
    bool map_failed;
    uint32_t count, capacity;
    struct queue_offset *queues;
    size_t key_len;
    char key[];
};

/* ---- the table ------------------------------------------------------------------------------- */

static struct progress *find_key(const struct offsets *offsets, struct span key) {
    uint64_t hash_key = offsets->hash_key;
    struct progress *found = NULL;
    HASH_FIND(hh, offsets->table, key.data, key.len, found);
    return found;
}

/* "topic@group" in `out`; absent when it does not fit, which no key of the table does. */
static struct span make_key(char out[KEY_MAX], struct span group, struct span topic) {
    if (topic.len + 1 + group.len > KEY_MAX)
        return SPAN_NONE;
    struct buf key = {.data = (uint8_t *)out, .capacity = KEY_MAX};
    buf_put_span(&key, topic);
    buf_put_u8(&key, '@');
    buf_put_span(&key, group);
    return buf_span(&key);
}

/* Topic and group of a key: what is before and behind its first '@'. */
static void split_key(const struct progress *progress, struct span *topic, struct span *group) {
    const char *at = memchr(progress->key, '@', progress->key_len);
    size_t len = at == NULL ? progress->key_len : (size_t)(at - progress->key);
    *topic = span_of(progress->key, len);
    *group = at == NULL ? SPAN_LITERAL("") : span_of(at + 1, progress->key_len - len - 1);
}

/* Where `queue_id` is, or would be inserted. */
static uint32_t position_of(const struct progress *progress, int32_t queue_id) {
    uint32_t low = 0, high = progress->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (progress->queues[middle].queue_id < queue_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct queue_offset *find_queue(const struct progress *progress, int32_t queue_id) {
    uint32_t position = position_of(progress, queue_id);
    bool found =
        position < progress->count && progress->queues[position].queue_id == queue_id;
    return found ? &progress->queues[position] : NULL;
}

static struct progress *add_key(struct offsets *offsets, struct span key) {
    struct env *env = offsets->env;
    uint64_t hash_key = offsets->hash_key;
    struct progress *progress = env_alloc(env, sizeof *progress + key.len);
    if (progress == NULL)
        return NULL;
    *progress = (struct progress){.key_len = key.len};
    memcpy(progress->key, key.data, key.len);
    HASH_ADD_KEYPTR(hh, offsets->table, progress->key, progress->key_len, progress);
    if (MAP_ADD_FAILED(progress)) {
        env_free(env, progress);
        return NULL;
    }
    return progress;
}

static int add_queue(struct env *env, struct progress *progress, int32_t queue_id,
                     int64_t offset) {
    if (progress->count == progress->capacity) {
        uint32_t capacity = progress->capacity == 0 ? 4 : progress->capacity * 2;
        struct queue_offset *queues =
            env_realloc(env, progress->queues, capacity * sizeof *queues);
        if (queues == NULL)
            return RMQ_E_NOMEM;
        progress->queues = queues;
        progress->capacity = capacity;
    }
    uint32_t position = position_of(progress, queue_id);
    memmove(&progress->queues[position + 1], &progress->queues[position],
            (progress->count - position) * sizeof *progress->queues);
    progress->queues[position] = (struct queue_offset){queue_id, offset};
    progress->count++;
    return RMQ_OK;
}

/* Sets an offset; *changed: it was another one, or none. */
static int set_offset(struct offsets *offsets, struct span key, int32_t queue_id, int64_t offset,
                      bool *changed) {
    struct progress *progress = find_key(offsets, key);
    if (progress == NULL)
        progress = add_key(offsets, key);
    if (progress == NULL)
        return RMQ_E_NOMEM;
    struct queue_offset *queue = find_queue(progress, queue_id);
    *changed = queue == NULL || queue->offset != offset;
    if (queue == NULL)
        return add_queue(offsets->env, progress, queue_id, offset);
    queue->offset = offset;
    return RMQ_OK;
}

int64_t offsets_find(const struct offsets *offsets, struct span group, struct span topic,
                     int32_t queue_id) {
    char text[KEY_MAX];
    struct span key = make_key(text, group, topic);
    const struct progress *progress = find_key(offsets, key);
    const struct queue_offset *queue =
        progress == NULL ? NULL : find_queue(progress, queue_id);
    return queue == NULL ? -1 : queue->offset;
}

void offsets_each(const struct offsets *offsets, offsets_each_fn *each, void *ctx) {
    for (struct progress *progress = offsets->table; progress != NULL;
         progress = progress->hh.next) {
        struct span topic, group;
        split_key(progress, &topic, &group);
        for (uint32_t i = 0; i < progress->count; i++)
            each(ctx, topic, group, progress->queues[i].queue_id, progress->queues[i].offset);
    }
}

/* ---- saving ---------------------------------------------------------------------------------- */

void offsets_save_now(struct offsets *offsets) {
    if (!env_timer_armed(&offsets->save))
        return;
    env_timer_stop(offsets->env, &offsets->save);
    if (!env_plant(offsets->env, PLANT_BROKER_FORGET_OFFSETS))
        config_file_save(&offsets->file);
}

static void on_save(struct env *env, struct env_timer *timer) {
    struct offsets *offsets = RMQ_CONTAINER_OF(timer, struct offsets, save);
    if (!env_plant(env, PLANT_BROKER_FORGET_OFFSETS))
        config_file_save(&offsets->file);
}

/* Saves at the next tick of a schedule that began with the broker. */
static void save_later(struct offsets *offsets) {
    if (env_timer_armed(&offsets->save))
        return;
    uint64_t period = offsets->config->offsets_save_ms * NS_PER_MS;
    uint64_t age = env_mono_ns(offsets->env) - offsets->start_ns;
    uint64_t due = FIRST_SAVE_NS;
    if (age >= due)
        due += ((age - due) / period + 1) * period;
    env_timer_start(offsets->env, &offsets->save, due - age, on_save);
}

static void count_commit(struct offsets *offsets) {
    offsets->commits++;
    if (offsets->commits % VERSION_STEP == 0) {
        offsets->version_counter++;
        offsets->version_timestamp = env_wall_ms(offsets->env);
    }
}

/* ---- commits --------------------------------------------------------------------------------- */

int offsets_commit(struct offsets *offsets, struct span group, struct span topic, int32_t queue_id,
                   int64_t offset, struct span client) {
    char text[KEY_MAX];
    struct span key = make_key(text, group, topic);
    bool changed = false;
    if (span_is_absent(key))
        return RMQ_E_LIMIT;
    if (offsets->store != NULL && !quirk_on(offsets->config->quirks, QUIRK_OFFSETS_UNCHECKED)) {
        int64_t max = store_max_offset(offsets->store, topic, queue_id);
        if (offset > max) {
            event_offset_ignored(offsets->env, group, topic, (uint32_t)queue_id, offset, max);
            return RMQ_OK;
        }
    }
    if ((offsets->commits + 1) % PLANT_STEP == 0 &&
        env_plant(offsets->env, PLANT_BROKER_COMMIT_BACK))
        offset = offset > 10 ? offset - 10 : 0;
    int err = set_offset(offsets, key, queue_id, offset, &changed);
    if (err != RMQ_OK)
        return err;
    count_commit(offsets);
    if (changed) {
        event_offset_committed(offsets->env, group, topic, (uint32_t)queue_id, offset, client);
        save_later(offsets);
    }
    return RMQ_OK;
}

void offsets_lower(struct offsets *offsets) {
    RMQ_ASSERT(offsets->store != NULL);
    if (quirk_on(offsets->config->quirks, QUIRK_OFFSETS_UNCHECKED) ||
        env_plant(offsets->env, PLANT_BROKER_KEEP_OFFSETS))
        return;
    for (struct progress *progress = offsets->table; progress != NULL;
         progress = progress->hh.next) {
        struct span topic, group;
        split_key(progress, &topic, &group);
        for (uint32_t i = 0; i < progress->count; i++) {
            struct queue_offset *queue = &progress->queues[i];
            int64_t max = store_max_offset(offsets->store, topic, queue->queue_id);
            if (queue->offset <= max)
                continue;
            event_offset_lowered(offsets->env, group, topic, (uint32_t)queue->queue_id,
                                 queue->offset, max);
            queue->offset = max;
            save_later(offsets);
        }
    }
}

/* ---- the file -------------------------------------------------------------------------------- */

static void write_progress(struct json_writer *json, const struct progress *progress) {
    json_key(json, span_of(progress->key, progress->key_len));
    json_object_begin(json);
    for (uint32_t i = 0; i < progress->count; i++) {
        json_key_i64(json, progress->queues[i].queue_id);
        json_number(json, progress->queues[i].offset);
    }
    json_object_end(json);
}

static int offsets_write(void *ctx, struct json_writer *json) {
    const struct offsets *offsets = ctx;
    size_t count = HASH_COUNT(offsets->table), at = 0;
    struct progress **list = env_alloc(offsets->env, (count + 1) * sizeof(struct progress *));
    struct java_key *keys = env_alloc(offsets->env, (count + 1) * sizeof *keys);
    int err = list == NULL || keys == NULL ? RMQ_E_NOMEM : RMQ_OK;
    if (err == RMQ_OK) {
        for (struct progress *progress = offsets->table; progress != NULL;
             progress = progress->hh.next, at++) {
            list[at] = progress;
            keys[at] = (struct java_key){
                java_string_hash(span_of(progress->key, progress->key_len)), (uint32_t)at};
        }
        err = java_order(offsets->env, keys, count, OFFSET_TABLE_BUCKETS);
    }
    if (err == RMQ_OK) {
        json_object_begin(json);
        if (offsets->config->profile_5_3)
            write_5_3(offsets, json);
        json_key_text(json, "offsetTable");
        json_object_begin(json);
        for (size_t i = 0; i < count; i++)
            write_progress(json, list[keys[i].index]);
        json_object_end(json);
        json_object_end(json);
    }
    env_free(offsets->env, keys);
    env_free(offsets->env, (void *)list);
    return err;
}
