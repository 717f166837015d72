/* wire/frame.h - remoting frames: length, serialization type, header, body. Source: wire.md 2 to 4.
 *
 * Decoding is zero-copy: spans point into the frame, except JSON strings with escapes, which are
 * decoded into the command's scratch. Each frame is decoded by its own type byte. */
#ifndef MODEL_WIRE_FRAME_H
#define MODEL_WIRE_FRAME_H

#include "model/base/buf.h"

#define WIRE_FRAME_BYTES_MAX (16 * 1024 * 1024) /* whole frame, length field included */
#define WIRE_HEADER_BYTES_MAX (1024 * 1024)     /* Differs: Apache allows 16 MiB - 1 */
#define WIRE_FIELDS_MAX 64
#define WIRE_FLAG_RESPONSE 1
#define WIRE_FLAG_ONEWAY 2

enum wire_serialization { WIRE_JSON = 0, WIRE_BINARY = 1 }; /* the frame's type byte */

#define WIRE_LANGUAGES(X) \
    X(JAVA, 0)            \
    X(CPP, 1)             \
    X(DOTNET, 2)          \
    X(PYTHON, 3)          \
    X(DELPHI, 4)          \
    X(ERLANG, 5)          \
    X(RUBY, 6) X(OTHER, 7) X(HTTP, 8) X(GO, 9) X(PHP, 10) X(OMS, 11) X(RUST, 12) X(NODE_JS, 13)
enum wire_language {
#define WIRE_LANGUAGE_ENUM(name, number) WIRE_LANGUAGE_##name = number,
    WIRE_LANGUAGES(WIRE_LANGUAGE_ENUM)
#undef WIRE_LANGUAGE_ENUM
        WIRE_LANGUAGE_UNKNOWN = 255
};

/* Version ordinals that behaviour depends on (wire.md 6). */
enum {
    WIRE_VERSION_3_0_11 = 37,
    WIRE_VERSION_3_4_9 = 121, /* maxReconsumeTimes counts from here on */
    WIRE_VERSION_4_9_4 = 401,
    WIRE_VERSION_4_9_8 = 409,
    WIRE_VERSION_5_0_0 = 413,
    WIRE_VERSION_5_3_3 = 479
};

struct wire_field {
    struct span key;
    struct span value; /* absent: null */
};

/* One command, decoded or to be encoded. Does not own what its spans point to. */
struct wire_command {
    int32_t code; /* request or response code */
    int32_t flag;
    int32_t opaque;
    int32_t version;
    enum wire_language language;
    enum wire_serialization serialization;
    bool opaque_missing; /* JSON header without opaque */
    struct span remark;  /* absent when null */
    struct span body;
    bool has_fields; /* extFields present (perhaps empty); binary: ext length > 0 */
    size_t field_count;
    struct wire_field fields[WIRE_FIELDS_MAX]; /* in order of appearance; unknown ones kept */
};

/* Why a frame was refused: where (offset into the frame) and what was expected (static text). */
struct wire_error {
    size_t offset;
    const char *expected;
};

/* Length of the first frame in `bytes`: RMQ_OK and *frame_len when at least the length field is
 * there (the frame may still be incomplete), RMQ_E_AGAIN when not, RMQ_E_LIMIT for a length that is
 * negative, below 4 or above WIRE_FRAME_BYTES_MAX. */
int wire_frame_length(struct span bytes, size_t *frame_len) RMQ_CHECK_RESULT;

/* Decodes one whole frame. `scratch` (cleared here) holds unescaped strings and must outlive *out.
 * RMQ_E_INVALID, RMQ_E_LIMIT (header size, field count), RMQ_E_NOMEM; *error says where. */
int wire_decode(struct span frame, struct buf *scratch, struct wire_command *out,
                struct wire_error *error) RMQ_CHECK_RESULT;

/* Value of an ext field, the last one of that key; absent span when missing or null. */
struct span wire_field(const struct wire_command *command, const char *key);

void wire_command_init(struct wire_command *command, int32_t code);
/* Adds a field; both spans must outlive the encoding. RMQ_E_LIMIT. */
int wire_field_add(struct wire_command *command, struct span key,
                   struct span value) RMQ_CHECK_RESULT;

/* Appends the whole frame to `out`: header in command->serialization, then the body. A binary
 * header cannot carry a code or version outside i16: RMQ_E_RANGE. RMQ_E_LIMIT (header, key or frame
 * too long), RMQ_E_NOMEM. On error the content of `out` is unchanged.
 *
 * As Java writes it: fields with an absent key or value are left out, so is an unknown language in
 * JSON (a reader then takes JAVA); in binary an empty remark or value reads back as absent. */
int wire_encode(const struct wire_command *command, struct buf *out) RMQ_CHECK_RESULT;
/* The same without the body's bytes (the length counts them): for writing the body from where it
 * is. */
int wire_encode_head(const struct wire_command *command, struct buf *out) RMQ_CHECK_RESULT;

/* "JAVA", ..., "UNKNOWN". Static text. */
const char *wire_language_name(enum wire_language language);

#endif
