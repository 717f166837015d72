/* sim/report/summary_flow.h - the member "messages" of summary.json: how messages flowed.
 *
 * {"sends": {"started", "ok", "failed", "timed_out", "maybe_stored", "one_way"}, "deliveries",
 * "duplicates": {"all", CAUSE: count}, "lost", "lost_in_window", "backlog", "all": PHASE,
 * "faults": [{"index", "kind", "target", "first_success_ms" (null: none), "before", "during",
 * "after": PHASE}]}; PHASE: {"from_s", "to_s", "ok", "failed", "deliveries",
 * "duplicates", "lost_in_window", "lost" (of those acknowledged in it), "send_latency_us",
 * "produce_to_consume_us": {"count", "p50", "p99", "p99.9", "max"}}. "before" reaches from the end
 * of the fault before, "after" to the begin of the next one. Of the first 32 faults. */
#ifndef SIM_SUMMARY_FLOW_H
#define SIM_SUMMARY_FLOW_H

#include "sim/judge/judge.h"

struct cJSON;
/* Nothing when no message was sent or delivered. */
void summary_add_flow(struct cJSON *summary, const struct judge *judge,
                      const struct run_result *result);

#endif
