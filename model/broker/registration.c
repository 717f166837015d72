/* broker/registration.c - rounds of registration; see registration.h. */
#include "model/broker/registration.h"

#include "model/base/check.h"
#include "model/broker/messages.h"
#include "model/broker/order_table.h"
#include "model/events.h"
#include "model/quirks.h"

#define NS_PER_MS UINT64_C(1000000)
#define UNREGISTER_TIMEOUT_NS (3000 * NS_PER_MS)
#define MISSED_NS (10000 * NS_PER_MS) /* longer than a round's budget: there was a pause */

/* One request of a round to one name server. */
struct registration_call {
    struct registration *round;
    uint32_t server;
    uint64_t sent_ns;
};

struct registration {
    struct list link; /* in registrar->rounds or waiting */
    struct registrar *registrar;
    registration_done_fn *done;
    void *ctx;
    uint64_t begin_ns; /* when it was asked for */
    uint64_t late_ns;
    bool oneway;
    bool check_order;
    bool asking;    /* 322 is under way */
    bool looping;   /* inside ask_all: answers may come at once */
    bool answered;  /* a good answer came */
    bool increment; /* `topic` alone, else the whole table */
    struct topic_config topic;
    char topic_name[TOPIC_NAME_MAX];
    struct kept_json attributes; /* the topic's */
    struct buf body;             /* of an increment */
    size_t open;                 /* requests under way; plus one while sending */
    size_t sent;
    size_t accepted;
    uint32_t next;                    /* name server, of those that were not sent to yet */
    struct registration_call calls[]; /* one per name server */
};

void registrar_init(struct registrar *registrar, struct env *env,
                    const struct broker_config *config, struct topics *topics,
                    struct remoting *remoting, struct name_servers *servers) {
    *registrar = (struct registrar){.env = env,
                                    .config = config,
                                    .topics = topics,
                                    .remoting = remoting,
                                    .servers = servers,
                                    .body_counter = -1};
    list_init(&registrar->rounds);
    list_init(&registrar->waiting);
    buf_init(&registrar->body, env);
}

static void round_free(struct registration *round) {
    list_remove(&round->link);
    buf_deinit(&round->body);
    kept_json_free(round->registrar->env, &round->attributes);
    env_free(round->registrar->env, round);
}

static void cancel_calls(struct registration *round) {
    for (uint32_t i = 0; i < round->registrar->servers->count; i++)
        remoting_cancel(round->registrar->remoting, &round->calls[i]);
}

static void cancel_all(struct registrar *registrar) {
    LIST_EACH(&registrar->rounds, link, next) {
        struct registration *round = LIST_ENTRY(link, struct registration, link);
        cancel_calls(round);
        round_free(round);
    }
    LIST_EACH(&registrar->waiting, link, next) {
        round_free(LIST_ENTRY(link, struct registration, link));
    }
}

void registrar_deinit(struct registrar *registrar) {
    if (registrar->env == NULL)
        return;
    cancel_all(registrar);
    buf_deinit(&registrar->body);
    env_free(registrar->env, registrar->master_text);
    *registrar = (struct registrar){0};
}

/* ---- what a round sends ---------------------------------------------------------------------- */

/* Gives back what growth left over: the body stays for long. */
static void trim(struct buf *buf) {
    uint8_t *exact = env_realloc(buf->env, buf->data, buf->len);
    if (exact == NULL)
        return;
    buf->data = exact;
    buf->capacity = buf->len;
}

/* The whole table, encoded at most once per data version. */
static int cached_body(struct registrar *registrar, struct span *body, int32_t *crc) {
    const struct topics *topics = registrar->topics;
    if (registrar->body_counter != topics->version_counter ||
        registrar->body_timestamp != topics->version_timestamp) {
        registrar->body_counter = -1;
        int err = broker_message_body(registrar->env, registrar->config, topics, &registrar->body);
        if (err != RMQ_OK)
            return err;
        trim(&registrar->body);
        registrar->body_counter = topics->version_counter;
        registrar->body_timestamp = topics->version_timestamp;
        registrar->body_crc = wire_crc32(buf_span(&registrar->body));
    }
    *body = buf_span(&registrar->body);
    *crc = registrar->body_crc;
    return RMQ_OK;
}

