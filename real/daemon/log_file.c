/* daemon/log_file.c - see log_file.h. */
#define _GNU_SOURCE /* pthread_tryjoin_np */
#include "real/daemon/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#define FILES_KEPT 20
#define LINE_MAX_BYTES 8192

bool make_dirs(const char *path) {
    char part[LOG_PATH_MAX];
    size_t len = strlen(path);
    if (len >= sizeof part) {
        errno = ENAMETOOLONG;
        return false;
    }
    for (size_t i = 1; i <= len; i++) {
        if (i < len && path[i] != '/')
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return false;
    }
    return true;
}

static bool open_file(struct log_file *log) {
    char path[LOG_PATH_MAX + 48];
    struct stat status;
    (void)snprintf(path, sizeof path, "%s/%s.log", log->dir, log->name);
    log->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log->fd < 0)
        return false;
    log->bytes = fstat(log->fd, &status) == 0 ? (uint64_t)status.st_size : 0;
    return true;
}

bool log_file_open(struct log_file *log, const char *dir, const char *name) {
    *log = (struct log_file){.fd = -1, .bytes_max = UINT64_C(128) << 20};
    (void)snprintf(log->name, sizeof log->name, "%s", name);
    if (dir == NULL) {
        log->fd = STDERR_FILENO;
        return true;
    }
    (void)snprintf(log->dir, sizeof log->dir, "%s", dir);
    return make_dirs(dir) && open_file(log);
}

/* ---- rolling --------------------------------------------------------------------------------- */

/* Packs path to path.gz and removes it; what goes wrong leaves it as it is. */
static void *pack(void *argument) {
    char *path = argument, packed[LOG_PATH_MAX + 64];
    static const size_t CHUNK = 1 << 16;
    char *chunk = malloc(CHUNK);
    (void)snprintf(packed, sizeof packed, "%s.gz", path);
    FILE *in = fopen(path, "rbe");
    gzFile out = gzopen(packed, "wbe");
    bool good = chunk != NULL && in != NULL && out != NULL;
    while (good) {
        size_t len = fread(chunk, 1, CHUNK, in);
        if (len == 0)
            break;
        good = gzwrite(out, chunk, (unsigned)len) == (int)len;
    }
    good = good && ferror(in) == 0;
    if (in != NULL)
        (void)fclose(in);
    if (out != NULL)
        good = gzclose(out) == Z_OK && good;
    (void)unlink(good ? path : packed);
    free(chunk);
    free(path);
    return NULL;
}

static void old_name(const struct log_file *log, int index, const char *ending, char *out,
                     size_t size) {
    (void)snprintf(out, size, "%s/otherdays/%s.%d.log%s", log->dir, log->name, index, ending);
}

static void shift(const struct log_file *log, const char *ending) {
    char from[LOG_PATH_MAX + 64], to[LOG_PATH_MAX + 64];
    for (int i = FILES_KEPT - 1; i >= 1; i--) {
        old_name(log, i, ending, from, sizeof from);
        old_name(log, i + 1, ending, to, sizeof to);
        (void)rename(from, to); /* the last one goes */
    }
}

/* While the last old file is being packed it keeps its name: the log grows on. */
static void roll(struct log_file *log) {
    char path[LOG_PATH_MAX + 48], old[LOG_PATH_MAX + 64];
    if (log->packing && pthread_tryjoin_np(log->packer, NULL) != 0)
        return;
    log->packing = false;
    (void)snprintf(path, sizeof path, "%s/otherdays", log->dir);
    if (!make_dirs(path))
        return; /* it grows; the next line tries again */
    shift(log, ".gz");
    shift(log, "");
    (void)snprintf(path, sizeof path, "%s/%s.log", log->dir, log->name);
    old_name(log, 1, "", old, sizeof old);
    if (rename(path, old) != 0)
        return;
    (void)close(log->fd);
    (void)open_file(log);
    char *argument = strdup(old);
    log->packing = argument != NULL && pthread_create(&log->packer, NULL, pack, argument) == 0;
    if (!log->packing)
        free(argument);
}

/* ---- lines ----------------------------------------------------------------------------------- */

static size_t put_head(char *out, size_t size, int64_t wall_ms, int utc_offset_min,
                       const char *level) {
    struct tm parts;
    time_t seconds = (time_t)(wall_ms / 1000 + (int64_t)utc_offset_min * 60);
    if (gmtime_r(&seconds, &parts) == NULL)
        memset(&parts, 0, sizeof parts);
    size_t len = strftime(out, size, "%Y-%m-%d %H:%M:%S", &parts);
    return len + (size_t)snprintf(out + len, size - len, " %s main - ", level);
}

/* All of it or nothing: a half line is cut off again, where the file allows it. */
static bool put_bytes(struct log_file *log, const char *bytes, size_t len) {
    ssize_t written = write(log->fd, bytes, len);
    if (written == (ssize_t)len) {
        log->bytes += len;
        return true;
    }
    if (written > 0 && log->dir[0] != 0 && ftruncate(log->fd, (off_t)log->bytes) != 0)
        log->bytes += (uint64_t)written;
    return false;
}

void log_file_write(struct log_file *log, int64_t wall_ms, int utc_offset_min, const char *level,
                    const char *text) {
    char line[LINE_MAX_BYTES];
    if (log->fd < 0 && (log->dir[0] == 0 || !open_file(log))) {
        log->lost++;
        return;
    }
    if (log->dir[0] != 0 && log->bytes >= log->bytes_max)
        roll(log);
    if (log->fd < 0) {
        log->lost++;
        return;
    }
    if (log->lost > 0) {
        size_t len = put_head(line, sizeof line, wall_ms, utc_offset_min, "WARN");
        len += (size_t)snprintf(line + len, sizeof line - len,
                                "%llu lines of this log were lost: it could not be written\n",
                                (unsigned long long)log->lost);
        if (!put_bytes(log, line, len)) {
            log->lost++;
            return;
        }
        log->lost = 0;
    }
    size_t len = put_head(line, sizeof line, wall_ms, utc_offset_min, level);
    size_t text_len = strlen(text), room = sizeof line - len - 1;
    memcpy(line + len, text, text_len < room ? text_len : room);
    len += text_len < room ? text_len : room;
    line[len++] = '\n';
    if (!put_bytes(log, line, len))
        log->lost++;
}

void log_file_reopen(struct log_file *log) {
    if (log->dir[0] == 0)
        return;
    if (log->fd >= 0)
        (void)close(log->fd);
    log->fd = -1;
    (void)open_file(log);
}

void log_file_close(struct log_file *log) {
    if (log->packing)
        (void)pthread_join(log->packer, NULL);
    log->packing = false;
    if (log->fd >= 0 && log->dir[0] != 0)
        (void)close(log->fd);
    log->fd = -1;
}
