/* sim/scenario/scenario_set.c - --set arguments, varied parameters and "$name" references, on the
 * tree.
 *
 * Afterwards a value knows where it really came from: the file, a parameter, or the --set argument;
 * errors about it point there. */
#include <stdlib.h>
#include <string.h>

#include "model/base/check.h"
#include "sim/scenario/scenario_internal.h"

struct parameter_spec {
    const struct doc_value *at;
    const struct doc_value *value;
    const char *about;
};
static const struct field PARAMETER_FIELDS[] = {
    {.key = "value",
     .type = FIELD_ANY,
     .offset = offsetof(struct parameter_spec, value),
     .required = true,
     .about = "what \"$NAME\" stands for"},
    {.key = "about",
     .type = FIELD_TEXT,
     .offset = offsetof(struct parameter_spec, about),
     .required = true,
     .about = "what it means"},
};
static const struct record_type PARAMETER_TYPE = {
    .name = "parameter",
    .about = "A value with a name, for --set and \"vary\".",
    .fields = PARAMETER_FIELDS,
    .field_count = 2,
    .bytes = sizeof(struct parameter_spec)};

struct putter {
    struct scenario *scenario;
    struct scenario_errors *errors;
    struct doc_value *parameters; /* object; NULL: none */
    bool *used;
};

static bool parameter_name_is_valid(const char *name) {
    return name_is_valid(name) && strchr(name, '.') == NULL;
}

static bool is_top_level(const char *name) {
    for (size_t i = 0; i < SCENARIO_TYPE.field_count; i++)
        if (strcmp(SCENARIO_TYPE.fields[i].key, name) == 0)
            return true;
    return false;
}

static void check_parameters(struct putter *putter) {
    struct field_reader reader = {&putter->scenario->pool, putter->errors};
    struct doc_value *parameters = doc_member(putter->scenario->doc, "parameters");
    if (parameters == NULL)
        return;
    if (parameters->kind != DOC_OBJECT) {
        wrong_type(&reader, parameters, "parameters", "an object of {\"value\", \"about\"}");
        return;
    }
    putter->parameters = parameters;
    putter->used = pool_alloc(&putter->scenario->pool, parameters->count + 1);
    for (struct doc_value *item = parameters->first; item != NULL; item = item->next) {
        struct parameter_spec spec;
        record_read(&reader, &PARAMETER_TYPE, item, &spec);
        if (!parameter_name_is_valid(item->key) || is_top_level(item->key))
            doc_key_error(putter->errors, item,
                          "\"%.60s\" cannot be a parameter's name; expected letters, digits, '_' "
                          "and '-', and no member of a scenario",
                          item->key);
        if (spec.value != NULL && spec.value->kind == DOC_STRING && spec.value->text[0] == '$')
            doc_error(putter->errors, spec.value,
                      "the parameter \"%s\" refers to a parameter; expected a value", item->key);
    }
}

static struct doc_value *parameter_value(const struct putter *putter, const char *name) {
    struct doc_value *parameter =
        putter->parameters == NULL ? NULL : doc_member(putter->parameters, name);
    return parameter == NULL || parameter->kind != DOC_OBJECT ? NULL
                                                              : doc_member(parameter, "value");
}

/* ---- --set ----------------------------------------------------------------------------------- */

/* The value of "name=value": JSON when it is that, else a text. */
static struct doc_value *set_value(struct putter *putter, const struct doc_source *source) {
    struct pool *pool = &putter->scenario->pool;
    const char *text = source->text + source->start;
    bool must_be_json = *text == '{' || *text == '[' || *text == '"';
    struct scenario_errors *scratch = pool_alloc(pool, sizeof *scratch);
    struct doc_value *value = doc_parse(pool, source, must_be_json ? putter->errors : scratch);
    if (must_be_json || (value != NULL && scratch->count == 0))
        return value;
    value = pool_alloc(pool, sizeof *value);
    *value = (struct doc_value){
        .kind = DOC_STRING, .text = text, .source = source, .offset = source->start};
    return value;
}

static void unknown_set(struct putter *putter, const struct doc_source *source, const char *name) {
    struct nearest nearest;
    nearest_begin(&nearest, name);
    for (size_t i = 0; i < SCENARIO_TYPE.field_count; i++)
        nearest_offer(&nearest, SCENARIO_TYPE.fields[i].key);
    if (putter->parameters != NULL)
        for (struct doc_value *item = putter->parameters->first; item != NULL; item = item->next)
            nearest_offer(&nearest, item->key);
    scenario_error(putter->errors, source, 0,
                   "unknown parameter \"%.60s\"; expected a parameter of this scenario or a member "
                   "such as timeline.0.at%s",
                   name, nearest_hint(&nearest));
}

