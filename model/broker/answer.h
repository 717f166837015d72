/* broker/answer.h - answers of a broker: to whom, with which code and remark.
 *
 * Most requests are answered while their handler runs; what waits for the store keeps an asker. */
#ifndef MODEL_BROKER_ANSWER_H
#define MODEL_BROKER_ANSWER_H

#include "model/wire/remoting.h"

/* Who waits, and what an answer needs of the request. */
struct asker {
    struct channel *channel; /* NULL: gone, or nobody asked */
    uint64_t since_ns;       /* arrival, or what its wait counts from */
    int32_t code;            /* of the request */
    int32_t opaque;
    int32_t flag;
    enum wire_serialization serialization;
};
struct asker asker_of(struct channel *channel, const struct wire_command *request);
/* Sends `response`, of which code, remark, fields and body are set. Nothing when nobody waits; an
 * answer that cannot be sent is lost, which the asker's timeout covers. */
void answer(struct remoting *remoting, const struct asker *asker, struct wire_command *response);
void answer_code(struct remoting *remoting, const struct asker *asker, int32_t code,
                 struct span remark);

/* SUCCESS with `body`; SYSTEM_ERROR when the buffer has failed. */
void answer_body(struct remoting *remoting, const struct asker *asker, const struct buf *body);

/* A code with its remark, which is static text or built in `text`, cut where it does not fit. */
struct outcome {
    int32_t code;
    struct span remark; /* absent: none */
    size_t len;
    char text[512];
};
void outcome_init(struct outcome *outcome, int32_t code);
void outcome_span(struct outcome *outcome, struct span text);
void outcome_text(struct outcome *outcome, const char *text);
void outcome_number(struct outcome *outcome, int64_t number);
/* Code and remark `before``middle``after`; false, for `return outcome_refuse(...)`. */
bool outcome_refuse(struct outcome *outcome, int32_t code, const char *before, struct span middle,
                    const char *after);
/* Code 1 for a header that does not decode (its error and the field). */
void outcome_bad_header(struct outcome *outcome, int err, const struct header_field_info *bad);

/* What Java puts behind many remarks. */
const char *answer_help(bool profile_5_3);

#endif
