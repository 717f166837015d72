/* mqadmin_fixture.h - mqadmin's commands in this process: a server that answers as a script says,
 * and runs of the whole program with captured output. The server is name server and broker in one:
 * routes and cluster information name its own address.
 *
 * In scripts and expected texts $A stands for the server's address. */
#ifndef REAL_TESTS_MQADMIN_FIXTURE_H
#define REAL_TESTS_MQADMIN_FIXTURE_H

#include <time.h>
#include <unistd.h>

#include "model/wire/message.h"
#include "model/wire/remoting.h"
#include "real/mqadmin/admin.h"
#include "real/tests/nodes.h"

struct answer {
    int32_t request;
    int32_t code;
    const char *remark; /* NULL: none */
    const char *fields; /* "key=value;key=value" */
    const char *body;   /* NULL: none */
    bool message;       /* the body is the fixture's one message */
};

#define SCRIPT_MAX 64
struct script_server {
    struct env *env;
    struct remoting remoting;
    char address[32];
    struct answer answers[SCRIPT_MAX]; /* the last one of a code counts */
    size_t answer_count;
    char asked[4096]; /* codes of all requests, each with a blank behind it */
    char last[4096];  /* fields and body of the last request: "key=value;..|body" */
};

static struct real_loop *loop;
static struct script_server server;

/* `text` with $A replaced; to be freed. */
UNUSED static char *with_address(const char *text) {
    size_t size = strlen(text) * 16 + 64;
    char *out = malloc(size), *to = out;
    ck_assert_ptr_nonnull(out);
    for (; *text != '\0'; text++) {
        if (text[0] == '$' && text[1] == 'A') {
            to += sprintf(to, "%s", server.address);
            text++;
        } else {
            *to++ = *text;
        }
    }
    *to = '\0';
    return out;
}

/* One stored message: topic T, tag TagA, key k1, body "hello", queue 1, offset 7, place 4096. */
static void put_message_record(struct buf *out) {
    static const char PROPERTIES[] = "KEYS\001k1\002UNIQ_KEY\00110A0B0C0D\002WAIT\001true\002"
                                     "TAGS\001TagA";
    struct message message = {.queue_id = 1,
                              .queue_offset = 7,
                              .physical_offset = 4096,
                              .born_ms = 1700000000123,
                              .store_ms = 1700000000456,
                              .body = SPAN_LITERAL("hello"),
                              .topic = SPAN_LITERAL("T"),
                              .properties = span_of(PROPERTIES, sizeof(PROPERTIES) - 1)};
    ck_assert_int_eq(message_host_parse(SPAN_LITERAL("10.0.0.1:5000"), &message.born_host), RMQ_OK);
    ck_assert_int_eq(message_host_parse(span_of_text(server.address), &message.store_host), RMQ_OK);
    ck_assert_int_eq(message_encode(out, &message), RMQ_OK);
}

static void remember(const struct wire_command *request) {
    size_t used = strlen(server.asked);
    snprintf(server.asked + used, sizeof(server.asked) - used, "%d ", (int)request->code);
    char *to = server.last, *end = server.last + sizeof(server.last);
    for (size_t i = 0; i < request->field_count; i++) {
        to += snprintf(to, (size_t)(end - to), "%.*s=%.*s;", (int)request->fields[i].key.len,
                       (const char *)request->fields[i].key.data, (int)request->fields[i].value.len,
                       (const char *)request->fields[i].value.data);
    }
    snprintf(to, (size_t)(end - to), "|%.*s", (int)request->body.len,
             request->body.len == 0 ? "" : (const char *)request->body.data);
}

static void add_fields(struct wire_command *response, const char *fields) {
    struct span rest = span_of_text(fields), pair;
    while (span_next_part(&rest, ';', &pair)) {
        const uint8_t *equal = memchr(pair.data, '=', pair.len);
        ck_assert_ptr_nonnull(equal);
        struct span key = span_of(pair.data, (size_t)(equal - pair.data));
        ck_assert_int_eq(wire_field_add(response, key, span_from(pair, key.len + 1)), RMQ_OK);
    }
}

