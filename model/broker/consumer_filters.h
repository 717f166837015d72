/* broker/consumer_filters.h - what consumer groups filter by other than tags: one expression per
 * topic and group, compiled once (broker.md 16.3). File: consumerFilter.json.
 *
 * Heartbeats register; a topic that is no longer subscribed, and a group without members, make
 * their entries dead, which still serve pulls and are forgotten filterDataCleanTimeSpan later, when
 * they are looked at or the table is written.
 *
 * Differs: saved when something changed, not each 10 s; an entry of the file whose expression does
 * not compile is left out (Apache lets all messages through); order of entries: as registered. */
#ifndef MODEL_BROKER_CONSUMER_FILTERS_H
#define MODEL_BROKER_CONSUMER_FILTERS_H

#include "model/base/config_file.h"
#include "model/base/map.h"
#include "model/broker/config.h"
#include "model/filter/expression.h"
#include "model/wire/body_filter.h"

/* One group's filter of one topic. */
struct consumer_filter {
    UT_hash_handle hh;
    bool map_failed;
    struct filter_data data; /* its spans: behind this struct */
    struct expression *expression;
    uint32_t key_len;
    uint8_t key[]; /* group # topic, then expression and type */
};
struct consumer_filters {
    struct env *env;
    uint64_t hash_key;
    const struct broker_config *config;
    struct consumer_filter *table;
    struct config_file file;
};

/* `config` outlives it; hash_key is the node's. */
void consumer_filters_init(struct consumer_filters *filters, struct env *env, uint64_t hash_key,
                           const struct broker_config *config);
/* Does nothing for one that is all zero. */
void consumer_filters_deinit(struct consumer_filters *filters);

/* NULL when there is none. Valid until the next heartbeat or end of a connection. */
const struct consumer_filter *consumer_filters_find(struct consumer_filters *filters,
                                                    struct span topic, struct span group);
/* The group's heartbeat has been applied: its subscriptions replace what was registered. An
 * expression that does not compile is logged and leaves no entry. RMQ_E_NOMEM. */
struct client_group;
int consumer_filters_register(struct consumer_filters *filters,
                              const struct client_group *group) RMQ_CHECK_RESULT;
/* Compiles an expression of a type other than tags, which nothing registered. RMQ_E_INVALID (also
 * no such type), RMQ_E_LIMIT: *why has the remark; RMQ_E_NOMEM. The caller owns one reference. */
int consumer_filters_compile(const struct consumer_filters *filters, struct span type,
                             struct span text, struct expression **out,
                             struct buf *why) RMQ_CHECK_RESULT;
/* The group has no members any more. */
void consumer_filters_leave(struct consumer_filters *filters, struct span group);

#endif
