/* conformance.c - runs the steps of a transcript on two nodes and compares what they see. */
#include "model/tests/conformance.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/tests/conformance_internal.h"

#define TURNS_MAX 100000 /* advances that one step may take */

const struct conformance_driver *conformance_driver;
uint16_t conformance_port[2];

/* ---- the text ---- */

static struct {
    char *data;
    size_t len, capacity;
} text;

static void put(const char *bytes, size_t len) {
    if (text.len + len + 1 > text.capacity) {
        text.capacity = 2 * (text.len + len + 1);
        text.data = realloc(text.data, text.capacity);
        RMQ_ASSERT(text.data != NULL);
    }
    memcpy(text.data + text.len, bytes, len);
    text.len += len;
    text.data[text.len] = '\0';
}

void say(const char *format, ...) {
    char line[4096];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    RMQ_ASSERT(len >= 0 && (size_t)len < sizeof line);
    put("= ", 2);
    put(line, (size_t)len);
    put("\n", 1);
}

void say_err(int err) {
    say("%s", err == RMQ_OK ? "ok" : rmq_err_text(err));
}

const char *conformance_text(void) {
    return text.data;
}

size_t conformance_text_len(void) {
    return text.len;
}

static void put_byte(uint8_t byte) {
    char shown[8];
    bool plain = byte > ' ' && byte < 127 && byte != '[' && byte != '\\';
    int len = snprintf(shown, sizeof shown, plain ? "%c" : "\\%02x", byte);
    put(shown, (size_t)len);
}

void say_bytes(const char *before, const uint8_t *bytes, size_t len) {
    char number[64];
    put("= ", 2);
    put(number, (size_t)snprintf(number, sizeof number, "%s %zu ", before, len));
    for (size_t at = 0, run; at < len; at += run) {
        run = 1;
        while (at + run < len && bytes[at + run] == bytes[at]) {
            run++;
        }
        if (run <= 8) {
            for (size_t i = 0; i < run; i++) {
                put_byte(bytes[at]);
            }
        } else {
            put(number, (size_t)snprintf(number, sizeof number, "[%zu*", run));
            put_byte(bytes[at]);
            put("]", 1);
        }
    }
    put("\n", 1);
}

/* ---- words ---- */

uint64_t word_number(const struct words *words, size_t index) {
    uint64_t value = 0;
    RMQ_ASSERT(index < words->count);
    int err = span_to_u64(words->word[index], &value);
    RMQ_ASSERT(err == RMQ_OK);
    return value;
}

size_t word_name(const struct words *words, size_t index) {
    RMQ_ASSERT(index < words->count && words->word[index].len == 1);
    size_t name = (size_t)(words->word[index].data[0] - 'a');
    RMQ_ASSERT(name < NAMES);
    return name;
}

/* "LONG" stands for 600 bytes, "ROOT" for the directory itself, "NONE" for no path. */
struct span word_path(const struct words *words, size_t index, char out[ENV_PATH_MAX * 2]) {
    RMQ_ASSERT(index < words->count);
    struct span word = words->word[index];
    if (span_equal(word, SPAN_LITERAL("NONE"))) {
        return span_of("", 0);
    }
    if (span_equal(word, SPAN_LITERAL("relative"))) {
        return word;
    }
    bool is_long = span_equal(word, SPAN_LITERAL("LONG"));
    bool is_root = span_equal(word, SPAN_LITERAL("ROOT"));
    int len = snprintf(out, ENV_PATH_MAX * 2, "%s%.*s", conformance_driver->root,
                       is_long || is_root ? 0 : (int)word.len, (const char *)word.data);
    RMQ_ASSERT(len > 0 && len < ENV_PATH_MAX);
    if (is_long) {
        memset(out + len, 'x', 600 - (size_t)len);
        out[len] = '/';
        len = 600;
    }
    return span_of(out, (size_t)len);
}

/* ---- the role ---- */

static step_done_fn *waits; /* what the step waits for, or NULL */

void wait_until(step_done_fn *done) {
    waits = done;
}

