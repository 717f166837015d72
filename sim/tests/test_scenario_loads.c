/* test_scenario_loads.c - "loads" of clients: what a node gets of them, and what is refused. */
#include "sim/run/build_loads.h"
#include "sim/tests/scenario_text.h"

#define BEFORE                                                                                    \
    "{\"name\": \"t\", \"about\": \"t\", \"duration\": \"10s\", \"cluster\": {\"name_servers\": " \
    "[{\"name\": \"ns\"}], \"clients\": [{\"name\": \"app\", \"count\": 2, \"loads\": ["
#define AFTER "]}]}, \"expect\": []}"
#define PRODUCE "{\"do\": \"produce\", \"topic\": \"T\", \"producerGroup\": \"P\""
#define CONSUME "{\"do\": \"consume\", \"consumerGroup\": \"C\", \"subscription\": \"T\""

static char lines[4][512];
static size_t line_count;

static void keep(void *ctx, const char *key, const char *value) {
    (void)ctx;
    snprintf(lines[line_count++], sizeof lines[0], "%s %s", key, value);
}

START_TEST(test_build_loads__makes_one_line_of_each) {
    struct scenario *scenario = load_text(
        BEFORE PRODUCE ", \"arrivals\": \"poisson\", \"rate\": \"2.5/s\", \"bytes\": \"2KiB\", "
                       "\"for\": \"1m\", \"properties\": {\"sendMsgTimeout\": 1000}}, " CONSUME
                       ", \"name\": \"in\", \"fail\": \"1%\", \"service\": {\"uniform\": [\"1ms\", "
                       "\"2ms\"]}}" AFTER,
        NULL, 0);
    line_count = 0;
    build_loads(scenario, 2, keep, NULL); /* the second client */
    ck_assert_uint_eq(line_count, 2);
    ck_assert_str_eq(lines[0],
                     "load.1 do=produce,run=1,producer=129,topic=T,producerGroup=P,"
                     "arrivals=poisson,rate=2500,bytes=2048,for=60000000000,sendMsgTimeout=1000");
    ck_assert_str_eq(lines[1], "load.2 do=consume,run=1,name=in,consumerGroup=C,subscription=T,"
                               "fail=10000,service=uniform:1000000:2000000");
    scenario_free(scenario);
}
END_TEST

static const struct {
    const char *load, *error;
} WRONG[] = {
    {"{\"do\": \"prduce\"}",
     "t.json:1:151: unknown load \"prduce\"; expected produce or consume; did you mean "
     "\"produce\"?"},
    {"{}", "t.json:1:144: \"do\" of a load is missing; expected \"produce\" or \"consume\""},
    {PRODUCE ", \"rate\": \"5/s\"}",
     "t.json:1:144: \"rate\" and \"arrivals\" do not fit; expected a rate with \"constant\" or "
     "\"poisson\" arrivals, and none with \"closed\" ones"},
    {PRODUCE ", \"rate\": \"5\"}",
     "t.json:1:206: \"rate\" is \"5\" without a unit; expected a frequency such as \"100/s\" or "
     "\"0.5/s\" (units /s, /ks: per 1,000 s)"},
    {PRODUCE ", \"tags\": \"a,b\"}",
     "t.json:1:206: \"tags\" holds a comma; expected a text without"},
    {PRODUCE ", \"by_key\": true}",
     "t.json:1:208: \"by_key\" without keys; expected \"keys\", how many distinct ones"},
    {PRODUCE ", \"burst_of\": 5}",
     "t.json:1:144: expected \"burst_of\" and \"burst_every\" together"},
    {CONSUME ", \"service\": {\"pareto\": {\"scale\": \"1ms\", \"alpha_milli\": 1500}}}",
     "t.json:1:216: \"service\" cannot have this form; expected a duration, \"uniform\" or "
     "\"exponential\" of constants"},
};

START_TEST(test_loads__say_what_is_wrong) {
    char text[1024];
    snprintf(text, sizeof text, "%s%s%s", BEFORE, WRONG[_i].load, AFTER);
    struct scenario_errors errors = {.count = 0};
    ck_assert_ptr_null(scenario_load("t.json", text, strlen(text), NULL, 0, 0, &errors));
    ck_assert_str_eq(errors.text[0], WRONG[_i].error);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("scenario_loads");
    TCase *tests = tcase_create("loads");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, test_build_loads__makes_one_line_of_each);
    tcase_add_loop_test(tests, test_loads__say_what_is_wrong, 0, sizeof WRONG / sizeof WRONG[0]);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
