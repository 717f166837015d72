/* daemon/event_file.h - the event stream of a real node as JSON lines (--events FILE).
 *
 *   {"node":"broker-a","incarnation":1,"sequence":7,"mono_ns":..,"wall_ms":..,
 *    "kind":"store.flushed","fields":{"to_physical":4096,"duration_ns":81000}}
 *
 * Kinds and fields: model/events.h, in its order; numbers are decimal integers. incarnation counts
 * the starts that FILE has seen, sequence the events of one, from 1. The file is mapped, so that a
 * line costs no system call and survives a kill -9 (not a power cut); it grows by chunks, whose
 * unused rest is NUL bytes: a reader stops at the first one. A clean end, and the next start, cut
 * them off. When the disk has no room for another chunk, events are dropped and counted. */
#ifndef REAL_DAEMON_EVENT_FILE_H
#define REAL_DAEMON_EVENT_FILE_H

#include "model/base/buf.h"

struct event_value;

struct event_file {
    int fd; /* -1: not open */
    uint8_t *chunk;
    uint64_t chunk_at; /* its offset in the file */
    size_t used;       /* of the chunk */
    uint32_t incarnation;
    uint32_t sequence;
    uint64_t dropped;
    struct buf line;
};

/* Opens or creates `path`, to append. False, and errno. */
bool event_file_open(struct event_file *file, const char *path);
/* One event of `env`, called in its handler. `node`: who it is. */
void event_file_put(struct event_file *file, struct env *env, const char *node, int kind,
                    const struct event_value *values, size_t count);
/* The memory of `line` goes with its env; call before that. */
void event_file_close(struct event_file *file);

#endif
