/* test_consumer_filters.c - which expression a group has for a topic, its file, its bloom places.
 */
#include "model/filter/bloom.h"
#include "model/tests/broker_part_fixture.h"

#define BEAT                                                                                       \
    "{\"clientID\":\"c\",\"consumerDataSet\":[{\"consumeFromWhere\":\"CONSUME_FROM_LAST_OFFSET\"," \
    "\"consumeType\":\"CONSUME_PASSIVELY\",\"groupName\":\"g\",\"messageModel\":\"CLUSTERING\","   \
    "\"subscriptionDataSet\":[%s],\"unitMode\":false}],\"producerDataSet\":[]}"
#define SUB(topic, text, type, version)                                                          \
    "{\"classFilterMode\":false,\"codeSet\":[],\"expressionType\":\"" type                       \
    "\",\"subString\":\"" text "\",\"subVersion\":" version ",\"tagsSet\":[],\"topic\":\"" topic \
    "\"}"

static void beat(const char *subscriptions) {
    char body[2048];
    struct wire_command request, response;
    snprintf(body, sizeof body, BEAT, subscriptions);
    wire_command_init(&request, REQUEST_HEART_BEAT);
    request.body = span_of_text(body);
    if (clients[0].conn == NULL)
        peer_init(&clients[0], fake_accept(env, PORT, "10.0.0.5:4000"));
    peer_send(&clients[0], &request);
    fake_settle(env);
    do {
        ck_assert(peer_take(&clients[0], &response));
    } while (response.code == REQUEST_NOTIFY_CONSUMER_IDS_CHANGED);
    ck_assert_int_eq(response.code, RESPONSE_SUCCESS);
    while (peer_take(&clients[0], &response))
        ck_assert_int_eq(response.code, REQUEST_NOTIFY_CONSUMER_IDS_CHANGED);
}

static const struct consumer_filter *find(const char *topic) {
    return consumer_filters_find(&broker.filters, span_of_text(topic), SPAN_LITERAL("g"));
}

static void expect(const char *topic, const char *text, int64_t version, bool dead) {
    const struct consumer_filter *filter = find(topic);
    ck_assert_ptr_nonnull(filter);
    ck_assert(span_equal(filter->data.expression, span_of_text(text)));
    ck_assert_int_eq(filter->data.version, version);
    ck_assert_int_eq(filter_is_dead(&filter->data), dead);
}

/* broker.md 16.3. */
START_TEST(test_filters__follow_heartbeats) {
    start(NAMES);
    beat(SUB("T", "a > 1", "SQL92", "10") "," SUB("U", "x || y", "TAG", "10"));
    expect("T", "a > 1", 10, false);
    ck_assert_ptr_null(find("U"));
    beat(SUB("T", "a > 2", "SQL92", "9")); /* older */
    expect("T", "a > 1", 10, false);
    beat(SUB("T", "a > 1", "SQL92", "11")); /* newer, the same */
    expect("T", "a > 1", 11, false);
    beat(SUB("T", "a > 3", "SQL92", "12"));
    expect("T", "a > 3", 12, false);
    beat(SUB("V", "*", "TAG", "12")); /* T is not subscribed any more */
    expect("T", "a > 3", 12, true);
    beat(SUB("T", "a > 3", "SQL92", "12")); /* again, the same version: alive */
    expect("T", "a > 3", 12, false);
    beat(SUB("T", "a >> 3", "SQL92", "13")); /* does not compile: none, so that pulls tell */
    ck_assert_ptr_null(find("T"));
    ck_assert(fake_log_contains(env, "filter of group g, topic T: org.apache"));
    beat(SUB("T", "a > 4", "SQL92", "14"));
    hang_up(0);
    fake_settle(env);
    expect("T", "a > 4", 14, true);
    stop();
}
END_TEST

START_TEST(test_filters__dead_ones_are_forgotten) {
    start(NAMES "filterDataCleanTimeSpan=60000\n");
    beat(SUB("T", "a > 1", "SQL92", "10"));
    hang_up(0);
    fake_settle(env);
    fake_advance_ms(env, 59000);
    ck_assert_ptr_nonnull(find("T"));
    fake_advance_ms(env, 2000);
    ck_assert_ptr_null(find("T"));
    stop();
}
END_TEST

/* ---- the file -------------------------------------------------------------------------------- */

static void write_file(struct buf *out) {
    struct json_writer json;
    json_writer_init(&json, out, JSON_STYLE_FASTJSON);
    ck_assert_int_eq(broker.filters.file.table->write(&broker.filters, &json), RMQ_OK);
}

static int read_file(const char *text) {
    size_t offset = 0;
    return broker.filters.file.table->read(&broker.filters, span_of_text(text), &offset);
}

#define ENTRY(bits, text)                                                                     \
    "{\"filterDataByTopic\":{\"T\":{\"groupFilterData\":{\"g\":{\"bloomFilterData\":{"        \
    "\"bitNum\":" bits                                                                        \
    ",\"bitPos\":[1,2,3]},\"bornTime\":1000,\"clientVersion\":7,\"consumerGroup\":\"g\","     \
    "\"dead\":false,\"deadTime\":0,\"expression\":\"" text "\",\"expressionType\":\"SQL92\"," \
    "\"topic\":\"T\"}},\"topic\":\"T\"}}}"

