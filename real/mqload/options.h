/* mqload/options.h - what mqload is asked to do. */
#ifndef REAL_MQLOAD_OPTIONS_H
#define REAL_MQLOAD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOAD_SETS_MAX 64

struct load_options {
    bool produce, consume;
    const char *namesrv, *topic, *group;
    const char *mode;     /* sync, async, oneway */
    uint32_t connections; /* producers, each with a connection to each broker */
    uint32_t in_flight;   /* per connection; closed loop: sends at a time */
    uint32_t consumers;
    uint32_t threads;
    uint64_t rate; /* messages per second in all; 0: closed loop */
    bool poisson;
    uint64_t bytes, bytes_max;
    uint32_t batch, keys;
    const char *tags;
    uint64_t count; /* messages sent (or consumed, without produce) in all; 0: no end */
    uint64_t seconds_ns, warmup_ns;
    const char *serialize; /* JSON, ROCKETMQ */
    const char *from;      /* first, last */
    const char
        *sets[LOAD_SETS_MAX]; /* key=value: further settings of clients, producers, consumers */
    size_t set_count;
    bool json, quiet;
    const char *csv, *plot, *events;
};

/* 0: go on. Else what main returns: 1 after a message about the wrong argument on stderr; -1 when
 * help was printed (main returns 0). */
int load_options_read(int argc, char **argv, struct load_options *out);

#endif
