/* test_json_write.c - the writer: both spellings, misuse, round trips. */
#include <signal.h>

#include "model/base/json.h"
#include "model/base/utf8.h"
#include "model/tests/env_fake.h"
#include "model/tests/suite.h"

static struct env *env;
static struct buf out;
static struct json_writer writer;

static void setup(void) {
    env = fake_create();
    buf_init(&out, env);
    json_writer_init(&writer, &out, JSON_STYLE_FASTJSON);
}

static void teardown(void) {
    buf_deinit(&out);
    fake_destroy(env);
}

static void use_style(enum json_style style) {
    buf_clear(&out);
    json_writer_init(&writer, &out, style);
}

static void check_written(const char *expected) {
    ck_assert(!buf_failed(&out));
    ck_assert_uint_eq(writer.depth, 0);
    buf_put_u8(&out, 0);
    ck_assert_str_eq((const char *)out.data, expected);
}

static void write_all_kinds(void) {
    json_object_begin(&writer);
    json_key_text(&writer, "a");
    json_array_begin(&writer);
    json_array_end(&writer);
    json_key(&writer, SPAN_LITERAL("b"));
    json_object_begin(&writer);
    json_object_end(&writer);
    json_key_i64(&writer, -3);
    json_array_begin(&writer);
    json_number(&writer, INT64_MIN);
    json_number(&writer, INT64_MAX);
    json_bool(&writer, true);
    json_bool(&writer, false);
    json_null(&writer);
    json_string_text(&writer, "s");
    json_raw(&writer, SPAN_LITERAL("{\"raw\":1.5}"));
    json_object_begin(&writer);
    json_key_i64(&writer, 0);
    json_string(&writer, SPAN_NONE);
    json_object_end(&writer);
    json_array_end(&writer);
    json_object_end(&writer);
}

START_TEST(test_writer__puts_commas_and_brackets) {
    write_all_kinds();
    check_written("{\"a\":[],\"b\":{},-3:[-9223372036854775808,9223372036854775807,true,false,null,"
                  "\"s\",{\"raw\":1.5},{0:\"\"}]}");
}
END_TEST

START_TEST(test_writer__quotes_numeric_keys_in_the_standard_style) {
    use_style(JSON_STYLE_STANDARD);
    write_all_kinds();
    check_written("{\"a\":[],\"b\":{},\"-3\":[-9223372036854775808,9223372036854775807,true,false,"
                  "null,\"s\",{\"raw\":1.5},{\"0\":\"\"}]}");
}
END_TEST

/* As 4.9.7's mqadmin topicRoute prints a route (observed). */
START_TEST(test_writer__puts_elements_of_lists_on_lines) {
    writer.pretty = writer.pretty_lists = true;
    json_object_begin(&writer);
    json_key_text(&writer, "list");
    json_array_begin(&writer);
    for (int i = 0; i < 2; i++) {
        json_object_begin(&writer);
        json_key_text(&writer, "a");
        json_number(&writer, i);
        json_object_end(&writer);
    }
    json_array_end(&writer);
    json_key_text(&writer, "empty");
    json_array_begin(&writer);
    json_array_end(&writer);
    json_object_end(&writer);
    check_written("{\n\t\"list\":[\n\t\t{\n\t\t\t\"a\":0\n\t\t},\n\t\t{\n\t\t\t\"a\":1\n\t\t}\n"
                  "\t],\n\t\"empty\":[]\n}");
}
END_TEST

/* wire.md 10.1: the key of a queue-keyed map is a whole object. */
START_TEST(test_writer__writes_objects_as_keys) {
    json_object_begin(&writer);
    json_key_text(&writer, "offsetTable");
    json_object_begin(&writer);
    for (int i = 0; i < 2; i++) {
        json_key_object(&writer);
        json_object_begin(&writer);
        json_key_text(&writer, "queueId");
        json_number(&writer, i);
        json_object_end(&writer);
        json_object_begin(&writer);
        json_key_text(&writer, "maxOffset");
        json_number(&writer, 3);
        json_object_end(&writer);
    }
    json_object_end(&writer);
    json_object_end(&writer);
    check_written("{\"offsetTable\":{{\"queueId\":0}:{\"maxOffset\":3},{\"queueId\":1}:"
                  "{\"maxOffset\":3}}}");
}
END_TEST

