/* Hostile input against a name server and a broker in a process of their own, over real sockets:
 * whatever comes, the process lives, its memory is bounded, and others are served. How long the
 * others wait is printed, never judged: machines differ.
 *
 * Sanitizers have memory of their own: bounds of memory count without them only. */
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "model/broker/broker.h"
#include "model/namesrv/namesrv.h"
#include "model/wire/frame.h"
#include "real/tests/ends.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define INSTRUMENTED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define INSTRUMENTED true
#endif
#endif
#ifndef INSTRUMENTED
#define INSTRUMENTED false
#endif

#define MIB (1U << 20)

enum { NAME_SERVER, BROKER, TARGETS };

static pid_t victim;
static uint16_t ports[TARGETS];
static char root[] = "/tmp/rmq_hostile_XXXXXX";

/* ---- the victim ----------------------------------------------------------------------------- */

static uint16_t port_of(const struct env *env) {
    RMQ_ASSERT(!list_is_empty(&env->listeners));
    return LIST_ENTRY(env->listeners.next, struct env_listener, of_node)->port;
}

static void on_log(void *ctx, struct env *env, enum env_log_level level, const char *line) {
    (void)ctx, (void)env;
    if (level == ENV_LOG_ERROR)
        fprintf(stderr, "%s\n", line);
}

static void on_exit_flag(void *ctx, struct env *env, int status) {
    (void)env, (void)status;
    *(bool *)ctx = true;
}

/* Starts it, and turns until it listens. NULL: its port is in use. */
static struct env *start_role(struct real_loop *loop, struct env *holder, const struct role *role,
                              const char *const pairs[]) {
    static bool exited[TARGETS];
    bool *ended = &exited[role == &broker_role];
    struct props config;
    struct env *env = NULL;
    struct real_node_options options = {.ip = "127.0.0.1",
                                        .bind_ip = "127.0.0.1",
                                        .on_log = on_log,
                                        .on_exit = on_exit_flag,
                                        .ctx = ended};
    props_init(&config, holder);
    for (size_t i = 0; pairs[i] != NULL; i += 2) {
        RMQ_ASSERT(props_set_text(&config, pairs[i], pairs[i + 1]) == RMQ_OK);
    }
    *ended = false;
    int err = real_node_start(loop, &options, role, &config, &env);
    RMQ_ASSERT(err == RMQ_OK);
    props_deinit(&config);
    while (!*ended && list_is_empty(&env->listeners)) { /* a broker recovers first */
        real_loop_turn(loop, SECOND);
    }
    return *ended ? NULL : env;
}

/* A broker has no port 0: one that is free now, and another if it is not any more. */
static struct env *start_broker(struct real_loop *loop, struct env *holder, const char *address) {
    struct env *broker = NULL;
    for (int i = 0; broker == NULL && i < 50; i++) {
        char port[8];
        uint16_t number;
        close(plain_listen(1, &number));
        snprintf(port, sizeof port, "%u", (unsigned)number);
        const char *const pairs[] = {
            "listenPort",       port, "brokerName", "b",         "namesrvAddr", address,
            "storePathRootDir", root, "brokerIP1",  "127.0.0.1", NULL};
        broker = start_role(loop, holder, &broker_role, pairs);
    }
    RMQ_ASSERT(broker != NULL);
    return broker;
}

static void run_victim(int tell_fd) {
    struct real_loop *loop = NULL;
    struct env *holder = NULL;
    char address[ENV_ADDRESS_MAX];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int err = real_loop_create(&loop);
    RMQ_ASSERT(err == RMQ_OK);
    err = real_node_start(loop, NULL, NULL, NULL, &holder);
    RMQ_ASSERT(err == RMQ_OK);
    const char *const of_name_server[] = {"listenPort", "0", NULL};
    struct env *name_server = start_role(loop, holder, &namesrv_role, of_name_server);
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)port_of(name_server));
    struct env *broker = start_broker(loop, holder, address);
    uint16_t at[TARGETS] = {port_of(name_server), port_of(broker)};
    RMQ_ASSERT(write(tell_fd, at, sizeof at) == (ssize_t)sizeof at);
    real_loop_run(loop);
    _exit(0);
}

