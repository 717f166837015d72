/* client/route_cache.c - see route_cache.h.
 *
 * An answer is decoded twice: to measure, then to fill the one block: the struct, the addresses,
 * the queues, all text. */
#include "model/client/route_cache.h"

#include "model/base/check.h"
#include "model/base/sort.h"
#include "model/env.h"

/* Counts in the first pass; fills in the second, where the arrays are set. */
struct reading {
    struct route_queue *queues;
    struct route_broker_addr *addrs;
    char *text;
    size_t queue_count;
    size_t addr_count;
    size_t text_len;
    struct span order_conf;
};

static struct span keep(struct reading *reading, struct span text) {
    struct span kept = text;
    if (reading->text != NULL && text.len > 0) {
        memcpy(reading->text + reading->text_len, text.data, text.len);
        kept = span_of(reading->text + reading->text_len, text.len);
    }
    reading->text_len += text.len;
    return kept;
}

static int on_queue(void *ctx, const struct route_queue *queue) {
    struct reading *reading = ctx;
    struct route_queue kept = *queue;
    kept.broker_name = keep(reading, queue->broker_name);
    if (reading->queues != NULL)
        reading->queues[reading->queue_count] = kept;
    reading->queue_count++;
    return RMQ_OK;
}

static int on_broker_addr(void *ctx, const struct route_broker_addr *addr) {
    struct reading *reading = ctx;
    struct route_broker_addr kept = *addr;
    kept.broker_name = keep(reading, addr->broker_name);
    kept.cluster = keep(reading, addr->cluster);
    kept.addr = keep(reading, addr->addr);
    if (reading->addrs != NULL)
        reading->addrs[reading->addr_count] = kept;
    reading->addr_count++;
    return RMQ_OK;
}

static int on_order_conf(void *ctx, struct span conf) {
    struct reading *reading = ctx;
    reading->order_conf = keep(reading, conf);
    return RMQ_OK;
}

static int read_pass(struct span body, struct buf *scratch, struct reading *reading) {
    const struct route_visitor visitor = {on_queue, on_broker_addr, on_order_conf, reading};
    struct wire_error error;
    return route_decode(body, scratch, &visitor, &error);
}

static int compare_queues(const void *a, const void *b, void *ctx) {
    const struct route_queue *left = a, *right = b;
    RMQ_IGNORE(ctx != NULL, "no context");
    return span_compare(left->broker_name, right->broker_name);
}

static int compare_addrs(const void *a, const void *b, void *ctx) {
    const struct route_broker_addr *left = a, *right = b;
    RMQ_IGNORE(ctx != NULL, "no context");
    int order = span_compare(left->broker_name, right->broker_name);
    if (order != 0)
        return order;
    return left->broker_id < right->broker_id ? -1 : left->broker_id > right->broker_id;
}

static int sort(struct env *env, struct reading *filled) {
    int err = sort_stable(env, filled->queues, filled->queue_count, sizeof *filled->queues,
                          compare_queues, NULL);
    if (err != RMQ_OK)
        return err;
    return sort_stable(env, filled->addrs, filled->addr_count, sizeof *filled->addrs, compare_addrs,
                       NULL);
}

/* Second pass, into one block. */
static int fill(struct env *env, struct span body, struct buf *scratch,
                const struct reading *measured, struct route **out) {
    size_t addrs = measured->addr_count * sizeof(struct route_broker_addr);
    size_t queues = measured->queue_count * sizeof(struct route_queue);
    char *memory = env_alloc(env, sizeof(struct route) + addrs + queues + measured->text_len + 1);
    if (memory == NULL)
        return RMQ_E_NOMEM;
    struct route *route = (struct route *)(void *)memory;
    struct reading filled = {
        .addrs = (struct route_broker_addr *)(void *)(memory + sizeof(struct route)),
        .queues = (struct route_queue *)(void *)(memory + sizeof(struct route) + addrs),
        .text = memory + sizeof(struct route) + addrs + queues};
    int err = read_pass(body, scratch, &filled);
    if (err == RMQ_OK)
        err = sort(env, &filled);
    if (err != RMQ_OK) {
        env_free(env, memory);
        return err;
    }
    RMQ_ASSERT(filled.text_len == measured->text_len);
    RMQ_ASSERT(filled.addr_count == measured->addr_count);
    *route = (struct route){.queues = filled.queues,
                            .addrs = filled.addrs,
                            .queue_count = filled.queue_count,
                            .addr_count = filled.addr_count,
                            .order_conf = filled.order_conf};
    *out = route;
    return RMQ_OK;
}

