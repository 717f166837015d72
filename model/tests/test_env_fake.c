/* test_env_fake.c - the fake itself: what it records, what it plays, and that each rule of env.h is
 * asserted (those tests end in SIGABRT). */
#include <signal.h>

#include "model/base/check.h"
#include "model/tests/env_fake.h"
#include "model/tests/suite.h"

/* ---- a small role: echoes what it gets, dials out, ticks
 * ------------------------------------------ */

struct echo {
    struct env *env;
    struct env_timer tick;
    struct env_listener *listener;
    struct env_conn *out; /* the dialled connection, until its end */
    struct env_conn *in;  /* the accepted one */
    unsigned ticks, opened, chunks, drains;
    bool mute;      /* hears, but does not echo */
    int reason;     /* of the last on_close */
    int last_write; /* result of the last echo */
};

static struct env *env;
static struct echo *echo; /* the node, for the tests to look into */

static void on_tick(struct env *self, struct env_timer *timer) {
    struct echo *node = RMQ_CONTAINER_OF(timer, struct echo, tick);
    node->ticks++;
    env_timer_start(self, timer, 1000, on_tick);
}

static void on_open(struct env_conn *conn, void *ctx) {
    struct span hello = SPAN_LITERAL("hello");
    ((struct echo *)ctx)->opened++;
    ((struct echo *)ctx)->last_write = env_conn_write(conn, &hello, 1);
}

static void on_data(struct env_conn *conn, void *ctx, struct span bytes) {
    struct echo *node = ctx;
    node->chunks++;
    if (bytes.data[0] == 'q') {
        env_conn_close(conn);
    } else if (bytes.data[0] == 'p') {
        env_conn_pause(conn);
    } else if (!node->mute) {
        node->last_write = env_conn_write(conn, &bytes, 1);
    }
}

static void on_drain(struct env_conn *conn, void *ctx) {
    (void)conn;
    ((struct echo *)ctx)->drains++;
}

static void on_close(struct env_conn *conn, void *ctx, int reason) {
    struct echo *node = ctx;
    node->reason = reason;
    if (conn == node->out) {
        node->out = NULL;
    } else {
        node->in = NULL;
    }
}

static const struct env_conn_handler ECHO = {on_open, on_data, on_drain, on_close};

static void on_accept(struct env_listener *listener, void *ctx, struct env_conn *conn) {
    char peer[ENV_ADDRESS_MAX];
    (void)listener;
    env_conn_peer(conn, peer);
    if (strncmp(peer, "6.6.6.6", 7) == 0) {
        env_conn_close(conn);
        return;
    }
    ((struct echo *)ctx)->in = conn;
    env_conn_bind(conn, &ECHO, ctx);
}

/* Leaves all to env_exit when something fails, as a role may. */
static int echo_start(struct env *self, const struct props *config, void **node) {
    struct echo *made = env_alloc(self, sizeof *made);
    struct span peer = props_get(config, "peer");
    if (made == NULL) {
        return RMQ_E_NOMEM;
    }
    memset(made, 0, sizeof *made);
    made->env = self;
    int err = env_listen(self, 9876, on_accept, made, &made->listener);
    if (err == RMQ_OK && peer.len > 0) {
        err = env_dial(self, peer, &ECHO, made, &made->out);
    }
    if (err != RMQ_OK) {
        return err;
    }
    env_timer_start(self, &made->tick, 1000, on_tick);
    event_node_started(self, SPAN_LITERAL("echo"), SPAN_LITERAL("test"));
    *node = echo = made;
    return RMQ_OK;
}

/* Tidies up by itself, so that fake_destroy has something to check. */
static void echo_stop(void *node) {
    struct echo *self = node;
    struct env *own = self->env;
    env_timer_stop(own, &self->tick);
    env_listener_close(self->listener);
    if (self->out != NULL) {
        env_conn_close(self->out);
    }
    if (self->in != NULL) {
        env_conn_close(self->in);
    }
    env_free(own, self);
    env_exit(own, 3);
}

