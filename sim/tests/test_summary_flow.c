/* The member "messages" of summary.json, from a stream with a fault. */
#include <cjson/cJSON.h>

#include "sim/report/summary_flow.h"
#include "sim/tests/flow.h"

static double number_at(const cJSON *object, const char *path) {
    char key[64];
    while (*path != '\0') {
        size_t len = strcspn(path, "/");
        snprintf(key, sizeof key, "%.*s", (int)len, path);
        object = cJSON_IsArray(object) ? cJSON_GetArrayItem(object, atoi(key))
                                       : cJSON_GetObjectItemCaseSensitive(object, key);
        ck_assert_msg(object != NULL, "%s", path);
        path += len + (path[len] == '/');
    }
    return cJSON_IsNumber(object) ? object->valuedouble : -1;
}

static cJSON *summary_of(struct stream *stream) {
    static struct run_result result;
    cJSON *summary = cJSON_CreateObject();
    judge_finish_at(stream->judge, stream->now_ns, &result);
    summary_add_flow(summary, stream->judge, &result);
    return summary;
}

START_TEST(test_summary_flow__phases_of_faults) {
    struct stream stream = flow_of("no-phantom", "");
    s_world_fault(&stream, BROKER_A, 3, "kill", "broker-a", "once");
    flow_send(&stream, NUMBER(21));
    s_send_failed(&stream, CLIENT, "T", NUMBER(21), "broker-a", 10002, "timed out", 3, 1, SECOND);
    flow_restart(&stream, BROKER_A, "kill", 20);
    flow_stored(&stream, BROKER_A, 0, 20, NUMBER(22));
    cJSON *summary = summary_of(&stream);
    static const struct {
        const char *path;
        double value;
    } rows[] = {
        {"messages/sends/started", 22},
        {"messages/sends/ok", 21},
        {"messages/sends/failed", 1},
        {"messages/sends/timed_out", 1},
        {"messages/deliveries", 20},
        {"messages/duplicates/all", 0},
        {"messages/lost", 0},
        {"messages/backlog", 1},
        {"messages/all/send_latency_us/p99.9", 2000},
        {"messages/faults/0/index", 3},
        {"messages/faults/0/first_success_ms", 6002},
        {"messages/faults/0/before/ok", 20},
        {"messages/faults/0/before/produce_to_consume_us/p50", 5000},
        {"messages/faults/0/during/failed", 1},
        {"messages/faults/0/during/send_latency_us/count", 0},
        {"messages/faults/0/after/ok", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(number_at(summary, rows[i].path) == rows[i].value, "%s: %f", rows[i].path,
                      number_at(summary, rows[i].path));
    cJSON_Delete(summary);
    stream_end();
}
END_TEST

START_TEST(test_summary_flow__is_not_there_without_messages) {
    struct stream stream = stream_of("no-phantom", "");
    stream_start(&stream);
    stream.now_ns = 10 * SECOND;
    cJSON *summary = summary_of(&stream);
    ck_assert_ptr_null(cJSON_GetObjectItemCaseSensitive(summary, "messages"));
    cJSON_Delete(summary);
    stream_end();
}
END_TEST

STREAM_MAIN("summary flow", test_summary_flow__phases_of_faults,
            test_summary_flow__is_not_there_without_messages)
