/* sim/report/report.h - pictures and the page of a run or sweep directory.
 *
 * Works on the files of the directory alone, so an old directory can be drawn again. Pictures are
 * made by the gnuplot programs in reports/; each plot is drawn wide (plots/NAME.svg) and narrow
 * (plots/NAME-narrow.svg, for phones). The page holds everything inline. */
#ifndef SIM_REPORT_H
#define SIM_REPORT_H

#include <stdbool.h>
#include <stddef.h>

/* name (= reports/NAME.gp, and what a scenario's "plots" lists), heading, what to see, function
 * that makes its tables (figure_data_X, sim/report/report_internal.h), whether it is of a RUN, a
 * SWEEP or ANY of them */
#define REPORT_PLOTS(X)                                                                            \
    X("route-timeline", "Who lists whom",                                                          \
      "Each lane is one broker as one name server or client sees it; a bar is the time in which "  \
      "it is listed. Orange-red is the time in which clients are still sent to a broker that a "   \
      "fault holds. The word at the end of a bar is what removed the broker.",                     \
      timeline, RUN)                                                                               \
    X("eviction", "When brokers are removed",                                                      \
      "Time from the last registration and from the fault to the removal at a name server, "       \
      "coloured by what removed the broker. Dashed: the bounds of theory - idle close 120 s "      \
      "after "                                                                                     \
      "the last byte, expiry scan 120 to 130 s (4.9) or 120 to 125 s (5.3) after the last "        \
      "registration, which itself is 0 to 30 s old when the fault comes.",                         \
      eviction, ANY)                                                                               \
    X("client-view", "What clients see",                                                           \
      "Time from the fault until clients stop using the broker, and from its removal at their "    \
      "name server: a poll each 30 s adds 0 to 30 s (dashed).",                                    \
      client_view, ANY)                                                                            \
    X("send-latency", "How long sends took",                                                       \
      "From a send's begin to its acknowledgement, retries included, on a logarithmic scale: "     \
      "single sends, and the p50, p99 and p99.9 of each second. Shaded: faults, until what they "  \
      "hit serves again.",                                                                         \
      send_latency, RUN)                                                                           \
    X("produce-to-consume", "From send to consumer",                                               \
      "From a send's begin to the first time a member of a group is handed the message, at the "   \
      "time of that delivery. A steep rise is a backlog that is being worked off.",                \
      produce_to_consume, RUN)                                                                     \
    X("throughput", "Messages per second",                                                         \
      "Sends begun, acknowledged and failed, and deliveries to all groups. Where sent runs above " \
      "acknowledged, sends wait for an answer.",                                                   \
      throughput, RUN)                                                                             \
    X("backlog", "Backlog",                                                                        \
      "Acknowledged messages that a group has not got yet, summed over groups.", backlog, RUN)     \
    X("ownership", "Who owns which queue",                                                         \
      "A row is a queue as one group shares it out; the colour is the member that pulls it. "      \
      "Blank is nobody, red is two at a time (drawn at least 3 pixels wide).",                     \
      ownership, RUN)                                                                              \
    X("message-counts", "What became of messages",                                                 \
      "Counts of the whole run, and before, during and after each fault; each column has its own " \
      "scale. Lost messages are counted in the phase in which they were acknowledged; \"before "   \
      "flush\" is the window that asynchronous flush leaves open.",                                \
      message_counts, RUN)                                                                         \
    X("store", "What stores did",                                                                  \
      "Per broker: when it refused messages, deleted files, recovered, or had trouble with its "   \
      "disk.",                                                                                     \
      store, RUN)                                                                                  \
    X("runs", "How runs differ",                                                                   \
      "The share of runs in which a value is at most so much: send latency (its p50, p99 and "     \
      "highest in each run), time to the first success after a fault, duplicates and losses. "     \
      "Logarithmic; runs with 0 are counted at the left edge.",                                    \
      runs, SWEEP)

struct report_plot {
    const char *name;
    const char *heading;
    const char *caption;
};
extern const struct report_plot REPORT_PLOT_LIST[];
extern const size_t REPORT_PLOT_COUNT;

struct report_options {
    bool pictures;      /* call gnuplot at all */
    bool png;           /* plots/NAME.png too */
    bool page;          /* index.html */
    const char *source; /* directory that holds reports/; NULL: where this was built */
};
void report_options_default(struct report_options *options); /* pictures and page, no PNG */

/* Draws what scenario.json's "plots" lists (all when it has none) and writes index.html. False with
 * *error when the directory is unreadable or a file cannot be written. Without gnuplot, *note says
 * so and the page has no pictures; a picture that gnuplot fails to draw ends up there too.
 * Otherwise *note is NULL. Both texts are good until the next call. */
bool report_directory(const char *path, const struct report_options *options, const char **note,
                      const char **error);

#endif
