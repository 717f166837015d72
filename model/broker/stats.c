/* broker/stats.c - see stats.h. */
#include "model/broker/stats.h"

#include "model/base/check.h"
#include "model/base/date.h"

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_US UINT64_C(1000)
#define SECONDS_KEPT 601
#define KEY_MAX 512 /* a kind, a topic, '@' and a group */

struct stats_entry {
    UT_hash_handle hh;
    bool map_failed;
    uint8_t topic_len;
    uint16_t key_len;
    struct stats_item item;
    char key[]; /* kind, topic[, '@', group] */
};

static struct span topic_of(const struct stats_entry *entry) {
    return span_of(entry->key + 1, entry->topic_len);
}

static struct span group_of(const struct stats_entry *entry) {
    if (entry->key_len == entry->topic_len + 1)
        return SPAN_NONE;
    return span_of(entry->key + entry->topic_len + 2,
                   (size_t)entry->key_len - entry->topic_len - 2);
}

/* ---- time ------------------------------------------------------------------------------------ */

static int64_t local_day(const struct stats *stats) {
    return (env_wall_ms(stats->env) + (int64_t)env_utc_offset_min(stats->env) * 60000) / DAY_MS;
}

/* A clock that goes back makes no new morning. */
static void turn_day(struct stats *stats) {
    int64_t day = local_day(stats);
    struct stats_mornings *mornings = &stats->mornings;
    const struct stats_totals *totals = &stats->totals;
    if (day <= stats->day)
        return;
    bool next = day == stats->day + 1;
    mornings->put_yesterday = next ? mornings->put_today : totals->put_messages;
    mornings->get_yesterday = next ? mornings->get_today : totals->transferred;
    mornings->put_today = totals->put_messages;
    mornings->get_today = totals->transferred;
    stats->day = day;
}

static void turn_minute(struct stats *stats, uint64_t seconds) {
    uint64_t minute = seconds / 60, before = stats->filled / 60;
    if (minute == before)
        return;
    stats->minutes[1] = stats->minutes[0];
    memset(&stats->minutes[0], 0, sizeof stats->minutes[0]);
    if (minute > before + 1)
        memset(&stats->minutes[1], 0, sizeof stats->minutes[1]);
}

/* Samples of the seconds that have begun since. */
static void fill(struct stats *stats, uint64_t seconds) {
    const struct stats_totals *totals = &stats->totals;
    uint64_t from = stats->filled + 1;
    if (seconds - stats->filled > SECONDS_KEPT)
        from = seconds - SECONDS_KEPT + 1;
    for (uint64_t s = from; s <= seconds; s++) {
        uint64_t *sample = stats->samples[s % SECONDS_KEPT];
        sample[RATE_PUT] = totals->put_messages;
        sample[RATE_FOUND] = totals->found;
        sample[RATE_MISS] = totals->miss;
        sample[RATE_TRANSFERRED] = totals->transferred;
    }
    turn_minute(stats, seconds);
    stats->filled = seconds;
}

static void advance(struct stats *stats, uint64_t now_ns) {
    uint64_t seconds = (now_ns - stats->start_ns) / NS_PER_S;
    stats->seconds = seconds;
    stats->next_ns = stats->start_ns + (seconds + 1) * NS_PER_S;
    stats_grid_set(&stats->grid, seconds);
    turn_day(stats);
    if (stats->samples != NULL && seconds > stats->filled)
        fill(stats, seconds);
}

void stats_refresh(struct stats *stats) {
    uint64_t now_ns = env_mono_ns(stats->env);
    if (now_ns >= stats->next_ns)
        advance(stats, now_ns);
}

/* Before the first count everything was 0, which needs no memory. */
static bool begin_counting(struct stats *stats) {
    stats_refresh(stats);
    if (stats->samples != NULL)
        return true;
    size_t size = SECONDS_KEPT * sizeof stats->samples[0];
    uint64_t(*samples)[RATES] = env_alloc(stats->env, size);
    struct stats_put_minute *minutes = env_alloc(stats->env, 2 * sizeof *minutes);
    if (samples == NULL || minutes == NULL) {
        env_free(stats->env, samples);
        env_free(stats->env, minutes);
        return false;
    }
    memset(samples, 0, size);
    memset(minutes, 0, 2 * sizeof *minutes);
    stats->samples = samples;
    stats->minutes = minutes;
    stats->filled = stats->seconds;
    return true;
}

