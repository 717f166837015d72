/* test_body.c - bodies: registrations in all forms, data versions, routes, tables. */
#define _GNU_SOURCE /* memmem */
#include <stdio.h>

#include "model/tests/env_fake.h"
#include "model/tests/suite.h"
#include "model/wire/body.h"

static struct {
    struct env *env;
    struct buf scratch;
    struct buf body;
    struct wire_error error;
    struct register_body_info info;
    char seen[4096]; /* what the visitors were given, as text */
    int stop_at;     /* the n-th call of a visitor fails */
    int calls;
} t;

static void setup(void) {
    memset(&t, 0, sizeof t);
    t.env = fake_create();
    buf_init(&t.scratch, t.env);
    buf_init(&t.body, t.env);
}

static void teardown(void) {
    buf_deinit(&t.scratch);
    buf_deinit(&t.body);
    fake_destroy(t.env);
}

#define STOPPED RMQ_E_STATE
#define TEXT(span) (int)(span).len, (const char *)(span).data

#define SEE(...)                                                  \
    do {                                                          \
        size_t len = strlen(t.seen);                              \
        snprintf(t.seen + len, sizeof t.seen - len, __VA_ARGS__); \
        if (++t.calls == t.stop_at)                               \
            return STOPPED;                                       \
    } while (0)

static int on_topic(void *ctx, const struct topic_config *topic) {
    ck_assert_ptr_eq(ctx, &t);
    SEE("%.*s r%d w%d p%d f%d%s%s;", TEXT(topic->name), topic->read_queue_nums,
        topic->write_queue_nums, topic->perm, topic->sys_flag, topic->order ? " order" : "",
        topic->multi_tag ? " multi" : "");
    return RMQ_OK;
}

static int on_filter_server(void *ctx, struct span address) {
    ck_assert_ptr_eq(ctx, &t);
    SEE("<%.*s>", TEXT(address));
    return RMQ_OK;
}

static const struct register_body_visitor VISITOR = {on_topic, on_filter_server, &t};

static int decode(struct span body, enum register_body_form form, int32_t version) {
    t.seen[0] = '\0';
    t.calls = 0;
    return register_body_decode(t.env, body, form, version, &VISITOR, &t.info, &t.error);
}

static int decode_json(const char *body) {
    return decode(span_of_text(body), REGISTER_BODY_JSON, WIRE_VERSION_4_9_8);
}

/* ---- data versions -------------------------------------------------------------------------- */

static struct data_version version_of(const char *text) {
    struct data_version version;
    ck_assert_int_eq(data_version_decode(span_of_text(text), &version, &t.error), RMQ_OK);
    return version;
}

START_TEST(test_data_version_equal__rules) {
    static const struct {
        const char *a, *b;
        bool equal;
    } cases[] = {
        {"{\"timestamp\":1,\"counter\":2}", "{\"counter\":2,\"timestamp\":1}", true},
        {"{\"timestamp\":1,\"counter\":2}", "{\"timestamp\":\"1\",\"counter\":\"2\"}", true},
        {"{\"timestamp\":1,\"counter\":2}", "{\"timestamp\":1,\"counter\":3}", false},
        {"{\"timestamp\":1,\"counter\":2}", "{\"timestamp\":2,\"counter\":2}", false},
        {"{\"timestamp\":1}", "{\"timestamp\":1,\"counter\":0}", true},
        {"{\"counter\":2}", "{\"counter\":2}", false}, /* each takes its own now */
        {"{\"timestamp\":null}", "{\"timestamp\":null}", false},
        {"{\"timestamp\":1,\"counter\":null}", "{\"timestamp\":1,\"counter\":null}", true},
        {"{\"timestamp\":1,\"counter\":null}", "{\"timestamp\":1,\"counter\":0}", false},
        {"{\"timestamp\":1,\"stateVersion\":0}", "{\"timestamp\":1}", true},
        {"{\"timestamp\":1,\"stateVersion\":4}", "{\"timestamp\":1}", false},
        {"{\"timestamp\":9223372036854775807}", "{\"timestamp\":9223372036854775806}", false},
    };
    struct data_version a = version_of(cases[_i].a);
    struct data_version b = version_of(cases[_i].b);
    ck_assert_int_eq(data_version_equal(&a, &b), cases[_i].equal);
    ck_assert_int_eq(data_version_equal(&b, &a), cases[_i].equal);
}
END_TEST

