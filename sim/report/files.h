/* sim/report/files.h - whole files and directories, CSV text. Outside a run. */
#ifndef SIM_FILES_H
#define SIM_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* mkdir -p. False with errno. */
bool directory_make(const char *path);
/* Writes `text` to a temporary file beside `path` and renames it. False with errno. */
bool file_write_whole(const char *path, const char *text, size_t len);
/* Content with a NUL behind it, for free(); NULL with errno. */
char *file_read_whole(const char *path, size_t *len);
/* directory/name, for free(); NULL: no memory. */
char *path_join(const char *directory, const char *name);

/* The same for a file of a directory, from NUL-terminated text. */
bool file_write_in(const char *directory, const char *name, const char *text);
/* `path` with series/ and plots/ in it. */
bool run_directories_make(const char *path);

/* The event log that a path means: of a directory, its events.bin. For free(). */
char *path_of_log(const char *path);

/* A file that appears whole when it is closed: written under a temporary name. */
struct new_file {
    FILE *stream; /* NULL: could not be opened */
    char *path, *temporary;
};
bool new_file_open(struct new_file *file, const char *directory, const char *name);
/* False with errno when anything was not written; nothing is left behind then. */
bool new_file_close(struct new_file *file);

/* A CSV field; quoted when it needs to be. */
void csv_text(FILE *out, const char *text);

#endif
