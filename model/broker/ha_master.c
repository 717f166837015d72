/* broker/ha_master.c - see ha_master.h. */
#include "model/broker/ha_master.h"

#include "model/base/check.h"
#include "model/broker/broker_internal.h"
#include "model/events.h"
#include "model/quirks.h"
#include "model/wire/message_bytes.h"

#define NS_PER_MS UINT64_C(1000000)
#define REPORT_BYTES 8
#define HEAD_BYTES 12
#define SLAVES_MAX 64 /* anybody may connect */

struct slave {
    struct list link;
    struct ha_master *ha;
    struct env_conn *conn;
    struct env_timer timer; /* the next heartbeat, or the end of a silent one */
    bool follows;           /* its first report was good */
    bool blocked;           /* waits for on_drain */
    int64_t next;           /* byte to send */
    int64_t acked;
    struct read_job *job; /* of bytes that are not resident */
    uint64_t heard_ns, told_ns;
    uint8_t report[REPORT_BYTES];
    size_t report_len;
    char peer[ENV_ADDRESS_MAX];
};

static bool is_believed(const struct broker *broker) {
    return quirk_on(broker->config.quirks, QUIRK_SLAVE_BELIEVED);
}

/* Tells the store who follows, and how far. */
static void tell_store(const struct ha_master *ha) {
    uint32_t count = 0;
    int64_t acked = 0;
    LIST_EACH(&ha->slaves, link, next) {
        const struct slave *slave = LIST_ENTRY(link, struct slave, link);
        count += slave->follows;
        if (slave->acked > acked)
            acked = slave->acked;
    }
    store_set_slaves(ha->broker->store, count, acked);
}

static void slave_free(struct slave *slave) {
    struct env *env = slave->ha->broker->env;
    list_remove(&slave->link);
    env_timer_stop(env, &slave->timer);
    store_log_read_cancel(slave->job);
    env_free(env, slave);
}

/* `reason`: closed, reset, timeout, silent, ahead (acknowledges what was not sent), too_old (its
 * place is deleted), disk. */
static void leave(struct slave *slave, const char *reason) {
    struct ha_master *ha = slave->ha;
    if (slave->follows)
        event_ha_slave_left(ha->broker->env, span_of_text(slave->peer), span_of_text(reason),
                            slave->acked);
    slave_free(slave);
    tell_store(ha);
}

static void drop(struct slave *slave, const char *reason) {
    env_conn_close(slave->conn);
    leave(slave, reason);
}

/* ---- frames ---------------------------------------------------------------------------------- */

static void watch(struct slave *slave);

/* False: the connection is full, or gone; nothing was sent. */
static bool send(struct slave *slave, struct span body) {
    uint8_t head[HEAD_BYTES];
    bytes_put_i64(head, slave->next);
    bytes_put_i32(head + 8, (int32_t)body.len);
    const struct span parts[] = {span_of(head, sizeof head), body};
    int err = env_conn_write(slave->conn, parts, body.len > 0 ? 2 : 1);
    slave->blocked = err != RMQ_OK; /* RMQ_E_CLOSED: on_close comes */
    if (slave->blocked)
        return false;
    slave->next += (int64_t)body.len;
    slave->told_ns = env_mono_ns(slave->ha->broker->env);
    return true;
}

static bool push(struct slave *slave);

static void on_read(void *ctx, int status, struct span bytes) {
    struct slave *slave = ctx;
    slave->job = NULL;
    if (status != RMQ_OK) {
        drop(slave, "disk");
        return;
    }
    if (send(slave, bytes))
        RMQ_IGNORE(!push(slave), "it has gone");
}

