/* broker/schedule.c - see schedule.h. */
#include "model/broker/schedule.h"

#include "model/base/check.h"
#include "model/broker/broker_internal.h"
#include "model/events.h"
#include "model/quirks.h"

#define NS_PER_MS UINT64_C(1000000)
#define NEVER UINT64_MAX
#define RETRY_NS (100 * NS_PER_MS) /* DELAY_FOR_A_WHILE */
#define READ_MAX 256               /* messages of one get */
#define PUTS_MAX 1024              /* of a level, under way */
#define EARLY_MS 1000              /* planted */
#define GETS_MAX 8                 /* of a level, in one handler */
#define HALF_TOPIC SPAN_LITERAL("RMQ_SYS_TRANS_HALF_TOPIC")

/* One message on its way to its topic. */
struct delivery {
    struct store_put put;
    struct list link;
    struct schedule_level *level;
    int64_t offset; /* in the level's queue */
    uint64_t begun_ns;
    uint64_t late_ns;
    bool done;
    int32_t queue_id;
    uint8_t topic_len;
    char topic[TOPIC_NAME_MAX];
};

static int64_t mono_ms(const struct env *env) {
    return (int64_t)(env_mono_ns(env) / NS_PER_MS);
}

static int64_t wall_ahead_ms(const struct env *env) {
    return env_wall_ms(env) - mono_ms(env);
}

/* ---- levels ---------------------------------------------------------------------------------- */

void schedule_init(struct schedule *schedule, struct broker *broker) {
    *schedule = (struct schedule){.env = broker->env,
                                  .broker = broker,
                                  .marked_physical = -1,
                                  .version_timestamp = env_wall_ms(broker->env)};
    schedule_file_init(schedule);
}

static void level_free(struct schedule_level *level) {
    struct broker *broker = level->broker;
    if (level->get.done != NULL)
        store_get_cancel(broker->store, &level->get);
    buf_deinit(&level->get.records);
    LIST_EACH(&level->puts, link, following) {
        struct delivery *delivery = LIST_ENTRY(link, struct delivery, link);
        if (delivery->put.done != NULL)
            store_put_cancel(broker->store, &delivery->put);
        env_free(broker->env, delivery);
    }
    env_free(broker->env, level->steps);
    env_free(broker->env, level);
}

void schedule_deinit(struct schedule *schedule) {
    if (schedule->env == NULL)
        return;
    env_timer_stop(schedule->env, &schedule->timer);
    env_timer_stop(schedule->env, &schedule->save);
    for (int32_t i = 0; schedule->levels != NULL && i < STORE_DELAY_LEVELS_MAX; i++) {
        if (schedule->levels[i] != NULL)
            level_free(schedule->levels[i]);
    }
    env_free(schedule->env, schedule->levels);
    config_file_deinit(&schedule->file);
    *schedule = (struct schedule){0};
}

static struct schedule_level *level_create(struct schedule *schedule, int32_t number) {
    struct env *env = schedule->env;
    struct schedule_level *level = env_alloc(env, sizeof *level);
    struct schedule_step *steps = env_alloc(env, sizeof *steps);
    if (level == NULL || steps == NULL) {
        env_free(env, level);
        env_free(env, steps);
        return NULL;
    }
    *steps = (struct schedule_step){.from = INT64_MIN, .ahead_ms = wall_ahead_ms(env)};
    *level = (struct schedule_level){.broker = schedule->broker,
                                     .number = number,
                                     .saved = -1,
                                     .due_ns = NEVER,
                                     .steps = steps,
                                     .step_count = 1,
                                     .step_capacity = 1};
    buf_init(&level->get.records, env);
    list_init(&level->puts);
    return level;
}

