/* mqload.c - load on a cluster, through the client state machines, and its latency. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "real/mqload/report.h"
#include "real/mqload/workers.h"

#define GRACE_NS UINT64_C(5000000000)

static volatile sig_atomic_t interrupted;

static void on_signal(int number) {
    interrupted++;
    if (interrupted > 1)
        signal(number, SIG_DFL); /* the third one ends it */
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* All that was asked for is done. */
static bool is_over(const struct load_options *options, const struct workers_progress *progress) {
    if (progress->running == 0)
        return true;
    if (options->count == 0)
        return false;
    if (options->consume)
        return progress->consumed >= options->count;
    return progress->started && progress->producing == 0;
}

static void progress_line(const struct load_options *options, const struct workers_progress *now,
                          const struct workers_progress *before, uint64_t second) {
    fprintf(stderr, "%5llu s", (unsigned long long)second);
    if (options->produce)
        fprintf(stderr, "  sent %llu/s, failed %llu",
                (unsigned long long)(now->sent - before->sent), (unsigned long long)now->failed);
    if (options->consume)
        fprintf(stderr, "  consumed %llu/s",
                (unsigned long long)(now->consumed - before->consumed));
    fputc('\n', stderr);
}

/* Until the time is over, the count reached, or Ctrl-C. The measured time. */
static uint64_t watch(const struct load_options *options, const struct workers *workers) {
    uint64_t start = workers_start_ns(workers);
    uint64_t end = start + options->seconds_ns;
    if (options->count > 0)
        end = UINT64_MAX; /* a count is waited for */
    struct workers_progress before = {0};
    for (uint64_t second = 1;;) {
        uint64_t now = now_ns();
        struct workers_progress progress = workers_progress(workers);
        if (interrupted > 0 || now >= end || is_over(options, &progress))
            return now > start ? now - start : 0;
        if (now >= start + second * 1000000000) {
            if (!options->quiet)
                progress_line(options, &progress, &before, second);
            before = progress;
            second++;
        }
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
}

int main(int argc, char **argv) {
    struct load_options options;
    int usage = load_options_read(argc, argv, &options);
    if (usage != 0)
        return usage < 0 ? 0 : usage;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    struct workers *workers = workers_start(&options);
    if (workers == NULL)
        return 2;
    uint64_t measured_ns = watch(&options, workers);
    const struct load_stats *stats = workers_stop(workers, GRACE_NS);
    int err = report_write(&options, stats, measured_ns);
    bool nothing =
        (options.produce && stats->sent == 0) || (!options.produce && stats->consumed == 0);
    if (stats->out_of_memory)
        fputs("mqload: out of memory: some latencies are missing\n", stderr);
    bool failed = err != 0 || nothing || stats->failed > 0;
    if (options.produce && stats->damaged > 0)
        fprintf(stderr,
                "mqload: %llu messages that came were not sent by this run, or are damaged\n",
                (unsigned long long)stats->damaged);
    workers_free(workers);
    return failed ? 2 : 0;
}
