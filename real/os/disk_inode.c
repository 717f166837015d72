/* os/disk_inode.c - files that are open, and their descriptors, of which there is a bound: those
 * of files that nobody uses are closed, the one used longest ago first, and opened again by name
 * when need be. Sizes are known here, since only this process changes them. */
#define _GNU_SOURCE /* dup3 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "real/os/disk_internal.h"

/* ---- the table of files ---- */

static size_t chain_of(const struct real_disk *disk, dev_t device, ino_t number) {
    uint64_t mixed = ((uint64_t)number ^ ((uint64_t)device << 32)) * 0x9e3779b97f4a7c15ULL;
    return (size_t)(mixed >> 32) & (disk->hash_size - 1);
}

struct inode *inode_find(const struct real_disk *disk, dev_t device, ino_t number) {
    struct inode *inode = disk->hash[chain_of(disk, device, number)];
    while (inode != NULL && (inode->number != number || inode->device != device)) {
        inode = inode->next;
    }
    return inode;
}

static void put(struct real_disk *disk, struct inode *inode) {
    struct inode **chain = &disk->hash[chain_of(disk, inode->device, inode->number)];
    inode->next = *chain;
    *chain = inode;
}

static void grow(struct real_disk *disk) {
    struct inode **hash = calloc(disk->hash_size * 2, sizeof(struct inode *));
    if (hash == NULL) {
        return; /* longer chains */
    }
    free(disk->hash);
    disk->hash = hash;
    disk->hash_size *= 2;
    LIST_EACH(&disk->inodes, link, following) {
        put(disk, LIST_ENTRY(link, struct inode, of_disk));
    }
}

static struct inode *inode_new(struct real_disk *disk, const struct stat *stat, const char *path) {
    struct inode *inode = calloc(1, sizeof *inode);
    char *name = strdup(path);
    if (inode == NULL || name == NULL) {
        free(inode);
        free(name);
        return NULL;
    }
    inode->disk = disk;
    inode->device = stat->st_dev;
    inode->number = stat->st_ino;
    inode->path = name;
    inode->size = (uint64_t)stat->st_size;
    inode->fd = -1;
    list_init(&inode->of_disk);
    list_init(&inode->of_idle);
    list_init(&inode->of_queue);
    list_init(&inode->writes);
    list_init(&inode->syncs);
    list_init(&inode->windows);
    if (disk->inode_count >= disk->hash_size) {
        grow(disk);
    }
    disk->inode_count++;
    list_append(&disk->inodes, &inode->of_disk);
    put(disk, inode);
    return inode;
}

/* ---- descriptors ---- */

static void close_fd(struct inode *inode) {
    if (inode->fd >= 0) {
        list_remove(&inode->of_idle);
        close(inode->fd);
        inode->fd = -1;
        inode->disk->descriptors--;
    }
}

/* Closes what was idle longest; false: nothing is. */
static bool close_oldest(struct real_disk *disk) {
    if (list_is_empty(&disk->idle)) {
        return false;
    }
    close_fd(LIST_ENTRY(disk->idle.next, struct inode, of_idle));
    return true;
}

static int open_counted(struct real_disk *disk, const char *path, int flags) {
    while (disk->descriptors >= disk->descriptors_max && close_oldest(disk)) {
    }
    int fd;
    do {
        fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
    } while (fd < 0 && (errno == EINTR || (errno == EMFILE && close_oldest(disk))));
    return fd;
}

/* (Re-)enters the list of those that may be closed, as the one used last. */
static void touch(struct inode *inode) {
    list_remove(&inode->of_idle);
    if (inode->fd >= 0 && inode->running == 0 && !inode->nameless && !inode->locked) {
        list_append(&inode->disk->idle, &inode->of_idle);
    }
}

/* `fd` becomes the inode's descriptor. */
static void take_fd(struct inode *inode, int fd, bool writes) {
    if (inode->fd < 0) {
        inode->fd = fd;
        inode->fd_writes = writes;
        inode->disk->descriptors++;
    } else if (writes && !inode->fd_writes && dup3(fd, inode->fd, O_CLOEXEC) >= 0) {
        inode->fd_writes = true; /* under the same number: the pool may use it right now */
        close(fd);
    } else {
        close(fd);
    }
    touch(inode);
}

int inode_fd(struct inode *inode, bool writes) {
    if (inode->fd < 0 || (writes && !inode->fd_writes)) {
        int fd = open_counted(inode->disk, inode->path, writes ? O_RDWR : O_RDONLY);
        struct stat stat;
        if (fd < 0) {
            return disk_error(inode->disk->env, "open", inode->path, errno);
        }
        if (fstat(fd, &stat) != 0 || stat.st_ino != inode->number || stat.st_dev != inode->device) {
            close(fd);
            disk_log(inode->disk->env, "open", inode->path, "it is another file now");
            return RMQ_E_IO;
        }
        take_fd(inode, fd, writes);
    } else {
        touch(inode);
    }
    return inode->fd;
}

