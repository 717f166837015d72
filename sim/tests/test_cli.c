/* test_cli.c - the program as scripts use it: flags, exit codes, what goes to stdout, Ctrl-C. */
#define _GNU_SOURCE /* mkdtemp */
#include <check.h>
#include <cjson/cJSON.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARGUMENTS_MAX 16
#define OUTPUT_MAX (8 << 20)

static char *out, *err; /* of the last call */
static char folder[64];

static void setup(void) {
    out = calloc(1, OUTPUT_MAX);
    err = calloc(1, OUTPUT_MAX);
    strcpy(folder, "/tmp/windtunnel-cli-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(RMQ_SOURCE_DIR), 0);
}
static void teardown(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
    free(out);
    free(err);
}

static void read_to(int fd, char *to, size_t *len) {
    ssize_t got = read(fd, to + *len, OUTPUT_MAX - 1 - *len);
    if (got > 0)
        *len += (size_t)got;
    to[*len] = 0;
}

/* Runs "mqsim ARGUMENTS..." (split at blanks; "@" is the test's folder). With interrupt_ms, sends
 * a signal after so long. Gives the exit code, or -signal. */
static int call_and_signal(const char *arguments, int interrupt_ms, int signal_number) {
    char text[1024], *argv[ARGUMENTS_MAX] = {"mqsim"};
    int argc = 1, outs[2], errs[2];
    size_t out_len = 0, err_len = 0;
    snprintf(text, sizeof text, "%s", arguments);
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = strcmp(word, "@") == 0 ? folder : word;
    ck_assert_int_eq(pipe(outs), 0);
    ck_assert_int_eq(pipe(errs), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(outs[1], 1);
        dup2(errs[1], 2);
        close(outs[0]);
        close(errs[0]);
        execv(RMQ_BINARY_DIR "/bin/mqsim", argv);
        _exit(99);
    }
    close(outs[1]);
    close(errs[1]);
    if (interrupt_ms > 0) {
        struct timespec pause = {interrupt_ms / 1000, interrupt_ms % 1000 * 1000000L};
        nanosleep(&pause, NULL);
        kill(pid, signal_number);
    }
    struct pollfd polls[2] = {{.fd = outs[0], .events = POLLIN}, {.fd = errs[0], .events = POLLIN}};
    for (int open = 2; open > 0;) {
        ck_assert_int_gt(poll(polls, 2, 60000), 0);
        for (int i = 0; i < 2; i++) {
            size_t *len = i == 0 ? &out_len : &err_len, before = *len;
            if (polls[i].fd < 0 || polls[i].revents == 0)
                continue;
            read_to(polls[i].fd, i == 0 ? out : err, len);
            if (*len == before) {
                polls[i].fd = -1;
                open--;
            }
        }
    }
    close(outs[0]);
    close(errs[0]);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int call(const char *arguments, int interrupt_ms) {
    return call_and_signal(arguments, interrupt_ms, SIGINT);
}

/* stdout must be one JSON document and nothing else. */
static cJSON *json(void) {
    const char *end = NULL;
    cJSON *document = cJSON_ParseWithOpts(out, &end, 0);
    ck_assert_msg(document != NULL, "not JSON: %.200s", out);
    ck_assert_msg(end[strspn(end, " \n\t")] == 0, "after the JSON: %.200s", end);
    return document;
}
static const char *text_of(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    ck_assert_msg(cJSON_IsString(item), "no %s", key);
    return item->valuestring;
}
static int number_of(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    ck_assert_msg(cJSON_IsNumber(item), "no %s", key);
    return item->valueint;
}

/* ---- flags and exit codes ---- */

static const struct {
    const char *arguments;
    int code;
    const char *in_out, *in_err; /* text that must be there */
} CALLS[] = {
    {"", 1, "", "Usage: mqsim COMMAND"},
    {"--help", 0, "Exit codes", ""},
    {"run --help", 0, "--seeds A..B", ""},
    {"list --help", 0, "oracles", ""},
    {"schema --help", 0, "draft-07", ""},
    {"bench --help", 0, "", ""},
    {"check --help", 0, "", ""},
    {"trace --help", 0, "", ""},
    {"diff --help", 0, "", ""},
    {"rnu", 1, "", "did you mean \"run\"?"},
    {"run", 1, "", "no scenario; expected FILE..."},
    {"run --sed 5 x.json", 1, "", "did you mean \"--seed\"?"},
    {"run --seed", 1, "", "--seed needs a value, N"},
    {"run --seed x scenarios/killed-broker.json", 1, "", "expected a whole number"},
    {"run --seed 1 --seeds 1..2 x.json", 1, "", "exclude each other"},
    {"run --seeds 2..1 x.json", 1, "", "expected a range such as 1..1000"},
    {"run --jobs 0 x.json", 1, "", "expected 1 to 256"},
    {"run --json=1 x.json", 1, "", "--json takes no value"},
    {"run --keep x.json", 1, "", "--keep needs --out DIR"},
    {"run --rewind 5 x.json", 1, "", "--rewind is \"5\""},
    {"run --log loud x.json", 1, "", "expected error, warn, info or debug"},
    {"run no-such-file.json", 1, "", "no-such-file.json: cannot be read"},
    {"run scenarios/killed-broker.json --set durtion=5s", 1, "", "--set:1:1: unknown parameter"},
    {"run scenarios/killed-broker.json", 0, "killed-broker, seed 1: pass", ""},
    {"run scenarios/killed-broker.json --seed=7", 0, "seed 7: pass", ""},
    {"run scenarios/killed-broker.json --rewind 100s", 0, "pass", ""},
    {"run scenarios/early-topic.json --set quirk=true", 12, "convergence", ""},
    {"run scenarios/two-masters.json --set quirk=true", 11, "no-flapping", ""},
    {"run scenarios/killed-broker.json --set duration=99s --set timeline=[]", 15, "unknown", ""},
    {"run scenarios/killed-broker.json scenarios/two-masters.json --set plots=[]", 0, "2 runs", ""},
    {"list", 0, "== faults", ""},
    {"list events", 0, "route.broker_evicted", ""},
    {"list quirk", 1, "", "did you mean \"quirks\"?"},
    {"bench engin", 1, "", "did you mean \"engine\"?"},
    {"bench --rnus 2", 1, "", "did you mean \"--runs\"?"},
    {"bench --runs 0", 1, "", "--runs takes 1 to 100"},
    {"bench engine --runs", 1, "", "needs a value"},
    {"schema", 0, "json-schema.org/draft-07", ""},
};
#define CALL_COUNT ((int)(sizeof CALLS / sizeof CALLS[0]))

START_TEST(test_mqsim__has_its_exit_codes_and_messages) {
    int code = call(CALLS[_i].arguments, 0);
    ck_assert_msg(code == CALLS[_i].code, "mqsim %s: exit %d\n%s%s", CALLS[_i].arguments, code, out,
                  err);
    ck_assert_msg(strstr(out, CALLS[_i].in_out) != NULL, "mqsim %s: %s", CALLS[_i].arguments, out);
    ck_assert_msg(strstr(err, CALLS[_i].in_err) != NULL, "mqsim %s: %s", CALLS[_i].arguments, err);
    if (code == 1)
        ck_assert(CALLS[_i].in_out[0] != 0 || out[0] == 0);
}
END_TEST

/* ---- results ---- */

START_TEST(test_run_json__is_the_summary_and_nothing_else) {
    ck_assert_int_eq(call("run scenarios/killed-broker.json --json --seed 3 --no-pictures", 0), 0);
    ck_assert_str_eq(err, "");
    cJSON *summary = json();
    ck_assert_str_eq(text_of(summary, "scenario"), "killed-broker");
    ck_assert_str_eq(text_of(summary, "seed"), "3");
    ck_assert_str_eq(text_of(summary, "verdict"), "pass");
    ck_assert_uint_eq(strlen(text_of(summary, "trace_hash")), 32);
    ck_assert_str_eq(text_of(summary, "replay"), "mqsim run scenarios/killed-broker.json --seed 3");
    cJSON_Delete(summary);
}
END_TEST

static char *read_file(const char *name) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    char *text = calloc(1, OUTPUT_MAX);
    ck_assert_uint_gt(fread(text, 1, OUTPUT_MAX - 1, file), 0);
    fclose(file);
    return text;
}

START_TEST(test_run_out__writes_a_directory_that_replays) {
    ck_assert_int_eq(
        call("run scenarios/silent-broker.json --json --seed 5 --no-pictures --out @", 0), 0);
    cJSON *summary = json();
    char *written = read_file("summary.json");
    ck_assert_str_eq(out, written);
    char hash[33], arguments[256];
    strcpy(hash, text_of(summary, "trace_hash"));
    cJSON_Delete(summary);
    free(written);
    snprintf(arguments, sizeof arguments, "run %s/scenario.json --json", folder);
    ck_assert_int_eq(call(arguments, 0), 0);
    summary = json();
    ck_assert_str_eq(text_of(summary, "trace_hash"), hash);
    ck_assert_str_eq(text_of(summary, "seed"), "5");
    cJSON_Delete(summary);
}
END_TEST

START_TEST(test_run_seeds__gives_the_same_rows_for_any_jobs) {
    char *rows[2];
    for (int jobs = 1; jobs <= 2; jobs++) {
        char arguments[256];
        snprintf(arguments, sizeof arguments,
                 "run scenarios/eviction-study.json --seeds 1..40 --jobs %d --json --no-pictures "
                 "--out @",
                 jobs);
        ck_assert_int_eq(call(arguments, 0), 0);
        cJSON *summary = json();
        ck_assert_int_eq(number_of(summary, "runs"), 240);
        ck_assert_int_eq(number_of(summary, "pass"), 240);
        cJSON_Delete(summary);
        rows[jobs - 1] = read_file("runs.csv");
    }
    ck_assert_str_eq(rows[0], rows[1]);
    free(rows[0]);
    free(rows[1]);
}
END_TEST

START_TEST(test_run_seeds__keeps_a_directory_for_a_failure) {
    ck_assert_int_eq(call("run scenarios/two-masters.json --set quirk=true --seeds 1..2 --json "
                          "--no-pictures --out @",
                          0),
                     11);
    cJSON *summary = json();
    ck_assert_int_eq(number_of(summary, "fail"), 2);
    const cJSON *failure =
        cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(summary, "failures"), 0);
    ck_assert_str_eq(text_of(failure, "replay"),
                     "mqsim run scenarios/two-masters.json --seed 1 --set quirk=true");
    cJSON_Delete(summary);
    char *one = read_file("runs/two-masters-0-1/summary.json");
    cJSON *kept = cJSON_Parse(one);
    ck_assert_str_eq(text_of(kept, "verdict"), "fail");
    cJSON_Delete(kept);
    free(one);
}
END_TEST

