#include "real/daemon/tools_yml.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_BYTES_MAX 65536

int tools_yml_read(struct env *env, struct acl_file **out) {
    char path[PATH_MAX];
    static const char REST[] = "/conf/tools.yml";
    const char *home = getenv("ROCKETMQ_HOME");
    *out = NULL;
    if (home == NULL || home[0] == 0)
        return RMQ_OK;
    if (snprintf(path, sizeof path, "%s%s", home, REST) >= (int)sizeof path) {
        fputs("ROCKETMQ_HOME: too long\n", stderr);
        return RMQ_E_LIMIT;
    }
    FILE *file = fopen(path, "re");
    if (file == NULL && errno == ENOENT)
        return RMQ_OK;
    char *text = file == NULL ? NULL : malloc(FILE_BYTES_MAX);
    struct acl_error error = {0};
    int err = RMQ_E_IO;
    if (text != NULL) {
        size_t len = fread(text, 1, FILE_BYTES_MAX, file);
        if (ferror(file) == 0)
            err = acl_tools_read(env, span_of_text(path), span_of(text, len), out, &error);
    }
    if (err != RMQ_OK && error.line > 0)
        fprintf(stderr, "%s:%zu:%zu: %s\n", path, error.line, error.column, error.text);
    else if (err != RMQ_OK)
        fprintf(stderr, "%s: %s\n", path, error.text[0] != 0 ? error.text : rmq_err_text(err));
    free(text);
    if (file != NULL)
        (void)fclose(file);
    return err;
}
