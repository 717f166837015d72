/* store_role_fake.h - the store's node (store_role.h) in the fake. */
#ifndef MODEL_TESTS_STORE_ROLE_FAKE_H
#define MODEL_TESTS_STORE_ROLE_FAKE_H

#include "model/tests/env_fake.h"
#include "model/tests/store_role.h"

static const struct role store_role = {"store", store_role_start, store_role_stop,
                                       store_role_command};

static inline struct store *store_of(struct env *env) {
    return ((struct store_node *)fake_node(env))->store;
}

/* Starts, and waits until it is open. */
static inline int store_start(struct env *env, const char *config) {
    int err = fake_start_text(env, &store_role, config);
    if (err != RMQ_OK)
        return err;
    for (int i = 0; i < 1000 && !store_log.opened && !fake_crashed(env); i++)
        fake_advance_ms(env, 1);
    if (fake_crashed(env))
        return RMQ_E_STATE;
    ck_assert(store_log.opened);
    return store_log.open_status;
}

/* Stops cleanly; false: a crash came in between. */
static inline bool store_stop(struct env *env) {
    fake_stop(env);
    for (int i = 0; i < 10000 && !store_log.closed && !fake_crashed(env); i++)
        fake_advance_ms(env, 1);
    return store_log.closed;
}

#endif
