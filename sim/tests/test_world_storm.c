/* A storm: nodes that dial, write, pause and close at random under random faults. Whatever happens,
 * what a connection delivers is a prefix of what was written to it, the invariants of the world
 * hold, nothing is left behind, and the run can be repeated from a snapshot byte for byte. */
#include <check.h>
#include <stdio.h>

#include "model/base/list.h"
#include "sim/world/world_internal.h"

#define MS 1000000ULL
#define NODES 6
#define HOSTS 4

/* ---- the role: what is written is the count of bytes written so far, modulo 251 ---- */

struct stormer {
    struct env *env;
    struct env_timer timer;
    struct list streams;
    uint32_t stream_count;
};
struct stream {
    struct list of_stormer;
    struct stormer *stormer;
    struct env_conn *conn;
    uint64_t sent, received;
    bool paused;
};

static void on_data(struct env_conn *conn, void *ctx, struct span bytes) {
    struct stream *stream = ctx;
    RMQ_ASSERT(stream->conn == conn);
    RMQ_ASSERT(!stream->paused);
    RMQ_ASSERT(bytes.len > 0);
    for (size_t i = 0; i < bytes.len; i++) {
        RMQ_ASSERT(bytes.data[i] == stream->received % 251);
        stream->received++;
    }
}

static void stream_drop(struct stream *stream) {
    list_remove(&stream->of_stormer);
    stream->stormer->stream_count--;
    env_free(stream->stormer->env, stream);
}

static void on_close(struct env_conn *conn, void *ctx, int reason) {
    struct stream *stream = ctx;
    RMQ_ASSERT(stream->conn == conn);
    RMQ_ASSERT(reason < 0);
    stream_drop(stream);
}

static const struct env_conn_handler STREAM = {.on_data = on_data, .on_close = on_close};

static struct stream *stream_new(struct stormer *stormer) {
    struct stream *stream = env_alloc(stormer->env, sizeof *stream);
    RMQ_ASSERT(stream != NULL);
    *stream = (struct stream){.stormer = stormer};
    list_append(&stormer->streams, &stream->of_stormer);
    stormer->stream_count++;
    return stream;
}

static void on_accept(struct env_listener *listener, void *ctx, struct env_conn *conn) {
    (void)listener;
    struct stormer *stormer = ctx;
    if (stormer->stream_count > 12) {
        env_conn_close(conn);
        return;
    }
    struct stream *stream = stream_new(stormer);
    stream->conn = conn;
    env_conn_bind(conn, &STREAM, stream);
}

static void write_some(struct stream *stream, uint64_t random) {
    uint8_t bytes[600];
    size_t len = 1 + (size_t)(random % sizeof bytes);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)((stream->sent + i) % 251);
    }
    struct span spans[2] = {span_of(bytes, len / 3), span_of(bytes + len / 3, len - len / 3)};
    if (env_conn_write(stream->conn, spans, 2) == RMQ_OK) {
        stream->sent += len;
    }
}

static void act(struct stormer *stormer, struct stream *stream) {
    uint64_t random = env_random(stormer->env);
    switch (random % 16) {
    case 0:
        env_conn_close(stream->conn);
        stream_drop(stream);
        break;
    case 1:
        env_conn_pause(stream->conn);
        stream->paused = true;
        break;
    case 2:
    case 3:
        env_conn_resume(stream->conn);
        stream->paused = false;
        break;
    default:
        write_some(stream, random >> 8);
    }
}

static void on_timer(struct env *env, struct env_timer *timer) {
    struct stormer *stormer = RMQ_CONTAINER_OF(timer, struct stormer, timer);
    LIST_EACH(&stormer->streams, link, following) {
        act(stormer, LIST_ENTRY(link, struct stream, of_stormer));
    }
    if (stormer->stream_count < 4) {
        char address[32];
        snprintf(address, sizeof address, "10.0.0.%u:%u",
                 (unsigned)env_random_below(env, HOSTS + 1),
                 1000 + (unsigned)env_random_below(env, NODES));
        struct stream *stream = stream_new(stormer);
        int err = env_dial(env, span_of_text(address), &STREAM, stream, &stream->conn);
        RMQ_ASSERT(err == RMQ_OK);
    }
    env_timer_start(env, timer, env_random_below(env, 20 * MS), on_timer);
}

static int stormer_start(struct env *env, const struct props *config, void **node) {
    struct stormer *stormer = env_alloc(env, sizeof *stormer);
    RMQ_ASSERT(stormer != NULL);
    *stormer = (struct stormer){.env = env};
    list_init(&stormer->streams);
    *node = stormer;
    int64_t port;
    struct env_listener *listener;
    int err = props_get_i64(config, "listen", 0, &port);
    RMQ_ASSERT(err == RMQ_OK);
    env_timer_start(env, &stormer->timer, MS, on_timer);
    return env_listen(env, (uint16_t)port, on_accept, stormer, &listener);
}