START_TEST(test_data_version_decode__refuses) {
    static const struct {
        const char *body;
        int err;
        size_t offset;
    } cases[] = {{"", RMQ_E_INVALID, 0},
                 {"null", RMQ_E_INVALID, 0},
                 {"[]", RMQ_E_INVALID, 0},
                 {"{\"counter\":1", RMQ_E_INVALID, 12},
                 {"{\"counter\":1} 2", RMQ_E_INVALID, 14},
                 {"{\"counter\":true}", RMQ_E_INVALID, 11},
                 {"{\"counter\":9223372036854775808}", RMQ_E_RANGE, 11}};
    struct data_version version = {.counter = 42};
    ck_assert_int_eq(data_version_decode(span_of_text(cases[_i].body), &version, &t.error),
                     cases[_i].err);
    ck_assert_uint_eq(t.error.offset, cases[_i].offset);
    ck_assert_ptr_nonnull(t.error.expected);
    ck_assert_int_eq(version.counter, 42); /* untouched */
}
END_TEST

START_TEST(test_data_version_write__as_the_releases_do) {
    struct json_writer json;
    struct data_version version = {.timestamp = 1700000000000, .counter = 3};
    json_writer_init(&json, &t.body, JSON_STYLE_FASTJSON);
    data_version_write(&json, &version, _i == 1);
    ck_assert(span_equal(buf_span(&t.body),
                         _i == 0 ? SPAN_LITERAL("{\"counter\":3,\"timestamp\":1700000000000}")
                                 : SPAN_LITERAL("{\"counter\":3,\"stateVersion\":0,"
                                                "\"timestamp\":1700000000000}")));
}
END_TEST

/* ---- registrations: JSON -------------------------------------------------------------------- */

START_TEST(test_register__json_of_4_9) {
    ck_assert_int_eq(
        decode_json("{\"filterServerList\":[],\"topicConfigSerializeWrapper\":{\"dataVersion\":"
                    "{\"counter\":12,\"timestamp\":1700000000000},\"topicConfigTable\":{\"TopicA\":"
                    "{\"order\":true,\"perm\":6,\"readQueueNums\":8,\"topicFilterType\":"
                    "\"SINGLE_TAG\",\"topicName\":\"TopicA\",\"topicSysFlag\":3,"
                    "\"writeQueueNums\":4},\"ignored\":{\"topicName\":\"B\",\"topicFilterType\":"
                    "\"MULTI_TAG\"}}}}"),
        RMQ_OK);
    ck_assert_str_eq(t.seen, "TopicA r8 w4 p6 f3 order;B r16 w16 p6 f0 multi;");
    ck_assert_int_eq(t.info.version.counter, 12);
    ck_assert_int_eq(t.info.version.timestamp, 1700000000000);
    ck_assert(!t.info.version.timestamp_missing);
    ck_assert(t.info.has_filter_servers);
    ck_assert(!t.info.has_mappings);
}
END_TEST

START_TEST(test_register__json_of_5_3_with_refs_and_mappings) {
    ck_assert_int_eq(
        decode_json(
            "{ \"topicConfigSerializeWrapper\" : {\"topicConfigTable\":{\"A\":{\"attributes\":{},"
            "\"topicName\":\"A\"},\"B\":{\"attributes\":{\"$ref\":\"$.topicConfigSerializeWrapper"
            ".topicConfigTable.A.attributes\"},\"topicName\":\"B\\u4f60\",\"perm\":\"4\"}},"
            "\"topicQueueMappingDetailMap\":{},\"topicQueueMappingInfoMap\":{\"T\":{\"bname\":\"b\""
            ",\"currIdMap\":{0:0},\"epoch\":1}},\"mappingDataVersion\":{\"counter\":0},"
            "\"dataVersion\":{\"counter\":1,\"stateVersion\":7,\"timestamp\":5}},"
            "\"filterServerList\":[\"10.0.0.1:1\",\"x\\\"y\"] }"),
        RMQ_OK);
    ck_assert_str_eq(t.seen, "A r16 w16 p6 f0;B\xE4\xBD\xA0 r16 w16 p4 f0;<10.0.0.1:1><x\"y>");
    ck_assert_int_eq(t.info.version.state_version, 7);
    ck_assert(t.info.has_mappings);
}
END_TEST

