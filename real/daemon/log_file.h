/* daemon/log_file.h - a daemon's log, where operators of RocketMQ look for it.
 *
 * A line: "2026-11-24 17:03:21 INFO main - text", local time (Apache: always GMT+8). A file of more
 * than 128 MB becomes otherdays/<name>.1.log.gz and so on to 20 (conf/logback_broker.xml); it is
 * packed by a thread of its own. A disk that does not take a line loses it, never the daemon: how
 * many were lost is the first line that it takes again. */
#ifndef REAL_DAEMON_LOG_FILE_H
#define REAL_DAEMON_LOG_FILE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define LOG_PATH_MAX 512
struct log_file {
    char dir[LOG_PATH_MAX]; /* "": stderr */
    char name[32];          /* "broker": dir/broker.log */
    int fd;                 /* -1: not open, tried again with the next line */
    uint64_t bytes;         /* of the file */
    uint64_t bytes_max;     /* 128 MB */
    uint64_t lost;          /* lines since the last one written */
    bool packing;           /* `packer` has not been joined: until it has ended, nothing rolls */
    pthread_t packer;
};

/* `dir` is made with its parents; NULL: stderr. False, and errno: the file does not open. Its dir
 * and name stay, so that later lines try again. */
bool log_file_open(struct log_file *log, const char *dir, const char *name);
/* One line. `level` as Apache has it: "INFO", "WARN". */
void log_file_write(struct log_file *log, int64_t wall_ms, int utc_offset_min, const char *level,
                    const char *text);
/* SIGHUP: the next line goes into a file that is opened by its name. */
void log_file_reopen(struct log_file *log);
/* Waits for the packing of an old file to end. */
void log_file_close(struct log_file *log);

/* Makes a directory and its parents. False, and errno. */
bool make_dirs(const char *path);

#endif
