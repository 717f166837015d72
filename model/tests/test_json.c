/* test_json.c - the pull reader: fastjson's habits, limits, where errors are, meaning of tokens. */
#include <stdio.h>

#include "model/base/json.h"
#include "model/tests/env_fake.h"
#include "model/tests/suite.h"

static struct env *env;
static struct buf text; /* rendering or decoded text */

static void setup(void) {
    env = fake_create();
    buf_init(&text, env);
}

static void teardown(void) {
    buf_deinit(&text);
    fake_destroy(env);
}

/* ---- token streams -----------------------------------------------------------------------------
 */

static void render_token(const struct json_reader *reader) {
    static const char *const NAMES[] = {
        [JSON_END] = ".",        [JSON_ERROR] = "!",       [JSON_OBJECT_BEGIN] = "{",
        [JSON_OBJECT_END] = "}", [JSON_ARRAY_BEGIN] = "[", [JSON_ARRAY_END] = "]",
        [JSON_KEY] = "k:",       [JSON_KEY_OBJECT] = "K{", [JSON_STRING] = "s:",
        [JSON_NUMBER] = "n:",    [JSON_TRUE] = "true",     [JSON_FALSE] = "false",
        [JSON_NULL] = "null",
    };
    buf_put_text(&text, text.len > 0 ? " " : "");
    buf_put_text(&text, NAMES[reader->token]);
    buf_put_span(&text, reader->raw);
    if (reader->token == JSON_ERROR) {
        buf_put_decimal(&text, (int64_t)reader->token_offset);
        buf_put_text(&text, " ");
        buf_put_text(&text, reader->expected);
    }
}

/* The tokens of `document` as one line of text; an error as "!OFFSET EXPECTED". */
static const char *render(const char *document, bool strict) {
    struct json_reader reader;
    json_reader_init(&reader, span_of_text(document));
    if (strict) {
        json_strict(&reader);
    }
    buf_clear(&text);
    do {
        json_next(&reader);
        render_token(&reader);
    } while (reader.token != JSON_END && reader.token != JSON_ERROR);
    buf_put_u8(&text, 0);
    return (const char *)text.data;
}

static const struct {
    const char *document;
    const char *tokens;
} GOOD[] = {
    {"{}", "{ } ."},
    {" [ ] ", "[ ] ."},
    {"null", "null ."},
    {"\"a\"", "s:a ."},
    {"-0", "n:-0 ."},
    {"1.50E+10", "n:1.50E+10 ."},
    {"[true,false,null]", "[ true false null ] ."},
    {"\t{ \"a\" :\r\n1 , \"b\":[ {} ,2 ] } ", "{ k:a n:1 k:b [ { } n:2 ] } ."},
    {"{\"a\":{\"a\":1},\"a\":2}", "{ k:a { k:a n:1 } k:a n:2 } ."},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\uFFFF\"",
     "s:\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\uFFFF ."},
    {"\"\xC3\xA4\xF0\x9F\x98\x80\"", "s:\xC3\xA4\xF0\x9F\x98\x80 ."},
    {"{\"\":\"\"}", "{ k: s: } ."},
    {"{\"$ref\":\"$.a[0]\"}", "{ k:$ref s:$.a[0] } ."},
};

START_TEST(test_json_next__gives_tokens_of_standard_json) {
    ck_assert_str_eq(render(GOOD[_i].document, false), GOOD[_i].tokens);
    ck_assert_str_eq(render(GOOD[_i].document, true), GOOD[_i].tokens);
}
END_TEST

/* What fastjson writes, and Java accepts, beyond the standard (wire.md sections 10.1 and 10.2);
 * strict mode refuses each at the offset given. */
