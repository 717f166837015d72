/* test_message.c - records, properties, hashes, ids and batches, against what Apache made. */
#include <cjson/cJSON.h>
#include <stdio.h>

#include "model/tests/env_fake.h"
#include "model/tests/suite.h"
#include "model/wire/message.h"

static struct env *env;

static void setup(void) {
    env = fake_create();
}
static void teardown(void) {
    fake_destroy(env);
}

/* ---- recorded rows ---- */

typedef void row_fn(const cJSON *row);

static void each_row(const char *file, size_t at_least, row_fn *check) {
    char path[512];
    snprintf(path, sizeof path, "%s/model/tests/vectors/hash/%s.jsonl", RMQ_SOURCE_DIR, file);
    FILE *stream = fopen(path, "r");
    ck_assert_ptr_nonnull(stream);
    char *line = NULL;
    size_t size = 0, count = 0;
    while (getline(&line, &size, stream) > 0) {
        cJSON *row = cJSON_Parse(line);
        ck_assert_ptr_nonnull(row);
        check(row);
        cJSON_Delete(row);
        count++;
    }
    free(line);
    fclose(stream);
    ck_assert_uint_ge(count, at_least);
}

static const char *text_of(const cJSON *row, const char *key) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, key));
}
static int64_t number_of(const cJSON *row, const char *key) {
    double value = cJSON_GetObjectItemCaseSensitive(row, key)->valuedouble;
    return value >= 9223372036854775808.0 ? INT64_MAX : (int64_t)value; /* a double of 2^63 - 1 */
}

/* Bytes of a text of hex digits, in static memory. */
static struct span unhex(const char *hex) {
    static uint8_t bytes[65536];
    size_t len = strlen(hex) / 2;
    ck_assert_uint_le(len, sizeof bytes);
    for (size_t i = 0; i < len; i++) {
        unsigned byte;
        ck_assert_int_eq(sscanf(hex + 2 * i, "%2x", &byte), 1);
        bytes[i] = (uint8_t)byte;
    }
    return span_of(bytes, len);
}

static void check_hash(const cJSON *row) {
    struct span text = unhex(text_of(row, "utf8"));
    ck_assert_int_eq(java_string_hash(text), number_of(row, "hashCode"));
    ck_assert_int_eq(message_tags_code(text), number_of(row, "tagsCode"));
    const uint8_t *sharp = text.len == 0 ? NULL : memchr(text.data, '#', text.len);
    if (sharp != NULL) {
        size_t topic_len = (size_t)(sharp - text.data);
        ck_assert_int_eq(
            message_key_hash(span_of(text.data, topic_len), span_from(text, topic_len + 1)),
            number_of(row, "indexKeyHash"));
    }
}

START_TEST(test_hashes) {
    each_row("string_hash", 50, check_hash);
    ck_assert_int_eq(message_key_hash(SPAN_LITERAL("TopicTest"), SPAN_LITERAL("key1")), 1655984460);
    ck_assert_int_eq(java_string_hash(SPAN_LITERAL("polygenelubricants")), INT32_MIN);
    ck_assert_int_eq(java_string_hash(SPAN_LITERAL("\xff")), 0xFFFD);
}
END_TEST

static void check_crc(const cJSON *row) {
    ck_assert_int_eq(message_body_crc(unhex(text_of(row, "hex"))), number_of(row, "bodyCRC"));
}

START_TEST(test_body_crc) {
    each_row("crc32", 8, check_crc);
    ck_assert_int_eq(message_body_crc(SPAN_LITERAL("hi")), 1486039724);
}
END_TEST

/* cJSON keeps doubles: offsets that they can't hold are not compared as numbers. */
static bool is_exact(int64_t value) {
    return value > -(INT64_C(1) << 53) && value < INT64_C(1) << 53;
}

