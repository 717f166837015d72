/* Tests of mqnamesrv, mqbroker and mqshutdown as an operator meets them: command lines typed,
 * outputs and exit codes looked at, processes stopped, killed and started again. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <check.h>
#include <dirent.h>
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

#include "model/tests/suite.h"

#define BIN RMQ_BINARY_DIR "/bin/"
#define OUTPUT_MAX 65536

static char home[256];

static void setup(void) {
    (void)snprintf(home, sizeof home, "/tmp/rmq_daemons_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
}

static void teardown(void) {
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
static void start(struct program *program, const char *directory, const char *format, ...) {
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
static bool await(struct program *program, const char *text) {
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
static int finish(struct program *program) {
    int status;
    (void)await(program, "\1");
    (void)close(program->out);
    ck_assert_int_eq(waitpid(program->pid, &status, 0), program->pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int stop(struct program *program, int number) {
    ck_assert_int_eq(kill(program->pid, number), 0);
    return finish(program);
}

#define ck_assert_has(program, part)                                                    \
    ck_assert_msg(strstr((program)->text, part) != NULL, "\"%s\" is not in:\n%s", part, \
                  (program)->text)

static void write_file(const char *name, const char *format, ...) {
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

static bool file_has(const char *name, const char *text) {
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

static bool exists(const char *name) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", home, name);
    return access(path, F_OK) == 0;
}

static bool can_bind(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool free_ = bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    (void)close(fd);
    return free_;
}

/* A port that is free, as is the one two below, outside of what the kernel gives to dials. */
static int free_port(void) {
    static int next;
    for (int i = 0; i < 5000; i++) {
        int port = 12000 + ((int)getpid() * 13 + next++ * 5) % 18000;
        if (can_bind(port) && can_bind(port - 2))
            return port;
    }
    ck_abort_msg("no port is free");
}

static int broker_file(const char *more) {
    int port = free_port();
    write_file("broker.conf",
               "brokerName=broker-a\nlistenPort=%d\nbrokerIP1=127.0.0.1\n"
               "mappedFileSizeCommitLog=1048576\n%s",
               port, more);
    return port;
}

static void start_broker(struct program *program, const char *options) {
    start(program, BIN, "mqbroker -c broker.conf %s", options);
    ck_assert_msg(await(program, "boot success"), "%s", program->text);
}

/* ---- command lines --------------------------------------------------------------------------- */

static const struct {
    const char *line;
    int code;
    const char *says;
} LINES[] = {
    {"mqbroker -h", 0, "usage: mqbroker [-c FILE] [-h] [-m] [-n LIST] [-p]"},
    {"mqnamesrv --help", 0, "-c,--configFile FILE"},
    {"mqbroker -x", 1, "usage: mqbroker"},
    {"mqnamesrv -m", 1, "usage: mqnamesrv"},
    {"mqbroker surplus", 1, "unexpected argument 'surplus'"},
    {"mqbroker -c", 1, "usage: mqbroker"},
    {"mqbroker -c missing.conf", 255, "missing.conf: No such file or directory"},
    {"mqnamesrv -c missing.conf", 255, "missing.conf: No such file or directory"},
    {"mqbroker -n nonsense", 253,
     "The Name Server Address[nonsense] illegal, please set it as follows, "
     "\"127.0.0.1:9876;192.168.0.1:9876\""},
    {"mqbroker -p", 0, "\nflushDiskType=ASYNC_FLUSH\n"},
    {"mqbroker -m", 0, "\nbrokerRole=ASYNC_MASTER\n"},
    {"mqbroker -p -n h:1;i:2", 0, "\nnamesrvAddr=h:1;i:2\n"},
    {"mqnamesrv --printConfigItem", 0, "\nlistenPort=9876\n"},
    {"mqbroker --metrics-port 99999", 253,
     "metricsPort=99999: expected an integer from 0 to 65535"},
    {"mqshutdown", 1, "Useage: mqshutdown broker | namesrv"},
};

START_TEST(test_line__says_what_it_should) {
    static struct program program;
    start(&program, BIN, "%s", LINES[_i].line);
    int code = finish(&program);
    ck_assert_has(&program, LINES[_i].says);
    ck_assert_int_eq(code, LINES[_i].code);
}
END_TEST

/* ---- files ----------------------------------------------------------------------------------- */

