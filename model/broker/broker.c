/* broker/broker.c - the role: puts a broker's parts together, starts and stops them.
 *
 * Start (broker.md 4): configuration, config files, store; when that is open: consumer offsets are
 * bounded, the port is opened, every name server is told, the schedule begins. Stop (broker.md 29):
 * unregistration, config files, store; 5.3's order, which is the better one for clients, for both
 * profiles. What was sent before is still answered meanwhile. A store or a config file that does
 * not open ends the broker with status 1. */
#include "model/broker/broker.h"

#include "model/base/check.h"
#include "model/broker/broker_internal.h"
#include "model/events.h"

#define NS_PER_MS UINT64_C(1000000)
#define FAST_PORT_BELOW 2 /* listenPort - 2: all but pulls */
#define REGISTER_FIRST_NS (10000 * NS_PER_MS)
#define METADATA_TIMEOUT_NS (3000 * NS_PER_MS)
#define SAVE_AGAIN_NS (1000 * NS_PER_MS)

static void on_channel_closed(void *ctx, struct channel *channel, const char *reason) {
    struct broker *broker = ctx;
    broker_forget_channel_creations(broker, channel);
    admin_forget_channel(broker, channel);
    access_forget_channel(broker->access, channel);
    flow_forget_channel(&broker->flow, channel);
    sends_forget_channel(&broker->sends, channel);
    send_backs_forget_channel(&broker->send_backs, channel);
    pulls_forget_channel(&broker->pulls, broker, channel);
    queries_forget_channel(&broker->queries, channel);
    scans_forget_channel(&broker->scans, channel);
    earliest_forget_channel(&broker->earliest, channel);
    clients_channel_closed(&broker->clients, channel);
    offsets_forget_client(&broker->offsets, span_of_text(channel_peer(channel)));
    if (broker->servers.env != NULL)
        name_servers_channel_closed(&broker->servers, channel_peer(channel), reason);
}

static const struct remoting_handler HANDLER = {broker_on_request, on_channel_closed};

/* ---- replication ----------------------------------------------------------------------------- */

static void replication_stop(struct broker *broker) {
    ha_master_stop(&broker->ha_master);
    if (broker->slave == NULL)
        return;
    slave_sync_stop(&broker->slave->sync);
    ha_slave_stop(&broker->slave->ha);
    env_free(broker->env, broker->slave);
    broker->slave = NULL;
}

/* A master that nobody follows is as good without its port, unless it is to wait for slaves. */
static int replication_start(struct broker *broker) {
    const struct broker_config *config = &broker->config;
    if (config->broker_id > 0) {
        broker->slave = env_alloc(broker->env, sizeof *broker->slave);
        if (broker->slave == NULL)
            return RMQ_E_NOMEM;
        memset(broker->slave, 0, sizeof *broker->slave);
        ha_slave_start(&broker->slave->ha, broker);
        slave_sync_start(&broker->slave->sync, broker);
        return RMQ_OK;
    }
    int err = ha_master_start(&broker->ha_master, broker);
    if (err == RMQ_OK || config->sync_master)
        return err;
    env_log(broker->env, ENV_LOG_WARN,
            "broker: port %u (haListenPort): %s; no slave can follow this master",
            (unsigned)config->ha_port, rmq_err_text(err));
    return RMQ_OK;
}

static void on_log(void *ctx) {
    struct broker *broker = ctx;
    if (broker->slave != NULL)
        ha_slave_on_log(&broker->slave->ha);
    else
        ha_master_on_log(&broker->ha_master);
}

