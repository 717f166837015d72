/* load/produce_transaction.c - the application's side of transactions: what each becomes is a
 * function of the run and the message's number, so that whoever is asked, now or after a restart,
 * says the same; as if it stood in a database. */
#include "model/load/body.h"
#include "model/load/produce.h"

#include "model/base/check.h"
#include "model/wire/codes.h"

#define PPM 1000000

static struct produce *load_of(const struct produce_slot *slot) {
    return RMQ_CONTAINER_OF(slot->base.load, struct produce, base);
}

/* A number below 10^6 that run, message and question decide (splitmix64's finish). */
static uint32_t draw(const struct produce *load, uint64_t number, uint64_t question) {
    uint64_t z = load->config.run * UINT64_C(0x9e3779b97f4a7c15) + number + (question << 60);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ z >> 31) % PPM);
}

static bool is_unresolved(const struct produce *load, uint64_t number) {
    return draw(load, number, 1) < load->config.unresolved_ppm;
}

/* What it will be when somebody asks. */
static enum transaction_decision decision_of(const struct produce *load, uint64_t number) {
    if (is_unresolved(load, number))
        return DECIDED_UNKNOWN;
    return draw(load, number, 2) < load->config.rollback_ppm ? DECIDED_ROLLBACK : DECIDED_COMMIT;
}

/* ---- local transactions ---------------------------------------------------------------------- */

static void end(struct produce_slot *slot) {
    struct produce *load = load_of(slot);
    uint64_t number = slot->number;
    enum transaction_decision decision = decision_of(load, number);
    if (slot->send.code != RESPONSE_SUCCESS)
        decision = DECIDED_ROLLBACK;
    else if (draw(load, number, 3) < load->config.unknown_ppm)
        decision = DECIDED_UNKNOWN;
    bool tell = draw(load, number, 4) >= load->config.end_lost_ppm;
    RMQ_IGNORE(transaction_end(load->producer, &slot->send, number, decision, tell),
               "the broker asks");
    slot->number = 0;
}

/* What was not stored as asked is rolled back and not begun, as in Java. */
static void remember(struct produce *load, uint64_t number) {
    buf_put(&load->not_begun, &number, sizeof number);
}

static void on_executed(struct env *env, struct env_timer *timer) {
    struct produce_slot *slot = RMQ_CONTAINER_OF(timer, struct produce_slot, base.timer);
    RMQ_ASSERT(load_of(slot)->base.set->env == env);
    end(slot);
    slot->over(slot);
}

void produce_transaction_sent(struct produce_slot *slot, int status,
                              void (*over)(struct produce_slot *slot)) {
    struct produce *load = load_of(slot);
    struct env *env = load->base.set->env;
    const struct dist *time = &load->config.execute_ns;
    bool begins = status == RMQ_OK && slot->send.code == RESPONSE_SUCCESS;
    uint64_t u = time->kind == DIST_CONSTANT ? 0 : env_random(env);
    uint64_t time_ns = begins ? dist_sample(time, u) : 0;
    slot->over = over;
    if (!begins)
        remember(load, slot->number);
    if (time_ns > 0) {
        env_timer_start(env, &slot->base.timer, time_ns, on_executed);
        return;
    }
    if (status == RMQ_OK)
        end(slot);
    slot->number = 0;
    over(slot);
}

/* ---- checks ---------------------------------------------------------------------------------- */

static bool is_executing(const struct produce *load, uint64_t number) {
    LIST_EACH(&load->slots.busy, link, next) {
        if (LIST_ENTRY(link, struct produce_slot, base.link)->number == number)
            return true;
    }
    return false;
}

static bool was_not_begun(const struct produce *load, uint64_t number) {
    for (size_t at = 0; at < load->not_begun.len; at += sizeof number) {
        if (memcmp(load->not_begun.data + at, &number, sizeof number) == 0)
            return true;
    }
    return false;
}

enum transaction_decision produce_transaction_check(void *ctx, const struct message *message,
                                                    uint64_t *number) {
    const struct produce *load = ctx;
    if (!body_check(message->body, load->config.run, number) || is_executing(load, *number))
        return DECIDED_UNKNOWN;
    return was_not_begun(load, *number) ? DECIDED_ROLLBACK : decision_of(load, *number);
}