static void parse_words(struct span line, struct words *out) {
    struct span word;
    *out = (struct words){0};
    while (span_next_part(&line, ' ', &word)) {
        if (out->count == 0 && span_equal(word, SPAN_LITERAL("&"))) {
            out->background = true;
            continue;
        }
        RMQ_ASSERT(out->count < WORDS_MAX);
        out->word[out->count++] = word;
    }
}

/* do=LINE runs a step, do=poll asks for what it waits for. */
static int on_command(void *node, const struct props *command) {
    struct program *program = node;
    struct span line = props_get(command, "do");
    struct words words;
    if (span_equal(line, SPAN_LITERAL("poll"))) {
        if (waits != NULL && waits(program)) {
            waits = NULL;
        }
        return RMQ_OK;
    }
    parse_words(line, &words);
    bool known = step_of_files(program, &words) || step_of_self(program, &words) ||
                 step_of_net(program, &words);
    if (!known) {
        printf("no such step: %.*s\n", (int)line.len, (const char *)line.data);
    }
    return known ? RMQ_OK : RMQ_E_INVALID;
}

static int on_start(struct env *env, const struct props *config, void **node) {
    struct program *program = env_alloc(env, sizeof *program);
    int64_t number;
    if (program == NULL) {
        return RMQ_E_NOMEM;
    }
    memset(program, 0, sizeof *program);
    program->env = env;
    *node = program;
    int err = props_get_i64(config, "number", 0, &number);
    program->number = (int)number;
    return err == RMQ_OK ? env_path_make_dir(env, span_of_text(conformance_driver->root)) : err;
}

/* All that is open is closed. */
static void on_stop(void *node) {
    struct program *program = node;
    struct env *env = program->env;
    for (size_t i = 0; i < NAMES; i++) {
        env_file_close(program->files[i]);
        env_timer_stop(env, &program->timers[i].timer);
        if (program->conns[i].conn != NULL) {
            env_conn_close(program->conns[i].conn);
        }
        if (program->conns[i].program != NULL) {
            buf_deinit(&program->conns[i].received);
        }
    }
    if (program->listener != NULL) {
        env_listener_close(program->listener);
    }
    for (size_t i = 0; i < program->op_count; i++) {
        env_free(env, program->ops[i].data);
    }
    env_free(env, program);
    env_exit(env, 0);
}

const struct role conformance_role = {"conformance", on_start, on_stop, on_command};

const char *conformance_config(int node) {
    return node == 0 ? "number=0\n" : "number=1\n";
}

/* ---- the driver's side ---- */

static bool command(int node, const char *line) {
    struct props props;
    props_init(&props, conformance_driver->memory());
    int err = props_set_text(&props, "do", line);
    RMQ_ASSERT(err == RMQ_OK);
    err = conformance_driver->command(node, &props);
    props_deinit(&props);
    return err == RMQ_OK;
}

/* `start`: B or A (anew). */
static bool run_start(int node) {
    int err = conformance_driver->start(node);
    say_err(err);
    return err == RMQ_OK;
}

bool conformance_step(const char *line) {
    int node = strncmp(line, "B ", 2) == 0 ? 1 : 0;
    line += node * 2;
    put(node == 1 ? "B " : "", (size_t)node * 2);
    put(line, strlen(line));
    put("\n", 1);
    if (strcmp(line, "start") == 0) {
        return run_start(node);
    }
    waits = NULL;
    bool good = command(node, line);
    for (int turn = 0; good && waits != NULL; turn++) {
        conformance_driver->advance();
        good = command(node, "poll") && turn < TURNS_MAX;
    }
    if (waits != NULL) {
        say("never");
        waits = NULL;
    }
    for (int turn = 0; good && strncmp(line, "exit", 4) == 0 && conformance_driver->is_up(node);
         turn++) {
        conformance_driver->advance();
        good = turn < TURNS_MAX;
    }
    return good;
}

static char *read_file(const char *path) {
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return NULL;
    }
    static char content[1 << 20];
    size_t len = fread(content, 1, sizeof content - 1, file);
    fclose(file);
    content[len] = '\0';
    return content;
}

