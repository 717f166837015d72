/* sim/scenario/scenario_tables.c - what may stand in a scenario file: the file, its cluster, its
 * network (what goes on in it: scenario_course.c). To add a member: one line here, its place in
 * scenario.h, and what it does (scenario_check.c, build.c or faults.c). */
#include "sim/scenario/scenario_tables.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define HOUR_NS INT64_C(3600000000000)
#define NODES_MAX 60000
#define FILE_PATH_MAX 200
#define FILE_TEXT_MAX 65536

const char *const PROFILE_WORDS[] = {"4.9", "5.3", NULL};
static const char *const ORDER_WORDS[] = {"time", "any", NULL};
const char *const SERIALIZATION_WORDS[] = {"binary", "json", "drawn", NULL};

/* ---- nodes ----------------------------------------------------------------------------------- */

static void topic_defaults(void *record) {
    struct topic_spec *topic = record;
    topic->read_queues = topic->write_queues = 8;
    topic->perm = 6;
}
static const struct field TOPIC_FIELDS[] = {
    {.key = "name",
     .type = FIELD_TEXT,
     .offset = offsetof(struct topic_spec, name),
     .required = true,
     .max = 127,
     .about = "the topic's name"},
    {.key = "read_queues",
     .type = FIELD_COUNT,
     .offset = offsetof(struct topic_spec, read_queues),
     .min = 1,
     .max = 65536,
     .fallback = "8",
     .about = "queues to read from"},
    {.key = "write_queues",
     .type = FIELD_COUNT,
     .offset = offsetof(struct topic_spec, write_queues),
     .min = 1,
     .max = 65536,
     .fallback = "8",
     .about = "queues to write to"},
    {.key = "perm",
     .type = FIELD_COUNT,
     .offset = offsetof(struct topic_spec, perm),
     .min = 0,
     .max = 7,
     .fallback = "6",
     .about = "4 read + 2 write + 1 inherit"},
};
static const struct record_type TOPIC_TYPE = {.name = "topic",
                                              .about =
                                                  "A topic that a broker has from its start on.",
                                              .fields = TOPIC_FIELDS,
                                              .field_count = COUNT(TOPIC_FIELDS),
                                              .bytes = sizeof(struct topic_spec),
                                              .defaults = topic_defaults};

static const struct field FILE_FIELDS[] = {
    {.key = "path",
     .type = FIELD_TEXT,
     .offset = offsetof(struct file_spec, path),
     .required = true,
     .max = FILE_PATH_MAX,
     .about = "absolute, on the machine's disk"},
    {.key = "text",
     .type = FIELD_TEXT,
     .offset = offsetof(struct file_spec, text),
     .required = true,
     .max = FILE_TEXT_MAX,
     .about = "what it holds"},
};
static const struct record_type FILE_TYPE = {.name = "file",
                                             .about =
                                                 "A file that a broker's disk has before the run.",
                                             .fields = FILE_FIELDS,
                                             .field_count = COUNT(FILE_FIELDS),
                                             .bytes = sizeof(struct file_spec)};

static const struct field CLOCK_FIELDS[] = {
    {.key = "offset",
     .type = FIELD_SHIFT,
     .offset = offsetof(struct clock_spec, offset_ns),
     .about = "wall clock ahead (or behind) at the start"},
    {.key = "drift",
     .type = FIELD_DRIFT,
     .offset = offsetof(struct clock_spec, drift_ppm),
     .about = "wall clock gains this much"},
    {.key = "rate",
     .type = FIELD_DRIFT,
     .offset = offsetof(struct clock_spec, rate_ppm),
     .about = "monotonic clock runs faster (or slower) by this much"},
    {.key = "utc_offset",
     .type = FIELD_SHIFT,
     .offset = offsetof(struct clock_spec, utc_offset_ns),
     .about = "local time minus UTC"},
};
static const struct record_type CLOCK_TYPE = {.name = "clock",
                                              .about = "How a node's clocks differ from true time.",
                                              .fields = CLOCK_FIELDS,
                                              .field_count = COUNT(CLOCK_FIELDS),
                                              .bytes = sizeof(struct clock_spec)};