/* The item that a path's segment names; created in an object when it is missing. */
static struct doc_value *step(struct putter *putter, struct doc_value *value, const char *segment,
                              const struct doc_source *source, size_t offset) {
    if (value->kind == DOC_OBJECT) {
        struct doc_value *member = doc_member(value, segment);
        return member != NULL
                   ? member
                   : doc_add_member(&putter->scenario->pool, value, segment, source, offset);
    }
    if (value->kind == DOC_ARRAY) {
        char *end;
        unsigned long index = strtoul(segment, &end, 10);
        if (segment[0] >= '0' && segment[0] <= '9' && *end == 0 && index < value->count)
            return doc_item(value, index);
        scenario_error(putter->errors, source, offset,
                       "\"%.60s\" is no index of this array; expected a number below %zu", segment,
                       value->count);
        return NULL;
    }
    scenario_error(putter->errors, source, offset,
                   "\"%.60s\" is a member of something that has none; expected a path to a member",
                   segment);
    return NULL;
}

static struct doc_value *walk(struct putter *putter, char *path, const struct doc_source *source) {
    struct doc_value *value = putter->scenario->doc;
    for (char *segment = path; segment != NULL && value != NULL;) {
        char *dot = strchr(segment, '.');
        if (dot != NULL)
            *dot = 0;
        size_t offset = (size_t)(segment - path);
        value = step(putter, value, pool_text(&putter->scenario->pool, segment, strlen(segment)),
                     source, offset);
        segment = dot == NULL ? NULL : dot + 1;
        if (value != NULL && value->kind == DOC_NULL && segment != NULL)
            value->kind = DOC_OBJECT; /* created on the way */
    }
    return value;
}

static void apply_set(struct putter *putter, const char *argument, size_t ordinal) {
    struct pool *pool = &putter->scenario->pool;
    struct doc_source *source = pool_alloc(pool, sizeof *source);
    *source = (struct doc_source){.name = "--set",
                                  .text = pool_text(pool, argument, strlen(argument)),
                                  .len = strlen(argument),
                                  .first_line = ordinal};
    const char *equals = strchr(source->text, '=');
    if (equals == NULL || equals == source->text) {
        scenario_error(putter->errors, source, 0, "\"%.60s\" sets nothing; expected name=value",
                       argument);
        return;
    }
    source->start = (size_t)(equals - source->text) + 1;
    char *name = pool_text(pool, source->text, source->start - 1);
    struct doc_value *target = parameter_value(putter, name);
    if (target != NULL) {
        struct doc_value *vary = doc_member(putter->scenario->doc, "vary");
        if (vary != NULL && vary->kind == DOC_OBJECT)
            doc_remove_member(vary, name);
    } else if (strchr(name, '.') == NULL && !is_top_level(name)) {
        unknown_set(putter, source, name);
        return;
    } else {
        target = walk(putter, name, source);
    }
    struct doc_value *value = target == NULL ? NULL : set_value(putter, source);
    if (value != NULL)
        doc_substitute(pool, target, value);
}

/* ---- vary ------------------------------------------------------------------------------------ */

#define COMBINATIONS_MAX 10000

static bool check_vary(struct putter *putter, const struct doc_value *item) {
    struct field_reader reader = {&putter->scenario->pool, putter->errors};
    if (item->kind != DOC_ARRAY || item->count == 0)
        return wrong_type(&reader, item, item->key, "an array of values for the parameter");
    if (parameter_value(putter, item->key) != NULL)
        return true;
    struct nearest nearest;
    nearest_begin(&nearest, item->key);
    if (putter->parameters != NULL)
        for (struct doc_value *other = putter->parameters->first; other != NULL;
             other = other->next)
            nearest_offer(&nearest, other->key);
    doc_key_error(putter->errors, item,
                  "unknown parameter \"%.60s\" in \"vary\"; expected one of \"parameters\"%s",
                  item->key, nearest_hint(&nearest));
    return false;
}

static const char *short_text(struct pool *pool, const struct doc_value *value) {
    return value->kind == DOC_STRING ? value->text : doc_flat(pool, value);
}

/* "name=value" that --set reads back as `value`: a text that looks like JSON needs its quotes. */
static const char *set_argument(struct pool *pool, const char *name,
                                const struct doc_value *value) {
    struct doc_source source = {.name = "", .text = value->text, .len = strlen(value->text)};
    struct scenario_errors *scratch = pool_alloc(pool, sizeof *scratch);
    bool bare = value->kind == DOC_STRING &&
                (doc_parse(pool, &source, scratch) == NULL || scratch->count > 0);
    return pool_format(pool, "%s=%s", name, bare ? value->text : doc_flat(pool, value));
}

