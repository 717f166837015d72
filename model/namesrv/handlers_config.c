/* namesrv/handlers_config.c - the KV store and the configuration: 100, 101, 102, 219, 318, 319. */
#include "model/namesrv/namesrv_internal.h"

/* ---- KV, namesrv.md 13 ----------------------------------------------------------------------- */

int namesrv_on_put_kv(struct exchange *x) {
    struct header_put_kv_config header;
    if (!exchange_decode(x, &HEADER_put_kv_config, &header))
        return RMQ_OK;
    if (span_is_absent(header.namespace_) || span_is_absent(header.key))
        return exchange_fail(x, RESPONSE_SYSTEM_ERROR, "namespace or key is null");
    int err = kv_put(&x->ns->kv, header.namespace_, header.key, header.value);
    if (err == RMQ_OK)
        namesrv_files_save_kv(x->ns->files);
    return err;
}

static int no_item(struct exchange *x, struct span name) {
    exchange_fail(x, RESPONSE_QUERY_NOT_FOUND, "No config item, Namespace: ");
    buf_put_span(&x->ns->remark, name);
    return RMQ_OK;
}

int namesrv_on_get_kv(struct exchange *x) {
    struct header_kv_key header;
    if (!exchange_decode(x, &HEADER_kv_key, &header))
        return RMQ_OK;
    struct header_get_kv_config_response answer = {
        kv_get(&x->ns->kv, header.namespace_, header.key)};
    if (span_is_absent(answer.value)) {
        no_item(x, header.namespace_);
        buf_put_text(&x->ns->remark, " Key: ");
        buf_put_span(&x->ns->remark, header.key);
    }
    return exchange_encode(x, &HEADER_get_kv_config_response, &answer);
}

int namesrv_on_delete_kv(struct exchange *x) {
    struct header_kv_key header;
    if (!exchange_decode(x, &HEADER_kv_key, &header))
        return RMQ_OK;
    kv_delete(&x->ns->kv, header.namespace_, header.key);
    namesrv_files_save_kv(x->ns->files);
    return RMQ_OK;
}

int namesrv_on_list_kv(struct exchange *x) {
    struct header_kv_namespace header;
    if (!exchange_decode(x, &HEADER_kv_namespace, &header))
        return RMQ_OK;
    int err = kv_write_table(&x->ns->kv, header.namespace_, &x->ns->body);
    return err == RMQ_E_NOT_FOUND ? no_item(x, header.namespace_) : err;
}

/* ---- configuration, namesrv.md 14 ------------------------------------------------------------ */

static void fail_not_built(struct exchange *x, const struct props_entry *bad) {
    exchange_fail(x, RESPONSE_SYSTEM_ERROR, "");
    buf_put_span(&x->ns->remark, bad->key);
    buf_put_text(&x->ns->remark, "=");
    buf_put_span(&x->ns->remark, bad->value);
    buf_put_text(&x->ns->remark, ": not built yet: expected ");
    key_expectation(key_table_find(&NAMESRV_KEYS, bad->key), &x->ns->remark);
}

int namesrv_on_update_config(struct exchange *x) {
    struct namesrv *ns = x->ns;
    if (span_is_absent(x->request->body))
        return RMQ_OK;
    struct props changes;
    props_init(&changes, ns->env);
    const struct props_entry *bad = NULL;
    size_t error_line;
    int err = props_parse(&changes, x->request->body, &error_line);
    if (err == RMQ_OK)
        err = namesrv_config_update(&ns->config, &changes, &bad);
    if (bad != NULL)
        fail_not_built(x, bad);
    if (err == RMQ_OK && changes.count > 0)
        namesrv_files_save_config(ns->files);
    props_deinit(&changes);
    ns->table.options.delete_topic_with_registration = ns->config.delete_topic_with_registration;
    if (err == RMQ_E_STATE)
        return exchange_fail(x, RESPONSE_NO_PERMISSION, "Can not update config in black list.");
    if (err == RMQ_E_INVALID)
        return exchange_fail(x, RESPONSE_SYSTEM_ERROR, "string2Properties error");
    return err == RMQ_E_RANGE ? RMQ_OK : err;
}

int namesrv_on_get_config(struct exchange *x) {
    props_write(&x->ns->config.values, &x->ns->body);
    return RMQ_OK;
}
