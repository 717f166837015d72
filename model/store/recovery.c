/* store/recovery.c - checks the log's records in slices of one buffer per handler. */
#include "model/store/recovery.h"

#include "model/base/check.h"
#include "model/store/store_internal.h"
#include "model/wire/message_bytes.h"

#define SLICE_BYTES (1U << 20)
#define HEAD_BYTES (48 + 20 + 8) /* up to the store time, whatever the born host */
#define CLEAN_FILES 3            /* that are checked after a clean stop */
#define SECTOR_BYTES 512         /* what disks write whole, or not at all */
/* A length above this, and above what is configured, is no record's: it is not read. */
#define RECORD_BYTES_MAX (32U << 20)

static void end(struct store *store, int status) {
    struct recovery *recovery = &store->recovery;
    recovery_fn *done = recovery->done;
    buf_deinit(&recovery->bytes);
    recovery->done = NULL;
    done(store, status);
}

/* ---- bytes ---- */

static void on_read(struct env_file_op *op, int status) {
    struct store *store = RMQ_CONTAINER_OF(op, struct store, recovery.op);
    struct recovery *recovery = &store->recovery;
    recovery->was_read = true;
    recovery->status = status == RMQ_OK && op->bytes < recovery->bytes.len ? RMQ_E_IO : status;
    recovery->next(store);
}

/* Gets `len` bytes at `position` into recovery->bytes. RMQ_E_AGAIN: they are being read, `next`
 * follows and asks for the same again. */
static int fetch(struct store *store, uint64_t position, size_t len,
                 void (*next)(struct store *store)) {
    struct recovery *recovery = &store->recovery;
    if (recovery->was_read) {
        RMQ_ASSERT(recovery->read_from == position && recovery->bytes.len == len);
        recovery->was_read = false;
        return recovery->status;
    }
    buf_clear(&recovery->bytes);
    uint8_t *into = buf_extend(&recovery->bytes, len);
    if (into == NULL)
        return RMQ_E_NOMEM;
    recovery->read_from = position;
    int err = segments_copy(&store->log.segments, position, len, into);
    if (err == RMQ_E_AGAIN) {
        recovery->next = next;
        segments_read(&store->log.segments, position, len, into, &recovery->op, on_read);
    }
    return err;
}

/* ---- the end ---- */

static void on_all_synced(struct segments_sync *sync, int status) {
    end(RMQ_CONTAINER_OF(sync, struct store, recovery.sync), status);
}

/* What an earlier process wrote and did not sync is only in the OS cache: a power-off would still
 * take it. So everything that was checked is synced before anybody sees it. */
static void on_tail_synced(struct env_file_op *op, int status) {
    struct store *store = RMQ_CONTAINER_OF(op, struct store, recovery.op);
    if (status == RMQ_OK)
        segments_sync(&store->log.segments, &store->recovery.sync, on_all_synced);
    else
        end(store, status);
}

/* Cuts the file behind the end and gives it its size back: sparse zeros, without writing them. */
static int zero_tail(struct store *store, const struct segment *segment) {
    if (quirk_on(store->config.quirks, QUIRK_STALE_TAIL) ||
        env_plant(store->env, PLANT_STORE_KEEP_TAIL))
        return RMQ_OK;
    int err = env_file_truncate(segment->file, store->recovery.position - segment->from);
    return err == RMQ_OK ? env_file_truncate(segment->file, store->log.segments.file_bytes) : err;
}

static void begin(struct store *store, uint32_t index);

static uint32_t third_last(uint32_t count) {
    return count > CLEAN_FILES ? count - CLEAN_FILES : 0;
}

static void finish(struct store *store) {
    struct recovery *recovery = &store->recovery;
    struct segments *segments = &store->log.segments;
    uint64_t position = recovery->position, file_bytes = segments->file_bytes;
    if (store->was_clean && position == recovery->from && recovery->index > 0) {
        begin(store, third_last(recovery->index)); /* writes failed: files without a record */
        return;
    }
    if (recovery->cut_bytes > 0 && env_plant(store->env, PLANT_STORE_REFUSE_TORN)) {
        end(store, RMQ_E_INVALID);
        return;
    }
    int err = segments_drop_from(segments, position - position % file_bytes + file_bytes);
    const struct segment *segment = segments_at(segments, position);
    if (err == RMQ_OK && segment != NULL)
        err = zero_tail(store, segment);
    if (err != RMQ_OK) {
        end(store, err);
        return;
    }
    segments->accepted = segments->written = position;
    segments->flushed = recovery->from;
    store->log.written_ms = recovery->last_store_ms;
    if (segment != NULL)
        env_file_sync(segment->file, &recovery->op, on_tail_synced);
    else
        segments_sync(segments, &recovery->sync, on_all_synced);
}

/* ---- records ---- */

static void scan(struct store *store);

