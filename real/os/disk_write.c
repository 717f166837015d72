/* os/disk_write.c - writes: collected during a turn, and at its end written into the page cache
 * by this thread, adjacent ones of a file by one pwritev. */
#include <errno.h>
#include <limits.h>
#include <sys/uio.h>
#include <unistd.h>

#include "real/os/disk_internal.h"

#define PARTS_MAX 64

void inode_queue(struct inode *inode) {
    if (list_is_empty(&inode->of_queue)) {
        list_append(&inode->disk->queued, &inode->of_queue);
    }
}

void env_file_write(struct env_file *file, uint64_t offset, struct span bytes,
                    struct env_file_op *op, env_file_fn *done) {
    struct inode *inode = file->inode;
    real_call(inode->disk->env);
    RMQ_ASSERT(file->writable);
    struct job *job = job_new(inode->disk, file, JOB_WRITE, op, done);
    job->offset = offset;
    job->bytes = bytes;
    job->len = bytes.len;
    list_append(&inode->writes, &job->queued);
    inode_queue(inode);
}

/* Takes the first job that is not dropped, and those behind it that go on where it ends. */
static size_t take_run(struct inode *inode, struct job *jobs[PARTS_MAX]) {
    size_t count = 0;
    LIST_EACH(&inode->writes, link, following) {
        struct job *job = LIST_ENTRY(link, struct job, queued);
        if (job->op == NULL) {
            job_finish(job, RMQ_OK);
            continue;
        }
        if (count == PARTS_MAX ||
            (count > 0 && job->offset != jobs[count - 1]->offset + jobs[count - 1]->len)) {
            break;
        }
        jobs[count++] = job;
        list_remove(link);
    }
    return count;
}

/* Writes [skip, ...) of the run; `*done`: how many bytes in all. Returns 0 or errno. */
static int write_run(int fd, struct job *const jobs[PARTS_MAX], size_t count, uint64_t *done) {
    struct iovec parts[PARTS_MAX];
    uint64_t len = 0;
    for (size_t i = 0; i < count; i++) {
        len += jobs[i]->len;
    }
    *done = 0;
    while (*done < len) {
        int used = 0;
        uint64_t from = 0;
        for (size_t i = 0; i < count; from += jobs[i++]->len) {
            uint64_t skip = *done > from ? *done - from : 0;
            if (skip < jobs[i]->len) {
                parts[used++] = (struct iovec){(void *)(uintptr_t)(jobs[i]->bytes.data + skip),
                                               (size_t)(jobs[i]->len - skip)};
            }
        }
        ssize_t put = pwritev(fd, parts, used, (off_t)(jobs[0]->offset + *done));
        if (put > 0) {
            *done += (uint64_t)put;
        } else if (put == 0 || errno != EINTR) {
            return put == 0 ? EIO : errno;
        }
    }
    return 0;
}

void disk_write_queued(struct inode *inode) {
    struct job *jobs[PARTS_MAX];
    size_t count;
    while ((count = take_run(inode, jobs)) > 0) {
        uint64_t done = 0;
        int fd = inode_is_broken(inode) ? RMQ_E_IO : inode_fd(inode, true);
        int error = fd < 0 ? 0 : write_run(fd, jobs, count, &done);
        int status = fd < 0       ? fd
                     : error == 0 ? RMQ_OK
                                  : disk_error(inode->disk->env, "write", inode->path, error);
        if (done > 0 && jobs[0]->offset + done > inode->size) {
            inode->size = jobs[0]->offset + done;
        }
        for (size_t i = 0; i < count; i++) {
            jobs[i]->at = done < jobs[i]->len ? done : jobs[i]->len;
            done -= jobs[i]->at;
            job_finish(jobs[i], jobs[i]->at == jobs[i]->len && fd >= 0 ? RMQ_OK : status);
        }
    }
}
