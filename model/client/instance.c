/* client/instance.c - the role: configuration, start and stop of one client instance.
 *
 * Start sequence of client.md 3.2: the remoting client, then the serial worker; heartbeats join its
 * schedule with the first group and persisting with the first consumer, at the instants they would
 * have had from the start, so that an idle client has no timer for them. Stop (3.3, 3.4): the
 * groups leave, the brokers are told one by one, then everything closes. */
#include "model/base/check.h"
#include "model/base/settings.h"
#include "model/client/client.h"
#include "model/client/client_internal.h"
#include "model/events.h"
#include "model/load/load.h"

#define CREDENTIAL_BYTES_MAX 1024

struct client_config {
    bool producer;
    enum wire_serialization serialization;
    uint32_t poll_ms, heartbeat_ms, persist_ms;
    struct span topics;
    struct wire_credentials credentials; /* of the properties */
};

static const char *const KNOWN_KEYS[] = {
    "profile",
    "namesrvAddr",
    "topics",
    "producer",
    "instanceName",
    "pollNameServerInterval",
    "heartbeatBrokerInterval",
    "persistConsumerOffsetInterval",
    "mqClientApiTimeout",
    "accessKey",
    "secretKey",
    "securityToken",
    "rocketmq.serialize.type",
    "load.",
};

static uint32_t interval(struct settings *settings, const char *key, int64_t fallback) {
    return (uint32_t)settings_number(settings, key, fallback, 1, INT32_MAX);
}

/* clientIP@instanceName; an instance without a name takes the process number, as DEFAULT does. */
static void make_id(struct client *client, struct span name) {
    struct env_identity self;
    env_identity(client->env, &self);
    size_t len = strlen(self.ip);
    memcpy(client->id, self.ip, len);
    client->id[len++] = '@';
    if (span_is_absent(name)) {
        len += format_u64(client->id + len, self.process_number);
    } else {
        memcpy(client->id + len, name.data, name.len);
        len += name.len;
    }
    client->id[len] = '\0';
}

/* A key without its secret cannot sign, and the other way round. */
static void read_credentials(struct settings *settings, struct wire_credentials *out) {
    out->access_key = settings_text(settings, "accessKey", SPAN_NONE, CREDENTIAL_BYTES_MAX);
    out->secret_key = settings_text(settings, "secretKey", SPAN_NONE, CREDENTIAL_BYTES_MAX);
    out->security_token = settings_text(settings, "securityToken", SPAN_NONE, CREDENTIAL_BYTES_MAX);
    if (span_is_absent(out->access_key) != span_is_absent(out->secret_key))
        settings_refuse(settings,
                        span_is_absent(out->access_key) ? SPAN_LITERAL("accessKey")
                                                        : SPAN_LITERAL("secretKey"),
                        RMQ_E_MISSING);
}

static int read_config(struct client *client, const struct props *props,
                       struct client_config *config) {
    static const char *const PROFILES[] = {"4.9", "5.3"};
    static const char *const SERIALIZATIONS[] = {"JSON", "ROCKETMQ"};
    struct settings settings = settings_of(props);
    struct client_config read = {.topics = props_get(props, "topics")};
    client->profile_5_3 = settings_word(&settings, "profile", PROFILES, 2) == 1;
    read.serialization = (enum wire_serialization)settings_word(
        &settings, "rocketmq.serialize.type", SERIALIZATIONS, 2);
    read.producer = settings_bool(&settings, "producer", false);
    read.poll_ms = interval(&settings, "pollNameServerInterval", 30000);
    read.heartbeat_ms = interval(&settings, "heartbeatBrokerInterval", 30000);
    read.persist_ms = interval(&settings, "persistConsumerOffsetInterval", 5000);
    client->api_timeout_ms = interval(&settings, "mqClientApiTimeout", 3000);
    make_id(client, settings_text(&settings, "instanceName", SPAN_NONE, CLIENT_INSTANCE_NAME_MAX));
    client->quirks = settings_quirks(&settings);
    read_credentials(&settings, &read.credentials);
    int err = settings_finish(&settings, client->env, "client", KNOWN_KEYS,
                              sizeof KNOWN_KEYS / sizeof KNOWN_KEYS[0]);
    if (err == RMQ_OK)
        *config = read;
    return err;
}

/* The configured topics are polled whoever uses them. */
static int add_topic(struct client *client, struct span name) {
    struct client_topic *topic;
    int err = client_topic_get(client, name, &topic);
    if (err == RMQ_OK)
        topic->configured = true;
    return err;
}

static int add_topics(struct client *client, const struct client_config *config) {
    struct span rest = config->topics, name;
    int err = RMQ_OK;
    while (err == RMQ_OK && span_next_part(&rest, ';', &name))
        err = add_topic(client, name);
    if (err == RMQ_OK && config->producer)
        err = add_topic(client, SPAN_LITERAL(CLIENT_DEFAULT_TOPIC));
    return err;
}

/* ---- remoting -------------------------------------------------------------------------------- */

