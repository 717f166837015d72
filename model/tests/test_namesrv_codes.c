/* test_namesrv_codes.c - replays every recorded connection to Apache's name servers against ours
 * and compares each answer, field by field.
 *
 * One run is one Apache name server's life: the frames of its brokers, clients and tools, merged by
 * time, delivered in order at their moments. The recordings of one run began at different times;
 * `offset_ms` places each file on the clock of the brokers' file. The offsets were found from the
 * topics that answers know and do not know yet (each is fixed to some 10 ms by the registrations
 * around it, or by a change of permissions); where only a lower bound exists, it is that plus 50
 * ms. Left out are 4.9.7-java497-idle and 5.3.3-java533-idle: their brokers were not recorded.
 *
 * Runs are configured with the defects that Apache's release has (quirks), so that answers must be
 * equal; DIFFERENCES lists what may differ and why, and each row must be needed. A second replay
 * without quirks shows what the cures change: one thing. */
#include <cjson/cJSON.h>

#include "model/namesrv/namesrv.h"
#include "model/tests/env_fake.h"
#include "model/tests/suite.h"
#include "model/tests/test_namesrv_compare.h"
#include "model/tests/vectors.h"
#include "model/wire/codes.h"

#define PORT 29876
#define ANSWERS 3423 /* how many there are: none may drop out unnoticed */

/* ---- what is replayed ------------------------------------------------------------------------ */

struct placed {
    const char *name;
    int64_t offset_ms;
};

struct run {
    const char *name;
    const char *quirks; /* what makes it like the release */
    const char *config;
    struct placed files[40];
};

#define PATHS                                                                              \
    "listenPort=29876\nkvConfigPath=/data/namesrv/kvConfig.json\nrocketmqHome=/data/rmq\n" \
    "configStorePath=/data/namesrv.conf\n"
#define LIKE_4_9                                                                           \
    "quirk.incrementHidesTopics=true\nquirk.unregisterById=true\nquirk.masterFlip=true\n", \
        PATHS "profile=4.9\n"
#define LIKE_5_3 "quirk.singleTopicGuard=true\nrejectLiveConflict=false\n", PATHS "profile=5.3\n"
#define ACTING LIKE_5_3 "supportActingMaster=true\nnotifyMinBrokerIdChanged=true\n"

