/* sim/bench_engine.c - see bench_engine.h. */
#include "sim/bench_engine.h"

#include <stdio.h>

#include "model/base/check.h"
#include "model/base/props.h"

#define PORT 7000

struct engine {
    struct env *env;
    uint64_t balls;
};

static void serve(struct env_conn *conn, struct engine *engine) {
    uint8_t ball[BENCH_ENGINE_BYTES];
    memset(ball, 0x5a, sizeof ball);
    memcpy(ball, &(uint32_t){(uint32_t)engine->balls}, 4);
    struct span span = span_of(ball, sizeof ball);
    int err = env_conn_write(conn, &span, 1);
    RMQ_ASSERT(err == RMQ_OK);
}

static void on_open(struct env_conn *conn, void *ctx) {
    serve(conn, ctx);
}

static void on_data(struct env_conn *conn, void *ctx, struct span bytes) {
    struct engine *engine = ctx;
    RMQ_ASSERT(bytes.len == BENCH_ENGINE_BYTES);
    engine->balls++;
    serve(conn, engine);
}

static void on_drain(struct env_conn *conn, void *ctx) {
    (void)conn;
    (void)ctx;
}

static void on_close(struct env_conn *conn, void *ctx, int reason) {
    (void)conn;
    (void)ctx;
    (void)reason;
}

static const struct env_conn_handler HANDLER = {on_open, on_data, on_drain, on_close};

static void on_accept(struct env_listener *listener, void *ctx, struct env_conn *conn) {
    (void)listener;
    env_conn_bind(conn, &HANDLER, ctx);
}

static int start(struct env *env, const struct props *config, void **node) {
    struct engine *engine = env_alloc(env, sizeof *engine);
    if (engine == NULL) {
        return RMQ_E_NOMEM;
    }
    *engine = (struct engine){.env = env};
    *node = engine;
    struct span peer = props_get(config, "peer");
    if (!span_is_absent(peer)) {
        struct env_conn *conn;
        return env_dial(env, peer, &HANDLER, engine, &conn);
    }
    struct env_listener *listener;
    return env_listen(env, PORT, on_accept, engine, &listener);
}

static void stop(void *node) {
    env_exit(((struct engine *)node)->env, 0);
}

const struct role engine_role = {"engine", start, stop, NULL};

static bool add_node(struct world *world, const char *side, uint32_t pair, unsigned net,
                     const char *peer) {
    char name[24], ip[24];
    snprintf(name, sizeof name, "%s-%u", side, (unsigned)pair);
    snprintf(ip, sizeof ip, "10.%u.%u.%u", net, (unsigned)pair / 256, (unsigned)pair % 256);
    struct host *host = world_add_host(world, name, ip);
    if (host == NULL) {
        return false;
    }
    struct props config;
    props_init(&config, world_env(world));
    bool ok = peer == NULL || props_set_text(&config, "peer", peer) == RMQ_OK;
    struct node_config node;
    node_config_default(&node);
    node.name = name;
    node.host = host;
    node.role = &engine_role;
    node.config = &config;
    ok = ok && world_add_node(world, &node) != 0;
    props_deinit(&config);
    return ok;
}

bool bench_engine_build(struct world *world, uint32_t pairs) {
    struct link_profile profile;
    link_profile_default(&profile);
    profile.latency.kind = DIST_EXPONENTIAL;
    profile.latency.min = 1000000;
    profile.latency.mean = 1000000;
    world_set_default_link(world, &profile);
    for (uint32_t i = 0; i < pairs; i++) {
        char peer[32];
        snprintf(peer, sizeof peer, "10.2.%u.%u:%d", (unsigned)i / 256, (unsigned)i % 256, PORT);
        if (!add_node(world, "waits", i, 2, NULL) || !add_node(world, "serves", i, 1, peer)) {
            return false;
        }
    }
    return true;
}

static void on_event(struct world *world, void *state, const struct record *record) {
    (void)world;
    (void)record;
    ++*(uint64_t *)state;
}

bool bench_engine_listen(struct world *world) {
    uint64_t *count = world_alloc(world, sizeof *count);
    return count != NULL && world_listen(world, on_event, count);
}

bool bench_engine_pad(struct world *world, size_t bytes) {
    enum { PIECE = 65536 - 16 }; /* a size class, with its header */
    while (arena_used() + PIECE < bytes) {
        if (world_alloc(world, PIECE) == NULL) {
            return false;
        }
    }
    return true;
}
