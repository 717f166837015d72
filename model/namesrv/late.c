/* namesrv/late.c - a route answer that waits 200 ms, when the simulator says so: what a name server
 * under load does, and what a client's timeout and an overtaking answer must cope with. */
#include "model/namesrv/namesrv_internal.h"

#define LATE_NS UINT64_C(200000000)

struct late_answer {
    struct list link;
    struct env_timer timer;
    struct namesrv *ns;
    struct channel *channel;
    struct wire_command request; /* its spans are gone */
    struct wire_command response;
    struct buf text; /* remark, then body */
};

static void late_answer_free(struct late_answer *late) {
    struct env *env = late->ns->env;
    env_timer_stop(env, &late->timer);
    list_remove(&late->link);
    buf_deinit(&late->text);
    env_free(env, late);
}

static void on_late(struct env *env, struct env_timer *timer) {
    (void)env;
    struct late_answer *late = RMQ_CONTAINER_OF(timer, struct late_answer, timer);
    RMQ_IGNORE(remoting_answer(&late->ns->remoting, late->channel, &late->request, &late->response),
               "a full or closed connection: the asker times out");
    late_answer_free(late);
}

int late_answer_add(struct exchange *x) {
    struct env *env = x->ns->env;
    RMQ_ASSERT(x->response.field_count == 0); /* fields would have to be copied too */
    struct late_answer *late = env_alloc(env, sizeof *late);
    if (late == NULL)
        return RMQ_E_NOMEM;
    memset(late, 0, sizeof *late);
    late->ns = x->ns;
    late->channel = x->channel;
    late->request = *x->request;
    late->response = x->response;
    struct span remark = x->response.remark;
    buf_init(&late->text, env);
    buf_put_span(&late->text, remark);
    buf_put_span(&late->text, x->response.body);
    if (buf_failed(&late->text)) {
        buf_deinit(&late->text);
        env_free(env, late);
        return RMQ_E_NOMEM;
    }
    if (!span_is_absent(remark))
        late->response.remark = span_of(late->text.data, remark.len);
    if (!span_is_absent(x->response.body))
        late->response.body = span_of(late->text.data + remark.len, x->response.body.len);
    list_append(&x->ns->late, &late->link);
    env_timer_start(env, &late->timer, LATE_NS, on_late);
    return RMQ_OK;
}

void late_answers_drop(struct namesrv *ns, const struct channel *channel) {
    LIST_EACH(&ns->late, link, next) {
        struct late_answer *late = LIST_ENTRY(link, struct late_answer, link);
        if (channel == NULL || late->channel == channel)
            late_answer_free(late);
    }
}
