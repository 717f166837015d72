/* sim/run/sweep_message.h - an outcome as bytes, from a worker to its parent.
 *
 * Both are the same program forked: pointers to constants (names) mean the same in both. */
#ifndef SIM_SWEEP_MESSAGE_H
#define SIM_SWEEP_MESSAGE_H

#include "sim/run/sweep.h"

struct bytes {
    unsigned char *data;
    size_t len, capacity;
};
/* False: out of memory. */
bool bytes_reserve(struct bytes *bytes, size_t more);

/* Appends a message: length, index, result, what fired, samples. False: out of memory. */
bool sweep_message_encode(struct bytes *out, uint64_t index, const struct run_result *result,
                          const struct run_fired *fired, const struct judge *judge);

struct sweep_message {
    uint64_t index;
    struct run_result result;
    struct run_fired fired;
    /* point into the bytes, aligned; none of metrics per message */
    const struct metric_sample *samples[METRIC_COUNT];
    size_t sample_counts[METRIC_COUNT];
};
/* Length of the message at the front of `data`, or 0 while it is not complete. */
size_t message_length(const unsigned char *data, size_t len);
void sweep_message_decode(const unsigned char *data, struct sweep_message *out);

#endif