static int echo_command(void *node, const struct props *command) {
    struct echo *self = node;
    struct span order = props_get(command, "do");
    if (span_equal(order, SPAN_LITERAL("resume"))) {
        env_conn_resume(self->out);
    } else if (span_equal(order, SPAN_LITERAL("mute"))) {
        self->mute = true;
    } else if (span_equal(order, SPAN_LITERAL("time"))) {
        fake_advance(self->env, 1); /* what a node can't do: tests of E1 */
    } else if (span_equal(order, SPAN_LITERAL("deliver"))) {
        fake_deliver(self->out, SPAN_LITERAL("x")); /* E2 */
    } else if (span_equal(order, SPAN_LITERAL("overwrite"))) {
        self->tick.deadline_ns++; /* E3 */
    } else if (span_equal(order, SPAN_LITERAL("free"))) {
        env_free(self->env, self); /* with its timer armed */
    } else if (span_equal(order, SPAN_LITERAL("close twice"))) {
        env_conn_close(self->out);
        env_conn_close(self->out); /* E6 */
    } else if (span_equal(order, SPAN_LITERAL("start twice"))) {
        env_timer_start(self->env, &self->tick, 500, on_tick);
    } else {
        return RMQ_E_INVALID;
    }
    return RMQ_OK;
}

static const struct role ECHO_ROLE = {"echo", echo_start, echo_stop, echo_command};

/* ---- fixtures ----------------------------------------------------------------------------------
 */

static void setup(void) {
    env = fake_create();
    ck_assert_int_eq(fake_start_text(env, &ECHO_ROLE, "peer=10.0.0.1:10911\n"), RMQ_OK);
}

static void teardown(void) {
    if (fake_node(env) != NULL) {
        fake_stop(env);
    }
    fake_destroy(env);
}

static struct env_conn *open_out(void) {
    struct env_conn *conn = fake_dialled(env, "10.0.0.1:10911");
    ck_assert_ptr_nonnull(conn);
    fake_dial_succeed(conn);
    ck_assert(span_equal(fake_take(conn), SPAN_LITERAL("hello")));
    return conn;
}

/* ---- life, time, chance ------------------------------------------------------------------------
 */

START_TEST(test_start_and_stop__run_the_role) {
    int status = 0;
    ck_assert(fake_listening(env, 9876));
    ck_assert_ptr_eq(fake_node(env), echo);
    ck_assert(span_equal(fake_event_text(env, EVENT_node_started, "role"), SPAN_LITERAL("echo")));
    ck_assert_uint_eq(fake_event_count_of(env, EVENT_node_started, "role", "echo"), 1);
    ck_assert_uint_eq(fake_event_count_of(env, EVENT_node_started, "role", "other"), 0);
    ck_assert(!fake_exited(env, &status));
    fake_stop(env);
    ck_assert(fake_exited(env, &status));
    ck_assert_int_eq(status, 3);
    ck_assert_ptr_null(fake_node(env));
    /* And again, as a restart. */
    ck_assert_int_eq(fake_start_text(env, &ECHO_ROLE, ""), RMQ_OK);
    ck_assert(!fake_exited(env, &status));
    ck_assert_uint_eq(fake_event_count(env, EVENT_node_started), 2);
}
END_TEST

START_TEST(test_command__returns_the_roles_answer) {
    ck_assert_int_eq(fake_command_text(env, "do=nonsense\n"), RMQ_E_INVALID);
    ck_assert_int_eq(fake_command_text(env, "do=start twice\n"), RMQ_OK);
    ck_assert_uint_eq(fake_timer_count(env), 1);
    ck_assert_uint_eq(fake_next_deadline_ns(env), env_mono_ns(env) + 500);
}
END_TEST

