/* mqadmin's command lines: options as Apache's takes them, help, and what is refused. */
#include "real/tests/mqadmin_fixture.h"

static void expect(const char *line, int status, const char *out_part, const char *err_part) {
    struct run run = run_line(line, NULL);
    ck_assert_msg(run.status == status, "%s: status %d: %s", line, run.status, run.err);
    ck_assert_msg(strstr(run.out, out_part) != NULL, "%s: out: %s", line, run.out);
    ck_assert_msg(strstr(run.err, err_part) != NULL, "%s: err: %s", line, run.err);
    if (*err_part == '\0')
        ck_assert_str_eq(run.err, "");
    run_free(&run);
}

START_TEST(test_no_command__lists_all) {
    expect("", 0,
           "The most commonly used mqadmin commands are:\n   updateTopic          Update or "
           "create topic\n",
           "");
    expect("help", 0, "\nSee 'mqadmin help <command>' for more information on a specific command.",
           "");
    expect("--help", 0, "   clusterList          List all of clusters\n", "");
}
END_TEST

START_TEST(test_help__of_one_command) {
    static const char USAGE[] =
        "usage: mqadmin updateTopic -b <arg> | -c <arg> -t <arg> [-r <arg>] [-w <arg>] [-p <arg>] "
        "[-o <arg>] [-u <arg>] [-s <arg>] [-h] [-n <arg>] [--json]\nUpdate or create topic\n"
        " -b,--brokerAddr <arg>                create topic to which broker\n";
    expect("help updateTopic", 0, USAGE, "");
    expect("help UPDATETOPIC", 0, USAGE, "");
    expect("updateTopic -h", 0, USAGE, "");
    expect("updateTopic --help", 0,
           " -r,--readQueueNums <arg>             set read queue nums "
           "(default: 8)\n",
           "");
    expect("getNamesrvConfig -h", 0, "usage: mqadmin getNamesrvConfig [-h] [-n <arg>] [--json]\n",
           "");
}
END_TEST

static void help_of(void *ctx, const struct command *command) {
    char line[128];
    snprintf(line, sizeof(line), "%s -h", command->name);
    expect(line, 0, "usage: mqadmin ", "");
    (*(int *)ctx)++;
}
START_TEST(test_help__of_each_command) {
    int count = 0;
    command_each(help_of, &count);
    ck_assert_int_eq(count, 50);
}
END_TEST

START_TEST(test_unknown_command__names_the_nearest) {
    expect("topicRout", 1, "", "The sub command topicRout not exist.\nThe nearest is topicRoute.");
    expect("help clusterlst", 1, "", "The nearest is clusterList.");
    struct run run = run_line("xyz", NULL);
    ck_assert_str_eq(run.err, "The sub command xyz not exist.\n");
    run_free(&run);
}
END_TEST

static const struct {
    const char *line, *err;
} REFUSED[] = {
    {"topicRoute -q x", "unrecognized option: -q"},
    {"topicRoute --topi x", "unrecognized option: --topi (--topic?)"},
    {"topicRoute", "missing required option: -t/--topic"},
    {"topicRoute -t", "--topic needs a value"},
    {"topicRoute -t T extra", "'extra' belongs to no option"},
    {"topicRoute -t T --list=yes", "--list takes no value"},
    {"updateTopic -t T", "one of these is required: -b/--brokerAddr, -c/--clusterName"},
    {"updateTopic -t T -b x:1 -c C",
     "only one of these may be given: -b/--brokerAddr, -c/--clusterName"},
    {"cleanExpiredCQ -b x:1 -c C", "only one of these may be given: -b/--brokerAddr, -c/--cluster"},
    {"updateTopic -t T -c C -r eight", "--readQueueNums: 'eight' is not a number from 0 up"},
    {"updateTopic -t T -c C -r -1", "--readQueueNums: '-1' is not a number from 0 up"},
    {"updateTopic -t T -c C -o yes", "--order: 'yes' is not true or false"},
    {"resetOffsetByTime -g G -t T -s soon",
     "--timestamp: 'soon' is not now, milliseconds since 1970, or yyyy-MM-dd#HH:mm:ss:SSS"},
    {"resetOffsetByTime -g G -t T -s 2023-11-14#22:13", "is not now, milliseconds"},
};

START_TEST(test_refused__says_why) {
    struct run run = run_line(REFUSED[_i].line, NULL);
    char json[256];
    ck_assert_int_eq(run.status, ADMIN_USAGE);
    ck_assert_str_eq(run.out, "");
    ck_assert_msg(strstr(run.err, REFUSED[_i].err) != NULL, "%s", run.err);
    ck_assert_ptr_nonnull(strstr(run.err, "See 'mqadmin help "));
    run_free(&run);
    size_t name_len = strcspn(REFUSED[_i].line, " ");
    snprintf(json, sizeof(json), "%.*s --json%s", (int)name_len, REFUSED[_i].line,
             REFUSED[_i].line + name_len);
    run = run_line(json, NULL);
    ck_assert_int_eq(run.status, ADMIN_USAGE);
    ck_assert_ptr_nonnull(strstr(run.out, "\"ok\":false,\"failures\":[{\"text\":\""));
    ck_assert_int_eq(run.out[strlen(run.out) - 1], '\n');
    run_free(&run);
}
END_TEST

