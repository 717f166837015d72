/* load/load_internal.h - what the two kinds of load have in common. */
#ifndef MODEL_LOAD_LOAD_INTERNAL_H
#define MODEL_LOAD_LOAD_INTERNAL_H

#include "model/base/dist.h"
#include "model/base/list.h"
#include "model/base/settings.h"
#include "model/load/load.h"

#define LOAD_NAME_MAX 128

struct load;
struct load_kind {
    const char *word; /* "do" */
    /* Ends it cleanly; load_ended follows, perhaps before return. Repeating it does nothing. */
    void (*stop)(struct load *load);
    /* Frees it without a word to anybody. */
    void (*free)(struct load *load);
    void (*suspend)(struct load *load, bool on); /* NULL: it cannot */
};
struct load {
    struct list link;
    struct load_set *set;
    const struct load_kind *kind;
    char name[LOAD_NAME_MAX + 1];
    bool stopping;
};
struct load_set {
    struct env *env;
    struct client *client;
    struct list loads;
    void (*stopped)(void *ctx); /* load_stop_all waits */
    void *stopped_ctx;
};

/* What is under way in a load - a send, a handler - with a timer. The first member of the kind's
 * own struct; slots are kept until the load goes. */
struct load_slot {
    struct list link;
    struct load *load;
    struct env_timer timer;
};
struct load_slots {
    struct list free, busy;
};
void load_slots_init(struct load_slots *slots);
/* A slot of `bytes` (the same in each call), busy from now on; zeros when it is new, else as it was
 * given back. NULL: no memory. */
void *load_slots_take(struct load_slots *slots, struct load *load, size_t bytes);
/* Stops its timer; it may be taken again. */
void load_slots_give_back(struct load_slots *slots, struct load_slot *slot);
/* Frees all, also what is busy. */
void load_slots_deinit(struct load_slots *slots, struct env *env);

/* Common members; the name is `name`, or else the value of `fallback_key`. */
int load_init(struct load *load, struct load_set *set, const struct load_kind *kind,
              const struct props *order, const char *fallback_key) RMQ_CHECK_RESULT;
/* The load is over: command.done, freed, and load_stop_all's end when it was the last. */
void load_ended(struct load *load, int code, struct span detail);
/* A distribution; `fallback` is a constant. */
struct dist load_dist(struct settings *settings, const char *key, uint64_t fallback);
/* Copies `order` without the keys of `own`, for producer_start and consumer_start. */
int load_foreign_keys(const struct props *order, const char *const *own, size_t own_count,
                      struct props *out) RMQ_CHECK_RESULT;

int produce_begin(struct load_set *set, const struct props *order) RMQ_CHECK_RESULT;
int consume_begin(struct load_set *set, const struct props *order) RMQ_CHECK_RESULT;

#endif