static const struct {
    const char *document;
    const char *tokens;
    const char *strict;
} DIALECT[] = {
    {"{\"brokerAddrs\":{0:\"10.0.0.1:10911\",1:\"x\"}}",
     "{ k:brokerAddrs { k:0 s:10.0.0.1:10911 k:1 s:x } } .", "{ k:brokerAddrs { !16 a key or '}'"},
    {"{-7:1 , 9223372036854775807 : 2}", "{ k:-7 n:1 k:9223372036854775807 n:2 } .",
     "{ !1 a key or '}'"},
    {"{{\"brokerName\":\"b\",\"queueId\":0}:{\"maxOffset\":3}}",
     "{ K{ k:brokerName s:b k:queueId n:0 } { k:maxOffset n:3 } } .", "{ !1 a key or '}'"},
    {"{ {} : 1 , { \"q\" : [ ] } : [ ] }", "{ K{ } n:1 K{ k:q [ ] } [ ] } .", "{ !2 a key or '}'"},
    {"{{{\"a\":1}:2}:3}", "{ K{ K{ k:a n:1 } n:2 } n:3 } .", "{ !1 a key or '}'"},
    {"{\"a\":1,{\"b\":2}:3}", "{ k:a n:1 K{ k:b n:2 } n:3 } .", "{ k:a n:1 !7 a key"},
    {"\"\x01\n\"", "s:\x01\n .", "!1 no control character in a string (write \\n, \\u0000, ...)"},
    {"\"a\xC3\"", "s:a\xC3 .", "!2 valid UTF-8"},
    {"\"\xED\xA0\x80\"", "s:\xED\xA0\x80 .", "!1 valid UTF-8"},
    {"\"\xC0\x80\"", "s:\xC0\x80 .", "!1 valid UTF-8"},
};

START_TEST(test_json_next__takes_fastjsons_habits) {
    ck_assert_str_eq(render(DIALECT[_i].document, false), DIALECT[_i].tokens);
    ck_assert_str_eq(render(DIALECT[_i].document, true), DIALECT[_i].strict);
}
END_TEST

/* Refused in both modes, with the offset of the first byte that cannot be. */
static const struct {
    const char *document;
    const char *tokens;
} BAD[] = {
    {"", "!0 a value"},
    {"  ", "!2 a value"},
    {"[", "[ !1 a value"},
    {"[1", "[ n:1 !2 ',' or ']'"},
    {"[1,", "[ n:1 !3 a value"},
    {"[1,]", "[ n:1 !3 a value"},
    {"[,1]", "[ !1 a value"},
    {"[1 2]", "[ n:1 !3 ',' or ']'"},
    {"[1}", "[ n:1 !2 ',' or ']'"},
    {"{", "{ !1 a key or '}'"},
    {"{]", "{ !1 a key or '}'"},
    {"{,}", "{ !1 a key or '}'"},
    {"{a:1}", "{ !1 a key or '}'"},
    {"{'a':1}", "{ !1 a key or '}'"},
    {"{\"a\"", "{ k:a !4 ':'"},
    {"{\"a\" 1}", "{ k:a !5 ':'"},
    {"{\"a\":}", "{ k:a !5 a value"},
    {"{\"a\":1", "{ k:a n:1 !6 ',' or '}'"},
    {"{\"a\":1,}", "{ k:a n:1 !7 a key"},
    {"{\"a\":1]", "{ k:a n:1 !6 ',' or '}'"},
    {"{\"a\":1 \"b\":2}", "{ k:a n:1 !7 ',' or '}'"},
    {"1 2", "n:1 !2 the end of the document"},
    {"{}x", "{ } !2 the end of the document"},
    {"]", "!0 a value"},
    {"nul", "!0 a value"},
    {"True", "!0 a value"},
    {"truex", "true !4 the end of the document"},
    {"[truefalse]", "[ true !5 ',' or ']'"},
    {"01", "n:0 !1 the end of the document"},
    {"-", "!1 a digit"},
    {"-a", "!1 a digit"},
    {"+1", "!0 a value"},
    {".5", "!0 a value"},
    {"1.", "!2 a digit"},
    {"1.e1", "!2 a digit"},
    {"1e", "!2 a digit"},
    {"1e+", "!3 a digit"},
    {"0x1", "n:0 !1 the end of the document"},
    {"NaN", "!0 a value"},
    {"\"a", "!2 a closing '\"'"},
    {"\"a\\\"", "!4 a closing '\"'"},
    {"\"\\", "!2 one of \" \\ / b f n r t u after a backslash"},
    {"\"\\x\"", "!2 one of \" \\ / b f n r t u after a backslash"},
    {"\"\\u12g4\"", "!5 four hexadecimal digits after \\u"},
    {"\"\\u12", "!5 four hexadecimal digits after \\u"},
    {"[\"a\",\v1]", "[ s:a !5 a value"},
    {"\xEF\xBB\xBF{}", "!0 a value"},
};