static void stormer_stop(void *node) {
    env_exit(((struct stormer *)node)->env, 0);
}

static const struct role STORMER = {"stormer", stormer_start, stormer_stop, NULL};

/* ---- the world ---- */

static struct world *world;
static struct host *hosts[HOSTS];

static void build(uint64_t seed) {
    world = world_create(&(struct world_config){.seed = seed, .epoch_ms = 1767225600000});
    struct link_profile profile;
    link_profile_default(&profile);
    profile.latency = (struct dist){.kind = DIST_EXPONENTIAL, .min = MS / 10, .mean = 2 * MS};
    profile.chop_ppm = 300000;
    profile.loss_ppm = 20000;
    profile.bytes_per_second = 5000000;
    profile.buffer_bytes = 3000;
    profile.rto_ns = 20 * MS;
    profile.give_up_ns = 200 * MS;
    profile.dial_give_up_ns = 10 * WORLD_SECOND_NS;
    world_set_default_link(world, &profile);
    for (unsigned i = 0; i < HOSTS; i++) {
        char name[8], ip[16];
        snprintf(name, sizeof name, "host-%u", i);
        snprintf(ip, sizeof ip, "10.0.0.%u", i);
        hosts[i] = world_add_host(world, name, ip);
    }
    for (unsigned i = 0; i < NODES; i++) {
        char name[8], port[8];
        snprintf(name, sizeof name, "node-%u", i);
        snprintf(port, sizeof port, "%u", 1000 + i);
        struct props props;
        props_init(&props, world_env(world));
        ck_assert_int_eq(props_set_text(&props, "listen", port), RMQ_OK);
        struct node_config config;
        node_config_default(&config);
        config.name = name;
        config.host = hosts[i % HOSTS];
        config.role = &STORMER;
        config.config = &props;
        if (i % 2 == 0) {
            config.cpu = (struct dist){.kind = DIST_UNIFORM, .min = 0, .max = 3 * MS};
        }
        ck_assert_uint_ne(world_add_node(world, &config), 0);
        props_deinit(&props);
    }
}

/* ---- the weather ---- */

/* What is wrong now, to be healed at the end; outside the world because the test owns it. */
static struct { unsigned blocks[HOSTS][HOSTS], clogs[HOSTS][HOSTS], isolations[HOSTS]; } wrong;

static unsigned pick(uint64_t seed, uint64_t index, uint64_t what, unsigned bound) {
    return (unsigned)draw_below(seed, DRAW_TEST, what, index, bound);
}

static void strike_link(unsigned from, unsigned to, unsigned what) {
    struct host *a = hosts[from], *b = hosts[to];
    if (what == 0) {
        world_block(world, a, b);
        wrong.blocks[from][to]++;
    } else if (what == 1 && wrong.blocks[from][to] > 0) {
        world_unblock(world, a, b);
        wrong.blocks[from][to]--;
    } else if (what == 2) {
        world_clog(world, a, b);
        wrong.clogs[from][to]++;
    } else if (what == 3 && wrong.clogs[from][to] > 0) {
        world_unclog(world, a, b);
        wrong.clogs[from][to]--;
    } else if (what == 4) {
        world_isolate(world, a);
        wrong.isolations[from]++;
    } else if (what == 5 && wrong.isolations[from] > 0) {
        world_rejoin(world, a);
        wrong.isolations[from]--;
    }
}

static void heal(void) {
    for (unsigned from = 0; from < HOSTS; from++) {
        (void)world_power_on(world, hosts[from]);
        world_hang_dials(world, hosts[from], false);
        world_refuse_dials(world, hosts[from], false);
        while (wrong.isolations[from] > 0) {
            strike_link(from, from, 5);
        }
        for (unsigned to = 0; to < HOSTS; to++) {
            while (wrong.blocks[from][to] > 0) {
                strike_link(from, to, 1);
            }
            while (wrong.clogs[from][to] > 0) {
                strike_link(from, to, 3);
            }
        }
    }
}

static void strike_node(node_id node, unsigned what, uint64_t random) {
    bool fired = false;
    switch (what) {
    case 0:
        fired = world_kill(world, node);
        break;
    case 1:
    case 2:
        fired = world_start(world, node);
        break;
    case 3:
        fired = world_kill_at_call(world, node, 1 + random % 40);
        break;
    case 4:
        fired = world_pause(world, node);
        break;
    case 5:
    case 6:
        fired = world_resume(world, node);
        break;
    case 7:
        fired = world_stop(world, node);
        break;
    case 8:
        fired = world_mono_rate(world, node, (int32_t)(random % 1900000) - 900000);
        break;
    }
    (void)fired; /* the state may not allow it */
}

