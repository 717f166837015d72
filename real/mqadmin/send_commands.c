/* mqadmin/send_commands.c - sendMessage, checkMsgSendRT, clusterRT, sendMsgStatus. */
#include <unistd.h>

#include "real/mqadmin/print.h"
#include "real/mqadmin/send.h"

/* Apache's groups of the measuring commands are the time; a name says more at the broker. */
#define GROUP "TOOLS_PRODUCER"

/* ---- sendMessage ----------------------------------------------------------------------------- */

static const struct column SENT_COLUMNS[] = {
    {"brokerName", "%-32s  ", "#Broker Name"},
    {"queueId", "%-4s  ", "#QID"},
    {"sendStatus", "%-20s    ", "#Send Result"},
    {"msgId", "%s", "#MsgId"},
    {"offsetMsgId", NULL, NULL},
    {"queueOffset", NULL, NULL},
};

static void send_message(struct admin *admin) {
    const struct options *options = &admin->options;
    const char *body = options_text(options, "body");
    struct send_message message = {
        .body = span_of_text(body),
        .keys = options_text(options, "key"),
        .tags = options_text(options, "tags"),
        .broker = options_text(options, "broker"),
        .queue_id = options_given(options, "qid") ? options_number(options, "qid") : -1};
    struct sender sender;
    struct sent sent;
    if (message.queue_id >= 0 && message.broker == NULL) {
        admin_fail(admin, "Broker name must be set if the queue is chosen!");
        return;
    }
    if (!sender_init(&sender, admin, GROUP, options_text(options, "topic")))
        return;
    sender_send(&sender, &message, &sent);
    if (!sent_ok(admin, &sent))
        return;
    struct table table = TABLE(admin, "messages", SENT_COLUMNS);
    ROW(&table, cell_text(sent.queue->broker), cell_number(admin, sent.queue->id),
        cell_text(sent.status), cell_text(sent.msg_id), cell_text(sent.offset_id),
        cell_number(admin, sent.queue_offset));
    table_end(&table);
}

/* ---- checkMsgSendRT -------------------------------------------------------------------------- */

static struct span body_of(struct admin *admin, const char *text, int64_t size) {
    size_t len = strlen(text), bytes = ((size_t)size + len - 1) / len * len;
    char *body = arena_alloc(&admin->arena, bytes + 1);
    for (size_t i = 0; i < bytes; i++) {
        body[i] = text[i % len];
    }
    return span_of(body, bytes);
}

/* A send whose memory goes with it but for a failure's. */
struct sample {
    struct send_queue queue;
    bool ok;
    int64_t millis;
};
static struct sample send_sample(struct sender *sender, const struct send_message *message) {
    struct sent sent;
    sender_send(sender, message, &sent);
    struct sample sample = {.ok = sent.ok, .millis = sent.millis};
    if (sent.queue != NULL)
        sample.queue = *sent.queue;
    return sample;
}

static const struct column RT_COLUMNS[] = {
    {"brokerName", "%-32s  ", "#Broker Name"},
    {"queueId", "%-4s  ", "#QID"},
    {"success", "%-20s    ", "#Send Result"},
    {"rtMillis", "%s", "#RT"},
};

/* Apache's average leaves the first send out, and divides by one less. */
static double average(int64_t elapsed, int64_t amount) {
    return amount < 2 ? 0 : (double)elapsed / (double)(amount - 1);
}

static void check_msg_send_rt(struct admin *admin) {
    const struct options *options = &admin->options;
    int64_t amount = options_number(options, "amount"), elapsed = 0, failed = 0;
    struct send_message message = {.body = body_of(admin, "a", options_number(options, "size")),
                                   .queue_id = -1};
    struct sender sender;
    if (!sender_init(&sender, admin, GROUP, options_text(options, "topic")))
        return;
    struct table table = TABLE(admin, "sends", RT_COLUMNS);
    for (int64_t i = 0; i < amount; i++) {
        struct sample sample = send_sample(&sender, &message);
        elapsed += i == 0 ? 0 : sample.millis;
        failed += sample.ok ? 0 : 1;
        ROW(&table, cell_text(sample.queue.broker), cell_number(admin, sample.queue.id),
            cell_bool(sample.ok), cell_number(admin, sample.millis));
    }
    table_end(&table);
    say(admin, "Avg RT: %.2f\n", average(elapsed, amount));
    put_double(admin, "averageRtMillis", average(elapsed, amount));
    if (failed > 0)
        admin_fail(admin, "%lld of %lld sends failed", (long long)failed, (long long)amount);
}

