/* A store on the simulator's disk, which fails in every way that a store must survive: whatever
 * ends the process, the next start finds what was acknowledged, nothing else and nothing twice, and
 * all that reads it says the same. */
#include "model/tests/store_role.h"
#include "sim/world/world_internal.h" /* before the puppet's globals */

#include "sim/tests/puppet.h"
#include "sim/tests/slow_build.h"
#include "sim/world/disk.h"

#define S WORLD_SECOND_NS
#define QUEUES 3
#define PER_LOOP 20
#define LOOPS (SLOW_BUILD ? 2 : 5) /* 300 seeds passed when it was written */
#define TINY_FILES                                            \
    "storePathRootDir=/store\nmappedFileSizeCommitLog=8192\n" \
    "mappedFileSizeConsumeQueue=400\nmaxHashSlotNum=8\nmaxIndexNum=16\n"

/* ---- the node: puts, and reads itself back ---- */

/* Outside the world. */
static struct {
    bool strict;      /* nothing may fail */
    bool reading;     /* a reader is under way */
    uint64_t dropped; /* pages that failed syncs had taken when the process started */
    int64_t next[QUEUES];
    unsigned found[STORE_MESSAGES_MAX];
    unsigned count, failed; /* messages that were read; operations that failed */
} readback;

struct reader {
    struct env *env;
    struct store *store;
    struct store_get get;
    struct store_lookup lookup;
    int32_t queue;
    unsigned step;
    struct message message; /* the first one of the get */
    char key[16];
};

static void read_on(struct reader *reader);

static void read_end(struct reader *reader) {
    buf_deinit(&reader->get.records);
    buf_deinit(&reader->lookup.records);
    readback.reading = false;
    env_free(reader->env, reader);
}

/* All of a message is as it was sent. */
static void check_message(const struct message *message, int32_t queue, int64_t offset) {
    unsigned number = number_of_body(message->body);
    char key[16];
    size_t digits = (size_t)snprintf(key, sizeof key, "%u", number);
    ck_assert_uint_lt(number, store_log.sent);
    const struct sent_message *sent = &store_log.messages[number];
    ck_assert_uint_ge(message->body.len, digits);
    for (size_t i = digits; i < message->body.len; i++)
        ck_assert_uint_eq(message->body.data[i], ' ');
    snprintf(key, sizeof key, "k%04u", number);
    ck_assert(span_equal(message->topic, SPAN_LITERAL("T")));
    ck_assert(
        span_equal(message_property(message->properties, SPAN_LITERAL("KEYS")), span_of_text(key)));
    ck_assert(span_equal(message_property(message->properties, SPAN_LITERAL("TAGS")),
                         SPAN_LITERAL("tag")));
    ck_assert_int_eq(message->queue_id, queue);
    ck_assert_int_eq(sent->queue, queue);
    ck_assert_int_eq(message->queue_offset, offset);
    if (sent->told && sent->status == PUT_OK)
        ck_assert_int_eq(offset, sent->queue_offset);
}

static bool fails(struct reader *reader, bool failed) {
    if (failed) {
        ck_assert_msg(!readback.strict, "step %u", reader->step);
        readback.failed++;
        read_end(reader);
    }
    return failed;
}

static void on_found(struct store_lookup *lookup, int status) {
    struct reader *reader = RMQ_CONTAINER_OF(lookup, struct reader, lookup);
    if (fails(reader, status != RMQ_OK))
        return;
    if (reader->step != 0) { /* by place, by key: the message itself */
        struct message found;
        if (fails(reader, lookup->count == 0)) /* the index may wait for the disk */
            return;
        ck_assert_int_eq(message_decode(buf_span(&lookup->records), true, &found), MESSAGE_OK);
        ck_assert_int_eq(found.physical_offset, reader->message.physical_offset);
    } else {
        ck_assert_int_ge(lookup->value, 0);
        ck_assert_int_lt(lookup->value, readback.next[reader->queue]);
    }
    read_on(reader);
}

