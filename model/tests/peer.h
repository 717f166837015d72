/* peer.h - the other end of a fake connection, for tests of nodes: reads the frames a node wrote,
 * sends it requests and answers. Memory is a fake env of its own. */
#ifndef MODEL_TESTS_PEER_H
#define MODEL_TESTS_PEER_H

#include <check.h>
#include <stdlib.h>

#include "model/base/json.h"
#include "model/tests/env_fake.h"
#include "model/wire/codes.h"
#include "model/wire/frame.h"

struct peer {
    struct env_conn *conn;
    struct env *env; /* memory */
    struct buf frame;
    struct buf scratch;
};

static inline void peer_init(struct peer *peer, struct env_conn *conn) {
    ck_assert_ptr_nonnull(conn);
    peer->conn = conn;
    peer->env = fake_create();
    buf_init(&peer->frame, peer->env);
    buf_init(&peer->scratch, peer->env);
}

static inline void peer_deinit(struct peer *peer) {
    buf_deinit(&peer->frame);
    buf_deinit(&peer->scratch);
    fake_destroy(peer->env);
}

/* The node's dial to `address` succeeds. */
static inline void peer_accept(struct peer *peer, struct env *node, const char *address) {
    struct env_conn *conn = fake_dialled(node, address);
    if (conn == NULL)
        ck_abort_msg("nobody dialled %s", address);
    peer_init(peer, conn);
    fake_dial_succeed(conn);
}

/* Takes the next frame the node wrote; false when there is none. Valid until the next call. */
static inline bool peer_take(struct peer *peer, struct wire_command *out) {
    size_t len;
    struct wire_error error;
    struct span written = fake_written(peer->conn);
    if (written.len == 0)
        return false;
    ck_assert_int_eq(wire_frame_length(written, &len), RMQ_OK);
    ck_assert_uint_le(len, written.len);
    buf_clear(&peer->frame);
    buf_put(&peer->frame, written.data, len);
    fake_consume(peer->conn, len);
    ck_assert_int_eq(wire_decode(buf_span(&peer->frame), &peer->scratch, out, &error), RMQ_OK);
    return true;
}

/* The next frame, which must be request `code`. */
static inline void peer_expect(struct peer *peer, int32_t code, struct wire_command *out) {
    if (!peer_take(peer, out))
        ck_abort_msg("no frame, expected request %d", (int)code);
    ck_assert_int_eq(out->code, code);
    ck_assert_int_eq(out->flag & WIRE_FLAG_RESPONSE, 0);
}

static inline void peer_send(struct peer *peer, const struct wire_command *command) {
    struct buf bytes;
    buf_init(&bytes, peer->env);
    ck_assert_int_eq(wire_encode(command, &bytes), RMQ_OK);
    fake_deliver(peer->conn, buf_span(&bytes));
    buf_deinit(&bytes);
}

/* Answers `request` with `response`, of which code, remark, fields and body are set. */
static inline void peer_answer(struct peer *peer, const struct wire_command *request,
                               struct wire_command *response) {
    response->flag = WIRE_FLAG_RESPONSE;
    response->opaque = request->opaque;
    response->serialization = request->serialization;
    response->version = WIRE_VERSION_4_9_8;
    peer_send(peer, response);
}

static inline void peer_answer_body(struct peer *peer, const struct wire_command *request,
                                    int32_t code, const char *body) {
    struct wire_command response;
    wire_command_init(&response, code);
    response.body = span_of_text(body);
    peer_answer(peer, request, &response);
}

static inline void ck_assert_span_eq(struct span got, const char *want) {
    if (!span_equal(got, span_of_text(want)))
        ck_abort_msg("got \"%.*s\", expected \"%s\"", (int)got.len, (const char *)got.data, want);
}

#endif