/* ---- clusterRT ------------------------------------------------------------------------------- */

static const struct column CLUSTER_COLUMNS[] = {
    {"clusterName", "%-24s  ", NULL},    {"brokerName", "%-24s  ", NULL},
    {"averageRtMillis", "%-8s  ", NULL}, {"successCount", "%-16s  ", NULL},
    {"failCount", "%-16s", NULL},
};

/* "yyyy-MM-dd HH:mm:ss|room|cluster|broker|rt" */
static void say_log_line(struct admin *admin, const struct broker *broker, double rt) {
    say(admin, "%s|%s|%s|%s|%lld\n", time_text(admin, now_ms()),
        options_text(&admin->options, "machineRoom"), broker->cluster, broker->name,
        (long long)(rt + 0.5));
}

/* Sends to the topic that has the broker's name, which brokers make for this. */
static void measure_broker(const struct table *table, const struct broker *broker) {
    struct admin *admin = table->admin;
    int64_t amount = options_number(&admin->options, "amount"), elapsed = 0, ok = 0;
    struct send_message message = {
        .body = body_of(admin, "a", options_number(&admin->options, "size")), .queue_id = -1};
    struct sender sender;
    if (!sender_init(&sender, admin, GROUP, broker->name))
        return;
    for (int64_t i = 0; i < amount; i++) {
        struct sample sample = send_sample(&sender, &message);
        elapsed += i == 0 ? 0 : sample.millis;
        ok += sample.ok ? 1 : 0;
    }
    double rt = average(elapsed, amount);
    if (options_bool(&admin->options, "printLog") && !admin->options.json)
        say_log_line(admin, broker, rt);
    else
        ROW(table, cell_text(broker->cluster), cell_text(broker->name), cell_double(admin, rt, 2),
            cell_number(admin, ok), cell_number(admin, amount - ok));
    if (ok < amount)
        admin_fail(admin, "%lld of %lld sends to %s failed", (long long)(amount - ok),
                   (long long)amount, broker->name);
}

static void measure_cluster(struct admin *admin, const struct cluster_data *cluster) {
    const char *only = options_text(&admin->options, "cluster");
    bool found = false;
    struct table table = TABLE(admin, "brokers", CLUSTER_COLUMNS);
    for (size_t i = 0; i < cluster->broker_count; i++) {
        if (!cluster_has(&cluster->brokers[i], only))
            continue;
        found = true;
        measure_broker(&table, &cluster->brokers[i]);
    }
    table_end(&table);
    if (!found)
        admin_fail(admin, "cluster [%s] not exist", only == NULL ? "" : only);
}

static void cluster_rt(struct admin *admin) {
    const struct cluster_data *cluster = ask_cluster(admin);
    int64_t rounds = options_number(&admin->options, "rounds");
    if (cluster == NULL)
        return;
    if (!options_bool(&admin->options, "printLog"))
        say(admin, "%-24s  %-24s  %-4s  %-8s  %-8s\n", "#Cluster Name", "#Broker Name", "#RT",
            "#successCount", "#failCount");
    struct arena_mark mark = arena_mark(&admin->arena);
    for (int64_t round = 1;; round++) {
        measure_cluster(admin, cluster);
        if (admin->options.json || round == rounds || admin_failed(admin))
            return;
        arena_release(&admin->arena, mark);
        fflush(admin->out);
        sleep((unsigned)options_number(&admin->options, "interval"));
    }
}

/* ---- sendMsgStatus --------------------------------------------------------------------------- */

static const struct column STATUS_COLUMNS[] = {
    {NULL, "%s", NULL},    {"rtMillis", NULL, NULL}, {"sendStatus", NULL, NULL},
    {"msgId", NULL, NULL}, {"queueId", NULL, NULL},  {"queueOffset", NULL, NULL},
};

