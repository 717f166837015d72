/* client/consumer_internal.h - the parts of one consumer.
 *
 * consumer.c: life. consumer_config.c: settings. consumer_topics.c: names, subscriptions,
 * heartbeats. rebalance.c: which queues are
 * ours. consumer_queue.c: one queue from its assignment to its release; where it starts.
 * pull_loop.c: one pull after the other. consumer_batch.c: what a pull found. consume_service.c:
 * batches and the listener. consumer_offsets.c: progress at brokers; local_offsets.c: in a file.
 * lite_pull.c: the consumer without a listener.
 *
 *   C1  A queue is in its topic's list, by broker name and id, from its assignment to its release.
 *   C2  A pull under way or its timer, never both, belongs to each active queue that is not idle by
 *       a lost answer (31.2: the token).
 *   C3  A progress is never above the lowest unfinished message of its queue, and never sent lower
 *       but after the broker said that the offset is illegal, or a seek.
 *   C4  What an application has (a running task) lives until it ends it, if need be longer than its
 *       queue and its consumer. */
#ifndef MODEL_CLIENT_CONSUMER_INTERNAL_H
#define MODEL_CLIENT_CONSUMER_INTERNAL_H

#include "model/client/allocate.h"
#include "model/client/client_internal.h"
#include "model/client/consumer.h"
#include "model/client/process_queue.h"
#include "model/wire/remoting.h"
#include "model/wire/subscription.h"

#define CONSUMER_MS CLIENT_NS_PER_MS
#define CONSUMER_OFFSET_RPC_NS (5000 * CONSUMER_MS)  /* T-OFFSET-RPC */
#define CONSUMER_ADMIN_RPC_NS (6000 * CONSUMER_MS)   /* T-ADMIN */
#define CONSUMER_LOCAL_RETRY_NS (5000 * CONSUMER_MS) /* T-LOCALRETRY */

enum consume_from { CONSUME_FROM_LAST, CONSUME_FROM_FIRST, CONSUME_FROM_TIMESTAMP };

struct consumer_config {
    enum allocate_strategy strategy;
    enum consume_from from;
    bool broadcasting;
    bool post_subscription;
    bool auto_commit; /* lite */
    uint32_t threads; /* batches at a time */
    uint32_t batch_messages;
    uint32_t pull_messages;
    uint32_t pull_interval_ms;
    uint32_t max_span;
    int32_t queue_messages, queue_mib; /* flow control, per queue */
    int32_t topic_messages, topic_mib; /* -1: not; else shared by all queues of the consumer */
    uint32_t all_messages;             /* lite: pullThresholdForAll */
    uint32_t auto_commit_ms;           /* lite */
    int64_t timestamp_ms;              /* consumeTimestamp */
    struct span rooms;                 /* MACHINE_ROOM */
};

struct consumer;
struct consumer_queue;
struct pulled;

/* ---- subscriptions --------------------------------------------------------------------------- */

struct consumer_topic {
    struct consumer *consumer;
    struct client_topic *route;
    struct span name;       /* wrapped by the namespace */
    struct span subscribed; /* as it was asked for; "*" when everything is wanted */
    struct span expression; /* the same without "sql92:" */
    struct span type;       /* TAG, SQL92 */
    struct subscription subscription;
    int64_t version; /* wall ms: subVersion */
    bool retry;      /* %RETRY%group */
    bool assigned;   /* lite: by lite_assign, without rebalance */
    struct list queues;
    size_t queue_count;
    char text[];
};

/* ---- one queue ------------------------------------------------------------------------------- */

enum queue_state {
    QUEUE_ASKING, /* where to start? */
    QUEUE_ACTIVE,
    QUEUE_ILLEGAL /* dropped, its offset waits to be repaired */
};
struct consumer_queue {
    struct list link;
    struct consumer *consumer;
    struct consumer_topic *topic;
    int32_t id;
    uint8_t state;
    bool route_asked; /* once per question */
    bool in_flight;   /* a pull */
    bool throttled;   /* since its last pull that was sent */
    bool paused;      /* lite */
    bool has_offset;
    int64_t offset;      /* progress, as it is committed (C3) */
    int64_t position;    /* lite: progress, not committed yet; -1: none */
    int64_t next_offset; /* to pull; ILLEGAL: what it is repaired to */
    int64_t asked_offset;
    int64_t suggested_id; /* broker id to pull from */
    uint64_t last_pull_ns;
    struct process_queue cache;
    struct list pulls;      /* struct pulled that have tasks */
    struct env_timer timer; /* ACTIVE: the next pull; ILLEGAL: the repair */
    struct client_route_wait wait;
    struct span broker_name; /* text[] */
    char text[];
};

