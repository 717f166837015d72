/* store/deleted.h - topics that were deleted: the records of a topic below a mark are dead.
 *
 * A deleted topic's records stay in the commit log until it expires, and whatever reads the log
 * again (dispatch after a stop) would give them units again: a queue of a topic that nobody has,
 * or, when the topic was created again, units under the offsets of new messages, which are then
 * left out as duplicates. So the store keeps for each deleted topic a physical offset: records of
 * it below get no unit, and queue files that hold units of such records go at the next start (a
 * power-off may bring back names of files that were unlinked).
 * Source: none. Differs: Apache has no such marks; it does not look at the file, which is
 * <storePathRootDir>/config/deletedTopics.json: {"deletedTopics":{"T":8192}}.
 *
 * Deleting: the topic takes no puts from now on; the log is flushed (else a power-off could cut it
 * below the mark, and new messages would lie there); the mark is saved; only then queues and files
 * go and the topic takes puts again, from offset 0. A save that fails changes nothing.
 * A mark goes at the first start whose log begins at or above it.
 *
 * Invariants: D1: of a topic whose mark is not kept yet, no record is accepted. D2: all records of
 * a topic that are at or above its kept mark were put after its deletion. */
#ifndef MODEL_STORE_DELETED_H
#define MODEL_STORE_DELETED_H

#include "model/base/config_file.h"
#include "model/base/map.h"
#include "model/store/store_internal.h"

struct deleted {
    struct store *store;
    uint64_t hash_key;
    struct deleted_mark *table;
    struct list waiting; /* of struct store_delete: for the log's flush */
    struct list saving;  /* for the file */
    bool save_active;    /* a config_file_settle is under way */
    int64_t target;      /* the highest mark that waits for the flush */
    int64_t limit;       /* no kept mark is above it */
    uint32_t pending;    /* marks that are not kept yet */
    struct config_file file;
    store_step_fn *loaded;
    char dir[]; /* <root>/config */
};

int deleted_create(struct store *store) RMQ_CHECK_RESULT; /* sets store->deleted */
void deleted_free(struct store *store);
/* Reads the file; errors of config_file_load. */
void deleted_load(struct store *store, store_step_fn *done);
/* The log is recovered: marks that it has passed go. Marks above its end, which only a log that
 * lost flushed records leaves, are lowered to it. */
void deleted_recovered(struct store *store);
/* The topic's mark; 0 without one. */
int64_t deleted_mark_of(const struct store *store, struct span topic);
/* Whether the record of `topic` at `physical` is dead. Cheap above all marks. */
bool deleted_is_dead(const struct store *store, struct span topic, int64_t physical);
/* Whether the topic's deletion is under way: it takes no puts. */
bool deleted_is_pending(const struct store *store, struct span topic);
/* The log is to be flushed now: a deletion waits for it. */
bool deleted_wants_flush(const struct store *store);
/* The log was flushed, was cut back, or failed: deletions go on, or end. */
void deleted_run(struct store *store);

#endif
