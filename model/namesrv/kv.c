/* namesrv/kv.c - a list of namespaces, each one `props`: operators keep few and small ones. */
#include "model/namesrv/kv.h"

#include "model/base/json.h"
#include "model/base/sort.h"
#include "model/env.h"

struct kv_namespace {
    struct list link;
    struct props items;
    size_t name_len;
    char name[];
};

void kv_init(struct kv *kv, struct env *env) {
    kv->env = env;
    list_init(&kv->namespaces);
}

void kv_deinit(struct kv *kv) {
    LIST_EACH(&kv->namespaces, link, next) {
        struct kv_namespace *space = LIST_ENTRY(link, struct kv_namespace, link);
        list_remove(link);
        props_deinit(&space->items);
        env_free(kv->env, space);
    }
}

static struct kv_namespace *find(const struct kv *kv, struct span name) {
    LIST_EACH(&kv->namespaces, link, next) {
        struct kv_namespace *space = LIST_ENTRY(link, struct kv_namespace, link);
        if (span_equal(span_of(space->name, space->name_len), name))
            return space;
    }
    return NULL;
}

static struct kv_namespace *get(struct kv *kv, struct span name) {
    struct kv_namespace *space = find(kv, name);
    if (space != NULL)
        return space;
    space = env_alloc(kv->env, sizeof *space + name.len);
    if (space == NULL)
        return NULL;
    props_init(&space->items, kv->env);
    space->name_len = name.len;
    if (name.len > 0)
        memcpy(space->name, name.data, name.len);
    list_append(&kv->namespaces, &space->link);
    return space;
}

int kv_put(struct kv *kv, struct span name, struct span key, struct span value) {
    struct kv_namespace *space = get(kv, name);
    if (space == NULL)
        return RMQ_E_NOMEM;
    if (!span_is_absent(value))
        return props_set(&space->items, key, value);
    props_remove(&space->items, key);
    return RMQ_OK;
}

struct span kv_get(const struct kv *kv, struct span name, struct span key) {
    const struct kv_namespace *space = find(kv, name);
    return space == NULL ? SPAN_NONE : props_get_span(&space->items, key);
}

void kv_delete(struct kv *kv, struct span name, struct span key) {
    struct kv_namespace *space = find(kv, name);
    if (space != NULL)
        props_remove(&space->items, key);
}

static int compare_entries(const void *a, const void *b, void *ctx) {
    (void)ctx;
    return span_compare(((const struct props_entry *)a)->key, ((const struct props_entry *)b)->key);
}

int kv_write_table(const struct kv *kv, struct span name, struct buf *out) {
    const struct kv_namespace *space = find(kv, name);
    if (space == NULL)
        return RMQ_E_NOT_FOUND;
    size_t count = space->items.count;
    struct props_entry *sorted = env_alloc(kv->env, (count + 1) * sizeof *sorted);
    if (sorted == NULL)
        return RMQ_E_NOMEM;
    if (count > 0)
        memcpy(sorted, space->items.entries, count * sizeof *sorted);
    int err = sort_stable(kv->env, sorted, count, sizeof *sorted, compare_entries, NULL);
    struct json_writer json;
    json_writer_init(&json, out, JSON_STYLE_FASTJSON);
    json_object_begin(&json);
    json_key_text(&json, "table");
    json_object_begin(&json);
    for (size_t i = 0; i < count && err == RMQ_OK; i++) {
        json_key(&json, sorted[i].key);
        json_string(&json, sorted[i].value);
    }
    json_object_end(&json);
    json_object_end(&json);
    env_free(kv->env, sorted);
    if (err == RMQ_OK && buf_failed(out))
        err = RMQ_E_NOMEM;
    return err;
}

/* ---- the file -------------------------------------------------------------------------------- */

void kv_write_file(const struct kv *kv, struct json_writer *json) {
    json_object_begin(json);
    json_key_text(json, "configTable");
    json_object_begin(json);
    LIST_EACH(&kv->namespaces, link, next) {
        const struct kv_namespace *space = LIST_ENTRY(link, struct kv_namespace, link);
        json_key(json, span_of(space->name, space->name_len));
        json_object_begin(json);
        for (size_t i = 0; i < space->items.count; i++) {
            json_key(json, space->items.entries[i].key);
            json_string(json, space->items.entries[i].value);
        }
        json_object_end(json);
    }
    json_object_end(json);
    json_object_end(json);
}

/* The members of one namespace, behind its JSON_OBJECT_BEGIN. */
static int read_items(struct kv *kv, struct json_reader *json, struct kv_namespace *space) {
    struct buf key_scratch, scratch;
    struct span key, value;
    int err = RMQ_OK;
    buf_init(&key_scratch, kv->env);
    buf_init(&scratch, kv->env);
    while (err == RMQ_OK && json_next(json) == JSON_KEY) {
        err = json_text(json, &key_scratch, &key);
        enum json_token token = json_next(json);
        if (err == RMQ_OK && token == JSON_NULL)
            continue;
        if (err == RMQ_OK)
            err = token == JSON_STRING ? json_text(json, &scratch, &value) : RMQ_E_INVALID;
        if (err == RMQ_OK)
            err = props_set(&space->items, key, value);
    }
    buf_deinit(&key_scratch);
    buf_deinit(&scratch);
    return err == RMQ_OK && json->token != JSON_OBJECT_END ? RMQ_E_INVALID : err;
}

static int read_namespaces(struct kv *kv, struct json_reader *json) {
    struct buf scratch;
    struct span name;
    int err = RMQ_OK;
    buf_init(&scratch, kv->env);
    while (err == RMQ_OK && json_next(json) == JSON_KEY) {
        err = json_text(json, &scratch, &name);
        struct kv_namespace *space = err == RMQ_OK ? get(kv, name) : NULL;
        if (err == RMQ_OK && space == NULL)
            err = RMQ_E_NOMEM;
        if (err == RMQ_OK)
            err =
                json_next(json) == JSON_OBJECT_BEGIN ? read_items(kv, json, space) : RMQ_E_INVALID;
    }
    buf_deinit(&scratch);
    return err == RMQ_OK && json->token != JSON_OBJECT_END ? RMQ_E_INVALID : err;
}

int kv_read_file(struct kv *kv, struct span text, size_t *error_offset) {
    struct json_reader json;
    json_reader_init(&json, text);
    int err = json_next(&json) == JSON_OBJECT_BEGIN ? RMQ_OK : RMQ_E_INVALID;
    while (err == RMQ_OK && json_next(&json) == JSON_KEY) {
        if (!json_text_equals(&json, SPAN_LITERAL("configTable")))
            err = json_skip(&json);
        else if (json_next(&json) == JSON_OBJECT_BEGIN)
            err = read_namespaces(kv, &json);
        else
            err = RMQ_E_INVALID;
    }
    if (err == RMQ_OK && (json.token != JSON_OBJECT_END || json_next(&json) != JSON_END))
        err = RMQ_E_INVALID;
    if (err == RMQ_OK)
        return RMQ_OK;
    *error_offset = json.token_offset;
    if (err != RMQ_E_NOMEM)
        kv_deinit(kv);
    return err == RMQ_E_NOMEM ? err : RMQ_E_INVALID;
}
