/* broker/clients.c - the tables of clients.h. Source: ConsumerManager.java, ConsumerGroupInfo.java,
 * ProducerManager.java of 4.9.8 and 5.3.3. */
#include "model/broker/clients.h"

#include "model/base/check.h"
#include "model/broker/consumer_filters.h"
#include "model/events.h"

#define SCAN_NS UINT64_C(10000000000)
#define EXPIRY_NS UINT64_C(120000000000)

/* ---- groups ---------------------------------------------------------------------------------- */

static struct client_group **table_of(struct clients *clients, bool is_producer) {
    return is_producer ? &clients->producers : &clients->consumers;
}

static struct client_group *find_group(const struct clients *clients, struct span name,
                                       bool is_producer) {
    uint64_t hash_key = clients->hash_key;
    struct client_group *table = is_producer ? clients->producers : clients->consumers;
    struct client_group *found = NULL;
    HASH_FIND(hh, table, name.data, name.len, found);
    return found;
}

const struct client_group *clients_find(const struct clients *clients, struct span group) {
    return find_group(clients, group, false);
}

const struct client_group *clients_find_producers(const struct clients *clients,
                                                  struct span group) {
    return find_group(clients, group, true);
}

static int add_group(struct clients *clients, struct span name, bool is_producer,
                     struct client_group **out) {
    struct env *env = clients->env;
    uint64_t hash_key = clients->hash_key;
    struct client_group **table = table_of(clients, is_producer);
    struct client_group *group = env_alloc(env, sizeof *group + name.len);
    if (group == NULL)
        return RMQ_E_NOMEM;
    *group = (struct client_group){.is_producer = is_producer};
    uint8_t *text = (uint8_t *)(group + 1);
    memcpy(text, name.data, name.len);
    group->name = span_of(text, name.len);
    list_init(&group->members);
    list_init(&group->subscriptions);
    HASH_ADD_KEYPTR(hh, *table, group->name.data, group->name.len, group);
    if (MAP_ADD_FAILED(group)) {
        env_free(env, group);
        return RMQ_E_NOMEM;
    }
    *out = group;
    return RMQ_OK;
}

static void free_subscription(struct clients *clients, struct client_subscription *subscription) {
    list_remove(&subscription->link);
    subscription_deinit(&subscription->compiled);
    env_free(clients->env, subscription);
}

/* C1 */
static void end_group(struct clients *clients, struct client_group *group) {
    struct env *env = clients->env;
    struct client_group **table = table_of(clients, group->is_producer);
    RMQ_ASSERT(list_is_empty(&group->members) && group->member_count == 0);
    LIST_EACH(&group->subscriptions, link, next)
    free_subscription(clients, LIST_ENTRY(link, struct client_subscription, link));
    RMQ_ASSERT(*table != NULL);
    HASH_DEL(*table, group);
    env_free(env, group);
}

/* ---- subscriptions --------------------------------------------------------------------------- */

const struct client_subscription *client_group_subscription(const struct client_group *group,
                                                            struct span topic) {
    LIST_EACH(&group->subscriptions, link, next) {
        struct client_subscription *each = LIST_ENTRY(link, struct client_subscription, link);
        if (span_equal(each->topic, topic))
            return each;
    }
    return NULL;
}

static struct span put_text(uint8_t **at, struct span text) {
    if (span_is_absent(text))
        return SPAN_NONE;
    struct span copy = span_of(*at, text.len);
    memcpy(*at, text.data, text.len);
    *at += text.len;
    return copy;
}

static int make_subscription(struct clients *clients, const struct heartbeat_subscription *given,
                             struct client_subscription **out) {
    size_t len = given->topic.len + given->expression.len + given->type.len;
    struct client_subscription *made = env_alloc(clients->env, sizeof *made + len);
    if (made == NULL)
        return RMQ_E_NOMEM;
    uint8_t *at = (uint8_t *)(made + 1);
    *made = (struct client_subscription){
        .version = given->version, .class_filter = given->class_filter, .listed = true};
    list_init(&made->link);
    made->topic = put_text(&at, given->topic);
    made->expression = put_text(&at, given->expression);
    made->type = put_text(&at, given->type);
    int err = subscription_parse(clients->env, made->expression, made->type, &made->compiled);
    if (err == RMQ_E_NOMEM) {
        env_free(clients->env, made);
        return err;
    }
    if (err != RMQ_OK)
        made->compiled = (struct subscription){.kind = SUBSCRIPTION_OTHER};
    *out = made;
    return RMQ_OK;
}

