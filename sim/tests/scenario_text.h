/* sim/tests/scenario_text.h - reading and editing scenario texts in tests. */
#ifndef SIM_TESTS_SCENARIO_TEXT_H
#define SIM_TESTS_SCENARIO_TEXT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/scenario/scenario.h"

/* Content of a file of the source tree, for free(). */
static inline char *read_source_file(const char *path) {
    char full[4096];
    snprintf(full, sizeof full, "%s/%s", RMQ_SOURCE_DIR, path);
    FILE *file = fopen(full, "rb");
    ck_assert_msg(file != NULL, "%s", full);
    char *text = calloc(1, 1 << 20);
    size_t len = fread(text, 1, (1 << 20) - 1, file);
    ck_assert_msg(len > 0, "%s", full);
    fclose(file);
    return text;
}

/* `text` with its one occurrence of `old` replaced; for free(). */
static inline char *replace_text(const char *text, const char *old, const char *new_) {
    const char *at = strstr(text, old);
    ck_assert_msg(at != NULL, "the text has no %s", old);
    ck_assert_msg(strstr(at + 1, old) == NULL, "the text has %s twice", old);
    char *out = malloc(strlen(text) + strlen(new_) + 1);
    size_t before = (size_t)(at - text);
    memcpy(out, text, before);
    strcpy(out + before, new_);
    strcat(out, at + strlen(old));
    return out;
}

/* A scenario that must load. */
static inline struct scenario *load_text(const char *text, const char *const *sets, size_t count) {
    static struct scenario_errors errors;
    errors.count = 0;
    struct scenario *scenario =
        scenario_load("test.json", text, strlen(text), sets, count, 0, &errors);
    ck_assert_msg(scenario != NULL, "%s", errors.text[0]);
    return scenario;
}

#endif
