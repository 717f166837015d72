/* mqadmin/progress.c - consumerProgress. */
#include "real/mqadmin/print.h"
#include "real/mqadmin/queues.h"

/* ---- one group ------------------------------------------------------------------------------- */

/* Which member has which queue, from the members' running information: rows whose value is of the
 * queue; `broker_client` runs beside them. */
struct owners {
    struct queue_rows rows;
    const char **ips; /* one per row */
};

static const char *client_ip(struct admin *admin, const char *client_id) {
    return arena_text(&admin->arena, span_of(client_id, strcspn(client_id, "@")));
}

/* What a member does not tell stays unknown. */
static void find_owners(struct admin *admin, const char *group, struct owners *owners) {
    struct quiet quiet;
    int32_t code;
    const struct route_data *route = ask_route(admin, retry_topic(admin, group), &code);
    const char *address =
        route == NULL || route->broker_count == 0 ? NULL : broker_address(&route->brokers[0]);
    const struct tree *members =
        tree_get(ask_group_connections(admin, group, NULL, &quiet), "connectionSet");
    for (const struct tree *at = members == NULL || address == NULL ? NULL : members->first;
         at != NULL; at = at->next) {
        const char *id = tree_text(at, "clientId", "");
        const struct tree *info = ask_running_info(admin, address, group, id, false, &quiet);
        size_t before = owners->rows.count;
        queue_rows_add(admin, &owners->rows, tree_get(info, "mqTable"));
        const char **ips = arena_alloc(&admin->arena, owners->rows.count * sizeof(*ips));
        if (before > 0)
            memcpy((void *)ips, (const void *)owners->ips, before * sizeof(*ips));
        for (size_t i = before; i < owners->rows.count; i++) {
            ips[i] = client_ip(admin, id);
        }
        owners->ips = ips;
    }
}

static const char *owner_of(const struct owners *owners, const struct queue_row *row) {
    const struct queue_row *found =
        queue_rows_find(&owners->rows, row->topic, row->broker, row->id);
    return found == NULL ? NULL : owners->ips[found - owners->rows.rows];
}

#define QUEUE_COLUMNS_BEFORE                                                            \
    {"topic", "%-64.64s  ", "#Topic"}, {"brokerName", "%-32.32s  ", "#Broker Name"},    \
        {"queueId", "%-4s  ", "#QID"}, {"brokerOffset", "%-20s  ", "#Broker Offset"}, { \
        "consumerOffset", "%-20s  ", "#Consumer Offset"                                 \
    }
#define QUEUE_COLUMNS_BEHIND                                   \
    {"diff", "%-20s  ", "#Diff"}, {NULL, "%s", "#LastTime"}, { \
        "lastTimestamp", NULL, NULL                            \
    }
static const struct column QUEUE_COLUMNS[] = {
    QUEUE_COLUMNS_BEFORE, {"clientIp", NULL, NULL}, QUEUE_COLUMNS_BEHIND};
static const struct column QUEUE_COLUMNS_IP[] = {
    QUEUE_COLUMNS_BEFORE, {"clientIp", "%-20s ", "#Client IP"}, QUEUE_COLUMNS_BEHIND};

static void print_queues(struct admin *admin, const struct group_stats *stats,
                         const struct owners *owners, bool with_ip) {
    struct table table =
        with_ip ? TABLE(admin, "queues", QUEUE_COLUMNS_IP) : TABLE(admin, "queues", QUEUE_COLUMNS);
    for (size_t i = 0; i < stats->rows.count; i++) {
        const struct queue_row *row = &stats->rows.rows[i];
        const char *ip = owner_of(owners, row);
        int64_t last = tree_number(row->value, "lastTimestamp", 0);
        ROW(&table, cell_text(row->topic), cell_text(row->broker), cell_number(admin, row->id),
            cell_number(admin, tree_number(row->value, "brokerOffset", 0)),
            cell_number(admin, tree_number(row->value, "consumerOffset", 0)),
            cell_text(ip == NULL && with_ip && !admin->options.json ? "N/A" : ip),
            cell_number(admin, queue_row_diff(row)),
            cell_text(last == 0 ? "N/A" : time_text(admin, last)), cell_number(admin, last));
    }
    table_end(&table);
}

