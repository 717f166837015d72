/* sim/report/series.c - one pass over the log, one table per question. */
#include "sim/report/series.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/judge/fault_watch.h"
#include "sim/judge/heap_host.h"
#include "sim/report/files.h"
#include "sim/report/series_store.h"

enum series_table { LISTINGS, FAULTS, EVICTIONS, REGISTRATIONS, STORE, TABLE_COUNT };
static const struct {
    const char *name;
    const char *columns;
} TABLES[] = {
    {"series/listings.csv", "observer,role,broker,from_s,to_s,reason"},
    {"series/faults.csv", "index,kind,target,from_s,to_s,lasting"},
    {"series/evictions.csv", "at_s,name_server,broker,reason,since_registration_s,since_fault_s"},
    {"series/registrations.csv", "at_s,name_server,broker,topics"},
    {"series/store.csv", "broker,what,from_s,to_s,count,detail"},
};

/* A pair (observer, broker): a name server that may list it, or a client that may believe in it. */
struct pair {
    uint16_t observer;
    enum cluster_role role;
    uint32_t broker;  /* name */
    uint32_t entries; /* addresses listed, or topics that use it */
    uint64_t from_ns; /* while entries > 0 */
};

struct series {
    struct heap_host heap;
    struct oracle_host host;
    struct cluster *cluster;
    struct fault_watch *faults;
    struct store_series store;
    struct intern brokers;
    struct table pair_of; /* (observer, broker) -> index + 1 */
    struct table entry;   /* (observer, incarnation, broker, address or topic) -> 1 there */
    struct pair *pairs;
    size_t pair_count, pair_capacity;
    struct new_file files[TABLE_COUNT];
    uint64_t now_ns;
    bool no_memory;
};

static double seconds(uint64_t ns) {
    return (double)ns / 1e9;
}

/* ---- intervals ---- */

static struct pair *pair_of(struct series *series, const struct cluster_node *observer,
                            struct span broker) {
    uint32_t name = intern_add(&series->brokers, broker);
    uint64_t *at = table_put(&series->pair_of, table_key(observer->node, name, 0, 0));
    struct pair *pairs = array_room(&series->host, series->pairs, series->pair_count,
                                    &series->pair_capacity, sizeof *pairs);
    if (name == 0 || at == NULL || pairs == NULL) {
        series->no_memory = true;
        return NULL;
    }
    series->pairs = pairs;
    if (*at == 0) {
        pairs[series->pair_count++] =
            (struct pair){.observer = observer->node, .role = observer->role, .broker = name};
        *at = series->pair_count;
    }
    return &pairs[*at - 1];
}

static const char *name_of(const struct series *series, uint16_t node) {
    return series->host.node_name(series->host.ctx, node);
}

static void put_span(FILE *out, struct span text) {
    char copy[256];
    size_t len = text.len < sizeof copy ? text.len : sizeof copy - 1;
    if (len > 0)
        memcpy(copy, text.data, len);
    copy[len] = '\0';
    csv_text(out, copy);
}

/* One line of listings.csv; `reason` absent: it lasts to the end of the log. */
static void put_listing(const struct series *series, const struct pair *pair, struct span reason) {
    FILE *out = series->files[LISTINGS].stream;
    csv_text(out, name_of(series, pair->observer));
    fprintf(out, ",%s,", cluster_role_name(pair->role));
    put_span(out, intern_text(&series->brokers, pair->broker));
    fprintf(out, ",%.6f,", seconds(pair->from_ns));
    if (!span_is_absent(reason))
        fprintf(out, "%.6f", seconds(series->now_ns));
    putc(',', out);
    put_span(out, reason);
    putc('\n', out);
}

/* `what` (an address, or a topic with an address) of `broker` appears or goes at a observer. */
static void set_entry(struct series *series, const struct record *record, struct span broker,
                      uint32_t what, uint32_t more, bool there, struct span reason) {
    const struct cluster_node *observer = cluster_node(series->cluster, record->node);
    struct pair *pair = pair_of(series, observer, broker);
    uint64_t *entry = pair == NULL
                          ? NULL
                          : table_put(&series->entry,
                                      table_key((uint64_t)record->node << 32 | record->incarnation,
                                                pair->broker, what, more));
    if (entry == NULL || *entry == there)
        return;
    *entry = there;
    if (there && pair->entries++ == 0)
        pair->from_ns = series->now_ns;
    if (!there && --pair->entries == 0)
        put_listing(series, pair, reason);
}

/* A process ended: it lists, or believes, nothing any more. */
static void forget_observer(struct series *series, uint16_t observer) {
    for (size_t i = 0; i < series->pair_count; i++) {
        struct pair *pair = &series->pairs[i];
        if (pair->observer != observer || pair->entries == 0)
            continue;
        pair->entries = 0;
        put_listing(series, pair, SPAN_LITERAL("down"));
    }
}

/* ---- the log ---- */

static void on_registered(struct series *series, const struct record *record) {
    FILE *out = series->files[REGISTRATIONS].stream;
    fprintf(out, "%.6f,", seconds(series->now_ns));
    csv_text(out, name_of(series, record->node));
    putc(',', out);
    put_span(out, record_text(record, 1));
    fprintf(out, ",%llu\n", (unsigned long long)record_uint(record, 5));
    set_entry(series, record, record_text(record, 1), (uint32_t)record_int(record, 2) + 1, 0, true,
              SPAN_NONE);
}

