/* sim/report/run_dir.h - the directory of a run, and of a sweep of runs.
 *
 * Run:   scenario.json (effective, replays by itself), events.bin, series/NAME.csv, plots/NAME.svg,
 *        summary.json, index.html.
 * Sweep: scenario.json, runs.csv, series/NAME.csv, plots/NAME.svg, summary.json, index.html.
 * Members of summary.json: architecture.md section 9, sim/report/summary.h. Files appear whole
 * (temporary name, then rename), so what a killed run leaves is absent or valid. Nothing here is
 * part of the deterministic run: it reads what the run recorded. */
#ifndef SIM_RUN_DIR_H
#define SIM_RUN_DIR_H

#include "sim/judge/judge.h"
#include "sim/report/files.h"
#include "sim/report/report.h"
#include "sim/report/summary.h"

/* ---- one run ---- */

struct run_dir;
/* Makes `path` (parents too; an existing directory is written over), writes scenario.json, opens
 * events.bin. `path` NULL: no directory, only the summary text. `info` and what it points to must
 * live until run_dir_finish. NULL and *error (static) on failure. */
struct run_dir *run_dir_open(const char *path, const struct run_info *info, bool steps,
                             const char **error);
/* To be given to world_set_sink; NULL without a directory. */
struct record_sink *run_dir_sink(struct run_dir *dir);
/* Closes events.bin; writes series, summary.json, pictures and the page. `judge` has been finished.
 * *summary (may be NULL) is the text of summary.json, for free(). Frees `dir`. False with *error
 * when something could not be written (disk full); a missing gnuplot only costs the pictures: then
 * it is true, and *error, NULL otherwise, says so. */
bool run_dir_finish(struct run_dir *dir, const struct judge *judge, const struct run_result *result,
                    const struct run_facts *facts, const struct report_options *options,
                    char **summary, const char **error);

/* ---- a sweep ---- */

struct sweep_dir;
/* As run_dir_open; `path` may be NULL here too. */
struct sweep_dir *sweep_dir_open(const char *path, const struct sweep_info *info,
                                 const char **error);

/* Values of one metric of one run, as judge_samples gives them; nanoseconds. */
struct sweep_samples {
    const char *name;
    const struct metric_sample *samples;
    size_t count;
};
/* One finished run; borrowed until sweep_dir_add returns. Runs may come in any order: files and
 * figures are made in order of `index`. */
struct sweep_run {
    uint64_t index;            /* place in the sweep */
    const char *scenario;      /* its name */
    const char *const *values; /* of info->parameters, in that order */
    uint64_t seed;
    const struct run_result *result; /* NULL: the run crashed */
    const char *crash;               /* "signal 11" when it did */
    const struct sweep_samples *metrics;
    size_t metric_count;
    const char *replay;              /* command that runs just this one */
    const struct fired_count *fired; /* summed up over the sweep; may be NULL */
    size_t fired_count;
};
bool sweep_dir_add(struct sweep_dir *dir, const struct sweep_run *run); /* false: out of memory */
/* As run_dir_finish. *exit_code is that of the whole sweep (the first of 10, 14, 11, 12, 13, 15
 * that occurred, else 0). */
bool sweep_dir_finish(struct sweep_dir *dir, const struct run_facts *facts,
                      const struct report_options *options, int *exit_code, char **summary,
                      const char **error);

#endif
