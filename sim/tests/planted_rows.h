/* sim/tests/planted_rows.h - the rows of test_planted.c (routes) and test_planted_messages.c. */
#ifndef SIM_TESTS_PLANTED_ROWS_H
#define SIM_TESTS_PLANTED_ROWS_H

#include "sim/oracle/oracle.h"

struct planted_row {
    const char *bug; /* a plant or a quirk; or another change, in words */
    const char *file;
    const char *const *sets; /* NULL: none; with these alone it passes */
    const char *on;          /* with this too, `oracle` fails */
    const char *oracle;
    enum oracle_class class_;
    unsigned median; /* of the seeds that are tried until it fails, at most; 0: in every run */
};

#define SCENARIO(name) "scenarios/" name ".json"
#define PLANT(name) "plant=[\"" name "\"]"
/* A tenth of its size, for speed. */
static const char *const HUNDRED_BROKERS[] = {"cluster.brokers.0.count=100", "expect.2.min=30",
                                              "expect.2.max=30", NULL};
static const char *const BLACK_HOLE[] = {"fault=black-hole", NULL};
static const char *const PAUSE[] = {"fault=pause", NULL};
static const char *const NO_IDLE_CLOSE[] = {
    "defaults={\"name_server\":{\"properties\":{\"serverChannelMaxIdleTimeSeconds\":0}}}", NULL};
static const char *const KILL[] = {"fault=kill", NULL};

static const struct planted_row ROUTE_ROWS[] = {
    {"namesrv.scan_never", SCENARIO("eviction-scan-only"), NULL, PLANT("namesrv.scan_never"),
     "detection", ORACLE_OBJECTIVE, 0},
    {"namesrv.scan_never", SCENARIO("talking-broker"), NULL,
     "plant=[\"broker.stop_registering\",\"namesrv.scan_never\"]", "event-count", ORACLE_OBJECTIVE,
     0},
    /* Two mechanisms remove a silent broker: one alone keeps the bound. */
    {"namesrv.scan_never", SCENARIO("silent-broker"), NO_IDLE_CLOSE, PLANT("namesrv.scan_never"),
     "detection", ORACLE_OBJECTIVE, 0},
    {"namesrv.scan_never", SCENARIO("paused-broker"), NO_IDLE_CLOSE, PLANT("namesrv.scan_never"),
     "detection", ORACLE_OBJECTIVE, 0},
    {"namesrv.scan_never", SCENARIO("oneway-broker-to-namesrv"), NO_IDLE_CLOSE,
     PLANT("namesrv.scan_never"), "detection", ORACLE_OBJECTIVE, 0},
    {"namesrv.evict_early", SCENARIO("silent-broker"), NULL, PLANT("namesrv.evict_early"),
     "route-bounds", ORACLE_SAFETY, 0},
    {"namesrv.evict_early", SCENARIO("silent-broker"), NULL, PLANT("namesrv.evict_early"),
     "eviction-window", ORACLE_OBJECTIVE, 0},
    {"namesrv.evict_early", SCENARIO("short-pause"), NULL, PLANT("namesrv.evict_early"),
     "detection", ORACLE_OBJECTIVE, 0},
    {"namesrv.evict_early", SCENARIO("oneway-broker-to-namesrv"), NULL,
     PLANT("namesrv.evict_early"), "route-bounds", ORACLE_SAFETY, 0},
    {"namesrv.evict_early", SCENARIO("thousand-brokers"), HUNDRED_BROKERS,
     PLANT("namesrv.evict_early"), "eviction-window", ORACLE_OBJECTIVE, 0},
    {"namesrv.evict_early", SCENARIO("eviction-study"), BLACK_HOLE, PLANT("namesrv.evict_early"),
     "route-bounds", ORACLE_SAFETY, 0},
    {"namesrv.evict_early", SCENARIO("eviction-study"), PAUSE, PLANT("namesrv.evict_early"),
     "route-bounds", ORACLE_SAFETY, 0},
    {"namesrv.close_takes_all", SCENARIO("eviction-study"), KILL, PLANT("namesrv.close_takes_all"),
     "route-bounds", ORACLE_SAFETY, 0},
    {"namesrv.close_takes_all", SCENARIO("killed-broker"), NULL, PLANT("namesrv.close_takes_all"),
     "route-bounds", ORACLE_SAFETY, 0},
    {"namesrv.keep_closed", SCENARIO("killed-broker"), NULL, PLANT("namesrv.keep_closed"),
     "detection", ORACLE_OBJECTIVE, 0},
    {"namesrv.keep_closed", SCENARIO("oneway-namesrv-to-broker"), NULL,
     PLANT("namesrv.keep_closed"), "detection", ORACLE_OBJECTIVE, 0},
    {"namesrv.keep_topics", SCENARIO("killed-broker"), NULL, PLANT("namesrv.keep_topics"),
     "convergence", ORACLE_LIVENESS, 0},
    {"namesrv.perm_returns", SCENARIO("drain-broker-permission"), NULL,
     PLANT("namesrv.perm_returns"), "event-count", ORACLE_OBJECTIVE, 0},
    {"namesrv.perm_returns", SCENARIO("drain-write-perm"), NULL, PLANT("namesrv.perm_returns"),
     "event-count", ORACLE_OBJECTIVE, 0},
    {"broker.register_first_only", SCENARIO("namesrv-restart"), NULL,
     PLANT("broker.register_first_only"), "route-bounds", ORACLE_SAFETY, 0},
    {"broker.register_serially", SCENARIO("one-namesrv-black-holed"), NULL,
     PLANT("broker.register_serially"), "registration-latency", ORACLE_OBJECTIVE, 0},
    {"broker.stop_registering", SCENARIO("silent-broker"), NULL, PLANT("broker.stop_registering"),
     "progress", ORACLE_LIVENESS, 0},
    {"broker.skip_missed", SCENARIO("paused-broker"), NULL, PLANT("broker.skip_missed"),
     "event-count", ORACLE_OBJECTIVE, 0},
    {"client.keep_route", SCENARIO("silent-broker"), NULL, PLANT("client.keep_route"),
     "client-follows", ORACLE_LIVENESS, 0},
    {"client.reconnect", SCENARIO("idle-clients"), NULL, PLANT("client.reconnect"), "no-churn",
     ORACLE_OBJECTIVE, 0},
    {"client.stop_polling", SCENARIO("det-nodes"), NULL, PLANT("client.stop_polling"), "progress",
     ORACLE_LIVENESS, 0},
    {"client.stop_polling", SCENARIO("det-links"), NULL, PLANT("client.stop_polling"), "progress",
     ORACLE_LIVENESS, 0},
    {"client.stop_polling", SCENARIO("det-hosts"), NULL, PLANT("client.stop_polling"), "progress",
     ORACLE_LIVENESS, 0},
    {"a slow network", SCENARIO("killed-broker"), NULL, "network.default.latency=1200ms",
     "eviction-window", ORACLE_OBJECTIVE, 0},
    {"incrementHidesTopics", SCENARIO("early-topic"), NULL, "quirk=true", "convergence",
     ORACLE_LIVENESS, 0},
    /* What a restarted name server hears first is one topic. */
    {"singleTopicGuard", SCENARIO("early-topic"), NULL,
     "defaults={\"name_server\":{\"properties\":{\"quirk.singleTopicGuard\":true}}}", "event-count",
     ORACLE_OBJECTIVE, 0},
    {"unregisterById", "sim/tests/data/planted/late-stop.json", NULL, "quirk=true", "route-bounds",
     ORACLE_SAFETY, 0},
    {"masterFlip", SCENARIO("two-masters"), NULL, "quirk=true", "no-flapping", ORACLE_SAFETY, 0},
    {"serialRegistration", SCENARIO("one-namesrv-black-holed"), NULL, "quirk=true", "event-count",
     ORACLE_OBJECTIVE, 0},
    {"serialRegistration", SCENARIO("one-namesrv-black-holed"), NULL, "quirk=true",
     "registration-latency", ORACLE_OBJECTIVE, 0},
};

