/* os/disk_path.c - names: directories, rename, unlink, list, usage. At once and in this thread: the
 * kernel has them in memory. The bytes of a large file whose last name goes are freed by the pool.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "model/base/buf.h"
#include "real/os/disk_internal.h"

/* ---- directories ---- */

static int make_one(struct env *env, const char *path) {
    struct stat stat_of;
    if (mkdir(path, 0755) == 0) {
        return RMQ_OK;
    }
    int error = errno;
    if (error == ENOTDIR) {
        return RMQ_E_EXISTS; /* a file is in the way */
    }
    if (stat(path, &stat_of) == 0) { /* mkdir of what is there may fail for many reasons */
        return S_ISDIR(stat_of.st_mode) ? RMQ_OK : RMQ_E_EXISTS;
    }
    return disk_error(env, "make the directory", path, error);
}

int env_path_make_dir(struct env *env, struct span path) {
    real_call(env);
    char text[ENV_PATH_MAX];
    if (!disk_path(path, text)) {
        return RMQ_E_INVALID;
    }
    int err = RMQ_OK;
    for (size_t i = 1; i < path.len && err == RMQ_OK; i++) {
        if (text[i] == '/') {
            text[i] = '\0';
            err = make_one(env, text);
            text[i] = '/';
        }
    }
    return err == RMQ_OK && path.len > 1 ? make_one(env, text) : err;
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool entry_is_dir(DIR *dir, const struct dirent *entry) {
    struct stat stat_of;
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK) {
        return entry->d_type == DT_DIR;
    }
    return fstatat(dirfd(dir), entry->d_name, &stat_of, 0) == 0 && S_ISDIR(stat_of.st_mode);
}

/* Names of `dir`; the byte behind a name's NUL is '/' for directories. */
static int read_names(DIR *dir, char ***names, size_t *count) {
    size_t capacity = 0;
    const struct dirent *entry;
    while (errno = 0, (entry = readdir(dir)) != NULL) {
        size_t len = strlen(entry->d_name);
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (*count == capacity) {
            capacity = capacity == 0 ? 64 : capacity * 2;
            char **grown = realloc(*names, capacity * sizeof *grown);
            if (grown == NULL) {
                return ENOMEM;
            }
            *names = grown;
        }
        char *name = malloc(len + 2);
        if (name == NULL) {
            return ENOMEM;
        }
        memcpy(name, entry->d_name, len + 1);
        name[len + 1] = entry_is_dir(dir, entry) ? '/' : '\0';
        (*names)[(*count)++] = name;
    }
    return errno;
}

int env_path_list(struct env *env, struct span path, struct buf *out) {
    real_call(env);
    char text[ENV_PATH_MAX];
    if (!disk_path(path, text)) {
        return RMQ_E_NOT_FOUND;
    }
    DIR *dir = opendir(text);
    if (dir == NULL) {
        return disk_error(env, "list", text, errno);
    }
    char **names = NULL;
    size_t count = 0;
    int error = read_names(dir, &names, &count);
    closedir(dir);
    if (count > 0) {
        qsort(names, count, sizeof names[0], by_bytes);
    }
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(names[i]);
        if (error == 0) {
            buf_put(out, names[i], len);
            buf_put(out, "/", names[i][len + 1] == '/' ? 2 : 0);
            buf_put(out, "", names[i][len + 1] == '/' ? 0 : 1);
        }
        free(names[i]);
    }
    free(names);
    if (error != 0) {
        return disk_error(env, "list", text, error);
    }
    return buf_failed(out) ? RMQ_E_NOMEM : RMQ_OK;
}

/* ---- names ---- */

/* The open file that `path` names, or NULL. */
static struct inode *open_at(const struct real_disk *disk, const char *path, struct stat *stat_of) {
    return lstat(path, stat_of) == 0 ? inode_find(disk, stat_of->st_dev, stat_of->st_ino) : NULL;
}

