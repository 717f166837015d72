/* test_client_routes.c - routes read, compared and derived; the poll and what it tells. */
#include <stdio.h>

#include "model/client/client.h"
#include "model/client/client_internal.h"
#include "model/tests/peer.h"
#include "model/tests/suite.h"
#include "model/tests/vectors.h"

#define ONE "namesrvAddr=10.0.0.1:9876\n"

static struct env *env;
static struct peer peer;

static void setup(void) {
    env = fake_create();
    memset(&peer, 0, sizeof peer);
}

static void hang_up(void) {
    if (peer.conn != NULL)
        peer_deinit(&peer);
    peer.conn = NULL;
}

static void teardown(void) {
    hang_up();
    fake_destroy(env);
}

/* ---- routes by themselves -------------------------------------------------------------------- */

#define QUEUE(broker, perm, read, write)                                       \
    "{\"brokerName\":\"" broker "\",\"perm\":" perm ",\"readQueueNums\":" read \
    ",\"topicSysFlag\":0,\"writeQueueNums\":" write "}"
#define BROKER(name, addrs) \
    "{\"brokerAddrs\":{" addrs "},\"brokerName\":\"" name "\",\"cluster\":\"C\"}"
#define ROUTE(brokers, queues) \
    "{\"brokerDatas\":[" brokers "],\"filterServerTable\":{},\"queueDatas\":[" queues "]}"
#define ORDERED(conf, brokers, queues)                         \
    "{\"brokerDatas\":[" brokers "],\"filterServerTable\":{}," \
    "\"orderTopicConf\":\"" conf "\",\"queueDatas\":[" queues "]}"

#define A_MASTER BROKER("a", "\"0\":\"h1:1\"")
#define A_BOTH BROKER("a", "\"0\":\"h1:1\",\"1\":\"h2:1\"")
#define A_SLAVE BROKER("a", "\"1\":\"h2:1\"")
#define A_MOVED BROKER("a", "\"0\":\"h9:1\"")
#define B_MASTER BROKER("b", "0:\"h3:1\"")
#define QA QUEUE("a", "6", "4", "4")
#define QB QUEUE("b", "6", "8", "8")

static struct route *read_route(const char *body) {
    struct route *route;
    ck_assert_int_eq(route_read(env, span_of_text(body), &route), RMQ_OK);
    return route;
}

START_TEST(test_route_read__sorts) {
    struct route *route = read_route(ROUTE(B_MASTER "," A_BOTH, QB "," QA));
    ck_assert_uint_eq(route->queue_count, 2);
    ck_assert_uint_eq(route->addr_count, 3);
    ck_assert_span_eq(route->queues[0].broker_name, "a");
    ck_assert_span_eq(route->addrs[1].addr, "h2:1");
    ck_assert_int_eq(route->addrs[1].broker_id, 1);
    ck_assert_span_eq(route->addrs[2].broker_name, "b");
    ck_assert(span_is_absent(route->order_conf));
    ck_assert_uint_eq(route_broker_count(route), 2);
    env_free(env, route);
}
END_TEST

static const char *const GARBAGE[] = {"", "{", "[]", "{\"brokerDatas\":[{\"brokerAddrs\":"};

START_TEST(test_route_read__refuses_garbage) {
    struct route *route;
    ck_assert_int_ne(route_read(env, span_of_text(GARBAGE[_i]), &route), RMQ_OK);
}
END_TEST

static const struct {
    const char *a, *b;
    bool equal;
} PAIRS[] = {
    {ROUTE(A_BOTH "," B_MASTER, QA "," QB), ROUTE(B_MASTER "," A_BOTH, QB "," QA), true},
    {ROUTE(A_BOTH, QA), ROUTE(A_MASTER, QA), false},
    {ROUTE(A_MASTER, QA), ROUTE(A_MOVED, QA), false},
    {ROUTE(A_MASTER, QA), ROUTE(A_MASTER, QUEUE("a", "4", "4", "4")), false},
    {ROUTE(A_MASTER, QA), ROUTE(A_MASTER, QUEUE("a", "6", "5", "4")), false},
    {ROUTE(A_MASTER, QA), ROUTE(A_MASTER, QUEUE("a", "6", "4", "5")), false},
    {ROUTE(A_MASTER, QA), ROUTE(A_MASTER "," B_MASTER, QA), false},
    {ROUTE(A_MASTER, QA), ORDERED("a:4", A_MASTER, QA), false},
    {ORDERED("a:4", A_MASTER, QA), ORDERED("a:4", A_MASTER, QA), true},
};