/* null leaves the filter table alone, [] and Java's default for a missing member empty it. */
START_TEST(test_register__filter_servers) {
    ck_assert_int_eq(decode_json("{\"filterServerList\":null}"), RMQ_OK);
    ck_assert(!t.info.has_filter_servers);
    ck_assert_int_eq(decode_json("{\"filterServerList\":[]}"), RMQ_OK);
    ck_assert(t.info.has_filter_servers);
    ck_assert_int_eq(decode_json("{}"), RMQ_OK);
    ck_assert(t.info.has_filter_servers);
    ck_assert(t.info.version.timestamp_missing);
    ck_assert_int_eq(decode_json("{\"filterServerList\":[\"a\",\"b\"]}"), RMQ_OK);
    ck_assert_str_eq(t.seen, "<a><b>");
}
END_TEST

START_TEST(test_register__table_only) {
    static const char table[] = "{\"dataVersion\":{\"counter\":1,\"timestamp\":2},"
                                "\"topicConfigTable\":{\"A\":{\"topicName\":\"A\"}}}";
    ck_assert_int_eq(decode(span_of_text(table), REGISTER_BODY_TABLE_ONLY, 36), RMQ_OK);
    ck_assert_str_eq(t.seen, "A r16 w16 p6 f0;");
    ck_assert_int_eq(t.info.version.timestamp, 2);
    ck_assert(!t.info.has_filter_servers);
}
END_TEST

START_TEST(test_register__absent_body_is_version_zero) {
    ck_assert_int_eq(decode(SPAN_NONE, (enum register_body_form)_i, WIRE_VERSION_4_9_8), RMQ_OK);
    ck_assert_str_eq(t.seen, "");
    struct data_version zero = {.timestamp = 0};
    ck_assert(data_version_equal(&t.info.version, &zero));
}
END_TEST

START_TEST(test_register__json_refused) {
    static const struct {
        const char *body;
        int err;
        size_t offset;
    } cases[] = {
        {"null", RMQ_E_INVALID, 0},
        {"{", RMQ_E_INVALID, 1},
        {"{}}", RMQ_E_INVALID, 2},
        {"{\"filterServerList\":{}}", RMQ_E_INVALID, 20},
        {"{\"filterServerList\":[1]}", RMQ_E_INVALID, 21},
        {"{\"topicConfigSerializeWrapper\":[]}", RMQ_E_INVALID, 31},
        {"{\"topicConfigSerializeWrapper\":{\"dataVersion\":null}}", RMQ_E_INVALID, 46},
        {"{\"topicConfigSerializeWrapper\":{\"topicConfigTable\":[]}}", RMQ_E_INVALID, 51},
        {"{\"topicConfigSerializeWrapper\":{\"topicConfigTable\":{\"A\":{}}}}", RMQ_E_MISSING, 57},
        {"{\"topicConfigSerializeWrapper\":{\"topicConfigTable\":{\"A\":{\"perm\":x}}}}",
         RMQ_E_INVALID, 64},
        {"{\"topicConfigSerializeWrapper\":{\"topicConfigTable\":{\"A\":{\"perm\":5000000000}}}}",
         RMQ_E_RANGE, 64},
    };
    t.info.version.counter = 42;
    ck_assert_int_eq(decode_json(cases[_i].body), cases[_i].err);
    ck_assert_uint_eq(t.error.offset, cases[_i].offset);
    ck_assert_ptr_nonnull(t.error.expected);
    ck_assert_int_eq(t.info.version.counter, 42);
}
END_TEST

/* ---- registrations: written and read -------------------------------------------------------- */

static const struct topic_config TOPICS[] = {
    {.name = {(const uint8_t *)"TBW102", 6}, 4, 5, 7, .sys_flag = 1, .order = true},
    {.name = {(const uint8_t *)"T\xE4\xBD\xA0", 4}, 1, 2, 3, .multi_tag = true},
};
static const struct data_version VERSION = {.timestamp = 1700000000000, .counter = 9};
static const struct data_version MAPPING_VERSION = {.timestamp = 1700000000001};

static void write_json(bool profile_5_3) {
    struct register_body_writer writer;
    register_body_begin(&writer, &t.body, profile_5_3, &VERSION, &MAPPING_VERSION);
    for (size_t i = 0; i < 2; i++)
        register_body_topic(&writer, &TOPICS[i]);
    register_body_end(&writer);
}

START_TEST(test_register__writes_what_it_reads) {
    bool profile_5_3 = _i == 1;
    write_json(profile_5_3);
    ck_assert_int_eq(decode(buf_span(&t.body), REGISTER_BODY_JSON, 409), RMQ_OK);
    ck_assert_str_eq(t.seen, "TBW102 r4 w5 p7 f1 order;T\xE4\xBD\xA0 r1 w2 p3 f0 multi;");
    ck_assert(data_version_equal(&t.info.version, &VERSION));
    ck_assert_int_eq(memmem(t.body.data, t.body.len, "attributes", 10) != NULL, profile_5_3);
    ck_assert_int_eq(memmem(t.body.data, t.body.len, "1700000000001", 13) != NULL, profile_5_3);
}
END_TEST