START_TEST(test_json_next__says_what_it_expected_where) {
    ck_assert_str_eq(render(BAD[_i].document, false), BAD[_i].tokens);
    ck_assert_str_eq(render(BAD[_i].document, true), BAD[_i].tokens);
}
END_TEST

START_TEST(test_json_next__refuses_what_is_no_key_even_in_the_dialect) {
    ck_assert_str_eq(render("{1.5:1}", false), "{ k:1 !2 ':'");
    ck_assert_str_eq(render("{-:1}", false), "{ !2 a digit");
    ck_assert_str_eq(render("{[]:1}", false), "{ !1 a key or '}'");
    ck_assert_str_eq(render("{{}}", false), "{ K{ } !3 ':'");
    ck_assert_str_eq(render("{{},1:2}", false), "{ K{ } !3 ':'");
    ck_assert_str_eq(render("{true:1}", false), "{ !1 a key or '}'");
}
END_TEST

START_TEST(test_json_next__gives_token_offsets) {
    static const size_t EXPECTED[] = {1, 2, 6, 9, 13, 15, 17, 19};
    struct json_reader reader;
    json_reader_init(&reader, SPAN_LITERAL(" {\"a\":[  1 , \"\"] } "));
    for (size_t i = 0; i < sizeof EXPECTED / sizeof EXPECTED[0]; i++) {
        json_next(&reader);
        ck_assert_uint_eq(reader.token_offset, EXPECTED[i]);
    }
    ck_assert_int_eq(reader.token, JSON_END);
    ck_assert_int_eq(json_next(&reader), JSON_END);
}
END_TEST

START_TEST(test_json_next__stays_at_an_error) {
    struct json_reader reader;
    json_reader_init(&reader, SPAN_LITERAL("[x,1]"));
    ck_assert_int_eq(json_next(&reader), JSON_ARRAY_BEGIN);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(json_next(&reader), JSON_ERROR);
        ck_assert_int_eq(reader.error, RMQ_E_INVALID);
        ck_assert_uint_eq(reader.token_offset, 1);
        ck_assert_int_eq(json_skip(&reader), RMQ_E_INVALID);
    }
}
END_TEST

/* Each proper prefix of an object is an error at or before its end, in memory that ends there. */
START_TEST(test_json_next__refuses_every_truncation) {
    static const char DOCUMENT[] =
        "{\"code\":105,\"extFields\":{\"topic\":\"a\\u00e4\\n\"},{\"q\":-1.5e+3}:[true,false,null,"
        "{0:\"\xC3\xA4\"}],\"long\":9223372036854775807}";
    for (size_t len = 0; len < sizeof DOCUMENT - 1; len++) {
        struct json_reader reader;
        char *prefix = malloc(len + (len == 0));
        ck_assert_ptr_nonnull(prefix);
        memcpy(prefix, DOCUMENT, len);
        json_reader_init(&reader, span_of(prefix, len));
        while (json_next(&reader) != JSON_ERROR) {
            ck_assert_int_ne(reader.token, JSON_END);
        }
        ck_assert_int_eq(reader.error, RMQ_E_INVALID);
        ck_assert_uint_le(reader.token_offset, len);
        free(prefix);
    }
    ck_assert_ptr_nonnull(strstr(render(DOCUMENT, false), "n:9223372036854775807 } ."));
}
END_TEST

/* ---- limits ------------------------------------------------------------------------------------
 */

static enum json_token last_token(struct json_reader *reader) {
    while (json_next(reader) != JSON_END && reader->token != JSON_ERROR) {
    }
    return reader->token;
}

