/* test_frame.c - frames in both header serializations: what is accepted, refused, written. */
#define _GNU_SOURCE /* memmem */
#include <stdio.h>

#include "model/tests/env_fake.h"
#include "model/tests/suite.h"
#include "model/wire/frame.h"

static struct {
    struct env *env;
    struct buf scratch;
    struct buf frame;
    struct wire_command command;
    struct wire_error error;
} t;

static void setup(void) {
    memset(&t, 0, sizeof t);
    t.env = fake_create();
    buf_init(&t.scratch, t.env);
    buf_init(&t.frame, t.env);
}

static void teardown(void) {
    buf_deinit(&t.scratch);
    buf_deinit(&t.frame);
    fake_destroy(t.env);
}

#define ck_assert_span(span, text)                                                                 \
    ck_assert_msg(span_equal(span, span_of_text(text)) && !span_is_absent(span), "%.*s is not %s", \
                  (int)(span).len, (const char *)(span).data, text)

/* A frame around `header`, with `body` behind it. */
static void put_frame(uint8_t type, struct span header, struct span body) {
    buf_clear(&t.frame);
    buf_put_i32(&t.frame, (int32_t)(4 + header.len + body.len));
    buf_put_i32(&t.frame, (int32_t)((uint32_t)type << 24 | (uint32_t)header.len));
    buf_put_span(&t.frame, header);
    buf_put_span(&t.frame, body);
}

static int decode(void) {
    return wire_decode(buf_span(&t.frame), &t.scratch, &t.command, &t.error);
}

static int decode_json(const char *header) {
    put_frame(WIRE_JSON, span_of_text(header), SPAN_NONE);
    return decode();
}

static void encode(const struct wire_command *command) {
    buf_clear(&t.frame);
    ck_assert_int_eq(wire_encode(command, &t.frame), RMQ_OK);
}

/* The route query of wire.md 4: topic TopicA, opaque 7, language CPP, version 409. */
static void example(struct wire_command *command, enum wire_serialization serialization) {
    wire_command_init(command, 105);
    command->opaque = 7;
    command->version = 409;
    command->language = WIRE_LANGUAGE_CPP;
    command->serialization = serialization;
    ck_assert_int_eq(wire_field_add(command, SPAN_LITERAL("topic"), SPAN_LITERAL("TopicA")),
                     RMQ_OK);
}

static const uint8_t EXAMPLE[] = {
    0x00, 0x00, 0x00, 0x2a, 0x01, 0x00, 0x00, 0x26, 0x00, 0x69, 0x01, 0x01, 0x99, 0x00, 0x00, 0x00,
    0x07, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x11, 0x00, 0x05, 0x74,
    0x6f, 0x70, 0x69, 0x63, 0x00, 0x00, 0x00, 0x06, 0x54, 0x6f, 0x70, 0x69, 0x63, 0x41};

START_TEST(test_wire_encode__binary_is_the_worked_example) {
    struct wire_command command;
    example(&command, WIRE_BINARY);
    encode(&command);
    ck_assert(span_equal(buf_span(&t.frame), span_of(EXAMPLE, sizeof EXAMPLE)));
    ck_assert_int_eq(decode(), RMQ_OK);
    ck_assert_int_eq(t.command.code, 105);
    ck_assert_int_eq(t.command.opaque, 7);
    ck_assert_int_eq(t.command.version, 409);
    ck_assert_int_eq((int)t.command.language, WIRE_LANGUAGE_CPP);
    ck_assert_span(wire_field(&t.command, "topic"), "TopicA");
    ck_assert(span_is_absent(t.command.remark));
    ck_assert(span_is_absent(t.command.body));
    ck_assert(!t.command.opaque_missing);
}
END_TEST

START_TEST(test_wire_encode__json_is_what_java_writes) {
    static const char header[] = "{\"code\":105,\"extFields\":{\"topic\":\"TopicA\"},\"flag\":0,"
                                 "\"language\":\"JAVA\",\"opaque\":7,"
                                 "\"serializeTypeCurrentRPC\":\"JSON\",\"version\":409}";
    struct wire_command command;
    example(&command, WIRE_JSON);
    command.language = WIRE_LANGUAGE_JAVA;
    encode(&command);
    ck_assert_uint_eq(t.frame.len, 8 + sizeof header - 1);
    ck_assert_uint_eq(t.frame.len, 4 + 132); /* wire.md 4: L = 132 */
    ck_assert_mem_eq(t.frame.data, "\x00\x00\x00\x84\x00\x00\x00\x80", 8);
    ck_assert_mem_eq(t.frame.data + 8, header, sizeof header - 1);
}
END_TEST