START_TEST(test_route_equal__by_content) {
    struct route *a = read_route(PAIRS[_i].a);
    struct route *b = read_route(PAIRS[_i].b);
    ck_assert_int_eq(route_equal(a, b), PAIRS[_i].equal);
    ck_assert_int_eq(route_equal(b, a), PAIRS[_i].equal);
    env_free(env, a);
    env_free(env, b);
}
END_TEST

static const struct {
    const char *body;
    uint64_t queues;
} WRITABLE[] = {
    {ROUTE(A_MASTER "," B_MASTER, QA "," QB), 12},
    {ROUTE(A_SLAVE "," B_MASTER, QA "," QB), 8},                         /* no master */
    {ROUTE(A_MASTER "," B_MASTER, QUEUE("a", "4", "4", "4") "," QB), 8}, /* wiped */
    {ROUTE(B_MASTER, QA "," QB), 8},                                     /* broker not listed */
    {ROUTE("", ""), 0},
    {ORDERED("a:3;b:2", A_MASTER, QA), 5},
    {ORDERED("a:x;b:2;;c", A_MASTER, QA), 2},
};

START_TEST(test_route_write_queues__follows_the_publish_rule) {
    struct route *route = read_route(WRITABLE[_i].body);
    ck_assert_uint_eq(route_write_queues(route), WRITABLE[_i].queues);
    env_free(env, route);
}
END_TEST

/* The queues themselves, "broker:id " each, to write to and to read from. */
static const struct {
    const char *body, *publish, *subscribe;
} CHOICES[] = {
    {ROUTE(B_MASTER "," A_MASTER, QUEUE("b", "6", "1", "2") "," QUEUE("a", "6", "3", "1")),
     "a:0 b:0 b:1 ", "a:0 a:1 a:2 b:0 "},
    {ROUTE(A_SLAVE, QUEUE("a", "6", "2", "2")), "", "a:0 a:1 "}, /* no master */
    {ROUTE(A_MASTER, QUEUE("a", "4", "1", "1")), "", "a:0 "},
    {ROUTE(A_MASTER, QUEUE("a", "2", "1", "1")), "a:0 ", ""},
    {ORDERED("b:2;a:1", A_MASTER, QUEUE("a", "6", "2", "2")), "b:0 b:1 a:0 ", "a:0 a:1 "},
};

static void compare_choice(const struct route_choice *choice, const char *want) {
    char text[200] = "";
    size_t len = 0;
    for (size_t i = 0; i < choice->count; i++)
        len += (size_t)snprintf(
            text + len, sizeof text - len, "%.*s:%d ", (int)choice->queues[i].broker_name.len,
            (const char *)choice->queues[i].broker_name.data, (int)choice->queues[i].queue_id);
    ck_assert_str_eq(text, want);
}

START_TEST(test_route_publish__and_subscribe) {
    struct route_choice publish, subscribe;
    struct route *route = read_route(CHOICES[_i].body);
    ck_assert_int_eq(route_publish(env, route, &publish), RMQ_OK);
    ck_assert_int_eq(route_subscribe(env, route, &subscribe), RMQ_OK);
    ck_assert_uint_eq(publish.count, route_write_queues(route));
    compare_choice(&publish, CHOICES[_i].publish);
    compare_choice(&subscribe, CHOICES[_i].subscribe);
    env_free(env, publish.queues);
    env_free(env, subscribe.queues);
    fake_fail_at(env, FAKE_FAIL_ALLOC, 1);
    ck_assert_int_eq(route_publish(env, route, &publish), RMQ_E_NOMEM);
    env_free(env, route);
}
END_TEST

START_TEST(test_route_publish__refuses_too_many) {
    struct route_choice publish;
    struct route *route = read_route(ORDERED("a:1000000;b:1", A_MASTER, QA));
    ck_assert_int_eq(route_publish(env, route, &publish), RMQ_E_LIMIT);
    env_free(env, route);
}
END_TEST

