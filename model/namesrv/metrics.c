/* namesrv/metrics.c - see metrics.h. */
#include "model/namesrv/metrics.h"

#include "model/base/exposition.h"
#include "model/namesrv/namesrv_internal.h"

#define NS_PER_MS UINT64_C(1000000)

static void put(struct buf *out, const char *name, const char *type, const char *help,
                uint64_t value) {
    struct exposition x;
    exposition_metric(&x, out, name, type, help);
    exposition_sample(&x, "");
    exposition_count(&x, value);
}

static void put_evictions(const struct route_table *table, struct buf *out) {
    struct exposition x;
    exposition_metric(&x, out, "windtunnel_namesrv_evictions_total", "counter",
                      "Broker addresses that went, by reason.");
    for (unsigned i = 0; i < ROUTE_REASONS; i++) {
        exposition_sample(&x, "");
        exposition_label(&x, "reason", span_of_text(ROUTE_REASON_TEXTS[i]));
        exposition_count(&x, table->evicted[i]);
    }
}

static void put_ages(const struct namesrv *ns, struct buf *out) {
    struct exposition x;
    struct route_live *live, *following;
    exposition_metric(&x, out, "windtunnel_namesrv_broker_age_ms", "gauge",
                      "Since a broker's address was last heard of.");
    HASH_ITER(hh, ns->table.lives, live, following) {
        exposition_sample(&x, "");
        exposition_label(&x, "cluster", route_live_cluster(live));
        exposition_label(&x, "addr", route_live_addr(live));
        exposition_count(&x, (env_mono_ns(ns->env) - live->refreshed_ns) / NS_PER_MS);
    }
}

int namesrv_metrics_write(void *node, struct buf *out) {
    const struct namesrv *ns = node;
    put(out, "windtunnel_namesrv_brokers", "gauge", "Broker names.", HASH_COUNT(ns->table.brokers));
    put(out, "windtunnel_namesrv_addresses", "gauge", "Broker addresses.",
        HASH_COUNT(ns->table.lives));
    put(out, "windtunnel_namesrv_clusters", "gauge", "Clusters.", HASH_COUNT(ns->table.clusters));
    put(out, "windtunnel_namesrv_topics", "gauge", "Topics.", HASH_COUNT(ns->table.topics));
    put(out, "windtunnel_namesrv_channels", "gauge", "Connections.", ns->remoting.channel_count);
    put(out, "windtunnel_namesrv_frames_in_total", "counter", "Frames received.",
        ns->remoting.frames_in);
    put(out, "windtunnel_namesrv_frames_refused_total", "counter", "Frames that did not decode.",
        ns->remoting.frames_refused);
    put_evictions(&ns->table, out);
    put_ages(ns, out);
    return buf_failed(out) ? RMQ_E_NOMEM : RMQ_OK;
}