static const struct {
    const char *entry; /* the third line of the file */
    const char *says;
} REFUSED[] = {
    {"brokerPermission=abc",
     "broker.conf:3: brokerPermission=abc: expected an integer from 0 to 15"},
    {"flushDiskType=SYNC", "broker.conf:3: flushDiskType=SYNC: expected one of ASYNC_FLUSH|SYNC"},
    {"autoCreateTopicEnable=yes",
     "broker.conf:3: autoCreateTopicEnable=yes: expected true or false"},
    {"storePathRootDir=store", "broker.conf:3: storePathRootDir=store: expected an absolute path"},
    {"bad=\\u00g0", "broker.conf:3: expected four hexadecimal digits"},
    {"brokerRole=SYNC_MASTER", "broker.conf:3: brokerRole=SYNC_MASTER: not built yet"},
    {"brokerRole=SLAVE", "brokerRole=SLAVE: not built yet"},
    {"aclEnable=true", "aclEnable=true: not built yet"},
    {"tls.server.mode=enforcing", "not built yet"},
    {"enableDLegerCommitLog=true", "not built yet"},
    {"enableControllerMode=true", "not built yet"},
    {"storeType=defaultRocksDB", "not built yet"},
    {"enableConsumeQueueExt=true", "not built yet"},
    {"enableLmq=true", "not built yet"},
    {"storePathCommitLog=/a/b,/c/d", "several commit log paths are not built yet"},
    {"inSyncReplicas=2", "not built yet"},
    {"transientStorePoolEnable=true", "not built yet"},
    {"quirk.staleTail=true", "expected allowQuirks=true"},
};

START_TEST(test_file__wrong_entry_does_not_start) {
    static struct program program;
    write_file("broker.conf", "# one\nbrokerName = a\n%s\n", REFUSED[_i].entry);
    start(&program, BIN, "mqbroker -c broker.conf");
    int code = finish(&program);
    ck_assert_has(&program, REFUSED[_i].says);
    ck_assert_int_eq(code, 253);
    ck_assert(!exists("store"));
}
END_TEST

/* Keys without effect and unknown ones are told, and nothing else: it is Apache's own file. */
START_TEST(test_file__apaches_is_accepted) {
    static struct program program;
    (void)broker_file("brokerClusterName = DefaultCluster\nbrokerId = 0\ndeleteWhen = 04\n"
                      "fileReservedTime = 48 \nbrokerRole = ASYNC_MASTER\n"
                      "flushDiskType = ASYNC_FLUSH\nsendMessageThreadPoolNums=16\n"
                      "autoCreateTopicEnabel=true\n");
    start_broker(&program, "");
    ck_assert_has(&program, "load config properties file OK, broker.conf\n");
    ck_assert_has(&program,
                  "broker.conf:11: warning: sendMessageThreadPoolNums=16: this key has no "
                  "effect here");
    ck_assert_has(&program, "broker.conf:12: warning: autoCreateTopicEnabel: unknown key, without "
                            "effect; did you mean \"autoCreateTopicEnable\"?");
    ck_assert_ptr_null(strstr(program.text, "brokerRole"));
    ck_assert_int_eq(stop(&program, SIGTERM), 0);
}
END_TEST

/* ---- life ------------------------------------------------------------------------------------ */

START_TEST(test_broker__boots_stops_and_tells) {
    static struct program servers, program;
    char line[200];
    int ns = free_port();
    write_file("ns.conf", "listenPort=%d\n", ns);
    start(&servers, BIN, "mqnamesrv -c ns.conf");
    ck_assert(await(&servers, "The Name Server boot success. serializeType=JSON\n"));
    int port = broker_file("");
    (void)snprintf(line, sizeof line, "-n 127.0.0.1:%d --events events.jsonl", ns);
    start_broker(&program, line);
    (void)snprintf(line, sizeof line,
                   "The broker[broker-a, 127.0.0.1:%d] boot success. serializeType=JSON and name "
                   "server is 127.0.0.1:%d\n",
                   port, ns);
    ck_assert_has(&program, line);
    ck_assert(exists("store/abort"));
    ck_assert_int_eq(stop(&program, SIGTERM), 0);
    ck_assert(!exists("store/abort"));
    ck_assert(file_has("logs/rocketmqlogs/broker.log", "boot success"));
    ck_assert(file_has("logs/rocketmqlogs/broker.log", " INFO main - stopped cleanly\n"));
    ck_assert(file_has("events.jsonl", "\"kind\":\"node.serves\",\"fields\":{\"address\":"));
    ck_assert(file_has("events.jsonl", "\"kind\":\"node.stopping\""));
    ck_assert_int_eq(stop(&servers, SIGINT), 0);
    ck_assert(file_has("logs/rocketmqlogs/namesrv.log", "stopped cleanly"));
}
END_TEST

