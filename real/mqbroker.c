/* mqbroker.c - the broker as a daemon: model/broker over sockets and files. */
#include "model/broker/broker.h"
#include "model/broker/health.h"
#include "model/broker/metrics.h"
#include "real/daemon/daemon.h"
#include "real/mqbroker/check_store.h"

static int check(const char *dir) {
    return check_store(dir, stdout);
}

int main(int argc, char **argv) {
    static const struct daemon_program PROGRAM = {.kind = DAEMON_BROKER,
                                                  .role = &broker_role,
                                                  .log_name = "broker",
                                                  .metrics = broker_metrics_write,
                                                  .health = broker_health_write,
                                                  .check_store = check};
    return daemon_main(&PROGRAM, argc, argv);
}
