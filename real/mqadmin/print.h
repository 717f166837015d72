/* mqadmin/print.h - what a command prints: columns and sentences as Apache's mqadmin has them, or
 * (--json) members of one JSON object.
 *
 * say() prints in text mode only; the fields of the json writer (admin->json) are written in JSON
 * mode only, by the put_ functions; a table prints either. */
#ifndef REAL_MQADMIN_PRINT_H
#define REAL_MQADMIN_PRINT_H

#include "real/mqadmin/admin.h"

/* Text mode: printf. */
void say(struct admin *admin, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* JSON mode: members of the object that is open. A NULL text is null. */
void put_text(struct admin *admin, const char *key, const char *value);
void put_number(struct admin *admin, const char *key, int64_t value);
/* Two digits behind the point. */
void put_double(struct admin *admin, const char *key, double value);
void put_bool(struct admin *admin, const char *key, bool value);
/* NULL is null. */
void put_tree(struct admin *admin, const char *key, const struct tree *value);
/* key: { ... } and key: [ ... ]; key NULL: an element of an array. */
void put_object_begin(struct admin *admin, const char *key);
void put_object_end(struct admin *admin);
void put_array_begin(struct admin *admin, const char *key);
void put_array_end(struct admin *admin);

struct column {
    const char *key;    /* in JSON; NULL: text only */
    const char *format; /* of one text, with what follows it: "%-32.32s  "; NULL: JSON only */
    const char *title;  /* NULL: no line of titles */
};
struct cell {
    const char *text; /* NULL: "" and null */
    bool bare;        /* a number or boolean: no quotes in JSON */
};
static inline struct cell cell_text(const char *text) {
    return (struct cell){text, false};
}
static inline struct cell cell_bool(bool value) {
    return (struct cell){value ? "true" : "false", true};
}
struct cell cell_number(struct admin *admin, int64_t value);
/* With `digits` behind the point. */
struct cell cell_double(struct admin *admin, double value, int digits);

struct table {
    struct admin *admin;
    const struct column *columns;
    size_t count;
};
/* Prints the titles; in JSON begins the array `key`. */
struct table table_begin(struct admin *admin, const char *key, const struct column *columns,
                         size_t count);
#define TABLE(admin, key, columns) \
    table_begin(admin, key, columns, sizeof(columns) / sizeof((columns)[0]))
/* One cell per column. */
void table_row(const struct table *table, const struct cell *cells);
#define ROW(table, ...) table_row(table, (const struct cell[]){__VA_ARGS__})
void table_end(const struct table *table);

/* The document's beginning, and its end with "ok" and "failures"; used by admin.c. */
void print_begin(struct admin *admin);
void print_end(struct admin *admin);

/* Wall time now, ms since 1970. */
int64_t now_ms(void);
/* Texts of Java: "yyyy-MM-dd HH:mm:ss", and with ",SSS" behind it, in local time. */
const char *time_text(struct admin *admin, int64_t time_ms);
const char *time_text_ms(struct admin *admin, int64_t time_ms);
/* "yyyyMMddHHmmssSSS" (UtilAll.timeMillisToHumanString) */
const char *time_text_compact(struct admin *admin, int64_t time_ms);
/* MQVersion.getVersionDesc: "V4_9_8". */
const char *version_text(struct admin *admin, int64_t version);
/* PermName.perm2String: "RW-". */
const char *perm_text(struct admin *admin, int64_t perm);

#endif
