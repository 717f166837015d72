/* sim/scenario/scenario_field.c - reads members by the table: scalars, lists, nested records.
 * Distributions and targets are in scenario_dist.c and scenario_targets.c. */
#include "sim/scenario/scenario_field.h"

#include <inttypes.h>
#include <string.h>

#include "model/base/check.h"
#include "sim/scenario/scenario_field_internal.h"

/* ---- scalars --------------------------------------------------------------------------------- */

bool wrong_type(struct field_reader *reader, const struct doc_value *value, const char *key,
                const char *expected) {
    doc_error(reader->errors, value, "\"%s\" is %s; expected %s", key,
              doc_describe(reader->pool, value), expected);
    return false;
}

/* Names that people write for a unit. */
static const char *unit_alias(const char *unit) {
    static const char *const ALIASES[][2] = {
        {"sec", "s"},       {"secs", "s"},     {"second", "s"}, {"seconds", "s"},
        {"min", "m"},       {"mins", "m"},     {"minute", "m"}, {"minutes", "m"},
        {"msec", "ms"},     {"millis", "ms"},  {"usec", "us"},  {"\xc2\xb5s", "us"},
        {"hour", "h"},      {"hours", "h"},    {"hr", "h"},     {"day", "d"},
        {"days", "d"},      {"percent", "%"},  {"KB", "kB"},    {"K", "KiB"},
        {"M", "MiB"},       {"G", "GiB"},      {"bytes", "B"},  {"Mbps", "Mbit/s"},
        {"Gbps", "Gbit/s"}, {"kbps", "kbit/s"}};
    for (size_t i = 0; i < sizeof ALIASES / sizeof ALIASES[0]; i++)
        if (strcmp(ALIASES[i][0], unit) == 0)
            return ALIASES[i][1];
    return unit[0] == ' ' ? unit + 1 : NULL; /* no blank before it */
}

static void unknown_unit(struct field_reader *reader, const struct unit_system *system,
                         const struct doc_value *value, const char *key, const char *unit) {
    struct nearest nearest;
    nearest_begin(&nearest, unit);
    const char *alias = unit_alias(unit);
    for (size_t i = 0; i < system->count; i++) {
        const char *name = system->units[i].name;
        size_t len = strlen(unit);
        bool per_second = strncmp(name, unit, len) == 0 && strcmp(name + len, "/s") == 0;
        if (per_second || (alias != NULL && strcmp(alias, name) == 0))
            nearest.best = name;
        else if (alias == NULL)
            nearest_offer(&nearest, name);
    }
    doc_error(reader->errors, value,
              "\"%s\" has the unknown unit \"%s\" in \"%.60s\"; expected %s%s", key, unit,
              value->text, system->expected, nearest_hint(&nearest));
}

bool read_quantity(struct field_reader *reader, const struct unit_system *system,
                   const struct doc_value *value, const char *key, int64_t *out) {
    if (value->kind == DOC_NUMBER) {
        doc_error(reader->errors, value,
                  "\"%s\" is the number %.40s without a unit; expected %s as a text", key,
                  value->text, system->expected);
        return false;
    }
    if (value->kind != DOC_STRING)
        return wrong_type(reader, value, key, system->expected);
    size_t at;
    char unit[16];
    switch (unit_parse(system, value->text, out, &at, unit)) {
    case UNIT_OK:
        return true;
    case UNIT_NOT_A_NUMBER:
        return wrong_type(reader, value, key, system->expected);
    case UNIT_UNKNOWN:
        unknown_unit(reader, system, value, key, unit);
        return false;
    case UNIT_MISSING:
        doc_error(reader->errors, value, "\"%s\" is \"%.60s\" without a unit; expected %s", key,
                  value->text, system->expected);
        return false;
    case UNIT_NOT_WHOLE:
        doc_error(reader->errors, value,
                  "\"%s\" is \"%.60s\", finer than the smallest unit; expected %s", key,
                  value->text, system->expected);
        return false;
    case UNIT_TOO_LARGE:
        doc_error(reader->errors, value, "\"%s\" is \"%.60s\", too large; expected %s below 2^62",
                  key, value->text, system->expected);
        return false;
    }
    RMQ_UNREACHABLE();
}

