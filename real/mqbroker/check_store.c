/* mqbroker/check_store.c - the commit log of a check, and its frame. */
#define _GNU_SOURCE /* F_OFD_GETLK, SEEK_DATA */
#include "real/mqbroker/check_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "real/mqbroker/check_store_internal.h"

void check_wrong(struct check *check, const char *format, ...) {
    va_list arguments;
    check->wrong++;
    fputs("wrong: ", check->out);
    va_start(arguments, format);
    vfprintf(check->out, format, arguments);
    va_end(arguments);
    fputc('\n', check->out);
}

/* ---- files ---- */

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool name_is_number(const char *name, uint64_t *from) {
    return strlen(name) == CHECK_NAME_DIGITS && span_to_u64(span_of_text(name), from) == RMQ_OK;
}

static void map_file(struct check *check, const char *dir, const char *name,
                     struct mapped_dir *out) {
    char path[PATH_MAX];
    struct mapped file;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat stat_of;
    if (fd < 0 || fstat(fd, &stat_of) != 0) {
        check_wrong(check, "%s: %s", path, strerror(errno));
    } else if (S_ISREG(stat_of.st_mode) && !name_is_number(name, &file.from)) {
        check_wrong(check, "%s: its name is no offset of %d digits", path, CHECK_NAME_DIGITS);
    } else if (S_ISREG(stat_of.st_mode) && stat_of.st_size > 0) {
        file.len = (uint64_t)stat_of.st_size;
        file.bytes = mmap(NULL, file.len, PROT_READ, MAP_SHARED, fd, 0);
        if (file.bytes == MAP_FAILED) {
            check_wrong(check, "%s: %s", path, strerror(errno));
        } else {
            out->files[out->count++] = file;
        }
    } else if (S_ISREG(stat_of.st_mode)) {
        fprintf(check->out, "%s: is empty; the next start deletes it\n", path);
    }
    if (fd >= 0) {
        close(fd);
    }
}

/* Sizes are equal, and no file is missing in between. */
static void check_chain(struct check *check, const char *path, struct mapped_dir *dir) {
    dir->file_bytes = dir->count == 0 ? 0 : dir->files[0].len;
    for (size_t i = 0; i < dir->count; i++) {
        const struct mapped *file = &dir->files[i];
        uint64_t expected = dir->files[0].from + i * dir->file_bytes;
        if (file->from != expected || file->len != dir->file_bytes) {
            check_wrong(check,
                        "%s/%020" PRIu64 ": is %" PRIu64 " bytes at %" PRIu64 ", expected %" PRIu64
                        " bytes at %" PRIu64 " (a file before it is missing, or short)",
                        path, file->from, file->len, file->from, dir->file_bytes, expected);
            for (size_t k = i; k < dir->count; k++) {
                munmap((void *)(uintptr_t)dir->files[k].bytes, dir->files[k].len);
            }
            dir->count = i;
        }
    }
}

bool check_map(struct check *check, const char *path, struct mapped_dir *out) {
    struct dirent **names;
    *out = (struct mapped_dir){0};
    int count = scandir(path, &names, NULL, by_name);
    if (count < 0) {
        return false;
    }
    out->files = calloc((size_t)count + 1, sizeof out->files[0]);
    for (int i = 0; i < count; i++) {
        if (out->files != NULL && names[i]->d_name[0] != '.') {
            map_file(check, path, names[i]->d_name, out);
        }
        free(names[i]);
    }
    free(names);
    if (out->files != NULL) {
        check_chain(check, path, out);
    }
    return out->files != NULL;
}

void check_unmap(struct mapped_dir *dir) {
    for (size_t i = 0; i < dir->count; i++) {
        munmap((void *)(uintptr_t)dir->files[i].bytes, dir->files[i].len);
    }
    free(dir->files);
    *dir = (struct mapped_dir){0};
}

/* ---- the log ---- */

static uint64_t log_min(const struct check *check) {
    return check->log.count == 0 ? 0 : check->log.files[0].from;
}

/* From `position` to the end of its file. */
static struct span log_rest(const struct check *check, uint64_t position) {
    uint64_t min = log_min(check), index;
    if (check->log.count == 0 || position < min) {
        return SPAN_NONE;
    }
    index = (position - min) / check->log.file_bytes;
    if (index >= check->log.count) {
        return SPAN_NONE;
    }
    const struct mapped *file = &check->log.files[index];
    return span_of(file->bytes + (position - file->from),
                   (size_t)(file->from + file->len - position));
}

bool check_record_at(const struct check *check, int64_t physical, struct message *out) {
    struct span rest = log_rest(check, (uint64_t)physical);
    return physical >= 0 && (uint64_t)physical < check->end && !span_is_absent(rest) &&
           message_decode(rest, false, out) == MESSAGE_OK && out->physical_offset == physical;
}