void client_members_changed(struct client *client) {
    LIST_EACH(&client->consumers, link, next) {
        struct client_consumer *member = LIST_ENTRY(link, struct client_consumer, link);
        member->hooks->members_changed(member->consumer);
    }
}

/* What brokers ask (client.md 24); the rest gets the answer of a node without a processor. */
static void on_request(void *ctx, struct channel *channel, const struct wire_command *request) {
    struct client *client = ctx;
    if (request->code == REQUEST_NOTIFY_CONSUMER_IDS_CHANGED)
        client_members_changed(client); /* one-way: no answer */
    else
        RMQ_IGNORE(remoting_answer_code(&client->remoting, channel, request,
                                        RESPONSE_REQUEST_CODE_NOT_SUPPORTED,
                                        SPAN_LITERAL("request type not supported")),
                   "the asker's timeout covers it");
}

static void on_channel_closed(void *ctx, struct channel *channel, const char *reason) {
    struct client *client = ctx;
    if (client->servers.env != NULL)
        name_servers_channel_closed(&client->servers, channel_peer(channel), reason);
}

/* client.md 5 */
static void on_opened(void *ctx, struct channel *channel) {
    client_heartbeat_greet(ctx, span_of_text(channel_peer(channel)));
}

static const struct remoting_handler HANDLER = {on_request, on_channel_closed};

static void start_remoting(struct client *client, const struct client_config *config) {
    struct remoting_config remoting;
    remoting_config_default(&remoting);
    remoting.version = client->profile_5_3 ? WIRE_VERSION_5_3_3 : WIRE_VERSION_4_9_8;
    remoting.serialization = config->serialization;
    remoting_init(&client->remoting, client->env, &remoting, &HANDLER, client);
    if (client->profile_5_3)
        client->remoting.on_opened = on_opened;
    client->remoting_up = true;
}

/* ---- groups ---------------------------------------------------------------------------------- */

static bool has_producer(const struct client *client, struct span group) {
    LIST_EACH(&client->producers, link, next) {
        if (span_equal(LIST_ENTRY(link, struct client_producer, link)->group, group))
            return true;
    }
    return false;
}

static bool has_consumer(const struct client *client, struct span group) {
    LIST_EACH(&client->consumers, link, next) {
        if (span_equal(LIST_ENTRY(link, struct client_consumer, link)->group, group))
            return true;
    }
    return false;
}

/* Tasks join the worker in their order. */
static void need_task(struct client *client, enum client_task task) {
    while (client->worker.count <= task)
        fixed_rate_add(&client->worker, client->start_ns);
}

int client_producer_add(struct client *client, struct client_producer *member) {
    if (has_producer(client, member->group))
        return RMQ_E_EXISTS;
    list_append(&client->producers, &member->link);
    need_task(client, CLIENT_TASK_HEARTBEAT);
    return RMQ_OK;
}

int client_consumer_add(struct client *client, struct client_consumer *member) {
    if (has_consumer(client, member->group))
        return RMQ_E_EXISTS;
    list_append(&client->consumers, &member->link);
    need_task(client, CLIENT_TASK_PERSIST);
    return RMQ_OK;
}

void client_producer_remove(struct client *client, struct client_producer *member) {
    RMQ_ASSERT(has_producer(client, member->group));
    list_remove(&member->link);
    client_group_gone(client);
}

void client_consumer_remove(struct client *client, struct client_consumer *member) {
    RMQ_ASSERT(has_consumer(client, member->group));
    list_remove(&member->link);
    client_group_gone(client);
}

static void persist_run(void *ctx) {
    struct client *client = ctx;
    LIST_EACH(&client->consumers, link, next) {
        struct client_consumer *member = LIST_ENTRY(link, struct client_consumer, link);
        member->hooks->persist(member->consumer);
    }
    fixed_rate_done(&client->worker);
}

/* ---- the role -------------------------------------------------------------------------------- */

/* The groups of a start that failed; after a clean stop there are none. */
static void discard_groups(struct client *client) {
    LIST_EACH(&client->consumers, link, next) {
        struct client_consumer *member = LIST_ENTRY(link, struct client_consumer, link);
        member->hooks->discard(member->consumer);
    }
    LIST_EACH(&client->producers, other, following) {
        struct client_producer *member = LIST_ENTRY(other, struct client_producer, link);
        member->discard(member->producer);
    }
    RMQ_ASSERT(list_is_empty(&client->producers) && list_is_empty(&client->consumers));
    load_set_free(client->loads);
}

/* Tears down whatever was started. */
static void client_free(struct client *client) {
    discard_groups(client);
    fixed_rate_stop(&client->worker);
    env_timer_stop(client->env, &client->end_timer);
    if (client->remoting_up) {
        client_orders_cancel(client);
        client_heartbeat_free(client);
        client_unregister_cancel(client);
    }
    if (client->servers.env != NULL)
        name_servers_cancel(&client->servers, &client->poll.call);
    client_topics_free(client);
    client_brokers_free(client);
    name_servers_deinit(&client->servers);
    if (client->remoting_up)
        remoting_deinit(&client->remoting);
    env_free(client->env, client->credentials);
    env_free(client->env, client);
}

