/* store/queue_side.h - what the queue side (consume queues, index, dispatch, reads, clean-up) and
 * the log side (store lifecycle, commit log, recovery, checkpoint) need of each other.
 *
 * Members of struct store (store_internal.h): reads, queues, index, dispatch, clean; `log` is the
 * commit log's struct segments at hand as store_log_segments.
 *
 * Opening, after the log side took the lock and loaded the log's files and the checkpoint:
 *   1. queues_load                                                     at once
 *   2. index_load(unclean)                                             later
 *   3. recovery of the log: its end E, and where it began to check, S
 *   4. queues_recover(cut = unclean ? S : E)                           later
 *   5. dispatch_open(queue_from = unclean ? S : max(queues_max_physical, log min),
 *                    index_from = index_resume(log min))               later, in slices
 *   6. queues_settle (next_offset, min offsets, events)                later
 *   7. clean_start, on_open.
 * So what recovery has checked is dispatched by one function, after the cut is durable; units
 * behind S are not believed after an unclean stop, because no checkpoint vouches for their pages.
 * Running: the log side calls dispatch_kick each time the limit moves.
 * Clean stop: clean_stop, dispatch_drain, queues_flush_all, index_flush_all, checkpoint, `abort`
 * goes if all said RMQ_OK. */
#ifndef MODEL_STORE_QUEUE_SIDE_H
#define MODEL_STORE_QUEUE_SIDE_H

#include "model/store/clean.h"
#include "model/store/dispatch.h"
#include "model/store/index.h"
#include "model/store/queues.h"
#include "model/store/reads.h"
#include "model/store/store.h"

/* ---- the log side's, for the queue side ---- */
/* The record at `physical`: at least `len` bytes if they are resident, cheapest first (what was
 * just appended). RMQ_E_AGAIN: reads_start on the log's segments. RMQ_E_RANGE: not in the log, or
 * not written yet. */
int store_log_view(const struct store *store, int64_t physical, size_t len,
                   struct span *out) RMQ_CHECK_RESULT;
/* Records below this may be dispatched: written, or flushed (13, [5.3.3] and sync flush, unless
 * QUIRK_DISPATCH_AHEAD). */
int64_t store_dispatch_limit(const struct store *store);
/* Why the store is not writable, each on or off (11.4). Events are the function's. */
enum store_fault { STORE_FAULT_QUEUE = 4, STORE_FAULT_INDEX = 8, STORE_FAULT_DISK_FULL = 16 };
void store_fault_set(struct store *store, enum store_fault fault, bool on, const char *reason,
                     uint32_t used_ppm);
/* Sets the checkpoint's timestamps (never back) and writes it soon. */
void store_checkpoint_logics(struct store *store, int64_t store_ms);
void store_checkpoint_index(struct store *store, int64_t store_ms);
/* The commit log's bytes. */
struct segments *store_log_segments(struct store *store);

#endif
