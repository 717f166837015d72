/* mqadmin/queues.c - see queues.h. */
#include "real/mqadmin/queues.h"

#include <stdlib.h>

/* ---- tables by queue ------------------------------------------------------------------------- */

static const struct tree *key_of(struct admin *admin, const struct tree *member) {
    struct tree *key = NULL;
    size_t offset;
    const char *expected;
    if (member->key_object != NULL)
        return member->key_object;
    if (tree_parse(&admin->arena, admin->env, span_of_text(member->key), &key, &offset,
                   &expected) != RMQ_OK)
        return NULL;
    return key;
}

void queue_rows_add(struct admin *admin, struct queue_rows *rows, const struct tree *table) {
    size_t count = rows->count + tree_count(table);
    struct queue_row *all = arena_alloc(&admin->arena, count * sizeof(*all));
    if (rows->count > 0)
        memcpy(all, rows->rows, rows->count * sizeof(*all));
    rows->rows = all;
    for (const struct tree *at = table == NULL ? NULL : table->first; at != NULL; at = at->next) {
        const struct tree *key = key_of(admin, at);
        all[rows->count++] = (struct queue_row){.topic = tree_text(key, "topic", ""),
                                                .broker = tree_text(key, "brokerName", ""),
                                                .id = tree_number(key, "queueId", 0),
                                                .value = at};
    }
}

static int compare_rows(const void *a, const void *b) {
    const struct queue_row *x = a, *y = b;
    int order = strcmp(x->topic, y->topic);
    order = order != 0 ? order : strcmp(x->broker, y->broker);
    return order != 0 ? order : x->id < y->id ? -1 : x->id > y->id;
}

void queue_rows_sort(struct queue_rows *rows) {
    if (rows->count > 1)
        qsort(rows->rows, rows->count, sizeof(*rows->rows), compare_rows);
}

const struct queue_row *queue_rows_find(const struct queue_rows *rows, const char *topic,
                                        const char *broker, int64_t id) {
    struct queue_row wanted = {.topic = topic, .broker = broker, .id = id};
    for (size_t i = 0; i < rows->count; i++) {
        if (compare_rows(&rows->rows[i], &wanted) == 0)
            return &rows->rows[i];
    }
    return NULL;
}

int64_t queue_row_diff(const struct queue_row *row) {
    return tree_number(row->value, "brokerOffset", 0) -
           tree_number(row->value, "consumerOffset", 0);
}

/* ---- groups ---------------------------------------------------------------------------------- */

bool call_ok_or(struct admin *admin, const struct call *call, struct quiet *quiet) {
    if (quiet == NULL)
        return call_ok(admin, call);
    quiet->code = call->status == RMQ_OK ? call->answer : -1;
    quiet->remark = call->status == RMQ_OK ? call->remark : rmq_err_text(call->status);
    return quiet->code == RESPONSE_SUCCESS;
}

static struct tree *tree_or(struct admin *admin, const struct call *call, struct quiet *quiet) {
    return call_ok_or(admin, call, quiet) ? call_tree(admin, call) : NULL;
}

static const struct route_data *retry_route(struct admin *admin, const char *group,
                                            struct quiet *quiet) {
    int32_t code = -1;
    const struct route_data *route =
        ask_route(admin, retry_topic(admin, group), quiet == NULL ? NULL : &code);
    if (route == NULL && quiet != NULL)
        *quiet = (struct quiet){code, "no route of the group's retry topic"};
    return route;
}

/* One call per broker of the route that has an address. */
static struct call *calls_to_brokers(struct admin *admin, const struct route_data *route,
                                     const struct call *call, size_t *count) {
    struct call *calls = arena_alloc(&admin->arena, route->broker_count * sizeof(*calls));
    *count = 0;
    for (size_t i = 0; i < route->broker_count; i++) {
        const char *address = broker_address(&route->brokers[i]);
        if (address == NULL)
            continue;
        calls[*count] = *call;
        calls[(*count)++].address = address;
    }
    return calls;
}

bool ask_group_stats(struct admin *admin, const char *group, const char *topic, struct quiet *quiet,
                     struct group_stats *out) {
    const struct route_data *route = retry_route(admin, group, quiet);
    struct call call;
    size_t count;
    *out = (struct group_stats){0};
    if (route == NULL)
        return false;
    call_init(&call, NULL, REQUEST_GET_CONSUME_STATS, "consumerGroup", group, "topic", topic, NULL);
    call.timeout_ms = CALL_TIMEOUT_LONG_MS;
    struct call *calls = calls_to_brokers(admin, route, &call, &count);
    call_all(admin, calls, count);
    for (size_t i = 0; i < count; i++) {
        struct tree *stats = tree_or(admin, &calls[i], quiet);
        if (stats == NULL)
            return false;
        queue_rows_add(admin, &out->rows, tree_get(stats, "offsetTable"));
        out->tps += tree_double(stats, "consumeTps");
    }
    queue_rows_sort(&out->rows);
    for (size_t i = 0; i < out->rows.count; i++) {
        out->diff += queue_row_diff(&out->rows.rows[i]);
    }
    return true;
}

struct tree *ask_group_connections(struct admin *admin, const char *group, const char *address,
                                   struct quiet *quiet) {
    struct call call, *calls = &call;
    size_t count = 1, answered = 0;
    call_init(&call, address, REQUEST_GET_CONSUMER_CONNECTION_LIST, "consumerGroup", group, NULL);
    if (address == NULL) {
        const struct route_data *route = retry_route(admin, group, quiet);
        if (route == NULL)
            return NULL;
        calls = calls_to_brokers(admin, route, &call, &count);
        if (count == 0)
            admin_fail(admin, "no broker of group %s has an address", group);
        if (count == 0)
            return NULL;
    }
    call_all(admin, calls, count);
    while (answered + 1 < count && !call_answered(&calls[answered], RESPONSE_SUCCESS)) {
        answered++;
    }
    return tree_or(admin, &calls[answered], quiet);
}

struct tree *ask_topic_groups(struct admin *admin, const struct route_data *route,
                              const char *topic, struct quiet *quiet) {
    struct call call;
    for (size_t i = 0; i < route->broker_count; i++) {
        const char *address = broker_address(&route->brokers[i]);
        if (address == NULL)
            continue;
        call_init(&call, address, REQUEST_QUERY_TOPIC_CONSUME_BY_WHO, "topic", topic, NULL);
        call_one(admin, &call);
        return tree_get(tree_or(admin, &call, quiet), "groupList");
    }
    return NULL;
}

struct tree *ask_running_info(struct admin *admin, const char *address, const char *group,
                              const char *client_id, bool stack, struct quiet *quiet) {
    struct call call;
    call_init(&call, address, REQUEST_GET_CONSUMER_RUNNING_INFO, "consumerGroup", group, "clientId",
              client_id, "jstackEnable", stack ? "true" : "false", NULL);
    call.timeout_ms = CALL_TIMEOUT_LONG_MS;
    call_one(admin, &call);
    return tree_or(admin, &call, quiet);
}