START_TEST(test_wire_encode__escapes_as_fastjson_does) {
    static const char written[] =
        "\"remark\":\"\\\"\\\\\\b\\t\\n\\f\\r\\u0000\\u001F/\\u007F\\u0080\\u009F\xC2\xA0"
        "\xE2\x80\xA7\\u2028\\u2029\xF0\x9F\x98\x80\"";
    struct wire_command command;
    example(&command, WIRE_JSON);
    command.remark = SPAN_LITERAL("\"\\\b\t\n\f\r\0\x1F/\x7F\xC2\x80\xC2\x9F\xC2\xA0\xE2\x80\xA7"
                                  "\xE2\x80\xA8\xE2\x80\xA9\xF0\x9F\x98\x80");
    encode(&command);
    ck_assert_ptr_nonnull(memmem(t.frame.data, t.frame.len, written, sizeof written - 1));
    ck_assert_int_eq(decode(), RMQ_OK);
    ck_assert(span_equal(t.command.remark, command.remark));
}
END_TEST

/* Each byte at each position of a text as long as one and a half machine words. */
START_TEST(test_wire_encode__json_carries_every_ascii_byte) {
    struct wire_command command;
    uint8_t text[12];
    for (int byte = 0; byte < 0x80; byte++) {
        for (size_t at = 0; at < sizeof text; at++) {
            memset(text, 'x', sizeof text);
            text[at] = (uint8_t)byte;
            example(&command, WIRE_JSON);
            command.remark = span_of(text, sizeof text);
            encode(&command);
            ck_assert_int_eq(decode(), RMQ_OK);
            ck_assert(span_equal(t.command.remark, command.remark));
        }
    }
}
END_TEST

/* ---- round trip ----------------------------------------------------------------------------- */

static void full_command(struct wire_command *command, enum wire_serialization serialization) {
    example(command, serialization);
    command->code = -5;
    command->flag = WIRE_FLAG_RESPONSE | WIRE_FLAG_ONEWAY;
    command->opaque = INT32_MIN;
    command->version = -1;
    command->remark = SPAN_LITERAL("a \"quoted\" remark");
    command->body = SPAN_LITERAL("{\"body\":1}");
    ck_assert_int_eq(wire_field_add(command, SPAN_LITERAL("k\"1"), SPAN_LITERAL("v\n1")), RMQ_OK);
    ck_assert_int_eq(wire_field_add(command, SPAN_LITERAL("null"), SPAN_NONE), RMQ_OK);
    ck_assert_int_eq(wire_field_add(command, SPAN_NONE, SPAN_LITERAL("no key")), RMQ_OK);
    ck_assert_int_eq(wire_field_add(command, SPAN_LITERAL("k2"), SPAN_LITERAL("\xE4\xBD\xA0")),
                     RMQ_OK);
}

static void check_full(const struct wire_command *expected) {
    ck_assert_int_eq(t.command.code, expected->code);
    ck_assert_int_eq(t.command.flag, expected->flag);
    ck_assert_int_eq(t.command.opaque, expected->opaque);
    ck_assert_int_eq(t.command.version, expected->version);
    ck_assert_int_eq((int)t.command.language, (int)expected->language);
    ck_assert(span_equal(t.command.remark, expected->remark));
    ck_assert(span_equal(t.command.body, expected->body));
    ck_assert_uint_eq(t.command.field_count, 3);
    ck_assert_span(wire_field(&t.command, "topic"), "TopicA");
    ck_assert_span(wire_field(&t.command, "k\"1"), "v\n1");
    ck_assert_span(wire_field(&t.command, "k2"), "\xE4\xBD\xA0");
    ck_assert(t.command.has_fields);
}

START_TEST(test_wire_decode__gives_back_what_was_encoded) {
    struct wire_command command;
    full_command(&command, (enum wire_serialization)_i);
    encode(&command);
    ck_assert_int_eq(decode(), RMQ_OK);
    ck_assert_int_eq((int)t.command.serialization, _i);
    check_full(&command);
}
END_TEST

