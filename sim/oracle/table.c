/* sim/oracle/table.c - open addressing with linear probing, at most half full. */
#include "sim/oracle/table.h"

#include <xxhash.h>

#include "model/base/check.h"
#include "sim/world/trace_hash.h"

void *array_room(const struct oracle_host *host, void *array, size_t count, size_t *capacity,
                 size_t size) {
    if (count < *capacity)
        return array;
    size_t grown_capacity = *capacity == 0 ? 16 : *capacity * 2;
    void *grown = host->alloc(host->ctx, grown_capacity * size);
    if (grown == NULL)
        return NULL;
    if (count > 0)
        memcpy(grown, array, count * size);
    host->free(host->ctx, array);
    *capacity = grown_capacity;
    return grown;
}

void *array_reach(const struct oracle_host *host, void *array, size_t count, size_t *capacity,
                  size_t size) {
    while (*capacity < count) {
        array = array_room(host, array, *capacity, capacity, size);
        if (array == NULL)
            return NULL;
    }
    return array;
}

uint64_t table_key(uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
    uint64_t low = trace_hash_mix(a ^ 0x9e3779b97f4a7c15ULL, b ^ 0xd1b54a32d192ed03ULL);
    uint64_t high = trace_hash_mix(c ^ 0x8cb92ba72f3d8dd7ULL, d ^ 0xaef17502108ef2d9ULL);
    return trace_hash_mix(low ^ 0x2545f4914f6cdd1dULL, high ^ 0xda942042e4dd58b5ULL);
}

void table_init(struct table *table, const struct oracle_host *host) {
    *table = (struct table){.host = host};
}

/* The slot of `key`, or the free one where it belongs. */
static struct table_slot *table_find(const struct table *table, uint64_t key) {
    size_t mask = table->capacity - 1;
    size_t at = (size_t)((key * 0x9e3779b97f4a7c15ULL) >> 32) & mask;
    while (table->slots[at].used && table->slots[at].key != key)
        at = (at + 1) & mask;
    return &table->slots[at];
}

uint64_t *table_get(const struct table *table, uint64_t key) {
    if (table->capacity == 0)
        return NULL;
    struct table_slot *slot = table_find(table, key);
    return slot->used ? &slot->value : NULL;
}

static bool table_grow(struct table *table) {
    struct table bigger = *table;
    bigger.capacity = table->capacity == 0 ? 32 : table->capacity * 2;
    bigger.slots = table->host->alloc(table->host->ctx, bigger.capacity * sizeof *bigger.slots);
    if (bigger.slots == NULL)
        return false;
    for (size_t i = 0; i < table->capacity; i++)
        if (table->slots[i].used)
            *table_find(&bigger, table->slots[i].key) = table->slots[i];
    table->host->free(table->host->ctx, table->slots);
    *table = bigger;
    return true;
}

uint64_t *table_put(struct table *table, uint64_t key) {
    if (table->count * 2 >= table->capacity && !table_grow(table))
        return table_get(table, key);
    struct table_slot *slot = table_find(table, key);
    if (!slot->used) {
        *slot = (struct table_slot){key, 0, true};
        table->count++;
    }
    return &slot->value;
}

void intern_init(struct intern *intern, const struct oracle_host *host) {
    *intern = (struct intern){.count = 0};
    table_init(&intern->table, host);
}

/* Two texts of one hash take neighbouring keys. */
static uint64_t intern_key(const struct intern *intern, struct span text, uint32_t *number) {
    uint64_t key = XXH3_64bits(text.data, text.len);
    for (;; key++) {
        const uint64_t *value = table_get(&intern->table, key);
        *number = value == NULL ? 0 : (uint32_t)*value;
        if (*number == 0 || span_equal(intern->texts[*number - 1], text))
            return key;
    }
}

uint32_t intern_find(const struct intern *intern, struct span text) {
    uint32_t number;
    (void)intern_key(intern, text, &number);
    return number;
}

static size_t recent_slot(struct span text) {
    size_t hash = text.len == 0 ? 0 : text.len * 3 + text.data[text.len - 1] + text.data[0] * 5u;
    return hash % INTERN_RECENT;
}

static uint32_t add_new(struct intern *intern, struct span text, uint64_t key) {
    const struct oracle_host *host = intern->table.host;
    struct span *texts =
        array_room(host, intern->texts, intern->count, &intern->capacity, sizeof *texts);
    if (texts == NULL)
        return 0;
    intern->texts = texts;
    uint8_t *copy = host->alloc(host->ctx, text.len + 1);
    uint64_t *value = copy == NULL ? NULL : table_put(&intern->table, key);
    if (value == NULL) {
        host->free(host->ctx, copy);
        return 0;
    }
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    intern->texts[intern->count] = span_of(copy, text.len);
    *value = ++intern->count;
    return (uint32_t)intern->count;
}

uint32_t intern_add(struct intern *intern, struct span text) {
    uint32_t *recent = &intern->recent[recent_slot(text)];
    if (*recent != 0 && span_equal(intern->texts[*recent - 1], text))
        return *recent;
    uint32_t number;
    uint64_t key = intern_key(intern, text, &number);
    *recent = number != 0 ? number : add_new(intern, text, key);
    return *recent;
}

struct span intern_text(const struct intern *intern, uint32_t number) {
    RMQ_ASSERT(number > 0 && number <= intern->count);
    return intern->texts[number - 1];
}