START_TEST(test_advance__fires_timers_at_their_deadlines) {
    uint64_t start = env_mono_ns(env);
    fake_advance(env, 999);
    ck_assert_uint_eq(echo->ticks, 0);
    fake_advance(env, 1);
    ck_assert_uint_eq(echo->ticks, 1);
    ck_assert_uint_eq(fake_timer(env, 0)->deadline_ns, start + 2000);
    fake_advance(env, 3500);
    ck_assert_uint_eq(echo->ticks, 4);
    ck_assert_uint_eq(env_mono_ns(env), start + 4500);
    ck_assert(fake_advance_to_timer(env));
    ck_assert_uint_eq(env_mono_ns(env), start + 5000);
    ck_assert_uint_eq(echo->ticks, 5);
    fake_pause(env, 10500); /* the clock jumps, so the next is counted from the late one */
    ck_assert_uint_eq(echo->ticks, 6);
    ck_assert_uint_eq(fake_next_deadline_ns(env), start + 16500);
}
END_TEST

static char fired[8];

static void note(struct env *self, struct env_timer *timer) {
    (void)self;
    fired[strlen(fired)] = (char)timer->slot[1];
}

START_TEST(test_timers__fire_in_order_of_deadline_then_start) {
    struct env_timer timers[4] = {0};
    struct env *own = fake_create();
    memset(fired, 0, sizeof fired);
    for (uint64_t i = 0; i < 4; i++) {
        timers[i].slot[1] = 'a' + i;
        env_timer_start(own, &timers[i], i == 1 ? 5 : 10, note);
    }
    env_timer_start(own, &timers[0], 10, note); /* again: now it counts as started last */
    env_timer_stop(own, &timers[2]);
    env_timer_stop(own, &timers[2]);
    ck_assert(!env_timer_armed(&timers[2]));
    ck_assert_ptr_eq(fake_timer(own, 0), &timers[1]);
    ck_assert_ptr_eq(fake_timer(own, 1), &timers[3]);
    fake_advance(own, 10);
    ck_assert_str_eq(fired, "bda");
    ck_assert(!fake_advance_to_timer(own));
    ck_assert(fake_next_deadline_ns(own) == UINT64_MAX);
    fake_destroy(own);
}
END_TEST

START_TEST(test_clocks__are_set_apart) {
    uint64_t mono = env_mono_ns(env);
    ck_assert(env_wall_ms(env) == 1767225600000);
    fake_advance_ms(env, 5);
    ck_assert(env_wall_ms(env) == 1767225600005);
    fake_set_wall_ms(env, 1000);
    fake_set_utc_offset_min(env, 480);
    ck_assert(env_wall_ms(env) == 1000);
    ck_assert_int_eq(env_utc_offset_min(env), 480);
    ck_assert(env_mono_ns(env) == mono + 5000000);
}
END_TEST

START_TEST(test_random__is_seeded_and_within_bounds) {
    uint64_t first = env_random(env);
    ck_assert(first != env_random(env));
    fake_seed(env, 1);
    ck_assert(env_random(env) == first);
    for (int i = 0; i < 1000; i++) {
        ck_assert(env_random_below(env, 1) == 0);
        ck_assert(env_random_below(env, 7) < 7);
        ck_assert(env_random_below(env, (UINT64_C(1) << 63) + 1) <= UINT64_C(1) << 63);
    }
}
END_TEST

START_TEST(test_plants__are_off_until_set) {
    ck_assert(!env_plant(env, PLANT_NAMESRV_SCAN_NEVER));
    ck_assert(!env_buggify(env, BUGGIFY_CLIENT_POLL_EARLY));
    fake_set_plant(env, PLANT_NAMESRV_SCAN_NEVER, true);
    fake_set_buggify(env, BUGGIFY_CLIENT_POLL_EARLY, true);
    ck_assert(env_plant(env, PLANT_NAMESRV_SCAN_NEVER));
    ck_assert(!env_plant(env, PLANT_NAMESRV_EVICT_EARLY));
    ck_assert(env_buggify(env, BUGGIFY_CLIENT_POLL_EARLY));
}
END_TEST

