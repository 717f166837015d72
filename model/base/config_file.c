/* base/config_file.c - see config_file.h. */
#include "model/base/config_file.h"

#include <xxhash.h>

#include "model/base/check.h"
#include "model/events.h"
#include "model/quirks.h"

#define FILE_BYTES_MAX ((size_t)256 << 20)
#define RETRY_NS UINT64_C(5000000000)

/* A load or a save under way. */
struct config_job {
    struct config_file *file; /* NULL: its file has gone, the last sync frees it */
    struct env *env;
    struct replace_file replace;
    struct read_file read;
    struct buf content; /* that is saved */
    uint64_t hash;
    bool from_backup; /* which file is being read */
    int main_status;  /* then: what was wrong with the main one */
    config_file_fn *done;
    void *ctx;
    size_t path_len;
    char path[ENV_PATH_MAX];
};

static uint64_t content_hash(struct span content) {
    return XXH3_64bits(content.data, content.len);
}

static struct span file_name(const struct config_file *file) {
    return span_of_text(file->table->file_name);
}

static struct config_job *job_create(struct config_file *file) {
    struct config_job *job = env_alloc(file->env, sizeof *job);
    if (job == NULL)
        return NULL;
    memset(job, 0, sizeof *job);
    job->file = file;
    job->env = file->env;
    buf_init(&job->content, file->env);
    struct buf path = {.data = (uint8_t *)job->path, .capacity = sizeof job->path};
    buf_put_span(&path, file->dir);
    buf_put_u8(&path, '/');
    buf_put_span(&path, file_name(file));
    job->path_len = path.len;
    file->job = job;
    return job;
}

static void job_free(struct config_job *job) {
    if (job->file != NULL)
        job->file->job = NULL;
    buf_deinit(&job->content);
    env_free(job->env, job);
}

void config_file_init(struct config_file *file, struct env *env, const struct config_table *table,
                      void *ctx, struct span dir, bool unsynced) {
    RMQ_ASSERT(dir.len + strlen(table->file_name) + 2 * sizeof ".bak.tmp" < ENV_PATH_MAX);
    *file = (struct config_file){
        .env = env, .table = table, .ctx = ctx, .dir = dir, .unsynced = unsynced};
    list_init(&file->waits);
}

void config_file_deinit(struct config_file *file) {
    struct config_job *job = file->job;
    if (file->env == NULL)
        return;
    env_timer_stop(file->env, &file->retry);
    while (!list_is_empty(&file->waits))
        config_wait_cancel(LIST_ENTRY(file->waits.next, struct config_wait, link));
    if (job != NULL) {
        read_file_cancel(&job->read);
        if (replace_file_cancel(&job->replace))
            job_free(job);
        else
            job->file = NULL;
    }
    *file = (struct config_file){0};
}

/* ---- saving ---------------------------------------------------------------------------------- */

static void save_begin(struct config_file *file);

static void on_retry(struct env *env, struct env_timer *timer) {
    RMQ_ASSERT(env == timer->env);
    save_begin(RMQ_CONTAINER_OF(timer, struct config_file, retry));
}

static void tell_idle(struct config_file *file, int status) {
    config_file_fn *done = file->idle_done;
    file->idle_done = NULL;
    if (done != NULL)
        done(file->idle_ctx, status);
}

/* Moves those to `ended` whose content has been saved, or all. */
static void take_waits(struct config_file *file, bool all, struct list *ended) {
    list_init(ended);
    LIST_EACH(&file->waits, link, next) {
        if (!all && !LIST_ENTRY(link, struct config_wait, link)->begun)
            continue;
        list_remove(link);
        list_append(ended, link);
    }
}

/* Each may cancel others. */
static void tell_waits(struct list *ended, int status) {
    while (!list_is_empty(ended)) {
        struct config_wait *wait = LIST_ENTRY(ended->next, struct config_wait, link);
        config_wait_cancel(wait);
        wait->done(wait->ctx, status);
    }
}

static void save_failed(struct config_file *file, int status) {
    struct span error = span_of_text(rmq_err_text(status));
    event_config_save_failed(file->env, file_name(file), error);
    env_log(file->env, ENV_LOG_ERROR, "%s is not saved: %s", file->table->file_name,
            rmq_err_text(status));
    file->changed = true;
    env_timer_start(file->env, &file->retry, RETRY_NS, on_retry);
    struct list ended;
    take_waits(file, true, &ended);
    tell_idle(file, status);
    tell_waits(&ended, status);
}

static void on_saved(struct replace_file *replace, int status) {
    struct config_job *job = RMQ_CONTAINER_OF(replace, struct config_job, replace);
    struct config_file *file = job->file;
    uint64_t hash = job->hash;
    job_free(job);
    if (file == NULL)
        return;
    if (status != RMQ_OK) {
        save_failed(file, status);
        return;
    }
    file->main_is_bad = false;
    file->durable_dir = true;
    event_config_saved(file->env, file_name(file), hash);
    struct list ended;
    take_waits(file, false, &ended);
    if (file->changed)
        save_begin(file);
    else
        tell_idle(file, RMQ_OK);
    tell_waits(&ended, RMQ_OK);
}

static bool is_unsynced(struct config_file *file) {
    return file->unsynced || env_plant(file->env, PLANT_CONFIG_UNSYNCED);
}

static int write_content(struct config_file *file, struct buf *content) {
    struct json_writer writer;
    json_writer_init(&writer, content, JSON_STYLE_FASTJSON);
    writer.pretty = true;
    int err = file->table->write != NULL ? file->table->write(file->ctx, &writer)
                                         : file->table->write_text(file->ctx, content);
    if (content->len == 0)
        buf_put_u8(content, '\n'); /* a text without a line */
    return err == RMQ_OK && buf_failed(content) ? RMQ_E_NOMEM : err;
}

