/* programs.h - the daemons as an operator meets them: command lines started, their output awaited,
 * signals, files in a home of their own, pages fetched. Include first. */
#ifndef REAL_TESTS_PROGRAMS_H
#define REAL_TESTS_PROGRAMS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BIN RMQ_BINARY_DIR "/bin/"
#define OUTPUT_MAX 65536

static char home[256];

static inline void setup(void) {
    (void)snprintf(home, sizeof home, "/tmp/rmq_daemons_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
}

static inline void teardown(void) {
    char command[300];
    (void)snprintf(command, sizeof command, "rm -rf %s", home);
    ck_assert_int_eq(system(command), 0);
}

/* ---- programs -------------------------------------------------------------------------------- */

struct program {
    pid_t pid;
    int out; /* its stdout and stderr */
    size_t len;
    char text[OUTPUT_MAX];
};

/* Starts a command line in `home`; words are separated by blanks. */
static inline void start(struct program *program, const char *directory, const char *format, ...) {
    char line[2048], *words[32];
    va_list arguments;
    int pipe_ends[2];
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    size_t count = 0;
    for (char *word = strtok(line, " "); word != NULL && count < 31; word = strtok(NULL, " "))
        words[count++] = word;
    words[count] = NULL;
    ck_assert_int_eq(pipe2(pipe_ends, O_CLOEXEC), 0);
    program->len = 0;
    program->text[0] = 0;
    program->out = pipe_ends[0];
    program->pid = fork();
    if (program->pid == 0) {
        char path[600];
        (void)snprintf(path, sizeof path, "%s%s", directory, words[0]);
        (void)setenv("HOME", home, 1);
        (void)dup2(pipe_ends[1], 1);
        (void)dup2(pipe_ends[1], 2);
        if (chdir(home) == 0)
            (void)execv(path, words);
        _exit(99);
    }
    (void)close(pipe_ends[1]);
}

/* Reads until `text` has come; false at the end of its output. */
static inline bool await(struct program *program, const char *text) {
    while (strstr(program->text, text) == NULL) {
        ssize_t len =
            read(program->out, program->text + program->len, OUTPUT_MAX - 1 - program->len);
        if (len <= 0)
            return false;
        program->len += (size_t)len;
        program->text[program->len] = 0;
    }
    return true;
}

/* The exit code, -1 for a signal; all output is in text. */
static inline int finish(struct program *program) {
    int status;
    (void)await(program, "\1");
    (void)close(program->out);
    ck_assert_int_eq(waitpid(program->pid, &status, 0), program->pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline int stop(struct program *program, int number) {
    ck_assert_int_eq(kill(program->pid, number), 0);
    return finish(program);
}

#define ck_assert_has(program, part)                                                    \
    ck_assert_msg(strstr((program)->text, part) != NULL, "\"%s\" is not in:\n%s", part, \
                  (program)->text)

static inline void write_file(const char *name, const char *format, ...) {
    char path[512];
    va_list arguments;
    (void)snprintf(path, sizeof path, "%s/%s", home, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    va_start(arguments, format);
    (void)vfprintf(file, format, arguments);
    va_end(arguments);
    (void)fclose(file);
}

static inline bool file_has(const char *name, const char *text) {
    char path[512];
    static char content[OUTPUT_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", home, name);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    size_t len = fread(content, 1, sizeof content - 1, file);
    (void)fclose(file);
    content[len] = 0;
    return strstr(content, text) != NULL;
}

static inline bool exists(const char *name) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", home, name);
    return access(path, F_OK) == 0;
}

static inline bool can_bind(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool free_ = bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    (void)close(fd);
    return free_;
}

/* A port that is free, as is the one two below, outside of what the kernel gives to dials. */
static inline int free_port(void) {
    static int next;
    for (int i = 0; i < 5000; i++) {
        int port = 12000 + ((int)getpid() * 13 + next++ * 5) % 18000;
        if (can_bind(port) && can_bind(port - 2))
            return port;
    }
    ck_abort_msg("no port is free");
}

static inline int broker_file(const char *more) {
    int port = free_port();
    write_file("broker.conf",
               "brokerName=broker-a\nlistenPort=%d\nbrokerIP1=127.0.0.1\n"
               "mappedFileSizeCommitLog=1048576\n%s",
               port, more);
    return port;
}

static inline void start_broker(struct program *program, const char *options) {
    start(program, BIN, "mqbroker -c broker.conf %s", options);
    ck_assert_msg(await(program, "boot success"), "%s", program->text);
}

/* ---- pages ---- */

static inline void ask(int port, const char *request, char *out, size_t size) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t len = 0;
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(write(fd, request, strlen(request)), (ssize_t)strlen(request));
    for (;;) {
        ssize_t more = read(fd, out + len, size - 1 - len);
        if (more <= 0)
            break;
        len += (size_t)more;
    }
    out[len] = 0;
    (void)close(fd);
}

#endif