int route_read(struct env *env, struct span body, struct route **out) {
    struct buf scratch;
    struct reading measured = {0};
    buf_init(&scratch, env);
    int err = read_pass(body, &scratch, &measured);
    if (err == RMQ_OK)
        err = fill(env, body, &scratch, &measured, out);
    buf_deinit(&scratch);
    return err;
}

static bool same_queue(const struct route_queue *a, const struct route_queue *b) {
    return span_equal(a->broker_name, b->broker_name) && a->perm == b->perm &&
           a->read_queue_nums == b->read_queue_nums && a->write_queue_nums == b->write_queue_nums &&
           a->topic_sys_flag == b->topic_sys_flag;
}

static bool same_addr(const struct route_broker_addr *a, const struct route_broker_addr *b) {
    return span_equal(a->broker_name, b->broker_name) && a->broker_id == b->broker_id &&
           span_equal(a->addr, b->addr);
}

bool route_equal(const struct route *a, const struct route *b) {
    if (a->queue_count != b->queue_count || a->addr_count != b->addr_count ||
        span_is_absent(a->order_conf) != span_is_absent(b->order_conf) ||
        !span_equal(a->order_conf, b->order_conf))
        return false;
    for (size_t i = 0; i < a->queue_count; i++) {
        if (!same_queue(&a->queues[i], &b->queues[i]))
            return false;
    }
    for (size_t i = 0; i < a->addr_count; i++) {
        if (!same_addr(&a->addrs[i], &b->addrs[i]))
            return false;
    }
    return true;
}

size_t route_broker_count(const struct route *route) {
    size_t count = 0;
    for (size_t i = 0; i < route->addr_count; i++) {
        if (i == 0 || !span_equal(route->addrs[i].broker_name, route->addrs[i - 1].broker_name))
            count++;
    }
    return count;
}