int clients_subscribe(struct clients *clients, struct client_group *group,
                      const struct heartbeat_subscription *subscription, bool *changed) {
    struct client_subscription *old =
        (struct client_subscription *)client_group_subscription(group, subscription->topic);
    struct client_subscription *made;
    *changed = false;
    if (old != NULL)
        old->listed = true;
    if (old != NULL && subscription->version <= old->version)
        return RMQ_OK;
    int err = make_subscription(clients, subscription, &made);
    if (err != RMQ_OK)
        return err;
    clients->changes++;
    *changed = old == NULL;
    list_insert_before(old == NULL ? &group->subscriptions : &old->link, &made->link);
    if (old != NULL)
        free_subscription(clients, old);
    return RMQ_OK;
}

void clients_list_begin(struct client_group *group) {
    LIST_EACH(&group->subscriptions, link, next)
    LIST_ENTRY(link, struct client_subscription, link)->listed = false;
}

bool clients_list_end(struct clients *clients, struct client_group *group) {
    bool removed = false;
    LIST_EACH(&group->subscriptions, link, next) {
        struct client_subscription *each = LIST_ENTRY(link, struct client_subscription, link);
        if (each->listed)
            continue;
        free_subscription(clients, each);
        removed = true;
    }
    clients->changes += removed;
    return removed;
}

/* ---- connections ----------------------------------------------------------------------------- */

static void on_scan(struct env *env, struct env_timer *timer);

static void arm_scan(struct clients *clients) {
    if (env_timer_armed(&clients->scan))
        return;
    uint64_t age = env_mono_ns(clients->env) - clients->start_ns;
    env_timer_start(clients->env, &clients->scan, SCAN_NS - age % SCAN_NS, on_scan);
}

static struct client_channel *find_client(const struct clients *clients,
                                          const struct channel *channel) {
    uint64_t hash_key = clients->hash_key;
    uint64_t id = channel_id(channel);
    struct client_channel *found = NULL;
    HASH_FIND(hh, clients->channels, &id, sizeof id, found);
    return found;
}

static int set_client_id(struct clients *clients, struct client_channel *client,
                         struct span client_id) {
    if (!span_is_absent(client->client_id) && span_equal(client->client_id, client_id))
        return RMQ_OK;
    uint8_t *text = env_alloc(clients->env, client_id.len + 1);
    if (text == NULL)
        return RMQ_E_NOMEM;
    memcpy(text, client_id.data, client_id.len);
    env_free(clients->env, (void *)client->client_id.data);
    client->client_id = span_of(text, client_id.len);
    clients->changes++;
    return RMQ_OK;
}

static void end_client(struct clients *clients, struct client_channel *client) {
    struct env *env = clients->env;
    RMQ_ASSERT(list_is_empty(&client->members));
    HASH_DEL(clients->channels, client);
    env_free(env, (void *)client->client_id.data);
    env_free(env, client);
    if (clients->channels == NULL) /* C2 */
        env_timer_stop(env, &clients->scan);
}

static int add_client(struct clients *clients, struct channel *channel,
                      struct client_channel **out) {
    struct env *env = clients->env;
    uint64_t hash_key = clients->hash_key;
    struct client_channel *client = env_alloc(env, sizeof *client);
    if (client == NULL)
        return RMQ_E_NOMEM;
    *client = (struct client_channel){.channel_id = channel_id(channel), .channel = channel};
    list_init(&client->members);
    HASH_ADD(hh, clients->channels, channel_id, sizeof client->channel_id, client);
    if (MAP_ADD_FAILED(client)) {
        env_free(env, client);
        return RMQ_E_NOMEM;
    }
    arm_scan(clients); /* C2 */
    *out = client;
    return RMQ_OK;
}

