/* mqadmin/options.c - see options.h. Source: commons-cli's PosixParser as MQAdminStartup uses it.
 */
#include "real/mqadmin/options.h"

#include <ctype.h>
#include <strings.h>
#include <time.h>

#include "model/base/check.h"
#include "model/base/err.h"

static const struct option COMMON[] = {
    {'h', "help", OPTION_FLAG, OPTIONAL, NULL, "Print help"},
    {'n', "namesrvAddr", OPTION_TEXT, OPTIONAL, NULL,
     "Name server address list, eg: '192.168.0.1:9876;192.168.0.2:9876'; default: NAMESRV_ADDR"},
    {0, "json", OPTION_FLAG, OPTIONAL, NULL, "Print one JSON document"},
};
#define COMMON_COUNT (sizeof(COMMON) / sizeof(COMMON[0]))

/* An option of the command or a common one, by index: the common ones come last. */
static const struct option *option_at(const struct options *options, size_t index) {
    return index < options->count ? &options->specs[index] : &COMMON[index - options->count];
}

#define NOT_FOUND SIZE_MAX
static size_t find_letter(const struct options *options, char letter) {
    for (size_t i = 0; i < options->count + COMMON_COUNT; i++) {
        if (option_at(options, i)->letter == letter)
            return i;
    }
    return NOT_FOUND;
}

static size_t find_name(const struct options *options, const char *name, size_t len) {
    for (size_t i = 0; i < options->count + COMMON_COUNT; i++) {
        const char *known = option_at(options, i)->name;
        if (strlen(known) == len && memcmp(known, name, len) == 0)
            return i;
    }
    return NOT_FOUND;
}

/* ---- values ---------------------------------------------------------------------------------- */

static bool parse_time(const char *text, int64_t *out) {
    if (strcmp(text, "now") == 0) {
        *out = -1;
        return true;
    }
    if (span_to_i64(span_of_text(text), out) == RMQ_OK)
        return true;
    int year, month, day, hour, minute, second, milli = 0, end = 0;
    int count = sscanf(text, "%d-%d-%d#%d:%d:%d%n:%d%n", &year, &month, &day, &hour, &minute,
                       &second, &end, &milli, &end);
    if (count < 6 || text[end] != '\0' || milli < 0 || milli > 999)
        return false;
    struct tm local = {.tm_year = year - 1900,
                       .tm_mon = month - 1,
                       .tm_mday = day,
                       .tm_hour = hour,
                       .tm_min = minute,
                       .tm_sec = second,
                       .tm_isdst = -1};
    time_t seconds = mktime(&local);
    *out = (int64_t)seconds * 1000 + milli;
    return seconds != (time_t)-1;
}

static const char *check_value(struct arena *arena, const struct option *option,
                               const char *value) {
    int64_t number;
    const char *expected = NULL;
    if (option->kind == OPTION_NUMBER &&
        (span_to_i64(span_of_text(value), &number) != RMQ_OK || number < 0))
        expected = "a number from 0 up";
    if (option->kind == OPTION_BOOL && strcasecmp(value, "true") != 0 &&
        strcasecmp(value, "false") != 0)
        expected = "true or false";
    if (option->kind == OPTION_TIME && !parse_time(value, &number))
        expected = "now, milliseconds since 1970, or yyyy-MM-dd#HH:mm:ss:SSS";
    return expected == NULL
               ? NULL
               : arena_format(arena, "--%s: '%s' is not %s", option->name, value, expected);
}

static const char *trimmed(struct arena *arena, const char *text) {
    size_t len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        len--;
    while (len > 0 && isspace((unsigned char)*text)) {
        text++;
        len--;
    }
    return arena_text(arena, span_of(text, len));
}

static const char *store_value(struct options *options, struct arena *arena, size_t index,
                               const char *value) {
    const struct option *option = option_at(options, index);
    if (index >= options->count) {
        if (value != NULL)
            options->name_servers = trimmed(arena, value);
        else if (option->letter == 'h')
            options->help = true;
        else
            options->json = true;
        return NULL;
    }
    options->values[index] = value == NULL ? "true" : trimmed(arena, value);
    return value == NULL ? NULL : check_value(arena, option, options->values[index]);
}

/* ---- arguments ------------------------------------------------------------------------------- */

struct arguments {
    int count;
    char *const *texts;
    int at;
};

