/* sim/report/figures.c - bags of values by (group, metric, tag), and what is made of them. */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>

#include "sim/report/figures_internal.h"
#include "sim/report/summary.h"

struct figures *figures_create(const char *const *parameters, size_t count) {
    struct figures *figures = calloc(1, sizeof *figures);
    if (figures != NULL) {
        figures->parameters = parameters;
        figures->parameter_count = count;
    }
    return figures;
}

static void group_free(struct group *group, size_t parameter_count) {
    for (int metric = 0; metric < METRIC_COUNT; metric++) {
        struct bag *bag = group->bags[metric];
        while (bag != NULL) {
            struct bag *next = bag->next;
            free(bag->values);
            free(bag);
            bag = next;
        }
    }
    for (size_t i = 0; group->values != NULL && i < parameter_count; i++)
        free(group->values[i]);
    free(group->values);
    free(group->scenario);
}

void figures_free(struct figures *figures) {
    if (figures == NULL)
        return;
    for (size_t i = 0; i < figures->count; i++)
        group_free(&figures->groups[i], figures->parameter_count);
    free(figures->groups);
    free(figures);
}

static bool group_is(const struct figures *figures, const struct group *group, const char *scenario,
                     const char *const *values) {
    bool same = strcmp(group->scenario, scenario) == 0;
    for (size_t i = 0; same && i < figures->parameter_count; i++)
        same = strcmp(group->values[i], values[i]) == 0;
    return same;
}

static bool group_init(const struct figures *figures, struct group *group, const char *scenario,
                       const char *const *values, uint64_t order) {
    *group = (struct group){.order = order, .scenario = strdup(scenario)};
    group->values = calloc(figures->parameter_count + 1, sizeof *group->values);
    bool made = group->scenario != NULL && group->values != NULL;
    for (size_t i = 0; made && i < figures->parameter_count; i++)
        made = (group->values[i] = strdup(values[i])) != NULL;
    return made;
}

int figures_group(struct figures *figures, const char *scenario, const char *const *values,
                  uint64_t order) {
    for (size_t i = 0; i < figures->count; i++) {
        struct group *group = &figures->groups[i];
        if (!group_is(figures, group, scenario, values))
            continue;
        group->order = order < group->order ? order : group->order;
        group->runs++;
        return (int)i;
    }
    if (figures->count == figures->capacity) {
        size_t capacity = figures->capacity == 0 ? 8 : figures->capacity * 2;
        struct group *grown = realloc(figures->groups, capacity * sizeof *grown);
        if (grown == NULL)
            return -1;
        figures->groups = grown;
        figures->capacity = capacity;
    }
    struct group *group = &figures->groups[figures->count];
    if (!group_init(figures, group, scenario, values, order)) {
        group_free(group, figures->parameter_count);
        return -1;
    }
    group->runs = 1;
    return (int)figures->count++;
}

/* Few groups: counting those before each is quick enough. */
size_t figures_in_order(const struct figures *figures, size_t at) {
    for (size_t i = 0; i < figures->count; i++) {
        size_t before = 0;
        for (size_t j = 0; j < figures->count; j++)
            before += figures->groups[j].order < figures->groups[i].order;
        if (before == at)
            return i;
    }
    return at;
}

static struct bag *bag_of(struct group *group, enum metric_id metric, const char *tag) {
    struct bag **link = &group->bags[metric];
    while (*link != NULL && strcmp((*link)->tag, tag) != 0)
        link = &(*link)->next;
    if (*link == NULL && (*link = calloc(1, sizeof **link)) != NULL)
        snprintf((*link)->tag, sizeof(*link)->tag, "%s", tag);
    return *link;
}

static bool bag_add(struct bag *bag, uint64_t value) {
    if (bag->count == bag->capacity) {
        size_t capacity = bag->capacity == 0 ? 16 : bag->capacity * 2;
        uint64_t *grown = realloc(bag->values, capacity * sizeof *grown);
        if (grown == NULL)
            return false;
        bag->values = grown;
        bag->capacity = capacity;
    }
    bag->values[bag->count++] = value;
    return true;
}

bool figures_add(struct figures *figures, int group, enum metric_id metric,
                 const struct metric_sample *samples, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct bag *bag = bag_of(&figures->groups[group], metric, samples[i].tag);
        if (bag == NULL || !bag_add(bag, samples[i].value))
            return false;
    }
    return true;
}

/* ---- sums ---- */

static bool is_meant(size_t index, int group) {
    return group == FIGURES_ALL || (size_t)group == index;
}

