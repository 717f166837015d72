#include "sim/bench_acl.h"

#include <stdio.h>

#include "model/acl/check.h"
#include "model/base/check.h"
#include "model/base/props.h"
#include "model/wire/codes.h"
#include "sim/bench_of_model.h"

#define ACCOUNTS 100
#define TOPICS 10
#define BODY_BYTES 1024

static void put_accounts(struct buf *out) {
    char text[128];
    buf_put_text(out, "globalWhiteRemoteAddresses: [10.10.103.*]\naccounts:\n");
    for (int i = 0; i < ACCOUNTS; i++) {
        int len =
            snprintf(text, sizeof text,
                     "- accessKey: account%03d\n  secretKey: secret%03d\n  topicPerms:\n", i, i);
        buf_put(out, text, (size_t)len);
        for (int k = 0; k < TOPICS; k++) {
            len = snprintf(text, sizeof text, "  - topic%d=PUB|SUB\n", k);
            buf_put(out, text, (size_t)len);
        }
    }
}

/* A send as Java's producer makes it, in order of its header. */
static int make_send(struct wire_command *command, struct span body, char signature[]) {
    static const char *const FIELDS[][2] = {
        {"a", "please_rename_unique_group_name"},
        {"b", "topic9"},
        {"c", "TBW102"},
        {"d", "4"},
        {"e", "3"},
        {"f", "0"},
        {"g", "1700000000000"},
        {"h", "0"},
        {"i", "UNIQ_KEY\0017F0000010A2C18B4AAC24C66F6D90000\002WAIT\001true\002TAGS\001paid"},
        {"j", "0"},
        {"k", "false"},
        {"m", "false"}};
    const struct wire_credentials credentials = {.access_key = SPAN_LITERAL("account099"),
                                                 .secret_key = SPAN_LITERAL("secret099")};
    wire_command_init(command, REQUEST_SEND_MESSAGE_V2);
    command->body = body;
    int err = RMQ_OK;
    for (size_t i = 0; err == RMQ_OK && i < sizeof FIELDS / sizeof FIELDS[0]; i++)
        err = wire_field_add(command, span_of_text(FIELDS[i][0]), span_of_text(FIELDS[i][1]));
    return err == RMQ_OK ? wire_sign(&credentials, command, signature) : err;
}

static int start(struct env *env, const struct props *config, void **node) {
    static const uint8_t BODY[BODY_BYTES] = {1};
    const struct acl_address from = acl_address_parse(SPAN_LITERAL("10.1.2.3"));
    char signature[WIRE_SIGNATURE_BYTES];
    struct wire_command command;
    struct acl_error error;
    struct acl_file *file = NULL;
    struct buf text, scratch;
    int64_t count;
    *node = env;
    buf_init(&text, env);
    buf_init(&scratch, env);
    put_accounts(&text);
    int err = props_get_i64(config, "count", 1, &count);
    if (err == RMQ_OK)
        err = acl_file_read(env, SPAN_LITERAL("bench"), buf_span(&text), NULL, NULL, &file, &error);
    if (err == RMQ_OK)
        err = make_send(&command, span_of(BODY, sizeof BODY), signature);
    const struct acl_rules rules = {&file, 1};
    for (int64_t i = 0; err == RMQ_OK && i < count; i++) {
        struct acl_verdict verdict = acl_check(&rules, &from, &command, &scratch);
        RMQ_ASSERT(verdict.reason == ACL_ALLOWED);
    }
    acl_file_free(file);
    buf_deinit(&scratch);
    buf_deinit(&text);
    return err;
}

static void stop(void *node) {
    env_exit(node, 0);
}

static const struct role ROLE = {"bench-acl", start, stop, NULL};

double bench_acl(uint64_t count) {
    return bench_of_model(&ROLE, count);
}
