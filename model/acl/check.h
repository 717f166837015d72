/* acl/check.h - may this request be served? Who it is from, whether its signature holds, what it
 * uses.
 *
 * In order: an address on a global white list is trusted; the access key must be known; an address
 * on the account's white list is trusted; the signature must hold; then each topic and group that
 * the request names must be granted. Source: wire.md 9.3; PlainPermissionManager.java,
 * PlainAccessValidator.java 4.9.8.
 *
 * Differs, where Apache 4.9 looks at nothing but the signature: 320, 324 and 325 need PUB on their
 * topic as 10 and 310 do, 361 is as 11, 14 as 15, 37 needs PUB on the topic it names, 41 and 42 SUB
 * on their group; 18, 225, 50, 51 and 53 need an administrator as 17, 200 and 25 do. A send to a
 * retry topic needs SUB on the group of that topic, not on the one that the sender says it is. */
#ifndef MODEL_ACL_CHECK_H
#define MODEL_ACL_CHECK_H

#include "model/acl/rules.h"
#include "model/wire/signature.h"

struct acl_rules {
    struct acl_file *const *files;
    size_t count;
};

enum acl_reason {
    ACL_ALLOWED,
    ACL_TRUSTED,     /* by a white list: nothing else was looked at */
    ACL_NO_KEY,      /* it has no AccessKey */
    ACL_UNKNOWN_KEY, /* subject: the key; so in all below but the last three */
    ACL_BAD_SIGNATURE,
    ACL_NOT_ADMIN,
    ACL_TOPIC_REFUSED, /* subject: the topic */
    ACL_GROUP_REFUSED, /* subject: the group */
    ACL_BAD_BODY       /* what it uses cannot be read */
};

struct acl_verdict {
    enum acl_reason reason;
    struct span subject;               /* in the request or the rules */
    const struct acl_account *account; /* NULL: unknown, or trusted by a global white list */
};
static inline bool acl_allows(const struct acl_verdict *verdict) {
    return verdict->reason <= ACL_TRUSTED;
}

/* `scratch` is cleared and may hold what the verdict's subject points to. */
struct acl_verdict acl_check(const struct acl_rules *rules, const struct acl_address *from,
                             const struct wire_command *request, struct buf *scratch);

#endif
