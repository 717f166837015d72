/* conformance_internal.h - what the files of the conformance suite share. See conformance.h. */
#ifndef MODEL_TESTS_CONFORMANCE_INTERNAL_H
#define MODEL_TESTS_CONFORMANCE_INTERNAL_H

#include "model/base/buf.h"
#include "model/base/check.h"
#include "model/env.h"
#include "model/tests/conformance.h"

#define NAMES 26 /* handles are named by one small letter */
#define OPS_MAX 64
#define WORDS_MAX 12
#define FILE_LEN_MAX (1 << 20)

struct program;

/* A file operation. */
struct step_op {
    struct env_file_op op;
    struct program *program;
    char kind; /* 'r' read, 'v' view (perhaps a read), 'o' others */
    bool told;
    int status;
    size_t bytes;
    uint8_t *data; /* owned: what is written, or read into */
    size_t data_len;
};

struct step_timer {
    struct env_timer timer;
    struct program *program;
    int number;
    uint64_t due_ns;
};

struct step_conn {
    struct env_conn *conn; /* NULL: none, or ended */
    struct program *program;
    bool opened, ended, drained, seen_full;
    int reason;
    struct buf received;
};

/* A node. */
struct program {
    struct env *env;
    int number;
    struct env_file *files[NAMES];
    bool writable[NAMES];
    struct step_op ops[OPS_MAX];
    size_t op_count;
    struct step_timer timers[NAMES];
    size_t fired_count;
    int fired[NAMES];
    bool fired_early;
    uint64_t last_mono_ns;
    struct env_listener *listener;
    struct step_conn conns[NAMES];
    size_t accepted_count; /* waiting for `accept` */
    struct env_conn *accepted[NAMES];
};

/* What the step waits for; asked in handlers until true. */
typedef bool step_done_fn(struct program *program);

struct words {
    size_t count;
    struct span word[WORDS_MAX];
    bool background; /* "& " was before it */
};

/* Runs one step: says its results, and sets what it waits for. False: no such step. */
bool step_of_files(struct program *program, const struct words *words);
bool step_of_net(struct program *program, const struct words *words);
bool step_of_self(struct program *program, const struct words *words);

/* Appends to the text: "= " and this. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void say_err(int err);
void say_bytes(const char *before, const uint8_t *bytes, size_t len);
/* The step goes on until `done` is true, asked in a handler now and then; it says its result. */
void wait_until(step_done_fn *done);
/* Word `index` as a number, as the index of a handle's letter, as a path below the root. */
uint64_t word_number(const struct words *words, size_t index);
size_t word_name(const struct words *words, size_t index);
struct span word_path(const struct words *words, size_t index, char out[ENV_PATH_MAX * 2]);

extern const struct conformance_driver *conformance_driver;

/* conformance_drawn.c: runs program `number` and returns the hash of its text; 0: a step failed. */
uint64_t conformance_draw(unsigned number);
/* Runs one step of a transcript; false: it did not end. */
bool conformance_step(const char *line);
const char *conformance_text(void);
size_t conformance_text_len(void);

#endif
