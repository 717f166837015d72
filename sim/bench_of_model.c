#include "sim/bench_of_model.h"

#include <stdio.h>
#include <time.h>

#include "model/base/props.h"

static double cpu_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double bench_of_model(const struct role *role, uint64_t count) {
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
    config.name = role->name;
    config.host = world_add_host(world, "bench", "10.9.0.1");
    config.role = role;
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
