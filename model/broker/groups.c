/* broker/groups.c - see groups.h. Source: SubscriptionGroupManager.java of 4.9.8 and 5.3.3. */
#include "model/broker/groups.h"

#include "model/base/check.h"
#include "model/broker/kept_json.h"
#include "model/broker/topics.h"
#include "model/quirks.h"
#include "model/wire/java_order.h"
#include "model/wire/message.h"

#define BUILTIN(builtin_name)                                                                      \
    {                                                                                              \
        .name = {(const uint8_t *)(builtin_name), sizeof(builtin_name) - 1},                       \
        .consume_enable = true, .consume_from_min_enable = true, .consume_broadcast_enable = true, \
        .notify_ids_changed = true, .retry_queues = 1, .retry_max = 16, .consume_timeout_min = 15, \
        .slow_broker_id = 1                                                                        \
    }

/* In the order in which Apache makes them; the last one is 5.3's. */
static const struct group BUILTINS[] = {
    BUILTIN("TOOLS_CONSUMER"),     BUILTIN("FILTERSRV_CONSUMER"), BUILTIN("SELF_TEST_C_GROUP"),
    BUILTIN("CID_ONS-HTTP-PROXY"), BUILTIN("CID_ONSAPI_PULL"),    BUILTIN("CID_ONSAPI_PERMISSION"),
    BUILTIN("CID_ONSAPI_OWNER"),   BUILTIN("CID_RMQ_SYS_TRANS"),
};
#define BUILTIN_COUNT (sizeof BUILTINS / sizeof BUILTINS[0])

struct group_entry {
    UT_hash_handle hh;
    bool map_failed;
    struct group group;
    struct kept_json attributes, retry_policy, subscriptions;
    char name[];
};

static size_t builtin_count(const struct groups *groups) {
    return groups->config->profile_5_3 ? BUILTIN_COUNT : BUILTIN_COUNT - 1;
}

static struct group_entry *find_entry(const struct groups *groups, struct span name) {
    uint64_t hash_key = groups->hash_key;
    struct group_entry *found = NULL;
    HASH_FIND(hh, groups->table, name.data, name.len, found);
    return found;
}

const struct group *groups_find(const struct groups *groups, struct span name) {
    const struct group_entry *entry = find_entry(groups, name);
    if (entry != NULL)
        return &entry->group;
    for (size_t i = 0; i < builtin_count(groups); i++) {
        if (span_equal(BUILTINS[i].name, name))
            return &BUILTINS[i];
    }
    return NULL;
}

static void free_texts(struct env *env, struct group_entry *entry) {
    kept_json_free(env, &entry->attributes);
    kept_json_free(env, &entry->retry_policy);
    kept_json_free(env, &entry->subscriptions);
}

/* Gives the entry the group's values, its texts in memory of their own; nothing changes when it
 * fails. `group` may be the entry's own. */
static int fill(struct env *env, struct group_entry *entry, const struct group *group) {
    struct group_entry made = {.map_failed = false};
    int err = kept_json_set(env, &made.attributes, group->attributes);
    if (err == RMQ_OK)
        err = kept_json_set(env, &made.retry_policy, group->retry_policy);
    if (err == RMQ_OK)
        err = kept_json_set(env, &made.subscriptions, group->subscriptions);
    if (err != RMQ_OK) {
        free_texts(env, &made);
        return err;
    }
    struct group values = *group;
    free_texts(env, entry);
    entry->attributes = made.attributes;
    entry->retry_policy = made.retry_policy;
    entry->subscriptions = made.subscriptions;
    values.name = span_of(entry->name, group->name.len);
    values.attributes = kept_json_span(&entry->attributes);
    values.retry_policy = kept_json_span(&entry->retry_policy);
    values.subscriptions = kept_json_span(&entry->subscriptions);
    entry->group = values;
    return RMQ_OK;
}

static int add_entry(struct groups *groups, const struct group *group) {
    struct env *env = groups->env;
    uint64_t hash_key = groups->hash_key;
    struct group_entry *entry = env_alloc(env, sizeof *entry + group->name.len);
    if (entry == NULL)
        return RMQ_E_NOMEM;
    *entry = (struct group_entry){.map_failed = false};
    memcpy(entry->name, group->name.data, group->name.len);
    int err = fill(env, entry, group);
    if (err != RMQ_OK) {
        env_free(env, entry);
        return err;
    }
    HASH_ADD_KEYPTR(hh, groups->table, entry->name, entry->group.name.len, entry);
    if (MAP_ADD_FAILED(entry)) {
        free_texts(env, entry);
        env_free(env, entry);
        return RMQ_E_NOMEM;
    }
    return RMQ_OK;
}