START_TEST(test_wire_encode__appends_and_head_leaves_the_body_out) {
    struct wire_command command;
    full_command(&command, (enum wire_serialization)_i);
    encode(&command);
    size_t whole = t.frame.len;
    buf_put_u8(&t.frame, 7);
    ck_assert_int_eq(wire_encode_head(&command, &t.frame), RMQ_OK);
    ck_assert_uint_eq(t.frame.len, 2 * whole + 1 - command.body.len);
    ck_assert_mem_eq(t.frame.data, t.frame.data + whole + 1, whole - command.body.len);
}
END_TEST

/* A frame that was cut, but whose length still says so much, is incomplete; one whose length was
 * corrected is refused or, where the body was cut, decodes. Never anything outside the frame. */
START_TEST(test_wire_decode__refuses_truncated_frames) {
    struct wire_command command;
    full_command(&command, (enum wire_serialization)_i);
    encode(&command);
    size_t whole = t.frame.len;
    size_t header_end = whole - command.body.len;
    size_t frame_len;
    for (size_t len = 0; len < whole; len++) {
        uint8_t *copy = malloc(len + 1); /* exact, for the address sanitizer */
        memcpy(copy, t.frame.data, len);
        struct span cut = span_of(copy, len);
        if (len < 4) {
            ck_assert_int_eq(wire_frame_length(cut, &frame_len), RMQ_E_AGAIN);
        } else {
            ck_assert_int_eq(wire_frame_length(cut, &frame_len), RMQ_OK);
            ck_assert_uint_eq(frame_len, whole);
        }
        ck_assert_int_eq(wire_decode(cut, &t.scratch, &t.command, &t.error), RMQ_E_INVALID);
        if (len >= 8) {
            copy[2] = (uint8_t)((len - 4) >> 8);
            copy[3] = (uint8_t)(len - 4);
            int err = wire_decode(cut, &t.scratch, &t.command, &t.error);
            ck_assert_int_eq(err, len >= header_end ? RMQ_OK : RMQ_E_INVALID);
        }
        free(copy);
    }
}
END_TEST

static bool is_inside(struct span span, struct span frame) {
    if (span.len == 0)
        return true;
    return (span.data >= frame.data && span.data + span.len <= frame.data + frame.len) ||
           (span.data >= t.scratch.data && span.data + span.len <= t.scratch.data + t.scratch.len);
}

/* A decoded command points into its frame and scratch only; a refusal says where. */
static void check_invariants(int err, struct span frame) {
    if (err != RMQ_OK) {
        ck_assert(err == RMQ_E_INVALID || err == RMQ_E_LIMIT);
        ck_assert_ptr_nonnull(t.error.expected);
        ck_assert_uint_le(t.error.offset, frame.len);
        return;
    }
    ck_assert_uint_le(t.command.field_count, WIRE_FIELDS_MAX);
    ck_assert(is_inside(t.command.remark, frame) && is_inside(t.command.body, frame));
    for (size_t i = 0; i < t.command.field_count; i++) {
        struct span value = t.command.fields[i].value;
        ck_assert(is_inside(t.command.fields[i].key, frame));
        ck_assert(is_inside(value, frame) || span_equal(value, SPAN_LITERAL("true")) ||
                  span_equal(value, SPAN_LITERAL("false")));
    }
}