/* `attached`: the value that stood in the same argument, or NULL. */
static const char *take_option(struct options *options, struct arena *arena,
                               struct arguments *arguments, size_t index, const char *attached) {
    const struct option *option = option_at(options, index);
    if (option->kind == OPTION_FLAG)
        return attached == NULL ? store_value(options, arena, index, NULL)
                                : arena_format(arena, "--%s takes no value", option->name);
    if (attached == NULL && arguments->at < arguments->count)
        attached = arguments->texts[arguments->at++];
    if (attached == NULL)
        return arena_format(arena, "--%s needs a value", option->name);
    return store_value(options, arena, index, attached);
}

static const char *unknown_option(const struct options *options, struct arena *arena,
                                  const char *argument) {
    const char *names[OPTIONS_MAX + COMMON_COUNT];
    size_t count = options->count + COMMON_COUNT;
    for (size_t i = 0; i < count; i++) {
        names[i] = option_at(options, i)->name;
    }
    const char *word = argument + (argument[1] == '-' ? 2 : 1);
    const char *nearest =
        strlen(word) > 1 ? nearest_word(word, (const void *)names, count, sizeof(names[0])) : NULL;
    return nearest == NULL
               ? arena_format(arena, "unrecognized option: %s", argument)
               : arena_format(arena, "unrecognized option: %s (--%s?)", argument, nearest);
}

static const char *take_letters(struct options *options, struct arena *arena,
                                struct arguments *arguments, const char *argument) {
    for (const char *at = argument + 1; *at != '\0'; at++) {
        size_t index = find_letter(options, *at);
        if (index == NOT_FOUND)
            return unknown_option(options, arena, argument);
        bool value = option_at(options, index)->kind != OPTION_FLAG;
        const char *error =
            take_option(options, arena, arguments, index, value && at[1] != '\0' ? at + 1 : NULL);
        if (error != NULL || value)
            return error;
    }
    return NULL;
}

static const char *take_argument(struct options *options, struct arena *arena,
                                 struct arguments *arguments) {
    const char *argument = arguments->texts[arguments->at++];
    if (argument[0] != '-' || argument[1] == '\0')
        return arena_format(arena, "'%s' belongs to no option", argument);
    bool two_dashes = argument[1] == '-';
    const char *name = argument + (two_dashes ? 2 : 1);
    size_t len = strcspn(name, "=");
    size_t index = two_dashes || len > 1 ? find_name(options, name, len) : NOT_FOUND;
    if (index != NOT_FOUND)
        return take_option(options, arena, arguments, index,
                           name[len] == '=' ? name + len + 1 : NULL);
    if (two_dashes)
        return unknown_option(options, arena, argument);
    return take_letters(options, arena, arguments, argument);
}

static const char *group_text(const struct options *options, struct arena *arena,
                              enum option_need need) {
    const char *text = "";
    for (size_t i = 0; i < options->count; i++) {
        const struct option *option = &options->specs[i];
        if (option->need == need)
            text = arena_format(arena, "%s%s-%c/--%s", text, *text == '\0' ? "" : ", ",
                                option->letter, option->name);
    }
    return text;
}

static const char *check_needs(const struct options *options, struct arena *arena) {
    size_t of_group = 0;
    enum option_need group = OPTIONAL;
    for (size_t i = 0; i < options->count; i++) {
        const struct option *option = &options->specs[i];
        bool given = options->values[i] != NULL;
        if (option->need == REQUIRED && !given)
            return arena_format(arena, "missing required option: -%c/--%s", option->letter,
                                option->name);
        if (option->need == ONE_OF || option->need == AT_MOST_ONE) {
            group = option->need;
            of_group += given ? 1 : 0;
        }
    }
    if (group == ONE_OF && of_group == 0)
        return arena_format(arena, "one of these is required: %s",
                            group_text(options, arena, group));
    if (of_group > 1)
        return arena_format(arena, "only one of these may be given: %s",
                            group_text(options, arena, group));
    return NULL;
}

const char *options_parse(struct options *options, struct arena *arena, const struct option *specs,
                          size_t count, int argc, char *const *argv) {
    RMQ_ASSERT(count <= OPTIONS_MAX);
    *options = (struct options){.specs = specs, .count = count};
    struct arguments arguments = {argc, argv, 0};
    const char *error = NULL;
    while (error == NULL && arguments.at < argc) {
        error = take_argument(options, arena, &arguments);
    }
    /* --json and -h hold whatever else is wrong. */
    for (int i = arguments.at; i < argc; i++) {
        options->json |= strcmp(argv[i], "--json") == 0;
    }
    return error != NULL || options->help ? error : check_needs(options, arena);
}

