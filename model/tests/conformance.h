/* conformance.h - the door's own test: one program of calls, run over the fake, the simulator and
 * the operating system, must see the same results in each.
 *
 * A transcript (model/tests/conformance, *.txt) is a list of steps, one a line, each followed by
 * what was seen: lines that begin with "= ". The steps are run anew and the text that results is
 * compared with the file. Steps of node A need no mark, those of node B begin with "B ". "& "
 * before a step: its end is not waited for; `wait` does that. `#` begins a comment. What a step
 * does is said at its function in conformance.c and conformance_net.c. Numbers of bytes are written
 * as text, runs of more than 8 equal bytes as [COUNT*BYTE].
 *
 * Where the three may differ, and how the steps hide it:
 *   residence     a view that is not resident is read instead
 *   order         of operations under way together is not part of the text: `wait` tells by start
 *   chopping      `recv` waits for as many bytes as asked
 *   sizes of kernels' buffers: `fill` says that RMQ_E_FULL came, not when
 *   time          `timers` tells the order, and whether one fired early; never how late */
#ifndef MODEL_TESTS_CONFORMANCE_H
#define MODEL_TESTS_CONFORMANCE_H

#include "model/role.h"

/* What a driver gives: nodes 0 (A) and 1 (B) on one machine each or the same one. */
struct conformance_driver {
    const char *name;
    const char *root;       /* directory in which all paths of the steps are */
    const char *address[2]; /* ip of the nodes */
    int (*start)(int node); /* with conformance_role and conformance_config(node) */
    int (*command)(int node, const struct props *command); /* one handler; a result */
    void (*advance)(void);                                 /* lets things happen */
    bool (*is_up)(int node);
    /* An env whose memory serves for properties outside of handlers. */
    struct env *(*memory)(void);
};

extern const struct role conformance_role;
/* Ports of the listeners, by node; 0 before. */
extern uint16_t conformance_port[2];
/* Text of the properties for conformance_role. */
const char *conformance_config(int node);

/* Starts both nodes, which are down, and runs the steps of `transcript` (a file under
 * model/tests/conformance) and compares. On a difference it prints the first line that differs and
 * where the text that resulted is, and returns false. With RMQ_CONFORMANCE_WRITE set the file is
 * rewritten instead. */
bool conformance_run(const struct conformance_driver *driver, const char *transcript);
/* Runs `count` programs drawn from their numbers and compares a hash of each text with the lines
 * "NUMBER HASH" of the file `transcript`. */
bool conformance_run_drawn(const struct conformance_driver *driver, const char *transcript,
                           unsigned count);

#endif
