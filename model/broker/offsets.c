/* broker/offsets.c - see offsets.h. Source: ConsumerOffsetManager.java of 4.9.8 and 5.3.3. */
#include "model/broker/offsets_table.h"

#include "model/base/check.h"
#include "model/events.h"
#include "model/quirks.h"
#include "model/store/store.h"
#include "model/wire/body_config.h"
#include "model/wire/message.h"

#define FIRST_SAVE_NS UINT64_C(10000000000)
#define NS_PER_MS UINT64_C(1000000)
#define VERSION_STEP 500 /* consumerOffsetUpdateVersionStep */
#define PLANT_STEP 50
#define KEY_MAX (127 + 1 + 255 + 1 + 127) /* what fits is looked up without allocation */

/* ---- the table ------------------------------------------------------------------------------- */

static struct progress *find_key(struct progress *table, uint64_t hash_key, struct span key) {
    struct progress *found = NULL;
    if (key.len == 0)
        return NULL;
    HASH_FIND(hh, table, key.data, key.len, found);
    return found;
}

/* "topic@group" in `out`; absent when it does not fit, which no key of the table does. */
static struct span make_key(char out[KEY_MAX], struct span group, struct span topic) {
    size_t len = topic.len + 1 + group.len;
    if (len > KEY_MAX)
        return SPAN_NONE;
    memcpy(out, topic.data, topic.len);
    out[topic.len] = '@';
    memcpy(out + topic.len + 1, group.data, group.len);
    return span_of(out, len);
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
    bool found = position < progress->count && progress->queues[position].queue_id == queue_id;
    return found ? &progress->queues[position] : NULL;
}

static struct progress *add_key(struct env *env, struct progress **table, uint64_t hash_key,
                                struct span key) {
    struct progress *progress = env_alloc(env, sizeof *progress + key.len);
    if (progress == NULL)
        return NULL;
    const uint8_t *at = memchr(key.data, '@', key.len);
    *progress =
        (struct progress){.key_len = (uint32_t)key.len,
                          .topic_len = (uint32_t)(at == NULL ? key.len : (size_t)(at - key.data)),
                          .hash = java_string_hash(key)};
    memcpy(progress->key, key.data, key.len);
    HASH_ADD_KEYPTR(hh, *table, progress->key, progress->key_len, progress);
    if (MAP_ADD_FAILED(progress)) {
        env_free(env, progress);
        return NULL;
    }
    return progress;
}

static int add_queue(struct env *env, struct progress *progress, int32_t queue_id, int64_t offset) {
    if (progress->count == progress->capacity) {
        uint32_t capacity = progress->capacity == 0 ? 4 : progress->capacity * 2;
        struct queue_offset *queues = env_realloc(env, progress->queues, capacity * sizeof *queues);
        if (queues == NULL)
            return RMQ_E_NOMEM;
        progress->queues = queues;
        progress->capacity = capacity;
    }
    uint32_t position = position_of(progress, queue_id);
    memmove(&progress->queues[position + 1], &progress->queues[position],
            (progress->count - position) * sizeof *progress->queues);
    progress->queues[position] = (struct queue_offset){.queue_id = queue_id, .offset = offset};
    progress->count++;
    return RMQ_OK;
}

static int set(struct offsets *offsets, struct progress **table, struct span key, int32_t queue_id,
               int64_t offset, bool *changed) {
    struct progress *progress = find_key(*table, offsets->hash_key, key);
    if (progress == NULL)
        progress = add_key(offsets->env, table, offsets->hash_key, key);
    if (progress == NULL)
        return RMQ_E_NOMEM;
    struct queue_offset *queue = find_queue(progress, queue_id);
    *changed = queue == NULL || queue->offset != offset;
    if (queue == NULL)
        return add_queue(offsets->env, progress, queue_id, offset);
    queue->offset = offset;
    return RMQ_OK;
}

int offsets_set(struct offsets *offsets, struct span key, int32_t queue_id, int64_t offset,
                bool *changed) {
    return set(offsets, &offsets->table, key, queue_id, offset, changed);
}

static int64_t find(const struct offsets *offsets, struct progress *table, struct span who,
                    struct span topic, int32_t queue_id) {
    char text[KEY_MAX];
    struct span key = make_key(text, who, topic);
    const struct progress *progress =
        span_is_absent(key) ? NULL : find_key(table, offsets->hash_key, key);
    const struct queue_offset *queue = progress == NULL ? NULL : find_queue(progress, queue_id);
    return queue == NULL ? -1 : queue->offset;
}

int64_t offsets_find(const struct offsets *offsets, struct span group, struct span topic,
                     int32_t queue_id) {
    return find(offsets, offsets->table, group, topic, queue_id);
}

