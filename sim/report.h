/* sim/report.h - pictures and the page of a run or sweep directory.
 *
 * Works on the files of the directory alone, so an old directory can be drawn again. Pictures are
 * made by the gnuplot programs in reports/; each plot is drawn wide (plots/NAME.svg) and narrow
 * (plots/NAME-narrow.svg, for phones). The page holds everything inline. */
#ifndef SIM_REPORT_H
#define SIM_REPORT_H

#include <stdbool.h>
#include <stddef.h>

/* name (= reports/NAME.gp, and what a scenario's "plots" lists), heading, what to see */
#define REPORT_PLOTS(X)                                                                            \
    X("route-timeline", "Who lists whom",                                                          \
      "Each lane is one broker as one name server or client sees it; a bar is the time it is "     \
      "listed. Faults are shaded. A bar that runs into the shade is a broker that is still "       \
      "handed "                                                                                    \
      "out although it is gone.")                                                                  \
    X("eviction", "When brokers are removed",                                                      \
      "Time from the last registration (left) and from the fault (right) to the removal, "         \
      "coloured by what removed the broker. Dashed: the bounds of theory.")                        \
    X("client-view", "What clients see",                                                           \
      "Time from the fault until clients stop using the broker, and from its removal at the name " \
      "server: a poll each 30 s adds up to 30 s.")

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
 * *error (static) when the directory is unreadable or a file cannot be written. Without gnuplot it
 * is true, the page has no pictures, and *error, NULL otherwise, says so. */
bool report_directory(const char *path, const struct report_options *options, const char **error);

#endif