static void setup(void) {
    int tell[2];
    ck_assert_ptr_nonnull(mkdtemp(root));
    ck_assert_int_eq(pipe(tell), 0);
    victim = fork();
    ck_assert_int_ge(victim, 0);
    if (victim == 0)
        run_victim(tell[1]);
    close(tell[1]);
    ck_assert_int_eq(read(tell[0], ports, sizeof ports), (ssize_t)sizeof ports);
    close(tell[0]);
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void teardown(void) {
    char command[128];
    int status = 0;
    ck_assert_int_eq(waitpid(victim, &status, WNOHANG), 0); /* it lives */
    kill(victim, SIGKILL);
    waitpid(victim, &status, 0);
    snprintf(command, sizeof command, "rm -rf %s", root);
    RMQ_IGNORE(system(command), "a leftover of /tmp");
}

/* Resident memory of the victim that no file backs, MiB. */
static size_t memory_mib(void) {
    char path[64], line[256];
    size_t kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)victim);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "RssAnon:", 8) == 0)
            kib = strtoul(line + 8, NULL, 10);
    }
    fclose(file);
    return kib >> 10;
}

/* ---- requests ------------------------------------------------------------------------------- */

static uint8_t bytes[32U * MIB];

/* A frame with a JSON header; returns its length. */
static size_t put_frame(uint8_t *out, const char *header, const void *body, size_t body_len) {
    struct span head = span_of_text(header);
    size_t header_len = head.len, len = 4 + header_len + body_len;
    const uint8_t lengths[8] = {(uint8_t)(len >> 24),
                                (uint8_t)(len >> 16),
                                (uint8_t)(len >> 8),
                                (uint8_t)len,
                                0,
                                (uint8_t)(header_len >> 16),
                                (uint8_t)(header_len >> 8),
                                (uint8_t)header_len};
    memcpy(out, lengths, 8);
    memcpy(out + 8, head.data, header_len);
    if (body_len > 0)
        memcpy(out + 8 + header_len, body, body_len);
    return 4 + len;
}

static size_t put_request(uint8_t *out, int code, const char *fields, const char *body) {
    char header[2048];
    snprintf(header, sizeof header,
             "{\"code\":%d,\"extFields\":{%s},\"flag\":0,\"language\":\"JAVA\",\"opaque\":1,"
             "\"serializeTypeCurrentRPC\":\"JSON\",\"version\":409}",
             code, fields);
    return put_frame(out, header, body, strlen(body));
}

static void set_patience(int fd) {
    struct timeval patience = {60, 0};
    int yes = 1;
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience), 0);
    ck_assert_int_eq(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes), 0);
}

static int dial(int target) {
    int fd = plain_dial(ports[target]);
    set_patience(fd);
    return fd;
}

