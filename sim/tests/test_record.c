/* Records, the sink and the reader: round trip, cutting, damage at each byte, a full disk. */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sim/report/files.h"
#include "sim/tests/stream.h"

#define HEADER "{\"nodes\":[\"ns-1\",\"ns-2\",\"broker-a\",\"broker-b\",\"client-1\"]}"

static char path[64];

static void setup(void) {
    snprintf(path, sizeof path, "/tmp/test_record.XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void teardown(void) {
    unlink(path);
}

static struct stream recording(bool steps) {
    struct stream stream = {.sink = record_sink_open(path, HEADER, steps)};
    ck_assert_ptr_nonnull(stream.sink);
    return stream;
}

static struct record_log *reading(void) {
    const char *error;
    struct record_log *log = record_log_open(path, &error);
    ck_assert_msg(log != NULL, "%s", error);
    return log;
}

START_TEST(test_record__every_kind_survives_a_round_trip) {
    for (uint32_t kind = 0; kind < RECORD_STEP_END; kind++) {
        if (record_kind_name((uint16_t)kind) == NULL)
            continue;
        struct record record = {.kind = (uint16_t)kind,
                                .node = 7,
                                .incarnation = 3,
                                .node_sequence = 0x80000001,
                                .world_ns = UINT64_MAX - 1,
                                .mono_ns = 1,
                                .wall_ms = -5,
                                .field_count = record_kind_fields((uint16_t)kind)};
        for (size_t i = 0; i < record.field_count; i++)
            record.fields[i] = (struct event_value){record_field_type((uint16_t)kind, i),
                                                    SPAN_LITERAL("te\0xt"), UINT64_MAX - i};
        uint8_t bytes[1024];
        size_t size = record_size(&record);
        ck_assert_uint_le(size, sizeof bytes);
        record_encode(&record, bytes);
        struct record back;
        ck_assert(record_decode(span_of(bytes, size), &back));
        ck_assert_uint_eq(back.kind, kind);
        ck_assert_uint_eq(back.node, 7);
        ck_assert_uint_eq(back.incarnation, 3);
        ck_assert_uint_eq(back.node_sequence, 0x80000001);
        ck_assert_uint_eq(back.world_ns, UINT64_MAX - 1);
        ck_assert_uint_eq(back.mono_ns, 1);
        ck_assert_int_eq(back.wall_ms, -5);
        for (size_t i = 0; i < record.field_count; i++)
            if (record.fields[i].type == EVENT_TEXT)
                ck_assert(span_equal(back.fields[i].text, record.fields[i].text));
            else
                ck_assert_uint_eq(back.fields[i].number, record.fields[i].number);
        ck_assert(!record_decode(span_of(bytes, size - 1), &back));
        ck_assert_int_eq(record_kind_of_name(span_of_text(record_kind_name((uint16_t)kind))),
                         (int)kind);
    }
    ck_assert_ptr_null(record_kind_name(EVENT_KIND_COUNT));
    ck_assert_ptr_null(record_kind_name(RECORD_STEP_END));
    ck_assert_int_eq(record_kind_of_name(SPAN_LITERAL("route.nothing")), -1);
}
END_TEST

START_TEST(test_record_sink__what_is_put_is_read) {
    struct stream stream = recording(true);
    ck_assert(record_sink_wants_steps(stream.sink));
    stream_start(&stream);
    stream_run(&stream, 3000 * SECOND, 3);
    uint64_t count = record_sink_count(stream.sink), offset = 0, read = 0;
    ck_assert(record_sink_close(stream.sink));
    struct record_log *log = reading();
    struct record record;
    ck_assert_str_eq(record_log_header(log), HEADER);
    ck_assert_str_eq(record_log_node(log, 0), "world");
    ck_assert_str_eq(record_log_node(log, BROKER_A), "broker-a");
    ck_assert_str_eq(record_log_node(log, 6), "?");
    while (record_log_next(log, &record, &offset) == 1)
        read++;
    ck_assert_ptr_null(record_log_damage(log));
    ck_assert_uint_eq(read, count);
    ck_assert_uint_gt(read, 1000);
    record_log_close(log);
}
END_TEST

/* Cutting back to each number, then going on, gives the same file as never having gone further. */
START_TEST(test_record_sink_truncate__cuts_at_any_number) {
    size_t whole_len, cut_len;
    for (uint64_t count = 0; count <= 600; count += count < 20 ? 1 : 97) {
        struct stream stream = recording(false);
        for (uint64_t i = 0; i < count; i++)
            s_node_started(&stream, NS1, "namesrv", i % 3 == 0 ? "4.9" : "a longer text");
        struct stream kept = stream;
        ck_assert(record_sink_close(stream.sink));
        char *whole = file_read_whole(path, &whole_len);
        stream = recording(false);
        for (uint64_t i = 0; i < count; i++)
            s_node_started(&stream, NS1, "namesrv", i % 3 == 0 ? "4.9" : "a longer text");
        for (uint64_t i = 0; i < 700; i++)
            s_channel_opened(&stream, CLIENT, "somewhere", i);
        ck_assert(record_sink_truncate(stream.sink, count));
        ck_assert_uint_eq(record_sink_count(stream.sink), count);
        ck_assert(record_sink_close(stream.sink));
        char *cut = file_read_whole(path, &cut_len);
        ck_assert_uint_eq(cut_len, whole_len);
        ck_assert_mem_eq(cut, whole, whole_len);
        ck_assert_uint_eq(kept.sequence[NS1], count);
        free(cut);
        free(whole);
    }
}
END_TEST

START_TEST(test_record_sink_truncate__goes_on_afterwards) {
    struct stream stream = recording(false);
    for (int round = 0; round < 5; round++) {
        for (uint64_t i = 0; i < 300; i++)
            s_channel_opened(&stream, CLIENT, "somewhere", i);
        ck_assert(record_sink_truncate(stream.sink, (uint64_t)(round + 1) * 111));
    }
    ck_assert(record_sink_close(stream.sink));
    struct record_log *log = reading();
    struct record record;
    uint64_t offset, read = 0;
    while (record_log_next(log, &record, &offset) == 1)
        read++;
    ck_assert_uint_eq(read, 555);
    record_log_close(log);
}
END_TEST

/* A record larger than the sink's buffer. */
START_TEST(test_record_sink__takes_large_records) {
    struct stream stream = recording(false);
    size_t size = 600000;
    char *text = malloc(size + 1);
    memset(text, 'x', size);
    text[size] = '\0';
    s_channel_closed(&stream, CLIENT, "before", 0, "");
    s_channel_closed(&stream, CLIENT, text, 0, "");
    s_channel_closed(&stream, CLIENT, "after", 0, "");
    ck_assert(record_sink_close(stream.sink));
    struct record_log *log = reading();
    struct record record;
    uint64_t offset;
    ck_assert_int_eq(record_log_next(log, &record, &offset), 1);
    ck_assert_int_eq(record_log_next(log, &record, &offset), 1);
    ck_assert(span_equal(record_text(&record, 0), span_of_text(text)));
    ck_assert_int_eq(record_log_next(log, &record, &offset), 1);
    ck_assert(span_equal(record_text(&record, 0), SPAN_LITERAL("after")));
    record_log_close(log);
    free(text);
}
END_TEST

/* The file may not grow past 64 KiB: the run goes on, the close reports it, what is there reads. */
START_TEST(test_record_sink__reports_a_full_disk_at_close) {
    struct rlimit before, limit;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 65536;
    signal(SIGXFSZ, SIG_IGN);
    struct stream stream = recording(false);
    struct record record = {.kind = EVENT_node_stopping, .field_count = 1};
    record.fields[0] = (struct event_value){EVENT_TEXT, SPAN_LITERAL("a role with a name"), 0};
    /* Check writes to a file as well: nothing is asserted while the limit holds */
    int limited = setrlimit(RLIMIT_FSIZE, &limit);
    for (int i = 0; i < 20000; i++)
        record_sink_put(stream.sink, &record);
    bool truncated = record_sink_truncate(stream.sink, 10);
    uint64_t count = record_sink_count(stream.sink);
    errno = 0;
    bool closed = record_sink_close(stream.sink);
    int error = errno;
    setrlimit(RLIMIT_FSIZE, &before);
    ck_assert_int_eq(limited, 0);
    ck_assert_uint_eq(count, 20000);
    ck_assert(!truncated);
    ck_assert(!closed);
    ck_assert_int_eq(error, EFBIG);
    struct record_log *log = reading();
    uint64_t offset, read = 0;
    int got;
    while ((got = record_log_next(log, &record, &offset)) == 1)
        read++;
    ck_assert_int_eq(got, -1);
    ck_assert_uint_gt(read, 100);
    record_log_close(log);
}
END_TEST

START_TEST(test_record_sink__cannot_be_opened_where_there_is_no_directory) {
    ck_assert_ptr_null(record_sink_open("/nonexistent/events.bin", HEADER, false));
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

/* ---- damage ---- */

static char *write_small_log(size_t *len) {
    struct stream stream = recording(false);
    stream_up(&stream, NS1);
    stream_up(&stream, BROKER_A);
    ck_assert(record_sink_close(stream.sink));
    return file_read_whole(path, len);
}

/* Reads all there is; the number of whole records, -1 - offset's record on damage. */
static void read_all(void) {
    const char *error = NULL;
    struct record_log *log = record_log_open(path, &error);
    if (log == NULL) {
        ck_assert_ptr_nonnull(error);
        return;
    }
    struct record record;
    uint64_t offset = 0;
    int got;
    FILE *nowhere = fopen("/dev/null", "w");
    while ((got = record_log_next(log, &record, &offset)) == 1) {
        record_print(nowhere, log, &record);
        record_print_json(nowhere, log, &record);
    }
    fclose(nowhere);
    if (got < 0) {
        uint64_t again = 0;
        ck_assert_ptr_nonnull(record_log_damage(log));
        ck_assert_int_eq(record_log_next(log, &record, &again), -1);
        ck_assert_uint_eq(again, offset);
    }
    record_log_close(log);
}

START_TEST(test_record_log__survives_damage_at_each_byte) {
    size_t len;
    char *whole = write_small_log(&len);
    static const uint8_t flips[] = {0x01, 0x80, 0xff};
    for (size_t i = 0; i < len; i++)
        for (size_t f = 0; f < 3; f++) {
            whole[i] = (char)(whole[i] ^ flips[f]);
            ck_assert(file_write_whole(path, whole, len));
            read_all();
            whole[i] = (char)(whole[i] ^ flips[f]);
        }
    free(whole);
}
END_TEST

START_TEST(test_record_log__survives_a_cut_at_each_byte) {
    size_t len;
    char *whole = write_small_log(&len);
    for (size_t i = 0; i <= len; i++) {
        ck_assert(file_write_whole(path, whole, i));
        read_all();
    }
    free(whole);
}
END_TEST

START_TEST(test_record_log__says_where_the_damage_is) {
    size_t len;
    char *whole = write_small_log(&len);
    size_t first = strlen("windtunnel-events 1\n" HEADER "\n");
    ck_assert(file_write_whole(path, whole, len - 1));
    struct record_log *log = reading();
    struct record record;
    uint64_t offset;
    ck_assert_int_eq(record_log_next(log, &record, &offset), 1);
    ck_assert_uint_eq(offset, first);
    int got;
    while ((got = record_log_next(log, &record, &offset)) == 1)
        ;
    ck_assert_int_eq(got, -1);
    ck_assert_str_eq(record_log_damage(log), "cut off inside a record");
    ck_assert_uint_lt(offset, len);
    record_log_close(log);
    free(whole);
}
END_TEST

START_TEST(test_record_log_open__names_what_is_no_log) {
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {{"", "not an event log"},
                 {"hello\n", "not an event log"},
                 {"windtunnel-events 2\n{}\n", "an event log of another format version"},
                 {"windtunnel-events 1\n{", "the header line is cut off"},
                 {"windtunnel-events 1\n[]\n", "the header line is not a JSON object"},
                 {"windtunnel-events 1\n{\"nodes\":[\n", "the header line is not a JSON object"}};
    const char *error;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert(file_write_whole(path, cases[i].text, strlen(cases[i].text)));
        ck_assert_ptr_null(record_log_open(path, &error));
        ck_assert_str_eq(error, cases[i].error);
    }
    ck_assert_ptr_null(record_log_open("/nonexistent", &error));
    ck_assert_str_eq(error, "No such file or directory");
}
END_TEST

/* ---- text, clocks ---- */

static char *printed(struct record_log *log, const struct record *record, bool json) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (json)
        record_print_json(out, log, record);
    else
        record_print(out, log, record);
    fclose(out);
    return text;
}

