/* events.h - the one event vocabulary. Nodes report what they do as typed events; oracles, plots
 * and reports read nothing else.
 *
 * To add an event: one EVENT_FIELDS_<id> line and one row in EVENTS. A row gives the enum value
 * EVENT_<ID>, the name in traces, and the function event_<id>(env, fields...). Field order is part
 * of the format: append, never reorder. Units are in the field's name; times are milliseconds or
 * nanoseconds of the node's own monotonic clock unless the name says wall. */
#ifndef MODEL_EVENTS_H
#define MODEL_EVENTS_H

#include "model/env.h"

/* Fields: T(text) U(unsigned) I(signed). */
#define EVENT_FIELDS_node_started(T, U, I) T(role) T(profile)
#define EVENT_FIELDS_node_stopping(T, U, I) T(role)
/* broker: "" for a name server; address: "ip:port" others reach it at */
#define EVENT_FIELDS_node_serves(T, U, I) T(address) T(broker) I(broker_id)
#define EVENT_FIELDS_channel_opened(T, U, I) T(peer) U(inbound)
#define EVENT_FIELDS_channel_closed(T, U, I) T(peer) U(inbound) T(reason)
#define EVENT_FIELDS_route_broker_registered(T, U, I) \
    T(cluster) T(broker) I(broker_id) T(addr) U(first) U(topics) I(version_counter) U(applied)
#define EVENT_FIELDS_route_broker_refreshed(T, U, I) T(broker) T(addr) U(code)
#define EVENT_FIELDS_route_broker_evicted(T, U, I) \
    T(cluster) T(broker) I(broker_id) T(addr) T(reason) U(since_registration_ns)
#define EVENT_FIELDS_route_address_changed(T, U, I) \
    T(broker) I(broker_id) T(old_addr) T(new_addr) U(old_is_live)
#define EVENT_FIELDS_route_registration_refused(T, U, I) T(broker) T(addr) I(code) T(reason)
#define EVENT_FIELDS_route_topic_set(T, U, I) \
    T(topic) T(broker) U(read_queues) U(write_queues) U(perm)
#define EVENT_FIELDS_route_topic_removed(T, U, I) T(topic) T(broker) T(reason)
#define EVENT_FIELDS_route_perm_changed(T, U, I) T(broker) U(topics) U(writable)
#define EVENT_FIELDS_route_scanned(T, U, I) U(brokers) U(expired)
#define EVENT_FIELDS_route_answered(T, U, I) T(topic) I(code) U(brokers)
#define EVENT_FIELDS_registration_sent(T, U, I) \
    T(name_server) U(topics) U(increment) U(oneway) I(version_counter) U(after_ns)
#define EVENT_FIELDS_registration_answered(T, U, I) T(name_server) I(code) U(latency_ns)
#define EVENT_FIELDS_registration_failed(T, U, I) T(name_server) T(error) U(latency_ns)
#define EVENT_FIELDS_registration_round_done(T, U, I) \
    U(sent) U(accepted) U(duration_ns) U(late_ns) /* late: behind the fixed-rate schedule */
#define EVENT_FIELDS_broker_topic_created(T, U, I) T(topic) U(read_queues) U(write_queues) U(perm)
/* physical: its records below are dead */
#define EVENT_FIELDS_broker_topic_deleted(T, U, I) T(topic) I(physical)
#define EVENT_FIELDS_broker_topic_gone(T, U, I) T(topic)
#define EVENT_FIELDS_route_slave_seen(T, U, I) T(cluster) T(broker) I(broker_id) T(addr)
#define EVENT_FIELDS_broker_order_changed(T, U, I) T(topic) U(order)
#define EVENT_FIELDS_client_name_server_chosen(T, U, I) T(name_server)
#define EVENT_FIELDS_client_name_server_lost(T, U, I) T(name_server) T(reason)
#define EVENT_FIELDS_client_poll_done(T, U, I) U(topics) U(answered) U(failed) U(duration_ns)
#define EVENT_FIELDS_client_route_changed(T, U, I) T(topic) U(brokers) U(write_queues)
#define EVENT_FIELDS_client_route_kept(T, U, I) T(topic) I(code) /* an error answer: cache kept */
#define EVENT_FIELDS_client_broker_believed(T, U, I) T(topic) T(broker) T(addr)
#define EVENT_FIELDS_client_broker_dropped(T, U, I) T(topic) T(broker) T(addr)
#define EVENT_FIELDS_command_done(T, U, I) T(command) T(target) I(code) T(detail)
/* ---- store, per broker. Offsets: physical = byte in the commit log, queue_offset = message number
 * in a queue. Times: wall ms of the broker unless they end in _ns. */
