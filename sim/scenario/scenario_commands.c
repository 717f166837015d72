/* sim/scenario/scenario_commands.c - the table of orders, and its check. */
#include "sim/scenario/scenario_commands.h"

#include <stdlib.h>
#include <string.h>

#include "sim/scenario/scenario_internal.h"

const char *const ROLE_NAMES[] = {"name server", "broker", "client"};

const struct command_info COMMANDS[] = {
    {ROLE_BROKER,
     "create-topic",
     "creates or updates a topic, as request 17 does",
     {"topic"},
     {"readQueueNums", "writeQueueNums", "perm"}},
    {ROLE_CLIENT,
     "create-topic",
     "mqadmin updateTopic at one broker or a cluster's masters (17)",
     {"topic"},
     {"brokerAddr", "clusterName", "readQueueNums", "writeQueueNums", "perm", "order"}},
    {ROLE_CLIENT,
     "wipe-write-perm",
     "mqadmin wipeWritePerm at each name server (205)",
     {"brokerName"},
     {NULL}},
    {ROLE_CLIENT,
     "add-write-perm",
     "mqadmin addWritePerm at each name server (327)",
     {"brokerName"},
     {NULL}},
    {ROLE_CLIENT,
     "delete-topic",
     "deletes a topic at each name server (216)",
     {"topic"},
     {"clusterName"}},
    {ROLE_CLIENT,
     "delete-topic-in-broker",
     "deletes a topic at one broker or a cluster's masters (215)",
     {"topic"},
     {"brokerAddr", "clusterName"}},
    {ROLE_CLIENT,
     "put-kv",
     "mqadmin updateKvConfig at each name server (100)",
     {"namespace", "key", "value"},
     {NULL}},
    {ROLE_CLIENT,
     "delete-kv",
     "mqadmin deleteKvConfig at each name server (102)",
     {"namespace", "key"},
     {NULL}},
    {ROLE_CLIENT,
     "update-namesrv-config",
     "mqadmin updateNamesrvConfig (318)",
     {"key", "value"},
     {NULL}},
    {ROLE_CLIENT,
     "update-broker-config",
     "mqadmin updateBrokerConfig at one broker or a cluster's masters (25)",
     {"key", "value"},
     {"brokerAddr", "clusterName"}},
    {ROLE_CLIENT, "stop-load", "ends a load of the client cleanly", {"name"}, {NULL}},
    {ROLE_CLIENT, "suspend-load", "suspends a consumer", {"name"}, {NULL}},
    {ROLE_CLIENT, "resume-load", "resumes a suspended consumer", {"name"}, {NULL}},
    {ROLE_CLIENT, "get-route", "asks the chosen name server for a route (105)", {"topic"}, {NULL}},
};
const size_t COMMAND_COUNT = sizeof COMMANDS / sizeof COMMANDS[0];

static const struct command_info *find_command(enum scenario_role role, const char *name) {
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (COMMANDS[i].role == role && strcmp(COMMANDS[i].name, name) == 0)
            return &COMMANDS[i];
    return NULL;
}

static void unknown_command(struct field_reader *reader, const struct doc_value *at,
                            enum scenario_role role, const char *name) {
    struct nearest nearest;
    nearest_begin(&nearest, name);
    bool any = false;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (COMMANDS[i].role != role)
            continue;
        nearest_offer(&nearest, COMMANDS[i].name);
        any = true;
    }
    doc_error(reader->errors, at, "a %s has no command \"%.60s\"; expected %s%s", ROLE_NAMES[role],
              name, any ? "one that mqsim list commands shows" : "brokers or clients as nodes",
              nearest_hint(&nearest));
}

static bool listed(const char *const *words, const char *word) {
    for (; *words != NULL; words++)
        if (strcmp(*words, word) == 0)
            return true;
    return false;
}

