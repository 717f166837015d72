/* The ledger of messages: sets of numbers against a plain model, memory that does not grow with
 * what is settled, its speed, and lost memory. */
#include <time.h>

#include "sim/judge/heap_host.h"
#include "sim/oracle/number_set.h"
#include "sim/tests/flow.h"

/* ---- memory that is counted ---- */

struct counted {
    struct heap_host heap;
    size_t bytes;
};
static void *counted_alloc(void *ctx, size_t size) {
    struct counted *counted = ctx;
    const struct oracle_host heap = heap_host_of(&counted->heap);
    size_t *block = heap.alloc(heap.ctx, 16 + size);
    ck_assert_ptr_nonnull(block);
    *block = size;
    counted->bytes += size;
    return (char *)block + 16;
}
static void counted_free(void *ctx, void *memory) {
    struct counted *counted = ctx;
    if (memory == NULL)
        return;
    const struct oracle_host heap = heap_host_of(&counted->heap);
    size_t *block = (size_t *)(void *)((char *)memory - 16);
    counted->bytes -= *block;
    heap.free(heap.ctx, block);
}
static struct oracle_host counted_host(struct counted *counted) {
    *counted = (struct counted){.bytes = 0};
    heap_host_init(&counted->heap, stream_node_name, NULL);
    return (struct oracle_host){counted_alloc, counted_free, stream_node_name, counted, NULL, NULL};
}

/* ---- number sets ---- */

#define MODEL_LIMIT 20000

