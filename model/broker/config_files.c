/* broker/config_files.c - see config_files.h. */
#include "model/broker/config_files.h"

#include "model/base/check.h"

void config_files_init(struct config_files *files, struct topics *topics, struct groups *groups,
                       struct offsets *offsets, struct consumer_filters *filters,
                       struct config_file *delays) {
    *files = (struct config_files){.offsets = offsets, .count = delays == NULL ? 4 : 5};
    topics_file_init(&files->topics_file, topics);
    files->files[0] = &files->topics_file;
    files->files[1] = &groups->file;
    files->files[2] = &filters->file;
    files->files[3] = &offsets->file;
    files->files[4] = delays;
}

static void begin(struct config_files *files, config_file_fn *done, void *ctx) {
    RMQ_ASSERT(files->done == NULL);
    files->next = 0;
    files->status = RMQ_OK;
    files->done = done;
    files->ctx = ctx;
}

static void finish(struct config_files *files) {
    config_file_fn *done = files->done;
    files->done = NULL;
    done(files->ctx, files->status);
}

static void on_loaded(void *ctx, int status) {
    struct config_files *files = ctx;
    files->status = status;
    if (status != RMQ_OK || files->next == files->count)
        finish(files);
    else
        config_file_load(files->files[files->next++], on_loaded, files);
}

void config_files_load(struct config_files *files, config_file_fn *done, void *ctx) {
    begin(files, done, ctx);
    on_loaded(files, RMQ_OK);
}

static void on_settled(void *ctx, int status) {
    struct config_files *files = ctx;
    if (files->status == RMQ_OK)
        files->status = status;
    if (files->next == files->count)
        finish(files);
    else
        config_file_settle(files->files[files->next++], on_settled, files);
}

void config_files_save_all(struct config_files *files, config_file_fn *done, void *ctx) {
    begin(files, done, ctx);
    offsets_save_now(files->offsets);
    on_settled(files, RMQ_OK);
}
