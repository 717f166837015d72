/* mqshutdown.c - sends SIGTERM to the daemons of this installation: mqshutdown broker|namesrv.
 *
 * Texts and exit codes are those of Apache's script (distribution/bin/mqshutdown, 4.9.8), which
 * does not wait either. Differs: it takes processes of this user that run the very file beside this
 * one, not whatever has the name in its command line. */
#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROCESSES_MAX 256
#define DELETED " (deleted)" /* what /proc says of a program that was replaced meanwhile */

/* The file that /proc/`pid` runs. */
static bool program_of(const char *pid, char out[PATH_MAX]) {
    char link[PATH_MAX];
    (void)snprintf(link, sizeof link, "/proc/%s/exe", pid);
    ssize_t len = readlink(link, out, PATH_MAX - 1);
    if (len < 0)
        return false;
    out[len] = 0;
    size_t tail = strlen(DELETED);
    if ((size_t)len > tail && strcmp(out + (size_t)len - tail, DELETED) == 0)
        out[(size_t)len - tail] = 0;
    return true;
}

static bool is_mine(const char *pid) {
    char path[PATH_MAX];
    struct stat status;
    (void)snprintf(path, sizeof path, "/proc/%s", pid);
    return stat(path, &status) == 0 && status.st_uid == getuid();
}

/* How many run `program`. */
static size_t find(const char *program, pid_t pids[PROCESSES_MAX]) {
    DIR *proc = opendir("/proc");
    size_t count = 0;
    char path[PATH_MAX];
    for (struct dirent *entry = proc == NULL ? NULL : readdir(proc);
         entry != NULL && count < PROCESSES_MAX; entry = readdir(proc)) {
        char *end;
        long pid = strtol(entry->d_name, &end, 10);
        if (*end == 0 && pid > 0 && is_mine(entry->d_name) && program_of(entry->d_name, path) &&
            strcmp(path, program) == 0)
            pids[count++] = (pid_t)pid;
    }
    if (proc != NULL)
        (void)closedir(proc);
    return count;
}

static int shut_down(const char *name) {
    char program[PATH_MAX], list[PROCESSES_MAX * 12] = "";
    pid_t pids[PROCESSES_MAX];
    if (!program_of("self", program)) {
        perror("mqshutdown: /proc/self/exe");
        return 1;
    }
    char *base = strrchr(program, '/') + 1;
    (void)snprintf(base, (size_t)(program + sizeof program - base), "%s", name);
    size_t count = find(program, pids), len = 0;
    if (count == 0) {
        printf("No %s running.\n", name);
        return 255;
    }
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%d", i == 0 ? "" : " ",
                                (int)pids[i]);
    printf("The %s(%s) is running...\n", name, list);
    for (size_t i = 0; i < count; i++) {
        if (kill(pids[i], SIGTERM) != 0) {
            perror("mqshutdown: kill");
            return 1;
        }
    }
    printf("Send shutdown request to %s(%s) OK\n", name, list);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "broker") == 0)
        return shut_down("mqbroker");
    if (argc == 2 && strcmp(argv[1], "namesrv") == 0)
        return shut_down("mqnamesrv");
    printf("Useage: mqshutdown broker | namesrv\n"); /* as Apache spells it */
    return argc == 2 && strcmp(argv[1], "-h") == 0 ? 0 : 1;
}
