/* Crashes everywhere: a small store is killed at each env_ call of each step, and loses its power
 * after each step. What it has acknowledged must be there - and is not when it forgets a sync. */
#include "sim/tests/disk.h"

#define RECORD 700
#define RECORDS 30

/* How the store cheats. */
enum cheat { HONEST, NO_SYNC, NO_ROOT_SYNC, NO_DIR_SYNC, NO_TMP_SYNC, ACK_AT_CALL, CHEATS };
static enum cheat cheat;

/* What it has promised; in the world, so that a snapshot holds it, but not the node's. */
static struct promises {
    uint64_t written; /* records: survive a kill */
    uint64_t durable; /* ... and a power-off */
    uint64_t config;  /* version */
} * promised;

struct keeper {
    struct env *env;
    struct env_file *log, *tmp;
    struct env_file_op op;
    uint64_t records, version;
    uint8_t bytes[RECORD];
};

static void append(struct keeper *keeper);
static void save_config(struct keeper *keeper);

static struct keeper *keeper_of(struct env_file_op *op, int status) {
    ck_assert_int_eq(status, RMQ_OK);
    return RMQ_CONTAINER_OF(op, struct keeper, op);
}

/* Goes on with `done`, with a sync or without. */
static void sync_or_not(struct keeper *keeper, struct env_file *file, bool really,
                        env_file_fn *done) {
    if (really) {
        env_file_sync(file, &keeper->op, done);
    } else {
        env_file_read(file, 0, keeper->bytes, 1, &keeper->op, done);
    }
}
static void sync_dir_or_not(struct keeper *keeper, const char *path, bool really,
                            env_file_fn *done) {
    if (really) {
        env_path_sync_dir(keeper->env, span_of_text(path), &keeper->op, done);
    } else {
        env_file_read(keeper->log, 0, keeper->bytes, 1, &keeper->op, done);
    }
}

static void on_config_saved(struct env_file_op *op, int status) {
    struct keeper *keeper = keeper_of(op, status);
    promised->config = keeper->version;
    append(keeper);
}
static void on_config_synced(struct env_file_op *op, int status) {
    struct keeper *keeper = keeper_of(op, status);
    env_file_close(keeper->tmp);
    ck_assert_int_eq(
        env_path_rename(keeper->env, SPAN_LITERAL("/d/tmp"), SPAN_LITERAL("/d/config")), RMQ_OK);
    sync_dir_or_not(keeper, "/d", cheat != NO_DIR_SYNC, on_config_saved);
}
static void on_config_written(struct env_file_op *op, int status) {
    struct keeper *keeper = keeper_of(op, status);
    sync_or_not(keeper, keeper->tmp, cheat != NO_TMP_SYNC, on_config_synced);
}
static void save_config(struct keeper *keeper) {
    keeper->version++;
    ck_assert_int_eq(
        env_file_open(keeper->env, SPAN_LITERAL("/d/tmp"), ENV_OPEN_CREATE, &keeper->tmp), RMQ_OK);
    memset(keeper->bytes, (int)keeper->version, 100);
    env_file_write(keeper->tmp, 0, span_of(keeper->bytes, 100), &keeper->op, on_config_written);
}

static void on_record_synced(struct env_file_op *op, int status) {
    struct keeper *keeper = keeper_of(op, status);
    promised->durable = keeper->records;
    if (keeper->records % 6 == 0) {
        save_config(keeper);
    } else {
        append(keeper);
    }
}
static void on_record_written(struct env_file_op *op, int status) {
    struct keeper *keeper = keeper_of(op, status);
    keeper->records++;
    promised->written = keeper->records;
    if (keeper->records % 3 == 0) {
        sync_or_not(keeper, keeper->log, cheat != NO_SYNC, on_record_synced);
    } else {
        append(keeper);
    }
}
static void append(struct keeper *keeper) {
    if (keeper->records == RECORDS) {
        return;
    }
    memset(keeper->bytes, (int)(100 + keeper->records), RECORD);
    env_file_write(keeper->log, keeper->records * RECORD, span_of(keeper->bytes, RECORD),
                   &keeper->op, on_record_written);
    if (cheat == ACK_AT_CALL) {
        promised->written = keeper->records + 1;
    }
}

