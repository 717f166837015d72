/* test_props.c - Java properties: grammar, table, writing. */
#include "model/base/props.h"
#include "model/tests/env_fake.h"
#include "model/tests/suite.h"

static struct env *env;
static struct props props;

static void setup(void) {
    env = fake_create();
    props_init(&props, env);
}

static void teardown(void) {
    props_deinit(&props);
    fake_destroy(env);
}

/* Text, and what it holds as "key|value" pairs joined by newlines (escapes: C's). The rules are
 * those of java.util.Properties.load. */
static const struct {
    const char *text;
    const char *entries;
} GRAMMAR[] = {
    {"", ""},
    {"a=b", "a|b"},
    {"a=b\n", "a|b"},
    {"a=1\nb=2\r\nc=3\rd=4", "a|1\nb|2\nc|3\nd|4"},
    {"a : b", "a|b"},
    {"a   b c ", "a|b c "},
    {"a\t=\f b", "a|b"},
    {"a==b", "a|=b"},
    {"a= :b", "a|:b"},
    {"a", "a|"},
    {"a=", "a|"},
    {"=b", "|b"},
    {"# a=b\n ! c=d\n\n \t\n e=f#g!h", "e|f#g!h"},
    {"a=b\\\n   c", "a|bc"},
    {"a=b\\\r\n   c", "a|bc"},
    {"a\\\n=b", "a|b"},
    {"a\\\n  b=c", "ab|c"},
    {"a=\\\n\\\n  b", "a|b"},
    {"a=b\\\n#c", "a|b#c"},
    {"# comment\\\na=b", "a|b"},
    {"a=b\\\\\nc=d", "a|b\\\nc|d"},
    {"\\\na=b", "a|b"},
    {"a\\ b\\=c\\:d=e", "a b=c:d|e"},
    {"\\#a=b", "#a|b"},
    {"a=\\t\\f\\x\\q\\\"", "a|\t\fxq\""},
    {"a=\\u0041\\u00e4\\u20AC\\uD83D\\uDE00z", "a|A\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80z"},
    {"\xC3\xA4=\xE2\x82\xAC", "\xC3\xA4|\xE2\x82\xAC"},
    {"a=b\\", "a|b"},
    {"a=1\nb=2\na=3", "a|3\nb|2"},
};

START_TEST(test_props_parse__follows_java) {
    struct buf got;
    size_t line = 0;
    buf_init(&got, env);
    ck_assert_int_eq(props_parse(&props, span_of_text(GRAMMAR[_i].text), &line), RMQ_OK);
    for (size_t i = 0; i < props.count; i++) {
        buf_put_text(&got, i > 0 ? "\n" : "");
        buf_put_span(&got, props.entries[i].key);
        buf_put_text(&got, "|");
        buf_put_span(&got, props.entries[i].value);
    }
    buf_put_u8(&got, 0);
    ck_assert_str_eq((const char *)got.data, GRAMMAR[_i].entries);
    buf_deinit(&got);
}
END_TEST

static const struct {
    const char *text;
    size_t line;
} BROKEN[] = {
    {"a=\\u12G4", 1},        {"a=b\nc=\\u", 2}, {"a=b\r\n\r\n#\nc=d\\\n e\\u123", 5},
    {"a=\\uDE00", 1},        {"a=\\uD83D", 1},  {"a=\\uD83Dx", 1},
    {"a=\\uD83D\\u0041", 1}, {"\\uZZZZ=b", 1},
};

START_TEST(test_props_parse__says_where_an_escape_is_broken) {
    size_t line = 0;
    ck_assert_int_eq(props_parse(&props, span_of_text(BROKEN[_i].text), &line), RMQ_E_INVALID);
    ck_assert_uint_eq(line, BROKEN[_i].line);
}
END_TEST

