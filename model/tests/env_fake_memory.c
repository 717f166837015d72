/* env_fake_memory.c - memory of the fake node: every block is known, so that a crash takes all and
 * fake_destroy finds what was left. */
#include <stdlib.h>

#include "model/tests/env_fake_internal.h"

#define BLOCK_MARK UINT64_C(0x626c6f636b206f6b)
#define FRESH 0xA5 /* memory is not zeroed: who relies on it shall notice */
#define FREED 0xDD

struct fake_block {
    struct fake_block *prev;
    struct fake_block *following;
    size_t size;
    uint64_t mark;
};

/* The header's size, rounded up so that the node's part is 16-byte aligned. */
#define HEADER ((sizeof(struct fake_block) + 15) / 16 * 16)

static struct fake_block *block_of(void *pointer) {
    struct fake_block *block = (void *)((uint8_t *)pointer - HEADER);
    RMQ_ASSERT(block->mark == BLOCK_MARK); /* neither foreign nor freed */
    return block;
}

static void *take_block(struct env *env, size_t size) {
    struct fake_block *block = fake_must_alloc(HEADER + size);
    uint8_t *memory = (uint8_t *)block + HEADER;
    RMQ_ASSERT((uintptr_t)memory % 16 == 0);
    *block = (struct fake_block){NULL, env->blocks, size, BLOCK_MARK};
    if (env->blocks != NULL) {
        env->blocks->prev = block;
    }
    env->blocks = block;
    env->memory_used += size;
    env->memory_blocks++;
    memset(memory, FRESH, size);
    return memory;
}

static void release_block(struct env *env, struct fake_block *block) {
    if (block->prev != NULL) {
        block->prev->following = block->following;
    } else {
        RMQ_ASSERT(env->blocks == block); /* else it is another node's */
        env->blocks = block->following;
    }
    if (block->following != NULL) {
        block->following->prev = block->prev;
    }
    env->memory_used -= block->size;
    env->memory_blocks--;
    memset(block, FREED, HEADER + block->size);
    free(block);
}

void *env_alloc(struct env *env, size_t size) {
    fake_call(env);
    return fake_fails(env, FAKE_FAIL_ALLOC) ? NULL : take_block(env, size);
}

void env_free(struct env *env, void *pointer) {
    fake_call(env);
    if (pointer == NULL) {
        return;
    }
    struct fake_block *block = block_of(pointer);
    fake_timers_check_free(env, pointer, block->size);
    fake_files_check_free(env, pointer, block->size);
    release_block(env, block);
}

/* Always moves, so that a pointer kept from before is found out. */
void *env_realloc(struct env *env, void *pointer, size_t size) {
    fake_call(env);
    if (fake_fails(env, FAKE_FAIL_ALLOC)) {
        return NULL;
    }
    void *moved = take_block(env, size);
    if (pointer != NULL) {
        struct fake_block *block = block_of(pointer);
        fake_timers_check_free(env, pointer, block->size);
        fake_files_check_free(env, pointer, block->size);
        memcpy(moved, pointer, block->size < size ? block->size : size);
        release_block(env, block);
    }
    return moved;
}

void fake_memory_drop(struct env *env) {
    while (env->blocks != NULL) {
        RMQ_ASSERT(env->blocks->prev == NULL);
        release_block(env, env->blocks);
    }
}

size_t fake_memory_used(const struct env *env) {
    return env->memory_used;
}

size_t fake_memory_blocks(const struct env *env) {
    return env->memory_blocks;
}
