/* quirks.c - reads the quirk.* keys of a node's properties. */
#include "model/quirks.h"

#include "model/base/props.h"

static const char *const QUIRK_NAMES[] = {
#define QUIRK_NAME(id, name, releases, reference, about) name,
    QUIRKS(QUIRK_NAME)
#undef QUIRK_NAME
};
_Static_assert(QUIRK_COUNT <= 32, "a set of quirks is one unsigned");

static int quirk_of_name(struct span name) {
    for (int id = 0; id < QUIRK_COUNT; id++) {
        if (span_equal(name, span_of_text(QUIRK_NAMES[id]))) {
            return id;
        }
    }
    return -1;
}

int quirks_read(const struct props *config, unsigned *set, struct span *bad_key) {
    struct span prefix = SPAN_LITERAL("quirk.");
    unsigned found = 0;
    for (size_t i = 0; i < config->count; i++) {
        const struct props_entry *entry = &config->entries[i];
        if (!span_starts_with(entry->key, prefix)) {
            continue;
        }
        int id = quirk_of_name(span_from(entry->key, prefix.len));
        bool on = span_equal(entry->value, SPAN_LITERAL("true"));
        if (id < 0 || (!on && !span_equal(entry->value, SPAN_LITERAL("false")))) {
            *bad_key = entry->key;
            return RMQ_E_INVALID;
        }
        found |= (unsigned)on << id;
    }
    *set = found;
    return RMQ_OK;
}
