/* sim/report/sweep_dir.c - the directory of a sweep: rows, failures and figures of many runs.
 *
 * Runs arrive in any order; rows and failures are sorted by index at the end, so that a sweep's
 * files do not depend on the number of jobs. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report/figures.h"
#include "sim/report/run_dir.h"

#define FAILURES_MAX 1000 /* listed in the summary; all are counted, and rows of runs.csv */

struct row {
    uint64_t index;
    char *text;
    char trace_hash[33];
};
struct failure {
    uint64_t index;
    cJSON *object;
};
struct oracle_tally {
    const char *name;
    uint64_t verdicts[3];
};
struct sweep_dir {
    char *path;
    const struct sweep_info *info;
    struct scenario_texts texts;
    struct figures *figures;
    struct row *rows;
    struct failure *failures;
    struct oracle_tally *oracles;
    struct sightings sightings, sighting_runs; /* times, and runs with any */
    struct fired_count *fired;                 /* kinds owned */
    size_t row_count, row_capacity, failure_count, failure_capacity, oracle_count, oracle_capacity,
        fired_count, fired_capacity;
    uint64_t runs, verdicts[3], crashed, events, steps, simulated_ns;
    int exit_code;
};

/* Room for one more; NULL: out of memory, the old array stays. */
static void *grow(void *array, size_t count, size_t *capacity, size_t size) {
    if (count < *capacity)
        return array;
    size_t wanted = *capacity == 0 ? 64 : *capacity * 2;
    void *grown = realloc(array, wanted * size);
    if (grown != NULL)
        *capacity = wanted;
    return grown;
}
#define GROW(array, count, capacity)                                                              \
    ((grown = grow(array, count, &(capacity), sizeof *(array))) != NULL ? ((array) = grown, true) \
                                                                        : false)

struct sweep_dir *sweep_dir_open(const char *path, const struct sweep_info *info,
                                 const char **error) {
    struct sweep_dir *dir = calloc(1, sizeof *dir);
    *error = "out of memory";
    if (dir == NULL)
        return NULL;
    dir->info = info;
    dir->figures = figures_create(info->parameters, info->parameter_count);
    scenario_texts_open(&dir->texts, info->scenario_json);
    dir->path = path == NULL ? NULL : strdup(path);
    bool opened = dir->figures != NULL && (path == NULL || dir->path != NULL);
    if (opened && path != NULL) {
        opened =
            run_directories_make(path) && file_write_in(path, "scenario.json", info->scenario_json);
        *error = strerror(errno);
    }
    if (opened)
        return dir;
    figures_free(dir->figures);
    scenario_texts_close(&dir->texts);
    free(dir->path);
    free(dir);
    return NULL;
}

/* ---- one run's row ---- */

/* "value:tag;value:tag", in the metric's unit. */
static void put_samples(FILE *out, enum metric_id id, const struct sweep_samples *samples) {
    for (size_t i = 0; samples != NULL && i < samples->count; i++)
        fprintf(out, "%s%" PRIu64 ":%s", i == 0 ? "" : ";",
                samples->samples[i].value / METRIC_INFO[id].ns_per_unit, samples->samples[i].tag);
}

static const struct metric_summary *summary_of(const struct run_result *result, enum metric_id id) {
    for (size_t i = 0; result != NULL && i < result->metric_count; i++)
        if (strcmp(result->metrics[i].name, METRIC_INFO[id].name) == 0)
            return &result->metrics[i];
    return NULL;
}

static const struct sweep_samples *samples_of(const struct sweep_run *run, enum metric_id id) {
    for (size_t i = 0; i < run->metric_count; i++)
        if (strcmp(run->metrics[i].name, METRIC_INFO[id].name) == 0)
            return &run->metrics[i];
    return NULL;
}

/* A run has so many values of it that its row has only p50, p99 and the highest. */
static bool is_summed_up(enum metric_id id) {
    return metric_is_frequent(id) || metric_is_per_message(id);
}

