/* sim/bench_filter.c - see bench_filter.h. */
#include "sim/bench_filter.h"

#include <stdio.h>

#include "model/base/check.h"
#include "model/base/props.h"
#include "model/filter/expression.h"
#include "model/wire/message.h"
#include "sim/bench_of_model.h"

#define EXPRESSION "number > 500 AND price < 99.5 AND region IN ('eu', 'us')"
#define VARIANTS 64

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
    return bench_of_model(&bench_filter_role, count);
}
