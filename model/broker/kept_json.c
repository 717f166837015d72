/* broker/kept_json.c - see kept_json.h. */
#include "model/broker/kept_json.h"

#include "model/base/json.h"
#include "model/env.h"

void kept_json_free(struct env *env, struct kept_json *kept) {
    env_free(env, kept->text);
    *kept = (struct kept_json){NULL, 0};
}

int kept_json_set(struct env *env, struct kept_json *kept, struct span value) {
    struct buf text;
    struct json_writer writer;
    struct json_reader reader;
    if (span_is_absent(value)) {
        kept_json_free(env, kept);
        return RMQ_OK;
    }
    buf_init(&text, env);
    json_writer_init(&writer, &text, JSON_STYLE_FASTJSON);
    json_reader_init(&reader, value);
    int err = json_copy(&reader, &writer);
    if (err != RMQ_OK) {
        buf_deinit(&text);
        return err;
    }
    kept_json_free(env, kept);
    *kept = (struct kept_json){text.data, text.len};
    return RMQ_OK;
}
