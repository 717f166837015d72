/* sim/report/series_store.h - series/store.csv: what the stores of brokers did, from the event log.
 *
 *   broker,what,from_s,to_s,count,detail
 *   what: refusing (puts, until they are accepted again), busy (answers), deleted (files),
 *         recovered, disk_failed (writes and syncs), failed (the store), down (until it serves)
 *
 * What happens again within a second is one line, with a count. to_s is empty when it lasts to the
 * end. `detail` is of the first one. */
#ifndef SIM_SERIES_STORE_H
#define SIM_SERIES_STORE_H

#include <stdio.h>

#include "sim/oracle/cluster.h"

enum store_act {
    STORE_REFUSING,
    STORE_BUSY,
    STORE_DELETED,
    STORE_RECOVERED,
    STORE_DISK_FAILED,
    STORE_FAILED,
    STORE_DOWN,
    STORE_ACTS
};
struct store_span {
    uint16_t node;
    uint8_t act;                    /* enum store_act */
    uint64_t count, from_ns, to_ns; /* to_ns CLUSTER_NEVER: goes on */
    char detail[64];
};
struct store_series {
    const struct oracle_host *host;
    struct table latest; /* (node, act) -> index in spans + 1 */
    struct store_span *spans;
    size_t count, capacity;
    bool no_memory;
};
/* Memory of the host, whose cluster is up to date with each record. */
void store_series_init(struct store_series *series, const struct oracle_host *host);
void store_series_on_record(struct store_series *series, const struct record *record);
void store_series_write(const struct store_series *series, FILE *out);

#endif
