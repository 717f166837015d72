/* sim/scenario/scenario.h - a scenario file, loaded and checked: what it says, ready to be run.
 *
 * Load: text -> tree (scenario_doc) -> --set and parameters put in -> structs by table
 * (scenario_field, scenario_tables) -> references, times, oracles checked (scenario_check). What is
 * drawn - start phases, moments, targets, latencies - is settled for one seed by scenario_settle,
 * without parsing anything again; the effective scenario has those values as constants and replays
 * by itself. Nothing here changes while a world runs. */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "sim/oracle/oracle.h"
#include "sim/scenario/scenario_targets.h"
#include "sim/world/world.h"

enum scenario_role { ROLE_NAME_SERVER, ROLE_BROKER, ROLE_CLIENT, ROLE_COUNT };
enum profile_word { PROFILE_4_9, PROFILE_5_3 };
enum serialization_word { SERIALIZATION_BINARY, SERIALIZATION_JSON, SERIALIZATION_DRAWN };
enum order_word { ORDER_BY_TIME, ORDER_ANY };
extern const char *const PROFILE_WORDS[];
extern const char *const SERIALIZATION_WORDS[];

struct topic_spec {
    const struct doc_value *at;
    const char *name;
    int64_t read_queues, write_queues, perm;
};

/* What a machine's disk holds before the run. */
struct file_spec {
    const struct doc_value *at;
    const char *path, *text;
};

struct clock_spec {
    const struct doc_value *at;
    int64_t offset_ns; /* whole milliseconds count */
    int32_t drift_ppm, rate_ppm;
    int64_t utc_offset_ns; /* whole minutes count */
};

/* `count` nodes of one role, alike but for their names. Members that a role has not stay empty. */
struct group_spec {
    const struct doc_value *at;
    const char *name;
    int64_t count;
    const char *host; /* NULL: each node its own */
    int profile;      /* -1: the cluster's */
    struct timings start;
    struct props properties;
    struct dist_spec cpu;
    struct clock_spec clock;
    const char *cluster;         /* broker */
    int64_t broker_id;           /* broker */
    struct targets name_servers; /* broker, client; not given: all */
    struct list topics;          /* broker: struct topic_spec */
    struct list files;           /* broker: struct file_spec */
    struct names topic_names;    /* client */
    struct list loads;           /* client: struct load_spec */
};

/* Of a client group: an order of model/load/load.h. */
struct load_spec {
    const struct doc_value *at;
    int kind; /* index of "do" */
    const char *name;
    struct props order;      /* the arguments, as that file has them */
    struct props properties; /* for the producer or consumer */
};

struct defaults_spec {
    const struct doc_value *at;
    struct props properties;
    struct dist_spec cpu;
};

struct link_spec {
    const struct doc_value *at;
    struct dist_spec latency;
    uint64_t bandwidth;
    uint32_t loss, chop, corrupt;
    uint64_t rto_ns, give_up_ns, dial_give_up_ns;
    uint64_t buffer_bytes;
};

struct link_pair {
    const struct doc_value *at;
    struct targets from, to;
    bool one_way;
    struct link_spec link;
};

struct disk_spec {
    const struct doc_value *at;
    struct dist_spec write, read, sync;
    uint64_t bandwidth, capacity_bytes, cache_bytes;
    uint32_t keep, keep_names, torn;
    uint32_t write_errors, read_errors, sync_errors, lying_syncs;
    uint64_t write_back_ns;
};

struct disk_of {
    const struct doc_value *at;
    struct targets node;
    struct disk_spec disk;
};

struct trigger_spec {
    const struct doc_value *at;
    const char *event;
    int kind;            /* of the event */
    struct targets node; /* who reports it; not given: anyone */
    struct props match;  /* fields and the values they must have */
    int64_t count;
    uint64_t after_ns;
};

struct fault_kind;
struct timeline_entry {
    const struct doc_value *at;
    const struct doc_value *action; /* "do" */
    const char *label;
    const struct fault_kind *kind;
    struct timing time; /* "at" */
    struct trigger_spec when;
    struct timing lasts; /* "for" */
    /* By kind: */
    struct targets node, from, to;
    bool one_way;
    struct list sets; /* struct targets */
    struct link_spec link;
    struct disk_spec disk;
    int operations; /* enum disk_errors_word */
    const char *file;
    int64_t shift_ns;
    int32_t drift_ppm;
    struct dist_spec cpu;
    int64_t calls;
    const char *command;
    struct props arguments;
    struct props command_props; /* "do" and the arguments */
};