/* wire.md 10.1: which characters each style escapes, and how. */
static const struct {
    const char *text;
    const char *fastjson;
    const char *standard;
} STRINGS[] = {
    {"plain ~!", "plain ~!", "plain ~!"},
    {"\"\\", "\\\"\\\\", "\\\"\\\\"},
    {"/", "/", "\\/"},
    {"\b\t\n\f\r", "\\b\\t\\n\\f\\r", "\\b\\t\\n\\f\\r"},
    {"\x01\x0B\x1B\x1F", "\\u0001\\u000B\\u001B\\u001F", "\\u0001\\u000B\\u001B\\u001F"},
    {"\x7F\xC2\x80\xC2\x9F\xC2\xA0", "\\u007F\\u0080\\u009F\xC2\xA0",
     "\\u007F\\u0080\\u009F\\u00A0"},
    {"\xE2\x80\xA7\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xB0", "\xE2\x80\xA7\\u2028\\u2029\xE2\x80\xB0",
     "\\u2027\\u2028\\u2029\\u2030"},
    {"\xC3\xA4\xE4\xB8\xAD", "\xC3\xA4\xE4\xB8\xAD", "\\u00E4\\u4E2D"},
    {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80", "\\uD83D\\uDE00"},
    {"a\xC3"
     "b",
     "a\xEF\xBF\xBD"
     "b",
     "a\\uFFFDb"},
    {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", "\\uFFFD\\uFFFD\\uFFFD"},
};

START_TEST(test_writer__escapes_as_its_style_does) {
    for (int style = JSON_STYLE_FASTJSON; style <= JSON_STYLE_STANDARD; style++) {
        use_style((enum json_style)style);
        json_string_text(&writer, STRINGS[_i].text);
        ck_assert_uint_ge(out.len, 2);
        ck_assert(span_equal(span_of(out.data + 1, out.len - 2),
                             span_of_text(style == JSON_STYLE_FASTJSON ? STRINGS[_i].fastjson
                                                                       : STRINGS[_i].standard)));
        ck_assert_uint_eq(out.data[0], '"');
        ck_assert_uint_eq(out.data[out.len - 1], '"');
    }
}
END_TEST

/* Every code point but surrogates is read back as it was written, in strict mode too. */
START_TEST(test_writer__round_trips_every_character) {
    struct buf scratch;
    buf_init(&scratch, env);
    uint32_t step = _i == 0 ? 1 : 97;
    for (uint32_t code = 0; code <= (_i == 0 ? 0x3000U : 0x10FFFFU); code += step) {
        for (int style = JSON_STYLE_FASTJSON; style <= JSON_STYLE_STANDARD; style++) {
            uint8_t encoded[UTF8_LEN_MAX];
            if (code >= 0xD800 && code <= 0xDFFF) {
                continue;
            }
            struct span character = span_of(encoded, utf8_encode(code, encoded));
            struct span read = SPAN_NONE;
            struct json_reader reader;
            uint32_t decoded = 0;
            ck_assert_uint_eq(utf8_decode(character, &decoded), character.len);
            ck_assert_uint_eq(decoded, code);
            use_style((enum json_style)style);
            json_string(&writer, character);
            json_reader_init(&reader, buf_span(&out));
            json_strict(&reader);
            ck_assert_int_eq(json_next(&reader), JSON_STRING);
            ck_assert_int_eq(json_text(&reader, &scratch, &read), RMQ_OK);
            ck_assert(span_equal(read, character));
            ck_assert_int_eq(json_next(&reader), JSON_END);
        }
    }
    buf_deinit(&scratch);
}
END_TEST

START_TEST(test_writer__nests_to_the_limit) {
    for (int i = 0; i < JSON_DEPTH_MAX; i++) {
        json_array_begin(&writer);
    }
    for (int i = 0; i < JSON_DEPTH_MAX; i++) {
        json_array_end(&writer);
    }
    ck_assert_uint_eq(out.len, 2 * JSON_DEPTH_MAX);
    ck_assert_uint_eq(writer.depth, 0);
}
END_TEST

START_TEST(test_writer__survives_every_failed_allocation) {
    bool failed = true;
    unsigned n = 1;
    for (; failed; n++) {
        buf_deinit(&out);
        use_style(JSON_STYLE_FASTJSON);
        fake_fail_at(env, FAKE_FAIL_ALLOC, n);
        write_all_kinds();
        failed = fake_failed(env, FAKE_FAIL_ALLOC);
        ck_assert(buf_failed(&out) == failed);
        ck_assert_uint_eq(writer.depth, 0);
    }
    ck_assert_uint_ge(n, 3); /* 64 bytes, then 128 */
}
END_TEST

/* Misuse is our own mistake: each of these asserts. */
START_TEST(test_writer__asserts_on_misuse) {
    switch (_i) {
    case 0: /* two documents */
        json_null(&writer);
        json_null(&writer);
        break;
    case 1: /* a value without a key */
        json_object_begin(&writer);
        json_null(&writer);
        break;
    case 2: /* a key without a value */
        json_object_begin(&writer);
        json_key_text(&writer, "a");
        json_object_end(&writer);
        break;
    case 3: /* two keys */
        json_object_begin(&writer);
        json_key_text(&writer, "a");
        json_key_text(&writer, "b");
        break;
    case 4: /* a key in an array */
        json_array_begin(&writer);
        json_key_text(&writer, "a");
        break;
    case 5: /* the wrong end */
        json_array_begin(&writer);
        json_object_end(&writer);
        break;
    case 6: /* an end too many */
        json_object_begin(&writer);
        json_object_end(&writer);
        json_object_end(&writer);
        break;
    case 7: /* an object key that is no object */
        json_object_begin(&writer);
        json_key_object(&writer);
        json_number(&writer, 1);
        break;
    case 8: /* an object key where no reader expects one */
        use_style(JSON_STYLE_STANDARD);
        json_object_begin(&writer);
        json_key_object(&writer);
        break;
    default: /* too deep */
        for (int i = 0; i <= JSON_DEPTH_MAX; i++) {
            json_array_begin(&writer);
        }
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("json_write");
    TCase *tests = suite_case(suite, "json_write");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_writer__puts_commas_and_brackets);
    tcase_add_test(tests, test_writer__quotes_numeric_keys_in_the_standard_style);
    tcase_add_test(tests, test_writer__puts_elements_of_lists_on_lines);
    tcase_add_test(tests, test_writer__writes_objects_as_keys);
    tcase_add_loop_test(tests, test_writer__escapes_as_its_style_does, 0,
                        sizeof STRINGS / sizeof STRINGS[0]);
    tcase_add_loop_test(tests, test_writer__round_trips_every_character, 0, 2);
    tcase_add_test(tests, test_writer__nests_to_the_limit);
    tcase_add_test(tests, test_writer__survives_every_failed_allocation);
    tcase_add_loop_test_raise_signal(tests, test_writer__asserts_on_misuse, SIGABRT, 0, 10);
    return suite_run(suite);
}
