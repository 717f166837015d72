/* broker/runtime_info.c - request 28: the figures as Apache's texts. Source: StoreStatsService,
 * DefaultMessageStore, AdminBrokerProcessor.prepareRuntimeInfo of both releases; observed:
 * tests/vectors/wire, *-mqadmin*, clusterList and brokerStatus. */
#include "model/broker/runtime_info.h"

#include "model/base/check.h"
#include "model/base/json.h"
#include "model/broker/broker_internal.h"

#define END_TRANSACTION_CAPACITY 100000
#define LITE_PULL_CAPACITY 100000
#define ACK_CAPACITY 100000

/* ---- texts ----------------------------------------------------------------------------------- */

struct table {
    struct buf text;
    void (*each)(void *ctx, const char *key, struct span value);
    void *ctx;
    bool failed;
};

/* Ends a value that was put into table->text. */
static void end_value(struct table *table, const char *key) {
    table->failed |= buf_failed(&table->text);
    if (!table->failed)
        table->each(table->ctx, key, buf_span(&table->text));
    buf_clear(&table->text);
}

static void put_text(struct table *table, const char *key, const char *value) {
    buf_put_text(&table->text, value);
    end_value(table, key);
}

static void put_number(struct table *table, const char *key, int64_t value) {
    buf_put_decimal(&table->text, value);
    end_value(table, key);
}