static void on_slice(struct env *env, struct env_timer *timer) {
    (void)env;
    scan(RMQ_CONTAINER_OF(timer, struct store, recovery.timer));
}

static void scan_later(struct store *store) {
    env_timer_start(store->env, &store->recovery.timer, 0, on_slice);
}

static uint64_t file_end(const struct store *store, uint64_t position) {
    uint64_t file_bytes = store->log.segments.file_bytes;
    return position - position % file_bytes + file_bytes;
}

/* How far from the end the bytes at hand are not all zero. */
static uint64_t count_cut(struct span rest) {
    while (rest.len > 0 && rest.data[rest.len - 1] == 0)
        rest.len--;
    return rest.len;
}

static bool is_zero(struct span bytes) {
    return bytes.len == 0 ||
           (bytes.data[0] == 0 && memcmp(bytes.data, bytes.data + 1, bytes.len - 1) == 0);
}

/* Whether a sector's part of `text`, and what follows in that sector, is zeros. */
static bool has_zero_sector(const struct store *store, struct span rest, struct span text) {
    uint64_t in_file = store->recovery.position % store->log.segments.file_bytes;
    size_t at = (size_t)(text.data - rest.data), end = at + text.len;
    while (at < end) {
        size_t left = SECTOR_BYTES - (size_t)((in_file + at) % SECTOR_BYTES);
        if (is_zero(span_of(rest.data + at, left < rest.len - at ? left : rest.len - at)))
            return true;
        at += left;
    }
    return false;
}

/* Whether the topic or the properties of the record that begins `rest` were torn: the body's CRC
 * does not cover them, and without this check they were served as they are.
 * A sector that a power-off took is what it was before: zeros, behind what is older than this
 * record. So all of the record's bytes in one sector are zeros then, and all that follow there.
 * Single zeros are left alone: a property's value is any text, and Apache stores it. (Zeros in the
 * other fields make lengths, place, magic or CRC wrong.)
 * Differs: Apache does not look. */
static bool is_torn(const struct store *store, struct span rest, const struct message *message) {
    return has_zero_sector(store, rest, message->topic) ||
           has_zero_sector(store, rest, message->properties);
}

/* Looks at the record that begins `rest`, at recovery->position. */
static enum recovery_step check_record(struct store *store, struct span rest) {
    struct recovery *recovery = &store->recovery;
    struct message message;
    uint64_t left = file_end(store, recovery->position) - recovery->position;
    bool crc = store->config.check_crc_on_recover && !env_plant(store->env, PLANT_STORE_NO_CRC);
    uint64_t size_max = (uint64_t)store->config.max_message_bytes + 65536;
    enum message_check check = message_decode(rest, crc, &message);
    recovery->reason = message_check_text(check);
    switch (check) {
    case MESSAGE_OK:
        if (message.physical_offset != (int64_t)recovery->position) {
            recovery->reason = "place";
            return STEP_CUT;
        }
        if (!store->was_clean && is_torn(store, rest, &message)) {
            recovery->reason = "torn";
            return STEP_CUT;
        }
        if (!store->was_clean && recovery->unsure == UINT64_MAX &&
            message.store_ms + CHECKPOINT_MARGIN_MS >= store->checkpoint.physical_ms)
            recovery->unsure = recovery->position;
        recovery->position += message.size;
        recovery->records++;
        recovery->last_store_ms = message.store_ms;
        if (message.store_ms > store->log.latest_ms)
            store->log.latest_ms = message.store_ms;
        return STEP_ON;
    case MESSAGE_BLANK:
        return message.size == left ? STEP_NEXT_FILE : STEP_CUT;
    case MESSAGE_SHORT:
        if (message.size > left || left < MESSAGE_BLANK_BYTES ||
            (message.size > size_max && message.size > RECORD_BYTES_MAX))
            return STEP_CUT;
        recovery->need = message.size;
        return STEP_MORE;
    case MESSAGE_BAD_MAGIC:
    case MESSAGE_BAD_SIZE:
    case MESSAGE_BAD_PLACE:
    case MESSAGE_BAD_CRC:
        break;
    }
    return STEP_CUT;
}

/* Ends the log here, or, as old releases did, takes the rest of the file for its end. */
static void cut(struct store *store, struct span rest) {
    struct recovery *recovery = &store->recovery;
    uint64_t next = file_end(store, recovery->position);
    uint64_t bytes = count_cut(rest);
    recovery->cut_bytes += bytes;
    if (bytes > 0)
        recovery->cut_reason = recovery->reason;
    if (quirk_on(store->config.quirks, QUIRK_READ_PAST_BAD) &&
        next < segments_end(&store->log.segments)) {
        recovery->position = next;
        scan_later(store);
    } else {
        finish(store);
    }
}