static void on_got(struct store_get *get, enum get_status status) {
    struct reader *reader = RMQ_CONTAINER_OF(get, struct reader, get);
    struct span rest = buf_span(&get->records);
    bool end = status == GET_OFFSET_OVERFLOW_ONE || status == GET_NO_MESSAGE_IN_QUEUE ||
               status == GET_NO_MATCHED_LOGIC_QUEUE;
    if (end) {
        reader->queue++;
        reader->step = 0;
        read_on(reader);
        return;
    }
    /* A failed sync takes pages out of the cache, and nobody is told until the next start. */
    bool garbage = !readback.strict && world_counts(world)->pages_dropped > readback.dropped;
    if (fails(reader, garbage || status != GET_FOUND))
        return;
    for (unsigned i = 0; i < get->count; i++) {
        struct message message;
        ck_assert_int_eq(message_decode(rest, true, &message), MESSAGE_OK);
        check_message(&message, reader->queue, readback.next[reader->queue]++);
        readback.found[number_of_body(message.body)]++;
        readback.count++;
        if (i == 0)
            reader->message = message;
        rest = span_from(rest, message.size);
    }
    ck_assert_uint_eq(rest.len, 0);
    ck_assert_int_eq(get->next_offset, readback.next[reader->queue]);
    read_on(reader);
}

/* A get of the next messages, then lookups of the first of them. */
static void read_on(struct reader *reader) {
    const struct message *message = &reader->message;
    if (reader->queue == QUEUES) {
        read_end(reader);
        return;
    }
    unsigned step = reader->step;
    reader->step = (step + 1) % 4;
    buf_clear(&reader->lookup.records);
    switch (step) {
    case 0:
        buf_clear(&reader->get.records);
        reader->get.topic = SPAN_LITERAL("T");
        reader->get.queue_id = reader->queue;
        reader->get.offset = readback.next[reader->queue];
        reader->get.max_count = 5;
        store_get(reader->store, &reader->get, on_got);
        break;
    case 1:
        store_message_at(reader->store, message->physical_offset, &reader->lookup, on_found);
        break;
    case 2:
        snprintf(reader->key, sizeof reader->key, "k%04u", number_of_body(message->body));
        store_query(reader->store, SPAN_LITERAL("T"), span_of_text(reader->key), 1, 0, INT64_MAX,
                    &reader->lookup, on_found);
        break;
    default:
        store_offset_by_time(reader->store, SPAN_LITERAL("T"), reader->queue, message->store_ms,
                             false, &reader->lookup, on_found);
    }
}

static int store_command(void *ctx, const struct props *command) {
    struct store_node *node = ctx;
    if (!span_equal(props_get(command, "do"), SPAN_LITERAL("read")))
        return store_role_command(ctx, command);
    struct reader *reader = env_alloc(node->env, sizeof *reader);
    if (reader == NULL)
        return RMQ_E_NOMEM;
    *reader = (struct reader){.env = node->env, .store = node->store};
    buf_init(&reader->get.records, node->env);
    buf_init(&reader->lookup.records, node->env);
    for (int32_t queue = 0; queue < QUEUES; queue++)
        readback.next[queue] = store_min_offset(node->store, SPAN_LITERAL("T"), queue);
    memset(readback.found, 0, sizeof readback.found);
    readback.count = 0;
    read_on(reader);
    return RMQ_OK;
}

static const struct role STORE = {"store", store_role_start, store_role_stop, store_command};

static void command(const char *text) {
    struct props props;
    size_t line;
    props_init(&props, world_env(world));
    ck_assert_int_eq(props_parse(&props, span_of_text(text), &line), RMQ_OK);
    world_command(world, node_a, &props);
    props_deinit(&props);
}

/* ---- the world ---- */

static uint64_t draws;

static uint64_t drawn(uint64_t bound) {
    return draw(world_seed(world), DRAW_TEST, 1, draws++) % bound;
}

static void build(uint64_t seed, const char *options) {
    char text[512];
    size_t line;
    struct props props;
    struct node_config config;
    new_world(seed);
    memset(&store_log, 0, sizeof store_log);
    memset(&readback, 0, sizeof readback);
    draws = 0;
    props_init(&props, world_env(world));
    snprintf(text, sizeof text, TINY_FILES "%s", options);
    ck_assert_int_eq(props_parse(&props, span_of_text(text), &line), RMQ_OK);
    node_config_default(&config);
    config.name = "store";
    config.host = host_a;
    config.role = &STORE;
    config.config = &props;
    config.start_ns = UINT64_MAX;
    node_a = world_add_node(world, &config);
    props_deinit(&props);
    ck_assert_uint_ne(node_a, 0);
}

