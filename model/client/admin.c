/* client/admin.c - administrators' orders, as mqadmin sends them; see client.h.
 *
 * Source: broker.md 24, namesrv.md 11 to 14, and observed: 4.9.7-mqadmin497-admin. What changes
 * name servers goes to each of them, side by side (Differs: mqadmin asks one after the other). */
#include "model/base/check.h"
#include "model/client/client_internal.h"
#include "model/events.h"

#define ADMIN_TIMEOUT_NS UINT64_C(5000000000) /* mqadmin's, wire.md 7.6 */
#define ARGUMENTS_MAX 4

struct order;

enum order_targets { TO_EACH_NAME_SERVER, TO_CHOSEN_NAME_SERVER, TO_BROKERS };

struct order_kind {
    const char *name;
    int32_t code;
    enum order_targets targets;
    const char *required[ARGUMENTS_MAX]; /* NULL after the last */
    /* Fills header and body; scratch memory is in the request. */
    int (*build)(const struct order *order, struct wire_command *request, struct buf *numbers,
                 struct buf *body);
    /* Appends the detail of a success; NULL: none. */
    void (*describe)(const struct order *order, const struct wire_command *response,
                     struct buf *out);
};

struct order_call {
    struct order *order;
    struct span target;
};

struct order {
    struct list link;
    struct client *client;
    const struct order_kind *kind;
    struct props arguments;
    size_t open; /* answers to come; plus one while sending */
    size_t targets;
    int failure; /* of finding targets */
    struct name_server_call chosen;
    struct list calls;                /* struct broker_call: TO_BROKERS */
    struct order_call name_servers[]; /* one per name server */
};

/* A request to a broker found by 106. */
struct broker_call {
    struct list link;
    struct order_call call;
    char address[];
};

static struct span argument(const struct order *order, const char *key) {
    return props_get(&order->arguments, key);
}

/* ---- requests and what is said about their answers ------------------------------------------- */

static int build_broker_name(const struct order *order, struct wire_command *request,
                             struct buf *numbers, struct buf *body) {
    RMQ_ASSERT(body->len == 0);
    struct header_broker_name header = {.broker_name = argument(order, "brokerName")};
    return header_encode(&HEADER_broker_name, &header, request, numbers);
}

static int build_delete_topic(const struct order *order, struct wire_command *request,
                              struct buf *numbers, struct buf *body) {
    RMQ_ASSERT(body->len == 0);
    struct header_delete_topic_in_namesrv header = {.topic = argument(order, "topic"),
                                                    .cluster_name = argument(order, "clusterName")};
    return header_encode(&HEADER_delete_topic_in_namesrv, &header, request, numbers);
}

static int build_delete_in_broker(const struct order *order, struct wire_command *request,
                                  struct buf *numbers, struct buf *body) {
    RMQ_ASSERT(body->len == 0);
    struct header_topic_name header = {.topic = argument(order, "topic")};
    return header_encode(&HEADER_topic_name, &header, request, numbers);
}

static int build_put_kv(const struct order *order, struct wire_command *request,
                        struct buf *numbers, struct buf *body) {
    RMQ_ASSERT(body->len == 0);
    struct header_put_kv_config header = {.namespace_ = argument(order, "namespace"),
                                          .key = argument(order, "key"),
                                          .value = argument(order, "value")};
    return header_encode(&HEADER_put_kv_config, &header, request, numbers);
}

static int build_delete_kv(const struct order *order, struct wire_command *request,
                           struct buf *numbers, struct buf *body) {
    RMQ_ASSERT(body->len == 0);
    struct header_kv_key header = {.namespace_ = argument(order, "namespace"),
                                   .key = argument(order, "key")};
    return header_encode(&HEADER_kv_key, &header, request, numbers);
}

static int build_config(const struct order *order, struct wire_command *request,
                        struct buf *numbers, struct buf *body) {
    struct props one;
    RMQ_ASSERT(numbers->len == 0);
    props_init(&one, order->client->env);
    int err = props_set(&one, argument(order, "key"), argument(order, "value"));
    if (err == RMQ_OK)
        props_write(&one, body);
    props_deinit(&one);
    request->body = buf_span(body);
    return err;
}

static int build_get_route(const struct order *order, struct wire_command *request,
                           struct buf *numbers, struct buf *body) {
    RMQ_ASSERT(body->len == 0);
    struct header_get_route header = {.topic = argument(order, "topic")};
    return header_encode(&HEADER_get_route, &header, request, numbers);
}

