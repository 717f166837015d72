/* sim/series.h - tables for plots, read from a run's event log: first line names with units.
 *
 *   series/listed.csv         who listed whom: viewer,role,broker,from_s,until_s
 *   series/faults.csv         index,kind,target,from_s,until_s,lasting
 *   series/evictions.csv      at_s,name_server,broker,reason,since_registration_s,since_fault_s
 *   series/registrations.csv  at_s,name_server,broker,topics
 *   series/lanes.csv          what route-timeline draws: lane,label,role,from_s,until_s
 *
 * lanes.csv holds at most SERIES_LANES_MAX (viewer, broker) pairs: those whose broker was removed
 * or hit by a fault first. */
#ifndef SIM_SERIES_H
#define SIM_SERIES_H

#include <stdbool.h>

#define SERIES_LANES_MAX 24

/* Reads `directory`/events.bin. False with *error (static) when it cannot be read or a table cannot
 * be written; what precedes damage in the log is used. */
bool series_write(const char *directory, const char **error);

#endif
