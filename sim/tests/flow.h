/* sim/tests/flow.h - messages in hand-made streams: group G of client-1 consumes topic T, which
 * producer 1 (client-1 too) sends to. Offsets are physical / 100. */
#ifndef SIM_TESTS_FLOW_H
#define SIM_TESTS_FLOW_H

#include "sim/tests/stream.h"

#define MS UINT64_C(1000000)
#define NUMBER(sequence) ((UINT64_C(1) << 40) | (uint64_t)(sequence))

static inline const char *flow_broker(uint16_t broker) {
    return STREAM_NODES[broker - 1];
}

static inline void flow_send(struct stream *stream, uint64_t number) {
    s_send_started(stream, CLIENT, "T", number, 100, "", 0, 0);
}

static inline void flow_ack(struct stream *stream, uint16_t broker, uint64_t queue, uint64_t offset,
                            uint64_t number, uint64_t attempts) {
    s_send_acked(stream, CLIENT, "T", flow_broker(broker), queue, (int64_t)offset,
                 (int64_t)offset * 100, number, 0, attempts, 2 * MS);
}

/* Sent and acknowledged 2 ms later. */
static inline void flow_stored(struct stream *stream, uint16_t broker, uint64_t queue,
                               uint64_t offset, uint64_t number) {
    flow_send(stream, number);
    stream->now_ns += 2 * MS;
    flow_ack(stream, broker, queue, offset, number, 1);
}

static inline void flow_acquire(struct stream *stream, uint16_t node, uint16_t broker,
                                uint64_t queue, int64_t from) {
    s_queue_acquired(stream, node, "G", "T", flow_broker(broker), queue, from, "stored");
}

static inline void flow_release(struct stream *stream, uint16_t node, uint16_t broker,
                                uint64_t queue, int64_t committed, const char *reason) {
    s_queue_released(stream, node, "G", "T", flow_broker(broker), queue, committed, 0, reason);
}

static inline void flow_deliver(struct stream *stream, uint16_t node, uint16_t broker,
                                uint64_t queue, uint64_t offset, uint64_t number) {
    s_consume_delivered(stream, node, "G", "T", flow_broker(broker), queue, (int64_t)offset,
                        (int64_t)offset * 100, number, 1, 0, 0, "");
}

static inline void flow_commit(struct stream *stream, uint16_t broker, uint64_t queue,
                               int64_t offset) {
    s_offset_committed(stream, broker, "G", "T", queue, offset, "c1");
}

/* One message of each place from 0 to `count` - 1 in queue 0 of broker-a: sent, delivered, and the
 * progress committed each tenth. */
static inline void flow_through(struct stream *stream, uint64_t from, uint64_t to) {
    for (uint64_t offset = from; offset < to; offset++) {
        flow_stored(stream, BROKER_A, 0, offset, NUMBER(offset + 1));
        stream->now_ns += 3 * MS;
        flow_deliver(stream, CLIENT, BROKER_A, 0, offset, NUMBER(offset + 1));
        if (offset % 10 == 9)
            flow_commit(stream, BROKER_A, 0, (int64_t)offset + 1);
    }
}

/* The cluster is up, client-1 owns queue 0 of broker-a, 20 messages went through. */
static inline struct stream flow_of(const char *oracle, const char *parameters) {
    struct stream stream = stream_of(oracle, parameters);
    stream_start(&stream);
    stream.now_ns = 100 * SECOND;
    flow_acquire(&stream, CLIENT, BROKER_A, 0, 0);
    flow_through(&stream, 0, 20);
    return stream;
}

/* The broker ends and comes back; its log and the queue end at `max`. */
static inline void flow_restart(struct stream *stream, uint16_t broker, const char *how,
                                int64_t max) {
    s_world_node_down(stream, broker, how);
    stream->now_ns += 5 * SECOND;
    stream->incarnation[broker]++;
    s_world_node_up(stream, broker, "broker");
    s_node_started(stream, broker, "broker", "4.9");
    s_store_recovered(stream, broker, "unclean", 0, max * 100, 0, 0, 0, "");
    s_store_queue_recovered(stream, broker, "T", 0, 0, max, 0);
    s_node_serves(stream, broker, broker_address(broker), flow_broker(broker), 0);
    stream->now_ns += SECOND;
}

#endif
