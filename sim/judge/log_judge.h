/* sim/judge/log_judge.h - judges an event log offline: what mqsim check does, for the program and
 * its tests. */
#ifndef SIM_LOG_JUDGE_H
#define SIM_LOG_JUDGE_H

#include "sim/judge/heap_host.h"
#include "sim/judge/judge.h"

/* Expectations read from text; own their parameters. */
struct expectation_list {
    struct judge_expectation items[RUN_ORACLES_MAX];
    struct props props[RUN_ORACLES_MAX];
    size_t count;
};
/* Adds "name" or "name,key=value,key=value" (a value goes up to the next ",key="). False with a
 * message in `error`. */
bool expectation_add_text(struct expectation_list *list, const char *text, char error[256]);
/* Adds those of a scenario's "expect". */
bool expectation_add_scenario(struct expectation_list *list, const char *scenario_json,
                              char error[256]);
void expectation_free(struct expectation_list *list);

struct log_verdict {
    struct record_log *log; /* names of nodes are its */
    struct heap_host heap;  /* holds the judge */
    struct judge *judge;
    struct run_result result;
    uint64_t records;
};
/* Judges the log at `path`, up to `end_ns` or, when that is 0, to its last record. False with a
 * message in `error`: no log, damaged, a bad parameter. log_verdict_free in both cases. */
bool log_judge(const char *path, const struct expectation_list *list, uint64_t end_ns,
               struct log_verdict *out, char error[256]);
void log_verdict_free(struct log_verdict *verdict);

#endif