static void put_columns(FILE *out, const struct sweep_info *info) {
    fputs("scenario", out);
    for (size_t i = 0; i < info->parameter_count; i++) {
        putc(',', out);
        csv_text(out, info->parameters[i]);
    }
    fputs(",seed,trace_hash,verdict,exit_code,events", out);
    for (int id = 0; id < METRIC_COUNT; id++)
        if (is_summed_up((enum metric_id)id))
            fprintf(out, ",%s_p50,%s_p99,%s_max", METRIC_INFO[id].name, METRIC_INFO[id].name,
                    METRIC_INFO[id].name);
        else
            fprintf(out, ",%s", METRIC_INFO[id].name);
    fputs(",duplicates,lost_in_window\n", out);
}

static void put_row(FILE *out, const struct sweep_info *info, const struct sweep_run *run) {
    csv_text(out, run->scenario);
    for (size_t i = 0; i < info->parameter_count; i++) {
        putc(',', out);
        csv_text(out, run->values[i]);
    }
    if (run->result == NULL)
        fprintf(out, ",%" PRIu64 ",,crashed,10,", run->seed);
    else
        fprintf(out, ",%" PRIu64 ",%s,%s,%d,%" PRIu64, run->seed, run->result->trace_hash,
                verdict_name(run->result->verdict), run->result->exit_code, run->result->events);
    for (int id = 0; id < METRIC_COUNT; id++) {
        const struct metric_summary *summary = summary_of(run->result, (enum metric_id)id);
        putc(',', out);
        if (!is_summed_up((enum metric_id)id))
            put_samples(out, (enum metric_id)id, samples_of(run, (enum metric_id)id));
        else if (summary != NULL)
            fprintf(out, "%" PRIu64 ",%" PRIu64 ",%" PRIu64, summary->p50, summary->p99,
                    summary->max);
        else
            fputs(",,", out);
    }
    if (run->result == NULL)
        fputs(",,\n", out);
    else
        fprintf(out, ",%" PRIu64 ",%" PRIu64 "\n", run->result->sightings.times[SIGHTING_DUPLICATE],
                run->result->sightings.times[SIGHTING_WINDOW_LOSS]);
}

static bool add_row(struct sweep_dir *dir, const struct sweep_run *run) {
    void *grown;
    if (!GROW(dir->rows, dir->row_count, dir->row_capacity))
        return false;
    struct row *row = &dir->rows[dir->row_count];
    *row = (struct row){.index = run->index};
    if (run->result != NULL)
        memcpy(row->trace_hash, run->result->trace_hash, sizeof row->trace_hash);
    size_t size;
    FILE *out = dir->path == NULL ? NULL : open_memstream(&row->text, &size);
    if (dir->path != NULL && out == NULL)
        return false;
    if (out != NULL) {
        put_row(out, dir->info, run);
        if (fclose(out) != 0)
            return false;
    }
    dir->row_count++;
    return true;
}

/* ---- failures, tallies ---- */

static cJSON *parameters_of(const struct sweep_info *info, const char *const *values) {
    cJSON *parameters = cJSON_CreateObject();
    for (size_t i = 0; i < info->parameter_count; i++)
        if (values[i][0] != '\0') /* this scenario varies it */
            cJSON_AddStringToObject(parameters, info->parameters[i], values[i]);
    return parameters;
}

/* What went wrong: an assertion, a crash, or the worst oracle. */
static void what_failed(const struct sweep_run *run, const char **oracle, const char **reason) {
    const struct run_result *result = run->result;
    *oracle = result == NULL ? "crash" : "assertion";
    *reason = result == NULL ? run->crash : result->assertion;
    for (size_t i = 0; result != NULL && result->exit_code != 10 && i < result->oracle_count; i++) {
        if (exit_code_of(result->oracles[i].verdict.verdict, result->oracles[i].class_) !=
            result->exit_code)
            continue;
        *oracle = result->oracles[i].name;
        *reason = result->oracles[i].verdict.reason;
        return;
    }
}