static int round_body(struct registration *round, struct span *body, int32_t *crc) {
    struct registrar *registrar = round->registrar;
    if (!round->increment)
        return cached_body(registrar, body, crc);
    buf_clear(&round->body);
    int err = broker_message_topic_body(registrar->env, registrar->config, registrar->topics,
                                        &round->topic, &round->body);
    if (err != RMQ_OK)
        return err;
    *body = buf_span(&round->body);
    *crc = wire_crc32(*body);
    return RMQ_OK;
}

/* 5.3 leaves out name servers that its probe has not reached yet (getAvailableNameSrvList). */
static bool takes_part(const struct registrar *registrar, uint32_t server) {
    if (server > 0 && env_plant(registrar->env, PLANT_BROKER_REGISTER_FIRST_ONLY))
        return false;
    return !registrar->config->profile_5_3 || registrar->servers->servers[server].probed;
}

static void round_end(struct registration *round);
static void send_rest(struct registration *round);

static void call_ended(struct registration *round) {
    RMQ_ASSERT(round->open > 0);
    if (--round->open == 0)
        round_end(round);
}

/* ---- answers --------------------------------------------------------------------------------- */

/* A slave learns its master; without one in the answer it has none (setMasterAddr). */
static void take_master(struct registrar *registrar, const struct wire_command *response) {
    struct header_register_broker_response header;
    const struct header_field_info *bad;
    if (header_decode(&HEADER_register_broker_response, response, &header, &bad) != RMQ_OK)
        return;
    struct span ha = header.ha_server_addr;
    if (span_is_absent(ha))
        ha = registrar->master_ha_addr; /* updateHaMasterAddress is not called with null */
    char *text = env_alloc(registrar->env, header.master_addr.len + ha.len + 1);
    if (text == NULL)
        return; /* the next answer says it again */
    struct span master = SPAN_NONE;
    if (!span_is_absent(header.master_addr)) {
        memcpy(text, header.master_addr.data, header.master_addr.len);
        master = span_of(text, header.master_addr.len);
    }
    if (!span_is_absent(ha)) {
        memcpy(text + master.len, ha.data, ha.len);
        ha = span_of(text + master.len, ha.len);
    }
    env_free(registrar->env, registrar->master_text);
    registrar->master_text = text;
    registrar->master_addr = master;
    registrar->master_ha_addr = ha;
}

static void take_answer(struct registration *round, const struct wire_command *response) {
    struct registrar *registrar = round->registrar;
    if (round->answered)
        return;
    round->answered = true;
    if (registrar->config->broker_id > 0)
        take_master(registrar, response);
    if (round->check_order && response->body.len > 0 &&
        order_table_apply(registrar->env, response->body, registrar->topics) != RMQ_OK)
        env_log(registrar->env, ENV_LOG_WARN, "broker: order table of an answer is not usable");
}

/* It knows this broker, as of now. */
static void note_accepted(const struct registration *round, uint32_t server) {
    const struct registrar *registrar = round->registrar;
    registrar->servers->servers[server].accepted_ns = env_mono_ns(registrar->env);
}

static void on_answer(void *ctx, int status, const struct wire_command *response) {
    struct registration_call *call = ctx;
    struct registration *round = call->round;
    struct env *env = round->registrar->env;
    struct span address = round->registrar->servers->servers[call->server].address;
    uint64_t latency = env_mono_ns(env) - call->sent_ns;
    if (status != RMQ_OK) {
        event_registration_failed(env, address, span_of_text(rmq_err_text(status)), latency);
    } else {
        event_registration_answered(env, address, response->code, latency);
        if (response->code == RESPONSE_SUCCESS) {
            round->accepted++;
            note_accepted(round, call->server);
            take_answer(round, response);
        }
    }
    if (env_plant(env, PLANT_BROKER_REGISTER_SERIALLY))
        send_rest(round);
    call_ended(round);
}

/* ---- sending --------------------------------------------------------------------------------- */

static void send_to(struct registration *round, uint32_t server, struct wire_command *request) {
    struct registrar *registrar = round->registrar;
    struct span address = registrar->servers->servers[server].address;
    struct registration_call *call = &round->calls[server];
    *call = (struct registration_call){round, server, env_mono_ns(registrar->env)};
    round->sent++;
    event_registration_sent(registrar->env, address,
                            round->increment ? 1 : topics_count(registrar->topics),
                            round->increment, round->oneway, registrar->topics->version_counter,
                            call->sent_ns - round->begin_ns);
    if (round->oneway) {
        int err = remoting_oneway(registrar->remoting, address, request);
        if (err != RMQ_OK)
            event_registration_failed(registrar->env, address, span_of_text(rmq_err_text(err)), 0);
        else
            note_accepted(round, server); /* nobody will say more */
        return;
    }
    round->open++;
    remoting_call(registrar->remoting, address, request, REMOTING_SYNC,
                  registrar->config->timeout_ms * NS_PER_MS, on_answer, call);
}

