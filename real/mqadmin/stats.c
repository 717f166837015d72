/* mqadmin/stats.c - statsAll, brokerConsumeStats. */
#include "real/mqadmin/print.h"
#include "real/mqadmin/queues.h"

/* ---- statsAll -------------------------------------------------------------------------------- */

static const struct column STATS_COLUMNS[] = {
    {"topic", "%-64.64s  ", "#Topic"},
    {"consumerGroup", "%-64.64s ", "#Consumer Group"},
    {"accumulation", "%12s ", "#Accumulation"},
    {"inTps", "%11s ", "#InTPS"},
    {"outTps", "%11s ", "#OutTPS"},
    {"inMsg24Hour", "%14s ", "#InMsg24Hour"},
    {NULL, "%14s", "#OutMsg24Hour"},
    {"outMsg24Hour", NULL, NULL},
};

struct flow {
    double tps;
    int64_t day; /* messages of 24 h, or of as much as there is */
};

static int64_t day_sum(const struct tree *stats) {
    static const char *const SPANS[] = {"statsDay", "statsHour", "statsMinute"};
    for (size_t i = 0; i < 3; i++) {
        int64_t sum = tree_number(tree_get(stats, SPANS[i]), "sum", 0);
        if (sum != 0)
            return sum;
    }
    return 0;
}

/* Sum over the masters of a route; a master that has no such figure (code 1) counts as 0. */
static struct flow ask_flow(struct admin *admin, const struct route_data *route, const char *name,
                            const char *key) {
    struct flow flow = {0};
    struct call *calls = arena_alloc(&admin->arena, route->broker_count * sizeof(*calls));
    size_t count = 0;
    for (size_t i = 0; i < route->broker_count; i++) {
        const char *master = broker_master(&route->brokers[i]);
        if (master != NULL)
            call_init(&calls[count++], master, REQUEST_VIEW_BROKER_STATS_DATA, "statsName", name,
                      "statsKey", key, NULL);
    }
    call_all(admin, calls, count);
    for (size_t i = 0; i < count; i++) {
        if (!call_answered(&calls[i], RESPONSE_SUCCESS))
            continue;
        const struct tree *stats = call_tree(admin, &calls[i]);
        flow.tps += tree_double(tree_get(stats, "statsMinute"), "tps");
        flow.day += day_sum(stats);
    }
    return flow;
}

static void stats_of_group(const struct table *table, const struct route_data *route,
                           const char *topic, const char *group, const struct flow *in) {
    struct admin *admin = table->admin;
    struct quiet quiet;
    struct group_stats stats;
    struct flow out = ask_flow(admin, route, "GROUP_GET_NUMS",
                               arena_format(&admin->arena, "%s@%s", topic, group));
    int64_t behind = ask_group_stats(admin, group, topic, &quiet, &stats) ? stats.diff : 0;
    if (options_bool(&admin->options, "activeTopic") && in->day <= 0 && out.day <= 0)
        return;
    ROW(table, cell_text(topic), cell_text(group), cell_number(admin, behind < 0 ? 0 : behind),
        cell_double(admin, in->tps, 2), cell_double(admin, out.tps, 2), cell_number(admin, in->day),
        cell_number(admin, out.day), cell_number(admin, out.day));
}

static void stats_of_topic(const struct table *table, const char *topic) {
    struct admin *admin = table->admin;
    struct quiet quiet;
    int32_t code;
    const struct route_data *route = ask_route(admin, topic, &code);
    if (route == NULL)
        return; /* gone since the list was asked, or a failure */
    const struct tree *groups = ask_topic_groups(admin, route, topic, &quiet);
    struct flow in = ask_flow(admin, route, "TOPIC_PUT_NUMS", topic);
    for (const struct tree *at = groups == NULL ? NULL : groups->first; at != NULL; at = at->next) {
        stats_of_group(table, route, topic, at->text, &in);
    }
    if (tree_count(groups) == 0 && (!options_bool(&admin->options, "activeTopic") || in.day > 0))
        ROW(table, cell_text(topic), cell_text(NULL), cell_number(admin, 0),
            cell_double(admin, in.tps, 2), cell_text(NULL), cell_number(admin, in.day),
            cell_text("NO_CONSUMER"), cell_text(NULL));
}

