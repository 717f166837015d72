/* broker/kept_json.h - a JSON value that a table keeps as it came, without blanks: attributes of
 * topics and groups, whose meaning is others'. Takes no memory while absent. */
#ifndef MODEL_BROKER_KEPT_JSON_H
#define MODEL_BROKER_KEPT_JSON_H

#include "model/base/err.h"
#include "model/base/span.h"

struct env;

struct kept_json {
    uint8_t *text; /* NULL: absent */
    size_t len;
};
static inline struct span kept_json_span(const struct kept_json *kept) {
    return kept->text == NULL ? SPAN_NONE : span_of(kept->text, kept->len);
}
/* Replaces *kept by `value` (absent: nothing), which json_copy can read and which may be *kept's
 * own. RMQ_E_NOMEM, RMQ_E_INVALID, RMQ_E_LIMIT: *kept stays. */
int kept_json_set(struct env *env, struct kept_json *kept, struct span value) RMQ_CHECK_RESULT;
void kept_json_free(struct env *env, struct kept_json *kept);

#endif
