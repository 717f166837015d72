/* store/store.h - a broker's store: commit log, consume queues, index, in RocketMQ's own format.
 *
 * Everything is asynchronous (env.h): a function with a `done` calls it exactly once, before it
 * returns or in a later handler. Operations are intrusive: embedded in their owner, who keeps them
 * and what they point to until `done`. Offsets: physical = byte in the commit log, queue offset =
 * message number in a queue. Times: wall ms. Source: store.md; section numbers below are its. */
#ifndef MODEL_STORE_STORE_H
#define MODEL_STORE_STORE_H

#include "model/base/list.h"
#include "model/env.h"
#include "model/wire/message.h"

struct store;

/* RocketMQ's keys (broker.md 2.3) with its defaults, read from properties by store_config_read. */
#define STORE_DELAY_LEVELS_MAX 64
struct store_config {
    char root[ENV_PATH_MAX / 2];         /* storePathRootDir, "/store" */
    char commit_log[ENV_PATH_MAX / 2];   /* storePathCommitLog, <root>/commitlog */
    uint64_t commit_log_file_bytes;      /* mappedFileSizeCommitLog, 1 GiB */
    uint64_t queue_file_bytes;           /* mappedFileSizeConsumeQueue in bytes, rounded up to 20 */
    uint32_t index_slots, index_entries; /* maxHashSlotNum, maxIndexNum */
    bool index_enable;                   /* messageIndexEnable */
    bool index_safe;                     /* messageIndexSafe */
    bool sync_flush;                     /* flushDiskType SYNC_FLUSH */
    bool warm_files;                     /* warmMapedFileEnable; log_ahead.h */
    bool sync_master;                    /* brokerRole SYNC_MASTER */
    bool replica;                        /* brokerRole SLAVE, or without a role brokerId > 0 */
    uint32_t slave_timeout_ms;           /* slaveTimeout 3000 */
    uint32_t slave_behind_max;           /* haSlaveFallbehindMax; 5.3: haMaxGapNotInSync */
    uint32_t flush_interval_ms, flush_least_pages, flush_thorough_ms;
    uint32_t queue_flush_interval_ms, queue_flush_least_pages, queue_flush_thorough_ms;
    uint32_t sync_flush_timeout_ms;
    uint32_t max_message_bytes; /* maxMessageSize: of a body */
    bool check_crc_on_recover;
    uint32_t reserved_hours; /* fileReservedTime */
    uint32_t delete_hours;   /* deleteWhen: bit h = hour h */
    uint32_t clean_interval_ms, delete_files_interval_ms, delete_batch;
    uint32_t max_used_percent, clean_forcibly_percent, warning_percent; /* 75, 85, 90 */
    bool clean_forcibly;
    uint32_t memory_percent;     /* accessMessageInMemoryMaxRatio 40 */
    uint32_t page_cache_busy_ms; /* osPageCacheBusyTimeOutMills 1000 */
    uint32_t in_memory_bytes, in_memory_count, in_disk_bytes, in_disk_count; /* of one get */
    int64_t delay_ms[STORE_DELAY_LEVELS_MAX]; /* messageDelayLevel: of level 1 and on */
    uint32_t delay_levels;                    /* at least 1 */
    bool profile_5_3;
    unsigned quirks;
    struct message_host host; /* brokerIP1:listenPort */
};
struct props;
/* Defaults, then the keys of `config`. RMQ_E_INVALID with *bad_key. */
int store_config_read(const struct props *config, struct store_config *out, struct span *bad_key);

/* Takes the limits, intervals and thresholds of `config` that act at once; the rest is as it is. */
void store_reconfigure(struct store *store, const struct store_config *config);

/* What the store tells its broker. All may be NULL. */
struct store_handler {
    /* Loaded and recovered (RMQ_OK; puts and gets work from now on), or why not: a
     * store.failed event has told more. */
    void (*on_open)(void *ctx, int status);
    /* A message can be read from its queue: long polls wake (13, step 3). Spans end with the
     * call. */
    void (*on_arrival)(void *ctx, struct span topic, int32_t queue_id, int64_t max_offset,
                       int64_t tags_code, struct span properties);
    /* The clean stop is complete; the store may be freed. */
    void (*on_closed)(void *ctx);
    /* store_log_limit has moved, or a write of the log has ended or failed. */
    void (*on_log)(void *ctx);
};

