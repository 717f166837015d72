/* store/index.h - index files: message keys to physical offsets (store.md 8, 19).
 *
 * Only the newest file grows. Its changed pages stay in memory (at most INDEX_PAGES_MAX; the least
 * recently used go to disk beyond that) until it is full or the store stops: an unclean stop makes
 * the next start delete it anyway and index its messages again from the log.
 * Differs: Apache does not index them again. */
#ifndef MODEL_STORE_INDEX_H
#define MODEL_STORE_INDEX_H

#include "model/store/reads.h"
#include "model/wire/message.h"

#define INDEX_PAGE 4096
#define INDEX_PAGES_MAX 256
#define INDEX_HEADER 40
#define INDEX_ENTRY 20

struct store;
struct index_file;
typedef void index_fn(struct store *store, int status);

struct index {
    struct store *store;
    struct env *env;
    struct list files;       /* oldest first */
    struct index_file *last; /* the one that grows, NULL before the first key */
    uint32_t failures;
    struct env_timer retry_timer;
    index_fn *done; /* of load or flush, when under way */
    struct buf names;
    size_t name_at;
    bool unclean;
    bool trusted_empty;
};

void index_init(struct index *index, struct store *store);
void index_deinit(struct index *index);
/* Reads the headers below <root>/index; after an unclean stop files that may not be whole go (8.4,
 * 14.1). */
void index_load(struct index *index, bool unclean, index_fn *done);
/* Where indexing has to go on: physical offset of the first message that may be missing. */
int64_t index_resume(const struct index *index, int64_t log_min);
/* Adds the keys of a record. RMQ_E_AGAIN: a page is being read or written: dispatch_kick follows,
 * then the same record again. */
int index_put(struct index *index, const struct message *message) RMQ_CHECK_RESULT;
/* Everything durable, then `done`. For a clean stop. */
void index_flush_all(struct index *index, index_fn *done);
/* Deletes files whose messages are all below `min_physical`, never the last one. */
void index_trim(struct index *index, int64_t min_physical);

#endif