/* Every group loses its members before its broker restarts, so that nobody brings offsets back. */
static const char *const ALL_AWAY[] = {
    "timeline=[{\"at\":\"50s\",\"do\":\"kill\",\"node\":\"consumer-*\",\"for\":\"30s\"},"
    "{\"at\":\"65s\",\"do\":\"kill\",\"node\":\"broker-a\",\"for\":\"5s\"}]",
    NULL};
/* Records of several pages: a lost or torn one is often in a body, where a checksum alone sees it.
 */
static const char *const LONG_BODIES[] = {"cluster.clients.0.loads.0.bytes=28000B",
                                          "cluster.clients.0.loads.0.rate=10/s",
                                          "disk.default.keep=99%",
                                          "disk.default.torn=5%",
                                          "log_file=1048576",
                                          NULL};
/* The member comes back before the queue is as long as it was. */
static const char *const BOTH_AWAY[] = {
    "timeline=[{\"at\":\"35s\",\"do\":\"power-off\",\"node\":\"broker-a\",\"for\":\"1s\"},"
    "{\"at\":\"35s\",\"do\":\"kill\",\"node\":\"consumer\",\"for\":\"2s\"}]",
    NULL};
/* Two tags of one hash. */
static const char *const EQUAL_HASHES[] = {"cluster.clients.0.loads.0.tags=Aa;BB",
                                           "cluster.clients.1.loads.0.subscription=Orders:Aa",
                                           NULL};
