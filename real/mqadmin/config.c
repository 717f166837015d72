/* mqadmin/config.c - see config.h. */
#include "real/mqadmin/config.h"

#include "real/mqadmin/print.h"

static void print_props(struct admin *admin, const struct props *props) {
    for (size_t i = 0; i < props->count; i++) {
        const char *key = arena_text(&admin->arena, props->entries[i].key);
        const char *value = arena_text(&admin->arena, props->entries[i].value);
        say(admin, "%-50s=  %s\n", key, value);
        put_text(admin, key, value);
    }
}

void print_config(struct admin *admin, const char *title, const struct call *call) {
    struct props props;
    size_t line = 0;
    if (!call_ok(admin, call))
        return;
    props_init(&props, admin->env);
    if (props_parse(&props, call->reply, &line) != RMQ_OK) {
        admin_fail(admin, "%s answered with properties that do not parse: line %zu", call->address,
                   line);
    } else {
        say(admin, "%s\n", title);
        put_object_begin(admin, NULL);
        put_text(admin, "address", call->address);
        put_object_begin(admin, "config");
        print_props(admin, &props);
        put_object_end(admin);
        put_object_end(admin);
    }
    props_deinit(&props);
}

struct span config_body(struct admin *admin, const char *key, const char *value) {
    struct props props;
    struct buf text;
    props_init(&props, admin->env);
    buf_init(&text, admin->env);
    struct span body = SPAN_NONE;
    if (props_set_text(&props, key, value) == RMQ_OK) {
        props_write(&props, &text);
        body = span_of(arena_text(&admin->arena, buf_span(&text)), text.len);
    }
    buf_deinit(&text);
    props_deinit(&props);
    return body;
}
