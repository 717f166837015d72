/* daemon/http.h - a small HTTP/1.1 server for GET: /metrics, /health.
 *
 * One request a connection, answered and closed; at most 32 connections, 4 KiB of request and 5 s
 * for it, so that no stranger can hold more than that. It lives in a node, and ends with it. */
#ifndef REAL_DAEMON_HTTP_H
#define REAL_DAEMON_HTTP_H

#include "model/base/list.h"
#include "model/env.h"

struct http_answer {
    int status;       /* 200 as given; 503, ... */
    const char *type; /* of the content */
    struct buf *body; /* empty; what is appended is sent */
};
/* Makes the answer to GET `path`. False: no such page (404). */
typedef bool http_page_fn(void *ctx, struct span path, struct http_answer *answer);

struct http {
    struct env *env;
    struct env_listener *listener;
    http_page_fn *page;
    void *ctx;
    struct list exchanges;
    size_t count;
};

/* In a handler of the node. Errors of env_listen. */
int http_start(struct http *http, struct env *env, uint16_t port, http_page_fn *page,
               void *ctx) RMQ_CHECK_RESULT;
/* Closes the port and all connections. Does nothing for one that was not started. */
void http_stop(struct http *http);

#endif