static void put_count(struct table *table, const char *key, uint64_t value) {
    put_number(table, key, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

/* Below 1024 "n B", else one decimal and KiB, MiB, ... (MixAll.humanReadableByteCount). */
static void put_bytes(struct buf *out, uint64_t bytes) {
    static const char UNITS[] = "KMGTPE";
    uint64_t unit = 1024;
    unsigned i = 0;
    if (bytes < unit) {
        buf_put_decimal(out, (int64_t)bytes);
        buf_put_text(out, " B");
        return;
    }
    while (bytes / unit >= 1024) {
        unit *= 1024;
        i++;
    }
    decimal_put_fixed(out, decimal_ratio((int64_t)bytes, 1, (int64_t)unit), 1);
    buf_put_u8(out, ' ');
    buf_put_u8(out, (uint8_t)UNITS[i]);
    buf_put_text(out, "iB");
}

/* "a b c"; a part is empty while the broker has not run for that long (Apache's way). */
static void put_rates(struct table *table, const char *key, const struct runtime_figures *figures,
                      const int64_t rates[3]) {
    for (unsigned i = 0; i < 3; i++) {
        if (i > 0)
            buf_put_u8(&table->text, ' ');
        if (figures->has_rate[i])
            decimal_put(&table->text, rates[i]);
    }
    end_value(table, key);
}

/* This one is never empty. */
static void put_total_rates(struct table *table, const struct runtime_figures *figures) {
    for (unsigned i = 0; i < 3; i++) {
        if (i > 0)
            buf_put_u8(&table->text, ' ');
        decimal_put(&table->text, figures->rates[RATE_FOUND][i] + figures->rates[RATE_MISS][i]);
    }
    end_value(table, "getTotalTps");
}

static void put_runtime(struct table *table, uint64_t seconds) {
    const struct {
        uint64_t value;
        const char *unit;
    } parts[] = {{seconds / 86400, " days, "},
                 {seconds / 3600 % 24, " hours, "},
                 {seconds / 60 % 60, " minutes, "},
                 {seconds % 60, " seconds ]"}};
    buf_put_text(&table->text, "[ ");
    for (unsigned i = 0; i < 4; i++) {
        buf_put_decimal(&table->text, (int64_t)parts[i].value);
        buf_put_text(&table->text, parts[i].unit);
    }
    end_value(table, "runtime");
}

static void put_distribution(struct table *table, const struct stats_put_minute *minute) {
    static const char *const NAMES[STATS_PUT_TIMES] = {
        "[<=0ms]",     "[0~10ms]",   "[10~50ms]", "[50~100ms]", "[100~200ms]",
        "[200~500ms]", "[500ms~1s]", "[1~2s]",    "[2~3s]",     "[3~4s]",
        "[4~5s]",      "[5~10s]",    "[10s~]"};
    if (minute == NULL) {
        put_text(table, "putMessageDistributeTime", "null");
        return;
    }
    for (unsigned i = 0; i < STATS_PUT_TIMES; i++) {
        buf_put_text(&table->text, NAMES[i]);
        buf_put_u8(&table->text, ':');
        buf_put_decimal(&table->text, (int64_t)minute->times[i]);
        buf_put_u8(&table->text, ' ');
    }
    end_value(table, "putMessageDistributeTime");
}

static void put_latency(struct table *table, const char *key, const struct stats_put_minute *minute,
                        uint32_t permille) {
    decimal_put_fixed(&table->text, runtime_put_latency(minute, permille), 2);
    end_value(table, key);
}

static void put_percent(struct table *table, const char *key, uint32_t percent) {
    decimal_put(&table->text, (int64_t)percent * 10000);
    end_value(table, key);
}

/* ---- the table ------------------------------------------------------------------------------- */

static void put_totals(struct table *table, const struct runtime_figures *f) {
    const struct stats_totals *totals = &f->totals;
    put_number(table, "bootTimestamp", f->boot_ms);
    put_runtime(table, f->uptime_s);
    put_count(table, "putMessageEntireTimeMax", totals->put_max_ms);
    put_count(table, "putMessageTimesTotal", totals->put_messages == 0 ? 1 : totals->put_messages);
    put_count(table, "putMessageFailedTimes", totals->put_failed);
    put_count(table, "putMessageSizeTotal", totals->put_bytes);
    put_distribution(table, f->minute);
    decimal_put(&table->text, f->average_bytes);
    end_value(table, "putMessageAverageSize");
    put_number(table, "dispatchMaxBuffer", 0);
    put_count(table, "getMessageEntireTimeMax", totals->get_max_ms);
    put_rates(table, "putTps", f, f->rates[RATE_PUT]);
    put_rates(table, "getFoundTps", f, f->rates[RATE_FOUND]);
    put_rates(table, "getMissTps", f, f->rates[RATE_MISS]);
    put_total_rates(table, f);
    put_rates(table, "getTransferedTps", f, f->rates[RATE_TRANSFERRED]);
    put_rates(table, "getTransferredTps", f, f->rates[RATE_TRANSFERRED]);
    put_latency(table, "putLatency99", f->minute, 990);
    put_latency(table, "putLatency999", f->minute, 999);
}

static void put_mornings(struct table *table, const struct runtime_figures *f) {
    put_count(table, "msgPutTotalYesterdayMorning", f->mornings.put_yesterday);
    put_count(table, "msgPutTotalTodayMorning", f->mornings.put_today);
    put_count(table, "msgPutTotalTodayNow", f->totals.put_messages);
    put_count(table, "msgGetTotalYesterdayMorning", f->mornings.get_yesterday);
    put_count(table, "msgGetTotalTodayMorning", f->mornings.get_today);
    put_count(table, "msgGetTotalTodayNow", f->totals.transferred);
}

static void put_queues(struct table *table, const struct runtime_figures *f) {
    put_count(table, "sendThreadPoolQueueSize", f->sends.size);
    put_count(table, "sendThreadPoolQueueCapacity", f->sends.capacity);
    put_count(table, "sendThreadPoolQueueHeadWaitTimeMills", f->sends.head_wait_ms);
    put_count(table, "pullThreadPoolQueueSize", f->pulls.size);
    put_count(table, "pullThreadPoolQueueCapacity", f->pulls.capacity);
    put_count(table, "pullThreadPoolQueueHeadWaitTimeMills", f->pulls.head_wait_ms);
    put_count(table, "queryThreadPoolQueueSize", f->queries.size);
    put_count(table, "queryThreadPoolQueueCapacity", f->queries.capacity);
    put_count(table, "queryThreadPoolQueueHeadWaitTimeMills", f->queries.head_wait_ms);
    put_number(table, "EndTransactionQueueSize", 0);
    put_number(table, "EndTransactionThreadPoolQueueCapacity", END_TRANSACTION_CAPACITY);
}

static void put_store(struct table *table, const struct runtime_figures *f) {
    put_count(table, "dispatchBehindBytes", f->dispatch_behind);
    put_count(table, "pageCacheLockTimeMills", f->lock_ms);
    put_number(table, "earliestMessageTimeStamp", f->earliest_ms);
    put_number(table, "startAcceptSendRequestTimeStamp", f->accept_sends_ms);
    put_number(table, "remainTransientStoreBufferNumbs", INT32_MAX);
    put_bytes(&table->text, f->to_flush);
    end_value(table, "remainHowManyDataToFlush");
    put_number(table, "commitLogMinOffset", f->min_physical);
    put_number(table, "commitLogMaxOffset", f->max_physical);
}

static void put_disk(struct table *table, const struct runtime_figures *f) {
    char key[ENV_PATH_MAX + 32] = "commitLogDiskRatio_";
    if (!f->has_disk)
        return;
    size_t len = strlen(key), room = sizeof key - len - 1;
    size_t path = f->commit_log.len < room ? f->commit_log.len : room;
    memcpy(key + len, f->commit_log.data, path);
    key[len + path] = '\0';
    put_percent(table, key, f->disk_percent);
    put_percent(table, "commitLogDiskRatio", f->disk_percent);
    put_percent(table, "consumeQueueDiskRatio", f->queue_percent);
    buf_put_text(&table->text, "Total : ");
    put_bytes(&table->text, f->disk_total);
    buf_put_text(&table->text, ", Free : ");
    put_bytes(&table->text, f->disk_free);
    buf_put_u8(&table->text, '.');
    end_value(table, "commitLogDirCapacity");
}

/* Pools and the timer wheel, of which nothing is here. */
static void put_5_3(struct table *table) {
    put_number(table, "litePullThreadPoolQueueSize", 0);
    put_number(table, "litePullThreadPoolQueueCapacity", LITE_PULL_CAPACITY);
    put_number(table, "litePullThreadPoolQueueHeadWaitTimeMills", 0);
    put_number(table, "ackThreadPoolQueueSize", 0);
    put_number(table, "ackThreadPoolQueueCapacity", ACK_CAPACITY);
    put_number(table, "ackThreadPoolQueueHeadWaitTimeMills", 0);
    put_number(table, "timerReadBehind", 0);
    put_number(table, "timerOffsetBehind", 0);
    put_number(table, "timerCongestNum", 0);
    put_text(table, "timerEnqueueTps", "0.0");
    put_text(table, "timerDequeueTps", "0.0");
}

int runtime_info_each(struct broker *broker,
                      void (*each)(void *ctx, const char *key, struct span value), void *ctx) {
    bool v5 = broker->config.profile_5_3;
    struct table table = {.each = each, .ctx = ctx};
    struct runtime_figures figures;
    runtime_figures_read(broker, &figures);
    buf_init(&table.text, broker->env);
    put_totals(&table, &figures);
    put_mornings(&table, &figures);
    put_queues(&table, &figures);
    put_store(&table, &figures);
    put_disk(&table, &figures);
    put_text(&table, "brokerVersionDesc", v5 ? "V5_3_3" : "V4_9_8");
    put_number(&table, "brokerVersion", v5 ? WIRE_VERSION_5_3_3 : WIRE_VERSION_4_9_8);
    put_text(&table, "brokerActive", broker->config.broker_id == 0 ? "true" : "false");
    if (v5)
        put_5_3(&table);
    buf_deinit(&table.text);
    return table.failed ? RMQ_E_NOMEM : RMQ_OK;
}

/* ---- request 28 ------------------------------------------------------------------------------ */

static void write_pair(void *ctx, const char *key, struct span value) {
    struct json_writer *json = ctx;
    json_key_text(json, key);
    json_string(json, value);
}

static void answer_table(struct broker *broker, const struct asker *asker) {
    struct json_writer json;
    struct buf body;
    buf_init(&body, broker->env);
    json_writer_init(&json, &body, JSON_STYLE_FASTJSON);
    json_object_begin(&json);
    json_key_text(&json, "table");
    json_object_begin(&json);
    int err = runtime_info_each(broker, write_pair, &json);
    json_object_end(&json);
    json_object_end(&json);
    body.failed |= err != RMQ_OK;
    answer_body(&broker->remoting, asker, &body);
    buf_deinit(&body);
}

/* Who waits until it is known when the log begins. */
struct runtime_asker {
    struct list link;
    struct asker asker;
};

static bool earliest_known(const struct broker *broker) {
    int64_t min = store_min_physical(broker->store);
    return broker->earliest.physical == min || min == store_max_physical(broker->store);
}

static void on_earliest(struct store_lookup *lookup, int status) {
    struct earliest *earliest = RMQ_CONTAINER_OF(lookup, struct earliest, lookup);
    struct broker *broker = RMQ_CONTAINER_OF(earliest, struct broker, earliest);
    struct message message;
    bool found = status == RMQ_OK &&
                 message_decode(buf_span(&lookup->records), false, &message) == MESSAGE_OK;
    earliest->physical = found ? message.physical_offset : INT64_C(-1);
    earliest->ms = found ? message.store_ms : INT64_C(-1);
    buf_deinit(&lookup->records);
    LIST_EACH(&earliest->waiting, link, next) {
        struct runtime_asker *waiting = LIST_ENTRY(link, struct runtime_asker, link);
        list_remove(link);
        answer_table(broker, &waiting->asker);
        env_free(broker->env, waiting);
    }
}

void earliest_refresh(struct broker *broker) {
    struct store_lookup *lookup = &broker->earliest.lookup;
    if (lookup->done != NULL || earliest_known(broker))
        return;
    buf_init(&lookup->records, broker->env);
    store_message_at(broker->store, store_min_physical(broker->store), lookup, on_earliest);
}

void earliest_stored(struct broker *broker, int64_t physical, int64_t store_ms) {
    struct earliest *earliest = &broker->earliest;
    if (earliest->physical >= 0 || physical != store_min_physical(broker->store))
        return;
    earliest->physical = physical;
    earliest->ms = store_ms;
}

void earliest_init(struct earliest *earliest) {
    *earliest = (struct earliest){.physical = -1, .ms = -1};
    list_init(&earliest->waiting);
}

void earliest_deinit(struct earliest *earliest, struct broker *broker) {
    if (earliest->waiting.next == NULL)
        return;
    if (earliest->lookup.done != NULL) {
        store_lookup_cancel(broker->store, &earliest->lookup);
        buf_deinit(&earliest->lookup.records);
    }
    LIST_EACH(&earliest->waiting, link, next) {
        list_remove(link);
        env_free(broker->env, LIST_ENTRY(link, struct runtime_asker, link));
    }
    *earliest = (struct earliest){0};
}

void earliest_forget_channel(struct earliest *earliest, const struct channel *channel) {
    LIST_EACH(&earliest->waiting, link, next) {
        struct runtime_asker *waiting = LIST_ENTRY(link, struct runtime_asker, link);
        if (waiting->asker.channel == channel)
            waiting->asker.channel = NULL;
    }
}

void broker_on_runtime_info(struct broker *broker, struct channel *channel,
                            const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    earliest_refresh(broker);
    struct runtime_asker *waiting = NULL;
    if (broker->earliest.lookup.done != NULL)
        waiting = env_alloc(broker->env, sizeof *waiting);
    if (waiting == NULL) { /* without memory it is not worth waiting for one figure */
        answer_table(broker, &asker);
        return;
    }
    waiting->asker = asker;
    list_append(&broker->earliest.waiting, &waiting->link);
}