#define EVENT_FIELDS_store_recovered(T, U, I) \
    T(stop) I(min_physical) I(max_physical) U(records) U(dispatched) U(cut_bytes) T(cut_reason)
#define EVENT_FIELDS_store_queue_recovered(T, U, I) T(topic) U(queue) I(min) I(max) U(rebuilt)
#define EVENT_FIELDS_store_flushed(T, U, I) I(to_physical) U(duration_ns)
#define EVENT_FIELDS_store_sync_failed(T, U, I) T(path) T(error)
#define EVENT_FIELDS_store_write_failed(T, U, I) T(path) T(error) I(physical)
#define EVENT_FIELDS_store_file_deleted(T, U, I) T(path) I(from) I(to) T(reason)
#define EVENT_FIELDS_store_queue_trimmed(T, U, I) T(topic) U(queue) I(min)
#define EVENT_FIELDS_store_writable(T, U, I) U(writable) T(reason) U(used_ppm)
#define EVENT_FIELDS_store_failed(T, U, I) T(step) T(error)
/* ---- configuration files: hash of the content (XXH3, 64 bits) */
#define EVENT_FIELDS_config_saving(T, U, I) T(file) U(content_hash)
#define EVENT_FIELDS_config_saved(T, U, I) T(file) U(content_hash)
#define EVENT_FIELDS_config_save_failed(T, U, I) T(file) T(error)
#define EVENT_FIELDS_config_loaded(T, U, I) T(file) T(source) U(content_hash)
/* ---- broker */
#define EVENT_FIELDS_offset_committed(T, U, I) T(group) T(topic) U(queue) I(queue_offset) T(client)
#define EVENT_FIELDS_offset_lowered(T, U, I) T(group) T(topic) U(queue) I(old) I(now)
#define EVENT_FIELDS_offset_ignored(T, U, I) T(group) T(topic) U(queue) I(asked) I(max)
#define EVENT_FIELDS_offset_moved(T, U, I) \
    T(group) T(topic) U(queue) I(asked) I(corrected) T(reason)
/* replication; positions are bytes of the commit log, max: the master's end */
#define EVENT_FIELDS_ha_slave_joined(T, U, I) T(slave) I(from) I(max)
#define EVENT_FIELDS_ha_slave_left(T, U, I) T(slave) T(reason) I(acked)
#define EVENT_FIELDS_ha_slave_refused(T, U, I) T(slave) T(reason) I(asked) I(min) I(max)
#define EVENT_FIELDS_ha_master_joined(T, U, I) T(master) I(asked) I(end)
#define EVENT_FIELDS_ha_master_left(T, U, I) T(master) T(reason) I(end)
#define EVENT_FIELDS_ha_appended(T, U, I) I(from) I(to)
#define EVENT_FIELDS_ha_diverged(T, U, I) T(master) I(at) T(what)
#define EVENT_FIELDS_flow_refused(T, U, I) T(limit) U(measured) U(bound) T(waiting_for)
/* when: running, start; step_ms: by how much the wall clock was set */
#define EVENT_FIELDS_delay_clock(T, U, I) T(when) U(level) I(queue_offset) I(step_ms)
/* topic, queue, queue_offset: where it came from SCHEDULE_TOPIC_XXXX */
#define EVENT_FIELDS_delay_delivered(T, U, I) \
    T(topic) U(queue) I(queue_offset) U(level) I(schedule_offset) U(late_ns)
/* topic: %RETRY%group, or (dead) %DLQ%group; physical: of the message that is given back; level 0:
 * at once */
#define EVENT_FIELDS_retry_stored(T, U, I) \
    T(group) T(topic) I(physical) I(reconsume) I(delay_level) U(dead)
#define EVENT_FIELDS_acl_loaded(T, U, I) U(files) U(accounts)
#define EVENT_FIELDS_acl_refused(T, U, I) T(peer) I(code) T(reason)
#define EVENT_FIELDS_group_joined(T, U, I) T(group) T(client) U(members)
#define EVENT_FIELDS_group_left(T, U, I) T(group) T(client) U(members) T(reason)
/* ---- clients. message: the workload's number, see model/load/body.h; 0 for others */
/* late_ns: after the workload's schedule wanted it (open loop) */
#define EVENT_FIELDS_send_started(T, U, I) \
    T(topic) U(message) U(bytes) T(tag) U(late_ns) I(delay_level)
