/* mqadmin/offsets.c - resetOffsetByTime, skipAccumulatedMessage, cloneGroupOffset. */
#include "real/mqadmin/print.h"
#include "real/mqadmin/queues.h"

struct reset {
    const char *group, *topic, *time_text;
    int64_t time_ms; /* -1: the end of the queue */
    bool force;
    bool cplus;
    bool with_title; /* resetOffsetByTime */
};

/* ---- members online: the broker resets them (222) -------------------------------------------- */

static const struct column RESET_COLUMNS[] = {
    {"brokerName", "%-40.32s  ", "#brokerName"},
    {"queueId", "%-40s  ", "#queueId"},
    {"offset", "%-40s  ", "#offset"},
};

static void print_reset(struct admin *admin, const struct reset *reset, struct queue_rows *rows) {
    queue_rows_sort(rows);
    if (reset->with_title)
        say(admin,
            "rollback consumer offset by specified group[%s], topic[%s], force[%s], "
            "timestamp(string)[%s], timestamp(long)[%lld]\n",
            reset->group, reset->topic, reset->force ? "true" : "false", reset->time_text,
            (long long)reset->time_ms);
    put_bool(admin, "online", true);
    struct table table = TABLE(admin, "queues", RESET_COLUMNS);
    for (size_t i = 0; i < rows->count; i++) {
        ROW(&table, cell_text(rows->rows[i].broker), cell_number(admin, rows->rows[i].id),
            (struct cell){rows->rows[i].value->text, true});
    }
    table_end(&table);
}

/* Asks each broker of the route; false with *offline when one says that no member is there. */
static bool reset_online(struct admin *admin, const struct route_data *route,
                         const struct reset *reset, struct queue_rows *rows, bool *offline) {
    for (size_t i = 0; i < route->broker_count; i++) {
        struct call call;
        const char *address = broker_address(&route->brokers[i]);
        if (address == NULL)
            continue;
        call_init(&call, address, REQUEST_INVOKE_BROKER_TO_RESET_OFFSET, "topic", reset->topic,
                  "group", reset->group, "timestamp", call_number(admin, reset->time_ms), "isForce",
                  reset->force ? "true" : "false", "queueId", "-1", NULL);
        call_one(admin, &call);
        *offline = call_answered(&call, RESPONSE_CONSUMER_NOT_ONLINE);
        struct tree *body = *offline ? NULL : call_tree(admin, &call);
        if (body == NULL)
            return false;
        queue_rows_add(admin, rows, tree_get(body, "offsetTable"));
    }
    return true;
}

/* ---- nobody online: the tool commits (15) ---------------------------------------------------- */

static const struct column ROLLBACK_COLUMNS[] = {
    {"brokerName", "%-20.32s  ", "#brokerName"},
    {"queueId", "%-20s  ", "#queueId"},
    {"brokerOffset", "%-20s  ", "#brokerOffset"},
    {"consumerOffset", "%-20s  ", "#consumerOffset"},
    {"timestampOffset", "%-20s  ", "#timestampOffset"},
    {"rollbackOffset", "%-20s  ", "#rollbackOffset"},
};

static bool ask_offset(struct admin *admin, const char *address, const struct reset *reset,
                       int64_t queue_id, int64_t *out) {
    struct call call;
    bool end = reset->time_ms == -1;
    call_init(&call, address, end ? REQUEST_GET_MAX_OFFSET : REQUEST_SEARCH_OFFSET_BY_TIMESTAMP,
              "topic", reset->topic, "queueId", call_number(admin, queue_id), "timestamp",
              end ? NULL : call_number(admin, reset->time_ms), NULL);
    call_one(admin, &call);
    if (!call_ok(admin, &call))
        return false;
    const char *offset = call_field(admin, &call, "offset");
    if (offset != NULL && span_to_i64(span_of_text(offset), out) == RMQ_OK)
        return true;
    admin_fail(admin, "%s answered %s without an offset", address, wire_request_name(call.code));
    return false;
}

static bool commit_offset(struct admin *admin, const char *address, const char *group,
                          const struct queue_row *row, int64_t offset) {
    struct call call;
    call_init(&call, address, REQUEST_UPDATE_CONSUMER_OFFSET, "consumerGroup", group, "topic",
              row->topic, "queueId", call_number(admin, row->id), "commitOffset",
              call_number(admin, offset), NULL);
    call_one(admin, &call);
    return call_ok(admin, &call);
}