START_TEST(test_route_cut__takes_the_read_count) {
    struct route *route = read_route(
        ROUTE(A_MASTER "," B_MASTER, QUEUE("a", "6", "3", "9") "," QUEUE("b", "6", "9", "1")));
    route_cut(route, 4);
    ck_assert_int_eq(route->queues[0].read_queue_nums, 3);
    ck_assert_int_eq(route->queues[0].write_queue_nums, 3);
    ck_assert_int_eq(route->queues[1].read_queue_nums, 4);
    ck_assert_int_eq(route->queues[1].write_queue_nums, 4);
    env_free(env, route);
}
END_TEST

START_TEST(test_route_read__survives_each_failed_allocation) {
    /* More than 16 entries, so that sorting allocates too; escapes, so that text is unpacked. */
    char body[8192] = "{\"brokerDatas\":[";
    for (int i = 0; i < 20; i++)
        snprintf(body + strlen(body), sizeof body - strlen(body),
                 "%s{\"brokerAddrs\":{0:\"h:%d\"},\"brokerName\":\"b\\u0041%d\",\"cluster\":\"C\"}",
                 i == 0 ? "" : ",", i, i);
    strcat(body, "],\"queueDatas\":[");
    for (int i = 0; i < 20; i++)
        snprintf(body + strlen(body), sizeof body - strlen(body),
                 "%s{\"brokerName\":\"b\\u0041%d\",\"perm\":6,\"readQueueNums\":1,"
                 "\"writeQueueNums\":1}",
                 i == 0 ? "" : ",", i);
    strcat(body, "]}");
    bool failed = true;
    unsigned n = 1;
    for (; failed; n++) {
        struct route *route = NULL;
        fake_fail_at(env, FAKE_FAIL_ALLOC, n);
        int err = route_read(env, span_of_text(body), &route);
        failed = fake_failed(env, FAKE_FAIL_ALLOC);
        ck_assert_int_eq(err, failed ? RMQ_E_NOMEM : RMQ_OK);
        if (!failed)
            ck_assert_uint_eq(route_write_queues(route), 20);
        env_free(env, route);
    }
    ck_assert_uint_gt(n, 3);
}
END_TEST

/* Every recorded route answer is read, and says what a JSON tree of it says. */
static void compare_with_tree(const struct wire_command *command) {
    struct route *route;
    ck_assert_int_eq(route_read(env, command->body, &route), RMQ_OK);
    cJSON *tree = cJSON_ParseWithLength((const char *)command->body.data, command->body.len);
    if (tree != NULL) { /* cJSON cannot read bare numeric keys */
        const cJSON *brokers = cJSON_GetObjectItem(tree, "brokerDatas");
        ck_assert_int_eq((int)route_broker_count(route), cJSON_GetArraySize(brokers));
        ck_assert_int_eq((int)route->queue_count,
                         cJSON_GetArraySize(cJSON_GetObjectItem(tree, "queueDatas")));
    }
    cJSON_Delete(tree);
    env_free(env, route);
}

START_TEST(test_route_read__reads_every_recorded_route) {
    size_t file_count, compared = 0;
    struct wire_command command;
    struct wire_error error;
    struct buf scratch;
    buf_init(&scratch, env);
    const char *const *names = vectors_names(&file_count);
    for (size_t f = 0; f < file_count; f++) {
        struct vector_file *file = vectors_load(names[f]);
        for (size_t i = 0; i < file->count; i++) {
            const struct vector_row *row = &file->rows[i];
            if (!vector_is_frame(row) || row->code != REQUEST_GET_ROUTEINFO_BY_TOPIC ||
                (row->flag & WIRE_FLAG_RESPONSE) != 0)
                continue;
            const struct vector_row *answer = vector_answer(file, row);
            if (answer == NULL || answer->code != 0 || answer->body_len == 0)
                continue;
            ck_assert_int_eq(wire_decode(answer->bytes, &scratch, &command, &error), RMQ_OK);
            compare_with_tree(&command);
            compared++;
        }
        vectors_free(file);
    }
    buf_deinit(&scratch);
    ck_assert_uint_ge(compared, 100);
}
END_TEST

/* ---- the poll -------------------------------------------------------------------------------- */

static void start(const char *config) {
    ck_assert_int_eq(fake_start_text(env, &client_role, config), RMQ_OK);
}

static void start_connected(const char *config) {
    start(config);
    fake_advance_ms(env, 10);
    peer_accept(&peer, env, "10.0.0.1:9876");
}

static void stop(void) {
    fake_stop(env);
    ck_assert(fake_exited(env, NULL));
}

