/* test_acl_address.c - white lists: every form, what each admits, what is refused. */
#include "model/acl/address.h"
#include "model/tests/env_fake.h"
#include "model/tests/suite.h"

static struct env *env;

static void setup(void) {
    env = fake_create();
}

static void teardown(void) {
    fake_destroy(env);
}

/* A white list's text, and an address with whether it is admitted. */
static const struct {
    const char *text, *address;
    bool admitted;
} MATCHES[] = {
    {"", "1.2.3.4", false},
    {"   ", "1.2.3.4", false},
    {"*", "1.2.3.4", true},
    {"*", "::1", true},
    {"*", "not an address", true},
    {"*.*.*.*", "::1", true},
    {"*:*:*:*:*:*:*:*", "1.2.3.4", true},
    {"1.2.3.4", "1.2.3.4", true},
    {" 1.2.3.4 ", "1.2.3.4", true},
    {"1.2.3.4", "1.2.3.5", false},
    {"1.2.3.4", "11.2.3.4", false},
    {"1.2.3.4", "not an address", false},
    {"1.2.3.4,5.6.7.8", "5.6.7.8", true},
    {"1.2.3.4, 5.6.7.8", "5.6.7.8", true},
    {"1.2.3.4,5.6.7.8", "5.6.7.9", false},
    {"1.2.3.{4,9}", "1.2.3.9", true},
    {"1.2.3.{4, 9}", "1.2.3.9", true},
    {"1.2.3.{4,9}", "1.2.3.5", false},
    {"192.168.0.*", "192.168.0.255", true},
    {"192.168.0.*", "192.168.1.0", false},
    {"192.168.1-9.*", "192.168.9.7", true},
    {"192.168.1-9.*", "192.168.10.7", false},
    {"192.168.1-9.*", "192.168.0.7", false},
    {"10.*.*.*", "10.1.2.3", true},
    {"10.0.1-5.7", "10.0.3.7", true},
    {"10.0.1-5.7", "10.0.3.8", false}, /* Apache admits it */
    {"10.0.0.0-0", "10.0.0.0", true},
    {"10.0.0.0-0", "10.0.0.1", false},
    {"1-2.0.0.0", "2.0.0.0", true},
    {"1.2.3.4,10.0.*.*", "10.0.9.9", true},
    {"::1", "::1", true},
    {"::1", "0:0:0:0:0:0:0:1", true},
    {"::1", "[::1]", true},
    {"::1", "::2", false},
    {"1050::5:600:300c:326b", "1050:0:0:0:5:600:300C:326B", true},
    {"1050::5:600:300c:1-7f", "1050::5:600:300c:7f", true},
    {"1050::5:600:300c:1-7f", "1050::5:600:300c:80", false},
    {"1050::5:600:1-7f:*", "1050::5:600:7f:ffff", true},
    {"1050::5:600:1-7f:*", "1050::5:600:80:0", false},
    {"1050::5:600:300c:{1,a}", "1050::5:600:300c:a", true},
    {"1050::5:600:300c:{1,a}", "1050::5:600:300c:b", false},
    {"::", "::", true},
    {"::1,1.2.3.4", "1.2.3.4", true},
    {"1.2.3.4", "::ffff:1.2.3.4", true},
    {"::ffff:102:304", "1.2.3.4", false},
};

START_TEST(test_match__as_the_list_says) {
    struct acl_addresses list = {0};
    const char *expected = NULL;
    ck_assert_int_eq(acl_addresses_add(&list, env, span_of_text(MATCHES[_i].text), &expected),
                     RMQ_OK);
    struct acl_address address = acl_address_parse(span_of_text(MATCHES[_i].address));
    if (acl_addresses_match(&list, &address) != MATCHES[_i].admitted)
        ck_abort_msg("\"%s\" and %s", MATCHES[_i].text, MATCHES[_i].address);
    acl_addresses_free(&list, env);
}
END_TEST

static const char *const REFUSED[] = {"1.2.3",
                                      "1.2.3.4.5",
                                      "1.2.3.256",
                                      "1.2.3.04",
                                      "1.2.3.",
                                      ".1.2.3",
                                      "1..2.3",
                                      "1.2.3.4-",
                                      "1.2.3.-4",
                                      "1.2.3.9-4",
                                      "1.2.3.1-256",
                                      "1.2.3.4a",
                                      "localhost",
                                      "1.2.3.4/24",
                                      "1.2.3.{4,x}",
                                      "1.2.3.{}",
                                      "1.2.{3}.4",
                                      "{1,2}",
                                      "1.2.3.1{1,2}",
                                      "1.2.3.{4,*}",
                                      "1.2.3.4,x",
                                      "1:2:3:4:5:6:7",
                                      "1:2:3:4:5:6:7:8:9",
                                      "1:2:3:4:5:6:7::8",
                                      "1::2::3",
                                      ":1",
                                      "1:",
                                      "12345::",
                                      "g::1",
                                      "::{1,g}",
                                      "**"};

START_TEST(test_add__refuses_and_changes_nothing) {
    struct acl_addresses list = {0};
    const char *expected = NULL;
    ck_assert_int_eq(acl_addresses_add(&list, env, SPAN_LITERAL("9.9.9.9"), &expected), RMQ_OK);
    int err = acl_addresses_add(&list, env, span_of_text(REFUSED[_i]), &expected);
    if (err != RMQ_E_INVALID)
        ck_abort_msg("\"%s\": %d", REFUSED[_i], err);
    ck_assert_ptr_nonnull(expected);
    ck_assert_uint_eq(list.count, 1);
    acl_addresses_free(&list, env);
}
END_TEST

START_TEST(test_peer__is_without_its_port) {
    static const struct {
        const char *peer;
        unsigned parts, last;
    } PEERS[] = {{"10.0.0.7:4000", 4, 7}, {"[::1]:80", 8, 1}, {"::1:80", 8, 1},
                 {"x:1", 0, 0},           {"", 0, 0},         {"10.0.0.7", 4, 7}};
    for (size_t i = 0; i < sizeof PEERS / sizeof PEERS[0]; i++) {
        struct acl_address address = acl_address_of_peer(PEERS[i].peer);
        ck_assert_uint_eq(address.parts, PEERS[i].parts);
        if (address.parts > 0)
            ck_assert_uint_eq(address.part[address.parts - 1], PEERS[i].last);
    }
}
END_TEST

/* Each allocation fails once: the list is as it was, nothing leaks (fake_destroy tells). */
START_TEST(test_add__copes_without_memory) {
    for (unsigned nth = 1; nth < 20; nth++) {
        struct acl_addresses list = {0};
        const char *expected = NULL;
        fake_fail_at(env, FAKE_FAIL_ALLOC, nth);
        int err = acl_addresses_add(&list, env, SPAN_LITERAL("1.2.3.{1,2,3}"), &expected);
        ck_assert(err == RMQ_OK || err == RMQ_E_NOMEM);
        ck_assert_uint_eq(list.count, err == RMQ_OK ? 3 : 0);
        acl_addresses_free(&list, env);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("acl_address");
    TCase *tests = suite_case(suite, "address");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, test_match__as_the_list_says, 0, sizeof MATCHES / sizeof MATCHES[0]);
    tcase_add_loop_test(tests, test_add__refuses_and_changes_nothing, 0,
                        sizeof REFUSED / sizeof REFUSED[0]);
    tcase_add_test(tests, test_peer__is_without_its_port);
    tcase_add_test(tests, test_add__copes_without_memory);
    return suite_run(suite);
}
