/* os/memory.c - a node's memory: malloc, counted, and linked so that all of it goes with the node.
 */
#include <stdlib.h>

#include "real/os/env_internal.h"

struct real_block {
    struct list of_node;
    size_t size;
    _Alignas(16) uint8_t bytes[];
};
_Static_assert(sizeof(struct real_block) % 16 == 0, "blocks are 16-byte aligned");

static struct real_block *block_of(void *pointer) {
    return RMQ_CONTAINER_OF((uint8_t *)pointer, struct real_block, bytes);
}

/* The header's bytes are not counted: the limit is about what the model asks for. */
static bool has_room(const struct env *env, size_t more) {
    uint64_t limit = env->options.memory_limit;
    if (more > SIZE_MAX - sizeof(struct real_block))
        return false;
    return limit == 0 || (env->memory_bytes <= limit && more <= limit - env->memory_bytes);
}

void *env_alloc(struct env *env, size_t size) {
    if (!has_room(env, size))
        return NULL;
    struct real_block *block = malloc(sizeof *block + size);
    if (block == NULL)
        return NULL;
    block->size = size;
    env->memory_bytes += size;
    list_append(&env->blocks, &block->of_node);
    return block->bytes;
}

void *env_realloc(struct env *env, void *pointer, size_t size) {
    if (pointer == NULL)
        return env_alloc(env, size);
    struct real_block *block = block_of(pointer);
    if (size > block->size && !has_room(env, size - block->size))
        return NULL;
    size_t old = block->size;
    struct list *behind = block->of_node.next;
    list_remove(&block->of_node);
    struct real_block *moved = realloc(block, sizeof *moved + size);
    if (moved == NULL) {
        list_insert_before(behind, &block->of_node);
        return NULL;
    }
    env->memory_bytes = env->memory_bytes - old + size;
    moved->size = size;
    list_insert_before(behind, &moved->of_node);
    return moved->bytes;
}

void env_free(struct env *env, void *pointer) {
    if (pointer == NULL)
        return;
    struct real_block *block = block_of(pointer);
    RMQ_ASSERT(env->memory_bytes >= block->size);
    env->memory_bytes -= block->size;
    list_remove(&block->of_node);
    free(block);
}

void real_memory_drop(struct env *env) {
    LIST_EACH(&env->blocks, link, following) {
        list_remove(link);
        free(LIST_ENTRY(link, struct real_block, of_node));
    }
    env->memory_bytes = 0;
}

uint64_t real_node_memory(const struct env *env) {
    return env->memory_bytes;
}
