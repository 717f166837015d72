/* test_expression.c - SQL92 expressions against what both releases make of them, and numbers
 * against the C library's. */
#include <cjson/cJSON.h>
#include <stdio.h>

#include "model/base/check.h"
#include "model/filter/expression.h"
#include "model/filter/java_number.h"
#include "model/tests/env_fake.h"
#include "model/tests/suite.h"
#include "model/wire/message.h"

static struct env *env;
static struct buf properties, why;

static void setup(void) {
    env = fake_create();
    buf_init(&properties, env);
    buf_init(&why, env);
}

static void teardown(void) {
    buf_deinit(&properties);
    buf_deinit(&why);
    fake_destroy(env);
}

static void put_property(const char *name, const char *value) {
    ck_assert_int_eq(message_property_put(&properties, 0, span_of_text(name), span_of_text(value)),
                     RMQ_OK);
}

/* ---- recorded -------------------------------------------------------------------------------- */

static enum expression_result wanted(const cJSON *result) {
    if (cJSON_IsBool(result))
        return cJSON_IsTrue(result) ? EXPRESSION_TRUE : EXPRESSION_FALSE;
    return strcmp(result->valuestring, "null") == 0 ? EXPRESSION_NULL : EXPRESSION_ERROR;
}

static void compare_row(const cJSON *row, const cJSON *sets, bool v5) {
    const char *text = cJSON_GetObjectItem(row, "expression")->valuestring;
    const cJSON *results = cJSON_GetObjectItem(row, "results"), *set, *pair;
    struct expression *expression;
    int at = 0, err = expression_compile(env, span_of_text(text), v5, &expression, NULL);
    ck_assert_msg((err == RMQ_OK) == (results != NULL), "%s: %d", text, err);
    if (err != RMQ_OK)
        return;
    ck_assert(span_equal(expression_text(expression), span_of_text(text)));
    cJSON_ArrayForEach(set, sets) {
        buf_clear(&properties);
        cJSON_ArrayForEach(pair, set) { /* Java's text drops empty values, its map keeps them */
            if (pair->valuestring[0] != 0)
                put_property(pair->string, pair->valuestring);
        }
        bool empty_b = cJSON_GetObjectItem(set, "b") != NULL &&
                       cJSON_GetObjectItem(set, "b")->valuestring[0] == 0;
        enum expression_result got = expression_evaluate(expression, buf_span(&properties));
        if (!empty_b || strchr(text, 'b') == NULL)
            ck_assert_msg(got == wanted(cJSON_GetArrayItem(results, at)), "%s, set %d: %d", text,
                          at, got);
        at++;
    }
    expression_unref(expression);
}

static void compare_file(const char *path, bool v5) {
    static char lines[256][2048];
    size_t count = 0;
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    while (count < 256 && fgets(lines[count], sizeof lines[count], file) != NULL)
        count++;
    fclose(file);
    ck_assert_uint_eq(count, 84);
    cJSON *last = cJSON_Parse(lines[count - 1]);
    const cJSON *sets = cJSON_GetObjectItem(last, "propertiesInOrderOfResults");
    ck_assert_int_eq(cJSON_GetArraySize(sets), 9);
    for (size_t i = 0; i + 1 < count; i++) {
        cJSON *row = cJSON_Parse(lines[i]);
        compare_row(row, sets, v5);
        cJSON_Delete(row);
    }
    cJSON_Delete(last);
}

START_TEST(test_expression__as_recorded) {
    compare_file(RMQ_SOURCE_DIR "/model/tests/vectors/expr/4.9.7-sql92.jsonl", false);
    compare_file(RMQ_SOURCE_DIR "/model/tests/vectors/expr/5.3.3-sql92.jsonl", true);
}
END_TEST

/* ---- what the recordings do not have --------------------------------------------------------- */

