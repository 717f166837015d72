/* os/disk_file.c - handles of files: open, close, size, truncate, lock. */
#define _GNU_SOURCE /* F_OFD_SETLK */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "real/os/disk_internal.h"

static int new_handle(struct inode *inode, bool writable, struct env_file **out) {
    struct env_file *file = calloc(1, sizeof *file);
    if (file == NULL) {
        inode->handles--;
        inode_release(inode);
        return RMQ_E_NOMEM;
    }
    list_append(&inode->disk->files, &file->of_disk);
    file->inode = inode;
    file->writable = writable;
    list_init(&file->jobs);
    *out = file;
    return RMQ_OK;
}

int env_file_open(struct env *env, struct span path, enum env_open_mode mode,
                  struct env_file **out) {
    real_call(env);
    static const int flags[] = {O_RDONLY, O_RDWR, O_RDWR | O_CREAT, O_RDWR | O_CREAT | O_EXCL};
    char text[ENV_PATH_MAX];
    struct inode *inode;
    if (!disk_path(path, text)) {
        return RMQ_E_INVALID;
    }
    int err = inode_open(env->disk, text, flags[mode], &inode);
    return err == RMQ_OK ? new_handle(inode, mode != ENV_OPEN_READ, out) : err;
}

void env_file_close(struct env_file *file) {
    if (file == NULL) {
        return;
    }
    struct inode *inode = file->inode;
    real_call(inode->disk->env);
    LIST_EACH(&file->jobs, link, following) {
        job_drop(LIST_ENTRY(link, struct job, of_file));
    }
    if (file->lock) {
        struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_len = 1};
        RMQ_IGNORE(fcntl(inode->fd, F_OFD_SETLK, &lock), "it goes with the descriptor");
        inode->locked = false;
    }
    inode->handles--;
    inode_release(inode);
    list_remove(&file->of_disk);
    free(file);
}

uint64_t env_file_size(const struct env_file *file) {
    real_call(file->inode->disk->env);
    return file->inode->size;
}

int64_t env_file_modified_ms(const struct env_file *file) {
    struct inode *inode = file->inode;
    real_call(inode->disk->env);
    struct stat stat;
    int fd = inode_fd(inode, false);
    if (fd < 0 || fstat(fd, &stat) != 0) {
        return 0;
    }
    return (int64_t)stat.st_mtim.tv_sec * 1000 + stat.st_mtim.tv_nsec / 1000000;
}

int env_file_truncate(struct env_file *file, uint64_t size) {
    struct inode *inode = file->inode;
    real_call(inode->disk->env);
    RMQ_ASSERT(file->writable);
    int fd = inode_is_broken(inode) ? RMQ_E_IO : inode_fd(inode, true);
    if (fd < 0) {
        return fd;
    }
    windows_chill(inode);
    while (ftruncate(fd, (off_t)size) != 0) {
        if (errno != EINTR) {
            return size > INT64_MAX ? RMQ_E_NO_SPACE
                                    : disk_error(inode->disk->env, "truncate", inode->path, errno);
        }
    }
    inode->size = size;
    return RMQ_OK;
}

/* An OFD lock: it excludes Java's (fcntl) FileLock of other processes and ours of this one, and
 * does not go when some other descriptor of the file is closed. */
int env_file_lock(struct env *env, struct span path, struct env_file **out) {
    real_call(env);
    char text[ENV_PATH_MAX];
    struct inode *inode;
    if (!disk_path(path, text)) {
        return RMQ_E_INVALID;
    }
    int err = inode_open(env->disk, text, O_RDWR | O_CREAT, &inode);
    if (err != RMQ_OK) {
        return err;
    }
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    int fd = inode->locked ? RMQ_E_IN_USE : inode_fd(inode, true);
    if (fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) != 0) {
        bool taken = errno == EAGAIN || errno == EACCES;
        fd = taken ? RMQ_E_IN_USE : disk_error(env, "lock", text, errno);
    }
    err = fd < 0 ? fd : new_handle(inode, true, out);
    if (fd < 0) {
        inode->handles--;
        inode_release(inode);
    }
    if (err == RMQ_OK) {
        inode->locked = (*out)->lock = true;
        list_remove(&inode->of_idle); /* D5 */
    }
    return err;
}