static void check_id(const cJSON *row) {
    char address[128], id[MESSAGE_ID_MAX];
    struct message_host host, parsed;
    int64_t offset;
    const char *expected = text_of(row, "msgId");
    snprintf(address, sizeof address, "%s:%d", text_of(row, "ip"), (int)number_of(row, "port"));
    ck_assert_int_eq(message_host_parse(span_of_text(address), &host), RMQ_OK);
    ck_assert_int_eq(message_id_parse(span_of_text(expected), &parsed, &offset), RMQ_OK);
    ck_assert_int_eq(parsed.port, host.port);
    ck_assert_int_eq(parsed.ip_len, host.ip_len);
    ck_assert_mem_eq(parsed.ip, host.ip, host.ip_len);
    int64_t recorded = number_of(row, "offset");
    if (is_exact(recorded))
        ck_assert_int_eq(offset, recorded);
    size_t len = message_id_format(&host, offset, id);
    ck_assert(span_equal(span_of(id, len), span_of_text(expected)));
}

START_TEST(test_message_ids) {
    each_row("message_id", 50, check_id);
    struct message_host host;
    int64_t offset;
    ck_assert_int_eq(message_id_parse(SPAN_LITERAL("7F0"), &host, &offset), RMQ_E_INVALID);
    ck_assert_int_eq(
        message_id_parse(SPAN_LITERAL("7F00000100002A9F000000000000100G"), &host, &offset),
        RMQ_E_INVALID);
}
END_TEST

START_TEST(test_host_text) {
    static const struct {
        const char *text, *formatted; /* NULL: does not parse */
    } ROWS[] = {
        {"127.0.0.1:10911", "127.0.0.1:10911"},
        {"[::1]:80", "[0:0:0:0:0:0:0:1]:80"},
        {"fe80::a:0:12cd:80", "[fe80:0:0:0:0:a:0:12cd]:80"},
        {"1:2:3:4:5:6:7:8:80", "[1:2:3:4:5:6:7:8]:80"},
        {"[::]:0", "[0:0:0:0:0:0:0:0]:0"},
        {"[1::]:0", "[1:0:0:0:0:0:0:0]:0"},
        {"", NULL},
        {":1", NULL},
        {"127.0.0.1", NULL},
        {"127.0.0:1", NULL},
        {"127.0.0.1.5:1", NULL},
        {"127.0.0.256:1", NULL},
        {"127..0.1:1", NULL},
        {"127.0.0.1:65536", NULL},
        {"127.0.0.1:-1", NULL},
        {"[1:2:3]:1", NULL},
        {"[1::2::3]:1", NULL},
        {"[12345::]:1", NULL},
        {"[1:2:3:4:5:6:7:8:9]:1", NULL},
        {"[1:2:3:4:5:6:7:]:1", NULL},
        {"[1:2:3:4::5:6:7:8]:1", NULL},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct message_host host;
        char text[MESSAGE_HOST_TEXT_MAX];
        int err = message_host_parse(span_of_text(ROWS[i].text), &host);
        ck_assert_msg(err == (ROWS[i].formatted == NULL ? RMQ_E_INVALID : RMQ_OK), "%s",
                      ROWS[i].text);
        if (err == RMQ_OK)
            ck_assert(span_equal(span_of(text, message_host_format(&host, text)),
                                 span_of_text(ROWS[i].formatted)));
    }
}
END_TEST

static void check_properties(const cJSON *row) {
    static uint8_t copy[65536];
    struct span text = unhex(text_of(row, "text"));
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    text = span_of(copy, text.len);
    const cJSON *pair, *expected = cJSON_GetObjectItemCaseSensitive(row, "readBack");
    cJSON_ArrayForEach(pair, expected) {
        struct span value = message_property(text, span_of_text(pair->string));
        ck_assert(span_equal(value, span_of_text(pair->valuestring)));
    }
    struct span rest = text, name, value;
    while (message_property_next(&rest, &name, &value)) {
        char key[256];
        snprintf(key, sizeof key, "%.*s", (int)name.len, (const char *)name.data);
        ck_assert(cJSON_HasObjectItem(expected, key));
    }
}

