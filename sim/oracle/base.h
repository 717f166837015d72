/* sim/oracle/base.h - what all oracles share: parameters, verdict, witness.
 *
 * An oracle's struct begins with struct oracle_base. Its create function calls oracle_begin, reads
 * its parameters with the oracle_read_* functions and ends with oracle_ready; its finish function
 * ends with oracle_end. */
#ifndef SIM_ORACLE_BASE_H
#define SIM_ORACLE_BASE_H

#include "sim/oracle/messages.h"

struct oracle_base {
    struct oracle_host host;
    const struct oracle_type *type;
    const struct props *parameters; /* during create only */
    const char *bad;                /* first bad parameter's message */
    struct span excused;            /* names of nodes */
    uint64_t failures;
    bool no_memory;
    const char *unknown; /* static: why no verdict is possible, whatever was seen */
    struct oracle_verdict verdict;
};

/* An instance of `size` bytes, zeroed; checks that all keys are known ones. NULL: no memory. */
void *oracle_begin(const struct oracle_host *host, const struct oracle_type *type,
                   const struct props *parameters, size_t size, const char **error);
/* `oracle`, or NULL and *error after a bad parameter. */
void *oracle_ready(void *oracle, const char **error);

/* Values of parameters, the type's fallback when absent. Durations: decimal nanoseconds, or a
 * number with ns, us, ms, s, m or h ("1.5s" is allowed). Text is copied. */
uint64_t oracle_read_duration(struct oracle_base *base, const char *key);
uint64_t oracle_read_count(struct oracle_base *base, const char *key);
bool oracle_read_bool(struct oracle_base *base, const char *key);
struct span oracle_read_text(struct oracle_base *base, const char *key);
bool oracle_has(const struct oracle_base *base, const char *key);
/* A value is wrong in a way that its type does not show. */
void oracle_refuse(struct oracle_base *base, const char *key, const char *expected);
bool duration_parse(struct span text, uint64_t *ns);

/* A violation. The first one's reason and witness are kept, the others are counted. Returns whether
 * this is the first, so that the caller adds its witness. */
bool oracle_fail(struct oracle_base *base, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Adds a link to the first violation's chain, in order of time. */
void oracle_witness(struct oracle_base *base, struct oracle_mark mark, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool oracle_excuses(const struct oracle_base *base, const struct cluster_node *node);
/* The verdict: fail, else unknown (no memory, `unknown`, nothing checked: `nothing` says what was
 * missing), else pass. */
void oracle_end(struct oracle_base *base, const char *nothing, struct oracle_verdict *out);

/* For messages: whole seconds and the milliseconds behind them. */
#define SECONDS_FORMAT "%llu.%03llu s"
#define SECONDS(ns) \
    (unsigned long long)((ns) / 1000000000U), (unsigned long long)((ns) / 1000000U % 1000U)
/* For "%.*s". */
#define TEXT(span) \
    (int)((span).len > 80 ? 80 : (span).len), (span).data == NULL ? "" : (const char *)(span).data

#endif
