/* Nodes that do anything with files, faults that do anything to them: the invariants hold, what a
 * snapshot restores runs again to the same world, byte for byte, and no memory is lost. */
#include "sim/world/disk_internal.h"

#include "sim/tests/puppet.h"

#define S WORLD_SECOND_NS
#define NODES 4
#define OPS 8
#define FILES 6

/* ---- a node ---- */

struct stormy;
struct stormy_op {
    struct env_file_op op;
    struct stormy *node;
    uint8_t *bytes;
};
struct stormy {
    struct env *env;
    struct env_timer timer;
    struct env_file *files[FILES];
    struct stormy_op ops[OPS];
    uint64_t sum; /* of all that it saw */
};

static void on_done(struct env_file_op *op, int status) {
    struct stormy_op *mine = RMQ_CONTAINER_OF(op, struct stormy_op, op);
    struct stormy *node = mine->node;
    node->sum = node->sum * 31 + (uint64_t)(status + 100) + op->bytes;
    env_free(node->env, mine->bytes);
    mine->bytes = NULL;
}

static struct span path(struct stormy *node, char out[32]) {
    uint64_t u = env_random(node->env);
    return span_of(
        out, (size_t)snprintf(out, 32, "/d%u/f%u", (unsigned)(u & 1), (unsigned)(u >> 1) % 5));
}

/* One whose operation may be started; NULL: all are under way. */
static struct stormy_op *free_op(struct stormy *node, size_t bytes) {
    for (int i = 0; i < OPS; i++) {
        if (!env_file_op_active(&node->ops[i].op)) {
            env_free(node->env, node->ops[i].bytes); /* of one that a close has dropped */
            node->ops[i].node = node;
            node->ops[i].bytes = env_alloc(node->env, bytes + 1);
            ck_assert_ptr_nonnull(node->ops[i].bytes);
            memset(node->ops[i].bytes, (int)(env_random(node->env) & 255), bytes);
            return &node->ops[i];
        }
    }
    return NULL;
}

static uint64_t below(struct stormy *node, uint64_t bound) {
    return env_random_below(node->env, bound);
}

/* Mostly near the beginning, sometimes far away. */
static uint64_t offset(struct stormy *node) {
    return below(node, 1ULL << (10 + below(node, 12)));
}

static void on_file(struct stormy *node, struct env_file *file) {
    size_t len = (size_t)offset(node) / 4 + below(node, 100);
    uint64_t at = offset(node), what = below(node, 8);
    struct stormy_op *op = free_op(node, len);
    struct span view;
    if (op == NULL) {
        return;
    }
    if (what < 3) {
        env_file_write(file, at, span_of(op->bytes, len), &op->op, on_done);
    } else if (what == 3) {
        env_file_read(file, at, op->bytes, len, &op->op, on_done);
    } else if (what == 4) {
        env_file_zero(file, at, len, &op->op, on_done);
    } else if (what == 5) {
        env_file_sync(file, &op->op, on_done);
    } else if (what == 6) {
        node->sum += (uint64_t)env_file_truncate(file, at);
    } else if (env_file_view(file, at, len + 1, &view) == RMQ_OK) {
        node->sum = node->sum * 31 + view.len + trace_hash_bytes(view.data, view.len);
    }
}

static void on_names(struct stormy *node) {
    char a[32], b[32];
    struct span from = path(node, a), to = path(node, b);
    uint64_t what = below(node, 5);
    struct stormy_op *op;
    if (what == 0) {
        node->sum += (uint64_t)env_path_rename(node->env, from, to);
    } else if (what == 1) {
        node->sum += (uint64_t)env_path_unlink(node->env, from);
    } else if (what == 2) {
        from.len = 3; /* a directory */
        to.len = 3;
        node->sum += (uint64_t)env_path_rename(node->env, from, to);
    } else if (what == 3) {
        from.len = 3;
        node->sum += (uint64_t)env_path_unlink(node->env, from);
        node->sum += (uint64_t)env_path_make_dir(node->env, from);
    } else if ((op = free_op(node, 0)) != NULL) {
        from.len = below(node, 2) == 0 ? 3 : 1;
        env_path_sync_dir(node->env, from, &op->op, on_done);
    }
}

static void step(struct env *env, struct env_timer *timer) {
    struct stormy *node = RMQ_CONTAINER_OF(timer, struct stormy, timer);
    struct env_file **file = &node->files[below(node, FILES)];
    char text[32];
    env_timer_start(env, timer, 1 + below(node, 200000), step);
    if (*file == NULL) {
        struct span where = path(node, text);
        int err = env_file_open(env, where, (enum env_open_mode)below(node, 4), file);
        node->sum += (uint64_t)err;
    } else if (below(node, 30) == 0) {
        env_file_close(*file);
        *file = NULL;
    } else if (below(node, 8) == 0) {
        on_names(node);
    } else if ((*file)->writable) {
        on_file(node, *file);
    }
}

