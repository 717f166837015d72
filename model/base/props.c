/* base/props.c - the table of properties: look up, change, write. Reading is props_parse.c.
 *
 * One allocation per entry holds the key's bytes, then the value's. Tables are small (tens of
 * keys), so a look-up walks them. */
#include "model/base/props.h"

#include "model/base/check.h"
#include "model/env.h"

void props_init(struct props *props, struct env *env) {
    *props = (struct props){.env = env};
}

/* The entry's one allocation begins with its key. */
static void free_entry(struct props *props, const struct props_entry *entry) {
    env_free(props->env, (void *)entry->key.data);
}

void props_deinit(struct props *props) {
    for (size_t i = 0; i < props->count; i++) {
        free_entry(props, &props->entries[i]);
    }
    env_free(props->env, props->entries);
    props_init(props, props->env);
}

static struct props_entry *find_entry(const struct props *props, struct span key) {
    for (size_t i = 0; i < props->count; i++) {
        if (span_equal(props->entries[i].key, key)) {
            return &props->entries[i];
        }
    }
    return NULL;
}

static int make_room(struct props *props) {
    if (props->count < props->capacity) {
        return RMQ_OK;
    }
    size_t capacity = props->capacity == 0 ? 8 : props->capacity * 2;
    struct props_entry *entries =
        env_realloc(props->env, props->entries, capacity * sizeof *entries);
    if (entries == NULL) {
        return RMQ_E_NOMEM;
    }
    props->entries = entries;
    props->capacity = capacity;
    return RMQ_OK;
}

static int make_entry(struct env *env, struct span key, struct span value,
                      struct props_entry *entry) {
    RMQ_ASSERT(key.len < SIZE_MAX / 4);
    RMQ_ASSERT(value.len < SIZE_MAX / 4);
    uint8_t *block = env_alloc(env, key.len + value.len + 1);
    if (block == NULL) {
        return RMQ_E_NOMEM;
    }
    if (key.len > 0) {
        memcpy(block, key.data, key.len);
    }
    if (value.len > 0) {
        memcpy(block + key.len, value.data, value.len);
    }
    entry->key = span_of(block, key.len);
    entry->value = span_of(block + key.len, value.len);
    return RMQ_OK;
}

int props_set(struct props *props, struct span key, struct span value) {
    return props_set_line(props, key, value, 0);
}

int props_set_line(struct props *props, struct span key, struct span value, uint32_t line) {
    struct props_entry made = {.line = line};
    int err = make_entry(props->env, key, value, &made);
    if (err != RMQ_OK) {
        return err;
    }
    struct props_entry *existing = find_entry(props, key);
    if (existing != NULL) {
        free_entry(props, existing); /* last: key and value may point into it */
        *existing = made;
        return RMQ_OK;
    }
    err = make_room(props);
    if (err != RMQ_OK) {
        free_entry(props, &made);
        return err;
    }
    props->entries[props->count++] = made;
    return RMQ_OK;
}

int props_set_text(struct props *props, const char *key, const char *value) {
    return props_set(props, span_of_text(key), span_of_text(value));
}

void props_remove(struct props *props, struct span key) {
    struct props_entry *entry = find_entry(props, key);
    if (entry == NULL) {
        return;
    }
    size_t index = (size_t)(entry - props->entries);
    free_entry(props, entry);
    memmove(entry, entry + 1, (props->count - index - 1) * sizeof *entry);
    props->count--;
}

struct span props_get_span(const struct props *props, struct span key) {
    const struct props_entry *entry = find_entry(props, key);
    return entry == NULL ? SPAN_NONE : entry->value;
}

struct span props_get(const struct props *props, const char *key) {
    return props_get_span(props, span_of_text(key));
}

int props_get_i64(const struct props *props, const char *key, int64_t fallback, int64_t *out) {
    struct span value = props_get(props, key);
    *out = fallback;
    if (span_is_absent(value)) {
        return RMQ_OK;
    }
    return span_to_i64(value, out) == RMQ_OK ? RMQ_OK : RMQ_E_INVALID;
}

int props_get_bool(const struct props *props, const char *key, bool fallback, bool *out) {
    struct span value = props_get(props, key);
    *out = fallback;
    if (span_is_absent(value)) {
        return RMQ_OK;
    }
    bool is_true = span_equal(value, SPAN_LITERAL("true"));
    if (!is_true && !span_equal(value, SPAN_LITERAL("false"))) {
        return RMQ_E_INVALID;
    }
    *out = is_true;
    return RMQ_OK;
}

int props_copy(struct props *to, const struct props *from) {
    for (size_t i = 0; i < from->count; i++) {
        const struct props_entry *entry = &from->entries[i];
        int err = props_set_line(to, entry->key, entry->value, entry->line);
        if (err != RMQ_OK) {
            return err;
        }
    }
    return RMQ_OK;
}

/* Only what Java's reader would not give back as it is: a value may hold '=', ':' and '#'. */
static bool needs_backslash(uint8_t c, bool in_key, bool first) {
    switch (c) {
    case '\\':
        return true;
    case ' ':
        return in_key || first;
    case '=':
    case ':':
        return in_key;
    case '#':
    case '!':
        return in_key && first;
    default:
        return false;
    }
}

static void write_escaped(struct buf *out, struct span text, bool in_key) {
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        switch (c) {
        case '\n':
            buf_put_text(out, "\\n");
            break;
        case '\r':
            buf_put_text(out, "\\r");
            break;
        case '\t':
            buf_put_text(out, "\\t");
            break;
        case '\f':
            buf_put_text(out, "\\f");
            break;
        default:
            if (needs_backslash(c, in_key, i == 0)) {
                buf_put_u8(out, '\\');
            }
            buf_put_u8(out, c);
        }
    }
}

void props_write(const struct props *props, struct buf *out) {
    for (size_t i = 0; i < props->count; i++) {
        write_escaped(out, props->entries[i].key, true);
        buf_put_u8(out, '=');
        write_escaped(out, props->entries[i].value, false);
        buf_put_u8(out, '\n');
    }
}