/* The next query asks for `topic`; answered with code 0 and `body`, or with `code`. */
static void answer(const char *topic, int32_t code, const char *body) {
    struct wire_command request;
    peer_expect(&peer, REQUEST_GET_ROUTEINFO_BY_TOPIC, &request);
    ck_assert_span_eq(wire_field(&request, "topic"), topic);
    ck_assert_uint_eq(request.field_count, 1); /* observed: 4.9.7-java497-produce, 5.3.3 too */
    peer_answer_body(&peer, &request, code, body);
}

static size_t count(int kind) {
    return fake_event_count(env, kind);
}

START_TEST(test_poll__one_topic_after_the_other_each_30_s) {
    start("topics=A;B;;A\nproducer=true\n" ONE);
    fake_advance(env, 10 * 1000000 - 1);
    ck_assert_uint_eq(fake_dial_count(env, NULL), 0);
    fake_advance(env, 1);
    peer_accept(&peer, env, "10.0.0.1:9876");
    for (size_t i = 0; i < 3; i++) {
        answer("A", 0, ROUTE(A_MASTER, QA));
        answer("B", 0, ROUTE(A_MASTER, QA));
        ck_assert_uint_eq(count(EVENT_client_poll_done), i);
        answer("TBW102", 0, ROUTE(A_MASTER, QA));
        ck_assert_uint_eq(count(EVENT_client_poll_done), i + 1);
        ck_assert_uint_eq(fake_event_uint(env, EVENT_client_poll_done, "topics"), 3);
        ck_assert_uint_eq(fake_event_uint(env, EVENT_client_poll_done, "answered"), 3);
        ck_assert_uint_eq(fake_event_uint(env, EVENT_client_poll_done, "failed"), 0);
        fake_advance(env, UINT64_C(30000000000) - 1);
        ck_assert_uint_eq(fake_written(peer.conn).len, 0);
        fake_advance(env, 1);
    }
    stop();
}
END_TEST

START_TEST(test_poll__tells_whom_the_client_believes_in) {
    start_connected("topics=A\n" ONE);
    answer("A", 0, ROUTE(A_BOTH "," B_MASTER, QA "," QB));
    ck_assert_uint_eq(count(EVENT_client_broker_believed), 3);
    ck_assert_uint_eq(fake_event_uint(env, EVENT_client_route_changed, "brokers"), 2);
    ck_assert_uint_eq(fake_event_uint(env, EVENT_client_route_changed, "write_queues"), 12);
    fake_advance_ms(env, 30000);
    answer("A", 0, ROUTE(B_MASTER "," A_BOTH, QB "," QA)); /* the same, shuffled */
    ck_assert_uint_eq(count(EVENT_client_route_changed), 1);
    fake_advance_ms(env, 30000);
    answer("A", 0, ROUTE(A_SLAVE "," B_MASTER, QA "," QB)); /* a's master has gone */
    ck_assert_uint_eq(count(EVENT_client_broker_believed), 3);
    ck_assert_uint_eq(count(EVENT_client_broker_dropped), 1);
    ck_assert_span_eq(fake_event_text(env, EVENT_client_broker_dropped, "addr"), "h1:1");
    ck_assert_uint_eq(fake_event_uint(env, EVENT_client_route_changed, "write_queues"), 8);
    fake_advance_ms(env, 30000);
    answer("A", 0, ROUTE(A_MOVED "," B_MASTER, QA "," QB)); /* back elsewhere, no slave */
    ck_assert_uint_eq(count(EVENT_client_broker_believed), 4);
    ck_assert_uint_eq(count(EVENT_client_broker_dropped), 2);
    ck_assert_span_eq(fake_event_text(env, EVENT_client_broker_believed, "addr"), "h9:1");
    ck_assert_span_eq(fake_event_text(env, EVENT_client_broker_dropped, "addr"), "h2:1");
    stop();
}
END_TEST

static void on_route_known(void *ctx, int status) {
    ck_assert_ptr_nonnull(ctx);
    *(int *)ctx = status;
}