/* Both texts from their first difference on; the whole of what was seen goes to a file. */
static void show_difference(const char *transcript, const char *expected) {
    size_t line = 1, at = 0, begin = 0;
    while (expected[at] != '\0' && expected[at] == text.data[at]) {
        if (expected[at++] == '\n') {
            begin = at;
            line++;
        }
    }
    char path[512];
    snprintf(path, sizeof path, "%s/conformance-%s-%s", RMQ_BINARY_DIR, conformance_driver->name,
             transcript);
    FILE *out = fopen(path, "w");
    if (out != NULL) {
        fwrite(text.data, 1, text.len, out);
        fclose(out);
    }
    printf("%s: line %zu of %s: expected \"%.*s\", seen \"%.*s\"; all of it: %s\n",
           conformance_driver->name, line, transcript, (int)strcspn(expected + begin, "\n"),
           expected + begin, (int)strcspn(text.data + begin, "\n"), text.data + begin, path);
}

static bool compare(const char *transcript, const char *path, const char *expected) {
    if (expected != NULL && strcmp(expected, text.data) == 0) {
        return true;
    }
    if (getenv("RMQ_CONFORMANCE_WRITE") != NULL) {
        FILE *out = fopen(path, "w");
        RMQ_ASSERT(out != NULL);
        fwrite(text.data, 1, text.len, out);
        fclose(out);
        return true;
    }
    show_difference(transcript, expected == NULL ? "" : expected);
    return false;
}

/* Runs the lines of `steps` that are no results. */
static bool run_lines(const char *steps) {
    bool good = true;
    while (*steps != '\0' && good) {
        char line[512];
        size_t len = strcspn(steps, "\n");
        RMQ_ASSERT(len < sizeof line);
        memcpy(line, steps, len);
        line[len] = '\0';
        steps += len + (steps[len] == '\n' ? 1 : 0);
        if (line[0] == '#' || line[0] == '\0') {
            put(line, len);
            put("\n", 1);
        } else if (line[0] != '=') {
            good = conformance_step(line);
        }
    }
    return good;
}

bool conformance_run(const struct conformance_driver *driver, const char *transcript) {
    char path[512];
    conformance_driver = driver;
    text.len = 0;
    put("", 0);
    snprintf(path, sizeof path, "%s/model/tests/conformance/%s", RMQ_SOURCE_DIR, transcript);
    const char *expected = read_file(path);
    RMQ_ASSERT(expected != NULL);
    bool good = driver->start(0) == RMQ_OK && driver->start(1) == RMQ_OK && run_lines(expected);
    if (!good) {
        say("the program ended here");
    }
    return compare(transcript, path, expected) && good;
}

/* The text of the programs whose hash is another one goes to files, one each. */
bool conformance_run_drawn(const struct conformance_driver *driver, const char *transcript,
                           unsigned count) {
    char path[512], name[64];
    size_t room = (size_t)count * 32 + 1, len = 0;
    char *hashes = calloc(room, 1);
    RMQ_ASSERT(hashes != NULL);
    conformance_driver = driver;
    snprintf(path, sizeof path, "%s/model/tests/conformance/%s", RMQ_SOURCE_DIR, transcript);
    const char *expected = read_file(path);
    bool good = driver->start(0) == RMQ_OK;
    for (unsigned number = 1; number <= count && good; number++) {
        text.len = 0;
        uint64_t hash = conformance_draw(number);
        size_t begin = len;
        len += (size_t)snprintf(hashes + len, room - len, "%u %016llx\n", number,
                                (unsigned long long)hash);
        if (hash == 0 || expected == NULL ||
            strncmp(expected + begin, hashes + begin, len - begin) != 0) {
            snprintf(name, sizeof name, "drawn-%u.txt", number);
            show_difference(name, "");
            good = getenv("RMQ_CONFORMANCE_WRITE") != NULL && hash != 0;
        }
    }
    text.len = 0;
    put(hashes, len);
    free(hashes);
    return good && compare(transcript, path, expected);
}