/* Begins to load; on_open follows. RMQ_E_NOMEM, RMQ_E_IN_USE (another process has the lock). */
int store_open(struct env *env, const struct store_config *config,
               const struct store_handler *handler, void *ctx, struct store **out) RMQ_CHECK_RESULT;
/* Clean stop (15.2): flushes, dispatches, writes the checkpoint, deletes `abort`; on_closed. */
void store_close(struct store *store);
/* Frees; what is under way is dropped without a call. NULL is allowed. */
void store_free(struct store *store);

/* ---- putting (11) ---- */
enum put_status {
    PUT_OK,
    PUT_FLUSH_DISK_TIMEOUT,
    PUT_FLUSH_SLAVE_TIMEOUT,
    PUT_SLAVE_NOT_AVAILABLE,
    PUT_SERVICE_NOT_AVAILABLE, /* stopped, failed, or the disk is full */
    PUT_CREATE_FILE_FAILED,
    PUT_MESSAGE_ILLEGAL,
    PUT_PROPERTIES_SIZE_EXCEEDED,
    PUT_PAGE_CACHE_BUSY,
    PUT_UNKNOWN_ERROR
};
/* Is the message in the log, whether or not its disk or its slave said so in time (broker.md 11.3)?
 */
static inline bool put_is_stored(enum put_status status) {
    return status == PUT_OK || status == PUT_FLUSH_DISK_TIMEOUT ||
           status == PUT_FLUSH_SLAVE_TIMEOUT || status == PUT_SLAVE_NOT_AVAILABLE;
}
const char *put_status_text(enum put_status status); /* Apache's names, 4.9 */
struct store_put;
typedef void store_put_fn(struct store_put *put, enum put_status status);
struct store_put {
    store_put_fn *done; /* NULL when not under way */
    /* at done, where something was stored */
    int64_t physical_offset; /* of the first record */
    int64_t queue_offset;    /* of the first record */
    int64_t store_ms;
    uint32_t count; /* records */
    uint32_t bytes; /* of all records */
    struct buf ids; /* of a batch: message ids, comma separated; else empty */
    /* the store's */
    struct list link;
    struct env *env;
    uint64_t begun_ns;
    int64_t end_physical;
    bool wait;
};
/* Stores one message; queue_offset, physical_offset, store_ms, store_host and body_crc of `message`
 * are the store's. Everything it points to is consumed before return. `wait`: for the sync flush
 * (11.5). done comes after the bytes are in the OS cache, and flushed where asked. */
void store_put(struct store *store, const struct message *message, bool wait, struct store_put *put,
               store_put_fn *done);
/* A batch: `message` as above with body = sub messages, properties = the request's (5). */
void store_put_batch(struct store *store, const struct message *message, bool wait,
                     struct store_put *put, store_put_fn *done);
/* Forgets `put`, whose owner goes: it is stored or not, done is not called. */
void store_put_cancel(struct store *store, struct store_put *put);
/* messageDelayLevel: how many levels there are (at least 1), and the delay of level 1 and on; a
 * level above the highest has that one's. */
uint32_t store_delay_levels(const struct store *store);
int64_t store_delay_ms(const struct store *store, int32_t level);
/* Where the next record goes, or behind it: all that was put is before. */
int64_t store_next_physical(const struct store *store);
/* Age of the oldest write to the commit log that has not completed, ms; 0 without one. Page cache
 * busy means that this exceeds page_cache_busy_ms (11.3). */
uint64_t store_write_age_ms(const struct store *store);
/* Writable (11.4). */
bool store_is_writable(const struct store *store);
bool store_is_readable(const struct store *store);
/* Writable, open, and not putting the log right after a write that failed: whether puts are
 * accepted, but for page cache busy; a replica, too, is ready then. */
bool store_takes_puts(const struct store *store);

