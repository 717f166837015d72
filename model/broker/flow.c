/* broker/flow.c - see flow.h. */
#include "model/broker/flow.h"

#include "model/base/check.h"
#include "model/broker/broker_internal.h"
#include "model/events.h"

#define NS_PER_MS UINT64_C(1000000)
#define SCAN_MS 10

/* A request that waits, with its own copy of everything the request points to. */
struct parked {
    struct list link;
    struct asker asker;
    uint64_t since_ns;
    int32_t code;
    int32_t version;
    enum wire_language language;
    struct span body;
    uint32_t field_count;
    struct wire_field fields[]; /* then their bytes */
};

void flow_init(struct flow *flow, struct broker *broker) {
    *flow = (struct flow){.broker = broker};
    list_init(&flow->queues[FLOW_SENDS].waiting);
    list_init(&flow->queues[FLOW_PULLS].waiting);
}

/* ---- what waits ------------------------------------------------------------------------------ */

static struct span copy_bytes(uint8_t **to, struct span from) {
    if (span_is_absent(from))
        return SPAN_NONE;
    struct span copy = span_of(*to, from.len);
    if (from.len > 0)
        memcpy(*to, from.data, from.len);
    *to += from.len;
    return copy;
}

static struct parked *park(struct env *env, struct channel *channel,
                           const struct wire_command *request) {
    size_t size = sizeof(struct parked) + request->field_count * sizeof request->fields[0];
    size_t bytes = request->body.len;
    for (size_t i = 0; i < request->field_count; i++)
        bytes += request->fields[i].key.len + request->fields[i].value.len;
    struct parked *parked = env_alloc(env, size + bytes);
    if (parked == NULL)
        return NULL;
    uint8_t *to = (uint8_t *)parked + size;
    *parked = (struct parked){.asker = asker_of(channel, request),
                              .since_ns = env_mono_ns(env),
                              .code = request->code,
                              .version = request->version,
                              .language = request->language,
                              .field_count = (uint32_t)request->field_count};
    parked->body = copy_bytes(&to, request->body);
    for (size_t i = 0; i < request->field_count; i++) {
        parked->fields[i].key = copy_bytes(&to, request->fields[i].key);
        parked->fields[i].value = copy_bytes(&to, request->fields[i].value);
    }
    RMQ_ASSERT(to == (uint8_t *)parked + size + bytes);
    return parked;
}

static void restore(const struct parked *parked, struct wire_command *request) {
    wire_command_init(request, parked->code);
    request->flag = parked->asker.flag;
    request->opaque = parked->asker.opaque;
    request->serialization = parked->asker.serialization;
    request->version = parked->version;
    request->language = parked->language;
    request->body = parked->body;
    request->has_fields = parked->field_count > 0;
    request->field_count = parked->field_count;
    memcpy(request->fields, parked->fields, parked->field_count * sizeof parked->fields[0]);
}

static struct parked *first_of(const struct flow_queue *queue) {
    return list_is_empty(&queue->waiting) ? NULL
                                          : LIST_ENTRY(queue->waiting.next, struct parked, link);
}

static void take(struct flow_queue *queue, struct parked *parked) {
    list_remove(&parked->link);
    RMQ_ASSERT(queue->count > 0);
    queue->count--;
}

void flow_deinit(struct flow *flow) {
    if (flow->broker == NULL)
        return;
    struct env *env = flow->broker->env;
    env_timer_stop(env, &flow->timer);
    for (size_t kind = 0; kind < 2; kind++) {
        struct flow_queue *queue = &flow->queues[kind];
        for (struct parked *parked; (parked = first_of(queue)) != NULL;) {
            take(queue, parked);
            env_free(env, parked);
        }
    }
    flow->broker = NULL;
}

void flow_forget_channel(struct flow *flow, const struct channel *channel) {
    for (size_t kind = 0; kind < 2; kind++) {
        LIST_EACH(&flow->queues[kind].waiting, link, next) {
            struct parked *parked = LIST_ENTRY(link, struct parked, link);
            if (parked->asker.channel != channel)
                continue;
            take(&flow->queues[kind], parked);
            env_free(flow->broker->env, parked);
        }
    }
}

/* ---- refusals -------------------------------------------------------------------------------- */

static bool is_stalled(const struct broker *broker) {
    return store_write_age_ms(broker->store) >= FLOW_STALL_MS;
}

static bool page_cache_busy(const struct broker *broker) {
    uint64_t age_ms = store_write_age_ms(broker->store);
    if (age_ms == 0)
        return false;
    return age_ms > broker->page_cache_busy_ms || env_plant(broker->env, PLANT_BROKER_BUSY_EARLY);
}

