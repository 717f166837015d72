/* store/index.h - index files: message keys to physical offsets (store.md 8, 19).
 *
 * Only the newest file grows. What changes in it stays in pages of memory (INDEX_PAGES_MAX at most;
 * the least recently used go to disk) until it is full or the store stops: after an unclean stop a
 * file that is not known to be whole goes, and its messages are indexed again from the log.
 * Differs: Apache does not index them again.
 *
 * index.c loads, cuts and trims; index_page.c is the cache; index_put.c adds keys; index_flush.c
 * makes full files durable; index_query.c walks chains. store_internal.h has what the store calls.
 */
#ifndef MODEL_STORE_INDEX_H
#define MODEL_STORE_INDEX_H

#include "model/store/dir_sync.h"
#include "model/store/reads.h"
#include "model/store/store_internal.h"

#define INDEX_PAGE 4096U
#define INDEX_PAGES_MAX 256U
#define INDEX_BUCKETS 64U
#define INDEX_HEADER 40U
#define INDEX_ENTRY 20U
#define INDEX_NAME 17U

enum index_page_state { PAGE_READY, PAGE_READING, PAGE_WRITING };
struct index_page {
    struct index_page *chain; /* in its bucket */
    struct list link;         /* in file->pages, least recently used first */
    struct index_file *file;
    uint64_t number;
    enum index_page_state state;
    uint32_t dirty_from, dirty_to; /* equal: clean */
    struct env_file_op op;
    uint8_t bytes[INDEX_PAGE];
};

struct index_file {
    struct list link; /* in index->files */
    struct index *index;
    int64_t name_ms; /* local time: the name */
    /* The header (8.2); on disk it is up to date only after a flush. */
    int64_t begin_ms, end_ms, begin_physical, end_physical;
    int32_t slots_used, count;
    struct env_file *file; /* NULL: closed */
    unsigned users;        /* queries */
    bool full;             /* is being flushed, or was */
    bool flushed;          /* no pages any more */
    struct list pages;
    uint32_t page_count, dirty_count, writing_count;
    struct index_page *buckets[INDEX_BUCKETS];
    struct env_file_op op; /* the sync */
};

struct index {
    struct store *store;
    struct env *env;
    struct list files; /* oldest first */
    /* The record whose keys were put last, and how many of them. */
    int64_t put_physical;
    uint32_t put_keys;
    struct index_file *flushing;
    struct dir_sync *names;
    bool sync_failed;
    uint32_t failures; /* in a row; the store is not writable from the third on (8.4) */
    struct env_timer retry_timer;
    store_step_fn *done;     /* of load or flush_all, when under way */
    store_step_fn *cut;      /* of index_cut */
    struct index_file *load; /* whose header is read */
};

/* Where indexing has to go on: physical offset of the first record that may be missing. */
int64_t index_resume(const struct index *index, int64_t log_min);
/* The log ends at `log_end`: files that name messages behind it go. */
void index_cut(struct index *index, int64_t log_end, store_step_fn *done);
/* Adds the keys of the record at `physical`. RMQ_E_AGAIN: the disk is waited for; dispatch_run
 * follows, then the same record again. */
int index_put(struct index *index, int64_t physical,
              const struct message *message) RMQ_CHECK_RESULT;
/* Deletes files whose messages are all below `min_physical`, never the last one. */
void index_trim(struct index *index, int64_t min_physical);

/* ---- queries ---- */
/* Walks files from the newest to the oldest. Owned by a lookup; zeroed before the first step. */
struct index_query {
    struct index *index;
    struct index_file *file; /* that is walked, in use; NULL: none yet */
    int32_t hash;
    int64_t begin_ms, end_ms;
    uint32_t max;
    int64_t found[64];
    uint32_t count;
    int32_t entry; /* next in the chain, 0: read the slot; -1: the chain is over */
    bool over;
    struct read_job *job;
    uint8_t bytes[INDEX_ENTRY]; /* that were read for it */
    bool have_bytes;
    void (*wake)(struct index_query *query); /* bytes have come: step again */
};
/* RMQ_OK: complete, `found` in the order of finding. RMQ_E_AGAIN: `wake` follows. Else it failed.
 */
int index_query_step(struct index_query *query) RMQ_CHECK_RESULT;
/* Lets go of files; ends a query early too. */
void index_query_end(struct index_query *query);

/* ---- between the files of this module ---- */
struct span index_dir(const struct index *index, char out[ENV_PATH_MAX]);
uint64_t index_file_bytes(const struct index *index);
static inline uint64_t index_slot_at(const struct index *index, int32_t hash) {
    return INDEX_HEADER + 4ULL * ((uint32_t)hash % index->store->config.index_slots);
}
static inline uint64_t index_entry_at(const struct index *index, int32_t entry) {
    return INDEX_HEADER + 4ULL * index->store->config.index_slots + INDEX_ENTRY * (uint64_t)entry;
}
static inline struct index_file *index_last(const struct index *index) {
    return list_is_empty(&index->files) ? NULL
                                        : LIST_ENTRY(index->files.prev, struct index_file, link);
}
/* A new newest file, created on disk. */
int index_file_create(struct index *index, struct index_file **out) RMQ_CHECK_RESULT;
/* Opens it when it is closed. */
int index_file_open(struct index_file *file) RMQ_CHECK_RESULT;
/* Frees it; with `unlink` it goes from the disk too. */
void index_file_drop(struct index_file *file, bool unlink);
/* The header's place in page 0. */
void index_header_encode(const struct index_file *file, uint8_t out[INDEX_HEADER]);
/* A creation or write failed; all is tried again in a second. */
void index_failed(struct index *index, const char *what, int status);
void index_worked(struct index *index);
/* Flushes the oldest full file that is not, one at a time. */
void index_flush_next(struct index *index);
/* A page has been written or read. */
void index_page_came(struct index_file *file);

/* ---- index_page.c ---- */
/* The bytes [at, at + len) of `file` are in pages, for change when `change`. RMQ_E_AGAIN: not yet.
 */
int index_pages_hold(struct index_file *file, uint64_t at, size_t len,
                     bool change) RMQ_CHECK_RESULT;
/* Copies held bytes out, or in. */
void index_pages_get(const struct index_file *file, uint64_t at, size_t len, uint8_t *out);
void index_pages_set(struct index_file *file, uint64_t at, size_t len, const uint8_t *from);
/* Bytes that happen to be in a page; false: not all of them. */
bool index_pages_peek(const struct index_file *file, uint64_t at, size_t len, uint8_t *out);
/* Starts writing up to `max` dirty pages, the least recently used first. */
void index_pages_write(struct index_file *file, uint32_t max);
void index_pages_free(struct index_file *file);

#endif
