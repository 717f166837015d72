/* namesrv/files.c - see files.h. */
#include "model/namesrv/files.h"

#include "model/base/check.h"

static int kv_write(void *ctx, struct json_writer *writer) {
    kv_write_file(ctx, writer);
    return RMQ_OK;
}

static int kv_read(void *ctx, struct span text, size_t *error_offset) {
    return kv_read_file(ctx, text, error_offset);
}

static int config_write(void *ctx, struct buf *out) {
    const struct namesrv_config *config = ctx;
    for (size_t i = 0; i < config->values.count; i++) {
        struct props_entry entry = config->values.entries[i];
        struct props one = {.entries = &entry, .count = 1};
        if (entry.line > 0)
            props_write(&one, out);
    }
    return buf_failed(out) ? RMQ_E_NOMEM : RMQ_OK;
}

/* Nothing for an absent path. */
static int set_up(struct namesrv_files *files, struct namesrv_file *file, struct span path,
                  void *ctx) {
    struct buf text = {.data = (uint8_t *)file->path, .capacity = sizeof file->path};
    if (span_is_absent(path))
        return RMQ_OK;
    size_t slash = path.len;
    while (slash > 0 && path.data[slash - 1] != '/')
        slash--;
    if (slash == 0 || path.data[0] != '/' || slash == path.len ||
        path.len + 2 * sizeof ".bak.tmp" >= ENV_PATH_MAX)
        return RMQ_E_INVALID;
    buf_put_span(&text, span_of(path.data, slash > 1 ? slash - 1 : 1));
    struct span dir = buf_span(&text);
    buf_put_u8(&text, 0);
    file->table.file_name = file->path + text.len;
    buf_put_span(&text, span_from(path, slash));
    config_file_init(&file->file, files->env, &file->table, ctx, dir, false);
    return RMQ_OK;
}

int namesrv_files_create(struct env *env, struct namesrv_config *config, struct kv *kv,
                         struct namesrv_files **out) {
    struct span kv_path = props_get(&config->values, "kvConfigPath");
    struct span config_path = props_get(&config->values, "configStorePath");
    *out = NULL;
    if (span_is_absent(kv_path) && span_is_absent(config_path))
        return RMQ_OK;
    struct namesrv_files *files = env_alloc(env, sizeof *files);
    if (files == NULL)
        return RMQ_E_NOMEM;
    memset(files, 0, sizeof *files);
    files->env = env;
    files->kv.table = (struct config_table){.write = kv_write, .read = kv_read};
    files->config.table = (struct config_table){.write_text = config_write};
    int err = set_up(files, &files->kv, kv_path, kv);
    if (err == RMQ_OK)
        err = set_up(files, &files->config, config_path, config);
    if (err == RMQ_OK)
        *out = files;
    else
        namesrv_files_free(files);
    return err;
}

void namesrv_files_free(struct namesrv_files *files) {
    if (files == NULL)
        return;
    config_file_deinit(&files->kv.file);
    config_file_deinit(&files->config.file);
    env_free(files->env, files);
}

void namesrv_files_load(struct namesrv_files *files, config_file_fn *done, void *ctx) {
    if (files == NULL || files->kv.file.env == NULL)
        done(ctx, RMQ_OK);
    else
        config_file_load(&files->kv.file, done, ctx);
}

void namesrv_files_save_kv(struct namesrv_files *files) {
    if (files != NULL && files->kv.file.env != NULL)
        config_file_save(&files->kv.file);
}

void namesrv_files_save_config(struct namesrv_files *files) {
    if (files != NULL && files->config.file.env != NULL)
        config_file_save(&files->config.file);
}

struct settling {
    struct namesrv_files *files;
    config_file_fn *done;
    void *ctx;
};

static void on_kv_settled(void *ctx, int status) {
    struct settling settling = *(struct settling *)ctx;
    env_free(settling.files->env, ctx);
    if (status != RMQ_OK || settling.files->config.file.env == NULL)
        settling.done(settling.ctx, status);
    else
        config_file_settle(&settling.files->config.file, settling.done, settling.ctx);
}

void namesrv_files_settle(struct namesrv_files *files, config_file_fn *done, void *ctx) {
    struct settling *settling = files == NULL ? NULL : env_alloc(files->env, sizeof *settling);
    if (settling == NULL) {
        done(ctx, files == NULL ? RMQ_OK : RMQ_E_NOMEM);
        return;
    }
    *settling = (struct settling){files, done, ctx};
    if (files->kv.file.env == NULL)
        on_kv_settled(settling, RMQ_OK);
    else
        config_file_settle(&files->kv.file, on_kv_settled, settling);
}
