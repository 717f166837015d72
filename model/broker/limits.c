#include "model/broker/limits.h"

#include "model/base/check.h"
#include "model/base/settings.h"
#include "model/broker/broker_internal.h"
#include "model/events.h"

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define BURST_NS NS_PER_S
#define SWEEP_MIN 64
#define SUBJECT_BYTES_MAX 512 /* longer names share what their first bytes are */

struct limit_bucket {
    UT_hash_handle hh;
    bool map_failed;
    uint64_t paid_ns; /* mono; in the past: nothing is owed */
    uint16_t len;
    uint8_t key[]; /* kind, subject, name */
};

static const char *const KEYS[LIMIT_KINDS][LIMIT_SUBJECTS] = {
    {"limitSendsPerConnection", "limitSendsPerGroup", "limitSendsPerTopic"},
    {"limitSendBytesPerConnection", "limitSendBytesPerGroup", "limitSendBytesPerTopic"},
    {"limitPullsPerConnection", "limitPullsPerGroup", "limitPullsPerTopic"},
    {"limitPullBytesPerConnection", "limitPullBytesPerGroup", "limitPullBytesPerTopic"}};

const char *limit_key(enum limit_kind kind, enum limit_subject subject) {
    return KEYS[kind][subject];
}

void limits_read(struct settings *settings, struct limit_config *out) {
    for (size_t kind = 0; kind < LIMIT_KINDS; kind++) {
        for (size_t subject = 0; subject < LIMIT_SUBJECTS; subject++)
            out->per_second[kind][subject] =
                (uint64_t)settings_number(settings, KEYS[kind][subject], 0, 0, INT32_MAX);
    }
}

/* ---- buckets ----------------------------------------------------------------------------------
 */

static void drop(struct limits *limits, struct env *env, struct limit_bucket *bucket) {
    HASH_DEL(limits->table, bucket);
    limits->count--;
    env_free(env, bucket);
}

void limits_deinit(struct limits *limits, struct env *env) {
    struct limit_bucket *bucket, *following;
    HASH_ITER(hh, limits->table, bucket, following) {
        drop(limits, env, bucket);
    }
    *limits = (struct limits){0};
}

/* Forgets who owes nothing, when the table has doubled since the last time. */
static void sweep(struct limits *limits, struct env *env, uint64_t now_ns) {
    struct limit_bucket *bucket, *following;
    if (limits->count < limits->sweep_at || limits->count < SWEEP_MIN)
        return;
    HASH_ITER(hh, limits->table, bucket, following) {
        if (bucket->paid_ns <= now_ns)
            drop(limits, env, bucket);
    }
    limits->sweep_at = 2 * limits->count;
}

/* Who is counted, as a key. */
struct subject {
    uint8_t key[2 + SUBJECT_BYTES_MAX];
    uint16_t len;
};

static void make_subject(struct subject *out, enum limit_kind kind, enum limit_subject subject,
                         struct span name) {
    size_t len = name.len < SUBJECT_BYTES_MAX ? name.len : SUBJECT_BYTES_MAX;
    out->key[0] = (uint8_t)kind;
    out->key[1] = (uint8_t)subject;
    span_copy(out->key + 2, span_of(name.data, len));
    out->len = (uint16_t)(2 + len);
}

static struct limit_bucket *find(struct broker *broker, const struct subject *subject) {
    uint64_t hash_key = broker->groups.hash_key;
    struct limit_bucket *bucket = NULL;
    HASH_FIND(hh, broker->limits.table, subject->key, subject->len, bucket);
    return bucket;
}

static void pay(struct broker *broker, const struct subject *subject, uint64_t cost_ns,
                uint64_t now_ns) {
    struct limits *limits = &broker->limits;
    struct env *env = broker->env;
    uint64_t hash_key = broker->groups.hash_key;
    struct limit_bucket *bucket = find(broker, subject);
    if (bucket == NULL) {
        sweep(limits, env, now_ns);
        bucket = env_alloc(env, sizeof *bucket + subject->len);
        if (bucket == NULL)
            return;
        memset(bucket, 0, sizeof *bucket);
        bucket->len = subject->len;
        memcpy(bucket->key, subject->key, subject->len);
        HASH_ADD_KEYPTR(hh, limits->table, bucket->key, bucket->len, bucket);
        if (MAP_ADD_FAILED(bucket)) {
            env_free(env, bucket);
            return;
        }
        limits->count++;
    }
    bucket->paid_ns = (bucket->paid_ns > now_ns ? bucket->paid_ns : now_ns) + cost_ns;
}

/* What `units` cost at so many per second; bounded, so that one debt ends within a minute. */
static uint64_t cost_of(uint64_t units, uint64_t per_second) {
    uint64_t most = 60 * per_second;
    return ((units < most ? units : most) * NS_PER_S + per_second - 1) / per_second;
}

/* ---- requests ---------------------------------------------------------------------------------
 */

struct use {
    struct span names[LIMIT_SUBJECTS]; /* of connection, group, topic; absent: not counted */
    uint64_t channel_id;               /* the first name */
};

static void make_use(struct use *use, const struct channel *channel, struct span topic,
                     struct span group) {
    use->channel_id = channel_id(channel);
    use->names[LIMIT_CONNECTION] = span_of(&use->channel_id, sizeof use->channel_id);
    use->names[LIMIT_GROUP] = group;
    use->names[LIMIT_TOPIC] = topic;
}

