/* broker/broker.c - the role: puts a broker's parts together, starts and stops them.
 *
 * Start (broker.md 4): tables, listening socket, registration with every name server, schedule. The
 * file-backed part of the sequence comes with the store. Stop (broker.md 29): unregistration, then
 * everything else; 5.3's order, which is the better one for clients, for both profiles. */
#include "model/broker/broker.h"

#include "model/base/check.h"
#include "model/broker/broker_internal.h"
#include "model/events.h"

#define NS_PER_MS UINT64_C(1000000)
#define REGISTER_FIRST_NS (10000 * NS_PER_MS)
#define METADATA_TIMEOUT_NS (3000 * NS_PER_MS)

static void on_channel_closed(void *ctx, struct channel *channel, const char *reason) {
    struct broker *broker = ctx;
    broker_forget_channel_creations(broker, channel);
    if (broker->servers.env != NULL)
        name_servers_channel_closed(&broker->servers, channel_peer(channel), reason);
}

static const struct remoting_handler HANDLER = {broker_on_request, on_channel_closed};

/* Tears down what was started, in reverse order (B2). */
static void broker_free(struct broker *broker) {
    fixed_rate_stop(&broker->worker);
    if (broker->acting != NULL)
        acting_traffic_stop(broker->acting);
    registrar_deinit(&broker->registrar);
    broker_forget_creations(broker);
    name_servers_deinit(&broker->servers);
    if (broker->remoting_up)
        remoting_deinit(&broker->remoting);
    env_free(broker->env, broker->acting);
    topics_deinit(&broker->topics);
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

static int start_remoting(struct broker *broker) {
    struct remoting_config remoting;
    remoting_config_default(&remoting);
    remoting.version = broker->config.profile_5_3 ? WIRE_VERSION_5_3_3 : WIRE_VERSION_4_9_8;
    remoting.serialization = broker->config.serialization;
    remoting_init(&broker->remoting, broker->env, &remoting, &HANDLER, broker);
    broker->remoting_up = true;
    int err = remoting_listen(&broker->remoting, broker->config.listen_port);
    return err == RMQ_OK ? RMQ_OK : refuse_key(broker, "listenPort", err);
}

/* Everything that can fail. */
static int prepare(struct broker *broker, const struct props *config) {
    int err = broker_config_read(broker->env, config, &broker->config);
    if (err != RMQ_OK)
        return err;
    topics_init(&broker->topics, broker->env, &broker->config);
    err = topics_load(&broker->topics, props_get(config, "topics"));
    if (err != RMQ_OK)
        return refuse_key(broker, "topics", err);
    if (broker->config.acting_master) {
        broker->acting = env_alloc(broker->env, sizeof *broker->acting);
        if (broker->acting == NULL)
            return RMQ_E_NOMEM;
        memset(broker->acting, 0, sizeof *broker->acting);
    }
    err = start_remoting(broker);
    if (err != RMQ_OK)
        return err;
    err = name_servers_init(&broker->servers, broker->env, &broker->remoting,
                            props_get(config, "namesrvAddr"), broker->config.profile_5_3, false);
    return err == RMQ_OK ? RMQ_OK : refuse_key(broker, "namesrvAddr", err);
}

static int broker_start(struct env *env, const struct props *config, void **node) {
    struct broker *broker = env_alloc(env, sizeof *broker);
    if (broker == NULL)
        return RMQ_E_NOMEM;
    memset(broker, 0, sizeof *broker);
    broker->env = env;
    list_init(&broker->creations);
    int err = prepare(broker, config);
    if (err != RMQ_OK) {
        broker_free(broker);
        return err;
    }
    *node = broker;
    const struct broker_config *mine = &broker->config;
    event_node_started(env, SPAN_LITERAL("broker"),
                       mine->profile_5_3 ? SPAN_LITERAL("5.3") : SPAN_LITERAL("4.9"));
    event_node_serves(env, mine->addr, mine->name, mine->broker_id);
    registrar_init(&broker->registrar, env, mine, &broker->topics, &broker->remoting,
                   &broker->servers);
    if (mine->profile_5_3)
        name_servers_probe(&broker->servers);
    registration_scheduled(&broker->registrar, true, 0, on_first_round_done, broker);
    start_schedule(broker);
    return RMQ_OK;
}

/* ---- stop ------------------------------------------------------------------------------------ */

static void on_withdrawn(void *ctx) {
    struct broker *broker = ctx;
    struct env *env = broker->env;
    broker_free(broker);
    env_exit(env, 0);
}

static void broker_stop(void *node) {
    struct broker *broker = node;
    if (broker->stopping)
        return;
    broker->stopping = true;
    event_node_stopping(broker->env, SPAN_LITERAL("broker"));
    fixed_rate_stop(&broker->worker); /* B1 */
    name_servers_cancel(&broker->servers, &broker->metadata);
    if (broker->acting != NULL)
        acting_traffic_stop(broker->acting);
    broker_forget_creations(broker);
    registration_withdraw(&broker->registrar, &broker->goodbye, on_withdrawn, broker);
}

static int broker_command(void *node, const struct props *command) {
    struct broker *broker = node;
    if (broker->stopping)
        return RMQ_E_STATE;
    if (span_equal(props_get(command, "do"), SPAN_LITERAL("create-topic")))
        return broker_command_create_topic(broker, command);
    return RMQ_E_INVALID;
}

const struct role broker_role = {"broker", broker_start, broker_stop, broker_command};