static int start(struct env *env, const struct props *config, void **state) {
    (void)config;
    struct stormy *node = env_alloc(env, sizeof *node);
    ck_assert_ptr_nonnull(node);
    memset(node, 0, sizeof *node);
    node->env = env;
    *state = node;
    node->sum += (uint64_t)env_path_make_dir(env, SPAN_LITERAL("/d0"));
    node->sum += (uint64_t)env_path_make_dir(env, SPAN_LITERAL("/d1"));
    struct env_file *lock;
    node->sum += (uint64_t)env_file_lock(env, SPAN_LITERAL("/lock"), &lock);
    env_timer_start(env, &node->timer, 1, step);
    return RMQ_OK;
}
static void stop(void *state) {
    env_exit(((struct stormy *)state)->env, 0);
}
static const struct role STORMY = {"stormy", start, stop, NULL};

/* ---- faults: one each 20 ms, drawn from the seed and the time ---- */

static uint64_t drawn(struct world *of, uint64_t index) {
    return draw(world_seed(of), DRAW_TEST, world_now(of), index);
}

static void trouble(struct world *of, void *args) {
    (void)args;
    node_id node = (node_id)(1 + drawn(of, 0) % NODES);
    struct host *host = drawn(of, 1) % 2 == 0 ? host_a : host_b;
    bool on = drawn(of, 2) % 3 == 0;
    struct disk_profile changed = *world_disk(of, host);
    switch (drawn(of, 3) % 14) {
    case 0:
        world_power_off(of, host);
        break;
    case 1:
    case 2:
        world_kill(of, node);
        break;
    case 3:
        world_kill_at_call(of, node, 1 + drawn(of, 4) % 50);
        break;
    case 4:
        world_disk_full(of, host, on);
        break;
    case 5:
        world_disk_read_only(of, host, on);
        break;
    case 6:
        world_disk_stall(of, host, on);
        break;
    case 7:
        world_disk_fail(of, host, 1 + (unsigned)(drawn(of, 4) % 7), on);
        break;
    case 8:
        world_disk_lie(of, host, on);
        break;
    case 9:
        world_disk_rot(of, host, SPAN_LITERAL("/f1"), drawn(of, 4));
        break;
    case 10:
        world_disk_misdirect(of, host, SPAN_LITERAL("/f2"));
        break;
    case 11:
        changed.cache_bytes = on ? 200000 : 0;
        changed.sync_fail_ppm = on ? 300000 : 0;
        changed.write_fail_ppm = on ? 0 : 50000;
        changed.capacity_bytes = on ? 2000000 : 0;
        changed.write_back_ns = 100 * MS;
        world_set_disk(of, host, &changed);
        break;
    case 12:
        if (!world_pause(of, node)) {
            world_resume(of, node);
        }
        break;
    default:
        world_power_on(of, host_a);
        world_power_on(of, host_b);
        for (node_id i = 1; i <= NODES; i++) {
            world_start(of, i);
            world_resume(of, i);
        }
    }
    ck_assert(world_schedule(of, world_now(of) + 20 * MS, 0, trouble, NULL));
}

static void build(uint64_t seed) {
    new_world(seed);
    struct node_config config;
    for (int i = 0; i < NODES; i++) {
        char name[8];
        snprintf(name, sizeof name, "n%d", i);
        node_config_default(&config);
        config.name = name;
        config.host = i % 2 == 0 ? host_a : host_b;
        config.role = &STORMY;
        if (i == 1) {
            config.cpu = (struct dist){.kind = DIST_UNIFORM, .min = 1000, .max = 100000};
        }
        ck_assert_uint_eq(world_add_node(world, &config), (unsigned)i + 1);
    }
    ck_assert(world_schedule(world, 20 * MS, 0, trouble, NULL));
}

/* ---- tests ---- */

static void hex(char out[33]) {
    trace_hash_hex(world_hash(world), out);
}

/* Content of all files, which is not in the arena. */
static void hash_file(struct inode *file, struct span where, void *ctx) {
    uint64_t *hash = ctx;
    *hash = *hash * 31 + trace_hash_bytes(where.data, where.len) + file->size;
    for (uint64_t at = 0; at < file->size;) {
        struct span view = file_view(file, at, BLOCK_BYTES);
        *hash = *hash * 31 + trace_hash_bytes(view.data, view.len);
        at += view.len;
    }
}
static uint64_t content(void) {
    uint64_t hash = 0;
    disk_walk(disk_of(world, host_a), hash_file, &hash);
    disk_walk(disk_of(world, host_b), hash_file, &hash);
    return hash;
}

