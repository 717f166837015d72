/* sim/scenario/pool.c - chunks of memory, filled from the front. */
#include "sim/scenario/pool.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)64 << 10)
#define ALIGNMENT ((size_t)16)

struct pool_chunk {
    struct pool_chunk *next;
    size_t bytes;
};

void pool_init(struct pool *pool) {
    *pool = (struct pool){NULL, 0};
}

void pool_deinit(struct pool *pool) {
    while (pool->chunks != NULL) {
        struct pool_chunk *chunk = pool->chunks;
        pool->chunks = chunk->next;
        free(chunk);
    }
    pool->left = 0;
}

static void grow(struct pool *pool, size_t size) {
    size_t header = (sizeof(struct pool_chunk) + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    size_t bytes = header + (size > CHUNK_BYTES ? size : CHUNK_BYTES);
    struct pool_chunk *chunk = calloc(1, bytes);
    if (chunk == NULL) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    chunk->next = pool->chunks;
    chunk->bytes = bytes;
    pool->chunks = chunk;
    pool->left = bytes - header;
}

void *pool_alloc(struct pool *pool, size_t size) {
    size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    if (pool->chunks == NULL || pool->left < size)
        grow(pool, size);
    char *block = (char *)pool->chunks + pool->chunks->bytes - pool->left;
    pool->left -= size;
    return block;
}

char *pool_text(struct pool *pool, const void *data, size_t len) {
    char *text = pool_alloc(pool, len + 1);
    if (len > 0)
        memcpy(text, data, len);
    return text;
}

char *pool_format(struct pool *pool, const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (len < 0)
        len = 0;
    if ((size_t)len >= sizeof text)
        len = (int)sizeof text - 1;
    return pool_text(pool, text, (size_t)len);
}
