/* conformance_files.c - steps about files. */
#include <stdio.h>
#include <stdlib.h>

#include "model/tests/conformance_internal.h"

/* ---- operations ---- */

static void on_done(struct env_file_op *op, int status) {
    struct step_op *step = RMQ_CONTAINER_OF(op, struct step_op, op);
    step->told = true;
    step->status = status;
    step->bytes = op->bytes;
}

static struct step_op *new_op(struct program *program, char kind) {
    RMQ_ASSERT(program->op_count < OPS_MAX);
    struct step_op *step = &program->ops[program->op_count++];
    memset(step, 0, sizeof *step);
    step->program = program;
    step->kind = kind;
    return step;
}

static void *op_data(struct step_op *step, size_t len) {
    step->data = env_alloc(step->program->env, len + 1);
    RMQ_ASSERT(step->data != NULL);
    step->data_len = len;
    memset(step->data, 0x55, len);
    return step->data;
}

static void tell_op(const struct step_op *step) {
    if (!step->told) {
        say("dropped");
    } else if (step->status != RMQ_OK) {
        say("%s", rmq_err_text(step->status));
    } else if (step->kind == 'r') {
        say_bytes("ok", step->data, step->bytes);
    } else {
        say("ok %zu", step->bytes);
    }
}

static bool all_done(struct program *program) {
    for (size_t i = 0; i < program->op_count; i++) {
        if (env_file_op_active(&program->ops[i].op)) {
            return false;
        }
    }
    for (size_t i = 0; i < program->op_count; i++) {
        tell_op(&program->ops[i]);
        env_free(program->env, program->ops[i].data);
    }
    program->op_count = 0;
    return true;
}

/* ---- steps with handles ---- */

static struct env_file *file_of(struct program *program, const struct words *words) {
    return program->files[word_name(words, 1)];
}

/* Whether the step is one that its handle can take; says so when not. */
static bool handle_fits(struct program *program, const struct words *words, char needs) {
    if (needs == '-') {
        return true;
    }
    size_t name = word_name(words, 1);
    bool is_open = program->files[name] != NULL;
    if (needs == 'n' ? is_open : !is_open) {
        say(is_open ? "is open" : "is not open");
        return false;
    }
    if (needs == 'w' && !program->writable[name]) {
        say("is open for reading");
        return false;
    }
    return true;
}

/* open NAME read|write|create|new PATH */
static void step_open(struct program *program, const struct words *words) {
    static const char *const modes[] = {"read", "write", "create", "new"};
    char path[ENV_PATH_MAX * 2];
    int mode = 0;
    while (!span_equal(words->word[2], span_of_text(modes[mode]))) {
        mode++;
    }
    struct env_file **file = &program->files[word_name(words, 1)];
    program->writable[word_name(words, 1)] = mode != ENV_OPEN_READ;
    say_err(env_file_open(program->env, word_path(words, 3, path), (enum env_open_mode)mode, file));
}

/* lock NAME PATH */
static void step_lock(struct program *program, const struct words *words) {
    char path[ENV_PATH_MAX * 2];
    struct env_file **file = &program->files[word_name(words, 1)];
    program->writable[word_name(words, 1)] = true;
    say_err(env_file_lock(program->env, word_path(words, 2, path), file));
}

static void step_close(struct program *program, const struct words *words) {
    env_file_close(file_of(program, words));
    program->files[word_name(words, 1)] = NULL;
}

static void step_size(struct program *program, const struct words *words) {
    say("%llu", (unsigned long long)env_file_size(file_of(program, words)));
}

/* modified NAME: within a minute of the wall clock. */
static void step_modified(struct program *program, const struct words *words) {
    int64_t age_ms = env_wall_ms(program->env) - env_file_modified_ms(file_of(program, words));
    say("%s", age_ms > -60000 && age_ms < 60000 ? "now" : "another time");
}

/* Text, or COUNT*BYTE. */
static void parse_bytes(struct step_op *step, struct span text) {
    const uint8_t *star = memchr(text.data, '*', text.len);
    if (star == NULL) {
        memcpy(op_data(step, text.len), text.data, text.len);
        return;
    }
    uint64_t count = 0;
    int err = span_to_u64(span_of(text.data, (size_t)(star - text.data)), &count);
    RMQ_ASSERT(err == RMQ_OK && count <= FILE_LEN_MAX);
    memset(op_data(step, (size_t)count), star[1], (size_t)count);
}

/* write NAME OFFSET BYTES */
static void step_write(struct program *program, const struct words *words) {
    struct step_op *step = new_op(program, 'o');
    parse_bytes(step, words->word[3]);
    env_file_write(file_of(program, words), word_number(words, 2),
                   span_of(step->data, step->data_len), &step->op, on_done);
}

static void start_read(struct program *program, struct env_file *file, uint64_t offset,
                       size_t len) {
    struct step_op *step = new_op(program, 'r');
    env_file_read(file, offset, op_data(step, len), len, &step->op, on_done);
}

/* read NAME OFFSET LEN */
static void step_read(struct program *program, const struct words *words) {
    start_read(program, file_of(program, words), word_number(words, 2),
               (size_t)word_number(words, 3));
}