/* Sends to the name servers that were not sent to yet. */
static void send_rest(struct registration *round) {
    struct registrar *registrar = round->registrar;
    struct broker_message message;
    struct span body;
    int32_t crc;
    int err = round_body(round, &body, &crc);
    if (err != RMQ_OK) {
        env_log(registrar->env, ENV_LOG_ERROR, "broker: registration not sent: %s",
                rmq_err_text(err));
        return;
    }
    broker_message_register(&message, registrar->env, registrar->config, body, crc);
    bool waits = false;
    while (round->next < registrar->servers->count && !waits) {
        uint32_t server = round->next++;
        if (!takes_part(registrar, server))
            continue;
        send_to(round, server, &message.command);
        waits = !round->oneway && env_plant(registrar->env, PLANT_BROKER_REGISTER_SERIALLY);
    }
}

static void send_round(struct registration *round) {
    round->open++; /* answers may come before the last one is sent */
    send_rest(round);
    call_ended(round);
}

/* ---- asking first (forceRegister=false) ------------------------------------------------------ */

/* needRegister: an error, `changed`, or another version in the body. */
static bool wants_registration(const struct registration *round, int status,
                               const struct wire_command *response) {
    if (status != RMQ_OK)
        return true;
    if (response->code != RESPONSE_SUCCESS)
        return false;
    struct header_query_data_version_response header;
    const struct header_field_info *bad;
    if (header_decode(&HEADER_query_data_version_response, response, &header, &bad) != RMQ_OK ||
        header.changed)
        return true;
    struct data_version theirs, ours = topics_version(round->registrar->topics);
    struct wire_error error;
    if (span_is_absent(response->body))
        return false;
    return data_version_decode(response->body, &theirs, &error) != RMQ_OK ||
           !data_version_equal(&theirs, &ours);
}

/* Somebody wants it: what the others say does not matter any more. */
static void stop_asking(struct registration *round) {
    round->open = 0;
    cancel_calls(round);
    send_round(round);
}

static void on_version_answer(void *ctx, int status, const struct wire_command *response) {
    struct registration_call *call = ctx;
    struct registration *round = call->round;
    RMQ_ASSERT(round->asking);
    if (!wants_registration(round, status, response)) {
        if (response->code == RESPONSE_SUCCESS)
            note_accepted(round, call->server);
        call_ended(round);
        return;
    }
    round->asking = false;
    if (!round->looping)
        stop_asking(round);
}

static void ask_all(struct registration *round) {
    struct registrar *registrar = round->registrar;
    struct broker_message query;
    broker_message_version_query(&query, registrar->env, registrar->config, registrar->topics);
    round->asking = round->looping = true;
    round->open++;
    for (uint32_t i = 0; i < registrar->servers->count && round->asking; i++) {
        round->calls[i] = (struct registration_call){round, i, env_mono_ns(registrar->env)};
        round->open++;
        remoting_call(registrar->remoting, registrar->servers->servers[i].address, &query.command,
                      REMOTING_SYNC, registrar->config->timeout_ms * NS_PER_MS, on_version_answer,
                      &round->calls[i]);
    }
    round->looping = false;
    if (round->asking)
        call_ended(round);
    else
        stop_asking(round);
}

/* ---- rounds ---------------------------------------------------------------------------------- */

static struct registration *round_create(struct registrar *registrar, registration_done_fn *done,
                                         void *ctx) {
    size_t calls = registrar->servers->count * sizeof(struct registration_call);
    struct registration *round = env_alloc(registrar->env, sizeof *round + calls);
    if (round == NULL)
        return NULL;
    memset(round, 0, sizeof *round + calls);
    round->registrar = registrar;
    round->begin_ns = env_mono_ns(registrar->env);
    round->done = done;
    round->ctx = ctx;
    list_init(&round->link);
    buf_init(&round->body, registrar->env);
    return round;
}

