/* sim/scenario/scenario_schema.c - the JSON schema (draft-07) of scenario files, printed from the
 * same tables that check them. Any value may also be a "$name" reference to a parameter. */
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "sim/report/report.h"
#include "sim/run/faults.h"
#include "sim/scenario/scenario_internal.h"

/* A document that cannot be built for want of memory comes out as NULL at the end. */
static cJSON *object_add(cJSON *object, const char *key, cJSON *value) {
    cJSON_AddItemToObject(object, key, value);
    return value;
}
static cJSON *text_add(cJSON *object, const char *key, const char *text) {
    return object_add(object, key, cJSON_CreateString(text));
}
static cJSON *ref(const char *name) {
    char text[64];
    (void)snprintf(text, sizeof text, "#/definitions/%s", name);
    cJSON *object = cJSON_CreateObject();
    text_add(object, "$ref", text);
    return object;
}
static cJSON *typed(const char *type) {
    cJSON *object = cJSON_CreateObject();
    text_add(object, "type", type);
    return object;
}
static cJSON *pattern(const char *text) {
    cJSON *object = typed("string");
    text_add(object, "pattern", text);
    return object;
}
/* `value`, or a reference to a parameter. */
static cJSON *or_reference(cJSON *value) {
    cJSON *object = cJSON_CreateObject();
    cJSON *any = object_add(object, "anyOf", cJSON_CreateArray());
    cJSON_AddItemToArray(any, value);
    cJSON_AddItemToArray(any, ref("reference"));
    return object;
}
static cJSON *array_of(cJSON *items, int least, int most) {
    cJSON *object = typed("array");
    object_add(object, "items", items);
    if (least > 0)
        object_add(object, "minItems", cJSON_CreateNumber(least));
    if (most > 0)
        object_add(object, "maxItems", cJSON_CreateNumber(most));
    return object;
}
/* An object of exactly one member. */
static cJSON *form(const char *key, cJSON *value) {
    cJSON *object = typed("object");
    cJSON *properties = object_add(object, "properties", cJSON_CreateObject());
    object_add(properties, key, value);
    cJSON_AddItemToArray(object_add(object, "required", cJSON_CreateArray()),
                         cJSON_CreateString(key));
    object_add(object, "additionalProperties", cJSON_CreateFalse());
    return object;
}
static cJSON *any_of(cJSON *const *items, size_t count) {
    cJSON *object = cJSON_CreateObject();
    cJSON *any = object_add(object, "anyOf", cJSON_CreateArray());
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(any, items[i]);
    return object;
}

/* ---- fields ---------------------------------------------------------------------------------- */

static cJSON *record_schema(const struct record_type *type, const struct record_type *variant,
                            const char *variant_word);

static cJSON *words_schema(const char *const *words) {
    cJSON *object = typed("string");
    cJSON *list = object_add(object, "enum", cJSON_CreateArray());
    for (; *words != NULL; words++)
        cJSON_AddItemToArray(list, cJSON_CreateString(*words));
    return or_reference(object);
}

static cJSON *count_schema(const struct field *field) {
    cJSON *object = typed("integer");
    object_add(object, "minimum", cJSON_CreateNumber((double)field->min));
    if (field->max > 0)
        object_add(object, "maximum", cJSON_CreateNumber((double)field->max));
    return or_reference(object);
}

static cJSON *list_schema(const struct record_type *type);

static cJSON *type_schema(const struct field *field) {
    switch (field->type) {
    case FIELD_TEXT:
        return typed("string");
    case FIELD_NAME:
        return ref("name");
    case FIELD_WORD:
        return words_schema(field->words);
    case FIELD_BOOL:
        return or_reference(typed("boolean"));
    case FIELD_COUNT:
        return count_schema(field);
    case FIELD_SEED:
        return ref("seed");
    case FIELD_DURATION:
        return ref("duration");
    case FIELD_TIMING:
        return ref("drawn_duration");
    case FIELD_TIMINGS: {
        cJSON *forms[] = {ref("drawn_duration"), array_of(ref("drawn_duration"), 1, 0)};
        return any_of(forms, 2);
    }
    case FIELD_SHIFT:
        return ref("shift");
    case FIELD_DRIFT:
        return ref("drift");
    case FIELD_RATIO:
        return ref("ratio");
    case FIELD_SIZE:
        return ref("size");
    case FIELD_RATE:
        return ref("rate");
    case FIELD_FREQUENCY:
        return ref("frequency");
    case FIELD_DATE:
        return or_reference(typed("string"));
    case FIELD_DIST:
        return ref("distribution");
    case FIELD_PROPERTIES:
        return ref("properties");
    case FIELD_TARGETS:
        return ref("nodes");
    case FIELD_SETS:
        return or_reference(array_of(ref("nodes"), 2, 0));
    case FIELD_NAMES:
        return or_reference(array_of(typed("string"), 0, 0));
    case FIELD_RECORD:
        return field->record == &TRIGGER_TYPE
                   ? ref("when") /* in each kind of timeline entry */
                   : or_reference(record_schema(field->record, NULL, NULL));
    case FIELD_LIST:
        return or_reference(list_schema(field->record));
    case FIELD_ANY:
        return cJSON_CreateObject();
    case FIELD_RESERVED:
        return cJSON_CreateFalse();
    }
    return NULL;
}