START_TEST(test_properties_read) {
    each_row("4.9.7-properties", 15, check_properties);
    each_row("5.3.3-properties", 15, check_properties);
}
END_TEST

START_TEST(test_properties_write) {
    struct buf out;
    buf_init(&out, env);
    buf_put_text(&out, "front");
    size_t start = out.len;
    ck_assert_int_eq(message_property_put(&out, start, SPAN_LITERAL("TAGS"), SPAN_LITERAL("A")),
                     RMQ_OK);
    ck_assert_int_eq(message_property_put(&out, start, SPAN_LITERAL("KEYS"), SPAN_LITERAL("k")),
                     RMQ_OK);
    ck_assert(span_equal(buf_span(&out), SPAN_LITERAL("frontTAGS\1A\2KEYS\1k")));
    buf_put_u8(&out, 2);
    ck_assert_int_eq(message_property_put(&out, start, SPAN_LITERAL("a"), SPAN_LITERAL("b")),
                     RMQ_OK);
    struct span all = SPAN_LITERAL("TAGS\1A\2KEYS\1k\2a\1b");
    ck_assert(span_equal(span_from(buf_span(&out), start), all));
    size_t before = out.len;
    ck_assert_int_eq(message_property_put(&out, start, SPAN_LITERAL("a\1"), SPAN_LITERAL("b")),
                     RMQ_E_INVALID);
    ck_assert_int_eq(message_property_put(&out, start, SPAN_LITERAL("a"), SPAN_LITERAL("\2")),
                     RMQ_E_INVALID);
    ck_assert_uint_eq(out.len, before);
    buf_clear(&out);
    message_properties_without(&out, all, SPAN_LITERAL("KEYS"));
    ck_assert(span_equal(buf_span(&out), SPAN_LITERAL("TAGS\1A\2a\1b")));
    ck_assert(span_is_absent(message_property(all, SPAN_LITERAL("TAG"))));
    buf_deinit(&out);
}
END_TEST

/* ---- records ---- */

/* The record of store.md 27. */
static const char EXAMPLE[] =
    "00000073daa320a758932aac0000000300000000000000000000000700000000"
    "00001000000000000000018bcfe568007f0000010000c3500000018bcfe5687b"
    "7f00000100002a9f00000000000000000000000000000002686901540015544147530154616741"
    "02554e49515f4b4559015531";

static struct message example(void) {
    struct message message = {
        .queue_id = 3,
        .queue_offset = 7,
        .physical_offset = 4096,
        .born_ms = 1700000000000,
        .store_ms = 1700000000123,
        .body = SPAN_LITERAL("hi"),
        .topic = SPAN_LITERAL("T"),
        .properties = SPAN_LITERAL("TAGS\1TagA\2UNIQ_KEY\1U1"),
    };
    ck_assert_int_eq(message_host_parse(SPAN_LITERAL("127.0.0.1:50000"), &message.born_host), 0);
    ck_assert_int_eq(message_host_parse(SPAN_LITERAL("127.0.0.1:10911"), &message.store_host), 0);
    return message;
}

static void check_equal(const struct message *a, const struct message *b) {
    ck_assert_int_eq(a->queue_id, b->queue_id);
    ck_assert_int_eq(a->flag, b->flag);
    ck_assert_int_eq(a->queue_offset, b->queue_offset);
    ck_assert_int_eq(a->physical_offset, b->physical_offset);
    ck_assert_int_eq(a->born_ms, b->born_ms);
    ck_assert_int_eq(a->store_ms, b->store_ms);
    ck_assert_int_eq(a->reconsume_times, b->reconsume_times);
    ck_assert_int_eq(a->prepared_transaction_offset, b->prepared_transaction_offset);
    ck_assert_mem_eq(&a->born_host, &b->born_host, sizeof a->born_host);
    ck_assert_mem_eq(&a->store_host, &b->store_host, sizeof a->store_host);
    ck_assert(span_equal(a->body, b->body));
    ck_assert(span_equal(a->topic, b->topic));
    ck_assert(span_equal(a->properties, b->properties));
}