/* ---- where nothing can be written ---- */

START_TEST(test_out__says_which_directory_cannot_be_written) {
    ck_assert_int_eq(call("run scenarios/killed-broker.json --out /dev/null/x", 0), 1);
    ck_assert_str_eq(err, "mqsim run: --out /dev/null/x: Not a directory\n");
    ck_assert_int_eq(call("run scenarios/killed-broker.json --seeds 1..2 --out /dev/null/x", 0), 1);
    ck_assert_str_eq(err, "mqsim run: --out /dev/null/x: Not a directory\n");
}
END_TEST

START_TEST(test_full_stdout__is_an_error) {
    int status =
        system("'" RMQ_BINARY_DIR "/bin/mqsim' run scenarios/killed-broker.json >/dev/full "
               "2>/dev/null");
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 1);
}
END_TEST

START_TEST(test_file_size_limit__is_a_write_error) {
    char command[512];
    snprintf(command, sizeof command,
             "ulimit -f 8; '%s/bin/mqsim' run scenarios/killed-broker.json --out %s/x >/dev/null "
             "2>&1",
             RMQ_BINARY_DIR, folder);
    int status = system(command);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 1);
}
END_TEST

/* ---- Ctrl-C ---- */

START_TEST(test_ctrl_c__leaves_a_valid_summary_of_a_sweep) {
    int code = call("run scenarios/eviction-study.json --seeds 1..900000 --jobs 2 --json", 700);
    ck_assert_int_eq(code, 15);
    cJSON *summary = json();
    ck_assert(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(summary, "interrupted")));
    ck_assert_str_eq(text_of(summary, "verdict"), "unknown");
    ck_assert_int_eq(number_of(summary, "exit_code"), 15);
    ck_assert_int_gt(number_of(summary, "runs"), 0);
    ck_assert_int_eq(number_of(summary, "runs"), number_of(summary, "pass"));
    cJSON_Delete(summary);
}
END_TEST

