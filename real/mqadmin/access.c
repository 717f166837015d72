/* mqadmin/access.c - updateAclConfig, deleteAclConfig, updateGlobalWhiteAddr,
 * clusterAclConfigVersion: requests 50 to 53. Differs: what was set is printed without its secret.
 */
#include "real/mqadmin/cluster.h"
#include "real/mqadmin/print.h"

/* Sends copies of `call` to all targets one after the other, and says `done` (one %s, the address)
 * of each that took it; the number of those. */
static size_t change_each(struct admin *admin, const struct call *call, const char *before,
                          const char *after) {
    struct targets targets;
    size_t done = 0;
    if (!find_targets(admin, "clusterName", TARGET_MASTERS, &targets))
        return 0;
    put_array_begin(admin, "brokers");
    for (size_t i = 0; i < targets.count; i++) {
        struct call one = *call;
        one.address = targets.addresses[i];
        call_one(admin, &one);
        if (!call_ok(admin, &one))
            continue;
        say(admin, "%s %s %s\n", before, one.address, after);
        put_text(admin, NULL, one.address);
        done++;
    }
    put_array_end(admin);
    return done;
}

/* ---- updateAclConfig ------------------------------------------------------------------------- */

/* Names of options, and of the request's fields. */
static const char *const ACCOUNT[] = {"accessKey",  "secretKey",        "whiteRemoteAddress",
                                      "admin",      "defaultTopicPerm", "defaultGroupPerm",
                                      "topicPerms", "groupPerms"};

static void update_acl(struct admin *admin) {
    struct call call;
    call_init(&call, NULL, REQUEST_UPDATE_AND_CREATE_ACL_CONFIG, NULL);
    for (size_t i = 0; i < sizeof(ACCOUNT) / sizeof(ACCOUNT[0]); i++) {
        const char *value = options_text(&admin->options, ACCOUNT[i]);
        if (value == NULL && strcmp(ACCOUNT[i], "admin") == 0)
            value = "false";
        if (value != NULL)
            call.fields[call.field_count++] =
                (struct wire_field){span_of_text(ACCOUNT[i]), span_of_text(value)};
    }
    if (change_each(admin, &call, "create or update plain access config to", "success.") == 0)
        return;
    put_object_begin(admin, "account");
    for (size_t i = 0; i < call.field_count; i++) {
        const char *key = arena_text(&admin->arena, call.fields[i].key);
        if (strcmp(key, "secretKey") == 0)
            continue;
        const char *value = arena_text(&admin->arena, call.fields[i].value);
        say(admin, "%s=%s\n", key, value);
        put_text(admin, key, value);
    }
    put_object_end(admin);
}

/* ---- deleteAclConfig ------------------------------------------------------------------------- */

static void delete_acl(struct admin *admin) {
    const char *key = options_text(&admin->options, "accessKey");
    struct call call;
    put_text(admin, "accessKey", key);
    call_init(&call, NULL, REQUEST_DELETE_ACL_CONFIG, "accessKey", key, NULL);
    if (change_each(admin, &call, "delete plain access config account from", "success.") > 0)
        say(admin, "account's accesskey is:%s\n", key);
}

/* ---- updateGlobalWhiteAddr ------------------------------------------------------------------- */

static void update_white(struct admin *admin) {
    struct call call;
    call_init(&call, NULL, REQUEST_UPDATE_GLOBAL_WHITE_ADDRS_CONFIG, "globalWhiteAddrs",
              options_text(&admin->options, "globalWhiteRemoteAddresses"), "aclFileFullPath",
              options_text(&admin->options, "aclFileFullPath"), NULL);
    change_each(admin, &call, "update global white remote addresses to", "success.");
}

/* ---- clusterAclConfigVersion ----------------------------------------------------------------- */

static void show_versions(struct admin *admin, const struct table *table, struct call *call) {
    struct tree *all = NULL;
    const char *text = call_field(admin, call, "allAclFileVersion");
    size_t offset;
    const char *expected;
    if (text == NULL || tree_parse(&admin->arena, admin->env, span_of_text(text), &all, &offset,
                                   &expected) != RMQ_OK) {
        admin_fail(admin, "%s: the answer has no allAclFileVersion", call->address);
        return;
    }
    for (const struct tree *file = all->first; file != NULL; file = file->next)
        ROW(table, cell_text(call_field(admin, call, "clusterName")),
            cell_text(call_field(admin, call, "brokerName")),
            cell_text(call_field(admin, call, "brokerAddr")), cell_text(file->key),
            cell_number(admin, tree_number(file, "counter", 0)),
            cell_text(time_text(admin, tree_number(file, "timestamp", 0))));
}

