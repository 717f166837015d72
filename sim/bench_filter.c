/* sim/bench_filter.c - see bench_filter.h. */
#include "sim/bench_filter.h"

#include <stdio.h>
#include <time.h>

#include "model/base/check.h"
#include "model/base/props.h"
#include "model/filter/expression.h"
#include "model/wire/message.h"

#define EXPRESSION "number > 500 AND price < 99.5 AND region IN ('eu', 'us')"
#define VARIANTS 64

static double cpu_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* What 4.9's producer and broker put, and three of the application's. */
static void put_properties(struct buf *out, int variant) {
    char text[256];
    int len = snprintf(text, sizeof text,
                       "number\001%d\002price\001%d.%02d\002region\001%s\002KEYS\001k%d\002"
                       "UNIQ_KEY\0017F0000010A2C18B4AAC24C66F6D9%04X\002WAIT\001true\002TAGS\001"
                       "paid\002CLUSTER\001DefaultCluster",
                       variant * 37, variant * 3, variant, variant % 3 == 0 ? "asia" : "eu",
                       variant, (unsigned)variant);
    buf_put(out, text, (size_t)len);
}

static int start(struct env *env, const struct props *config, void **node) {
    struct buf properties[VARIANTS];
    struct expression *expression;
    int64_t count, wanted = 0;
    *node = env;
    int err = props_get_i64(config, "count", 1, &count);
    if (err == RMQ_OK)
        err = expression_compile(env, SPAN_LITERAL(EXPRESSION), false, &expression, NULL);
    if (err != RMQ_OK)
        return err;
    for (int i = 0; i < VARIANTS; i++) {
        buf_init(&properties[i], env);
        put_properties(&properties[i], i);
    }
    for (int64_t i = 0; i < count; i++)
        wanted +=
            expression_evaluate(expression, buf_span(&properties[i % VARIANTS])) == EXPRESSION_TRUE;
    RMQ_ASSERT(wanted > 0 && wanted < count);
    for (int i = 0; i < VARIANTS; i++)
        buf_deinit(&properties[i]);
    expression_unref(expression);
    return RMQ_OK;
}

static void stop(void *node) {
    env_exit(node, 0);
}

const struct role bench_filter_role = {"bench-filter", start, stop, NULL};

double bench_filter(uint64_t count) {
    struct world_config world_config = {.seed = 1, .epoch_ms = 1767225600000};
    struct world *world = world_create(&world_config);
    struct node_config config;
    struct props props;
    char text[64];
    size_t line;
    if (world == NULL)
        return -1;
    snprintf(text, sizeof text, "count=%llu\n", (unsigned long long)count);
    props_init(&props, world_env(world));
    node_config_default(&config);
    config.name = "filter";
    config.host = world_add_host(world, "filter", "10.9.0.1");
    config.role = &bench_filter_role;
    config.config = &props;
    bool added = config.host != NULL && props_parse(&props, span_of_text(text), &line) == RMQ_OK &&
                 world_add_node(world, &config) != 0;
    props_deinit(&props);
    if (!added)
        return -1;
    double begin = cpu_seconds();
    world_run(world, UINT64_MAX);
    return (cpu_seconds() - begin) * 1e9 / (double)count;
}
