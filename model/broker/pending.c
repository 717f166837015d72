/* broker/pending.c - see pending.h. */
#include "model/broker/pending.h"

#include "model/broker/broker_internal.h"

#define HALF_TOPIC SPAN_LITERAL("RMQ_SYS_TRANS_HALF_TOPIC")
#define HALF_GROUP SPAN_LITERAL("CID_RMQ_SYS_TRANS")

void pending_count(struct broker *broker) {
    int64_t checked = offsets_find(&broker->offsets, HALF_GROUP, HALF_TOPIC, 0);
    int64_t min = store_min_offset(broker->store, HALF_TOPIC, 0);
    int64_t max = store_max_offset(broker->store, HALF_TOPIC, 0);
    int64_t from = checked > min ? checked : min;
    if (max > from)
        env_log(broker->env, ENV_LOG_WARN,
                "this store holds %lld half messages that are pending: they stay as they are, "
                "nothing here checks them yet",
                (long long)(max - from));
}