static void check_arguments(struct field_reader *reader, const struct command_info *info,
                            const struct doc_value *at) {
    const struct doc_value *arguments = doc_member(at, "arguments");
    for (const char *const *key = info->required; *key != NULL; key++)
        if (arguments == NULL || doc_member(arguments, *key) == NULL)
            doc_error(reader->errors, arguments == NULL ? at : arguments,
                      "the argument \"%s\" of %s is missing; expected it in \"arguments\"", *key,
                      info->name);
    const struct doc_value *argument = arguments == NULL ? NULL : arguments->first;
    for (; argument != NULL; argument = argument->next) {
        if (listed(info->required, argument->key) || listed(info->optional, argument->key))
            continue;
        struct nearest nearest;
        nearest_begin(&nearest, argument->key);
        for (const char *const *key = info->required; *key != NULL; key++)
            nearest_offer(&nearest, *key);
        for (const char *const *key = info->optional; *key != NULL; key++)
            nearest_offer(&nearest, *key);
        doc_key_error(reader->errors, argument,
                      "unknown argument \"%.60s\" of %s; expected one that mqsim list commands "
                      "shows%s",
                      argument->key, info->name, nearest_hint(&nearest));
    }
}

static struct span argument_value(struct scenario *scenario, struct field_reader *reader,
                                  const struct doc_value *at, struct span key, struct span value) {
    if (value.len < 2 || value.data[0] != '@')
        return value;
    const char *name = (const char *)value.data + 1; /* pool texts end with a NUL */
    for (size_t i = 0; i < scenario->node_count; i++)
        if (strcmp(scenario->nodes[i].name, name) == 0)
            return span_of_text(scenario_address(scenario, i));
    struct nearest nearest;
    const struct doc_value *argument =
        doc_member(doc_member(at, "arguments"), (const char *)key.data);
    doc_error(reader->errors, argument,
              "unknown node \"%.60s\"; expected \"@\" and a node of this cluster%s", name,
              nearest_of(&nearest, name, scenario->names.names, scenario->node_count));
    return value;
}

void command_check(struct scenario *scenario, struct field_reader *reader,
                   const struct doc_value *command_at, const char *command,
                   const struct targets *nodes, const struct doc_value *at,
                   const struct props *arguments, struct props *out) {
    bool seen[ROLE_COUNT] = {false};
    for (size_t i = 0; i < nodes->candidate_count; i++)
        seen[scenario->nodes[nodes->candidates[i]].role] = true;
    for (int role = 0; role < ROLE_COUNT; role++) {
        if (!seen[role])
            continue;
        const struct command_info *info = find_command((enum scenario_role)role, command);
        if (info == NULL)
            unknown_command(reader, command_at, (enum scenario_role)role, command);
        else
            check_arguments(reader, info, at);
    }
    out->capacity = arguments->count + 1;
    out->entries = pool_alloc(reader->pool, out->capacity * sizeof *out->entries);
    props_append(out, "do", command);
    for (size_t i = 0; i < arguments->count; i++) {
        struct props_entry entry = arguments->entries[i];
        entry.value = argument_value(scenario, reader, at, entry.key, entry.value);
        out->entries[out->count++] = entry;
    }
}

static struct span property(const struct props *props, const char *key) {
    for (size_t i = 0; i < props->count; i++)
        if (span_equal(props->entries[i].key, span_of_text(key)))
            return props->entries[i].value;
    return SPAN_NONE;
}

const char *scenario_address(struct scenario *scenario, size_t node) {
    const struct scenario_node *at = &scenario->nodes[node];
    struct span port = property(&at->group->properties, "listenPort");
    if (span_is_absent(port))
        port = property(&scenario->spec.defaults.role[at->role].properties, "listenPort");
    if (span_is_absent(port))
        port = at->role == ROLE_NAME_SERVER ? SPAN_LITERAL("9876") : SPAN_LITERAL("10911");
    return pool_format(&scenario->pool, "%s:%.*s", scenario->hosts[at->host].ip, (int)port.len,
                       (const char *)port.data);
}
