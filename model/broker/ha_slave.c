/* broker/ha_slave.c - see ha_slave.h. */
#include "model/broker/ha_slave.h"

#include "model/base/check.h"
#include "model/broker/broker_internal.h"
#include "model/events.h"
#include "model/quirks.h"
#include "model/wire/message_bytes.h"

#define NS_PER_MS UINT64_C(1000000)
#define DIAL_AGAIN_NS (1000 * NS_PER_MS) /* doubled with each dial that fails, up to: */
#define REFUSED_AGAIN_NS (5000 * NS_PER_MS)
#define SETTLE_NS (100 * NS_PER_MS)
#define DIAL_TIMEOUT_NS (3000 * NS_PER_MS)
#define UNWRITTEN_MAX (8U << 20) /* then it does not read on ... */
#define UNWRITTEN_LOW (4U << 20) /* ... until it is down to this */
#define HEAD_BYTES ((size_t)12)

static void on_timer(struct env *env, struct env_timer *timer);

static void wait(struct ha_slave *ha, uint64_t ns) {
    env_timer_start(ha->broker->env, &ha->timer, ns, on_timer);
}

static void drop_overlap(struct ha_slave *ha) {
    env_free(ha->broker->env, ha->overlap);
    ha->overlap = NULL;
}

/* Ends the connection, which is closed already or is closed here; dials again later. */
static void leave(struct ha_slave *ha, const char *reason) {
    struct broker *broker = ha->broker;
    if (ha->state == HA_OPEN)
        event_ha_master_left(broker->env, span_of_text(ha->master), span_of_text(reason),
                             store_log_end(broker->store));
    if (ha->conn != NULL)
        env_conn_close(ha->conn);
    ha->conn = NULL;
    store_log_read_cancel(ha->job);
    ha->job = NULL;
    drop_overlap(ha);
    bool good = ha->met && !ha->diverged;
    uint64_t again = good ? 0 : 2 * ha->again_ns;
    ha->again_ns = again < DIAL_AGAIN_NS ? DIAL_AGAIN_NS : again;
    if (ha->again_ns > REFUSED_AGAIN_NS)
        ha->again_ns = REFUSED_AGAIN_NS;
    ha->met = false;
    ha->state = HA_IDLE;
    wait(ha, ha->again_ns);
}

/* ---- reports --------------------------------------------------------------------------------- */

/* Before the overlap is compared nothing is acknowledged: the first report again. */
static int64_t to_report(const struct ha_slave *ha) {
    const struct broker *broker = ha->broker;
    if (ha->overlap != NULL)
        return ha->overlap_from;
    return broker->config.sync_flush ? store_flushed_physical(broker->store)
                                     : store_max_physical(broker->store);
}

static void report(struct ha_slave *ha, int64_t position) {
    uint8_t bytes[8];
    bytes_put_i64(bytes, position);
    const struct span part = span_of(bytes, sizeof bytes);
    if (env_conn_write(ha->conn, &part, 1) == RMQ_OK)
        ha->reported = position;
    /* else it is full or ends; the next report says it again */
}

void ha_slave_on_log(struct ha_slave *ha) {
    if (ha->broker == NULL || ha->state != HA_OPEN)
        return;
    if (store_log_end(ha->broker->store) < ha->at) {
        leave(ha, "write failed"); /* what came was cut off again */
        return;
    }
    if (ha->paused && store_log_unwritten(ha->broker->store) <= UNWRITTEN_LOW) {
        ha->paused = false;
        env_conn_resume(ha->conn);
    }
    int64_t position = to_report(ha);
    if (position > ha->reported && ha->overlap == NULL)
        report(ha, position);
}

/* ---- frames ---------------------------------------------------------------------------------- */

static void diverged(struct ha_slave *ha, int64_t at, const char *what) {
    struct env *env = ha->broker->env;
    if (!ha->diverged) {
        event_ha_diverged(env, span_of_text(ha->master), at, span_of_text(what));
        env_log(env, ENV_LOG_ERROR,
                "broker: the log differs from that of the master %s at %lld (%s): nothing is taken "
                "from it until this store is emptied",
                ha->master, (long long)at, what);
    }
    ha->diverged = true;
    leave(ha, "diverged");
}

