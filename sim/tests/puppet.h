/* puppet.h - for tests of the world: a node that does what the test says inside its handlers, and
 * remembers, outside the world, what happened to it.
 *
 * `listen=PORT` in its configuration makes it listen, `dial=HOST:PORT` dial, at its start. */
#ifndef SIM_TESTS_PUPPET_H
#define SIM_TESTS_PUPPET_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/base/check.h"
#include "model/base/props.h"
#include "sim/world/world.h"

#define PUPPET_NODES 16
#define PUPPET_CONNS 256
#define PUPPET_ENTRIES 8192
#define MS 1000000ULL
#define UNUSED __attribute__((unused))

enum puppet_what { OPENED, ACCEPTED, DATA, CLOSED, DRAINED, FIRED, STARTED };
struct puppet_entry {
    enum puppet_what what;
    uint64_t at_ns;   /* world */
    uint64_t mono_ns; /* the node's */
    int conn;         /* or the timer's number */
    int64_t value;    /* bytes, or the reason of the end */
};

/* Outside the world: what the test reads. */
static struct puppet_log {
    struct puppet_entry entries[PUPPET_ENTRIES];
    size_t count;
    uint8_t bytes[1 << 20]; /* everything received, by arrival */
    size_t byte_count;
} puppet_logs[PUPPET_NODES];

/* In the world: the node. */
struct puppet {
    struct env *env;
    node_id id;
    bool echo;
    int conn_count;
    struct env_conn *conns[PUPPET_CONNS];
    struct env_listener *listener;
    struct puppet_timer {
        struct env_timer timer;
        int number;
    } timers[64];
    void (*on_timer)(struct puppet *puppet, int number);
    void (*on_bytes)(struct puppet *puppet, int conn, struct span bytes);
};

static struct world *world;
static struct host *host_a, *host_b;
static node_id node_a, node_b;

static struct puppet_log *log_of(node_id node) {
    return &puppet_logs[node];
}

static void remember(struct puppet *puppet, enum puppet_what what, int conn, int64_t value) {
    struct puppet_log *log = log_of(puppet->id);
    ck_assert_uint_lt(log->count, PUPPET_ENTRIES);
    log->entries[log->count++] =
        (struct puppet_entry){what, world_now(world), env_mono_ns(puppet->env), conn, value};
}

static int conn_number(struct puppet *puppet, const struct env_conn *conn) {
    for (int i = puppet->conn_count - 1; i >= 0; i--) {
        if (puppet->conns[i] == conn) {
            return i;
        }
    }
    ck_abort_msg("unknown connection");
}

static void puppet_opened(struct env_conn *conn, void *ctx) {
    remember(ctx, OPENED, conn_number(ctx, conn), 0);
}

static void puppet_data(struct env_conn *conn, void *ctx, struct span bytes) {
    struct puppet *puppet = ctx;
    struct puppet_log *log = log_of(puppet->id);
    int number = conn_number(puppet, conn);
    remember(puppet, DATA, number, (int64_t)bytes.len);
    if (log->byte_count + bytes.len <= sizeof log->bytes) {
        memcpy(log->bytes + log->byte_count, bytes.data, bytes.len);
    }
    log->byte_count += bytes.len;
    if (puppet->echo) {
        RMQ_IGNORE(env_conn_write(conn, &bytes, 1), "the test sees what comes back");
    }
    if (puppet->on_bytes != NULL) {
        puppet->on_bytes(puppet, number, bytes);
    }
}

static void puppet_drained(struct env_conn *conn, void *ctx) {
    remember(ctx, DRAINED, conn_number(ctx, conn), 0);
}

static void puppet_closed(struct env_conn *conn, void *ctx, int reason) {
    struct puppet *puppet = ctx;
    int number = conn_number(puppet, conn);
    remember(puppet, CLOSED, number, reason);
    puppet->conns[number] = NULL;
}

static const struct env_conn_handler PUPPET_HANDLER = {puppet_opened, puppet_data, puppet_drained,
                                                       puppet_closed};

