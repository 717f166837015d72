/* load/body.h - bodies of workload messages: a function of (run, producer, sequence).
 *
 * So that a phantom or a damaged message is found without memory: 16 bytes of header - run number
 * (8), message number (8), big endian - then bytes made from both. A message's number is the
 * producer's number (24 bits), then the producer's incarnation (8 bits), then its sequence (32
 * bits, from 1). A body shorter than 16 bytes is cut, and counts as sound but nameless. */
#ifndef MODEL_LOAD_BODY_H
#define MODEL_LOAD_BODY_H

#include "model/base/span.h"

#define BODY_HEADER_BYTES 16
static inline uint64_t body_number(uint32_t producer, uint32_t incarnation, uint32_t sequence) {
    return (uint64_t)(producer & 0xffffff) << 40 | (uint64_t)(incarnation & 0xff) << 32 | sequence;
}
/* Fills `out` of `len` bytes. */
void body_fill(uint8_t *out, size_t len, uint64_t run, uint64_t number);
/* Number of the message whose body this is. False: not a body of this run, or damaged (then
 * *number is what it claims, 0 if nothing). */
bool body_check(struct span body, uint64_t run, uint64_t *number);

#endif