/* `reached`, `committed`: where the queue ends and where the group is. */
static bool rollback_queue(const struct table *table, const char *address,
                           const struct reset *reset, const struct queue_row *row, int64_t reached,
                           int64_t committed) {
    struct admin *admin = table->admin;
    int64_t wanted, rollback = committed;
    if (!ask_offset(admin, address, reset, row->id, &wanted))
        return false;
    if (reset->force || wanted <= committed) {
        if (!commit_offset(admin, address, reset->group, row, wanted))
            return false;
        rollback = wanted;
    }
    ROW(table, cell_text(row->broker), cell_number(admin, row->id), cell_number(admin, reached),
        cell_number(admin, committed), cell_number(admin, wanted), cell_number(admin, rollback));
    return true;
}

/* Queues that the group never consumed: from 202. */
static void rollback_topic(const struct table *table, const char *address,
                           const struct reset *reset) {
    struct admin *admin = table->admin;
    struct call call;
    struct queue_rows rows = {0};
    call_init(&call, address, REQUEST_GET_TOPIC_STATS_INFO, "topic", reset->topic, NULL);
    struct tree *stats = call_for_tree(admin, &call);
    if (stats == NULL)
        return;
    queue_rows_add(admin, &rows, tree_get(stats, "offsetTable"));
    queue_rows_sort(&rows);
    for (size_t i = 0; i < rows.count; i++) {
        const struct tree *value = rows.rows[i].value;
        if (!rollback_queue(table, address, reset, &rows.rows[i],
                            tree_number(value, "maxOffset", 0), tree_number(value, "minOffset", 0)))
            return;
    }
}

static void rollback_broker(const struct table *table, const char *address,
                            const struct reset *reset) {
    struct admin *admin = table->admin;
    struct call call;
    struct queue_rows rows = {0};
    bool consumed = false;
    call_init(&call, address, REQUEST_GET_CONSUME_STATS, "consumerGroup", reset->group, NULL);
    call.timeout_ms = CALL_TIMEOUT_LONG_MS;
    struct tree *stats = call_for_tree(admin, &call);
    if (stats == NULL)
        return;
    queue_rows_add(admin, &rows, tree_get(stats, "offsetTable"));
    queue_rows_sort(&rows);
    for (size_t i = 0; i < rows.count; i++) {
        const struct tree *value = rows.rows[i].value;
        if (strcmp(rows.rows[i].topic, reset->topic) != 0)
            continue;
        consumed = true;
        if (!rollback_queue(table, address, reset, &rows.rows[i],
                            tree_number(value, "brokerOffset", 0),
                            tree_number(value, "consumerOffset", 0)))
            return;
    }
    if (!consumed)
        rollback_topic(table, address, reset);
}

static void reset_offline(struct admin *admin, const struct route_data *route,
                          const struct reset *reset) {
    if (reset->with_title)
        say(admin,
            "rollback consumer offset by specified consumerGroup[%s], topic[%s], force[%s], "
            "timestamp(string)[%s], timestamp(long)[%lld]\n",
            reset->group, reset->topic, reset->force ? "true" : "false", reset->time_text,
            (long long)reset->time_ms);
    put_bool(admin, "online", false);
    struct table table = TABLE(admin, "queues", ROLLBACK_COLUMNS);
    for (size_t i = 0; i < route->broker_count; i++) {
        const char *address = broker_address(&route->brokers[i]);
        if (address != NULL)
            rollback_broker(&table, address, reset);
    }
    table_end(&table);
}

/* ---- resetOffsetByTime, skipAccumulatedMessage ----------------------------------------------- */

static void reset_offset(struct admin *admin, const struct reset *reset) {
    const struct route_data *route = ask_route(admin, reset->topic, NULL);
    struct queue_rows rows = {0};
    bool offline = false;
    if (route == NULL)
        return;
    put_text(admin, "group", reset->group);
    put_text(admin, "topic", reset->topic);
    if (reset->cplus) /* the broker then writes to members as C++ clients read it */
        admin->remoting.config.language = WIRE_LANGUAGE_CPP;
    if (reset_online(admin, route, reset, &rows, &offline))
        print_reset(admin, reset, &rows);
    else if (offline)
        reset_offline(admin, route, reset);
}

static void reset_offset_by_time(struct admin *admin) {
    const struct options *options = &admin->options;
    struct reset reset = {.group = options_text(options, "group"),
                          .topic = options_text(options, "topic"),
                          .time_text = options_text(options, "timestamp"),
                          .time_ms = options_time(options, "timestamp"),
                          .force = options_bool(options, "force"),
                          .cplus = options_bool(options, "cplus"),
                          .with_title = true};
    reset_offset(admin, &reset);
}