/* Two queries of a topic under way: the one asked later counts, though its answer comes first. */
START_TEST(test_poll__an_older_answer_changes_nothing) {
    struct wire_command older, newer;
    struct client_topic *topic;
    struct client_route_wait wait = {.done = on_route_known};
    int status = 1;
    start_connected("topics=A\n" ONE);
    answer("A", 0, ROUTE(A_MASTER, QA));
    fake_advance_ms(env, 30000);
    peer_expect(&peer, REQUEST_GET_ROUTEINFO_BY_TOPIC, &older);
    int32_t opaque = older.opaque;
    wait.ctx = &status;
    ck_assert_int_eq(client_topic_get(client_of_node(fake_node(env)), SPAN_LITERAL("A"), &topic),
                     RMQ_OK);
    client_route_ask(topic, &wait);
    answer("A", 0, ROUTE(A_BOTH "," B_MASTER, QA "," QB));
    ck_assert_int_eq(status, RMQ_OK);
    ck_assert_uint_eq(count(EVENT_client_broker_believed), 3);
    wire_command_init(&newer, REQUEST_GET_ROUTEINFO_BY_TOPIC); /* the older one's answer */
    newer.opaque = opaque;
    peer_answer_body(&peer, &newer, 0, ROUTE(A_MASTER, QA));
    ck_assert_uint_eq(count(EVENT_client_poll_done), 2);
    ck_assert_uint_eq(count(EVENT_client_broker_dropped), 0);
    fake_advance_ms(env, 30000);
    answer("A", 0, ROUTE(A_MASTER, QA)); /* asked later: counts */
    ck_assert_uint_eq(count(EVENT_client_broker_dropped), 2);
    stop();
}
END_TEST

/* client.md 4.3, rule 2: a topic that vanishes keeps its last route for ever. */
START_TEST(test_poll__an_error_answer_keeps_the_route) {
    start_connected("topics=A;B\n" ONE);
    answer("A", 0, ROUTE(A_MASTER, QA));
    answer("B", 17, NULL);
    fake_advance_ms(env, 30000);
    answer("A", 17, NULL);
    ck_assert_int_eq(fake_event_int(env, EVENT_client_route_kept, "code"), 17);
    ck_assert_span_eq(fake_event_text(env, EVENT_client_route_kept, "topic"), "A");
    answer("B", 0, ROUTE(A_MASTER, QA)); /* the round went on */
    ck_assert_uint_eq(count(EVENT_client_broker_dropped), 0);
    fake_advance_ms(env, 30000);
    answer("A", 0, ROUTE(A_MASTER, QA)); /* equal to what was kept */
    ck_assert_uint_eq(count(EVENT_client_route_changed), 2);
    stop();
}
END_TEST

START_TEST(test_poll__a_transport_error_ends_the_round) {
    struct wire_command request;
    start_connected("topics=A;B\n" ONE);
    peer_expect(&peer, REQUEST_GET_ROUTEINFO_BY_TOPIC, &request);
    fake_peer_reset(peer.conn, RMQ_E_RESET);
    ck_assert_uint_eq(fake_event_uint(env, EVENT_client_poll_done, "answered"), 0);
    ck_assert_uint_eq(fake_event_uint(env, EVENT_client_poll_done, "failed"), 1);
    ck_assert_ptr_null(fake_dialled(env, "10.0.0.1:9876")); /* B is not asked for */
    hang_up();
    fake_advance_ms(env, 30000);
    peer_accept(&peer, env, "10.0.0.1:9876");
    answer("A", 0, ROUTE(A_MASTER, QA));
    stop();
}
END_TEST

START_TEST(test_poll__an_unreadable_answer_ends_the_round_and_keeps_the_route) {
    start_connected("topics=A;B\n" ONE);
    answer("A", 0, "{\"brokerDatas\":");
    ck_assert_uint_eq(fake_event_uint(env, EVENT_client_poll_done, "failed"), 1);
    ck_assert_uint_eq(count(EVENT_client_route_changed), 0);
    stop();
}
END_TEST

START_TEST(test_poll__missed_ones_come_at_once) {
    start_connected("topics=A\n" ONE);
    answer("A", 0, ROUTE(A_MASTER, QA));
    fake_pause(env, UINT64_C(95000000000));
    fake_settle(env);
    for (size_t i = 0; i < 3; i++) { /* due at 30, 60, 90 s */
        answer("A", 0, ROUTE(A_MASTER, QA));
        fake_settle(env);
    }
    ck_assert_uint_eq(fake_written(peer.conn).len, 0);
    stop();
}
END_TEST

