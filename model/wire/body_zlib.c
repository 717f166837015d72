/* wire/body_zlib.c - zlib streams (RFC 1950) with memory from the node's env. */
#include <zlib.h>

#include "model/env.h"
#include "model/wire/body_internal.h"

#define INFLATE_STEP_BYTES 4096

static voidpf allocate(voidpf env, uInt count, uInt size) {
    return env_alloc(env, (size_t)count * size);
}

static void release(voidpf env, voidpf pointer) {
    env_free(env, pointer);
}

static int refuse(struct wire_error *error, int err, size_t offset, const char *expected) {
    error->offset = offset;
    error->expected = expected;
    return err;
}

/* Inflates until the stream ends; the next error is told by its offset in the stream. */
static int inflate_all(z_stream *stream, struct buf *out, struct wire_error *error) {
    for (;;) {
        size_t room = out->len < INFLATE_STEP_BYTES ? INFLATE_STEP_BYTES : out->len; /* doubles */
        if (out->len == WIRE_FRAME_BYTES_MAX)
            return refuse(error, RMQ_E_LIMIT, stream->total_in, "16 MiB inflated at most");
        if (room > WIRE_FRAME_BYTES_MAX - out->len)
            room = WIRE_FRAME_BYTES_MAX - out->len;
        if (buf_reserve(out, room) != RMQ_OK)
            return refuse(error, RMQ_E_NOMEM, stream->total_in, "memory");
        stream->next_out = out->data + out->len;
        stream->avail_out = (uInt)room;
        int result = inflate(stream, Z_NO_FLUSH);
        out->len += room - stream->avail_out;
        if (result == Z_STREAM_END)
            return RMQ_OK;
        if (result == Z_MEM_ERROR)
            return refuse(error, RMQ_E_NOMEM, stream->total_in, "memory");
        if (result != Z_OK || (stream->avail_in == 0 && stream->avail_out > 0))
            return refuse(error, RMQ_E_INVALID, stream->total_in, "a whole zlib stream");
    }
}

int body_inflate(struct env *env, struct span stream, struct buf *out, struct wire_error *error) {
    z_stream state = {.zalloc = allocate,
                      .zfree = release,
                      .opaque = env,
                      .next_in = (Bytef *)(uintptr_t)stream.data,
                      .avail_in = (uInt)stream.len};
    if (inflateInit(&state) != Z_OK)
        return refuse(error, RMQ_E_NOMEM, 0, "memory");
    int err = inflate_all(&state, out, error);
    RMQ_IGNORE(inflateEnd(&state), "it only frees");
    return err;
}

int body_deflate(struct env *env, struct span bytes, int level, struct buf *out) {
    z_stream state = {.zalloc = allocate, .zfree = release, .opaque = env};
    if (deflateInit(&state, level) != Z_OK)
        return RMQ_E_NOMEM;
    uLong bound = deflateBound(&state, (uLong)bytes.len);
    int err = buf_reserve(out, bound);
    if (err == RMQ_OK) {
        state.next_in = (Bytef *)(uintptr_t)bytes.data;
        state.avail_in = (uInt)bytes.len;
        state.next_out = out->data + out->len;
        state.avail_out = (uInt)bound;
        int result = deflate(&state, Z_FINISH);
        RMQ_ASSERT(result == Z_STREAM_END); /* deflateBound promised the room */
        out->len += bound - state.avail_out;
    }
    RMQ_IGNORE(deflateEnd(&state), "it only frees");
    return err;
}
