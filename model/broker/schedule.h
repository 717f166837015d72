/* broker/schedule.h - the delay service: brings delayed messages to their real topics when they are
 * due (store.md 20; ScheduleMessageService.java).
 *
 * A delayed message waits in queue level - 1 of SCHEDULE_TOPIC_XXXX (put_rewrite.h); its unit's
 * tags code is its delivery time, the wall time of its storing plus the level's delay. Each level
 * that has such messages is worked off in the order of its queue. config/delayOffset.json says up
 * to where; it names only copies whose records are flushed, so that after a crash a message comes
 * twice rather than never.
 *
 * Time: while a process runs it is the monotonic clock that counts. `steps` of a level say by how
 * much the wall clock was ahead of it when its messages were stored, so that a step of the wall
 * clock, either way, changes no delivery. What an earlier process stored is due by the stored wall
 * time; where that cannot be (later than the level's delay from now: the clock was set back in
 * between) it is due after the level's delay, and delay.clock tells the difference. Both clocks are
 * read in whole ms and may drift against each other by SCHEDULE_DRIFT_MS before that is a step, so
 * a delivery waits SCHEDULE_SLACK_MS more: it is never early.
 *
 * No timer runs while nothing waits; a level takes memory from its first message on.
 *
 * Differs from Apache: all levels share one timer at the next due time instead of looking each
 * 100 ms; wall clock steps (quirk.delayByWall gives Apache's way, INC-81); puts of a batch go out
 * together and one that fails takes the level back to it; offsets wait for the flush; a record
 * without a usable REAL_TOPIC or REAL_QID is skipped, where Apache tries it for ever. */
#ifndef MODEL_BROKER_SCHEDULE_H
#define MODEL_BROKER_SCHEDULE_H

#include "model/base/config_file.h"
#include "model/broker/config.h"
#include "model/store/store.h"

#define SCHEDULE_SLACK_MS 5
#define SCHEDULE_DRIFT_MS 3

struct broker;

/* From queue offset `from` on the wall clock was `ahead_ms` ahead of the monotonic one. */
struct schedule_step {
    int64_t from;
    int64_t ahead_ms;
};

struct schedule_level {
    struct broker *broker;
    int32_t number;    /* 1 and on */
    int64_t next;      /* queue offset to read from */
    int64_t delivered; /* all before it are at their topics */
    int64_t marked;    /* `delivered` when the flush that is waited for was noted */
    int64_t saved;     /* as in the file; -1: not in it */
    uint64_t due_ns;   /* when `next` is to be looked at; UINT64_MAX: nothing waits */
    struct store_get get;
    bool stopped; /* the get met a message that is not due */
    bool issuing; /* what was got is being put */
    int64_t stop_offset;
    struct list puts; /* struct delivery, by offset */
    uint32_t put_count;
    bool failed; /* the put of `failed_at` did; what is behind it failed too */
    int64_t failed_at;
    struct schedule_step *steps; /* at least one; by offset */
    uint32_t step_count, step_capacity;
};

struct schedule {
    struct env *env;
    struct broker *broker;
    struct config_file file;        /* delayOffset.json */
    struct schedule_level **levels; /* STORE_DELAY_LEVELS_MAX; NULL: none was needed yet */
    struct env_timer timer;         /* the earliest due time */
    struct env_timer save;
    int64_t marked_physical; /* what has to be flushed; -1: nothing is marked */
    int64_t version_counter; /* 5.3 */
    int64_t version_timestamp;
    bool running; /* between start and stop, on a master */
};

void schedule_init(struct schedule *schedule, struct broker *broker);
/* Drops what is under way. Does nothing when never initialised. */
void schedule_deinit(struct schedule *schedule);

/* The store is open and the file loaded: offsets within what the queues have. To be saved (the file
 * is being saved where that changed some) before messages can take the places above. */
void schedule_correct(struct schedule *schedule);
/* A master begins to deliver. */
void schedule_start(struct schedule *schedule);
/* A message can be read from queue `queue_id` of SCHEDULE_TOPIC_XXXX. */
void schedule_arrival(struct schedule *schedule, int32_t queue_id, int64_t offset,
                      int64_t tags_code);
/* Before the put of a message of `level`: notes a step of the wall clock. RMQ_E_NOMEM. */
int schedule_stamp(struct schedule *schedule, int32_t level) RMQ_CHECK_RESULT;
/* Clean stop: no delivery begins any more; the store, closing, ends those under way. */
void schedule_stop(struct schedule *schedule);
/* The store is closed, so that all that was delivered is durable: saves the offsets; `done` with the
 * result of that. */
void schedule_save_last(struct schedule *schedule, config_file_fn *done, void *ctx);

/* Next offset to deliver of a level; -1: it has had none. */
int64_t schedule_offset(const struct schedule *schedule, int32_t level);
/* Appends the file's content as compact JSON, the body of the answer to 45, with offsets as they
 * are now. RMQ_E_NOMEM. */
int schedule_write_compact(const struct schedule *schedule, struct buf *out) RMQ_CHECK_RESULT;

/* ---- inside (schedule_file.c) ---- */
void schedule_file_init(struct schedule *schedule);
/* Finds or adds. NULL: no memory, or no such level. */
struct schedule_level *schedule_level(struct schedule *schedule, int32_t number);
/* `delivered` has moved: saved within 10 s and a flush. */
void schedule_save_later(struct schedule *schedule);

#endif