START_TEST(test_self__is_what_was_set) {
    struct env_identity identity;
    fake_set_identity(env, "192.168.0.7", 99);
    fake_set_memory_bytes(env, 123);
    env_identity(env, &identity);
    ck_assert_str_eq(identity.ip, "192.168.0.7");
    ck_assert_uint_eq(identity.process_number, 99);
    ck_assert_uint_eq(env_memory_bytes(env), 123);
}
END_TEST

START_TEST(test_log__is_kept_as_text) {
    env_log(env, ENV_LOG_WARN, "port %d of %s", 9876, "here");
    ck_assert_uint_eq(fake_log_count(env, ENV_LOG_WARN), 1);
    ck_assert_uint_eq(fake_log_count(env, ENV_LOG_ERROR), 0);
    ck_assert(fake_log_contains(env, "9876 of here"));
    ck_assert(!fake_log_contains(env, "9877"));
}
END_TEST

/* ---- connections -------------------------------------------------------------------------------
 */

START_TEST(test_dial__is_answered_by_the_test) {
    ck_assert_uint_eq(fake_dial_count(env, NULL), 1);
    ck_assert_uint_eq(fake_dial_count(env, "10.0.0.1:10911"), 1);
    ck_assert_ptr_null(fake_dialled(env, "10.0.0.2:10911"));
    fake_advance_ms(env, 1); /* hanging */
    ck_assert_uint_eq(echo->opened, 0);
    struct env_conn *conn = open_out();
    ck_assert_uint_eq(echo->opened, 1);
    ck_assert(fake_is_open(conn));
    ck_assert_ptr_null(fake_dialled(env, "10.0.0.1:10911"));
    ck_assert_str_eq(fake_address(conn), "10.0.0.1:10911");
}
END_TEST

START_TEST(test_dial__fails_with_the_reason_given) {
    struct env_conn *conn = fake_dialled(env, "10.0.0.1:10911");
    fake_dial_fail(conn, RMQ_E_REFUSED);
    ck_assert_int_eq(echo->reason, RMQ_E_REFUSED);
    ck_assert(!fake_is_open(conn));
    ck_assert(!fake_is_closed(conn));
    ck_assert_uint_eq(fake_conn_count(env), 0);
}
END_TEST

START_TEST(test_write__before_the_opening_is_closed) {
    struct span bytes = SPAN_LITERAL("x");
    ck_assert_int_eq(env_conn_write(echo->out, &bytes, 1), RMQ_E_CLOSED);
}
END_TEST

START_TEST(test_accept__is_bound_or_closed) {
    struct env_conn *conn = fake_accept(env, 9876, "10.0.0.5:40000");
    ck_assert_ptr_eq(conn, echo->in);
    ck_assert_ptr_null(fake_accept(env, 9876, "6.6.6.6:40000"));
    fake_deliver(conn, SPAN_LITERAL("abc"));
    ck_assert(span_equal(fake_written(conn), SPAN_LITERAL("abc")));
    fake_consume(conn, 1);
    ck_assert(span_equal(fake_take(conn), SPAN_LITERAL("bc")));
    ck_assert_uint_eq(fake_written(conn).len, 0);
}
END_TEST

START_TEST(test_deliver_chopped__makes_a_handler_of_each_piece) {
    struct env_conn *conn = open_out();
    fake_deliver_chopped(conn, SPAN_LITERAL("abcdefg"), 3);
    ck_assert_uint_eq(echo->chunks, 3);
    fake_deliver_chopped(conn, SPAN_LITERAL("xyz"), 1);
    ck_assert_uint_eq(echo->chunks, 6);
    ck_assert(span_equal(fake_take(conn), SPAN_LITERAL("abcdefgxyz")));
}
END_TEST

START_TEST(test_deliver__stops_when_the_node_closes) {
    struct env_conn *conn = open_out();
    fake_deliver_chopped(conn, SPAN_LITERAL("aqb"), 1);
    ck_assert_uint_eq(echo->chunks, 2);
    ck_assert(fake_is_closed(conn));
    echo->out = NULL; /* the role does not note its own close */
}
END_TEST