static int read_number(const struct order *order, const char *key, int64_t fallback, int32_t *out) {
    int64_t value;
    int err = props_get_i64(&order->arguments, key, fallback, &value);
    if (err == RMQ_OK && (value < 0 || value > INT32_MAX))
        err = RMQ_E_INVALID;
    if (err == RMQ_OK)
        *out = (int32_t)value;
    return err;
}

static int build_create_topic(const struct order *order, struct wire_command *request,
                              struct buf *numbers, struct buf *body) {
    struct header_create_topic header = {.topic = argument(order, "topic"),
                                         .default_topic = SPAN_LITERAL("TBW102"),
                                         .has_read_queue_nums = true,
                                         .has_write_queue_nums = true,
                                         .has_perm = true,
                                         .topic_filter_type = SPAN_LITERAL("SINGLE_TAG"),
                                         .has_topic_sys_flag = true,
                                         .has_order = true};
    RMQ_ASSERT(body->len == 0);
    if (read_number(order, "readQueueNums", 8, &header.read_queue_nums) != RMQ_OK ||
        read_number(order, "writeQueueNums", 8, &header.write_queue_nums) != RMQ_OK ||
        read_number(order, "perm", 6, &header.perm) != RMQ_OK ||
        props_get_bool(&order->arguments, "order", false, &header.order) != RMQ_OK)
        return RMQ_E_INVALID;
    return header_encode(&HEADER_create_topic, &header, request, numbers);
}

static void describe_wiped(const struct order *order, const struct wire_command *response,
                           struct buf *out) {
    RMQ_ASSERT(order->kind->code == REQUEST_WIPE_WRITE_PERM_OF_BROKER);
    buf_put_span(out, wire_field(response, "wipeTopicCount"));
}

static void describe_added(const struct order *order, const struct wire_command *response,
                           struct buf *out) {
    RMQ_ASSERT(order->kind->code == REQUEST_ADD_WRITE_PERM_OF_BROKER);
    buf_put_span(out, wire_field(response, "addTopicCount"));
}

static void describe_route(const struct order *order, const struct wire_command *response,
                           struct buf *out) {
    struct route *route;
    if (route_read(order->client->env, response->body, &route) != RMQ_OK) {
        buf_put_text(out, "unreadable");
        return;
    }
    buf_put_decimal(out, (int64_t)route_broker_count(route));
    buf_put_text(out, " brokers, ");
    buf_put_decimal(out, (int64_t)route_write_queues(route));
    buf_put_text(out, " write queues");
    env_free(order->client->env, route);
}

static const struct order_kind KINDS[] = {
    {"create-topic",
     REQUEST_UPDATE_AND_CREATE_TOPIC,
     TO_BROKERS,
     {"topic"},
     build_create_topic,
     NULL},
    {"wipe-write-perm",
     REQUEST_WIPE_WRITE_PERM_OF_BROKER,
     TO_EACH_NAME_SERVER,
     {"brokerName"},
     build_broker_name,
     describe_wiped},
    {"add-write-perm",
     REQUEST_ADD_WRITE_PERM_OF_BROKER,
     TO_EACH_NAME_SERVER,
     {"brokerName"},
     build_broker_name,
     describe_added},
    {"delete-topic",
     REQUEST_DELETE_TOPIC_IN_NAMESRV,
     TO_EACH_NAME_SERVER,
     {"topic"},
     build_delete_topic,
     NULL},
    {"delete-topic-in-broker",
     REQUEST_DELETE_TOPIC_IN_BROKER,
     TO_BROKERS,
     {"topic"},
     build_delete_in_broker,
     NULL},
    {"put-kv",
     REQUEST_PUT_KV_CONFIG,
     TO_EACH_NAME_SERVER,
     {"namespace", "key", "value"},
     build_put_kv,
     NULL},
    {"delete-kv",
     REQUEST_DELETE_KV_CONFIG,
     TO_EACH_NAME_SERVER,
     {"namespace", "key"},
     build_delete_kv,
     NULL},
    {"update-namesrv-config",
     REQUEST_UPDATE_NAMESRV_CONFIG,
     TO_EACH_NAME_SERVER,
     {"key", "value"},
     build_config,
     NULL},
    {"update-broker-config",
     REQUEST_UPDATE_BROKER_CONFIG,
     TO_BROKERS,
     {"key", "value"},
     build_config,
     NULL},
    {"get-route",
     REQUEST_GET_ROUTEINFO_BY_TOPIC,
     TO_CHOSEN_NAME_SERVER,
     {"topic"},
     build_get_route,
     describe_route},
};

/* ---- life of an order ------------------------------------------------------------------------ */

