/* mqadmin/brokers.c - brokerStatus, getBrokerConfig, updateBrokerConfig. */
#include <stdlib.h>

#include "real/mqadmin/cluster.h"
#include "real/mqadmin/config.h"
#include "real/mqadmin/print.h"

/* The same request to each target, side by side. */
static struct call *ask_targets(struct admin *admin, const struct targets *targets, int32_t code) {
    struct call *calls = arena_alloc(&admin->arena, targets->count * sizeof(*calls));
    for (size_t i = 0; i < targets->count; i++) {
        call_init(&calls[i], targets->addresses[i], code, NULL);
    }
    call_all(admin, calls, targets->count);
    return calls;
}

/* ---- brokerStatus ---------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b) {
    const struct tree *const *x = a, *const *y = b;
    return strcmp((*x)->key, (*y)->key);
}

static void print_status(struct admin *admin, const struct call *call, bool with_address) {
    const struct tree *table = tree_get(call_tree(admin, call), "table");
    size_t count = tree_count(table), i = 0;
    if (table == NULL)
        return;
    const struct tree **members = arena_alloc(&admin->arena, count * sizeof(void *));
    for (const struct tree *at = table->first; at != NULL; at = at->next) {
        members[i++] = at;
    }
    if (count > 1)
        qsort((void *)members, count, sizeof(void *), by_key);
    put_object_begin(admin, NULL);
    put_text(admin, "address", call->address);
    put_object_begin(admin, "table");
    for (i = 0; i < count; i++) {
        const char *text = tree_text(table, members[i]->key, "");
        if (with_address)
            say(admin, "%-24s ", call->address);
        say(admin, "%-32s: %s\n", members[i]->key, text);
        put_text(admin, members[i]->key, text);
    }
    put_object_end(admin);
    put_object_end(admin);
}

static void broker_status(struct admin *admin) {
    struct targets targets;
    if (!find_targets(admin, "clusterName", TARGET_ALL, &targets))
        return;
    struct call *calls = ask_targets(admin, &targets, REQUEST_GET_BROKER_RUNTIME_INFO);
    put_array_begin(admin, "brokers");
    for (size_t i = 0; i < targets.count; i++) {
        print_status(admin, &calls[i], !options_given(&admin->options, "brokerAddr"));
    }
    put_array_end(admin);
}

/* ---- getBrokerConfig, updateBrokerConfig ----------------------------------------------------- */

static const char *config_title(struct admin *admin, const struct targets *targets, size_t i) {
    const struct broker *broker = targets->brokers[i];
    const char *address = targets->addresses[i];
    const char *master = broker == NULL ? NULL : broker_master(broker);
    if (broker == NULL)
        return arena_format(&admin->arena, "============%s============", address);
    if (master == address)
        return arena_format(&admin->arena, "============Master: %s============", address);
    return arena_format(&admin->arena, "============My Master: %s=====Slave: %s============",
                        master == NULL ? "null" : master, address);
}

static void get_broker_config(struct admin *admin) {
    struct targets targets;
    if (!find_targets(admin, "clusterName", TARGET_ALL, &targets))
        return;
    struct call *calls = ask_targets(admin, &targets, REQUEST_GET_BROKER_CONFIG);
    put_array_begin(admin, "brokers");
    for (size_t i = 0; i < targets.count; i++) {
        print_config(admin, config_title(admin, &targets, i), &calls[i]);
    }
    put_array_end(admin);
}

static void update_broker_config(struct admin *admin) {
    const char *key = options_text(&admin->options, "key");
    const char *value = options_text(&admin->options, "value");
    struct targets targets;
    if (!find_targets(admin, "clusterName", TARGET_MASTERS, &targets))
        return;
    put_text(admin, "key", key);
    put_text(admin, "value", value);
    put_array_begin(admin, "brokers");
    for (size_t i = 0; i < targets.count; i++) {
        struct call call;
        call_init(&call, targets.addresses[i], REQUEST_UPDATE_BROKER_CONFIG, NULL);
        call.body = config_body(admin, key, value);
        call_one(admin, &call);
        if (!call_ok(admin, &call))
            continue;
        say(admin, "update broker config success, %s\n", call.address);
        put_text(admin, NULL, call.address);
    }
    put_array_end(admin);
}

/* ---- table ----------------------------------------------------------------------------------- */

static const struct option STATUS_OPTIONS[] = {
    {'b', "brokerAddr", OPTION_TEXT, ONE_OF, NULL, "Broker address"},
    {'c', "clusterName", OPTION_TEXT, ONE_OF, NULL, "which cluster"},
};
static const struct option GET_OPTIONS[] = {
    {'b', "brokerAddr", OPTION_TEXT, ONE_OF, NULL, "get which broker"},
    {'c', "clusterName", OPTION_TEXT, ONE_OF, NULL, "get which cluster"},
};
static const struct option UPDATE_OPTIONS[] = {
    {'b', "brokerAddr", OPTION_TEXT, ONE_OF, NULL, "update which broker"},
    {'c', "clusterName", OPTION_TEXT, ONE_OF, NULL, "update which cluster"},
    {'k', "key", OPTION_TEXT, REQUIRED, NULL, "config key"},
    {'v', "value", OPTION_TEXT, REQUIRED, NULL, "config value"},
};

static const struct command COMMANDS[] = {
    COMMAND("brokerStatus", "Fetch broker runtime status data", broker_status, STATUS_OPTIONS),
    COMMAND("getBrokerConfig", "Get broker config by cluster or special broker!", get_broker_config,
            GET_OPTIONS),
    COMMAND("updateBrokerConfig", "Update broker's config", update_broker_config, UPDATE_OPTIONS),
};
const struct command_table BROKER_COMMANDS = {COMMANDS, sizeof(COMMANDS) / sizeof(COMMANDS[0])};