/* Compares what is in the overlap; false: it is over. */
static bool compare(struct ha_slave *ha, struct span *bytes) {
    size_t done = (size_t)(ha->at - ha->overlap_from), left = ha->overlap_len - done;
    size_t len = bytes->len < left ? bytes->len : left;
    for (size_t i = 0; i < len; i++) {
        if (ha->overlap[done + i] != bytes->data[i]) {
            diverged(ha, ha->at + (int64_t)i, "bytes");
            return false;
        }
    }
    ha->at += (int64_t)len;
    *bytes = span_from(*bytes, len);
    if (len == left) {
        drop_overlap(ha);
        ha->diverged = false;
        RMQ_ASSERT(ha->at == store_log_end(ha->broker->store));
        report(ha, to_report(ha));
    }
    return true;
}

/* False: it is over. */
static bool take_body(struct ha_slave *ha, struct span bytes) {
    struct store *store = ha->broker->store;
    ha->body_left -= (uint32_t)bytes.len;
    if (ha->overlap != NULL && !compare(ha, &bytes))
        return false;
    if (bytes.len == 0)
        return true;
    int err = store_log_append(store, bytes);
    ha->at += (int64_t)bytes.len;
    if (err != RMQ_OK || store_log_end(store) != ha->at) {
        leave(ha, rmq_err_text(err));
        return false;
    }
    return true;
}

/* False: it is over. */
static bool take_head(struct ha_slave *ha) {
    int64_t position = bytes_i64(ha->head);
    int32_t len = bytes_i32(ha->head + 8);
    ha->head_len = 0;
    ha->met = true;
    if (len < 0 || position < 0) {
        leave(ha, "protocol");
        return false;
    }
    if (len == 0)
        return true; /* a heartbeat */
    if (ha->at < 0) {
        int err = store_log_begin(ha->broker->store, position);
        if (err != RMQ_OK) {
            leave(ha, err == RMQ_E_INVALID ? "mappedFileSizeCommitLog differs" : rmq_err_text(err));
            return false;
        }
        ha->at = position;
    }
    if (position != ha->at) {
        leave(ha, "position");
        return false;
    }
    ha->body_left = (uint32_t)len;
    return true;
}

static void on_data(struct env_conn *conn, void *ctx, struct span bytes) {
    struct ha_slave *ha = ctx;
    struct store *store = ha->broker->store;
    RMQ_ASSERT(conn == ha->conn);
    ha->heard_ns = env_mono_ns(ha->broker->env);
    int64_t before = ha->at < 0 ? -1 : store_log_end(store);
    bool goes_on = true;
    while (goes_on && bytes.len > 0) {
        if (ha->body_left > 0) {
            size_t len = bytes.len < ha->body_left ? bytes.len : ha->body_left;
            goes_on = take_body(ha, span_of(bytes.data, len));
            bytes = span_from(bytes, len);
        } else {
            size_t room = HEAD_BYTES - ha->head_len;
            size_t len = bytes.len < room ? bytes.len : room;
            memcpy(ha->head + ha->head_len, bytes.data, len);
            ha->head_len += len;
            bytes = span_from(bytes, len);
            if (ha->head_len == HEAD_BYTES) {
                goes_on = take_head(ha);
                if (before < 0 && ha->at >= 0)
                    before = ha->at;
            }
        }
    }
    int64_t after = store_log_end(store);
    if (before >= 0 && after > before)
        event_ha_appended(ha->broker->env, before, after);
    if (goes_on && !ha->paused && store_log_unwritten(store) > UNWRITTEN_MAX) {
        ha->paused = true;
        env_conn_pause(ha->conn);
    }
}

/* ---- the connection -------------------------------------------------------------------------- */

static void on_open(struct env_conn *conn, void *ctx) {
    struct ha_slave *ha = ctx;
    struct broker *broker = ha->broker;
    RMQ_ASSERT(conn == ha->conn && ha->state == HA_DIALLING);
    ha->state = HA_OPEN;
    ha->head_len = 0;
    ha->body_left = 0;
    ha->met = ha->paused = false;
    ha->heard_ns = env_mono_ns(broker->env);
    bool empty = store_log_is_empty(broker->store) && store_log_end(broker->store) == 0;
    ha->at = empty ? -1 : ha->overlap != NULL ? ha->overlap_from : store_log_end(broker->store);
    int64_t first = empty ? 0 : ha->at;
    event_ha_master_joined(broker->env, span_of_text(ha->master), first,
                           store_log_end(broker->store));
    report(ha, first);
    slave_sync_now(&broker->slave->sync);
    wait(ha, broker->config.ha_heartbeat_ms * NS_PER_MS);
}

static void on_drain(struct env_conn *conn, void *ctx) {
    RMQ_ASSERT(conn != NULL && ctx != NULL); /* the next report says it */
}