START_TEST(test_pause__holds_bytes_until_the_resume) {
    struct env_conn *conn = open_out();
    fake_deliver_chopped(conn, SPAN_LITERAL("pab"), 1);
    ck_assert(fake_is_paused(conn));
    ck_assert_uint_eq(echo->chunks, 1);
    fake_deliver(conn, SPAN_LITERAL("c"));
    ck_assert_uint_eq(echo->chunks, 1);
    ck_assert_int_eq(fake_command_text(env, "do=resume\n"), RMQ_OK);
    ck_assert_uint_eq(echo->chunks, 1); /* in a later handler */
    fake_settle(env);
    ck_assert(span_equal(fake_take(conn), SPAN_LITERAL("abc")));
}
END_TEST

START_TEST(test_stall__refuses_then_drains) {
    struct env_conn *conn = open_out();
    fake_stall(conn, 4);
    fake_deliver(conn, SPAN_LITERAL("abc"));
    ck_assert_int_eq(echo->last_write, RMQ_OK);
    ck_assert_uint_eq(env_conn_pending(conn), 3);
    fake_deliver(conn, SPAN_LITERAL("de"));
    ck_assert_int_eq(echo->last_write, RMQ_E_FULL);
    fake_settle(env);
    ck_assert_uint_eq(echo->drains, 0);
    fake_unstall(conn);
    ck_assert_uint_eq(echo->drains, 1);
    ck_assert_uint_eq(env_conn_pending(conn), 0);
    ck_assert(span_equal(fake_take(conn), SPAN_LITERAL("abc")));
}
END_TEST

START_TEST(test_peer__closes_and_resets) {
    fake_peer_close(open_out());
    ck_assert_int_eq(echo->reason, RMQ_E_CLOSED);
    struct env_conn *conn = fake_accept(env, 9876, "10.0.0.5:40000");
    fake_peer_reset(conn, RMQ_E_RESET);
    ck_assert_int_eq(echo->reason, RMQ_E_RESET);
    ck_assert_uint_eq(fake_conn_count(env), 0);
}
END_TEST

START_TEST(test_connect__ties_two_nodes) {
    struct echo *here = echo;
    struct env *other = fake_create();
    ck_assert_int_eq(fake_start_text(other, &ECHO_ROLE, "peer=10.0.0.9:9876\n"), RMQ_OK);
    struct echo *there = echo;
    ck_assert_int_eq(fake_command_text(env, "do=mute\n"), RMQ_OK);
    ck_assert_int_eq(fake_connect(other, "10.0.0.8:9876", env, 9876), RMQ_E_NOT_FOUND);
    ck_assert_int_eq(fake_connect(other, "10.0.0.9:9876", env, 9876), RMQ_OK);
    ck_assert_uint_eq(there->opened, 1);
    ck_assert_ptr_nonnull(here->in);
    ck_assert_uint_eq(here->chunks, 0);
    fake_pump(env, other); /* the hello */
    ck_assert_uint_eq(here->chunks, 1);
    fake_advance_both(env, other, 2500);
    ck_assert_uint_eq(here->ticks, 2);
    ck_assert_uint_eq(there->ticks, 2);
    fake_stop(other);
    fake_pump(env, other);
    ck_assert_ptr_null(here->in);
    ck_assert_int_eq(here->reason, RMQ_E_CLOSED);
    fake_destroy(other);
}
END_TEST

START_TEST(test_connect__refuses_where_nobody_listens) {
    struct env *other = fake_create();
    ck_assert_int_eq(fake_connect(env, "10.0.0.1:10911", other, 9876), RMQ_E_REFUSED);
    ck_assert_int_eq(echo->reason, RMQ_E_REFUSED);
    fake_destroy(other);
}
END_TEST

