/* base/replace_file.h - small files that are replaced whole, atomically and durably.
 *
 * X is replaced in this order: the new content to X.tmp, what X holds to X.bak.tmp, both synced;
 * then X.bak.tmp is renamed to X.bak and X.tmp to X, and their directory is synced. So at each
 * power-off X is the old or the new file, whole, and X.bak the one before that or the old one,
 * whole. Differs from RocketMQ, which syncs nothing (INC-39): REPLACE_UNSYNCED is 4.9.8's way,
 * X.bak overwritten in place, X deleted, X.tmp renamed to it. */
#ifndef MODEL_BASE_REPLACE_FILE_H
#define MODEL_BASE_REPLACE_FILE_H

#include "model/base/buf.h"
#include "model/env.h"

enum replace_mode { REPLACE_SAFE, REPLACE_UNSYNCED };

struct replace_file;
typedef void replace_file_fn(struct replace_file *replace, int status);

/* Embedded in its owner, all zero before the first start. It, the path and the content stay put
 * until done, or replace_file_cancel. */
struct replace_file {
    replace_file_fn *done; /* NULL: not under way */
    struct env *env;
    struct span path;
    struct span content;
    enum replace_mode mode;
    bool keep_backup; /* X is not whole: X.bak stays as it is */
    bool sync_parents;
    /* private */
    struct env_file *file;   /* X.tmp */
    struct env_file *backup; /* X, then X.bak.tmp */
    struct buf old;          /* what X holds */
    size_t synced_len;       /* of the directory whose sync is under way */
    unsigned under_way;      /* of the two files */
    int status;              /* the first error */
    struct env_file_op op, backup_op;
};

/* Fill in env, path (shorter than ENV_PATH_MAX - 8, its directory exists), content, mode and the
 * two switches: `sync_parents` syncs the directory's own name too, and so on up to the root (after
 * it was made). `done` comes once, in a later handler or before return: RMQ_OK when the new content
 * is durable (unsynced: written); else the file is the old or the new one. */
void replace_file_start(struct replace_file *replace, replace_file_fn *done);
/* Forgets it: `done` is not called. False: too late, names are being synced, which cannot be called
 * off; `done` still comes and until then the memory stays put. True when not under way. */
bool replace_file_cancel(struct replace_file *replace) RMQ_CHECK_RESULT;

/* Reads a whole file into `content`. */
struct read_file;
typedef void read_file_fn(struct read_file *read, int status);
struct read_file {
    read_file_fn *done; /* NULL: not under way */
    struct buf content; /* at done; the owner's to deinit */
    /* private */
    struct env_file *file;
    struct env_file_op op;
};
/* `done` comes once, in a later handler or before return: RMQ_E_NOT_FOUND, RMQ_E_LIMIT (longer than
 * `bytes_max`), RMQ_E_IO, RMQ_E_NOMEM. `read` is all zero before the first use. */
void read_file_start(struct read_file *read, struct env *env, struct span path, size_t bytes_max,
                     read_file_fn *done);
/* Forgets it, `done` is not called, and frees the content. */
void read_file_cancel(struct read_file *read);

#endif
