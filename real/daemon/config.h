/* daemon/config.h - the configuration of a daemon: environment, file and command line made one.
 *
 * In rising priority: defaults of this machine ($HOME/store, the host's name), NAMESRV_ADDR of the
 * environment, the file of -c, -n and the other options. Each entry is checked against the role's
 * table of keys (model/base/key_table.h); what is wrong is told with file and line. */
#ifndef REAL_DAEMON_CONFIG_H
#define REAL_DAEMON_CONFIG_H

#include "model/base/key_table.h"
#include "real/daemon/options.h"

struct daemon_config {
    const struct key_table *table;
    struct props props;
    bool profile_5_3;
    uint16_t metrics_port; /* 0: off */
    uint64_t memory_limit; /* memoryLimitBytes; 0 there, or absent: 3/4 of the machine's memory */
};

/* -1: good. Else the exit code; what is wrong was printed to stderr (a bad name server list to
 * stdout, as Apache does). Memory is `env`'s. Warnings go to stderr. */
int daemon_config_load(struct daemon_config *config, struct env *env,
                       const struct daemon_options *options);
/* -p and -m: "name=value" lines to stdout. */
void daemon_config_print(const struct daemon_config *config, bool important);

#endif