/* ---- reading (17) ---- */
enum get_status {
    GET_FOUND,
    GET_NO_MATCHED_MESSAGE,
    GET_MESSAGE_WAS_REMOVING,
    GET_OFFSET_FOUND_NULL,
    GET_OFFSET_OVERFLOW_BADLY,
    GET_OFFSET_OVERFLOW_ONE,
    GET_OFFSET_TOO_SMALL,
    GET_NO_MATCHED_LOGIC_QUEUE,
    GET_NO_MESSAGE_IN_QUEUE,
    GET_FAILED /* not readable, or the disk failed */
};
const char *get_status_text(enum get_status status); /* as in the remark of a pull */
/* Whether the unit's tags code passes; ctx is the get's. NULL filter: all pass. */
typedef bool store_filter_fn(void *ctx, int64_t tags_code);
/* Whether the record itself passes, which its unit has; ctx as above. NULL: all do. */
typedef bool store_record_filter_fn(void *ctx, struct span record);
struct store_get;
typedef void store_get_fn(struct store_get *get, enum get_status status);
struct store_get {
    store_get_fn *done;
    struct span topic; /* borrowed until done */
    int32_t queue_id;
    int64_t offset;
    uint32_t max_count;
    store_filter_fn *filter;
    store_record_filter_fn *record_filter;
    void *filter_ctx;
    /* at done */
    int64_t next_offset, min_offset, max_offset;
    uint32_t count;
    bool suggest_slave;
    struct buf records; /* as stored, one after the other; the caller's to init and deinit */
    /* the store's */
    struct list link;
    struct env_file_op op;
    struct store *store;
    uint64_t state[10];
};
/* Fill in the first group and `records` (buf_init), then call. */
void store_get(struct store *store, struct store_get *get, store_get_fn *done);
void store_get_cancel(struct store *store, struct store_get *get);

/* Queue offsets (6.5, 18): 0 and 0 for an unknown queue. */
int64_t store_max_offset(const struct store *store, struct span topic, int32_t queue_id);
int64_t store_min_offset(const struct store *store, struct span topic, int32_t queue_id);
/* Of the next message that is put there; store_max_offset is behind until it is dispatched. */
int64_t store_next_offset(const struct store *store, struct span topic, int32_t queue_id);
/* After an unclean stop: the queue's max when the store opened; what it gives from there on may be
 * other messages than those that had these offsets before. INT64_MAX after a clean stop. */
int64_t store_recovered_offset(const struct store *store, struct span topic, int32_t queue_id);
int64_t store_min_physical(const struct store *store);
int64_t store_max_physical(const struct store *store);
int64_t store_flushed_physical(const struct store *store);
/* Whether the message at a queue offset is estimated to be on disk only (18); false if missing. */
bool store_is_on_disk_only(const struct store *store, struct span topic, int32_t queue_id,
                           int64_t offset);

/* Lookups that may read: a result per kind, -1 or absent when there is none. */
struct store_lookup;
typedef void store_lookup_fn(struct store_lookup *lookup, int status);
struct store_lookup {
    store_lookup_fn *done;
    int64_t value;      /* an offset or a time */
    struct buf records; /* messages; the caller's to init and deinit */
    uint32_t count;
    int64_t last_update_ms, last_update_physical; /* of the index, for 12's answer */
    struct list link;
    struct env_file_op op;
    struct store *store;
    struct span topic, key;
    int64_t args[6];
    uint64_t state[10];
};
/* value: queue offset (6.8; 5.3: LOWER unless `upper`). */
void store_offset_by_time(struct store *store, struct span topic, int32_t queue_id, int64_t wall_ms,
                          bool upper, struct store_lookup *lookup, store_lookup_fn *done);
/* value: store time of the message at a queue offset, -1 if missing. */
void store_time_of(struct store *store, struct span topic, int32_t queue_id, int64_t offset,
                   struct store_lookup *lookup, store_lookup_fn *done);
/* records: the record at a physical offset, RMQ_E_NOT_FOUND. */
void store_message_at(struct store *store, int64_t physical, struct store_lookup *lookup,
                      store_lookup_fn *done);
/* records: by key or unique key through the index (19). */
void store_query(struct store *store, struct span topic, struct span key, uint32_t max_count,
                 int64_t begin_ms, int64_t end_ms, struct store_lookup *lookup,
                 store_lookup_fn *done);
void store_lookup_cancel(struct store *store, struct store_lookup *lookup);

/* What it says of itself beyond the above. */
struct store_figures {
    uint64_t dispatch_behind;     /* bytes of the log that no queue has yet */
    struct span root, commit_log; /* directories; the store's */
};
void store_figures(const struct store *store, struct store_figures *out);
/* records: up to `count` units of a queue from `index` on, 20 bytes each, as in its file (6.2).
 * RMQ_E_NOT_FOUND: no such queue, or none there. Reads at most one file. */