/* the topic of a delayed message is SCHEDULE_TOPIC_XXXX here, where its place is */
#define EVENT_FIELDS_send_retried(T, U, I) \
    T(topic) U(message) U(attempt) T(broker) T(last_broker) T(last_error) U(left_ns)
#define EVENT_FIELDS_send_acked(T, U, I) \
    T(topic)                             \
    T(broker) U(queue) I(queue_offset) I(physical) U(message) I(status) U(attempts) U(latency_ns)
#define EVENT_FIELDS_send_failed(T, U, I) \
    T(topic) U(message) T(broker) I(code) T(error) U(attempts) U(maybe_stored) U(latency_ns)
#define EVENT_FIELDS_queue_acquired(T, U, I) \
    T(group) T(topic) T(broker) U(queue) I(from_offset) T(source)
#define EVENT_FIELDS_queue_released(T, U, I) \
    T(group) T(topic) T(broker) U(queue) I(committed) U(in_flight) T(reason)
#define EVENT_FIELDS_consume_pulled(T, U, I) \
    T(group) T(topic) T(broker) U(queue) I(asked) I(next) U(count) I(first) I(last) U(foreign)
#define EVENT_FIELDS_consume_delivered(T, U, I) \
    T(group)                                    \
    T(topic)                                    \
    T(broker)                                   \
    U(queue) I(queue_offset) I(physical) U(message) U(intact) U(reconsume) I(born_wall_ms) T(tag)
#define EVENT_FIELDS_consume_failed(T, U, I) \
    T(group) T(topic) T(broker) U(queue) I(queue_offset) U(message) T(reason)
#define EVENT_FIELDS_consumer_rebalanced(T, U, I) \
    T(group) T(topic) U(members) U(queues) U(mine) T(strategy) T(expression)
#define EVENT_FIELDS_consumer_filter_refused(T, U, I) T(group) T(topic) I(code) T(remark)
#define EVENT_FIELDS_consumer_offset_reset(T, U, I) \
    T(group) T(topic) T(broker) U(queue) I(asked) I(now) T(reason)
#define EVENT_FIELDS_consumer_throttled(T, U, I) \
    T(group) T(topic) T(broker) U(queue) T(limit) U(measured) U(bound)
/* Only the simulator's world emits these; node is the affected one or the world (node 0). */
/* what: page, torn, size, name (a directory entry), rot, misdirected; kept: 0 lost, 1 survived */
#define EVENT_FIELDS_world_disk(T, U, I) T(path) T(what) U(kept) U(lost)
#define EVENT_FIELDS_world_node_up(T, U, I) T(role)
#define EVENT_FIELDS_world_node_down(T, U, I) T(how)
/* index is the timeline's; node is the one affected, or 0 and target's words are their names */
#define EVENT_FIELDS_world_fault(T, U, I) U(index) T(kind) T(target) T(phase)
#define EVENT_FIELDS_world_assert(T, U, I) T(expression) T(file) U(line)

