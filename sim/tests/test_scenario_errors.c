/* test_scenario_errors.c - each broken variant of a scenario is reported at its place, with what
 * was expected and the nearest right word. */
#include "sim/tests/scenario_text.h"

struct variant {
    const char *kind, *old, *new_;
    const char *sets[2];
    size_t count;
    const char *first;
};
#include "sim/tests/scenario_errors_table.h"
#define VARIANT_COUNT (sizeof VARIANTS / sizeof VARIANTS[0])

START_TEST(test_scenario_load__reports_what_is_wrong_and_where) {
    const struct variant *variant = &VARIANTS[_i];
    char *base = read_source_file("sim/tests/data/scenario_base.json");
    char *text =
        variant->old[0] == 0 ? strdup(base) : replace_text(base, variant->old, variant->new_);
    size_t sets = variant->sets[1] != NULL ? 2 : variant->sets[0] != NULL ? 1 : 0;
    struct scenario_errors errors = {.count = 0};
    ck_assert_ptr_null(
        scenario_load("base.json", text, strlen(text), variant->sets, sets, 0, &errors));
    ck_assert_str_eq(errors.text[0], variant->first);
    ck_assert_uint_eq(errors.count, variant->count);
    free(text);
    free(base);
}
END_TEST

START_TEST(test_variants__cover_each_kind_ten_times) {
    static const char *const KINDS[] = {"key",   "type",      "unit", "range", "reference",
                                        "order", "duplicate", "when", "set",   "syntax"};
    ck_assert_uint_ge(VARIANT_COUNT, 200);
    for (size_t k = 0; k < sizeof KINDS / sizeof KINDS[0]; k++) {
        size_t count = 0;
        for (size_t i = 0; i < VARIANT_COUNT; i++)
            count += strcmp(VARIANTS[i].kind, KINDS[k]) == 0;
        ck_assert_msg(count >= 10, "%s has %zu variants", KINDS[k], count);
    }
}
END_TEST

START_TEST(test_scenario_load__reports_several_errors_up_to_twenty) {
    char *base = read_source_file("sim/tests/data/scenario_base.json");
    char *many = malloc(8192);
    strcpy(many, "\"seed\": 7");
    for (int i = 0; i < 30; i++)
        sprintf(many + strlen(many), ", \"x%d\": 1", i);
    char *text = replace_text(base, "\"seed\": 7", many);
    struct scenario_errors errors = {.count = 0};
    ck_assert_ptr_null(scenario_load("base.json", text, strlen(text), NULL, 0, 0, &errors));
    ck_assert_uint_eq(errors.count, SCENARIO_ERRORS_MAX);
    ck_assert_uint_eq(errors.more, 10);
    free(text);
    free(many);
    free(base);
}
END_TEST

/* Every prefix of a scenario is refused, none with a crash; so is one byte changed or accepted. */
START_TEST(test_scenario_load__survives_every_truncation) {
    char *base = read_source_file("sim/tests/data/scenario_base.json");
    size_t len = strlen(base) - 2; /* without the last brace */
    for (size_t end = 0; end < len; end++) {
        struct scenario_errors errors = {.count = 0};
        ck_assert_ptr_null(scenario_load("base.json", base, end, NULL, 0, 0, &errors));
        ck_assert_uint_gt(errors.count, 0);
    }
    free(base);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("scenario_errors");
    TCase *variants = tcase_create("variants");
    tcase_add_loop_test(variants, test_scenario_load__reports_what_is_wrong_and_where, 0,
                        (int)VARIANT_COUNT);
    suite_add_tcase(suite, variants);
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 30);
    tcase_add_test(all, test_variants__cover_each_kind_ten_times);
    tcase_add_test(all, test_scenario_load__reports_several_errors_up_to_twenty);
    tcase_add_test(all, test_scenario_load__survives_every_truncation);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
