/* mqadmin/admin.h - one run of the tool: its command, its options, its node, what it prints.
 *
 * A command is a function that asks (call.h, cluster.h) and prints (print.h), one thing after the
 * other. What it takes from the arena goes when it ends. A failed request is remembered by
 * admin_fail; the run then ends with status 2. */
#ifndef REAL_MQADMIN_ADMIN_H
#define REAL_MQADMIN_ADMIN_H

#include <stdio.h>

#include "model/client/unique_id.h"
#include "model/wire/remoting.h"
#include "real/daemon/tools_yml.h"
#include "real/mqadmin/arena.h"
#include "real/mqadmin/options.h"
#include "real/mqadmin/tree.h"
#include "real/os/node.h"

struct admin;

struct command {
    const char *name; /* case does not count */
    const char *about;
    void (*run)(struct admin *admin);
    const struct option *options; /* beside -h, -n, --json */
    size_t option_count;
};
/* A row of a table of commands, from the function's name and its array of options. */
#define COMMAND(name, about, run, options) \
    { (name), (about), (run), (options), sizeof(options) / sizeof((options)[0]) }

/* Tables, one per file of commands; commands.c lists them. */
struct command_table {
    const struct command *commands;
    size_t count;
};
extern const struct command_table TOPIC_COMMANDS, TOPIC_CHANGE_COMMANDS, BROKER_COMMANDS,
    CLEAN_COMMANDS, CLUSTER_COMMANDS, NAMESRV_COMMANDS, CONNECTION_COMMANDS, GROUP_COMMANDS,
    PROGRESS_COMMANDS, STATUS_COMMANDS, OFFSET_COMMANDS, QUERY_COMMANDS, READ_COMMANDS,
    SEND_COMMANDS, STATS_COMMANDS, QUEUE_COMMANDS, ACCESS_COMMANDS;
/* The command of that name, or NULL and *nearest (NULL: none is near). */
const struct command *command_find(const char *name, const char **nearest);
/* Calls `each` for every command, in the order of the help. */
void command_each(void (*each)(void *ctx, const struct command *command), void *ctx);

struct admin_failure {
    struct admin_failure *next;
    const char *address; /* NULL: not about an address */
    int32_t request;     /* 0: not about a request */
    int status;          /* RMQ_E_ value; RMQ_OK: `code` was answered */
    int32_t code;
    const char *text;
};

struct admin {
    struct arena arena;
    struct options options;
    const struct command *command;
    FILE *out, *err;
    struct real_loop *loop;
    struct env *env;
    struct remoting remoting;
    struct acl_file *tools; /* who asks (tools.yml), or NULL */
    int tools_status;
    struct unique_ids ids;
    const char **name_servers;
    size_t name_server_count, name_server_chosen;
    struct buf document; /* --json */
    struct json_writer json;
    struct admin_failure *failures, **failures_tail;
};

struct admin_setup {
    struct real_loop *loop; /* borrowed: requests turn it, and whatever else lives on it */
    FILE *out, *err;
    const char *name_servers; /* where -n is not given; NULL: none */
};

#define ADMIN_OK 0
#define ADMIN_USAGE 1  /* the command line, as Apache's */
#define ADMIN_FAILED 2 /* Differs: Apache's ends with 0 */
/* The whole program: `argv` without the program's name. Returns the exit status. */
int admin_main(const struct admin_setup *setup, int argc, char *const *argv);

/* Remembers that the command failed and says so on `err`: "mqadmin NAME: <text>". */
void admin_fail(struct admin *admin, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same with a failure of the arena, text and all. */
void admin_fail_with(struct admin *admin, struct admin_failure *failure);
static inline bool admin_failed(const struct admin *admin) {
    return admin->failures != NULL;
}

#endif
