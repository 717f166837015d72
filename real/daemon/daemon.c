/* daemon/daemon.c - see daemon.h. */
#include "real/daemon/daemon.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "model/events.h"
#include "real/daemon/config.h"
#include "real/daemon/event_file.h"
#include "real/daemon/log_file.h"
#include "real/os/node.h"

struct daemon {
    const struct daemon_program *program;
    struct daemon_options options;
    struct daemon_config config;
    struct real_loop *loop;
    /* Never turned: carries the node whose memory the configuration is in. A signal stops every
     * node of `loop`, and the configuration is asked until the role's last event. */
    struct real_loop *settings;
    struct env *env; /* of the node, from the moment it serves to its end; else NULL */
    struct log_file log;
    struct event_file events;
    struct http http;
    bool served;
    bool failed; /* after it served */
    int status;  /* of the node */
};

/* ---- log ------------------------------------------------------------------------------------- */

static const char *const LEVELS[] = {"ERROR", "WARN", "INFO", "DEBUG"};

/* Until it serves, somebody stands in front of it: what goes wrong is told on stderr too. */
static void on_log(void *ctx, struct env *env, enum env_log_level level, const char *line) {
    struct daemon *daemon = ctx;
    log_file_write(&daemon->log, env_wall_ms(env), env_utc_offset_min(env), LEVELS[level], line);
    if (level == ENV_LOG_ERROR && !daemon->served && daemon->log.dir[0] != 0)
        fprintf(stderr, "%s: %s\n", daemon->options.program, line);
}

static void on_hangup(void *ctx) {
    struct daemon *daemon = ctx;
    log_file_reopen(&daemon->log);
}

static bool open_log(struct daemon *daemon) {
    char dir[LOG_PATH_MAX];
    const char *home = getenv("HOME");
    const char *where = daemon->options.log;
    if (where != NULL && strcmp(where, "stderr") == 0)
        return log_file_open(&daemon->log, NULL, daemon->program->log_name);
    if (where != NULL)
        (void)snprintf(dir, sizeof dir, "%s", where);
    else
        (void)snprintf(dir, sizeof dir, "%s/logs/rocketmqlogs", home == NULL ? "" : home);
    if (log_file_open(&daemon->log, dir, daemon->program->log_name))
        return true;
    /* A full disk does not keep it from serving; a folder that cannot be is a mistake. */
    fprintf(stderr, "%s: log %s/%s.log: %s\n", daemon->options.program, dir,
            daemon->program->log_name, strerror(errno));
    return errno == ENOSPC || errno == EDQUOT;
}

/* ---- pages ----------------------------------------------------------------------------------- */

static bool on_page(void *ctx, struct span path, struct http_answer *answer) {
    struct daemon *daemon = ctx;
    void *node = daemon->env == NULL ? NULL : real_node_role(daemon->env);
    if (span_equal(path, SPAN_LITERAL("/health")) && daemon->program->health != NULL) {
        answer->type = "application/json";
        if (node != NULL && !daemon->program->health(node, answer->body))
            answer->status = 503;
        return true;
    }
    if (span_equal(path, SPAN_LITERAL("/metrics")) && daemon->program->metrics != NULL) {
        answer->type = "text/plain; version=0.0.4; charset=utf-8";
        if (node == NULL || daemon->program->metrics(node, answer->body) != RMQ_OK)
            answer->status = 503;
        return true;
    }
    return false;
}

static void start_pages(struct daemon *daemon) {
    uint16_t port = daemon->config.metrics_port;
    if (port == 0)
        return;
    int err = http_start(&daemon->http, daemon->env, port, on_page, daemon);
    if (err == RMQ_OK)
        env_log(daemon->env, ENV_LOG_INFO, "/metrics and /health on port %u", (unsigned)port);
    else
        env_log(daemon->env, ENV_LOG_ERROR, "metricsPort=%u: %s", (unsigned)port,
                rmq_err_text(err));
    if (err != RMQ_OK) {
        daemon->failed = true;
        daemon->status = 1;
        real_loop_stop(daemon->loop);
    }
}

/* ---- the node -------------------------------------------------------------------------------- */

static struct span setting(const struct daemon *daemon, const char *key, struct span fallback) {
    struct span value = props_get(&daemon->config.props, key);
    return span_is_absent(value) ? fallback : value;
}

/* Apache's line (BrokerStartup.java, NamesrvStartup.java). */
static void say_boot(struct daemon *daemon, struct env *env, const struct event_value *values) {
    char line[2048];
    struct span type = setting(daemon, "rocketmq.serialize.type", SPAN_LITERAL("JSON"));
    struct span servers = setting(daemon, "namesrvAddr", SPAN_NONE);
    struct span address = values[0].text, broker = values[1].text;
    if (daemon->program->kind == DAEMON_BROKER)
        (void)snprintf(line, sizeof line,
                       "The broker[%.*s, %.*s] boot success. serializeType=%.*s%s%.*s",
                       (int)broker.len, (const char *)broker.data, (int)address.len,
                       (const char *)address.data, (int)type.len, (const char *)type.data,
                       span_is_absent(servers) ? "" : " and name server is ", (int)servers.len,
                       (const char *)servers.data);
    else if (daemon->config.profile_5_3)
        (void)snprintf(
            line, sizeof line, "The Name Server boot success. serializeType=%.*s, address %.*s",
            (int)type.len, (const char *)type.data, (int)address.len, (const char *)address.data);
    else
        (void)snprintf(line, sizeof line, "The Name Server boot success. serializeType=%.*s",
                       (int)type.len, (const char *)type.data);
    printf("%s\n", line);
    (void)fflush(stdout);
    env_log(env, ENV_LOG_INFO, "%s", line);
    daemon->served = true;
}

