/* sim/judge/flow_series.h - how messages flowed in a run: counts, points over time, latencies by
 * phase, owners of queues. From the event stream and the ledger (sim/oracle/messages.h), for
 * metrics, summary, table and pictures. Bounded: when there are FLOW_POINTS_MAX points, each two
 * become one; what does not fit into the other arrays is counted as left out. */
#ifndef SIM_FLOW_SERIES_H
#define SIM_FLOW_SERIES_H

#include "sim/judge/histogram.h"
#include "sim/oracle/messages.h"

struct flow_counts {
    uint64_t started, acked, failed;
    uint64_t one_way;                     /* handed to a connection; not in acked nor failed */
    uint64_t timed_out;                   /* of the failed ones: no answer in time */
    uint64_t maybe_stored;                /* of the failed ones */
    uint64_t delivered;                   /* all deliveries, duplicates included */
    uint64_t duplicates[DUPLICATE_COUNT]; /* by cause */
    uint64_t lost_in_window;              /* acknowledged, not flushed, gone by a power-off */
    uint64_t lost;                        /* acknowledged and gone for any other reason */
};

enum { FLOW_P50, FLOW_P99, FLOW_P999, FLOW_QUANTILES };
/* One span of `flow_series_step_ns`, the first one from time 0. */
struct flow_point {
    uint32_t started, acked, failed, delivered, duplicates;
    uint32_t backlog;                 /* at its end: known in queues, not delivered, all groups */
    uint32_t send_us[FLOW_QUANTILES]; /* of its acknowledgements; 0: none */
    uint32_t consume_us[FLOW_QUANTILES]; /* of its first deliveries, from send.started */
};
#define FLOW_POINTS_MAX 4096

/* One message's latency. */
enum flow_sample_kind { FLOW_SENT, FLOW_SEND_FAILED, FLOW_CONSUMED, FLOW_SAMPLE_KINDS };
struct flow_sample {
    uint64_t at_ns; /* when it was known */
    uint64_t latency_ns;
};
/* One of `every` of a kind, drawn: producers that take turns would show but one of them to a fixed
 * step. When they are too many, every second one goes. */
#define FLOW_SAMPLES_MAX 1024
struct flow_samples {
    struct flow_sample *samples;
    size_t count, capacity;
    uint64_t every, until; /* until: how many to skip before the next one */
    uint64_t draw;         /* of a generator of its own, the same in each run */
};

/* Time between two boundaries: begin or end of a fault, a broker that serves again. */
struct flow_phase {
    uint64_t begin_ns;
    uint64_t acked, failed, delivered, duplicates;
    uint64_t lost_in_window, lost;  /* of those acknowledged in it */
    struct histogram send, consume; /* ns */
};
#define FLOW_PHASES_MAX 256 /* the last one then holds the rest */

/* A queue was owned. */
struct flow_span {
    uint32_t progress; /* index of the group's progress on the queue in the ledger */
    uint16_t node;
    uint64_t begin_ns, end_ns; /* end CLUSTER_NEVER: still */
};
#define FLOW_SPANS_MAX 16384

/* In the order of fault_watch_list. */
struct flow_fault {
    uint64_t begin_ns;
    uint64_t end_ns;     /* of one that leaves no lasting state: its broker serves again, its
                            client's process is there again */
    uint64_t success_ns; /* acknowledgement of the first send begun after it; CLUSTER_NEVER */
    uint16_t node;
    char target[128];
    bool lasting;
};

struct flow_series {
    struct oracle_host host;
    struct flow_counts counts;
    uint64_t step_ns;
    struct flow_point *points; /* complete ones */
    size_t point_count, point_capacity;
    struct flow_point now; /* the one that is not */
    struct histogram now_send, now_consume;
    struct flow_samples samples[FLOW_SAMPLE_KINDS];
    struct flow_phase *phases;
    size_t phase_count, phase_capacity;
    struct flow_span *spans;
    size_t span_count, span_capacity, spans_left_out;
    struct flow_fault *faults;
    size_t fault_count, fault_capacity;
    size_t without_success; /* faults whose success is to come */
    size_t succeeded_from;  /* of the record at hand: faults [from, to) may have got theirs */
    bool success;           /* ... and at least one did */
    bool no_memory;
};

struct flow_series *flow_series_create(const struct oracle_host *host); /* NULL: no memory */
void flow_series_on_record(struct flow_series *series, const struct record *record);
/* Completes the last point. */
void flow_series_finish(struct flow_series *series, uint64_t end_ns);

/* Sums of the phases that begin in [from, to): into zeroed histograms and counts. False: memory. */
bool flow_series_sum(const struct flow_series *series, uint64_t from_ns, uint64_t to_ns,
                     struct flow_phase *out);
/* Duplicates of all causes. */
uint64_t flow_duplicates(const struct flow_counts *counts);

#endif