static void add_fields(cJSON *properties, cJSON *required, const struct record_type *type) {
    for (size_t i = 0; type != NULL && i < type->field_count; i++) {
        const struct field *field = &type->fields[i];
        cJSON *schema = type_schema(field);
        if (cJSON_IsObject(schema) && cJSON_GetObjectItem(schema, "$ref") != NULL) {
            /* draft-07 ignores what stands beside a $ref */
            cJSON *all = cJSON_CreateObject();
            cJSON_AddItemToArray(object_add(all, "allOf", cJSON_CreateArray()), schema);
            schema = all;
        }
        if (cJSON_IsObject(schema) && field->about != NULL)
            text_add(schema, "description", field->about);
        if (cJSON_IsObject(schema) && field->fallback != NULL)
            object_add(schema, "default", cJSON_Parse(field->fallback));
        object_add(properties, field->key, schema);
        if (field->required)
            cJSON_AddItemToArray(required, cJSON_CreateString(field->key));
    }
}

/* With a variant: the member that chooses it has just that word. */
static cJSON *record_schema(const struct record_type *type, const struct record_type *variant,
                            const char *variant_word) {
    cJSON *object = typed("object");
    const char *about = type->about;
    if (variant != NULL && variant->about != NULL)
        about = variant->about;
    if (about != NULL)
        text_add(object, "description", about);
    cJSON *properties = object_add(object, "properties", cJSON_CreateObject());
    cJSON *required = cJSON_CreateArray();
    add_fields(properties, required, type);
    add_fields(properties, required, variant);
    if (variant_word != NULL) {
        cJSON *word = cJSON_CreateObject();
        text_add(word, "const", variant_word);
        cJSON_ReplaceItemInObject(properties, type->variant_key, word);
    }
    object_add(object, "required", required);
    object_add(object, "additionalProperties", cJSON_CreateFalse());
    return object;
}

/* The word may come from a parameter; then the other members are checked when it is known. */
static cJSON *unknown_variant(const char *key) {
    cJSON *object = form(key, ref("reference"));
    cJSON_DeleteItemFromObject(object, "additionalProperties");
    return object;
}

static cJSON *timeline_schema(void) {
    cJSON *object = cJSON_CreateObject();
    cJSON *any = object_add(object, "anyOf", cJSON_CreateArray());
    for (size_t i = 0; i < FAULT_KIND_COUNT; i++) {
        struct record_type variant = *FAULT_KINDS[i].fields;
        variant.about = FAULT_KINDS[i].about;
        cJSON_AddItemToArray(any, record_schema(&TIMELINE_TYPE, &variant, FAULT_KINDS[i].name));
    }
    cJSON_AddItemToArray(any, unknown_variant("do"));
    return object;
}

static cJSON *expectation_schema(void) {
    struct pool pool;
    pool_init(&pool);
    cJSON *object = cJSON_CreateObject();
    cJSON *any = object_add(object, "anyOf", cJSON_CreateArray());
    for (size_t i = 0; i < ORACLE_COUNT; i++)
        cJSON_AddItemToArray(any, record_schema(&EXPECTATION_TYPE,
                                                expectation_variant(&pool, ORACLES[i]),
                                                ORACLES[i]->name));
    cJSON_AddItemToArray(any, unknown_variant("oracle"));
    pool_deinit(&pool);
    return object;
}

static cJSON *load_schema(void) {
    cJSON *object = cJSON_CreateObject();
    cJSON *any = object_add(object, "anyOf", cJSON_CreateArray());
    for (size_t i = 0; LOAD_WORDS[i] != NULL; i++)
        cJSON_AddItemToArray(any, record_schema(&LOAD_TYPE, LOAD_VARIANTS[i], LOAD_WORDS[i]));
    cJSON_AddItemToArray(any, unknown_variant("do"));
    return object;
}

static cJSON *list_schema(const struct record_type *type) {
    if (type == &TIMELINE_TYPE)
        return array_of(ref("timeline_entry"), 0, 0);
    if (type == &EXPECTATION_TYPE)
        return array_of(ref("expectation"), 0, 0);
    if (type == &LOAD_TYPE)
        return array_of(ref("load"), 0, 0);
    return array_of(record_schema(type, NULL, NULL), 0, 0);
}

/* ---- definitions ----------------------------------------------------------------------------- */