static void round_start(struct registration *round, bool ask) {
    struct registrar *registrar = round->registrar;
    round->asking = ask;
    if (quirk_on(registrar->config->quirks, QUIRK_SERIAL_REGISTRATION) &&
        !list_is_empty(&registrar->rounds)) {
        list_append(&registrar->waiting, &round->link);
        return;
    }
    list_append(&registrar->rounds, &round->link);
    if (ask)
        ask_all(round);
    else
        send_round(round);
}

static void round_end(struct registration *round) {
    struct registrar *registrar = round->registrar;
    registration_done_fn *done = round->done;
    void *ctx = round->ctx;
    event_registration_round_done(registrar->env, round->sent, round->accepted,
                                  env_mono_ns(registrar->env) - round->begin_ns, round->late_ns);
    round_free(round);
    if (done != NULL)
        done(ctx);
    if (list_is_empty(&registrar->waiting) || !list_is_empty(&registrar->rounds))
        return;
    struct registration *next = LIST_ENTRY(registrar->waiting.next, struct registration, link);
    list_remove(&next->link);
    round_start(next, next->asking);
}

void registration_scheduled(struct registrar *registrar, bool forced, uint64_t late_ns,
                            registration_done_fn *done, void *ctx) {
    registrar->scheduled_rounds++;
    bool silent = (registrar->scheduled_rounds > 5 &&
                   env_plant(registrar->env, PLANT_BROKER_STOP_REGISTERING)) ||
                  (late_ns > MISSED_NS && env_plant(registrar->env, PLANT_BROKER_SKIP_MISSED));
    struct registration *round = silent ? NULL : round_create(registrar, done, ctx);
    if (round == NULL) {
        event_registration_round_done(registrar->env, 0, 0, 0, late_ns);
        done(ctx);
        return;
    }
    round->late_ns = late_ns;
    round->oneway = registrar->config->oneway_register;
    round->check_order = true;
    round_start(round,
                !forced && !registrar->config->force_register && registrar->servers->count > 0);
}

int registration_topic_changed(struct registrar *registrar, const struct topic_config *topic,
                               registration_done_fn *done, void *ctx) {
    struct registration *round = round_create(registrar, done, ctx);
    if (round == NULL)
        return RMQ_E_NOMEM;
    RMQ_ASSERT(topic->name.len <= TOPIC_NAME_MAX);
    round->increment = true;
    round->check_order = true;
    round->topic = *topic;
    memcpy(round->topic_name, topic->name.data, topic->name.len);
    round->topic.name = span_of(round->topic_name, topic->name.len);
    if (kept_json_set(registrar->env, &round->attributes, topic->attributes) != RMQ_OK) {
        round_free(round);
        return RMQ_E_NOMEM;
    }
    round->topic.attributes = kept_json_span(&round->attributes);
    round_start(round, false);
    return RMQ_OK;
}

int registration_topic_auto_created(struct registrar *registrar, const struct topic_config *topic) {
    if (registrar->config->profile_5_3)
        return registration_topic_changed(registrar, topic, NULL, NULL);
    struct registration *round = round_create(registrar, NULL, NULL);
    if (round == NULL)
        return RMQ_E_NOMEM;
    round->oneway = true;
    round_start(round, false);
    return RMQ_OK;
}

/* ---- goodbye --------------------------------------------------------------------------------- */

static void on_unregistered(void *ctx, int status, const struct wire_command *response) {
    struct unregistration *unregistration = ctx;
    RMQ_IGNORE(status, "whoever did not hear us finds out by the closed connection");
    RMQ_IGNORE(response == NULL, "nothing in it");
    RMQ_ASSERT(unregistration->open > 0);
    if (--unregistration->open == 0)
        unregistration->done(unregistration->ctx);
}

void registration_withdraw(struct registrar *registrar, struct unregistration *unregistration,
                           registration_done_fn *done, void *ctx) {
    cancel_all(registrar);
    *unregistration = (struct unregistration){.open = 1, .done = done, .ctx = ctx};
    struct broker_message message;
    broker_message_identity(&message, registrar->env, registrar->config, REQUEST_UNREGISTER_BROKER);
    for (uint32_t i = 0; i < registrar->servers->count; i++) {
        unregistration->open++;
        remoting_call(registrar->remoting, registrar->servers->servers[i].address, &message.command,
                      REMOTING_SYNC, UNREGISTER_TIMEOUT_NS, on_unregistered, unregistration);
    }
    on_unregistered(unregistration, RMQ_OK, NULL);
}