static bool add_failure(struct sweep_dir *dir, const struct sweep_run *run) {
    void *grown;
    if (run->result != NULL && run->result->verdict != VERDICT_FAIL)
        return true;
    if (!GROW(dir->failures, dir->failure_count, dir->failure_capacity))
        return false;
    const char *oracle, *reason;
    char seed[24], signature[320];
    what_failed(run, &oracle, &reason);
    summary_signature(oracle, reason, signature, sizeof signature);
    snprintf(seed, sizeof seed, "%" PRIu64, run->seed);
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "scenario", run->scenario);
    cJSON_AddItemToObject(object, "parameters", parameters_of(dir->info, run->values));
    cJSON_AddStringToObject(object, "seed", seed);
    cJSON_AddNumberToObject(object, "exit_code", run->result == NULL ? 10 : run->result->exit_code);
    cJSON_AddStringToObject(object, "oracle", oracle);
    cJSON_AddStringToObject(object, "reason", reason);
    cJSON_AddStringToObject(object, "signature", signature);
    cJSON_AddStringToObject(object, "replay", run->replay);
    dir->failures[dir->failure_count++] = (struct failure){run->index, object};
    return object != NULL;
}

static bool tally_oracles(struct sweep_dir *dir, const struct run_result *result) {
    void *grown;
    for (size_t i = 0; result != NULL && i < result->oracle_count; i++) {
        size_t at = 0;
        while (at < dir->oracle_count &&
               strcmp(dir->oracles[at].name, result->oracles[i].name) != 0)
            at++;
        if (at == dir->oracle_count) {
            if (!GROW(dir->oracles, dir->oracle_count, dir->oracle_capacity))
                return false;
            dir->oracles[dir->oracle_count++] =
                (struct oracle_tally){.name = result->oracles[i].name};
        }
        dir->oracles[at].verdicts[result->oracles[i].verdict.verdict]++;
    }
    return true;
}

static void tally_sightings(struct sweep_dir *dir, const struct run_result *result) {
    for (int i = 0; result != NULL && i < SIGHTING_COUNT; i++) {
        dir->sightings.times[i] += result->sightings.times[i];
        dir->sighting_runs.times[i] += result->sightings.times[i] > 0;
    }
}

static bool tally_fired(struct sweep_dir *dir, const struct sweep_run *run) {
    void *grown;
    for (size_t i = 0; i < run->fired_count; i++) {
        size_t at = 0;
        while (at < dir->fired_count && strcmp(dir->fired[at].kind, run->fired[i].kind) != 0)
            at++;
        if (at == dir->fired_count) {
            char *kind = strdup(run->fired[i].kind);
            if (kind == NULL || !GROW(dir->fired, dir->fired_count, dir->fired_capacity)) {
                free(kind);
                return false;
            }
            dir->fired[dir->fired_count++] = (struct fired_count){kind, 0};
        }
        dir->fired[at].times += run->fired[i].times;
    }
    return true;
}

/* Of a metric that has a value per message: three values per run, with these tags. */
static bool add_quantiles(struct sweep_dir *dir, int group, enum metric_id id,
                          const struct metric_summary *summary) {
    uint64_t unit = METRIC_INFO[id].ns_per_unit;
    const struct metric_sample quantiles[] = {{.value = summary->p50 * unit, .tag = "p50"},
                                              {.value = summary->p99 * unit, .tag = "p99"},
                                              {.value = summary->max * unit, .tag = "max"}};
    return figures_add(dir->figures, group, id, quantiles, 3);
}

static bool add_figures(struct sweep_dir *dir, const struct sweep_run *run) {
    int group = figures_group(dir->figures, run->scenario, run->values, run->index);
    if (group < 0)
        return false;
    for (int id = 0; id < METRIC_COUNT; id++) {
        const struct sweep_samples *samples = samples_of(run, (enum metric_id)id);
        const struct metric_summary *summary = summary_of(run->result, (enum metric_id)id);
        bool per_message = metric_is_per_message((enum metric_id)id);
        if (per_message && summary != NULL && summary->count > 0 &&
            !add_quantiles(dir, group, (enum metric_id)id, summary))
            return false;
        if (!per_message && samples != NULL &&
            !figures_add(dir->figures, group, (enum metric_id)id, samples->samples, samples->count))
            return false;
    }
    return true;
}

