/* test_json_diff.c - thousands of random documents, whole and damaged, and the fuzzer's corpus,
 * through base/json and cJSON. */
#include <dirent.h>

#include "model/tests/env_fake.h"
#include "model/tests/json_diff.h"
#include "model/tests/suite.h"

#define DOCUMENTS 3000
#define DAMAGES 8 /* per document */

static struct env *env;
static struct buf document, scratch, once, twice;
static unsigned counts[4]; /* by enum json_diff */

static void setup(void) {
    env = fake_create();
    buf_init(&document, env);
    buf_init(&scratch, env);
    buf_init(&once, env);
    buf_init(&twice, env);
    memset(counts, 0, sizeof counts);
}

static void teardown(void) {
    buf_deinit(&document);
    buf_deinit(&scratch);
    buf_deinit(&once);
    buf_deinit(&twice);
    fake_destroy(env);
}

/* ---- random documents --------------------------------------------------------------------------
 */

static unsigned below(unsigned bound) {
    return (unsigned)env_random_below(env, bound);
}

#define ONE_OF(array) (array)[below(sizeof(array) / sizeof(array)[0])]

static void put_blanks(void) {
    static const char *const BLANKS[] = {"", "", "", " ", "\n", "\t", "\r\n  "};
    buf_put_text(&document, ONE_OF(BLANKS));
}

static void put_string(void) {
    static const char *const PIECES[] = {"a",
                                         "TopicTest",
                                         "",
                                         " ",
                                         "\\n",
                                         "\\\"",
                                         "\\\\",
                                         "\\/",
                                         "\\u0041",
                                         "\\u00e4",
                                         "\\u20AC",
                                         "\\uD83D\\uDE00",
                                         "\xC3\xA4",
                                         "\xE4\xB8\xAD",
                                         "\xF0\x9F\x98\x80",
                                         "{",
                                         "]",
                                         ":",
                                         ",",
                                         "\\b\\f\\r\\t",
                                         "\\u0000",
                                         "\x7F",
                                         "\\uD800",
                                         "0"};
    buf_put_u8(&document, '"');
    for (unsigned i = below(5); i > 0; i--) {
        buf_put_text(&document, ONE_OF(PIECES));
    }
    buf_put_u8(&document, '"');
}

static void put_number(void) {
    static const char *const NUMBERS[] = {"0",
                                          "-0",
                                          "1",
                                          "-1",
                                          "10911",
                                          "4294967296",
                                          "9007199254740993",
                                          "9223372036854775807",
                                          "-9223372036854775808",
                                          "18446744073709551616",
                                          "1.5",
                                          "-0.001",
                                          "1e10",
                                          "1E-7",
                                          "2.5e+300",
                                          "1e999",
                                          "-1e-999",
                                          "123456789012345678901234567890"};
    if (below(2) == 0) {
        buf_put_text(&document, ONE_OF(NUMBERS));
    } else {
        buf_put_decimal(&document, (int64_t)env_random(env) >> below(64));
    }
}

static void put_value(unsigned depth);

static void put_container(unsigned depth, bool object) {
    unsigned count = below(5);
    buf_put_u8(&document, object ? '{' : '[');
    put_blanks();
    for (unsigned i = 0; i < count; i++) {
        buf_put_text(&document, i > 0 ? "," : "");
        put_blanks();
        if (object) {
            put_string();
            put_blanks();
            buf_put_u8(&document, ':');
            put_blanks();
        }
        put_value(depth + 1);
        put_blanks();
    }
    buf_put_u8(&document, object ? '}' : ']');
}

static void put_value(unsigned depth) {
    static const char *const WORDS[] = {"true", "false", "null"};
    unsigned kind = below(depth == 0 ? 3 : depth < 6 ? 6 : 3);
    if (kind == 0 && depth > 0) {
        put_string();
    } else if (kind == 1 && depth > 0) {
        put_number();
    } else if (kind == 2 && depth > 0) {
        buf_put_text(&document, ONE_OF(WORDS));
    } else {
        put_container(depth, kind % 2 == 0);
    }
}

static void make_document(void) {
    buf_clear(&document);
    put_blanks();
    put_value(below(10) == 0 ? 6 : 0);
    put_blanks();
}

/* Replaces, inserts or removes one byte, swaps in a piece of the document, or cuts it off. */
static void damage(void) {
    static const char BYTES[] = "\"\\{}[]:,0123456789-+.eEtrufalsn \n\x01\x00\xC3\xA4\xFF/u";
    size_t at = below((unsigned)document.len);
    uint8_t byte = (uint8_t)BYTES[below(sizeof BYTES - 1)];
    switch (below(5)) {
    case 0:
        document.data[at] = byte;
        break;
    case 1:
        buf_put_u8(&document, 0);
        memmove(document.data + at + 1, document.data + at, document.len - 1 - at);
        document.data[at] = byte;
        break;
    case 2:
        memmove(document.data + at, document.data + at + 1, document.len - 1 - at);
        document.len--;
        break;
    case 3:
        document.data[at] = document.data[below((unsigned)document.len)];
        break;
    default:
        document.len = at;
    }
}