static const struct answer *find_answer(int32_t request) {
    for (size_t i = server.answer_count; i > 0; i--) {
        if (server.answers[i - 1].request == request)
            return &server.answers[i - 1];
    }
    return NULL;
}

static void on_scripted_request(void *ctx, struct channel *channel,
                                const struct wire_command *request) {
    (void)ctx;
    remember(request);
    const struct answer *answer = find_answer(request->code);
    struct wire_command response;
    struct buf record;
    wire_command_init(&response, answer == NULL ? 3 : answer->code);
    buf_init(&record, server.env);
    char *body = NULL;
    if (answer == NULL) {
        response.remark = SPAN_LITERAL("not in the script");
    } else {
        response.remark = span_of_text(answer->remark);
        add_fields(&response, answer->fields);
        body = answer->body == NULL ? NULL : with_address(answer->body);
        response.body = span_of_text(body);
        if (answer->message) {
            put_message_record(&record);
            response.body = buf_span(&record);
        }
    }
    ck_assert_int_eq(remoting_answer(&server.remoting, channel, request, &response), RMQ_OK);
    buf_deinit(&record);
    free(body);
}

static const struct remoting_handler SCRIPT_HANDLER = {.on_request = on_scripted_request};

static void start_script(void *ctx) {
    (void)ctx;
    struct remoting_config config;
    remoting_config_default(&config);
    remoting_init(&server.remoting, server.env, &config, &SCRIPT_HANDLER, NULL);
    ck_assert_int_eq(remoting_listen(&server.remoting, 0), RMQ_OK);
    snprintf(server.address, sizeof(server.address), "127.0.0.1:%u",
             (unsigned)env_listener_port(server.remoting.listener));
}

static void stop_script(void *ctx) {
    (void)ctx;
    remoting_deinit(&server.remoting);
}

UNUSED static void script_setup(void) {
    ck_assert_int_eq(setenv("TZ", "UTC", 1), 0);
    tzset();
    loop = new_loop();
    server = (struct script_server){0};
    struct real_node_options options = {.ip = "127.0.0.1", .bind_ip = "127.0.0.1"};
    server.env = new_node(loop, &options);
    real_node_call(server.env, start_script, NULL);
}

UNUSED static void script_teardown(void) {
    real_node_call(server.env, stop_script, NULL);
    ck_assert_uint_eq(real_node_memory(server.env), 0);
    real_node_free(server.env);
    real_loop_free(loop);
}

UNUSED static void script_add(struct answer answer) {
    ck_assert_uint_lt(server.answer_count, SCRIPT_MAX);
    server.answers[server.answer_count++] = answer;
}

/* ---- runs ------------------------------------------------------------------------------------ */

struct run {
    int status;
    char *out, *err; /* to be freed by run_free */
};

/* Runs a command line: words separated by blanks, $A replaced; '_' in a word stands for a blank
 * where it follows a '\'. No name server is known but by -n. */
UNUSED static struct run run_line(const char *line, const char *name_servers) {
    struct run run = {0};
    size_t out_size, err_size;
    char *words = with_address(line), *argv[32], *save = NULL;
    int argc = 0;
    for (char *word = strtok_r(words, " ", &save); word != NULL;
         word = strtok_r(NULL, " ", &save)) {
        ck_assert_int_lt(argc, 31);
        argv[argc++] = word;
    }
    argv[argc] = NULL;
    struct admin_setup setup = {loop, open_memstream(&run.out, &out_size),
                                open_memstream(&run.err, &err_size), name_servers};
    run.status = admin_main(&setup, argc, argv);
    fclose(setup.out);
    fclose(setup.err);
    free(words);
    return run;
}

/* The same with the server as name server. */
UNUSED static struct run run_scripted(const char *line) {
    server.asked[0] = server.last[0] = '\0';
    return run_line(line, server.address);
}

UNUSED static void run_free(struct run *run) {
    free(run->out);
    free(run->err);
}

#endif
