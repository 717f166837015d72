/* broker/config_files.h - the config files of one broker together: loaded before its store opens,
 * complete before it ends.
 *
 *     config_files_init(&files, topics, groups, offsets, filters, delays);
 *     config_files_load(&files, on_loaded, broker);        ... store_open, offsets_lower ...
 *     config_files_save_all(&files, on_saved, broker);     clean stop */
#ifndef MODEL_BROKER_CONFIG_FILES_H
#define MODEL_BROKER_CONFIG_FILES_H

#include "model/broker/consumer_filters.h"
#include "model/broker/groups.h"
#include "model/broker/offsets.h"
#include "model/broker/topics.h"

struct config_files {
    struct config_file topics_file;
    struct config_file *files[5]; /* topics, groups, filters, offsets, delay offsets */
    struct offsets *offsets;
    size_t count, next; /* of `files` */
    int status;         /* the first error */
    config_file_fn *done;
    void *ctx;
};

/* `delays`: delayOffset.json, may be NULL. The tables are initialised and outlive it; they own
 * their files from now on, so that deinit of a table drops its file. `files` stays put. */
void config_files_init(struct config_files *files, struct topics *topics, struct groups *groups,
                       struct offsets *offsets, struct consumer_filters *filters,
                       struct config_file *delays);
/* Loads one file after the other; `done` once, in a later handler or before return, with the first
 * error (config_file_load), which ends it. */
void config_files_load(struct config_files *files, config_file_fn *done, void *ctx);
/* Saves offsets that changed and waits for all saves; `done` once with the first error. */
void config_files_save_all(struct config_files *files, config_file_fn *done, void *ctx);

#endif
