/* broken_disk.c - preloaded into a daemon (LD_PRELOAD) by test_broken_disk.c: a disk that fails.
 *
 * $BROKEN_DISK names a file; while it holds the name of a call (fdatasync, fsync, write, read) and
 * the number of an error, that call fails so for files whose path has "/commitlog/" in it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static bool is_of_log(int fd) {
    char link[64], path[512];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    path[len < 0 ? 0 : len] = 0;
    return strstr(path, "/commitlog/") != NULL;
}

/* True, with errno: this call fails. */
static bool fails(const char *call, int fd) {
    const char *name = getenv("BROKEN_DISK");
    char what[32] = "";
    int error = 0;
    FILE *file = name == NULL ? NULL : fopen(name, "r");
    if (file == NULL)
        return false;
    bool asked = fscanf(file, "%31s %d", what, &error) == 2 && strcmp(what, call) == 0;
    (void)fclose(file);
    if (!asked || !is_of_log(fd))
        return false;
    errno = error;
    return true;
}

#define REAL(type, name, ...)         \
    static type (*real)(__VA_ARGS__); \
    if (real == NULL)                 \
    *(void **)&real = dlsym(RTLD_NEXT, name)

int fdatasync(int fd) {
    REAL(int, "fdatasync", int);
    return fails("fdatasync", fd) ? -1 : real(fd);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    REAL(ssize_t, "pwritev", int, const struct iovec *, int, off_t);
    return fails("write", fd) ? -1 : real(fd, parts, count, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset) {
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    return fails("write", fd) ? -1 : real(fd, bytes, len, offset);
}