static cJSON *quantity(const struct unit_system *system) {
    cJSON *object = pattern(system->pattern);
    text_add(object, "description", system->expected);
    return or_reference(object);
}

/* The forms of a distribution; `inner` names the definition of the durations in it. */
static cJSON *distribution(const char *inner) {
    cJSON *point = array_of(cJSON_CreateObject(), 2, 2);
    cJSON *items = cJSON_CreateArray();
    cJSON_AddItemToArray(items, ref("duration"));
    cJSON_AddItemToArray(items, ref("ratio"));
    cJSON_ReplaceItemInObject(point, "items", items);
    cJSON *forms[] = {ref("duration"),
                      form("constant", ref(inner)),
                      form("uniform", array_of(ref(inner), 2, 2)),
                      form("exponential", record_schema(&DIST_EXPONENTIAL_TYPE, NULL, NULL)),
                      form("pareto", record_schema(&DIST_PARETO_TYPE, NULL, NULL)),
                      form("table", array_of(point, 2, DIST_TABLE_MAX))};
    return any_of(forms, sizeof forms / sizeof forms[0]);
}

static cJSON *nodes(void) {
    cJSON *forms[] = {typed("string"), array_of(typed("string"), 1, 0),
                      record_schema(&TARGETS_RANDOM_TYPE, NULL, NULL)};
    return any_of(forms, 3);
}

static cJSON *seed(void) {
    cJSON *forms[] = {typed("integer"), pattern("^([0-9]+|\\$.*)$")};
    return any_of(forms, 2);
}

static cJSON *properties(void) {
    cJSON *object = typed("object");
    cJSON *value = cJSON_CreateObject();
    cJSON *types = object_add(value, "type", cJSON_CreateArray());
    static const char *const TYPES[] = {"string", "integer", "boolean"};
    for (size_t i = 0; i < 3; i++)
        cJSON_AddItemToArray(types, cJSON_CreateString(TYPES[i]));
    object_add(object, "additionalProperties", value);
    return or_reference(object);
}

static void add_definitions(cJSON *schema) {
    cJSON *all = object_add(schema, "definitions", cJSON_CreateObject());
    object_add(all, "reference", pattern("^\\$"));
    object_add(all, "name", pattern("^([A-Za-z0-9_.-]{1,60}|\\$.*)$"));
    object_add(all, "seed", seed());
    object_add(all, "duration", quantity(&UNITS_DURATION));
    object_add(all, "shift", quantity(&UNITS_SHIFT));
    object_add(all, "size", quantity(&UNITS_SIZE));
    object_add(all, "rate", quantity(&UNITS_RATE));
    object_add(all, "frequency", quantity(&UNITS_FREQUENCY));
    object_add(all, "ratio", quantity(&UNITS_RATIO));
    object_add(all, "drift", quantity(&UNITS_DRIFT));
    object_add(all, "drawn_duration", distribution("duration"));
    object_add(all, "distribution", distribution("drawn_duration"));
    object_add(all, "properties", properties());
    object_add(all, "nodes", nodes());
    object_add(all, "when", or_reference(record_schema(&TRIGGER_TYPE, NULL, NULL)));
    object_add(all, "timeline_entry", timeline_schema());
    object_add(all, "expectation", expectation_schema());
    object_add(all, "load", load_schema());
}

/* The tables give "plots" and "plant" as texts; which ones is known too. */
static void add_plot_names(cJSON *schema) {
    cJSON *properties_of = cJSON_GetObjectItem(schema, "properties");
    cJSON *items = typed("string");
    cJSON *list = object_add(items, "enum", cJSON_CreateArray());
    for (size_t i = 0; i < REPORT_PLOT_COUNT; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(REPORT_PLOT_LIST[i].name));
    cJSON_ReplaceItemInObject(properties_of, "plots", or_reference(array_of(items, 0, 0)));
}

char *scenario_schema(void) {
    cJSON *schema = cJSON_CreateObject();
    text_add(schema, "$schema", "http://json-schema.org/draft-07/schema#");
    text_add(schema, "title", "windtunnel scenario");
    cJSON *record = record_schema(&SCENARIO_TYPE, NULL, NULL);
    for (cJSON *item = record == NULL ? NULL : record->child; item != NULL;) {
        cJSON *next = item->next;
        cJSON_AddItemToObject(schema, item->string, cJSON_DetachItemViaPointer(record, item));
        item = next;
    }
    cJSON_Delete(record);
    add_plot_names(schema);
    add_definitions(schema);
    char *printed = cJSON_Print(schema);
    cJSON_Delete(schema);
    if (printed == NULL)
        return NULL;
    size_t room = strlen(printed) + 2;
    char *text = malloc(room);
    if (text != NULL)
        (void)snprintf(text, room, "%s\n", printed);
    cJSON_free(printed);
    return text;
}