START_TEST(test_record_print__quotes_what_does_not_print) {
    struct stream stream = recording(false);
    stream.now_ns = 61 * SECOND + 5;
    s_route_broker_evicted(&stream, NS1, "c", "bro\tker \"x\"", -1, "", "idle", 120 * SECOND);
    ck_assert(record_sink_close(stream.sink));
    struct record_log *log = reading();
    struct record record;
    uint64_t offset;
    ck_assert_int_eq(record_log_next(log, &record, &offset), 1);
    char *text = printed(log, &record, false);
    ck_assert_str_eq(text, "    61.000000005  ns-1           route.broker_evicted       cluster=c "
                           "broker=\"bro\\x09ker \\x22x\\x22\" broker_id=-1 addr=\"\" reason=idle "
                           "since_registration_ns=120000000000");
    free(text);
    text = printed(log, &record, true);
    ck_assert_str_eq(
        text, "{\"world_ns\":61000000005,\"mono_ns\":1061000000005,\"wall_ms\":1767225661000,"
              "\"node\":\"ns-1\",\"incarnation\":0,\"sequence\":1,\"kind\":"
              "\"route.broker_evicted\",\"cluster\":\"c\",\"broker\":\"bro\\u0009ker "
              "\\\"x\\\"\",\"broker_id\":-1,\"addr\":\"\",\"reason\":\"idle\","
              "\"since_registration_ns\":120000000000}");
    free(text);
    record_log_close(log);
}
END_TEST