/* ---- life ------------------------------------------------------------------------------------ */

void stats_init(struct stats *stats, struct env *env, uint64_t hash_key) {
    *stats = (struct stats){.env = env, .hash_key = hash_key, .start_ns = env_mono_ns(env)};
    stats->start_wall_ms = env_wall_ms(env);
    stats->next_ns = stats->start_ns + NS_PER_S;
    stats->day = local_day(stats);
}

static void remove_entry(struct stats *stats, struct stats_entry *entry) {
    struct env *env = stats->env;
    if (stats->last_put == entry)
        stats->last_put = NULL;
    if (stats->last_get == entry)
        stats->last_get = NULL;
    HASH_DEL(stats->table, entry);
    stats->entries--;
    env_free(env, entry);
}

void stats_deinit(struct stats *stats) {
    if (stats->env == NULL)
        return;
    struct stats_entry *entry, *following;
    HASH_ITER(hh, stats->table, entry, following)
    remove_entry(stats, entry);
    for (uint32_t i = 0; i < stats->code_count; i++)
        env_free(stats->env, stats->codes[i]);
    env_free(stats->env, stats->codes);
    env_free(stats->env, stats->put);
    env_free(stats->env, stats->get);
    env_free(stats->env, stats->samples);
    env_free(stats->env, stats->minutes);
    *stats = (struct stats){0};
}

void stats_forget_topic(struct stats *stats, struct span topic) {
    struct stats_entry *entry, *following;
    HASH_ITER(hh, stats->table, entry, following) {
        if (span_equal(topic_of(entry), topic))
            remove_entry(stats, entry);
    }
}

void stats_forget_group(struct stats *stats, struct span group) {
    struct stats_entry *entry, *following;
    HASH_ITER(hh, stats->table, entry, following) {
        if (group.len > 0 && span_equal(group_of(entry), group))
            remove_entry(stats, entry);
    }
}

/* ---- items ----------------------------------------------------------------------------------- */

static struct stats_entry *find_key(const struct stats *stats, struct span key) {
    uint64_t hash_key = stats->hash_key;
    struct stats_entry *found = NULL;
    HASH_FIND(hh, stats->table, key.data, key.len, found);
    return found;
}

/* The key of an item in `out`; 0 when it is too long. */
static size_t key_of(enum stats_kind kind, struct span topic, struct span group,
                     uint8_t out[KEY_MAX]) {
    size_t len = 1 + topic.len + (span_is_absent(group) ? 0 : 1 + group.len);
    if (topic.len > UINT8_MAX || len > KEY_MAX)
        return 0;
    out[0] = (uint8_t)kind;
    uint8_t *end = span_copy(out + 1, topic);
    if (!span_is_absent(group)) {
        *end++ = '@';
        end = span_copy(end, group);
    }
    RMQ_ASSERT(end == out + len);
    return len;
}

static struct stats_entry *find(const struct stats *stats, enum stats_kind kind, struct span topic,
                                struct span group) {
    uint8_t key[KEY_MAX];
    size_t len = key_of(kind, topic, group, key);
    return len == 0 ? NULL : find_key(stats, span_of(key, len));
}

static struct stats_entry *find_or_add(struct stats *stats, enum stats_kind kind, struct span topic,
                                       struct span group) {
    struct env *env = stats->env;
    uint64_t hash_key = stats->hash_key;
    uint8_t key[KEY_MAX];
    size_t len = key_of(kind, topic, group, key);
    struct stats_entry *entry = len == 0 ? NULL : find_key(stats, span_of(key, len));
    if (entry != NULL || len == 0 || stats->entries >= STATS_ITEMS_MAX)
        return entry;
    entry = env_alloc(env, sizeof *entry + len);
    if (entry == NULL)
        return NULL;
    memset(entry, 0, sizeof *entry);
    memcpy(entry->key, key, len);
    entry->key_len = (uint16_t)len;
    entry->topic_len = (uint8_t)topic.len;
    stats_item_init(&entry->item, &stats->grid);
    HASH_ADD_KEYPTR(hh, stats->table, entry->key, len, entry);
    if (MAP_ADD_FAILED(entry)) {
        env_free(env, entry);
        return NULL;
    }
    stats->entries++;
    return entry;
}

