/* conformance_net.c - steps about streams between A and B. */
#include <stdio.h>

#include "model/tests/conformance_internal.h"

static struct step_conn *awaited; /* by the step that runs */
static size_t awaited_len;

/* ---- callbacks ---- */

static void on_open(struct env_conn *conn, void *ctx) {
    struct step_conn *step = ctx;
    RMQ_ASSERT(step->conn == conn && !step->opened);
    step->opened = true;
}
static void on_data(struct env_conn *conn, void *ctx, struct span bytes) {
    struct step_conn *step = ctx;
    RMQ_ASSERT(step->conn == conn && bytes.len > 0);
    buf_put_span(&step->received, bytes);
}
static void on_drain(struct env_conn *conn, void *ctx) {
    struct step_conn *step = ctx;
    RMQ_ASSERT(step->conn == conn && step->seen_full);
    step->drained = true;
}
static void on_close(struct env_conn *conn, void *ctx, int reason) {
    struct step_conn *step = ctx;
    RMQ_ASSERT(step->conn == conn && !step->ended);
    step->conn = NULL;
    step->ended = true;
    step->reason = reason;
}
static const struct env_conn_handler HANDLER = {on_open, on_data, on_drain, on_close};

static void on_accept(struct env_listener *listener, void *ctx, struct env_conn *conn) {
    struct program *program = ctx;
    RMQ_ASSERT(program->listener == listener);
    for (size_t i = 0; i < NAMES; i++) { /* under capital letters' places: a name not in use */
        struct step_conn *step = &program->conns[NAMES - 1 - i];
        if (step->program == NULL) {
            step->program = program;
            step->conn = conn;
            step->opened = true;
            buf_init(&step->received, program->env);
            env_conn_bind(conn, &HANDLER, step);
            return;
        }
    }
    env_conn_close(conn);
}

/* ---- steps ---- */

static struct step_conn *conn_of(struct program *program, const struct words *words) {
    return &program->conns[word_name(words, 1)];
}

/* listen: at a port that is free. */
static void step_listen(struct program *program, const struct words *words) {
    (void)words;
    int err = env_listen(program->env, 0, on_accept, program, &program->listener);
    if (err == RMQ_OK) {
        conformance_port[program->number] = env_listener_port(program->listener);
    }
    say_err(err);
}
/* listen-again: at the same port. */
static void step_listen_again(struct program *program, const struct words *words) {
    (void)words;
    struct env_listener *second;
    say_err(
        env_listen(program->env, conformance_port[program->number], on_accept, program, &second));
}
static void step_unlisten(struct program *program, const struct words *words) {
    (void)words;
    env_listener_close(program->listener);
    program->listener = NULL;
}

static bool is_decided(struct program *program) {
    (void)program;
    if (awaited->ended) {
        say("%s", rmq_err_text(awaited->reason));
        awaited->program = NULL;
    } else if (awaited->opened) {
        say("open");
    }
    return awaited->ended || awaited->opened;
}

/* dial NAME a|b|ADDRESS: node A or B's listener. */
static void step_dial(struct program *program, const struct words *words) {
    struct step_conn *step = conn_of(program, words);
    char address[ENV_ADDRESS_MAX];
    struct span to = words->word[2];
    RMQ_ASSERT(step->program == NULL);
    if (to.len == 1) {
        int node = to.data[0] - 'a';
        snprintf(address, sizeof address, "%s:%u", conformance_driver->address[node],
                 (unsigned)conformance_port[node]);
    } else {
        snprintf(address, sizeof address, "%.*s", (int)to.len, (const char *)to.data);
    }
    *step = (struct step_conn){.program = program};
    buf_init(&step->received, program->env);
    int err = env_dial(program->env, span_of_text(address), &HANDLER, step, &step->conn);
    if (err != RMQ_OK) {
        say_err(err);
        step->program = NULL;
    } else if (words->background) {
        struct span early = SPAN_LITERAL("early");
        say("%s", rmq_err_text(env_conn_write(step->conn, &early, 1)));
    } else {
        awaited = step;
        wait_until(is_decided);
    }
}

/* opened NAME: waits for the end of a dial in the background. */
static void step_opened(struct program *program, const struct words *words) {
    awaited = conn_of(program, words);
    wait_until(is_decided);
}

