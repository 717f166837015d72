/* sim/run/sweep.c - the parent of the workers, and what a worker does. */
#define _GNU_SOURCE /* F_SETPIPE_SZ */
#include "sim/run/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/base/check.h"
#include "sim/run/sweep_message.h"

#define BLOCK_RUNS 16 /* taken at a time, so that workers end together */
#define IDLE UINT64_MAX
#define PIPE_BYTES (1 << 20)
#define READ_BYTES ((size_t)256 << 10)
#define PROGRESS_MS 200

/* Shared by all processes of a sweep: where each worker is. */
struct sweep_shared {
    uint64_t next; /* first run that nobody has taken */
    struct {
        uint64_t now; /* run it is in, or IDLE */
        uint64_t end; /* of its block */
    } workers[SWEEP_JOBS_MAX];
};

struct worker {
    pid_t pid; /* 0: has ended */
    int pipe;
    struct bytes inbox;
};

struct sweep {
    const struct sweep_plan *plan;
    const struct sweep_listener *listener;
    struct sweep_shared *shared;
    struct worker workers[SWEEP_JOBS_MAX];
    struct sweep_message *message;
    uint64_t total, done;
};

uint64_t sweep_seed(const struct sweep_plan *plan, uint64_t index) {
    if (plan->own_seeds)
        return plan->units[index]->spec.seed;
    return plan->first_seed + index % plan->seed_count;
}

/* ---- in a worker ----------------------------------------------------------------------------- */

struct worker_state {
    const struct sweep_plan *plan;
    struct sweep_shared *shared;
    size_t id;
    int pipe;
    size_t unit; /* of `run` */
    struct run *run;
    struct run_result *result;
    struct bytes outbox;
};

static void give_up(const char *what) {
    fprintf(stderr, "mqsim: a worker stopped: %s\n", what);
    _exit(1);
}

static void send_all(int pipe, const unsigned char *data, size_t len) {
    while (len > 0) {
        ssize_t sent = write(pipe, data, len);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            _exit(1); /* the parent is gone */
        data += sent;
        len -= (size_t)sent;
    }
}

static void open_unit(struct worker_state *state, size_t unit) {
    if (state->run != NULL && state->unit == unit)
        return;
    if (state->run != NULL)
        run_close(state->run);
    const char *error;
    state->unit = unit;
    state->run = run_open(state->plan->units[unit], &error);
    if (state->run == NULL)
        give_up(error);
}

static void run_one(struct worker_state *state, uint64_t index) {
    const struct sweep_plan *plan = state->plan;
    struct run_options options = {.seed = sweep_seed(plan, index), .rewind_ns = plan->rewind_ns};
    const char *error;
    open_unit(state, (size_t)(index / plan->seed_count));
    if (!run_prepare(state->run, options.seed, &error))
        give_up(error);
    if (plan->before != NULL)
        plan->before(index);
    if (!run_execute(state->run, &options, state->result))
        _exit(1); /* interrupted */
    struct run_fired fired;
    run_fired(state->run, &fired);
    state->outbox.len = 0;
    if (!sweep_message_encode(&state->outbox, index, state->result, &fired, run_judge(state->run)))
        give_up("out of memory");
    send_all(state->pipe, state->outbox.data, state->outbox.len);
}

/* Works from run `from` on to the end of the block, then on further blocks. */
static void work(struct worker_state *state, uint64_t from, uint64_t total) {
    struct sweep_shared *shared = state->shared;
    for (uint64_t index = from;; index++) {
        if (index >= shared->workers[state->id].end) {
            index = __atomic_fetch_add(&shared->next, BLOCK_RUNS, __ATOMIC_RELAXED);
            if (index >= total)
                break;
            shared->workers[state->id].end =
                index + BLOCK_RUNS < total ? index + BLOCK_RUNS : total;
        }
        shared->workers[state->id].now = index;
        run_one(state, index);
        shared->workers[state->id].now = IDLE;
    }
}

/* ---- in the parent --------------------------------------------------------------------------- */

static bool start_worker(struct sweep *sweep, size_t id, uint64_t from) {
    int ends[2];
    if (pipe(ends) != 0)
        return false;
    (void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES); /* fewer switches; the default works too */
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        close(ends[0]);
        close(ends[1]);
        return false;
    }
    if (pid == 0) {
        struct worker_state state = {.plan = sweep->plan,
                                     .shared = sweep->shared,
                                     .id = id,
                                     .pipe = ends[1],
                                     .result = &sweep->message->result};
        close(ends[0]);
        signal(SIGINT, SIG_IGN); /* the parent ends us */
        work(&state, from, sweep->total);
        _exit(0);
    }
    close(ends[1]);
    sweep->workers[id].pid = pid;
    sweep->workers[id].pipe = ends[0];
    sweep->workers[id].inbox.len = 0;
    return true;
}

static void tell(struct sweep *sweep, struct sweep_outcome *outcome) {
    outcome->unit = (size_t)(outcome->index / sweep->plan->seed_count);
    outcome->seed = sweep_seed(sweep->plan, outcome->index);
    sweep->done++;
    sweep->listener->outcome(sweep->listener->ctx, outcome);
}

