/* os/disk_job.c - operations under way: jobs, the pool, and their ends. */
#define _GNU_SOURCE /* preadv2, fallocate, sync_file_range */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "real/os/disk_internal.h"

#define SPARE_MAX 64
#define ZERO_CHUNK ((size_t)4 << 20) /* of one visit to the pool: others get their turn */
#define ZERO_BYTES ((size_t)256 << 10)
#define WRITE_OUT (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER)

struct job *job_new(struct real_disk *disk, struct env_file *file, enum job_kind kind,
                    struct env_file_op *op, env_file_fn *done) {
    RMQ_ASSERT(done != NULL);
    RMQ_ASSERT(op->done == NULL); /* zero-initialised, and not under way */
    struct job *job;
    if (list_is_empty(&disk->spare)) {
        job = malloc(sizeof *job);
        RMQ_ASSERT(job != NULL);
    } else {
        job = LIST_ENTRY(disk->spare.next, struct job, queued);
        list_remove(&job->queued);
    }
    memset(job, 0, sizeof *job);
    list_init(&job->queued);
    list_init(&job->of_file);
    list_init(&job->covered);
    job->disk = disk;
    job->kind = kind;
    job->op = op;
    job->fd = -1;
    if (file != NULL) {
        job->inode = file->inode;
        list_append(&file->jobs, &job->of_file);
    }
    *op = (struct env_file_op){.done = done, .env = disk->env};
    return job;
}

static void job_free(struct job *job) {
    free(job->buffer);
    job->buffer = NULL;
    list_remove(&job->queued);
    list_remove(&job->of_file);
    list_append(&job->disk->spare, &job->queued);
}

void job_drop(struct job *job) {
    if (job->op != NULL) {
        job->op->done = NULL;
    }
    job->op = NULL;
    job->into = NULL;
    job->bytes = SPAN_NONE;
    list_remove(&job->of_file);
}

/* ---- ends ---- */

/* The node may be gone afterwards. */
static void tell(struct env *env, struct job *job) {
    struct env_file_op *op = job->op;
    int status = job->status;
    if (job->kind == JOB_READ && status == RMQ_OK && job->at > 0 && job->buffer != NULL) {
        memcpy(job->into, job->buffer, (size_t)job->at);
    }
    op->bytes = (size_t)job->at;
    job_free(job);
    env_file_fn *done = op->done;
    op->done = NULL;
    real_enter(env);
    done(op, status);
    real_leave(env);
}

static void tell_first(struct real_job *posted) {
    struct real_disk *disk = RMQ_CONTAINER_OF(posted, struct real_disk, finish_job);
    struct job *job = NULL;
    if (disk->env->gone) {
        return;
    }
    while (!list_is_empty(&disk->finished) && (job == NULL || job->op == NULL)) {
        job = LIST_ENTRY(disk->finished.next, struct job, queued);
        if (job->op == NULL) { /* dropped after its end */
            job_free(job);
            job = NULL;
        } else {
            list_remove(&job->queued);
        }
    }
    if (!list_is_empty(&disk->finished)) {
        real_post(disk->env->loop, posted, tell_first);
    }
    if (job != NULL) {
        tell(disk->env, job);
    }
}

void job_finish(struct job *job, int status) {
    struct real_disk *disk = job->disk;
    job->status = status;
    list_remove(&job->queued);
    if (job->op == NULL) {
        job_free(job);
        return;
    }
    list_append(&disk->finished, &job->queued);
    if (disk->env->gone) {
        return; /* real_disk_deinit frees it */
    }
    real_post(disk->env->loop, &disk->finish_job, tell_first);
}

/* ---- the pool ---- */

void job_run(struct job *job, void (*work)(uv_work_t *), void (*after)(uv_work_t *, int)) {
    job->disk->running++;
    if (job->inode != NULL) {
        inode_running(job->inode, 1);
    }
    int err = uv_queue_work(&job->disk->env->loop->uv, &job->work, work, after);
    RMQ_ASSERT(err == 0);
}

/* Back from the pool. */
static struct job *came_back(uv_work_t *work) {
    struct job *job = RMQ_CONTAINER_OF(work, struct job, work);
    job->disk->running--;
    if (job->inode != NULL) {
        inode_running(job->inode, -1);
    }
    return job;
}

