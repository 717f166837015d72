/* test_transaction_archive.c - half messages of stores that Apache's brokers wrote. */
#include "model/broker/broker.h"
#include "model/events.h"
#include "model/tests/store_archive.h"
#include "model/tests/suite.h"

#define CONFIG                                                                         \
    "transactionCheckInterval=10000\ntransactionTimeOut=3000\ntransactionCheckMax=3\n" \
    "storePathRootDir=/store\nmappedFileSizeCommitLog=1048576\n"                       \
    "mappedFileSizeConsumeQueue=6000\nmaxHashSlotNum=100\nmaxIndexNum=400\n"

static struct env *node;

static void teardown(void) {
    fake_stop(node);
    for (int i = 0; i < 100 && fake_node(node) != NULL; i++)
        fake_advance_ms(node, 100);
    fake_destroy(node);
}

/* Their offsets say that all is settled. Without them all half messages are looked at again: those
 * that op messages name are passed, in the forms of both releases; the rest - older copies of what
 * was ended by a newer one or given up - is asked for or given up again, as Apache does. */
static const struct {
    const char *archive;
    size_t open; /* half messages that no op message names */
    int64_t ops;
} ARCHIVES[] = {{"4.9.7-clean", 6, 4}, {"5.3.3-clean", 12, 1}};

START_TEST(test_apaches_store__goes_on) {
    bool forget = _i >= 2;
    node = fake_create();
    archive_put(node, ARCHIVES[_i % 2].archive);
    if (forget) {
        fake_remove_file(node, "/store/config/consumerOffset.json");
        fake_remove_file(node, "/store/config/consumerOffset.json.bak");
    }
    ck_assert_int_eq(fake_start_text(node, &broker_role, CONFIG), RMQ_OK);
    for (int i = 0; i < 150; i++)
        fake_advance_ms(node, 100);
    ck_assert_uint_eq(fake_event_count(node, EVENT_transaction_checked) +
                          fake_event_count(node, EVENT_transaction_discarded),
                      forget ? ARCHIVES[_i % 2].open : 0);
    ck_assert_uint_eq(fake_event_count(node, EVENT_offset_committed), forget ? 2 : 0);
    if (forget)
        ck_assert_int_eq(fake_event_int(node, EVENT_offset_committed, "queue_offset"),
                         ARCHIVES[_i % 2].ops);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("transaction_archive");
    TCase *tests = suite_case(suite, "stores of Apache");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, NULL, teardown);
    tcase_add_loop_test(tests, test_apaches_store__goes_on, 0, 4);
    return suite_run(suite);
}