static const char *limit_text(struct field_reader *reader, const struct field *field,
                              int64_t limit) {
    char text[32];
    switch (field->type) {
    case FIELD_DURATION:
    case FIELD_TIMING:
    case FIELD_TIMINGS:
        duration_print((uint64_t)limit, text);
        break;
    case FIELD_SIZE:
        return pool_format(reader->pool, "%" PRId64 "B", limit);
    case FIELD_RATE:
        return pool_format(reader->pool, "%" PRId64 "B/s", limit);
    default:
        return pool_format(reader->pool, "%" PRId64, limit);
    }
    return pool_format(reader->pool, "%s", text);
}

bool check_range(struct field_reader *reader, const struct field *field,
                 const struct doc_value *value, int64_t number) {
    if (number >= field->min && (field->max == 0 || number <= field->max))
        return true;
    const char *low = limit_text(reader, field, field->min);
    const char *text = value->text[0] != 0 ? value->text : doc_kind_name(value->kind);
    if (field->max == 0)
        doc_error(reader->errors, value, "\"%s\" is %.60s, out of range; expected at least %s",
                  field->key, text, low);
    else
        doc_error(reader->errors, value, "\"%s\" is %.60s, out of range; expected %s to %s",
                  field->key, text, low, limit_text(reader, field, field->max));
    return false;
}

static bool read_ranged(struct field_reader *reader, const struct unit_system *system,
                        const struct field *field, const struct doc_value *value, uint64_t *out) {
    int64_t number;
    if (!read_quantity(reader, system, value, field->key, &number) ||
        !check_range(reader, field, value, number))
        return false;
    *out = (uint64_t)number;
    return true;
}

/* A quantity in millionths whose limits are those of its kind, not of the field. */
static bool read_millionths(struct field_reader *reader, const struct unit_system *system,
                            const struct field *field, const struct doc_value *value, int64_t low,
                            int64_t high, int64_t *out) {
    if (!read_quantity(reader, system, value, field->key, out))
        return false;
    if (*out >= low && *out <= high)
        return true;
    doc_error(reader->errors, value,
              "\"%s\" is %s, out of range; expected %" PRId64 "%% to %" PRId64 "%%", field->key,
              value->text, low / 10000, high / 10000);
    return false;
}

static bool read_ratio(struct field_reader *reader, const struct field *field,
                       const struct doc_value *value, uint32_t *out) {
    int64_t number;
    if (!read_millionths(reader, &UNITS_RATIO, field, value, 0, 1000000, &number))
        return false;
    *out = (uint32_t)number;
    return true;
}

static bool read_drift(struct field_reader *reader, const struct field *field,
                       const struct doc_value *value, int32_t *out) {
    int64_t number;
    if (!read_millionths(reader, &UNITS_DRIFT, field, value, -500000, 500000, &number))
        return false;
    *out = (int32_t)number;
    return true;
}

static bool read_text(struct field_reader *reader, const struct field *field,
                      const struct doc_value *value, const char **out) {
    if (value->kind != DOC_STRING)
        return wrong_type(reader, value, field->key, "a text");
    if (field->max > 0 && strlen(value->text) > (size_t)field->max) {
        doc_error(reader->errors, value, "\"%s\" is too long; expected at most %" PRId64 " bytes",
                  field->key, field->max);
        return false;
    }
    *out = value->text;
    return true;
}

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."

bool name_is_valid(const char *text) {
    size_t len = strlen(text);
    return len > 0 && len <= 60 && strspn(text, NAME_CHARACTERS) == len;
}

static bool read_name(struct field_reader *reader, const struct field *field,
                      const struct doc_value *value, const char **out) {
    if (!read_text(reader, field, value, out))
        return false;
    if (name_is_valid(*out))
        return true;
    doc_error(reader->errors, value,
              "\"%s\" is the text \"%.60s\"; expected a name of 1 to 60 letters, digits, '_', '-' "
              "or '.'",
              field->key, value->text);
    *out = "";
    return false;
}

