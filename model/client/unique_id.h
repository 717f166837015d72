/* client/unique_id.h - unique keys of messages (property UNIQ_KEY), as Java makes them.
 *
 * Hex of: address (4 or 16 bytes), process number (2), a number of the process (4; Java: a class
 * loader's hash), ms since the start of the month in local time (4), counter (2). Tools read the
 * time out of it. Source: client.md 10.3, MessageClientIDSetter.java. One per process. */
#ifndef MODEL_CLIENT_UNIQUE_ID_H
#define MODEL_CLIENT_UNIQUE_ID_H

#include "model/env.h"

#define UNIQUE_ID_MAX 56

struct unique_ids {
    uint8_t fixed[16 + 2 + 4];
    uint8_t fixed_len; /* 0: not ready */
    uint16_t counter;
    int64_t month_begin_ms, month_end_ms; /* wall; empty at first */
};

/* Takes address and process number from the env; draws the number of the process. */
void unique_ids_init(struct unique_ids *ids, struct env *env);
/* 32 or 56. */
static inline size_t unique_id_len(const struct unique_ids *ids) {
    return 2 * ((size_t)ids->fixed_len + 6);
}
/* The next id, upper case, without a NUL; returns its length. */
size_t unique_id_next(struct unique_ids *ids, const struct env *env, char *out);

#endif