/* Over n=5, big=3000000000, x=2.5, y=10, t=TRUE, s=it's. */
static const struct {
    const char *text;
    enum expression_result result;
} RESULTS[] = {
    {"big > 3", EXPRESSION_ERROR}, /* does not fit the literal's type */
    {"big > 3L", EXPRESSION_ERROR},
    {"big > 2147483648", EXPRESSION_TRUE},
    {"n > -2147483648", EXPRESSION_TRUE},
    {"big > 2.5", EXPRESSION_TRUE},
    {"y > n", EXPRESSION_TRUE}, /* as doubles, not as texts */
    {"y = n", EXPRESSION_FALSE},
    {"x < s", EXPRESSION_ERROR},
    {"t", EXPRESSION_FALSE}, /* a text is not TRUE */
    {"not t", EXPRESSION_TRUE},
    {"missing", EXPRESSION_NULL},
    {"TRUE = t", EXPRESSION_ERROR}, /* Java cannot cast */
    {"t = TRUE", EXPRESSION_TRUE},
    {"(n = 5) = TRUE", EXPRESSION_TRUE},
    {"1 = TRUE", EXPRESSION_FALSE},
    {"-n > 3", EXPRESSION_NULL},
    {"- -5 = n", EXPRESSION_TRUE},
    {"5 = n", EXPRESSION_TRUE},
    {"+n > +4", EXPRESSION_TRUE},
    {"3 < 3.5", EXPRESSION_TRUE},
    {"NULL", EXPRESSION_NULL},
    {"NULL is null", EXPRESSION_TRUE},
    {"3 is null", EXPRESSION_FALSE},
    {"missing > 3 or n = 5", EXPRESSION_TRUE},
    {"s > 3 or n = 5", EXPRESSION_ERROR}, /* the first error ends it */
    {"n = 5 or s > 3", EXPRESSION_TRUE},
    {"missing > 3 and s > 3", EXPRESSION_ERROR},
    {"n = 4 and s > 3", EXPRESSION_FALSE},
    {"n = 5 and missing = 1 and x > 1.5", EXPRESSION_NULL},
    {"s = 'it''s'", EXPRESSION_TRUE},
    {"s in ('it''s')", EXPRESSION_TRUE},
    {"n = 5 -- five\n and x > 9.5", EXPRESSION_FALSE},
    {"n = 5 -- and x > 9", EXPRESSION_TRUE}, /* no line's end: two minus signs, ignored */
    {"/**/n/***/=/* * / */5", EXPRESSION_TRUE},
    {"N in ('5')", EXPRESSION_NULL},
    {"n BeTwEeN 1 aNd 5", EXPRESSION_TRUE},
    {"x between 2.5 and 2.50", EXPRESSION_TRUE},
    {"n between 1 and 9 between 1 and 2", EXPRESSION_ERROR},
    {"n = 5 and", EXPRESSION_ERROR},
    {"x = 2.5e0", EXPRESSION_TRUE},
    {"x > 2.4999999999999999999999999999999999", EXPRESSION_FALSE}, /* is 2.5 */
    {"n = 'five' or x between 1 and 3", EXPRESSION_ERROR},          /* 2.5 is no int */
};

START_TEST(test_expression__results) {
    struct expression *expression;
    put_property("n", "5");
    put_property("big", "3000000000");
    put_property("x", "2.5");
    put_property("y", "9");
    put_property("t", "TRUE");
    put_property("s", "it's");
    put_property("y", "10"); /* the last one wins */
    int err = expression_compile(env, span_of_text(RESULTS[_i].text), false, &expression, &why);
    if (err != RMQ_OK) {
        ck_assert_msg(RESULTS[_i].result == EXPRESSION_ERROR, "%s: %.*s", RESULTS[_i].text,
                      (int)why.len, (const char *)why.data);
        return;
    }
    enum expression_result got = expression_evaluate(expression, buf_span(&properties));
    ck_assert_msg(got == RESULTS[_i].result, "%s: %d", RESULTS[_i].text, got);
    expression_unref(expression);
}
END_TEST