static void group_defaults(void *record) {
    struct group_spec *group = record;
    group->count = 1;
    group->profile = -1;
    group->cluster = "DefaultCluster";
}
#define GROUP_FIELDS                                                                              \
    {.key = "name",                                                                               \
     .type = FIELD_NAME,                                                                          \
     .offset = offsetof(struct group_spec, name),                                                 \
     .required = true,                                                                            \
     .about = "the node's name; with a count: NAME-1, NAME-2, ..."},                              \
        {.key = "count",                                                                          \
         .type = FIELD_COUNT,                                                                     \
         .offset = offsetof(struct group_spec, count),                                            \
         .min = 1,                                                                                \
         .max = NODES_MAX,                                                                        \
         .fallback = "1",                                                                         \
         .about = "how many nodes"},                                                              \
        {.key = "host",                                                                           \
         .type = FIELD_NAME,                                                                      \
         .offset = offsetof(struct group_spec, host),                                             \
         .about =                                                                                 \
             "machine that the nodes share; left out: each has its own, named like the node"},    \
        {.key = "profile",                                                                        \
         .type = FIELD_WORD,                                                                      \
         .offset = offsetof(struct group_spec, profile),                                          \
         .words = PROFILE_WORDS,                                                                  \
         .about = "release whose behaviour is followed; left out: the "                           \
                  "cluster's"},                                                                   \
        {.key = "start",                                                                          \
         .type = FIELD_TIMINGS,                                                                   \
         .offset = offsetof(struct group_spec, start),                                            \
         .about =                                                                                 \
             "when its process starts: a duration, a drawn one (each node draws its own), or an " \
             "array with one for each node; at once when left out"},                              \
        {.key = "properties",                                                                     \
         .type = FIELD_PROPERTIES,                                                                \
         .offset = offsetof(struct group_spec, properties),                                       \
         .about = "as in the properties file of the real daemon"},                                \
        {.key = "cpu",                                                                            \
         .type = FIELD_DIST,                                                                      \
         .offset = offsetof(struct group_spec, cpu),                                              \
         .about = "time that one handler takes"},                                                 \
    {                                                                                             \
        .key = "clock", .type = FIELD_RECORD, .offset = offsetof(struct group_spec, clock),       \
        .record = &CLOCK_TYPE, .about = "how its clocks differ from true time"                    \
    }
#define NAME_SERVERS_FIELD                                           \
    {                                                                \
        .key = "name_servers", .type = FIELD_TARGETS,                \
        .offset = offsetof(struct group_spec, name_servers),         \
        .about = "the name servers that it knows; all when left out" \
    }

static const struct field NAME_SERVER_FIELDS[] = {GROUP_FIELDS};
static const struct field BROKER_FIELDS[] = {
    GROUP_FIELDS,
    NAME_SERVERS_FIELD,
    {.key = "cluster",
     .type = FIELD_NAME,
     .offset = offsetof(struct group_spec, cluster),
     .fallback = "DefaultCluster",
     .about = "brokerClusterName"},
    {.key = "broker_id",
     .type = FIELD_COUNT,
     .offset = offsetof(struct group_spec, broker_id),
     .min = 0,
     .max = 1000000,
     .fallback = "0",
     .about = "0 is a master"},
    {.key = "topics",
     .type = FIELD_LIST,
     .offset = offsetof(struct group_spec, topics),
     .record = &TOPIC_TYPE,
     .about = "topics that each of the brokers has"},
    {.key = "files",
     .type = FIELD_LIST,
     .offset = offsetof(struct group_spec, files),
     .record = &FILE_TYPE,
     .about = "files that the disk of each has before the run, such as /rmq/conf/plain_acl.yml"},
};
static const struct field CLIENT_FIELDS[] = {
    GROUP_FIELDS,
    NAME_SERVERS_FIELD,
    {.key = "topics",
     .type = FIELD_NAMES,
     .offset = offsetof(struct group_spec, topic_names),
     .about = "topics whose routes it keeps"},
    {.key = "loads",
     .type = FIELD_LIST,
     .offset = offsetof(struct group_spec, loads),
     .record = &LOAD_TYPE,
     .about = "what its application does, from the start of the node on"},
};
#define GROUP_TYPE(id, label, text)                                                  \
    static const struct record_type id##_TYPE = {.name = label,                      \
                                                 .about = text,                      \
                                                 .fields = id##_FIELDS,              \
                                                 .field_count = COUNT(id##_FIELDS),  \
                                                 .bytes = sizeof(struct group_spec), \
                                                 .defaults = group_defaults}
GROUP_TYPE(NAME_SERVER, "name server", "Name servers that are alike.");
GROUP_TYPE(BROKER, "broker", "Brokers that are alike.");
GROUP_TYPE(CLIENT, "client", "Clients that are alike.");

