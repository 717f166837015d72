/* os/net_output.c - bytes that wait for a socket. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "real/os/env_internal.h"

#define CHUNK_BYTES (16U << 10)
#define SPARE_CHUNKS_MAX 64
#define IOV_COUNT 64

static struct real_chunk *new_chunk(struct real_net *net, size_t len) {
    struct real_chunk *chunk = net->spare_chunks;
    if (len <= CHUNK_BYTES && chunk != NULL) {
        net->spare_chunks = chunk->next;
        net->spare_chunk_count--;
    } else {
        size_t capacity = len > CHUNK_BYTES ? len : CHUNK_BYTES;
        chunk = malloc(sizeof *chunk + capacity);
        if (chunk == NULL)
            return NULL;
        chunk->capacity = capacity;
    }
    chunk->next = NULL;
    chunk->start = chunk->end = 0;
    return chunk;
}

static void free_chunk(struct real_net *net, struct real_chunk *chunk) {
    if (chunk->capacity != CHUNK_BYTES || net->spare_chunk_count == SPARE_CHUNKS_MAX) {
        free(chunk);
        return;
    }
    chunk->next = net->spare_chunks;
    net->spare_chunks = chunk;
    net->spare_chunk_count++;
}

/* Copies spans from *offset of *span on while they fit; moves both on. */
static void fill(struct real_chunk *chunk, const struct span **span, const struct span *end,
                 size_t *offset) {
    while (*span < end) {
        size_t left = (*span)->len - *offset, room = chunk->capacity - chunk->end;
        size_t part = left < room ? left : room;
        if (part > 0)
            memcpy(chunk->bytes + chunk->end, (*span)->data + *offset, part);
        chunk->end += part;
        *offset += part;
        if (part < left)
            return;
        (*span)++;
        *offset = 0;
    }
}

int real_output_add(struct real_net *net, struct real_output *output, const struct span *spans,
                    size_t count, size_t total) {
    struct real_chunk *last = output->last, *more = NULL;
    size_t room = last == NULL ? 0 : last->capacity - last->end;
    if (total > room) { /* all memory first, so that all is written or nothing */
        more = new_chunk(net, total - room);
        if (more == NULL)
            return RMQ_E_NOMEM;
    }
    const struct span *span = spans, *end = spans + count;
    size_t offset = 0;
    if (last != NULL)
        fill(last, &span, end, &offset);
    if (more != NULL) {
        fill(more, &span, end, &offset);
        if (last == NULL) {
            output->first = more;
        } else {
            last->next = more;
        }
        output->last = more;
    }
    output->bytes += total;
    net->output_bytes += total;
    return RMQ_OK;
}

/* Takes `len` sent bytes off the front. */
static void consume(struct real_net *net, struct real_output *output, size_t len) {
    RMQ_ASSERT(len <= output->bytes);
    output->bytes -= len;
    net->output_bytes -= len;
    while (output->first != NULL) {
        struct real_chunk *chunk = output->first;
        size_t part = chunk->end - chunk->start;
        if (part > len) {
            chunk->start += len;
            return;
        }
        len -= part;
        output->first = chunk->next;
        free_chunk(net, chunk);
    }
    output->last = NULL;
}

static size_t gather(const struct real_output *output, struct iovec *iov) {
    size_t count = 0;
    for (struct real_chunk *chunk = output->first; chunk != NULL && count < IOV_COUNT;
         chunk = chunk->next) {
        iov[count++] = (struct iovec){chunk->bytes + chunk->start, chunk->end - chunk->start};
    }
    return count;
}

/* *all: the call was about everything that waits. */
static ssize_t send_once(const struct real_output *output, int fd, bool *all) {
    const struct real_chunk *first = output->first;
    if (first->next == NULL) {
        *all = true;
        return send(fd, first->bytes + first->start, first->end - first->start,
                    MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    struct iovec iov[IOV_COUNT];
    struct msghdr message = {.msg_iov = iov, .msg_iovlen = gather(output, iov)};
    *all = message.msg_iovlen < IOV_COUNT;
    return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int real_output_send(struct real_net *net, struct real_output *output, int fd) {
    while (output->bytes > 0) {
        bool all;
        ssize_t sent = send_once(output, fd, &all);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EWOULDBLOCK ? EAGAIN : errno;
        consume(net, output, (size_t)sent);
        if (all && output->bytes > 0)
            return EAGAIN; /* the socket is full: asking it again would say so */
    }
    return 0;
}

void real_output_drop(struct real_net *net, struct real_output *output) {
    consume(net, output, output->bytes);
}
