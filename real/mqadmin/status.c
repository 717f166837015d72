/* mqadmin/status.c - consumerStatus. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "real/mqadmin/print.h"
#include "real/mqadmin/queues.h"

/* ---- ConsumerRunningInfo.formatString -------------------------------------------------------- */

/* Text that grows in the arena's node memory. */
static void put_format(struct buf *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void put_format(struct buf *out, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *at = (char *)buf_extend(out, (size_t)len + 1);
    if (at == NULL)
        return;
    va_start(arguments, format);
    vsnprintf(at, (size_t)len + 1, format, arguments);
    va_end(arguments);
    out->len--;
}

static void put_properties(struct buf *out, const struct tree *info) {
    const struct tree *properties = tree_get(info, "properties");
    put_format(out, "#Consumer Properties#\n");
    for (const struct tree *at = properties == NULL ? NULL : properties->first; at != NULL;
         at = at->next) {
        put_format(out, "%-40s: %s\n", at->key, tree_text(properties, at->key, ""));
    }
}

static void put_subscriptions(struct buf *out, const struct tree *info) {
    const struct tree *set = tree_get(info, "subscriptionSet");
    int index = 0;
    put_format(out, "\n\n#Consumer Subscription#\n");
    for (const struct tree *at = set == NULL ? NULL : set->first; at != NULL; at = at->next) {
        put_format(out, "%03d Topic: %-40s ClassFilter: %-8s SubExpression: %s\n", ++index,
                   tree_text(at, "topic", ""), tree_text(at, "classFilterMode", "false"),
                   tree_text(at, "subString", ""));
    }
}

static const char *time_field(struct admin *admin, const struct tree *value, const char *key) {
    return time_text_compact(admin, tree_number(value, key, 0));
}

/* ProcessQueueInfo.toString */
static void put_process_queue(struct admin *admin, struct buf *out, const struct tree *value) {
    static const char *const NUMBERS[] = {"commitOffset",
                                          "cachedMsgMinOffset",
                                          "cachedMsgMaxOffset",
                                          "cachedMsgCount",
                                          "cachedMsgSizeInMiB",
                                          "transactionMsgMinOffset",
                                          "transactionMsgMaxOffset",
                                          "transactionMsgCount",
                                          "locked",
                                          "tryUnlockTimes"};
    put_format(out, "ProcessQueueInfo [");
    for (size_t i = 0; i < sizeof(NUMBERS) / sizeof(NUMBERS[0]); i++) {
        put_format(out, "%s=%s, ", NUMBERS[i],
                   tree_text(value, NUMBERS[i], i == 8 ? "false" : "0"));
    }
    put_format(out,
               "lastLockTimestamp=%s, droped=%s, lastPullTimestamp=%s, lastConsumeTimestamp=%s]\n",
               time_field(admin, value, "lastLockTimestamp"), tree_text(value, "droped", "false"),
               time_field(admin, value, "lastPullTimestamp"),
               time_field(admin, value, "lastConsumeTimestamp"));
}

static void put_queues(struct admin *admin, struct buf *out, const struct queue_rows *rows) {
    put_format(out, "\n\n#Consumer Offset#\n%-64s  %-32s  %-4s  %-20s\n", "#Topic", "#Broker Name",
               "#QID", "#Consumer Offset");
    for (size_t i = 0; i < rows->count; i++) {
        const struct queue_row *row = &rows->rows[i];
        put_format(out, "%-32s  %-32s  %-4lld  %-20lld\n", row->topic, row->broker,
                   (long long)row->id, (long long)tree_number(row->value, "commitOffset", 0));
    }
    put_format(out, "\n\n#Consumer MQ Detail#\n%-64s  %-32s  %-4s  %-20s\n", "#Topic",
               "#Broker Name", "#QID", "#ProcessQueueInfo");
    for (size_t i = 0; i < rows->count; i++) {
        const struct queue_row *row = &rows->rows[i];
        put_format(out, "%-64s  %-32s  %-4lld  ", row->topic, row->broker, (long long)row->id);
        put_process_queue(admin, out, row->value);
    }
}

static void put_rates(struct buf *out, const struct tree *info) {
    const struct tree *table = tree_get(info, "statusTable");
    put_format(out, "\n\n#Consumer RT&TPS#\n%-64s  %14s %14s %14s %14s %18s %25s\n", "#Topic",
               "#Pull RT", "#Pull TPS", "#Consume RT", "#ConsumeOK TPS", "#ConsumeFailed TPS",
               "#ConsumeFailedMsgsInHour");
    for (const struct tree *at = table == NULL ? NULL : table->first; at != NULL; at = at->next) {
        put_format(out, "%-32s  %14.2f %14.2f %14.2f %14.2f %18.2f %25lld\n", at->key,
                   tree_double(at, "pullRT"), tree_double(at, "pullTPS"),
                   tree_double(at, "consumeRT"), tree_double(at, "consumeOKTPS"),
                   tree_double(at, "consumeFailedTPS"),
                   (long long)tree_number(at, "consumeFailedMsgs", 0));
    }
}

static const char *running_info_text(struct admin *admin, const struct tree *info) {
    struct buf text;
    struct queue_rows rows = {0};
    buf_init(&text, admin->env);
    queue_rows_add(admin, &rows, tree_get(info, "mqTable"));
    queue_rows_sort(&rows);
    put_properties(&text, info);
    put_subscriptions(&text, info);
    put_queues(admin, &text, &rows);
    put_rates(&text, info);
    const char *stack = tree_text(info, "jstack", NULL);
    if (stack != NULL)
        put_format(&text, "\n\n#Consumer jstack#\n%s", stack);
    const char *copy = arena_text(&admin->arena, buf_span(&text));
    buf_deinit(&text);
    return copy;
}

/* ---- what is said about a group -------------------------------------------------------------- */

static bool is_push(const struct tree *info) {
    return strcmp(tree_text(tree_get(info, "properties"), "PROP_CONSUME_TYPE", ""),
                  "CONSUME_PASSIVELY") == 0;
}

/* Topics and expressions of two sets, whatever their order. */
static bool same_subscriptions(const struct tree *a, const struct tree *b) {
    const struct tree *x = tree_get(a, "subscriptionSet"), *y = tree_get(b, "subscriptionSet");
    if (tree_count(x) != tree_count(y))
        return false;
    for (const struct tree *at = x == NULL ? NULL : x->first; at != NULL; at = at->next) {
        bool found = false;
        for (const struct tree *other = y->first; other != NULL; other = other->next) {
            found |= strcmp(tree_text(at, "topic", ""), tree_text(other, "topic", "")) == 0 &&
                     strcmp(tree_text(at, "subString", ""), tree_text(other, "subString", "")) == 0;
        }
        if (!found)
            return false;
    }
    return true;
}

/* ConsumerRunningInfo.analyzeSubscription: push members that run for two minutes. */
static bool group_subscribes_alike(const struct tree **infos, size_t count) {
    int64_t started =
        tree_number(tree_get(infos[0], "properties"), "PROP_CONSUMER_START_TIMESTAMP", 0);
    if (!is_push(infos[0]) || now_ms() - started <= 120000)
        return true;
    for (size_t i = 1; i < count; i++) {
        if (!same_subscriptions(infos[i], infos[0]))
            return false;
    }
    return tree_count(tree_get(infos[count - 1], "subscriptionSet")) > 0;
}

static const char *queue_text(struct admin *admin, const struct queue_row *row) {
    return arena_format(&admin->arena, "MessageQueue [topic=%s, brokerName=%s, queueId=%lld]",
                        row->topic, row->broker, (long long)row->id);
}

static void warn(struct admin *admin, const char *text) {
    say(admin, "%s\n", text);
    put_text(admin, NULL, text);
}

static void analyze_queue(struct admin *admin, const char *client_id, bool orderly,
                          const struct queue_row *row) {
    int64_t now = now_ms();
    const char *queue = queue_text(admin, row);
    int64_t unlocks = tree_number(row->value, "tryUnlockTimes", 0);
    int64_t waits = now - tree_number(row->value, "lastConsumeTimestamp", 0);
    if (orderly && !tree_bool(row->value, "locked"))
        warn(admin,
             arena_format(&admin->arena, "%s %s can't lock for a while, %lldms", client_id, queue,
                          (long long)(now - tree_number(row->value, "lastLockTimestamp", 0))));
    else if (orderly && tree_bool(row->value, "droped") && unlocks > 0)
        warn(admin, arena_format(&admin->arena, "%s %s unlock %lld times, still failed", client_id,
                                 queue, (long long)unlocks));
    else if (!orderly && waits > 60000 && tree_number(row->value, "cachedMsgCount", 0) > 0)
        warn(admin,
             arena_format(&admin->arena, "%s %s can't consume for a while, maybe blocked, %lldms",
                          client_id, queue, (long long)waits));
}

static void analyze_member(struct admin *admin, const char *client_id, const struct tree *info) {
    struct queue_rows rows = {0};
    bool orderly = tree_bool(tree_get(info, "properties"), "PROP_CONSUMEORDERLY");
    if (!is_push(info))
        return;
    queue_rows_add(admin, &rows, tree_get(info, "mqTable"));
    for (size_t i = 0; i < rows.count; i++) {
        analyze_queue(admin, client_id, orderly, &rows.rows[i]);
    }
}

static void analyze(struct admin *admin, const char **ids, const struct tree **infos,
                    size_t count) {
    bool alike = group_subscribes_alike(infos, count);
    put_bool(admin, "sameSubscription", alike);
    if (!alike) {
        say(admin, "\n\nWARN: Different subscription in the same group of consumer!!!\n");
        return;
    }
    say(admin, "\n\nSame subscription in the same group of consumer\n\nRebalance OK\n");
    put_array_begin(admin, "warnings");
    for (size_t i = 0; i < count; i++) {
        analyze_member(admin, ids[i], infos[i]);
    }
    put_array_end(admin);
}

/* ---- the command ----------------------------------------------------------------------------- */

/* "<now>/<client id>" in the working directory. */
static const char *write_info(struct admin *admin, const char *folder, const char *client_id,
                              const char *text) {
    const char *path = arena_format(&admin->arena, "%s/%s", folder, client_id);
    if (strchr(client_id, '/') != NULL) {
        admin_fail(admin, "client id %s is no file name", client_id);
        return NULL;
    }
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        admin_fail(admin, "cannot make %s: %s", folder, strerror(errno));
        return NULL;
    }
    FILE *file = fopen(path, "w");
    bool ok = file != NULL && fputs(text, file) >= 0;
    ok = file != NULL && fclose(file) == 0 && ok;
    if (!ok)
        admin_fail(admin, "cannot write %s: %s", path, strerror(errno));
    return ok ? path : NULL;
}