bool sweep_dir_add(struct sweep_dir *dir, const struct sweep_run *run) {
    dir->runs++;
    if (run->result == NULL) {
        dir->crashed++;
        dir->exit_code = 10;
    } else {
        dir->verdicts[run->result->verdict]++;
        dir->exit_code = exit_code_worse(dir->exit_code, run->result->exit_code);
        dir->events += run->result->events;
        dir->steps += run->result->steps;
        dir->simulated_ns += run->result->simulated_ns;
    }
    tally_sightings(dir, run->result);
    return add_row(dir, run) && add_failure(dir, run) && tally_oracles(dir, run->result) &&
           tally_fired(dir, run) && add_figures(dir, run);
}

/* ---- the summary ---- */

static int compare_rows(const void *a, const void *b) {
    uint64_t x = ((const struct row *)a)->index, y = ((const struct row *)b)->index;
    return (x > y) - (x < y);
}

static int compare_failures(const void *a, const void *b) {
    uint64_t x = ((const struct failure *)a)->index, y = ((const struct failure *)b)->index;
    return (x > y) - (x < y);
}

/* One hash over the hashes of all runs, in order: equal sweeps, equal hashes. */
static void add_hash(cJSON *summary, const struct sweep_dir *dir) {
    struct trace_hash hash;
    char hex[33];
    trace_hash_init(&hash);
    for (size_t i = 0; i < dir->row_count; i++)
        trace_hash_fold(&hash, dir->rows[i].index,
                        trace_hash_bytes(dir->rows[i].trace_hash, strlen(dir->rows[i].trace_hash)));
    trace_hash_hex(&hash, hex);
    cJSON_AddStringToObject(summary, "trace_hash", hex);
}

/* What was not run may have failed: an interrupted sweep does not pass. */
static int exit_code_of_sweep(const struct sweep_dir *dir, const struct run_facts *facts) {
    bool is_whole = dir->runs > 0 && !facts->interrupted;
    return dir->exit_code == 0 && !is_whole ? 15 : dir->exit_code;
}

static void add_counts(cJSON *summary, const struct sweep_dir *dir, const struct run_facts *facts) {
    int exit_code = exit_code_of_sweep(dir, facts);
    uint64_t fail = dir->verdicts[VERDICT_FAIL], unknown = dir->verdicts[VERDICT_UNKNOWN];
    bool failed = fail + dir->crashed > 0;
    cJSON_AddStringToObject(summary, "verdict",
                            verdict_name(failed           ? VERDICT_FAIL
                                         : exit_code == 0 ? VERDICT_PASS
                                                          : VERDICT_UNKNOWN));
    cJSON_AddNumberToObject(summary, "exit_code", exit_code);
    cJSON_AddNumberToObject(summary, "runs", (double)dir->runs);
    cJSON_AddNumberToObject(summary, "pass", (double)dir->verdicts[VERDICT_PASS]);
    cJSON_AddNumberToObject(summary, "fail", (double)fail);
    cJSON_AddNumberToObject(summary, "unknown", (double)unknown);
    cJSON_AddNumberToObject(summary, "crashed", (double)dir->crashed);
    cJSON_AddNumberToObject(summary, "events", (double)dir->events);
    cJSON_AddNumberToObject(summary, "steps", (double)dir->steps);
    summary_add_seconds(summary, "simulated_s", dir->simulated_ns);
}

static void add_tallies(cJSON *summary, const struct sweep_dir *dir) {
    cJSON *oracles = cJSON_AddArrayToObject(summary, "oracles");
    for (size_t i = 0; i < dir->oracle_count; i++) {
        cJSON *oracle = cJSON_CreateObject();
        cJSON_AddStringToObject(oracle, "name", dir->oracles[i].name);
        for (int verdict = 0; verdict < 3; verdict++)
            cJSON_AddNumberToObject(oracle, verdict_name((enum verdict)verdict),
                                    (double)dir->oracles[i].verdicts[verdict]);
        cJSON_AddItemToArray(oracles, oracle);
    }
    cJSON *faults = cJSON_AddObjectToObject(summary, "faults");
    summary_add_fired(faults, dir->fired, dir->fired_count);
    summary_add_sightings(summary, &dir->sightings, &dir->sighting_runs);
}

