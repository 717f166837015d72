/* broker/metrics.c - see metrics.h: what the exporter makes of 28, and our own; topics and groups
 * are in metrics_items.c. */
#include "model/broker/metrics.h"

#include "model/base/exposition.h"
#include "model/broker/broker_internal.h"
#include "model/broker/metrics_items.h"

#define NS_PER_MS UINT64_C(1000000)

/* ---- rocketmq_brokeruntime_ ------------------------------------------------------------------ */

struct runtime_metrics {
    const struct broker *broker;
    const struct runtime_figures *figures;
    struct buf *out;
};

static void begin(struct exposition *x, const struct runtime_metrics *m, const char *name) {
    bool v5 = m->broker->config.profile_5_3;
    exposition_metric(x, m->out, name, "gauge", "Runtime information (request 28).");
    exposition_sample(x, "");
    exposition_label(x, "cluster", m->broker->config.cluster);
    exposition_label(x, "brokerIP", m->broker->config.addr);
    exposition_label(x, "brokerHost", m->broker->config.name);
    exposition_label(x, "des", SPAN_NONE);
    exposition_label_number(x, "boottime", m->figures->boot_ms);
    exposition_label(x, "broker_version", v5 ? SPAN_LITERAL("V5_3_3") : SPAN_LITERAL("V4_9_8"));
}

static void put(const struct runtime_metrics *m, const char *name, int64_t value) {
    struct exposition x;
    begin(&x, m, name);
    exposition_number(&x, value);
}

