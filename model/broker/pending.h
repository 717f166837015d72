/* broker/pending.h - messages of another broker's store that wait for what is not built yet.
 *
 * A store that Apache's broker wrote can hold half messages of transactions
 * (RMQ_SYS_TRANS_HALF_TOPIC, checked up to the offset of group CID_RMQ_SYS_TRANS). Nothing checks
 * them here yet; they stay as they are, and the start warns with their number (store.md 10). */
#ifndef MODEL_BROKER_PENDING_H
#define MODEL_BROKER_PENDING_H

struct broker;

/* Counts and, where there are some, logs one warning. The store is open. */
void pending_count(struct broker *broker);

#endif
