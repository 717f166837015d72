/* store_fixture.h - a store on the fake's disk, for tests: tiny files, puts and gets that are
 * waited for. */
#ifndef MODEL_TESTS_STORE_FIXTURE_H
#define MODEL_TESTS_STORE_FIXTURE_H

#include <check.h>
#include <stdio.h>

#include "model/base/props.h"
#include "model/store/store.h"
#include "model/tests/env_fake.h"

#define SF_LOG_BYTES 8192
#define SF_QUEUE_UNITS 100

struct arrival {
    char topic[64];
    int32_t queue_id;
    int64_t max_offset, tags_code;
};
struct store_fixture {
    struct env *env;
    struct store_config config;
    struct store *store;
    int opened; /* 1: not yet, else the status */
    bool closed;
    unsigned arrivals;
    struct arrival last;
};

static inline void sf_on_open(void *ctx, int status) {
    struct store_fixture *f = ctx;
    f->opened = status;
}
static inline void sf_on_closed(void *ctx) {
    struct store_fixture *f = ctx;
    f->closed = true;
}
static inline void sf_on_arrival(void *ctx, struct span topic, int32_t queue_id, int64_t max_offset,
                                 int64_t tags_code, struct span properties) {
    struct store_fixture *f = ctx;
    (void)properties;
    f->arrivals++;
    snprintf(f->last.topic, sizeof f->last.topic, "%.*s", (int)topic.len, (const char *)topic.data);
    f->last.queue_id = queue_id;
    f->last.max_offset = max_offset;
    f->last.tags_code = tags_code;
}

/* Tiny files: 8 KiB log files, 100 units, 5 slots and 4 entries. */
static inline void sf_config(struct store_fixture *f) {
    struct props props;
    struct span bad;
    props_init(&props, f->env);
    ck_assert_int_eq(store_config_read(&props, &f->config, &bad), RMQ_OK);
    props_deinit(&props);
    f->config.commit_log_file_bytes = SF_LOG_BYTES;
    f->config.queue_file_bytes = SF_QUEUE_UNITS * 20;
    f->config.index_slots = 5;
    f->config.index_entries = 4;
}

static inline void sf_settle(struct store_fixture *f) {
    for (unsigned i = 0; i < 60; i++) {
        fake_settle(f->env);
    }
}

static const struct store_handler sf_handler = {
    .on_open = sf_on_open, .on_arrival = sf_on_arrival, .on_closed = sf_on_closed};

/* Opens; f->opened says how it went. */
static inline void sf_open(struct store_fixture *f) {
    f->opened = 1;
    f->closed = false;
    f->store = NULL;
    ck_assert_int_eq(store_open(f->env, &f->config, &sf_handler, f, &f->store), RMQ_OK);
    sf_settle(f);
}

static inline void sf_begin(struct store_fixture *f) {
    memset(f, 0, sizeof *f);
    f->env = fake_create();
    sf_config(f);
    sf_open(f);
    ck_assert_int_eq(f->opened, RMQ_OK);
}

/* Clean stop. */
static inline void sf_close(struct store_fixture *f) {
    store_close(f->store);
    sf_settle(f);
    fake_advance_ms(f->env, 100);
    sf_settle(f);
    ck_assert(f->closed);
    store_free(f->store);
    f->store = NULL;
    sf_settle(f);
}

static inline void sf_end(struct store_fixture *f) {
    if (f->store != NULL) {
        sf_close(f);
    }
    fake_destroy(f->env);
}

/* ---- puts ---- */

struct sf_put {
    struct store_put put;
    bool done;
    enum put_status status;
};

static inline void sf_on_put(struct store_put *put, enum put_status status) {
    struct sf_put *p = RMQ_CONTAINER_OF(put, struct sf_put, put);
    p->done = true;
    p->status = status;
}

static inline struct message sf_message(const char *topic, int32_t queue_id, const char *body,
                                        const char *properties) {
    struct message message;
    memset(&message, 0, sizeof message);
    message.queue_id = queue_id;
    message.topic = span_of_text(topic);
    message.body = span_of_text(body);
    message.properties = span_of_text(properties);
    message.born_ms = 1700000000000;
    message.born_host = (struct message_host){{127, 0, 0, 1}, 4, 50000};
    return message;
}

/* Puts and waits; the result. */
static inline struct sf_put sf_put(struct store_fixture *f, const char *topic, int32_t queue_id,
                                   const char *body, const char *properties) {
    struct sf_put p;
    memset(&p, 0, sizeof p);
    struct message message = sf_message(topic, queue_id, body, properties);
    store_put(f->store, &message, false, &p.put, sf_on_put);
    for (unsigned i = 0; i < 50 && !p.done; i++) {
        fake_settle(f->env);
    }
    fake_settle(f->env);
    return p;
}

/* ---- deletions ---- */

struct sf_delete {
    struct store_delete operation;
    bool done;
    int status;
};

static inline void sf_on_delete(struct store_delete *operation, int status) {
    struct sf_delete *d = RMQ_CONTAINER_OF(operation, struct sf_delete, operation);
    d->done = true;
    d->status = status;
}

/* ---- gets ---- */

struct sf_get {
    struct store_get get;
    bool done;
    enum get_status status;
};

static inline void sf_on_get(struct store_get *get, enum get_status status) {
    struct sf_get *g = RMQ_CONTAINER_OF(get, struct sf_get, get);
    g->done = true;
    g->status = status;
}

/* Gets and waits; the caller frees g->get.records. */
static inline void sf_get_filtered(struct store_fixture *f, struct sf_get *g, const char *topic,
                                   int32_t queue_id, int64_t offset, uint32_t max_count,
                                   store_filter_fn *filter, void *filter_ctx) {
    memset(g, 0, sizeof *g);
    buf_init(&g->get.records, f->env);
    g->get.topic = span_of_text(topic);
    g->get.queue_id = queue_id;
    g->get.offset = offset;
    g->get.max_count = max_count;
    g->get.filter = filter;
    g->get.filter_ctx = filter_ctx;
    store_get(f->store, &g->get, sf_on_get);
    for (unsigned i = 0; i < 200 && !g->done; i++) {
        fake_settle(f->env);
    }
    ck_assert(g->done);
}

static inline void sf_get(struct store_fixture *f, struct sf_get *g, const char *topic,
                          int32_t queue_id, int64_t offset, uint32_t max_count) {
    sf_get_filtered(f, g, topic, queue_id, offset, max_count, NULL, NULL);
}

/* Record `index` of what was got. */
static inline struct message sf_record(const struct sf_get *g, unsigned index) {
    struct span rest = buf_span(&g->get.records);
    struct message message;
    for (;;) {
        ck_assert_int_eq(message_decode(rest, true, &message), MESSAGE_OK);
        if (index-- == 0) {
            return message;
        }
        rest = span_from(rest, message.size);
    }
}

#endif
