/* mqadmin/pull.h - reading a queue: its ends (30, 31), an offset by time (29), pulls (11) in the
 * name of group TOOLS_CONSUMER without a commit. */
#ifndef REAL_MQADMIN_PULL_H
#define REAL_MQADMIN_PULL_H

#include "model/wire/subscription.h"
#include "real/mqadmin/messages.h"

struct pull_queue {
    const char *topic, *broker, *address;
    int64_t id;
    const char *group;
    const char *expression;
    const struct subscription *subscription; /* of the expression */
};
/* "MessageQueue [topic=t, brokerName=b, queueId=0]" */
const char *pull_queue_text(struct admin *admin, const struct pull_queue *queue);

/* Offsets; false after a failure. */
bool ask_min_offset(struct admin *admin, const struct pull_queue *queue, int64_t *out);
bool ask_max_offset(struct admin *admin, const struct pull_queue *queue, int64_t *out);
bool ask_time_offset(struct admin *admin, const struct pull_queue *queue, int64_t time_ms,
                     int64_t *out);

enum pull_status { PULL_FOUND, PULL_NO_NEW_MSG, PULL_NO_MATCHED_MSG, PULL_OFFSET_ILLEGAL };
const char *pull_status_text(enum pull_status status);
struct pulled {
    enum pull_status status;
    int64_t next, min, max;
    struct span records; /* with PULL_FOUND; in the arena */
};
/* False after a failure. */
bool pull(struct admin *admin, const struct pull_queue *queue, int64_t offset, int64_t most,
          struct pulled *out);
/* The next message that the expression lets through; as shown_next. */
bool pulled_next(struct admin *admin, const struct pull_queue *queue, struct pulled *pulled,
                 struct shown *out);

#endif