static const struct column MEMBER_COLUMNS[] = {
    {"index", "%-10s ", "#Index"},
    {"clientId", "%-40s ", "#ClientId"},
    {"version", "%-20s ", "#Version"},
    {"file", "%s", "#ConsumerRunningInfoFile"},
};

/* Where to ask: -b, or the first broker of the retry topic. It forwards to the member. */
static const char *relay_address(struct admin *admin, const char *group) {
    const char *address = options_text(&admin->options, "brokerAddr");
    if (address != NULL)
        return address;
    const struct route_data *route = ask_route(admin, retry_topic(admin, group), NULL);
    if (route == NULL)
        return NULL;
    address = route->broker_count == 0 ? NULL : broker_address(&route->brokers[0]);
    if (address == NULL)
        admin_fail(admin, "no broker of group %s has an address", group);
    return address;
}

static void status_of_members(struct admin *admin, const char *group, const char *address,
                              const struct tree *members) {
    const char *folder = call_number(admin, now_ms());
    const char **ids = arena_alloc(&admin->arena, tree_count(members) * sizeof(*ids));
    const struct tree **infos = arena_alloc(&admin->arena, tree_count(members) * sizeof(void *));
    size_t count = 0;
    bool stack = options_bool(&admin->options, "jstack");
    struct table table = TABLE(admin, "members", MEMBER_COLUMNS);
    for (const struct tree *at = members->first; at != NULL; at = at->next) {
        const char *id = tree_text(at, "clientId", "");
        const struct tree *info = ask_running_info(admin, address, group, id, stack, NULL);
        if (info == NULL)
            continue;
        ids[count] = id;
        infos[count++] = info;
        const char *file = write_info(admin, folder, id, running_info_text(admin, info));
        ROW(&table, cell_number(admin, (int64_t)count), cell_text(id),
            cell_text(version_text(admin, tree_number(at, "version", 0))), cell_text(file));
    }
    table_end(&table);
    put_array_begin(admin, "runningInfo");
    for (size_t i = 0; i < count; i++) {
        put_tree(admin, NULL, infos[i]);
    }
    put_array_end(admin);
    if (count > 0)
        analyze(admin, ids, infos, count);
}

