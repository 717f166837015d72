/* mqnamesrv.c - the name server as a daemon: model/namesrv over sockets and files. */
#include "model/base/buf.h"
#include "model/namesrv/metrics.h"
#include "model/namesrv/namesrv.h"
#include "real/daemon/daemon.h"

/* It serves from the moment it has started. */
static bool health(void *node, struct buf *out) {
    buf_put_text(out, "{\"status\":\"UP\"}\n");
    return node != NULL;
}

int main(int argc, char **argv) {
    static const struct daemon_program PROGRAM = {.kind = DAEMON_NAMESRV,
                                                  .role = &namesrv_role,
                                                  .log_name = "namesrv",
                                                  .metrics = namesrv_metrics_write,
                                                  .health = health};
    return daemon_main(&PROGRAM, argc, argv);
}
