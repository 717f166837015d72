/* conformance_self.c - steps about time, chance, memory and the node itself. */
#include "model/tests/conformance_internal.h"

#define MS 1000000ULL

static void on_timer(struct env *env, struct env_timer *timer) {
    struct step_timer *step = RMQ_CONTAINER_OF(timer, struct step_timer, timer);
    struct program *program = step->program;
    RMQ_ASSERT(program->env == env);
    program->fired_early |= env_mono_ns(env) < step->due_ns;
    program->fired[program->fired_count++] = step->number;
}

static bool all_fired(struct program *program) {
    for (size_t i = 0; i < NAMES; i++) {
        if (env_timer_armed(&program->timers[i].timer)) {
            return false;
        }
    }
    char order[NAMES + 1] = "";
    for (size_t i = 0; i < program->fired_count; i++) {
        order[i] = (char)('a' + program->fired[i]);
        order[i + 1] = '\0';
    }
    say("%s%s", order, program->fired_early ? " early" : "");
    program->fired_count = 0;
    return true;
}

/* timer NAME MS [NAME MS ...]: (re-)arms them, in one handler: time stands in between. */
static void step_timer(struct program *program, const struct words *words) {
    bool armed = true;
    for (size_t i = 1; i + 1 < words->count; i += 2) {
        size_t name = word_name(words, i);
        struct step_timer *step = &program->timers[name];
        step->program = program;
        step->number = (int)name;
        step->due_ns = env_mono_ns(program->env) + word_number(words, i + 1) * MS;
        env_timer_start(program->env, &step->timer, word_number(words, i + 1) * MS, on_timer);
        armed = armed && env_timer_armed(&step->timer);
    }
    say("%s", armed ? "armed" : "not armed");
}

/* stop NAME */
static void step_stop(struct program *program, const struct words *words) {
    struct env_timer *timer = &program->timers[word_name(words, 1)].timer;
    env_timer_stop(program->env, timer);
    say("%s", env_timer_armed(timer) ? "armed" : "not armed");
}

/* timers: waits until none is armed; their names by order of firing. */
static void step_timers(struct program *program, const struct words *words) {
    (void)program;
    (void)words;
    wait_until(all_fired);
}

/* clock: it stands while a handler runs, and never goes back. */
static void step_clock(struct program *program, const struct words *words) {
    (void)words;
    uint64_t mono_ns = env_mono_ns(program->env);
    int64_t wall_ms = env_wall_ms(program->env);
    for (volatile unsigned i = 0; i < 1000000; i++) {
    }
    bool stands = env_mono_ns(program->env) == mono_ns && env_wall_ms(program->env) == wall_ms;
    bool forward = mono_ns > 0 && mono_ns >= program->last_mono_ns;
    bool today = wall_ms > 1700000000000;
    program->last_mono_ns = mono_ns;
    say("%s %s %s", stands ? "stands" : "moves", forward ? "forward" : "back",
        today ? "today" : "another day");
}

/* random: 4,096 numbers below 10 are all of 0 to 9 and nothing else; 64 bits do not repeat. */
static void step_random(struct program *program, const struct words *words) {
    (void)words;
    unsigned seen = 0;
    bool inside = true;
    for (int i = 0; i < 4096; i++) {
        uint64_t value = env_random_below(program->env, 10);
        inside = inside && value < 10;
        seen |= 1U << (value & 31);
    }
    uint64_t first = env_random(program->env);
    uint64_t second = env_random(program->env);
    bool one = env_random_below(program->env, 1) == 0;
    say("%s %s", inside && one && seen == 0x3ff ? "below" : "not below",
        first != second ? "differ" : "repeat");
}

/* memory: blocks are aligned, keep their bytes, and change size. */
static void step_memory(struct program *program, const struct words *words) {
    (void)words;
    bool good = true;
    uint8_t *blocks[64];
    env_free(program->env, NULL);
    for (size_t i = 0; i < 64; i++) {
        blocks[i] = env_alloc(program->env, i * i + 1);
        good = good && blocks[i] != NULL && ((uintptr_t)blocks[i] & 15) == 0;
        memset(blocks[i], (int)i, i * i + 1);
    }
    for (size_t i = 0; i < 64; i++) {
        blocks[i] = env_realloc(program->env, blocks[i], i * 100 + 1);
        good = good && blocks[i] != NULL && ((uintptr_t)blocks[i] & 15) == 0;
        size_t kept = i * i < i * 100 ? i * i : i * 100;
        for (size_t k = 0; k <= kept; k++) {
            good = good && blocks[i][k] == i;
        }
    }
    for (size_t i = 0; i < 64; i++) {
        env_free(program->env, blocks[i]);
    }
    uint8_t *fresh = env_realloc(program->env, NULL, 10);
    good = good && fresh != NULL;
    env_free(program->env, fresh);
    struct env_identity self;
    env_identity(program->env, &self);
    good = good && self.ip[0] != '\0' && env_memory_bytes(program->env) > 0;
    good = good && !env_buggify(program->env, BUGGIFY_STORE_FLUSH_NOW) &&
           !env_plant(program->env, PLANT_STORE_NO_CRC);
    say("%s", good ? "good" : "bad");
}

/* exit STATUS: nothing of the node is called again. */
static void step_exit(struct program *program, const struct words *words) {
    env_exit(program->env, (int)word_number(words, 1));
    say("left");
}

bool step_of_self(struct program *program, const struct words *words) {
    static const struct {
        const char *name;
        void (*run)(struct program *program, const struct words *words);
    } steps[] = {{"timer", step_timer}, {"stop", step_stop},     {"timers", step_timers},
                 {"clock", step_clock}, {"random", step_random}, {"memory", step_memory},
                 {"exit", step_exit}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (span_equal(words->word[0], span_of_text(steps[i].name))) {
            steps[i].run(program, words);
            return true;
        }
    }
    return false;
}