#define PARSE "org.apache.rocketmq.filter.parser.ParseException: "
#define RUNTIME "java.lang.RuntimeException: "
#define LEXICAL "org.apache.rocketmq.filter.parser.TokenMgrError: Lexical error at line "
static const struct {
    const char *text, *why;
} ERRORS[] = {
    {"a >> 3", /* recorded */
     PARSE "Encountered \" \">\" \"> \"\" at line 1, column 4.\nWas expecting one of:\n"
           "    \"NOT\" ...\n    \"TRUE\" ...\n    \"FALSE\" ...\n    \"NULL\" ...\n"
           "    <DECIMAL_LITERAL> ...\n    <FLOATING_POINT_LITERAL> ...\n"
           "    <STRING_LITERAL> ...\n    <ID> ...\n    \"(\" ...\n    \"-\" ...\n    "},
    {"a in ('x'", PARSE "Encountered \"<EOF>\" at line 1, column 10.\nWas expecting one of:\n"
                        "    \",\" ...\n    \")\" ...\n    "},
    {"a between 1 or 2", PARSE "Encountered \" \"OR\" \"or \"\" at line 1, column 13.\n"
                               "Was expecting:\n    \"AND\" ...\n    "},
    {"a > 3\n and ?", LEXICAL "2, column 6.  Encountered: \"?\" (63), after : \"\""},
    {"a = 'x", LEXICAL "1, column 7.  Encountered: <EOF> after : \"\\'x\""},
    {"3", PARSE "Expression will not result in a boolean value: 3"},
    {"a = 1 and -b", PARSE "Expression will not result in a boolean value: (- b)"},
    {"a > 'x''y'", RUNTIME "Value ''x''y'' cannot be compared."},
    {"(a = 1 and b = 2 and c) > 3", RUNTIME "Value '(((a == 1) && (b == 2)) && c)' cannot be "
                                            "compared."},
    {"a = NULL", RUNTIME "'NULL' cannot be compared."},
    {"TRUE = 'x'", RUNTIME "'TRUE' cannot be compared with ''x''"},
    {"(a is not null) in ('x')",
     RUNTIME "Expected a property for In expression, got: (NOT (a == NULL))"},
    {"a between 5 and 2.5", RUNTIME "Illegal values of between, left value(5) must less than or "
                                    "equal to right value(2.5)"},
    {"a > 0.0", RUNTIME "0.0 is less than 4.9E-324"},
    {"a > 1e309", RUNTIME "1e309 is greater than 1.7976931348623157E308"},
    {"a > 9223372036854775808L",
     "java.lang.NumberFormatException: For input string: \"9223372036854775808\""},
};

START_TEST(test_expression__errors_in_apaches_words) {
    struct expression *expression;
    int err = expression_compile(env, span_of_text(ERRORS[_i].text), false, &expression, &why);
    ck_assert_int_eq(err, RMQ_E_INVALID);
    ck_assert_msg(span_equal(buf_span(&why), span_of_text(ERRORS[_i].why)), "%s: %.*s",
                  ERRORS[_i].text, (int)why.len, (const char *)why.data);
}
END_TEST

/* ---- bounds ---------------------------------------------------------------------------------- */

static int compile_repeated(const char *before, const char *part, const char *after, int times) {
    struct expression *expression;
    struct buf text;
    buf_init(&text, env);
    for (int i = 0; i < times; i++)
        buf_put_text(&text, before);
    buf_put_text(&text, part);
    for (int i = 0; i < times; i++)
        buf_put_text(&text, after);
    int err = expression_compile(env, buf_span(&text), false, &expression, NULL);
    if (err == RMQ_OK) {
        RMQ_IGNORE(expression_evaluate(expression, SPAN_LITERAL("a\001"
                                                                "1")),
                   "it ends");
        expression_unref(expression);
    }
    buf_deinit(&text);
    return err;
}

START_TEST(test_expression__depth_and_size_are_bounded) {
    ck_assert_int_eq(compile_repeated("(", "a = 1", ")", 90), RMQ_OK);
    ck_assert_int_eq(compile_repeated("(", "a = 1", ")", 110), RMQ_E_LIMIT);
    ck_assert_int_eq(compile_repeated("(", "a", "", 30000), RMQ_E_LIMIT);
    ck_assert_int_eq(compile_repeated("- ", "3", "", 110), RMQ_E_LIMIT);
    ck_assert_int_eq(compile_repeated("+", "3", "", 20000), RMQ_E_LIMIT);
    ck_assert_int_eq(compile_repeated("not ", "a", "", 15000), RMQ_E_LIMIT);
    ck_assert_int_eq(compile_repeated("", "a = 1", " or b = 'x'", 2500), RMQ_OK);
    ck_assert_int_eq(compile_repeated("", "a = 1", " = TRUE", 110), RMQ_E_LIMIT);
    ck_assert_int_eq(compile_repeated("a=1 and (", "b", ")", 110), RMQ_E_LIMIT);
    ck_assert_int_eq(compile_repeated("", "a", " or b = 'x'", 4000), RMQ_E_LIMIT);
}
END_TEST

