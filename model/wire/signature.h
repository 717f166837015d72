/* wire/signature.h - request signatures: HMAC-SHA1 under the secret key, in base64.
 *
 * What is signed: the values of all ext fields but Signature, in the order of their keys (bytes; a
 * null value counts as the text "null"), then the body. Source: wire.md 9.2; AclUtils.java,
 * AclSigner.java 4.9.8. */
#ifndef MODEL_WIRE_SIGNATURE_H
#define MODEL_WIRE_SIGNATURE_H

#include "model/wire/frame.h"

#define WIRE_SIGNATURE_BYTES 28 /* base64 of 20 bytes */

/* Who signs; spans are borrowed. access_key absent: nobody, requests go out as they are. */
struct wire_credentials {
    struct span access_key, secret_key;
    struct span security_token; /* absent: none */
};

/* What a signature of `command` would be; `without` names one more field that is left out (may be
 * absent). The text has no NUL. */
void wire_signature(const struct wire_command *command, struct span secret_key, struct span without,
                    char out[WIRE_SIGNATURE_BYTES]);

/* Adds AccessKey, SecurityToken and Signature to a request about to be sent; `text` must outlive
 * the encoding, as the credentials do. RMQ_E_LIMIT: too many fields. */
int wire_sign(const struct wire_credentials *credentials, struct wire_command *command,
              char text[WIRE_SIGNATURE_BYTES]) RMQ_CHECK_RESULT;

/* Is `given` (the Signature field) that of `command`? In constant time for its length. A key query
 * (12) may or may not have counted its field _UNIQUE_KEY_QUERY: 4.9's clients do, its brokers do
 * not. */
bool wire_signature_holds(const struct wire_command *command, struct span secret_key,
                          struct span given);

#endif
