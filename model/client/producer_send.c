/* client/producer_send.c - the life of one send: route, queue, attempts, outcome.
 *
 * Source: client.md 8, 31.1; DefaultMQProducerImpl.sendDefaultImpl, MQClientAPIImpl.sendMessage*.
 * Differs: nothing is written once the budget is used up; each attempt has its share of what is
 * left, async ones too (quirk.sharedBudget: all of it); a broker without a known master is an
 * error, never a request to the name server; an async retry that finds no time left ends. */
#include "model/base/check.h"
#include "model/client/producer_internal.h"
#include "model/events.h"
#include "model/quirks.h"

#define CLOSE_MIN_NS UINT64_C(100000000) /* 5.3, see name_servers.c */

static struct span broker_of(const struct send_state *state) {
    return span_of(state->broker, state->broker_len);
}

static uint64_t spent_ns(const struct send_state *state) {
    return env_mono_ns(state->producer->env) - state->begin_ns;
}

/* Messages of the send: one, or those of the batch. */
static size_t message_count(const struct send_state *state) {
    return state->batch ? state->members.len / sizeof(struct send_member) : 1;
}

static struct send_member member_at(const struct send_state *state, size_t index) {
    struct send_member member = {state->number, state->body_bytes};
    if (state->batch)
        memcpy(&member, state->members.data + index * sizeof member, sizeof member);
    return member;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* Where a delayed message waits; that there are 18 levels is the brokers' default. */
#define SCHEDULE_TOPIC SPAN_LITERAL("SCHEDULE_TOPIC_XXXX")
#define DELAY_LEVELS 18

static void tell_acked(const struct send_state *state, const struct send *send) {
    struct span ids = buf_span(&state->ids), id;
    int32_t level = state->delay_level < DELAY_LEVELS ? state->delay_level : DELAY_LEVELS;
    for (size_t i = 0; i < message_count(state); i++) {
        int64_t physical = send->physical_offset;
        struct message_host host;
        if (state->batch &&
            (!span_next_part(&ids, ',', &id) || message_id_parse(id, &host, &physical) != RMQ_OK))
            physical = -1;
        event_send_acked(
            state->producer->env, level > 0 ? SCHEDULE_TOPIC : state->topic->topic->name,
            span_of_text(send->broker), level > 0 ? (uint64_t)level - 1 : (uint64_t)send->queue_id,
            send->queue_offset + (int64_t)i, physical, member_at(state, i).number, send->code,
            send->attempts, send->latency_ns);
    }
}

static void tell_failed(const struct send_state *state, const struct send *send,
                        struct span error) {
    if (error.len > SEND_REMARK_MAX)
        error.len = SEND_REMARK_MAX;
    for (size_t i = 0; i < message_count(state); i++)
        event_send_failed(state->producer->env, state->topic->topic->name,
                          member_at(state, i).number, span_of_text(send->broker), send->code, error,
                          send->attempts, send->maybe_stored, send->latency_ns);
}

static void attempt(struct send_state *state);

/* Lets the state go; or, the planted bug, sends what was acknowledged once more. */
static void let_go(struct send_state *state, bool acked) {
    struct producer *producer = state->producer;
    state->send = NULL;
    if (!acked || ++producer->acked % 100 != 0 ||
        !env_plant(producer->env, PLANT_PRODUCER_SEND_TWICE)) {
        send_state_release(state);
        return;
    }
    state->begin_ns = env_mono_ns(producer->env);
    state->targeted = true;
    state->mode = SEND_ASYNC;
    state->attempts = 0;
    state->attempts_max = 1;
    attempt(state);
}

static void copy_text(char *out, const char *from, size_t len) {
    memcpy(out, from, len);
    out[len] = '\0';
}

static void finish(struct send_state *state, int status, int32_t code, struct span why) {
    struct send *send = state->send;
    if (send == NULL) {
        send_state_release(state);
        return;
    }
    bool acked = status == RMQ_OK && state->mode != SEND_ONEWAY;
    send->attempts = state->attempts;
    send->latency_ns = spent_ns(state);
    send->code = code;
    send->maybe_stored = !acked && state->maybe_stored;
    if (acked) {
        send->queue_id = state->result.queue_id;
        send->queue_offset = state->result.queue_offset;
        send->physical_offset = state->result.physical_offset;
        memcpy(send->broker, state->result.broker, sizeof send->broker);
        memcpy(send->msg_id, state->result.msg_id, sizeof send->msg_id);
        tell_acked(state, send);
    } else {
        send->queue_id = state->queue_id;
        copy_text(send->broker, state->broker, state->broker_len);
        tell_failed(state, send, why);
    }
    send_fn *done = send->done;
    send->done = NULL;
    send->state = NULL;
    let_go(state, acked);
    done(send, status, why);
}

static void finish_text(struct send_state *state, int status, int32_t code, const char *why) {
    finish(state, status, code, span_of_text(why));
}

/* An earlier attempt stored it, if not as asked; that is the result, or else there is none. */
static void finish_failed(struct send_state *state, int status, int32_t code, struct span why) {
    if (state->has_result)
        finish(state, RMQ_OK, state->result.code, SPAN_NONE);
    else
        finish(state, status, code, why);
}

static int32_t code_of_status(int status) {
    switch (status) {
    case RMQ_E_REFUSED:
    case RMQ_E_UNREACHABLE:
    case RMQ_E_INVALID:
        return CLIENT_CODE_CONNECT;
    case RMQ_E_TIMEOUT:
        return CLIENT_CODE_TIMEOUT;
    case RMQ_E_NOT_FOUND:
        return CLIENT_CODE_NO_BROKER;
    default:
        return CLIENT_CODE_NONE;
    }
}

static struct span last_error(const struct send_state *state) {
    if (state->last_status == RMQ_E_STATE)
        return span_of(state->last_remark, state->last_remark_len);
    return span_of_text(rmq_err_text(state->last_status));
}

/* No further attempt is allowed. */
static void give_up(struct send_state *state) {
    int32_t code =
        state->last_status == RMQ_E_STATE ? state->last_code : code_of_status(state->last_status);
    char remark[SEND_REMARK_MAX]; /* the state goes before done is called */
    struct span error = last_error(state);
    if (error.len > 0)
        memcpy(remark, error.data, error.len < sizeof remark ? error.len : sizeof remark);
    error.len = error.len < sizeof remark ? error.len : sizeof remark;
    finish_failed(state, state->last_status, code, span_of(remark, error.len));
}

/* ---- outcomes of an attempt ------------------------------------------------------------------ */

static void next_attempt(struct send_state *state);

static void note_failure(struct send_state *state, int status, int32_t code, struct span remark) {
    struct producer *producer = state->producer;
    fault_update(&producer->faults, broker_of(state),
                 env_mono_ns(producer->env) - state->attempt_ns,
                 status != RMQ_E_NOT_FOUND || !producer->client->profile_5_3);
    memcpy(state->last_broker, state->broker, state->broker_len);
    state->last_broker_len = state->broker_len;
    state->last_status = status;
    state->last_code = code;
    state->last_remark_len = remark.len < SEND_REMARK_MAX ? remark.len : SEND_REMARK_MAX;
    if (remark.len > 0)
        memcpy(state->last_remark, remark.data, state->last_remark_len);
    state->maybe_stored |= status == RMQ_E_TIMEOUT || status == RMQ_E_CLOSED ||
                           status == RMQ_E_RESET ||
                           (status == RMQ_E_STATE && code == RESPONSE_SYSTEM_ERROR);
}

/* The request did not go, or no answer came. */
static void on_no_answer(struct send_state *state, int status) {
    note_failure(state, status, CLIENT_CODE_NONE, SPAN_NONE);
    bool hopeless = status == RMQ_E_NOMEM || status == RMQ_E_RANGE || status == RMQ_E_LIMIT ||
                    (status == RMQ_E_FULL && state->mode == SEND_ASYNC);
    if (hopeless || state->mode == SEND_ONEWAY)
        give_up(state);
    else
        next_attempt(state);
}

/* Codes after which a sync send tries another broker (client.md 6). */
static bool is_retried(const struct producer *producer, int32_t code) {
    switch (code) {
    case RESPONSE_TOPIC_NOT_EXIST:
    case RESPONSE_SERVICE_NOT_AVAILABLE:
    case RESPONSE_SYSTEM_ERROR:
    case RESPONSE_NO_PERMISSION:
    case RESPONSE_NO_BUYER_ID:
    case RESPONSE_NOT_IN_CURRENT_UNIT:
        return true;
    case RESPONSE_SYSTEM_BUSY:
    case RESPONSE_GO_AWAY:
        return producer->client->profile_5_3;
    default:
        return false;
    }
}

static void on_refused(struct send_state *state, const struct wire_command *response) {
    struct span remark = span_is_absent(response->remark) ? span_of("", 0) : response->remark;
    note_failure(state, RMQ_E_STATE, response->code, remark);
    if (state->mode == SEND_SYNC && !state->targeted && is_retried(state->producer, response->code))
        next_attempt(state);
    else
        finish_failed(state, RMQ_E_STATE, response->code, remark);
}

/* Reads where it was stored. RMQ_E_NOMEM, or what is wrong with the answer. */
static int read_result(struct send_state *state, const struct wire_command *response) {
    struct header_send_response header;
    const struct header_field_info *bad;
    struct message_host host;
    int err = header_decode(&HEADER_send_response, response, &header, &bad);
    if (err != RMQ_OK || header.queue_id < 0 || header.queue_offset < 0)
        return err != RMQ_OK ? err : RMQ_E_RANGE;
    struct send *result = &state->result;
    struct span rest = header.msg_id, id = SPAN_NONE;
    if (!span_next_part(&rest, ',', &id) || id.len > MESSAGE_ID_MAX)
        return RMQ_E_INVALID;
    if (message_id_parse(id, &host, &result->physical_offset) != RMQ_OK)
        result->physical_offset = -1;
    buf_clear(&state->ids);
    if (state->batch)
        buf_put_span(&state->ids, header.msg_id);
    if (buf_failed(&state->ids))
        return RMQ_E_NOMEM;
    result->code = response->code;
    result->queue_id = header.queue_id;
    result->queue_offset = header.queue_offset;
    copy_text(result->broker, state->broker, state->broker_len);
    copy_text(result->msg_id, (const char *)id.data, id.len);
    return RMQ_OK;
}

static void on_stored(struct send_state *state, const struct wire_command *response) {
    struct producer *producer = state->producer;
    fault_update(&producer->faults, broker_of(state),
                 env_mono_ns(producer->env) - state->attempt_ns, false);
    int err = read_result(state, response);
    if (err != RMQ_OK) {
        state->maybe_stored = true;
        finish_text(state, err, CLIENT_CODE_NONE, "the answer cannot be read");
        return;
    }
    if (response->code == RESPONSE_SUCCESS || state->mode != SEND_SYNC || state->targeted ||
        !producer->settings.retry_not_stored) {
        finish(state, RMQ_OK, response->code, SPAN_NONE);
        return;
    }
    state->has_result = true;
    memcpy(state->last_broker, state->broker, state->broker_len);
    state->last_broker_len = state->broker_len;
    state->last_status = RMQ_E_STATE;
    state->last_remark_len = 0;
    next_attempt(state);
}

static void on_answer(void *ctx, int status, const struct wire_command *response) {
    struct send_state *state = ctx;
    RMQ_ASSERT(state->calling);
    state->calling = false;
    if (status != RMQ_OK) {
        on_no_answer(state, status);
        return;
    }
    switch (response->code) {
    case RESPONSE_SUCCESS:
    case RESPONSE_FLUSH_DISK_TIMEOUT:
    case RESPONSE_SLAVE_NOT_AVAILABLE:
    case RESPONSE_FLUSH_SLAVE_TIMEOUT:
        on_stored(state, response);
        break;
    default:
        on_refused(state, response);
    }
}

/* ---- an attempt ------------------------------------------------------------------------------ */

/* Time of this attempt: its share of what is left. */
static uint64_t share_ns(const struct send_state *state, uint64_t left) {
    uint32_t attempts_left = state->attempts_max - state->attempts + 1;
    RMQ_ASSERT(state->attempts <= state->attempts_max);
    if (quirk_on(state->producer->client->quirks, QUIRK_SHARED_BUDGET))
        return left;
    return left / attempts_left > 0 ? left / attempts_left : left;
}

static enum remoting_mode mode_of(const struct send_state *state, uint64_t timeout_ns) {
    if (state->mode != SEND_SYNC)
        return REMOTING_ASYNC;
    bool closes = !state->producer->client->profile_5_3 || timeout_ns > CLOSE_MIN_NS ||
                  timeout_ns > state->producer->settings.timeout_ns / 4;
    return closes ? REMOTING_SYNC : REMOTING_ASYNC;
}

static void write_request(struct send_state *state, struct span address, uint64_t left) {
    struct remoting *remoting = &state->producer->client->remoting;
    struct wire_command request;
    int err = send_request(state, &request);
    state->calling = true;
    if (err == RMQ_OK && state->mode != SEND_ONEWAY) {
        uint64_t timeout_ns = share_ns(state, left);
        remoting_call(remoting, address, &request, mode_of(state, timeout_ns), timeout_ns,
                      on_answer, state);
        return;
    }
    if (err == RMQ_OK)
        err = remoting_oneway(remoting, address, &request);
    state->calling = false;
    state->maybe_stored |= err == RMQ_OK;
    if (err == RMQ_OK)
        finish_text(state, RMQ_OK, RESPONSE_SUCCESS, "oneway");
    else
        on_no_answer(state, err);
}

static void ask_route(struct send_state *state);

/* To the queue that was chosen. */
static void attempt(struct send_state *state) {
    struct producer *producer = state->producer;
    uint64_t left = producer->settings.timeout_ns - spent_ns(state);
    struct span address = client_master_address(producer->client, broker_of(state));
    if (span_is_absent(address) && state->targeted && !state->asked_route) {
        ask_route(state);
        return;
    }
    state->attempts++;
    state->attempt_ns = env_mono_ns(producer->env);
    if (state->attempts > 1)
        event_send_retried(producer->env, state->topic->topic->name, member_at(state, 0).number,
                           state->attempts, broker_of(state),
                           span_of(state->last_broker, state->last_broker_len), last_error(state),
                           left);
    if (state->attempts == 1 || state->mode == SEND_SYNC) {
        memcpy(state->header_broker, state->broker, state->broker_len);
        state->header_broker_len = state->broker_len;
        state->header_queue_id = state->queue_id;
    }
    if (span_is_absent(address))
        on_no_answer(state, RMQ_E_NOT_FOUND); /* "The broker[..] not exist" */
    else
        write_request(state, address, left);
}

/* ---- choosing -------------------------------------------------------------------------------- */

static void choose_queue(struct send_state *state, const struct route_choice *queues) {
    struct producer *producer = state->producer;
    struct producer_topic *topic = state->topic;
    struct route_choice_queue chosen;
    struct span last = SPAN_NONE;
    if (state->attempts > 0)
        last = span_of(state->last_broker, state->last_broker_len);
    if (topic->version != topic->topic->version) { /* a new list has a new counter */
        topic->version = topic->topic->version;
        topic->counter.drawn = false;
    }
    fault_select(&producer->faults, queues, topic->topic->route, &topic->counter, last, &chosen);
    send_state_set_broker(state, chosen.broker_name);
    state->queue_id = chosen.queue_id;
}

/* The planted bug: a retry goes where the attempt before failed. */
static bool keeps_queue(const struct send_state *state) {
    return state->attempts > 0 && env_plant(state->producer->env, PLANT_PRODUCER_SAME_BROKER);
}

static void no_route(struct send_state *state) {
    bool no_server = state->producer->client->servers.count == 0;
    finish_text(
        state, RMQ_E_NOT_FOUND, no_server ? CLIENT_CODE_NO_NAME_SERVER : CLIENT_CODE_NO_ROUTE,
        no_server ? "No name server address, please set it." : "No route info of this topic");
}

static void next_attempt(struct send_state *state) {
    const struct route_choice *queues;
    if (state->attempts >= state->attempts_max) {
        give_up(state);
        return;
    }
    if (spent_ns(state) >= state->producer->settings.timeout_ns) {
        finish_failed(state, RMQ_E_TIMEOUT, CLIENT_CODE_NONE,
                      SPAN_LITERAL("sendDefaultImpl call timeout"));
        return;
    }
    if (state->targeted || keeps_queue(state)) {
        attempt(state);
        return;
    }
    int err = client_publish_queues(state->topic->topic, &queues);
    if (err != RMQ_OK) {
        finish_failed(state, err, CLIENT_CODE_NONE, span_of_text(rmq_err_text(err)));
    } else if (queues->count > 0) {
        choose_queue(state, queues);
        attempt(state);
    } else if (state->attempts > 0) {
        give_up(state);
    } else if (state->asked_route) {
        no_route(state);
    } else {
        ask_route(state);
    }
}

static void on_route(void *ctx, int status) {
    struct send_state *state = ctx;
    state->asked_route = true;
    if (status == RMQ_OK)
        next_attempt(state);
    else if (state->producer->client->servers.count == 0)
        no_route(state);
    else
        finish_text(state, status, code_of_status(status), rmq_err_text(status));
}

static void ask_route(struct send_state *state) {
    struct producer *producer = state->producer;
    bool fixed = producer->client->profile_5_3; /* whatever createTopicKey says */
    state->wait.done = on_route;
    state->wait.ctx = state;
    state->wait.default_topic =
        fixed ? SPAN_LITERAL(CLIENT_DEFAULT_TOPIC) : producer->settings.create_topic_key;
    state->wait.default_queue_nums = producer->settings.default_queue_nums;
    client_route_ask(state->topic->topic, &state->wait);
}

/* ---- from outside --------------------------------------------------------------------------- */

void send_state_begin(struct send_state *state) {
    const struct producer_settings *settings = &state->producer->settings;
    state->begin_ns = env_mono_ns(state->producer->env);
    state->attempts_max = 1;
    if (state->mode == SEND_SYNC && !state->targeted)
        state->attempts_max += settings->retries;
    else if (state->mode == SEND_ASYNC)
        state->attempts_max += settings->async_retries;
    next_attempt(state);
}

static void stop_calling(struct send_state *state) {
    if (state->calling)
        remoting_cancel(&state->producer->client->remoting, state);
    state->maybe_stored |= state->calling;
    state->calling = false;
}

void send_state_close(struct send_state *state) {
    stop_calling(state);
    finish_failed(state, RMQ_E_CLOSED, CLIENT_CODE_NONE, span_of_text(rmq_err_text(RMQ_E_CLOSED)));
}

void send_state_drop(struct send_state *state) {
    stop_calling(state);
    if (state->send != NULL) {
        state->send->done = NULL;
        state->send->state = NULL;
    }
    send_state_release(state);
}