static void add_failures(cJSON *summary, struct sweep_dir *dir) {
    cJSON *failures = cJSON_AddArrayToObject(summary, "failures");
    for (size_t i = 0; i < dir->failure_count && i < FAILURES_MAX; i++) {
        cJSON_AddItemToArray(failures, dir->failures[i].object);
        dir->failures[i].object = NULL;
    }
    if (dir->failure_count > FAILURES_MAX)
        cJSON_AddNumberToObject(summary, "failures_left_out",
                                (double)(dir->failure_count - FAILURES_MAX));
}

static char *summary_of_sweep(struct sweep_dir *dir, const struct run_facts *facts) {
    cJSON *summary = cJSON_CreateObject();
    cJSON_AddStringToObject(summary, "scenario", dir->texts.name);
    cJSON_AddStringToObject(summary, "commit", build_commit());
    add_counts(summary, dir, facts);
    summary_add_seconds(summary, "wall_s", facts->wall_ns);
    cJSON_AddBoolToObject(summary, "interrupted", facts->interrupted);
    add_hash(summary, dir);
    add_tallies(summary, dir);
    cJSON_AddItemToObject(summary, "metrics", figures_metrics(dir->figures, FIGURES_ALL));
    cJSON_AddItemToObject(summary, "metrics_by_tag",
                          figures_metrics_by_tag(dir->figures, FIGURES_ALL));
    add_failures(summary, dir);
    cJSON_AddItemToObject(summary, "groups", figures_groups(dir->figures));
    summary_add_versions(summary);
    cJSON_AddStringToObject(summary, "replay", dir->info->replay);
    char *text = cJSON_Print(summary);
    cJSON_Delete(summary);
    return text;
}

/* ---- the files ---- */

static bool write_rows(const struct sweep_dir *dir) {
    struct new_file file;
    if (!new_file_open(&file, dir->path, "runs.csv"))
        return false;
    put_columns(file.stream, dir->info);
    for (size_t i = 0; i < dir->row_count; i++)
        fputs(dir->rows[i].text, file.stream);
    return new_file_close(&file);
}

static bool write_directory(struct sweep_dir *dir, const char *summary,
                            const struct report_options *options, const char **error) {
    if (!file_write_in(dir->path, "summary.json", summary) || !write_rows(dir) ||
        !figures_write_series(dir->figures, dir->path)) {
        *error = strerror(errno);
        return false;
    }
    const char *note = NULL;
    bool reported = report_directory(dir->path, options, &note, error);
    if (reported)
        *error = note;
    return reported;
}

static void sweep_dir_free(struct sweep_dir *dir) {
    for (size_t i = 0; i < dir->row_count; i++)
        free(dir->rows[i].text);
    for (size_t i = 0; i < dir->failure_count; i++)
        cJSON_Delete(dir->failures[i].object);
    for (size_t i = 0; i < dir->fired_count; i++)
        free((char *)(uintptr_t)dir->fired[i].kind);
    free(dir->fired);
    free(dir->rows);
    free(dir->failures);
    free(dir->oracles);
    figures_free(dir->figures);
    scenario_texts_close(&dir->texts);
    free(dir->path);
    free(dir);
}

bool sweep_dir_finish(struct sweep_dir *dir, const struct run_facts *facts,
                      const struct report_options *options, int *exit_code, char **summary,
                      const char **error) {
    if (dir->row_count > 0)
        qsort(dir->rows, dir->row_count, sizeof *dir->rows, compare_rows);
    if (dir->failure_count > 0)
        qsort(dir->failures, dir->failure_count, sizeof *dir->failures, compare_failures);
    *exit_code = exit_code_of_sweep(dir, facts);
    char *text = summary_of_sweep(dir, facts);
    bool written = text != NULL;
    *error = written ? NULL : "out of memory";
    if (written && dir->path != NULL)
        written = write_directory(dir, text, options, error);
    if (summary != NULL)
        *summary = text;
    else
        free(text);
    sweep_dir_free(dir);
    return written;
}