/* id, name, who emits, meaning */
#define EVENTS(X)                                                                                  \
    X(node_started, "node.started", "any", "a role's start function succeeded")                    \
    X(node_stopping, "node.stopping", "any", "a clean stop began")                                 \
    X(node_serves, "node.serves", "any", "listens from now on: who it is to others")               \
    X(channel_opened, "channel.opened", "any", "a remoting connection is usable")                  \
    X(channel_closed, "channel.closed", "any",                                                     \
      "it ended: closed, reset, idle, timeout, ours, ...")                                         \
    X(route_broker_registered, "route.broker_registered", "namesrv", "accepted a registration")    \
    X(route_broker_refreshed, "route.broker_refreshed", "namesrv", "request 322 or 904 refreshed") \
    X(route_broker_evicted, "route.broker_evicted", "namesrv",                                     \
      "removed a broker address; reason: close, idle, scan, unregister, superseded")               \
    X(route_address_changed, "route.address_changed", "namesrv",                                   \
      "another address took a broker id")                                                          \
    X(route_registration_refused, "route.registration_refused", "namesrv", "")                     \
    X(route_topic_set, "route.topic_set", "namesrv", "a broker's queue data was added or changed") \
    X(route_topic_removed, "route.topic_removed", "namesrv", "reason: evicted, deleted, absent")   \
    X(route_perm_changed, "route.perm_changed", "namesrv", "205 (writable 0) or 327 (writable 1)") \
    X(route_scanned, "route.scanned", "namesrv", "a scan that expired some")                       \
    X(route_answered, "route.answered", "namesrv", "answered a route query")                       \
    X(registration_sent, "registration.sent", "broker", "after_ns: since its round was due")       \
    X(registration_answered, "registration.answered", "broker", "")                                \
    X(registration_failed, "registration.failed", "broker", "")                                    \
    X(registration_round_done, "registration.round_done", "broker", "all answered or budget over") \
    X(broker_topic_created, "broker.topic_created", "broker", "")                                  \
    X(acl_loaded, "acl.loaded", "broker", "access rules were read and are in force")               \
    X(acl_refused, "acl.refused", "broker", "a request was refused by them")                       \
    X(broker_order_changed, "broker.order_changed", "broker", "")                                  \
    X(client_name_server_chosen, "client.name_server_chosen", "client", "connected to it")         \
    X(client_name_server_lost, "client.name_server_lost", "client", "")                            \
    X(client_poll_done, "client.poll_done", "client", "one route poll of all topics")              \
    X(client_route_changed, "client.route_changed", "client", "the cached route was replaced")     \
    X(client_route_kept, "client.route_kept", "client", "an error answer left the cache alone")    \
    X(client_broker_believed, "client.broker_believed", "client",                                  \
      "a broker entered a cached route")                                                           \
    X(client_broker_dropped, "client.broker_dropped", "client", "a broker left a cached route")    \
    X(command_done, "command.done", "any", "a role command ended; code 0 is success")              \
    X(store_recovered, "store.recovered", "broker",                                                \
      "recovery ended; stop: clean, unclean, empty; cut: bytes behind the last good record")       \
    X(store_queue_recovered, "store.queue_recovered", "broker",                                    \
      "a consume queue after recovery; rebuilt: units written from the log")                       \
    X(store_flushed, "store.flushed", "broker", "the commit log is durable up to here")            \
    X(store_sync_failed, "store.sync_failed", "broker", "")                                        \
    X(store_write_failed, "store.write_failed", "broker", "")                                      \
    X(store_file_deleted, "store.file_deleted", "broker",                                          \
      "reason: expired, space, forced, manual")                                                    \
    X(store_queue_trimmed, "store.queue_trimmed", "broker", "a queue's min offset rose")           \
    X(store_writable, "store.writable", "broker", "puts are refused (0) or accepted again (1)")    \
    X(store_failed, "store.failed", "broker", "the store does not open, or cannot go on")          \
    X(config_saving, "config.saving", "broker", "a config file's replacement began")               \
    X(config_saved, "config.saved", "broker", "the new content is durable")                        \
    X(config_save_failed, "config.save_failed", "broker", "")                                      \
    X(config_loaded, "config.loaded", "broker", "source: main, backup, none")                      \
    X(offset_committed, "offset.committed", "broker", "a group's progress on a queue changed")     \
    X(offset_lowered, "offset.lowered", "broker", "at start: it was above the queue's max")        \
    X(offset_ignored, "offset.ignored", "broker", "a commit above the queue's max")                \
    X(offset_moved, "offset.moved", "broker", "a pull outside the queue; reason: too_small, ...")  \
    X(flow_refused, "flow.refused", "broker",                                                      \
      "busy answer; limit: page_cache, send_queue, pull_queue, overload; ms or requests")          \
    X(group_joined, "group.joined", "broker", "a consumer entered its group")                      \
    X(group_left, "group.left", "broker", "reason: unregister, close, expired")                    \
    X(send_started, "send.started", "client", "an application's send")                             \
    X(send_retried, "send.retried", "client", "the next attempt of a send (attempt >= 2)")         \
    X(send_acked, "send.acked", "client", "status: 0 OK, 10, 11, 12 as the broker's code")         \
    X(send_failed, "send.failed", "client", "the application got an error")                        \
    X(queue_acquired, "queue.acquired", "client", "source: stored, first, last, timestamp")        \
    X(queue_released, "queue.released", "client", "reason: rebalance, stop, illegal, expired")     \
    X(consume_pulled, "consume.pulled", "client",                                                  \
      "a pull found messages; foreign: records of another topic, queue or out of order")           \
    X(consume_delivered, "consume.delivered", "client", "a message was handed to the application") \
    X(consume_failed, "consume.failed", "client", "the application failed; it will come again")    \
    X(consumer_rebalanced, "consumer.rebalanced", "client", "an allocation that changed")          \
    X(consumer_offset_reset, "consumer.offset_reset", "client", "progress jumped")                 \
    X(consumer_throttled, "consumer.throttled", "client",                                          \
      "pulling waits; limit: count, size, span")                                                   \
    X(consumer_filter_refused, "consumer.filter_refused", "client",                                \
      "a broker refuses its SQL92 expression: it consumes nothing")                                \
    X(world_disk, "world.disk", "world", "what a disk fault or a power-off did to a file")         \
    X(world_node_up, "world.node_up", "world", "a node's process exists from now on")              \
    X(world_node_down, "world.node_down", "world", "how: kill, crash, power_off, exit, assert")    \
    X(world_fault, "world.fault", "world", "phase: begin, end, or once (leaves no lasting state)") \
    X(world_assert, "world.assert", "world", "an assertion of ours failed in a node")              \
    X(broker_topic_deleted, "broker.topic_deleted", "broker", "by an administrator")               \
    X(route_slave_seen, "route.slave_seen", "namesrv", "the first slave under a broker name")      \
    X(delay_clock, "delay.clock", "broker", "the wall clock was set while delayed messages wait")  \
    X(delay_delivered, "delay.delivered", "broker", "a delayed message is at its real topic")      \
    X(retry_stored, "retry.stored", "broker", "stores a message that a consumer gave back")        \
    X(ha_slave_joined, "ha.slave_joined", "broker",                                                \
      "a master sends its log to a slave, from here")                                              \
    X(ha_slave_left, "ha.slave_left", "broker",                                                    \
      "reason: closed, reset, timeout, silent, ahead, too_old, disk, memory")                      \
    X(ha_slave_refused, "ha.slave_refused", "broker",                                              \
      "its log cannot go on with ours; reason: ahead, too_old, negative")                          \
    X(ha_master_joined, "ha.master_joined", "broker", "a slave is connected and asks from here")   \
    X(ha_master_left, "ha.master_left", "broker", "")                                              \
    X(ha_appended, "ha.appended", "broker", "a slave took this part of its master's log")          \
    X(ha_diverged, "ha.diverged", "broker", "a slave's log differs from its master's")             \
    X(broker_topic_gone, "broker.topic_gone", "broker", "its deletion is durable, and answered")

