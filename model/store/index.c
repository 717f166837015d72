/* store/index.c - the files of the index: loading, making, cutting, trimming; see index.h. */
#include "model/store/index.h"

#include "model/base/buf.h"
#include "model/base/date.h"
#include "model/store/queues.h"
#include "model/wire/message_bytes.h"

#define TAIL_ENTRIES 200 /* looked at for the keys of the last record */

int index_create(struct store *store) {
    struct index *index = env_alloc(store->env, sizeof *index);
    if (index == NULL) {
        return RMQ_E_NOMEM;
    }
    memset(index, 0, sizeof *index);
    index->store = store;
    index->env = store->env;
    index->put_physical = -1;
    list_init(&index->files);
    index->names = dir_sync_create(store->env, strlen(store->config.root) + sizeof "/index");
    if (index->names == NULL) {
        env_free(store->env, index);
        return RMQ_E_NOMEM;
    }
    store->index = index;
    return RMQ_OK;
}

void index_free(struct store *store) {
    struct index *index = store->index;
    if (index == NULL) {
        return;
    }
    env_timer_stop(index->env, &index->retry_timer);
    LIST_EACH(&index->files, link, following) {
        index_file_drop(LIST_ENTRY(link, struct index_file, link), false);
    }
    dir_sync_free(index->names);
    env_free(index->env, index);
    store->index = NULL;
}

uint64_t index_file_bytes(const struct index *index) {
    return index_entry_at(index, (int32_t)index->store->config.index_entries);
}

/* ---- names ---- */

static void put_digits(char *out, int64_t value, unsigned digits) {
    for (unsigned i = digits; i > 0; i--, value /= 10) {
        out[i - 1] = (char)('0' + value % 10);
    }
}

/* yyyyMMddHHmmssSSS of local milliseconds. */
static void format_name(int64_t local_ms, char out[INDEX_NAME]) {
    struct date date = date_of_ms(local_ms);
    put_digits(out, date.year, 4);
    put_digits(out + 4, date.month, 2);
    put_digits(out + 6, date.day, 2);
    put_digits(out + 8, date.hour, 2);
    put_digits(out + 10, date.minute, 2);
    put_digits(out + 12, date.second, 2);
    put_digits(out + 14, date.millisecond, 3);
}