START_TEST(test_connect__tells_a_close_at_once) {
    struct echo *here = echo;
    struct env *other = fake_create();
    fake_set_identity(env, "6.6.6.6", 1); /* which the role does not like */
    ck_assert_int_eq(fake_start_text(other, &ECHO_ROLE, ""), RMQ_OK);
    ck_assert_int_eq(fake_connect(env, "10.0.0.1:10911", other, 9876), RMQ_OK);
    ck_assert_uint_eq(here->opened, 1);
    ck_assert_int_eq(here->reason, RMQ_E_CLOSED);
    fake_stop(other);
    fake_destroy(other);
}
END_TEST

/* ---- failures and crash points -----------------------------------------------------------------
 */

START_TEST(test_fail_at__fails_the_nth_once) {
    struct env *own = fake_create();
    fake_fail_at(own, FAKE_FAIL_ALLOC, 2);
    void *first = env_alloc(own, 10);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(env_realloc(own, first, 20));
    void *again = env_realloc(own, first, 20);
    ck_assert_ptr_nonnull(again);
    ck_assert(fake_failed(own, FAKE_FAIL_ALLOC));
    ck_assert(!fake_failed(own, FAKE_FAIL_ALLOC));
    fake_fail_at(own, FAKE_FAIL_ALLOC, 1);
    ck_assert(!fake_failed(own, FAKE_FAIL_ALLOC)); /* asked before it happened: taken back */
    env_free(own, again);
    ck_assert_ptr_nonnull(again = env_alloc(own, 1));
    ck_assert_uint_eq(fake_memory_used(own), 1);
    env_free(own, again);
    env_free(own, NULL);
    fake_destroy(own);
}
END_TEST

START_TEST(test_fail_at__covers_network_calls) {
    struct env *own = fake_create();
    fake_fail_at(own, FAKE_FAIL_LISTEN, 1);
    ck_assert_int_eq(fake_start_text(own, &ECHO_ROLE, ""), RMQ_E_IN_USE);
    fake_discard(own);
    own = fake_create();
    fake_fail_at(own, FAKE_FAIL_DIAL, 1);
    ck_assert_int_eq(fake_start_text(own, &ECHO_ROLE, "peer=a:1\n"), RMQ_E_NOMEM);
    fake_discard(own);
    echo = fake_node(env);
    fake_fail_at(env, FAKE_FAIL_WRITE, 1);
    fake_dial_succeed(echo->out);
    ck_assert_int_eq(echo->last_write, RMQ_E_FULL);
    ck_assert(fake_failed(env, FAKE_FAIL_WRITE));
    fake_settle(env);
    ck_assert_uint_eq(echo->drains, 1);
}
END_TEST

/* Each env_ call of a start ends the node once; what it had is gone and a restart works. */
START_TEST(test_crash_at__ends_the_node_in_any_call) {
    unsigned n = 1;
    bool crashed = true;
    for (; crashed; n++) {
        struct env *own = fake_create();
        fake_crash_at(own, n);
        int err = fake_start_text(own, &ECHO_ROLE, "peer=a:1\n");
        crashed = fake_crashed(own);
        ck_assert_int_eq(err, crashed ? RMQ_E_STATE : RMQ_OK);
        if (crashed) {
            ck_assert_ptr_null(fake_node(own));
            ck_assert_uint_eq(fake_memory_blocks(own), 0);
            ck_assert_uint_eq(fake_timer_count(own), 0);
            ck_assert_uint_eq(fake_conn_count(own), 0);
            ck_assert(!fake_listening(own, 9876));
            ck_assert_int_eq(fake_start_text(own, &ECHO_ROLE, "peer=a:1\n"), RMQ_OK);
        }
        fake_stop(own);
        fake_destroy(own);
    }
    ck_assert_uint_eq(n, 7); /* alloc, listen, dial, timer, event; the sixth call is not made */
    echo = fake_node(env);
}
END_TEST

