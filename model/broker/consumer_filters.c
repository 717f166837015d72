/* broker/consumer_filters.c - see consumer_filters.h. Source: ConsumerFilterManager.java of 4.9.8.
 */
#include "model/broker/consumer_filters.h"

#include "model/base/check.h"
#include "model/broker/clients.h"
#include "model/filter/bloom.h"
#include "model/quirks.h"

#define LOADED_DEAD_MS 30000 /* all consumers count as dead for that long at a start */

/* ---- the table ------------------------------------------------------------------------------- */

#define KEY_MAX 512

/* group#topic into `out`; 0: longer than any can be. */
static uint32_t make_key(struct span topic, struct span group, uint8_t out[KEY_MAX]) {
    if (group.len + 1 + topic.len > KEY_MAX)
        return 0;
    uint8_t *at = span_copy(out, group);
    *at++ = '#';
    return (uint32_t)(span_copy(at, topic) - out);
}

static struct consumer_filter *find_entry(const struct consumer_filters *filters, struct span topic,
                                          struct span group) {
    uint8_t key[KEY_MAX];
    uint32_t len = make_key(topic, group, key);
    uint64_t hash_key = filters->hash_key;
    struct consumer_filter *found = NULL;
    if (filters->table != NULL && len > 0)
        HASH_FIND(hh, filters->table, key, len, found);
    return found;
}

static void drop(struct consumer_filters *filters, struct consumer_filter *filter) {
    struct env *env = filters->env;
    HASH_DEL(filters->table, filter);
    expression_unref(filter->expression);
    env_free(env, filter);
}

static bool is_forgotten(const struct consumer_filters *filters,
                         const struct consumer_filter *filter) {
    return filter_is_dead(&filter->data) &&
           env_wall_ms(filters->env) - filter->data.dead_ms >= filters->config->filter_clean_ms;
}

static void clean(struct consumer_filters *filters) {
    struct consumer_filter *filter, *following;
    HASH_ITER(hh, filters->table, filter, following) {
        if (is_forgotten(filters, filter))
            drop(filters, filter);
    }
}

const struct consumer_filter *consumer_filters_find(struct consumer_filters *filters,
                                                    struct span topic, struct span group) {
    struct consumer_filter *found = find_entry(filters, topic, group);
    if (found == NULL || !is_forgotten(filters, found))
        return found;
    drop(filters, found);
    return NULL;
}

int consumer_filters_compile(const struct consumer_filters *filters, struct span type,
                             struct span text, struct expression **out, struct buf *why) {
    if (span_equal(type, SPAN_LITERAL("SQL92")))
        return expression_compile(filters->env, text, filters->config->profile_5_3, out, why);
    buf_put_text(why, "no such expression type: ");
    buf_put_span(why, type);
    return RMQ_E_INVALID;
}

/* RMQ_E_INVALID: it does not compile; logged. */
static int compile(const struct consumer_filters *filters, const struct filter_data *data,
                   struct expression **out) {
    struct buf why;
    buf_init(&why, filters->env);
    int err = consumer_filters_compile(filters, data->type, data->expression, out, &why);
    if (err != RMQ_OK && err != RMQ_E_NOMEM)
        env_log(filters->env, ENV_LOG_WARN, "broker: filter of group %.*s, topic %.*s: %.*s",
                (int)data->group.len, (const char *)data->group.data, (int)data->topic.len,
                (const char *)data->topic.data, (int)(why.len < 512 ? why.len : 512),
                (const char *)why.data);
    buf_deinit(&why);
    return err;
}

/* A new entry, not in the table yet. Errors as of compile. */
static int create(struct consumer_filters *filters, const struct filter_data *data,
                  struct consumer_filter **out) {
    uint8_t key[KEY_MAX];
    uint32_t key_len = make_key(data->topic, data->group, key);
    struct expression *expression;
    if (key_len == 0)
        return RMQ_E_INVALID;
    int err = compile(filters, data, &expression);
    if (err != RMQ_OK)
        return err;
    struct consumer_filter *made = env_alloc(filters->env, sizeof *made + key_len + data->type.len);
    if (made == NULL) {
        expression_unref(expression);
        return RMQ_E_NOMEM;
    }
    *made = (struct consumer_filter){.data = *data, .expression = expression, .key_len = key_len};
    memcpy(made->key, key, key_len);
    made->data.group = span_of(made->key, data->group.len);
    made->data.topic = span_of(made->key + data->group.len + 1, data->topic.len);
    made->data.type = span_of(made->key + key_len, data->type.len);
    memcpy(made->key + key_len, data->type.data, data->type.len);
    made->data.expression = expression_text(expression);
    *out = made;
    return RMQ_OK;
}

