/* daemon/http.c - see http.h. */
#include "real/daemon/http.h"

#include <stdio.h>

#include "model/base/buf.h"

#define EXCHANGES_MAX 32
#define REQUEST_BYTES_MAX 4096
#define REQUEST_NS UINT64_C(5000000000)

struct exchange {
    struct http *http;
    struct env_conn *conn;
    struct env_timer timer;
    struct list link;
    size_t len;
    char request[REQUEST_BYTES_MAX];
};

static void exchange_end(struct exchange *exchange) {
    struct http *http = exchange->http;
    env_timer_stop(http->env, &exchange->timer);
    if (exchange->conn != NULL)
        env_conn_close(exchange->conn);
    list_remove(&exchange->link);
    http->count--;
    env_free(http->env, exchange);
}

static void on_time(struct env *env, struct env_timer *timer) {
    RMQ_IGNORE(env == NULL, "of the exchange");
    exchange_end(RMQ_CONTAINER_OF(timer, struct exchange, timer));
}

static void on_close(struct env_conn *conn, void *ctx, int reason) {
    struct exchange *exchange = ctx;
    RMQ_IGNORE(conn == NULL || reason != RMQ_OK, "nothing to tell anybody");
    exchange->conn = NULL;
    exchange_end(exchange);
}

static const char *status_text(int status) {
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    default:
        return "Service Unavailable";
    }
}

static void send_answer(struct exchange *exchange, int status, const char *type, struct span body,
                        bool with_body) {
    char head[256];
    int len = snprintf(head, sizeof head,
                       "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s"
                       "Connection: close\r\n\r\n",
                       status, status_text(status), type, body.len,
                       status == 405 ? "Allow: GET, HEAD\r\n" : "");
    struct span parts[] = {span_of(head, (size_t)len), body};
    RMQ_IGNORE(env_conn_write(exchange->conn, parts, with_body && body.len > 0 ? 2 : 1),
               "too slow or gone: it is closed");
    exchange_end(exchange);
}

/* "GET /path?query HTTP/1.1": the parts, or false. */
static bool parse_line(struct span text, struct span *method, struct span *path) {
    struct span rest = text, version;
    if (!span_next_part(&rest, ' ', method) || !span_next_part(&rest, ' ', path) ||
        !span_next_part(&rest, ' ', &version) || rest.len > 0)
        return false;
    for (size_t i = 0; i < path->len; i++) {
        if (path->data[i] == '?')
            path->len = i;
    }
    return path->len > 0 && path->data[0] == '/' &&
           span_starts_with(version, SPAN_LITERAL("HTTP/1."));
}

static void answer(struct exchange *exchange, size_t line_len) {
    struct span method, path;
    struct http *http = exchange->http;
    static const char PLAIN[] = "text/plain; charset=utf-8";
    if (!parse_line(span_of(exchange->request, line_len), &method, &path)) {
        send_answer(exchange, 400, PLAIN, SPAN_LITERAL("expected: GET PATH HTTP/1.1\n"), true);
        return;
    }
    bool head = span_equal(method, SPAN_LITERAL("HEAD"));
    if (!head && !span_equal(method, SPAN_LITERAL("GET"))) {
        send_answer(exchange, 405, PLAIN, SPAN_LITERAL("only GET and HEAD\n"), true);
        return;
    }
    struct buf body;
    buf_init(&body, http->env);
    struct http_answer made = {.status = 200, .type = PLAIN, .body = &body};
    if (!http->page(http->ctx, path, &made))
        send_answer(exchange, 404, PLAIN, SPAN_LITERAL("no such page\n"), !head);
    else if (buf_failed(&body))
        send_answer(exchange, 503, PLAIN, SPAN_LITERAL("out of memory\n"), !head);
    else
        send_answer(exchange, made.status, made.type, buf_span(&body), !head);
    buf_deinit(&body);
}

/* The end of the header, and of its first line. */
static bool header_is_complete(const struct exchange *exchange, size_t *line_len) {
    struct span text = span_of(exchange->request, exchange->len);
    *line_len = SIZE_MAX;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != '\n')
            continue;
        bool carriage_return = i > 0 && text.data[i - 1] == '\r';
        if (*line_len == SIZE_MAX)
            *line_len = i - (carriage_return ? 1 : 0);
        if ((i + 1 < text.len && text.data[i + 1] == '\n') ||
            (i + 2 < text.len && text.data[i + 1] == '\r' && text.data[i + 2] == '\n'))
            return true;
    }
    return false;
}

static void on_data(struct env_conn *conn, void *ctx, struct span bytes) {
    struct exchange *exchange = ctx;
    size_t line_len;
    RMQ_IGNORE(conn != exchange->conn, "it is");
    if (bytes.len > sizeof exchange->request - exchange->len) {
        exchange_end(exchange);
        return;
    }
    span_copy((uint8_t *)exchange->request + exchange->len, bytes);
    exchange->len += bytes.len;
    if (header_is_complete(exchange, &line_len))
        answer(exchange, line_len);
}

static const struct env_conn_handler HANDLER = {.on_data = on_data, .on_close = on_close};

static void on_accept(struct env_listener *listener, void *ctx, struct env_conn *conn) {
    struct http *http = ctx;
    RMQ_IGNORE(listener != http->listener, "the only one");
    struct exchange *exchange =
        http->count >= EXCHANGES_MAX ? NULL : env_alloc(http->env, sizeof *exchange);
    if (exchange == NULL) {
        env_conn_close(conn);
        return;
    }
    memset(exchange, 0, sizeof *exchange);
    exchange->http = http;
    exchange->conn = conn;
    list_append(&http->exchanges, &exchange->link);
    http->count++;
    env_conn_bind(conn, &HANDLER, exchange);
    env_timer_start(http->env, &exchange->timer, REQUEST_NS, on_time);
}

int http_start(struct http *http, struct env *env, uint16_t port, http_page_fn *page, void *ctx) {
    *http = (struct http){.env = env, .page = page, .ctx = ctx};
    list_init(&http->exchanges);
    int err = env_listen(env, port, on_accept, http, &http->listener);
    if (err != RMQ_OK)
        http->env = NULL;
    return err;
}

void http_stop(struct http *http) {
    if (http->env == NULL)
        return;
    env_listener_close(http->listener);
    LIST_EACH(&http->exchanges, link, next) {
        exchange_end(LIST_ENTRY(link, struct exchange, link));
    }
    http->env = NULL;
}