/* What stands in the way: for the event, and with its measure for the remark. */
static struct span waiting_for(const struct broker *broker, enum flow_kind kind,
                               struct outcome *outcome) {
    outcome_text(outcome, ", waiting for ");
    if (kind == FLOW_PULLS) {
        outcome_number(outcome, broker->pulls.reading);
        outcome_text(outcome, " reads of other pulls");
        return SPAN_LITERAL("reads");
    }
    uint64_t age_ms = store_write_age_ms(broker->store);
    if (age_ms > 0) {
        outcome_text(outcome, "a write to the commit log, under way for ");
        outcome_number(outcome, (int64_t)age_ms);
        outcome_text(outcome, "ms");
        return SPAN_LITERAL("commit log write");
    }
    outcome_number(outcome, broker->sends.under_way_count);
    outcome_text(outcome, " puts under way");
    return SPAN_LITERAL("puts");
}

static void put_limit(struct outcome *outcome, const char *key, uint64_t bound, const char *unit) {
    outcome_text(outcome, "; limit ");
    outcome_text(outcome, key);
    outcome_text(outcome, " ");
    outcome_number(outcome, (int64_t)bound);
    outcome_text(outcome, unit);
}

/* Puts the limit behind the remark's words, tells the event. */
static void page_cache_refused(const struct broker *broker, struct outcome *outcome) {
    put_limit(outcome, "osPageCacheBusyTimeOutMills", broker->page_cache_busy_ms, "ms");
    struct span what = waiting_for(broker, FLOW_SENDS, outcome);
    event_flow_refused(broker->env, SPAN_LITERAL("page_cache"), store_write_age_ms(broker->store),
                       broker->page_cache_busy_ms, what);
}

void flow_store_refused(struct flow *flow, struct outcome *outcome) {
    page_cache_refused(flow->broker, outcome);
}

static void reject(struct flow *flow, const struct asker *asker) {
    struct outcome outcome;
    outcome_init(&outcome, RESPONSE_SYSTEM_BUSY);
    outcome_text(&outcome, "[REJECTREQUEST]system busy, start flow control for a while");
    page_cache_refused(flow->broker, &outcome);
    answer_code(&flow->broker->remoting, asker, outcome.code, outcome.remark);
}

static uint32_t capacity_of(const struct broker *broker, enum flow_kind kind) {
    return kind == FLOW_SENDS ? broker->config.send_capacity : broker->config.pull_capacity;
}

static void overload(struct flow *flow, enum flow_kind kind, const struct asker *asker) {
    const struct broker *broker = flow->broker;
    struct outcome outcome;
    outcome_init(&outcome, RESPONSE_SYSTEM_BUSY);
    outcome_text(&outcome, "[OVERLOAD]system busy, start flow control for a while");
    put_limit(&outcome,
              kind == FLOW_SENDS ? "sendThreadPoolQueueCapacity" : "pullThreadPoolQueueCapacity",
              capacity_of(broker, kind), "");
    struct span what = waiting_for(broker, kind, &outcome);
    event_flow_refused(broker->env, SPAN_LITERAL("overload"), flow->queues[kind].count,
                       capacity_of(broker, kind), what);
    answer_code(&flow->broker->remoting, asker, outcome.code, outcome.remark);
}

static uint64_t waited_ms(const struct broker *broker, const struct parked *parked) {
    return (env_mono_ns(broker->env) - parked->since_ns) / NS_PER_MS;
}

uint32_t flow_waiting(const struct flow *flow, enum flow_kind kind) {
    return flow->queues[kind].count;
}

uint64_t flow_head_wait_ms(const struct flow *flow, enum flow_kind kind) {
    const struct parked *first = first_of(&flow->queues[kind]);
    return first == NULL ? 0 : waited_ms(flow->broker, first);
}

static void begin_clean(struct outcome *outcome, const char *prefix, uint64_t waited, size_t size) {
    outcome_init(outcome, RESPONSE_SYSTEM_BUSY);
    outcome_text(outcome, prefix);
    outcome_text(outcome, "broker busy, start flow control for a while, period in queue: ");
    outcome_number(outcome, (int64_t)waited);
    outcome_text(outcome, "ms, size of queue: ");
    outcome_number(outcome, (int64_t)size);
}

static uint32_t wait_limit_ms(const struct broker *broker, enum flow_kind kind) {
    return kind == FLOW_SENDS ? broker->config.send_wait_ms : broker->config.pull_wait_ms;
}

