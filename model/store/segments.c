/* store/segments.c - a byte range made of equal files. Source: store.md 2.
 *
 * A file gets its full size when it is made, and is sparse then. After a power-off a file whose
 * size or name was not synced may be short or missing although later ones are there; what comes
 * behind was never durable either, since a sync covers names and goes from the front. */
#include "model/store/segments.h"

#include "model/base/buf.h"
#include "model/base/check.h"
#include "model/store/dir_sync.h"

#define NAME_DIGITS 20

static struct span dir_span(const struct segments *segments) {
    return span_of_text(segments->dir);
}

size_t segments_path(const struct segments *segments, uint64_t from, char out[ENV_PATH_MAX]) {
    size_t len = strlen(segments->dir);
    memcpy(out, segments->dir, len);
    out[len++] = '/';
    for (size_t digit = NAME_DIGITS; digit > 0; digit--, from /= 10)
        out[len + digit - 1] = (char)('0' + from % 10);
    len += NAME_DIGITS;
    out[len] = 0;
    RMQ_ASSERT(len < ENV_PATH_MAX);
    return len;
}

uint64_t segments_min(const struct segments *segments) {
    return segments->count == 0 ? 0 : segments->items[0].from;
}

uint64_t segments_end(const struct segments *segments) {
    return segments_min(segments) + segments->count * segments->file_bytes;
}

struct segment *segments_at(const struct segments *segments, uint64_t position) {
    uint64_t min = segments_min(segments);
    if (position < min || position >= segments_end(segments))
        return NULL;
    return &segments->items[(position - min) / segments->file_bytes];
}

/* ---- files come ---- */

static int make_room(struct segments *segments) {
    if (segments->count < segments->capacity)
        return RMQ_OK;
    uint32_t capacity = segments->capacity == 0 ? 2 : 2 * segments->capacity;
    struct segment *items =
        env_realloc(segments->env, segments->items, capacity * sizeof segments->items[0]);
    if (items == NULL)
        return RMQ_E_NOMEM;
    segments->items = items;
    segments->capacity = capacity;
    return RMQ_OK;
}

int segments_grow(struct segments *segments, uint64_t from) {
    char path[ENV_PATH_MAX];
    struct env_file *file = NULL;
    RMQ_ASSERT(from % segments->file_bytes == 0);
    RMQ_ASSERT(segments->count == 0 || from == segments_end(segments));
    int err = make_room(segments);
    if (err == RMQ_OK && segments->count == 0)
        err = env_path_make_dir(segments->env, dir_span(segments));
    struct span name = span_of(path, segments_path(segments, from, path));
    if (err == RMQ_OK)
        err = env_file_open(segments->env, name, ENV_OPEN_NEW, &file);
    if (err != RMQ_OK)
        return err;
    err = env_file_truncate(file, segments->file_bytes);
    if (err != RMQ_OK) {
        env_file_close(file);
        RMQ_IGNORE(env_path_unlink(segments->env, name), "an empty last file is deleted at load");
        return err;
    }
    segments->items[segments->count++] = (struct segment){.from = from, .file = file};
    return RMQ_OK;
}

/* ---- load ---- */

static bool parse_name(struct span name, uint64_t *from) {
    return name.len == NAME_DIGITS && span_to_u64(name, from) == RMQ_OK;
}

static int refuse(const struct segments *segments, struct span name, const char *why) {
    env_log(segments->env, ENV_LOG_ERROR, "%s/%.*s: %s", segments->dir, (int)name.len,
            (const char *)name.data, why);
    return RMQ_E_INVALID;
}

/* A file that is short after an unclean stop had a size that was not synced; nothing in it counts
 * as durable, and zeros end a log. */
static int check_size(struct segments *segments, struct env_file *file, struct span name,
                      enum segments_left left) {
    uint64_t size = env_file_size(file);
    if (size == segments->file_bytes)
        return RMQ_OK;
    if (left == SEGMENTS_CLEAN || size > segments->file_bytes)
        return refuse(segments, name, "its size is not the configured one");
    env_log(segments->env, ENV_LOG_WARN, "%s/%.*s: is short, filled up with zeros", segments->dir,
            (int)name.len, (const char *)name.data);
    return env_file_truncate(file, segments->file_bytes);
}

static int unlink_name(struct segments *segments, uint64_t from) {
    char path[ENV_PATH_MAX];
    size_t len = segments_path(segments, from, path);
    env_log(segments->env, ENV_LOG_WARN, "%s: is deleted", path);
    return env_path_unlink(segments->env, span_of(path, len));
}

