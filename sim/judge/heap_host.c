/* sim/judge/heap_host.c - blocks in a doubly linked list. */
#include "sim/judge/heap_host.h"

#include <stdlib.h>

struct heap_block {
    struct heap_block *next;
    struct heap_block **link; /* what points to this one */
};
_Static_assert(sizeof(struct heap_block) % sizeof(uint64_t) == 0, "blocks stay aligned");

static void *heap_alloc(void *ctx, size_t size) {
    struct heap_host *heap = ctx;
    if (size > SIZE_MAX - sizeof(struct heap_block))
        return NULL;
    struct heap_block *block = calloc(1, sizeof *block + size);
    if (block == NULL)
        return NULL;
    block->next = heap->blocks;
    block->link = &heap->blocks;
    if (block->next != NULL)
        block->next->link = &block->next;
    heap->blocks = block;
    return block + 1;
}

static void heap_free(void *ctx, void *memory) {
    (void)ctx;
    if (memory == NULL)
        return;
    struct heap_block *block = (struct heap_block *)memory - 1;
    *block->link = block->next;
    if (block->next != NULL)
        block->next->link = block->link;
    free(block);
}

static const char *heap_name(void *ctx, uint16_t node) {
    const struct heap_host *heap = ctx;
    return heap->node_name(heap->names_ctx, node);
}

void heap_host_init(struct heap_host *heap, const char *(*node_name)(void *ctx, uint16_t node),
                    void *ctx) {
    *heap = (struct heap_host){NULL, node_name, ctx};
}

struct oracle_host heap_host_of(struct heap_host *heap) {
    return (struct oracle_host){heap_alloc, heap_free, heap_name, heap, NULL, NULL};
}

void heap_host_free(struct heap_host *heap) {
    for (struct heap_block *block = heap->blocks, *next; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    heap->blocks = NULL;
}

const char *heap_host_log_name(void *log, uint16_t node) {
    return record_log_node(log, node);
}