static const struct field CLUSTER_FIELDS[] = {
    {.key = "profile",
     .type = FIELD_WORD,
     .offset = offsetof(struct cluster_spec, profile),
     .words = PROFILE_WORDS,
     .fallback = "\"4.9\"",
     .about = "release whose behaviour the nodes follow"},
    {.key = "serialization",
     .type = FIELD_WORD,
     .offset = offsetof(struct cluster_spec, serialization),
     .words = SERIALIZATION_WORDS,
     .fallback = "\"binary\"",
     .about = "of the headers on the wire; drawn: per seed"},
    {.key = "name_servers",
     .type = FIELD_LIST,
     .offset = offsetof(struct cluster_spec, name_servers),
     .required = true,
     .record = &NAME_SERVER_TYPE,
     .about = "an array of name servers"},
    {.key = "brokers",
     .type = FIELD_LIST,
     .offset = offsetof(struct cluster_spec, brokers),
     .record = &BROKER_TYPE,
     .about = "an array of brokers"},
    {.key = "clients",
     .type = FIELD_LIST,
     .offset = offsetof(struct cluster_spec, clients),
     .record = &CLIENT_TYPE,
     .about = "an array of clients"},
};
static const struct record_type CLUSTER_TYPE = {.name = "cluster",
                                                .about = "The nodes.",
                                                .fields = CLUSTER_FIELDS,
                                                .field_count = COUNT(CLUSTER_FIELDS),
                                                .bytes = sizeof(struct cluster_spec)};

static const struct field ROLE_FIELDS[] = {
    {.key = "properties",
     .type = FIELD_PROPERTIES,
     .offset = offsetof(struct defaults_spec, properties),
     .about = "for all nodes of the role"},
    {.key = "cpu",
     .type = FIELD_DIST,
     .offset = offsetof(struct defaults_spec, cpu),
     .about = "time that one handler takes, for all nodes of the role"},
};
static const struct record_type ROLE_TYPE = {
    .name = "role defaults",
    .about = "What all nodes of a role have unless they say otherwise.",
    .fields = ROLE_FIELDS,
    .field_count = COUNT(ROLE_FIELDS),
    .bytes = sizeof(struct defaults_spec)};

#define DEFAULTS_OFFSET(role_id)                                                                \
    (offsetof(struct scenario_spec, defaults.role) - offsetof(struct scenario_spec, defaults) + \
     (role_id) * sizeof(struct defaults_spec))
static const struct field DEFAULTS_FIELDS[] = {
    {.key = "name_server",
     .type = FIELD_RECORD,
     .offset = DEFAULTS_OFFSET(ROLE_NAME_SERVER),
     .record = &ROLE_TYPE,
     .about = "for name servers"},
    {.key = "broker",
     .type = FIELD_RECORD,
     .offset = DEFAULTS_OFFSET(ROLE_BROKER),
     .record = &ROLE_TYPE,
     .about = "for brokers"},
    {.key = "client",
     .type = FIELD_RECORD,
     .offset = DEFAULTS_OFFSET(ROLE_CLIENT),
     .record = &ROLE_TYPE,
     .about = "for clients"},
};
static const struct record_type DEFAULTS_TYPE = {
    .name = "defaults",
    .about = "By role.",
    .fields = DEFAULTS_FIELDS,
    .field_count = COUNT(DEFAULTS_FIELDS),
    .bytes = sizeof(((struct scenario_spec *)NULL)->defaults)};

/* ---- network --------------------------------------------------------------------------------- */

struct link_record {
    struct link_spec link;
};
static const struct field LINK_ONLY_FIELDS[] = {LINK_FIELDS(struct link_record, link)};
static const struct record_type LINK_TYPE = {.name = "link",
                                             .about = "Profile of a link, per direction.",
                                             .fields = LINK_ONLY_FIELDS,
                                             .field_count = COUNT(LINK_ONLY_FIELDS),
                                             .bytes = sizeof(struct link_spec)};

static const struct field LINK_PAIR_FIELDS[] = {
    {.key = "from",
     .type = FIELD_TARGETS,
     .offset = offsetof(struct link_pair, from),
     .required = true,
     .about = "nodes at one end"},
    {.key = "to",
     .type = FIELD_TARGETS,
     .offset = offsetof(struct link_pair, to),
     .required = true,
     .about = "nodes at the other end"},
    {.key = "one_way",
     .type = FIELD_BOOL,
     .offset = offsetof(struct link_pair, one_way),
     .fallback = "false",
     .about = "only what goes from \"from\" to \"to\""},
    LINK_FIELDS(struct link_pair, link),
};
static const struct record_type LINK_PAIR_TYPE = {
    .name = "link",
    .about = "Links between two sets of nodes; members left out are the default's.",
    .fields = LINK_PAIR_FIELDS,
    .field_count = COUNT(LINK_PAIR_FIELDS),
    .bytes = sizeof(struct link_pair)};

#define NETWORK_OFFSET(member) \
    (offsetof(struct scenario_spec, network.member) - offsetof(struct scenario_spec, network))
static const struct field NETWORK_FIELDS[] = {
    {.key = "default",
     .type = FIELD_RECORD,
     .offset = NETWORK_OFFSET(standard),
     .record = &LINK_TYPE,
     .about = "every link that \"links\" does not name"},
    {.key = "links",
     .type = FIELD_LIST,
     .offset = NETWORK_OFFSET(links),
     .record = &LINK_PAIR_TYPE,
     .about = "links that differ; the last that fits counts"},
};
static const struct record_type NETWORK_TYPE = {
    .name = "network",
    .about = "The links.",
    .fields = NETWORK_FIELDS,
    .field_count = COUNT(NETWORK_FIELDS),
    .bytes = sizeof(((struct scenario_spec *)NULL)->network)};