/* ---- what a pull found ----------------------------------------------------------------------- */

enum task_state { TASK_READY, TASK_RUNNING, TASK_WAITING, TASK_ENDED };
struct consume_task {
    struct consume_batch batch; /* its state: the task */
    struct list link;           /* READY: consumer->ready; WAITING: consumer->retries */
    struct pulled *pulled;
    uint64_t due_ns; /* WAITING */
    uint8_t state;
};
struct inflated {
    struct inflated *next;
};
/* One block: messages, tasks, the broker's name, the answer's body. Lives until its last task has
 * ended. */
struct pulled {
    struct list link; /* queue->pulls, or consumer->orphans when dropped */
    struct env *env;
    struct consumer *consumer;    /* NULL: gone */
    struct consumer_queue *queue; /* NULL: dropped */
    struct incoming *items;
    struct consume_task *tasks;
    struct inflated *inflated; /* bodies that came compressed */
    size_t count;              /* messages that are wanted */
    size_t task_count;
    size_t open; /* tasks that have not ended */
    /* of all records, wanted or not */
    size_t records, foreign;
    int64_t first, last;
    bool broken; /* the rest of the body does not decode */
};

/* ---- the consumer ---------------------------------------------------------------------------- */

struct rebalance {
    struct env_timer timer; /* the next run */
    bool running;
    bool again;       /* wished for while it ran */
    bool ever;        /* something, in any run */
    bool route_asked; /* once per topic and run */
    size_t at;        /* topic of the run */
    uint64_t begin_ns;
    struct client_route_wait wait;
};
struct local_offsets;

struct consumer {
    struct client *client;
    struct env *env;
    struct client_consumer member;
    const struct consumer_listener *listener; /* NULL: lite */
    void *ctx;
    struct consumer_config config;
    struct span namespace_, group; /* in text */
    struct buf text;
    struct consumer_topic **topics;
    size_t topic_count;
    size_t queue_count; /* of all topics */
    struct rebalance rebalance;
    struct list ready;   /* tasks that may run */
    struct list retries; /* tasks that failed, by due time */
    struct env_timer retry_timer;
    struct list orphans; /* dropped, with tasks that run */
    size_t running;
    bool started; /* rebalances */
    bool suspended;
    bool pumping;  /* tasks are handed out further up the stack */
    bool stopping; /* and released: all queues are */
    bool released;
    uint64_t auto_commit_due_ns;         /* lite */
    struct local_offsets *local_offsets; /* BROADCASTING */
    struct client_route_wait start_wait;
    size_t start_at; /* topic whose route is asked for at the start */
    size_t check_at; /* topic whose expression a broker is asked about after that */
    bool checking;   /* the request is under way */
    void (*stopped)(void *ctx);
    void *stopped_ctx;
};

/* A wait that may be cancelled whatever becomes of it. */
static inline void consumer_ask_route(struct client_topic *topic, struct client_route_wait *wait,
                                      void (*done)(void *ctx, int status), void *ctx) {
    *wait = (struct client_route_wait){.done = done, .ctx = ctx};
    list_init(&wait->link);
    client_route_ask(topic, wait);
}

static inline bool consumer_is_lite(const struct consumer *consumer) {
    return consumer->listener == NULL || consumer->listener->on_messages == NULL;
}

/* ---- consumer_config.c ---- */
/* Reads all settings, names and topics. RMQ_E_INVALID (logged), RMQ_E_NOMEM. */
int consumer_configure(struct consumer *consumer, const struct props *props) RMQ_CHECK_RESULT;
void consumer_config_free(struct consumer *consumer);

/* ---- consumer_topics.c ---- */
/* Adds what `rest` names ("topic:expression" separated by ';'), and %RETRY%group. As
 * consumer_topic_add. */
int consumer_subscribe(struct consumer *consumer, struct span rest) RMQ_CHECK_RESULT;
void consumer_topics_free(struct consumer *consumer);
/* Appends X, or N%X (client.md 3.5). */
void consumer_put_wrapped(struct buf *out, struct span namespace_, struct span name);
/* Adds a topic, whose name is without namespace. RMQ_E_INVALID (expression), RMQ_E_EXISTS,
 * RMQ_E_NOMEM. */
