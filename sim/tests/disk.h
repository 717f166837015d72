/* disk.h - for tests of disks: a puppet's files, and operations that the test waits for. */
#ifndef SIM_TESTS_DISK_H
#define SIM_TESTS_DISK_H

#include "sim/world/world_internal.h" /* world_check; before the puppet's globals */

#include "model/base/buf.h"
#include "sim/tests/puppet.h"
#include "sim/world/disk.h"

#define PAGE 4096

/* Outside the world: what an operation came to. */
static struct result {
    bool called;
    int status;
    size_t bytes;
    uint64_t at_ns;
} results[64];

struct disk_call {
    struct env_file_op op;
    int number;
};

UNUSED static void call_done(struct env_file_op *op, int status) {
    struct disk_call *call = RMQ_CONTAINER_OF(op, struct disk_call, op);
    results[call->number] = (struct result){true, status, op->bytes, world_now(world)};
    env_free(op->env, call);
}

/* An operation of that number, in the node's memory. */
UNUSED static struct env_file_op *new_op(struct env *env, int number) {
    struct disk_call *call = env_alloc(env, sizeof *call);
    ck_assert_ptr_nonnull(call);
    memset(call, 0, sizeof *call);
    call->number = number;
    results[number] = (struct result){0};
    return &call->op;
}

/* What the next job of a puppet does with files: set by the test before `tell`. */
static struct {
    const char *path, *to;
    struct env_file *file;
    enum env_open_mode mode;
    uint64_t offset, len;
    const uint8_t *bytes;
    uint8_t *into;
    struct env_disk_usage usage;
    int number, err;
    char text[4096];
} job;

UNUSED static void open_job(struct puppet *puppet) {
    job.err = env_file_open(puppet->env, span_of_text(job.path), job.mode, &job.file);
}
UNUSED static void lock_job(struct puppet *puppet) {
    job.err = env_file_lock(puppet->env, span_of_text(job.path), &job.file);
}
UNUSED static void write_job(struct puppet *puppet) {
    env_file_write(job.file, job.offset, span_of(job.bytes, (size_t)job.len),
                   new_op(puppet->env, job.number), call_done);
}
UNUSED static void read_job(struct puppet *puppet) {
    env_file_read(job.file, job.offset, job.into, (size_t)job.len, new_op(puppet->env, job.number),
                  call_done);
}
UNUSED static void view_job(struct puppet *puppet) {
    (void)puppet;
    struct span view;
    job.err = env_file_view(job.file, job.offset, (size_t)job.len, &view);
    if (job.err == RMQ_OK) {
        job.len = view.len;
        memcpy(job.into, view.data, view.len);
    }
}
UNUSED static void modified_job(struct puppet *puppet) {
    (void)puppet;
    job.offset = (uint64_t)env_file_modified_ms(job.file);
}
UNUSED static void usage_job(struct puppet *puppet) {
    job.err = env_disk_usage(puppet->env, span_of_text(job.path), &job.usage);
}
UNUSED static void zero_job(struct puppet *puppet) {
    env_file_zero(job.file, job.offset, job.len, new_op(puppet->env, job.number), call_done);
}
UNUSED static void sync_job(struct puppet *puppet) {
    env_file_sync(job.file, new_op(puppet->env, job.number), call_done);
}
UNUSED static void sync_dir_job(struct puppet *puppet) {
    env_path_sync_dir(puppet->env, span_of_text(job.path), new_op(puppet->env, job.number),
                      call_done);
}
UNUSED static void rename_job(struct puppet *puppet) {
    job.err = env_path_rename(puppet->env, span_of_text(job.path), span_of_text(job.to));
}
UNUSED static void unlink_job(struct puppet *puppet) {
    job.err = env_path_unlink(puppet->env, span_of_text(job.path));
}
UNUSED static void make_dir_job(struct puppet *puppet) {
    job.err = env_path_make_dir(puppet->env, span_of_text(job.path));
}
UNUSED static void truncate_job(struct puppet *puppet) {
    (void)puppet;
    job.err = env_file_truncate(job.file, job.len);
}
UNUSED static void close_job(struct puppet *puppet) {
    (void)puppet;
    env_file_close(job.file);
}
UNUSED static void list_job(struct puppet *puppet) {
    struct buf names;
    buf_init(&names, puppet->env);
    job.err = env_path_list(puppet->env, span_of_text(job.path), &names);
    ck_assert_uint_lt(names.len, sizeof job.text);
    for (size_t i = 0; i < names.len; i++) {
        job.text[i] = names.data[i] == 0 ? ' ' : (char)names.data[i];
    }
    job.text[names.len] = '\0';
    buf_deinit(&names);
}

