/* mqbroker/check_store.h - `mqbroker --check-store DIR`: reads a stopped broker's store and says
 * what is in it and what is wrong with it. Writes nothing, takes no lock. */
#ifndef REAL_MQBROKER_CHECK_STORE_H
#define REAL_MQBROKER_CHECK_STORE_H

#include <stdio.h>

/* Checks the store in `dir` (storePathRootDir; RocketMQ's format, ours or Apache's) and prints a
 * report to `out`: files, first and last offsets, records, the first bad record and why, queues
 * whose units are missing or wrong. File sizes are taken from the files. Sizes in bytes, times in
 * wall ms.
 *
 * Returns 0: nothing is wrong. 1: something is, or the store cannot be read; each such line begins
 * with "wrong: ". Not wrong, but said: consume queues that are behind the log after an unclean
 * stop, which the next start completes. */
int check_store(const char *dir, FILE *out);

#endif
