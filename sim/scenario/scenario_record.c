/* sim/scenario/scenario_record.c - reads an object's members into a struct by its table: unknown
 * keys, missing ones, and members that depend on another one. */
#include <inttypes.h>
#include <string.h>

#include "model/base/check.h"
#include "sim/scenario/scenario_field_internal.h"

/* As dist_parse reads it; "" after reporting one that has no such form. */
static const char *dist_text(struct field_reader *reader, const struct field *field,
                             const struct dist_spec *spec) {
    const struct dist *dist = &spec->dist;
    bool drawn = spec->min.drawn != NULL || spec->max.drawn != NULL || spec->mean.drawn != NULL;
    if (!drawn && dist->kind == DIST_CONSTANT)
        return pool_format(reader->pool, "constant:%" PRIu64, dist->min);
    if (!drawn && dist->kind == DIST_UNIFORM)
        return pool_format(reader->pool, "uniform:%" PRIu64 ":%" PRIu64, dist->min, dist->max);
    if (!drawn && dist->kind == DIST_EXPONENTIAL)
        return pool_format(reader->pool, "exponential:%" PRIu64 ":%" PRIu64 ":%" PRIu64, dist->min,
                           dist->mean, dist->max);
    doc_error(reader->errors, spec->at,
              "\"%s\" cannot have this form; expected a duration, \"uniform\" or "
              "\"exponential\" of constants",
              field->key);
    return "";
}

/* Reads into a scratch value and keeps its decimal text. */
static void read_property(struct field_reader *reader, const struct field *field,
                          const struct doc_value *value, struct props *props) {
    union {
        const char *text;
        bool boolean;
        int64_t number;
        uint64_t duration;
        uint32_t ratio;
        int word;
        struct dist_spec dist;
    } scratch;
    memset(&scratch, 0, sizeof scratch);
    if (!field_read(reader, field, value, &scratch))
        return;
    const char *text = "";
    switch (field->type) {
    case FIELD_BOOL:
        text = scratch.boolean ? "true" : "false";
        break;
    case FIELD_COUNT:
        text = pool_format(reader->pool, "%" PRId64, scratch.number);
        break;
    case FIELD_WORD:
        text = field->words[scratch.word];
        break;
    case FIELD_DIST:
        text = dist_text(reader, field, &scratch.dist);
        break;
    case FIELD_DURATION:
    case FIELD_SIZE:
    case FIELD_FREQUENCY:
        text = pool_format(reader->pool, "%" PRIu64, scratch.duration);
        break;
    case FIELD_RATIO:
        text = pool_format(reader->pool, "%" PRIu32, scratch.ratio);
        break;
    default:
        text = scratch.text;
        break;
    }
    props_append(props, field->key, text);
}

static const struct field *find_field(const struct record_type *type, const char *key) {
    for (size_t i = 0; type != NULL && i < type->field_count; i++)
        if (strcmp(type->fields[i].key, key) == 0)
            return &type->fields[i];
    return NULL;
}

/* "name, about, seed": the members that there may be. */
static const char *key_list(struct pool *pool, const struct record_type *type,
                            const struct record_type *variant) {
    const char *text = "";
    for (size_t i = 0; i < type->field_count; i++)
        text = pool_format(pool, "%s%s%s", text, i == 0 ? "" : ", ", type->fields[i].key);
    for (size_t i = 0; variant != NULL && i < variant->field_count; i++)
        text = pool_format(pool, "%s, %s", text, variant->fields[i].key);
    return text;
}

static void unknown_key(struct field_reader *reader, const struct record_type *type,
                        const struct record_type *variant, const struct doc_value *member) {
    struct nearest nearest;
    nearest_begin(&nearest, member->key);
    for (size_t i = 0; i < type->field_count; i++)
        nearest_offer(&nearest, type->fields[i].key);
    for (size_t i = 0; variant != NULL && i < variant->field_count; i++)
        nearest_offer(&nearest, variant->fields[i].key);
    doc_key_error(reader->errors, member, "unknown key \"%.60s\" in %s; expected one of %.300s%s",
                  member->key, variant != NULL ? variant->name : type->name,
                  key_list(reader->pool, type, variant), nearest_hint(&nearest));
}

static void check_required(struct field_reader *reader, const struct record_type *type,
                           const struct doc_value *value) {
    for (size_t i = 0; type != NULL && i < type->field_count; i++)
        if (type->fields[i].required && doc_member(value, type->fields[i].key) == NULL)
            doc_error(reader->errors, value, "\"%s\" is missing in %s; expected \"%s\", %s",
                      type->fields[i].key, type->name, type->fields[i].key, type->fields[i].about);
}

static void read_member(struct field_reader *reader, const struct record_type *type,
                        const struct record_type *variant, const struct doc_value *member,
                        char *record) {
    const struct field *field = find_field(type, member->key);
    if (field == NULL)
        field = find_field(variant, member->key);
    if (field == NULL)
        unknown_key(reader, type, variant, member);
    else if (field->property)
        read_property(reader, field, member, (struct props *)(void *)(record + field->offset));
    else
        RMQ_IGNORE(!field_read(reader, field, member, record + field->offset), "it has reported");
}

static void prepare_properties(struct field_reader *reader, const struct record_type *variant,
                               const struct doc_value *value, char *record) {
    if (variant == NULL || variant->field_count == 0 || !variant->fields[0].property)
        return;
    struct props *props = (struct props *)(void *)(record + variant->fields[0].offset);
    props->capacity = value->count;
    props->entries = pool_alloc(reader->pool, value->count * sizeof *props->entries);
}

void record_read(struct field_reader *reader, const struct record_type *type,
                 const struct doc_value *value, void *record) {
    memset(record, 0, type->bytes);
    if (type->defaults != NULL)
        type->defaults(record);
    *(const struct doc_value **)record = value;
    if (value->kind != DOC_OBJECT) {
        wrong_type(reader, value, value->key == NULL ? type->name : value->key, "an object");
        return;
    }
    const struct record_type *variant = NULL;
    if (type->variant_key != NULL) {
        variant = type->variant(reader, value);
        if (variant == NULL)
            return; /* which members there may be is not known */
    }
    prepare_properties(reader, variant, value, record);
    for (const struct doc_value *member = value->first; member != NULL; member = member->next)
        read_member(reader, type, variant, member, record);
    check_required(reader, type, value);
    check_required(reader, variant, value);
}

const struct doc_value *record_at(const struct doc_value *at, const char *key) {
    const struct doc_value *member = doc_member(at, key);
    return member == NULL ? at : member;
}