static bool is_accepted(struct program *program) {
    (void)program;
    if (awaited->program != NULL) {
        say("open");
    }
    return awaited->program != NULL;
}
/* accepted NAME: accepted ones are called z, y, x ... by arrival. */
static void step_accepted(struct program *program, const struct words *words) {
    awaited = conn_of(program, words);
    wait_until(is_accepted);
}

/* send NAME BYTES [BYTES]: as one write of one or two spans. */
static void step_send(struct program *program, const struct words *words) {
    struct step_conn *step = conn_of(program, words);
    struct span spans[2] = {words->word[2], words->word[3]};
    say_err(env_conn_write(step->conn, spans, words->count - 2));
}

static bool has_received(struct program *program) {
    (void)program;
    if (awaited->received.len < awaited_len && !awaited->ended) {
        return false;
    }
    size_t len = awaited->received.len < awaited_len ? awaited->received.len : awaited_len;
    say_bytes("got", awaited->received.data, len);
    buf_consume(&awaited->received, len);
    return true;
}
/* recv NAME LEN: waits for that many bytes. */
static void step_recv(struct program *program, const struct words *words) {
    awaited = conn_of(program, words);
    awaited_len = (size_t)word_number(words, 2);
    wait_until(has_received);
}

static bool has_ended(struct program *program) {
    (void)program;
    if (awaited->ended) {
        say("%s, %zu bytes unread", rmq_err_text(awaited->reason), awaited->received.len);
        buf_deinit(&awaited->received);
        awaited->program = NULL;
    }
    return awaited->program == NULL;
}
/* ended NAME: waits for the peer's end of it. */
static void step_ended(struct program *program, const struct words *words) {
    awaited = conn_of(program, words);
    wait_until(has_ended);
}

/* hang NAME: closes it. */
static void step_hang(struct program *program, const struct words *words) {
    struct step_conn *step = conn_of(program, words);
    env_conn_close(step->conn);
    buf_deinit(&step->received);
    *step = (struct step_conn){0};
}
static void step_pause(struct program *program, const struct words *words) {
    env_conn_pause(conn_of(program, words)->conn);
}
static void step_resume(struct program *program, const struct words *words) {
    env_conn_resume(conn_of(program, words)->conn);
}

/* fill NAME: writes 64 KiB at a time until it is full (the peer must be paused). */
static void step_fill(struct program *program, const struct words *words) {
    static const uint8_t bytes[65536];
    struct step_conn *step = conn_of(program, words);
    struct span span = span_of(bytes, sizeof bytes);
    int err = RMQ_OK;
    step->seen_full = true; /* on_drain may come from now on */
    step->drained = false;
    for (int i = 0; i < 4096 && err == RMQ_OK; i++) {
        err = env_conn_write(step->conn, &span, 1);
    }
    say("%s, %s", rmq_err_text(err), env_conn_pending(step->conn) > 0 ? "pending" : "none pending");
}
static bool has_drained(struct program *program) {
    (void)program;
    if (awaited->drained) {
        say("drained");
    }
    return awaited->drained;
}
static void step_drained(struct program *program, const struct words *words) {
    awaited = conn_of(program, words);
    wait_until(has_drained);
}

/* peer NAME: the ip of the other end is a node's. */
static void step_peer(struct program *program, const struct words *words) {
    char peer[ENV_ADDRESS_MAX];
    const char *ip = conformance_driver->address[1 - program->number];
    env_conn_peer(conn_of(program, words)->conn, peer);
    bool is = strncmp(peer, ip, strlen(ip)) == 0 && peer[strlen(ip)] == ':';
    say("%s", is ? "the other node" : peer);
}

bool step_of_net(struct program *program, const struct words *words) {
    static const struct {
        const char *name;
        void (*run)(struct program *program, const struct words *words);
    } steps[] = {{"listen", step_listen},     {"listen-again", step_listen_again},
                 {"unlisten", step_unlisten}, {"dial", step_dial},
                 {"opened", step_opened},     {"accepted", step_accepted},
                 {"send", step_send},         {"recv", step_recv},
                 {"ended", step_ended},       {"hang", step_hang},
                 {"pause", step_pause},       {"resume", step_resume},
                 {"fill", step_fill},         {"drained", step_drained},
                 {"peer", step_peer}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (span_equal(words->word[0], span_of_text(steps[i].name))) {
            steps[i].run(program, words);
            return true;
        }
    }
    return false;
}