static void acl_versions(struct admin *admin) {
    static const struct column COLUMNS[] = {
        {"cluster", "%-16s  ", "#Cluster Name"},        {"broker", "%-22s  ", "#Broker Name"},
        {"address", "%-22s  ", "#Broker Addr"},         {"file", "%-20s  ", "#AclFilePath"},
        {"version", "%-22s  ", "#AclConfigVersionNum"}, {"updated", "%-22s", "#AclLastUpdateTime"}};
    struct targets targets;
    if (!find_targets(admin, "clusterName", TARGET_MASTERS, &targets))
        return;
    struct table table = TABLE(admin, "files", COLUMNS);
    for (size_t i = 0; i < targets.count; i++) {
        struct call call;
        call_init(&call, targets.addresses[i], REQUEST_GET_BROKER_CLUSTER_ACL_INFO, NULL);
        call_one(admin, &call);
        if (call_ok(admin, &call))
            show_versions(admin, &table, &call);
    }
    table_end(&table);
    if (!admin_failed(admin))
        say(admin, "get cluster's plain access config version success.\n");
}

#define TARGETS                                                                      \
    {'b', "brokerAddr", OPTION_TEXT, ONE_OF, NULL, "the broker"}, {                  \
        'c', "clusterName", OPTION_TEXT, ONE_OF, NULL, "the masters of this cluster" \
    }
static const struct option UPDATE_OPTIONS[] = {
    TARGETS,
    {'a', "accessKey", OPTION_TEXT, REQUIRED, NULL, "the account, longer than 6"},
    {'s', "secretKey", OPTION_TEXT, REQUIRED, NULL, "its secret, longer than 6"},
    {'w', "whiteRemoteAddress", OPTION_TEXT, OPTIONAL, NULL, "from there without a signature"},
    {'i', "defaultTopicPerm", OPTION_TEXT, OPTIONAL, NULL, "DENY, PUB, SUB or PUB|SUB"},
    {'u', "defaultGroupPerm", OPTION_TEXT, OPTIONAL, NULL, "DENY or SUB"},
    {'t', "topicPerms", OPTION_TEXT, OPTIONAL, NULL, "eg: topicA=DENY,topicD=SUB"},
    {'g', "groupPerms", OPTION_TEXT, OPTIONAL, NULL, "eg: groupD=DENY,groupE=SUB"},
    {'m', "admin", OPTION_BOOL, OPTIONAL, NULL, "an administrator (false)"},
};
static const struct option DELETE_OPTIONS[] = {
    TARGETS,
    {'a', "accessKey", OPTION_TEXT, REQUIRED, NULL, "the account"},
};
static const struct option WHITE_OPTIONS[] = {
    TARGETS,
    {'g', "globalWhiteRemoteAddresses", OPTION_TEXT, REQUIRED, NULL, "eg: 10.10.103.*,192.168.0.*"},
    {'p', "aclFileFullPath", OPTION_TEXT, OPTIONAL, NULL, "the file (conf/plain_acl.yml)"},
};
static const struct option VERSION_OPTIONS[] = {TARGETS};

static const struct command COMMANDS[] = {
    COMMAND("updateAclConfig", "Update acl config yaml file in broker", update_acl, UPDATE_OPTIONS),
    COMMAND("deleteAclConfig", "Delete Acl Config Account in broker", delete_acl, DELETE_OPTIONS),
    COMMAND("updateGlobalWhiteAddr", "Update global white address for acl Config File in broker",
            update_white, WHITE_OPTIONS),
    COMMAND("clusterAclConfigVersion", "List all of acl config version information in cluster",
            acl_versions, VERSION_OPTIONS),
};
const struct command_table ACCESS_COMMANDS = {COMMANDS, sizeof(COMMANDS) / sizeof(COMMANDS[0])};
