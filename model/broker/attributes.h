/* broker/attributes.h - changes to a topic's attributes (5.3): "+key=value,-key".
 *
 * Source: AttributeParser.java, AttributeUtil.java, TopicAttributes.java of 5.3.3. Known keys:
 * queue.type, cleanup.policy (set at creation only), message.type, reserve.time. Differs: values
 * whose meaning is not here (queue.type BatchCQ, cleanup.policy COMPACTION) are refused, so that a
 * topic is never taken for something else; an unknown sign is refused with its own text. */
#ifndef MODEL_BROKER_ATTRIBUTES_H
#define MODEL_BROKER_ATTRIBUTES_H

#include "model/broker/answer.h"

#define ATTRIBUTE_CHANGES_MAX 16

struct attribute_changes {
    struct attribute_change {
        struct span key; /* with its sign */
        struct span value;
    } changes[ATTRIBUTE_CHANGES_MAX];
    size_t count;
};

/* Of header field `attributes` of 17; spans point into `text`. False: *outcome says why. */
bool attributes_parse(struct span text, struct attribute_changes *out, struct outcome *outcome);
/* Of an attributes object (18), as body_raw gave it: keys with signs. Strings without escapes only.
 */
bool attributes_parse_json(struct span object, struct attribute_changes *out,
                           struct outcome *outcome);
/* Appends the object that comes of `current` (absent: none) by the changes, nothing when it is
 * empty. False: *outcome says why, and the topic stays as it is. */
bool attributes_alter(struct env *env, struct span current, bool create,
                      const struct attribute_changes *changes, struct buf *out,
                      struct outcome *outcome);

#endif
