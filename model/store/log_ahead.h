/* store/log_ahead.h - zeros written ahead of the commit log's end.
 *
 * A write over bytes that are there needs no new extent, so that the sync behind it commits no
 * metadata: with SYNC_FLUSH a sync takes two thirds of the time. Apache's warmMapedFileEnable does
 * this to whole files when they are made; here it is a window of the file that is written, which
 * grows with what this process has written (a quiet broker writes no zeros) and goes in small
 * pieces, between which syncs find their way. Only with SYNC_FLUSH, or with warmMapedFileEnable:
 * an asynchronous flush gains less than the zeros cost.
 *
 *   A1  While a piece is under way, the log writes nothing there: log_ahead_blocks.
 *   A2  What it does changes no byte that counts: behind `accepted` a segment is zeros anyway. */
#ifndef MODEL_STORE_LOG_AHEAD_H
#define MODEL_STORE_LOG_AHEAD_H

#include "model/env.h"

struct store;

struct log_ahead {
    struct env_file_op op;
    uint64_t from, to; /* the piece under way, or the last one */
    uint64_t begun;    /* the log's end when this process began to write */
    bool has_begun;
    uint64_t given_up; /* a piece failed: nothing more in the segment that begins there, plus 1 */
};

/* Something was written: sees to the next piece. Cheap when nothing is due. */
void log_ahead_run(struct store *store);
/* Bytes [from, from + len) of the log are being zeroed: they are written later; the end of the
 * piece calls commit_log_go_on. */
static inline bool log_ahead_blocks(const struct log_ahead *ahead, uint64_t from, uint64_t len) {
    return env_file_op_active(&ahead->op) && from < ahead->to && from + len > ahead->from;
}

#endif