START_TEST(test_props_set__replaces_in_place) {
    ck_assert_int_eq(props_set_text(&props, "a", "1"), RMQ_OK);
    ck_assert_int_eq(props_set_text(&props, "b", "2"), RMQ_OK);
    ck_assert_int_eq(props_set_text(&props, "a", "3"), RMQ_OK);
    ck_assert_uint_eq(props.count, 2);
    ck_assert(span_equal(props.entries[0].value, SPAN_LITERAL("3")));
    /* Its own key and value may be what is set. */
    ck_assert_int_eq(props_set(&props, props.entries[0].key, props.entries[1].value), RMQ_OK);
    ck_assert_int_eq(props_set(&props, props.entries[1].key, props.entries[1].value), RMQ_OK);
    ck_assert(span_equal(props_get(&props, "a"), SPAN_LITERAL("2")));
    ck_assert(span_equal(props_get(&props, "b"), SPAN_LITERAL("2")));
}
END_TEST

START_TEST(test_props_get__tells_missing_from_empty) {
    ck_assert_int_eq(props_set_text(&props, "empty", ""), RMQ_OK);
    ck_assert_int_eq(props_set(&props, SPAN_LITERAL("none"), SPAN_NONE), RMQ_OK);
    ck_assert(span_is_absent(props_get(&props, "missing")));
    ck_assert(!span_is_absent(props_get(&props, "empty")));
    ck_assert(!span_is_absent(props_get(&props, "none")));
}
END_TEST

START_TEST(test_props_remove__keeps_the_order_of_the_rest) {
    for (char key[2] = "a"; key[0] < 'z'; key[0]++) {
        ck_assert_int_eq(props_set_text(&props, key, key), RMQ_OK);
    }
    props_remove(&props, SPAN_LITERAL("c"));
    props_remove(&props, SPAN_LITERAL("a"));
    props_remove(&props, SPAN_LITERAL("y"));
    props_remove(&props, SPAN_LITERAL("nothing"));
    ck_assert_uint_eq(props.count, 22);
    ck_assert(span_equal(props.entries[0].key, SPAN_LITERAL("b")));
    ck_assert(span_equal(props.entries[1].key, SPAN_LITERAL("d")));
    ck_assert(span_equal(props.entries[21].key, SPAN_LITERAL("x")));
}
END_TEST

START_TEST(test_props_get_i64__falls_back_and_reports) {
    int64_t value = 0;
    ck_assert_int_eq(props_set_text(&props, "port", "9876"), RMQ_OK);
    ck_assert_int_eq(props_set_text(&props, "bad", "9876 "), RMQ_OK);
    ck_assert_int_eq(props_set_text(&props, "huge", "9223372036854775808"), RMQ_OK);
    ck_assert_int_eq(props_get_i64(&props, "port", 7, &value), RMQ_OK);
    ck_assert_int_eq(value, 9876);
    ck_assert_int_eq(props_get_i64(&props, "missing", 7, &value), RMQ_OK);
    ck_assert_int_eq(value, 7);
    ck_assert_int_eq(props_get_i64(&props, "bad", 8, &value), RMQ_E_INVALID);
    ck_assert_int_eq(value, 8);
    ck_assert_int_eq(props_get_i64(&props, "huge", 9, &value), RMQ_E_INVALID);
    ck_assert_int_eq(value, 9);
}
END_TEST

START_TEST(test_props_get_bool__falls_back_and_reports) {
    bool value = false;
    ck_assert_int_eq(props_set_text(&props, "on", "true"), RMQ_OK);
    ck_assert_int_eq(props_set_text(&props, "off", "false"), RMQ_OK);
    ck_assert_int_eq(props_set_text(&props, "bad", "True"), RMQ_OK);
    ck_assert_int_eq(props_get_bool(&props, "on", false, &value), RMQ_OK);
    ck_assert(value);
    ck_assert_int_eq(props_get_bool(&props, "off", true, &value), RMQ_OK);
    ck_assert(!value);
    ck_assert_int_eq(props_get_bool(&props, "missing", true, &value), RMQ_OK);
    ck_assert(value);
    ck_assert_int_eq(props_get_bool(&props, "bad", true, &value), RMQ_E_INVALID);
    ck_assert(value);
}
END_TEST

