/* base/key_table.h - the keys that a daemon's configuration may hold: what each is, what it does.
 *
 * One table per role (broker/config_keys.h, namesrv/config.h), for everything that has to know
 * keys: the check of a file before the start, -p, requests 25, 26, 318 and 319. */
#ifndef MODEL_BASE_KEY_TABLE_H
#define MODEL_BASE_KEY_TABLE_H

#include "model/base/props.h"

enum key_type {
    KEY_TEXT,
    KEY_BOOL,
    KEY_INT, /* decimal, min to max */
    /* Any decimal of 32 bits; below min it counts as min, above max as max (as in Apache). */
    KEY_CLAMPED,
    KEY_WORD /* one of `words` */
};

enum key_effect {
    KEY_NOW,   /* used; changed at run time it acts at once */
    KEY_START, /* used; read at start only */
    KEY_IDLE,  /* one of RocketMQ's that has no effect here */
    /* Changes durability, access or format and is not built: only `words` may stand, so that nobody
     * relies on what is not there. */
    KEY_FENCED
};

struct key_row {
    const char *name;
    enum key_type type;
    enum key_effect effect;
    bool important; /* Apache's @ImportantField: what mqbroker -m prints */
    int64_t min, max;
    const char *words;       /* separated by '|'; NULL: none */
    const char *defaults[2]; /* of 4.9 and 5.3; NULL: no such key there, or no value */
};

struct key_table {
    const struct key_row *rows; /* sorted by name (bytes) */
    size_t count;
};

/* NULL: unknown. */
const struct key_row *key_table_find(const struct key_table *table, struct span key);
/* May `value` stand for this key? */
bool key_value_is_good(const struct key_row *row, struct span value);
/* Appends what is expected of the value: "an integer from 1 to 10", "true or false", "one of A|B".
 */
void key_expectation(const struct key_row *row, struct buf *out);

enum key_finding {
    KEY_WRONG,     /* the value is not one that the key takes */
    KEY_NOT_BUILT, /* a fenced one */
    KEY_UNKNOWN,
    KEY_COUNTS_AS, /* a clamped one outside of its range */
    KEY_NO_EFFECT  /* idle, with a value other than the profile's default */
};
static inline bool key_finding_is_error(enum key_finding finding) {
    return finding == KEY_WRONG || finding == KEY_NOT_BUILT;
}

/* What is remarkable about an entry, in the order of the entries; `text` says it to a person, and
 * ends with the call, without a line end: "brokerPermision: unknown key; did you mean ..." */
typedef void key_finding_fn(void *ctx, enum key_finding finding, const struct props_entry *entry,
                            struct span text);
/* Keys that begin with "quirk." are left out. `env` is for the text. RMQ_E_NOMEM. */
int key_table_check(const struct key_table *table, struct env *env, const struct props *props,
                    bool profile_5_3, key_finding_fn *found, void *ctx) RMQ_CHECK_RESULT;

/* Appends "key=value\n" of every key that has a value: the profile's defaults, `given` over them;
 * then given ones that the table does not have. Sorted as the table is. `important`: those only. */
void key_table_write(const struct key_table *table, const struct props *given, bool profile_5_3,
                     bool important, struct buf *out);

#endif