static void progress_of_group(struct admin *admin, const char *group) {
    struct group_stats stats;
    struct owners owners = {0};
    bool with_ip = options_bool(&admin->options, "showClientIP");
    if (!ask_group_stats(admin, group, NULL, NULL, &stats))
        return;
    if (stats.rows.count == 0) {
        admin_fail(admin,
                   "Not found the consumer group consume stats, because return offset table is "
                   "empty, maybe the consumer not consume any message (group %s)",
                   group);
        return;
    }
    if (with_ip)
        find_owners(admin, group, &owners);
    put_text(admin, "group", group);
    print_queues(admin, &stats, &owners, with_ip);
    say(admin, "\nConsume TPS: %.2f\nDiff Total: %lld\n", stats.tps, (long long)stats.diff);
    put_double(admin, "consumeTps", stats.tps);
    put_number(admin, "diffTotal", stats.diff);
}

/* ---- all groups ------------------------------------------------------------------------------ */

static const struct column GROUP_COLUMNS[] = {
    {"group", "%-64.64s  ", "#Group"},  {"count", "%-6s  ", "#Count"},
    {"version", "%-24s ", "#Version"},  {"type", "%-5s  ", "#Type"},
    {"model", "%-14s  ", "#Model"},     {"tps", "%-7s  ", "#TPS"},
    {"diffTotal", "%s", "#Diff Total"},
};

static int64_t lowest_version(const struct tree *members) {
    int64_t lowest = INT32_MAX;
    for (const struct tree *at = members->first; at != NULL; at = at->next) {
        int64_t version = tree_number(at, "version", 0);
        lowest = version < lowest ? version : lowest;
    }
    return lowest;
}

static void print_group(const struct table *table, const char *group) {
    struct admin *admin = table->admin;
    struct quiet quiet;
    struct group_stats stats;
    if (!ask_group_stats(admin, group, NULL, &quiet, &stats))
        stats = (struct group_stats){0};
    const struct tree *online = ask_group_connections(admin, group, NULL, &quiet);
    const struct tree *members = tree_get(online, "connectionSet");
    size_t count = tree_count(members);
    bool pulls = strcmp(tree_text(online, "consumeType", ""), "CONSUME_ACTIVELY") == 0;
    ROW(table, cell_text(group), cell_number(admin, (int64_t)count),
        cell_text(count == 0 ? "OFFLINE" : version_text(admin, lowest_version(members))),
        cell_text(count == 0 ? ""
                  : pulls    ? "PULL"
                             : "PUSH"),
        cell_text(count == 0 || pulls ? "" : tree_text(online, "messageModel", "")),
        cell_number(admin, (int64_t)stats.tps), cell_number(admin, stats.diff));
}

static void progress_of_all(struct admin *admin) {
    const struct tree *topics = ask_topics(admin);
    if (topics == NULL)
        return;
    struct table table = TABLE(admin, "groups", GROUP_COLUMNS);
    for (const struct tree *at = topics->first; at != NULL; at = at->next) {
        if (strncmp(at->text, "%RETRY%", 7) == 0)
            print_group(&table, at->text + 7);
    }
    table_end(&table);
}

static void consumer_progress(struct admin *admin) {
    const char *group = options_text(&admin->options, "groupName");
    if (group == NULL)
        progress_of_all(admin);
    else
        progress_of_group(admin, group);
}

static const struct option OPTIONS[] = {
    {'g', "groupName", OPTION_TEXT, OPTIONAL, NULL, "consumer group name"},
    {'s', "showClientIP", OPTION_BOOL, OPTIONAL, "false", "Show Client IP per Queue"},
};
static const struct command COMMANDS[] = {
    COMMAND("consumerProgress", "Query consumers's progress, speed", consumer_progress, OPTIONS),
};
const struct command_table PROGRESS_COMMANDS = {COMMANDS, sizeof(COMMANDS) / sizeof(COMMANDS[0])};
