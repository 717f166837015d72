/* sim/run/build_loads.c - see build_loads.h. */
#include "sim/run/build_loads.h"

#include <stdio.h>
#include <string.h>

#include "sim/scenario/scenario_tables.h"

static const char *with_props(struct pool *pool, const char *line, const struct props *props) {
    for (size_t i = 0; i < props->count; i++)
        line =
            pool_format(pool, "%s,%.*s=%.*s", line, (int)props->entries[i].key.len,
                        (const char *)props->entries[i].key.data, (int)props->entries[i].value.len,
                        (const char *)props->entries[i].value.data);
    return line;
}

void build_loads(struct scenario *scenario, size_t index,
                 void (*set)(void *ctx, const char *key, const char *value), void *ctx) {
    const struct group_spec *group = scenario->nodes[index].group;
    const struct load_spec *loads = group->loads.items;
    struct pool *pool = &scenario->pool;
    for (size_t i = 0; i < group->loads.count; i++) {
        const char *line =
            pool_format(pool, "do=%s,run=%d", LOAD_WORDS[loads[i].kind], BUILD_RUN_NUMBER);
        if (loads[i].name != NULL)
            line = pool_format(pool, "%s,name=%s", line, loads[i].name);
        if (strcmp(LOAD_WORDS[loads[i].kind], "produce") == 0)
            line = pool_format(pool, "%s,producer=%zu", line, index * LOADS_MAX + i + 1);
        line = with_props(pool, line, &loads[i].order);
        line = with_props(pool, line, &loads[i].properties);
        set(ctx, pool_format(pool, "load.%zu", i + 1), line);
    }
}
