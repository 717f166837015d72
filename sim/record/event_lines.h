/* sim/record/event_lines.h - event streams of real daemons (--events FILE,
 * real/daemon/event_file.h) become one event log, so that oracles judge a real cluster as they
 * judge a run.
 *
 * The files of one cluster are merged by time: that of the monotonic clock where wall clocks say
 * that it is one machine's, which gives the order of what happened, else that of the wall clocks.
 * Where a file tells of another start of its process, the log gets what the simulator's world says:
 * world.node_down after the last event before it ("exit" behind a node.stopping, else "kill") and
 * world.node_up. A second file with nodes of the same name has them as NAME@FILE. A last line that
 * is cut off, and NUL bytes behind the last one, are left aside. */
#ifndef SIM_EVENT_LINES_H
#define SIM_EVENT_LINES_H

#include <stdbool.h>
#include <stddef.h>

/* Does the file begin like one? False too when it cannot be read. */
bool event_lines_is(const char *path);
/* Writes what `paths` tell to `out`, in the format of record.h. False with a message that names
 * file and line. */
bool event_lines_merge(const char *const *paths, size_t count, const char *out, char error[256]);

#endif
