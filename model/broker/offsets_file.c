/* broker/offsets_file.c - consumerOffset.json (store.md 10.3), and the body of the answer to 43. */
#include "model/base/check.h"
#include "model/base/sort.h"
#include "model/broker/offsets_table.h"
#include "model/quirks.h"
#include "model/wire/body_config.h"
#include "model/wire/java_order.h"
#include "model/wire/message.h"

/* An entry while the file is written. */
struct listed {
    const struct progress *progress;
    size_t position; /* in Java's order of the table */
    /* 5.3's groupTopicMap */
    size_t group_position; /* of the first entry of its group */
    uint32_t group_bucket, topic_bucket;
};
#define GROUP_BUCKETS 128
#define TOPIC_BUCKETS 8 /* of a group's topics */

struct listing {
    struct env *env;
    struct listed *entries;
    size_t count;
};

static int compare_u64(uint64_t a, uint64_t b) {
    return a < b ? -1 : a > b;
}

static int by_key(const void *a, const void *b, void *ctx) {
    uint32_t buckets = *(const uint32_t *)ctx;
    const struct listed *first = a, *second = b;
    return compare_u64(java_bucket(first->progress->hash, buckets),
                       java_bucket(second->progress->hash, buckets));
}

static int by_group_name(const void *a, const void *b, void *ctx) {
    const struct listed *first = a, *second = b;
    RMQ_ASSERT(ctx == NULL);
    return span_compare(progress_group(first->progress), progress_group(second->progress));
}

static int by_group(const void *a, const void *b, void *ctx) {
    const struct listed *first = a, *second = b;
    RMQ_ASSERT(ctx == NULL);
    int order = compare_u64(first->group_bucket, second->group_bucket);
    if (order == 0)
        order = compare_u64(first->group_position, second->group_position);
    if (order == 0)
        order = compare_u64(first->topic_bucket, second->topic_bucket);
    return order == 0 ? compare_u64(first->position, second->position) : order;
}

static bool same_group(const struct listed *a, const struct listed *b) {
    return span_equal(progress_group(a->progress), progress_group(b->progress));
}

static int list_entries(const struct offsets *offsets, struct listing *listing) {
    size_t count = HASH_COUNT(offsets->table);
    uint32_t buckets = java_buckets(count, OFFSET_TABLE_BUCKETS);
    *listing = (struct listing){
        .env = offsets->env,
        .entries = env_alloc(offsets->env, (count + 1) * sizeof *listing->entries)};
    if (listing->entries == NULL)
        return RMQ_E_NOMEM;
    for (const struct progress *each = offsets->table; each != NULL; each = each->hh.next)
        listing->entries[listing->count++] = (struct listed){.progress = each};
    int err = sort_stable(listing->env, listing->entries, count, sizeof *listing->entries, by_key,
                          &buckets);
    for (size_t i = 0; i < count; i++)
        listing->entries[i].position = i;
    return err;
}

static void list_free(struct listing *listing) {
    env_free(listing->env, listing->entries);
}

/* ---- 5.3: which topics each group has -------------------------------------------------------- */

/* Fills in the members of one group: entries [begin, end). */
static void place_group(struct listed *entries, size_t begin, size_t end, uint32_t buckets) {
    int32_t hash = java_string_hash(progress_group(entries[begin].progress));
    uint32_t topics = java_buckets(end - begin, TOPIC_BUCKETS);
    for (size_t i = begin; i < end; i++) {
        struct listed *entry = &entries[i];
        entry->group_position = entries[begin].position;
        entry->group_bucket = java_bucket(hash, buckets);
        entry->topic_bucket =
            java_bucket(java_string_hash(progress_topic(entry->progress)), topics);
    }
}

static size_t group_end(const struct listing *list, size_t begin) {
    size_t end = begin + 1;
    while (end < list->count && same_group(&list->entries[begin], &list->entries[end]))
        end++;
    return end;
}

/* Puts the entries that are "topic@group" and nothing else in the order of Java's map. */
static int sort_groups(struct listing *list) {
    size_t groups = 0;
    int err = sort_stable(list->env, list->entries, list->count, sizeof *list->entries,
                          by_group_name, NULL);
    if (err != RMQ_OK)
        return err;
    for (size_t begin = 0; begin < list->count; begin = group_end(list, begin))
        groups++;
    uint32_t buckets = java_buckets(groups, GROUP_BUCKETS);
    for (size_t begin = 0; begin < list->count;) {
        size_t end = group_end(list, begin);
        place_group(list->entries, begin, end, buckets);
        begin = end;
    }
    return sort_stable(list->env, list->entries, list->count, sizeof *list->entries, by_group,
                       NULL);
}