void store_queue_units(struct store *store, struct span topic, int32_t queue_id, int64_t index,
                       uint32_t count, struct store_lookup *lookup, store_lookup_fn *done);
/* Whether the queue is there. */
bool store_has_queue(const struct store *store, struct span topic, int32_t queue_id);

/* ---- replication (22): the log as bytes ---- */
/* Where the log's next byte goes; behind store_max_physical while bytes are on their way. */
int64_t store_log_end(const struct store *store);
/* What may leave: what is written; with sync flush what is flushed, so that a power-off of the
 * master takes nothing that a slave has. Differs: Apache sends what is written. */
int64_t store_log_limit(const struct store *store);
/* At most `len` bytes at `position`, below the limit and inside one file, that are resident: valid
 * until the handler returns. RMQ_E_AGAIN: read them. RMQ_E_RANGE: there are none (any more). */
int store_log_bytes(const struct store *store, int64_t position, size_t len,
                    struct span *out) RMQ_CHECK_RESULT;
/* The same by a read; `bytes` end with the call. RMQ_E_RANGE, RMQ_E_NOMEM. */
struct read_job;
typedef void store_log_fn(void *ctx, int status, struct span bytes);
int store_log_read(struct store *store, int64_t position, size_t len, store_log_fn *done, void *ctx,
                   struct read_job **out) RMQ_CHECK_RESULT;
/* `done` is not called. NULL is allowed. */
void store_log_read_cancel(struct read_job *job);
/* A replica's log. Empty: it has no byte (it may have a place to begin at, from an earlier run). */
bool store_log_is_empty(const struct store *store);
/* An empty log begins at `position`. RMQ_E_INVALID: no multiple of the file size. RMQ_E_STATE. */
int store_log_begin(struct store *store, int64_t position) RMQ_CHECK_RESULT;
/* Appends at store_log_end; consumed before return. What fails to be written is cut off again
 * (on_log follows). RMQ_E_STATE: it takes nothing now (disk full, being repaired, closed);
 * RMQ_E_NOMEM; errors of a new file. After an error store_log_end says how much was taken. */
int store_log_append(struct store *store, struct span bytes) RMQ_CHECK_RESULT;
/* Bytes that were appended and are not written yet. */
size_t store_log_unwritten(const struct store *store);
/* A master's slaves: how many follow, and up to where one of them has acknowledged (only growth
 * counts). With sync_master, puts that wait for that are told. */
void store_set_slaves(struct store *store, uint32_t count, int64_t acked);
/* The highest position acknowledged since the start; 0: none. */
int64_t store_replicated(const struct store *store);

/* ---- upkeep ---- */
/* Each queue, in order of topic and id; the topic ends with the call. */
typedef void store_queue_fn(void *ctx, struct span topic, int32_t queue_id, int64_t min,
                            int64_t max);
void store_each_queue(const struct store *store, store_queue_fn *each, void *ctx);
/* A deletion of topics. RMQ_OK: their messages are gone, whatever comes (store/deleted.h), with
 * their queues and files; offsets begin again at 0. RMQ_E_STATE (the log does not flush any more,
 * or the store is being closed), RMQ_E_NOMEM, errors of the disk: nothing has changed, but for a
 * power-off before the disk takes files again, after which they may be gone. Until `done` puts to
 * them are refused with PUT_SERVICE_NOT_AVAILABLE. */
struct store_delete;
typedef void store_delete_fn(struct store_delete *operation, int status);
struct store_delete {
    store_delete_fn *done; /* NULL when not under way */
    /* the store's */
    struct list link;
    int status;
};
/* The store is open. Deletes the messages that `topic` has now. */
void store_delete_topic(struct store *store, struct span topic, struct store_delete *operation,
                        store_delete_fn *done);
/* The same of all topics that have a queue and for which `keep` says no (16.5), which is asked
 * before return. */
typedef bool store_keep_fn(void *ctx, struct span topic);
void store_clean_topics(struct store *store, store_keep_fn *keep, void *ctx,
                        struct store_delete *operation, store_delete_fn *done);
/* Records of `topic` below are dead (store/deleted.h); 0: none. */
int64_t store_dead_below(const struct store *store, struct span topic);
/* `done` is not called; what was begun goes on. */
void store_delete_cancel(struct store *store, struct store_delete *operation);
/* Expired files go in the next 20 rounds whatever the hour (16.1, "manual"). */
void store_delete_expired(struct store *store);

#endif