static void strike_host(unsigned host, unsigned other, unsigned what) {
    switch (what) {
    case 0:
        (void)world_power_off(world, hosts[host]);
        break;
    case 1:
    case 2:
        (void)world_power_on(world, hosts[host]);
        break;
    case 3:
        (void)world_reset_connections(world, hosts[host], hosts[other]);
        break;
    case 4:
        (void)world_half_open(world, hosts[host], hosts[other]);
        break;
    case 5:
        world_hang_dials(world, hosts[host], true);
        break;
    case 6:
        world_refuse_dials(world, hosts[host], true);
        break;
    case 7:
        world_hang_dials(world, hosts[host], false);
        world_refuse_dials(world, hosts[host], false);
        break;
    }
}

static void strike(uint64_t seed, uint64_t i) {
    unsigned host = pick(seed, i, 1, HOSTS), other = pick(seed, i, 2, HOSTS);
    unsigned kind = pick(seed, i, 3, 10);
    if (kind < 5) {
        strike_link(host, other, pick(seed, i, 4, 6));
    } else if (kind < 9) {
        strike_node((node_id)(1 + pick(seed, i, 5, NODES)), pick(seed, i, 6, 9), i);
    } else {
        strike_host(host, other, pick(seed, i, 7, 8));
    }
    if (i % 12 == 11) { /* good weather for a while */
        heal();
        for (node_id node = 1; node <= NODES; node++) {
            (void)world_start(world, node);
            (void)world_resume(world, node);
        }
    }
}

static void run_checked(uint64_t ns) {
    enum world_stop stop = world_run(world, world_now(world) + ns);
    ck_assert_msg(stop == WORLD_REACHED || stop == WORLD_QUIET, "%s",
                  world_assertion(world) == NULL ? "?" : world_assertion(world));
    world_check(world);
}

static void storm(uint64_t seed, uint64_t from, uint64_t to) {
    for (uint64_t i = from; i < to; i++) {
        strike(seed, i);
        world_check(world);
        run_checked(pick(seed, i, 8, i % 12 == 11 ? 2000 : 60) * MS);
    }
}

/* Heals all, ends all nodes, and waits for the network to fall silent. */
static void calm(void) {
    heal();
    for (node_id node = 1; node <= NODES; node++) {
        if (world_node_is_up(world, node)) {
            ck_assert(world_kill(world, node));
        }
    }
    run_checked(2000 * WORLD_SECOND_NS);
}

START_TEST(test_storm__delivers_prefixes_and_leaves_nothing) {
    uint64_t seed = (uint64_t)_i + 1;
    build(seed);
    memset(&wrong, 0, sizeof wrong);
    storm(seed, 0, 400);
    calm();
    size_t blocks = world->owner.blocks;
    storm(seed, 400, 800);
    calm();
    ck_assert_uint_eq(world->wheel.count, 0);
    ck_assert_uint_eq(world->impaired, 0);
    ck_assert_uint_le(world->owner.blocks, blocks + HOSTS * HOSTS * 2 + NODES * NODES * HOSTS);
    blocks = world->owner.blocks; /* links and targets are all known by now */
    const struct world_counts *counts = world_counts(world);
    ck_assert_uint_gt(counts->chunks, 1000);
    ck_assert_uint_gt(counts->resets, 10);
    ck_assert_uint_gt(counts->blocked, 10);
    ck_assert_uint_gt(counts->held, 10);
    ck_assert_uint_gt(counts->inside_kills, 3);
    ck_assert_uint_gt(counts->retransmit_timeouts, 0);
}
END_TEST

START_TEST(test_storm__is_repeated_from_a_snapshot) {
    uint64_t seed = 100 + (uint64_t)_i;
    build(seed);
    memset(&wrong, 0, sizeof wrong);
    storm(seed, 0, 120 + (uint64_t)_i * 7);
    struct world_snapshot start = {0}, end = {0};
    ck_assert(world_save(world, &start));
    uint8_t kept[sizeof wrong];
    memcpy(kept, &wrong, sizeof wrong);
    storm(seed, 1000, 1100);
    ck_assert(world_save(world, &end));
    world_restore(world, &start);
    memcpy(&wrong, kept, sizeof wrong);
    storm(seed, 1000, 1100);
    ck_assert(arena_equals(&end.arena));
    world_snapshot_free(&start);
    world_snapshot_free(&end);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("world_storm");
    TCase *cases = tcase_create("storm");
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, test_storm__delivers_prefixes_and_leaves_nothing, 0, 20);
    tcase_add_loop_test(cases, test_storm__is_repeated_from_a_snapshot, 0, 10);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
