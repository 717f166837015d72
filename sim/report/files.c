/* sim/report/files.c - whole files and directories. */
#include "sim/report/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool make_one(const char *path) {
    struct stat status;
    if (mkdir(path, 0777) == 0)
        return true;
    if (errno != EEXIST || stat(path, &status) != 0)
        return false;
    errno = ENOTDIR;
    return S_ISDIR(status.st_mode);
}

bool directory_make(const char *path) {
    char *copy = strdup(path);
    bool made = copy != NULL && *copy != '\0';
    if (copy != NULL && !made)
        errno = ENOENT;
    for (char *at = copy; made && *at != '\0';) {
        at += 1 + strcspn(at + 1, "/"); /* the end of this part */
        char byte = *at;
        *at = '\0';
        made = make_one(copy);
        *at = byte;
    }
    int error = errno;
    free(copy);
    errno = error;
    return made;
}

char *path_join(const char *directory, const char *name) {
    size_t size = strlen(directory) + strlen(name) + 2;
    char *path = malloc(size);
    if (path != NULL)
        snprintf(path, size, "%s/%s", directory, name);
    return path;
}

bool new_file_open(struct new_file *file, const char *directory, const char *name) {
    *file = (struct new_file){NULL, path_join(directory, name), NULL};
    size_t size = file->path == NULL ? 0 : strlen(file->path) + 32;
    file->temporary = size == 0 ? NULL : malloc(size);
    if (file->temporary != NULL) {
        snprintf(file->temporary, size, "%s.%ld.tmp", file->path, (long)getpid());
        file->stream = fopen(file->temporary, "wbe");
    }
    if (file->stream != NULL)
        return true;
    int error = errno;
    free(file->path);
    free(file->temporary);
    errno = error;
    return false;
}

bool new_file_close(struct new_file *file) {
    bool written = fflush(file->stream) == 0 && !ferror(file->stream);
    int error = written ? 0 : errno;
    if (fclose(file->stream) != 0 && written) {
        written = false;
        error = errno;
    }
    if (written && rename(file->temporary, file->path) != 0) {
        written = false;
        error = errno;
    }
    if (!written)
        unlink(file->temporary);
    free(file->path);
    free(file->temporary);
    errno = error;
    return written;
}

bool file_write_whole(const char *path, const char *text, size_t len) {
    const char *slash = strrchr(path, '/');
    char *directory = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path));
    if (directory == NULL)
        return false;
    struct new_file file;
    bool opened = new_file_open(&file, *directory == '\0' ? "/" : directory,
                                slash == NULL ? path : slash + 1);
    int error = errno;
    free(directory);
    errno = error;
    if (!opened)
        return false;
    if (len > 0)
        fwrite(text, 1, len, file.stream);
    return new_file_close(&file);
}

char *path_of_log(const char *path) {
    struct stat status;
    bool directory = stat(path, &status) == 0 && S_ISDIR(status.st_mode);
    return directory ? path_join(path, "events.bin") : strdup(path);
}

bool file_write_in(const char *directory, const char *name, const char *text) {
    char *path = path_join(directory, name);
    bool written = path != NULL && file_write_whole(path, text, strlen(text));
    int error = path == NULL ? ENOMEM : errno;
    free(path);
    errno = error;
    return written;
}

bool run_directories_make(const char *path) {
    static const char *const parts[] = {"series", "plots"};
    if (!directory_make(path))
        return false;
    for (size_t i = 0; i < 2; i++) {
        char *part = path_join(path, parts[i]);
        bool made = part != NULL && directory_make(part);
        int error = part == NULL ? ENOMEM : errno;
        free(part);
        errno = error;
        if (!made)
            return false;
    }
    return true;
}

char *file_read_whole(const char *path, size_t *len) {
    FILE *stream = fopen(path, "rbe");
    if (stream == NULL)
        return NULL;
    char *text = NULL;
    size_t capacity = 0;
    *len = 0;
    bool failed = false;
    while (!failed && !feof(stream)) {
        if (*len + 4096 > capacity) {
            capacity = capacity * 2 + 8192;
            char *grown = realloc(text, capacity);
            if (grown == NULL)
                break;
            text = grown;
        }
        *len += fread(text + *len, 1, capacity - *len - 1, stream);
        failed = ferror(stream) != 0;
    }
    int error = failed ? errno : ENOMEM;
    bool whole = !failed && text != NULL && feof(stream);
    fclose(stream);
    if (whole) {
        text[*len] = '\0';
        return text;
    }
    free(text);
    errno = error;
    return NULL;
}

void csv_text(FILE *out, const char *text) {
    if (strpbrk(text, ",\"\n\r ") == NULL) {
        fputs(text, out);
        return;
    }
    putc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            putc('"', out);
        putc(*text == '\n' || *text == '\r' ? ' ' : *text, out);
    }
    putc('"', out);
}