/* Open files under `from` have another path now. */
static int rename_open(struct real_disk *disk, const char *from, const char *to) {
    size_t from_len = strlen(from);
    LIST_EACH(&disk->inodes, link, following) {
        struct inode *inode = LIST_ENTRY(link, struct inode, of_disk);
        bool is_it = !inode->nameless && strncmp(inode->path, from, from_len) == 0 &&
                     (inode->path[from_len] == '\0' || inode->path[from_len] == '/');
        if (!is_it) {
            continue;
        }
        size_t size = strlen(to) + strlen(inode->path + from_len) + 1;
        char *path = malloc(size);
        if (path == NULL) {
            return RMQ_E_NOMEM;
        }
        snprintf(path, size, "%s%s", to, inode->path + from_len);
        free(inode->path);
        inode->path = path;
    }
    return RMQ_OK;
}

int env_path_rename(struct env *env, struct span from, struct span to) {
    real_call(env);
    char from_text[ENV_PATH_MAX], to_text[ENV_PATH_MAX];
    struct stat from_stat, to_stat;
    if (!disk_path(from, from_text) || !disk_path(to, to_text)) {
        return RMQ_E_INVALID;
    }
    if (lstat(from_text, &from_stat) != 0) {
        return disk_error(env, "rename", from_text, errno);
    }
    bool replaces = lstat(to_text, &to_stat) == 0;
    if (replaces && to_stat.st_ino == from_stat.st_ino && to_stat.st_dev == from_stat.st_dev) {
        return RMQ_OK;
    }
    if (replaces && S_ISDIR(from_stat.st_mode) != S_ISDIR(to_stat.st_mode)) {
        return RMQ_E_INVALID;
    }
    struct inode *moved = inode_find(env->disk, from_stat.st_dev, from_stat.st_ino);
    struct inode *gone = replaces ? inode_find(env->disk, to_stat.st_dev, to_stat.st_ino) : NULL;
    int err = gone == NULL ? RMQ_OK : inode_pin(gone);
    if (err != RMQ_OK) {
        return err;
    }
    if (rename(from_text, to_text) != 0) {
        err = errno == EEXIST ? RMQ_E_STATE : disk_error(env, "rename", from_text, errno);
        if (gone != NULL) {
            inode_unpin(gone);
        }
        return err;
    }
    return moved != NULL || S_ISDIR(from_stat.st_mode) ? rename_open(env->disk, from_text, to_text)
                                                       : RMQ_OK;
}

int env_path_unlink(struct env *env, struct span path) {
    real_call(env);
    char text[ENV_PATH_MAX];
    struct stat stat_of = {.st_ino = 0};
    if (!disk_path(path, text)) {
        return RMQ_E_INVALID;
    }
    struct inode *gone = open_at(env->disk, text, &stat_of);
    int err = gone == NULL ? RMQ_OK : inode_pin(gone);
    if (err != RMQ_OK) {
        return err;
    }
    int last = gone != NULL || stat_of.st_ino == 0 ? -1 : disk_open_last(env->disk, text, &stat_of);
    int failed = unlink(text);
    if (failed != 0 && (errno == EISDIR || errno == EPERM)) {
        failed = rmdir(text);
    }
    int error = errno;
    if (last >= 0) {
        disk_close_last(env->disk, last);
    }
    if (failed == 0) {
        return RMQ_OK;
    }
    err = error == EEXIST ? RMQ_E_STATE : disk_error(env, "unlink", text, error);
    if (gone != NULL) {
        inode_unpin(gone);
    }
    return err;
}

/* As Java's File.getTotalSpace less what the system keeps for itself: used / total is the
 * percentage that Apache compares with its limits. Source:
 * UtilAll.getDiskPartitionSpaceUsedPercent. */
int env_disk_usage(struct env *env, struct span path, struct env_disk_usage *out) {
    real_call(env);
    char text[ENV_PATH_MAX];
    struct statvfs usage;
    if (!disk_path(path, text)) {
        return RMQ_E_NOT_FOUND;
    }
    if (statvfs(text, &usage) != 0) {
        return errno == ENOENT || errno == ENOTDIR ? RMQ_E_NOT_FOUND
                                                   : disk_error(env, "statvfs", text, errno);
    }
    uint64_t used = (uint64_t)(usage.f_blocks - usage.f_bfree) * usage.f_frsize;
    uint64_t total = used + (uint64_t)usage.f_bavail * usage.f_frsize;
    uint64_t freeing = env->disk->freeing; /* unlinked: the caller counts on it */
    *out = (struct env_disk_usage){total, used - (freeing < used ? freeing : used)};
    return RMQ_OK;
}