START_TEST(test_register__compresses_what_it_reads) {
    bool profile_5_3 = _i % 2 == 1;
    int32_t version = profile_5_3 ? WIRE_VERSION_5_3_3 : WIRE_VERSION_4_9_8;
    ck_assert_int_eq(register_body_compress(t.env, &t.body, profile_5_3, &VERSION, TOPICS, 2),
                     RMQ_OK);
    ck_assert_uint_eq(t.body.data[0], 0x78);
    ck_assert_uint_eq(t.body.data[1], 0xDA); /* level 9 */
    /* Marked compressed, or as plain by 5.3's defect. */
    enum register_body_form form = _i < 2 ? REGISTER_BODY_ZLIB : REGISTER_BODY_JSON;
    ck_assert_int_eq(decode(buf_span(&t.body), form, version), RMQ_OK);
    ck_assert_str_eq(t.seen, "TBW102 r4 w5 p7 f0;T\xE4\xBD\xA0 r1 w2 p3 f0 multi;");
    ck_assert(data_version_equal(&t.info.version, &VERSION));
    ck_assert(t.info.has_filter_servers);
    /* A 4.9 body has no mapping section for a 5.3 reader to find. */
    if (!profile_5_3)
        ck_assert_int_eq(decode(buf_span(&t.body), form, WIRE_VERSION_5_3_3), RMQ_E_INVALID);
}
END_TEST

START_TEST(test_register__compressed_refuses_every_truncation) {
    ck_assert_int_eq(register_body_compress(t.env, &t.body, true, &VERSION, TOPICS, 2), RMQ_OK);
    for (size_t len = 1; len < t.body.len; len++) {
        uint8_t *copy = malloc(len);
        memcpy(copy, t.body.data, len);
        ck_assert_int_eq(decode(span_of(copy, len), REGISTER_BODY_ZLIB, 479), RMQ_E_INVALID);
        ck_assert_uint_le(t.error.offset, len);
        free(copy);
    }
    ck_assert_int_eq(decode(SPAN_LITERAL("{}"), REGISTER_BODY_ZLIB, 479), RMQ_E_INVALID);
}
END_TEST

/* Stored (uncompressed) zlib streams let a test write the parts by hand. */
static struct span stored(struct span parts) {
    uint32_t a = 1;
    uint32_t b = 0;
    for (size_t i = 0; i < parts.len; i++) {
        a = (a + parts.data[i]) % 65521;
        b = (b + a) % 65521;
    }
    buf_clear(&t.body);
    buf_put(&t.body, "\x78\x01\x01", 3);
    buf_put_u8(&t.body, (uint8_t)parts.len);
    buf_put_u8(&t.body, (uint8_t)(parts.len >> 8));
    buf_put_u8(&t.body, (uint8_t)~parts.len);
    buf_put_u8(&t.body, (uint8_t)(~parts.len >> 8));
    buf_put_span(&t.body, parts);
    buf_put_i32(&t.body, (int32_t)(b << 16 | a));
    return buf_span(&t.body);
}