static void send_msg_status(struct admin *admin) {
    const struct options *options = &admin->options;
    struct send_message message = {
        .body = body_of(admin, "hello jodie", options_number(options, "messageSize")),
        .queue_id = -1};
    struct sender sender;
    struct sent sent;
    if (!sender_init(&sender, admin, "PID_SMSC", options_text(options, "brokerName")))
        return;
    sender_send(&sender, &message, &sent); /* warms the connection up */
    if (!sent_ok(admin, &sent))
        return;
    struct table table = TABLE(admin, "sends", STATUS_COLUMNS);
    for (int64_t i = 0; i < options_number(options, "count"); i++) {
        sender_send(&sender, &message, &sent);
        if (!sent_ok(admin, &sent))
            break;
        const char *line = arena_format(&admin->arena, "rt=%lldms, SendResult=%s",
                                        (long long)sent.millis, sent_text(admin, &sender, &sent));
        ROW(&table, cell_text(line), cell_number(admin, sent.millis), cell_text(sent.status),
            cell_text(sent.msg_id), cell_number(admin, sent.queue->id),
            cell_number(admin, sent.queue_offset));
    }
    table_end(&table);
}

/* ---- table ----------------------------------------------------------------------------------- */

static const struct option MESSAGE_OPTIONS[] = {
    {'t', "topic", OPTION_TEXT, REQUIRED, NULL, "Topic name"},
    {'p', "body", OPTION_TEXT, REQUIRED, NULL, "UTF-8 string format of the message body"},
    {'k', "key", OPTION_TEXT, OPTIONAL, NULL, "Message keys"},
    {'c', "tags", OPTION_TEXT, OPTIONAL, NULL, "Message tags"},
    {'b', "broker", OPTION_TEXT, OPTIONAL, NULL, "Send message to target broker"},
    {'i', "qid", OPTION_NUMBER, OPTIONAL, NULL, "Send message to target queue"},
    {'m', "msgTraceEnable", OPTION_BOOL, OPTIONAL, "false", "Message Trace Enable (no effect)"},
};
static const struct option RT_OPTIONS[] = {
    {'t', "topic", OPTION_TEXT, REQUIRED, NULL, "topic name"},
    {'a', "amount", OPTION_NUMBER, OPTIONAL, "100", "message amount"},
    {'s', "size", OPTION_NUMBER, OPTIONAL, "128", "message size, bytes"},
};
static const struct option CLUSTER_OPTIONS[] = {
    {'a', "amount", OPTION_NUMBER, OPTIONAL, "100", "message amount"},
    {'s', "size", OPTION_NUMBER, OPTIONAL, "128", "message size, bytes"},
    {'c', "cluster", OPTION_TEXT, OPTIONAL, NULL, "cluster name | default display all cluster"},
    {'p', "printLog", OPTION_BOOL, OPTIONAL, "false", "print as tlog"},
    {'m', "machineRoom", OPTION_TEXT, OPTIONAL, "noname", "machine room name"},
    {'i', "interval", OPTION_NUMBER, OPTIONAL, "10", "print interval, seconds"},
    {'r', "rounds", OPTION_NUMBER, OPTIONAL, "0",
     "end after so many rounds; 0: never (with --json: one)"},
};
static const struct option STATUS_OPTIONS[] = {
    {'b', "brokerName", OPTION_TEXT, REQUIRED, NULL, "Broker Name"},
    {'s', "messageSize", OPTION_NUMBER, OPTIONAL, "128", "Message Size"},
    {'c', "count", OPTION_NUMBER, OPTIONAL, "50", "send message count"},
};
static const struct command COMMANDS[] = {
    COMMAND("sendMessage", "Send a message", send_message, MESSAGE_OPTIONS),
    COMMAND("sendMsgStatus", "send msg to broker.", send_msg_status, STATUS_OPTIONS),
    COMMAND("checkMsgSendRT", "check message send response time", check_msg_send_rt, RT_OPTIONS),
    COMMAND("clusterRT", "List All clusters Message Send RT", cluster_rt, CLUSTER_OPTIONS),
};
const struct command_table SEND_COMMANDS = {COMMANDS, sizeof(COMMANDS) / sizeof(COMMANDS[0])};
