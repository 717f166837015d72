/* sim/world/names.c - finds hosts and nodes by name: chained hash tables that double. */
#include "sim/world/world_internal.h"

static void insert(struct name_table *table, struct name_link *link) {
    struct name_link **bucket = &table->buckets[link->hash & (table->bucket_count - 1)];
    link->next = *bucket;
    *bucket = link;
}

static void grow(struct world *world, struct name_table *table) {
    struct name_link **old = table->buckets;
    size_t old_count = table->bucket_count;
    table->bucket_count = old_count == 0 ? 16 : old_count * 2;
    table->buckets = world_need(world, table->bucket_count * sizeof(struct name_link *));
    for (size_t i = 0; i < old_count; i++) {
        for (struct name_link *link = old[i], *next; link != NULL; link = next) {
            next = link->next;
            insert(table, link);
        }
    }
    arena_free(&world->owner, old);
}

void name_add(struct world *world, struct name_table *table, struct name_link *link,
              const char *name) {
    RMQ_ASSERT(name_find(table, span_of_text(name)) == NULL);
    if (table->count == table->bucket_count) {
        grow(world, table);
    }
    link->name = name;
    link->hash = trace_hash_bytes(name, strlen(name));
    insert(table, link);
    table->count++;
}

struct name_link *name_find(const struct name_table *table, struct span name) {
    if (table->bucket_count == 0) {
        return NULL;
    }
    uint64_t hash = trace_hash_bytes(name.data, name.len);
    struct name_link *link = table->buckets[hash & (table->bucket_count - 1)];
    while (link != NULL && (link->hash != hash || !span_equal(span_of_text(link->name), name))) {
        link = link->next;
    }
    return link;
}
