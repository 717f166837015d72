/* namesrv/namesrv.c - the role, the table of request codes, and what ties requests, connections,
 * scan and tables together. */
#include "model/namesrv/namesrv_internal.h"

#define BUFFER_KEEP_BYTES 65536

/* ---- requests -------------------------------------------------------------------------------- */

enum releases { BOTH, ONLY_5_3 };

struct request_row {
    int32_t code;
    enum releases releases;
    namesrv_handler *handler;
};

/* One row per request code; any other answers 3. */
static const struct request_row REQUESTS[] = {
    {REQUEST_GET_ROUTEINFO_BY_TOPIC, BOTH, namesrv_on_route},
    {REQUEST_REGISTER_BROKER, BOTH, namesrv_on_register_broker},
    {REQUEST_PUT_KV_CONFIG, BOTH, namesrv_on_put_kv},
    {REQUEST_GET_KV_CONFIG, BOTH, namesrv_on_get_kv},
    {REQUEST_DELETE_KV_CONFIG, BOTH, namesrv_on_delete_kv},
    {REQUEST_UNREGISTER_BROKER, BOTH, namesrv_on_unregister_broker},
    {REQUEST_GET_BROKER_CLUSTER_INFO, BOTH, namesrv_on_cluster_info},
    {REQUEST_WIPE_WRITE_PERM_OF_BROKER, BOTH, namesrv_on_wipe_write_perm},
    {REQUEST_GET_ALL_TOPIC_LIST_FROM_NAMESERVER, BOTH, namesrv_on_all_topics},
    {REQUEST_DELETE_TOPIC_IN_NAMESRV, BOTH, namesrv_on_delete_topic},
    {REQUEST_REGISTER_TOPIC_IN_NAMESRV, ONLY_5_3, namesrv_on_register_topic},
    {REQUEST_GET_KVLIST_BY_NAMESPACE, BOTH, namesrv_on_list_kv},
    {REQUEST_GET_TOPICS_BY_CLUSTER, BOTH, namesrv_on_cluster_topics},
    {REQUEST_GET_SYSTEM_TOPIC_LIST_FROM_NS, BOTH, namesrv_on_system_topics},
    {REQUEST_GET_UNIT_TOPIC_LIST, BOTH, namesrv_on_unit_topics},
    {REQUEST_GET_HAS_UNIT_SUB_TOPIC_LIST, BOTH, namesrv_on_unit_sub_topics},
    {REQUEST_GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST, BOTH, namesrv_on_unit_sub_not_unit_topics},
    {REQUEST_UPDATE_NAMESRV_CONFIG, BOTH, namesrv_on_update_config},
    {REQUEST_GET_NAMESRV_CONFIG, BOTH, namesrv_on_get_config},
    {REQUEST_QUERY_DATA_VERSION, BOTH, namesrv_on_query_data_version},
    {REQUEST_ADD_WRITE_PERM_OF_BROKER, BOTH, namesrv_on_add_write_perm},
    {REQUEST_GET_BROKER_MEMBER_GROUP, ONLY_5_3, namesrv_on_member_group},
    {REQUEST_BROKER_HEARTBEAT, ONLY_5_3, namesrv_on_broker_heartbeat},
};

static namesrv_handler *find_handler(const struct namesrv *ns, int32_t code) {
    for (size_t i = 0; i < sizeof REQUESTS / sizeof REQUESTS[0]; i++)
        if (REQUESTS[i].code == code)
            return REQUESTS[i].releases == BOTH || ns->config.profile_5_3 ? REQUESTS[i].handler
                                                                          : NULL;
    return NULL;
}

int exchange_fail(struct exchange *x, int32_t code, const char *remark) {
    x->response.code = code;
    buf_clear(&x->ns->remark);
    buf_put_text(&x->ns->remark, remark);
    return RMQ_OK;
}

