/* mqadmin/arena.c - see arena.h. */
#include "real/mqadmin/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CHUNK_BYTES ((size_t)64 * 1024)

struct arena_chunk {
    struct arena_chunk *older;
    size_t used, size; /* of data */
    _Alignas(16) unsigned char data[];
};

static struct arena_chunk *chunk_of(struct arena *arena, size_t size) {
    struct arena_chunk *chunk = arena->chunks;
    if (chunk != NULL && size <= chunk->size - chunk->used)
        return chunk;
    size_t bytes = size > CHUNK_BYTES ? size : CHUNK_BYTES;
    chunk = malloc(sizeof(*chunk) + bytes);
    if (chunk == NULL) {
        fputs("mqadmin: out of memory\n", stderr);
        exit(2);
    }
    *chunk = (struct arena_chunk){.older = arena->chunks, .size = bytes};
    arena->chunks = chunk;
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t size) {
    size_t rounded = (size + 15) & ~(size_t)15;
    struct arena_chunk *chunk = chunk_of(arena, rounded);
    void *at = chunk->data + chunk->used;
    chunk->used += rounded;
    return memset(at, 0, rounded);
}

char *arena_text(struct arena *arena, struct span text) {
    if (span_is_absent(text))
        return NULL;
    char *copy = arena_alloc(arena, text.len + 1);
    memcpy(copy, text.data, text.len);
    return copy;
}

char *arena_format(struct arena *arena, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = arena_alloc(arena, (size_t)len + 1);
    va_start(arguments, format);
    vsnprintf(text, (size_t)len + 1, format, arguments);
    va_end(arguments);
    return text;
}

struct arena_mark arena_mark(const struct arena *arena) {
    return (struct arena_mark){arena->chunks, arena->chunks == NULL ? 0 : arena->chunks->used};
}

void arena_release(struct arena *arena, struct arena_mark mark) {
    while (arena->chunks != mark.chunk) {
        struct arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->older;
        free(chunk);
    }
    if (mark.chunk != NULL)
        mark.chunk->used = mark.used;
}

void arena_free(struct arena *arena) {
    arena_release(arena, (struct arena_mark){NULL, 0});
}