START_TEST(test_record_example) {
    struct message message = example(), decoded = {0};
    struct buf out;
    buf_init(&out, env);
    ck_assert_uint_eq(message_size(&message), 115);
    ck_assert_int_eq(message_encode(&out, &message), RMQ_OK);
    ck_assert(span_equal(buf_span(&out), unhex(EXAMPLE)));
    ck_assert_int_eq(message_decode(buf_span(&out), true, &decoded), MESSAGE_OK);
    check_equal(&message, &decoded);
    ck_assert_uint_eq(decoded.size, 115);
    message_place(out.data, 8, 8192, 5);
    ck_assert_int_eq(message_decode(buf_span(&out), true, &decoded), MESSAGE_OK);
    ck_assert_int_eq(decoded.queue_offset, 8);
    ck_assert_int_eq(decoded.physical_offset, 8192);
    ck_assert_int_eq(decoded.store_ms, 5);
    buf_deinit(&out);
}
END_TEST

START_TEST(test_record_v6) {
    struct message message = example(), decoded = {0};
    struct buf out;
    buf_init(&out, env);
    ck_assert_int_eq(message_host_parse(SPAN_LITERAL("[2001:db8::7]:5"), &message.born_host), 0);
    if (_i > 0)
        ck_assert_int_eq(message_host_parse(SPAN_LITERAL("[::1]:6"), &message.store_host), 0);
    message.body = SPAN_NONE;
    message.sys_flag = MESSAGE_SYS_STORE_V6; /* the encoder decides */
    ck_assert_int_eq(message_encode(&out, &message), RMQ_OK);
    message_place(out.data, 1, 2, 3);
    ck_assert_int_eq(message_decode(buf_span(&out), true, &decoded), MESSAGE_OK);
    message.queue_offset = 1, message.physical_offset = 2, message.store_ms = 3;
    check_equal(&message, &decoded);
    ck_assert_int_eq(decoded.sys_flag, MESSAGE_SYS_BORN_V6 | (_i > 0 ? MESSAGE_SYS_STORE_V6 : 0));
    ck_assert_uint_eq(decoded.size, 115U - 2 + 12 + (_i > 0 ? 12 : 0));
    buf_deinit(&out);
}
END_TEST

START_TEST(test_record_version_2) {
    struct span bytes = unhex(EXAMPLE);
    uint8_t record[116];
    struct message message;
    memcpy(record, bytes.data, 90);
    memcpy(record + 91, bytes.data + 90, 25);
    record[3]++;      /* size */
    record[7] = 0xAB; /* magic */
    record[90] = 0;   /* topic length, two bytes */
    ck_assert_int_eq(message_decode(span_of(record, sizeof record), true, &message), MESSAGE_OK);
    ck_assert(span_equal(message.topic, SPAN_LITERAL("T")));
    ck_assert_int_eq(message.magic, MESSAGE_MAGIC_V2);
}
END_TEST

START_TEST(test_record_limits) {
    static uint8_t zeros[40000];
    struct message message = example();
    struct buf out;
    buf_init(&out, env);
    message.topic = span_of(zeros, 128);
    ck_assert_int_eq(message_encode(&out, &message), RMQ_E_LIMIT);
    message.topic = span_of(zeros, 127);
    message.properties = span_of(zeros, 32768);
    ck_assert_int_eq(message_encode(&out, &message), RMQ_E_LIMIT);
    message.properties = span_of(zeros, 32767);
    ck_assert_int_eq(message_encode(&out, &message), RMQ_OK);
    buf_deinit(&out);
    fake_fail_at(env, FAKE_FAIL_ALLOC, 1);
    ck_assert_int_eq(message_encode(&out, &message), RMQ_E_NOMEM);
    buf_deinit(&out);
}
END_TEST

