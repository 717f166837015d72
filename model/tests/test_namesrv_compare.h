/* tests/test_namesrv_compare.h - JSON bodies as canonical text, for comparing answers whose order
 * is not specified. Members are sorted by key; arrays too where asked. Whether a key is quoted
 * stays visible: the two forms of a route differ in it. */
#ifndef MODEL_TESTS_TEST_NAMESRV_COMPARE_H
#define MODEL_TESTS_TEST_NAMESRV_COMPARE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/base/json.h"

struct texts {
    char **items;
    size_t count;
};

static inline void texts_add(struct texts *texts, char *text) {
    texts->items = realloc(texts->items, (texts->count + 1) * sizeof *texts->items);
    texts->items[texts->count++] = text;
}

static inline int texts_compare(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* open + items joined by ',' + close; frees the items. */
static inline char *texts_join(struct texts *texts, bool sorted, const char *open,
                               const char *close) {
    size_t len = 3;
    for (size_t i = 0; i < texts->count; i++)
        len += strlen(texts->items[i]) + 1;
    if (sorted && texts->count > 1)
        qsort(texts->items, texts->count, sizeof *texts->items, texts_compare);
    char *out = malloc(len);
    strcpy(out, open);
    for (size_t i = 0; i < texts->count; i++) {
        if (i > 0)
            strcat(out, ",");
        strcat(out, texts->items[i]);
        free(texts->items[i]);
    }
    free(texts->items);
    return strcat(out, close);
}

static inline char *canonical_value(struct json_reader *json, bool sets);

static inline char *canonical_object(struct json_reader *json, bool sets) {
    struct texts members = {NULL, 0};
    for (enum json_token token = json_next(json); token != JSON_OBJECT_END;
         token = json_next(json)) {
        ck_assert_int_eq(token, JSON_KEY);
        struct span key = json->raw;
        bool quoted = json->text.data[json->token_offset] == '"';
        json_next(json);
        char *value = canonical_value(json, sets);
        size_t len = key.len + strlen(value) + 4;
        char *member = malloc(len);
        snprintf(member, len, quoted ? "\"%.*s\":%s" : "%.*s:%s", (int)key.len,
                 (const char *)key.data, value);
        free(value);
        texts_add(&members, member);
    }
    return texts_join(&members, true, "{", "}");
}

static inline char *canonical_array(struct json_reader *json, bool sets) {
    struct texts items = {NULL, 0};
    while (json_next(json) != JSON_ARRAY_END)
        texts_add(&items, canonical_value(json, sets));
    return texts_join(&items, sets, "[", "]");
}

/* Of the value whose first token was just read. */
static inline char *canonical_value(struct json_reader *json, bool sets) {
    if (json->token == JSON_OBJECT_BEGIN)
        return canonical_object(json, sets);
    if (json->token == JSON_ARRAY_BEGIN)
        return canonical_array(json, sets);
    ck_assert_int_ne(json->token, JSON_ERROR);
    static const char *const words[] = {
        [JSON_TRUE] = "true", [JSON_FALSE] = "false", [JSON_NULL] = "null"};
    size_t len = json->raw.len + 8;
    char *out = malloc(len);
    if (json->token == JSON_STRING)
        snprintf(out, len, "\"%.*s\"", (int)json->raw.len, (const char *)json->raw.data);
    else if (json->token == JSON_NUMBER)
        snprintf(out, len, "%.*s", (int)json->raw.len, (const char *)json->raw.data);
    else
        snprintf(out, len, "%s", words[json->token]);
    return out;
}

/* Malloc'd canonical text of a whole document. `sets`: arrays are sorted. */
static inline char *canonical_json(struct span body, bool sets) {
    struct json_reader json;
    json_reader_init(&json, body);
    json_next(&json);
    char *out = canonical_value(&json, sets);
    ck_assert_int_eq(json_next(&json), JSON_END);
    return out;
}

#endif
