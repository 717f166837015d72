/* broker/groups.h - the subscription groups of one broker, and their data version.
 *
 * The built-in groups (broker.md 8) take no memory while they are as they were born. File:
 * subscriptionGroup.json. Invariants: G1: names are unique. G2: the version's counter grows by one
 * with each change, whose time is its timestamp. */
#ifndef MODEL_BROKER_GROUPS_H
#define MODEL_BROKER_GROUPS_H

#include "model/base/config_file.h"
#include "model/base/map.h"
#include "model/broker/config.h"
#include "model/wire/body_config.h"

#define GROUP_NAME_MAX 255

struct group_entry;

struct groups {
    struct env *env;
    uint64_t hash_key;
    const struct broker_config *config;
    struct group_entry *table; /* all but untouched built-in ones */
    int64_t version_counter;
    int64_t version_timestamp; /* wall ms */
    struct config_file file;
};

/* The built-in groups; version 0 of now. `config` outlives them. */
void groups_init(struct groups *groups, struct env *env, const struct broker_config *config);
/* Does nothing for one that is all zero. */
void groups_deinit(struct groups *groups);

/* NULL when missing. Valid until that group changes. */
const struct group *groups_find(const struct groups *groups, struct span name);
/* Finds it, or creates it where that is allowed (autoCreateSubscriptionGroup, system groups), which
 * saves the file. RMQ_E_NOT_FOUND (SUBSCRIPTION_GROUP_NOT_EXIST to the asker), RMQ_E_NOMEM. */
int groups_find_or_create(struct groups *groups, struct span name,
                          const struct group **out) RMQ_CHECK_RESULT;
/* Creates or replaces, and saves the file. RMQ_E_NOMEM: nothing changed. */
int groups_put(struct groups *groups, const struct group *group) RMQ_CHECK_RESULT;
/* Removes a group and saves the file. A built-in one is then as it was born. RMQ_E_NOT_FOUND: there
 * was nothing to remove. */
int groups_remove(struct groups *groups, struct span name) RMQ_CHECK_RESULT;
/* As topics_replace, of the answer to 201. */
int groups_replace(struct groups *groups, struct span body) RMQ_CHECK_RESULT;
size_t groups_count(const struct groups *groups);
/* Appends the file's content as compact JSON, the body of the answer to 201. RMQ_E_NOMEM. */
int groups_write_compact(const struct groups *groups, struct buf *out) RMQ_CHECK_RESULT;
/* Each group, the untouched built-in ones first. Nothing may change meanwhile. */
void groups_each(const struct groups *groups, void (*each)(void *ctx, const struct group *group),
                 void *ctx);

#endif