static void put_count(const struct runtime_metrics *m, const char *name, uint64_t value) {
    put(m, name, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

static void put_decimal(const struct runtime_metrics *m, const char *name, int64_t millionths) {
    struct exposition x;
    begin(&x, m, name);
    exposition_decimal(&x, millionths);
}

#define PREFIX "rocketmq_brokeruntime_"

static void put_times(const struct runtime_metrics *m) {
    static const char *const NAMES[STATS_PUT_TIMES] = {
        PREFIX "pmdt_0ms",       PREFIX "pmdt_0to10ms",    PREFIX "pmdt_10to50ms",
        PREFIX "pmdt_50to100ms", PREFIX "pmdt_100to200ms", PREFIX "pmdt_200to500ms",
        PREFIX "pmdt_500to1s",   PREFIX "pmdt_1to2s",      PREFIX "pmdt_2to3s",
        PREFIX "pmdt_3to4s",     PREFIX "pmdt_4to5s",      PREFIX "pmdt_5to10s",
        PREFIX "pmdt_10stomore"};
    const struct stats_put_minute *minute = m->figures->minute;
    for (unsigned i = 0; i < STATS_PUT_TIMES; i++)
        put_count(m, NAMES[i], minute == NULL ? 0 : minute->times[i]);
    put_decimal(m, PREFIX "put_latency_99", runtime_put_latency(minute, 990));
    put_decimal(m, PREFIX "put_latency_999", runtime_put_latency(minute, 999));
}

static void put_rates(const struct runtime_metrics *m) {
    static const struct {
        enum stats_rate rate;
        const char *names[3];
    } NAMES[] = {
        {RATE_PUT, {PREFIX "put_tps10", PREFIX "put_tps60", PREFIX "put_tps600"}},
        {RATE_FOUND, {PREFIX "getfound_tps10", PREFIX "getfound_tps60", PREFIX "getfound_tps600"}},
        {RATE_MISS, {PREFIX "getmiss_tps10", PREFIX "getmiss_tps60", PREFIX "getmiss_tps600"}},
        {RATE_TRANSFERRED,
         {PREFIX "gettransfered_tps10", PREFIX "gettransfered_tps60",
          PREFIX "gettransfered_tps600"}},
    };
    static const char *const TOTALS[3] = {PREFIX "gettotal_tps10", PREFIX "gettotal_tps60",
                                          PREFIX "gettotal_tps600"};
    const struct runtime_figures *f = m->figures;
    for (unsigned i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        for (unsigned n = 0; n < 3; n++)
            put_decimal(m, NAMES[i].names[n], f->rates[NAMES[i].rate][n]);
    }
    for (unsigned n = 0; n < 3; n++)
        put_decimal(m, TOTALS[n], f->rates[RATE_FOUND][n] + f->rates[RATE_MISS][n]);
}

static void put_totals(const struct runtime_metrics *m) {
    const struct stats_totals *t = &m->figures->totals;
    const struct stats_mornings *mornings = &m->figures->mornings;
    put_count(m, PREFIX "msg_put_total_today_now", t->put_messages);
    put_count(m, PREFIX "msg_gettotal_today_now", t->transferred);
    put_count(m, PREFIX "msg_puttotal_yesterdaymorning", mornings->put_yesterday);
    put_count(m, PREFIX "msg_gettotal_yesterdaymorning", mornings->get_yesterday);
    put_count(m, PREFIX "msg_puttotal_todaymorning", mornings->put_today);
    put_count(m, PREFIX "msg_gettotal_todaymorning", mornings->get_today);
    put_count(m, PREFIX "put_message_size_total", t->put_bytes);
    put_decimal(m, PREFIX "put_message_average_size", m->figures->average_bytes);
    put_count(m, PREFIX "putmessage_times_total", t->put_messages == 0 ? 1 : t->put_messages);
    put_count(m, PREFIX "putmessage_entire_time_max", t->put_max_ms);
    put_count(m, PREFIX "getmessage_entire_time_max", t->get_max_ms);
}

static void put_queues(const struct runtime_metrics *m) {
    const struct runtime_figures *f = m->figures;
    put_count(m, PREFIX "send_threadpool_queue_size", f->sends.size);
    put_count(m, PREFIX "send_threadpoolqueue_capacity", f->sends.capacity);
    put_count(m, PREFIX "send_threadpoolqueue_headwait_timemills", f->sends.head_wait_ms);
    put_count(m, PREFIX "pull_threadpoolqueue_size", f->pulls.size);
    put_count(m, PREFIX "pull_threadpoolqueue_capacity", f->pulls.capacity);
    put_count(m, PREFIX "pull_threadpoolqueue_headwait_timemills", f->pulls.head_wait_ms);
    put_count(m, PREFIX "query_threadpoolqueue_size", f->queries.size);
    put_count(m, PREFIX "query_threadpool_queue_capacity", f->queries.capacity);
    put_count(m, PREFIX "query_threadpoolqueue_headwait_timemills", f->queries.head_wait_ms);
}

static void put_store(const struct runtime_metrics *m) {
    const struct runtime_figures *f = m->figures;
    put_count(m, PREFIX "dispatch_behind_bytes", f->dispatch_behind);
    put(m, PREFIX "dispatch_maxbuffer", 0);
    put_count(m, PREFIX "pagecache_lock_time_mills", f->lock_ms);
    put(m, PREFIX "earliest_message_timestamp", f->earliest_ms);
    put(m, PREFIX "start_accept_sendrequest_time", f->accept_sends_ms);
    put(m, PREFIX "remain_transientstore_buffer_numbs", INT32_MAX);
    put_count(m, PREFIX "remain_howmanydata_toflush", f->to_flush);
    put(m, PREFIX "commitlog_minoffset", f->min_physical);
    put(m, PREFIX "commitlog_maxoffset", f->max_physical);
    if (!f->has_disk)
        return;
    put_decimal(m, PREFIX "commitlog_disk_ratio", (int64_t)f->disk_percent * 10000);
    put_decimal(m, PREFIX "consumequeue_disk_ratio", (int64_t)f->queue_percent * 10000);
    put_count(m, PREFIX "commitlogdir_capacity_total", f->disk_total);
    put_count(m, PREFIX "commitlogdir_capacity_free", f->disk_free);
}

/* ---- windtunnel_ ----------------------------------------------------------------------------- */

static void put_own(const char *name, const char *type, const char *help, uint64_t value,
                    struct buf *out) {
    struct exposition x;
    exposition_metric(&x, out, name, type, help);
    exposition_sample(&x, "");
    exposition_count(&x, value);
}

static void put_requests(const struct stats *stats, struct buf *out) {
    struct exposition x;
    exposition_metric(&x, out, "windtunnel_request_latency_us", "histogram",
                      "From a request's arrival (a held pull: its waking) to its answer.");
    for (uint32_t i = 0; i < stats->code_count; i++) {
        char code[DECIMAL_BYTES_MAX];
        size_t len = format_i64(code, stats->codes[i]->code);
        exposition_latency(&x, "code", span_of(code, len), &stats->codes[i]->latency);
    }
}

static uint64_t age_ms(const struct broker *broker, const struct name_server *server) {
    return (env_mono_ns(broker->env) - server->accepted_ns) / NS_PER_MS;
}

static void put_registrations(const struct broker *broker, struct buf *out) {
    struct exposition x;
    exposition_metric(&x, out, "windtunnel_registration_age_ms", "gauge",
                      "Since a name server said yes to a registration; -1: it never did.");
    for (uint32_t i = 0; i < broker->servers.count; i++) {
        const struct name_server *server = &broker->servers.servers[i];
        exposition_sample(&x, "");
        exposition_label(&x, "name_server", server->address);
        if (server->accepted_ns == 0)
            exposition_number(&x, -1);
        else
            exposition_count(&x, age_ms(broker, server));
    }
}

static void put_limits(const struct broker *broker, struct buf *out) {
    struct exposition x;
    exposition_metric(&x, out, "windtunnel_limit_refused_total", "counter",
                      "Requests that exceeded a limit (limitSendsPerTopic, ...).");
    for (int kind = 0; kind < LIMIT_KINDS; kind++) {
        for (int subject = 0; subject < LIMIT_SUBJECTS; subject++) {
            if (broker->config.limits.per_second[kind][subject] == 0 &&
                broker->limits.refused[kind][subject] == 0)
                continue;
            exposition_sample(&x, "");
            exposition_label(
                &x, "limit",
                span_of_text(limit_key((enum limit_kind)kind, (enum limit_subject)subject)));
            exposition_count(&x, broker->limits.refused[kind][subject]);
        }
    }
}

static void put_all_own(struct broker *broker, const struct runtime_figures *f, struct buf *out) {
    put_requests(&broker->stats, out);
    put_registrations(broker, out);
    put_limits(broker, out);
    if (broker->access != NULL)
        put_own("windtunnel_acl_refused_total", "counter", "Requests that access control refused.",
                access_refused(broker->access), out);
    put_own("windtunnel_flush_lag_bytes", "gauge", "Written to the log, not flushed.", f->to_flush,
            out);
    put_own("windtunnel_dispatch_lag_bytes", "gauge", "Written to the log, in no queue yet.",
            f->dispatch_behind, out);
    put_own("windtunnel_store_writable", "gauge", "1: the store takes messages.",
            store_takes_puts(broker->store), out);
    put_own("windtunnel_put_failed_total", "counter", "Sends that were not stored.",
            f->totals.put_failed, out);
    put_own("windtunnel_held_pulls", "gauge", "Pulls that wait for messages.", broker->holds.count,
            out);
    put_own("windtunnel_channels", "gauge", "Connections.", broker->remoting.channel_count, out);
    put_own("windtunnel_frames_refused_total", "counter", "Frames that did not decode.",
            broker->remoting.frames_refused, out);
    put_own("windtunnel_stats_items", "gauge", "Topics and groups that are counted.",
            broker->stats.entries, out);
    put_own("windtunnel_stats_uncounted_total", "counter",
            "Messages and pulls that found no room for an item.", broker->stats.uncounted, out);
}

static void put_replication(struct broker *broker, struct buf *out) {
    if (broker->slave != NULL) {
        put_own("windtunnel_master_connected", "gauge", "1: the master sends its log.",
                broker->slave->ha.state == HA_OPEN, out);
        put_own("windtunnel_log_diverged", "gauge", "1: the log differs from the master's.",
                broker->slave->ha.diverged, out);
        return;
    }
    uint32_t slaves = ha_master_slaves(&broker->ha_master);
    put_own("windtunnel_slaves", "gauge", "Slaves that follow.", slaves, out);
    if (slaves > 0)
        put_own("windtunnel_slave_behind_bytes", "gauge", "What the furthest slave lacks.",
                (uint64_t)ha_master_behind(&broker->ha_master), out);
}

int broker_metrics_write(void *node, struct buf *out) {
    struct broker *broker = node;
    struct runtime_figures figures;
    if (!broker->serves || broker->stopping)
        return RMQ_E_STATE;
    earliest_refresh(broker);
    runtime_figures_read(broker, &figures);
    const struct runtime_metrics metrics = {broker, &figures, out};
    put_times(&metrics);
    put_rates(&metrics);
    put_totals(&metrics);
    put_queues(&metrics);
    put_store(&metrics);
    metrics_items_write(broker, out);
    put_all_own(broker, &figures, out);
    put_replication(broker, out);
    return buf_failed(out) ? RMQ_E_NOMEM : RMQ_OK;
}