static uint32_t draw_number(uint32_t *state) {
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* Mostly ascending, with holes, late ones, removals and cuts. */
START_TEST(test_number_set__is_like_a_plain_one) {
    static bool model[MODEL_LIMIT];
    const struct oracle_host host = stream_host();
    for (uint32_t seed = 1; seed <= 20; seed++) {
        struct number_set set = {.first = 0};
        uint32_t state = seed;
        uint64_t at = 100;
        memset(model, 0, sizeof model);
        number_set_begin(&set, &host, at);
        for (int i = 0; i < 12000; i++) {
            uint32_t what = draw_number(&state) % 100;
            uint64_t back = draw_number(&state) % 6000;
            uint64_t number = what < 80 ? at++ : at - (back < at - 100 ? back : 0);
            if (what < 10)
                continue; /* a hole */
            if (what >= 98) {
                number_set_remove(&set, number);
                model[number] = false;
            } else if (what == 97 && back < 100) {
                number_set_cut(&set, number);
                memset(model + number, 0, MODEL_LIMIT - number);
                at = number;
            } else {
                ck_assert_int_eq(number_set_add(&set, number), !model[number]);
                model[number] = true;
            }
        }
        uint64_t absent = MODEL_LIMIT;
        for (uint64_t number = MODEL_LIMIT; number-- > 0;) {
            ck_assert_int_eq(number_set_has(&set, number), model[number]);
            absent = model[number] ? absent : number;
            ck_assert_uint_eq(number_set_absent(&set, number, MODEL_LIMIT), absent);
        }
    }
    stream_end();
}
END_TEST

START_TEST(test_number_set__is_as_small_as_its_holes) {
    struct counted counted;
    const struct oracle_host host = counted_host(&counted);
    struct number_set set = {.first = 0};
    number_set_begin(&set, &host, 1);
    for (uint64_t number = 1; number < 1000000; number += 2)
        ck_assert(number_set_add(&set, number)); /* more holes than are kept */
    ck_assert_uint_le(counted.bytes, 4 * NUMBER_SET_HOLES_MAX * sizeof(uint64_t));
    ck_assert(number_set_has(&set, 999999) && !number_set_has(&set, 999998));
    number_set_begin(&set, &host, 1);
    for (uint64_t number = 1; number < 1000000; number++)
        (void)number_set_add(&set, number ^ 1);
    ck_assert_uint_le(counted.bytes, 32 * sizeof(uint64_t));
    number_set_begin(&set, &host, 1);
    ck_assert_uint_eq(counted.bytes, 0);
}
END_TEST

/* ---- the ledger ---- */

#define QUEUES 8
#define BACKLOG 64

/* Number of the message at the n-th place of all: 4 queues of each broker, in turn. */
static uint16_t broker_at(uint64_t n) {
    return n % 2 == 0 ? BROKER_A : BROKER_B;
}

static void acquire_all(struct stream *stream) {
    for (uint64_t n = 0; n < QUEUES; n++)
        flow_acquire(stream, CLIENT, broker_at(n), n / 2 % 4, 0);
}

/* Messages [from, to), each delivered while BACKLOG others are under way; commits and flushes each
 * 5000th. */
static void pump(struct stream *stream, uint64_t from, uint64_t to) {
    for (uint64_t n = from; n < to + BACKLOG; n++) {
        if (n < to) {
            flow_send(stream, NUMBER(n + 1));
            stream->now_ns += 500; /* all within one point of the series */
            flow_ack(stream, broker_at(n), n / 2 % 4, n / QUEUES, NUMBER(n + 1), 1);
        }
        if (n < from + BACKLOG)
            continue;
        uint64_t done = n - BACKLOG;
        flow_deliver(stream, CLIENT, broker_at(done), done / 2 % 4, done / QUEUES,
                     NUMBER(done + 1));
        if (done % 5000 != 4999)
            continue;
        for (uint64_t queue = 0; queue < QUEUES; queue++)
            flow_commit(stream, broker_at(queue), queue / 2 % 4, (int64_t)((done + 1) / QUEUES));
        s_store_flushed(stream, BROKER_A, INT64_MAX, 1);
        s_store_flushed(stream, BROKER_B, INT64_MAX, 1);
    }
}

static const char *const ALL[] = {"acked-durable",   "no-duplicates", "offsets-forward",
                                  "one-owner",       "queue-dense",   "messages-progress",
                                  "sends-available", "flow-honest",   "starts",
                                  "config-atomic",   "no-phantom"};
#define ALL_COUNT (sizeof ALL / sizeof ALL[0])

static struct stream judged_by_all(const struct oracle_host *host) {
    struct judge_expectation expectations[ALL_COUNT];
    const char *error = "";
    for (size_t i = 0; i < ALL_COUNT; i++)
        expectations[i] = (struct judge_expectation){oracle_find(span_of_text(ALL[i])), NULL};
    struct stream stream = {.judge = judge_create_on(host, expectations, ALL_COUNT, &error)};
    ck_assert_msg(stream.judge != NULL, "%s", error);
    stream_start(&stream);
    acquire_all(&stream);
    return stream;
}

static double cpu_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

START_TEST(test_ledger__does_not_grow_with_settled_messages) {
    struct counted counted;
    const struct oracle_host host = counted_host(&counted);
    struct stream stream = judged_by_all(&host);
    pump(&stream, 0, 100000);
    size_t before = counted.bytes;
    double begin = cpu_seconds();
    pump(&stream, 100000, 1000000);
    double judged = cpu_seconds() - begin;
    struct stream silent = {.now_ns = 0};
    begin = cpu_seconds();
    pump(&silent, 100000, 1000000);
    double made = cpu_seconds() - begin;
    ck_assert_uint_eq(counted.bytes, before);
    struct run_result result;
    judge_finish_at(stream.judge, stream.now_ns, &result);
    for (size_t i = 0; i < result.oracle_count; i++)
        ck_assert_msg(result.oracles[i].verdict.verdict == VERDICT_PASS || i == 9, "%s: %s",
                      result.oracles[i].name, result.oracles[i].verdict.reason);
    printf("judge with %zu oracles: %.0f ns per message, %zu bytes\n", ALL_COUNT,
           (judged - made) * 1e9 / 900000, counted.bytes);
    heap_host_free(&counted.heap);
}
END_TEST

/* A duplicate and a phantom long after all is settled. */
START_TEST(test_ledger__knows_settled_messages) {
    struct counted counted;
    const struct oracle_host host = counted_host(&counted);
    struct stream stream = judged_by_all(&host);
    pump(&stream, 0, 200000);
    flow_deliver(&stream, CLIENT, BROKER_A, 0, 3, NUMBER(25));
    struct run_result result;
    judge_finish_at(stream.judge, stream.now_ns, &result);
    ck_assert_int_eq(result.oracles[1].verdict.verdict, VERDICT_FAIL);
    ck_assert_int_eq(result.oracles[10].verdict.verdict, VERDICT_PASS);
    flow_deliver(&stream, CLIENT, BROKER_A, 0, 100000, NUMBER(200001));
    judge_finish_at(stream.judge, stream.now_ns, &result);
    ck_assert_int_eq(result.oracles[10].verdict.verdict, VERDICT_FAIL);
    heap_host_free(&counted.heap);
}
END_TEST

/* The n-th allocation fails: no verdict is wrong, and the judge says that it is incomplete. */
START_TEST(test_ledger__without_memory_nothing_is_known) {
    for (size_t left = 60; left < 400; left++) {
        const struct oracle_host host = stream_host();
        const struct judge_expectation expectation = {oracle_find(SPAN_LITERAL("acked-durable")),
                                                      NULL};
        const char *error = "";
        stream_blocks_left = left;
        stream_denied = false;
        struct stream stream = {.judge = judge_create_on(&host, &expectation, 1, &error)};
        struct run_result result = {.verdict = VERDICT_UNKNOWN};
        if (stream.judge != NULL) {
            stream_start(&stream);
            acquire_all(&stream);
            pump(&stream, 0, 3000);
            judge_finish_at(stream.judge, stream.now_ns, &result);
        }
        bool denied = stream_denied;
        stream_blocks_left = SIZE_MAX;
        bool whole = stream.judge != NULL && judge_is_complete(stream.judge);
        ck_assert_msg(result.verdict == VERDICT_UNKNOWN || result.verdict == VERDICT_PASS,
                      "%zu allocations: %s", left, verdict_name(result.verdict));
        ck_assert_msg(whole != denied, "%zu allocations", left);
        stream_end();
        if (!denied)
            return;
    }
    ck_abort_msg("it never had enough memory");
}
END_TEST

STREAM_MAIN("oracle ledger", test_number_set__is_like_a_plain_one,
            test_number_set__is_as_small_as_its_holes,
            test_ledger__does_not_grow_with_settled_messages, test_ledger__knows_settled_messages,
            test_ledger__without_memory_nothing_is_known)