/* ---- help ------------------------------------------------------------------------------------ */

static void print_option(FILE *out, const struct option *option) {
    char left[64];
    const char *value = option->kind == OPTION_FLAG ? "" : " <arg>";
    if (option->letter != 0)
        snprintf(left, sizeof(left), "-%c,--%s%s", option->letter, option->name, value);
    else
        snprintf(left, sizeof(left), "--%s%s", option->name, value);
    fprintf(out, " %-36s %s", left, option->about);
    if (option->fallback != NULL)
        fprintf(out, " (default: %s)", option->fallback);
    fputc('\n', out);
}

static void print_usage(FILE *out, const struct option *specs, size_t count) {
    const char *between = " ";
    for (size_t i = 0; i < count; i++) { /* what excludes each other: -b <arg> | -c <arg> */
        if (specs[i].need == ONE_OF) {
            fprintf(out, "%s-%c <arg>", between, specs[i].letter);
            between = " | ";
        }
    }
    for (size_t i = 0; i < count + COMMON_COUNT; i++) {
        const struct option *option = i < count ? &specs[i] : &COMMON[i - count];
        const char *value = option->kind == OPTION_FLAG ? "" : " <arg>";
        if (option->letter == 0)
            fprintf(out, " [--%s%s]", option->name, value);
        else if (option->need == REQUIRED)
            fprintf(out, " -%c%s", option->letter, value);
        else if (option->need != ONE_OF)
            fprintf(out, " [-%c%s]", option->letter, value);
    }
}

void options_help(FILE *out, const char *command, const char *about, const struct option *specs,
                  size_t count) {
    fprintf(out, "usage: mqadmin %s", command);
    print_usage(out, specs, count);
    fprintf(out, "\n%s\n", about);
    for (size_t i = 0; i < count; i++) {
        print_option(out, &specs[i]);
    }
    for (size_t i = 0; i < COMMON_COUNT; i++) {
        print_option(out, &COMMON[i]);
    }
}

/* ---- what a command asks --------------------------------------------------------------------- */

static size_t index_of(const struct options *options, const char *name) {
    size_t index = find_name(options, name, strlen(name));
    RMQ_ASSERT(index < options->count);
    return index;
}

bool options_given(const struct options *options, const char *name) {
    return options->values[index_of(options, name)] != NULL;
}

const char *options_text(const struct options *options, const char *name) {
    size_t index = index_of(options, name);
    const char *value = options->values[index];
    return value == NULL ? options->specs[index].fallback : value;
}

int64_t options_number(const struct options *options, const char *name) {
    const char *text = options_text(options, name);
    int64_t number = 0;
    RMQ_IGNORE(span_to_i64(span_of_text(text == NULL ? "0" : text), &number), "checked before");
    return number;
}

bool options_bool(const struct options *options, const char *name) {
    const char *text = options_text(options, name);
    return text != NULL && strcasecmp(text, "true") == 0;
}

int64_t options_time(const struct options *options, const char *name) {
    const char *text = options_text(options, name);
    int64_t time_ms = 0;
    return text != NULL && parse_time(text, &time_ms) ? time_ms : 0;
}

/* ---- the nearest word ------------------------------------------------------------------------ */

#define WORD_MAX 40
/* Insertions, deletions and replacements between two words, letters in any case. */
static size_t word_distance(const char *a, const char *b) {
    size_t a_len = strlen(a), b_len = strlen(b), row[WORD_MAX + 1];
    if (a_len > WORD_MAX || b_len > WORD_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b_len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            bool same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
            size_t best = diagonal + (same ? 0 : 1);
            diagonal = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
        }
    }
    return row[b_len];
}

const char *nearest_word(const char *word, const void *names, size_t count, size_t stride) {
    const char *nearest = NULL;
    size_t best = strlen(word) / 2 + 1;
    for (size_t i = 0; i < count; i++) {
        const char *name = *(const char *const *)((const char *)names + i * stride);
        size_t distance = word_distance(word, name);
        if (distance < best) {
            best = distance;
            nearest = name;
        }
    }
    return nearest;
}
