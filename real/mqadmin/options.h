/* mqadmin/options.h - command lines as Apache's mqadmin takes them: "-t topic", "-ttopic",
 * "--topic topic", "--topic=topic", "-topic topic", flags together ("-lh").
 *
 * Differs: a value of the wrong kind, an argument that belongs to no option, and two options that
 * exclude each other are errors (Apache ignores some, and lets the last one win). */
#ifndef REAL_MQADMIN_OPTIONS_H
#define REAL_MQADMIN_OPTIONS_H

#include <stdio.h>

#include "real/mqadmin/arena.h"

enum option_kind {
    OPTION_FLAG, /* takes no value */
    OPTION_TEXT,
    OPTION_NUMBER, /* i64, not negative */
    OPTION_BOOL,   /* true or false */
    OPTION_TIME    /* ms since 1970, yyyy-MM-dd#HH:mm:ss:SSS in local time, or "now" */
};
enum option_need {
    OPTIONAL,
    REQUIRED,
    ONE_OF,     /* exactly one of all that say so */
    AT_MOST_ONE /* at most one of all that say so */
};
struct option {
    char letter;      /* 0: none */
    const char *name; /* "topic" */
    enum option_kind kind;
    enum option_need need;
    const char *fallback; /* NULL: none */
    const char *about;
};

#define OPTIONS_MAX 16
struct options {
    const struct option *specs;
    size_t count;
    const char *values[OPTIONS_MAX]; /* trimmed; NULL: not given. A flag: "true" */
    const char *name_servers;        /* -n */
    bool help, json;
};

/* Reads `argv` (without program and command). NULL, or what is wrong, in the arena. */
const char *options_parse(struct options *options, struct arena *arena, const struct option *specs,
                          size_t count, int argc, char *const *argv);
/* "usage: mqadmin NAME ..." and one line per option. */
void options_help(FILE *out, const char *command, const char *about, const struct option *specs,
                  size_t count);

/* Values by long name, which must be among the specs: given, else the fallback, else NULL, 0 or
 * false. */
bool options_given(const struct options *options, const char *name);
const char *options_text(const struct options *options, const char *name);
int64_t options_number(const struct options *options, const char *name);
bool options_bool(const struct options *options, const char *name);
/* "now" is -1, as Apache has it (resetOffsetByTime). */
int64_t options_time(const struct options *options, const char *name);

/* The one of `count` names, at `stride` bytes from each other, that is fewest changes away from
 * `word`, in any case; NULL when none is near. */
const char *nearest_word(const char *word, const void *names, size_t count, size_t stride);

#endif
