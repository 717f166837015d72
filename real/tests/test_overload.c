/* Test of what stands for thread pools: a real broker whose disk does not sync under load, seen in
 * clusterList, in 28 (brokerStatus) and in /metrics. pageCacheLockTimeMills is the age of a write;
 * those of the real door end in their own turn, so it is 0 whenever somebody can ask; where a disk
 * keeps writes waiting (the simulator's, the fake's) test_broker_stats.c has it. */
#include "real/tests/programs.h"

#include <time.h>

#include "model/tests/suite.h"

static char page[1 << 20];
static int metrics_port;

/* The sample without labels, or with any; -1: it is not there. */
static int64_t metric(const char *name) {
    char line[128];
    ask(metrics_port, "GET /metrics HTTP/1.0\r\n\r\n", page, sizeof page);
    (void)snprintf(line, sizeof line, "\nrocketmq_brokeruntime_%s", name);
    for (const char *at = strstr(page, line); at != NULL; at = strstr(at + 1, line)) {
        const char *behind = at + strlen(line), *labels = strchr(behind, '}');
        if (*behind == '{' && labels != NULL)
            return strtoll(labels + 1, NULL, 10);
        if (*behind == ' ')
            return strtoll(behind, NULL, 10);
    }
    return -1;
}

/* The number behind the first `key`, quotes, blanks and colons in an output. */
static int64_t number_behind(const struct program *program, const char *key) {
    const char *at = strstr(program->text, key);
    ck_assert_msg(at != NULL, "%s is not in: %s", key, program->text);
    at += strlen(key);
    return strtoll(at + strspn(at, "\" :\t"), NULL, 10);
}

static void pause_10_ms(void) {
    (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

START_TEST(test_overload__shows_everywhere) {
    static struct program servers, broker, load, tool;
    char stall[300], options[200];
    int ns = free_port();
    metrics_port = free_port();
    (void)snprintf(stall, sizeof stall, "%s/stalled", home);
    write_file("ns.conf", "listenPort=%d\n", ns);
    start(&servers, BIN, "mqnamesrv -c ns.conf");
    ck_assert(await(&servers, "boot success"));
    int port = broker_file("waitTimeMillsInSendQueue=100000\nflushDiskType=SYNC_FLUSH\n"
                           "syncFlushTimeout=100000\nsendThreadPoolQueueCapacity=7\n");
    ck_assert_int_eq(setenv("STALLED_DISK", stall, 1), 0);
    ck_assert_int_eq(setenv("LD_PRELOAD", RMQ_BINARY_DIR "/bin/libstalled_disk.so", 1), 0);
    ck_assert_int_eq(setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1), 0);
    (void)snprintf(options, sizeof options, "-n 127.0.0.1:%d --metrics-port %d", ns, metrics_port);
    start_broker(&broker, options);
    ck_assert_int_eq(unsetenv("LD_PRELOAD"), 0);
    start(&tool, BIN, "mqadmin updateTopic -n 127.0.0.1:%d -c DefaultCluster -t Orders", ns);
    ck_assert_msg(finish(&tool) == 0, "%s", tool.text);
    ck_assert_int_eq(metric("send_threadpool_queue_size"), 0);
    ck_assert_int_eq(metric("pagecache_lock_time_mills"), 0);

    /* Of eight sends seven are in the store, which takes no more, and one waits. */
    write_file("stalled", "%s", "");
    start(&load, BIN,
          "mqload produce -n 127.0.0.1:%d -t Orders -N 4000 -c 4 -i 2 -s 60 -q "
          "--set sendMsgTimeout=60000",
          ns);
    while (metric("send_threadpoolqueue_headwait_timemills") < 50)
        pause_10_ms();
    int64_t waiting = metric("send_threadpool_queue_size");
    int64_t head_ms = metric("send_threadpoolqueue_headwait_timemills");
    ck_assert_int_eq(waiting, 1);
    ck_assert_int_ge(metric("pagecache_lock_time_mills"), 0);
    start(&tool, BIN, "mqadmin brokerStatus -b 127.0.0.1:%d", port);
    ck_assert_msg(finish(&tool) == 0, "%s", tool.text);
    ck_assert_int_eq(number_behind(&tool, "sendThreadPoolQueueSize"), waiting);
    ck_assert_int_ge(number_behind(&tool, "sendThreadPoolQueueHeadWaitTimeMills"), head_ms);
    ck_assert_int_ge(number_behind(&tool, "pageCacheLockTimeMills"), 0);
    start(&tool, BIN, "mqadmin clusterList --json -n 127.0.0.1:%d", ns);
    ck_assert_msg(finish(&tool) == 0, "%s", tool.text);
    ck_assert_int_eq(number_behind(&tool, "sendQueueSize"), waiting);
    ck_assert_int_ge(number_behind(&tool, "sendQueueHeadWaitMillis"), head_ms);
    ck_assert_int_ge(number_behind(&tool, "pageCacheLockTimeMillis"), 0);

    ck_assert_int_eq(unlink(stall), 0); /* it goes on; nothing was lost */
    ck_assert_msg(finish(&load) == 0, "%s", load.text);
    ck_assert_has(&load, "sent 4000 ");
    ck_assert_has(&load, "failed 0");
    ck_assert_int_eq(metric("send_threadpool_queue_size"), 0);
    ck_assert_int_eq(metric("pagecache_lock_time_mills"), 0);
    ck_assert_int_eq(stop(&broker, SIGTERM), 0);
    ck_assert_int_eq(stop(&servers, SIGTERM), 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("overload");
    TCase *tests = suite_case(suite, "overload");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_overload__shows_everywhere);
    return suite_run(suite);
}
