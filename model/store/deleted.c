/* store/deleted.c - see deleted.h. */
#include "model/store/deleted.h"

#include "model/store/queues.h"

enum mark_state { MARK_KEPT, MARK_WAITING, MARK_SAVING };

struct deleted_mark {
    UT_hash_handle hh;
    bool map_failed;
    enum mark_state state;
    int64_t kept; /* durable; 0: none */
    int64_t next; /* unless MARK_KEPT: will be */
    size_t len;
    uint8_t topic[];
};

static struct span topic_of(const struct deleted_mark *mark) {
    return span_of(mark->topic, mark->len);
}

/* ---- the table ---- */

static struct deleted_mark *find(const struct deleted *deleted, struct span topic) {
    uint64_t hash_key = deleted->hash_key;
    struct deleted_mark *found = NULL;
    if (deleted->table != NULL)
        HASH_FIND(hh, deleted->table, topic.data, topic.len, found);
    return found;
}

/* The topic's mark, made when there is none; NULL: no memory. */
static struct deleted_mark *get(struct deleted *deleted, struct span topic) {
    struct env *env = deleted->store->env;
    uint64_t hash_key = deleted->hash_key;
    struct deleted_mark *mark = find(deleted, topic);
    if (mark != NULL)
        return mark;
    mark = env_alloc(env, sizeof *mark + topic.len);
    if (mark == NULL)
        return NULL;
    memset(mark, 0, sizeof *mark);
    mark->len = topic.len;
    memcpy(mark->topic, topic.data, topic.len);
    HASH_ADD_KEYPTR(hh, deleted->table, mark->topic, mark->len, mark);
    if (MAP_ADD_FAILED(mark)) {
        env_free(env, mark);
        return NULL;
    }
    return mark;
}

static void drop(struct deleted *deleted, struct deleted_mark *mark) {
    struct env *env = deleted->store->env;
    HASH_DEL(deleted->table, mark);
    env_free(env, mark);
}

static void set_limit(struct deleted *deleted) {
    deleted->limit = 0;
    for (const struct deleted_mark *mark = deleted->table; mark != NULL; mark = mark->hh.next)
        deleted->limit = mark->kept > deleted->limit ? mark->kept : deleted->limit;
}

int64_t deleted_mark_of(const struct store *store, struct span topic) {
    const struct deleted_mark *mark = find(store->deleted, topic);
    return mark == NULL ? 0 : mark->kept;
}

int64_t store_dead_below(const struct store *store, struct span topic) {
    return deleted_mark_of(store, topic);
}

bool deleted_is_dead(const struct store *store, struct span topic, int64_t physical) {
    return physical < store->deleted->limit && physical < deleted_mark_of(store, topic) &&
           !env_plant(store->env, PLANT_STORE_FORGET_DELETED);
}

bool deleted_is_pending(const struct store *store, struct span topic) {
    if (store->deleted->pending == 0)
        return false;
    const struct deleted_mark *mark = find(store->deleted, topic);
    return mark != NULL && mark->state != MARK_KEPT;
}

/* ---- the file ---- */

static int write_marks(void *ctx, struct json_writer *json) {
    const struct deleted *deleted = ctx;
    json_object_begin(json);
    json_key_text(json, "deletedTopics");
    json_object_begin(json);
    for (const struct deleted_mark *mark = deleted->table; mark != NULL; mark = mark->hh.next) {
        int64_t physical = mark->state == MARK_SAVING ? mark->next : mark->kept;
        if (physical > 0) {
            json_key(json, topic_of(mark));
            json_number(json, physical);
        }
    }
    json_object_end(json);
    json_object_end(json);
    return RMQ_OK;
}

static int read_members(struct deleted *deleted, struct json_reader *reader, struct buf *scratch) {
    while (json_next(reader) == JSON_KEY) {
        struct span topic;
        int64_t physical;
        int err = json_text(reader, scratch, &topic);
        if (err == RMQ_OK && json_next(reader) != JSON_NUMBER)
            err = RMQ_E_INVALID;
        if (err == RMQ_OK)
            err = json_i64(reader, &physical);
        if (err == RMQ_OK && physical < 0)
            err = RMQ_E_RANGE;
        struct deleted_mark *mark = err == RMQ_OK ? get(deleted, topic) : NULL;
        if (mark == NULL)
            return err == RMQ_OK ? RMQ_E_NOMEM : err;
        mark->kept = physical;
    }
    return reader->token == JSON_OBJECT_END ? RMQ_OK : RMQ_E_INVALID;
}

