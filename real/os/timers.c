/* os/timers.c - one queue of timers per loop, ordered by (deadline, start), over one timerfd.
 *
 * A pairing heap that lives in the timers: starting one is a comparison, stopping one is a cut and
 * the merging of its children, O(log n) over time, without memory of its own. The descriptor is set
 * when the earliest deadline comes before what it is set to; when that timer is stopped it stays
 * set, and the loop wakes once for nothing. So requests whose timeouts are started and stopped cost
 * no system call. */
#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "real/os/env_internal.h"

#define SECOND_NS 1000000000ULL

struct slot {
    struct env_timer *child;    /* first of those that are not before this one */
    struct env_timer *next;     /* sibling */
    struct env_timer *previous; /* sibling, or the parent of a first child; NULL: root */
    uint64_t sequence;          /* number of the start */
    struct real_loop *loop;
};
_Static_assert(sizeof(struct slot) <= sizeof(uint64_t[7]), "a timer has room for its slot");

static struct slot *slot_of(const struct env_timer *timer) {
    return (struct slot *)(void *)(uintptr_t)timer->slot;
}

static bool is_before(const struct env_timer *a, const struct env_timer *b) {
    if (a->deadline_ns != b->deadline_ns)
        return a->deadline_ns < b->deadline_ns;
    return slot_of(a)->sequence < slot_of(b)->sequence;
}

/* ---- the heap ------------------------------------------------------------------------------- */

/* Joins two heaps (either may be NULL) whose roots have no siblings. */
static struct env_timer *meld(struct env_timer *a, struct env_timer *b) {
    if (a == NULL || b == NULL)
        return a == NULL ? b : a;
    struct env_timer *root = is_before(a, b) ? a : b;
    struct env_timer *under = root == a ? b : a;
    struct slot *slot = slot_of(root);
    slot_of(under)->next = slot->child;
    slot_of(under)->previous = root;
    if (slot->child != NULL)
        slot_of(slot->child)->previous = under;
    slot->child = under;
    return root;
}

/* Takes the first of a list of siblings off it. */
static struct env_timer *take(struct env_timer **list) {
    struct env_timer *first = *list;
    if (first != NULL) {
        *list = slot_of(first)->next;
        slot_of(first)->next = slot_of(first)->previous = NULL;
    }
    return first;
}

/* One heap of a list of siblings: pairs from the left, then the pairs from the right. */
static struct env_timer *meld_siblings(struct env_timer *list) {
    struct env_timer *pairs = NULL, *root = NULL;
    while (list != NULL) {
        struct env_timer *a = take(&list), *b = take(&list);
        struct env_timer *pair = meld(a, b);
        slot_of(pair)->next = pairs;
        pairs = pair;
    }
    while (pairs != NULL) {
        struct env_timer *pair = take(&pairs);
        root = meld(root, pair);
    }
    return root;
}

static void heap_remove(struct real_loop *loop, struct env_timer *timer) {
    struct slot *slot = slot_of(timer);
    struct env_timer *children = meld_siblings(slot->child);
    if (timer == loop->timers) {
        loop->timers = children;
    } else {
        struct slot *before = slot_of(slot->previous);
        if (before->child == timer) {
            before->child = slot->next;
        } else {
            before->next = slot->next;
        }
        if (slot->next != NULL)
            slot_of(slot->next)->previous = slot->previous;
        loop->timers = meld(loop->timers, children);
    }
    slot->child = slot->next = slot->previous = NULL;
}

/* ---- starting and stopping ------------------------------------------------------------------ */

void real_timer_stop(struct env_timer *timer) {
    if (!env_timer_armed(timer))
        return;
    heap_remove(slot_of(timer)->loop, timer);
    timer->fire = NULL;
}

static void start(struct real_loop *loop, struct env *env, struct env_timer *timer,
                  uint64_t deadline_ns, env_timer_fn *fire) {
    RMQ_ASSERT(fire != NULL);
    if (env_timer_armed(timer)) {
        RMQ_ASSERT(timer->env == env);
        heap_remove(loop, timer);
    }
    timer->fire = fire;
    timer->env = env;
    timer->deadline_ns = deadline_ns;
    *slot_of(timer) = (struct slot){.sequence = loop->timer_sequence++, .loop = loop};
    loop->timers = meld(loop->timers, timer);
}

static uint64_t after(uint64_t now_ns, uint64_t delay_ns) {
    return delay_ns < INT64_MAX - now_ns ? now_ns + delay_ns : INT64_MAX;
}