/* ---- the file -------------------------------------------------------------------------------- */

static void scenario_defaults(void *record) {
    struct scenario_spec *spec = record;
    spec->seed = 1;
    spec->epoch_ms = INT64_C(1767225600000); /* 2026-01-01T00:00:00Z */
}
static const struct field SCENARIO_FIELDS[] = {
    {.key = "name",
     .type = FIELD_NAME,
     .offset = offsetof(struct scenario_spec, name),
     .required = true,
     .about = "a short name, as the file's"},
    {.key = "about",
     .type = FIELD_TEXT,
     .offset = offsetof(struct scenario_spec, about),
     .required = true,
     .about = "what it shows, in a sentence or two"},
    {.key = "seed",
     .type = FIELD_SEED,
     .offset = offsetof(struct scenario_spec, seed),
     .fallback = "1",
     .about = "of all draws; beyond 2^53 as a text"},
    {.key = "epoch",
     .type = FIELD_DATE,
     .offset = offsetof(struct scenario_spec, epoch_ms),
     .fallback = "\"2026-01-01T00:00:00Z\"",
     .about = "wall clock at time 0"},
    {.key = "duration",
     .type = FIELD_DURATION,
     .offset = offsetof(struct scenario_spec, duration_ns),
     .required = true,
     .min = 1,
     .max = 24 * 366 * HOUR_NS,
     .about = "simulated time of the run"},
    {.key = "parameters",
     .type = FIELD_ANY,
     .offset = offsetof(struct scenario_spec, parameters),
     .about = "NAME: {\"value\", \"about\"}; a text \"$NAME\" elsewhere stands for the value"},
    {.key = "vary",
     .type = FIELD_ANY,
     .offset = offsetof(struct scenario_spec, vary),
     .about = "NAME: [values]; every combination of them is run"},
    {.key = "cluster",
     .type = FIELD_RECORD,
     .offset = offsetof(struct scenario_spec, cluster),
     .required = true,
     .record = &CLUSTER_TYPE,
     .about = "the nodes"},
    {.key = "defaults",
     .type = FIELD_RECORD,
     .offset = offsetof(struct scenario_spec, defaults),
     .record = &DEFAULTS_TYPE,
     .about = "what all nodes of a role have"},
    {.key = "network",
     .type = FIELD_RECORD,
     .offset = offsetof(struct scenario_spec, network),
     .record = &NETWORK_TYPE,
     .about = "the links"},
    {.key = "buggify",
     .type = FIELD_RATIO,
     .offset = offsetof(struct scenario_spec, buggify_ppm),
     .about = "chance of rare but legal behaviour at each place that has some"},
    {.key = "plant",
     .type = FIELD_NAMES,
     .offset = offsetof(struct scenario_spec, plants),
     .about = "planted bugs that are switched on, see mqsim list plants"},
    {.key = "workload",
     .type = FIELD_LIST,
     .offset = offsetof(struct scenario_spec, workload),
     .record = &WORKLOAD_TYPE,
     .about = "commands that are repeated"},
    {.key = "timeline",
     .type = FIELD_LIST,
     .offset = offsetof(struct scenario_spec, timeline),
     .record = &TIMELINE_TYPE,
     .about = "faults and orders, in order of time"},
    {.key = "timeline_order",
     .type = FIELD_WORD,
     .offset = offsetof(struct scenario_spec, timeline_order),
     .words = ORDER_WORDS,
     .fallback = "\"time\"",
     .about = "any: entries need not be in order of time; what an effective scenario has when its "
              "moments were drawn"},
    {.key = "expect",
     .type = FIELD_LIST,
     .offset = offsetof(struct scenario_spec, expect),
     .record = &EXPECTATION_TYPE,
     .about = "what must hold"},
    {.key = "plots",
     .type = FIELD_NAMES,
     .offset = offsetof(struct scenario_spec, plots),
     .about = "pictures to draw, see mqsim list plots; all when left out"},
    {.key = "swarm", .type = FIELD_RESERVED, .about = "faults drawn from the seed"},
    {.key = "disk",
     .type = FIELD_RECORD,
     .offset = offsetof(struct scenario_spec, disks),
     .record = &DISKS_TYPE,
     .about = "the disks"},
};
const struct record_type SCENARIO_TYPE = {.name = "scenario",
                                          .about = "A scenario of windtunnel.",
                                          .fields = SCENARIO_FIELDS,
                                          .field_count = COUNT(SCENARIO_FIELDS),
                                          .bytes = sizeof(struct scenario_spec),
                                          .defaults = scenario_defaults};
