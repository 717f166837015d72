/* mqadmin - the administrator's tool: Apache's commands, native. See mqadmin/README.md. */
#include <stdio.h>
#include <stdlib.h>

#include "real/mqadmin/admin.h"

int main(int argc, char **argv) {
    struct real_loop *loop;
    int err = real_loop_create(&loop);
    if (err != RMQ_OK) {
        fprintf(stderr, "mqadmin: cannot start: %s\n", rmq_err_text(err));
        return ADMIN_FAILED;
    }
    struct admin_setup setup = {loop, stdout, stderr, getenv("NAMESRV_ADDR")};
    int status = admin_main(&setup, argc - 1, argv + 1);
    real_loop_free(loop);
    /* A document that was cut short is no success. */
    if (fflush(stdout) != 0) {
        perror("mqadmin: standard output");
        return ADMIN_FAILED;
    }
    return status;
}