/* view NAME OFFSET LEN: by views as far as they reach, else by a read. */
static void step_view(struct program *program, const struct words *words) {
    struct env_file *file = file_of(program, words);
    uint64_t offset = word_number(words, 2), have = 0, len = word_number(words, 3);
    static uint8_t bytes[FILE_LEN_MAX];
    int err = RMQ_OK;
    while (have < len) {
        struct span part;
        err = env_file_view(file, offset + have, (size_t)(len - have), &part);
        if (err != RMQ_OK) {
            break;
        }
        RMQ_ASSERT(part.len > 0 && part.len <= len - have);
        memcpy(bytes + have, part.data, part.len);
        have += part.len;
    }
    if (err == RMQ_E_AGAIN) {
        start_read(program, file, offset, (size_t)len);
    } else if (err == RMQ_E_RANGE && have == 0) {
        say_err(err);
    } else {
        say_bytes("ok", bytes, (size_t)have);
    }
}

static void step_sync(struct program *program, const struct words *words) {
    env_file_sync(file_of(program, words), &new_op(program, 'o')->op, on_done);
}

/* truncate NAME SIZE */
static void step_truncate(struct program *program, const struct words *words) {
    say_err(env_file_truncate(file_of(program, words), word_number(words, 2)));
}

/* zero NAME OFFSET LEN */
static void step_zero(struct program *program, const struct words *words) {
    env_file_zero(file_of(program, words), word_number(words, 2), word_number(words, 3),
                  &new_op(program, 'o')->op, on_done);
}

/* ---- steps with paths ---- */

static void step_mkdir(struct program *program, const struct words *words) {
    char path[ENV_PATH_MAX * 2];
    say_err(env_path_make_dir(program->env, word_path(words, 1, path)));
}

static void step_rename(struct program *program, const struct words *words) {
    char from[ENV_PATH_MAX * 2], to[ENV_PATH_MAX * 2];
    struct span from_path = word_path(words, 1, from);
    say_err(env_path_rename(program->env, from_path, word_path(words, 2, to)));
}

static void step_unlink(struct program *program, const struct words *words) {
    char path[ENV_PATH_MAX * 2];
    say_err(env_path_unlink(program->env, word_path(words, 1, path)));
}

static void step_list(struct program *program, const struct words *words) {
    char path[ENV_PATH_MAX * 2];
    struct buf names;
    buf_init(&names, program->env);
    int err = env_path_list(program->env, word_path(words, 1, path), &names);
    for (size_t i = 0; i < names.len; i++) {
        names.data[i] = names.data[i] == 0 ? ' ' : names.data[i];
    }
    if (err == RMQ_OK) {
        say("ok %.*s", (int)names.len, (const char *)names.data);
    } else {
        say_err(err);
    }
    buf_deinit(&names);
}

static void step_sync_dir(struct program *program, const struct words *words) {
    char path[ENV_PATH_MAX * 2];
    env_path_sync_dir(program->env, word_path(words, 1, path), &new_op(program, 'o')->op, on_done);
}

static void step_usage(struct program *program, const struct words *words) {
    char path[ENV_PATH_MAX * 2];
    struct env_disk_usage usage = {0, 0};
    int err = env_disk_usage(program->env, word_path(words, 1, path), &usage);
    if (err == RMQ_OK && usage.total_bytes > 0 && usage.used_bytes <= usage.total_bytes) {
        say("ok");
    } else {
        say_err(err);
    }
}

/* wait: tells of all operations that were started with "& ", by their starts. */
static void step_wait(struct program *program, const struct words *words) {
    (void)program;
    (void)words;
}

bool step_of_files(struct program *program, const struct words *words) {
    static const struct {
        const char *name;
        void (*run)(struct program *program, const struct words *words);
        size_t arguments;
        char needs; /* of the handle: n not open, o open, w writable, - no handle */
    } steps[] = {
        {"open", step_open, 3, 'n'},         {"close", step_close, 1, 'o'},
        {"size", step_size, 1, 'o'},         {"modified", step_modified, 1, 'o'},
        {"write", step_write, 3, 'w'},       {"read", step_read, 3, 'o'},
        {"view", step_view, 3, 'o'},         {"sync", step_sync, 1, 'o'},
        {"truncate", step_truncate, 2, 'w'}, {"zero", step_zero, 3, 'w'},
        {"mkdir", step_mkdir, 1, '-'},       {"rename", step_rename, 2, '-'},
        {"unlink", step_unlink, 1, '-'},     {"list", step_list, 1, '-'},
        {"syncdir", step_sync_dir, 1, '-'},  {"usage", step_usage, 1, '-'},
        {"lock", step_lock, 2, 'n'},         {"wait", step_wait, 0, '-'},
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (span_equal(words->word[0], span_of_text(steps[i].name))) {
            RMQ_ASSERT(words->count == steps[i].arguments + 1);
            size_t before = program->op_count;
            if (handle_fits(program, words, steps[i].needs)) {
                steps[i].run(program, words);
            }
            if (program->op_count > before || steps[i].run == step_wait) {
                if (!words->background) {
                    wait_until(all_done);
                }
            }
            return true;
        }
    }
    return false;
}
