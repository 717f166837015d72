/* The trace hash: golden value on every compiler and word size, sensitivity to each input. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "sim/world/trace_hash.h"

static void fold_thousand(struct trace_hash *hash, int changed) {
    trace_hash_init(hash);
    for (int i = 0; i < 1000; i++) {
        uint64_t content = trace_hash_bytes(&"abcdefgh"[i % 8], 1);
        trace_hash_fold(hash, (uint64_t)i ^ (uint64_t)(i == changed), content);
    }
}

START_TEST(test_hex__golden_value) {
    struct trace_hash hash;
    char hex[33];
    fold_thousand(&hash, -1);
    trace_hash_hex(&hash, hex);
    ck_assert_str_eq(hex, "6e4de456583ea7b2623d3a55281366ff");
}
END_TEST

START_TEST(test_fold__one_changed_bit_anywhere_changes_the_hash) {
    struct trace_hash hash;
    char plain[33], changed[33];
    fold_thousand(&hash, -1);
    trace_hash_hex(&hash, plain);
    for (int i = 0; i < 1000; i++) {
        fold_thousand(&hash, i);
        trace_hash_hex(&hash, changed);
        ck_assert_str_ne(plain, changed);
        ck_assert(strncmp(plain, changed, 16) != 0); /* both halves */
        ck_assert(strncmp(plain + 16, changed + 16, 16) != 0);
    }
}
END_TEST

START_TEST(test_fold__order_matters) {
    struct trace_hash a, b;
    char hex_a[33], hex_b[33];
    trace_hash_init(&a);
    trace_hash_init(&b);
    trace_hash_fold(&a, 1, 2);
    trace_hash_fold(&a, 3, 4);
    trace_hash_fold(&b, 3, 4);
    trace_hash_fold(&b, 1, 2);
    trace_hash_hex(&a, hex_a);
    trace_hash_hex(&b, hex_b);
    ck_assert_str_ne(hex_a, hex_b);
}
END_TEST

START_TEST(test_bytes__are_those_of_xxh3_at_every_length) {
    static uint8_t bytes[3000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 131 ^ i >> 3);
    for (size_t len = 0; len < sizeof bytes; len++)
        ck_assert_uint_eq(trace_hash_bytes(bytes, len), XXH3_64bits(bytes, len));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("trace_hash");
    TCase *core = tcase_create("core");
    tcase_add_test(core, test_hex__golden_value);
    tcase_add_test(core, test_fold__one_changed_bit_anywhere_changes_the_hash);
    tcase_add_test(core, test_fold__order_matters);
    tcase_add_test(core, test_bytes__are_those_of_xxh3_at_every_length);
    suite_add_tcase(suite, core);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
