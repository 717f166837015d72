/* store/segments.h - a directory of equal files that make up one byte range ("mapped files", 2).
 *
 * File k is named by its first byte, 20 digits, and has its full size from the start (sparse).
 * Positions below are bytes of the whole range. Three positions move right: `accepted` (given out),
 * `written` (all before it is in the OS cache) and `flushed` (durable). Commit log and consume
 * queues are both made of this; index files and the checkpoint are not. */
#ifndef MODEL_STORE_SEGMENTS_H
#define MODEL_STORE_SEGMENTS_H

#include "model/base/list.h"
#include "model/env.h"

struct segment {
    uint64_t from;
    struct env_file *file;
    bool name_synced; /* its directory entry is durable */
};
struct dir_sync;
struct segments {
    struct env *env;
    char *dir; /* NULL: not loaded */
    uint64_t file_bytes;
    struct segment *items; /* in order, without gaps */
    uint32_t count, capacity;
    bool dir_synced;        /* the entries of `dir` and of the directories above are durable */
    struct dir_sync *names; /* the sync of `dir` */
    uint64_t accepted, written, flushed;
};

/* What an earlier process left, for segments_load. */
enum segments_left {
    SEGMENTS_CLEAN,  /* all is durable: a short file or a gap is an error */
    SEGMENTS_UNCLEAN /* what was not synced may be lost: short files are filled up with zeros, files
                        behind a gap go, and no name counts as durable before the next sync */
};
/* Opens what is in `dir` (which may be missing; segments_grow makes it). Directories in it are
 * ignored; an empty last file is deleted (5.3). RMQ_E_INVALID: a file of another size, a name that
 * is no multiple, a gap (logged with the path). All positions are the end of the last file then;
 * recovery sets them. */
int segments_load(struct segments *segments, struct env *env, struct span dir, uint64_t file_bytes,
                  enum segments_left left) RMQ_CHECK_RESULT;
/* Closes; what is under way is dropped without a call. Nothing happens to one that is all zero. */
void segments_deinit(struct segments *segments);

uint64_t segments_min(const struct segments *segments); /* first byte; 0 without files */
uint64_t segments_end(const struct segments *segments); /* behind the last file; 0 without files */
/* The file that holds `position`; NULL when there is none. Good until files come or go. */
struct segment *segments_at(const struct segments *segments, uint64_t position);
/* Creates the file that begins at `from` (the end of the last one, or any multiple when empty) at
 * full size. Its name is durable after segments_sync. Errors of env_file_open. */
int segments_grow(struct segments *segments, uint64_t from) RMQ_CHECK_RESULT;
/* Bytes at `position`, inside one file; as env_file_view. RMQ_E_RANGE: no such file. */
int segments_view(const struct segments *segments, uint64_t position, size_t len,
                  struct span *out) RMQ_CHECK_RESULT;
/* Resident bytes copied out, inside one file; RMQ_E_AGAIN when some are not. */
int segments_copy(const struct segments *segments, uint64_t position, size_t len,
                  void *into) RMQ_CHECK_RESULT;
/* As env_file_read / _write, inside one file that exists. */
void segments_read(const struct segments *segments, uint64_t position, size_t len, void *into,
                   struct env_file_op *op, env_file_fn *done);
void segments_write(struct segments *segments, uint64_t position, struct span bytes,
                    struct env_file_op *op, env_file_fn *done);

/* Syncs the files that hold [flushed, written as it is now) and names that are not durable; at done
 * with RMQ_OK, `flushed` is what `written` was. One at a time; stays put until done, which is
 * called before the return when there is nothing to do. */
struct segments_sync {
    struct env_file_op op;
    struct segments *segments; /* NULL: not under way */
    void (*done)(struct segments_sync *sync, int status);
    uint64_t target, at;
};
void segments_sync(struct segments *segments, struct segments_sync *sync,
                   void (*done)(struct segments_sync *sync, int status));

/* Unlinks files that begin at or after `from`, the last one first; positions behind are lowered. */
int segments_drop_from(struct segments *segments, uint64_t from) RMQ_CHECK_RESULT;
/* Unlinks the first file. RMQ_E_STATE: it is not flushed. The caller syncs `dir` before it drops
 * the next: else a power-off could bring this one back and not the next, which is a gap. */
int segments_drop_first(struct segments *segments) RMQ_CHECK_RESULT;
/* Path of the file that begins at `from`; returns the length. */
size_t segments_path(const struct segments *segments, uint64_t from, char out[ENV_PATH_MAX]);
/* Modification time of the file at `index`, wall ms. */
int64_t segments_modified_ms(const struct segments *segments, uint32_t index);

#endif