static int error_of(const struct job *job, const char *what) {
    return job->status == 0 ? RMQ_OK
                            : disk_error(job->disk->env, what, job->inode->path, job->status);
}

/* ---- reads ---- */

static void read_work(uv_work_t *work) {
    struct job *job = RMQ_CONTAINER_OF(work, struct job, work);
    while (job->at < job->len) {
        ssize_t got = pread(job->fd, job->buffer + job->at, (size_t)(job->len - job->at),
                            (off_t)(job->offset + job->at));
        if (got == 0) {
            return;
        }
        if (got > 0) {
            job->at += (uint64_t)got;
        } else if (errno != EINTR) {
            job->status = errno;
            return;
        }
    }
}

static void read_after(uv_work_t *work, int cancelled) {
    (void)cancelled;
    struct job *job = came_back(work);
    struct inode *inode = job->inode;
    job_finish(job, error_of(job, "read"));
    inode_release(inode);
}

/* What is resident is read at once; at < len: not all of it was. */
static void read_resident(struct job *job) {
    struct iovec iov = {job->into, (size_t)job->len};
    ssize_t got = preadv2(job->fd, &iov, 1, (off_t)job->offset, RWF_NOWAIT);
    job->at = got > 0 ? (uint64_t)got : 0;
}

void env_file_read(struct env_file *file, uint64_t offset, void *into, size_t len,
                   struct env_file_op *op, env_file_fn *done) {
    struct inode *inode = file->inode;
    real_call(inode->disk->env);
    struct job *job = job_new(inode->disk, file, JOB_READ, op, done);
    job->offset = offset;
    job->into = into;
    job->len = offset >= inode->size ? 0 : len < inode->size - offset ? len : inode->size - offset;
    int fd = inode_is_broken(inode) ? RMQ_E_IO : inode_fd(inode, false);
    if (fd < 0 || job->len == 0) {
        job_finish(job, fd < 0 ? fd : RMQ_OK);
        return;
    }
    job->fd = fd;
    read_resident(job);
    if (job->at == job->len) {
        job_finish(job, RMQ_OK);
        return;
    }
    job->at = 0;
    job->buffer = malloc((size_t)job->len);
    if (job->buffer == NULL) {
        job_finish(job, RMQ_E_NOMEM);
        return;
    }
    job_run(job, read_work, read_after);
}

/* ---- zeros ---- */

/* Allocates all of it first, so that it lies together and a full disk is known at once; then one
 * chunk of zeros, which goes to the disk at once: else the next sync of the file would carry it. */
static void zero_work(uv_work_t *work) {
    static const uint8_t zeros[ZERO_BYTES];
    struct job *job = RMQ_CONTAINER_OF(work, struct job, work);
    if (job->at == 0 && fallocate(job->fd, 0, (off_t)job->offset, (off_t)job->len) != 0 &&
        errno != EOPNOTSUPP && errno != EINTR && errno != ENOSYS) {
        job->status = errno;
        return;
    }
    uint64_t from = job->at;
    uint64_t end = job->len - job->at > ZERO_CHUNK ? job->at + ZERO_CHUNK : job->len;
    while (job->at < end) {
        size_t len = end - job->at > sizeof zeros ? sizeof zeros : (size_t)(end - job->at);
        ssize_t put = pwrite(job->fd, zeros, len, (off_t)(job->offset + job->at));
        if (put > 0) {
            job->at += (uint64_t)put;
        } else if (put == 0 || errno != EINTR) {
            job->status = put == 0 ? EIO : errno;
            return;
        }
    }
    sync_file_range(job->fd, (off_t)(job->offset + from), (off_t)(end - from), WRITE_OUT);
}

static void zero_after(uv_work_t *work, int cancelled) {
    (void)cancelled;
    struct job *job = came_back(work);
    struct inode *inode = job->inode;
    inode_measure(inode);
    if (job->status == 0 && job->at < job->len && job->op != NULL && !job->disk->env->gone) {
        job_run(job, zero_work, zero_after);
        return;
    }
    job_finish(job, error_of(job, "fill with zeros"));
    inode_release(inode);
}