START_TEST(test_register__parts_refused) {
    static const struct {
        struct span parts;
        size_t offset;
        const char *expected;
    } cases[] = {
        {SPAN_LITERAL("\0\0\0"), 0, "a data version"},
        {SPAN_LITERAL("\xff\xff\xff\xff"), 0, "a data version"},
        {SPAN_LITERAL("\0\0\0\3{}"), 0, "a data version"},
        {SPAN_LITERAL("\0\0\0\2{x"), 5, NULL},
        {SPAN_LITERAL("\0\0\0\2{}"), 6, "a topic count"},
        {SPAN_LITERAL("\0\0\0\2{}\xff\xff\xff\xff"), 6, "a topic count"},
        {SPAN_LITERAL("\0\0\0\2{}\x7f\xff\xff\xff"), 10, "a topic"},
        {SPAN_LITERAL("\0\0\0\2{}\0\0\0\1\0\0\0\x11T 1 1 6 BOTH_TAGS"), 10,
         "a topic of at least five fields"},
        {SPAN_LITERAL("\0\0\0\2{}\0\0\0\1\0\0\0\7T 1 1 6"), 10, "a topic of at least five fields"},
        {SPAN_LITERAL("\0\0\0\2{}\0\0\0\1\0\0\0\x11 1 1 6 SINGLE_TAG"), 10,
         "a topic of at least five fields"},
        {SPAN_LITERAL("\0\0\0\2{}\0\0\0\0"), 10, "filter servers"},
        {SPAN_LITERAL("\0\0\0\2{}\0\0\0\0\0\0\0\2{}"), 14, "an array"},
        {SPAN_LITERAL("\0\0\0\2{}\0\0\0\0\0\0\0\2[]"), 16, "a mapping count"},
        {SPAN_LITERAL("\0\0\0\2{}\0\0\0\0\0\0\0\2[]\0\0\0\1\0\0\0\2{"), 20, "a mapping"},
    };
    ck_assert_int_eq(decode(stored(cases[_i].parts), REGISTER_BODY_ZLIB, 479), RMQ_E_INVALID);
    ck_assert_uint_eq(t.error.offset, cases[_i].offset);
    if (cases[_i].expected != NULL)
        ck_assert_str_eq(t.error.expected, cases[_i].expected);
}
END_TEST

START_TEST(test_register__parts_with_mappings_and_null_filters) {
    static const struct span parts =
        SPAN_LITERAL("\0\0\0\2{}\0\0\0\1\0\0\0\x17T 1 2 6 MULTI_TAG {a b}\0\0\0\4null"
                     "\0\0\0\1\0\0\0\2{}");
    ck_assert_int_eq(decode(stored(parts), REGISTER_BODY_ZLIB, 479), RMQ_OK);
    ck_assert_str_eq(t.seen, "T r1 w2 p6 f0 multi;");
    ck_assert(!t.info.has_filter_servers);
    ck_assert(t.info.has_mappings);
    ck_assert_int_eq(decode(buf_span(&t.body), REGISTER_BODY_ZLIB, 409), RMQ_OK);
    ck_assert(!t.info.has_mappings); /* not looked at below 413 */
}
END_TEST

/* 20 MiB of blanks pack into little, but are not unpacked. */
START_TEST(test_register__inflates_at_most_16_mib) {
    size_t len = 20 * 1024 * 1024;
    struct topic_config topic = {.name = span_of(calloc(1, len), len)};
    ck_assert_int_eq(register_body_compress(t.env, &t.body, false, &VERSION, &topic, 1), RMQ_OK);
    free((void *)(uintptr_t)topic.name.data);
    ck_assert_uint_lt(t.body.len, 100000);
    ck_assert_int_eq(decode(buf_span(&t.body), REGISTER_BODY_ZLIB, 409), RMQ_E_LIMIT);
}
END_TEST

START_TEST(test_register__visitor_stops_it) {
    write_json(false);
    for (t.stop_at = 1; t.stop_at <= 2; t.stop_at++) {
        ck_assert_int_eq(decode(buf_span(&t.body), REGISTER_BODY_JSON, 409), STOPPED);
        ck_assert_int_eq(t.calls, t.stop_at);
    }
    buf_clear(&t.body);
    ck_assert_int_eq(register_body_compress(t.env, &t.body, false, &VERSION, TOPICS, 2), RMQ_OK);
    t.stop_at = 2;
    ck_assert_int_eq(decode(buf_span(&t.body), REGISTER_BODY_ZLIB, 409), STOPPED);
    ck_assert_int_eq(t.calls, 2);
}
END_TEST

START_TEST(test_register__nth_allocation_fails) {
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        buf_deinit(&t.body);
        fake_fail_at(t.env, FAKE_FAIL_ALLOC, n);
        int err = register_body_compress(t.env, &t.body, true, &VERSION, TOPICS, 2);
        if (err == RMQ_OK)
            err = decode(buf_span(&t.body), REGISTER_BODY_ZLIB, 479);
        if (err == RMQ_OK)
            err = decode_json("{\"filterServerList\":[\"\\u4f60\"]}");
        failed = fake_failed(t.env, FAKE_FAIL_ALLOC);
        ck_assert_int_eq(err, failed ? RMQ_E_NOMEM : RMQ_OK);
    }
}
END_TEST

START_TEST(test_wire_crc32__clears_the_top_bit) {
    ck_assert_int_eq(wire_crc32(SPAN_LITERAL("123456789")), 0x4BF43926); /* CRC-32 is 0xCBF43926 */
    ck_assert_int_eq(wire_crc32(SPAN_NONE), 0);
}
END_TEST

