/* namesrv/kv.h - the name server's KV store: namespace -> key -> value.
 *
 * Its file is files.h's. Namespaces and keys keep the order of their first put. Source:
 * namesrv.md 13. */
#ifndef MODEL_NAMESRV_KV_H
#define MODEL_NAMESRV_KV_H

#include "model/base/json.h"
#include "model/base/list.h"
#include "model/base/props.h"

#define KV_ORDER_TOPIC_CONFIG SPAN_LITERAL("ORDER_TOPIC_CONFIG") /* topic -> broker:queues;... */

struct kv {
    struct env *env;
    struct list namespaces; /* kv_namespace.link */
};

void kv_init(struct kv *kv, struct env *env);
void kv_deinit(struct kv *kv);
/* An absent value removes the key, as Apache's null does; the namespace exists from then on. */
int kv_put(struct kv *kv, struct span name, struct span key, struct span value) RMQ_CHECK_RESULT;
/* Absent when missing. Valid until the store changes. */
struct span kv_get(const struct kv *kv, struct span name, struct span key);
/* The namespace stays, perhaps empty. */
void kv_delete(struct kv *kv, struct span name, struct span key);
/* Appends {"table":{..}}, keys sorted. RMQ_E_NOT_FOUND: no such namespace. */
int kv_write_table(const struct kv *kv, struct span name, struct buf *out) RMQ_CHECK_RESULT;

/* Its file: {"configTable":{NAMESPACE:{KEY:VALUE}}}. */
void kv_write_file(const struct kv *kv, struct json_writer *json);
/* Fills an empty store with what `text` has. RMQ_E_INVALID with *error_offset: it is empty again;
 * RMQ_E_NOMEM: anything. */
int kv_read_file(struct kv *kv, struct span text, size_t *error_offset) RMQ_CHECK_RESULT;

#endif