struct workload_spec {
    const struct doc_value *at;
    struct targets node;
    const char *command;
    uint64_t every_ns;
    struct timing first;
    int64_t count; /* 0: until the end */
    struct props arguments;
    struct props command_props;
};

struct expectation_spec {
    const struct doc_value *at;
    const char *name;
    const struct oracle_type *type;
    struct props parameters; /* durations as decimal ns */
};

struct scenario_spec {
    const struct doc_value *at;
    const char *name, *about;
    uint64_t seed;
    int64_t epoch_ms;
    uint64_t duration_ns;
    const struct doc_value *parameters, *vary;
    struct cluster_spec {
        const struct doc_value *at;
        int profile, serialization;
        struct list name_servers, brokers, clients; /* struct group_spec */
    } cluster;
    struct {
        const struct doc_value *at;
        struct defaults_spec role[ROLE_COUNT];
    } defaults;
    struct {
        const struct doc_value *at;
        struct link_spec standard;
        struct list links; /* struct link_pair */
    } network;
    struct {
        const struct doc_value *at;
        struct disk_spec standard;
        struct list nodes; /* struct disk_of */
    } disks;
    struct list workload; /* struct workload_spec */
    struct list timeline; /* struct timeline_entry */
    struct list expect;   /* struct expectation_spec */
    struct names plots;
    int timeline_order; /* enum order_word */
    uint32_t buggify_ppm;
    struct names plants;
};

/* One node, expanded from its group. */
struct scenario_node {
    const char *name;
    enum scenario_role role;
    size_t host;  /* index */
    size_t place; /* in its group, from 0 */
    const struct group_spec *group;
    struct timing start;
};
struct scenario_host {
    const char *name;
    const char *ip;
};

struct scenario_draws;
struct scenario {
    struct pool pool;
    struct doc_source source;
    struct doc_value *doc; /* parameters put in */
    struct scenario_spec spec;
    struct scenario_node *nodes; /* name servers, brokers, clients: in this order */
    size_t node_count;
    struct scenario_host *hosts;
    size_t host_count;
    struct node_names names;
    struct scenario_draws *draws; /* what scenario_settle fills in */
    bool profiles_drawn;          /* links or CPU costs differ from seed to seed */
    uint32_t *marks;              /* scratch, one for each host */
    int serialization;            /* of the present seed: BINARY or JSON */
    uint64_t seed;                /* of the present settling */
    /* Values of the varied parameters in this combination, as text. */
    const char **vary_names;
    const char **vary_values;
    const char **vary_sets; /* the same as arguments of --set */
    size_t vary_count;
    size_t combination, combination_count;
};

/* Loads combination `combination` (0.. ) of the varied parameters. `sets` are the arguments of
 * --set, "name=value". `name` is the file's, for messages. `text` is copied. NULL after reporting
 * at least one error. */
struct scenario *scenario_load(const char *name, const char *text, size_t len,
                               const char *const *sets, size_t set_count, size_t combination,
                               struct scenario_errors *errors);
void scenario_free(struct scenario *scenario);

/* Draws for `seed` all that is drawn. */
void scenario_settle(struct scenario *scenario, uint64_t seed);
/* Text of the effective scenario of the present settling: no parameters, nothing drawn. For free();
 * NULL: out of memory. */
char *scenario_effective(const struct scenario *scenario);

/* What `spec` says, on top of `profile`. */
void link_spec_apply(const struct link_spec *spec, struct link_profile *profile);
/* Profile of the link between two hosts (indices) as the scenario has it. */
void scenario_link_profile(const struct scenario *scenario, size_t from, size_t to,
                           struct link_profile *out);
/* The same for disks. */
struct disk_profile;
void disk_spec_apply(const struct disk_spec *spec, struct disk_profile *profile);
void scenario_disk_profile(const struct scenario *scenario, size_t host, struct disk_profile *out);
/* Is one of the chosen nodes on that host (index)? */
bool targets_hold_host(const struct scenario *scenario, const struct targets *targets, size_t host);
/* Cost of a handler of a node (index). */
const struct dist *scenario_cpu_of(const struct scenario *scenario, size_t node);

/* JSON schema (draft-07) of scenario files. For free(). */
char *scenario_schema(void);

#endif
