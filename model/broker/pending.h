/* broker/pending.h - messages of another broker's store that wait for what is not built yet.
 *
 * A store that Apache's broker wrote can hold delayed messages (SCHEDULE_TOPIC_XXXX, one queue per
 * level, delivered up to config/delayOffset.json). Nothing
 * delivers them here yet; they and their files stay as they are, and the start warns with their
 * number (store.md 10; client.md on delay levels). */
#ifndef MODEL_BROKER_PENDING_H
#define MODEL_BROKER_PENDING_H

#include "model/base/replace_file.h"

struct broker;
struct pending {
    struct broker *broker; /* NULL: nothing is under way */
    struct read_file read;
    uint64_t delayed;
};

/* Counts and, where there are some, logs one warning, in a later handler. The store is open. */
void pending_count(struct pending *pending, struct broker *broker);
/* Does nothing when never begun. */
void pending_cancel(struct pending *pending);

#endif
