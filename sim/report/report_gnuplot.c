/* sim/report/report_gnuplot.c - draws one figure with reports/NAME.gp.
 *
 * A temporary folder holds figure.gp (variables), the tables, and a link to reports/; gnuplot runs
 * in it, so its programs know only short names and no path needs quoting. Run by posix_spawn,
 * without a shell, killed after GNUPLOT_SECONDS; what it says ends up in the note. */
#define _GNU_SOURCE /* environ, nftw, posix_spawn_file_actions_addchdir_np */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/report/report_internal.h"
#include "sim/report/run_dir.h"

#define GNUPLOT_SECONDS 60

void gnuplot_quote(FILE *out, const char *text) {
    fputc('\'', out);
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            fputc('\'', out);
        fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
    }
    fputc('\'', out);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk) {
    (void)info, (void)type, (void)walk;
    return remove(path);
}

/* Names a file in `folder`; false when that is too long. */
static bool path_in(char out[PATH_MAX], const char *folder, const char *name) {
    int len = snprintf(out, PATH_MAX, "%s/%s", folder, name);
    return len > 0 && len < PATH_MAX;
}

/* Makes the folder with its link to reports/. */
static bool work_folder_make(const struct report *report, char folder[PATH_MAX]) {
    const char *base = getenv("TMPDIR");
    char link[PATH_MAX], reports[PATH_MAX];
    if (!path_in(folder, base != NULL && base[0] == '/' ? base : "/tmp", "mqsim-report-XXXXXX") ||
        !path_in(reports, report->source, "reports")) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (mkdtemp(folder) == NULL)
        return false;
    return path_in(link, folder, "reports") && symlink(reports, link) == 0;
}