int clients_channel(struct clients *clients, struct channel *channel, struct span client_id,
                    struct client_channel **out) {
    struct client_channel *client = find_client(clients, channel);
    int err = client == NULL ? add_client(clients, channel, &client) : RMQ_OK;
    if (err != RMQ_OK)
        return err;
    err = set_client_id(clients, client, client_id);
    if (err != RMQ_OK)
        clients_drop_idle(clients, client);
    else
        *out = client;
    return err;
}

void clients_drop_idle(struct clients *clients, struct client_channel *client) {
    if (list_is_empty(&client->members))
        end_client(clients, client);
}

/* ---- members --------------------------------------------------------------------------------- */

const struct client_channel *client_group_client(const struct client_group *group,
                                                 struct span client_id) {
    LIST_EACH(&group->members, link, next) {
        const struct client_member *member = LIST_ENTRY(link, struct client_member, in_group);
        if (span_equal(member->client->client_id, client_id))
            return member->client;
    }
    return NULL;
}

const struct client_channel *clients_find_producer(const struct clients *clients,
                                                   struct span client_id) {
    for (const struct client_group *group = clients->producers; group != NULL;
         group = group->hh.next) {
        const struct client_channel *client = client_group_client(group, client_id);
        if (client != NULL)
            return client;
    }
    return NULL;
}

static struct client_member *find_member(const struct client_channel *client,
                                         const struct client_group *group) {
    LIST_EACH(&client->members, link, next) {
        struct client_member *member = LIST_ENTRY(link, struct client_member, in_channel);
        if (member->group == group)
            return member;
    }
    return NULL;
}

static int add_member(struct clients *clients, struct client_channel *client,
                      struct client_group *group, struct client_member **out) {
    struct client_member *member = env_alloc(clients->env, sizeof *member);
    if (member == NULL)
        return RMQ_E_NOMEM;
    *member = (struct client_member){.group = group, .client = client};
    list_append(&group->members, &member->in_group);
    list_append(&client->members, &member->in_channel);
    group->member_count++;
    clients->changes++;
    if (!group->is_producer)
        event_group_joined(clients->env, group->name, client->client_id, group->member_count);
    *out = member;
    return RMQ_OK;
}

int clients_join(struct clients *clients, struct client_channel *client, struct span group,
                 bool is_producer, struct client_group **out, bool *joined) {
    struct client_group *found = find_group(clients, group, is_producer);
    struct client_member *member = found == NULL ? NULL : find_member(client, found);
    *joined = member == NULL;
    if (found == NULL) {
        int err = add_group(clients, group, is_producer, &found);
        if (err != RMQ_OK)
            return err;
    }
    if (member == NULL) {
        int err = add_member(clients, client, found, &member);
        if (err != RMQ_OK) {
            if (found->member_count == 0)
                end_group(clients, found);
            return err;
        }
    }
    member->updated_ns = env_mono_ns(clients->env);
    *out = found;
    return RMQ_OK;
}

bool clients_refresh(struct clients *clients, const struct channel *channel, uint64_t body_hash,
                     uint64_t seen) {
    struct client_channel *client = find_client(clients, channel);
    if (client == NULL || client->body_hash != body_hash || client->seen != seen)
        return false;
    uint64_t now = env_mono_ns(clients->env);
    LIST_EACH(&client->members, link, next)
    LIST_ENTRY(link, struct client_member, in_channel)->updated_ns = now;
    return true;
}

/* Removes a member; its group stays, perhaps without members. */
static struct client_group *remove_member(struct clients *clients, struct client_member *member,
                                          const char *reason) {
    struct client_group *group = member->group;
    list_remove(&member->in_group);
    list_remove(&member->in_channel);
    group->member_count--;
    clients->changes++;
    if (!group->is_producer)
        event_group_left(clients->env, group->name, member->client->client_id, group->member_count,
                         span_of_text(reason));
    env_free(clients->env, member);
    return group;
}

/* Tells the rest, or ends the group. */
static void settle_group(struct clients *clients, struct client_group *group, bool notify) {
    if (group->member_count == 0 && !group->is_producer && clients->filters != NULL)
        consumer_filters_leave(clients->filters, group->name);
    if (group->member_count == 0)
        end_group(clients, group);
    else if (notify && !group->is_producer)
        clients_notify(clients, group);
}