enum event_kind {
#define EVENT_ENUM(id, name, who, about) EVENT_##id,
    EVENTS(EVENT_ENUM)
#undef EVENT_ENUM
        EVENT_KIND_COUNT
};

struct event_field_info {
    const char *name;
    enum event_field_type type;
};
struct event_info {
    const char *name;
    const char *who;
    const char *about;
    const struct event_field_info *fields;
    size_t field_count;
};
/* Description of each kind, for traces, schema and checks. */
extern const struct event_info EVENT_INFO[EVENT_KIND_COUNT];
/* Kind of a name such as "route.broker_evicted", or -1. */
int event_kind_of_name(struct span name);

#define EVENT_PARAM_T(name) , struct span name
#define EVENT_PARAM_U(name) , uint64_t name
#define EVENT_PARAM_I(name) , int64_t name
#define EVENT_VALUE_T(name) {EVENT_TEXT, name, 0},
#define EVENT_VALUE_U(name) {EVENT_UINT, SPAN_NONE, name},
#define EVENT_VALUE_I(name) {EVENT_INT, SPAN_NONE, (uint64_t)(name)},
#define EVENT_FUNCTION(id, name, who, about)                                              \
    static inline void event_##id(                                                        \
        struct env *env EVENT_FIELDS_##id(EVENT_PARAM_T, EVENT_PARAM_U, EVENT_PARAM_I)) { \
        const struct event_value values[] = {                                             \
            EVENT_FIELDS_##id(EVENT_VALUE_T, EVENT_VALUE_U, EVENT_VALUE_I)};              \
        env_event(env, EVENT_##id, values, sizeof values / sizeof values[0]);             \
    }
EVENTS(EVENT_FUNCTION)
#undef EVENT_FUNCTION

#endif
