/* broker/transaction_check.c - see transaction_check.h. */
#include "model/broker/transaction_check.h"

#include "model/base/check.h"
#include "model/broker/broker_internal.h"
#include "model/broker/check_ops.h"
#include "model/events.h"
#include "model/quirks.h"

#define DISCARD_TOPIC SPAN_LITERAL("TRANS_CHECK_MAX_TIME_TOPIC")
#define TIMES SPAN_LITERAL("TRANSACTION_CHECK_TIMES")
#define PREPARED SPAN_LITERAL("TRAN_PREPARED_QUEUE_OFFSET")
#define IMMUNITY SPAN_LITERAL("CHECK_IMMUNITY_TIME_IN_SECONDS")
#define NS_PER_MS UINT64_C(1000000)
#define MS_PER_HOUR INT64_C(3600000)
#define OPS_PER_READ 256
#define TRIES 3                  /* connections that are asked until one takes it */
#define STEPS_MAX 64             /* of one handler */
#define WAIT_NS (20 * NS_PER_MS) /* for an end, or an op message, that is on its way */

/* What becomes of the half message at hand. */
enum check_step {
    STEP_PASS,  /* done, or not there */
    STEP_STOP,  /* too young: the round ends */
    STEP_AGAIN, /* younger than its own immunity: written again, nobody is asked */
    STEP_CHECK, /* written again, and a producer asked */
    STEP_DISCARD
};

/* Invariant: exactly one of `get`, `put` and the check's timer is under way between two handlers.
 */
struct check_round {
    struct transaction_check *check;
    int64_t begun_ms;        /* wall */
    int64_t at;              /* the half message at hand */
    int64_t op_next, op_end; /* op messages up to op_end are read; later ones are told (note) */
    bool reading_ops;
    bool plain; /* written again as it is: with its count it is too large */
    uint32_t steps;
    struct check_ops ops;
    struct store_get get;
    struct store_put put;
    struct message half; /* at hand: in get.records */
    struct half_place place;
    enum check_step step;
    int64_t times; /* checks, this one included */
    struct buf properties;
};

static void arm(struct transaction_check *check);
static void go_on(struct check_round *round);
static void write_again(struct check_round *round);
static void pause(struct check_round *round, uint64_t time_ns);

static void pass(struct check_round *round) {
    round->at++;
    go_on(round);
}

/* ---- offsets --------------------------------------------------------------------------------- */

static int64_t offset_of(const struct broker *broker, struct span topic) {
    int64_t min = store_min_offset(broker->store, topic, 0);
    int64_t offset = offsets_find(&broker->offsets, HALF_GROUP, topic, 0);
    return offset > min ? offset : min;
}

static void commit(struct broker *broker, struct span topic, int64_t offset) {
    if (offset == offsets_find(&broker->offsets, HALF_GROUP, topic, 0))
        return;
    offsets_give(&broker->offsets, HALF_GROUP, topic, 0, offset);
    RMQ_IGNORE(offsets_commit(&broker->offsets, HALF_GROUP, topic, 0, offset, broker->config.addr),
               "the next round reads the same again");
}

static bool anything_waits(const struct broker *broker) {
    return offset_of(broker, HALF_TOPIC) < store_max_offset(broker->store, HALF_TOPIC, 0);
}

/* ---- the end of a round ---------------------------------------------------------------------- */

static void round_free(struct check_round *round) {
    struct transaction_check *check = round->check;
    if (round->get.done != NULL)
        store_get_cancel(check->broker->store, &round->get);
    if (round->put.done != NULL)
        store_put_cancel(check->broker->store, &round->put);
    buf_deinit(&round->get.records);
    buf_deinit(&round->properties);
    check_ops_deinit(&round->ops);
    env_free(check->broker->env, round);
    check->round = NULL;
}

