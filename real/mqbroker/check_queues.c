/* mqbroker/check_queues.c - consume queues against the commit log: each unit is of the record that
 * it names, and each record of the log has its unit. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "real/mqbroker/check_store_internal.h"

#define UNIT_BYTES 20

struct totals {
    uint64_t queues, units, behind_queues, behind_units;
};

static int64_t read_big_i64(const uint8_t *bytes) {
    struct span_reader reader = {span_of(bytes, 8), false};
    return read_i64(&reader);
}
static int32_t read_big_i32(const uint8_t *bytes) {
    struct span_reader reader = {span_of(bytes, 4), false};
    return read_i32(&reader);
}

static const uint8_t *unit_at(const struct mapped_dir *dir, int64_t offset) {
    uint64_t position = (uint64_t)offset * UNIT_BYTES, min = dir->files[0].from;
    if (position < min || (position - min) / dir->file_bytes >= dir->count) {
        return NULL;
    }
    const struct mapped *file = &dir->files[(position - min) / dir->file_bytes];
    return file->bytes + (position - file->from);
}

/* Behind the last unit: those without a length are not written. */
static int64_t find_end(const struct mapped_dir *dir, int64_t offset) {
    const uint8_t *unit;
    while ((unit = unit_at(dir, offset)) != NULL && read_big_i32(unit + 8) > 0) {
        offset++;
    }
    return offset;
}

/* Why the unit is not of the message that it names, or NULL. */
static const char *what_is_wrong(const struct check *check, const uint8_t *unit, int64_t offset,
                                 struct span topic, int32_t id) {
    struct message message;
    int64_t physical = read_big_i64(unit);
    if (!check_record_at(check, physical, &message)) {
        return "there is no record";
    }
    if ((int64_t)message.size != read_big_i32(unit + 8)) {
        return "the record has another length";
    }
    bool is_it = span_equal(message.topic, topic) && message.queue_id == id &&
                 message.queue_offset == offset;
    return is_it ? NULL : "the record is another queue's, or another message's";
}

/* Units of messages that the log has no more are no error: retention takes the log first. */
static void check_units(struct check *check, const struct mapped_dir *dir, const char *path,
                        struct span topic, int32_t id, struct totals *totals, int64_t *end) {
    int64_t first = (int64_t)(dir->files[0].from / UNIT_BYTES);
    uint64_t log_min = check->log.count == 0 ? 0 : check->log.files[0].from, bad = 0;
    *end = find_end(dir, first);
    for (int64_t offset = first; offset < *end; offset++) {
        const uint8_t *unit = unit_at(dir, offset);
        if ((uint64_t)read_big_i64(unit) < log_min) {
            continue;
        }
        const char *why = what_is_wrong(check, unit, offset, topic, id);
        totals->units++;
        if (why != NULL && bad++ == 0) {
            check_wrong(check, "%s: unit %" PRId64 " names %" PRId32 " bytes at %" PRId64 ": %s",
                        path, offset, read_big_i32(unit + 8), read_big_i64(unit), why);
        }
    }
    if (bad > 1) {
        check_wrong(check, "%s: %" PRIu64 " units in all are wrong", path, bad);
    }
}

static struct checked_queue *find_queue(const struct check *check, struct span topic, int32_t id) {
    uint8_t key[CHECK_KEY_MAX];
    struct checked_queue *queue = NULL;
    if (topic.len + 4 <= sizeof key) {
        memcpy(key, &id, 4);
        memcpy(key + 4, topic.data, topic.len);
        HASH_FIND(hh, check->queues, key, topic.len + 4, queue);
    }
    return queue;
}

static void say_behind(struct check *check, const char *path, const struct checked_queue *queue,
                       int64_t end, struct totals *totals) {
    if (end >= queue->next) {
        return;
    }
    totals->behind_queues++;
    totals->behind_units += (uint64_t)(queue->next - end);
    if (!check->unclean) {
        check_wrong(check, "%s: ends at %" PRId64 ", the log's last message of it is %" PRId64,
                    path, end, queue->next - 1);
    }
}

static void check_queue(struct check *check, const char *path, struct span topic, int32_t id,
                        struct totals *totals) {
    struct mapped_dir dir;
    struct checked_queue *queue = find_queue(check, topic, id);
    int64_t end = queue == NULL ? 0 : queue->first;
    if (!check_map(check, path, &dir)) {
        check_wrong(check, "%s: %s", path, strerror(errno));
        return;
    }
    totals->queues++;
    if (dir.count > 0 && dir.file_bytes % UNIT_BYTES == 0) {
        check_units(check, &dir, path, topic, id, totals, &end);
    } else if (dir.count > 0) {
        check_wrong(check, "%s: its files have %" PRIu64 " bytes, expected a multiple of %d", path,
                    dir.file_bytes, UNIT_BYTES);
    }
    if (queue != NULL) {
        fprintf(check->out,
                "queue %.*s %" PRId32 ": to %" PRId64 "; log: %" PRIu64 " records, %" PRId64
                " to %" PRId64 "\n",
                (int)topic.len, (const char *)topic.data, id, end, queue->records, queue->first,
                queue->next);
        say_behind(check, path, queue, end, totals);
        queue->key_len = 0; /* seen */
    }
    check_unmap(&dir);
}

static void each_name(struct check *check, const char *path, struct span topic,
                      struct totals *totals) {
    DIR *dir = opendir(path);
    const struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char below[PATH_MAX];
        int32_t id;
        if (entry->d_name[0] == '.') {
            continue;
        }
        int len = snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        if (len < 0 || (size_t)len >= sizeof below) {
            check_wrong(check, "%s/%s: the path is too long", path, entry->d_name);
        } else if (span_is_absent(topic)) {
            each_name(check, below, span_of_text(entry->d_name), totals);
        } else if (span_to_i32(span_of_text(entry->d_name), &id) == RMQ_OK) {
            check_queue(check, below, topic, id, totals);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

void check_queues(struct check *check) {
    char path[PATH_MAX];
    struct totals totals = {0};
    struct checked_queue *queue, *following;
    snprintf(path, sizeof path, "%s/consumequeue", check->dir);
    each_name(check, path, SPAN_NONE, &totals);
    HASH_ITER(hh, check->queues, queue, following) {
        int32_t id;
        memcpy(&id, queue->key, 4);
        const char *topic = (const char *)queue->key + 4;
        if (queue->out_of_order > 0) {
            check_wrong(check,
                        "queue %s %" PRId32 ": %" PRIu64
                        " records have an offset that does not follow, the first at %" PRId64,
                        topic, id, queue->out_of_order, queue->order_physical);
        }
        if (queue->key_len > 0) { /* no directory */
            snprintf(path, sizeof path, "queue %s %" PRId32, topic, id);
            say_behind(check, path, queue, queue->first, &totals);
        }
        HASH_DELETE(hh, check->queues, queue); // NOLINT(clang-analyzer-core.NullDereference)
        free(queue);
    }
    fprintf(check->out,
            "consume queues: %" PRIu64 ", %" PRIu64 " units; %" PRIu64 " behind the log by %" PRIu64
            " units%s\n",
            totals.queues, totals.units, totals.behind_queues, totals.behind_units,
            totals.behind_queues > 0 ? ", which the next start completes" : "");
}
