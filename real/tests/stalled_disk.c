/* stalled_disk.c - for LD_PRELOAD: while the file $STALLED_DISK exists, fdatasync waits; nothing
 * fails. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int fdatasync(int fd) {
    const char *path = getenv("STALLED_DISK");
    int (*real)(int);
    *(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
    while (path != NULL && access(path, F_OK) == 0)
        (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    return real(fd);
}
