/* mqload/report.h - the result as text, JSON, CSV and picture. */
#ifndef REAL_MQLOAD_REPORT_H
#define REAL_MQLOAD_REPORT_H

#include "real/mqload/options.h"
#include "real/mqload/stats.h"

/* `measured_ns`: how long. Text, or with options->json one document, on stdout. 0, or -1 after a
 * message (a file that cannot be written, no gnuplot). */
int report_write(const struct load_options *options, const struct load_stats *stats,
                 uint64_t measured_ns);

#endif