static int64_t digits(const uint8_t *text, unsigned count) {
    int64_t value = 0;
    for (unsigned i = 0; i < count; i++) {
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

/* The reverse. False: not 17 digits. */
static bool parse_name(struct span name, int64_t *local_ms) {
    int64_t number;
    if (name.len != INDEX_NAME || name.data[0] == '-' || span_to_i64(name, &number) != RMQ_OK) {
        return false;
    }
    const uint8_t *text = name.data;
    int64_t year = digits(text, 4), month = digits(text + 4, 2), day = digits(text + 6, 2);
    year -= month <= 2 ? 1 : 0;
    int64_t era = year / 400, of_era = year % 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t days = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
    *local_ms = ((days * 24 + digits(text + 8, 2)) * 60 + digits(text + 10, 2)) * 60000 +
                digits(text + 12, 5);
    return true;
}

static size_t make_path(const struct index *index, const char *name, char out[ENV_PATH_MAX]) {
    const char *root = index->store->config.root;
    size_t len = strlen(root);
    memcpy(out, root, len + 1);
    memcpy(out + len, "/index", sizeof "/index");
    len += sizeof "/index" - 1;
    if (name != NULL) {
        out[len++] = '/';
        memcpy(out + len, name, INDEX_NAME);
        len += INDEX_NAME;
    }
    return len;
}

struct span index_dir(const struct index *index, char out[ENV_PATH_MAX]) {
    return span_of(out, make_path(index, NULL, out));
}

static struct span file_path(const struct index_file *file, char out[ENV_PATH_MAX]) {
    char name[INDEX_NAME];
    format_name(file->name_ms, name);
    return span_of(out, make_path(file->index, name, out));
}

/* ---- one file ---- */

void index_header_encode(const struct index_file *file, uint8_t out[INDEX_HEADER]) {
    bytes_put_i64(out, file->begin_ms);
    bytes_put_i64(out + 8, file->end_ms);
    bytes_put_i64(out + 16, file->begin_physical);
    bytes_put_i64(out + 24, file->end_physical);
    bytes_put_i32(out + 32, file->slots_used);
    bytes_put_i32(out + 36, file->count);
}

static void header_decode(struct index_file *file, const uint8_t *bytes) {
    file->begin_ms = bytes_i64(bytes);
    file->end_ms = bytes_i64(bytes + 8);
    file->begin_physical = bytes_i64(bytes + 16);
    file->end_physical = bytes_i64(bytes + 24);
    file->slots_used = bytes_i32(bytes + 32);
    int32_t count = bytes_i32(bytes + 36), max = (int32_t)file->index->store->config.index_entries;
    file->count = count <= 0 ? 1 : count > max ? max : count;
    file->full = file->count >= max;
}

static struct index_file *file_new(struct index *index, int64_t name_ms) {
    struct index_file *file = env_alloc(index->env, sizeof *file);
    if (file != NULL) {
        memset(file, 0, sizeof *file);
        file->index = index;
        file->name_ms = name_ms;
        file->count = 1;
        list_init(&file->link);
        list_init(&file->pages);
    }
    return file;
}

int index_file_open(struct index_file *file) {
    char path[ENV_PATH_MAX];
    return file->file != NULL ? RMQ_OK
                              : env_file_open(file->index->env, file_path(file, path),
                                              ENV_OPEN_WRITE, &file->file);
}

void index_file_drop(struct index_file *file, bool unlink) {
    struct index *index = file->index;
    if (index->flushing == file) {
        index->flushing = NULL;
    }
    env_file_close(file->file); /* ends the pages' operations */
    index_pages_free(file);
    list_remove(&file->link);
    if (unlink) {
        char path[ENV_PATH_MAX];
        RMQ_IGNORE(env_path_unlink(index->env, file_path(file, path)), "found at the next start");
    }
    env_free(index->env, file);
}

/* The name is the local time, or the next millisecond that is free. */
static int64_t new_name(const struct index *index) {
    const struct index_file *last = index_last(index);
    int64_t now = env_wall_ms(index->env) + (int64_t)env_utc_offset_min(index->env) * 60000;
    now = now < 0 ? 0 : now;
    return last != NULL && last->name_ms >= now ? last->name_ms + 1 : now;
}

int index_file_create(struct index *index, struct index_file **out) {
    const struct index_file *before = index_last(index);
    struct index_file *file = file_new(index, new_name(index));
    if (file == NULL) {
        return RMQ_E_NOMEM;
    }
    if (before != NULL) {
        file->begin_ms = file->end_ms = before->end_ms;
        file->begin_physical = file->end_physical = before->end_physical;
    }
    char path[ENV_PATH_MAX];
    int status = env_path_make_dir(index->env, index_dir(index, path));
    if (status == RMQ_OK) {
        status = env_file_open(index->env, file_path(file, path), ENV_OPEN_NEW, &file->file);
    }
    if (status == RMQ_OK) {
        status = env_file_truncate(file->file, index_file_bytes(index));
    }
    if (status != RMQ_OK) {
        index_file_drop(file, file->file != NULL);
        return status;
    }
    list_append(&index->files, &file->link);
    *out = file;
    return RMQ_OK;
}

/* ---- loading ---- */

static void load_next(struct index *index);

static void load_ended(struct index *index, int status) {
    store_step_fn *done = index->done;
    index->done = NULL;
    index->load = NULL;
    done(index->store, status);
}

/* Not known to be whole after an unclean stop (14.1): above the checkpoint, or never full. Times
 * alone, which is what Apache has, do not tell files of the same millisecond apart, and clocks step
 * back. */
static bool is_doubtful(const struct index_file *file) {
    const struct store *store = file->index->store;
    const struct checkpoint *checkpoint = &store->checkpoint;
    bool above = checkpoint->index_physical > 0 && file->end_physical >= checkpoint->index_physical;
    return !store->was_clean && (above || file->end_ms > checkpoint->index_ms || !file->full);
}

/* How many keys of the last record the file has: its last entries. */
static void on_tail(void *ctx, int status, struct span bytes) {
    struct index *index = ctx;
    const struct index_file *file = index_last(index);
    if (status != RMQ_OK) {
        load_ended(index, status);
        return;
    }
    index->put_physical = file->end_physical;
    index->put_keys = 0;
    for (size_t at = bytes.len; at >= INDEX_ENTRY; at -= INDEX_ENTRY) {
        if (bytes_i64(bytes.data + at - INDEX_ENTRY + 4) != file->end_physical) {
            break;
        }
        index->put_keys++;
    }
    load_ended(index, RMQ_OK);
}

static void load_tail(struct index *index) {
    struct index_file *last = index_last(index);
    int32_t entries = last == NULL ? 0 : last->count - 1;
    entries = entries > TAIL_ENTRIES ? TAIL_ENTRIES : entries;
    int status = last == NULL ? RMQ_OK : index_file_open(last);
    if (status == RMQ_OK && entries > 0) {
        status = reads_start_file(&index->store->queues->reads, last->file,
                                  index_entry_at(index, last->count - entries),
                                  (size_t)entries * INDEX_ENTRY, on_tail, index, NULL);
        if (status == RMQ_OK) {
            return;
        }
    }
    load_ended(index, status);
}

static void on_header(void *ctx, int status, struct span bytes) {
    struct index *index = ctx;
    struct index_file *file = index->load;
    if (status != RMQ_OK) {
        load_ended(index, status);
        return;
    }
    header_decode(file, bytes.data);
    file->flushed = true;
    env_file_close(file->file);
    file->file = NULL;
    struct list *next = file->link.next;
    if (is_doubtful(file)) {
        index_file_drop(file, true);
    }
    index->load = next == &index->files ? NULL : LIST_ENTRY(next, struct index_file, link);
    load_next(index);
}

/* Reads the header of index->load, and so on. A file of a wrong size is none of ours, or was never
 * made whole. */
static void load_next(struct index *index) {
    while (index->load != NULL) {
        struct index_file *file = index->load;
        struct list *next = file->link.next;
        int status = index_file_open(file);
        if (status != RMQ_OK) {
            load_ended(index, status);
            return;
        }
        if (env_file_size(file->file) == index_file_bytes(index)) {
            status = reads_start_file(&index->store->queues->reads, file->file, 0, INDEX_HEADER,
                                      on_header, index, NULL);
            if (status != RMQ_OK) {
                load_ended(index, status);
            }
            return;
        }
        env_log(index->env, ENV_LOG_WARN, "index file %lld has a wrong size: deleted",
                (long long)file->name_ms);
        index_file_drop(file, true);
        index->load = next == &index->files ? NULL : LIST_ENTRY(next, struct index_file, link);
    }
    load_tail(index);
}

static int list_files(struct index *index) {
    char path[ENV_PATH_MAX];
    struct buf names;
    buf_init(&names, index->env);
    int status = env_path_list(index->env, index_dir(index, path), &names);
    status = status == RMQ_E_NOT_FOUND ? RMQ_OK : status;
    struct span rest = buf_span(&names);
    while (status == RMQ_OK && rest.len > 0) {
        struct span name = span_of(rest.data, strlen((const char *)rest.data));
        int64_t name_ms;
        char same[INDEX_NAME];
        rest = span_from(rest, name.len + 1);
        bool is_name = parse_name(name, &name_ms);
        if (is_name) { /* a date that exists */
            format_name(name_ms, same);
        }
        if (!is_name || !span_equal(name, span_of(same, INDEX_NAME))) {
            env_log(index->env, ENV_LOG_WARN, "index/%.*s: not an index file", (int)name.len,
                    (const char *)name.data);
            continue;
        }
        struct index_file *file = file_new(index, name_ms);
        if (file == NULL) {
            status = RMQ_E_NOMEM;
        } else {
            list_append(&index->files, &file->link);
        }
    }
    buf_deinit(&names);
    return status;
}

void index_load(struct store *store, store_step_fn *done) {
    struct index *index = store->index;
    index->done = done;
    int status = store->config.index_enable ? list_files(index) : RMQ_OK;
    if (status != RMQ_OK) {
        load_ended(index, status);
        return;
    }
    struct list *first = index->files.next;
    index->load = first == &index->files ? NULL : LIST_ENTRY(first, struct index_file, link);
    load_next(index);
}

/* ---- what the log has lost ---- */

int64_t index_resume(const struct index *index, int64_t log_min) {
    return index->put_physical > log_min ? index->put_physical : log_min;
}

static void on_checkpoint(void *ctx, int status) {
    load_ended(((struct store *)ctx)->index, status);
}

/* What is known of the last file is; before new files take the places of those that went, the
 * checkpoint must not vouch for them. */
static void on_cut(struct store *store, int status) {
    struct index *index = store->index;
    struct checkpoint *checkpoint = &store->checkpoint;
    int64_t whole = index->put_physical < 0 ? 1 : index->put_physical + 1;
    index->done = index->cut;
    if (status != RMQ_OK || whole >= checkpoint->index_physical) {
        load_ended(index, status);
        return;
    }
    checkpoint->index_physical = whole;
    checkpoint_save(checkpoint, on_checkpoint, store);
}

void index_cut(struct index *index, int64_t log_end, store_step_fn *done) {
    struct index_file *last;
    bool cut = false;
    while ((last = index_last(index)) != NULL && last->end_physical >= log_end) {
        index_file_drop(last, true);
        cut = true;
    }
    index->cut = done;
    if (cut) {
        index->put_physical = -1;
        index->done = on_cut;
        load_tail(index);
    } else {
        on_cut(index->store, RMQ_OK);
    }
}

void index_trim(struct index *index, int64_t min_physical) {
    LIST_EACH(&index->files, link, next) {
        struct index_file *file = LIST_ENTRY(link, struct index_file, link);
        if (file == index_last(index) || file->end_physical >= min_physical || file->users > 0 ||
            !file->flushed) {
            break;
        }
        index_file_drop(file, true);
    }
}
