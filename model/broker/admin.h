/* broker/admin.h - administrators' requests, but for statistics and configuration, and what their
 * handlers share (broker.md 20, 22; admin.md).
 *
 * Each handler answers once, at once or later; code 1 (5.3: also 29) with a remark that names what
 * is wrong and what was expected. Codes and remarks are Apache's unless its file says otherwise. */
#ifndef MODEL_BROKER_ADMIN_H
#define MODEL_BROKER_ADMIN_H

#include "model/broker/answer.h"

struct broker;
struct topic_config;

/* What Java responses are born with: the remark of some good answers. */
#define REMARK_UNSET "not set any response code"

#define ADMIN_HANDLER(name)                                               \
    void broker_on_##name(struct broker *broker, struct channel *channel, \
                          const struct wire_command *request)
/* admin.c */
ADMIN_HANDLER(update_and_create_topic);      /* 17 */
ADMIN_HANDLER(update_and_create_topic_list); /* 18 */
/* topic_delete.c */
ADMIN_HANDLER(delete_topic);        /* 215 */
ADMIN_HANDLER(clean_unused_topic);  /* 316 */
ADMIN_HANDLER(clean_expired_queue); /* 306 */
ADMIN_HANDLER(delete_expired_log);  /* 329 */
/* admin_tables.c */
ADMIN_HANDLER(all_topic_config); /* 21 */
ADMIN_HANDLER(all_delay_offset); /* 45 */
ADMIN_HANDLER(all_groups);       /* 201 */
ADMIN_HANDLER(system_topics);    /* 305 */
ADMIN_HANDLER(topic_config);     /* 351 */
ADMIN_HANDLER(group_config);     /* 352 */
/* admin_groups.c */
ADMIN_HANDLER(update_group);      /* 200 */
ADMIN_HANDLER(update_group_list); /* 225 */
ADMIN_HANDLER(delete_group);      /* 207 */
/* admin_clients.c */
ADMIN_HANDLER(consumer_connections);     /* 203 */
ADMIN_HANDLER(producer_connections);     /* 204 */
ADMIN_HANDLER(all_producers);            /* 328 */
ADMIN_HANDLER(topics_by_consumer);       /* 343 */
ADMIN_HANDLER(subscription_by_consumer); /* 345 */
/* reset_offset.c, admin_offsets.c */
ADMIN_HANDLER(reset_offset);      /* 222 */
ADMIN_HANDLER(correction_offset); /* 308 */
ADMIN_HANDLER(clone_offset);      /* 314 */
/* relay.c, consumer_status.c */
ADMIN_HANDLER(running_info);     /* 307 */
ADMIN_HANDLER(consume_directly); /* 309 */
ADMIN_HANDLER(consumer_status);  /* 223 */
/* reply.c */
ADMIN_HANDLER(send_reply); /* 324, 325 */
/* locks.c */
ADMIN_HANDLER(lock_batch);   /* 41 */
ADMIN_HANDLER(unlock_batch); /* 42 */
/* 323: code 3 with a remark, until there are transactions. */
ADMIN_HANDLER(resume_check_half);

/* Decodes; false: it was answered. */
bool admin_header(struct broker *broker, const struct asker *asker,
                  const struct wire_command *request, const struct header_info *info, void *header);
/* Code 0 with `body` (may be NULL), code 1 when a buffer of it failed. `remark` may be absent. */
void admin_answer(struct broker *broker, const struct asker *asker, struct span remark,
                  const struct buf *body);
/* Answers code and remark `before``middle``after`. */
void admin_refuse(struct broker *broker, const struct asker *asker, int32_t code,
                  const char *before, struct span middle, const char *after);
/* Answers code 1: what was expected where in the body. */
void admin_refuse_body(struct broker *broker, const struct asker *asker, int err,
                       const struct wire_error *error);
/* Whether this is a master; else the request, which changes something, was refused. 5.3 asks nobody
 * for that, since its administrators know. */
bool admin_master(struct broker *broker, const struct asker *asker);

/* A topic that an administrator changes: whether it may be. */
bool admin_check_topic(const struct broker *broker, struct span topic, struct outcome *outcome);

/* What waits for clients or the store on behalf of administrators. */
void admin_forget_channel(struct broker *broker, const struct channel *channel);
void admin_deinit(struct broker *broker);

/* One request under way: the first member of its owner. */
struct admin_task {
    struct list link; /* in broker.admin_tasks */
    struct broker *broker;
    struct asker asker;
    void (*drop)(struct admin_task *task); /* cancels and frees */
};
/* Of `size` bytes, zeroed, listed; NULL (answered): no memory. */
void *admin_task_create(struct broker *broker, const struct asker *asker, size_t size,
                        void (*drop)(struct admin_task *task));
/* Frees one that has answered. */
void admin_task_end(struct admin_task *task);

#endif
