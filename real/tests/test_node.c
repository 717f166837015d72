/* Nodes over the operating system: a name server and a client node in one process. */
#include "model/namesrv/namesrv.h"
#include "model/wire/remoting.h"
#include "real/tests/nodes.h"

static struct real_loop *loop;

static void setup(void) {
    loop = new_loop();
}

static void teardown(void) {
    real_loop_free(loop);
}

/* ---- a name server -------------------------------------------------------------------------- */

struct asker {
    struct env *env;
    struct remoting remoting;
    char address[32];
    bool answered, exited;
    int status;
    int32_t code;
};

static void on_request(void *ctx, struct channel *channel, const struct wire_command *request) {
    (void)ctx, (void)channel, (void)request;
}

static const struct remoting_handler HANDLER = {on_request, NULL};

static void on_answer(void *ctx, int status, const struct wire_command *response) {
    struct asker *asker = ctx;
    asker->answered = true;
    asker->status = status;
    asker->code = response == NULL ? -1 : response->code;
}

static void ask_for_route(void *ctx) {
    struct asker *asker = ctx;
    struct wire_command request = {.code = 105, .has_fields = true, .field_count = 1};
    struct remoting_config config;
    request.fields[0] = (struct wire_field){SPAN_LITERAL("topic"), SPAN_LITERAL("orders")};
    remoting_config_default(&config);
    remoting_init(&asker->remoting, asker->env, &config, &HANDLER, asker);
    remoting_call(&asker->remoting, span_of_text(asker->address), &request, REMOTING_SYNC,
                  3 * SECOND, on_answer, asker);
}

static void leave_remoting(void *ctx) {
    struct asker *asker = ctx;
    remoting_deinit(&asker->remoting);
}

static void on_exit_flag(void *ctx, struct env *env, int status) {
    (void)env;
    ck_assert_int_eq(status, 0);
    *(bool *)ctx = true;
}

static struct env *start_name_server(struct env *holder, void *exited) {
    struct props config;
    struct env *env = NULL;
    struct real_node_options options = {
        .ip = "127.0.0.1", .bind_ip = "127.0.0.1", .on_exit = on_exit_flag, .ctx = exited};
    props_init(&config, holder);
    ck_assert_int_eq(props_set_text(&config, "listenPort", "0"), RMQ_OK);
    ck_assert_int_eq(real_node_start(loop, &options, &namesrv_role, &config, &env), RMQ_OK);
    props_deinit(&config);
    return env;
}

/* The port of the first listener of a node. */
static uint16_t port_of(const struct env *env) {
    ck_assert(!list_is_empty(&env->listeners));
    return LIST_ENTRY(env->listeners.next, struct env_listener, of_node)->port;
}

START_TEST(test_name_server__answers_and_stops) {
    bool exited = false;
    struct asker asker = {.env = new_node(loop, NULL)};
    struct env *server = start_name_server(asker.env, &exited);
    ck_assert_ptr_nonnull(real_node_role(server));
    snprintf(asker.address, sizeof asker.address, "127.0.0.1:%u", (unsigned)port_of(server));
    real_node_call(asker.env, ask_for_route, &asker);
    turn_until(loop, is_true, &asker.answered);
    ck_assert_int_eq(asker.status, RMQ_OK);
    ck_assert_int_eq(asker.code, 17); /* TOPIC_NOT_EXIST */
    real_node_stop(server);
    turn_until(loop, is_true, &exited);
    real_node_call(asker.env, leave_remoting, &asker);
    ck_assert_uint_eq(real_node_memory(asker.env), 0);
    real_node_free(asker.env);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("node");
    TCase *topic = tcase_create("node");
    tcase_add_checked_fixture(topic, setup, teardown);
    tcase_set_timeout(topic, 120);
    tcase_add_test(topic, test_name_server__answers_and_stops);
    suite_add_tcase(suite, topic);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