START_TEST(test_json_limits__bound_the_depth) {
    char document[2 * (JSON_DEPTH_MAX + 1) + 1];
    for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        struct json_reader reader;
        memset(document, '[', depth);
        memset(document + depth, ']', depth);
        json_reader_init(&reader, span_of(document, 2 * depth));
        bool good = depth <= JSON_DEPTH_MAX;
        ck_assert_int_eq(last_token(&reader), good ? JSON_END : JSON_ERROR);
        if (!good) {
            ck_assert_int_eq(reader.error, RMQ_E_LIMIT);
            ck_assert_uint_eq(reader.token_offset, JSON_DEPTH_MAX);
        }
        json_reader_init(&reader, span_of(document, 2 * depth));
        json_next(&reader);
        ck_assert_int_eq(json_skip(&reader), good ? RMQ_OK : RMQ_E_LIMIT);
    }
}
END_TEST

START_TEST(test_json_limits__can_be_lower) {
    struct json_reader reader;
    json_reader_init(&reader, SPAN_LITERAL("[[]]"));
    reader.limits.depth_max = 1;
    ck_assert_int_eq(last_token(&reader), JSON_ERROR);
    ck_assert_int_eq(reader.error, RMQ_E_LIMIT);
    ck_assert_uint_eq(reader.token_offset, 1);
    for (size_t tokens = 0; tokens <= 5; tokens++) { /* [ [ ] ] and the end are five */
        json_reader_init(&reader, SPAN_LITERAL("[[]]"));
        reader.limits.tokens_max = tokens;
        ck_assert_int_eq(last_token(&reader), tokens < 5 ? JSON_ERROR : JSON_END);
        ck_assert_int_eq(reader.error, tokens < 5 ? RMQ_E_LIMIT : RMQ_OK);
    }
}
END_TEST

/* ---- skipping ----------------------------------------------------------------------------------
 */

/* After `before` tokens json_skip, and then comes the token of the rendering. */
static const struct {
    const char *document;
    int before;
    enum json_token next;
    const char *raw;
} SKIPS[] = {
    {"[1,{\"a\":[2,3]},4]", 1, JSON_END, ""},
    {"[1,{\"a\":[2,3]},4]", 2, JSON_OBJECT_BEGIN, ""}, /* a scalar: nothing to skip */
    {"[1,{\"a\":[2,3]},4]", 3, JSON_NUMBER, "4"},
    {"[1,{\"a\":[2,3]},4]", 4, JSON_OBJECT_END, ""}, /* at a key: its value too */
    {"[1,{\"a\":[2,3]},4]", 5, JSON_OBJECT_END, ""},
    {"{\"a\":1,\"b\":2}", 2, JSON_KEY, "b"},
    {"{{\"a\":{}}:{\"c\":[]},\"b\":2}", 2, JSON_KEY, "b"}, /* at an object key: its value too */
    {"{{\"a\":{}}:3,\"b\":2}", 2, JSON_KEY, "b"},
    {"{{\"a\":{}}:3,\"b\":2}", 3, JSON_OBJECT_END, ""}, /* a member of the object key */
};

START_TEST(test_json_skip__skips_the_rest_of_a_value_or_member) {
    struct json_reader reader;
    json_reader_init(&reader, span_of_text(SKIPS[_i].document));
    for (int i = 0; i < SKIPS[_i].before; i++) {
        json_next(&reader);
    }
    ck_assert_int_eq(json_skip(&reader), RMQ_OK);
    ck_assert_int_eq(json_next(&reader), SKIPS[_i].next);
    ck_assert(span_equal(reader.raw, span_of_text(SKIPS[_i].raw)));
}
END_TEST

START_TEST(test_json_skip__reports_errors_inside) {
    static const char *const DOCUMENTS[] = {"{\"a\":[1,}", "{\"a\"", "{\"a\":tru}", "{{\"b\":1}}",
                                            "{{\"b\":1}:"};
    struct json_reader reader;
    json_reader_init(&reader, span_of_text(DOCUMENTS[_i]));
    json_next(&reader);
    json_next(&reader);
    ck_assert_int_eq(json_skip(&reader), RMQ_E_INVALID);
    ck_assert_int_eq(reader.token, JSON_ERROR);
}
END_TEST

/* ---- texts -------------------------------------------------------------------------------------
 */