static const struct run RUNS[] = {
    {"4.9.7 registration probe", LIKE_4_9, {{"4.9.7-probe-register", 0}}},
    {"5.3.3 registration probe", LIKE_5_3, {{"5.3.3-probe-register", 0}}},
    {"4.9.7 main", LIKE_4_9, {{"4.9.7-broker-boot", 0},          {"4.9.7-java497-noauto", 3936},
                              {"4.9.7-java497-topics", 3943},    {"4.9.7-java497-produce", 14713},
                              {"4.9.7-java497-sendv1", 14858},   {"4.9.7-java533-produce", 15009},
                              {"4.9.7-java497-push", 18229},     {"4.9.7-java533-push", 18589},
                              {"4.9.7-java497-order", 29665},    {"4.9.7-java533-order", 29752},
                              {"4.9.7-java497-pull", 47725},     {"4.9.7-java533-pull", 47822},
                              {"4.9.7-java497-litepull", 50538}, {"4.9.7-java497-retry", 53043},
                              {"4.9.7-java533-retry", 53107},    {"4.9.7-java497-tran", 57911},
                              {"4.9.7-java533-tran", 57972},     {"4.9.7-java497-query", 67423},
                              {"4.9.7-java533-query", 67539},    {"4.9.7-java497-reply", 71038},
                              {"4.9.7-java497-sql", 72837},      {"4.9.7-java497-trace", 74220},
                              {"4.9.7-go-all", 153529},          {"4.9.7-alions-all", 167849},
                              {"4.9.7-probe-all", 183540}}},
    {"4.9.7 mqadmin",
     LIKE_4_9,
     {{"4.9.7-brokeradmin-boot", 0},
      {"4.9.7-java497-stay", 17951},
      {"4.9.7-java533-stay", 18417},
      {"4.9.7-mqadmin497-admin", 28094},
      {"4.9.7-mqadmin533-admin", 78360}}},
    {"4.9.7 binary",
     LIKE_4_9,
     {{"4.9.7-brokerbin-boot", 0},
      {"4.9.7-java497bin-noauto", 93500},
      {"4.9.7-java497bin-produce", 4668},
      {"4.9.7-java497bin-sendv1", 4889},
      {"4.9.7-java497bin-push", 8242},
      {"4.9.7-java497bin-order", 19416},
      {"4.9.7-java497bin-pull", 25547},
      {"4.9.7-java497jsonbin-pull", 25672},
      {"4.9.7-java497bin-litepull", 28480},
      {"4.9.7-java497bin-retry", 31084},
      {"4.9.7-java497bin-tran", 34986},
      {"4.9.7-java497bin-query", 62966},
      {"4.9.7-java497jsonbin-query", 63039},
      {"4.9.7-java497bin-reply", 66602},
      {"4.9.7-java497bin-stay", 76957},
      {"4.9.7-mqadmin497bin-admin", 85920}}},
    {"5.3.3 main", LIKE_5_3, {{"5.3.3-broker-boot", 0},          {"5.3.3-java533-topics", 0},
                              {"5.3.3-java533-noauto", 4267},    {"5.3.3-java533-produce", 5536},
                              {"5.3.3-java533-sendv1", 5730},    {"5.3.3-java497-produce", 5889},
                              {"5.3.3-java533-push", 9302},      {"5.3.3-java497-push", 9392},
                              {"5.3.3-java533-order", 32956},    {"5.3.3-java497-order", 33325},
                              {"5.3.3-java533-pull", 40317},     {"5.3.3-java497-pull", 40407},
                              {"5.3.3-java533-litepull", 43129}, {"5.3.3-java533-retry", 50669},
                              {"5.3.3-java497-retry", 50734},    {"5.3.3-java533-tran", 55608},
                              {"5.3.3-java497-tran", 56152},     {"5.3.3-java533-query", 69223},
                              {"5.3.3-java497-query", 69282},    {"5.3.3-java533-reply", 72789},
                              {"5.3.3-java533-sql", 74598},      {"5.3.3-java533-trace", 77449},
                              {"5.3.3-go-all", 146461},          {"5.3.3-alions-all", 160717},
                              {"5.3.3-probe-all", 176168}}},
    {"5.3.3 mqadmin",
     LIKE_5_3,
     {{"5.3.3-brokeradmin-boot", 0},
      {"5.3.3-java533-stay", 40598},
      {"5.3.3-java497-stay", 117500},
      {"5.3.3-mqadmin533-admin", 49452},
      {"5.3.3-mqadmin497-admin", 120505}}},
    {"5.3.3 binary",
     LIKE_5_3,
     {{"5.3.3-brokerbin-boot", 0},
      {"5.3.3-java533bin-noauto", 151000},
      {"5.3.3-java533bin-produce", 4566},
      {"5.3.3-java533bin-sendv1", 4736},
      {"5.3.3-java533bin-push", 8108},
      {"5.3.3-java533bin-order", 19038},
      {"5.3.3-java533bin-pull", 29376},
      {"5.3.3-java533jsonbin-pull", 29465},
      {"5.3.3-java533bin-litepull", 32126},
      {"5.3.3-java533bin-retry", 39820},
      {"5.3.3-java533bin-tran", 62264},
      {"5.3.3-java533bin-query", 74225},
      {"5.3.3-java533jsonbin-query", 74308},
      {"5.3.3-java533bin-reply", 78061},
      {"5.3.3-java533bin-stay", 91100},
      {"5.3.3-mqadmin533bin-admin", 100016}}},
    {"5.3.3 acting master",
     ACTING,
     {{"5.3.3-brokeracting-boot", 0},
      {"5.3.3-java533acting-pull", 36865},
      {"5.3.3-brokeracting-failover", 41031}}},
    {"5.3.3 acting master, compatible",
     ACTING,
     {{"5.3.3-brokeractingcompat-boot", 0},
      {"5.3.3-java533actingcompat-pull", 34158},
      {"5.3.3-brokeractingcompat-failover", 42700}}},
    {"5.3.3 compressed registration", LIKE_5_3, {{"5.3.3-brokercompressed-boot", 0}}},
};
#define RUN_COUNT (sizeof RUNS / sizeof RUNS[0])

/* ---- what may differ ------------------------------------------------------------------------- */

struct difference {
    const char *release; /* NULL: both */
    int32_t code;        /* request; -1: any */
    const char *step;    /* part of the step or file name; NULL: any */
    const char *field;
    const char *reason;
};

#define CURED_GUARD "5.3.3 refuses the first registration of a table of one topic (21.7)"
static bool cured; /* this replay is without quirks */