START_TEST(test_ctrl_c__leaves_a_valid_summary_of_a_run) {
    int code = call("run scenarios/idle-clients.json --set duration=8000h --json", 700);
    ck_assert_msg(code == 15, "exit %d: %s", code, err);
    cJSON *summary = json();
    ck_assert(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(summary, "interrupted")));
    ck_assert_str_eq(text_of(summary, "verdict"), "unknown");
    ck_assert_int_eq(number_of(summary, "exit_code"), 15);
    ck_assert_int_gt(number_of(summary, "events"), 0);
    cJSON_Delete(summary);
}
END_TEST

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1 /* it has its own word on crashes */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifndef SANITIZED
START_TEST(test_crash__has_its_exit_code_and_says_how_to_run_again) {
    ck_assert_int_eq(call_and_signal("run scenarios/idle-clients.json --set duration=8000h --json",
                                     700, SIGSEGV),
                     10);
    ck_assert_str_eq(out, "");
    ck_assert_msg(strstr(err, "again: mqsim run scenarios/idle-clients.json --seed 1 --set "
                              "duration=8000h") != NULL,
                  "%s", err);
}
END_TEST
#endif

int main(void) {
    Suite *suite = suite_create("cli");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_mqsim__has_its_exit_codes_and_messages, 0, CALL_COUNT);
    tcase_add_test(tests, test_run_json__is_the_summary_and_nothing_else);
    tcase_add_test(tests, test_run_out__writes_a_directory_that_replays);
    tcase_add_test(tests, test_run_seeds__gives_the_same_rows_for_any_jobs);
    tcase_add_test(tests, test_run_seeds__keeps_a_directory_for_a_failure);
    tcase_add_test(tests, test_out__says_which_directory_cannot_be_written);
    tcase_add_test(tests, test_full_stdout__is_an_error);
    tcase_add_test(tests, test_file_size_limit__is_a_write_error);
    tcase_add_test(tests, test_ctrl_c__leaves_a_valid_summary_of_a_sweep);
    tcase_add_test(tests, test_ctrl_c__leaves_a_valid_summary_of_a_run);
#ifndef SANITIZED
    tcase_add_test(tests, test_crash__has_its_exit_code_and_says_how_to_run_again);
#endif
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