/* Takes the table's content and replaces the file with it. */
static void save_begin(struct config_file *file) {
    struct config_job *job = job_create(file);
    int err = job == NULL ? RMQ_E_NOMEM : write_content(file, &job->content);
    if (err == RMQ_OK)
        err = env_path_make_dir(file->env, file->dir);
    if (err != RMQ_OK) {
        if (job != NULL)
            job_free(job);
        save_failed(file, err);
        return;
    }
    file->changed = false;
    LIST_EACH(&file->waits, link, next)
    LIST_ENTRY(link, struct config_wait, link)->begun = true;
    job->hash = content_hash(buf_span(&job->content));
    event_config_saving(file->env, file_name(file), job->hash);
    job->replace =
        (struct replace_file){.env = file->env,
                              .path = span_of(job->path, job->path_len),
                              .content = buf_span(&job->content),
                              .mode = is_unsynced(file) ? REPLACE_UNSYNCED : REPLACE_SAFE,
                              .keep_backup = file->main_is_bad,
                              .sync_parents = !file->durable_dir};
    replace_file_start(&job->replace, on_saved);
}

void config_file_save(struct config_file *file) {
    file->changed = true;
    if (file->job != NULL) /* F1 */
        return;
    env_timer_stop(file->env, &file->retry);
    save_begin(file);
}

void config_file_settle(struct config_file *file, config_file_fn *done, void *ctx) {
    RMQ_ASSERT(file->idle_done == NULL);
    file->idle_done = done;
    file->idle_ctx = ctx;
    if (file->job != NULL)
        return;
    if (file->changed)
        config_file_save(file);
    else
        tell_idle(file, RMQ_OK);
}

void config_file_await(struct config_file *file, struct config_wait *wait) {
    RMQ_ASSERT(wait->link.next == NULL || list_is_empty(&wait->link));
    if (file->job == NULL && !file->changed) {
        wait->done(wait->ctx, RMQ_OK);
        return;
    }
    wait->begun = !file->changed;
    list_append(&file->waits, &wait->link);
    if (file->job == NULL)
        config_file_save(file);
}

void config_wait_cancel(struct config_wait *wait) {
    if (wait->link.next != NULL)
        list_remove(&wait->link);
}

/* ---- loading --------------------------------------------------------------------------------- */

static void load_next(struct config_job *job);

static void load_end(struct config_job *job, int status, struct span source, uint64_t hash) {
    struct config_file *file = job->file;
    config_file_fn *done = job->done;
    void *ctx = job->ctx;
    job_free(job);
    if (status == RMQ_OK)
        event_config_loaded(file->env, file_name(file), source, hash);
    if (file->changed) /* meanwhile */
        config_file_save(file);
    done(ctx, status);
}

static bool is_blank(struct span text) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] > ' ')
            return false;
    }
    return true;
}

/* RMQ_E_NOT_FOUND: blank. */
static int take_content(struct config_job *job, struct span content) {
    struct config_file *file = job->file;
    size_t offset = 0;
    if (is_blank(content))
        return RMQ_E_NOT_FOUND;
    int err = file->table->read(file->ctx, content, &offset);
    if (err != RMQ_OK)
        env_log(file->env, ENV_LOG_ERROR, "%.*s does not load: %s at byte %llu", (int)job->path_len,
                job->path, rmq_err_text(err), (unsigned long long)offset);
    return err;
}

static void on_read(struct read_file *read, int status) {
    struct config_job *job = RMQ_CONTAINER_OF(read, struct config_job, read);
    struct config_file *file = job->file;
    if (status == RMQ_OK)
        status = take_content(job, buf_span(&read->content));
    uint64_t hash = content_hash(buf_span(&read->content));
    buf_deinit(&read->content);
    if (status == RMQ_OK) {
        load_end(job, RMQ_OK, job->from_backup ? SPAN_LITERAL("backup") : SPAN_LITERAL("main"),
                 hash);
    } else if (status == RMQ_E_NOMEM) {
        load_end(job, status, SPAN_NONE, 0);
    } else if (!job->from_backup) {
        file->main_is_bad = true; /* F3 */
        job->from_backup = true;
        job->main_status = status;
        load_next(job);
    } else if (status == RMQ_E_NOT_FOUND && job->main_status != RMQ_E_NOT_FOUND &&
               !is_unsynced(file)) {
        load_end(job, job->main_status, SPAN_NONE, 0); /* never an empty table for a lost one */
    } else if (status == RMQ_E_NOT_FOUND) {
        load_end(job, RMQ_OK, SPAN_LITERAL("none"), 0);
    } else {
        load_end(job, status, SPAN_NONE, 0);
    }
}

static void load_next(struct config_job *job) {
    struct buf path = {
        .data = (uint8_t *)job->path, .len = job->path_len, .capacity = sizeof job->path};
    if (job->from_backup)
        buf_put_text(&path, ".bak");
    job->path_len = path.len;
    read_file_start(&job->read, job->env, buf_span(&path), FILE_BYTES_MAX, on_read);
}

void config_file_load(struct config_file *file, config_file_fn *done, void *ctx) {
    RMQ_ASSERT(file->job == NULL);
    RMQ_ASSERT(file->table->read != NULL);
    struct config_job *job = job_create(file);
    if (job == NULL) {
        done(ctx, RMQ_E_NOMEM);
        return;
    }
    job->done = done;
    job->ctx = ctx;
    load_next(job);
}
