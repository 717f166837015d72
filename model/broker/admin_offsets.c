/* broker/admin_offsets.c - offsets of groups among each other: 308, 314 (broker.md 22.2).
 *
 * Source: AdminBrokerProcessor.java, ConsumerOffsetManager.java of 4.9.8 and 5.3.3. Differs: 308
 * leaves the offsets of filterGroups where they are (Apache removes them from the table) and does
 * not fail for a queue that only the compared group has; 314 with a blank topic copies all topics
 * (Apache nothing, although its handler means to). */
#include "model/base/check.h"
#include "model/broker/broker_internal.h"
#include "model/wire/body_admin.h"

/* ---- 308 ------------------------------------------------------------------------------------- */

struct correction {
    struct span topic, filter, compare;
    int64_t *minima; /* per queue; -1: none */
    int32_t count;
};

static bool is_filtered(struct span names, struct span group) {
    struct span name;
    while (span_next_part(&names, ',', &name)) {
        if (span_equal(name, group))
            return true;
    }
    return false;
}

static void on_minimum(void *ctx, struct span topic, struct span group, int32_t queue_id,
                       int64_t offset) {
    struct correction *correction = ctx;
    if (queue_id < 0 || queue_id >= correction->count || !span_equal(topic, correction->topic) ||
        is_filtered(correction->filter, group))
        return;
    int64_t *minimum = &correction->minima[queue_id];
    *minimum = *minimum < 0 || offset < *minimum ? offset : *minimum;
}

static void on_largest(void *ctx, struct span topic, struct span group, int32_t queue_id,
                       int64_t offset) {
    struct correction *correction = ctx;
    RMQ_IGNORE(group.len == 0 || offset < 0, "every queue counts");
    if (span_equal(topic, correction->topic) && queue_id >= correction->count &&
        queue_id < INT16_MAX)
        correction->count = queue_id + 1;
}

static void write_corrections(const struct broker *broker, const struct correction *correction,
                              struct buf *body) {
    struct json_writer json;
    json_writer_init(&json, body, JSON_STYLE_FASTJSON);
    json_object_begin(&json);
    json_key_text(&json, "correctionOffsets");
    json_object_begin(&json);
    for (int32_t i = 0; i < correction->count; i++) {
        int64_t compared =
            offsets_find(&broker->offsets, correction->compare, correction->topic, i);
        if (correction->minima[i] < 0)
            continue;
        json_key_i64(&json, i);
        json_number(&json, compared >= 0 && correction->minima[i] > compared
                               ? INT64_MAX
                               : correction->minima[i]);
    }
    json_object_end(&json);
    json_object_end(&json);
}

void broker_on_correction_offset(struct broker *broker, struct channel *channel,
                                 const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_correction_offset header;
    struct buf body;
    if (!admin_header(broker, &asker, request, &HEADER_correction_offset, &header))
        return;
    struct correction correction = {
        .topic = header.topic, .filter = header.filter_groups, .compare = header.compare_group};
    offsets_each(&broker->offsets, on_largest, &correction);
    correction.minima =
        env_alloc(broker->env, ((size_t)correction.count + 1) * sizeof *correction.minima);
    buf_init(&body, broker->env);
    body.failed = correction.minima == NULL;
    if (!body.failed) {
        for (int32_t i = 0; i < correction.count; i++)
            correction.minima[i] = -1;
        offsets_each(&broker->offsets, on_minimum, &correction);
        write_corrections(broker, &correction, &body);
    }
    admin_answer(broker, &asker, SPAN_NONE, &body);
    buf_deinit(&body);
    env_free(broker->env, correction.minima);
}

/* ---- 314 ------------------------------------------------------------------------------------- */

struct clone {
    struct broker *broker;
    const struct header_clone_offset *header;
    struct buf rows; /* struct clone_row, then their topics */
    struct buf topics;
};
struct clone_row {
    size_t topic_at, topic_len;
    int32_t queue_id;
    int64_t offset;
};

/* A topic the group does not subscribe, while it is online, is not copied unless `offline`. */
static bool is_copied(const struct clone *clone, struct span topic) {
    const struct header_clone_offset *header = clone->header;
    struct topic_config config;
    if (header->topic.len > 0 && !span_equal(header->topic, topic))
        return false;
    if (topics_find(&clone->broker->topics, topic, &config) != RMQ_OK)
        return false;
    const struct client_group *group = clients_find(&clone->broker->clients, header->src_group);
    return (header->has_offline && header->offline) || group == NULL ||
           list_is_empty(&group->subscriptions) || client_group_subscription(group, topic) != NULL;
}

/* Collected first: the table must not change while it is walked. */
static void on_cloned(void *ctx, struct span topic, struct span group, int32_t queue_id,
                      int64_t offset) {
    struct clone *clone = ctx;
    if (!span_equal(group, clone->header->src_group) || !is_copied(clone, topic))
        return;
    const struct clone_row row = {clone->topics.len, topic.len, queue_id, offset};
    buf_put_span(&clone->topics, topic);
    buf_put(&clone->rows, &row, sizeof row);
}

void broker_on_clone_offset(struct broker *broker, struct channel *channel,
                            const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_clone_offset header;
    struct clone clone = {.broker = broker, .header = &header};
    struct buf done;
    if (!admin_header(broker, &asker, request, &HEADER_clone_offset, &header))
        return;
    if (header.dest_group.len == 0 || !topic_name_bytes(header.dest_group)) {
        admin_refuse(broker, &asker, RESPONSE_SYSTEM_ERROR, "destGroup [", header.dest_group,
                     "]: expected a group's name, ^[%|a-zA-Z0-9_-]+$");
        return;
    }
    buf_init(&clone.rows, broker->env);
    buf_init(&clone.topics, broker->env);
    buf_init(&done, broker->env);
    offsets_each(&broker->offsets, on_cloned, &clone);
    done.failed = buf_failed(&clone.rows) || buf_failed(&clone.topics);
    for (size_t at = 0; !done.failed && at < clone.rows.len; at += sizeof(struct clone_row)) {
        struct clone_row row;
        memcpy(&row, clone.rows.data + at, sizeof row);
        done.failed |= offsets_assign(&broker->offsets, header.dest_group,
                                      span_of(clone.topics.data + row.topic_at, row.topic_len),
                                      row.queue_id, row.offset) != RMQ_OK;
    }
    admin_answer(broker, &asker, SPAN_NONE, &done);
    buf_deinit(&done);
    buf_deinit(&clone.rows);
    buf_deinit(&clone.topics);
}
