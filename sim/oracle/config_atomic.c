/* sim/oracle/config_atomic.c - O-CFG: a configuration file is replaced whole and durably.
 *
 * What a broker loads is what it saved last, or something whose saving began later and was not
 * confirmed; after a save it never finds nothing, nor an old backup. Content by its hash. Before
 * the first save anything may be there. Disks that lied, failed or rotted excuse. */
#include "sim/oracle/base.h"

static const struct oracle_parameter PARAMETERS[] = {
    {"files", "text", "all", "names of files as the events have them: a list, or all"},
    {"excused", "text", "", "broker nodes that are not judged"},
};

#define BEGUN_MAX 16
struct config_file {
    bool was_saved;
    struct oracle_mark saved;
    uint64_t hash;
    uint64_t begun[BEGUN_MAX]; /* since the save */
    size_t begun_count;
    bool begun_lost; /* more than fit */
};

struct config_atomic {
    struct oracle_base base;
    struct span files;
    struct intern names;
    struct table number_of; /* (node, file) -> index + 1 */
    struct config_file *items;
    size_t count, capacity;
};

extern const struct oracle_type ORACLE_CONFIG_ATOMIC;

static void *create(const struct oracle_host *host, const struct props *parameters,
                    const char **error) {
    struct config_atomic *oracle =
        oracle_begin(host, &ORACLE_CONFIG_ATOMIC, parameters, sizeof *oracle, error);
    if (oracle == NULL)
        return NULL;
    oracle->files = oracle_read_text(&oracle->base, "files");
    intern_init(&oracle->names, &oracle->base.host);
    table_init(&oracle->number_of, &oracle->base.host);
    return oracle_ready(oracle, error);
}

static struct config_file *file_of(struct config_atomic *oracle, const struct record *record) {
    uint32_t name = intern_add(&oracle->names, record_text(record, 0));
    uint64_t *number =
        name == 0 ? NULL : table_put(&oracle->number_of, table_key(record->node, name, 0, 0));
    struct config_file *items = number == NULL
                                    ? NULL
                                    : array_room(&oracle->base.host, oracle->items, oracle->count,
                                                 &oracle->capacity, sizeof *items);
    if (items == NULL) {
        oracle->base.no_memory = true;
        return NULL;
    }
    oracle->items = items;
    if (*number == 0)
        *number = ++oracle->count;
    return &items[*number - 1];
}

static bool may_be(const struct config_file *file, uint64_t hash) {
    bool begun = file->begun_lost || hash == file->hash;
    for (size_t i = 0; !begun && i < file->begun_count; i++)
        begun = file->begun[i] == hash;
    return begun;
}

static bool disk_is_bad(const struct config_atomic *oracle, uint16_t node) {
    const struct messages *messages = oracle->base.host.messages;
    return node < messages->by_node_capacity && messages->by_node[node] != NULL &&
           messages->by_node[node]->disk_fault;
}

/* File, source, hash. */
static void on_loaded(struct config_atomic *oracle, const struct record *record,
                      const struct config_file *file) {
    struct oracle_base *base = &oracle->base;
    const struct cluster_node *node = cluster_node(base->host.cluster, record->node);
    base->verdict.checked++;
    if (!file->was_saved || disk_is_bad(oracle, record->node) || oracle_excuses(base, node))
        return;
    bool none = span_equal(record_text(record, 1), SPAN_LITERAL("none"));
    if (!none && may_be(file, record_uint(record, 2)))
        return;
    if (!oracle_fail(base, "%.*s loads %s from %.*s", TEXT(node->name),
                     none ? "nothing" : "what it did not save last", TEXT(record_text(record, 0))))
        return;
    oracle_witness(base, file->saved, "saved, content %016llx", (unsigned long long)file->hash);
    const struct messages *messages = base->host.messages;
    const struct message_broker *broker =
        record->node < messages->by_node_capacity ? messages->by_node[record->node] : NULL;
    if (broker != NULL && broker->down.kind != 0)
        oracle_witness(base, broker->down, "the broker ends");
    oracle_witness(base, oracle_mark(record), "loaded from %.*s, content %016llx",
                   TEXT(record_text(record, 1)), (unsigned long long)record_uint(record, 2));
}

static void on_record(void *self, const struct record *record) {
    struct config_atomic *oracle = self;
    if (!span_equal(oracle->files, SPAN_LITERAL("all")) &&
        !name_listed(oracle->files, record_text(record, 0)))
        return;
    struct config_file *file = file_of(oracle, record);
    if (file == NULL)
        return;
    switch (record->kind) {
    case EVENT_config_saving:
        file->begun_lost |= file->begun_count == BEGUN_MAX;
        if (file->begun_count < BEGUN_MAX)
            file->begun[file->begun_count++] = record_uint(record, 1);
        break;
    case EVENT_config_saved:
        file->was_saved = true;
        file->saved = oracle_mark(record);
        file->hash = record_uint(record, 1);
        file->begun_count = 0;
        file->begun_lost = false;
        break;
    default:
        on_loaded(oracle, record, file);
        break;
    }
}

static void finish(void *self, uint64_t end_ns, struct oracle_verdict *out) {
    (void)end_ns;
    oracle_end(self, "no configuration file was loaded", out);
}

static const uint16_t KINDS[] = {EVENT_config_saving, EVENT_config_saved, EVENT_config_loaded,
                                 EVENT_KIND_COUNT};

const struct oracle_type ORACLE_CONFIG_ATOMIC = {
    .name = "config-atomic",
    .class_ = ORACLE_SAFETY,
    .about = "a config file loaded after a crash is the last saved one, or one begun later",
    .parameters = PARAMETERS,
    .parameter_count = sizeof PARAMETERS / sizeof PARAMETERS[0],
    .kinds = KINDS,
    .create = create,
    .on_record = on_record,
    .finish = finish,
};
