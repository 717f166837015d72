/* sim/bench_disk.c - see bench_disk.h. */
#include "sim/bench_disk.h"

#include <stdio.h>

#include "model/base/buf.h"
#include "model/base/check.h"
#include "model/base/props.h"

struct appender {
    struct env *env;
    struct env_file *file; /* NULL: none open */
    struct env_file_op write, sync, names;
    uint64_t segment, offset; /* of the present one */
    uint64_t records, sum;    /* written; of the bytes read at the start */
    int64_t keep, sync_every, stop;
    uint8_t record[BENCH_DISK_RECORD];
};

static struct span path_of(uint64_t segment, char out[32]) {
    size_t len = sizeof "/log/" - 1;
    memcpy(out, "/log/", len);
    len += format_u64(out + len, 1000000 + segment); /* so that names sort by number */
    return span_of(out, len);
}

static void open_segment(struct appender *appender) {
    char path[32];
    if (appender->segment >= (uint64_t)appender->keep) {
        int err = env_path_unlink(appender->env,
                                  path_of(appender->segment - (uint64_t)appender->keep, path));
        RMQ_ASSERT(err == RMQ_OK);
    }
    int err = env_file_open(appender->env, path_of(appender->segment, path), ENV_OPEN_NEW,
                            &appender->file);
    RMQ_ASSERT(err == RMQ_OK);
    appender->offset = 0;
}

static void on_names(struct env_file_op *op, int status) {
    (void)op;
    RMQ_ASSERT(status == RMQ_OK);
}

static void on_synced(struct env_file_op *op, int status) {
    (void)op;
    RMQ_ASSERT(status == RMQ_OK);
}

static void on_written(struct env_file_op *op, int status);

static void append(struct appender *appender) {
    if (appender->offset == BENCH_DISK_SEGMENT) {
        env_file_close(appender->file);
        appender->segment++;
        open_segment(appender);
        if (!env_file_op_active(&appender->names)) {
            env_path_sync_dir(appender->env, SPAN_LITERAL("/log"), &appender->names, on_names);
        }
    }
    memcpy(appender->record, &appender->records, sizeof appender->records);
    env_file_write(appender->file, appender->offset,
                   span_of(appender->record, sizeof appender->record), &appender->write,
                   on_written);
}

static void on_written(struct env_file_op *op, int status) {
    struct appender *appender = RMQ_CONTAINER_OF(op, struct appender, write);
    RMQ_ASSERT(status == RMQ_OK);
    appender->offset += BENCH_DISK_RECORD;
    appender->records++;
    if (appender->sync_every != 0 && appender->records % (uint64_t)appender->sync_every == 0 &&
        !env_file_op_active(&appender->sync)) {
        env_file_sync(appender->file, &appender->sync, on_synced);
    }
    if (appender->stop == 0 || appender->records < (uint64_t)appender->stop) {
        append(appender);
    }
}

/* Reads a segment by views; a word of each record. */
static void scan(struct appender *appender, struct span path) {
    struct env_file *file;
    int err = env_file_open(appender->env, path, ENV_OPEN_READ, &file);
    RMQ_ASSERT(err == RMQ_OK);
    uint64_t size = env_file_size(file);
    for (uint64_t at = 0; at < size;) {
        struct span view;
        err = env_file_view(file, at, BENCH_DISK_SEGMENT, &view);
        RMQ_ASSERT(err == RMQ_OK);
        for (size_t i = 0; i + 8 <= view.len; i += 64) {
            uint64_t word;
            memcpy(&word, view.data + i, sizeof word);
            appender->sum = appender->sum * 31 + word;
        }
        at += view.len;
    }
    env_file_close(file);
}

static void scan_all(struct appender *appender) {
    struct buf names;
    buf_init(&names, appender->env);
    int err = env_path_list(appender->env, SPAN_LITERAL("/log"), &names);
    RMQ_ASSERT(err == RMQ_OK);
    for (size_t at = 0; at < names.len;) {
        const char *name = (const char *)names.data + at;
        char path[32] = "/log/";
        memcpy(path + 5, name, strlen(name) + 1);
        scan(appender, span_of_text(path));
        at += strlen(name) + 1;
        appender->segment++;
    }
    buf_deinit(&names);
}

static int start(struct env *env, const struct props *config, void **node) {
    struct appender *appender = env_alloc(env, sizeof *appender);
    if (appender == NULL) {
        return RMQ_E_NOMEM;
    }
    memset(appender, 0, sizeof *appender);
    memset(appender->record, 0x5a, sizeof appender->record);
    appender->env = env;
    *node = appender;
    int err = props_get_i64(config, "keep", 1, &appender->keep);
    err = err == RMQ_OK ? props_get_i64(config, "sync", 0, &appender->sync_every) : err;
    err = err == RMQ_OK ? props_get_i64(config, "stop", 0, &appender->stop) : err;
    err = err == RMQ_OK ? env_path_make_dir(env, SPAN_LITERAL("/log")) : err;
    if (err != RMQ_OK) {
        return err;
    }
    scan_all(appender);
    if (appender->segment == 0) {
        open_segment(appender);
        append(appender);
    }
    return RMQ_OK;
}

static void stop(void *node) {
    struct appender *appender = node;
    env_exit(appender->env, 0);
}

const struct role bench_disk_role = {"bench-disk", start, stop, NULL};

bool bench_disk_build(struct world *world, uint32_t count, uint32_t keep, uint32_t sync,
                      uint64_t stop_after) {
    for (uint32_t i = 0; i < count; i++) {
        char name[32], ip[32], text[128];
        snprintf(name, sizeof name, "disk-%u", (unsigned)i);
        snprintf(ip, sizeof ip, "10.9.%u.%u", (unsigned)(i >> 8), (unsigned)(i & 255));
        snprintf(text, sizeof text, "keep=%u\nsync=%u\nstop=%llu\n", (unsigned)keep, (unsigned)sync,
                 (unsigned long long)stop_after);
        struct props props;
        props_init(&props, world_env(world));
        size_t line;
        struct node_config config;
        node_config_default(&config);
        config.name = name;
        config.host = world_add_host(world, name, ip);
        config.role = &bench_disk_role;
        config.config = &props;
        bool added = config.host != NULL &&
                     props_parse(&props, span_of_text(text), &line) == RMQ_OK &&
                     world_add_node(world, &config) != 0;
        props_deinit(&props);
        if (!added) {
            return false;
        }
    }
    return true;
}