static void count(struct stats *stats, struct stats_entry *entry, uint64_t nums, uint64_t size,
                  uint64_t ms) {
    if (entry == NULL)
        stats->uncounted++;
    else
        stats_item_add(&entry->item, &stats->grid, nums, size, ms, 1);
}

/* Of the whole broker: Apache counts no times there, so the average is 0. */
static void count_all(struct stats *stats, struct stats_item **item, uint64_t nums) {
    if (*item == NULL) {
        *item = env_alloc(stats->env, sizeof **item);
        if (*item == NULL) {
            stats->uncounted++;
            return;
        }
        stats_item_init(*item, &stats->grid);
    }
    stats_item_add(*item, &stats->grid, nums, 0, 0, 0);
}

/* ---- counting -------------------------------------------------------------------------------- */

static const uint16_t PUT_BOUNDS_MS[STATS_PUT_TIMES - 1] = {1,    10,   50,   100,  200,  500,
                                                            1000, 2000, 3000, 4000, 5000, 10000};

static void count_put_time(struct stats *stats, uint64_t took_ns) {
    uint64_t ms = took_ns / NS_PER_MS;
    unsigned bucket = 0;
    while (bucket < STATS_PUT_TIMES - 1 && ms >= PUT_BOUNDS_MS[bucket])
        bucket++;
    stats->minutes[0].times[bucket]++;
    latency_add(&stats->minutes[0].latency, took_ns / NS_PER_US);
    if (ms > stats->totals.put_max_ms)
        stats->totals.put_max_ms = ms;
}

void stats_put(struct stats *stats, struct span topic, uint32_t messages, uint64_t bytes,
               uint64_t took_ns) {
    struct stats_entry *entry = stats->last_put;
    if (begin_counting(stats))
        count_put_time(stats, took_ns);
    stats->totals.put_messages += messages;
    stats->totals.put_bytes += bytes;
    if (entry == NULL || !span_equal(topic_of(entry), topic))
        stats->last_put = entry = find_or_add(stats, STATS_TOPIC_PUT, topic, SPAN_NONE);
    count(stats, entry, messages, bytes, 0);
    count_all(stats, &stats->put, messages);
}

void stats_put_failed(struct stats *stats) {
    stats_refresh(stats);
    stats->totals.put_failed++;
}

void stats_get(struct stats *stats, struct span topic, struct span group, uint32_t messages,
               uint64_t bytes, uint64_t took_ns) {
    uint64_t ms = took_ns / NS_PER_MS;
    struct stats_entry *entry = stats->last_get;
    RMQ_IGNORE(!begin_counting(stats), "rates stay 0 then");
    if (ms > stats->totals.get_max_ms)
        stats->totals.get_max_ms = ms;
    if (messages == 0) {
        stats->totals.miss++;
        return;
    }
    stats->totals.found++;
    stats->totals.transferred += messages;
    if (entry == NULL || !span_equal(topic_of(entry), topic) || !span_equal(group_of(entry), group))
        stats->last_get = entry = find_or_add(stats, STATS_GROUP_GET, topic, group);
    count(stats, entry, messages, bytes, ms);
    count_all(stats, &stats->get, messages);
}

void stats_send_back(struct stats *stats, struct span topic, struct span group) {
    stats_refresh(stats);
    count(stats, find_or_add(stats, STATS_SEND_BACK, topic, group), 1, 0, 0);
}