int inode_pin(struct inode *inode) {
    int fd = inode_fd(inode, false);
    inode->nameless = fd >= 0;
    touch(inode);
    return fd < 0 ? fd : RMQ_OK;
}

void inode_unpin(struct inode *inode) {
    inode->nameless = false;
    touch(inode);
}

void inode_running(struct inode *inode, int by) {
    inode->running += (uint32_t)by;
    touch(inode);
}

void inode_measure(struct inode *inode) {
    struct stat stat;
    if (inode->fd >= 0 && fstat(inode->fd, &stat) == 0) {
        inode->size = (uint64_t)stat.st_size;
    }
}

/* ---- coming and going ---- */

int inode_open(struct real_disk *disk, const char *path, int flags, struct inode **out) {
    int fd = open_counted(disk, path, flags);
    struct stat stat;
    if (fd < 0) {
        return disk_error(disk->env, "open", path, errno);
    }
    if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode)) {
        close(fd);
        return RMQ_E_INVALID;
    }
    struct inode *inode = inode_find(disk, stat.st_dev, stat.st_ino);
    if (inode == NULL) {
        inode = inode_new(disk, &stat, path);
    }
    if (inode == NULL) {
        close(fd);
        return RMQ_E_NOMEM;
    }
    inode->handles++;
    take_fd(inode, fd, (flags & O_ACCMODE) == O_RDWR);
    *out = inode;
    return RMQ_OK;
}

/* ---- the last of a file ---- */

#define LARGE_BYTES ((uint64_t)4 << 20)

static uint64_t bytes_on_disk(const struct stat *stat) {
    return (uint64_t)stat->st_blocks * 512;
}

int disk_open_last(struct real_disk *disk, const char *path, const struct stat *stat) {
    if (!S_ISREG(stat->st_mode) || stat->st_nlink != 1 || bytes_on_disk(stat) < LARGE_BYTES)
        return -1;
    int fd = open_counted(disk, path, O_RDONLY | O_NOFOLLOW);
    disk->descriptors += fd >= 0;
    return fd;
}

struct last_close {
    uv_work_t work;
    struct real_disk *disk;
    uint64_t bytes;
    int fd;
};

static void last_work(uv_work_t *work) {
    close(RMQ_CONTAINER_OF(work, struct last_close, work)->fd);
}

static void last_after(uv_work_t *work, int cancelled) {
    struct last_close *last = RMQ_CONTAINER_OF(work, struct last_close, work);
    (void)cancelled;
    last->disk->running--;
    last->disk->descriptors--;
    last->disk->freeing -= last->bytes;
    free(last);
}

void disk_close_last(struct real_disk *disk, int fd) {
    struct stat stat;
    struct last_close *last = NULL;
    if (!disk->env->gone && fstat(fd, &stat) == 0 && stat.st_nlink == 0 &&
        bytes_on_disk(&stat) >= LARGE_BYTES)
        last = calloc(1, sizeof *last);
    if (last == NULL) {
        close(fd);
        disk->descriptors--;
        return;
    }
    *last = (struct last_close){.disk = disk, .bytes = bytes_on_disk(&stat), .fd = fd};
    int err = uv_queue_work(&disk->env->loop->uv, &last->work, last_work, last_after);
    RMQ_ASSERT(err == 0);
    disk->running++;
    disk->freeing += last->bytes;
}

static void inode_free(struct inode *inode) {
    struct real_disk *disk = inode->disk;
    struct inode **at = &disk->hash[chain_of(disk, inode->device, inode->number)];
    while (*at != inode) {
        at = &(*at)->next;
    }
    *at = inode->next;
    disk->inode_count--;
    list_remove(&inode->of_disk);
    list_remove(&inode->of_queue);
    windows_drop(inode);
    if (inode->nameless && inode->fd >= 0) {
        list_remove(&inode->of_idle);
        disk_close_last(disk, inode->fd);
    } else {
        close_fd(inode);
    }
    free(inode->path);
    free(inode);
}

void inode_release(struct inode *inode) {
    if (inode->disk->env->gone) {
        return; /* real_disk_deinit frees all */
    }
    if (inode->handles == 0 && inode->running == 0 && list_is_empty(&inode->of_queue)) {
        RMQ_ASSERT(list_is_empty(&inode->writes));
        RMQ_ASSERT(list_is_empty(&inode->syncs));
        inode_free(inode);
    }
}

void inode_free_all(struct real_disk *disk) {
    LIST_EACH(&disk->inodes, link, following) {
        struct inode *inode = LIST_ENTRY(link, struct inode, of_disk);
        inode_free(inode);
    }
}