/* Puts a group without counting the version. */
static int put(struct groups *groups, const struct group *group) {
    struct group_entry *entry = find_entry(groups, group->name);
    if (entry == NULL)
        return add_entry(groups, group);
    return fill(groups->env, entry, group);
}

static void next_version(struct groups *groups) {
    groups->version_counter++;
    groups->version_timestamp = env_wall_ms(groups->env);
    config_file_save(&groups->file);
}

int groups_put(struct groups *groups, const struct group *group) {
    RMQ_ASSERT(group->name.len > 0 && group->name.len <= GROUP_NAME_MAX);
    int err = put(groups, group);
    if (err != RMQ_OK)
        return err;
    next_version(groups);
    return RMQ_OK;
}

int groups_remove(struct groups *groups, struct span name) {
    struct env *env = groups->env;
    struct group_entry *entry = find_entry(groups, name);
    if (entry == NULL)
        return RMQ_E_NOT_FOUND;
    HASH_DEL(groups->table, entry);
    free_texts(env, entry);
    env_free(env, entry);
    next_version(groups);
    return RMQ_OK;
}

/* 5.3 refuses what could not be a topic's name; 4.9 takes anything. */
static bool may_create(const struct groups *groups, struct span name) {
    if (name.len == 0 || name.len > GROUP_NAME_MAX)
        return false;
    if (groups->config->profile_5_3 && !topic_name_bytes(name))
        return false;
    return groups->config->auto_create_group ||
           span_starts_with(name, SPAN_LITERAL("CID_RMQ_SYS_"));
}

int groups_find_or_create(struct groups *groups, struct span name, const struct group **out) {
    const struct group *found = groups_find(groups, name);
    if (found == NULL) {
        struct group group;
        if (!may_create(groups, name))
            return RMQ_E_NOT_FOUND;
        group_default(&group, name);
        int err = groups_put(groups, &group);
        if (err != RMQ_OK)
            return err;
        found = &find_entry(groups, name)->group;
    }
    *out = found;
    return RMQ_OK;
}

size_t groups_count(const struct groups *groups) {
    size_t count = HASH_COUNT(groups->table);
    for (size_t i = 0; i < builtin_count(groups); i++)
        count += find_entry(groups, BUILTINS[i].name) == NULL;
    return count;
}

void groups_each(const struct groups *groups, void (*each)(void *ctx, const struct group *group),
                 void *ctx) {
    struct group_entry *entry, *following;
    for (size_t i = 0; i < builtin_count(groups); i++) {
        if (find_entry(groups, BUILTINS[i].name) == NULL)
            each(ctx, groups_find(groups, BUILTINS[i].name));
    }
    HASH_ITER(hh, groups->table, entry, following)
    each(ctx, &entry->group);
}

/* ---- the file -------------------------------------------------------------------------------- */

/* Where the groups are while they are put in order. */
struct listing {
    const struct group **groups;
    struct java_key *keys;
    size_t count;
};

static void list_add(struct listing *listing, const struct group *group) {
    listing->groups[listing->count] = group;
    listing->keys[listing->count] =
        (struct java_key){java_string_hash(group->name), (uint32_t)listing->count};
    listing->count++;
}

static void write_table(const struct groups *groups, const struct listing *listing,
                        struct json_writer *json) {
    bool v5 = groups->config->profile_5_3;
    const struct data_version version = {.counter = groups->version_counter,
                                         .timestamp = groups->version_timestamp};
    json_object_begin(json);
    json_key_text(json, "dataVersion");
    data_version_write(json, &version, v5);
    if (v5) {
        json_key_text(json, "forbiddenTable");
        json_object_begin(json);
        json_object_end(json);
    }
    json_key_text(json, "subscriptionGroupTable");
    json_object_begin(json);
    for (size_t i = 0; i < listing->count; i++)
        group_write(json, listing->groups[listing->keys[i].index], v5);
    json_object_end(json);
    json_object_end(json);
}

static int groups_write(void *ctx, struct json_writer *json) {
    const struct groups *groups = ctx;
    size_t count = groups_count(groups);
    struct listing listing = {.groups =
                                  env_alloc(groups->env, count * sizeof(const struct group *)),
                              .keys = env_alloc(groups->env, count * sizeof *listing.keys)};
    int err = listing.groups == NULL || listing.keys == NULL ? RMQ_E_NOMEM : RMQ_OK;
    if (err == RMQ_OK) {
        for (size_t i = 0; i < builtin_count(groups); i++) {
            if (find_entry(groups, BUILTINS[i].name) == NULL)
                list_add(&listing, &BUILTINS[i]);
        }
        for (struct group_entry *entry = groups->table; entry != NULL; entry = entry->hh.next)
            list_add(&listing, &entry->group);
        RMQ_ASSERT(listing.count == count);
        err = java_order(groups->env, listing.keys, count, GROUP_TABLE_BUCKETS);
    }
    if (err == RMQ_OK)
        write_table(groups, &listing, json);
    env_free(groups->env, listing.keys);
    env_free(groups->env, (void *)listing.groups);
    return err;
}

