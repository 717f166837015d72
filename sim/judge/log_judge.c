/* sim/judge/log_judge.c - expectations from text, a judge over a log. */
#include "sim/judge/log_judge.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/scenario/scenario_error.h"

#define ERROR_BYTES 256

/* ---- expectations ---- */

/* The list's props are built here, not by props_set: there is no env outside a world. */
static bool add_parameter(struct expectation_list *list, const char *key, size_t key_len,
                          const char *value, size_t value_len) {
    struct props *props = &list->props[list->count];
    char *copy = malloc(key_len + value_len + 1);
    struct props_entry *entries =
        realloc(props->entries, (props->count + 1) * sizeof *props->entries);
    if (entries != NULL)
        props->entries = entries;
    if (copy == NULL || entries == NULL) {
        free(copy);
        return false;
    }
    memcpy(copy, key, key_len);
    memcpy(copy + key_len, value, value_len);
    entries[props->count++] =
        (struct props_entry){span_of(copy, key_len), span_of(copy + key_len, value_len), 0};
    return true;
}

static bool begin(struct expectation_list *list, struct span name, char error[ERROR_BYTES]) {
    const struct oracle_type *type = oracle_find(name);
    if (type == NULL) {
        char word[61];
        struct nearest nearest;
        snprintf(word, sizeof word, "%.*s", (int)(name.len > 60 ? 60 : name.len),
                 (const char *)name.data);
        nearest_begin(&nearest, word);
        for (size_t i = 0; i < ORACLE_COUNT; i++)
            nearest_offer(&nearest, ORACLES[i]->name);
        snprintf(error, ERROR_BYTES, "no oracle is called \"%s\"; see mqsim list oracles%s", word,
                 nearest_hint(&nearest));
        return false;
    }
    if (list->count == RUN_ORACLES_MAX) {
        snprintf(error, ERROR_BYTES, "more than %d oracles", RUN_ORACLES_MAX);
        return false;
    }
    list->items[list->count] = (struct judge_expectation){type, &list->props[list->count]};
    return true;
}

/* Does ",key=" begin at `at`? A value may hold commas itself. */
static bool parameter_begins(const char *at) {
    size_t word = 1 + strspn(at + 1, "abcdefghijklmnopqrstuvwxyz_");
    return *at == ',' && word > 1 && at[word] == '=';
}

bool expectation_add_text(struct expectation_list *list, const char *text,
                          char error[ERROR_BYTES]) {
    size_t name = strcspn(text, ",");
    if (!begin(list, span_of(text, name), error))
        return false;
    const char *at = text + name;
    while (parameter_begins(at)) {
        const char *key = at + 1, *value = strchr(key, '=') + 1;
        at = value;
        while (*at != '\0' && !parameter_begins(at))
            at++;
        if (!add_parameter(list, key, (size_t)(value - 1 - key), value, (size_t)(at - value))) {
            snprintf(error, ERROR_BYTES, "out of memory");
            return false;
        }
    }
    list->count++;
    if (*at == '\0')
        return true;
    snprintf(error, ERROR_BYTES, "\"%s\": expected NAME,key=value,key=value", text);
    return false;
}

/* Texts, numbers and truth values as text; a list as its members with commas. */
static bool add_json_parameter(struct expectation_list *list, const cJSON *value) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return false;
    const cJSON *first = cJSON_IsArray(value) ? value->child : value;
    for (const cJSON *item = first; item != NULL; item = cJSON_IsArray(value) ? item->next : NULL) {
        if (item != first)
            putc(',', out);
        if (cJSON_IsString(item))
            fputs(item->valuestring, out);
        else if (cJSON_IsNumber(item))
            fprintf(out, "%.0f", item->valuedouble);
        else
            fputs(cJSON_IsTrue(item) ? "true" : "false", out);
    }
    bool added =
        fclose(out) == 0 && add_parameter(list, value->string, strlen(value->string), text, size);
    free(text);
    return added;
}

bool expectation_add_scenario(struct expectation_list *list, const char *scenario_json,
                              char error[ERROR_BYTES]) {
    cJSON *scenario = cJSON_Parse(scenario_json);
    const cJSON *expect = cJSON_GetObjectItemCaseSensitive(scenario, "expect");
    bool added = cJSON_IsArray(expect);
    snprintf(error, ERROR_BYTES, "the scenario has no list \"expect\"");
    for (const cJSON *item = added ? expect->child : NULL; item != NULL; item = item->next) {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "oracle"));
        added = added && begin(list, span_of_text(name == NULL ? "" : name), error);
        for (const cJSON *value = item->child; added && value != NULL; value = value->next)
            if (strcmp(value->string, "oracle") != 0 && !add_json_parameter(list, value)) {
                snprintf(error, ERROR_BYTES, "out of memory");
                added = false;
            }
        list->count += added;
    }
    cJSON_Delete(scenario);
    return added;
}

void expectation_free(struct expectation_list *list) {
    for (size_t i = 0; i < RUN_ORACLES_MAX; i++) {
        for (size_t p = 0; p < list->props[i].count; p++)
            free((void *)(uintptr_t)list->props[i].entries[p].key.data);
        free(list->props[i].entries);
    }
}

/* ---- judging ---- */

static bool judge_records(struct record_log *log, struct log_verdict *out, uint64_t *end_ns,
                          char error[ERROR_BYTES]) {
    struct record record;
    uint64_t offset;
    int got;
    while ((got = record_log_next(log, &record, &offset)) == 1) {
        judge_on_record(out->judge, &record);
        out->records++;
        *end_ns = record.world_ns > *end_ns ? record.world_ns : *end_ns;
    }
    if (got < 0)
        snprintf(error, ERROR_BYTES, "damaged at byte %" PRIu64 ": %s", offset,
                 record_log_damage(log));
    return got == 0;
}

bool log_judge(const char *path, const struct expectation_list *list, uint64_t end_ns,
               struct log_verdict *out, char error[ERROR_BYTES]) {
    const char *why = NULL;
    memset(out, 0, sizeof *out);
    struct record_log *log = record_log_open(path, &why);
    if (log == NULL) {
        snprintf(error, ERROR_BYTES, "%s", why);
        return false;
    }
    heap_host_init(&out->heap, heap_host_log_name, log);
    struct oracle_host host = heap_host_of(&out->heap);
    out->judge = judge_create_on(&host, list->items, list->count, &why);
    bool judged = out->judge != NULL;
    if (judged)
        judged = judge_records(log, out, &end_ns, error);
    else
        snprintf(error, ERROR_BYTES, "%s", why);
    if (judged)
        judge_finish_at(out->judge, end_ns, &out->result);
    out->log = log;
    return judged;
}

void log_verdict_free(struct log_verdict *verdict) {
    if (verdict->log == NULL)
        return;
    heap_host_free(&verdict->heap);
    record_log_close(verdict->log);
}
