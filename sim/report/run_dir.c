/* sim/report/run_dir.c - the directory of one run. */
#include "sim/report/run_dir.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report/figures.h"
#include "sim/report/series.h"
#include "sim/report/series_flow.h"

struct run_dir {
    char *path; /* NULL: no directory */
    const struct run_info *info;
    struct record_sink *sink;
};

/* The header line of events.bin. */
static char *log_header(const struct run_info *info, bool steps) {
    struct scenario_texts texts;
    scenario_texts_open(&texts, info->scenario_json);
    cJSON *header = cJSON_CreateObject();
    char seed[24];
    snprintf(seed, sizeof seed, "%" PRIu64, info->seed);
    cJSON_AddStringToObject(header, "scenario", texts.name);
    cJSON_AddStringToObject(header, "seed", seed);
    cJSON_AddStringToObject(header, "commit", build_commit());
    cJSON_AddStringToObject(header, "clock", "world");
    cJSON_AddBoolToObject(header, "steps", steps);
    cJSON *nodes = cJSON_AddArrayToObject(header, "nodes");
    for (size_t i = 0; i < info->node_count; i++)
        cJSON_AddItemToArray(nodes, cJSON_CreateString(info->nodes[i]));
    char *text = cJSON_PrintUnformatted(header);
    cJSON_Delete(header);
    scenario_texts_close(&texts);
    return text;
}

static struct record_sink *open_sink(const char *directory, const struct run_info *info,
                                     bool steps) {
    char *header = log_header(info, steps);
    char *path = path_join(directory, "events.bin");
    struct record_sink *sink = NULL;
    errno = ENOMEM;
    if (header != NULL && path != NULL)
        sink = record_sink_open(path, header, steps);
    int error = errno;
    free(header);
    free(path);
    errno = error;
    return sink;
}

struct run_dir *run_dir_open(const char *path, const struct run_info *info, bool steps,
                             const char **error) {
    struct run_dir *dir = calloc(1, sizeof *dir);
    *error = "out of memory";
    if (dir == NULL)
        return NULL;
    dir->info = info;
    if (path == NULL)
        return dir;
    dir->path = strdup(path);
    if (dir->path != NULL && run_directories_make(path) &&
        file_write_in(path, "scenario.json", info->scenario_json))
        dir->sink = open_sink(path, info, steps);
    if (dir->sink != NULL)
        return dir;
    *error = strerror(errno);
    free(dir->path);
    free(dir);
    return NULL;
}

struct record_sink *run_dir_sink(struct run_dir *dir) {
    return dir->sink;
}

static struct figures *figures_of(const struct judge *judge, const char *scenario_json) {
    struct figures *figures = figures_create(NULL, 0);
    struct scenario_texts texts;
    scenario_texts_open(&texts, scenario_json);
    int group = figures == NULL ? -1 : figures_group(figures, texts.name, NULL, 0);
    scenario_texts_close(&texts);
    bool added = group >= 0;
    for (int id = 0; added && id < METRIC_COUNT; id++) {
        const struct metric_sample *samples;
        size_t count = judge_samples(judge, METRIC_INFO[id].name, &samples);
        added = figures_add(figures, group, (enum metric_id)id, samples, count);
    }
    if (added)
        return figures;
    figures_free(figures);
    return NULL;
}

/* Events, series, summary, then what is drawn from them. */
static bool write_directory(struct run_dir *dir, const struct judge *judge, uint64_t end_ns,
                            struct figures *figures, const char *summary,
                            const struct report_options *options, const char **error) {
    bool closed = record_sink_close(dir->sink);
    int events_error = errno;
    dir->sink = NULL;
    if (!file_write_in(dir->path, "summary.json", summary)) {
        *error = strerror(errno);
        return false;
    }
    if (!closed) {
        *error = strerror(events_error);
        return false;
    }
    if (!series_write(dir->path, error))
        return false;
    if (!figures_write_series(figures, dir->path) || !series_flow_write(dir->path, judge, end_ns)) {
        *error = strerror(errno);
        return false;
    }
    const char *note = NULL;
    bool reported = report_directory(dir->path, options, &note, error);
    if (reported)
        *error = note;
    return reported;
}

bool run_dir_finish(struct run_dir *dir, const struct judge *judge, const struct run_result *result,
                    const struct run_facts *facts, const struct report_options *options,
                    char **summary, const char **error) {
    struct figures *figures = figures_of(judge, dir->info->scenario_json);
    char *text = figures == NULL ? NULL : summary_of_run(dir->info, judge, result, facts, figures);
    bool written = text != NULL;
    *error = written ? NULL : "out of memory";
    if (dir->path != NULL && written)
        written = write_directory(dir, judge, result->simulated_ns, figures, text, options, error);
    if (dir->sink != NULL)
        record_sink_close(dir->sink);
    if (summary != NULL)
        *summary = text;
    else
        free(text);
    figures_free(figures);
    free(dir->path);
    free(dir);
    return written;
}