static const char *word_list(struct pool *pool, const char *const *words) {
    const char *text = pool_format(pool, "\"%s\"", words[0]);
    for (size_t i = 1; words[i] != NULL; i++)
        text =
            pool_format(pool, words[i + 1] == NULL ? "%s or \"%s\"" : "%s, \"%s\"", text, words[i]);
    return text;
}

static bool read_word(struct field_reader *reader, const struct field *field,
                      const struct doc_value *value, int *out) {
    const char *expected = word_list(reader->pool, field->words);
    if (value->kind != DOC_STRING)
        return wrong_type(reader, value, field->key, expected);
    struct nearest nearest;
    nearest_begin(&nearest, value->text);
    for (int i = 0; field->words[i] != NULL; i++) {
        if (strcmp(field->words[i], value->text) == 0) {
            *out = i;
            return true;
        }
        nearest_offer(&nearest, field->words[i]);
    }
    doc_error(reader->errors, value, "\"%s\" is the unknown word \"%.60s\"; expected %s%s",
              field->key, value->text, expected, nearest_hint(&nearest));
    return false;
}

static bool read_count(struct field_reader *reader, const struct field *field,
                       const struct doc_value *value, int64_t *out) {
    if (value->kind != DOC_NUMBER)
        return wrong_type(reader, value, field->key, "a whole number");
    if (!check_range(reader, field, value, value->number))
        return false;
    *out = value->number;
    return true;
}

static bool read_seed(struct field_reader *reader, const struct field *field,
                      const struct doc_value *value, uint64_t *out) {
    if (value->kind == DOC_STRING && span_to_u64(span_of_text(value->text), out) == RMQ_OK)
        return true;
    if (value->kind == DOC_NUMBER && value->number >= 0) {
        *out = (uint64_t)value->number;
        return true;
    }
    return wrong_type(reader, value, field->key,
                      "a whole number from 0 on, or a text of digits below 2^64");
}

static bool read_date(struct field_reader *reader, const struct field *field,
                      const struct doc_value *value, int64_t *out) {
    if (value->kind == DOC_STRING && date_parse(value->text, out))
        return true;
    return wrong_type(reader, value, field->key,
                      "a date such as \"2026-01-01T00:00:00Z\", 1971 or later");
}

static bool read_bool(struct field_reader *reader, const struct field *field,
                      const struct doc_value *value, bool *out) {
    if (value->kind != DOC_BOOL)
        return wrong_type(reader, value, field->key, "true or false");
    *out = value->boolean;
    return true;
}

/* ---- lists and maps -------------------------------------------------------------------------- */

static bool read_names(struct field_reader *reader, const struct field *field,
                       const struct doc_value *value, struct names *out) {
    if (value->kind != DOC_ARRAY)
        return wrong_type(reader, value, field->key, "an array of texts");
    out->items = pool_alloc(reader->pool, (value->count + 1) * sizeof *out->items);
    for (const struct doc_value *item = value->first; item != NULL; item = item->next) {
        if (item->kind != DOC_STRING)
            return wrong_type(reader, item, field->key, "texts in the array");
        out->items[out->count++] = item->text;
    }
    return true;
}

void props_append(struct props *props, const char *key, const char *text) {
    RMQ_ASSERT(props->count < props->capacity);
    props->entries[props->count++] = (struct props_entry){span_of_text(key), span_of_text(text), 0};
}

static bool read_properties(struct field_reader *reader, const struct field *field,
                            const struct doc_value *value, struct props *out) {
    if (value->kind != DOC_OBJECT)
        return wrong_type(reader, value, field->key,
                          "an object of texts, numbers and truth values");
    out->capacity = value->count;
    out->entries = pool_alloc(reader->pool, (value->count + 1) * sizeof *out->entries);
    for (const struct doc_value *member = value->first; member != NULL; member = member->next) {
        if (member->kind == DOC_STRING || member->kind == DOC_NUMBER)
            props_append(out, member->key, member->text);
        else if (member->kind == DOC_BOOL)
            props_append(out, member->key, member->boolean ? "true" : "false");
        else
            wrong_type(reader, member, member->key, "a text, a number, true or false");
    }
    return true;
}

