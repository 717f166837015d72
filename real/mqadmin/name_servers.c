/* mqadmin/name_servers.c - wipeWritePerm, addWritePerm, getNamesrvConfig, updateNamesrvConfig,
 * updateKvConfig, deleteKvConfig. Each name server of -n is asked, side by side. */
#include "real/mqadmin/config.h"
#include "real/mqadmin/print.h"
#include "real/mqadmin/topic_change.h"

/* ---- write permission ------------------------------------------------------------------------ */

static void change_write_perm(struct admin *admin, int32_t code, const char *verb,
                              const char *count_field) {
    const char *broker = options_text(&admin->options, "brokerName");
    struct call call;
    call_init(&call, NULL, code, "brokerName", broker, NULL);
    const struct call *calls = call_each_name_server(admin, &call);
    put_text(admin, "brokerName", broker);
    put_array_begin(admin, "nameServers");
    for (size_t i = 0; i < admin->name_server_count; i++) {
        if (!call_ok(admin, &calls[i])) {
            say(admin, "%s write perm of broker[%s] in name server[%s] Failed\n", verb, broker,
                calls[i].address);
            continue;
        }
        const char *text = call_field(admin, &calls[i], count_field);
        int64_t count = 0;
        RMQ_IGNORE(span_to_i64(span_of_text(text == NULL ? "0" : text), &count), "0 then");
        say(admin, "%s write perm of broker[%s] in name server[%s] OK, %lld\n", verb, broker,
            calls[i].address, (long long)count);
        put_object_begin(admin, NULL);
        put_text(admin, "address", calls[i].address);
        put_number(admin, "topics", count);
        put_object_end(admin);
    }
    put_array_end(admin);
}

static void wipe_write_perm(struct admin *admin) {
    change_write_perm(admin, REQUEST_WIPE_WRITE_PERM_OF_BROKER, "wipe", "wipeTopicCount");
}
static void add_write_perm(struct admin *admin) {
    change_write_perm(admin, REQUEST_ADD_WRITE_PERM_OF_BROKER, "add", "addTopicCount");
}

/* ---- configuration --------------------------------------------------------------------------- */

static void get_namesrv_config(struct admin *admin) {
    struct call call;
    call_init(&call, NULL, REQUEST_GET_NAMESRV_CONFIG, NULL);
    const struct call *calls = call_each_name_server(admin, &call);
    put_array_begin(admin, "nameServers");
    for (size_t i = 0; i < admin->name_server_count; i++) {
        print_config(admin,
                     arena_format(&admin->arena, "============%s============", calls[i].address),
                     &calls[i]);
    }
    put_array_end(admin);
}

static const char *name_server_list(struct admin *admin) {
    const char *text = "";
    for (size_t i = 0; i < admin->name_server_count; i++) {
        text =
            arena_format(&admin->arena, "%s%s%s", text, i == 0 ? "" : ", ", admin->name_servers[i]);
    }
    return arena_format(&admin->arena, "[%s]", text);
}

static void update_namesrv_config(struct admin *admin) {
    const char *key = options_text(&admin->options, "key");
    const char *value = options_text(&admin->options, "value");
    struct call call;
    bool ok = true;
    call_init(&call, NULL, REQUEST_UPDATE_NAMESRV_CONFIG, NULL);
    call.body = config_body(admin, key, value);
    const struct call *calls = call_each_name_server(admin, &call);
    put_text(admin, "key", key);
    put_text(admin, "value", value);
    put_array_begin(admin, "nameServers");
    for (size_t i = 0; i < admin->name_server_count; i++) {
        if (call_ok(admin, &calls[i]))
            put_text(admin, NULL, calls[i].address);
        else
            ok = false;
    }
    put_array_end(admin);
    if (ok && admin->name_server_count > 0)
        say(admin, "update name server config success!%s\n%s : %s\n",
            admin->options.name_servers == NULL ? "" : name_server_list(admin), key, value);
}

/* ---- KV -------------------------------------------------------------------------------------- */

static void put_pair(struct admin *admin) {
    put_text(admin, "namespace", options_text(&admin->options, "namespace"));
    put_text(admin, "key", options_text(&admin->options, "key"));
}

static void update_kv_config(struct admin *admin) {
    const char *value = options_text(&admin->options, "value");
    put_pair(admin);
    if (!change_kv(admin, options_text(&admin->options, "namespace"),
                   options_text(&admin->options, "key"), value))
        return;
    put_text(admin, "value", value);
    say(admin, "create or update kv config to namespace success.\n");
}

static void delete_kv_config(struct admin *admin) {
    put_pair(admin);
    if (change_kv(admin, options_text(&admin->options, "namespace"),
                  options_text(&admin->options, "key"), NULL))
        say(admin, "delete kv config from namespace success.\n");
}

/* ---- table ----------------------------------------------------------------------------------- */

static const struct option PERM_OPTIONS[] = {
    {'b', "brokerName", OPTION_TEXT, REQUIRED, NULL, "broker name"},
};
static const struct option UPDATE_OPTIONS[] = {
    {'k', "key", OPTION_TEXT, REQUIRED, NULL, "config key"},
    {'v', "value", OPTION_TEXT, REQUIRED, NULL, "config value"},
};
static const struct option KV_OPTIONS[] = {
    {'s', "namespace", OPTION_TEXT, REQUIRED, NULL, "set the namespace"},
    {'k', "key", OPTION_TEXT, REQUIRED, NULL, "set the key name"},
    {'v', "value", OPTION_TEXT, REQUIRED, NULL, "set the key value"},
};
static const struct option DELETE_KV_OPTIONS[] = {
    {'s', "namespace", OPTION_TEXT, REQUIRED, NULL, "set the namespace"},
    {'k', "key", OPTION_TEXT, REQUIRED, NULL, "set the key name"},
};

static const struct command COMMANDS[] = {
    COMMAND("updateKvConfig", "Create or update KV config.", update_kv_config, KV_OPTIONS),
    COMMAND("deleteKvConfig", "Delete KV config.", delete_kv_config, DELETE_KV_OPTIONS),
    COMMAND("wipeWritePerm",
            "Wipe write perm of broker in all name server you defined in the -n param",
            wipe_write_perm, PERM_OPTIONS),
    COMMAND("addWritePerm",
            "Add write perm of broker in all name server you defined in the -n param",
            add_write_perm, PERM_OPTIONS),
    {"getNamesrvConfig", "Get configs of name server.", get_namesrv_config, NULL, 0},
    COMMAND("updateNamesrvConfig", "Update configs of name server.", update_namesrv_config,
            UPDATE_OPTIONS),
};
const struct command_table NAMESRV_COMMANDS = {COMMANDS, sizeof(COMMANDS) / sizeof(COMMANDS[0])};