void offsets_each(const struct offsets *offsets, offsets_each_fn *each, void *ctx) {
    for (struct progress *progress = offsets->table; progress != NULL;
         progress = progress->hh.next) {
        struct span topic = progress_topic(progress), group = progress_group(progress);
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

/* ---- what was given ------------------------------------------------------------------------- */

/* INT64_MAX: every offset is believed. */
static int64_t recovered_offset(const struct offsets *offsets, struct span topic,
                                int32_t queue_id) {
    if (offsets->store == NULL || offsets->config->broker_id != 0 ||
        quirk_on(offsets->config->quirks, QUIRK_OFFSETS_UNCHECKED))
        return INT64_MAX;
    return store_recovered_offset(offsets->store, topic, queue_id);
}

bool offsets_believe(const struct offsets *offsets, struct span group, struct span topic,
                     int32_t queue_id, int64_t offset, struct span client, int64_t *max) {
    *max = recovered_offset(offsets, topic, queue_id);
    if (offset <= *max)
        return true;
    int64_t committed = offsets_find(offsets, group, topic, queue_id);
    *max = committed > *max ? committed : *max; /* what was believed in this life */
    return offset <= find(offsets, offsets->given, group, topic, queue_id) ||
           offset <= find(offsets, offsets->given, client, topic, queue_id);
}

void offsets_give(struct offsets *offsets, struct span who, struct span topic, int32_t queue_id,
                  int64_t offset) {
    char text[KEY_MAX];
    struct span key = make_key(text, who, topic);
    bool changed;
    if (span_is_absent(key) || offset <= recovered_offset(offsets, topic, queue_id) ||
        offset <= find(offsets, offsets->given, who, topic, queue_id))
        return;
    RMQ_IGNORE(set(offsets, &offsets->given, key, queue_id, offset, &changed),
               "the recovered max is given once more");
}

static void remove_key(struct env *env, struct progress **table, struct progress *progress) {
    HASH_DEL(*table, progress);
    env_free(env, progress->queues);
    env_free(env, progress);
}

void offsets_forget_client(struct offsets *offsets, struct span client) {
    struct progress *progress, *following;
    HASH_ITER(hh, offsets->given, progress, following) {
        if (span_equal(progress_group(progress), client))
            remove_key(offsets->env, &offsets->given, progress);
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
    bool slave = offsets->config->broker_id != 0; /* it may be behind: its queues bound nothing */
    if (offsets->store != NULL && !slave &&
        !quirk_on(offsets->config->quirks, QUIRK_OFFSETS_UNCHECKED)) {
        int64_t max = store_max_offset(offsets->store, topic, queue_id);
        if (offset > max ||
            !offsets_believe(offsets, group, topic, queue_id, offset, client, &max)) {
            event_offset_ignored(offsets->env, group, topic, (uint32_t)queue_id, offset, max);
            return RMQ_OK;
        }
    }
    if ((offsets->commits + 1) % PLANT_STEP == 0 &&
        env_plant(offsets->env, PLANT_BROKER_COMMIT_BACK))
        offset = offset > 10 ? offset - 10 : 0;
    int err = offsets_set(offsets, key, queue_id, offset, &changed);
    if (err != RMQ_OK)
        return err;
    count_commit(offsets);
    if (changed && slave)
        find_queue(find_key(offsets->table, offsets->hash_key, key), queue_id)->own = true;
    if (changed) {
        event_offset_committed(offsets->env, group, topic, (uint32_t)queue_id, offset, client);
        save_later(offsets);
    }
    return RMQ_OK;
}

struct copying {
    struct offsets *offsets;
    offsets_each_fn *newer;
    void *ctx;
    bool changed;
};

static int copy_one(void *ctx, struct span key, int32_t queue_id, int64_t offset) {
    struct copying *copying = ctx;
    struct offsets *offsets = copying->offsets;
    struct progress *progress = find_key(offsets->table, offsets->hash_key, key);
    struct queue_offset *queue = progress == NULL ? NULL : find_queue(progress, queue_id);
    bool changed;
    if (queue != NULL && queue->own && queue->offset > offset &&
        !quirk_on(offsets->config->quirks, QUIRK_SLAVE_OFFSETS_OVERWRITTEN)) {
        copying->newer(copying->ctx, progress_topic(progress), progress_group(progress), queue_id,
                       queue->offset);
        return RMQ_OK;
    }
    if (queue != NULL)
        queue->own = false;
    int err = offsets_set(offsets, key, queue_id, offset, &changed);
    copying->changed |= err == RMQ_OK && changed;
    return err;
}

int offsets_copy(struct offsets *offsets, struct span body, offsets_each_fn *newer, void *ctx) {
    struct copying copying = {.offsets = offsets, .newer = newer, .ctx = ctx};
    struct data_version version;
    struct wire_error error = {0};
    struct buf scratch;
    buf_init(&scratch, offsets->env);
    int err = offset_table_decode(body, &scratch, NULL, NULL, &version, &error);
    if (err == RMQ_OK)
        err = offset_table_decode(body, &scratch, copy_one, &copying, &version, &error);
    buf_deinit(&scratch);
    if (copying.changed)
        save_later(offsets);
    return err;
}

int offsets_assign(struct offsets *offsets, struct span group, struct span topic, int32_t queue_id,
                   int64_t offset) {
    char text[KEY_MAX];
    struct span key = make_key(text, group, topic);
    bool changed = false;
    if (span_is_absent(key))
        return RMQ_E_LIMIT;
    int err = offsets_set(offsets, key, queue_id, offset, &changed);
    if (err != RMQ_OK)
        return err;
    count_commit(offsets);
    if (changed) {
        event_offset_committed(offsets->env, group, topic, (uint32_t)queue_id, offset,
                               SPAN_LITERAL("admin"));
        save_later(offsets);
    }
    return RMQ_OK;
}

int offsets_reset(struct offsets *offsets, struct span group, struct span topic, int32_t queue_id,
                  int64_t offset) {
    char text[KEY_MAX];
    struct span key = make_key(text, group, topic);
    bool changed;
    int err = offsets_assign(offsets, group, topic, queue_id, offset);
    if (err != RMQ_OK)
        return err;
    return set(offsets, &offsets->resets, key, queue_id, offset, &changed);
}

bool offsets_is_reset(const struct offsets *offsets, struct span group, struct span topic,
                      int32_t queue_id) {
    return offsets->resets != NULL && find(offsets, offsets->resets, group, topic, queue_id) >= 0;
}

int64_t offsets_take_reset(struct offsets *offsets, struct span group, struct span topic,
                           int32_t queue_id) {
    char text[KEY_MAX];
    if (!offsets_is_reset(offsets, group, topic, queue_id))
        return -1;
    struct progress *progress =
        find_key(offsets->resets, offsets->hash_key, make_key(text, group, topic));
    struct queue_offset *queue = find_queue(progress, queue_id);
    int64_t offset = queue->offset;
    size_t behind = (size_t)(progress->queues + progress->count - (queue + 1));
    memmove(queue, queue + 1, behind * sizeof *queue);
    if (--progress->count == 0)
        remove_key(offsets->env, &offsets->resets, progress);
    return offset;
}

/* Removes the entries of `table` of that topic, or else of that group; whether there were any. */
static bool remove_named(struct env *env, struct progress **table, struct span topic,
                         struct span group) {
    struct progress *progress, *following;
    bool removed = false;
    HASH_ITER(hh, *table, progress, following) {
        if (span_is_absent(topic) ? !span_equal(progress_group(progress), group)
                                  : !span_equal(progress_topic(progress), topic))
            continue;
        remove_key(env, table, progress);
        removed = true;
    }
    return removed;
}

static void remove_offsets(struct offsets *offsets, struct span topic, struct span group) {
    remove_named(offsets->env, &offsets->given, topic, group);
    remove_named(offsets->env, &offsets->resets, topic, group);
    if (!remove_named(offsets->env, &offsets->table, topic, group))
        return;
    offsets->version_counter++;
    offsets->version_timestamp = env_wall_ms(offsets->env);
    save_later(offsets);
}

void offsets_remove_topic(struct offsets *offsets, struct span topic) {
    remove_offsets(offsets, topic, SPAN_NONE);
}

void offsets_remove_group(struct offsets *offsets, struct span group) {
    remove_offsets(offsets, SPAN_NONE, group);
}

void offsets_lower(struct offsets *offsets) {
    RMQ_ASSERT(offsets->store != NULL);
    if (quirk_on(offsets->config->quirks, QUIRK_OFFSETS_UNCHECKED) ||
        env_plant(offsets->env, PLANT_BROKER_KEEP_OFFSETS))
        return;
    for (struct progress *progress = offsets->table; progress != NULL;
         progress = progress->hh.next) {
        struct span topic = progress_topic(progress), group = progress_group(progress);
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

void offsets_init(struct offsets *offsets, struct env *env, const struct broker_config *config) {
    *offsets = (struct offsets){.env = env,
                                .hash_key = env_random(env),
                                .config = config,
                                .start_ns = env_mono_ns(env),
                                .version_timestamp = env_wall_ms(env)};
    offsets_file_init(offsets);
}

void offsets_clear(struct offsets *offsets) {
    struct env *env = offsets->env;
    struct progress *progress, *following;
    HASH_ITER(hh, offsets->table, progress, following)
    remove_key(env, &offsets->table, progress);
}

void offsets_deinit(struct offsets *offsets) {
    if (offsets->env == NULL)
        return;
    env_timer_stop(offsets->env, &offsets->save);
    config_file_deinit(&offsets->file);
    offsets_clear(offsets);
    struct progress *progress, *following;
    HASH_ITER(hh, offsets->given, progress, following)
    remove_key(offsets->env, &offsets->given, progress);
    HASH_ITER(hh, offsets->resets, progress, following)
    remove_key(offsets->env, &offsets->resets, progress);
    *offsets = (struct offsets){0};
}