struct schedule_level *schedule_level(struct schedule *schedule, int32_t number) {
    if (number < 1 || number > STORE_DELAY_LEVELS_MAX)
        return NULL;
    if (schedule->levels == NULL) {
        size_t size = STORE_DELAY_LEVELS_MAX * sizeof(struct schedule_level *);
        schedule->levels = env_alloc(schedule->env, size);
        if (schedule->levels == NULL)
            return NULL;
        memset(schedule->levels, 0, size);
    }
    struct schedule_level **level = &schedule->levels[number - 1];
    if (*level == NULL)
        *level = level_create(schedule, number);
    return *level;
}

int64_t schedule_offset(const struct schedule *schedule, int32_t level) {
    bool known = schedule->levels != NULL && level >= 1 && level <= STORE_DELAY_LEVELS_MAX &&
                 schedule->levels[level - 1] != NULL;
    return known ? schedule->levels[level - 1]->delivered : -1;
}

/* ---- when ------------------------------------------------------------------------------------ */

/* Steps that concern only what was delivered go. */
static void forget_steps(struct schedule_level *level) {
    uint32_t gone = 0;
    while (gone + 1 < level->step_count && level->steps[gone + 1].from <= level->delivered)
        gone++;
    level->step_count -= gone;
    memmove(level->steps, level->steps + gone, level->step_count * sizeof *level->steps);
}

static int add_step(struct schedule_level *level, int64_t from, int64_t ahead_ms) {
    forget_steps(level);
    if (level->steps[level->step_count - 1].from == from)
        level->step_count--;
    if (level->step_count == level->step_capacity) {
        uint32_t capacity = level->step_capacity * 2;
        struct schedule_step *steps =
            env_realloc(level->broker->env, level->steps, capacity * sizeof *steps);
        if (steps == NULL)
            return RMQ_E_NOMEM;
        level->steps = steps;
        level->step_capacity = capacity;
    }
    level->steps[level->step_count++] = (struct schedule_step){.from = from, .ahead_ms = ahead_ms};
    return RMQ_OK;
}

int schedule_stamp(struct schedule *schedule, int32_t number) {
    struct schedule_level *level = schedule_level(schedule, number);
    if (level == NULL)
        return RMQ_E_NOMEM;
    int64_t ahead_ms = wall_ahead_ms(schedule->env);
    int64_t step_ms = ahead_ms - level->steps[level->step_count - 1].ahead_ms;
    if (step_ms >= -SCHEDULE_DRIFT_MS && step_ms <= SCHEDULE_DRIFT_MS)
        return RMQ_OK;
    int64_t from = store_next_offset(schedule->broker->store, SCHEDULE_TOPIC, number - 1);
    event_delay_clock(schedule->env, SPAN_LITERAL("running"), (uint64_t)number, from, step_ms);
    return add_step(level, from, ahead_ms);
}

static uint64_t in_ms(uint64_t now_ns, int64_t ms) {
    return ms <= 0 ? now_ns : now_ns + (uint64_t)ms * NS_PER_MS;
}

/* Apache's way: by the wall clock of the moment; what cannot be is due at once. */
static int64_t wait_by_wall(const struct schedule_level *level, int64_t code) {
    int64_t wait_ms = code - env_wall_ms(level->broker->env);
    return wait_ms > store_delay_ms(level->broker->store, level->number) ? 0 : wait_ms;
}

static bool is_by_wall(const struct schedule_level *level) {
    return quirk_on(level->broker->config.quirks, QUIRK_DELAY_BY_WALL);
}

/* How long from now the message at `offset` has to wait; not above 0: it is due, since then. */
static int64_t wait_for(struct schedule_level *level, int64_t offset, int64_t code) {
    struct env *env = level->broker->env;
    if (is_by_wall(level))
        return wait_by_wall(level, code);
    struct schedule_step *step = &level->steps[level->step_count - 1];
    while (step != level->steps && offset < step->from)
        step--;
    int64_t delay_ms = store_delay_ms(level->broker->store, level->number);
    int64_t wait_ms = code - step->ahead_ms + SCHEDULE_SLACK_MS - mono_ms(env);
    int64_t beyond_ms = wait_ms - delay_ms - 2 * SCHEDULE_SLACK_MS - 1;
    if (beyond_ms > 0) { /* the clock was set back between two processes */
        RMQ_ASSERT(step == level->steps);
        step->ahead_ms += beyond_ms;
        wait_ms -= beyond_ms;
        event_delay_clock(env, SPAN_LITERAL("start"), (uint64_t)level->number, offset, -beyond_ms);
    }
    return env_plant(env, PLANT_DELAY_EARLY) ? wait_ms - EARLY_MS : wait_ms;
}

