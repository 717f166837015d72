/* broker/half_resume.c - request 323: a half message is checked again from the start, wherever it
 * went: it is written again with a count of 0. Source: AdminBrokerProcessor.java,
 * resumeCheckHalfMessage. Differs: what is no half message is refused; Apache writes anything. */
#include "model/base/check.h"
#include "model/broker/broker_internal.h"
#include "model/events.h"

#define FAILED "Put message back to RMQ_SYS_TRANS_HALF_TOPIC failed."

struct resume {
    struct admin_task task;
    struct store_lookup lookup;
    struct store_put put;
};

static struct resume *of_task(struct admin_task *task) {
    return RMQ_CONTAINER_OF(task, struct resume, task);
}

static void drop(struct admin_task *task) {
    struct resume *resume = of_task(task);
    if (resume->lookup.done != NULL)
        store_lookup_cancel(task->broker->store, &resume->lookup);
    if (resume->put.done != NULL)
        store_put_cancel(task->broker->store, &resume->put);
    buf_deinit(&resume->lookup.records);
    admin_task_end(task);
}

static void end(struct resume *resume, int32_t code, struct span remark) {
    answer_code(&resume->task.broker->remoting, &resume->task.asker, code, remark);
    drop(&resume->task);
}

static void on_put(struct store_put *put, enum put_status status) {
    struct resume *resume = RMQ_CONTAINER_OF(put, struct resume, put);
    struct broker *broker = resume->task.broker;
    if (!put_is_stored(status)) {
        end(resume, RESPONSE_SYSTEM_ERROR, SPAN_LITERAL(FAILED));
        return;
    }
    event_transaction_stored(broker->env, broker->config.name, put->queue_offset,
                             put->physical_offset);
    transaction_check_wake(&broker->check);
    end(resume, RESPONSE_SUCCESS, SPAN_NONE);
}

static void write_again(struct resume *resume, struct message *half) {
    struct broker *broker = resume->task.broker;
    const struct span times = SPAN_LITERAL("TRANSACTION_CHECK_TIMES");
    struct buf properties;
    buf_init(&properties, broker->env);
    message_properties_without(&properties, half->properties, times);
    int err = message_property_put(&properties, 0, times, SPAN_LITERAL("0"));
    if (broker->config.profile_5_3)
        buf_put_u8(&properties, 2);
    if (err != RMQ_OK || buf_failed(&properties)) {
        end(resume, RESPONSE_SYSTEM_ERROR, SPAN_LITERAL("out of memory"));
    } else {
        half->magic = 0;
        half->topic = HALF_TOPIC;
        half->queue_id = 0;
        half->properties = buf_span(&properties);
        store_put(broker->store, half, false, &resume->put, on_put);
    }
    buf_deinit(&properties);
}

static void on_found(struct store_lookup *lookup, int status) {
    struct resume *resume = RMQ_CONTAINER_OF(lookup, struct resume, lookup);
    struct message half;
    if (status != RMQ_OK ||
        message_decode(buf_span(&lookup->records), false, &half) != MESSAGE_OK ||
        span_is_absent(message_property(half.properties, SPAN_LITERAL("PGROUP"))) ||
        span_is_absent(message_property(half.properties, SPAN_LITERAL("REAL_TOPIC"))))
        end(resume, RESPONSE_SYSTEM_ERROR,
            SPAN_LITERAL("no half message has this msgId: expected one of "
                         "RMQ_SYS_TRANS_HALF_TOPIC or TRANS_CHECK_MAX_TIME_TOPIC"));
    else
        write_again(resume, &half);
}

void broker_on_resume_check_half(struct broker *broker, struct channel *channel,
                                 const struct wire_command *request) {
    struct asker asker = asker_of(channel, request);
    struct header_resume_check header;
    struct message_host host;
    int64_t physical;
    if (!admin_header(broker, &asker, request, &HEADER_resume_check, &header))
        return;
    if (message_id_parse(header.msg_id, &host, &physical) != RMQ_OK) {
        answer_code(&broker->remoting, &asker, RESPONSE_SYSTEM_ERROR,
                    SPAN_LITERAL("msgId: expected an offset message id, 32 or 56 hexadecimal "
                                 "digits"));
        return;
    }
    struct admin_task *task = admin_task_create(broker, &asker, sizeof(struct resume), drop);
    if (task == NULL)
        return;
    struct resume *resume = of_task(task);
    buf_init(&resume->lookup.records, broker->env);
    store_message_at(broker->store, physical, &resume->lookup, on_found);
}
