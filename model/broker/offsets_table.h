/* broker/offsets_table.h - the entries of offsets.h, for its files. */
#ifndef MODEL_BROKER_OFFSETS_TABLE_H
#define MODEL_BROKER_OFFSETS_TABLE_H

#include "model/broker/offsets.h"

struct queue_offset {
    int32_t queue_id;
    bool own; /* a slave's: committed to it, and its master has not got it yet */
    int64_t offset;
};

/* The offsets of one "topic@group", sorted by queue. */
struct progress {
    UT_hash_handle hh;
    bool map_failed;
    int32_t hash; /* Java's, of the key */
    uint32_t count, capacity;
    struct queue_offset *queues;
    uint32_t key_len;
    uint32_t topic_len; /* up to the first '@', or all */
    char key[];
};

static inline struct span progress_key(const struct progress *progress) {
    return span_of(progress->key, progress->key_len);
}
static inline struct span progress_topic(const struct progress *progress) {
    return span_of(progress->key, progress->topic_len);
}
/* What is behind the first '@'. */
static inline struct span progress_group(const struct progress *progress) {
    size_t skip = progress->topic_len + (progress->topic_len < progress->key_len);
    return span_from(progress_key(progress), skip);
}

/* Sets an offset without any check or event; *changed: it was another one, or none. RMQ_E_NOMEM. */
int offsets_set(struct offsets *offsets, struct span key, int32_t queue_id, int64_t offset,
                bool *changed) RMQ_CHECK_RESULT;
void offsets_clear(struct offsets *offsets);
/* Sets up consumerOffset.json. */
void offsets_file_init(struct offsets *offsets);

#endif