static const char *const FAILING[] = {"cluster.clients.1.loads.0.fail=5%", NULL};
static const char *const HEARS_OF_MOVES[] = {
    "cluster.clients.1.loads.0.subscription=Orders;OFFSET_MOVED_EVENT", NULL};
static const char *const SHORT_R0[] = {"duration=30s", NULL};

static const struct planted_row MESSAGE_ROWS[] = {
    {"store.ack_early", SCENARIO("power-off-sync"), NULL, PLANT("store.ack_early"), "acked-durable",
     ORACLE_SAFETY, 0},
    {"store.ack_early", SCENARIO("unflushed-seen"), NULL, PLANT("store.ack_early"), "acked-durable",
     ORACLE_SAFETY, 0},
    {"store.keep_tail", SCENARIO("stale-tail"), NULL, PLANT("store.keep_tail"), "no-phantom",
     ORACLE_SAFETY, 0},
    {"store.no_crc", SCENARIO("damaged-tail"), LONG_BODIES, PLANT("store.no_crc"), "no-phantom",
     ORACLE_SAFETY, 1},
    {"store.skip_dispatch", SCENARIO("slow-link"), NULL, PLANT("store.skip_dispatch"),
     "queue-dense", ORACLE_SAFETY, 0},
    {"store.skip_dispatch", SCENARIO("lossy-network"), NULL, PLANT("store.skip_dispatch"),
     "acked-durable", ORACLE_SAFETY, 0},
    {"store.wrong_unit", SCENARIO("fsync-errors"), NULL, PLANT("store.wrong_unit"), "queue-dense",
     ORACLE_SAFETY, 0},
    {"store.flush_never", SCENARIO("async-flush-loss"), NULL, PLANT("store.flush_never"),
     "acked-durable", ORACLE_SAFETY, 1},
    {"store.clean_eager", SCENARIO("consumer-paused"), NULL, PLANT("store.clean_eager"),
     "acked-durable", ORACLE_SAFETY, 0},
    {"store.refuse_torn", SCENARIO("stale-tail"), NULL, PLANT("store.refuse_torn"), "starts",
     ORACLE_LIVENESS, 0},
    {"broker.keep_offsets", SCENARIO("offsets-above-max"), BOTH_AWAY, PLANT("broker.keep_offsets"),
     "offsets-forward", ORACLE_SAFETY, 0},
    {"broker.commit_back", SCENARIO("full-disk"), NULL, PLANT("broker.commit_back"),
     "offsets-forward", ORACLE_SAFETY, 0},
    {"broker.commit_back", SCENARIO("power-off-sync"), NULL, PLANT("broker.commit_back"),
     "offsets-forward", ORACLE_SAFETY, 0},
    {"broker.forget_offsets", SCENARIO("broker-killed-under-load"), ALL_AWAY,
     PLANT("broker.forget_offsets"), "offsets-forward", ORACLE_SAFETY, 0},
    {"broker.busy_early", SCENARIO("slow-disk"), NULL, PLANT("broker.busy_early"), "flow-honest",
     ORACLE_SAFETY, 0},
    {"broker.hold_deaf", SCENARIO("park-race"), NULL, PLANT("broker.hold_deaf"),
     "messages-progress", ORACLE_LIVENESS, 0},
    {"broker.delete_early", SCENARIO("topic-deleted"), NULL, PLANT("broker.delete_early"),
     "topic-deleted", ORACLE_SAFETY, 0},
    {"store.forget_deleted", SCENARIO("topic-deleted"), NULL, PLANT("store.forget_deleted"),
     "topic-deleted", ORACLE_SAFETY, 0},
    {"acl.open", SCENARIO("access-control"), NULL, PLANT("acl.open"), "event-count",
     ORACLE_OBJECTIVE, 0},
    {"config.unsynced", SCENARIO("config-power-loss"), NULL, PLANT("config.unsynced"),
     "config-atomic", ORACLE_SAFETY, 0},
    {"config.unsynced", SCENARIO("power-off-async"), NULL, PLANT("config.unsynced"),
     "config-atomic", ORACLE_SAFETY, 0},
    {"producer.send_twice", SCENARIO("auto-create-race"), NULL, PLANT("producer.send_twice"),
     "no-duplicates", ORACLE_SAFETY, 0},
    {"producer.send_twice", SCENARIO("no-name-server"), NULL, PLANT("producer.send_twice"),
     "no-duplicates", ORACLE_SAFETY, 0},
    {"producer.same_broker", SCENARIO("hung-broker"), NULL, PLANT("producer.same_broker"),
     "sends-available", ORACLE_OBJECTIVE, 0},
    {"producer.flip_byte", SCENARIO("full-disk-cleans"), NULL, PLANT("producer.flip_byte"),
     "no-phantom", ORACLE_SAFETY, 0},
    {"consumer.drop_failed", SCENARIO("plain-workflow"), FAILING, PLANT("consumer.drop_failed"),
     "acked-durable", ORACLE_SAFETY, 0},
    {"consumer.commit_ahead", SCENARIO("consumer-paused"), NULL, PLANT("consumer.commit_ahead"),
     "acked-durable", ORACLE_SAFETY, 0},
    {"consumer.keep_queue", SCENARIO("rebalance-duplicates"), NULL, PLANT("consumer.keep_queue"),
     "one-owner", ORACLE_LIVENESS, 0},
    {"consumer.no_rebalance", SCENARIO("consumers-join-and-leave"), NULL,
     PLANT("consumer.no_rebalance"), "one-owner", ORACLE_LIVENESS, 1},
    {"consumer.any_tag", SCENARIO("plain-workflow"), EQUAL_HASHES, PLANT("consumer.any_tag"),
     "no-phantom", ORACLE_SAFETY, 0},
    {"broker.filter_blind", SCENARIO("sql-filter"), NULL, PLANT("broker.filter_blind"),
     "no-phantom", ORACLE_SAFETY, 0},
    {"broker.filter_blind", SCENARIO("sql-filter-broker-killed"), NULL,
     PLANT("broker.filter_blind"), "no-phantom", ORACLE_SAFETY, 0},
    {"unsyncedConfig", SCENARIO("config-power-loss"), NULL, "quirk=true", "config-atomic",
     ORACLE_SAFETY, 0},
    {"holdNoRecheck", SCENARIO("park-race"), NULL, "quirk=true", "messages-progress",
     ORACLE_LIVENESS, 0},
    {"dispatchAhead", SCENARIO("unflushed-seen"), NULL, "quirk=true", "queue-dense", ORACLE_SAFETY,
     0},
    {"staleTail", SCENARIO("stale-tail"), NULL, "quirk=true", "no-phantom", ORACLE_SAFETY, 0},
    {"readPastBad", SCENARIO("damaged-tail"), NULL, "quirk=true", "queue-dense", ORACLE_SAFETY, 1},
    {"offsetsUnchecked", SCENARIO("offsets-above-max"), NULL, "quirk=true", "offsets-forward",
     ORACLE_SAFETY, 1},
    {"offsetMovedMessage", SCENARIO("full-disk-cleans"), HEARS_OF_MOVES,
     "defaults={\"broker\":{\"properties\":{\"quirk.offsetMovedMessage\":true,"
     "\"mappedFileSizeCommitLog\":\"$log_file\",\"maxIndexNum\":\"$index_entries\"}}}",
     "no-phantom", ORACLE_SAFETY, 2},
    {"sharedBudget", SCENARIO("send-budget"), NULL, "quirk=true", "sends-available",
     ORACLE_OBJECTIVE, 0},
    {"delay.early", SCENARIO("delayed-messages"), NULL, PLANT("delay.early"), "delay-times",
     ORACLE_SAFETY, 0},
    {"delay.save_ahead", SCENARIO("delay-power-off"), NULL, PLANT("delay.save_ahead"),
     "delay-times", ORACLE_SAFETY, 0},
    {"delayByWall", SCENARIO("delay-wall-step"), NULL, "quirk=true", "delay-times", ORACLE_SAFETY,
     0},
    {"slaveStallWaits", SCENARIO("stalled-slave"), NULL, "quirk=true", "sends-available",
     ORACLE_OBJECTIVE, 0},
    {"slaveBelieved", SCENARIO("slave-ahead"), NULL, "quirk=true", "replicated", ORACLE_SAFETY, 0},
    {"slaveOffsetsOverwritten", SCENARIO("master-returns"), NULL, "quirk=true", "no-duplicates",
     ORACLE_SAFETY, 0},
    {"an asynchronous master", SCENARIO("replication"), NULL, "role=ASYNC_MASTER", "replicated",
     ORACLE_SAFETY, 0},
    {"a new slave gets the last file", SCENARIO("new-slave"), NULL, "from_first=false",
     "event-count", ORACLE_OBJECTIVE, 0},
    {"a slow network", SCENARIO("det-messages"), NULL, "network.default.latency=5s", "event-count",
     ORACLE_OBJECTIVE, 0},
    /* 4.9 tells a broker of its groups with heartbeats alone. */
    {"silence until a heartbeat", SCENARIO("broker-hang-forgets-groups"), NULL, "within=5s",
     "messages-progress", ORACLE_LIVENESS, 1},
    {"producer.flip_byte", SCENARIO("r0"), SHORT_R0, PLANT("producer.flip_byte"), "no-phantom",
     ORACLE_SAFETY, 0},
};
#define ROUTE_ROW_COUNT (sizeof ROUTE_ROWS / sizeof ROUTE_ROWS[0])
#define MESSAGE_ROW_COUNT (sizeof MESSAGE_ROWS / sizeof MESSAGE_ROWS[0])

#endif
