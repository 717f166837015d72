/* daemon/options.c - see options.h. */
#include "real/daemon/options.h"

#include <getopt.h>
#include <stdio.h>

enum { ONLY_BROKER = 1, LONG_ONLY = 256 };

struct option_row {
    int letter; /* from LONG_ONLY on: no short form */
    const char *name;
    const char *argument; /* NULL: takes none */
    const char *about;
    int only;
};

static const struct option_row ROWS[] = {
    {'c', "configFile", "FILE", "properties file", 0},
    {'h', "help", NULL, "print this help and end", 0},
    {'m', "printImportantConfig", NULL, "print the important items as name=value and end",
     ONLY_BROKER},
    {'n', "namesrvAddr", "LIST", "name servers, e.g. '192.168.0.1:9876;192.168.0.2:9876'", 0},
    {'p', "printConfigItem", NULL, "print all items as name=value and end", 0},
    {LONG_ONLY, "events", "FILE", "write the event stream to FILE, one JSON object a line", 0},
    {LONG_ONLY + 1, "log", "stderr|DIR", "where the log goes; default $HOME/logs/rocketmqlogs", 0},
    {LONG_ONLY + 2, "metrics-port", "PORT", "serve /metrics and /health there; default off", 0},
    {LONG_ONLY + 3, "check-store", "DIR", "read the store in DIR (stopped), report, and end",
     ONLY_BROKER},
};
#define ROW_COUNT (sizeof ROWS / sizeof ROWS[0])

static bool applies(const struct option_row *row, enum daemon_kind kind) {
    return kind == DAEMON_BROKER || row->only != ONLY_BROKER;
}

static void print_usage(const struct daemon_options *options, FILE *out) {
    fprintf(out, "usage: %s", options->program);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const struct option_row *row = &ROWS[i];
        if (!applies(row, options->kind))
            continue;
        if (row->letter < LONG_ONLY)
            fprintf(out, " [-%c%s%s]", row->letter, row->argument == NULL ? "" : " ",
                    row->argument == NULL ? "" : row->argument);
        else
            fprintf(out, " [--%s %s]", row->name, row->argument);
    }
    fprintf(out, "\n");
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const struct option_row *row = &ROWS[i];
        char text[64], letter[8] = "   ";
        if (!applies(row, options->kind))
            continue;
        if (row->letter < LONG_ONLY)
            (void)snprintf(letter, sizeof letter, "-%c,", row->letter);
        (void)snprintf(text, sizeof text, "%s--%s%s%s", letter, row->name,
                       row->argument == NULL ? "" : " ",
                       row->argument == NULL ? "" : row->argument);
        fprintf(out, " %-30s %s\n", text, row->about);
    }
}

static void take(struct daemon_options *options, int letter, const char *argument) {
    switch (letter) {
    case 'c':
        options->config_file = argument;
        break;
    case 'm':
        options->print_important = true;
        break;
    case 'n':
        options->name_servers = argument;
        break;
    case 'p':
        options->print = true;
        break;
    case LONG_ONLY:
        options->events = argument;
        break;
    case LONG_ONLY + 1:
        options->log = argument;
        break;
    case LONG_ONLY + 2:
        options->metrics_port = argument;
        break;
    default:
        options->check_store = argument;
    }
}

int daemon_options_read(struct daemon_options *options, enum daemon_kind kind, int argc,
                        char **argv) {
    struct option rows[ROW_COUNT + 1] = {0};
    char letters[2 * ROW_COUNT + 1];
    size_t count = 0, len = 0;
    *options = (struct daemon_options){.kind = kind,
                                       .program = kind == DAEMON_BROKER ? "mqbroker" : "mqnamesrv"};
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (!applies(&ROWS[i], kind))
            continue;
        rows[count++] =
            (struct option){ROWS[i].name, ROWS[i].argument != NULL, NULL, ROWS[i].letter};
        if (ROWS[i].letter < LONG_ONLY)
            letters[len++] = (char)ROWS[i].letter;
        if (ROWS[i].letter < LONG_ONLY && ROWS[i].argument != NULL)
            letters[len++] = ':';
    }
    letters[len] = 0;
    for (;;) {
        int letter = getopt_long(argc, argv, letters, rows, NULL);
        if (letter == -1)
            break;
        if (letter == '?' || letter == 'h') { /* getopt has said what is wrong */
            print_usage(options, letter == 'h' ? stdout : stderr);
            return letter == 'h' ? 0 : DAEMON_EXIT_USAGE;
        }
        take(options, letter, optarg);
    }
    if (optind < argc) {
        fprintf(stderr, "%s: unexpected argument '%s'\n", options->program, argv[optind]);
        print_usage(options, stderr);
        return DAEMON_EXIT_USAGE;
    }
    return -1;
}