static void order_free(struct order *order) {
    struct client *client = order->client;
    for (uint32_t i = 0; i < client->servers.count; i++)
        remoting_cancel(&client->remoting, &order->name_servers[i]);
    LIST_EACH(&order->calls, link, next) {
        struct broker_call *call = LIST_ENTRY(link, struct broker_call, link);
        remoting_cancel(&client->remoting, &call->call);
        env_free(client->env, call);
    }
    name_servers_cancel(&client->servers, &order->chosen);
    list_remove(&order->link);
    props_deinit(&order->arguments);
    env_free(client->env, order);
}

static void report(const struct order *order, struct span target, int64_t code,
                   struct span detail) {
    event_command_done(order->client->env, span_of_text(order->kind->name), target, code, detail);
}

/* One answer less to wait for; the last one ends the order. */
static void order_release(struct order *order) {
    RMQ_ASSERT(order->open > 0);
    if (--order->open > 0)
        return;
    if (order->targets == 0) {
        int failure = order->failure != RMQ_OK ? order->failure : RMQ_E_NOT_FOUND;
        report(order, SPAN_NONE, failure, span_of_text(rmq_err_text(failure)));
    }
    order_free(order);
}

static void report_answer(const struct order *order, struct span target, int status,
                          const struct wire_command *response) {
    if (status != RMQ_OK) {
        report(order, target, status, span_of_text(rmq_err_text(status)));
        return;
    }
    if (response->code != RESPONSE_SUCCESS || order->kind->describe == NULL) {
        report(order, target, response->code,
               response->code == RESPONSE_SUCCESS ? SPAN_NONE : response->remark);
        return;
    }
    struct buf detail;
    buf_init(&detail, order->client->env);
    order->kind->describe(order, response, &detail);
    report(order, target, response->code, buf_span(&detail));
    buf_deinit(&detail);
}

static void on_answer(void *ctx, int status, const struct wire_command *response) {
    struct order_call *call = ctx;
    report_answer(call->order, call->target, status, response);
    order_release(call->order);
}

static void send_to(struct order *order, struct order_call *call, struct span target) {
    struct client *client = order->client;
    struct wire_command request;
    struct buf numbers, body;
    *call = (struct order_call){order, target};
    order->open++;
    order->targets++;
    buf_init(&numbers, client->env);
    buf_init(&body, client->env);
    wire_command_init(&request, order->kind->code);
    int err = buf_reserve(&numbers, HEADER_SCRATCH_BYTES);
    if (err == RMQ_OK)
        err = order->kind->build(order, &request, &numbers, &body);
    if (err == RMQ_OK && (buf_failed(&body) || buf_failed(&numbers)))
        err = RMQ_E_NOMEM;
    if (err == RMQ_OK)
        remoting_call(&client->remoting, target, &request, REMOTING_SYNC, ADMIN_TIMEOUT_NS,
                      on_answer, call);
    else
        on_answer(call, err, NULL);
    buf_deinit(&numbers);
    buf_deinit(&body);
}

/* ---- to the chosen name server --------------------------------------------------------------- */

/* Requests that go this way have strings only, which live in the order. */
static void build_for_chosen(void *ctx, struct wire_command *request) {
    struct order *order = ctx;
    struct buf none;
    buf_init(&none, order->client->env);
    wire_command_init(request, order->kind->code);
    int err = order->kind->build(order, request, &none, &none);
    RMQ_ASSERT(err == RMQ_OK && none.data == NULL);
}

static void on_chosen_answer(void *ctx, int status, const struct wire_command *response) {
    struct order *order = ctx;
    const struct name_servers *servers = &order->client->servers;
    struct span target =
        servers->chosen < servers->count ? servers->servers[servers->chosen].address : SPAN_NONE;
    report_answer(order, target, status, response);
    order_release(order);
}

static void ask_chosen(struct order *order, void (*build)(void *, struct wire_command *),
                       remoting_done_fn *done) {
    order->chosen = (struct name_server_call){
        .build = build, .done = done, .ctx = order, .timeout_ns = ADMIN_TIMEOUT_NS};
    order->open++;
    name_servers_call(&order->client->servers, &order->chosen);
}

/* ---- to the masters of a cluster ------------------------------------------------------------- */

static void build_cluster_info(void *ctx, struct wire_command *request) {
    RMQ_ASSERT(ctx != NULL);
    wire_command_init(request, REQUEST_GET_BROKER_CLUSTER_INFO);
}

/* Notes a broker as a target; its request is sent when all are known. */
static int add_broker(struct order *order, struct span address) {
    struct broker_call *call = env_alloc(order->client->env, sizeof *call + address.len);
    if (call == NULL)
        return RMQ_E_NOMEM;
    memcpy(call->address, address.data, address.len);
    call->call.target = span_of(call->address, address.len);
    call->call.order = order;
    list_append(&order->calls, &call->link);
    return RMQ_OK;
}