static struct checked_queue *queue_of(struct check *check, const struct message *message) {
    uint8_t key[CHECK_KEY_MAX];
    struct checked_queue *queue = NULL;
    size_t len = 4 + message->topic.len;
    if (len > sizeof key) {
        return NULL;
    }
    memcpy(key, &message->queue_id, 4);
    memcpy(key + 4, message->topic.data, message->topic.len);
    HASH_FIND(hh, check->queues, key, len, queue);
    if (queue == NULL && (queue = calloc(1, sizeof *queue)) != NULL) {
        memcpy(queue->key, key, len);
        queue->key_len = len;
        queue->first = queue->next = message->queue_offset;
        HASH_ADD_KEYPTR(hh, check->queues, queue->key, len, queue);
    }
    return queue;
}

static void count_record(struct check *check, const struct message *message) {
    struct checked_queue *queue = message_takes_offset(message) ? queue_of(check, message) : NULL;
    if (queue == NULL) {
        return;
    }
    if (message->queue_offset != queue->next && queue->out_of_order++ == 0) {
        queue->order_physical = message->physical_offset;
    }
    queue->records++;
    queue->next = message->queue_offset + 1;
    queue->last_physical = message->physical_offset + (int64_t)message->size;
}

/* Bytes from the front to the last one that is not zero. */
static uint64_t used_bytes(struct span bytes) {
    while (bytes.len >= 4096 && bytes.data[bytes.len - 1] == 0 &&
           memcmp(bytes.data + bytes.len - 4096, bytes.data + bytes.len - 4095, 4095) == 0) {
        bytes.len -= 4095;
    }
    while (bytes.len > 0 && bytes.data[bytes.len - 1] == 0) {
        bytes.len--;
    }
    return bytes.len;
}

/* Nothing is behind the log's end. */
static void check_tail(struct check *check, const char *why) {
    uint64_t log_end = log_min(check) + check->log.count * check->log.file_bytes, used = 0;
    for (uint64_t at = check->end; at < log_end;) {
        struct span rest = log_rest(check, at);
        uint64_t in_file = used_bytes(rest);
        used = in_file > 0 ? at + in_file - check->end : used;
        at += rest.len;
    }
    if (used > 0) {
        check_wrong(check,
                    "first bad record: at %" PRIu64 " in file %020" PRIu64 ": %s; %" PRIu64
                    " bytes from there on are not all zeros and will be cut off",
                    check->end, check->end - check->end % check->log.file_bytes, why, used);
    }
}

static void check_log(struct check *check) {
    uint64_t records = 0, blanks = 0;
    int64_t first_ms = 0, last_ms = 0;
    const char *why = "";
    check->end = log_min(check);
    for (struct span rest; (rest = log_rest(check, check->end), !span_is_absent(rest));) {
        struct message message;
        enum message_check result = message_decode(rest, true, &message);
        if (result == MESSAGE_BLANK && message.size == rest.len) {
            blanks++;
        } else if (result != MESSAGE_OK || message.physical_offset != (int64_t)check->end) {
            why = result == MESSAGE_OK ? "it says that it is at another place"
                                       : message_check_text(result);
            break;
        } else {
            records++;
            first_ms = records == 1 ? message.store_ms : first_ms;
            last_ms = message.store_ms;
            count_record(check, &message);
        }
        check->end += message.size;
    }
    fprintf(check->out,
            "commit log: %zu files of %" PRIu64 " bytes, from %" PRIu64 " to %" PRIu64 ", %" PRIu64
            " records, %" PRIu64 " blank; stored from %" PRId64 " to %" PRId64 "\n",
            check->log.count, check->log.file_bytes, log_min(check), check->end, records, blanks,
            first_ms, last_ms);
    check_tail(check, why);
}

/* ---- the whole ---- */

/* A broker that runs changes what is read here. */
static void check_lock(struct check *check) {
    char path[PATH_MAX];
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    snprintf(path, sizeof path, "%s/lock", check->dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) {
        check_wrong(check, "%s is held: stop the broker first (what follows may be out of date)",
                    path);
    }
    if (fd >= 0) {
        close(fd);
    }
}

static bool is_there(const struct check *check, const char *name) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", check->dir, name);
    return access(path, F_OK) == 0;
}

int check_store(const char *dir, FILE *out) {
    struct check check = {.out = out, .dir = dir};
    char path[PATH_MAX];
    fprintf(out, "store: %s\n", dir);
    check_lock(&check);
    check.unclean = is_there(&check, "abort");
    fprintf(out, "last stop: %s\n", check.unclean ? "not clean (abort is there)" : "clean");
    snprintf(path, sizeof path, "%s/commitlog", dir);
    if (!check_map(&check, path, &check.log)) {
        check_wrong(&check, "%s: %s (expected a directory)", path, strerror(errno));
        return 1;
    }
    check_log(&check);
    check_queues(&check);
    check_unmap(&check.log);
    fprintf(out, check.wrong == 0 ? "result: nothing is wrong\n" : "result: %" PRIu64 " wrong\n",
            check.wrong);
    return check.wrong == 0 ? 0 : 1;
}
