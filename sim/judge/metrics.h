/* sim/judge/metrics.h - what is measured in a run, from its event stream alone.
 *
 * Kept in nanoseconds; a summary gives them in the unit of the name, rounded down. "The fault" of a
 * broker is the latest world.fault with phase begin or once that concerns its node (see
 * sim/oracle/cluster.h). Tags say what kind a value is. */
#ifndef SIM_METRICS_H
#define SIM_METRICS_H

#include "sim/judge/flow_series.h"
#include "sim/judge/judge.h"
#include "sim/oracle/cluster.h"

/* id, name, nanoseconds per unit, meaning (node / subject / tag), what theory says */
#define METRICS(X)                                                                              \
    X(EVICTION_AFTER_LAST_REGISTRATION, "eviction_after_last_registration_ms", 1000000,         \
      "a name server removed a broker: time since it last accepted a registration from it, by " \
      "its own clock (name server / broker / reason)",                                          \
      "idle close 120.0 s; scan 120 to 130 s (4.9), 120 to 125 s (5.3); close: any")            \
    X(EVICTION_AFTER_FAULT, "eviction_after_fault_ms", 1000000,                                 \
      "the same, since the fault that hit the broker (name server / broker / reason)",          \
      "kill 0 s; silent: 90 to 120 s by idle close, 90 to 130 s (4.9) or 90 to 125 s (5.3) by " \
      "scan")                                                                                   \
    X(CLIENT_DROP_AFTER_FAULT, "client_drop_after_fault_ms", 1000000,                           \
      "a client stopped believing in a broker that a fault hit (client / broker / fault kind)", \
      "eviction_after_fault plus 0 to 30 s")                                                    \
    X(CLIENT_DROP_AFTER_EVICTION, "client_drop_after_eviction_ms", 1000000,                     \
      "the same, since the client's name server removed the broker (client / broker / reason)", \
      "0 to 30 s: one poll")                                                                    \
    X(RETURN_AFTER_RESUME, "return_after_resume_ms", 1000000,                                   \
      "a name server lists a broker again, since the fault's end or the process's start (name " \
      "server / broker / what ended: resume, heal, start)",                                     \
      "paused: 0 s, missed registrations are sent at once; network healed: up to one period, "  \
      "30 s")                                                                                   \
    X(REGISTRATION_LATENCY, "registration_latency_us", 1000,                                    \
      "a broker's registration was answered (broker / name server / answered)",                 \
      "one round trip plus the name server's work")                                             \
    X(POLL_DURATION, "poll_duration_ms", 1000000,                                               \
      "a client's route poll of all its topics (client / none / ok, failed)",                   \
      "one round trip per topic; 3 s per try at a name server that hangs")                      \
    X(SEND_LATENCY, "send_latency_us", 1000,                                                    \
      "an application's send was acknowledged (client / broker / ok, retried)",                 \
      "one round trip plus the broker's write; with sync flush its sync too")                   \
    X(PRODUCE_TO_CONSUME, "produce_to_consume_us", 1000,                                        \
      "a message was first handed to a group, since its send began (consumer / broker / "       \
      "delivered)",                                                                             \
      "send latency plus half a round trip: a held pull is woken")                              \
    X(FIRST_SUCCESS_AFTER_FAULT, "first_success_after_fault_ms", 1000000,                       \
      "the first send that began after a fault was acknowledged, since the fault (client / "    \
      "none / after)",                                                                          \
      "at once while a healthy broker is left; else up to the fault's end and a route poll")    \
    X(UNAVAILABLE, "unavailable_ms", 1000000,                                                   \
      "a client's sends failed: from the begin of the first one to the next success (client / " \
      "none / send)",                                                                           \
      "0 while a healthy broker is left: a failed attempt is tried elsewhere")

enum metric_id {
#define METRIC_ENUM(id, name, ns_per_unit, about, theory) METRIC_##id,
    METRICS(METRIC_ENUM) METRIC_COUNT
#undef METRIC_ENUM
};
struct metric_info {
    const char *name;
    uint64_t ns_per_unit;
    const char *about;
    const char *theory;
};
extern const struct metric_info METRIC_INFO[METRIC_COUNT];
/* -1: no such metric. */
int metric_find(const char *name);

struct metrics;
/* Memory and the views of cluster and messages from `host`, which must outlive it like `flow`,
 * which is up to date with each record; NULL: no memory. */
struct metrics *metrics_create(const struct oracle_host *host, const struct flow_series *flow);
void metrics_on_record(struct metrics *metrics, const struct record *record);
bool metrics_complete(const struct metrics *metrics); /* false: memory ran out on the way */

/* Samples kept of one metric, in order. Above this many, every second one is dropped, and from then
 * on only each second (fourth, ...) one is kept; count, min and max stay exact. */
#define METRIC_SAMPLES_MAX 16384
/* The same of a metric that has a value per message; its p50 and p99 are those of a histogram
 * (sim/judge/histogram.h) of all values. */
#define METRIC_MESSAGE_SAMPLES_MAX 512
bool metric_is_per_message(enum metric_id id);
size_t metrics_samples(const struct metrics *metrics, enum metric_id id,
                       const struct metric_sample **samples);
/* Summary in the metric's unit; `scratch` has room for all kept samples. */
void metrics_summarise(const struct metrics *metrics, enum metric_id id, uint64_t *scratch,
                       struct metric_summary *out);

/* Count, min, p50, p99, max of `count` values in nanoseconds (sorts them), in the metric's unit,
 * rounded down; percentiles are nearest rank. */
void metric_summarise(enum metric_id id, uint64_t *values, size_t count,
                      struct metric_summary *out);

#endif
