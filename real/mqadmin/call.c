/* mqadmin/call.c - see call.h. */
#include "real/mqadmin/call.h"

#include <stdarg.h>

#include "model/base/check.h"

#define TURN_NS UINT64_C(1000000000) /* each request has its own timer: this is only a limit */

void call_init(struct call *call, const char *address, int32_t code, ...) {
    *call = (struct call){.address = address, .code = code, .timeout_ms = CALL_TIMEOUT_MS};
    va_list arguments;
    va_start(arguments, code);
    const char *key;
    while ((key = va_arg(arguments, const char *)) != NULL) {
        const char *value = va_arg(arguments, const char *);
        if (value == NULL)
            continue;
        RMQ_ASSERT(call->field_count < CALL_FIELDS_MAX);
        call->fields[call->field_count++] =
            (struct wire_field){span_of_text(key), span_of_text(value)};
    }
    va_end(arguments);
}

const char *call_number(struct admin *admin, int64_t value) {
    return arena_format(&admin->arena, "%lld", (long long)value);
}

static struct span arena_span(struct arena *arena, struct span span) {
    return span_of(arena_text(arena, span), span.len);
}

static void on_done(void *ctx, int status, const struct wire_command *response) {
    struct call *call = ctx;
    struct arena *arena = &call->admin->arena;
    call->open = false;
    call->status = status;
    if (status != RMQ_OK)
        return;
    call->answer = response->code;
    call->remark = span_is_absent(response->remark) ? "" : arena_text(arena, response->remark);
    call->reply = arena_span(arena, response->body);
    call->reply_fields = arena_alloc(arena, response->field_count * sizeof(struct wire_field));
    call->reply_field_count = response->field_count;
    for (size_t i = 0; i < response->field_count; i++) {
        call->reply_fields[i] = (struct wire_field){arena_span(arena, response->fields[i].key),
                                                    arena_span(arena, response->fields[i].value)};
    }
}

static void send_call(struct admin *admin, struct call *call) {
    struct wire_command command;
    wire_command_init(&command, call->code);
    for (size_t i = 0; i < call->field_count; i++) {
        RMQ_IGNORE(wire_field_add(&command, call->fields[i].key, call->fields[i].value),
                   "fewer than WIRE_FIELDS_MAX");
    }
    command.body = call->body;
    call->admin = admin;
    call->open = true;
    call->remark = "";
    remoting_call(&admin->remoting, span_of_text(call->address), &command, REMOTING_ASYNC,
                  (uint64_t)call->timeout_ms * 1000000, on_done, call);
}

struct sending {
    struct admin *admin;
    struct call *calls;
    size_t count;
};
static void send_all(void *ctx) {
    struct sending *sending = ctx;
    for (size_t i = 0; i < sending->count; i++) {
        send_call(sending->admin, &sending->calls[i]);
    }
}

void call_all(struct admin *admin, struct call *calls, size_t count) {
    struct sending sending = {admin, calls, count};
    real_node_call(admin->env, send_all, &sending);
    for (size_t i = 0; i < count; i++) {
        while (calls[i].open) {
            real_loop_turn(admin->loop, TURN_NS);
        }
    }
}

void call_one(struct admin *admin, struct call *call) {
    call_all(admin, call, 1);
}

void call_name_server(struct admin *admin, struct call *call) {
    for (size_t i = 0; i < admin->name_server_count; i++) {
        call->address = admin->name_servers[admin->name_server_chosen];
        call_one(admin, call);
        if (call->status == RMQ_OK)
            return;
        admin->name_server_chosen = (admin->name_server_chosen + 1) % admin->name_server_count;
    }
}

static void describe(struct admin *admin, const struct call *call, struct admin_failure *failure) {
    const char *request = wire_request_name(call->code);
    if (call->status == RMQ_OK)
        failure->text = arena_format(
            &admin->arena, "%s answered %s (%d) with %s (%d): %s", call->address, request,
            (int)call->code, wire_response_name(call->answer), (int)call->answer, call->remark);
    else if (call->status == RMQ_E_TIMEOUT)
        failure->text =
            arena_format(&admin->arena, "%s did not answer %s (%d) within %lld ms", call->address,
                         request, (int)call->code, (long long)call->timeout_ms);
    else
        failure->text = arena_format(&admin->arena, "%s: %s (%d) failed: %s", call->address,
                                     request, (int)call->code, rmq_err_text(call->status));
}

bool call_ok(struct admin *admin, const struct call *call) {
    if (call_answered(call, RESPONSE_SUCCESS))
        return true;
    struct admin_failure *failure = arena_alloc(&admin->arena, sizeof(*failure));
    *failure = (struct admin_failure){.address = call->address,
                                      .request = call->code,
                                      .status = call->status,
                                      .code = call->answer};
    describe(admin, call, failure);
    admin_fail_with(admin, failure);
    return false;
}

const char *call_field(struct admin *admin, const struct call *call, const char *key) {
    for (size_t i = 0; i < call->reply_field_count; i++) {
        if (span_equal(call->reply_fields[i].key, span_of_text(key)))
            return arena_text(&admin->arena, call->reply_fields[i].value);
    }
    return NULL;
}

struct tree *call_tree(struct admin *admin, const struct call *call) {
    struct tree *tree = NULL;
    size_t offset;
    const char *expected;
    if (!call_ok(admin, call))
        return NULL;
    if (tree_parse(&admin->arena, admin->env, call->reply, &tree, &offset, &expected) != RMQ_OK) {
        admin_fail(admin, "%s answered %s (%d) with a body that is no JSON: byte %zu: expected %s",
                   call->address, wire_request_name(call->code), (int)call->code, offset, expected);
        return NULL;
    }
    return tree;
}

struct tree *call_for_tree(struct admin *admin, struct call *call) {
    call_one(admin, call);
    return call_tree(admin, call);
}
