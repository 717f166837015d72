/* daemon/options.h - the command lines of mqnamesrv and mqbroker.
 *
 * -n -c -p -m -h and their long names are Apache's (ServerUtil.java, BrokerStartup.java,
 * NamesrvStartup.java of 4.9.8); --events, --log, --metrics-port and --check-store are ours. */
#ifndef REAL_DAEMON_OPTIONS_H
#define REAL_DAEMON_OPTIONS_H

#include <stdbool.h>

enum daemon_kind { DAEMON_NAMESRV, DAEMON_BROKER };

/* Exit codes: Apache's, where it has one. */
enum daemon_exit {
    DAEMON_EXIT_USAGE = 1,    /* the command line */
    DAEMON_EXIT_FAILED = 255, /* -1: the file of -c, the port, the log */
    DAEMON_EXIT_CONFIG = 253  /* -3: name server list, configuration, store */
};

struct daemon_options {
    enum daemon_kind kind;
    const char *program;      /* "mqbroker" */
    const char *config_file;  /* -c; NULL: none */
    const char *name_servers; /* -n; NULL: not given */
    const char *events;       /* --events FILE */
    const char *log;          /* --log: "stderr" or a directory; NULL: $HOME/logs/rocketmqlogs */
    const char *check_store;  /* --check-store DIR (mqbroker) */
    const char *metrics_port; /* --metrics-port */
    bool print, print_important;
};

/* -1: go on. Else the exit code: usage was printed to stdout (-h) or, with what is wrong, stderr.
 */
int daemon_options_read(struct daemon_options *options, enum daemon_kind kind, int argc,
                        char **argv);

#endif