/* An object whose member deletedTopics is an object of numbers; others are left aside. */
static int read_text(struct deleted *deleted, struct json_reader *reader, struct buf *scratch) {
    if (json_next(reader) != JSON_OBJECT_BEGIN)
        return RMQ_E_INVALID;
    while (json_next(reader) == JSON_KEY) {
        int err;
        if (!json_text_equals(reader, SPAN_LITERAL("deletedTopics")))
            err = json_skip(reader);
        else if (json_next(reader) != JSON_OBJECT_BEGIN)
            err = RMQ_E_INVALID;
        else
            err = read_members(deleted, reader, scratch);
        if (err != RMQ_OK)
            return err;
    }
    return reader->token == JSON_OBJECT_END && json_next(reader) == JSON_END ? RMQ_OK
                                                                             : RMQ_E_INVALID;
}

static int read_marks(void *ctx, struct span text, size_t *error_offset) {
    struct deleted *deleted = ctx;
    struct json_reader reader;
    struct buf scratch;
    json_reader_init(&reader, text);
    buf_init(&scratch, deleted->store->env);
    int err = read_text(deleted, &reader, &scratch);
    *error_offset = reader.token_offset;
    buf_deinit(&scratch);
    while (err != RMQ_OK && deleted->table != NULL) /* nothing of a text that is not whole */
        drop(deleted, deleted->table);
    set_limit(deleted);
    return err;
}

static void on_loaded(void *ctx, int status) {
    struct deleted *deleted = ctx;
    deleted->loaded(deleted->store, status);
}

void deleted_load(struct store *store, store_step_fn *done) {
    store->deleted->loaded = done;
    config_file_load(&store->deleted->file, on_loaded, store->deleted);
}

void deleted_recovered(struct store *store) {
    struct deleted *deleted = store->deleted;
    int64_t min = store_min_physical(store), end = store_max_physical(store);
    bool changed = false;
    for (struct deleted_mark *mark = deleted->table, *next; mark != NULL; mark = next) {
        next = mark->hh.next;
        if (mark->kept <= min) {
            drop(deleted, mark);
            changed = true;
        } else if (mark->kept > end) {
            mark->kept = end;
            changed = true;
        }
    }
    set_limit(deleted);
    if (changed)
        config_file_save(&deleted->file);
}

int deleted_create(struct store *store) {
    static const struct config_table TABLE = {
        .file_name = "deletedTopics.json", .write = write_marks, .read = read_marks};
    size_t dir_len = strlen(store->config.root) + sizeof "/config" - 1;
    struct deleted *deleted = env_alloc(store->env, sizeof *deleted + dir_len);
    if (deleted == NULL)
        return RMQ_E_NOMEM;
    *deleted = (struct deleted){.store = store, .hash_key = env_random(store->env)};
    list_init(&deleted->waiting);
    list_init(&deleted->saving);
    struct buf dir = {.data = (uint8_t *)deleted->dir, .capacity = dir_len};
    buf_put_text(&dir, store->config.root);
    buf_put_text(&dir, "/config");
    RMQ_ASSERT(!buf_failed(&dir));
    config_file_init(&deleted->file, store->env, &TABLE, deleted, span_of(deleted->dir, dir.len),
                     quirk_on(store->config.quirks, QUIRK_UNSYNCED_CONFIG));
    store->deleted = deleted;
    return RMQ_OK;
}

void deleted_free(struct store *store) {
    struct deleted *deleted = store->deleted;
    if (deleted == NULL)
        return;
    config_file_deinit(&deleted->file);
    while (deleted->table != NULL)
        drop(deleted, deleted->table);
    env_free(store->env, deleted);
    store->deleted = NULL;
}

/* ---- deleting ---- */

static bool is_protected(struct span topic) {
    return span_equal(topic, SPAN_LITERAL("SCHEDULE_TOPIC_XXXX")) ||
           span_equal(topic, SPAN_LITERAL("RMQ_SYS_TRANS_OP_HALF_TOPIC")) ||
           span_starts_with(topic, SPAN_LITERAL("%LMQ%"));
}

/* Its operations are told; one may be cancelled, or a new one begun, from inside. */
static void finish(struct list *operations, int status) {
    struct list ended;
    list_init(&ended);
    LIST_EACH(operations, link, following) {
        list_remove(link);
        list_append(&ended, link);
    }
    while (!list_is_empty(&ended)) {
        struct store_delete *operation = LIST_ENTRY(ended.next, struct store_delete, link);
        store_delete_fn *done = operation->done;
        list_remove(&operation->link);
        operation->done = NULL;
        done(operation, operation->status != RMQ_OK ? operation->status : status);
    }
}