/* Starts the process; whether its store opens within `ns`. */
static bool open_store(uint64_t ns) {
    store_log.opened = false;
    readback.reading = false;
    readback.dropped = world_counts(world)->pages_dropped;
    world_power_on(world, host_a);
    ck_assert(world_start(world, node_a));
    for (uint64_t end = world_now(world) + ns;
         world_now(world) < end && world_node_is_up(world, node_a) && !store_log.opened;)
        run_for(10 * MS);
    if (store_log.opened && store_log.open_status == RMQ_OK)
        return true;
    world_kill(world, node_a);
    return false;
}

static void begin_reading(bool strict) {
    readback.strict = strict;
    readback.reading = true;
    command("do=read\n");
}

static void read_back(bool strict) {
    begin_reading(strict);
    for (int i = 0; i < 10000 && readback.reading && world_node_is_up(world, node_a); i++)
        run_for(10 * MS);
    if (strict)
        ck_assert(!readback.reading);
}

/* What was acknowledged is there; nothing is there twice. */
static void check_all(bool all_acked) {
    read_back(true);
    unsigned lost = 0;
    for (unsigned i = 0; i < store_log.sent; i++) {
        const struct sent_message *sent = &store_log.messages[i];
        ck_assert_uint_le(readback.found[i], 1);
        lost += sent->told && sent->status == PUT_OK && readback.found[i] == 0;
    }
    ck_assert_msg(!all_acked || lost == 0, "%u acknowledged messages are lost (seed %llu)", lost,
                  (unsigned long long)world_seed(world));
}

/* ---- everything at once ---- */

struct total {
    uint64_t acked, read, failed_reads, opens, refused_opens;
    struct world_counts counts;
};

static void set_faults(bool sync_errors) {
    struct disk_profile profile;
    disk_profile_default(&profile);
    profile.cache_bytes = 4096ULL << drawn(5);
    profile.read_fail_ppm = drawn(3) == 0 ? 20000 : 0;
    profile.write_fail_ppm = drawn(3) == 0 ? 20000 : 0;
    profile.sync_fail_ppm = sync_errors && drawn(3) == 0 ? 20000 : 0;
    profile.torn_ppm = 300000;
    profile.write_back_ns = drawn(2) == 0 ? 0 : 50 * MS;
    world_set_disk(world, host_a, &profile);
}

static void end_faults(void) {
    world_disk_full(world, host_a, false);
    world_disk_stall(world, host_a, false);
    world_disk_fail(world, host_a, DISK_READ | DISK_WRITE | DISK_SYNC, false);
}

static void trouble(bool sync_errors) {
    bool on = drawn(2) == 0;
    unsigned kinds = sync_errors ? 7 : 3;
    switch (drawn(16)) {
    case 0:
        world_disk_full(world, host_a, on);
        break;
    case 1:
        world_disk_stall(world, host_a, on);
        break;
    case 2:
        world_disk_fail(world, host_a, 1 + (unsigned)drawn(kinds), on);
        break;
    case 3:
        set_faults(sync_errors);
        break;
    case 4:
        end_faults();
        break;
    default:
        break;
    }
}

static void work(bool sync_errors) {
    char text[128];
    for (unsigned i = 0; i < 30 && world_node_is_up(world, node_a); i++) {
        if (store_log.sent + 8 < STORE_MESSAGES_MAX) {
            snprintf(text, sizeof text, "do=put\ncount=%u\nqueues=3\nsize=%u\n", (unsigned)drawn(6),
                     (unsigned)drawn(1500));
            command(text);
        }
        if (drawn(10) == 0 && !readback.reading)
            begin_reading(false);
        run_for(drawn(20) == 0 ? drawn(3 * S) : drawn(30 * MS));
        trouble(sync_errors);
    }
}

/* True: without power-off. */
static bool end_process(void) {
    switch (drawn(4)) {
    case 0:
        world_kill(world, node_a);
        return true;
    case 1:
        world_kill_at_call(world, node_a, 1 + drawn(40));
        command("do=put\ncount=8\nqueues=3\nsize=1000\n");
        run_for(S);
        world_kill(world, node_a);
        return true;
    case 2:
        world_stop(world, node_a);
        run_for(10 * S);
        world_kill(world, node_a);
        return true;
    default:
        world_power_off(world, host_a);
        return false;
    }
}

