/* sim/scenario/scenario_tables.h - the record types of a scenario file. */
#ifndef SIM_SCENARIO_TABLES_H
#define SIM_SCENARIO_TABLES_H

#include "sim/scenario/scenario.h"

extern const struct record_type SCENARIO_TYPE; /* struct scenario_spec, the whole file */
extern const struct record_type WORKLOAD_TYPE; /* struct workload_spec */
extern const struct record_type TIMELINE_TYPE; /* struct timeline_entry */
extern const struct record_type TRIGGER_TYPE;  /* struct trigger_spec */
extern const struct record_type EXPECTATION_TYPE;
extern const struct record_type DISKS_TYPE;             /* disks of struct scenario_spec */
extern const struct record_type LOAD_TYPE;              /* struct load_spec */
extern const char *const LOAD_WORDS[];                  /* values of its "do", ended by NULL, */
#define LOADS_MAX 64                                    /* of one client */
extern const struct record_type *const LOAD_VARIANTS[]; /* and which members each has */
extern const struct record_type DIST_EXPONENTIAL_TYPE, DIST_PARETO_TYPE, TARGETS_RANDOM_TYPE;

/* Reports what does not fit together in the loads of a client group. */
void loads_check(struct field_reader *reader, const struct group_spec *group);

/* The type that says which parameters an oracle has; in `pool`. */
const struct record_type *expectation_variant(struct pool *pool, const struct oracle_type *oracle);

/* Members of a link's profile, in a struct whose member `m` is a struct link_spec. */
#define LINK_FIELDS(s, m)                                                                        \
    {.key = "latency",                                                                           \
     .type = FIELD_DIST,                                                                         \
     .offset = offsetof(s, m.latency),                                                           \
     .about = "one way, per chunk; 200us when left out"},                                        \
        {.key = "bandwidth",                                                                     \
         .type = FIELD_RATE,                                                                     \
         .offset = offsetof(s, m.bandwidth),                                                     \
         .min = 1000,                                                                            \
         .about = "bytes or bits per second; unlimited when left out"},                          \
        {.key = "loss",                                                                          \
         .type = FIELD_RATIO,                                                                    \
         .offset = offsetof(s, m.loss),                                                          \
         .about = "chance per chunk of being sent again after the retransmission timeout"},      \
        {.key = "chop",                                                                          \
         .type = FIELD_RATIO,                                                                    \
         .offset = offsetof(s, m.chop),                                                          \
         .about = "chance that a write arrives in several pieces, cut anywhere"},                \
        {.key = "corrupt",                                                                       \
         .type = FIELD_RATIO,                                                                    \
         .offset = offsetof(s, m.corrupt),                                                       \
         .about = "chance that a chunk has one byte changed"},                                   \
        {.key = "rto",                                                                           \
         .type = FIELD_DURATION,                                                                 \
         .offset = offsetof(s, m.rto_ns),                                                        \
         .min = 1000000,                                                                         \
         .about = "first retransmission timeout, doubles; 200ms when left out"},                 \
        {.key = "give_up",                                                                       \
         .type = FIELD_DURATION,                                                                 \
         .offset = offsetof(s, m.give_up_ns),                                                    \
         .min = 1000000,                                                                         \
         .about = "unacknowledged this long: the connection ends; 924s when left out"},          \
        {.key = "dial_give_up",                                                                  \
         .type = FIELD_DURATION,                                                                 \
         .offset = offsetof(s, m.dial_give_up_ns),                                               \
         .min = 1000000,                                                                         \
         .about = "a dial without an answer ends; 127s when left out"},                          \
    {                                                                                            \
        .key = "buffer", .type = FIELD_SIZE, .offset = offsetof(s, m.buffer_bytes), .min = 4096, \
        .max = INT64_C(1) << 30,                                                                 \
        .about = "send and receive buffer of a connection; 4MiB when left out"                   \
    }

/* Members of a disk's profile, in a struct whose member `m` is a struct disk_spec. */
#define DISK_FIELDS(s, m)                                                                        \
    {.key = "write",                                                                             \
     .type = FIELD_DIST,                                                                         \
     .offset = offsetof(s, m.write),                                                             \
     .about = "time of a write into the cache; 2us to 10us when left out"},                      \
        {.key = "read",                                                                          \
         .type = FIELD_DIST,                                                                     \
         .offset = offsetof(s, m.read),                                                          \
         .about = "time of a read that the cache does not have; 60us and more when left out"},   \
        {.key = "sync",                                                                          \
         .type = FIELD_DIST,                                                                     \
         .offset = offsetof(s, m.sync),                                                          \
         .about = "time of a sync beyond that of its bytes; 200us and more when left out"},      \
        {.key = "bandwidth",                                                                     \
         .type = FIELD_RATE,                                                                     \
         .offset = offsetof(s, m.bandwidth),                                                     \
         .min = 1000,                                                                            \
         .about = "bytes or bits per second of syncs and reads; 500MB/s when left out"},         \
        {.key = "capacity",                                                                      \
         .type = FIELD_SIZE,                                                                     \
         .offset = offsetof(s, m.capacity_bytes),                                                \
         .min = 4096,                                                                            \
         .about = "room, counted in pages of 4 KiB that are used; unlimited when left out"},     \
        {.key = "cache",                                                                         \
         .type = FIELD_SIZE,                                                                     \
         .offset = offsetof(s, m.cache_bytes),                                                   \
         .min = 65536,                                                                           \
         .about = "memory for what was read or written; what does not fit is read again; "       \
                  "unlimited when left out"},                                                    \
        {.key = "keep",                                                                          \
         .type = FIELD_RATIO,                                                                    \
         .offset = offsetof(s, m.keep),                                                          \
         .fallback = "\"50%\"",                                                                  \
         .about = "chance that a page which was not synced survives a power-off"},               \
        {.key = "keep_names",                                                                    \
         .type = FIELD_RATIO,                                                                    \
         .offset = offsetof(s, m.keep_names),                                                    \
         .fallback = "\"50%\"",                                                                  \
         .about = "the same of a name, a removal or a size"},                                    \
        {.key = "torn",                                                                          \
         .type = FIELD_RATIO,                                                                    \
         .offset = offsetof(s, m.torn),                                                          \
         .fallback = "\"10%\"",                                                                  \
         .about = "chance that a page which survives does so in part, by sectors of 512 bytes"}, \
        {.key = "write_errors",                                                                  \
         .type = FIELD_RATIO,                                                                    \
         .offset = offsetof(s, m.write_errors),                                                  \
         .about = "chance that a write fails, perhaps after a part of it"},                      \
        {.key = "read_errors",                                                                   \
         .type = FIELD_RATIO,                                                                    \
         .offset = offsetof(s, m.read_errors),                                                   \
         .about = "chance that a read fails"},                                                   \
        {.key = "sync_errors",                                                                   \
         .type = FIELD_RATIO,                                                                    \
         .offset = offsetof(s, m.sync_errors),                                                   \
         .about = "chance that a sync fails; what it covered may be gone"},                      \
        {.key = "lying_syncs",                                                                   \
         .type = FIELD_RATIO,                                                                    \
         .offset = offsetof(s, m.lying_syncs),                                                   \
         .about = "chance that a sync succeeds and makes nothing durable"},                      \
    {                                                                                            \
        .key = "write_back", .type = FIELD_DURATION, .offset = offsetof(s, m.write_back_ns),     \
        .min = 1000000,                                                                          \
        .about = "the kernel makes durable by itself what has waited so long; 30s when left out" \
    }

#endif
