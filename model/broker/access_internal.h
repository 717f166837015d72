/* broker/access_internal.h - shared by access.c (rules, gate) and access_requests.c (50 to 53). */
#ifndef MODEL_BROKER_ACCESS_INTERNAL_H
#define MODEL_BROKER_ACCESS_INTERNAL_H

#include "model/base/replace_file.h"
#include "model/broker/access.h"
#include "model/broker/broker_internal.h"

/* One reading of all files. */
struct access_load {
    struct access *access;
    struct buf paths; /* each ended by a NUL */
    size_t offset;    /* of the one being read */
    uint64_t seen;    /* names, sizes and times at its start */
    struct acl_file **files;
    size_t count; /* of `files`, for which there is room for all paths */
    bool again;   /* something changed since */
    struct read_file read;
};

/* One change of one file under way. */
struct access_edit {
    struct access *access; /* NULL: it has gone; the last sync frees this */
    struct env *env;
    struct asker asker;
    int32_t failure; /* response code */
    struct buf content;
    struct buf path;
    struct replace_file replace;
    bool written; /* in force with the next reading */
};

/* Invariants: A1: `files` are whole and in force; a reading that fails changes nothing. A2: one
 * reading and one edit are under way at most. */
struct access {
    struct broker *broker;
    struct env *env;
    struct span conf_dir; /* <rocketmqHome>/conf, owned */
    struct acl_file **files;
    size_t count;
    struct access_load *load;
    struct access_edit *edit;
    struct env_timer poll;
    uint64_t seen;
    void (*loaded)(void *ctx, int status); /* the first reading, not NULL until it ended */
    void *loaded_ctx;
    struct buf scratch;
    uint64_t refused;
};

/* <conf_dir>/plain_acl.yml, NUL-terminated text appended to `out`. */
void access_default_path(const struct access *access, struct buf *out);
/* Reads all files, now or after the reading under way. */
void access_read(struct access *access);
/* The reading that an edit waited for has ended. */
void access_edit_end(struct access *access, int status, const struct acl_error *error);
void access_edit_free(struct access *access);

#endif
