/* sim/run/sweep_message.c - pieces of structs one behind the other, each padded to 8 bytes. */
#include "sim/run/sweep_message.h"

#include <stdlib.h>
#include <string.h>

#define PAD(len) (((len) + 7) & ~(size_t)7)

bool bytes_reserve(struct bytes *bytes, size_t more) {
    if (bytes->capacity - bytes->len >= more)
        return true;
    size_t capacity = bytes->capacity * 2 + more + 4096;
    unsigned char *data = realloc(bytes->data, capacity);
    if (data == NULL)
        return false;
    bytes->data = data;
    bytes->capacity = capacity;
    return true;
}

static bool put(struct bytes *out, const void *data, size_t len) {
    if (!bytes_reserve(out, PAD(len)))
        return false;
    if (len > 0)
        memcpy(out->data + out->len, data, len);
    memset(out->data + out->len + len, 0, PAD(len) - len);
    out->len += PAD(len);
    return true;
}

#define HEAD_BYTES offsetof(struct run_result, oracles)
#define ORACLE_BYTES sizeof(((struct run_result *)0)->oracles[0])
#define WITNESS_BYTES sizeof(((struct oracle_verdict *)0)->witness[0])

/* Without the witnesses that are not there. */
static size_t oracle_bytes(const struct run_result *result, size_t index) {
    size_t unused = ORACLE_WITNESS_MAX - result->oracles[index].verdict.witness_count;
    return ORACLE_BYTES - unused * WITNESS_BYTES;
}

static bool put_count(struct bytes *out, uint64_t count) {
    return put(out, &count, sizeof count);
}

static bool put_result(struct bytes *out, const struct run_result *result) {
    if (!put(out, result, HEAD_BYTES))
        return false;
    for (size_t i = 0; i < result->oracle_count; i++) {
        size_t len = oracle_bytes(result, i);
        if (!put_count(out, len) || !put(out, &result->oracles[i], len))
            return false;
    }
    return put_count(out, result->metric_count) &&
           put(out, result->metrics, result->metric_count * sizeof result->metrics[0]) &&
           put(out, result->assertion, sizeof result->assertion);
}

static bool put_fired(struct bytes *out, const struct run_fired *fired) {
    return put_count(out, fired->count) &&
           put(out, fired->kinds, fired->count * sizeof fired->kinds[0]);
}

/* Of what is measured per message the summary is all that a sweep's files hold. */
static bool put_samples(struct bytes *out, const struct judge *judge) {
    for (int i = 0; i < METRIC_COUNT; i++) {
        const struct metric_sample *samples = NULL;
        size_t count = metric_is_per_message((enum metric_id)i)
                           ? 0
                           : judge_samples(judge, METRIC_INFO[i].name, &samples);
        if (!put_count(out, count) || !put(out, samples, count * sizeof *samples))
            return false;
    }
    return true;
}

bool sweep_message_encode(struct bytes *out, uint64_t index, const struct run_result *result,
                          const struct run_fired *fired, const struct judge *judge) {
    size_t start = out->len;
    uint64_t len = 0;
    if (!put(out, &len, sizeof len) || !put(out, &index, sizeof index) ||
        !put_result(out, result) || !put_fired(out, fired) || !put_samples(out, judge))
        return false;
    len = out->len - start;
    memcpy(out->data + start, &len, sizeof len);
    return true;
}

size_t message_length(const unsigned char *data, size_t len) {
    uint64_t length;
    if (len < sizeof length)
        return 0;
    memcpy(&length, data, sizeof length);
    return length <= len ? (size_t)length : 0;
}

static void get(const unsigned char **cursor, void *out, size_t len) {
    if (len > 0)
        memcpy(out, *cursor, len);
    *cursor += PAD(len);
}
static size_t get_count(const unsigned char **cursor) {
    uint64_t count;
    get(cursor, &count, sizeof count);
    return (size_t)count;
}

void sweep_message_decode(const unsigned char *data, struct sweep_message *out) {
    const unsigned char *cursor = data + sizeof(uint64_t);
    struct run_result *result = &out->result;
    get(&cursor, &out->index, sizeof out->index);
    get(&cursor, result, HEAD_BYTES);
    for (size_t i = 0; i < result->oracle_count; i++)
        get(&cursor, &result->oracles[i], get_count(&cursor));
    result->metric_count = get_count(&cursor);
    get(&cursor, result->metrics, result->metric_count * sizeof result->metrics[0]);
    get(&cursor, result->assertion, sizeof result->assertion);
    out->fired.count = get_count(&cursor);
    get(&cursor, out->fired.kinds, out->fired.count * sizeof out->fired.kinds[0]);
    for (int i = 0; i < METRIC_COUNT; i++) {
        out->sample_counts[i] = get_count(&cursor);
        out->samples[i] = (const struct metric_sample *)(const void *)cursor;
        cursor += PAD(out->sample_counts[i] * sizeof(struct metric_sample));
    }
}
