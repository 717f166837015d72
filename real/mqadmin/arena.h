/* mqadmin/arena.h - memory of one run of a command: taken piece by piece, given back at once.
 *
 * There is no failure: without memory the process says so and ends with status 2. */
#ifndef REAL_MQADMIN_ARENA_H
#define REAL_MQADMIN_ARENA_H

#include "model/base/span.h"

struct arena_chunk;
/* All zero is an empty arena. */
struct arena {
    struct arena_chunk *chunks; /* newest first */
};

/* 16-byte aligned zeros. */
void *arena_alloc(struct arena *arena, size_t size);
/* A NUL-terminated copy; NULL of an absent span. */
char *arena_text(struct arena *arena, struct span text);
char *arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What was taken after the mark goes at arena_release: for commands that read page by page. */
struct arena_mark {
    struct arena_chunk *chunk;
    size_t used;
};
struct arena_mark arena_mark(const struct arena *arena);
void arena_release(struct arena *arena, struct arena_mark mark);
/* Everything. */
void arena_free(struct arena *arena);

#endif