int groups_write_compact(const struct groups *groups, struct buf *out) {
    struct json_writer json;
    json_writer_init(&json, out, JSON_STYLE_FASTJSON);
    int err = groups_write((void *)groups, &json);
    return err == RMQ_OK && buf_failed(out) ? RMQ_E_NOMEM : err;
}

/* `b` has no texts: it is as a built-in one is born. */
static bool is_default(const struct group *a, const struct group *b) {
    return span_equal(a->attributes, b->attributes) &&
           span_equal(a->retry_policy, b->retry_policy) &&
           span_equal(a->subscriptions, b->subscriptions) &&
           a->consume_enable == b->consume_enable &&
           a->consume_from_min_enable == b->consume_from_min_enable &&
           a->consume_broadcast_enable == b->consume_broadcast_enable &&
           a->notify_ids_changed == b->notify_ids_changed &&
           a->consume_orderly == b->consume_orderly && a->retry_queues == b->retry_queues &&
           a->retry_max == b->retry_max && a->consume_timeout_min == b->consume_timeout_min &&
           a->sys_flag == b->sys_flag && a->broker_id == b->broker_id &&
           a->slow_broker_id == b->slow_broker_id;
}

/* A built-in group as it was born takes no memory. */
static int on_group(void *ctx, const struct group *group) {
    struct groups *groups = ctx;
    const struct group *found = groups_find(groups, group->name);
    if (found != NULL && is_default(found, group))
        return RMQ_OK;
    if (group->name.len > GROUP_NAME_MAX) {
        env_log(groups->env, ENV_LOG_WARN, "broker: a group's name of %u bytes is left out",
                (unsigned)group->name.len);
        return RMQ_OK;
    }
    return put(groups, group);
}

/* Parses twice: a text that is not whole changes nothing. */
static int groups_read(void *ctx, struct span text, size_t *error_offset) {
    struct groups *groups = ctx;
    struct data_version version;
    struct wire_error error = {0};
    struct buf scratch;
    buf_init(&scratch, groups->env);
    int err = group_table_decode(text, &scratch, NULL, NULL, &version, &error);
    if (err == RMQ_OK)
        err = group_table_decode(text, &scratch, on_group, groups, &version, &error);
    buf_deinit(&scratch);
    *error_offset = error.offset;
    if (err != RMQ_OK)
        return err;
    if (!version.timestamp_missing) {
        groups->version_counter = version.counter;
        groups->version_timestamp = version.timestamp;
    }
    return RMQ_OK;
}

static void clear(struct groups *groups) {
    struct env *env = groups->env;
    struct group_entry *entry, *following;
    HASH_ITER(hh, groups->table, entry, following) {
        HASH_DEL(groups->table, entry);
        free_texts(env, entry);
        env_free(env, entry);
    }
}

int groups_replace(struct groups *groups, struct span body) {
    const struct data_version ours = {.counter = groups->version_counter,
                                      .timestamp = groups->version_timestamp};
    struct data_version version;
    struct wire_error error = {0};
    struct buf scratch;
    size_t offset;
    buf_init(&scratch, groups->env);
    int err = group_table_decode(body, &scratch, NULL, NULL, &version, &error);
    buf_deinit(&scratch);
    if (err != RMQ_OK || data_version_equal(&version, &ours))
        return err;
    clear(groups);
    err = groups_read(groups, body, &offset);
    config_file_save(&groups->file);
    return err;
}

static const struct config_table GROUPS_TABLE = {
    .file_name = "subscriptionGroup.json", .write = groups_write, .read = groups_read};

void groups_init(struct groups *groups, struct env *env, const struct broker_config *config) {
    *groups = (struct groups){.env = env,
                              .hash_key = env_random(env),
                              .config = config,
                              .version_timestamp = env_wall_ms(env)};
    config_file_init(&groups->file, env, &GROUPS_TABLE, groups, config->config_dir,
                     quirk_on(config->quirks, QUIRK_UNSYNCED_CONFIG));
}

void groups_deinit(struct groups *groups) {
    struct env *env = groups->env;
    if (env == NULL)
        return;
    config_file_deinit(&groups->file);
    clear(groups);
    *groups = (struct groups){0};
}
