/* load/body.h - bodies of workload messages: a function of (run, producer, sequence).
 *
 * So that a phantom or a damaged message is found without memory: 16 bytes of header - run number
 * (8), message number (8), big endian - then bytes drawn from both. A message's number is
 * (producer's number << 40) + sequence, sequence from 1; a body shorter than 16 bytes is cut, and
 * then counts as sound but nameless (number 0). */
#ifndef MODEL_LOAD_BODY_H
#define MODEL_LOAD_BODY_H

#include "model/base/span.h"

#define BODY_NUMBER_BITS 40
/* Fills `out` of `len` bytes. */
void body_fill(uint8_t *out, size_t len, uint64_t run, uint64_t number);
/* Number of the message whose body this is. False: not a body of this run, or damaged (then
 * *number is what it claims, 0 if nothing). */
bool body_check(struct span body, uint64_t run, uint64_t *number);

#endif