static void puppet_accepts(struct env_listener *listener, void *ctx, struct env_conn *conn) {
    struct puppet *puppet = ctx;
    ck_assert(listener == puppet->listener);
    ck_assert_int_lt(puppet->conn_count, PUPPET_CONNS);
    puppet->conns[puppet->conn_count++] = conn;
    env_conn_bind(conn, &PUPPET_HANDLER, puppet);
    remember(puppet, ACCEPTED, puppet->conn_count - 1, 0);
}

static int puppet_dial(struct puppet *puppet, struct span address) {
    ck_assert_int_lt(puppet->conn_count, PUPPET_CONNS);
    struct env_conn **conn = &puppet->conns[puppet->conn_count];
    ck_assert_int_eq(env_dial(puppet->env, address, &PUPPET_HANDLER, puppet, conn), RMQ_OK);
    return puppet->conn_count++;
}

static void puppet_fires(struct env *env, struct env_timer *timer) {
    struct puppet_timer *own = RMQ_CONTAINER_OF(timer, struct puppet_timer, timer);
    struct puppet *puppet = RMQ_CONTAINER_OF(own - own->number, struct puppet, timers);
    ck_assert(puppet->env == env);
    remember(puppet, FIRED, own->number, 0);
    if (puppet->on_timer != NULL) {
        puppet->on_timer(puppet, own->number);
    }
}

UNUSED static void puppet_timer(struct puppet *puppet, int number, uint64_t delay_ns) {
    puppet->timers[number].number = number;
    env_timer_start(puppet->env, &puppet->timers[number].timer, delay_ns, puppet_fires);
}

/* The number under which the test knows the node; add_puppet puts it into the configuration. */
static node_id id_of(const struct props *config) {
    int64_t id;
    ck_assert_int_eq(props_get_i64(config, "id", 0, &id), RMQ_OK);
    ck_assert_int_gt(id, 0);
    return (node_id)id;
}

static int puppet_start(struct env *env, const struct props *config, void **node) {
    struct puppet *puppet = env_alloc(env, sizeof *puppet);
    if (puppet == NULL) {
        return RMQ_E_NOMEM;
    }
    memset(puppet, 0, sizeof *puppet);
    puppet->env = env;
    puppet->id = id_of(config);
    *node = puppet;
    remember(puppet, STARTED, 0, 0);
    int64_t port;
    int err = props_get_i64(config, "listen", 0, &port);
    if (err == RMQ_OK && port != 0) {
        err = env_listen(env, (uint16_t)port, puppet_accepts, puppet, &puppet->listener);
    }
    if (err == RMQ_OK) {
        err = props_get_bool(config, "echo", false, &puppet->echo);
    }
    struct span address = props_get(config, "dial");
    if (err == RMQ_OK && !span_is_absent(address)) {
        puppet_dial(puppet, address);
    }
    return err;
}

static void puppet_stop(void *node) {
    struct puppet *puppet = node;
    env_exit(puppet->env, 0);
}

/* What a test has a node do; run in a handler of the node. */
typedef void puppet_fn(struct puppet *puppet);
static puppet_fn *puppet_jobs[4096];
static size_t puppet_job_count;

static int puppet_command(void *node, const struct props *command) {
    int64_t job;
    int err = props_get_i64(command, "job", -1, &job);
    if (err == RMQ_OK && job < 0) {
        return RMQ_E_INVALID;
    }
    puppet_jobs[job](node);
    return err;
}

static const struct role PUPPET = {"puppet", puppet_start, puppet_stop, puppet_command};

/* ---- the world of a test ---- */

UNUSED static void set(struct props *props, const char *key, const char *value) {
    ck_assert_int_eq(props_set_text(props, key, value), RMQ_OK);
}

/* Has `node` run `job` in a handler at this time. */
UNUSED static void tell(node_id node, puppet_fn *job) {
    ck_assert_uint_lt(puppet_job_count, 4096);
    char text[24];
    snprintf(text, sizeof text, "%u", (unsigned)puppet_job_count);
    puppet_jobs[puppet_job_count++] = job;
    struct props props;
    props_init(&props, world_env(world));
    set(&props, "job", text);
    ck_assert(world_command(world, node, &props));
    props_deinit(&props);
}