/* Sends what there is until the connection is full. False: the slave is gone. */
static bool push(struct slave *slave) {
    struct broker *broker = slave->ha->broker;
    struct store *store = broker->store;
    size_t batch = broker->config.ha_batch_bytes;
    while (slave->follows && !slave->blocked && slave->job == NULL &&
           slave->next < store_log_limit(store)) {
        struct span bytes;
        int err = store_log_bytes(store, slave->next, batch, &bytes);
        if (err == RMQ_OK) {
            send(slave, bytes);
            continue;
        }
        if (err == RMQ_E_AGAIN)
            err = store_log_read(store, slave->next, batch, on_read, slave, &slave->job);
        if (err != RMQ_OK) {
            drop(slave, err == RMQ_E_RANGE ? "too_old" : "memory");
            return false;
        }
    }
    return true;
}

void ha_master_on_log(struct ha_master *ha) {
    if (ha->broker == NULL)
        return;
    LIST_EACH(&ha->slaves, link, next)
    RMQ_IGNORE(!push(LIST_ENTRY(link, struct slave, link)), "it has gone");
}

/* ---- time ------------------------------------------------------------------------------------ */

static void on_timer(struct env *env, struct env_timer *timer) {
    struct slave *slave = RMQ_CONTAINER_OF(timer, struct slave, timer);
    const struct broker_config *config = &slave->ha->broker->config;
    uint64_t now = env_mono_ns(env);
    if (now - slave->heard_ns >= config->ha_silence_ms * NS_PER_MS) {
        drop(slave, "silent");
        return;
    }
    if (slave->follows && !slave->blocked &&
        now - slave->told_ns >= config->ha_heartbeat_ms * NS_PER_MS)
        send(slave, SPAN_NONE);
    watch(slave);
}

static void watch(struct slave *slave) {
    const struct broker *broker = slave->ha->broker;
    uint64_t now = env_mono_ns(broker->env);
    uint64_t due = slave->heard_ns + broker->config.ha_silence_ms * NS_PER_MS;
    uint64_t heartbeat = slave->told_ns + broker->config.ha_heartbeat_ms * NS_PER_MS;
    if (slave->follows && !slave->blocked && heartbeat < due)
        due = heartbeat;
    env_timer_start(broker->env, &slave->timer, due > now ? due - now : 0, on_timer);
}

/* ---- reports --------------------------------------------------------------------------------- */

static int64_t place_of_new(const struct broker *broker) {
    int64_t limit = store_log_limit(broker->store), min = store_min_physical(broker->store);
    int64_t last = limit - limit % (int64_t)broker->config.log_file_bytes;
    return broker->config.ha_from_first_file || last < min ? min : last;
}

/* NULL: good. */
static const char *objection(const struct broker *broker, int64_t asked) {
    if (asked < 0)
        return "negative";
    if (asked > store_max_physical(broker->store) && !is_believed(broker))
        return "ahead";
    if (asked > 0 && asked < store_min_physical(broker->store))
        return "too_old";
    return NULL;
}

static bool begin(struct slave *slave, int64_t asked) {
    struct broker *broker = slave->ha->broker;
    const char *reason = objection(broker, asked);
    int64_t max = store_max_physical(broker->store), min = store_min_physical(broker->store);
    if (reason != NULL) {
        event_ha_slave_refused(broker->env, span_of_text(slave->peer), span_of_text(reason), asked,
                               min, max);
        env_log(broker->env, ENV_LOG_ERROR,
                "broker: the slave at %s asks for the log from %lld on, which is %s: here it goes "
                "from %lld to %lld; its store has to be emptied",
                slave->peer, (long long)asked, reason, (long long)min, (long long)max);
        drop(slave, reason);
        return false;
    }
    slave->follows = true;
    slave->next = asked == 0 ? place_of_new(broker) : asked;
    slave->acked = is_believed(broker) ? asked : 0;
    slave->told_ns = env_mono_ns(broker->env);
    event_ha_slave_joined(broker->env, span_of_text(slave->peer), slave->next, max);
    tell_store(slave->ha);
    watch(slave);
    return push(slave);
}

/* False: it is gone. */
static bool on_report(struct slave *slave, int64_t position) {
    struct broker *broker = slave->ha->broker;
    if (!slave->follows)
        return begin(slave, position);
    int64_t bound = is_believed(broker) ? store_max_physical(broker->store) : slave->next;
    if (position > bound) {
        drop(slave, "ahead");
        return false;
    }
    if (position > slave->acked) {
        slave->acked = position;
        tell_store(slave->ha);
    }
    return true;
}

