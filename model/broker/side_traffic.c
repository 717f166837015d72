/* broker/side_traffic.c - see side_traffic.h. */
#include "model/broker/side_traffic.h"

#include "model/base/check.h"
#include "model/broker/messages.h"

#define NS_PER_MS UINT64_C(1000000)
#define FIRST_NS (1000 * NS_PER_MS)
#define CALL_TIMEOUT_NS (3000 * NS_PER_MS)

void side_traffic_metadata(void *ctx, struct wire_command *request) {
    RMQ_ASSERT(ctx != NULL);
    wire_command_init(request, REQUEST_GET_BROKER_CLUSTER_INFO);
}

static void on_heartbeat_due(void *ctx) {
    struct acting_traffic *traffic = ctx;
    struct broker_message message;
    if (traffic->config->compatible_with_old_namesrv)
        broker_message_version_query(&message, traffic->env, traffic->config, traffic->topics);
    else
        broker_message_member(&message, traffic->env, traffic->config, REQUEST_BROKER_HEARTBEAT);
    for (uint32_t i = 0; i < traffic->servers->count; i++) {
        const struct name_server *server = &traffic->servers->servers[i];
        if (server->probed)
            RMQ_IGNORE(remoting_oneway(traffic->remoting, server->address, &message.command),
                       "the next one comes in a second");
    }
    fixed_rate_done(&traffic->heartbeat);
}

static void on_members_due(void *ctx) {
    struct acting_traffic *traffic = ctx;
    name_servers_call(traffic->servers, &traffic->members_call);
}

/* The message is copied: its spans point into the configuration, except number texts, which these
 * two requests do not have. */
static void build_members(void *ctx, struct wire_command *request) {
    struct acting_traffic *traffic = ctx;
    struct broker_message message;
    if (traffic->config->compatible_with_old_namesrv)
        broker_message_member_route(&message, traffic->env, traffic->config);
    else
        broker_message_member(&message, traffic->env, traffic->config,
                              REQUEST_GET_BROKER_MEMBER_GROUP);
    RMQ_ASSERT(message.numbers.len == 0);
    *request = message.command;
}

static void on_members(void *ctx, int status, const struct wire_command *response) {
    struct acting_traffic *traffic = ctx;
    RMQ_IGNORE(status != RMQ_OK || response == NULL, "not used, see side_traffic.h");
    fixed_rate_done(&traffic->members);
}

void acting_traffic_start(struct acting_traffic *traffic, struct env *env,
                          const struct broker_config *config, const struct topics *topics,
                          struct remoting *remoting, struct name_servers *servers) {
    RMQ_ASSERT(config->profile_5_3 && config->acting_master);
    *traffic = (struct acting_traffic){
        .env = env, .config = config, .topics = topics, .remoting = remoting, .servers = servers};
    traffic->members_call = (struct name_server_call){
        .build = build_members, .done = on_members, .ctx = traffic, .timeout_ns = CALL_TIMEOUT_NS};
    traffic->heartbeat_task = (struct fixed_rate_task){
        .run = on_heartbeat_due, .period_ns = config->heartbeat_ms * NS_PER_MS, .due_ns = FIRST_NS};
    traffic->members_task = (struct fixed_rate_task){
        .run = on_members_due, .period_ns = config->member_ms * NS_PER_MS, .due_ns = FIRST_NS};
    fixed_rate_start(&traffic->heartbeat, env, &traffic->heartbeat_task, 1, traffic);
    fixed_rate_start(&traffic->members, env, &traffic->members_task, 1, traffic);
}

void acting_traffic_stop(struct acting_traffic *traffic) {
    fixed_rate_stop(&traffic->heartbeat);
    fixed_rate_stop(&traffic->members);
    if (traffic->servers != NULL)
        name_servers_cancel(traffic->servers, &traffic->members_call);
}
