/* mqadmin/clusters.c - clusterList. */
#include <stdlib.h>
#include <unistd.h>

#include "real/mqadmin/cluster.h"
#include "real/mqadmin/print.h"

/* One address of the cluster and its runtime information. */
struct line {
    const struct broker *broker;
    const struct broker_addr *addr;
    const struct tree *table; /* NULL: it did not answer */
};

static const struct column BASE_COLUMNS[] = {
    {"clusterName", "%-16s  ", "#Cluster Name"},
    {"brokerName", "%-22s  ", "#Broker Name"},
    {"brokerId", "%-4s  ", "#BID"},
    {"address", "%-22s ", "#Addr"},
    {"version", "%-16s ", "#Version"},
    {NULL, "%19s ", "#InTPS(LOAD)"},
    {"inTps", NULL, NULL},
    {"sendQueueSize", NULL, NULL},
    {"sendQueueHeadWaitMillis", NULL, NULL},
    {NULL, "%19s ", "#OutTPS(LOAD)"},
    {"outTps", NULL, NULL},
    {"pullQueueSize", NULL, NULL},
    {"pullQueueHeadWaitMillis", NULL, NULL},
    {"pageCacheLockTimeMillis", "%10s ", "#PCWait(ms)"},
    {"hours", "%5s ", "#Hour"},
    {"space", "%6s", "#SPACE"},
};

static const char *key_text(const struct line *line, const char *key) {
    return tree_text(line->table, key, "");
}
/* A number of the table; null in JSON when the broker did not tell. */
static struct cell number_cell(const struct line *line, const char *key) {
    return (struct cell){tree_text(line->table, key, NULL), true};
}

/* The first of three averages. */
static double tps_of(const struct line *line, const char *key) {
    return strtod(key_text(line, key), NULL);
}

static const char *load_text(struct admin *admin, const struct line *line, double tps,
                             const char *size, const char *wait) {
    return arena_format(&admin->arena, "%9.2f(%s,%sms)", tps, key_text(line, size),
                        key_text(line, wait));
}

static double hours_of(const struct line *line) {
    const char *earliest = key_text(line, "earliestMessageTimeStamp");
    return *earliest == '\0' ? 0 : ((double)now_ms() - strtod(earliest, NULL)) / 3600000.0;
}

static void print_base(const struct table *table, const struct line *line) {
    struct admin *admin = table->admin;
    double in = tps_of(line, "putTps"), out = tps_of(line, "getTransferedTps");
    ROW(table, cell_text(line->broker->cluster), cell_text(line->broker->name),
        cell_number(admin, line->addr->id), cell_text(line->addr->text),
        cell_text(key_text(line, "brokerVersionDesc")),
        cell_text(load_text(admin, line, in, "sendThreadPoolQueueSize",
                            "sendThreadPoolQueueHeadWaitTimeMills")),
        cell_double(admin, in, 2), number_cell(line, "sendThreadPoolQueueSize"),
        number_cell(line, "sendThreadPoolQueueHeadWaitTimeMills"),
        cell_text(load_text(admin, line, out, "pullThreadPoolQueueSize",
                            "pullThreadPoolQueueHeadWaitTimeMills")),
        cell_double(admin, out, 2), number_cell(line, "pullThreadPoolQueueSize"),
        number_cell(line, "pullThreadPoolQueueHeadWaitTimeMills"),
        number_cell(line, "pageCacheLockTimeMills"), cell_double(admin, hours_of(line), 2),
        cell_double(admin, tree_double(line->table, "commitLogDiskRatio"), 4));
}

static const struct column MORE_COLUMNS[] = {
    {"clusterName", "%-16s  ", "#Cluster Name"},
    {"brokerName", "%-32s ", "#Broker Name"},
    {"address", NULL, NULL},
    {"inTotalYesterday", "%14s ", "#InTotalYest"},
    {"outTotalYesterday", "%14s ", "#OutTotalYest"},
    {"inTotalToday", "%14s ", "#InTotalToday"},
    {"outTotalToday", "%14s", "#OutTotalToday"},
};