/* Runs `work` in a handler of node a, now. */
UNUSED static int now(puppet_fn *work) {
    job.err = 1;
    tell(node_a, work);
    run_for(0);
    return job.err;
}
/* Runs it, and waits for operation 0. */
UNUSED static struct result wait_for(puppet_fn *work) {
    job.number = 0;
    results[0] = (struct result){0};
    now(work);
    for (int i = 0; i < 1000 && !results[0].called; i++) {
        run_for(MS);
    }
    ck_assert(results[0].called);
    return results[0];
}

UNUSED static struct env_file *open_file(const char *path, enum env_open_mode mode) {
    job.path = path;
    job.mode = mode;
    ck_assert_int_eq(now(open_job), RMQ_OK);
    return job.file;
}
UNUSED static int open_error(const char *path, enum env_open_mode mode) {
    job.path = path;
    job.mode = mode;
    return now(open_job);
}
UNUSED static struct result write_file(struct env_file *file, uint64_t offset, const void *bytes,
                                       size_t len) {
    job.file = file;
    job.offset = offset;
    job.bytes = bytes;
    job.len = len;
    return wait_for(write_job);
}
UNUSED static int sync_file(struct env_file *file) {
    job.file = file;
    return wait_for(sync_job).status;
}
UNUSED static int sync_dir(const char *path) {
    job.path = path;
    return wait_for(sync_dir_job).status;
}
UNUSED static int rename_path(const char *from, const char *to) {
    job.path = from;
    job.to = to;
    return now(rename_job);
}
UNUSED static int unlink_path(const char *path) {
    job.path = path;
    return now(unlink_job);
}
UNUSED static int make_dir(const char *path) {
    job.path = path;
    return now(make_dir_job);
}
UNUSED static int truncate_file(struct env_file *file, uint64_t size) {
    job.file = file;
    job.len = size;
    return now(truncate_job);
}
UNUSED static void close_file(struct env_file *file) {
    job.file = file;
    now(close_job);
}
UNUSED static struct result zero_file(struct env_file *file, uint64_t offset, uint64_t len) {
    job.file = file;
    job.offset = offset;
    job.len = len;
    return wait_for(zero_job);
}
UNUSED static const char *list_dir(const char *path) {
    job.path = path;
    return now(list_job) == RMQ_OK ? job.text : rmq_err_text(job.err);
}
UNUSED static uint64_t size_of(const char *path) {
    return world_disk_size(world, host_a, path);
}
/* Byte `offset` of a file. */
UNUSED static int byte_of(const char *path, uint64_t offset) {
    uint8_t byte;
    return world_disk_get(world, host_a, path, offset, &byte, 1) ? byte : -1;
}
/* Is [offset, offset + len) of the file all `value`? */
UNUSED static bool is_all(const char *path, uint64_t offset, size_t len, uint8_t value) {
    uint8_t *bytes = malloc(len);
    bool is = world_disk_get(world, host_a, path, offset, bytes, len);
    for (size_t i = 0; i < len; i++) {
        is = is && bytes[i] == value;
    }
    free(bytes);
    return is;
}

/* A world with one node on host a whose disk keeps all or nothing of what is not durable. */
UNUSED static struct disk_profile profile;
UNUSED static void new_disk(uint64_t seed, uint32_t keep_ppm) {
    new_world(seed);
    node_a = add_puppet(host_a, "node-a", "", NULL);
    run_until(MS);
    disk_profile_default(&profile);
    profile.keep_ppm = profile.keep_name_ppm = keep_ppm;
    profile.torn_ppm = 0;
    world_set_disk(world, host_a, &profile);
}
UNUSED static void power_cycle(void) {
    ck_assert(world_power_off(world, host_a));
    world_check(world);
    ck_assert(world_power_on(world, host_a));
    ck_assert(world_start(world, node_a));
    run_for(MS);
}

#endif
