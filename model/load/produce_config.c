/* load/produce_config.c - the arguments of a "do=produce" order. */
#include "model/load/produce.h"

#define NS_MAX INT64_C(1000000000000000000)

/* Texts outlive the order: kept one after the other in load->text. */
static void keep_texts(struct produce *load, struct span topics, struct span tags) {
    buf_put_span(&load->text, topics);
    buf_put_span(&load->text, tags);
    if (buf_failed(&load->text))
        return;
    load->config.topics = span_of(load->text.data, topics.len);
    load->config.tags = span_of(load->text.data + topics.len, tags.len);
}

static uint32_t parts_of(struct span list) {
    struct span part;
    uint32_t count = 0;
    while (span_next_part(&list, ';', &part))
        count++;
    return count;
}

static void read_schedule(struct settings *settings, struct produce_config *config) {
    static const char *const ARRIVALS[] = {"closed", "constant", "poisson"};
    config->arrivals = (enum produce_arrivals)settings_word(settings, "arrivals", ARRIVALS, 3);
    bool open = config->arrivals != ARRIVALS_CLOSED;
    config->rate_per_ks =
        (uint64_t)settings_number(settings, "rate", 1000000, 1, INT64_C(1000000000000));
    config->ramp_to_per_ks = (uint64_t)settings_number(
        settings, "ramp_to", (int64_t)config->rate_per_ks, 1, INT64_C(1000000000000));
    config->ramp_ns = (uint64_t)settings_number(settings, "ramp", 0, 0, NS_MAX);
    config->burst_of = (uint64_t)settings_number(settings, "burst_of", 0, 0, 1000000);
    config->burst_every_ns =
        (uint64_t)settings_number(settings, "burst_every", INT64_C(1000000000), 1, NS_MAX);
    config->in_flight =
        (uint32_t)settings_number(settings, "in_flight", open ? 0 : 1, open ? 0 : 1, 65535);
    config->think_ns = load_dist(settings, "think", 0);
    config->count = (uint64_t)settings_number(settings, "count", 0, 0, INT64_C(0xffffffff));
    config->for_ns = (uint64_t)settings_number(settings, "for", 0, 0, NS_MAX);
    config->after_ns = (uint64_t)settings_number(settings, "after", 0, 0, NS_MAX);
}

static void read_messages(struct settings *settings, struct produce_config *config) {
    static const char *const MODES[] = {"sync", "async", "oneway"};
    config->mode = (enum send_mode)settings_word(settings, "mode", MODES, 3);
    config->bytes.min = (uint64_t)settings_number(settings, "bytes", 1024, 0, 16 << 20);
    config->bytes.max = (uint64_t)settings_number(settings, "bytes_max", (int64_t)config->bytes.min,
                                                  (int64_t)config->bytes.min, 16 << 20);
    config->bytes.kind = config->bytes.max > config->bytes.min ? DIST_UNIFORM : DIST_CONSTANT;
    config->keys = (uint32_t)settings_number(settings, "keys", 0, 0, INT64_C(0xffffffff));
    config->batch = (uint32_t)settings_number(settings, "batch", 1, 1, 1000);
    config->delay_level = (int32_t)settings_number(settings, "delay_level", 0, 0, 1000);
    config->by_key = settings_bool(settings, "by_key", false);
    config->number = settings_bool(settings, "number", false);
    config->run = (uint64_t)settings_number(settings, "run", 0, INT64_MIN, INT64_MAX);
    config->producer = (uint32_t)settings_number(settings, "producer", 1, 1, 0xffffff);
    if (config->delay_level > 0 && config->batch > 1)
        settings_refuse(settings, SPAN_LITERAL("delay_level"), RMQ_E_INVALID);
    if (config->by_key && (config->keys == 0 || config->batch > 1))
        settings_refuse(settings, SPAN_LITERAL("by_key"), RMQ_E_INVALID);
}

int produce_config_read(struct produce *load, const struct props *order) {
    struct settings settings = settings_of(order);
    read_schedule(&settings, &load->config);
    read_messages(&settings, &load->config);
    struct span topics = settings_text(&settings, "topic", SPAN_LITERAL(""), 65535);
    struct span tags = settings_text(&settings, "tags", SPAN_LITERAL(""), 65535);
    load->topic_count = parts_of(topics);
    load->tag_count = parts_of(tags);
    if (load->topic_count == 0)
        settings_refuse(&settings, SPAN_LITERAL("topic"), RMQ_E_MISSING);
    if (settings.err != RMQ_OK) {
        env_log(load->base.set->env, ENV_LOG_ERROR, "produce: value of %.*s: %s",
                (int)settings.bad_key.len, (const char *)settings.bad_key.data,
                rmq_err_text(settings.err));
        return settings.err;
    }
    keep_texts(load, topics, tags);
    return buf_failed(&load->text) ? RMQ_E_NOMEM : RMQ_OK;
}
