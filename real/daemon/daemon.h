/* daemon/daemon.h - what mqnamesrv and mqbroker are around their role: command line, configuration,
 * log, event file, metrics port, signals, the line that says that it serves, and the exit code. */
#ifndef REAL_DAEMON_DAEMON_H
#define REAL_DAEMON_DAEMON_H

#include "model/role.h"
#include "real/daemon/http.h"
#include "real/daemon/options.h"

struct daemon_program {
    enum daemon_kind kind;
    const struct role *role;
    const char *log_name; /* "broker" */
    /* /metrics and /health; `node` is the role's. May be NULL: 404. */
    int (*metrics)(void *node, struct buf *out);
    /* Appends one JSON object. True: healthy. */
    bool (*health)(void *node, struct buf *out);
    /* --check-store: the exit code. */
    int (*check_store)(const char *dir);
};

/* The whole program. */
int daemon_main(const struct daemon_program *program, int argc, char **argv);

#endif
