/* sim/oracle/oracle.c - the list of oracles. */
#include "sim/oracle/oracle.h"

#define ORACLE_LIST(X)             \
    X(ORACLE_ROUTE_BOUNDS)         \
    X(ORACLE_CONVERGENCE)          \
    X(ORACLE_NO_FLAPPING)          \
    X(ORACLE_PROGRESS)             \
    X(ORACLE_EVICTION_WINDOW)      \
    X(ORACLE_CLIENT_FOLLOWS)       \
    X(ORACLE_NO_CHURN)             \
    X(ORACLE_DETECTION)            \
    X(ORACLE_REGISTRATION_LATENCY) \
    X(ORACLE_EVENT_COUNT)          \
    X(ORACLE_ACKED_DURABLE)        \
    X(ORACLE_NO_DUPLICATES)        \
    X(ORACLE_OFFSETS_FORWARD)      \
    X(ORACLE_ONE_OWNER)            \
    X(ORACLE_QUEUE_DENSE)          \
    X(ORACLE_MESSAGES_PROGRESS)    \
    X(ORACLE_SENDS_AVAILABLE)      \
    X(ORACLE_FLOW_HONEST)          \
    X(ORACLE_STARTS)               \
    X(ORACLE_CONFIG_ATOMIC)        \
    X(ORACLE_NO_PHANTOM)           \
    X(ORACLE_DELAY_TIMES)          \
    X(ORACLE_REPLICATED)           \
    X(ORACLE_TOPIC_DELETED)

#define ORACLE_DECLARE(id) extern const struct oracle_type id;
ORACLE_LIST(ORACLE_DECLARE)

#define ORACLE_ROW(id) &id,
const struct oracle_type *const ORACLES[] = {ORACLE_LIST(ORACLE_ROW)};
const size_t ORACLE_COUNT = sizeof ORACLES / sizeof ORACLES[0];

const char *verdict_name(enum verdict verdict) {
    static const char *const names[] = {"pass", "fail", "unknown"};
    return names[verdict];
}

const struct oracle_type *oracle_find(struct span name) {
    for (size_t i = 0; i < ORACLE_COUNT; i++)
        if (span_equal(name, span_of_text(ORACLES[i]->name)))
            return ORACLES[i];
    return NULL;
}