static const struct difference DIFFERENCES[] = {
    {"4.9.7", -1, NULL, "version", "captures are of 4.9.7 (407), we say 4.9.8 (409)"},
    {"5.3.3-probe", -1, NULL, "serialization",
     "5.3.3 answers in its own serialization, we in the asker's"},
    {"5.3.3-java533jsonbin", -1, NULL, "serialization",
     "5.3.3 answers in its own serialization, we in the asker's"},
    {"4.9.7", 9999, "unknown code", "answer", "4.9.7 never answers an unknown code, we answer 3"},
    {"4.9.7", 9999, "three frames", "answer", "4.9.7 never answers an unknown code, we answer 3"},
    {"4.9.7", 901, NULL, "answer", "4.9.7 never answers an unknown code, we answer 3"},
    {NULL, 105, "no opaque in the header", "answer",
     "Java invents an opaque, which the reader of captures cannot match; we echo 0"},
    {NULL, 103, "required fields missing", "remark",
     "Apache: a null pointer exception; we name the field"},
    {"4.9.7", 318, NULL, "code", "4.9.7 has no black list yet, 4.9.8 and we answer 16"},
    {"4.9.7", 318, NULL, "remark", "4.9.7 has no black list yet, 4.9.8 and we answer 16"},
    {"4.9.7-probe", 319, "ROCKETMQ", "body", "4.9.7 took rocketmqHome=/x for lack of a black list"},
    {"4.9.7-probe-all", 304, NULL, "body", "brokerAddr is that of any broker"},
    {"4.9.7-mqadmin497-admin", 105, "wipeWritePerm", "body",
     "sent after 205 without waiting; Apache's thread pool answered it first"},
    {"4.9.7-mqadmin", 105, NULL, "answer", "the tool had closed before Apache answered"},
    {"5.3.3-mqadmin497-admin", 105, "deleteTopic", "answer",
     "the tool had closed before Apache answered"},
    {"4.9.7-broker-boot", 103, NULL, "body",
     "an order table set by a tool whose connection was not recorded"},
    {"5.3.3-brokercompressed", 103, NULL, "code",
     "5.3.3 cannot read the compressed bodies of its own brokers, we can"},
    {"5.3.3-brokercompressed", 103, NULL, "remark",
     "5.3.3 cannot read the compressed bodies of its own brokers, we can"},
    {"5.3.3-brokercompressed", 103, NULL, "fields",
     "5.3.3 cannot read the compressed bodies of its own brokers, we can"},
    {"5.3.3-brokercompressed", 106, NULL, "body",
     "5.3.3 cannot read the compressed bodies of its own brokers, we can"},
    {"5.3.3-probe-all", -1, "register, query", "code", CURED_GUARD},
    {"5.3.3-probe-all", -1, "register, query", "remark", CURED_GUARD},
    {"5.3.3-probe-all", -1, "register, query", "fields", CURED_GUARD},
    {"5.3.3-probe-all", -1, "register, query", "body", CURED_GUARD},
    {"5.3.3-broker-boot", 106, NULL, "body", CURED_GUARD},
};
#define DIFFERENCE_COUNT (sizeof DIFFERENCES / sizeof DIFFERENCES[0])
static unsigned seen[DIFFERENCE_COUNT];

/* A row that is needed without quirks only. */
static bool is_cure(const struct difference *difference) {
    return strcmp(difference->reason, CURED_GUARD) == 0;
}

struct tally {
    int32_t code;
    unsigned compared;
    unsigned exact; /* body byte for byte */
};
static struct tally tallies[64];
static size_t tally_count;
static unsigned failures;

static struct tally *tally_of(int32_t code) {
    for (size_t i = 0; i < tally_count; i++)
        if (tallies[i].code == code)
            return &tallies[i];
    ck_assert_uint_lt(tally_count, 64);
    tallies[tally_count] = (struct tally){code, 0, 0};
    return &tallies[tally_count++];
}

static bool applies(const struct difference *difference, const struct vector_row *row,
                    const char *field) {
    return strcmp(difference->field, field) == 0 && (cured || !is_cure(difference)) &&
           (difference->code == -1 || difference->code == row->code) &&
           (difference->release == NULL ||
            strncmp(row->file, difference->release, strlen(difference->release)) == 0) &&
           (difference->step == NULL || strstr(row->step, difference->step) != NULL ||
            strstr(row->file, difference->step) != NULL);
}

