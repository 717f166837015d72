/* client/name_servers.c - choice, rotation and probing; see name_servers.h. */
#include "model/client/name_servers.h"

#include "model/base/check.h"
#include "model/events.h"

#define PROBE_PERIOD_NS NAME_SERVER_CONNECT_NS
/* 5.3 closes a connection after a timeout only if more than this was left for the wait. */
#define CLOSE_MIN_NS UINT64_C(100000000)

bool name_server_address_valid(struct span text) {
    size_t colon = text.len;
    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    int32_t port;
    if (colon < 2 || span_to_i32(span_from(text, colon), &port) != RMQ_OK)
        return false;
    return port > 0 && port < 65536 && text.data[colon] != '-';
}

static int count_addresses(struct span list, uint32_t *count) {
    struct span address;
    *count = 0;
    while (span_next_part(&list, ';', &address)) {
        if (!name_server_address_valid(address))
            return RMQ_E_INVALID;
        (*count)++;
    }
    return RMQ_OK;
}

static void shuffle(struct name_servers *servers) {
    for (uint32_t i = 0; i < servers->count; i++)
        servers->servers[i].shuffled = i;
    for (uint32_t i = servers->count; i > 1; i--) {
        uint32_t j = (uint32_t)env_random_below(servers->env, i);
        uint32_t moved = servers->servers[i - 1].shuffled;
        servers->servers[i - 1].shuffled = servers->servers[j].shuffled;
        servers->servers[j].shuffled = moved;
    }
}

int name_servers_init(struct name_servers *servers, struct env *env, struct remoting *remoting,
                      struct span list, bool profile_5_3, bool report) {
    uint32_t count;
    int err = count_addresses(list, &count);
    if (err != RMQ_OK)
        return err;
    size_t array = count * sizeof(struct name_server);
    uint8_t *memory = env_alloc(env, array + list.len + 1);
    if (memory == NULL)
        return RMQ_E_NOMEM;
    *servers = (struct name_servers){.env = env,
                                     .remoting = remoting,
                                     .servers = (struct name_server *)(void *)memory,
                                     .count = count,
                                     .chosen = count,
                                     .profile_5_3 = profile_5_3,
                                     .report = report};
    list_init(&servers->waiting);
    list_init(&servers->sent);
    if (list.len > 0)
        memcpy(memory + array, list.data, list.len);
    struct span copy = span_of(memory + array, list.len);
    for (uint32_t i = 0; i < count; i++) {
        servers->servers[i] = (struct name_server){.owner = servers};
        bool more = span_next_part(&copy, ';', &servers->servers[i].address);
        RMQ_ASSERT(more);
    }
    shuffle(servers);
    servers->next = (uint32_t)env_random_below(env, 999); /* initValueIndex: 0 to 998 */
    return RMQ_OK;
}

static void forget(struct name_servers *servers, struct name_server_call *call) {
    remoting_cancel(servers->remoting, call);
    list_remove(&call->link);
    call->active = false;
}

void name_servers_deinit(struct name_servers *servers) {
    if (servers->env == NULL)
        return;
    env_timer_stop(servers->env, &servers->probe);
    remoting_cancel(servers->remoting, servers);
    for (uint32_t i = 0; i < servers->count; i++)
        remoting_cancel(servers->remoting, &servers->servers[i]);
    if (servers->connecting != NULL)
        forget(servers, servers->connecting);
    LIST_EACH(&servers->waiting, link, next) {
        forget(servers, LIST_ENTRY(link, struct name_server_call, link));
    }
    LIST_EACH(&servers->sent, link, next) {
        forget(servers, LIST_ENTRY(link, struct name_server_call, link));
    }
    env_free(servers->env, servers->servers);
    *servers = (struct name_servers){0};
}

/* ---- calls ----------------------------------------------------------------------------------- */

static void finish(struct name_server_call *call, int status, const struct wire_command *response) {
    RMQ_ASSERT(call->active);
    list_remove(&call->link);
    call->active = false;
    call->done(call->ctx, status, response);
}

static void on_answer(void *ctx, int status, const struct wire_command *response) {
    finish(ctx, status, response);
}

static struct span chosen_address(const struct name_servers *servers) {
    RMQ_ASSERT(servers->chosen < servers->count);
    return servers->servers[servers->chosen].address;
}

static struct channel *chosen_channel(const struct name_servers *servers) {
    if (servers->chosen == servers->count)
        return NULL;
    return remoting_find(servers->remoting, chosen_address(servers));
}

/* The call's time was used up by connecting. */
static void expire(struct name_servers *servers, struct name_server_call *call) {
    struct channel *channel = chosen_channel(servers);
    if (!servers->profile_5_3 && channel != NULL)
        channel_close(channel, "timeout");
    finish(call, RMQ_E_TIMEOUT, NULL);
}

static void send_call(struct name_servers *servers, struct name_server_call *call) {
    uint64_t spent = env_mono_ns(servers->env) - call->begin_ns;
    if (spent >= call->timeout_ns) {
        expire(servers, call);
        return;
    }
    uint64_t left = call->timeout_ns - spent;
    bool closes = !servers->profile_5_3 || left > CLOSE_MIN_NS || left > call->timeout_ns / 4;
    struct wire_command request;
    wire_command_init(&request, 0);
    call->build(call->ctx, &request);
    list_append(&servers->sent, &call->link);
    remoting_call(servers->remoting, chosen_address(servers), &request,
                  closes ? REMOTING_SYNC : REMOTING_ASYNC, left, on_answer, call);
}

