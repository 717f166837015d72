/* store/reads.c - see reads.h. */
#include "model/store/reads.h"

struct read_job {
    struct list link; /* in reads->jobs */
    struct env *env;
    struct env_file_op op;
    const struct segments *segments; /* NULL: of a plain file */
    uint64_t position;
    size_t len;
    read_fn *done; /* NULL: cancelled */
    void *ctx;
    uint8_t bytes[];
};

void reads_init(struct reads *reads, struct env *env) {
    reads->env = env;
    list_init(&reads->jobs);
}

static void job_free(struct read_job *job) {
    list_remove(&job->link);
    env_free(job->env, job);
}

void reads_deinit(struct reads *reads) {
    LIST_EACH(&reads->jobs, link, following) {
        job_free(LIST_ENTRY(link, struct read_job, link));
    }
}

static void on_read(struct env_file_op *op, int status) {
    struct read_job *job = RMQ_CONTAINER_OF(op, struct read_job, op);
    if (status == RMQ_OK && op->bytes < job->len) {
        status = RMQ_E_RANGE;
    }
    if (job->done != NULL) {
        job->done(job->ctx, status, span_of(job->bytes, op->bytes));
    }
    job_free(job);
}

static struct read_job *job_create(struct reads *reads, uint64_t position, size_t len,
                                   read_fn *done, void *ctx, struct read_job **out) {
    struct read_job *job = env_alloc(reads->env, sizeof *job + len);
    if (job == NULL) {
        return NULL;
    }
    memset(job, 0, sizeof *job);
    job->env = reads->env;
    job->position = position;
    job->len = len;
    job->done = done;
    job->ctx = ctx;
    list_append(&reads->jobs, &job->link);
    if (out != NULL) {
        *out = job;
    }
    return job;
}

int reads_start(struct reads *reads, const struct segments *segments, uint64_t position, size_t len,
                read_fn *done, void *ctx, struct read_job **out) {
    struct read_job *job = job_create(reads, position, len, done, ctx, out);
    if (job == NULL) {
        return RMQ_E_NOMEM;
    }
    job->segments = segments;
    segments_read(segments, position, len, job->bytes, &job->op, on_read);
    return RMQ_OK;
}

int reads_start_file(struct reads *reads, struct env_file *file, uint64_t position, size_t len,
                     read_fn *done, void *ctx, struct read_job **out) {
    struct read_job *job = job_create(reads, position, len, done, ctx, out);
    if (job == NULL) {
        return RMQ_E_NOMEM;
    }
    env_file_read(file, position, job->bytes, len, &job->op, on_read);
    return RMQ_OK;
}

void reads_cancel(struct read_job *job) {
    if (job != NULL) {
        job->done = NULL;
    }
}

void reads_abort(struct reads *reads, const struct segments *segments) {
    struct list ended; /* a `done` may start others */
    list_init(&ended);
    LIST_EACH(&reads->jobs, link, following) {
        if (LIST_ENTRY(link, struct read_job, link)->segments == segments) {
            list_remove(link);
            list_append(&ended, link);
        }
    }
    while (!list_is_empty(&ended)) {
        struct read_job *job = LIST_ENTRY(ended.next, struct read_job, link);
        list_remove(&job->link);
        if (job->done != NULL) {
            job->done(job->ctx, RMQ_E_NOT_FOUND, SPAN_NONE);
        }
        env_free(job->env, job);
    }
}

bool reads_touch(const struct reads *reads, const struct segments *segments, uint64_t from,
                 uint64_t to) {
    LIST_EACH(&reads->jobs, link, following) {
        const struct read_job *job = LIST_ENTRY(link, struct read_job, link);
        if (job->segments == segments && job->position < to && job->position + job->len > from) {
            return true;
        }
    }
    return false;
}