static int64_t difference(const struct line *line, const char *later, const char *earlier) {
    return tree_number(line->table, later, 0) - tree_number(line->table, earlier, 0);
}

static void print_more(const struct table *table, const struct line *line) {
    struct admin *admin = table->admin;
    ROW(table, cell_text(line->broker->cluster), cell_text(line->broker->name),
        cell_text(line->addr->text),
        cell_number(admin,
                    difference(line, "msgPutTotalTodayMorning", "msgPutTotalYesterdayMorning")),
        cell_number(admin,
                    difference(line, "msgGetTotalTodayMorning", "msgGetTotalYesterdayMorning")),
        cell_number(admin, difference(line, "msgPutTotalTodayNow", "msgPutTotalTodayMorning")),
        cell_number(admin, difference(line, "msgGetTotalTodayNow", "msgGetTotalTodayMorning")));
}

/* Asks all brokers at once; lines are in order of cluster, broker name, id. */
static struct line *ask_lines(struct admin *admin, const struct cluster_data *cluster,
                              size_t *count) {
    size_t most = 0;
    for (size_t i = 0; i < cluster->broker_count; i++) {
        most += cluster->brokers[i].addr_count;
    }
    struct line *lines = arena_alloc(&admin->arena, most * sizeof(*lines));
    struct call *calls = arena_alloc(&admin->arena, most * sizeof(*calls));
    const char *only = options_text(&admin->options, "clusterName");
    *count = 0;
    for (size_t i = 0; i < cluster->cluster_count; i++) {
        for (size_t j = 0; j < cluster->broker_count; j++) {
            const struct broker *broker = &cluster->brokers[j];
            if (!cluster_has(broker, cluster->clusters[i]) || !cluster_has(broker, only))
                continue;
            for (size_t k = 0; k < broker->addr_count; k++) {
                lines[*count] = (struct line){.broker = broker, .addr = &broker->addrs[k]};
                call_init(&calls[(*count)++], broker->addrs[k].text,
                          REQUEST_GET_BROKER_RUNTIME_INFO, NULL);
            }
        }
    }
    call_all(admin, calls, *count);
    for (size_t i = 0; i < *count; i++) {
        lines[i].table = tree_get(call_tree(admin, &calls[i]), "table");
    }
    return lines;
}

static void print_cluster(struct admin *admin) {
    const struct cluster_data *cluster = ask_cluster(admin);
    size_t count;
    if (cluster == NULL)
        return;
    bool more = options_bool(&admin->options, "moreStats");
    struct table table =
        more ? TABLE(admin, "brokers", MORE_COLUMNS) : TABLE(admin, "brokers", BASE_COLUMNS);
    const struct line *lines = ask_lines(admin, cluster, &count);
    for (size_t i = 0; i < count; i++) {
        if (more)
            print_more(&table, &lines[i]);
        else
            print_base(&table, &lines[i]);
    }
    table_end(&table);
}

static void cluster_list(struct admin *admin) {
    bool repeat = options_given(&admin->options, "interval");
    if (repeat && admin->options.json) {
        admin_fail(admin, "--json prints one document: -i/--interval does not go with it");
        return;
    }
    struct arena_mark mark = arena_mark(&admin->arena);
    for (;;) {
        print_cluster(admin);
        if (!repeat || admin_failed(admin))
            return;
        arena_release(&admin->arena, mark);
        fflush(admin->out);
        sleep((unsigned)options_number(&admin->options, "interval"));
    }
}

static const struct option OPTIONS[] = {
    {'m', "moreStats", OPTION_FLAG, OPTIONAL, NULL, "Print more stats"},
    {'i', "interval", OPTION_NUMBER, OPTIONAL, NULL, "specify intervals numbers, it is in seconds"},
    {'c', "clusterName", OPTION_TEXT, OPTIONAL, NULL, "which cluster"},
};
static const struct command COMMANDS[] = {
    COMMAND("clusterList", "List all of clusters", cluster_list, OPTIONS),
};
const struct command_table CLUSTER_COMMANDS = {COMMANDS, sizeof(COMMANDS) / sizeof(COMMANDS[0])};