START_TEST(test_poll__buggify_brings_one_forward) {
    fake_set_buggify(env, BUGGIFY_CLIENT_POLL_EARLY, true);
    start_connected("topics=A\n" ONE);
    answer("A", 0, ROUTE(A_MASTER, QA));
    fake_set_buggify(env, BUGGIFY_CLIENT_POLL_EARLY, false);
    fake_advance_ms(env, 29000);
    answer("A", 0, ROUTE(A_MASTER, QA));
    fake_advance_ms(env, 30999);
    ck_assert_uint_eq(fake_written(peer.conn).len, 0);
    fake_advance_ms(env, 1);
    answer("A", 0, ROUTE(A_MASTER, QA));
    stop();
}
END_TEST

START_TEST(test_poll__without_topics_sends_nothing) {
    start(ONE);
    fake_advance_ms(env, 60000);
    ck_assert_uint_eq(fake_dial_count(env, NULL), 0);
    ck_assert_uint_eq(count(EVENT_client_poll_done), 2);
    stop();
}
END_TEST

START_TEST(test_client__answers_requests_with_code_3) {
    struct wire_command request, got;
    start_connected("topics=A\n" ONE);
    ck_assert(peer_take(&peer, &got));
    wire_command_init(&request, REQUEST_GET_CONSUMER_RUNNING_INFO);
    request.opaque = 3;
    request.serialization = WIRE_JSON;
    peer_send(&peer, &request);
    ck_assert(peer_take(&peer, &got));
    ck_assert_int_eq(got.code, RESPONSE_REQUEST_CODE_NOT_SUPPORTED);
    ck_assert_int_eq(got.opaque, 3);
    stop();
}
END_TEST

/* Every third recorded answer, to a route query: the client lives on, and so does its poll. */
START_TEST(test_poll__no_recorded_answer_harms) {
    size_t file_count, polls = 0;
    struct wire_command request, answered;
    struct wire_error error;
    struct buf scratch;
    struct env *other = fake_create(); /* the node's memory is checked at its end */
    buf_init(&scratch, other);
    const char *const *names = vectors_names(&file_count);
    start_connected("topics=A\n" ONE);
    for (size_t f = 0; f < file_count; f++) {
        struct vector_file *file = vectors_load(names[f]);
        for (size_t i = 0; i < file->count; i += 3) {
            const struct vector_row *row = &file->rows[i];
            if (!vector_is_frame(row) || row->to_server || row->body_len == 0 ||
                (row->flag & WIRE_FLAG_RESPONSE) == 0)
                continue;
            ck_assert_int_eq(wire_decode(row->bytes, &scratch, &answered, &error), RMQ_OK);
            peer_expect(&peer, REQUEST_GET_ROUTEINFO_BY_TOPIC, &request);
            peer_answer(&peer, &request, &answered);
            ck_assert_uint_eq(count(EVENT_client_poll_done), ++polls);
            fake_advance_ms(env, 30000);
        }
        vectors_free(file);
    }
    buf_deinit(&scratch);
    fake_destroy(other);
    ck_assert_uint_ge(polls, 500);
    stop();
}
END_TEST

/* ---- configuration --------------------------------------------------------------------------- */

static const struct {
    const char *text;
    const char *key;
} BAD_VALUES[] = {
    {"profile=5", "profile"},
    {"producer=yes", "producer"},
    {"pollNameServerInterval=0", "pollNameServerInterval"},
    {"pollNameServerInterval=30s", "pollNameServerInterval"},
    {"mqClientApiTimeout=x", "mqClientApiTimeout"},
    {"rocketmq.serialize.type=binary", "rocketmq.serialize.type"},
    {"namesrvAddr=here", "namesrvAddr"},
    {"quirk.none=true", "quirk.none"},
};

START_TEST(test_client_start__names_the_bad_key) {
    char line[128];
    ck_assert_int_eq(fake_start_text(env, &client_role, BAD_VALUES[_i].text), RMQ_E_INVALID);
    snprintf(line, sizeof line, "value of %s:", BAD_VALUES[_i].key);
    ck_assert_msg(fake_log_contains(env, line), "no log line with \"%s\"", line);
}
END_TEST

START_TEST(test_client_start__logs_unknown_keys) {
    start("noSuchKey=1\ninstanceName=x\n");
    ck_assert(fake_log_contains(env, "key noSuchKey has no effect"));
    ck_assert(!fake_log_contains(env, "instanceName"));
    stop();
}
END_TEST

/* ---- failures and crashes -------------------------------------------------------------------- */