/* Opens the file called `name`; `last`: no name follows. */
static int load_file(struct segments *segments, struct span name, bool last,
                     enum segments_left left) {
    uint64_t from = 0;
    char path[ENV_PATH_MAX];
    if (!parse_name(name, &from) || from % segments->file_bytes != 0)
        return refuse(segments, name, "its name is no multiple of the file size");
    if (segments->count > 0 && from != segments_end(segments))
        return left == SEGMENTS_CLEAN ? refuse(segments, name, "a file before it is missing")
                                      : unlink_name(segments, from);
    int err = make_room(segments);
    if (err != RMQ_OK)
        return err;
    struct segment item = {.from = from, .name_synced = left == SEGMENTS_CLEAN};
    struct span full = span_of(path, segments_path(segments, from, path));
    err = env_file_open(segments->env, full, ENV_OPEN_WRITE, &item.file);
    if (err != RMQ_OK)
        return err;
    if (last && env_file_size(item.file) == 0) {
        env_file_close(item.file);
        return unlink_name(segments, from);
    }
    err = check_size(segments, item.file, name, left);
    if (err != RMQ_OK) {
        env_file_close(item.file);
        return err;
    }
    segments->items[segments->count++] = item;
    return RMQ_OK;
}

/* Takes the next name off the list that env_path_list made. */
static bool next_name(struct span *rest, struct span *name) {
    if (rest->len == 0)
        return false;
    const uint8_t *end = memchr(rest->data, 0, rest->len);
    RMQ_ASSERT(end != NULL);
    *name = span_of(rest->data, (size_t)(end - rest->data));
    *rest = span_from(*rest, name->len + 1);
    return true;
}

static int load_all(struct segments *segments, enum segments_left left) {
    struct buf list;
    struct span name;
    buf_init(&list, segments->env);
    int err = env_path_list(segments->env, dir_span(segments), &list);
    segments->dir_synced = left == SEGMENTS_CLEAN && err == RMQ_OK;
    struct span rest = buf_span(&list);
    while (err == RMQ_OK && next_name(&rest, &name)) {
        if (name.len > 0 && name.data[name.len - 1] == '/')
            continue;
        err = load_file(segments, name, rest.len == 0, left);
    }
    buf_deinit(&list);
    return err == RMQ_E_NOT_FOUND && segments->count == 0 ? RMQ_OK : err;
}

int segments_load(struct segments *segments, struct env *env, struct span dir, uint64_t file_bytes,
                  enum segments_left left) {
    *segments = (struct segments){.env = env, .file_bytes = file_bytes};
    RMQ_ASSERT(file_bytes > 0);
    if (dir.len >= ENV_PATH_MAX - NAME_DIGITS - 1)
        return RMQ_E_LIMIT;
    segments->dir = env_alloc(env, dir.len + 1);
    segments->names = dir_sync_create(env, dir.len);
    int err = RMQ_E_NOMEM;
    if (segments->dir != NULL && segments->names != NULL) {
        memcpy(segments->dir, dir.data, dir.len);
        segments->dir[dir.len] = '\0';
        err = load_all(segments, left);
    }
    if (err != RMQ_OK) {
        segments_deinit(segments);
        return err;
    }
    segments->accepted = segments->written = segments->flushed = segments_end(segments);
    return RMQ_OK;
}

void segments_deinit(struct segments *segments) {
    for (uint32_t i = 0; i < segments->count; i++)
        env_file_close(segments->items[i].file);
    dir_sync_free(segments->names);
    if (segments->env != NULL) {
        env_free(segments->env, segments->items);
        env_free(segments->env, segments->dir);
    }
    *segments = (struct segments){.env = segments->env};
}

/* ---- bytes ---- */

static struct segment *inside(const struct segments *segments, uint64_t position, size_t len) {
    struct segment *item = segments_at(segments, position);
    RMQ_ASSERT(item == NULL || len <= item->from + segments->file_bytes - position);
    return item;
}

int segments_view(const struct segments *segments, uint64_t position, size_t len,
                  struct span *out) {
    const struct segment *item = inside(segments, position, len);
    if (item == NULL)
        return RMQ_E_RANGE;
    return env_file_view(item->file, position - item->from, len, out);
}

int segments_copy(const struct segments *segments, uint64_t position, size_t len, void *into) {
    const struct segment *item = inside(segments, position, len);
    if (item == NULL)
        return RMQ_E_RANGE;
    for (size_t have = 0; have < len;) {
        struct span part;
        int err = env_file_view(item->file, position + have - item->from, len - have, &part);
        if (err != RMQ_OK)
            return err;
        memcpy((uint8_t *)into + have, part.data, part.len);
        have += part.len;
    }
    return RMQ_OK;
}