static int add(struct consumer_filters *filters, struct consumer_filter *made) {
    struct env *env = filters->env;
    uint64_t hash_key = filters->hash_key;
    HASH_ADD_KEYPTR(hh, filters->table, made->key, made->key_len, made);
    if (!MAP_ADD_FAILED(made))
        return RMQ_OK;
    expression_unref(made->expression);
    env_free(env, made);
    return RMQ_E_NOMEM;
}

static struct filter_bits places_of(const struct consumer_filters *filters, struct span topic,
                                    struct span group) {
    uint8_t key[KEY_MAX];
    struct filter_bits bits = {0};
    uint32_t len = make_key(topic, group, key);
    if (len > 0)
        bloom_places(span_of(key, len), (int32_t)filters->config->bloom_error_percent,
                     (int32_t)filters->config->bloom_names, &bits);
    return bits;
}

/* ---- heartbeats ------------------------------------------------------------------------------ */

static bool same_bits(const struct filter_bits *a, const struct filter_bits *b) {
    return a->bits == b->bits && a->count == b->count &&
           memcmp(a->at, b->at, a->count * sizeof a->at[0]) == 0;
}

/* A new expression, or the first one; an entry that does not compile any more goes, so that the
 * client hears of it. */
static int replace(struct consumer_filters *filters, const struct filter_data *data,
                   struct consumer_filter *old) {
    struct consumer_filter *made;
    int err = create(filters, data, &made);
    if (err == RMQ_E_NOMEM)
        return err;
    if (old != NULL)
        drop(filters, old);
    if (old != NULL || err == RMQ_OK)
        config_file_save(&filters->file);
    return err == RMQ_OK ? add(filters, made) : RMQ_OK;
}

static int register_one(struct consumer_filters *filters, struct span group,
                        const struct client_subscription *subscription) {
    const struct filter_data data = {.topic = subscription->topic,
                                     .group = group,
                                     .expression = subscription->expression,
                                     .type = subscription->type,
                                     .version = subscription->version,
                                     .born_ms = env_wall_ms(filters->env),
                                     .bits = places_of(filters, subscription->topic, group)};
    struct consumer_filter *old = find_entry(filters, data.topic, group);
    if (old == NULL)
        return replace(filters, &data, NULL);
    bool newer = data.version > old->data.version;
    bool same = span_equal(data.expression, old->data.expression) &&
                span_equal(data.type, old->data.type) && same_bits(&data.bits, &old->data.bits);
    if (newer && !same)
        return replace(filters, &data, old);
    bool revived = data.version >= old->data.version && filter_is_dead(&old->data);
    if (newer)
        old->data.version = data.version;
    if (revived)
        old->data.dead_ms = 0;
    if (newer || revived)
        config_file_save(&filters->file);
    return RMQ_OK;
}

static void die(struct consumer_filters *filters, struct consumer_filter *filter) {
    if (filter_is_dead(&filter->data))
        return;
    filter->data.dead_ms = env_wall_ms(filters->env);
    if (filter->data.dead_ms < filter->data.born_ms) /* the clock was put back */
        filter->data.dead_ms = filter->data.born_ms;
    config_file_save(&filters->file);
}

int consumer_filters_register(struct consumer_filters *filters, const struct client_group *group) {
    struct consumer_filter *filter, *following;
    LIST_EACH(&group->subscriptions, link, next) {
        const struct client_subscription *each = LIST_ENTRY(link, struct client_subscription, link);
        if (subscription_is_tag_type(each->type) || each->expression.len == 0)
            continue;
        int err = register_one(filters, group->name, each);
        if (err != RMQ_OK)
            return err;
    }
    HASH_ITER(hh, filters->table, filter, following) {
        if (span_equal(filter->data.group, group->name) &&
            client_group_subscription(group, filter->data.topic) == NULL)
            die(filters, filter);
    }
    return RMQ_OK;
}