/* When to look at a message that is to wait. */
static uint64_t look_at(const struct schedule_level *level, int64_t wait_ms) {
    uint64_t now_ns = env_mono_ns(level->broker->env);
    uint64_t due_ns = in_ms(now_ns, wait_ms);
    return is_by_wall(level) && due_ns > now_ns + RETRY_NS ? now_ns + RETRY_NS : due_ns;
}

static void run(struct schedule *schedule);

static void on_timer(struct env *env, struct env_timer *timer) {
    struct schedule *schedule = RMQ_CONTAINER_OF(timer, struct schedule, timer);
    RMQ_ASSERT(env == schedule->env);
    run(schedule);
}

static bool can_read(const struct schedule_level *level) {
    return level->due_ns != NEVER && level->get.done == NULL && !level->failed &&
           level->put_count < PUTS_MAX;
}

/* One timer, at the earliest time at which a level has something to do. */
static void arm(struct schedule *schedule) {
    uint64_t due_ns = NEVER, now_ns = env_mono_ns(schedule->env);
    for (int32_t i = 0; schedule->running && i < STORE_DELAY_LEVELS_MAX; i++) {
        const struct schedule_level *level = schedule->levels[i];
        if (level != NULL && can_read(level) && level->due_ns < due_ns)
            due_ns = level->due_ns;
    }
    if (due_ns == NEVER)
        env_timer_stop(schedule->env, &schedule->timer);
    else if (!env_timer_armed(&schedule->timer) || schedule->timer.deadline_ns != due_ns)
        env_timer_start(schedule->env, &schedule->timer, due_ns > now_ns ? due_ns - now_ns : 0,
                        on_timer);
}

/* ---- bringing a message to its topic --------------------------------------------------------- */

/* What is done at the front of the list counts. */
static void advance(struct schedule_level *level) {
    int64_t before = level->delivered;
    LIST_EACH(&level->puts, link, following) {
        struct delivery *delivery = LIST_ENTRY(link, struct delivery, link);
        if (!delivery->done)
            break;
        level->delivered = delivery->offset + 1;
        list_remove(link);
        level->put_count--;
        env_free(level->broker->env, delivery);
    }
    if (level->put_count == 0 && !level->failed && !level->issuing)
        level->delivered = level->next;
    RMQ_ASSERT(level->delivered >= before);
    if (level->delivered > before)
        schedule_save_later(&level->broker->schedule);
}

/* When nothing is under way any more, the level goes back to the first that failed. */
static void go_back(struct schedule_level *level) {
    if (!level->failed || level->put_count > 0 || level->get.done != NULL)
        return;
    level->failed = false;
    level->next = level->failed_at;
    level->due_ns = env_mono_ns(level->broker->env) + RETRY_NS;
}

static void on_put(struct store_put *put, enum put_status status) {
    struct delivery *delivery = RMQ_CONTAINER_OF(put, struct delivery, put);
    struct schedule_level *level = delivery->level;
    struct broker *broker = level->broker;
    struct span topic = span_of(delivery->topic, delivery->topic_len);
    if (status == PUT_OK) {
        event_delay_delivered(broker->env, topic, (uint64_t)delivery->queue_id, put->queue_offset,
                              (uint64_t)level->number, delivery->offset, delivery->late_ns);
        stats_put(&broker->stats, topic, put->count, put->bytes,
                  env_mono_ns(broker->env) - delivery->begun_ns);
        delivery->done = true;
    } else {
        if (!level->failed || delivery->offset < level->failed_at)
            level->failed_at = delivery->offset;
        level->failed = true;
        list_remove(&delivery->link);
        level->put_count--;
        env_free(broker->env, delivery);
    }
    advance(level);
    go_back(level);
    arm(&broker->schedule);
}

