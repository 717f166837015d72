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

static size_t put_causes(const struct broker *broker, struct json_writer *json) {
    const struct {
        bool applies;
        const char *text;
    } causes[] = {{broker->stopping, "it is stopping"},
                  {!broker->serves && !broker->stopping, "its store is not open yet"},
                  {broker->serves && !broker->stopping && !store_takes_puts(broker->store),
                   "its store takes no writes"},
                  {broker->serves && broker->servers.count > 0 && !is_registered(broker),
                   "no name server has accepted a registration within two periods"}};
    size_t count = 0;
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        if (!causes[i].applies)
            continue;
        if (count++ == 0) {
            json_key_text(json, "causes");
            json_array_begin(json);
        }
        json_string_text(json, causes[i].text);
    }
    if (count > 0)
        json_array_end(json);
    return count;
}

bool broker_health_write(void *node, struct buf *out) {
    struct json_writer json;
    json_writer_init(&json, out, JSON_STYLE_STANDARD);
    json_object_begin(&json);
    size_t causes = put_causes(node, &json);
    json_key_text(&json, "status");
    json_string_text(&json, causes == 0 ? "UP" : "DOWN");
    json_object_end(&json);
    buf_put_u8(out, '\n');
    return causes == 0;
}
