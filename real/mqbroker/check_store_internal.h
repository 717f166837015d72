/* mqbroker/check_store_internal.h - the log and the queues of one check. */
#ifndef REAL_MQBROKER_CHECK_STORE_INTERNAL_H
#define REAL_MQBROKER_CHECK_STORE_INTERNAL_H

#include <limits.h>
#include <uthash.h>

#include "model/wire/message.h"
#include "real/mqbroker/check_store.h"

#define CHECK_NAME_DIGITS 20
#define CHECK_KEY_MAX (4 + 256)

/* A file of a directory of equal files, mapped. */
struct mapped {
    uint64_t from;
    uint64_t len;
    const uint8_t *bytes;
};
struct mapped_dir {
    struct mapped *files; /* in order */
    size_t count;
    uint64_t file_bytes; /* of the first */
};

/* A queue, as the log and as its units say. */
struct checked_queue {
    UT_hash_handle hh;
    uint8_t key[CHECK_KEY_MAX + 1]; /* id, topic, NUL */
    size_t key_len;
    uint64_t records;       /* of the log */
    int64_t first, next;    /* queue offsets of the log; behind the last one */
    int64_t last_physical;  /* end of the last record */
    uint64_t out_of_order;  /* records whose offset is not the one behind the record before */
    int64_t order_physical; /* the first of them */
};

struct check {
    FILE *out;
    const char *dir;
    bool unclean; /* `abort` is there */
    struct mapped_dir log;
    uint64_t end; /* of the log's good records */
    struct checked_queue *queues;
    uint64_t wrong; /* lines */
};

/* "wrong: ..." */
void check_wrong(struct check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Maps the files of `path`; one that does not fit is said and left out. False: no such directory.
 */
bool check_map(struct check *check, const char *path, struct mapped_dir *out);
void check_unmap(struct mapped_dir *dir);
/* The record at `physical`, decoded without its checksum; false: there is none. */
bool check_record_at(const struct check *check, int64_t physical, struct message *out);
/* check_queues.c: compares <dir>/consumequeue with the log. */
void check_queues(struct check *check);

#endif
