/* store/queues.c - the table of all consume queues: finding, making, loading, deleting. */
#include "model/store/queues.h"

#include "model/events.h"

int queues_create(struct store *store) {
    struct queues *queues = env_alloc(store->env, sizeof *queues);
    if (queues == NULL) {
        return RMQ_E_NOMEM;
    }
    memset(queues, 0, sizeof *queues);
    queues->store = store;
    queues->env = store->env;
    queues->hash_key = env_random(store->env);
    queues->units_per_file = store->config.queue_file_bytes / QUEUE_UNIT_BYTES;
    RMQ_ASSERT(queues->units_per_file > 0);
    reads_init(&queues->reads, store->env);
    buf_init(&queues->walk.read, store->env);
    list_init(&queues->write_list);
    list_init(&queues->flush_list);
    for (unsigned i = 0; i < QUEUE_SYNCS; i++) {
        queues->syncs[i].queues = queues;
    }
    queues->thorough_ns = env_mono_ns(store->env);
    store->queues = queues;
    return RMQ_OK;
}

static void queue_free(struct queues *queues, struct consume_queue *queue) {
    if (queues->last == queue) {
        queues->last = NULL;
    }
    segments_deinit(&queue->segments);
    buf_deinit(&queue->pending);
    buf_deinit(&queue->written);
    env_free(queues->env, queue);
}

void queues_free(struct store *store) {
    struct queues *queues = store->queues;
    if (queues == NULL) {
        return;
    }
    struct env *env = queues->env;
    env_timer_stop(env, &queues->retry_timer);
    env_timer_stop(env, &queues->flush_timer);
    env_timer_stop(env, &queues->walk.timer);
    struct consume_queue *queue, *following;
    HASH_ITER(hh, queues->table, queue, following) {
        HASH_DEL(queues->table, queue);
        queue_free(queues, queue);
    }
    reads_deinit(&queues->reads);
    dir_sync_free(queues->names);
    buf_deinit(&queues->walk.read);
    env_free(env, queues->items);
    env_free(env, queues);
    store->queues = NULL;
}

static size_t make_key(uint8_t key[QUEUE_KEY_MAX], struct span topic, int32_t id) {
    if (topic.len > QUEUE_KEY_MAX - sizeof id) {
        return 0;
    }
    memcpy(key, &id, sizeof id);
    memcpy(key + sizeof id, topic.data, topic.len);
    return sizeof id + topic.len;
}

struct consume_queue *queues_find(struct queues *queues, struct span topic, int32_t id) {
    if (queues->last != NULL && queues->last->id == id &&
        span_equal(queue_topic(queues->last), topic)) {
        return queues->last;
    }
    uint64_t hash_key = queues->hash_key;
    uint8_t key[QUEUE_KEY_MAX];
    size_t len = make_key(key, topic, id);
    struct consume_queue *found = NULL;
    if (len > 0) {
        HASH_FIND(hh, queues->table, key, len, found);
    }
    queues->last = found;
    return found;
}