static void run_seed(uint64_t seed, struct total *total) {
    bool sync_flush = seed % 2 == 0, sync_errors = sync_flush || seed % 4 == 1, kept = true;
    build(seed, sync_flush ? "cleanFileForciblyEnable=false\nflushDiskType=SYNC_FLUSH\n"
                           : "cleanFileForciblyEnable=false\n");
    for (unsigned life = 0; life < 4; life++) {
        set_faults(sync_errors);
        for (unsigned tries = 0; !open_store(5 * S); tries++) {
            total->refused_opens++;
            if (tries == 2) {
                struct disk_profile calm;
                disk_profile_default(&calm);
                world_set_disk(world, host_a, &calm);
                end_faults();
            }
            ck_assert_uint_lt(tries, 4);
        }
        total->opens++;
        work(sync_errors);
        kept &= end_process();
        if (drawn(2) == 0)
            end_faults();
    }
    struct disk_profile calm;
    disk_profile_default(&calm);
    calm.cache_bytes = 8192;
    world_set_disk(world, host_a, &calm);
    end_faults();
    ck_assert(open_store(60 * S));
    check_all(sync_flush || (kept && !sync_errors));
    command("do=put\ncount=3\nqueues=3\n"); /* it goes on */
    run_for(S);
    ck_assert(store_log.messages[store_log.sent - 1].status == PUT_OK);
    check_all(sync_flush || (kept && !sync_errors));
    for (unsigned i = 0; i < store_log.sent; i++)
        total->acked += store_log.messages[i].told && store_log.messages[i].status == PUT_OK;
    total->read += readback.count;
    total->failed_reads += readback.failed;
    const uint64_t *counts = (const uint64_t *)(const void *)world_counts(world);
    uint64_t *sum = (uint64_t *)(void *)&total->counts;
    for (size_t i = 0; i < sizeof total->counts / sizeof *sum; i++)
        sum[i] += counts[i];
}

START_TEST(test_store__survives_its_disk) {
    struct total total = {0};
    for (uint64_t seed = 0; seed < PER_LOOP; seed++)
        run_seed((uint64_t)_i * PER_LOOP + seed + 1, &total);
    const struct world_counts *all = &total.counts;
    const uint64_t seen[] = {
        total.acked,      total.read,      total.failed_reads, total.opens,     total.refused_opens,
        all->disk_failed, all->disk_full,  all->disk_held,     all->disk_reads, all->pages_kept,
        all->pages_lost,  all->pages_torn, all->pages_dropped, all->disk_cut,   all->inside_kills};
    for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++)
        ck_assert_msg(seen[i] > 0, "number %zu", i);
}
END_TEST

/* ---- a full disk at the start ---- */

/* Queues could not be written any more when the process ended; at its next start there is no page
 * left for them. Log files go, and the store opens. */
START_TEST(test_store__opens_on_a_full_disk) {
    build((uint64_t)_i + 1, "");
    ck_assert(open_store(5 * S));
    for (unsigned i = 0; i < 20; i++) {
        command("do=put\ncount=3\nsize=900\n");
        run_for(100 * MS);
    }
    command("do=put\nsize=100\n"); /* a page of the log that has room */
    run_for(70 * S);
    world_disk_full(world, host_a, true);
    command("do=put\ncount=3\nqueues=3\nsize=100\n"); /* queues 1 and 2 have no file */
    run_for(3 * S);
    ck_assert(store_log.messages[store_log.sent - 1].status == PUT_OK);
    world_kill(world, node_a);
    struct disk_profile profile;
    disk_profile_default(&profile);
    profile.capacity_bytes = world_disk_state(world, host_a).used_bytes;
    world_set_disk(world, host_a, &profile);
    world_disk_full(world, host_a, false);
    uint64_t full = world_counts(world)->disk_full;
    ck_assert(open_store(60 * S));
    ck_assert_uint_gt(world_counts(world)->disk_full, full);
    read_back(true);
    ck_assert_uint_gt(readback.count, 3);
    ck_assert_uint_lt(readback.count, store_log.sent); /* the first have gone */
    ck_assert_uint_eq(readback.found[store_log.sent - 1], 1);
    profile.capacity_bytes *= 2;
    world_set_disk(world, host_a, &profile);
    run_for(20 * S);
    command("do=put\ncount=30\nqueues=3\nsize=900\n");
    run_for(S);
    ck_assert(store_log.messages[store_log.sent - 1].status == PUT_OK);
    read_back(true);
    ck_assert_uint_eq(readback.found[store_log.sent - 1], 1);
}
END_TEST

static void fill(TCase *cases) {
    tcase_set_timeout(cases, 600);
    tcase_add_loop_test(cases, test_store__survives_its_disk, 0, LOOPS);
    tcase_add_loop_test(cases, test_store__opens_on_a_full_disk, 0, 10);
}

int main(void) {
    return run_suite("store_disk", fill);
}