/* The records of the slice are looked at: goes on. */
static void go_on(struct store *store) {
    struct recovery *recovery = &store->recovery;
    if (recovery->step == STEP_CUT) {
        cut(store, span_from(buf_span(&recovery->bytes),
                             (size_t)(recovery->position - recovery->read_from)));
        return;
    }
    if (recovery->step == STEP_NEXT_FILE)
        recovery->position = file_end(store, recovery->position);
    scan_later(store);
}

static void on_written_again(struct env_file_op *op, int status) {
    struct store *store = RMQ_CONTAINER_OF(op, struct store, recovery.op);
    if (status == RMQ_OK)
        go_on(store);
    else
        end(store, status);
}

/* Records that the checkpoint does not vouch for are written again, as they are. Where a sync of
 * the earlier process failed, the kernel may hold their pages as clean: readable, not durable, and
 * no later sync writes them (env.h). What is put behind them and acknowledged would be cut off with
 * them after a power-off. Differs: Apache takes what it can read for durable. */
static void write_again(struct store *store) {
    struct recovery *recovery = &store->recovery;
    uint64_t from = recovery->unsure > recovery->read_from ? recovery->unsure : recovery->read_from;
    uint64_t to = recovery->position + (recovery->step == STEP_NEXT_FILE ? MESSAGE_BLANK_BYTES : 0);
    if (from >= to) {
        go_on(store);
        return;
    }
    struct span bytes =
        span_of(recovery->bytes.data + (from - recovery->read_from), (size_t)(to - from));
    segments_write(&store->log.segments, from, bytes, &recovery->op, on_written_again);
}

static void scan(struct store *store) {
    struct recovery *recovery = &store->recovery;
    uint64_t left = file_end(store, recovery->position) - recovery->position;
    if (recovery->position == segments_end(&store->log.segments)) {
        finish(store);
        return;
    }
    size_t len = recovery->need > SLICE_BYTES ? recovery->need : SLICE_BYTES;
    len = len > left ? (size_t)left : len;
    int err = fetch(store, recovery->position, len, scan);
    if (err == RMQ_E_AGAIN)
        return;
    if (err != RMQ_OK) {
        end(store, err);
        return;
    }
    recovery->need = 0;
    recovery->step = STEP_ON;
    struct span rest = buf_span(&recovery->bytes);
    while (recovery->step == STEP_ON && rest.len > 0) {
        recovery->step = check_record(store, rest);
        rest = span_from(buf_span(&recovery->bytes),
                         (size_t)(recovery->position - recovery->read_from));
    }
    write_again(store);
}

static void begin(struct store *store, uint32_t index) {
    struct recovery *recovery = &store->recovery;
    recovery->index = index;
    recovery->from = recovery->position = store->log.segments.items[index].from;
    scan(store);
}

/* ---- where to begin after an unclean stop (14.5) ---- */

static bool is_early_enough(const struct store *store, struct span head) {
    int32_t magic = bytes_i32(head.data + 4);
    bool v6 = (bytes_i32(head.data + 36) & MESSAGE_SYS_BORN_V6) != 0;
    int64_t store_ms = bytes_i64(head.data + (v6 ? 68 : 56));
    int64_t min_ms = checkpoint_min_ms(&store->checkpoint);
    if (store->config.index_enable && store->config.index_safe &&
        store->checkpoint.index_ms < min_ms)
        min_ms = store->checkpoint.index_ms;
    return (magic == MESSAGE_MAGIC_V1 || magic == MESSAGE_MAGIC_V2) && store_ms != 0 &&
           store_ms <= min_ms;
}

/* The last file whose first record is older than what the checkpoint vouches for; else the first.
 */
static void choose(struct store *store) {
    struct recovery *recovery = &store->recovery;
    const struct segments *segments = &store->log.segments;
    for (; recovery->index > 0; recovery->index--) {
        int err = fetch(store, segments->items[recovery->index].from, HEAD_BYTES, choose);
        if (err == RMQ_E_AGAIN)
            return;
        if (err != RMQ_OK) {
            end(store, err);
            return;
        }
        if (is_early_enough(store, buf_span(&recovery->bytes)))
            break;
    }
    begin(store, recovery->index);
}

void recovery_start(struct store *store, recovery_fn *done) {
    struct recovery *recovery = &store->recovery;
    uint32_t count = store->log.segments.count;
    *recovery =
        (struct recovery){.done = done, .cut_reason = "", .reason = "", .unsure = UINT64_MAX};
    buf_init(&recovery->bytes, store->env);
    if (count == 0) {
        end(store, RMQ_OK);
    } else if (store->was_clean) {
        begin(store, third_last(count));
    } else {
        recovery->index = count - 1;
        choose(store);
    }
}

void recovery_deinit(struct store *store) {
    env_timer_stop(store->env, &store->recovery.timer);
    if (store->recovery.done != NULL)
        buf_deinit(&store->recovery.bytes);
}