void clients_leave(struct clients *clients, const struct channel *channel, struct span group,
                   bool is_producer, bool notify, const char *reason) {
    struct client_group *found = find_group(clients, group, is_producer);
    struct client_channel *client = find_client(clients, channel);
    struct client_member *member =
        found == NULL || client == NULL ? NULL : find_member(client, found);
    if (found == NULL)
        return;
    if (member != NULL)
        remove_member(clients, member, reason);
    settle_group(clients, found, notify);
    if (member != NULL)
        clients_drop_idle(clients, client);
}

void clients_channel_closed(struct clients *clients, const struct channel *channel) {
    struct client_channel *client = find_client(clients, channel);
    if (client == NULL)
        return;
    LIST_EACH(&client->members, link, next) {
        struct client_member *member = LIST_ENTRY(link, struct client_member, in_channel);
        settle_group(clients, remove_member(clients, member, "close"), true);
    }
    end_client(clients, client);
}

void clients_notify(struct clients *clients, const struct client_group *group) {
    const struct header_consumer_group header = {.consumer_group = group->name};
    if (!clients->config->notify_ids_changed ||
        (clients->config->profile_5_3 && group->model == MODEL_BROADCASTING))
        return;
    LIST_EACH(&group->members, link, next) {
        const struct client_member *member = LIST_ENTRY(link, struct client_member, in_group);
        struct wire_command notice;
        struct buf numbers = {0}; /* none */
        wire_command_init(&notice, REQUEST_NOTIFY_CONSUMER_IDS_CHANGED);
        int err = header_encode(&HEADER_consumer_group, &header, &notice, &numbers);
        RMQ_ASSERT(err == RMQ_OK); /* one text */
        RMQ_IGNORE(remoting_oneway_channel(clients->remoting, member->client->channel, &notice),
                   "its next rebalance is 20 s away at most");
    }
}

/* ---- expiry ---------------------------------------------------------------------------------- */

/* Takes one connection out of the groups it has been silent in; closes it if there was one. */
static void expire(struct clients *clients, struct client_channel *client, uint64_t now) {
    bool expired = false;
    LIST_EACH(&client->members, link, next) {
        struct client_member *member = LIST_ENTRY(link, struct client_member, in_channel);
        if (now - member->updated_ns <= EXPIRY_NS)
            continue;
        settle_group(clients, remove_member(clients, member, "expired"), false);
        expired = true;
    }
    if (expired)
        channel_close(client->channel, "expired"); /* clients_channel_closed follows */
}

static void on_scan(struct env *env, struct env_timer *timer) {
    struct clients *clients = RMQ_CONTAINER_OF(timer, struct clients, scan);
    struct client_channel *client, *following;
    uint64_t now = env_mono_ns(env);
    HASH_ITER(hh, clients->channels, client, following) {
        expire(clients, client, now);
    }
    if (clients->channels != NULL)
        arm_scan(clients);
}

/* ---- life ------------------------------------------------------------------------------------ */

void clients_init(struct clients *clients, struct env *env, const struct broker_config *config,
                  struct remoting *remoting) {
    *clients = (struct clients){.env = env,
                                .hash_key = env_random(env),
                                .config = config,
                                .remoting = remoting,
                                .start_ns = env_mono_ns(env)};
}

static void free_client(struct clients *clients, struct client_channel *client) {
    LIST_EACH(&client->members, link, next) {
        struct client_member *member = LIST_ENTRY(link, struct client_member, in_channel);
        struct client_group *group = member->group;
        list_remove(&member->in_group);
        list_remove(&member->in_channel);
        env_free(clients->env, member);
        if (--group->member_count == 0)
            end_group(clients, group);
    }
    end_client(clients, client);
}

void clients_deinit(struct clients *clients) {
    struct client_channel *client, *following;
    if (clients->env == NULL)
        return;
    HASH_ITER(hh, clients->channels, client, following) {
        free_client(clients, client);
    }
    env_timer_stop(clients->env, &clients->scan);
    *clients = (struct clients){0};
}
