/* mqadmin/admin.c - see admin.h: one run, from the command line to the exit status. */
#include "real/mqadmin/admin.h"

#include <stdarg.h>
#include <stdlib.h>
#include <strings.h>

#include "real/mqadmin/print.h"

void admin_fail_with(struct admin *admin, struct admin_failure *failure) {
    *admin->failures_tail = failure;
    admin->failures_tail = &failure->next;
    fflush(admin->out); /* what was printed before stands before it */
    fprintf(admin->err, "mqadmin %s: %s\n", admin->command->name, failure->text);
}

void admin_fail(struct admin *admin, const char *format, ...) {
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    struct admin_failure *failure = arena_alloc(&admin->arena, sizeof(*failure));
    failure->text = arena_text(&admin->arena, span_of_text(text));
    failure->status = RMQ_E_INVALID;
    admin_fail_with(admin, failure);
}

/* ---- the node -------------------------------------------------------------------------------- */

/* Brokers and name servers ask the tool nothing. */
static void on_request(void *ctx, struct channel *channel, const struct wire_command *request) {
    struct admin *admin = ctx;
    RMQ_IGNORE(remoting_answer_code(&admin->remoting, channel, request,
                                    RESPONSE_REQUEST_CODE_NOT_SUPPORTED, SPAN_NONE),
               "whoever asks has nothing to expect");
}
static const struct remoting_handler HANDLER = {.on_request = on_request};

static void start_remoting(void *ctx) {
    struct admin *admin = ctx;
    struct remoting_config config;
    const char *serialization = getenv("ROCKETMQ_SERIALIZE_TYPE");
    remoting_config_default(&config);
    config.version = WIRE_VERSION_4_9_8;
    config.serialization = serialization != NULL && strcasecmp(serialization, "ROCKETMQ") == 0
                               ? WIRE_BINARY
                               : WIRE_JSON;
    remoting_init(&admin->remoting, admin->env, &config, &HANDLER, admin);
    admin->tools_status = tools_yml_read(admin->env, &admin->tools);
    if (admin->tools != NULL)
        admin->remoting.credentials =
            (struct wire_credentials){.access_key = admin->tools->accounts[0].access_key,
                                      .secret_key = admin->tools->accounts[0].secret_key};
    unique_ids_init(&admin->ids, admin->env);
}

static void stop_remoting(void *ctx) {
    struct admin *admin = ctx;
    remoting_deinit(&admin->remoting);
    acl_file_free(admin->tools);
    buf_deinit(&admin->document);
}

static bool start_node(struct admin *admin) {
    struct real_node_options options = {0};
    int err = real_node_start(admin->loop, &options, NULL, NULL, &admin->env);
    if (err != RMQ_OK) {
        fprintf(admin->err, "mqadmin: cannot start: %s\n", rmq_err_text(err));
        return false;
    }
    real_node_call(admin->env, start_remoting, admin);
    buf_init(&admin->document, admin->env);
    json_writer_init(&admin->json, &admin->document, JSON_STYLE_FASTJSON);
    return true;
}

/* ---- a command ------------------------------------------------------------------------------- */

static void read_name_servers(struct admin *admin, const char *fallback) {
    struct span list = span_of_text(admin->options.name_servers), part;
    if (list.len == 0)
        list = span_of_text(fallback);
    admin->name_servers = arena_alloc(&admin->arena, (list.len + 1) * sizeof(char *));
    while (span_next_part(&list, ';', &part)) {
        admin->name_servers[admin->name_server_count++] = arena_text(&admin->arena, part);
    }
}

static int run_command(struct admin *admin) {
    if (!start_node(admin))
        return ADMIN_FAILED;
    print_begin(admin);
    if (admin->tools_status == RMQ_OK)
        admin->command->run(admin);
    else
        admin_fail(admin, "conf/tools.yml below ROCKETMQ_HOME does not say who asks");
    print_end(admin);
    real_node_call(admin->env, stop_remoting, admin);
    real_node_free(admin->env);
    return admin_failed(admin) ? ADMIN_FAILED : ADMIN_OK;
}

/* A command line that cannot be run: text on `err`, and a document where one is wanted. */
static int refuse(const struct admin *admin, const char *text) {
    fprintf(admin->err, "mqadmin %s: %s\nSee 'mqadmin help %s'.\n", admin->command->name, text,
            admin->command->name);
    if (admin->options.json) {
        fprintf(admin->out, "{\"command\":\"%s\",\"ok\":false,\"failures\":[{\"text\":\"",
                admin->command->name);
        for (; *text != '\0'; text++) {
            fprintf(admin->out,
                    (unsigned char)*text < ' '      ? "\\u%04x"
                    : *text == '"' || *text == '\\' ? "\\%c"
                                                    : "%c",
                    *text);
        }
        fputs("\"}]}\n", admin->out);
    }
    return ADMIN_USAGE;
}

static int parse_and_run(struct admin *admin, const struct admin_setup *setup, int argc,
                         char *const *argv) {
    const struct command *command = admin->command;
    const char *error = options_parse(&admin->options, &admin->arena, command->options,
                                      command->option_count, argc, argv);
    if (error == NULL && admin->options.help) {
        options_help(admin->out, command->name, command->about, command->options,
                     command->option_count);
        return ADMIN_OK;
    }
    if (error != NULL)
        return refuse(admin, error);
    read_name_servers(admin, setup->name_servers);
    return run_command(admin);
}

/* ---- the program ----------------------------------------------------------------------------- */

static void print_line(void *ctx, const struct command *command) {
    fprintf(ctx, "   %-20s %s\n", command->name, command->about);
}

static int print_commands(FILE *out) {
    fputs("The most commonly used mqadmin commands are:\n", out);
    command_each(print_line, out);
    fputs("\nSee 'mqadmin help <command>' for more information on a specific command.\n", out);
    return ADMIN_OK;
}

int admin_main(const struct admin_setup *setup, int argc, char *const *argv) {
    if (argc == 0)
        return print_commands(setup->out);
    bool help = strcmp(argv[0], "help") == 0 || strcmp(argv[0], "-h") == 0 ||
                strcmp(argv[0], "--help") == 0;
    if (help && argc == 1)
        return print_commands(setup->out);
    const char *name = argv[help ? 1 : 0], *nearest = NULL;
    const struct command *command = command_find(name, &nearest);
    if (command == NULL) {
        fprintf(setup->err, "The sub command %s not exist.\n", name);
        if (nearest != NULL)
            fprintf(setup->err, "The nearest is %s.\n", nearest);
        return ADMIN_USAGE;
    }
    if (help) {
        options_help(setup->out, command->name, command->about, command->options,
                     command->option_count);
        return ADMIN_OK;
    }
    struct admin admin = {
        .command = command, .loop = setup->loop, .out = setup->out, .err = setup->err};
    admin.failures_tail = &admin.failures;
    int status = parse_and_run(&admin, setup, argc - 1, argv + 1);
    arena_free(&admin.arena);
    return status;
}