/* Tears down what was started, in reverse order (B2). */
static void broker_free(struct broker *broker) {
    env_timer_stop(broker->env, &broker->save_again);
    fixed_rate_stop(&broker->worker);
    if (broker->acting != NULL)
        acting_traffic_stop(broker->acting);
    replication_stop(broker);
    if (broker->tables_up) {
        flow_deinit(&broker->flow);
        send_backs_deinit(&broker->send_backs, broker);
        schedule_deinit(&broker->schedule);
        sends_deinit(&broker->sends, broker);
        pulls_deinit(&broker->pulls, broker);
        holds_deinit(&broker->holds);
        queries_deinit(&broker->queries, broker);
        admin_deinit(broker);
        scans_deinit(&broker->scans, broker);
        earliest_deinit(&broker->earliest, broker);
        registrar_deinit(&broker->registrar);
        clients_deinit(&broker->clients);
        locks_deinit(&broker->locks);
    }
    access_free(broker->access);
    broker_forget_creations(broker);
    name_servers_deinit(&broker->servers);
    if (broker->remoting_up)
        remoting_deinit(&broker->remoting);
    store_free(broker->store);
    stats_deinit(&broker->stats);
    env_free(broker->env, broker->store_config);
    env_free(broker->env, broker->acting);
    consumer_filters_deinit(&broker->filters);
    offsets_deinit(&broker->offsets);
    groups_deinit(&broker->groups);
    topics_deinit(&broker->topics);
    live_config_deinit(&broker->live);
    broker_config_free(broker->env, &broker->config);
    env_free(broker->env, broker);
}

/* ---- the schedule ---------------------------------------------------------------------------- */

static void on_round_done(void *ctx) {
    struct broker *broker = ctx;
    fixed_rate_done(&broker->worker);
}

static void on_register_due(void *ctx) {
    struct broker *broker = ctx;
    registration_scheduled(&broker->registrar, false, fixed_rate_late_ns(&broker->worker),
                           on_round_done, broker);
}

static void on_metadata(void *ctx, int status, const struct wire_command *response) {
    struct broker *broker = ctx;
    RMQ_IGNORE(status != RMQ_OK || response == NULL, "not used, see side_traffic.h");
    fixed_rate_done(&broker->worker);
}

static void on_metadata_due(void *ctx) {
    struct broker *broker = ctx;
    name_servers_call(&broker->servers, &broker->metadata);
}

static void start_schedule(struct broker *broker) {
    const struct broker_config *config = &broker->config;
    broker->tasks[0] = (struct fixed_rate_task){.run = on_register_due,
                                                .period_ns = config->period_ms * NS_PER_MS,
                                                .due_ns = REGISTER_FIRST_NS};
    broker->tasks[1] = (struct fixed_rate_task){
        .run = on_metadata_due, .period_ns = METADATA_PERIOD_NS, .due_ns = METADATA_FIRST_NS};
    broker->metadata = (struct name_server_call){.build = side_traffic_metadata,
                                                 .done = on_metadata,
                                                 .ctx = broker,
                                                 .timeout_ns = METADATA_TIMEOUT_NS};
    fixed_rate_start(&broker->worker, broker->env, broker->tasks, config->profile_5_3 ? 2 : 1,
                     broker);
    if (broker->acting != NULL)
        acting_traffic_start(broker->acting, broker->env, config, &broker->topics,
                             &broker->remoting, &broker->servers);
}

static void on_first_round_done(void *ctx) {
    RMQ_ASSERT(ctx != NULL); /* the schedule does not wait for it, see registration.h */
}

/* ---- start ----------------------------------------------------------------------------------- */

static int refuse_key(struct broker *broker, const char *key, int err) {
    env_log(broker->env, ENV_LOG_ERROR, "broker: value of %s: %s", key, rmq_err_text(err));
    return err;
}

static void on_answered(void *ctx, int32_t code, uint64_t took_ns) {
    struct broker *broker = ctx;
    if (broker->stats.env != NULL)
        stats_answered(&broker->stats, code, took_ns);
}

