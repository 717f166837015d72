#include "model/wire/signature.h"

#include <nettle/base64.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>

#include "model/base/check.h"
#include "model/wire/codes.h"

#define ACCESS_KEY SPAN_LITERAL("AccessKey")
#define SECURITY_TOKEN SPAN_LITERAL("SecurityToken")
#define SIGNATURE SPAN_LITERAL("Signature")
#define UNIQUE_KEY_QUERY SPAN_LITERAL("_UNIQUE_KEY_QUERY")

_Static_assert(BASE64_ENCODE_RAW_LENGTH(SHA1_DIGEST_SIZE) == WIRE_SIGNATURE_BYTES,
               "base64 of SHA-1");

/* Indexes of the fields that count, in the order of their keys; of fields with one key the last, as
 * a map has it. */
static size_t signed_fields(const struct wire_command *command, struct span without,
                            uint8_t order[WIRE_FIELDS_MAX]) {
    size_t count = 0;
    for (size_t i = 0; i < command->field_count; i++) {
        struct span key = command->fields[i].key;
        if (span_equal(key, SIGNATURE) || (!span_is_absent(without) && span_equal(key, without)))
            continue;
        size_t at = count;
        int compared = 1;
        while (at > 0 && (compared = span_compare(command->fields[order[at - 1]].key, key)) > 0)
            at--;
        if (at > 0 && compared == 0) {
            order[at - 1] = (uint8_t)i;
            continue;
        }
        memmove(order + at + 1, order + at, count - at);
        order[at] = (uint8_t)i;
        count++;
    }
    return count;
}

void wire_signature(const struct wire_command *command, struct span secret_key, struct span without,
                    char out[WIRE_SIGNATURE_BYTES]) {
    static const uint8_t NULL_TEXT[] = {'n', 'u', 'l', 'l'};
    uint8_t order[WIRE_FIELDS_MAX], digest[SHA1_DIGEST_SIZE];
    struct hmac_sha1_ctx hmac;
    size_t count = signed_fields(command, without, order);
    hmac_sha1_set_key(&hmac, secret_key.len, secret_key.data);
    for (size_t i = 0; i < count; i++) {
        struct span value = command->fields[order[i]].value;
        if (span_is_absent(value))
            value = span_of(NULL_TEXT, sizeof NULL_TEXT);
        hmac_sha1_update(&hmac, value.len, value.data);
    }
    if (command->body.len > 0)
        hmac_sha1_update(&hmac, command->body.len, command->body.data);
    hmac_sha1_digest(&hmac, sizeof digest, digest);
    base64_encode_raw(out, sizeof digest, digest);
}

int wire_sign(const struct wire_credentials *credentials, struct wire_command *command,
              char text[WIRE_SIGNATURE_BYTES]) {
    if (span_is_absent(credentials->access_key))
        return RMQ_OK;
    int err = wire_field_add(command, ACCESS_KEY, credentials->access_key);
    if (err == RMQ_OK && !span_is_absent(credentials->security_token))
        err = wire_field_add(command, SECURITY_TOKEN, credentials->security_token);
    if (err != RMQ_OK)
        return err;
    wire_signature(command, credentials->secret_key, SPAN_NONE, text);
    return wire_field_add(command, SIGNATURE, span_of(text, WIRE_SIGNATURE_BYTES));
}

bool wire_signature_holds(const struct wire_command *command, struct span secret_key,
                          struct span given) {
    char ours[WIRE_SIGNATURE_BYTES];
    if (given.len != sizeof ours)
        return false;
    wire_signature(command, secret_key, SPAN_NONE, ours);
    bool holds = memeql_sec(ours, given.data, sizeof ours) != 0;
    if (!holds && command->code == REQUEST_QUERY_MESSAGE) {
        wire_signature(command, secret_key, UNIQUE_KEY_QUERY, ours);
        holds = memeql_sec(ours, given.data, sizeof ours) != 0;
    }
    return holds;
}