static const struct {
    const char *document;
    const char *decoded; /* NULL: RMQ_E_INVALID */
} TEXTS[] = {
    {"\"plain\"", "plain"},
    {"\"\"", ""},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
    {"\"a\\u00E4b\\u20acc\"", "a\xC3\xA4"
                              "b\xE2\x82\xAC"
                              "c"},
    {"\"\\uD83D\\uDE00\"", "\xF0\x9F\x98\x80"},
    {"\"\\uDBFF\\uDFFF\\uD800\\uDC00\"", "\xF4\x8F\xBF\xBF\xF0\x90\x80\x80"},
    {"\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"", "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF"},
    {"\"\\uD83D\"", NULL},
    {"\"\\uD83Dx\"", NULL},
    {"\"\\uD83D\\n\"", NULL},
    {"\"\\uD83D\\u0041\"", NULL},
    {"\"\\uD83D\\uD83D\"", NULL},
    {"\"x\\uDE00\"", NULL},
};

START_TEST(test_json_text__decodes_escapes) {
    struct json_reader reader;
    struct span decoded = SPAN_LITERAL("untouched");
    json_reader_init(&reader, span_of_text(TEXTS[_i].document));
    ck_assert_int_eq(json_next(&reader), JSON_STRING);
    ck_assert_int_eq(json_text(&reader, &text, &decoded),
                     TEXTS[_i].decoded == NULL ? RMQ_E_INVALID : RMQ_OK);
    ck_assert(span_equal(
        decoded, span_of_text(TEXTS[_i].decoded == NULL ? "untouched" : TEXTS[_i].decoded)));
    if (TEXTS[_i].decoded != NULL) {
        ck_assert(json_text_equals(&reader, decoded));
        ck_assert(decoded.len == 0 || !json_text_equals(&reader, span_from(decoded, 1)));
        ck_assert(!json_text_equals(&reader, SPAN_LITERAL("other")));
    } else {
        ck_assert(!json_text_equals(&reader, SPAN_LITERAL("\xEF\xBF\xBD")));
    }
}
END_TEST

START_TEST(test_json_text__is_the_raw_text_without_escapes) {
    struct json_reader reader;
    struct span decoded = SPAN_NONE;
    json_reader_init(&reader, SPAN_LITERAL("{\"plain\":1}"));
    json_next(&reader);
    json_next(&reader);
    ck_assert_int_eq(json_text(&reader, &text, &decoded), RMQ_OK);
    ck_assert_ptr_eq(decoded.data, reader.raw.data);
    ck_assert_uint_eq(fake_memory_blocks(env), 0);
}
END_TEST

START_TEST(test_json_text__fails_without_memory) {
    struct json_reader reader;
    struct span decoded = SPAN_NONE;
    json_reader_init(&reader, SPAN_LITERAL("\"\\n\""));
    json_next(&reader);
    fake_fail_at(env, FAKE_FAIL_ALLOC, 1);
    ck_assert_int_eq(json_text(&reader, &text, &decoded), RMQ_E_NOMEM);
    ck_assert_int_eq(json_text(&reader, &text, &decoded), RMQ_OK);
    ck_assert(span_equal(decoded, SPAN_LITERAL("\n")));
}
END_TEST

/* ---- integers ----------------------------------------------------------------------------------
 */

static const struct {
    const char *document;
    int err;
    int64_t value;
} INTEGERS[] = {
    {"0", RMQ_OK, 0},
    {"-0", RMQ_OK, 0},
    {"9223372036854775807", RMQ_OK, INT64_MAX},
    {"-9223372036854775808", RMQ_OK, INT64_MIN},
    {"\"9223372036854775807\"", RMQ_OK, INT64_MAX},
    {"\"-12\"", RMQ_OK, -12},
    {"1000000000000000", RMQ_OK, 1000000000000000},
    {"9007199254740993", RMQ_OK, 9007199254740993}, /* 2^53 + 1 */
    {"9223372036854775808", RMQ_E_RANGE, 0},
    {"-9223372036854775809", RMQ_E_RANGE, 0},
    {"\"9223372036854775808\"", RMQ_E_RANGE, 0},
    {"1.0", RMQ_E_INVALID, 0},
    {"1e3", RMQ_E_INVALID, 0},
    {"\"\"", RMQ_E_INVALID, 0},
    {"\"1.5\"", RMQ_E_INVALID, 0},
    {"\" 1\"", RMQ_E_INVALID, 0},
    {"\"\\u0031\"", RMQ_E_INVALID, 0},
    {"true", RMQ_E_INVALID, 0},
    {"null", RMQ_E_INVALID, 0},
    {"[1]", RMQ_E_INVALID, 0},
};

START_TEST(test_json_i64__is_exact) {
    struct json_reader reader;
    int64_t value = 77;
    json_reader_init(&reader, span_of_text(INTEGERS[_i].document));
    json_next(&reader);
    ck_assert_int_eq(json_i64(&reader, &value), INTEGERS[_i].err);
    ck_assert(value == (INTEGERS[_i].err == RMQ_OK ? INTEGERS[_i].value : 77));
}
END_TEST

START_TEST(test_json_i32__refuses_what_i32_cannot_hold) {
    static const struct {
        const char *document;
        int err;
        int32_t value;
    } CASES[] = {{"2147483647", RMQ_OK, INT32_MAX},        {"\"-2147483648\"", RMQ_OK, INT32_MIN},
                 {"2147483648", RMQ_E_RANGE, 77},          {"-2147483649", RMQ_E_RANGE, 77},
                 {"9223372036854775808", RMQ_E_RANGE, 77}, {"1.5", RMQ_E_INVALID, 77}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct json_reader reader;
        int32_t value = 77;
        json_reader_init(&reader, span_of_text(CASES[i].document));
        json_next(&reader);
        ck_assert_int_eq(json_i32(&reader, &value), CASES[i].err);
        ck_assert_int_eq(value, CASES[i].value);
    }
}
END_TEST

START_TEST(test_json_i64__reads_keys_bare_and_quoted) {
    struct json_reader reader;
    json_reader_init(&reader, SPAN_LITERAL("{0:1,\"2\":3}"));
    json_next(&reader);
    for (int64_t expected = 0; expected < 4; expected++) {
        int64_t value = -1;
        json_next(&reader);
        ck_assert_int_eq(json_i64(&reader, &value), RMQ_OK);
        ck_assert_int_eq(value, expected);
    }
}
END_TEST

#define ADD_TABLE(test, table) \
    tcase_add_loop_test(tests, test, 0, (int)(sizeof(table) / sizeof(table)[0]))

int main(void) {
    Suite *suite = suite_create("json");
    TCase *tests = suite_case(suite, "json");
    tcase_add_checked_fixture(tests, setup, teardown);
    ADD_TABLE(test_json_next__gives_tokens_of_standard_json, GOOD);
    ADD_TABLE(test_json_next__takes_fastjsons_habits, DIALECT);
    ADD_TABLE(test_json_next__says_what_it_expected_where, BAD);
    tcase_add_test(tests, test_json_next__refuses_what_is_no_key_even_in_the_dialect);
    tcase_add_test(tests, test_json_next__gives_token_offsets);
    tcase_add_test(tests, test_json_next__stays_at_an_error);
    tcase_add_test(tests, test_json_next__refuses_every_truncation);
    tcase_add_test(tests, test_json_limits__bound_the_depth);
    tcase_add_test(tests, test_json_limits__can_be_lower);
    ADD_TABLE(test_json_skip__skips_the_rest_of_a_value_or_member, SKIPS);
    tcase_add_loop_test(tests, test_json_skip__reports_errors_inside, 0, 5);
    ADD_TABLE(test_json_text__decodes_escapes, TEXTS);
    tcase_add_test(tests, test_json_text__is_the_raw_text_without_escapes);
    tcase_add_test(tests, test_json_text__fails_without_memory);
    ADD_TABLE(test_json_i64__is_exact, INTEGERS);
    tcase_add_test(tests, test_json_i32__refuses_what_i32_cannot_hold);
    tcase_add_test(tests, test_json_i64__reads_keys_bare_and_quoted);
    return suite_run(suite);
}