START_TEST(test_storm__keeps_the_invariants) {
    build((uint64_t)_i + 1);
    for (int i = 0; i < 400; i++) {
        run_for(5 * MS + 1);
        world_check(world);
    }
    const struct world_counts *counts = world_counts(world);
    ck_assert_uint_gt(counts->disk_writes, 1000);
    ck_assert_uint_gt(counts->disk_syncs, 50);
}
END_TEST

START_TEST(test_storms__have_seen_everything) {
    struct world_counts all = {0};
    uint64_t *sum = (uint64_t *)(void *)&all;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        build(seed);
        run_until(2 * S);
        const uint64_t *counts = (const uint64_t *)(const void *)world_counts(world);
        for (size_t i = 0; i < sizeof all / sizeof *sum; i++) {
            sum[i] += counts[i];
        }
    }
    const uint64_t seen[] = {all.disk_failed,   all.disk_full,  all.disk_read_only, all.disk_held,
                             all.disk_lied,     all.pages_kept, all.pages_lost,     all.pages_torn,
                             all.pages_dropped, all.names_kept, all.names_lost,     all.sizes_kept,
                             all.sizes_lost,    all.disk_cut,   all.rotted,         all.misdirected,
                             all.inside_kills,  all.disk_reads};
    for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++) {
        ck_assert_msg(seen[i] > 0, "number %zu", i);
    }
}
END_TEST

START_TEST(test_snapshot__restores_and_reruns_byte_for_byte) {
    build((uint64_t)_i);
    struct world_snapshot begin = {0}, end = {0};
    run_until((uint64_t)_i * 130 * MS);
    ck_assert(world_save(world, &begin));
    uint64_t content_then = content();
    char first[33], second[33];
    run_until(2 * S);
    hex(first);
    ck_assert(world_save(world, &end));
    uint64_t content_first = content();
    for (int i = 0; i < 2; i++) {
        world_restore(world, &begin);
        world_check(world);
        ck_assert(arena_equals(&begin.arena));
        ck_assert_uint_eq(content(), content_then);
        run_until(2 * S);
        hex(second);
        ck_assert_str_eq(first, second);
        ck_assert(arena_equals(&end.arena));
        ck_assert_uint_eq(content(), content_first);
    }
    /* Another branch, and back to the end of the first. */
    world_restore(world, &begin);
    world_set_seed(world, 77);
    run_until(S + (uint64_t)_i * 100 * MS);
    world_restore(world, &end);
    world_check(world);
    ck_assert(arena_equals(&end.arena));
    ck_assert_uint_eq(content(), content_first);
    world_snapshot_free(&begin);
    world_snapshot_free(&end);
}
END_TEST

START_TEST(test_tape__goes_back_and_forth) {
    build(3);
    struct world_tape *tape = world_tape_create(world, 100 * MS, 6);
    static const uint64_t TIMES[] = {1500, 400, 1900, 30, 1500, 1499, 2000, 10};
    char hashes[8][33];
    uint64_t contents[8];
    for (int i = 0; i < 8; i++) {
        world_goto(tape, TIMES[i] * MS);
        ck_assert_uint_eq(world_now(world), TIMES[i] * MS);
        world_check(world);
        hex(hashes[i]);
        contents[i] = content();
    }
    ck_assert_str_eq(hashes[0], hashes[4]);
    ck_assert_uint_eq(contents[0], contents[4]);
    world_tape_free(tape);
    for (int i = 0; i < 8; i++) {
        char fresh[33];
        build(3);
        run_until(TIMES[i] * MS);
        hex(fresh);
        ck_assert_str_eq(fresh, hashes[i]);
        ck_assert_uint_eq(content(), contents[i]);
    }
}
END_TEST

START_TEST(test_sweep__leaks_no_memory) {
    build(1);
    struct world_snapshot begin = {0};
    ck_assert(world_save(world, &begin));
    size_t before = page_store_bytes(), most = 0;
    for (uint64_t seed = 1; seed <= 10000; seed++) {
        world_set_seed(world, seed);
        run_until(MS + seed % 7 * 500000);
        most = page_store_bytes() > most ? page_store_bytes() : most;
        world_restore(world, &begin);
        ck_assert_uint_eq(page_store_bytes(), before);
    }
    ck_assert_uint_gt(most, before);
    world_snapshot_free(&begin);
    ck_assert_uint_eq(page_store_bytes(), before);
}
END_TEST

static void fill(TCase *cases) {
    tcase_add_loop_test(cases, test_storm__keeps_the_invariants, 0, 20);
    tcase_add_test(cases, test_storms__have_seen_everything);
    tcase_add_loop_test(cases, test_snapshot__restores_and_reruns_byte_for_byte, 0, 12);
    tcase_add_test(cases, test_tape__goes_back_and_forth);
    tcase_add_test(cases, test_sweep__leaks_no_memory);
}

int main(void) {
    return run_suite("disk_storm", fill);
}