static void differs(const struct vector_row *row, const char *field, const char *ours,
                    const char *theirs) {
    for (size_t i = 0; i < DIFFERENCE_COUNT; i++)
        if (applies(&DIFFERENCES[i], row, field)) {
            seen[i]++;
            return;
        }
    failures++;
    printf("%s row %lld, request %d (%s): %s differs\n  ours   %s\n  apache %s\n", row->file,
           (long long)row->n, (int)row->code, row->step, field, ours, theirs);
}

static void compare_numbers(const struct vector_row *row, const char *field, int64_t ours,
                            int64_t theirs) {
    char a[24], b[24];
    snprintf(a, sizeof a, "%lld", (long long)ours);
    snprintf(b, sizeof b, "%lld", (long long)theirs);
    if (ours != theirs)
        differs(row, field, a, b);
}

/* ---- comparing one answer -------------------------------------------------------------------- */

static char *text_of(struct span span) {
    return strndup(span_is_absent(span) ? "" : (const char *)span.data, span.len);
}

static void compare_texts(const struct vector_row *row, const char *field, char *ours,
                          char *theirs) {
    if (strcmp(ours, theirs) != 0)
        differs(row, field, ours, theirs);
    free(ours);
    free(theirs);
}

static char *fields_text(const struct wire_command *command) {
    struct texts texts = {NULL, 0};
    for (size_t i = 0; i < command->field_count; i++) {
        char *text = malloc(command->fields[i].key.len + command->fields[i].value.len + 2);
        sprintf(text, "%.*s=%.*s", (int)command->fields[i].key.len,
                (const char *)command->fields[i].key.data, (int)command->fields[i].value.len,
                (const char *)command->fields[i].value.data);
        texts_add(&texts, text);
    }
    bool shown = command->serialization == WIRE_JSON && command->has_fields;
    return texts_join(&texts, true, shown ? "{" : "", shown ? "}" : "");
}

/* Apache's arrays are in hash order. */
static bool has_sets(int32_t code) {
    return code == REQUEST_GET_ALL_TOPIC_LIST_FROM_NAMESERVER ||
           code == REQUEST_GET_TOPICS_BY_CLUSTER || code == REQUEST_GET_SYSTEM_TOPIC_LIST_FROM_NS ||
           code == REQUEST_GET_BROKER_CLUSTER_INFO;
}

/* Keys of request 319's answer that the captured release does not have. */
static const struct {
    const char *release; /* NULL: both */
    const char *prefix;
} OWN_KEYS[] = {
    {NULL, "profile="},
    {NULL, "rejectLiveConflict="},
    {NULL, "quirk."},
    {"4.9.7", "configBlackList="}, /* new in 4.9.8 */
};

static bool is_own_key(const struct vector_row *row, const char *line) {
    for (size_t i = 0; i < sizeof OWN_KEYS / sizeof OWN_KEYS[0]; i++)
        if (strncmp(line, OWN_KEYS[i].prefix, strlen(OWN_KEYS[i].prefix)) == 0 &&
            (OWN_KEYS[i].release == NULL || strncmp(row->file, OWN_KEYS[i].release, 5) == 0))
            return true;
    return false;
}

/* Lines of properties text, sorted, without our own keys. */
static char *canonical_lines(const struct vector_row *row, struct span body) {
    struct texts lines = {NULL, 0};
    size_t start = 0;
    for (size_t i = 0; i < body.len; i++) {
        if (body.data[i] != '\n')
            continue;
        char *line = strndup((const char *)body.data + start, i - start);
        start = i + 1;
        if (is_own_key(row, line))
            free(line);
        else
            texts_add(&lines, line);
    }
    return texts_join(&lines, true, "", "");
}

static char *canonical_body(const struct vector_row *row, struct span body) {
    if (body.len == 0)
        return strdup("");
    return row->code == REQUEST_GET_NAMESRV_CONFIG ? canonical_lines(row, body)
                                                   : canonical_json(body, has_sets(row->code));
}

static void compare_bodies(const struct vector_row *row, struct span ours, struct span theirs) {
    if (span_equal(ours, theirs))
        tally_of(row->code)->exact++;
    else
        compare_texts(row, "body", canonical_body(row, ours), canonical_body(row, theirs));
}

