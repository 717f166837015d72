/* broker/answer.c - see answer.h. */
#include "model/broker/answer.h"

#include "model/base/check.h"

struct asker asker_of(struct channel *channel, const struct wire_command *request) {
    return (struct asker){.channel = channel,
                          .since_ns = env_mono_ns(channel_remoting(channel)->env),
                          .code = request->code,
                          .opaque = request->opaque,
                          .flag = request->flag,
                          .serialization = request->serialization};
}

void answer(struct remoting *remoting, const struct asker *asker, struct wire_command *response) {
    if (asker->channel == NULL)
        return;
    struct wire_command request; /* remoting_answer reads only these */
    request.flag = asker->flag;
    request.opaque = asker->opaque;
    request.serialization = asker->serialization;
    RMQ_IGNORE(remoting_answer(remoting, asker->channel, &request, response),
               "the asker's timeout covers it");
    if (remoting->on_answered != NULL)
        remoting->on_answered(remoting->ctx, asker->code,
                              env_mono_ns(remoting->env) - asker->since_ns);
}

void answer_code(struct remoting *remoting, const struct asker *asker, int32_t code,
                 struct span remark) {
    struct wire_command response;
    wire_command_init(&response, code);
    response.remark = remark;
    answer(remoting, asker, &response);
}

void answer_body(struct remoting *remoting, const struct asker *asker, const struct buf *body) {
    struct wire_command response;
    wire_command_init(&response, RESPONSE_SUCCESS);
    response.body = buf_span(body);
    if (buf_failed(body))
        answer_code(remoting, asker, RESPONSE_SYSTEM_ERROR, SPAN_LITERAL("out of memory"));
    else
        answer(remoting, asker, &response);
}

void outcome_init(struct outcome *outcome, int32_t code) {
    outcome->code = code;
    outcome->remark = SPAN_NONE;
    outcome->len = 0;
}

void outcome_span(struct outcome *outcome, struct span text) {
    size_t len = sizeof outcome->text - outcome->len;
    if (text.len < len)
        len = text.len;
    if (len > 0)
        memcpy(outcome->text + outcome->len, text.data, len);
    outcome->len += len;
    outcome->remark = span_of(outcome->text, outcome->len);
}

void outcome_text(struct outcome *outcome, const char *text) {
    outcome_span(outcome, span_of_text(text));
}

void outcome_number(struct outcome *outcome, int64_t number) {
    char digits[DECIMAL_BYTES_MAX];
    outcome_span(outcome, span_of(digits, format_i64(digits, number)));
}

bool outcome_refuse(struct outcome *outcome, int32_t code, const char *before, struct span middle,
                    const char *after) {
    outcome_init(outcome, code);
    outcome_text(outcome, before);
    outcome_span(outcome, middle);
    outcome_text(outcome, after);
    return false;
}

void outcome_bad_header(struct outcome *outcome, int err, const struct header_field_info *bad) {
    outcome_refuse(outcome, RESPONSE_SYSTEM_ERROR, "header field ", span_of_text(bad->key),
                   err == RMQ_E_MISSING ? " is missing" : " is not valid");
}

const char *answer_help(bool profile_5_3) {
    return profile_5_3 ? "\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further "
                         "details."
                       : "\nSee http://rocketmq.apache.org/docs/faq/ for further details.";
}