void consumer_filters_leave(struct consumer_filters *filters, struct span group) {
    struct consumer_filter *filter, *following;
    HASH_ITER(hh, filters->table, filter, following) {
        if (span_equal(filter->data.group, group))
            die(filters, filter);
    }
}

/* ---- the file -------------------------------------------------------------------------------- */

/* A topic's entries, where its first one stands. */
static void write_topic(const struct consumer_filters *filters, const struct consumer_filter *first,
                        struct json_writer *json) {
    json_key(json, first->data.topic);
    json_object_begin(json);
    json_key_text(json, "groupFilterData");
    json_object_begin(json);
    for (const struct consumer_filter *each = first; each != NULL; each = each->hh.next) {
        if (span_equal(each->data.topic, first->data.topic))
            filter_data_write(json, &each->data);
    }
    json_object_end(json);
    json_key_text(json, "topic");
    json_string(json, first->data.topic);
    json_object_end(json);
    RMQ_ASSERT(filters->table != NULL);
}

static int filters_write(void *ctx, struct json_writer *json) {
    struct consumer_filters *filters = ctx;
    clean(filters);
    json_object_begin(json);
    json_key_text(json, "filterDataByTopic");
    json_object_begin(json);
    for (const struct consumer_filter *each = filters->table; each != NULL; each = each->hh.next) {
        const struct consumer_filter *first = filters->table;
        while (!span_equal(first->data.topic, each->data.topic))
            first = first->hh.next;
        if (first == each)
            write_topic(filters, each, json);
    }
    json_object_end(json);
    json_object_end(json);
    return RMQ_OK;
}

struct loading {
    struct consumer_filters *filters;
    bool other_bloom;
};

static int on_checked(void *ctx, const struct filter_data *data) {
    struct loading *loading = ctx;
    uint32_t functions;
    int32_t bits;
    bloom_size((int32_t)loading->filters->config->bloom_error_percent,
               (int32_t)loading->filters->config->bloom_names, &functions, &bits);
    loading->other_bloom |= data->bits.bits != bits || data->bits.count != functions;
    return RMQ_OK;
}

static int on_loaded(void *ctx, const struct filter_data *data) {
    struct consumer_filters *filters = ((struct loading *)ctx)->filters;
    struct filter_data loaded = *data;
    struct consumer_filter *made, *old = find_entry(filters, data->topic, data->group);
    if (loaded.dead_ms == 0) {
        int64_t dead_ms = env_wall_ms(filters->env) - LOADED_DEAD_MS;
        loaded.dead_ms = dead_ms < loaded.born_ms ? loaded.born_ms : dead_ms;
    }
    int err = create(filters, &loaded, &made);
    if (err != RMQ_OK)
        return err == RMQ_E_NOMEM ? err : RMQ_OK;
    if (old != NULL)
        drop(filters, old);
    return add(filters, made);
}

/* Parses twice: a text that is not whole changes nothing. */
static int filters_read(void *ctx, struct span text, size_t *error_offset) {
    struct loading loading = {.filters = ctx};
    struct wire_error error = {0};
    struct buf scratch;
    buf_init(&scratch, loading.filters->env);
    int err = filter_table_decode(text, &scratch, on_checked, &loading, &error);
    if (err == RMQ_OK && !loading.other_bloom)
        err = filter_table_decode(text, &scratch, on_loaded, &loading, &error);
    buf_deinit(&scratch);
    *error_offset = error.offset;
    return err;
}

static const struct config_table FILTERS_TABLE = {
    .file_name = "consumerFilter.json", .write = filters_write, .read = filters_read};

void consumer_filters_init(struct consumer_filters *filters, struct env *env, uint64_t hash_key,
                           const struct broker_config *config) {
    *filters = (struct consumer_filters){.env = env, .hash_key = hash_key, .config = config};
    config_file_init(&filters->file, env, &FILTERS_TABLE, filters, config->config_dir,
                     quirk_on(config->quirks, QUIRK_UNSYNCED_CONFIG));
}

void consumer_filters_deinit(struct consumer_filters *filters) {
    struct env *env = filters->env;
    struct consumer_filter *filter, *following;
    if (env == NULL)
        return;
    config_file_deinit(&filters->file);
    HASH_ITER(hh, filters->table, filter, following)
    drop(filters, filter);
    *filters = (struct consumer_filters){0};
}