static const char *node_name(const struct daemon *daemon, char *out, size_t size) {
    struct span name = setting(daemon, "brokerName", SPAN_LITERAL("namesrv"));
    (void)snprintf(out, size, "%.*s", (int)name.len, (const char *)name.data);
    return out;
}

static void on_event(void *ctx, struct env *env, int kind, const struct event_value *values,
                     size_t count) {
    struct daemon *daemon = ctx;
    char name[256];
    event_file_put(&daemon->events, env, node_name(daemon, name, sizeof name), kind, values, count);
    if (kind == EVENT_node_serves) {
        daemon->env = env;
        start_pages(daemon);
        say_boot(daemon, env, values);
    }
}

static void on_exit_(void *ctx, struct env *env, int status) {
    struct daemon *daemon = ctx;
    event_file_close(&daemon->events);
    RMQ_IGNORE(env == NULL, "its clock has stopped");
    struct timespec now = {0};
    struct tm parts = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)localtime_r(&now.tv_sec, &parts);
    log_file_write(&daemon->log, (int64_t)now.tv_sec * 1000, (int)(parts.tm_gmtoff / 60), "INFO",
                   status == 0 ? "stopped cleanly" : "ended by a failure");
    if (!daemon->failed)
        daemon->status = status;
    daemon->env = NULL;
    real_loop_stop(daemon->loop);
}

static int run_node(struct daemon *daemon) {
    char ip[ENV_ADDRESS_MAX] = "", bind_ip[ENV_ADDRESS_MAX] = "";
    struct span own = setting(daemon, "brokerIP1", SPAN_NONE);
    struct span bound = setting(daemon, "bindAddress", SPAN_NONE);
    (void)snprintf(ip, sizeof ip, "%.*s", (int)own.len, (const char *)own.data);
    (void)snprintf(bind_ip, sizeof bind_ip, "%.*s", (int)bound.len, (const char *)bound.data);
    struct real_node_options options = {
        .ip = ip[0] == 0 ? NULL : ip,
        .bind_ip = bind_ip[0] == 0 || strcmp(bind_ip, "0.0.0.0") == 0 ? NULL : bind_ip,
        .memory_limit = daemon->config.memory_limit,
        .on_log = on_log,
        .on_event = on_event,
        .on_exit = on_exit_,
        .ctx = daemon};
    struct env *env;
    if (real_loop_signals(daemon->loop, on_hangup, daemon) != RMQ_OK)
        return DAEMON_EXIT_FAILED;
    int err =
        real_node_start(daemon->loop, &options, daemon->program->role, &daemon->config.props, &env);
    if (err != RMQ_OK) {
        fprintf(stderr, "%s: does not start: %s\n", daemon->options.program, rmq_err_text(err));
        return err == RMQ_E_INVALID ? DAEMON_EXIT_CONFIG : DAEMON_EXIT_FAILED;
    }
    real_loop_run(daemon->loop);
    event_file_close(&daemon->events);
    if (daemon->env != NULL)
        real_node_free(daemon->env);
    if (daemon->status != 0 && !daemon->served)
        return DAEMON_EXIT_CONFIG;
    return daemon->status == 0 ? 0 : DAEMON_EXIT_FAILED;
}

/* With a configuration that was checked. */
static int serve(struct daemon *daemon) {
    const struct daemon_options *options = &daemon->options;
    if (options->print || options->print_important) {
        daemon_config_print(&daemon->config, !options->print);
        return 0;
    }
    if (options->config_file != NULL)
        printf("load config properties file OK, %s\n", options->config_file);
    (void)fflush(stdout);
    if (!open_log(daemon))
        return DAEMON_EXIT_FAILED;
    if (options->events != NULL && !event_file_open(&daemon->events, options->events)) {
        fprintf(stderr, "%s: --events %s: %s\n", options->program, options->events,
                strerror(errno));
        return DAEMON_EXIT_FAILED;
    }
    return run_node(daemon);
}

int daemon_main(const struct daemon_program *program, int argc, char **argv) {
    static struct daemon daemon;
    struct env *settings = NULL; /* a node without a role */
    daemon.program = program;
    daemon.events.fd = -1;
    daemon.log.fd = -1;
    /* Of libuv, before its first use: four syncs of queues at a time leave room for the log's. */
    RMQ_IGNORE(setenv("UV_THREADPOOL_SIZE", "8", 0), "then it is four");
    int status = daemon_options_read(&daemon.options, program->kind, argc, argv);
    if (status >= 0)
        return status;
    if (daemon.options.check_store != NULL)
        return program->check_store(daemon.options.check_store);
    if (real_loop_create(&daemon.loop) != RMQ_OK || real_loop_create(&daemon.settings) != RMQ_OK ||
        real_node_start(daemon.settings, NULL, NULL, NULL, &settings) != RMQ_OK) {
        fprintf(stderr, "%s: no memory or no descriptor left\n", daemon.options.program);
        return DAEMON_EXIT_FAILED;
    }
    status = daemon_config_load(&daemon.config, settings, &daemon.options);
    if (status < 0)
        status = serve(&daemon);
    (void)fflush(stdout);
    log_file_close(&daemon.log);
    return status;
}