/* ---- routes and cluster info ---------------------------------------------------------------- */

static int on_queue(void *ctx, const struct route_queue *queue) {
    ck_assert_ptr_eq(ctx, &t);
    SEE("queue %.*s r%d w%d p%d f%d;", TEXT(queue->broker_name), queue->read_queue_nums,
        queue->write_queue_nums, queue->perm, queue->topic_sys_flag);
    return RMQ_OK;
}

static int on_broker_addr(void *ctx, const struct route_broker_addr *addr) {
    ck_assert_ptr_eq(ctx, &t);
    SEE("broker %.*s/%.*s %d=%.*s;", TEXT(addr->cluster), TEXT(addr->broker_name),
        (int)addr->broker_id, TEXT(addr->addr));
    return RMQ_OK;
}

static int on_order_conf(void *ctx, struct span conf) {
    ck_assert_ptr_eq(ctx, &t);
    SEE("order %.*s;", TEXT(conf));
    return RMQ_OK;
}

static const struct route_visitor ROUTE_VISITOR = {on_queue, on_broker_addr, on_order_conf, &t};
static const struct route_visitor NO_VISITOR = {.ctx = &t};

static int decode_route(const char *body, const struct route_visitor *visitor) {
    t.seen[0] = '\0';
    t.calls = 0;
    return route_decode(span_of_text(body), &t.scratch, visitor, &t.error);
}

#define QUEUES                                                                     \
    "\"queueDatas\":[{\"brokerName\":\"broker-a\",\"perm\":6,\"readQueueNums\":8," \
    "\"topicSysFlag\":1,\"writeQueueNums\":4}]"

START_TEST(test_route__standard_json_and_bare_keys) {
    const char *const keys[][2] = {{"\"0\"", "\"1\""}, {"0", "1"}};
    char body[1024];
    snprintf(body, sizeof body,
             "{\"brokerDatas\":[{\"brokerAddrs\":{%s:\"10.0.0.1:10911\",%s:\"10.0.0.2:10911\"},"
             "\"brokerName\":\"broker-a\",\"cluster\":\"c\",\"enableActingMaster\":false}],"
             "\"filterServerTable\":{}," QUEUES "}",
             keys[_i][0], keys[_i][1]);
    ck_assert_int_eq(decode_route(body, &ROUTE_VISITOR), RMQ_OK);
    ck_assert_str_eq(t.seen,
                     "broker c/broker-a 0=10.0.0.1:10911;broker c/broker-a 1=10.0.0.2:10911;"
                     "queue broker-a r8 w4 p6 f1;");
    ck_assert_int_eq(decode_route(body, &NO_VISITOR), RMQ_OK);
}
END_TEST

/* All strings escaped, members in another order, an order configuration. */
START_TEST(test_route__unescapes_several_strings) {
    ck_assert_int_eq(
        decode_route(
            "{\"orderTopicConf\":\"a:8;b\\/"
            "c:8\",\"brokerDatas\":[{\"cluster\":\"\\u4f60\",\"brokerName\":"
            "\"b\\/c\",\"brokerAddrs\":{\"-1\":\"x\\/y:1\",\"2\":\"\\\"\"}}],\"queueDatas\":[{"
            "\"brokerName\":\"b\\/c\"}]}",
            &ROUTE_VISITOR),
        RMQ_OK);
    ck_assert_str_eq(t.seen, "order a:8;b/c:8;broker \xE4\xBD\xA0/b/c -1=x/y:1;"
                             "broker \xE4\xBD\xA0/b/c 2=\";queue b/c r0 w0 p0 f0;");
}
END_TEST

START_TEST(test_route__brokers_without_addresses) {
    static const char *const bodies[] = {
        "{\"brokerDatas\":[{\"brokerAddrs\":{},\"brokerName\":\"b\",\"cluster\":\"c\"}]}",
        "{\"brokerDatas\":[{\"brokerName\":\"b\",\"cluster\":\"c\"}]}",
        "{\"brokerDatas\":[{\"brokerAddrs\":{\"0\":null},\"brokerName\":\"b\",\"cluster\":\"c\"}]}",
    };
    ck_assert_int_eq(decode_route(bodies[_i], &ROUTE_VISITOR), RMQ_OK);
    ck_assert_str_eq(t.seen, "broker c/b -1=;");
}
END_TEST