START_TEST(test_broker__second_on_one_store_is_refused) {
    static struct program first, second;
    (void)broker_file("");
    start_broker(&first, "");
    (void)broker_file(""); /* other ports, the same store */
    start(&second, BIN, "mqbroker -c broker.conf");
    int code = finish(&second);
    ck_assert_has(&second, "Lock failed,MQ already started");
    ck_assert_int_eq(code, 253);
    ck_assert_int_eq(stop(&first, SIGTERM), 0);
}
END_TEST

START_TEST(test_broker__starts_after_kill) {
    static struct program program;
    (void)broker_file("");
    for (int i = 0; i < 3; i++) {
        start_broker(&program, "--events events.jsonl");
        ck_assert_int_eq(stop(&program, SIGKILL), -1);
        ck_assert(exists("store/abort"));
    }
    start_broker(&program, "--events events.jsonl");
    ck_assert_int_eq(stop(&program, SIGTERM), 0);
    ck_assert(!exists("store/abort"));
    ck_assert(file_has("events.jsonl", "\"incarnation\":4,\"sequence\":1,"));
    ck_assert(file_has("events.jsonl", "\"fields\":{\"stop\":\"unclean\""));
}
END_TEST

START_TEST(test_broker__name_servers_in_order_of_priority) {
    static struct program program;
    ck_assert_int_eq(setenv("NAMESRV_ADDR", "10.0.0.1:1", 1), 0);
    start(&program, BIN, "mqbroker -p");
    ck_assert_int_eq(finish(&program), 0);
    ck_assert_has(&program, "\nnamesrvAddr=10.0.0.1:1\n");
    write_file("broker.conf", "namesrvAddr=10.0.0.2:2\n");
    start(&program, BIN, "mqbroker -p -c broker.conf");
    ck_assert_int_eq(finish(&program), 0);
    ck_assert_has(&program, "\nnamesrvAddr=10.0.0.2:2\n");
    start(&program, BIN, "mqbroker -p -c broker.conf -n 10.0.0.3:3");
    ck_assert_int_eq(finish(&program), 0);
    ck_assert_has(&program, "\nnamesrvAddr=10.0.0.3:3\n");
    ck_assert_int_eq(unsetenv("NAMESRV_ADDR"), 0);
}
END_TEST

/* ---- log ------------------------------------------------------------------------------------- */

START_TEST(test_log__full_disk_does_not_hurt) {
    static struct program program;
    char path[300];
    (void)broker_file("");
    (void)snprintf(path, sizeof path, "%s/full", home);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    (void)snprintf(path, sizeof path, "%s/full/broker.log", home);
    ck_assert_int_eq(symlink("/dev/full", path), 0);
    (void)snprintf(path, sizeof path, "--log %s/full", home);
    start_broker(&program, path);
    ck_assert_int_eq(stop(&program, SIGTERM), 0);
}
END_TEST

START_TEST(test_log__hangup_opens_it_again) {
    static struct program program;
    char from[300], to[304];
    (void)broker_file("");
    start_broker(&program, "");
    (void)snprintf(from, sizeof from, "%s/logs/rocketmqlogs/broker.log", home);
    (void)snprintf(to, sizeof to, "%s.1", from);
    ck_assert_int_eq(rename(from, to), 0);
    ck_assert_int_eq(kill(program.pid, SIGHUP), 0);
    while (access(from, F_OK) != 0) /* bounded by the suite's timeout */
        (void)usleep(1000);
    ck_assert_int_eq(stop(&program, SIGTERM), 0);
    ck_assert(file_has("logs/rocketmqlogs/broker.log", "stopped cleanly"));
    ck_assert(!file_has("logs/rocketmqlogs/broker.log.1", "stopped cleanly"));
}
END_TEST

START_TEST(test_log__to_stderr) {
    static struct program program;
    (void)broker_file("");
    start_broker(&program, "--log stderr");
    ck_assert_int_eq(stop(&program, SIGTERM), 0);
    ck_assert_has(&program, " INFO main - stopped cleanly\n");
    ck_assert(!exists("logs"));
}
END_TEST

/* ---- pages ----------------------------------------------------------------------------------- */

