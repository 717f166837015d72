/* store/clean.h - deletes what has expired, and stops writes on a full disk (store.md 16).
 *
 * Log files go oldest first, each name's end made durable before the next goes, queue and index
 * files only after the log files whose messages they name: a power-off at any point leaves no gap
 * in the log, and a queue that names a deleted message at worst. */
#ifndef MODEL_STORE_CLEAN_H
#define MODEL_STORE_CLEAN_H

#include "model/env.h"

struct store;
struct clean {
    struct store *store;
    struct env_timer timer;       /* next round */
    struct env_timer pause_timer; /* between two files */
    struct env_file_op dir_op;
    uint32_t manual; /* rounds left that delete whatever the hour */
    uint32_t batch;  /* files left in this round */
    bool running;    /* a round is under way */
    bool at_once;    /* ignore the age */
    const char *reason;
    int64_t trimmed; /* the log's min at the last round */
};

void clean_init(struct clean *clean, struct store *store);
/* When the store is open. */
void clean_start(struct clean *clean);
void clean_stop(struct clean *clean);

#endif