START_TEST(test_crash_at__works_in_every_kind_of_handler) {
    struct env_conn *conn = open_out();
    fake_crash_at(env, 1);
    fake_deliver(conn, SPAN_LITERAL("abc"));
    ck_assert(fake_crashed(env));
    ck_assert(fake_is_closed(conn));
    ck_assert_int_eq(fake_start_text(env, &ECHO_ROLE, ""), RMQ_OK);
    ck_assert(!fake_crashed(env));
    fake_crash_at(env, 1);
    fake_advance(env, 5000);
    ck_assert(fake_crashed(env));
    ck_assert_uint_eq(fake_timer_count(env), 0);
}
END_TEST

/* ---- the rules are asserted --------------------------------------------------------------------
 */

START_TEST(test_rule_e1__time_does_not_move_in_a_handler) {
    fake_command_text(env, "do=time\n");
}
END_TEST

START_TEST(test_rule_e2__no_handler_starts_in_a_handler) {
    open_out();
    fake_command_text(env, "do=deliver\n");
}
END_TEST

START_TEST(test_rule_e3__an_armed_timer_is_left_alone) {
    fake_command_text(env, "do=overwrite\n");
    fake_advance(env, 2000);
}
END_TEST

START_TEST(test_rule_e3__an_owner_does_not_die_with_an_armed_timer) {
    fake_command_text(env, "do=free\n");
}
END_TEST

static struct env *elsewhere;

static void call_elsewhere(struct env *self, struct env_timer *timer) {
    (void)self;
    (void)timer;
    env_mono_ns(elsewhere);
}

START_TEST(test_rule_e5__a_handler_calls_no_other_node) {
    struct env_timer timer = {0};
    elsewhere = fake_create();
    env_timer_start(env, &timer, 0, call_elsewhere);
    fake_settle(env);
}
END_TEST

START_TEST(test_rule_e6__a_closed_connection_is_gone) {
    fake_command_text(env, "do=close twice\n");
}
END_TEST

START_TEST(test_rule_e6__a_connection_that_ended_is_gone) {
    struct env_conn *conn = open_out();
    struct span bytes = SPAN_LITERAL("x");
    fake_peer_close(conn);
    RMQ_IGNORE(env_conn_write(conn, &bytes, 1), "it aborts");
}
END_TEST

static void close_again(struct env_conn *conn, void *ctx, int reason) {
    (void)ctx;
    (void)reason;
    env_conn_close(conn);
}

START_TEST(test_rule_e6__on_close_is_the_end_already) {
    static const struct env_conn_handler CLOSES_AGAIN = {on_open, on_data, on_drain, close_again};
    struct env_conn *conn = open_out();
    env_conn_bind(conn, &CLOSES_AGAIN, NULL);
    fake_peer_close(conn);
}
END_TEST

static void bind_nothing(struct env_listener *listener, void *ctx, struct env_conn *conn) {
    (void)listener;
    (void)ctx;
    (void)conn;
}

START_TEST(test_accept__must_bind_or_close) {
    struct env_listener *listener = NULL;
    ck_assert_int_eq(env_listen(env, 0, bind_nothing, NULL, &listener), RMQ_OK);
    fake_accept(env, env_listener_port(listener), "10.0.0.5:1");
}
END_TEST

START_TEST(test_destroy__finds_what_was_left) {
    struct env *own = fake_create();
    static struct env_timer timer;
    struct env_listener *listener = NULL;
    struct env_conn *conn = NULL;
    switch (_i) {
    case 0:
        env_alloc(own, 1);
        break;
    case 1:
        env_timer_start(own, &timer, 1, note);
        break;
    case 2:
        ck_assert_int_eq(env_listen(own, 1, on_accept, NULL, &listener), RMQ_OK);
        break;
    default:
        ck_assert_int_eq(env_dial(own, SPAN_LITERAL("a:1"), &ECHO, NULL, &conn), RMQ_OK);
    }
    fake_destroy(own);
}
END_TEST

