/* sim/judge/heap_host.h - an oracle host outside a world: memory from malloc, freed all at once.
 * For judging logs and for reading them into series. */
#ifndef SIM_HEAP_HOST_H
#define SIM_HEAP_HOST_H

#include "sim/oracle/oracle.h"

struct heap_host {
    struct heap_block *blocks;
    const char *(*node_name)(void *ctx, uint16_t node);
    void *names_ctx;
};
/* `node_name` (with `ctx`) gives the names, e.g. those of a log. */
void heap_host_init(struct heap_host *heap, const char *(*node_name)(void *ctx, uint16_t node),
                    void *ctx);
/* Valid while `heap` stays where it is. */
struct oracle_host heap_host_of(struct heap_host *heap);
void heap_host_free(struct heap_host *heap);

/* Names of a log's nodes; ctx is the struct record_log. */
const char *heap_host_log_name(void *log, uint16_t node);

#endif
