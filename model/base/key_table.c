/* base/key_table.c - see key_table.h. */
#include "model/base/key_table.h"

#include "model/base/nearest.h"

#define KEY_BYTES_MAX 64

const struct key_row *key_table_find(const struct key_table *table, struct span key) {
    size_t from = 0, to = table->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = span_compare(key, span_of_text(table->rows[middle].name));
        if (order == 0)
            return &table->rows[middle];
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}

static bool is_word(const char *words, struct span value) {
    struct span rest = span_of_text(words), word;
    if (rest.len == 0)
        return value.len == 0;
    while (span_next_part(&rest, '|', &word)) {
        if (span_equal(word, value))
            return true;
    }
    return false;
}

bool key_value_is_good(const struct key_row *row, struct span value) {
    int64_t number;
    switch (row->type) {
    case KEY_BOOL:
        return span_equal(value, SPAN_LITERAL("true")) || span_equal(value, SPAN_LITERAL("false"));
    case KEY_INT:
        return span_to_i64(value, &number) == RMQ_OK && number >= row->min && number <= row->max;
    case KEY_CLAMPED:
        return span_to_i64(value, &number) == RMQ_OK && number >= INT32_MIN && number <= INT32_MAX;
    case KEY_WORD:
        return is_word(row->words, value);
    case KEY_TEXT:
        break;
    }
    return true;
}

void key_expectation(const struct key_row *row, struct buf *out) {
    switch (row->type) {
    case KEY_BOOL:
        buf_put_text(out, "true or false");
        break;
    case KEY_INT:
    case KEY_CLAMPED:
        buf_put_text(out, "an integer from ");
        buf_put_decimal(out, row->min);
        buf_put_text(out, " to ");
        buf_put_decimal(out, row->max);
        break;
    case KEY_WORD:
        buf_put_text(out, row->words[0] == 0 ? "no value" : "one of ");
        buf_put_text(out, row->words);
        break;
    case KEY_TEXT:
        buf_put_text(out, "a text");
        break;
    }
}

/* ---- check ----------------------------------------------------------------------------------- */

static void put_unknown(const struct key_table *table, struct span key, struct buf *out) {
    char word[KEY_BYTES_MAX];
    struct nearest nearest;
    buf_put_text(out, ": unknown key, without effect");
    if (key.len >= sizeof word)
        return;
    memcpy(word, key.data, key.len);
    word[key.len] = 0;
    nearest_begin(&nearest, word);
    for (size_t i = 0; i < table->count; i++)
        nearest_offer(&nearest, table->rows[i].name);
    buf_put_text(out, nearest_hint(&nearest));
}

static void put_value(const struct props_entry *entry, struct buf *out) {
    buf_put_u8(out, '=');
    buf_put_span(out, entry->value);
}

/* False: it counts as what it is. */
static bool put_counts_as(const struct key_row *row, const struct props_entry *entry,
                          struct buf *out) {
    int64_t number = row->min;
    RMQ_IGNORE(span_to_i64(entry->value, &number), "it is good");
    if (number >= row->min && number <= row->max)
        return false;
    put_value(entry, out);
    buf_put_text(out, ": counts as ");
    buf_put_decimal(out, number < row->min ? row->min : row->max);
    return true;
}

/* False: nothing to say. */
static bool judge(const struct key_table *table, const struct props_entry *entry, bool profile_5_3,
                  enum key_finding *finding, struct buf *out) {
    const struct key_row *row = key_table_find(table, entry->key);
    buf_put_span(out, entry->key);
    if (row == NULL) {
        *finding = KEY_UNKNOWN;
        put_unknown(table, entry->key, out);
        return !span_starts_with(entry->key, SPAN_LITERAL("quirk."));
    }
    if (!key_value_is_good(row, entry->value)) {
        *finding = row->effect == KEY_FENCED ? KEY_NOT_BUILT : KEY_WRONG;
        put_value(entry, out);
        buf_put_text(out, row->effect == KEY_FENCED
                              ? ": not built yet, so this does not start: expected "
                              : ": expected ");
        key_expectation(row, out);
        return true;
    }
    if (row->type == KEY_CLAMPED) {
        *finding = KEY_COUNTS_AS;
        return put_counts_as(row, entry, out);
    }
    *finding = KEY_NO_EFFECT;
    const char *usual = row->defaults[profile_5_3 ? 1 : 0];
    if (row->effect != KEY_IDLE || (usual != NULL && span_equal(entry->value, span_of_text(usual))))
        return false;
    put_value(entry, out);
    buf_put_text(out, ": this key has no effect here");
    return true;
}

int key_table_check(const struct key_table *table, struct env *env, const struct props *props,
                    bool profile_5_3, key_finding_fn *found, void *ctx) {
    struct buf text;
    int err = RMQ_OK;
    buf_init(&text, env);
    for (size_t i = 0; i < props->count && err == RMQ_OK; i++) {
        enum key_finding finding;
        buf_clear(&text);
        bool tell = judge(table, &props->entries[i], profile_5_3, &finding, &text);
        if (buf_failed(&text))
            err = RMQ_E_NOMEM;
        else if (tell)
            found(ctx, finding, &props->entries[i], buf_span(&text));
    }
    buf_deinit(&text);
    return err;
}

/* ---- text ------------------------------------------------------------------------------------ */

static void put_line(struct buf *out, struct span key, struct span value) {
    struct props_entry entry = {.key = key, .value = value};
    struct props one = {.entries = &entry, .count = 1};
    props_write(&one, out);
}

void key_table_write(const struct key_table *table, const struct props *given, bool profile_5_3,
                     bool important, struct buf *out) {
    for (size_t i = 0; i < table->count; i++) {
        const struct key_row *row = &table->rows[i];
        struct span name = span_of_text(row->name), value = props_get_span(given, name);
        if (span_is_absent(value))
            value = span_of_text(row->defaults[profile_5_3 ? 1 : 0]);
        if (!span_is_absent(value) && (row->important || !important))
            put_line(out, name, value);
    }
    for (size_t i = 0; i < given->count && !important; i++) {
        if (key_table_find(table, given->entries[i].key) == NULL)
            put_line(out, given->entries[i].key, given->entries[i].value);
    }
}