static void skip(const struct schedule_level *level, int64_t offset, const char *why) {
    env_log(level->broker->env, ENV_LOG_ERROR, "delay level %d: the message at %lld is skipped: %s",
            (int)level->number, (long long)offset, why);
}

/* The topic and queue that the message was sent to; the rest is as it is stored. */
static const char *find_real_place(struct message *message) {
    struct span topic = message_property(message->properties, SPAN_LITERAL("REAL_TOPIC"));
    struct span queue = message_property(message->properties, SPAN_LITERAL("REAL_QID"));
    if (span_is_absent(topic) || topic.len > TOPIC_NAME_MAX ||
        !span_is_absent(topic_name_check(topic)))
        return "REAL_TOPIC is no topic";
    if (span_is_absent(queue) || span_to_i32(queue, &message->queue_id) != RMQ_OK ||
        message->queue_id < 0)
        return "REAL_QID is no queue";
    if (span_equal(topic, HALF_TOPIC))
        return "a half message is not delayed";
    message->topic = topic;
    return NULL;
}

static void deliver(struct schedule_level *level, struct message *message) {
    struct broker *broker = level->broker;
    int64_t offset = message->queue_offset;
    int64_t late_ms =
        -wait_for(level, offset, message->store_ms + store_delay_ms(broker->store, level->number));
    const char *wrong = find_real_place(message);
    if (wrong != NULL) {
        skip(level, offset, wrong);
        return;
    }
    struct delivery *delivery = env_alloc(broker->env, sizeof *delivery);
    if (delivery == NULL) {
        level->failed = true;
        level->failed_at = offset;
        return;
    }
    memset(delivery, 0, sizeof *delivery);
    delivery->level = level;
    delivery->offset = offset;
    delivery->begun_ns = env_mono_ns(broker->env);
    delivery->late_ns = late_ms < 0 ? 0 : (uint64_t)late_ms * NS_PER_MS;
    delivery->queue_id = message->queue_id;
    delivery->topic_len = (uint8_t)message->topic.len;
    memcpy(delivery->topic, message->topic.data, message->topic.len);
    list_append(&level->puts, &delivery->link);
    level->put_count++;
    store_put(broker->store, message, false, &delivery->put, on_put);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Of the units in order: due ones pass, until one that is not. */
static bool is_due(void *ctx, int64_t tags_code) {
    struct schedule_level *level = ctx;
    if (level->stopped)
        return false;
    int64_t offset = level->get.next_offset;
    int64_t wait_ms = wait_for(level, offset, tags_code);
    if (wait_ms <= 0)
        return true;
    level->stopped = true;
    level->stop_offset = offset;
    level->due_ns = look_at(level, wait_ms);
    return false;
}

static void deliver_all(struct schedule_level *level, struct span records) {
    while (records.len > 0 && !level->failed) {
        struct message message;
        enum message_check check = message_decode(records, false, &message);
        if (check != MESSAGE_OK) {
            skip(level, level->get.offset, message_check_text(check));
            return;
        }
        deliver(level, &message);
        records = span_from(records, message.size);
    }
}

static void on_got(struct store_get *get, enum get_status status) {
    struct schedule_level *level = RMQ_CONTAINER_OF(get, struct schedule_level, get);
    struct broker *broker = level->broker;
    uint64_t now_ns = env_mono_ns(broker->env);
    int64_t before = level->next;
    if (!broker->schedule.running) /* a clean stop has begun */
        return;
    if (status == GET_FAILED) {
        level->due_ns = now_ns + RETRY_NS;
        arm(&broker->schedule);
        return;
    }
    level->next = level->stopped ? level->stop_offset : get->next_offset;
    if (!level->stopped) {
        int64_t max = store_max_offset(broker->store, SCHEDULE_TOPIC, level->number - 1);
        bool moved = level->next != before;
        level->due_ns = level->next >= max ? NEVER : moved ? now_ns : now_ns + RETRY_NS;
    }
    level->issuing = true;
    if (status == GET_FOUND)
        deliver_all(level, buf_span(&get->records));
    level->issuing = false;
    if (level->next < level->delivered) /* the queue ends earlier than it did */
        level->delivered = level->next;
    advance(level);
    go_back(level);
    arm(&broker->schedule);
}

static void read_level(struct schedule_level *level) {
    struct store_get *get = &level->get;
    buf_clear(&get->records);
    get->topic = SCHEDULE_TOPIC;
    get->queue_id = level->number - 1;
    get->offset = level->next;
    get->max_count = READ_MAX;
    get->filter = is_due;
    get->filter_ctx = level;
    level->stopped = false;
    store_get(level->broker->store, get, on_got);
}

static void run(struct schedule *schedule) {
    for (int32_t i = 0; schedule->running && i < STORE_DELAY_LEVELS_MAX; i++) {
        struct schedule_level *level = schedule->levels[i];
        for (int n = 0; level != NULL && n < GETS_MAX && can_read(level) &&
                        level->due_ns <= env_mono_ns(schedule->env);
             n++)
            read_level(level);
    }
    arm(schedule);
}

/* ---- start ----------------------------------------------------------------------------------- */

/* The offset of the file within what its queue has (correctDelayOffset). */
static void correct_level(struct schedule *schedule, int32_t number) {
    struct store *store = schedule->broker->store;
    int64_t min = store_min_offset(store, SCHEDULE_TOPIC, number - 1);
    int64_t max = store_max_offset(store, SCHEDULE_TOPIC, number - 1);
    int64_t offset = schedule_offset(schedule, number);
    if (max <= 0 && offset <= 0)
        return;
    struct schedule_level *level = schedule_level(schedule, number);
    if (level == NULL) {
        env_log(schedule->env, ENV_LOG_ERROR, "delay level %d: out of memory", (int)number);
        return;
    }
    int64_t corrected = offset < min ? min : offset > max ? max : offset;
    if (offset >= 0 && corrected != offset)
        env_log(schedule->env, ENV_LOG_WARN, "delay level %d: offset %lld is corrected to %lld",
                (int)number, (long long)offset, (long long)corrected);
    if (offset >= 0 && corrected != offset) {
        level->saved = corrected;
        config_file_save(&schedule->file);
    }
    level->next = level->delivered = level->marked = corrected;
    if (corrected < max)
        level->due_ns = env_mono_ns(schedule->env);
}

void schedule_correct(struct schedule *schedule) {
    int32_t levels = (int32_t)store_delay_levels(schedule->broker->store);
    if (schedule->broker->config.broker_id != 0)
        return;
    for (int32_t number = 1; number <= levels; number++)
        correct_level(schedule, number);
}

void schedule_start(struct schedule *schedule) {
    if (schedule->broker->config.broker_id != 0)
        return;
    schedule->running = true;
    for (int32_t i = 0; schedule->levels != NULL && i < STORE_DELAY_LEVELS_MAX; i++) {
        if (schedule->levels[i] != NULL) /* as of now, not as of the file's loading */
            schedule->levels[i]->steps[0].ahead_ms = wall_ahead_ms(schedule->env);
    }
    if (schedule->levels != NULL)
        arm(schedule);
}

void schedule_arrival(struct schedule *schedule, int32_t queue_id, int64_t offset,
                      int64_t tags_code) {
    if (!schedule->running)
        return;
    struct schedule_level *level = schedule_level(schedule, queue_id + 1);
    if (level == NULL || level->due_ns != NEVER || level->get.done != NULL)
        return;
    level->due_ns = offset == level->next ? look_at(level, wait_for(level, offset, tags_code))
                                          : env_mono_ns(schedule->env);
    arm(schedule);
}
