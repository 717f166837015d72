/* acl/rules_write.c - an acl_file as YAML, through libyaml's emitter. */
#include <yaml.h>

#include "model/acl/rules.h"
#include "model/base/check.h"

/* Appends; an emitter that fails (memory) makes all later calls do nothing. */
struct writer {
    yaml_emitter_t emitter;
    struct buf *out;
    bool failed;
};

static int on_bytes(void *ctx, unsigned char *bytes, size_t len) {
    struct writer *writer = ctx;
    buf_put(writer->out, bytes, len);
    return !buf_failed(writer->out);
}

/* `made`: did libyaml initialise `event`? */
static void emit(struct writer *writer, yaml_event_t *event, int made) {
    writer->failed = writer->failed || made == 0;
    if (!writer->failed)
        writer->failed = yaml_emitter_emit(&writer->emitter, event) == 0;
    else if (made != 0)
        yaml_event_delete(event);
}

static void begin(struct writer *writer, bool mapping) {
    yaml_event_t event;
    int made = mapping ? yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
                                                             YAML_BLOCK_MAPPING_STYLE)
                       : yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
                                                              YAML_BLOCK_SEQUENCE_STYLE);
    emit(writer, &event, made);
}

static void end(struct writer *writer, bool mapping) {
    yaml_event_t event;
    emit(writer, &event,
         mapping ? yaml_mapping_end_event_initialize(&event)
                 : yaml_sequence_end_event_initialize(&event));
}

static void scalar(struct writer *writer, struct span text, yaml_scalar_style_t style) {
    yaml_event_t event;
    static const uint8_t NOTHING[1];
    const uint8_t *data = span_is_absent(text) ? NOTHING : text.data;
    emit(writer, &event,
         yaml_scalar_event_initialize(&event, NULL, NULL, data, (int)text.len, 1, 1, style));
}

static void name(struct writer *writer, const char *text) {
    scalar(writer, span_of_text(text), YAML_ANY_SCALAR_STYLE);
}

/* A text stays a text for every reader: quoted. */
static void text_member(struct writer *writer, const char *key, struct span value) {
    if (span_is_absent(value))
        return;
    name(writer, key);
    scalar(writer, value, YAML_SINGLE_QUOTED_SCALAR_STYLE);
}

static void number_member(struct writer *writer, const char *key, int64_t value) {
    char text[DECIMAL_BYTES_MAX];
    name(writer, key);
    scalar(writer, span_of(text, format_i64(text, value)), YAML_PLAIN_SCALAR_STYLE);
}

static const char *permission_text(uint8_t permission) {
    switch (permission) {
    case ACL_PUB:
        return "=PUB";
    case ACL_SUB:
        return "=SUB";
    case ACL_PUB | ACL_SUB:
        return "=PUB|SUB";
    default:
        RMQ_ASSERT(permission == ACL_DENY);
        return "=DENY";
    }
}

static void grants_member(struct writer *writer, const char *key, const struct acl_grants *grants) {
    if (!grants->given)
        return;
    name(writer, key);
    begin(writer, false);
    for (size_t i = 0; i < grants->count; i++) {
        struct buf row;
        buf_init(&row, writer->out->env);
        buf_put_span(&row, grants->rows[i].name);
        buf_put_text(&row, permission_text(grants->rows[i].permission));
        writer->failed = writer->failed || buf_failed(&row);
        scalar(writer, buf_span(&row), YAML_SINGLE_QUOTED_SCALAR_STYLE);
        buf_deinit(&row);
    }
    end(writer, false);
}

static void account(struct writer *writer, const struct acl_account *account) {
    begin(writer, true);
    text_member(writer, "accessKey", account->access_key);
    text_member(writer, "secretKey", account->secret_key);
    text_member(writer, "whiteRemoteAddress", account->white_text);
    name(writer, "admin");
    scalar(writer, account->admin ? SPAN_LITERAL("true") : SPAN_LITERAL("false"),
           YAML_PLAIN_SCALAR_STYLE);
    text_member(writer, "defaultTopicPerm", account->default_topic_text);
    text_member(writer, "defaultGroupPerm", account->default_group_text);
    grants_member(writer, "topicPerms", &account->topics);
    grants_member(writer, "groupPerms", &account->groups);
    end(writer, true);
}

static void document(struct writer *writer, const struct acl_file *file) {
    begin(writer, true);
    if (file->white_count > 0) {
        name(writer, "globalWhiteRemoteAddresses");
        begin(writer, false);
        for (size_t i = 0; i < file->white_count; i++)
            scalar(writer, file->white_texts[i], YAML_SINGLE_QUOTED_SCALAR_STYLE);
        end(writer, false);
    }
    name(writer, "accounts");
    begin(writer, false);
    for (size_t i = 0; i < file->account_count; i++)
        account(writer, &file->accounts[i]);
    end(writer, false);
    name(writer, "dataVersion");
    begin(writer, false);
    begin(writer, true);
    number_member(writer, "counter", file->counter);
    number_member(writer, "timestamp", file->timestamp);
    end(writer, true);
    end(writer, false);
    end(writer, true);
}

int acl_file_write(const struct acl_file *file, struct buf *out) {
    struct writer writer = {.out = out};
    yaml_event_t event;
    if (yaml_emitter_initialize(&writer.emitter) == 0)
        return RMQ_E_NOMEM;
    yaml_emitter_set_output(&writer.emitter, on_bytes, &writer);
    yaml_emitter_set_unicode(&writer.emitter, 1);
    yaml_emitter_set_width(&writer.emitter, -1);
    emit(&writer, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
    emit(&writer, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
    document(&writer, file);
    emit(&writer, &event, yaml_document_end_event_initialize(&event, 1));
    emit(&writer, &event, yaml_stream_end_event_initialize(&event));
    yaml_emitter_delete(&writer.emitter);
    return writer.failed || buf_failed(out) ? RMQ_E_NOMEM : RMQ_OK;
}
