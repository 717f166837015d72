/* mqadmin/call.h - requests of the tool: send, turn the loop, have the answer.
 *
 * Apache's mqadmin waits 5 s for an answer; for statistics of consumers, running information and
 * direct consumption three times as long (admin.md 1). */
#ifndef REAL_MQADMIN_CALL_H
#define REAL_MQADMIN_CALL_H

#include "real/mqadmin/admin.h"

#define CALL_TIMEOUT_MS 5000
#define CALL_TIMEOUT_LONG_MS (3 * CALL_TIMEOUT_MS)
#define CALL_FIELDS_MAX 16

struct call {
    const char *address;
    int32_t code;
    int64_t timeout_ms;
    struct wire_field fields[CALL_FIELDS_MAX];
    size_t field_count;
    struct span body; /* borrowed */
    /* the answer, in the arena */
    int status;         /* RMQ_OK: there is one */
    int32_t answer;     /* its code */
    const char *remark; /* "" without one */
    struct wire_field *reply_fields;
    size_t reply_field_count;
    struct span reply; /* its body */
    /* private */
    struct admin *admin;
    bool open;
};

/* A request with fields: key, value, ... NULL; a NULL value leaves its key out. */
void call_init(struct call *call, const char *address, int32_t code, ...) __attribute__((sentinel));
/* A decimal text in the arena, for values. */
const char *call_number(struct admin *admin, int64_t value);

/* Sends all, and returns when each has its answer or failed. */
void call_all(struct admin *admin, struct call *calls, size_t count);
/* Sends one. */
void call_one(struct admin *admin, struct call *call);
/* Sends one to the chosen name server; when that cannot be reached, to the next. */
void call_name_server(struct admin *admin, struct call *call);
/* Whether it was answered with success; if not, remembers the failure (admin_fail). */
bool call_ok(struct admin *admin, const struct call *call);
static inline bool call_answered(const struct call *call, int32_t code) {
    return call->status == RMQ_OK && call->answer == code;
}

/* Field of the answer; NULL when missing. */
const char *call_field(struct admin *admin, const struct call *call, const char *key);
/* The answer's body as a tree; NULL after call_ok said no, or (a failure) when it is no JSON. */
struct tree *call_tree(struct admin *admin, const struct call *call);
/* call_one, call_ok and call_tree. */
struct tree *call_for_tree(struct admin *admin, struct call *call);

#endif