bool exchange_decode(struct exchange *x, const struct header_info *info, void *header) {
    const struct header_field_info *bad = NULL;
    int err = header_decode(info, x->request, header, &bad);
    if (err == RMQ_OK)
        return true;
    exchange_fail(x, RESPONSE_SYSTEM_ERROR, "header field ");
    buf_put_text(&x->ns->remark, bad->key);
    buf_put_text(&x->ns->remark,
                 err == RMQ_E_MISSING ? " is missing" : " is not a number of its type");
    return false;
}

int exchange_encode(struct exchange *x, const struct header_info *info, const void *header) {
    if (buf_reserve(&x->ns->fields, HEADER_SCRATCH_BYTES) != RMQ_OK)
        return RMQ_E_NOMEM;
    return header_encode(info, header, &x->response, &x->ns->fields);
}

/* All invariants after each handler; in a large table, which takes long, after every hundredth. */
static void check_tables(struct namesrv *ns) {
#ifdef RMQ_CHECKS
    if (HASH_COUNT(ns->table.brokers) <= 100 || ++ns->unchecked >= 100) {
        ns->unchecked = 0;
        RMQ_ASSERT(route_table_check(&ns->table));
    }
#else
    (void)ns;
#endif
}

static int not_supported(struct exchange *x) {
    exchange_fail(x, RESPONSE_REQUEST_CODE_NOT_SUPPORTED, " request type ");
    buf_put_decimal(&x->ns->remark, x->request->code);
    buf_put_text(&x->ns->remark, " not supported");
    return RMQ_OK;
}

static void send_answer(struct exchange *x, int err) {
    struct namesrv *ns = x->ns;
    if (err != RMQ_OK || buf_failed(&ns->body) || buf_failed(&ns->remark)) {
        RMQ_ASSERT(err == RMQ_OK || err == RMQ_E_NOMEM);
        RMQ_IGNORE(remoting_answer_code(&ns->remoting, x->channel, x->request,
                                        RESPONSE_SYSTEM_ERROR, SPAN_LITERAL("out of memory")),
                   "the asker times out");
        return;
    }
    if (ns->remark.len > 0)
        x->response.remark = buf_span(&ns->remark);
    if (ns->body.len > 0)
        x->response.body = buf_span(&ns->body);
    if (x->request->code == REQUEST_GET_ROUTEINFO_BY_TOPIC &&
        env_buggify(ns->env, BUGGIFY_NAMESRV_ANSWER_LATE) && late_answer_add(x) == RMQ_OK)
        return;
    RMQ_IGNORE(remoting_answer(&ns->remoting, x->channel, x->request, &x->response),
               "a full or closed connection: the asker times out");
}

/* Frees a buffer that one large answer has grown. */
static void trim(struct buf *buf) {
    if (buf->capacity > BUFFER_KEEP_BYTES)
        buf_deinit(buf);
}

static void on_request(void *ctx, struct channel *channel, const struct wire_command *request) {
    struct namesrv *ns = ctx;
    buf_clear(&ns->body);
    buf_clear(&ns->remark);
    buf_clear(&ns->fields);
    struct exchange x; /* two kilobytes that need no clearing */
    x.ns = ns;
    x.channel = channel;
    x.request = request;
    wire_command_init(&x.response, RESPONSE_SUCCESS);
    namesrv_handler *handler = find_handler(ns, request->code);
    int err = handler == NULL ? not_supported(&x) : handler(&x);
    check_tables(ns);
    send_answer(&x, err);
    trim(&ns->body);
    trim(&ns->remark);
    trim(&ns->fields);
}

/* ---- connections ----------------------------------------------------------------------------- */

static void lose_all(struct namesrv *ns) {
    LIST_EACH(&ns->sessions, link, next) {
        struct session *session = LIST_ENTRY(link, struct session, link);
        route_table_lose_source(&ns->table, &session->source, "close");
    }
}

