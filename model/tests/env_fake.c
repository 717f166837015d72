/* env_fake.c - life of the fake node: handlers, crash points, roles, chance. */
#include "model/tests/env_fake.h"

#include <stdio.h>
#include <stdlib.h>

#include "model/tests/env_fake_internal.h"

/* The node whose handler runs now: a handler must not call into another one (E5). */
static const struct env *running;

void rmq_assert_fail(const char *expression, const char *file, int line) {
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expression);
    abort();
}

/* ---- libc memory for records -------------------------------------------------------------------
 */

void *fake_must_alloc(size_t size) {
    void *memory = calloc(1, size > 0 ? size : 1);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

void *fake_grow(void *array, size_t count, size_t *capacity, size_t size) {
    if (count < *capacity) {
        return array;
    }
    *capacity = *capacity == 0 ? 16 : *capacity * 2;
    array = realloc(array, *capacity * size);
    if (array == NULL) {
        abort();
    }
    return array;
}

char *fake_copy_text(const char *text, size_t len) {
    char *copy = fake_must_alloc(len + 1);
    if (len > 0) {
        memcpy(copy, text, len);
    }
    return copy;
}

/* ---- handlers and crash points -----------------------------------------------------------------
 */

void fake_outside_handler(const struct env *env) {
    RMQ_ASSERT(!env->in_handler); /* E1, E2, E5: a handler must not call this */
    RMQ_ASSERT(running == NULL);
}

static void handler_begin(struct env *env) {
    fake_outside_handler(env);
    env->in_handler = true;
    env->handler_mono_ns = env->mono_ns;
    running = env;
}

void fake_end_node(struct env *env) {
    fake_timers_drop(env);
    fake_files_drop(env);
    fake_net_drop(env);
    fake_memory_drop(env);
    env->node = NULL;
}

static void handler_end(struct env *env) {
    RMQ_ASSERT(env->in_handler);
    RMQ_ASSERT(env->mono_ns == env->handler_mono_ns); /* E1 */
    env->in_handler = false;
    running = NULL;
    if (env->exiting && !env->crashed) {
        env->exited = true;
        env->exiting = false;
        fake_end_node(env);
    }
}

void fake_run(void (*body)(const struct fake_step *step), const struct fake_step *step) {
    handler_begin(step->env);
    if (setjmp(step->env->crash_exit) == 0) {
        body(step);
    }
    handler_end(step->env);
}

void fake_call(const struct env *env) {
    struct env *self = (struct env *)env;          /* counting is not the node's state */
    RMQ_ASSERT(running == NULL || running == env); /* E5: a handler of another node */
    if (!env->in_handler) {
        return;
    }
    self->calls++;
    if (self->crash_in > 0 && --self->crash_in == 0) {
        self->crashed = true;
        self->exiting = false;
        fake_end_node(self);
        longjmp(self->crash_exit, 1);
    }
}

void fake_crash_at(struct env *env, unsigned n) {
    env->crash_in = n;
}

bool fake_crashed(const struct env *env) {
    return env->crashed;
}

size_t fake_call_count(const struct env *env) {
    return env->calls;
}

void fake_fail_at(struct env *env, enum fake_failure what, unsigned n) {
    env->fail_in[what] = n;
    env->failed[what] = false;
}

bool fake_failed(struct env *env, enum fake_failure what) {
    bool failed = env->failed[what];
    fake_fail_at(env, what, 0);
    return failed;
}

bool fake_fails(struct env *env, enum fake_failure what) {
    if (env->failures_off || env->fail_in[what] == 0 || --env->fail_in[what] > 0) {
        return false;
    }
    env->failed[what] = true;
    return true;
}

/* ---- life --------------------------------------------------------------------------------------
 */

struct env *fake_create(void) {
    struct env *env = fake_must_alloc(sizeof *env);
    env->mono_ns = 1000000000;
    fake_set_wall_ms(env, 1767225600000);
    fake_set_identity(env, "10.0.0.9", 4242);
    fake_set_memory_bytes(env, UINT64_C(8) << 30);
    fake_seed(env, 1);
    env->next_port = 20000;
    env->disk.error = RMQ_E_IO;
    env->disk.usage.total_bytes = UINT64_C(64) << 30;
    return env;
}

void fake_discard(struct env *env) {
    fake_outside_handler(env);
    fake_end_node(env);
    fake_net_free(env);
    fake_files_free(env);
    fake_record_free(env);
    free(env->timers);
    free(env);
}

void fake_destroy(struct env *env) {
    size_t conns = fake_conn_count(env);
    size_t listeners = fake_listener_count(env);
    size_t files = fake_open_files(env);
    if (env->memory_blocks + env->timer_count + conns + listeners + files > 0) {
        fprintf(stderr,
                "left behind: %zu blocks (%zu bytes), %zu timers, %zu connections, %zu listeners, "
                "%zu files\n",
                env->memory_blocks, env->memory_used, env->timer_count, conns, listeners, files);
    }
    RMQ_ASSERT(env->memory_blocks == 0);
    RMQ_ASSERT(env->timer_count == 0);
    RMQ_ASSERT(conns == 0);
    RMQ_ASSERT(listeners == 0);
    RMQ_ASSERT(files == 0);
    RMQ_ASSERT(fake_file_ops(env) == 0);
    fake_discard(env);
}

static void run_start(const struct fake_step *step) {
    step->env->result = step->env->role->start(step->env, step->props, &step->env->node);
}

static void run_stop(const struct fake_step *step) {
    step->env->role->stop(step->env->node);
}

static void run_command(const struct fake_step *step) {
    step->env->result = step->env->role->command(step->env->node, step->props);
}

int fake_start(struct env *env, const struct role *role, const struct props *config) {
    RMQ_ASSERT(env->node == NULL);
    env->role = role;
    env->crashed = env->exiting = env->exited = false;
    env->result = RMQ_E_STATE;
    fake_run(run_start, &(struct fake_step){.env = env, .props = config});
    if (env->result != RMQ_OK) {
        env->node = NULL;
    }
    return env->crashed ? RMQ_E_STATE : env->result;
}

void fake_stop(struct env *env) {
    RMQ_ASSERT(env->node != NULL);
    fake_run(run_stop, &(struct fake_step){.env = env});
}

int fake_command(struct env *env, const struct props *command) {
    RMQ_ASSERT(env->node != NULL);
    RMQ_ASSERT(env->role->command != NULL);
    fake_run(run_command, &(struct fake_step){.env = env, .props = command});
    return env->crashed ? RMQ_E_STATE : env->result;
}

/* Properties whose memory belongs to a fake of their own, `keeper`: a crash of the node does not
 * take it, and scripted failures do not hit it. */
static void parse_props(const char *text, struct env **keeper, struct props *props) {
    size_t line = 0;
    *keeper = fake_create();
    props_init(props, *keeper);
    int err = props_parse(props, span_of_text(text), &line);
    RMQ_ASSERT(err == RMQ_OK);
}

int fake_start_text(struct env *env, const struct role *role, const char *config) {
    struct env *keeper = NULL;
    struct props props;
    parse_props(config, &keeper, &props);
    int err = fake_start(env, role, &props);
    fake_discard(keeper);
    return err;
}

int fake_command_text(struct env *env, const char *command) {
    struct env *keeper = NULL;
    struct props props;
    parse_props(command, &keeper, &props);
    int err = fake_command(env, &props);
    fake_discard(keeper);
    return err;
}

void *fake_node(struct env *env) {
    return env->node;
}

bool fake_exited(const struct env *env, int *status) {
    if (env->exited && status != NULL) {
        *status = env->exit_status;
    }
    return env->exited;
}

void env_exit(struct env *env, int status) {
    fake_call(env);
    RMQ_ASSERT(env->in_handler);
    env->exiting = true;
    env->exit_status = status;
}

/* ---- self --------------------------------------------------------------------------------------
 */

void fake_set_identity(struct env *env, const char *ip, uint32_t process_number) {
    RMQ_ASSERT(strlen(ip) < ENV_ADDRESS_MAX);
    memset(&env->identity, 0, sizeof env->identity);
    memcpy(env->identity.ip, ip, strlen(ip));
    env->identity.process_number = process_number;
}

void env_identity(const struct env *env, struct env_identity *out) {
    fake_call(env);
    *out = env->identity;
}

void fake_set_memory_bytes(struct env *env, uint64_t bytes) {
    env->memory_bytes = bytes;
}

uint64_t env_memory_bytes(const struct env *env) {
    fake_call(env);
    return env->memory_bytes;
}

/* ---- chance ------------------------------------------------------------------------------------
 */

void fake_seed(struct env *env, uint64_t seed) {
    env->random_state = seed;
}

/* SplitMix64. */
static uint64_t next_random(struct env *env) {
    env->random_state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t mixed = env->random_state;
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94D049BB133111EB);
    return mixed ^ mixed >> 31;
}

uint64_t env_random(struct env *env) {
    fake_call(env);
    return next_random(env);
}

uint64_t env_random_below(struct env *env, uint64_t bound) {
    fake_call(env);
    RMQ_ASSERT(bound > 0);
    uint64_t surplus = (0 - bound) % bound; /* 2^64 mod bound: the values that would bias */
    uint64_t value = next_random(env);
    while (value < surplus) {
        value = next_random(env);
    }
    return value % bound;
}

void fake_set_buggify(struct env *env, enum env_buggify_id id, bool on) {
    env->buggify[id] = on;
}

void fake_set_plant(struct env *env, enum env_plant_id id, bool on) {
    env->plant[id] = on;
}

bool env_buggify(struct env *env, enum env_buggify_id id) {
    fake_call(env);
    return env->buggify[id];
}

bool env_plant(struct env *env, enum env_plant_id id) {
    fake_call(env);
    return env->plant[id];
}
