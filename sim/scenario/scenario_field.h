/* sim/scenario/scenario_field.h - one description of each member of a scenario: its key, type,
 * unit, range and place in a C struct.
 *
 * The same table checks a document, fills the structs, and prints the JSON schema. A struct that is
 * described by a record_type begins with `const struct doc_value *at`, the object it was read from:
 * later checks find positions, and whether a member was given, through it. */
#ifndef SIM_SCENARIO_FIELD_H
#define SIM_SCENARIO_FIELD_H

#include "model/base/props.h"
#include "sim/scenario/scenario_doc.h"
#include "sim/scenario/scenario_units.h"
#include "sim/world/draw.h"

/* type: C type that it fills */
enum field_type {
    FIELD_TEXT,       /* const char * */
    FIELD_NAME,       /* const char *, letters, digits, '_', '-', '.' */
    FIELD_WORD,       /* int: index into `words` */
    FIELD_BOOL,       /* bool */
    FIELD_COUNT,      /* int64_t, min..max */
    FIELD_SEED,       /* uint64_t: a number, or a text of digits */
    FIELD_DURATION,   /* uint64_t ns, min..max */
    FIELD_TIMING,     /* struct timing: a duration, or one drawn per seed */
    FIELD_TIMINGS,    /* struct timings: a timing for all, or an array with one for each */
    FIELD_SHIFT,      /* int64_t ns, may be negative */
    FIELD_DRIFT,      /* int32_t ppm, may be negative */
    FIELD_RATIO,      /* uint32_t ppm, 0..1,000,000 */
    FIELD_SIZE,       /* uint64_t bytes */
    FIELD_RATE,       /* uint64_t bytes per second */
    FIELD_FREQUENCY,  /* uint64_t per 1,000 s */
    FIELD_DATE,       /* int64_t ms since 1970 */
    FIELD_DIST,       /* struct dist_spec: a duration, or a distribution of durations */
    FIELD_PROPERTIES, /* struct props: scalars as text */
    FIELD_TARGETS,    /* struct targets: which nodes */
    FIELD_SETS,       /* struct list of struct targets */
    FIELD_NAMES,      /* struct names: texts */
    FIELD_RECORD,     /* the struct of `record`, in place */
    FIELD_LIST,       /* struct list of the structs of `record` */
    FIELD_ANY,        /* const struct doc_value * */
    FIELD_RESERVED    /* a word kept for later: an error that says so */
};

struct timing {
    uint64_t ns;              /* constant, or of the present seed */
    const struct dist *drawn; /* NULL: constant */
    const struct doc_value *at;
};
/* The latest (earliest) it can be. */
uint64_t timing_max(const struct timing *timing);
uint64_t timing_min(const struct timing *timing);

struct timings {
    struct timing *items;
    size_t count; /* 1: for all; else one for each */
    bool each;
    const struct doc_value *at;
};

/* A distribution of durations, some of whose parameters may be drawn per seed. */
struct dist_spec {
    struct dist dist;
    struct timing min, max, mean;
    const struct doc_value *at; /* NULL: not given */
};

/* Copies the drawn parameters into `dist`. */
void dist_spec_settle(struct dist_spec *spec);

struct names {
    const char **items;
    size_t count;
};

/* Nodes: names and globs, all of them or `random` of them. */
struct targets {
    const struct doc_value *at; /* NULL: not given */
    const struct doc_value **patterns;
    size_t pattern_count;
    bool drawn;
    int64_t random;     /* so many of the candidates; 0: by share */
    uint32_t share_ppm; /* of the candidates, rounded, at least one */
    /* Indices of nodes, increasing; filled when names are looked up. */
    uint16_t *candidates;
    size_t candidate_count;
    uint16_t *chosen; /* of the present seed; all candidates when nothing is drawn */
    size_t chosen_count;
    uint64_t *keys; /* room for the drawing */
};

struct list {
    void *items;
    size_t count;
};

struct record_type;
struct field {
    const char *key;
    enum field_type type;
    size_t offset;
    bool required;
    int64_t min, max;     /* COUNT, DURATION, TIMING, SIZE, RATE; max 0: no limit */
    const char *fallback; /* as in a file, for the schema and for readers; NULL: none or obvious */
    const struct record_type *record; /* RECORD, LIST */
    const char *const *words;         /* ends with NULL */
    const char *about;
    bool property; /* kept as text (durations as decimal ns) in the struct props at `offset` */
};

struct field_reader;
struct record_type {
    const char *name;
    const char *about;
    const struct field *fields;
    size_t field_count;
    size_t bytes;
    /* Fills what has a default; before the members are read. May be NULL. */
    void (*defaults)(void *record);
    /* Further fields that depend on the value of the member `variant_key` ("do", "oracle"). NULL
     * when that word is unknown, which it has reported. */
    const char *variant_key;
    const struct record_type *(*variant)(struct field_reader *reader,
                                         const struct doc_value *object);
};

struct field_reader {
    struct pool *pool;
    struct scenario_errors *errors;
};

/* Checks `value` against `type` and fills `record` (type->bytes, zeroed here first). Reports every
 * error it finds; the record then holds defaults for the wrong members. */
void record_read(struct field_reader *reader, const struct record_type *type,
                 const struct doc_value *value, void *record);
/* One member by itself. `out` as for its type. False after reporting. */
bool field_read(struct field_reader *reader, const struct field *field,
                const struct doc_value *value, void *out);
/* Was the member written? */
static inline bool record_has(const struct doc_value *at, const char *key) {
    return at != NULL && doc_member(at, key) != NULL;
}
/* Position for a complaint about a member: its value, or the object when it was not written. */
const struct doc_value *record_at(const struct doc_value *at, const char *key);

#endif