static void live(void) {
    struct wire_command request;
    static const char *const BODIES[] = {ROUTE(A_BOTH "," B_MASTER, QA "," QB), ROUTE(A_MOVED, QA)};
    if (fake_start_text(env, &client_role, "topics=A;B\nproducer=true\n" ONE) != RMQ_OK)
        return;
    for (size_t i = 0; i < 3 && fake_node(env) != NULL; i++) {
        fake_advance_ms(env, i == 0 ? 10 : 30000);
        if (fake_dialled(env, "10.0.0.1:9876") != NULL) {
            hang_up();
            peer_accept(&peer, env, "10.0.0.1:9876");
        }
        while (peer.conn != NULL && fake_is_open(peer.conn) && peer_take(&peer, &request))
            peer_answer_body(&peer, &request, 0, BODIES[i % 2]);
    }
    if (fake_node(env) != NULL)
        fake_stop(env);
}

START_TEST(test_client__survives_each_failure) {
    enum fake_failure what = (enum fake_failure)_i;
    bool failed = true;
    unsigned n = 1;
    teardown(); /* a node per run */
    for (; failed; n++) {
        ck_assert_uint_lt(n, 1000);
        setup();
        fake_fail_at(env, what, n);
        live();
        failed = fake_failed(env, what);
        teardown();
    }
    ck_assert_uint_gt(n, what == FAKE_FAIL_LISTEN ? 1 : 2);
    setup();
}
END_TEST

START_TEST(test_client__leaves_nothing_at_any_crash_point) {
    bool crashed = true;
    teardown();
    for (unsigned n = 1; crashed; n++) {
        ck_assert_uint_lt(n, 2000);
        setup();
        fake_crash_at(env, n);
        live();
        crashed = fake_crashed(env);
        teardown();
    }
    setup();
}
END_TEST

#define COUNT(array) ((int)(sizeof array / sizeof array[0]))

int main(void) {
    Suite *suite = suite_create("client_routes");
    TCase *routes = suite_case(suite, "routes");
    tcase_add_checked_fixture(routes, setup, teardown);
    tcase_set_timeout(routes, 60);
    tcase_add_test(routes, test_route_read__sorts);
    tcase_add_loop_test(routes, test_route_read__refuses_garbage, 0, COUNT(GARBAGE));
    tcase_add_loop_test(routes, test_route_equal__by_content, 0, COUNT(PAIRS));
    tcase_add_loop_test(routes, test_route_publish__and_subscribe, 0, COUNT(CHOICES));
    tcase_add_test(routes, test_route_publish__refuses_too_many);
    tcase_add_test(routes, test_route_cut__takes_the_read_count);
    tcase_add_loop_test(routes, test_route_write_queues__follows_the_publish_rule, 0,
                        COUNT(WRITABLE));
    tcase_add_test(routes, test_route_read__survives_each_failed_allocation);
    tcase_add_test(routes, test_route_read__reads_every_recorded_route);
    TCase *tests = suite_case(suite, "poll");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_poll__one_topic_after_the_other_each_30_s);
    tcase_add_test(tests, test_poll__tells_whom_the_client_believes_in);
    tcase_add_test(tests, test_poll__an_older_answer_changes_nothing);
    tcase_add_test(tests, test_poll__an_error_answer_keeps_the_route);
    tcase_add_test(tests, test_poll__a_transport_error_ends_the_round);
    tcase_add_test(tests, test_poll__an_unreadable_answer_ends_the_round_and_keeps_the_route);
    tcase_add_test(tests, test_poll__missed_ones_come_at_once);
    tcase_add_test(tests, test_poll__buggify_brings_one_forward);
    tcase_add_test(tests, test_poll__without_topics_sends_nothing);
    tcase_add_test(tests, test_poll__no_recorded_answer_harms);
    tcase_add_test(tests, test_client__answers_requests_with_code_3);
    tcase_add_loop_test(tests, test_client_start__names_the_bad_key, 0, COUNT(BAD_VALUES));
    tcase_add_test(tests, test_client_start__logs_unknown_keys);
    tcase_add_loop_test(tests, test_client__survives_each_failure, FAKE_FAIL_ALLOC,
                        FAKE_FAIL_FILE_OPEN);
    tcase_add_test(tests, test_client__leaves_nothing_at_any_crash_point);
    return suite_run(suite);
}
