/* os/disk.c - the disk of a node: its beginning and end, errors, and paths. See disk_internal.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "real/os/disk_internal.h"

#define HASH_FIRST 64
#define DESCRIPTORS_LEAST 16

void disk_log(struct env *env, const char *what, const char *path, const char *why) {
    char line[ENV_PATH_MAX + 256];
    bool outside = env->loop->current == NULL;
    if (env->options.on_log == NULL || env->gone)
        return;
    if (outside)
        real_enter(env); /* whoever writes the log asks for the time */
    snprintf(line, sizeof line, "%s %s: %s", what, path, why);
    env->options.on_log(env->options.ctx, env, ENV_LOG_ERROR, line);
    if (outside)
        real_leave(env);
}

int disk_error(struct env *env, const char *what, const char *path, int error) {
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return RMQ_E_NOT_FOUND;
    case EEXIST:
        return RMQ_E_EXISTS;
    case ENOTEMPTY:
        return RMQ_E_STATE;
    case EISDIR:
    case EINVAL:
    case ENAMETOOLONG:
    case ELOOP:
    case ENXIO:
        return RMQ_E_INVALID;
    case ENOMEM:
        return RMQ_E_NOMEM;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: /* RLIMIT_FSIZE, or past what the file system can hold */
        return RMQ_E_NO_SPACE;
    default:
        break;
    }
    bool denied = error == EROFS || error == EACCES || error == EPERM;
    disk_log(env, what, path, strerror(error));
    return denied ? RMQ_E_READ_ONLY : RMQ_E_IO;
}

static bool part_is_valid(struct span part) {
    bool dots = part.len > 0 && part.data[0] == '.' &&
                (part.len == 1 || (part.len == 2 && part.data[1] == '.'));
    return part.len > 0 && !dots && memchr(part.data, 0, part.len) == NULL;
}

bool disk_path(struct span path, char out[ENV_PATH_MAX]) {
    if (path.len == 0 || path.len >= ENV_PATH_MAX || path.data[0] != '/') {
        return false;
    }
    for (size_t from = 1; from < path.len || (from == path.len && from > 1);) {
        const uint8_t *slash =
            from < path.len ? memchr(path.data + from, '/', path.len - from) : NULL;
        size_t end = slash == NULL ? path.len : (size_t)(slash - path.data);
        if (!part_is_valid(span_of(path.data + from, end - from))) {
            return false;
        }
        from = slash == NULL ? path.len + 1 : end + 1;
    }
    memcpy(out, path.data, path.len);
    out[path.len] = '\0';
    return true;
}

/* A quarter of what the process may open; connections share the rest. */
static size_t descriptors_max(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        limit.rlim_cur = 65536;
    }
    size_t quarter = (size_t)limit.rlim_cur / 4;
    return quarter < DESCRIPTORS_LEAST ? DESCRIPTORS_LEAST : quarter;
}

int real_disk_init(struct env *env) {
    struct real_disk *disk = calloc(1, sizeof *disk);
    if (disk == NULL) {
        return RMQ_E_NOMEM;
    }
    disk->hash = calloc(HASH_FIRST, sizeof(struct inode *));
    if (disk->hash == NULL) {
        free(disk);
        return RMQ_E_NOMEM;
    }
    signal(SIGXFSZ, SIG_IGN); /* a write past RLIMIT_FSIZE fails with EFBIG instead */
    disk->env = env;
    disk->hash_size = HASH_FIRST;
    disk->descriptors_max = descriptors_max();
    list_init(&disk->files);
    list_init(&disk->inodes);
    list_init(&disk->idle);
    list_init(&disk->queued);
    list_init(&disk->finished);
    list_init(&disk->spare);
    env->disk = disk;
    return RMQ_OK;
}

void real_disk_turn_end(struct env *env) {
    struct real_disk *disk = env->disk;
    if (env->gone) {
        return;
    }
    LIST_EACH(&disk->queued, link, following) {
        struct inode *inode = LIST_ENTRY(link, struct inode, of_queue);
        list_remove(link);
        disk_write_queued(inode);
        disk_sync_queued(inode);
        inode_release(inode);
    }
}

static void free_jobs(struct list *jobs) {
    LIST_EACH(jobs, link, following) {
        struct job *job = LIST_ENTRY(link, struct job, queued);
        list_remove(link);
        free(job->buffer);
        free(job);
    }
}

bool real_disk_deinit(struct env *env) {
    struct real_disk *disk = env->disk;
    if (disk == NULL) {
        return true;
    }
    if (disk->running > 0) {
        return false;
    }
    real_unpost(&disk->finish_job);
    LIST_EACH(&disk->inodes, link, following) {
        struct inode *inode = LIST_ENTRY(link, struct inode, of_disk);
        free_jobs(&inode->writes);
        free_jobs(&inode->syncs);
    }
    LIST_EACH(&disk->files, link, following) {
        free(LIST_ENTRY(link, struct env_file, of_disk));
    }
    free_jobs(&disk->finished);
    free_jobs(&disk->spare);
    inode_free_all(disk);
    windows_free(disk);
    free(disk->hash);
    free(disk);
    env->disk = NULL;
    return true;
}
