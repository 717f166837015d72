/* sim/tests/folder.h - a temporary folder for tests that write files. */
#ifndef SIM_TESTS_FOLDER_H
#define SIM_TESTS_FOLDER_H

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/report/files.h"

static char folder[64];

static inline void folder_make(void) {
    snprintf(folder, sizeof folder, "/tmp/windtunnel-test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void folder_empty(const char *path) {
    DIR *directory = opendir(path);
    const struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char *inner = path_join(path, entry->d_name);
        if (unlink(inner) != 0)
            folder_empty(inner);
        free(inner);
    }
    if (directory != NULL)
        closedir(directory);
    rmdir(path);
}

static inline void folder_remove(void) {
    folder_empty(folder);
}

/* Content of folder/name, for free(). */
static inline char *folder_read(const char *name) {
    size_t len;
    char *path = path_join(folder, name);
    char *text = file_read_whole(path, &len);
    ck_assert_msg(text != NULL, "%s", path);
    free(path);
    return text;
}

static inline bool folder_has(const char *name) {
    struct stat status;
    char *path = path_join(folder, name);
    bool has = stat(path, &status) == 0;
    free(path);
    return has;
}

#endif