static void delete_queues(struct store *store, const struct deleted_mark *mark) {
    struct queues *queues = store->queues;
    for (uint32_t i = queues->count; i > 0; i--) {
        if (span_equal(queue_topic(queues->items[i - 1]), topic_of(mark)))
            queues_delete(queues, queues->items[i - 1]);
    }
}

/* Marks in `state` are kept from now on, with status RMQ_OK; else they are as they were. */
static void end_marks(struct deleted *deleted, enum mark_state state, int status) {
    for (struct deleted_mark *mark = deleted->table, *next; mark != NULL; mark = next) {
        next = mark->hh.next;
        if (mark->state != state)
            continue;
        mark->state = MARK_KEPT;
        deleted->pending--;
        if (status == RMQ_OK) {
            mark->kept = mark->next;
            if (deleted->store->state == STORE_OPEN) /* else the next start does it */
                delete_queues(deleted->store, mark);
        } else if (mark->kept == 0) {
            drop(deleted, mark);
        }
    }
    set_limit(deleted);
}

static void on_saved(void *ctx, int status) {
    struct deleted *deleted = ctx;
    deleted->save_active = false;
    end_marks(deleted, MARK_SAVING, status);
    finish(&deleted->saving, status);
    deleted_run(deleted->store);
}

bool deleted_wants_flush(const struct store *store) {
    return !list_is_empty(&store->deleted->waiting);
}

/* After writes that failed the log may end below what was accepted when the deletion began. */
static void lower_waiting(struct deleted *deleted) {
    int64_t end = (int64_t)deleted->store->log.segments.accepted;
    for (struct deleted_mark *mark = deleted->table; mark != NULL; mark = mark->hh.next) {
        if (mark->state == MARK_WAITING && mark->next > end)
            mark->next = end;
    }
    deleted->target = deleted->target < end ? deleted->target : end;
}

void deleted_run(struct store *store) {
    struct deleted *deleted = store->deleted;
    if (deleted == NULL || list_is_empty(&deleted->waiting) || deleted->save_active)
        return;
    if (store->flush.failed || store->stopping) {
        end_marks(deleted, MARK_WAITING, RMQ_E_STATE);
        finish(&deleted->waiting, RMQ_E_STATE);
        return;
    }
    lower_waiting(deleted);
    if (store_flushed_physical(store) < deleted->target)
        return;
    for (struct deleted_mark *mark = deleted->table; mark != NULL; mark = mark->hh.next)
        mark->state = mark->state == MARK_WAITING ? MARK_SAVING : mark->state;
    LIST_EACH(&deleted->waiting, link, following) {
        list_remove(link);
        list_append(&deleted->saving, link);
    }
    deleted->save_active = true;
    config_file_save(&deleted->file);
    config_file_settle(&deleted->file, on_saved, deleted);
}

/* RMQ_E_NOMEM: nothing has changed. */
static int mark_topic(struct deleted *deleted, struct span topic) {
    struct deleted_mark *mark = get(deleted, topic);
    if (mark == NULL)
        return RMQ_E_NOMEM;
    if (mark->state != MARK_KEPT) /* its deletion is under way, and it took no puts since */
        return RMQ_OK;
    mark->state = MARK_WAITING;
    mark->next = (int64_t)deleted->store->log.segments.accepted;
    deleted->target = mark->next;
    deleted->pending++;
    return RMQ_OK;
}

static void begin(struct store *store, struct store_delete *operation, store_delete_fn *done) {
    RMQ_ASSERT(operation->done == NULL && done != NULL);
    operation->done = done;
    operation->status = RMQ_OK;
    list_append(&store->deleted->waiting, &operation->link);
}

static void start(struct store *store) {
    RMQ_IGNORE(flush_all(store), "deleted_run looks whether there is something to wait for");
    deleted_run(store);
}

void store_delete_topic(struct store *store, struct span topic, struct store_delete *operation,
                        store_delete_fn *done) {
    begin(store, operation, done);
    if (!is_protected(topic))
        operation->status = mark_topic(store->deleted, topic);
    start(store);
}

void store_clean_topics(struct store *store, store_keep_fn *keep, void *ctx,
                        struct store_delete *operation, store_delete_fn *done) {
    const struct queues *queues = store->queues;
    begin(store, operation, done);
    for (uint32_t i = 0; i < queues->count && operation->status == RMQ_OK; i++) {
        struct span topic = queue_topic(queues->items[i]);
        if (!is_protected(topic) && !keep(ctx, topic))
            operation->status = mark_topic(store->deleted, topic);
    }
    start(store);
}

void store_delete_cancel(struct store *store, struct store_delete *operation) {
    RMQ_ASSERT(store->deleted != NULL);
    if (operation->done == NULL)
        return;
    list_remove(&operation->link);
    operation->done = NULL;
}
