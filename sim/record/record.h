/* sim/record/record.h - the binary event log: what a run did, one record after the other.
 *
 * Record: u32 length (of the whole record), u16 kind, u16 node, u32 incarnation, u32 node_sequence,
 * u64 world_ns, u64 mono_ns, i64 wall_ms, then the fields of the kind: text as u32 length and
 * bytes, numbers as u64. Little-endian, packed. Kinds below EVENT_KIND_COUNT are model/events.h;
 * from RECORD_STEP on they are the world's steps (network, timers), written only when the sink asks
 * for steps, and never seen by oracles. File: header line "windtunnel-events 1\n", one JSON line
 * (node names, seed, scenario, commit, "clock": "world", or "wall" of real runs, whose world_ns is
 * 0 in the file), then records. */
#ifndef SIM_RECORD_H
#define SIM_RECORD_H

#include <stdio.h>

#include "model/base/check.h"
#include "model/events.h"

#define RECORD_STEP 0x8000
/* Step kinds: name, fields (all numbers). `other` is the peer node's number. */
#define RECORD_STEPS(X)                                         \
    X(TIMER, "step.timer", "")                                  \
    X(CHUNK, "step.chunk", "from,connection,offset,bytes,hash") \
    X(OPEN, "step.open", "from,connection")                     \
    X(ACCEPT, "step.accept", "from,connection")                 \
    X(CLOSE, "step.close", "from,connection,reason")            \
    X(DRAIN, "step.drain", "from,connection")                   \
    X(START, "step.start", "incarnation")                       \
    X(STOP, "step.stop", "incarnation")                         \
    X(COMMAND, "step.command", "index")                         \
    X(DISK, "step.disk", "operation,file,offset,bytes,hash")
enum record_step {
    RECORD_STEP_BASE = RECORD_STEP - 1,
#define RECORD_ENUM(id, name, fields) STEP_##id,
    RECORD_STEPS(RECORD_ENUM)
#undef RECORD_ENUM
        RECORD_STEP_END
};

/* A record in memory, decoded; spans point into the record's bytes. */
#define RECORD_FIELDS_MAX 12
struct record {
    uint16_t kind;
    uint16_t node; /* 0 is the world */
    uint32_t incarnation;
    uint32_t node_sequence;
    uint64_t world_ns; /* of real runs: by the wall clock, since the first record */
    uint64_t mono_ns;
    int64_t wall_ms;
    size_t field_count;
    struct event_value fields[RECORD_FIELDS_MAX];
};
#define RECORD_HEADER_BYTES 40
#define RECORD_BYTES_MAX (16u << 20) /* a longer one is damage */
/* Name of a kind ("route.broker_evicted", "step.chunk"), NULL when there is no such kind; its
 * number by name, -1; how many fields it has; name (not NUL-terminated) and type of one of them. */
const char *record_kind_name(uint16_t kind);
int record_kind_of_name(struct span name);
size_t record_kind_fields(uint16_t kind);
struct span record_field_name(uint16_t kind, size_t index);
enum event_field_type record_field_type(uint16_t kind, size_t index);
/* Bytes of a record in the log. Asserts that fields fit its kind. */
size_t record_size(const struct record *record);
/* Writes exactly record_size(record) bytes. */
void record_encode(const struct record *record, uint8_t *out);
/* Decodes one record of exactly `bytes`; false when it is not one. Spans point into `bytes`. */
bool record_decode(struct span bytes, struct record *out);

/* Field access for readers; asserts index and type. */
static inline struct span record_text(const struct record *record, size_t index) {
    RMQ_ASSERT(index < record->field_count && record->fields[index].type == EVENT_TEXT);
    return record->fields[index].text;
}
static inline uint64_t record_uint(const struct record *record, size_t index) {
    RMQ_ASSERT(index < record->field_count && record->fields[index].type == EVENT_UINT);
    return record->fields[index].number;
}
static inline int64_t record_int(const struct record *record, size_t index) {
    RMQ_ASSERT(index < record->field_count && record->fields[index].type == EVENT_INT);
    return (int64_t)record->fields[index].number;
}

/* The sink: an append-only file outside the world, addressed by event number. */
struct record_sink;
/* Creates `path`; `header_json` is one line without newline. NULL with errno on failure. */
struct record_sink *record_sink_open(const char *path, const char *header_json, bool steps);
bool record_sink_wants_steps(const struct record_sink *sink);
void record_sink_put(struct record_sink *sink, const struct record *record);
/* Number of records so far, and cutting back to it (snapshots, goto). */
uint64_t record_sink_count(const struct record_sink *sink);
bool record_sink_truncate(struct record_sink *sink, uint64_t count);
/* Flushes and closes; false with errno when anything was lost (disk full). */
bool record_sink_close(struct record_sink *sink);

/* Reading a log back. */
struct record_log;
/* NULL and *error (static or owned by the log layer until the next call) when it is not one. */
struct record_log *record_log_open(const char *path, const char **error);
const char *record_log_header(const struct record_log *log); /* the JSON line */
size_t record_log_nodes(const struct record_log *log); /* how many the header names: 1 to this */
/* Name of a node number; "world" for 0, "?" when unknown. */
const char *record_log_node(const struct record_log *log, uint16_t node);
/* Next record: 1, at the end 0, on damage -1 with *offset. Valid until the next call. */
int record_log_next(struct record_log *log, struct record *out, uint64_t *offset);
/* What the damage is, static text; valid after -1. */
const char *record_log_damage(const struct record_log *log);
void record_log_close(struct record_log *log);
/* One text line of a record (no newline) to `out`; bytes that do not print as \\xHH. */
void record_print(FILE *out, const struct record_log *log, const struct record *record);
/* The same as one JSON object. */
void record_print_json(FILE *out, const struct record_log *log, const struct record *record);

#endif
