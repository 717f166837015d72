/* suite.h - runs one Check suite as a program: `return suite_run(suite)` in main. */
#ifndef MODEL_TESTS_SUITE_H
#define MODEL_TESTS_SUITE_H

#include <check.h>
#include <stdlib.h>

/* Runs and frees `suite`; the exit code says whether all passed. */
static inline int suite_run(Suite *suite) {
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* A case of `suite` named `name`, to add tests to. */
static inline TCase *suite_case(Suite *suite, const char *name) {
    TCase *tests = tcase_create(name);
    suite_add_tcase(suite, tests);
    return tests;
}

#endif
