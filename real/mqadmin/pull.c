/* mqadmin/pull.c - see pull.h. */
#include "real/mqadmin/pull.h"

#include "real/mqadmin/print.h"

const char *pull_queue_text(struct admin *admin, const struct pull_queue *queue) {
    return arena_format(&admin->arena, "MessageQueue [topic=%s, brokerName=%s, queueId=%lld]",
                        queue->topic, queue->broker, (long long)queue->id);
}

static bool number_field(struct admin *admin, const struct call *call, const char *key,
                         int64_t *out) {
    const char *text = call_field(admin, call, key);
    if (text != NULL && span_to_i64(span_of_text(text), out) == RMQ_OK)
        return true;
    admin_fail(admin, "%s answered %s (%d) without the number %s", call->address,
               wire_request_name(call->code), (int)call->code, key);
    return false;
}

static bool ask_offset(struct admin *admin, const struct pull_queue *queue, int32_t code,
                       const char *time, int64_t *out) {
    struct call call;
    call_init(&call, queue->address, code, "topic", queue->topic, "queueId",
              call_number(admin, queue->id), "timestamp", time, NULL);
    call_one(admin, &call);
    return call_ok(admin, &call) && number_field(admin, &call, "offset", out);
}

bool ask_min_offset(struct admin *admin, const struct pull_queue *queue, int64_t *out) {
    return ask_offset(admin, queue, REQUEST_GET_MIN_OFFSET, NULL, out);
}
bool ask_max_offset(struct admin *admin, const struct pull_queue *queue, int64_t *out) {
    return ask_offset(admin, queue, REQUEST_GET_MAX_OFFSET, NULL, out);
}
bool ask_time_offset(struct admin *admin, const struct pull_queue *queue, int64_t time_ms,
                     int64_t *out) {
    return ask_offset(admin, queue, REQUEST_SEARCH_OFFSET_BY_TIMESTAMP, call_number(admin, time_ms),
                      out);
}

const char *pull_status_text(enum pull_status status) {
    static const char *const TEXTS[] = {"FOUND", "NO_NEW_MSG", "NO_MATCHED_MSG", "OFFSET_ILLEGAL"};
    return TEXTS[status];
}

static bool status_of(const struct call *call, enum pull_status *out) {
    static const struct {
        int32_t code;
        enum pull_status status;
    } CODES[] = {{RESPONSE_SUCCESS, PULL_FOUND},
                 {RESPONSE_PULL_NOT_FOUND, PULL_NO_NEW_MSG},
                 {RESPONSE_PULL_RETRY_IMMEDIATELY, PULL_NO_MATCHED_MSG},
                 {RESPONSE_PULL_OFFSET_MOVED, PULL_OFFSET_ILLEGAL}};
    for (size_t i = 0; i < sizeof(CODES) / sizeof(CODES[0]); i++) {
        if (call_answered(call, CODES[i].code)) {
            *out = CODES[i].status;
            return true;
        }
    }
    return false;
}

bool pull(struct admin *admin, const struct pull_queue *queue, int64_t offset, int64_t most,
          struct pulled *out) {
    struct call call;
    call_init(&call, queue->address, REQUEST_PULL_MESSAGE, "consumerGroup", queue->group, "topic",
              queue->topic, "queueId", call_number(admin, queue->id), "queueOffset",
              call_number(admin, offset), "maxMsgNums", call_number(admin, most), "sysFlag", "4",
              "commitOffset", "0", "suspendTimeoutMillis", "0", "subscription", queue->expression,
              "subVersion", call_number(admin, now_ms()), "expressionType", "TAG", NULL);
    call.timeout_ms = CALL_TIMEOUT_LONG_MS;
    call_one(admin, &call);
    if (!status_of(&call, &out->status)) {
        RMQ_IGNORE(call_ok(admin, &call) ? 0 : -1, "it says why not");
        return false;
    }
    out->records = out->status == PULL_FOUND ? call.reply : SPAN_NONE;
    return number_field(admin, &call, "nextBeginOffset", &out->next) &&
           number_field(admin, &call, "minOffset", &out->min) &&
           number_field(admin, &call, "maxOffset", &out->max);
}

bool pulled_next(struct admin *admin, const struct pull_queue *queue, struct pulled *pulled,
                 struct shown *out) {
    while (shown_next(admin, &pulled->records, out)) {
        const char *tag = shown_property(out, "TAGS");
        if (queue->subscription != NULL &&
            !subscription_accepts_tag(queue->subscription, span_of_text(tag)))
            continue;
        out->broker = queue->broker;
        shown_set_property(admin, out, "MIN_OFFSET", call_number(admin, pulled->min));
        shown_set_property(admin, out, "MAX_OFFSET", call_number(admin, pulled->max));
        return true;
    }
    return false;
}