static void apply_vary(struct putter *putter) {
    struct scenario *scenario = putter->scenario;
    struct doc_value *vary = doc_member(scenario->doc, "vary");
    scenario->combination_count = 1;
    if (vary == NULL)
        return;
    if (vary->kind != DOC_OBJECT) {
        struct field_reader reader = {&scenario->pool, putter->errors};
        wrong_type(&reader, vary, "vary", "an object of arrays");
        return;
    }
    size_t count = vary->count, stride = 1;
    scenario->vary_names = pool_alloc(&scenario->pool, (count + 1) * sizeof(char *));
    scenario->vary_values = pool_alloc(&scenario->pool, (count + 1) * sizeof(char *));
    scenario->vary_sets = pool_alloc(&scenario->pool, (count + 1) * sizeof(char *));
    for (const struct doc_value *item = vary->first; item != NULL; item = item->next) {
        if (!check_vary(putter, item))
            return;
        if (item->count > COMBINATIONS_MAX / scenario->combination_count) {
            doc_error(putter->errors, item, "too many combinations; expected at most %d",
                      COMBINATIONS_MAX);
            return;
        }
        scenario->combination_count *= item->count;
    }
    stride = scenario->combination_count;
    for (const struct doc_value *item = vary->first; item != NULL; item = item->next) {
        RMQ_ASSERT(item->count > 0);
        stride /= item->count;
        RMQ_ASSERT(stride > 0);
        const struct doc_value *chosen =
            doc_item(item, scenario->combination / stride % item->count);
        scenario->vary_names[scenario->vary_count] = item->key;
        scenario->vary_sets[scenario->vary_count] =
            set_argument(&scenario->pool, item->key, chosen);
        scenario->vary_values[scenario->vary_count++] = short_text(&scenario->pool, chosen);
        doc_substitute(&scenario->pool, parameter_value(putter, item->key), chosen);
    }
}

/* ---- references ------------------------------------------------------------------------------ */

static void unknown_reference(struct putter *putter, const struct doc_value *value) {
    struct nearest nearest;
    nearest_begin(&nearest, value->text + 1);
    if (putter->parameters != NULL)
        for (struct doc_value *item = putter->parameters->first; item != NULL; item = item->next)
            nearest_offer(&nearest, item->key);
    doc_error(putter->errors, value,
              "unknown parameter \"%.60s\"; expected one of \"parameters\", or \"$$\" for a text "
              "that begins with \"$\"%s",
              value->text, nearest_hint(&nearest));
}

static void resolve(struct putter *putter, struct doc_value *value) {
    for (struct doc_value *child = value->first; child != NULL; child = child->next)
        resolve(putter, child);
    if (value->kind != DOC_STRING || value->text[0] != '$')
        return;
    if (value->text[1] == '$') {
        value->text++;
        return;
    }
    const struct doc_value *parameter = parameter_value(putter, value->text + 1);
    if (parameter == NULL) {
        unknown_reference(putter, value);
        return;
    }
    size_t index = 0;
    for (const struct doc_value *item = putter->parameters->first;
         strcmp(item->key, value->text + 1) != 0; item = item->next)
        index++;
    putter->used[index] = true;
    doc_substitute(&putter->scenario->pool, value, parameter);
}

static void resolve_all(struct putter *putter) {
    for (struct doc_value *item = putter->scenario->doc->first; item != NULL; item = item->next)
        if (strcmp(item->key, "parameters") != 0 && strcmp(item->key, "vary") != 0)
            resolve(putter, item);
    if (putter->parameters == NULL || putter->errors->count > 0)
        return;
    size_t index = 0;
    for (const struct doc_value *item = putter->parameters->first; item != NULL;
         item = item->next, index++)
        if (!putter->used[index])
            doc_key_error(putter->errors, item,
                          "the parameter \"%.60s\" is never used; expected \"$%.60s\" somewhere",
                          item->key, item->key);
}

void scenario_put_in(struct scenario *scenario, const char *const *sets, size_t set_count,
                     struct scenario_errors *errors) {
    struct putter putter = {.scenario = scenario, .errors = errors};
    check_parameters(&putter);
    if (errors->count > 0)
        return;
    for (size_t i = 0; i < set_count; i++)
        apply_set(&putter, sets[i], i + 1);
    apply_vary(&putter);
    if (errors->count > 0)
        return;
    resolve_all(&putter);
    doc_remove_member(scenario->doc, "parameters");
    doc_remove_member(scenario->doc, "vary");
}