static const char *const FORMS[] = {
    "-t T -l -n 127.0.0.1:1",          "-tT -l -n127.0.0.1:1",
    "-lt T --namesrvAddr 127.0.0.1:1", "-ltT -n 127.0.0.1:1",
    "--topic T --list -n 127.0.0.1:1", "--topic=T --list -n=127.0.0.1:1",
    "-topic T -list -n 127.0.0.1:1",
};
START_TEST(test_forms__are_all_understood) {
    struct options options;
    struct arena arena = {0};
    const struct option specs[] = {{'t', "topic", OPTION_TEXT, REQUIRED, NULL, ""},
                                   {'l', "list", OPTION_FLAG, OPTIONAL, NULL, ""},
                                   {'r', "rest", OPTION_NUMBER, OPTIONAL, "7", ""}};
    char words[128], *argv[8], *save = NULL;
    int argc = 0;
    snprintf(words, sizeof(words), "%s", FORMS[_i]);
    for (char *word = strtok_r(words, " ", &save); word != NULL;
         word = strtok_r(NULL, " ", &save)) {
        argv[argc++] = word;
    }
    ck_assert_ptr_null(options_parse(&options, &arena, specs, 3, argc, argv));
    ck_assert_str_eq(options_text(&options, "topic"), "T");
    ck_assert(options_bool(&options, "list"));
    ck_assert(!options_given(&options, "rest"));
    ck_assert_int_eq(options_number(&options, "rest"), 7);
    ck_assert_ptr_nonnull(strstr(options.name_servers, "127.0.0.1:1"));
    arena_free(&arena);
}
END_TEST

START_TEST(test_time__as_apache_writes_it) {
    static const struct {
        const char *text;
        int64_t time_ms;
    } TIMES[] = {{"now", -1},
                 {"1700000000123", 1700000000123},
                 {"2023-11-14#22:13:20:123", 1700000000123},
                 {"2023-11-14#22:13:20", 1700000000000}};
    const struct option spec = {'s', "timestamp", OPTION_TIME, REQUIRED, NULL, ""};
    for (size_t i = 0; i < 4; i++) {
        struct options options;
        struct arena arena = {0};
        char text[64], *argv[] = {"-s", text};
        snprintf(text, sizeof(text), "%s", TIMES[i].text);
        ck_assert_ptr_null(options_parse(&options, &arena, &spec, 1, 2, argv));
        ck_assert_int_eq(options_time(&options, "timestamp"), TIMES[i].time_ms);
        arena_free(&arena);
    }
}
END_TEST

START_TEST(test_no_name_server__says_how_to_name_one) {
    expect("topicList", 2, "", "no name server is known: give -n host:port, or set NAMESRV_ADDR");
    expect("wipeWritePerm -b b", 2, "", "no name server is known");
    expect("clusterList --json", 2, "\"ok\":false,\"failures\":[{\"text\":\"no name server",
           "no name server");
}
END_TEST

START_TEST(test_dead_name_server__the_next_is_asked) {
    char servers[64];
    script_add((struct answer){.request = 206, .body = "{\"topicList\":[\"T\"]}"});
    snprintf(servers, sizeof(servers), "127.0.0.1:1;%s", server.address);
    struct run run = run_line("topicList", servers);
    ck_assert_str_eq(run.out, "T\n");
    ck_assert_int_eq(run.status, 0);
    run_free(&run);
    expect("topicList -n 127.0.0.1:1", 2, "",
           "mqadmin topicList: 127.0.0.1:1: GET_ALL_TOPIC_LIST_FROM_NAMESERVER (206) failed: "
           "connection refused");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("mqadmin_options");
    TCase *topic = tcase_create("options");
    tcase_add_checked_fixture(topic, script_setup, script_teardown);
    tcase_set_timeout(topic, 120);
    tcase_add_test(topic, test_no_command__lists_all);
    tcase_add_test(topic, test_help__of_one_command);
    tcase_add_test(topic, test_help__of_each_command);
    tcase_add_test(topic, test_unknown_command__names_the_nearest);
    tcase_add_loop_test(topic, test_refused__says_why, 0, sizeof(REFUSED) / sizeof(REFUSED[0]));
    tcase_add_loop_test(topic, test_forms__are_all_understood, 0, sizeof(FORMS) / sizeof(FORMS[0]));
    tcase_add_test(topic, test_time__as_apache_writes_it);
    tcase_add_test(topic, test_no_name_server__says_how_to_name_one);
    tcase_add_test(topic, test_dead_name_server__the_next_is_asked);
    suite_add_tcase(suite, topic);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