static void consumer_status(struct admin *admin) {
    const char *group = options_text(&admin->options, "consumerGroup");
    const char *client_id = options_text(&admin->options, "clientId");
    const char *address = relay_address(admin, group);
    if (address == NULL)
        return;
    put_text(admin, "group", group);
    if (client_id != NULL) {
        const struct tree *info = ask_running_info(admin, address, group, client_id,
                                                   options_bool(&admin->options, "jstack"), NULL);
        if (info == NULL)
            return;
        say(admin, "%s", running_info_text(admin, info));
        put_tree(admin, "runningInfo", info);
        return;
    }
    const struct tree *online =
        ask_group_connections(admin, group, options_text(&admin->options, "brokerAddr"), NULL);
    const struct tree *members = tree_get(online, "connectionSet");
    if (members != NULL)
        status_of_members(admin, group, address, members);
}

static const struct option OPTIONS[] = {
    {'g', "consumerGroup", OPTION_TEXT, REQUIRED, NULL, "consumer group name"},
    {'i', "clientId", OPTION_TEXT, OPTIONAL, NULL, "The consumer's client id"},
    {'b', "brokerAddr", OPTION_TEXT, OPTIONAL, NULL, "broker address"},
    {'s', "jstack", OPTION_FLAG, OPTIONAL, NULL, "Run jstack command in the consumer progress"},
};
static const struct command COMMANDS[] = {
    COMMAND("consumerStatus", "Query consumer's internal data structure", consumer_status, OPTIONS),
};
const struct command_table STATUS_COMMANDS = {COMMANDS, sizeof(COMMANDS) / sizeof(COMMANDS[0])};