START_TEST(test_expression__copes_without_memory) {
    unsigned failures = 0;
    for (unsigned n = 1, failed = 1; failed; n++) {
        struct expression *expression;
        fake_fail_at(env, FAKE_FAIL_ALLOC, n);
        int err = expression_compile(env, SPAN_LITERAL("a = 1 and b in ('x', 'y') or c > 2.5"),
                                     false, &expression, NULL);
        failed = fake_failed(env, FAKE_FAIL_ALLOC);
        ck_assert_int_eq(err, failed ? RMQ_E_NOMEM : RMQ_OK);
        failures += failed;
        if (!failed)
            expression_unref(expression);
    }
    ck_assert_uint_gt(failures, 2);
}
END_TEST

/* Any bytes are an error or an expression. */
START_TEST(test_expression__copes_with_anything) {
    static const char *const PARTS[] = {
        "a",   "b",    "(",  ")",       "and", "or",   "not",      "=",  "<>", "<",       "<=", "3",
        "2.5", "'x'",  "in", ",",       "is",  "null", "--",       "\n", "/*", "*/",      "-",  "+",
        "'",   "TRUE", "?",  "between", "1e",  ".",    "\xc3\xa4", "$_", " ",  "contains"};
    uint64_t random = 88172645463325252ULL;
    size_t good = 0;
    for (int round = 0; round < 20000; round++) {
        struct expression *expression;
        struct buf text;
        buf_init(&text, env);
        for (unsigned i = 0; i < 1 + random % 12; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            buf_put_text(&text, PARTS[random % (sizeof PARTS / sizeof PARTS[0])]);
            buf_put_text(&text, random >> 40 & 1 ? " " : "");
        }
        buf_clear(&why);
        if (expression_compile(env, buf_span(&text), random >> 20 & 1, &expression, &why) ==
            RMQ_OK) {
            good++;
            RMQ_IGNORE(expression_evaluate(expression, SPAN_LITERAL("a\001"
                                                                    "3\002b\001x")),
                       "anything");
            expression_unref(expression);
        } else {
            ck_assert_uint_gt(why.len, 10);
        }
        buf_deinit(&text);
    }
    ck_assert_uint_gt(good, 1000);
}
END_TEST

/* ---- numbers --------------------------------------------------------------------------------- */

static java_double of_library(const char *text) {
    double value = strtod(text, NULL);
    int64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits < 0 ? bits ^ INT64_MAX : bits;
}

static void check_double(const char *text) {
    java_double got = 1;
    ck_assert_msg(java_double_parse(span_of_text(text), &got) == RMQ_OK, "%s", text);
    ck_assert_msg(got == of_library(text), "%s: %llx, not %llx", text, (unsigned long long)got,
                  (unsigned long long)of_library(text));
}

START_TEST(test_java_double__is_rounded_as_ieee_wants) {
    static const char *const TEXTS[] = {
        "0",
        "-0",
        "0.0",
        "1",
        "1.5",
        "0.1",
        "0.3",
        "123456789.125",
        "1e22",
        "1e23",
        "8.5e22",
        "9007199254740993",
        "9007199254740993.00000000000000000000000000000000000001",
        "9007199254740992.99999999999999999999",
        "18446744073709551615",
        "18446744073709551616",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "1e309",
        "4.9e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.5e-324",
        "1e-400",
        "2.2250738585072011e-308",
        "2.2250738585072014e-308",
        "5e-320",
        "1e1000000000000",
        "1e-1000000000000",
        "0e1000000",
        "00000000000000000000000000000012.5",
        ".5",
        "5.",
        "0x1p3",
        "0x1.8p-1",
        "0x.8p1",
        "0x1.00000000000008p0",
        "0x1.00000000000008000001p0",
        "0x1.fffffffffffff8p1023",
        "0x1p-1074",
        "0x1p-1075",
        "0x1.1p-1075",
        "-0x1p5000",
        "1.8e1",
        "0.00000000000000000000000000000000000000000000000000000000000000000000000123"};
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++)
        check_double(TEXTS[i]);
}
END_TEST

