/* test_quirks.c - reading the quirk.* keys. */
#include "model/base/props.h"
#include "model/quirks.h"
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

static int read_text(const char *text, unsigned *set, struct span *bad_key) {
    size_t line = 0;
    ck_assert_int_eq(props_parse(&props, span_of_text(text), &line), RMQ_OK);
    return quirks_read(&props, set, bad_key);
}

START_TEST(test_quirks_read__is_empty_by_default) {
    unsigned set = 77;
    struct span bad_key = SPAN_NONE;
    ck_assert_int_eq(read_text("listenPort=9876\nquirks=true\n", &set, &bad_key), RMQ_OK);
    ck_assert_uint_eq(set, 0);
}
END_TEST

START_TEST(test_quirks_read__switches_on_what_is_true) {
    unsigned set = 77;
    struct span bad_key = SPAN_NONE;
    ck_assert_int_eq(read_text("quirk.masterFlip=true\nquirk.unregisterById=false\n"
                               "quirk.serialRegistration=true\n",
                               &set, &bad_key),
                     RMQ_OK);
    for (int id = 0; id < QUIRK_COUNT; id++) {
        ck_assert_int_eq(quirk_on(set, (enum quirk_id)id),
                         id == QUIRK_MASTER_FLIP || id == QUIRK_SERIAL_REGISTRATION);
    }
}
END_TEST

static const char *const WRONG[] = {"quirk.masterflip=true", "quirk.masterFlip=yes",
                                    "quirk.masterFlip=", "quirk.=true"};

START_TEST(test_quirks_read__names_the_bad_key) {
    unsigned set = 77;
    struct span bad_key = SPAN_NONE;
    ck_assert_int_eq(read_text(WRONG[_i], &set, &bad_key), RMQ_E_INVALID);
    ck_assert_uint_eq(set, 77);
    ck_assert_ptr_eq(bad_key.data, props.entries[0].key.data);
    ck_assert_uint_eq(bad_key.len, props.entries[0].key.len);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("quirks");
    TCase *tests = suite_case(suite, "quirks");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_quirks_read__is_empty_by_default);
    tcase_add_test(tests, test_quirks_read__switches_on_what_is_true);
    tcase_add_loop_test(tests, test_quirks_read__names_the_bad_key, 0,
                        sizeof WRONG / sizeof WRONG[0]);
    return suite_run(suite);
}
