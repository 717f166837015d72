/* wire/body_filter.h - config/consumerFilter.json: what groups filter by other than tags.
 *
 * Source: ConsumerFilterManager.java, ConsumerFilterData.java, BloomFilterData.java of 4.9.8. */
#ifndef MODEL_WIRE_BODY_FILTER_H
#define MODEL_WIRE_BODY_FILTER_H

#include "model/wire/body.h"

#define FILTER_BITS_MAX 8 /* hash functions of a bloom filter with an error rate of 1 % and more \
                           */

/* Places of a group and topic in the bit maps of the consume queue extension. */
struct filter_bits {
    int32_t bits; /* m; 0: absent */
    uint32_t count;
    int32_t at[FILTER_BITS_MAX];
};
struct filter_data {
    struct span topic, group;
    struct span expression, type;
    int64_t version; /* clientVersion */
    int64_t born_ms; /* wall */
    int64_t dead_ms; /* not below born_ms: dead since then */
    struct filter_bits bits;
};
static inline bool filter_is_dead(const struct filter_data *data) {
    return data->dead_ms >= data->born_ms;
}

/* Calls `each` (unless NULL) per entry, in order; a non-zero result stops it with that error. Spans
 * end with the call. Entries without topic, group, expression or type are left out. Errors:
 * RMQ_E_INVALID, RMQ_E_LIMIT, RMQ_E_RANGE with *error, RMQ_E_NOMEM. */
int filter_table_decode(struct span body, struct buf *scratch,
                        int (*each)(void *ctx, const struct filter_data *data), void *ctx,
                        struct wire_error *error) RMQ_CHECK_RESULT;
/* One entry: its key and value, in groupFilterData of its topic. */
void filter_data_write(struct json_writer *json, const struct filter_data *data);

#endif