START_TEST(test_record_damage) {
    struct span bytes = unhex(EXAMPLE);
    uint8_t record[115];
    struct message message;
    for (size_t len = 0; len < bytes.len; len++) { /* every prefix is short */
        memcpy(record, bytes.data, bytes.len);
        ck_assert_int_eq(message_decode(span_of(record, len), true, &message), MESSAGE_SHORT);
        ck_assert_uint_eq(message.size, len < 8 ? 0 : 115);
    }
    for (size_t bit = 0; bit < bytes.len * 8; bit++) { /* any flipped bit: no harm */
        memcpy(record, bytes.data, bytes.len);
        record[bit / 8] ^= (uint8_t)(1U << bit % 8);
        enum message_check check = message_decode(span_of(record, bytes.len), true, &message);
        bool body = bit / 8 == 88 || bit / 8 == 89, crc = bit / 8 >= 8 && bit / 8 < 12;
        bool magic = bit / 8 >= 4 && bit / 8 < 8;
        if (body || crc)
            ck_assert_int_eq(check, MESSAGE_BAD_CRC);
        if (magic)
            ck_assert_int_ne(check, MESSAGE_OK);
        if (bit / 8 == 90 || (bit / 8 >= 92 && bit / 8 < 94) || (bit / 8 >= 84 && bit / 8 < 88))
            ck_assert_int_eq(check, MESSAGE_BAD_SIZE);
    }
    const uint8_t blank[] = {0, 0, 3, 0xe8, 0xcb, 0xd4, 0x31, 0x94};
    ck_assert_int_eq(message_decode(span_of(blank, 8), true, &message), MESSAGE_BLANK);
    ck_assert_uint_eq(message.size, 1000);
}
END_TEST

/* ---- batches ---- */

START_TEST(test_batch) {
    struct buf out;
    buf_init(&out, env);
    const struct batch_item items[] = {
        {.flag = 7, .body = SPAN_LITERAL("one"), .properties = SPAN_LITERAL("A\1B")},
        {.body = SPAN_LITERAL(""), .properties = SPAN_LITERAL("")}};
    batch_put(&out, &items[0]);
    batch_put(&out, &items[1]);
    struct span rest = buf_span(&out);
    struct batch_item item;
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(batch_next(&rest, &item), RMQ_OK);
        ck_assert_int_eq(item.flag, items[i].flag);
        ck_assert(span_equal(item.body, items[i].body));
        ck_assert(span_equal(item.properties, items[i].properties));
    }
    ck_assert_int_eq(batch_next(&rest, &item), RMQ_E_NOT_FOUND);
    for (size_t len = 1; len < 28; len++) { /* the first item has 28 bytes */
        rest = span_of(out.data, len);
        ck_assert_int_eq(batch_next(&rest, &item), RMQ_E_INVALID);
    }
    static const uint8_t PLACES[] = {3, 19, 24}; /* lengths of all, of the body, of properties */
    for (size_t i = 0; i < sizeof PLACES; i++) {
        out.data[PLACES[i]]++;
        rest = buf_span(&out);
        ck_assert_int_eq(batch_next(&rest, &item), RMQ_E_INVALID);
        out.data[PLACES[i]]--;
    }
    buf_deinit(&out);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("message");
    TCase *tests = suite_case(suite, "message");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_hashes);
    tcase_add_test(tests, test_body_crc);
    tcase_add_test(tests, test_message_ids);
    tcase_add_test(tests, test_host_text);
    tcase_add_test(tests, test_properties_read);
    tcase_add_test(tests, test_properties_write);
    tcase_add_test(tests, test_record_example);
    tcase_add_loop_test(tests, test_record_v6, 0, 2);
    tcase_add_test(tests, test_record_version_2);
    tcase_add_test(tests, test_record_limits);
    tcase_add_test(tests, test_record_damage);
    tcase_add_test(tests, test_batch);
    return suite_run(suite);
}
