/* broker/admin_common.c - what administrators' handlers share. */
#include "model/base/check.h"
#include "model/broker/broker_internal.h"

#define REMARK_SLAVE                                               \
    "Can't modify topic or subscription group from slave broker, " \
    "please execute it from master broker."

bool admin_header(struct broker *broker, const struct asker *asker,
                  const struct wire_command *request, const struct header_info *info,
                  void *header) {
    const struct header_field_info *bad;
    struct outcome outcome;
    int err = header_decode(info, request, header, &bad);
    if (err == RMQ_OK)
        return true;
    outcome_bad_header(&outcome, err, bad);
    answer_code(&broker->remoting, asker, outcome.code, outcome.remark);
    return false;
}

void admin_answer(struct broker *broker, const struct asker *asker, struct span remark,
                  const struct buf *body) {
    struct wire_command response;
    if (body != NULL && buf_failed(body)) {
        answer_code(&broker->remoting, asker, RESPONSE_SYSTEM_ERROR, SPAN_LITERAL("out of memory"));
        return;
    }
    wire_command_init(&response, RESPONSE_SUCCESS);
    response.remark = remark;
    if (body != NULL)
        response.body = buf_span(body);
    answer(&broker->remoting, asker, &response);
}

void admin_body_begin(struct broker *broker, struct admin_body *body) {
    buf_init(&body->text, broker->env);
    json_writer_init(&body->json, &body->text, JSON_STYLE_FASTJSON);
}

void admin_body_answer(struct broker *broker, const struct asker *asker, struct admin_body *body,
                       int err) {
    body->text.failed |= err != RMQ_OK;
    admin_answer(broker, asker, SPAN_NONE, &body->text);
    buf_deinit(&body->text);
}

void admin_refuse(struct broker *broker, const struct asker *asker, int32_t code,
                  const char *before, struct span middle, const char *after) {
    struct outcome outcome;
    outcome_refuse(&outcome, code, before, middle, after);
    answer_code(&broker->remoting, asker, outcome.code, outcome.remark);
}

void admin_refuse_body(struct broker *broker, const struct asker *asker, int err,
                       const struct wire_error *error) {
    struct outcome outcome;
    outcome_init(&outcome, RESPONSE_SYSTEM_ERROR);
    outcome_text(&outcome, "the body: ");
    outcome_text(&outcome, rmq_err_text(err));
    if (err != RMQ_E_NOMEM && error->expected != NULL) {
        outcome_text(&outcome, ": expected ");
        outcome_text(&outcome, error->expected);
        outcome_text(&outcome, " at byte ");
        outcome_number(&outcome, (int64_t)error->offset);
    }
    answer_code(&broker->remoting, asker, outcome.code, outcome.remark);
}

bool admin_master(struct broker *broker, const struct asker *asker) {
    if (broker->config.broker_id == 0)
        return true;
    admin_refuse(broker, asker, RESPONSE_SYSTEM_ERROR, REMARK_SLAVE, SPAN_NONE, "");
    return false;
}

/* ---- tasks ----------------------------------------------------------------------------------- */

void *admin_task_create(struct broker *broker, const struct asker *asker, size_t size,
                        void (*drop)(struct admin_task *task)) {
    RMQ_ASSERT(size >= sizeof(struct admin_task));
    struct admin_task *task = env_alloc(broker->env, size);
    if (task == NULL) {
        answer_code(&broker->remoting, asker, RESPONSE_SYSTEM_ERROR, SPAN_LITERAL("out of memory"));
        return NULL;
    }
    memset(task, 0, size);
    task->broker = broker;
    task->asker = *asker;
    task->drop = drop;
    list_append(&broker->admin_tasks, &task->link);
    return task;
}

void admin_task_end(struct admin_task *task) {
    list_remove(&task->link);
    env_free(task->broker->env, task);
}

void admin_forget_channel(struct broker *broker, const struct channel *channel) {
    LIST_EACH(&broker->admin_tasks, link, next) {
        struct admin_task *task = LIST_ENTRY(link, struct admin_task, link);
        if (task->asker.channel == channel)
            task->asker.channel = NULL;
    }
}

void admin_deinit(struct broker *broker) {
    while (!list_is_empty(&broker->admin_tasks)) {
        struct admin_task *task = LIST_ENTRY(broker->admin_tasks.next, struct admin_task, link);
        task->drop(task);
    }
}