static void clean_first(struct flow *flow, enum flow_kind kind, bool busy) {
    struct broker *broker = flow->broker;
    struct flow_queue *queue = &flow->queues[kind];
    struct parked *parked = first_of(queue);
    uint64_t waited = waited_ms(broker, parked);
    struct outcome outcome;
    begin_clean(&outcome, busy ? "[PCBUSY_CLEAN_QUEUE]" : "[TIMEOUT_CLEAN_QUEUE]", waited,
                queue->count);
    if (busy) {
        page_cache_refused(broker, &outcome);
    } else {
        bool send = kind == FLOW_SENDS;
        put_limit(&outcome, send ? "waitTimeMillsInSendQueue" : "waitTimeMillsInPullQueue",
                  wait_limit_ms(broker, kind), "ms");
        struct span what = waiting_for(broker, kind, &outcome);
        event_flow_refused(broker->env,
                           send ? SPAN_LITERAL("send_queue") : SPAN_LITERAL("pull_queue"), waited,
                           wait_limit_ms(broker, kind), what);
    }
    answer_code(&broker->remoting, &parked->asker, outcome.code, outcome.remark);
    take(queue, parked);
    env_free(broker->env, parked);
}

/* ---- in and out ------------------------------------------------------------------------------ */

static bool can_take(const struct broker *broker, enum flow_kind kind) {
    if (kind == FLOW_PULLS)
        return broker->pulls.reading < broker->config.pull_threads;
    return broker->sends.under_way_count < broker->config.send_capacity && !is_stalled(broker);
}

static void on_timer(struct env *env, struct env_timer *timer);

static void schedule(struct flow *flow) {
    struct env *env = flow->broker->env;
    const struct parked *pull = first_of(&flow->queues[FLOW_PULLS]);
    if (flow->queues[FLOW_SENDS].count > 0) {
        if (!env_timer_armed(&flow->timer) ||
            flow->timer.deadline_ns > env_mono_ns(env) + SCAN_MS * NS_PER_MS)
            env_timer_start(env, &flow->timer, SCAN_MS * NS_PER_MS, on_timer);
    } else if (pull != NULL && flow->broker->config.fast_failure) {
        uint64_t waited_ns = env_mono_ns(env) - pull->since_ns;
        uint64_t limit_ns = flow->broker->config.pull_wait_ms * NS_PER_MS;
        env_timer_start(env, &flow->timer, waited_ns < limit_ns ? limit_ns - waited_ns : 0,
                        on_timer);
    } else {
        env_timer_stop(env, &flow->timer);
    }
}

/* Lets in what may go; what a processed request completes at once does not come in here again. */
static void let_in(struct flow *flow, enum flow_kind kind) {
    struct broker *broker = flow->broker;
    struct flow_queue *queue = &flow->queues[kind];
    struct wire_command request;
    if (flow->running)
        return;
    flow->running = true;
    while (queue->count > 0 && can_take(broker, kind)) {
        struct parked *parked = first_of(queue);
        take(queue, parked);
        restore(parked, &request);
        if (kind == FLOW_SENDS)
            send_process(broker, parked->asker.channel, &request);
        else
            pull_process(broker, parked->asker.channel, &request);
        env_free(broker->env, parked);
    }
    flow->running = false;
}

void flow_resume(struct flow *flow, enum flow_kind kind) {
    if (flow->queues[kind].count == 0 || flow->running)
        return;
    let_in(flow, kind);
    schedule(flow);
}

static void on_timer(struct env *env, struct env_timer *timer) {
    struct flow *flow = RMQ_CONTAINER_OF(timer, struct flow, timer);
    struct broker *broker = flow->broker;
    RMQ_ASSERT(env == broker->env);
    bool fast = broker->config.fast_failure;
    while (fast && flow->queues[FLOW_SENDS].count > 0 && page_cache_busy(broker))
        clean_first(flow, FLOW_SENDS, true);
    for (enum flow_kind kind = FLOW_SENDS; kind <= FLOW_PULLS; kind++) {
        const struct flow_queue *queue = &flow->queues[kind];
        while (fast && queue->count > 0 &&
               waited_ms(broker, first_of(queue)) >= wait_limit_ms(broker, kind))
            clean_first(flow, kind, false);
        let_in(flow, kind);
    }
    schedule(flow);
}

bool flow_admit(struct flow *flow, enum flow_kind kind, struct channel *channel,
                const struct wire_command *request) {
    struct broker *broker = flow->broker;
    struct flow_queue *queue = &flow->queues[kind];
    struct asker asker = asker_of(channel, request);
    if (kind == FLOW_SENDS && page_cache_busy(broker)) {
        reject(flow, &asker);
        return false;
    }
    if (queue->count == 0 && can_take(broker, kind))
        return true;
    struct parked *parked =
        queue->count < capacity_of(broker, kind) ? park(broker->env, channel, request) : NULL;
    if (parked == NULL) {
        overload(flow, kind, &asker);
        return false;
    }
    list_append(&queue->waiting, &parked->link);
    queue->count++;
    schedule(flow);
    return false;
}