START_TEST(test_wire_decode__survives_every_flipped_bit) {
    struct wire_command command;
    full_command(&command, (enum wire_serialization)_i);
    encode(&command);
    size_t accepted = 0;
    for (size_t bit = 0; bit < 8 * t.frame.len; bit++) {
        t.frame.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        int err = decode();
        check_invariants(err, buf_span(&t.frame));
        accepted += err == RMQ_OK;
        t.frame.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    ck_assert_uint_gt(accepted, 0);
    ck_assert_uint_lt(accepted, 8 * t.frame.len);
}
END_TEST

/* ---- the frame ------------------------------------------------------------------------------ */

START_TEST(test_wire_frame_length__bounds) {
    static const struct {
        const char *bytes;
        int err;
        size_t len;
    } cases[] = {
        {"\x00\x00\x00\x04", RMQ_OK, 8},      {"\x00\xff\xff\xfc", RMQ_OK, 16777216},
        {"\x00\xff\xff\xfd", RMQ_E_LIMIT, 0}, {"\x00\x00\x00\x03", RMQ_E_LIMIT, 0},
        {"\xff\xff\xff\xfb", RMQ_E_LIMIT, 0}, {"\x80\x00\x00\x00", RMQ_E_LIMIT, 0},
        {"\x16\x03\x01\x02", RMQ_E_LIMIT, 0}, /* a TLS handshake */
    };
    size_t len = 0;
    ck_assert_int_eq(wire_frame_length(span_of(cases[_i].bytes, 4), &len), cases[_i].err);
    ck_assert_uint_eq(len, cases[_i].len);
}
END_TEST

START_TEST(test_wire_decode__refuses_type_and_lengths) {
    struct wire_command command;
    example(&command, WIRE_BINARY);
    encode(&command);
    t.frame.data[4] = 2;
    ck_assert_int_eq(decode(), RMQ_E_INVALID);
    ck_assert_uint_eq(t.error.offset, 4);
    t.frame.data[4] = 1;
    t.frame.data[7]++;
    ck_assert_int_eq(decode(), RMQ_E_INVALID);
    ck_assert_str_eq(t.error.expected, "header within the frame");

    uint8_t *header = calloc(1, WIRE_HEADER_BYTES_MAX + 1);
    memset(header, ' ', WIRE_HEADER_BYTES_MAX + 1);
    header[0] = '{';
    header[1] = '}';
    put_frame(WIRE_JSON, span_of(header, WIRE_HEADER_BYTES_MAX), SPAN_NONE);
    ck_assert_int_eq(decode(), RMQ_OK);
    put_frame(WIRE_JSON, span_of(header, WIRE_HEADER_BYTES_MAX + 1), SPAN_NONE);
    ck_assert_int_eq(decode(), RMQ_E_LIMIT);
    free(header);
}
END_TEST

START_TEST(test_wire_encode__refuses_what_does_not_fit) {
    struct wire_command command;
    static uint8_t large[WIRE_FRAME_BYTES_MAX];
    memset(large, 'x', sizeof large);
    example(&command, WIRE_BINARY);
    buf_put_text(&t.frame, "kept");

    command.code = 200050;
    ck_assert_int_eq(wire_encode(&command, &t.frame), RMQ_E_RANGE);
    command.code = 105;
    command.version = 32768;
    ck_assert_int_eq(wire_encode(&command, &t.frame), RMQ_E_RANGE);
    command.version = 409;
    command.remark = span_of(large, WIRE_HEADER_BYTES_MAX);
    ck_assert_int_eq(wire_encode(&command, &t.frame), RMQ_E_LIMIT);
    command.remark = SPAN_NONE;
    command.body = span_of(large, WIRE_FRAME_BYTES_MAX - 8 - 38 + 1);
    ck_assert_int_eq(wire_encode(&command, &t.frame), RMQ_E_LIMIT);
    command.body = SPAN_NONE;
    ck_assert_int_eq(wire_field_add(&command, span_of(large, 32768), SPAN_LITERAL("v")), RMQ_OK);
    ck_assert_int_eq(wire_encode(&command, &t.frame), RMQ_E_LIMIT);
    ck_assert(span_equal(buf_span(&t.frame), SPAN_LITERAL("kept")));

    example(&command, WIRE_BINARY);
    command.body = span_of(large, WIRE_FRAME_BYTES_MAX - 8 - 38);
    encode(&command);
    ck_assert_uint_eq(t.frame.len, WIRE_FRAME_BYTES_MAX);
    ck_assert_int_eq(decode(), RMQ_OK);
    command.serialization = WIRE_JSON;
    command.body = SPAN_NONE;
    command.code = 200050;
    encode(&command);
    ck_assert_int_eq(decode(), RMQ_OK);
    ck_assert_int_eq(t.command.code, 200050);
}
END_TEST

START_TEST(test_wire_fields__at_most_64) {
    struct wire_command command;
    wire_command_init(&command, 1);
    command.serialization = (enum wire_serialization)_i;
    for (int i = 0; i < WIRE_FIELDS_MAX; i++)
        ck_assert_int_eq(wire_field_add(&command, SPAN_LITERAL("k"), SPAN_LITERAL("v")), RMQ_OK);
    ck_assert_int_eq(wire_field_add(&command, SPAN_LITERAL("k"), SPAN_LITERAL("v")), RMQ_E_LIMIT);
    encode(&command);
    ck_assert_int_eq(decode(), RMQ_OK);
    ck_assert_uint_eq(t.command.field_count, WIRE_FIELDS_MAX);

    /* One more, by hand. */
    if (_i == WIRE_BINARY) {
        buf_put(&t.frame, "\x00\x01k\x00\x00\x00\x01v", 8);
        t.frame.data[8 + 20] = (uint8_t)(t.frame.data[8 + 20] + 8);
        t.frame.data[7] = (uint8_t)(t.frame.data[7] + 8);
        t.frame.data[3] = (uint8_t)(t.frame.data[3] + 8);
    } else {
        struct buf header;
        buf_init(&header, t.env);
        buf_put_text(&header, "{\"extFields\":{");
        for (int i = 0; i <= WIRE_FIELDS_MAX; i++)
            buf_put_text(&header, i == 0 ? "\"k\":\"v\"" : ",\"k\":\"v\"");
        buf_put_text(&header, "}}");
        put_frame(WIRE_JSON, buf_span(&header), SPAN_NONE);
        buf_deinit(&header);
    }
    ck_assert_int_eq(decode(), RMQ_E_LIMIT);
    ck_assert_str_eq(t.error.expected, "64 fields at most");
}
END_TEST

START_TEST(test_wire_decode__scratch_without_memory) {
    ck_assert_int_eq(decode_json("{\"remark\":\"plain\"}"), RMQ_OK);
    buf_deinit(&t.scratch);
    buf_clear(&t.frame);
    static const char header[] = "{\"remark\":\"a\\nb\"}";
    put_frame(WIRE_JSON, span_of_text(header), SPAN_NONE);
    fake_fail_at(t.env, FAKE_FAIL_ALLOC, 1);
    ck_assert_int_eq(decode(), RMQ_E_NOMEM);
    ck_assert_int_eq(decode(), RMQ_OK);
    ck_assert_span(t.command.remark, "a\nb");
}
END_TEST

/* ---- the JSON header's reader (wire.md 3) --------------------------------------------------- */

START_TEST(test_json__defaults_for_missing_members) {
    ck_assert_int_eq(decode_json(" { } "), RMQ_OK);
    ck_assert_int_eq(t.command.code, 0);
    ck_assert_int_eq(t.command.flag, 0);
    ck_assert_int_eq(t.command.version, 0);
    ck_assert_int_eq((int)t.command.language, WIRE_LANGUAGE_JAVA);
    ck_assert(t.command.opaque_missing);
    ck_assert(span_is_absent(t.command.remark));
    ck_assert(!t.command.has_fields);
    ck_assert_uint_eq(t.command.field_count, 0);
}
END_TEST

START_TEST(test_json__takes_numbers_as_text_and_null_as_missing) {
    ck_assert_int_eq(decode_json("{\"code\":\"105\",\"flag\":null,\"opaque\":\"-7\",\"version\":"
                                 "\"409\",\"remark\":null,\"extFields\":null,\"language\":\"GO\"}"),
                     RMQ_OK);
    ck_assert_int_eq(t.command.code, 105);
    ck_assert_int_eq(t.command.flag, 0);
    ck_assert_int_eq(t.command.opaque, -7);
    ck_assert_int_eq(t.command.version, 409);
    ck_assert(!t.command.opaque_missing);
    ck_assert_int_eq((int)t.command.language, WIRE_LANGUAGE_GO);
    ck_assert_int_eq(decode_json("{\"opaque\":null}"), RMQ_OK);
    ck_assert(t.command.opaque_missing);
}
END_TEST

START_TEST(test_json__turns_ext_values_into_text) {
    ck_assert_int_eq(
        decode_json("{\"extFields\":{\"n\":3,\"f\":1.50,\"t\":true,\"o\":{\"z\":1},\"a\":[1, 2],"
                    "\"x\":null,\"e\":\"\",\"s\":\"\\u4f60\\n\",\"d\":\"1\",\"d\":\"2\"}}"),
        RMQ_OK);
    ck_assert_span(wire_field(&t.command, "n"), "3");
    ck_assert_span(wire_field(&t.command, "f"), "1.50");
    ck_assert_span(wire_field(&t.command, "t"), "true");
    ck_assert_span(wire_field(&t.command, "o"), "{\"z\":1}");
    ck_assert_span(wire_field(&t.command, "a"), "[1, 2]");
    ck_assert(span_is_absent(wire_field(&t.command, "x")));
    ck_assert_span(wire_field(&t.command, "e"), "");
    ck_assert_span(wire_field(&t.command, "s"), "\xE4\xBD\xA0\n");
    ck_assert_span(wire_field(&t.command, "d"), "2");
    ck_assert(span_is_absent(wire_field(&t.command, "absent")));
    ck_assert_uint_eq(t.command.field_count, 10);
}
END_TEST

/* Several escaped strings at once: none may overwrite another. */
START_TEST(test_json__keeps_all_unescaped_strings) {
    ck_assert_int_eq(decode_json("{\"remark\":\"r\\tr\",\"extFields\":{\"a\\nb\":\"c\\\\d\","
                                 "\"\\u0065\":\"\\\"\",\"plain\":\"\\/\"}}"),
                     RMQ_OK);
    ck_assert_span(t.command.remark, "r\tr");
    ck_assert_span(wire_field(&t.command, "a\nb"), "c\\d");
    ck_assert_span(wire_field(&t.command, "e"), "\"");
    ck_assert_span(wire_field(&t.command, "plain"), "/");
}
END_TEST

static uint64_t draw(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 20;
}

/* Pieces of headers, drawn: a blank in front sends a header past the quick reader to the general
 * one, and the same comes out, or the same error. */
START_TEST(test_json__quick_reader_agrees_with_the_general_one) {
    static const char *const pieces[] = {
        "a",        "Orders",
        "KEYS",     " ",
        "\\",       "\\\"",
        "\\\\",     "\\/",
        "\\b",      "\\f",
        "\\n",      "\\r",
        "\\t",      "\\u0001",
        "\\u0002",  "\\u007f",
        "\\u0000",  "\\u0080",
        "\\u4E2D",  "\\ud83d",
        "\\u001",   "\\uD83D\\uDE00",
        "\\u00g0",  "\\v",
        "\\0",      "\x7f",
        "\xC3\xA9", "\x01",
        "12345678", "\"",
        "",
    };
    enum { PIECES = sizeof pieces / sizeof pieces[0] };
    static const char *const between[] = {"\":\"", "\",\"k\":\"", "\"},\"remark\":\"", "\"}"};
    uint64_t state = 88172645463325252U;
    size_t read = 0, escaped = 0;
    for (int round = 0; round < 20000; round++) {
        struct buf header, spaced, scratch;
        struct wire_command general;
        struct wire_error error = {.expected = NULL};
        buf_init(&header, t.env);
        buf_init(&spaced, t.env);
        buf_init(&scratch, t.env);
        buf_put_text(&header, "{\"code\":310,\"extFields\":{\"");
        for (int part = 0; part < 4; part++) {
            /* mostly what is plain or decoded, so that whole headers come about */
            for (uint64_t left = draw(&state) % 16; left > 0; left--)
                buf_put_text(&header, pieces[draw(&state) % (draw(&state) % 8 == 0 ? PIECES : 17)]);
            buf_put_text(&header, between[part]);
        }
        put_frame(WIRE_JSON, buf_span(&header), SPAN_NONE);
        int err = decode();
        buf_put_i32(&spaced, (int32_t)t.frame.len - 3);
        buf_put_i32(&spaced, (int32_t)header.len + 1);
        buf_put_u8(&spaced, ' ');
        buf_put_span(&spaced, buf_span(&header));
        ck_assert_int_eq(wire_decode(buf_span(&spaced), &scratch, &general, &error), err);
        if (err != RMQ_OK) {
            ck_assert_uint_eq(t.error.offset + 1, error.offset);
        } else {
            read++;
            escaped += scratch.len > 0;
            ck_assert_uint_eq(t.scratch.len, scratch.len);
            ck_assert(span_equal(t.command.remark, general.remark));
            ck_assert_uint_eq(t.command.field_count, general.field_count);
            for (size_t i = 0; i < general.field_count; i++) {
                ck_assert(span_equal(t.command.fields[i].key, general.fields[i].key));
                ck_assert(span_equal(t.command.fields[i].value, general.fields[i].value));
            }
        }
        buf_deinit(&header);
        buf_deinit(&spaced);
        buf_deinit(&scratch);
    }
    ck_assert_uint_gt(read, 1000);
    ck_assert_uint_gt(escaped, 500);
    ck_assert_uint_lt(read, 19000);
}
END_TEST

START_TEST(test_json__ignores_unknown_members_in_any_order) {
    ck_assert_int_eq(decode_json("{\n \"x\" : {\"deep\":[1,{\"y\":null}]}, \"version\":1 ,\"z\":[],"
                                 "\"serializeTypeCurrentRPC\":\"ROCKETMQ\",\"code\":2}\n"),
                     RMQ_OK);
    ck_assert_int_eq(t.command.code, 2);
    ck_assert_int_eq(t.command.version, 1);
    ck_assert_int_eq((int)t.command.serialization, WIRE_JSON);
}
END_TEST

START_TEST(test_json__refuses) {
    static const struct {
        const char *header;
        size_t offset; /* in the header */
    } cases[] = {
        {"", 0},
        {"[]", 0},
        {"null", 0},
        {"not json", 0},
        {"{\"code\":1", 9},
        {"{\"code\":1}x", 10},
        {"{\"code\":1}{}", 10},
        {"{\"code\":1.5}", 8},
        {"{\"code\":true}", 8},
        {"{\"code\":\"x\"}", 8},
        {"{\"code\":2147483648}", 8},
        {"{\"extFields\":[]}", 13},
        {"{\"extFields\":\"\"}", 13},
        {"{\"extFields\":{\"a\":}}", 18},
        {"{\"language\":[]}", 12},
        {"{\"opaque\":{}}", 10},
        {"{\"remark\":\"\\ud800\"}", 10},
    };
    ck_assert_int_eq(decode_json(cases[_i].header), RMQ_E_INVALID);
    ck_assert_uint_eq(t.error.offset, 8 + cases[_i].offset);
    ck_assert_ptr_nonnull(t.error.expected);
}
END_TEST

START_TEST(test_json__language_by_name_or_ordinal) {
    char header[64];
    for (int i = 0; i <= WIRE_LANGUAGE_NODE_JS; i++) {
        const char *name = wire_language_name((enum wire_language)i);
        ck_assert_str_ne(name, "UNKNOWN");
        snprintf(header, sizeof header, "{\"language\":\"%s\"}", name);
        ck_assert_int_eq(decode_json(header), RMQ_OK);
        ck_assert_int_eq((int)t.command.language, i);
        snprintf(header, sizeof header, "{\"language\":%d}", i);
        ck_assert_int_eq(decode_json(header), RMQ_OK);
        ck_assert_int_eq((int)t.command.language, i);
    }
    static const char *const unknown[] = {"\"COBOL\"", "14", "-1", "null", "\"java\"", "\"\""};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        snprintf(header, sizeof header, "{\"language\":%s}", unknown[i]);
        ck_assert_int_eq(decode_json(header), RMQ_OK);
        ck_assert_int_eq((int)t.command.language, WIRE_LANGUAGE_UNKNOWN);
    }
    ck_assert_str_eq(wire_language_name(WIRE_LANGUAGE_UNKNOWN), "UNKNOWN");
}
END_TEST

