/* files.h - for tests of the real disk: a node without a role in a directory of its own, whose
 * operations the test waits for. */
#ifndef REAL_TESTS_FILES_H
#define REAL_TESTS_FILES_H

#include <unistd.h>

#include "real/tests/nodes.h"

static struct real_loop *loop;
static struct env *node;
static char root[64];
static char log_text[65536]; /* lines of the node's log */

struct call {
    int (*run)(struct call *call); /* in a handler */
    const char *path;
    struct env_file *file;
    enum env_open_mode mode;
    uint64_t offset, len;
    const void *bytes;
    void *into;
    struct env_file_op op;
    bool done;
    int status; /* of the call, or of the operation */
};

UNUSED static void call_done(struct env_file_op *op, int status) {
    struct call *call = RMQ_CONTAINER_OF(op, struct call, op);
    call->status = status;
    call->done = true;
}

UNUSED static void call_run(void *ctx) {
    struct call *call = ctx;
    call->status = call->run(call);
}

UNUSED static struct span path_of(const char *name, char out[ENV_PATH_MAX]) {
    return span_of(out, (size_t)snprintf(out, ENV_PATH_MAX, "%s%s", root, name));
}

UNUSED static int run_open(struct call *call) {
    char path[ENV_PATH_MAX];
    return env_file_open(node, path_of(call->path, path), call->mode, &call->file);
}
UNUSED static int run_lock(struct call *call) {
    char path[ENV_PATH_MAX];
    return env_file_lock(node, path_of(call->path, path), &call->file);
}
UNUSED static int run_close(struct call *call) {
    env_file_close(call->file);
    return RMQ_OK;
}
UNUSED static int run_write(struct call *call) {
    env_file_write(call->file, call->offset, span_of(call->bytes, (size_t)call->len), &call->op,
                   call_done);
    return RMQ_OK;
}
UNUSED static int run_read(struct call *call) {
    env_file_read(call->file, call->offset, call->into, (size_t)call->len, &call->op, call_done);
    return RMQ_OK;
}
UNUSED static int run_zero(struct call *call) {
    env_file_zero(call->file, call->offset, call->len, &call->op, call_done);
    return RMQ_OK;
}
UNUSED static int run_sync(struct call *call) {
    env_file_sync(call->file, &call->op, call_done);
    return RMQ_OK;
}
UNUSED static int run_truncate(struct call *call) {
    return env_file_truncate(call->file, call->offset);
}
/* The sum of the bytes of a view goes to `len`, its length to `offset`. */
UNUSED static int run_view(struct call *call) {
    struct span view;
    int err = env_file_view(call->file, call->offset, (size_t)call->len, &view);
    call->len = 0;
    for (size_t i = 0; err == RMQ_OK && i < view.len; i++) {
        call->len += view.data[i];
    }
    call->offset = err == RMQ_OK ? view.len : 0;
    return err;
}

/* In a handler, now. */
UNUSED static int now(int (*run)(struct call *), struct call *call) {
    call->run = run;
    call->done = false;
    real_node_call(node, call_run, call);
    return call->status;
}
/* ... and until its operation is done. */
UNUSED static int wait_for(int (*run)(struct call *), struct call *call) {
    now(run, call);
    turn_until(loop, is_true, &call->done);
    return call->status;
}

UNUSED static struct env_file *open_file(const char *path, enum env_open_mode mode) {
    struct call call = {.path = path, .mode = mode};
    int err = now(run_open, &call);
    ck_assert_msg(err == RMQ_OK, "%s: %s", path, rmq_err_text(err));
    return call.file;
}
UNUSED static void close_file(struct env_file *file) {
    struct call call = {.file = file};
    now(run_close, &call);
}
UNUSED static int write_file(struct env_file *file, uint64_t offset, const void *bytes,
                             size_t len) {
    struct call call = {.file = file, .offset = offset, .bytes = bytes, .len = len};
    return wait_for(run_write, &call);
}
UNUSED static int read_file(struct env_file *file, uint64_t offset, void *into, size_t len) {
    struct call call = {.file = file, .offset = offset, .into = into, .len = len};
    int err = wait_for(run_read, &call);
    return err == RMQ_OK ? (int)call.op.bytes : err;
}
UNUSED static int sync_file(struct env_file *file) {
    struct call call = {.file = file};
    return wait_for(run_sync, &call);
}

UNUSED static void keep_log(void *ctx, struct env *env, enum env_log_level level,
                            const char *line) {
    (void)ctx;
    (void)env;
    (void)level;
    size_t len = strlen(log_text);
    snprintf(log_text + len, sizeof log_text - len, "%s\n", line);
}

UNUSED static void begin_node(void) {
    struct real_node_options options = {.on_log = keep_log};
    node = new_node(loop, &options);
}
UNUSED static void setup_files(void) {
    snprintf(root, sizeof root, "/tmp/windtunnel-disk-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    log_text[0] = '\0';
    loop = new_loop();
    begin_node();
}
UNUSED static void teardown_files(void) {
    char line[128];
    if (node != NULL) {
        real_node_free(node);
    }
    real_loop_free(loop);
    snprintf(line, sizeof line, "rm -rf %s", root);
    ck_assert_int_eq(system(line), 0);
}

#endif
