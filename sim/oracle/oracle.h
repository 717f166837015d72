/* sim/oracle/oracle.h - judges: they listen to the event stream and give a verdict of three values.
 *
 * One oracle is one file in sim/oracle/ with a row in ORACLES: its name, what it asserts, what
 * excuses it. It works incrementally, counts what it checked, and on failure keeps a witness: the
 * shortest chain of events that shows it. It never looks into a node. The same code judges a run
 * inside the simulator (state in the arena) and a log offline (mqsim check). */
#ifndef SIM_ORACLE_H
#define SIM_ORACLE_H

#include "model/base/props.h"
#include "sim/record/record.h"

enum verdict { VERDICT_PASS, VERDICT_FAIL, VERDICT_UNKNOWN };
const char *verdict_name(enum verdict verdict);

/* Where a fact was seen, to be a witness later. */
struct oracle_mark {
    uint64_t world_ns;
    uint16_t node;
    uint16_t kind;
};
static inline struct oracle_mark oracle_mark(const struct record *record) {
    return (struct oracle_mark){record->world_ns, record->node, record->kind};
}

/* What an oracle may use: memory, names of nodes, and what the stream says about the cluster and
 * about messages, which is up to date with the record at hand. Set by the judge. */
struct cluster;  /* sim/oracle/cluster.h */
struct messages; /* sim/oracle/messages.h */
struct oracle_host {
    void *(*alloc)(void *ctx, size_t size); /* zeroed */
    void (*free)(void *ctx, void *block);
    const char *(*node_name)(void *ctx, uint16_t node);
    void *ctx;
    const struct cluster *cluster;
    const struct messages *messages;
};

#define ORACLE_WITNESS_MAX 8
#define ORACLE_TEXT_MAX 256
struct oracle_verdict {
    enum verdict verdict;
    uint64_t checked; /* how many facts it judged; 0 with PASS is reported as unknown */
    char reason[ORACLE_TEXT_MAX];
    size_t witness_count;
    struct {
        uint64_t world_ns;
        uint16_t node;
        uint16_t kind;
        char text[ORACLE_TEXT_MAX];
    } witness[ORACLE_WITNESS_MAX];
};

struct oracle_parameter {
    const char *key;
    const char *unit;     /* "duration", "count", "text", "bool", "ratio" */
    const char *fallback; /* NULL: required */
    const char *about;
};
enum oracle_class {
    ORACLE_SAFETY = 11,
    ORACLE_LIVENESS = 12,
    ORACLE_OBJECTIVE = 13
}; /* exit code */
struct oracle_type {
    const char *name;
    enum oracle_class class_;
    const char *about;
    const struct oracle_parameter *parameters;
    size_t parameter_count;
    const uint16_t *kinds; /* of events it listens to, ended by EVENT_KIND_COUNT; NULL: all */
    /* `parameters` as text; durations in ns, decimal. NULL and *error (memory of the host, or
     * static) on a bad value or an unknown key. */
    void *(*create)(const struct oracle_host *host, const struct props *parameters,
                    const char **error);
    void (*on_record)(void *oracle, const struct record *record);
    /* End of the run at `end_ns`. */
    void (*finish)(void *oracle, uint64_t end_ns, struct oracle_verdict *out);
};
/* Names and parameters ("excused" is a comma-separated list of nodes in all of them):
 *   route-bounds          expiry scan period rpc slack excused
 *   convergence           within excused
 *   no-flapping           changes within
 *   progress              of within excused
 *   eviction-window       reason since min max broker
 *   client-follows        within excused
 *   no-churn              role after max
 *   detection             broker on within never
 *   registration-latency  max late_max on after
 *   event-count           event node field value from until min max
 *   acked-durable         sync window retention filtered excused
 *   no-duplicates         max max_ppm ignore excused
 *   offsets-forward       window handover ignore excused
 *   one-owner             overlap within ignore excused
 *   queue-dense           filtered excused
 *   messages-progress     within ignore excused
 *   sends-available       max_failed_ppm gap retry known excused
 *   flow-honest           page_cache send_queue pull_queue overload max excused
 *   starts                within excused
 *   config-atomic         files excused
 *   no-phantom            excused
 *   transactions          checks within delivered excused */
extern const struct oracle_type *const ORACLES[];
extern const size_t ORACLE_COUNT;
const struct oracle_type *oracle_find(struct span name);

#endif