static void on_channel_closed(void *ctx, struct channel *channel, const char *reason) {
    struct namesrv *ns = ctx;
    late_answers_drop(ns, channel);
    struct session *session = channel_user(channel);
    if (session == NULL)
        return;
    channel_set_user(channel, NULL);
    route_table_lose_source(&ns->table, &session->source,
                            strcmp(reason, "idle") == 0 ? "idle" : "close");
    if (env_plant(ns->env, PLANT_NAMESRV_CLOSE_TAKES_ALL))
        lose_all(ns);
    list_remove(&session->link);
    env_free(ns->env, session);
    check_tables(ns);
}

static const struct remoting_handler HANDLER = {on_request, on_channel_closed};

/* ---- scan ------------------------------------------------------------------------------------ */

static void close_expired(void *ctx, struct route_source *source) {
    (void)ctx;
    channel_close(RMQ_CONTAINER_OF(source, struct session, source)->channel, "ours");
}

static void on_scan(struct env *env, struct env_timer *timer) {
    struct namesrv *ns = RMQ_CONTAINER_OF(timer, struct namesrv, scan);
    size_t brokers = HASH_COUNT(ns->table.lives);
    size_t expired = env_plant(env, PLANT_NAMESRV_SCAN_NEVER)
                         ? 0
                         : route_table_scan(&ns->table, close_expired, ns);
    if (expired > 0)
        event_route_scanned(env, brokers, expired);
    check_tables(ns);
    namesrv_arm_scan(ns);
}

/* The next moment of the schedule start + first + k * period, after now. */
void namesrv_arm_scan(struct namesrv *ns) {
    if (env_timer_armed(&ns->scan) || !route_table_has_lives(&ns->table))
        return;
    uint64_t since_ns = env_mono_ns(ns->env) - ns->start_ns;
    uint64_t first_ns = ns->config.scan_first_ns;
    uint64_t next_ns = first_ns;
    if (since_ns >= first_ns) {
        uint64_t period_ns = ns->config.scan_period_ns;
        next_ns = first_ns + ((since_ns - first_ns) / period_ns + 1) * period_ns;
    }
    env_timer_start(ns->env, &ns->scan, next_ns - since_ns, on_scan);
}

/* ---- role ------------------------------------------------------------------------------------ */

static void init_parts(struct namesrv *ns) {
    struct remoting_config remoting;
    remoting_config_default(&remoting);
    remoting.version = ns->config.profile_5_3 ? WIRE_VERSION_5_3_3 : WIRE_VERSION_4_9_8;
    remoting.language = WIRE_LANGUAGE_JAVA;
    remoting.serialization = ns->config.serialization;
    remoting.idle_close_ns = ns->config.idle_close_ns;
    remoting_init(&ns->remoting, ns->env, &remoting, &HANDLER, ns);
    struct route_options options = {
        .profile_5_3 = ns->config.profile_5_3,
        .reject_live_conflict = ns->config.reject_live_conflict,
        .delete_topic_with_registration = ns->config.delete_topic_with_registration,
        .quirks = ns->config.quirks,
    };
    route_table_init(&ns->table, ns->env, env_random(ns->env), &options);
    ns->table.on_min_id_changed = namesrv_notify_min_id;
    ns->table.on_min_id_changed_ctx = ns;
    kv_init(&ns->kv, ns->env);
    list_init(&ns->sessions);
    list_init(&ns->late);
    buf_init(&ns->body, ns->env);
    buf_init(&ns->remark, ns->env);
    buf_init(&ns->fields, ns->env);
}

/* Connections end without on_channel_closed: nobody is evicted by a name server that stops. */
static void destroy(struct namesrv *ns) {
    struct env *env = ns->env;
    env_timer_stop(env, &ns->scan);
    late_answers_drop(ns, NULL);
    remoting_deinit(&ns->remoting);
    route_table_deinit(&ns->table);
    LIST_EACH(&ns->sessions, link, next) {
        env_free(env, LIST_ENTRY(link, struct session, link));
    }
    namesrv_files_free(ns->files);
    kv_deinit(&ns->kv);
    buf_deinit(&ns->body);
    buf_deinit(&ns->remark);
    buf_deinit(&ns->fields);
    namesrv_config_deinit(&ns->config);
    env_free(env, ns);
}

