/* os/chance.c - random numbers: xoshiro256** (Blackman and Vigna, 2018) seeded by the kernel. */
#include <sys/random.h>

#include "real/os/env_internal.h"

int real_chance_init(struct env *env) {
    ssize_t got = getrandom(env->random, sizeof env->random, 0);
    if (got != (ssize_t)sizeof env->random)
        return RMQ_E_IO;
    env->random[0] |= 1; /* all zeros would stay so */
    return RMQ_OK;
}

static uint64_t rotate(uint64_t x, int bits) {
    return x << bits | x >> (64 - bits);
}

uint64_t env_random(struct env *env) {
    uint64_t *s = env->random;
    uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

/* The high half of a product is uniform but for the products whose low half is below 2^64 mod bound
 * (Lemire, 2019): these are drawn again. */
uint64_t env_random_below(struct env *env, uint64_t bound) {
    RMQ_ASSERT(bound > 0);
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)env_random(env) * bound;
    if ((uint64_t)product < bound) {
        uint64_t least = (0 - bound) % bound;
        while ((uint64_t)product < least) {
            product = (wide)env_random(env) * bound;
        }
    }
    return (uint64_t)(product >> 64);
}

bool env_buggify(struct env *env, enum env_buggify_id id) {
    (void)env, (void)id;
    return false;
}

bool env_plant(struct env *env, enum env_plant_id id) {
    (void)env, (void)id;
    return false;
}