static bool read_list(struct field_reader *reader, const struct field *field,
                      const struct doc_value *value, struct list *out) {
    if (value->kind != DOC_ARRAY)
        return wrong_type(reader, value, field->key, "an array of objects");
    char *items = pool_alloc(reader->pool, (value->count + 1) * field->record->bytes);
    out->items = items;
    for (const struct doc_value *item = value->first; item != NULL; item = item->next)
        record_read(reader, field->record, item, items + out->count++ * field->record->bytes);
    return true;
}

static bool read_sets(struct field_reader *reader, const struct field *field,
                      const struct doc_value *value, struct list *out) {
    if (value->kind != DOC_ARRAY || value->count < 2)
        return wrong_type(reader, value, field->key, "an array of two or more sets of nodes");
    struct targets *sets = pool_alloc(reader->pool, value->count * sizeof *sets);
    out->items = sets;
    for (const struct doc_value *item = value->first; item != NULL; item = item->next)
        if (!read_targets(reader, field, item, &sets[out->count++]))
            return false;
    return true;
}

static bool read_timings(struct field_reader *reader, const struct field *field,
                         const struct doc_value *value, struct timings *out) {
    out->at = value;
    out->each = value->kind == DOC_ARRAY;
    out->count = out->each ? value->count : 1;
    out->items = pool_alloc(reader->pool, (out->count + 1) * sizeof *out->items);
    if (!out->each)
        return read_timing(reader, field, value, out->items);
    size_t i = 0;
    for (const struct doc_value *item = value->first; item != NULL; item = item->next)
        if (!read_timing(reader, field, item, &out->items[i++]))
            return false;
    return true;
}

/* ---- by type --------------------------------------------------------------------------------- */

bool field_read(struct field_reader *reader, const struct field *field,
                const struct doc_value *value, void *out) {
    switch (field->type) {
    case FIELD_TEXT:
        return read_text(reader, field, value, out);
    case FIELD_NAME:
        return read_name(reader, field, value, out);
    case FIELD_WORD:
        return read_word(reader, field, value, out);
    case FIELD_BOOL:
        return read_bool(reader, field, value, out);
    case FIELD_COUNT:
        return read_count(reader, field, value, out);
    case FIELD_SEED:
        return read_seed(reader, field, value, out);
    case FIELD_DURATION:
        return read_ranged(reader, &UNITS_DURATION, field, value, out);
    case FIELD_TIMING:
        return read_timing(reader, field, value, out);
    case FIELD_TIMINGS:
        return read_timings(reader, field, value, out);
    case FIELD_SHIFT:
        return read_quantity(reader, &UNITS_SHIFT, value, field->key, out);
    case FIELD_DRIFT:
        return read_drift(reader, field, value, out);
    case FIELD_RATIO:
        return read_ratio(reader, field, value, out);
    case FIELD_SIZE:
        return read_ranged(reader, &UNITS_SIZE, field, value, out);
    case FIELD_RATE:
        return read_ranged(reader, &UNITS_RATE, field, value, out);
    case FIELD_FREQUENCY:
        return read_ranged(reader, &UNITS_FREQUENCY, field, value, out);
    case FIELD_DATE:
        return read_date(reader, field, value, out);
    case FIELD_DIST:
        return read_dist(reader, field, value, out);
    case FIELD_PROPERTIES:
        return read_properties(reader, field, value, out);
    case FIELD_TARGETS:
        return read_targets(reader, field, value, out);
    case FIELD_SETS:
        return read_sets(reader, field, value, out);
    case FIELD_NAMES:
        return read_names(reader, field, value, out);
    case FIELD_RECORD:
        record_read(reader, field->record, value, out);
        return true;
    case FIELD_LIST:
        return read_list(reader, field, value, out);
    case FIELD_ANY:
        *(const struct doc_value **)out = value;
        return true;
    case FIELD_RESERVED:
        doc_key_error(reader->errors, value,
                      "\"%s\" is reserved; expected it with a later release: "
                      "%s",
                      field->key, field->about);
        return false;
    }
    RMQ_UNREACHABLE();
}