static void ask(int port, const char *request, char *out, size_t size) {
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

START_TEST(test_health__down_without_registration) {
    static struct program program;
    char options[100], out[2048];
    int pages = free_port(), nobody = free_port();
    (void)broker_file("");
    (void)snprintf(options, sizeof options, "--metrics-port %d -n 127.0.0.1:%d", pages, nobody);
    start_broker(&program, options);
    ask(pages, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n", out, sizeof out);
    ck_assert_ptr_nonnull(strstr(out, "HTTP/1.1 503 "));
    ck_assert_ptr_nonnull(strstr(out, "\"cause\":\"no name server has accepted"));
    ask(pages, "GET /nothing HTTP/1.1\r\n\r\n", out, sizeof out);
    ck_assert_ptr_nonnull(strstr(out, "HTTP/1.1 404 "));
    ask(pages, "DELETE /health HTTP/1.1\r\n\r\n", out, sizeof out);
    ck_assert_ptr_nonnull(strstr(out, "HTTP/1.1 405 "));
    ask(pages, "nonsense\r\n\r\n", out, sizeof out);
    ck_assert_ptr_nonnull(strstr(out, "HTTP/1.1 400 "));
    ck_assert_int_eq(stop(&program, SIGTERM), 0);
}
END_TEST

START_TEST(test_health__up_without_name_servers) {
    static struct program program;
    char options[100], out[2048];
    int pages = free_port();
    (void)broker_file("");
    (void)snprintf(options, sizeof options, "--metrics-port %d", pages);
    start_broker(&program, options);
    ask(pages, "GET /health?x=1 HTTP/1.0\r\n\r\n", out, sizeof out);
    ck_assert_ptr_nonnull(strstr(out, "HTTP/1.1 200 OK\r\n"));
    ck_assert_ptr_nonnull(strstr(out, "{\"status\":\"UP\"}"));
    ck_assert_int_eq(stop(&program, SIGTERM), 0);
}
END_TEST

/* ---- mqshutdown ------------------------------------------------------------------------------ */

/* It stops what runs the file beside it, so these are copies. */
START_TEST(test_shutdown__stops_its_own) {
    static struct program broker, shutdown_;
    char command[1200], directory[300], says[100];
    (void)broker_file("");
    (void)snprintf(command, sizeof command,
                   "mkdir %s/bin && cp " BIN "mqbroker " BIN "mqshutdown %s/bin", home, home);
    ck_assert_int_eq(system(command), 0);
    (void)snprintf(directory, sizeof directory, "%s/bin/", home);
    start(&shutdown_, directory, "mqshutdown broker");
    ck_assert_int_eq(finish(&shutdown_), 255);
    ck_assert_str_eq(shutdown_.text, "No mqbroker running.\n");
    start(&broker, directory, "mqbroker -c broker.conf");
    ck_assert(await(&broker, "boot success"));
    start(&shutdown_, directory, "mqshutdown broker");
    ck_assert_int_eq(finish(&shutdown_), 0);
    (void)snprintf(says, sizeof says,
                   "The mqbroker(%d) is running...\nSend shutdown request to mqbroker(%d) OK\n",
                   (int)broker.pid, (int)broker.pid);
    ck_assert_str_eq(shutdown_.text, says);
    ck_assert_int_eq(finish(&broker), 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("daemons");
    TCase *lines = tcase_create("lines"), *life = tcase_create("life");
    tcase_add_checked_fixture(lines, setup, teardown);
    tcase_add_checked_fixture(life, setup, teardown);
    tcase_set_timeout(lines, 300);
    tcase_set_timeout(life, 300);
    tcase_add_loop_test(lines, test_line__says_what_it_should, 0,
                        (int)(sizeof LINES / sizeof LINES[0]));
    tcase_add_loop_test(lines, test_file__wrong_entry_does_not_start, 0,
                        (int)(sizeof REFUSED / sizeof REFUSED[0]));
    tcase_add_test(lines, test_broker__name_servers_in_order_of_priority);
    tcase_add_test(life, test_file__apaches_is_accepted);
    tcase_add_test(life, test_broker__boots_stops_and_tells);
    tcase_add_test(life, test_broker__second_on_one_store_is_refused);
    tcase_add_test(life, test_broker__starts_after_kill);
    tcase_add_test(life, test_log__full_disk_does_not_hurt);
    tcase_add_test(life, test_log__hangup_opens_it_again);
    tcase_add_test(life, test_log__to_stderr);
    tcase_add_test(life, test_health__down_without_registration);
    tcase_add_test(life, test_health__up_without_name_servers);
    tcase_add_test(life, test_shutdown__stops_its_own);
    suite_add_tcase(suite, lines);
    suite_add_tcase(suite, life);
    return suite_run(suite);
}