START_TEST(test_route__refused) {
    static const struct {
        const char *body;
        int err;
        size_t offset;
    } cases[] = {
        {"", RMQ_E_INVALID, 0},
        {"{\"brokerDatas\":{}}", RMQ_E_INVALID, 15},
        {"{\"brokerDatas\":[1]}", RMQ_E_INVALID, 16},
        {"{\"brokerDatas\":[{}]}", RMQ_E_MISSING, 17},
        {"{\"brokerDatas\":[{\"brokerName\":1}]}", RMQ_E_INVALID, 30},
        {"{\"brokerDatas\":[{\"brokerName\":\"b\",\"brokerAddrs\":{\"x\":\"a\"}}]}", RMQ_E_INVALID,
         49},
        {"{\"brokerDatas\":[{\"brokerName\":\"b\",\"brokerAddrs\":{\"0\":7}}]}", RMQ_E_INVALID, 53},
        {"{\"queueDatas\":[null]}", RMQ_E_INVALID, 15},
        {"{\"queueDatas\":[{\"perm\":6}]}", RMQ_E_MISSING, 24},
        {"{\"queueDatas\":[{\"brokerName\":\"b\",\"perm\":[]}]}", RMQ_E_INVALID, 40},
        {"{\"orderTopicConf\":{}}", RMQ_E_INVALID, 18},
        {"{\"queueDatas\":[]", RMQ_E_INVALID, 16},
    };
    ck_assert_int_eq(decode_route(cases[_i].body, &ROUTE_VISITOR), cases[_i].err);
    ck_assert_uint_eq(t.error.offset, cases[_i].offset);
    ck_assert_ptr_nonnull(t.error.expected);
}
END_TEST

START_TEST(test_route__visitor_stops_it) {
    static const char body[] = "{\"orderTopicConf\":\"o\",\"brokerDatas\":[{\"brokerName\":\"b\","
                               "\"brokerAddrs\":{\"0\":\"a\"}}]," QUEUES "}";
    for (t.stop_at = 1; t.stop_at <= 3; t.stop_at++) {
        ck_assert_int_eq(decode_route(body, &ROUTE_VISITOR), STOPPED);
        ck_assert_int_eq(t.calls, t.stop_at);
    }
    ck_assert_int_eq(decode_route(body, &ROUTE_VISITOR), RMQ_OK);
}
END_TEST

START_TEST(test_cluster_info__gives_addresses) {
    static const char body[] =
        "{\"brokerAddrTable\":{\"broker-a\":{\"brokerAddrs\":{0:\"10.0.0.1:10911\"},\"brokerName\":"
        "\"broker-a\",\"cluster\":\"c\"},\"broker-b\":{\"brokerAddrs\":{3:\"x\"},\"brokerName\":"
        "\"broker-b\",\"cluster\":\"c\"}},\"clusterAddrTable\":{\"c\":[\"broker-a\",\"broker-b\"]}"
        "}";
    ck_assert_int_eq(cluster_info_decode(span_of_text(body), &t.scratch, &ROUTE_VISITOR, &t.error),
                     RMQ_OK);
    ck_assert_str_eq(t.seen, "broker c/broker-a 0=10.0.0.1:10911;broker c/broker-b 3=x;");
    ck_assert_int_eq(cluster_info_decode(SPAN_LITERAL("{\"brokerAddrTable\":{\"b\":[]}}"),
                                         &t.scratch, &ROUTE_VISITOR, &t.error),
                     RMQ_E_INVALID);
    ck_assert_uint_eq(t.error.offset, 24);
}
END_TEST

/* ---- tables and lists ----------------------------------------------------------------------- */

static int on_pair(void *ctx, struct span key, struct span value) {
    ck_assert_ptr_eq(ctx, &t);
    SEE("%.*s=%.*s%s;", TEXT(key), TEXT(value), span_is_absent(value) ? "null" : "");
    return RMQ_OK;
}

static int decode_table(const char *body) {
    t.seen[0] = '\0';
    t.calls = 0;
    return kv_table_decode(span_of_text(body), &t.scratch, on_pair, &t, &t.error);
}