static void compare_answer(const struct vector_row *row, const struct wire_command *ours,
                           const struct wire_command *theirs) {
    tally_of(row->code)->compared++;
    compare_numbers(row, "code", ours->code, theirs->code);
    compare_numbers(row, "flag", ours->flag, theirs->flag);
    compare_numbers(row, "opaque", ours->opaque, theirs->opaque);
    compare_numbers(row, "version", ours->version, theirs->version);
    compare_numbers(row, "language", ours->language, theirs->language);
    compare_numbers(row, "serialization", ours->serialization, theirs->serialization);
    compare_texts(row, "remark", text_of(ours->remark), text_of(theirs->remark));
    if (ours->serialization == theirs->serialization)
        compare_texts(row, "fields", fields_text(ours), fields_text(theirs));
    compare_bodies(row, ours->body, theirs->body);
}

/* ---- replay ---------------------------------------------------------------------------------- */

#define CONNS_MAX 1000

struct source {
    struct vector_file *file;
    struct env_conn *conns[CONNS_MAX];
};

struct item {
    int64_t at_ms;
    size_t source;
    const struct vector_row *row;
};

static int compare_items(const void *a, const void *b) {
    const struct item *x = a, *y = b;
    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    if (x->source != y->source)
        return x->source < y->source ? -1 : 1;
    return x->row->n < y->row->n ? -1 : x->row->n > y->row->n;
}

static struct env_conn *conn_of(struct env *env, struct source *source, int64_t number) {
    ck_assert_int_lt(number, CONNS_MAX);
    static unsigned port = 1024;
    if (source->conns[number] == NULL) {
        char peer[32];
        port = port == 65535 ? 1024 : port + 1;
        snprintf(peer, sizeof peer, "127.0.0.1:%u", port);
        source->conns[number] = fake_accept(env, PORT, peer);
    }
    return source->conns[number];
}

/* Decodes the first frame of `bytes`; false when there is none. */
static bool first_frame(struct env *env, struct span bytes, struct wire_command *out,
                        struct buf *scratch, size_t *len) {
    struct wire_error error;
    buf_init(scratch, env);
    return wire_frame_length(bytes, len) == RMQ_OK && *len <= bytes.len &&
           wire_decode(span_of(bytes.data, *len), scratch, out, &error) == RMQ_OK;
}

static void replay_request(struct env *env, struct env_conn *conn, const struct source *source,
                           const struct vector_row *row) {
    fake_deliver(conn, row->bytes);
    struct wire_command ours, theirs;
    struct buf our_scratch, their_scratch;
    size_t len;
    bool answered = first_frame(env, fake_written(conn), &ours, &our_scratch, &len);
    const struct vector_row *answer = vector_answer(source->file, row);
    if (answered != (answer != NULL))
        differs(row, "answer", answered ? "yes" : "no", answer != NULL ? "yes" : "no");
    if (answered && answer != NULL) {
        size_t their_len;
        ck_assert(first_frame(env, answer->bytes, &theirs, &their_scratch, &their_len));
        compare_answer(row, &ours, &theirs);
        buf_deinit(&their_scratch);
    }
    if (answered)
        fake_consume(conn, len);
    ck_assert_uint_eq(fake_written(conn).len, 0);
    buf_deinit(&our_scratch);
}

/* The name server's own request 905 to the slave: expected to have left by the time of `row`. */
static void compare_notification(struct env *env, const struct vector_row *row) {
    static struct env_conn *slave;
    struct env_conn *dialled = fake_dialled(env, "127.0.0.1:29931");
    if (dialled != NULL) {
        slave = dialled;
        fake_dial_succeed(slave);
    }
    ck_assert_ptr_nonnull(slave);
    struct wire_command ours, theirs;
    struct buf our_scratch, their_scratch;
    size_t len;
    ck_assert(first_frame(env, fake_written(slave), &ours, &our_scratch, &len));
    fake_consume(slave, len);
    ck_assert(first_frame(env, row->bytes, &theirs, &their_scratch, &len));
    theirs.opaque = ours.opaque; /* of the name server's own count */
    compare_answer(row, &ours, &theirs);
    buf_deinit(&our_scratch);
    buf_deinit(&their_scratch);
}

static void replay_row(struct env *env, struct source *source, const struct vector_row *row) {
    if (vector_is_frame(row) && row->code == REQUEST_NOTIFY_MIN_BROKER_ID_CHANGE)
        compare_notification(env, row);
    if (strcmp(row->port, "namesrv") != 0 || !row->to_server)
        return;
    struct env_conn *conn = conn_of(env, source, row->conn);
    if (!fake_is_open(conn))
        return; /* we close a broken frame's connection at once, Apache's peer did so later */
    if (row->event != NULL)
        fake_peer_close(conn);
    else if (row->bad || (row->flag & WIRE_FLAG_RESPONSE) != 0)
        fake_deliver(conn, row->bytes);
    else
        replay_request(env, conn, source, row);
    ck_assert(namesrv_check(fake_node(env)));
}