/* Starts gnuplot in `folder`; 0 or an errno. */
static int gnuplot_start(const char *folder, const char *program, pid_t *pid) {
    char *const argv[] = {"gnuplot", "-d", "figure.gp", (char *)(uintptr_t)program, NULL};
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0)
        return error;
    const int create = O_WRONLY | O_CREAT | O_TRUNC;
    if ((error = posix_spawn_file_actions_addchdir_np(&actions, folder)) == 0 &&
        (error = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)) == 0 &&
        (error = posix_spawn_file_actions_addopen(&actions, 1, "said.txt", create, 0600)) == 0 &&
        (error = posix_spawn_file_actions_adddup2(&actions, 1, 2)) == 0)
        error = posix_spawnp(pid, "gnuplot", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* Waits for it, at most GNUPLOT_SECONDS. Its wait status, or -1 when it had to be killed. */
static int gnuplot_wait(pid_t pid) {
    const struct timespec pause = {0, 5000000};
    for (int i = 0; i < GNUPLOT_SECONDS * 200; i++) {
        int status;
        pid_t got = waitpid(pid, &status, WNOHANG);
        if (got == pid)
            return status;
        if (got < 0 && errno != EINTR)
            return -1;
        nanosleep(&pause, NULL);
    }
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return -1;
}

/* Adds a sentence to the note, once. */
static void note_add(struct report *report, const char *text) {
    size_t used = strlen(report->note);
    if (strstr(report->note, text) == NULL)
        snprintf(report->note + used, sizeof report->note - used, "%s%s", used == 0 ? "" : "; ",
                 text);
}

/* Notes why gnuplot failed: the line of its output that says so, which comes last. */
static void note_failure(struct report *report, const char *folder, const char *name, int status) {
    char path[PATH_MAX], text[512];
    char *said = path_in(path, folder, "said.txt") ? file_read_whole(path, &(size_t){0}) : NULL;
    char *line = said;
    for (char *at = said; at != NULL && *at != '\0'; at += strcspn(at, "\n"), at += *at == '\n')
        if (strspn(at, " \t^") < strcspn(at, "\n"))
            line = at;
    int len = line == NULL ? 0 : (int)strcspn(line, "\n");
    snprintf(text, sizeof text, "gnuplot failed to draw %s (%s %d): %.*s", name,
             status == -1          ? "no answer, seconds"
             : WIFSIGNALED(status) ? "signal"
                                   : "exit code",
             status == -1          ? GNUPLOT_SECONDS
             : WIFSIGNALED(status) ? WTERMSIG(status)
                                   : WEXITSTATUS(status),
             len > 300 ? 300 : len, line == NULL ? "" : line);
    note_add(report, text);
    free(said);
}

/* Draws figure.gp of the folder with the figure's program. */
static enum figure_state gnuplot_run(struct report *report, const char *folder, const char *name) {
    char program[128];
    pid_t pid;
    snprintf(program, sizeof program, "reports/%s.gp", name);
    int error = gnuplot_start(folder, program, &pid);
    if (error != 0) {
        char text[256];
        snprintf(text, sizeof text, "no pictures: gnuplot cannot be run (%s); install gnuplot-nox",
                 strerror(error));
        note_add(report, text);
        return FIGURE_FAILED;
    }
    int status = gnuplot_wait(pid);
    if (status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return FIGURE_DRAWN;
    note_failure(report, folder, name, status);
    return FIGURE_FAILED;
}

static bool file_failed(struct report *report, const char *path) {
    snprintf(report->error, sizeof report->error, "%.900s: %s", path, strerror(errno));
    return false;
}

/* Writes figure.gp and the tables. As figure_data_fn. */
static int data_write(const struct report *report, const char *folder, struct canvas *canvas,
                      bool png, struct figure *figure, figure_data_fn *data) {
    char path[PATH_MAX];
    FILE *out = path_in(path, folder, "figure.gp") ? fopen(path, "w") : NULL;
    if (out == NULL)
        return -1;
    fprintf(out, "terminal = '%s'\nnarrow = %d\nwidth = %d\nfont_px = %d\nsmall = '%s,%d'\n",
            png ? "png" : "svg", canvas->narrow, canvas->width, canvas->font_px,
            png ? "sans" : "sans-serif", png ? (canvas->font_px - 2) * 3 / 4 : canvas->font_px - 2);
    int result = data(report, folder, out, canvas, figure);
    fprintf(out, "height = %d\n", canvas->height);
    return fclose(out) == 0 ? result : -1;
}

/* Takes the drawn SVG: the file of its own in plots/, and the text for the page. */
static bool take_svg(struct report *report, const char *folder, struct figure *figure,
                     bool narrow) {
    char from[PATH_MAX], to[PATH_MAX], name[128], prefix[128];
    const char *suffix = narrow ? "-narrow" : "";
    snprintf(name, sizeof name, "plots/%s%s.svg", figure->plot->name, suffix);
    snprintf(prefix, sizeof prefix, "%s%s-", figure->plot->name, suffix);
    if (!path_in(from, folder, "out") || !path_in(to, report->path, name))
        return file_failed(report, name);
    char *svg = file_read_whole(from, &(size_t){0});
    if (svg == NULL)
        return file_failed(report, from);
    char *whole = svg_adapt(svg, prefix, figure->plot->heading, true);
    char **part = narrow ? &figure->narrow : &figure->wide;
    *part = svg_adapt(svg, prefix, figure->plot->heading, false);
    free(svg);
    bool ok = whole != NULL && *part != NULL && file_write_whole(to, whole, strlen(whole));
    free(whole);
    return ok || file_failed(report, to);
}

static bool take_png(struct report *report, const char *folder, const struct figure *figure) {
    char from[PATH_MAX], to[PATH_MAX], name[128];
    size_t len = 0;
    snprintf(name, sizeof name, "plots/%s.png", figure->plot->name);
    if (!path_in(from, folder, "out") || !path_in(to, report->path, name))
        return file_failed(report, name);
    char *png = file_read_whole(from, &len);
    bool ok = png != NULL && file_write_whole(to, png, len);
    free(png);
    return ok || file_failed(report, to);
}

enum variant { WIDE, NARROW, PNG };

/* One of the pictures of a figure, in its own folder. */
static bool variant_draw(struct report *report, struct figure *figure, figure_data_fn *data,
                         enum variant variant) {
    struct canvas canvas = {.narrow = variant == NARROW,
                            .width = variant == NARROW ? 380 : 1000,
                            .font_px = variant == NARROW ? 12 : 13};
    char folder[PATH_MAX];
    if (!work_folder_make(report, folder))
        return file_failed(report, folder);
    bool ok = true;
    int result = data_write(report, folder, &canvas, variant == PNG, figure, data);
    if (result < 0)
        ok = file_failed(report, folder);
    else if (result == 0)
        figure->state = FIGURE_EMPTY;
    else
        figure->state = gnuplot_run(report, folder, figure->plot->name);
    if (ok && figure->state == FIGURE_DRAWN)
        ok = variant == PNG ? take_png(report, folder, figure)
                            : take_svg(report, folder, figure, variant == NARROW);
    nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS); /* left-overs in /tmp harm nobody */
    return ok;
}

bool figure_draw(struct report *report, struct figure *figure, figure_data_fn *data) {
    if (!variant_draw(report, figure, data, WIDE))
        return false;
    if (figure->state == FIGURE_DRAWN && !variant_draw(report, figure, data, NARROW))
        return false;
    if (figure->state == FIGURE_DRAWN && report->options->png)
        return variant_draw(report, figure, data, PNG);
    return true;
}