static void on_dir_synced(struct env_file_op *op, int status) {
    append(keeper_of(op, status));
}
static void on_root_synced(struct env_file_op *op, int status) {
    struct keeper *keeper = keeper_of(op, status);
    env_path_sync_dir(keeper->env, SPAN_LITERAL("/d"), &keeper->op, on_dir_synced);
}
static int keeper_start(struct env *env, const struct props *config, void **node) {
    (void)config;
    struct keeper *keeper = env_alloc(env, sizeof *keeper);
    ck_assert_ptr_nonnull(keeper);
    memset(keeper, 0, sizeof *keeper);
    keeper->env = env;
    *node = keeper;
    ck_assert_int_eq(env_path_make_dir(env, SPAN_LITERAL("/d")), RMQ_OK);
    ck_assert_int_eq(env_file_open(env, SPAN_LITERAL("/d/log"), ENV_OPEN_CREATE, &keeper->log),
                     RMQ_OK);
    sync_dir_or_not(keeper, "/", cheat != NO_ROOT_SYNC, on_root_synced);
    return RMQ_OK;
}
static void keeper_stop(void *node) {
    env_exit(((struct keeper *)node)->env, 0);
}
static const struct role KEEPER = {"keeper", keeper_start, keeper_stop, NULL};

static void build(void) {
    new_world(1);
    promised = world_alloc(world, sizeof *promised);
    struct node_config config;
    node_config_default(&config);
    config.name = "keeper";
    config.host = host_a;
    config.role = &KEEPER;
    node_a = world_add_node(world, &config);
    disk_profile_default(&profile);
    profile.torn_ppm = 300000;
    world_set_disk(world, host_a, &profile);
}

/* ---- is what was promised there? ---- */

static size_t broken, crashes, inside, torn;

static bool has_records(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        if (!is_all("/d/log", i * RECORD, RECORD, (uint8_t)(100 + i))) {
            return false;
        }
    }
    return true;
}
/* The configuration is whole, and that version or a later one. */
static bool has_config(uint64_t version) {
    if (version == 0 && size_of("/d/config") == UINT64_MAX) {
        return true;
    }
    int found = byte_of("/d/config", 0);
    return found >= (int)version && found > 0 && is_all("/d/config", 0, 100, (uint8_t)found);
}

static void check_killed(void) {
    crashes++;
    broken += !has_records(promised->written) || !has_config(promised->config);
    world_check(world);
}
static void check_power(uint64_t seed) {
    crashes++;
    world_set_seed(world, seed);
    ck_assert(world_power_off(world, host_a));
    broken += !has_records(promised->durable) || !has_config(promised->config);
    torn += world_counts(world)->pages_torn > 0;
    world_check(world);
    ck_assert(world_power_on(world, host_a));
    ck_assert(world_start(world, node_a)); /* and what is left can be used */
    world_run_steps(world, 3);
}

/* All crashes in the step that comes next. */
static void crash_here(const struct world_snapshot *snapshot) {
    for (uint64_t seed = 1; seed <= 5; seed++) {
        world_restore(world, snapshot);
        check_power(seed);
        world_restore(world, snapshot);
        world_set_seed(world, seed);
        if (world_kill(world, node_a)) {
            check_killed();
        }
    }
    for (uint64_t call = 1; world_restore(world, snapshot), world_node_is_up(world, node_a);
         call++) {
        ck_assert(world_kill_at_call(world, node_a, call));
        world_run_steps(world, 1);
        if (world_node_is_up(world, node_a)) {
            break; /* there are not so many calls in it */
        }
        inside++;
        check_killed();
        check_power(call);
    }
}

static uint64_t enumerate(enum cheat how) {
    struct world_snapshot snapshot = {0};
    uint64_t steps = 0;
    cheat = how;
    broken = crashes = inside = torn = 0;
    build();
    world_run_steps(world, 1);
    for (;; steps++) {
        ck_assert(world_save(world, &snapshot));
        uint64_t before = world_steps(world);
        crash_here(&snapshot);
        world_restore(world, &snapshot);
        world_run_steps(world, 1);
        if (world_steps(world) == before) {
            break;
        }
    }
    world_snapshot_free(&snapshot);
    return steps;
}

