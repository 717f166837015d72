/* namesrv/route_answer.c - JSON writers over the route tables, members in alphabetical order. */
#include "model/namesrv/route_answer.h"

#include "model/base/sort.h"

#define SYNC_MEMBER_PREFIX "rmq_sys_SYNC_BROKER_MEMBER_"

/* ---- sorted views ---------------------------------------------------------------------------- */

/* A name and the object it belongs to. */
struct named {
    struct span name;
    const void *object;
};

struct view {
    struct env *env;
    struct named *items;
    size_t count;
    size_t capacity;
};

static int compare_named(const void *a, const void *b, void *ctx) {
    (void)ctx;
    return span_compare(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static int view_add(struct view *view, struct span name, const void *object) {
    if (view->count == view->capacity) {
        size_t capacity = view->capacity == 0 ? 8 : view->capacity * 2;
        struct named *items = env_realloc(view->env, view->items, capacity * sizeof *items);
        if (items == NULL)
            return RMQ_E_NOMEM;
        view->items = items;
        view->capacity = capacity;
    }
    view->items[view->count++] = (struct named){name, object};
    return RMQ_OK;
}

static int view_sort(struct view *view) {
    return sort_stable(view->env, view->items, view->count, sizeof *view->items, compare_named,
                       NULL);
}

static void view_free(struct view *view) {
    env_free(view->env, view->items);
}

static int finish(const struct buf *out) {
    return buf_failed(out) ? RMQ_E_NOMEM : RMQ_OK;
}

/* ---- one broker ------------------------------------------------------------------------------ */

struct broker_style {
    bool profile_5_3;
    bool acting_master; /* write the smallest id as 0 */
};

static void write_addrs(struct json_writer *json, const struct route_broker *broker,
                        bool acting_master) {
    json_key_text(json, "brokerAddrs");
    json_object_begin(json);
    LIST_EACH(&broker->addrs, link, next) {
        const struct route_addr *addr = LIST_ENTRY(link, struct route_addr, in_broker);
        bool is_first = link == broker->addrs.next;
        json_key_i64(json, acting_master && is_first ? ROUTE_MASTER_ID : addr->id);
        json_string(json, route_live_addr(addr->live));
    }
    json_object_end(json);
}

static void write_broker(struct json_writer *json, const struct route_broker *broker,
                         struct broker_style style) {
    json_object_begin(json);
    write_addrs(json, broker, style.acting_master);
    json_key_text(json, "brokerName");
    json_string(json, ROUTE_NAME(broker));
    json_key_text(json, "cluster");
    json_string(json, route_broker_cluster(broker));
    if (style.profile_5_3) {
        json_key_text(json, "enableActingMaster");
        json_bool(json, broker->enable_acting_master);
    }
    if (style.profile_5_3 && !span_is_absent(broker->zone)) {
        json_key_text(json, "zoneName");
        json_string(json, broker->zone);
    }
    json_object_end(json);
}

/* ---- route (105) ----------------------------------------------------------------------------- */

/* namesrv.md 15.3 */
static bool needs_acting_master(const struct route_query *query, const struct queue_data *queue) {
    const struct route_broker *broker = queue->broker;
    return query->acting_master && !list_is_empty(&broker->addrs) && broker->enable_acting_master &&
           route_find_addr(broker, ROUTE_MASTER_ID) == NULL && (queue->perm & PERM_WRITE) == 0 &&
           !span_starts_with(query->topic, SPAN_LITERAL(SYNC_MEMBER_PREFIX));
}

static uint8_t lower(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool equal_ignoring_case(struct span a, struct span b) {
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    return true;
}

/* namesrv.md 15.5 */
static bool is_in_zone(const struct route_query *query, const struct route_broker *broker) {
    return span_is_absent(query->zone) || route_find_addr(broker, ROUTE_MASTER_ID) == NULL ||
           equal_ignoring_case(broker->zone, query->zone);
}

static int collect_queues(const struct route_topic *topic, const struct route_query *query,
                          struct view *view) {
    LIST_EACH(&topic->queues, link, next) {
        const struct queue_data *queue = LIST_ENTRY(link, struct queue_data, in_topic);
        if (is_in_zone(query, queue->broker) &&
            view_add(view, ROUTE_NAME(queue->broker), queue) != RMQ_OK)
            return RMQ_E_NOMEM;
    }
    return view_sort(view);
}

static void write_filter_servers(struct json_writer *json, const struct route_broker *broker) {
    LIST_EACH(&broker->addrs, link, next) {
        const struct route_live *live = LIST_ENTRY(link, struct route_addr, in_broker)->live;
        if (live->filter_server_count == 0)
            continue;
        json_key(json, route_live_addr(live));
        json_array_begin(json);
        for (size_t i = 0; i < live->filter_server_count; i++)
            json_string(json, live->filter_servers[i]);
        json_array_end(json);
    }
}

static void write_queue(struct json_writer *json, const struct queue_data *queue) {
    json_object_begin(json);
    json_key_text(json, "brokerName");
    json_string(json, ROUTE_NAME(queue->broker));
    json_key_text(json, "perm");
    json_number(json, queue->perm);
    json_key_text(json, "readQueueNums");
    json_number(json, queue->read_queue_nums);
    json_key_text(json, "topicSysFlag");
    json_number(json, queue->sys_flag);
    json_key_text(json, "writeQueueNums");
    json_number(json, queue->write_queue_nums);
    json_object_end(json);
}

static void write_route(const struct route_table *table, const struct route_query *query,
                        const struct view *view, struct buf *out) {
    struct json_writer json;
    json_writer_init(&json, out, query->style);
    json_object_begin(&json);
    json_key_text(&json, "brokerDatas");
    json_array_begin(&json);
    for (size_t i = 0; i < view->count; i++) {
        const struct queue_data *queue = view->items[i].object;
        write_broker(
            &json, queue->broker,
            (struct broker_style){table->options.profile_5_3, needs_acting_master(query, queue)});
    }
    json_array_end(&json);
    json_key_text(&json, "filterServerTable");
    json_object_begin(&json);
    for (size_t i = 0; i < view->count; i++)
        write_filter_servers(&json, ((const struct queue_data *)view->items[i].object)->broker);
    json_object_end(&json);
    if (!span_is_absent(query->order_conf)) {
        json_key_text(&json, "orderTopicConf");
        json_string(&json, query->order_conf);
    }
    json_key_text(&json, "queueDatas");
    json_array_begin(&json);
    for (size_t i = 0; i < view->count; i++)
        write_queue(&json, view->items[i].object);
    json_array_end(&json);
    json_object_end(&json);
}

int route_answer_route(const struct route_table *table, const struct route_query *query,
                       struct buf *out, size_t *brokers) {
    const struct route_topic *topic = route_find_topic(table, query->topic);
    if (topic == NULL)
        return RMQ_E_NOT_FOUND;
    struct view view = {table->env, NULL, 0, 0};
    int err = collect_queues(topic, query, &view);
    if (err == RMQ_OK) {
        write_route(table, query, &view, out);
        *brokers = view.count;
        err = finish(out);
    }
    view_free(&view);
    return err;
}

/* ---- cluster info (106) ---------------------------------------------------------------------- */

static int write_all_brokers(const struct route_table *table, struct json_writer *json) {
    struct view view = {table->env, NULL, 0, 0};
    int err = RMQ_OK;
    for (const struct route_broker *broker = table->brokers; broker != NULL && err == RMQ_OK;
         broker = broker->hh.next)
        err = view_add(&view, ROUTE_NAME(broker), broker);
    if (err == RMQ_OK)
        err = view_sort(&view);
    json_object_begin(json);
    for (size_t i = 0; i < view.count && err == RMQ_OK; i++) {
        json_key(json, view.items[i].name);
        write_broker(json, view.items[i].object,
                     (struct broker_style){table->options.profile_5_3, false});
    }
    json_object_end(json);
    view_free(&view);
    return err;
}

static int write_members(const struct route_table *table, const struct route_cluster *cluster,
                         struct json_writer *json) {
    struct view view = {table->env, NULL, 0, 0};
    int err = RMQ_OK;
    LIST_EACH(&cluster->members, link, next) {
        const struct route_member *member = LIST_ENTRY(link, struct route_member, in_cluster);
        if (err == RMQ_OK)
            err = view_add(&view, ROUTE_NAME(member->broker), member);
    }
    if (err == RMQ_OK)
        err = view_sort(&view);
    json_array_begin(json);
    for (size_t i = 0; i < view.count && err == RMQ_OK; i++)
        json_string(json, view.items[i].name);
    json_array_end(json);
    view_free(&view);
    return err;
}

static int sorted_clusters(const struct route_table *table, struct view *view) {
    for (const struct route_cluster *cluster = table->clusters; cluster != NULL;
         cluster = cluster->hh.next)
        if (view_add(view, ROUTE_NAME(cluster), cluster) != RMQ_OK)
            return RMQ_E_NOMEM;
    return view_sort(view);
}

int route_answer_cluster_info(const struct route_table *table, struct buf *out) {
    struct json_writer json;
    json_writer_init(&json, out, JSON_STYLE_FASTJSON);
    json_object_begin(&json);
    json_key_text(&json, "brokerAddrTable");
    int err = write_all_brokers(table, &json);
    json_key_text(&json, "clusterAddrTable");
    json_object_begin(&json);
    struct view view = {table->env, NULL, 0, 0};
    if (err == RMQ_OK)
        err = sorted_clusters(table, &view);
    for (size_t i = 0; i < view.count && err == RMQ_OK; i++) {
        json_key(&json, view.items[i].name);
        err = write_members(table, view.items[i].object, &json);
    }
    view_free(&view);
    json_object_end(&json);
    json_object_end(&json);
    return err == RMQ_OK ? finish(out) : err;
}

/* ---- topic lists ----------------------------------------------------------------------------- */

bool route_topic_any(int32_t sys_flag) {
    (void)sys_flag;
    return true;
}
bool route_topic_unit(int32_t sys_flag) {
    return (sys_flag & TOPIC_SYS_FLAG_UNIT) != 0;
}
bool route_topic_unit_sub(int32_t sys_flag) {
    return (sys_flag & TOPIC_SYS_FLAG_UNIT_SUB) != 0;
}
bool route_topic_unit_sub_not_unit(int32_t sys_flag) {
    return route_topic_unit_sub(sys_flag) && !route_topic_unit(sys_flag);
}

/* Names once each; `broker_addr` absent: no such member. Frees the view. */
static int write_topic_list(struct view *view, struct span broker_addr, struct buf *out) {
    int err = view_sort(view);
    struct json_writer json;
    json_writer_init(&json, out, JSON_STYLE_FASTJSON);
    json_object_begin(&json);
    if (!span_is_absent(broker_addr)) {
        json_key_text(&json, "brokerAddr");
        json_string(&json, broker_addr);
    }
    json_key_text(&json, "topicList");
    json_array_begin(&json);
    for (size_t i = 0; i < view->count && err == RMQ_OK; i++)
        if (i == 0 || !span_equal(view->items[i - 1].name, view->items[i].name))
            json_string(&json, view->items[i].name);
    json_array_end(&json);
    json_object_end(&json);
    view_free(view);
    return err == RMQ_OK ? finish(out) : err;
}

int route_answer_topics(const struct route_table *table, route_topic_filter *wanted,
                        struct buf *out) {
    struct view view = {table->env, NULL, 0, 0};
    for (const struct route_topic *topic = table->topics; topic != NULL; topic = topic->hh.next) {
        const struct queue_data *first =
            LIST_ENTRY(topic->queues.next, struct queue_data, in_topic);
        if (wanted(first->sys_flag) && view_add(&view, ROUTE_NAME(topic), topic) != RMQ_OK) {
            view_free(&view);
            return RMQ_E_NOMEM;
        }
    }
    return write_topic_list(&view, SPAN_NONE, out);
}

static int collect_topics(const struct route_broker *broker, struct view *view) {
    LIST_EACH(&broker->queues, link, next) {
        const struct route_topic *topic = LIST_ENTRY(link, struct queue_data, in_broker)->topic;
        if (view_add(view, ROUTE_NAME(topic), topic) != RMQ_OK)
            return RMQ_E_NOMEM;
    }
    return RMQ_OK;
}

int route_answer_cluster_topics(const struct route_table *table, struct span cluster,
                                struct buf *out) {
    struct view view = {table->env, NULL, 0, 0};
    const struct route_cluster *named = route_find_cluster(table, cluster);
    if (named != NULL) {
        LIST_EACH(&named->members, link, next) {
            const struct route_member *member = LIST_ENTRY(link, struct route_member, in_cluster);
            if (collect_topics(member->broker, &view) != RMQ_OK) {
                view_free(&view);
                return RMQ_E_NOMEM;
            }
        }
    }
    return write_topic_list(&view, SPAN_NONE, out);
}

static int collect_system_topics(const struct route_table *table, struct view *view) {
    for (const struct route_cluster *cluster = table->clusters; cluster != NULL;
         cluster = cluster->hh.next)
        if (view_add(view, ROUTE_NAME(cluster), cluster) != RMQ_OK)
            return RMQ_E_NOMEM;
    for (const struct route_broker *broker = table->brokers; broker != NULL;
         broker = broker->hh.next)
        if (view_add(view, ROUTE_NAME(broker), broker) != RMQ_OK)
            return RMQ_E_NOMEM;
    return RMQ_OK;
}

int route_answer_system_topics(const struct route_table *table, struct buf *out) {
    struct view view = {table->env, NULL, 0, 0};
    if (collect_system_topics(table, &view) != RMQ_OK) {
        view_free(&view);
        return RMQ_E_NOMEM;
    }
    struct span some_addr = SPAN_NONE;
    for (const struct route_broker *broker = table->brokers;
         broker != NULL && span_is_absent(some_addr); broker = broker->hh.next)
        if (!list_is_empty(&broker->addrs))
            some_addr =
                route_live_addr(LIST_ENTRY(broker->addrs.next, struct route_addr, in_broker)->live);
    return write_topic_list(&view, some_addr, out);
}

/* ---- member group (901) ---------------------------------------------------------------------- */

int route_answer_member_group(const struct route_table *table, struct span cluster,
                              struct span broker, struct buf *out) {
    const struct route_broker *named = route_find_broker(table, broker);
    struct json_writer json;
    json_writer_init(&json, out, JSON_STYLE_FASTJSON);
    json_object_begin(&json);
    json_key_text(&json, "brokerMemberGroup");
    json_object_begin(&json);
    if (named != NULL) {
        write_addrs(&json, named, false);
    } else {
        json_key_text(&json, "brokerAddrs");
        json_object_begin(&json);
        json_object_end(&json);
    }
    json_key_text(&json, "brokerName");
    json_string(&json, broker);
    json_key_text(&json, "cluster");
    json_string(&json, cluster);
    json_object_end(&json);
    json_object_end(&json);
    return finish(out);
}