START_TEST(test_free__refuses_what_is_not_a_block) {
    struct env *own = fake_create();
    uint8_t *block = env_alloc(own, 256);
    env_free(own, block + 64);
}
END_TEST

START_TEST(test_event__must_have_the_fields_of_its_kind) {
    struct event_value value = {EVENT_UINT, SPAN_NONE, 1};
    env_event(env, EVENT_node_stopping, &value, 1); /* its field is a text */
}
END_TEST

int main(void) {
    Suite *suite = suite_create("env_fake");
    TCase *tests = suite_case(suite, "plays");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_start_and_stop__run_the_role);
    tcase_add_test(tests, test_command__returns_the_roles_answer);
    tcase_add_test(tests, test_advance__fires_timers_at_their_deadlines);
    tcase_add_test(tests, test_timers__fire_in_order_of_deadline_then_start);
    tcase_add_test(tests, test_clocks__are_set_apart);
    tcase_add_test(tests, test_random__is_seeded_and_within_bounds);
    tcase_add_test(tests, test_plants__are_off_until_set);
    tcase_add_test(tests, test_self__is_what_was_set);
    tcase_add_test(tests, test_log__is_kept_as_text);
    tcase_add_test(tests, test_dial__is_answered_by_the_test);
    tcase_add_test(tests, test_dial__fails_with_the_reason_given);
    tcase_add_test(tests, test_write__before_the_opening_is_closed);
    tcase_add_test(tests, test_accept__is_bound_or_closed);
    tcase_add_test(tests, test_deliver_chopped__makes_a_handler_of_each_piece);
    tcase_add_test(tests, test_deliver__stops_when_the_node_closes);
    tcase_add_test(tests, test_pause__holds_bytes_until_the_resume);
    tcase_add_test(tests, test_stall__refuses_then_drains);
    tcase_add_test(tests, test_peer__closes_and_resets);
    tcase_add_test(tests, test_connect__ties_two_nodes);
    tcase_add_test(tests, test_connect__refuses_where_nobody_listens);
    tcase_add_test(tests, test_connect__tells_a_close_at_once);
    tcase_add_test(tests, test_fail_at__fails_the_nth_once);
    tcase_add_test(tests, test_fail_at__covers_network_calls);
    tcase_add_test(tests, test_crash_at__ends_the_node_in_any_call);
    tcase_add_test(tests, test_crash_at__works_in_every_kind_of_handler);

    TCase *rules = suite_case(suite, "asserts");
    tcase_add_checked_fixture(rules, setup, teardown);
    tcase_add_test_raise_signal(rules, test_rule_e1__time_does_not_move_in_a_handler, SIGABRT);
    tcase_add_test_raise_signal(rules, test_rule_e2__no_handler_starts_in_a_handler, SIGABRT);
    tcase_add_test_raise_signal(rules, test_rule_e3__an_armed_timer_is_left_alone, SIGABRT);
    tcase_add_test_raise_signal(rules, test_rule_e3__an_owner_does_not_die_with_an_armed_timer,
                                SIGABRT);
    tcase_add_test_raise_signal(rules, test_rule_e5__a_handler_calls_no_other_node, SIGABRT);
    tcase_add_test_raise_signal(rules, test_rule_e6__a_closed_connection_is_gone, SIGABRT);
    tcase_add_test_raise_signal(rules, test_rule_e6__a_connection_that_ended_is_gone, SIGABRT);
    tcase_add_test_raise_signal(rules, test_rule_e6__on_close_is_the_end_already, SIGABRT);
    tcase_add_test_raise_signal(rules, test_accept__must_bind_or_close, SIGABRT);
    tcase_add_loop_test_raise_signal(rules, test_destroy__finds_what_was_left, SIGABRT, 0, 4);
    tcase_add_test_raise_signal(rules, test_free__refuses_what_is_not_a_block, SIGABRT);
    tcase_add_test_raise_signal(rules, test_event__must_have_the_fields_of_its_kind, SIGABRT);
    return suite_run(suite);
}