START_TEST(test_crash__loses_nothing_that_was_promised) {
    uint64_t steps = enumerate(HONEST);
    ck_assert_uint_eq(promised->durable, RECORDS);
    ck_assert_uint_eq(promised->config, RECORDS / 6);
    ck_assert_uint_eq(broken, 0);
    ck_assert_uint_gt(steps, RECORDS * 3 / 2);
    ck_assert_uint_gt(inside, steps); /* several in a step */
    ck_assert_uint_gt(crashes, 6 * steps);
    ck_assert_uint_gt(torn, 10);
}
END_TEST

START_TEST(test_crash__catches_who_forgets_a_sync) {
    enumerate((enum cheat)_i);
    ck_assert_uint_gt(broken, 0);
}
END_TEST

/* A write that is under way when its process is killed: some of its pages, from the front. */
START_TEST(test_kill__leaves_a_prefix_of_a_write) {
    static uint8_t bytes[10 * PAGE];
    unsigned lengths = 0;
    memset(bytes, 9, sizeof bytes);
    for (uint64_t seed = 1; seed <= 200; seed++) {
        new_disk(seed, 0);
        struct env_file *file = open_file("/f", ENV_OPEN_NEW);
        job.file = file;
        job.offset = 100;
        job.bytes = bytes;
        job.len = sizeof bytes;
        now(write_job);
        ck_assert(world_kill(world, node_a));
        uint64_t size = size_of("/f");
        ck_assert(size == 0 || size % PAGE == 0 || size == 100 + sizeof bytes);
        ck_assert(size == 0 || is_all("/f", 100, (size_t)size - 100, 9));
        lengths |= 1u << (size + PAGE - 1) / PAGE;
    }
    ck_assert_uint_eq(lengths, 0xfff); /* none, each of ten, all */
}
END_TEST

/* What a handler asked for does not happen when it has not used up its time. */
START_TEST(test_kill__undoes_what_has_not_begun) {
    new_disk(1, 0);
    struct env_file *file = open_file("/f", ENV_OPEN_NEW);
    struct dist cpu = {.kind = DIST_CONSTANT, .min = 10 * MS};
    ck_assert(world_set_cpu(world, node_a, &cpu));
    job.file = file;
    job.offset = 0;
    job.bytes = (const uint8_t *)"x";
    job.len = 1;
    job.number = 1;
    now(write_job);
    run_for(9 * MS);
    ck_assert_uint_eq(size_of("/f"), 0);
    ck_assert(world_kill(world, node_a));
    ck_assert_uint_eq(size_of("/f"), 0);
    ck_assert_uint_eq(world_counts(world)->disk_cut, 1);
}
END_TEST

START_TEST(test_lock__ends_with_its_process) {
    new_disk(1, 0);
    struct node_config config;
    node_config_default(&config);
    node_b = add_puppet(host_a, "node-b", "", &config);
    run_for(MS);
    job.path = "/lock";
    tell(node_b, lock_job);
    run_for(0);
    ck_assert_int_eq(job.err, RMQ_OK);
    ck_assert_int_eq(now(lock_job), RMQ_E_IN_USE);
    ck_assert(world_kill(world, node_b));
    ck_assert_int_eq(now(lock_job), RMQ_OK);
    close_file(job.file);
    ck_assert_int_eq(now(lock_job), RMQ_OK);
}
END_TEST

static void fill(TCase *cases) {
    tcase_add_test(cases, test_crash__loses_nothing_that_was_promised);
    tcase_add_loop_test(cases, test_crash__catches_who_forgets_a_sync, HONEST + 1, CHEATS);
    tcase_add_test(cases, test_kill__leaves_a_prefix_of_a_write);
    tcase_add_test(cases, test_kill__undoes_what_has_not_begun);
    tcase_add_test(cases, test_lock__ends_with_its_process);
}

int main(void) {
    return run_suite("disk_crash", fill);
}
