/* nodes.h - for tests of real/: loops that are turned until something holds, and nodes in them. */
#ifndef REAL_TESTS_NODES_H
#define REAL_TESTS_NODES_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/base/check.h"
#include "model/base/props.h"
#include "real/os/env_internal.h"

#define MS 1000000ULL
#define SECOND (1000 * MS)
#define UNUSED __attribute__((unused))
#define PATIENCE (60 * SECOND) /* a test that waits this long has failed */

/* Turns `loop` until `holds`; fails the test when it does not within PATIENCE. */
UNUSED static void turn_until(struct real_loop *loop, bool (*holds)(void *ctx), void *ctx) {
    uint64_t until_ns = real_clock_ns() + PATIENCE;
    while (!holds(ctx)) {
        ck_assert_msg(real_clock_ns() < until_ns, "waited in vain");
        real_loop_turn(loop, 100 * MS);
    }
}

UNUSED static bool is_true(void *flag) {
    return *(const bool *)flag;
}

UNUSED static struct real_loop *new_loop(void) {
    struct real_loop *loop = NULL;
    ck_assert_int_eq(real_loop_create(&loop), RMQ_OK);
    return loop;
}

/* A node without a role. */
UNUSED static struct env *new_node(struct real_loop *loop,
                                   const struct real_node_options *options) {
    struct env *env = NULL;
    ck_assert_int_eq(real_node_start(loop, options, NULL, NULL, &env), RMQ_OK);
    return env;
}

#endif