static void init_remoting(struct broker *broker) {
    struct remoting_config remoting;
    remoting_config_default(&remoting);
    remoting.version = broker->config.profile_5_3 ? WIRE_VERSION_5_3_3 : WIRE_VERSION_4_9_8;
    remoting.serialization = broker->config.serialization;
    remoting_init(&broker->remoting, broker->env, &remoting, &HANDLER, broker);
    broker->remoting.on_answered = on_answered;
    broker->remoting_up = true;
}

static int read_store_config(struct broker *broker, const struct props *config) {
    struct span bad_key;
    if (message_host_parse(broker->config.addr, &broker->host) != RMQ_OK)
        return refuse_key(broker, "brokerIP1", RMQ_E_INVALID);
    broker->store_config = env_alloc(broker->env, sizeof *broker->store_config);
    if (broker->store_config == NULL)
        return RMQ_E_NOMEM;
    int err = store_config_read(config, broker->store_config, &bad_key);
    if (err != RMQ_OK) {
        env_log(broker->env, ENV_LOG_ERROR, "broker: value of %.*s: %s", (int)bad_key.len,
                (const char *)bad_key.data, rmq_err_text(err));
        return err;
    }
    broker->store_config->host = broker->host;
    broker->page_cache_busy_ms = broker->store_config->page_cache_busy_ms;
    broker->max_message_bytes = broker->store_config->max_message_bytes;
    return RMQ_OK;
}

/* What cannot fail, or only later. */
static void init_tables(struct broker *broker) {
    struct env *env = broker->env;
    groups_init(&broker->groups, env, &broker->config);
    offsets_init(&broker->offsets, env, &broker->config);
    stats_init(&broker->stats, env, broker->groups.hash_key);
    registrar_init(&broker->registrar, env, &broker->config, &broker->topics, &broker->remoting,
                   &broker->servers);
    consumer_filters_init(&broker->filters, env, broker->groups.hash_key, &broker->config);
    clients_init(&broker->clients, env, &broker->config, &broker->remoting);
    broker->clients.filters = &broker->filters;
    schedule_init(&broker->schedule, broker);
    config_files_init(&broker->files, &broker->topics, &broker->groups, &broker->offsets,
                      &broker->filters, &broker->schedule.file);
    locks_init(&broker->locks, env);
    flow_init(&broker->flow, broker);
    sends_init(&broker->sends, broker);
    pulls_init(&broker->pulls, broker);
    holds_init(&broker->holds, broker);
    queries_init(&broker->queries);
    scans_init(&broker->scans);
    earliest_init(&broker->earliest);
    broker->tables_up = true;
}

static int prepare(struct broker *broker, const struct props *config) {
    int err = broker_config_read(broker->env, config, &broker->config);
    if (err != RMQ_OK)
        return err;
    topics_init(&broker->topics, broker->env, &broker->config);
    err = live_config_init(&broker->live, broker, config);
    if (err != RMQ_OK)
        return err;
    err = topics_load(&broker->topics, props_get(config, "topics"));
    if (err != RMQ_OK)
        return refuse_key(broker, "topics", err);
    err = read_store_config(broker, config);
    if (err != RMQ_OK)
        return err;
    err = access_create(broker, config, &broker->access);
    if (err != RMQ_OK)
        return err;
    if (broker->config.acting_master) {
        broker->acting = env_alloc(broker->env, sizeof *broker->acting);
        if (broker->acting == NULL)
            return RMQ_E_NOMEM;
        memset(broker->acting, 0, sizeof *broker->acting);
    }
    init_remoting(broker);
    err = name_servers_init(&broker->servers, broker->env, &broker->remoting,
                            props_get(config, "namesrvAddr"), broker->config.profile_5_3, false);
    if (err != RMQ_OK)
        return refuse_key(broker, "namesrvAddr", err);
    init_tables(broker);
    return RMQ_OK;
}

/* It cannot serve. What it holds goes with its env. */
static void give_up(struct broker *broker, const char *what, int err) {
    env_log(broker->env, ENV_LOG_ERROR, "broker: %s: %s", what, rmq_err_text(err));
    env_exit(broker->env, 1);
}

