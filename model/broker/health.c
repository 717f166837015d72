/* broker/health.c - see health.h. */
#include "model/broker/health.h"

#include "model/base/json.h"
#include "model/broker/broker_internal.h"

static bool is_registered(const struct broker *broker) {
    uint64_t now_ns = env_mono_ns(broker->env);
    uint64_t limit_ns = 2 * (uint64_t)broker->config.period_ms * 1000000;
    for (uint32_t i = 0; i < broker->servers.count; i++) {
        uint64_t accepted_ns = broker->servers.servers[i].accepted_ns;
        if (accepted_ns > 0 && now_ns - accepted_ns <= limit_ns)
            return true;
    }
    return false;
}

static const char *cause(const struct broker *broker) {
    if (broker->stopping)
        return "it is stopping";
    if (!broker->serves)
        return "its store is not open yet";
    if (!store_is_writable(broker->store))
        return "its store takes no writes";
    if (broker->servers.count > 0 && !is_registered(broker))
        return "no name server has accepted a registration within two periods";
    return NULL;
}

bool broker_health_write(void *node, struct buf *out) {
    const char *why = cause(node);
    struct json_writer json;
    json_writer_init(&json, out, JSON_STYLE_STANDARD);
    json_object_begin(&json);
    json_key_text(&json, "status");
    json_string_text(&json, why == NULL ? "UP" : "DOWN");
    if (why != NULL) {
        json_key_text(&json, "cause");
        json_string_text(&json, why);
    }
    json_object_end(&json);
    buf_put_u8(out, '\n');
    return why == NULL;
}
