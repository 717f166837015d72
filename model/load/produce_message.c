/* load/produce_message.c - what is in a produced message: topic in turn, size, tag and key drawn,
 * body by its number. */
#include "model/load/body.h"
#include "model/load/produce.h"

#include "model/base/check.h"

static struct span part_at(struct span list, uint64_t index) {
    struct span part = SPAN_NONE;
    for (uint64_t i = 0; i <= index; i++)
        RMQ_ASSERT(span_next_part(&list, ';', &part));
    return part;
}

static struct span make_key(struct produce *load, uint32_t item) {
    if (load->config.keys == 0)
        return SPAN_NONE;
    uint64_t key = env_random_below(load->base.set->env, load->config.keys);
    char *text = load->key_texts + (size_t)item * KEY_TEXT_MAX;
    text[0] = 'k';
    return span_of(text, 1 + format_u64(text + 1, key));
}

/* The property "number": the sequence within the producer's incarnation. */
static struct span make_number(struct produce *load, uint32_t item) {
    const struct span name = SPAN_LITERAL("number\001");
    if (!load->config.number)
        return SPAN_NONE;
    char *text = load->numbers[item];
    memcpy(text, name.data, name.len);
    return span_of(text, name.len + format_u64(text + name.len, (uint32_t)load->begun));
}

static void make_message(struct produce *load, uint32_t item, struct span topic, size_t at) {
    struct env *env = load->base.set->env;
    struct outgoing *out = &load->items[item];
    load->begun++;
    *out = (struct outgoing){
        .topic = topic, .late_ns = load->late_ns, .delay_level = load->config.delay_level};
    out->number = body_number(load->config.producer, load->incarnation, (uint32_t)load->begun);
    if (load->tag_count > 0)
        out->tags = part_at(load->config.tags,
                            load->tag_count == 1 ? 0 : env_random_below(env, load->tag_count));
    out->keys = make_key(load, item);
    out->properties = make_number(load, item);
    out->body = span_of(NULL, load->body.len - at); /* its place comes when all are made */
    body_fill(load->body.data + at, out->body.len, load->config.run, out->number);
}

int produce_messages(struct produce *load, uint32_t count) {
    struct env *env = load->base.set->env;
    const struct dist *bytes = &load->config.bytes;
    struct span topic = part_at(load->config.topics, load->begun / count % load->topic_count);
    buf_clear(&load->body);
    for (uint32_t i = 0; i < count; i++) {
        size_t at = load->body.len;
        size_t len = (size_t)dist_sample(bytes, bytes->kind == DIST_CONSTANT ? 0 : env_random(env));
        if (buf_extend(&load->body, len) == NULL)
            return RMQ_E_NOMEM;
        make_message(load, i, topic, at);
    }
    size_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        load->items[i].body.data = load->body.data + at;
        at += load->items[i].body.len;
    }
    return RMQ_OK;
}
