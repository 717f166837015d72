/* acl/address.h - white lists of remote addresses, as plain_acl.yml writes them.
 *
 * One text is one of: nothing (matches no address); "*", "*.*.*.*" or "*:*:*:*:*:*:*:*" (matches
 * all); one address; several with commas between them; a set in the last part, "10.0.0.{1,2}";
 * parts that are "*" or a range, "10.0.1-5.*", "1050::5:600:1-7f:*". IPv6 parts are hexadecimal and
 * may be shortened by "::". Source: RemoteAddressStrategyFactory.java 4.9.8.
 *
 * Differs: each part counts. Apache ignores what stands behind the first range ("10.0.1-5.7" admits
 * all of 10.0.3.*), takes "0-0" for no range, and none in the first part; a white list that
 * admits more than it says is not copied. */
#ifndef MODEL_ACL_ADDRESS_H
#define MODEL_ACL_ADDRESS_H

#include "model/base/err.h"
#include "model/base/span.h"

struct env;

#define ACL_PARTS_MAX 8

/* A parsed address: 4 parts of 8 bits, or 8 of 16. */
struct acl_address {
    uint8_t parts; /* 4, 8; 0: not an address */
    uint16_t part[ACL_PARTS_MAX];
};
struct acl_pattern {
    uint8_t parts; /* 0: matches all */
    uint16_t low[ACL_PARTS_MAX], high[ACL_PARTS_MAX];
};
/* All zero: matches nothing. */
struct acl_addresses {
    struct acl_pattern *patterns;
    size_t count;
};

/* "1.2.3.4", "::1", "[::1]", "::ffff:1.2.3.4" (which is 1.2.3.4). parts is 0 for other texts. */
struct acl_address acl_address_parse(struct span text);
/* The address in "host:port", the port being what follows the last colon. */
struct acl_address acl_address_of_peer(const char *peer);

/* Appends what `text` means. RMQ_E_INVALID with *expected (static text), RMQ_E_NOMEM; *list is then
 * as it was. */
int acl_addresses_add(struct acl_addresses *list, struct env *env, struct span text,
                      const char **expected) RMQ_CHECK_RESULT;
void acl_addresses_free(struct acl_addresses *list, struct env *env);
bool acl_addresses_match(const struct acl_addresses *list, const struct acl_address *address);

#endif