/* Who the node is to others: its address with the port that it listens on. */
static void report_address(struct namesrv *ns) {
    struct env_identity self;
    char address[ENV_ADDRESS_MAX + 8];
    env_identity(ns->env, &self);
    size_t len = strlen(self.ip);
    memcpy(address, self.ip, len);
    address[len++] = ':';
    len += format_u64(address + len, env_listener_port(ns->remoting.listener));
    event_node_serves(ns->env, span_of(address, len), SPAN_NONE, -1);
}

static int serve(struct namesrv *ns) {
    int err = remoting_listen(&ns->remoting, ns->config.listen_port);
    if (err != RMQ_OK) {
        env_log(ns->env, ENV_LOG_ERROR, "name server: listenPort=%u: %s",
                (unsigned)ns->config.listen_port, rmq_err_text(err));
        return err;
    }
    event_node_started(ns->env, SPAN_LITERAL("namesrv"),
                       ns->config.profile_5_3 ? SPAN_LITERAL("5.3") : SPAN_LITERAL("4.9"));
    report_address(ns);
    return RMQ_OK;
}

/* The KV store is there, or cannot be. */
static void on_loaded(void *ctx, int status) {
    struct namesrv *ns = ctx;
    if (status != RMQ_OK)
        env_log(ns->env, ENV_LOG_ERROR, "name server: kvConfigPath: %s", rmq_err_text(status));
    else
        status = serve(ns);
    if (status == RMQ_OK)
        return;
    struct env *env = ns->env;
    destroy(ns);
    env_exit(env, 1);
}

static int start(struct env *env, const struct props *config, void **node) {
    struct namesrv *ns = env_alloc(env, sizeof *ns);
    if (ns == NULL)
        return RMQ_E_NOMEM;
    memset(ns, 0, sizeof *ns);
    ns->env = env;
    ns->start_ns = env_mono_ns(env);
    int err = namesrv_config_init(&ns->config, env, config);
    if (err != RMQ_OK) {
        env_free(env, ns);
        return err;
    }
    init_parts(ns);
    err = namesrv_files_create(env, &ns->config, &ns->kv, &ns->files);
    if (err == RMQ_E_INVALID)
        env_log(env, ENV_LOG_ERROR,
                "name server: kvConfigPath, configStorePath: expected absolute "
                "paths of files");
    if (err == RMQ_OK && ns->files == NULL)
        err = serve(ns);
    if (err != RMQ_OK) {
        destroy(ns);
        return err;
    }
    *node = ns;
    if (ns->files != NULL)
        namesrv_files_load(ns->files, on_loaded, ns);
    return RMQ_OK;
}

static void on_settled(void *ctx, int status) {
    struct namesrv *ns = ctx;
    struct env *env = ns->env;
    if (status != RMQ_OK)
        env_log(env, ENV_LOG_ERROR, "name server: its files at the end: %s", rmq_err_text(status));
    destroy(ns);
    env_exit(env, 0);
}

static void stop(void *node) {
    struct namesrv *ns = node;
    struct env *env = ns->env;
    if (ns->stopping)
        return;
    ns->stopping = true;
    event_node_stopping(env, SPAN_LITERAL("namesrv"));
    if (ns->remoting.listener == NULL) { /* nothing was changed yet */
        destroy(ns);
        env_exit(env, 0);
        return;
    }
    namesrv_files_settle(ns->files, on_settled, ns);
}

bool namesrv_check(const void *node) {
    const struct namesrv *ns = node;
    return route_table_check(&ns->table);
}

const struct role namesrv_role = {"namesrv", start, stop, NULL};
