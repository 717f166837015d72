/* store/index_put.c - adds the keys of a record to the newest index file (store.md 8.3, 8.4). */
#include "model/store/index.h"
#include "model/wire/message_bytes.h"

#define TRANSACTION_ROLLBACK 12
#define WAITING_MAX 4 /* full files that are not flushed yet; more make dispatch wait */

static int32_t seconds_since(int64_t begin_ms, int64_t store_ms) {
    int64_t seconds = begin_ms <= 0 ? 0 : (store_ms - begin_ms) / 1000;
    return seconds < 0 ? 0 : seconds > INT32_MAX ? INT32_MAX : (int32_t)seconds;
}

/* One key. All pages are held before the first byte changes. */
static int put_key(struct index_file *file, int32_t hash, int64_t physical, int64_t store_ms) {
    struct index *index = file->index;
    uint64_t slot_at = index_slot_at(index, hash);
    uint64_t entry_at = index_entry_at(index, file->count);
    int status = index_pages_hold(file, slot_at, 4, true);
    if (status == RMQ_OK) {
        status = index_pages_hold(file, entry_at, INDEX_ENTRY, true);
    }
    uint8_t slot[4], entry[INDEX_ENTRY];
    if (status != RMQ_OK) {
        return status;
    }
    if (!index_pages_peek(file, slot_at, 4, slot)) { /* the entry's page took its place */
        return RMQ_E_NOMEM;
    }
    int32_t before = bytes_i32(slot);
    before = before <= 0 || before > file->count ? 0 : before;
    bytes_put_i32(entry, hash);
    bytes_put_i64(entry + 4, physical);
    bytes_put_i32(entry + 12, seconds_since(file->begin_ms, store_ms));
    bytes_put_i32(entry + 16, before);
    bytes_put_i32(slot, file->count);
    index_pages_set(file, entry_at, INDEX_ENTRY, entry);
    index_pages_set(file, slot_at, 4, slot);
    if (file->count <= 1) {
        file->begin_physical = physical;
        file->begin_ms = store_ms;
    }
    file->flushed = false;
    file->slots_used += before == 0 ? 1 : 0;
    file->count++;
    file->end_physical = physical;
    file->end_ms = store_ms;
    return RMQ_OK;
}

static uint32_t files_waiting(const struct index *index) {
    uint32_t waiting = 0;
    for (struct list *link = index->files.prev; link != &index->files; link = link->prev) {
        const struct index_file *file = LIST_ENTRY(link, struct index_file, link);
        if (file->flushed) {
            break;
        }
        waiting += file->full ? 1 : 0;
    }
    return waiting;
}

/* The file that takes the next key. */
static int file_with_room(struct index *index, struct index_file **out) {
    struct index_file *file = index_last(index);
    if (file != NULL && file->count < (int32_t)index->store->config.index_entries) {
        *out = file;
        return RMQ_OK;
    }
    if (files_waiting(index) >= WAITING_MAX || env_timer_armed(&index->retry_timer)) {
        return RMQ_E_AGAIN;
    }
    int status = index_file_create(index, out);
    if (status != RMQ_OK) {
        index_failed(index, "create", status);
        return RMQ_E_AGAIN;
    }
    index_worked(index);
    if (file != NULL) {
        file->full = true;
        index_flush_next(index);
    }
    return RMQ_OK;
}

/* Key number `number` of the record at hand, unless it has been put already. */
static int put_next(struct index *index, const struct message *message, struct span key,
                    uint32_t number) {
    if (number < index->put_keys) {
        return RMQ_OK;
    }
    struct index_file *file = NULL;
    int status = file_with_room(index, &file);
    if (status == RMQ_OK) {
        status = put_key(file, message_key_hash(message->topic, key), index->put_physical,
                         message->store_ms);
    }
    index->put_keys += status == RMQ_OK ? 1 : 0;
    return status;
}

int index_put(struct index *index, int64_t physical, const struct message *message) {
    if (physical < index->put_physical ||
        (message->sys_flag & MESSAGE_SYS_TRANSACTION) == TRANSACTION_ROLLBACK) {
        return RMQ_OK;
    }
    if (physical > index->put_physical) {
        index->put_physical = physical;
        index->put_keys = 0;
    }
    uint32_t number = 0;
    struct span unique = message_property(message->properties, SPAN_LITERAL("UNIQ_KEY"));
    struct span keys = message_property(message->properties, SPAN_LITERAL("KEYS")), key;
    int status = unique.len == 0 ? RMQ_OK : put_next(index, message, unique, number++);
    while (status == RMQ_OK && span_next_part(&keys, ' ', &key)) {
        status = put_next(index, message, key, number++);
    }
    return status;
}
