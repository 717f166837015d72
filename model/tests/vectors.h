/* tests/vectors.h - frames recorded from Apache RocketMQ, for tests.
 *
 * The files are model/tests/vectors/wire/<release>-<who>-<subject>.jsonl.xz; their README says how
 * they were recorded. Any failure to read one ends the test program with a message. */
#ifndef MODEL_TESTS_VECTORS_H
#define MODEL_TESTS_VECTORS_H

#include <cjson/cJSON.h>

#include "model/wire/frame.h"

struct vector_row {
    const char *file; /* "4.9.7-probe-all" */
    int64_t n;        /* row number in the file, from 1 */
    int64_t t_ms;     /* since the file's first row */
    int64_t conn;
    bool to_server;    /* dir c2s: sent by the side that connected */
    const char *port;  /* "namesrv", "broker", "ha" */
    const char *step;  /* what the driver did; "" when absent */
    const char *event; /* "close" or "reset" instead of a frame, else NULL */
    bool bad;          /* does not parse, on purpose; the members below `bytes` are not set */
    struct span bytes; /* the whole frame; for port ha a piece of the replication stream */
    int32_t code, opaque, flag, version;
    enum wire_serialization serialization;
    const char *language; /* "JAVA", also names that do not exist, "UNKNOWN"; NULL when absent */
    const char *remark;   /* NULL when absent */
    const cJSON *ext;     /* object of strings, NULL when absent */
    size_t body_len;
};

struct vector_file {
    struct vector_row *rows;
    size_t count;
    cJSON **documents; /* own what rows point to */
};

/* Names of all files, sorted by bytes; static for the life of the program. */
const char *const *vectors_names(size_t *count);
struct vector_file *vectors_load(const char *name);
void vectors_free(struct vector_file *file);
/* The row is a remoting frame that parses. */
bool vector_is_frame(const struct vector_row *row);
/* The answer to request `row` of `file`: same connection and opaque, other direction, later; NULL
 * when there is none. */
const struct vector_row *vector_answer(const struct vector_file *file,
                                       const struct vector_row *row);
/* Value of an ext field, NULL when absent. */
const char *vector_ext(const struct vector_row *row, const char *key);

#endif