/* Broadcast entries, "topic@group@broadcast", have no part in it. */
static bool is_plain(const struct progress *progress) {
    struct span group = progress_group(progress);
    return group.len > 0 && memchr(group.data, '@', group.len) == NULL;
}

static int write_group_topics(const struct listing *all, struct json_writer *json) {
    struct listing list = {.env = all->env,
                           .entries = env_alloc(all->env, (all->count + 1) * sizeof *all->entries)};
    if (list.entries == NULL)
        return RMQ_E_NOMEM;
    for (size_t i = 0; i < all->count; i++) {
        if (is_plain(all->entries[i].progress))
            list.entries[list.count++] = all->entries[i];
    }
    int err = sort_groups(&list);
    json_key_text(json, "groupTopicMap");
    json_object_begin(json);
    for (size_t begin = 0; err == RMQ_OK && begin < list.count;) {
        size_t end = group_end(&list, begin);
        json_key(json, progress_group(list.entries[begin].progress));
        json_array_begin(json);
        for (; begin < end; begin++)
            json_string(json, progress_topic(list.entries[begin].progress));
        json_array_end(json);
    }
    json_object_end(json);
    list_free(&list);
    return err;
}

/* ---- the file -------------------------------------------------------------------------------- */

static void write_progress(struct json_writer *json, const struct progress *progress) {
    json_key(json, progress_key(progress));
    json_object_begin(json);
    for (uint32_t i = 0; i < progress->count; i++) {
        json_key_i64(json, progress->queues[i].queue_id);
        json_number(json, progress->queues[i].offset);
    }
    json_object_end(json);
}

static int write_table(const struct offsets *offsets, const struct listing *list,
                       struct json_writer *json) {
    const struct data_version version = {.counter = offsets->version_counter,
                                         .timestamp = offsets->version_timestamp};
    int err = RMQ_OK;
    json_object_begin(json);
    if (offsets->config->profile_5_3) {
        json_key_text(json, "dataVersion");
        data_version_write(json, &version, true);
        err = write_group_topics(list, json);
    }
    json_key_text(json, "offsetTable");
    json_object_begin(json);
    for (size_t i = 0; i < list->count; i++)
        write_progress(json, list->entries[i].progress);
    json_object_end(json);
    json_object_end(json);
    return err;
}

static int offsets_write(void *ctx, struct json_writer *json) {
    const struct offsets *offsets = ctx;
    struct listing list;
    int err = list_entries(offsets, &list);
    if (err == RMQ_OK)
        err = write_table(offsets, &list, json);
    list_free(&list);
    return err;
}

int offsets_write_compact(const struct offsets *offsets, struct buf *out) {
    struct json_writer json;
    json_writer_init(&json, out, JSON_STYLE_FASTJSON);
    int err = offsets_write((void *)offsets, &json);
    return err == RMQ_OK && buf_failed(out) ? RMQ_E_NOMEM : err;
}

static int on_offset(void *ctx, struct span key, int32_t queue_id, int64_t offset) {
    struct offsets *offsets = ctx;
    bool changed;
    return offsets_set(offsets, key, queue_id, offset, &changed);
}

/* Parses twice: a text that is not whole changes nothing. */
static int offsets_read(void *ctx, struct span text, size_t *error_offset) {
    struct offsets *offsets = ctx;
    struct data_version version;
    struct wire_error error = {0};
    struct buf scratch;
    buf_init(&scratch, offsets->env);
    int err = offset_table_decode(text, &scratch, NULL, NULL, &version, &error);
    if (err == RMQ_OK) {
        offsets_clear(offsets);
        err = offset_table_decode(text, &scratch, on_offset, offsets, &version, &error);
    }
    buf_deinit(&scratch);
    *error_offset = error.offset;
    if (err == RMQ_OK && !version.timestamp_missing) {
        offsets->version_counter = version.counter;
        offsets->version_timestamp = version.timestamp;
    }
    return err;
}

void offsets_file_init(struct offsets *offsets) {
    static const struct config_table TABLE = {
        .file_name = "consumerOffset.json", .write = offsets_write, .read = offsets_read};
    config_file_init(&offsets->file, offsets->env, &TABLE, offsets, offsets->config->config_dir,
                     quirk_on(offsets->config->quirks, QUIRK_UNSYNCED_CONFIG));
}
