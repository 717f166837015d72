/* broker/order_table.c - see order_table.h. Names are copied and sorted, so that tables of many
 * ordered topics meet brokers of many topics in n log n. */
#include "model/broker/order_table.h"

#include "model/base/check.h"
#include "model/base/sort.h"

struct order_name {
    size_t offset; /* in texts */
    size_t len;
};

struct order_table {
    struct buf texts;
    struct buf names; /* array of struct order_name */
};

static struct span name_at(const struct order_table *table, size_t index) {
    struct order_name name;
    memcpy(&name, table->names.data + index * sizeof name, sizeof name);
    return span_of(table->texts.data + name.offset, name.len);
}

static size_t name_count(const struct order_table *table) {
    return table->names.len / sizeof(struct order_name);
}

static int on_pair(void *ctx, struct span key, struct span value) {
    struct order_table *table = ctx;
    struct order_name name = {table->texts.len, key.len};
    RMQ_IGNORE(value.len == 0, "the broker looks at the keys only");
    buf_put_span(&table->texts, key);
    buf_put(&table->names, &name, sizeof name);
    return buf_failed(&table->texts) || buf_failed(&table->names) ? RMQ_E_NOMEM : RMQ_OK;
}

static int compare_names(const void *a, const void *b, void *ctx) {
    const struct order_table *table = ctx;
    struct order_name left, right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return span_compare(span_of(table->texts.data + left.offset, left.len),
                        span_of(table->texts.data + right.offset, right.len));
}

static bool is_ordered(void *ctx, struct span topic) {
    const struct order_table *table = ctx;
    size_t low = 0, high = name_count(table);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = span_compare(name_at(table, middle), topic);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

int order_table_apply(struct env *env, struct span body, struct topics *topics) {
    struct order_table table;
    struct buf scratch;
    struct wire_error error;
    buf_init(&table.texts, env);
    buf_init(&table.names, env);
    buf_init(&scratch, env);
    int err = kv_table_decode(body, &scratch, on_pair, &table, &error);
    if (err == RMQ_OK)
        err = sort_stable(env, table.names.data, name_count(&table), sizeof(struct order_name),
                          compare_names, &table);
    if (err == RMQ_OK)
        topics_set_order(topics, is_ordered, &table);
    buf_deinit(&scratch);
    buf_deinit(&table.names);
    buf_deinit(&table.texts);
    return err;
}