static void serve(struct broker *broker) {
    const struct broker_config *mine = &broker->config;
    uint16_t port = mine->listen_port;
    int err = remoting_listen(&broker->remoting, port);
    if (err == RMQ_OK && port > FAST_PORT_BELOW) {
        port = (uint16_t)(port - FAST_PORT_BELOW);
        err = remoting_listen_second(&broker->remoting, port);
    }
    if (err == RMQ_OK) {
        port = mine->ha_port;
        err = replication_start(broker);
    }
    if (err != RMQ_OK) {
        env_log(broker->env, ENV_LOG_ERROR, "broker: port %u (%s): %s", (unsigned)port,
                port == mine->listen_port ? "listenPort"
                : port == mine->ha_port   ? "haListenPort"
                                          : "the fast port, listenPort - 2",
                rmq_err_text(err));
        env_exit(broker->env, 1);
        return;
    }
    broker->serves = true;
    event_node_serves(broker->env, mine->addr, mine->name, mine->broker_id);
    if (mine->profile_5_3)
        name_servers_probe(&broker->servers);
    registration_scheduled(&broker->registrar, true, 0, on_first_round_done, broker);
    start_schedule(broker);
    schedule_start(&broker->schedule);
    pending_count(broker);
}

static void on_lowered(void *ctx, int status);

static void on_save_again(struct env *env, struct env_timer *timer) {
    struct broker *broker = RMQ_CONTAINER_OF(timer, struct broker, save_again);
    RMQ_ASSERT(env == broker->env);
    config_files_save_all(&broker->files, on_lowered, broker);
}

/* Lowered offsets are durable before messages can take the places above: else the next unclean
 * start finds the old offsets, below the queue's end by then, and those messages are skipped
 * (INC-33). Until the disk takes them the port is closed; the store, open, makes space meanwhile.
 * Other files may wait: a broker on a full disk still serves what it has. */
static void on_lowered(void *ctx, int status) {
    struct broker *broker = ctx;
    if (status != RMQ_OK && (broker->offsets.file.changed || broker->schedule.file.changed)) {
        env_log(broker->env, ENV_LOG_ERROR,
                "broker: lowered offsets are not saved: %s; no port is opened before they are",
                rmq_err_text(status));
        env_timer_start(broker->env, &broker->save_again, SAVE_AGAIN_NS, on_save_again);
        return;
    }
    if (status != RMQ_OK)
        env_log(broker->env, ENV_LOG_ERROR, "broker: config files at the start: %s",
                rmq_err_text(status));
    serve(broker);
}

static void on_store_open(void *ctx, int status) {
    struct broker *broker = ctx;
    if (status != RMQ_OK) {
        give_up(broker, "the store does not open", status);
        return;
    }
    broker->offsets.store = broker->store;
    if (broker->config.broker_id == 0)
        offsets_lower(&broker->offsets);
    schedule_correct(&broker->schedule);
    config_files_save_all(&broker->files, on_lowered, broker);
}

static void on_arrival(void *ctx, struct span topic, int32_t queue_id, int64_t max_offset,
                       int64_t tags_code, struct span properties) {
    struct broker *broker = ctx;
    if (span_equal(topic, SCHEDULE_TOPIC))
        schedule_arrival(&broker->schedule, queue_id, max_offset - 1, tags_code);
    holds_arrival(&broker->holds, topic, queue_id, max_offset, tags_code, properties);
}

static void on_store_closed(void *ctx);

static const struct store_handler STORE_HANDLER = {on_store_open, on_arrival, on_store_closed,
                                                   on_log};