static int on_cluster_broker(void *ctx, const struct route_broker_addr *addr) {
    struct order *order = ctx;
    if (addr->broker_id != 0 || !span_equal(addr->cluster, argument(order, "clusterName")))
        return RMQ_OK;
    return add_broker(order, addr->addr);
}

static void send_to_brokers(struct order *order) {
    LIST_EACH(&order->calls, link, next) {
        struct broker_call *call = LIST_ENTRY(link, struct broker_call, link);
        send_to(order, &call->call, call->call.target);
    }
}

static void on_cluster_info(void *ctx, int status, const struct wire_command *response) {
    struct order *order = ctx;
    struct buf scratch;
    struct wire_error error;
    const struct route_visitor visitor = {.on_broker_addr = on_cluster_broker, .ctx = order};
    buf_init(&scratch, order->client->env);
    if (status == RMQ_OK && response->code != RESPONSE_SUCCESS)
        status = RMQ_E_STATE;
    if (status == RMQ_OK)
        status = cluster_info_decode(response->body, &scratch, &visitor, &error);
    buf_deinit(&scratch);
    order->failure = status;
    if (status == RMQ_OK)
        send_to_brokers(order);
    order_release(order);
}

/* ---- begin ----------------------------------------------------------------------------------- */

static const struct order_kind *find_kind(struct span name) {
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        if (span_equal(name, span_of_text(KINDS[i].name)))
            return &KINDS[i];
    }
    return NULL;
}

/* Whether everything needed is there, and numbers are numbers. */
static bool arguments_good(const struct order *order) {
    const struct order_kind *kind = order->kind;
    for (size_t i = 0; i < ARGUMENTS_MAX && kind->required[i] != NULL; i++) {
        if (span_is_absent(argument(order, kind->required[i])))
            return false;
    }
    if (kind->targets != TO_BROKERS)
        return true;
    int32_t number;
    bool flag;
    bool by_address = !span_is_absent(argument(order, "brokerAddr"));
    return by_address != !span_is_absent(argument(order, "clusterName")) &&
           (!by_address || name_server_address_valid(argument(order, "brokerAddr"))) &&
           read_number(order, "readQueueNums", 8, &number) == RMQ_OK &&
           read_number(order, "writeQueueNums", 8, &number) == RMQ_OK &&
           read_number(order, "perm", 6, &number) == RMQ_OK &&
           props_get_bool(&order->arguments, "order", false, &flag) == RMQ_OK;
}

static void order_start(struct order *order) {
    struct client *client = order->client;
    order->open = 1; /* answers may come before everything is sent */
    switch (order->kind->targets) {
    case TO_EACH_NAME_SERVER:
        for (uint32_t i = 0; i < client->servers.count; i++)
            send_to(order, &order->name_servers[i], client->servers.servers[i].address);
        break;
    case TO_CHOSEN_NAME_SERVER:
        order->targets = 1;
        ask_chosen(order, build_for_chosen, on_chosen_answer);
        break;
    case TO_BROKERS:
        if (span_is_absent(argument(order, "brokerAddr"))) {
            ask_chosen(order, build_cluster_info, on_cluster_info);
            break;
        }
        order->failure = add_broker(order, argument(order, "brokerAddr"));
        send_to_brokers(order);
        break;
    }
    order_release(order);
}

int client_order(struct client *client, const struct props *command) {
    const struct order_kind *kind = find_kind(props_get(command, "do"));
    if (kind == NULL)
        return RMQ_E_INVALID;
    size_t calls = client->servers.count * sizeof(struct order_call);
    struct order *order = env_alloc(client->env, sizeof *order + calls);
    if (order == NULL)
        return RMQ_E_NOMEM;
    memset(order, 0, sizeof *order + calls);
    order->client = client;
    order->kind = kind;
    list_init(&order->calls);
    list_init(&order->chosen.link);
    list_append(&client->orders, &order->link);
    props_init(&order->arguments, client->env);
    int err = props_copy(&order->arguments, command);
    if (err == RMQ_OK && !arguments_good(order))
        err = RMQ_E_INVALID;
    if (err != RMQ_OK) {
        order_free(order);
        return err;
    }
    order_start(order);
    return RMQ_OK;
}

void client_orders_cancel(struct client *client) {
    LIST_EACH(&client->orders, link, next) {
        order_free(LIST_ENTRY(link, struct order, link));
    }
}