static void choose_for(struct name_servers *servers, struct name_server_call *call);

/* The way is free: the calls behind go on, up to one that connects again. */
static void go_on(struct name_servers *servers) {
    while (servers->connecting == NULL && !list_is_empty(&servers->waiting)) {
        struct name_server_call *call =
            LIST_ENTRY(servers->waiting.next, struct name_server_call, link);
        list_remove(&call->link);
        choose_for(servers, call);
    }
}

static void note_chosen(struct name_servers *servers) {
    if (servers->chosen_open)
        return;
    servers->chosen_open = true;
    if (servers->report)
        event_client_name_server_chosen(servers->env, chosen_address(servers));
}

static void on_connected(void *ctx, int status, const struct wire_command *response) {
    struct name_servers *servers = ctx;
    struct name_server_call *call = servers->connecting;
    RMQ_ASSERT(call != NULL && response == NULL);
    servers->connecting = NULL;
    call->last_error = status;
    choose_for(servers, call);
    go_on(servers);
}

/* Sends `call` over the chosen connection, or connects to the next of the list for it. */
static void choose_for(struct name_servers *servers, struct name_server_call *call) {
    RMQ_ASSERT(servers->connecting == NULL);
    struct channel *open = chosen_channel(servers);
    if (open != NULL && call->tries == 0 && env_plant(servers->env, PLANT_CLIENT_RECONNECT))
        channel_close(open, "ours");
    if (chosen_channel(servers) != NULL) {
        note_chosen(servers);
        send_call(servers, call);
        return;
    }
    uint32_t tries_max = servers->profile_5_3 ? 1 : servers->count;
    if (servers->count == 0 || call->tries == tries_max) {
        finish(call, call->last_error, NULL);
        return;
    }
    call->tries++;
    servers->next++;
    servers->chosen = servers->servers[servers->next % servers->count].shuffled;
    servers->connecting = call;
    remoting_connect(servers->remoting, chosen_address(servers), NAME_SERVER_CONNECT_NS,
                     on_connected, servers);
}

void name_servers_call(struct name_servers *servers, struct name_server_call *call) {
    RMQ_ASSERT(!call->active);
    call->active = true;
    call->begin_ns = env_mono_ns(servers->env);
    call->tries = 0;
    call->last_error = RMQ_E_UNREACHABLE;
    list_init(&call->link);
    if (servers->connecting != NULL)
        list_append(&servers->waiting, &call->link);
    else
        choose_for(servers, call);
}

void name_servers_cancel(struct name_servers *servers, struct name_server_call *call) {
    if (!call->active)
        return;
    forget(servers, call);
    if (servers->connecting != call)
        return;
    servers->connecting = NULL;
    remoting_cancel(servers->remoting, servers);
    go_on(servers);
}

/* ---- probing, losses ------------------------------------------------------------------------- */

static void on_probe_timer(struct env *env, struct env_timer *timer);

/* Arms the timer for the next instant of the 3 s grid, if a connection is missing. */
static void arm_probe(struct name_servers *servers) {
    if (servers->probe_origin_ns == 0 || env_timer_armed(&servers->probe))
        return;
    for (uint32_t i = 0; i < servers->count; i++) {
        if (remoting_find(servers->remoting, servers->servers[i].address) != NULL)
            continue;
        uint64_t since = env_mono_ns(servers->env) - servers->probe_origin_ns;
        env_timer_start(servers->env, &servers->probe, PROBE_PERIOD_NS - since % PROBE_PERIOD_NS,
                        on_probe_timer);
        return;
    }
}

static void on_probed(void *ctx, int status, const struct wire_command *response) {
    struct name_server *server = ctx;
    RMQ_ASSERT(response == NULL);
    RMQ_IGNORE(status, "5.3.3 counts a name server as available however its dial ended");
    server->probing = false;
    server->probed = true;
}

static void probe_all(struct name_servers *servers) {
    for (uint32_t i = 0; i < servers->count; i++) {
        struct name_server *server = &servers->servers[i];
        if (server->probing || remoting_find(servers->remoting, server->address) != NULL) {
            server->probed |= !server->probing;
            continue;
        }
        server->probing = true;
        remoting_connect(servers->remoting, server->address, NAME_SERVER_CONNECT_NS, on_probed,
                         server);
    }
    arm_probe(servers);
}

static void on_probe_timer(struct env *env, struct env_timer *timer) {
    struct name_servers *servers = RMQ_CONTAINER_OF(timer, struct name_servers, probe);
    RMQ_ASSERT(servers->env == env);
    probe_all(servers);
}

void name_servers_probe(struct name_servers *servers) {
    RMQ_ASSERT(servers->profile_5_3);
    servers->probe_origin_ns = env_mono_ns(servers->env);
    probe_all(servers);
}

void name_servers_channel_closed(struct name_servers *servers, const char *peer,
                                 const char *reason) {
    if (servers->chosen_open && span_equal(chosen_address(servers), span_of_text(peer))) {
        servers->chosen_open = false;
        if (servers->report)
            event_client_name_server_lost(servers->env, span_of_text(peer), span_of_text(reason));
    }
    arm_probe(servers);
}