static bool is_on(const struct broker *broker, enum limit_kind kind) {
    const uint64_t *limits = broker->config.limits.per_second[kind];
    return (limits[LIMIT_CONNECTION] | limits[LIMIT_GROUP] | limits[LIMIT_TOPIC]) != 0;
}

static void refuse(struct broker *broker, struct channel *channel,
                   const struct wire_command *request, enum limit_kind kind,
                   enum limit_subject subject, struct span name, uint64_t wait_ns) {
    static const char *const WHO[] = {" of this connection", " of group ", " of topic "};
    uint64_t bound = broker->config.limits.per_second[kind][subject];
    struct outcome outcome;
    struct asker asker = asker_of(channel, request);
    outcome_init(&outcome, kind <= LIMIT_SEND_BYTES ? RESPONSE_SYSTEM_BUSY : RESPONSE_FLOW_CONTROL);
    outcome_text(&outcome, "[LIMIT]");
    outcome_text(&outcome, KEYS[kind][subject]);
    outcome_text(&outcome, " ");
    outcome_number(&outcome, (int64_t)bound);
    outcome_text(&outcome, WHO[subject]);
    if (subject != LIMIT_CONNECTION)
        outcome_span(&outcome, name);
    outcome_text(&outcome, ": there is room again in ");
    outcome_number(&outcome, (int64_t)((wait_ns + NS_PER_MS - 1) / NS_PER_MS));
    outcome_text(&outcome, " ms");
    broker->limits.refused[kind][subject]++;
    event_flow_refused(broker->env, span_of_text(KEYS[kind][subject]), wait_ns / NS_PER_MS, bound,
                       subject == LIMIT_CONNECTION ? span_of_text(channel_peer(channel)) : name);
    answer_code(&broker->remoting, &asker, outcome.code, outcome.remark);
}

/* Whether nobody owes more than a burst; else the request was refused. */
static bool has_room(struct broker *broker, struct channel *channel,
                     const struct wire_command *request, const struct use *use,
                     enum limit_kind kind, uint64_t now_ns) {
    for (int subject = 0; subject < LIMIT_SUBJECTS; subject++) {
        struct subject key;
        if (broker->config.limits.per_second[kind][subject] == 0 ||
            span_is_absent(use->names[subject]))
            continue;
        make_subject(&key, kind, (enum limit_subject)subject, use->names[subject]);
        const struct limit_bucket *bucket = find(broker, &key);
        if (bucket == NULL || bucket->paid_ns < now_ns + BURST_NS ||
            env_plant(broker->env, PLANT_LIMITS_OPEN))
            continue;
        refuse(broker, channel, request, kind, (enum limit_subject)subject, use->names[subject],
               bucket->paid_ns - (now_ns + BURST_NS) + 1);
        return false;
    }
    return true;
}

static void pay_all(struct broker *broker, const struct use *use, enum limit_kind kind,
                    uint64_t units, uint64_t now_ns) {
    for (int subject = 0; subject < LIMIT_SUBJECTS; subject++) {
        struct subject key;
        uint64_t per_second = broker->config.limits.per_second[kind][subject];
        if (per_second == 0 || span_is_absent(use->names[subject]))
            continue;
        make_subject(&key, kind, (enum limit_subject)subject, use->names[subject]);
        pay(broker, &key, cost_of(units, per_second), now_ns);
    }
}

bool limits_admit_send(struct broker *broker, struct channel *channel,
                       const struct wire_command *request) {
    bool plain = request->code == REQUEST_SEND_MESSAGE;
    struct use use;
    if (!is_on(broker, LIMIT_SENDS) && !is_on(broker, LIMIT_SEND_BYTES))
        return true;
    uint64_t now_ns = env_mono_ns(broker->env);
    make_use(&use, channel, wire_field(request, plain ? "topic" : "b"),
             wire_field(request, plain ? "producerGroup" : "a"));
    if (!has_room(broker, channel, request, &use, LIMIT_SENDS, now_ns) ||
        !has_room(broker, channel, request, &use, LIMIT_SEND_BYTES, now_ns))
        return false;
    pay_all(broker, &use, LIMIT_SENDS, 1, now_ns);
    pay_all(broker, &use, LIMIT_SEND_BYTES, request->body.len, now_ns);
    return true;
}

bool limits_admit_pull(struct broker *broker, struct channel *channel,
                       const struct wire_command *request) {
    struct use use;
    if (!is_on(broker, LIMIT_PULLS) && !is_on(broker, LIMIT_PULL_BYTES))
        return true;
    uint64_t now_ns = env_mono_ns(broker->env);
    make_use(&use, channel, wire_field(request, "topic"), wire_field(request, "consumerGroup"));
    if (!has_room(broker, channel, request, &use, LIMIT_PULLS, now_ns) ||
        !has_room(broker, channel, request, &use, LIMIT_PULL_BYTES, now_ns))
        return false;
    pay_all(broker, &use, LIMIT_PULLS, 1, now_ns);
    return true;
}

void limits_pulled(struct broker *broker, const struct channel *channel, struct span topic,
                   struct span group, uint64_t bytes) {
    struct use use;
    if (channel == NULL || !is_on(broker, LIMIT_PULL_BYTES))
        return;
    make_use(&use, channel, topic, group);
    pay_all(broker, &use, LIMIT_PULL_BYTES, bytes, env_mono_ns(broker->env));
}
