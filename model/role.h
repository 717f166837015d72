/* role.h - what a node is, as sim/ and real/ start, stop and command it.
 *
 * Each function is one handler (see env.h). Roles: namesrv_role (model/namesrv/namesrv.h),
 * broker_role (model/broker/broker.h), client_role (model/client/client.h). */
#ifndef MODEL_ROLE_H
#define MODEL_ROLE_H

#include "model/base/props.h"
#include "model/env.h"

struct role {
    const char *name;
    /* Starts the node with its configuration (borrowed until return). RMQ_OK and *node, or an error
     * after which nothing is left behind but what env_exit takes. A wrong value is RMQ_E_INVALID,
     * logged with its key. */
    int (*start)(struct env *env, const struct props *config, void **node);
    /* Begins a clean stop; the node calls env_exit(env, 0) when done (now or later). */
    void (*stop)(void *node);
    /* An order from outside ("do" = its name, other keys its arguments), as a person would give by
     * mqadmin or an application by the client's API. RMQ_E_INVALID: not understood. Its effect and
     * end are events. NULL when the role takes none. */
    int (*command)(void *node, const struct props *command);
};

#endif