static void on_access_loaded(void *ctx, int status) {
    struct broker *broker = ctx;
    if (status == RMQ_OK)
        status =
            store_open(broker->env, broker->store_config, &STORE_HANDLER, broker, &broker->store);
    env_free(broker->env, broker->store_config);
    broker->store_config = NULL;
    if (status != RMQ_OK)
        give_up(broker,
                status == RMQ_E_IN_USE ? "storePathRootDir: Lock failed,MQ already started"
                                       : "config files, access rules or store",
                status);
}

static void on_config_loaded(void *ctx, int status) {
    struct broker *broker = ctx;
    if (status == RMQ_OK && broker->access != NULL)
        access_load(broker->access, on_access_loaded, broker);
    else
        on_access_loaded(broker, status);
}

static int broker_start(struct env *env, const struct props *config, void **node) {
    struct broker *broker = env_alloc(env, sizeof *broker);
    if (broker == NULL)
        return RMQ_E_NOMEM;
    memset(broker, 0, sizeof *broker);
    broker->env = env;
    list_init(&broker->creations);
    list_init(&broker->admin_tasks);
    int err = prepare(broker, config);
    if (err != RMQ_OK) {
        broker_free(broker);
        return err;
    }
    *node = broker;
    event_node_started(env, SPAN_LITERAL("broker"),
                       broker->config.profile_5_3 ? SPAN_LITERAL("5.3") : SPAN_LITERAL("4.9"));
    config_files_load(&broker->files, on_config_loaded, broker);
    return RMQ_OK;
}

/* ---- stop ------------------------------------------------------------------------------------ */

static void end(struct broker *broker) {
    struct env *env = broker->env;
    broker_free(broker);
    env_exit(env, 0);
}

static void on_delays_saved(void *ctx, int status) {
    struct broker *broker = ctx;
    if (status != RMQ_OK)
        env_log(broker->env, ENV_LOG_ERROR, "broker: delayOffset.json at the end: %s",
                rmq_err_text(status));
    end(broker);
}

static void on_store_closed(void *ctx) {
    struct broker *broker = ctx;
    schedule_save_last(&broker->schedule, on_delays_saved, broker);
}

static void on_live_saved(void *ctx, int status) {
    struct broker *broker = ctx;
    if (status != RMQ_OK)
        env_log(broker->env, ENV_LOG_ERROR, "broker: its properties file at the end: %s",
                rmq_err_text(status));
    replication_stop(broker);
    store_close(broker->store);
}

static void on_config_saved(void *ctx, int status) {
    struct broker *broker = ctx;
    if (status != RMQ_OK)
        env_log(broker->env, ENV_LOG_ERROR, "broker: config files at the end: %s",
                rmq_err_text(status));
    live_config_settle(&broker->live, on_live_saved, broker);
}

static void on_withdrawn(void *ctx) {
    struct broker *broker = ctx;
    schedule_stop(&broker->schedule);
    config_files_save_all(&broker->files, on_config_saved, broker);
}

static void broker_stop(void *node) {
    struct broker *broker = node;
    if (broker->stopping)
        return;
    broker->stopping = true;
    event_node_stopping(broker->env, SPAN_LITERAL("broker"));
    if (!broker->serves) { /* nothing was changed yet; an unfinished recovery begins again */
        end(broker);
        return;
    }
    fixed_rate_stop(&broker->worker); /* B1 */
    name_servers_cancel(&broker->servers, &broker->metadata);
    if (broker->acting != NULL)
        acting_traffic_stop(broker->acting);
    broker_forget_creations(broker);
    flow_deinit(&broker->flow);
    registration_withdraw(&broker->registrar, &broker->goodbye, on_withdrawn, broker);
}

static int broker_command(void *node, const struct props *command) {
    struct broker *broker = node;
    if (broker->stopping || !broker->serves)
        return RMQ_E_STATE;
    if (span_equal(props_get(command, "do"), SPAN_LITERAL("create-topic")))
        return broker_command_create_topic(broker, command);
    return RMQ_E_INVALID;
}

const struct role broker_role = {"broker", broker_start, broker_stop, broker_command};
