/* namesrv/files.h - what a name server keeps over a restart: the KV store (kvConfigPath), and the
 * configuration that request 318 changed (configStorePath).
 *
 * A file whose key has no value is not kept: the simulator's name servers are without both unless a
 * scenario names them; mqnamesrv gives $HOME/namesrv/kvConfig.json and the file of -c. Differs from
 * Apache (namesrv.md 13): replaced durably (base/replace_file.h), after the answer; the file of 318
 * gets the keys that somebody has set, not all with their defaults. */
#ifndef MODEL_NAMESRV_FILES_H
#define MODEL_NAMESRV_FILES_H

#include "model/base/config_file.h"
#include "model/namesrv/config.h"
#include "model/namesrv/kv.h"

struct namesrv_file {
    struct config_file file; /* env NULL: not kept */
    struct config_table table;
    char path[ENV_PATH_MAX]; /* directory, NUL, name, NUL */
};

struct namesrv_files {
    struct env *env;
    struct namesrv_file kv, config;
};

/* NULL with RMQ_OK when there is nothing to keep. `config` and `kv` outlive it. RMQ_E_INVALID: a
 * path that is not absolute, or too long; RMQ_E_NOMEM. */
int namesrv_files_create(struct env *env, struct namesrv_config *config, struct kv *kv,
                         struct namesrv_files **out) RMQ_CHECK_RESULT;
/* NULL is allowed. */
void namesrv_files_free(struct namesrv_files *files);
/* Fills the KV store; `done` in a later handler or before return. RMQ_E_INVALID: neither the file
 * nor its backup can be read. */
void namesrv_files_load(struct namesrv_files *files, config_file_fn *done, void *ctx);
/* They have changed. NULL is allowed. */
void namesrv_files_save_kv(struct namesrv_files *files);
void namesrv_files_save_config(struct namesrv_files *files);
/* `done` when all is saved, or cannot be now. NULL is allowed. */
void namesrv_files_settle(struct namesrv_files *files, config_file_fn *done, void *ctx);

#endif
