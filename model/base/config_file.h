/* base/config_file.h - a small file that keeps a table: a broker's JSON files below
 * <storePathRootDir>/config, its properties file, a name server's two. Loaded once, saved whenever
 * its table changed. Source: store.md 10.
 *
 * Invariants: F1: one save of a file is under way at a time; what changes meanwhile is saved right
 * after it, once. F2: a save that fails is tried again until one succeeds. F3: a main file that did
 * not load does not replace its backup. Timers and memory only while a save is due. */
#ifndef MODEL_BASE_CONFIG_FILE_H
#define MODEL_BASE_CONFIG_FILE_H

#include "model/base/json.h"
#include "model/base/list.h"
#include "model/base/replace_file.h"

struct config_file;

/* The table behind a file. */
struct config_table {
    const char *file_name; /* "topics.json" */
    /* Writes the table as one JSON object. RMQ_E_NOMEM. */
    int (*write)(void *ctx, struct json_writer *writer);
    /* Instead of `write`: as another text. RMQ_E_NOMEM. */
    int (*write_text)(void *ctx, struct buf *out);
    /* NULL: it is never loaded. Fills the table from `text`, which is not blank. RMQ_E_INVALID,
     * RMQ_E_LIMIT with *error_offset: the table is as it was; RMQ_E_NOMEM: anything. */
    int (*read)(void *ctx, struct span text, size_t *error_offset);
};

typedef void config_file_fn(void *ctx, int status);

/* One who waits for a save; it, done and ctx filled in, stays put until done. */
struct config_wait {
    config_file_fn *done;
    void *ctx;
    /* the file's */
    struct list link; /* listed while it waits */
    bool begun;       /* the save under way has what it waits for */
};

struct config_file {
    struct env *env;
    const struct config_table *table;
    void *ctx;
    struct span dir;  /* borrowed */
    bool unsynced;    /* quirk */
    bool main_is_bad; /* F3 */
    bool durable_dir;
    bool changed;              /* since the content of the save under way was taken */
    struct config_job *job;    /* a load or a save under way, else NULL */
    struct env_timer retry;    /* F2 */
    config_file_fn *idle_done; /* waits until all is saved */
    void *idle_ctx;
    struct list waits; /* struct config_wait */
};

/* `dir` outlives the file. */
void config_file_init(struct config_file *file, struct env *env, const struct config_table *table,
                      void *ctx, struct span dir, bool unsynced);
/* Drops what is under way. Does nothing for one that is all zero. */
void config_file_deinit(struct config_file *file);

/* Reads X, or X.bak when X is missing, blank, cannot be read or does not parse (logged with the
 * offset); where both are missing or blank the table stays as it is. config.loaded tells which.
 * `done` comes once, in a later handler or before return: RMQ_E_INVALID, RMQ_E_IO, ... of X.bak, or
 * of X where there is no X.bak (Differs: Apache goes on with an empty table, as we do with
 * `unsynced`), RMQ_E_NOMEM. */
void config_file_load(struct config_file *file, config_file_fn *done, void *ctx);

/* The table has changed: saves it. */
void config_file_save(struct config_file *file);
/* `done` when nothing is left to save, or when the save that is under way failed (its error);
 * before return if there is nothing. One at a time. */
void config_file_settle(struct config_file *file, config_file_fn *done, void *ctx);
/* `wait->done` once what the table holds now is durable, or when a save failed (its error; it is
 * tried again, F2); before return if it is durable already. */
void config_file_await(struct config_file *file, struct config_wait *wait);
/* `done` is not called. Does nothing for one that does not wait; it is all zero before its use. */
void config_wait_cancel(struct config_wait *wait);

#endif