static void on_close(struct env_conn *conn, void *ctx, int reason) {
    struct ha_slave *ha = ctx;
    RMQ_ASSERT(conn == ha->conn);
    ha->conn = NULL;
    leave(ha, reason == RMQ_E_CLOSED ? "closed" : reason == RMQ_E_RESET ? "reset" : "timeout");
}

static const struct env_conn_handler HANDLER = {on_open, on_data, on_drain, on_close};

static struct span master_address(const struct broker *broker) {
    struct span address = broker->config.ha_master;
    return address.len > 0 ? address : broker->registrar.master_ha_addr;
}

static void dial(struct ha_slave *ha) {
    struct broker *broker = ha->broker;
    struct span address = master_address(broker);
    if (address.len == 0 || address.len >= sizeof ha->master) {
        leave(ha, "no address");
        return;
    }
    memcpy(ha->master, address.data, address.len);
    ha->master[address.len] = '\0';
    ha->state = HA_DIALLING;
    if (env_dial(broker->env, address, &HANDLER, ha, &ha->conn) != RMQ_OK) {
        ha->conn = NULL;
        leave(ha, "dial");
        return;
    }
    wait(ha, DIAL_TIMEOUT_NS);
}

static void on_overlap(void *ctx, int status, struct span bytes) {
    struct ha_slave *ha = ctx;
    ha->job = NULL;
    ha->overlap = status == RMQ_OK ? env_alloc(ha->broker->env, bytes.len) : NULL;
    if (ha->overlap == NULL) {
        leave(ha, "overlap");
        return;
    }
    memcpy(ha->overlap, bytes.data, bytes.len);
    ha->overlap_len = bytes.len;
    dial(ha);
}

/* The end of its log, in the last file that has some; never from 0, which says "empty". */
static int64_t overlap_from(const struct broker *broker) {
    int64_t end = store_log_end(broker->store), file = (int64_t)broker->config.log_file_bytes;
    int64_t from = (end - 1) - (end - 1) % file;
    if (from < end - HA_OVERLAP_BYTES)
        from = end - HA_OVERLAP_BYTES;
    return from == 0 ? 1 : from;
}

static void connect(struct ha_slave *ha) {
    struct broker *broker = ha->broker;
    struct store *store = broker->store;
    if (master_address(broker).len == 0) {
        wait(ha, DIAL_AGAIN_NS);
        return;
    }
    if (store_log_is_empty(store) || quirk_on(broker->config.quirks, QUIRK_SLAVE_BELIEVED)) {
        dial(ha);
        return;
    }
    if (store_log_limit(store) != store_log_end(store)) { /* writes, or a sync, are under way */
        wait(ha, SETTLE_NS);
        return;
    }
    ha->state = HA_READING;
    ha->overlap_from = overlap_from(broker);
    if (store_log_read(store, ha->overlap_from, HA_OVERLAP_BYTES, on_overlap, ha, &ha->job) !=
        RMQ_OK)
        leave(ha, "overlap");
}

static void on_timer(struct env *env, struct env_timer *timer) {
    struct ha_slave *ha = RMQ_CONTAINER_OF(timer, struct ha_slave, timer);
    const struct broker *broker = ha->broker;
    uint64_t silence_ns = broker->config.ha_silence_ms * NS_PER_MS;
    if (ha->state == HA_IDLE) {
        connect(ha);
    } else if (ha->state == HA_DIALLING) {
        leave(ha, "dial");
    } else if (ha->state == HA_OPEN) {
        struct span address = master_address(broker);
        if (!ha->paused && env_mono_ns(env) - ha->heard_ns >= silence_ns) {
            leave(ha, "silent");
        } else if (address.len > 0 && !span_equal(address, span_of_text(ha->master))) {
            leave(ha, "moved");
        } else {
            report(ha, ha->at < 0 ? 0 : to_report(ha));
            wait(ha, broker->config.ha_heartbeat_ms * NS_PER_MS);
        }
    }
}

void ha_slave_start(struct ha_slave *ha, struct broker *broker) {
    *ha = (struct ha_slave){.broker = broker};
    wait(ha, 0);
}

void ha_slave_stop(struct ha_slave *ha) {
    if (ha->broker == NULL)
        return;
    env_timer_stop(ha->broker->env, &ha->timer);
    store_log_read_cancel(ha->job);
    if (ha->conn != NULL)
        env_conn_close(ha->conn);
    drop_overlap(ha);
    *ha = (struct ha_slave){0};
}