/* ---- the comparison ----------------------------------------------------------------------------
 */

static void check_document(void) {
    /* In memory that ends where the document ends, so that a sanitizer sees a step too far. */
    uint8_t *exact = malloc(document.len + (document.len == 0));
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, document.data, document.len);
    struct span text = span_of(exact, document.len);
    enum json_diff diff = json_diff(text, &scratch);
    ck_assert_msg(diff != DIFF_WRONG, "cJSON disagrees about: %.*s", (int)text.len, exact);
    const char *wrong = json_own_rules(text, &once, &twice, &scratch);
    ck_assert_msg(wrong == NULL, "%s: %.*s", wrong, (int)text.len, exact);
    counts[diff]++;
    free(exact);
}

START_TEST(test_json__reads_random_documents_as_cjson_does) {
    fake_seed(env, (uint64_t)_i);
    for (unsigned i = 0; i < DOCUMENTS; i++) {
        make_document();
        ck_assert(!buf_failed(&document));
        check_document();
    }
    /* Refused are lone surrogates only; outside is nothing that the generator makes. */
    ck_assert_uint_gt(counts[DIFF_BOTH_ACCEPT], DOCUMENTS / 2);
    ck_assert_uint_gt(counts[DIFF_BOTH_REFUSE], 0);
    ck_assert_uint_eq(counts[DIFF_OUTSIDE], 0);
}
END_TEST

START_TEST(test_json__refuses_damaged_documents_as_cjson_does) {
    fake_seed(env, (uint64_t)_i + 1000);
    for (unsigned i = 0; i < DOCUMENTS; i++) {
        make_document();
        for (unsigned k = 0; k < DAMAGES && document.len > 0; k++) {
            damage();
            check_document();
        }
    }
    ck_assert_uint_gt(counts[DIFF_BOTH_REFUSE], DOCUMENTS);
    ck_assert_uint_gt(counts[DIFF_BOTH_ACCEPT], DOCUMENTS / 10);
}
END_TEST

static void read_file(const char *folder, const char *name) {
    char path[512];
    char chunk[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    buf_clear(&document);
    for (size_t len = 1; len > 0;) {
        len = fread(chunk, 1, sizeof chunk, file);
        buf_put(&document, chunk, len);
    }
    fclose(file);
}

START_TEST(test_json__holds_for_the_corpus) {
    static const char FOLDER[] = RMQ_SOURCE_DIR "/model/tests/corpus/json";
    DIR *folder = opendir(FOLDER);
    ck_assert_ptr_nonnull(folder);
    unsigned files = 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] != '.') {
            read_file(FOLDER, entry->d_name);
            check_document();
            files++;
        }
    }
    closedir(folder);
    ck_assert_uint_ge(files, 18);
    ck_assert_uint_gt(counts[DIFF_BOTH_ACCEPT], 0);
    ck_assert_uint_gt(counts[DIFF_OUTSIDE], 0);
}
END_TEST

/* The comparison itself notices a difference: documents that we refuse and cJSON takes are outside
 * by their bytes, not by our verdict. */
START_TEST(test_json_diff__knows_the_common_subset) {
    static const char *const OUTSIDE[] = {"01",        "1.",  "[-.5]",       "\"\x01\"",
                                          "\"\xFF\"",  "\v1", "\"\\u12G4\"", "\xEF\xBB\xBF{}",
                                          "[1,\x02 2]"};
    static const char *const COMMON[] = {"",        "{",           "{0:1}",   "[1,]",
                                         "{'a':1}", "nul",         "\"\\x\"", "\"",
                                         "1 1",     "\"\\uD800\"", "{{}:1}",  "\xC3\xA4"};
    for (size_t i = 0; i < sizeof OUTSIDE / sizeof OUTSIDE[0]; i++) {
        ck_assert_int_eq(json_diff(span_of_text(OUTSIDE[i]), &scratch), DIFF_OUTSIDE);
    }
    for (size_t i = 0; i < sizeof COMMON / sizeof COMMON[0]; i++) {
        ck_assert_int_eq(json_diff(span_of_text(COMMON[i]), &scratch), DIFF_BOTH_REFUSE);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("json_diff");
    TCase *tests = suite_case(suite, "json_diff");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60); /* with sanitizers on a busy machine */
    tcase_add_loop_test(tests, test_json__reads_random_documents_as_cjson_does, 1, 3);
    tcase_add_loop_test(tests, test_json__refuses_damaged_documents_as_cjson_does, 1, 3);
    tcase_add_test(tests, test_json__holds_for_the_corpus);
    tcase_add_test(tests, test_json_diff__knows_the_common_subset);
    return suite_run(suite);
}
