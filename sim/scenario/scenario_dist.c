/* sim/scenario/scenario_dist.c - durations that are drawn: distributions, and values drawn once per
 * seed.
 *
 * Forms: "1ms" | {"constant": T} | {"uniform": [T, T]} | {"exponential": {"floor", "mean", "max"}}
 * | {"pareto": {"scale", "alpha_milli", "max"}} | {"table": [["1ms", "0%"], ["5ms", "90%"], ...]},
 * the table being points of the cumulative distribution with straight lines between them. */
#include <string.h>

#include "model/base/check.h"
#include "sim/scenario/scenario_field_internal.h"

#define EXPECTED                                                                          \
    "a duration such as \"30s\", or one of {\"constant\", \"uniform\", \"exponential\", " \
    "\"pareto\", \"table\"}"

struct exponential_spec {
    const struct doc_value *at;
    struct timing floor, mean, max;
};
struct pareto_spec {
    const struct doc_value *at;
    struct timing scale, max;
    int64_t alpha_milli;
};
#define HOUR_NS INT64_C(3600000000000)
#define FIELDS_OF(type, fields, about)                                              \
    {                                                                               \
#type, about, fields,                                                       \
            sizeof fields / sizeof fields[0], sizeof(struct type), NULL, NULL, NULL \
    }

static const struct field EXPONENTIAL_FIELDS[] = {
    {.key = "floor",
     .type = FIELD_TIMING,
     .offset = offsetof(struct exponential_spec, floor),
     .about = "least value, \"0s\" when left out"},
    {.key = "mean",
     .type = FIELD_TIMING,
     .offset = offsetof(struct exponential_spec, mean),
     .required = true,
     .min = 1,
     .max = HOUR_NS,
     .about = "mean of what is added to the floor"},
    {.key = "max",
     .type = FIELD_TIMING,
     .offset = offsetof(struct exponential_spec, max),
     .about = "larger values are cut to this one"},
};
static const struct field PARETO_FIELDS[] = {
    {.key = "scale",
     .type = FIELD_TIMING,
     .offset = offsetof(struct pareto_spec, scale),
     .required = true,
     .min = 1,
     .max = HOUR_NS,
     .about = "least value"},
    {.key = "alpha_milli",
     .type = FIELD_COUNT,
     .offset = offsetof(struct pareto_spec, alpha_milli),
     .required = true,
     .min = 1001,
     .max = 20000,
     .about = "tail index times 1,000"},
    {.key = "max",
     .type = FIELD_TIMING,
     .offset = offsetof(struct pareto_spec, max),
     .about = "larger values are cut to this one"},
};
const struct record_type DIST_EXPONENTIAL_TYPE = {.name = "exponential",
                                                  .about = "A floor and an exponential tail.",
                                                  .fields = EXPONENTIAL_FIELDS,
                                                  .field_count = 3,
                                                  .bytes = sizeof(struct exponential_spec)};
const struct record_type DIST_PARETO_TYPE = {.name = "pareto",
                                             .about = "A heavy tail.",
                                             .fields = PARETO_FIELDS,
                                             .field_count = 3,
                                             .bytes = sizeof(struct pareto_spec)};

uint64_t timing_max(const struct timing *timing) {
    if (timing->drawn == NULL)
        return timing->ns;
    switch (timing->drawn->kind) {
    case DIST_CONSTANT:
        return timing->drawn->min;
    case DIST_UNIFORM:
        return timing->drawn->max;
    case DIST_EXPONENTIAL:
    case DIST_PARETO:
        return timing->drawn->max != 0 ? timing->drawn->max : UINT64_MAX;
    case DIST_TABLE:
        return timing->drawn->value[timing->drawn->count - 1];
    }
    RMQ_UNREACHABLE();
}

uint64_t timing_min(const struct timing *timing) {
    if (timing->drawn == NULL)
        return timing->ns;
    return timing->drawn->kind == DIST_TABLE ? timing->drawn->value[0] : timing->drawn->min;
}

/* ---- the forms ------------------------------------------------------------------------------- */

static const struct field INNER = {.key = "value", .type = FIELD_TIMING, .about = "a duration"};

static bool read_inner(struct field_reader *reader, const struct doc_value *value, const char *key,
                       struct timing *out) {
    struct field field = INNER;
    field.key = key;
    return read_timing(reader, &field, value, out);
}

static bool read_uniform(struct field_reader *reader, const struct doc_value *value,
                         struct dist_spec *out) {
    if (value->kind != DOC_ARRAY || value->count != 2)
        return wrong_type(reader, value, "uniform",
                          "an array of the least and the largest duration");
    out->dist.kind = DIST_UNIFORM;
    if (!read_inner(reader, value->first, "uniform", &out->min) ||
        !read_inner(reader, value->last, "uniform", &out->max))
        return false;
    if (timing_min(&out->max) >= timing_max(&out->min))
        return true;
    doc_error(reader->errors, value->last,
              "the ends are out of order: \"%s\" is less than \"%s\"; expected the smaller first",
              value->last->text, value->first->text);
    return false;
}

static bool read_exponential(struct field_reader *reader, const struct doc_value *value,
                             struct dist_spec *out) {
    size_t before = reader->errors->count;
    struct exponential_spec spec;
    record_read(reader, &DIST_EXPONENTIAL_TYPE, value, &spec);
    out->dist.kind = DIST_EXPONENTIAL;
    out->min = spec.floor;
    out->mean = spec.mean;
    out->max = spec.max;
    return reader->errors->count == before;
}