void real_timer_start(struct real_loop *loop, struct env_timer *timer, uint64_t delay_ns,
                      env_timer_fn *fire) {
    start(loop, NULL, timer, after(real_clock_ns(), delay_ns), fire);
}

void env_timer_start(struct env *env, struct env_timer *timer, uint64_t delay_ns,
                     env_timer_fn *fire) {
    real_call(env);
    start(env->loop, env, timer, after(env_mono_ns(env), delay_ns), fire);
}

void env_timer_stop(struct env *env, struct env_timer *timer) {
    real_call(env);
    RMQ_ASSERT(!env_timer_armed(timer) || timer->env == env);
    real_timer_stop(timer);
}

/* ---- firing --------------------------------------------------------------------------------- */

static void fire(struct real_loop *loop, struct env_timer *timer) {
    env_timer_fn *call = timer->fire;
    struct env *env = timer->env;
    heap_remove(loop, timer);
    timer->fire = NULL;
    if (env == NULL) {
        call(NULL, timer);
        return;
    }
    real_enter(env);
    RMQ_ASSERT(env_mono_ns(env) >= timer->deadline_ns); /* E3: never early */
    call(env, timer);
    real_leave(env);
}

/* Those that handlers start now have a later deadline, or come in the next turn: others have a turn
 * too. */
void real_timers_fire(struct real_loop *loop) {
    if (loop->timers == NULL)
        return;
    uint64_t now_ns = real_clock_ns(), last = loop->timer_sequence;
    while (loop->timers != NULL && loop->timers->deadline_ns <= now_ns &&
           slot_of(loop->timers)->sequence < last) {
        fire(loop, loop->timers);
    }
}

bool real_timers_due(const struct real_loop *loop) {
    return loop->timers != NULL && loop->timers->deadline_ns <= real_clock_ns();
}

void real_timers_drop(struct env *env) {
    struct real_loop *loop = env->loop;
    struct env_timer *kept = NULL;
    while (loop->timers != NULL) {
        struct env_timer *timer = loop->timers;
        heap_remove(loop, timer);
        if (timer->env == env) {
            timer->fire = NULL;
        } else {
            slot_of(timer)->next = kept;
            kept = timer;
        }
    }
    for (struct env_timer *timer = take(&kept); timer != NULL; timer = take(&kept)) {
        loop->timers = meld(loop->timers, timer);
    }
}

/* ---- the descriptor ------------------------------------------------------------------------- */

static void set_descriptor(struct real_loop *loop, uint64_t deadline_ns) {
    struct itimerspec when = {0}; /* disarms */
    if (deadline_ns != UINT64_MAX) {
        when.it_value.tv_sec = (time_t)(deadline_ns / SECOND_NS);
        when.it_value.tv_nsec = (long)(deadline_ns % SECOND_NS);
    }
    int err = timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
    RMQ_ASSERT(err == 0);
    loop->timer_fd_ns = deadline_ns;
    loop->timer_fired = false;
}

void real_timers_arm(struct real_loop *loop, uint64_t wait_until_ns) {
    uint64_t deadline_ns = loop->timers == NULL ? UINT64_MAX : loop->timers->deadline_ns;
    if (wait_until_ns < deadline_ns)
        deadline_ns = wait_until_ns;
    if (loop->timer_fired || deadline_ns < loop->timer_fd_ns)
        set_descriptor(loop, deadline_ns);
}

static void on_descriptor(uv_poll_t *poll, int status, int events) {
    struct real_loop *loop = poll->data;
    (void)events;
    RMQ_ASSERT(status == 0);
    loop->timer_fired = true;
}

int real_timers_init(struct real_loop *loop) {
    loop->timer_fd_ns = UINT64_MAX;
    loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (loop->timer_fd < 0)
        return RMQ_E_IO;
    loop->timer_poll.data = loop;
    if (uv_poll_init(&loop->uv, &loop->timer_poll, loop->timer_fd) != 0 ||
        uv_poll_start(&loop->timer_poll, UV_READABLE, on_descriptor) != 0) {
        close(loop->timer_fd);
        return RMQ_E_IO;
    }
    return RMQ_OK;
}

void real_timers_deinit(struct real_loop *loop) {
    RMQ_ASSERT(loop->timers == NULL);
    uv_close((uv_handle_t *)&loop->timer_poll, NULL);
    close(loop->timer_fd);
}
