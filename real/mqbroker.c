/* mqbroker.c - the broker as a daemon: model/broker over sockets and files. */
#include "model/broker/broker.h"
#include "real/daemon/daemon.h"

int main(int argc, char **argv) {
    static const struct daemon_program PROGRAM = {
        .kind = DAEMON_BROKER, .role = &broker_role, .log_name = "broker"};
    return daemon_main(&PROGRAM, argc, argv);
}
