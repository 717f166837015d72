/* acl/rules.h - who may do what: the accounts and white lists of RocketMQ's plain_acl.yml.
 *
 *     globalWhiteRemoteAddresses: [10.10.103.*]
 *     accounts:
 *       - accessKey: RocketMQ          # both longer than 6 bytes
 *         secretKey: 12345678
 *         whiteRemoteAddress:          # from there without a signature
 *         admin: false                 # true: all that has no row below
 *         defaultTopicPerm: DENY       # DENY, PUB, SUB, PUB|SUB
 *         defaultGroupPerm: SUB
 *         topicPerms: [topicA=DENY, topicB=PUB|SUB]
 *         groupPerms: [groupA=SUB]
 *     dataVersion: [{counter: 1, timestamp: 1700000000000}]
 *
 * One acl_file is one such file; a broker's rules are its files in order, an access key belongs to
 * the first that has it. Files do not change once read: a new text makes a new acl_file.
 * Source: PlainPermissionManager.java, Permission.java 4.9.8.
 *
 * Differs: a permission that is none of the above, a member of another type and a key that YAML 1.1
 * reads as another number (0777, 1_000) are errors with line and column; Apache takes the first for
 * DENY, and the key's value for what the number is. Unknown members are warnings. */
#ifndef MODEL_ACL_RULES_H
#define MODEL_ACL_RULES_H

#include "model/acl/address.h"
#include "model/base/buf.h"

enum { ACL_DENY = 1, ACL_PUB = 4, ACL_SUB = 8 }; /* bits of a permission */

#define ACL_KEY_BYTES_MIN 7
#define ACL_FILE_BYTES_MAX (4 * 1024 * 1024)

struct acl_grant {
    struct span name; /* of a topic or group */
    uint8_t permission;
};
struct acl_grants {
    struct acl_grant *rows; /* as the file has them; the last of a name counts */
    size_t count;
    bool given; /* the member is there, perhaps empty */
};
struct acl_account {
    struct span access_key, secret_key;
    struct span white_text; /* absent: no such member */
    struct acl_addresses white;
    bool admin;
    struct span default_topic_text, default_group_text; /* absent: DENY */
    uint8_t default_topic, default_group;
    struct acl_grants topics, groups;
};
struct acl_file {
    struct env *env;
    struct span path;
    struct acl_addresses white; /* globalWhiteRemoteAddresses */
    struct span *white_texts;
    size_t white_count;
    struct acl_account *accounts;
    size_t account_count;
    uint32_t *by_key; /* indexes of accounts in the order of their keys; NULL: not sorted */
    int64_t counter, timestamp; /* dataVersion, 0: none */
};

/* Where and why a text was refused; line and column from 1, 0: the file as a whole. */
struct acl_error {
    size_t line, column;
    char text[160];
};

/* Reads `text` into a new file; `warn` (may be NULL) gets one line for each unknown member.
 * RMQ_E_INVALID with *error; RMQ_E_NOMEM. */
int acl_file_read(struct env *env, struct span path, struct span text,
                  void (*warn)(void *ctx, const struct acl_error *warning), void *ctx,
                  struct acl_file **out, struct acl_error *error) RMQ_CHECK_RESULT;
/* Reads RocketMQ's tools.yml, accessKey and secretKey of whoever runs a tool, into a file of one
 * account; errors as above. */
int acl_tools_read(struct env *env, struct span path, struct span text, struct acl_file **out,
                   struct acl_error *error) RMQ_CHECK_RESULT;
void acl_file_free(struct acl_file *file);
/* Appends the file as YAML, dataVersion as the members say. RMQ_E_NOMEM. */
int acl_file_write(const struct acl_file *file, struct buf *out) RMQ_CHECK_RESULT;

/* The account of `access_key`, or NULL. */
const struct acl_account *acl_file_account(const struct acl_file *file, struct span access_key);

/* "PUB", "SUB", "PUB|SUB", "SUB|PUB", "DENY"; 0 for another text. */
uint8_t acl_permission_parse(struct span text);
/* May the account use topic or group `name` in the way `needed` (ACL_PUB or ACL_SUB)? Its row says,
 * without one the default permission; an administrator without any rows may use everything. */
bool acl_account_may_topic(const struct acl_account *account, struct span name, uint8_t needed);
bool acl_account_may_group(const struct acl_account *account, struct span name, uint8_t needed);

#endif
