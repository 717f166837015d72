/* os/disk_internal.h - what the files of the real disk share.
 *
 * One struct real_disk per node, used in the thread of its loop. What is slow (cold reads, syncs,
 * zeroing) runs in libuv's pool; writes go into the page cache at the end of the turn that asked
 * for them, adjacent ones of a file by one pwritev.
 *
 * D1  The pool touches a job and what the job owns, and a descriptor that `running` of its inode
 *     keeps open; never an env_file_op, nor the bytes that one names: those may die when the file
 *     is closed. Reads go into the job's buffer and are copied when `done` is due.
 * D2  Bytes of a write are touched in the turn's end only, and not when the file was closed before.
 * D3  A `done` runs in a handler of its own, from a posted job (E2).
 * D4  All handles of one file share one inode, thus one size and one descriptor; a name that is
 *     taken away while the file is open leaves the descriptor open (`nameless`), since it could
 *     not be opened again.
 * D5  No descriptor is closed by the bound on descriptors while `running`, nameless or locked. */
#ifndef REAL_OS_DISK_INTERNAL_H
#define REAL_OS_DISK_INTERNAL_H

#include <limits.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "real/os/env_internal.h"

struct windows; /* disk_view.c */
struct window;

/* A file that is open, or that the pool works on. */
struct inode {
    struct list of_disk;
    struct list of_idle; /* in disk->idle while its descriptor may be closed, the oldest first */
    struct inode *next;  /* in its hash chain */
    struct real_disk *disk;
    dev_t device;
    ino_t number;
    char *path; /* what it is called now; stale once nameless */
    uint64_t size;
    int fd; /* -1: none */
    bool fd_writes;
    bool nameless;
    bool locked;
    bool broken; /* a mapped page of it could not be read (SIGBUS): all fails from now on */
    uint32_t handles;
    uint32_t running;     /* jobs in the pool that use fd */
    struct list writes;   /* struct job, queued: of this turn */
    struct list syncs;    /* struct job, queued: covered by the next fdatasync */
    struct list of_queue; /* in disk->queued while one of both is not empty */
    bool syncing;
    struct list windows; /* struct window, of_inode */
};

struct env_file {
    struct list of_disk;
    struct inode *inode;
    struct list jobs; /* struct job, of_file: operations under way */
    bool writable;
    bool lock;             /* made by env_file_lock */
    struct window *window; /* the last view's, a hint */
};

enum job_kind { JOB_WRITE, JOB_READ, JOB_ZERO, JOB_SYNC, JOB_SYNC_DIR };

/* An operation under way, or a sync call that covers several. */
struct job {
    uv_work_t work;
    struct list queued;  /* inode->writes, inode->syncs, disk->finished; or the free ones */
    struct list of_file; /* file->jobs */
    struct real_disk *disk;
    struct inode *inode;
    struct env_file_op *op; /* NULL: dropped */
    enum job_kind kind;
    int fd; /* that the pool uses; of a directory its own */
    int status;
    uint64_t offset, len, at; /* `at`: how much of `len` is done */
    struct span bytes;        /* JOB_WRITE: the caller's (D2) */
    void *into;               /* JOB_READ: the caller's */
    uint8_t *buffer;          /* owned: bytes read, or a directory's path */
    struct list covered;      /* JOB_SYNC in the pool: the others that this call covers */
};

struct real_disk {
    struct env *env;
    struct list files; /* struct env_file, of_disk */
    struct list inodes;
    struct inode **hash; /* hash_size chains, a power of two */
    size_t hash_size, inode_count;
    struct list idle;
    size_t descriptors, descriptors_max;
    struct list queued;   /* struct inode, of_queue */
    struct list finished; /* struct job, in the order of their ends */
    struct real_job finish_job;
    struct list spare; /* struct job */
    size_t running;    /* jobs in the pool */
    uint64_t freeing;  /* bytes of files without a name whose last descriptor the pool closes */
    struct windows *windows;
};

/* disk.c: errno (positive) as an error of env.h; what is not expected in daily work is logged. */
int disk_error(struct env *env, const char *what, const char *path, int error);
/* An error line of the node's log; also between handlers, where env_log is not called. */
void disk_log(struct env *env, const char *what, const char *path, const char *why);
/* The path with a NUL behind it. False: not one of env.h's. */
bool disk_path(struct span path, char out[ENV_PATH_MAX]);

/* disk_job.c. A job for `op`, which is under way from now on; NULL `file`: of no file. */
struct job *job_new(struct real_disk *disk, struct env_file *file, enum job_kind kind,
                    struct env_file_op *op, env_file_fn *done);
/* Its end has come: `done` follows in a handler of its own. */
void job_finish(struct job *job, int status);
/* Gives it to the pool: `work` there, `after` here. */
void job_run(struct job *job, void (*work)(uv_work_t *), void (*after)(uv_work_t *, int));
/* The file closes: forgets the operation. */
void job_drop(struct job *job);
/* Of the turn's end, both may add to disk->finished. */
void disk_write_queued(struct inode *inode);
void disk_sync_queued(struct inode *inode);
void inode_queue(struct inode *inode);

/* disk_inode.c */
/* Opens `path` and finds or makes its inode, with one more handle. */
int inode_open(struct real_disk *disk, const char *path, int flags, struct inode **out);
struct inode *inode_find(const struct real_disk *disk, dev_t device, ino_t number);
/* Its descriptor, opened when need be; not negative, or a negative error of env.h. */
int inode_fd(struct inode *inode, bool writes);
void inode_running(struct inode *inode, int by);
void inode_release(struct inode *inode);
void inode_free_all(struct real_disk *disk);
/* What the OS says its size is. */
void inode_measure(struct inode *inode);
/* Its name is about to go: keeps its descriptor. */
int inode_pin(struct inode *inode);
/* It did not go. */
void inode_unpin(struct inode *inode);

/* Closes the last descriptor (counted in disk->descriptors) of a file whose name is gone, in the
 * pool when there is much to free: for a gigabyte the kernel takes a tenth of a second. */
void disk_close_last(struct real_disk *disk, int fd);
/* Opens `path` for that, as nobody has it open; -1: it is small, or no regular file. */
int disk_open_last(struct real_disk *disk, const char *path, const struct stat *stat);

/* disk_view.c */
void windows_free(struct real_disk *disk);
void windows_drop(struct inode *inode);  /* unmaps all of a file */
void windows_chill(struct inode *inode); /* forgets what is resident */

/* True: a page of it could not be read, then or before (RMQ_E_IO). Asked before each operation. */
bool inode_is_broken(struct inode *inode);

/* disk_fault.c: addresses whose SIGBUS is caught. */
struct fault_area {
    uintptr_t base;
    size_t len, window_bytes;
    atomic_bool any;    /* one of `marks` */
    atomic_bool *marks; /* a page of this window could not be read */
};
void fault_watch(struct fault_area *area);
void fault_unwatch(const struct fault_area *area);

#endif