static size_t load(const struct run *run, struct source *sources, struct item **items) {
    size_t count = 0;
    *items = NULL;
    for (size_t i = 0; run->files[i].name != NULL; i++) {
        struct vector_file *file = sources[i].file = vectors_load(run->files[i].name);
        *items = realloc(*items, (count + file->count) * sizeof **items);
        for (size_t k = 0; k < file->count; k++)
            (*items)[count++] =
                (struct item){run->files[i].offset_ms + file->rows[k].t_ms, i, &file->rows[k]};
    }
    qsort(*items, count, sizeof **items, compare_items);
    return count;
}

static void replay(const struct run *run) {
    struct source *sources = calloc(40, sizeof *sources);
    struct item *items;
    size_t count = load(run, sources, &items);
    struct env *env = fake_create();
    char config[1024];
    snprintf(config, sizeof config, "%s%s", run->config, cured ? "" : run->quirks);
    ck_assert_int_eq(fake_start_text(env, &namesrv_role, config), RMQ_OK);
    fake_advance_ms(env, 1000);
    int64_t now_ms = 0;
    for (size_t i = 0; i < count; i++) {
        if (items[i].at_ms > now_ms) {
            fake_advance_ms(env, (uint64_t)(items[i].at_ms - now_ms));
            now_ms = items[i].at_ms;
        }
        replay_row(env, &sources[items[i].source], items[i].row);
    }
    ck_assert_uint_eq(fake_dial_count(env, "127.0.0.1:29911"), 0); /* 905 goes to the slave only */
    fake_stop(env);
    fake_destroy(env);
    free(items);
    for (size_t i = 0; run->files[i].name != NULL; i++)
        vectors_free(sources[i].file);
    free(sources);
}

static const int32_t HANDLED[] = {100, 101, 102, 103, 104, 105, 106, 205, 206, 216, 217, 219,
                                  224, 304, 311, 312, 313, 318, 319, 322, 327, 901, 904};

static void report(void) {
    for (size_t i = 0; i < tally_count; i++)
        printf("request %4d %-36s %4u answers compared, %4u bodies byte for byte\n",
               (int)tallies[i].code, wire_request_name(tallies[i].code), tallies[i].compared,
               tallies[i].exact);
    for (size_t i = 0; i < sizeof HANDLED / sizeof HANDLED[0]; i++)
        if (tally_of(HANDLED[i])->compared == 0)
            printf("request %4d %-36s no answer was captured\n", (int)HANDLED[i],
                   wire_request_name(HANDLED[i]));
    for (size_t i = 0; i < DIFFERENCE_COUNT; i++)
        if (seen[i] > 0)
            printf("differs %4u times, %s: %s\n", seen[i], DIFFERENCES[i].field,
                   DIFFERENCES[i].reason);
}

static void replay_all(void) {
    unsigned total = 0;
    for (size_t i = 0; i < RUN_COUNT; i++)
        replay(&RUNS[i]);
    for (size_t i = 0; i < tally_count; i++)
        total += tallies[i].compared;
    report();
    printf("%u answers compared, quirks %s\n", total, cured ? "off" : "on");
    fflush(stdout);
    for (size_t i = 0; i < DIFFERENCE_COUNT; i++)
        ck_assert_msg(seen[i] > 0 || (is_cure(&DIFFERENCES[i]) && !cured), "no longer needed: %s",
                      DIFFERENCES[i].reason);
    ck_assert_uint_eq(failures, 0);
    ck_assert_uint_eq(total, ANSWERS);
}

START_TEST(test_replay__answers_as_apache) {
    replay_all();
}
END_TEST

START_TEST(test_replay__without_quirks_only_the_guard_is_missed) {
    cured = true;
    replay_all();
}
END_TEST

static Suite *codes_suite(void) {
    Suite *suite = suite_create("namesrv_codes");
    TCase *tests = suite_case(suite, "replay");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_replay__answers_as_apache);
    tcase_add_test(tests, test_replay__without_quirks_only_the_guard_is_missed);
    return suite;
}

int main(void) {
    return suite_run(codes_suite());
}