/* Index of the first queue that is not before (topic, id). */
static uint32_t place_of(const struct queues *queues, struct span topic, int32_t id) {
    uint32_t low = 0, high = queues->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct consume_queue *queue = queues->items[middle];
        int order = span_compare(queue_topic(queue), topic);
        if (order < 0 || (order == 0 && queue->id < id)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static int make_room(struct queues *queues) {
    if (queues->count < queues->capacity) {
        return RMQ_OK;
    }
    uint32_t capacity = queues->capacity == 0 ? 4 : queues->capacity * 2;
    void *items = env_realloc(queues->env, queues->items, capacity * sizeof(void *));
    if (items == NULL) {
        return RMQ_E_NOMEM;
    }
    queues->items = items;
    queues->capacity = capacity;
    return RMQ_OK;
}

static struct consume_queue *queue_create(struct queues *queues, const uint8_t *key, size_t len,
                                          int32_t id) {
    struct consume_queue *queue = env_alloc(queues->env, sizeof *queue + len);
    if (queue == NULL) {
        return NULL;
    }
    memset(queue, 0, sizeof *queue);
    memcpy(queue->key, key, len);
    queue->topic_len = (uint16_t)(len - sizeof id);
    queue->id = id;
    queue->queues = queues;
    queue->max_physical = -1;
    buf_init(&queue->pending, queues->env);
    buf_init(&queue->written, queues->env);
    list_init(&queue->write_link);
    list_init(&queue->flush_link);
    return queue;
}

struct consume_queue *queues_get(struct queues *queues, struct span topic, int32_t id) {
    struct consume_queue *queue = queues_find(queues, topic, id);
    if (queue != NULL) {
        return queue;
    }
    struct env *env = queues->env;
    uint64_t hash_key = queues->hash_key;
    uint8_t key[QUEUE_KEY_MAX];
    size_t len = make_key(key, topic, id);
    if (len == 0 || make_room(queues) != RMQ_OK) {
        return NULL;
    }
    queue = queue_create(queues, key, len, id);
    if (queue == NULL) {
        return NULL;
    }
    HASH_ADD_KEYPTR(hh, queues->table, queue->key, len, queue);
    if (MAP_ADD_FAILED(queue)) {
        queue_free(queues, queue);
        return NULL;
    }
    uint32_t place = place_of(queues, topic, id);
    memmove(queues->items + place + 1, queues->items + place,
            (queues->count - place) * sizeof(void *));
    queues->items[place] = queue;
    queues->count++;
    return queue;
}

size_t queue_path(const struct consume_queue *queue, unsigned parts, char out[ENV_PATH_MAX]) {
    const char *root = queue->queues->store->config.root;
    size_t len = strlen(root);
    memcpy(out, root, len);
    memcpy(out + len, "/consumequeue", 13);
    len += 13;
    if (parts > 0) {
        out[len++] = '/';
        memcpy(out + len, queue->key + 4, queue->topic_len);
        len += queue->topic_len;
    }
    if (parts > 1) {
        out[len++] = '/';
        len += format_i64(out + len, queue->id);
    }
    out[len] = '\0';
    return len;
}

/* What it has under way ends with its files. */
static void queue_forget(struct queues *queues, struct consume_queue *queue) {
    list_remove(&queue->write_link);
    list_remove(&queue->flush_link);
    for (unsigned i = 0; i < QUEUE_SYNCS; i++) {
        if (queues->syncs[i].queue == queue) { /* ends with the files */
            queues->syncs[i] = (struct queue_sync){.queues = queues};
        }
    }
    queues->writing -= env_file_op_active(&queue->op) ? 1 : 0;
}

void queues_delete(struct queues *queues, struct consume_queue *queue) {
    struct env *env = queues->env;
    uint32_t place = place_of(queues, queue_topic(queue), queue->id);
    RMQ_ASSERT(queues->items[place] == queue);
    memmove(queues->items + place, queues->items + place + 1,
            (queues->count - place - 1) * sizeof(void *));
    queues->count--;
    HASH_DEL(queues->table, queue);
    if (queue->segments.dir != NULL) {
        /* The last one first: what a crash leaves is still a queue. */
        RMQ_IGNORE(segments_drop_from(&queue->segments, 0), "found at the next start");
        char path[ENV_PATH_MAX];
        for (unsigned parts = 2; parts > 0; parts--) {
            size_t len = queue_path(queue, parts, path);
            RMQ_IGNORE(env_path_unlink(env, span_of(path, len)), "not empty, or gone");
        }
    }
    queues_walk_deleted(queues, place);
    queue_forget(queues, queue);
    segments_deinit(&queue->segments);
    reads_abort(&queues->reads, &queue->segments);
    queue_free(queues, queue);
    queues_flush_kick(queues, NULL);
}

/* ---- loading ---- */

int queues_open(struct queues *queues, struct consume_queue *queue) {
    char path[ENV_PATH_MAX];
    size_t len = queue_path(queue, 2, path);
    int status = segments_load(&queue->segments, queues->env, span_of(path, len),
                               queues->units_per_file * QUEUE_UNIT_BYTES,
                               queues->store->was_clean ? SEGMENTS_CLEAN : SEGMENTS_UNCLEAN);
    if (status != RMQ_OK) {
        return status;
    }
    uint64_t end = queue->segments.written;
    queue->pending_from = queue->written_from = end;
    queue->end_offset = (int64_t)(end / QUEUE_UNIT_BYTES);
    return RMQ_OK;
}

/* Takes the next directory off *names (NUL-ended names, '/' at the end of directories). */
static bool next_directory(struct span *names, struct span *out) {
    while (names->len > 0) {
        size_t len = strlen((const char *)names->data);
        struct span name = span_of(names->data, len);
        *names = span_from(*names, len + 1);
        if (len > 1 && name.data[len - 1] == '/') {
            *out = span_of(name.data, len - 1);
            return true;
        }
    }
    return false;
}

static int find_topic(struct queues *queues, struct span root, struct span topic) {
    struct buf path, names;
    buf_init(&path, queues->env);
    buf_init(&names, queues->env);
    buf_put_span(&path, root);
    buf_put_u8(&path, '/');
    buf_put_span(&path, topic);
    int status =
        buf_failed(&path) ? RMQ_E_NOMEM : env_path_list(queues->env, buf_span(&path), &names);
    struct span rest = buf_span(&names), name;
    while (status == RMQ_OK && next_directory(&rest, &name)) {
        int32_t id;
        if (span_to_i32(name, &id) == RMQ_OK && id >= 0) {
            status = queues_get(queues, topic, id) == NULL ? RMQ_E_NOMEM : RMQ_OK;
        }
    }
    buf_deinit(&path);
    buf_deinit(&names);
    return status;
}

/* Their files are opened by the walk that looks into them: with more queues than descriptors each
 * is opened once then. */
static int find_all(struct queues *queues) {
    char root[ENV_PATH_MAX];
    size_t len = strlen(queues->store->config.root);
    memcpy(root, queues->store->config.root, len);
    memcpy(root + len, "/consumequeue", 14);
    struct span path = span_of(root, len + 13);
    struct buf names;
    buf_init(&names, queues->env);
    int status = env_path_list(queues->env, path, &names);
    if (status == RMQ_E_NOT_FOUND) {
        status = RMQ_OK;
    }
    struct span rest = buf_span(&names), topic;
    while (status == RMQ_OK && next_directory(&rest, &topic)) {
        status = find_topic(queues, path, topic);
    }
    buf_deinit(&names);
    return status;
}

void queues_load(struct store *store, store_step_fn *done) {
    int status = find_all(store->queues);
    if (status == RMQ_OK) {
        queues_find_ends(store->queues, INT64_MAX, false, false, done);
    } else {
        done(store, status);
    }
}

/* ---- for the rest of the store ---- */

int64_t queues_max_physical(const struct store *store) {
    const struct queues *queues = store->queues;
    int64_t max = -1;
    for (uint32_t i = 0; i < queues->count; i++) {
        max = queues->items[i]->max_physical > max ? queues->items[i]->max_physical : max;
    }
    return max;
}

int64_t *queues_next_offset(struct store *store, struct span topic, int32_t queue_id) {
    struct consume_queue *queue = queues_get(store->queues, topic, queue_id);
    return queue == NULL ? NULL : &queue->next_offset;
}

void queues_recovered(struct store *store) {
    const struct queues *queues = store->queues;
    for (uint32_t i = 0; i < queues->count; i++) {
        struct consume_queue *queue = queues->items[i];
        queue->next_offset = queue->recovered_offset = queue->end_offset;
        event_store_queue_recovered(store->env, queue_topic(queue), (uint64_t)queue->id,
                                    queue->min_offset, queue->end_offset, queue->rebuilt);
    }
}

static const struct consume_queue *find(const struct store *store, struct span topic, int32_t id) {
    return queues_find(store->queues, topic, id);
}

int64_t store_next_offset(const struct store *store, struct span topic, int32_t queue_id) {
    const struct consume_queue *queue = find(store, topic, queue_id);
    return queue == NULL ? 0 : queue->next_offset;
}

bool store_has_queue(const struct store *store, struct span topic, int32_t queue_id) {
    return find(store, topic, queue_id) != NULL;
}

int64_t store_max_offset(const struct store *store, struct span topic, int32_t queue_id) {
    const struct consume_queue *queue = find(store, topic, queue_id);
    return queue == NULL ? 0 : queue->end_offset;
}

int64_t store_min_offset(const struct store *store, struct span topic, int32_t queue_id) {
    const struct consume_queue *queue = find(store, topic, queue_id);
    return queue == NULL ? 0 : queue->min_offset;
}

int64_t store_recovered_offset(const struct store *store, struct span topic, int32_t queue_id) {
    if (store->was_clean) {
        return INT64_MAX;
    }
    const struct consume_queue *queue = find(store, topic, queue_id);
    return queue == NULL ? 0 : queue->recovered_offset;
}

void store_each_queue(const struct store *store, store_queue_fn *each, void *ctx) {
    const struct queues *queues = store->queues;
    for (uint32_t i = 0; i < queues->count; i++) {
        const struct consume_queue *queue = queues->items[i];
        each(ctx, queue_topic(queue), queue->id, queue->min_offset, queue->end_offset);
    }
}