static bool read_pareto(struct field_reader *reader, const struct doc_value *value,
                        struct dist_spec *out) {
    size_t before = reader->errors->count;
    struct pareto_spec spec;
    record_read(reader, &DIST_PARETO_TYPE, value, &spec);
    out->dist.kind = DIST_PARETO;
    out->dist.alpha_milli = (uint32_t)spec.alpha_milli;
    out->min = spec.scale;
    out->max = spec.max;
    return reader->errors->count == before;
}

static bool read_point(struct field_reader *reader, const struct doc_value *value,
                       struct dist *dist) {
    int64_t duration, share;
    if (value->kind != DOC_ARRAY || value->count != 2)
        return wrong_type(reader, value, "table", "points [\"5ms\", \"90%\"]");
    if (!read_quantity(reader, &UNITS_DURATION, value->first, "table", &duration) ||
        !read_quantity(reader, &UNITS_RATIO, value->last, "table", &share))
        return false;
    uint32_t upto = share >= 1000000 ? UINT32_MAX : (uint32_t)(((uint64_t)share << 32) / 1000000);
    uint32_t i = dist->count;
    if (i > 0 && ((uint64_t)duration < dist->value[i - 1] || upto <= dist->upto[i - 1])) {
        doc_error(reader->errors, value,
                  "the points are out of order; expected durations and shares to grow");
        return false;
    }
    dist->value[i] = (uint64_t)duration;
    dist->upto[i] = upto;
    dist->count++;
    return true;
}

static bool read_table(struct field_reader *reader, const struct doc_value *value,
                       struct dist_spec *out) {
    if (value->kind != DOC_ARRAY || value->count < 2 || value->count > DIST_TABLE_MAX)
        return wrong_type(reader, value, "table", "an array of 2 to 32 points [\"5ms\", \"90%\"]");
    out->dist.kind = DIST_TABLE;
    for (const struct doc_value *point = value->first; point != NULL; point = point->next)
        if (!read_point(reader, point, &out->dist))
            return false;
    if (out->dist.upto[out->dist.count - 1] == UINT32_MAX)
        return true;
    doc_error(reader->errors, value->last->last,
              "the last share is \"%s\"; expected \"100%%\" at the end of the table",
              value->last->last->text);
    return false;
}

static bool read_form(struct field_reader *reader, const struct field *field,
                      const struct doc_value *value, struct dist_spec *out) {
    static const char *const FORMS[] = {"constant", "uniform", "exponential", "pareto", "table"};
    if (value->kind != DOC_OBJECT || value->count != 1)
        return wrong_type(reader, value, field->key, EXPECTED);
    const struct doc_value *form = value->first;
    if (strcmp(form->key, "constant") == 0)
        return read_inner(reader, form, "constant", &out->min);
    if (strcmp(form->key, "uniform") == 0)
        return read_uniform(reader, form, out);
    if (strcmp(form->key, "exponential") == 0)
        return read_exponential(reader, form, out);
    if (strcmp(form->key, "pareto") == 0)
        return read_pareto(reader, form, out);
    if (strcmp(form->key, "table") == 0)
        return read_table(reader, form, out);
    struct nearest nearest;
    doc_key_error(reader->errors, form, "unknown key \"%.60s\" in \"%s\"; expected %s%s", form->key,
                  field->key, EXPECTED, nearest_of(&nearest, form->key, FORMS, 5));
    return false;
}

bool read_dist(struct field_reader *reader, const struct field *field,
               const struct doc_value *value, struct dist_spec *out) {
    *out = (struct dist_spec){.at = value};
    if (value->kind == DOC_OBJECT) {
        if (!read_form(reader, field, value, out))
            return false;
    } else if (value->kind != DOC_STRING && value->kind != DOC_NUMBER) {
        return wrong_type(reader, value, field->key, EXPECTED);
    } else {
        int64_t duration;
        if (!read_quantity(reader, &UNITS_DURATION, value, field->key, &duration))
            return false;
        out->min = (struct timing){.ns = (uint64_t)duration, .at = value};
    }
    dist_spec_settle(out);
    return true;
}

void dist_spec_settle(struct dist_spec *spec) {
    spec->dist.min = spec->min.ns;
    spec->dist.max = spec->max.ns;
    spec->dist.mean = spec->mean.ns;
}

/* ---- values drawn once per seed -------------------------------------------------------------- */

static bool refuse_nested(struct field_reader *reader, const struct timing *inner) {
    if (inner->drawn == NULL)
        return true;
    doc_error(reader->errors, inner->at,
              "a value that is drawn has a parameter that is drawn; expected a constant duration");
    return false;
}

bool read_timing(struct field_reader *reader, const struct field *field,
                 const struct doc_value *value, struct timing *out) {
    struct dist_spec spec;
    *out = (struct timing){.at = value};
    if (!read_dist(reader, field, value, &spec) || !refuse_nested(reader, &spec.min) ||
        !refuse_nested(reader, &spec.max) || !refuse_nested(reader, &spec.mean))
        return false;
    out->ns = spec.min.ns;
    if (value->kind == DOC_OBJECT) {
        struct dist *drawn = pool_alloc(reader->pool, sizeof *drawn);
        *drawn = spec.dist;
        out->drawn = drawn;
    }
    if ((int64_t)timing_min(out) < field->min)
        return check_range(reader, field, value, (int64_t)timing_min(out));
    uint64_t max = timing_max(out);
    return field->max == 0 || max <= (uint64_t)field->max ||
           check_range(reader, field, value, INT64_MAX);
}
