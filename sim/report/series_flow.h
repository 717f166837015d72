/* sim/report/series_flow.h - tables of how messages flowed, from what the judge kept.
 *
 *   series/flow.csv       from_s,to_s,sends_started,sends_acked,sends_failed,delivered,duplicates,
 *                         backlog (at to_s), then send_p50_us, send_p99_us, send_p99.9_us and
 *                         consume_... (from a send's begin to its first delivery); empty: none
 *   series/latencies.csv  kind (send, send_failed, consume),at_s,latency_us: single messages; each
 *                         so manieth one when there are many
 *   series/phases.csv     from_s,to_s,sends_acked,sends_failed,delivered,duplicates,
 *                         lost_in_window,lost: between begins and ends of faults
 *   series/ownership.csv  group,topic,broker,queue,owner,from_s,to_s (empty: until the end) */
#ifndef SIM_SERIES_FLOW_H
#define SIM_SERIES_FLOW_H

#include "sim/judge/judge.h"

/* Nothing when no message was sent or delivered. False with errno. */
bool series_flow_write(const char *directory, const struct judge *judge, uint64_t end_ns);

#endif
