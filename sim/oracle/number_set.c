/* sim/oracle/number_set.c - a ring of words over a hash set of holes. */
#include "sim/oracle/number_set.h"

#include "model/base/check.h"

/* ---- any numbers ---- */

void u64_set_init(struct u64_set *set, const struct oracle_host *host) {
    *set = (struct u64_set){.host = host};
}

static size_t home_of(const struct u64_set *set, uint64_t stored) {
    return (size_t)((stored * 0x9e3779b97f4a7c15ULL) >> 32) & (set->capacity - 1);
}

/* Where `stored` is, or the free slot where it belongs. */
static size_t slot_of(const struct u64_set *set, uint64_t stored) {
    size_t at = home_of(set, stored);
    while (set->slots[at] != 0 && set->slots[at] != stored)
        at = (at + 1) & (set->capacity - 1);
    return at;
}

bool u64_set_has(const struct u64_set *set, uint64_t number) {
    return set->count > 0 && set->slots[slot_of(set, number + 1)] != 0;
}

static bool grow(struct u64_set *set) {
    struct u64_set bigger = *set;
    bigger.capacity = set->capacity == 0 ? 32 : set->capacity * 2;
    bigger.slots = set->host->alloc(set->host->ctx, bigger.capacity * sizeof *bigger.slots);
    if (bigger.slots == NULL)
        return false;
    for (size_t i = 0; i < set->capacity; i++)
        if (set->slots[i] != 0)
            bigger.slots[slot_of(&bigger, set->slots[i])] = set->slots[i];
    set->host->free(set->host->ctx, set->slots);
    *set = bigger;
    return true;
}

void u64_set_add(struct u64_set *set, uint64_t number) {
    RMQ_ASSERT(number != UINT64_MAX);
    if (set->count * 2 >= set->capacity && !grow(set)) {
        set->no_memory = true;
        return;
    }
    size_t at = slot_of(set, number + 1);
    set->count += set->slots[at] == 0;
    set->slots[at] = number + 1;
}

/* Those behind it move up, so that no probe ends early. */
static void close_gap(struct u64_set *set, size_t gap) {
    size_t mask = set->capacity - 1;
    for (size_t at = (gap + 1) & mask; set->slots[at] != 0; at = (at + 1) & mask) {
        size_t home = home_of(set, set->slots[at]);
        if (((at - home) & mask) < ((at - gap) & mask))
            continue;
        set->slots[gap] = set->slots[at];
        gap = at;
    }
    set->slots[gap] = 0;
}

bool u64_set_remove(struct u64_set *set, uint64_t number) {
    if (set->count == 0)
        return false;
    size_t at = slot_of(set, number + 1);
    if (set->slots[at] == 0)
        return false;
    if (--set->count == 0 && set->capacity > 32)
        u64_set_clear(set);
    else
        close_gap(set, at);
    return true;
}

void u64_set_clear(struct u64_set *set) {
    set->host->free(set->host->ctx, set->slots);
    set->slots = NULL;
    set->capacity = set->count = 0;
}

/* ---- nearly dense ones ---- */

void number_set_begin(struct number_set *set, const struct oracle_host *host, uint64_t first) {
    if (set->holes.slots != NULL)
        u64_set_clear(&set->holes);
    *set = (struct number_set){.first = first, .base = first / 64, .top = first};
    u64_set_init(&set->holes, host);
}

static uint64_t *word_of(struct number_set *set, uint64_t word) {
    return &set->bits[word % NUMBER_SET_WORDS];
}

static bool in_window(const struct number_set *set, uint64_t number) {
    uint64_t word = number / 64;
    return word >= set->base && word < set->base + NUMBER_SET_WORDS;
}

bool number_set_has(const struct number_set *set, uint64_t number) {
    if (number < set->first || number >= set->top)
        return false;
    if (in_window(set, number))
        return (set->bits[number / 64 % NUMBER_SET_WORDS] >> number % 64 & 1) != 0;
    return !u64_set_has(&set->holes, number);
}

static void add_hole(struct number_set *set, uint64_t number) {
    if (set->holes.count < NUMBER_SET_HOLES_MAX) {
        u64_set_add(&set->holes, number);
        return;
    }
    u64_set_clear(&set->holes);
    set->first = number + 1;
}

/* The lowest word leaves the window. */
static void slide(struct number_set *set) {
    uint64_t *word = word_of(set, set->base);
    for (uint64_t missing = ~*word; missing != 0; missing &= missing - 1) {
        uint64_t number = set->base * 64 + (uint64_t)__builtin_ctzll(missing);
        if (number >= set->first)
            add_hole(set, number);
    }
    *word = 0;
    set->base++;
}

/* A late one; far below the first nothing is known, and it counts as new each time. */
static bool add_below(struct number_set *set, uint64_t number) {
    if (set->first - number > NUMBER_SET_HOLES_MAX / 2)
        return true;
    uint64_t window = set->base * 64;
    for (uint64_t hole = number + 1; hole < set->first && hole < window; hole++)
        add_hole(set, hole);
    set->first = number;
    if (in_window(set, number))
        *word_of(set, number / 64) |= UINT64_C(1) << number % 64;
    return true;
}

bool number_set_add(struct number_set *set, uint64_t number) {
    if (number < set->first)
        return add_below(set, number);
    if (number / 64 < set->base)
        return u64_set_remove(&set->holes, number);
    if (number / 64 > set->base + 4 * (uint64_t)NUMBER_SET_HOLES_MAX / 64) /* a new beginning */
        number_set_begin(set, set->holes.host, number);
    while (!in_window(set, number))
        slide(set);
    uint64_t *word = word_of(set, number / 64);
    uint64_t bit = UINT64_C(1) << number % 64;
    bool is_new = (*word & bit) == 0;
    *word |= bit;
    set->top = number >= set->top ? number + 1 : set->top;
    while (*word_of(set, set->base) == UINT64_MAX)
        slide(set);
    return is_new;
}

void number_set_remove(struct number_set *set, uint64_t number) {
    if (!number_set_has(set, number))
        return;
    if (in_window(set, number))
        *word_of(set, number / 64) &= ~(UINT64_C(1) << number % 64);
    else
        add_hole(set, number);
}

void number_set_cut(struct number_set *set, uint64_t from) {
    if (from >= set->top)
        return;
    if (from < set->first) {
        number_set_begin(set, set->holes.host, from);
        return;
    }
    for (uint64_t word = set->base; word < set->base + NUMBER_SET_WORDS; word++) {
        if (word * 64 >= from)
            *word_of(set, word) = 0;
        else if (word == from / 64)
            *word_of(set, word) &= (UINT64_C(1) << from % 64) - 1;
    }
    while (set->base > from / 64) { /* words that had left the window come back */
        uint64_t bits = 0;
        set->base--;
        for (uint64_t bit = 0; bit < 64; bit++) {
            uint64_t number = set->base * 64 + bit;
            bool kept = number >= set->first && number < from;
            if (!u64_set_remove(&set->holes, number) && kept)
                bits |= UINT64_C(1) << bit;
        }
        *word_of(set, set->base) = bits;
    }
    set->top = from;
}

uint64_t number_set_absent(const struct number_set *set, uint64_t from, uint64_t to) {
    for (uint64_t number = from; number < to; number++) {
        if (!number_set_has(set, number))
            return number;
        if (number < set->base * 64 && set->holes.count == 0) /* all is there up to the window */
            number = set->base * 64 - 1;
    }
    return to;
}