static bool read_all(int fd, void *into, size_t len) {
    for (size_t done = 0; done < len;) {
        ssize_t got = recv(fd, (uint8_t *)into + done, len - done, 0);
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

/* Reads one answer; gives its code by the header's text. -1: the connection ended. */
static int read_answer(int fd) {
    static char answer[8U * MIB];
    uint8_t head[4];
    if (!read_all(fd, head, 4))
        return -1;
    size_t len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    ck_assert_uint_lt(len, sizeof answer);
    if (!read_all(fd, answer, len))
        return -1;
    answer[len] = '\0';
    const char *code = strstr(answer + 4, "\"code\":");
    ck_assert_ptr_nonnull(code);
    return (int)strtol(code + 7, NULL, 10);
}

static int ask(int fd, int code, const char *fields, const char *body) {
    size_t len = put_request(bytes, code, fields, body);
    if (send(fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
        return -1;
    return read_answer(fd);
}

/* ---- the others ----------------------------------------------------------------------------- */

#define ASKS 200

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* A good client of both: all of its requests are answered. Prints how long that takes. */
static void serve_others(const char *when) {
    static uint64_t took_ns[TARGETS * ASKS];
    const int codes[TARGETS] = {105, 30}; /* a route; the largest offset of a queue */
    const char *const fields[TARGETS] = {"\"topic\":\"none\"",
                                         "\"topic\":\"TBW102\",\"queueId\":\"0\""};
    size_t count = 0;
    for (int target = 0; target < TARGETS; target++) {
        int fd = dial(target);
        for (int i = 0; i < ASKS; i++) {
            uint64_t start_ns = real_clock_ns();
            ck_assert_int_ge(ask(fd, codes[target], fields[target], ""), 0);
            took_ns[count++] = real_clock_ns() - start_ns;
        }
        close(fd);
    }
    qsort(took_ns, count, sizeof took_ns[0], compare);
    printf("%-28s others: p50 %llu us, p99 %llu us; memory %zu MiB\n", when,
           (unsigned long long)took_ns[count / 2] / 1000,
           (unsigned long long)took_ns[count * 99 / 100] / 1000, memory_mib());
}

static void check_memory(size_t mib) {
    if (!INSTRUMENTED)
        ck_assert_uint_le(memory_mib(), mib);
}

/* The victim closes it. */
static void is_closed(int fd) {
    char byte[4096];
    ssize_t got = 1;
    while (got > 0) {
        got = recv(fd, byte, sizeof byte, 0);
    }
    ck_assert(got == 0 || errno == ECONNRESET);
    close(fd);
}

/* ---- cases: each against both --------------------------------------------------------------- */

START_TEST(test_garbage__ends_its_connection) {
    unsigned seed = 1;
    serve_others("before");
    for (int i = 0; i < 200; i++) {
        int fd = dial(_i);
        for (size_t j = 0; j < 65536; j++) {
            bytes[j] = (uint8_t)rand_r(&seed);
        }
        bytes[0] |= 0x80; /* never the length of a frame */
        RMQ_IGNORE(send(fd, bytes, 65536, MSG_NOSIGNAL) < 0, "it may be closed already");
        is_closed(fd);
    }
    serve_others("garbage");
    check_memory(32);
}
END_TEST

static const uint32_t LENGTHS[] = {0, 3, 16U * MIB + 1, 0x7fffffff, 0x80000000, 0xffffffff};

START_TEST(test_lengths__that_no_frame_has) {
    for (size_t i = 0; i < sizeof LENGTHS / sizeof LENGTHS[0]; i++) {
        uint32_t length = htonl(LENGTHS[i]);
        int fd = dial(_i);
        ck_assert_int_eq(send(fd, &length, 4, 0), 4);
        is_closed(fd);
    }
    const uint8_t headers[][8] = {
        {0, 0, 0, 8, 0, 0, 0, 5}, {0, 0, 0, 8, 0, 0xff, 0xff, 0xff}, {0, 0, 0, 8, 7, 0, 0, 4}};
    for (size_t i = 0; i < 3; i++) {
        int fd = dial(_i);
        ck_assert_int_eq(send(fd, headers[i], 8, 0), 8);
        ck_assert_int_eq(send(fd, "{}{}", 4, MSG_NOSIGNAL), 4);
        is_closed(fd);
    }
    serve_others("lengths");
    check_memory(32);
}
END_TEST

/* Fifteen of sixteen megabytes of a frame, by many: a few may keep that much, all may not. */
START_TEST(test_half_frames__share_a_bound) {
    enum { COUNT = 48 };
    int fds[COUNT];
    size_t closed = 0;
    bytes[0] = 0, bytes[1] = 0xff, bytes[2] = 0xff, bytes[3] = 0xf0; /* 16 MiB */
    for (int i = 0; i < COUNT; i++) {
        fds[i] = dial(_i);
        for (size_t sent = 0; sent < 15U * MIB;) {
            ssize_t done = send(fds[i], bytes + sent, 15U * MIB - sent, MSG_NOSIGNAL);
            if (done <= 0)
                break;
            sent += (size_t)done;
        }
    }
    serve_others("half frames");
    check_memory(256 + 64 + 32); /* what is kept, one that doubles, the rest */
    for (int i = 0; i < COUNT; i++) {
        struct pollfd look = {.fd = fds[i], .events = POLLIN};
        closed += poll(&look, 1, 0) == 1;
        close(fds[i]);
    }
    ck_assert_uint_ge(closed, COUNT / 2);
    ck_assert_uint_lt(closed, COUNT); /* not all */
}
END_TEST

/* Slow writers: a request byte by byte is a request. */
START_TEST(test_slow_writer__is_answered) {
    uint8_t frame[1024];
    size_t len = put_request(frame, 105, "\"topic\":\"none\"", "");
    int fd = dial(_i);
    for (size_t i = 0; i < len; i++) {
        ck_assert_int_eq(send(fd, frame + i, 1, 0), 1);
    }
    ck_assert_int_ge(read_answer(fd), 0);
    close(fd);
}
END_TEST

/* Many requests on each of many connections whose answers nobody reads. */
START_TEST(test_slow_readers__share_a_bound) {
    enum { COUNT = 40, PIPELINED = 10000 };
    int fds[COUNT];
    size_t len = 0;
    for (int i = 0; i < PIPELINED; i++) { /* all configuration: some kB an answer */
        len += put_request(bytes + len, _i == NAME_SERVER ? 319 : 26, "", "");
    }
    for (int i = 0; i < COUNT; i++) {
        fds[i] = dial(_i);
        ck_assert_int_eq(fcntl(fds[i], F_SETFL, O_NONBLOCK), 0);
    }
    static size_t sent[COUNT];
    uint64_t until_ns = real_clock_ns() + 5 * SECOND, left = 1;
    while (left > 0 && real_clock_ns() < until_ns) {
        left = 0;
        for (int i = 0; i < COUNT; i++) {
            ssize_t done = send(fds[i], bytes + sent[i], len - sent[i], MSG_NOSIGNAL);
            if (done > 0)
                sent[i] += (size_t)done;
            left += sent[i] < len && (done > 0 || errno == EAGAIN);
        }
    }
    serve_others("slow readers");
    check_memory(256 + 256 + 64); /* what the loop keeps, what remoting keeps, the rest */
    for (int i = 0; i < COUNT; i++) {
        close(fds[i]);
    }
}
END_TEST

START_TEST(test_idle__five_thousand_connections) {
    static int fds[5000];
    size_t count = 0;
    size_t before = memory_mib();
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    size_t most = limit.rlim_max / 2 < 5000 ? (size_t)limit.rlim_max / 2 : 5000;
    while (count < most) {
        fds[count++] = dial(_i);
    }
    serve_others("5,000 idle");
    printf("%zu idle connections take %zu MiB\n", count, memory_mib() - before);
    check_memory(before + 16);
    while (count > 0) {
        close(fds[--count]);
    }
    serve_others("5,000 closed");
}
END_TEST

/* JSON as deep as a frame is long, in the header and in a body that is parsed. */
START_TEST(test_json__depth_bombs) {
    static char deep[MIB];
    memset(deep, '[', sizeof deep - 1);
    size_t header_len = 900000;
    static char header[MIB];
    memset(header, '[', header_len);
    int fd = dial(_i);
    size_t len = put_frame(bytes, header, "", 0);
    ck_assert_int_eq(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
    is_closed(fd);
    fd = dial(_i);
    len = put_request(bytes, _i == NAME_SERVER ? 103 : 34,
                      "\"brokerName\":\"x\",\"brokerAddr\":\"127.0.0.1:1\",\"clusterName\":\"c\","
                      "\"haServerAddr\":\"127.0.0.1:2\",\"brokerId\":\"0\"",
                      deep);
    ck_assert_int_eq(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
    ck_assert_int_ne(read_answer(fd), 0);
    close(fd);
    serve_others("JSON bombs");
    check_memory(64);
}
END_TEST

static const char *const TOPICS[] = {"../../escaped", "..", "/tmp/rmq_escaped", "a/b", "a\\u0000b",
                                     "a\\\\b",        "."};

/* A topic is no path. */
START_TEST(test_topics__with_path_tricks) {
    char fields[1024], path[512];
    struct stat look;
    int fd = dial(BROKER);
    for (size_t i = 0; i < sizeof TOPICS / sizeof TOPICS[0]; i++) {
        snprintf(fields, sizeof fields,
                 "\"topic\":\"%s\",\"defaultTopic\":\"TBW102\",\"readQueueNums\":\"4\","
                 "\"writeQueueNums\":\"4\",\"perm\":\"6\",\"topicFilterType\":\"SINGLE_TAG\","
                 "\"topicSysFlag\":\"0\",\"order\":\"false\"",
                 TOPICS[i]);
        ck_assert_msg(ask(fd, 17, fields, "") != 0, "topic %s", TOPICS[i]);
        snprintf(fields, sizeof fields,
                 "\"producerGroup\":\"g\",\"topic\":\"%s\",\"defaultTopic\":\"TBW102\","
                 "\"defaultTopicQueueNums\":\"4\",\"queueId\":\"0\",\"sysFlag\":\"0\","
                 "\"bornTimestamp\":\"1\",\"flag\":\"0\",\"properties\":\"\","
                 "\"reconsumeTimes\":\"0\",\"unitMode\":\"false\",\"batch\":\"false\"",
                 TOPICS[i]);
        ck_assert_msg(ask(fd, 10, fields, "body") != 0, "send to %s", TOPICS[i]);
    }
    close(fd);
    ck_assert_int_ne(stat("/tmp/rmq_escaped", &look), 0);
    snprintf(path, sizeof path, "%s/escaped", root);
    ck_assert_int_ne(stat(path, &look), 0);
    snprintf(path, sizeof path, "%s/consumequeue/a", root);
    ck_assert_int_ne(stat(path, &look), 0);
    serve_others("path tricks");
}
END_TEST

/* The same 200 brokers, registered again and again: memory is that of one round, and goes with the
 * connections. */
START_TEST(test_registrations__a_storm) {
    enum { BROKERS = 200, ROUNDS = 20 };
    static int fds[BROKERS];
    static char body[32768], fields[512];
    size_t len = (size_t)snprintf(body, sizeof body,
                                  "{\"filterServerList\":[],\"topicConfigSerializeWrapper\":"
                                  "{\"dataVersion\":{\"counter\":1,\"timestamp\":1},"
                                  "\"topicConfigTable\":{");
    for (int i = 0; i < 100; i++) {
        len += (size_t)snprintf(body + len, sizeof body - len,
                                "%s\"t%d\":{\"order\":false,\"perm\":6,\"readQueueNums\":8,"
                                "\"topicFilterType\":\"SINGLE_TAG\",\"topicName\":\"t%d\","
                                "\"topicSysFlag\":0,\"writeQueueNums\":8}",
                                i == 0 ? "" : ",", i, i);
    }
    snprintf(body + len, sizeof body - len, "}}}");
    size_t first = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < BROKERS; i++) {
            if (round == 0)
                fds[i] = dial(NAME_SERVER);
            snprintf(fields, sizeof fields,
                     "\"brokerName\":\"s%d\",\"brokerAddr\":\"127.0.0.1:%d\",\"clusterName\":\"c\","
                     "\"haServerAddr\":\"127.0.0.1:2\",\"brokerId\":\"0\",\"compressed\":\"false\","
                     "\"bodyCrc32\":\"0\"",
                     i, 20000 + i);
            ck_assert_int_eq(ask(fds[i], 103, fields, body), 0);
        }
        if (round == 0)
            first = memory_mib();
    }
    serve_others("registration storm");
    printf("registrations: %zu MiB after a round, %zu after %d\n", first, memory_mib(), ROUNDS);
    check_memory(first + 8);
    ck_assert_int_eq(ask(fds[0], 105, "\"topic\":\"t7\"", ""), 0);
    for (int i = 0; i < BROKERS; i++) {
        close(fds[i]);
    }
    int fd = dial(NAME_SERVER), code = 0;
    while (code == 0) { /* until all have gone: TOPIC_NOT_EXIST */
        code = ask(fd, 105, "\"topic\":\"t7\"", "");
    }
    ck_assert_int_eq(code, 17);
    close(fd);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("hostile");
    TCase *topic = tcase_create("hostile");
    tcase_add_checked_fixture(topic, setup, teardown);
    tcase_set_timeout(topic, 600);
    tcase_add_loop_test(topic, test_garbage__ends_its_connection, 0, TARGETS);
    tcase_add_loop_test(topic, test_lengths__that_no_frame_has, 0, TARGETS);
    tcase_add_loop_test(topic, test_half_frames__share_a_bound, 0, TARGETS);
    tcase_add_loop_test(topic, test_slow_writer__is_answered, 0, TARGETS);
    tcase_add_loop_test(topic, test_slow_readers__share_a_bound, 0, TARGETS);
    tcase_add_loop_test(topic, test_idle__five_thousand_connections, 0, TARGETS);
    tcase_add_loop_test(topic, test_json__depth_bombs, 0, TARGETS);
    tcase_add_test(topic, test_topics__with_path_tricks);
    tcase_add_test(topic, test_registrations__a_storm);
    suite_add_tcase(suite, topic);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