void segments_read(const struct segments *segments, uint64_t position, size_t len, void *into,
                   struct env_file_op *op, env_file_fn *done) {
    const struct segment *item = inside(segments, position, len);
    RMQ_ASSERT(item != NULL);
    env_file_read(item->file, position - item->from, into, len, op, done);
}

void segments_write(struct segments *segments, uint64_t position, struct span bytes,
                    struct env_file_op *op, env_file_fn *done) {
    const struct segment *item = inside(segments, position, bytes.len);
    RMQ_ASSERT(item != NULL);
    env_file_write(item->file, position - item->from, bytes, op, done);
}

/* ---- sync ---- */

static void sync_next(struct segments_sync *sync);

static void sync_end(struct segments_sync *sync, int status) {
    struct segments *segments = sync->segments;
    sync->segments = NULL;
    if (status == RMQ_OK && sync->target > segments->flushed)
        segments->flushed = sync->target;
    sync->done(sync, status);
}

static void on_file_synced(struct env_file_op *op, int status) {
    struct segments_sync *sync = RMQ_CONTAINER_OF(op, struct segments_sync, op);
    if (status == RMQ_OK)
        sync_next(sync);
    else
        sync_end(sync, status);
}

/* Files behind `at` may have come since the directory's sync began. */
static void on_names_synced(void *ctx, int status) {
    struct segments_sync *sync = ctx;
    struct segments *segments = sync->segments;
    for (uint32_t i = 0; i < segments->count && status == RMQ_OK; i++)
        if (segments->items[i].from < sync->at)
            segments->items[i].name_synced = true;
    segments->dir_synced |= status == RMQ_OK;
    sync_end(sync, status);
}

static void sync_next(struct segments_sync *sync) {
    struct segments *segments = sync->segments;
    const struct segment *item = sync->at < sync->target ? segments_at(segments, sync->at) : NULL;
    RMQ_ASSERT(item != NULL || sync->at >= sync->target);
    if (item != NULL) {
        sync->at = item->from + segments->file_bytes;
        env_file_sync(item->file, &sync->op, on_file_synced);
        return;
    }
    bool names_synced = segments->dir_synced || segments->count == 0;
    for (uint32_t i = segments->count; i > 0 && names_synced; i--)
        names_synced = segments->items[i - 1].name_synced;
    if (names_synced) {
        sync_end(sync, RMQ_OK);
        return;
    }
    sync->at = segments_end(segments);
    dir_sync_start(segments->names, dir_span(segments), !segments->dir_synced, on_names_synced,
                   sync);
}

void segments_sync(struct segments *segments, struct segments_sync *sync,
                   void (*done)(struct segments_sync *sync, int status)) {
    RMQ_ASSERT(sync->segments == NULL);
    RMQ_ASSERT(segments->flushed <= segments->written);
    sync->segments = segments;
    sync->done = done;
    sync->target = segments->written;
    sync->at =
        segments->flushed > segments_min(segments) ? segments->flushed : segments_min(segments);
    sync_next(sync);
}

/* ---- files go ---- */

static void lower(uint64_t *position, uint64_t bound) {
    if (*position > bound)
        *position = bound;
}

int segments_drop_from(struct segments *segments, uint64_t from) {
    while (segments->count > 0 && segments->items[segments->count - 1].from >= from) {
        struct segment *last = &segments->items[segments->count - 1];
        int err = unlink_name(segments, last->from);
        if (err != RMQ_OK && err != RMQ_E_NOT_FOUND)
            return err;
        env_file_close(last->file);
        lower(&segments->accepted, last->from);
        lower(&segments->written, last->from);
        lower(&segments->flushed, last->from);
        segments->count--;
        segments->dir_synced = false; /* the next sync covers what is missing now */
    }
    return RMQ_OK;
}

int segments_drop_first(struct segments *segments) {
    RMQ_ASSERT(segments->count > 0);
    struct segment first = segments->items[0];
    if (first.from + segments->file_bytes > segments->flushed)
        return RMQ_E_STATE;
    int err = unlink_name(segments, first.from);
    if (err != RMQ_OK && err != RMQ_E_NOT_FOUND)
        return err;
    env_file_close(first.file);
    segments->count--;
    memmove(segments->items, segments->items + 1, segments->count * sizeof first);
    return RMQ_OK;
}

int64_t segments_modified_ms(const struct segments *segments, uint32_t index) {
    RMQ_ASSERT(index < segments->count);
    return env_file_modified_ms(segments->items[index].file);
}
