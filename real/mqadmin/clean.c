/* mqadmin/clean.c - cleanExpiredCQ, cleanUnusedTopic, deleteExpiredCommitLog. */
#include "real/mqadmin/cluster.h"
#include "real/mqadmin/print.h"

/* `code` to the broker of -b, or to each of the cluster of -c, or of all clusters. */
static void clean(struct admin *admin, int32_t code) {
    struct targets targets;
    if (!find_targets(admin, "cluster", TARGET_ALL, &targets))
        return;
    struct call *calls = arena_alloc(&admin->arena, targets.count * sizeof(*calls));
    for (size_t i = 0; i < targets.count; i++) {
        call_init(&calls[i], targets.addresses[i], code, NULL);
        calls[i].timeout_ms = CALL_TIMEOUT_LONG_MS;
    }
    call_all(admin, calls, targets.count);
    bool ok = true;
    put_array_begin(admin, "brokers");
    for (size_t i = 0; i < targets.count; i++) {
        if (call_ok(admin, &calls[i]))
            put_text(admin, NULL, calls[i].address);
        else
            ok = false;
    }
    put_array_end(admin);
    say(admin, "%s\n", ok ? "success" : "false");
}

static void clean_expired_cq(struct admin *admin) {
    clean(admin, REQUEST_CLEAN_EXPIRED_CONSUMEQUEUE);
}
static void clean_unused_topic(struct admin *admin) {
    clean(admin, REQUEST_CLEAN_UNUSED_TOPIC);
}
static void delete_expired_commit_log(struct admin *admin) {
    clean(admin, REQUEST_DELETE_EXPIRED_COMMITLOG);
}

static const struct option OPTIONS[] = {
    {'b', "brokerAddr", OPTION_TEXT, AT_MOST_ONE, NULL, "Broker address"},
    {'c', "cluster", OPTION_TEXT, AT_MOST_ONE, NULL, "cluster name; neither: all clusters"},
};
static const struct command COMMANDS[] = {
    COMMAND("cleanExpiredCQ", "Clean expired ConsumeQueue on broker.", clean_expired_cq, OPTIONS),
    COMMAND("cleanUnusedTopic", "Clean unused topic on broker.", clean_unused_topic, OPTIONS),
    COMMAND("deleteExpiredCommitLog", "Delete expired CommitLog files", delete_expired_commit_log,
            OPTIONS),
};
const struct command_table CLEAN_COMMANDS = {COMMANDS, sizeof(COMMANDS) / sizeof(COMMANDS[0])};