/* Random digits, and the halves between two doubles in all their digits. */
START_TEST(test_java_double__agrees_with_the_library) {
    uint64_t random = 88172645463325252ULL;
    char text[1400];
    for (int round = 0; round < 60000; round++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        int scale = (int)(random >> 50 & 63) - 32;
        if (round % 3 == 0) {
            snprintf(text, sizeof text, "%llue%d", (unsigned long long)(random >> (random & 31)),
                     round % 2 ? scale : scale * 11);
        } else if (round % 3 == 1) {
            snprintf(text, sizeof text, "%llu.%llu", (unsigned long long)(random >> 40),
                     (unsigned long long)(random & 0xffffff));
        } else {
            double value;
            uint64_t bits = random & ~(UINT64_C(1) << 63);
            memcpy(&value, &bits, sizeof value);
            if (value != value || value > 1e308)
                continue;
            snprintf(text, sizeof text, round % 2 ? "%.17g" : "%.900g", value);
        }
        check_double(text);
    }
}
END_TEST

START_TEST(test_java_double__order_and_syntax) {
    static const char *const RISING[] = {"-Infinity", "-1e308", "-1",    "-1e-320",  "-0.0", "0",
                                         "1e-320",    "2",      "1e308", "Infinity", "NaN"};
    static const char *const BAD[] = {
        "",     " ",   ".",   "e5",       "1e",  "1e+", "1.2.3", "abc", "+-1",   "1ff",      "0x1",
        "0xp1", "1 f", "nan", "infinity", "--1", "1_0", "0x1p",  "f",   "1e1.5", "Infinityf"};
    static const char *const GOOD[] = {" 2.5 ", "+2.5", "2.5f", "2.5D", "\t2.5e0d\n", "25e-1"};
    java_double before = INT64_MIN, got;
    for (size_t i = 0; i < sizeof RISING / sizeof RISING[0]; i++) {
        ck_assert_int_eq(java_double_parse(span_of_text(RISING[i]), &got), RMQ_OK);
        ck_assert_msg(got > before, "%s", RISING[i]);
        before = got;
    }
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        ck_assert_msg(java_double_parse(span_of_text(BAD[i]), &got) != RMQ_OK, "%s", BAD[i]);
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        ck_assert_msg(java_double_parse(span_of_text(GOOD[i]), &got) == RMQ_OK, "%s", GOOD[i]);
        ck_assert_int_eq(got, of_library("2.5"));
    }
    for (int64_t value = 1; value < INT64_MAX / 3; value = value * 3 + 1) {
        char text[32];
        snprintf(text, sizeof text, "%lld", (long long)value);
        ck_assert_int_eq(java_double_of(value), of_library(text));
        ck_assert_int_eq(java_double_of(-value), java_double_negate(of_library(text)));
    }
}
END_TEST

START_TEST(test_java_int__range_and_syntax) {
    static const char *const BAD[] = {
        "",    "+",  "-", " 1", "1 ", "1L", "2147483648", "-2147483649", "99999999999999999999999",
        "1.0", "0x1"};
    int64_t got;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        ck_assert_msg(java_int_parse(span_of_text(BAD[i]), &got) != RMQ_OK, "%s", BAD[i]);
    ck_assert_int_eq(java_int_parse(SPAN_LITERAL("-2147483648"), &got), RMQ_OK);
    ck_assert_int_eq(got, INT32_MIN);
    ck_assert_int_eq(java_int_parse(SPAN_LITERAL("+007"), &got), RMQ_OK);
    ck_assert_int_eq(got, 7);
    ck_assert_int_eq(java_long_parse(SPAN_LITERAL("-9223372036854775808"), &got), RMQ_OK);
    ck_assert_int_eq(got, INT64_MIN);
    ck_assert_int_ne(java_long_parse(SPAN_LITERAL("9223372036854775808"), &got), RMQ_OK);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("expression");
    TCase *tests = suite_case(suite, "expression");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_expression__as_recorded);
    tcase_add_loop_test(tests, test_expression__results, 0,
                        (int)(sizeof RESULTS / sizeof RESULTS[0]));
    tcase_add_loop_test(tests, test_expression__errors_in_apaches_words, 0,
                        (int)(sizeof ERRORS / sizeof ERRORS[0]));
    tcase_add_test(tests, test_expression__depth_and_size_are_bounded);
    tcase_add_test(tests, test_expression__copes_without_memory);
    tcase_add_test(tests, test_expression__copes_with_anything);
    tcase_add_test(tests, test_java_double__is_rounded_as_ieee_wants);
    tcase_add_test(tests, test_java_double__agrees_with_the_library);
    tcase_add_test(tests, test_java_double__order_and_syntax);
    tcase_add_test(tests, test_java_int__range_and_syntax);
    return suite_run(suite);
}
