/* fuzz_scenario.c - any bytes as a scenario, and as a --set argument behind a NUL: they are refused
 * with an error that has a place, or they load, can be settled, and their effective scenario loads
 * again and is a fixed point. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/base/check.h"
#include "sim/scenario/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct scenario *load(const char *text, size_t len, const char *const *sets, size_t count) {
    struct scenario_errors *errors = calloc(1, sizeof *errors);
    RMQ_ASSERT(errors != NULL);
    struct scenario *scenario = scenario_load("fuzz.json", text, len, sets, count, 0, errors);
    RMQ_ASSERT((scenario == NULL) == (errors->count > 0));
    for (size_t i = 0; i < errors->count; i++)
        RMQ_ASSERT(strncmp(errors->text[i], "fuzz.json:", 10) == 0 ||
                   strncmp(errors->text[i], "--set:", 6) == 0);
    free(errors);
    return scenario;
}

static void check_effective(struct scenario *scenario, uint64_t seed) {
    scenario_settle(scenario, seed);
    char *effective = scenario_effective(scenario);
    RMQ_ASSERT(effective != NULL);
    struct scenario *again = load(effective, strlen(effective), NULL, 0);
    RMQ_ASSERT(again != NULL);
    RMQ_ASSERT(again->spec.seed == seed);
    char *fixed_point = scenario_effective(again);
    RMQ_ASSERT(fixed_point != NULL && strcmp(effective, fixed_point) == 0);
    free(fixed_point);
    free(effective);
    scenario_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *end = size == 0 ? NULL : memchr(data, 0, size);
    size_t len = end == NULL ? size : (size_t)(end - data);
    char *set = NULL;
    if (end != NULL) {
        size_t rest = size - len - 1;
        set = calloc(1, rest + 1);
        RMQ_ASSERT(set != NULL);
        memcpy(set, end + 1, rest);
    }
    const char *sets[] = {set};
    struct scenario *scenario = load((const char *)data, len, sets, set != NULL);
    if (scenario != NULL) {
        check_effective(scenario, 1);
        check_effective(scenario, UINT64_MAX);
        scenario_free(scenario);
    }
    free(set);
    return 0;
}
