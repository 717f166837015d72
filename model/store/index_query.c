/* store/index_query.c - physical offsets by key, newest file first (store.md 8.5, 19). */
#include "model/store/index.h"
#include "model/store/queues.h"
#include "model/wire/message_bytes.h"

#define CHAIN_OVER (-1)

static void leave(struct index_query *query) {
    struct index_file *file = query->file;
    query->file = NULL;
    if (file == NULL) {
        return;
    }
    file->users--;
    bool grows = file == index_last(file->index) || !file->flushed;
    if (file->users == 0 && !grows) {
        env_file_close(file->file);
        file->file = NULL;
    }
}

void index_query_end(struct index_query *query) {
    reads_cancel(query->job);
    query->job = NULL;
    leave(query);
}

static void on_bytes(void *ctx, int status, struct span bytes) {
    struct index_query *query = ctx;
    query->job = NULL;
    query->have_bytes = true;
    memset(query->bytes, 0, sizeof query->bytes); /* unreadable: the chain ends */
    if (status == RMQ_OK) {
        memcpy(query->bytes, bytes.data, bytes.len);
    }
    query->wake(query);
}

/* [at, at + len) of the file at hand. */
static int fetch(struct index_query *query, uint64_t at, size_t len, uint8_t *out) {
    struct index_file *file = query->file;
    struct span view;
    if (query->have_bytes) {
        query->have_bytes = false;
        memcpy(out, query->bytes, len);
        return RMQ_OK;
    }
    if (index_pages_peek(file, at, len, out)) {
        return RMQ_OK;
    }
    int status = env_file_view(file->file, at, len, &view);
    if (status == RMQ_OK && view.len == len) {
        memcpy(out, view.data, len);
        return RMQ_OK;
    }
    status = reads_start_file(&query->index->store->queues->reads, file->file, at, len, on_bytes,
                              query, &query->job);
    return status == RMQ_OK ? RMQ_E_AGAIN : status;
}

static int32_t valid(const struct index_file *file, int32_t entry) {
    return entry <= 0 || entry > file->count ? CHAIN_OVER : entry;
}

/* One entry of the chain. */
static int walk_entry(struct index_query *query) {
    const struct index_file *file = query->file;
    uint8_t bytes[INDEX_ENTRY];
    int status = fetch(query, index_entry_at(query->index, query->entry), INDEX_ENTRY, bytes);
    if (status != RMQ_OK) {
        return status;
    }
    int32_t seconds = bytes_i32(bytes + 12), before = bytes_i32(bytes + 16);
    int64_t ms = file->begin_ms + (int64_t)seconds * 1000;
    if (seconds < 0) {
        query->entry = CHAIN_OVER;
        return RMQ_OK;
    }
    if (bytes_i32(bytes) == query->hash && ms >= query->begin_ms && ms <= query->end_ms) {
        query->found[query->count++] = bytes_i64(bytes + 4);
    }
    query->entry =
        before == query->entry || ms < query->begin_ms ? CHAIN_OVER : valid(file, before);
    return RMQ_OK;
}

static int walk_file(struct index_query *query) {
    int status = RMQ_OK;
    if (query->entry == 0) {
        uint8_t slot[4];
        status = fetch(query, index_slot_at(query->index, query->hash), sizeof slot, slot);
        if (status == RMQ_OK) {
            query->entry = valid(query->file, bytes_i32(slot));
        }
    }
    while (status == RMQ_OK && query->entry > 0 && query->count < query->max) {
        status = walk_entry(query);
    }
    return status;
}

/* Opens the file before the one at hand that overlaps the time range; false: none. */
static bool next_file(struct index_query *query, int *status) {
    struct index *index = query->index;
    struct list *link = query->file == NULL ? index->files.prev : query->file->link.prev;
    bool older = query->file != NULL && query->file->begin_ms < query->begin_ms;
    leave(query);
    for (; link != &index->files && !older; link = link->prev) {
        struct index_file *file = LIST_ENTRY(link, struct index_file, link);
        if (file->begin_ms <= query->end_ms && file->end_ms >= query->begin_ms && file->count > 1) {
            *status = index_file_open(file);
            if (*status != RMQ_OK) {
                return false;
            }
            file->users++;
            query->file = file;
            query->entry = 0;
            return true;
        }
        older = file->begin_ms < query->begin_ms;
    }
    return false;
}

int index_query_step(struct index_query *query) {
    int status = RMQ_OK;
    RMQ_ASSERT(query->max <= sizeof query->found / sizeof query->found[0]);
    while (!query->over) {
        if (query->file != NULL) {
            status = walk_file(query);
            if (status != RMQ_OK) {
                return status;
            }
        }
        query->over = query->count >= query->max || !next_file(query, &status);
    }
    leave(query);
    return status;
}
