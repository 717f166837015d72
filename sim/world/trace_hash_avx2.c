/* sim/world/trace_hash_avx2.c - XXH3 compiled for AVX2: the same value in half the time. Called
 * where the machine has it (trace_hash.c); the code around it stays at the compiler's baseline. */
#ifdef __AVX2__
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "sim/world/trace_hash.h"

uint64_t trace_hash_bytes_avx2(const void *data, size_t len) {
    return XXH3_64bits(data, len);
}
#else
typedef int nothing_here; /* another machine: ISO C wants a declaration */
#endif