static void on_evicted(struct series *series, const struct record *record) {
    FILE *out = series->files[EVICTIONS].stream;
    const struct cluster_node *broker =
        cluster_find_broker(series->cluster, record_text(record, 1), record_text(record, 3));
    fprintf(out, "%.6f,", seconds(series->now_ns));
    csv_text(out, name_of(series, record->node));
    putc(',', out);
    put_span(out, record_text(record, 1));
    putc(',', out);
    put_span(out, record_text(record, 4));
    fprintf(out, ",%.6f,", seconds(record_uint(record, 5)));
    if (broker != NULL && broker->fault_begin_ns != CLUSTER_NEVER)
        fprintf(out, "%.6f", seconds(series->now_ns - broker->fault_begin_ns));
    putc('\n', out);
    set_entry(series, record, record_text(record, 1), (uint32_t)record_int(record, 2) + 1, 0, false,
              record_text(record, 4));
}

static void on_belief(struct series *series, const struct record *record, bool there) {
    uint32_t topic = intern_add(&series->brokers, record_text(record, 0));
    uint32_t address = intern_add(&series->brokers, record_text(record, 2));
    set_entry(series, record, record_text(record, 1), topic, address, there, SPAN_LITERAL(""));
}

static void on_record(struct series *series, const struct record *record) {
    series->now_ns = record->world_ns;
    if (record->kind >= RECORD_STEP)
        return;
    cluster_on_record(series->cluster, record);
    if (series->cluster->no_memory)
        return;
    fault_watch_on_record(series->faults, record);
    store_series_on_record(&series->store, record);
    switch (record->kind) {
    case EVENT_route_broker_registered:
        on_registered(series, record);
        break;
    case EVENT_route_broker_evicted:
        on_evicted(series, record);
        break;
    case EVENT_client_broker_believed:
    case EVENT_client_broker_dropped:
        on_belief(series, record, record->kind == EVENT_client_broker_believed);
        break;
    case EVENT_world_node_down:
        forget_observer(series, record->node);
        break;
    default:
        break;
    }
}

static void write_faults(struct series *series) {
    const struct fault_seen *faults;
    size_t count = fault_watch_list(series->faults, &faults);
    FILE *out = series->files[FAULTS].stream;
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%u,", faults[i].index);
        csv_text(out, faults[i].kind);
        putc(',', out);
        csv_text(out, faults[i].target);
        fprintf(out, ",%.6f,", seconds(faults[i].begin_ns));
        if (!faults[i].lasting)
            fprintf(out, "%.6f", seconds(faults[i].begin_ns));
        else if (faults[i].end_ns != CLUSTER_NEVER)
            fprintf(out, "%.6f", seconds(faults[i].end_ns));
        fprintf(out, ",%d\n", faults[i].lasting);
    }
}

/* ---- all of it ---- */

static bool set_up(struct series *series, struct record_log *log) {
    heap_host_init(&series->heap, heap_host_log_name, log);
    series->host = heap_host_of(&series->heap);
    series->cluster = cluster_create(&series->host);
    series->host.cluster = series->cluster;
    series->faults = fault_watch_create(&series->host);
    store_series_init(&series->store, &series->host);
    intern_init(&series->brokers, &series->host);
    table_init(&series->pair_of, &series->host);
    table_init(&series->entry, &series->host);
    return series->cluster != NULL && series->faults != NULL;
}

static void read_log(struct series *series, struct record_log *log) {
    struct record record;
    uint64_t offset;
    while (record_log_next(log, &record, &offset) == 1)
        on_record(series, &record);
    for (size_t i = 0; i < series->pair_count; i++)
        if (series->pairs[i].entries > 0)
            put_listing(series, &series->pairs[i], SPAN_NONE);
    write_faults(series);
    store_series_write(&series->store, series->files[STORE].stream);
}

static bool write_tables(struct series *series, struct record_log *log, const char *directory,
                         const char **error) {
    size_t opened = 0;
    while (opened < TABLE_COUNT &&
           new_file_open(&series->files[opened], directory, TABLES[opened].name)) {
        fprintf(series->files[opened].stream, "%s\n", TABLES[opened].columns);
        opened++;
    }
    bool written = opened == TABLE_COUNT;
    *error = written ? NULL : strerror(errno);
    if (written)
        read_log(series, log);
    for (size_t i = 0; i < opened; i++)
        if (!new_file_close(&series->files[i]) && written) {
            written = false;
            *error = strerror(errno);
        }
    if (written && (series->no_memory || series->store.no_memory || series->cluster->no_memory)) {
        *error = "out of memory";
        return false;
    }
    return written;
}

bool series_write(const char *directory, const char **error) {
    char *path = path_join(directory, "events.bin");
    *error = "out of memory";
    struct record_log *log = path == NULL ? NULL : record_log_open(path, error);
    free(path);
    if (log == NULL)
        return false;
    struct series series = {.now_ns = 0};
    bool written = set_up(&series, log) && write_tables(&series, log, directory, error);
    heap_host_free(&series.heap);
    record_log_close(log);
    return written;
}
