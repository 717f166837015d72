/* base/exposition.h - Prometheus' text format, version 0.0.4: metrics and their samples.
 *
 * Per metric: exposition_metric, then its samples: exposition_sample, labels, one value. Memory
 * that is out shows in the buf. */
#ifndef MODEL_BASE_EXPOSITION_H
#define MODEL_BASE_EXPOSITION_H

#include "model/base/decimal.h"
#include "model/base/latency.h"

struct exposition {
    struct buf *out;
    const char *name; /* of the metric */
    bool labelled;    /* the sample at hand has a label */
};

/* `type`: gauge, counter or histogram. `help`: one line. */
void exposition_metric(struct exposition *x, struct buf *out, const char *name, const char *type,
                       const char *help);
/* `suffix` behind the metric's name: "" or "_bucket" and the like. */
void exposition_sample(struct exposition *x, const char *suffix);
void exposition_label(struct exposition *x, const char *key, struct span value);
void exposition_label_number(struct exposition *x, const char *key, int64_t value);
void exposition_number(struct exposition *x, int64_t value);
void exposition_count(struct exposition *x, uint64_t value);
void exposition_decimal(struct exposition *x, int64_t millionths);
/* The samples of a histogram in us with one label; buckets at powers of two. */
void exposition_latency(struct exposition *x, const char *key, struct span value,
                        const struct latency *latency);

#endif