static void skip_accumulated_message(struct admin *admin) {
    const struct options *options = &admin->options;
    struct reset reset = {.group = options_text(options, "group"),
                          .topic = options_text(options, "topic"),
                          .time_ms = -1,
                          .force = options_bool(options, "force")};
    reset_offset(admin, &reset);
}

/* ---- cloneGroupOffset ------------------------------------------------------------------------ */

static const struct column CLONE_COLUMNS[] = {
    {"brokerName", NULL, NULL},
    {"queueId", NULL, NULL},
    {"offset", NULL, NULL},
};

/* Differs: only the queues of the topic are copied (Apache's copies all of the source group's,
 * those of other topics to brokers that need not have them). */
static void clone_queues(struct admin *admin, const struct group_stats *stats,
                         const struct route_data *route, const char *topic) {
    struct table table = TABLE(admin, "queues", CLONE_COLUMNS);
    for (size_t i = 0; i < stats->rows.count; i++) {
        const struct queue_row *row = &stats->rows.rows[i];
        const struct broker *broker = route_broker(route, row->broker);
        int64_t offset = tree_number(row->value, "consumerOffset", -1);
        if (strcmp(row->topic, topic) != 0 || offset < 0)
            continue;
        if (broker == NULL || broker_address(broker) == NULL)
            admin_fail(admin, "the route of %s has no broker %s", topic, row->broker);
        else if (commit_offset(admin, broker_address(broker),
                               options_text(&admin->options, "destGroup"), row, offset))
            ROW(&table, cell_text(row->broker), cell_number(admin, row->id),
                cell_number(admin, offset));
    }
    table_end(&table);
}

static void clone_group_offset(struct admin *admin) {
    const char *source = options_text(&admin->options, "srcGroup");
    const char *topic = options_text(&admin->options, "topic");
    struct group_stats stats;
    if (!ask_group_stats(admin, source, NULL, NULL, &stats))
        return;
    const struct route_data *route = ask_route(admin, topic, NULL);
    if (route == NULL)
        return;
    clone_queues(admin, &stats, route, topic);
    if (!admin_failed(admin))
        say(admin, "clone group offset success. srcGroup[%s], destGroup=[%s], topic[%s]\n", source,
            options_text(&admin->options, "destGroup"), topic);
}

/* ---- table ----------------------------------------------------------------------------------- */

static const struct option RESET_OPTIONS[] = {
    {'g', "group", OPTION_TEXT, REQUIRED, NULL, "set the consumer group"},
    {'t', "topic", OPTION_TEXT, REQUIRED, NULL, "set the topic"},
    {'s', "timestamp", OPTION_TIME, REQUIRED, NULL,
     "set the timestamp[now|currentTimeMillis|yyyy-MM-dd#HH:mm:ss:SSS]"},
    {'f', "force", OPTION_BOOL, OPTIONAL, "true",
     "set the force rollback by timestamp switch[true|false]"},
    {'c', "cplus", OPTION_FLAG, OPTIONAL, NULL, "reset c++ client offset"},
};
static const struct option SKIP_OPTIONS[] = {
    {'g', "group", OPTION_TEXT, REQUIRED, NULL, "set the consumer group"},
    {'t', "topic", OPTION_TEXT, REQUIRED, NULL, "set the topic"},
    {'f', "force", OPTION_BOOL, OPTIONAL, "true",
     "set the force rollback by timestamp switch[true|false]"},
};
static const struct option CLONE_OPTIONS[] = {
    {'s', "srcGroup", OPTION_TEXT, REQUIRED, NULL, "set source consumer group"},
    {'d', "destGroup", OPTION_TEXT, REQUIRED, NULL, "set destination consumer group"},
    {'t', "topic", OPTION_TEXT, REQUIRED, NULL, "set the topic"},
    {'o', "offline", OPTION_TEXT, OPTIONAL, NULL, "the group or the topic is offline (no effect)"},
};
static const struct command COMMANDS[] = {
    COMMAND("cloneGroupOffset", "clone offset from other group.", clone_group_offset,
            CLONE_OPTIONS),
    COMMAND("resetOffsetByTime", "Reset consumer offset by timestamp(without client restart).",
            reset_offset_by_time, RESET_OPTIONS),
    COMMAND("skipAccumulatedMessage",
            "Skip all messages that are accumulated (not consumed) currently",
            skip_accumulated_message, SKIP_OPTIONS),
};
const struct command_table OFFSET_COMMANDS = {COMMANDS, sizeof(COMMANDS) / sizeof(COMMANDS[0])};