/* Requests are signed with copies: the properties end with the start. */
static int keep_credentials(struct client *client, const struct wire_credentials *given) {
    size_t size = given->access_key.len + given->secret_key.len + given->security_token.len;
    if (span_is_absent(given->access_key))
        return RMQ_OK;
    uint8_t *at = client->credentials = env_alloc(client->env, size);
    if (at == NULL)
        return RMQ_E_NOMEM;
    struct wire_credentials *kept = &client->remoting.credentials;
    *kept = *given;
    kept->access_key.data = at;
    at = span_copy(at, given->access_key);
    kept->secret_key.data = at;
    at = span_copy(at, given->secret_key);
    if (!span_is_absent(given->security_token)) {
        kept->security_token.data = at;
        span_copy(at, given->security_token);
    }
    return RMQ_OK;
}

/* Everything that can fail. */
static int prepare(struct client *client, const struct props *props, struct client_config *config) {
    int err = read_config(client, props, config);
    if (err == RMQ_OK)
        err = add_topics(client, config);
    if (err != RMQ_OK)
        return err;
    start_remoting(client, config);
    err = keep_credentials(client, &config->credentials);
    if (err != RMQ_OK)
        return err;
    err = name_servers_init(&client->servers, client->env, &client->remoting,
                            props_get(props, "namesrvAddr"), client->profile_5_3, true);
    if (err != RMQ_OK)
        env_log(client->env, ENV_LOG_ERROR, "client: value of namesrvAddr: %s", rmq_err_text(err));
    return err;
}

static void start_worker(struct client *client, const struct client_config *config) {
    client->tasks[CLIENT_TASK_POLL] =
        (struct fixed_rate_task){.run = client_poll_run,
                                 .period_ns = config->poll_ms * CLIENT_NS_PER_MS,
                                 .due_ns = 10 * CLIENT_NS_PER_MS};
    client->tasks[CLIENT_TASK_HEARTBEAT] =
        (struct fixed_rate_task){.run = client_heartbeat_run,
                                 .period_ns = config->heartbeat_ms * CLIENT_NS_PER_MS,
                                 .due_ns = 1000 * CLIENT_NS_PER_MS};
    client->tasks[CLIENT_TASK_PERSIST] =
        (struct fixed_rate_task){.run = persist_run,
                                 .period_ns = config->persist_ms * CLIENT_NS_PER_MS,
                                 .due_ns = 10000 * CLIENT_NS_PER_MS};
    client->start_ns = env_mono_ns(client->env);
    client_poll_init(client);
    fixed_rate_start(&client->worker, client->env, client->tasks, 1, client);
}

static int client_start(struct env *env, const struct props *props, void **node) {
    struct client_config config;
    struct client *client = env_alloc(env, sizeof *client);
    if (client == NULL)
        return RMQ_E_NOMEM;
    memset(client, 0, sizeof *client);
    client->env = env;
    list_init(&client->orders);
    list_init(&client->producers);
    list_init(&client->consumers);
    list_init(&client->unregisters);
    list_init(&client->heartbeat.greetings);
    int err = prepare(client, props, &config);
    if (err != RMQ_OK) {
        client_free(client);
        return err;
    }
    *node = client;
    event_node_started(env, SPAN_LITERAL("client"),
                       client->profile_5_3 ? SPAN_LITERAL("5.3") : SPAN_LITERAL("4.9"));
    if (client->profile_5_3)
        name_servers_probe(&client->servers);
    start_worker(client, &config);
    err = load_set_create(client, env, &client->loads);
    if (err == RMQ_OK)
        err = load_configured(client->loads, props);
    if (err != RMQ_OK)
        client_free(client);
    return err;
}

static void client_end(struct client *client) {
    struct env *env = client->env;
    client_free(client);
    env_exit(env, 0);
}

static bool is_done(const struct client *client) {
    return client->loads_stopped && list_is_empty(&client->producers) &&
           list_is_empty(&client->consumers) && list_is_empty(&client->unregisters);
}

static void on_end_timer(struct env *env, struct env_timer *timer) {
    struct client *client = RMQ_CONTAINER_OF(timer, struct client, end_timer);
    RMQ_ASSERT(client->env == env);
    if (is_done(client))
        client_end(client);
}

/* Not from here: who calls this may still use the client. */
void client_group_gone(struct client *client) {
    if (client->stopping && is_done(client))
        env_timer_start(client->env, &client->end_timer, 0, on_end_timer);
}

static void on_loads_stopped(void *ctx) {
    struct client *client = ctx;
    client->loads_stopped = true;
    client_group_gone(client);
}

static void client_stop(void *node) {
    struct client *client = node;
    event_node_stopping(client->env, SPAN_LITERAL("client"));
    client->stopping = true;
    load_stop_all(client->loads, on_loads_stopped, client);
    if (is_done(client))
        client_end(client);
}

static int client_command(void *node, const struct props *command) {
    struct client *client = node;
    if (load_is_order(props_get(command, "do")))
        return load_order(client->loads, command);
    return client_order(client, command);
}

const struct role client_role = {"client", client_start, client_stop, client_command};