static void finish(struct check_round *round) {
    struct transaction_check *check = round->check;
    struct broker *broker = check->broker;
    commit(broker, HALF_TOPIC, round->at);
    commit(broker, HALF_OP_TOPIC, check_ops_next(&round->ops, round->at, round->op_next));
    round_free(round);
    if (check->woken || anything_waits(broker))
        arm(check);
}

static void give_up(struct check_round *round, const char *why) {
    env_log(round->check->broker->env, ENV_LOG_WARN,
            "transactions: a round ends at half message %lld: %s", (long long)round->at, why);
    finish(round);
}

/* ---- asking a producer ----------------------------------------------------------------------- */

static const struct client_member *member_at(const struct client_group *group, uint32_t index) {
    LIST_EACH(&group->members, link, next) {
        if (index-- == 0)
            return LIST_ENTRY(link, struct client_member, in_group);
    }
    return NULL;
}

static int ask(const struct check_round *round, struct channel *channel,
               const struct message *asked) {
    struct broker *broker = round->check->broker;
    bool v5 = broker->config.profile_5_3;
    char id[MESSAGE_ID_MAX];
    struct wire_command request;
    struct buf body;
    uint8_t memory[HEADER_SCRATCH_BYTES];
    struct buf numbers = {.env = broker->env, .data = memory, .capacity = sizeof memory};
    struct span key = message_property(asked->properties, SPAN_LITERAL("UNIQ_KEY"));
    const struct header_check_transaction header = {
        .broker_name = v5 ? broker->config.name : SPAN_NONE,
        .commit_log_offset = asked->physical_offset,
        .topic = v5 ? HALF_TOPIC : SPAN_NONE,
        .msg_id = key,
        .state_table_offset = asked->queue_offset,
        .offset_msg_id = span_of(id, message_id_format(&broker->host, asked->physical_offset, id)),
        .transaction_id = key,
    };
    buf_init(&body, broker->env);
    wire_command_init(&request, REQUEST_CHECK_TRANSACTION_STATE);
    int err = message_encode(&body, asked);
    if (err == RMQ_OK)
        err = header_encode(&HEADER_check_transaction, &header, &request, &numbers);
    request.body = buf_span(&body);
    if (err == RMQ_OK)
        err = remoting_oneway_channel(&broker->remoting, channel, &request);
    buf_deinit(&body);
    return err;
}

/* Tells one of the group's connections of the new copy; the message looks as it will when it is
 * committed. Whether one took it. */