static void take_messages(struct sweep *sweep, struct worker *worker) {
    size_t at = 0, len;
    while ((len = message_length(worker->inbox.data + at, worker->inbox.len - at)) > 0) {
        sweep_message_decode(worker->inbox.data + at, sweep->message);
        struct sweep_outcome outcome = {.index = sweep->message->index,
                                        .result = &sweep->message->result,
                                        .fired = &sweep->message->fired};
        memcpy(outcome.samples, sweep->message->samples, sizeof outcome.samples);
        memcpy(outcome.sample_counts, sweep->message->sample_counts, sizeof outcome.sample_counts);
        tell(sweep, &outcome);
        at += len;
    }
    memmove(worker->inbox.data, worker->inbox.data + at, worker->inbox.len - at);
    worker->inbox.len -= at;
}

static void tell_crash(struct sweep *sweep, uint64_t index, int status) {
    char text[32];
    if (WIFSIGNALED(status))
        (void)snprintf(text, sizeof text, "signal %d", WTERMSIG(status));
    else
        (void)snprintf(text, sizeof text, "exit %d", WEXITSTATUS(status));
    struct sweep_outcome outcome = {.index = index, .crash = text};
    tell(sweep, &outcome);
}

/* The pipe of a worker has ended. False: it cannot be replaced. */
static bool worker_ended(struct sweep *sweep, size_t id) {
    struct worker *worker = &sweep->workers[id];
    int status = 0;
    close(worker->pipe);
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    worker->pid = 0;
    uint64_t index = sweep->shared->workers[id].now;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (index == IDLE)
        return false;
    sweep->shared->workers[id].now = IDLE;
    tell_crash(sweep, index, status);
    return start_worker(sweep, id, index + 1);
}

/* 1: bytes came; 0: the end; -1: nothing for now. */
static int receive(struct worker *worker) {
    if (!bytes_reserve(&worker->inbox, READ_BYTES))
        return 0;
    ssize_t got = read(worker->pipe, worker->inbox.data + worker->inbox.len, READ_BYTES);
    if (got < 0)
        return errno == EINTR || errno == EAGAIN ? -1 : 0;
    worker->inbox.len += (size_t)got;
    return got > 0;
}

/* Waits for any worker. False: none is left, or one cannot be replaced (*error). */
static bool serve(struct sweep *sweep, const char **error) {
    struct pollfd polls[SWEEP_JOBS_MAX];
    size_t ids[SWEEP_JOBS_MAX], count = 0;
    for (size_t i = 0; i < sweep->plan->jobs; i++) {
        if (sweep->workers[i].pid == 0)
            continue;
        ids[count] = i;
        polls[count++] = (struct pollfd){.fd = sweep->workers[i].pipe, .events = POLLIN};
    }
    if (count == 0)
        return false;
    if (poll(polls, (nfds_t)count, PROGRESS_MS) <= 0)
        return true;
    for (size_t i = 0; i < count; i++) {
        if (polls[i].revents == 0)
            continue;
        struct worker *worker = &sweep->workers[ids[i]];
        int got = receive(worker);
        take_messages(sweep, worker);
        if (got == 0 && !worker_ended(sweep, ids[i])) {
            *error = "a worker died outside of a run";
            return false;
        }
    }
    return true;
}

/* Ends the workers; what they have sent already counts. */
static void stop_workers(struct sweep *sweep) {
    for (size_t i = 0; i < sweep->plan->jobs; i++) {
        struct worker *worker = &sweep->workers[i];
        if (worker->pid != 0) {
            kill(worker->pid, SIGKILL);
            while (receive(worker) != 0)
                continue;
            take_messages(sweep, worker);
            close(worker->pipe);
            while (waitpid(worker->pid, NULL, 0) < 0 && errno == EINTR)
                continue;
        }
        free(worker->inbox.data);
    }
}

static bool start_all(struct sweep *sweep) {
    for (size_t i = 0; i < sweep->plan->jobs; i++)
        sweep->shared->workers[i].now = IDLE;
    for (size_t i = 0; i < sweep->plan->jobs; i++)
        if (!start_worker(sweep, i, 0))
            return false;
    return true;
}

bool sweep_run(const struct sweep_plan *plan, const struct sweep_listener *listener,
               const char **error) {
    RMQ_ASSERT(plan->jobs > 0 && plan->jobs <= SWEEP_JOBS_MAX);
    *error = NULL;
    struct sweep *sweep = calloc(1, sizeof *sweep);
    struct sweep_message *message = calloc(1, sizeof *message);
    void *shared = mmap(NULL, sizeof(struct sweep_shared), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (sweep == NULL || message == NULL || shared == MAP_FAILED) {
        *error = "out of memory";
    } else {
        sweep->plan = plan;
        sweep->listener = listener;
        sweep->shared = shared;
        sweep->message = message;
        sweep->total = plan->unit_count * plan->seed_count;
        if (!start_all(sweep))
            *error = "a worker cannot be started";
        while (*error == NULL && !*plan->interrupted && serve(sweep, error))
            if (listener->progress != NULL)
                listener->progress(listener->ctx, sweep->done);
        stop_workers(sweep);
    }
    if (shared != MAP_FAILED)
        munmap(shared, sizeof(struct sweep_shared));
    free(message);
    free(sweep);
    return *error == NULL;
}