uint64_t *figures_collect(const struct figures *figures, int group, enum metric_id metric,
                          const char *tag, size_t *count) {
    uint64_t *values = NULL;
    for (int pass = 0; pass < 2; pass++) {
        *count = 0;
        for (size_t i = 0; i < figures->count; i++) {
            const struct bag *bag = is_meant(i, group) ? figures->groups[i].bags[metric] : NULL;
            for (; bag != NULL; bag = bag->next) {
                if (tag != NULL && strcmp(bag->tag, tag) != 0)
                    continue;
                if (values != NULL)
                    memcpy(values + *count, bag->values, bag->count * sizeof *values);
                *count += bag->count;
            }
        }
        if (pass == 0 && (*count == 0 || (values = malloc(*count * sizeof *values)) == NULL))
            return NULL;
    }
    return values;
}

static void add_summary(cJSON *to, const char *key, enum metric_id metric, uint64_t *values,
                        size_t count) {
    struct metric_summary summary;
    metric_summarise(metric, values, count, &summary);
    summary_add_metric(to, key, &summary);
}

/* "send_latency_us" -> "send_latency_p99_us", one for each tag. */
static void add_quantiles(cJSON *metrics, const struct figures *figures, int group,
                          enum metric_id id) {
    static const char *const tags[] = {"p50", "p99", "max"};
    const char *name = METRIC_INFO[id].name, *unit = strrchr(name, '_');
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        char key[96];
        size_t count;
        uint64_t *values = figures_collect(figures, group, id, tags[i], &count);
        snprintf(key, sizeof key, "%.*s_%s%s", (int)(unit - name), name, tags[i], unit);
        if (values != NULL)
            add_summary(metrics, key, id, values, count);
        free(values);
    }
}

cJSON *figures_metrics(const struct figures *figures, int group) {
    cJSON *metrics = cJSON_CreateObject();
    for (int id = 0; id < METRIC_COUNT; id++) {
        if (metric_is_per_message((enum metric_id)id)) {
            add_quantiles(metrics, figures, group, (enum metric_id)id);
            continue;
        }
        size_t count;
        uint64_t *values = figures_collect(figures, group, (enum metric_id)id, NULL, &count);
        if (values != NULL)
            add_summary(metrics, METRIC_INFO[id].name, (enum metric_id)id, values, count);
        free(values);
    }
    return metrics;
}

cJSON *figures_metrics_by_tag(const struct figures *figures, int group) {
    cJSON *metrics = cJSON_CreateObject();
    for (int id = 0; id < METRIC_COUNT; id++) {
        cJSON *tags = NULL;
        for (size_t i = 0; i < figures->count; i++) {
            const struct bag *bag = is_meant(i, group) ? figures->groups[i].bags[id] : NULL;
            for (; bag != NULL; bag = bag->next) {
                if (tags == NULL)
                    tags = cJSON_AddObjectToObject(metrics, METRIC_INFO[id].name);
                if (cJSON_GetObjectItemCaseSensitive(tags, bag->tag) != NULL)
                    continue;
                size_t count;
                uint64_t *values =
                    figures_collect(figures, group, (enum metric_id)id, bag->tag, &count);
                if (values != NULL)
                    add_summary(tags, bag->tag, (enum metric_id)id, values, count);
                free(values);
            }
        }
    }
    return metrics;
}

static bool has_several_scenarios(const struct figures *figures) {
    for (size_t i = 1; i < figures->count; i++)
        if (strcmp(figures->groups[i].scenario, figures->groups[0].scenario) != 0)
            return true;
    return false;
}

cJSON *figures_groups(const struct figures *figures) {
    cJSON *groups = cJSON_CreateArray();
    for (size_t i = 0; i < figures->count; i++) {
        int at = (int)figures_in_order(figures, i);
        const struct group *group = &figures->groups[at];
        cJSON *object = cJSON_CreateObject();
        cJSON *parameters = cJSON_AddObjectToObject(object, "parameters");
        if (has_several_scenarios(figures))
            cJSON_AddStringToObject(parameters, "scenario", group->scenario);
        for (size_t p = 0; p < figures->parameter_count; p++)
            if (group->values[p][0] != '\0') /* this scenario varies it */
                cJSON_AddStringToObject(parameters, figures->parameters[p], group->values[p]);
        cJSON_AddNumberToObject(object, "runs", (double)group->runs);
        cJSON_AddItemToObject(object, "metrics", figures_metrics(figures, at));
        cJSON_AddItemToObject(object, "metrics_by_tag", figures_metrics_by_tag(figures, at));
        cJSON_AddItemToArray(groups, object);
    }
    return groups;
}
