/* Tests of mqnamesrv, mqbroker and mqshutdown as an operator meets them: command lines typed,
 * outputs and exit codes looked at, processes stopped, killed and started again. */
#include "real/tests/programs.h"

#include "model/tests/suite.h"

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
    {"brokerRole=MASTER",
     "broker.conf:3: brokerRole=MASTER: expected one of ASYNC_MASTER|SYNC_MASTER|SLAVE"},
    {"aclEnable=true", "broker.conf:3: aclEnable=true: expected rocketmqHome"},
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
    {"fetchNamesrvAddrByAddressServer=true",
     "broker.conf:3: fetchNamesrvAddrByAddressServer=true: asking an address server is not built "
     "yet: expected namesrvAddr"},
    {"diskMaxUsedSpaceRatio=9.5", "diskMaxUsedSpaceRatio=9.5: expected an integer from 10 to 95"},
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

/* What Apache clamps is taken, with a word. */
START_TEST(test_file__clamped_value_is_a_warning) {
    static struct program program;
    (void)broker_file("diskMaxUsedSpaceRatio=98\nregisterNameServerPeriod=1000\n");
    start_broker(&program, "");
    ck_assert_has(&program, "broker.conf:5: warning: diskMaxUsedSpaceRatio=98: counts as 95\n");
    ck_assert_has(&program,
                  "broker.conf:6: warning: registerNameServerPeriod=1000: counts as 10000\n");
    ck_assert_int_eq(stop(&program, SIGTERM), 0);
}
END_TEST

/* The limit reaches the node: what is too small does not start, and says why. */
START_TEST(test_file__memory_limit) {
    static struct program program;
    (void)broker_file("memoryLimitBytes=1000\n");
    start(&program, BIN, "mqbroker -c broker.conf");
    ck_assert_int_eq(finish(&program), 255);
    ck_assert_has(&program, "does not start: out of memory");
    write_file("ns.conf", "listenPort=%d\nmemoryLimitBytes=1000\n", free_port());
    start(&program, BIN, "mqnamesrv -c ns.conf");
    ck_assert_int_eq(finish(&program), 255);
    ck_assert_has(&program, "does not start: out of memory");
    (void)broker_file("memoryLimitBytes=67108864\n");
    start_broker(&program, "");
    ck_assert_int_eq(stop(&program, SIGTERM), 0);
}
END_TEST

/* Whichever port is taken is the one that is named. */
START_TEST(test_start__port_in_use_is_named) {
    static struct program first, second;
    char says[200];
    int port = broker_file("");
    start_broker(&first, "");
    for (int fast = 0; fast < 2; fast++) {
        write_file("second.conf",
                   "listenPort=%d\nbrokerIP1=127.0.0.1\nstorePathRootDir=%s/second\n",
                   fast ? port + 2 : port, home);
        start(&second, BIN, "mqbroker -c second.conf");
        int code = finish(&second);
        (void)snprintf(says, sizeof says, "port %d (%s): in use", port,
                       fast ? "the fast port, listenPort - 2" : "listenPort");
        ck_assert_has(&second, says);
        ck_assert_int_eq(code, 253);
    }
    write_file("ns.conf", "listenPort=%d\n", port);
    start(&second, BIN, "mqnamesrv -c ns.conf");
    ck_assert_int_eq(finish(&second), 253);
    (void)snprintf(says, sizeof says, "listenPort=%d: in use", port);
    ck_assert_has(&second, says);
    ck_assert_int_eq(stop(&first, SIGTERM), 0);
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

/* What request 318 changed is in the file of -c; what is not built is refused, and is not. */
START_TEST(test_namesrv__keeps_what_was_changed) {
    static struct program servers, tool;
    int port = free_port();
    write_file("ns.conf", "listenPort=%d\n", port);
    start(&servers, BIN, "mqnamesrv -c ns.conf");
    ck_assert_msg(await(&servers, "boot success"), "%s", servers.text);
    start(&tool, BIN, "mqadmin updateNamesrvConfig -n 127.0.0.1:%d -k orderMessageEnable -v true",
          port);
    ck_assert_msg(finish(&tool) == 0, "%s", tool.text);
    start(&tool, BIN, "mqadmin updateNamesrvConfig -n 127.0.0.1:%d -k clusterTest -v true", port);
    ck_assert_int_ne(finish(&tool), 0);
    ck_assert_has(&tool, "clusterTest=true: not built yet: expected one of false");
    ck_assert_int_eq(stop(&servers, SIGTERM), 0);
    start(&servers, BIN, "mqnamesrv -p -c ns.conf");
    ck_assert_int_eq(finish(&servers), 0);
    ck_assert_has(&servers, "\norderMessageEnable=true\n");
    ck_assert_has(&servers, "clusterTest=false\n"); /* the first line */
    start(&servers, BIN, "mqnamesrv -c ns.conf");
    ck_assert_msg(await(&servers, "boot success"), "%s", servers.text);
    ck_assert_int_eq(stop(&servers, SIGTERM), 0);
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
    tcase_add_test(life, test_file__clamped_value_is_a_warning);
    tcase_add_test(life, test_file__memory_limit);
    tcase_add_test(life, test_start__port_in_use_is_named);
    tcase_add_test(life, test_broker__boots_stops_and_tells);
    tcase_add_test(life, test_namesrv__keeps_what_was_changed);
    tcase_add_test(life, test_broker__second_on_one_store_is_refused);
    tcase_add_test(life, test_broker__starts_after_kill);
    tcase_add_test(life, test_log__full_disk_does_not_hurt);
    tcase_add_test(life, test_log__hangup_opens_it_again);
    tcase_add_test(life, test_log__to_stderr);
    tcase_add_test(life, test_shutdown__stops_its_own);
    suite_add_tcase(suite, lines);
    suite_add_tcase(suite, life);
    return suite_run(suite);
}
