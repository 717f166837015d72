/* client/instance.c - the role: configuration, start and stop of one client instance.
 *
 * Start sequence of client.md 3.2, as far as it exists here: the remoting client, then the serial
 * worker. Stop: it has no group to unregister yet, so it closes its connections and is done. */
#include "model/base/check.h"
#include "model/base/settings.h"
#include "model/client/client.h"
#include "model/client/client_internal.h"
#include "model/events.h"

#define DEFAULT_TOPIC "TBW102"

struct client_config {
    bool profile_5_3;
    bool producer;
    enum wire_serialization serialization;
    uint32_t poll_ms;
    uint32_t api_timeout_ms;
    struct span topics;
};

static const char *const KNOWN_KEYS[] = {
    "profile",
    "namesrvAddr",
    "topics",
    "producer",
    "instanceName",
    "pollNameServerInterval",
    "mqClientApiTimeout",
    "rocketmq.serialize.type",
};

static int read_config(struct env *env, const struct props *props, struct client_config *config) {
    static const char *const PROFILES[] = {"4.9", "5.3"};
    static const char *const SERIALIZATIONS[] = {"JSON", "ROCKETMQ"};
    struct settings settings = settings_of(props);
    struct client_config read = {.topics = props_get(props, "topics")};
    read.profile_5_3 = settings_word(&settings, "profile", PROFILES, 2) == 1;
    read.serialization = (enum wire_serialization)settings_word(
        &settings, "rocketmq.serialize.type", SERIALIZATIONS, 2);
    read.producer = settings_bool(&settings, "producer", false);
    read.poll_ms =
        (uint32_t)settings_number(&settings, "pollNameServerInterval", 30000, 1, INT32_MAX);
    read.api_timeout_ms =
        (uint32_t)settings_number(&settings, "mqClientApiTimeout", 3000, 1, INT32_MAX);
    settings_quirks(&settings);
    int err = settings_finish(&settings, env, "client", KNOWN_KEYS,
                              sizeof KNOWN_KEYS / sizeof KNOWN_KEYS[0]);
    if (err == RMQ_OK)
        *config = read;
    return err;
}

/* ---- the topics ------------------------------------------------------------------------------ */

static bool has_topic(const struct client *client, struct span name) {
    for (size_t i = 0; i < client->topic_count; i++) {
        if (span_equal(client->topics[i].name, name))
            return true;
    }
    return false;
}

/* Array and names in one block; each topic once. */
static int load_topics(struct client *client, const struct client_config *config) {
    struct span rest = config->topics, name;
    size_t count = 1; /* TBW102 */
    while (span_next_part(&rest, ';', &name))
        count++;
    size_t array = count * sizeof(struct client_topic);
    char *memory = env_alloc(client->env, array + config->topics.len + 1);
    if (memory == NULL)
        return RMQ_E_NOMEM;
    client->topics = (struct client_topic *)(void *)memory;
    if (config->topics.len > 0)
        memcpy(memory + array, config->topics.data, config->topics.len);
    rest = span_of(memory + array, config->topics.len);
    while (span_next_part(&rest, ';', &name)) {
        if (!has_topic(client, name))
            client->topics[client->topic_count++] = (struct client_topic){.name = name};
    }
    if (config->producer && !has_topic(client, SPAN_LITERAL(DEFAULT_TOPIC)))
        client->topics[client->topic_count++] =
            (struct client_topic){.name = SPAN_LITERAL(DEFAULT_TOPIC)};
    return RMQ_OK;
}

/* ---- remoting -------------------------------------------------------------------------------- */

/* Nothing asks a client yet; what does gets the answer of a processor-less node (wire.md 7.4). */
static void on_request(void *ctx, struct channel *channel, const struct wire_command *request) {
    struct client *client = ctx;
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

static const struct remoting_handler HANDLER = {on_request, on_channel_closed};

static void start_remoting(struct client *client, const struct client_config *config) {
    struct remoting_config remoting;
    remoting_config_default(&remoting);
    remoting.version = config->profile_5_3 ? WIRE_VERSION_5_3_3 : WIRE_VERSION_4_9_8;
    remoting.serialization = config->serialization;
    remoting_init(&client->remoting, client->env, &remoting, &HANDLER, client);
    client->remoting_up = true;
}

/* ---- the role -------------------------------------------------------------------------------- */

/* Tears down whatever was started. */
static void client_free(struct client *client) {
    fixed_rate_stop(&client->worker);
    if (client->remoting_up)
        client_orders_cancel(client);
    name_servers_deinit(&client->servers);
    if (client->remoting_up)
        remoting_deinit(&client->remoting);
    for (size_t i = 0; i < client->topic_count; i++)
        env_free(client->env, client->topics[i].route);
    env_free(client->env, client->topics);
    env_free(client->env, client);
}

/* Everything that can fail. */
static int prepare(struct client *client, const struct props *props, struct client_config *config) {
    int err = read_config(client->env, props, config);
    if (err != RMQ_OK)
        return err;
    client->api_timeout_ms = config->api_timeout_ms;
    err = load_topics(client, config);
    if (err != RMQ_OK)
        return err;
    start_remoting(client, config);
    err = name_servers_init(&client->servers, client->env, &client->remoting,
                            props_get(props, "namesrvAddr"), config->profile_5_3, true);
    if (err != RMQ_OK)
        env_log(client->env, ENV_LOG_ERROR, "client: value of namesrvAddr: %s", rmq_err_text(err));
    return err;
}

static int client_start(struct env *env, const struct props *props, void **node) {
    struct client_config config;
    struct client *client = env_alloc(env, sizeof *client);
    if (client == NULL)
        return RMQ_E_NOMEM;
    memset(client, 0, sizeof *client);
    client->env = env;
    list_init(&client->orders);
    int err = prepare(client, props, &config);
    if (err != RMQ_OK) {
        client_free(client);
        return err;
    }
    *node = client;
    event_node_started(env, SPAN_LITERAL("client"),
                       config.profile_5_3 ? SPAN_LITERAL("5.3") : SPAN_LITERAL("4.9"));
    if (config.profile_5_3)
        name_servers_probe(&client->servers);
    client_poll_start(client, config.poll_ms);
    return RMQ_OK;
}

static void client_stop(void *node) {
    struct client *client = node;
    struct env *env = client->env;
    event_node_stopping(env, SPAN_LITERAL("client"));
    client_free(client);
    env_exit(env, 0);
}

static int client_command(void *node, const struct props *command) {
    return client_order(node, command);
}

const struct role client_role = {"client", client_start, client_stop, client_command};