/* ---- the binary header's reader (wire.md 4) ------------------------------------------------- */

#define FIXED "\x00\x69\x09\x01\x99\x00\x00\x00\x07\x00\x00\x00\x02" /* GO, oneway */
#define BINARY(text) SPAN_LITERAL(FIXED text)

START_TEST(test_binary__accepts) {
    put_frame(WIRE_BINARY,
              BINARY("\x00\x00\x00\x01r\x00\x00\x00\x1b"
                     "\x00\x01"
                     "a\x00\x00\x00\x01"
                     "1"
                     "\x00\x01"
                     "a\x00\x00\x00\x01"
                     "2"                         /* the last wins */
                     "\x00\x01n\x00\x00\x00\x00" /* empty is null */
                     "\x00\x00\x00\x00\x00\x00" /* nor a key */),
              SPAN_LITERAL("body"));
    t.frame.data[8 + 13 + 4 + 1 + 3] = 8 + 8 + 7 + 6;
    ck_assert_int_eq(decode(), RMQ_OK);
    ck_assert_int_eq((int)t.command.language, WIRE_LANGUAGE_GO);
    ck_assert_int_eq(t.command.flag, WIRE_FLAG_ONEWAY);
    ck_assert_span(t.command.remark, "r");
    ck_assert_span(t.command.body, "body");
    ck_assert_span(wire_field(&t.command, "a"), "2");
    ck_assert(span_is_absent(wire_field(&t.command, "n")));
    ck_assert_uint_eq(t.command.field_count, 4);

    put_frame(WIRE_BINARY, BINARY("\x00\x00\x00\x00\xff\xff\xff\xff"), SPAN_NONE);
    t.frame.data[8 + 2] = 99;
    ck_assert_int_eq(decode(), RMQ_OK); /* a negative map is none, an unknown language is kept so */
    ck_assert(!t.command.has_fields);
    ck_assert_int_eq((int)t.command.language, WIRE_LANGUAGE_UNKNOWN);
}
END_TEST