void stats_answered(struct stats *stats, int32_t code, uint64_t took_ns) {
    uint32_t i = 0;
    if (stats->codes == NULL)
        stats->codes = env_alloc(stats->env, STATS_CODES_MAX * sizeof(struct stats_code *));
    if (stats->codes == NULL)
        return;
    while (i < stats->code_count && stats->codes[i]->code != code)
        i++;
    if (i == STATS_CODES_MAX)
        return;
    if (i == stats->code_count) {
        struct stats_code *added = env_alloc(stats->env, sizeof *added);
        if (added == NULL)
            return;
        memset(added, 0, sizeof *added);
        added->code = code;
        stats->codes[stats->code_count++] = added;
    }
    latency_add(&stats->codes[i]->latency, took_ns / NS_PER_US);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Names of request 315. */
static const struct {
    const char *name;
    enum stats_kind kind;
    enum stats_field field;
} NAMES[] = {
    {"TOPIC_PUT_NUMS", STATS_TOPIC_PUT, STATS_NUMS},
    {"TOPIC_PUT_SIZE", STATS_TOPIC_PUT, STATS_SIZE},
    {"GROUP_GET_NUMS", STATS_GROUP_GET, STATS_NUMS},
    {"GROUP_GET_SIZE", STATS_GROUP_GET, STATS_SIZE},
    {"GROUP_GET_LATENCY", STATS_GROUP_GET, STATS_MS},
    {"SNDBCK_PUT_NUMS", STATS_SEND_BACK, STATS_NUMS},
};

static void read_item(struct stats *stats, struct stats_item *item, enum stats_field field,
                      struct broker_stats_data *out) {
    out->minute = stats_item_window(item, &stats->grid, field, STATS_MINUTE);
    out->hour = stats_item_window(item, &stats->grid, field, STATS_HOUR);
    out->day = stats_item_window(item, &stats->grid, field, STATS_DAY);
}

static bool find_by_name(struct stats *stats, struct span name, struct span key,
                         struct broker_stats_data *out) {
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (!span_equal(name, span_of_text(NAMES[i].name)))
            continue;
        uint8_t whole[KEY_MAX];
        if (key.len > KEY_MAX - 1)
            return false;
        whole[0] = (uint8_t)NAMES[i].kind;
        span_copy(whole + 1, key);
        struct stats_entry *entry = find_key(stats, span_of(whole, key.len + 1));
        if (entry != NULL)
            read_item(stats, &entry->item, NAMES[i].field, out);
        return entry != NULL;
    }
    return false;
}

bool stats_find(struct stats *stats, struct span name, struct span key, struct span cluster,
                struct broker_stats_data *out) {
    stats_refresh(stats);
    bool put = span_equal(name, SPAN_LITERAL("BROKER_PUT_NUMS"));
    if (put || span_equal(name, SPAN_LITERAL("BROKER_GET_NUMS"))) {
        struct stats_item *item = put ? stats->put : stats->get;
        if (item == NULL || !span_equal(key, cluster))
            return false;
        read_item(stats, item, STATS_NUMS, out);
        return true;
    }
    return find_by_name(stats, name, key, out);
}

static int64_t tps_of(struct stats *stats, enum stats_kind kind, struct span topic,
                      struct span group) {
    stats_refresh(stats);
    struct stats_entry *entry = find(stats, kind, topic, group);
    if (entry == NULL)
        return 0;
    return stats_item_window(&entry->item, &stats->grid, STATS_NUMS, STATS_MINUTE).tps;
}

int64_t stats_topic_tps(struct stats *stats, struct span topic) {
    return tps_of(stats, STATS_TOPIC_PUT, topic, SPAN_NONE);
}

int64_t stats_group_tps(struct stats *stats, struct span topic, struct span group) {
    return tps_of(stats, STATS_GROUP_GET, topic, group);
}

bool stats_rate(struct stats *stats, enum stats_rate rate, uint64_t seconds, int64_t *per_second) {
    RMQ_ASSERT(seconds < SECONDS_KEPT && rate < RATES);
    stats_refresh(stats);
    if (stats->seconds <= seconds) /* the first sample is that of second 1 */
        return false;
    *per_second = 0;
    if (stats->samples == NULL)
        return true;
    uint64_t last = stats->samples[stats->seconds % SECONDS_KEPT][rate];
    uint64_t first = stats->samples[(stats->seconds - seconds) % SECONDS_KEPT][rate];
    *per_second = decimal_ratio((int64_t)(last - first), 1, (int64_t)seconds);
    return true;
}

const struct stats_put_minute *stats_last_minute(struct stats *stats) {
    stats_refresh(stats);
    return stats->samples != NULL && stats->seconds >= 60 ? &stats->minutes[1] : NULL;
}

void stats_each(struct stats *stats, stats_each_fn *each, void *ctx) {
    stats_refresh(stats);
    struct stats_entry *entry, *following;
    HASH_ITER(hh, stats->table, entry, following)
    each(ctx, (enum stats_kind)entry->key[0], topic_of(entry), group_of(entry), &entry->item);
}