int consumer_topic_add(struct consumer *consumer, struct span topic, struct span expression,
                       struct consumer_topic **out) RMQ_CHECK_RESULT;
/* NULL: not subscribed. `topic` is without namespace. */
struct consumer_topic *consumer_topic_named(struct consumer *consumer, struct span topic);
struct span consumer_without_namespace(struct span namespace_, struct span topic);
/* The group and its subscriptions. */
struct heartbeat_writer;
void consumer_heartbeat(void *ctx, struct heartbeat_writer *writer);

/* ---- consumer.c ---- */
/* Goes on with the stop; its last step frees the consumer. */
void consumer_stop_step(struct consumer *consumer);
/* The local offsets are there: what follows them in the start. */
void consumer_run(struct consumer *consumer);

/* ---- rebalance.c ---- */
/* In a later handler, as soon as may be (4.9: now; 5.3: a second after the last one began). */
void rebalance_soon(struct consumer *consumer);
void rebalance_stop(struct consumer *consumer);

/* ---- consumer_queue.c ---- */
struct consumer_queue *consumer_queue_find(struct consumer_topic *topic, struct span broker_name,
                                           int32_t id);
/* Adds the queue and asks where it starts. RMQ_E_NOMEM. */
int consumer_queue_add(struct consumer_topic *topic, struct span broker_name,
                       int32_t id) RMQ_CHECK_RESULT;
/* Commits its progress (commit), tells and frees it. */
void consumer_queue_release(struct consumer_queue *queue, bool commit, const char *reason);
/* Progress of the push consumer, or what a pull without matches tells: raised only. */
void consumer_queue_progress(struct consumer_queue *queue, int64_t offset);

/* ---- consumer_offsets.c ---- */
/* Sends or writes the progress of all queues. */
void consumer_persist(void *ctx);
/* Of one queue; broadcasting: with the next consumer_persist. */
void consumer_offset_send(struct consumer_queue *queue);
/* Asks for the stored offset, or for the end or a time in the queue; `done` gets its answer. ctx is
 * the queue. RMQ_E_NOT_FOUND: no broker to ask. */
int consumer_offset_query(struct consumer_queue *queue, remoting_done_fn *done) RMQ_CHECK_RESULT;
int consumer_bound_query(struct consumer_queue *queue, bool by_time,
                         remoting_done_fn *done) RMQ_CHECK_RESULT;

/* ---- local_offsets.c ---- */
/* Makes consumer->local_offsets, empty; an absent folder is /rocketmq_offsets. RMQ_E_NOMEM,
 * RMQ_E_LIMIT (path). */
int local_offsets_open(struct consumer *consumer, struct span folder) RMQ_CHECK_RESULT;
/* Reads the file, then calls consumer_run. */
void local_offsets_load(struct local_offsets *offsets);
/* -1: none. */
int64_t local_offsets_get(const struct local_offsets *offsets, struct span topic,
                          struct span broker_name, int32_t id);
/* Takes the progress of all queues and writes the file; while a write is under way, after it. */
void local_offsets_save(struct consumer *consumer);
bool local_offsets_saving(const struct local_offsets *offsets);
void local_offsets_close(struct local_offsets *offsets);

/* ---- pull_loop.c ---- */
/* The queue has its start offset: pulls from now on. */
void pull_loop_start(struct consumer_queue *queue, uint64_t delay_ns);
void pull_loop_stop(struct consumer_queue *queue);

/* ---- consumer_batch.c ---- */
/* Decodes an answer's body for `queue`; *out has no task when nothing in it is wanted. RMQ_E_NOMEM.
 */
int pulled_create(struct consumer_queue *queue, struct span body,
                  struct pulled **out) RMQ_CHECK_RESULT;
void pulled_free(struct pulled *pulled);
void task_end(struct consume_task *task);

/* ---- consume_service.c ---- */
/* Hands its tasks over, as threads become free. */
void consume_submit(struct pulled *pulled);
void consume_pump(struct consumer *consumer);
/* The queue moves away: tasks that wait end, those that run lose their effect. */
void consume_drop(struct consumer_queue *queue);
/* Emits consume.delivered for each message. */
void consume_tell(struct consume_task *task);

/* ---- lite_pull.c ---- */
void lite_auto_commit(struct consumer *consumer);
void lite_done(struct consume_task *task);

#endif