/* Adds a puppet; `options` is properties text. */
UNUSED static node_id add_puppet(struct host *host, const char *name, const char *options,
                                 struct node_config *config) {
    struct node_config defaults;
    if (config == NULL) {
        node_config_default(&defaults);
        config = &defaults;
    }
    struct props props;
    props_init(&props, world_env(world));
    size_t line;
    ck_assert_int_eq(props_parse(&props, span_of_text(options), &line), RMQ_OK);
    char id[8];
    snprintf(id, sizeof id, "%u", (unsigned)world_node_count(world) + 1);
    set(&props, "id", id);
    config->name = name;
    config->host = host;
    config->role = &PUPPET;
    config->config = &props;
    node_id node = world_add_node(world, config);
    props_deinit(&props);
    ck_assert_uint_ne(node, 0);
    memset(log_of(node), 0, sizeof(struct puppet_log));
    return node;
}

UNUSED static void new_world(uint64_t seed) {
    world = world_create(&(struct world_config){.seed = seed, .epoch_ms = 1767225600000});
    ck_assert_ptr_nonnull(world);
    puppet_job_count = 0;
    host_a = world_add_host(world, "a", "10.0.0.1");
    host_b = world_add_host(world, "b", "10.0.0.2");
}

/* Two nodes: a dials b, which listens. Constant latency of 1 ms. */
UNUSED static void new_pair(const char *options_a, const char *options_b) {
    new_world(1);
    struct link_profile profile;
    link_profile_default(&profile);
    profile.latency.min = MS;
    world_set_default_link(world, &profile);
    char text[256];
    snprintf(text, sizeof text, "listen=1000\n%s", options_b);
    node_b = add_puppet(host_b, "node-b", text, NULL);
    snprintf(text, sizeof text, "dial=10.0.0.2:1000\n%s", options_a);
    node_a = add_puppet(host_a, "node-a", text, NULL);
}

UNUSED static void run_until(uint64_t until_ns) {
    enum world_stop stop = world_run(world, until_ns);
    ck_assert_msg(stop == WORLD_REACHED || stop == WORLD_QUIET, "%d %s", (int)stop,
                  world_assertion(world) == NULL ? "" : world_assertion(world));
}

UNUSED static void run_for(uint64_t ns) {
    run_until(world_now(world) + ns);
}

/* How often `what` happened to `node`. */
UNUSED static size_t count_of(node_id node, enum puppet_what what) {
    size_t count = 0;
    for (size_t i = 0; i < log_of(node)->count; i++) {
        count += log_of(node)->entries[i].what == what;
    }
    return count;
}

/* The n-th (0..) entry of `what`. */
UNUSED static const struct puppet_entry *entry_of(node_id node, enum puppet_what what, size_t n) {
    for (size_t i = 0; i < log_of(node)->count; i++) {
        if (log_of(node)->entries[i].what == what && n-- == 0) {
            return &log_of(node)->entries[i];
        }
    }
    ck_abort_msg("it did not happen: %d to node %u", (int)what, (unsigned)node);
}

UNUSED static void write_text(struct puppet *puppet, int conn, const char *text) {
    struct span span = span_of_text(text);
    ck_assert_int_eq(env_conn_write(puppet->conns[conn], &span, 1), RMQ_OK);
}

UNUSED static void ck_bytes(node_id node, const char *text) {
    ck_assert_uint_eq(log_of(node)->byte_count, strlen(text));
    ck_assert_mem_eq(log_of(node)->bytes, text, strlen(text));
}

UNUSED static int run_suite(const char *name, void (*fill)(TCase *)) {
    Suite *suite = suite_create(name);
    TCase *cases = tcase_create(name);
    tcase_set_timeout(cases, 60);
    fill(cases);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}

#endif
