/* conformance_drawn.c - programs drawn from a number: files, names and timers, in any order. */
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "model/tests/conformance_internal.h"

#define STEPS 80

static uint64_t state;

static unsigned draw(unsigned bound) {
    state += 0x9e3779b97f4a7c15ULL; /* splitmix64 */
    uint64_t mixed = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9ULL;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
    return (unsigned)((mixed ^ (mixed >> 31)) % bound);
}

static unsigned draw_offset(void) {
    static const unsigned bounds[] = {10, 5000, 9000, 70000, 300000};
    return draw(bounds[draw(5)]);
}

static char draw_handle(void) {
    return (char)('a' + draw(5));
}

/* A file's path; not one of a directory's. */
static void draw_path(unsigned number, char out[64]) {
    static const char *const dirs[] = {"", "", "/d", "/d/e", "/f"};
    const char *dir = dirs[draw(5)];
    snprintf(out, 64, "/r%u%s/%c", number, dir, (char)('p' + draw(4)));
}

static void draw_dir(unsigned number, char out[64]) {
    static const char *const dirs[] = {"", "/d", "/d/e", "/f"};
    snprintf(out, 64, "/r%u%s", number, dirs[draw(4)]);
}

static void draw_step(unsigned number, char *line, size_t size) {
    static const char *const modes[] = {"read", "write", "create", "create", "new"};
    char path[64], other[64], handle = draw_handle();
    unsigned offset = draw_offset(), len = draw_offset(), what = draw(40);
    const char *mode = modes[draw(5)];
    char byte = (char)('A' + draw(26));
    draw_path(number, path);
    if (what < 8) {
        snprintf(line, size, "open %c %s %s", handle, mode, path);
    } else if (what < 11) {
        snprintf(line, size, "close %c", handle);
    } else if (what < 18) {
        snprintf(line, size, "write %c %u %u*%c", handle, offset, len, byte);
    } else if (what < 23) {
        snprintf(line, size, "read %c %u %u", handle, offset, len);
    } else if (what < 28) {
        snprintf(line, size, "view %c %u %u", handle, offset, len + 1);
    } else if (what < 30) {
        snprintf(line, size, "truncate %c %u", handle, offset);
    } else if (what < 31) {
        snprintf(line, size, "zero %c %u %u", handle, offset, len);
    } else if (what < 33) {
        draw_path(number, other);
        snprintf(line, size, "rename %s %s", path, other);
    } else if (what < 34) {
        snprintf(line, size, "unlink %s", path);
    } else if (what < 37) {
        static const char *const verbs[] = {"mkdir", "mkdir", "list", "unlink"};
        const char *verb = verbs[draw(4)];
        draw_dir(number, path);
        snprintf(line, size, "%s %s", verb, path);
    } else if (what < 38) {
        snprintf(line, size, "size %c", handle);
    } else if (what < 39) {
        snprintf(line, size, draw(8) == 0 ? "sync %c" : "size %c", handle);
    } else if (draw(2) == 0) {
        snprintf(line, size, "timer %c %u %c %u c %u %c 2", handle, offset % 3,
                 (char)('a' + offset % 5), len % 4, offset % 4, (char)('a' + len % 5));
    } else {
        snprintf(line, size, "stop %c", handle);
    }
}

uint64_t conformance_draw(unsigned number) {
    char line[256];
    state = number * 0x2545f4914f6cdd1dULL;
    size_t begin = conformance_text_len();
    snprintf(line, sizeof line, "mkdir /r%u", number);
    bool good = conformance_step(line);
    for (int i = 0; i < STEPS && good; i++) {
        draw_step(number, line, sizeof line);
        good = conformance_step(line);
        if (line[0] == 't' && line[1] == 'i' && good) {
            good = conformance_step("timers"); /* time passes from the next step on */
        }
    }
    for (char handle = 'a'; handle < 'f' && good; handle++) {
        snprintf(line, sizeof line, "close %c", handle);
        good = conformance_step(line);
    }
    return good ? XXH3_64bits(conformance_text() + begin, conformance_text_len() - begin) : 0;
}
