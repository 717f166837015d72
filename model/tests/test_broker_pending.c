/* What a start says of half messages that Apache's broker left behind. */
#include "model/broker/broker.h"
#include "model/tests/store_archive.h"
#include "model/tests/suite.h"

#define SIZES                                                                                \
    "mappedFileSizeCommitLog=1048576\nmappedFileSizeConsumeQueue=6000\nmaxHashSlotNum=100\n" \
    "maxIndexNum=400\n"

static struct env *node;

static void start_on(const char *archive, const char *config) {
    node = fake_create();
    if (archive != NULL)
        archive_put(node, archive);
    ck_assert_int_eq(fake_start_text(node, &broker_role, config), RMQ_OK);
}

static void end(void) {
    fake_stop(node);
    for (int i = 0; i < 100 && fake_node(node) != NULL; i++)
        fake_advance_ms(node, 100);
    fake_destroy(node);
}

START_TEST(test_pending__without_an_offset_all_count) {
    node = fake_create();
    archive_put(node, "4.9.7-clean");
    fake_remove_file(node, "/store/config/consumerOffset.json");
    fake_remove_file(node, "/store/config/consumerOffset.json.bak");
    ck_assert_int_eq(fake_start_text(node, &broker_role, "storePathRootDir=/store\n" SIZES),
                     RMQ_OK);
    for (int i = 0; i < 50; i++)
        fake_advance_ms(node, 100);
    ck_assert(fake_log_contains(node, "this store holds 10 half messages that are pending"));
    end();
}
END_TEST

START_TEST(test_pending__nothing_is_no_warning) {
    start_on(NULL, "storePathRootDir=/store\n" SIZES);
    for (int i = 0; i < 50; i++)
        fake_advance_ms(node, 100);
    ck_assert(!fake_log_contains(node, "pending"));
    end();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("broker_pending");
    TCase *tests = suite_case(suite, "pending");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_pending__without_an_offset_all_count);
    tcase_add_test(tests, test_pending__nothing_is_no_warning);
    return suite_run(suite);
}