START_TEST(test_kv_table__gives_pairs) {
    ck_assert_int_eq(
        decode_table("{\"x\":1,\"table\":{\"a\":\"broker-a:8\",\"n\":null,\"e\":\"\","
                     "\"\\u4f60\\n\":\"v\\\\1234567890123456789012345678901234567890\","
                     "\"k\\/\":\"plain\",\"k2\":\"\\t\"}}"),
        RMQ_OK);
    ck_assert_str_eq(t.seen, "a=broker-a:8;n=null;e=;\xE4\xBD\xA0\n="
                             "v\\1234567890123456789012345678901234567890;k/=plain;k2=\t;");
    ck_assert_int_eq(decode_table("{}"), RMQ_OK);
    ck_assert_int_eq(decode_table("{\"table\":null}"), RMQ_OK);
    ck_assert_int_eq(t.calls, 0);
    ck_assert_int_eq(decode_table("{\"table\":{\"a\":1}}"), RMQ_E_INVALID);
    ck_assert_uint_eq(t.error.offset, 14);
    t.stop_at = 1;
    ck_assert_int_eq(decode_table("{\"table\":{\"a\":\"1\",\"b\":\"2\"}}"), STOPPED);
}
END_TEST

static int on_name(void *ctx, struct span name) {
    ck_assert_ptr_eq(ctx, &t);
    SEE("%.*s;", TEXT(name));
    return RMQ_OK;
}

START_TEST(test_topic_list__gives_topics) {
    ck_assert_int_eq(
        topic_list_decode(SPAN_LITERAL("{\"brokerAddr\":\"a\",\"topicList\":[\"A\",\"\\u0042\"]}"),
                          &t.scratch, on_name, &t, &t.error),
        RMQ_OK);
    ck_assert_str_eq(t.seen, "A;B;");
    ck_assert_int_eq(topic_list_decode(SPAN_LITERAL("{\"topicList\":[\"A\",null]}"), &t.scratch,
                                       on_name, &t, &t.error),
                     RMQ_E_INVALID);
    ck_assert_uint_eq(t.error.offset, 18);
}
END_TEST

START_TEST(test_readers__nth_allocation_fails) {
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        buf_deinit(&t.scratch);
        fake_fail_at(t.env, FAKE_FAIL_ALLOC, n);
        int err = decode_table("{\"table\":{\"\\na\":\"\\nb\"}}");
        buf_deinit(&t.scratch);
        if (err == RMQ_OK)
            err = decode_route("{\"brokerDatas\":[{\"brokerName\":\"\\n\"}],\"queueDatas\":"
                               "[{\"brokerName\":\"\\n\"}],\"orderTopicConf\":\"\\n\"}",
                               &ROUTE_VISITOR);
        failed = fake_failed(t.env, FAKE_FAIL_ALLOC);
        ck_assert_int_eq(err, failed ? RMQ_E_NOMEM : RMQ_OK);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("body");
    TCase *tests = suite_case(suite, "data version");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_data_version_equal__rules, 0, 12);
    tcase_add_loop_test(tests, test_data_version_decode__refuses, 0, 7);
    tcase_add_loop_test(tests, test_data_version_write__as_the_releases_do, 0, 2);
    tests = suite_case(suite, "register");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_register__json_of_4_9);
    tcase_add_test(tests, test_register__json_of_5_3_with_refs_and_mappings);
    tcase_add_test(tests, test_register__filter_servers);
    tcase_add_test(tests, test_register__table_only);
    tcase_add_loop_test(tests, test_register__absent_body_is_version_zero, 0, 3);
    tcase_add_loop_test(tests, test_register__json_refused, 0, 11);
    tcase_add_loop_test(tests, test_register__writes_what_it_reads, 0, 2);
    tcase_add_loop_test(tests, test_register__compresses_what_it_reads, 0, 4);
    tcase_add_test(tests, test_register__compressed_refuses_every_truncation);
    tcase_add_loop_test(tests, test_register__parts_refused, 0, 14);
    tcase_add_test(tests, test_register__parts_with_mappings_and_null_filters);
    tcase_add_test(tests, test_register__inflates_at_most_16_mib);
    tcase_add_test(tests, test_register__visitor_stops_it);
    tcase_add_test(tests, test_register__nth_allocation_fails);
    tcase_add_test(tests, test_wire_crc32__clears_the_top_bit);
    tests = suite_case(suite, "route, cluster, tables");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_route__standard_json_and_bare_keys, 0, 2);
    tcase_add_test(tests, test_route__unescapes_several_strings);
    tcase_add_loop_test(tests, test_route__brokers_without_addresses, 0, 3);
    tcase_add_loop_test(tests, test_route__refused, 0, 12);
    tcase_add_test(tests, test_route__visitor_stops_it);
    tcase_add_test(tests, test_cluster_info__gives_addresses);
    tcase_add_test(tests, test_kv_table__gives_pairs);
    tcase_add_test(tests, test_topic_list__gives_topics);
    tcase_add_test(tests, test_readers__nth_allocation_fails);
    return suite_run(suite);
}
