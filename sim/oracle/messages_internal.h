/* sim/oracle/messages_internal.h - what the parts of the ledger share: messages.c (who and where),
 * messages_live.c (entries), messages_subscription.c, messages_send.c, messages_consume.c,
 * messages_store.c (events). */
#ifndef SIM_ORACLE_MESSAGES_INTERNAL_H
#define SIM_ORACLE_MESSAGES_INTERNAL_H

#include "sim/oracle/messages.h"

/* ---- who and where; NULL or 0: no memory ---- */

void *messages_alloc(struct messages *messages, size_t size);
uint32_t messages_intern(struct messages *messages, struct span text);
struct message_broker *messages_broker(struct messages *messages, uint32_t name);
/* Of the broker node that reports. */
struct message_broker *messages_broker_of(struct messages *messages, uint16_t number);
struct message_topic *messages_topic_put(struct messages *messages, uint32_t name);
struct message_queue *messages_queue(struct messages *messages, struct message_broker *broker,
                                     uint32_t topic, uint64_t number);
struct group_queue *messages_progress_put(struct messages *messages, uint32_t group,
                                          struct message_queue *queue, bool *is_new);
struct message_producer *messages_producer(const struct messages *messages, uint64_t number);
struct message_producer *messages_producer_put(struct messages *messages, uint64_t number);
struct number_set *messages_delivered(struct messages *messages, uint32_t group,
                                      const struct message_producer *producer);
/* The group's bit among those of the topic; it is added. 0: more than 64 groups. */
uint64_t messages_group_bit(struct messages *messages, struct message_topic *topic, uint32_t group);

/* Acknowledged in `queue`: it is settled for groups that do not want its tag. */
void messages_note_unwanted(struct messages *messages, struct message_entry *message,
                            const struct message_queue *queue);

/* ---- entries ---- */

struct message_entry *messages_live_get(const struct messages *messages, uint64_t number);
struct message_entry *messages_live_put(struct messages *messages, uint64_t number);
void messages_live_drop(struct messages *messages, struct message_entry *message);
/* Is there nothing more to wait for? */
bool messages_is_settled(const struct messages *messages, const struct message_entry *message);

/* ---- events ---- */

void messages_on_send_started(struct messages *messages, const struct record *record);
void messages_on_send_retried(struct messages *messages, const struct record *record);
void messages_on_send_acked(struct messages *messages, const struct record *record);
void messages_on_send_failed(struct messages *messages, const struct record *record);

void messages_on_rebalanced(struct messages *messages, const struct record *record);
void messages_on_acquired(struct messages *messages, const struct record *record);
void messages_on_released(struct messages *messages, const struct record *record);
void messages_on_pulled(struct messages *messages, const struct record *record);
void messages_on_delivered(struct messages *messages, const struct record *record);
void messages_on_failed(struct messages *messages, const struct record *record);
void messages_on_reset(struct messages *messages, const struct record *record);
void messages_on_committed(struct messages *messages, const struct record *record);
void messages_on_lowered(struct messages *messages, const struct record *record);
/* A node of consumers is gone. */
void messages_owner_gone(struct messages *messages, const struct record *record);

void messages_on_flushed(struct messages *messages, const struct record *record);
void messages_on_recovered(struct messages *messages, const struct record *record);
void messages_on_queue_recovered(struct messages *messages, const struct record *record);
void messages_on_trimmed(struct messages *messages, const struct record *record);
void messages_on_deleted(struct messages *messages, const struct record *record);
void messages_on_topic_deleted(struct messages *messages, const struct record *record);
void messages_on_disk_fault(struct messages *messages, const struct record *record);
void messages_on_node_down(struct messages *messages, const struct record *record);
void messages_on_serves(struct messages *messages, const struct record *record);
/* Remembers an acknowledged place until it is flushed. */
void messages_keep_ack(struct messages *messages, struct message_queue *queue,
                       const struct acked_message *ack);

#endif
