/* events.c - the description of each event kind, generated from the table in events.h. */
#include "model/events.h"

#define FIELD_T(name) {#name, EVENT_TEXT},
#define FIELD_U(name) {#name, EVENT_UINT},
#define FIELD_I(name) {#name, EVENT_INT},
#define FIELD_TABLE(id, name, who, about)                  \
    static const struct event_field_info FIELDS_##id[] = { \
        EVENT_FIELDS_##id(FIELD_T, FIELD_U, FIELD_I)};
EVENTS(FIELD_TABLE)

#define INFO_ROW(id, name, who, about) \
    {name, who, about, FIELDS_##id, sizeof FIELDS_##id / sizeof FIELDS_##id[0]},
const struct event_info EVENT_INFO[EVENT_KIND_COUNT] = {EVENTS(INFO_ROW)};

int event_kind_of_name(struct span name) {
    for (int kind = 0; kind < EVENT_KIND_COUNT; kind++) {
        if (span_equal(name, span_of_text(EVENT_INFO[kind].name))) {
            return kind;
        }
    }
    return -1;
}