/* ---- connections ----------------------------------------------------------------------------- */

static void on_open(struct env_conn *conn, void *ctx) {
    RMQ_ASSERT(conn != NULL && ctx != NULL); /* not called for accepted ones */
}

static void on_data(struct env_conn *conn, void *ctx, struct span bytes) {
    struct slave *slave = ctx;
    RMQ_ASSERT(conn == slave->conn);
    slave->heard_ns = env_mono_ns(slave->ha->broker->env);
    while (bytes.len > 0) {
        size_t room = REPORT_BYTES - slave->report_len;
        size_t len = bytes.len < room ? bytes.len : room;
        memcpy(slave->report + slave->report_len, bytes.data, len);
        slave->report_len += len;
        bytes = span_from(bytes, len);
        if (slave->report_len < REPORT_BYTES)
            return;
        slave->report_len = 0;
        if (!on_report(slave, bytes_i64(slave->report)))
            return;
    }
}

static void on_drain(struct env_conn *conn, void *ctx) {
    struct slave *slave = ctx;
    RMQ_ASSERT(conn == slave->conn);
    slave->blocked = false;
    RMQ_IGNORE(!push(slave), "it has gone");
}

static void on_close(struct env_conn *conn, void *ctx, int reason) {
    struct slave *slave = ctx;
    RMQ_ASSERT(conn == slave->conn);
    leave(slave, reason == RMQ_E_CLOSED ? "closed" : reason == RMQ_E_RESET ? "reset" : "timeout");
}

static const struct env_conn_handler HANDLER = {on_open, on_data, on_drain, on_close};

static void on_accept(struct env_listener *listener, void *ctx, struct env_conn *conn) {
    struct ha_master *ha = ctx;
    struct env *env = ha->broker->env;
    size_t count = 0;
    RMQ_ASSERT(listener == ha->listener);
    LIST_EACH(&ha->slaves, link, next)
    count++;
    struct slave *slave = count < SLAVES_MAX ? env_alloc(env, sizeof *slave) : NULL;
    if (slave == NULL) {
        env_conn_close(conn);
        return;
    }
    *slave = (struct slave){.ha = ha, .conn = conn, .heard_ns = env_mono_ns(env)};
    env_conn_peer(conn, slave->peer);
    list_append(&ha->slaves, &slave->link);
    env_conn_bind(conn, &HANDLER, slave);
    watch(slave);
}

int ha_master_start(struct ha_master *ha, struct broker *broker) {
    RMQ_ASSERT(ha->broker == NULL);
    int err = env_listen(broker->env, broker->config.ha_port, on_accept, ha, &ha->listener);
    if (err != RMQ_OK)
        return err;
    ha->broker = broker;
    list_init(&ha->slaves);
    return RMQ_OK;
}

void ha_master_stop(struct ha_master *ha) {
    if (ha->broker == NULL)
        return;
    env_listener_close(ha->listener);
    LIST_EACH(&ha->slaves, link, next) {
        struct slave *slave = LIST_ENTRY(link, struct slave, link);
        env_conn_close(slave->conn);
        slave_free(slave);
    }
    *ha = (struct ha_master){0};
}

uint32_t ha_master_slaves(const struct ha_master *ha) {
    uint32_t count = 0;
    if (ha->broker == NULL)
        return 0;
    LIST_EACH(&ha->slaves, link, next)
    count += LIST_ENTRY(link, struct slave, link)->follows;
    return count;
}

int64_t ha_master_behind(const struct ha_master *ha) {
    int64_t best = 0;
    if (ha->broker == NULL)
        return 0;
    LIST_EACH(&ha->slaves, link, next) {
        const struct slave *slave = LIST_ENTRY(link, struct slave, link);
        if (slave->acked > best)
            best = slave->acked;
    }
    return store_max_physical(ha->broker->store) - best;
}