/* Index of the first address that is not before (name, id). */
static size_t lower_bound(const struct route *route, struct span name, int64_t id) {
    const struct route_broker_addr key = {.broker_name = name, .broker_id = id};
    size_t low = 0, high = route->addr_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_addrs(&route->addrs[middle], &key, NULL) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct route_broker_addr *find_addr(const struct route *route, struct span name,
                                                 int64_t id) {
    size_t at = lower_bound(route, name, id);
    if (at == route->addr_count || route->addrs[at].broker_id != id ||
        !span_equal(route->addrs[at].broker_name, name))
        return NULL;
    return &route->addrs[at];
}

/* "b1:n1;b2:n2": each part, whether the broker is there or not. */
typedef void ordered_fn(void *ctx, struct span broker_name, uint64_t count);
static void each_ordered(struct span conf, ordered_fn *each, void *ctx) {
    struct span part;
    while (span_next_part(&conf, ';', &part)) {
        const uint8_t *colon = memchr(part.data, ':', part.len);
        size_t name = colon == NULL ? 0 : (size_t)(colon - part.data);
        uint64_t count;
        if (colon != NULL && span_to_u64(span_from(part, name + 1), &count) == RMQ_OK)
            each(ctx, span_of(part.data, name), count);
    }
}

static void add_count(void *ctx, struct span broker_name, uint64_t count) {
    uint64_t *sum = ctx;
    RMQ_IGNORE(broker_name.len == 0, "only the numbers count");
    *sum = *sum + count < *sum ? UINT64_MAX : *sum + count;
}

static bool is_writable(const struct route *route, const struct route_queue *queue) {
    return (queue->perm & PERM_WRITE) != 0 && queue->write_queue_nums > 0 &&
           find_addr(route, queue->broker_name, 0) != NULL;
}

uint64_t route_write_queues(const struct route *route) {
    uint64_t sum = 0;
    if (route->order_conf.len > 0)
        each_ordered(route->order_conf, add_count, &sum);
    for (size_t i = 0; route->order_conf.len == 0 && i < route->queue_count; i++) {
        if (is_writable(route, &route->queues[i]))
            sum += (uint64_t)route->queues[i].write_queue_nums;
    }
    return sum;
}

void route_difference(const struct route *route, const struct route *other, route_addr_fn *on_addr,
                      void *ctx) {
    for (size_t i = 0; route != NULL && i < route->addr_count; i++) {
        const struct route_broker_addr *addr = &route->addrs[i];
        const struct route_broker_addr *same =
            other == NULL ? NULL : find_addr(other, addr->broker_name, addr->broker_id);
        if (addr->broker_id >= 0 && (same == NULL || !span_equal(same->addr, addr->addr)))
            on_addr(ctx, addr);
    }
}

/* ---- the queues to choose from --------------------------------------------------------------- */

static int make_choice(struct env *env, uint64_t count, struct route_choice *out) {
    if (count > ROUTE_CHOICE_MAX)
        return RMQ_E_LIMIT;
    out->queues = env_alloc(env, ((size_t)count + 1) * sizeof *out->queues);
    if (out->queues == NULL)
        return RMQ_E_NOMEM;
    out->count = 0;
    return RMQ_OK;
}

static void choose(struct route_choice *out, struct span broker_name, uint64_t count) {
    for (uint64_t id = 0; id < count; id++)
        out->queues[out->count++] = (struct route_choice_queue){broker_name, (int32_t)id};
}

static void on_ordered(void *ctx, struct span broker_name, uint64_t count) {
    choose(ctx, broker_name, count);
}

int route_publish(struct env *env, const struct route *route, struct route_choice *out) {
    struct route_choice made;
    int err = make_choice(env, route_write_queues(route), &made);
    if (err != RMQ_OK)
        return err;
    if (route->order_conf.len > 0)
        each_ordered(route->order_conf, on_ordered, &made);
    for (size_t i = 0; route->order_conf.len == 0 && i < route->queue_count; i++) {
        if (is_writable(route, &route->queues[i]))
            choose(&made, route->queues[i].broker_name,
                   (uint64_t)route->queues[i].write_queue_nums);
    }
    *out = made;
    return RMQ_OK;
}

static uint64_t readable(const struct route_queue *queue) {
    bool can = (queue->perm & PERM_READ) != 0 && queue->read_queue_nums > 0;
    return can ? (uint64_t)queue->read_queue_nums : 0;
}

int route_subscribe(struct env *env, const struct route *route, struct route_choice *out) {
    struct route_choice made;
    uint64_t count = 0;
    for (size_t i = 0; i < route->queue_count; i++)
        count += readable(&route->queues[i]);
    int err = make_choice(env, count, &made);
    if (err != RMQ_OK)
        return err;
    for (size_t i = 0; i < route->queue_count; i++)
        choose(&made, route->queues[i].broker_name, readable(&route->queues[i]));
    *out = made;
    return RMQ_OK;
}

void route_cut(struct route *route, int32_t count) {
    for (size_t i = 0; i < route->queue_count; i++) {
        struct route_queue *queue = &route->queues[i];
        int32_t cut = count < queue->read_queue_nums ? count : queue->read_queue_nums;
        queue->read_queue_nums = queue->write_queue_nums = cut;
    }
}