START_TEST(test_filters__file_as_apache_writes_it) {
    struct buf out, want;
    char text[64];
    start(NAMES);
    buf_init(&out, env);
    buf_init(&want, env);
    write_file(&out);
    ck_assert(
        span_equal(buf_span(&out), SPAN_LITERAL("{\"filterDataByTopic\":{}}"))); /* recorded */
    buf_clear(&out);
    beat(SUB("T", "a > 'x'", "SQL92", "9") "," SUB("T2", "a > 1", "SQL92", "10"));
    write_file(&out);
    struct filter_bits bits;
    bloom_places(SPAN_LITERAL("g#T2"), 20, 32, &bits);
    ck_assert_int_eq(bits.bits, 112);
    ck_assert_uint_eq(bits.count, 3);
    snprintf(text, sizeof text, "\"bitPos\":[%d,%d,%d]", (int)bits.at[0], (int)bits.at[1],
             (int)bits.at[2]);
    buf_put_text(&want, "{\"filterDataByTopic\":{\"T2\":{\"groupFilterData\":{\"g\":{"
                        "\"bloomFilterData\":{\"bitNum\":112,");
    buf_put_text(&want, text);
    buf_put_text(&want, "},\"bornTime\":");
    buf_put_decimal(&want, find("T2")->data.born_ms);
    buf_put_text(&want, ",\"clientVersion\":10,\"consumerGroup\":\"g\",\"dead\":false,"
                        "\"deadTime\":0,\"expression\":\"a > 1\",\"expressionType\":\"SQL92\","
                        "\"topic\":\"T2\"}},\"topic\":\"T2\"}}}");
    ck_assert_msg(span_equal(buf_span(&out), buf_span(&want)), "%.*s", (int)out.len,
                  (const char *)out.data);
    buf_deinit(&out);
    buf_deinit(&want);
    stop();
}
END_TEST

START_TEST(test_filters__file_is_read) {
    start(NAMES);
    ck_assert_int_eq(read_file(ENTRY("112", "a > 1")), RMQ_OK);
    expect("T", "a > 1", 7, true); /* whoever it was has been away */
    ck_assert_int_eq(read_file("{\"filterDataByTopic\":{\"T\":{\"groupFilterData\":{\"g\":"),
                     RMQ_E_INVALID);
    expect("T", "a > 1", 7, true);
    ck_assert_int_eq(read_file(ENTRY("112", "a > 2")), RMQ_OK);
    expect("T", "a > 2", 7, true);
    stop();
    start(NAMES);
    ck_assert_int_eq(read_file(ENTRY("64", "a > 1")), RMQ_OK); /* of another bloom filter */
    ck_assert_ptr_null(find("T"));
    ck_assert_int_eq(read_file(ENTRY("112", "a >> 1")), RMQ_OK);
    ck_assert_ptr_null(find("T"));
    ck_assert_int_eq(read_file("{\"filterDataByTopic\":{\"T\":{\"groupFilterData\":{\"g\":null,"
                               "\"h\":{\"topic\":\"T\"}}},\"U\":null},\"more\":[1]}"),
                     RMQ_OK);
    ck_assert_ptr_null(broker.filters.table);
    stop();
}
END_TEST

/* ---- bloom ----------------------------------------------------------------------------------- */

START_TEST(test_bloom__sizes_and_hash) {
    static const struct {
        int32_t percent, count;
        uint32_t functions;
        int32_t bits;
    } SIZES[] = {{20, 32, 3, 112}, {20, 64, 3, 216},   {10, 128, 4, 616}, {50, 1, 1, 8},
                 {25, 1, 2, 8},    {1, 1000, 7, 9592}, {99, 1, 1, 8},     {99, 1000, 1, 24}};
    for (size_t i = 0; i < sizeof SIZES / sizeof SIZES[0]; i++) {
        uint32_t functions;
        int32_t bits;
        bloom_size(SIZES[i].percent, SIZES[i].count, &functions, &bits);
        ck_assert_msg(functions == SIZES[i].functions && bits == SIZES[i].bits, "%d %%: %u %d",
                      (int)SIZES[i].percent, functions, (int)bits);
    }
    /* Published for MurmurHash3_x64_128 with seed 0. */
    ck_assert_uint_eq(murmur3_128_low(SPAN_NONE), 0);
    ck_assert_uint_eq(murmur3_128_low(SPAN_LITERAL("The quick brown fox jumps over the lazy dog")),
                      UINT64_C(0xe34bbc7bbc071b6c));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("consumer_filters");
    TCase *tests = suite_case(suite, "filters");
    tcase_add_test(tests, test_filters__follow_heartbeats);
    tcase_add_test(tests, test_filters__dead_ones_are_forgotten);
    tcase_add_test(tests, test_filters__file_as_apache_writes_it);
    tcase_add_test(tests, test_filters__file_is_read);
    tcase_add_test(tests, test_bloom__sizes_and_hash);
    return suite_run(suite);
}