static void stats_all(struct admin *admin) {
    const struct tree *topics = ask_topics(admin);
    const char *only = options_text(&admin->options, "topic");
    size_t found = 0;
    if (topics == NULL)
        return;
    struct table table = TABLE(admin, "topics", STATS_COLUMNS);
    for (const struct tree *at = topics->first; at != NULL; at = at->next) {
        if (is_group_topic(at->text) || (only != NULL && strcmp(only, at->text) != 0))
            continue;
        stats_of_topic(&table, at->text);
        found++;
    }
    table_end(&table);
    if (only != NULL && found == 0)
        admin_fail(admin, "the name server has no topic %s", only);
}

/* ---- brokerConsumeStats ---------------------------------------------------------------------- */

static const struct column CONSUME_COLUMNS[] = {
    {"topic", "%-64.64s  ", "#Topic"},
    {"group", "%-64s  ", "#Group"},
    {"brokerName", "%-32.32s  ", "#Broker Name"},
    {"queueId", "%-4s  ", "#QID"},
    {"brokerOffset", "%-20s  ", "#Broker Offset"},
    {"consumerOffset", "%-20s  ", "#Consumer Offset"},
    {"diff", "%-20s  ", "#Diff"},
    {NULL, "%s", "#LastTime"},
    {"lastTimestamp", NULL, NULL},
};

static void print_consume_stats(const struct table *table, const char *group,
                                const struct tree *stats) {
    struct admin *admin = table->admin;
    struct queue_rows rows = {0};
    queue_rows_add(admin, &rows, tree_get(stats, "offsetTable"));
    queue_rows_sort(&rows);
    for (size_t i = 0; i < rows.count; i++) {
        const struct queue_row *row = &rows.rows[i];
        int64_t last = tree_number(row->value, "lastTimestamp", 0);
        if (queue_row_diff(row) < options_number(&admin->options, "level") || last <= 0)
            continue;
        ROW(table, cell_text(row->topic), cell_text(group), cell_text(row->broker),
            cell_number(admin, row->id),
            cell_number(admin, tree_number(row->value, "brokerOffset", 0)),
            cell_number(admin, tree_number(row->value, "consumerOffset", 0)),
            cell_number(admin, queue_row_diff(row)), cell_text(time_text(admin, last)),
            cell_number(admin, last));
    }
}

/* {"consumeStatsList":[{"group":[stats, ...]}, ...],"totalDiff":n} */
static void broker_consume_stats(struct admin *admin) {
    struct call call;
    call_init(&call, options_text(&admin->options, "brokerAddr"), REQUEST_GET_BROKER_CONSUME_STATS,
              "isOrder", options_bool(&admin->options, "order") ? "true" : "false", NULL);
    call.timeout_ms = options_number(&admin->options, "timeoutMillis");
    const struct tree *body = call_for_tree(admin, &call);
    const struct tree *list = tree_get(body, "consumeStatsList");
    if (body == NULL)
        return;
    struct table table = TABLE(admin, "queues", CONSUME_COLUMNS);
    for (const struct tree *map = list == NULL ? NULL : list->first; map != NULL; map = map->next) {
        for (const struct tree *group = map->first; group != NULL; group = group->next) {
            for (const struct tree *stats = group->first; stats != NULL; stats = stats->next) {
                print_consume_stats(&table, group->key, stats);
            }
        }
    }
    table_end(&table);
    say(admin, "\nDiff Total: %lld\n", (long long)tree_number(body, "totalDiff", 0));
    put_number(admin, "diffTotal", tree_number(body, "totalDiff", 0));
}

/* ---- table ----------------------------------------------------------------------------------- */

static const struct option STATS_OPTIONS[] = {
    {'a', "activeTopic", OPTION_FLAG, OPTIONAL, NULL, "print active topic only"},
    {'t', "topic", OPTION_TEXT, OPTIONAL, NULL, "print select topic only"},
};
static const struct option CONSUME_OPTIONS[] = {
    {'b', "brokerAddr", OPTION_TEXT, REQUIRED, NULL, "Broker address"},
    {'t', "timeoutMillis", OPTION_NUMBER, OPTIONAL, "50000", "request timeout Millis"},
    {'l', "level", OPTION_NUMBER, OPTIONAL, "0", "threshold of print diff"},
    {'o', "order", OPTION_BOOL, OPTIONAL, "false", "order topic"},
};
static const struct command COMMANDS[] = {
    COMMAND("statsAll", "Topic and Consumer tps stats", stats_all, STATS_OPTIONS),
    COMMAND("brokerConsumeStats", "Fetch broker consume stats data", broker_consume_stats,
            CONSUME_OPTIONS),
};
const struct command_table STATS_COMMANDS = {COMMANDS, sizeof(COMMANDS) / sizeof(COMMANDS[0])};