START_TEST(test_binary__refuses) {
    static const struct span cases[] = {
        BINARY("\x00\x00\x00\x00\x00\x00\x00"),                              /* a byte short */
        BINARY("\x00\x00\x00\x01\x00\x00\x00\x00"),                          /* remark too long */
        BINARY("\xff\xff\xff\xff\x00\x00\x00\x00"),                          /* negative remark */
        BINARY("\x00\x00\x00\x00\x00\x00\x00\x01"),                          /* map too long */
        BINARY("\x00\x00\x00\x00\x00\x00\x00\x00x"),                         /* bytes behind it */
        BINARY("\x00\x00\x00\x00\x00\x00\x00\x01\x00"),                      /* half a key length */
        BINARY("\x00\x00\x00\x00\x00\x00\x00\x03\x00\x01k"),                 /* no value length */
        BINARY("\x00\x00\x00\x00\x00\x00\x00\x07\x00\x02k\x00\x00\x00\x00"), /* key too long */
        BINARY("\x00\x00\x00\x00\x00\x00\x00\x07\xff\xffk\x00\x00\x00\x00"), /* negative key */
        BINARY("\x00\x00\x00\x00\x00\x00\x00\x07\x00\x01k\x00\x00\x00\x01"), /* value too long */
        BINARY("\x00\x00\x00\x00\x00\x00\x00\x07\x00\x01k\xff\xff\xff\xff"), /* negative value */
        BINARY("\x00\x00\x00\x00\xff\xff\xff\xffx"), /* bytes behind a negative map */
    };
    put_frame(WIRE_BINARY, cases[_i], SPAN_NONE);
    ck_assert_int_eq(decode(), RMQ_E_INVALID);
    ck_assert_ptr_nonnull(t.error.expected);
    ck_assert_uint_ge(t.error.offset, 8);
    ck_assert_uint_le(t.error.offset, t.frame.len);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("frame");
    TCase *tests = suite_case(suite, "frame");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_wire_encode__binary_is_the_worked_example);
    tcase_add_test(tests, test_wire_encode__json_is_what_java_writes);
    tcase_add_test(tests, test_wire_encode__escapes_as_fastjson_does);
    tcase_add_test(tests, test_wire_encode__json_carries_every_ascii_byte);
    tcase_add_loop_test(tests, test_wire_decode__gives_back_what_was_encoded, 0, 2);
    tcase_add_loop_test(tests, test_wire_encode__appends_and_head_leaves_the_body_out, 0, 2);
    tcase_add_loop_test(tests, test_wire_decode__refuses_truncated_frames, 0, 2);
    tcase_add_loop_test(tests, test_wire_decode__survives_every_flipped_bit, 0, 2);
    tcase_add_loop_test(tests, test_wire_frame_length__bounds, 0, 7);
    tcase_add_test(tests, test_wire_decode__refuses_type_and_lengths);
    tcase_add_test(tests, test_wire_encode__refuses_what_does_not_fit);
    tcase_add_loop_test(tests, test_wire_fields__at_most_64, 0, 2);
    tcase_add_test(tests, test_wire_decode__scratch_without_memory);
    tests = suite_case(suite, "json");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_json__defaults_for_missing_members);
    tcase_add_test(tests, test_json__takes_numbers_as_text_and_null_as_missing);
    tcase_add_test(tests, test_json__turns_ext_values_into_text);
    tcase_add_test(tests, test_json__keeps_all_unescaped_strings);
    tcase_add_test(tests, test_json__quick_reader_agrees_with_the_general_one);
    tcase_add_test(tests, test_json__ignores_unknown_members_in_any_order);
    tcase_add_loop_test(tests, test_json__refuses, 0, 17);
    tcase_add_test(tests, test_json__language_by_name_or_ordinal);
    tests = suite_case(suite, "binary");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_binary__accepts);
    tcase_add_loop_test(tests, test_binary__refuses, 0, 12);
    return suite_run(suite);
}
