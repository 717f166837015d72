/* sim/report/series.h - tables for plots, read from a run's event log: first line names with units.
 *
 *   series/listings.csv       who listed whom: observer,role,broker,from_s,to_s,reason
 *                             to_s is empty when it lasts to the end; reason: what removed it
 *   series/faults.csv         index,kind,target,from_s,to_s,lasting
 *                             to_s is empty when it lasts to the end, the same as from_s when it
 *                             takes no time
 *   series/evictions.csv      at_s,name_server,broker,reason,since_registration_s,since_fault_s
 *   series/registrations.csv  at_s,name_server,broker,topics
 *   series/store.csv          sim/report/series_store.h */
#ifndef SIM_SERIES_H
#define SIM_SERIES_H

#include <stdbool.h>

/* Reads `directory`/events.bin. False with *error (static) when it cannot be read or a table cannot
 * be written; what precedes damage in the log is used. */
bool series_write(const char *directory, const char **error);

#endif
