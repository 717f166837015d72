/* load/produce.h - one "do=produce": when messages go out and what is in them. */
#ifndef MODEL_LOAD_PRODUCE_H
#define MODEL_LOAD_PRODUCE_H

#include "model/base/buf.h"
#include "model/client/producer.h"
#include "model/load/load_internal.h"

enum produce_arrivals { ARRIVALS_CLOSED, ARRIVALS_CONSTANT, ARRIVALS_POISSON };

struct produce_config {
    struct span topics, tags; /* owned by the load: `text` */
    enum send_mode mode;
    enum produce_arrivals arrivals;
    uint64_t rate_per_ks, ramp_to_per_ks, ramp_ns;
    uint64_t burst_of, burst_every_ns;
    uint32_t in_flight;
    struct dist think_ns, bytes;
    uint32_t keys, batch;
    int32_t delay_level;
    bool by_key, number;
    uint64_t count, for_ns, after_ns;
    uint64_t run;
    uint32_t producer;
};

#define NUMBER_PROPERTY_MAX 20 /* "number", 0x01 and a sequence */

struct produce;
/* A send under way, and in a closed loop the thread that makes it. */
struct produce_slot {
    struct load_slot base; /* its timer: thinks, or sends in a later handler */
    struct send send;
    uint64_t due_ns; /* open loop: when the message should have gone out; 0: no schedule */
};

struct produce {
    struct load base;
    struct produce_config config;
    struct buf text;
    struct producer *producer;
    struct load_slots slots;
    uint32_t busy;
    uint32_t topic_count, tag_count;
    struct env_timer arrival, burst, end, over;
    uint64_t begin_ns, due_ns;
    uint64_t due_fraction; /* of a nanosecond, in 1/rate: constant arrivals do not drift */
    uint64_t waiting;      /* arrivals that in_flight holds back */
    struct buf dues;       /* when they were due: u64 each, from dues_at; fewer without memory */
    size_t dues_at;
    uint64_t late_ns; /* of the messages that are being made */
    uint64_t begun;   /* messages */
    uint64_t acked, failed;
    uint32_t incarnation;
    struct buf body;
    struct outgoing *items;               /* `batch` of them */
    char *key_texts;                      /* KEY_TEXT_MAX for each item */
    char (*numbers)[NUMBER_PROPERTY_MAX]; /* of each item; NULL: config.number is false */
};

#define KEY_TEXT_MAX 24

/* ---- produce_config.c */
int produce_config_read(struct produce *load, const struct props *order) RMQ_CHECK_RESULT;
/* ---- produce_message.c: fills load->items with `count` new messages */
int produce_messages(struct produce *load, uint32_t count) RMQ_CHECK_RESULT;

#endif