void env_file_zero(struct env_file *file, uint64_t offset, uint64_t len, struct env_file_op *op,
                   env_file_fn *done) {
    struct inode *inode = file->inode;
    real_call(inode->disk->env);
    RMQ_ASSERT(file->writable);
    struct job *job = job_new(inode->disk, file, JOB_ZERO, op, done);
    job->offset = offset;
    job->len = len;
    job->fd = inode_is_broken(inode) ? RMQ_E_IO : inode_fd(inode, true);
    if (job->fd < 0 || len == 0) {
        job_finish(job, job->fd < 0 ? job->fd : RMQ_OK);
        return;
    }
    job_run(job, zero_work, zero_after);
}

/* ---- syncs ---- */

static void sync_work(uv_work_t *work) {
    struct job *job = RMQ_CONTAINER_OF(work, struct job, work);
    while (fdatasync(job->fd) != 0) {
        if (errno != EINTR) {
            job->status = errno;
            return;
        }
    }
}

static void sync_after(uv_work_t *work, int cancelled) {
    (void)cancelled;
    struct job *job = came_back(work);
    struct inode *inode = job->inode;
    int status = error_of(job, "sync");
    status = inode_is_broken(inode) ? RMQ_E_IO : status;
    LIST_EACH(&job->covered, link, following) {
        job_finish(LIST_ENTRY(link, struct job, queued), status);
    }
    job_finish(job, status);
    inode->syncing = false;
    if (!inode->disk->env->gone) {
        disk_sync_queued(inode);
    }
    inode_release(inode);
}

/* One call for all that wait; those that come while it runs wait for the next: it may not cover
 * what they ask for. */
void disk_sync_queued(struct inode *inode) {
    struct job *first = NULL;
    if (inode->syncing) {
        return;
    }
    LIST_EACH(&inode->syncs, link, following) {
        struct job *job = LIST_ENTRY(link, struct job, queued);
        list_remove(link);
        if (job->op == NULL) {
            job_free(job);
        } else if (first == NULL) {
            first = job;
        } else {
            list_append(&first->covered, link);
        }
    }
    if (first == NULL) {
        return;
    }
    first->fd = inode_is_broken(inode) ? RMQ_E_IO : inode_fd(inode, false);
    if (first->fd < 0) {
        LIST_EACH(&first->covered, link, following) {
            job_finish(LIST_ENTRY(link, struct job, queued), first->fd);
        }
        job_finish(first, first->fd);
        return;
    }
    inode->syncing = true;
    job_run(first, sync_work, sync_after);
}

void env_file_sync(struct env_file *file, struct env_file_op *op, env_file_fn *done) {
    struct inode *inode = file->inode;
    real_call(inode->disk->env);
    struct job *job = job_new(inode->disk, file, JOB_SYNC, op, done);
    list_append(&inode->syncs, &job->queued);
    inode_queue(inode);
}

static void sync_dir_work(uv_work_t *work) {
    struct job *job = RMQ_CONTAINER_OF(work, struct job, work);
    int fd = open((const char *)job->buffer, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        job->status = errno;
        return;
    }
    if (fsync(fd) != 0) {
        job->status = errno;
    }
    close(fd);
}

static void sync_dir_after(uv_work_t *work, int cancelled) {
    (void)cancelled;
    struct job *job = came_back(work);
    int status = job->status == 0 ? RMQ_OK
                                  : disk_error(job->disk->env, "sync the directory",
                                               (const char *)job->buffer, job->status);
    job_finish(job, status);
}

void env_path_sync_dir(struct env *env, struct span path, struct env_file_op *op,
                       env_file_fn *done) {
    real_call(env);
    char text[ENV_PATH_MAX];
    struct job *job = job_new(env->disk, NULL, JOB_SYNC_DIR, op, done);
    if (!disk_path(path, text)) {
        job_finish(job, RMQ_E_NOT_FOUND);
        return;
    }
    job->buffer = (uint8_t *)strdup(text);
    if (job->buffer == NULL) {
        job_finish(job, RMQ_E_NOMEM);
        return;
    }
    job_run(job, sync_dir_work, sync_dir_after);
}