static bool ask_group(const struct check_round *round) {
    struct transaction_check *check = round->check;
    const struct client_group *group =
        clients_find_producers(&check->broker->clients, round->place.group);
    struct message asked = round->half;
    if (group == NULL || env_plant(check->broker->env, PLANT_BROKER_CHECK_SILENT))
        return false;
    asked.magic = 0;
    asked.topic = round->place.topic;
    asked.queue_id = round->place.queue_id;
    asked.properties = buf_span(&round->properties);
    asked.queue_offset = round->put.queue_offset;
    asked.physical_offset = round->put.physical_offset;
    for (unsigned i = 0; i < TRIES; i++) {
        const struct client_member *member = member_at(group, check->asked++ % group->member_count);
        if (ask(round, member->client->channel, &asked) == RMQ_OK)
            return true;
    }
    return false;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

static void tell(const struct check_round *round) {
    const struct broker *broker = round->check->broker;
    struct span name = broker->config.name;
    switch (round->step) {
    case STEP_CHECK:
        event_transaction_checked(broker->env, name, round->put.queue_offset, round->at,
                                  (uint64_t)round->times, ask_group(round));
        break;
    case STEP_AGAIN:
        event_transaction_checked(broker->env, name, round->put.queue_offset, round->at,
                                  (uint64_t)round->times - 1, 0);
        break;
    default:
        RMQ_ASSERT(round->step == STEP_DISCARD);
        env_log(broker->env, ENV_LOG_WARN,
                "transactions: half message %lld is given up after %lld checks: see topic "
                "TRANS_CHECK_MAX_TIME_TOPIC, offset %lld",
                (long long)round->at, (long long)round->times - 1,
                (long long)round->put.queue_offset);
        event_transaction_discarded(broker->env, name, round->at, (uint64_t)round->times - 1,
                                    round->times > (int64_t)broker->config.transaction_check_max
                                        ? SPAN_LITERAL("checks")
                                        : SPAN_LITERAL("age"));
    }
}

/* It is too large: as it is, without what was added; if that does not go either (limits were
 * lowered), it stays where it is and is passed. */
static void too_large(struct check_round *round) {
    const struct broker *broker = round->check->broker;
    if (quirk_on(broker->config.quirks, QUIRK_CHECK_STUCK)) {
        give_up(round, "it cannot be written again");
    } else if (!round->plain) {
        round->plain = true;
        write_again(round);
    } else {
        env_log(broker->env, ENV_LOG_ERROR,
                "transactions: half message %lld is too large to be written again, and given up",
                (long long)round->at);
        event_transaction_discarded(broker->env, broker->config.name, round->at,
                                    (uint64_t)round->times - 1, SPAN_LITERAL("size"));
        pass(round);
    }
}

static void on_put(struct store_put *put, enum put_status status) {
    struct check_round *round = RMQ_CONTAINER_OF(put, struct check_round, put);
    if (status == PUT_MESSAGE_ILLEGAL || status == PUT_PROPERTIES_SIZE_EXCEEDED) {
        too_large(round);
        return;
    }
    if (!put_is_stored(status)) {
        give_up(round, put_status_text(status));
        return;
    }
    tell(round);
    round->check->woken |= round->step != STEP_DISCARD; /* the copy waits */
    pass(round);
}

/* The properties with `name` set to `number`. False: no memory. */
static bool set_property(struct check_round *round, struct span name, int64_t number) {
    struct buf *out = &round->properties;
    struct span properties = round->half.properties;
    char digits[DECIMAL_BYTES_MAX];
    buf_clear(out);
    message_properties_without(out, properties, name);
    int err = message_property_put(out, 0, name, span_of(digits, format_i64(digits, number)));
    if (round->check->broker->config.profile_5_3)
        buf_put_u8(out, 2);
    return err == RMQ_OK && !buf_failed(out);
}

static int ensure_discard_topic(struct broker *broker) {
    struct topic_config topic;
    if (topics_find(&broker->topics, DISCARD_TOPIC, &topic) == RMQ_OK)
        return RMQ_OK;
    topic = (struct topic_config){.name = DISCARD_TOPIC,
                                  .read_queue_nums = 1,
                                  .write_queue_nums = 1,
                                  .perm = PERM_READ | PERM_WRITE};
    return broker_add_topic(broker, &topic);
}

static void write_again(struct check_round *round) {
    struct broker *broker = round->check->broker;
    struct message copy = round->half;
    bool ok = true;
    copy.magic = 0;
    buf_clear(&round->properties);
    if (round->step == STEP_DISCARD) {
        copy.topic = DISCARD_TOPIC;
        ok = ensure_discard_topic(broker) == RMQ_OK;
    }
    if (round->step == STEP_CHECK && !round->plain)
        ok = set_property(round, TIMES, round->times);
    else if (round->step == STEP_AGAIN && !round->plain &&
             span_is_absent(message_property(copy.properties, PREPARED)))
        ok = set_property(round, PREPARED, round->at);
    else
        buf_put_span(&round->properties, copy.properties);
    if (!ok || buf_failed(&round->properties)) {
        give_up(round, "out of memory");
        return;
    }
    copy.properties = buf_span(&round->properties);
    store_put(broker->store, &copy, false, &round->put, on_put);
}

/* ---- judging --------------------------------------------------------------------------------- */

int64_t transaction_immunity_ms(struct span text, int64_t fallback) {
    int64_t seconds;
    if (span_to_i64(text, &seconds) != RMQ_OK || seconds == -1 || seconds > INT32_MAX)
        return fallback;
    return seconds * 1000;
}

/* Younger than what its sender asked for: was an earlier copy ended meanwhile? */
static enum check_step immune_step(const struct check_round *round) {
    int64_t first;
    struct span text = message_property(round->half.properties, PREPARED);
    bool known = !span_is_absent(text) && span_to_i64(text, &first) == RMQ_OK;
    return known && check_ops_done(&round->ops, first) ? STEP_PASS : STEP_AGAIN;
}

/* store.md 21.4, in Apache's order. Also sets round->times. */
static enum check_step judge(struct check_round *round) {
    const struct broker *broker = round->check->broker;
    const struct message *half = &round->half;
    struct span times = message_property(half->properties, TIMES);
    struct span immunity = message_property(half->properties, IMMUNITY);
    int64_t age = env_wall_ms(broker->env) - half->born_ms;
    int64_t limit = broker->config.transaction_timeout_ms;
    if (span_is_absent(times) || span_to_i64(times, &round->times) != RMQ_OK || round->times < 0)
        round->times = 0;
    round->times++;
    if (round->times > (int64_t)broker->config.transaction_check_max ||
        age > (int64_t)broker->reserved_hours * MS_PER_HOUR)
        return STEP_DISCARD;
    if (half->store_ms >= round->begun_ms)
        return STEP_STOP;
    if (!span_is_absent(immunity)) {
        if (age < transaction_immunity_ms(immunity, limit))
            return immune_step(round);
    } else if (age >= 0 && age < limit) {
        return STEP_STOP;
    }
    return STEP_CHECK;
}

static void handle_half(struct check_round *round) {
    struct span records = buf_span(&round->get.records);
    if (message_decode(records, false, &round->half) != MESSAGE_OK ||
        !half_place(&round->half, &round->place)) {
        pass(round); /* nobody could end it */
        return;
    }
    round->step = judge(round);
    round->plain = false;
    switch (round->step) {
    case STEP_PASS:
        pass(round);
        break;
    case STEP_STOP:
        finish(round);
        break;
    default:
        write_again(round);
    }
}

/* ---- reading --------------------------------------------------------------------------------- */

static void on_ops(struct check_round *round, enum get_status status) {
    int err = RMQ_OK;
    int64_t from = round->op_next;
    if (status == GET_FOUND)
        err = check_ops_take(&round->ops, from, buf_span(&round->get.records));
    if (err != RMQ_OK || status == GET_FAILED || round->get.next_offset <= from) {
        give_up(round, err != RMQ_OK ? rmq_err_text(err) : "the op messages cannot be read");
        return;
    }
    round->op_next = round->get.next_offset;
    go_on(round);
}

static void on_half_read(struct check_round *round, enum get_status status) {
    if (status == GET_FOUND && (check_ops_done(&round->ops, round->at) ||
                                half_is_ending(&round->check->broker->halves, round->at))) {
        go_on(round); /* ended meanwhile */
    } else if (status == GET_FOUND) {
        handle_half(round);
    } else if (status != GET_FAILED && round->get.next_offset > round->at) {
        round->at = round->get.next_offset; /* its file has gone */
        go_on(round);
    } else {
        give_up(round, "a half message cannot be read");
    }
}

static void on_read(struct store_get *get, enum get_status status) {
    struct check_round *round = RMQ_CONTAINER_OF(get, struct check_round, get);
    if (round->reading_ops)
        on_ops(round, status);
    else
        on_half_read(round, status);
}

static void read_from(struct check_round *round, struct span topic, int64_t offset,
                      uint32_t count) {
    round->get.topic = topic;
    round->get.queue_id = 0;
    round->get.offset = offset;
    round->get.max_count = count;
    buf_clear(&round->get.records);
    store_get(round->check->broker->store, &round->get, on_read);
}

/* Op messages first, then the next half message that is not done. */
static void step(struct check_round *round) {
    const struct broker *broker = round->check->broker;
    int64_t end = store_max_offset(broker->store, HALF_TOPIC, 0);
    round->reading_ops = round->op_next < round->op_end;
    if (round->reading_ops) {
        if (round->op_next < store_max_offset(broker->store, HALF_OP_TOPIC, 0))
            read_from(round, HALF_OP_TOPIC, round->op_next, OPS_PER_READ);
        else
            pause(round, WAIT_NS);
        return;
    }
    while (round->at < end && check_ops_done(&round->ops, round->at))
        round->at++;
    if (round->at >= end)
        finish(round);
    else if (half_is_ending(&broker->halves, round->at))
        pause(round, WAIT_NS);
    else
        read_from(round, HALF_TOPIC, round->at, 1);
}

static void on_paused(struct env *env, struct env_timer *timer) {
    struct transaction_check *check = RMQ_CONTAINER_OF(timer, struct transaction_check, timer);
    RMQ_ASSERT(check->broker->env == env && check->round != NULL);
    check->round->steps = 0;
    step(check->round);
}

static void pause(struct check_round *round, uint64_t time_ns) {
    env_timer_start(round->check->broker->env, &round->check->timer, time_ns, on_paused);
}

/* Reads may end at once: not too deep, and not too long at a time. */
static void go_on(struct check_round *round) {
    if (++round->steps >= STEPS_MAX)
        pause(round, 0);
    else
        step(round);
}

/* ---- rounds ---------------------------------------------------------------------------------- */

static void on_due(struct env *env, struct env_timer *timer) {
    struct transaction_check *check = RMQ_CONTAINER_OF(timer, struct transaction_check, timer);
    struct check_round *round = env_alloc(env, sizeof *round);
    RMQ_ASSERT(check->round == NULL);
    if (round == NULL) {
        arm(check);
        return;
    }
    memset(round, 0, sizeof *round);
    check->round = round;
    check->woken = false;
    round->check = check;
    round->begun_ms = env_wall_ms(env);
    round->at = offset_of(check->broker, HALF_TOPIC);
    round->op_next = offset_of(check->broker, HALF_OP_TOPIC);
    round->op_end = store_max_offset(check->broker->store, HALF_OP_TOPIC, 0);
    if (round->op_end < check->broker->halves.op_end)
        round->op_end = check->broker->halves.op_end; /* not yet in its queue */
    buf_init(&round->get.records, env);
    buf_init(&round->properties, env);
    check_ops_init(&round->ops, env);
    check_ops_begin(&round->ops, round->at, round->op_next);
    go_on(round);
}

static void arm(struct transaction_check *check) {
    struct env *env = check->broker->env;
    uint64_t interval = check->broker->config.transaction_interval_ms * NS_PER_MS;
    uint64_t since = env_mono_ns(env) - check->start_ns;
    env_timer_start(env, &check->timer, interval - since % interval, on_due);
}

void transaction_check_start(struct transaction_check *check, struct broker *broker) {
    *check = (struct transaction_check){.broker = broker, .start_ns = env_mono_ns(broker->env)};
    if (anything_waits(broker))
        arm(check);
}

void transaction_check_stop(struct transaction_check *check) {
    if (check->broker == NULL)
        return;
    env_timer_stop(check->broker->env, &check->timer);
    if (check->round != NULL)
        round_free(check->round);
    check->broker = NULL;
}

void transaction_check_note(struct transaction_check *check, int64_t queue_offset) {
    if (check->round != NULL)
        RMQ_IGNORE(check_ops_mark(&check->round->ops, queue_offset),
                   "without memory it is asked for once more");
}

void transaction_check_wake(struct transaction_check *check) {
    check->woken = true;
    if (check->broker != NULL && check->round == NULL && !env_timer_armed(&check->timer))
        arm(check);
}
