/* fuzz_json.c - any bytes through base/json: never reads outside (the sanitizer's business), skips
 * where walking goes, agrees with cJSON on the common subset, round-trips through the writer. */
#include "model/base/check.h"
#include "model/tests/env_fake.h"
#include "model/tests/json_diff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct env *env = fake_create();
    struct buf bufs[3];
    for (size_t i = 0; i < 3; i++) {
        buf_init(&bufs[i], env);
    }
    RMQ_ASSERT(json_diff(span_of(data, size), &bufs[0]) != DIFF_WRONG);
    RMQ_ASSERT(json_own_rules(span_of(data, size), &bufs[0], &bufs[1], &bufs[2]) == NULL);
    for (size_t i = 0; i < 3; i++) {
        buf_deinit(&bufs[i]);
    }
    fake_destroy(env);
    return 0;
}
