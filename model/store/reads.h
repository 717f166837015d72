/* store/reads.h - asynchronous reads for whoever may go away meanwhile.
 *
 * A job owns the operation and the bytes, so the reader may be cancelled at any time. A file with a
 * job on it is not deleted (reads_touch). */
#ifndef MODEL_STORE_READS_H
#define MODEL_STORE_READS_H

#include "model/base/list.h"
#include "model/store/segments.h"

struct reads {
    struct env *env;
    struct list jobs;
};
struct read_job;
/* `bytes` end with the call: as many as were asked for when status is RMQ_OK. */
typedef void read_fn(void *ctx, int status, struct span bytes);

void reads_init(struct reads *reads, struct env *env);
/* Frees all jobs; their files must be closed already. */
void reads_deinit(struct reads *reads);
/* Reads `len` bytes at `position` of `segments`, inside one file. *out (may be NULL) is for
 * reads_cancel and invalid once `done` is called. RMQ_E_NOMEM. A short read is RMQ_E_RANGE. */
int reads_start(struct reads *reads, const struct segments *segments, uint64_t position, size_t len,
                read_fn *done, void *ctx, struct read_job **out) RMQ_CHECK_RESULT;
/* The same of a plain file, which stays open until `done`. */
int reads_start_file(struct reads *reads, struct env_file *file, uint64_t position, size_t len,
                     read_fn *done, void *ctx, struct read_job **out) RMQ_CHECK_RESULT;
/* `done` is not called. NULL is allowed. */
void reads_cancel(struct read_job *job);
/* The files of `segments` were closed: ends its jobs with RMQ_E_NOT_FOUND. */
void reads_abort(struct reads *reads, const struct segments *segments);
/* Whether a job reads [from, to) of `segments`. */
bool reads_touch(const struct reads *reads, const struct segments *segments, uint64_t from,
                 uint64_t to);

#endif
