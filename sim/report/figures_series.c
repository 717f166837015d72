/* sim/report/figures_series.c - one table per metric, for whoever draws or computes. */
#include <errno.h>
#include <inttypes.h>

#include "sim/report/figures_internal.h"
#include "sim/report/files.h"

bool metric_is_frequent(enum metric_id id) {
    return id == METRIC_REGISTRATION_LATENCY || id == METRIC_POLL_DURATION;
}

static void write_names(FILE *out, const struct figures *figures) {
    fputs("value_ns,tag,scenario", out);
    for (size_t i = 0; i < figures->parameter_count; i++) {
        putc(',', out);
        csv_text(out, figures->parameters[i]);
    }
    putc('\n', out);
}

static void write_bag(FILE *out, const struct figures *figures, const struct group *group,
                      const struct bag *bag) {
    for (size_t i = 0; i < bag->count; i++) {
        fprintf(out, "%" PRIu64 ",%s,", bag->values[i], bag->tag);
        csv_text(out, group->scenario);
        for (size_t p = 0; p < figures->parameter_count; p++) {
            putc(',', out);
            csv_text(out, group->values[p]);
        }
        putc('\n', out);
    }
}

static bool has_samples(const struct figures *figures, enum metric_id id) {
    for (size_t i = 0; i < figures->count; i++)
        if (figures->groups[i].bags[id] != NULL)
            return true;
    return false;
}

static bool write_metric(const struct figures *figures, const char *directory, enum metric_id id) {
    char name[96];
    struct new_file file;
    snprintf(name, sizeof name, "series/%s.csv", METRIC_INFO[id].name);
    if (!new_file_open(&file, directory, name))
        return false;
    write_names(file.stream, figures);
    for (size_t i = 0; i < figures->count; i++) {
        const struct group *group = &figures->groups[figures_in_order(figures, i)];
        for (const struct bag *bag = group->bags[id]; bag != NULL; bag = bag->next)
            write_bag(file.stream, figures, group, bag);
    }
    return new_file_close(&file);
}

bool figures_write_series(const struct figures *figures, const char *directory) {
    bool sweep = figures->count > 1 || (figures->count == 1 && figures->groups[0].runs > 1);
    for (int id = 0; id < METRIC_COUNT; id++)
        if (has_samples(figures, (enum metric_id)id) &&
            !(sweep && metric_is_frequent((enum metric_id)id)) &&
            !write_metric(figures, directory, (enum metric_id)id))
            return false;
    return true;
}