START_TEST(test_props_write__reads_back_the_same) {
    static const char *const TEXTS[] = {"plain",   "",  " lead and trail ", "a=b:c#d!e", "#!",
                                        "=",       ":", "back\\slash",      "\t\n\r\f",  "u\\u0041",
                                        "\xC3\xA4"};
    struct props again;
    struct buf out;
    size_t line = 0;
    size_t count = sizeof TEXTS / sizeof TEXTS[0];
    buf_init(&out, env);
    props_init(&again, env);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(props_set_text(&props, TEXTS[i], TEXTS[count - 1 - i]), RMQ_OK);
    }
    props_write(&props, &out);
    ck_assert_int_eq(props_parse(&again, buf_span(&out), &line), RMQ_OK);
    ck_assert_uint_eq(again.count, props.count);
    for (size_t i = 0; i < count; i++) {
        ck_assert(span_equal(again.entries[i].key, props.entries[i].key));
        ck_assert(span_equal(again.entries[i].value, props.entries[i].value));
    }
    props_deinit(&again);
    buf_deinit(&out);
}
END_TEST

START_TEST(test_props_write__escapes_only_what_it_must) {
    struct buf out;
    buf_init(&out, env);
    ck_assert_int_eq(props_set_text(&props, "namesrvAddr", "10.0.0.1:9876;h=x #1"), RMQ_OK);
    ck_assert_int_eq(props_set_text(&props, "a key", " v"), RMQ_OK);
    props_write(&props, &out);
    ck_assert(span_equal(buf_span(&out),
                         SPAN_LITERAL("namesrvAddr=10.0.0.1:9876;h=x #1\na\\ key=\\ v\n")));
    buf_deinit(&out);
}
END_TEST

START_TEST(test_props__survive_every_failed_allocation) {
    static const char TEXT[] = "a=1\nb=2\nc=3\nd=4\ne=5\nf=6\ng=7\nh=8\ni=9\na=\\u0041bc\n";
    bool failed = true;
    unsigned n = 1;
    for (; failed; n++) {
        struct props copy;
        size_t line = 0;
        props_init(&copy, env);
        fake_fail_at(env, FAKE_FAIL_ALLOC, n);
        int err = props_parse(&props, span_of_text(TEXT), &line);
        err = err != RMQ_OK ? err : props_copy(&copy, &props);
        failed = fake_failed(env, FAKE_FAIL_ALLOC);
        ck_assert_int_eq(err, failed ? RMQ_E_NOMEM : RMQ_OK);
        ck_assert_uint_eq(copy.count, failed ? copy.count : 9);
        props_deinit(&copy);
        props_deinit(&props);
        ck_assert_uint_eq(fake_memory_blocks(env), 0);
    }
    ck_assert_uint_gt(n, 20);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("props");
    TCase *tests = suite_case(suite, "props");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_props_parse__follows_java, 0,
                        sizeof GRAMMAR / sizeof GRAMMAR[0]);
    tcase_add_loop_test(tests, test_props_parse__says_where_an_escape_is_broken, 0,
                        sizeof BROKEN / sizeof BROKEN[0]);
    tcase_add_test(tests, test_props_set__replaces_in_place);
    tcase_add_test(tests, test_props_get__tells_missing_from_empty);
    tcase_add_test(tests, test_props_remove__keeps_the_order_of_the_rest);
    tcase_add_test(tests, test_props_get_i64__falls_back_and_reports);
    tcase_add_test(tests, test_props_get_bool__falls_back_and_reports);
    tcase_add_test(tests, test_props_write__reads_back_the_same);
    tcase_add_test(tests, test_props_write__escapes_only_what_it_must);
    tcase_add_test(tests, test_props__survive_every_failed_allocation);
    return suite_run(suite);
}