/* A log of a real run has wall clocks only: time counts from its first record. */
START_TEST(test_record_log__derives_time_from_wall_clocks) {
    struct record_sink *sink = record_sink_open(path, "{\"clock\":\"wall\",\"nodes\":[]}", false);
    static const int64_t walls[] = {1000500, 1000750, 1000400};
    for (size_t i = 0; i < 3; i++) {
        struct record record = {.kind = EVENT_node_stopping, .wall_ms = walls[i]};
        record.field_count = 1;
        record.fields[0] = (struct event_value){EVENT_TEXT, SPAN_LITERAL("broker"), 0};
        record_sink_put(sink, &record);
    }
    ck_assert(record_sink_close(sink));
    struct record_log *log = reading();
    static const uint64_t expected[] = {0, 250000000, 0};
    for (size_t i = 0; i < 3; i++) {
        struct record record;
        uint64_t offset;
        ck_assert_int_eq(record_log_next(log, &record, &offset), 1);
        ck_assert_uint_eq(record.world_ns, expected[i]);
    }
    record_log_close(log);
}
END_TEST

STREAM_MAIN_FIXTURE(
    "record", setup, teardown, test_record__every_kind_survives_a_round_trip,
    test_record_sink__what_is_put_is_read, test_record_sink_truncate__cuts_at_any_number,
    test_record_sink_truncate__goes_on_afterwards, test_record_sink__takes_large_records,
    test_record_sink__reports_a_full_disk_at_close,
    test_record_sink__cannot_be_opened_where_there_is_no_directory,
    test_record_log__survives_damage_at_each_byte, test_record_log__survives_a_cut_at_each_byte,
    test_record_log__says_where_the_damage_is, test_record_log_open__names_what_is_no_log,
    test_record_print__quotes_what_does_not_print, test_record_log__derives_time_from_wall_clocks)
